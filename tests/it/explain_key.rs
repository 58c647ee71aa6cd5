//! The story of one figure is told from every place where it stands.

use std::path::PathBuf;

use boon::{Compiler, Schemas};
use serde_json::Value;
use waldur_usage::sandbox::{Settings, World};

use crate::rig::{HPC, Rig};

fn explain<'a>(resource: &'a str, component: &'a str, month: &'a str) -> Vec<&'a str> {
    vec!["explain-key", resource, component, month, "--offering", HPC]
}

/// Fails unless a story is what the published schema says.
fn is_as_the_schema_says(story: &Value) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema/explain-key.schema.json");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(root.to_str().unwrap(), &mut schemas).unwrap();
    if let Err(error) = schemas.validate(story, schema) {
        panic!("{error:#}\n{story:#}");
    }
    let mut changed = story.clone();
    changed["is_partial"] = "perhaps".into();
    assert!(schemas.validate(&changed, schema).is_err());
}

#[test]
fn a_posted_figure_is_told_from_its_cell_to_its_run() {
    let rig = Rig::new();
    rig.long(&["climate-cordex,2026-11,cpu,80.50", "climate-alps,2026-11,cpu,7"]);
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes"]).ends_with(0);
    rig.long(&["climate-cordex,2026-11,cpu,80.50", "climate-alps,2026-11,cpu,9.25"]);
    let with_file = [&explain("climate-alps", "cpu", "2026-11")[..], &["usage.csv"]].concat();
    let run = rig
        .run(&with_file)
        .ends_with(0)
        .says("climate-alps, cpu, 2026-11 (partial: the month is not over)")
        .says("amount: the amounts differ")
        .says("file 9.25, server 7.00, difference 2.25 k-hours")
        .says("usage.csv line 3, column 4 \"amount\", read by the layout waldur-long as amount")
        .says("7.00 k-hours, reported 2026-11-")
        .says("nothing → 7.00, posted")
        .says("from usage.csv line 3, column 4 \"amount\"")
        .says("marketplace-component-usages/");
    assert!(!run.stdout.contains("climate-cordex"), "{}", run.all());
    let story = rig.run(&[&with_file[..], &["--format", "json"]].concat()).ends_with(0).json();
    is_as_the_schema_says(&story);
    assert_eq!(story["verdict"]["class"], "amount");
    assert_eq!(story["verdict"]["difference"], "2.25");
    assert_eq!(story["resource"]["uuid"], rig.resource("climate-alps"));
    assert_eq!(story["cells"].as_array().unwrap().len(), 1);
    assert_eq!(story["cells"][0]["place"]["row"], 3);
    let stored = &rig.stored_of("climate-alps")["cpu"];
    assert_eq!(story["usages"][0]["usage"], stored.amount.to_string());
    let months: Vec<&str> =
        story["history"].as_array().unwrap().iter().map(|month| month["period"].as_str().unwrap()).collect();
    assert_eq!(months, ["2026-11", "2026-10", "2026-09", "2026-08"]);
    assert_eq!(story["runs"].as_array().unwrap().len(), 1);
    let run = &story["runs"][0];
    assert_eq!(
        (&run["action"], &run["planned"], &run["outcome"]),
        (&"create".into(), &"7.00".into(), &"posted".into())
    );
    assert!(!story["unit_price"].is_null() && !story["plan_periods"].as_array().unwrap().is_empty());
    // The other figure of the same run has a story of its own.
    let other = rig.run(&[&explain("climate-cordex", "cpu", "2026-11")[..], &["--format", "json"]].concat());
    let other = other.ends_with(0).json();
    assert_eq!(other["runs"][0]["action"], "update");
    assert_eq!(other["cells"], Value::Array(vec![]));
}

#[test]
fn a_billed_month_names_the_invoice_and_its_line() {
    let rig = Rig::new();
    let october = [&explain("climate-alps", "cpu", "2026-10")[..], &["--format", "json"]].concat();
    let story = rig.run_as(&rig.token("staff"), &october).ends_with(0).json();
    is_as_the_schema_says(&story);
    assert_eq!(story["is_partial"], false);
    assert_eq!(story["verdict"]["class"], "match");
    let billed = &story["invoice"]["billed"];
    assert_eq!(billed["quantity"], story["usages"][0]["usage"]);
    assert_eq!(billed["lines"].as_array().unwrap().len(), 1);
    assert!(story["invoice"]["state"].is_string(), "{}", story["invoice"]);
    // Who sees no invoice is told so, and not that there is none.
    rig.run_as(&rig.token("manager"), &explain("climate-alps", "cpu", "2026-10"))
        .ends_with(0)
        .says("not visible to this account, or not made");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn faults_and_what_neither_side_has_are_told() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,1", "climate-alps,2026-11,cpu,2", "climate-alps,2026-11,ram,-5"]);
    let with_file = |component: &'static str| {
        rig.run(&[&explain("climate-alps", component, "2026-11")[..], &["usage.csv"]].concat()).ends_with(0)
    };
    with_file("cpu")
        .says("duplicate-in-file")
        .says("usage.csv line 2, column 4")
        .says("usage.csv line 3, column 4");
    with_file("ram").says("sign").says("file -5");
    with_file("storage").says("no cell: no file has it").says("no row").says("none touched it");
}

#[test]
fn what_is_not_found_is_said_with_what_is_near() {
    let rig = Rig::new();
    rig.run(&explain("climate-alp", "cpu", "2026-11")).ends_with(2).says("did you mean \"climate-alps\"?");
    let twice = rig.run(&explain("sequencing", "cpu", "2026-11")).ends_with(2);
    twice.says("2 resources are named \"sequencing\"").says("name one by uuid:");
    rig.run(&explain("climate-alps", "fpga", "2026-11"))
        .ends_with(2)
        .says("has no component fpga")
        .says("gpu_hours");
    rig.run(&["explain-key", "climate-alps", "cpu", "2026-11"]).ends_with(2).says("name the offering");
    let id = rig.resource("climate-alps");
    rig.run(&["explain-key", &id, "cpu", "2026-11"]).ends_with(0).says("climate-alps, cpu, 2026-11");
    rig.run(&explain("climate-alps", "cpu", "2026-12")).ends_with(2).says("2026-12 has not begun");
}

#[test]
fn hostile_names_move_no_terminal() {
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    let id = {
        let resources = world["resources"].as_array_mut().unwrap();
        let own = resources.iter_mut().find(|resource| resource["name"] == "climate-alps").unwrap();
        own["name"] = "\u{1b}[31malps\u{202e}".into();
        own["uuid"].as_str().unwrap().to_owned()
    };
    let rig = Rig::on(Settings::new(serde_json::from_value(world).unwrap()));
    for format in ["text", "json"] {
        let run = rig.run(&["explain-key", &id, "cpu", "2026-10", "--format", format]).ends_with(0);
        assert!(!run.all().contains('\u{1b}') && !run.all().contains('\u{202e}'), "{}", run.all());
    }
}
