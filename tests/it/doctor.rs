//! `doctor`: what it finds out of each kind of server for each kind of account, and that it changes
//! nothing.

use std::process::Output;

use jiff::Timestamp;
use serde_json::{Value, json};
use waldur_usage::sandbox::{Behaviour, Settings, World};

use crate::proxy;
use crate::rig::{Rig, command};

const DOCTOR: [&str; 3] = ["doctor", "--format", "json"];

fn server(behaviour: Behaviour, faults: &[&str]) -> Rig {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    Rig::on(Settings { behaviour, faults, ..Settings::new(World::built_in()) })
}

/// What it finds out for an account.
fn diagnose(rig: &Rig, account: &str) -> Value {
    rig.run_as(&rig.token(account), &DOCTOR).ends_with(0).json()
}

fn value<'a>(found: &'a Value, path: &str) -> &'a Value {
    found.pointer(&format!("/{path}/value")).unwrap_or_else(|| panic!("no {path} in {found}"))
}

#[test]
fn each_dialect_shows_what_it_can_do() {
    let rows = [
        (Behaviour::dialect_2024(), false, "recurring", false, false, true, json!("unknown")),
        (Behaviour::dialect_2025(), false, "recurring", true, false, false, json!("7.8.9")),
        (Behaviour::dialect_2026(), true, "missing_usage_policy", true, true, false, json!("8.1.2")),
    ];
    for (behaviour, takes_date, carry_over, heeds_year, bulk, in_utc, version) in rows {
        let dialect = behaviour.dialect;
        let rig = server(behaviour, &[]);
        for account in ["owner", "manager", "staff", "consumer", "nobody"] {
            let found = diagnose(&rig, account);
            let told = [
                ("capabilities/takes_date", json!(takes_date)),
                ("capabilities/carry_over", json!(carry_over)),
                ("capabilities/books_in_utc", json!(in_utc)),
                ("capabilities/time_zone", Value::Null),
                ("bulk_user_usages", json!(bulk)),
                ("page_cap", json!(300)),
                ("filters/billing_period", json!(true)),
                ("filters/resource_uuid", json!(true)),
                ("filters/billing_period_year", json!(heeds_year)),
                ("filters/billing_period_month", json!(heeds_year)),
                ("version", if account == "staff" { version.clone() } else { Value::Null }),
                ("encrypted", json!(false)),
                ("proxy", Value::Null),
                ("token_expires", Value::Null),
            ];
            for (path, wanted) in told {
                assert_eq!(value(&found, path), &wanted, "{path} of {dialect} for {account}");
            }
            assert_eq!(found["account"]["username"], account);
            assert_eq!(found["account"]["is_staff"], account == "staff");
            assert_eq!(found["server"], rig.sandbox.url());
            assert!(found["sandbox"].is_string());
            assert!(value(&found, "round_trip_ms").as_f64().unwrap() > 0.0);
        }
    }
}

#[test]
fn each_account_is_told_where_it_may_report_and_what_it_sees() {
    let rows = [
        ("owner", json!({"CUSTOMER.OWNER": 1}), 2, 2, "provider_owner", true, ["rows"; 3]),
        ("manager", json!({"OFFERING.MANAGER": 1}), 1, 1, "offering_manager", false, ["empty"; 3]),
        ("staff", json!({}), 2, 2, "staff", true, ["rows"; 3]),
        ("consumer", json!({"CUSTOMER.OWNER": 1}), 0, 0, "", false, ["rows", "rows", "empty"]),
        ("nobody", json!({}), 0, 0, "", false, ["empty"; 3]),
    ];
    let rig = server(Behaviour::dialect_2026(), &[]);
    for (account, roles, visible, reportable, role, may_date, sees) in rows {
        let found = diagnose(&rig, account);
        assert_eq!(found["account"]["roles"], roles, "{account}");
        let offerings = value(&found, "offerings").as_array().unwrap();
        let may_report = offerings.iter().filter(|offering| offering["may_report"] == true);
        assert_eq!((offerings.len(), may_report.count()), (visible, reportable), "{account}");
        for offering in offerings {
            assert_eq!(offering["role"], role);
            assert_eq!(offering["may_date"], may_date, "{account}");
        }
        for (list, sees) in ["invoices/", "invoice-items/", "provider-invoice-items/"].into_iter().zip(sees) {
            assert_eq!(found["invoices"][list]["value"], sees, "{list} for {account}");
        }
    }
    // A server without `date` takes none from anybody.
    let found = diagnose(&server(Behaviour::dialect_2024(), &[]), "staff");
    assert!(
        value(&found, "offerings").as_array().unwrap().iter().all(|offering| offering["may_date"] == false)
    );
}

#[test]
fn nothing_that_it_sends_could_be_saved() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2025(), Behaviour::dialect_2026()] {
        let rig = server(behaviour, &[]);
        let before = rig.stored();
        for account in ["owner", "staff"] {
            diagnose(&rig, account);
        }
        assert_eq!(rig.stored(), before);
        assert_eq!(rig.posts(), 0, "the one that asks for a date names no resource");
        let methods: Vec<String> = rig.sandbox.requests().into_iter().map(|request| request.method).collect();
        assert!(methods.iter().all(|method| ["GET", "OPTIONS", "POST"].contains(&method.as_str())));
        assert_eq!(methods.iter().filter(|method| *method == "POST").count(), 2);
    }
}

#[test]
fn it_is_readable_too() {
    let rig = server(Behaviour::dialect_2026(), &[]);
    rig.run(&["doctor"])
        .ends_with(0)
        .says("may report usage of: 2 of 2 offerings")
        .says("OPTIONS of set_user_usages answers 200, of set_user_usage 200, of what no version has 404")
        .says("billing_period=1971-01-01: 0 of 456 usages")
        .says("asked for 1000 of 456 usages, it gave 300")
        .says("the server judges a date")
        .says("this kind of token does not tell it");
}

#[test]
fn what_is_ignored_forbidden_or_absent_is_told_with_its_evidence() {
    let faults = [
        "filters-ignored=billing_period",
        "status=403 path=/api/invoices/",
        "status=404 path=/api/invoice-items/",
        "status=500 path=/api/provider-invoice-items/",
        // A gateway that answers for the server.
        "status=204 method=OPTIONS",
    ];
    let found = diagnose(&server(Behaviour::dialect_2026(), &faults), "owner");
    assert_eq!(value(&found, "filters/billing_period"), false);
    assert_eq!(
        found["filters"]["billing_period"]["evidence"],
        "billing_period=1971-01-01: 456 of 456 usages"
    );
    assert_eq!(value(&found, "filters/type"), true);
    let sees = |list: &str| found["invoices"][list]["value"].as_str().unwrap().to_owned();
    assert_eq!(
        ["invoices/", "invoice-items/", "provider-invoice-items/"].map(sees),
        ["forbidden", "absent", "unclear"]
    );
    assert_eq!(value(&found, "bulk_user_usages"), &Value::Null);
    // A list that is not allowed leaves open what it would have told, and nothing else.
    let faults = ["status=403 path=component-usages", "status=403 path=provider-offerings"];
    let found = diagnose(&server(Behaviour::dialect_2026(), &faults), "owner");
    for unknown in ["page_cap", "bulk_user_usages"] {
        assert_eq!(value(&found, unknown), &Value::Null, "{unknown}");
    }
    assert_eq!(found["capabilities"]["carry_over"]["evidence"], "assumed");
    assert_eq!(value(&found, "offerings"), &json!([]));
    assert_eq!(value(&found, "invoices/invoices~1"), "rows");
}

#[test]
fn the_clocks_are_compared() {
    let skewed = |faults: &[&str]| {
        let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
        let now = Some(Timestamp::now());
        let rig = Rig::on(Settings { faults, now, ..Settings::new(World::built_in()) });
        let found = diagnose(&rig, "owner");
        found["clock_ahead_seconds"]["value"].as_i64()
    };
    let near = |found: Option<i64>, wanted: i64| found.is_some_and(|found| (found - wanted).abs() <= 1);
    assert!(near(skewed(&[]), 0));
    assert!(near(skewed(&["clock-skew=-90s"]), -90));
    assert!(near(skewed(&["clock-skew=1h"]), 3600));
    assert_eq!(skewed(&["missing-date"]), None);
}

#[test]
fn a_server_that_is_away_ends_with_6_and_a_token_that_is_not_accepted_with_7() {
    let rig = server(Behaviour::dialect_2024(), &[]);
    let run = rig.run_as("nonsense", &DOCTOR).ends_with(7).says("does not accept the token: Invalid token.");
    let found = run.json();
    assert!(found["clock_ahead_seconds"]["value"].is_i64(), "it has answered");
    assert_eq!(found["account"], Value::Null);
    let (folder, url) = rig.stop();
    let run = command(folder.path())
        .env("WALDUR_API_URL", &url)
        .env("WALDUR_ACCESS_TOKEN", "abc")
        .arg("doctor")
        .output();
    let (code, stdout, stderr) = texts(run.unwrap());
    assert_eq!(code, 6);
    assert!(stderr.contains(&format!("cannot connect to {url}")), "{stderr}");
    assert!(
        stdout.contains(&url) && stdout.contains("a server on this machine is reached without one"),
        "{stdout}"
    );
}

#[test]
fn a_personal_access_token_tells_when_it_expires() {
    let rig = server(Behaviour::dialect_2026(), &[]);
    let owner = rig.token("owner");
    let front = proxy::start(
        &rig.sandbox.url(),
        move |request| {
            let carried = request.headers.iter_mut().find(|(name, _)| name == "authorization").unwrap();
            assert_eq!(carried.1, "Bearer w_1790000000_secret");
            carried.1 = format!("Token {owner}");
        },
        |_, _| {},
    );
    let found = rig.through(&front).run_as("w_1790000000_secret", &DOCTOR).ends_with(0).json();
    assert_eq!(value(&found, "token_expires"), "2026-09-21T14:13:20Z");
}

#[test]
fn the_proxy_is_named_without_its_password() {
    let folder = tempfile::TempDir::new().unwrap();
    let run = |variables: &[(&str, &str)], url: &str| {
        let mut command = command(folder.path());
        command.envs(variables.iter().copied()).env("WALDUR_ACCESS_TOKEN", "abc");
        texts(command.args(["doctor", "--format", "json", "--url", url]).output().unwrap())
    };
    let closed = "http://me:secret@127.0.0.1:1";
    let url = "https://waldur.example.com";
    for (variables, proxy, evidence) in [
        (vec![("HTTPS_PROXY", closed)], json!("http://127.0.0.1:1"), "HTTPS_PROXY"),
        (vec![("all_proxy", closed)], json!("http://127.0.0.1:1"), "all_proxy"),
    ] {
        let (code, stdout, stderr) = run(&variables, url);
        assert_eq!(code, 6, "{stderr}");
        assert!(!stdout.contains("secret") && !stderr.contains("secret"), "{stdout}{stderr}");
        let found: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(found["proxy"], json!({"value": proxy, "evidence": evidence}));
        assert_eq!(value(&found, "encrypted"), true);
    }
}

#[test]
fn the_zone_comes_from_the_profile() {
    let rig = server(Behaviour::dialect_2025(), &[]);
    let config = rig.folder.path().join("config/waldur-usage");
    std::fs::create_dir_all(&config).unwrap();
    let profile =
        format!("[servers.here]\nurl = \"{}\"\ntime_zone = \"Europe/Tallinn\"\n", rig.sandbox.url());
    std::fs::write(config.join("config.toml"), profile).unwrap();
    let found = rig.run(&["doctor", "--format", "json", "--profile", "here"]).ends_with(0).json();
    assert_eq!(found["capabilities"]["time_zone"], json!({"value": "Europe/Tallinn", "evidence": "profile"}));
}

fn texts(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn what_was_found_out_is_kept_for_the_server_and_the_account() {
    let rig = Rig::new();
    rig.run(&["doctor", "--last"]).ends_with(2).says("nothing was found out about this server yet");
    let found = rig.run(&["doctor", "--format", "json"]).ends_with(0).json();
    let before = rig.sandbox.request_count();
    let kept = rig.run(&["doctor", "--last", "--format", "json"]).ends_with(0).json();
    assert_eq!(kept, found);
    assert_eq!(rig.sandbox.request_count() - before, 1, "nothing but whose token it is");
    rig.run_as(&rig.token("manager"), &["doctor", "--last"]).ends_with(2);
}
