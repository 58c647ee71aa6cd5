//! Where a table begins and ends: titles above it, headers in two rows, headers that come again.
//!
//! A sheet or file holds one table. What looks like a second one is refused, because its columns would be
//! read as those of the first.

use crate::domain::{BillingPeriod, Spot, fold};
use crate::findings::{Code, Finding};
use crate::parse::column::Verdict;
use crate::parse::finder::{Finder, Found, figures_above};
use crate::parse::header::listed;
use crate::parse::{CellKind, ParsedTable, RawRow, Table, period, short};

use super::{Parser, Reading, State};

impl Reading {
    /// Remembers a row of a text file that breaks off before its last column.
    pub(super) fn note_width(&mut self, raw: &RawRow, table: &ParsedTable) {
        let is_named = |column: &usize| !table.headers[*column].is_empty();
        if raw.is_blank() {
            return;
        }
        if raw.table().sheet.is_none() && (raw.width()..table.headers.len()).any(|column| is_named(&column)) {
            let (first, rows) = self.ragged.unwrap_or((raw.number(), 0));
            self.ragged = Some((first, rows + 1));
        }
    }
}

impl Parser<'_> {
    /// Begins the table whose header was found.
    pub(super) fn begin(&mut self, found: &Found) {
        if self.begins_records(found) {
            for row in &found.below {
                self.row(row);
            }
            return;
        }
        if found.is_sure {
            self.tell_above(found);
            if let Some(upper) = found.upper {
                let texts = texts(&found.header);
                let told = format!("rows {upper} and {} together: {}", found.header.number(), listed(&texts));
                let finding =
                    Finding::new(Code::TwoRowHeader, told, "a header of one row, where this is not meant");
                self.findings.push(finding.at(found.header.whole()));
            }
        }
        self.header(&found.header);
        for row in &found.below {
            self.row(row);
        }
    }

    /// Says what stands above the header; figures do not stand there unless the user says so.
    pub(super) fn tell_above(&mut self, found: &Found) {
        let Some(first) = found.above.first() else { return };
        let header = found.header.number();
        if self.settings.header_row.is_none()
            && let Some(figures) = figures_above(&found.above)
        {
            let told = format!("figures above the header of row {header}: {}", listed(&texts(figures)));
            let finding = Finding::new(Code::SeveralTables, told, "nothing but titles above the header");
            let hint = format!("where no row above belongs to the usage, say --header-row {header}");
            self.findings.push(finding.at(figures.whole()).hint(hint));
            return;
        }
        if self.settings.header_row.is_none()
            && let Some((row, first, other)) = found.above.iter().find_map(months_of)
        {
            let told = format!("{first} and {other} above the header of row {header}");
            let finding = Finding::new(Code::SeveralTables, told, "one month, or a column that says which");
            let hint = format!(
                "put the columns of each month into a file of their own; where the columns are all of one \
                 month, say --header-row {header}"
            );
            self.findings.push(finding.at(row.whole()).hint(hint));
            return;
        }
        let rows = found.above.len();
        let s = if rows == 1 { "" } else { "s" };
        let told = format!("{rows} row{s} above the header of row {header}: {}", listed(&texts(first)));
        let finding = Finding::new(Code::LinesAboveHeader, told, "titles, which are not read");
        self.findings.push(finding.at(first.whole()));
    }

    /// Takes a header among the rows: the same one again is left out, another one begins another table.
    pub(super) fn another_header(&mut self, raw: &RawRow) {
        let State::Reading(reading) = &self.state else { return };
        let table = self.parsed.tables[reading.table].clone();
        let row = self.parsed.fates.read();
        self.parsed.addresses.push((short(reading.table), raw.number()));
        let width = table.headers.len().max(raw.width());
        let text = |column: usize| table.headers.get(column).map_or("", |header| header.as_ref());
        if (0..width).all(|column| fold(text(column)) == fold(raw.cell(column).text)) {
            self.parsed.fates.filtered(row);
            let told = format!("the header of row {} again", table.header_row);
            let finding = Finding::new(Code::RepeatedHeader, told, "rows of usage; it is left out");
            self.findings.push(finding.at(raw.whole()));
            return;
        }
        self.parsed.fates.faulty(row);
        let told = format!("another header: {}", listed(&texts(raw)));
        let finding = Finding::new(Code::SeveralTables, told, "one table in a sheet or file").hint(format!(
            "put each table into a sheet or file of its own; where row {0} is the only header, say \
                 --header-row {0}",
            raw.number()
        ));
        self.findings.push(finding.at(raw.whole()));
        self.state = State::Refused(Box::default());
    }

    /// Begins a table whose rows have ended before its header was known.
    pub(super) fn take_last_header(&mut self) {
        if let State::AwaitingHeader(finder) = &mut self.state
            && let Some(found) = finder.end()
        {
            self.begin(&found);
        }
    }

    /// Ends a table; one that could not be read to its end is not also called empty.
    pub fn end_table(&mut self, table: &Table, is_whole: bool) {
        self.take_last_header();
        self.read_kept();
        self.comes_twice = false;
        let finder = Finder::with(self.settings.header_row, self.settings.layouts.clone());
        let next = State::AwaitingHeader(finder);
        let empty = match std::mem::replace(&mut self.state, next) {
            State::AwaitingHeader(_) => Some("nothing at all"),
            State::Reading(reading) => {
                self.tell_ragged(&reading, table);
                self.tell_split(&reading, table);
                (reading.rows_with_content == 0).then_some("a header and no row below it")
            }
            State::Records(reading) => {
                (reading.rows_with_content() == 0).then_some("a header and no row below it")
            }
            State::Refused(doubled) => {
                for finding in doubled.findings() {
                    self.findings.push(finding);
                }
                None
            }
        };
        if let (Some(found), true) = (empty, is_whole) {
            let finding = Finding::new(Code::EmptyFile, found, "a header and rows of usage");
            self.findings.push(finding.at(table.place(Spot::Whole)));
        }
    }

    fn tell_ragged(&mut self, reading: &Reading, table: &Table) {
        let Some((first, rows)) = reading.ragged else { return };
        let verb = if rows == 1 { " ends" } else { "s end" };
        let told = format!("{rows} row{verb} before the header does, line {first} first");
        let finding = Finding::new(Code::RaggedRows, told, "as many cells as the header has, blank or not");
        self.findings.push(finding.at(table.place(Spot::Row(first))));
    }
}

/// Two months that a row names in cells of their own: what is below it may be of either.
fn months_of(row: &RawRow) -> Option<(&RawRow, BillingPeriod, BillingPeriod)> {
    let month = |cell| period::period(cell, &Verdict::Open, row.counts_from_1904()).ok();
    // A bare number is an amount, a year or a count rather than a day.
    let words = row.cells().filter(|cell| cell.kind != CellKind::Number && !cell.is_blank());
    let mut months = words.filter_map(month).map(|month| month.period);
    let first = months.next()?;
    months.find(|month| *month != first).map(|other| (row, first, other))
}

/// The texts of a row, as they may be shown.
pub(super) fn texts(row: &RawRow) -> Vec<&str> {
    row.cells().map(|cell| cell.text).filter(|text| !text.is_empty()).collect()
}
