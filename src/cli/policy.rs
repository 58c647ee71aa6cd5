//! The flags that grade findings.

use clap::Args;

use crate::error::Error;
use crate::findings::{Policy, PolicyError, Severity};

use super::config::Config;

/// How grave findings are to be taken.
#[derive(Debug, Args)]
#[command(next_help_heading = "Findings")]
pub struct PolicyArguments {
    /// Take these findings for faults; see `explain` for their names; repeatable, or separated by commas
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    deny: Vec<String>,
    /// Only warn of these findings; of what cannot be posted, none can be lowered
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    warn: Vec<String>,
    /// Say nothing of these findings
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    allow: Vec<String>,
}

impl PolicyArguments {
    /// Whether none was typed.
    pub fn is_empty(&self) -> bool {
        self.deny.is_empty() && self.warn.is_empty() && self.allow.is_empty()
    }

    /// The policy of the profile, and above it what was typed.
    pub fn policy(&self, config: &Config) -> Result<Policy, Error> {
        let lists =
            [(&self.deny, Severity::Deny), (&self.warn, Severity::Warn), (&self.allow, Severity::Allow)];
        let entries = lists
            .into_iter()
            .flat_map(|(codes, severity)| codes.iter().map(move |code| (code.trim().to_owned(), severity)));
        let typed = Policy::new(entries).map_err(|error| wrong(&error))?;
        Ok(config.policy()?.under(typed))
    }
}

fn wrong(error: &PolicyError) -> Error {
    Error::setting(error.to_string(), error.hint())
}
