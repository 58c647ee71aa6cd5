//! `marketplace-provider-resources` and `marketplace-resources`: one shape, seen by the provider or
//! by the consumer, and the plan periods below each.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::filters::{Filters, Link};
use super::object::{Object, Selection};
use super::request::read_uuid;
use super::route::Side;
use super::{Answer, View, offerings, usages};
use crate::domain::{Amount, BillingType, ResourceState};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::data::{Data, Resource};
use crate::sandbox::rules::{sees_offering, sees_project};

const STATES: [&str; 6] = ["Creating", "OK", "Erred", "Updating", "Terminating", "Terminated"];
const ORDERINGS: [&str; 10] = [
    "name",
    "-name",
    "project_name",
    "-project_name",
    "created",
    "-created",
    "state",
    "-state",
    "end_date",
    "-end_date",
];

pub(super) fn list(view: &View, side: Side) -> Answer {
    match select(view, side) {
        Ok(resources) => {
            let selection = Selection::of(view.request);
            view.page(&resources, |&at, out| write(view, at, false, &selection, out))
        }
        Err(refusal) => refusal,
    }
}

pub(super) fn detail(view: &View, side: Side, id: &str) -> Answer {
    let Some(at) = find(view, side, id) else { return not_found() };
    let mut body = Vec::new();
    write(view, at, true, &Selection::of(view.request), &mut body);
    Answer::json(200, body)
}

/// The plan periods of a resource that did not end before this month, with this month's usages.
pub(super) fn plan_periods(view: &View, side: Side, id: &str) -> Answer {
    let Some(at) = find(view, side, id) else { return not_found() };
    let Ok(month) = view.behaviour.month_of(view.now) else { return Answer::broken() };
    let month_start = view.behaviour.start_of(month);
    let resource = &view.data.resources[at];
    let plans = &view.data.offerings[resource.offering].written.plans;
    let mut body = Vec::from(b"[");
    let periods = resource.plan_periods.iter().enumerate();
    for (position, period) in periods.filter(|(_, period)| period.end.is_none_or(|end| end >= month_start)) {
        if body.len() > 1 {
            body.push(b',');
        }
        let of_period = view
            .data
            .usages
            .of_resource(at)
            .filter(|(_, row)| row.period == month && row.plan_period == Some(position));
        let rows: Vec<usize> = of_period.map(|(row, _)| row).collect();
        Object::open(&mut body, &Selection::all())
            .id("uuid", period.uuid)
            .field("plan_name", &plans[period.plan].name)
            .id("plan_uuid", plans[period.plan].uuid)
            .field("start", &period.start.map(super::object::Moment))
            .field("end", &period.end.map(super::object::Moment))
            .field_with("components", |out| write_usages(view.data, &rows, out))
            .close();
    }
    body.push(b']');
    Answer::json(200, body)
}

fn write_usages(data: &Data, rows: &[usize], out: &mut Vec<u8>) {
    out.push(b'[');
    for (position, &row) in rows.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        usages::write_short(data, row, out);
    }
    out.push(b']');
}

fn not_found() -> Answer {
    Answer::detail(404, "No Resource matches the given query.")
}

fn find(view: &View, side: Side, id: &str) -> Option<usize> {
    read_uuid(id).and_then(|uuid| view.data.resource(uuid)).filter(|&at| sees(view, side, at))
}

fn sees(view: &View, side: Side, at: usize) -> bool {
    let (user, resource) = (&view.data.users[view.user], &view.data.resources[at]);
    match side {
        Side::Provider => sees_offering(view.data, user, resource.offering),
        Side::Consumer => sees_project(view.data, user, resource.project),
    }
}

/// The resources that pass the filters of a request, in the order that it asks for.
fn select(view: &View, side: Side) -> Result<Vec<usize>, Answer> {
    let mut filters = Filters::of(view.request);
    let filter = Filter::read(&mut filters, view.behaviour);
    let orderings = filters.listed_choices("o", &ORDERINGS);
    filters.close()?;
    let candidates = view.data.resources_by_age.iter().copied();
    let mut resources: Vec<usize> = candidates
        .filter(|&at| sees(view, side, at) && filter.passes(view.data, &view.data.resources[at]))
        .collect();
    if !orderings.is_empty() {
        resources.sort_by(|&left, &right| compare(view.data, &orderings, left, right));
    }
    Ok(resources)
}

fn compare(data: &Data, orderings: &[&str], left: usize, right: usize) -> Ordering {
    let (left, right) = (&data.resources[left], &data.resources[right]);
    let by_one = |ordering: &&str| {
        let (name, descending) = ordering.strip_prefix('-').map_or((*ordering, false), |name| (name, true));
        let order = match name {
            "name" => left.name.to_lowercase().cmp(&right.name.to_lowercase()),
            "project_name" => data.projects[left.project].name.cmp(&data.projects[right.project].name),
            "created" => left.created.cmp(&right.created),
            "state" => state_rank(left).cmp(&state_rank(right)),
            _ => Ordering::Equal,
        };
        if descending { order.reverse() } else { order }
    };
    orderings.iter().map(by_one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn state_rank(resource: &Resource) -> usize {
    let state = resource.state.to_string();
    STATES.iter().position(|known| *known == state).unwrap_or(STATES.len())
}

/// Which resources a list shows.
struct Filter {
    states: Vec<ResourceState>,
    offering: Option<Uuid>,
    linked_offering: Link,
    project: Option<Uuid>,
    customer: Option<Uuid>,
    provider: Option<Uuid>,
    plan: Option<Uuid>,
    name: Option<String>,
    name_exact: Option<String>,
    backend_id: Option<String>,
    query: Option<String>,
    created: Option<Timestamp>,
    modified: Option<Timestamp>,
}

impl Filter {
    fn read(filters: &mut Filters, behaviour: &Behaviour) -> Self {
        let start = |date: Date| behaviour.midnight_of(date);
        Self {
            states: filters
                .choices("state", &STATES)
                .into_iter()
                .map(|state| state.to_owned().into())
                .collect(),
            offering: filters.uuid("offering_uuid"),
            linked_offering: filters.link("offering", "marketplace-provider-offerings"),
            project: filters.uuid("project_uuid"),
            customer: filters.uuid("customer_uuid"),
            provider: filters.uuid("provider_uuid"),
            plan: filters.uuid("plan_uuid"),
            name: filters.text("name").map(str::to_lowercase),
            name_exact: filters.text("name_exact").map(str::to_owned),
            backend_id: filters.text("backend_id").map(str::to_owned),
            query: filters.text("query").map(str::to_lowercase),
            created: filters.date("created").map(start),
            modified: filters.date("modified").map(start),
        }
    }

    fn passes(&self, data: &Data, resource: &Resource) -> bool {
        let offering = &data.offerings[resource.offering];
        let provider = data.customers[offering.customer].uuid;
        let plan = resource.plan.map(|at| offering.written.plans[at].uuid);
        (self.states.is_empty() || self.states.contains(&resource.state))
            && self.offering.is_none_or(|uuid| uuid == offering.uuid)
            && self.linked_offering.passes(offering.uuid)
            && self.project.is_none_or(|uuid| uuid == data.projects[resource.project].uuid)
            && self.customer.is_none_or(|uuid| uuid == data.customers[data.customer_of(resource)].uuid)
            && self.provider.is_none_or(|uuid| uuid == provider)
            && self.plan.is_none_or(|uuid| Some(uuid) == plan)
            && self.name.as_ref().is_none_or(|part| resource.name.to_lowercase().contains(part))
            && self.name_exact.as_ref().is_none_or(|name| *name == resource.name)
            && self.backend_id.as_ref().is_none_or(|backend_id| *backend_id == resource.backend_id)
            && self.query.as_ref().is_none_or(|query| finds(resource, query))
            && self.created.is_none_or(|from| resource.created >= from)
            && self.modified.is_none_or(|from| resource.modified >= from)
    }
}

/// Whether a search finds a resource: by any of its names, or by its uuid.
fn finds(resource: &Resource, query: &str) -> bool {
    let names = [&resource.name, &resource.slug, &resource.backend_id, &resource.effective_id];
    names.iter().any(|name| name.to_lowercase().contains(query)) || read_uuid(query) == Some(resource.uuid)
}

fn write(view: &View, at: usize, is_detail: bool, selection: &Selection, out: &mut Vec<u8>) {
    let mut object = Object::open(out, selection);
    write_offering(view, at, &mut object);
    write_resource(view, at, &mut object);
    write_state(view, at, &mut object);
    if is_detail {
        object.field("order_in_progress", &Json::Null).field("creation_order", &Json::Null);
    }
    object.close();
}

fn write_offering(view: &View, at: usize, object: &mut Object) {
    let resource = &view.data.resources[at];
    let offering = &view.data.offerings[resource.offering];
    let written = &offering.written;
    let provider = &view.data.customers[offering.customer];
    let link = view.link(&format!("marketplace-public-offerings/{}", offering.uuid.as_simple()));
    object
        .field("offering", &link)
        .field("offering_name", &written.name)
        .id("offering_uuid", offering.uuid)
        .field("offering_description", "")
        .field("offering_image", &Json::Null)
        .field("offering_thumbnail", &Json::Null)
        .field("offering_type", &written.kind)
        .field("offering_terms_of_service", "")
        .field("offering_shared", &written.shared)
        .field("offering_billable", &written.billable)
        .field("offering_plugin_options", &json!({}))
        .field("provider_name", &provider.name)
        .id("provider_uuid", provider.uuid)
        .field("category_title", &written.category_title)
        .field("category_uuid", &written.category_uuid.map(super::object::Id))
        .field("category_icon", &Json::Null);
    let Some(plan) = resource.plan.map(|position| &written.plans[position]) else {
        // The fields of a plan that is not there are left out, they are not null.
        object.field("plan", &Json::Null);
        return;
    };
    object
        .field("plan", &format!("{link}plans/{}/", plan.uuid.as_simple()))
        .field("plan_unit", &plan.unit)
        .field("plan_name", &plan.name)
        .id("plan_uuid", plan.uuid)
        .field("plan_description", "");
}

fn write_resource(view: &View, at: usize, object: &mut Object) {
    let resource = &view.data.resources[at];
    let project = &view.data.projects[resource.project];
    let customer = &view.data.customers[view.data.customer_of(resource)];
    object
        .field("attributes", &json!({"name": resource.name}))
        .field("limits", &resource.limits)
        .id("uuid", resource.uuid)
        .moment("created", resource.created)
        .moment("modified", resource.modified)
        .field("url", &view.link(&format!("marketplace-resources/{}", resource.uuid.as_simple())))
        .field("scope", &Json::Null)
        .field("description", "")
        .field("state", &resource.state)
        .field("resource_uuid", &Json::Null)
        .field("backend_id", &resource.backend_id)
        .field("effective_id", &resource.effective_id)
        .field("resource_type", &Json::Null)
        .field("project", &view.link(&format!("projects/{}", project.uuid.as_simple())))
        .id("project_uuid", project.uuid)
        .field("project_name", &project.name)
        .field("project_description", "")
        .field("project_end_date", &Json::Null)
        .field("project_end_date_requested_by", &Json::Null)
        .id("customer_uuid", customer.uuid)
        .field("customer_name", &customer.name)
        .field("backend_metadata", &json!({}));
    if view.behaviour.dialect.resources_tell_components_and_slugs() {
        object.field("project_slug", &project.slug).field("customer_slug", &customer.slug).field_with(
            "offering_components",
            |out| {
                offerings::write_components(view, resource.offering, out);
            },
        );
    }
}

fn write_state(view: &View, at: usize, object: &mut Object) {
    let data = view.data;
    let resource = &data.resources[at];
    let offering = &data.offerings[resource.offering];
    let has = |wanted: &BillingType| {
        offering.components.iter().any(|&at| data.components[at].written.billing_type == *wanted)
    };
    object
        .field("is_usage_based", &has(&BillingType::Usage))
        .field("is_limit_based", &has(&BillingType::Limit))
        .field("name", &resource.name)
        .field("slug", &resource.slug)
        .field("current_usages", &resource.current_usages)
        .field("can_terminate", &true)
        .field("report", &Json::Null)
        .field("end_date", &Json::Null)
        .field("end_date_requested_by", &Json::Null)
        .field("username", &Json::Null)
        .field_with("limit_usage", |out| {
            let _ = serde_json::to_writer(out, &limit_usage(data, at));
        })
        .field("downscaled", &false)
        .field("restrict_member_access", &false)
        .field("paused", &false)
        .field("endpoints", &json!([]))
        .field("error_message", "")
        .field("error_traceback", "")
        .id("offering_customer_uuid", data.customers[offering.customer].uuid)
        .field("options", &Json::Null)
        .field("available_actions", &json!([]));
}

/// What is reported against each ordered limit; null where nothing is.
fn limit_usage(data: &Data, at: usize) -> Map<String, Json> {
    let offering = &data.offerings[data.resources[at].offering];
    let limits = offering
        .components
        .iter()
        .filter(|&&at| data.components[at].written.billing_type == BillingType::Limit);
    let reported = |component: usize| {
        let rows = data.usages.of_resource(at).filter(move |(_, row)| row.component == component);
        let amounts: Vec<Amount> = rows.map(|(_, row)| row.amount).collect();
        let total = Amount::total(amounts.iter().copied())?;
        (!amounts.is_empty()).then(|| total.to_string())
    };
    limits.map(|&at| (data.components[at].kind.as_str().to_owned(), json!(reported(at)))).collect()
}
