//! `resume`: take a run up again from whatever it ended at.

use std::time::Duration;

use clap::Args;

use crate::error::{Error, ExitStatus};
use crate::jobs::freshness::Freshness;
use crate::jobs::post::PostSettings;
use crate::jobs::run::{Run, RunNotes, plan_of, resume};
use crate::plan::{Approved, Refusal};
use crate::ui::{self, Format, Terminal};

use super::Global;
use super::carry_out::{Order, carry_out};
use super::connect::connect;
use super::store;

/// What `resume` takes.
#[derive(Debug, Args)]
#[command(
    after_help = "What became of each request is read from the server first; nothing is sent of which it \
is known, or cannot be known, that it was stored. The run was agreed to, so nobody is asked again."
)]
pub struct ResumeArguments {
    /// The run, by the beginning of its id; the latest on this server that is not over
    #[arg(value_name = "RUN")]
    run: Option<String>,
}

/// Runs the command.
pub async fn run(
    arguments: &ResumeArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let store = store::open(global)?;
    // Who answers, a sandbox or a real server, is known once something has.
    let account = connection.reader.account().await?.id;
    let destination = connection.reader.destination();
    let stored = if let Some(beginning) = &arguments.run {
        store::find(&store, beginning)?
    } else {
        let sandbox = destination.sandbox.as_ref().map(ToString::to_string);
        let Some(latest) = store.latest_unfinished(&destination.server, sandbox.as_deref())? else {
            terminal.say("nothing to resume: every run on this server is over");
            if matches!(global.format.into(), Format::Json) {
                ui::json(&());
            }
            return Ok(ExitStatus::Done);
        };
        store::get(&store, latest)?
    };
    let notes: RunNotes = serde_json::from_str(&stored.run.settings)
        .map_err(|error| Error::Bug(format!("the settings of run {}: {error}", stored.run.id)))?;
    let plan = plan_of(&store, stored.run.id)?;
    Approved::fits(&plan, &destination, account, connection.reader.now()?)?;
    // The lock first: what is read is then changed by no other run of ours.
    let run = Run::take_up(&store, &stored, &plan)?;
    let resumed = resume(&connection.reader, &store, stored.run.id, plan, terminal).await?;
    if !resumed.stale.is_empty() && !notes.is_partial {
        let names = resumed.plan.changed().filter(|resource| resumed.stale.contains_key(&resource.resource));
        let names: Vec<String> = names.map(|resource| resource.name.clone()).collect();
        terminal.error(&format!("stale: {}", crate::domain::visible(&names.join(", "))));
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
    carry_out(run, &order, &connection, global, terminal).await
}
