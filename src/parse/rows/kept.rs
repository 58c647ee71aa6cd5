//! Rows that are kept until their table ends, and what all of them together say of each column.

use crate::findings::{Code, Finding};
use crate::parse::{ParsedTable, RawRow, finder::is_header, period, quantity as amounts, short};

use super::super::column::{Evidence, Verdict};
use super::{Judged, ParseSettings, Parser, Reading, Shape, State};

impl Reading {
    /// Keeps a row, and what its cells show of how their columns are written.
    pub(super) fn keep(&mut self, raw: &RawRow, settings: &ParseSettings) {
        let periods = self.periods.column;
        // Where the month cannot be told here, nothing speaks against the row.
        let is_used = || match (settings.period, periods.map(|column| raw.cell(column))) {
            (Some(wanted), Some(cell)) => period::period(cell, &Verdict::Open, raw.counts_from_1904())
                .map_or(true, |month| wanted.contains(month.period)),
            _ => true,
        };
        let line = (raw.number(), raw.delimiter());
        if let Some(column) = self.periods.column {
            period::weigh(&mut self.periods.evidence, raw.number(), raw.cell(column));
        }
        if let Some(column) = self.amounts.column {
            amounts::weigh(&mut self.amounts.evidence, line, raw.cell(column), is_used);
        }
        self.money.weigh(raw, line, is_used);
        let open = self.open.iter().enumerate().filter(|(_, open)| open.is_some());
        for ((column, _), evidence) in open.zip(&mut self.of_open) {
            amounts::weigh(evidence, line, raw.cell(column), is_used);
        }
        self.note_lone(raw);
        self.is_suspect = self.is_suspect || self.keys.is_suspect(raw);
        if self.keeps {
            self.kept.push(raw);
        }
    }

    /// Remembers a row of a text file in which a number may have fallen apart.
    pub(super) fn note_splits(&mut self, raw: &RawRow, table: &ParsedTable) {
        let open = self.open.iter().enumerate().filter_map(|(column, open)| open.map(|_| column));
        self.splits.note(raw, table, self.amounts.column.into_iter().chain(open));
    }

    /// What is said of columns that were settled by a cell that is alone, or in a row that is not used.
    fn thin(&self, table: &ParsedTable, settings: &ParseSettings) -> Vec<Finding> {
        let open = self.open.iter().enumerate().filter(|(_, open)| open.is_some());
        let of_open = open.map(|(column, _)| column).zip(&self.of_open);
        let of_amounts = self.amounts.column.into_iter().map(|column| (column, &self.amounts.evidence));
        let amounts = of_amounts.chain(of_open).filter(|_| settings.decimal.is_none()).filter_map(
            |(column, evidence)| {
                amounts::decimal_sign(evidence, None).settled()?;
                told(table, column, evidence, "the decimal sign", "--decimal point or --decimal comma")
            },
        );
        let is_settled = settings.dates.is_none() && self.periods.verdict.settled().is_some();
        let periods = self.periods.column.filter(|_| is_settled).and_then(|column| {
            told(table, column, &self.periods.evidence, "the order of dates", "--dates dmy or --dates mdy")
        });
        periods.into_iter().chain(amounts).collect()
    }

    fn decide(&mut self, settings: &ParseSettings) {
        self.periods.verdict = period::date_order(&self.periods.evidence, settings.dates);
        self.amounts.verdict = amounts::decimal_sign(&self.amounts.evidence, settings.decimal);
        self.money.decide(settings);
    }
}

impl Parser<'_> {
    /// A row of a table that is refused.
    pub(super) fn unread(&mut self, raw: &RawRow) {
        let row = self.parsed.fates.read();
        self.parsed.addresses.push((short(self.parsed.tables.len()), raw.number()));
        self.parsed.fates.faulty(row);
        if let State::Refused(doubled) = &mut self.state {
            doubled.take(raw);
        }
    }

    /// Ends the first of two readings: decides how each column is read. Whether the rows are wanted again.
    pub fn decide(&mut self) -> bool {
        self.take_last_header();
        let State::Reading(reading) = &self.state else { return false };
        let wants_again = !reading.keeps;
        if wants_again {
            self.begin_reading();
        }
        wants_again
    }

    /// Takes a row for the second time.
    pub fn row_again(&mut self, raw: &RawRow) {
        match &self.state {
            State::Reading(reading) if raw.number() <= reading.header => {}
            _ => self.take(raw),
        }
    }

    /// Reads the rows that were kept, and ends the reading of the table.
    pub(super) fn read_kept(&mut self) {
        if matches!(self.state, State::Records(_)) {
            return self.read_records();
        }
        if matches!(&self.state, State::Reading(reading) if reading.keeps) {
            // What is decided is decided with a look at the rows, so they are taken away only then.
            self.begin_reading();
            let State::Reading(reading) = &mut self.state else { return };
            let kept = std::mem::take(&mut reading.kept);
            let counts_from_1904 = reading.counts_from_1904;
            let table = self.parsed.tables[reading.table].table.clone();
            kept.each(table, counts_from_1904, |raw| self.take(raw));
        }
        self.end_reading();
    }

    /// Takes a row below the header, once it is decided how it is read.
    fn take(&mut self, raw: &RawRow) {
        match &self.state {
            State::Reading(_) if is_header(raw) => self.another_header(raw),
            State::Reading(_) => match self.unmerged(raw) {
                Some(filled) => self.data(&filled),
                None => self.data(raw),
            },
            State::AwaitingHeader(_) | State::Refused(_) | State::Records(_) => self.unread(raw),
        }
    }

    /// Decides how each column is read.
    fn begin_reading(&mut self) {
        let State::Reading(reading) = &mut self.state else { return };
        // Lists of millions that grow step by step stand twice in memory for a while.
        let rows = reading.rows;
        self.parsed.addresses.reserve(rows);
        self.parsed.subjects.reserve(rows);
        if reading.shape == Shape::Long {
            self.parsed.figures.reserve(rows);
        }
        reading.decide(self.settings);
        let table = reading.table;
        for (column, evidence) in reading.open.iter().flatten().zip(&reading.of_open) {
            let column = &mut self.parsed.open_columns[*column];
            column.verdict = amounts::decimal_sign(evidence, self.settings.decimal);
            let sign = column.verdict.settled();
            self.parsed.decimal_signs.extend(sign.map(|sign| ((table, column.column), sign)));
        }
        let thin = reading.thin(&self.parsed.tables[table], self.settings);
        for finding in thin {
            self.findings.push(finding);
        }
        let sign = reading.amounts.column.zip(reading.amounts.verdict.settled());
        self.parsed.decimal_signs.extend(sign.map(|(column, sign)| ((table, column), sign)));
        self.begin_structure();
    }

    /// Says what the rows showed together.
    fn end_reading(&mut self) {
        self.end_structure();
        let State::Reading(reading) = &mut self.state else { return };
        let parsed_table = self.parsed.tables[reading.table].clone();
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
        let money = reading.money.doubts(&parsed_table);
        for finding in [periods, amounts].into_iter().flatten().chain(money) {
            self.findings.push(finding);
        }
    }
}

/// What is said of a column that hangs on a cell which is alone, or in a row that is not used.
pub(super) fn told<M>(
    table: &ParsedTable,
    column: usize,
    evidence: &Evidence<M>,
    what: &str,
    flags: &str,
) -> Option<Finding> {
    let proof = evidence.lone_proof()?;
    let cells = match evidence.open() {
        1 => "a cell that could be".to_owned(),
        cells => format!("{cells} cells that could each be"),
    };
    let found = format!("{} shows {what} for {cells} two things", proof.shown);
    let finding =
        Finding::new(Code::ThinEvidence, found, format!("a column that shows {what} in more of its cells"));
    let hint = format!("look whether this cell is written like the others; {flags} settles it");
    Some(finding.at(table.place(proof.row, Some(column))).hint(hint))
}
