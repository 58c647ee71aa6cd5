//! The faults that wait, the memory of what was asked, and the tokens that have expired by a fault.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::random::Random;
use super::strike::Strikes;
use super::{Fault, FaultKind};

/// How many requests are remembered; older ones are only counted.
const REMEMBERED: usize = 20_000;
/// How many bytes of a body are remembered.
const REMEMBERED_BODY: usize = 64 * 1024;

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
    pub(in crate::sandbox) fn new(method: &str, path: String, body: &[u8]) -> Self {
        let kept = &body[..body.len().min(REMEMBERED_BODY)];
        Self { method: method.to_owned(), path, body: String::from_utf8_lossy(kept).into_owned() }
    }
}

/// The faults that wait, with the chance that they are drawn by.
#[derive(Debug)]
struct Waiting {
    /// Each with the number of requests that it has struck.
    faults: Vec<(Fault, u64)>,
    random: Random,
    expired: HashSet<String>,
}

/// The faults that wait, and the requests that came.
#[derive(Debug)]
pub(in crate::sandbox) struct Watch {
    seed: u64,
    waiting: Mutex<Waiting>,
    seen: Mutex<VecDeque<SeenRequest>>,
}

impl Watch {
    pub(in crate::sandbox) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let faults = faults.into_iter().map(|fault| (fault, 0)).collect();
        let waiting = Waiting { faults, random: Random::seeded(seed), expired: HashSet::new() };
        Self { seed, waiting: Mutex::new(waiting), seen: Mutex::default() }
    }

    pub(in crate::sandbox) fn inject(&self, fault: Fault) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).faults.push((fault, 0));
    }

    /// Takes all faults away; expired tokens are good again.
    pub(in crate::sandbox) fn clear(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.faults.clear();
        waiting.expired.clear();
    }

    /// The faults that wait, each with the number of requests that it has struck.
    pub(in crate::sandbox) fn faults(&self) -> Vec<(Fault, u64)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).faults.clone()
    }

    /// Remembers a request and says what is to go wrong with it.
    pub(in crate::sandbox) fn observe(&self, request: SeenRequest, authorization: Option<&str>) -> Strikes {
        let strikes = self.strike(&request, authorization);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(request);
        strikes
    }

    fn strike(&self, request: &SeenRequest, authorization: Option<&str>) -> Strikes {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { faults, random, expired } = &mut *waiting;
        let mut strikes = Strikes::default();
        let mut struck = Vec::new();
        for (fault, count) in faults.iter_mut() {
            if !fault.concerns(&request.method, &request.path) || struck.contains(&fault.kind.stage()) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if !fault.rate.strikes(random) {
                continue;
            }
            if fault.times != Fault::ALWAYS {
                fault.times -= 1;
            }
            *count += 1;
            struck.push(fault.kind.stage());
            if fault.kind == FaultKind::TokenExpires {
                expired.extend(authorization.map(str::to_owned));
            }
            strikes.add(&fault.kind, self.seed);
        }
        if authorization.is_some_and(|authorization| expired.contains(authorization)) {
            strikes.quirks.token_expired = true;
        }
        strikes
    }

    pub(in crate::sandbox) fn seen(&self) -> Vec<SeenRequest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
