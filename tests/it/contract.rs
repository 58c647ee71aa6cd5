//! Holds the sandbox to recordings of a running Waldur of October 2024.
//!
//! Each file of `tests/contract/exchanges` is one sequence of requests, replayed on a fresh world.
//! A difference must stand in `tests/contract/known-differences.md` with its reason, and nothing
//! may stand there that no longer differs. The rules are told in `tests/contract/README.md`.

mod binding;
mod client;
pub mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use waldur_usage::sandbox::{Sandbox, Settings, start};

use binding::Binding;
use client::Answer;

/// The moment of the recordings.
const NOW: &str = "2026-11-23T02:45:00Z";
/// Headers that are compared where the real server sent them.
const HEADERS: [&str; 6] =
    ["X-Result-Count", "Link", "Allow", "Location", "WWW-Authenticate", "Content-Type"];

/// A file and a line in it.
type Exchange = (String, usize);

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract")
}

#[test]
fn the_sandbox_answers_as_the_recorded_server() {
    let whole = world::whole(&folder().join("world.json"));
    let known_ids = binding::ids_in(&whole.to_string());
    let world: waldur_usage::sandbox::World = serde_json::from_value(whole).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder().join("exchanges")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut differing, mut replayed) = (BTreeMap::new(), 0);
    for file in files {
        let mut settings = Settings::new(world.clone());
        settings.now = Some(NOW.parse().unwrap());
        let sandbox = runtime.block_on(start(settings)).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut binding = Binding::new(&known_ids);
        for (line, written) in (1..).zip(fs::read_to_string(&file).unwrap().lines()) {
            let exchange: Value = serde_json::from_str(written).unwrap();
            let differences = replay(&sandbox, &mut binding, &exchange);
            replayed += 1;
            if !differences.is_empty() {
                differing.insert((name.clone(), line), (exchange["title"].to_string(), differences));
            }
        }
        runtime.block_on(sandbox.stop());
    }
    assert!(replayed > 400, "only {replayed} exchanges were found");
    judge(&differing);
}

/// Compares what differs with what is listed.
fn judge(differing: &BTreeMap<Exchange, (String, Vec<String>)>) {
    let listed = listed();
    let unlisted: Vec<_> = differing.iter().filter(|(exchange, _)| !listed.contains(*exchange)).collect();
    assert!(unlisted.is_empty(), "differences that are not listed: {unlisted:#?}");
    let gone: Vec<_> = listed.iter().filter(|exchange| !differing.contains_key(*exchange)).collect();
    assert!(gone.is_empty(), "listed differences that have gone: {gone:?}");
}

/// The lines of the list: "- `file` line `title`: reason".
fn listed() -> BTreeSet<Exchange> {
    let text = fs::read_to_string(folder().join("known-differences.md")).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("- `"));
    let read = |line: &str| {
        let (file, rest) = line.split_once("` ")?;
        let (number, rest) = rest.split_once(" `")?;
        let (_, reason) = rest.split_once("`: ")?;
        (!reason.trim().is_empty()).then(|| Some((file.to_owned(), number.parse().ok()?)))?
    };
    lines.map(|line| read(line).unwrap_or_else(|| panic!("not a listed difference: {line}"))).collect()
}

/// Sends a request and compares the answer; says what differs.
fn replay(sandbox: &Sandbox, binding: &mut Binding, exchange: &Value) -> Vec<String> {
    let answer = client::send(sandbox, binding, exchange);
    let status = exchange["status"].as_u64().unwrap();
    let mut differences = Vec::new();
    if u64::from(answer.status) != status {
        differences.push(format!("status: wanted {status}, got {}", answer.status));
    }
    if differences.is_empty() && status < 500 {
        // Pages in HTML are compared by their status and type alone.
        if !exchange["response"].is_string() {
            differences.extend(compare_bodies(binding, exchange, &answer));
        }
        differences.extend(compare_headers(sandbox, binding, &exchange["response_headers"], &answer));
    }
    differences
}

fn compare_headers(sandbox: &Sandbox, binding: &Binding, wanted: &Value, answer: &Answer) -> Vec<String> {
    let recorded_host = "127.0.0.1%3A8899";
    let host = sandbox.url().replace("http://", "").replace(':', "%3A");
    let differs = HEADERS.iter().filter_map(|&name| {
        let recorded = wanted[name].as_str()?;
        let here = recorded.replace("{base}", &sandbox.url()).replace(recorded_host, &host);
        let wanted = binding.apply(&here);
        let got = answer.headers.get(&name.to_lowercase()).cloned().unwrap_or_default();
        (wanted != got).then(|| format!("{name}: wanted {wanted:?}, got {got:?}"))
    });
    differs.collect()
}

fn compare_bodies(binding: &mut Binding, exchange: &Value, answer: &Answer) -> Vec<String> {
    let (wanted, got) = (&exchange["response"], &answer.body);
    match exchange["compare"].as_str() {
        None | Some("exact") => binding.compare(wanted, got, "body"),
        Some(_) => compare_shapes(exchange, wanted, got),
    }
}

fn compare_shapes(exchange: &Value, wanted: &Value, got: &Value) -> Vec<String> {
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().into_iter().flat_map(|object| object.keys().cloned()).collect()
    };
    match (wanted, got) {
        (Value::Array(wanted), Value::Array(got)) => {
            let recorded = exchange["length"].as_u64().and_then(|length| usize::try_from(length).ok());
            let length = recorded.unwrap_or(wanted.len());
            if got.len() != length {
                return vec![format!("body: wanted {length} items, got {}", got.len())];
            }
            let pairs = wanted.iter().zip(got).filter(|(wanted, got)| keys(wanted) != keys(got));
            pairs.map(|(wanted, got)| format!("keys: {:?} and {:?}", keys(wanted), keys(got))).collect()
        }
        (Value::Object(_), Value::Object(_)) if keys(wanted).is_subset(&keys(got)) => Vec::new(),
        _ => vec![format!("body: wanted {wanted}, got {got}")],
    }
}
