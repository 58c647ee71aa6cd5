//! The workbook: read by openpyxl, written when something changed, and replaced whole.

use std::path::Path;

use serde_json::json;

use super::{Desk, changed, python, script};

#[test]
fn a_workbook_is_read_by_others_and_written_when_something_changed() {
    let Some(desk) = Desk::new() else { return };
    desk.make("resources.parquet", &json!({"table": "resources"}));
    let both = ["usages.parquet", "resources.parquet"];
    let to = ["--to", "xlsx:out/usage.xlsx"];
    desk.export_of(&both, &to).ends_with(0).says("6 published");
    let total: String = {
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(desk.path().join("out/usage.xlsx.manifest.json")).unwrap())
                .unwrap();
        let sums =
            manifest["slices"].as_array().unwrap().iter().flat_map(|entry| entry["sums"].as_array().unwrap());
        let sums =
            sums.map(|sum| sum["sum"].as_str().unwrap().parse::<waldur_usage::domain::Amount>().unwrap());
        waldur_usage::domain::Amount::total(sums).unwrap().to_string()
    };
    let (read, book) = (script("read_workbook.py"), desk.path().join("out/usage.xlsx"));
    let said = python("openpyxl", &[&read, &book, Path::new(&total)]);
    assert!(said.is_none_or(|said| said.contains("read")));
    let before = desk.files("out");
    desk.export_of(&both, &to).ends_with(0).says("6 unchanged");
    assert_eq!(desk.files("out"), before);
    desk.export_of(&both, &["--to", "xlsx:other/usage.xlsx", "--now", "2027-01-01T00:00:00Z"]).ends_with(0);
    assert_eq!(desk.files("other")["usage.xlsx"].0, before["usage.xlsx"].0, "the same bytes");
    // It is one file: what it holds is asked for whole.
    desk.export(&to).ends_with(2).says("holds resources of 2026-01, which this run does not read");
    desk.make("usages.parquet", &json!({"changed": true}));
    desk.export_of(&both, &to).ends_with(0).says("1 replaced, 5 unchanged").says("rows unknown, ram +1.00");
    assert_eq!(changed(&before, &desk.files("out")), ["usage.xlsx", "usage.xlsx.manifest.json"]);
    std::fs::write(&book, "damaged").unwrap();
    desk.export_of(&both, &to).ends_with(0).says("6 restored");
    desk.export_of(&both, &to).ends_with(0).says("6 unchanged");
}
