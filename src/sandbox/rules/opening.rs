//! Opening the books: from the invoices as a world writes them to those that the server keeps.
//!
//! An invoice without written items gets those that its month would have: the lines of what is
//! ordered or fixed, and one for each usage, by the rule that bills a report. Their ids are made from
//! the world alone, so that they are the same however often it is opened.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use super::{billing, billing_time, invoicing};
use crate::domain::{Amount, ResourceState};
use crate::sandbox::SandboxError;
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::data::{Data, Invoice, Item};
use crate::sandbox::world;

/// Opens the books at the moment at which the clock starts.
pub(in crate::sandbox) fn open_books(
    data: &mut Data,
    behaviour: &Behaviour,
    now: Timestamp,
) -> Result<(), SandboxError> {
    data.month = billing_time::month_at(now, &behaviour.months_zone());
    let customers: HashMap<Uuid, usize> = data.customers.iter().map(|it| it.uuid).zip(0..).collect();
    for written in std::mem::take(&mut data.written_invoices) {
        let customer = customers.get(&written.customer_uuid).copied();
        let customer = customer.ok_or_else(|| missing("customer", &written.customer_uuid.as_simple()))?;
        let at = open(data, behaviour, customer, &written);
        let lines = match &written.items {
            Some(items) => items.iter().map(|item| read(data, at, item)).collect::<Result<_, _>>()?,
            None => lines_of_month(data, behaviour, at),
        };
        for line in lines {
            let (uuid, undo) = (line.uuid, &mut data.begin().invoices);
            let made = data.invoices.create_item(line, undo);
            made.map_err(|_| missing("room for the invoice item", &uuid.as_simple()))?;
        }
    }
    Ok(())
}

fn missing(thing: &'static str, name: &impl ToString) -> SandboxError {
    SandboxError::Missing { thing, uuid: name.to_string() }
}

fn open(data: &mut Data, behaviour: &Behaviour, customer: usize, written: &world::Invoice) -> usize {
    let period = written.billing_period;
    let month = billing_time::month_of(period, &behaviour.months_zone());
    let first = |moment: Timestamp| moment.to_zoned(behaviour.months_zone()).date();
    let issued: Option<Date> = if written.state.is_open() { None } else { Some(first(month.end)) };
    let key = format!("invoice {period}");
    let invoice = Invoice {
        uuid: written.uuid.unwrap_or_else(|| Uuid::new_v5(&written.customer_uuid, key.as_bytes())),
        customer,
        period,
        state: written.state,
        number: written.number.unwrap_or_else(|| data.invoices.next_number()),
        invoice_date: written.invoice_date.or(issued),
        tax_percent: written.tax_percent.unwrap_or(data.customers[customer].tax_percent),
        created: first(month.start),
        items: Vec::new(),
        price: Amount::ZERO,
    };
    data.invoices.create(invoice, &mut data.begin().invoices)
}

fn read(data: &Data, invoice: usize, written: &world::InvoiceItem) -> Result<Item, SandboxError> {
    let resource = data.resource(written.resource_uuid);
    let resource = resource.ok_or_else(|| missing("resource", &written.resource_uuid.as_simple()))?;
    let offering = data.resources[resource].offering;
    let component = data.component(offering, written.component_type.as_str());
    let plans = &data.offerings[offering].written.plans;
    let plan = plans.iter().position(|plan| plan.uuid == written.plan_uuid);
    let plan_period = written.plan_period_uuid.and_then(|uuid| data.plan_period(uuid));
    Ok(Item {
        uuid: written.uuid,
        invoice,
        resource,
        component: component.ok_or_else(|| missing("component", &written.component_type))?,
        plan: plan.ok_or_else(|| missing("plan", &written.plan_uuid.as_simple()))?,
        plan_period: plan_period.filter(|&(of, _)| of == resource).map(|(_, position)| position),
        quantity: written.quantity,
        unit_price: written.unit_price,
        unit: written.unit,
        start: written.start,
        end: written.end,
    })
}

/// The lines that the month of an invoice has by its usages, its plans and its orders.
fn lines_of_month(data: &Data, behaviour: &Behaviour, at: usize) -> Vec<Item> {
    let invoice = data.invoices.invoice(at);
    let (mut lines, mut billed) = (Vec::new(), Vec::new());
    for &resource in data.invoices.resources_of(invoice.customer) {
        lines.extend(time_lines(data, behaviour, at, resource));
        let rows = data.usages.of_resource(resource).filter(|(_, row)| row.period == invoice.period);
        billed.extend(rows);
    }
    billed.sort_by_key(|&(usage, _)| usage);
    lines.extend(billed.into_iter().filter_map(|(_, row)| billing::line_of(data, behaviour, row, at)));
    lines.into_iter().map(|line| Item { uuid: id_of(data, invoice.uuid, &line), ..line }).collect()
}

/// The lines of a resource for each plan that it had in the month.
fn time_lines(data: &Data, behaviour: &Behaviour, at: usize, resource: usize) -> Vec<Item> {
    let month = billing_time::month_of(data.invoices.invoice(at).period, &behaviour.months_zone());
    let row = &data.resources[resource];
    if row.state == ResourceState::Creating {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for period in &row.plan_periods {
        let start = period.start.map_or(month.start, |start| start.max(month.start));
        let end = period.end.map_or(month.last_instant(), |end| end.min(month.last_instant()));
        if start < end {
            let place = (at, resource, period.plan);
            lines.extend(invoicing::lines_of(data, place, start, end, &behaviour.months_zone()));
        }
    }
    lines
}

/// The id of a line, made from what tells it apart on its invoice.
fn id_of(data: &Data, invoice: Uuid, line: &Item) -> Uuid {
    let resource = data.resources[line.resource].uuid.as_simple();
    let component = &data.components[line.component].kind;
    let key = format!("{resource} {component} {} {}", line.plan, line.start);
    Uuid::new_v5(&invoice, key.as_bytes())
}
