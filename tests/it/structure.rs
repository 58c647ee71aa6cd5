//! Hidden rows and columns, merged cells and totals: each is told with its place and with the usage that is
//! at stake. `tests/files/make_structure.py` made the files, which stand in the corpus.

use std::path::PathBuf;

use serde_json::Value;

use crate::rig::{HPC, Rig};

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/files");
    folder.join(name).to_str().unwrap().to_owned()
}

/// What `check` says of a file, without the file: `code place: found [sums]`; then what became of the rows.
fn told(rig: &Rig, name: &str, flags: &[&str]) -> Vec<String> {
    let path = file(name);
    let arguments = [&["check", &path, "--offering", HPC, "--format", "json"], flags].concat();
    let json = rig.run(&arguments).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut told: Vec<String> = Vec::new();
    for finding in json["findings"].as_array().unwrap() {
        let place = text(&finding["place"]["text"]);
        let place = place.rsplit('/').next().unwrap().trim_start_matches(name).trim_start();
        let sums = finding["sums"].as_array().into_iter().flatten();
        let sums: Vec<String> =
            sums.map(|sum| format!("{} {}", text(&sum["component"]), text(&sum["amount"]))).collect();
        let sums = if sums.is_empty() { String::new() } else { format!(" [{}]", sums.join(", ")) };
        told.push(format!("{} {place}: {}{sums}", text(&finding["code"]), text(&finding["found"])));
    }
    let rows = &json["rows"];
    let count = |key: &str| rows[key].as_u64().unwrap();
    let (used, faulty) = (count("rows_used"), count("rows_faulty"));
    let (blank, filtered) = (count("rows_blank"), count("rows_filtered"));
    assert_eq!(count("rows_read"), used + faulty + blank + filtered, "{name}");
    told.push(format!("{used} used, {faulty} faulty, {blank} blank, {filtered} filtered"));
    told
}

fn expect(rig: &Rig, name: &str, flags: &[&str], expected: &[&str]) {
    assert_eq!(told(rig, name, flags), expected, "{name} {flags:?}");
}

#[test]
fn hidden_rows_wait_for_a_word() {
    let rig = Rig::new();
    let cases = [
        ("hidden-row.xlsx", "1 row with content (1 hidden): 3 [cpu 300.25]"),
        ("filtered-row.xlsx", "1 row with content (1 filtered out): 3 [cpu 300.25]"),
        ("row-without-height.xlsx", "1 row with content (1 hidden): 3 [cpu 300.25]"),
        ("hidden-row-libreoffice.xlsx", "1 row with content (1 hidden): 3 [cpu 300.25]"),
        ("hidden-row-libreoffice.ods", "1 row with content (1 hidden): 3 [cpu 300.25]"),
        ("filtered-row-libreoffice.ods", "1 row with content (1 filtered out): 3 [cpu 300.25]"),
        ("hidden-row.ods", "1 row with content (1 hidden): 3 [cpu 300.25]"),
        ("filtered-row.ods", "1 row with content (1 filtered out): 3 [cpu 300.25]"),
        ("hidden-row.xls", "1 row with content (1 hidden): 3 [cpu 300.25]"),
    ];
    for (name, found) in cases {
        let finding = format!("hidden-rows Usage!3:3: {found}");
        expect(&rig, name, &[], &[&finding, "2 used, 1 faulty, 0 blank, 0 filtered"]);
    }
    for name in ["collapsed-rows.xlsx", "collapsed-rows-libreoffice.ods", "collapsed-rows.ods"] {
        let finding = "hidden-rows Usage!3:3: 2 rows with content (2 in a collapsed group): 3–4 [cpu 309.25]";
        expect(&rig, name, &[], &[finding, "1 used, 2 faulty, 0 blank, 0 filtered"]);
    }
    let row = "Usage!3:3: 1 row with content (1 hidden): 3 [cpu 300.25]";
    let used = ["--hidden-rows", "use"];
    let told = format!("hidden-rows-used {row}");
    expect(&rig, "hidden-row.xlsx", &used, &[&told, "3 used, 0 faulty, 0 blank, 0 filtered"]);
    let skipped = ["--hidden-rows", "skip"];
    let told = format!("hidden-rows-skipped {row}");
    expect(&rig, "hidden-row.xlsx", &skipped, &[&told, "2 used, 0 faulty, 0 blank, 1 filtered"]);
    expect(&rig, "hidden-blank-row.xlsx", &[], &["3 used, 0 faulty, 1 blank, 0 filtered"]);
}

#[test]
fn the_terminal_says_what_is_at_stake_and_both_ways_out() {
    let rig = Rig::new();
    rig.run(&["check", &file("hidden-row.xlsx"), "--offering", HPC])
        .ends_with(3)
        .says("deny hidden-rows: ")
        .says("    sum: cpu 300.25\n")
        .says("--hidden-rows use to report them too, --hidden-rows skip to leave them out");
    rig.run(&["check", &file("total.xlsx"), "--offering", HPC])
        .ends_with(0)
        .says("warn total-row: ")
        .says("Usage!D5 \"amount\": Total: 1543.81, the sum of the 3 rows above")
        .says("4 rows read: 3 used, 0 faulty, 0 blank, 1 filtered");
}

#[test]
fn a_hidden_row_that_is_left_out_is_not_silence() {
    let rig = Rig::new();
    let skipped = file("hidden-row.xlsx");
    let plan =
        ["plan", &skipped, "--offering", HPC, "--hidden-rows", "skip", "--zero-missing", "--format", "json"];
    let scope = ["--period", "2026-11", "--project", "Regional Climate Downscaling"];
    let json = rig.run(&[&plan[..], &scope].concat()).ends_with(0).json();
    let resources = json["plan"]["body"]["resources"].as_array().unwrap();
    let cpu_of = |name: &str| {
        let resource = resources.iter().find(|resource| resource["name"] == name)?;
        let lines = resource["lines"].as_array().unwrap().iter();
        lines.filter(|line| line["component"] == "cpu").find_map(|line| line["new"]["amount"].as_str())
    };
    assert_eq!(cpu_of("climate-alps"), Some("1234.56"));
    // It would be zero if the row had not been there.
    assert_eq!(cpu_of("climate-era5"), None);
    assert_eq!(cpu_of("climate-cordex"), Some("0.00"));
}

#[test]
fn hidden_columns_wait_for_a_word_where_they_hold_amounts() {
    let rig = Rig::new();
    let found = "Usage!D1 \"ram\": a column that is hidden, with 2 cells [ram 100.00]";
    for name in ["hidden-column.xlsx", "hidden-column.ods"] {
        let told = format!("hidden-columns {found}");
        expect(&rig, name, &[], &[&told, "2 used, 0 faulty, 0 blank, 0 filtered"]);
    }
    let told = format!("hidden-columns-used {found}");
    let used = ["--hidden-columns", "use"];
    expect(&rig, "hidden-column.xlsx", &used, &[&told, "2 used, 0 faulty, 0 blank, 0 filtered"]);
    let told = format!("hidden-columns-skipped {found}");
    let skipped = ["--hidden-columns", "skip"];
    expect(&rig, "hidden-column.xlsx", &skipped, &[&told, "2 used, 0 faulty, 0 blank, 0 filtered"]);
    let told = "hidden-columns Usage!D1 \"amount\": a column that is hidden, with 3 cells [cpu 1543.81]";
    expect(&rig, "hidden-amounts.xlsx", &skipped, &[told, "3 used, 0 faulty, 0 blank, 0 filtered"]);
    let told = "hidden-key-columns Usage!C1 \"component_type\": a column that is hidden";
    expect(&rig, "hidden-component.xlsx", &[], &[told, "3 used, 0 faulty, 0 blank, 0 filtered"]);
    // Ids beside a name are hidden for good reasons.
    expect(&rig, "hidden-ids.xlsx", &[], &["3 used, 0 faulty, 0 blank, 0 filtered"]);
}

#[test]
fn totals_are_never_usage_and_have_to_add_up() {
    let rig = Rig::new();
    let good = "3 used, 0 faulty, 0 blank, 1 filtered";
    let cases = [
        (
            "total.xlsx",
            "total-row Usage!D5 \"amount\": Total: 1543.81, the sum of the 3 rows above [amount 1543.81]",
        ),
        (
            "total-with-all-keys.xlsx",
            "total-row Usage!D5 \"amount\": TOTAL: 1543.81, the sum of the 3 rows above [cpu 1543.81]",
        ),
        (
            "total-without-a-word.xlsx",
            "total-row Usage!D5 \"amount\": a row of nothing but figures: 1543.81, the sum of the 3 rows above [amount 1543.81]",
        ),
        (
            "total-computed.xlsx",
            "total-row Usage!D5 \"amount\": Total: 1543.81, the sum of the 3 rows above [amount 1543.81]",
        ),
        (
            "total-computed.ods",
            "total-row Usage!D5 \"amount\": a sum of rows 2–4: 1543.81, the sum of the 3 rows above [amount 1543.81]",
        ),
        (
            "total-uncomputed.xlsx",
            "total-row Usage!D5 \"amount\": Total: a formula without a computed value, so that it cannot be checked",
        ),
        (
            "total-above.xlsx",
            "total-row Usage!D2 \"amount\": Summe: 1543.81, the sum of the 3 rows below [amount 1543.81]",
        ),
        (
            "total.csv",
            "total-row line 5, column 4 \"amount\": Итого: 1543.81, the sum of the 3 rows above [amount 1543.81]",
        ),
        (
            "total-decimal-comma.csv",
            "total-row line 5, column 4 \"amount\": Gesamtsumme: 1.543,81, the sum of the 3 rows above [amount 1543.81]",
        ),
        (
            "total-of-a-table.xlsx",
            "total-row Usage!D5 \"amount\": a sum of rows 2–4: a formula with the value 1543.81, but the workbook asks to be computed when it is opened, so that it cannot be checked",
        ),
    ];
    for (name, finding) in cases {
        expect(&rig, name, &[], &[finding, good]);
    }
    let faulty = "3 used, 1 faulty, 0 blank, 0 filtered";
    let cases = [
        (
            "total-off.xlsx",
            "total-disagrees Usage!D5 \"amount\": Total: 1534.81, 9.00 less than 1543.81, the sum of the 3 rows above [amount 1534.81]",
        ),
        (
            "total-off-with-all-keys.xlsx",
            "total-disagrees Usage!D5 \"amount\": Total: 12, 1531.81 less than 1543.81, the sum of the 3 rows above [cpu 12.00]",
        ),
        (
            "sum-of-too-few-rows.xlsx",
            "total-disagrees Usage!D5 \"amount\": Total: 1534.81, 9.00 less than 1543.81, the sum of the 3 rows above [amount 1534.81]",
        ),
        (
            "total-off.csv",
            "total-disagrees line 5, column 4 \"amount\": Kokku: 1544, 0.19 more than 1543.81, the sum of the 3 rows above [amount 1544.00]",
        ),
        (
            "sum-of-rows.xlsx",
            "sum-of-rows Usage!D5 \"amount\": 1543.81, which adds up rows 2–4 of its own column [cpu 1543.81]",
        ),
    ];
    for (name, finding) in cases {
        expect(&rig, name, &[], &[finding, faulty]);
    }
    expect(
        &rig,
        "sum-across.xlsx",
        &[],
        &[
            "unknown-column Usage!E1: week_1",
            "unknown-column Usage!F1: week_2",
            "1 used, 0 faulty, 0 blank, 0 filtered",
        ],
    );
}

#[test]
fn subtotals_cover_the_rows_that_they_stand_for() {
    let rig = Rig::new();
    expect(
        &rig,
        "subtotals.xlsx",
        &[],
        &[
            "total-row Usage!D4 \"amount\": climate Total: 1534.81, the sum of the 2 rows above [amount 1534.81]",
            "total-row Usage!D6 \"amount\": cohort Total: 9, the sum of the 1 row above [amount 9.00]",
            "total-row Usage!D7 \"amount\": Grand total: 1543.81, the sum of all 3 rows above [amount 1543.81]",
            "3 used, 0 faulty, 0 blank, 3 filtered",
        ],
    );
    let told = told(&rig, "subtotal-off.xlsx", &[]);
    let off = "total-disagrees Usage!D4 \"amount\": climate Total: 1534.8, 0.01 less than 1534.81, the sum of the \
               2 rows above [amount 1534.80]";
    assert_eq!(told[0], off);
    assert_eq!(told[3], "3 used, 1 faulty, 0 blank, 2 filtered");
    expect(
        &rig,
        "totals-of-components.xlsx",
        &[],
        &[
            "total-row Usage!D6 \"amount\": Total: 1543.81, the sum of 3 rows of cpu above [cpu 1543.81]",
            "total-row Usage!D7 \"amount\": Total: 70, the sum of 1 row of ram above [ram 70.00]",
            "4 used, 0 faulty, 0 blank, 2 filtered",
        ],
    );
    expect(
        &rig,
        "total-wide.xlsx",
        &[],
        &[
            "total-row Usage!C4 \"cpu\": Yhteensä: cpu 9.75, ram 100, the sum of the 2 rows above [cpu 9.75, ram 100.00]",
            "2 used, 0 faulty, 0 blank, 1 filtered",
        ],
    );
    expect(
        &rig,
        "total-wide-off.xlsx",
        &[],
        &[
            "total-disagrees Usage!D4 \"ram\": Yhteensä: ram 101, 1.00 more than 100.00, the sum of the 2 rows above \
         [cpu 9.75, ram 101.00]",
            "2 used, 1 faulty, 0 blank, 0 filtered",
        ],
    );
}

#[test]
fn figures_without_a_name_are_no_totals_by_chance() {
    let rig = Rig::new();
    let told = told(&rig, "figure-without-a-word.xlsx", &[]);
    assert!(told[0].starts_with("missing-value Usage!B5 \"billing_period\": a blank cell"), "{told:?}");
    assert_eq!(told.last().unwrap(), "3 used, 1 faulty, 0 blank, 0 filtered");
    rig.run(&["check", &file("grouped-name.xlsx"), "--offering", HPC])
        .ends_with(3)
        .says("Usage!A3 \"resource_name\": a blank cell")
        .says("a name is not taken from the row above");
}

#[test]
fn merged_names_are_read_for_each_row_and_merged_figures_are_not() {
    let rig = Rig::new();
    for name in ["merged-name.xlsx", "merged-name.ods", "merged-name-odfpy.ods"] {
        expect(
            &rig,
            name,
            &[],
            &[
                "merged-keys Usage!A2 \"resource_name\": 1 merged cell, read for 1 further row: rows 2–3 [ram 70.00]",
                "4 used, 0 faulty, 0 blank, 0 filtered",
            ],
        );
    }
    expect(
        &rig,
        "merged-month.xlsx",
        &[],
        &[
            "merged-keys Usage!B2 \"billing_period\": 1 merged cell, read for 2 further rows: rows 2–4 [cpu 309.25]",
            "3 used, 0 faulty, 0 blank, 0 filtered",
        ],
    );
    for name in ["merged-amount.xlsx", "merged-amount.ods"] {
        expect(
            &rig,
            name,
            &[],
            &[
                "merged-amount Usage!D2 \"amount\": 1234.56 in a cell that is merged over rows 2–3 [amount 1234.56]",
                "1 used, 2 faulty, 0 blank, 0 filtered",
            ],
        );
    }
    expect(
        &rig,
        "merged-components.xlsx",
        &[],
        &[
            "merged-amount Usage!C2 \"cpu\": 7.5 in a cell that is merged over the columns cpu, ram [cpu 7.50]",
            "1 used, 1 faulty, 0 blank, 0 filtered",
        ],
    );
    expect(&rig, "tall-row.xlsx", &[], &["3 used, 0 faulty, 1 blank, 0 filtered"]);
    let told = told(&rig, "value-under-merged-cell.xlsx", &[]);
    let covered =
        "covered-value Usage!D4 \"amount\": 9 under a merged cell of rows 3–4 that shows 300.25 [cpu 9.00]";
    assert!(told.contains(&covered.to_owned()), "{told:?}");
    assert_eq!(told.last().unwrap(), "1 used, 2 faulty, 0 blank, 0 filtered");
}

#[test]
fn rows_that_are_left_out_keep_the_name_that_was_merged() {
    let rig = Rig::new();
    let content = std::fs::read(file("merged-name.xlsx")).unwrap();
    rig.file("usage.xlsx", content);
    // The first row goes with the second one, whose component is not one of the offering.
    rig.file(
        "aside.csv",
        "resource_name,billing_period,component_type,amount\nclimate-alps,2026-11,nothing,1\n",
    );
    let arguments = ["apply", "usage.xlsx", "aside.csv", "--offering", HPC, "--yes", "--skip-faulty"];
    rig.run(&arguments).ends_with(5);
    let left = rig.folder.path().join("usage-left-out.xlsx");
    let run = rig.run(&["check", left.to_str().unwrap(), "--offering", HPC, "--format", "json"]).ends_with(0);
    assert_eq!(run.json()["rows"]["rows_used"], 2, "{}", run.all());
}

#[test]
fn what_contradicts_itself_is_refused_with_both_values() {
    let rig = Rig::new();
    expect(
        &rig,
        "cell-twice-in-a-row.xlsx",
        &[],
        &[
            "damaged-file Usage!D2: a cell that stands twice: with 1234.56 and with 5",
            "0 used, 0 faulty, 0 blank, 0 filtered",
        ],
    );
    expect(
        &rig,
        "row-out-of-order.xlsx",
        &[],
        &["damaged-file Usage: row 2 stands twice or out of order", "0 used, 0 faulty, 0 blank, 0 filtered"],
    );
    expect(
        &rig,
        "amount-twice-and-different.xlsx",
        &[],
        &[
            "duplicate-column Usage!E1: Amount again, different in row 3 [amount in column 4 1543.81, amount in column 5 \
         1544.56]",
            "0 used, 3 faulty, 0 blank, 0 filtered",
        ],
    );
    expect(
        &rig,
        "component-twice.xlsx",
        &[],
        &[
            "duplicate-column Usage!E1 \"CPU\": CPU [cpu in column 3 9.75, CPU in column 5 9.75]",
            "2 used, 0 faulty, 0 blank, 0 filtered",
        ],
    );
    let told = told(&rig, "row-repeated.ods", &[]);
    assert!(told[0].contains("2 rows for cpu of climate-alps, 2026-11: 1234.56, 1234.56"), "{told:?}");
}

#[test]
fn blank_is_not_reported_and_zero_is_a_report() {
    let rig = Rig::new();
    expect(
        &rig,
        "blank-and-zero.xlsx",
        &[],
        &["blank-amount Usage!5:5: a blank amount", "2 used, 0 faulty, 2 blank, 0 filtered"],
    );
}

/// The codes of a check of a text file, each with its severity.
fn codes(rig: &Rig, text: &str, flags: &[&str]) -> Vec<String> {
    rig.file("t.csv", text);
    let check = ["check", "t.csv", "--offering", HPC, "--format", "json"];
    let json = rig.run(&[&check[..], flags].concat()).json();
    let of = |finding: &Value| {
        format!("{} {}", finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap())
    };
    json["findings"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_row_of_a_resource_is_no_total_by_its_other_texts() {
    let rig = Rig::new();
    let header = "resource_name,billing_period,component_type,amount,description";
    let note = format!("{header}\nclimate-alps,2026-11,cpu,4,\nclimate-era5,,cpu,4,Total of both queues\n");
    assert_eq!(codes(&rig, &note, &[]), ["deny missing-value"]);
    let total = format!("{header}\nclimate-alps,2026-11,cpu,4,\n,,,4,Total of both queues\n");
    assert_eq!(codes(&rig, &total, &[]), ["warn total-row"]);
    let user = "resource_name,billing_period,component_type,amount,username\n\
                climate-alps,2026-11,cpu,10,\nclimate-alps,2026-11,cpu,4,anna\nclimate-alps,2026-11,cpu,6,ben\n\
                climate-alps,2026-11,cpu,10,Total\n";
    let told = codes(&rig, user, &[]);
    assert!(told.contains(&"warn total-row".to_owned()), "{told:?}");
}

#[test]
fn months_above_the_columns_are_no_titles() {
    let rig = Rig::new();
    let table = ",Oct 2026,Nov 2026,\nresource_name,cpu,ram,gpu_hours\nclimate-alps,1,2,3\n";
    let period = ["--period", "2026-11"];
    assert_eq!(codes(&rig, table, &period), ["deny several-tables"]);
    let one = table.replace("Oct 2026", "Nov 2026");
    assert_eq!(codes(&rig, &one, &period), ["warn lines-above-header"]);
}

#[test]
fn numbers_that_fell_apart_are_told_however_long_their_rest_is() {
    let rig = Rig::new();
    let header = "resource_name,billing_period,component_type,amount,description";
    let rows = |one: &str, two: &str| {
        format!("{header}\nclimate-alps,2026-11,cpu,{one}\nclimate-era5,2026-11,cpu,{two}\n")
    };
    assert_eq!(codes(&rig, &rows("136,1523", "22,73224"), &[]), ["deny shifted-cells"]);
    assert_eq!(codes(&rig, &rows("1,234.50", "345.60,"), &[]), ["deny shifted-cells"]);
    let longer = codes(&rig, &rows("1,234.50,", "345.60,"), &[]);
    assert!(longer.contains(&"deny extra-cell".to_owned()), "{longer:?}");
    assert_eq!(codes(&rig, &rows("136,metered", "22,"), &[]), [""; 0]);
}
