//! What became of a line: told by what is stored, not by a status.

use serde::{Deserialize, Serialize};

use crate::domain::visible;

use super::change::Figures;

/// The outcome of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Sent, and what is stored is what was planned.
    Posted,
    /// Stored as planned without being sent.
    AlreadyThere,
    /// Rode along, and is stored as before.
    Kept,
    /// Something else is stored than was planned, after an answer that accepted it or after no
    /// answer at all.
    Differs {
        /// What is stored; `None` where no row is.
        stored: Option<Figures>,
    },
    /// The server said no, and what is stored did not change.
    Rejected {
        /// The status of its answer.
        status: u16,
        /// Its words.
        message: String,
    },
    /// What is stored changed since it was read, so it was not sent.
    Stale {
        /// What is stored; `None` where no row is.
        stored: Option<Figures>,
    },
    /// Sent, and nobody knows: no answer came, and what is stored could not be read or has not
    /// changed so far.
    Unknown {
        /// What is known of it.
        reason: String,
    },
    /// Not sent.
    NotSent {
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for Outcome {
    /// The word for it, and what is known besides.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stored = |stored: &Option<Figures>| {
            stored.as_ref().map_or_else(|| "no row".to_owned(), |figures| figures.amount.to_string())
        };
        let name = self.name();
        match self {
            Self::Posted | Self::AlreadyThere | Self::Kept => formatter.write_str(name),
            Self::Differs { stored: now } | Self::Stale { stored: now } => {
                write!(formatter, "{name}: stored is {}", stored(now))
            }
            Self::Rejected { status, message } => write!(formatter, "{name}: {status}, {}", visible(message)),
            Self::Unknown { reason } | Self::NotSent { reason } => {
                write!(formatter, "{name}: {}", visible(reason))
            }
        }
    }
}

impl Outcome {
    /// The word for it in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Posted => "posted",
            Self::AlreadyThere => "already there",
            Self::Kept => "kept",
            Self::Differs { .. } => "differs",
            Self::Rejected { .. } => "rejected",
            Self::Stale { .. } => "stale",
            Self::Unknown { .. } => "unknown",
            Self::NotSent { .. } => "not sent",
        }
    }

    /// Whether what is stored is what was planned.
    pub fn is_as_planned(&self) -> bool {
        match self {
            Self::Posted | Self::AlreadyThere | Self::Kept => true,
            Self::Differs { .. }
            | Self::Rejected { .. }
            | Self::Stale { .. }
            | Self::Unknown { .. }
            | Self::NotSent { .. } => false,
        }
    }
}
