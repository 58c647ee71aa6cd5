//! Usable files as people fill them in: read as they are meant, or refused with advice that helps.

use std::path::{Path, PathBuf};

use serde_json::Value;
use waldur_usage::domain::sha256;

use crate::rig::{HPC, Rig, Run};

const LONG: &str = "resource_name,billing_period,component_type,amount";

/// A file of `tests/files/messy`.
fn made(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/messy").join(name);
    path.to_str().unwrap().to_owned()
}

fn check(rig: &Rig, file: &str, arguments: &[&str]) -> Run {
    rig.run(&[&["check", file, "--offering", HPC], arguments].concat())
}

/// Each finding as code, row, column and what was found; and what became of the rows.
fn told(rig: &Rig, file: &str, arguments: &[&str]) -> (Vec<String>, [u64; 5]) {
    let json = check(rig, file, &[&["--format", "json"], arguments].concat()).json();
    let findings = json["findings"].as_array().unwrap().iter();
    let told = findings.map(|finding| {
        let (place, text) =
            (&finding["place"], |value: &Value| value.as_str().unwrap_or_default().to_owned());
        let (code, found) = (text(&finding["code"]), text(&finding["found"]));
        format!("{code} {}:{} {found}", place["row"], place["column"])
    });
    let rows = ["read", "used", "faulty", "blank", "filtered"]
        .map(|what| json["rows"][format!("rows_{what}")].as_u64().unwrap());
    (told.collect(), rows)
}

#[test]
fn notes_below_the_rows_are_told_and_left_out() {
    let rig = Rig::new();
    let (found, rows) = told(&rig, &made("signed.xlsx"), &[]);
    assert_eq!(
        found,
        [
            "total-row 5:4 Total cpu: 120.5, the sum of 2 rows of cpu above",
            "total-row 6:4 Total ram: 7, the sum of 1 row of ram above",
            "note-row 8:1 Prepared by Ann Smith, accounting",
            "note-row 9:1 Note: figures of the storage follow in December",
        ]
    );
    assert_eq!(rows, [8, 3, 0, 1, 4]);
}

#[test]
fn a_heading_among_the_rows_is_faulty_and_told_for_what_it_is() {
    let rig = Rig::new();
    let file = made("heading.xlsx");
    let (found, rows) = told(&rig, &file, &[]);
    assert_eq!(
        found,
        [
            "missing-value 2:1 Cluster A without an amount, a month or a component",
            "missing-value 4:1 Cluster B without an amount, a month or a component",
            // What names a resource of the server is a row without the rest, wherever it stands.
            "missing-value 6:2 a blank cell",
            "missing-value 6:3 a blank cell",
        ]
    );
    assert_eq!(rows, [5, 2, 3, 0, 0]);
    check(&rig, &file, &[]).ends_with(3).says("hint: the line looks like a heading or a note: take it out");
}

#[test]
fn no_line_with_a_figure_is_taken_for_a_note() {
    let rig = Rig::new();
    let of = |rows: &[&str]| {
        rig.long(rows);
        let (found, rows) = told(&rig, "usage.csv", &[]);
        (found.into_iter().filter(|one| !one.starts_with("ragged-rows")).collect::<Vec<_>>(), rows[4])
    };
    let row = "climate-alps,2026-11,cpu,100";
    // An amount alone, a number in the column of names, a month, a component, and two texts.
    for (line, is_filtered) in [
        (",,,5", false),
        ("5,,,", false),
        ("5.5 k-hours,,,", false),
        (",2026-11,,", false),
        (",,cpu,", false),
        ("Ann,,cpu,", false),
        ("Signed,Ann,,", false),
        ("Ann Smith,,,", true),
        ("\"Tallinn, 30.11.2026\",,,", true),
        ("30.11.2026 Ann,,,", false),
        // A label with what it is of, as far as neither stands where figures do.
        ("Prepared by:,Ann Smith,,", true),
        ("Approved by:,,Ann,", false),
        ("Phone:,,,5551234", false),
    ] {
        let (found, filtered) = of(&[row, line]);
        assert_eq!(filtered, u64::from(is_filtered), "{line}: {found:?}");
        assert_eq!(found.iter().all(|one| one.starts_with("note-row")), is_filtered, "{line}: {found:?}");
    }
    // Its date counts as one of the column's all the same.
    let (found, filtered) = of(&[row, "Date:,20.11.2026,,"]);
    assert_eq!((found.len(), filtered), (2, 1), "{found:?}");
    // Without a row above it nothing is a note, and one among the rows could be one of them.
    assert_eq!(of(&["Ann Smith,,,"]).1, 0);
    assert_eq!(of(&[row, "Ann Smith,,,", "climate-era5,2026-11,cpu,1"]).1, 0);
}

#[test]
fn notes_of_a_wide_table_of_a_given_month_are_told_by_the_catalogue() {
    let rig = Rig::new();
    let table = "resource_name,cpu,ram\nclimate-alps,100,5\nCluster B,,\nclimate-era5,50,6\nclimate-ensemble,,\n\
                 Prepared by Ann Smith,,\n";
    rig.file("wide.csv", table);
    let (found, rows) = told(&rig, "wide.csv", &["--period", "2026-11"]);
    assert_eq!(
        found,
        [
            "unknown-resource 3:1 Cluster B",
            "note-row 6:1 Prepared by Ann Smith",
            "blank-amount 5:null no amount",
        ]
    );
    assert_eq!(rows, [5, 2, 1, 1, 1]);
    check(&rig, "wide.csv", &["--period", "2026-11"]).says("hint: the line looks like a heading or a note");
}

#[test]
fn a_row_of_units_below_the_header_is_taken_as_theirs_and_checked() {
    let rig = Rig::new();
    let (found, rows) = told(&rig, &made("units.xlsx"), &[]);
    assert_eq!(found, ["units-row 2:null CPU in k-hours, Storage in GB", "unknown-column 1:5 Remark"]);
    assert_eq!(rows, [2, 1, 0, 0, 1]);
    // Another unit than the component's is no figure, unless a factor is given.
    rig.file("units.csv", "resource_name,billing_period,cpu\nUnits,,hours\nclimate-alps,2026-11,100\n");
    let (found, rows) = told(&rig, "units.csv", &[]);
    assert_eq!(found, ["units-row 2:null cpu in hours", "unit-mismatch 3:3 hours"]);
    assert_eq!(rows, [2, 0, 1, 0, 1]);
    check(&rig, "units.csv", &["--unit-factor", "hours=1/1000 k-hours"])
        .ends_with(0)
        .says("1 amounts of cpu, in all 100.00, became 0.10 (1 hours = 0.001 k-hours)");
    // In a long table it is the unit of every amount that names none of its own.
    rig.file(
        "long.csv",
        format!("{LONG}\n,,,k-hours\nclimate-alps,2026-11,cpu,100\nclimate-alps,2026-11,ram,5\n"),
    );
    let (found, _) = told(&rig, "long.csv", &[]);
    assert_eq!(found, ["units-row 2:null amount in k-hours", "unit-mismatch 4:4 k-hours"]);
    // A header that says another unit, a figure and a row further down are no row of units.
    for table in [
        "resource_name,billing_period,cpu (k-hours)\n,,hours\nclimate-alps,2026-11,100\n",
        "resource_name,billing_period,cpu,ram\n,,k-hours,5\nclimate-alps,2026-11,100,1\n",
        "resource_name,billing_period,cpu\nclimate-alps,2026-11,100\n,,k-hours\n",
    ] {
        rig.file("none.csv", table);
        let (found, rows) = told(&rig, "none.csv", &[]);
        assert!(found.iter().all(|one| !one.starts_with("units-row")) && rows[2] == 1, "{table}: {found:?}");
    }
}

#[test]
fn totals_of_a_component_or_a_month_are_checked_against_their_rows() {
    let rig = Rig::new();
    let totals = |rows: &[&str], arguments: &[&str]| {
        rig.long(rows);
        let (found, _) = told(&rig, "usage.csv", arguments);
        found.into_iter().filter(|one| one.starts_with("total-")).collect::<Vec<_>>()
    };
    let rows = [
        "climate-alps,2026-11,cpu,100",
        "climate-alps,2026-11,ram,7",
        "climate-era5,2026-11,cpu,20",
        "climate-era5,2026-11,ram,3",
    ];
    let with = |more: &[&'static str]| [&rows[..], more].concat();
    assert_eq!(
        totals(&with(&["Total cpu,,,120", "RAM total:,,,10", "Total,,,130"]), &[]),
        [
            "total-row 6:4 Total cpu: 120, the sum of 2 rows of cpu above",
            "total-row 7:4 RAM total: 10, the sum of 2 rows of ram above",
            "total-row 8:4 Total: 130, the sum of all 4 rows above",
        ]
    );
    assert_eq!(
        totals(&with(&["Total cpu,,,121"]), &[]),
        ["total-disagrees 6:4 Total cpu: 121, 1.00 more than 120.00, the sum of 2 rows of cpu above"]
    );
    // The month may stand in the row, and so may the component.
    assert_eq!(
        totals(&with(&["Total cpu,2026-11,,120", "Total,2026-11,ram,10"]), &["--period", "2026-11"]),
        [
            "total-row 6:4 Total cpu: 120, the sum of 2 rows of cpu above",
            "total-row 7:4 Total: 10, the sum of 2 rows of ram above",
        ]
    );
    // Months that are mixed, with a total of each.
    let mixed = [
        "climate-alps,2026-10,cpu,1",
        "climate-alps,2026-11,cpu,20",
        "climate-era5,2026-10,cpu,300",
        "climate-era5,2026-11,cpu,4000",
        "Total,2026-10,,301",
        "Total,2026-11,,4020",
        "Total,2026-12,,5",
    ];
    assert_eq!(
        totals(&mixed, &["--period", "2026-11"]),
        [
            "total-row 6:4 Total: 301, the sum of 2 rows of 2026-10",
            "total-row 7:4 Total: 4020, the sum of 2 rows of 2026-11",
            "total-disagrees 8:4 Total: 5, 4316.00 less than 4321.00, the sum of all 4 rows above",
        ]
    );
    // A complete row is a total by its words only where it adds up.
    let complete = [rows[0], rows[2], "Subtotal climate,2026-11,cpu,120", "climate total,2026-11,cpu,5"];
    rig.long(&complete);
    let (found, counts) = told(&rig, "usage.csv", &[]);
    assert_eq!(
        found,
        [
            "total-row 4:4 Subtotal climate: 120, the sum of the 2 rows above",
            "unknown-resource 5:1 climate total",
        ]
    );
    assert_eq!(counts, [4, 2, 1, 0, 1]);
}

#[test]
fn a_number_format_with_a_unit_is_read_in_that_unit_and_nothing_else_is() {
    let rig = Rig::new();
    for name in ["unit-format.xlsx", "unit-format.xls", "unit-format.ods"] {
        let (found, rows) = told(&rig, &made(name), &[]);
        let codes: Vec<String> = found
            .iter()
            .filter(|one| !one.starts_with("visibility-unknown"))
            .map(|one| one.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            codes,
            ["invalid-amount 5:4", "invalid-amount 6:4", "unit-mismatch 4:4"],
            "{name} {found:?}"
        );
        assert_eq!(rows, [5, 2, 3, 0, 0], "{name}");
        check(&rig, &made(name), &[]).says("an amount is a quantity, not money");
    }
    let plan = rig
        .run(&["plan", &made("unit-format.xlsx"), "--offering", HPC, "--skip-faulty", "--format", "json"])
        .json();
    let lines = plan["plan"]["body"]["resources"].as_array().unwrap().iter();
    let amounts: Vec<_> = lines
        .flat_map(|resource| resource["lines"].as_array().unwrap())
        .filter(|line| !line["source"].is_null())
        .map(|line| line["new"]["amount"].as_str().unwrap_or_default().to_owned())
        .collect();
    // Both resources have a faulty row too, so nothing of them is planned.
    assert!(amounts.is_empty(), "{amounts:?}");
}

#[test]
fn instants_of_focus_that_are_shown_elsewhere_are_those_of_utc() {
    let rig = Rig::new();
    let (found, rows) = told(&rig, &made("focus-of-utc.parquet"), &[]);
    assert_eq!((found.as_slice(), rows), (&[][..], [2, 2, 0, 0, 0]));
    // A day of Tallinn lies in two months of UTC, which are the ones that FOCUS speaks of.
    let (found, rows) = told(&rig, &made("focus-of-tallinn.parquet"), &[]);
    assert_eq!(rows, [1, 0, 1, 0, 0]);
    assert!(found.len() == 1 && found[0].starts_with("crosses-months "), "{found:?}");
}

#[test]
fn a_factor_between_units_counts_in_layouts_too() {
    let rig = Rig::new();
    let focus = std::fs::read_to_string("samples/focus-2026-11.csv").unwrap();
    let lines: Vec<&str> = focus.lines().take(3).collect();
    let hours = format!("{}\n", lines.join("\n").replace(",k-hours,", ",Hours,").replace(",0.375,", ",375,"));
    rig.file("focus.csv", hours.replace(",0.1,", ",10,"));
    check(&rig, "focus.csv", &[])
        .ends_with(3)
        .says("say what one Hours is: --unit-factor \"Hours=FACTOR k-hours\"");
    let run = rig.run(&[
        "plan",
        "focus.csv",
        "--offering",
        HPC,
        "--unit-factor",
        "Hours=1/1000 k-hours",
        "--round",
        "half-up",
        "--format",
        "json",
    ]);
    let plan = run.ends_with(0).json();
    let found = plan["findings"].as_array().unwrap().iter().map(|finding| finding["found"].as_str().unwrap());
    assert!(
        found.clone().any(|found| found == "2 amounts of cpu, in all 0.39 (1 Hours = 0.001 k-hours)"),
        "{:?}",
        found.collect::<Vec<_>>()
    );
    // 375 hours are 0.375 k-hours before they are rounded, and never 0.38 of something rounded before.
    assert_eq!(plan["plan"]["body"]["binding"]["rounding"]["components"][0]["before"], "0.385");
    // A layout that counts in what its units do not lead to.
    let layout = "name = \"nodes\"\ntitle = \"nodes\"\nrows = \"sum\"\nquantity = \"Used\"\n[resource]\n\
                  backend_id = \"Account\"\n[period]\n[[metrics]]\ncomponent = \"cpu\"\ncounted_in = \"node-hours\"\n\
                  [metrics.units]\n\"node-days\" = \"1/24\"\n";
    rig.file("nodes.toml", layout);
    rig.file("nodes.csv", "Account,Used\nhpc_climate_climate_alps,1000\nhpc_climate_climate_alps,500\n");
    let nodes = ["--layout", "nodes.toml", "--period", "2026-11"];
    check(&rig, "nodes.csv", &nodes)
        .ends_with(3)
        .says("say what one node-days is: --unit-factor \"node-days=FACTOR k-hours\"");
    for (from, factor) in [("node-hours", "0.128"), ("node-days", "3.072")] {
        let given = format!("{from}={factor} k-hours");
        check(&rig, "nodes.csv", &[&nodes[..], &["--unit-factor", &given]].concat())
            .ends_with(0)
            .says(&format!("1 amount of cpu, in all 192.00 (1 {from} = {factor} k-hours)"));
    }
}

#[test]
fn one_account_on_two_clusters_is_to_be_checked_by_cluster() {
    let rig = Rig::new();
    let text = std::fs::read_to_string("samples/slurm-sreport-2026-11.txt").unwrap();
    let other =
        text.lines().filter(|line| line.contains("|aberg|")).map(|line| line.replace("nordlys", "sydlys"));
    let both = format!("{text}{}\n", other.collect::<Vec<_>>().join("\n"));
    rig.file("both.txt", both);
    check(&rig, "both.txt", &[])
        .ends_with(3)
        .says("deny several-sources")
        .says("put the records of each into a file of its own, and check each file with the --offering");
}

#[test]
fn headers_and_amounts_that_cannot_be_read_are_advised() {
    let rig = Rig::new();
    rig.file("pivot.csv", "Row Labels,cpu\nclimate-alps,1\nGrand Total,1\n");
    check(&rig, "pivot.csv", &["--period", "2026-11"])
        .ends_with(3)
        .says("hint: if it is the column Row Labels, head it resource_name");
    rig.file("months.csv", "resource_name,component_type,2026-10,2026-11\nclimate-alps,cpu,1,2\n");
    check(&rig, "months.csv", &["--period", "2026-11"])
        .ends_with(3)
        .says("hint: the columns 2026-10 and others are months: write each month into rows of its own");
    rig.long(&["climate-alps,2026-11,cpu,<0.01"]);
    check(&rig, "usage.csv", &[]).ends_with(3).says("hint: write the number that is to be billed");
}

#[test]
fn what_excel_made_of_the_months_of_a_text_file_is_told() {
    let rig = Rig::new();
    rig.long(&["climate-alps,Nov-26,cpu,1"]);
    check(&rig, "usage.csv", &[])
        .ends_with(3)
        .says("hint: Excel shortens 2026-11 so when it opens a .csv file");
    rig.long(&["climate-alps,26-Nov,cpu,1"]);
    check(&rig, "usage.csv", &[]).ends_with(3).says("hint: write the year with four digits");
}

#[test]
fn rows_of_two_months_are_refused_with_a_document() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-10,cpu,1", "climate-alps,2026-11,cpu,1"]);
    for command in ["plan", "apply"] {
        let run = rig.run(&[command, "usage.csv", "--offering", HPC, "--format", "json"]).ends_with(4);
        let json = run.json();
        assert_eq!(json["ok"], false);
        assert_eq!(json["rows"]["rows_used"], 2);
        assert_eq!(json["refused"]["why"], "the rows are of several months, 2026-10 and 2026-11 among them");
        assert_eq!(json["refused"]["hint"], "--period YYYY-MM takes the rows of one month");
        run.says("error: the rows are of several months");
    }
}

#[test]
fn commands_that_are_printed_can_be_pasted() {
    let rig = Rig::new();
    let out = "Usage of $November.xlsx";
    rig.run(&["template", "--offering", HPC, "-o", out])
        .ends_with(0)
        .says("fill in the amounts, then: waldur-usage plan 'Usage of $November.xlsx'");
    rig.long(&["climate-alps,2026-11,cpu,-1"]);
    rig.run(&["check", "usage.csv", "--offering", HPC, "--annotate", "my marks.xlsx"])
        .ends_with(3)
        .says("then: waldur-usage check \"my marks.xlsx\"");
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(rig.folder.path().join(out)).unwrap();
    let help = calamine::Reader::worksheet_range(&mut book, "Help").unwrap();
    assert!(help.rows().any(|row| row[0] == "waldur-usage plan 'Usage of $November.xlsx'"));
}

#[test]
fn layouts_are_suggested_for_tables_of_other_systems_and_never_for_money() {
    let rig = Rig::new();
    let suggested = |header: &str, row: &str, more: &[&str]| {
        rig.file("table.csv", format!("{header}\n{row}\n"));
        let run = rig.run(&[&["layout", "suggest", "table.csv"], more].concat());
        let lines = run.stdout.lines().filter(|line| line.contains(" = ") && !line.starts_with('#'));
        let told = ["name = \"table", "title", "rows", "crossing", "time_zone"];
        let own = lines.filter(|line| !told.iter().any(|start| line.starts_with(start)));
        (run.code, own.map(str::to_owned).collect::<Vec<_>>(), run.stderr)
    };
    // OpenCost.
    let (code, lines, _) = suggested(
        "Date,Namespace,Pod,CPUCoreUsageAverage,GPUs,CPUCost,TotalCost",
        "2026-11-01,climate,p,1.5,0,2,4",
        &[],
    );
    assert_eq!(code, 0);
    assert_eq!(
        lines,
        [
            "name = \"Namespace\"",
            "month = \"Date\"",
            "column = \"CPUCoreUsageAverage\"",
            "component = \"cpu_core_usage_average\"",
            "factor = \"1\"",
            "column = \"GPUs\"",
            "component = \"gpus\"",
            "factor = \"1\"",
        ]
    );
    // The cost and usage report of AWS, in both spellings.
    for of in [
        |word: &str| format!("line_item_{word}"),
        |word: &str| {
            let words = word.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
            format!("lineItem/{}", words.collect::<String>())
        },
    ] {
        let names = [
            "usage_account_id",
            "usage_type",
            "usage_start_date",
            "usage_end_date",
            "usage_amount",
            "resource_id",
            "unblended_cost",
        ];
        let header = names.map(of).join(",");
        let (code, lines, _) = suggested(
            &header,
            "123456789012,BoxUsage,2026-11-01T00:00:00Z,2026-11-01T01:00:00Z,1.0,i-01,0.1",
            &[],
        );
        assert_eq!(code, 0, "{header}");
        let expected = [("metric", 1), ("quantity", 4), ("backend_id", 5), ("begin", 2), ("end", 3)]
            .map(|(key, at)| format!("{key} = \"{}\"", of(names[at])));
        assert_eq!(lines[..5], expected, "{lines:?}");
    }
    // XDMoD.
    let (code, lines, _) = suggested("PI,\"CPU Hours: Total\"", "\"Smith, A\",120.5", &[]);
    assert_eq!(
        (code, lines[0].as_str(), lines[2].as_str()),
        (0, "name = \"PI\"", "component = \"cpu_hours_total\"")
    );
    // A column that was named by hand and leaves several numbers; headers that stand twice; no metrics in
    // the column of metrics.
    let (code, _, error) = suggested("Project,Kind,A,B", "climate,x,1,2", &["--column", "metric=Kind"]);
    assert!(code == 2 && error.contains("A, B could both be the column of the quantity"), "{error}");
    let (code, _, error) = suggested("Project,CPU,CPU", "climate,1,2", &[]);
    assert!(code == 2 && error.contains("two columns are headed CPU"), "{error}");
    let (code, lines, _) = suggested("Project,Type,CPU", "climate,,2", &[]);
    assert_eq!((code, lines[1].as_str()), (0, "column = \"CPU\""));
    let (code, lines, _) = suggested("Project,Type,CPU", "climate,compute,2", &[]);
    assert_eq!(
        (code, lines[0].as_str(), lines[1].as_str()),
        (0, "metric = \"Type\"", "quantity = \"CPU\"  # only like one; look at it")
    );
}

#[test]
fn a_plan_names_the_files_that_it_was_made_with() {
    let rig = Rig::new();
    rig.long(&["alps,2026-11,cpu,1"]);
    let aliases = "[resources]\n\"alps\" = \"climate-alps\"\n";
    rig.file("names.toml", aliases);
    let layout = "name = \"own\"\ntitle = \"own\"\nform = \"waldur-long\"\ncolumns = [\"resource_name\"]\n";
    rig.file("own.toml", layout);
    let run = rig.run(&[
        "plan",
        "usage.csv",
        "--offering",
        HPC,
        "--aliases",
        "names.toml",
        "--layout",
        "own.toml",
        "-o",
        "p.json",
    ]);
    run.ends_with(0).says("made with the aliases names.toml").says("made with the layout own.toml");
    let plan = std::fs::read_to_string(rig.folder.path().join("p.json")).unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let made_with = |kind: &str, name: &str, text: &str| serde_json::json!({ "kind": kind, "name": name, "sha256": sha256(text.as_bytes()) });
    assert_eq!(
        plan["body"]["binding"]["made_with"],
        serde_json::json!([
            made_with("layout", "own.toml", layout),
            made_with("aliases", "names.toml", aliases)
        ])
    );
    rig.run(&["apply", "p.json", "--yes"]).ends_with(0);
    // A plan that nothing was added to names nothing more than before.
    rig.run(&["plan", "usage.csv", "--offering", HPC, "--aliases", "names.toml", "-o", "q.json"])
        .ends_with(0);
    rig.long(&["climate-alps,2026-11,cpu,1"]);
    rig.run(&["plan", "usage.csv", "--offering", HPC, "-o", "r.json"]).ends_with(0);
    let plain = std::fs::read_to_string(rig.folder.path().join("r.json")).unwrap();
    assert!(!plain.contains("made_with") && Path::new(&made("units.xlsx")).exists());
}
