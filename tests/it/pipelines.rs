//! Pipelines: the shipped ones end to end, what is resumed after a kill, and what means harm.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boon::{Compiler, Schemas};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use waldur_usage::sandbox::FaultKind;

use crate::proxy;
use crate::rig::{HPC, Rig, Run, command};
use crate::runs::{ROWS, state};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The user's own file: the sandbox as `main`.
pub fn configure(rig: &Rig, more: &str) {
    let folder = rig.folder.path().join("config/waldur-usage");
    fs::create_dir_all(&folder).unwrap();
    let url = rig.url();
    let offerings = "offerings = [\"HPC allocation\", \"Research data storage\"]";
    let text = format!("[servers.main]\nurl = \"{url}\"\n{offerings}\n{more}\n");
    fs::write(folder.join("config.toml"), text).unwrap();
}

/// A folder with a shipped pipeline in it, and files beside it.
fn shipped(rig: &Rig, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = rig.folder.path().join("month-end");
    fs::create_dir_all(&folder).unwrap();
    let template = rig.run(&["pipeline", "show", name]).ends_with(0).stdout;
    let own = fs::read_to_string(Path::new(ROOT).join(format!("templates/pipelines/{name}.toml"))).unwrap();
    assert_eq!(template, own);
    fs::write(folder.join("pipeline.toml"), template).unwrap();
    for (sample, place) in files {
        let place = folder.join(place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(Path::new(ROOT).join("samples").join(sample), place).unwrap();
    }
    folder
}

pub const FILE: &str = "month-end/pipeline.toml";

/// Every file below a folder with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Whether a document is as its schema says.
fn holds(schema: &str, document: &Value) {
    let path = Path::new(ROOT).join("docs/schema").join(schema);
    let mut compiler = Compiler::new();
    let mut schemas = Schemas::new();
    let index = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    if let Err(error) = schemas.validate(document, index) {
        panic!("{error:#}\n{document:#}");
    }
}

/// The runs of pipelines, the newest first.
pub fn pipeline_runs(rig: &Rig) -> Vec<Value> {
    let listed = rig.run(&["runs", "list", "--format", "json"]).ends_with(0).json();
    let listed = listed.as_array().unwrap().clone();
    listed.into_iter().filter(|run| run["command"] == "run").collect()
}

pub fn id_of(run: &Value) -> String {
    run["run"].as_str().unwrap().to_owned()
}

/// Each step with its state.
pub fn steps(run: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    run["steps"].as_array().unwrap().iter().map(|step| (text(&step["step"]), text(&step["state"]))).collect()
}

/// Writes a pipeline into the folder of the rig.
pub fn pipeline(rig: &Rig, text: &str) {
    fs::create_dir_all(rig.folder.path().join("month-end/usage")).unwrap();
    rig.file(FILE, text);
}

/// A file of a few rows where the pipelines of the tests look for it.
pub fn rows(rig: &Rig, rows: &[&str]) {
    fs::create_dir_all(rig.folder.path().join("month-end/usage")).unwrap();
    let header = "resource_name,billing_period,component_type,amount";
    rig.file("month-end/usage/usage.csv", format!("{header}\n{}\n", rows.join("\n")));
}

pub const UPLOAD: &str = "name = \"upload\"\nserver = \"main\"\nperiod = \"open\"\n\
    [input]\nfiles = [\"usage/*.csv\"]\n[post]\n\
    [report]\nout = [\"reports/{period}.json\"]\nfail_on = [\"class:amount\"]\n[export]\nto = [\"csv:warehouse\"]\n";

/// `UPLOAD` on a sandbox with a file of a few rows.
pub fn upload() -> Rig {
    let rig = Rig::new();
    configure(&rig, "");
    pipeline(&rig, UPLOAD);
    rows(&rig, &ROWS);
    rig
}

/// The whole month, which passes the guards.
pub fn whole_world(rig: &Rig) {
    fs::copy(
        Path::new(ROOT).join("samples/usage-2026-11-long.csv"),
        rig.folder.path().join("month-end/usage/usage.csv"),
    )
    .unwrap();
}

#[test]
fn the_month_end_upload_posts_once_proves_and_reports() {
    let rig = Rig::new();
    configure(&rig, "");
    let folder = shipped(&rig, "month-end-upload", &[("usage-2026-11-long.xlsx", "usage/november.xlsx")]);
    rig.run(&["pipeline", "check", FILE]).ends_with(0).says("check, then plan, then post, then report");
    assert!(rig.sandbox.requests().is_empty(), "a check asks no server");
    let before = files(&folder);
    let dry = rig.run(&["run", FILE, "--dry-run"]).says("a dry run: nothing was posted");
    assert!(dry.code <= 1, "{}", dry.all());
    dry.says("would write reports/2026-11-posted.xlsx").says("step 2 of 4, plan");
    assert_eq!((rig.posts(), files(&folder)), (0, before));
    assert!(pipeline_runs(&rig).is_empty(), "a dry run is no run");
    // Nobody can be asked.
    rig.run(&["run", FILE]).ends_with(2).says("nobody can be asked whether to post").says("--yes");
    assert_eq!(rig.posts(), 0);
    assert!(!folder.join("reports").exists());

    let run = rig.run(&["run", FILE, "--yes"]).ends_with(0).says("verified").says("Agrees");
    run.says("step 4 of 4, report");
    // What is stored is what the file says.
    let planned = rig.run(&["plan", "month-end/usage/november.xlsx", "--exit-code"]);
    planned.ends_with(0).says("nothing to do");
    assert!(folder.join("reports/2026-11-posted.xlsx").is_file());
    assert!(folder.join("results/2026-11/applied.xlsx").is_file());
    let shown = &pipeline_runs(&rig)[0];
    let over = ["check", "plan", "post", "report"].map(|step| (step.to_owned(), "done".to_owned()));
    assert_eq!(steps(shown), over);
    assert_eq!(shown["steps"][2]["facts"]["breaks"], 0);
    assert!(shown["steps"][2]["facts"]["rows"].as_u64().unwrap() > 10, "{shown:#}");

    let (posts, stored) = (rig.posts(), state(&rig));
    let again = rig.run(&["run", FILE, "--yes"]).ends_with(0).says("nothing to do");
    assert_eq!((rig.posts(), state(&rig)), (posts, stored), "{}", again.all());
}

#[test]
fn the_month_end_reconciliation_reports_what_differs_and_replaces_its_own_reports() {
    let rig = Rig::new();
    configure(&rig, "");
    let statement = [("statement-2026-10.csv", "statements/statement-2026-10.csv")];
    let folder = shipped(&rig, "month-end-reconciliation", &statement);
    let staff = rig.token("staff");
    let run = rig.run_as(&staff, &["run", FILE]).ends_with(1);
    let reconciled = rig.run_as(
        &staff,
        &[
            "reconcile",
            "month-end/statements/statement-2026-10.csv",
            "--offering",
            HPC,
            "--period",
            "2026-10",
            "--invoices",
            "--tolerance",
            "money=0.02",
            "--format",
            "json",
        ],
    );
    let sentence = reconciled.json()["verdict"]["sentence"].as_str().unwrap().to_owned();
    run.says(&sentence);
    for name in ["2026-10.xlsx", "2026-10.html", "2026-10.json"] {
        assert!(folder.join("reports").join(name).is_file(), "{name}");
    }
    let written: Value =
        serde_json::from_slice(&fs::read(folder.join("reports/2026-10.json")).unwrap()).unwrap();
    assert_eq!(written["verdict"]["sentence"], sentence);
    let shown = &pipeline_runs(&rig)[0];
    let facts = &shown["steps"][0]["facts"];
    assert_eq!(facts["breaks"], written["verdict"]["breaks"]);
    assert_eq!(facts["money"][0]["currency"], "EUR");
    assert_eq!((shown["state"].as_str(), shown["code"].as_u64()), (Some("differences"), Some(1)));
    // The month before the open one is named by the server's clock; another may be asked for.
    rig.run_as(&staff, &["run", FILE, "--period", "2026-09"]).ends_with(2).says("2026-09");
    rig.run_as(&staff, &["run", FILE]).ends_with(1);
    assert_eq!(rig.posts(), 0);
    let list = rig.run(&["runs", "list"]).ends_with(0);
    let list = list.says("run month-end-reconciliation").says("differences").says("took");
    assert_eq!(list.stdout.lines().count(), 4, "what ended before its first step is listed\n{}", list.all());
}

#[test]
fn the_nightly_export_writes_nothing_the_second_time() {
    let rig = Rig::new();
    configure(&rig, "");
    let folder = shipped(&rig, "nightly-export", &[]);
    rig.run(&["run", FILE, "--dry-run"]).ends_with(0).says("would write parquet:warehouse/parquet");
    assert!(!folder.join("warehouse").exists());
    rig.run(&["run", FILE]).ends_with(0).says("published");
    let first = files(&folder);
    assert!(first.keys().any(|path| path.extension().is_some_and(|ending| ending == "parquet")));
    let exported = rig.run(&["export", "--period", "last-month..open", "--to", "csv:by-hand"]).ends_with(0);
    drop(exported);
    let csv = |root: PathBuf| -> Vec<Vec<u8>> {
        let found = files(&root).into_iter();
        found
            .filter(|(path, _)| path.extension().is_some_and(|ending| ending == "csv"))
            .map(|own| own.1)
            .collect()
    };
    assert_eq!(csv(folder.join("warehouse/csv")), csv(rig.folder.path().join("by-hand")));
    rig.run(&["run", FILE]).ends_with(0).says("unchanged");
    assert_eq!(files(&folder), first, "the second run writes nothing");
}

#[test]
fn who_has_not_reported_is_listed_and_filled_in() {
    let rig = Rig::new();
    configure(&rig, "");
    let folder = shipped(&rig, "who-has-not-reported", &[]);
    let run = rig.run(&["run", FILE]).ends_with(1);
    let missing = rig.run(&["missing", "--offering", HPC, "--period", "2026-11", "--format", "json"]);
    let gaps = missing.ends_with(0).json()["gaps"].as_array().unwrap().len();
    assert!(gaps > 0);
    let listed = fs::read_to_string(folder.join("missing/2026-11.csv")).unwrap();
    assert_eq!(listed.lines().count(), gaps + 1, "{}", run.all());
    assert_eq!(pipeline_runs(&rig)[0]["steps"][0]["facts"]["breaks"], gaps);
    rig.run(&["plan", "month-end/missing/2026-11-to-fill-in.xlsx"])
        .ends_with(3)
        .says(&format!("{gaps} blank"));
    rig.run(&["run", FILE]).ends_with(1);
    assert_eq!(rig.posts(), 0);
}

/// What kills the program at a request.
#[derive(Default)]
struct Killer {
    seen: AtomicUsize,
    at: AtomicUsize,
    victim: Mutex<Option<Pid>>,
}

/// Runs `UPLOAD` and kills it when its request of this number has arrived; whether it was killed.
fn killed_at(rig: &Rig, number: usize) -> (bool, usize) {
    let killer = Arc::new(Killer { at: AtomicUsize::new(number), ..Killer::default() });
    let strikes = killer.clone();
    let front = proxy::start(
        &rig.sandbox.url(),
        move |request| {
            if strikes.seen.fetch_add(1, Ordering::SeqCst) != strikes.at.load(Ordering::SeqCst) {
                return;
            }
            loop {
                if let Some(pid) = *strikes.victim.lock().unwrap() {
                    let _ = kill_process(pid, Signal::KILL);
                    request.swallow();
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        },
        |_, _| {},
    );
    let mut child = command(rig.folder.path())
        .env("WALDUR_API_URL", front)
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(["run", FILE, "--yes", "--connections", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    *killer.victim.lock().unwrap() = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let was_killed = child.wait().unwrap().code().is_none();
    (was_killed, killer.seen.load(Ordering::SeqCst))
}

#[test]
fn a_run_that_is_killed_anywhere_goes_on_at_the_first_step_that_did_not_end() {
    let whole = upload();
    whole_world(&whole);
    let (was_killed, requests) = killed_at(&whole, usize::MAX);
    assert!(!was_killed && requests > 20, "{requests}");
    let wanted = state(&whole);
    let report = files(&whole.folder.path().join("month-end/warehouse"));
    let mut begun_at = std::collections::BTreeSet::new();
    // Evenly over the run, and each time a little aside, so that no step is missed.
    for number in (0..14).map(|at| at * requests / 14 + at % 3) {
        let rig = upload();
        whole_world(&rig);
        // The store knows the server by its address, which is another one for each front.
        let (was_killed, _) = killed_at(&rig, number);
        assert!(was_killed, "request {number} of {requests}");
        let runs = pipeline_runs(&rig);
        let Some(begun) = runs.first() else {
            rig.run(&["run", FILE, "--yes"]).ends_with(0);
            assert_eq!(state(&rig), wanted, "request {number}");
            continue;
        };
        assert_eq!(begun["state"], "not ended");
        let before = steps(begun);
        let open = before.iter().find(|(_, state)| state != "done").unwrap();
        begun_at.insert(open.0.clone());
        // What it ended before is not done again.
        let front = begun["server"].as_str().unwrap().trim_end_matches('/').to_owned();
        let posts = rig.posts();
        let resumed = at(&rig, &front, &["resume", &id_of(begun)]);
        assert_eq!(resumed.code, 0, "request {number}, {before:?}\n{}", resumed.all());
        if open.0 == "report" || open.0 == "export" {
            assert_eq!(rig.posts(), posts, "request {number}");
        }
        assert_eq!(state(&rig), wanted, "request {number}\n{}", resumed.all());
        let folder = rig.folder.path().join("month-end");
        assert!(folder.join("reports/2026-11.json").is_file(), "request {number}");
        assert_eq!(files(&folder.join("warehouse")).len(), report.len(), "request {number}");
        let runs = pipeline_runs(&rig);
        assert_eq!(runs.len(), 1);
        assert!(steps(&runs[0]).iter().all(|(_, state)| state == "done"), "{:#}", runs[0]);
        let posts = rig.posts();
        fs::remove_dir_all(folder.join("reports")).unwrap();
        at(&rig, &front, &["run", FILE, "--yes"]).ends_with(0).says("nothing to do");
        assert_eq!(rig.posts(), posts, "a second run posts nothing");
    }
    assert!(begun_at.len() >= 4, "kills between and in the steps: {begun_at:?}");
}

/// Runs the program at the address of a front, which hinders nothing any more: what was exported is of the
/// server at that address, and so is the run.
fn at(rig: &Rig, front: &str, arguments: &[&str]) -> Run {
    let output = command(rig.folder.path())
        .env("WALDUR_API_URL", front)
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_posting_step_that_was_stopped_is_resumed_like_any_run() {
    let rig = upload();
    whole_world(&rig);
    rig.inject("POST", "set_usage", 3, usize::MAX, FaultKind::DropBeforeCommit);
    let run = rig.run(&["run", FILE, "--yes", "--connections", "1"]).ends_with(5);
    run.says("`waldur-usage resume ");
    let begun = &pipeline_runs(&rig)[0];
    assert_eq!(steps(begun)[2], ("post".into(), "partial, can be resumed".into()));
    assert_eq!(steps(begun)[3].1, "not begun");
    rig.sandbox.clear_faults();
    let posts = rig.posts();
    // The run that posts is a step of it, and the latest that is not over.
    rig.run(&["resume"]).ends_with(0).says("verified").says("step 4 of 5, report");
    assert!(rig.posts() > posts);
    let over = &pipeline_runs(&rig)[0];
    assert_eq!(over["state"], "done");
    let own = over["steps"][2]["facts"]["run"].as_str().unwrap();
    let shown = rig.run(&["runs", "show", own]).ends_with(0);
    shown.says(&format!("step of    {}", id_of(over)));
    rig.run(&["runs", "show", &id_of(over)]).ends_with(0).says("pipeline   upload").says("warehouse");
    rig.run(&["resume", &id_of(over)]).ends_with(2).says("is over");
    rig.run(&["resume"]).ends_with(0).says("nothing to resume");
    // What a pipeline's run is asked for that only one that posts can tell.
    rig.run(&["undo", &id_of(over), "--yes"]).ends_with(2).says(own);
}

#[test]
fn a_later_step_that_fails_after_a_post_ends_with_5_and_is_taken_up_alone() {
    let rig = upload();
    whole_world(&rig);
    // A file stands where a folder is to be made.
    rig.file("month-end/reports", "in the way");
    rig.run(&["run", FILE, "--yes"]).ends_with(5).says("reports");
    let begun = &pipeline_runs(&rig)[0];
    let states: Vec<String> = steps(begun).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["done", "done", "done", "usage, can be resumed", "not begun"]);
    fs::remove_file(rig.folder.path().join("month-end/reports")).unwrap();
    // What was read may be gone by now: it is not read again for a step that is over.
    let posts = rig.posts();
    let run = rig.run(&["resume", &id_of(begun)[..8]]).ends_with(0);
    assert!(!run.stdout.contains("step 3"), "{}", run.all());
    assert_eq!(rig.posts(), posts);
    assert_eq!(pipeline_runs(&rig)[0]["code"], 0);
}

#[test]
fn a_run_that_finds_no_server_is_in_the_list_and_is_over() {
    let rig = upload();
    rig.run(&["run", FILE, "--yes", "--url", "http://127.0.0.1:1/api/"]).ends_with(6);
    let run = &pipeline_runs(&rig)[0];
    holds("pipeline-run.schema.json", run);
    assert_eq!((&run["state"], &run["code"], &run["period"]), (&"server".into(), &6.into(), &"open".into()));
    assert!(steps(run).iter().all(|(_, state)| state == "not begun"), "{run}");
    rig.run(&["resume", &id_of(run), "--url", "http://127.0.0.1:1/api/"]).ends_with(2).says("is over");
}

#[test]
fn a_pipeline_that_changed_is_not_resumed() {
    let rig = upload();
    whole_world(&rig);
    rig.file("month-end/reports", "in the way");
    rig.run(&["run", FILE, "--yes"]).ends_with(5);
    fs::remove_file(rig.folder.path().join("month-end/reports")).unwrap();
    let id = id_of(&pipeline_runs(&rig)[0]);
    pipeline(&rig, &UPLOAD.replace("warehouse", "elsewhere"));
    rig.run(&["resume", &id]).ends_with(2).says("has changed since the run began");
    pipeline(&rig, UPLOAD);
    rig.run(&["resume", &id]).ends_with(0);
}

#[test]
fn two_runs_of_one_pipeline_at_a_time_are_refused() {
    let rig = upload();
    whole_world(&rig);
    let second = Arc::new(Mutex::new(None::<(Option<i32>, String)>));
    let told = second.clone();
    let (folder, token, upstream) = (rig.folder.path().to_owned(), rig.token("owner"), rig.sandbox.url());
    let front = proxy::start(
        &rig.sandbox.url(),
        move |_| {
            let mut told = told.lock().unwrap();
            if told.is_none() {
                let output = command(&folder)
                    .env("WALDUR_API_URL", &upstream)
                    .env("WALDUR_ACCESS_TOKEN", &token)
                    .args(["run", FILE, "--yes"])
                    .output()
                    .unwrap();
                *told = Some((output.status.code(), String::from_utf8(output.stderr).unwrap()));
            }
        },
        |_, _| {},
    );
    let rig = rig.through(&front);
    rig.run(&["run", FILE, "--yes"]).ends_with(0);
    let (code, said) = second.lock().unwrap().clone().unwrap();
    assert_eq!(code, Some(8), "{said}");
    assert!(said.contains("of this pipeline goes on since"), "{said}");
    assert_eq!(pipeline_runs(&rig).len(), 1);
}

#[test]
fn guards_and_findings_are_made_stricter_and_never_loosened() {
    let rig = upload();
    whole_world(&rig);
    pipeline(&rig, &UPLOAD.replace("[post]", "[checks.guards]\nmax_money = 0.01\n[post]"));
    let run = rig.run(&["run", FILE, "--yes"]).ends_with(4);
    run.says("a pipeline takes no such flag");
    assert_eq!(rig.posts(), 0);
    assert_eq!(steps(&pipeline_runs(&rig)[0])[1].1, "refused, can be resumed");

    // Looser than the profile, whichever that is.
    let loose = UPLOAD.replace("[post]", "[checks.guards]\nzeroed_percent = 50\nlowered_rows = 20\n[post]");
    pipeline(&rig, &loose);
    let line = 1 + loose.lines().position(|line| line.starts_with("zeroed")).unwrap();
    for arguments in [&["run", FILE, "--yes"][..], &["run", FILE, "--dry-run"], &["pipeline", "check", FILE]]
    {
        let said = rig
            .run(arguments)
            .ends_with(2)
            .says(&format!("line {line}: zeroed_percent is 20.00, and 50 is not stricter"));
        assert!(!said.all().contains("lowered_rows is"), "as strict is fine");
    }
    configure(
        &rig,
        "[servers.main.guards]\nlowered_rows = 3\nzeroed_percent = 60\n[policy]\nspike = \"deny\"\n",
    );
    rig.run(&["pipeline", "check", FILE]).ends_with(2).says("lowered_rows is 3, and 20 is not stricter");
    pipeline(&rig, &UPLOAD.replace("[post]", "[checks]\nwarn = [\"spike\"]\n[post]"));
    rig.run(&["pipeline", "check", FILE]).ends_with(2).says("spike is at deny in your settings");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_finding_that_is_graver_here_ends_the_run_before_the_plan() {
    let rig = upload();
    rows(&rig, &["climate-alps,2026-11,cpu,7.5", "climate-alps,2026-11,cpu,-1"]);
    let run = rig.run(&["run", FILE, "--yes", "--format", "json"]).ends_with(3);
    let document = run.json();
    holds("pipeline-run.schema.json", &document);
    assert_eq!(steps(&document)[0], ("check".into(), "denied, can be resumed".into()));
    // What the command of the step prints stands in it.
    holds("findings.schema.json", &document["steps"][0]["documents"][0]);
    assert!(document["steps"][0]["documents"][0]["findings"].to_string().contains("negative-amount"));
    assert_eq!(rig.posts(), 0);
    // Mended, the same run goes on.
    whole_world(&rig);
    rig.run(&["resume", &id_of(&document)]).ends_with(0).says("verified");
}

#[test]
fn documents_are_as_their_schemas_say() {
    let rig = upload();
    whole_world(&rig);
    let checked = rig.run(&["pipeline", "check", FILE, "--format", "json"]).ends_with(0).json();
    holds("pipeline-check.schema.json", &checked);
    assert_eq!(checked["steps"].as_array().unwrap().len(), 5);
    rig.run(&["run", FILE, "--dry-run", "--format", "json"]).json();
    let run = rig.run(&["run", FILE, "--yes", "--format", "json"]).ends_with(0).json();
    holds("pipeline-run.schema.json", &run);
    holds("reconciliation.schema.json", &run["steps"][3]["documents"][0]);
    holds("export.schema.json", &run["steps"][4]["documents"][0]);
    let shown = rig.run(&["runs", "show", &id_of(&run), "--format", "json"]).ends_with(0).json();
    holds("pipeline-run.schema.json", &shown);
    for listed in pipeline_runs(&rig) {
        holds("pipeline-run.schema.json", &listed);
    }
    rig.file(FILE, "nam = 1\n");
    let faulty = rig.run(&["pipeline", "check", FILE, "--format", "json"]).ends_with(2).json();
    holds("pipeline-check.schema.json", &faulty);
    assert_eq!((&faulty["ok"], &faulty["faults"][0]["hint"]), (&false.into(), &"did you mean name?".into()));
    let list = rig.run(&["pipeline", "list"]).ends_with(0);
    assert_eq!(list.stdout.lines().count(), 5, "{}", list.all());
    rig.run(&["pipeline", "show", "nightly-exports"]).ends_with(2).says("did you mean nightly-export?");
}

#[test]
fn a_pipeline_that_means_harm_moves_no_token_and_starts_nothing() {
    let rig = upload();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let elsewhere = format!("http://{}", listener.local_addr().unwrap());
    let touched = rig.folder.path().join("touched");
    let token = rig.token("owner");
    for line in [
        format!("url = \"{elsewhere}\""),
        format!("api_url = \"{elsewhere}\""),
        format!("webhook = \"{elsewhere}\""),
        format!("command = [\"touch\", \"{}\"]", touched.display()),
        format!("token_command = [\"touch\", \"{}\"]", touched.display()),
        "token_file = \"/etc/hostname\"".to_owned(),
        format!("server = \"{elsewhere}\""),
        "server = \"other\"".to_owned(),
        "title = \"${WALDUR_ACCESS_TOKEN}\"".to_owned(),
        format!("[servers.main]\nurl = \"{elsewhere}\""),
        "[unknown]\nout = \"a.xlsx\"".to_owned(),
    ] {
        let text = UPLOAD.replace("server = \"main\"\n", "");
        let text = if line.starts_with('[') { format!("{text}{line}\n") } else { format!("{line}\n{text}") };
        pipeline(&rig, &text);
        for arguments in [&["run", FILE, "--yes"][..], &["pipeline", "check", FILE]] {
            let run = rig.run(arguments).ends_with(2);
            assert!(!run.all().contains(&token), "{}", run.all());
            run.says("pipeline.toml");
        }
    }
    let (key, value) =
        ("out = [\"reports/{period}.json\"]", "out = [\"reports/${WALDUR_ACCESS_TOKEN}.json\"]");
    pipeline(&rig, &UPLOAD.replace(key, value));
    rig.run(&["run", FILE, "--yes"]).ends_with(2).says("named like a secret");
    assert!(listener.accept().is_err(), "nothing was sent elsewhere");
    assert!(!touched.exists());
    assert!(rig.sandbox.requests().is_empty(), "nor was the server asked");
    assert!(!rig.folder.path().join("month-end/reports").exists());
}

#[cfg(unix)]
#[test]
fn a_folder_with_links_that_lead_out_is_written_to_by_no_step() {
    use std::os::unix::fs::symlink;
    let rig = upload();
    whole_world(&rig);
    let outside = rig.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    for link in ["reports", "warehouse", "results"] {
        let place = rig.folder.path().join("month-end").join(link);
        symlink(&outside, &place).unwrap();
        if link == "results" {
            // The folder of the results has a name of its own where the pipeline gives none.
            rig.run(&["pipeline", "check", FILE]).ends_with(2).says("link that leads out");
        }
        rig.run(&["run", FILE, "--yes"]).ends_with(2).says("link that leads out");
        fs::remove_file(place).unwrap();
    }
    // Nor may anything in the folder of an export lead out, or be no file.
    fs::create_dir(rig.folder.path().join("month-end/warehouse")).unwrap();
    for name in ["usages", "manifest.json", ".waldur-usage.lock"] {
        let link = rig.folder.path().join("month-end/warehouse").join(name);
        symlink(&outside, &link).unwrap();
        rig.run(&["pipeline", "check", FILE]).ends_with(2).says("link that leads out");
        rig.run(&["run", FILE, "--yes"]).ends_with(2).says("link that leads out");
        fs::remove_file(&link).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&link).status().unwrap();
        assert!(made.success());
        rig.run(&["run", FILE, "--yes"]).ends_with(2).says("neither a file nor a folder");
        fs::remove_file(link).unwrap();
    }
    fs::remove_dir(rig.folder.path().join("month-end/warehouse")).unwrap();
    // An input that leads out is not read.
    let secret =
        rig.file("secret.csv", "resource_name,billing_period,component_type,amount\nhunter2,2026-11,cpu,1\n");
    symlink(secret, rig.folder.path().join("month-end/usage/a.csv")).unwrap();
    let run = rig.run(&["run", FILE, "--yes"]).ends_with(2).says("leads out of the folder of the pipeline");
    assert!(!run.all().contains("hunter2"));
    assert!(files(&outside).is_empty());
    assert_eq!(rig.posts(), 0);
}

#[test]
fn outputs_that_are_there_are_kept_unless_the_pipeline_says_otherwise() {
    let rig = upload();
    whole_world(&rig);
    fs::create_dir(rig.folder.path().join("month-end/reports")).unwrap();
    let notes = rig.file("month-end/reports/2026-11.json", "my notes");
    for more in [&[][..], &["--dry-run"]] {
        let run = rig.run(&[&["run", FILE, "--yes"][..], more].concat()).ends_with(2);
        run.says("2026-11.json is there already").says("replace = true");
    }
    assert_eq!(rig.posts(), 0, "it is refused before anything is posted");
    assert_eq!(fs::read_to_string(&notes).unwrap(), "my notes");
    pipeline(&rig, &UPLOAD.replace("[export]", "replace = true\n[export]"));
    rig.run(&["run", FILE, "--yes"]).ends_with(0);
    assert_ne!(fs::read_to_string(&notes).unwrap(), "my notes");
}

#[test]
fn the_server_of_a_flag_goes_before_that_of_the_pipeline_and_is_said() {
    let rig = upload();
    whole_world(&rig);
    configure(&rig, &format!("[servers.test]\nurl = \"{}\"", rig.url()));
    let run = rig.run(&["run", FILE, "--dry-run", "--profile", "test"]);
    run.says("the server is test, as --profile or WALDUR_PROFILE says, and not main");
    let near = rig.run(&["run", FILE, "--dry-run", "--profile", "tset"]);
    near.ends_with(2).says("did you mean test?");
}

#[test]
fn what_is_written_outside_of_the_folder_stands_in_the_users_own_file() {
    let rig = Rig::new();
    let lake = rig.folder.path().join("lake");
    configure(&rig, &format!("[targets.lake]\nkind = \"parquet\"\npath = \"{}\"", lake.display()));
    let export = |to: &str| {
        let text =
            format!("name = \"night\"\nserver = \"main\"\nperiod = \"open\"\n[export]\nto = [\"{to}\"]\n");
        pipeline(&rig, &text);
    };
    export("target:lake");
    rig.run(&["run", FILE]).ends_with(0).says("published");
    let first = files(&lake);
    assert!(first.keys().any(|path| path.extension().is_some_and(|ending| ending == "parquet")));
    rig.run(&["run", FILE]).ends_with(0).says("unchanged");
    assert_eq!(files(&lake), first);
    // The same place by hand, whichever way it is named.
    rig.run(&["export", "--period", "open", "--to", "target:lake"]).ends_with(0).says("unchanged");
    let by_path = format!("parquet:{}", lake.display());
    rig.run(&["export", "--period", "open", "--to", &by_path]).ends_with(0).says("unchanged");
    let safe = ["export", "--period", "open", "--to", "target:lake", "--excel-safe"];
    rig.run(&safe).ends_with(2).says("no target is csv");
    export("target:lakes");
    rig.run(&["pipeline", "check", FILE]).ends_with(2).says("did you mean lake?");
    export("postgres:lake");
    rig.run(&["run", FILE]).ends_with(2).says("no database").says("target:lake");
}
