//! `completions`: what lets a shell complete commands, flags and names.
//!
//! The script of each shell only carries the line that is being typed to the hidden command `complete`
//! and its answer back. What fits is found here, from the command line's own description, `config.toml`
//! and the store (see [`kept`]); no server is asked. Law: names come from servers and files of others, so
//! what is offered holds nothing invisible, and is written so that the shell takes it for one plain word.

mod ask;
pub mod kept;
mod line;
mod offer;
mod quote;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::Global;
use crate::error::ExitStatus;
use crate::ui::{self, Format};

pub use ask::{CompleteArguments, complete};

/// What `completions` takes.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// A shell, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "PowerShell is called so")]
pub enum Shell {
    /// bash 3.2 or later
    Bash,
    /// zsh
    Zsh,
    /// fish 3.0 or later
    Fish,
    /// PowerShell 5.1 or later
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
}

impl Shell {
    /// What the shell has to be told once.
    fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("waldur-usage.bash"),
            Self::Zsh => include_str!("waldur-usage.zsh"),
            Self::Fish => include_str!("waldur-usage.fish"),
            Self::PowerShell => include_str!("waldur-usage.ps1"),
        }
    }
}

/// A script as JSON.
#[derive(Serialize)]
struct Script {
    script: &'static str,
}

/// Runs the command.
pub fn run(arguments: &CompletionsArguments, global: &Global) -> ExitStatus {
    let script = arguments.shell.script();
    match global.format.into() {
        Format::Json => ui::json(&Script { script }),
        Format::Text => ui::data(script),
    }
    ExitStatus::Done
}
