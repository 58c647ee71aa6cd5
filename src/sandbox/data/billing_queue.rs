//! What waits to be done after a request: rows to be billed in the background, and the end of the
//! month that the server is in. Both are asked on every request, so both are cheap to ask.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::Data;
use crate::domain::BillingPeriod;

/// A month as the server's zone cuts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct MonthBounds {
    pub period: BillingPeriod,
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl MonthBounds {
    /// Whether a moment lies in the month.
    pub(in crate::sandbox) fn contains(&self, moment: Timestamp) -> bool {
        (self.start..self.end).contains(&moment)
    }

    /// The last instant of the month that the database can hold.
    pub(in crate::sandbox) fn last_instant(&self) -> Timestamp {
        self.end.checked_sub(jiff::SignedDuration::from_micros(1)).unwrap_or(self.end)
    }
}

/// The usage rows that wait to be billed, in the order in which they were written.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct BillingQueue(VecDeque<(Timestamp, usize)>);

impl BillingQueue {
    /// Adds a usage row that is to be billed at a moment.
    pub(in crate::sandbox) fn push(&mut self, due: Timestamp, usage: usize) {
        self.0.push_back((due, usage));
    }

    /// Takes the first usage row out, where it is due.
    pub(in crate::sandbox) fn pop_due(&mut self, now: Timestamp) -> Option<usize> {
        if self.is_due(now) { self.0.pop_front().map(|(_, usage)| usage) } else { None }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.0.front().is_some_and(|(due, _)| *due <= now)
    }

    /// Forgets what was added last.
    pub(super) fn forget_last(&mut self, count: usize) {
        self.0.truncate(self.0.len().saturating_sub(count));
    }
}

impl Data {
    /// Whether the clock has left the month that the server was last looked at in.
    pub(in crate::sandbox) fn month_has_turned(&self, now: Timestamp) -> bool {
        self.month.is_some_and(|month| !month.contains(now))
    }

    /// Whether there is anything that time alone brings about.
    pub(in crate::sandbox) fn is_behind(&self, now: Timestamp) -> bool {
        self.month_has_turned(now) || self.billing_queue.is_due(now)
    }
}
