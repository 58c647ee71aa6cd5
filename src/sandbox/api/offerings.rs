//! `marketplace-provider-offerings` and `marketplace-public-offerings`, with components and plans.

use serde_json::{Value as Json, json};

use super::filters::Filters;
use super::object::{Object, Selection};
use super::request::read_uuid;
use super::route::Side;
use super::{Answer, View, plans};
use crate::sandbox::rules::sees_offering;

pub(super) fn list(view: &View, side: Side) -> Answer {
    match select(view, side) {
        Ok(offerings) => {
            let selection = Selection::of(view.request);
            view.page(&offerings, |&at, out| write(view, side, at, &selection, out))
        }
        Err(refusal) => refusal,
    }
}

pub(super) fn detail(view: &View, side: Side, id: &str) -> Answer {
    let found = read_uuid(id).and_then(|uuid| view.data.offering(uuid)).filter(|&at| sees(view, side, at));
    let Some(at) = found else {
        return Answer::detail(404, "No Offering matches the given query.");
    };
    let mut body = Vec::new();
    write(view, side, at, &Selection::of(view.request), &mut body);
    Answer::json(200, body)
}

fn sees(view: &View, side: Side, at: usize) -> bool {
    let as_provider = || sees_offering(view.data, &view.data.users[view.user], at);
    match side {
        Side::Provider => as_provider(),
        Side::Consumer => view.data.offerings[at].written.shared || as_provider(),
    }
}

fn select(view: &View, side: Side) -> Result<Vec<usize>, Answer> {
    let mut filters = Filters::of(view.request);
    let customer = filters.uuid("customer_uuid");
    let name = filters.text("name").map(str::to_lowercase);
    let name_exact = filters.text("name_exact");
    filters.close()?;
    let data = view.data;
    let passes = |&at: &usize| {
        let offering = &data.offerings[at];
        sees(view, side, at)
            && customer.is_none_or(|uuid| uuid == data.customers[offering.customer].uuid)
            && name.as_ref().is_none_or(|part| offering.written.name.to_lowercase().contains(part))
            && name_exact.is_none_or(|name| name == offering.written.name)
    };
    Ok((0..data.offerings.len()).filter(passes).collect())
}

fn write(view: &View, side: Side, at: usize, selection: &Selection, out: &mut Vec<u8>) {
    let offering = &view.data.offerings[at];
    let written = &offering.written;
    let customer = &view.data.customers[offering.customer];
    let collection = match side {
        Side::Provider => "marketplace-provider-offerings",
        Side::Consumer => "marketplace-public-offerings",
    };
    Object::open(out, selection)
        .field("url", &view.link(&format!("{collection}/{}", offering.uuid.as_simple())))
        .id("uuid", offering.uuid)
        .field("name", &written.name)
        .field("slug", &written.slug)
        .field("description", "")
        .field("full_description", "")
        .field("customer", &view.link(&format!("customers/{}", customer.uuid.as_simple())))
        .id("customer_uuid", customer.uuid)
        .field("customer_name", &customer.name)
        .field("category_uuid", &written.category_uuid.map(super::object::Id))
        .field("category_title", &written.category_title)
        .field("attributes", &json!({}))
        .field_with("components", |out| write_components(view, at, out))
        .field("state", &written.state)
        .field_with("plans", |out| plans::write_of_offering(view, at, out))
        .field("type", &written.kind)
        .field("shared", &written.shared)
        .field("billable", &written.billable)
        .close();
}

/// The components of an offering, as it shows them and, on newer servers, each of its resources.
pub(super) fn write_components(view: &View, at: usize, out: &mut Vec<u8>) {
    let components = view.data.offerings[at].components.iter().map(|&at| {
        let component = &view.data.components[at].written;
        json!({
            "uuid": component.uuid.as_simple().to_string(),
            "billing_type": component.billing_type,
            "type": component.kind,
            "name": component.name,
            "description": "",
            "measured_unit": component.measured_unit,
            "limit_period": component.limit_period,
            "limit_amount": component.limit_amount,
            "article_code": component.article_code,
            "max_value": component.max_value,
            "min_value": component.min_value,
            "max_available_limit": null,
            "is_boolean": component.is_boolean,
            "default_limit": null,
            "factor": null,
            "is_builtin": false,
        })
    });
    let _ = serde_json::to_writer(out, &components.collect::<Vec<Json>>());
}
