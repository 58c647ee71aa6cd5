//! What somebody else changes between the reading and the post is neither overwritten nor forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use waldur_usage::sandbox::{Fault, FaultKind, When};

use crate::proxy;
use crate::rig::{HPC, Rig};

const ROWS: [&str; 6] = [
    "climate-alps,2026-11,cpu,7",
    "climate-alps,2026-11,ram,70",
    "climate-era5,2026-11,cpu,300",
    "climate-era5,2026-11,ram,3000",
    "climate-cordex,2026-11,cpu,80.50",
    "cohort-wgs,2026-11,cpu,9",
];

/// Changes stored rows behind the program's back, as a member of staff who posts them.
fn change(rig: &Rig, rows: &[(&str, &str, &str)]) {
    for (name, component, amount) in rows {
        let body = json!({
            "resource": rig.resource(name),
            "usages": [{"type": component, "amount": amount}],
        });
        let url = format!("{}/api/marketplace-component-usages/set_usage/", rig.sandbox.url());
        let status = proxy::post_json(&url, &rig.token("staff"), &body);
        assert!(status.contains("201"), "{status}");
    }
}

/// How many rows of a run have each outcome.
fn outcomes(report: &Value) -> Vec<String> {
    let lines = report["report"]["lines"].as_array().unwrap().iter();
    let mut outcomes: Vec<String> = lines
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap().to_owned();
            format!("{} {} {}", text("name"), text("component"), text("outcome"))
        })
        .collect();
    outcomes.sort();
    outcomes
}

#[test]
fn exactly_the_changed_rows_are_stale_and_nothing_is_sent() {
    for changed in [
        &[("climate-alps", "cpu", "1")][..],
        &[("climate-era5", "ram", "1"), ("cohort-wgs", "cpu", "1")],
        &[("climate-alps", "ram", "1"), ("climate-era5", "cpu", "2"), ("climate-cordex", "cpu", "3")],
    ] {
        let rig = Rig::new();
        rig.long(&ROWS);
        rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
        change(&rig, changed);
        let (stored, posts) = (rig.stored(), rig.posts());
        let rows = changed.len();
        let run = rig.run(&["apply", "plan.json", "--yes", "--format", "json"]).ends_with(4);
        let run = run.says(&format!("{rows} rows are stale"));
        let listed: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), rows, "{listed:#}");
        assert_eq!((rig.stored(), rig.posts()), (stored, posts));
    }
}

#[test]
fn a_partial_run_leaves_stale_resources_out_whole() {
    let rig = Rig::new();
    rig.long(&ROWS);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    change(&rig, &[("climate-alps", "cpu", "1")]);
    let before = rig.stored_of("climate-alps");
    let run = rig.run(&["apply", "plan.json", "--yes", "--partial", "--format", "json"]).ends_with(5);
    let report = run.json();
    assert_eq!(report["stale"].as_array().unwrap().len(), 1, "{:#}", report["stale"]);
    let outcomes = outcomes(&report).join("\n");
    insta::assert_snapshot!(outcomes, @r"
    climate-alps cpu stale
    climate-alps ram not_sent
    climate-cordex cpu posted
    climate-cordex gpu_hours kept
    climate-cordex ram kept
    climate-cordex storage kept
    climate-era5 cpu posted
    climate-era5 gpu_hours kept
    climate-era5 ram posted
    climate-era5 storage kept
    cohort-wgs cpu posted
    ");
    assert_eq!(rig.stored_of("climate-alps"), before);
    assert_eq!(rig.stored_of("cohort-wgs")["cpu"].amount.to_string(), "9.00");
}

#[test]
fn a_resource_that_takes_no_usage_any_more_stops_the_run_or_is_left_out_of_it() {
    let rig = Rig::new();
    rig.long(&ROWS);
    let gone = rig.resource("climate-era5");
    let is_over = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::clone(&is_over);
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, answer| {
            if is_gone.load(Ordering::SeqCst) && request.path.contains("/marketplace-provider-resources/") {
                let mut rows = answer.rows();
                for row in rows.iter_mut().filter(|row| row["uuid"] == *gone) {
                    row["state"] = "Terminated".into();
                }
                answer.set_rows(&rows);
            }
        },
    );
    let rig = rig.through(&front);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    is_over.store(true, Ordering::SeqCst);
    let why = "climate-era5 is Terminated now, and takes no usage";
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes"])
        .ends_with(3)
        .says("climate-era5 is Terminated");
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says(why);
    assert_eq!(rig.posts(), 0);
    let run = rig.run(&["apply", "plan.json", "--yes", "--partial"]).ends_with(5).says(why);
    assert_eq!(run.stdout.matches(why).count(), 5, "once before, once for each of its rows:\n{}", run.all());
    assert_eq!(rig.posts(), 3, "one for each of the others");
    assert_eq!(rig.stored_of("cohort-wgs")["cpu"].amount.to_string(), "9.00");
    // Taking the run up again posts nothing of it either.
    let run = rig.run(&["resume"]).ends_with(5).says(why);
    assert_eq!(rig.posts(), 3, "{}", run.all());
    is_over.store(false, Ordering::SeqCst);
    rig.run(&["resume"]).ends_with(0).says("verified");
    assert_eq!(rig.posts(), 4);
}

#[test]
fn a_resource_that_is_gone_from_the_list_is_not_called_stale() {
    let rig = Rig::new();
    rig.long(&ROWS);
    let gone = rig.resource("climate-era5");
    let is_over = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::clone(&is_over);
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |_, answer| {
            if is_gone.load(Ordering::SeqCst) && answer.body.starts_with(b"[") {
                let mut rows = answer.rows();
                rows.retain(|row| row["uuid"] != *gone && row["resource_uuid"] != *gone);
                answer.set_rows(&rows);
                answer.set("x-result-count", &rows.len().to_string());
            }
        },
    );
    let rig = rig.through(&front);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    is_over.store(true, Ordering::SeqCst);
    let why = "climate-era5 is no longer visible to this account";
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says(why);
    let run = rig.run(&["apply", "plan.json", "--yes", "--partial", "--format", "json"]).ends_with(5).json();
    assert!(run["stale"].is_null(), "{:#}", run["stale"]);
    let outcomes = outcomes(&run).join("\n");
    assert!(!outcomes.contains("stale") && outcomes.contains("climate-era5 cpu not_sent"), "{outcomes}");
    assert_eq!(rig.posts(), 3);
}

#[test]
fn a_row_that_was_there_already_has_to_be_there_still() {
    let rig = Rig::new();
    rig.long(&["cohort-wgs,2026-11,cpu,9"]);
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes"]).ends_with(0);
    // One resource of which nothing changes, and one that is to be posted.
    rig.long(&["cohort-wgs,2026-11,cpu,9", "climate-alps,2026-11,cpu,7"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    change(&rig, &[("cohort-wgs", "cpu", "5")]);
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says("1 rows are stale").says("5.00");
    assert!(!rig.stored_of("climate-alps").contains_key("cpu"), "nothing was sent");
    rig.run(&["apply", "plan.json", "--yes", "--partial"]).ends_with(5).says("1 posted").says("5.00");
    assert_eq!(rig.stored_of("cohort-wgs")["cpu"].amount.to_string(), "5.00");
    rig.run(&["apply", "plan.json", "--yes", "--partial"]).ends_with(4).says("1 rows are stale");
}

#[test]
fn a_server_that_does_other_things_now_is_not_resumed() {
    let rig = Rig::new();
    rig.long(&ROWS);
    let is_new = Arc::new(AtomicBool::new(false));
    let is_other = Arc::clone(&is_new);
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, answer| {
            if is_other.load(Ordering::SeqCst) && request.path.contains("/marketplace-component-usages/?") {
                let mut rows = answer.rows();
                for row in &mut rows {
                    let row = row.as_object_mut().unwrap();
                    row.remove("recurring");
                    row.insert("missing_usage_policy".into(), "none".into());
                }
                answer.set_rows(&rows);
            }
        },
    );
    let rig = rig.through(&front);
    let refusal = FaultKind::Status(403, r#"{"detail":"no"}"#.into(), "application/json".into());
    rig.inject("POST", "set_usage", 1, 1, refusal);
    let apply = ["apply", "usage.csv", "--offering", HPC, "--yes", "--connections", "1"];
    rig.run(&apply).ends_with(5);
    let posts = rig.posts();
    is_new.store(true, Ordering::SeqCst);
    rig.run(&["resume"]).ends_with(4).says("the server has changed since the plan was made");
    assert_eq!(rig.posts(), posts);
    is_new.store(false, Ordering::SeqCst);
    rig.run(&["resume"]).ends_with(0).says("verified");
}

#[test]
fn a_row_that_changes_just_before_its_post_is_stale() {
    for (flags, code, posts) in [(&[][..], 4, 0), (&["--partial"][..], 5, 1)] {
        let rig = Rig::new();
        // The project of the second resource comes after that of the first.
        rig.long(&["climate-era5,2026-11,cpu,300", "flame-dns,2026-11,cpu,9"]);
        // The first look at the resource is the plan's, the second one the look before its post.
        rig.sandbox.inject(Fault {
            method: "GET".into(),
            path_contains: format!("{}/plan_periods", rig.resource("climate-era5")),
            skip: 1,
            times: 1,
            ..Fault::new(FaultKind::AnotherWriter(When::Before, Some("99".parse().unwrap())))
        });
        let arguments = ["apply", "usage.csv", "--offering", HPC, "--yes", "--max-age", "0"];
        let run = rig.run(&[&arguments[..], &["--connections", "1"], flags].concat()).ends_with(code);
        let run = run.says("1 stale").says("stored is 99.00");
        assert_eq!(rig.posts(), posts, "{}", run.all());
    }
}

#[test]
fn a_plan_period_that_changes_just_before_the_post_makes_its_rows_stale() {
    let rig = Rig::new();
    rig.long(&["climate-era5,2026-11,cpu,300"]);
    let looks = std::sync::Mutex::new(0);
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, answer| {
            if request.path.contains("/plan_periods/") {
                let mut looks = looks.lock().unwrap();
                *looks += 1;
                let mut rows = answer.rows();
                if *looks > 1 {
                    rows[0]["start"] = "2026-11-10T00:00:00Z".into();
                }
                answer.set_rows(&rows);
            }
        },
    );
    let rig = rig.through(&front);
    let arguments = ["apply", "usage.csv", "--offering", HPC, "--yes", "--max-age", "0"];
    rig.run(&arguments).ends_with(4).says("1 stale");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn what_was_read_a_moment_ago_is_not_read_again() {
    let rig = Rig::new();
    rig.long(&ROWS);
    let looks = |rig: &Rig| {
        let requests = rig.sandbox.requests();
        requests.iter().filter(|request| request.path.contains("/plan_periods/")).count()
    };
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes"]).ends_with(0);
    assert_eq!(looks(&rig), 4, "one for each resource that changes, for the plan");
    let rig = Rig::new();
    rig.long(&ROWS);
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes", "--max-age", "0"]).ends_with(0);
    assert_eq!(looks(&rig), 8, "and one more for each before its post");
}
