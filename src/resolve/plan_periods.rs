//! Which plan periods a month has, as far as the server tells, and whether a row may name one.
//!
//! The server lists the plan periods of a resource that have not ended before its own current month.
//! Without one, a usage is stored and never billed. Which stored row a report reaches is decided in
//! `plan`, where the stored rows are known.

use std::collections::BTreeMap;

use crate::domain::{BillingPeriod, ResourceId, visible};
use crate::findings::{Code, Finding, Findings};

use super::capabilities::RowsPer;
use super::catalogue::{Catalogue, PlanPeriod, Resource};
use super::usages::Usage;

/// Judges figures by the plan periods of their resources; resources whose plan periods are not in the
/// catalogue are passed over.
pub fn plan_periods<'a>(
    usages: impl IntoIterator<Item = &'a Usage>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) {
    for (resource, periods, own) in by_resource(usages, catalogue) {
        let month = own[0].period;
        if !periods.iter().any(|period| period.overlaps(month)) {
            findings.push(about(without_plan_period(resource, month, catalogue), &own));
        }
        for usage in own {
            if let Some(finding) = named_plan_period(usage, resource, periods) {
                findings.push(about(finding, &[usage]));
            }
        }
    }
}

/// Finds rows whose month has several plan periods and which name none, on servers with a row for
/// each of them.
pub fn several_plan_periods<'a>(
    usages: impl IntoIterator<Item = &'a Usage>,
    catalogue: &Catalogue,
    rows: RowsPer,
    findings: &mut Findings,
) {
    if rows != RowsPer::PlanPeriod {
        return;
    }
    for (resource, periods, mut own) in by_resource(usages, catalogue) {
        let month = own[0].period;
        let overlapping: Vec<_> = periods.iter().filter(|period| period.overlaps(month)).collect();
        own.retain(|usage| usage.plan_period.is_none());
        if overlapping.len() > 1 && !own.is_empty() {
            let shown: Vec<String> = overlapping.iter().map(ToString::to_string).collect();
            let found = format!("{}: {}", visible(&resource.name), shown.join(", "));
            let finding = Finding::new(Code::SeveralPlanPeriods, found, "one plan period in the month");
            findings.push(about(finding.hint(HOW_TO_CHOOSE), &own));
        }
    }
}

/// What the user can do about several rows of one key.
pub const HOW_TO_CHOOSE: &str = "name the plan period of each row in a column plan_period, or use `--split-plans remainder`, which \
     posts what the other stored rows leave of the total";

/// The figures by resource, in the order of the input, with the plan periods of each.
fn by_resource<'a, 'c>(
    usages: impl IntoIterator<Item = &'a Usage>,
    catalogue: &'c Catalogue,
) -> Vec<(&'c Resource, &'c [PlanPeriod], Vec<&'a Usage>)> {
    let mut by_resource: BTreeMap<(ResourceId, BillingPeriod), Vec<&Usage>> = BTreeMap::new();
    let mut order = Vec::new();
    for usage in usages {
        let own = by_resource.entry((usage.resource, usage.period)).or_default();
        if own.is_empty() {
            order.push((usage.resource, usage.period));
        }
        own.push(usage);
    }
    let known = order.into_iter().filter_map(|key| {
        let own = by_resource.remove(&key)?;
        Some((catalogue.resource(key.0)?, catalogue.plan_periods(key.0)?, own))
    });
    known.collect()
}

fn about(finding: Finding, usages: &[&Usage]) -> Finding {
    let mut finding = finding.at(usages[0].place.clone());
    finding.rows = usages.iter().map(|usage| usage.row).collect();
    finding
}

fn without_plan_period(resource: &Resource, month: BillingPeriod, catalogue: &Catalogue) -> Finding {
    let is_past = catalogue.current_period().is_some_and(|current| month < current);
    let name = visible(&resource.name);
    let found = if is_past {
        format!("{name} lists no plan period of {month} any more")
    } else {
        format!("{name} has no plan period in {month}")
    };
    Finding::new(Code::NoPlanPeriod, found, "a plan period, without which nothing is billed")
}

/// A plan period can be named that the resource lists and that has a share of the month.
fn named_plan_period(usage: &Usage, resource: &Resource, periods: &[PlanPeriod]) -> Option<Finding> {
    let named = usage.plan_period?;
    let expected = || {
        let shown: Vec<String> = periods.iter().map(|period| format!("{} {period}", period.id)).collect();
        if shown.is_empty() {
            format!("no plan period: {} lists none", visible(&resource.name))
        } else {
            format!("one of {}", shown.join(", "))
        }
    };
    let found = match periods.iter().find(|period| period.id == named) {
        None => named.to_string(),
        Some(period) if !period.overlaps(usage.period) => {
            format!("{named} {period} has no share of {}", usage.period)
        }
        Some(_) => return None,
    };
    Some(Finding::new(Code::UnknownPlanPeriod, found, expected()))
}
