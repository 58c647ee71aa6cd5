//! On a server whose months turn in its own zone, everything that speaks of days and months follows
//! that zone; a server of 2024 stays in UTC whatever its zone.

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::proxy::get_json;
use crate::rig::Rig;
use crate::wire::send;

/// A server in Tallinn, where December has begun and in UTC it has not.
fn rig(behaviour: &Behaviour) -> Rig {
    let zone = TimeZone::get("Europe/Tallinn").unwrap();
    let behaviour = Behaviour { zone, ..behaviour.clone() };
    let now = Some("2026-11-30T20:00:00Z".parse().unwrap());
    let rig = Rig::on(Settings { behaviour, now, ..Settings::new(World::built_in()) });
    rig.sandbox.set_now("2026-11-30T22:30:00Z".parse().unwrap());
    rig
}

fn rows(rig: &Rig, path: &str) -> Vec<Value> {
    let url = format!("{}/api/{path}", rig.sandbox.url());
    get_json(&url, &rig.token("staff")).as_array().unwrap().clone()
}

fn post(rig: &Rig, path: &str, body: &Value) {
    let path = format!("/api/marketplace-component-usages/{path}");
    let reply = send(&rig.sandbox, "staff", "POST", &path, &body.to_string()).reply();
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[test]
fn the_current_month_of_plan_periods_and_the_days_of_reports_follow_the_zone() {
    for (behaviour, month, (first, last)) in [
        (Behaviour::dialect_2024(), "2026-11-01", ("2026-11-30", "2026-12-01")),
        (Behaviour::dialect_2025(), "2026-12-01", ("2026-12-01", "2026-12-02")),
        (Behaviour::dialect_2026(), "2026-12-01", ("2026-12-01", "2026-12-02")),
    ] {
        let rig = rig(&behaviour);
        let resource = rig.resource("benchmarks");
        post(&rig, "set_usage/", &json!({"resource": resource, "usages": [{"type": "cpu", "amount": "5"}]}));
        let usages = rows(
            &rig,
            &format!("marketplace-component-usages/?resource_uuid={resource}&date_after=2026-11-30"),
        );
        assert_eq!(usages[0]["billing_period"], month, "{behaviour}");
        let periods = rows(&rig, &format!("marketplace-provider-resources/{resource}/plan_periods/"));
        let shown = periods.iter().flat_map(|period| period["components"].as_array().unwrap());
        let amounts: Vec<_> = shown.map(|usage| usage["usage"].clone()).collect();
        assert_eq!(amounts, [json!("5.00")], "{behaviour}");

        let part = json!({"username": "anna", "usage": "2"});
        post(&rig, &format!("{}/set_user_usage/", usages[0]["uuid"].as_str().unwrap()), &part);
        for list in ["marketplace-component-usages", "marketplace-component-user-usages"] {
            let count = |filter: &str| {
                rows(&rig, &format!("{list}/?page_size=300&resource_uuid={resource}&{filter}")).len()
            };
            // The report is of the first of the two days, so there is nothing on the day after it.
            assert_eq!(count(&format!("date_after={first}")), 1, "{list} {behaviour}");
            assert_eq!(count(&format!("date_after={last}")), 0, "{list} {behaviour}");
            let all = count("");
            assert_eq!(count(&format!("date_before={first}")), all, "{list} {behaviour}");
            let day_before: jiff::civil::Date = first.parse().unwrap();
            let day_before = day_before.yesterday().unwrap();
            assert_eq!(count(&format!("date_before={day_before}")), all - 1, "{list} {behaviour}");
        }
    }
}

#[test]
fn the_month_in_which_a_line_starts_is_the_zone_s() {
    let rig = rig(&Behaviour::dialect_2026());
    let count = |filter: &str| rows(&rig, &format!("invoice-items/?page_size=300&{filter}")).len();
    let of_month = count("year=2026&month=12");
    assert!(of_month > 0);
    assert_eq!(count("year=2026&month=12&start_year=2026&start_month=12"), of_month);
    assert_eq!(count("year=2026&month=12&start_month=11"), 0);
}
