//! What the server will refuse, or do otherwise than it says, told before it is asked.
//!
//! An older server counts the row that is about to be replaced against the limit of its component, so
//! a corrected or repeated figure can be refused that would fit. Such a row is not sent, and the plan
//! says why. Where last month's figure recurs and nothing is stored yet, it may store that one instead.

use std::collections::BTreeMap;

use crate::domain::{Amount, BillingPeriod, CarryOver, ComponentType, ResourceId, visible};
use crate::findings::{Code, Finding, Findings};
use crate::plan::{Plan, ResourcePlan, StoredUsage};
use crate::resolve::{Capabilities, Catalogue, LimitPeriod, RowsPer};
use crate::waldur::{Reader, WaldurError};

/// Withholds the rows of a plan that the server will refuse over a limit.
pub async fn withhold(
    reader: &Reader,
    plan: &mut Plan,
    catalogue: &Catalogue,
    findings: &mut Findings,
) -> Result<(), WaldurError> {
    if !plan.header.capabilities.limits_count_stored_row.value {
        return Ok(());
    }
    let period = plan.header.period;
    for resource in plan.resources.iter_mut().filter(|resource| resource.has_changes()) {
        let Some(offering) = catalogue.offering(resource.offering) else { continue };
        let limited: Vec<usize> = (0..resource.lines.len())
            .filter(|&at| resource.lines[at].posted().is_some() && resource.lines[at].has_limit)
            .collect();
        if limited.is_empty() {
            continue;
        }
        let history = reader.usages_ever(resource.resource).await?;
        for at in limited {
            let component = resource.lines[at].component.clone();
            let limit = offering.component(&component).and_then(|component| component.limit);
            let Some((limit, within)) = limit else { continue };
            let Some(new) = resource.lines[at].posted().map(|new| new.amount.get()) else { continue };
            let counted = counted(&history, &component, period, within);
            let total = counted.checked_add(new).unwrap_or(new);
            if total > limit {
                let words = format!(
                    "the server would add {new} to {counted} stored within {within} and refuse what is above {limit}"
                );
                findings.push(foreseen(resource, &component, &words));
                resource.lines[at].withheld = Some(words);
            }
        }
        resource.kept = crate::plan::kept(&resource.lines, &plan.header.capabilities, !plan.header.is_past());
    }
    Ok(())
}

/// What the server adds to a new amount, the row that is about to be replaced among it.
fn counted(
    history: &[StoredUsage],
    component: &ComponentType,
    month: BillingPeriod,
    within: LimitPeriod,
) -> Amount {
    let quarter = |period: BillingPeriod| (period.year(), (period.month() - 1) / 3);
    let counts = |row: &&StoredUsage| {
        row.component == *component
            && match within {
                LimitPeriod::Month => false,
                LimitPeriod::Quarter => quarter(row.period) == quarter(month),
                LimitPeriod::Year => row.period.year() == month.year(),
                LimitPeriod::Total => true,
            }
    };
    Amount::total(history.iter().filter(counts).map(|row| row.amount)).unwrap_or_default()
}

fn foreseen(resource: &ResourcePlan, component: &ComponentType, words: &str) -> Finding {
    let found = format!("{}, {component}: {words}", visible(&resource.name));
    Finding::new(Code::LimitForeseen, found, "an amount that the server takes; the row is not sent")
        .hint("ask the operator to raise the limit of the component, or to correct the row")
}

/// Warns of keys without a row this month whose row of last month recurs: an older server may store
/// the carried amount in the place of the reported one.
pub fn recurring(
    plan: &Plan,
    last_month: &[StoredUsage],
    capabilities: &Capabilities,
    findings: &mut Findings,
) {
    if capabilities.rows.value != RowsPer::PlanPeriod || plan.header.is_past() {
        return;
    }
    let recurs: BTreeMap<(ResourceId, &ComponentType), Amount> = last_month
        .iter()
        .filter(|row| row.carry_over == CarryOver::Reuse)
        .map(|row| ((row.resource, &row.component), row.amount))
        .collect();
    for resource in plan.changed() {
        for line in
            resource.lines.iter().filter(|line| line.posted().is_some() && line.change.old().is_none())
        {
            let Some(amount) = recurs.get(&(resource.resource, &line.component)) else { continue };
            let found = format!(
                "{}, {}: {amount} of last month recurs, and this month has no row yet",
                visible(&resource.name),
                line.component
            );
            let expected =
                "a row of this month; this server may store the carried amount instead, which is read back";
            findings.push(Finding::new(Code::CarriedOver, found, expected));
        }
    }
}
