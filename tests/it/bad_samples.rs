//! Every finding has a page and a sample, and the sample shows that finding at the right cell.
//!
//! Which sample belongs to which finding stands in `src/findings/pages.toml`, and comes here by
//! `explain --format json`. What the program prints about them is held against the published schema.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::rig::{HPC, LAX, Rig, Run, command};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples/bad")
}

/// Every finding with its page.
fn explained() -> Vec<Value> {
    let output = command(&folder()).args(["explain", "--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
}

/// The built-in world with changes: a list of tables, what their rows have to hold, and what is set.
fn world(changes: &Path) -> World {
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    let changes: Vec<Value> = serde_json::from_slice(&std::fs::read(changes).unwrap()).unwrap();
    for change in &changes {
        let ids: BTreeMap<String, Value> = world["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|resource| (resource["name"].as_str().unwrap().to_owned(), resource["uuid"].clone()))
            .collect();
        let wanted = change["where"].as_object().unwrap();
        let fits = |row: &Value| {
            wanted.iter().all(|(key, value)| match key.as_str() {
                "resource" => row["resource_uuid"] == ids[value.as_str().unwrap()],
                key => row[key].as_str().is_some_and(|text| text.starts_with(value.as_str().unwrap())),
            })
        };
        let rows = world[change["in"].as_str().unwrap()].as_array_mut().unwrap();
        let mut changed = 0;
        for row in rows.iter_mut().filter(|row| fits(row)) {
            for (key, value) in change["set"].as_object().unwrap() {
                row[key] = value.clone();
            }
            changed += 1;
        }
        assert!(changed > 0, "nothing is changed by {change}");
    }
    serde_json::from_value(world).unwrap()
}

/// The sandbox that a sample is looked at on, with the samples in its folder.
fn rig(sample: &Value) -> Rig {
    let mut behaviour = match sample["dialect"].as_str() {
        None | Some("2024") => Behaviour::dialect_2024(),
        Some("2025") => Behaviour::dialect_2025(),
        Some("2026") => Behaviour::dialect_2026(),
        Some(other) => panic!("no dialect {other}"),
    };
    for switch in texts(&sample["capability"]) {
        behaviour.switch(switch).unwrap();
    }
    let world = sample["world"].as_str().map_or_else(World::built_in, |name| world(&folder().join(name)));
    let rig = Rig::on(Settings { behaviour, ..Settings::new(world) });
    copy(&folder(), rig.folder.path());
    rig
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// The files of a finding's sample.
fn files<'a>(finding: &'a Value, own: &'a str) -> Vec<&'a str> {
    let named = texts(&finding["sample"]["files"]);
    if named.is_empty() { vec![own] } else { named }
}

/// Looks at a sample as its page says.
fn look(rig: &Rig, finding: &Value, own: &str) -> Run {
    let sample = &finding["sample"];
    for file in texts(&sample["before"]) {
        let apply = ["apply", file, "--offering", HPC, "--yes"];
        rig.run_guarded(&rig.token("staff"), &[&apply[..], &LAX].concat()).ends_with(0);
    }
    let scope = vec!["--offering", HPC];
    let arguments = if sample["arguments"].is_null() { scope } else { texts(&sample["arguments"]) };
    let command = sample["command"].as_str().unwrap_or("check");
    let token = rig.token(sample["account"].as_str().unwrap_or("owner"));
    let mut all = vec![command];
    all.extend(files(finding, own));
    all.extend(arguments);
    all.extend(["--format", "json"]);
    rig.run_guarded(&token, &all)
}

/// What is wrong with what a sample shows; nothing where it is as it has to be.
fn judge(finding: &Value, schemas: &Schemas, schema: SchemaIndex) -> Option<String> {
    let code = finding["code"].as_str().unwrap();
    let own = format!("{code}.csv");
    let files = files(finding, &own);
    if let Some(missing) = files.iter().find(|file| !folder().join(file).exists()) {
        return Some(format!("{code}: there is no samples/bad/{missing}"));
    }
    let run = look(&rig(&finding["sample"]), finding, &own);
    let wrong = |what: String| Some(format!("{code}: {what}\n{}", run.all()));
    let Ok(document) = serde_json::from_str::<Value>(&run.stdout) else {
        return wrong("no findings were printed".into());
    };
    // A warning of a comparison stands in the findings where it stops it.
    let is_denied =
        finding["severity"] == "deny" || texts(&finding["sample"]["arguments"]).contains(&"--deny");
    if run.code != if is_denied { 3 } else { 0 } {
        return wrong("ended otherwise".into());
    }
    if document["ok"].is_boolean()
        && let Err(error) = schemas.validate(&document, schema)
    {
        return wrong(format!("not what the schema says: {error:#}"));
    }
    let found = document["findings"].as_array().unwrap();
    let codes: BTreeSet<&str> = found.iter().map(|finding| finding["code"].as_str().unwrap()).collect();
    let expected: BTreeSet<&str> = texts(&finding["sample"]["also"]).into_iter().chain([code]).collect();
    if codes != expected {
        return wrong(format!("shows {codes:?}"));
    }
    let at = finding["sample"]["at"].as_str().map(|at| {
        let file = finding["sample"]["at_file"].as_str().unwrap_or(files[0]);
        format!("{file} {at}").trim_end().to_owned()
    });
    let stands = |finding: &&Value| {
        let place = finding["place"]["text"].as_str();
        let place = place.map(|text| text.split(" \"").next().unwrap());
        // A whole file may be named with its sheet.
        let is_whole = at.as_deref().zip(place).is_some_and(|(at, place)| {
            files.contains(&at) && place.strip_prefix(at).is_some_and(|rest| !rest.contains(['!', ',']))
        });
        place == at.as_deref() || is_whole
    };
    match found.iter().filter(|finding| finding["code"] == code).find(stands) {
        Some(_) => None,
        None => wrong(format!("not found at {at:?}")),
    }
}

#[test]
fn every_finding_has_a_sample_that_shows_it_at_the_right_cell() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema/findings.schema.json");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(root.to_str().unwrap(), &mut schemas).unwrap();
    let findings = explained();
    assert!(findings.len() >= 70, "{}", findings.len());
    let rest = Mutex::new(findings.iter());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some(finding) = rest.lock().unwrap().next() else { break };
                    let is_written = finding["means"].is_string();
                    let judged = if is_written {
                        judge(finding, &schemas, schema)
                    } else {
                        Some(format!("{}: no page in src/findings/pages.toml", finding["code"]))
                    };
                    wrong.lock().unwrap().extend(judged);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), findings.len(), wrong.join("\n\n"));
}

#[test]
fn no_file_of_the_samples_is_nobodys() {
    let findings = explained();
    let mut known: BTreeSet<String> = BTreeSet::from(["make.py".to_owned()]);
    for finding in &findings {
        let own = format!("{}.csv", finding["code"].as_str().unwrap());
        known.extend(files(finding, &own).into_iter().map(str::to_owned));
        let sample = &finding["sample"];
        known.extend(texts(&sample["before"]).into_iter().map(str::to_owned));
        known.extend(texts(&sample["arguments"]).into_iter().map(str::to_owned));
        known.extend(["world", "at_file"].iter().filter_map(|key| Some(sample[key].as_str()?.to_owned())));
    }
    let strange: Vec<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !known.contains(name))
        .collect();
    assert!(strange.is_empty(), "samples of no finding: {strange:?}");
}

#[test]
fn the_schema_of_findings_does_not_take_anything() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema/findings.schema.json");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(root.to_str().unwrap(), &mut schemas).unwrap();
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,1.235", "climate-alps,2026-11,ram,1", "nobody,2026-11,cpu,1"]);
    let check = ["check", "usage.csv", "--offering", HPC, "--format", "json", "--round", "half-up"];
    let document = rig.run(&check).ends_with(3).json();
    if let Err(error) = schemas.validate(&document, schema) {
        panic!("{error:#}\n{document:#}");
    }
    for (pointer, value) in [
        ("/findings/0/severity", "grave"),
        ("/findings/0/code", "Unknown Resource"),
        ("/findings/0/place/row", "three"),
        ("/rows/rows_read", "three"),
        ("/ok", "perhaps"),
    ] {
        let mut changed = document.clone();
        *changed.pointer_mut(pointer).unwrap() = value.into();
        assert!(schemas.validate(&changed, schema).is_err(), "{pointer}");
    }
    let mut without = document.clone();
    without["findings"][0].as_object_mut().unwrap().remove("expected");
    assert!(schemas.validate(&without, schema).is_err());
}
