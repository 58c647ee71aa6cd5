//! The control paths of the sandbox: what they do, to whom, and that nothing strikes them.

use std::time::Duration;

use serde_json::{Value, json};
use waldur_usage::sandbox::{Sandbox, Settings, World};

use crate::rig::Rig;
use crate::wire::{Reply, exchange, send};

/// Sends a request without a token, with these headers besides.
fn control(sandbox: &Sandbox, method: &str, path: &str, headers: &str, body: &str) -> Reply {
    let address = sandbox.url().replace("http://", "");
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    exchange(&address, request.as_bytes(), Duration::from_secs(5)).reply()
}

fn call(sandbox: &Sandbox, method: &str, name: &str, body: &str) -> (u16, Value) {
    let reply = control(sandbox, method, &format!("/sandbox/{name}"), "Host: localhost\r\n", body);
    (reply.status, reply.json())
}

#[test]
fn faults_come_and_go() {
    let rig = Rig::new();
    let sandbox = &rig.sandbox;
    assert_eq!(call(sandbox, "GET", "faults", ""), (200, json!({"faults": []})));
    assert_eq!(call(sandbox, "POST", "faults", r#""html times=1""#).0, 201);
    let two = json!(["status=503 path=projects", {"rows-lost": true, "rate": "0.5"}]).to_string();
    let added = json!({"added": ["status=503 path=projects", "rows-lost rate=0.5"]});
    assert_eq!(call(sandbox, "POST", "faults/", &two), (201, added));
    let reply = send(sandbox, "owner", "GET", "/api/customers/", "").reply();
    assert!(reply.text().contains("Sign in"));
    let (_, faults) = call(sandbox, "GET", "faults", "");
    assert_eq!(faults["faults"][0], json!({"fault": "html times=0", "struck": 1}));
    assert_eq!(faults["faults"].as_array().unwrap().len(), 3);
    assert_eq!(call(sandbox, "DELETE", "faults", ""), (200, json!({"faults": []})));
    assert_eq!(send(sandbox, "owner", "GET", "/api/projects/", "").reply().status, 200);
}

#[test]
fn a_wrong_fault_keeps_out_all_and_is_explained() {
    let rig = Rig::new();
    for body in [r#"["html", "statos=500"]"#, r#"{"html": true, "rate": 7}"#, "{", "7", r#"[["html"]]"#] {
        let (status, answer) = call(&rig.sandbox, "POST", "faults", body);
        assert_eq!(status, 400, "{body}");
        assert!(answer["detail"].as_str().unwrap().len() > 20, "{answer}");
    }
    let (_, answer) = call(&rig.sandbox, "POST", "faults", r#""statos=500""#);
    assert!(answer["detail"].as_str().unwrap().contains("did you mean status?"), "{answer}");
    assert_eq!(call(&rig.sandbox, "GET", "faults", ""), (200, json!({"faults": []})));
}

#[test]
fn the_clock_can_be_read_and_set() {
    let rig = Rig::new();
    let (_, clock) = call(&rig.sandbox, "GET", "clock", "");
    assert!(clock["now"].as_str().unwrap().starts_with("2026-11-20T09:00:0"), "{clock}");
    let (status, clock) = call(&rig.sandbox, "PUT", "clock", r#"{"now": "2027-02-01T00:00:00Z"}"#);
    assert!(status == 200 && clock["now"].as_str().unwrap().starts_with("2027-02-01T00:00:0"), "{clock}");
    for wrong in
        [r#"{"now": "tomorrow"}"#, r#"{"now": 7}"#, "{}", "[]", "", r#"{"now": "-000044-03-15T00:00:00Z"}"#]
    {
        let (status, answer) = call(&rig.sandbox, "PUT", "clock", wrong);
        assert_eq!((status, answer["detail"].is_string()), (400, true), "{wrong}: {answer}");
    }
    let reply = send(&rig.sandbox, "owner", "GET", "/api/customers/", "").reply();
    assert!(reply.header("date").unwrap().starts_with("Mon, 01 Feb 2027"));
}

#[test]
fn what_is_stored_asked_and_logged_can_be_read() {
    let rig = Rig::new();
    let resource = rig.resource("benchmarks");
    let body = json!({"resource": resource, "usages": [{"type": "cpu", "amount": "1.5", "recurring": true}]});
    let path = "/api/marketplace-component-usages/set_usage/";
    assert_eq!(send(&rig.sandbox, "owner", "POST", path, &body.to_string()).reply().status, 201);
    let (_, stored) = call(&rig.sandbox, "GET", "usages", "");
    let stored = stored["usages"].as_array().unwrap();
    assert_eq!(stored.len(), rig.sandbox.usages().len());
    let row = stored.last().unwrap();
    assert_eq!((&row["resource"], &row["amount"]), (&json!(resource), &json!("1.50")));
    assert_eq!((&row["billing_period"], &row["carry_over"]), (&json!("2026-11-01"), &json!("reuse")));
    let (_, requests) = call(&rig.sandbox, "GET", "requests", "");
    let last = requests["requests"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["method"], &last["path"]), (&json!("POST"), &json!(path)));
    let (_, log) = call(&rig.sandbox, "GET", "log", "");
    assert_eq!((log["forgotten"].as_u64(), log["commits"].as_array().unwrap().len()), (Some(0), 1));
    let commit = &log["commits"][0];
    assert_eq!((&commit["path"], &commit["rows"]), (&json!(path), &json!([row])));
    assert!(commit["moment"].as_str().unwrap().starts_with("2026-11-20T09:00:0"));
    assert!(commit["account"].is_string());
}

#[test]
fn other_paths_and_methods_are_rejected() {
    let rig = Rig::new();
    for (method, name, status) in [
        ("GET", "", 404),
        ("GET", "nothing", 404),
        ("GET", "faults/1", 404),
        ("PUT", "faults", 405),
        ("POST", "clock", 405),
        ("DELETE", "log", 405),
        ("HEAD", "usages", 405),
        ("OPTIONS", "faults", 405),
    ] {
        let reply = control(&rig.sandbox, method, &format!("/sandbox/{name}"), "Host: localhost\r\n", "");
        assert_eq!(reply.status, status, "{method} {name}");
        assert_eq!(reply.header("allow").is_some(), status == 405, "{method} {name}");
    }
}

#[test]
fn pages_in_a_browser_cannot_reach_them() {
    let rig = Rig::new();
    let address = rig.sandbox.url().replace("http://", "");
    for (headers, status) in [
        (format!("Host: {address}\r\n"), 200),
        ("Host: localhost:8000\r\n".into(), 200),
        ("Host: [::1]:8000\r\n".into(), 200),
        ("Host: evil.example\r\n".into(), 403),
        ("Host: localhost.evil.example\r\n".into(), 403),
        (format!("Host: {address}\r\nOrigin: https://evil.example\r\n"), 403),
        (format!("Host: {address}\r\nOrigin: null\r\n"), 403),
        (format!("Host: {address}\r\nOrigin: http://{address}\r\n"), 403),
    ] {
        for (method, name, body) in [("GET", "log", ""), ("GET", "usages", "")] {
            let reply = control(&rig.sandbox, method, &format!("/sandbox/{name}"), &headers, body);
            assert_eq!(reply.status, status, "{headers} {name}");
        }
        let reply = control(&rig.sandbox, "POST", "/sandbox/faults", &headers, r#""html""#);
        assert_eq!(reply.status, if status == 200 { 201 } else { 403 }, "{headers}");
    }
    assert_eq!(rig.sandbox.faults().len(), 3, "one for each request that was let in");
}

#[test]
fn nothing_strikes_them_and_they_are_no_requests() {
    let faults = ["drop-before-commit", "missing-date", "truncated"].map(|spec| spec.parse().unwrap());
    let settings = Settings {
        faults: faults.to_vec(),
        latency: Duration::from_secs(20),
        model: Some("observed".parse().unwrap()),
        ..Settings::new(World::built_in())
    };
    let rig = Rig::on(settings);
    for name in ["faults", "clock", "usages", "requests", "log"] {
        let reply = control(&rig.sandbox, "GET", &format!("/sandbox/{name}"), "Host: localhost\r\n", "");
        assert_eq!(reply.status, 200, "{name}");
        assert!(reply.header("date").is_some() && reply.json().is_object(), "{name}");
    }
    assert_eq!((rig.sandbox.request_count(), rig.sandbox.requests().len()), (0, 0));
}

#[test]
fn an_invoice_is_moved_to_another_state() {
    let rig = Rig::new();
    let url = format!("{}/api/invoices/?year=2026&month=11", rig.sandbox.url());
    let first = || crate::proxy::get_json(&url, &rig.token("staff"))[0].clone();
    assert_eq!(first()["state"], "pending");
    let customer = first()["customer_details"]["uuid"].clone();
    let customer = if customer.is_null() { id_in(&first()["customer"]) } else { customer };
    let mut wanted = json!({"customer": customer, "billing_period": "2026-11", "state": "created"});
    let moved = call(&rig.sandbox, "PUT", "invoices", &wanted.to_string());
    assert_eq!(moved, (200, json!({"state": "created"})));
    let url = format!("{}/api/invoices/?year=2026&month=11&state=created", rig.sandbox.url());
    let created = crate::proxy::get_json(&url, &rig.token("staff"));
    assert_eq!(created.as_array().unwrap().len(), 1);
    wanted["billing_period"] = "2020-01".into();
    let (status, answer) = call(&rig.sandbox, "PUT", "invoices", &wanted.to_string());
    assert_eq!((status, &answer["detail"]), (400, &json!("There is no invoice of this customer and month.")));
    wanted["state"] = "lost".into();
    let (status, answer) = call(&rig.sandbox, "PUT", "invoices", &wanted.to_string());
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("Send {"), "{answer}");
}

/// The id at the end of a link.
fn id_in(link: &Value) -> Value {
    let link = link.as_str().unwrap().trim_end_matches('/');
    link.rsplit('/').next().unwrap().into()
}
