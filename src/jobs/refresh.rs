//! A plan that was made earlier, set against what is stored now.
//!
//! A line that is stored as planned already is taken out; a line or a kept row whose stored figures
//! are no longer those that the plan was made from is stale, and stops the run.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::domain::{Amount, BillingPeriod, ComponentType, OfferingId, ResourceId, UsageKey, visible};
use crate::error::Error;
use crate::plan::{Change, Figures, Plan, Refusal, Reporter, ResourcePlan, StoredUsage, Wanted, kept, line};
use crate::resolve::Catalogue;
use crate::waldur::Reader;

use super::catalogue::{self, Snapshot};
use super::freshness::StaleResource;
use super::{Observer, Stages};

/// A line whose stored figures changed since the plan was made.
#[derive(Debug, Clone, serde::Serialize)]
pub struct StaleLine {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub name: String,
    /// The component.
    pub component: ComponentType,
    /// What was stored when the plan was made; `None` where no row was.
    pub planned_from: Option<Figures>,
    /// What is stored now; `None` where no row is.
    pub stored: Option<Figures>,
    /// What the plan would store.
    pub new: Option<Amount>,
}

/// A plan set against the server's state of now.
pub struct Refreshed {
    /// The plan without the lines that are there already.
    pub plan: Plan,
    /// How many lines were there already.
    pub already_there: usize,
    /// The lines that are stale.
    pub stale: Vec<StaleLine>,
    /// The server's state.
    pub snapshot: Snapshot,
    /// When the reading of the stored usages began.
    pub read_at: Instant,
    /// What is stored of the resources with a stale line.
    pub stale_resources: HashMap<ResourceId, StaleResource>,
    /// Who reports now, and as what for the offerings of the plan.
    pub reporter: Reporter,
}

/// Reads the month and the plan periods again, and compares. Refuses a resource that can no longer be
/// posted to as planned.
pub async fn refresh(reader: &Reader, mut plan: Plan, observer: &dyn Observer) -> Result<Refreshed, Error> {
    let mut stages = Stages::begin(observer, "catalogue");
    let offerings: BTreeSet<OfferingId> = plan.changed().map(|resource| resource.offering).collect();
    let mut snapshot = catalogue::for_offerings(reader, &offerings).await?;
    let known = offerings.iter().filter_map(|&offering| snapshot.catalogue.offering(offering));
    let reporter = Reporter { id: snapshot.account.id, role: snapshot.account.role_for(known) };
    stages.next("stored usages");
    let read_at = Instant::now();
    let period = plan.header.period;
    let stored = reader.usages(&snapshot.catalogue, period, &mut snapshot.capabilities).await?;
    stages.next("plan periods");
    let changed: BTreeSet<ResourceId> = plan.changed().map(|resource| resource.resource).collect();
    catalogue::add_plan_periods(reader, &mut snapshot.catalogue, &changed).await?;
    stages.next("compare");
    for resource in plan.changed() {
        postable(resource, &snapshot.catalogue, period)?;
    }
    let all = &stored;
    let stored = by_key(all);
    let mut stale_resources = HashMap::new();
    let (mut already_there, mut stale) = (0, Vec::new());
    let capabilities = plan.header.capabilities.clone();
    for resource in plan.resources.iter_mut().filter(|resource| resource.has_changes()) {
        let lines = stale_lines(resource, &stored);
        if !lines.is_empty() {
            let own = all.iter().filter(|usage| usage.resource == resource.resource).cloned().collect();
            let found = StaleResource { stored: own, plan_periods_changed: false };
            stale_resources.insert(resource.resource, found);
            stale.extend(lines);
            // Nothing of it is sent, so it stays as it was planned.
            continue;
        }
        already_there += settle(resource, &stored);
        complete(resource, &stored, &snapshot.catalogue, period);
        resource.kept = kept(&resource.lines, &capabilities);
    }
    Ok(Refreshed { plan, already_there, stale, snapshot, read_at, stale_resources, reporter })
}

/// What a resource must still be, as it was when the plan was made.
fn postable(resource: &ResourcePlan, catalogue: &Catalogue, period: BillingPeriod) -> Result<(), Refusal> {
    let name = visible(&resource.name);
    let Some(now) = catalogue.resource(resource.resource) else {
        return Err(Refusal::Unpostable(format!("{name} is no longer visible to this account")));
    };
    if !now.state.takes_usage() {
        return Err(Refusal::Unpostable(format!("{name} is {} now, and takes no usage", now.state)));
    }
    let periods = catalogue.plan_periods(resource.resource).unwrap_or_default();
    match periods.iter().filter(|one| one.overlaps(period)).count() {
        0 | 1 => Ok(()),
        several => Err(Refusal::Unpostable(format!(
            "{name} has {several} plan periods in {period} now, and a post reaches one"
        ))),
    }
}

/// Stored rows, by what they are of.
pub type Stored<'a> = HashMap<(ResourceId, ComponentType), Vec<&'a StoredUsage>>;

fn figures(stored: &Stored<'_>, resource: ResourceId, component: &ComponentType) -> Vec<Figures> {
    let rows = stored.get(&(resource, component.clone()));
    rows.into_iter().flatten().map(|row| Figures::from(*row)).collect()
}

/// The changed and the kept lines whose stored figures are neither those of the plan nor the new ones.
pub fn stale_lines(resource: &ResourcePlan, stored: &Stored<'_>) -> Vec<StaleLine> {
    let stale = |component: &ComponentType, from: Option<&Figures>, new: Option<&Wanted>| {
        let found = figures(stored, resource.resource, component);
        let is_there = new.is_some_and(|new| found == [new.figures()]);
        let is_base = found.as_slice() == from.map_or(&[][..], std::slice::from_ref);
        (!is_there && !is_base).then(|| StaleLine {
            resource: resource.resource,
            name: resource.name.clone(),
            component: component.clone(),
            planned_from: from.cloned(),
            stored: found.into_iter().next(),
            new: new.map(|new| new.amount.get()),
        })
    };
    let changed = resource.lines.iter().filter_map(|line| Some((line, line.change.wanted()?)));
    let changed = changed.filter_map(|(line, new)| stale(&line.component, line.change.old(), Some(new)));
    let kept = resource.kept.iter().filter_map(|kept| stale(&kept.component, Some(&kept.figures), None));
    changed.chain(kept).collect()
}

/// Takes the lines out that are stored as planned already; how many.
fn settle(resource: &mut ResourcePlan, stored: &Stored<'_>) -> usize {
    let id = resource.resource;
    let mut already_there = 0;
    for line in &mut resource.lines {
        let Some(new) = line.change.wanted().map(Wanted::figures) else { continue };
        if figures(stored, id, &line.component) == [new.clone()] {
            already_there += 1;
            line.change = Change::Same { old: new };
        }
    }
    already_there
}

/// Adds the rows that were stored since the plan was made, which ride along like any other.
fn complete(resource: &mut ResourcePlan, stored: &Stored<'_>, catalogue: &Catalogue, period: BillingPeriod) {
    let id = resource.resource;
    let mut others: Vec<&ComponentType> =
        stored.keys().filter(|(own, _)| *own == id).map(|(_, component)| component).collect();
    others.retain(|component| resource.lines.iter().all(|line| line.component != **component));
    others.sort();
    for component in others {
        for old in figures(stored, id, component) {
            let key = UsageKey { resource: id, component: component.clone(), period };
            resource.lines.push(line(key, Change::OnlyOnServer { old }, None, catalogue));
        }
    }
}

/// Stored rows by resource and component.
pub fn by_key(stored: &[StoredUsage]) -> Stored<'_> {
    let mut rows = Stored::new();
    for usage in stored {
        rows.entry((usage.resource, usage.component.clone())).or_default().push(usage);
    }
    rows
}
