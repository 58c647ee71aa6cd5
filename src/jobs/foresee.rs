//! What the server will refuse, or do otherwise than it says, told before it is asked.
//!
//! An older server counts the row that is about to be replaced against the limit of its component, so
//! a corrected or repeated figure can be refused that would fit. Such a row is not sent, and the plan
//! says why. Where last month's figure recurs and nothing is stored yet, it may store that one instead.

use std::collections::{BTreeMap, HashMap};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::domain::{Amount, BillingPeriod, CarryOver, ComponentType, ResourceId, visible};
use crate::findings::{Code, Finding, Findings};
use crate::plan::{Line, Plan, ResourcePlan, StoredUsage};
use crate::resolve::{Capabilities, Catalogue, LimitPeriod, RowsPer};
use crate::waldur::{Reader, WaldurError};

/// How many resources are asked about at a time; the connection bounds the requests in flight.
const AT_ONCE: usize = 16;

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
    let is_recorded = plan.header.capabilities.books_in_utc.value;
    let is_limited = |resource: &ResourcePlan, line: &Line| {
        let offering = catalogue.offering(resource.offering);
        let known = offering.and_then(|offering| offering.component(&line.component));
        line.posted().is_some() && known.is_some_and(|known| known.limit.is_some())
    };
    let limited: Vec<ResourceId> = plan
        .changed()
        .filter(|resource| resource.lines.iter().any(|line| is_limited(resource, line)))
        .map(|resource| resource.resource)
        .collect();
    let read = |id: ResourceId| async move { Ok::<_, WaldurError>((id, reader.usages_ever(id).await?)) };
    let histories: HashMap<ResourceId, Vec<StoredUsage>> =
        stream::iter(limited).map(read).buffer_unordered(AT_ONCE).try_collect().await?;
    for resource in &mut plan.resources {
        let Some(history) = histories.get(&resource.resource) else { continue };
        let Some(offering) = catalogue.offering(resource.offering) else { continue };
        let limited: Vec<usize> = (0..resource.lines.len())
            .filter(|&at| resource.lines[at].posted().is_some() && resource.lines[at].has_limit)
            .collect();
        for at in limited {
            let component = resource.lines[at].component.clone();
            let limit = offering.component(&component).and_then(|component| component.limit);
            let Some((limit, within)) = limit else { continue };
            let Some(new) = resource.lines[at].posted().map(|new| new.amount.get()) else { continue };
            let counted = counted(history, &component, period, within, is_recorded);
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
    is_recorded: bool,
) -> Amount {
    let quarter = |period: BillingPeriod| (period.year(), (period.month() - 1) / 3);
    let counts = |row: &&StoredUsage| {
        row.component == *component
            && match within {
                // The recorded server asks for reports of the first instant of the month: there are none.
                LimitPeriod::Month => !is_recorded && row.period == month,
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
