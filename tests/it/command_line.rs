//! The command line itself: help, exit codes, the sandbox as a program.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use crate::rig::{Rig, command};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let output = command(folder.path()).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn help_and_readme_have_the_same_table_of_exit_codes() {
    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, 0);
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    // Help is wrapped to the terminal, so both are compared without line breaks.
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (help, readme) = (words(&help), words(&readme));
    let table = help.split("Exit codes: ").nth(1).unwrap();
    for (code, meaning) in [
        (0, "done, equal, or nothing to do"),
        (1, "differences (reconcile; plan and missing --exit-code)"),
        (2, "command line, configuration"),
        (3, "findings at deny"),
        (4, "we refused to send"),
        (5, "a post was accepted or may have been"),
        (6, "server or network"),
        (7, "401 or 403"),
        (8, "another run holds the lock"),
        (70, "a fault of this program"),
        (130, "interrupted"),
    ] {
        assert!(table.contains(&format!("{code} {meaning}")), "{code} in --help");
        assert!(readme.contains(&format!("| {code} | {meaning}")), "{code} in README.md");
    }
}

#[test]
fn what_is_typed_wrong_is_said_with_what_is_near() {
    let (code, _, stderr) = run(&["chek"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("check"), "{stderr}");
    let (code, _, stderr) = run(&["check", "a.csv"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("no server is named") && stderr.contains("WALDUR_API_URL"), "{stderr}");
    let (code, _, stderr) = run(&["check", "a.csv", "--url", "https://waldur.example.com"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("no token is given") && stderr.contains("--token-file"), "{stderr}");
    let (code, _, stderr) = run(&["list", "--period", "2026-13"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("write it as YYYY-MM"), "{stderr}");
}

#[test]
fn no_color_and_pipes_get_plain_text() {
    let rig = Rig::new();
    rig.long(&["nobody,2026-11,cpu,1"]);
    let run = rig.run(&["check", "usage.csv", "--offering", crate::rig::HPC]).ends_with(3);
    assert!(!run.all().contains('\u{1b}'));
}

#[test]
fn a_token_comes_from_a_file_too() {
    let rig = Rig::new();
    rig.file("token", format!("{}\n", rig.token("owner")));
    rig.run_as("", &["list", "--period", "2026-11", "--token-file", "token"]).ends_with(0);
    rig.run_as("", &["list", "--token-file", "nowhere"]).ends_with(2).says("cannot read nowhere");
    rig.file("token", "");
    rig.run_as("", &["list", "--token-file", "token"]).ends_with(2).says("the token is empty");
}

#[test]
fn the_sandbox_says_where_it_is_and_only_listens_on_this_machine() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut child = command(folder.path())
        .args(["sandbox", "--listen", "127.0.0.1:0", "--quiet"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split(' ').next().unwrap();
    let token = line.split("owner=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(line.contains("dialect=2024"), "{line}");
    let rows = crate::proxy::get_json(&format!("{url}/api/users/me/?field=username"), token);
    assert_eq!(rows["username"], "owner", "{rows}");
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, _, stderr) = run(&["sandbox", "--listen", "0.0.0.0:0"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("not a loopback address"), "{stderr}");
}

#[test]
fn faults_and_a_model_are_given_to_the_sandbox_by_flag() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut child = command(folder.path())
        .args(["sandbox", "--listen", "127.0.0.1:0", "--quiet", "--model", "observed:1000", "--seed", "3"])
        .args(["--fault", "status=418 path=projects", "--fault", "missing-date"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split(' ').next().unwrap().replace("http://", "");
    let get = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        crate::wire::exchange(&address, request.as_bytes(), Duration::from_secs(5)).reply()
    };
    let reply = get("/api/projects/");
    assert_eq!((reply.status, reply.header("date")), (418, None));
    let struck = get("/sandbox/faults").json();
    assert_eq!(struck["faults"][0]["struck"], 1, "{struck}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn options_of_the_sandbox_say_what_form_they_want() {
    for (arguments, wanted) in [
        (&["--now", "2026-12-01"][..], "such as 2026-12-01T09:00:00Z"),
        (&["world", "new", "-o", "x.json", "--now", "2026-12-01"], "such as 2026-12-01T09:00:00Z"),
        (&["--listen", "8005"], "such as 127.0.0.1:8000"),
        (&["--latency", "soon"], "20ms"),
        (&["--model", "observed", "--latency", "20ms"], "cannot be used with"),
        (&["--fault", "html method=POTS"], "did you mean POST?"),
    ] {
        let (code, _, stderr) = run(&[&["sandbox"], arguments].concat());
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(wanted), "no {wanted:?} in {stderr}");
    }
    let (_, _, stderr) = run(&["sandbox", "--fault", "html rate=20%"]);
    assert!(stderr.contains("a rate is a decimal") && !stderr.contains("untied-order"), "{stderr}");
}

#[test]
fn a_sandbox_starts_on_localhost_and_says_that_a_zone_turns_no_month() {
    for (arguments, is_said) in [
        (&["--time-zone", "Europe/Tallinn"][..], true),
        (&["--time-zone", "Europe/Tallinn", "--dialect", "2026", "--capability", "zone=off"], true),
        (&["--time-zone", "Europe/Tallinn", "--dialect", "2026"], false),
        (&["--time-zone", "UTC"], false),
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let mut child = command(folder.path())
            .args(["sandbox", "--listen", "localhost:0", "--latency", "1ms"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert!(ready.starts_with("http://127.0.0.1:"), "{ready}");
        // What is said about the zone comes before the line that it is ready.
        child.kill().unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(said.contains("months turn in UTC here"), is_said, "{arguments:?}: {said}");
    }
}

#[test]
fn a_wrong_fault_or_model_is_refused_and_help_tells_all_faults() {
    let (code, _, stderr) = run(&["sandbox", "--fault", "html", "--fault", "statos=503 rate=0.01"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("word 1 `statos`") && stderr.contains("did you mean status?"), "{stderr}");
    let (code, _, model) = run(&["sandbox", "--model", "guessed"]);
    assert_eq!(code, 2);
    assert!(model.contains("--model \"guessed\"") && model.contains("observed:SPEED"), "{model}");
    let (_, help, _) = run(&["sandbox", "--help"]);
    assert!(help.contains("GET, PUT\ninvoices;"), "{help}");
    for row in waldur_usage::sandbox::NAMES {
        assert!(stderr.contains(row.name), "{} is not in {stderr}", row.name);
        assert!(
            help.contains(&format!("{}{}", row.name, row.takes)) && help.contains(row.does),
            "{}",
            row.name
        );
    }
}
