//! The control paths, all under `/sandbox/`: faults, clock, what is stored, what was asked, the log.
//!
//! They are for those who run the sandbox, not for its clients: no token is asked for, nothing of the
//! real server's manners is kept, and no fault, latency or model ever touches them. They change what
//! goes wrong, when it is and the states of invoices, never what is reported.

mod guard;
mod invoices;
mod shapes;

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::http::Request as HttpRequest;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::api::Answer;
use super::faults::Fault;
use super::server::Server;
use crate::domain::BillingPeriod;

/// Bytes of a body beyond which a request is refused.
const LARGEST_BODY: usize = 1024 * 1024;
const PREFIX: &str = "/sandbox/";

/// Whether a path is a control path; their own root is one without its last slash too.
pub(super) fn concerns(path: &str) -> bool {
    path.starts_with(PREFIX) || path == PREFIX.trim_end_matches('/')
}

/// What a control path is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Faults,
    Clock,
    Invoices,
    Usages,
    Requests,
    Log,
}

const SUBJECTS: [(&str, Subject, &str); 6] = [
    ("faults", Subject::Faults, "GET, POST, DELETE"),
    ("clock", Subject::Clock, "GET, PUT"),
    ("invoices", Subject::Invoices, "GET, PUT"),
    ("usages", Subject::Usages, "GET"),
    ("requests", Subject::Requests, "GET"),
    ("log", Subject::Log, "GET"),
];

/// Answers a request to a control path.
pub(super) async fn answer(server: &Server, peer: SocketAddr, request: HttpRequest<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    if let Some(objection) = guard::objection(server.address, peer, &parts.headers) {
        return detail(403, objection);
    }
    let name = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default().trim_end_matches('/');
    let Some(&(_, subject, methods)) = SUBJECTS.iter().find(|(own, ..)| *own == name) else {
        let paths = SUBJECTS.map(|(name, ..)| format!("{PREFIX}{name}")).join(", ");
        return detail(404, &format!("The control paths are {paths}."));
    };
    if !methods.split(", ").any(|method| method == parts.method.as_str()) {
        return detail(405, &format!("{PREFIX}{name} takes {methods}.")).with("Allow", methods);
    }
    let outcome = match (subject, parts.method.as_str()) {
        (Subject::Faults, "POST") => json_body(body).await.and_then(|json| add(server, &json)),
        (Subject::Faults, "DELETE") => {
            server.watch.clear();
            Ok((200, bytes(&faults(server))))
        }
        (Subject::Faults, _) => Ok((200, bytes(&faults(server)))),
        (Subject::Clock, "PUT") => json_body(body).await.and_then(|json| set(server, &json)),
        (Subject::Clock, _) => Ok((200, bytes(&clock(server)))),
        (Subject::Invoices, "PUT") => json_body(body).await.and_then(|json| invoices::move_one(server, json)),
        (Subject::Invoices, _) => Ok((200, bytes(&invoices::list(&server.state)))),
        (Subject::Usages, _) => Ok((200, shapes::usages(&server.state))),
        (Subject::Requests, _) => Ok((200, bytes(&shapes::requests(&server.watch.seen())))),
        (Subject::Log, _) => Ok((200, bytes(&shapes::log(&server.state.commits)))),
    };
    outcome.map_or_else(|wrong| detail(wrong.status, &wrong.detail), |(status, body)| written(status, body))
}

fn detail(status: u16, detail: &str) -> Answer {
    value(status, &json!({"detail": detail}))
}

fn value(status: u16, json: &Json) -> Answer {
    written(status, bytes(json))
}

fn bytes(json: &Json) -> Vec<u8> {
    json.to_string().into_bytes()
}

fn written(status: u16, body: Vec<u8>) -> Answer {
    let headers = vec![("Content-Type", "application/json".to_owned())];
    Answer { status, headers, body, ..Answer::default() }
}

async fn json_body(body: Body) -> Result<Json, Wrong> {
    let bytes = to_bytes(body, LARGEST_BODY).await.map_err(|_| "The body is too large or broken.")?;
    Ok(serde_json::from_slice(&bytes).map_err(|error| format!("The body is not JSON: {error}."))?)
}

/// Why a request is rejected, with the status that says so; 400 where nothing else is said.
#[derive(Debug)]
struct Wrong {
    status: u16,
    detail: String,
}

impl From<String> for Wrong {
    fn from(detail: String) -> Self {
        Self { status: 400, detail }
    }
}

impl From<&str> for Wrong {
    fn from(detail: &str) -> Self {
        detail.to_owned().into()
    }
}

/// A status and the body of an answer, or what was wrong with the request.
type Outcome = Result<(u16, Vec<u8>), Wrong>;

/// Adds a fault or a list of them; one that is wrong keeps out all.
fn add(server: &Server, json: &Json) -> Outcome {
    let specs = match json {
        Json::Array(specs) => specs.as_slice(),
        one => std::slice::from_ref(one),
    };
    let read = |spec| Fault::from_json(spec).map_err(|error| format!("{error}. {}.", error.hint()));
    let faults = specs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let added: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for fault in faults {
        server.watch.inject(fault);
    }
    Ok((201, bytes(&json!({"added": added}))))
}

fn faults(server: &Server) -> Json {
    let faults = server.watch.faults();
    let faults = faults.iter().map(|(fault, struck)| json!({"fault": fault.to_string(), "struck": struck}));
    json!({"faults": faults.collect::<Vec<_>>()})
}

fn clock(server: &Server) -> Json {
    json!({"now": server.state.clock.now().to_string()})
}

fn set(server: &Server, json: &Json) -> Outcome {
    let example = "Send {\"now\": \"2026-11-20T09:00:00Z\"}.";
    let now = json.get("now").and_then(Json::as_str).ok_or(example)?;
    let now: Timestamp = now.parse().map_err(|error| format!("{now:?} is no moment: {error}. {example}"))?;
    // Outside of these years there is no month to report for.
    BillingPeriod::of(now).map_err(|_| "The year has to be from 1970 to 9998.")?;
    server.state.set_clock(now).map_err(|error| format!("{error}."))?;
    Ok((200, bytes(&clock(server))))
}
