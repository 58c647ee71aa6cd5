//! Months of a server, here the sandbox, end to end.

use serde_json::Value;
use waldur_usage::domain::Amount;

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
    export(&[]).says("3 unchanged");
    assert_eq!(not_checked(), []);
}
