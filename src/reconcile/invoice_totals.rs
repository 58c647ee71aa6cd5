//! What each invoice comes to, and what the file states of it.
//!
//! Usage, what is billed by time or once, credits and compensations stand apart: a credit that nets an
//! invoice down says nothing about its usage.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::{Amount, BillingPeriod, CustomerId};
use crate::plan::{InvoiceLine, InvoiceSeen};
use crate::resolve::Catalogue;

use super::judge::StatedSums;
use super::report::{InvoiceTotal, OrganisationTotal};
use super::sides::InvoiceSide;
use super::totals::add;

/// By organisation and month.
pub fn invoice_totals(
    months: &BTreeMap<BillingPeriod, InvoiceSide>,
    catalogue: &Catalogue,
    organisations: &[OrganisationTotal],
    stated: &HashMap<(usize, BillingPeriod), StatedSums>,
) -> Vec<InvoiceTotal> {
    let mut names: BTreeMap<CustomerId, &str> = BTreeMap::new();
    for resource in catalogue.resources() {
        let name = names.entry(resource.customer).or_insert(&resource.customer_name);
        // One name for each id, whichever resource comes first.
        *name = (*name).min(&resource.customer_name);
    }
    let mut numbers: BTreeMap<CustomerId, Vec<usize>> = BTreeMap::new();
    for (total, number) in organisations.iter().zip(0..) {
        if let Some(customer) = total.customer {
            numbers.entry(customer).or_default().push(number);
        }
    }
    let mut totals = Vec::new();
    for (period, side) in months {
        let usage = by_customer(side, catalogue);
        for customer in customers(side, &usage, stated, *period, organisations) {
            let lines = usage.get(&customer).map_or(&[][..], Vec::as_slice);
            let mut total = total_of(customer, *period, side, lines);
            total.organisation = names.get(&customer).copied().unwrap_or_default().into();
            for number in numbers.get(&customer).into_iter().flatten() {
                let Some(sums) = stated.get(&(*number, *period)) else { continue };
                for (currency, price) in &sums.price {
                    super::totals::add_money(&mut total.stated, *currency, *price);
                }
                for (currency, tax) in &sums.tax {
                    super::totals::add_money(&mut total.stated_tax, *currency, *tax);
                }
            }
            totals.push(total);
        }
    }
    totals.sort_by(|one, other| {
        (&one.organisation, one.customer, one.period).cmp(&(
            &other.organisation,
            other.customer,
            other.period,
        ))
    });
    totals
}

type ByCustomer<'a> = BTreeMap<CustomerId, Vec<&'a InvoiceLine>>;

fn by_customer<'a>(side: &'a InvoiceSide, catalogue: &Catalogue) -> ByCustomer<'a> {
    let mut lines: ByCustomer<'a> = BTreeMap::new();
    for line in side.seen.all_lines() {
        if let Some(resource) = catalogue.resource(line.resource) {
            lines.entry(resource.customer).or_default().push(line);
        }
    }
    lines
}

/// Everybody of whom there is something to say.
fn customers(
    side: &InvoiceSide,
    usage: &ByCustomer<'_>,
    stated: &HashMap<(usize, BillingPeriod), StatedSums>,
    period: BillingPeriod,
    organisations: &[OrganisationTotal],
) -> BTreeSet<CustomerId> {
    let of_stated = stated.keys().filter(|(_, own)| *own == period);
    let of_stated = of_stated.filter_map(|(number, _)| organisations.get(*number)?.customer);
    let others = side.others.iter().map(|line| line.customer);
    side.invoices.keys().copied().chain(usage.keys().copied()).chain(others).chain(of_stated).collect()
}

fn total_of(
    customer: CustomerId,
    period: BillingPeriod,
    side: &InvoiceSide,
    lines: &[&InvoiceLine],
) -> InvoiceTotal {
    let money = side.invoices.get(&customer);
    let seen = match side.seen.invoice(customer) {
        InvoiceSeen::One(invoice) => Some(invoice),
        InvoiceSeen::NotMade | InvoiceSeen::Hidden => None,
    };
    let invoice = money.map(|money| &money.invoice).or(seen);
    let zero = Amount::ZERO;
    let mut total = InvoiceTotal {
        organisation: "".into(),
        customer,
        period,
        number: invoice.and_then(|invoice| invoice.number.as_deref()).map(Arc::from),
        state: invoice.map(|invoice| invoice.state.clone()),
        usage: zero,
        other: zero,
        credits: zero,
        compensations: zero,
        tax: money.and_then(|money| money.tax),
        price: money.and_then(|money| money.price),
        total: money.and_then(|money| money.total),
        is_whole: side.whole.contains(&customer),
        is_in_part: lines.iter().any(|line| side.beside.contains(&line.resource)),
        stated: Vec::new(),
        stated_tax: Vec::new(),
    };
    for line in lines {
        add(&mut total.usage, line.price().unwrap_or_default());
    }
    for line in side.others.iter().filter(|line| line.customer == customer) {
        let sum = match line.price.is_negative() {
            false => &mut total.other,
            true if line.is_credit || is_discount(&line.name) => &mut total.credits,
            true => &mut total.compensations,
        };
        add(sum, line.price);
    }
    total
}

/// Whether a line calls itself a discount. A line below zero that stands beside usage of its component may
/// as well take it back, so that nothing but its name tells.
fn is_discount(name: &str) -> bool {
    let name = name.to_lowercase();
    ["discount", "rabatt", "credit"].iter().any(|word| name.contains(word))
}
