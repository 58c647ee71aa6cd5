//! Files of other systems: recognised, added up exactly, and refused where a sum would be wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use waldur_usage::sandbox::FaultKind;

use crate::rig::{HPC, Rig, Run};

const STORAGE: &str = "Research data storage";
const ALPS: &str = "hpc_climate_climate_alps";
const DFT: &str = "hpc_qmat_qmat_dft";

fn sample(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name).to_string_lossy().into_owned()
}

/// A sample with something changed in it.
fn changed(rig: &Rig, name: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(sample(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    rig.file("changed.txt", text.replacen(from, to, 1));
    "changed.txt".into()
}

/// The amounts of a plan by resource and component, as far as the file says them.
fn amounts(plan: &Value) -> BTreeMap<String, String> {
    let mut amounts = BTreeMap::new();
    for resource in plan["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap().iter().filter(|line| !line["source"].is_null()) {
            let (name, component) = (resource["name"].as_str().unwrap(), line["component"].as_str().unwrap());
            let figures = if line["new"].is_null() { &line["old"] } else { &line["new"] };
            amounts.insert(format!("{name} {component}"), figures["amount"].as_str().unwrap().to_owned());
        }
    }
    amounts
}

/// Plans a file and returns what it would post, with the header of the plan.
fn planned(rig: &Rig, file: &str, arguments: &[&str]) -> (BTreeMap<String, String>, Value) {
    let run = rig.run(&[&["plan", file, "--format", "json"], &in_scope(arguments)[..]].concat());
    let run = run.ends_with(0).json();
    let plan = &run["plan"]["body"];
    let mut header = plan["binding"].clone();
    header["rows"] = run["rows"].clone();
    (amounts(plan), header)
}

fn table(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected.iter().map(|(key, amount)| ((*key).to_owned(), (*amount).to_owned())).collect()
}

fn check(rig: &Rig, file: &str, arguments: &[&str]) -> Run {
    rig.run(&[&["check", file], &in_scope(arguments)[..]].concat())
}

/// The flags, with the offering of the cluster where they name none.
fn in_scope<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let names_one = arguments.contains(&"--offering");
    let own: &[&str] = if names_one { &[] } else { &["--offering", HPC] };
    [own, arguments].concat()
}

/// A sample, its layout, flags, amounts by resource and component, rows read, used, faulty and filtered,
/// and the first note.
type Case<'a> = (&'a str, &'a str, &'a [&'a str], &'a [(&'a str, &'a str)], [u64; 4], &'a str);

#[test]
fn the_samples_are_recognised_and_added_up_to_the_last_digit() {
    let rig = Rig::new();
    let cases: [Case<'_>; 7] = [
        (
            "slurm-sreport-2026-11.txt",
            "slurm-sreport",
            &[],
            &[("climate-alps cpu", "20.01"), ("cohort-wgs cpu", "10.00"), ("qmat-dft cpu", "10.00")],
            [12, 5, 0, 7],
            "5 rows added up to 3 figures; in sum cpu 144036000 core-seconds",
        ),
        (
            "slurm-sreport-tres-2026-11.txt",
            "slurm-sreport-tres",
            &[],
            &[
                ("climate-alps cpu", "20.01"),
                ("climate-alps gpu_hours", "10.55"),
                ("climate-alps ram", "125.00"),
                ("qmat-dft cpu", "10.00"),
                ("qmat-dft gpu_hours", "0.45"),
                ("qmat-dft ram", "10.00"),
            ],
            [14, 8, 0, 6],
            "8 rows added up to 6 figures; in sum cpu 108036000 core-seconds, gres/gpu 39600 GPU-seconds, mem \
             497664000 MB-seconds",
        ),
        (
            "slurm-sacct-2026-11.txt",
            "slurm-sacct",
            &[],
            &[
                ("climate-alps cpu", "1.20"),
                ("climate-alps ram", "4800.00"),
                ("qmat-dft cpu", "0.80"),
                ("qmat-dft gpu_hours", "50.00"),
                ("qmat-dft ram", "3125.00"),
            ],
            [9, 3, 0, 6],
            "3 rows added up to 5 figures; in sum cpu 7200000 core-seconds, gres/gpu 180000 GPU-seconds, mem \
             29214720000 MB-seconds",
        ),
        (
            "cloudkitty-2026-11.csv",
            "cloudkitty",
            &["--offering", STORAGE],
            &[("climate-data block_storage", "600.00"), ("flame-data block_storage", "120.50")],
            [105, 75, 0, 30],
            "105 rows added up to 3 figures; in sum image.size 5308416000 MB-seconds, volume.size 1867536000 \
             GB-seconds",
        ),
        (
            "focus-2026-11.csv",
            "focus",
            &[],
            &[("climate-alps cpu", "11.25"), ("qmat-dft cpu", "3.00"), ("qmat-dft gpu_hours", "121.25")],
            [73, 70, 0, 3],
            "70 rows added up to 3 figures; in sum cpu 14.25 k-hours, gpu_hours 121.25 hours",
        ),
        (
            "waldur-export-2026-11.csv",
            "waldur-export",
            &["--offering", HPC, "--offering", STORAGE, "--period", "2026-11"],
            &[
                ("climate-alps cpu", "123.45"),
                ("climate-alps ram", "1200.00"),
                ("climate-data block_storage", "640.00"),
                ("qmat-dft gpu_hours", "7.50"),
            ],
            [4, 4, 0, 0],
            "4 rows read as 4 figures; in sum Block storage 640 GB, CPU 123.45 k-hours, GPU 7.5 hours, RAM 1200 \
             GB-hours",
        ),
        (
            "waldur-export-2026-11.xlsx",
            "waldur-export",
            &["--offering", HPC, "--offering", STORAGE, "--period", "2026-11"],
            &[
                ("climate-alps cpu", "123.45"),
                ("climate-alps ram", "1200.00"),
                ("climate-data block_storage", "640.00"),
                ("qmat-dft gpu_hours", "7.50"),
            ],
            [4, 4, 0, 0],
            "4 rows read as 4 figures; in sum Block storage 640 GB, CPU 123.45 k-hours, GPU 7.5 hours, RAM 1200 \
             GB-hours",
        ),
    ];
    for (file, layout, arguments, expected, [read, used, faulty, filtered], note) in cases {
        let file = sample(file);
        let (found, header) = planned(&rig, &file, arguments);
        assert_eq!(found, table(expected), "{file}");
        let rows = &header["rows"];
        let counts =
            ["rows_read", "rows_used", "rows_faulty", "rows_filtered"].map(|key| rows[key].as_u64().unwrap());
        assert_eq!(counts, [read, used, faulty, filtered], "{file}");
        let told = &header["inputs"][0]["layout"];
        assert_eq!(told["name"], layout, "{file}");
        assert_eq!(told["notes"][0], note, "{file}");
        // The same by its name, and the same to whoever looks at it.
        let forced = [arguments, &["--layout", layout]].concat();
        assert_eq!(planned(&rig, &file, &forced).0, found, "{file}");
        check(&rig, &file, arguments)
            .ends_with(0)
            .says(&format!("{file} read by the layout {layout}"))
            .says(note)
            .says(&format!("{read} rows read: {used} used, {faulty} faulty, 0 blank, {filtered} filtered"));
    }
}

#[test]
fn what_a_layout_leaves_out_is_told_with_its_sum() {
    let rig = Rig::new();
    check(&rig, &sample("slurm-sreport-2026-11.txt"), &[]).ends_with(0).says("warn left-out-by-layout").says(
        "7 rows left out: the totals of accounts, which hold the rows of their users (Login is blank); in sum cpu \
         432108000 core-seconds",
    );
    check(&rig, &sample("slurm-sacct-2026-11.txt"), &[])
        .ends_with(0)
        .says("4 rows left out: job steps, which are in the row of their job")
        .says("1 row left out: jobs that have not begun")
        .says("1 row left out: jobs that have not ended; they are of the month that they end in");
    check(&rig, &sample("focus-2026-11.csv"), &[])
        .ends_with(0)
        .says("3 rows left out: charges that are not for usage");
    let storage = ["--offering", STORAGE];
    check(&rig, &sample("cloudkitty-2026-11.csv"), &storage)
        .ends_with(0)
        .says("warn metric-not-billed")
        .says("1 figure of image.size: 5308416000 MB-seconds");
    let json = check(&rig, &sample("slurm-sacct-2026-11.txt"), &["--format", "json"]).json();
    assert_eq!(json["layouts"][0]["layout"], "slurm-sacct");
    assert_eq!(json["layouts"][0]["notes"].as_array().unwrap().len(), 4);
    let ours = check(&rig, &sample("usage-2026-11-wide.csv"), &["--format", "json"]).json();
    assert_eq!(ours["layouts"][0]["layout"], "waldur-wide");
}

/// What is changed in a sample, and what has to be said of it.
const REFUSED: [(&str, &str, &str, &str, &str); 20] = [
    (
        "slurm-sacct-2026-11.txt",
        "2026-11-01T00:00:00|2026-11-01T20",
        "2026-10-31T23:59:59|2026-11-01T20",
        "crosses-months",
        "line 2, column 9 \"End\": a record from 2026-10 to 2026-11",
    ),
    ("slurm-sacct-2026-11.txt", "\n81502|", "\n81599|", "orphan-part", "81502.extern without 81502"),
    ("slurm-sacct-2026-11.txt", "81411|bholm", "81230|bholm", "orphan-part", "81411.batch without 81411"),
    (
        "slurm-sacct-2026-11.txt",
        "gres/gpu=4,gres/gpu:a100=4",
        "gres/gpu:a100=4",
        "unknown-metric",
        "gres/gpu:a100",
    ),
    ("slurm-sacct-2026-11.txt", "mem=160G", "mem=160X", "invalid-amount", "a quantity of mem"),
    ("slurm-sacct-2026-11.txt", "|72000|", "|7e4x|", "invalid-amount", "7e4x"),
    ("slurm-sacct-2026-11.txt", "|72000|", "||", "missing-value", "\"ElapsedRaw\""),
    ("slurm-sacct-2026-11.txt", "2026-11-01T20:00:00", "yesterday", "invalid-period", "yesterday"),
    (
        "slurm-sacct-2026-11.txt",
        "2026-11-01T20:00:00",
        "2026-10-01T20:00:00",
        "invalid-period",
        "an end that is not before its begin",
    ),
    ("slurm-sacct-2026-11.txt", ALPS, "hpc_nobody", "unknown-resource", "hpc_nobody"),
    (
        "slurm-sreport-2026-11.txt",
        "CPU Minutes",
        "CPU Hours/Percentage of Total",
        "unknown-source-unit",
        "CPU Hours/Percentage of Total",
    ),
    (
        "slurm-sreport-2026-11.txt",
        "Usage reported in CPU Minutes\n",
        "",
        "unknown-source-unit",
        "no line that names the unit",
    ),
    (
        "slurm-sreport-2026-11.txt",
        "2026-11-01T00:00:00 - 2026-11-19",
        "2026-11-19T00:00:00 - 2026-11-19",
        "part-of-month",
        "begins in the middle of 2026-11",
    ),
    (
        "slurm-sreport-2026-11.txt",
        "2026-11-01T00:00:00 - ",
        "2026-10-01T00:00:00 - ",
        "crosses-months",
        "a report from 2026-10 to 2026-11",
    ),
    (
        "slurm-sreport-2026-11.txt",
        "nordlys|hpc_qmat_qmat_dft|clund",
        "sudurlys|hpc_qmat_qmat_dft|clund",
        "several-sources",
        "nordlys and sudurlys",
    ),
    ("slurm-sreport-2026-11.txt", "|700123|", "|-1|", "negative-amount", "-1"),
    (
        "slurm-sreport-tres-2026-11.txt",
        "|gres/gpu|633",
        "|gres/gpu:a100|633",
        "unknown-metric",
        "gres/gpu:a100",
    ),
    (
        "focus-2026-11.csv",
        "Usage,,",
        "Usage,Correction,",
        "faulty-by-layout",
        "a correction of a month that is invoiced already",
    ),
    ("focus-2026-11.csv", "0.375,k-hours", "0.375,hours", "unit-mismatch", "k-hours, the unit of cpu"),
    (
        "focus-2026-11.csv",
        "Usage,,",
        "Gift,,",
        "faulty-by-layout",
        "a category of charges that FOCUS does not know",
    ),
];

#[test]
fn a_record_that_would_make_a_sum_wrong_is_faulty_at_its_cell() {
    let rig = Rig::new();
    for (name, from, to, code, detail) in REFUSED {
        let file = changed(&rig, name, from, to);
        check(&rig, &file, &[]).ends_with(3).says(&format!("deny {code}: ")).says(detail);
    }
    // The same job in two files that were put together.
    let text = std::fs::read_to_string(sample("slurm-sacct-2026-11.txt")).unwrap();
    let job = text.lines().nth(1).unwrap();
    rig.file("twice.txt", format!("{text}{job}\n"));
    check(&rig, "twice.txt", &[]).ends_with(3).says("deny repeated-record").says("the record of row 2 again");
    let storage = ["--offering", STORAGE];
    let file = changed(&rig, "cloudkitty-2026-11.csv", "volume.size", "gpu.time");
    check(&rig, &file, &storage).ends_with(3).says("deny unknown-metric").says("gpu.time");
    let (begin, end) = ("2026-11-01T00:00:00,2026-11-02", "2026-10-31T23:00:00,2026-11-02");
    let file = changed(&rig, "cloudkitty-2026-11.csv", begin, end);
    check(&rig, &file, &storage).ends_with(3).says("deny crosses-months");
    // A moment with an offset is one of the layout's zone.
    let (begin, end) = ("2026-11-01T00:00:00,", "2026-11-01T01:00:00+01:00,");
    let file = changed(&rig, "cloudkitty-2026-11.csv", begin, end);
    assert_eq!(planned(&rig, &file, &storage).0["climate-data block_storage"], "600.00");
}

#[test]
fn the_table_of_the_web_page_says_no_month_and_is_not_guessed() {
    let rig = Rig::new();
    let name = "waldur-export-2026-11.csv";
    let both = ["--offering", HPC, "--offering", STORAGE, "--period", "2026-11"];
    check(&rig, &sample(name), &["--offering", STORAGE])
        .ends_with(3)
        .says("no month in the file")
        .says("--period");
    check(&rig, &sample(name), &["--period", "2026-11"])
        .ends_with(3)
        .says("deny unknown-offering")
        .says("\"Offering\": Research data storage");
    let file = changed(&rig, name, "2026-11-20 08:05", "2026-10-30 08:05");
    check(&rig, &file, &both)
        .ends_with(3)
        .says("deny reported-outside-month")
        .says("line 2, column 7 \"Date of reporting\": 2026-10-30 08:05, reported in 2026-10");
    let file = changed(&rig, name, "HPC allocation,CPU", "HPC allocation,CPUs");
    check(&rig, &file, &both).ends_with(3).says("deny unknown-component").says("did you mean CPU?");
    let file = changed(&rig, name, "123.45 k-hours", "123.45 hours");
    check(&rig, &file, &both).ends_with(3).says("deny unit-mismatch");
    let file = changed(&rig, name, "HPC allocation,RAM", "HPC allocation,CPU");
    check(&rig, &file, &both).ends_with(3).says("deny unit-mismatch");
    let text = std::fs::read_to_string(sample(name)).unwrap();
    let row = text.lines().nth(1).unwrap();
    rig.file("twice.csv", format!("{text}{row}\n"));
    check(&rig, "twice.csv", &both).ends_with(3).says("deny duplicate-key");
}

#[test]
fn a_sum_is_rounded_once_by_a_rule_and_its_effect_is_told() {
    let rig = Rig::new();
    let file = changed(&rig, "slurm-sreport-2026-11.txt", "|700123|", "|700124|");
    check(&rig, &file, &[])
        .ends_with(3)
        .says("deny too-many-decimals")
        .says("line 9, column 5 \"Used\": 20.010016666666… cpu, the sum of 2 rows");
    let (found, header) = planned(&rig, &file, &["--round", "half-up"]);
    assert_eq!(found["climate-alps cpu"], "20.01");
    // Each sum says how many rows it is of, by the cell of the first one.
    let sums = &header["inputs"][0]["layout"]["sums"];
    assert_eq!(sums[0], serde_json::json!({"row": 9, "column": 5, "metric": "cpu", "rows": 2}));
    assert_eq!(sums.as_array().unwrap().len(), 2);
    let rounded = &header["rounding"]["components"][0];
    assert_eq!(rounded["before"], "40.0100166666666666666666666666666666666666");
    assert_eq!(rounded["after"], "40.01");
    assert_eq!(rounded["amounts_rounded"], 1);
    assert_eq!(planned(&rig, &file, &["--round", "up"]).0["climate-alps cpu"], "20.02");
}

#[test]
fn a_resource_with_a_faulty_record_is_left_out_as_a_whole() {
    let rig = Rig::new();
    let file = changed(&rig, "slurm-sreport-2026-11.txt", "|500477|", "|many|");
    rig.run(&["plan", &file, "--offering", HPC, "--skip-faulty", "-o", "plan.json"])
        .ends_with(0)
        .says("12 rows read: 3 used, 2 faulty, 0 blank, 7 filtered")
        .says("Used, as it stands in the file 700123")
        .says("changed.txt: its rows are added up, so mend them there and use the whole file again");
    let plan: Value =
        serde_json::from_slice(&std::fs::read(rig.folder.path().join("plan.json")).unwrap()).unwrap();
    let expected = table(&[("cohort-wgs cpu", "10.00"), ("qmat-dft cpu", "10.00")]);
    assert_eq!(amounts(&plan["body"]), expected);
    // A file of those rows alone would be another figure, and take the place of what was posted.
    assert!(!rig.folder.path().join("changed-left-out.csv").exists());
}

#[test]
fn what_was_added_up_is_posted_proven_and_written_down_as_figures() {
    let rig = Rig::new();
    let file = sample("slurm-sreport-2026-11.txt");
    rig.inject("POST", "set_usage", 1, 1, FaultKind::Status(418, "no".into(), "text/plain".into()));
    let apply = ["apply", &file, "--offering", HPC, "--yes", "--connections", "1", "--results", "out"];
    rig.run(&apply).ends_with(5).says("out/failed.xlsx");
    // Of two rows that were added up, one alone would be another figure: what failed is written as figures.
    rig.run(&["check", "out/failed.xlsx", "--offering", HPC]).ends_with(0).says("1 row read: 1 used");
    rig.run(&["apply", "out/failed.xlsx", "--offering", HPC, "--yes"]).ends_with(0).says("verified");
    assert_eq!(rig.stored_of("climate-alps")["cpu"].amount.to_string(), "20.01");
    assert_eq!(rig.stored_of("qmat-dft")["cpu"].amount.to_string(), "10.00");
    rig.run(&apply[..5]).ends_with(0).says("nothing to do");
}

#[test]
fn a_header_that_fits_two_layouts_or_none_is_refused() {
    let rig = Rig::new();
    let focus =
        "ChargeCategory,ResourceId,ChargePeriodStart,ChargePeriodEnd,SkuMeter,ConsumedQuantity,ConsumedUnit";
    let export = "Client organization,Client project,Offering,Resource name,Plan component name,Date of reporting,Value";
    rig.file("both.csv", format!("{focus},{export}\nUsage\n"));
    check(&rig, "both.csv", &[])
        .ends_with(3)
        .says("deny ambiguous-layout")
        .says("waldur-export and focus fit")
        .says("--layout waldur-export or --layout focus");
    let text = std::fs::read_to_string(sample("slurm-sacct-2026-11.txt")).unwrap();
    rig.file("lacks.txt", text.replace("|ElapsedRaw|", "|Elapsed|"));
    check(&rig, "lacks.txt", &[])
        .ends_with(3)
        .says("deny missing-column")
        .says("a column ElapsedRaw, as the layout slurm-sacct has it");
    check(&rig, &sample("focus-2026-11.csv"), &["--layout", "cloudkitty"])
        .ends_with(3)
        .says("as the layout cloudkitty has it");
    let tres = sample("slurm-sreport-tres-2026-11.txt");
    check(&rig, &tres, &["--layout", "slurm-sreport"])
        .ends_with(3)
        .says("deny layout-misfit")
        .says("TRES Name");
    check(&rig, &sample("usage-2026-11-long.csv"), &["--layout", "waldur-wide"])
        .ends_with(3)
        .says("deny layout-misfit");
    check(&rig, &sample("usage-2026-11-long.csv"), &["--layout", "focus"])
        .ends_with(3)
        .says("as the layout focus has it");
    check(&rig, &tres, &["--layout", "slurm"]).ends_with(2).says("no layout is named slurm");
    check(&rig, &tres, &["--layout", "nowhere.toml"]).ends_with(2).says("cannot read nowhere.toml");
}

#[test]
fn our_own_forms_are_read_by_their_names_as_without() {
    let rig = Rig::new();
    for (file, layout) in
        [("usage-2026-11-long.xlsx", "waldur-long"), ("usage-2026-11-wide.xlsx", "waldur-wide")]
    {
        let file = sample(file);
        let offering = ["--offering", HPC, "--offering", STORAGE];
        let (found, header) = planned(&rig, &file, &offering);
        assert_eq!(header["inputs"][0]["layout"]["name"], layout);
        assert!(header["inputs"][0]["layout"]["notes"].is_null());
        let forced = [&offering[..], &["--layout", layout]].concat();
        assert_eq!(planned(&rig, &file, &forced).0, found);
    }
}

#[test]
fn layouts_of_ones_own_are_read_like_ours_and_refused_with_their_line() {
    let rig = Rig::new();
    let sacct = rig.run(&["layout", "show", "slurm-sacct"]).ends_with(0).stdout;
    rig.file(
        "own.toml",
        sacct.replace("crossing = \"faulty\"", "crossing = \"end\"").replace("slurm-sacct", "own"),
    );
    let (from, to) = ("2026-11-01T00:00:00|2026-11-01T20", "2026-10-31T23:59:59|2026-11-01T20");
    let file = changed(&rig, "slurm-sacct-2026-11.txt", from, to);
    check(&rig, &file, &["--layout", "own.toml"])
        .ends_with(0)
        .says("warn booked-whole")
        .says("1 record of two months")
        .says("read by the layout own");
    let begin = "name = \"x\"\ntitle = \"x\"\n";
    let sound = format!("{begin}metric = \"M\"\nquantity = \"Q\"\n[resource]\nname = \"R\"\n[period]\n");
    let hostile = [
        (String::new(), "line 1: missing field `name`"),
        (format!("{begin}shell = \"rm\""), "line 3: unknown field `shell`"),
        (format!("{begin}[resource]\npath = \"/etc/passwd\""), "line 4: unknown field `path`"),
        ("name = \"../x\"\ntitle = \"x\"".into(), "line 1: a name has up to 40 small letters"),
        ("name = \"waldur-long\"\ntitle = \"x\"".into(), "line 1: waldur-long is the name of a form of ours"),
        (begin.into(), "line 1: no [resource]"),
        (
            format!("{begin}metric = \"M\"\nquantity = \"Q\"\n[resource]\nusername = \"U\"\n[period]"),
            "line 5: none of uuid",
        ),
        (format!("{sound}month = \"M\"\nbegin = \"B\""), "line 7: one of month"),
        (format!("{sound}time_zone = \"Mars/Olympus\""), "line 8: no time zone is named Mars/Olympus"),
        (format!("{sound}in_titles = true"), "line 7: in_titles needs hold_period"),
        (
            format!("{sound}[[metrics]]\nname = \"a\"\ncomponent = \"a\"\nfactor = \"1/0\""),
            "line 11: 1/0: not a factor above zero",
        ),
        (
            format!("{sound}[[metrics]]\nname = \"a\"\ncomponent = \"a\"\nfactor = \"0.1e\""),
            "line 11: 0.1e: not a factor",
        ),
        (
            format!(
                "{sound}[[metrics]]\nname = \"a\"\ncomponent = \"a\"\nfactor = \"1\"\nunits = {{ h = \"1\" }}"
            ),
            "factor and units at once",
        ),
        (
            format!(
                "{sound}[[metrics]]\nname = \"a\"\ncomponent = \"a\"\n[[metrics]]\nname = \"a\"\ncomponent = \"b\""
            ),
            "two [[metrics]] have the name a",
        ),
        (
            format!("{sound}[[metrics]]\ncomponent = \"a\""),
            "line 8: a metric has a name where a column metric is given",
        ),
        (
            format!("{sound}[[leave_out]]\ncolumn = \"C\"\nbecause = \"x\""),
            "line 8: a rule has one of is, is_not and begins",
        ),
        (
            format!("{sound}[[leave_out]]\ncolumn = \"C\"\nis = \"x\"\nbecause = \"\""),
            "line 8: a rule says why",
        ),
        (format!("{sound}[[leave_out]]\ncolumn = []\nis = \"x\"\nbecause = \"x\""), "line 9: an empty list"),
        (
            format!("name = \"x\"\ntitle = \"{}\"", "x".repeat(201)),
            "line 2: a text of more than 200 characters",
        ),
        ("name = \"x\"\ntitle = \"a\\u202eb\"".into(), "line 2: a text with a character that does not show"),
        (format!("# {}", "x".repeat(65 * 1024)), "line 1: a layout of more than 64 KiB"),
        (format!("x = {}{}", "[".repeat(5_000), "]".repeat(5_000)), "line 1: "),
        (
            format!("{begin}form = \"waldur-long\"\ncolumns = [\"Usage\"]"),
            "line 4: Usage is no column of ours",
        ),
    ];
    for (text, said) in hostile {
        rig.file("hostile.toml", &text);
        rig.run(&["check", &file, "--layout", "hostile.toml"])
            .ends_with(2)
            .says("hostile.toml line ")
            .says(said);
    }
    rig.file("hostile.toml", [0xff, 0xfe]);
    rig.run(&["check", &file, "--layout", "hostile.toml"]).ends_with(2).says("is no UTF-8 text");
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_layout_is_suggested_and_works_once_somebody_has_looked_at_it() {
    let rig = Rig::new();
    let rows = format!(
        "{ALPS},01.11.2026,compute,1200.5,EUR\n{ALPS},02.11.2026,compute,1300.5,EUR\n{DFT},02.11.2026,compute,500,EUR\n"
    );
    rig.file("meter.csv", format!("Project ID,Date,Service,Quantity,Currency\n{rows}"));
    rig.run(&["layout", "suggest", "meter.csv", "-o", "meter.toml"])
        .ends_with(0)
        .says("columns that it does not read: Currency");
    let path = rig.folder.path().join("meter.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    for line in [
        "rows = \"sum\"",
        "metric = \"Service\"",
        "backend_id = \"Project ID\"",
        "month = \"Date\"",
        "name = \"compute\"",
        "component = \"compute\"",
        "factor = \"1\"",
    ] {
        assert!(text.lines().any(|own| own == line), "no {line} in\n{text}");
    }
    check(&rig, "meter.csv", &["--layout", "meter.toml"])
        .ends_with(3)
        .says("unknown-component")
        .says("it has cpu, gpu_hours");
    let text = text
        .replace("component = \"compute\"", "component = \"cpu\"")
        .replace("factor = \"1\"", "factor = \"1/1000\"\nunit = \"k-hours\"");
    std::fs::write(&path, text.replace("\"1/1000\"", "\"1/100\"")).unwrap();
    let (found, _) = planned(&rig, "meter.csv", &["--layout", "meter.toml"]);
    assert_eq!(found, table(&[("climate-alps cpu", "25.01"), ("qmat-dft cpu", "5.00")]));
    std::fs::write(&path, text.replace("k-hours", "hours")).unwrap();
    check(&rig, "meter.csv", &["--layout", "meter.toml"]).ends_with(3).says("deny unit-mismatch");
    rig.run(&["layout", "suggest", "meter.csv", "-o", "meter.toml"]).ends_with(2).says("cannot write");

    rig.file("tie.csv", format!("Project ID,Month,Service,Usage,Amount\n{ALPS},2026-11,compute,1,2\n"));
    rig.run(&["layout", "suggest", "tie.csv"])
        .ends_with(2)
        .says("Usage, Amount could both be the column of the quantity")
        .says("--column \"quantity=Usage\"");
    rig.run(&["layout", "suggest", "tie.csv", "--column", "quantity=Usage"])
        .ends_with(0)
        .says("quantity = \"Usage\"");
    rig.run(&["layout", "suggest", "tie.csv", "--column", "colour=Usage"]).ends_with(2).says("no such role");
    rig.run(&["layout", "suggest", "tie.csv", "--column", "quantity=Use"])
        .ends_with(2)
        .says("no column is headed Use");
    rig.file("wide.csv", format!("Projct ID;Period;Cores;Disk;Remark\n{ALPS};2026-11;5;7;x\n"));
    rig.run(&["layout", "suggest", "wide.csv"])
        .ends_with(0)
        .says("backend_id = \"Projct ID\"  # only like one; look at it")
        .says("column = \"Cores\"\ncomponent = \"cores\"")
        .says("rows = \"single\"");
    rig.file("none.csv", "Colour;Taste\nred;sweet\n");
    rig.run(&["layout", "suggest", "none.csv"]).ends_with(2).says("no column is like a resource");
    rig.run(&["layout", "suggest", &sample("focus-2026-11.csv")])
        .ends_with(2)
        .says("is one of focus already");
}

#[test]
fn silence_is_no_zero_where_a_record_names_what_it_does_not_report() {
    let rig = Rig::new();
    let total = "nordlys|hpc_climate_climate_era5|||600|0";
    let file =
        changed(&rig, "slurm-sreport-2026-11.txt", "nordlys|qmat|", &format!("{total}\nnordlys|qmat|"));
    let run = rig
        .run(&[
            "plan",
            &file,
            "--offering",
            HPC,
            "--zero-missing",
            "--project",
            "Regional Climate Downscaling",
            "--format",
            "json",
        ])
        .ends_with(0)
        .json();
    let mut zeros = Vec::new();
    for resource in run["plan"]["body"]["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap() {
            if line["new"]["amount"] == "0.00" {
                zeros.push(format!(
                    "{} {}",
                    resource["name"].as_str().unwrap(),
                    line["component"].as_str().unwrap()
                ));
            }
        }
    }
    let has = |key: &str| zeros.iter().any(|zero| zero == key);
    assert!(has("climate-ensemble cpu") && has("climate-alps ram"), "{zeros:?}");
    assert!(!has("climate-era5 cpu") && !has("climate-alps cpu"), "{zeros:?}");
}

#[test]
fn layouts_are_listed_and_shown() {
    let rig = Rig::new();
    let list = rig.run(&["layout", "list"]).ends_with(0).stdout;
    let names = [
        "waldur-long",
        "waldur-wide",
        "waldur-export",
        "slurm-sreport",
        "slurm-sreport-tres",
        "slurm-sacct",
        "cloudkitty",
        "focus",
    ];
    for name in names {
        assert!(list.lines().any(|line| line.starts_with(name)), "{list}");
        rig.run(&["layout", "show", name]).ends_with(0).says(&format!("name = \"{name}\""));
    }
    let json = rig.run(&["layout", "list", "--format", "json"]).ends_with(0).json();
    assert_eq!(json.as_array().unwrap().len(), names.len());
    rig.run(&["layout", "show", "slurm-sact"]).ends_with(2).says("did you mean slurm-sacct?");
}

#[test]
fn what_another_program_or_another_report_has_made_of_a_file_is_not_guessed() {
    let rig = Rig::new();
    // The sources write a decimal point; a comma is of whoever saved the file again.
    let focus = changed(&rig, "focus-2026-11.csv", ",cpu,0.375,", ",cpu,\"1,375\",");
    check(&rig, &focus, &[]).ends_with(3).says("deny ambiguous-amount").says("1,375");
    check(&rig, &focus, &["--decimal", "comma", "--round", "half-up"]).says("deny invalid-amount");
    // A second report behind the first one has a month and a unit of its own.
    let report = std::fs::read_to_string(sample("slurm-sreport-2026-11.txt")).unwrap();
    let october =
        report.replace("2026-11", "2026-10").replace("aberg", "cnilsson").replace("Minutes", "Seconds");
    rig.file("two.txt", format!("{report}{october}"));
    check(&rig, "two.txt", &[])
        .ends_with(3)
        .says("deny several-tables")
        .says("put each report into a file of its own");
    // A record over three months is of the middle one, too.
    let focus = changed(
        &rig,
        "focus-2026-11.csv",
        "2026-11-01T00:00:00Z,2026-11-02T00:00:00Z",
        "2026-10-01T00:00:00Z,2027-01-01T00:00:00Z",
    );
    check(&rig, &focus, &["--period", "2026-11"]).ends_with(3).says("deny crosses-months");
    // A spreadsheet makes the number 81230 of the job step 81230.0.
    let jobs = changed(&rig, "slurm-sacct-2026-11.txt", "81230.0|", "81230|");
    check(&rig, &jobs, &[]).ends_with(3).says("deny repeated-record");
    rig.run(&[
        "check",
        &sample("slurm-sacct-2026-11.txt"),
        "--offering",
        HPC,
        "--unit-factor",
        "a=1 b",
        "--unit-factor",
        "a=2 b",
    ])
    .ends_with(2)
    .says("--unit-factor gives two factors");
}
