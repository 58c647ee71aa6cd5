//! The sandbox as a program: its dialects, its capabilities, and what it keeps between runs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use tempfile::TempDir;
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::proxy::get_json;
use crate::rig::{Rig, command};

/// A sandbox in a process of its own.
struct Running {
    process: Child,
    /// The line that it printed when it was ready.
    ready: String,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = command(folder)
            .args(["sandbox", "--quiet", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        Self { process, ready }
    }

    fn url(&self) -> &str {
        self.ready.split(' ').next().unwrap()
    }

    fn token(&self, account: &str) -> &str {
        let words = self.ready.split_whitespace();
        let mut tokens = words.filter_map(|word| word.split_once('='));
        tokens.find(|(name, _)| *name == account).unwrap().1
    }

    /// Runs the program against it as the provider's owner.
    fn run(&self, folder: &Path, arguments: &[&str]) -> (i32, String) {
        let output = command(folder)
            .env("WALDUR_API_URL", self.url())
            .env("WALDUR_ACCESS_TOKEN", self.token("owner"))
            .args(arguments)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

impl Drop for Running {
    /// Kills it, as a machine does that loses its power.
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn sample(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).display().to_string()
}

#[test]
fn a_month_is_posted_to_every_dialect_and_posting_it_again_changes_nothing() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2025(), Behaviour::dialect_2026()] {
        for account in ["owner", "staff"] {
            let rig = Rig::on(Settings { behaviour: behaviour.clone(), ..Settings::new(World::built_in()) });
            let file = sample("usage-2026-11-wide.csv");
            let token = rig.token(account);
            let run = rig.run_as(&token, &["apply", &file, "--yes", "--results", "results"]).ends_with(0);
            run.says("verified: what is stored is what was planned");
            let (posts, stored) = (rig.posts(), rig.stored());
            rig.run_as(&token, &["apply", &file, "--yes", "--results", "results"])
                .ends_with(0)
                .says("nothing to do");
            assert_eq!(rig.posts(), posts, "{behaviour}");
            assert_eq!(rig.stored(), stored, "{behaviour}");
        }
    }
}

#[test]
fn a_dialect_and_its_capabilities_are_chosen_on_the_command_line() {
    let folder = TempDir::new().unwrap();
    let version = |running: &Running| {
        let answer = get_json(&format!("{}/api/version/", running.url()), running.token("staff"));
        answer["version"].as_str().unwrap().to_owned()
    };
    let has_policy = |running: &Running| {
        let url = format!("{}/api/marketplace-component-usages/?page_size=1", running.url());
        get_json(&url, running.token("owner"))[0].get("missing_usage_policy").is_some()
    };
    let newest = Running::start(folder.path(), &["--dialect", "2026", "--time-zone", "Europe/Tallinn"]);
    assert!(newest.ready.contains(" dialect=2026 now=2026-11-20T09:00:00Z "), "{}", newest.ready);
    assert_eq!((version(&newest).as_str(), has_policy(&newest)), ("8.1.2", true));
    let switched =
        Running::start(folder.path(), &["--dialect", "2026", "--capability", "missing-usage-policy=off"]);
    assert_eq!((version(&switched).as_str(), has_policy(&switched)), ("8.1.2", false));
    let oldest = Running::start(folder.path(), &[]);
    assert!(oldest.ready.contains(" dialect=2024 "), "{}", oldest.ready);
    assert!(!has_policy(&oldest));

    for (arguments, message) in [
        (
            ["--capability", "teleport=on"],
            "no capability is called teleport; there are rows, plan-period-of,",
        ),
        (["--capability", "date=me"], "date has no value me; it can be nobody, staff,"),
        (["--capability", "date"], "date needs a value: date=VALUE, where VALUE can be nobody, staff,"),
        (["--time-zone", "Atlantis/Poseidonis"], "no time zone is called Atlantis/Poseidonis"),
        (["--dialect", "2023"], "possible values: 2024, 2025, 2026"),
    ] {
        let output = command(folder.path()).arg("sandbox").args(arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn what_was_answered_outlives_a_killed_sandbox() {
    let folder = TempDir::new().unwrap();
    let file = sample("usage-2026-11-long.csv");
    let first = Running::start(folder.path(), &["--state", "rehearsal.state"]);
    let (code, text) = first.run(folder.path(), &["apply", &file, "--yes", "--results", "results"]);
    assert_eq!(code, 0, "{text}");
    let (_, stored) = first.run(folder.path(), &["list", "--period", "2026-11", "--format", "json"]);
    drop(first);
    let second = Running::start(folder.path(), &["--state", "rehearsal.state"]);
    let (_, still) = second.run(folder.path(), &["list", "--period", "2026-11", "--format", "json"]);
    assert_eq!(still, stored);
    let (code, text) = second.run(folder.path(), &["apply", &file, "--yes", "--results", "results"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("nothing to do"), "{text}");

    // One file, one sandbox; and a world is no state.
    std::fs::write(folder.path().join("world.json"), "{\"now\": 1}\n").unwrap();
    for (arguments, message) in [
        (vec!["--state", "rehearsal.state"], "another sandbox keeps its state in rehearsal.state"),
        (vec!["--state", "world.json"], "world.json is not the state of a sandbox"),
        (vec!["--state", "no/such/folder/x.state"], "cannot keep the state in no/such/folder/x.state"),
    ] {
        let output = command(folder.path()).arg("sandbox").args(&arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {text}");
        assert!(text.contains(message), "{text}");
    }
}
