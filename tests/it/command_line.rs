//! The command line itself: help, exit codes, the sandbox as a program.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

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
