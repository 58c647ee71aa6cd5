//! That a row is stored, and that it is billed, are two things, and each is proven apart.

use waldur_usage::sandbox::{Behaviour, InvoiceState, Settings, World};

use crate::proxy;
use crate::rig::{HPC, Rig};

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];

fn on(behaviour: Behaviour) -> Rig {
    let rig = Rig::on(Settings { behaviour, ..Settings::new(World::built_in()) });
    rig.long(&[
        "climate-alps,2026-11,cpu,7.5",
        "climate-alps,2026-11,storage,8",
        "training-course,2026-11,cpu,3",
    ]);
    rig
}

fn run_id(rig: &Rig) -> String {
    let runs = rig.run(&["runs", "list", "--format", "json"]).json();
    runs[0]["run"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_billed_is_told_from_what_is_only_stored() {
    // A newer server makes the plan period that a resource lacks.
    for (behaviour, billed) in [
        (Behaviour::dialect_2024(), "1 billed, 1 stored, not billed: no plan period"),
        (Behaviour::dialect_2026(), "2 billed"),
    ] {
        let rig = on(behaviour);
        rig.run_as(&rig.token("staff"), &APPLY).ends_with(0).says(&format!("invoices: {billed}"));
        let run = run_id(&rig);
        let verified = rig.run_as(&rig.token("staff"), &["verify", &run]).ends_with(0);
        verified.says("verified: 3 rows stored as the run left them").says(billed);
    }
}

#[test]
fn what_this_account_cannot_see_is_never_called_unbilled() {
    let rig = on(Behaviour::dialect_2026());
    let run = rig.run_as(&rig.token("manager"), &APPLY).ends_with(0);
    assert!(run.stdout.contains("not visible to this account"), "{}", run.all());
    assert!(!run.stdout.contains("stored, not billed: the invoice"), "{}", run.all());
}

#[test]
fn a_row_that_changed_since_is_told() {
    let rig = on(Behaviour::dialect_2024());
    rig.run(&APPLY).ends_with(0);
    let run = run_id(&rig);
    let url = format!("{}/api/marketplace-component-usages/set_usage/", rig.sandbox.url());
    let body = serde_json::json!({
        "resource": rig.resource("climate-alps"),
        "usages": [{"type": "cpu", "amount": "99"}],
    });
    assert!(proxy::post_json(&url, &rig.token("staff"), &body).contains("201"));
    rig.run(&["verify", &run])
        .ends_with(5)
        .says("1 of 3 rows not stored as the run was to leave them")
        .says("99.00");
    let document = rig.run(&["verify", &run, "--format", "json"]).ends_with(5).json();
    assert_eq!(document["lines"].as_array().unwrap().len(), 3);
}

#[test]
fn a_closed_invoice_is_the_reason_where_it_is_one() {
    let rig = on(Behaviour::dialect_2026());
    rig.long(&["climate-alps,2026-10,cpu,7.5"]);
    let id = rig.resource("climate-alps");
    let url = format!("{}/api/marketplace-provider-resources/{id}/?field=customer_uuid", rig.sandbox.url());
    let customer = proxy::get_json(&url, &rig.token("staff"))["customer_uuid"].as_str().unwrap().to_owned();
    assert!(rig.sandbox.set_invoice_state(
        customer.parse().unwrap(),
        "2026-10".parse().unwrap(),
        InvoiceState::Created
    ));
    let run = rig.run_as(&rig.token("staff"), &APPLY).ends_with(0);
    run.says("stored, not billed: the invoice is closed");
}
