//! Chosen differences become a plan, and are none any more once it is applied.

use std::collections::BTreeMap;

use calamine::{Reader, Xlsx, open_workbook};
use serde_json::Value;
use waldur_usage::sandbox::{Behaviour, InvoiceState, Settings, World};

use crate::plan_file::is_as_the_schema_says;
use crate::proxy;
use crate::rig::{HPC, LAX, Rig};

const RECONCILE: [&str; 6] = ["reconcile", "usage.csv", "--offering", HPC, "--period", "2026-11"];
const OCTOBER: [&str; 6] = ["reconcile", "usage.csv", "--offering", HPC, "--period", "2026-10"];

/// The class of each key of the last report: resource and component.
fn classes(rig: &Rig, arguments: &[&str]) -> BTreeMap<String, String> {
    let run = rig.run(&[arguments, &["-o", "report.json", "--force"]].concat());
    assert!(run.code <= 1, "{}", run.all());
    let report: Value =
        serde_json::from_slice(&std::fs::read(rig.folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["proof"]["holds"], true);
    let text = |line: &Value, field: &str| line[field].as_str().unwrap_or_default().to_owned();
    let lines = report["lines"].as_array().unwrap().iter();
    lines
        .map(|line| (format!("{} {}", text(line, "resource"), text(line, "component")), text(line, "class")))
        .collect()
}

/// What a plan posts: resource and component to amount.
fn posts(rig: &Rig, file: &str) -> BTreeMap<String, String> {
    let plan: Value = serde_json::from_slice(&std::fs::read(rig.folder.path().join(file)).unwrap()).unwrap();
    is_as_the_schema_says(&plan);
    let mut posts = BTreeMap::new();
    for resource in plan["body"]["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap().iter().filter(|line| !line["new"].is_null()) {
            let key =
                format!("{} {}", resource["name"].as_str().unwrap(), line["component"].as_str().unwrap());
            posts.insert(key, line["new"]["amount"].as_str().unwrap().to_owned());
        }
    }
    posts
}

fn stored(rig: &Rig, name: &str, component: &str) -> String {
    rig.stored_of(name)[component].amount.to_string()
}

#[test]
fn what_is_planned_is_no_difference_once_it_is_applied() {
    let rig = Rig::new();
    let same = stored(&rig, "climate-era5", "storage");
    let old = stored(&rig, "climate-cordex", "cpu");
    let sign = format!("qmat-dft,2026-11,cpu,-{}", stored(&rig, "qmat-dft", "cpu"));
    rig.long(&[
        "climate-alps,2026-11,cpu,7",
        "climate-cordex,2026-11,cpu,4711.11",
        &format!("climate-era5,2026-11,storage,{same}"),
        "nobody,2026-11,cpu,1",
        "benchmarks,2026-11,cpu,1",
        "benchmarks,2026-11,cpu,2",
        &sign,
        "climate-ensemble,2026-11,fpga,3",
        "climate-ensemble,2026-11,ram,12.25",
    ]);
    let before = classes(&rig, &RECONCILE);
    for (key, class) in [
        ("climate-alps cpu", "missing-on-server"),
        ("climate-ensemble ram", "missing-on-server"),
        ("climate-cordex cpu", "amount"),
        ("climate-era5 storage", "match"),
        ("nobody cpu", "unknown-resource"),
        ("benchmarks cpu", "duplicate-in-file"),
        ("qmat-dft cpu", "sign"),
        ("climate-ensemble fpga", "unknown-component"),
    ] {
        assert_eq!(before.get(key).map(String::as_str), Some(class), "{key} in {before:#?}");
    }
    rig.run(&[&RECONCILE[..], &["--plan", "plan.json"]].concat())
        .ends_with(1)
        .says("3 keys of missing-on-server, amount")
        .says("3 amounts to post: waldur-usage apply plan.json");
    assert_eq!(rig.posts(), 0);
    let expected =
        [("climate-alps cpu", "7.00"), ("climate-cordex cpu", "4711.11"), ("climate-ensemble ram", "12.25")];
    let expected = expected.map(|(key, amount)| (key.to_owned(), amount.to_owned()));
    assert_eq!(posts(&rig, "plan.json"), expected.clone().into());
    rig.run_guarded(&rig.token("owner"), &[&["apply", "plan.json", "--yes"][..], &LAX].concat())
        .ends_with(0)
        .says("3 posted");
    let after = classes(&rig, &RECONCILE);
    for (key, _) in &expected {
        assert_eq!(after[key], "match", "{key}");
    }
    // Nothing else has changed, and there is nothing left to plan.
    let others = |classes: &BTreeMap<String, String>| {
        let mut others = classes.clone();
        others.retain(|key, _| !expected.iter().any(|(planned, _)| planned == key));
        others
    };
    assert_eq!(others(&after), others(&before));
    rig.run(&[&RECONCILE[..], &["--plan", "again.json"]].concat())
        .ends_with(1)
        .says("no key is of missing-on-server, amount, so again.json was not written");
    assert!(!rig.folder.path().join("again.json").exists());
    assert_ne!(old, "4711.11");
}

#[test]
fn what_cannot_be_posted_goes_to_the_corrections() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-10,cpu,4711.11", "climate-era5,2026-10,ram,0.07"]);
    for name in ["plan-corrections.xlsx", "plan-corrections-2.xlsx"] {
        let run = rig.run(&[&OCTOBER[..], &["--plan", "plan.json"]].concat()).ends_with(1);
        let run = run.says(&format!("2 amounts that cannot be posted, to be settled on the invoice: {name}"));
        assert!(!run.all().contains("to post:"), "{}", run.all());
        let mut workbook: Xlsx<_> = open_workbook(rig.folder.path().join(name)).unwrap();
        let sheet = workbook.worksheet_range("Corrections").unwrap();
        let rows: Vec<(String, String)> =
            sheet.rows().skip(1).map(|row| (row[3].to_string(), row[10].to_string())).collect();
        let expected = [("climate-alps", "4711.11"), ("climate-era5", "0.07")];
        assert_eq!(rows, expected.map(|(name, amount)| (name.to_owned(), amount.to_owned())));
    }
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_past_month_that_is_open_is_planned_and_posted() {
    let rig = Rig::on(Settings { behaviour: Behaviour::dialect_2026(), ..Settings::new(World::built_in()) });
    let id = rig.resource("climate-alps");
    let url = format!("{}/api/marketplace-provider-resources/{id}/?field=customer_uuid", rig.sandbox.url());
    let customer = proxy::get_json(&url, &rig.token("staff"))["customer_uuid"].as_str().unwrap().to_owned();
    rig.sandbox.set_invoice_state(
        customer.parse().unwrap(),
        "2026-10".parse().unwrap(),
        InvoiceState::Pending,
    );
    rig.long(&["climate-alps,2026-10,cpu,4711.11"]);
    rig.run(&[&OCTOBER[..], &["--plan", "plan.json"]].concat())
        .ends_with(1)
        .says("1 amount to post: waldur-usage apply plan.json");
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(0).says("1 posted");
    assert_eq!(classes(&rig, &OCTOBER)["climate-alps cpu"], "match");
}

#[test]
fn a_key_that_cannot_be_placed_is_told_with_its_reason() {
    let rig = Rig::new();
    // Its plan was switched in the month, so nobody knows which row a total would reach.
    rig.long(&["flame-les,2026-11,cpu,4711.11", "climate-alps,2026-11,cpu,7"]);
    rig.run(
        &[
            &RECONCILE[..],
            &["--plan", "plan.json", "--plan-classes", "missing-on-server,amount,several-rows"],
        ]
        .concat(),
    )
    .ends_with(1)
    .says("1 key not planned")
    .says("flame-les, cpu, 4711.11: several-plan-periods");
    assert_eq!(posts(&rig, "plan.json"), [("climate-alps cpu".to_owned(), "7.00".to_owned())].into());
}

#[test]
fn a_figure_that_a_rule_converted_is_not_planned() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "resource_name,billing_period,component_type,amount,unit\n\
         climate-alps,2026-11,gpu_hours,600,minutes of mine\n\
         climate-alps,2026-11,cpu,7,k-hours\n",
    );
    rig.file(
        "rules.toml",
        "[[unit]]\nname = \"ours\"\nfrom = \"minutes of mine\"\nto = \"hours\"\nfactor = \"1/60\"\n",
    );
    let ruled = [&RECONCILE[..], &["--rules", "rules.toml"]].concat();
    assert_eq!(classes(&rig, &ruled)["climate-alps gpu_hours"], "missing-on-server");
    rig.run(&[&ruled[..], &["--plan", "plan.json"]].concat())
        .ends_with(1)
        .says("climate-alps, gpu_hours, 10.00: where it is read for posting");
    assert_eq!(posts(&rig, "plan.json"), [("climate-alps cpu".to_owned(), "7.00".to_owned())].into());
}

#[test]
fn what_could_give_no_plan_is_refused_before_anything_is_asked() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    rig.file("list.csv", "uuid\n");
    let with = |more: &[&str]| rig.run(&[&RECONCILE[..], more].concat()).ends_with(2);
    with(&["--plan", "plan.xlsx"]).says("plan.xlsx is no name of a plan");
    with(&["--plan", "plan.json", "--plan-classes", "sign"])
        .says("sign cannot be planned")
        .says("missing-on-server");
    with(&["--plan", "plan.json", "--plan-classes", "signs"]).says("not a class of differences");
    with(&["--plan", "one.json", "-o", "one.json"]).says("one.json is named twice");
    with(&["--plan-classes", "amount"]).says("--plan");
    rig.run(&[
        "reconcile",
        "usage.csv",
        "--offering",
        HPC,
        "--period",
        "2026-10..2026-11",
        "--plan",
        "p.json",
    ])
    .ends_with(2)
    .says("a plan is of one month");
    rig.run(&["reconcile", "--offering", HPC, "--period", "2026-11", "--plan", "p.json"])
        .ends_with(2)
        .says("--plan needs a file of usage");
    with(&["--server-rows", "list.csv", "--plan", "plan.json"])
        .says("a saved list cannot be planned against");
    assert!(rig.sandbox.requests().is_empty());
}
