//! What is refused, in which words, and that nothing is written then.

use std::fs::OpenOptions;

use serde_json::json;

use super::{Desk, PERIOD, changed};

#[test]
fn a_target_of_another_server_is_refused() {
    let Some(desk) = Desk::new() else { return };
    desk.export(&["--to", "parquet:p"]).ends_with(0);
    let before = desk.files("p");
    desk.make("other.parquet", &json!({"deployment": "https://other.example.com"}));
    desk.export_of(&["other.parquet"], &["--to", "parquet:p"])
        .ends_with(2)
        .says("parquet:p holds data of https://waldur.example.com, and this is https://other.example.com")
        .says("name another target");
    desk.export_of(&["usages.parquet", "other.parquet"], &["--to", "parquet:q"])
        .ends_with(2)
        .says("the files are of https://waldur.example.com and of https://other.example.com");
    // Another selection, as its manifest tells it.
    let path = desk.path().join("p/manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(r#""filters": {}"#, r#""filters": {"type": "cpu"}"#)).unwrap();
    desk.export(&["--to", "parquet:p"]).ends_with(2).says("holds the selection");
    std::fs::write(&path, text.replace(r#""version": 1"#, r#""version": 9"#)).unwrap();
    desk.export(&["--to", "parquet:p"]).ends_with(4).says("version 9");
    std::fs::write(&path, "{}").unwrap();
    desk.export(&["--to", "parquet:p"]).ends_with(4).says("the manifest of parquet:p cannot be used");
    std::fs::write(&path, text).unwrap();
    let names = |files: std::collections::BTreeMap<String, _>| files.into_keys().collect::<Vec<_>>();
    assert_eq!(names(desk.files("p")), names(before));
}

#[test]
fn rows_that_cannot_be_a_month_are_refused() {
    let Some(desk) = Desk::new() else { return };
    let refuse = |options: serde_json::Value, code: i32, text: &str| {
        desk.make("bad.parquet", &options);
        desk.export_of(&["bad.parquet"], &["--to", "parquet:bad"]).ends_with(code).says(text);
        assert!(!desk.path().join("bad/manifest.json").exists(), "{text}");
    };
    refuse(json!({"floats": true}), 3, "column `usage` holds Float64, and not decimal(20,2)");
    refuse(json!({"without": ["resource_uuid"]}), 3, "there is no column `resource_uuid`");
    refuse(json!({"twice": true}), 3, "usages of 2026-01 has the key");
    refuse(json!({"without": ["billing_period"]}), 3, "there is no column `billing_period`");
    desk.file("bad.parquet", "no parquet");
    desk.export_of(&["bad.parquet"], &["--to", "parquet:bad"]).ends_with(3).says("cannot be used");
    desk.export_of(&["nowhere.parquet"], &["--to", "parquet:bad"])
        .ends_with(2)
        .says("cannot read nowhere.parquet");
    let beyond =
        ["export", "--from", "usages.parquet", "--period", "2026-03..2026-04", "--to", "parquet:bad"];
    desk.run(&beyond)
        .ends_with(3)
        .says("there is no row of usages of 2026-04")
        .says("An error ended the run");
    assert_eq!(desk.manifest("bad")["slices"].as_array().unwrap().len(), 1, "the month before stands");
}

#[test]
fn targets_are_told_apart_before_anything_is_read() {
    let Some(desk) = Desk::new() else { return };
    let refuse = |target: &str, text: &str| {
        let run = desk.export(&["--to", target]).ends_with(2).says(text);
        assert!(!run.all().contains("s3cret"), "{}", run.all());
    };
    refuse("postgres://me:s3cret@db/usage", "command lines are seen by others");
    refuse("postgresql://db/usage?user=me&password=s3cret", "command lines are seen by others");
    refuse("oracle:NAME", "csv:DIR, ndjson:DIR, delta:DIR, parquet:DIR, postgres:NAME, xlsx:FILE");
    refuse("parquet", "parquet of what?");
    refuse("parquet:", "write it as parquet:DIR");
    desk.export(&["--to", "csv:c", "--to", "csv:c"]).ends_with(2).says("csv:c is named twice");
    desk.export(&["--to", "csv:c", "--to", "parquet:./c/"]).ends_with(2).says("is named twice");
    refuse("csv:s3://bucket/x", "an address is none");
    desk.export(&["--to", "csv:c", "--type", "cpu"]).ends_with(2).says("--type asks the server");
    desk.export(&["--to", "csv:c", "--skip-closed"]).ends_with(2).says("--skip-closed asks the server");
    desk.export(&["--to", "csv:c", "--what", "projects"]).ends_with(2).says("use one of usages");
    desk.export(&["--to", "csv:c", "--what", "resources"]).ends_with(2).says("holds usages");
    let turned = ["export", "--from", "usages.parquet", "--period", "2026-03..2026-01", "--to", "csv:c"];
    desk.run(&turned).ends_with(2).says("last-month");
    assert!(!desk.path().join("c").exists());
}

#[test]
fn what_is_none_of_ours_is_never_replaced() {
    let Some(desk) = Desk::new() else { return };
    std::fs::create_dir_all(desk.path().join("c/usages")).unwrap();
    desk.file("c/usages/usages-2026-02.csv", "somebody's own");
    desk.export(&["--to", "csv:c"]).ends_with(2).says("no manifest says that it is ours");
    assert_eq!(
        std::fs::read_to_string(desk.path().join("c/usages/usages-2026-02.csv")).unwrap(),
        "somebody's own"
    );
    desk.file("usage.xlsx", "somebody's own");
    desk.export(&["--to", "xlsx:usage.xlsx"]).ends_with(2).says("no manifest says that it is ours");
    desk.export(&["--to", "csv:usage.xlsx"]).ends_with(2).says("cannot write usage.xlsx");
}

#[test]
fn a_folder_is_of_one_kind_of_files() {
    let Some(desk) = Desk::new() else { return };
    for (kind, others) in [
        ("csv", ["ndjson", "parquet"]),
        ("ndjson", ["csv", "parquet"]),
        ("parquet", ["csv", "ndjson"]),
        ("delta", ["csv", "parquet"]),
    ] {
        let target = format!("{kind}:{kind}");
        desk.export(&["--to", &target]).ends_with(0).says("3 published");
        let before = desk.files(kind);
        for other in others {
            desk.export(&["--to", &format!("{other}:{kind}")]).ends_with(2).says("of another kind of target");
        }
        assert_eq!(changed(&before, &desk.files(kind)), Vec::<String>::new(), "{kind}");
        desk.export(&["--to", &target]).ends_with(0).says("3 unchanged");
    }
}

#[cfg(unix)]
#[test]
fn what_only_looks_like_a_file_is_not_waited_for() {
    let Some(desk) = Desk::new() else { return };
    let make = |name: &str| {
        let made = std::process::Command::new("mkfifo").arg(desk.path().join(name)).status().unwrap();
        assert!(made.success());
    };
    for name in ["c/manifest.json", "c/manifest.next.json", "c/.waldur-usage.lock"] {
        std::fs::create_dir_all(desk.path().join("c")).unwrap();
        make(name);
        desk.export(&["--to", "csv:c"]).ends_with(2).says("no file");
        std::fs::remove_dir_all(desk.path().join("c")).unwrap();
    }
    make("rows.parquet");
    desk.export_of(&["rows.parquet"], &["--to", "csv:c"]).ends_with(2).says("no file");
}

#[test]
fn a_failed_workbook_is_not_told_as_published() {
    let Some(desk) = Desk::new() else { return };
    desk.file("usage.xlsx", "somebody's own");
    let run = desk.export(&["--to", "xlsx:usage.xlsx"]).ends_with(2);
    assert!(!run.stdout.contains("published"), "{}", run.stdout);
}

#[test]
fn one_run_at_a_time_writes_to_a_target() {
    let Some(desk) = Desk::new() else { return };
    desk.export(&["--to", "parquet:p"]).ends_with(0);
    let lock = OpenOptions::new().write(true).open(desk.path().join("p/.waldur-usage.lock")).unwrap();
    lock.lock().unwrap();
    desk.export(&["--to", "parquet:p"]).ends_with(8).says("another run writes to parquet:p");
    drop(lock);
    desk.export(&["--to", "parquet:p"]).ends_with(0).says(PERIOD.split("..").next().unwrap());
}

impl Desk {
    fn file(&self, name: &str, content: &str) {
        std::fs::write(self.path().join(name), content).unwrap();
    }
}
