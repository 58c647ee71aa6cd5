//! `plan`: what would be posted, and nothing else.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::error::{Error, ExitStatus};
use crate::findings::{Finding, RowCounts};
use crate::jobs::guards::Guarded;
use crate::jobs::left_out::LeftOutSummary;
use crate::jobs::plan::{PlanSettings, Planned, plan};
use crate::plan::{Plan, Summary};
use crate::source::expand;
use crate::ui::{self, Format, Style, Terminal};

use super::connect::connect;
use super::guards::GuardArguments;
use super::input::{InputArguments, SplitArguments};
use super::plan_file::PlanForm;
use super::plan_show::{self, PlanShowArguments};
use super::{Global, check};

/// What `plan` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct PlanArguments {
    #[command(subcommand)]
    command: Option<PlanCommand>,
    /// Spreadsheets of usage, folders of them, or - for stdin (.xlsx, .xlsm, .xls, .xlsb, .ods, .csv, .tsv, .parquet)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    /// Leave rows at deny out, together with all rows of their resource
    #[arg(long)]
    skip_faulty: bool,
    /// Plan an explicit 0 for every reportable component in scope that no row names
    #[arg(long, conflicts_with = "skip_faulty")]
    zero_missing: bool,
    #[command(flatten)]
    split: SplitArguments,
    #[command(flatten)]
    guards: GuardArguments,
    /// Write the plan: .json for `apply`; .xlsx, .html or .txt for people; repeatable
    #[arg(short, long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Replace what is there already for people
    #[arg(long)]
    force: bool,
    /// Exit with 1 where the plan is not empty
    #[arg(long)]
    exit_code: bool,
}

#[derive(Debug, Subcommand)]
enum PlanCommand {
    /// Show a plan that was made earlier; asks no server
    Show(PlanShowArguments),
}

/// A plan as JSON on stdout.
#[derive(Serialize)]
struct PlanDocument<'a> {
    digest: String,
    body_digest: String,
    summary: Summary,
    rows: RowCounts,
    findings: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<&'a LeftOutSummary>,
    #[serde(flatten)]
    guarded: &'a Guarded,
    plan: &'a Plan,
}

/// Runs the command.
pub async fn run(
    arguments: &PlanArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    if let Some(PlanCommand::Show(arguments)) = &arguments.command {
        return plan_show::run(arguments, global, terminal);
    }
    let inputs = if arguments.out.is_empty() { Vec::new() } else { expand(&arguments.files)?.files };
    for path in &arguments.out {
        let inputs = inputs.iter().map(PathBuf::as_path);
        PlanForm::of(path)?.keep(path, inputs, arguments.force)?;
    }
    let connection = connect(global)?;
    let mut check = arguments.input.settings(&arguments.files, &connection)?;
    check.input.parse.remembers_names = arguments.zero_missing;
    let settings = PlanSettings {
        check,
        skip_faulty: arguments.skip_faulty,
        split: arguments.split.split(),
        only: None,
    };
    let planned = plan(&connection.reader, &settings, terminal).await?;
    let Some(plan) = planned.plan.as_ref() else {
        check::show_refused(&planned.check, planned.refusal.as_ref(), global);
        return planned.refusal.map_or(Ok(ExitStatus::Denied), Err);
    };
    let plan = plan.get();
    let left_out = left_out(&planned)?;
    let snapshot = planned.check.snapshot.as_ref();
    let snapshot = snapshot.ok_or_else(|| Error::Bug("a plan without a snapshot".into()))?;
    let guarded = arguments.guards.guard(
        plan,
        &planned.last_month,
        &snapshot.catalogue,
        &planned.writers,
        &connection,
        global,
    )?;
    show(plan, &planned, left_out.as_ref(), &guarded, global);
    for path in &arguments.out {
        PlanForm::of(path)?.write(path, plan, terminal)?;
    }
    let differs = arguments.exit_code && plan.changed().next().is_some();
    Ok(if differs { ExitStatus::Differences } else { ExitStatus::Done })
}

/// Writes the rows that were left out, where there are any.
pub fn left_out(planned: &Planned) -> Result<Option<LeftOutSummary>, Error> {
    if planned.left_out.is_empty() {
        return Ok(None);
    }
    Ok(Some(planned.left_out.write(&planned.check)?))
}

fn show(
    plan: &Plan,
    planned: &Planned,
    left_out: Option<&LeftOutSummary>,
    guarded: &Guarded,
    global: &Global,
) {
    match global.format.into() {
        Format::Json => ui::json(&PlanDocument {
            digest: plan.digest(),
            body_digest: plan.body_digest(),
            summary: Summary::of(plan),
            rows: planned.check.counts(),
            findings: planned.check.findings.list(),
            left_out,
            guarded,
            plan,
        }),
        Format::Text => {
            ui::data(&text(plan, planned, left_out, global.verbose));
            ui::data(&ui::guards_text(guarded, Style::for_stdout()));
            ui::data(&refusal(guarded));
        }
    }
}

/// What becomes of a plan that guards refuse; nothing where none does.
fn refusal(guarded: &Guarded) -> String {
    let refusing = guarded.refusing();
    if refusing.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = refusing.iter().map(|guard| guard.name()).collect();
    let flags: Vec<&str> = refusing.iter().filter_map(|guard| guard.flag()).collect();
    let way =
        if flags.is_empty() { String::new() } else { format!("; if it is right, give {}", flags.join(" ")) };
    format!("\n`apply` will refuse this plan: {}{way}\n", names.join(", "))
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
