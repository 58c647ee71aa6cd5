//! `show`: one stored usage, whole.

use clap::Args;

use crate::domain::{UsageId, visible};
use crate::error::{Error, ExitStatus};
use crate::ui::{self, Format, Table, Terminal};

use super::Global;
use super::connect::connect;

/// What `show` takes.
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The uuid of the usage
    uuid: UsageId,
}

/// Runs the command.
pub async fn run(
    arguments: &ShowArguments,
    global: &Global,
    _terminal: &Terminal,
) -> Result<ExitStatus, Error> {
    let connection = connect(global)?;
    let row = connection.reader.usage(arguments.uuid).await?;
    let row = row.ok_or_else(|| Error::NotFound(format!("there is no usage {}", arguments.uuid)))?;
    match global.format.into() {
        Format::Json => ui::json(&row),
        Format::Text => {
            let mut table = Table::new(&["field", "value"]);
            for field in row.0.keys() {
                table.row([visible(field).to_string(), visible(&row.text(field)).to_string()]);
            }
            ui::data(&table.render(""));
        }
    }
    Ok(ExitStatus::Done)
}
