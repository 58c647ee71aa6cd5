//! How grave a finding is: by default, by the profile, by flags; and what is said of it.

use serde_json::Value;

use crate::rig::{HPC, LAX, Rig, command};

const CHECK: [&str; 4] = ["check", "usage.csv", "--offering", HPC];

fn explain(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::TempDir::new().unwrap();
    let output = command(folder.path()).arg("explain").args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn flags_grade_findings_and_count_before_the_profile() {
    let rig = Rig::new();
    rig.long(&["training-course,2026-11,cpu,100", "Climate Alps,2026-11,cpu,100"]);
    rig.run(&CHECK)
        .ends_with(0)
        .says("warn no-plan-period")
        .says("warn name-folded")
        .says("ok with 2 warnings");
    let with = |flags: &[&str]| rig.run(&[&CHECK[..], flags].concat());
    with(&["--deny", "no-plan-period,name-folded"]).ends_with(3).says("2 findings at deny");
    with(&["--deny", "no-plan-period", "--deny", "name-folded"]).ends_with(3).says("2 findings at deny");
    let run = with(&["--allow", "no-plan-period", "--deny", "name-folded"]).ends_with(3);
    let run = run.says("deny name-folded").says("1 used, 1 faulty");
    assert!(!run.stdout.contains("no-plan-period"), "{}", run.all());
    with(&["--allow", "no-plan-period, name-folded"]).ends_with(0).says("ok: nothing found");
    let config = rig.folder.path().join("config/waldur-usage");
    std::fs::create_dir_all(&config).unwrap();
    let policy = "[policy]\nno-plan-period = \"deny\"\nname-folded = \"allow\"\n";
    std::fs::write(config.join("config.toml"), policy).unwrap();
    rig.run(&CHECK).ends_with(3).says("deny no-plan-period").says("1 finding at deny");
    with(&["--warn", "no-plan-period"]).ends_with(0).says("ok with 1 warning");
    for command in ["plan", "apply"] {
        let run = [command, "usage.csv", "--offering", HPC, "--no-input"];
        rig.run(&run).ends_with(3).says("deny no-plan-period");
        rig.run(&[&run[..], &["--allow", "no-plan-period", "--deny", "name-folded"]].concat())
            .ends_with(3)
            .says("deny name-folded");
    }
    assert_eq!(rig.posts(), 0);
}

#[test]
fn what_cannot_be_posted_cannot_be_lowered_and_names_are_checked() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,-1"]);
    let with = |flags: &[&str]| rig.run(&[&CHECK[..], flags].concat());
    for flag in ["--warn", "--allow"] {
        with(&[flag, "negative-amount"])
            .ends_with(2)
            .says("`negative-amount` is always at deny, because what it is about cannot be posted")
            .says("waldur-usage explain negative-amount");
    }
    with(&["--deny", "negative-amount"]).ends_with(3).says("deny negative-amount");
    with(&["--deny", "negativ-amount"])
        .ends_with(2)
        .says("there is no finding `negativ-amount`")
        .says("did you mean negative-amount?");
    with(&["--deny", "spike", "--allow", "spike"]).ends_with(2).says("`spike` is to be deny and allow");
    let config = rig.folder.path().join("config/waldur-usage");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), "[policy]\nspikes = \"deny\"\n").unwrap();
    rig.run(&CHECK).ends_with(2).says("[policy] in config.toml").says("did you mean spike?");
}

/// A plan keeps what was agreed to; nothing of it is graded anew.
#[test]
fn a_plan_file_takes_no_flags_of_grading() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,100"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0);
    for flags in [["--allow", "spike"], ["--aliases", "a.toml"], ["--unit-factor", "h=2 k"]] {
        rig.run(&[&["apply", "plan.json", "--yes"][..], &flags].concat()).ends_with(2);
    }
}

#[test]
fn months_are_compared_in_check_plan_and_apply() {
    let rig = Rig::new();
    // 60 times what is stored of October.
    rig.long(&["climate-alps,2026-11,cpu,20700", "climate-ensemble,2026-11,cpu,100"]);
    let says = |run: crate::rig::Run| {
        run.says("warn unit-ratio")
            .says("cpu: 1 of 2 amounts are about 60 times last month's: climate-alps had 345.01 and has 20700.00")
            .says("are minutes and hours mixed up? the component is in k-hours")
    };
    says(rig.run(&CHECK).ends_with(0));
    says(rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "plan.json"]).ends_with(0));
    says(rig.run(&["apply", "usage.csv", "--offering", HPC, "--no-input"]).ends_with(2));
    let token = rig.token("owner");
    says(rig.run_guarded(&token, &[&["apply", "plan.json", "--yes"][..], &LAX].concat()).ends_with(0));
    rig.run(&[&CHECK[..], &["--deny", "unit-ratio"]].concat())
        .ends_with(3)
        .says("2 rows read: 1 used, 1 faulty, 0 blank, 0 filtered");
    // Nothing of last month is read where nobody wants to hear of it.
    let reads = || {
        let requests = rig.sandbox.requests();
        requests.iter().filter(|request| request.path.contains("billing_period=2026-10")).count()
    };
    let before = reads();
    let codes = "unit-ratio,spike,copy-of-last-month,lifetime-counter";
    rig.run(&[&CHECK[..], &["--allow", codes]].concat()).ends_with(0).says("ok: nothing found");
    assert_eq!(reads(), before);
}

#[test]
fn a_code_is_explained_and_all_are_listed() {
    let (code, page, _) = explain(&["unknown-resource"]);
    assert_eq!(code, 0);
    for part in
        ["What it means", "Why it matters", "How to mend it", "Example", "samples/bad/unknown-resource.csv"]
    {
        assert!(page.contains(part), "no {part:?} in\n{page}");
    }
    assert!(page.contains("Always at deny"), "{page}");
    assert!(explain(&["spike"]).1.contains("`--deny spike` makes it a fault"));
    assert!(explain(&["resource-disagrees"]).1.contains("`--warn resource-disagrees`"));
    let (code, list, _) = explain(&[]);
    assert_eq!(code, 0);
    let (_, json, _) = explain(&["--format", "json"]);
    let all: Vec<Value> = serde_json::from_str(&json).unwrap();
    for finding in &all {
        let name = finding["code"].as_str().unwrap();
        assert!(list.lines().any(|line| line.starts_with(&format!("{name} "))), "{name} is not in\n{list}");
    }
    let (_, one, _) = explain(&["unknown-resource", "--format", "json"]);
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!((one["severity"].as_str(), one["may_be_lowered"].as_bool()), (Some("deny"), Some(false)));
    let (code, _, stderr) = explain(&["unknown-resourse"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("did you mean unknown-resource?"), "{stderr}");
}
