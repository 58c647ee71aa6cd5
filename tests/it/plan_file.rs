//! The plan as a file: its schema, its digests, what it is bound to, and the forms that people read.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::proxy;
use crate::rig::{HPC, Rig, has_tool};

/// A rig with a plan in `plan.json`, and its content.
fn planned(rig: &Rig) -> Value {
    rig.long(&[
        "climate-alps,2026-11,cpu,7",
        "climate-cordex,2026-11,cpu,80.50",
        "climate-era5,2026-11,storage,1",
    ]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    serde_json::from_slice(&std::fs::read(rig.folder.path().join("plan.json")).unwrap()).unwrap()
}

/// Fails unless a plan is what the published schema says.
pub fn is_as_the_schema_says(plan: &Value) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema/plan.schema.json");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(root.to_str().unwrap(), &mut schemas).unwrap();
    if let Err(error) = schemas.validate(plan, schema) {
        panic!("{error:#}");
    }
}

#[test]
fn a_plan_is_what_its_schema_says() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema/plan.schema.json");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(root.to_str().unwrap(), &mut schemas).unwrap();
    let rig = Rig::new();
    let mut plan = planned(&rig);
    assert!(plan["body"]["resources"].to_string().contains("only_on_server"));
    if let Err(error) = schemas.validate(&plan, schema) {
        panic!("{error:#}");
    }
    plan["body"]["binding"]["account"]["role"] = "emperor".into();
    assert!(schemas.validate(&plan, schema).is_err(), "a schema that takes anything says nothing");
}

#[test]
fn the_same_inputs_and_server_state_give_the_same_body() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    let plan = || rig.run(&["plan", "usage.csv", "--offering", HPC, "--format", "json"]).ends_with(0).json();
    let (first, second) = (plan(), plan());
    assert_eq!(first["body_digest"], second["body_digest"]);
    assert_eq!(first["plan"]["body"], second["plan"]["body"]);
    assert_ne!(first["digest"], second["digest"], "two runs are two plans");
    rig.long(&["climate-alps,2026-11,cpu,8"]);
    assert_ne!(plan()["body_digest"], first["body_digest"]);
}

#[test]
fn a_plan_that_was_touched_is_refused() {
    let rig = Rig::new();
    let plan = planned(&rig);
    for (pointer, value) in [
        ("/header/run", json!("00000000000000000000000000000000")),
        ("/body/binding/period", json!("2026-10")),
        ("/body/binding/capabilities/takes_date/evidence", json!("I said so")),
        ("/body/resources/0/lines/0/reason", json!("because")),
        ("/body/resources/0/name", json!("another")),
        ("/digest", json!("0".repeat(64))),
    ] {
        let mut touched = plan.clone();
        *touched.pointer_mut(pointer).unwrap() = value;
        rig.file("touched.json", touched.to_string());
        rig.run(&["apply", "touched.json", "--yes"]).ends_with(4).says("damaged or edited after it was made");
    }
    // Blanks and the order of the keys are no content.
    let compact: Value = serde_json::from_str(&plan.to_string()).unwrap();
    rig.file("compact.json", compact.to_string());
    rig.run(&["apply", "compact.json", "--yes"]).ends_with(0);
}

#[test]
fn apply_takes_no_other_plan_than_the_one_agreed_to() {
    let rig = Rig::new();
    let digest = planned(&rig)["digest"].as_str().unwrap().to_owned();
    rig.run(&["plan", "show", "plan.json"]).ends_with(0).says(&format!("digest {digest}"));
    let other = "0".repeat(64);
    rig.run(&["apply", "plan.json", "--yes", "--digest", &other])
        .ends_with(4)
        .says(&format!("the plan has the digest {digest}, and another one was agreed to"));
    assert_eq!(rig.posts(), 0);
    rig.run(&["apply", "usage.csv", "--yes", "--digest", &digest]).ends_with(2).says("none is given");
    rig.run(&["apply", "plan.json", "--yes", "--digest", &digest.to_uppercase()]).ends_with(0);
}

#[test]
fn a_plan_made_in_another_role_is_refused() {
    let rig = Rig::new();
    let is_demoted = Arc::new(AtomicBool::new(false));
    let demoted = Arc::clone(&is_demoted);
    let url = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, answer| {
            if demoted.load(Ordering::Relaxed) && request.path.starts_with("/api/users/me/") {
                let mut account: Value = serde_json::from_slice(&answer.body).unwrap();
                account["permissions"] = json!([]);
                answer.body = account.to_string().into_bytes();
            }
        },
    );
    let rig = rig.through(&url);
    assert_eq!(planned(&rig)["body"]["binding"]["account"]["role"], "provider_owner");
    is_demoted.store(true, Ordering::Relaxed);
    rig.run(&["apply", "plan.json", "--yes"])
        .ends_with(4)
        .says("the plan was made as owner of the provider, and the account is no role of the provider now");
    assert_eq!(rig.posts(), 0);
    is_demoted.store(false, Ordering::Relaxed);
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(0);
}

#[test]
fn a_plan_is_shown_in_every_form_without_a_server() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "resource_name,billing_period,component_type,amount,description\n\
         climate-alps,2026-11,cpu,7,<script>alert(1)</script>\n",
    );
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    let (folder, _) = rig.stop();
    let show = |arguments: &[&str]| {
        let output =
            crate::rig::command(folder.path()).args(["plan", "show"]).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = show(&["plan.json"]);
    assert_eq!(code, 0);
    for part in ["By component", "By organisation", "By project", "Money", "Changes", "87.50", "digest "] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    let (_, document) = show(&["plan.json", "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&document).unwrap()["format"], 3);
    let (code, _) = show(&["plan.json", "-o", "plan.html", "-o", "plan.xlsx", "-o", "plan.txt"]);
    assert_eq!(code, 0);
    assert_eq!(std::fs::read_to_string(folder.path().join("plan.txt")).unwrap(), text);
    assert_eq!(show(&["plan.json", "-o", "plan.html"]).0, 2, "what is there is kept");
    assert_eq!(show(&["plan.json", "-o", "plan.html", "--force"]).0, 0);
    assert_eq!(show(&["usage.csv"]).0, 3);
    let page = std::fs::read_to_string(folder.path().join("plan.html")).unwrap();
    assert!(!page.contains("<script"), "{page}");
    if !has_tool("chromium") {
        return;
    }
    let profile = format!("--user-data-dir={}", folder.path().join("browser").display());
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", &profile, "--dump-dom"])
        .arg(format!("file://{}", folder.path().join("plan.html").display()))
        .output()
        .unwrap();
    let seen = String::from_utf8(output.stdout).unwrap();
    assert!(seen.contains("<h2>By project</h2>") && seen.contains("climate-alps"), "{seen}");
}
