//! Lines that hold one text and nothing else, or a label and what it is of: headings among the rows, notes
//! and signatures below them.
//!
//! The law kept here: such a line has no amount, so none is lost with it. Below the last row it is a note,
//! unless the server has a resource of that name; among the rows it could be one that lacks the rest, so it
//! stays faulty, and is told for what it looks like.

use std::sync::Arc;

use crate::domain::OfferingId;
use crate::findings::{Code, Finding, RowIndex};
use crate::mapping::Field;
use crate::parse::draft::RowDraft;
use crate::parse::{Cell, CellKind, Note, ParsedTable, RawRow, ResourceName, cells};

use super::{Parser, Reading, State};

/// What is said of a line that looks like a heading or a note.
pub const HEADING: &str = "the line looks like a heading or a note: take it out, or write it above the header or \
                           below the last row, where notes are left out; if it is a row, fill in its other cells";

/// The lines of one text below the last row, as far as the table was read.
#[derive(Debug, Default)]
pub struct LoneLines {
    below: Vec<u32>,
    has_rows: bool,
}

impl LoneLines {
    /// Whether a line is one of those below the last row.
    pub fn is_below(&self, number: u32) -> bool {
        self.has_rows && self.below.binary_search(&number).is_ok()
    }
}

impl Reading {
    /// Remembers a line that may be a note below the rows.
    pub(super) fn note_lone(&mut self, raw: &RawRow) {
        if raw.is_blank() {
            return;
        }
        if self.lone(raw).is_some() {
            self.lines.below.push(raw.number());
        } else {
            self.lines.below.clear();
            self.lines.has_rows = true;
        }
    }

    /// The column of the only text of a row, where it stands in none of amounts, months or components; or of
    /// the label that a row begins with, such as `Prepared by:`, where it has no amount and no component.
    pub(super) fn lone(&self, raw: &RawRow) -> Option<usize> {
        let mut filled = raw.cells().enumerate().filter(|(_, cell)| !cell.is_blank());
        let (column, cell) = filled.next()?;
        if cell.kind != CellKind::Text || column >= self.open.len() {
            return None;
        }
        let is_label = cell.text.ends_with(':');
        // Whatever is neither a name nor a month may have been meant as an amount.
        let is_of_names = |column: usize| {
            column < self.open.len() && self.open[column].is_none() && self.amounts.column != Some(column)
        };
        let mut others = filled.map(|(column, _)| column);
        if !others.all(|column| is_label && is_of_names(column) && !self.keys.is_component(column)) {
            return None;
        }
        // Whatever starts with a digit may have been meant as an amount, a month or an id.
        let first = cell.text.chars().find(|one| one.is_alphanumeric())?;
        let is_of_figures = self.keys.is_component(column)
            || self.keys.is_period(column)
            || self.amounts.column == Some(column)
            || self.open[column].is_some() && column > 0;
        (!first.is_numeric() && !is_of_figures).then_some(column)
    }
}

impl Parser<'_> {
    /// Takes a line of one text that lacks what a row needs: a note below the rows, or a faulty row.
    pub(super) fn lone_line(
        &mut self,
        draft: RowDraft<'_>,
        column: usize,
        resource: Arc<ResourceName>,
        offering: Option<OfferingId>,
    ) {
        let State::Reading(reading) = &self.state else { return };
        let (row, number) = (draft.row, draft.raw.number());
        if reading.lines.is_below(number) {
            let note = note(draft.raw, draft.table, column, row);
            self.parsed.fates.filtered(row);
            self.parsed.notes_below.push(Note {
                row,
                resource,
                offering,
                finding: note,
                faults: draft.faults,
            });
            return;
        }
        // What is wrong otherwise says more than that the rest is missing.
        let (missing, mut faults): (Vec<_>, Vec<_>) =
            draft.faults.into_iter().partition(|fault| fault.code == Code::MissingValue);
        if !missing.is_empty() {
            let found =
                format!("{} without an amount, a month or a component", cells::shown(draft.raw.cell(column)));
            let finding = Finding::new(Code::MissingValue, found, "a row of usage, with resource and amount");
            let place = draft.table.place(number, Some(column));
            faults.push(finding.at(place).row(row).hint(HEADING));
        }
        self.faulty(row, resource, offering, faults);
    }

    /// Remembers a line of one text whose month is given, so that only the server can tell what it is.
    pub(super) fn lone_subject(&mut self, raw: &RawRow, table: &ParsedTable, column: usize, row: RowIndex) {
        let State::Reading(reading) = &self.state else { return };
        let is_resource = Field::RESOURCE.iter().any(|field| table.column(*field) == Some(column));
        if is_resource {
            let below = reading.lines.is_below(raw.number()).then(|| note(raw, table, column, row));
            self.parsed.lone_subjects.insert(row, below);
        }
    }
}

fn note(raw: &RawRow, table: &ParsedTable, column: usize, row: RowIndex) -> Finding {
    let texts: Vec<&str> = raw.cells().map(|cell| cell.text).filter(|text| !text.is_empty()).collect();
    let found = cells::shown(Cell { text: &texts.join(" "), kind: CellKind::Text });
    Finding::new(Code::NoteRow, found, "rows of usage; a line of text below them is left out")
        .at(table.place(raw.number(), Some(column)))
        .row(row)
}
