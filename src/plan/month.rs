//! How a post is kept in its month.
//!
//! A server that takes a `date` from the account is told one that lies in the month in every time
//! zone, so a wrong guess about its clock ends in its refusal and never in another month. Any other
//! server books into the month that its own clock shows, in its own zone: the recorded one of 2024 in
//! UTC, later ones in a zone that no server tells. There the clock decides, and near a turn, or while
//! any zone on earth would be in another month, nothing is sent. A past month is reported by a plan
//! that was made for it, and always with a date.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::{BillingPeriod, Role};
use crate::resolve::Capabilities;

use super::document::Header;

/// How near to the turn of the month nothing is sent.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);
/// How far behind the server's clock a `date` is, which must not lie in its future.
const BEHIND: SignedDuration = SignedDuration::from_mins(1);
/// The zones furthest behind and ahead of UTC.
const FURTHEST_BEHIND: SignedDuration = SignedDuration::from_hours(12);
const FURTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(14);

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
    /// The month has not begun, or not everywhere.
    #[error("{wanted} is still to come: the server books into {current} now")]
    Future {
        /// The month of the plan.
        wanted: BillingPeriod,
        /// The month of the server's clock.
        current: BillingPeriod,
    },
    /// The month turned while the server was read, so that what was read is of two months.
    #[error("the month turned from {before} to {now} while the server was read")]
    Turned {
        /// The month of the first answers.
        before: BillingPeriod,
        /// The month of the last one.
        now: BillingPeriod,
    },
    /// A past month, and no moment of it can be named that is safe.
    #[error(
        "no moment of {wanted} can be named that lies in it in every zone and after the resource was made"
    )]
    NoMoment {
        /// The month of the plan.
        wanted: BillingPeriod,
    },
    /// The month turns, or has just turned.
    #[error("the server's clock, {now:.0}, is within 10 minutes of the turn of the month")]
    Turning {
        /// The server's clock.
        now: Timestamp,
    },
    /// Which month the server is in depends on its zone, which is not known.
    #[error("the server's zone is not known, and at {now:.0} it may be in {wanted} or in another month")]
    UnknownZone {
        /// The month of the plan.
        wanted: BillingPeriod,
        /// The server's clock.
        now: Timestamp,
    },
    /// The server's clock shows no month that can be billed.
    #[error("the server's clock shows {now:.0}")]
    NoMonth {
        /// The server's clock.
        now: Timestamp,
    },
}

/// Where the months of a server turn.
#[derive(Debug, Clone, PartialEq)]
pub enum BillingClock {
    /// At midnight in this zone.
    Zone(TimeZone),
    /// At midnight in a zone that is not known.
    Unknown,
}

impl BillingClock {
    /// What is known of a server.
    pub fn of(capabilities: &Capabilities) -> Self {
        if capabilities.books_in_utc.value {
            return Self::Zone(TimeZone::UTC);
        }
        let zone = capabilities.time_zone.value.as_deref().and_then(|name| TimeZone::get(name).ok());
        zone.map_or(Self::Unknown, Self::Zone)
    }

    /// The zone in which months turn, as far as that is known; UTC where it is not.
    pub fn zone(&self) -> TimeZone {
        match self {
            Self::Zone(zone) => zone.clone(),
            Self::Unknown => TimeZone::UTC,
        }
    }

    /// The month that the server is in, as far as that is known; in UTC where it is not.
    pub fn month(&self, now: Timestamp) -> Result<BillingPeriod, MonthRefusal> {
        BillingPeriod::of_in(now, &self.zone()).map_err(|_| MonthRefusal::NoMonth { now })
    }

    /// Refuses a month that the server may not be in now.
    fn guard(&self, period: BillingPeriod, now: Timestamp) -> Result<(), MonthRefusal> {
        let current = self.month(now)?;
        let near = |turn: Timestamp| now.duration_since(turn).abs() < MARGIN;
        match self {
            Self::Zone(zone) => {
                if near(current.start_in(zone)) || near(current.next().start_in(zone)) {
                    Err(MonthRefusal::Turning { now })
                } else if current != period {
                    Err(MonthRefusal::Other { wanted: period, current })
                } else {
                    Ok(())
                }
            }
            Self::Unknown => {
                let is_there = |shift: Result<Timestamp, jiff::Error>| {
                    shift.ok().and_then(|local| BillingPeriod::of(local).ok()) == Some(period)
                };
                let behind = is_there(now.checked_sub(FURTHEST_BEHIND).and_then(|it| it.checked_sub(MARGIN)));
                let ahead = is_there(now.checked_add(FURTHEST_AHEAD).and_then(|it| it.checked_add(MARGIN)));
                match (behind, ahead) {
                    (true, true) => Ok(()),
                    (false, false) if current != period => {
                        Err(MonthRefusal::Other { wanted: period, current })
                    }
                    _ => Err(MonthRefusal::UnknownZone { wanted: period, now }),
                }
            }
        }
    }
}

/// How the posts of a plan are kept in its month.
#[derive(Debug, Clone, PartialEq)]
pub struct MonthRule {
    period: BillingPeriod,
    /// Whether the month was over when the plan was made, and is reported all the same.
    is_past: bool,
    /// Whether the server takes a `date` from this account.
    takes_date: bool,
    clock: BillingClock,
}

impl MonthRule {
    /// The rule for a plan.
    pub fn of(header: &Header) -> Self {
        let may_date = matches!(header.account.role, Role::Staff | Role::ProviderOwner);
        Self {
            period: header.period,
            is_past: header.is_past(),
            takes_date: header.capabilities.takes_date.value && may_date,
            clock: BillingClock::of(&header.capabilities),
        }
    }

    /// The `date` to send with a post that leaves now, for a resource that was created then; `None`
    /// where none is sent and the server's own clock has been found to be in the month.
    pub fn date(
        &self,
        now: Timestamp,
        created: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, MonthRefusal> {
        let date = if self.takes_date { self.safe_date(now, created) } else { None };
        match date {
            Some(date) => Ok(Some(date)),
            // Without a date the amount would go into the month of the server's clock.
            None if self.is_past => Err(MonthRefusal::NoMoment { wanted: self.period }),
            None => self.clock.guard(self.period, now).map(|()| None),
        }
    }

    /// The latest moment that is past for the server and lies in the month in every zone: not before
    /// the 1st, 12:00 UTC, and not after the last day, 06:00 UTC.
    fn safe_date(&self, now: Timestamp, created: Option<Timestamp>) -> Option<Timestamp> {
        let first = self.period.start().checked_add(FURTHEST_BEHIND).ok()?;
        let last = last_safe_moment(self.period)?;
        let latest = now.checked_sub(BEHIND).ok()?.min(last);
        let earliest = created.map_or(first, |created| created.max(first));
        let is_current = || {
            self.clock.month(now).is_ok_and(|current| current == self.period)
                || BillingPeriod::of(now).is_ok_and(|current| current == self.period)
        };
        // Another month is never posted to by a date, but for a plan that says so row by row.
        let is_in_reach = self.is_past || is_current();
        (is_in_reach && earliest <= latest).then_some(latest)
    }
}

/// The last moment of a month that lies in it in every zone: its last day, 06:00 UTC.
pub(super) fn last_safe_moment(period: BillingPeriod) -> Option<Timestamp> {
    let last = Date::new(period.year(), period.month(), 1).ok()?.last_of_month();
    Some(last.at(6, 0, 0, 0).to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(takes_date: bool, clock: BillingClock) -> MonthRule {
        MonthRule { period: "2026-11".parse().unwrap(), is_past: false, takes_date, clock }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn utc() -> BillingClock {
        BillingClock::Zone(TimeZone::UTC)
    }

    #[test]
    fn a_server_in_utc_takes_its_own_month_and_not_at_its_turn() {
        let verdict = |now: &str| rule(false, utc()).date(at(now), None);
        assert_eq!(verdict("2026-11-20T09:00:00Z"), Ok(None));
        assert_eq!(verdict("2026-11-01T00:10:00Z"), Ok(None));
        assert_eq!(verdict("2026-11-30T23:50:00Z"), Ok(None));
        assert!(matches!(verdict("2026-11-01T00:09:59Z"), Err(MonthRefusal::Turning { .. })));
        assert!(matches!(verdict("2026-11-30T23:50:01Z"), Err(MonthRefusal::Turning { .. })));
        assert!(matches!(verdict("2026-12-01T00:00:00Z"), Err(MonthRefusal::Turning { .. })));
        assert!(matches!(verdict("2026-12-02T00:00:00Z"), Err(MonthRefusal::Other { .. })));
    }

    #[test]
    fn a_zone_that_is_not_known_is_waited_for() {
        let verdict = |now: &str| rule(false, BillingClock::Unknown).date(at(now), None);
        assert_eq!(verdict("2026-11-20T09:00:00Z"), Ok(None));
        for now in ["2026-11-30T22:30:00Z", "2026-11-30T10:00:00Z", "2026-11-01T11:59:00Z"] {
            assert!(matches!(verdict(now), Err(MonthRefusal::UnknownZone { .. })), "{now}");
        }
        assert_eq!(verdict("2026-11-30T09:40:00Z"), Ok(None));
        assert_eq!(verdict("2026-11-01T12:20:00Z"), Ok(None));
        assert!(matches!(verdict("2026-12-05T00:00:00Z"), Err(MonthRefusal::Other { .. })));
    }

    #[test]
    fn a_zone_that_is_known_turns_its_own_months() {
        let tallinn = BillingClock::Zone(TimeZone::get("Europe/Tallinn").unwrap());
        let verdict = |now: &str| rule(false, tallinn.clone()).date(at(now), None);
        assert_eq!(verdict("2026-11-30T21:00:00Z"), Ok(None));
        assert!(matches!(verdict("2026-11-30T22:05:00Z"), Err(MonthRefusal::Turning { .. })));
        assert!(matches!(verdict("2026-11-30T22:30:00Z"), Err(MonthRefusal::Other { .. })));
        assert_eq!(verdict("2026-10-31T22:30:00Z"), Ok(None));
    }

    #[test]
    fn a_date_lies_in_the_past_and_in_the_month() {
        let date = |now: &str, created: Option<&str>| {
            let date = rule(true, BillingClock::Unknown).date(at(now), created.map(at));
            date.map(|date| date.map(|date| date.to_string()))
        };
        assert_eq!(date("2026-11-20T09:00:00Z", None), Ok(Some("2026-11-20T08:59:00Z".into())));
        assert_eq!(date("2026-11-30T22:30:00Z", None), Ok(Some("2026-11-30T06:00:00Z".into())));
        // Before the 1st, 12:00, there is no such moment, nor before a resource was there.
        assert!(date("2026-11-01T11:00:00Z", None).is_err());
        assert!(date("2026-11-30T22:30:00Z", Some("2026-11-30T20:00:00Z")).is_err());
        assert_eq!(date("2026-11-20T09:00:00Z", Some("2026-11-20T08:59:30Z")), Ok(None));
        assert!(date("2026-12-05T00:00:00Z", None).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Whatever the server's zone and moment, a post that leaves lands in the month of its plan.
        #[test]
        fn no_post_leaves_for_another_month(
            seconds in 1_767_225_600_i64..1_830_297_600,
            offset in -12_i8..=14,
            guess in prop::option::of(-12_i8..=14),
            months_off in -1_i32..=1,
            takes_date: bool,
            is_right: bool,
            plans_past: bool,
        ) {
            let zone = |offset| TimeZone::fixed(jiff::tz::Offset::from_hours(offset).unwrap());
            let now = Timestamp::from_second(seconds).unwrap();
            // What is known of the zone is right, or not known; a date forgives even a wrong guess.
            let known = if is_right { Some(offset) } else if takes_date { guess } else { None };
            let clock = known.map_or(BillingClock::Unknown, |offset| BillingClock::Zone(zone(offset)));
            let current = BillingPeriod::of(now).unwrap();
            let period = match months_off {
                -1 => BillingPeriod::of(current.start().checked_sub(SignedDuration::from_hours(1)).unwrap()).unwrap(),
                0 => current,
                _ => current.next(),
            };
            let rule = MonthRule { period, is_past: months_off == -1 && plans_past, takes_date, clock };
            let server = zone(offset);
            match rule.date(now, None) {
                Ok(Some(date)) => {
                    prop_assert_eq!(BillingPeriod::of_in(date, &server).unwrap(), period);
                    prop_assert!(date < now);
                }
                Ok(None) if !takes_date || is_right || guess.is_none() => {
                    prop_assert_eq!(BillingPeriod::of_in(now, &server).unwrap(), period);
                }
                Ok(None) | Err(_) => {}
            }
        }
    }
}
