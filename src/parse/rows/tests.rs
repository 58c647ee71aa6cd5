//! Every row of a table has one fate, whatever stands in it.

use super::*;
use crate::parse::{CellKind, Table};
use proptest::prelude::*;

const HEADERS: [&str; 9] = [
    "resource_name",
    "Billing Period",
    "component-type",
    "AMOUNT",
    "unit",
    "recurring",
    "username",
    "cpu",
    "",
];
const TEXTS: [&str; 14] =
    ["", "", "a", "2026-11", "2026-10", "cpu", "1", "2.5", "-1", "1.234", "x", "yes", "=1+1", "\u{202e}7"];

fn rows(cells: &[Vec<usize>], headers: &[usize]) -> Vec<RawRow> {
    let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
    let header = headers.iter().map(|&header| HEADERS[header]).collect::<Vec<_>>();
    let data = cells.iter().map(|row| row.iter().map(|&text| TEXTS[text]).collect::<Vec<_>>());
    (1..)
        .zip(std::iter::once(header).chain(data))
        .map(|(number, texts)| {
            let mut row = RawRow::new(table.clone());
            row.start(number);
            for (column, text) in texts.into_iter().enumerate() {
                row.push(column, text, if text.is_empty() { CellKind::Blank } else { CellKind::Text });
            }
            row
        })
        .collect()
}

proptest! {
    #[test]
    fn every_row_has_one_fate_and_used_rows_have_a_subject(
        headers in Just((0..HEADERS.len()).collect::<Vec<_>>()).prop_shuffle(),
        width in 1..=HEADERS.len(),
        cells in prop::collection::vec(prop::collection::vec(0..TEXTS.len(), 0..11), 0..30),
    ) {
        let settings = ParseSettings { period: Some("2026-11".parse().unwrap()), ..ParseSettings::default() };
        let mut findings = Findings::default();
        let mut parser = Parser::new(&settings, &mut findings);
        let rows = rows(&cells, &headers[..width]);
        for row in &rows {
            parser.row(row);
        }
        parser.end_table(rows[0].table(), true);
        let parsed = parser.finish();
        let counts = parsed.fates.counts();
        prop_assert_eq!(
            counts.rows_read,
            counts.rows_used + counts.rows_faulty + counts.rows_blank + counts.rows_filtered
        );
        // Where the header was read at all, each row below it was.
        if parsed.tables.len() == 1 {
            let is_two_row = findings.list().iter().any(|finding| finding.code == Code::TwoRowHeader);
            prop_assert_eq!(counts.rows_read + usize::from(is_two_row), cells.len());
            prop_assert_eq!(counts.rows_used, parsed.subjects.len());
            prop_assert_eq!(counts.rows_faulty, parsed.faulty.len());
            prop_assert_eq!(counts.rows_faulty > 0, findings.faulty_rows().next().is_some());
        }
    }
}

/// Parses a table of text and returns what was found: `code: found`.
fn found(text: &str, sight: crate::parse::Sight, settings: &ParseSettings) -> (Vec<String>, Parsed) {
    let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
    let mut findings = Findings::default();
    let mut parser = Parser::new(settings, &mut findings);
    let mut row = RawRow::new(table.clone());
    for (number, line) in (1..).zip(text.lines()) {
        row.start(number);
        for (column, text) in line.split(',').enumerate() {
            row.push(column, text, if text.is_empty() { CellKind::Blank } else { CellKind::Text });
        }
        parser.row(&row);
    }
    parser.sight(sight);
    parser.end_table(&table, true);
    let parsed = parser.finish();
    (findings.list().iter().map(|finding| format!("{}: {}", finding.code, finding.found)).collect(), parsed)
}

const LONG: &str = "resource_uuid,resource_name,billing_period,component_type,amount";

#[test]
fn a_resource_that_is_called_total_is_named_by_its_id() {
    let settings = ParseSettings::default();
    let by_name = format!("{LONG}\n,a,2026-11,cpu,3\n,b,2026-11,cpu,4\n,Total,2026-11,cpu,5\n");
    let (told, parsed) = found(&by_name, crate::parse::Sight::default(), &settings);
    assert_eq!(told, ["total-disagrees: Total: 5, 2.00 less than 7.00, the sum of the 2 rows above"]);
    assert_eq!((parsed.figures.len(), parsed.fates.counts().rows_faulty), (2, 1));
    let id = "9f1a".repeat(8);
    let by_id = by_name.replace(",Total", &format!("{id},Total"));
    let (told, parsed) = found(&by_id, crate::parse::Sight::default(), &settings);
    assert_eq!((told.len(), parsed.figures.len()), (0, 3));
}

#[test]
fn a_component_that_is_called_total_is_one_until_it_adds_up() {
    let settings = ParseSettings::default();
    let text = format!("{LONG}\n,a,2026-11,cpu,3\n,a,2026-11,gpu,4\n,a,2026-11,total,9\n");
    let (told, parsed) = found(&text, crate::parse::Sight::default(), &settings);
    assert_eq!((told.len(), parsed.figures.len()), (0, 3));
    let (told, parsed) = found(&text.replace(",9", ",7"), crate::parse::Sight::default(), &settings);
    assert_eq!(told, ["total-row: total: 7, the sum of the 2 rows above"]);
    assert_eq!((parsed.figures.len(), parsed.fates.counts().rows_filtered), (2, 1));
}

#[test]
fn totals_are_told_whether_they_hold_what_is_hidden() {
    let text = "resource_name,billing_period,component_type,amount\na,2026-11,cpu,3\nb,2026-11,cpu,4\n\
                c,2026-11,cpu,5\nTotal,,,8\nTotal,,,12\n";
    let rows = vec![crate::parse::Span { first: 3, last: 3, how: crate::parse::Unseen::Filtered }];
    let sight = crate::parse::Sight { rows, ..crate::parse::Sight::default() };
    let settings = ParseSettings { hidden_rows: Some(Hidden::Skip), ..ParseSettings::default() };
    let (told, parsed) = found(text, sight, &settings);
    assert_eq!(
        told,
        [
            "hidden-rows-skipped: 1 row with content (1 filtered out): 3",
            "total-row: Total: 8, the sum of the 3 rows above that can be seen",
            "total-row: Total: 12, the sum of all 3 rows above",
        ]
    );
    let counts = parsed.fates.counts();
    assert_eq!((counts.rows_used, counts.rows_filtered), (2, 3));
}

#[test]
fn totals_of_totals_and_rounded_sums_add_up() {
    let text = "resource_name,billing_period,component_type,amount\na,2026-11,cpu,1\nTotal a,,,1\nb,2026-11,cpu,2\n\
                Total b,,,2\nTotal a and b,,,3\nc,2026-11,cpu,0.333333333333333\nc,2026-11,ram,0.333333333333333\n\
                Total c,,,0.666666666666666\nGrand total,,,3.67\n";
    let settings =
        ParseSettings { rounding: Some(crate::domain::RoundingRule::HalfUp), ..ParseSettings::default() };
    let (told, parsed) = found(text, crate::parse::Sight::default(), &settings);
    assert_eq!(
        told,
        [
            "total-row: Total a: 1, the sum of the 1 row above",
            "total-row: Total b: 2, the sum of the 1 row above",
            "total-row: Total a and b: 3, the sum of all 2 rows above",
            "total-row: Total c: 0.666666666666666, the sum of the 2 rows above",
            "total-row: Grand total: 3.67, the sum of all 4 rows above",
        ]
    );
    assert_eq!(parsed.figures.len(), 4);
}
