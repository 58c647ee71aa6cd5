//! Cells that could be two things, and the one finding that speaks for all of them.
//!
//! A flag or a single cell mended settles a whole column, so a million cells in doubt are one finding,
//! which names the first of them and counts the rest. Every row of them is faulty.

use crate::findings::{Code, Finding, RowIndex};

use super::column::{Proof, Verdict};
use super::{Cell, ParsedTable, cells, period, quantity};
use super::{month::DateOrder, numeral::DecimalSign};

/// How many places a finding names.
const NAMED: usize = 8;

/// The cells of a column that are in doubt.
#[derive(Debug, Clone, Default)]
pub struct Doubts {
    rows: Vec<RowIndex>,
    numbers: Vec<u32>,
    shown: String,
    readings: Option<(String, String)>,
}

impl Doubts {
    /// Takes in an amount that could be two numbers.
    pub fn add_amount(&mut self, row: RowIndex, number: u32, cell: Cell<'_>) {
        self.add(row, number, cell, quantity::both_readings);
    }

    /// Takes in a date that could lie in two months.
    pub fn add_period(&mut self, row: RowIndex, number: u32, cell: Cell<'_>) {
        self.add(row, number, cell, period::both_readings);
    }

    fn add(
        &mut self,
        row: RowIndex,
        number: u32,
        cell: Cell<'_>,
        readings: impl Fn(Cell<'_>) -> Option<(String, String)>,
    ) {
        if self.rows.is_empty() {
            self.shown = cells::shown(cell);
        }
        self.readings = self.readings.take().or_else(|| readings(cell));
        self.rows.push(row);
        if self.numbers.len() < NAMED {
            self.numbers.push(number);
        }
    }

    /// The finding about a column of amounts.
    pub fn amounts(
        self,
        table: &ParsedTable,
        column: usize,
        verdict: &Verdict<DecimalSign>,
    ) -> Option<Finding> {
        if let Verdict::Mixed(proofs) = verdict {
            let found = |point: &str, comma: &str| {
                format!("a decimal point in {point}, and a decimal comma in {comma}")
            };
            let hint = "write the whole column in one way; --decimal point or --decimal comma takes one of \
                        them, and names the cells that do not fit it";
            return self.mixed(
                table,
                column,
                proofs,
                Code::MixedDecimalSigns,
                found,
                hint,
                "one decimal sign in a column",
            );
        }
        let (point, comma) = self.readings.clone()?;
        let expected = format!(
            "one number: it is {point} with a decimal point and {comma} with a decimal comma, and {}",
            nothing_shows(table, verdict)
        );
        let hint = format!("add --decimal point if {point} is meant, or --decimal comma if {comma} is");
        self.ambiguous(table, column, Code::AmbiguousAmount, expected, hint)
    }

    /// The finding about a column of months.
    pub fn periods(
        self,
        table: &ParsedTable,
        column: usize,
        verdict: &Verdict<DateOrder>,
    ) -> Option<Finding> {
        if let Verdict::Mixed(proofs) = verdict {
            let found = |day_first: &str, month_first: &str| {
                format!("the day first in {day_first}, and the month first in {month_first}")
            };
            let hint = "write the whole column in one way, best as YYYY-MM; --dates dmy or --dates mdy takes \
                        one of them, and names the cells that do not fit it";
            return self.mixed(
                table,
                column,
                proofs,
                Code::MixedDateOrders,
                found,
                hint,
                "one order of dates in a column",
            );
        }
        let (day_first, month_first) = self.readings.clone()?;
        let expected = format!(
            "one month: it is of {day_first} with the day first and of {month_first} with the month first, and {}",
            nothing_shows(table, verdict)
        );
        let hint = format!("add --dates dmy if {day_first} is meant, or --dates mdy if {month_first} is");
        self.ambiguous(table, column, Code::AmbiguousPeriod, expected, hint)
    }

    fn ambiguous(
        self,
        table: &ParsedTable,
        column: usize,
        code: Code,
        expected: String,
        hint: String,
    ) -> Option<Finding> {
        let found = and_more(&self.shown, self.rows.len());
        let mut places = self.numbers.iter().map(|&number| table.place(number, Some(column)));
        let mut finding = Finding::new(code, found, expected).at(places.next()?).hint(hint);
        finding.others.extend(places);
        finding.rows = self.rows;
        Some(finding)
    }

    #[expect(clippy::too_many_arguments, reason = "the words of two findings that are alike")]
    fn mixed(
        self,
        table: &ParsedTable,
        column: usize,
        proofs: &(Proof, Proof),
        code: Code,
        found: impl Fn(&str, &str) -> String,
        hint: &'static str,
        expected: &'static str,
    ) -> Option<Finding> {
        if self.rows.is_empty() {
            return None;
        }
        let (first, second) = proofs;
        let shown = |proof: &Proof| and_more(&proof.shown, proof.cells);
        let finding = Finding::new(code, found(&shown(first), &shown(second)), expected);
        let mut finding = finding.at(table.place(first.row, Some(column))).hint(hint);
        finding.others.push(table.place(second.row, Some(column)));
        finding.rows = self.rows;
        Some(finding)
    }
}

/// What the other cells of the column say of a cell in doubt.
fn nothing_shows<T>(table: &ParsedTable, verdict: &Verdict<T>) -> String {
    match verdict {
        Verdict::Thin(proof) => {
            let row = if table.table.sheet.is_some() { "row" } else { "line" };
            format!(
                "of the whole column only {} in {row} {} shows which one is meant",
                proof.shown, proof.row
            )
        }
        Verdict::Settled(_) | Verdict::Open | Verdict::Mixed(_) => {
            "no cell of the column shows which one is meant".to_owned()
        }
    }
}

fn and_more(shown: &str, cells: usize) -> String {
    match cells {
        0 | 1 => shown.to_owned(),
        2 => format!("{shown} and 1 more cell"),
        cells => format!("{shown} and {} more cells", cells - 1),
    }
}
