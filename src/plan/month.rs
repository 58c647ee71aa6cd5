//! Whether a month may be posted to now.
//!
//! `set_usage` names no month: the server books into the one that its own clock shows. So the clock
//! decides, and near the turn nothing is sent, because nobody knows which side a request falls on.

use jiff::{SignedDuration, Timestamp};

use crate::domain::BillingPeriod;

/// How near to the turn of the month nothing is sent.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// Why a month cannot be posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MonthRefusal {
    /// The server would book into another month.
    #[error("the plan is for {wanted}, and the server books into {current} now")]
    Other {
        /// The month of the plan.
        wanted: BillingPeriod,
        /// The month of the server's clock.
        current: BillingPeriod,
    },
    /// The month turns, or has just turned.
    #[error("the server's clock, {now}, is within 10 minutes of the turn of the month")]
    Turning {
        /// The server's clock.
        now: Timestamp,
    },
    /// The server's clock shows no month that can be billed.
    #[error("the server's clock shows {now}")]
    NoMonth {
        /// The server's clock.
        now: Timestamp,
    },
}

/// Refuses a month that the server's clock does not allow.
pub fn guard_month(period: BillingPeriod, now: Timestamp) -> Result<(), MonthRefusal> {
    let current = BillingPeriod::of(now).map_err(|_| MonthRefusal::NoMonth { now })?;
    let near = |turn: Timestamp| now.duration_since(turn).abs() < MARGIN;
    if near(current.start()) || near(current.end()) {
        Err(MonthRefusal::Turning { now })
    } else if current != period {
        Err(MonthRefusal::Other { wanted: period, current })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_month_of_the_server_passes_and_not_at_its_turn() {
        let verdict = |now: &str| guard_month("2026-11".parse().unwrap(), now.parse().unwrap());
        assert_eq!(verdict("2026-11-20T09:00:00Z"), Ok(()));
        assert_eq!(verdict("2026-11-01T00:10:00Z"), Ok(()));
        assert_eq!(verdict("2026-11-30T23:50:00Z"), Ok(()));
        assert!(matches!(verdict("2026-11-01T00:09:59Z"), Err(MonthRefusal::Turning { .. })));
        assert!(matches!(verdict("2026-11-30T23:50:01Z"), Err(MonthRefusal::Turning { .. })));
        assert!(matches!(verdict("2026-12-01T00:00:00Z"), Err(MonthRefusal::Turning { .. })));
        assert!(matches!(verdict("2026-12-02T00:00:00Z"), Err(MonthRefusal::Other { .. })));
    }
}
