//! `reconcile --plan`: the file's figures of chosen classes as a plan for `apply`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::domain::{PeriodRange, file_stem, visible};
use crate::error::Error;
use crate::findings::Checked;
use crate::jobs::check::CheckSettings;
use crate::jobs::chosen::{ChosenKeys, Unplanned};
use crate::jobs::plan::{PlanSettings, plan};
use crate::plan::{Plan, SplitPlans};
use crate::reconcile::{Class, Report};
use crate::report::write_corrections;
use crate::ui::{self, Terminal};
use crate::waldur::Reader;

use super::plan_file::PlanForm;

/// How many keys that are not planned are listed.
const SHOWN: usize = 20;

/// What `--plan` takes.
#[derive(Debug, Args)]
pub struct ReconcilePlanArguments {
    /// Write a plan for `apply`: the file's figures of the classes that --plan-classes names
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// The classes that are planned, with commas between them
    #[arg(
        long,
        value_name = "CLASS",
        value_delimiter = ',',
        default_value = "missing-on-server,amount",
        requires = "plan"
    )]
    plan_classes: Vec<Class>,
}

impl ReconcilePlanArguments {
    /// Refuses what could give no plan, before anything is asked.
    pub fn judge(
        &self,
        files: &[PathBuf],
        reports: &[PathBuf],
        periods: PeriodRange,
        has_saved_list: bool,
    ) -> Result<(), Error> {
        let Some(path) = &self.plan else { return Ok(()) };
        let shown = visible(&path.to_string_lossy()).to_string();
        if PlanForm::of(path)? != PlanForm::Json {
            return Err(Error::setting(format!("{shown} is no name of a plan"), "end it with .json"));
        }
        if reports.contains(path) {
            return Err(Error::setting(format!("{shown} is named twice"), "name another file for the plan"));
        }
        PlanForm::Json.keep(path, files.iter().map(PathBuf::as_path), false)?;
        if has_saved_list {
            let hint = "leave --server-rows away: a plan is made against the server as it is";
            return Err(Error::setting("a saved list cannot be planned against", hint));
        }
        if files.is_empty() {
            return Err(Error::setting("--plan needs a file of usage", "name the statement"));
        }
        if periods.as_single().is_none() {
            return Err(Error::setting("a plan is of one month", "name one with --period"));
        }
        if let Some(class) = self.plan_classes.iter().find(|class| !class.can_be_planned()) {
            let can: Vec<&str> =
                Class::ALL.iter().filter(|class| class.can_be_planned()).map(|class| class.name()).collect();
            let what = format!("{class} cannot be planned: {}", class.title());
            return Err(Error::setting(what, format!("what can be: {}", can.join(", "))));
        }
        Ok(())
    }

    /// Makes the plan of a report, where one is asked for; `check` is what the report was made with.
    pub async fn write(
        &self,
        report: &Report,
        check: &CheckSettings,
        reader: &Reader,
        terminal: &Terminal,
    ) -> Result<(), Error> {
        let Some(path) = &self.plan else { return Ok(()) };
        let shown = visible(&path.to_string_lossy()).to_string();
        let classes: Vec<&str> = self.plan_classes.iter().map(|class| class.name()).collect();
        let classes = classes.join(", ");
        let chosen = ChosenKeys::of(report, &self.plan_classes);
        if chosen.is_empty() {
            terminal.say(&format!("no key is of {classes}, so {shown} was not written"));
            return Ok(());
        }
        let mut check = check.clone();
        // The files are read as for posting, which never sees an amount below zero.
        (check.input.parse.reads_money, check.input.parse.takes_negative) = (false, false);
        check.resolve.keeps_lines = false;
        let months = report.header.months.first().map(|month| PeriodRange::single(month.period));
        check.input.parse.period = months;
        let keys = chosen.len();
        let settings = PlanSettings {
            check,
            skip_faulty: false,
            split: SplitPlans::default(),
            only: Some(chosen.clone()),
        };
        let planned = plan(reader, &settings, terminal).await?;
        let unplanned = chosen.unplanned(&planned);
        let Some(made) = planned.plan.as_ref().map(Checked::get) else {
            terminal.say(&format!("no plan was written to {shown}{}", listed(&unplanned)));
            return Ok(());
        };
        PlanForm::Json.write(path, made, terminal)?;
        let corrections = corrections(path, made)?;
        terminal.say(&told(made, keys, &classes, &shown, corrections.as_deref(), &unplanned));
        Ok(())
    }
}

/// Writes what differs in a closed month beside the plan; the file, where there is any such.
fn corrections(path: &Path, plan: &Plan) -> Result<Option<PathBuf>, Error> {
    if plan.corrections().next().is_none() {
        return Ok(None);
    }
    let stem = file_stem(&path.file_stem().unwrap_or_default().to_string_lossy());
    let names = (1_u32..).map(|number| match number {
        1 => format!("{stem}-corrections.xlsx"),
        number => format!("{stem}-corrections-{number}.xlsx"),
    });
    // Somebody may have worked on one that is there already.
    let mut free = names.map(|name| path.with_file_name(name)).filter(|path| !path.exists());
    let free = free.next().ok_or_else(|| Error::Bug("no name is free".into()))?;
    write_corrections(&free, plan)?;
    Ok(Some(free))
}

fn told(
    plan: &Plan,
    keys: usize,
    classes: &str,
    shown: &str,
    corrections: Option<&Path>,
    unplanned: &[Unplanned],
) -> String {
    let posted = plan.changed().flat_map(|resource| &resource.lines).filter(|line| line.posted().is_some());
    let mut text = format!("{} of {classes}", ui::counted(keys, "key"));
    let count = posted.count();
    if count > 0 {
        let _ = write!(text, "\n  {} to post: waldur-usage apply {shown}", ui::counted(count, "amount"));
    }
    if let Some(path) = corrections {
        let closed = ui::counted(plan.corrections().count(), "amount");
        let path = visible(&path.to_string_lossy()).to_string();
        let _ = write!(text, "\n  {closed} that cannot be posted, to be settled on the invoice: {path}");
    }
    text + &listed(unplanned)
}

/// The keys that are not planned, each with its reason.
fn listed(unplanned: &[Unplanned]) -> String {
    if unplanned.is_empty() {
        return String::new();
    }
    let mut text = format!("\n  {} not planned", ui::counted(unplanned.len(), "key"));
    for key in unplanned.iter().take(SHOWN) {
        let component = visible(key.component.as_str());
        let _ = write!(text, "\n    {}, {component}, {}: {}", key.resource, key.amount, key.why);
    }
    if unplanned.len() > SHOWN {
        let _ = write!(text, "\n    and {} more", ui::grouped(unplanned.len() - SHOWN));
    }
    text
}
