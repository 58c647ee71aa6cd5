//! Reading lists whole from a server whose pages repeat and lose rows.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use waldur_usage::sandbox::{Settings, World};

use crate::proxy::{self, Answer, Request};
use crate::rig::Rig;

/// The recorded world with its 2,000 further resources and 18,000 further usages.
fn large() -> Rig {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract/world.json");
    let world: World = serde_json::from_value(crate::contract::world::whole(&path)).unwrap();
    Rig::on(Settings::new(world))
}

fn is_usage_list(request: &Request) -> bool {
    request.method == "GET" && request.path.starts_with("/api/marketplace-component-usages/?")
}

/// Repeats a row of the page before in each later page, as an order with ties does.
fn repeat_rows(request: &Request, answer: &mut Answer) {
    let later_page =
        request.path.contains("page=") && request.path.split('&').any(|part| part.starts_with("page="));
    let narrow = request.path.contains("resource_uuid=");
    if is_usage_list(request) && later_page && !narrow {
        let mut rows = answer.rows();
        let first = rows[0].clone();
        if let Some(last) = rows.last_mut() {
            *last = first;
        }
        answer.set_rows(&rows);
    }
}

fn amounts(rows: &Value) -> Vec<String> {
    let mut rows: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {} {}", row["uuid"], row["type"], row["usage"]))
        .collect();
    rows.sort();
    rows
}

#[test]
fn a_list_whose_pages_lose_rows_is_cut_until_it_is_whole() {
    let rig = large();
    let list = [
        "list", "--period", "2026-10", "--field", "uuid", "--field", "usage", "--field", "type", "--format",
        "json",
    ];
    let staff = rig.token("staff");
    let right = amounts(&rig.run_as(&staff, &list).ends_with(0).json());
    assert!(right.len() > 6000, "{}", right.len());
    let front = proxy::start(&rig.sandbox.url(), |_| {}, repeat_rows);
    let rig = rig.through(&front);
    let through = amounts(&rig.run_as(&staff, &list).ends_with(0).json());
    assert!(through == right, "{} rows instead of {}", through.len(), right.len());
}

#[test]
fn a_plan_reads_right_where_pages_lose_rows() {
    let rig = large();
    let text = "resource_name,billing_period,component_type,amount\nscale-00007,2026-10,cpu,7.00\n";
    rig.file("usage.csv", text);
    // A clock of October, whose month holds 6,000 usages of this offering.
    rig.sandbox.set_now("2026-10-20T09:00:00Z".parse().unwrap());
    let plan = ["plan", "usage.csv", "--offering", "Scale offering", "--format", "json"];
    let right = rig.run(&plan).ends_with(0).json();
    assert_eq!(right["summary"]["lines"]["same"], 1);
    assert_eq!(right["summary"]["lines"]["only_on_server"], 5999);
    let front = proxy::start(&rig.sandbox.url(), |_| {}, repeat_rows);
    let rig = rig.through(&front);
    let through = rig.run(&plan).ends_with(0).json();
    assert_eq!(through["summary"], right["summary"]);
}

/// Takes a filter out of requests, as a server that does not know it would.
fn without(parameter: &'static str) -> impl Fn(&mut Request) {
    move |request| {
        if is_usage_list(request) {
            let (path, query) = request.path.split_once('?').unwrap();
            let kept: Vec<&str> =
                query.split('&').filter(|part| !part.starts_with(&format!("{parameter}="))).collect();
            request.path = format!("{path}?{}", kept.join("&"));
        }
    }
}

#[test]
fn filters_that_the_server_ignores_are_applied_here_and_named() {
    let rig = Rig::new();
    let direct =
        rig.run(&["list", "--period", "2026-11", "--type", "cpu", "--format", "json"]).ends_with(0).json();
    let front = proxy::start(&rig.sandbox.url(), without("type"), |_, _| {});
    let rig = rig.through(&front);
    let run = rig.run(&["list", "--period", "2026-11", "--type", "cpu", "--format", "json"]).ends_with(0);
    assert_eq!(amounts(&run.json()), amounts(&direct));
    run.says("the server ignored type");
    let uuid = rig.resource("climate-alps");
    rig.file(
        "usage.csv",
        format!("resource_uuid,billing_period,component_type,amount\n{uuid},2026-11,cpu,1\n"),
    );
    for parameter in ["type", "offering_uuid", "billing_period"] {
        let own = Rig::new();
        own.file("usage.csv", std::fs::read(rig.folder.path().join("usage.csv")).unwrap());
        let right = own.run(&["plan", "usage.csv", "--format", "json"]).ends_with(0).json();
        let front = proxy::start(&own.sandbox.url(), without(parameter), |_, _| {});
        let own = own.through(&front);
        let through = own.run(&["plan", "usage.csv", "--format", "json"]).ends_with(0).json();
        assert_eq!(through["summary"], right["summary"], "without {parameter}");
    }
}

#[test]
fn what_cannot_be_proven_ends_the_run() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,1"]);
    let plan = ["plan", "usage.csv", "--offering", crate::rig::HPC];
    let front = proxy::start(&rig.sandbox.url(), |_| {}, |_, answer| answer.remove("x-result-count"));
    let rig = rig.through(&front);
    rig.run(&plan).ends_with(6).says("cannot be proven to be whole").says("no X-Result-Count");

    let count = AtomicUsize::new(1000);
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, answer| {
            if is_usage_list(request) {
                answer.set("x-result-count", &count.fetch_add(1, Ordering::Relaxed).to_string());
            }
        },
    );
    let rig = rig.through(&front);
    rig.run(&plan).ends_with(6).says("cannot be proven to be whole");
}
