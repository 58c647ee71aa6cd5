//! The states of a resource, and which of them take usage reports.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of a resource as the API spells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ResourceState {
    /// Being made.
    Creating,
    /// In use.
    Ok,
    /// Something went wrong with it.
    Erred,
    /// Being changed.
    Updating,
    /// Being removed.
    Terminating,
    /// Gone.
    Terminated,
    /// A state that this version of the program does not know.
    Other(String),
}

impl ResourceState {
    /// Whether the server takes usage reports in this state.
    pub fn takes_usage(&self) -> bool {
        match self {
            Self::Ok | Self::Updating | Self::Terminating => true,
            Self::Creating | Self::Erred | Self::Terminated | Self::Other(_) => false,
        }
    }
}

impl From<String> for ResourceState {
    fn from(text: String) -> Self {
        match text.as_str() {
            "Creating" => Self::Creating,
            "OK" => Self::Ok,
            "Erred" => Self::Erred,
            "Updating" => Self::Updating,
            "Terminating" => Self::Terminating,
            "Terminated" => Self::Terminated,
            _ => Self::Other(text),
        }
    }
}

impl From<ResourceState> for String {
    fn from(state: ResourceState) -> Self {
        state.to_string()
    }
}

impl fmt::Display for ResourceState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Creating => "Creating",
            Self::Ok => "OK",
            Self::Erred => "Erred",
            Self::Updating => "Updating",
            Self::Terminating => "Terminating",
            Self::Terminated => "Terminated",
            Self::Other(text) => text,
        })
    }
}
