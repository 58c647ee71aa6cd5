//! `resume`: take a run up again from whatever it ended at.

use std::time::Duration;

use clap::Args;

use crate::domain::visible;
use crate::error::{Error, ExitStatus};
use crate::jobs::freshness::Freshness;
use crate::jobs::post::PostSettings;
use crate::jobs::run::{Run, RunNotes, plan_of, resume};
use crate::pipeline::StepEnd;
use crate::plan::{Approved, Refusal};
use crate::store::{Store, StoredPipelineRun, StoredRun};
use crate::ui::{self, Format, Terminal};

use super::carry_out::{Order, carry_out};
use super::connect::{Connection, connect};
use super::interrupt::Interrupts;
use super::store;
use super::{Global, until_interrupted};

/// What `resume` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "What became of each request is read from the server first; nothing is sent of which it \
is known, or cannot be known, that it was stored. The run was agreed to, so nobody is asked again. A run of a \
pipeline goes on at the first step that did not end."
)]
pub struct ResumeArguments {
    /// The run, by the beginning of its id; the latest on this server that is not over
    #[arg(value_name = "RUN")]
    run: Option<String>,
    /// Agree to what the run of a pipeline has not posted yet and would ask about
    #[arg(short, long)]
    yes: bool,
}

/// Runs the command.
pub async fn run(
    arguments: &ResumeArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let mut interrupts = Interrupts::new();
    if let Some(beginning) = &arguments.run {
        let store = store::open(global)?;
        let id = store::find_any(&store, beginning)?;
        if let Some(pipeline) = store.pipeline_run(id)? {
            return super::run::take_up(&pipeline, arguments.yes, global, terminal).await;
        }
        let (connection, stored) = (connect(global)?, store::get(&store, id)?);
        let work = Box::pin(go_on(&stored, &store, &connection, global, terminal));
        return Ok(until_interrupted(work, &mut interrupts, terminal).await?.status);
    }
    let connection = connect(global)?;
    let store = store::open(global)?;
    // Who answers, a sandbox or a real server, is known once something has.
    let account = async { Ok(connection.reader.account().await?) };
    until_interrupted(account, &mut interrupts, terminal).await?;
    let stored = match latest(&store, &connection)? {
        Latest::Run(stored) => stored,
        Latest::Pipeline(pipeline) => {
            terminal.say(&format!(
                "goes on with run {} of the pipeline {}",
                pipeline.run.id,
                visible(&pipeline.run.pipeline)
            ));
            return super::run::take_up(&pipeline, arguments.yes, global, terminal).await;
        }
        Latest::None(why) => {
            terminal.say(&why);
            if matches!(global.format.into(), Format::Json) {
                ui::json(&());
            }
            return Ok(ExitStatus::Done);
        }
    };
    let work = Box::pin(go_on(&stored, &store, &connection, global, terminal));
    Ok(until_interrupted(work, &mut interrupts, terminal).await?.status)
}

/// What is gone on with where nobody says what.
enum Latest {
    /// A run that posts.
    Run(Box<StoredRun>),
    /// A run of a pipeline, as a whole.
    Pipeline(Box<StoredPipelineRun>),
    /// Nothing, and why.
    None(String),
}

/// The latest run on this server that is not over, be it of a command or of a pipeline. A pipeline that has
/// run again since is not gone on with unasked: the later run may have done it all.
fn latest(store: &Store, connection: &Connection) -> Result<Latest, Error> {
    let destination = connection.reader.destination();
    let sandbox = destination.sandbox.as_ref().map(ToString::to_string);
    let (server, sandbox) = (&destination.server, sandbox.as_deref());
    let own = store.latest_unfinished(server, sandbox)?.map(|run| store::get(store, run)).transpose()?;
    // What a pipeline began, its other steps among it, is gone on with as a whole.
    if let Some(own) = &own
        && let Some(pipeline) = own.run.pipeline
        && let Some(pipeline) = store.pipeline_run(pipeline)?
    {
        return Ok(Latest::Pipeline(Box::new(pipeline)));
    }
    let pipeline = store.latest_unfinished_pipeline(server, sandbox)?;
    let pipeline = pipeline.map(|(run, is_last)| Ok::<_, Error>((store.pipeline_run(run)?, is_last)));
    Ok(match (own, pipeline.transpose()?) {
        (Some(own), Some((Some(pipeline), true))) if pipeline.started > own.started => {
            Latest::Pipeline(Box::new(pipeline))
        }
        (Some(own), _) => Latest::Run(Box::new(own)),
        (None, Some((Some(pipeline), true))) => Latest::Pipeline(Box::new(pipeline)),
        (None, Some((Some(pipeline), false))) => {
            let (id, name) = (pipeline.run.id, visible(&pipeline.run.pipeline).to_string());
            Latest::None(format!(
                "nothing to resume: {name} has run again since its run {id} stopped; `waldur-usage resume {id}` \
                 goes on with that one all the same"
            ))
        }
        (None, _) => Latest::None("nothing to resume: every run on this server is over".to_owned()),
    })
}

/// Goes on with a run that posts.
pub async fn go_on(
    stored: &StoredRun,
    store: &Store,
    connection: &Connection,
    global: &Global,
    terminal: &Terminal,
) -> Result<StepEnd, Error> {
    let account = connection.reader.account().await?.id;
    let destination = connection.reader.destination();
    let notes: RunNotes = serde_json::from_str(&stored.run.settings)
        .map_err(|error| Error::Bug(format!("the settings of run {}: {error}", stored.run.id)))?;
    let plan = plan_of(store, stored.run.id)?;
    Approved::fits(&plan, &destination, account, connection.reader.now()?)?;
    // The lock first: what is read is then changed by no other run of ours.
    let run = Run::take_up(store, stored, &plan)?;
    let resumed = resume(&connection.reader, store, stored.run.id, plan, terminal).await?;
    if !resumed.stale.is_empty() && !notes.is_partial {
        let names = resumed.plan.changed().filter(|resource| resumed.stale.contains_key(&resource.resource));
        let names: Vec<String> = names.map(|resource| resource.name.clone()).collect();
        terminal.error(&format!("stale: {}", visible(&names.join(", "))));
        return Err(Refusal::Stale { rows: ui::stale_rows(&resumed.plan, &resumed.stale) }.into());
    }
    let now = connection.reader.now()?;
    let approved = Approved::new(resumed.plan, &destination, resumed.reporter, now)?;
    let max_age = Duration::from_secs(notes.max_age_seconds);
    let post = PostSettings {
        freshness: Freshness { read_at: resumed.read_at, max_age },
        is_partial: notes.is_partial,
        stale: resumed.stale,
        unpostable: resumed.unpostable,
        settled: resumed.settled,
        attempts: resumed.attempts,
        unanswered: resumed.unanswered,
        ..PostSettings::new(connection.at_once, resumed.read_at)
    };
    let order = Order {
        approved: &approved,
        catalogue: &resumed.catalogue,
        post: &post,
        notes: &notes,
        left_out: None,
        already_there: 0,
        stale: &[],
        asks_invoices: true,
    };
    carry_out(run, &order, connection, global, terminal).await
}
