//! `invoice-items` and `provider-invoice-items`: single lines, as the customer and as the provider
//! sees them, and what is summed of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::filters::Filters;
use super::object::{Moment, Object, Selection};
use super::plans::ten_places;
use super::request::read_uuid;
use super::{Answer, View};
use crate::domain::{Amount, BillingPeriod, BillingType, ExactTotal, percent};
use crate::sandbox::behaviour::Billing;
use crate::sandbox::data::{Item, ItemFilter, ItemOrder, ItemsSeen, Unit};
use crate::sandbox::rules::{full_days, provides, sees_all, sees_bills_of};

const PROVIDER_ORDERINGS: [&str; 8] = [
    "unit_price",
    "-unit_price",
    "resource_offering_name",
    "-resource_offering_name",
    "invoice_customer_name",
    "-invoice_customer_name",
    "project_name",
    "-project_name",
];

/// The lines that a user's customers are billed for; `field=` is not known here.
pub(super) fn list(view: &View) -> Answer {
    match filter(view) {
        Ok(filter) => {
            let rows = view.data.list_items(&filter);
            view.page(&rows, |&at, out| write_alone(view, at, out))
        }
        Err(refusal) => refusal,
    }
}

pub(super) fn detail(view: &View, id: &str) -> Answer {
    match find(view, id) {
        Ok(at) => {
            let mut body = Vec::new();
            write_alone(view, at, &mut body);
            Answer::json(200, body)
        }
        Err(refusal) => refusal,
    }
}

/// The real server asks its credits for a line instead of a credit, and breaks.
pub(super) fn consumptions(view: &View, id: &str) -> Answer {
    match find(view, id) {
        Ok(_) => Answer::broken(),
        Err(refusal) => refusal,
    }
}

/// The sum of the unrounded lines, with ten decimal places.
pub(super) fn total_price(view: &View) -> Answer {
    let filter = match filter(view) {
        Ok(filter) => filter,
        Err(refusal) => return refusal,
    };
    let total = sum(view, view.data.list_items(&filter).iter().copied());
    let total = total.rounded().unwrap_or_default();
    Answer::value(200, &json!({"total_price": ten_places(total)}))
}

/// What a project cost month by month. An older server tells it to everybody, and takes anything
/// for a project.
pub(super) fn costs(view: &View) -> Answer {
    let asked = view.request.query.last("project_uuid").unwrap_or_default();
    let is_older = view.behaviour.billing == Billing::AtOnce;
    let project = if is_older { plain_uuid(asked) } else { read_uuid(asked) };
    if project.is_none() && !is_older {
        return Answer::value(400, &json!(["project_uuid is not a valid UUID."]));
    }
    let seen = if is_older { ItemsSeen::All } else { seen(view) };
    let filter = ItemFilter { seen, nothing: project.is_none(), project, ..ItemFilter::default() };
    let mut months: BTreeMap<BillingPeriod, Vec<usize>> = BTreeMap::new();
    for &at in view.data.list_items(&filter).iter() {
        let invoice = view.data.invoices.invoice(view.data.invoices.item(at).invoice);
        months.entry(invoice.period).or_default().push(at);
    }
    let months: Vec<_> = months.into_iter().rev().collect();
    view.page(&months, |(period, items), out| write_costs(view, *period, items, is_older, out))
}

/// The lines that a user's offerings are paid for.
pub(super) fn of_provider(view: &View) -> Answer {
    let data = view.data;
    let mut filters = Filters::of(view.request);
    let user = &data.users[view.user];
    let own = (0..data.customers.len()).filter(|&customer| provides(data, user, customer)).collect();
    let filter = ItemFilter {
        seen: if user.is_staff { ItemsSeen::All } else { ItemsSeen::ProvidedBy(own) },
        order: ItemOrder::NewestInvoice,
        customer: filters.uuid("customer_uuid"),
        project: filters.uuid("project_uuid"),
        offering: filters.uuid("offering_uuid"),
        month: filters.number("invoice_month"),
        year: filters.number("invoice_year"),
        ..ItemFilter::default()
    };
    let orderings = filters.listed_choices("o", &PROVIDER_ORDERINGS);
    if let Err(refusal) = filters.close() {
        return refusal;
    }
    let mut rows = data.list_items(&filter).to_vec();
    for ordering in orderings.into_iter().rev() {
        order_by(view, ordering, &mut rows);
    }
    view.page(&rows, |&at, out| write(view, at, out))
}

fn order_by(view: &View, ordering: &str, rows: &mut [usize]) {
    let data = view.data;
    let field = ordering.trim_start_matches('-');
    let key = |at: usize| {
        let item = data.invoices.item(at);
        let resource = &data.resources[item.resource];
        match field {
            "unit_price" => (item.unit_price, ""),
            "invoice_customer_name" => (Amount::ZERO, &*data.customers[data.customer_of_item(item)].name),
            "project_name" => (Amount::ZERO, &*data.projects[resource.project].name),
            _ => (Amount::ZERO, &*data.offerings[resource.offering].written.name),
        }
    };
    if ordering == field {
        rows.sort_by(|&left, &right| key(left).cmp(&key(right)));
    } else {
        rows.sort_by(|&left, &right| key(right).cmp(&key(left)));
    }
}

/// Whose lines a user sees as a customer.
fn seen(view: &View) -> ItemsSeen {
    let (data, user) = (view.data, &view.data.users[view.user]);
    if sees_all(user) {
        return ItemsSeen::All;
    }
    let own = (0..data.customers.len()).filter(|&customer| sees_bills_of(data, user, customer));
    ItemsSeen::BilledTo(own.collect())
}

fn filter(view: &View) -> Result<ItemFilter, Answer> {
    let mut filters = Filters::of(view.request);
    let filter = ItemFilter {
        seen: seen(view),
        order: ItemOrder::Start,
        resource: filters.uuid("resource_uuid"),
        offering: filters.uuid("offering_uuid"),
        project: filters.uuid("project_uuid"),
        customer: filters.uuid("customer_uuid"),
        // No line here is paid out of a credit.
        nothing: filters.uuid("credit_uuid").is_some(),
        zone: Some(view.behaviour.months_zone()),
        year: filters.number("year"),
        month: filters.number("month"),
        start_year: filters.number("start_year"),
        start_month: filters.number("start_month"),
    };
    filters.close()?;
    Ok(filter)
}

/// The line of an id; the filters of the list apply to it too.
fn find(view: &View, id: &str) -> Result<usize, Answer> {
    let filter = filter(view)?;
    read_uuid(id)
        .and_then(|uuid| view.data.invoices.find_item(uuid))
        .filter(|&at| view.data.item_matches(&filter, at))
        .ok_or_else(|| Answer::detail(404, "No InvoiceItem matches the given query."))
}

/// A uuid in the one spelling that the database holds it in.
fn plain_uuid(text: &str) -> Option<Uuid> {
    read_uuid(text).filter(|uuid| uuid.as_simple().to_string() == text)
}

fn sum(view: &View, items: impl Iterator<Item = usize>) -> ExactTotal {
    let mut total = ExactTotal::default();
    for at in items {
        let item = view.data.invoices.item(at);
        // A sum beyond all range stays where it was; no world of any use comes near it.
        let _ = total.add_product(item.quantity, item.unit_price);
    }
    total
}

fn write_costs(view: &View, period: BillingPeriod, items: &[usize], is_older: bool, out: &mut Vec<u8>) {
    let unit_price = |at: usize| view.data.invoices.item(at).unit_price;
    let cents = |items: &mut dyn Iterator<Item = usize>| {
        sum(view, items).rounded_to_cents().unwrap_or_default().to_string()
    };
    let selection = Selection::all();
    let mut object = Object::open(out, &selection);
    object.field("price", &cents(&mut items.iter().copied()));
    if !is_older {
        let mut below = items.iter().copied().filter(|&at| unit_price(at).is_negative());
        object.field("compensation", &cents(&mut below));
        let mut above = items.iter().copied().filter(|&at| unit_price(at) > Amount::ZERO);
        object.field("incurred", &cents(&mut above));
    }
    object.field("year", &period.year()).field("month", &period.month()).close();
}

/// Writes the lines of an invoice: by project, then by name, and none whose total is zero.
pub(super) fn write_embedded(view: &View, items: &[usize], out: &mut Vec<u8>) {
    let data = view.data;
    let is_shown = |at: &&usize| !data.invoices.item(**at).price().is_zero();
    let mut shown: Vec<(&str, String, usize)> = items
        .iter()
        .filter(is_shown)
        .map(|&at| {
            let item = data.invoices.item(at);
            let project = data.resources[item.resource].project;
            (&*data.projects[project].name, name(view, item), at)
        })
        .collect();
    shown.sort();
    out.push(b'[');
    for (position, (_, _, at)) in shown.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(view, at, out);
    }
    out.push(b']');
}

/// What a line is called: a usage by its resource, what is billed by time by offering and plan too.
fn name(view: &View, item: &Item) -> String {
    let resource = &view.data.resources[item.resource];
    let component = &view.data.components[item.component].written;
    if component.billing_type == BillingType::Usage {
        return format!("{} / {}", resource.name, component.name);
    }
    let offering = &view.data.offerings[resource.offering].written;
    let plan = &offering.plans[item.plan].name;
    format!("{} ({} / {plan}) / {}", resource.name, offering.name, component.name)
}

/// Writes a line as invoices embed it and providers list it.
fn write(view: &View, at: usize, out: &mut Vec<u8>) {
    let data = view.data;
    let item = data.invoices.item(at);
    let resource = &data.resources[item.resource];
    let project = &data.projects[resource.project];
    let component = &data.components[item.component].written;
    let price = item.price();
    let tax = percent(price, data.invoices.invoice(item.invoice).tax_percent).unwrap_or_default();
    let total = price.checked_add(tax).unwrap_or(price);
    Object::open(out, &Selection::all())
        .id("uuid", item.uuid)
        .field("url", &view.link(&format!("invoice-items/{}", item.uuid.as_simple())))
        .field("name", &name(view, item))
        .field("price", &price)
        .field("tax", &two_places(tax))
        .field("total", &two_places(total))
        .field("unit_price", &ten_places(item.unit_price))
        .field("unit", &item.unit)
        .field_with("factor", |out| write_factor(item, out))
        .field("measured_unit", &component.measured_unit)
        .moment("start", item.start)
        .moment("end", item.end)
        .field("article_code", &component.article_code)
        .field("project_name", &project.name)
        .id("project_uuid", project.uuid)
        .field("quantity", &ten_places(item.quantity))
        .field_with("details", |out| write_details(view, item, out))
        .field("resource", &view.link(&format!("marketplace-resources/{}", resource.uuid.as_simple())))
        .id("resource_uuid", resource.uuid)
        .field("resource_name", &resource.name)
        .field("billing_type", &component.billing_type)
        .field("backend_uuid", &Json::Null)
        .field("credit", &false)
        .close();
}

/// Writes a line as `invoice-items` lists it; a newer server tells more of it.
fn write_alone(view: &View, at: usize, out: &mut Vec<u8>) {
    let data = view.data;
    let item = data.invoices.item(at);
    let invoice = data.invoices.invoice(item.invoice);
    let resource = &data.resources[item.resource];
    let component = &data.components[item.component].written;
    let is_newer = view.behaviour.billing == Billing::InBackground;
    let selection = Selection::all();
    let mut object = Object::open(out, &selection);
    object
        .field("invoice", &view.link(&format!("invoices/{}", invoice.uuid.as_simple())))
        .field("resource", &view.link(&format!("marketplace-resources/{}", resource.uuid.as_simple())))
        .id("uuid", item.uuid)
        .field("article_code", &component.article_code)
        .field("unit_price", &ten_places(item.unit_price))
        .field("unit", &item.unit)
        .field("quantity", &ten_places(item.quantity))
        .field("measured_unit", &component.measured_unit)
        .field("name", &name(view, item))
        .moment("start", item.start)
        .moment("end", item.end);
    if is_newer {
        object.field("price", &item.price());
    }
    object.field_with("details", |out| write_details(view, item, out));
    if is_newer {
        let (offering, project) = (&data.offerings[resource.offering], &data.projects[resource.project]);
        let customer = &data.customers[invoice.customer];
        object
            .id("offering_uuid", offering.uuid)
            .field("offering_name", &offering.written.name)
            .field("offering_component_type", component.kind.as_str())
            .id("project_uuid", project.uuid)
            .field("project_name", &project.name)
            .id("customer_uuid", customer.uuid)
            .field("customer_name", &customer.name);
    }
    object.close();
}

/// Writes the whole part of the quantity.
fn write_factor(item: &Item, out: &mut Vec<u8>) {
    let text = item.quantity.to_string();
    out.extend_from_slice(text.split('.').next().unwrap_or("0").as_bytes());
}

/// Writes what a line remembers, in the order in which the database keeps keys: the short ones
/// first, those of one length by the alphabet.
fn write_details(view: &View, item: &Item, out: &mut Vec<u8>) {
    let data = view.data;
    let resource = &data.resources[item.resource];
    let offering = &data.offerings[resource.offering];
    let provider = &data.customers[offering.customer];
    let plan = &offering.written.plans[item.plan];
    let component = &data.components[item.component].written;
    let provider_uuid = if provider.is_service_provider {
        Uuid::new_v5(&provider.uuid, b"service provider").as_simple().to_string()
    } else {
        String::new()
    };
    let selection = Selection::all();
    let mut object = Object::open(out, &selection);
    object
        .field("plan_name", &plan.name)
        .id("plan_uuid", plan.uuid)
        .field("offering_name", &offering.written.name)
        .field("offering_type", &offering.written.kind)
        .id("offering_uuid", offering.uuid)
        .field("resource_name", &resource.name)
        .id("resource_uuid", resource.uuid);
    if let (Billing::InBackground, Some(period)) = (view.behaviour.billing, item.plan_period) {
        object.id("plan_period_uuid", resource.plan_periods[period].uuid);
    }
    object
        .field("plan_component_id", &plan_component_id(view, item))
        .field("service_provider_name", &provider.name)
        .field("service_provider_uuid", &provider_uuid);
    if component.billing_type == BillingType::Limit {
        object.field_with("resource_limit_periods", |out| write_limit_period(item, out));
    }
    object
        .field("offering_component_name", &component.name)
        .field("offering_component_type", component.kind.as_str())
        .close();
}

/// The one stretch of time in which a limit was ordered, for it never changes here.
fn write_limit_period(item: &Item, out: &mut Vec<u8>) {
    let days = full_days(item.start, item.end);
    let per_period = if item.unit == Unit::Day { days.max(1) } else { 1 };
    let text = item.quantity.to_string();
    let whole: i64 = text.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or_default();
    let quantity = whole / per_period;
    let iso = |moment: Timestamp| {
        serde_json::to_value(Moment(moment))
            .map_or(Json::Null, |text| json!(text.as_str().unwrap_or_default().replace('Z', "+00:00")))
    };
    let period = json!([{
        "end": iso(item.end),
        "start": iso(item.start),
        "total": (quantity * days).to_string(),
        "quantity": quantity,
        "billing_periods": days,
    }]);
    let _ = serde_json::to_writer(out, &period);
}

/// The number of a plan's price, counted through all plans in storage order.
fn plan_component_id(view: &View, item: &Item) -> usize {
    let data = view.data;
    let own = data.resources[item.resource].offering;
    let before = data.offerings[..own].iter().flat_map(|offering| &offering.written.plans);
    let before: usize = before.map(|plan| plan.prices.len()).sum();
    let plans = &data.offerings[own].written.plans;
    let own_before: usize = plans[..item.plan].iter().map(|plan| plan.prices.len()).sum();
    let kind = &data.components[item.component].kind;
    let place = plans[item.plan].prices.keys().position(|known| known == kind).unwrap_or_default();
    before + own_before + place + 1
}

/// An amount with two decimal places, rounded half to even.
fn two_places(amount: Amount) -> String {
    let mut total = ExactTotal::default();
    let _ = total.add_product(amount, Amount::from(1));
    total.rounded_to_cents().unwrap_or(amount).to_string()
}
