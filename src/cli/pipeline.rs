//! `pipeline`: whether a pipeline's file is right, and files to start one from; asks no server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::domain::{nearest, visible};
use crate::error::{Error, ExitStatus};
use crate::pipeline::{Fault, Pipeline, PipelineError, Step, TEMPLATES};
use crate::ui::{self, Format, Table};

use super::Global;
use super::pipeline_settings::{judge, read, refused, text_of};

/// What `pipeline` takes.
#[derive(Debug, Args)]
pub struct PipelineArguments {
    #[command(subcommand)]
    command: PipelineCommand,
}

#[derive(Debug, Subcommand)]
enum PipelineCommand {
    /// Tell everything that is wrong with a pipeline's file, each fault with its line
    Check(PipelineCheckArguments),
    /// List the templates that come with the program
    List,
    /// Print a template: `pipeline show month-end-upload > pipeline.toml`
    Show(PipelineShowArguments),
}

#[derive(Debug, Args)]
struct PipelineCheckArguments {
    /// The pipeline's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
struct PipelineShowArguments {
    /// The name of the template
    #[arg(value_name = "NAME")]
    name: String,
}

/// What was found, as JSON; `docs/schema/pipeline-check.schema.json` says what stands where.
#[derive(Serialize)]
struct CheckedPipeline<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<String>,
    steps: Vec<&'static str>,
    faults: &'a [Fault],
}

/// Runs the command.
pub fn run(arguments: &PipelineArguments, global: &Global) -> Result<ExitStatus, Error> {
    match &arguments.command {
        PipelineCommand::Check(arguments) => check(arguments, global),
        PipelineCommand::List => {
            list(global);
            Ok(ExitStatus::Done)
        }
        PipelineCommand::Show(arguments) => show(&arguments.name, global),
    }
}

fn check(arguments: &PipelineCheckArguments, global: &Global) -> Result<ExitStatus, Error> {
    let (pipeline, faults) = match read(&arguments.file) {
        Ok(pipeline) => {
            let (_, faults) = judge(&pipeline, global)?;
            (Some(pipeline), faults)
        }
        Err(PipelineError::Faulty { faults, .. }) => (None, faults),
        Err(unreadable @ PipelineError::Unreadable { .. }) => return Err(refused(unreadable)),
    };
    match global.format.into() {
        Format::Json => ui::json(&CheckedPipeline {
            ok: faults.is_empty(),
            name: pipeline.as_ref().map(|pipeline| pipeline.name.as_str()),
            period: pipeline.as_ref().map(|pipeline| pipeline.period.to_string()),
            steps: pipeline.iter().flat_map(Pipeline::steps).map(Step::name).collect(),
            faults: &faults,
        }),
        Format::Text => ui::data(&text(arguments, pipeline.as_ref(), &faults)),
    }
    Ok(if faults.is_empty() { ExitStatus::Done } else { ExitStatus::Usage })
}

fn text(arguments: &PipelineCheckArguments, pipeline: Option<&Pipeline>, faults: &[Fault]) -> String {
    let file = arguments.file.to_string_lossy();
    let file = visible(&file);
    let mut lines: Vec<String> = faults.iter().map(|fault| format!("{file}: {}", text_of(fault))).collect();
    match pipeline {
        Some(pipeline) if faults.is_empty() => {
            let steps: Vec<&str> = pipeline.steps().into_iter().map(Step::name).collect();
            let title = pipeline.title.as_ref().map(|title| format!(" ({})", visible(title)));
            lines.push(format!("{}{}: no fault", pipeline.name, title.unwrap_or_default()));
            lines.push(format!("of {}: {}", pipeline.period, steps.join(", then ")));
        }
        _ => lines.push(ui::counted(faults.len(), "fault")),
    }
    lines.join("\n") + "\n"
}

fn list(global: &Global) {
    match global.format.into() {
        Format::Json => {
            let each =
                |(name, text): &(&str, &str)| serde_json::json!({ "name": name, "title": title(text) });
            ui::json(&TEMPLATES.iter().map(each).collect::<Vec<_>>());
        }
        Format::Text => {
            let mut table = Table::new(&["template", "what it does"]);
            for (name, text) in &TEMPLATES {
                table.row([(*name).to_owned(), title(text)]);
            }
            ui::data(&table.render(""));
        }
    }
}

/// The title of a template.
fn title(text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("title = "));
    line.unwrap_or_default().trim_matches('"').to_owned()
}

fn show(name: &str, global: &Global) -> Result<ExitStatus, Error> {
    let Some((_, text)) = TEMPLATES.iter().find(|(own, _)| *own == name) else {
        let hint = nearest(name, TEMPLATES.iter().map(|(own, _)| *own)).map_or_else(
            || "`waldur-usage pipeline list` lists them".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        return Err(Error::setting(format!("there is no template {}", visible(name)), hint));
    };
    match global.format.into() {
        Format::Json => ui::json(&serde_json::json!({ "name": name, "title": title(text), "text": text })),
        Format::Text => ui::data(text),
    }
    Ok(ExitStatus::Done)
}
