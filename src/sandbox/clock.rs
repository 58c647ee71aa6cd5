//! The server's own clock: it starts at a given moment and runs from there.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp, Unit};

#[derive(Debug)]
pub(super) struct Clock {
    set: Mutex<(Timestamp, Instant)>,
}

impl Clock {
    pub(super) fn starting_at(now: Timestamp) -> Self {
        Self { set: Mutex::new((now, Instant::now())) }
    }

    pub(super) fn set(&self, now: Timestamp) {
        *self.set.lock().unwrap_or_else(PoisonError::into_inner) = (now, Instant::now());
    }

    /// The moment now, in microseconds as the database stores them.
    pub(super) fn now(&self) -> Timestamp {
        let (start, since) = *self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
        let now = start.checked_add(passed).unwrap_or(Timestamp::MAX);
        now.round(Unit::Microsecond).unwrap_or(now)
    }
}
