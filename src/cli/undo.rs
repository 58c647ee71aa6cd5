//! `undo`: take back what a run posted, by another run.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::error::{Error, ExitStatus};
use crate::jobs::freshness::Freshness;
use crate::jobs::post::PostSettings;
use crate::jobs::run::{Purpose, Run, RunNotes, plan_of};
use crate::jobs::undo::undo;
use crate::plan::{Approved, Refusal};
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::agree::ask;
use super::carry_out::{Order, carry_out};
use super::connect::connect;
use super::guards::GuardArguments;
use super::store;

/// What `undo` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "The server deletes no usage: what was absent before the run becomes 0. What somebody else \
reported since is stale, and is not taken back. An undo is a run, and can be undone itself."
)]
pub struct UndoArguments {
    /// The run, by the beginning of its id
    #[arg(value_name = "RUN")]
    run: String,
    /// Go on with the other resources where one is stale
    #[arg(long)]
    partial: bool,
    /// Read a resource again before its post where what was read of it is older than so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Freshness::MAX_AGE.as_secs())]
    max_age: u64,
    /// The folder for what was stored, rejected and not sent
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    /// Post without asking
    #[arg(short, long)]
    yes: bool,
}

/// Runs the command.
pub async fn run(
    arguments: &UndoArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let store = store::open(global)?;
    let stored = store::find(&store, &arguments.run)?;
    let account = connection.reader.account().await?.id;
    let destination = connection.reader.destination();
    // The month of the way back is another matter than that of the run.
    Approved::is_by(&plan_of(&store, stored.run.id)?, &destination, account)?;
    let zone = connection.server.as_ref().and_then(|server| server.time_zone.as_deref());
    let undoing = undo(&connection.reader, &store, &stored, zone, terminal).await?;
    let plan = &undoing.plan;
    if matches!(global.format.into(), Format::Text) {
        let most = if global.verbose { usize::MAX } else { ui::SHOWN };
        ui::data(&ui::plan_text(plan, Style::for_stdout(), most));
    }
    if !undoing.stale.is_empty() {
        match global.format.into() {
            // Otherwise it stands in the document of the run.
            Format::Json if arguments.partial && plan.changed().next().is_some() => {}
            Format::Json => ui::json(&undoing.stale),
            Format::Text => ui::data(&ui::stale_text(&undoing.stale)),
        }
        if let Some(way_back) = store.undone_by(stored.run.id)? {
            terminal.say(&format!(
                "run {way_back} has taken this run back already; `waldur-usage undo {way_back}` brings it again"
            ));
        }
        if !arguments.partial {
            return Err(Refusal::Stale { rows: undoing.stale.len() }.into());
        }
    }
    if plan.changed().next().is_none() {
        let rows = plan.rows_closed();
        if rows > 0 {
            return Err(Refusal::Closed { rows, month: plan.header.period }.into());
        }
        if !undoing.stale.is_empty() {
            return Err(Refusal::Stale { rows: undoing.stale.len() }.into());
        }
        if matches!(global.format.into(), Format::Json) {
            ui::json(&());
        }
        return Ok(ExitStatus::Done);
    }
    // A way back is shown under the guards, and taken all the same.
    let guards = GuardArguments::default();
    let (last_month, writers) = (&undoing.last_month, &undoing.writers);
    let guarded = guards.guard(plan, last_month, &undoing.catalogue, writers, &connection, global)?;
    if matches!(global.format.into(), Format::Text) {
        ui::data(&ui::guards_text(&guarded, Style::for_stdout()));
        if !guarded.refusing().is_empty() {
            ui::data(
                "What is refused above is refused of a plan; a way back is taken all the same, once you agree.\n",
            );
        }
    }
    ask(plan, &destination, arguments.yes, global, terminal).await?;
    let notes = RunNotes {
        is_partial: arguments.partial,
        max_age_seconds: arguments.max_age,
        results: arguments.results.clone(),
        beside: PathBuf::from(format!("undo-{}", plan.header.period)),
        agreed: plan.digest(),
    };
    let now = connection.reader.now()?;
    let approved = Approved::new(undoing.plan, &destination, undoing.reporter, now)?;
    let run = Run::begin(&store, approved.plan(), Purpose::Undo(stored.run.id), &notes)?;
    // What was read before the lock was taken may be what another run has changed since.
    let is_disturbed = run.others_since(approved.plan(), undoing.read_at)?;
    let max_age = if is_disturbed { Duration::ZERO } else { Duration::from_secs(arguments.max_age) };
    let post = PostSettings {
        freshness: Freshness { read_at: undoing.read_at, max_age },
        is_partial: arguments.partial,
        stale: undoing.stale_resources,
        ..PostSettings::new(connection.at_once, undoing.read_at)
    };
    let order = Order {
        approved: &approved,
        catalogue: &undoing.catalogue,
        post: &post,
        notes: &notes,
        left_out: None,
        already_there: 0,
        stale: &undoing.stale,
        asks_invoices: true,
    };
    let is_whole = undoing.stale.is_empty();
    let status = carry_out(run, &order, &connection, global, terminal).await?.status;
    Ok(if status == ExitStatus::Done && !is_whole { ExitStatus::Partial } else { status })
}
