//! An embedded Waldur: a server in this process that answers as the real one does.
//!
//! It answers for the marketplace endpoints that usage reporting touches and for the invoices that
//! follow from it, by rules and never from recorded answers; what it does is held to recordings of a running Waldur of October 2024. It
//! does not persist anything and listens on loopback alone.
//!
//! A request goes one way: `server` (sockets, faults, clock) → `api` (routes, filters, paging) →
//! `rules` (what may be stored, and how) → `data` (tables in memory). `python` holds the habits of
//! the real server's language that shine through its answers. A [`Behaviour`] names everything in
//! which server versions differ; the rules ask it, never a version.

mod api;
mod behaviour;
mod built_in;
mod clock;
mod connection;
mod data;
mod faults;
#[cfg(test)]
mod money_tests;
mod python;
mod rules;
mod server;
#[cfg(test)]
mod tests;
mod world;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

pub use behaviour::{Behaviour, Billing, CarryOverField, CurrentUsages, DateFrom, Dialect, Limits, RowPer};
pub use data::{InvoiceState, StoredUsage};
pub use faults::{Fault, FaultKind, SeenRequest};
pub use server::{Sandbox, start};
pub use world::World;

/// Why a sandbox cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address would be reachable from other machines.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of a world cannot be read.
    #[error("cannot read the world {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of a world is not in the format of a world.
    #[error("{} is not a world", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and why it cannot be understood.
        source: serde_json::Error,
    },
    /// A world speaks of something that it does not hold.
    #[error("the world has no {thing} {uuid}")]
    Missing {
        /// What is missing: an offering, a resource, a plan, …
        thing: &'static str,
        /// Its id, or the type of a component.
        uuid: String,
    },
}

/// How a sandbox is started.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// What is stored at the start.
    pub world: World,
    /// The moment at which the clock starts; `None` takes the world's own.
    pub now: Option<Timestamp>,
    /// What the server is able to do.
    pub behaviour: Behaviour,
    /// How long every request is held before it is looked at; many can be held at once.
    pub latency: Duration,
}

impl Settings {
    /// A server of October 2024 on a free loopback port, without latency, at the world's own time.
    pub fn new(world: World) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            world,
            now: None,
            behaviour: Behaviour::dialect_2024(),
            latency: Duration::ZERO,
        }
    }
}
