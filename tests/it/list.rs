//! `list` and `show`.

use crate::rig::Rig;

#[test]
fn filters_and_orderings_are_those_of_the_api() {
    let rig = Rig::new();
    let list = |arguments: &[&str]| {
        let all = [&["list", "--format", "json"], arguments].concat();
        rig.run(&all).ends_with(0).json().as_array().unwrap().clone()
    };
    let all = list(&[]);
    let of_november = list(&["--period", "2026-11"]);
    assert!(!of_november.is_empty() && of_november.len() < all.len());
    assert_eq!(list(&["--period", "2026-08..2026-11"]).len(), all.len());
    assert_eq!(list(&["--billing-period-year", "2025"]).len(), 0);
    assert_eq!(list(&["--billing-period-month", "11"]).len(), of_november.len());
    let row = &of_november[0];
    for (flag, field) in [
        ("--customer", "customer_uuid"),
        ("--project", "project_uuid"),
        ("--offering", "offering_uuid"),
        ("--resource", "resource_uuid"),
        ("--type", "type"),
    ] {
        let value = row[field].as_str().unwrap();
        let rows = list(&[flag, value]);
        assert!(!rows.is_empty() && rows.iter().all(|row| row[field] == value), "{flag}");
    }
    let ordered = list(&["--period", "2026-11", "-o", "-usage", "--field", "usage"]);
    let amounts: Vec<f64> =
        ordered.iter().map(|row| row["usage"].as_str().unwrap().parse().unwrap()).collect();
    assert!(amounts.is_sorted_by(|left, right| left >= right));
    assert_eq!(ordered[0].as_object().unwrap().len(), 1, "only the field that was asked for");
}

#[test]
fn what_the_2024_server_ignores_is_named() {
    let rig = Rig::new();
    rig.run(&["list", "--billing-period-month", "11"])
        .ends_with(0)
        .says("the server ignored billing_period_month");
    rig.run(&["list", "--period", "2026-11", "-o", "usage"]).ends_with(0).says("the server ignored o;");
}

#[test]
fn pages_pass_through() {
    let rig = Rig::new();
    let run = rig.run(&["list", "--page", "2", "--page-size", "5", "--format", "json"]).ends_with(0);
    assert_eq!(run.json().as_array().unwrap().len(), 5);
    run.says("the server counts");
    rig.run(&["list", "--page", "9999"]).ends_with(6).says("404");
}

#[test]
fn one_usage_is_shown_whole() {
    let rig = Rig::new();
    let rows = rig.run(&["list", "--period", "2026-11", "--format", "json"]).json();
    let uuid = rows[0]["uuid"].as_str().unwrap();
    rig.run(&["show", uuid]).ends_with(0).says("billing_period").says("2026-11-01");
    rig.run(&["show", "00000000000000000000000000000000"]).ends_with(6).says("there is no usage");
}

#[test]
fn a_field_that_no_usage_has_is_refused() {
    let rig = Rig::new();
    rig.run(&["list", "--period", "2026-11", "--field", "usgae"])
        .ends_with(2)
        .says("have no field `usgae`")
        .says("did you mean usage?");
}
