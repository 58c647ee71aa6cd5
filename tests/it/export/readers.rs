//! Programs of others read back what was written: the same rows, sums and types.

use serde_json::json;

use super::{Desk, python, script};

#[test]
fn duckdb_pyarrow_and_pandas_read_the_same() {
    let Some(desk) = Desk::new() else { return };
    desk.export(&["--to", "parquet:p", "--to", "csv:c", "--to", "ndjson:n"]).ends_with(0).says("9 published");
    let at = |name: &str| desk.path().join(name);
    let script = script("read_back.py");
    let said = python("duckdb, pandas, pyarrow", &[&script, &at("usages.parquet"), &at("p"), &at("c"), &at("n")]);
    assert!(said.is_none_or(|said| said.contains("all readers agree")));
}

#[test]
fn rows_of_other_types_are_taken_where_they_are_exact() {
    let Some(desk) = Desk::new() else { return };
    desk.export(&["--to", "parquet:p"]).ends_with(0);
    // The same numbers in a wider type, in one group, and without what the file may leave out.
    desk.make("wide.parquet", &json!({"wide": true, "group": 1000}));
    desk.export_of(&["wide.parquet"], &["--to", "parquet:p"]).ends_with(0).says("3 unchanged");
    desk.make("short.parquet", &json!({"without": ["deployment"], "named": false}));
    desk.export_of(&["short.parquet"], &["--to", "parquet:q"]).ends_with(2).says("name the server with --url");
    desk.export_of(&["short.parquet"], &["--to", "parquet:p", "--url", "https://waldur.example.com/"])
        .ends_with(0)
        .says("3 unchanged");
}

#[test]
fn an_export_is_a_source_of_an_export() {
    let Some(desk) = Desk::new() else { return };
    desk.export(&["--to", "parquet:p"]).ends_with(0);
    let month = |month: &str| format!("p/usages/billing_period={month}/part-0.parquet");
    let files = ["2026-01", "2026-02", "2026-03"].map(month);
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    desk.export_of(&files, &["--to", "parquet:q"]).ends_with(0).says("3 published");
    let data = |folder: &str| {
        let files = desk.files(folder).into_iter().filter(|(name, _)| name.ends_with(".parquet"));
        files.map(|(name, (content, _))| (name, content)).collect::<Vec<_>>()
    };
    assert_eq!(data("p"), data("q"));
}
