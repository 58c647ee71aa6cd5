//! `audit`: the trail of everything that was sent; asks no server.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::domain::visible;
use crate::error::{Error, ExitStatus};
use crate::jobs::audit::{write_csv, write_json};
use crate::report::ReportError;
use crate::ui::{self, Format, Terminal};

use super::Global;
use super::store;

/// What `audit` takes.
#[derive(Debug, Args)]
pub struct AuditArguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Prove that no entry was changed, taken out or put in
    Verify(AuditVerifyArguments),
    /// Write the trail as csv, or with --format json as JSON
    Export(AuditExportArguments),
}

#[derive(Debug, Args)]
struct AuditVerifyArguments {
    /// A head that was noted earlier: it has to be in the trail, so that nothing was cut off before it
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
}

#[derive(Debug, Args)]
struct AuditExportArguments {
    /// Only entries of this run, by the beginning of its id
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// The file; stdout where it is not given. A file that is there is not replaced
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct ProofDocument {
    entries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &AuditArguments, global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let store = store::open(global)?;
    match &arguments.command {
        AuditCommand::Verify(verify) => {
            let proof = store.audit_verify(verify.head.as_deref())?;
            match global.format.into() {
                Format::Json => ui::json(&ProofDocument { entries: proof.entries, head: proof.head }),
                Format::Text => {
                    let head = proof.head.unwrap_or_else(|| "none".into());
                    ui::data(&format!("the chain holds: {} entries, head {head}\n", proof.entries));
                }
            }
        }
        AuditCommand::Export(export) => {
            let run = export.run.as_deref().map(|beginning| store::find(&store, beginning)).transpose()?;
            let mut bytes = Vec::new();
            let run = run.map(|run| run.run.id);
            match global.format.into() {
                Format::Json => write_json(&store, run, &mut bytes)?,
                Format::Text => write_csv(&store, run, &mut bytes)?,
            }
            match &export.out {
                None => ui::data(&String::from_utf8_lossy(&bytes)),
                Some(path) => {
                    let unwritable = |source| ReportError::Unwritable { path: path.clone(), source };
                    let mut file = std::fs::File::create_new(path).map_err(unwritable)?;
                    file.write_all(&bytes).map_err(unwritable)?;
                    terminal.say(&format!("written to {}", visible(&path.to_string_lossy())));
                }
            }
        }
    }
    Ok(ExitStatus::Done)
}
