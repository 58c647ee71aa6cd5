//! Making the invoice of a customer's month: what recurs is carried over into it, and what is
//! ordered or fixed gets its lines.
//!
//! The order is the real server's: the rows of the month before are copied first, and with a server
//! that bills at once the copies are billed, before the rest of the invoice is there.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{Refusal, billing_time, carry_over};
use crate::domain::{Amount, BillingPeriod, BillingType, ResourceState, times};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::data::{Data, Invoice, InvoiceState, Item, Resource, Undo, Unit};

/// What is ordered of a component without any bound.
const UNBOUNDED: &str = "-1";

/// The invoice of a customer's month, made where there is none. What is billed by time in a new one
/// is billed from `start` on.
pub(super) fn get_or_create(
    data: &mut Data,
    behaviour: &Behaviour,
    (customer, period): (usize, BillingPeriod),
    start: Timestamp,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<usize, Refusal> {
    if let Some(at) = data.invoices.of_month(customer, period) {
        return Ok(at);
    }
    let invoice = Invoice {
        uuid: data.new_uuid(),
        customer,
        period,
        state: InvoiceState::Pending,
        number: data.invoices.next_number(),
        invoice_date: None,
        tax_percent: data.customers[customer].tax_percent,
        created: now.to_zoned(behaviour.months_zone()).date().first_of_month(),
        items: Vec::new(),
        price: Amount::ZERO,
    };
    let at = data.invoices.create(invoice, &mut undo.invoices);
    carry_over::carry_over(data, behaviour, (customer, period), now, undo)?;
    register(data, behaviour, at, start, undo)?;
    Ok(at)
}

/// Adds the lines of what is ordered or fixed for the resources of an invoice's customer.
fn register(
    data: &mut Data,
    behaviour: &Behaviour,
    invoice: usize,
    start: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let (customer, period) = (data.invoices.invoice(invoice).customer, data.invoices.invoice(invoice).period);
    let month = billing_time::month_of(period, &behaviour.months_zone());
    let start = start.clamp(month.start, month.last_instant());
    let mut lines = Vec::new();
    for &resource in data.invoices.resources_of(customer) {
        let row = &data.resources[resource];
        if let (true, Some(plan)) = (is_billed_by_time(row), row.plan) {
            lines.extend(lines_of(
                data,
                (invoice, resource, plan),
                start,
                month.last_instant(),
                &behaviour.months_zone(),
            ));
        }
    }
    for line in lines {
        let line = Item { uuid: data.new_uuid(), ..line };
        data.invoices.create_item(line, &mut undo.invoices).map_err(|_| Refusal::Broken)?;
    }
    Ok(())
}

/// Whether a resource is there to be paid for: not before it is made, and not when it is gone.
fn is_billed_by_time(resource: &Resource) -> bool {
    match resource.state {
        ResourceState::Creating | ResourceState::Terminated => false,
        ResourceState::Ok
        | ResourceState::Erred
        | ResourceState::Updating
        | ResourceState::Terminating
        | ResourceState::Other(_) => true,
    }
}

/// The lines that a resource has under a plan for a stretch of time, without ids: one for each
/// fixed component, and one for each limit that is ordered by the month or the year.
pub(super) fn lines_of(
    data: &Data,
    (invoice, resource, plan): (usize, usize, usize),
    start: Timestamp,
    end: Timestamp,
    zone: &TimeZone,
) -> Vec<Item> {
    let row = &data.resources[resource];
    let written = &data.offerings[row.offering].written.plans[plan];
    let unit = Unit::of_plan(&written.unit);
    let line = |component: usize| {
        let component_row = &data.components[component].written;
        let price = *written.prices.get(&component_row.kind)?;
        let (quantity, unit_price) = match component_row.billing_type {
            BillingType::Fixed => {
                let amount = written.amounts.get(&component_row.kind).copied().unwrap_or(0);
                let unit_price = times(price, i64::from(amount))?;
                (billing_time::units(unit, start, end, zone), unit_price)
            }
            BillingType::Limit if component_row.limit_period.as_deref() != Some("total") => {
                (ordered(row, component_row.kind.as_str(), unit, start, end)?, price)
            }
            BillingType::Limit
            | BillingType::Usage
            | BillingType::OneTime
            | BillingType::OnPlanSwitch
            | BillingType::Other(_) => return None,
        };
        let uuid = Uuid::nil();
        Some(Item {
            uuid,
            invoice,
            resource,
            component,
            plan,
            plan_period: None,
            quantity,
            unit_price,
            unit,
            start,
            end,
        })
    };
    data.offerings[row.offering].components.iter().filter_map(|&component| line(component)).collect()
}

/// How much of an ordered limit is billed: all of it, and by the day so many times; `None` where
/// nothing is ordered.
fn ordered(resource: &Resource, kind: &str, unit: Unit, start: Timestamp, end: Timestamp) -> Option<Amount> {
    let written = resource.limits.get(kind)?.to_string();
    let limit = Amount::parse(written.trim_matches('"')).ok()?;
    if limit.is_zero() || written == UNBOUNDED {
        return None;
    }
    match unit {
        Unit::Day => times(limit, billing_time::full_days(start, end)),
        Unit::Month | Unit::Quarter | Unit::HalfMonth | Unit::Hour | Unit::Quantity => Some(limit),
    }
}
