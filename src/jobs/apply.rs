//! Post an approved plan, then prove what is stored.
//!
//! An outcome is told by what is stored, not by a status: a rejected request may have saved half, an
//! accepted one may have been overwritten, a lost answer may have been a yes.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::domain::{ComponentType, ResourceId};
use crate::error::ExitStatus;
use crate::plan::{Approved, Figures, Outcome, Plan, ResourcePlan, StoredUsage};
use crate::resolve::{Capabilities, Catalogue};
use crate::waldur::{Reader, Sent};

use super::post::{Exchange, PostSettings, Stop, StopReason, post};
use super::refresh::by_key;
use super::{Observer, Stages};

/// What became of one row of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct LineOutcome {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub name: String,
    /// The component.
    pub component: ComponentType,
    /// The cell that the amount comes from; `None` for a row that rode along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What was to be stored.
    pub planned: Figures,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a run did and what is stored now.
#[derive(Debug, Serialize)]
pub struct ApplyReport {
    /// Every changed and every kept row.
    pub lines: Vec<LineOutcome>,
    /// Requests that the server accepted.
    pub requests_accepted: usize,
    /// Requests that it rejected.
    pub requests_rejected: usize,
    /// Requests without an answer.
    pub requests_lost: usize,
    /// Requests that were not sent.
    pub requests_not_sent: usize,
    /// Why nothing more was sent, where the run was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Why the month could not be read at the end, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified: Option<String>,
    #[serde(skip)]
    stop: Option<StopReason>,
    #[serde(skip)]
    may_have_stored: bool,
}

impl ApplyReport {
    /// Whether every row is stored as planned.
    pub fn is_as_planned(&self) -> bool {
        self.lines.iter().all(|line| line.outcome.is_as_planned())
    }

    /// How many rows have each outcome.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for line in &self.lines {
            *counts.entry(line.outcome.name()).or_default() += 1;
        }
        counts
    }

    /// How the run ended. Once a post was accepted, or may have been, only 0 and 5 are possible.
    pub fn exit_status(&self, rows_left_out: usize) -> ExitStatus {
        if self.is_as_planned() {
            return if rows_left_out == 0 { ExitStatus::Done } else { ExitStatus::Partial };
        }
        if self.may_have_stored {
            return ExitStatus::Partial;
        }
        match &self.stop {
            Some(StopReason::Account(_)) => ExitStatus::Account,
            // Where requests were rejected before, something was sent, and nothing came of it.
            Some(StopReason::Month(_) | StopReason::Stale(_)) if self.requests_rejected == 0 => {
                ExitStatus::Refused
            }
            Some(StopReason::Interrupted) => ExitStatus::Interrupted,
            None if self.requests_rejected == 0 => ExitStatus::Refused,
            Some(StopReason::Month(_) | StopReason::Stale(_) | StopReason::Server(_)) | None => {
                ExitStatus::Server
            }
        }
    }
}

/// Posts and verifies.
pub async fn apply(
    reader: &Reader,
    approved: &Approved,
    catalogue: &Catalogue,
    settings: &PostSettings,
    stop: &Stop,
    observer: &dyn Observer,
) -> ApplyReport {
    let mut stages = Stages::begin(observer, "post");
    let exchanges = post(reader, approved, catalogue, settings, stop, observer).await;
    stages.next("verify");
    let period = approved.plan().header.period;
    let sent_anything = exchanges.values().any(|exchange| !matches!(exchange.sent, Sent::NotSent { .. }));
    let verified = if sent_anything {
        // What this reading learns about the server came too late for the plan.
        let mut capabilities = Capabilities::default();
        reader.usages(catalogue, period, &mut capabilities).await.map(Some)
    } else {
        Ok(None)
    };
    drop(stages);
    let unverified = verified.as_ref().err().map(ToString::to_string);
    let verified = verified.ok().flatten();
    let stored = verified.as_deref().map(by_key);
    let mut lines = Vec::new();
    for resource in approved.plan().changed() {
        let Some(exchange) = exchanges.get(&resource.resource) else { continue };
        let settled = exchange.stored.as_deref().map(by_key);
        let stored = stored.as_ref().or(settled.as_ref());
        outcomes(approved.plan(), resource, exchange, stored, &mut lines);
    }
    report(&exchanges, lines, stop.reason().as_ref(), unverified)
}

type Stored<'a> = HashMap<(ResourceId, ComponentType), Vec<&'a StoredUsage>>;

fn outcomes(
    plan: &Plan,
    resource: &ResourcePlan,
    exchange: &Exchange,
    stored: Option<&Stored<'_>>,
    lines: &mut Vec<LineOutcome>,
) {
    let now = |component: &ComponentType| {
        let rows = stored?.get(&(resource.resource, component.clone()));
        Some(rows.into_iter().flatten().map(|row| Figures::from(*row)).collect::<Vec<_>>())
    };
    let line = |component: &ComponentType, place: Option<&str>, planned: Figures, outcome| LineOutcome {
        resource: resource.resource,
        name: resource.name.clone(),
        component: component.clone(),
        place: place.map(str::to_owned),
        planned,
        outcome,
    };
    for changed in &resource.lines {
        let Some(new) = changed.change.wanted() else { continue };
        let planned = new.figures();
        let stored = now(&changed.component);
        let outcome = if exchange.plan_periods_changed {
            Outcome::Stale { stored: stored.and_then(|stored| stored.into_iter().next()) }
        } else {
            changed_outcome(&exchange.sent, &planned, changed.change.old(), stored)
        };
        lines.push(line(&changed.component, Some(plan.cell(changed)), planned, outcome));
    }
    for kept in &resource.kept {
        let outcome = kept_outcome(&exchange.sent, &kept.figures, now(&kept.component));
        lines.push(line(&kept.component, None, kept.figures.clone(), outcome));
    }
}

fn changed_outcome(
    sent: &Sent,
    planned: &Figures,
    old: Option<&Figures>,
    stored: Option<Vec<Figures>>,
) -> Outcome {
    if let Sent::NotSent { reason } = sent {
        return not_sent(reason, planned, old, stored);
    }
    let Some(stored) = stored else { return unread(sent) };
    if stored == [planned.clone()] {
        return Outcome::Posted;
    }
    let is_unchanged = stored.as_slice() == old.map_or(&[][..], std::slice::from_ref);
    let differs = || Outcome::Differs { stored: stored.first().cloned() };
    match sent {
        Sent::Rejected { status, message } if is_unchanged => {
            Outcome::Rejected { status: *status, message: message.clone() }
        }
        Sent::Lost { reason } if is_unchanged => {
            Outcome::Unknown { reason: format!("{reason}; nothing of it is stored so far") }
        }
        Sent::Accepted
        | Sent::Rejected { .. }
        | Sent::NotNow { .. }
        | Sent::Lost { .. }
        | Sent::NotSent { .. } => differs(),
    }
}

/// A row that was sent, and what is stored could not be read.
fn unread(sent: &Sent) -> Outcome {
    let answer = match sent {
        Sent::Accepted => "accepted".to_owned(),
        Sent::Rejected { status, message } => format!("rejected with {status}: {message}"),
        Sent::NotNow { status, .. } => format!("answered with {status}, which leaves it open"),
        Sent::Lost { reason } | Sent::NotSent { reason } => reason.clone(),
    };
    Outcome::Unknown { reason: format!("{answer}; what is stored could not be read") }
}

/// A row that was not sent: stored all the same, or changed by somebody else, or as it was.
fn not_sent(reason: &str, planned: &Figures, old: Option<&Figures>, stored: Option<Vec<Figures>>) -> Outcome {
    match stored {
        Some(stored) if stored == [planned.clone()] => Outcome::AlreadyThere,
        Some(stored) if stored.as_slice() != old.map_or(&[][..], std::slice::from_ref) => {
            Outcome::Stale { stored: stored.into_iter().next() }
        }
        Some(_) | None => Outcome::NotSent { reason: reason.to_owned() },
    }
}

fn kept_outcome(sent: &Sent, planned: &Figures, stored: Option<Vec<Figures>>) -> Outcome {
    match (sent, stored) {
        (Sent::NotSent { .. }, Some(stored)) if stored != [planned.clone()] => {
            Outcome::Stale { stored: stored.into_iter().next() }
        }
        (Sent::NotSent { reason }, _) => Outcome::NotSent { reason: reason.clone() },
        (sent, None) => unread(sent),
        (_, Some(stored)) if stored == [planned.clone()] => Outcome::Kept,
        (_, Some(stored)) => Outcome::Differs { stored: stored.first().cloned() },
    }
}

fn report(
    exchanges: &HashMap<ResourceId, Exchange>,
    lines: Vec<LineOutcome>,
    stop: Option<&StopReason>,
    unverified: Option<String>,
) -> ApplyReport {
    let count =
        |wanted: fn(&Sent) -> bool| exchanges.values().filter(|exchange| wanted(&exchange.sent)).count();
    let accepted = count(|sent| matches!(sent, Sent::Accepted));
    let lost = count(|sent| matches!(sent, Sent::Lost { .. }));
    let changed = |line: &LineOutcome| match line.outcome {
        Outcome::Posted | Outcome::Differs { .. } | Outcome::Unknown { .. } => true,
        Outcome::AlreadyThere
        | Outcome::Kept
        | Outcome::Rejected { .. }
        | Outcome::Stale { .. }
        | Outcome::NotSent { .. } => false,
    };
    ApplyReport {
        may_have_stored: accepted + lost > 0 || lines.iter().any(changed),
        lines,
        requests_accepted: accepted,
        requests_rejected: count(|sent| matches!(sent, Sent::Rejected { .. })),
        requests_lost: lost,
        requests_not_sent: count(|sent| matches!(sent, Sent::NotSent { .. })),
        stopped: stop.map(ToString::to_string),
        unverified,
        stop: stop.cloned(),
    }
}
