//! The rules of reporting on the built-in world, and what single switches make of them.

use serde_json::{Value as Json, json};

use super::Scene;
use crate::domain::CarryOver;
use crate::sandbox::behaviour::{Behaviour, CarryOverField, CurrentUsages, DateFrom, Limits, RowPer};
use crate::sandbox::rules::Refusal;

fn dialect_2024() -> Behaviour {
    Behaviour::dialect_2024()
}

#[test]
fn a_refusal_in_the_middle_leaves_what_came_before_it() {
    let usages = json!([
        {"type": "block_storage", "amount": "22"},
        {"type": "egress", "amount": "2000"},
        {"type": "object_storage", "amount": "33"},
    ]);
    let mut scene = Scene::new(dialect_2024());
    let before = scene.current_usages("flame-data");
    let refused = scene.report("flame-data", &usages);
    assert!(matches!(&refused, Err(Refusal::Invalid(Json::Array(_)))), "{refused:?}");
    assert_eq!(scene.stored("flame-data", "block_storage", "2026-11"), ["22.00 none"]);
    assert!(scene.stored("flame-data", "object_storage", "2026-11").is_empty());
    assert_eq!(scene.current_usages("flame-data"), before);

    let mut scene = Scene::new(Behaviour { atomic: true, ..dialect_2024() });
    scene.report("flame-data", &usages).unwrap_err();
    assert!(scene.stored("flame-data", "block_storage", "2026-11").is_empty());
}

#[test]
fn a_total_limit_counts_the_row_that_is_replaced() {
    let mut scene = Scene::new(dialect_2024());
    let egress = |amount: &str| json!([{"type": "egress", "amount": amount}]);
    scene.report("flame-data", &egress("300")).unwrap();
    scene.report("flame-data", &egress("300")).unwrap_err();
    scene.behaviour.limits = Limits::Logged;
    scene.report("flame-data", &egress("300")).unwrap();
}

#[test]
fn what_the_database_cannot_hold_takes_everything_back() {
    let mut scene = Scene::new(dialect_2024());
    let long = "x".repeat(2_001);
    for fault in
        [json!({"type": "ram", "amount": "1e12"}), json!({"type": "ram", "amount": "1", "description": long})]
    {
        let usages = json!([{"type": "cpu", "amount": "5"}, fault]);
        assert_eq!(scene.report("benchmarks", &usages), Err(Refusal::Broken));
        assert!(scene.stored("benchmarks", "cpu", "2026-11").is_empty());
    }
    // Without a plan period nothing is billed, so there is room for it.
    let usages = json!([{"type": "ram", "amount": "1e12"}]);
    scene.report("training-course", &usages).unwrap();
    assert_eq!(scene.report("monitoring", &json!([])), Err(Refusal::Broken));
}

#[test]
fn a_switched_plan_has_a_row_of_each_period() {
    let usages = json!([{"type": "cpu", "amount": "7"}]);
    let mut scene = Scene::new(dialect_2024());
    let periods = &scene.data.resources[scene.resource("flame-les")].plan_periods;
    let first = periods[0].uuid;
    scene
        .report_as(
            "owner",
            &json!({"plan_period": first, "usages": [{"type": "cpu", "amount": "3", "recurring": true}]}),
        )
        .unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11").last().unwrap(), "3.00 reuse");
    scene.report("flame-les", &usages).unwrap();
    // The report of one row switches the carry-over of the other off.
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11"), ["7.00 none", "3.00 none"]);

    let mut scene = Scene::new(Behaviour { rows: RowPer::PlanAndMonth, ..dialect_2024() });
    let month_total = |amount: &str| json!([{"type": "cpu", "amount": amount}]);
    scene.report("flame-les", &month_total("7")).unwrap();
    scene.report_as("owner", &json!({"plan_period": first, "usages": month_total("10")})).unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11"), ["7.00 none", "3.00 none"]);
    scene.report("flame-les", &month_total("2")).unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11"), ["0.00 none", "3.00 none"]);

    let mut scene = Scene::new(Behaviour { rows: RowPer::Month, ..dialect_2024() });
    scene.report_as("owner", &json!({"plan_period": first, "usages": usages})).unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11"), ["7.00 none"]);
}

#[test]
fn what_a_report_does_not_say_is_wiped() {
    let mut scene = Scene::new(dialect_2024());
    assert!(scene.stored("qmat-dft", "cpu", "2026-11")[0].ends_with("reuse"));
    scene.report("qmat-dft", &json!([{"type": "cpu", "amount": "1"}])).unwrap();
    assert_eq!(scene.stored("qmat-dft", "cpu", "2026-11"), ["1.00 none"]);
    assert_eq!(scene.current_usages("qmat-dft"), r#"{"cpu":"1.00"}"#);

    let mut scene = Scene::new(Behaviour { current_usages: CurrentUsages::Merged, ..dialect_2024() });
    scene.report("qmat-dft", &json!([{"type": "cpu", "amount": "1"}])).unwrap();
    assert!(scene.current_usages("qmat-dft").starts_with(r#"{"cpu":"1.00","ram":""#));
}

#[test]
fn dates_are_ignored_or_for_staff() {
    let mut scene = Scene::new(dialect_2024());
    let resource = scene.data.resources[scene.resource("benchmarks")].uuid;
    let dated =
        |date: &str| json!({"resource": resource, "date": date, "usages": [{"type": "cpu", "amount": "5"}]});
    scene.report_as("owner", &dated("garbage")).unwrap();
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["5.00 none"]);

    let mut scene = Scene::new(Behaviour { date: DateFrom::Staff, ..dialect_2024() });
    for (user, date, is_accepted) in [
        ("staff", "2026-09-30T06:00:00Z", true),
        ("staff", "2026-09-30T06:00:00", true),
        ("staff", "2026-12-01T00:00:00Z", false),
        ("staff", "yesterday", false),
        ("owner", "2026-09-30T06:00:00Z", false),
    ] {
        assert_eq!(scene.report_as(user, &dated(date)).is_ok(), is_accepted, "{user} {date}");
    }
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-09"), ["5.00 none"]);
}

#[test]
fn a_policy_can_stand_for_recurring() {
    let mut scene = Scene::new(Behaviour { carry_over: CarryOverField::Policy, ..dialect_2024() });
    let mut report = |usage: Json| scene.report("benchmarks", &json!([usage])).is_ok();
    assert!(report(json!({"type": "cpu", "amount": "1", "missing_usage_policy": "zero"})));
    assert!(report(json!({"type": "ram", "amount": "1", "recurring": true})));
    assert!(!report(
        json!({"type": "ram", "amount": "1", "recurring": true, "missing_usage_policy": "zero"})
    ));
    assert!(!report(json!({"type": "ram", "amount": "1", "missing_usage_policy": "sometimes"})));
    let zero = CarryOver::Zero;
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), [format!("1.00 {zero}")]);
    assert_eq!(scene.stored("benchmarks", "ram", "2026-11"), ["1.00 reuse"]);
}

#[test]
fn a_stranger_learns_of_a_bad_body_before_the_missing_right() {
    let mut scene = Scene::new(dialect_2024());
    let resource = scene.data.resources[scene.resource("benchmarks")].uuid;
    let body = |amount: &str| json!({"resource": resource, "usages": [{"type": "cpu", "amount": amount}]});
    assert!(matches!(scene.report_as("nobody", &body("x")), Err(Refusal::Invalid(_))));
    assert_eq!(scene.report_as("nobody", &body("1")), Err(Refusal::Forbidden));
    assert_eq!(scene.report_as("consumer", &body("1")), Err(Refusal::Forbidden));
    assert_eq!(scene.report_as("manager", &body("1")), Ok(()));
}

#[test]
fn merged_current_usages_are_what_is_stored_and_replaced_ones_what_was_sent() {
    for (behaviour, clamped, beside_frozen) in
        [(Behaviour::dialect_2026(), "0.00", "3.00"), (dialect_2024(), "-5.00", "10.00")]
    {
        let mut scene = Scene::new(behaviour.clone());
        scene.report("benchmarks", &json!([{"type": "cpu", "amount": "-5"}])).unwrap();
        let current = |scene: &Scene, name: &str| {
            scene.data.resources[scene.resource(name)].current_usages["cpu"].as_str().unwrap().to_owned()
        };
        assert_eq!(current(&scene, "benchmarks"), clamped, "{behaviour}");
        let first = scene.data.resources[scene.resource("flame-les")].plan_periods[0].uuid;
        let report = |amount: &str| json!([{"type": "cpu", "amount": amount}]);
        scene.report("flame-les", &report("7")).unwrap();
        scene.report_as("owner", &json!({"plan_period": first, "usages": report("10")})).unwrap();
        assert_eq!(current(&scene, "flame-les"), beside_frozen, "{behaviour}");
    }
}
