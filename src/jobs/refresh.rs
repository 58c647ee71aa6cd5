//! A plan that was made earlier, set against what is stored now.
//!
//! A line that is stored as planned already is taken out; a line or a kept row whose stored figures
//! are no longer those that the plan was made from is stale, and stops the run.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{Amount, ComponentType, OfferingId, ResourceId};
use crate::error::Error;
use crate::plan::{Change, Figures, Plan, StoredUsage};
use crate::waldur::Reader;

use super::catalogue::{self, Snapshot};
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
}

/// Reads the month again and compares.
pub async fn refresh(reader: &Reader, mut plan: Plan, observer: &dyn Observer) -> Result<Refreshed, Error> {
    let mut stages = Stages::begin(observer, "catalogue");
    let offerings: BTreeSet<OfferingId> = plan.changed().map(|resource| resource.offering).collect();
    let mut snapshot = catalogue::for_offerings(reader, &offerings).await?;
    stages.next("stored usages");
    let period = plan.header.period;
    let stored = reader.usages(&snapshot.catalogue, period, &mut snapshot.capabilities).await?;
    stages.next("compare");
    let stored = by_key(&stored);
    let mut already_there = 0;
    let mut stale = Vec::new();
    for resource in &mut plan.resources {
        if !resource.has_changes() {
            continue;
        }
        let now = |component: &ComponentType| -> Vec<Figures> {
            let rows = stored.get(&(resource.resource, component.clone()));
            rows.into_iter().flatten().map(|row| Figures::from(*row)).collect()
        };
        for line in &mut resource.lines {
            let Some(new) = line.change.wanted() else { continue };
            let found = now(&line.component);
            if found == [new.figures()] {
                already_there += 1;
                line.change = Change::Same { old: new.figures() };
            } else if found.as_slice() != line.change.old().map_or(&[][..], std::slice::from_ref) {
                stale.push(StaleLine {
                    resource: resource.resource,
                    name: resource.name.clone(),
                    component: line.component.clone(),
                    planned_from: line.change.old().cloned(),
                    stored: found.into_iter().next(),
                    new: Some(new.amount.get()),
                });
            }
        }
        for kept in &resource.kept {
            let found = now(&kept.component);
            if found != [kept.figures.clone()] {
                stale.push(StaleLine {
                    resource: resource.resource,
                    name: resource.name.clone(),
                    component: kept.component.clone(),
                    planned_from: Some(kept.figures.clone()),
                    stored: found.into_iter().next(),
                    new: None,
                });
            }
        }
        // A line that is there already rides along like any other stored row where others do.
        if resource.has_changes() && !resource.kept.is_empty() {
            keep_along(resource);
        }
    }
    Ok(Refreshed { plan, already_there, stale, snapshot })
}

fn keep_along(resource: &mut crate::plan::ResourcePlan) {
    let missing: Vec<_> = resource
        .lines
        .iter()
        .filter(|line| !line.has_limit && matches!(line.change, Change::Same { .. }))
        .filter(|line| resource.kept.iter().all(|kept| kept.component != line.component))
        .filter_map(|line| {
            let figures = line.change.old()?.clone();
            Some(crate::plan::Kept { component: line.component.clone(), figures })
        })
        .collect();
    resource.kept.extend(missing);
}

/// Stored rows by resource and component.
pub fn by_key(stored: &[StoredUsage]) -> HashMap<(ResourceId, ComponentType), Vec<&StoredUsage>> {
    let mut rows: HashMap<(ResourceId, ComponentType), Vec<&StoredUsage>> = HashMap::new();
    for usage in stored {
        rows.entry((usage.resource, usage.component.clone())).or_default().push(usage);
    }
    rows
}
