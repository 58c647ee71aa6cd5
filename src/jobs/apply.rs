//! Post an approved plan, then prove what is stored.
//!
//! An outcome is told by what is stored, not by a status: a rejected request may have saved half, an
//! accepted one may have been overwritten, a lost answer may have been a yes.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::domain::{ComponentType, ResourceId, UsageId};
use crate::error::ExitStatus;
use crate::plan::{
    Approved, Change, Figures, Line, Now, Outcome, Plan, ResourcePlan, SourceRow, StoredMonth, StoredRows,
    by_key, by_name,
};
use crate::resolve::{Capabilities, Catalogue};
use crate::store::RunFigures;
use crate::waldur::{Reader, Sent, WaldurError};

use super::people;
use super::post::{Exchange, Exchanges, PostSettings, Stop, StopReason, post};
use super::run::Journalled;
use super::writers::own_number;
use super::{Observer, Stages};

/// What became of one row of the plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LineOutcome {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub name: String,
    /// The component.
    pub component: ComponentType,
    /// The user, where the row is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The cell that the amount comes from; `None` for a row that rode along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What was to be stored.
    pub planned: Figures,
    /// The stored row, where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<UsageId>,
    /// The cell of the amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRow>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What a run did and what is stored now.
#[derive(Debug, Serialize, Deserialize)]
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
    /// The number under which the server knows this account, where the posted rows showed it.
    #[serde(skip)]
    pub own_number: Option<i64>,
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

    /// Whether nothing is left that taking the run up again could still do.
    pub fn is_over(&self) -> bool {
        let is_open = |outcome: &Outcome| match outcome {
            Outcome::Unknown { .. }
            | Outcome::NotSent { .. }
            | Outcome::Stale { .. }
            | Outcome::Rejected { status: 401 | 403, .. } => true,
            Outcome::Posted
            | Outcome::AlreadyThere
            | Outcome::Kept
            | Outcome::Differs { .. }
            | Outcome::Rejected { .. } => false,
        };
        self.unverified.is_none() && !self.lines.iter().any(|line| is_open(&line.outcome))
    }

    /// What it came to.
    pub fn figures(&self) -> RunFigures {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let amiss = self.lines.iter().filter(|line| !line.outcome.is_as_planned()).count();
        RunFigures { rows: count(self.lines.len()), differences: count(amiss) }
    }

    /// Whether a post was accepted, or may have been.
    pub fn may_have_posted(&self) -> bool {
        self.requests_accepted > 0 || self.requests_lost > 0
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
            Some(StopReason::Month(_) | StopReason::Stale(_) | StopReason::NotInItsMonth(_))
                if self.requests_rejected == 0 =>
            {
                ExitStatus::Refused
            }
            Some(StopReason::Interrupted) => ExitStatus::Interrupted,
            None if self.requests_rejected == 0 => ExitStatus::Refused,
            Some(
                StopReason::Month(_)
                | StopReason::Stale(_)
                | StopReason::NotInItsMonth(_)
                | StopReason::Server(_),
            )
            | None => ExitStatus::Server,
        }
    }
}

/// Posts and verifies.
pub async fn apply(
    reader: &Reader,
    approved: &Approved,
    catalogue: &Catalogue,
    settings: &PostSettings,
    journalled: Option<&Journalled<'_>>,
    stop: &Stop,
    observer: &dyn Observer,
) -> ApplyReport {
    let mut stages = Stages::begin(observer, "post");
    let exchanges = post(reader, approved, catalogue, settings, journalled, stop, observer).await;
    stages.next("verify");
    let sent_anything = all_sent(&exchanges).any(|sent| !matches!(sent, Sent::NotSent { .. }));
    let verified =
        if sent_anything { read_again(reader, approved, catalogue).await.map(Some) } else { Ok(None) };
    drop(stages);
    let unverified = verified.as_ref().err().map(ToString::to_string);
    let verified = verified.ok().flatten();
    let stored = verified.as_ref().map(|month| (by_key(&month.usages), by_name(&month.people)));
    let mut lines = Vec::new();
    for resource in approved.plan().changed() {
        let Some(exchanges) = exchanges.get(&resource.resource) else { continue };
        let unposted = |sent: &Sent| matches!(sent, Sent::NotSent { .. });
        let is_withheld = settings.unpostable.contains_key(&resource.resource);
        for exchange in &exchanges.usages {
            if is_withheld && unposted(&exchange.sent) {
                // What is not shown of it any more proves nothing.
                outcomes(approved.plan(), resource, exchange, None, &mut lines);
                continue;
            }
            let settled = exchange.stored.as_deref().map(by_key);
            let stored = stored.as_ref().map(|(rows, _)| rows).or(settled.as_ref());
            outcomes(approved.plan(), resource, exchange, stored, &mut lines);
        }
        if !is_withheld && exchanges.usages.iter().all(|exchange| unposted(&exchange.sent)) {
            let settled = exchanges.usages.iter().find_map(|exchange| exchange.stored.as_deref().map(by_key));
            if let Some(rows) = stored.as_ref().map(|(rows, _)| rows).or(settled.as_ref()) {
                rows_that_moved(approved.plan(), resource, rows, &mut lines);
            }
        }
        for exchange in &exchanges.people {
            if is_withheld && unposted(&exchange.sent) {
                people::outcomes(approved.plan(), resource, exchange, None, &mut lines);
                continue;
            }
            let settled =
                exchange.stored.as_ref().map(|month| (by_key(&month.usages), by_name(&month.people)));
            let stored = stored.as_ref().or(settled.as_ref()).map(|(rows, people)| (rows, people));
            people::outcomes(approved.plan(), resource, exchange, stored, &mut lines);
        }
        if let Some((rows, _)) = &stored {
            people::totals_that_moved(resource, &exchanges.people, rows, &mut lines);
        }
    }
    let mut report = report(all_sent(&exchanges), lines, stop.reason().as_ref(), unverified);
    let usages = verified.as_ref().map(|month| month.usages.as_slice());
    report.own_number = own_number(&report, usages.unwrap_or_default());
    report
}

/// What became of all requests.
fn all_sent(exchanges: &HashMap<ResourceId, Exchanges>) -> impl Iterator<Item = &Sent> {
    exchanges.values().flat_map(|own| {
        let usages = own.usages.iter().map(|exchange| &exchange.sent);
        usages.chain(own.people.iter().map(|exchange| &exchange.sent))
    })
}

/// Reads the month again: what is stored is what counts.
async fn read_again(
    reader: &Reader,
    approved: &Approved,
    catalogue: &Catalogue,
) -> Result<StoredMonth, WaldurError> {
    // What this reading learns about the server came too late for the plan.
    let mut capabilities = Capabilities::default();
    let usages = reader.usages(catalogue, approved.plan().header.period, &mut capabilities).await?;
    let people = people::stored_for(reader, approved.plan(), catalogue, &usages).await?;
    Ok(StoredMonth { usages, people })
}

fn outcomes(
    plan: &Plan,
    resource: &ResourcePlan,
    exchange: &Exchange,
    stored: Option<&StoredRows<'_>>,
    lines: &mut Vec<LineOutcome>,
) {
    let outcome_of = |component: &ComponentType, planned: Figures, now: Option<&Now>, outcome| LineOutcome {
        resource: resource.resource,
        name: resource.name.clone(),
        component: component.clone(),
        username: None,
        place: None,
        planned,
        row: now.and_then(Now::row),
        source: None,
        outcome,
    };
    for changed in resource.lines.iter().filter(|line| exchange.batch.posts(line, &plan.header)) {
        let Some(new) = changed.posted() else { continue };
        let planned = new.figures();
        let now = stored.map(|stored| resource.now(changed, stored));
        let outcome = if exchange.plan_periods_changed {
            Outcome::Stale { stored: now.as_ref().and_then(|now| now.figures().cloned()) }
        } else {
            changed_outcome(&exchange.sent, &planned, changed.change.old(), now.as_ref())
        };
        lines.push(LineOutcome {
            place: Some(plan.cell(changed).to_owned()),
            source: changed.source,
            ..outcome_of(&changed.component, planned, now.as_ref(), outcome)
        });
    }
    for kept in resource.kept.iter().filter(|kept| kept.plan_period == exchange.batch.plan_period()) {
        let now = stored.map(|stored| resource.now_of_kept(kept, stored));
        let outcome = kept_outcome(&exchange.sent, &kept.figures, now.as_ref());
        lines.push(outcome_of(&kept.component, kept.figures.clone(), now.as_ref(), outcome));
    }
}

/// The rows of the file that were stored as it says, and are not any more. No request is about them, but
/// they are why nothing of their resource was sent.
fn rows_that_moved(
    plan: &Plan,
    resource: &ResourcePlan,
    stored: &StoredRows<'_>,
    lines: &mut Vec<LineOutcome>,
) {
    let rides_along = |line: &Line| resource.kept.iter().any(|kept| Some(kept.row) == line.row);
    let same = resource.lines.iter().filter(|line| line.source.is_some() && !rides_along(line));
    for line in same {
        let Change::Same { old } = &line.change else { continue };
        let now = resource.now(line, stored);
        if !now.is(Some(old)) {
            lines.push(LineOutcome {
                resource: resource.resource,
                name: resource.name.clone(),
                component: line.component.clone(),
                username: None,
                place: Some(plan.cell(line).to_owned()),
                planned: old.clone(),
                row: now.row(),
                source: line.source,
                outcome: Outcome::Stale { stored: now.figures().cloned() },
            });
        }
    }
}

/// What became of a row that was to change.
pub(super) fn changed_outcome(
    sent: &Sent,
    planned: &Figures,
    old: Option<&Figures>,
    now: Option<&Now>,
) -> Outcome {
    if let Sent::NotSent { reason } = sent {
        return not_sent(reason, planned, old, now);
    }
    let Some(now) = now else { return unread(sent) };
    if now.is(Some(planned)) {
        return Outcome::Posted;
    }
    let is_unchanged = now.is(old);
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
        | Sent::NotSent { .. } => Outcome::Differs { stored: now.figures().cloned() },
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
fn not_sent(reason: &str, planned: &Figures, old: Option<&Figures>, now: Option<&Now>) -> Outcome {
    match now {
        Some(now) if now.is(Some(planned)) => Outcome::AlreadyThere,
        Some(now) if !now.is(old) => Outcome::Stale { stored: now.figures().cloned() },
        Some(_) | None => Outcome::NotSent { reason: reason.to_owned() },
    }
}

fn kept_outcome(sent: &Sent, planned: &Figures, now: Option<&Now>) -> Outcome {
    match (sent, now) {
        (Sent::NotSent { .. }, Some(now)) if !now.is(Some(planned)) => {
            Outcome::Stale { stored: now.figures().cloned() }
        }
        (Sent::NotSent { reason }, _) => Outcome::NotSent { reason: reason.clone() },
        (sent, None) => unread(sent),
        (_, Some(now)) if now.is(Some(planned)) => Outcome::Kept,
        (_, Some(now)) => Outcome::Differs { stored: now.figures().cloned() },
    }
}

fn report<'a>(
    exchanges: impl Iterator<Item = &'a Sent>,
    lines: Vec<LineOutcome>,
    stop: Option<&StopReason>,
    unverified: Option<String>,
) -> ApplyReport {
    let exchanges: Vec<&Sent> = exchanges.collect();
    let count = |wanted: fn(&Sent) -> bool| exchanges.iter().filter(|sent| wanted(sent)).count();
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
        own_number: None,
        stop: stop.cloned(),
    }
}
