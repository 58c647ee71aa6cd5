//! A month that is over is reported where the server still takes it, row by row, and written down for
//! correction where it does not.

use serde_json::Value;
use waldur_usage::sandbox::{Behaviour, FaultKind, InvoiceState, Settings, World};

use crate::proxy;
use crate::rig::{HPC, Rig};

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];
const PLAN: [&str; 4] = ["plan", "usage.csv", "--offering", HPC];

fn on(behaviour: Behaviour) -> Rig {
    Rig::on(Settings { behaviour, ..Settings::new(World::built_in()) })
}

fn amount(rig: &Rig, name: &str, component: &str, month: &str) -> String {
    let id = rig.resource(name);
    let mut usages = rig.sandbox.usages().into_iter();
    let own = usages.find(|usage| {
        usage.resource.to_string() == id
            && usage.component.to_string() == component
            && usage.period.to_string() == month
    });
    own.map_or_else(|| "nothing".into(), |usage| usage.amount.to_string())
}

/// Opens or closes the invoice of the customer of a resource.
fn invoice(rig: &Rig, name: &str, state: InvoiceState) {
    let id = rig.resource(name);
    let url = format!("{}/api/marketplace-provider-resources/{id}/?field=customer_uuid", rig.sandbox.url());
    let customer = proxy::get_json(&url, &rig.token("staff"))["customer_uuid"].as_str().unwrap().to_owned();
    let (customer, month) = (customer.parse().unwrap(), "2026-10".parse().unwrap());
    assert!(rig.sandbox.set_invoice_state(customer, month, state), "no invoice of {name}");
}

#[test]
fn an_older_server_is_never_told_a_past_month() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-10,cpu,7.5", "climate-era5,2026-10,ram,3"]);
    let before = rig.stored();
    rig.run(&PLAN).ends_with(0).says("Not posted: 2 amounts of 2026-10").says("the month is closed");
    for account in ["owner", "staff"] {
        rig.run_as(&rig.token(account), &APPLY).ends_with(4).says("nothing was sent");
    }
    assert_eq!((rig.posts(), rig.stored()), (0, before));
}

#[test]
fn a_provider_reports_limits_always_and_usage_while_its_invoice_is_open() {
    let rig = on(Behaviour::dialect_2026());
    rig.long(&[
        "climate-alps,2026-10,cpu,7.5",
        "climate-alps,2026-10,storage,8",
        "climate-era5,2026-10,storage,9",
    ]);
    let november = rig.stored_of("climate-alps");
    invoice(&rig, "climate-alps", InvoiceState::Pending);
    rig.run(&APPLY).ends_with(0).says("3 posted").says("verified").says("closing");
    assert_eq!(amount(&rig, "climate-alps", "cpu", "2026-10"), "7.50");
    assert_eq!(amount(&rig, "climate-alps", "storage", "2026-10"), "8.00");
    assert_eq!(amount(&rig, "climate-era5", "storage", "2026-10"), "9.00");
    assert_eq!(rig.stored_of("climate-alps"), november);
    // Usage and limits never share a request, and each says its month.
    let requests = rig.sandbox.requests();
    let bodies: Vec<Value> = requests
        .iter()
        .filter(|request| request.method == "POST" && !request.body.contains("garbage"))
        .map(|request| serde_json::from_str(&request.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 3);
    for body in &bodies {
        assert_eq!(body["usages"].as_array().unwrap().len(), 1, "{body}");
        assert_eq!(body["date"], "2026-10-31T06:00:00Z");
    }
    rig.run(&APPLY).ends_with(0).says("nothing to do");
}

#[test]
fn a_manager_reports_no_past_month_and_staff_every_one() {
    let rig = on(Behaviour::dialect_2026());
    rig.long(&["climate-alps,2026-10,cpu,7.5"]);
    rig.run_as(&rig.token("manager"), &APPLY).ends_with(4).says("nothing was sent");
    invoice(&rig, "climate-alps", InvoiceState::Created);
    rig.run_as(&rig.token("staff"), &APPLY).ends_with(0).says("warn not-billed").says("1 posted");
    assert_eq!(amount(&rig, "climate-alps", "cpu", "2026-10"), "7.50");
}

#[test]
fn a_month_that_is_to_come_is_refused() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2026()] {
        let rig = on(behaviour);
        rig.long(&["climate-alps,2026-12,cpu,7.5"]);
        rig.run(&PLAN).ends_with(4).says("2026-12 is still to come");
        rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-alps,2026-10,cpu,7.5"]);
        rig.run(&PLAN).ends_with(4).says("several months, 2026-10 and 2026-11").says("--period YYYY-MM");
    }
}

#[test]
fn nothing_follows_a_first_post_that_is_not_read_back_in_its_month() {
    let rig = on(Behaviour::dialect_2026());
    let names = ["climate-alps", "climate-cordex", "climate-era5", "qmat-dft"];
    let rows: Vec<String> = names.iter().map(|name| format!("{name},2026-10,storage,8")).collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    // Somebody else writes over the first one at once, so it is not read back as it was planned.
    let other = Some("99".parse().unwrap());
    let kind = FaultKind::AnotherWriter(waldur_usage::sandbox::When::After, other);
    rig.inject("POST", "set_usage", 0, 1, kind);
    let run = rig.run(&APPLY).ends_with(5).says("the first post for 2026-10 was not read back as planned");
    assert_eq!(rig.posts(), 1, "{}", run.all());
    run.says("3 not sent");
}

#[test]
fn posts_go_alone_until_one_is_read_back_in_its_month() {
    let rig = on(Behaviour::dialect_2026());
    let names = ["climate-alps", "climate-cordex", "climate-era5", "qmat-dft"];
    let rows: Vec<String> = names.iter().map(|name| format!("{name},2026-10,storage,8")).collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    rig.inject("POST", "set_usage", 0, 2, FaultKind::Status(400, "no".into(), "text/plain".into()));
    let run = rig.run(&APPLY).ends_with(5).says("2 posted").says("2 rejected");
    assert_eq!(rig.posts(), 4, "{}", run.all());
    // What happened, in its order: p a post, r the month of a resource read again.
    let requests = rig.sandbox.requests();
    let reads =
        |path: &str| path.contains("/marketplace-component-usages/") && path.contains("resource_uuid=");
    let log: String = requests
        .iter()
        .filter_map(|request| match request.method.as_str() {
            "POST" if !request.body.contains("garbage") => Some('p'),
            "GET" if reads(&request.path) => Some('r'),
            _ => None,
        })
        .collect();
    let posts: Vec<&str> = log.split('p').collect();
    // The third one is the first that is accepted; the fourth one follows once it was read back.
    for between in &posts[1..4] {
        assert!(!between.is_empty(), "a post left before the one ahead of it was read back: {log}");
    }
}
