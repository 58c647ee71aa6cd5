//! What a plan says, and that making one changes nothing.

use crate::rig::{HPC, Rig};

#[test]
fn a_plan_tells_create_update_same_and_only_on_server_apart() {
    let rig = Rig::new();
    let before = rig.stored();
    rig.long(&[
        "climate-cordex,2026-11,cpu,80.50",
        "climate-cordex,2026-11,ram,12287.7",
        "climate-alps,2026-11,cpu,7",
    ]);
    let run = rig.run(&["plan", "usage.csv", "--offering", HPC]).ends_with(0);
    let changes: Vec<&str> = run
        .stdout
        .lines()
        .filter(|line| line.contains(" →  ") || line.contains("to create"))
        .map(str::trim)
        .collect();
    insta::assert_snapshot!(changes.join("\n"), @r#"
    1 to create, 1 to update, 1 the same, 22 only on the server, 3 kept (posted again unchanged, so that the server does not forget them)
    climate-alps    cpu        create       -  →   7.00  k-hours         line 4, column 4 "amount"
    climate-cordex  cpu        update   75.64  →  80.50  k-hours         line 2, column 4 "amount"
    "#);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "--exit-code"]).ends_with(1);
    assert_eq!(rig.posts(), 0);
    assert_eq!(rig.stored(), before);
}

#[test]
fn a_plan_is_of_one_month() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-10,cpu,7", "climate-alps,2026-11,cpu,8"]);
    rig.run(&["check", "usage.csv", "--offering", HPC]).ends_with(0);
    rig.run(&["plan", "usage.csv", "--offering", HPC])
        .ends_with(4)
        .says("the rows are of several months, 2026-10 and 2026-11 among them")
        .says("--period YYYY-MM");
    rig.run(&["plan", "usage.csv", "--offering", HPC, "--period", "2026-11"])
        .ends_with(0)
        .says("1 to create")
        .says("2 rows read: 1 used, 0 faulty, 0 blank, 1 filtered");
}

#[test]
fn plans_are_written_by_their_ending() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    let plan = ["plan", "usage.csv", "--offering", HPC, "-o"];
    rig.run(&[&plan[..], &["plan.pdf"]].concat()).ends_with(2).says("use .json, .xlsx, .html or .txt");
    rig.run(&[&plan[..], &["nowhere/plan.json"]].concat())
        .ends_with(2)
        .says("cannot write nowhere/plan.json");
    rig.run(&[&plan[..], &["plan.json", "-o", "plan.xlsx"]].concat()).ends_with(0);
    rig.run(&[&plan[..], &["plan.xlsx"]].concat())
        .ends_with(2)
        .says("plan.xlsx is there already")
        .says("--force");
    rig.run(&[&plan[..], &["plan.xlsx", "--force"]].concat()).ends_with(0);
    rig.run(&["plan", "plan.xlsx", "-o", "plan.xlsx", "--force"]).ends_with(2).says("is an input");
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(rig.folder.path().join("plan.json")).unwrap()).unwrap();
    assert_eq!(json["format"], 3);
    let header = &json["body"]["binding"];
    assert_eq!(header["period"], "2026-11");
    assert_eq!(header["server"], rig.sandbox.url());
    assert_eq!(header["inputs"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(header["capabilities"]["takes_date"]["evidence"], "the server ignores a date");
    assert_eq!(header["capabilities"]["requests_are_atomic"]["evidence"], "assumed");
    assert_eq!(
        header["capabilities"]["carry_over"]["evidence"], "usage rows carry no missing_usage_policy",
        "what the rows show is known, not assumed"
    );
    let workbook = std::fs::read(rig.folder.path().join("plan.xlsx")).unwrap();
    assert!(workbook.starts_with(b"PK"));
    let leftovers = std::fs::read_dir(rig.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let leftovers: Vec<_> = leftovers.filter(|name| name.to_string_lossy().contains(".part")).collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn faulty_rows_leave_with_their_resource_and_are_written_down() {
    let rig = Rig::new();
    rig.long(&[
        "climate-alps,2026-11,cpu,7",
        "climate-alps,2026-11,ram,x",
        "climate-era5,2026-11,cpu,300",
        "nobody,2026-11,cpu,1",
    ]);
    let plan = ["plan", "usage.csv", "--offering", HPC, "--skip-faulty"];
    rig.run(&plan)
        .ends_with(0)
        .says("Left out: 3 rows")
        .says("cpu 8.00")
        .says("and 1 row without an amount that can be read")
        .says("0 to create, 1 to update");
    let written = std::fs::read_to_string(rig.folder.path().join("usage-left-out.csv")).unwrap();
    insta::assert_snapshot!(written, @r"
    resource_name,billing_period,component_type,amount
    climate-alps,2026-11,cpu,7
    climate-alps,2026-11,ram,x
    nobody,2026-11,cpu,1
    ");
    // The same rows again are the same file; others get a name of their own.
    rig.run(&plan).ends_with(0).says("written to usage-left-out.csv");
    rig.long(&["climate-alps,2026-11,ram,x", "climate-era5,2026-11,cpu,300"]);
    rig.run(&plan).ends_with(0).says("written to usage-left-out-2.csv");
}

#[test]
fn where_the_file_is_silent_what_is_stored_stays() {
    let rig = Rig::new();
    // climate-era5 has a description this month that the file does not speak of.
    let text = "resource_name,billing_period,component_type,amount,description,recurring\n\
                climate-era5,2026-11,cpu,300,,\n\
                climate-era5,2026-11,ram,19040.40,corrected,\n\
                climate-era5,2026-11,storage,264.60,,yes\n";
    rig.file("usage.csv", text);
    let json = rig.run(&["plan", "usage.csv", "--offering", HPC, "--format", "json"]).ends_with(0).json();
    let lines = json["plan"]["body"]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "climate-era5");
    let line = |component: &str| {
        let lines = lines.unwrap()["lines"].as_array().unwrap();
        lines.iter().find(|line| line["component"] == component).unwrap().clone()
    };
    assert_eq!(line("cpu")["new"]["description"], "interim, until 15 November");
    assert_eq!(line("ram")["action"], "update");
    assert_eq!(line("ram")["new"]["description"], "corrected");
    assert_eq!(line("storage")["action"], "update");
    assert_eq!(line("storage")["new"]["carry_over"], "reuse");
}
