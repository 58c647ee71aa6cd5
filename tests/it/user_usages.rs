//! The usage of single users: sent after its total, to the row that is the total, and never added to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use waldur_usage::sandbox::{Behaviour, Fault, FaultKind, Settings, World};

use crate::proxy;
use crate::rig::{HPC, Rig};

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];
const PLAN: [&str; 4] = ["plan", "usage.csv", "--offering", HPC];
const MONTH: &str = "2026-11";

fn on(behaviour: Behaviour) -> Rig {
    Rig::on(Settings { behaviour, ..Settings::new(World::built_in()) })
}

fn both() -> [Rig; 2] {
    [on(Behaviour::dialect_2024()), on(Behaviour::dialect_2026())]
}

/// Writes rows of resource, component, amount and username, all of this month.
fn write(rig: &Rig, rows: &[&str]) {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let (resource, rest) = row.split_once(',').unwrap();
            format!("{resource},{MONTH},{rest}")
        })
        .collect();
    let header = "resource_name,billing_period,component_type,amount,username";
    rig.file("usage.csv", format!("{header}\n{}\n", rows.join("\n")));
}

/// What is stored of users: resource, component, user and amount, and whether the user is linked.
fn people(rig: &Rig) -> Vec<String> {
    let url = format!("{}/api/marketplace-component-user-usages/?page_size=300", rig.sandbox.url());
    let rows = proxy::get_json(&url, &rig.token("staff"));
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let mut people: Vec<String> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let link = if row["user"].is_null() { "" } else { " linked" };
            let (resource, component) = (text(row, "resource_name"), text(row, "component_type"));
            format!("{resource} {component} {} {}{link}", text(row, "username"), text(row, "usage"))
        })
        .collect();
    people.sort();
    people
}

/// The stored total of a component this month.
fn total(rig: &Rig, name: &str, component: &str) -> String {
    let stored = rig.stored_of(name);
    stored.get(component).map_or_else(|| "nothing".into(), |usage| usage.amount.to_string())
}

/// The bodies of the posts about users, in their order.
fn posts_of_users(rig: &Rig) -> Vec<Value> {
    let requests = rig.sandbox.requests();
    let own =
        requests.iter().filter(|request| request.method == "POST" && request.path.contains("set_user_"));
    own.map(|request| serde_json::from_str(&request.body).unwrap()).collect()
}

/// Sets the CPU of a resource behind the program's back.
fn set_total(rig: &Rig, name: &str, amount: &str) {
    let url = format!("{}/api/marketplace-component-usages/set_usage/", rig.sandbox.url());
    let body = json!({"resource": rig.resource(name), "usages": [{"type": "cpu", "amount": amount}]});
    assert!(proxy::post_json(&url, &rig.token("staff"), &body).contains("201"));
}

fn inject(rig: &Rig, skip: usize, times: usize, kind: FaultKind) {
    let (method, path_contains) = ("POST".to_owned(), "set_user_usage".to_owned());
    rig.sandbox.inject(Fault { method, path_contains, skip, times, ..Fault::new(kind) });
}

#[test]
fn users_are_sent_after_their_total_and_only_where_they_differ() {
    for (rig, posts) in both().into_iter().zip([[3, 5], [2, 3]]) {
        write(&rig, &["climate-alps,cpu,4,anna", "climate-alps,cpu,10,", "climate-alps,cpu,6,djanssen"]);
        rig.run(&APPLY)
            .ends_with(0)
            .says("users: 2 to create, 0 to update, 0 the same")
            .says("warn unknown-user")
            .says("2 of them of single users")
            .says("verified");
        assert_eq!(total(&rig, "climate-alps", "cpu"), "10.00");
        assert_eq!(people(&rig), ["climate-alps cpu anna 4.00", "climate-alps cpu djanssen 6.00 linked"]);
        assert_eq!(rig.posts(), posts[0]);
        let again = rig.run(&APPLY).ends_with(0).says("nothing to do: all 3 rows are stored");
        assert!(!again.stdout.contains("unknown-user"), "{}", again.all());
        assert_eq!(rig.posts(), posts[0], "a second apply sends nothing");
        write(
            &rig,
            &[
                "climate-alps,cpu,10,",
                "climate-alps,cpu,3,anna",
                "climate-alps,cpu,6,djanssen",
                "climate-alps,cpu,1,bert",
            ],
        );
        rig.run(&APPLY).ends_with(0).says("users: 1 to create, 1 to update, 1 the same").says("verified");
        assert_eq!(
            people(&rig),
            [
                "climate-alps cpu anna 3.00",
                "climate-alps cpu bert 1.00",
                "climate-alps cpu djanssen 6.00 linked"
            ]
        );
        assert_eq!(rig.posts(), posts[1]);
        assert_eq!(total(&rig, "climate-alps", "cpu"), "10.00");
        // The address names the row, so no date can lead elsewhere.
        assert!(posts_of_users(&rig).iter().all(|body| !body.to_string().contains("date")));
    }
}

#[test]
fn users_of_a_stored_total_need_no_row_of_it() {
    for rig in both() {
        let before = rig.stored();
        write(&rig, &["climate-cordex,cpu,2,anna", "climate-cordex,ram,3.5,anna", "climate-era5,cpu,1,bert"]);
        rig.run(&APPLY).ends_with(0).says("warn users-differ").says("3 posted").says("verified");
        let stored =
            ["climate-cordex cpu anna 2.00", "climate-cordex ram anna 3.50", "climate-era5 cpu bert 1.00"];
        assert_eq!(people(&rig), stored);
        assert_eq!(rig.stored(), before, "no total moved");
    }
}

#[test]
fn users_of_a_total_that_is_absent_or_zero_are_denied() {
    let cases: [(&[&str], &str); 5] = [
        (&["climate-alps,cpu,4,anna"], "deny users-would-bill"),
        (&["climate-alps,cpu,0,anna"], "deny user-without-total"),
        (&["climate-alps,cpu,0,", "climate-alps,cpu,4,anna"], "deny users-would-bill"),
        (&["climate-cordex,cpu,0,", "climate-cordex,cpu,4,anna"], "deny users-would-bill"),
        (
            &["climate-alps,cpu,9,", "climate-alps,cpu,4,anna", "climate-alps,cpu,5,anna"],
            "deny duplicate-key",
        ),
    ];
    for rig in both() {
        for (rows, finding) in &cases {
            write(&rig, rows);
            rig.run(&APPLY).ends_with(3).says(finding);
        }
        assert_eq!(rig.posts(), 0);
        // The resource of such a row is left out as a whole, and the others go on.
        write(&rig, &["climate-alps,cpu,4,anna", "climate-alps,ram,7,", "climate-era5,cpu,300,"]);
        let run = rig.run(&[&APPLY[..], &["--skip-faulty"]].concat()).ends_with(5);
        run.says("3 rows read: 1 used, 2 faulty, 0 blank, 0 filtered");
        assert_eq!((people(&rig), total(&rig, "climate-era5", "cpu")), (vec![], "300.00".into()));
        assert_eq!(total(&rig, "climate-alps", "ram"), "nothing");
    }
}

#[test]
fn the_rows_of_users_are_counted_like_any_other() {
    let rig = Rig::new();
    let long = "x".repeat(101);
    write(
        &rig,
        &[
            "climate-cordex,cpu,1,anna",
            "climate-cordex,cpu,,bert",
            &format!("climate-era5,cpu,1,{long}"),
            "climate-era5,cpu,x,anna",
            "climate-alps,cpu,3,",
        ],
    );
    rig.run(&["check", "usage.csv", "--offering", HPC])
        .ends_with(3)
        .says("deny invalid-username")
        .says("warn blank-amount")
        .says("5 rows read: 2 used, 2 faulty, 1 blank, 0 filtered");
    rig.file(
        "wide.csv",
        "resource_name,billing_period,username,cpu,ram\nclimate-cordex,2026-11,anna,1,2\nclimate-cordex,2026-10,anna,1,2\n",
    );
    let wide = ["apply", "wide.csv", "--offering", HPC, "--period", MONTH, "--yes"];
    rig.run(&wide).ends_with(0).says("2 rows read: 1 used, 0 faulty, 0 blank, 1 filtered");
    assert_eq!(people(&rig), ["climate-cordex cpu anna 1.00", "climate-cordex ram anna 2.00"]);
    rig.file(
        "noted.csv",
        "resource_name,billing_period,component_type,amount,username,description\nclimate-cordex,2026-11,cpu,1,anna,note\n",
    );
    rig.run(&["check", "noted.csv", "--offering", HPC]).ends_with(0).says("warn user-field-ignored");
}

#[test]
fn a_total_that_is_emptied_is_emptied_after_its_users() {
    let mut fills = Behaviour::dialect_2024();
    fills.switch("users-fill-total=on").unwrap();
    for rig in [on(fills), on(Behaviour::dialect_2026())] {
        write(&rig, &["climate-alps,cpu,10,", "climate-alps,cpu,4,anna", "climate-alps,cpu,6,bert"]);
        rig.run(&APPLY).ends_with(0).says("verified");
        // Emptied by somebody else, a total would be filled by the first of its users that is sent.
        let both = ["climate-alps cpu anna 0.00", "climate-alps cpu bert 0.00"];
        write(&rig, &["climate-alps,cpu,0,", "climate-alps,cpu,0,anna", "climate-alps,cpu,0,bert"]);
        rig.run(&[&APPLY[..], &["--allow-zeroed"]].concat()).ends_with(0).says("verified");
        assert_eq!(total(&rig, "climate-alps", "cpu"), "0.00");
        assert_eq!(people(&rig), both);
        write(&rig, &["climate-alps,cpu,10,", "climate-alps,cpu,4,anna", "climate-alps,cpu,6,bert"]);
        rig.run(&APPLY).ends_with(0);
        set_total(&rig, "climate-alps", "0");
        write(&rig, &["climate-alps,cpu,0,anna", "climate-alps,cpu,0,bert"]);
        rig.run(&APPLY).ends_with(3).says("deny users-would-bill");
        assert_eq!(total(&rig, "climate-alps", "cpu"), "0.00");
    }
}

#[test]
fn a_total_that_goes_to_zero_behind_our_back_keeps_its_users_back() {
    for rig in both() {
        write(&rig, &["climate-cordex,cpu,4,anna"]);
        rig.run(&[&PLAN[..], &["-o", "plan.json"]].concat()).ends_with(0);
        set_total(&rig, "climate-cordex", "0");
        rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says("1 rows are stale");
        assert_eq!(people(&rig), Vec::<String>::new());
        assert_eq!(total(&rig, "climate-cordex", "cpu"), "0.00");
    }
}

#[test]
fn a_user_whose_stored_usage_changed_is_stale() {
    for rig in both() {
        write(&rig, &["climate-cordex,cpu,4,anna"]);
        rig.run(&[&PLAN[..], &["-o", "plan.json"]].concat()).ends_with(0);
        write(&rig, &["climate-cordex,cpu,5,anna"]);
        rig.run_as(&rig.token("staff"), &APPLY).ends_with(0);
        let posts = rig.posts();
        rig.run(&["apply", "plan.json", "--yes"]).ends_with(4).says("cpu of anna").says("1 rows are stale");
        assert_eq!(rig.posts(), posts);
        // What is stored as planned already is not sent again.
        write(&rig, &["climate-cordex,cpu,6,anna"]);
        rig.run(&[&PLAN[..], &["-o", "plan.json"]].concat()).ends_with(0);
        rig.run(&APPLY).ends_with(0);
        let posts = rig.posts();
        rig.run(&["apply", "plan.json", "--yes"]).ends_with(0);
        assert_eq!(rig.posts(), posts);
    }
}

#[test]
fn users_are_looked_at_again_where_those_before_them_took_long() {
    let rig = on(Behaviour::dialect_2024());
    write(&rig, &["climate-cordex,cpu,4,anna", "climate-cordex,cpu,5,bert", "climate-cordex,cpu,6,carl"]);
    let (server, staff) = (rig.sandbox.url(), rig.token("staff"));
    let is_first = AtomicBool::new(true);
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |request, _| {
            if request.path.contains("set_user_usage") && is_first.swap(false, Ordering::SeqCst) {
                // Somebody else reports the third one, and the answer to the first one is slow.
                let body = json!({"username": "carl", "usage": "9"});
                let answer = proxy::post_json(&format!("{server}{}", request.path), &staff, &body);
                assert!(answer.contains("201"), "{answer}");
                std::thread::sleep(Duration::from_millis(5_500));
            }
        },
    );
    let rig = rig.through(&front);
    let run = rig.run(&[&APPLY[..], &["--max-age", "0"]].concat()).ends_with(5).says("1 stale");
    let carl = people(&rig).into_iter().find(|person| person.contains("carl"));
    assert_eq!(carl.as_deref(), Some("climate-cordex cpu carl 9.00"), "{}", run.all());
}

#[test]
fn a_lost_answer_is_settled_by_reading() {
    for rig in both() {
        write(&rig, &["climate-cordex,cpu,4,anna"]);
        inject(&rig, 0, 1, FaultKind::DropAfterCommit);
        rig.run(&APPLY).ends_with(0).says("1 without an answer").says("verified");
        assert_eq!((people(&rig), rig.posts()), (vec!["climate-cordex cpu anna 4.00".into()], 1));
        write(&rig, &["climate-cordex,cpu,5,anna"]);
        inject(&rig, 0, 1, FaultKind::TryLater(503, 0));
        rig.run(&APPLY).ends_with(0).says("verified");
        assert_eq!((people(&rig), rig.posts()), (vec!["climate-cordex cpu anna 5.00".into()], 3));
        write(&rig, &["climate-cordex,cpu,6,anna"]);
        inject(&rig, 0, 1, FaultKind::Status(400, r#"{"usage":["no"]}"#.into(), "application/json".into()));
        rig.run(&APPLY).ends_with(6).says("1 rejected").says("cpu of anna");
    }
}

#[test]
fn a_run_that_stopped_among_its_users_goes_on_where_it_was() {
    let rows = [
        "climate-alps,cpu,10,",
        "climate-alps,cpu,4,anna",
        "climate-alps,ram,5,",
        "climate-alps,ram,5,bert",
        "climate-era5,cpu,300,",
        "climate-era5,cpu,100,anna",
    ];
    for (whole, rig) in both().into_iter().zip(both()) {
        for rig in [&whole, &rig] {
            write(rig, &rows);
        }
        whole.run(&APPLY).ends_with(0);
        // One goes through without an answer, then the server is gone for good.
        inject(&rig, 0, 1, FaultKind::DropAfterCommit);
        inject(&rig, 0, usize::MAX, FaultKind::DropBeforeCommit);
        let run = rig.run(&[&APPLY[..], &["--connections", "1"]].concat()).ends_with(5);
        let run = run.says("unknown").says("`waldur-usage resume ");
        rig.sandbox.clear_faults();
        let posts = rig.posts();
        let resumed = rig.run(&["resume"]).ends_with(0).says("verified");
        assert_eq!(
            rig.posts() - posts,
            2,
            "only what is missing is sent again: {}{}",
            run.all(),
            resumed.all()
        );
        assert_eq!(people(&rig), people(&whole));
        assert_eq!(crate::runs::state(&rig), crate::runs::state(&whole));
        rig.run(&["resume"]).ends_with(0).says("nothing to resume");
    }
}

#[test]
fn undo_takes_users_back_and_undo_of_undo_sends_them_again() {
    for rig in both() {
        write(&rig, &["climate-cordex,cpu,2,anna"]);
        rig.run(&APPLY).ends_with(0);
        write(
            &rig,
            &[
                "climate-alps,cpu,10,",
                "climate-alps,cpu,4,anna",
                "climate-alps,cpu,6,bert",
                "climate-cordex,cpu,3,anna",
            ],
        );
        rig.run(&APPLY).ends_with(0);
        let posted = people(&rig);
        let latest = || {
            let runs = rig.run(&["runs", "list", "--format", "json"]).ends_with(0).json();
            runs[0]["run"].as_str().unwrap().to_owned()
        };
        rig.run(&["undo", &latest(), "--yes"])
            .ends_with(0)
            .says("was absent, and can only become 0")
            .says("verified");
        assert_eq!(
            people(&rig),
            ["climate-alps cpu anna 0.00", "climate-alps cpu bert 0.00", "climate-cordex cpu anna 2.00"]
        );
        assert_eq!(total(&rig, "climate-alps", "cpu"), "0.00");
        rig.run(&["undo", &latest(), "--yes"]).ends_with(0).says("verified");
        assert_eq!(people(&rig), posted);
        assert_eq!(total(&rig, "climate-alps", "cpu"), "10.00");
    }
}

#[test]
fn results_and_the_trail_name_the_users() {
    let rig = Rig::new();
    write(&rig, &["climate-cordex,cpu,4,anna", "climate-cordex,cpu,2,bert"]);
    inject(&rig, 1, 1, FaultKind::Status(418, "no".into(), "text/plain".into()));
    let report =
        rig.run(&[&APPLY[..], &["--results", "out", "--format", "json"]].concat()).ends_with(5).json();
    let lines = report["report"]["lines"].as_array().unwrap();
    let told: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line["username"].as_str().unwrap(), line["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(told, ["anna posted", "bert rejected"]);
    let run = report["run"].as_str().unwrap();
    rig.run(&["verify", run]).ends_with(5).says("cpu of bert").says("1 of 2 rows");
    rig.run(&["apply", "out/failed.xlsx", "--offering", HPC, "--yes"]).ends_with(0).says("verified");
    assert_eq!(people(&rig), ["climate-cordex cpu anna 4.00", "climate-cordex cpu bert 2.00"]);
    rig.run(&["audit", "export", "-o", "trail.csv"]).ends_with(0);
    let trail = std::fs::read_to_string(rig.folder.path().join("trail.csv")).unwrap();
    assert!(trail.contains(",2026-11,anna,") && trail.contains(",2026-11,bert,"), "{trail}");
    let shown = rig.run(&["runs", "show", run, "--format", "json"]).ends_with(0).json();
    let resources = shown["plan"]["body"]["resources"].as_array().unwrap();
    let counts: Vec<usize> =
        resources.iter().filter_map(|resource| Some(resource["people"].as_array()?.len())).collect();
    assert_eq!(counts, [2]);
    // What the run has not stored is not its own to take back.
    rig.run(&["undo", run, "--yes"]).ends_with(0).says("verified");
    assert_eq!(people(&rig), ["climate-cordex cpu anna 0.00", "climate-cordex cpu bert 2.00"]);
}

#[test]
fn a_user_of_one_of_several_totals_names_its_plan_period() {
    for rig in both() {
        let header = "resource_name,billing_period,component_type,amount,username,plan_period";
        let [first, second] = crate::plan_periods::periods(&rig, "flame-les").try_into().unwrap();
        let under = |rows: &[String]| rig.file("usage.csv", format!("{header}\n{}\n", rows.join("\n")));
        let row = |amount: &str, name: &str, period: &str| {
            format!("flame-les,{MONTH},cpu,{amount},{name},{period}")
        };
        under(&[row("40", "", &first), row("60", "", &second)]);
        rig.run(&APPLY).ends_with(0);
        write(&rig, &["flame-les,cpu,4,anna"]);
        rig.run(&APPLY).ends_with(3).says("deny several-plan-periods").says("40.00 under");
        let before = rig.stored();
        under(&[row("40", "anna", &first), row("59", "anna", &second)]);
        rig.run(&APPLY).ends_with(0).says("users 59.00, total 60.00").says("verified");
        assert_eq!(people(&rig), ["flame-les cpu anna 40.00", "flame-les cpu anna 59.00"]);
        assert_eq!(rig.stored(), before);
        let posts = rig.posts();
        rig.run(&APPLY).ends_with(0).says("nothing to do");
        assert_eq!(rig.posts(), posts);
        // The total that the file speaks of is the one that a user's row is about.
        under(&[row("41", "", &first), row("41", "anna", &first)]);
        rig.run(&APPLY).ends_with(0).says("verified");
        assert_eq!(people(&rig), ["flame-les cpu anna 41.00", "flame-les cpu anna 59.00"]);
    }
}

#[test]
fn users_of_a_past_month_are_sent_where_they_are_never_billed() {
    let rig = on(Behaviour::dialect_2026());
    let header = "resource_name,billing_period,component_type,amount,username";
    let rows = "climate-alps,2026-10,storage,5,anna\nclimate-alps,2026-10,cpu,5,anna\n";
    rig.file("usage.csv", format!("{header}\n{rows}"));
    let before = rig.stored();
    let run = rig.run(&[&APPLY[..], &["--results", "out"]].concat()).ends_with(5);
    run.says("Closed: 1 amount of users cannot be posted for 2026-10 any more").says("out/corrections.xlsx");
    assert_eq!(people(&rig), ["climate-alps storage anna 5.00"]);
    assert_eq!(rig.stored(), before, "every total is as it was, in both months");
    // Staff may tell of any month, and a server that takes no date is told of none that is over.
    rig.run_as(&rig.token("staff"), &APPLY).ends_with(0).says("verified");
    assert_eq!(people(&rig), ["climate-alps cpu anna 5.00", "climate-alps storage anna 5.00"]);
    let older = Rig::new();
    older.file("usage.csv", format!("{header}\n{rows}"));
    older.run_as(&older.token("staff"), &APPLY).ends_with(4).says("nothing was sent");
    assert_eq!(older.posts(), 0);
}

#[test]
fn the_usages_of_users_are_listed_by_the_filters_that_there_are() {
    let rig = Rig::new();
    write(&rig, &["climate-cordex,cpu,4,anna", "climate-cordex,ram,2,bert", "climate-era5,cpu,1,bert"]);
    rig.run(&APPLY).ends_with(0);
    let list = |arguments: &[&str]| {
        let run = rig.run(&[&["list", "--what", "user-usages", "--format", "json"], arguments].concat());
        let rows = run.ends_with(0).json();
        let mut rows: Vec<String> = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| format!("{} {}", row["username"].as_str().unwrap(), row["usage"].as_str().unwrap()))
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(list(&[]), ["anna 4.00", "bert 1.00", "bert 2.00"]);
    assert_eq!(list(&["--period", MONTH]).len(), 3);
    assert!(list(&["--period", "2026-10"]).is_empty());
    assert_eq!(list(&["--type", "cpu"]), ["anna 4.00", "bert 1.00"]);
    assert_eq!(list(&["--resource", &rig.resource("climate-era5")]), ["bert 1.00"]);
    let fields = ["--what", "user-usages", "--field", "username", "--field", "usage", "-o", "-usage"];
    rig.run(&[&["list"], &fields[..]].concat()).ends_with(0).says("username  usage\nanna      4.00");
    rig.run(&["list", "--what", "user-usages"]).ends_with(0).says("user").says("3 rows");
    rig.run(&["list", "--what", "user-usages", "--billing-period-month", "11"]).ends_with(2).says("--period");
    // A server that ignores the month is told apart, and done for here.
    let names = vec!["component_usage__billing_period".to_owned()];
    rig.sandbox.inject(Fault {
        method: "GET".into(),
        path_contains: "user-usages".into(),
        skip: 0,
        times: usize::MAX,
        ..Fault::new(FaultKind::FiltersIgnored(names))
    });
    rig.run(&["list", "--what", "user-usages", "--period", "2026-10"])
        .ends_with(0)
        .says("the server ignored component_usage__billing_period")
        .says("0 rows");
}

#[test]
fn a_plan_with_users_is_what_its_schema_says() {
    let rig = on(Behaviour::dialect_2026());
    write(&rig, &["climate-alps,cpu,10,", "climate-alps,cpu,4,anna", "climate-cordex,cpu,6,djanssen"]);
    rig.run(&[&PLAN[..], &["-o", "plan.json", "-o", "plan.xlsx", "-o", "plan.html"]].concat()).ends_with(0);
    let plan = std::fs::read(rig.folder.path().join("plan.json")).unwrap();
    let plan: Value = serde_json::from_slice(&plan).unwrap();
    assert!(plan["body"].to_string().contains("marketplace-offering-users"), "{plan:#}");
    crate::plan_file::is_as_the_schema_says(&plan);
    let page = std::fs::read_to_string(rig.folder.path().join("plan.html")).unwrap();
    assert!(page.contains("djanssen"), "{page}");
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(0).says("verified");
    assert_eq!(people(&rig), ["climate-alps cpu anna 4.00", "climate-cordex cpu djanssen 6.00 linked"]);
    rig.run(&["apply", "plan.json", "--yes"]).ends_with(0);
    assert_eq!(rig.posts(), 3, "one total and the users of two");
}
