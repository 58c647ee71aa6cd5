//! Runs against a server on which everything goes wrong at once: in the end every row is accounted
//! for, and what is told of it is what is stored.
//!
//! A fifth of all requests is put off, answers are lost after the post was carried out, others stall,
//! tokens expire, months turn and somebody else reports the same resources. Faults are seeded, so a
//! run that fails can be looked at again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use waldur_usage::sandbox::{Behaviour, Fault, Settings, StoredUsage, World};

use crate::proxy;
use crate::rig::{HPC, LAX, Rig, Run, command};

/// Resource, component and what the file says.
const ROWS: [(&str, &str, &str); 10] = [
    ("climate-alps", "cpu", "7.50"),
    ("climate-alps", "ram", "70.00"),
    ("climate-era5", "cpu", "300.00"),
    ("climate-cordex", "cpu", "80.50"),
    ("climate-cordex", "gpu_hours", "8.00"),
    ("qmat-dft", "gpu_hours", "12.00"),
    ("qmat-gw", "storage", "13.00"),
    ("cohort-wgs", "cpu", "9.00"),
    ("tumour-ct", "cpu", "10.00"),
    ("tumour-ct", "ram", "11.00"),
];

/// What goes wrong in every run.
const ALWAYS: [&str; 3] =
    ["status=503 rate=0.2", "drop-after-commit rate=0.05 path=set_usage", "stalled=20ms rate=0.02"];

/// The plan of every resource is switched, as far as its plan periods tell.
const SWITCH: &str = "plan-switch";

/// What goes wrong in some, once, at a request that hangs on the seed.
const SOMETIMES: [&str; 6] =
    ["", "token-expires", "month-turns", "another-writer=before", "another-writer=after", SWITCH];

/// The server of a run, and what goes wrong on it besides.
fn rig(seed: u64) -> (Rig, &'static str) {
    let behaviour =
        if seed.is_multiple_of(2) { Behaviour::dialect_2024() } else { Behaviour::dialect_2026() };
    let mut faults: Vec<Fault> = ALWAYS.iter().map(|spec| spec.parse().unwrap()).collect();
    let number = usize::try_from(seed / 2).unwrap();
    let special = SOMETIMES[number % SOMETIMES.len()];
    if !special.is_empty() && special != SWITCH {
        // A clock that jumps over days under a post is no month that turns: it turns between requests.
        let (path, skip) = match special {
            "month-turns" => (" method=GET", 5 + number % 37),
            "token-expires" => ("", 5 + number % 37),
            _ => (" method=POST path=set_usage", 1 + number % 6),
        };
        faults.push(format!("{special}{path} skip={skip} times=1").parse().unwrap());
    }
    let settings = Settings { behaviour, faults, seed, ..Settings::new(World::built_in()) };
    let rig = Rig::on(settings);
    if special == SWITCH { (switching(rig, number % 11), special) } else { (rig, special) }
}

/// From so many looks at plan periods on, each resource has another one that began today.
fn switching(rig: Rig, after: usize) -> Rig {
    let looks = AtomicUsize::new(0);
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, answer| {
            if !request.path.contains("/plan_periods/") || !answer.status.contains("200") {
                return;
            }
            if looks.fetch_add(1, Ordering::Relaxed) >= after {
                let mut rows = answer.rows();
                let Some(first) = rows.first_mut() else { return };
                first["end"] = "2026-11-20T00:00:00Z".into();
                let mut second = first.clone();
                second["uuid"] = "00000000000000000000000000000001".into();
                second["start"] = "2026-11-20T00:00:00Z".into();
                second["end"] = Value::Null;
                second["components"] = Value::Array(Vec::new());
                rows.push(second);
                answer.set_rows(&rows);
            }
        },
    );
    rig.through(&front)
}

fn run(rig: &Rig, arguments: &[&str]) -> Run {
    let output = command(rig.folder.path())
        .env("WALDUR_API_URL", rig.url())
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(arguments)
        .args(if arguments[0] == "apply" { &LAX[..] } else { &[] })
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

type Key = (String, String, String);

/// What is stored, by resource, component and month; the amounts of a key are added up as text.
fn stored(rig: &Rig) -> BTreeMap<Key, Vec<String>> {
    let mut rows: BTreeMap<Key, Vec<String>> = BTreeMap::new();
    for usage in rig.sandbox.usages() {
        let StoredUsage { resource, component, period, amount, .. } = usage;
        let key = (resource.to_string(), component.to_string(), period.to_string());
        rows.entry(key).or_default().push(amount.to_string());
    }
    rows
}

/// Holds what a run said of each row against what is stored.
fn account_for(rig: &Rig, before: &BTreeMap<Key, Vec<String>>, report: &Value, what: &str) {
    let now = stored(rig);
    let lines = report["report"]["lines"].as_array().unwrap();
    let changed: Vec<&Value> = lines.iter().filter(|line| line["place"].is_string()).collect();
    let mut told = 0;
    for line in &changed {
        let key = (
            line["resource"].as_str().unwrap().to_owned(),
            line["component"].as_str().unwrap().to_owned(),
            "2026-11".to_owned(),
        );
        let planned = vec![line["planned"]["amount"].as_str().unwrap().to_owned()];
        let (old, stored) =
            (before.get(&key).cloned().unwrap_or_default(), now.get(&key).cloned().unwrap_or_default());
        let outcome = line["outcome"].as_str().unwrap();
        let is_right = match outcome {
            "posted" | "already_there" => stored == planned,
            // What is not known is one of the two, and what was not sent is not ours.
            "unknown" => stored == old || stored == planned,
            "rejected" | "not_sent" => stored == old,
            "stale" | "differs" => {
                let shown: Vec<String> =
                    line["stored"]["amount"].as_str().map(str::to_owned).into_iter().collect();
                stored == shown
            }
            _ => false,
        };
        assert!(
            is_right,
            "{what}: {outcome} {key:?}, planned {planned:?}, before {old:?}, stored {stored:?}\n{report:#}"
        );
        told += 1;
    }
    assert_eq!(told, ROWS.len(), "{what}: every row has an outcome\n{report:#}");
}

/// Nothing of ours stands in any other month, but what the server carried over itself when it turned.
fn nothing_elsewhere(rig: &Rig, before: &BTreeMap<Key, Vec<String>>, what: &str) {
    let recurs = |key: &Key| {
        rig.sandbox.usages().iter().any(|usage| {
            (usage.resource.to_string(), usage.component.to_string()) == (key.0.clone(), key.1.clone())
                && usage.period.to_string() == "2026-11"
                && usage.recurring()
        })
    };
    for (key, amounts) in stored(rig).into_iter().filter(|(key, _)| key.2 != "2026-11") {
        if key.2 == "2026-12" && recurs(&key) {
            continue;
        }
        let was = before.get(&key).cloned().unwrap_or_default();
        let ours = ROWS
            .iter()
            .any(|(_, component, amount)| *component == key.1 && amounts.contains(&(*amount).to_owned()));
        assert!(amounts == was || !ours, "{what}: {key:?} is {amounts:?} and was {was:?}");
    }
}

fn one(seed: u64) {
    let (rig, special) = rig(seed);
    let what = format!("seed {seed}");
    let rows: Vec<String> =
        ROWS.iter().map(|(name, component, amount)| format!("{name},2026-11,{component},{amount}")).collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let before = stored(&rig);
    let apply =
        ["apply", "usage.csv", "--offering", HPC, "--yes", "--partial", "--max-age", "0", "--format", "json"];
    // One request at a time tells of the new month before the next one leaves.
    let one: &[&str] = if special == "month-turns" { &["--connections", "1"] } else { &[] };
    let first = run(&rig, &[&apply[..], one].concat());
    nothing_elsewhere(&rig, &before, &what);
    // A plan that was switched before it was read is a finding.
    assert!([0, 3, 4, 5, 6, 7].contains(&first.code), "{what}\n{}", first.all());
    // A stale list may come before the report.
    let documents = serde_json::Deserializer::from_str(&first.stdout).into_iter::<Value>();
    let report = documents.last().and_then(Result::ok).filter(|document| document["report"].is_object());
    if let Some(report) = &report {
        account_for(&rig, &before, report, &what);
    } else {
        assert!([3, 4, 6, 7].contains(&first.code), "{what}: no report\n{}", first.all());
        let of_month = |mut rows: BTreeMap<Key, Vec<String>>| {
            rows.retain(|key, _| key.2 == "2026-11");
            rows
        };
        let (now, before) = (of_month(stored(&rig)), of_month(before.clone()));
        assert_eq!(now, before, "{what}: nothing was sent\n{}", first.all());
    }
    let requests = rig.sandbox.request_count();
    assert!(requests < 400, "{what}: {requests} requests\n{}", first.all());
    if !["", "token-expires"].contains(&special) || special == "token-expires" && first.code != 0 {
        return;
    }
    // Where nobody else wrote and the token lives, going on ends with all of it stored.
    rig.sandbox.clear_faults();
    if report.is_some() {
        let resumed = run(&rig, &["resume"]);
        assert!(resumed.code == 0, "{what}\n{}\n{}", first.all(), resumed.all());
    }
    let again = run(&rig, &["apply", "usage.csv", "--offering", HPC, "--yes"]);
    assert_eq!(again.code, 0, "{what}\n{}", again.all());
    if report.is_some() {
        assert!(again.stdout.contains("nothing to do"), "{what}\n{}\n{}", first.all(), again.all());
    }
    for (name, component, amount) in ROWS {
        assert_eq!(rig.stored_of(name)[component].amount.to_string(), amount, "{what}: {name} {component}");
    }
}

#[test]
fn fault_sweep() {
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    // One run by itself, to look at what came of it.
    if let Some(seed) = std::env::var("WALDUR_USAGE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return one(seed);
    }
    let (runs, at_once) = if is_full { (1_000, 6) } else { (20, 2) };
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= runs {
                        return;
                    }
                    one(u64::try_from(seed).unwrap());
                    if is_full && seed % 100 == 99 {
                        println!("{} runs begun", seed + 1);
                    }
                }
            });
        }
    });
}
