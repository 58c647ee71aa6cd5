//! Records of every kind against a plain model of what has to come of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use crate::findings::Findings;
use crate::mapping::Layout;
use crate::parse::{CellKind, ParseSettings, Parsed, Parser, RawRow, Recogniser, Table, Wanted};

const LAYOUT: &str = r#"
name = "model"
title = "a model"
rows = "sum"
repeats = "sum"
metric = "M"
quantity = "Q"
decimal = "point"
[resource]
name = "R"
[period]
[[leave_out]]
column = "T"
is = "total"
because = "totals"
[[metrics]]
name = "a"
component = "cpu"
[[metrics]]
name = "b"
component = "ram"
"#;

const RESOURCES: [&str; 4] = ["r1", "r2", "R1", ""];
const METRICS: [&str; 4] = ["a", "b", "c", ""];
/// Quantities and what they are in hundredths; `None` for what is none, and nothing for what is blank.
const QUANTITIES: [(&str, Option<u128>); 7] = [
    ("1", Some(100)),
    ("0.1", Some(10)),
    ("2.25", Some(225)),
    ("1e2", Some(10_000)),
    ("x", None),
    ("-1", None),
    ("", Some(0)),
];
const KINDS: [&str; 3] = ["", "total", "row"];

fn parse(rows: &[Vec<&str>]) -> (Parsed, Findings) {
    let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
    let settings = ParseSettings {
        period: Some("2026-11".parse().unwrap()),
        layouts: Recogniser::only(Arc::new(Layout::parse(LAYOUT).unwrap())),
        ..ParseSettings::default()
    };
    let mut findings = Findings::default();
    let mut parser = Parser::new(&settings, &mut findings);
    let header = vec!["R", "M", "Q", "T"];
    for (number, cells) in (1..).zip(std::iter::once(&header).chain(rows)) {
        let mut row = RawRow::new(table.clone());
        row.start(number);
        for (column, text) in cells.iter().enumerate() {
            row.push(column, text, if text.is_empty() { CellKind::Blank } else { CellKind::Text });
        }
        parser.row(&row);
    }
    parser.end_table(&table, true);
    (parser.finish(), findings)
}

proptest! {
    #[test]
    fn every_record_has_one_fate_and_sums_hold_each_used_one_once(
        cells in prop::collection::vec((0..4_usize, 0..4_usize, 0..7_usize, 0..3_usize), 0..40),
    ) {
        let rows: Vec<Vec<&str>> = cells
            .iter()
            .map(|&(resource, metric, quantity, kind)| {
                vec![RESOURCES[resource], METRICS[metric], QUANTITIES[quantity].0, KINDS[kind]]
            })
            .collect();
        let (parsed, findings) = parse(&rows);
        let (mut used, mut faulty, mut blank, mut filtered) = (0, 0, 0, 0);
        let mut expected: BTreeMap<(String, usize), (u128, usize)> = BTreeMap::new();
        for (row, &(.., quantity, _)) in rows.iter().zip(&cells) {
            let metric = ["a", "b"].iter().position(|name| *name == row[1]);
            match (row.iter().all(|cell| cell.is_empty()), row[3] == "total") {
                (true, _) => blank += 1,
                (_, true) => filtered += 1,
                _ => match (row[0].is_empty(), metric, QUANTITIES[quantity].1) {
                    (false, Some(_), Some(_)) if row[2].is_empty() => blank += 1,
                    (false, Some(metric), Some(hundredths)) => {
                        used += 1;
                        let sum = expected.entry((row[0].to_owned(), metric)).or_default();
                        *sum = (sum.0 + hundredths, sum.1 + 1);
                    }
                    _ => faulty += 1,
                },
            }
        }
        let counts = parsed.fates.counts();
        prop_assert_eq!(counts.rows_read, rows.len());
        prop_assert_eq!(
            (counts.rows_used, counts.rows_faulty, counts.rows_blank, counts.rows_filtered),
            (used, faulty, blank, filtered)
        );
        prop_assert_eq!(findings.faulty_rows().collect::<std::collections::HashSet<_>>().len(), faulty);
        let mut sums: BTreeMap<(String, usize), (u128, usize)> = BTreeMap::new();
        for sum in &parsed.sums {
            let name = parsed.subjects[sum.subject].resource.name.as_deref().unwrap().to_owned();
            let Wanted::Metric(metric) = sum.wanted else { panic!("no metric") };
            let cents = sum.exact.times(&sum.ratio).in_cents().unwrap().to_string().replace('.', "");
            prop_assert!(sums.insert((name, metric), (cents.parse().unwrap(), sum.rows)).is_none());
            // The first record of a key stands for it.
            let subject = &parsed.subjects[sum.subject];
            let first = rows.iter().zip(2_u32..).find(|(row, _)| {
                row[0] == subject.resource.name.as_deref().unwrap()
                    && row[1] == ["a", "b"][metric]
                    && !row[2].is_empty()
                    && !["x", "-1"].contains(&row[2])
                    && row[3] != "total"
            });
            prop_assert_eq!(first.map(|(_, number)| number), Some(subject.number));
        }
        prop_assert_eq!(sums, expected);
    }

    #[test]
    fn no_layout_and_no_record_panics(
        damage in prop::collection::vec((0..LAYOUT.len(), "[ -~\n]"), 0..4),
        rows in prop::collection::vec(prop::collection::vec("[ -~]{0,6}", 0..6), 0..6),
    ) {
        let mut text = LAYOUT.to_owned();
        for (at, one) in damage {
            text.replace_range(at..=at, &one);
        }
        let layout = Layout::parse(&text).unwrap_or_else(|_| Layout::parse(LAYOUT).unwrap());
        let recogniser = Recogniser::only(Arc::new(layout));
        let settings = ParseSettings { layouts: recogniser, ..ParseSettings::default() };
        let mut findings = Findings::default();
        let mut parser = Parser::new(&settings, &mut findings);
        let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
        for (number, cells) in (1..).zip(&rows) {
            let mut row = RawRow::new(table.clone());
            row.start(number);
            for (column, text) in cells.iter().enumerate() {
                row.push(column, text, CellKind::Text);
            }
            parser.row(&row);
        }
        parser.end_table(&table, true);
        let counts = parser.finish().fates.counts();
        prop_assert_eq!(
            counts.rows_read,
            counts.rows_used + counts.rows_faulty + counts.rows_blank + counts.rows_filtered
        );
    }
}
