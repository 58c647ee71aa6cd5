//! What is written when, and what it says of itself.

use serde_json::json;

use super::{Desk, changed};

const FOLDERS: [&str; 6] = ["--to", "parquet:p", "--to", "csv:c", "--to", "ndjson:n"];

#[test]
fn a_second_run_writes_nothing_and_the_same_rows_are_the_same_bytes() {
    let Some(desk) = Desk::new() else { return };
    desk.export(&FOLDERS).ends_with(0).says("9 published; 1,800 rows in all");
    let before = ["p", "c", "n"].map(|folder| desk.files(folder));
    std::thread::sleep(std::time::Duration::from_millis(20));
    desk.export(&FOLDERS).ends_with(0).says("9 unchanged");
    assert_eq!(["p", "c", "n"].map(|folder| desk.files(folder)), before);
    assert!(before[0].contains_key("usages/billing_period=2026-01/part-0.parquet"));
    assert!(before[1].contains_key("usages/usages-2026-03.csv"));
    // Another run, at another time and another place.
    let folder = ["--to", "parquet:other/p", "--to", "csv:other/c", "--to", "ndjson:other/n"];
    desk.export(&[&folder[..], &["--now", "2027-01-01T00:00:00Z"]].concat()).ends_with(0);
    for (at, name) in ["p", "c", "n"].iter().enumerate() {
        let other = desk.files(&format!("other/{name}"));
        for (name, (content, _)) in before[at].iter().filter(|(name, _)| !name.contains("manifest")) {
            assert_eq!(*content, other[name].0, "{name}");
        }
    }
    let (own, other) = (desk.manifest("p"), desk.manifest("other/p"));
    assert_eq!(own["slices"][0]["file"], other["slices"][0]["file"]);
    assert_ne!(own["run"]["time"], other["run"]["time"]);
    assert_eq!(own["slices"][0]["content"], desk.manifest("n")["slices"][0]["content"]);
}

#[test]
fn one_changed_usage_rewrites_one_month() {
    let Some(desk) = Desk::new() else { return };
    desk.export(&FOLDERS).ends_with(0);
    let before = ["p", "c", "n"].map(|folder| desk.files(folder));
    desk.make("usages.parquet", &json!({"changed": true}));
    // Row 4 is of the second month and of ram.
    desk.export(&FOLDERS).ends_with(0).says("1 changed, ram +1.00").says("3 replaced, 6 unchanged");
    let files =
        ["usages/billing_period=2026-02/part-0.parquet", "usages/usages-2026-02.csv", "usages/usages-2026-02.ndjson"];
    for ((folder, before), file) in ["p", "c", "n"].iter().zip(before).zip(files) {
        assert_eq!(changed(&before, &desk.files(folder)), ["manifest.json", file]);
        let manifest = desk.manifest(folder);
        let revision = &manifest["revisions"][0];
        assert_eq!(manifest["revisions"].as_array().unwrap().len(), 1);
        assert_eq!(revision["rows"], json!({"added": 0, "changed": 1, "removed": 0}), "{folder}");
        assert_eq!((&revision["period"], &revision["revision"]), (&json!("2026-02"), &json!(2)));
        let difference = &revision["difference"];
        assert_eq!(difference.as_array().unwrap().len(), 1);
        assert_eq!((&difference[0]["component"], &difference[0]["difference"]), (&json!("ram"), &json!("1.00")));
        let revisions: Vec<u64> = manifest["slices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["revision"].as_u64().unwrap())
            .collect();
        assert_eq!(revisions, [1, 2, 1]);
    }
    desk.export(&FOLDERS).ends_with(0).says("9 unchanged");
}

#[test]
fn a_renamed_project_rewrites_no_fact() {
    let Some(desk) = Desk::new() else { return };
    desk.make("resources.parquet", &json!({"table": "resources"}));
    let both = ["usages.parquet", "resources.parquet"];
    desk.export_of(&both, &["--to", "parquet:p"]).ends_with(0).says("6 published");
    let before = desk.files("p");
    desk.make("resources.parquet", &json!({"table": "resources", "renamed": true}));
    desk.export_of(&both, &["--to", "parquet:p"]).ends_with(0).says("1 replaced, 5 unchanged");
    let files = changed(&before, &desk.files("p"));
    assert_eq!(files, ["manifest.json", "resources/billing_period=2026-01/part-0.parquet"]);
    // One of the tables alone leaves the other as it is.
    desk.export(&["--to", "parquet:p"]).ends_with(0).says("3 unchanged");
    assert_eq!(desk.manifest("p")["slices"].as_array().unwrap().len(), 6);
}

#[test]
fn new_fields_follow_the_contract() {
    let Some(desk) = Desk::new() else { return };
    let to = ["--to", "parquet:p", "--to", "csv:c"];
    desk.export(&to).ends_with(0);
    let before = desk.files("p");
    desk.make("usages.parquet", &json!({"extra": "colour"}));
    desk.export(&[&to[..], &["--contract", "freeze"]].concat())
        .ends_with(4)
        .says("fields of usages that the contract `freeze` does not allow: colour");
    assert_eq!(desk.files("p"), before);
    desk.export(&to).ends_with(0).says("6 unchanged");
    assert_eq!(changed(&before, &desk.files("p")), ["manifest.json"]);
    assert_eq!(desk.manifest("p")["discarded"], json!({"usages": ["colour"]}));
    let after = desk.files("p");
    desk.export(&to).ends_with(0);
    assert_eq!(desk.files("p"), after, "that it was left out is said once");
    desk.export(&[&to[..], &["--contract", "evolve"]].concat()).ends_with(0).says("6 replaced");
    let manifest = desk.manifest("p");
    assert_eq!((&manifest["evolved"], &manifest["discarded"]), (&json!({"usages": ["colour"]}), &json!(null)));
    // Of 200 rows of a month a quarter has the field.
    assert_eq!(manifest["revisions"][0]["rows"], json!({"added": 0, "changed": 50, "removed": 0}));
    let csv = std::fs::read_to_string(desk.path().join("c/usages/usages-2026-01.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with(",modified_by,colour"), "{csv}");
    // A column stays, also where no row has the field and the contract no longer asks for it.
    desk.make("usages.parquet", &json!({}));
    desk.export(&to).ends_with(0).says("6 replaced");
    assert_eq!(desk.manifest("p")["evolved"], json!({"usages": ["colour"]}));
    desk.export(&[&to[..], &["--contract", "freeze"]].concat()).ends_with(0).says("6 unchanged");
}

#[test]
fn guarded_text_is_as_it_was_when_it_is_read_back() {
    let Some(desk) = Desk::new() else { return };
    let to = ["--to", "csv:c", "--excel-safe"];
    desk.export(&to).ends_with(0);
    let csv = std::fs::read_to_string(desk.path().join("c/usages/usages-2026-01.csv")).unwrap();
    let has = |text: &str| csv.contains(text);
    assert!(has(",'=1+1,") && has(",'@x,") && has(",''=kept,") && has(",-5,") && !has(",=1+1,"), "{csv}");
    assert_eq!(desk.manifest("c")["excel_safe"], true);
    // Were the guards not taken off exactly, more rows than one would count as changed.
    desk.make("usages.parquet", &json!({"changed": true}));
    desk.export(&to).ends_with(0).says("1 changed, ram +1.00");
    desk.export(&["--to", "csv:c"]).ends_with(2).says("holds guarded text");
    desk.export(&["--to", "csv:exact"]).ends_with(0);
    assert_eq!(desk.manifest("exact")["excel_safe"], false);
    desk.export(&["--to", "parquet:p", "--excel-safe"]).ends_with(2).says("no target is csv:DIR");
}

#[test]
fn months_are_added_and_nothing_of_a_run_is_left_beside_them() {
    let Some(desk) = Desk::new() else { return };
    let one = ["export", "--from", "usages.parquet", "--period", "2026-02", "--to", "parquet:p"];
    desk.run(&one).ends_with(0).says("1 published; 200 rows");
    desk.export(&["--to", "parquet:p"]).ends_with(0).says("2 published, 1 unchanged");
    let names: Vec<String> = desk.files("p").into_keys().collect();
    let month = |month: i8| format!("usages/billing_period=2026-0{month}/part-0.parquet");
    assert_eq!(names, [".waldur-usage.lock".to_owned(), "manifest.json".to_owned(), month(1), month(2), month(3)]);
    // What a killed run left of a file that never took its place is taken away.
    let draft = desk.path().join("p/usages/billing_period=2026-04");
    std::fs::create_dir(&draft).unwrap();
    std::fs::write(draft.join(".part-0.parquet.draft"), "half").unwrap();
    desk.export(&["--to", "parquet:p"]).ends_with(0).says("3 unchanged");
    assert!(!draft.exists());
}
