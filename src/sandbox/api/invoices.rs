//! `invoices`: newest month first, for staff, support and the customer's own people.
//!
//! The embedded items leave out lines whose total is zero; every other sum counts them.

use std::cmp::Reverse;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde_json::{Value as Json, json};

use super::filters::{Filters, Link};
use super::invoice_items;
use super::object::{Object, Selection};
use super::plans::ten_places;
use super::request::read_uuid;
use super::{Answer, View};
use crate::domain::{Amount, ExactTotal, percent};
use crate::sandbox::data::{Invoice, InvoiceState};
use crate::sandbox::rules::sees_bills_of;

const ORDERINGS: [&str; 6] = ["created", "-created", "year", "-year", "month", "-month"];
/// Days from the issue of an invoice until it is due.
const PAYMENT_DAYS: i32 = 30;

pub(super) fn list(view: &View) -> Answer {
    match select(view) {
        Ok(invoices) => {
            let selection = Selection::of(view.request);
            view.page(&invoices, |&at, out| write(view, at, &selection, out))
        }
        Err(refusal) => refusal,
    }
}

/// One invoice; the filters of the list apply to it too.
pub(super) fn detail(view: &View, id: &str) -> Answer {
    let invoices = match select(view) {
        Ok(invoices) => invoices,
        Err(refusal) => return refusal,
    };
    let found = read_uuid(id).and_then(|uuid| view.data.invoices.find(uuid));
    let Some(at) = found.filter(|at| invoices.contains(at)) else {
        return Answer::detail(404, "No Invoice matches the given query.");
    };
    let mut body = Vec::new();
    write(view, at, &Selection::of(view.request), &mut body);
    Answer::json(200, body)
}

/// The invoices that a request asks for and its user may see, in its order.
fn select(view: &View) -> Result<Vec<usize>, Answer> {
    let mut filters = Filters::of(view.request);
    let filter = Filter::read(&mut filters);
    let orderings = filters.listed_choices("o", &ORDERINGS);
    filters.close()?;
    let data = view.data;
    let user = &data.users[view.user];
    let customers = (0..data.customers.len()).filter(|&customer| sees_bills_of(data, user, customer));
    let candidates = customers.flat_map(|customer| data.invoices.of_customer(customer).iter().copied());
    let mut invoices: Vec<usize> = candidates.filter(|&at| filter.passes(view, at)).collect();
    invoices.sort_unstable();
    let invoice = |at: usize| data.invoices.invoice(at);
    if orderings.is_empty() {
        invoices.sort_by_key(|&at| Reverse(invoice(at).period));
    }
    for ordering in orderings.into_iter().rev() {
        let field = ordering.trim_start_matches('-');
        let key = |at: usize| match field {
            "year" => (i32::from(invoice(at).period.year()), Date::ZERO),
            "month" => (i32::from(invoice(at).period.month()), Date::ZERO),
            _ => (0, invoice(at).created),
        };
        if ordering == field {
            invoices.sort_by_key(|&at| key(at));
        } else {
            invoices.sort_by_key(|&at| Reverse(key(at)));
        }
    }
    Ok(invoices)
}

struct Filter<'a> {
    customer: Option<uuid::Uuid>,
    customer_link: Link,
    year: Option<Amount>,
    month: Option<Amount>,
    states: Vec<&'a str>,
    created: Option<Date>,
    /// Made after this day.
    after: Option<Date>,
    /// Made before this day.
    before: Option<Date>,
    smallest: Option<Amount>,
    largest: Option<Amount>,
}

impl<'a> Filter<'a> {
    fn read(filters: &mut Filters<'a>) -> Self {
        Self {
            customer: filters.uuid("customer_uuid"),
            customer_link: filters.link("customer", "customers"),
            year: filters.number("year"),
            month: filters.number("month"),
            states: filters.choices("state", &InvoiceState::NAMES),
            created: filters.date("created"),
            after: filters.date("start_date"),
            before: filters.date("end_date"),
            smallest: filters.number("min_sum"),
            largest: filters.number("max_sum"),
        }
    }

    fn passes(&self, view: &View, at: usize) -> bool {
        let invoice = view.data.invoices.invoice(at);
        let customer = view.data.customers[invoice.customer].uuid;
        let is = |wanted: Option<Amount>, number: i16| {
            wanted.is_none_or(|it| u32::try_from(number).is_ok_and(|number| it == Amount::from(number)))
        };
        self.customer.is_none_or(|uuid| uuid == customer)
            && self.customer_link.passes(customer)
            && is(self.year, invoice.period.year())
            && is(self.month, invoice.period.month().into())
            && (self.states.is_empty() || self.states.contains(&invoice.state.as_str()))
            && self.created.is_none_or(|day| day == invoice.created)
            && self.after.is_none_or(|day| invoice.created > day)
            && self.before.is_none_or(|day| invoice.created < day)
            && self.smallest.is_none_or(|sum| total(invoice) >= sum)
            && self.largest.is_none_or(|sum| total(invoice) <= sum)
    }
}

fn tax(invoice: &Invoice) -> Amount {
    percent(invoice.price, invoice.tax_percent).unwrap_or_default()
}

fn total(invoice: &Invoice) -> Amount {
    invoice.price.checked_add(tax(invoice)).unwrap_or(invoice.price)
}

fn write(view: &View, at: usize, selection: &Selection, out: &mut Vec<u8>) {
    let data = view.data;
    let invoice = data.invoices.invoice(at);
    let customer = &data.customers[invoice.customer];
    let due = invoice.invoice_date.and_then(|date| date.checked_add(payment_interval()).ok());
    Object::open(out, selection)
        .field("url", &view.link(&format!("invoices/{}", invoice.uuid.as_simple())))
        .id("uuid", invoice.uuid)
        .field("number", &invoice.number)
        .field("customer", &view.link(&format!("customers/{}", customer.uuid.as_simple())))
        .field("price", &ten_places(invoice.price))
        .field("tax", &ten_places(tax(invoice)))
        .field("total", &ten_places(total(invoice)))
        .field("state", &invoice.state)
        .field("year", &invoice.period.year())
        .field("month", &invoice.period.month())
        .field("issuer_details", &json!({}))
        .field("invoice_date", &invoice.invoice_date)
        .field("due_date", &due)
        .field("customer_details", &customer_details(&customer.name, &customer.email))
        .field_with("items", |out| invoice_items::write_embedded(view, &invoice.items, out))
        .field("backend_id", "")
        .field("payment_url", "")
        .field("reference_number", "")
        .field("compensations", "0")
        .field_with("incurred_costs", |out| write_costs(view, invoice, out))
        .close();
}

fn payment_interval() -> Span {
    PAYMENT_DAYS.days()
}

fn customer_details(name: &str, email: &str) -> Json {
    json!({
        "name": name,
        "address": "",
        "country": "",
        "country_name": "",
        "email": email,
        "postal": "",
        "phone_number": "",
        "bank_name": "",
        "bank_account": "",
        "vat_code": "",
    })
}

/// Writes the sum of the unrounded lines as the database tells it: no places at all for none.
fn write_costs(view: &View, invoice: &Invoice, out: &mut Vec<u8>) {
    let mut costs = ExactTotal::default();
    for &at in &invoice.items {
        let item = view.data.invoices.item(at);
        let _ = costs.add_product(item.quantity, item.unit_price);
    }
    let text = if invoice.items.is_empty() { "0".to_owned() } else { costs.to_string() };
    out.extend_from_slice(format!("\"{text}\"").as_bytes());
}
