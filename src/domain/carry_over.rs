//! What becomes of a component in the months after a report.
//!
//! Older servers know a yes or no (`recurring`), newer ones a policy (`missing_usage_policy`). One
//! type stands for both; an edge decides which spelling its server understands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the server fills in for a later month without a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CarryOver {
    /// Nothing: the month stays without a usage.
    #[default]
    None,
    /// The reported amount again (`recurring: true`).
    Reuse,
    /// An explicit zero; only servers with `missing_usage_policy` know it.
    Zero,
}

impl CarryOver {
    /// Reads the `recurring` flag of a server that has no policy.
    pub fn from_recurring(recurring: bool) -> Self {
        if recurring { Self::Reuse } else { Self::None }
    }
}

impl FromStr for CarryOver {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "reuse" => Ok(Self::Reuse),
            "zero" => Ok(Self::Zero),
            _ => Err(()),
        }
    }
}

impl fmt::Display for CarryOver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "none",
            Self::Reuse => "reuse",
            Self::Zero => "zero",
        })
    }
}
