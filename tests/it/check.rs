//! Files of every kind of wrong: each is named with its cell, ends with 3, and sends nothing.

use crate::rig::{HPC, Rig};

/// A row, and what `apply` has to say of it.
const FAULTS: [(&str, &str, &str); 15] = [
    ("climate-cordx,2026-11,cpu,1", "unknown-resource", "did you mean climate-cordex?"),
    ("climate-cordex,2026-11,cpux,1", "unknown-component", "did you mean cpu?"),
    ("climate-cordex,2026-11,node,1", "not-reportable", "node is billed as fixed"),
    ("flame-spray,2026-11,cpu,1", "resource-state", "flame-spray is Terminated"),
    ("qmat-topo,2026-11,cpu,1", "resource-state", "qmat-topo is Erred"),
    ("monitoring,2026-11,cpu,1", "no-plan", "monitoring has no plan"),
    ("sequencing,2026-11,cpu,1", "ambiguous-resource", "name one by uuid"),
    ("climate-cordex,2026-11,cpu,1.2345", "too-many-decimals", "at most two decimal places"),
    ("climate-cordex,2026-11,cpu,-1", "negative-amount", "zero or more"),
    ("climate-cordex,2026-11,cpu,1000000000000", "amount-too-large", "the server breaks on more"),
    ("climate-cordex,2026-11,cpu,12:30", "invalid-amount", "12.50 hours"),
    ("climate-cordex,2026-11,cpu,12 h", "unit-mismatch", "k-hours, the unit of cpu"),
    ("climate-cordex,2026-11-31,cpu,1", "invalid-period", "2026-11-31"),
    ("climate-cordex,,cpu,1", "missing-value", "a blank cell"),
    ("flame-les,2026-11,cpu,1", "several-plan-periods", "Priority"),
];

#[test]
fn every_fault_of_a_row_is_named_and_nothing_is_sent() {
    let rig = Rig::new();
    let before = rig.stored();
    for (row, code, detail) in FAULTS {
        rig.long(&["climate-alps,2026-11,cpu,1", row]);
        rig.run(&["apply", "usage.csv", "--offering", HPC, "--yes"])
            .ends_with(3)
            .says(&format!("deny {code}: "))
            .says("usage.csv line 3, column ")
            .says(detail)
            .says("2 rows read: 1 used, 1 faulty, 0 blank, 0 filtered");
    }
    assert_eq!(rig.posts(), 0);
    assert_eq!(rig.stored(), before);
}

#[test]
fn files_that_are_no_usage_are_refused_as_a_whole() {
    let rig = Rig::new();
    let cases: [(&str, &[u8], &str, &str); 12] = [
        ("a.pdf", b"%PDF-1.7\n", "wrong-file-type", "a PDF document"),
        ("a.xlsx", b"PK\x03\x04 no archive", "damaged-file", "does not open as a workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "damaged-file", "an old Office file"),
        ("a.html", b"<html><table></table></html>", "wrong-file-type", "HTML"),
        ("a.bin", b"abc\0def", "wrong-file-type", "a binary file"),
        ("utf16.csv", b"\xff\xfea", "damaged-file", "UTF-16"),
        ("latin.csv", b"resource_name\nM\x81nchen\n", "wrong-file-type", "CSV UTF-8"),
        ("empty.csv", b"", "empty-file", "0 bytes"),
        ("blank.csv", b" \n\n", "empty-file", "rows of usage"),
        (
            "header.csv",
            b"resource_name,billing_period,component_type,amount\n",
            "empty-file",
            "no row below it",
        ),
        (
            "column.csv",
            b"resource_name,billing_period,component_type,amont\na,2026-11,cpu,1\n",
            "missing-column",
            "if it is the column amont, head it amount",
        ),
        (
            "quote.csv",
            b"resource_name,billing_period,component_type,amount\na,2026-11,\"cpu,1\n",
            "damaged-file",
            "never closed",
        ),
    ];
    for (name, content, code, detail) in cases {
        rig.file(name, content);
        rig.run(&["apply", name, "--yes"])
            .ends_with(3)
            .says(&format!("deny {code}: "))
            .says(name)
            .says(detail);
    }
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_path_that_cannot_be_read_is_no_finding() {
    let rig = Rig::new();
    rig.run(&["check", "nowhere.csv"])
        .ends_with(2)
        .says("cannot read nowhere.csv")
        .says("hint: check the path");
    rig.run(&["check", "."]).ends_with(2).says("no spreadsheet in .");
}

#[test]
fn duplicates_name_both_cells() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,1", "climate-alps,2026-11,ram,5", "climate-alps,2026-11,cpu,2"]);
    rig.run(&["check", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("usage.csv line 2, column 4 \"amount\": 2 rows for cpu of climate-alps, 2026-11: 1.00, 2.00")
        .says("and usage.csv line 4, column 4 \"amount\"")
        .says("3 rows read: 1 used, 2 faulty");
}

#[test]
fn headers_match_however_they_are_spelt_and_rows_add_up() {
    let rig = Rig::new();
    let text = "Amount;component-type;Billing Period;RESOURCE NAME;Remarks\n\
                12.50;cpu;2026-11;climate-alps;ok\n\
                ;;;;\n\
                \n\
                ;ram;2026-11;climate-alps;idle\n\
                3;cpu;2026-10;climate-alps;\n\
                4;cpu;2026-11;cohort-wgs;\n";
    rig.file("usage.csv", text);
    let check = ["check", "usage.csv", "--offering", HPC, "--period", "2026-11"];
    rig.run(&[&check[..], &["--customer", "Technische Universität Küstenland"]].concat())
        .ends_with(0)
        .says("warn unknown-column")
        .says("warn blank-amount")
        .says("warn outside-period")
        .says("warn outside-scope")
        .says("6 rows read: 1 used, 0 faulty, 3 blank, 2 filtered");
}

#[test]
fn wide_columns_are_components_or_named() {
    let rig = Rig::new();
    rig.file(
        "wide.csv",
        "resource_name,CPU,Gpu Hours,Node hours,Remarks\nclimate-alps,1.5,2,7,fine\nclimate-era5,x,,,\nclimate-cordex,,,,\n",
    );
    let check = ["check", "wide.csv", "--offering", HPC, "--period", "2026-11"];
    rig.run(&check)
        .ends_with(3)
        .says("deny unknown-component-column")
        .says("line 2, column 4 \"Node hours\"")
        .says("deny invalid-amount")
        .says("line 3, column 2 \"CPU\"")
        .says("warn unknown-column")
        .says("3 rows read: 1 used, 1 faulty, 1 blank, 0 filtered");
    rig.file("wide.csv", "resource_name,CPU,Gpu Hours,Node hours\nclimate-alps,1.5,2,7\n");
    rig.run(&[&check[..], &["--ignore-column", "node_hours"]].concat())
        .ends_with(0)
        .says("ok: nothing found");
}

#[test]
fn what_a_row_asks_for_and_cannot_have_is_named() {
    let rig = Rig::new();
    let text = "resource_name,billing_period,component_type,amount,username,plan_period,missing_usage_policy\n\
                climate-alps,2026-11,cpu,1,al\u{200b}ice,,\n\
                climate-alps,2026-11,ram,1,,51c8c00239875626ba9c27cf1a09d03c,\n\
                climate-alps,2026-11,gpu_hours,1,,,zero\n";
    rig.file("usage.csv", text);
    rig.run(&["check", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("deny invalid-username")
        .says("deny unknown-plan-period")
        .says("deny carry-over-unsupported")
        .says("3 rows read: 0 used, 3 faulty");
}

#[test]
fn scope_is_asked_for_where_names_need_one() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,1"]);
    rig.run(&["check", "usage.csv"]).ends_with(3).says("deny no-scope").says("--offering");
    rig.run(&["check", "usage.csv", "--offering", "HPC"])
        .ends_with(2)
        .says("no offering is named \"HPC\"")
        .says("did you mean \"HPC allocation\"?");
    let uuid = rig.resource("climate-alps");
    rig.file(
        "uuid.csv",
        format!("resource_uuid,billing_period,component_type,amount\n{uuid},2026-11,cpu,1\n"),
    );
    rig.run(&["check", "uuid.csv"]).ends_with(0).says("ok: nothing found");
    rig.run(&["check", "uuid.csv", "--offering", "Research data storage"])
        .ends_with(3)
        .says("deny other-offering")
        .says("climate-alps of the offering HPC allocation");
}

#[test]
fn a_policy_makes_warnings_grave_and_never_faults_harmless() {
    let rig = Rig::new();
    let config = rig.folder.path().join("config/waldur-usage");
    std::fs::create_dir_all(&config).unwrap();
    rig.long(&["training-course,2026-11,cpu,1"]);
    let check = ["check", "usage.csv", "--offering", HPC];
    rig.run(&check).ends_with(0).says("warn no-plan-period");
    std::fs::write(config.join("config.toml"), "[policy]\nno-plan-period = \"deny\"\n").unwrap();
    rig.run(&check).ends_with(3).says("deny no-plan-period");
    std::fs::write(config.join("config.toml"), "[policy]\nnegative-amount = \"warn\"\n").unwrap();
    rig.run(&check).ends_with(2).says("always at deny");
    std::fs::write(config.join("config.toml"), "[policie]\n").unwrap();
    rig.run(&check).ends_with(2).says("config.toml");
}

#[test]
fn text_of_files_reaches_no_terminal_raw() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,\u{1b}[31m1\u{202e}2"]);
    let run = rig.run(&["check", "usage.csv", "--offering", HPC]).ends_with(3).says(r"\u{1b}[31m1\u{202e}2");
    assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains('\u{202e}'));
}

#[test]
fn json_lists_every_finding() {
    let rig = Rig::new();
    let rows: Vec<String> = (0..50).map(|number| format!("nobody-{number},2026-11,cpu,1")).collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    rig.run(&["check", "usage.csv", "--offering", HPC]).ends_with(3).says("… and 42 more");
    let json = rig.run(&["check", "usage.csv", "--offering", HPC, "--format", "json"]).ends_with(3).json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 50);
    insta::assert_json_snapshot!(json["findings"][0], @r###"
    {
      "code": "unknown-resource",
      "severity": "deny",
      "place": {
        "text": "usage.csv line 2, column 1 \"resource_name\"",
        "file": "usage.csv",
        "sheet": null,
        "row": 2,
        "column": 1,
        "header": "resource_name"
      },
      "found": "nobody-0",
      "expected": "a resource of this server that this account may see"
    }
    "###);
    assert_eq!(json["rows"]["rows_faulty"], 50);
}

#[test]
fn the_samples_say_the_same_in_every_form() {
    let rig = Rig::new();
    let samples = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut plans = Vec::new();
    for name in ["long.xlsx", "long.csv", "wide.xlsx", "wide.csv"] {
        let file = samples.join(format!("usage-2026-11-{name}"));
        let json = rig.run(&["plan", file.to_str().unwrap(), "--format", "json"]).ends_with(0).json();
        assert_eq!(json["findings"].as_array().unwrap().len(), 0, "{name}");
        plans.push(json["summary"].clone());
    }
    assert!(plans.windows(2).all(|pair| pair[0] == pair[1]), "{plans:#?}");
    for name in ["faults.xlsx", "faults.csv"] {
        let file = samples.join(format!("usage-2026-11-{name}"));
        rig.run(&["check", file.to_str().unwrap()]).ends_with(3).says("17 findings at deny, 2 warnings");
    }
}

#[test]
fn a_run_that_uses_no_row_is_no_success() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-10,cpu,1", "climate-alps,2026-10,ram,1"]);
    rig.run(&["check", "usage.csv", "--offering", HPC])
        .ends_with(0)
        .says("warn other-month")
        .says("2 amounts of 2026-10")
        .says("2 amounts of 1 resource for 2026-10");
    rig.run(&["apply", "usage.csv", "--offering", HPC, "--period", "2026-11", "--yes"])
        .ends_with(3)
        .says("deny nothing-used")
        .says("2 filtered out, 0 blank");
}

#[test]
fn headers_that_are_near_a_meaning_are_told_so() {
    let rig = Rig::new();
    rig.file("usage.csv", "Resource,Month,Component,Usage\nclimate-alps,2026-11,cpu,1\n");
    rig.run(&["check", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("if it is the column Resource, head it resource_name")
        .says("if it is the column Month, head it billing_period");
    rig.file("usage.csv", "Resource name,Billing period,Component,Usage\nclimate-alps,2026-11,cpu,1\n");
    rig.run(&["check", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("none of these is a component: Component, Usage")
        .says("head Component as component_type, head Usage as amount");
}

#[test]
fn units_in_wide_headers_are_checked() {
    let rig = Rig::new();
    let check = ["check", "wide.csv", "--offering", HPC, "--period", "2026-11"];
    rig.file("wide.csv", "resource_name,CPU (k-hours),RAM [GB-hours]\nclimate-alps,1,2\n");
    rig.run(&check).ends_with(0).says("2 amounts of 1 resource for 2026-11");
    rig.file("wide.csv", "resource_name,CPU (hours)\nclimate-alps,1\n");
    rig.run(&check)
        .ends_with(3)
        .says("deny unit-mismatch")
        .says("line 2, column 2")
        .says("k-hours, the unit of cpu");
}

/// The workbook was written by openpyxl, which stores formulas and computes none.
#[test]
fn a_formula_without_a_value_is_not_taken_for_blank() {
    let rig = Rig::new();
    rig.file("formula.xlsx", include_bytes!("../files/formula-without-value.xlsx"));
    rig.run(&["check", "formula.xlsx", "--offering", HPC, "--period", "2026-11"])
        .ends_with(3)
        .says("formula.xlsx Sheet!B2 \"cpu\": a formula without a computed value")
        .says("mend the formula and save it");
}
