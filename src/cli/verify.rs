//! `verify`: prove later what a run posted, and what became of it on the invoices.

use clap::Args;
use serde::Serialize;

use crate::domain::RunId;
use crate::error::{Error, ExitStatus};
use crate::jobs::run::plan_of;
use crate::jobs::verify::{Verified, verify};
use crate::plan::Approved;
use crate::ui::{self, Format, Style, Terminal};

use super::Global;
use super::connect::connect;
use super::store;

/// What `verify` takes.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The run, by the beginning of its id
    #[arg(value_name = "RUN")]
    run: String,
}

#[derive(Serialize)]
struct VerifyDocument<'a> {
    run: RunId,
    #[serde(flatten)]
    verified: &'a Verified,
}

/// Runs the command.
pub async fn run(
    arguments: &VerifyArguments,
    global: &Global,
    terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let store = store::open(global)?;
    let stored = store::find(&store, &arguments.run)?;
    let plan = plan_of(&store, stored.run.id)?;
    // Anybody who sees the rows may prove them; but they must be those of this server.
    connection.reader.account().await?;
    Approved::is_of(&plan, &connection.reader.destination())?;
    let verified = verify(&connection.reader, &plan, terminal).await?;
    match global.format.into() {
        Format::Json => ui::json(&VerifyDocument { run: stored.run.id, verified: &verified }),
        Format::Text => ui::data(&ui::verified_text(&verified, Style::for_stdout())),
    }
    Ok(if verified.is_as_planned() { ExitStatus::Done } else { ExitStatus::Partial })
}
