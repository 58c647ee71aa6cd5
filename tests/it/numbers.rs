//! Numbers and dates as people and spreadsheets write them: read right, or refused at the right cell.
//!
//! The workbooks are made by `tests/files/make_numbers.py`.

use std::fmt::Write;

use serde_json::Value;

use crate::rig::{HPC, Rig};

const CHECK: [&str; 4] = ["check", "usage.csv", "--offering", HPC];

/// A file of amounts of one column, with semicolons between its cells.
fn amounts(rig: &Rig, amounts: &[&str]) {
    let resources = ["climate-alps", "climate-cordex", "climate-era5", "cohort-wgs", "flame-dns"];
    let mut text = String::from("resource_name;billing_period;component_type;amount\n");
    for (amount, resource) in amounts.iter().zip(resources) {
        let _ = writeln!(text, "{resource};2026-11;cpu;{amount}");
    }
    rig.file("usage.csv", text);
}

/// The amounts that a plan of the file posts or finds stored, by resource.
fn planned(rig: &Rig, file: &str, more: &[&str]) -> Vec<String> {
    let plan = ["plan", file, "--offering", HPC, "--format", "json"];
    let json = rig.run(&[&plan[..], more].concat()).ends_with(0).json();
    let mut planned = Vec::new();
    for resource in json["plan"]["body"]["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap() {
            let amount = match &line["new"] {
                Value::Null if line["place"].is_null() => continue,
                Value::Null => &line["old"]["amount"],
                new => &new["amount"],
            };
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            planned.push(format!(
                "{} {} {}",
                text(&resource["name"]),
                text(&line["component"]),
                text(amount)
            ));
        }
    }
    planned.sort();
    planned
}

/// The findings of a check: code, place and hint.
fn findings(rig: &Rig, file: &str, more: &[&str]) -> Vec<String> {
    let check = ["check", file, "--offering", HPC, "--format", "json"];
    let json = rig.run(&[&check[..], more].concat()).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = json["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "deny");
    list.map(|finding| format!("{} {}", text(&finding["code"]), finding["place"]["row"])).collect()
}

#[test]
fn a_column_shows_its_decimal_sign_in_one_cell() {
    let rig = Rig::new();
    amounts(&rig, &["1.234", "2.345,5", "12"]);
    let comma = ["climate-alps cpu 1234.00", "climate-cordex cpu 2345.50", "climate-era5 cpu 12.00"];
    assert_eq!(planned(&rig, "usage.csv", &[]), comma);
    amounts(&rig, &["1\u{a0}234,5", "2\u{202f}345,00", "\u{ff11}\u{ff12}"]);
    let spaces = ["climate-alps cpu 1234.50", "climate-cordex cpu 2345.00", "climate-era5 cpu 12.00"];
    assert_eq!(planned(&rig, "usage.csv", &[]), spaces);
    amounts(&rig, &["1'234.5", "2,345.00", "1.2e3"]);
    let point = ["climate-alps cpu 1234.50", "climate-cordex cpu 2345.00", "climate-era5 cpu 1200.00"];
    assert_eq!(planned(&rig, "usage.csv", &[]), point);
}

#[test]
fn an_amount_that_could_be_two_numbers_is_refused_with_the_flag_that_settles_it() {
    let rig = Rig::new();
    amounts(&rig, &["1.234", "12", "5.000"]);
    rig.run(&CHECK)
        .ends_with(3)
        .says("deny ambiguous-amount")
        .says("usage.csv line 2, column 4 \"amount\": 1.234 and 1 more cell")
        .says("and usage.csv line 4, column 4 \"amount\"")
        .says("it is 1.234 with a decimal point and 1234 with a decimal comma")
        .says("add --decimal point if 1.234 is meant, or --decimal comma if 1234 is")
        .says("3 rows read: 1 used, 2 faulty");
    let comma = ["climate-alps cpu 1234.00", "climate-cordex cpu 12.00", "climate-era5 cpu 5000.00"];
    assert_eq!(planned(&rig, "usage.csv", &["--decimal", "comma"]), comma);
    assert_eq!(findings(&rig, "usage.csv", &["--decimal", "point"]), ["too-many-decimals 2"]);
    amounts(&rig, &["5.000", "1.20", "0.125"]);
    let rounded = ["climate-alps cpu 5.00", "climate-cordex cpu 1.20", "climate-era5 cpu 0.13"];
    assert_eq!(planned(&rig, "usage.csv", &["--round", "half-up"]), rounded);
}

#[test]
fn a_column_that_shows_both_signs_is_refused_with_a_cell_of_each() {
    let rig = Rig::new();
    amounts(&rig, &["1.234,50", "12.5", "7", "1,25"]);
    rig.run(&CHECK)
        .ends_with(3)
        .says("deny mixed-decimal-signs")
        .says("usage.csv line 3, column 4 \"amount\": a decimal point in 12.5, and a decimal comma in 1.234,50 and 1 more cell")
        .says("and usage.csv line 2, column 4 \"amount\"")
        .says("4 rows read: 1 used, 3 faulty");
    assert_eq!(findings(&rig, "usage.csv", &["--decimal", "comma"]), ["invalid-amount 3"]);
}

#[test]
fn the_columns_of_a_wide_table_are_decided_one_by_one() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "resource_name;CPU;RAM;Gpu Hours;Remarks\n\
         climate-alps;1.234;1.234;7,5;1.5\n\
         climate-cordex;2,5;8;7.5;1,5\n",
    );
    let period = ["--period", "2026-11"];
    rig.run(&[&CHECK[..], &period].concat())
        .ends_with(3)
        .says("deny unknown-component-column")
        .says("deny ambiguous-amount")
        .says("usage.csv line 2, column 3 \"RAM\": 1.234")
        .says("deny mixed-decimal-signs")
        .says("usage.csv line 3, column 4 \"Gpu Hours\": a decimal point in 7.5");
    rig.file("usage.csv", "resource_name;CPU;RAM\nclimate-alps;1.234;1.25\nclimate-cordex;2,5;8\n");
    let expected = [
        "climate-alps cpu 1234.00",
        "climate-alps ram 1.25",
        "climate-cordex cpu 2.50",
        "climate-cordex ram 8.00",
    ];
    assert_eq!(planned(&rig, "usage.csv", &period), expected);
}

#[test]
fn filtered_rows_show_the_sign_of_their_column_too() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "resource_name;billing_period;component_type;amount\n\
         climate-alps;2026-11;cpu;1.234\n\
         climate-alps;2026-10;cpu;1.234,5\n",
    );
    let expected = ["climate-alps cpu 1234.00"];
    assert_eq!(planned(&rig, "usage.csv", &["--period", "2026-11"]), expected);
    rig.run(&[&CHECK[..], &["--period", "2026-11"]].concat())
        .ends_with(0)
        .says("warn thin-evidence")
        .says("usage.csv line 3, column 4 \"amount\": 1.234,5 shows the decimal sign for a cell that could be two things")
        .says("--decimal point or --decimal comma settles it");
}

#[test]
fn one_odd_cell_does_not_speak_for_a_column() {
    let rig = Rig::new();
    amounts(&rig, &["1.250", "12.000", "7.5"]);
    rig.run(&CHECK)
        .ends_with(3)
        .says("deny ambiguous-amount")
        .says("line 2, column 4 \"amount\": 1.250 and 1 more cell")
        .says("of the whole column only 7.5 in line 4 shows which one is meant")
        .says("3 rows read: 1 used, 2 faulty");
    amounts(&rig, &["1.250", "12.000", "2.345,5"]);
    rig.run(&CHECK)
        .ends_with(0)
        .says("warn thin-evidence")
        .says("2.345,5 shows the decimal sign for 2 cells");
    // A column that shows its sign in more than one cell is read without a word.
    amounts(&rig, &["1.250", "7,5", "0,5"]);
    rig.run(&CHECK).ends_with(0).says("ok: nothing found");
    rig.long(&[
        "climate-alps,01/11/2026,cpu,1",
        "climate-alps,02/11/2026,ram,1",
        "climate-era5,30/11/2026,cpu,1",
    ]);
    rig.run(&CHECK).says("warn thin-evidence").says("30/11/2026 shows the order of dates for 2 cells");
    rig.long(&[
        "climate-alps,11/01/2026,cpu,1",
        "climate-alps,11/02/2026,ram,1",
        "climate-era5,30/11/2026,cpu,1",
    ]);
    rig.run(&CHECK)
        .ends_with(3)
        .says("deny ambiguous-period")
        .says("of the whole column only 30/11/2026 in line 4 shows which one is meant");
}

#[test]
fn a_unit_behind_a_number_has_to_be_the_units_own() {
    let rig = Rig::new();
    amounts(&rig, &["12.50 k-hours", "3.5k-hours"]);
    assert_eq!(planned(&rig, "usage.csv", &[]), ["climate-alps cpu 12.50", "climate-cordex cpu 3.50"]);
    amounts(&rig, &["12.50 hours", "50 %", "€ 12", "12 EUR", "36:15"]);
    rig.run(&CHECK)
        .ends_with(3)
        .says("deny unit-mismatch")
        .says("line 2, column 4 \"amount\": hours")
        .says("k-hours, the unit of cpu")
        .says("a share says nothing without its whole")
        .says("an amount is a quantity, not money")
        .says("it is a length of time, 36.25 hours");
    rig.file(
        "usage.csv",
        "resource_name,billing_period,component_type,amount,unit\nclimate-alps,2026-11,cpu,12 hours,k-hours\n",
    );
    rig.run(&CHECK).ends_with(3).says("deny unit-mismatch").says("k-hours, as the column unit says");
    rig.file("usage.csv", "resource_name,billing_period,CPU (k-hours)\nclimate-alps,2026-11,12 hours\n");
    rig.run(&CHECK).ends_with(3).says("deny unit-mismatch").says("k-hours, as the header says");
}

#[test]
fn months_are_read_however_they_are_written() {
    let rig = Rig::new();
    for month in
        ["11/2026", "Nov 2026", "novembre 2026", "marraskuu 2026", "11 - 2026", "202611", "1.11.2026"]
    {
        rig.long(&[&format!("climate-alps,{month},cpu,1")]);
        rig.run(&CHECK).ends_with(0).says("1 amount of 1 resource for 2026-11").says("ok: nothing found");
    }
    rig.long(&[
        "climate-alps,2026-11-15,cpu,1",
        "climate-alps,30/11/2026,ram,1",
        "climate-alps,01/11/2026,gpu_hours,1",
    ]);
    rig.run(&CHECK)
        .ends_with(0)
        .says("warn day-as-month")
        .says("line 2, column 2 \"billing_period\": 2026-11-15 and 1 more")
        .says("3 amounts of 1 resource for 2026-11");
    for (month, detail) in [
        ("2026-11-31", "a month such as 2026-11"),
        ("11/26", "write the year with four digits"),
        ("46327", "it may be the number of a day in 2026-11"),
        ("2026-10-31T23:00:00Z", "its time zone decides"),
    ] {
        rig.long(&[&format!("climate-alps,{month},cpu,1")]);
        rig.run(&CHECK).ends_with(3).says("deny invalid-period").says(detail);
    }
}

#[test]
fn a_date_that_could_lie_in_two_months_is_refused_with_the_flag_that_settles_it() {
    let rig = Rig::new();
    rig.long(&["climate-alps,01/11/2026,cpu,1", "climate-alps,2026-11,ram,1"]);
    rig.run(&CHECK)
        .ends_with(3)
        .says("deny ambiguous-period")
        .says("usage.csv line 2, column 2 \"billing_period\": 01/11/2026")
        .says("add --dates dmy if 2026-11 is meant, or --dates mdy if 2026-01 is")
        .says("2 rows read: 1 used, 1 faulty");
    rig.run(&[&CHECK[..], &["--dates", "dmy"]].concat())
        .ends_with(0)
        .says("2 amounts of 1 resource for 2026-11");
    rig.run(&[&CHECK[..], &["--dates", "mdy"]].concat()).ends_with(0).says("for 2026-01..2026-11");
    rig.long(&["climate-alps,13/11/2026,cpu,1", "climate-alps,11/14/2026,ram,1"]);
    rig.run(&CHECK)
        .ends_with(3)
        .says("deny mixed-date-orders")
        .says("the day first in 13/11/2026, and the month first in 11/14/2026")
        .says("2 rows read: 0 used, 2 faulty");
}

#[test]
fn rounding_is_asked_for_and_told() {
    let rig = Rig::new();
    rig.long(&[
        "climate-alps,2026-11,cpu,1.005",
        "climate-cordex,2026-11,cpu,0.333333333333333",
        "climate-era5,2026-11,cpu,7.50",
    ]);
    rig.run(&CHECK).ends_with(3).says("deny too-many-decimals").says("add --round half-up");
    let round = ["--round", "half-up"];
    rig.run(&[&CHECK[..], &round].concat())
        .ends_with(0)
        .says("Rounded half-up: 2 amounts")
        .says("8.838333333333333   8.84  +0.001666666666667");
    let json = rig.run(&[&CHECK[..], &round, &["--format", "json"]].concat()).ends_with(0).json();
    insta::assert_json_snapshot!(json["rounding"], @r###"
    {
      "rule": "half-up",
      "components": [
        {
          "component": "cpu",
          "unit": "k-hours",
          "amounts": 3,
          "amounts_rounded": 2,
          "before": "8.838333333333333",
          "after": "8.84",
          "difference": "0.001666666666667"
        }
      ]
    }
    "###);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "--round", "half-up", "-o", "plan.json"])
        .ends_with(0)
        .says("Rounded half-up: 2 amounts");
    let plan: Value =
        serde_json::from_slice(&std::fs::read(rig.folder.path().join("plan.json")).unwrap()).unwrap();
    crate::plan_file::is_as_the_schema_says(&plan);
    assert_eq!(plan["body"]["binding"]["rounding"], json["rounding"]);
    rig.run(&["apply", "plan.json", "--yes"])
        .ends_with(0)
        .says("Rounded half-up: 2 amounts")
        .says("+0.001666666666667");
    rig.run(&["apply", "plan.json", "--yes", "--round", "up"]).ends_with(2).says("as it was agreed to");
    rig.long(&["climate-alps,2026-11,cpu,-0.001"]);
    rig.run(&[&CHECK[..], &round].concat()).ends_with(3).says("deny negative-amount");
}

#[test]
fn rows_that_are_left_out_are_added_up_as_they_are_read() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "resource_name;billing_period;component_type;amount\n\
         climate-alps;2026-11;cpu;1,5\n\
         climate-cordex;2026-11;cpu;2.345\n\
         climate-cordex;2026-11;cpux;1\n",
    );
    let plan = ["plan", "usage.csv", "--offering", HPC, "--skip-faulty", "--format", "json"];
    let json = rig.run(&plan).ends_with(0).json();
    assert_eq!(json["left_out"]["quantities"]["cpu"], "2345.00");
}

#[test]
fn workbooks_that_count_from_1904_are_read_by_their_dates() {
    let rig = Rig::new();
    rig.file("usage.xlsx", include_bytes!("../files/days-from-1904.xlsx"));
    rig.run(&["check", "usage.xlsx", "--offering", HPC])
        .ends_with(3)
        .says("deny invalid-period")
        .says("usage.xlsx Sheet!B3 \"billing_period\": 44865")
        .says("it may be the number of a day in 2026-11")
        .says("1 amount of 1 resource for 2026-11");
}

#[test]
fn a_formula_that_nobody_has_computed_is_not_believed() {
    let rig = Rig::new();
    rig.file("usage.xlsx", include_bytes!("../files/formula-never-computed.xlsx"));
    rig.run(&["check", "usage.xlsx", "--offering", HPC])
        .ends_with(3)
        .says("deny invalid-amount")
        .says("usage.xlsx Usage!D2 \"amount\": a formula with the value 0, but the workbook asks to be computed")
        .says("open the file in a spreadsheet program")
        .says("2 rows read: 1 used, 1 faulty");
    rig.file("usage.xlsx", include_bytes!("../files/formula-computed.xlsx"));
    let expected = ["climate-alps cpu 12.50", "climate-alps ram 7.00"];
    assert_eq!(planned(&rig, "usage.xlsx", &[]), expected);
    rig.file("usage.xlsx", include_bytes!("../files/formula-zeros-kept.xlsx"));
    rig.run(&["check", "usage.xlsx", "--offering", HPC]).ends_with(3).says(
        "usage.xlsx Usage!D2 \"amount\": a formula with the value 0, but every formula of the sheet has it",
    );
}

#[test]
fn cells_of_every_kind_are_read_or_named() {
    let rig = Rig::new();
    rig.file("usage.xlsx", include_bytes!("../files/amounts-of-every-kind.xlsx"));
    let expected = [
        "invalid-amount 2",
        "invalid-amount 3",
        "invalid-amount 4",
        "invalid-amount 5",
        "invalid-amount 6",
        "invalid-amount 7",
        "invalid-amount 8",
        "negative-amount 9",
        "invalid-amount 12",
        "unit-mismatch 11",
    ];
    assert_eq!(findings(&rig, "usage.xlsx", &[]), expected);
    rig.run(&["check", "usage.xlsx", "--offering", HPC])
        .says("it is a length of time, 36.25 hours")
        .says("the spreadsheet has turned the number into a date")
        .says("a dash can be zero or nothing")
        .says("brackets are the way of accounts")
        .says("usage.xlsx Sheet!D2 \"amount\": 50 %")
        .says("11 rows read: 1 used, 10 faulty");
    rig.file("usage.xlsx", include_bytes!("../files/months-of-every-kind.xlsx"));
    assert_eq!(findings(&rig, "usage.xlsx", &[]), ["invalid-period 8", "invalid-period 9"]);
    rig.run(&["check", "usage.xlsx", "--offering", HPC])
        .says("warn day-as-month")
        .says("6 amounts of 2 resources for 2026-11")
        .says("8 rows read: 6 used, 2 faulty");
}
