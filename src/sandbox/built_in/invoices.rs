//! Who is invoiced for which month, and how far that has come. What stands on the invoices is not
//! written here: it follows from the usages and the prices.

use super::id;
use crate::domain::BillingPeriod;
use crate::sandbox::data::InvoiceState;
use crate::sandbox::world::Invoice;

/// Everybody who has resources.
const CUSTOMERS: [&str; 4] = ["nordlys", "tuk", "imb", "hcuh"];

/// The months of the history, and the running one.
const MONTHS: [(&str, InvoiceState); 4] = [
    ("2026-08", InvoiceState::Paid),
    ("2026-09", InvoiceState::Paid),
    ("2026-10", InvoiceState::Created),
    ("2026-11", InvoiceState::Pending),
];

pub(super) fn invoices() -> Vec<Invoice> {
    let mut invoices = Vec::new();
    for (month, state) in MONTHS {
        let Ok(period) = month.parse::<BillingPeriod>() else { continue };
        invoices.extend(CUSTOMERS.iter().map(|customer| Invoice {
            uuid: Some(id("invoice", &format!("{customer}/{month}"))),
            customer_uuid: id("customer", customer),
            billing_period: period,
            state,
            number: None,
            invoice_date: None,
            tax_percent: None,
            items: None,
        }));
    }
    invoices
}
