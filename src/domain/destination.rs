//! Where a plan goes: an address, and whether an embedded Waldur answers there.
//!
//! Two servers can have one address at different times: a port that is used again, a tunnel. So a
//! sandbox names its world with every answer, and a server that names none is taken for a real one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::visible;

/// The longest name of a world that is kept of an answer.
const LONGEST: usize = 64;

/// The world of an embedded Waldur, as its answers name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxWorld(String);

impl SandboxWorld {
    /// Takes the value of a header. A value that no sandbox would send still names a sandbox: what is
    /// in doubt is never taken for a real server.
    pub fn from_header(value: &[u8]) -> Self {
        Self(String::from_utf8_lossy(value).chars().take(LONGEST).collect())
    }
}

impl fmt::Display for SandboxWorld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&visible(&self.0), formatter)
    }
}

/// A server that something is sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The server's address.
    pub server: String,
    /// The world of the sandbox that answers there; `None` for a server that says nothing of it.
    pub sandbox: Option<SandboxWorld>,
}
