//! Runs of the store for people and programs.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;

use std::collections::HashMap;

use crate::domain::{BillingPeriod, ResourceId, RunId, visible};
use crate::jobs::freshness::StaleResource;
use crate::plan::{Plan, Standing, by_key, by_name};
use crate::store::{Answer, RequestRecord, RunSummary};

use super::Table;

/// A run in a list.
#[derive(Debug, Clone, Serialize)]
pub struct RunLine {
    run: RunId,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<RunId>,
    server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<String>,
    period: BillingPeriod,
    digest: String,
    started: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    state: String,
    requests_accepted: u64,
    requests_rejected: u64,
    requests_lost: u64,
    requests_unanswered: u64,
}

impl RunLine {
    /// What a list shows of a run.
    pub fn of(RunSummary { stored, requests }: &RunSummary) -> Self {
        let run = &stored.run;
        let state = match stored.ended.as_ref().map(|ended| &ended.end) {
            None => "not ended".to_owned(),
            Some(end) if end.is_over => end.status.clone(),
            Some(end) => format!("{}, can be resumed", end.status),
        };
        Self {
            run: run.id,
            command: run.command.clone(),
            undoes: run.undoes,
            server: run.server.clone(),
            sandbox: run.sandbox.clone(),
            period: run.period,
            digest: run.digest.clone(),
            started: stored.started,
            ended: stored.ended.as_ref().map(|ended| ended.at),
            state,
            requests_accepted: requests.accepted,
            requests_rejected: requests.rejected,
            requests_lost: requests.lost,
            requests_unanswered: requests.unanswered,
        }
    }
}

/// A request of a run, without its body.
#[derive(Debug, Clone, Serialize)]
pub struct RequestLine {
    number: u32,
    attempt: u32,
    resource: ResourceId,
    sent_at: Timestamp,
    answer: String,
}

impl RequestLine {
    /// What is told of a request.
    pub fn of(request: &RequestRecord) -> Self {
        let answer = match request.answer.as_ref().map(|(_, answer)| answer) {
            None => "none was written down".to_owned(),
            Some(Answer::Accepted) => "accepted".to_owned(),
            Some(Answer::Rejected { status, message }) => format!("rejected: {status}, {}", visible(message)),
            Some(Answer::Lost { reason }) => format!("lost: {}", visible(reason)),
            Some(Answer::NotSent { reason }) => format!("not sent: {}", visible(reason)),
        };
        Self {
            number: request.batch,
            attempt: request.attempt,
            resource: request.resource,
            sent_at: request.sent_at,
            answer,
        }
    }
}

/// A list of runs.
pub fn runs_text(runs: &[RunLine]) -> String {
    if runs.is_empty() {
        return "no run is kept here\n".to_owned();
    }
    let mut table = Table::new(&[
        "run",
        "command",
        "server",
        "period",
        "started",
        "state",
        ">accepted",
        ">rejected",
        ">open",
    ]);
    for run in runs {
        table.row([
            run.run.to_string().chars().take(12).collect(),
            visible(&run.command).to_string(),
            visible(&run.server).to_string(),
            run.period.to_string(),
            run.started.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            visible(&run.state).to_string(),
            run.requests_accepted.to_string(),
            run.requests_rejected.to_string(),
            (run.requests_lost + run.requests_unanswered).to_string(),
        ]);
    }
    table.render("")
}

/// One run and its requests that were not simply accepted.
pub fn run_text(run: &RunLine, requests: &[RequestRecord]) -> String {
    let mut text = String::new();
    let mut fact = |label: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label:<10} {}", visible(value));
    };
    fact("run", &run.run.to_string());
    fact("command", &run.command);
    if let Some(undone) = run.undoes {
        fact("undoes", &undone.to_string());
    }
    fact("server", &run.server);
    fact("period", &run.period.to_string());
    fact("started", &run.started.to_string());
    fact("ended", &run.ended.map_or_else(|| "-".to_owned(), |ended| ended.to_string()));
    fact("state", &run.state);
    fact("digest", &run.digest);
    fact("requests", &format!("{} accepted, {} rejected", run.requests_accepted, run.requests_rejected));
    let open: Vec<RequestLine> = requests
        .iter()
        .filter(|request| !matches!(request.answer, Some((_, Answer::Accepted))))
        .map(RequestLine::of)
        .collect();
    if !open.is_empty() {
        let mut table = Table::new(&[">request", ">attempt", "resource", "sent", "answer"]);
        for request in open.iter().take(super::SHOWN) {
            table.row([
                request.number.to_string(),
                request.attempt.to_string(),
                request.resource.to_string(),
                request.sent_at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                request.answer.clone(),
            ]);
        }
        text.push('\n');
        text.push_str(&table.render("  "));
    }
    text
}

/// How many rows of stale resources are neither as they were nor as they are wanted.
pub fn stale_rows(plan: &Plan, stale: &HashMap<ResourceId, StaleResource>) -> usize {
    let rows = plan.changed().filter_map(|resource| Some((resource, stale.get(&resource.resource)?)));
    rows.map(|(resource, stale)| {
        let (stored, people) = (by_key(&stale.stored), by_name(&stale.people));
        let of_people = resource
            .posted_people()
            .filter(|person| resource.person_standing(person, &stored, &people) == Standing::Otherwise);
        let otherwise = resource.lines.iter().filter(|line| {
            resource.matters(line)
                && (stale.plan_periods_changed || resource.standing(line, &stored) == Standing::Otherwise)
        });
        otherwise.count() + of_people.count()
    })
    .sum()
}
