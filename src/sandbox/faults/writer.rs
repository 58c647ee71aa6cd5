//! Somebody else who reports usage at the same time: a member of staff who posts another amount for
//! the resource that a request speaks of, by the rules that everybody posts by.

use std::sync::PoisonError;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::domain::{Amount, BillingPeriod, CarryOver};
use crate::sandbox::api::{Order, Request, State};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::data::{Data, UsageRow};
use crate::sandbox::event::Post;
use crate::sandbox::python;
use crate::sandbox::rules::{Caller, takes_usage};

/// What the log says about where such a report came from.
const PATH: &str = "another writer";
/// How much of a body is looked at.
const LOOKED_AT: usize = 64 * 1024;

/// Writes another amount. Nothing is written where the rules do not let anybody.
pub(super) fn write(state: &State, request: &Request, amount: Option<Amount>) {
    let now = state.clock.now();
    let Ok(month) = state.behaviour.month_of(now) else { return };
    let body = String::from_utf8_lossy(&request.body[..request.body.len().min(LOOKED_AT)]).into_owned();
    let mut data = state.data.write().unwrap_or_else(PoisonError::into_inner);
    let Some(writer) = data.users.iter().position(|user| user.is_staff) else { return };
    let resource =
        [request.path.as_str(), &request.raw_query, &body].iter().find_map(|text| named(&data, text));
    let Some(resource) = resource.or_else(|| last_reported(&data, month)) else { return };
    let Some(reports) = reports(&data, &state.behaviour, resource, month, &body, amount) else { return };
    for report in reports {
        let text = report.to_string();
        let Ok(body) = python::parse(text.as_bytes()) else { continue };
        let order = Order { post: Post::Usage, body: &body, text: text.as_bytes(), items: None };
        let caller = Caller { behaviour: &state.behaviour, user: writer, now };
        let (outcome, _) = state.commit(&mut data, caller, &order, PATH);
        if outcome.is_ok() {
            return;
        }
    }
}

/// The resource that the first id in a text belongs to.
fn named(data: &Data, text: &str) -> Option<usize> {
    let words = text.split(|character: char| !character.is_ascii_hexdigit() && character != '-');
    let ids =
        words.filter(|word| matches!(word.len(), 32 | 36)).filter_map(|word| Uuid::try_parse(word).ok());
    ids.into_iter().find_map(|id| {
        let of_period = || data.plan_period(id).map(|(resource, _)| resource);
        let of_usage = || data.usages.find(id).map(|at| data.usages.row(at).resource);
        data.resource(id).or_else(of_period).or_else(of_usage)
    })
}

/// The resource of the newest row of a month.
fn last_reported(data: &Data, month: BillingPeriod) -> Option<usize> {
    let rows = (0..data.usages.len()).rev().map(|at| data.usages.row(at));
    rows.into_iter().find(|row| row.period == month).map(|row| row.resource)
}

/// The reports to try: into the plan period of the row, and where that is closed by the resource.
fn reports(
    data: &Data,
    behaviour: &Behaviour,
    resource: usize,
    month: BillingPeriod,
    body: &str,
    amount: Option<Amount>,
) -> Option<Vec<Json>> {
    let spoken_of = |component: usize| body.contains(&format!("\"{}\"", data.components[component].kind));
    let row: Option<&UsageRow> = data
        .usages
        .of_resource(resource)
        .map(|(_, row)| row)
        .filter(|row| row.period == month && takes_usage(data, behaviour, row.component))
        .max_by_key(|row| spoken_of(row.component));
    let offering = &data.offerings[data.resources[resource].offering];
    let reported = offering.components.iter().copied().filter(|&at| takes_usage(data, behaviour, at));
    let component = row.map(|row| row.component).or_else(|| reported.max_by_key(|&at| spoken_of(at)))?;
    let one_more = || row.map_or(Amount::ZERO, |row| row.amount).checked_add(Amount::parse("1").ok()?);
    let item = json!({
        "type": data.components[component].kind.as_str(),
        "amount": amount.or_else(one_more)?.to_string(),
        "description": row.map_or("", |row| &row.description),
        "recurring": row.is_some_and(|row| row.carry_over == CarryOver::Reuse),
    });
    let resource = &data.resources[resource];
    let period = row.and_then(|row| row.plan_period).map(|at| resource.plan_periods[at].uuid);
    let by_period = period.map(|uuid| json!({"plan_period": uuid.as_simple().to_string(), "usages": [item]}));
    let by_resource = json!({"resource": resource.uuid.as_simple().to_string(), "usages": [item]});
    Some(by_period.into_iter().chain([by_resource]).collect())
}
