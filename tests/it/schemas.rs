//! Every command prints JSON that a published schema describes, and every published schema is one of some
//! command's.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

use crate::rig::{HPC, LAX, Rig, command};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema")
}

/// Why a document is not what a schema says.
fn judge(schema: &str, document: &Value) -> Option<String> {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    let mut place = folder().join(schema).to_string_lossy().into_owned();
    // Schemas name each other by their ids.
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let document: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            if let Some(id) = document["$id"].as_str().map(str::to_owned) {
                if path.ends_with(schema) {
                    place.clone_from(&id);
                }
                compiler.add_resource(&id, document).unwrap();
            }
        }
    }
    let index: SchemaIndex = compiler.compile(&place, &mut schemas).unwrap();
    schemas.validate(document, index).err().map(|error| format!("{schema}: {error:#}"))
}

/// What is run, in this order, and the schema of what it prints. `RUN` is the run of `apply`, `RESOURCE` a
/// resource, `USAGE` a usage of it.
const RUNS: [(&str, &[&str]); 45] = [
    ("findings", &["check", "faults.xlsx"]),
    ("findings", &["check", "good.xlsx"]),
    ("findings", &["plan", "faults.xlsx"]),
    ("plan-report", &["plan", "good.xlsx", "-o", "plan.json"]),
    ("plan-report", &["plan", "faults.xlsx", "--skip-faulty"]),
    ("plan", &["plan", "show", "plan.json"]),
    ("guards", &["apply", "little.csv", "--yes", "--offering", HPC]),
    ("run", &["apply", "good.xlsx", "--yes"]),
    ("run", &["apply", "good.xlsx", "--yes"]),
    ("run", &["apply", "faults.xlsx", "--yes", "--skip-faulty", LAX[0], LAX[1]]),
    ("verify", &["verify", "RUN"]),
    ("runs", &["runs", "list"]),
    ("runs-show", &["runs", "show", "RUN"]),
    ("run", &["undo", "RUN", "--yes"]),
    ("run", &["resume"]),
    ("audit-verify", &["audit", "verify"]),
    ("audit-export", &["audit", "export"]),
    ("missing", &["missing", "--period", "2026-11", "--offering", HPC]),
    ("template", &["template", "--period", "2026-11", "--offering", HPC, "-o", "template.xlsx"]),
    (
        "template",
        &["template", "--period", "2026-11", "--offering", HPC, "-o", "template.csv", "--form", "wide"],
    ),
    (
        "reconciliation",
        &["reconcile", "statement.csv", "--period", "2026-10", "--offering", HPC, "--invoices"],
    ),
    ("list", &["list", "--period", "2026-10"]),
    ("list", &["list", "--what", "user-usages"]),
    ("list", &["list", "--period", "2026-10", "--field", "uuid", "--field", "usage"]),
    ("show", &["show", "USAGE"]),
    ("export", &["export", "--period", "2026-10", "--to", "csv:out"]),
    ("export", &["export", "--period", "2026-10", "--to", "csv:out"]),
    ("explain-key", &["explain-key", "RESOURCE", "cpu", "2026-10"]),
    ("doctor", &["doctor"]),
    ("doctor", &["doctor", "--last"]),
    ("explain", &["explain"]),
    ("explain", &["explain", "spike"]),
    ("layouts", &["layout", "list"]),
    ("layout", &["layout", "show", "slurm-sacct"]),
    ("layout", &["layout", "suggest", "meters.csv"]),
    ("layout", &["layout", "suggest", "meters.csv", "-o", "meters.toml"]),
    ("sandbox-world", &["sandbox", "world", "new", "--resources", "20", "-o", "new.json"]),
    ("sandbox-world", &["sandbox", "world", "from-server", "--offering", HPC, "-o", "copy.json"]),
    ("demo", &["demo", "rehearsal"]),
    ("auth-logout", &["auth", "logout"]),
    ("pipelines", &["pipeline", "list"]),
    ("pipelines", &["pipeline", "show", "nightly-export"]),
    ("completions", &["completions", "zsh"]),
    ("completions", &["completions", "powershell"]),
    ("man", &["man", "pages"]),
];

fn furnish(rig: &Rig) -> [(&'static str, String); 2] {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for (from, to) in [
        ("usage-2026-11-faults.xlsx", "faults.xlsx"),
        ("usage-2026-11-long.xlsx", "good.xlsx"),
        ("statement-2026-10.csv", "statement.csv"),
    ] {
        fs::copy(samples.join(from), rig.folder.path().join(to)).unwrap();
    }
    let resource = rig.resource("climate-alps");
    let header = "resource_name,billing_period,component_type,amount\n";
    rig.file("little.csv", format!("{header}climate-alps,2026-11,cpu,1\n"));
    rig.file(
        "meters.csv",
        format!("Resource UUID,Month,Meter,Quantity,Unit\n{resource},2026-11,cpu,1,k-hours\n"),
    );
    let rows = rig.run(&["list", "--period", "2026-10", "--resource", &resource, "--format", "json"]).json();
    [("USAGE", rows[0]["uuid"].as_str().unwrap().to_owned()), ("RESOURCE", resource)]
}

#[test]
fn what_each_command_prints_is_what_its_schema_says() {
    let rig = Rig::new();
    let mut words: Vec<(&str, String)> = furnish(&rig).into();
    let staff = rig.token("staff");
    let mut wrong = Vec::new();
    // The rest is held against its schema where it is tested: settings, auth, pipelines, scheduling, watching.
    let elsewhere = [
        "auth-status",
        "config",
        "config-check",
        "config-explain",
        "ended",
        "export-manifest",
        "log",
        "pipeline",
        "pipeline-check",
        "pipeline-run",
        "project",
        "sandbox",
        "schedule-due",
        "schedules",
        "watch-test",
    ];
    let mut seen: BTreeSet<String> = elsewhere.map(str::to_owned).into();
    for (schema, arguments) in RUNS {
        let filled = |&word: &&str| {
            words
                .iter()
                .find(|(known, _)| *known == word)
                .map_or(word.to_owned(), |(_, filled)| filled.clone())
        };
        let arguments: Vec<String> = arguments.iter().map(filled).collect();
        let all: Vec<&str> = arguments.iter().map(String::as_str).chain(["--format", "json"]).collect();
        let run = rig.run_guarded(&staff, &all);
        let Ok(document) = serde_json::from_str::<Value>(&run.stdout) else {
            wrong.push(format!("{all:?} prints no JSON: {}", run.all()));
            continue;
        };
        if schema == "run" && !words.iter().any(|(known, _)| *known == "RUN") {
            words.push((
                "RUN",
                document["run"].as_str().unwrap_or_else(|| panic!("{}", run.all())).to_owned(),
            ));
        }
        wrong.extend(judge(&format!("{schema}.schema.json"), &document).map(|why| format!("{all:?}\n{why}")));
        seen.insert(schema.to_owned());
        // A document that lacks what the schema asks for is no such document.
        if let Value::Object(fields) = &document {
            let mut strange = fields.clone();
            strange.insert("what no version prints".into(), Value::Null);
            if schema != "show" && judge(&format!("{schema}.schema.json"), &strange.into()).is_none() {
                wrong.push(format!("{schema}.schema.json takes anything"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
    let published: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".schema.json").map(str::to_owned))
        .collect();
    let unseen: Vec<_> = published.difference(&seen).collect();
    assert!(unseen.is_empty(), "nothing prints {unseen:?}");
}

#[test]
fn the_first_line_of_the_sandbox_is_what_its_schema_says() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut child = command(folder.path())
        .args(["sandbox", "--listen", "127.0.0.1:0", "--quiet", "--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(judge("sandbox.schema.json", &serde_json::from_str(&line).unwrap()), None);
}

#[test]
fn every_command_stands_in_the_table_of_schemas() {
    let table = fs::read_to_string(folder().join("README.md")).unwrap();
    for entry in fs::read_dir(folder().join("../cli")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name =
            text.lines().find_map(|line| line.strip_prefix("# waldur-usage ")).unwrap_or_default().to_owned();
        // What only leads to other commands prints nothing itself.
        let only_leads = text.contains("<COMMAND>");
        assert!(
            name.is_empty() || only_leads || table.contains(&format!("`{name}`")),
            "{name} is not in the table"
        );
    }
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || table.contains(&format!("]({name})")), "{name} is not in the table");
    }
}
