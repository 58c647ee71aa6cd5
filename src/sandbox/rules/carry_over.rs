//! What the months after a report hold where nothing is reported.
//!
//! It is written when an invoice is made, whoever makes it: the turn of the month, or the first post
//! that bills. A server with `recurring` writes the recurring rows again, over a report that is there
//! already; one with a policy never touches a report.

use jiff::Timestamp;

use super::{Refusal, billing, billing_time};
use crate::domain::{Amount, BillingPeriod, CarryOver, ResourceState};
use crate::sandbox::behaviour::{Behaviour, CarryOverField, RowPer};
use crate::sandbox::data::{Data, Undo, UsageRow};

/// Carries the rows of a customer over into the month of a moment, as the invoice of a month is made.
/// A policy speaks only when that is the invoice of the same month; `recurring` whichever it is.
pub(super) fn carry_over(
    data: &mut Data,
    behaviour: &Behaviour,
    (customer, invoiced): (usize, BillingPeriod),
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let Some(month) = billing_time::month_at(now, &behaviour.months_zone()) else { return Ok(()) };
    let Some(before) = billing_time::month_before(month.period) else { return Ok(()) };
    if behaviour.carry_over == CarryOverField::Policy && invoiced != month.period {
        return Ok(());
    }
    for row in rows_to_carry(data, behaviour, customer, before) {
        let row = UsageRow { period: month.period, date: now, created: now, modified_by: None, ..row };
        match behaviour.carry_over {
            CarryOverField::Recurring => write_over(data, behaviour, row, now, undo)?,
            CarryOverField::Policy => fill_in(data, behaviour, row, now, undo)?,
        }
    }
    Ok(())
}

/// The rows as they are before any of them is written again, oldest first.
fn rows_to_carry(
    data: &Data,
    behaviour: &Behaviour,
    customer: usize,
    before: BillingPeriod,
) -> Vec<UsageRow> {
    let mut found: Vec<(usize, &UsageRow)> = Vec::new();
    for &resource in data.invoices.resources_of(customer) {
        if data.resources[resource].state == ResourceState::Terminated {
            continue;
        }
        found.extend(data.usages.of_resource(resource).filter(|(_, row)| match behaviour.carry_over {
            // The real query has no upper end, so rows of this month are among them.
            CarryOverField::Recurring => row.carry_over == CarryOver::Reuse && row.period >= before,
            CarryOverField::Policy => row.carry_over != CarryOver::None && row.period == before,
        }));
    }
    found.sort_by_key(|&(at, _)| at);
    found.into_iter().map(|(_, row)| row.clone()).collect()
}

/// Writes a row over the one that the month has already, or as a new one. Who reported last stays.
fn write_over(
    data: &mut Data,
    behaviour: &Behaviour,
    row: UsageRow,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let is_it = |(_, stored): &(usize, &UsageRow)| {
        behaviour.rows == RowPer::Month || stored.plan_period == row.plan_period
    };
    let found = same_month(data, &row).find(is_it).map(|(at, stored)| (at, stored.amount));
    let Some((at, amount)) = found else {
        return create(data, behaviour, row, now, undo);
    };
    data.usages.update(at, undo, |stored| {
        stored.amount = row.amount;
        stored.date = row.date;
        stored.description = row.description;
        stored.carry_over = row.carry_over;
    });
    billing::follow(data, behaviour, at, Some(amount), now, undo)
}

/// What is stored of a row's resource and component in its month.
fn same_month<'a>(data: &'a Data, row: &UsageRow) -> impl Iterator<Item = (usize, &'a UsageRow)> {
    let (component, period) = (row.component, row.period);
    let rows = data.usages.of_resource(row.resource);
    rows.filter(move |(_, stored)| stored.component == component && stored.period == period)
}

/// Writes what a policy says, where the month has nothing yet.
fn fill_in(
    data: &mut Data,
    behaviour: &Behaviour,
    row: UsageRow,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    if same_month(data, &row).next().is_some() {
        return Ok(());
    }
    let amount = match row.carry_over {
        CarryOver::Zero => Amount::ZERO,
        CarryOver::Reuse | CarryOver::None => row.amount,
    };
    let plan_period = plan_period_at(data, &row, now);
    create(data, behaviour, UsageRow { plan_period, amount, ..row }, now, undo)
}

/// The plan period that a carried row is billed under: its own while that lasts, else the one that
/// is in effect.
fn plan_period_at(data: &Data, row: &UsageRow, now: Timestamp) -> Option<usize> {
    let periods = &data.resources[row.resource].plan_periods;
    let own = row.plan_period.filter(|&at| periods[at].contains(now));
    own.or_else(|| periods.iter().position(|period| period.contains(now))).or(row.plan_period)
}

fn create(
    data: &mut Data,
    behaviour: &Behaviour,
    row: UsageRow,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let row = UsageRow { uuid: data.new_uuid(), ..row };
    let at = data.usages.create(row, undo);
    billing::follow(data, behaviour, at, None, now, undo)
}
