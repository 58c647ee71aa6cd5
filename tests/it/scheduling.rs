//! Schedules as their users install them: timers, crontabs, and what is due; with programs in the place of
//! systemd's and cron's that write down what they are told.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use boon::{Compiler, Schemas};
use serde_json::Value;
use tempfile::TempDir;

use crate::rig::{Run, command, has_tool};

const TOKEN: &str = "hunter2hunter2hunter2hunter2";

/// A home folder, with programs of its own before those of the system.
struct Home {
    folder: TempDir,
    program: PathBuf,
}

impl Home {
    fn new() -> Self {
        // The program is linked into some folders, and links stay on one disk.
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let home = Self { folder, program: env!("CARGO_BIN_EXE_waldur-usage").into() };
        fs::create_dir(home.path("bin")).unwrap();
        home.script("systemctl", "echo \"$@\" >> \"$HOME/told\"; [ ! -e \"$HOME/away\" ] || { echo 'Failed to connect to bus' >&2; exit 1; }; [ \"$3\" != is-enabled ] || echo enabled");
        home.script(
            "crontab",
            "case $1 in -l) [ -e \"$HOME/crontab\" ] || { echo 'no crontab for me' >&2; exit 1; }; cat \"$HOME/crontab\";; \
             -) echo written >> \"$HOME/told\"; cat > \"$HOME/crontab\";; *) exit 9;; esac",
        );
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// A file that could be a pipeline.
    fn pipeline(&self, name: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "no pipeline\n").unwrap();
        path.canonicalize().unwrap().to_str().unwrap().to_owned()
    }

    fn command(&self) -> Command {
        let program = if self.program.starts_with(self.folder.path()) { Some(&self.program) } else { None };
        let mut command = command(self.folder.path());
        if let Some(program) = program {
            command = Command::new(program);
            command.env_clear().current_dir(self.folder.path()).env("HOME", self.folder.path());
            command.env("XDG_CONFIG_HOME", self.path("config")).stdin(std::process::Stdio::null());
        }
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        command.env("PATH", path).env("TZ", "UTC").env("WALDUR_ACCESS_TOKEN", TOKEN);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        told(self.command().args(arguments).output().unwrap())
    }

    fn list(&self) -> Vec<Value> {
        self.run(&["schedule", "list", "--format", "json"]).ends_with(0).json().as_array().unwrap().clone()
    }

    /// What the programs were told since it was asked last.
    fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("told")).unwrap_or_default();
        let _ = fs::remove_file(self.path("told"));
        text.lines().map(|line| line.replace("--user --no-pager ", "")).collect()
    }

    /// All files under a folder, with their contents.
    fn files(&self, folder: &str) -> Vec<(PathBuf, String)> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut files: Vec<_> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
            .collect();
        files.sort();
        files
    }

    /// Lets a schedule have been installed long ago.
    fn age(&self) {
        for (path, text) in self.files("config/waldur-usage/schedules") {
            let mut schedule: Value = serde_json::from_str(&text).unwrap();
            schedule["installed"] = "2020-01-01T00:00:00Z".into();
            fs::write(path, schedule.to_string()).unwrap();
        }
    }
}

fn told(output: Output) -> Run {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    Run { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

const UNITS: &str = "config/systemd/user";

#[test]
fn a_program_that_is_called_by_a_link_is_started_by_it() {
    let mut home = Home::new();
    home.program = home.path("bin/waldur-usage");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_waldur-usage"), &home.program).unwrap();
    let pipeline = home.pipeline("night/pipeline.toml");
    home.run(&["schedule", "install", &pipeline, "--at", "daily 02:30"]).ends_with(0);
    let link = home.program.to_str().unwrap().to_owned();
    let starts = |home: &Home| {
        let units = home.files(UNITS);
        let line = units[0].1.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    assert_eq!(starts(&home), link);
    // A shell gives the name alone, and whoever starts a program may give any.
    for (name, started) in [("waldur-usage", link.as_str()), ("sh", env!("CARGO_BIN_EXE_waldur-usage"))] {
        let mut command = home.command();
        std::os::unix::process::CommandExt::arg0(&mut command, name);
        command.args(["schedule", "install", &pipeline, "--at", "daily 02:30"]);
        told(command.output().unwrap()).ends_with(0);
        assert_eq!(starts(&home), started, "called as {name}");
    }
}

#[test]
fn a_timer_is_installed_once_told_when_it_changes_and_taken_away() {
    let home = Home::new();
    let pipeline = home.pipeline("night/pipeline.toml");
    let install = ["schedule", "install", pipeline.as_str(), "--at", "daily 02:30"];
    let first =
        home.run(&install).ends_with(0).says("installed").says("WALDUR_ACCESS_TOKEN is not taken along");
    first.says("02:30 UTC").says("without --yes");
    let files = home.files(UNITS);
    assert_eq!(files.len(), 2);
    let timer = files[1].0.file_name().unwrap().to_str().unwrap().to_owned();
    assert!(
        timer.starts_with("waldur-usage-night-")
            && Path::new(&timer).extension().is_some_and(|own| own == "timer"),
        "{timer}"
    );
    assert_eq!(home.told()[..2], ["daemon-reload".to_owned(), format!("enable --now {timer}")]);
    assert!(files[1].1.contains("\nOnCalendar=*-*-* 02:30:00\nPersistent=true\nRandomizedDelaySec=5min\n"));
    let exec = format!(
        "ExecStart=\"{}\" \"run\" \"{pipeline}\" \"--no-input\"\n",
        env!("CARGO_BIN_EXE_waldur-usage")
    );
    assert!(files[0].1.contains(&exec), "{}", files[0].1);

    home.run(&install).ends_with(0).says("installed like that already; nothing was changed");
    assert_eq!(home.files(UNITS), files);
    assert_eq!(home.list()[0]["troubles"], serde_json::json!([]));

    // Nothing but what is given gets into it, and --yes only where it is.
    let more = [&install[..4], &["weekly mon 07:00", "--yes", "--log", "json", "--store", "kept"]].concat();
    let changed = home.run(&more).ends_with(0);
    assert!(changed.stderr.lines().all(|line| line.starts_with('{')), "{}", changed.all());
    let changed = changed.says("the time was daily 02:30, and is weekly mon 07:00");
    changed.says("--yes was not given, and is given").says("the store was the usual one, and is ");
    let store = home.path("kept").canonicalize().unwrap_or_else(|_| home.path("kept"));
    let exec = format!("\"--no-input\" \"--yes\" \"--store\" \"{}\" \"--log\" \"json\"\n", store.display());
    assert!(home.files(UNITS)[0].1.contains(&exec), "{}", home.files(UNITS)[0].1);

    for (_, text) in home.files(UNITS).iter().chain(&home.files("config/waldur-usage/schedules")) {
        assert!(!text.contains(TOKEN), "{text}");
    }
    home.told();
    fs::write(home.path(UNITS).join("other.timer"), "of somebody else").unwrap();
    home.run(&["schedule", "remove", "night/pipeline.toml"]).ends_with(0).says("removed");
    let told = home.told();
    assert!(
        told.contains(&format!("disable --now {timer}")) && told.contains(&"daemon-reload".to_owned()),
        "{told:?}"
    );
    assert_eq!(home.files(UNITS).len(), 1);
    assert_eq!(home.list(), Vec::<Value>::new());
    home.run(&["schedule", "remove", &pipeline]).ends_with(2).says("does not run by itself");
}

#[test]
fn where_no_manager_answers_it_is_said_what_to_run() {
    let home = Home::new();
    fs::write(home.path("away"), "").unwrap();
    let pipeline = home.pipeline("p.toml");
    let run = home.run(&["schedule", "install", &pipeline, "--at", "daily 02:30"]).ends_with(0);
    let run = run.says("does not answer here").says("systemctl --user daemon-reload");
    run.says("systemctl --user enable --now waldur-usage-p-").says("trouble: the manager of your units");
    assert_eq!(home.files(UNITS).len(), 2);
    // What lets the timer run is a link, which goes with it.
    let wants = home.path(UNITS).join("timers.target.wants");
    fs::create_dir(&wants).unwrap();
    let timer = &home.files(UNITS)[1].0;
    let link = wants.join(timer.file_name().unwrap());
    std::os::unix::fs::symlink(timer, &link).unwrap();
    home.run(&["schedule", "remove", "p.toml"]).ends_with(0).says("systemctl --user stop waldur-usage-p-");
    assert!(home.files(UNITS).is_empty() && !link.is_symlink());
    // Without systemd at all it is said what there is instead.
    fs::remove_file(home.path("bin/systemctl")).unwrap();
    let output = home
        .command()
        .env("PATH", home.path("bin"))
        .args(["schedule", "install", "p.toml", "--at", "daily 02:30"])
        .output();
    told(output.unwrap()).ends_with(2).says("there is no systemd").says("--cron").says("--due");
}

#[test]
fn what_is_not_ours_is_left_alone_and_what_was_changed_is_told() {
    let home = Home::new();
    let pipeline = home.pipeline("p.toml");
    let install = ["schedule", "install", pipeline.as_str(), "--at", "daily 02:30"];
    home.run(&install).ends_with(0);
    let service = home.files(UNITS)[0].clone();
    fs::write(&service.0, format!("{}Nice=19\n", service.1)).unwrap();
    home.run(&["schedule", "list"])
        .ends_with(0)
        .says("trouble: its units were changed; `waldur-usage schedule install");
    home.run(&install).ends_with(0).says("what was missing was written again");
    assert_eq!(home.files(UNITS)[0].1, service.1);
    fs::remove_file(&service.0).unwrap();
    home.run(&["schedule", "list"]).ends_with(0).says("trouble: its units are gone");
    fs::write(&service.0, "[Service]\nExecStart=/bin/true\n").unwrap();
    home.run(&install).ends_with(2).says("was not written by waldur-usage");
    home.run(&["schedule", "remove", &pipeline]).ends_with(2).says("was not written by waldur-usage");
    assert_eq!(fs::read_to_string(&service.0).unwrap(), "[Service]\nExecStart=/bin/true\n");
    fs::remove_file(&service.0).unwrap();
    // A pipeline that is gone is told, and removed by the path that it had.
    fs::remove_file(&pipeline).unwrap();
    home.run(&["schedule", "list"]).ends_with(0).says("trouble: the pipeline is not there any more");
    home.run(&install).ends_with(2).says("p.toml");
    home.run(&["schedule", "remove", "p.toml"]).ends_with(0).says("removed");
    assert!(home.files(UNITS).is_empty() && home.files("config/waldur-usage/schedules").is_empty());
}

#[test]
fn times_and_paths_that_cannot_be_are_refused_before_anything_is_written() {
    let home = Home::new();
    let pipeline = home.pipeline("p.toml");
    let mut wrong = vec![
        ("daily", "say when"),
        ("daily 25:00", "no time of day"),
        ("0 0 30 2 *", "no such day"),
        ("* * * * * *; rm", "character that no OnCalendar has"),
        ("2020-01-01 00:00:00", "never"),
    ];
    if has_tool("systemd-analyze") {
        wrong.extend([("whenever", "systemd-analyze says"), ("*-02-30 00:00:00", "never comes")]);
    }
    for (at, why) in wrong {
        home.run(&["schedule", "install", &pipeline, "--at", at]).ends_with(2).says(why);
    }
    home.run(&["schedule", "install", "none.toml", "--at", "daily 02:30"]).ends_with(2).says("none.toml");
    home.run(&["schedule", "install", ".", "--at", "daily 02:30"]).ends_with(2).says("is no file");
    let broken = home.pipeline("a\nExecStartPre=x.toml");
    let run = home.run(&["schedule", "install", &broken, "--at", "daily 02:30"]).ends_with(2);
    run.says("line break").says("a\\nExecStartPre=x.toml");
    let token = ["schedule", "install", &pipeline, "--at", "daily 02:30", "--token-file", "t"];
    home.run(&token).ends_with(2).says("takes no token along");
    let last = ["schedule", "install", &pipeline, "--at", "monthly last 22:00", "--cron"];
    home.run(&last).ends_with(2).says("cron has no word for `monthly last 22:00`");
    assert!(home.told().is_empty() && home.files(UNITS).is_empty());
    assert!(!home.path("config/waldur-usage/schedules").exists());
}

#[test]
fn systemd_agrees_with_units_of_hostile_paths() {
    if !has_tool("systemd-analyze") {
        return;
    }
    let mut home = Home::new();
    let programs = home.path("100% of $HOME, ${PATH} and é; x");
    fs::create_dir(&programs).unwrap();
    home.program = programs.join("waldur-usage");
    fs::hard_link(env!("CARGO_BIN_EXE_waldur-usage"), &home.program).unwrap();
    for (number, name) in [
        "plain.toml",
        "with blanks.toml",
        "%h %% 100%.toml",
        "$HOME ${PATH} $$.toml",
        "\"a\" 'b' \\c\\.toml",
        "; rm -rf ~ #.toml",
        "é ö.toml",
    ]
    .into_iter()
    .enumerate()
    {
        let pipeline = home.pipeline(&format!("{number} %t/{name}"));
        let at = ["monthly last 22:00", "0 6 1,15 * fri", "*-*-01 06:00 Europe/Tallinn"][number % 3];
        let arguments = ["schedule", "install", &pipeline, "--at", at, "--store", "s %n \"$1\""];
        home.run(&arguments).ends_with(0);
    }
    let files = home.files(UNITS);
    assert_eq!(files.len(), 14);
    let verified = Command::new("systemd-analyze")
        .args(["--user", "verify"])
        .args(files.iter().map(|(path, _)| path))
        .env("XDG_RUNTIME_DIR", home.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("waldur"), "{said}");
    // It does look: a program that is not there is named, with its path as it is.
    fs::remove_file(&home.program).unwrap();
    let verified = Command::new("systemd-analyze")
        .args(["--user", "verify"])
        .arg(&files[0].0)
        .env("XDG_RUNTIME_DIR", home.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(!verified.status.success() && said.contains(home.program.to_str().unwrap()), "{said}");
    // A program that systemd cannot start is refused.
    let quoted = home.path("it's");
    fs::create_dir(&quoted).unwrap();
    home.program = quoted.join("waldur-usage");
    fs::hard_link(env!("CARGO_BIN_EXE_waldur-usage"), &home.program).unwrap();
    let pipeline = home.pipeline("last.toml");
    home.run(&["schedule", "install", &pipeline, "--at", "daily 02:30"])
        .ends_with(2)
        .says("systemd starts no program");
}

#[test]
fn a_crontab_keeps_the_lines_of_others_byte_for_byte() {
    let home = Home::new();
    let others = b"MAILTO=me\n# \xff\n*/5 * * * * echo 50% off".to_vec();
    fs::write(home.path("crontab"), &others).unwrap();
    let pipeline = home.pipeline("100% 'of' it/p.toml");
    let install = ["schedule", "install", pipeline.as_str(), "--at", "weekdays 07:00", "--cron"];
    home.run(&install).ends_with(0).says("installed");
    assert_eq!(home.told(), ["written"]);
    let written = fs::read(home.path("crontab")).unwrap();
    assert!(written.starts_with(&others));
    let text = String::from_utf8_lossy(&written).into_owned();
    let line = text.lines().find(|line| line.starts_with("0 7 * * 1-5 ")).unwrap();
    assert!(line.contains(r"/100\% '\''of'\'' it/p.toml' --no-input") && !text.contains(TOKEN), "{line}");
    home.run(&install).ends_with(0).says("nothing was changed");
    assert!(home.told().is_empty());
    assert_eq!(home.list()[0]["troubles"], serde_json::json!([]));
    // The way by which it is started may change; the old one goes.
    home.run(&install[..5]).ends_with(0).says("what starts it was cron, and is systemd");
    let expected = [others.as_slice(), b"\n"].concat();
    assert_eq!(fs::read(home.path("crontab")).unwrap(), expected);
    assert_eq!(home.files(UNITS).len(), 2);
    home.run(&install).ends_with(0).says("what starts it was systemd, and is cron");
    assert!(home.files(UNITS).is_empty());
    home.run(&["schedule", "remove", &pipeline]).ends_with(0);
    assert_eq!(fs::read(home.path("crontab")).unwrap(), expected);
    // One that cannot be read is not taken for an empty one.
    home.script("crontab", "echo 'you are not allowed to use this program' >&2; exit 1");
    home.run(&install).ends_with(2).says("you are not allowed");
    assert_eq!(fs::read(home.path("crontab")).unwrap(), expected);
}

#[test]
fn what_is_due_runs_once_and_what_runs_is_not_begun_again() {
    let home = Home::new();
    let (one, two) = (home.pipeline("one.toml"), home.pipeline("two.toml"));
    for pipeline in [&one, &two] {
        home.run(&["schedule", "install", pipeline, "--at", "daily 02:30", "--due"])
            .ends_with(0)
            .says("schedule due");
    }
    home.run(&["schedule", "due"]).ends_with(0).says("nothing is due");
    home.age();
    // The turn of the second one is somebody else's.
    let name = home.list()[1]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("two-"), "{name}");
    let lock = home.path(".local/share/waldur-usage").join(format!("store.sqlite.schedule-{name}.lock"));
    fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let turn = fs::File::create(&lock).unwrap();
    turn.lock().unwrap();
    // What stands in the files is no pipeline, so that it ends with 2.
    let run = home.run(&["schedule", "due"]).ends_with(2).says("due since 2020-01-01 02:30 UTC, runs ");
    run.says("two-").says("runs already");
    drop(turn);
    let run = home.run(&["schedule", "due", "--format", "json"]).ends_with(2);
    let json = run.json();
    assert_eq!(
        (json.as_array().unwrap().len(), &json[0]["pipeline"], &json[0]["code"]),
        (1, &two.into(), &2.into())
    );
    home.run(&["schedule", "due"]).ends_with(0).says("nothing is due");
    for line in home.list() {
        assert_eq!((&line["last"]["code"], &line["last"]["status"]), (&2.into(), &"usage".into()));
    }
    // One that was cut short is due again.
    let memory = lock.with_extension("json");
    fs::write(&memory, r#"{"started":"2026-01-01T00:00:00Z"}"#).unwrap();
    assert_eq!(home.list()[1]["last"]["status"], "cut short");
    home.run(&["schedule", "due"]).ends_with(2).says("due since 2026-01-01 00:00 UTC");
    home.run(&["schedule", "remove", &one]).ends_with(0);
    home.run(&["schedule", "remove", &name]).ends_with(0);
    assert!(!memory.exists() && home.list().is_empty());
}

#[test]
fn a_pipeline_that_posts_nothing_needs_no_word_of_yes() {
    let home = Home::new();
    let path = home.pipeline("night.toml");
    let text = "name = \"night\"\nserver = \"main\"\nperiod = \"open\"\n";
    let install = ["schedule", "install", &path, "--at", "daily 02:30", "--due"];
    fs::write(&path, format!("{text}[export]\nto = [\"csv:out\"]\n")).unwrap();
    let run = home.run(&install).ends_with(0);
    assert!(!run.stderr.contains("--yes"), "{}", run.all());
    fs::write(&path, format!("{text}[input]\nfiles = [\"a.csv\"]\n[post]\n")).unwrap();
    home.run(&install).ends_with(0).says("without --yes a pipeline that posts stops before it does");
}

#[test]
fn the_list_is_what_its_schema_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let mut schema =
        |name: &str| compiler.compile(folder.join(name).to_str().unwrap(), &mut schemas).unwrap();
    let (schema, of_due) = (schema("schedules.schema.json"), schema("schedule-due.schema.json"));
    let home = Home::new();
    let mut documents = vec![home.run(&["schedule", "list", "--format", "json"]).json()];
    for (name, flags) in
        [("a.toml", &["--yes", "--store", "s"][..]), ("b.toml", &["--cron"]), ("c.toml", &["--due"])]
    {
        let pipeline = home.pipeline(name);
        let arguments = ["schedule", "install", &pipeline, "--at", "daily 02:30", "--format", "json"];
        documents.push(home.run(&[&arguments[..], flags].concat()).ends_with(0).json());
    }
    home.age();
    let due = home.run(&["schedule", "due", "--format", "json"]).ends_with(2).json();
    assert!(due.as_array().unwrap().len() == 2 && schemas.validate(&due, of_due).is_ok(), "{due:#}");
    documents.push(home.run(&["schedule", "list", "--format", "json"]).json());
    documents.push(home.run(&["schedule", "remove", "c.toml", "--format", "json"]).json());
    for document in &documents {
        if let Err(error) = schemas.validate(document, schema) {
            panic!("{error:#}\n{document:#}");
        }
    }
    for (pointer, value) in
        [("/0/by", "launchd"), ("/0/name", "a b"), ("/0/next", "tomorrow"), ("/0/log", "xml")]
    {
        let mut changed = documents[1].clone();
        *changed.pointer_mut(pointer).unwrap() = value.into();
        assert!(schemas.validate(&changed, schema).is_err(), "{pointer}");
    }
}
