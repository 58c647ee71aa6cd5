//! Moments and what lies between them.
//!
//! A moment with an offset is one everywhere; one without is of the layout's zone, or of the clock that
//! wrote it where the layout names none. The end of a record is the first moment that is no longer of it,
//! so a record that ends with its month lies in that month alone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

use crate::domain::{BillingPeriod, Exact};
use crate::parse::odd::SHOWN_ELSEWHERE;

/// Characters of a moment.
const LONGEST: usize = 40;

/// A moment as a clock of the layout's zone shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(DateTime);

/// Why a text is no moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoMoment {
    /// It is none.
    Unreadable,
    /// It has an offset, and the layout has no zone whose months are meant.
    NoZone,
}

impl Moment {
    /// Reads a moment such as `2026-11-01T00:00:00Z` or `2026-11-01 00:00`.
    pub(super) fn parse(text: &str, zone: Option<&TimeZone>) -> Result<Self, NoMoment> {
        // Wherever it is shown, an instant is one, and the zone of the layout says of which month.
        if let Some(instant) = text.strip_suffix(SHOWN_ELSEWHERE).filter(|instant| instant.len() <= LONGEST) {
            return Self::parse(&format!("{instant}Z"), zone);
        }
        let is_likely = text.len() <= LONGEST
            && text.bytes().take(4).all(|byte| byte.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+TtZz ".contains(&byte));
        if !is_likely {
            return Err(NoMoment::Unreadable);
        }
        if let Ok(moment) = text.parse::<Timestamp>() {
            let zone = zone.ok_or(NoMoment::NoZone)?;
            return Ok(Self(zone.to_datetime(moment)));
        }
        let has_offset = text.get(10..).is_some_and(|time| time.contains(['+', '-', 'Z', 'z']));
        if has_offset {
            return Err(NoMoment::Unreadable);
        }
        text.parse::<DateTime>().map(Self).map_err(|_| NoMoment::Unreadable)
    }

    /// The month that it lies in.
    pub(super) fn month(self) -> Option<BillingPeriod> {
        BillingPeriod::new(self.0.year(), self.0.month()).ok()
    }

    /// Whether a month begins with it.
    pub(super) fn begins_month(self) -> bool {
        self.0 == self.0.first_of_month().start_of_day()
    }

    /// The moment that a second later begins.
    pub(super) fn second_later(self) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().seconds(1)))
    }

    /// The months of the time from here to an end that is not of it; `None` where it ends before.
    pub(super) fn months_until(self, end: Self) -> Option<(BillingPeriod, BillingPeriod)> {
        if end < self {
            return None;
        }
        let last =
            if end == self { end } else { Self(end.0.saturating_sub(jiff::Span::new().nanoseconds(1))) };
        Some((self.month()?, last.month()?))
    }

    /// As the clock shows it.
    pub(super) fn shown(self) -> DateTime {
        self.0
    }

    /// The seconds until an end, by the clock of a zone.
    pub(super) fn seconds_until(self, end: Self, zone: Option<&TimeZone>) -> Option<Exact> {
        let zone = zone.cloned().unwrap_or(TimeZone::UTC);
        let at = |moment: Self| moment.0.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).ok();
        let nanoseconds = at(end)?.since((Unit::Nanosecond, at(self)?)).ok()?.get_nanoseconds();
        Some(Exact::of_parts(i128::from(nanoseconds), 9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text, Some(&TimeZone::UTC)).expect(text)
    }

    #[test]
    fn a_record_that_ends_with_its_month_lies_in_it_alone() {
        let months = |begin: &str, end: &str| {
            let (first, last) = at(begin).months_until(at(end))?;
            Some(format!("{first} {last}"))
        };
        assert_eq!(months("2026-11-30T23:00", "2026-12-01T00:00:00").as_deref(), Some("2026-11 2026-11"));
        assert_eq!(months("2026-11-01", "2026-12-01T00:00:01").as_deref(), Some("2026-11 2026-12"));
        assert_eq!(months("2026-12-01", "2026-12-01").as_deref(), Some("2026-12 2026-12"));
        assert_eq!(months("2026-12-01", "2026-11-01"), None);
    }

    #[test]
    fn offsets_are_carried_into_the_zone_of_the_layout() {
        let (utc, tallinn) = (TimeZone::UTC, TimeZone::get("Europe/Tallinn").unwrap());
        let month = |text: &str, zone| Moment::parse(text, zone).map(|it| it.month().unwrap().to_string());
        assert_eq!(month("2026-10-31T22:00:00Z", Some(&tallinn)), Ok("2026-11".into()));
        assert_eq!(month("2026-10-31 22:00:00+00:00", Some(&utc)), Ok("2026-10".into()));
        let shown = "2026-10-31 22:00:00 [UTC, shown elsewhere]";
        assert_eq!(month(shown, Some(&tallinn)), Ok("2026-11".into()));
        assert_eq!(month(shown, Some(&utc)), Ok("2026-10".into()));
        assert_eq!(month(shown, None), Err(NoMoment::NoZone));
        assert_eq!(month("2026-10-31 22:00:00", None), Ok("2026-10".into()));
        assert_eq!(month("2026-10-31T22:00:00Z", None), Err(NoMoment::NoZone));
        for text in
            ["", "Unknown", "2026", "2026-11", "11/01/2026", "2026-11-31", "2026-11-01T25:00", "99999999999"]
        {
            assert_eq!(month(text, None), Err(NoMoment::Unreadable), "{text}");
        }
        let begin = Moment::parse("2026-10-25T00:00:00", Some(&tallinn)).unwrap();
        let end = Moment::parse("2026-10-26T00:00:00", Some(&tallinn)).unwrap();
        assert_eq!(begin.seconds_until(end, Some(&tallinn)).unwrap().to_string(), "90000");
    }
}
