//! The memory of what was asked: the latest requests, each with what became of it.
//!
//! Requests are remembered before anybody is known to have a token, so nobody may fill the machine
//! with them: their number, the bytes of each and the bytes of all have a bound, and the oldest go.
//! A token is never among what is remembered.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// How many requests are remembered; older ones are only counted.
const REMEMBERED: usize = 20_000;
/// How many bytes all of them may take.
const REMEMBERED_BYTES: usize = 32 * 1024 * 1024;
/// How many bytes of a body are remembered.
const REMEMBERED_BODY: usize = 64 * 1024;
/// How many bytes of a path with its query are remembered.
const REMEMBERED_PATH: usize = 2 * 1024;
/// How many bytes of a method are remembered; no method that anybody knows is longer.
const REMEMBERED_METHOD: usize = 32;

/// A request as it came in, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// The method.
    pub method: String,
    /// Path and query; of very long ones only the beginning.
    pub path: String,
    /// The body as text; of a very long one only the beginning.
    pub body: String,
    /// When it came, by the sandbox's own clock; `None` for an instant, until it is known.
    pub moment: Option<Timestamp>,
    /// The user name of whose token it carried; `None` where it is nobody's.
    pub account: Option<String>,
    /// The status that it was answered with; `None` where the connection was closed without an
    /// answer, and as long as there is none.
    pub status: Option<u16>,
    /// The names of the faults that struck it.
    pub faults: Vec<&'static str>,
}

impl SeenRequest {
    pub(in crate::sandbox) fn new(method: &str, path: String, body: &[u8]) -> Self {
        let kept = &body[..body.len().min(REMEMBERED_BODY)];
        Self {
            method: method.to_owned(),
            path,
            body: String::from_utf8_lossy(kept).into_owned(),
            moment: None,
            account: None,
            status: None,
            faults: Vec::new(),
        }
    }

    /// What it takes to remember it.
    fn bytes(&self) -> usize {
        let account = self.account.as_ref().map_or(0, String::capacity);
        let faults = self.faults.capacity() * size_of::<&str>();
        size_of::<Self>()
            + self.method.capacity()
            + self.path.capacity()
            + self.body.capacity()
            + account
            + faults
    }
}

/// The requests that are remembered, oldest first.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Requests>);

#[derive(Debug, Default)]
struct Requests {
    kept: VecDeque<SeenRequest>,
    bytes: usize,
    /// How many are forgotten: what a place counts from.
    forgotten: u64,
}

/// Which request of a run it is, from 0.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place(u64);

impl Memory {
    /// Remembers a request and says which one it is.
    pub(super) fn add(&self, mut request: SeenRequest) -> Place {
        cut(&mut request.path, REMEMBERED_PATH);
        cut(&mut request.method, REMEMBERED_METHOD);
        // Text that stands for broken bytes can be three times as long as they were.
        cut(&mut request.body, REMEMBERED_BODY);
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.bytes += request.bytes();
        requests.kept.push_back(request);
        let place = requests.forgotten + u64::try_from(requests.kept.len() - 1).unwrap_or_default();
        requests.forget();
        Place(place)
    }

    /// Adds what is known of a request later, where it is remembered still.
    pub(super) fn complete(&self, place: Place, change: impl FnOnce(&mut SeenRequest)) {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = place.0.checked_sub(requests.forgotten).and_then(|at| usize::try_from(at).ok());
        let Some(request) = at.and_then(|at| requests.kept.get_mut(at)) else { return };
        let before = request.bytes();
        change(request);
        let after = request.bytes();
        requests.bytes = (requests.bytes + after).saturating_sub(before);
        requests.forget();
    }

    /// The requests that are remembered.
    pub(super) fn seen(&self) -> Vec<SeenRequest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kept.iter().cloned().collect()
    }
}

impl Requests {
    fn forget(&mut self) {
        while self.kept.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
            self.forgotten += 1;
        }
    }
}

/// Cuts a text to so many bytes, or a few less where a character would be cut in two.
fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_has_a_bound() {
        let memory = Memory::default();
        let broken = vec![0xff; 10 * REMEMBERED_BODY];
        let path = format!("/api/{}", "é".repeat(REMEMBERED_PATH));
        let mut last = Place::default();
        for _ in 0..2_000 {
            last = memory.add(SeenRequest::new(&"X".repeat(1_000), path.clone(), &broken));
        }
        let seen = memory.seen();
        assert!(seen.iter().map(SeenRequest::bytes).sum::<usize>() <= REMEMBERED_BYTES);
        assert!((100..2_000).contains(&seen.len()), "{}", seen.len());
        assert!(
            seen.iter().all(|it| it.path.len() <= REMEMBERED_PATH && it.method.len() <= REMEMBERED_METHOD)
        );
        memory.complete(last, |request| request.status = Some(200));
        memory.complete(Place(0), |request| request.status = Some(500));
        let statuses: Vec<_> = memory.seen().into_iter().filter_map(|request| request.status).collect();
        assert_eq!(statuses, [200], "a request that is forgotten is not completed");
        assert_eq!(memory.seen().last().unwrap().status, Some(200));
    }

    #[test]
    fn small_requests_are_bound_by_their_number() {
        let memory = Memory::default();
        for number in 0..REMEMBERED + 5 {
            memory.add(SeenRequest::new("GET", format!("/{number}"), b""));
        }
        let seen = memory.seen();
        assert_eq!((seen.len(), seen[0].path.as_str()), (REMEMBERED, "/5"));
    }
}
