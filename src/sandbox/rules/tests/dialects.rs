//! The dialects of 2025 and 2026, rule by rule. A test is named after the section of the project's
//! reference on the usage API that tells the rule.

use jiff::tz::TimeZone;
use serde_json::json;

use super::{Scene, complaint};
use crate::domain::{Amount, BillingType};
use crate::sandbox::behaviour::{Behaviour, DateFrom, Limits, RowPer};
use crate::sandbox::data::InvoiceState;
use crate::sandbox::rules::{Refusal, open_books};
use crate::sandbox::world::UserUsageLimit;

/// Both newer dialects.
fn newer() -> [Behaviour; 2] {
    [Behaviour::dialect_2025(), Behaviour::dialect_2026()]
}

fn in_tallinn(mut behaviour: Behaviour) -> Behaviour {
    behaviour.zone = TimeZone::get("Europe/Tallinn").unwrap();
    behaviour
}

impl Scene {
    /// Lets a component be billed otherwise.
    fn bill(&mut self, resource: &str, component: &str, billing_type: BillingType) {
        let offering = self.data.resources[self.resource(resource)].offering;
        let at = self.data.component(offering, component).unwrap();
        self.data.components[at].written.billing_type = billing_type;
    }

    /// The plan period under which the first usage of a month is stored, as its start.
    fn plan_period(&self, name: &str, component: &str, month: &str) -> Option<String> {
        let row = self.data.usages.row(self.usage(name, component, month));
        let start = self.data.resources[row.resource].plan_periods[row.plan_period?].start;
        Some(start.map(|start| start.to_string()).unwrap_or_default())
    }
}

#[test]
fn section_1_1_a_policy_is_understood_by_2026_alone() {
    let usages = json!([{"type": "cpu", "amount": "1", "missing_usage_policy": "sometimes"}]);
    let mut scene = Scene::new(Behaviour::dialect_2025());
    scene.report("benchmarks", &usages).unwrap();
    let mut scene = Scene::new(Behaviour::dialect_2026());
    let refused = scene.report("benchmarks", &usages);
    assert_eq!(
        complaint(&refused),
        r#"{"usages":[{"missing_usage_policy":["\"sometimes\" is not a valid choice."]}]}"#
    );
    let usages = json!([{"type": "cpu", "amount": "1", "missing_usage_policy": "none", "recurring": true}]);
    assert!(complaint(&scene.report("benchmarks", &usages)).contains("recurring"));
}

#[test]
fn section_1_1_a_negative_usage_is_stored_as_zero_by_2026() {
    let usages = json!([{"type": "cpu", "amount": "-3"}, {"type": "storage", "amount": "-3"}]);
    for (behaviour, cpu) in newer().into_iter().zip(["-3.00 none", "0.00 none"]) {
        let mut scene = Scene::new(behaviour);
        scene.report("benchmarks", &usages).unwrap();
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), [cpu]);
        assert_eq!(scene.stored("benchmarks", "storage", "2026-11"), ["-3.00 none"]);
    }
}

#[test]
fn section_1_1_the_shape_of_a_report_is_as_before() {
    for behaviour in newer() {
        let mut scene = Scene::new(behaviour);
        scene.report("benchmarks", &json!([])).unwrap();
        let refused = scene.report("benchmarks", &json!([{"type": "cpu", "amount": "1.234"}]));
        assert!(complaint(&refused).contains("no more than 2 decimal places"));
        let refused = scene.report_as("owner", &json!({"usages": [{"type": "cpu", "amount": "1"}]}));
        assert!(complaint(&refused).contains("resource"), "{}", complaint(&refused));

        // Where both are sent the plan period decides, and nobody asks whether they belong together.
        let period = scene.data.resources[scene.resource("benchmarks")].plan_periods[0].uuid;
        let other = scene.data.resources[scene.resource("climate-alps")].uuid;
        let usages = json!([{"type": "cpu", "amount": "6"}]);
        let body = json!({"resource": other, "plan_period": period, "usages": usages});
        scene.report_as("owner", &body).unwrap();
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["6.00 none"]);
        assert!(scene.stored("climate-alps", "cpu", "2026-11").is_empty());
    }
}

#[test]
fn section_1_2_who_may_report_is_asked_after_the_body_is_judged() {
    for behaviour in newer() {
        let mut scene = Scene::new(behaviour);
        let resource = scene.data.resources[scene.resource("benchmarks")].uuid;
        let body =
            |amount: &str| json!({"resource": resource, "usages": [{"type": "cpu", "amount": amount}]});
        for (user, is_let_in) in
            [("staff", true), ("owner", true), ("manager", true), ("consumer", false), ("nobody", false)]
        {
            complaint(&scene.report_as(user, &body("x")));
            match scene.report_as(user, &body("5")) {
                Ok(()) => assert!(is_let_in, "{user}"),
                Err(refusal) => assert!(!is_let_in && matches!(refusal, Refusal::Forbidden), "{user}"),
            }
        }
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["5.00 none"]);
    }
}

#[test]
fn section_1_3_a_plan_is_required() {
    for behaviour in newer() {
        let mut scene = Scene::new(behaviour);
        let refused = scene.report("monitoring", &json!([{"type": "cpu", "amount": "1"}]));
        assert_eq!(complaint(&refused), r#"{"resource":["Resource must have a plan to report usage."]}"#);
    }
}

#[test]
fn section_1_3_what_is_billed_once_takes_usage_in_2026() {
    for (behaviour, is_taken) in newer().into_iter().zip([false, true]) {
        let mut scene = Scene::new(behaviour);
        for (billing_type, is_taken) in [
            (BillingType::OneTime, is_taken),
            (BillingType::Limit, true),
            (BillingType::OnPlanSwitch, false),
            (BillingType::Fixed, false),
        ] {
            scene.bill("benchmarks", "ram", billing_type.clone());
            let outcome = scene.report("benchmarks", &json!([{"type": "ram", "amount": "1"}]));
            assert_eq!(outcome.is_ok(), is_taken, "{billing_type}");
        }
    }
}

#[test]
fn section_1_4_the_month_turns_in_the_servers_zone() {
    for (behaviour, month) in [
        (Behaviour::dialect_2024(), "2026-11"),
        (Behaviour::dialect_2025(), "2026-12"),
        (Behaviour::dialect_2026(), "2026-12"),
    ] {
        let mut scene = Scene::new(in_tallinn(behaviour));
        // Half past midnight on the first in Tallinn.
        scene.now = "2026-11-30T22:30:00Z".parse().unwrap();
        scene.report("benchmarks", &json!([{"type": "cpu", "amount": "5"}])).unwrap();
        assert_eq!(scene.stored("benchmarks", "cpu", month), ["5.00 none"], "{month}");
    }
}

#[test]
fn section_1_4_a_date_is_converted_and_a_naive_one_is_local() {
    let mut scene = Scene::new(in_tallinn(Behaviour::dialect_2026()));
    for (date, month) in [
        ("2026-09-30T21:25:00Z", "2026-10"),
        ("2026-08-31T23:30:00", "2026-08"),
        ("2026-09-01T00:30:00+03:00", "2026-09"),
    ] {
        let before = scene.stored("benchmarks", "cpu", month);
        scene.report_dated("staff", "benchmarks", date, &["cpu"]).unwrap();
        assert_ne!(scene.stored("benchmarks", "cpu", month), before, "{date}");
        assert_eq!(scene.stored("benchmarks", "cpu", month), ["5.00 none"], "{date}");
    }
}

#[test]
fn section_1_4_a_date_is_ignored_in_2025_and_judged_in_2026() {
    let mut scene = Scene::new(Behaviour::dialect_2025());
    scene.report_dated("owner", "benchmarks", "garbage", &["cpu"]).unwrap();
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["5.00 none"]);
    let mut scene = Scene::new(Behaviour::dialect_2026());
    for date in ["garbage", "2026-10-01", "2026-13-01T00:00:00Z"] {
        let refused = scene.report_dated("staff", "benchmarks", date, &["cpu"]);
        assert!(complaint(&refused).starts_with(r#"{"date":["Datetime has wrong format."#), "{date}");
    }
}

#[test]
fn section_1_4_nobody_reports_the_future() {
    let mut scene = Scene::new(Behaviour::dialect_2026());
    for user in ["staff", "owner"] {
        let refused = scene.report_dated(user, "benchmarks", "2026-11-20T09:00:01Z", &["cpu"]);
        assert_eq!(complaint(&refused), r#"{"date":["Cannot submit usage for future dates."]}"#);
        scene.report_dated(user, "benchmarks", "2026-11-20T09:00:00Z", &["cpu"]).unwrap();
    }
}

#[test]
fn section_1_4_who_may_name_a_past_month() {
    let past = "2026-09-15T06:00:00Z";
    let reports = |date, user: &str, types: &[&str]| {
        let mut scene = Scene::new(Behaviour { date, ..Behaviour::dialect_2026() });
        scene.bill("benchmarks", "ram", BillingType::OneTime);
        scene.report_dated(user, "benchmarks", past, types)
    };
    for date in [DateFrom::Staff, DateFrom::ProviderForLimits, DateFrom::ProviderWhileOpen] {
        reports(date, "staff", &["cpu", "storage"]).unwrap();
    }
    for date in [DateFrom::ProviderForLimits, DateFrom::ProviderWhileOpen] {
        reports(date, "owner", &["storage"]).unwrap();
        reports(date, "owner", &["ram", "storage"]).unwrap();
        // One usage component is enough to refuse the limits beside it.
        let refused = reports(date, "owner", &["storage", "cpu"]);
        assert!(complaint(&refused).starts_with(r#"{"date":["Service providers can only specify date"#));
        let refused = reports(date, "manager", &["storage"]);
        assert!(complaint(&refused).starts_with(r#"{"date":["Only staff users and service providers"#));
    }
    assert_eq!(
        complaint(&reports(DateFrom::Staff, "owner", &["storage"])),
        r#"{"date":["Only staff users can specify date for backfilling."]}"#
    );
}

#[test]
fn section_1_4_a_provider_reports_past_usage_while_the_invoice_is_open() {
    let past = "2026-10-15T06:00:00Z";
    for (date, state, is_taken) in [
        (DateFrom::ProviderWhileOpen, InvoiceState::Pending, true),
        (DateFrom::ProviderWhileOpen, InvoiceState::PendingFinalization, true),
        (DateFrom::ProviderWhileOpen, InvoiceState::Created, false),
        (DateFrom::ProviderWhileOpen, InvoiceState::Paid, false),
        (DateFrom::ProviderForLimits, InvoiceState::Pending, false),
    ] {
        let mut scene = Scene::new(Behaviour { date, ..Behaviour::dialect_2026() });
        open_books(&mut scene.data, &scene.behaviour, scene.now).unwrap();
        let customer = scene.data.customer_of(&scene.data.resources[scene.resource("climate-alps")]);
        let october = "2026-10".parse().unwrap();
        let invoice = scene.data.invoices.of_month(customer, october).unwrap();
        scene.data.invoices.set_state(invoice, state, "2026-11-02".parse().unwrap());
        let outcome = scene.report_dated("owner", "climate-alps", past, &["cpu", "storage"]);
        assert_eq!(outcome.is_ok(), is_taken, "{date:?} {state:?}");
        // A month that never had an invoice is not open.
        scene.report_dated("owner", "climate-alps", "2026-07-15T06:00:00Z", &["cpu"]).unwrap_err();
        // The staff reports whatever the state, and the usage is stored.
        scene.report_dated("staff", "climate-alps", past, &["cpu"]).unwrap();
        assert_eq!(scene.stored("climate-alps", "cpu", "2026-10"), ["5.00 none"]);
    }
}

#[test]
fn section_1_4_a_provider_names_any_day_of_the_current_month() {
    for date in [DateFrom::ProviderForLimits, DateFrom::ProviderWhileOpen] {
        let mut scene = Scene::new(Behaviour { date, ..Behaviour::dialect_2026() });
        scene.report_dated("owner", "benchmarks", "2026-11-01T00:00:00Z", &["cpu", "storage"]).unwrap();
        assert!(scene.report_dated("manager", "benchmarks", "2026-11-19T00:00:00Z", &["cpu"]).is_err());
        scene.report("benchmarks", &json!([{"type": "cpu", "amount": "6"}])).unwrap();
    }
}

#[test]
fn section_1_4_a_legal_date_is_past_for_some_hours_around_a_months_turn() {
    let mut scene = Scene::new(in_tallinn(Behaviour::dialect_2026()));
    scene.now = "2026-11-30T22:30:00Z".parse().unwrap();
    // December in Tallinn, where it is December already; now is still November in UTC.
    let refused = scene.report_dated("owner", "benchmarks", "2026-11-30T22:15:00Z", &["cpu"]);
    assert!(complaint(&refused).contains("Service providers can only"));
}

#[test]
fn section_1_5_a_closed_plan_period_is_closed_for_staff_too() {
    for behaviour in newer() {
        let mut scene = Scene::new(behaviour);
        let at = scene.resource("flame-les");
        let period = &mut scene.data.resources[at].plan_periods[0];
        period.end = Some("2026-10-31T23:59:59Z".parse().unwrap());
        let body = json!({"plan_period": period.uuid, "usages": [{"type": "cpu", "amount": "1"}]});
        let refused = scene.report_as("staff", &body);
        assert_eq!(complaint(&refused), r#"{"plan_period":["Billing period is closed."]}"#);
        // By the resource it is taken.
        scene.report("flame-les", &json!([{"type": "cpu", "amount": "1"}])).unwrap();
    }
}

#[test]
fn section_1_5_a_period_that_begins_later_in_the_month_is_found_in_2026() {
    let started = "2026-10-10T00:00:00Z";
    for (date, expected) in [(Behaviour::dialect_2025(), None), (Behaviour::dialect_2026(), Some(started))] {
        let behaviour = Behaviour { date: DateFrom::Staff, ..date };
        let mut scene = Scene::new(behaviour);
        let at = scene.resource("benchmarks");
        scene.data.resources[at].plan_periods[0].start = Some(started.parse().unwrap());
        scene.behaviour.rows = RowPer::Month;
        scene.report_dated("staff", "benchmarks", "2026-10-01T00:00:00Z", &["cpu"]).unwrap();
        assert_eq!(scene.plan_period("benchmarks", "cpu", "2026-10").as_deref(), expected);
        // A month before the period stays without one.
        scene.report_dated("staff", "benchmarks", "2026-09-01T00:00:00Z", &["cpu"]).unwrap();
        assert_eq!(scene.plan_period("benchmarks", "cpu", "2026-09"), None);
    }
}

#[test]
fn section_1_5_a_resource_that_never_had_a_period_gets_one_in_2026() {
    let usages = json!([{"type": "cpu", "amount": "1"}, {"type": "ram", "amount": "1"}]);
    let mut scene = Scene::new(Behaviour::dialect_2025());
    scene.report("training-course", &usages).unwrap();
    assert_eq!(scene.plan_period("training-course", "cpu", "2026-11"), None);

    let mut scene = Scene::new(Behaviour::dialect_2026());
    scene.report_dated("staff", "training-course", "2026-07-15T00:00:00Z", &["cpu"]).unwrap();
    assert_eq!(scene.plan_period("training-course", "cpu", "2026-07"), None);
    scene.report("training-course", &usages).unwrap();
    let at = scene.resource("training-course");
    assert_eq!(scene.data.resources[at].plan_periods.len(), 1);
    let made = scene.data.resources[at].plan_periods[0].uuid;
    assert_eq!(scene.data.plan_period(made), Some((at, 0)));
    for component in ["cpu", "ram"] {
        assert_eq!(scene.plan_period("training-course", component, "2026-11"), Some(scene.now.to_string()));
    }
}

#[test]
fn section_1_5_a_period_that_a_failed_report_made_is_taken_back() {
    let mut scene = Scene::new(Behaviour::dialect_2026());
    let long = "x".repeat(2_001);
    let failed =
        scene.report("training-course", &json!([{"type": "cpu", "amount": "1", "description": long}]));
    assert_eq!(failed, Err(Refusal::Broken));
    let at = scene.resource("training-course");
    assert!(scene.data.resources[at].plan_periods.is_empty());
}

#[test]
fn section_1_6_2025_keeps_a_row_per_plan_period() {
    let mut scene = Scene::new(Behaviour::dialect_2025());
    let before = scene.stored("flame-les", "cpu", "2026-11");
    scene.report("flame-les", &json!([{"type": "cpu", "amount": "7"}])).unwrap();
    let at = scene.resource("flame-les");
    let first = scene.data.resources[at].plan_periods[0].uuid;
    let body = json!({"plan_period": first, "usages": [{"type": "cpu", "amount": "3"}]});
    scene.report_as("owner", &body).unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11").len(), 2, "{before:?}");
}

#[test]
fn section_1_6_one_row_per_month_takes_older_rows_away() {
    let mut scene = Scene::new(Behaviour::dialect_2025());
    let at = scene.resource("flame-les");
    let first = scene.data.resources[at].plan_periods[0].uuid;
    let of_first = json!({"plan_period": first, "usages": [{"type": "cpu", "amount": "3"}]});
    scene.report_as("owner", &of_first).unwrap();
    scene.report("flame-les", &json!([{"type": "cpu", "amount": "7"}])).unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11").len(), 2);
    scene.behaviour.rows = RowPer::Month;
    scene.report("flame-les", &json!([{"type": "cpu", "amount": "9"}])).unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11"), ["9.00 none"]);
    scene.report_as("owner", &of_first).unwrap();
    assert_eq!(scene.stored("flame-les", "cpu", "2026-11"), ["3.00 none"]);
}

#[test]
fn section_1_6_2026_stores_what_the_frozen_rows_leave() {
    let mut scene = Scene::new(Behaviour::dialect_2026());
    let at = scene.resource("flame-les");
    let first = scene.data.resources[at].plan_periods[0].uuid;
    scene.report("flame-les", &json!([{"type": "cpu", "amount": "7"}])).unwrap();
    let of_first = json!({"plan_period": first, "usages": [{"type": "cpu", "amount": "10"}]});
    scene.report_as("owner", &of_first).unwrap();
    for (total, left) in [("8", "5.00 none"), ("3.50", "0.50 none"), ("2", "0.00 none"), ("-1", "0.00 none")]
    {
        scene.report("flame-les", &json!([{"type": "cpu", "amount": total}])).unwrap();
        assert_eq!(scene.stored("flame-les", "cpu", "2026-11"), [left, "3.00 none"], "{total}");
    }
}

#[test]
fn section_1_7_omission_switches_carry_over_off_and_wipes_the_description() {
    for (behaviour, said) in newer().into_iter().zip([
        json!({"type": "cpu", "amount": "1", "description": "why", "recurring": true}),
        json!({"type": "cpu", "amount": "1", "description": "why", "missing_usage_policy": "zero"}),
    ]) {
        let mut scene = Scene::new(behaviour);
        scene.report("benchmarks", &json!([said])).unwrap();
        assert!(!scene.stored("benchmarks", "cpu", "2026-11")[0].ends_with("none"));
        scene.report("benchmarks", &json!([{"type": "cpu", "amount": "1"}])).unwrap();
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["1.00 none"]);
        let row = scene.data.usages.row(scene.usage("benchmarks", "cpu", "2026-11"));
        assert_eq!(&*row.description, "");
    }
}

#[test]
fn section_1_8_a_total_limit_refuses_in_2025_and_is_logged_in_2026() {
    let egress = json!([{"type": "egress", "amount": "300"}]);
    let mut scene = Scene::new(Behaviour::dialect_2025());
    scene.report("flame-data", &egress).unwrap();
    // The same figure again counts the row that it replaces.
    assert!(complaint(&scene.report("flame-data", &egress)).contains("Total amount exceeds limit."));
    let mut scene = Scene::new(Behaviour::dialect_2026());
    scene.report("flame-data", &egress).unwrap();
    scene.report("flame-data", &egress).unwrap();
    scene.report("flame-data", &json!([{"type": "egress", "amount": "90000"}])).unwrap();
}

#[test]
fn section_1_8_a_quarterly_limit_counts_its_quarter() {
    let mut scene = Scene::new(Behaviour { date: DateFrom::Staff, ..Behaviour::dialect_2025() });
    let offering = scene.data.resources[scene.resource("flame-data")].offering;
    let at = scene.data.component(offering, "egress").unwrap();
    scene.data.components[at].written.limit_period = Some("quarterly".into());
    scene.data.components[at].written.limit_amount = Some(12);
    scene.report_dated("staff", "flame-data", "2026-09-30T12:00:00Z", &["egress"]).unwrap();
    scene.report_dated("staff", "flame-data", "2026-10-15T12:00:00Z", &["egress"]).unwrap();
    scene.report("flame-data", &json!([{"type": "egress", "amount": "7"}])).unwrap();
    let refused = scene.report("flame-data", &json!([{"type": "egress", "amount": "1"}]));
    assert!(complaint(&refused).contains("Total amount: 13.00, limit: 12."), "{refused:?}");
}

#[test]
fn section_1_8_a_persons_limit_refuses_and_counts_the_part_that_is_replaced() {
    for behaviour in newer() {
        let mut scene = Scene::new(behaviour);
        let resource = &scene.data.resources[scene.resource("benchmarks")];
        let user = scene.data.offering_users[0].uuid;
        scene.data.user_usage_limits = vec![UserUsageLimit {
            resource_uuid: resource.uuid,
            component_type: "cpu".parse().unwrap(),
            offering_user_uuid: user,
            limit: Amount::from(150_u32),
        }];
        let usage = scene.usage("benchmarks", "cpu", "2026-10");
        let link = format!("http://here/api/marketplace-offering-users/{}/", user.as_simple());
        let part = json!({"username": "djanssen", "usage": "90", "user": link});
        scene.report_people("owner", usage, &part).unwrap();
        let refused = scene.report_people("owner", usage, &part);
        assert_eq!(
            complaint(&refused),
            r#"{"non_field_errors":["Usage limit exceeded. Total usage: 180.00, limit: 150.00."]}"#
        );
        // Without the link nobody's limit is looked up.
        scene.report_people("owner", usage, &json!({"username": "djanssen", "usage": "900"})).unwrap();
    }
}

#[test]
fn section_1_9_the_last_of_two_equal_types_wins() {
    for behaviour in newer() {
        let mut scene = Scene::new(behaviour);
        let usages = json!([{"type": "cpu", "amount": "1"}, {"type": "cpu", "amount": "2"}]);
        scene.report("benchmarks", &usages).unwrap();
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["2.00 none"]);
    }
}

#[test]
fn section_1_9_2026_is_one_transaction() {
    let usages = json!([{"type": "block_storage", "amount": "22"}, {"type": "egress", "amount": "2000"}]);
    for (behaviour, is_saved) in newer().into_iter().zip([true, false]) {
        let mut scene = Scene::new(Behaviour { limits: Limits::Refused, ..behaviour });
        let before = scene.stored("flame-data", "block_storage", "2026-11");
        scene.report("flame-data", &usages).unwrap_err();
        assert_eq!(scene.stored("flame-data", "block_storage", "2026-11") != before, is_saved);
    }
}

#[test]
fn section_1_9_2026_keeps_the_newest_current_usages() {
    let mut scene = Scene::new(Behaviour::dialect_2026());
    scene.report("benchmarks", &json!([{"type": "cpu", "amount": "1"}])).unwrap();
    scene.report("benchmarks", &json!([{"type": "ram", "amount": "2"}])).unwrap();
    scene.report_dated("staff", "benchmarks", "2026-09-15T00:00:00Z", &["cpu"]).unwrap();
    scene.report("benchmarks", &json!([])).unwrap();
    let current = scene.current_usages("benchmarks");
    assert!(current.contains(r#""cpu":"1.00""#) && current.contains(r#""ram":"2.00""#), "{current}");
    let mut scene = Scene::new(Behaviour::dialect_2025());
    scene.report("benchmarks", &json!([])).unwrap();
    assert_eq!(scene.current_usages("benchmarks"), "{}");
}

#[test]
fn section_1_11_people_are_reported_into_a_month_that_is_made_for_them() {
    let mut scene = Scene::new(Behaviour::dialect_2026());
    let usage = scene.usage("benchmarks", "cpu", "2026-10");
    let dated = json!({"username": "ada", "usage": "25", "date": "2026-07-15T00:00:00Z"});
    scene.report_people("staff", usage, &dated).unwrap();
    // The usage that was made for them holds their sum and has no plan period: it is never billed.
    assert_eq!(scene.stored("benchmarks", "cpu", "2026-07"), ["25.00 none"]);
    assert_eq!(scene.plan_period("benchmarks", "cpu", "2026-07"), None);
    assert_eq!(scene.people(scene.usage("benchmarks", "cpu", "2026-07")), ["ada 25.00"]);
    assert!(scene.people(usage).is_empty());
    // Before 2026 the date is an unknown field.
    let mut scene = Scene::new(Behaviour::dialect_2025());
    scene.report_people("staff", usage, &dated).unwrap();
    assert_eq!(scene.people(usage), ["ada 25.00"]);
}

#[test]
fn section_1_11_a_provider_dates_people_of_what_is_not_billed() {
    let mut scene = Scene::new(Behaviour::dialect_2026());
    let dated = json!({"username": "ada", "usage": "25", "date": "2026-09-15T00:00:00Z"});
    let cpu = scene.usage("benchmarks", "cpu", "2026-10");
    let refused = scene.report_people("owner", cpu, &dated);
    assert!(complaint(&refused).starts_with(r#"{"date":["Service providers can only specify date"#));
    scene.bill("benchmarks", "cpu", BillingType::Limit);
    scene.report_people("owner", cpu, &dated).unwrap();
    let refused = scene.report_people("manager", cpu, &dated);
    assert!(complaint(&refused).starts_with(r#"{"date":["Only staff users and service providers"#));
}

#[test]
fn section_1_11_parts_become_the_whole_where_that_is_zero() {
    for (behaviour, filled) in newer().into_iter().zip(["0.00 none", "12.50 none"]) {
        let mut scene = Scene::new(behaviour);
        scene.report("benchmarks", &json!([{"type": "cpu", "amount": "0"}])).unwrap();
        let usage = scene.usage("benchmarks", "cpu", "2026-11");
        scene.report_people("owner", usage, &json!({"username": "ada", "usage": "12.50"})).unwrap();
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), [filled]);
        // Several parts become their sum, and a name that is there counts once.
        if filled != "0.00 none" {
            scene.report("benchmarks", &json!([{"type": "cpu", "amount": "0"}])).unwrap();
            let parts = json!({"usages": [{"username": "ada", "usage": "100"}, {"username": "bo", "usage": "46.99"}]});
            scene.report_people("owner", usage, &parts).unwrap();
            assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["146.99 none"]);
        }
        // A whole that is not zero is left alone.
        scene.report("benchmarks", &json!([{"type": "cpu", "amount": "3"}])).unwrap();
        scene.report_people("owner", usage, &json!({"username": "ben", "usage": "99"})).unwrap();
        assert_eq!(scene.stored("benchmarks", "cpu", "2026-11"), ["3.00 none"]);
    }
}

#[test]
fn section_1_11_several_people_are_reported_wholly_or_not_at_all() {
    let mut scene = Scene::new(Behaviour::dialect_2026());
    let usage = scene.usage("benchmarks", "cpu", "2026-10");
    let refused = scene.report_people("owner", usage, &json!({"usages": []}));
    assert_eq!(complaint(&refused), r#"{"usages":{"non_field_errors":["This list may not be empty."]}}"#);
    let faulty =
        json!({"usages": [{"username": "ada", "usage": "1"}, {"username": "ben", "usage": "1.234"}]});
    assert_eq!(
        complaint(&scene.report_people("owner", usage, &faulty)),
        r#"{"usages":[{},{"usage":["Ensure that there are no more than 2 decimal places."]}]}"#
    );
    // A second part of the same name without a number breaks the server, and nothing is stored.
    let broken = json!({"usages": [{"username": "ada", "usage": "1"}, {"username": "ada"}]});
    assert_eq!(scene.report_people("owner", usage, &broken), Err(Refusal::Broken));
    assert!(scene.people(usage).is_empty());
    let good = json!({"usages": [
        {"username": "ada", "usage": "1"},
        {"username": "ben", "usage": "2", "date": "2026-09-15T00:00:00Z"},
    ]});
    assert_eq!(
        scene.report_people("consumer", usage, &json!({"usages": [{"username": "ada"}]})),
        Err(Refusal::Forbidden)
    );
    // A month that is none breaks the server, and what came before it is not there either.
    let impossible = json!({"usages": [
        {"username": "ada", "usage": "1"},
        {"username": "ben", "usage": "2", "date": "1950-01-01T00:00:00Z"},
    ]});
    let ids_made = scene.data.ids_made();
    assert_eq!(scene.report_people("staff", usage, &impossible), Err(Refusal::Broken));
    assert!(scene.people(usage).is_empty() && scene.data.ids_made() == ids_made);
    scene.report_people("staff", usage, &good).unwrap();
    assert_eq!(scene.people(usage), ["ada 1.00"]);
    assert_eq!(scene.people(scene.usage("benchmarks", "cpu", "2026-09")), ["ben 2.00"]);
}

#[test]
fn section_1_3_states_are_as_before() {
    for behaviour in newer() {
        for (name, is_taken) in [
            ("climate-cmip7", false),
            ("qmat-topo", false),
            ("flame-spray", false),
            ("tumour-mri", true),
            ("acoustics-model", true),
        ] {
            let mut scene = Scene::new(behaviour.clone());
            let outcome = scene.report(name, &json!([{"type": "cpu", "amount": "1"}]));
            assert_eq!(outcome.is_ok(), is_taken, "{name}");
        }
    }
}
