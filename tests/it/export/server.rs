//! Months of a server, here the sandbox, end to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use waldur_usage::domain::Amount;

use waldur_usage::sandbox::{Fault, FaultKind, InvoiceState};

use crate::proxy;
use crate::rig::Rig;

#[test]
fn months_of_a_server_are_what_it_lists() {
    let rig = Rig::new();
    let export = |more: &[&str]| {
        rig.run(
            &[&["export", "--period", "2026-08..2026-11", "--to", "csv:c", "--to", "ndjson:n"], more]
                .concat(),
        )
    };
    export(&[]).ends_with(0).says("usages").says("resources").says("components").says("24 published");
    export(&[]).ends_with(0).says("24 unchanged");
    let text = std::fs::read(rig.folder.path().join("n/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        manifest["deployment"].as_str().unwrap().trim_end_matches('/'),
        rig.url().trim_end_matches('/')
    );
    for period in ["2026-08", "2026-09", "2026-10", "2026-11"] {
        let listed = rig.run(&["list", "--period", period, "--format", "json"]).ends_with(0).json();
        let listed = listed.as_array().unwrap();
        let text =
            std::fs::read_to_string(rig.folder.path().join(format!("n/usages/usages-{period}.ndjson")));
        let rows: Vec<Value> =
            text.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), listed.len(), "{period}");
        for row in &rows {
            let own = listed.iter().find(|own| own["uuid"] == row["uuid"]).unwrap();
            let amount = |value: &Value| value.as_str().unwrap().parse::<Amount>().unwrap();
            assert_eq!(amount(&row["usage"]), amount(&own["usage"]));
            assert_eq!(
                (&row["resource_uuid"], &row["component_type"]),
                (&own["resource_uuid"], &own["type"])
            );
        }
    }
    // Another selection needs another target.
    export(&["--type", "cpu"]).ends_with(2).says("holds the selection");
    let to = ["export", "--period", "2026-11", "--type", "cpu", "--what", "usages", "--to", "csv:cpu"];
    rig.run(&to).ends_with(0).says("1 published");
    let text = std::fs::read_to_string(rig.folder.path().join("cpu/usages/usages-2026-11.csv")).unwrap();
    assert!(text.lines().skip(1).all(|line| line.contains(",cpu,")) && text.lines().count() > 1, "{text}");
}

#[test]
fn a_closed_month_is_left_alone_only_when_that_is_asked_for() {
    let rig = Rig::new();
    let token = rig.token("staff");
    let export = |more: &[&str]| {
        let own = ["export", "--period", "2026-09..2026-11", "--what", "usages", "--to", "csv:c"];
        rig.run_as(&token, &[&own[..], more].concat()).ends_with(0)
    };
    let not_checked = || {
        let text = std::fs::read(rig.folder.path().join("c/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&text).unwrap();
        let months = manifest["slices"].as_array().unwrap().iter();
        let left = months.filter(|own| !own["not_checked_since"].is_null());
        left.map(|own| (own["period"].clone(), own["not_checked_since"].clone())).collect::<Vec<_>>()
    };
    // What was never published is read, closed or not.
    export(&["--skip-closed"]).says("3 published");
    assert_eq!(not_checked(), []);
    export(&["--skip-closed"]).says("not checked").says("since 2026-");
    let first = not_checked();
    assert!(!first.is_empty());
    assert!(first.iter().all(|(period, _)| period != "2026-11"), "{first:?}");
    // It stays told since when nobody looked, until somebody does.
    export(&["--skip-closed"]);
    assert_eq!(not_checked(), first);
    // An invoice that was settled is cancelled after all.
    let invoices = ["export", "--period", "2026-10", "--what", "invoices", "--to", "ndjson:i"];
    rig.run_as(&token, &invoices).ends_with(0);
    let text = std::fs::read_to_string(rig.folder.path().join("i/invoices/invoices-2026-10.ndjson")).unwrap();
    let invoice: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let customer = invoice["customer_uuid"].as_str().unwrap().parse().unwrap();
    assert!(rig.sandbox.set_invoice_state(customer, "2026-10".parse().unwrap(), InvoiceState::Canceled));
    export(&["--skip-closed"]).says("2 unchanged");
    assert_eq!(not_checked().len(), first.len() - 1);
    export(&["--skip-closed"]);
    assert_eq!(not_checked().len(), first.len());
    export(&[]).says("3 unchanged");
    assert_eq!(not_checked(), []);
}

/// Everything below a folder, with its content.
fn files(folder: &std::path::Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (std::collections::BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_list_that_may_not_be_read_empties_no_month() {
    let rig = Rig::new();
    let token = rig.token("staff");
    let tables = "invoices,invoice-items,resources,components";
    let export = || rig.run_as(&token, &["export", "--period", "2026-10", "--what", tables, "--to", "csv:c"]);
    export().ends_with(0).says("4 published");
    let before = files(&rig.folder.path().join("c"));
    for (list, status, code) in [
        ("/api/invoices/", 403, 7),
        ("/api/invoices/", 404, 6),
        ("invoice-items", 403, 7),
        ("provider-resources", 403, 7),
        ("provider-offerings", 404, 7),
    ] {
        rig.sandbox.inject(Fault {
            method: "GET".into(),
            path_contains: list.into(),
            times: 1000,
            ..Fault::new(FaultKind::Status(status, "{\"detail\":\"no\"}".into(), "application/json".into()))
        });
        export().ends_with(code);
        rig.sandbox.clear_faults();
        assert_eq!(files(&rig.folder.path().join("c")), before, "{list} {status}");
    }
    export().ends_with(0).says("4 unchanged");
}

#[test]
fn a_target_is_of_what_one_account_sees() {
    let rig = Rig::new();
    let export = |who: &str| {
        let tables = "usages,resources,invoices";
        let own = ["export", "--period", "2026-10", "--what", tables, "--to", "parquet:p"];
        rig.run_as(&rig.token(who), &own)
    };
    export("staff").ends_with(0).says("3 published");
    let before = files(&rig.folder.path().join("p"));
    export("owner").ends_with(2).says("holds what sees everything, and this is what account");
    assert_eq!(files(&rig.folder.path().join("p")), before);
    export("staff").ends_with(0).says("3 unchanged");
    // Saved rows say whose they are, and whether a filter left some out.
    let filtered =
        ["export", "--period", "2026-10", "--what", "usages", "--type", "cpu", "--to", "parquet:f"];
    rig.run_as(&rig.token("staff"), &filtered).ends_with(0);
    let file = "f/usages/billing_period=2026-10/part-0.parquet";
    rig.run(&["export", "--period", "2026-10", "--from", file, "--to", "parquet:p"])
        .ends_with(2)
        .says("holds the selection");
    assert_eq!(files(&rig.folder.path().join("p")), before);
    rig.run(&["export", "--period", "2026-10", "--from", file, "--to", "csv:g"])
        .ends_with(0)
        .says("1 published");
    let own = ["export", "--period", "2026-10", "--what", "usages", "--type", "cpu", "--to", "csv:g"];
    rig.run_as(&rig.token("staff"), &own).ends_with(0).says("1 unchanged");
    rig.run(&["export", "--period", "2062-10", "--to", "csv:later"]).ends_with(2).says("has not begun");
}

#[test]
fn what_an_account_loses_with_a_role_is_not_removed_from_months() {
    let rig = Rig::new();
    let token = rig.token("owner");
    let has_lost = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&has_lost);
    let front = proxy::start(
        rig.url(),
        |_| (),
        move |request, answer| {
            if seen.load(Ordering::SeqCst) && request.path.contains("users/me") {
                let mut own: Value = serde_json::from_slice(&answer.body).unwrap();
                own["permissions"] = Value::Array(Vec::new());
                answer.body = serde_json::to_vec(&own).unwrap();
            }
        },
    );
    let rig = rig.through(&front);
    let export = |more: &[&str]| {
        rig.run_as(&token, &[&["export", "--period", "2026-10", "--to", "csv:c"], more].concat())
    };
    export(&[]).ends_with(0).says("3 published");
    let before = files(&rig.folder.path().join("c"));
    let manifest: Value =
        serde_json::from_slice(&before[&rig.folder.path().join("c/manifest.json")]).unwrap();
    assert!(manifest["roles"].as_array().is_some_and(|roles| !roles.is_empty()), "{manifest:#}");
    has_lost.store(true, Ordering::SeqCst);
    export(&[]).ends_with(2).says("which it is no longer: months would lose their rows");
    assert_eq!(files(&rig.folder.path().join("c")), before);
    export(&["--accept-lost-roles"]).ends_with(0);
    export(&[]).ends_with(0).says("3 unchanged");
}

#[test]
fn rows_and_sums_that_somebody_altered_are_put_right() {
    let rig = Rig::new();
    let export = || rig.run_as(&rig.token("staff"), &["export", "--period", "2026-10", "--to", "csv:c"]);
    export().ends_with(0).says("3 published");
    let before = files(&rig.folder.path().join("c"));
    let path = rig.folder.path().join("c/manifest.json");
    let mut manifest: Value = serde_json::from_slice(&before[&path]).unwrap();
    let entries = manifest["slices"].as_array_mut().unwrap();
    let entry = entries.iter_mut().find(|entry| entry["table"] == "usages").unwrap();
    entry["rows"] = 1.into();
    entry["sums"][0]["sum"] = "1.00".into();
    std::fs::write(&path, manifest.to_string()).unwrap();
    export().ends_with(0).says("1 restored");
    let after = files(&rig.folder.path().join("c"));
    let told = |files: &std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>| {
        let manifest: Value = serde_json::from_slice(&files[&path]).unwrap();
        let entries = manifest["slices"].as_array().unwrap();
        let entry = entries.iter().find(|entry| entry["table"] == "usages").unwrap();
        (entry["rows"].clone(), entry["sums"].clone())
    };
    assert_eq!(told(&after), told(&before));
    // A year is named before it is over: what has not begun is left for then.
    let year = ["export", "--period", "2026-10..2036-01", "--to", "csv:y"];
    rig.run_as(&rig.token("staff"), &year).ends_with(0);
    assert!(!rig.folder.path().join("y/usages").join("billing_period=2026-12").exists());
    let told = std::fs::read_to_string(rig.folder.path().join("y/manifest.json")).unwrap();
    assert!(told.contains("2026-11") && !told.contains("2026-12"), "{told}");
    // A library that takes such names for parts of an address would write elsewhere.
    let odd = ["export", "--period", "2026-10", "--to", "delta:d%41"];
    rig.run_as(&rig.token("staff"), &odd).ends_with(6).says("a control character in its name");
}

#[test]
fn a_field_with_the_name_of_a_column_is_not_lost_without_a_word() {
    let rig = Rig::new();
    let export = |contract: &str| {
        let own =
            ["export", "--period", "2026-10", "--what", "usages", "--to", "csv:c", "--contract", contract];
        rig.run(&own)
    };
    for name in ["deployment", "Usage"] {
        rig.sandbox.inject(Fault { times: 1000, ..Fault::new(FaultKind::AddedField(name.into())) });
        export("evolve")
            .ends_with(2)
            .says("a column of that name is there already")
            .says("--contract discard");
        rig.sandbox.clear_faults();
    }
    export("evolve").ends_with(0).says("1 published");
}

#[test]
fn what_stands_in_the_place_of_a_month_without_rows_is_somebody_elses() {
    let rig = Rig::new();
    let own = ["export", "--period", "2026-10", "--what", "user-usages", "--to", "csv:c"];
    rig.run(&own).ends_with(0).says("0 rows");
    let place = rig.folder.path().join("c/user-usages/user-usages-2026-10.csv");
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, "somebody's own").unwrap();
    rig.run(&own).ends_with(2).says("no manifest says that it is ours");
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "somebody's own");
}
