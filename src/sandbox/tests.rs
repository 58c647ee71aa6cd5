//! What tests can do with a running sandbox: turn its clock, let requests fail, look at its rows.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{
    AccountTokens, Behaviour, Fault, FaultKind, Listen, Sandbox, SandboxError, Settings, World, start,
};

/// The id of a resource of the built-in world.
pub(super) fn resource(name: &str) -> String {
    let world = World::built_in();
    let resource = world.resources.iter().find(|resource| resource.name == name).unwrap();
    resource.uuid.as_simple().to_string()
}

pub(super) fn settings() -> Settings {
    Settings::new(World::built_in())
}

/// Sends one request on a connection of its own; `None` where it is closed without an answer.
pub(super) fn send(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Option<String> {
    send_as(sandbox, &sandbox.tokens()["owner"], method, path, body)
}

pub(super) fn send_as(
    sandbox: &Sandbox,
    token: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Option<String> {
    let mut stream = TcpStream::connect(sandbox.url().trim_start_matches("http://")).unwrap();
    let head = format!("{method} /api/{path} HTTP/1.1\r\nHost: here\r\nConnection: close");
    let fields = format!("Authorization: Token {token}\r\nContent-Length: {}", body.len());
    stream.write_all(format!("{head}\r\n{fields}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Ok(_) if !answer.is_empty() => Some(answer),
        _ => None,
    }
}

pub(super) fn report(sandbox: &Sandbox, amount: &str) -> Option<String> {
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
async fn other_addresses_than_loopback_need_tokens_of_ones_own() {
    let address = "0.0.0.0:0".parse().unwrap();
    let refused = Listen::on_loopback(address);
    assert!(matches!(refused, Err(SandboxError::NotLoopback(refused)) if refused == address));
    let tokens = AccountTokens::parse("tokens".as_ref(), "owner = 7c0f41d2b6a94e3f8d5a1b2c3d4e5f60");
    let tokens = tokens.unwrap();
    let listen = Listen::with_tokens("127.0.0.1:0".parse().unwrap(), tokens);
    let sandbox = start(Settings { listen, ..settings() }).await.unwrap();
    assert_eq!(sandbox.tokens().len(), 1);
    assert!(send(&sandbox, "GET", "users/me/", "").unwrap().starts_with("HTTP/1.1 200 "));
    for (account, token) in World::built_in().tokens {
        let answer = send_as(&sandbox, &token, "GET", "users/me/", "").unwrap();
        assert!(answer.starts_with("HTTP/1.1 401 "), "{account}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_the_world() {
    let world = |answer: &str| {
        let line = answer.lines().find_map(|line| line.strip_prefix("X-Waldur-Sandbox: "));
        line.unwrap_or_else(|| panic!("no world in {answer}")).to_owned()
    };
    let sandbox = start(settings()).await.unwrap();
    let first = world(&send(&sandbox, "GET", "users/me/?field=username", "").unwrap());
    sandbox.inject(Fault { skip: 0, ..fault(FaultKind::Status(503, String::new(), "text/html".into())) });
    assert_eq!(world(&report(&sandbox, "1").unwrap()), first);
    assert_eq!(world(&report(&sandbox, "1").unwrap()), first);
    assert_eq!(world(&send(&sandbox, "GET", "nowhere/", "").unwrap()), first);
    let again = start(settings()).await.unwrap();
    assert_eq!(world(&send(&again, "GET", "version/", "").unwrap()), first, "the same world again");
    let mut other = World::built_in();
    other.now = "2026-11-20T09:00:01Z".parse().unwrap();
    let other = start(Settings::new(other)).await.unwrap();
    assert_ne!(world(&send(&other, "GET", "version/", "").unwrap()), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_reads_the_same_whole_and_put_together_from_all_its_fields() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2026()] {
        let sandbox = start(Settings { behaviour, ..settings() }).await.unwrap();
        let page = |query: &str| {
            let path = format!("marketplace-component-usages/?page_size=300{query}");
            let answer = send(&sandbox, "GET", &path, "").unwrap();
            answer.split_once("\r\n\r\n").unwrap().1.to_owned()
        };
        let whole = page("");
        let rows: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&whole).unwrap();
        assert!(rows.len() > 100 && rows[0].len() >= 19, "{whole}");
        let fields: Vec<&str> = rows[0].keys().map(String::as_str).collect();
        assert_eq!(page(&format!("&field={}", fields.join("&field="))), whole);
        assert_eq!(page(""), whole, "and the same again");
    }
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
