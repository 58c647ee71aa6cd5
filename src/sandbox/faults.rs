//! Faults for tests to inject, and the memory of what was asked.
//!
//! A fault is tied to requests by method and path; the first one that is due strikes. It never
//! changes what the rules say, only whether and how the answer reaches the client.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many requests are remembered; older ones are only counted.
const REMEMBERED: usize = 20_000;
/// How many bytes of a body are remembered.
const REMEMBERED_BODY: usize = 64 * 1024;

/// What goes wrong with which requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The method of the requests that are struck, such as `POST`.
    pub method: String,
    /// A part of their path with its query; empty strikes every path.
    pub path_contains: String,
    /// How many such requests are let through first.
    pub skip: usize,
    /// How many are struck then.
    pub times: usize,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It is answered with a status, a body and a content type, and is not carried out.
    Status(u16, String, String),
    /// The connection is closed without an answer; nothing is stored.
    DropBeforeCommit,
    /// It is carried out, then the connection is closed without an answer.
    DropAfterCommit,
    /// It is held for a while, then carried out.
    Delay(Duration),
}

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body as text; of a very long one only the beginning.
    pub body: String,
}

impl SeenRequest {
    pub(super) fn new(method: &str, path: String, body: &[u8]) -> Self {
        let kept = &body[..body.len().min(REMEMBERED_BODY)];
        Self { method: method.to_owned(), path, body: String::from_utf8_lossy(kept).into_owned() }
    }
}

/// The faults that wait, and the requests that came.
#[derive(Debug, Default)]
pub(super) struct Watch {
    faults: Mutex<Vec<Fault>>,
    seen: Mutex<VecDeque<SeenRequest>>,
}

impl Watch {
    pub(super) fn inject(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Remembers a request and says what is to go wrong with it.
    pub(super) fn observe(&self, request: SeenRequest) -> Option<FaultKind> {
        let kind = self.strike(&request.method, &request.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(request);
        kind
    }

    fn strike(&self, method: &str, path: &str) -> Option<FaultKind> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        for fault in faults.iter_mut() {
            if fault.times == 0 || fault.method != method || !path.contains(&fault.path_contains) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            return Some(fault.kind.clone());
        }
        None
    }

    pub(super) fn seen(&self) -> Vec<SeenRequest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
