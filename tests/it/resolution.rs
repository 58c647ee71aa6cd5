//! Which resource a row means: names that are the same, names that only look it, names of the user's
//! own, and names that contradict each other. And units, which are names of factors.

use serde_json::Value;
use waldur_usage::sandbox::{Settings, World};

use crate::rig::{HPC, Rig, Run};

const CHECK: [&str; 4] = ["check", "usage.csv", "--offering", HPC];

/// Checks rows of one column that names the resource, all of 7 units of cpu.
fn check(rig: &Rig, header: &str, names: &[&str], flags: &[&str]) -> Run {
    let rows: Vec<String> = names.iter().map(|name| format!("{name},2026-11,cpu,7\n")).collect();
    rig.file("usage.csv", format!("{header},billing_period,component_type,amount\n{}", rows.concat()));
    rig.run(&[&CHECK[..], flags].concat())
}

/// The built-in world with other names of the first resources of the cluster.
fn named(changes: &[(&str, &str, &str)]) -> Rig {
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    for (name, key, value) in changes {
        let resources = world["resources"].as_array_mut().unwrap();
        let resource = resources.iter_mut().find(|resource| resource["name"] == **name).unwrap();
        resource[*key] = Value::from(*value);
    }
    Rig::on(Settings::new(serde_json::from_value(world).unwrap()))
}

/// The resource and amount of every line that a plan would post.
fn planned(rig: &Rig, flags: &[&str]) -> Vec<String> {
    let plan = ["plan", "usage.csv", "--offering", HPC, "--format", "json"];
    let document = rig.run(&[&plan[..], flags].concat()).ends_with(0).json();
    let resources = document["plan"]["body"]["resources"].as_array().unwrap().iter();
    let mut lines = Vec::new();
    for resource in resources {
        for line in resource["lines"].as_array().unwrap().iter().filter(|line| !line["source"].is_null()) {
            let (name, amount) = (resource["name"].as_str().unwrap(), line["new"]["amount"].as_str());
            lines.push(format!("{name} {} {}", line["component"].as_str().unwrap(), amount.unwrap()));
        }
    }
    lines.sort();
    lines
}

#[test]
fn names_of_each_kind_are_found_as_they_are_and_but_for_case_blanks_and_dashes() {
    let rig = Rig::new();
    for (header, exact, alike) in [
        ("resource_name", "climate-alps", "Climate  ALPS"),
        ("resource_slug", "climate-climate-alps", "climate_climate\u{2011}alps"),
        ("resource_backend_id", "hpc_climate_climate_alps", "\u{ff28}PC-climate climate_alps"),
    ] {
        check(&rig, header, &[exact], &[]).ends_with(0).says("ok: nothing found");
        let run = check(&rig, header, &[alike], &[]).ends_with(0).says("warn name-folded");
        assert!(run.stdout.contains(&format!("for {exact}")), "{}", run.all());
        assert_eq!(planned(&rig, &[]), ["climate-alps cpu 7.00"]);
        check(&rig, header, &[alike], &["--deny", "name-folded"])
            .ends_with(3)
            .says("1 row read: 0 used, 1 faulty");
    }
    // Joints are not taken away: these are other names.
    check(&rig, "resource_name", &["climatealps"], &[]).ends_with(3).says("did you mean climate-alps?");
}

#[test]
fn only_a_single_hit_counts() {
    let rig = named(&[("climate-alps", "name", "Alpha"), ("climate-era5", "name", "alpha")]);
    check(&rig, "resource_name", &["Alpha"], &[]).ends_with(0).says("ok: nothing found");
    check(&rig, "resource_name", &["ALPHA"], &[])
        .ends_with(3)
        .says("deny ambiguous-resource")
        .says("name one by uuid");
}

#[test]
fn what_only_looks_like_a_name_is_named_and_never_taken() {
    let rig = named(&[("climate-alps", "backend_id", "node-O1"), ("climate-era5", "backend_id", "007")]);
    for (name, said) in [
        ("node-01", "character 6 is the digit 0, where node-O1 has the letter O"),
        ("n\u{43e}de-O1", "character 2 is the Cyrillic \u{43e} (U+043E), where node-O1 has the letter o"),
        ("node-\u{39f}1", "character 6 is the Greek \u{39f} (U+039F), where node-O1 has the letter O"),
        ("7", "is it 007 without its leading zeros"),
        ("07", "is it 007 without its leading zeros"),
    ] {
        check(&rig, "resource_backend_id", &[name], &[])
            .ends_with(3)
            .says("deny unknown-resource")
            .says("usage.csv line 2, column 1")
            .says(said);
    }
    rig.file(
        "usage.csv",
        "resource_backend_id,billing_period,component_type,amount\n007,2026-11,\u{441}pu,7\n",
    );
    rig.run(&CHECK)
        .ends_with(3)
        .says("character 1 is the Cyrillic \u{441} (U+0441), where cpu has the letter c");
    rig.file("wide.csv", "resource_backend_id,\u{441}pu\n007,7\n");
    rig.run(&["check", "wide.csv", "--offering", HPC, "--period", "2026-11"])
        .ends_with(3)
        .says("none of these is a component");
    rig.file("wide.csv", "resource_backend_id,\u{441}pu,ram\n007,7,1\n");
    rig.run(&["check", "wide.csv", "--offering", HPC, "--period", "2026-11"])
        .ends_with(3)
        .says("deny unknown-component-column")
        .says("character 1 is the Cyrillic \u{441} (U+0441), where cpu has the letter c");
    check(&rig, "resource_name", &["node-O1"], &[])
        .ends_with(3)
        .says("it is the resource_backend_id of climate-alps; if that is meant, head the column");
}

#[test]
fn a_number_that_may_have_lost_its_zeros_is_ambiguous_where_both_are_there() {
    let rig = named(&[("climate-alps", "backend_id", "7"), ("climate-era5", "backend_id", "007")]);
    check(&rig, "resource_backend_id", &["7"], &[])
        .ends_with(3)
        .says("deny ambiguous-resource")
        .says("7, and there is 007 too")
        .says("spreadsheets take leading zeros away");
    check(&rig, "resource_backend_id", &["007"], &[]).ends_with(0).says("ok: nothing found");
}

#[test]
fn hints_are_the_nearest_three_in_order() {
    let rig = Rig::new();
    check(&rig, "resource_name", &["plankton-asembly"], &[])
        .ends_with(3)
        .says("did you mean plankton-assembly");
    check(&rig, "resource_name", &["cohort-r"], &[])
        .ends_with(3)
        .says("did you mean cohort-rna or cohort-wgs?");
    check(&rig, "resource_name", &["tumour-c"], &[]).ends_with(3).says("did you mean tumour-ct?");
    // Many unknown names are answered at once.
    let names: Vec<String> = (0..5000).map(|number| format!("climate-alp{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check(&rig, "resource_name", &names, &[]).ends_with(3).says("5,000 rows read: 0 used, 5,000 faulty");
}

#[test]
fn an_alias_file_speaks_only_where_the_server_says_nothing() {
    let rig = Rig::new();
    let uuid = rig.resource("climate-era5");
    let toml = format!("[resources]\n\"Alps (old)\" = \"climate-alps\"\nERA = \"{uuid}\"\n");
    rig.file("aliases.toml", &toml);
    rig.file("aliases.csv", format!("From;To\nAlps (old);climate-alps\n;\nERA;{uuid}\n"));
    for file in ["aliases.toml", "aliases.csv"] {
        let flags = ["--aliases", file];
        let names = ["Alps (old)", "era"];
        check(&rig, "resource_name", &names, &flags);
        assert_eq!(planned(&rig, &flags), ["climate-alps cpu 7.00", "climate-era5 cpu 7.00"], "{file}");
    }
    check(&rig, "resource_name", &["ERA"], &[]).ends_with(3).says("deny unknown-resource");
    for (entry, code, said) in [
        ("\"climate-alps\" = \"climate-era5\"", "alias-hides-name", "the resource_name climate-alps of"),
        ("\"Climate_Alps\" = \"climate-era5\"", "alias-hides-name", "the resource_name climate-alps of"),
        ("\"hpc-climate-climate_alps\" = \"climate-era5\"", "alias-hides-name", "resource_backend_id"),
        ("Alps = \"climate-alpz\"", "alias-nowhere", "did you mean climate-alps"),
        ("Alps = \"4be1d07f93c25a6882cf1e5d70a94b36\"", "alias-nowhere", "4be1d07f93c25a6882cf1e5d70a94b36"),
        ("Seq = \"sequencing\"", "alias-nowhere", "which 2 resources are called"),
        ("\"A B\" = \"climate-alps\"\nA-b = \"climate-era5\"", "invalid-alias", "was an alias of"),
        ("Alps = 7", "invalid-alias", "line 2"),
        ("Alps = \"\"", "invalid-alias", "a name on both sides"),
    ] {
        rig.file("aliases.toml", format!("[resources]\n{entry}\n"));
        check(&rig, "resource_name", &["climate-alps"], &["--aliases", "aliases.toml"])
            .ends_with(3)
            .says(&format!("deny {code}"))
            .says("aliases.toml line ")
            .says(said);
    }
    rig.file("aliases.toml", "[resource]\nAlps = \"climate-alps\"\n");
    check(&rig, "resource_name", &["climate-alps"], &["--aliases", "aliases.toml"])
        .ends_with(3)
        .says("deny invalid-alias");
    check(&rig, "resource_name", &["climate-alps"], &["--aliases", "nowhere.toml"]).ends_with(2);
}

#[test]
fn a_name_by_alias_is_named_for_zero_missing_too() {
    let rig = Rig::new();
    rig.file("aliases.toml", "[resources]\nAlps = \"climate-alps\"\n");
    rig.file(
        "usage.csv",
        "resource_name,billing_period,component_type,amount\nAlps,2026-11,cpu,7\nAlps,2026-11,ram,\n",
    );
    let flags = ["--aliases", "aliases.toml", "--zero-missing", "--project", "Regional Climate Downscaling"];
    let plan = ["plan", "usage.csv", "--offering", HPC, "--format", "json"];
    let document = rig.run(&[&plan[..], &flags].concat()).ends_with(0).json();
    let resources = document["plan"]["body"]["resources"].as_array().unwrap().iter();
    let alps = resources.clone().find(|resource| resource["name"] == "climate-alps").unwrap();
    let amounts: Vec<String> = alps["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| format!("{} {}", line["component"].as_str().unwrap(), line["new"]["amount"]))
        .collect();
    assert_eq!(amounts, ["cpu \"7.00\"", "gpu_hours \"0.00\"", "storage \"0.00\""]);
}

#[test]
fn names_of_a_row_that_disagree_are_refused_at_the_cell_that_does() {
    let rig = Rig::new();
    let uuid = rig.resource("climate-alps");
    let row = |header: &str, cells: &str, flags: &[&str]| {
        let text = format!("{header},billing_period,component_type,amount\n{cells},2026-11,cpu,7\n");
        rig.file("usage.csv", text);
        rig.run(&[&CHECK[..], flags].concat())
    };
    let agree = format!("{uuid},hpc_climate_climate_alps,climate-climate-alps,Climate Alps");
    let all = "resource_uuid,resource_backend_id,resource_slug,resource_name";
    row(all, &agree, &[]).ends_with(0).says("ok: nothing found");
    for (header, cells, column, said) in [
        ("resource_uuid,resource_name", format!("{uuid},climate-era5"), 2, "it is the resource_name of"),
        (
            "resource_uuid,resource_name",
            format!("{uuid},renamed"),
            2,
            "leave it blank; resource_uuid is enough",
        ),
        (
            "resource_uuid,resource_backend_id",
            format!("{uuid},hpc_climate_climate_era5"),
            2,
            "resource_uuid names",
        ),
        (
            "resource_backend_id,resource_slug",
            "hpc_climate_climate_alps,climate-climate-era5".into(),
            2,
            "names",
        ),
        ("resource_name,resource_slug", "climate-era5,climate-climate-alps".into(), 1, "climate-era5"),
    ] {
        row(header, &cells, &[])
            .ends_with(3)
            .says("deny resource-disagrees")
            .says(&format!("usage.csv line 2, column {column} "))
            .says(said)
            .says("1 row read: 0 used, 1 faulty");
    }
    let renamed = format!("{uuid},renamed");
    let flags = ["--warn", "resource-disagrees"];
    row("resource_uuid,resource_name", &renamed, &flags).ends_with(0).says("warn resource-disagrees");
    assert_eq!(planned(&rig, &flags), ["climate-alps cpu 7.00"]);
    // A name of the row that is known helps with one that is not.
    row("resource_backend_id,resource_name", "hpc-nowhere,climate-alps", &[])
        .ends_with(3)
        .says("the resource_name of the row is that of")
        .says("whose resource_backend_id is hpc_climate_climate_alps");
    // What the server does not know of a resource speaks against nothing.
    let rig = named(&[("climate-alps", "backend_id", "")]);
    rig.file(
        "usage.csv",
        "resource_name,resource_slug,resource_backend_id,billing_period,component_type,amount\nclimate-alps,climate-climate-alps,,2026-11,cpu,7\n",
    );
    rig.run(&CHECK).ends_with(0).says("ok: nothing found");
}

#[test]
fn an_offering_is_named_by_its_name_too() {
    let rig = Rig::new();
    let check = |offering: &str, name: &str, flags: &[&str]| {
        let text = format!(
            "Offering,resource_name,billing_period,component_type,amount\n{offering},{name},2026-11,cpu,7\n"
        );
        rig.file("usage.csv", text);
        rig.run(&[&["check", "usage.csv"], flags].concat())
    };
    check("HPC allocation", "climate-alps", &[]).ends_with(0).says("ok: nothing found");
    check("hpc-allocation", "climate-alps", &[]).ends_with(0).says("ok: nothing found");
    check("HPC alocation", "climate-alps", &[])
        .ends_with(3)
        .says("deny unknown-offering")
        .says("line 2, column 1")
        .says("did you mean HPC allocation?");
    check("Research data storage", "climate-alps", &["--offering", HPC])
        .ends_with(3)
        .says("deny unknown-offering")
        .says("an offering in scope");
    check("", "climate-alps", &[]).ends_with(3).says("deny no-scope").says("column offering");
    let uuid = rig.resource("climate-data");
    rig.file(
        "usage.csv",
        format!("offering,resource_uuid,billing_period,component_type,amount\nHPC allocation,{uuid},2026-11,cpu,7\n"),
    );
    rig.run(&["check", "usage.csv"]).ends_with(3).says("deny other-offering");
}

#[test]
fn a_unit_is_the_components_or_has_a_factor() {
    let rig = Rig::new();
    let header = "resource_name,billing_period,component_type,amount,unit";
    let long = |rows: &[&str]| rig.file("usage.csv", format!("{header}\n{}\n", rows.join("\n")));
    long(&["climate-alps,2026-11,cpu,7000,hours", "climate-era5,2026-11,cpu,9500,hours"]);
    rig.run(&CHECK).ends_with(3).says("deny unit-mismatch").says("--unit-factor \"hours=FACTOR k-hours\"");
    let factor = ["--unit-factor", "hours=0.001 k-hours"];
    rig.run(&[&CHECK[..], &factor].concat())
        .ends_with(0)
        .says("warn unit-converted")
        .says("2 amounts of cpu, in all 16500.00, became 16.50 (1 hours = 0.001 k-hours)");
    assert_eq!(planned(&rig, &factor), ["climate-alps cpu 7.00", "climate-era5 cpu 9.50"]);
    rig.file("units.toml", "[units]\nhours = \"1/1000 k-hours\"\n");
    rig.file("units.csv", "from,to,factor\nhours,k-hours,0.001\n");
    for file in ["units.toml", "units.csv"] {
        assert_eq!(planned(&rig, &["--aliases", file]), ["climate-alps cpu 7.00", "climate-era5 cpu 9.50"]);
    }
    // The exact product is rounded, and by a rule alone.
    long(&["climate-alps,2026-11,cpu,7125.5,hours"]);
    rig.run(&[&CHECK[..], &factor].concat())
        .ends_with(3)
        .says("deny too-many-decimals")
        .says("line 2, column 4")
        .says("7125.50, which is 7.1255 as 1 hours = 0.001 k-hours");
    assert_eq!(planned(&rig, &[&factor[..], &["--round", "up"]].concat()), ["climate-alps cpu 7.13"]);
    // A factor to another unit than the component's is none, and one that is written wrong stops the run.
    rig.run(&[&CHECK[..], &["--unit-factor", "hours=0.001 khours"]].concat())
        .ends_with(3)
        .says("unit-mismatch");
    for factor in ["hours=0,001 k-hours", "hours=0.001", "hours=0 k-hours"] {
        rig.run(&[&CHECK[..], &["--unit-factor", factor]].concat()).ends_with(2);
    }
    rig.file("units.toml", "[units]\nhours = \"a thousandth\"\n");
    rig.run(&[&CHECK[..], &["--aliases", "units.toml"]].concat())
        .ends_with(3)
        .says("deny invalid-alias")
        .says("units.toml line 2");
    rig.file("wide.csv", "resource_name,cpu (hours)\nclimate-alps,7000\n");
    let wide = ["check", "wide.csv", "--offering", HPC, "--period", "2026-11"];
    rig.run(&[&wide[..], &factor].concat()).ends_with(0).says("warn unit-converted");
}
