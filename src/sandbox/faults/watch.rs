//! The faults that wait, which of them strike a request, and the tokens that have expired by a fault.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::memory::{Memory, Place, SeenRequest};
use super::random::Random;
use super::strike::Strikes;
use super::{Fault, FaultKind};

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
    memory: Memory,
}

impl Watch {
    pub(in crate::sandbox) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        let faults = faults.into_iter().map(|fault| (fault, 0)).collect();
        let waiting = Waiting { faults, random: Random::seeded(seed), expired: HashSet::new() };
        Self { seed, waiting: Mutex::new(waiting), memory: Memory::default() }
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
    pub(in crate::sandbox) fn observe(
        &self,
        mut request: SeenRequest,
        authorization: Option<&str>,
    ) -> Strikes {
        let mut strikes = self.strike(&request, authorization);
        request.faults.clone_from(&strikes.names);
        strikes.place = self.memory.add(request);
        strikes
    }

    /// Adds to a request that is remembered what is known of it later.
    pub(super) fn complete(&self, place: Place, change: impl FnOnce(&mut SeenRequest)) {
        self.memory.complete(place, change);
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
        self.memory.seen()
    }
}
