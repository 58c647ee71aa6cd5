//! `plan show`: a plan that was made earlier, for whoever is to agree to it.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, ExitStatus};
use crate::plan::Plan;
use crate::source::Input;
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::plan_file::PlanForm;

/// What `plan show` takes.
#[derive(Debug, Args)]
pub struct PlanShowArguments {
    /// A plan (.json)
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Write it as .xlsx, .html, .txt or .json instead of printing it; repeatable
    #[arg(short, long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

/// Runs the command.
pub fn run(arguments: &PlanShowArguments, global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let bytes = Input::read(&arguments.plan)?;
    let plan = Plan::from_json(bytes.bytes())
        .map_err(|error| Error::Plan { path: arguments.plan.clone(), error })?;
    for path in &arguments.out {
        let inputs = std::iter::once(arguments.plan.as_path());
        PlanForm::of(path)?.keep(path, inputs, arguments.force)?;
    }
    for path in &arguments.out {
        PlanForm::of(path)?.write(path, &plan, terminal)?;
    }
    if arguments.out.is_empty() {
        match global.format.into() {
            Format::Json => ui::json(&plan.file()),
            Format::Text => ui::data(&ui::plan_text(&plan, Style::for_stdout(), usize::MAX)),
        }
    }
    Ok(ExitStatus::Done)
}
