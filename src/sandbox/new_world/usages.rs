//! What was used: skewed amounts, and dates that partly tie as they do on a real server.
//!
//! What was reported carries microseconds and hardly ever ties; what was carried over from the month
//! before was written at the turn of the month, all at one moment.

use jiff::{SignedDuration, Timestamp};

use super::chance::roll;
use super::people::REPORTER;
use super::{NewWorld, id};
use crate::domain::{Amount, BillingPeriod};
use crate::sandbox::world::Usage;

/// One report of so many was carried over, has a description, or is of nothing.
const CARRIED_EVERY: u64 = 4;
const DESCRIBED_EVERY: u64 = 20;
const IDLE_EVERY: u64 = 25;
/// Few resources use most of everything.
const WEIGHTS: [u64; 8] = [10, 20, 40, 60, 100, 160, 400, 1_500];
/// Reports come in the last two days of their month.
const LAST_DAYS: u64 = 2 * 24 * 60 * 60 * 1_000_000;

impl NewWorld {
    /// All usages of a resource, oldest month first.
    pub(super) fn usages(&self, number: u32) -> Vec<Usage> {
        self.months.iter().flat_map(|&month| self.usages_of_month(number, month)).collect()
    }

    /// The report of a resource and a month: all its components.
    pub(super) fn usages_of_month(&self, number: u32, month: BillingPeriod) -> Vec<Usage> {
        let key = u32::try_from(i32::from(month.year()) * 12 + i32::from(month.month())).unwrap_or_default();
        let is_carried = roll("carried", number, key).is_multiple_of(CARRIED_EVERY);
        let is_described = !is_carried && roll("described", number, key).is_multiple_of(DESCRIBED_EVERY);
        let usages = (0_u32..).zip(self.sorts()).map(|(place, sort)| {
            let date = if is_carried { month.start() } else { reported_at(month, number, key, place) };
            Usage {
                uuid: id("usage", format!("{number}/{month}/{place}")),
                resource_uuid: id("resource", number),
                amount: amount(number, key, place, sort.middling),
                component_type: sort.component_type,
                billing_period: month,
                date,
                created: date,
                plan_period_uuid: Some(id("plan period", format!("{number}/0"))),
                description: if is_described { "from the accounting system".into() } else { String::new() },
                recurring: is_carried,
                missing_usage_policy: None,
                modified_by: (!is_carried).then_some(REPORTER),
            }
        });
        usages.collect()
    }
}

/// A moment before the end of the month; the components of one report follow each other closely.
fn reported_at(month: BillingPeriod, number: u32, key: u32, place: u32) -> Timestamp {
    let before = 1_000_000 + roll("reported", number, key) % LAST_DAYS;
    let before = i64::try_from(before).unwrap_or_default() - i64::from(place) * 1_713;
    month.end().checked_sub(SignedDuration::from_micros(before)).unwrap_or_else(|_| month.start())
}

/// The size of the resource, a little up or down from month to month.
fn amount(number: u32, key: u32, place: u32, middling: u64) -> Amount {
    if roll("idle", number, place).is_multiple_of(IDLE_EVERY) {
        return Amount::ZERO;
    }
    let weight = usize::try_from(roll("weight", number, place) % 8).unwrap_or_default();
    let percent = 70 + roll("month", number, key * 128 + place) % 61;
    let hundredths = middling * WEIGHTS[weight] * percent / 10_000;
    Amount::parse(&format!("{}.{:02}", hundredths / 100, hundredths % 100)).unwrap_or_default()
}
