//! Which plan period a report would reach, as far as the server tells.
//!
//! Of plan periods only those are known that have not ended before this month, so only figures of
//! this month are judged. Without one, a usage is stored and never billed; with several, a post
//! reaches one of them and leaves the other as it is.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{BillingPeriod, ResourceId, visible};
use crate::findings::{Code, Finding, Findings};

use super::catalogue::{Catalogue, PlanPeriod, Resource};
use super::usages::Usage;

/// Judges figures by the plan periods of their resources; those not in the catalogue are passed over.
pub fn plan_periods<'a>(
    usages: impl IntoIterator<Item = &'a Usage>,
    catalogue: &Catalogue,
    findings: &mut Findings,
) {
    let Some(current) = catalogue.current_period() else { return };
    let mut by_resource: BTreeMap<ResourceId, Vec<&Usage>> = BTreeMap::new();
    let mut order = Vec::new();
    for usage in usages.into_iter().filter(|usage| usage.period == current) {
        let own = by_resource.entry(usage.resource).or_default();
        if own.is_empty() {
            order.push(usage.resource);
        }
        own.push(usage);
    }
    for id in order {
        let (Some(resource), Some(periods)) = (catalogue.resource(id), catalogue.plan_periods(id)) else {
            continue;
        };
        if let Some(finding) = judge(resource, periods, current) {
            let own = &by_resource[&id];
            let mut finding = finding.at(own[0].place.clone());
            finding.rows = own.iter().map(|usage| usage.row).collect();
            findings.push(finding);
        }
    }
}

fn judge(resource: &Resource, periods: &[PlanPeriod], current: BillingPeriod) -> Option<Finding> {
    let overlapping: Vec<_> = periods.iter().filter(|period| period.overlaps(current)).collect();
    match overlapping.as_slice() {
        [] => {
            let found = format!("{} has no plan period in {current}", visible(&resource.name));
            Some(Finding::new(Code::NoPlanPeriod, found, "a plan period, without which nothing is billed"))
        }
        [_] => None,
        several => {
            let periods: Vec<String> = several.iter().map(|period| shown(period)).collect();
            let found = format!("{}: {}", visible(&resource.name), periods.join(", "));
            let finding = Finding::new(Code::SeveralPlanPeriods, found, "one plan period in the month");
            Some(finding.hint(
                "a post reaches one plan period only, so the month's total would be billed beside the other",
            ))
        }
    }
}

fn shown(period: &PlanPeriod) -> String {
    let day = |moment: Option<Timestamp>| {
        moment.map_or_else(String::new, |moment| moment.strftime("%Y-%m-%d").to_string())
    };
    format!("{} ({}..{})", visible(&period.plan_name), day(period.start), day(period.end))
}
