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
        (1, "differences (plan --exit-code)"),
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
fn a_wrong_fault_or_model_is_refused_and_help_tells_all_faults() {
    let (code, _, stderr) = run(&["sandbox", "--fault", "html", "--fault", "statos=503 rate=0.01"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("word 1 `statos`") && stderr.contains("did you mean status?"), "{stderr}");
    let (code, _, model) = run(&["sandbox", "--model", "guessed"]);
    assert_eq!(code, 2);
    assert!(model.contains("--model \"guessed\"") && model.contains("observed:SPEED"), "{model}");
    let (_, help, _) = run(&["sandbox", "--help"]);
    for row in waldur_usage::sandbox::NAMES {
        assert!(stderr.contains(row.name), "{} is not in {stderr}", row.name);
        assert!(
            help.contains(&format!("{}{}", row.name, row.takes)) && help.contains(row.does),
            "{}",
            row.name
        );
    }
}
