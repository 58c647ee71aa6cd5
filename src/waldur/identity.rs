//! Who answers: a sandbox names its world with every answer, a real server does not.
//!
//! One run speaks to one server. A port that changes hands in the middle of a run, as a tunnel that
//! comes up does, would turn a rehearsal into the real thing; so the first answer settles who it is,
//! and once another one contradicts, nothing more is sent.

use std::sync::{Mutex, PoisonError};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::domain::SandboxWorld;

/// The header in which a sandbox names its world.
const HEADER: &str = "x-waldur-sandbox";

/// Who answered, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Nobody,
    One(Option<SandboxWorld>),
    Two { before: Option<SandboxWorld>, now: Option<SandboxWorld> },
}

/// Remembers who answers.
#[derive(Debug)]
pub(super) struct Identity(Mutex<Known>);

/// Two servers answered; what each was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contradiction {
    pub before: String,
    pub now: String,
}

impl Identity {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Known::Nobody))
    }

    /// Takes note of an answer. Only what was asked for counts: a gateway's own word about a server
    /// that is away says nothing of which server that is.
    pub(super) fn learn(&self, status: StatusCode, headers: &HeaderMap) {
        if !status.is_success() {
            return;
        }
        let now = headers.get(HEADER).map(|value| SandboxWorld::from_header(value.as_bytes()));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = match std::mem::replace(&mut *known, Known::Nobody) {
            Known::Nobody => Known::One(now),
            Known::One(before) if before == now => Known::One(before),
            Known::One(before) => Known::Two { before, now },
            two @ Known::Two { .. } => two,
        };
    }

    /// The world of the sandbox that answered; `None` for a real server, and before the first answer.
    pub(super) fn sandbox(&self) -> Option<SandboxWorld> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Known::One(sandbox) => sandbox.clone(),
            Known::Nobody | Known::Two { .. } => None,
        }
    }

    /// An error once two servers have answered.
    pub(super) fn settled(&self) -> Result<(), Contradiction> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Known::Nobody | Known::One(_) => Ok(()),
            Known::Two { before, now } => {
                Err(Contradiction { before: called(before.as_ref()), now: called(now.as_ref()) })
            }
        }
    }
}

fn called(sandbox: Option<&SandboxWorld>) -> String {
    sandbox.map_or_else(|| "no sandbox".to_owned(), |world| format!("a sandbox with world {world}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(world: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(world) = world {
            headers.insert(HEADER, reqwest::header::HeaderValue::from_static(world));
        }
        headers
    }

    #[test]
    fn the_first_answer_settles_who_it_is_and_a_gateway_settles_nothing() {
        let identity = Identity::new();
        identity.learn(StatusCode::BAD_GATEWAY, &headers(None));
        identity.learn(StatusCode::OK, &headers(Some("a")));
        identity.learn(StatusCode::SERVICE_UNAVAILABLE, &headers(None));
        assert_eq!(identity.sandbox(), Some(SandboxWorld::from_header(b"a")));
        assert_eq!(identity.settled(), Ok(()));
    }

    #[test]
    fn a_second_server_is_never_forgiven() {
        for (first, second) in [(Some("a"), None), (None, Some("a")), (Some("a"), Some("b"))] {
            let identity = Identity::new();
            identity.learn(StatusCode::OK, &headers(first));
            identity.learn(StatusCode::CREATED, &headers(second));
            identity.learn(StatusCode::OK, &headers(first));
            assert!(identity.settled().is_err(), "{first:?}, {second:?}");
        }
    }
}
