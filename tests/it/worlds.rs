//! Files of worlds: large ones from numbers, and copies of a server that hold nothing personal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::rig::{HPC, Rig, Run, command};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/usage-2026-11-long.csv");
const COPY: [&str; 5] = ["sandbox", "world", "from-server", "-o", "copy.json"];

/// A server with people whose names, addresses and texts nobody would mistake for something else.
fn server() -> (Rig, Value) {
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    for (number, user) in world["users"].as_array_mut().unwrap().iter_mut().enumerate() {
        user["username"] = json!(format!("{}-of-nordlys", user["last_name"].as_str().unwrap()));
        user["email"] = json!(format!("person{number}@nordlys.example.org"));
    }
    for offering in world["offerings"].as_array_mut().unwrap() {
        for component in offering["components"].as_array_mut().unwrap() {
            component["article_code"] =
                json!(format!("ART-{}", component["name"].as_str().unwrap().to_uppercase()));
        }
    }
    for usage in world["usages"].as_array_mut().unwrap().iter_mut().step_by(3) {
        usage["description"] = json!("reported by Astrid, see ticket 4711");
    }
    // A server of 2024 writes these over reports of November where November's invoice is not there yet.
    let october = |usage: &&mut Value| usage["billing_period"].as_str().unwrap().starts_with("2026-10");
    for usage in world["usages"].as_array_mut().unwrap().iter_mut().filter(october).step_by(2) {
        usage["recurring"] = json!(true);
    }
    let written: World = serde_json::from_value(world.clone()).unwrap();
    (Rig::on(Settings::new(written)), world)
}

/// The values of a key anywhere in a world.
fn values_of<'a>(value: &'a Value, key: &str, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key).and_then(Value::as_str));
            map.values().for_each(|value| values_of(value, key, found));
        }
        Value::Array(list) => list.iter().for_each(|value| values_of(value, key, found)),
        _ => {}
    }
}

/// All texts under some keys; what is a component type besides, or nothing, does not count.
fn texts<'a>(world: &'a Value, keys: &[&str]) -> BTreeSet<&'a str> {
    let (mut found, mut types) = (BTreeSet::new(), BTreeSet::new());
    for key in keys {
        values_of(world, key, &mut found);
    }
    values_of(&world["offerings"], "type", &mut types);
    found.into_iter().filter(|text| !text.is_empty() && !types.contains(text)).collect()
}

fn copied(rig: &Rig) -> String {
    std::fs::read_to_string(rig.folder.path().join("copy.json")).unwrap()
}

/// Another sandbox, started from the copy.
fn started(rig: &Rig) -> Rig {
    Rig::on(Settings::new(World::read(rig.folder.path().join("copy.json")).unwrap()))
}

/// The changes of a plan: resource, component, action, stored and new amount.
fn changes(run: &Run) -> BTreeSet<String> {
    let json = run.json();
    let resources = json["plan"]["body"]["resources"].as_array().unwrap();
    let lines = resources.iter().flat_map(|resource| {
        resource["lines"].as_array().unwrap().iter().map(move |line| {
            let amount = |of: &str| line[of]["amount"].as_str().unwrap_or("-").to_owned();
            let (component, action) = (&line["component"], &line["action"]);
            format!("{} {component} {action} {} {}", resource["resource"], amount("old"), amount("new"))
        })
    });
    lines.collect()
}

/// What is stored for November, by resource and component.
fn november(rig: &Rig) -> BTreeMap<String, Vec<String>> {
    let mut stored: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for usage in rig.sandbox.usages().iter().filter(|usage| usage.period.to_string() == "2026-11") {
        let row = format!("{} {}", usage.amount, usage.carry_over);
        stored.entry(format!("{} {}", usage.resource, usage.component)).or_default().push(row);
    }
    for rows in stored.values_mut() {
        rows.sort();
    }
    stored
}

/// The lines of November's invoices, but for their names.
fn lines(rig: &Rig) -> Vec<String> {
    let url = format!("{}/api/invoice-items/?year=2026&month=11&page_size=300", rig.sandbox.url());
    let items = crate::proxy::get_json(&url, &rig.token("staff"));
    let shown =
        items.as_array().unwrap().iter().map(|item| {
            format!("{} {} {} {}", item["quantity"], item["unit_price"], item["start"], item["end"])
        });
    let mut shown: Vec<String> = shown.collect();
    shown.sort();
    shown
}

#[test]
fn a_copy_holds_no_person_no_text_no_token_and_no_name() {
    let (rig, world) = server();
    let run = rig.run(&COPY).ends_with(0).says("copy.json offerings=2 resources=40 usages=315");
    assert!(run.stderr.contains("waldur-usage sandbox --world copy.json"), "{}", run.all());
    let copy = copied(&rig);
    let personal = ["username", "email", "first_name", "last_name", "token", "description"];
    let names = ["name", "abbreviation", "slug", "backend_id", "category_title", "article_code"];
    let forbidden = texts(&world, &[&personal[..], &names[..]].concat());
    assert!(forbidden.len() > 150, "only {} texts to look for", forbidden.len());
    for text in forbidden {
        assert!(!copy.contains(text), "the copy holds {text:?}");
    }
    let read: Value = serde_json::from_str(&copy).unwrap();
    assert_eq!(texts(&read, &["email", "first_name", "last_name", "description"]), BTreeSet::new());
    let accounts: Vec<&str> = texts(&read, &["username"]).into_iter().collect();
    assert_eq!(accounts, ["manager", "owner", "staff"]);
    for list in ["customers", "projects", "offerings", "resources"] {
        let ids = |world: &Value| -> BTreeSet<String> {
            let things = world[list].as_array().unwrap().iter();
            things.map(|thing| thing["uuid"].as_str().unwrap().replace('-', "")).collect()
        };
        assert_eq!(ids(&read), ids(&world), "the ids of {list} stay");
    }
}

#[test]
fn copying_reads_and_asks_for_no_person() {
    let (rig, _) = server();
    rig.run(&[&COPY[..], &["--plan-periods"]].concat()).ends_with(0);
    for request in rig.sandbox.requests() {
        assert_eq!(request.method, "GET", "{}", request.path);
        for word in ["users", "email", "owner", "username"] {
            assert!(!request.path.contains(word), "{}", request.path);
        }
    }
}

#[test]
fn a_month_is_rehearsed_on_the_copy_as_it_would_go_on_the_server() {
    for flags in [&[][..], &["--keep-names"], &["--plan-periods"]] {
        let (rig, _) = server();
        rig.run(&[&COPY[..], flags].concat()).ends_with(0);
        let rehearsal = started(&rig);
        let check = ["check", SAMPLE];
        rig.run(&check).ends_with(0);
        // The copy has other names than the file.
        let renamed = ["--warn", "resource-disagrees"];
        rehearsal.run(&[&check[..], &renamed].concat()).ends_with(0).says("0 faulty");
        let plan = ["plan", SAMPLE, "--format", "json"];
        let rehearsed = rehearsal.run(&[&plan[..], &renamed].concat()).ends_with(0);
        let real = rig.run(&plan).ends_with(0);
        assert_eq!(changes(&real), changes(&rehearsed), "{flags:?}");
        assert_eq!(changes(&real).len(), 114);
        let apply = ["apply", SAMPLE, "--yes", "--results", "results"];
        rehearsal.run(&[&apply[..], &renamed].concat()).ends_with(0).says("100 posted").says("verified");
        assert_eq!(rig.posts(), 0);
        rig.run(&apply).ends_with(0).says("100 posted").says("verified");
        assert_eq!(november(&rehearsal), november(&rig), "{flags:?}");
        if flags == ["--plan-periods"] {
            let (real, rehearsed) = (lines(&rig), lines(&rehearsal));
            assert!(real.len() > 130, "only {} lines of invoices", real.len());
            assert_eq!(rehearsed, real);
        }
    }
}

#[test]
fn names_find_their_resource_only_where_they_are_kept() {
    let (rig, _) = server();
    rig.run(&COPY).ends_with(0);
    let rows =
        "resource_backend_id,billing_period,component_type,amount\nhpc_climate_climate_alps,2026-11,cpu,7\n";
    let check = ["check", "usage.csv", "--offering"];
    let hidden = started(&rig);
    hidden.file("usage.csv", rows);
    hidden.run(&[&check[..], &[HPC]].concat()).ends_with(2).says("no offering is named");
    hidden.run(&[&check[..], &["7f58d00e0b8d530cb2df3dd0fd5a9367"]].concat()).ends_with(3);
    rig.run(&[&COPY[..], &["--keep-names", "--force"]].concat()).ends_with(0);
    let named = started(&rig);
    named.file("usage.csv", rows);
    named.run(&[&check[..], &[HPC]].concat()).ends_with(0);
    assert!(!copied(&rig).contains("4711"), "descriptions are left behind whatever is kept");
    assert!(!copied(&rig).contains("Astrid") && !copied(&rig).contains("@nordlys"));
}

#[test]
fn plan_periods_are_assumed_or_read() {
    let periods = |rig: &Rig, name: &str| {
        let url = format!("{}/api/marketplace-provider-resources/{name}/plan_periods/", rig.sandbox.url());
        let mut read = crate::proxy::get_json(&url, &rig.token("owner"));
        for period in read.as_array_mut().unwrap() {
            period["plan_name"] = Value::Null;
            let usages = period["components"].as_array_mut().unwrap();
            usages.sort_by_key(|usage| usage["uuid"].to_string());
            for usage in usages {
                for changed in ["name", "description", "date", "created"] {
                    usage[changed] = Value::Null;
                }
            }
        }
        read
    };
    let rig = Rig::new();
    let switched = rig.resource("flame-les");
    let without = rig.resource("training-course");
    rig.run(&COPY).ends_with(0);
    let assumed = started(&rig);
    assert_eq!(periods(&assumed, &switched).as_array().unwrap().len(), 1);
    assert_eq!(periods(&assumed, &without).as_array().unwrap().len(), 1);
    rig.run(&[&COPY[..], &["--plan-periods", "--force"]].concat()).ends_with(0);
    let read = started(&rig);
    assert_eq!(periods(&read, &switched), periods(&rig, &switched));
    assert_eq!(periods(&read, &without), json!([]));
}

#[test]
fn what_the_server_shows_tells_the_dialect_and_its_policies_are_copied() {
    for (behaviour, dialect) in [
        (Behaviour::dialect_2024(), "2024"),
        (Behaviour::dialect_2025(), "2025"),
        (Behaviour::dialect_2026(), "2026"),
    ] {
        let mut world = serde_json::to_value(World::built_in()).unwrap();
        for usage in world["usages"].as_array_mut().unwrap() {
            usage["missing_usage_policy"] = json!("zero");
            usage["recurring"] = json!(false);
        }
        let world = serde_json::from_value(world).unwrap();
        let rig = Rig::on(Settings { behaviour: behaviour.clone(), ..Settings::new(world) });
        let run = rig.run(&COPY).ends_with(0);
        let start = format!("waldur-usage sandbox --world copy.json --dialect {dialect}\n");
        assert!(run.stderr.contains(&start), "{}", run.all());
        let run = run.says(&format!("dialect {dialect}: its ")).says("add --time-zone");
        assert!(!run.stderr.contains("assumed"), "{}", run.all());
        let world = World::read(rig.folder.path().join("copy.json")).unwrap();
        let copy = Rig::on(Settings { behaviour, ..Settings::new(world) });
        let policies = |rig: &Rig| -> BTreeSet<String> {
            rig.sandbox.usages().iter().map(|usage| usage.carry_over.to_string()).collect()
        };
        let wanted = if dialect == "2026" { "zero" } else { "none" };
        assert_eq!(policies(&copy).into_iter().collect::<Vec<_>>(), [wanted]);
        let json = rig.run(&[&COPY[..], &["--force", "--format", "json"]].concat()).ends_with(0).json();
        assert_eq!(json["dialect"], dialect);
    }
}

#[test]
fn the_token_of_the_server_comes_from_a_file_too() {
    let rig = Rig::new();
    rig.file("token", rig.token("owner"));
    rig.run_as("", &COPY).ends_with(2).says("no token is given");
    rig.run_as("", &[&COPY[..], &["--token-file", "token"]].concat()).ends_with(0);
    rig.run_as("", &[&["--token-file", "token"], &COPY[..], &["--force"]].concat()).ends_with(0);
}

#[test]
fn a_copy_can_be_of_a_part() {
    let rig = Rig::new();
    rig.run(&[&COPY[..], &["--offering", HPC, "--project", "Tumour Imaging", "--months", "1"]].concat())
        .ends_with(0)
        .says("offerings=1 resources=4 usages=4");
    // By its name and by its uuid it is still one.
    let twice = ["--force", "--offering", HPC, "--offering", "7f58d00e0b8d530cb2df3dd0fd5a9367"];
    rig.run(&[&COPY[..], &twice].concat()).ends_with(0).says("offerings=1 resources=28");
    started(&rig);
    rig.run(&[&COPY[..], &["--force", "--offering", "nothing"]].concat()).ends_with(2).says("no offering");
    let consumer = rig.token("consumer");
    rig.run_as(&consumer, &[&COPY[..], &["--force"]].concat())
        .ends_with(2)
        .says("provides no offering")
        .says("owns or manages what is offered");
}

#[test]
fn the_same_name_has_the_same_pseudonym_in_the_next_copy() {
    let rig = Rig::new();
    rig.run(&COPY).ends_with(0);
    let first: Value = serde_json::from_str(&copied(&rig)).unwrap();
    rig.sandbox.set_now("2026-12-02T08:00:00Z".parse().unwrap());
    rig.run(&[&COPY[..], &["--force"]].concat()).ends_with(0);
    let second: Value = serde_json::from_str(&copied(&rig)).unwrap();
    let names = ["name", "slug", "backend_id"];
    assert_eq!(texts(&first, &names), texts(&second, &names));
    assert_ne!(first["tokens"], second["tokens"]);
    let backend_ids = texts(&first["resources"], &["backend_id"]);
    assert_eq!(backend_ids.len(), 40, "what was unique stays so");
}

/// Runs the program as a user whose files would be open to everybody.
#[cfg(unix)]
#[test]
fn a_copy_is_for_its_owner_alone_and_replaces_nothing_unasked() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::new();
    let mode = |name: &str| rig.folder.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    let openly = |arguments: &str| {
        let script =
            format!("umask 000; exec {} sandbox world {arguments}", env!("CARGO_BIN_EXE_waldur-usage"));
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).current_dir(rig.folder.path()).env("HOME", rig.folder.path());
        shell.env("WALDUR_API_URL", rig.sandbox.url()).env("WALDUR_ACCESS_TOKEN", rig.token("owner"));
        let output = shell.output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(openly("from-server -o copy.json").0, 0);
    assert_eq!(openly("new --resources 3 -o new.json").0, 0);
    assert_eq!((mode("copy.json"), mode("new.json")), (0o600, 0o600));
    let seen = rig.sandbox.request_count();
    let (code, stderr) = openly("from-server -o copy.json");
    assert!(code == 2 && stderr.contains("copy.json is there already"), "{stderr}");
    assert_eq!(rig.sandbox.request_count(), seen, "the server is not read for nothing");
    std::fs::set_permissions(rig.folder.path().join("copy.json"), PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(openly("from-server --force -o copy.json").0, 0);
    assert_eq!(mode("copy.json"), 0o600);
    let left: Vec<_> = std::fs::read_dir(rig.folder.path()).unwrap().map(|one| one.unwrap().path()).collect();
    assert!(left.iter().all(|path| !path.to_string_lossy().contains(".part")), "{left:?}");
}

#[test]
fn a_new_world_is_as_large_as_was_asked_for() {
    let folder = tempfile::TempDir::new().unwrap();
    let new = |arguments: &[&str]| {
        let made = command(folder.path()).args(["sandbox", "world", "new"]).args(arguments).output().unwrap();
        (made.status.code().unwrap(), String::from_utf8([made.stdout, made.stderr].concat()).unwrap())
    };
    let size = ["--resources", "120", "--components", "4", "--months", "6", "-o"];
    let (code, told) = new(&[&size[..], &["first.json"]].concat());
    assert!(code == 0 && told.contains("first.json resources=120 usages=2,880"), "{told}");
    assert_eq!(new(&[&size[..], &["second.json"]].concat()).0, 0);
    let read = |name: &str| std::fs::read(Path::new(folder.path()).join(name)).unwrap();
    assert_eq!(read("first.json"), read("second.json"));
    let (code, told) = new(&["--resources", "0", "-o", "third.json"]);
    assert!(code == 2 && told.contains("a world has 1 to 1000000 resources"), "{told}");
    let rig = Rig::on(Settings::new(World::read(folder.path().join("first.json")).unwrap()));
    let rows = rig.run(&["list", "--period", "2026-10", "--format", "json"]).ends_with(0).json();
    assert_eq!(rows.as_array().unwrap().len(), 120 * 4);
    let file = rig.file(
        "usage.csv",
        "resource_backend_id,billing_period,component_type,amount\nbackend_000000,2026-11,cpu,12.5\n",
    );
    let apply = ["apply", file.to_str().unwrap(), "--offering", "Allocation 1", "--yes"];
    rig.run(&apply).ends_with(0).says("1 posted").says("verified");
}

/// The lines of the guide in its console blocks that call the program.
fn commands_of(guide: &str) -> Vec<Vec<String>> {
    let lines = guide.lines().filter_map(|line| line.strip_prefix("waldur-usage "));
    lines.map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn the_guide_to_rehearsing_shows_what_is_printed() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rehearse.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let rig = Rig::new();
    let commands = commands_of(&guide);
    assert!(commands.len() >= 7, "{commands:?}");
    for command in &commands {
        let command: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
        rig.run(&command).ends_with(0);
    }
    let shows = |text: &str, last: usize| {
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let told = lines[lines.len().saturating_sub(last)..].join("\n");
        assert!(guide.contains(&told), "the guide does not show\n{told}");
    };
    let copy = rig.run(&COPY).ends_with(0);
    shows(&copy.stdout, 1);
    shows(&copy.stderr, 3);
    let rehearsal = started(&rig);
    let renamed = ["--warn", "resource-disagrees"];
    shows(&rehearsal.run(&[&["check", SAMPLE], &renamed[..]].concat()).ends_with(0).stdout, 3);
    let plan = rehearsal.run(&[&["plan", SAMPLE, "-o", "plan.json"], &renamed[..]].concat()).ends_with(0);
    let counts = plan.stdout.lines().find(|line| line.contains("to create")).unwrap();
    shows(counts, 1);
    let run = rehearsal.run(&["apply", "plan.json", "--yes"]).ends_with(0);
    let lines = run.stdout.lines().skip_while(|line| !line.ends_with(" posted"));
    shows(&lines.take(3).collect::<Vec<_>>().join("\n"), 3);
}
