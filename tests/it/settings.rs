//! Settings: where each comes from, what is wrong with them, and what a folder of somebody else cannot do.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

use crate::rig::{HPC, Rig, Run, command};

fn schema(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name)
}

/// Fails unless a document is what a schema says.
pub fn fits(name: &str, document: &Value) {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let compiled = compiler.compile(schema(name).to_str().unwrap(), &mut schemas).unwrap();
    if let Err(error) = schemas.validate(document, compiled) {
        panic!("{error:#}\n{document:#}");
    }
}

/// Writes the user's file into a folder that is the home folder.
pub fn user_file(home: &Path, text: &str) -> PathBuf {
    let folder = home.join("config/waldur-usage");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("config.toml");
    std::fs::write(&path, text).unwrap();
    private(&path);
    path
}

/// Takes the rights of others away.
pub fn private(path: &Path) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// Runs the program in a folder, under a home folder.
pub fn run_in(home: &Path, folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let output = command(home).current_dir(folder).envs(variables.iter().copied()).args(arguments).output();
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Run { code: output.status.code().unwrap(), stdout, stderr }
}

/// The one value of a setting, with where it comes from.
fn explained(home: &Path, variables: &[(&str, &str)], key: &str, flags: &[&str]) -> Value {
    let arguments = [&["config", "explain", key, "--format", "json"], flags].concat();
    let document = run_in(home, home, variables, &arguments).ends_with(0).json();
    fits("config-explain.schema.json", &document);
    let values = document["values"].as_array().unwrap();
    assert_eq!(values.len(), 1, "{document:#}");
    values[0].clone()
}

const USER: &str = "\
profile = \"main\"
[servers.main]
url = \"https://main.example.com\"
offerings = [\"of the user\"]
time_zone = \"Europe/Tallinn\"
[servers.other]
url = \"https://other.example.com\"
[policy]
spike = \"deny\"
tolerances = [\"0.05\"]
[policy.guards]
lowered_rows = 10
";

#[test]
fn a_flag_goes_before_the_environment_before_the_project_before_the_user() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let file = user_file(home, USER);
    let said = |key, variables: &[_], flags: &[&str]| {
        let value = explained(home, variables, key, flags);
        (value["value"].clone(), value["origin"]["kind"].as_str().unwrap().to_owned())
    };
    let is = |value: Value, kind: &str| (value, kind.to_owned());
    // Only the user's file.
    assert_eq!(said("profile", &[], &[]), is(json!("main"), "user-file"));
    assert_eq!(said("url", &[], &[]), is(json!("https://main.example.com"), "user-file"));
    assert_eq!(said("offerings", &[], &[]), is(json!(["of the user"]), "user-file"));
    assert_eq!(said("policy.guards.lowered_rows", &[], &[]), is(json!(10), "user-file"));
    assert_eq!(said("policy.guards.zeroed_percent", &[], &[]), is(json!(20), "default"));
    assert_eq!(said("token", &[], &[]), is(Value::Null, "default"));
    let zone = explained(home, &[], "time_zone", &[]);
    assert_eq!(zone["origin"]["line"], 5, "{zone}");
    assert_eq!(zone["origin"]["path"], file.to_str().unwrap());
    // The project file above it.
    let project = "profile = 'other'\nofferings = ['of the project']\n[policy]\nother-month = 'deny'\n\
                   [policy.guards]\nlowered_rows = 3\n";
    std::fs::write(home.join("waldur-usage.toml"), project).unwrap();
    assert_eq!(said("profile", &[], &[]), is(json!("other"), "project-file"));
    assert_eq!(said("url", &[], &[]), is(json!("https://other.example.com"), "user-file"));
    assert_eq!(said("offerings", &[], &[]), is(json!(["of the project"]), "project-file"));
    assert_eq!(said("policy.other-month", &[], &[]), is(json!("deny"), "project-file"));
    assert_eq!(said("policy.spike", &[], &[]), is(json!("deny"), "user-file"));
    let rows = explained(home, &[], "policy.guards.lowered_rows", &[]);
    assert_eq!((&rows["value"], &rows["origin"]["line"]), (&json!(3), &json!(6)), "{rows}");
    assert_eq!(rows["instead_of"][0]["kind"], "user-file");
    // The environment above that, and a flag above all.
    let variables = [
        ("WALDUR_PROFILE", "main"),
        ("WALDUR_API_URL", "https://env.example.com"),
        ("WALDUR_HTTP_TIMEOUT", "5"),
    ];
    assert_eq!(said("profile", &variables, &[]), is(json!("main"), "environment"));
    assert_eq!(said("url", &variables, &[]), is(json!("https://env.example.com"), "environment"));
    assert_eq!(said("timeout_seconds", &variables, &[]), is(json!(5), "environment"));
    assert_eq!(said("profile", &variables, &["--profile", "other"]), is(json!("other"), "flag"));
    let url = explained(home, &variables, "url", &["--url", "https://flag.example.com"]);
    assert_eq!(url["origin"], json!({ "kind": "flag", "name": "--url" }));
    assert_eq!(url["instead_of"].as_array().unwrap().len(), 1, "the user's file too: {url}");
    // The server that a file names is not meant where another address was typed.
    let value = explained(home, &[], "profile", &["--url", "https://flag.example.com"]);
    assert_eq!(value["value"], Value::Null, "{value}");
    // As a person reads it.
    let run = run_in(home, home, &[], &["config", "explain"]).ends_with(0);
    let line = run.stdout.lines().find(|line| line.starts_with("time_zone")).unwrap();
    assert!(!line.contains("Europe/Tallinn"), "that one is of another server: {line}");
    let words: Vec<&str> = run
        .stdout
        .lines()
        .find(|line| line.starts_with("policy.guards.lowered_rows"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!((words[1], words[3..5].join(" ").as_str()), ("3", "line 6"), "{}", run.all());
    assert!(!run.stdout.contains("policy.no-plan-period"), "{}", run.all());
    run_in(home, home, &[], &["config", "explain", "time_zon"]).ends_with(2).says("did you mean time_zone?");
}

#[test]
fn config_check_tells_everything_and_its_exit_code_says_so() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let check = ["config", "check", "--format", "json"];
    let document = run_in(home, home, &[], &check).ends_with(0).json();
    assert_eq!((&document["ok"], &document["files"][0]["exists"]), (&json!(true), &json!(false)));
    fits("config-check.schema.json", &document);
    user_file(home, USER);
    run_in(home, home, &[], &["config", "check"]).ends_with(0).says("config.toml: ok");
    user_file(home, "profil = 'main'\n[servers.main]\nurl = 'https://a.example'\ntoken_file = 'nowhere'\n");
    std::fs::write(
        home.join("waldur-usage.toml"),
        "url = 'https://evil.example'\n[policy]\nspike = 'allow'\n",
    )
    .unwrap();
    let document = run_in(home, home, &[], &check).ends_with(2).json();
    fits("config-check.schema.json", &document);
    let faults = |file: usize| document["files"][file]["faults"].as_array().unwrap().clone();
    assert_eq!(faults(0).len(), 2, "{document:#}");
    assert_eq!((&faults(0)[0]["line"], &faults(0)[0]["hint"]), (&json!(1), &json!("did you mean profile?")));
    assert_eq!((&faults(0)[1]["line"], &faults(0)[1]["key"]), (&json!(4), &json!("servers.main.token_file")));
    assert_eq!(faults(1)[0]["line"], 1, "{document:#}");
    let run = run_in(home, home, &[], &["config", "check"]).ends_with(2);
    run.says("2 faults").says("line 1: there is no key `profil`").says("names no address of a server");
    // What a project file only loosens is told where nothing else is wrong with it.
    user_file(home, USER);
    let loose =
        "profile = 'mian'\n[policy]\nspike = 'warn'\n[policy.guards]\nlowered_rows = 11\nmax_money = 5\n";
    std::fs::write(home.join("waldur-usage.toml"), loose).unwrap();
    let document = run_in(home, home, &[], &check).ends_with(2).json();
    let lines: Vec<_> = document["files"][1]["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["line"].clone())
        .collect();
    assert_eq!(lines, [json!(1), json!(3), json!(5)], "{document:#}");
    #[cfg(unix)]
    {
        std::fs::remove_file(home.join("waldur-usage.toml")).unwrap();
        let path = user_file(home, USER);
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
        run_in(home, home, &[], &["config", "check"]).ends_with(2).says("others may change this file");
    }
}

/// The faults of each file, as `line key: what`.
fn checked(home: &Path) -> [Vec<String>; 2] {
    let document = run_in(home, home, &[], &["config", "check", "--format", "json"]).ends_with(2).json();
    fits("config-check.schema.json", &document);
    let faults = |file: usize| {
        let faults = document["files"][file]["faults"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        faults
            .iter()
            .map(|fault| format!("{} {}: {}", fault["line"], text(&fault["key"]), text(&fault["what"])))
            .collect()
    };
    [faults(0), faults(1)]
}

#[test]
fn config_check_names_what_a_run_would_refuse_of_those_who_are_told() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let file = user_file(home, "");
    let secret = file.with_file_name("hook");
    std::fs::write(&secret, "hunter2").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let hook = |text: &str| format!("[watch.webhook]\n{text}\n");
    let url = "url = 'https://hooks.example.org/T0'\n";
    for (text, expected) in [
        ("[watch]\nmetrics_folder = 'none'\n".into(), "2 watch.metrics_folder: there is no folder"),
        (
            "[watch.program]\ncommand = ['no-such-program', 'hunter2']\n".into(),
            "2 watch.program.command: there is no program no-such-program",
        ),
        (hook("url = 'http://hooks.example.org/T0'"), "2 watch.webhook.url: url is neither https"),
        (hook("url = 'https://me:hunter2@example.org'"), "2 watch.webhook.url: url holds a user name"),
        (
            hook(&format!("{url}header = 'Host'\nsecret_env = 'A'")),
            "3 watch.webhook.header: `Host` is no header",
        ),
        (hook(&format!("{url}header = 'X-A'")), "3 watch.webhook.header: a header is named and no secret"),
        (
            hook(&format!("{url}secret_env = 'WALDUR_ACCESS_TOKEN'")),
            "3 watch.webhook.secret_env: WALDUR_ACCESS_TOKEN is the token of Waldur",
        ),
        (hook(&format!("{url}secret_file = 'none'")), "3 watch.webhook.secret_file: secret_file "),
        #[cfg(unix)]
        (hook(&format!("{url}secret_file = 'hook'")), "3 watch.webhook.secret_file: others may read"),
        (
            hook(&format!("{url}secret_command = ['/no/such', 'hunter2']")),
            "3 watch.webhook.secret_command: there is no program /no/such",
        ),
    ] {
        user_file(home, &text);
        let [user, _] = checked(home);
        assert_eq!(user.len(), 1, "{text}: {user:?}");
        assert!(user[0].starts_with(expected) && !user[0].contains("hunter2"), "{text}: {user:?}");
    }
    private(&secret);
    user_file(home, &hook(&format!("{url}secret_env = 'A'\nsecret_file = 'hook'")));
    let [user, _] = checked(home);
    assert!(user[0].starts_with("4 watch.webhook.secret_file: secret_env, secret_file and"), "{user:?}");
    let webhook = hook(&format!("{url}secret_file = 'hook'\nheader = 'X-Secret'"));
    user_file(home, &format!("[watch]\nmetrics_folder = '.'\n{webhook}"));
    run_in(home, home, &[], &["config", "check"]).ends_with(0);
    // A token of Waldur goes to no webhook, whatever a run is about.
    user_file(home, &hook(&format!("{url}secret_env = 'WALDUR_ACCESS_TOKEN'")));
    run_in(home, home, &[("WALDUR_ACCESS_TOKEN", "hunter2")], &["watch", "test"])
        .ends_with(2)
        .says("[watch.webhook] of config.toml: WALDUR_ACCESS_TOKEN is the token of Waldur");
}

#[test]
fn config_check_names_every_guard_and_finding_at_its_own_line() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    user_file(
        home,
        "[servers.main]\nurl = 'https://main.example.com'\n[servers.main.guards]\nlowest_percent = 160\n\
         max_money = 'much'\n[policy]\nspikes = 'deny'\n[policy.guards]\nmax_money = -1\n\
         zeroed_percent = 101\nhighest_percent = 150\nlowered_percent = -2\n",
    );
    std::fs::write(
        home.join("waldur-usage.toml"),
        "[policy]\nspikes = 'deny'\nother-mouth = 'deny'\nspike = 'deny'\n[policy.guards]\n\
         max_money = -1\nzeroed_percent = -2\n",
    )
    .unwrap();
    let [user, project] = checked(home);
    let expected = [
        "4 servers.main.guards.lowest_percent: lowest_percent is above highest_percent",
        "5 servers.main.guards.max_money: servers.main.guards.max_money must be a decimal number",
        "7 policy.spikes: there is no finding `spikes`",
        "9 policy.guards.max_money: max_money is below 0",
        "10 policy.guards.zeroed_percent: zeroed_percent is above 100",
        "12 policy.guards.lowered_percent: lowered_percent is below 0",
    ];
    assert_eq!(user, expected);
    let expected = [
        "2 policy.spikes: there is no finding `spikes`",
        "3 policy.other-mouth: there is no finding `other-mouth`",
        "6 policy.guards.max_money: max_money is below 0",
        "7 policy.guards.zeroed_percent: zeroed_percent is below 0",
    ];
    assert_eq!(project, expected);
    // What is no number, all of it.
    user_file(home, "[servers.main]\nurl = 'https://main.example.com'\n");
    let numbers = "[policy.guards]\nmax_money = 'lots'\nzeroed_percent = nan\nlowered_rows = 'few'\n";
    std::fs::write(home.join("waldur-usage.toml"), numbers).unwrap();
    let [_, project] = checked(home);
    let expected = [
        "2 policy.guards.max_money: policy.guards.max_money must be a decimal number",
        "3 policy.guards.zeroed_percent: policy.guards.zeroed_percent must be a decimal number",
        "4 policy.guards.lowered_rows: policy.guards.lowered_rows must be a whole number",
    ];
    assert_eq!(project, expected);
    // What only makes no sense together is told too, and elsewhere by the same file.
    let crossed = "[policy.guards]\nhighest_percent = 10\nlowest_percent = 90\n";
    std::fs::write(home.join("waldur-usage.toml"), crossed).unwrap();
    let [user, project] = checked(home);
    assert_eq!(user, [""; 0]);
    assert_eq!(project, ["3 policy.guards.lowest_percent: lowest_percent is above highest_percent"]);
    let run = run_in(home, home, &[], &["config", "explain", "--profile", "main"]).ends_with(2);
    let run = run.says("waldur-usage.toml line 3: lowest_percent is above highest_percent");
    assert!(!run.all().contains("config.toml"), "{}", run.all());
}

#[test]
fn variables_that_are_empty_are_not_set_and_tables_are_suggested() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    user_file(home, USER);
    let empty = [("WALDUR_PROFILE", ""), ("WALDUR_API_URL", "")];
    for (key, value) in [("profile", "main"), ("url", "https://main.example.com")] {
        let told = explained(home, &empty, key, &[]);
        assert_eq!((&told["value"], &told["origin"]["kind"]), (&json!(value), &json!("user-file")), "{told}");
    }
    // What was typed is meant, empty or not.
    run_in(home, home, &[], &["config", "explain", "--profile", ""]).ends_with(2).says("no profile ``");
    run_in(home, home, &[], &["config", "explain", "policy.gards"])
        .ends_with(2)
        .says("did you mean policy.guards?");
}

/// A folder that somebody else made, below the home folder, and a listener that should hear nothing.
struct Hostile {
    rig: Rig,
    folder: PathBuf,
    ear: TcpListener,
}

impl Hostile {
    fn new() -> Self {
        let rig = Rig::new();
        let home = rig.folder.path().to_owned();
        rig.file("main.token", rig.token("owner"));
        let config = home.join("config/waldur-usage");
        let text = format!(
            "profile = 'main'\n[servers.main]\nurl = '{}'\ntoken_file = '~/main.token'\nofferings = ['{HPC}']\n",
            rig.sandbox.url()
        );
        user_file(&home, &text);
        assert!(config.join("config.toml").is_file());
        let folder = home.join("downloads/month");
        std::fs::create_dir_all(&folder).unwrap();
        let rows = "resource_name,billing_period,component_type,amount\nclimate-alps,2026-11,cpu,7.5\n";
        std::fs::write(folder.join("usage.csv"), rows).unwrap();
        let ear = TcpListener::bind("127.0.0.1:0").unwrap();
        ear.set_nonblocking(true).unwrap();
        Self { rig, folder, ear }
    }

    fn evil(&self) -> String {
        format!("http://{}", self.ear.local_addr().unwrap())
    }

    fn project(&self, text: &str) {
        std::fs::write(self.folder.join("waldur-usage.toml"), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let token = self.rig.token("owner");
        let run = run_in(self.rig.folder.path(), &self.folder, &[], arguments);
        assert!(!run.all().contains(&token), "{}", run.all());
        run
    }

    /// Fails where anything came to the listener.
    fn hears_nothing(&self) {
        let heard = self.ear.accept();
        assert!(heard.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
}

#[test]
fn a_hostile_project_file_moves_no_token_runs_nothing_and_writes_nothing() {
    let hostile = Hostile::new();
    let evil = hostile.evil();
    let home = hostile.rig.folder.path().to_owned();
    let ran = home.join("ran");
    let touch = format!("['touch', '{}']", ran.display());
    hostile.run(&["check", "usage.csv"]).ends_with(0);
    for (text, says) in [
        (format!("url = '{evil}'"), "names no address of a server"),
        (format!("api_url = '{evil}'"), "names no address of a server"),
        (format!("profile = 'main'\n[servers.main]\nurl = '{evil}'"), "names no address of a server"),
        ("token_file = '/etc/passwd'".into(), "says nothing about tokens"),
        (format!("token_command = {touch}"), "says nothing about tokens"),
        (format!("command = {touch}"), "names nothing that is run"),
        (format!("[watch.program]\ncommand = {touch}"), "does not say who is told"),
        (format!("[watch.webhook]\nurl = '{evil}'"), "does not say who is told"),
        (format!("webhook = '{evil}'"), "does not say who is told"),
        (format!("out = '{}'", ran.display()), "names nothing that is written"),
        ("store = '../../ran'".into(), "names nothing that is written"),
        (format!("[targets.x]\nkind = 'postgres'\nhost = '{evil}'"), "names nothing that is written"),
        ("insecure_http = true".into(), "names no address of a server"),
        ("[policy]\nno-plan-period = 'allow'".into(), "a project file makes findings graver only"),
        ("[policy.guards]\nhighest_percent = 100000".into(), "makes guards stricter only"),
        ("[policy]\ntolerances = ['100%']".into(), "makes nothing looser"),
    ] {
        hostile.project(&text);
        for arguments in
            [&["check", "usage.csv"][..], &["apply", "usage.csv", "--yes"], &["list"], &["auth", "status"]]
        {
            let run = hostile.run(arguments).ends_with(2).says(says).says("waldur-usage.toml line");
            assert!(!run.all().contains("panicked"), "{text}");
        }
    }
    hostile.hears_nothing();
    assert!(!ran.exists());
    assert_eq!(hostile.rig.posts(), 0);
    assert!(hostile.rig.sandbox.requests().iter().all(|request| request.method != "PATCH"));
}

#[cfg(unix)]
#[test]
fn a_project_file_that_is_a_link_or_a_pipe_is_not_read() {
    let hostile = Hostile::new();
    let path = hostile.folder.join("waldur-usage.toml");
    std::os::unix::fs::symlink(hostile.rig.folder.path().join("main.token"), &path).unwrap();
    hostile.run(&["check", "usage.csv"]).ends_with(2).says("is a link or no file at all");
    hostile.run(&["config", "check"]).ends_with(2).says("is a link or no file at all");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    hostile.run(&["config", "explain"]).ends_with(2).says("is a link or no file at all");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    hostile.run(&["check", "usage.csv"]).ends_with(2).says("is a link or no file at all");
}

#[test]
fn a_project_file_picks_a_server_of_the_user_and_that_is_said() {
    let hostile = Hostile::new();
    let home = hostile.rig.folder.path().to_owned();
    hostile.project("profile = 'main'\n[policy]\nno-plan-period = 'deny'\n");
    std::fs::write(
        hostile.folder.join("usage.csv"),
        "resource_name,billing_period,component_type,amount\ntraining-course,2026-11,cpu,100\n",
    )
    .unwrap();
    let run = hostile.run(&["check", "usage.csv"]).ends_with(3).says("deny no-plan-period");
    run.says("the server is main (http://127.0.0.1:").says("waldur-usage.toml says");
    // From a folder below it, too; but not where the repository ends in between.
    let below = hostile.folder.join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let check = ["check", "../../usage.csv"];
    run_in(&home, &below, &[], &check).ends_with(3).says("the server is main");
    std::fs::create_dir(hostile.folder.join("a/.git")).unwrap();
    let run = run_in(&home, &below, &[], &check).ends_with(0);
    assert!(!run.stderr.contains("the server is"), "{}", run.all());
    // A name that the user's file does not have.
    hostile.project("profile = 'mian'\n");
    hostile.run(&["list"]).ends_with(2).says("there is no profile `mian`, which").says("did you mean main?");
    // Another address on the command line is another server: the profile's token stays at home.
    hostile.project("profile = 'main'\n");
    hostile.run(&["list", "--url", &hostile.evil()]).ends_with(2).says("no token is given");
    hostile.hears_nothing();
}

#[test]
fn stricter_guards_of_a_project_refuse_a_plan() {
    let hostile = Hostile::new();
    let apply = ["apply", "usage.csv", "--yes", "--allow-jump", "--allow-missing-organisation"];
    hostile.project("[policy.guards]\nmax_money = '0.01'\n");
    hostile.run(&apply).ends_with(4).says("money");
    assert_eq!(hostile.rig.posts(), 0);
    hostile.run(&[&apply[..], &["--max-money", "100000"]].concat()).ends_with(0).says("verified");
}

#[test]
fn a_tolerance_of_the_policy_is_that_of_a_reconciliation() {
    let rig = Rig::new();
    let home = rig.folder.path();
    rig.long(&["climate-alps,2026-10,cpu,1"]);
    let reconcile = |flags: &[&str]| {
        let base = ["reconcile", "usage.csv", "--offering", HPC, "--period", "2026-10", "--format", "json"];
        let run = rig.run(&[&base[..], flags].concat());
        run.json()["header"]["rules"].to_string()
    };
    let without = reconcile(&[]);
    user_file(home, "[policy]\ntolerances = ['cpu=1%']\n");
    let with = reconcile(&[]);
    assert_ne!(without, with);
    assert!(with.contains("cpu=1%"), "{with}");
    assert!(!reconcile(&["--tolerance", "0.05"]).contains("cpu=1%"), "a flag takes its place");
}

#[test]
fn the_examples_of_the_guide_are_what_the_schemas_say_and_are_taken() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/profiles.md")).unwrap();
    let examples: Vec<&str> =
        guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 2, "{examples:?}");
    let home = tempfile::tempdir().unwrap();
    for example in examples {
        let value: Value = toml::from_str(example).unwrap();
        let is_project = !example.contains("[servers.");
        fits(if is_project { "project.schema.json" } else { "config.schema.json" }, &value);
        if is_project {
            std::fs::write(home.path().join("waldur-usage.toml"), example).unwrap();
        } else {
            let path = user_file(home.path(), example);
            for line in example.lines().filter_map(|line| line.strip_prefix("token_file = \"")) {
                let token = path.with_file_name(line.split('"').next().unwrap());
                std::fs::write(&token, "a-token").unwrap();
                private(&token);
            }
        }
    }
    run_in(home.path(), home.path(), &[], &["config", "check"]).ends_with(0);
    run_in(home.path(), home.path(), &[], &["config", "explain"]).ends_with(0).says("waldur-usage.toml line");
}

/// What the program refuses, the published schema refuses as well.
#[test]
fn the_schema_refuses_what_is_refused() {
    for text in [
        "profil = 'a'",
        "[servers.a]\ntoken_file = 'a'",
        "[servers.a]\nurl = 'x'\ntoken = 'y'",
        "[policy]\nspike = 'denny'",
        "[targets.a]\nkind = 'postgres'\nhost = 'a'\ndatabase = 'b'\nuser = 'c'\npassword = 'x'",
        "[servers.a]\nurl = 'x'\nguards = { lowered_rows = -1 }",
        "[servers.a]\nurl = 'x'\ntoken_command = []",
    ] {
        let value: Value = toml::from_str(text).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let compiled =
            compiler.compile(schema("config.schema.json").to_str().unwrap(), &mut schemas).unwrap();
        assert!(schemas.validate(&value, compiled).is_err(), "{text}");
        let home = tempfile::tempdir().unwrap();
        user_file(home.path(), text);
        run_in(home.path(), home.path(), &[], &["config", "check"]).ends_with(2);
    }
}
