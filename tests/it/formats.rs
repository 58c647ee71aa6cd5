//! Several inputs in one run, and what goes back to the user from files of other layouts.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use crate::rig::{HPC, Rig, command};

const HEADER: &str = "resource_name,billing_period,component_type,amount";

#[test]
fn a_table_comes_through_a_pipe() {
    let rig = Rig::new();
    let mut child = command(rig.folder.path())
        .env("WALDUR_API_URL", rig.url())
        .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
        .args(["check", "-", "--offering", HPC])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let text = format!("{HEADER}\nclimate-alps,2026-11,cpu,1\nclimate-alps,2026-11,ram,x\n");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("stdin line 3, column 4 \"amount\": x"), "{said}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn folders_and_patterns_are_files_in_the_order_of_their_names() {
    let rig = Rig::new();
    std::fs::create_dir(rig.folder.path().join("november")).unwrap();
    rig.file("november/b.csv", format!("{HEADER}\nclimate-era5,2026-11,cpu,1\n"));
    rig.file("november/a.csv", format!("{HEADER}\nclimate-alps,2026-11,cpu,1\n"));
    rig.file("november/letter.pdf", "%PDF-1.7");
    rig.run(&["check", "november", "--offering", HPC])
        .ends_with(0)
        .says("warn other-files")
        .says("november: not read: letter.pdf")
        .says("2 rows read: 2 used");
    rig.run(&["check", "november/*.csv", "--offering", HPC]).ends_with(0).says("2 rows read: 2 used");
    let json = rig.run(&["plan", "november", "--offering", HPC, "--format", "json"]).ends_with(0).json();
    let inputs = json["plan"]["body"]["binding"]["inputs"].as_array().unwrap();
    let names: Vec<PathBuf> = inputs.iter().map(|input| input["name"].as_str().unwrap().into()).collect();
    assert_eq!(names, ["november/a.csv", "november/b.csv"].map(PathBuf::from));
    rig.run(&["check", "*.ods"]).ends_with(2).says("no spreadsheet in *.ods").says(".parquet are read");
}

#[test]
fn rows_go_back_under_the_header_that_they_stood_under() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "Usage of November\nHPC centre, provider\n\nResource,Billing,Component,\nname,period,type,amount\n\
         climate-alps,2026-11,cpu,1\nnobody,2026-11,cpu,2\n",
    );
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes", "--skip-faulty", "--results", "out"])
        .ends_with(5)
        .says("warn lines-above-header")
        .says("warn two-row-header")
        .says("rows 4 and 5 together");
    let left = std::fs::read_to_string(rig.folder.path().join("usage-left-out.csv")).unwrap();
    assert_eq!(left, "Resource name,Billing period,Component type,amount\nnobody,2026-11,cpu,2\n");
    rig.run(&["check", "usage-left-out.csv", "--offering", HPC]).ends_with(3).says("line 2, column 1");
}

#[test]
fn the_header_can_be_named() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        format!("name,cpu,ram\na,1,2\n\n{HEADER}\nclimate-alps,2026-11,cpu,1\nclimate-alps,2026-11\n"),
    );
    rig.run(&["check", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("deny several-tables")
        .says("say --header-row 4");
    rig.run(&["check", "usage.csv", "--offering", HPC, "--header-row", "4"])
        .ends_with(3)
        .says("warn lines-above-header")
        .says("warn ragged-rows")
        .says("1 row ends before the header does, line 6 first");
    rig.run(&["check", "usage.csv", "--offering", HPC, "--header-row", "1"])
        .ends_with(3)
        .says("missing-column");
}

#[test]
fn what_a_reader_cannot_take_for_an_amount_is_named_with_what_can_be_done() {
    let rig = Rig::new();
    for (file, found, hint) in [
        ("raised-digit.xlsx", "Usage!D3 \"amount\": 300 (0 is raised or lowered)", "a cell of its own"),
        ("struck-out.xls", "Usage!D3 \"amount\": 300.25 (all of it struck out)", "show it as valid again"),
        (
            "thousands-format.xls",
            "D3 \"amount\": 1234560 in the number format #,##0,",
            "another number than one sees",
        ),
        (
            "escaped-percent-format.xlsx",
            "D3 \"amount\": 5 in the number format 0.00\\%",
            "another number than one sees",
        ),
        ("unit-format.ods", "D3 \"amount\": hours", "--unit-factor \"hours=FACTOR k-hours\""),
        ("value-comment.xlsx", "D3 \"amount\": 30 (a value in pieces)", "enter the value again"),
        ("value-hexadecimal.xlsx", "D3 \"amount\": 0x10", "write it as a decimal number"),
        ("value-extended.xlsx", "Usage!D3: a cell with an element <extLst>", "save it as .xlsx"),
        ("duration-ns.parquet", "line 2, column 4 \"amount\": PT10H0M0S", "a length of time, 10.00 hours"),
        ("time-of-day.parquet", "\"amount\": 05:00:00, a time of day", "a time of day is none"),
        ("half-precision.parquet", "a number of 16 bits (float16)", "write the column as decimals"),
        (
            "instant-in-new-york.parquet",
            "2026-11-01 00:00:00 [UTC, shown elsewhere]",
            "its time zone decides",
        ),
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/files").join(file);
        rig.file(file, std::fs::read(path).unwrap());
        rig.run(&["check", file, "--offering", HPC]).ends_with(3).says(found).says(hint);
    }
    rig.file(
        "twice.csv",
        "resource_name,billing_period,cpu,,ram,\n,,Used,Limit,Used,Limit\nclimate-alps,2026-11,1,2,3,4\n",
    );
    rig.run(&["check", "twice.csv", "--offering", HPC])
        .ends_with(3)
        .says("hint: if so meant, head one of the columns Used as amount\n");
}
