//! What tests can do with a running sandbox: turn its clock, let requests fail, look at its rows.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Fault, FaultKind, Sandbox, SandboxError, Settings, World, start};

/// The id of a resource of the built-in world.
fn resource(name: &str) -> String {
    let world = World::built_in();
    let resource = world.resources.iter().find(|resource| resource.name == name).unwrap();
    resource.uuid.as_simple().to_string()
}

fn settings() -> Settings {
    Settings::new(World::built_in())
}

/// Sends one request on a connection of its own; `None` where it is closed without an answer.
fn send(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    let token = &sandbox.tokens()["owner"];
    let head = format!("{method} /api/{path} HTTP/1.1\r\nHost: here\r\nConnection: close");
    let fields = format!("Authorization: Token {token}\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{head}\r\n{fields}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Ok(_) if !answer.is_empty() => Some(answer),
        _ => None,
    }
}

fn report(sandbox: &Sandbox, amount: &str) -> Option<String> {
    let resource = resource("benchmarks");
    let body = format!(r#"{{"resource":"{resource}","usages":[{{"type":"cpu","amount":"{amount}"}}]}}"#);
    send(sandbox, "POST", "marketplace-component-usages/set_usage/", &body)
}

fn stored(sandbox: &Sandbox) -> Option<String> {
    let resource = resource("benchmarks");
    let usages = sandbox.usages();
    let of_month = usages.into_iter().filter(|usage| usage.period.to_string() == "2026-11");
    of_month
        .filter(|usage| usage.resource.to_string() == resource)
        .map(|usage| usage.amount.to_string())
        .next()
}

fn fault(kind: FaultKind) -> Fault {
    Fault { method: "POST".into(), path_contains: "set_usage".into(), skip: 1, times: 1, ..Fault::new(kind) }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_loopback_is_listened_on() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let refused = start(Settings { listen, ..settings() }).await;
    assert!(matches!(refused, Err(SandboxError::NotLoopback(address)) if address == listen));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_stamps_answers_and_makes_the_month() {
    let sandbox = start(settings()).await.unwrap();
    let answer = send(&sandbox, "GET", "users/me/?field=username", "").unwrap();
    assert!(answer.contains("\r\nDate: Fri, 20 Nov 2026 09:00:0"), "{answer}");
    sandbox.set_now("2026-12-01T00:00:00Z".parse().unwrap());
    let answer = report(&sandbox, "1").unwrap();
    assert!(answer.contains("\r\nDate: Tue, 01 Dec 2026 00:00:0"), "{answer}");
    assert_eq!(stored(&sandbox), None);
    assert_eq!(sandbox.usages().last().unwrap().period.to_string(), "2026-12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_answer_may_or_may_not_be_stored() {
    for (kind, is_stored) in [(FaultKind::DropBeforeCommit, false), (FaultKind::DropAfterCommit, true)] {
        let sandbox = start(settings()).await.unwrap();
        sandbox.inject(fault(kind));
        assert!(report(&sandbox, "1").is_some());
        assert_eq!(report(&sandbox, "2"), None);
        assert_eq!(stored(&sandbox).as_deref(), Some(if is_stored { "2.00" } else { "1.00" }));
        assert!(report(&sandbox, "3").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_can_stand_for_an_answer() {
    let sandbox = start(settings()).await.unwrap();
    let kind = FaultKind::Status(502, "<h1>Bad Gateway</h1>".into(), "text/html".into());
    sandbox.inject(Fault { skip: 0, ..fault(kind) });
    let answer = report(&sandbox, "1").unwrap();
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("\r\nContent-Type: text/html\r\n"));
    assert!(answer.ends_with("<h1>Bad Gateway</h1>"));
    assert_eq!(stored(&sandbox), None);
    let seen = sandbox.requests();
    assert_eq!((seen.len(), sandbox.request_count()), (1, 1));
    assert_eq!(seen[0].path, "/api/marketplace-component-usages/set_usage/");
    assert!(seen[0].body.contains(r#""amount":"1""#));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_sandbox_listens_no_more() {
    let sandbox = start(Settings { latency: Duration::from_millis(5), ..settings() }).await.unwrap();
    let address = sandbox.url().trim_start_matches("http://").to_owned();
    assert!(send(&sandbox, "GET", "users/me/?field=username", "").is_some());
    drop(sandbox);
    for _ in 0..200 {
        if TcpStream::connect(&address).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{address} still listens");
}
