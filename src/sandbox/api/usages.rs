//! `marketplace-component-usages`: what is reported, for everybody who has a token.

use std::sync::Arc;

use jiff::civil::Date;

use super::filters::{Filters, Link};
use super::object::{Object, Selection};
use super::request::read_uuid;
use super::{Answer, Request, View};
use crate::domain::{BillingPeriod, CarryOver};
use crate::sandbox::behaviour::{Behaviour, CarryOverField};
use crate::sandbox::data::{Data, UsageFilter, UsageOrder};
use crate::sandbox::faults::Rows;

pub(super) fn list(view: &View) -> Answer {
    match filter(view.request, view.behaviour) {
        Ok(filter) => {
            let mut rows = view.data.list(&filter);
            if let Rows::Untied(_) = view.request.quirks.rows {
                untie(view, Arc::<Vec<usize>>::make_mut(&mut rows));
            }
            let selection = Selection::of(view.request);
            view.page(&rows, |&at, out| write(view, at, &selection, out))
        }
        Err(refusal) => refusal,
    }
}

/// Orders rows anew that the order of the list leaves equal.
fn untie(view: &View, rows: &mut [usize]) {
    let parameter = |name| view.request.query.last(name).unwrap_or_default();
    let page = format!("{} {}", parameter("page"), parameter("page_size"));
    view.request.quirks.untie(&page, rows, |at| {
        let row = view.data.usages.row(at);
        (row.date, view.data.components[row.component].type_rank)
    });
}

pub(super) fn detail(view: &View, id: &str) -> Answer {
    match find(view.data, view.request, view.behaviour, id) {
        Ok(at) => {
            let mut body = Vec::new();
            write(view, at, &Selection::of(view.request), &mut body);
            Answer::json(200, body)
        }
        Err(refusal) => refusal,
    }
}

/// The usage of an id; the filters of the list apply to it too.
pub(super) fn find(data: &Data, request: &Request, behaviour: &Behaviour, id: &str) -> Result<usize, Answer> {
    let filter = filter(request, behaviour)?;
    read_uuid(id)
        .and_then(|uuid| data.usages.find(uuid))
        .filter(|&at| data.matches(&filter, at))
        .ok_or_else(|| Answer::detail(404, "No ComponentUsage matches the given query."))
}

fn filter(request: &Request, behaviour: &Behaviour) -> Result<UsageFilter, Answer> {
    let mut filters = Filters::of(request);
    let mut filter = shared_filter(&mut filters, behaviour);
    if behaviour.list_by_year {
        filter.order = filters.listed_choices("o", &ORDERINGS).into_iter().filter_map(order).collect();
    }
    if behaviour.carry_over == CarryOverField::Policy {
        let policy = filters.choices("missing_usage_policy", &["none", "reuse", "zero"]);
        filter.carry_over = policy.last().and_then(|policy| policy.parse().ok());
    }
    if let Some(date) = filters.date("billing_period") {
        in_month(&mut filter, date);
    }
    match filters.link("resource", "marketplace-resources") {
        Link::Unused => {}
        Link::Elsewhere => filter.nothing = true,
        Link::To(uuid) => {
            filter.nothing |= filter.resource.is_some_and(|other| other != uuid);
            filter.resource = Some(uuid);
        }
    }
    filters.close()?;
    Ok(filter)
}

/// The filters that usages and user usages share.
pub(super) fn shared_filter(filters: &mut Filters, behaviour: &Behaviour) -> UsageFilter {
    let start = |date: Date| behaviour.midnight_of(date);
    let (year, month) = if behaviour.list_by_year {
        (filters.whole_number("billing_period_year"), filters.whole_number("billing_period_month"))
    } else {
        (None, None)
    };
    UsageFilter {
        // A number that no year or month has matches nothing.
        nothing: out_of_range::<i16>(year) || out_of_range::<i8>(month),
        year: year.and_then(|year| year.try_into().ok()),
        month: month.and_then(|month| month.try_into().ok()),
        resource: filters.uuid("resource_uuid"),
        offering: filters.uuid("offering_uuid"),
        project: filters.uuid("project_uuid"),
        customer: filters.uuid("customer_uuid"),
        component_type: filters.text("type").map(str::to_owned),
        from: filters.date("date_after").map(start),
        before: filters.date("date_before").map(|date| start(date.tomorrow().unwrap_or(Date::MAX))),
        ..UsageFilter::default()
    }
}

fn out_of_range<T: TryFrom<i64>>(number: Option<i64>) -> bool {
    number.is_some_and(|number| T::try_from(number).is_err())
}

/// What `o` can ask for.
const ORDERINGS: [&str; 4] = ["billing_period", "-billing_period", "usage", "-usage"];

fn order(name: &str) -> Option<UsageOrder> {
    let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
    match name {
        "billing_period" => Some(UsageOrder::Period { descending }),
        "usage" => Some(UsageOrder::Amount { descending }),
        _ => None,
    }
}

/// Narrows a filter to a month; a day other than the first is no month of any usage.
pub(super) fn in_month(filter: &mut UsageFilter, date: Date) {
    filter.period = BillingPeriod::new(date.year(), date.month()).ok();
    filter.nothing |= date.day() != 1 || filter.period.is_none();
}

fn write(view: &View, at: usize, selection: &Selection, out: &mut Vec<u8>) {
    let data = view.data;
    let row = data.usages.row(at);
    let mut object = Object::open(out, selection);
    object
        .id("uuid", row.uuid)
        .moment("created", row.created)
        .field("description", &row.description)
        .constant(view.constant.component(row.component), |object| {
            write_component(data, row.component, object);
        })
        .amount("usage", row.amount)
        .moment("date", row.date)
        .field("recurring", &(row.carry_over == CarryOver::Reuse));
    if view.behaviour.carry_over == CarryOverField::Policy {
        object.field("missing_usage_policy", &row.carry_over);
    }
    object
        .constant(view.constant.resource(row.resource), |object| write_resource(data, row.resource, object))
        .first_day("billing_period", row.period)
        .field("modified_by", &row.modified_by)
        .close();
}

fn write_component(data: &Data, at: usize, object: &mut Object) {
    let component = &data.components[at];
    object
        .field("type", component.kind.as_str())
        .field("name", &component.written.name)
        .field("measured_unit", &component.written.measured_unit);
}

/// Writes where a resource belongs.
pub(super) fn write_resource(data: &Data, at: usize, object: &mut Object) {
    let resource = &data.resources[at];
    let offering = &data.offerings[resource.offering];
    let project = &data.projects[resource.project];
    let customer = &data.customers[data.customer_of(resource)];
    object
        .field("resource_name", &resource.name)
        .id("resource_uuid", resource.uuid)
        .field("offering_name", &offering.written.name)
        .id("offering_uuid", offering.uuid)
        .field("project_name", &project.name)
        .id("project_uuid", project.uuid)
        .field("customer_name", &customer.name)
        .id("customer_uuid", customer.uuid);
}

/// Writes a usage as plan periods show it.
pub(super) fn write_short(data: &Data, at: usize, out: &mut Vec<u8>) {
    let row = data.usages.row(at);
    let selection = Selection::all();
    let mut object = Object::open(out, &selection);
    object.id("uuid", row.uuid).moment("created", row.created).field("description", &row.description);
    write_component(data, row.component, &mut object);
    object
        .amount("usage", row.amount)
        .moment("date", row.date)
        .field("recurring", &(row.carry_over == CarryOver::Reuse))
        .close();
}
