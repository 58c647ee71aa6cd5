//! How a user picks a thing of the server on the command line: by uuid or by name.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A uuid in any spelling, or else an exact name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The uuid of the thing.
    Id(Uuid),
    /// Its exact display name.
    Name(String),
}

impl Selector {
    /// Whether it picks the thing with this uuid and name.
    pub fn picks(&self, id: Uuid, name: &str) -> bool {
        match self {
            Self::Id(wanted) => *wanted == id,
            Self::Name(wanted) => wanted == name,
        }
    }
}

impl FromStr for Selector {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let id = matches!(text.len(), 32 | 36).then(|| Uuid::try_parse(text).ok()).flatten();
        Ok(id.map_or_else(|| Self::Name(text.to_owned()), Self::Id))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(formatter, "{}", id.as_simple()),
            Self::Name(name) => formatter.pad(name),
        }
    }
}
