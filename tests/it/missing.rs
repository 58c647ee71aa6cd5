//! What nobody has reported is told figure by figure, and is filled in where a template of it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use boon::{Compiler, Schemas};
use calamine::{Data, Reader, Xlsx, open_workbook};
use serde_json::{Value, json};
use waldur_usage::sandbox::{Behaviour, InvoiceState, Settings, World};

use crate::proxy;
use crate::rig::{HPC, Rig};

const STORAGE: &str = "Research data storage";
const CLIMATE: &str = "Regional Climate Downscaling";
const MISSING: [&str; 5] = ["missing", "--offering", HPC, "--period", "2026-11"];

/// The built-in world, changed.
fn changed(change: impl FnOnce(&mut Value)) -> World {
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    change(&mut world);
    serde_json::from_value(world).unwrap()
}

/// The id of a resource of a world as it is written.
fn id_of(world: &Value, name: &str) -> String {
    let resources = world["resources"].as_array().unwrap();
    let own = resources.iter().find(|resource| resource["name"] == name).unwrap();
    own["uuid"].as_str().unwrap().to_owned()
}

/// Takes usages out of a world.
fn forget(world: &mut Value, is_forgotten: impl Fn(&str, &str, &str) -> bool) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    world["usages"].as_array_mut().unwrap().retain(|usage| {
        !is_forgotten(
            &text(&usage["resource_uuid"]),
            &text(&usage["type"]),
            &text(&usage["billing_period"])[..7],
        )
    });
}

/// Changes fields of a resource of a world.
fn set(world: &mut Value, name: &str, fields: &[(&str, Value)]) {
    let resources = world["resources"].as_array_mut().unwrap();
    let own = resources.iter_mut().find(|resource| resource["name"] == name).unwrap();
    for (field, value) in fields {
        own[*field] = value.clone();
    }
}

/// Resource and component of each gap.
fn keys(missing: &Value) -> BTreeSet<String> {
    let gaps = missing["gaps"].as_array().unwrap();
    let text = |gap: &Value, field: &str| gap[field].as_str().unwrap().to_owned();
    gaps.iter().map(|gap| format!("{} {}", text(gap, "resource_name"), text(gap, "component_type"))).collect()
}

/// The gap of a figure.
fn gap<'a>(missing: &'a Value, resource: &str, component: &str) -> &'a Value {
    let mut gaps = missing["gaps"].as_array().unwrap().iter();
    gaps.find(|gap| gap["resource_name"] == resource && gap["component_type"] == component)
        .unwrap_or_else(|| panic!("no gap of {resource} {component} in {missing:#}"))
}

/// The usage requests of a rig whose address has a text.
fn asked(rig: &Rig, text: &str) -> usize {
    let requests = rig.sandbox.requests();
    let usages = requests.iter().filter(|request| request.path.contains("marketplace-component-usages"));
    usages.filter(|request| request.path.contains(text)).count()
}

#[test]
fn a_running_month_is_partial_and_the_month_before_says_since_when() {
    let rig = Rig::new();
    let run = rig
        .run(&MISSING)
        .ends_with(0)
        .says("Missing: 72 of 96 figures, of 18 resources of 24, all figures of 18 of them.")
        .says("The month is not over: partial.")
        .says("climate-alps")
        .says("cpu, gpu_hours, ram, storage")
        .says("3  resources left out: in a state that takes no usage")
        .says("1  resources left out: without a plan");
    assert!(!run.stdout.contains("climate-cordex"), "it has reported: {}", run.all());
    assert_eq!(rig.posts(), 0);
    // October tells of all of them, so no month before it is read.
    assert!(asked(&rig, "2026-10-01") > 0);
    assert_eq!(asked(&rig, "2026-09-01"), 0);
    rig.run(&[&MISSING[..], &["--exit-code"]].concat()).ends_with(1);
    let json = rig.run(&[&MISSING[..], &["--format", "json"]].concat()).ends_with(0).json();
    assert_eq!(json["is_partial"], true);
    assert_eq!(json["counts"]["figures_missing"], 72);
    // What is missing is what has no row, and nothing else.
    let has_row: BTreeSet<String> = rig
        .sandbox
        .usages()
        .iter()
        .filter(|usage| usage.period.to_string() == "2026-11")
        .map(|usage| format!("{} {}", usage.resource, usage.component))
        .collect();
    for gap in json["gaps"].as_array().unwrap() {
        let key =
            format!("{} {}", gap["resource_uuid"].as_str().unwrap(), gap["component_type"].as_str().unwrap());
        assert!(!has_row.contains(&key), "{key}");
        assert_eq!((&gap["last_reported"], &gap["missing_since"]), (&json!("2026-10"), &json!("2026-11")));
    }
}

#[test]
fn a_whole_month_has_nothing_missing_and_nothing_before_it_is_read() {
    let rig = Rig::new();
    let october = ["missing", "--offering", HPC, "--period", "2026-10", "--exit-code"];
    let run = rig.run(&october).ends_with(0).says("Nothing is missing: all 96 figures are stored.");
    assert!(!run.stdout.contains("partial"), "{}", run.all());
    assert_eq!(asked(&rig, "2026-09-01"), 0);
    rig.run(&[&october[..], &["--template", "none.xlsx"]].concat())
        .ends_with(0)
        .says("nothing is missing, so none.xlsx was not written");
    assert!(!rig.folder.path().join("none.xlsx").exists());
}

#[test]
fn how_long_a_figure_is_missing_is_found_month_by_month_or_resource_by_resource() {
    let world = changed(|world| {
        let [alps, dns, gw] = ["climate-alps", "flame-dns", "qmat-gw"].map(|name| id_of(world, name));
        // Of alps, gpu_hours ended in August; of dns, everything did; gw never had ram, and is old.
        forget(world, |resource, component, month| {
            let is_late = month > "2026-08";
            resource == alps && component == "gpu_hours" && is_late
                || resource == dns && is_late
                || resource == gw && component == "ram"
                || month == "2026-11"
        });
        set(world, "qmat-gw", &[("created", json!("2020-02-02T00:00:00Z"))]);
        set(world, "sequencing", &[("created", json!("2026-11-03T00:00:00Z"))]);
    });
    let rig = Rig::on(Settings::new(world));
    let october = ["missing", "--offering", HPC, "--period", "2026-10", "--format", "json"];
    let json = rig.run(&october).ends_with(0).json();
    assert_eq!(json["is_partial"], false);
    let expected = ["climate-alps gpu_hours", "flame-dns cpu", "flame-dns gpu_hours", "flame-dns ram"];
    let expected = expected.iter().chain(&["flame-dns storage", "qmat-gw ram"]).map(|key| (*key).to_owned());
    assert_eq!(keys(&json), expected.collect());
    let alps = gap(&json, "climate-alps", "gpu_hours");
    assert_eq!((&alps["last_reported"], &alps["missing_since"]), (&json!("2026-08"), &json!("2026-09")));
    let amount = rig.sandbox.usages().into_iter().find(|usage| {
        let id = rig.resource("climate-alps");
        usage.resource.to_string() == id
            && usage.component.to_string() == "gpu_hours"
            && usage.period.to_string() == "2026-08"
    });
    assert_eq!(alps["last_amount"], amount.unwrap().amount.to_string());
    let gw = gap(&json, "qmat-gw", "ram");
    assert_eq!(gw["last_reported"], Value::Null);
    assert_eq!((&gw["missing_since"], &gw["or_earlier"]), (&json!("2025-10"), &json!(true)));
    assert_eq!(json["counts"]["made_later"], 1, "one of the two called sequencing: {}", json["counts"]);
    // Three resources are few: each is asked about once, and no month before is read.
    assert_eq!((asked(&rig, "2026-09-01"), asked(&rig, "resource_uuid=")), (0, 3));
    // November lacks everything: October settles most, and the rest is asked about by resource.
    let november = rig.run(&[&MISSING[..], &["--format", "json"]].concat()).json();
    assert_eq!(gap(&november, "flame-dns", "cpu")["missing_since"], "2026-09");
    assert_eq!(gap(&november, "climate-alps", "cpu")["missing_since"], "2026-11");
    let new = gap(&november, "sequencing", "cpu");
    assert_eq!(new["missing_since"], "2026-11");
    assert!(asked(&rig, "2026-10-01") > 0);
    assert_eq!(asked(&rig, "2026-09-01"), 0);
}

#[test]
fn many_that_never_reported_are_looked_for_month_by_month() {
    let world = changed(|world| {
        forget(world, |_, component, month| {
            component == "gpu_hours" && month != "2026-08" || month == "2026-11"
        });
        for resource in world["resources"].as_array_mut().unwrap() {
            resource["created"] = json!("2026-07-31T00:00:00Z");
        }
    });
    let rig = Rig::on(Settings::new(world));
    let json = rig.run(&[&MISSING[..], &["--format", "json"]].concat()).ends_with(0).json();
    assert_eq!(gap(&json, "climate-alps", "gpu_hours")["missing_since"], "2026-09");
    assert_eq!(gap(&json, "climate-alps", "cpu")["missing_since"], "2026-11");
    // Before they were made there is nothing to find.
    assert_eq!(asked(&rig, "2026-06-01"), 0);
}

#[test]
fn what_is_missing_is_written_in_every_form_with_the_same_figures() {
    let rig = Rig::new();
    let forms = ["-o", "missing.xlsx", "-o", "missing.csv", "-o", "missing.json", "--offering", STORAGE];
    let run = rig.run(&[&MISSING[..], &forms, &["--format", "json"]].concat()).ends_with(0);
    let told = run.json();
    let read = |name: &str| std::fs::read(rig.folder.path().join(name)).unwrap();
    let json: Value = serde_json::from_slice(&read("missing.json")).unwrap();
    assert_eq!(json, told);
    let text = String::from_utf8(read("missing.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let csv: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let mut workbook: Xlsx<_> = open_workbook(rig.folder.path().join("missing.xlsx")).unwrap();
    let sheet = workbook.worksheet_range("Missing").unwrap();
    let rows: Vec<&[Data]> = sheet.rows().skip(1).collect();
    let gaps = json["gaps"].as_array().unwrap();
    assert_eq!((csv.len(), rows.len()), (gaps.len(), gaps.len()));
    for ((gap, record), row) in gaps.iter().zip(&csv).zip(&rows) {
        for (column, field) in
            [(3, "resource_name"), (4, "resource_uuid"), (7, "component_type"), (13, "missing_since")]
        {
            assert_eq!(gap[field], record[column], "{gap}");
            assert_eq!(gap[field], row[column].to_string(), "{gap}");
        }
        let amount = gap["last_amount"].as_str().unwrap();
        assert_eq!(amount, &record[12]);
        let shown: f64 = row[12].to_string().parse().unwrap();
        assert_eq!(format!("{shown:.2}"), amount);
    }
    let summary = workbook.worksheet_range("Summary").unwrap();
    let summary: Vec<String> = summary.cells().map(|(_, _, cell)| cell.to_string()).collect();
    let counts = format!("{} of {} figures", json["counts"]["figures_missing"], json["counts"]["figures"]);
    assert!(summary.concat().contains(&counts), "{summary:?}");
    rig.run(&[&MISSING[..], &["-o", "missing.xlsx"]].concat()).ends_with(2).says("is there already");
    rig.run(&[&MISSING[..], &["-o", "missing.ods"]].concat()).ends_with(2).says("use .xlsx, .csv or .json");
    rig.run(&[&MISSING[..], &["-o", "a.csv", "--template", "a.csv"]].concat())
        .ends_with(2)
        .says("named twice");
}

#[test]
fn the_document_is_what_its_schema_says() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema/missing.schema.json");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(root.to_str().unwrap(), &mut schemas).unwrap();
    let rig = Rig::new();
    let project = ["--project", CLIMATE, "--format", "json"];
    let document = rig.run(&[&MISSING[..], &project].concat()).ends_with(0).json();
    assert_eq!(document["scope"]["projects"], json!([CLIMATE]));
    if let Err(error) = schemas.validate(&document, schema) {
        panic!("{error:#}\n{document:#}");
    }
    for (pointer, value) in [
        ("/period", json!("2026-13-01")),
        ("/is_partial", json!("perhaps")),
        ("/counts/figures", json!(-1)),
        ("/gaps/0/last_amount", json!(12.5)),
        ("/gaps/0/resource_uuid", json!("resource-1")),
    ] {
        let mut changed = document.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(schemas.validate(&changed, schema).is_err(), "{pointer}");
    }
}

/// What a plan of a file would post: resource and component to amount.
fn planned(rig: &Rig, file: &str) -> BTreeMap<String, String> {
    let json = rig.run(&["plan", file, "--format", "json"]).ends_with(0).json();
    let mut planned = BTreeMap::new();
    for resource in json["plan"]["body"]["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap().iter().filter(|line| !line["new"].is_null()) {
            let key =
                format!("{} {}", resource["name"].as_str().unwrap(), line["component"].as_str().unwrap());
            planned.insert(key, line["new"]["amount"].as_str().unwrap().to_owned());
        }
    }
    planned
}

#[test]
fn a_template_has_just_the_missing_figures_and_goes_in_again() {
    let rig = Rig::new();
    // One figure of a resource that has reported nothing else.
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes"]).ends_with(0);
    rig.run(&[&MISSING[..], &["--template", "blank.xlsx"]].concat())
        .ends_with(0)
        .says("written to blank.xlsx: 71 rows, 0 of them filled in")
        .says("fill in the amounts, then: waldur-usage plan blank.xlsx");
    rig.run(&["plan", "blank.xlsx"]).ends_with(3).says("nothing-used");
    for (fill, file) in [("zero", "zero.xlsx"), ("last", "last.csv")] {
        rig.run(&[&MISSING[..], &["--template", file, "--fill", fill]].concat())
            .ends_with(0)
            .says("71 rows, 71 of them filled in");
        let missing = rig.run(&[&MISSING[..], &["--format", "json"]].concat()).json();
        let planned = planned(&rig, file);
        let mut names: BTreeSet<String> = planned.keys().cloned().collect();
        // Two resources have one name.
        assert_eq!(names, keys(&missing), "{fill}");
        assert!(!names.remove("climate-alps cpu"));
        for gap in missing["gaps"].as_array().unwrap() {
            let key = format!(
                "{} {}",
                gap["resource_name"].as_str().unwrap(),
                gap["component_type"].as_str().unwrap()
            );
            let amount = if fill == "zero" { "0.00" } else { gap["last_amount"].as_str().unwrap() };
            if !key.starts_with("sequencing") {
                assert_eq!(planned[&key], amount, "{key}");
            }
        }
    }
    // Once it is posted, nothing is missing.
    rig.run(&["apply", "zero.xlsx", "--yes", "--allow-zeroed"]).ends_with(0);
    rig.run(&[&MISSING[..], &["--exit-code"]].concat())
        .ends_with(0)
        .says("Nothing is missing: all 96 figures");
}

#[test]
fn a_past_month_is_filled_in_where_the_server_still_takes_it() {
    let world = changed(|world| {
        let alps = id_of(world, "climate-alps");
        forget(world, |resource, component, month| {
            resource == alps && component == "cpu" && month == "2026-10"
        });
    });
    let rig = Rig::on(Settings { behaviour: Behaviour::dialect_2026(), ..Settings::new(world) });
    let id = rig.resource("climate-alps");
    let url = format!("{}/api/marketplace-provider-resources/{id}/?field=customer_uuid", rig.sandbox.url());
    let customer = proxy::get_json(&url, &rig.token("staff"))["customer_uuid"].as_str().unwrap().to_owned();
    rig.sandbox.set_invoice_state(
        customer.parse().unwrap(),
        "2026-10".parse().unwrap(),
        InvoiceState::Pending,
    );
    let october = ["missing", "--offering", HPC, "--period", "2026-10"];
    rig.run(&[&october[..], &["--template", "october.csv", "--fill", "last"]].concat())
        .ends_with(0)
        .says("Missing: 1 of 96 figures, of 1 resource of 24.")
        .says("written to october.csv: 1 row, 1 of them filled in");
    rig.run(&["apply", "october.csv", "--yes"]).ends_with(0).says("1 posted");
    rig.run(&[&october[..], &["--exit-code"]].concat()).ends_with(0);
}

#[test]
fn what_cannot_be_looked_for_is_refused() {
    let rig = Rig::new();
    rig.run(&["missing", "--offering", HPC, "--period", "2026-12"])
        .ends_with(4)
        .says("2026-12 is still to come");
    rig.run(&["missing", "--period", "2026-11"]).ends_with(2).says("no offering is named");
    rig.run(&["missing", "--offering", HPC]).ends_with(2).says("--period");
    rig.run(&[&MISSING[..], &["--fill", "zero"]].concat()).ends_with(2).says("--template");
    rig.run(&[&MISSING[..], &["--project", "nobody's"]].concat())
        .ends_with(2)
        .says("no project in scope is named");
    rig.run(&["missing", "--offering", HPC, "--period", "2026-06"])
        .ends_with(0)
        .says("Nothing could be reported of that month.");
}

#[test]
fn a_hostile_name_is_shown_and_never_carried_out() {
    let world = changed(|world| {
        set(world, "climate-alps", &[("name", json!("=cmd|' /C calc'!A0\u{1b}[31m\u{202e}"))]);
    });
    let rig = Rig::on(Settings::new(world));
    let run = rig.run(&[&MISSING[..], &["-o", "missing.csv", "-o", "missing.xlsx"]].concat()).ends_with(0);
    assert!(!run.all().contains('\u{1b}') && !run.all().contains('\u{202e}'));
    let text = std::fs::read_to_string(rig.folder.path().join("missing.csv")).unwrap();
    assert!(text.contains("'=cmd|") && !text.contains(",=cmd|"), "{text}");
    let mut workbook: Xlsx<_> = open_workbook(rig.folder.path().join("missing.xlsx")).unwrap();
    assert!(workbook.worksheet_formula("Missing").unwrap().is_empty());
}
