//! The control paths of the sandbox: what they do, to whom, and that nothing strikes them.

use std::time::Duration;

use serde_json::{Value, json};
use waldur_usage::sandbox::{Behaviour, RowPer, Sandbox, Settings, World};

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
        ("POST", "invoices", 405),
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
    assert_eq!(status, 404);
    assert!(answer["detail"].as_str().unwrap().starts_with("There is no invoice of this customer and month"));
    wanted["state"] = "lost".into();
    let (status, answer) = call(&rig.sandbox, "PUT", "invoices", &wanted.to_string());
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("Send {"), "{answer}");
}

/// The id at the end of a link.
fn id_in(link: &Value) -> Value {
    let link = link.as_str().unwrap().trim_end_matches('/');
    link.rsplit('/').next().unwrap().into()
}

#[test]
fn the_invoices_can_be_found_that_can_be_moved() {
    let rig = Rig::new();
    let list = || call(&rig.sandbox, "GET", "invoices", "").1["invoices"].as_array().unwrap().clone();
    let invoices = list();
    let url = format!("{}/api/invoices/?page_size=300", rig.sandbox.url());
    let of_api = crate::proxy::get_json(&url, &rig.token("staff")).as_array().unwrap().len();
    assert!(of_api > 0 && invoices.len() == of_api, "{of_api} {invoices:?}");
    let first = invoices.iter().find(|invoice| invoice["state"] == "pending").unwrap();
    assert!(first["customer_name"].is_string() && first["number"].is_u64(), "{first}");
    let mut wanted = first.clone();
    wanted["state"] = "paid".into();
    // What the list tells is what the path takes.
    assert_eq!(call(&rig.sandbox, "PUT", "invoices", &wanted.to_string()).0, 200);
    assert!(list().contains(&wanted), "{:?}", list());
}

#[test]
fn their_root_answers_with_and_without_its_last_slash() {
    let rig = Rig::new();
    let answers = ["/sandbox", "/sandbox/"].map(|path| {
        let reply = control(&rig.sandbox, "GET", path, "Host: localhost\r\n", "");
        (reply.status, reply.json())
    });
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].1["detail"].as_str().unwrap().contains("/sandbox/faults"));
    assert_eq!(rig.sandbox.request_count(), 0);
}

#[test]
fn nobody_comes_in_through_a_proxy() {
    let rig = Rig::new();
    for header in
        ["X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1", "Via: 1.1 x"]
    {
        let headers = format!("Host: localhost\r\n{header}\r\n");
        let reply = control(&rig.sandbox, "GET", "/sandbox/usages", &headers, "");
        assert_eq!(reply.status, 403, "{header}");
    }
}

#[test]
fn a_request_is_remembered_with_what_became_of_it() {
    let rig = Rig::new();
    for spec in ["status=503 times=1", "drop-after-commit skip=1 times=1", "missing-date skip=1 times=1"] {
        rig.sandbox.inject(spec.parse().unwrap());
    }
    for _ in 0..3 {
        let _ = send(&rig.sandbox, "owner", "GET", "/api/customers/", "");
    }
    let nobody = format!(
        "GET /api/customers/ HTTP/1.1\r\nHost: x\r\nAuthorization: Token {}\r\nConnection: close\r\n\r\n",
        "0".repeat(40)
    );
    let address = rig.sandbox.url().replace("http://", "");
    exchange(&address, nobody.as_bytes(), Duration::from_secs(5)).reply();
    let (_, requests) = call(&rig.sandbox, "GET", "requests", "");
    let requests = requests["requests"].as_array().unwrap().clone();
    let told: Vec<Value> =
        requests.iter().map(|it| json!([it["account"], it["status"], it["faults"]])).collect();
    assert_eq!(
        told,
        [
            json!(["owner", 503, ["status"]]),
            json!(["owner", 200, ["missing-date"]]),
            json!(["owner", null, ["drop-after-commit"]]),
            json!([null, 401, []]),
        ]
    );
    assert!(requests.iter().all(|it| it["moment"].as_str().unwrap().starts_with("2026-11-20T09:00:")));
    assert!(!json!(requests).to_string().contains(&rig.token("owner")));
}

#[test]
fn rows_that_were_deleted_are_gone_and_in_the_log() {
    let behaviour = Behaviour { rows: RowPer::Month, ..Behaviour::dialect_2024() };
    let mut world = serde_json::to_value(World::built_in()).unwrap();
    let resources = world["resources"].as_array().unwrap().iter();
    let resource = resources.clone().find(|resource| resource["name"] == "flame-les").unwrap().clone();
    let rows = world["usages"].as_array_mut().unwrap();
    let is_it = |row: &&Value| row["resource_uuid"] == resource["uuid"] && row["type"] == "cpu";
    let in_november = |row: &&Value| row["billing_period"].as_str().unwrap().starts_with("2026-11");
    let mut row = rows.iter().filter(is_it).find(in_november).unwrap().clone();
    // November has a row of the other plan period too, as an older server leaves them.
    let periods = resource["plan_periods"].as_array().unwrap();
    let other = periods.iter().find(|other| other["uuid"] != row["plan_period_uuid"]).unwrap();
    row["plan_period_uuid"] = other["uuid"].clone();
    row["uuid"] = format!("{:032}", 7).into();
    rows.push(row);
    let world: World = serde_json::from_value(world).unwrap();
    let rig = Rig::on(Settings { behaviour, ..Settings::new(world) });
    let stored = || call(&rig.sandbox, "GET", "usages", "").1["usages"].as_array().unwrap().clone();
    let before = stored().len();
    let body = json!({"resource": resource["uuid"], "usages": [{"type": "cpu", "amount": "9"}]}).to_string();
    let path = "/api/marketplace-component-usages/set_usage/";
    assert_eq!(send(&rig.sandbox, "owner", "POST", path, &body).reply().status, 201);
    let ids: Vec<Value> = stored().iter().map(|row| row["uuid"].clone()).collect();
    let (_, log) = call(&rig.sandbox, "GET", "log", "");
    let deleted = log["commits"][0]["deleted"].as_array().unwrap();
    assert!(!deleted.is_empty() && deleted.iter().all(|id| !ids.contains(id)), "{log}");
    assert_eq!(stored().len() + deleted.len(), before);
}

#[test]
fn a_fault_that_is_misspelt_elsewhere_than_in_its_name_is_told_no_names() {
    let rig = Rig::new();
    let detail = |body: &str| call(&rig.sandbox, "POST", "faults", body).1["detail"].to_string();
    assert!(!detail(r#""html rate=20%""#).contains("untied-order"));
    assert!(detail(r#""htmls""#).contains("untied-order"));
}
