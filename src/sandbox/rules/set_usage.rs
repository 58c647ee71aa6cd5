//! Reporting the usage of a resource.
//!
//! One request speaks of one resource and writes its components one after the other. On a server
//! that is not atomic, a limit that is exceeded in the middle leaves what came before it stored.

use super::report::{Item, Report};
use super::{Caller, Refusal, billing, limits, may_report, plan_periods};
use crate::domain::{Amount, BillingType, CarryOver};
use crate::sandbox::behaviour::{Behaviour, CurrentUsages, Limits, RowPer};
use crate::sandbox::data::{Data, Undo, UsageRow};
use crate::sandbox::python::Value;

/// Characters of a stored description; the form does not check it, the database does.
const LONGEST_DESCRIPTION: usize = 2_000;

/// Carries out a report, or says why not.
pub(in crate::sandbox) fn set_usage(data: &mut Data, caller: Caller, body: &Value) -> Result<(), Refusal> {
    let report = Report::read(data, caller, body).map_err(Refusal::Invalid)?;
    let offering = data.resources[report.resource].offering;
    if !may_report(data, &data.users[caller.user], offering) {
        return Err(Refusal::Forbidden);
    }
    let mut undo = data.begin();
    let outcome =
        store(data, caller, &report, &mut undo).map(|rows| keep_current_usages(data, caller, &report, &rows));
    let is_taken_back = match outcome {
        Ok(()) => false,
        Err(Refusal::Broken) => true,
        Err(_) => caller.behaviour.atomic,
    };
    if is_taken_back {
        data.roll_back(undo);
    }
    outcome
}

/// Carries out the first items of a report and then breaks without taking them back, as a server that
/// is stopped halfway does. A report that has no more items is carried out as ever.
pub(in crate::sandbox) fn set_usage_in_part(
    data: &mut Data,
    caller: Caller,
    body: &Value,
    items: usize,
) -> Result<(), Refusal> {
    let mut report = Report::read(data, caller, body).map_err(Refusal::Invalid)?;
    let offering = data.resources[report.resource].offering;
    if report.items.len() <= items || !may_report(data, &data.users[caller.user], offering) {
        return set_usage(data, caller, body);
    }
    report.items.truncate(items);
    let mut undo = data.begin();
    let outcome = store(data, caller, &report, &mut undo);
    if outcome == Err(Refusal::Broken) {
        data.roll_back(undo);
    }
    outcome.and(Err(Refusal::Broken))
}

/// Writes the items of a report; tells the row of each.
fn store(data: &mut Data, caller: Caller, report: &Report, undo: &mut Undo) -> Result<Vec<usize>, Refusal> {
    let behaviour = caller.behaviour;
    let resource = &data.resources[report.resource];
    if resource.plan.is_none() {
        return Err(Refusal::Broken);
    }
    let offering = resource.offering;
    let period = behaviour.month_of(report.moment).map_err(|_| Refusal::Broken)?;
    // All components of a report are stored under one plan period, the first one's.
    let plan_period = report
        .plan_period
        .or_else(|| plan_periods::find_or_make(data, caller, report.resource, report.moment, undo));
    let mut rows = Vec::with_capacity(report.items.len());
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
            created: caller.now,
            description: item.description.as_str().into(),
            carry_over: item.carry_over,
            modified_by: Some(data.users[caller.user].id),
        };
        rows.push(write(data, caller, row, undo)?);
    }
    Ok(rows)
}

/// Writes one component, over the row that it already has or as a new one, and sees to its bill.
fn write(data: &mut Data, caller: Caller, row: UsageRow, undo: &mut Undo) -> Result<usize, Refusal> {
    let behaviour = caller.behaviour;
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
    let found = stored_row(data, behaviour, &rows, &row);
    let amount = match behaviour.rows {
        RowPer::PlanPeriod | RowPer::Month => row.amount,
        RowPer::PlanAndMonth => what_is_left(data, &rows, found, &row),
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
    billing::follow(data, behaviour, at, before, caller.now, undo)?;
    if behaviour.rows == RowPer::Month {
        // Rows that an older server made for other plan periods go when the month is reported again,
        // and what they were billed goes with them.
        for other in rows.into_iter().filter(|other| Some(*other) != found) {
            data.usages.delete(other, undo);
        }
        billing::bill_month_once(data, behaviour, at, before != Some(amount), caller.now, undo)?;
    }
    Ok(at)
}

/// The row of the month that a report writes over.
fn stored_row(data: &Data, behaviour: &Behaviour, rows: &[usize], row: &UsageRow) -> Option<usize> {
    let of_period = |at: &&usize| data.usages.row(**at).plan_period == row.plan_period;
    let of_plan = |at: &&usize| plan_of(data, data.usages.row(**at)) == plan_of(data, row);
    let found = match behaviour.rows {
        RowPer::PlanPeriod => rows.iter().find(of_period),
        RowPer::Month => rows.iter().find(of_period).or(rows.first()),
        RowPer::PlanAndMonth => rows.iter().find(of_plan),
    };
    found.copied()
}

/// What is left of a month's total for one plan's row, after the frozen rows of the other plans.
fn what_is_left(data: &Data, rows: &[usize], found: Option<usize>, row: &UsageRow) -> Amount {
    let others = rows.iter().filter(|&&at| Some(at) != found);
    let frozen = Amount::total(others.map(|&at| data.usages.row(at).amount)).unwrap_or_default();
    let left = row.amount.checked_sub(frozen).unwrap_or_default();
    let is_usage = data.components[row.component].written.billing_type == BillingType::Usage;
    if is_usage || frozen != Amount::ZERO { left.max(Amount::ZERO) } else { left }
}

/// The plan that a row is billed under, by its position in the offering.
fn plan_of(data: &Data, row: &UsageRow) -> Option<usize> {
    row.plan_period.map(|at| data.resources[row.resource].plan_periods[at].plan)
}

/// Tells the resource what is used of it now. A server that replaces keeps what it was sent; one that
/// merges looks at what is stored, which may be less.
fn keep_current_usages(data: &mut Data, caller: Caller, report: &Report, rows: &[usize]) {
    let period = caller.behaviour.month_of(report.moment).ok();
    let is_replaced = caller.behaviour.current_usages == CurrentUsages::Replaced;
    // A report for a past month does not write over what a newer month has said.
    let is_newest = |at: usize| {
        let component = data.usages.row(at).component;
        let mut of_resource = data.usages.of_resource(report.resource);
        of_resource.all(|(_, row)| row.component != component || Some(row.period) <= period)
    };
    let amount = |item: &Item, at: usize| if is_replaced { item.amount } else { data.usages.row(at).amount };
    let kept: Vec<_> = report
        .items
        .iter()
        .zip(rows)
        .filter(|(_, at)| is_replaced || is_newest(**at))
        .map(|(item, at)| (item.component_type.clone(), amount(item, *at).to_string()))
        .collect();
    let resource = &mut data.resources[report.resource];
    if is_replaced {
        resource.current_usages.clear();
    }
    for (component_type, amount) in kept {
        resource.current_usages.insert(component_type, amount.into());
    }
    resource.modified = caller.now;
}
