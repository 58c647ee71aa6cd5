//! `component_stats` and `stats` of an offering: what its invoices bill of each component, and how
//! many resources and customers it has. For staff and the owners of the provider. And what all usages
//! come to by offering, component and month, for staff and support.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::json;

use super::object::{Object, Selection};
use super::plans::number;
use super::request::read_uuid;
use super::{Answer, View};
use crate::domain::{Amount, BillingPeriod, ResourceState};
use crate::sandbox::data::ItemFilter;
use crate::sandbox::rules::{owns, sees_all, sees_offering};

/// Months that are told where nothing is asked for.
const MONTHS: i32 = 12;

/// The quantities that invoices bill, by component and month.
pub(super) fn component_stats(view: &View, id: &str) -> Answer {
    let (offering, range) = match (find(view, id), range(view)) {
        (Err(refusal), _) | (_, Err(refusal)) => return refusal,
        (Ok(offering), Ok(range)) => (offering, range),
    };
    let data = view.data;
    let filter = ItemFilter { offering: Some(data.offerings[offering].uuid), ..ItemFilter::default() };
    let mut totals: BTreeMap<(usize, BillingPeriod), Amount> = BTreeMap::new();
    for &at in data.list_items(&filter).iter() {
        let item = data.invoices.item(at);
        let invoice = data.invoices.invoice(item.invoice);
        if range.0 <= invoice.created && invoice.created <= range.1 {
            // Components stand in the order of their types.
            let total = totals.entry((item.component, invoice.period)).or_default();
            *total = total.checked_add(item.quantity).unwrap_or(*total);
        }
    }
    let rows: Vec<_> = totals.into_iter().collect();
    view.page(&rows, |&((component, period), total), out| {
        let component = &data.components[component].written;
        Object::open(out, &Selection::all())
            .field("period", &period)
            .field("date", &format!("{}T00:00:00+00:00", last_day(period)))
            .field_with("usage", |out| out.extend_from_slice(number(total).as_bytes()))
            .field("description", "")
            .field("measured_unit", &component.measured_unit)
            .field("type", component.kind.as_str())
            .field("name", &component.name)
            .close();
    })
}

/// The sums of all usages, by offering, component and month; not in pages.
pub(super) fn usages_per_month(view: &View) -> Answer {
    let data = view.data;
    if !sees_all(&data.users[view.user]) {
        return Answer::detail(403, "You do not have permission to perform this action.");
    }
    let range = match range(view) {
        Ok(range) => range,
        Err(refusal) => return refusal,
    };
    let mut totals: BTreeMap<(usize, usize, BillingPeriod), Amount> = BTreeMap::new();
    for at in (0..data.usages.len()).filter(|&at| !data.usages.is_deleted(at)) {
        let row = data.usages.row(at);
        if range.0 <= first_day(row.period) && first_day(row.period) <= range.1 {
            let offering = data.resources[row.resource].offering;
            let total = totals.entry((offering, row.component, row.period)).or_default();
            *total = total.checked_add(row.amount).unwrap_or(*total);
        }
    }
    let rows = totals.into_iter().map(|((offering, component, period), total)| {
        json!({
            "usage": total,
            "offering_uuid": data.offerings[offering].uuid.as_simple().to_string(),
            "component_type": data.components[component].kind,
            "month": period.month(),
            "year": period.year(),
            "offering_country": "",
            "organization_group_name": "",
            "organization_group_uuid": "",
        })
    });
    Answer::value(200, &json!(rows.collect::<Vec<_>>()))
}

/// How many resources an offering has that are not gone, and of how many customers.
pub(super) fn stats(view: &View, id: &str) -> Answer {
    let offering = match find(view, id) {
        Ok(offering) => offering,
        Err(refusal) => return refusal,
    };
    let resources = view
        .data
        .resources
        .iter()
        .filter(|resource| resource.offering == offering && resource.state != ResourceState::Terminated);
    let customers: Vec<usize> = resources.map(|resource| view.data.customer_of(resource)).collect();
    let distinct: BTreeSet<usize> = customers.iter().copied().collect();
    Answer::value(200, &json!({"resources_count": customers.len(), "customers_count": distinct.len()}))
}

/// The offering of an id, for those who may read its numbers.
fn find(view: &View, id: &str) -> Result<usize, Answer> {
    let (data, user) = (view.data, &view.data.users[view.user]);
    let found =
        read_uuid(id).and_then(|uuid| data.offering(uuid)).filter(|&at| sees_offering(data, user, at));
    let at = found.ok_or_else(|| Answer::detail(404, "No Offering matches the given query."))?;
    if owns(data, user, data.offerings[at].customer) {
        Ok(at)
    } else {
        Err(Answer::detail(403, "You do not have permission to perform this action."))
    }
}

/// The first and the last day that are asked about; both ends are months.
fn range(view: &View) -> Result<(Date, Date), Answer> {
    let today = view.behaviour.months_zone().to_datetime(view.now).date();
    let year_ago = jiff::ToSpan::months(MONTHS);
    let month = |name: &str| match view.request.query.last(name).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => match text.parse::<BillingPeriod>() {
            Ok(period) => Ok(Some(period)),
            Err(_) => Err(Answer::value(400, &json!({name: ["Expected a date in format YYYY-MM"]}))),
        },
    };
    let (start, end) = (month("start")?, month("end")?);
    let start = start.map_or(today.saturating_sub(year_ago), first_day);
    Ok((start, end.map_or(today, last_day)))
}

fn first_day(period: BillingPeriod) -> Date {
    Date::new(period.year(), period.month(), 1).unwrap_or(Date::MIN)
}

fn last_day(period: BillingPeriod) -> Date {
    first_day(period).last_of_month()
}
