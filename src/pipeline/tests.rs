//! Pipelines that are wrong, and pipelines that mean harm: each fault is told, with its line and what to do.

use std::fs;
use std::path::Path;

use super::{Pipeline, PipelineError, Step, TEMPLATES};
use crate::domain::PeriodRange;

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "MONTH" => "2026-10",
        "UP" => "../..",
        "TEAM" => "north",
        "WALDUR_ACCESS_TOKEN" => "hunter2",
        _ => return None,
    };
    Some(value.to_owned())
}

fn month() -> PeriodRange {
    "2026-10".parse().unwrap()
}

fn read_in(folder: &Path, text: impl AsRef<[u8]>) -> Result<Pipeline, PipelineError> {
    let path = folder.join("pipeline.toml");
    fs::write(&path, text).unwrap();
    Pipeline::read(&path, &environment)
}

fn read(text: &str) -> Result<Pipeline, PipelineError> {
    let folder = tempfile::tempdir().unwrap();
    read_in(folder.path(), text)
}

/// The faults of a text, each in a line.
fn faults(text: impl AsRef<[u8]>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    match read_in(folder.path(), text) {
        Err(PipelineError::Faulty { faults, .. }) => {
            faults.iter().map(|fault| format!("{}: {} | {}", fault.line, fault.what, fault.hint)).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Whether just these faults are told, each by a part of it.
fn are(text: impl AsRef<[u8]>, expected: &[&str]) {
    let told = faults(text);
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, part) in told.iter().zip(expected) {
        assert!(told.contains(part), "no {part:?} in {told:?}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

/// A pipeline that reports, with further lines.
fn report(lines: &str) -> String {
    format!("name = 'a'\nperiod = 'open'\n[report]\n{lines}")
}

/// A pipeline that posts, with further lines at the end.
fn post(lines: &str) -> String {
    format!("name = 'a'\nperiod = 'open'\n[input]\nfiles = 'in/*.csv'\n[post]\n{lines}")
}

#[test]
fn the_templates_are_without_fault_and_do_what_they_say() {
    let steps = |text: &str| -> Vec<&str> {
        let pipeline = read(text).unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(pipeline.server.as_ref().unwrap().text, "main");
        pipeline.steps().into_iter().map(Step::name).collect()
    };
    let expected: [&[&str]; 4] =
        [&["check", "plan", "post", "report"], &["report"], &["export"], &["missing"]];
    for ((name, text), expected) in TEMPLATES.iter().zip(expected) {
        assert!(text.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(text.contains("title = \""), "{name}");
        assert_eq!(steps(text), expected, "{name}");
    }
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/pipelines")).unwrap();
    assert_eq!(files.count(), TEMPLATES.len(), "each template is shipped");
}

#[test]
fn the_pipelines_of_the_guide_are_without_fault() {
    let guide = include_str!("../../docs/pipelines.md");
    let blocks: Vec<&str> =
        guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        read(block).unwrap_or_else(|error| panic!("{error:?}"));
    }
}

#[test]
fn settings_become_the_flags_of_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let text = "name = 'month-end'\nperiod = '${MONTH:-open}'\nserver = 'main'\n\
        [scope]\nofferings = ['HPC', 'Storage']\nprojects = 'team ${TEAM}'\n\
        [input]\nfiles = ['in/*.csv', 'more']\ndecimal = 'comma'\nheader_row = 3\n\
        [checks]\ndeny = ['spike']\n[checks.guards]\nzeroed_percent = 10\nmax_money = '1000.50'\nlowered_rows = 3\n\
        [post]\n\
        [report]\nout = 'reports/${TEAM}-{period}.xlsx'\ninvoices = true\nskip_faulty = false\n\
        [export]\nto = ['parquet:lake/{period}', 'postgres:warehouse']\n";
    let text = text
        .replace("'HPC', 'Storage'", "'9f8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c'")
        .replace("projects = 'team ${TEAM}'\n", "");
    let pipeline = read_in(&root, &text).unwrap();
    let flags = |step: Step, writes: bool| -> Vec<String> {
        let flags = pipeline.flags(step, month(), writes).unwrap();
        flags.iter().map(|flag| flag.to_string_lossy().replace(&*root.to_string_lossy(), "ROOT")).collect()
    };
    let offering = "--offering=9f8b7a6c5d4e3f2a1b0c9d8e7f6a5b4c";
    assert_eq!(
        flags(Step::Post, true),
        [offering, "--decimal=comma", "--header-row=3", "--deny=spike", "--results=ROOT/results/2026-10"]
    );
    assert_eq!(flags(Step::Post, false), [offering, "--decimal=comma", "--header-row=3", "--deny=spike"]);
    assert_eq!(flags(Step::Report, true)[4..], ["--out=ROOT/reports/north-2026-10.xlsx", "--invoices"]);
    assert_eq!(
        flags(Step::Export, true),
        [offering, "--to=parquet:ROOT/lake/2026-10", "--to=postgres:warehouse"]
    );
    assert_eq!(pipeline.outputs(Step::Export, month()), ["parquet:lake/2026-10", "postgres:warehouse"]);
    assert_eq!(pipeline.places(Step::Export, month()).unwrap(), [root.join("lake/2026-10")]);
    assert_eq!(pipeline.inputs(month()).unwrap(), [root.join("in/*.csv"), root.join("more")]);
    let guards: Vec<_> = pipeline.guards().into_iter().map(|(key, value)| (key, value.text)).collect();
    assert_eq!(guards.len(), 3);
    assert!(
        guards.contains(&("max_money", "1000.50".into())) && guards.contains(&("lowered_rows", "3".into()))
    );
    assert_eq!(pipeline.line_of(Step::Post, "--decimal"), 8);
    // A variable is part of what the pipeline is.
    let other = read_in(&root, text.replace("${MONTH:-open}", "${MONTH:-2026-09}")).unwrap();
    assert_ne!(other.digest, pipeline.digest);
}

#[test]
fn what_belongs_to_the_user_is_refused_and_said_where_it_belongs() {
    for (key, hint) in [
        ("url = 'https://elsewhere.example.org'", "[servers.NAME]"),
        ("api_url = 'https://u:hunter2@elsewhere.example.org'", "[servers.NAME]"),
        ("token = 'hunter2'", "--token-file"),
        ("token_file = '/home/anna/token'", "--token-file"),
        ("token_command = ['cat', '/etc/shadow']", "--token-file"),
        ("password = 'hunter2'", "[targets.NAME]"),
        ("command = ['rm', '-rf', '/']", "config.toml"),
        ("on-failure = 'mail anna'", "config.toml"),
        ("webhook = 'https://elsewhere.example.org'", "[watch]"),
        ("insecure_http = true", "[servers.NAME]"),
        ("store = '/tmp/elsewhere'", "flag of `run`"),
        ("yes = true", "run --yes"),
        ("allow = ['spike']", "by hand"),
    ] {
        are(format!("{key}\n{}", report("")), &[hint]);
        are(report(key), &[hint]);
    }
    are(report("").replace("[report]", "[servers.main]\nurl = 'https://x'\n[report]"), &["your config.toml"]);
    are(report("").replace("[report]", "[targets.x]\nkind = 'postgres'\n[report]"), &["your config.toml"]);
    are(
        post("allow_jump = true\nallow_zeroed = true\nzero_missing = true"),
        &["stricter", "stricter", "by hand"],
    );
    // A name with hidden characters is told as they are.
    are(report("\"to\\u202Eken\" = 1"), &["`to\\u{202e}ken`"]);
}

#[test]
fn outputs_and_inputs_stay_in_the_folder() {
    for path in
        ["/etc/cron.d/x.xlsx", "../x.xlsx", "a/../../x.xlsx", "C:\\\\x.xlsx", "~/x.xlsx", "a\\\\..\\\\x.xlsx"]
    {
        are(report(&format!("out = \"{path}\"")), &["beside the pipeline"]);
        are(post(&format!("results = \"{path}\"")), &["beside the pipeline"]);
        are(report(&format!("rules = \"{path}\"")), &["beside the pipeline"]);
        are(post("").replace("in/*.csv", path), &["beside the pipeline"]);
        are(format!("name = 'a'\nperiod = 'open'\n[export]\nto = \"csv:{path}\""), &["beside the pipeline"]);
    }
    are(report("out = '${UP}/x.xlsx'"), &["no part of a name"]);
    are(report("out = 'a/${WALDUR_ACCESS_TOKEN}.xlsx'"), &["like a secret"]);
    are(post("").replace("in/*.csv", "${HOME}/*.csv"), &["not set"]);
    are(
        report("out = 'a\\u001b[31m.xlsx'").replace('\'', "\"").replace("name = \"a\"", "name = 'a'"),
        &["does not show"],
    );
    are(report("out = ['{month}.xlsx']"), &["braces"]);
    are(report("out = ['a.xlsx', './a.xlsx']"), &["written twice"]);
    are(report("out = ['a.pdf']"), &["use .xlsx"]);
    are(post("results = 'in/{period}.csv'"), &["read as an input"]);
    are(post("[report]\nout = 'in/b.csv'"), &["read as an input"]);
    are(post("").replace("in/*.csv", "in/{month}.csv"), &["braces"]);
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_are_refused_when_it_is_checked_and_when_it_is_used() {
    use std::os::unix::fs::symlink;
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = folder.path().canonicalize().unwrap();
    symlink(outside.path(), root.join("reports")).unwrap();
    let text = report("out = 'reports/a.xlsx'");
    let error = read_in(&root, &text).unwrap_err();
    assert!(format!("{error:?}").contains("link that leads out"), "{error:?}");
    fs::remove_file(root.join("reports")).unwrap();
    let pipeline = read_in(&root, &text).unwrap();
    assert!(pipeline.flags(Step::Report, month(), true).is_ok());
    symlink(outside.path(), root.join("reports")).unwrap();
    let fault = pipeline.flags(Step::Report, month(), true).unwrap_err();
    assert!(fault.what.contains("link that leads out") && fault.line == 4, "{fault:?}");
    assert!(pipeline.places(Step::Report, month()).is_err());
    // A file that a pattern finds may be a link too.
    fs::create_dir(root.join("in")).unwrap();
    fs::write(outside.path().join("passwd.csv"), "x").unwrap();
    symlink(outside.path().join("passwd.csv"), root.join("in/a.csv")).unwrap();
    fs::write(root.join("in/b.csv"), "x").unwrap();
    let pipeline = read_in(&root, post("")).unwrap();
    assert!(!pipeline.is_within(&root.join("in/a.csv")) && pipeline.is_within(&root.join("in/b.csv")));
    // The pipeline itself may not be a device or a folder.
    let error = Pipeline::read(Path::new("/dev/zero"), &environment).unwrap_err();
    assert!(format!("{error:?}").contains("no file"), "{error:?}");
    assert!(Pipeline::read(&root, &environment).is_err());
}

#[test]
fn a_folder_whose_name_looks_like_a_pattern_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("[2026] usage*");
    fs::create_dir_all(root.join("in")).unwrap();
    fs::write(root.join("in/b.csv"), "x").unwrap();
    let pipeline = read_in(&root, post("")).unwrap();
    let files = crate::source::expand(&pipeline.inputs(month()).unwrap()).unwrap().files;
    assert_eq!(files, [root.join("in/b.csv")]);
}

#[test]
fn targets_are_places_in_the_folder_or_names() {
    let export = |to: &str| format!("name = 'a'\nperiod = 'open'\n[export]\nto = '{to}'");
    are(export("postgres://u:hunter2@db/x"), &["an address is no target"]);
    are(export("postgres:u:hunter2@db"), &["an address is no target"]);
    are(export("s3://bucket/x"), &["an address is no target"]);
    are(export("parket:x"), &["did you mean parquet?"]);
    are(export("csv"), &["csv of what?"]);
    are(export("x:y"), &["no target is of the kind"]);
    read(&export("xlsx:a.xlsx")).unwrap();
    are(export("csv:a").replace("[export]", "[scope]\nofferings = ['HPC']\n[export]"), &["is no uuid"]);
}

#[test]
fn checks_and_guards_become_stricter_only() {
    let checks = |lines: &str| post(&format!("[checks]\n{lines}"));
    are(checks("deny = ['spikes']"), &["did you mean spike?"]);
    are(checks("warn = ['negative-amount']"), &["would become warn"]);
    are(checks("allow = ['spike']"), &["stricter"]);
    are(checks("guards = { zeroed = 1 }"), &["did you mean zeroed_percent?"]);
    are(checks("guards = { zeroed_percent = -1, max_money = 'lots' }"), &["no number", "no number"]);
    are(checks("guards = { lowered_rows = 1.5 }"), &["whole number"]);
    are(report("[checks.guards]\nmax_money = 1\n[input]\nfiles = 'in'"), &["there is no [post]"]);
    read(&checks("deny = ['spike']\nwarn = ['other-month']\nguards = { max_money = 0.5 }")).unwrap();
}

#[test]
fn every_fault_is_told_at_once_by_line() {
    let text = "nam = 'x'\nperiod = 'opne'\ntitel = 'x'\n[scope]\noffering = ['HPC']\n[input]\nfiles = []\n\
        decimals = 'comma'\nheader_row = 'three'\n[post]\nresults = 3\nskip_faulty = true\n[reports]\nout = 'x.xlsx'\n";
    are(
        text,
        &[
            "1: there is no key `nam` | did you mean name?",
            "1: the pipeline has no name",
            "2: period `opne`",
            "3: there is no key `titel` | did you mean title?",
            "5: there is no key `offering` in [scope] | did you mean offerings?",
            "7: files is empty",
            "8: there is no key `decimals` in [input] | did you mean decimal?",
            "9: header_row takes a whole number",
            "11: results takes a text",
            "12: there is no key `skip_faulty` in [post] | it belongs below [report]",
            "13: there is no key `reports` | did you mean report?",
        ],
    );
    are("name = 'a'\nperiod = 'open'\n", &["ends in nothing"]);
    are("name = 'A b'\nperiod = 'open'\n[report]\n", &["`A b` is no name"]);
    are("name = 'a'\nperiod = '2026-01..2026-03'\n[missing]\n", &["[missing] is of one month"]);
    are("name = 'a'\nperiod = 'open'\n[post]\n", &["nothing is there to be posted"]);
    are(
        "name = 'a'\nperiod = 'open'\n[input]\nfiles = 'in'\n[export]\nto = 'csv:x'",
        &["nothing reads the files"],
    );
    are(report("out = 'a.xlsx'\nrules = 'rules.toml'"), &["there is no file rules.toml"]);
    are(report("invoices = 'yes'"), &["true or false"]);
    are("name = 'a'\nperiod = '${NOT_SET}'\n[report]\n", &["NOT_SET is not set"]);
    are("name = '${TEAM}'\nperiod = 'open'\n[report]\n", &["takes no variable"]);
    are("report = 'x'\nname = 'a'\nperiod = 'open'\n[missing]\n", &["report is a table"]);
}

#[test]
fn what_is_no_pipeline_is_refused_in_bounded_time() {
    are("name = 'a'\nname = 'b'\n", &["duplicate"]);
    assert!(!faults("name = \n= 3\n[[[\n").is_empty());
    assert!(!faults("PK\u{3}\u{4}").is_empty());
    are([0xff, 0xfe, 0x00], &["UTF-8"]);
    are(vec![b'#'; 64 * 1024 + 1], &["more than 64 KiB"]);
    let deep = format!("name = {}", "[".repeat(30_000));
    assert!(!faults(deep).is_empty());
    let wide = format!(
        "{}period = 'open'\n",
        (0..2_000).map(|at| format!("key{at} = 1\n")).collect::<Vec<_>>().concat()
    );
    assert!(faults(wide).len() <= 101);
    let many = format!("out = [{}]", "'a.xlsx',".repeat(201));
    are(report(&many), &["more than 200 values"]);
    are(report(&format!("locale = '{}'", "x".repeat(301))), &["more than 300 characters"]);
}
