//! The runs of the store that touched a figure.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{Amount, BillingPeriod, ComponentType, Destination, ResourceId, RunId};
use crate::error::Error;
use crate::jobs::apply::ApplyReport;
use crate::jobs::run::plan_of;
use crate::plan::Line;
use crate::store::Store;

/// How many runs are looked through.
const MOST_RUNS: u32 = 1_000;

/// What a run did to a figure.
#[derive(Debug, Serialize)]
pub struct StoryRun {
    /// The run.
    pub run: RunId,
    /// What it did: `apply` or `undo`.
    pub command: String,
    /// When it began.
    pub started: Timestamp,
    /// How it ended; `None` while it goes on, and after a kill.
    pub state: Option<String>,
    /// What it planned.
    pub action: &'static str,
    /// Why.
    pub reason: &'static str,
    /// What was stored.
    pub before: Option<Amount>,
    /// What was to be stored.
    pub planned: Option<Amount>,
    /// The cell that it came from.
    pub place: Option<String>,
    /// What became of it; `None` where the run did not get to it.
    pub outcome: Option<String>,
}

/// Looks through the plans and reports of the latest runs of a server's month.
pub fn of_key(
    store: &Store,
    destination: &Destination,
    resource: ResourceId,
    component: &ComponentType,
    period: BillingPeriod,
) -> Result<Vec<StoryRun>, Error> {
    let mut found = Vec::new();
    let sandbox = destination.sandbox.as_ref().map(ToString::to_string);
    for summary in store.runs(MOST_RUNS)? {
        let run = &summary.stored.run;
        if run.server != destination.server || run.sandbox != sandbox || run.period != period {
            continue;
        }
        let plan = plan_of(store, run.id)?;
        let own = plan.resources.iter().filter(|own| own.resource == resource);
        let lines: Vec<&Line> =
            own.flat_map(|own| &own.lines).filter(|line| line.component == *component).collect();
        if lines.iter().all(|line| line.change.wanted().is_none()) {
            continue;
        }
        let report = serde_json::from_str::<ApplyReport>(&store.report(run.id)?).ok();
        let outcomes = report.iter().flat_map(|report| &report.lines);
        let outcomes: Vec<String> = outcomes
            .filter(|line| {
                line.resource == resource && line.component == *component && line.username.is_none()
            })
            .map(|line| line.outcome.to_string())
            .collect();
        for (at, line) in lines.iter().filter(|line| line.change.wanted().is_some()).enumerate() {
            found.push(StoryRun {
                run: run.id,
                command: run.command.clone(),
                started: summary.stored.started,
                state: summary.stored.ended.as_ref().map(|ended| ended.end.status.clone()),
                action: line.change.action(),
                reason: line.change.reason(),
                before: line.change.old().map(|old| old.amount),
                planned: line.change.wanted().map(|new| new.amount.get()),
                place: line.place.clone(),
                outcome: outcomes.get(at).cloned(),
            });
        }
    }
    Ok(found)
}
