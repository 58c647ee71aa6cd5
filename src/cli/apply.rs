//! `apply`: ask once, post, prove.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use crate::domain::RunId;
use crate::error::{Error, ExitStatus};
use crate::findings::{Checked, Findings};
use crate::jobs::check::{Check, resolve};
use crate::jobs::freshness::Freshness;
use crate::jobs::left_out::LeftOutSummary;
use crate::jobs::plan::{PlanSettings, last_month, plan_checked};
use crate::jobs::post::PostSettings;
use crate::jobs::refresh::{Obstacles, Refreshed, refresh};
use crate::jobs::results::{Results, shown};
use crate::jobs::run::{Purpose, Run, RunNotes};
use crate::jobs::writers::Writers;
use crate::pipeline::{Facts, StepEnd};
use crate::plan::history;
use crate::plan::{Approved, Plan, Refusal, Reporter, StoredUsage, Summary};
use crate::resolve::Catalogue;
use crate::source::Input;
use crate::ui::{self, Format, Style, Terminal};

use super::agree::ask;
use super::carry_out::{Order, RunDocument, carry_out};
use super::connect::{Connection, connect};
use super::guards::{GuardArguments, refuse};
use super::input::{InputArguments, SplitArguments};
use super::{Global, check, store};

/// What `apply` takes.
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// Spreadsheets of usage, folders of them, or - for stdin (.xlsx, .xlsm, .xls, .xlsb, .ods, .csv, .tsv, .parquet), or one plan (.json)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    input: InputArguments,
    /// Leave rows at deny out, together with all rows of their resource; the run then ends with 5
    #[arg(long)]
    skip_faulty: bool,
    /// Plan an explicit 0 for every reportable component in scope that no row names
    #[arg(long, conflicts_with = "skip_faulty")]
    zero_missing: bool,
    #[command(flatten)]
    split: SplitArguments,
    #[command(flatten)]
    pub guards: GuardArguments,
    /// Go on with the other resources where one is stale; nothing of a stale resource is sent
    #[arg(long)]
    partial: bool,
    /// Read a resource again before its post where what was read of it is older than so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Freshness::MAX_AGE.as_secs())]
    max_age: u64,
    /// The folder for what was stored, rejected and not sent; a new one beside the input where it is not
    /// given
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Do not ask the invoices what becomes of the rows
    #[arg(long)]
    no_invoices: bool,
    /// Take no other plan than the one with this digest, which `plan` prints
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
    /// Post without asking
    #[arg(short, long)]
    pub yes: bool,
}

/// A plan that is ready to be asked about.
pub struct Ready {
    /// The plan.
    pub plan: Plan,
    catalogue: Catalogue,
    reporter: Reporter,
    left_out: Option<LeftOutSummary>,
    already_there: usize,
    read_at: Instant,
    /// What cannot be posted as it was planned.
    obstacles: Obstacles,
    /// The digest of the plan as it was shown.
    agreed: String,
    /// What is stored of the month before.
    last_month: Vec<StoredUsage>,
    /// Who reported the stored rows last.
    writers: Writers,
}

/// Figures on their way to the server: each step of it, for `apply` and for pipelines.
pub struct Posting<'a> {
    /// What was typed.
    pub arguments: &'a ApplyArguments,
    /// The connection.
    pub connection: &'a Connection,
    /// What every command takes.
    pub global: &'a Global,
    /// Who is told and asked.
    pub terminal: &'a Terminal,
    /// The run of a pipeline that this is a step of.
    pub pipeline: Option<RunId>,
}

/// Runs the command.
pub async fn run(
    arguments: &ApplyArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = &connect(global)?;
    let posting = Posting { arguments, connection, global, terminal, pipeline: None };
    let ready = match plan_file(&arguments.files) {
        Some(_)
            if !arguments.input.is_empty()
                || arguments.skip_faulty
                || arguments.split.is_given()
                || arguments.zero_missing =>
        {
            let what = "a plan is applied as it was agreed to; nothing of it can be chosen";
            return Err(Error::setting(what, "make a plan with these flags, and apply that one"));
        }
        Some(path) => {
            let bytes = Input::read(path)?;
            let plan = Plan::from_json(bytes.bytes());
            posting.of_plan(plan.map_err(|error| Error::Plan { path: path.to_owned(), error })?).await?
        }
        None if arguments.digest.is_some() => {
            return Err(Error::setting(
                "a digest is that of a plan, and none is given",
                "name the plan's file: `plan -o plan.json` writes one",
            ));
        }
        None => {
            let settings = posting.settings()?;
            let check = resolve(&connection.reader, &settings.check, terminal).await?;
            match posting.of_files(&settings, check).await? {
                Some(ready) => ready,
                None => return Ok(ExitStatus::Denied),
            }
        }
    };
    if ready.plan.changed().next().is_none() {
        return Ok(posting.nothing_to_post(&ready)?.status);
    }
    posting.guard(&ready)?;
    Ok(Box::pin(posting.post(ready)).await?.status)
}

/// The plan, where the one file that is named is a plan.
fn plan_file(files: &[PathBuf]) -> Option<&Path> {
    match files {
        [only] if only.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) => Some(only),
        _ => None,
    }
}

impl Posting<'_> {
    /// What is planned of the files.
    pub fn settings(&self) -> Result<PlanSettings, Error> {
        let Self { arguments, connection, .. } = self;
        let mut check = arguments.input.settings(&arguments.files, connection)?;
        check.input.parse.remembers_names = arguments.zero_missing;
        Ok(PlanSettings {
            check,
            skip_faulty: arguments.skip_faulty,
            split: arguments.split.split(),
            only: None,
        })
    }

    /// Plans what was loaded; none where something at deny stands against it, which is told.
    pub async fn of_files(&self, settings: &PlanSettings, check: Check) -> Result<Option<Ready>, Error> {
        let Self { connection, global, terminal, .. } = *self;
        let planned = plan_checked(&connection.reader, settings, check, terminal).await?;
        let Some(sealed) = planned.plan.as_ref() else {
            check::show_refused(&planned.check, planned.refusal.as_ref(), global);
            return planned.refusal.map_or(Ok(None), Err);
        };
        let left_out = super::plan::left_out(&planned)?;
        if matches!(global.format.into(), Format::Text) {
            ui::data(&super::plan::text(sealed.get(), &planned, left_out.as_ref(), global.verbose));
        }
        let Some(plan) = planned.plan.map(Checked::into_inner) else { return Ok(None) };
        let snapshot =
            planned.check.snapshot.ok_or_else(|| Error::Bug("a plan without a snapshot".into()))?;
        Ok(Some(Ready {
            reporter: plan.header.account,
            agreed: plan.digest(),
            last_month: planned.last_month,
            writers: planned.writers,
            catalogue: snapshot.catalogue,
            plan,
            left_out,
            already_there: 0,
            read_at: planned.read_at,
            obstacles: Obstacles::default(),
        }))
    }

    /// Takes a plan that was made earlier up, as the server is now.
    pub async fn of_plan(&self, plan: Plan) -> Result<Ready, Error> {
        let Self { arguments, connection, global, .. } = *self;
        let digest = plan.digest();
        if arguments.digest.as_ref().is_some_and(|agreed| !agreed.eq_ignore_ascii_case(&digest)) {
            return Err(Refusal::OtherDigest { actual: digest }.into());
        }
        let account = connection.reader.account().await?.id;
        Approved::fits(&plan, &connection.reader.destination(), account, connection.reader.now()?)?;
        let mut refreshed = self.fresh(plan, &Obstacles::default()).await?;
        let last_month = last_month(&connection.reader, &refreshed.plan, &mut refreshed.snapshot).await?;
        if matches!(global.format.into(), Format::Text) {
            let most = if global.verbose { usize::MAX } else { ui::SHOWN };
            let style = Style::for_stdout();
            let warnings = warnings(&refreshed.plan, &last_month, &refreshed.snapshot.catalogue, connection)?;
            ui::data(&ui::warnings_text(&warnings, style));
            ui::data(&ui::plan_text(&refreshed.plan, style, most));
        }
        Ok(Ready {
            obstacles: refreshed.obstacles,
            plan: refreshed.plan,
            catalogue: refreshed.snapshot.catalogue,
            reporter: refreshed.reporter,
            left_out: None,
            already_there: refreshed.already_there,
            read_at: refreshed.read_at,
            agreed: digest,
            last_month,
            writers: refreshed.writers,
        })
    }

    /// Shows the guards of a plan, and refuses what they refuse.
    pub fn guard(&self, ready: &Ready) -> Result<(), Error> {
        let Self { arguments, connection, global, .. } = *self;
        let guarded = arguments.guards.guard(
            &ready.plan,
            &ready.last_month,
            &ready.catalogue,
            &ready.writers,
            connection,
            global,
        )?;
        if matches!(global.format.into(), Format::Text) {
            ui::data(&ui::guards_text(&guarded, Style::for_stdout()));
        }
        refuse(&guarded).inspect_err(|_| {
            if matches!(global.format.into(), Format::Json) {
                ui::json(&guarded);
            }
        })
    }

    /// Asks, posts and proves.
    pub async fn post(&self, ready: Ready) -> Result<StepEnd, Error> {
        let Self { arguments, connection, global, terminal, pipeline } = *self;
        let ready = self.agree(ready).await?;
        if ready.plan.changed().next().is_none() {
            return self.nothing_to_post(&ready);
        }
        let (destination, now) = (connection.reader.destination(), connection.reader.now()?);
        let agreed = ready.agreed.clone();
        let approved = Approved::new(ready.plan, &destination, ready.reporter, now)?;
        let notes = RunNotes {
            is_partial: arguments.partial,
            max_age_seconds: arguments.max_age,
            results: arguments.results.clone(),
            beside: arguments.files[0].clone(),
            agreed,
        };
        let purpose = pipeline.map_or(Purpose::Apply, Purpose::Step);
        let run = Run::begin(&store::open(global)?, approved.plan(), purpose, &notes)?;
        // What was read before the lock was taken may be what another run has changed since.
        let is_disturbed = run.others_since(approved.plan(), ready.read_at)?;
        let max_age = if is_disturbed { Duration::ZERO } else { Duration::from_secs(arguments.max_age) };
        let post = PostSettings {
            freshness: Freshness { read_at: ready.read_at, max_age },
            is_partial: arguments.partial,
            stale: ready.obstacles.stale_resources,
            unpostable: ready.obstacles.unpostable,
            ..PostSettings::new(connection.at_once, ready.read_at)
        };
        let order = Order {
            approved: &approved,
            catalogue: &ready.catalogue,
            post: &post,
            notes: &notes,
            left_out: ready.left_out.as_ref(),
            already_there: ready.already_there,
            stale: &ready.obstacles.stale,
            asks_invoices: !arguments.no_invoices,
        };
        let end = carry_out(run, &order, connection, global, terminal).await?;
        // A stale row of a resource that nothing is posted to stands in no report.
        let is_whole = ready.obstacles.stale.is_empty();
        let is_partial = end.status == ExitStatus::Done && !is_whole;
        Ok(StepEnd { status: if is_partial { ExitStatus::Partial } else { end.status }, ..end })
    }

    /// All is as it is wanted, or what differs is of a month that is closed.
    pub fn nothing_to_post(&self, ready: &Ready) -> Result<StepEnd, Error> {
        let Self { arguments, global, .. } = self;
        let plan = &ready.plan;
        let results = Results::new(arguments.results.as_deref(), &arguments.files[0], plan.made.run);
        let corrections = results.corrections(plan)?;
        let files: Vec<PathBuf> = corrections.into_iter().collect();
        match global.format.into() {
            Format::Json => ui::json(&RunDocument {
                run: None,
                sandbox: plan.header.sandbox.as_ref(),
                summary: Summary::of(plan),
                left_out: ready.left_out.as_ref(),
                already_there: ready.already_there,
                stale: &ready.obstacles.stale,
                report: None,
                bills: None,
                files: shown(&files),
                audit_head: None,
            }),
            Format::Text => ui::data(&ui::files_text(&files, None)),
        }
        let rows = plan.rows_closed();
        if rows > 0 {
            return Err(Refusal::Closed { rows, month: plan.header.period }.into());
        }
        if !ready.obstacles.stale.is_empty() {
            return Err(Refusal::Stale { rows: ready.obstacles.stale.len() }.into());
        }
        let is_whole = plan.header.rows_left_out == 0;
        let facts = Facts { files: shown(&files), ..Facts::default() };
        Ok(StepEnd::over(if is_whole { ExitStatus::Done } else { ExitStatus::Partial }, facts))
    }

    /// Refuses what does not fit before anybody is asked, then asks. Nobody knows how long an answer took,
    /// so the server is read again after it.
    async fn agree(&self, ready: Ready) -> Result<Ready, Error> {
        let Self { arguments, connection, global, terminal, .. } = *self;
        let destination = connection.reader.destination();
        Approved::fits(&ready.plan, &destination, ready.reporter.id, connection.reader.now()?)?;
        if !ask(&ready.plan, &destination, arguments.yes, global, terminal).await? {
            return Ok(ready);
        }
        let refreshed = self.fresh(ready.plan, &ready.obstacles).await?;
        let already_there = ready.already_there + refreshed.already_there;
        let Refreshed { plan, snapshot, reporter, read_at, obstacles, .. } = refreshed;
        let catalogue = snapshot.catalogue;
        Ok(Ready { plan, catalogue, reporter, already_there, read_at, obstacles, ..ready })
    }

    /// The plan against the server of now; what cannot be posted as planned refuses the run, or is left out
    /// of it. What was told before is not told again.
    async fn fresh(&self, plan: Plan, told: &Obstacles) -> Result<Refreshed, Error> {
        let Self { arguments, connection, global, terminal, .. } = *self;
        let refreshed = refresh(&connection.reader, plan, terminal).await?;
        let Obstacles { stale, unpostable, .. } = &refreshed.obstacles;
        let is_told = *stale == told.stale && *unpostable == told.unpostable;
        match global.format.into() {
            Format::Json if arguments.partial || stale.is_empty() => {}
            Format::Json => ui::json(stale),
            Format::Text if is_told => {}
            Format::Text => {
                if !stale.is_empty() {
                    ui::data(&ui::stale_text(stale));
                }
                ui::data(&ui::unpostable_text(unpostable.values()));
            }
        }
        match unpostable.values().next() {
            _ if arguments.partial => Ok(refreshed),
            Some(reason) => Err(Refusal::Unpostable(reason.clone()).into()),
            None if stale.is_empty() => Ok(refreshed),
            None => Err(Refusal::Stale { rows: stale.len() }.into()),
        }
    }
}

/// What of a plan looks odd beside last month, as it is stored now.
fn warnings(
    plan: &Plan,
    last_month: &[StoredUsage],
    catalogue: &Catalogue,
    connection: &Connection,
) -> Result<Findings, Error> {
    let mut findings = Findings::new(connection.config.policy()?);
    history::compare(history::figures_of(plan), last_month, catalogue, &mut findings);
    Ok(findings)
}
