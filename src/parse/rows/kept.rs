//! Rows that are kept until their table ends, and what all of them together say of each column.

use crate::findings::{Code, Finding};
use crate::parse::{RawRow, finder::is_header, period, quantity as amounts};

use super::{Judged, ParseSettings, Parser, Reading, State};

impl Reading {
    /// Keeps a row, and what its cells show of how their columns are written.
    pub(super) fn keep(&mut self, raw: &RawRow) {
        if let Some(column) = self.periods.column {
            period::weigh(&mut self.periods.evidence, raw.number(), raw.cell(column));
        }
        if let Some(column) = self.amounts.column {
            amounts::weigh(&mut self.amounts.evidence, raw.number(), raw.cell(column));
        }
        let open = self.open.iter().enumerate().filter(|(_, open)| open.is_some());
        for ((column, _), evidence) in open.zip(&mut self.of_open) {
            amounts::weigh(evidence, raw.number(), raw.cell(column));
        }
        self.kept.push(raw);
    }

    fn decide(&mut self, settings: &ParseSettings) {
        self.periods.verdict = period::date_order(&self.periods.evidence, settings.dates);
        self.amounts.verdict = amounts::decimal_sign(&self.amounts.evidence, settings.decimal);
    }
}

impl Parser<'_> {
    /// A row of a table that is refused.
    pub(super) fn unread(&mut self, raw: &RawRow) {
        let row = self.parsed.fates.read();
        self.parsed.addresses.push((self.parsed.tables.len(), raw.number()));
        self.parsed.fates.faulty(row);
    }

    /// Decides how each column is read, then reads the rows.
    pub(super) fn read_kept(&mut self) {
        if matches!(self.state, State::Records(_)) {
            return self.read_records();
        }
        let State::Reading(reading) = &mut self.state else { return };
        reading.decide(self.settings);
        let (table, kept) = (reading.table, std::mem::take(&mut reading.kept));
        for (column, evidence) in reading.open.iter().flatten().zip(&reading.of_open) {
            let column = &mut self.parsed.open_columns[*column];
            column.verdict = amounts::decimal_sign(evidence, self.settings.decimal);
            let sign = column.verdict.settled();
            self.parsed.decimal_signs.extend(sign.map(|sign| ((table, column.column), sign)));
        }
        let sign = reading.amounts.column.zip(reading.amounts.verdict.settled());
        self.parsed.decimal_signs.extend(sign.map(|(column, sign)| ((table, column), sign)));
        let (parsed_table, counts_from_1904) = (self.parsed.tables[table].clone(), reading.counts_from_1904);
        kept.each(parsed_table.table.clone(), counts_from_1904, |raw| match &self.state {
            State::Reading(_) if is_header(raw) => self.another_header(raw),
            State::Reading(_) => self.data(raw),
            State::AwaitingHeader(_) | State::Refused | State::Records(_) => self.unread(raw),
        });
        let State::Reading(reading) = &mut self.state else { return };
        if let (Some(column), Some((row, shown))) = (reading.periods.column, reading.days.first.take()) {
            let found = match reading.days.cells {
                1 => shown,
                cells => format!("{shown} and {} more", cells - 1),
            };
            let finding =
                Finding::new(Code::DayAsMonth, found, "a month; a day is read as the month that it lies in");
            self.findings.push(finding.at(parsed_table.place(row, Some(column))));
        }
        let Judged { column, verdict, doubts, .. } = &mut reading.periods;
        let periods =
            column.and_then(|column| std::mem::take(doubts).periods(&parsed_table, column, verdict));
        let Judged { column, verdict, doubts, .. } = &mut reading.amounts;
        let amounts =
            column.and_then(|column| std::mem::take(doubts).amounts(&parsed_table, column, verdict));
        for finding in [periods, amounts].into_iter().flatten() {
            self.findings.push(finding);
        }
    }
}
