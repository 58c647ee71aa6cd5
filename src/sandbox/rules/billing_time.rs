//! Months as the server's zone cuts them, and how much of a plan's price a stretch of time costs.
//!
//! The shares of a month are rounded up to hundredths before they are multiplied, as on the real
//! server; whole months are one, however many days they have.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use crate::domain::{Amount, BillingPeriod};
use crate::sandbox::data::{MonthBounds, Unit};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A month in a zone.
pub(in crate::sandbox) fn month_of(period: BillingPeriod, zone: &TimeZone) -> MonthBounds {
    let first = |period: BillingPeriod| {
        let date = jiff::civil::Date::new(period.year(), period.month(), 1);
        date.and_then(|date| date.to_zoned(zone.clone())).map_or(Timestamp::MAX, |first| first.timestamp())
    };
    MonthBounds { period, start: first(period), end: first(period.next()) }
}

/// The month in a zone that a moment lies in; `None` where that is no billing period.
pub(in crate::sandbox) fn month_at(moment: Timestamp, zone: &TimeZone) -> Option<MonthBounds> {
    let date = moment.to_zoned(zone.clone()).date();
    BillingPeriod::new(date.year(), date.month()).ok().map(|period| month_of(period, zone))
}

/// The month before.
pub(super) fn month_before(period: BillingPeriod) -> Option<BillingPeriod> {
    let (year, month) = match period.month() {
        1 => (period.year() - 1, 12),
        month => (period.year(), month - 1),
    };
    BillingPeriod::new(year, month).ok()
}

/// How many units a stretch of time has; its end is its last instant.
pub(super) fn units(unit: Unit, start: Timestamp, end: Timestamp, zone: &TimeZone) -> Amount {
    let (first, last) = (start.to_zoned(zone.clone()), end.to_zoned(zone.clone()));
    let hundredths = match unit {
        Unit::Hour => 100 * begun(start, end, HOUR),
        Unit::Day => 100 * begun(start, end, DAY),
        Unit::HalfMonth => half_months(&first, &last),
        Unit::Quarter => 100,
        Unit::Month | Unit::Quantity => months(&first, &last),
    };
    Amount::parse(&format!("{}.{:02}", hundredths / 100, hundredths % 100)).unwrap_or_default()
}

/// The days of a stretch of time, the last one counted as a whole one.
pub(in crate::sandbox) fn full_days(start: Timestamp, end: Timestamp) -> i64 {
    begun(start, end, DAY)
}

/// How many units of a length have begun.
fn begun(start: Timestamp, end: Timestamp, length: SignedDuration) -> i64 {
    let passed = end.duration_since(start).max(SignedDuration::ZERO);
    let whole = passed.as_secs() / length.as_secs();
    let is_exact = passed.as_secs() % length.as_secs() == 0 && passed.subsec_nanos() == 0;
    whole + i64::from(!is_exact)
}

fn months(first: &Zoned, last: &Zoned) -> i64 {
    let days = i64::from(first.days_in_month());
    if first.day() == 1 && i64::from(last.day()) == days {
        return 100;
    }
    let passed = last.timestamp().duration_since(first.timestamp()).max(SignedDuration::ZERO);
    rounded_up(100 * (passed.as_secs() / DAY.as_secs() + 1), days)
}

fn half_months(first: &Zoned, last: &Zoned) -> i64 {
    let days = i64::from(first.days_in_month());
    let (first, last) = (i64::from(first.day()), i64::from(last.day()));
    match (first, last) {
        (1, 15) => 100,
        (16, last) if last == days => 100,
        (1, last) if last == days => 200,
        (1, last) if last > 15 => 100 + rounded_up(200 * (last - 15), days),
        (first, last) if first < 16 && last == days => 100 + rounded_up(200 * (16 - first), days),
        (first, last) => rounded_up(200 * (last - first + 1).max(0), days),
    }
}

fn rounded_up(dividend: i64, divisor: i64) -> i64 {
    dividend / divisor + i64::from(dividend % divisor > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(unit: Unit, start: &str, end: &str) -> String {
        units(unit, start.parse().unwrap(), end.parse().unwrap(), &TimeZone::UTC).to_string()
    }

    #[test]
    fn a_share_of_a_month_is_rounded_up_to_hundredths() {
        let end = "2026-11-30T23:59:59.999999Z";
        for (unit, start, end, wanted) in [
            (Unit::Month, "2026-11-01T00:00:00Z", end, "1.00"),
            // Eight days of thirty.
            (Unit::Month, "2026-11-23T02:49:27Z", end, "0.27"),
            (Unit::HalfMonth, "2026-11-01T00:00:00Z", end, "2.00"),
            (Unit::HalfMonth, "2026-11-16T00:00:00Z", end, "1.00"),
            (Unit::HalfMonth, "2026-11-10T00:00:00Z", end, "1.40"),
            (Unit::HalfMonth, "2026-11-01T00:00:00Z", "2026-11-20T08:00:00Z", "1.34"),
            (Unit::Day, "2026-11-23T02:49:27Z", end, "8.00"),
            (Unit::Hour, "2026-11-30T22:00:00Z", end, "2.00"),
        ] {
            assert_eq!(share(unit, start, end), wanted, "{unit:?} {start} {end}");
        }
    }

    #[test]
    fn months_turn_in_the_zone_of_the_server() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let month = month_at("2026-10-31T22:30:00Z".parse().unwrap(), &zone).unwrap();
        assert_eq!(month.period.to_string(), "2026-11");
        assert_eq!(month.start.to_string(), "2026-10-31T22:00:00Z");
        assert_eq!(month.last_instant().to_string(), "2026-11-30T21:59:59.999999Z");
    }
}
