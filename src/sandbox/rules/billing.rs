//! What a written usage row does to the invoice of its month.
//!
//! Only a row that is new or whose amount changed is billed, only where it has a plan period, and
//! only where its component is billed by usage. A server of 2024 bills inside the request, on any
//! invoice, issued or not, and breaks on what an item cannot hold; a newer one bills a moment later,
//! leaves issued invoices alone and never breaks a request.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Refusal, billing_time, invoicing};
use crate::domain::{Amount, BillingType};
use crate::sandbox::behaviour::{Behaviour, Billing, RowPer};
use crate::sandbox::data::{Data, Item, Undo, Unit, UsageRow};

/// How long a row waits until it is billed in the background.
pub(super) const LAG: SignedDuration = SignedDuration::from_secs(2);

/// Bills a row that was just written, or sees to it that it will be. `before` is the amount that it
/// had, `None` where it is new.
pub(super) fn follow(
    data: &mut Data,
    behaviour: &Behaviour,
    usage: usize,
    before: Option<Amount>,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let row = data.usages.row(usage);
    if before == Some(row.amount) || !is_billed(data, row) {
        return Ok(());
    }
    match behaviour.billing {
        Billing::AtOnce => bill_at_once(data, behaviour, usage, now, undo),
        Billing::InBackground => {
            data.billing_queue.push(now.checked_add(LAG).unwrap_or(now), usage);
            undo.queued += 1;
            Ok(())
        }
    }
}

/// Bills what waits and is due.
pub(super) fn work_off(data: &mut Data, behaviour: &Behaviour, now: Timestamp) {
    while let Some(usage) = data.billing_queue.pop_due(now) {
        let mut undo = data.begin();
        // A task that fails is taken back whole, and nobody hears of it.
        if bill_later(data, behaviour, usage, now, &mut undo).is_err() {
            data.roll_back(undo);
        }
    }
}

/// Sees to it that a month whose usage stands in one row is billed by one line: lines that rows of
/// other plan periods have left count no more. They stay with a quantity of zero, as the real server
/// deletes no line when usage becomes nothing, and whoever has read a line finds it again.
pub(super) fn bill_month_once(
    data: &mut Data,
    behaviour: &Behaviour,
    usage: usize,
    is_changed: bool,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let row = data.usages.row(usage).clone();
    let mut lines: Vec<usize> = items_of_month(data, &row).map(|(at, _)| at).collect();
    match behaviour.billing {
        Billing::AtOnce => {
            let own = lines_of_row(data, behaviour, &row, &lines, is_changed);
            lines.retain(|line| !own.contains(line));
            empty(data, &lines, undo)
        }
        Billing::InBackground => {
            lines.retain(|&line| !data.invoices.item(line).quantity.is_zero());
            if lines.len() > 1 {
                data.billing_queue.push(now.checked_add(LAG).unwrap_or(now), usage);
                undo.queued += 1;
            }
            Ok(())
        }
    }
}

/// The lines, of those of its month, that bill a row. A row whose amount stays is not billed again,
/// so where it has moved to another plan period, the line of the one before bills it still.
fn lines_of_row(
    data: &Data,
    behaviour: &Behaviour,
    row: &UsageRow,
    lines: &[usize],
    is_changed: bool,
) -> Vec<usize> {
    let within = if is_billed(data, row) { items_within(data, behaviour, row) } else { Vec::new() };
    let bills_it = |line: &&usize| data.invoices.item(**line).quantity == row.amount;
    if is_changed || within.iter().any(|line| bills_it(&line)) {
        within
    } else {
        lines.iter().find(bills_it).copied().into_iter().collect()
    }
}

fn empty(data: &mut Data, lines: &[usize], undo: &mut Undo) -> Result<(), Refusal> {
    for &line in lines {
        if !data.invoices.item(line).quantity.is_zero() {
            set_quantity(data, line, Amount::ZERO, undo)?;
        }
    }
    Ok(())
}

/// Whether a row is billed at all.
fn is_billed(data: &Data, row: &UsageRow) -> bool {
    let by_usage = data.components[row.component].written.billing_type == BillingType::Usage;
    by_usage && row.plan_period.is_some()
}

fn bill_at_once(
    data: &mut Data,
    behaviour: &Behaviour,
    usage: usize,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let row = data.usages.row(usage).clone();
    match items_within(data, behaviour, &row)[..] {
        [item] => set_quantity(data, item, row.amount, undo),
        [] if price_of(data, &row).is_none() => Ok(()),
        [] => {
            let place = (customer_of(data, &row), row.period);
            let invoice = invoicing::get_or_create(data, behaviour, place, row.date, now, undo)?;
            // Making the invoice may have written this very row again and billed it. The real server
            // goes on with the amount it was told, and so there are two lines then.
            add(data, behaviour, &row, invoice, undo)
        }
        // The server asks for the one item of the row and breaks where there are several.
        [_, _, ..] => Err(Refusal::Broken),
    }
}

fn bill_later(
    data: &mut Data,
    behaviour: &Behaviour,
    usage: usize,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let row = data.usages.row(usage).clone();
    if data.usages.is_deleted(usage) || !is_billed(data, &row) {
        return Ok(());
    }
    let start = billing_time::month_of(row.period, &behaviour.months_zone()).start;
    let place = (customer_of(data, &row), row.period);
    let invoice = invoicing::get_or_create(data, behaviour, place, start, now, undo)?;
    if !data.invoice_is_open(place.0, place.1) {
        return Ok(());
    }
    let Some(item) = item_of_row(data, behaviour, &row) else {
        return add(data, behaviour, &row, invoice, undo);
    };
    if behaviour.rows == RowPer::Month {
        // The row stands for the whole month, so no other line of it may count.
        let others: Vec<usize> =
            items_of_month(data, &row).map(|(at, _)| at).filter(|at| *at != item).collect();
        empty(data, &others, undo)?;
    }
    set_quantity(data, item, row.amount, undo)
}

fn customer_of(data: &Data, row: &UsageRow) -> usize {
    data.customer_of(&data.resources[row.resource])
}

/// The items of a row's resource, component and month.
fn items_of_month<'a>(data: &'a Data, row: &UsageRow) -> impl Iterator<Item = (usize, &'a Item)> {
    let (component, period) = (row.component, row.period);
    data.invoices.items_of(row.resource).filter(move |(_, item)| {
        item.component == component && data.invoices.invoice(item.invoice).period == period
    })
}

/// The items that lie within the plan period of a row, as a server that bills at once finds them.
fn items_within(data: &Data, behaviour: &Behaviour, row: &UsageRow) -> Vec<usize> {
    let (start, end) = plan_period_bounds(data, behaviour, row);
    let within = items_of_month(data, row).filter(|(_, item)| item.start >= start && item.end <= end);
    within.map(|(at, _)| at).collect()
}

/// When the plan period of a row begins and ends; where that is open, with the month.
fn plan_period_bounds(data: &Data, behaviour: &Behaviour, row: &UsageRow) -> (Timestamp, Timestamp) {
    let month = billing_time::month_of(row.period, &behaviour.months_zone());
    let period = row.plan_period.map(|at| &data.resources[row.resource].plan_periods[at]);
    let start = period.and_then(|period| period.start).unwrap_or(month.start);
    let end = period.and_then(|period| period.end).unwrap_or_else(|| month.last_instant());
    (start, end)
}

/// The item of a row, found by what tells the rows of a month apart.
fn item_of_row(data: &Data, behaviour: &Behaviour, row: &UsageRow) -> Option<usize> {
    let plan = |period: Option<usize>| period.map(|at| data.resources[row.resource].plan_periods[at].plan);
    let is_of_row = |item: &Item| match behaviour.rows {
        RowPer::PlanPeriod => item.plan_period == row.plan_period,
        RowPer::Month => true,
        RowPer::PlanAndMonth => plan(item.plan_period) == plan(row.plan_period),
    };
    items_of_month(data, row).find(|(_, item)| is_of_row(item)).map(|(at, _)| at)
}

/// What a unit costs under the plan that a row is billed under.
fn price_of(data: &Data, row: &UsageRow) -> Option<Amount> {
    let resource = &data.resources[row.resource];
    let plan = resource.plan_periods[row.plan_period?].plan;
    let prices = &data.offerings[resource.offering].written.plans[plan].prices;
    prices.get(&data.components[row.component].kind).copied()
}

/// The line of a row, without an id; `None` where the server does not bill it.
pub(super) fn line_of(data: &Data, behaviour: &Behaviour, row: &UsageRow, invoice: usize) -> Option<Item> {
    if !is_billed(data, row) {
        return None;
    }
    let unit_price = match behaviour.billing {
        Billing::AtOnce => price_of(data, row)?,
        Billing::InBackground => price_of(data, row).unwrap_or_default(),
    };
    let resource = &data.resources[row.resource];
    let of_period = resource.plan_periods[row.plan_period?].plan;
    let plan = match behaviour.billing {
        // The details tell the resource's plan of today, not the one that the price is of.
        Billing::AtOnce => resource.plan.unwrap_or(of_period),
        Billing::InBackground => of_period,
    };
    let month = billing_time::month_of(row.period, &behaviour.months_zone());
    let (start, end) = plan_period_bounds(data, behaviour, row);
    Some(Item {
        uuid: Uuid::nil(),
        invoice,
        resource: row.resource,
        component: row.component,
        plan,
        plan_period: row.plan_period,
        quantity: row.amount,
        unit_price,
        unit: Unit::Quantity,
        start: start.max(month.start),
        end: end.min(month.last_instant()),
    })
}

fn add(
    data: &mut Data,
    behaviour: &Behaviour,
    row: &UsageRow,
    invoice: usize,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let Some(line) = line_of(data, behaviour, row, invoice) else { return Ok(()) };
    check_room(row.amount)?;
    let line = Item { uuid: data.new_uuid(), ..line };
    data.invoices.create_item(line, &mut undo.invoices).map(|_| ()).map_err(|_| Refusal::Broken)
}

fn set_quantity(data: &mut Data, item: usize, quantity: Amount, undo: &mut Undo) -> Result<(), Refusal> {
    check_room(quantity)?;
    data.invoices.set_quantity(item, quantity, &mut undo.invoices).map_err(|_| Refusal::Broken)
}

/// An item holds twelve digits before the point.
fn check_room(quantity: Amount) -> Result<(), Refusal> {
    let room = Amount::parse("1e12").unwrap_or_default();
    let below = Amount::ZERO.checked_sub(room).unwrap_or_default();
    if quantity < room && quantity > below { Ok(()) } else { Err(Refusal::Broken) }
}
