//! Servers that are down, elsewhere, or not Waldur: a clear message, the right code, no token astray.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use waldur_usage::sandbox::{FaultKind, Settings, World};

use crate::proxy;
use crate::rig::{HPC, Rig};

const APPLY: [&str; 5] = ["apply", "usage.csv", "--offering", HPC, "--yes"];

fn rig() -> Rig {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    rig
}

#[test]
fn a_server_that_is_down_is_named() {
    let (folder, url) = rig().stop();
    let output = crate::rig::command(folder.path())
        .env("WALDUR_API_URL", &url)
        .env("WALDUR_ACCESS_TOKEN", "abc")
        .args(APPLY)
        .args(crate::rig::LAX)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{stderr}");
    assert!(stderr.contains(&format!("cannot connect to {url}")) && stderr.contains("hint: "), "{stderr}");
}

#[test]
fn html_and_500_instead_of_json_are_named() {
    let rig = rig();
    let html = |status| FaultKind::Status(status, "<html>Welcome</html>".into(), "text/html".into());
    rig.inject("GET", "provider-resources", 0, 1, html(200));
    rig.run(&APPLY)
        .ends_with(6)
        .says("is not the Waldur API: a page of HTML")
        .says("hint: check that the address");
    rig.inject("GET", "component-usages", 0, 1, html(500));
    rig.run(&APPLY).ends_with(6).says("answered 500: a page of HTML");
    assert_eq!(rig.posts(), 0);
    rig.inject("POST", "set_usage", 0, 1, html(500));
    rig.run(&APPLY).ends_with(6).says("500: a page of HTML").says("1 rejected");
}

#[test]
fn a_redirect_is_not_followed_and_gets_no_token() {
    let rig = rig();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let requests = seen.clone();
    let elsewhere = proxy::start(
        &rig.sandbox.url(),
        move |request| requests.lock().unwrap().push(request.path.clone()),
        |_, _| {},
    );
    let location = format!("{elsewhere}/api/users/me/");
    let front = proxy::start(
        &rig.sandbox.url(),
        |_| {},
        move |_, answer| {
            answer.status = "HTTP/1.1 301 Moved Permanently".into();
            answer.set("location", &location);
        },
    );
    let rig = rig.through(&front);
    rig.run(&APPLY)
        .ends_with(6)
        .says(&format!("redirects to {elsewhere}/api/users/me/"))
        .says("tokens do not follow");
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn a_server_that_echoes_the_token_does_not_make_us_print_it() {
    let rig = rig();
    let token = rig.token("owner");
    let body = format!("{{\"detail\": \"no such token {token}\"}}");
    rig.inject("GET", "users/me", 0, 1, FaultKind::Status(401, body, "application/json".into()));
    // `run` itself fails where the token shows.
    rig.run(&APPLY).ends_with(7).says("no such token ****");
}

#[test]
fn a_short_fault_while_reading_is_tried_again() {
    let rig = rig();
    let busy = FaultKind::Status(503, "busy".into(), "text/plain".into());
    rig.inject("GET", "provider-resources", 0, 1, busy);
    rig.inject("GET", "component-usages", 0, 1, FaultKind::DropBeforeCommit);
    rig.run(&APPLY).ends_with(0).says("1 posted");
}

#[test]
fn tokens_do_not_travel_in_the_clear_or_to_another_server() {
    let rig = rig();
    rig.run(&["check", "usage.csv", "--url", "http://waldur.example.com"]).ends_with(2).says("is not https");
    rig.run(&["check", "usage.csv", "--url", "https://me:secret@waldur.example.com"])
        .ends_with(2)
        .says("holds a user name or a password");
    let config = rig.folder.path().join("config/waldur-usage");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("token"), rig.token("owner")).unwrap();
    let text = format!(
        "[servers.here]\nurl = \"{}\"\ntoken_file = \"token\"\nofferings = [\"{HPC}\"]\n",
        rig.sandbox.url()
    );
    std::fs::write(config.join("config.toml"), text).unwrap();
    let run = |arguments: &[&str]| {
        let output = crate::rig::command(rig.folder.path()).args(arguments).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, stderr) = run(&["check", "usage.csv", "--profile", "here"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, stderr) =
        run(&["check", "usage.csv", "--profile", "here", "--url", "https://evil.example.com"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("the token of the profile is for"), "{stderr}");
    let (code, stderr) = run(&["check", "usage.csv", "--profile", "her"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("did you mean here?"), "{stderr}");
}

#[test]
fn what_a_server_says_is_shown_shortly_and_never_with_the_token() {
    let rig = Rig::new();
    rig.long(&["climate-alps,2026-11,cpu,7"]);
    let echo = format!("\"{} {}\"", rig.token("owner"), "x".repeat(100_000));
    rig.inject("GET", "users/me", 0, 1, FaultKind::Status(200, echo, "application/json".into()));
    let run = rig.run(&["check", "usage.csv"]).ends_with(6).says("something that is not the Waldur API");
    assert!(run.all().len() < 2_000, "{} characters", run.all().len());
}

fn faulty(fault: &str) -> Rig {
    let faults = vec![fault.parse().unwrap()];
    let rig = Rig::on(Settings { faults, ..Settings::new(World::built_in()) });
    rig.long(&["climate-alps,2026-11,cpu,7.5"]);
    rig
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    let rig = faulty("status=429 method=GET path=provider-resources times=1 retry-after=2");
    let begun = Instant::now();
    rig.run(&APPLY).ends_with(0).says("1 posted");
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn silence_is_given_up_after_the_time_that_was_asked_for() {
    let rig = faulty("stalled=30s method=GET path=provider-resources times=1");
    let run = |timeout: &str| {
        let output = crate::rig::command(rig.folder.path())
            .env("WALDUR_API_URL", rig.sandbox.url())
            .env("WALDUR_ACCESS_TOKEN", rig.token("owner"))
            .env("WALDUR_HTTP_TIMEOUT", timeout)
            .args(APPLY)
            .args(crate::rig::LAX)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let begun = Instant::now();
    let (code, stderr) = run("1");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    for wrong in ["0", "soon", "1e9", "-1"] {
        let (code, stderr) = run(wrong);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(&format!("WALDUR_HTTP_TIMEOUT is `{wrong}`")), "{stderr}");
    }
}

#[test]
fn a_post_that_is_turned_away_is_settled_by_reading() {
    for (fault, code, outcome, posts) in [
        // It is sent again while what is stored shows that nothing of it arrived, and not for ever.
        ("status=503 method=POST path=set_usage skip=1", 5, "1 unknown", 6),
        ("status=503 method=POST path=set_usage skip=1 times=2", 0, "1 posted", 3),
        ("status=429 method=POST path=set_usage skip=1 times=1 retry-after=1", 0, "1 posted", 2),
        ("status-after-commit=503 method=POST path=set_usage skip=1", 0, "1 posted", 1),
    ] {
        let rig = faulty(fault);
        rig.run(&APPLY).ends_with(code).says(outcome);
        assert_eq!(rig.posts(), posts, "{fault}");
    }
}
