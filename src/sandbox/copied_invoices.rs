//! The invoices of a copy: which there are, and how far each has come.
//!
//! A server of 2024 makes the invoice of a month with the first post that bills and carries over what
//! recurs as it does so, so a copy without invoices would write over a report that a real server
//! keeps. What stands on them is not copied: it follows from the usages and the prices. Their real
//! states are not read, because hardly any provider may.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::data::InvoiceState;
use super::world::{Invoice, World};
use crate::domain::BillingPeriod;

/// An invoice for everybody who has a resource and each of the months; the last month still runs.
pub(super) fn invoices(world: &World, months: &[BillingPeriod]) -> Vec<Invoice> {
    let customer_of: BTreeMap<Uuid, Uuid> =
        world.projects.iter().map(|project| (project.uuid, project.customer_uuid)).collect();
    let billed = world.resources.iter().filter_map(|resource| customer_of.get(&resource.project_uuid));
    let billed: BTreeSet<Uuid> = billed.copied().collect();
    let running = months.last();
    let invoices = months.iter().flat_map(|month| {
        let state = if Some(month) == running { InvoiceState::Pending } else { InvoiceState::Created };
        billed.iter().map(move |&customer| invoice(customer, *month, state))
    });
    invoices.collect()
}

/// An invoice whose lines follow from the world.
pub(super) fn invoice(customer: Uuid, month: BillingPeriod, state: InvoiceState) -> Invoice {
    Invoice {
        uuid: None,
        customer_uuid: customer,
        billing_period: month,
        state,
        number: None,
        invoice_date: None,
        tax_percent: None,
        items: None,
    }
}
