//! What fuzzers call: whatever bytes come, nothing panics, every row has a fate, and an amount has the
//! digits that were written.

use std::sync::Arc;

use crate::findings::Findings;
use crate::parse::{CellKind, DateOrder, DecimalSign, ParseSettings, Parsed, Parser, RawRow, Table};
use crate::source::Input;

use super::load::parse;

const HEADER: [&str; 4] = ["resource_name", "component_type", "billing_period", "amount"];

/// Reads and parses a file of these bytes.
pub fn file(bytes: &[u8]) {
    let input = Input::of("fuzz.csv", bytes.to_vec());
    let Ok(mut source) = input.open(None) else { return };
    let settings = ParseSettings { period: "2026-11".parse().ok(), ..ParseSettings::default() };
    let mut findings = Findings::default();
    let mut parser = Parser::new(&settings, &mut findings);
    let _ = parse(source.as_mut(), &mut parser);
    check(&parser.finish());
}

/// Parses a column of months and one of amounts: the first byte chooses the settings, then each line is a
/// cell of both.
pub fn cells(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    let settings = ParseSettings {
        decimal: [None, Some(DecimalSign::Point), Some(DecimalSign::Comma)][usize::from(choice % 3)],
        dates: [None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst)][usize::from(choice / 3 % 3)],
        ..ParseSettings::default()
    };
    let kind =
        [CellKind::Text, CellKind::Text, CellKind::Number, CellKind::Date][usize::from(choice / 9 % 4)];
    let lines: Vec<&str> = text.lines().take(1000).collect();
    // A month that is none would keep its amount from being read.
    check_amounts(&lines, &column(&settings, kind, lines.iter().map(|line| ["2026-11", line])));
    check(&column(&settings, kind, lines.iter().map(|line| [line, "1"])));
}

fn column<'a>(settings: &ParseSettings, kind: CellKind, rows: impl Iterator<Item = [&'a str; 2]>) -> Parsed {
    let table = Arc::new(Table { file: "fuzz.csv".into(), sheet: None });
    let mut findings = Findings::default();
    let mut parser = Parser::new(settings, &mut findings);
    let mut row = RawRow::new(table.clone());
    row.start(1);
    HEADER.iter().enumerate().for_each(|(column, header)| row.push(column, header, CellKind::Text));
    parser.row(&row);
    for (number, [month, amount]) in (2..).zip(rows) {
        row.start(number);
        row.push(0, "a", CellKind::Text);
        row.push(1, "cpu", CellKind::Text);
        row.push(2, month, if month == "2026-11" { CellKind::Text } else { kind });
        row.push(3, amount, if amount == "1" { CellKind::Text } else { kind });
        parser.row(&row);
    }
    parser.end_table(&table, true);
    let parsed = parser.finish();
    check(&parsed);
    parsed
}

/// Every row has one fate.
fn check(parsed: &Parsed) {
    let counts = parsed.fates.counts();
    let fates = counts.rows_used + counts.rows_faulty + counts.rows_blank + counts.rows_filtered;
    assert_eq!(counts.rows_read, fates, "{counts:?}");
}

/// An amount that is read has the digits of its cell, whatever stands between them.
fn check_amounts(lines: &[&str], parsed: &Parsed) {
    for figure in &parsed.figures {
        let number = parsed.subjects[figure.subject()].number;
        let Some(line) = usize::try_from(number).ok().and_then(|number| lines.get(number - 2)) else {
            continue;
        };
        let is_bare = |one: char| one.is_ascii_digit() || " .,'+".contains(one);
        if line.chars().all(is_bare) {
            let (written, read) = (digits(line), digits(&figure.amount.to_string()));
            assert_eq!(written, read, "{line:?} was read as {}", figure.amount);
        }
    }
}

fn digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}
