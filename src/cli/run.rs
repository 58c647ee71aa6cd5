//! `run`: a pipeline, step by step, as one run that can be taken up again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;

use crate::confined;
use crate::domain::{Amount, BillingPeriod, Months, PeriodRange, RunId, visible};
use crate::error::{Error, ExitStatus};
use crate::pipeline::{Facts, Pipeline, Step, StepEnd, breaks, gravest, name_of};
use crate::plan::{Refusal, Thresholds};
use crate::schedule::Attempt;
use crate::store::{End, Lock, NewPipelineRun, Store, StoredPipelineRun, StoredStep};
use crate::ui::{self, Capture, Format, Style, Terminal};
use crate::watch::Ended;

use super::connect::{Connection, connect};
use super::due::ran;
use super::interrupt::{self, Interrupts, interrupted};
use super::pipeline_settings::{faulty, judge, judge_files, judge_outputs, read, refused, settled};
use super::run_steps::{State, Steps};
use super::run_told::finished;
use super::{Global, store, until_interrupted};

/// What `run` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "What a pipeline is, and what it may say, is told in docs/pipelines.md. A run goes on from \
step to step while each ends with 0 or 1, and ends as the gravest of its steps; `resume RUN` goes on with the \
first step that did not end. One that posts asks first; where nobody can be asked, --yes has to be given."
)]
pub struct RunArguments {
    /// The pipeline's file
    #[arg(value_name = "FILE", required_unless_present = "due")]
    file: Option<PathBuf>,
    /// Run the pipelines whose time has come and that have not run since, as `schedule due` does
    #[arg(long, conflicts_with_all = ["file", "period", "dry_run", "yes"])]
    due: bool,
    /// Its month or months, where they are not to be those of the file
    #[arg(long, value_name = "A[..B|..open]|open|last-month")]
    period: Option<Months>,
    /// Post nothing and write nothing, and say what would be
    #[arg(long)]
    dry_run: bool,
    /// Post without asking
    #[arg(short, long)]
    yes: bool,
}

/// How a pipeline is to be run.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunOrder {
    /// Its months, where they are not those of its file.
    pub period: Option<Months>,
    /// Whether nothing is posted or written.
    pub dry_run: bool,
    /// Whether it was agreed to beforehand.
    pub yes: bool,
}

/// Runs the command.
pub async fn run(
    arguments: &RunArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let RunArguments { file, period, dry_run, yes, .. } = arguments;
    let Some(file) = file else { return super::due::run(global, terminal).await };
    let order = RunOrder { period: *period, dry_run: *dry_run, yes: *yes };
    run_one(file, order, global, terminal).await
}

/// Runs a pipeline once. Whatever becomes of it, even where it did not begin, ends as one fact.
pub async fn run_one(
    path: &Path,
    order: RunOrder,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let begun = Begun { run: RunId::new(Uuid::new_v4()), at: Timestamp::now(), path };
    let mut interrupts = Interrupts::new();
    let result = begin(&begun, order, global, terminal, &mut interrupts).await;
    if order.dry_run { result.map(|ended| ended.status) } else { begun.over(result, global, terminal).await }
}

/// Goes on with a run that did not end.
pub async fn take_up(
    stored: &StoredPipelineRun,
    yes: bool,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let mut stored = stored.clone();
    stored.run.agreed |= yes;
    let stored = &stored;
    let path = PathBuf::from(&stored.run.path);
    let begun = Begun { run: stored.run.id, at: stored.started, path: &path };
    let mut interrupts = Interrupts::new();
    let result = go_on(&begun, stored, global, terminal, &mut interrupts).await;
    begun.over(result, global, terminal).await
}

/// A run, whether it gets as far as its first step or not.
struct Begun<'a> {
    run: RunId,
    at: Timestamp,
    path: &'a Path,
}

impl Begun<'_> {
    /// The facts of a run that has ended: one place, from which whoever watches over it is told.
    async fn over(
        &self,
        result: Result<Ended, Error>,
        global: &Global,
        terminal: &Terminal,
    ) -> Result<ExitStatus, Error> {
        let (ended, error) = match result {
            Ok(ended) => (ended, None),
            Err(error) => (self.failed(gravest([error.exit_status()], terminal.has_posted())), Some(error)),
        };
        // Whoever has interrupted it wants others to be told, and may interrupt that, too.
        tokio::select! {
            () = finished(&ended, terminal) => {}
            () = async { tokio::time::sleep(interrupt::ONE_WISH).await; interrupted().await } => {
                terminal.error("warning: stopped before everybody was told how the run ended");
            }
        }
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.to_owned());
        let attempt =
            Attempt { started: ended.started, ended: Some(ended.ended), code: Some(ended.status.code()) };
        // That it ran is remembered where it also runs by itself, and what cannot be remembered ends no run.
        if let Err(trouble) = ran(&path.to_string_lossy(), &attempt, global) {
            terminal.error(&format!("warning: that it ran is not remembered: {trouble}"));
        }
        match error {
            // What is stored counts for more than what went wrong behind it.
            Some(error) if error.exit_status() != ended.status => {
                super::report(terminal, &error);
                Ok(ended.status)
            }
            Some(error) => Err(error),
            None => Ok(ended.status),
        }
    }

    /// A run that ended before its first step.
    fn failed(&self, status: ExitStatus) -> Ended {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        Ended {
            pipeline: Some(name_of(self.path).unwrap_or_else(|| stem.into_owned())),
            run: self.run,
            started: self.at,
            ended: Timestamp::now(),
            status,
            period: None,
            rows: 0,
            breaks: 0,
            money: BTreeMap::new(),
            steps: Vec::new(),
        }
    }
}

/// A pipeline with all that its steps need.
struct Ready {
    pipeline: Pipeline,
    global: Global,
    connection: Connection,
    thresholds: Option<Thresholds>,
}

/// Reads a pipeline, judges it against the user's own file, and sets the connection up; asks nothing yet.
fn ready(path: &Path, global: &Global, terminal: &Terminal) -> Result<Ready, Error> {
    let pipeline = read(path).map_err(refused)?;
    let (thresholds, faults) = judge(&pipeline, global)?;
    if !faults.is_empty() {
        return Err(faulty(&pipeline.path, &faults));
    }
    let global = settled(&pipeline, global, terminal)?;
    let connection = connect(&global)?;
    Ok(Ready { pipeline, global, connection, thresholds })
}

fn no_month(_: impl std::error::Error) -> Error {
    Error::setting("the clock shows no month", "set it")
}

impl Ready {
    /// The months, by the server's clock.
    async fn months(&self, months: Months) -> Result<PeriodRange, Error> {
        // Whoever answers tells the time with it.
        self.connection.reader.account().await?;
        let server = self.connection.server.as_ref();
        let zone =
            server.and_then(|server| server.time_zone.as_deref()).map_or(Ok(TimeZone::UTC), TimeZone::get);
        let zone = zone.map_err(|error| Error::Bug(error.to_string()))?;
        let open = BillingPeriod::of_in(self.connection.reader.now()?, &zone).map_err(no_month)?;
        Ok(months.range(open))
    }

    /// Refuses what would stop one of these steps for want of a file or for one that is there, before the
    /// first of them begins. What a step that had begun has written is its own.
    fn judge_places(
        &self,
        period: PeriodRange,
        steps: &[Step],
        had_begun: impl Fn(Step) -> bool,
    ) -> Result<(), Error> {
        if steps.iter().any(|step| matches!(step, Step::Check | Step::Plan | Step::Report)) {
            judge_files(&self.pipeline, period)?;
        }
        for step in steps.iter().filter(|step| !had_begun(**step)) {
            judge_outputs(&self.pipeline, *step, period)?;
        }
        Ok(())
    }
}

/// The path by which a pipeline is locked: a link to it is the same pipeline.
fn lock_path(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

async fn begin(
    begun: &Begun<'_>,
    order: RunOrder,
    global: &Global,
    terminal: &Terminal,
    interrupts: &mut Interrupts,
) -> Result<Ended, Error> {
    let ready = ready(begun.path, global, terminal)?;
    let months = order.period.unwrap_or(ready.pipeline.period);
    if ready.pipeline.is_of_one_month() && !months.is_single() {
        return Err(Error::setting("[post] and [missing] are of one month", "give --period YYYY-MM"));
    }
    if order.dry_run {
        let work = async {
            let period = ready.months(months).await?;
            ready.judge_places(period, &ready.pipeline.steps(), |_| false)?;
            rehearse(begun, &ready, period, terminal).await
        };
        return until_interrupted(Box::pin(work), interrupts, terminal).await;
    }
    let store = store::open(&ready.global)?;
    let path = ready.pipeline.path.to_string_lossy().into_owned();
    let lock = store.lock_pipeline(&lock_path(&ready.pipeline.path), begun.run)?;
    let asked = async {
        let period = ready.months(months).await?;
        ready.judge_places(period, &ready.pipeline.steps(), |_| false)?;
        Ok(period)
    };
    let asked = until_interrupted(asked, interrupts, terminal).await;
    let destination = ready.connection.reader.destination();
    let new = NewPipelineRun {
        id: begun.run,
        pipeline: ready.pipeline.name.clone(),
        path,
        digest: ready.pipeline.digest.clone(),
        server: destination.server,
        sandbox: destination.sandbox.as_ref().map(ToString::to_string),
        period: asked.as_ref().map_or_else(|_| months.to_string(), ToString::to_string),
        agreed: order.yes,
        tool_version: env!("CARGO_PKG_VERSION").into(),
    };
    let names: Vec<&str> = ready.pipeline.steps().into_iter().map(Step::name).collect();
    store.begin_pipeline(&new, &names)?;
    let period = match asked {
        Ok(period) => period,
        Err(error) => {
            // A night on which no step began is a night of the list, too; nothing of it can be taken up.
            let status = error.exit_status();
            let end = End { status: status.name().into(), code: status.code(), is_over: true };
            store.finish_pipeline(begun.run, &end)?;
            return Err(error);
        }
    };
    terminal.run(begun.run);
    let stored = stored(&store, begun.run)?;
    carry_out(&ready, &stored, period, (&store, lock), interrupts, terminal).await
}

async fn go_on(
    begun: &Begun<'_>,
    stored: &StoredPipelineRun,
    global: &Global,
    terminal: &Terminal,
    interrupts: &mut Interrupts,
) -> Result<Ended, Error> {
    if stored.ended.as_ref().is_some_and(|ended| ended.end.is_over) {
        return Err(Error::setting(
            format!("run {} is over", stored.run.id),
            "`waldur-usage run FILE` begins another one",
        ));
    }
    let ready = ready(begun.path, global, terminal)?;
    if ready.pipeline.digest != stored.run.digest {
        return Err(Error::setting(
            format!("{} or a variable in it has changed since the run began", visible(&stored.run.path)),
            "`waldur-usage run FILE` begins another run; what is posted is not posted again",
        ));
    }
    let store = store::open(&ready.global)?;
    let lock = store.lock_pipeline(&lock_path(Path::new(&stored.run.path)), begun.run)?;
    let period: PeriodRange = stored.run.period.parse().map_err(|error| {
        Error::Bug(format!("the period of run {} is {}: {error}", stored.run.id, stored.run.period))
    })?;
    until_interrupted(ready.months(Months::Range(period)), interrupts, terminal).await?;
    let destination = ready.connection.reader.destination();
    let sandbox = destination.sandbox.as_ref().map(ToString::to_string);
    if destination.server != stored.run.server || sandbox != stored.run.sandbox {
        let here = sandbox.map_or(destination.server, |sandbox| format!("sandbox {sandbox}"));
        return Err(Error::setting(
            format!("run {} began on another server than {}", stored.run.id, visible(&here)),
            format!("pick {} with --profile or --url", stored.run.server),
        ));
    }
    let own = |step: Step| stored.steps.iter().find(move |own| own.name == step.name());
    let is_over = |step: &Step| own(*step).is_some_and(StoredStep::is_over);
    let left: Vec<Step> = ready.pipeline.steps().into_iter().filter(|step| !is_over(step)).collect();
    ready.judge_places(period, &left, |step| own(step).is_some_and(|own| own.started.is_some()))?;
    carry_out(&ready, stored, period, (&store, lock), interrupts, terminal).await
}

fn stored(store: &Store, run: RunId) -> Result<StoredPipelineRun, Error> {
    let stored = store.pipeline_run(run)?;
    stored.ok_or_else(|| Error::Bug(format!("run {run} of a pipeline is not in the store")))
}

/// Carries the steps out that are not over, one after the other, and writes down how each ended.
async fn carry_out(
    ready: &Ready,
    begun: &StoredPipelineRun,
    period: PeriodRange,
    (store, lock): (&Store, Lock),
    interrupts: &mut Interrupts,
    terminal: &Terminal,
) -> Result<Ended, Error> {
    let run = begun.run.id;
    let folder = &ready.pipeline.folder;
    confined::to(folder).map_err(|error| {
        let shown = folder.to_string_lossy();
        Error::setting(format!("{} cannot be looked at: {error}", visible(&shown)), "check the folder")
    })?;
    let capture = matches!(ready.global.format.into(), Format::Json).then(Capture::begin);
    let steps = Steps {
        pipeline: &ready.pipeline,
        period,
        connection: &ready.connection,
        thresholds: ready.thresholds,
        agreed: begun.run.agreed,
        run: Some((run, store)),
        global: &ready.global,
        terminal,
    };
    let mut state = State::default();
    let mut documents = vec![Vec::new(); begun.steps.len()];
    let mut has_posted = begun.steps.iter().any(|step| facts_of(step).posted);
    // What ends a run: a step that did not end well, or somebody's wish while one was posting.
    let (mut is_past, mut is_stopped) = (false, false);
    for (position, own) in begun.steps.iter().enumerate() {
        if own.is_over() {
            continue;
        }
        let step = named(&own.name)?;
        if !lock.is_held() {
            // Whoever has it now has begun a run of its own.
            return Err(Error::setting(
                "the lock of the pipeline was lost",
                "look at `waldur-usage runs list`",
            ));
        }
        heading(position, begun.steps.len(), step, ready);
        store.begin_step(run, position)?;
        let work = Box::pin(steps.carry_out(step, own.started.is_some(), &mut state));
        let (result, was_asked_to_stop) = interruptible(step, work, interrupts, terminal).await;
        let end = result.unwrap_or_else(|error| failed(step, &error, terminal));
        documents[position] = capture.as_ref().map(documents_of).unwrap_or_default();
        has_posted |= end.facts.posted;
        let facts = serde_json::to_string(&end.facts).unwrap_or_default();
        let kept = End { status: end.status.name().into(), code: end.status.code(), is_over: end.is_over };
        store.end_step(run, position, &kept, &facts, state.document.take().as_deref())?;
        is_past = end.is_over && !end.goes_on();
        is_stopped = was_asked_to_stop && position + 1 < begun.steps.len();
        if !end.goes_on() || is_stopped {
            break;
        }
    }
    drop(capture);
    let after = stored(store, run)?;
    let wish = is_stopped.then_some(ExitStatus::Interrupted);
    let status = gravest(after.steps.iter().filter_map(status_of).chain(wish), has_posted);
    let is_over = is_past || after.steps.iter().all(StoredStep::is_over);
    store.finish_pipeline(run, &End { status: status.name().into(), code: status.code(), is_over })?;
    drop(lock);
    let after = stored(store, run)?;
    let line = ui::PipelineLine::of(&after);
    match ready.global.format.into() {
        Format::Json => ui::json(&line.with_documents(documents)),
        Format::Text => ui::data(&format!("\n{}", ui::pipeline_text(&line))),
    }
    if !is_over {
        terminal.error(&format!("`waldur-usage resume {run}` goes on at the first step that did not end"));
    }
    Ok(ended(&after, status))
}

/// Says what a run would do; posts and writes nothing.
async fn rehearse(
    begun: &Begun<'_>,
    ready: &Ready,
    period: PeriodRange,
    terminal: &Terminal,
) -> Result<Ended, Error> {
    let steps = Steps {
        pipeline: &ready.pipeline,
        period,
        connection: &ready.connection,
        thresholds: ready.thresholds,
        agreed: false,
        run: None,
        global: &ready.global,
        terminal,
    };
    let capture = matches!(ready.global.format.into(), Format::Json).then(Capture::begin);
    let (mut state, mut ends) = (State::default(), Vec::new());
    let names = ready.pipeline.steps();
    let mut told: Vec<Value> = Vec::new();
    for (position, step) in names.iter().copied().enumerate() {
        heading(position, names.len(), step, ready);
        let result = steps.carry_out(step, false, &mut state).await;
        let end = result.unwrap_or_else(|error| failed(step, &error, terminal));
        let would = ready.pipeline.outputs(step, period);
        let documents = capture.as_ref().map(documents_of).unwrap_or_default();
        told.push(serde_json::json!({
            "step": step.name(),
            "state": end.status.name(),
            "code": end.status.code(),
            "facts": end.facts,
            "would_write": would,
            "documents": documents,
        }));
        if matches!(ready.global.format.into(), Format::Text) && !would.is_empty() && step != Step::Post {
            let would: Vec<String> = would.iter().map(|place| visible(place).to_string()).collect();
            ui::data(&format!("would write {}\n", would.join(", ")));
        }
        let goes_on = end.goes_on();
        ends.push((step.name().to_owned(), Duration::ZERO, end.status));
        if !goes_on {
            break;
        }
    }
    drop(capture);
    let status = gravest(ends.iter().map(|(.., status)| *status), false);
    match ready.global.format.into() {
        Format::Json => ui::json(&serde_json::json!({
            "dry_run": true,
            "pipeline": ready.pipeline.name,
            "period": period.to_string(),
            "state": status.name(),
            "code": status.code(),
            "steps": told,
        })),
        Format::Text => ui::data("\na dry run: nothing was posted, and nothing was written\n"),
    }
    let failed = begun.failed(status);
    Ok(Ended { period: Some(period.to_string()), steps: ends, ..failed })
}

fn heading(position: usize, of: usize, step: Step, ready: &Ready) {
    if matches!(ready.global.format.into(), Format::Text) {
        let gap = if position == 0 { "" } else { "\n" };
        let heading = format!("{}: step {} of {of}, {}", ready.pipeline.name, position + 1, step.name());
        ui::data(&format!("{gap}{}\n", Style::for_stdout().bold(&heading)));
    }
}

/// A step that an error ended; it is told at once, and its step is to be taken up again.
fn failed(step: Step, error: &Error, terminal: &Terminal) -> StepEnd {
    let status = super::report(terminal, error);
    if matches!(error, Error::Refused(Refusal::Guards { .. })) {
        terminal
            .error("  a pipeline takes no such flag: look at what the guards say, and use `apply` by hand");
    }
    // Where posting had begun, what came of it is not known here.
    let posted = step == Step::Post && terminal.has_posted();
    StepEnd { facts: Facts { posted, ..Facts::default() }, ..StepEnd::open(status) }
}

/// Carries a step out until it is done, or until Ctrl-C; posting hears it by itself once it has begun, and
/// finishes what is under way. Tells whether there was such a wish.
async fn interruptible(
    step: Step,
    work: impl Future<Output = Result<StepEnd, Error>>,
    interrupts: &mut Interrupts,
    terminal: &Terminal,
) -> (Result<StepEnd, Error>, bool) {
    tokio::pin!(work);
    let mut was_asked_to_stop = false;
    loop {
        tokio::select! {
            result = &mut work => return (result, was_asked_to_stop),
            () = interrupts.next() => {
                was_asked_to_stop = true;
                if step != Step::Post || !terminal.has_posted() {
                    return (Err(Error::Interrupted), true);
                }
            }
        }
    }
}

/// The documents that the command of a step has printed.
fn documents_of(capture: &Capture) -> Vec<Value> {
    let text = capture.take();
    let documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    documents.map_while(Result::ok).collect()
}

fn named(name: &str) -> Result<Step, Error> {
    let step = Step::ALL.into_iter().find(|step| step.name() == name);
    step.ok_or_else(|| Error::Bug(format!("there is no step {}", visible(name))))
}

fn facts_of(step: &StoredStep) -> Facts {
    serde_json::from_str(&step.facts).unwrap_or_default()
}

fn status_of(step: &StoredStep) -> Option<ExitStatus> {
    let word = &step.ended.as_ref()?.end.status;
    ExitStatus::ALL.into_iter().find(|status| status.name() == word)
}

/// The facts of a run, as the store has them.
fn ended(stored: &StoredPipelineRun, status: ExitStatus) -> Ended {
    let facts: Vec<Facts> = stored.steps.iter().map(facts_of).collect();
    let mut money = BTreeMap::new();
    for own in facts.iter().flat_map(|facts| &facts.money) {
        let sum: &mut Amount = money.entry(own.currency).or_default();
        *sum = sum.checked_add(own.amount).unwrap_or(*sum);
    }
    let step = |step: &StoredStep| {
        let took = step.started.zip(step.ended.as_ref()).map(|(from, to)| to.at.duration_since(from));
        let took = took.and_then(|took| Duration::try_from(took).ok()).unwrap_or_default();
        Some((step.name.clone(), took, status_of(step)?))
    };
    Ended {
        pipeline: Some(stored.run.pipeline.clone()),
        run: stored.run.id,
        started: stored.started,
        ended: stored.ended.as_ref().map_or_else(Timestamp::now, |ended| ended.at),
        status,
        period: Some(stored.run.period.clone()),
        rows: facts.iter().map(|facts| facts.rows).find(|rows| *rows > 0).unwrap_or(0),
        breaks: breaks(&facts),
        money,
        steps: stored.steps.iter().filter_map(step).collect(),
    }
}
