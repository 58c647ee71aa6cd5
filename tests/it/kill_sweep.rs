//! The program is killed at every boundary of a run and taken up again: what is stored in the end is
//! what an uninterrupted run stores.
//!
//! A boundary is a request of the program, and there are three at each: it has arrived and was not
//! carried out, it was carried out and its answer has not left, its answer has left. Killing is
//! SIGKILL by the server's own hand, so nothing of the program can tidy up.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use waldur_usage::sandbox::{Behaviour, Ending, Fault, FaultKind, Settings, World};

use crate::proxy;
use crate::rig::{HPC, LAX, Rig, command};
use crate::runs::state;

const APPLY: [&str; 7] = ["apply", "usage.csv", "--offering", HPC, "--yes", "--connections", "2"];

/// Resources of two offerings, rows that change, rows that are new, and components that ride along.
const ROWS: [&str; 12] = [
    "climate-alps,2026-11,cpu,7.5",
    "climate-alps,2026-11,ram,70",
    "climate-alps,2026-11,gpu_hours,3",
    "climate-era5,2026-11,cpu,300",
    "climate-cordex,2026-11,cpu,80.50",
    "climate-cordex,2026-11,ram,81",
    "qmat-dft,2026-11,gpu_hours,12",
    "qmat-gw,2026-11,cpu,13",
    "qmat-gw,2026-11,storage,14",
    "cohort-wgs,2026-11,cpu,9",
    "tumour-ct,2026-11,cpu,10",
    "tumour-ct,2026-11,ram,11",
];

/// When, of a request, the program is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Arrived,
    CarriedOut,
    Answered,
}

/// What kills, once, at a boundary.
#[derive(Default)]
struct Killer {
    seen: AtomicUsize,
    victim: Mutex<Option<Pid>>,
    at: Mutex<Option<(usize, Moment)>>,
}

impl Killer {
    fn strike(&self) {
        // The first request may come before whoever started the program has told which process it is.
        loop {
            if let Some(pid) = *self.victim.lock().unwrap() {
                let _ = kill_process(pid, Signal::KILL);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether this is the boundary; it is struck at once only.
    fn is_due(&self, number: usize, moment: Moment) -> bool {
        let mut at = self.at.lock().unwrap();
        let is_due = *at == Some((number, moment));
        if is_due {
            *at = None;
        }
        is_due
    }
}

fn world(behaviour: &Behaviour, with_half: bool) -> Rig {
    let rig = Rig::on(Settings { behaviour: behaviour.clone(), ..Settings::new(World::built_in()) });
    if with_half {
        // The first report of several rows is stored by half, and its answer is lost.
        rig.sandbox.inject(Fault {
            method: "POST".into(),
            path_contains: "set_usage".into(),
            skip: 1,
            times: 1,
            ..Fault::new(FaultKind::HalfApplied(1, Ending::Dropped))
        });
    }
    rig.long(&ROWS);
    rig
}

/// Runs the program under a killer; whether it was killed.
fn run_killed(rig: &Rig, url: &str, killer: &Killer) -> bool {
    let mut child = command(rig.folder.path())
        .env("WALDUR_API_URL", url)
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(APPLY)
        .args(LAX)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    *killer.victim.lock().unwrap() = Pid::from_raw(i32::try_from(child.id()).unwrap());
    child.wait().unwrap().code().is_none()
}

/// One point of the sweep: kill there, resume, and compare. False where there is no such boundary.
fn point(behaviour: &Behaviour, with_half: bool, number: usize, moment: Moment, wanted: &[String]) -> bool {
    let rig = world(behaviour, with_half);
    let killer = Arc::new(Killer::default());
    *killer.at.lock().unwrap() = Some((number, moment));
    let (before, after) = (killer.clone(), killer.clone());
    let front = proxy::start(
        &rig.sandbox.url(),
        move |request| {
            request.number = before.seen.fetch_add(1, Ordering::SeqCst);
            if before.is_due(request.number, Moment::Arrived) {
                before.strike();
                request.swallow();
            }
        },
        move |request, _| {
            if after.is_due(request.number, Moment::CarriedOut) {
                after.strike();
            } else if after.is_due(request.number, Moment::Answered) {
                let killer = after.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(Duration::from_millis(2));
                    killer.strike();
                });
            }
        },
    );
    let was_killed = run_killed(&rig, &front, &killer);
    if !was_killed && killer.at.lock().unwrap().is_some() {
        return false;
    }
    rig.sandbox.clear_faults();
    let rig = rig.through(&front);
    let what = format!("request {number}, {moment:?}, half {with_half}");
    let has_begun = rig.run(&["runs", "list", "--format", "json"]).json().as_array().unwrap().len() == 1;
    let resumed = rig.run(&["resume"]);
    assert_eq!(resumed.code, 0, "{what}\n{}", resumed.all());
    if !has_begun {
        rig.run(&APPLY).ends_with(0);
    }
    assert_eq!(state(&rig), wanted, "{what}\n{}", resumed.all());
    let trail = rig.run(&["audit", "export", "--format", "json"]).ends_with(0).json();
    for row in ROWS {
        let [resource, _, component, _] = row.split(',').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let is_told = |entry: &Value| entry["resource_name"] == resource && entry["component"] == component;
        let entries = trail.as_array().unwrap();
        assert!(entries.iter().any(is_told), "{what}: {row} is in no entry of the trail\n{trail}");
    }
    rig.run(&["audit", "verify"]).ends_with(0);
    let posts = rig.posts();
    rig.run(&APPLY).ends_with(0).says("nothing to do");
    assert_eq!(rig.posts(), posts, "{what}: a second apply sends nothing");
    assert!(posts <= 8 + 2, "{what}: {posts} posts for 8 resources");
    true
}

#[test]
fn kill_sweep() {
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let mut points = 0;
    for (behaviour, with_half) in [
        (Behaviour::dialect_2024(), false),
        (Behaviour::dialect_2024(), true),
        (Behaviour::dialect_2026(), false),
    ] {
        let whole = world(&behaviour, false);
        whole.run(&APPLY).ends_with(0);
        let wanted = state(&whole);
        let step = if is_full { 1 } else { 9 };
        let mut number = 0;
        'requests: loop {
            for moment in [Moment::Arrived, Moment::CarriedOut, Moment::Answered] {
                if !is_full && number % 3 != moment as usize {
                    continue;
                }
                if !point(&behaviour, with_half, number, moment, &wanted) {
                    break 'requests;
                }
                points += 1;
            }
            number += step;
        }
    }
    assert!(!is_full || points >= 200, "only {points} points");
    assert!(points >= 9, "only {points} points");
    println!("killed at {points} points");
}
