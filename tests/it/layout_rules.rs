//! Files of other systems that look right and are not: units but for a letter's case, reports that were cut,
//! records with another price, times that cannot be, and owners that disagree.

use std::path::PathBuf;

use crate::rig::{HPC, Rig, Run};

const STORAGE: &str = "Research data storage";
const NOVEMBER: [&str; 2] = ["--period", "2026-11"];

fn sample(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn check(rig: &Rig, text: &str, arguments: &[&str]) -> Run {
    rig.file("table.txt", text);
    let offering: &[&str] = if arguments.contains(&"--offering") { &[] } else { &["--offering", HPC] };
    rig.run(&[&["check", "table.txt"], offering, arguments].concat())
}

/// The text with one thing changed in it.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{text} has no {from}");
    text.replacen(from, to, 1)
}

#[test]
fn the_case_of_a_unit_counts_where_it_tells_bits_from_bytes() {
    let rig = Rig::new();
    let layout = |unit: &str| {
        format!(
            "name = \"m\"\ntitle = \"m\"\nrows = \"sum\"\n[resource]\nname = \"R\"\n[period]\nmonth = \"M\"\n\
             [[metrics]]\ncolumn = \"Q\"\ncomponent = \"ram\"\n[metrics.units]\n\"{unit}\" = \"1\"\n"
        )
    };
    let text = "R,M,Q\nclimate-alps,2026-11,5\n";
    let arguments = ["--layout", "m.toml"];
    for same in ["GB-hours", "GB hours", "GB-Hours"] {
        rig.file("m.toml", layout(same));
        check(&rig, text, &arguments).ends_with(0).says("1 used");
    }
    for other in ["Gb-hours", "gb-hours"] {
        rig.file("m.toml", layout(other));
        let told = format!("expected: ram in one of {other}");
        check(&rig, text, &arguments).ends_with(3).says("deny unit-mismatch").says(&told);
    }
    let both = layout("GB-hours") + "\"Gb-hours\" = \"1/8\"\n";
    rig.file("m.toml", &both);
    check(&rig, text, &arguments).ends_with(0).says("1 used");
    rig.file("m.toml", layout("GB-hours") + "\"GB Hours\" = \"1\"\n");
    check(&rig, text, &arguments).ends_with(2).says("the unit GB-hours stands there twice");
}

#[test]
fn a_report_of_the_largest_users_is_no_report_of_a_month() {
    let rig = Rig::new();
    let text = "Top 10 Users 2026-11-01T00:00:00 - 2026-11-19T23:59:59 (1641600 secs)\n\
                Usage reported in CPU Minutes\nCluster|Login|Proper Name|Account|Used\n\
                nordlys|aberg|Anna Berg|hpc_climate_climate_alps|700200\n";
    check(&rig, text, &[])
        .ends_with(3)
        .says("deny cut-report: ")
        .says("table.txt line 1: Top 10 Users")
        .says("AccountUtilizationByUser or UserUtilizationByAccount");
    let whole = changed(text, "Top 10 Users", "Cluster/User/Account Utilization");
    check(&rig, &whole, &[]).ends_with(0).says("1 used");
}

#[test]
fn a_record_with_another_price_is_the_same_record() {
    let rig = Rig::new();
    let text = sample("cloudkitty-2026-11.csv");
    let first = text.lines().nth(1).unwrap();
    let again = changed(first, ",1.2,", ",1.3,");
    let storage = ["--offering", STORAGE];
    check(&rig, &format!("{text}{again}\n"), &storage)
        .ends_with(3)
        .says("deny repeated-record")
        .says("the record of row 2 again, whatever it costs");
    let used = |run: Run| run.json()["rows"]["rows_used"].as_u64().unwrap();
    let round = [&storage[..], &["--round", "half-up", "--format", "json"]].concat();
    let before = used(check(&rig, &text, &round).ends_with(0));
    let other = changed(first, "volume-1", "volume-9");
    assert_eq!(used(check(&rig, &format!("{text}{other}\n"), &round).ends_with(0)), before + 1);
}

#[test]
fn times_that_cannot_be_are_told() {
    let rig = Rig::new();
    let text = sample("slurm-sacct-2026-11.txt");
    // A job that was suspended ran for less than its time.
    let round = ["--round", "half-up"];
    check(&rig, &changed(&text, "|36000|", "|30000|"), &round).ends_with(0);
    check(&rig, &changed(&text, "|36000|", "|36001|"), &round).ends_with(0);
    check(&rig, &changed(&text, "|36000|", "|72000|"), &[])
        .ends_with(3)
        .says("deny impossible-time: ")
        .says("table.txt line 5, column 6 \"ElapsedRaw\": 72000, which is 72000 seconds")
        .says("expected: at most 36000 seconds");
    // The sandbox's month is not over, and sacct --truncate lets jobs that run end with the report.
    let (from, to) = ("2026-11-09T08:15:00|2026-11-09T18:15:00", "2026-11-30T14:00:00|2026-12-01T00:00:00");
    check(&rig, &text.replace(from, to), &[])
        .ends_with(3)
        .says("deny impossible-time: ")
        .says("table.txt line 5, column 9 \"End\": a record that ends at 2026-12-01T00:00:00");
}

#[test]
fn owners_that_a_table_names_are_those_of_its_resources() {
    let rig = Rig::new();
    let text = sample("waldur-export-2026-11.csv");
    let scope = [&NOVEMBER[..], &["--offering", STORAGE, "--offering", HPC]].concat();
    let project = ",Regional Climate Downscaling,";
    check(&rig, &text, &scope).ends_with(0);
    check(&rig, &changed(&text, project, ",regional climate downscaling,"), &scope).ends_with(0);
    check(&rig, &changed(&text, project, ",Oceans,"), &scope)
        .ends_with(3)
        .says("deny resource-disagrees: ")
        .says("table.txt line 2, column 3 \"Client project\": Oceans")
        .says("expected: Regional Climate Downscaling, the project of");
    check(&rig, &changed(&text, ",Technische Universität Küstenland,", ",Someone else,"), &scope)
        .ends_with(3)
        .says("table.txt line 2, column 2 \"Client organization\": Someone else");
    let text = changed(&text, project, ",Oceans,");
    check(&rig, &text, &[&scope[..], &["--warn", "resource-disagrees"]].concat()).ends_with(0);
}

#[test]
fn columns_that_tell_records_apart_are_missed() {
    let rig = Rig::new();
    let text = sample("slurm-sreport-2026-11.txt");
    check(&rig, &text, &[]).ends_with(0);
    let without = text.replace("Cluster|", "").replace("nordlys|", "");
    check(&rig, &without, &[])
        .ends_with(0)
        .says("warn incomplete-identity: ")
        .says("table.txt line 5: no column Cluster, by which slurm-sreport tells records apart");
    check(&rig, &without, &["--deny", "incomplete-identity"]).ends_with(3);
}

#[test]
fn a_rule_needs_its_column_unless_it_says_otherwise() {
    let rig = Rig::new();
    let layout = |optional: &str| {
        format!(
            "name = \"m\"\ntitle = \"m\"\nrows = \"sum\"\nmetric = \"C\"\nquantity = \"Q\"\n[resource]\nname = \"R\"\n\
             [period]\nmonth = \"M\"\n[[leave_out]]\ncolumn = \"Kind\"\nis = \"total\"\n{optional}because = \"totals\"\n"
        )
    };
    let with = "R,M,C,Q,Kind\nclimate-alps,2026-11,cpu,5,\nclimate-alps,2026-11,cpu,5,total\n";
    let without = "R,M,C,Q\nclimate-alps,2026-11,cpu,5\n";
    let arguments = ["--layout", "m.toml"];
    rig.file("m.toml", layout(""));
    check(&rig, with, &arguments).ends_with(0).says("1 row left out: totals");
    check(&rig, without, &arguments)
        .ends_with(3)
        .says("deny missing-column")
        .says("a column Kind, as the layout m has it");
    rig.file("m.toml", layout("optional = true\n"));
    check(&rig, with, &arguments).ends_with(0).says("1 row left out: totals");
    check(&rig, without, &arguments).ends_with(0).says("1 used");
}
