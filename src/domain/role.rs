//! What an account is to the offerings that it reports for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The strongest role of an account that counts for reporting, over all offerings of a run: where it
/// has different ones, the weakest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// No role that lets it report, as far as its permissions show.
    Other,
    /// It manages the offering: it may report, but never with a date.
    OfferingManager,
    /// It owns the organisation that provides the offering.
    ProviderOwner,
    /// It is staff of the deployment.
    Staff,
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Other => "no role of the provider",
            Self::OfferingManager => "manager of the offering",
            Self::ProviderOwner => "owner of the provider",
            Self::Staff => "staff",
        })
    }
}
