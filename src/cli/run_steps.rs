//! The steps of a pipeline's run, each by the command that does the same by hand.

use std::path::Path;

use clap::Args;

use crate::domain::{PeriodRange, RunId};
use crate::error::{Error, ExitStatus};
use crate::jobs::apply::ApplyReport;
use crate::jobs::check::{Check, resolve};
use crate::jobs::plan::PlanSettings;
use crate::pipeline::{Facts, Pipeline, Step, StepEnd};
use crate::plan::{Plan, PlanError, Summary, Thresholds};
use crate::report::ReportError;
use crate::store::{Store, StoredRun};
use crate::ui::{self, Format, Terminal};

use super::apply::{ApplyArguments, Posting, Ready};
use super::carry_out::facts_of;
use super::connect::Connection;
use super::pipeline_settings::{Outputs, arguments, faulty};
use super::{Global, check, export, missing, reconcile, resume, store};

/// A run of a pipeline, as its steps need it.
pub struct Steps<'a> {
    /// The pipeline.
    pub pipeline: &'a Pipeline,
    /// The months.
    pub period: PeriodRange,
    /// The connection.
    pub connection: &'a Connection,
    /// The guards, where the pipeline has made them stricter.
    pub thresholds: Option<Thresholds>,
    /// Whether what is posted was agreed to beforehand.
    pub agreed: bool,
    /// The run, and where it is kept; none where nothing is posted or written.
    pub run: Option<(RunId, &'a Store)>,
    /// What every command takes.
    pub global: &'a Global,
    /// Who is told and asked.
    pub terminal: &'a Terminal,
}

/// What one step leaves for the next.
#[derive(Default)]
pub struct State {
    checked: Option<(PlanSettings, Check)>,
    ready: Option<Ready>,
    /// What is kept of the step, so that the next one can be taken up without it.
    pub document: Option<Vec<u8>>,
}

impl Steps<'_> {
    /// Carries a step out; one that had begun before may have written its files already.
    pub async fn carry_out(&self, step: Step, had_begun: bool, state: &mut State) -> Result<StepEnd, Error> {
        let outputs = match (self.run, had_begun) {
            (None, _) => Outputs::None,
            (Some(_), true) => Outputs::Again,
            (Some(_), false) => Outputs::Written,
        };
        match step {
            Step::Check => Box::pin(self.check(state)).await,
            Step::Plan => Box::pin(self.plan(state)).await,
            Step::Post => Box::pin(self.post(state)).await,
            Step::Report => {
                let arguments = self.arguments(step, outputs)?;
                Box::pin(reconcile::go(&arguments, self.global, self.terminal)).await
            }
            Step::Missing => {
                let arguments = self.arguments(step, outputs)?;
                Box::pin(missing::go(&arguments, self.global, self.terminal)).await
            }
            Step::Export if self.run.is_none() => Ok(self.export_would()),
            Step::Export => {
                let arguments = self.arguments(step, Outputs::Written)?;
                Box::pin(export::go(&arguments, self.global, self.terminal)).await
            }
        }
    }

    /// The arguments of a step, with the folders made that it writes to.
    fn arguments<T: Args>(&self, step: Step, outputs: Outputs) -> Result<T, Error> {
        let told = |fault| faulty(&self.pipeline.path, &[fault]);
        if outputs != Outputs::None && step != Step::Post {
            let places = self.pipeline.places(step, self.period).map_err(told)?;
            for folder in places.iter().filter_map(|place| place.parent()) {
                make(folder)?;
            }
        }
        // The folders may be what a link was in the place of before.
        arguments(self.pipeline, step, self.period, outputs).map_err(told)
    }

    fn apply_arguments(&self) -> Result<ApplyArguments, Error> {
        let outputs = if self.run.is_some() { Outputs::Written } else { Outputs::None };
        let mut arguments: ApplyArguments = self.arguments(Step::Post, outputs)?;
        arguments.yes = self.agreed;
        arguments.guards.stricter = self.thresholds;
        Ok(arguments)
    }

    fn posting<'b>(&'b self, arguments: &'b ApplyArguments) -> Posting<'b> {
        Posting {
            arguments,
            connection: self.connection,
            global: self.global,
            terminal: self.terminal,
            pipeline: self.run.map(|(run, _)| run),
        }
    }

    /// Loads the files and sets each row against the server's state.
    async fn check(&self, state: &mut State) -> Result<StepEnd, Error> {
        let arguments = self.apply_arguments()?;
        let settings = self.posting(&arguments).settings()?;
        let check = resolve(&self.connection.reader, &settings.check, self.terminal).await?;
        let counts = check.counts();
        let facts =
            Facts { rows: count(counts.rows_used), breaks: count(counts.rows_faulty), ..Facts::default() };
        if check.findings.denies() {
            check::show(&check, self.global);
            return Ok(StepEnd { facts, ..StepEnd::open(ExitStatus::Denied) });
        }
        if matches!(self.global.format.into(), Format::Text) {
            let rows = ui::counted(counts.rows_used, "row");
            ui::data(&format!(
                "{rows} used, {} filtered, {} blank\n",
                counts.rows_filtered, counts.rows_blank
            ));
        }
        state.checked = Some((settings, check));
        Ok(StepEnd::over(ExitStatus::Done, facts))
    }

    /// Compares with what is stored, and asks the guards.
    async fn plan(&self, state: &mut State) -> Result<StepEnd, Error> {
        if state.checked.is_none() {
            let checked = self.check(state).await?;
            if !checked.goes_on() {
                return Ok(checked);
            }
        }
        let checked = state.checked.take();
        let (settings, check) = checked.ok_or_else(|| Error::Bug("a plan of unchecked files".into()))?;
        let arguments = self.apply_arguments()?;
        let posting = self.posting(&arguments);
        let Some(ready) = posting.of_files(&settings, check).await? else {
            return Ok(StepEnd::open(ExitStatus::Denied));
        };
        let summary = Summary::of(&ready.plan);
        let changes = summary.lines.create + summary.lines.update + summary.people.changes();
        let facts = Facts { rows: count(changes), ..Facts::default() };
        if changes > 0 {
            posting.guard(&ready)?;
        }
        if self.run.is_some() {
            let document = serde_json::to_vec(&ready.plan.file());
            state.document = Some(document.map_err(|error| Error::Bug(format!("a plan: {error}")))?);
        }
        state.ready = Some(ready);
        Ok(StepEnd::over(ExitStatus::Done, facts))
    }

    /// Asks, posts and proves; or goes on with what had been begun.
    async fn post(&self, state: &mut State) -> Result<StepEnd, Error> {
        let Some((run, store)) = self.run else {
            ui::data(match self.global.format.into() {
                Format::Text => "nothing is posted in a dry run\n",
                Format::Json => "",
            });
            return Ok(StepEnd::over(ExitStatus::Done, Facts::default()));
        };
        if let Some(begun) = store.run_of_pipeline(run)? {
            let begun = store::get(store, begun)?;
            let past = past_end(store, &begun)?;
            // Where all was posted, what was to be written of it may still be missing.
            let again = resume::go_on(&begun, store, self.connection, self.global, self.terminal).await;
            return match (again, past) {
                (Err(error), Some(end)) if error.exit_status() != ExitStatus::Interrupted => {
                    self.terminal
                        .error(&format!("warning: all was posted, and is not looked at again: {error}"));
                    Ok(end)
                }
                (again, _) => again,
            };
        }
        let arguments = self.apply_arguments()?;
        let posting = self.posting(&arguments);
        let ready = if let Some(ready) = state.ready.take() {
            ready
        } else {
            let ready = posting.of_plan(self.kept_plan(run, store)?).await?;
            if ready.plan.changed().next().is_some() {
                posting.guard(&ready)?;
            }
            ready
        };
        if ready.plan.changed().next().is_none() {
            return posting.nothing_to_post(&ready);
        }
        Box::pin(posting.post(ready)).await
    }

    /// The plan of the step before, where that was made by a program that has ended since.
    fn kept_plan(&self, run: RunId, store: &Store) -> Result<Plan, Error> {
        let position = self.pipeline.steps().iter().position(|step| *step == Step::Plan);
        let position = position.ok_or_else(|| Error::Bug("a post without a plan".into()))?;
        let document = store.step_document(run, position)?;
        let document = document.ok_or_else(|| Error::Bug(format!("run {run} has kept no plan")))?;
        Plan::from_json(&document).map_err(|error: PlanError| Error::StoredPlan { run, error })
    }

    /// Where an export would go to.
    fn export_would(&self) -> StepEnd {
        if matches!(self.global.format.into(), Format::Text) {
            let tables = self.pipeline.exported();
            let tables = if tables.is_empty() { "its tables".to_owned() } else { tables.join(", ") };
            ui::data(&format!("{} of {} would be exported where they differ\n", tables, self.period));
        }
        StepEnd::over(ExitStatus::Done, Facts::default())
    }
}

/// How a run that posted ended, where nothing is left of it to go on with.
fn past_end(store: &Store, run: &StoredRun) -> Result<Option<StepEnd>, Error> {
    let Some(ended) = run.ended.as_ref().filter(|ended| ended.end.is_over) else { return Ok(None) };
    let status = ExitStatus::ALL.into_iter().find(|status| status.name() == ended.end.status);
    let report: ApplyReport = serde_json::from_str(&store.report(run.run.id)?)
        .map_err(|error| Error::Bug(format!("the report of run {}: {error}", run.run.id)))?;
    let facts = facts_of(run.run.id, &report, Vec::new());
    Ok(Some(StepEnd::over(status.unwrap_or(ExitStatus::Partial), facts)))
}

fn make(folder: &Path) -> Result<(), Error> {
    let unwritable = |source| ReportError::Unwritable { path: folder.to_owned(), source };
    Ok(std::fs::create_dir_all(folder).map_err(unwritable)?)
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
