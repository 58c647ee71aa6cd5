//! A month's figures land in that month or nowhere, whatever the server's zone.

use std::sync::Mutex;
use std::time::Duration;

use jiff::tz::TimeZone;
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::proxy;
use crate::rig::{HPC, Rig};

/// A server in Tallinn, at half past midnight on 1 December there, and still November in UTC.
fn tallinn(mut behaviour: Behaviour) -> Rig {
    behaviour.zone = TimeZone::get("Europe/Tallinn").unwrap();
    let now = Some("2026-11-30T22:30:00Z".parse().unwrap());
    let rig = Rig::on(Settings { behaviour, now, ..Settings::new(World::built_in()) });
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    rig
}

fn months(rig: &Rig) -> Vec<String> {
    let alps = rig.resource("climate-alps");
    let usages = rig.sandbox.usages();
    let own = usages
        .iter()
        .filter(|usage| usage.resource.to_string() == alps && usage.amount.to_string() == "7.00");
    own.map(|usage| usage.period.to_string()).collect()
}

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];

#[test]
fn a_date_keeps_a_post_in_its_month() {
    for account in ["owner", "staff"] {
        let rig = tallinn(Behaviour::dialect_2026());
        rig.run_as(&rig.token(account), &APPLY).ends_with(0).says("verified");
        assert_eq!(months(&rig), ["2026-11"], "{account}");
    }
}

#[test]
fn without_a_date_an_unknown_zone_is_waited_for() {
    // A server that ignores dates, and one that takes none from a manager.
    for (behaviour, account) in [(Behaviour::dialect_2025(), "owner"), (Behaviour::dialect_2026(), "manager")]
    {
        let rig = tallinn(behaviour);
        let token = rig.token(account);
        rig.run_as(&token, &APPLY)
            .ends_with(4)
            .says("the server's zone is not known, and at 2026-11-30T22:30:0")
            .says("set time_zone of this server in your profile");
        assert_eq!(rig.posts(), 0);
        // Once it is known, November is over there.
        let profile =
            format!("[servers.tallinn]\nurl = \"{}\"\ntime_zone = \"Europe/Tallinn\"\n", rig.sandbox.url());
        let config = rig.folder.path().join("config/waldur-usage");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("config.toml"), &profile).unwrap();
        rig.run_as(&token, &[&APPLY[..], &["--profile", "tallinn"]].concat())
            .ends_with(4)
            .says("1 amounts of 2026-11 differ and cannot be posted");
        rig.long(&["climate-alps,2026-12,cpu,7"]);
        rig.run_as(&token, &[&APPLY[..], &["--profile", "tallinn"]].concat()).ends_with(0).says("verified");
        assert_eq!(months(&rig), ["2026-12"]);
        std::fs::write(config.join("config.toml"), profile.replace("Tallinn\"", "Talinn\"")).unwrap();
        rig.run_as(&token, &[&APPLY[..], &["--profile", "tallinn"]].concat())
            .ends_with(2)
            .says("no time zone is called Europe/Talinn");
    }
}

#[test]
fn a_server_of_2024_books_by_utc_wherever_it_stands() {
    let rig = tallinn(Behaviour::dialect_2024());
    rig.run(&APPLY).ends_with(0).says("verified");
    assert_eq!(months(&rig), ["2026-11"]);
}

#[test]
fn a_request_that_waited_for_its_turn_does_not_leave_once_the_month_turns() {
    // Two requests are on their way and the next two wait for them; the answers come ten minutes
    // before the month ends, when a server of 2024 is left alone.
    let now = Some("2026-11-30T12:00:00Z".parse().unwrap());
    let rig = Rig::on(Settings { now, ..Settings::new(World::built_in()) });
    rig.long(&[
        "climate-alps,2026-11,cpu,7",
        "climate-cordex,2026-11,cpu,7",
        "climate-era5,2026-11,cpu,7",
        "cohort-wgs,2026-11,cpu,7",
        "flame-dns,2026-11,cpu,7",
    ]);
    let posts = Mutex::new(0);
    let front = proxy::start(
        &rig.sandbox.url(),
        move |request| {
            if request.method == "POST" && !request.is_probe() {
                *posts.lock().unwrap() += 1;
                request.number = *posts.lock().unwrap();
                std::thread::sleep(Duration::from_millis(1_500));
            }
        },
        |request, answer| {
            if request.number > 0 {
                answer.set("date", "Mon, 30 Nov 2026 23:55:00 GMT");
            }
        },
    );
    let rig = rig.through(&front);
    let run = rig.run(&[&APPLY[..], &["--connections", "2"]].concat()).ends_with(5);
    let run = run.says("2 posted").says("3 not sent").says("within 10 minutes of the turn of the month");
    assert_eq!(rig.posts(), 2, "{}", run.all());
}
