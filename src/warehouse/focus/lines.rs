//! Invoices of a month and their lines, as charges need them.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::{Amount, line_price};

use super::directory::Directory;
use super::error::FocusError;
use super::rows::Rows;

/// The state of an invoice that charges nobody.
const CANCELED: &str = "canceled";
/// What a line counts that is a quantity and no stretch of time.
pub(super) const QUANTITY: &str = "quantity";

/// An invoice.
#[derive(Debug, Clone)]
pub(super) struct Invoice<'a> {
    pub(super) uuid: Cow<'a, str>,
    pub(super) number: Option<Cow<'a, str>>,
    pub(super) state: Option<Cow<'a, str>>,
    pub(super) customer: Option<Cow<'a, str>>,
    pub(super) price: Amount,
    pub(super) tax: Option<Amount>,
}

impl Invoice<'_> {
    /// What its issuer calls it.
    pub(super) fn id(&self) -> &str {
        self.number.as_deref().unwrap_or(&self.uuid)
    }

    fn is_canceled(&self) -> bool {
        self.state.as_deref() == Some(CANCELED)
    }
}

/// A line.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    pub(super) uuid: Cow<'a, str>,
    /// The position of its invoice.
    pub(super) invoice: usize,
    pub(super) resource: Option<Cow<'a, str>>,
    pub(super) component: Option<Cow<'a, str>>,
    pub(super) offering: Option<Cow<'a, str>>,
    pub(super) plan: Option<Cow<'a, str>>,
    pub(super) plan_period: Option<Cow<'a, str>>,
    pub(super) project: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) article_code: Option<Cow<'a, str>>,
    pub(super) unit: Option<Cow<'a, str>>,
    pub(super) measured_unit: Option<Cow<'a, str>>,
    pub(super) quantity: Amount,
    pub(super) unit_price: Amount,
    pub(super) price: Amount,
    /// Its own tax, where the server tells it.
    pub(super) tax: Option<Amount>,
    pub(super) start: Option<Timestamp>,
    /// The first moment after it.
    pub(super) end: Option<Timestamp>,
}

impl Line<'_> {
    /// Whether it gives money back.
    pub(super) fn is_credit(&self) -> bool {
        self.price.is_negative() || self.unit_price.is_negative() || self.quantity.is_negative()
    }
}

/// The invoices of a month.
pub(super) fn invoices<'a>(rows: &Rows<'a>) -> Vec<Invoice<'a>> {
    let read = |row| {
        Some(Invoice {
            uuid: rows.text(row, "uuid")?,
            number: rows.text(row, "number"),
            state: rows.text(row, "state"),
            customer: rows.text(row, "customer_uuid"),
            price: rows.amount(row, "price").unwrap_or_default(),
            tax: rows.amount(row, "tax"),
        })
    };
    (0..rows.count()).filter_map(read).collect()
}

/// The lines of a month that charge anybody: a canceled invoice does not.
pub(super) fn lines<'a>(
    rows: &Rows<'a>,
    invoices: &[Invoice<'a>],
    directory: &Directory<'a>,
) -> Result<Vec<Line<'a>>, FocusError> {
    let by_uuid: HashMap<&str, usize> =
        invoices.iter().enumerate().map(|(at, invoice)| (invoice.uuid.as_ref(), at)).collect();
    let mut lines = Vec::with_capacity(rows.count());
    for row in 0..rows.count() {
        let text = |name| rows.text(row, name);
        let Some(uuid) = text("uuid") else { continue };
        let resource = text("resource_uuid");
        let known = resource.as_deref().and_then(|resource| directory.resource(resource));
        let customer = || known.and_then(|known| known.customer.as_deref());
        let invoice = match text("invoice_uuid") {
            Some(invoice) => by_uuid.get(invoice.as_ref()).copied(),
            // Providers see lines without their invoices; a customer has one invoice a month.
            None => customer().and_then(|customer| only_invoice(invoices, customer)),
        };
        let invoice =
            invoice.ok_or_else(|| FocusError::UnknownInvoice { line: uuid.clone().into_owned() })?;
        if invoices[invoice].is_canceled() {
            continue;
        }
        let quantity = rows.amount(row, "quantity").unwrap_or_default();
        let unit_price = rows.amount(row, "unit_price").unwrap_or_default();
        // Servers before 2025 do not tell the price of a line, which is always made in this way.
        let price = rows.amount(row, "price").or_else(|| line_price(quantity, unit_price));
        let price = price.ok_or_else(|| FocusError::TooLarge(format!("line {uuid}")))?;
        lines.push(Line {
            uuid,
            invoice,
            offering: text("offering_uuid").or_else(|| known.and_then(|known| known.offering.clone())),
            plan: text("plan_uuid"),
            plan_period: text("plan_period_uuid"),
            project: text("project_uuid").or_else(|| known.and_then(|known| known.project.clone())),
            resource,
            component: text("component_type"),
            name: text("name"),
            article_code: text("article_code"),
            unit: text("unit"),
            measured_unit: text("measured_unit"),
            quantity,
            unit_price,
            price,
            tax: rows.amount(row, "tax"),
            start: rows.instant(row, "start").map(whole_second),
            end: rows.instant(row, "end").map(exclusive).map(whole_second),
        });
    }
    Ok(lines)
}

/// The only invoice of a customer that is not canceled.
fn only_invoice(invoices: &[Invoice], customer: &str) -> Option<usize> {
    let own = |invoice: &Invoice| invoice.customer.as_deref() == Some(customer) && !invoice.is_canceled();
    let mut own = (0..invoices.len()).filter(|&at| own(&invoices[at]));
    own.next().filter(|_| own.next().is_none())
}

/// The first moment after a stretch of time. Waldur lets a day end with its last microsecond, or its last
/// second; ends of FOCUS are not part of what they end.
pub(super) fn exclusive(end: Timestamp) -> Timestamp {
    let micros = end.as_microsecond();
    let missing = if micros.rem_euclid(1_000_000) == 999_999 {
        1
    } else if micros.rem_euclid(60_000_000) == 59_000_000 {
        1_000_000
    } else {
        0
    };
    Timestamp::from_microsecond(micros + missing).unwrap_or(end)
}

/// The second that a moment lies in: FOCUS writes no parts of seconds.
fn whole_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_microsecond().div_euclid(1_000_000)).unwrap_or(moment)
}

/// Holds what the lines of each invoice come to against what the invoice says.
pub(super) fn prove(invoices: &[Invoice], lines: &[Line]) -> Result<(), FocusError> {
    let mut sums = vec![Amount::ZERO; invoices.len()];
    for line in lines {
        let sum = &mut sums[line.invoice];
        let too_large = || FocusError::TooLarge(format!("invoice {}", invoices[line.invoice].id()));
        *sum = sum.checked_add(line.price).ok_or_else(too_large)?;
    }
    let differs = |(invoice, sum): &(&Invoice, Amount)| !invoice.is_canceled() && invoice.price != *sum;
    match invoices.iter().zip(sums).find(differs) {
        None => Ok(()),
        Some((invoice, lines)) => {
            Err(FocusError::InvoiceDisagrees { invoice: invoice.id().to_owned(), told: invoice.price, lines })
        }
    }
}
