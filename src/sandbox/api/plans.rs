//! `marketplace-plans` and `marketplace-plan-components`: prices, which the server prints as numbers
//! in one place and as texts of ten places in the other.

use serde_json::{Map, Value as Json, json};

use super::object::{Object, Selection};
use super::{Answer, View};
use crate::domain::{Amount, BillingType};
use crate::sandbox::rules::sees_offering;
use crate::sandbox::world;

pub(super) fn list(view: &View) -> Answer {
    let mut plans: Vec<(usize, usize)> = visible_offerings(view)
        .flat_map(|at| (0..view.data.offerings[at].written.plans.len()).map(move |plan| (at, plan)))
        .collect();
    plans.sort_by_key(|&(at, plan)| &view.data.offerings[at].written.plans[plan].name);
    let selection = Selection::of(view.request);
    view.page(&plans, |&(at, plan), out| write(view, at, plan, true, &selection, out))
}

pub(super) fn components(view: &View) -> Answer {
    let data = view.data;
    let mut prices = Vec::new();
    for at in visible_offerings(view) {
        for &component in &data.offerings[at].components {
            let component = &data.components[component].written;
            let plans = data.offerings[at].written.plans.iter();
            prices.extend(plans.filter_map(|plan| {
                let price = plan.prices.get(&component.kind)?;
                Some((at, component, plan, *price))
            }));
        }
    }
    let selection = Selection::of(view.request);
    view.page(&prices, |&(at, component, plan, price), out| {
        Object::open(out, &selection)
            .field("offering_name", &data.offerings[at].written.name)
            .field("plan_name", &plan.name)
            .field("plan_unit", &plan.unit)
            .field("component_name", &component.name)
            .field("measured_unit", &component.measured_unit)
            .field("billing_type", &component.billing_type)
            .field("amount", &plan.amounts.get(&component.kind).copied().unwrap_or(0))
            .field("price", &ten_places(price))
            .field("future_price", &Json::Null)
            .close();
    })
}

/// Writes the plans of an offering as its own list.
pub(super) fn write_of_offering(view: &View, offering: usize, out: &mut Vec<u8>) {
    let plans = &view.data.offerings[offering].written.plans;
    let mut order: Vec<usize> = (0..plans.len()).collect();
    order.sort_by_key(|&plan| &plans[plan].name);
    out.push(b'[');
    for (position, plan) in order.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(view, offering, plan, false, &Selection::all(), out);
    }
    out.push(b']');
}

fn visible_offerings<'a>(view: &View<'a>) -> impl Iterator<Item = usize> + use<'a> {
    let (data, user) = (view.data, view.user);
    (0..data.offerings.len())
        .filter(move |&at| data.offerings[at].written.shared || sees_offering(data, &data.users[user], at))
}

fn write(view: &View, at: usize, position: usize, alone: bool, selection: &Selection, out: &mut Vec<u8>) {
    let data = view.data;
    let offering = &data.offerings[at];
    let plan = &offering.written.plans[position];
    let uses = |resource: &&crate::sandbox::data::Resource| {
        resource.offering == at && resource.plan == Some(position)
    };
    let types = || offering.components.iter().map(|&at| data.components[at].kind.as_str().to_owned());
    let nulls: Map<String, Json> = types().map(|name| (name, Json::Null)).collect();
    let mut object = Object::open(out, selection);
    object
        .field("url", &view.link(&format!("marketplace-plans/{}", plan.uuid.as_simple())))
        .id("uuid", plan.uuid)
        .field("name", &plan.name)
        .field("description", "")
        .field("article_code", "")
        .field("max_amount", &Json::Null)
        .field("archived", &false)
        .field("is_active", &true)
        .field("unit_price", &ten_places(plan.unit_price))
        .field("unit", &plan.unit)
        .field("init_price", &0)
        .field("switch_price", &0)
        .field("backend_id", "")
        .field("organization_groups", &json!([]));
    if alone {
        let link = view.link(&format!("marketplace-provider-offerings/{}", offering.uuid.as_simple()));
        object.field("offering", &link);
    }
    object
        .field_with("prices", |out| write_prices(plan, out))
        .field("future_prices", &nulls)
        .field("quotas", &plan.amounts)
        .field("resources_count", &data.resources.iter().filter(uses).count())
        .field("plan_type", plan_type(&offering.written, view))
        .field_with("minimal_price", |out| {
            let minimal = minimal_price(view, at, plan);
            out.extend_from_slice(number(minimal).as_bytes());
        })
        .close();
}

fn write_prices(plan: &world::Plan, out: &mut Vec<u8>) {
    let written = plan.prices.iter().map(|(name, &price)| format!("{}:{}", json!(name), number(price)));
    out.push(b'{');
    out.extend_from_slice(written.collect::<Vec<_>>().join(",").as_bytes());
    out.push(b'}');
}

fn plan_type(offering: &world::Offering, view: &View) -> &'static str {
    let at = view.data.offering(offering.uuid).unwrap_or_default();
    let components = view.data.offerings[at].components.iter().map(|&at| &view.data.components[at].written);
    let mut kinds: Vec<_> = components.map(|component| &component.billing_type).collect();
    kinds.dedup();
    match kinds[..] {
        [BillingType::Usage] => "usage-based",
        [BillingType::Fixed] => "fixed",
        [BillingType::Limit] => "limit",
        _ => "mixed",
    }
}

/// What the plan costs at least: its fixed amounts, and one of each ordered limit.
fn minimal_price(view: &View, at: usize, plan: &world::Plan) -> Amount {
    let components = view.data.offerings[at].components.iter().map(|&at| &view.data.components[at].written);
    let parts = components.flat_map(|component| {
        let name = &component.kind;
        let times = match component.billing_type {
            BillingType::Fixed => plan.amounts.get(name).copied().unwrap_or(0),
            BillingType::Limit => 1,
            _ => 0,
        };
        let price = plan.prices.get(name).copied().unwrap_or_default();
        (0..times).map(move |_| price)
    });
    Amount::total(parts).unwrap_or_default()
}

/// An amount as the server prints a number: one decimal place at least, no zeros after it.
pub(super) fn number(amount: Amount) -> String {
    let text = amount.to_string();
    let kept = text.trim_end_matches('0');
    if kept.ends_with('.') { format!("{kept}0") } else { kept.to_owned() }
}

/// An amount with ten decimal places.
pub(super) fn ten_places(amount: Amount) -> String {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}.{fraction:0<10}")
}
