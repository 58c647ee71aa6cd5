//! Whatever a server or a file puts into a name, nothing of it moves the cursor, colours, hides or turns text on
//! somebody's screen, and nothing of it becomes the name of a file of ours.
//!
//! A world and files are full of such names; every command that prints is run on them, in each of its forms.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};
use waldur_usage::domain::is_invisible;
use waldur_usage::sandbox::{Settings, World};

use crate::rig::{LAX, Rig, Run, command};

/// What is put into every name: escape, bell, carriage return, a turn of direction, a zero-width blank, delete,
/// a line end, and what a C1 terminal takes for an escape.
const EVIL: &str = "\u{1b}[31m\u{7}\r\u{202e}\u{200b}\u{7f}\n\u{9b}2J";
/// The same as the name of a file can have it.
const EVIL_FILE: &str = "u\u{1b}[31ms\u{202e}a\nge";

/// The built-in world with something evil in each text that a person wrote.
fn world() -> World {
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    for table in ["customers", "projects", "offerings", "resources", "usages", "offering_users"] {
        for row in world[table].as_array_mut().unwrap() {
            spoil(row);
        }
    }
    let usages = world["usages"].as_array_mut().unwrap();
    for usage in usages.iter_mut() {
        usage["description"] = json!(format!("what{EVIL}"));
    }
    serde_json::from_value(world).unwrap()
}

fn spoil(value: &mut Value) {
    const WRITTEN: [&str; 12] = [
        "name",
        "abbreviation",
        "slug",
        "backend_id",
        "effective_id",
        "description",
        "measured_unit",
        "category_title",
        "article_code",
        "username",
        "first_name",
        "last_name",
    ];
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if WRITTEN.contains(&key.as_str()) => {
                        text.push_str(EVIL);
                    }
                    // Roles are no names.
                    _ if key == "roles" => {}
                    value => spoil(value),
                }
            }
        }
        Value::Array(rows) => rows.iter_mut().for_each(spoil),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_raw(text: &str) -> Option<String> {
    let at = text.char_indices().find(|(_, one)| *one != '\n' && is_invisible(*one))?.0;
    let from = text[..at].char_indices().rev().nth(80).map_or(0, |(at, _)| at);
    Some(text[from..].chars().take(120).collect::<String>().escape_debug().to_string())
}

/// What was found wrong.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn look(&mut self, arguments: &[&str], run: &Run) {
        for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            if let Some(part) = is_raw(text) {
                self.0.push(format!("{arguments:?} {stream}: {part}"));
            }
        }
        if run.code == 70 {
            self.0.push(format!("{arguments:?} broke: {}", run.all()));
        }
    }
}

/// A rig with an evil world and evil files.
struct Spoilt {
    rig: Rig,
    wrong: Wrong,
}

impl Spoilt {
    fn new() -> Self {
        Self { rig: Rig::on(Settings::new(world())), wrong: Wrong::default() }
    }

    fn resource(&self, name: &str) -> String {
        let url = format!(
            "{}/api/marketplace-provider-resources/?field=uuid&field=name&page_size=200",
            self.rig.url()
        );
        let rows = crate::proxy::get_json(&url, &self.rig.token("staff"));
        let rows = rows.as_array().unwrap().iter();
        let own = rows.filter(|row| row["name"].as_str().unwrap().starts_with(name));
        own.map(|row| row["uuid"].as_str().unwrap().to_owned()).next().unwrap()
    }

    fn offering(&self) -> String {
        let url = format!("{}/api/marketplace-provider-offerings/?field=uuid&field=name", self.rig.url());
        let rows = crate::proxy::get_json(&url, &self.rig.token("staff"));
        let rows = rows.as_array().unwrap();
        let own = rows.iter().find(|row| row["name"].as_str().unwrap().starts_with("HPC")).unwrap();
        own["uuid"].as_str().unwrap().to_owned()
    }

    /// Runs a command in both forms and looks at what it prints; the run in text.
    fn run(&mut self, arguments: &[&str]) -> Run {
        let token = self.rig.token("staff");
        let json: Vec<&str> = arguments.iter().copied().chain(["--format", "json"]).collect();
        if !arguments.contains(&"apply") && !arguments.contains(&"undo") && !arguments.contains(&"-o") {
            let run = self.rig.run_guarded(&token, &json);
            self.wrong.look(&json, &run);
            if !run.stdout.is_empty() && arguments[0] != "layout" {
                let is_json = serde_json::from_str::<Value>(&run.stdout).is_ok();
                if !is_json && arguments[0] != "audit" {
                    self.wrong.0.push(format!("{json:?} prints no JSON: {}", run.all()));
                }
            }
        }
        let verbose: Vec<&str> = arguments.iter().copied().chain(["--verbose"]).collect();
        let run = self.rig.run_guarded(&token, &verbose);
        self.wrong.look(&verbose, &run);
        run
    }

    /// Runs a command that has to do its work.
    fn works(&mut self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        if ![0, 1].contains(&run.code) {
            self.wrong.0.push(format!("{arguments:?} did not work: {}", run.all()));
        }
        run
    }

    /// Looks at the files that were made: text for people shows everything, and no name of ours is evil.
    fn look_at_files(&mut self, made_by_us: &[PathBuf]) {
        for path in files(self.rig.folder.path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !made_by_us.contains(&path)
                && let Some(part) = is_raw(&name).or_else(|| name.contains('\n').then(|| name.clone()))
            {
                self.wrong.0.push(format!("a file is called {part}"));
            }
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if ["html", "txt", "json"].contains(&ending.as_str()) {
                let text = std::fs::read_to_string(&path).unwrap();
                // JSON may hold anything but what ends its text; people do not read it on a terminal.
                if let Some(part) = is_raw(&text).filter(|_| ending != "json") {
                    self.wrong.0.push(format!("{name}: {part}"));
                }
            }
            // A marked copy is the user's own workbook, with the sheets that it had.
            if ending == "xlsx" && name != "marked.xlsx" && !made_by_us.contains(&path) {
                let mut archive = zip::ZipArchive::new(std::fs::File::open(&path).unwrap()).unwrap();
                let mut text = String::new();
                archive.by_name("xl/workbook.xml").unwrap().read_to_string(&mut text).unwrap();
                let names = text.split("<sheet ").skip(1).map(|part| part.split('>').next().unwrap());
                for sheet in names.filter_map(is_raw) {
                    self.wrong.0.push(format!("{name} has a sheet {sheet}"));
                }
            }
        }
    }

    fn ends(self) {
        assert!(self.wrong.0.is_empty(), "{}", self.wrong.0.join("\n"));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A table of usage with an evil header, cells and units, good rows among them.
fn table(resource: &str, good: bool) -> String {
    let evil = quoted(&format!("x{EVIL}"));
    let mut text = format!(
        "resource_uuid,billing_period,component_type,amount,description,{}\n\
         {resource},2026-11,cpu,7,{evil},{evil}\n{resource},2026-11,ram,8,{evil},{evil}\n",
        quoted(&format!("note{EVIL}"))
    );
    if !good {
        for row in [
            format!("{evil},2026-11,cpu,1,,\n"),
            format!("{resource},{evil},cpu,1,,\n"),
            format!("{resource},2026-11,{evil},1,,\n"),
            format!("{resource},2026-11,cpu,{evil},,\n"),
            format!("{resource},2026-11,cpu,7,,\n"),
            format!("{resource},2026-11,cpu,7,,,{evil}\n"),
        ] {
            text.push_str(&row);
        }
    }
    text
}

fn workbook(path: &Path, resource: &str) {
    let mut workbook = Workbook::new();
    for name in ["a\u{202e}b\u{200b}", "second\u{2066}"] {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name).unwrap();
        for (column, header) in
            ["resource_uuid", "billing_period", "component_type", "amount", "note\u{1b}[2J\u{202e}"]
                .iter()
                .enumerate()
        {
            sheet.write(0, u16::try_from(column).unwrap(), *header).unwrap();
        }
        for (row, amount) in [(1, "1"), (2, "2\u{1b}[31m"), (3, "-3\u{202e}")] {
            for (column, cell) in [resource, "2026-11", "cpu", amount, "\u{9b}31m"].iter().enumerate() {
                sheet.write(row, u16::try_from(column).unwrap(), *cell).unwrap();
            }
        }
    }
    workbook.save(path).unwrap();
}

#[test]
fn names_of_a_server_and_of_files_are_shown_and_never_raw() {
    let mut spoilt = Spoilt::new();
    let (resource, offering) = (spoilt.resource("climate-alps"), spoilt.offering());
    let good = spoilt.rig.file(&format!("{EVIL_FILE}.csv"), table(&resource, true));
    let bad = spoilt.rig.file(&format!("{EVIL_FILE}-bad.csv"), table(&resource, false));
    let book = spoilt.rig.folder.path().join(format!("{EVIL_FILE}.xlsx"));
    workbook(&book, &resource);
    let damaged = spoilt.rig.file(&format!("{EVIL_FILE}-damaged.xlsx"), "PK\u{3}\u{4}nothing");
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (good, bad, book, damaged) = (text(&good), text(&bad), text(&book), text(&damaged));
    let [good, bad, book, damaged, resource, offering] =
        [&good, &bad, &book, &damaged, &resource, &offering].map(String::as_str);
    let scope = ["--offering", offering];
    let with = |arguments: &[&str]| arguments.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    for arguments in [
        with(&["doctor"]),
        with(&["doctor", "--last"]),
        with(&["list", "--period", "2026-10"]),
        with(&["list", "--period", "2026-10", "--format", "ndjson"]),
        with(&["list", "--what", "user-usages"]),
        with(&["check", good]),
        with(&["plan", good]),
        with(&["plan", good, "-o", "plan.json", "-o", "plan.html", "-o", "plan.xlsx", "-o", "plan.txt"]),
        with(&["plan", "show", "plan.json"]),
        with(&["template", "--period", "2026-11", "-o", "template.xlsx", "--offering", offering]),
        with(&["template", "--period", "2026-11", "-o", "template.csv", "--offering", offering]),
        with(&["missing", "--period", "2026-11", "--offering", offering]),
        with(&[
            "missing",
            "--period",
            "2026-11",
            "-o",
            "missing.csv",
            "--template",
            "gaps.xlsx",
            "--offering",
            offering,
        ]),
        with(&["reconcile", "--period", "2026-10", "--invoices", "--offering", offering]),
        with(&["reconcile", good, "--period", "2026-11", "--invoices", "--offering", offering]),
        with(&["explain-key", resource, "cpu", "2026-10"]),
        with(&["explain-key", resource, "cpu", "2026-11", good]),
        with(&["apply", good, "--yes", LAX[0], LAX[1], "--allow-lowered"]),
        with(&["runs", "list"]),
        with(&["audit", "verify"]),
        with(&["export", "--period", "2026-10", "--to", "csv:out-csv"]),
        with(&["export", "--period", "2026-10", "--to", "parquet:out-parquet", "--to", "xlsx:out.xlsx"]),
        with(&["export", "--period", "2026-10", "--to", "delta:out-delta", "--to", "ndjson:out-ndjson"]),
        with(&[
            "sandbox",
            "world",
            "from-server",
            "-o",
            "copy.json",
            "--offering",
            offering,
            "--months",
            "2",
        ]),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        spoilt.works(&arguments);
    }
    let reports =
        ["reconcile", "--period", "2026-10", "-o", "r.html", "-o", "r.xlsx", "-o", "r.csv", "-o", "r.json"];
    spoilt.works(&[&reports[..], &["--invoices"], &scope].concat());
    let runs = spoilt.rig.run(&["runs", "list", "--format", "json"]).json();
    let run = runs[0]["run"].as_str().unwrap();
    for arguments in [
        &["runs", "show", run][..],
        &["verify", run],
        &["audit", "export", "-o", "trail.csv"],
        &["undo", run, "--yes"],
    ] {
        spoilt.works(arguments);
    }
    // What is wrong with files is told with their names, their sheets and their cells.
    for arguments in [
        &["check", bad][..],
        &["check", book, "--annotate", "marked.xlsx"],
        &["check", book, "--sheet", "second\u{2066}"],
        &["check", book, "--sheet", "none\u{1b}[31m"],
        &["check", damaged],
        &["plan", bad, "--skip-faulty"],
        &["apply", bad, "--skip-faulty", "--yes", LAX[0], LAX[1]],
        &["reconcile", bad, "--period", "2026-11", "--skip-faulty", "-o", "bad.html", "-o", "bad.xlsx"],
        &["layout", "suggest", bad],
        &["layout", "suggest", book],
        &["explain-key", resource, "cpu", "2026-11", bad],
    ] {
        spoilt.run(&[arguments, if arguments[0] == "layout" { &scope[..0] } else { &scope[..] }].concat());
    }
    let own = [good, bad, book, damaged].map(PathBuf::from);
    spoilt.look_at_files(&own);
    spoilt.ends();
}

#[test]
fn what_is_typed_or_written_wrong_is_shown_and_never_raw() {
    let mut spoilt = Spoilt::new();
    let offering = spoilt.offering();
    let resource = spoilt.resource("climate-alps");
    spoilt.rig.file("usage.csv", table(&resource, true));
    let config = spoilt.rig.folder.path().join("config/waldur-usage/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let evil_key = "\\u001b[31m\\u202e";
    std::fs::write(
        &config,
        format!(
            "[servers.\"na{evil_key}me\"]\nurl = \"http://x{evil_key}y\"\ncurrency = \"{evil_key}\"\n\
             [servers.zone]\nurl = \"http://127.0.0.1:1\"\ntime_zone = \"No{evil_key}where\"\n\
             [servers.file]\nurl = \"http://127.0.0.1:1\"\ntoken_file = \"to{evil_key}ken\"\n\
             [targets.\"na{evil_key}me\"]\nkind = \"postgres\"\nhost = \"127.0.0.1\"\n\
             database = \"d{evil_key}\"\nuser = \"u{evil_key}\"\nport = 1\ntls = \"disable\"\n"
        ),
    )
    .unwrap();
    let rules = format!("[[rule]]\nname = \"a{evil_key}\"\n\"key{evil_key}\" = 1\n");
    spoilt.rig.file("rules.toml", rules);
    spoilt.rig.file("alias.toml", format!("[resources]\n\"a{evil_key}\" = \"b{evil_key}\"\n"));
    spoilt.rig.file("alias-bad.toml", format!("[resou{evil_key}rces]\n"));
    spoilt.rig.file("layout.toml", format!("name = \"a{evil_key}\"\n\"b{evil_key}\" = 1\n"));
    spoilt.rig.file("world.json", "{\"now\": \"\\u001b[31m\\u202e\"}");
    spoilt.rig.file("plan.json", "{\"format\": \"\\u001b[31m\\u202e\"}");
    spoilt.rig.file("rows.csv", format!("uuid,{}\n1,2\n", quoted(EVIL)));
    spoilt.rig.file("page.html", "{{ nothing\u{1b}[31m\u{202e} | x }}");
    let evil = "x\u{1b}[31m\u{202e}\n\u{9b}2J";
    let path = format!("no/{evil}.csv");
    let flag = format!("--{evil}");
    let target = format!("csv:usage.csv/{evil}");
    let [path, flag, target, offering] = [&path, &flag, &target, &offering].map(String::as_str);
    for arguments in [
        &[evil][..],
        &[flag],
        &["check", flag],
        &["check", path],
        &["check", "usage.csv", "--offering", evil],
        &["check", "usage.csv", "--offering", offering, "--project", evil, "--customer", evil],
        &["check", "usage.csv", "--offering", offering, "--period", evil],
        &["check", "usage.csv", "--offering", offering, "--layout", evil],
        &["check", "usage.csv", "--offering", offering, "--layout", "layout.toml"],
        &["check", "usage.csv", "--offering", offering, "--aliases", "alias.toml"],
        &["check", "usage.csv", "--offering", offering, "--aliases", "alias-bad.toml"],
        &["check", "usage.csv", "--offering", offering, "--unit-factor", evil],
        &["check", "usage.csv", "--offering", offering, "--deny", evil],
        &["check", "usage.csv", "--offering", offering, "--ignore-column", evil],
        &["check", "usage.csv", "--offering", offering, "--annotate", path],
        &["check", "usage.csv", "--url", evil],
        &["check", "usage.csv", "--profile", evil],
        &["check", "usage.csv", "--profile", "zone", "--url", "http://127.0.0.1:1"],
        &["check", "usage.csv", "--profile", "na\u{1b}[31m\u{202e}me"],
        &["check", "usage.csv", "--token-file", path],
        &["check", "usage.csv", "--store", path, "--url", "http://127.0.0.1:1"],
        &["runs", "list", "--store", "usage.csv/\u{1b}[31m\u{202e}"],
        &["runs", "show", evil],
        &["resume", evil],
        &["explain", evil],
        &["explain-key", evil, evil, "2026-11", "--offering", offering],
        &["layout", "show", evil],
        &["layout", "suggest", path],
        &["layout", "suggest", "usage.csv", "--column", evil],
        &["list", "--type", evil, "--field", evil],
        &["list", "-o", evil],
        &["list", "--resource", evil],
        &["show", evil],
        &["export", "--period", "2026-10", "--to", evil],
        &["export", "--period", "2026-10", "--to", target],
        &["export", "--period", "2026-10", "--to", "postgres:na\u{1b}[31m\u{202e}me"],
        &["export", "--period", "2026-10", "--to", "postgres:none\u{1b}[31m"],
        &["export", "--period", evil, "--to", "csv:x"],
        &["export", "--period", "2026-10", "--to", "csv:x", "--from", path],
        &["reconcile", "--period", "2026-10", "--offering", offering, "--rules", "rules.toml"],
        &["reconcile", "--period", "2026-10", "--offering", offering, "--tolerance", evil],
        &["reconcile", "--period", "2026-10", "--offering", offering, "--fail-on", evil],
        &["reconcile", "--period", "2026-10", "--offering", offering, "--locale", evil],
        &["reconcile", "--period", "2026-10", "--offering", offering, "-o", evil],
        &[
            "reconcile",
            "--period",
            "2026-10",
            "--offering",
            offering,
            "-o",
            "x.html",
            "--template",
            "page.html",
        ],
        &[
            "reconcile",
            "usage.csv",
            "--period",
            "2026-11",
            "--server-rows",
            "rows.csv",
            "--offering",
            offering,
        ],
        &["plan", "show", "plan.json"],
        &["plan", "show", path],
        &["apply", "plan.json"],
        &["template", "--period", "2026-11", "--offering", offering, "-o", path],
        &["missing", "--period", "2026-11", "--offering", evil],
        &["sandbox", "--world", path],
        &["sandbox", "--world", "world.json"],
        &["sandbox", "--fault", evil],
        &["sandbox", "--capability", evil],
        &["sandbox", "--time-zone", evil],
        &["sandbox", "--listen", evil],
        &["sandbox", "--model", evil],
        &["sandbox", "--state", "usage.csv"],
        &["sandbox", "world", "new", "-o", path],
        &["audit", "verify", "--head", evil],
        &["audit", "export", "--run", evil],
        &["completions", evil],
        &["man", "usage.csv/\u{1b}[31m\u{202e}"],
    ] {
        let run = spoilt.run(arguments);
        if run.code == 0 && !["list", "check"].contains(&arguments[0]) {
            spoilt.wrong.0.push(format!("{arguments:?} worked"));
        }
    }
    spoilt.ends();
}

#[test]
fn what_a_strange_server_answers_is_shown_and_never_raw() {
    let mut wrong = Wrong::default();
    let body = format!("{{\"detail\": {}}}", json!(format!("no{EVIL}")));
    for (status, kind, body) in [
        ("400 Bad", "application/json", body.as_str()),
        ("401 No", "application/json", body.as_str()),
        ("403 No", "application/json", body.as_str()),
        ("500 No", "text/plain", "no\u{1b}[31m\u{202e}\u{9b}2J"),
        ("200 OK", "text/html", "<title>\u{1b}[31m\u{202e}</title>"),
        ("200 OK", "application/json", "{\"uuid\": \"\\u001b[31m\\u202e\"}"),
        ("302 Found\r\nLocation: http://elsewhere/\u{202e}\u{1b}[31m", "text/plain", ""),
    ] {
        let reply = format!(
            "HTTP/1.1 {status}\r\nDate: Fri, 27 Nov 2026 09:00:00 GMT\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let address = answering(reply);
        let folder = tempfile::TempDir::new().unwrap();
        for arguments in [&["doctor"][..], &["list"], &["show", "c27e40b9d8514f6f93ab17e05d6c8f2a"]] {
            let output = command(folder.path())
                .args(arguments)
                .args(["--url", &address])
                .env("WALDUR_ACCESS_TOKEN", "c27e40b9d8514f6f93ab17e05d6c8f2a4b90e3d1")
                .output()
                .unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let run = Run {
                code: output.status.code().unwrap(),
                stdout: text(output.stdout),
                stderr: text(output.stderr),
            };
            wrong.look(arguments, &run);
        }
    }
    assert!(wrong.0.is_empty(), "{}", wrong.0.join("\n"));
}

/// A server that gives every request the same answer.
fn answering(reply: String) -> String {
    use std::io::Write;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = stream.write_all(reply.as_bytes());
        }
    });
    address
}

#[test]
fn the_sandbox_shows_what_stands_in_its_world() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("wor\u{1b}[31m\u{202e}ld.json");
    std::fs::write(&path, serde_json::to_string(&world()).unwrap()).unwrap();
    let mut child = command(folder.path())
        .args(["sandbox", "--listen", "127.0.0.1:0", "--state", "st\u{1b}[31m\u{202e}ate", "--world"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(line.starts_with("http://"), "{}", said.escape_debug());
    for text in [&line, &said] {
        assert_eq!(is_raw(text), None, "{}", text.escape_debug());
    }
}
