//! Runs of the store for people and programs.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;

use std::collections::HashMap;

use crate::domain::{BillingPeriod, ResourceId, RunId, visible};
use crate::jobs::freshness::StaleResource;
use crate::plan::{Plan, Standing, by_key, by_name};
use crate::store::{Answer, RequestRecord, RunSummary, StoredPipelineRun};

use super::Table;
use super::pipelines::PipelineLine;

/// A run in a list.
#[derive(Debug, Clone, Serialize)]
pub struct RunLine {
    run: RunId,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    undoes: Option<RunId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<RunId>,
    server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<String>,
    period: BillingPeriod,
    digest: String,
    started: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    differences: Option<u64>,
    requests_accepted: u64,
    requests_rejected: u64,
    requests_lost: u64,
    requests_unanswered: u64,
}

impl RunLine {
    /// What a list shows of a run.
    pub fn of(RunSummary { stored, requests, figures }: &RunSummary) -> Self {
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
            pipeline: run.pipeline,
            server: run.server.clone(),
            sandbox: run.sandbox.clone(),
            period: run.period,
            digest: run.digest.clone(),
            started: stored.started,
            ended: stored.ended.as_ref().map(|ended| ended.at),
            seconds: stored.ended.as_ref().map(|ended| seconds(stored.started, ended.at)),
            state,
            rows: figures.map(|figures| figures.rows),
            differences: figures.map(|figures| figures.differences),
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

/// The time between two moments, to the thousandth of a second.
#[expect(clippy::cast_precision_loss, reason = "no run takes so long that a double cannot hold it")]
pub(super) fn seconds(started: Timestamp, ended: Timestamp) -> f64 {
    ended.duration_since(started).as_millis().max(0) as f64 / 1000.0
}

/// The same for people.
pub(super) fn took(started: Timestamp, ended: Timestamp) -> String {
    let seconds = ended.duration_since(started).as_secs().max(0);
    match seconds {
        0..60 => format!("{:.1} s", self::seconds(started, ended)),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// A run in a list: of a command, or of a pipeline.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum ListedRun {
    /// It posts.
    Run(Box<RunLine>),
    /// It is of a pipeline.
    Pipeline(Box<PipelineLine>),
}

impl ListedRun {
    /// The newest of both kinds, the newest first.
    pub fn newest(runs: &[RunSummary], pipelines: &[StoredPipelineRun], limit: usize) -> Vec<Self> {
        let runs = runs.iter().map(|run| Self::Run(Box::new(RunLine::of(run))));
        let pipelines = pipelines.iter().map(|run| Self::Pipeline(Box::new(PipelineLine::of(run))));
        let mut all: Vec<Self> = runs.chain(pipelines).collect();
        // Of those that began at once, the order of their own kind stays.
        all.sort_by_key(|run| std::cmp::Reverse(run.started()));
        all.truncate(limit);
        all
    }

    fn started(&self) -> Timestamp {
        match self {
            Self::Run(run) => run.started,
            Self::Pipeline(run) => run.started,
        }
    }
}

/// A list of runs.
pub fn runs_text(runs: &[ListedRun]) -> String {
    if runs.is_empty() {
        return "no run is kept here\n".to_owned();
    }
    let mut table = Table::new(&[
        "run",
        "command",
        "server",
        "period",
        "started",
        ">took",
        "state",
        ">rows",
        ">differences",
        "requests",
    ]);
    for run in runs {
        table.row(match run {
            ListedRun::Run(run) => run.row(),
            ListedRun::Pipeline(run) => run.row(),
        });
    }
    table.render("")
}

impl RunLine {
    fn row(&self) -> [String; 10] {
        let open = self.requests_lost + self.requests_unanswered;
        let told = [
            (self.requests_accepted, "accepted"),
            (self.requests_rejected, "rejected"),
            (open, "without an answer"),
        ];
        let told = told.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        [
            self.run.to_string().chars().take(12).collect(),
            visible(&self.command).to_string(),
            visible(&self.server).to_string(),
            self.period.to_string(),
            self.started.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            self.ended.map(|ended| took(self.started, ended)).unwrap_or_default(),
            visible(&self.state).to_string(),
            count(self.rows),
            count(self.differences),
            told.collect::<Vec<_>>().join(", "),
        ]
    }
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
    if let Some(pipeline) = run.pipeline {
        fact("step of", &pipeline.to_string());
    }
    fact("server", &run.server);
    fact("period", &run.period.to_string());
    fact("started", &format!("{:.0}", run.started));
    let ended = run.ended.map(|ended| format!("{ended:.0}, after {}", took(run.started, ended)));
    fact("ended", &ended.unwrap_or_else(|| "-".to_owned()));
    fact("state", &run.state);
    fact("digest", &run.digest);
    let unanswered = run.requests_lost + run.requests_unanswered;
    let mut counts = format!("{} accepted, {} rejected", run.requests_accepted, run.requests_rejected);
    if unanswered > 0 {
        let _ = write!(counts, ", {unanswered} without an answer");
    }
    fact("requests", &counts);
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
