//! A month with two plan periods: every figure goes under the one that it is of, or nowhere.

use serde_json::{Value, json};
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::proxy;
use crate::rig::{HPC, Rig};

const HEADER: &str = "resource_name,billing_period,component_type,amount,plan_period\n";

/// The resource whose plan was switched on 9 November; reports of 16 November stand under the second.
const SWITCHED: &str = "flame-les";

fn on(behaviour: Behaviour) -> Rig {
    Rig::on(Settings { behaviour, ..Settings::new(World::built_in()) })
}

/// The plan periods of a resource, the earlier one first.
pub fn periods(rig: &Rig, name: &str) -> Vec<String> {
    let id = rig.resource(name);
    let url = format!("{}/api/marketplace-provider-resources/{id}/plan_periods/", rig.sandbox.url());
    let rows = proxy::get_json(&url, &rig.token("owner"));
    let mut rows: Vec<&Value> = rows.as_array().unwrap().iter().collect();
    rows.sort_by_key(|row| row["start"].as_str().unwrap().to_owned());
    rows.iter().map(|row| row["uuid"].as_str().unwrap().to_owned()).collect()
}

/// Reports an amount under a plan period, as the web page does.
fn report(rig: &Rig, plan_period: &str, component: &str, amount: &str) {
    let url = format!("{}/api/marketplace-component-usages/set_usage/", rig.sandbox.url());
    let body = json!({"plan_period": plan_period, "usages": [{"type": component, "amount": amount}]});
    let status = proxy::post_json(&url, &rig.token("staff"), &body);
    assert!(status.contains("201"), "{status}");
}

/// What is stored of a component this month, by plan period.
fn stored(rig: &Rig, name: &str, component: &str) -> Vec<(Option<String>, String)> {
    let id = rig.resource(name);
    let usages = rig.sandbox.usages().into_iter();
    let own = usages.filter(|usage| {
        usage.resource.to_string() == id
            && usage.component.to_string() == component
            && usage.period.to_string() == "2026-11"
    });
    let mut rows: Vec<_> = own
        .map(|usage| (usage.plan_period.map(|id| id.to_string().replace('-', "")), usage.amount.to_string()))
        .collect();
    rows.sort();
    rows
}

/// The bodies of the reports that the program sent, without the question for a capability.
fn bodies(rig: &Rig, since: usize) -> Vec<Value> {
    let requests = rig.sandbox.requests();
    let posts = requests.iter().filter(|request| request.method == "POST").skip(since);
    let bodies = posts.map(|request| serde_json::from_str::<Value>(&request.body).unwrap());
    bodies.filter(|body| body["date"] != "garbage").collect()
}

fn posts(rig: &Rig) -> usize {
    rig.sandbox.requests().iter().filter(|request| request.method == "POST").count()
}

#[test]
fn a_total_of_two_plan_periods_is_a_finding_that_lists_them() {
    let rig = Rig::new();
    let [first, second] = periods(&rig, SWITCHED).try_into().unwrap();
    report(&rig, &first, "cpu", "40");
    let before = rig.stored();
    rig.long(&["flame-les,2026-11,cpu,300"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("deny several-plan-periods")
        .says(&format!("Standard (2026-07-01..2026-11-09) {first}: 40.00 ("))
        .says(&format!("Priority (2026-11-09..) {second}: "))
        .says("--split-plans remainder");
    rig.run(&["check", "usage.csv", "--offering", HPC]).ends_with(3).says("deny several-plan-periods");
    assert_eq!(rig.stored(), before);
}

#[test]
fn rows_that_name_their_plan_period_are_posted_under_it() {
    let rig = Rig::new();
    let [first, second] = periods(&rig, SWITCHED).try_into().unwrap();
    let rows = format!("flame-les,2026-11,cpu,41,{first}\nflame-les,2026-11,cpu,59.5,{second}\n");
    rig.file("usage.csv", format!("{HEADER}{rows}"));
    let apply = ["apply", "usage.csv", "--offering", HPC, "--yes"];
    let since = posts(&rig);
    rig.run(&apply).ends_with(0).says("2 posted").says("verified");
    assert_eq!(
        stored(&rig, SWITCHED, "cpu"),
        [(Some(first.clone()), "41.00".into()), (Some(second.clone()), "59.50".into())]
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>()
    );
    let sent = bodies(&rig, since);
    let named: Vec<&str> = sent.iter().map(|body| body["plan_period"].as_str().unwrap()).collect();
    assert_eq!(named, [&first, &second], "the plan period that lasts comes last");
    assert!(sent.iter().all(|body| body.get("resource").is_none()), "{sent:?}");
    // The other components of the second plan period ride along with its request alone.
    assert_eq!(sent[0]["usages"].as_array().unwrap().len(), 1, "{sent:?}");
    assert_eq!(sent[1]["usages"].as_array().unwrap().len(), 4, "{sent:?}");
    rig.run(&apply).ends_with(0).says("nothing to do");
}

#[test]
fn a_remainder_leaves_the_month_at_its_total() {
    let rig = Rig::new();
    let [first, second] = periods(&rig, SWITCHED).try_into().unwrap();
    report(&rig, &first, "cpu", "40");
    rig.long(&["flame-les,2026-11,cpu,300"]);
    let apply = ["apply", "usage.csv", "--offering", HPC, "--yes", "--split-plans", "remainder"];
    rig.run(&apply).ends_with(0).says("40.00 in other rows").says("verified");
    let mut wanted = [(Some(first), "40.00".to_owned()), (Some(second), "260.00".to_owned())];
    wanted.sort();
    assert_eq!(stored(&rig, SWITCHED, "cpu"), wanted);
    rig.run(&apply).ends_with(0).says("nothing to do");
    let before = rig.stored();
    rig.long(&["flame-les,2026-11,cpu,39.99"]);
    rig.run(&apply).ends_with(3).says("deny below-frozen").says("40.00 is stored in rows");
    assert_eq!(rig.stored(), before);
}

#[test]
fn a_server_that_takes_other_rows_off_itself_is_told_the_total() {
    let rig = on(Behaviour::dialect_2026());
    let [first, second] = periods(&rig, SWITCHED).try_into().unwrap();
    report(&rig, &second, "cpu", "0");
    report(&rig, &first, "cpu", "40");
    rig.long(&["flame-les,2026-11,cpu,300"]);
    let apply = ["apply", "usage.csv", "--offering", HPC, "--yes"];
    let since = posts(&rig);
    rig.run(&apply).ends_with(0).says("verified");
    let sent = bodies(&rig, since);
    assert_eq!(sent[0]["usages"][0]["amount"], "300.00", "{sent:?}");
    let mut wanted = [(Some(first), "40.00".to_owned()), (Some(second), "260.00".to_owned())];
    wanted.sort();
    assert_eq!(stored(&rig, SWITCHED, "cpu"), wanted);
    rig.run(&apply).ends_with(0).says("nothing to do");
    rig.long(&["flame-les,2026-11,cpu,39.99"]);
    rig.run(&apply).ends_with(3).says("deny below-frozen");
}

#[test]
fn a_plan_period_of_another_resource_or_month_is_never_taken() {
    let rig = Rig::new();
    let foreign = periods(&rig, "climate-era5").remove(0);
    for (row, found) in [
        (format!("flame-les,2026-11,cpu,1,{foreign}"), foreign.as_str()),
        (
            "flame-les,2026-11,cpu,1,51c8c00239875626ba9c27cf1a09d03c".into(),
            "51c8c00239875626ba9c27cf1a09d03c",
        ),
    ] {
        rig.file("usage.csv", format!("{HEADER}{row}\n"));
        for command in ["check", "plan"] {
            rig.run(&[command, "usage.csv", "--offering", HPC])
                .ends_with(3)
                .says("deny unknown-plan-period")
                .says(found);
        }
    }
    // A total beside a part of it would be counted twice.
    let [first, _] = periods(&rig, SWITCHED).try_into().unwrap();
    rig.file("usage.csv", format!("{HEADER}flame-les,2026-11,cpu,1,{first}\nflame-les,2026-11,cpu,2,\n"));
    rig.run(&["check", "usage.csv", "--offering", HPC]).ends_with(3).says("deny duplicate-key");
    rig.file("usage.csv", format!("{HEADER}flame-les,2026-11,cpu,1,nonsense\n"));
    rig.run(&["check", "usage.csv", "--offering", HPC]).ends_with(3).says("nonsense");
}

#[test]
fn a_row_under_no_listed_plan_period_is_left_as_it_is() {
    let rig = Rig::new();
    // The resource has one plan period now, and a stored row that none of those it lists shows.
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        |request, answer| {
            if request.path.contains("/plan_periods/") {
                let mut rows = answer.rows();
                for row in &mut rows {
                    let shown = row["components"].as_array_mut().unwrap();
                    shown.retain(|usage| usage["type"] != "cpu");
                }
                answer.set_rows(&rows);
            }
        },
    );
    let rig = rig.through(&front);
    rig.long(&["climate-era5,2026-11,cpu,9000"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("deny several-plan-periods")
        .says("under no plan period that is listed: ");
    let run = rig.run(&["plan", "usage.csv", "--offering", HPC, "--split-plans", "remainder"]).ends_with(0);
    run.says("in other rows");
}

#[test]
fn a_frozen_row_that_changes_makes_the_remainder_stale() {
    let rig = Rig::new();
    let [first, _] = periods(&rig, SWITCHED).try_into().unwrap();
    report(&rig, &first, "cpu", "40");
    rig.long(&["flame-les,2026-11,cpu,300"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "--split-plans", "remainder", "-o", "plan.json"])
        .ends_with(0);
    report(&rig, &first, "cpu", "50");
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says("1 rows are stale").says("50.00");
}
