//! Whether it is known which stored row a post would reach.

use std::collections::HashMap;

use crate::domain::{UsageKey, visible};
use crate::findings::{Code, Finding, Findings};
use crate::resolve::{Catalogue, Usage};

use super::compare::Comparison;

/// Finds what would change a stored row of a resource that lists no plan period. The row may stand
/// under a plan period that has ended, which a post does not reach: it would store a second row.
/// Resources whose plan periods are not in the catalogue are passed over.
pub fn unknown_plan_periods(
    compared: &Comparison,
    usages: &[Usage],
    catalogue: &Catalogue,
    findings: &mut Findings,
) {
    let Some(current) = catalogue.current_period() else { return };
    let of_key: HashMap<UsageKey, &Usage> = usages.iter().map(|usage| (usage.key(), usage)).collect();
    for resource in &compared.resources {
        let Some(periods) = catalogue.plan_periods(resource.resource) else { continue };
        if periods.iter().any(|period| period.overlaps(current)) {
            continue;
        }
        for line in resource.lines.iter().filter(|line| line.change.wanted().is_some()) {
            let Some(old) = line.change.old() else { continue };
            let key =
                UsageKey { resource: resource.resource, component: line.component.clone(), period: current };
            let Some(usage) = of_key.get(&key) else { continue };
            let (name, component) = (visible(&resource.name), visible(line.component.as_str()));
            let found =
                format!("{name}, {component}: {} is stored, and no plan period is listed", old.amount);
            let finding = Finding::new(Code::PlanPeriodUnknown, found, "a plan period in the month")
                .at(usage.place.clone())
                .row(usage.row)
                .hint(
                    "nothing shows whether a post would change that row or store another one beside it; \
                     correct it on the server",
                );
            findings.push(finding);
        }
    }
}
