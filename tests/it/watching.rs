//! Who is told how runs ended, and logs as JSON: against a listener, a program, and a collector's folder.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::rig::{Rig, Run, command};

const TOKEN: &str = "hunter2hunter2hunter2hunter2";

/// A folder with a `config.toml`, and runs of the program in it.
fn run(folder: &Path, config: &str, arguments: &[&str]) -> Run {
    let home = folder.join("config/waldur-usage");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("config.toml"), config).unwrap();
    let mut command = command(folder);
    command.env("PATH", "/usr/bin:/bin").env("WALDUR_ACCESS_TOKEN", TOKEN).env("HOOK", "Bearer abcd");
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Somebody who answers every request alike, and passes on what came: the head and the body.
fn listen(answer: &'static str) -> (u16, Receiver<(String, String)>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        for stream in socket.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(&stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) < 3 {
                    break;
                }
                let lower = line.to_ascii_lowercase();
                length =
                    lower.strip_prefix("content-length:").map_or(length, |it| it.trim().parse().unwrap());
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let _ = (&stream).write_all(answer.as_bytes());
            if sender.send((head, String::from_utf8(body).unwrap())).is_err() {
                return;
            }
        }
    });
    (port, seen)
}

fn schema(name: &str) -> (Schemas, boon::SchemaIndex) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let index = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    (schemas, index)
}

fn valid(name: &str, document: &Value) {
    let (schemas, index) = schema(name);
    if let Err(error) = schemas.validate(document, index) {
        panic!("{error:#}\n{document:#}");
    }
}

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[test]
fn a_webhook_is_told_with_its_secret_and_never_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let (port, seen) = listen(NO_CONTENT);
    let config = format!("[watch.webhook]\nurl = 'http://127.0.0.1:{port}/T0/path'\nsecret_env = 'HOOK'");
    let told = run(folder.path(), &config, &["watch", "test"]).ends_with(0);
    assert_eq!(told.stdout, format!("told: the webhook at http://127.0.0.1:{port}\n"));
    let (head, body) = seen.recv().unwrap();
    assert!(
        head.starts_with("POST /T0/path HTTP/1.1\r\n")
            && head.to_lowercase().contains("authorization: bearer abcd\r\n"),
        "{head}"
    );
    assert!(!head.contains(TOKEN) && !body.contains(TOKEN), "{head}{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    valid("ended.schema.json", &body);
    assert_eq!(
        (&body["event"], &body["is_test"], &body["code"]),
        (&json!("failed"), &json!(true), &json!(6))
    );
    // All was well is news to nobody who did not ask for it.
    run(folder.path(), &config, &["watch", "test", "--like", "done"])
        .ends_with(0)
        .says("nobody wants to be told");
    run(folder.path(), &config, &["watch", "test", "--like", "breaks"]).ends_with(0);
    let body: Value = serde_json::from_str(&seen.recv().unwrap().1).unwrap();
    assert_eq!((&body["event"], &body["breaks"]), (&json!("breaks"), &json!(1)));
    let done = format!("{config}\non = ['done']");
    run(folder.path(), &done, &["watch", "test", "--like", "done"]).ends_with(0);
    assert!(seen.recv().unwrap().1.contains("\"event\":\"done\""));
}

#[test]
fn what_cannot_be_told_is_said_without_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let (other, elsewhere) = listen(NO_CONTENT);
    let answer: &'static str =
        format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{other}/\r\ncontent-length: 0\r\n\r\n")
            .leak();
    let (port, _seen) = listen(answer);
    let config = format!("[watch.webhook]\nurl = 'http://127.0.0.1:{port}/T0/path'\n");
    let refused = run(folder.path(), &config, &["watch", "test"]).ends_with(6);
    assert!(!refused.all().contains("T0"), "{}", refused.all());
    refused.says("NOT told: the webhook at http://127.0.0.1").says("302, and no redirect is followed");
    assert!(elsewhere.try_recv().is_err());
    let config = "[watch.webhook]\nurl = 'http://example.org/T0'";
    run(folder.path(), config, &["watch", "test"]).ends_with(2).says("neither https nor on this machine");
    let config = "[watch.webhook]\nurl = 'https://example.org/T0'\nsecret = 'x'";
    run(folder.path(), config, &["watch", "test"]).ends_with(2).says("a secret stands in config.toml");
    run(folder.path(), "", &["watch", "test"]).ends_with(2).says("docs/watching.md");
    // A secret that is not there keeps the message from leaving.
    let (port, seen) = listen(NO_CONTENT);
    let config = format!("[watch.webhook]\nurl = 'http://127.0.0.1:{port}/'\nsecret_env = 'NONE'");
    run(folder.path(), &config, &["watch", "test"]).ends_with(6).says("secret_env names is not set");
    assert!(seen.try_recv().is_err());
}

#[cfg(unix)]
#[test]
fn a_program_is_told_on_stdin_and_a_collectors_folder_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let config = format!(
        "[watch]\nmetrics_folder = '{0}'\n[watch.program]\ncommand = ['sh', '-c', 'cat > {1}; env >> {1}']",
        folder.path().display(),
        said.display()
    );
    let told = run(folder.path(), &config, &["watch", "test", "--format", "json"]).ends_with(0).json();
    valid("watch-test.schema.json", &told);
    assert_eq!((told.as_array().unwrap().len(), &told[1]), (2, &json!({"to": "the program sh"})));
    let text = fs::read_to_string(&said).unwrap();
    let (line, environment) = text.split_once('\n').unwrap();
    valid("ended.schema.json", &serde_json::from_str(line).unwrap());
    assert!(environment.contains("HOOK=") && !text.contains(TOKEN), "{text}");
    // A run that was made up leaves no metrics.
    let left = fs::read_dir(folder.path()).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        name.contains("waldur-usage-") || path.extension().is_some_and(|ending| ending == "prom")
    });
    assert_eq!(left.count(), 0);
    let config = "[watch]\nmetrics_folder = 'none'\n[watch.program]\ncommand = ['false']";
    let json = run(folder.path(), config, &["watch", "test", "--format", "json"]).ends_with(6).json();
    valid("watch-test.schema.json", &json);
    let refused =
        run(folder.path(), config, &["watch", "test"]).ends_with(6).says("the program false: it ended with");
    refused.says("none/waldur-usage-watch-test-");
}

/// The lines of stderr, each as the schema says.
fn log(run: &Run) -> Vec<Value> {
    let (schemas, index) = schema("log.schema.json");
    let lines = run.stderr.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if let Err(error) = schemas.validate(&line, index) {
            panic!("{error:#}\n{line:#}");
        }
        line
    });
    lines.collect()
}

#[test]
fn a_log_is_json_to_the_last_line_and_stdout_is_as_ever() {
    let rig = Rig::new();
    let file = rig.long(&["climate-alps,2026-11,cpu,8"]);
    let file = file.to_str().unwrap();
    let offering = ["--offering", crate::rig::HPC];
    let check = [&["check", file][..], &offering].concat();
    let text = rig.run(&check);
    let json = rig.run(&[&check[..], &["--log", "json"]].concat());
    assert_eq!((json.code, &json.stdout), (text.code, &text.stdout), "{}", json.all());
    let lines = log(&json);
    let of = |stage: &str| lines.iter().filter(|line| line["stage"] == stage).count();
    assert!(lines.len() > 3 && lines.iter().any(|line| line["message"] == "is over"), "{}", json.all());
    let first = lines[0]["stage"].as_str().unwrap();
    assert!(of(first) >= 2, "{first}");
    assert!(lines.iter().any(|line| line["milliseconds"].is_u64()));

    let apply = [&["apply", file, "--yes", "--log", "json"][..], &offering].concat();
    let posted = rig.run(&apply).ends_with(0);
    let lines = log(&posted);
    let run = lines.iter().find_map(|line| line["run"].as_str()).unwrap();
    assert!(posted.stdout.contains(run.get(..12).unwrap()), "{}", posted.all());
    // Quiet, it says nothing but what went wrong.
    let quiet = rig.run(&[&check[..], &["--log", "json", "--quiet"]].concat()).ends_with(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn what_goes_wrong_is_a_line_in_its_parts() {
    let rig = Rig::new();
    let run = rig.run(&["check", "none.csv", "--log=json"]).ends_with(2);
    let lines = log(&run);
    let last = lines.last().unwrap();
    assert_eq!((&last["level"], &last["exit_code"]), (&json!("error"), &json!(2)));
    assert!(last["message"].as_str().unwrap().contains("none.csv") && last["hint"].is_string(), "{last}");
    assert!(!last["message"].as_str().unwrap().starts_with("error"), "{last}");
    // A command line that is none is told in the same form, by flag and by environment.
    let run = rig.run(&["chek", "--log", "json"]).ends_with(2);
    assert!(log(&run)[0]["message"].as_str().unwrap().contains("chek"), "{}", run.all());
    let output = command(rig.folder.path()).env("WALDUR_USAGE_LOG", "json").arg("chek").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(log(&Run { code: 2, stdout: String::new(), stderr }).len(), 1);
    // A name that would move a terminal does not.
    let run = rig.run(&["check", "a\u{1b}[31m\u{202e}\n.csv", "--log", "json"]).ends_with(2);
    assert!(!run.stderr.contains(['\u{1b}', '\u{202e}']), "{}", run.all());
    assert_eq!(log(&run).last().unwrap()["level"], "error");
    // Text is as ever.
    let run = rig.run(&["check", "none.csv", "--log", "text"]).ends_with(2);
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains("\n  hint: "), "{}", run.all());
}
