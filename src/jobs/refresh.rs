//! A plan that was made earlier, set against what is stored now.
//!
//! A line that is stored as planned already is taken out; a line or a kept row whose stored figures
//! are no longer those that the plan was made from is stale, and so is a resource whose plan periods
//! changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use crate::domain::{Amount, BillingPeriod, ComponentType, OfferingId, ResourceId, UsageId, visible};
use crate::error::Error;
use crate::plan::{
    Change, Figures, Line, Plan, Refusal, Reporter, ResourcePlan, Standing, StoredPeople, StoredRows, Wanted,
    by_key, by_name, kept,
};
use crate::resolve::{Capabilities, Catalogue, PlanPeriod};
use crate::waldur::Reader;

use super::catalogue::{self, Snapshot};
use super::freshness::StaleResource;
use super::people;
use super::writers::Writers;
use super::{Observer, Stages};

/// A line whose stored figures changed since the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StaleLine {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub name: String,
    /// The component.
    pub component: ComponentType,
    /// The user, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What was stored when the plan was made; `None` where no row was.
    pub planned_from: Option<Figures>,
    /// What is stored now; `None` where no row is.
    pub stored: Option<Figures>,
    /// What the plan would store.
    pub new: Option<Amount>,
    /// Whether the plan periods of the resource changed, so that a post would reach another row.
    pub plan_periods_changed: bool,
}

/// What of a plan cannot be posted as it was planned.
#[derive(Debug, Default)]
pub struct Obstacles {
    /// The lines that are stale.
    pub stale: Vec<StaleLine>,
    /// What is stored of the resources with a stale line.
    pub stale_resources: HashMap<ResourceId, StaleResource>,
    /// The resources that can no longer be posted to, each with the reason.
    pub unpostable: BTreeMap<ResourceId, String>,
}

/// A plan set against the server's state of now.
pub struct Refreshed {
    /// The plan without the lines that are there already.
    pub plan: Plan,
    /// How many lines were there already.
    pub already_there: usize,
    /// What of it cannot be posted.
    pub obstacles: Obstacles,
    /// The server's state.
    pub snapshot: Snapshot,
    /// When the reading of the stored usages began.
    pub read_at: Instant,
    /// Who reports now, and as what for the offerings of the plan.
    pub reporter: Reporter,
    /// Who reported the stored rows of the offerings last.
    pub writers: Writers,
}

/// Reads the month and the plan periods again, and compares.
pub async fn refresh(reader: &Reader, mut plan: Plan, observer: &dyn Observer) -> Result<Refreshed, Error> {
    let mut stages = Stages::begin(observer, "catalogue");
    // What the file says is there already has to be there still, so those resources are looked at too.
    let named = plan.resources.iter().filter(|resource| resource.is_named());
    let offerings: BTreeSet<OfferingId> = named.map(|resource| resource.offering).collect();
    let mut snapshot = catalogue::for_offerings(reader, &offerings).await?;
    let known = offerings.iter().filter_map(|&offering| snapshot.catalogue.offering(offering));
    let reporter = Reporter { id: snapshot.account.id, role: snapshot.account.role_for(known) };
    stages.next("stored usages");
    let read_at = Instant::now();
    let period = plan.header.period;
    let all = reader.usages(&snapshot.catalogue, period, &mut snapshot.capabilities).await?;
    let all_people = people::stored_for(reader, &plan, &snapshot.catalogue, &all).await?;
    stages.next("plan periods");
    let changed: BTreeSet<ResourceId> = plan.changed().map(|resource| resource.resource).collect();
    catalogue::add_plan_periods(reader, &mut snapshot.catalogue, &changed).await?;
    catalogue::of_one_month(reader, &snapshot)?;
    stages.next("compare");
    can_do_as_planned(&plan.header.capabilities, &snapshot.capabilities)?;
    let unpostable = plan.changed().filter_map(|resource| {
        let reason = why_unpostable(resource, &snapshot.catalogue)?;
        Some((resource.resource, reason))
    });
    let mut unpostable: BTreeMap<ResourceId, String> = unpostable.collect();
    let mut components: HashMap<ResourceId, BTreeSet<&ComponentType>> = HashMap::new();
    for usage in &all {
        components.entry(usage.resource).or_default().insert(&usage.component);
    }
    let (stored, stored_people) = (by_key(&all), by_name(&all_people));
    let mut stale_resources = HashMap::new();
    let (mut already_there, mut stale) = (0, Vec::new());
    let header = plan.header.clone();
    for resource in plan.resources.iter_mut().filter(|resource| resource.is_named()) {
        if !resource.has_changes() {
            stale.extend(stale_lines(resource, &stored, &stored_people, false));
            continue;
        }
        if unpostable.contains_key(&resource.resource) {
            // Nothing of it is sent, and what is not shown of it any more proves nothing.
            already_there += people::settle(resource, &stored, &stored_people);
            already_there += settle(resource, &stored);
            continue;
        }
        let periods = snapshot.catalogue.plan_periods(resource.resource).unwrap_or_default();
        let plan_periods_changed = have_changed(resource, periods, period);
        let lines = stale_lines(resource, &stored, &stored_people, plan_periods_changed);
        if !lines.is_empty() {
            let own = all.iter().filter(|usage| usage.resource == resource.resource).cloned().collect();
            let people = people::of_resource(&all_people, resource.resource);
            let found = StaleResource { stored: own, people, plan_periods_changed };
            stale_resources.insert(resource.resource, found);
            stale.extend(lines);
            // Nothing of it is sent, so it stays as it was planned.
            continue;
        }
        already_there += people::settle(resource, &stored, &stored_people);
        already_there += settle(resource, &stored);
        let own = components.get(&resource.resource).into_iter().flatten().copied();
        complete(resource, &stored, (own, periods), &snapshot.catalogue);
        resource.kept = kept(&resource.lines, &header.capabilities, !header.is_past());
    }
    // What is there already need not be posted any more.
    let has_changes = |id| plan.changed().any(|resource| resource.resource == id);
    unpostable.retain(|&id, _| has_changes(id));
    let writers = Writers::of(&all, &snapshot.catalogue);
    let obstacles = Obstacles { stale, stale_resources, unpostable };
    Ok(Refreshed { plan, already_there, obstacles, snapshot, read_at, reporter, writers })
}

/// Why a resource can no longer be posted to, where it is not what it was when the plan was made.
pub(super) fn why_unpostable(resource: &ResourcePlan, catalogue: &Catalogue) -> Option<String> {
    let name = visible(&resource.name);
    match catalogue.resource(resource.resource) {
        None => Some(format!("{name} is no longer visible to this account")),
        Some(now) if !now.state.takes_usage() => {
            Some(format!("{name} is {} now, and takes no usage", visible(&now.state.to_string())))
        }
        Some(_) => None,
    }
}

/// Refuses a server that turns out to do other things than it was planned for: a total would be taken
/// for a row, or a note for another one.
pub(super) fn can_do_as_planned(planned: &Capabilities, now: &Capabilities) -> Result<(), Refusal> {
    let differs = |what: &str, is_known: bool, differs: bool| (is_known && differs).then(|| what.to_owned());
    let rows = differs("what a stored row is of", now.rows.is_known(), planned.rows.value != now.rows.value);
    let carry_over = differs(
        "how a report is carried over",
        now.carry_over.is_known(),
        planned.carry_over.value != now.carry_over.value,
    );
    match rows.or(carry_over) {
        Some(what) => Err(Refusal::OtherCapabilities { what }),
        None => Ok(()),
    }
}

/// Whether the plan periods with a share of the month are not those of the plan.
pub fn have_changed(resource: &ResourcePlan, now: &[PlanPeriod], month: BillingPeriod) -> bool {
    let now: Vec<&PlanPeriod> = now.iter().filter(|period| period.overlaps(month)).collect();
    let is_known = |one: &&PlanPeriod| resource.plan_periods.iter().any(|before| before.is_like(one));
    now.len() != resource.plan_periods.len() || !now.iter().all(is_known)
}

/// The changed and the kept lines, and the users, whose stored figures are neither those of the plan nor
/// the new ones;
/// all that would be posted where the plan periods changed.
pub fn stale_lines(
    resource: &ResourcePlan,
    stored: &StoredRows<'_>,
    people: &StoredPeople<'_>,
    plan_periods_changed: bool,
) -> Vec<StaleLine> {
    let mut lines = stale_totals(resource, stored, plan_periods_changed);
    lines.extend(people::stale(resource, stored, people));
    lines
}

/// The same of totals alone.
pub fn stale_totals(
    resource: &ResourcePlan,
    stored: &StoredRows<'_>,
    plan_periods_changed: bool,
) -> Vec<StaleLine> {
    // What the file says is there already has to be there still.
    let is_named = |line: &Line| line.source.is_some() && matches!(line.change, Change::Same { .. });
    let is_stale = |line: &&Line| {
        (resource.matters(line) || is_named(line))
            && (plan_periods_changed && line.posted().is_some()
                || resource.standing(line, stored) == Standing::Otherwise)
    };
    let changed = resource.lines.iter().filter(is_stale).map(|line| StaleLine {
        resource: resource.resource,
        name: resource.name.clone(),
        component: line.component.clone(),
        username: None,
        planned_from: line.change.old().cloned(),
        stored: resource.now(line, stored).figures().cloned(),
        new: line.posted().map(|new| new.amount.get()),
        plan_periods_changed,
    });
    let kept = resource.kept.iter().filter_map(|kept| {
        let now = resource.now_of_kept(kept, stored);
        (!now.is(Some(&kept.figures))).then(|| StaleLine {
            resource: resource.resource,
            name: resource.name.clone(),
            component: kept.component.clone(),
            username: None,
            planned_from: Some(kept.figures.clone()),
            stored: now.figures().cloned(),
            new: None,
            plan_periods_changed,
        })
    });
    changed.chain(kept).collect()
}

/// Takes the lines out that are stored as planned already; how many.
fn settle(resource: &mut ResourcePlan, stored: &StoredRows<'_>) -> usize {
    let there: Vec<(usize, Option<UsageId>)> = resource
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.posted().is_some() && resource.standing(line, stored) == Standing::AsPlanned)
        .map(|(at, line)| (at, resource.now(line, stored).row()))
        .collect();
    for (at, row) in &there {
        let line = &mut resource.lines[*at];
        line.row = *row;
        if let Some(new) = line.change.wanted().map(Wanted::figures) {
            line.change = Change::Same { old: new };
        }
    }
    there.len()
}

/// Adds the rows that were stored since the plan was made, which ride along like any other.
fn complete<'a>(
    resource: &mut ResourcePlan,
    stored: &StoredRows<'_>,
    (components, periods): (impl Iterator<Item = &'a ComponentType>, &[PlanPeriod]),
    catalogue: &Catalogue,
) {
    let id = resource.resource;
    let is_new = |component: &&ComponentType| resource.lines.iter().all(|line| line.component != **component);
    let others: Vec<&ComponentType> = components.filter(is_new).collect();
    for component in others {
        let offering = catalogue.offering(resource.offering);
        let known = offering.and_then(|offering| offering.component(component));
        for row in stored.get(&(id, component.clone())).into_iter().flatten() {
            resource.lines.push(Line::only_on_server(row, known, periods));
        }
    }
}
