//! Ids, moments, months and amounts as the API spells them.
//!
//! A page of a list has a thousand of them and more, so they are written byte by byte where the
//! spelling is the usual one; they read exactly as their `Serialize` would write them.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::domain::{Amount, BillingPeriod};

/// A uuid as the API writes it: 32 digits.
pub(super) struct Id(pub Uuid);

impl Id {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut text = [b'"'; 34];
        self.0.as_simple().encode_lower(&mut text[1..33]);
        out.extend_from_slice(&text);
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

/// A moment as the API writes it: microseconds, all six digits, only where there are any.
pub(super) struct Moment(pub Timestamp);

impl Moment {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let time = Offset::UTC.to_datetime(self.0);
        let nanoseconds = time.subsec_nanosecond().unsigned_abs();
        let Ok(year) = u32::try_from(time.year()) else { return json(out, self) };
        if !nanoseconds.is_multiple_of(1000) {
            return json(out, self);
        }
        let mut text = *b"\"0000-00-00T00:00:00.000000Z\"";
        fill(&mut text[1..5], year);
        let parts = [time.month(), time.day(), time.hour(), time.minute(), time.second()];
        for (at, part) in parts.into_iter().enumerate() {
            fill(&mut text[6 + 3 * at..8 + 3 * at], u32::from(part.unsigned_abs()));
        }
        if nanoseconds == 0 {
            out.extend_from_slice(&text[..20]);
            out.extend_from_slice(b"Z\"");
        } else {
            fill(&mut text[21..27], nanoseconds / 1000);
            out.extend_from_slice(&text);
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.subsec_microsecond() == 0 && self.0.subsec_millisecond() == 0 {
            serializer.collect_str(&self.0)
        } else {
            serializer.collect_str(&format_args!("{:.6}", self.0))
        }
    }
}

/// Writes the first day of a month.
pub(super) fn first_day(out: &mut Vec<u8>, period: BillingPeriod) {
    let mut text = *b"\"0000-00-01\"";
    // Years of billing periods have four digits.
    fill(&mut text[1..5], u32::from(period.year().unsigned_abs()));
    fill(&mut text[6..8], u32::from(period.month().unsigned_abs()));
    out.extend_from_slice(&text);
}

/// Writes an amount, which the API shows as a text.
pub(super) fn amount(out: &mut Vec<u8>, amount: Amount) {
    out.push(b'"');
    out.extend_from_slice(amount.text().as_bytes());
    out.push(b'"');
}

/// Writes a value as JSON.
pub(super) fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory cannot fail, and no value here has keys that are not texts.
    let _ = serde_json::to_writer(out, value);
}

/// Fills a place with the last digits of a number.
#[inline]
fn fill(place: &mut [u8], mut number: u32) {
    for byte in place.iter_mut().rev() {
        *byte = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn moment(text: &str) -> String {
        bytes(|out| Moment(text.parse().unwrap()).write(out))
    }

    #[test]
    fn moments_have_six_digits_of_microseconds_or_none() {
        assert_eq!(moment("2026-11-23T02:45:09Z"), r#""2026-11-23T02:45:09Z""#);
        assert_eq!(moment("2026-11-23T02:45:09.5Z"), r#""2026-11-23T02:45:09.500000Z""#);
        assert_eq!(moment("1969-12-31T23:59:59.000001Z"), r#""1969-12-31T23:59:59.000001Z""#);
        assert_eq!(moment("2026-11-23T02:45:09.1234567Z"), r#""2026-11-23T02:45:09.123456Z""#);
    }

    #[test]
    fn months_are_written_as_their_first_day() {
        for period in ["1970-01", "2026-11", "9998-12"] {
            let period: BillingPeriod = period.parse().unwrap();
            assert_eq!(bytes(|out| first_day(out, period)), format!("\"{}\"", period.first_day()));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_by_digits_is_what_would_be_serialised(
            id in any::<u128>(),
            second in Timestamp::MIN.as_second()..Timestamp::MAX.as_second(),
            nanosecond in prop_oneof![
                Just(0), 0..1_000_000_000, (0..1_000).prop_map(|it| it * 1_000_000), (0..1_000_000).prop_map(|it| it * 1_000)
            ],
            whole in -10_i64.pow(15)..10_i64.pow(15),
            fraction in prop_oneof![Just(String::new()), "\\.[0-9]{1,10}"],
        ) {
            let id = Id(Uuid::from_u128(id));
            prop_assert_eq!(bytes(|out| id.write(out)), serde_json::to_string(&id).unwrap());
            let moment = Moment(Timestamp::new(second, nanosecond).unwrap());
            prop_assert_eq!(bytes(|out| moment.write(out)), serde_json::to_string(&moment).unwrap());
            let figure = Amount::parse(&format!("{whole}{fraction}")).unwrap();
            prop_assert_eq!(bytes(|out| amount(out, figure)), serde_json::to_string(&figure).unwrap());
        }
    }
}
