//! `runs`: what was done, from the store; asks no server.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ExitStatus};
use crate::jobs::apply::ApplyReport;
use crate::jobs::run::plan_of;
use crate::plan::Summary;
use crate::store::RequestRecord;
use crate::ui::{self, Format, Style};

use super::Global;
use super::store;

/// What `runs` takes.
#[derive(Debug, Args)]
pub struct RunsArguments {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// List runs, the newest first
    List(RunsListArguments),
    /// Show what a run planned, sent and left
    Show(RunsShowArguments),
}

#[derive(Debug, Args)]
struct RunsListArguments {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
}

#[derive(Debug, Args)]
struct RunsShowArguments {
    /// The run, by the beginning of its id
    #[arg(value_name = "RUN")]
    run: String,
}

/// A run as JSON on stdout.
#[derive(Serialize)]
struct ShownRun {
    run: ui::RunLine,
    summary: Summary,
    requests: Vec<ui::RequestLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Value>,
    plan: Value,
}

/// Runs the command.
pub fn run(arguments: &RunsArguments, global: &Global) -> Result<ExitStatus, Error> {
    let store = store::open(global)?;
    match &arguments.command {
        RunsCommand::List(list) => {
            let limit = usize::try_from(list.limit).unwrap_or(usize::MAX);
            let (own, pipelines) = (store.runs(list.limit)?, store.pipeline_runs(list.limit)?);
            let runs = ui::ListedRun::newest(&own, &pipelines, limit);
            match global.format.into() {
                Format::Json => ui::json(&runs),
                Format::Text => ui::data(&ui::runs_text(&runs)),
            }
        }
        RunsCommand::Show(show) => {
            let id = store::find_any(&store, &show.run)?;
            if let Some(pipeline) = store.pipeline_run(id)? {
                let line = ui::PipelineLine::of(&pipeline);
                match global.format.into() {
                    Format::Json => ui::json(&line),
                    Format::Text => ui::data(&ui::pipeline_text(&line)),
                }
                return Ok(ExitStatus::Done);
            }
            let stored = store::get(&store, id)?;
            let plan = plan_of(&store, stored.run.id)?;
            let requests: Vec<RequestRecord> = store.requests(stored.run.id)?;
            let line = store.summary(stored.run.id)?.as_ref().map(ui::RunLine::of);
            let line = line.ok_or_else(|| Error::Bug(format!("run {} is not listed", stored.run.id)))?;
            let report = store.report(stored.run.id)?;
            match global.format.into() {
                Format::Json => ui::json(&ShownRun {
                    run: line,
                    summary: Summary::of(&plan),
                    requests: requests.iter().map(ui::RequestLine::of).collect(),
                    report: serde_json::from_str(&report).ok(),
                    plan: serde_json::to_value(&plan).unwrap_or_default(),
                }),
                Format::Text => {
                    let report = serde_json::from_str::<ApplyReport>(&report).ok();
                    ui::data(&ui::run_text(&line, &requests));
                    if let Some(report) = report {
                        ui::data(&format!(
                            "\n{}",
                            ui::apply_text(&report, stored.run.id, Style::for_stdout())
                        ));
                    }
                    ui::data(&format!("\n{}", ui::plan_text(&plan, Style::for_stdout(), ui::SHOWN)));
                }
            }
        }
    }
    Ok(ExitStatus::Done)
}
