//! Reporting the usage of a resource.
//!
//! One request speaks of one resource and writes its components one after the other. On a server
//! that is not atomic, a limit that is exceeded in the middle leaves what came before it stored.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::form::{Complaint, Form, complaint};
use super::{Refusal, billing, fields, limits, may_report};
use crate::domain::{Amount, BillingPeriod, CarryOver};
use crate::sandbox::behaviour::{Behaviour, CarryOverField, CurrentUsages, DateFrom, Limits, RowPer};
use crate::sandbox::data::{Data, Undo, UsageRow};
use crate::sandbox::python::Value;

/// Characters of a stored description; the form does not check it, the database does.
const LONGEST_DESCRIPTION: usize = 2_000;

/// One component of a report.
#[derive(Debug)]
struct Item {
    component_type: String,
    amount: Amount,
    description: String,
    carry_over: CarryOver,
}

/// A report whose form is right.
#[derive(Debug)]
struct Report {
    resource: usize,
    plan_period: Option<usize>,
    moment: Timestamp,
    items: Vec<Item>,
}

/// Carries out a report, or says why not.
pub(in crate::sandbox) fn set_usage(
    data: &mut Data,
    behaviour: &Behaviour,
    user: usize,
    now: Timestamp,
    body: &Value,
) -> Result<(), Refusal> {
    let report = read(data, behaviour, user, now, body).map_err(Refusal::Invalid)?;
    let offering = data.resources[report.resource].offering;
    if !may_report(data, &data.users[user], offering) {
        return Err(Refusal::Forbidden);
    }
    let mut undo = Undo::default();
    let outcome = store(data, behaviour, user, now, &report, &mut undo);
    let taken_back = match outcome {
        Ok(()) => false,
        Err(Refusal::Broken) => true,
        Err(_) => behaviour.atomic,
    };
    if taken_back {
        data.roll_back(undo);
    }
    outcome
}

fn read(
    data: &Data,
    behaviour: &Behaviour,
    user: usize,
    now: Timestamp,
    body: &Value,
) -> Result<Report, Json> {
    let mut form = Form::open(body)?;
    let items = form.required("usages", |value| read_items(behaviour, value));
    let plan_period = form.optional("plan_period", |value| read_plan_period(data, now, value));
    let resource = form.optional("resource", |value| fields::object(value, |uuid| data.resource(uuid)));
    let moment = match behaviour.date {
        DateFrom::Nobody => None,
        _ if form.is_null("date") => None,
        _ => form.optional("date", |value| read_date(data, user, now, value)),
    };
    form.close()?;
    let (resource, plan_period) = match (plan_period, resource) {
        // Whether the two belong together is not looked at; the plan period wins.
        (Some((resource, position)), _) => (resource, Some(position)),
        (None, Some(resource)) => (resource, None),
        (None, None) => return Err(non_field("Either plan_period or resource should be provided.")),
    };
    let report =
        Report { resource, plan_period, moment: moment.unwrap_or(now), items: items.unwrap_or_default() };
    check_resource(data, &report)?;
    Ok(report)
}

fn non_field(message: impl Into<String>) -> Json {
    json!({"non_field_errors": [message.into()]})
}

fn read_items(behaviour: &Behaviour, value: &Value) -> Result<Vec<Item>, Complaint> {
    let Value::List(values) = value else {
        return Err(non_field(format!("Expected a list of items but got type \"{}\".", value.type_name())));
    };
    let (mut items, mut errors, mut faulty) = (Vec::new(), Vec::new(), false);
    for value in values {
        match read_item(behaviour, value) {
            Ok(item) => {
                items.push(item);
                errors.push(json!({}));
            }
            Err(error) => {
                faulty = true;
                errors.push(error);
            }
        }
    }
    if faulty { Err(Json::Array(errors)) } else { Ok(items) }
}

fn read_item(behaviour: &Behaviour, value: &Value) -> Result<Item, Json> {
    let mut form = Form::open(value)?;
    let component_type = form.required("type", fields::text);
    let amount = form.required("amount", fields::amount);
    let description = form.optional("description", fields::blank_text);
    let recurring = form.optional("recurring", fields::boolean);
    let policy = match behaviour.carry_over {
        CarryOverField::Recurring => None,
        CarryOverField::Policy => form.optional("missing_usage_policy", fields::carry_over),
    };
    let carry_over = match (recurring, policy) {
        (Some(true), Some(CarryOver::None | CarryOver::Zero)) => {
            form.complain("recurring", complaint("Contradicts missing_usage_policy."));
            CarryOver::None
        }
        (_, Some(policy)) => policy,
        (recurring, None) => CarryOver::from_recurring(recurring.unwrap_or(false)),
    };
    form.close()?;
    Ok(Item {
        component_type: component_type.unwrap_or_default(),
        amount: amount.unwrap_or_default(),
        description: description.unwrap_or_default(),
        carry_over,
    })
}

fn read_plan_period(data: &Data, now: Timestamp, value: &Value) -> Result<(usize, usize), Complaint> {
    let (resource, position) = fields::object(value, |uuid| data.plan_period(uuid))?;
    let ended = data.resources[resource].plan_periods[position].end;
    let month = BillingPeriod::of(now).map_or(Timestamp::MIN, BillingPeriod::start);
    if ended.is_some_and(|end| end < month) {
        return Err(complaint("Billing period is closed."));
    }
    Ok((resource, position))
}

fn read_date(data: &Data, user: usize, now: Timestamp, value: &Value) -> Result<Timestamp, Complaint> {
    let moment = fields::moment(value)?;
    if moment > now {
        return Err(complaint("Date cannot be in the future."));
    }
    if !data.users[user].is_staff {
        return Err(complaint("Only staff can report usage for a date."));
    }
    Ok(moment)
}

fn check_resource(data: &Data, report: &Report) -> Result<(), Json> {
    let resource = &data.resources[report.resource];
    if !resource.state.takes_usage() {
        return Err(json!({"resource": ["Resource is not in valid state."]}));
    }
    let takes = |item: &&Item| {
        let component = data.component(resource.offering, &item.component_type);
        component.is_some_and(|at| data.components[at].takes_usage())
    };
    let mut invalid: Vec<&str> =
        report.items.iter().filter(|item| !takes(item)).map(|item| item.component_type.as_str()).collect();
    if invalid.is_empty() {
        return Ok(());
    }
    invalid.sort_unstable();
    invalid.dedup();
    Err(non_field(format!("These components are invalid: {}.", invalid.join(", "))))
}

fn store(
    data: &mut Data,
    behaviour: &Behaviour,
    user: usize,
    now: Timestamp,
    report: &Report,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let resource = &data.resources[report.resource];
    if resource.plan.is_none() {
        return Err(Refusal::Broken);
    }
    let period = BillingPeriod::of(report.moment).map_err(|_| Refusal::Broken)?;
    let in_effect = || resource.plan_periods.iter().position(|period| period.contains(report.moment));
    let plan_period = report.plan_period.or_else(in_effect);
    let offering = resource.offering;
    for item in &report.items {
        let component = data.component(offering, &item.component_type).ok_or(Refusal::Broken)?;
        if behaviour.limits == Limits::Refused {
            limits::check(data, report.resource, component, item.amount, report.moment)
                .map_err(Refusal::Invalid)?;
        }
        let row = UsageRow {
            uuid: data.new_uuid(),
            resource: report.resource,
            component,
            plan_period,
            period,
            amount: item.amount,
            date: report.moment,
            created: now,
            description: item.description.as_str().into(),
            carry_over: item.carry_over,
            modified_by: Some(data.users[user].id),
        };
        write(data, behaviour, row, now, undo)?;
    }
    keep_current_usages(data, behaviour, now, report);
    Ok(())
}

/// Writes one component, over the row that it already has or as a new one.
fn write(
    data: &mut Data,
    behaviour: &Behaviour,
    row: UsageRow,
    now: Timestamp,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let same_month =
        |(_, stored): &(usize, &UsageRow)| stored.component == row.component && stored.period == row.period;
    let rows: Vec<usize> =
        data.usages.of_resource(row.resource).filter(same_month).map(|(at, _)| at).collect();
    // A report speaks for the whole month: what other rows of it carried over is switched off too.
    for &at in &rows {
        if data.usages.row(at).carry_over != CarryOver::None {
            data.usages.update(at, undo, |stored| stored.carry_over = CarryOver::None);
        }
    }
    let plan = |row: &UsageRow| plan_of(data, row);
    let found = rows.iter().copied().find(|&at| match behaviour.rows {
        RowPer::PlanPeriod => data.usages.row(at).plan_period == row.plan_period,
        RowPer::Month => true,
        RowPer::PlanAndMonth => plan(data.usages.row(at)) == plan(&row),
    });
    let amount = match behaviour.rows {
        RowPer::PlanPeriod | RowPer::Month => row.amount,
        RowPer::PlanAndMonth => {
            let others = rows.iter().filter(|&&at| Some(at) != found);
            let stored = Amount::total(others.map(|&at| data.usages.row(at).amount)).unwrap_or_default();
            row.amount.checked_sub(stored).unwrap_or_default().max(Amount::ZERO)
        }
    };
    let row = UsageRow { amount, ..row };
    let before = found.map(|at| data.usages.row(at).amount);
    if row.description.chars().count() > LONGEST_DESCRIPTION {
        return Err(Refusal::Broken);
    }
    let at = match found {
        Some(at) => {
            data.usages.update(at, undo, |stored| {
                *stored = UsageRow { uuid: stored.uuid, created: stored.created, ..row };
            });
            at
        }
        None => data.usages.create(row, undo),
    };
    billing::follow(data, behaviour, at, before, now, undo)
}

/// The plan that a row is billed under, by its position in the offering.
fn plan_of(data: &Data, row: &UsageRow) -> Option<usize> {
    row.plan_period.map(|at| data.resources[row.resource].plan_periods[at].plan)
}

fn keep_current_usages(data: &mut Data, behaviour: &Behaviour, now: Timestamp, report: &Report) {
    let resource = &mut data.resources[report.resource];
    if behaviour.current_usages == CurrentUsages::Replaced {
        resource.current_usages.clear();
    }
    for item in &report.items {
        resource.current_usages.insert(item.component_type.clone(), item.amount.to_string().into());
    }
    resource.modified = now;
}
