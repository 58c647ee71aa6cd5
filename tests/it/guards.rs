//! What looks like a mistake is refused before anybody agrees to it, and each guard names its flag.

use waldur_usage::sandbox::{Settings, World};

use crate::rig::{HPC, Rig};

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];

/// Runs `apply` under the guards as they are.
fn apply(rig: &Rig, flags: &[&str]) -> crate::rig::Run {
    rig.run_guarded(&rig.token("owner"), &[&APPLY[..], flags].concat())
}

/// The stored usages of October of all resources, as rows of a November file.
fn october(rig: &Rig, change: impl Fn(&str, &str, String) -> Option<String>) {
    let url = format!(
        "{}/api/marketplace-component-usages/?billing_period=2026-10-01&page_size=300&field=resource_name&field=resource_uuid&field=type&field=usage&field=offering_name",
        rig.sandbox.url()
    );
    let rows = crate::proxy::get_json(&url, &rig.token("staff"));
    let mut lines = vec!["resource_uuid,billing_period,component_type,amount".to_owned()];
    let skipped = ["flame-les", "flame-spray", "qmat-topo", "monitoring", "training-course"];
    for row in rows.as_array().unwrap() {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        let (name, component) = (text("resource_name"), text("type"));
        if text("offering_name") != HPC || skipped.contains(&name.as_str()) {
            continue;
        }
        if let Some(amount) = change(&name, &component, text("usage")) {
            lines.push(format!("{},2026-11,{component},{amount}", text("resource_uuid")));
        }
    }
    rig.file("usage.csv", lines.join("\n"));
}

#[test]
fn a_truncated_file_is_refused_and_each_guard_has_its_flag() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    let run = apply(&rig, &[]).ends_with(4);
    let run = run
        .says("2 guards refuse the plan: jump, missing-organisation")
        .says("--allow-jump --allow-missing-organisation");
    assert_eq!(rig.posts(), 0, "{}", run.all());
    apply(&rig, &["--allow-jump"]).ends_with(4).says("1 guard refuses the plan: missing-organisation");
    apply(&rig, &["--allow-jump", "--allow-missing-organisation"]).ends_with(0).says("1 posted");
}

#[test]
fn a_month_like_the_last_one_passes_and_one_of_zeros_does_not() {
    let rig = Rig::new();
    october(&rig, |_, _, amount| Some(amount));
    apply(&rig, &[]).ends_with(0).says("verified");
    let posts = rig.posts();
    october(&rig, |_, _, _| Some("0".into()));
    apply(&rig, &[]).ends_with(4).says("zeroed").says("--allow-zeroed").says("lowered").says("jump");
    assert_eq!(rig.posts(), posts);
    october(&rig, |_, component, amount| {
        Some(if component == "cpu" { format!("{amount}0").replace('.', "") } else { amount })
    });
    apply(&rig, &[]).ends_with(4).says("1 guard refuses the plan: jump");
}

#[test]
fn rows_of_somebody_else_are_told_once_this_account_is_known() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    let plan = ["plan", "usage.csv", "--offering", HPC];
    rig.run_as(&rig.token("staff"), &plan)
        .ends_with(0)
        .says("who reported the stored rows last is not known");
    rig.run_as(&rig.token("staff"), &APPLY).ends_with(0);
    rig.long(&["climate-alps,2026-11,cpu,8"]);
    rig.run_as(&rig.token("staff"), &plan)
        .ends_with(0)
        .says("rows of HPC allocation last reported by somebody else");
}

#[test]
fn money_has_a_limit_where_one_is_given() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    let lax = ["--allow-jump", "--allow-missing-organisation"];
    // Seven units at 12.50.
    apply(&rig, &[&lax[..], &["--max-money", "87.49"]].concat())
        .ends_with(4)
        .says("1 guard refuses the plan: money");
    apply(&rig, &[&lax[..], &["--max-money", "87.50"]].concat()).ends_with(0);
}

#[test]
fn thresholds_come_from_the_profile() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    let folder = rig.folder.path().join("config/waldur-usage");
    std::fs::create_dir_all(&folder).unwrap();
    let profile = format!(
        "[servers.test]\nurl = \"{}\"\n[servers.test.guards]\nlowest_percent = \"0\"\nmax_money = \"1\"\n",
        rig.sandbox.url()
    );
    std::fs::write(folder.join("config.toml"), profile).unwrap();
    apply(&rig, &["--profile", "test"]).ends_with(4).says("money, missing-organisation");
}

#[test]
fn silence_means_zero_where_it_is_asked_for() {
    let rig = Rig::new();
    rig.file(
        "usage.csv",
        "resource_name,billing_period,component_type,amount\n\
         climate-alps,2026-11,cpu,7\nclimate-alps,2026-11,ram,\n",
    );
    let flags = ["--zero-missing", "--project", "Regional Climate Downscaling"];
    apply(&rig, &flags).ends_with(4).says("zero-missing").says("--allow-zeroed");
    let allowed = ["--allow-zeroed", "--allow-jump", "--allow-missing-organisation", "--allow-lowered"];
    apply(&rig, &[&flags[..], &allowed].concat()).ends_with(0).says("no row names it");
    let stored = rig.stored_of("climate-alps");
    assert_eq!(stored["cpu"].amount.to_string(), "7.00");
    assert_eq!(stored["storage"].amount.to_string(), "0.00");
    assert!(!stored.contains_key("ram"), "a blank cell counts as naming");
    assert!(!stored.contains_key("node"), "what cannot be reported is left alone");
    assert_eq!(rig.stored_of("climate-era5")["cpu"].amount.to_string(), "0.00");
    // Other projects are not in scope.
    assert_ne!(rig.stored_of("qmat-dft")["cpu"].amount.to_string(), "0.00");
    apply(&rig, &[&flags[..], &["--skip-faulty"]].concat()).ends_with(2).says("cannot be used with");
    rig.file(
        "usage.csv",
        "resource_name,billing_period,component_type,amount,nodes\nclimate-alps,2026-11,cpu,7,12\n",
    );
    apply(&rig, &flags).ends_with(3).says("deny zero-missing-unsafe");
}

#[test]
fn a_refusal_over_a_limit_is_foreseen_and_not_sent() {
    // `egress` may have 500 in all; what is stored counts, the row to be replaced among it.
    let rig = Rig::on(Settings::new(World::built_in()));
    rig.long(&["climate-archive,2026-11,egress,499.90", "climate-archive,2026-11,block_storage,5000"]);
    let arguments = ["apply", "usage.csv", "--offering", "Research data storage", "--yes"];
    let run = rig.run(&arguments).ends_with(5);
    let run = run.says("warn limit-foreseen").says("refuse what is above 500.00").says("corrections.xlsx");
    assert!(!run.stdout.contains("rejected,") || run.stdout.contains("0 rejected"), "{}", run.all());
    assert_eq!(rig.stored_of("climate-archive")["block_storage"].amount.to_string(), "5000.00");
    assert_ne!(rig.stored_of("climate-archive")["egress"].amount.to_string(), "499.90");
}
