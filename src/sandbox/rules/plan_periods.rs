//! Which plan period a report is stored under that names none.
//!
//! Without one a usage is stored all the same, but never billed.

use super::Caller;
use crate::domain::{BillingPeriod, ResourceState};
use crate::sandbox::behaviour::PlanPeriodOf;
use crate::sandbox::data::{Data, Undo};

use jiff::Timestamp;

/// Finds the plan period of a moment, as its position in the resource; newer servers make one.
pub(super) fn find_or_make(
    data: &mut Data,
    caller: Caller,
    resource: usize,
    moment: Timestamp,
    undo: &mut Undo,
) -> Option<usize> {
    let found = data.resources[resource].plan_periods.iter().position(|period| period.contains(moment));
    match caller.behaviour.plan_periods {
        PlanPeriodOf::Moment => found,
        PlanPeriodOf::Month => found
            .or_else(|| overlapping(data, caller, resource, moment))
            .or_else(|| make(data, caller, resource, moment, undo)),
    }
}

/// A plan period that shares at least an instant with the month of a moment.
fn overlapping(data: &Data, caller: Caller, resource: usize, moment: Timestamp) -> Option<usize> {
    let month = caller.behaviour.month_of(moment).ok()?;
    let (start, end) = (caller.behaviour.start_of(month), caller.behaviour.start_of(month.next()));
    data.resources[resource]
        .plan_periods
        .iter()
        .position(|period| period.start.is_none_or(|it| it < end) && period.end.is_none_or(|it| it > start))
}

/// Makes the first plan period of a resource that is in use and never had one. A gap in the past
/// stays a gap.
fn make(
    data: &mut Data,
    caller: Caller,
    resource: usize,
    moment: Timestamp,
    undo: &mut Undo,
) -> Option<usize> {
    let month = |moment: Timestamp| -> Option<BillingPeriod> { caller.behaviour.month_of(moment).ok() };
    let it = &data.resources[resource];
    let is_in_use = matches!(it.state, ResourceState::Ok | ResourceState::Updating);
    let plan = it.plan?;
    if !is_in_use || !it.plan_periods.is_empty() || month(moment) != month(caller.now) {
        return None;
    }
    data.begin_plan_period(resource, plan, caller.now, undo);
    Some(0)
}
