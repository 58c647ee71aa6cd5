//! A row of units below the header: `,,h,GB`.
//!
//! It is one where the first row names nothing and holds nothing but words in columns of amounts. What it
//! says is taken like a unit in the header, so that it is checked against the unit of each component.

use std::sync::Arc;

use crate::domain::{fold, visible};
use crate::findings::{Code, Finding, RowIndex};
use crate::parse::total_words::is_total;
use crate::parse::{Cell, CellKind, RawRow};

use super::header::Shape;
use super::{Parser, State};

/// Characters of a unit.
const LONGEST: usize = 24;

/// What may head such a row.
const HEADS: [&str; 9] =
    ["unit", "units", "measuredunit", "einheit", "einheiten", "unité", "unidad", "unità", "enhet"];

impl Parser<'_> {
    /// Takes a row of units; whether it is one.
    pub(super) fn units_row(&mut self, raw: &RawRow, row: RowIndex) -> bool {
        let State::Reading(reading) = &mut self.state else { return false };
        let table = self.parsed.tables[reading.table].clone();
        let mut units: Vec<(usize, &str)> = Vec::new();
        for (column, cell) in raw.cells().enumerate().filter(|(_, cell)| !cell.is_blank()) {
            let is_amount = reading.amounts.column == Some(column)
                || reading.open.get(column).copied().flatten().is_some();
            let header = table.headers.get(column).map_or("", |header| header.as_ref());
            match unit(cell) {
                _ if column == 0 && HEADS.contains(&fold(cell.text).as_str()) => {}
                Some(unit) if is_amount && !header.is_empty() && agrees(header, unit) => {
                    units.push((column, unit));
                }
                _ => return false,
            }
        }
        if units.is_empty() {
            return false;
        }
        let told: Vec<String> =
            units.iter().map(|(column, unit)| format!("{} in {unit}", table.headers[*column])).collect();
        for (column, unit) in units {
            match (reading.shape, reading.open[column]) {
                (Shape::Wide, Some(open)) => {
                    let header = &mut self.parsed.open_columns[open].header;
                    if !header.ends_with([')', ']']) {
                        *header = format!("{header} ({unit})").into();
                    }
                }
                (Shape::Long | Shape::Wide, _) => reading.unit_below = Some(Arc::from(unit)),
            }
        }
        self.parsed.fates.filtered(row);
        let found = visible(&told.join(", ")).to_string();
        let expected =
            "rows of usage; the amounts are taken in these units, which have to be the components'";
        self.findings.push(Finding::new(Code::UnitsRow, found, expected).at(raw.whole()));
        true
    }
}

/// The unit in a cell, without brackets around it.
fn unit(cell: Cell<'_>) -> Option<&str> {
    let text = cell.text;
    let bare = [('(', ')'), ('[', ']')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
        .unwrap_or(text)
        .trim();
    let is_unit = cell.kind == CellKind::Text
        && bare.chars().count() <= LONGEST
        && bare.starts_with(|one: char| one.is_alphabetic() || one == '°')
        && bare.split_whitespace().count() <= 2
        && !bare.contains(['(', ')', '[', ']', ':', ';', ','])
        && !is_total(bare);
    is_unit.then_some(bare)
}

/// Whether a header has no unit, or this one.
fn agrees(header: &str, unit: &str) -> bool {
    let own = [('(', ')'), ('[', ']')]
        .into_iter()
        .find_map(|(open, close)| Some(header.trim().strip_suffix(close)?.rsplit_once(open)?.1));
    own.is_none_or(|own| own.trim() == unit)
}
