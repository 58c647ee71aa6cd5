//! What happens when the server has fields that this program does not know.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::visible;

use super::table::Table;

/// What is done with a field that the server added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contract {
    /// It becomes a column.
    Evolve,
    /// The run ends before anything is written.
    Freeze,
    /// It is left out, and the manifest names it.
    #[default]
    Discard,
}

impl Contract {
    /// Every contract.
    pub const ALL: [Self; 3] = [Self::Evolve, Self::Freeze, Self::Discard];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Evolve => "evolve",
            Self::Freeze => "freeze",
            Self::Discard => "discard",
        }
    }

    /// Which of the unknown fields of a table become columns; refuses where it may have none. A field that
    /// once became a column stays one, so that a month does not lose it when no row has it.
    pub fn columns(
        self,
        table: Table,
        unknown: &BTreeSet<String>,
        published: &[String],
    ) -> Result<Vec<String>, FieldsRefused> {
        match self {
            Self::Evolve => {
                let new = unknown.iter().filter(|name| !published.contains(name));
                Ok(published.iter().chain(new).cloned().collect())
            }
            Self::Freeze => {
                let new: Vec<String> = unknown.iter().filter(|name| !published.contains(name)).cloned().collect();
                if new.is_empty() { Ok(published.to_vec()) } else { Err(FieldsRefused { table, fields: new }) }
            }
            Self::Discard => Ok(published.to_vec()),
        }
    }
}

/// The server has fields that the contract does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the server has fields of {table} that the contract `freeze` does not allow: {}",
    fields.iter().map(|field| visible(field).to_string()).collect::<Vec<_>>().join(", ")
)]
pub struct FieldsRefused {
    /// Of which table.
    pub table: Table,
    /// Their names.
    pub fields: Vec<String>,
}

impl fmt::Display for Contract {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Contract {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|contract| contract.name() == text);
        found.ok_or_else(|| "use evolve, freeze or discard".to_owned())
    }
}
