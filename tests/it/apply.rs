//! Posting: what was agreed to is sent once, proven by reading, and told as it is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use waldur_usage::sandbox::{Behaviour, DateFrom, FaultKind, Settings, World};

use crate::rig::{HPC, Rig, Run};

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];

#[test]
fn a_second_run_has_nothing_to_do() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-alps,2026-11,ram,8", "climate-era5,2026-11,cpu,300"]);
    rig.run(&APPLY).ends_with(0).says("3 posted").says("verified: what is stored is what was planned");
    assert_eq!(rig.posts(), 2);
    assert_eq!(rig.stored_of("climate-alps")["cpu"].amount.to_string(), "7.50");
    rig.run(&APPLY).ends_with(0).says("nothing to do");
    assert_eq!(rig.posts(), 2);
}

#[test]
fn what_is_not_named_is_neither_wiped_nor_forgotten() {
    let rig = Rig::new();
    let before = rig.stored_of("climate-era5");
    rig.long(&["climate-era5,2026-11,cpu,300"]);
    rig.run(&APPLY).ends_with(0).says("3 kept, 1 posted");
    let after = rig.stored_of("climate-era5");
    for (component, usage) in &before {
        let now = &after[component];
        assert_eq!(
            (&now.description, now.recurring()),
            (&usage.description, usage.recurring()),
            "{component}"
        );
        let expected = if component == "cpu" { "300.00".to_owned() } else { usage.amount.to_string() };
        assert_eq!(now.amount.to_string(), expected, "{component}");
    }
    let url = format!(
        "{}/api/marketplace-provider-resources/{}/?field=current_usages",
        rig.sandbox.url(),
        rig.resource("climate-era5")
    );
    let current = crate::proxy::get_json(&url, &rig.token("owner"));
    assert_eq!(current["current_usages"].as_object().unwrap().len(), before.len(), "{current}");
}

#[test]
fn nobody_is_asked_without_a_terminal_and_no_means_no() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    rig.run(&["apply", "usage.csv", "--offering", HPC])
        .ends_with(2)
        .says("nobody can be asked")
        .says("--yes");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn rows_left_out_end_with_5_whatever_was_posted() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5", "nobody,2026-11,cpu,1"]);
    rig.run(&[&APPLY[..], &["--skip-faulty"]].concat()).ends_with(5).says("1 posted").says("Left out: 1 row");
    rig.run(&[&APPLY[..], &["--skip-faulty"]].concat()).ends_with(5).says("nothing to do");
}

#[test]
fn a_saved_plan_is_applied_as_it_was_agreed_to() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-era5,2026-11,cpu,300"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    let apply = ["apply", "plan.json", "--yes"];

    let plan = std::fs::read_to_string(rig.folder.path().join("plan.json")).unwrap();
    rig.file("edited.json", plan.replace("7.50", "7.51"));
    rig.run(&["apply", "edited.json", "--yes"]).ends_with(4).says("damaged or edited");
    rig.file("no.json", "{}");
    rig.run(&["apply", "no.json", "--yes"]).ends_with(3).says("not a plan");
    rig.run_as(&rig.token("staff"), &apply).ends_with(4).says("the plan was made with account");

    rig.run(&apply).ends_with(0).says("2 posted");
    rig.run(&apply).ends_with(0).says("nothing to do");
    rig.file("usage.csv", "resource_name,billing_period,component_type,amount\nclimate-alps,2026-11,cpu,9\n");
    rig.run(&APPLY).ends_with(0);
    let posts = rig.posts();
    rig.run(&apply).ends_with(4).says("1 rows are stale").says("climate-alps");
    assert_eq!(rig.posts(), posts);

    let other = Rig::new();
    other.file("plan.json", plan);
    other.run(&apply).ends_with(4).says("the plan is for");
    assert_eq!(other.posts(), 0);
}

#[test]
fn nothing_is_sent_near_the_turn_of_the_month_or_in_another_one() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    rig.sandbox.set_now("2026-11-30T23:51:00Z".parse().unwrap());
    rig.run(&APPLY).ends_with(4).says("within 10 minutes of the turn");
    rig.sandbox.set_now("2026-12-01T00:09:00Z".parse().unwrap());
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says("within 10 minutes of the turn");
    rig.sandbox.set_now("2026-12-01T00:11:00Z".parse().unwrap());
    rig.run(&APPLY).ends_with(4).says("1 amounts of 2026-11 differ and cannot be posted");
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says("the server books into 2026-12 now");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_month_that_turns_during_a_run_stops_it() {
    let mut settings = Settings::new(World::built_in());
    // The clock passes 23:50 while the first requests are under way.
    settings.now = Some("2026-11-30T23:49:57Z".parse().unwrap());
    let rig = Rig::on(settings);
    let rows: Vec<String> =
        ["climate-alps", "climate-era5", "climate-cordex", "climate-ensemble", "qmat-dft", "qmat-gw"]
            .iter()
            .map(|name| format!("{name},2026-11,cpu,7.5"))
            .collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    rig.inject("POST", "set_usage", 0, usize::MAX, FaultKind::Delay(Duration::from_millis(1500)));
    let run = rig.run(&[&APPLY[..], &["--connections", "1"]].concat()).ends_with(5);
    let run = run.says("stopped: the server's clock").says("not sent");
    let posted = rig.posts();
    assert!((1..6).contains(&posted), "{posted} posts\n{}", run.all());
    let stored = rig.sandbox.usages().into_iter().filter(|usage| usage.amount.to_string() == "7.50").count();
    assert_eq!(stored, posted);
}

#[test]
fn a_lost_answer_is_settled_by_reading() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    rig.inject("POST", "set_usage", 0, 1, FaultKind::DropAfterCommit);
    rig.run(&APPLY).ends_with(0).says("1 without an answer").says("1 posted");
    assert_eq!(rig.posts(), 1, "a post is never sent twice");

    rig.long(&["climate-alps,2026-11,cpu,9"]);
    rig.inject("POST", "set_usage", 0, 1, FaultKind::DropBeforeCommit);
    rig.run(&APPLY).ends_with(5).says("1 unknown").says("; nothing of it is stored so far");
    assert_eq!(rig.posts(), 2);
    assert_eq!(rig.stored_of("climate-alps")["cpu"].amount.to_string(), "7.50");
}

/// The recorded world with limits on two components of its offering: `cpu` may hold anything,
/// `ram` no more than 10 in a month.
fn limited_world() -> World {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/world.json")).unwrap();
    let mut world: serde_json::Value = serde_json::from_str(&text).unwrap();
    world.as_object_mut().unwrap().remove("scale");
    for component in world["offerings"][0]["components"].as_array_mut().unwrap() {
        let limit = match component["type"].as_str().unwrap() {
            "cpu" => 100_000,
            "ram" => 10,
            _ => continue,
        };
        component["limit_amount"] = limit.into();
        component["limit_period"] = "total".into();
    }
    world["usages"].as_array_mut().unwrap().clear();
    serde_json::from_value(world).unwrap()
}

/// A server that refuses what is above the limit of a component, and takes past months from staff.
fn on_limits() -> Rig {
    let settings = Settings::new(limited_world());
    let behaviour = Behaviour { date: DateFrom::Staff, ..settings.behaviour };
    Rig::on(Settings { behaviour, ..settings })
}

/// Applies a plan of the rows of November whose limit another run has used up since.
fn reach_the_limit(rig: &Rig) -> Run {
    let staff = rig.token("staff");
    rig.run_as(&staff, &["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    let november = std::fs::read(rig.folder.path().join("usage.csv")).unwrap();
    rig.long(&["alloc-001,2026-10,ram,6"]);
    rig.run_as(&staff, &APPLY).ends_with(0).says("1 posted");
    rig.file("usage.csv", november);
    rig.run_as(&staff, &["apply", "plan.json", "--yes"])
}

#[test]
fn a_400_that_saved_half_is_told_as_it_is_stored() {
    let rig = on_limits();
    rig.long(&["alloc-001,2026-11,gpu_hours,33", "alloc-001,2026-11,ram,6", "alloc-001,2026-11,cpu,20"]);
    let run = reach_the_limit(&rig).ends_with(5).says("1 rejected").says("400");
    let stored = rig.stored_of("alloc-001");
    assert_eq!(stored.keys().collect::<Vec<_>>(), ["cpu"], "components with a limit go first");
    assert_eq!(stored["cpu"].amount.to_string(), "20.00");
    assert!(run.stdout.contains("1 posted") && run.stdout.contains("2 rejected"), "{}", run.all());
    let again = rig.run_as(&rig.token("staff"), &[&APPLY[..], &["--format", "json"]].concat()).json();
    assert_eq!(again["summary"]["lines"]["same"], 1);
    // What a rejected request saved is the run's own to take back, and nothing else is.
    let list = rig.run(&["runs", "list", "--format", "json"]).json();
    let run = list[1]["run"].as_str().unwrap().to_owned();
    rig.run_as(&rig.token("staff"), &["undo", &run, "--yes"]).ends_with(0).says("1 row");
    let after = rig.stored_of("alloc-001");
    assert_eq!(after["cpu"].amount.to_string(), "0.00");
    assert_eq!(after["gpu_hours"].amount.to_string(), "33.00", "the second run saved it");
}

#[test]
fn every_request_rejected_and_nothing_stored_ends_with_6() {
    let rig = on_limits();
    rig.long(&["alloc-001,2026-11,ram,6"]);
    reach_the_limit(&rig).ends_with(6).says("1 rejected");
    assert!(rig.stored_of("alloc-001").is_empty());
}

#[test]
fn an_account_that_may_not_post_ends_with_7() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5", "climate-era5,2026-11,cpu,300"]);
    rig.run_as("0000000000000000000000000000000000000000", &APPLY).ends_with(7).says("Invalid token");
    rig.run_as(&rig.token("owner"), &["plan", "usage.csv", "--offering", HPC]).ends_with(0);
    // Rights that end between reading and posting.
    let body = r#"{"detail":"You do not have permission to perform this action."}"#;
    rig.inject(
        "POST",
        "set_usage",
        0,
        usize::MAX,
        FaultKind::Status(403, body.into(), "application/json".into()),
    );
    let before = rig.stored();
    rig.run(&APPLY)
        .ends_with(7)
        .says("the server does not let this account post")
        .says("You do not have permission");
    assert_eq!(rig.stored(), before);
}

#[test]
fn a_gateway_that_gives_up_is_no_refusal() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    rig.inject("POST", "set_usage", 0, 1, FaultKind::Status(504, "gateway".into(), "text/plain".into()));
    let run = rig.run(&APPLY).ends_with(5).says("1 unknown").says("1 without an answer");
    run.says("answered with 504, which leaves it open; nothing of it is stored so far");
}

#[test]
fn without_a_plan_period_a_stored_row_is_not_changed() {
    let rig = Rig::new();
    rig.long(&["training-course,2026-11,cpu,7"]);
    rig.run(&APPLY).ends_with(0).says("warn no-plan-period").says("1 posted");
    rig.run(&APPLY).ends_with(0);

    rig.long(&["training-course,2026-11,cpu,8", "climate-alps,2026-11,cpu,7.5"]);
    let run = rig.run(&APPLY).ends_with(3).says("deny plan-period-unknown");
    run.says("and no listed plan period covers the month").says("usage.csv line 2");
    assert_eq!(rig.posts(), 1);
    rig.run(&[&APPLY[..], &["--skip-faulty"]].concat()).ends_with(5).says("1 posted");
    assert_eq!(rig.stored_of("training-course")["cpu"].amount.to_string(), "7.00");

    rig.long(&["training-course,2026-11,cpu,7", "training-course,2026-11,ram,1"]);
    rig.run(&APPLY).ends_with(0).says("1 posted");
    let resource = rig.resource("training-course");
    let stored = rig
        .sandbox
        .usages()
        .into_iter()
        .filter(|usage| usage.resource.to_string() == resource && usage.period.to_string() == "2026-11");
    assert_eq!(stored.count(), 2, "no row was doubled");
}

#[test]
fn a_saved_plan_sees_that_the_plan_was_switched() {
    let rig = Rig::new();
    rig.long(&["climate-era5,2026-11,cpu,300"]);
    let is_switched = Arc::new(AtomicBool::new(false));
    let switched = is_switched.clone();
    let front = crate::proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, answer| {
            if request.path.contains("plan_periods") && switched.load(Ordering::Relaxed) {
                let mut rows = answer.rows();
                rows.push(rows[0].clone());
                answer.set_rows(&rows);
            }
        },
    );
    let rig = rig.through(&front);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    is_switched.store(true, Ordering::Relaxed);
    rig.run(&["plan", "usage.csv", "--offering", HPC]).ends_with(3).says("deny several-plan-periods");
    rig.run(&["apply", "plan.json", "--yes"])
        .ends_with(4)
        .says("1 rows are stale")
        .says("its plan periods changed");
    assert_eq!(rig.posts(), 0);
    is_switched.store(false, Ordering::Relaxed);
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(0);
}

#[test]
fn a_plan_is_applied_whole_and_remembers_what_was_left_out() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5", "nobody,2026-11,cpu,1"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "--skip-faulty", "-o", "plan.json"]).ends_with(0);
    for flags in [["--project", "NOPE"], ["--period", "2020-01"], ["--sheet", "a"]] {
        let arguments = [&["apply", "plan.json", "--yes"][..], &flags[..]].concat();
        rig.run(&arguments).ends_with(2).says("a plan is applied as it was agreed to");
    }
    assert_eq!(rig.posts(), 0);
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(5).says("1 posted");
}

#[test]
fn the_server_s_own_rule_of_who_may_post_ends_with_7() {
    let rig = Rig::on(Settings::new(limited_world()));
    rig.long(&["alloc-001,2026-11,gpu_hours,33"]);
    let before = rig.stored();
    rig.run_as(&rig.token("support"), &APPLY)
        .ends_with(7)
        .says("the server does not let this account post: 403");
    assert_eq!(rig.stored(), before);
}

/// Ctrl-C while requests are under way: those finish, no other is sent, and what is stored is told.
#[cfg(unix)]
#[test]
fn an_interrupted_run_tells_what_is_stored() {
    let rig = Rig::new();
    let names = ["climate-alps", "climate-era5", "climate-cordex", "climate-ensemble", "qmat-dft", "qmat-gw"];
    let rows: Vec<String> = names.iter().map(|name| format!("{name},2026-11,cpu,7.5")).collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    rig.inject("POST", "set_usage", 0, usize::MAX, FaultKind::Delay(Duration::from_millis(700)));
    let child = crate::rig::command(rig.folder.path())
        .env("WALDUR_API_URL", rig.sandbox.url())
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(APPLY)
        .args(crate::rig::LAX)
        .args(["--connections", "1"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while rig.posts() == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("stopped: interrupted"), "{text}");
    let stored = rig.sandbox.usages().into_iter().filter(|usage| usage.amount.to_string() == "7.50").count();
    assert_eq!(stored, rig.posts());
    assert!(text.contains(&format!("{stored} posted")), "{text}");
}
