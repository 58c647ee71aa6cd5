//! Lines that hold one text and nothing else: headings among the rows, notes and signatures below them.
//!
//! The law kept here: such a line has no amount, so none is lost with it. Below the last row it is a note,
//! unless the server has a resource of that name; among the rows it could be one that lacks the rest, so it
//! stays faulty, and is told for what it looks like.

use crate::domain::OfferingId;
use crate::findings::{Code, Finding, RowIndex};
use crate::mapping::Field;
use crate::parse::draft::RowDraft;
use crate::parse::{CellKind, Note, ParsedTable, RawRow, ResourceName, cells};

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

    /// The column of the only text of a row, where it stands in none of amounts, months or components.
    pub(super) fn lone(&self, raw: &RawRow) -> Option<usize> {
        let mut filled = raw.cells().enumerate().filter(|(_, cell)| !cell.is_blank());
        let (column, cell) = filled.next()?;
        if filled.next().is_some() || cell.kind != CellKind::Text || column >= self.open.len() {
            return None;
        }
        // Whatever starts with a digit may have been meant as an amount, a month or an id.
        let first = cell.text.chars().find(|one| one.is_alphanumeric())?;
        let is_of_figures = self.keys.is_component_or_period(column)
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
        resource: ResourceName,
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
        // An id that is none says more than that the rest is missing.
        let (missing, mut faults): (Vec<_>, Vec<_>) =
            draft.faults.into_iter().partition(|fault| fault.code == Code::MissingValue);
        if !missing.is_empty() {
            let found = format!("{} and nothing else in the row", cells::shown(draft.raw.cell(column)));
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
    let found = cells::shown(raw.cell(column));
    Finding::new(Code::NoteRow, found, "rows of usage; a line of text below them is left out")
        .at(table.place(raw.number(), Some(column)))
        .row(row)
}
