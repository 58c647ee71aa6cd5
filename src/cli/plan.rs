//! `plan`: what would be posted, and nothing else.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::error::{Error, ExitStatus};
use crate::findings::{Finding, RowCounts};
use crate::jobs::left_out::LeftOutSummary;
use crate::jobs::plan::{PlanSettings, Planned, plan};
use crate::plan::{Plan, Summary};
use crate::report::{write_comparison, write_file};
use crate::ui::{self, Format, Style, Terminal};

use super::connect::connect;
use super::input::InputArguments;
use super::{Global, check};

/// What `plan` takes.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// Spreadsheets of usage (.xlsx, .csv)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    /// Leave rows at deny out, together with all rows of their resource
    #[arg(long)]
    skip_faulty: bool,
    /// Write the plan: .json for `apply`, .xlsx for people; repeatable
    #[arg(short, long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Replace a workbook that is there already
    #[arg(long)]
    force: bool,
    /// Exit with 1 where the plan is not empty
    #[arg(long)]
    exit_code: bool,
}

/// A plan as JSON on stdout.
#[derive(Serialize)]
struct PlanDocument<'a> {
    digest: String,
    summary: Summary,
    rows: RowCounts,
    findings: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<&'a LeftOutSummary>,
    plan: &'a Plan,
}

/// Runs the command.
pub async fn run(
    arguments: &PlanArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    for path in &arguments.out {
        ending(path)?;
        keep(path, arguments)?;
    }
    let connection = connect(global)?;
    let check = arguments.input.settings(&arguments.files, &connection)?;
    let settings = PlanSettings { check, skip_faulty: arguments.skip_faulty };
    let planned = plan(&connection.reader, &settings, terminal).await?;
    let Some(plan) = planned.plan.as_ref() else {
        check::show(&planned.check, global);
        return Ok(ExitStatus::Denied);
    };
    let plan = plan.get();
    let left_out = left_out(&planned)?;
    show(plan, &planned, left_out.as_ref(), global);
    for path in &arguments.out {
        match ending(path)? {
            Ending::Json => write_file(path, plan.to_json().as_bytes())?,
            Ending::Workbook => write_comparison(path, plan)?,
        }
        terminal.say(&format!("written to {}", crate::domain::visible(&path.to_string_lossy())));
    }
    let differs = arguments.exit_code && plan.changed().next().is_some();
    Ok(if differs { ExitStatus::Differences } else { ExitStatus::Done })
}

/// Refuses an output that would replace an input, or a workbook that somebody may have worked on.
fn keep(path: &Path, arguments: &PlanArguments) -> Result<(), Error> {
    let Ok(own) = path.canonicalize() else { return Ok(()) };
    let shown = crate::domain::visible(&path.to_string_lossy()).to_string();
    if arguments.files.iter().any(|input| input.canonicalize().is_ok_and(|input| input == own)) {
        return Err(Error::setting(
            format!("{shown} is an input, and would be replaced"),
            "name another file",
        ));
    }
    if matches!(ending(path)?, Ending::Workbook) && own.is_file() && !arguments.force {
        return Err(Error::setting(format!("{shown} is there already"), "name another file, or use --force"));
    }
    Ok(())
}

enum Ending {
    Json,
    Workbook,
}

fn ending(path: &Path) -> Result<Ending, Error> {
    match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("json") => Ok(Ending::Json),
        Some("xlsx") => Ok(Ending::Workbook),
        _ => {
            let what =
                format!("{}: the ending names no format", crate::domain::visible(&path.to_string_lossy()));
            Err(Error::setting(what, "use .json or .xlsx"))
        }
    }
}

/// Writes the rows that were left out, where there are any.
pub fn left_out(planned: &Planned) -> Result<Option<LeftOutSummary>, Error> {
    if planned.left_out.is_empty() {
        return Ok(None);
    }
    Ok(Some(planned.left_out.write(&planned.check)?))
}

fn show(plan: &Plan, planned: &Planned, left_out: Option<&LeftOutSummary>, global: &Global) {
    match global.format.into() {
        Format::Json => ui::json(&PlanDocument {
            digest: plan.digest(),
            summary: Summary::of(plan),
            rows: planned.check.counts(),
            findings: planned.check.findings.list(),
            left_out,
            plan,
        }),
        Format::Text => ui::data(&text(plan, planned, left_out, global.verbose)),
    }
}

/// A plan for people, with what speaks against it and what was left out of it first.
pub fn text(plan: &Plan, planned: &Planned, left_out: Option<&LeftOutSummary>, all: bool) -> String {
    let style = Style::for_stdout();
    let mut text = String::new();
    if !planned.check.findings.list().is_empty() {
        text.push_str(&ui::check_text(&planned.check, style));
        text.push('\n');
    }
    if let Some(left_out) = left_out {
        text.push_str(&ui::left_out_text(left_out, style));
    }
    text.push_str(&ui::plan_text(plan, style, if all { usize::MAX } else { ui::SHOWN }));
    text
}
