//! A run outlasts the program: it is resumed, shown, undone and audited from the store.

use std::io::Read;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value;
use waldur_usage::sandbox::{Behaviour, FaultKind, Settings, StoredUsage, World};

use crate::proxy;
use crate::rig::{HPC, Rig, command};

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];

pub const ROWS: [&str; 6] = [
    "climate-alps,2026-11,cpu,7.5",
    "climate-alps,2026-11,ram,70",
    "climate-era5,2026-11,cpu,300",
    "climate-cordex,2026-11,cpu,80.50",
    "qmat-dft,2026-11,gpu_hours,12",
    "cohort-wgs,2026-11,cpu,9",
];

/// What is stored, without ids that depend on the order of posts.
pub fn state(rig: &Rig) -> Vec<String> {
    let row = |usage: &StoredUsage| {
        format!(
            "{} {} {} {:?} {} {:?} {:?}",
            usage.resource,
            usage.component,
            usage.period,
            usage.plan_period,
            usage.amount,
            usage.description,
            usage.carry_over
        )
    };
    let mut rows: Vec<String> = rig.sandbox.usages().iter().map(row).collect();
    rows.sort();
    rows
}

fn runs(rig: &Rig) -> Vec<Value> {
    rig.run(&["runs", "list", "--format", "json"]).ends_with(0).json().as_array().unwrap().clone()
}

#[test]
fn a_run_is_listed_and_shown_without_a_server() {
    let rig = Rig::new();
    rig.run(&["runs", "list"]).ends_with(0).says("no run is kept here");
    rig.long(&ROWS);
    rig.run(&APPLY).ends_with(0).says("run ").says("audit trail: 6 entries, head ");
    let listed = runs(&rig);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["state"], "done");
    assert_eq!(listed[0]["requests_accepted"], 5);
    let id = listed[0]["run"].as_str().unwrap().to_owned();
    rig.run(&["runs", "show", &id[..6]]).ends_with(0).says("posted").says("climate-era5").says("verified");
    let shown = rig.run(&["runs", "show", &id, "--format", "json"]).ends_with(0).json();
    assert_eq!(shown["requests"].as_array().unwrap().len(), 5);
    rig.run(&["runs", "show", "ffff"]).ends_with(2).says("no run begins with ffff");
    rig.run(&["resume"]).ends_with(0).says("nothing to resume");
}

#[test]
fn a_run_that_was_stopped_goes_on_where_it_was() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2026()] {
        let whole = Rig::on(Settings { behaviour: behaviour.clone(), ..Settings::new(World::built_in()) });
        whole.long(&ROWS);
        whole.run(&APPLY).ends_with(0);

        let rig = Rig::on(Settings { behaviour, ..Settings::new(World::built_in()) });
        rig.long(&ROWS);
        // Two requests go through, then the server is gone for good.
        rig.inject("POST", "set_usage", 2, 1, FaultKind::DropAfterCommit);
        rig.inject("POST", "set_usage", 3, usize::MAX, FaultKind::DropBeforeCommit);
        let run = rig.run(&[&APPLY[..], &["--connections", "1"]].concat()).ends_with(5);
        let run = run.says("`waldur-usage resume ");
        assert!(run.stdout.contains("unknown"), "{}", run.all());
        rig.sandbox.clear_faults();
        let posts = rig.posts();
        rig.run(&["resume"]).ends_with(0).says("verified");
        let sent_again = rig.posts() - posts;
        assert!((1..=2).contains(&sent_again), "only what is missing is sent again: {sent_again}");
        assert_eq!(state(&rig), state(&whole));
        rig.run(&["resume"]).ends_with(0).says("nothing to resume");
    }
}

#[test]
fn undo_restores_what_was_and_undo_of_undo_what_was_posted() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2026()] {
        let rig = Rig::on(Settings { behaviour, ..Settings::new(World::built_in()) });
        let before = state(&rig);
        rig.file(
            "usage.csv",
            "resource_name,billing_period,component_type,amount,description,recurring\n\
             climate-era5,2026-11,cpu,300,changed,true\n\
             climate-era5,2026-11,ram,,,\n\
             climate-alps,2026-11,cpu,7.5,new,false\n",
        );
        rig.run(&APPLY).ends_with(0);
        let posted = state(&rig);
        let first = runs(&rig)[0]["run"].as_str().unwrap().to_owned();
        rig.run(&["undo", &first, "--yes"])
            .ends_with(0)
            .says("was absent, and can only become 0")
            .says("verified");
        let undone = state(&rig);
        // What was absent is there now, with nothing in it.
        let added: Vec<&String> = undone.iter().filter(|row| !before.contains(row)).collect();
        assert_eq!(added.len(), 1, "{added:?}");
        assert!(added[0].contains(" 0.00 \"\" None"), "{added:?}");
        assert!(before.iter().all(|row| undone.contains(row)));
        let second = runs(&rig)[0]["run"].as_str().unwrap().to_owned();
        rig.run(&["undo", &first, "--yes"])
            .ends_with(4)
            .says(&format!("run {second} has taken this run back already"));
        rig.run(&["undo", &second, "--yes"]).ends_with(0).says("verified");
        assert_eq!(state(&rig), posted);
        let listed = runs(&rig);
        assert_eq!(listed[1]["undoes"], first.as_str());
        assert_eq!(listed[0]["command"], "undo");
    }
}

#[test]
fn undo_takes_back_only_what_the_run_sent() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-era5,2026-11,cpu,300"]);
    rig.inject("POST", "set_usage", 0, 1, FaultKind::Status(400, "no".into(), "text/plain".into()));
    rig.run(&APPLY).ends_with(5).says("1 accepted, 1 rejected");
    let run = runs(&rig)[0]["run"].as_str().unwrap().to_owned();
    let is = |name: &str, amount: &str| {
        rig.stored_of(name).get("cpu").is_some_and(|usage| usage.amount.to_string() == amount)
    };
    let accepted = [is("climate-alps", "7.50"), is("climate-era5", "300.00")];
    // The rejected row is reported by hand, exactly as the run would have.
    rig.run(&APPLY).ends_with(0).says("1 accepted");
    rig.run(&["undo", &run, "--yes"]).ends_with(0).says("1 row");
    for (name, old, new, was_accepted) in
        [("climate-alps", "0.00", "7.50", accepted[0]), ("climate-era5", "131.91", "300.00", accepted[1])]
    {
        let expected = if was_accepted { old } else { new };
        assert_eq!(rig.stored_of(name)["cpu"].amount.to_string(), expected, "{name}");
    }
}

#[test]
fn a_run_whose_account_was_refused_is_resumed() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    let refusal = FaultKind::Status(403, r#"{"detail":"no"}"#.into(), "application/json".into());
    rig.inject("POST", "set_usage", 0, 1, refusal);
    rig.run(&APPLY).ends_with(7);
    rig.run(&["resume"]).ends_with(0).says("1 posted");
    assert_eq!(rig.stored_of("climate-alps")["cpu"].amount.to_string(), "7.50");
}

#[test]
fn undo_leaves_what_somebody_else_reported_since() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-era5,2026-11,cpu,300"]);
    rig.run(&APPLY).ends_with(0);
    let run = runs(&rig)[0]["run"].as_str().unwrap().to_owned();
    rig.long(&["climate-era5,2026-11,cpu,301"]);
    rig.run_as(&rig.token("staff"), &APPLY).ends_with(0);
    rig.run(&["undo", &run, "--yes"]).ends_with(4).says("1 rows are stale").says("301.00");
    assert_eq!(rig.stored_of("climate-alps")["cpu"].amount.to_string(), "7.50");
    rig.run(&["undo", &run, "--yes", "--partial"]).ends_with(5);
    assert_eq!(rig.stored_of("climate-alps")["cpu"].amount.to_string(), "0.00");
    assert_eq!(rig.stored_of("climate-era5")["cpu"].amount.to_string(), "301.00");
    rig.run_as(&rig.token("staff"), &["undo", &run, "--yes"])
        .ends_with(4)
        .says("the plan was made with account");
}

#[test]
fn a_second_run_of_the_same_month_is_refused_while_the_first_goes_on() {
    let rig = Rig::new();
    rig.long(&ROWS);
    let is_held = Arc::new(Mutex::new(None::<String>));
    let held = is_held.clone();
    let folder = rig.folder.path().to_owned();
    let (token, upstream) = (rig.token("owner"), rig.sandbox.url());
    // The second run begins while the first one's request is under way.
    let front = proxy::start(
        &rig.sandbox.url(),
        move |request| {
            if request.method == "POST" && request.path.contains("set_usage") && !request.is_probe() {
                let mut held = held.lock().unwrap();
                if held.is_none() {
                    let output = command(&folder)
                        .env("WALDUR_API_URL", &upstream)
                        .env("WALDUR_ACCESS_TOKEN", &token)
                        .args(APPLY)
                        .args(crate::rig::LAX)
                        .stdout(Stdio::piped())
                        .output()
                        .unwrap();
                    let text = String::from_utf8(output.stderr).unwrap();
                    *held = Some(format!("{:?} {text}", output.status.code()));
                }
            }
        },
        |_, _| {},
    );
    // The address is part of what is locked, so both go by the sandbox's own name for the store.
    let rig = rig.through(&front);
    rig.run(&[&APPLY[..], &["--connections", "1"]].concat());
    let said = is_held.lock().unwrap().clone().unwrap();
    // Two addresses are two servers to a lock; the stale check is what protects there.
    assert!(said.starts_with("Some(0)") || said.starts_with("Some(8)"), "{said}");
}

#[test]
fn results_are_written_in_the_layout_of_the_file_and_run_again() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "resource_name,billing_period,CPU,ram,remark\nclimate-alps,2026-11,7.5,70,first\nclimate-era5,2026-11,300,,second\n",
    );
    rig.inject("POST", "set_usage", 1, 1, FaultKind::Status(418, "no".into(), "text/plain".into()));
    let run = rig.run(&[&APPLY[..], &["--connections", "1", "--results", "out"]].concat()).ends_with(5);
    let run = run.says("out/applied.xlsx").says("out/failed.xlsx");
    assert!(!run.stdout.contains("not-sent.xlsx"), "{}", run.all());
    let again = rig.run(&["plan", "out/failed.xlsx", "--offering", HPC]).ends_with(0);
    again.says("1 row read: 1 used");
    rig.run(&["apply", "out/failed.xlsx", "--offering", HPC, "--yes"]).ends_with(0).says("verified");
    rig.run(&APPLY).ends_with(0).says("nothing to do");
    // A second run overwrites nothing.
    rig.file("usage.csv", "resource_name,billing_period,component_type,amount\nclimate-alps,2026-11,cpu,8\n");
    rig.run(&[&APPLY[..], &["--results", "out"]].concat()).ends_with(0).says("out/applied-2.xlsx");
}

#[test]
fn the_audit_trail_proves_itself_and_goes_out_as_csv() {
    let rig = Rig::new();
    rig.long(&ROWS);
    let run = rig.run(&[&APPLY[..], &["--format", "json"]].concat()).ends_with(0).json();
    let head = run["audit_head"].as_str().unwrap().to_owned();
    rig.run(&["audit", "verify"]).ends_with(0).says(&head);
    rig.run(&["audit", "verify", "--head", &head]).ends_with(0);
    rig.run(&["audit", "verify", "--head", &"0".repeat(64)]).ends_with(4).says("cut off or written anew");
    rig.run(&["audit", "export", "-o", "trail.csv"]).ends_with(0);
    let trail = std::fs::read_to_string(rig.folder.path().join("trail.csv")).unwrap();
    assert_eq!(trail.lines().count(), 7, "{trail}");
    assert!(
        trail.contains("climate-cordex") && trail.contains("80.50") && trail.contains("accepted"),
        "{trail}"
    );
    rig.run(&["audit", "export", "-o", "trail.csv"]).ends_with(2);
}

#[test]
fn the_token_stands_in_no_file() {
    let rig = Rig::new();
    rig.long(&ROWS);
    rig.inject("POST", "set_usage", 1, 2, FaultKind::Status(500, "no".into(), "text/plain".into()));
    for plan in ["plan.json", "plan.xlsx"] {
        rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", plan]).ends_with(0);
    }
    rig.run(&["plan", "show", "plan.json", "-o", "plan.html"]).ends_with(0);
    rig.run(&APPLY).ends_with(5);
    rig.run(&["doctor"]);
    let token = rig.token("owner");
    let shows = |bytes: &[u8]| bytes.windows(token.len()).any(|window| window == token.as_bytes());
    let (mut looked_at, mut parts) = (0, 0);
    let mut folders = vec![rig.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            looked_at += 1;
            let bytes = std::fs::read(&path).unwrap();
            assert!(!shows(&bytes), "the token stands in {}", path.display());
            if path.extension().is_none_or(|extension| extension != "xlsx") {
                continue;
            }
            // What a workbook holds is packed.
            let mut workbook = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            for at in 0..workbook.len() {
                parts += 1;
                let mut part = Vec::new();
                workbook.by_index(at).unwrap().read_to_end(&mut part).unwrap();
                assert!(!shows(&part), "the token stands in {}, part {at}", path.display());
            }
        }
    }
    assert!(looked_at > 6 && parts > 10, "{looked_at}, {parts}");
}
