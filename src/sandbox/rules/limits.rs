//! The limits on reported amounts: `limit_amount` within `limit_period`.
//!
//! The real server's arithmetic is odd and kept: the month compares this request alone, the year and
//! the total add what is stored, the row that is about to be replaced among it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use crate::domain::Amount;
use crate::sandbox::data::{Data, UsageRow};

/// Refuses an amount that goes beyond the limit of its component.
pub(super) fn check(
    data: &Data,
    resource: usize,
    component: usize,
    amount: Amount,
    now: Timestamp,
) -> Result<(), Json> {
    let written = &data.components[component].written;
    let Some(limit) = written.limit_amount.filter(|&limit| limit > 0) else { return Ok(()) };
    let year = |moment: Timestamp| moment.to_zoned(TimeZone::UTC).year();
    let quarter = |moment: Timestamp| {
        let date = moment.to_zoned(TimeZone::UTC).date();
        (date.year(), (date.month() - 1) / 3)
    };
    let counts: Box<dyn Fn(&UsageRow) -> bool> = match written.limit_period.as_deref() {
        // The query asks for reports made at the first instant of the month, which there are none of.
        Some("month") => Box::new(|_| false),
        Some("quarterly") => Box::new(|row| quarter(row.date) == quarter(now)),
        Some("annual") => Box::new(|row| year(row.date) == year(now)),
        Some("total") => Box::new(|_| true),
        _ => return Ok(()),
    };
    let rows = data.usages.of_resource(resource).map(|(_, row)| row);
    let stored = rows.filter(|row| row.component == component && counts(row)).map(|row| row.amount);
    let total = Amount::total(stored.chain([amount])).unwrap_or(amount);
    if total > Amount::from(limit) {
        return Err(json!([format!("Total amount exceeds limit. Total amount: {total}, limit: {limit}.")]));
    }
    Ok(())
}
