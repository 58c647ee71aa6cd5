//! Runs of pipelines for people and programs.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::domain::{RunId, visible};
use crate::pipeline::{Facts, MoneyFact, breaks};
use crate::store::{Ended, StoredPipelineRun, StoredStep};

use super::Table;
use super::runs::{seconds, took};

/// A run of a pipeline; `docs/schema/pipeline-run.schema.json` says what stands where.
#[derive(Debug, Clone, Serialize)]
pub struct PipelineLine {
    run: RunId,
    command: &'static str,
    pipeline: String,
    path: String,
    server: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<String>,
    period: String,
    /// When it began.
    pub started: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    steps: Vec<StepLine>,
}

/// A step of it.
#[derive(Debug, Clone, Serialize)]
pub struct StepLine {
    step: String,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<Facts>,
    /// What the command of the step prints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Value>,
}

fn state(ended: Option<&Ended>, has_begun: bool) -> String {
    match ended.map(|ended| &ended.end) {
        None if has_begun => "not ended".to_owned(),
        None => "not begun".to_owned(),
        Some(end) if end.is_over => end.status.clone(),
        Some(end) => format!("{}, can be resumed", end.status),
    }
}

impl StepLine {
    fn of(step: &StoredStep) -> Self {
        let ended = step.ended.as_ref();
        Self {
            step: step.name.clone(),
            state: state(ended, step.started.is_some()),
            code: ended.map(|ended| ended.end.code),
            started: step.started,
            seconds: step.started.zip(ended).map(|(started, ended)| seconds(started, ended.at)),
            facts: serde_json::from_str(&step.facts).ok(),
            documents: Vec::new(),
        }
    }
}

impl PipelineLine {
    /// What is told of a run; of each step, what its command printed.
    pub fn of(stored: &StoredPipelineRun) -> Self {
        let run = &stored.run;
        let ended = stored.ended.as_ref();
        Self {
            run: run.id,
            command: "run",
            pipeline: run.pipeline.clone(),
            path: run.path.clone(),
            server: run.server.clone(),
            sandbox: run.sandbox.clone(),
            period: run.period.clone(),
            started: stored.started,
            ended: ended.map(|ended| ended.at),
            seconds: ended.map(|ended| seconds(stored.started, ended.at)),
            state: state(ended, true),
            code: ended.map(|ended| ended.end.code),
            steps: stored.steps.iter().map(StepLine::of).collect(),
        }
    }

    /// The same with what the commands of its steps printed, by their positions.
    pub fn with_documents(mut self, documents: Vec<Vec<Value>>) -> Self {
        for (step, own) in self.steps.iter_mut().zip(documents) {
            step.documents = own;
        }
        self
    }

    /// As a row of a list of runs.
    pub(super) fn row(&self) -> [String; 10] {
        let facts = || self.steps.iter().filter_map(|step| step.facts.as_ref());
        let rows = facts().map(|facts| facts.rows).find(|rows| *rows > 0);
        let breaks = breaks(facts());
        let posted = facts().any(|facts| facts.posted);
        [
            self.run.to_string().chars().take(12).collect(),
            format!("run {}", visible(&self.pipeline)),
            visible(&self.server).to_string(),
            visible(&self.period).to_string(),
            self.started.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            self.ended.map(|ended| took(self.started, ended)).unwrap_or_default(),
            visible(&self.state).to_string(),
            rows.map(|rows| rows.to_string()).unwrap_or_default(),
            breaks.to_string(),
            if posted { "posted" } else { "" }.to_owned(),
        ]
    }
}

fn money_text(money: &[MoneyFact]) -> String {
    let each = money.iter().filter(|own| !own.amount.is_zero()).map(|own| match own.currency {
        Some(currency) => format!("{} {currency}", own.amount),
        None => format!("{} of no known currency", own.amount),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// A run of a pipeline with its steps.
pub fn pipeline_text(run: &PipelineLine) -> String {
    let mut text = String::new();
    let mut fact = |label: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label:<10} {}", visible(value));
    };
    fact("run", &run.run.to_string());
    fact("pipeline", &run.pipeline);
    fact("file", &run.path);
    fact("server", &run.server);
    fact("period", &run.period);
    fact("started", &format!("{:.0}", run.started));
    let ended = run.ended.map(|ended| format!("{ended:.0}, after {}", took(run.started, ended)));
    fact("ended", &ended.unwrap_or_else(|| "-".to_owned()));
    fact("state", &run.state);
    let mut table = Table::new(&["step", "state", ">took", ">rows", ">differences", "money", "run"]);
    for step in &run.steps {
        let facts = step.facts.clone().unwrap_or_default();
        let count = |count: u64| step.facts.as_ref().map(|_| count.to_string()).unwrap_or_default();
        let took = step.seconds.map(|seconds| format!("{seconds:.1} s")).unwrap_or_default();
        table.row([
            visible(&step.step).to_string(),
            visible(&step.state).to_string(),
            took,
            count(facts.rows),
            count(facts.breaks),
            money_text(&facts.money),
            facts.run.map(|run| run.to_string().chars().take(12).collect()).unwrap_or_default(),
        ]);
    }
    text.push('\n');
    text.push_str(&table.render("  "));
    let files: Vec<&String> =
        run.steps.iter().filter_map(|step| step.facts.as_ref()).flat_map(|own| &own.files).collect();
    if !files.is_empty() {
        text.push_str("\noutputs\n");
        for file in files {
            let _ = writeln!(text, "  {}", visible(file));
        }
    }
    text
}
