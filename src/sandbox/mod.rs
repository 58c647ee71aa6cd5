//! An embedded Waldur: a server in this process that answers as the real one does.
//!
//! It answers for the marketplace endpoints that usage reporting touches and for the invoices that
//! follow from it, by rules and never from recorded answers; what it does is held to recordings of a
//! running Waldur of October 2024, and newer releases to what is known of them. It listens on
//! loopback unless it has tokens of its own, says with every answer that it is a sandbox, and keeps
//! nothing between runs unless it is given a file.
//!
//! A request goes one way: `server` (sockets, clock) → `faults` and `model` (what goes wrong, and how
//! long it takes) → `api` (routes, filters, paging) →
//! `rules` (what may be stored, and how) → `data` (tables in memory). `python` holds the habits of
//! the real server's language that shine through its answers. A [`Behaviour`] names everything in
//! which server versions differ; the rules ask it, never a version. `control` answers those who run
//! the sandbox, under `/sandbox/`, and `commits` is the log of what was stored.

mod api;
mod behaviour;
mod built_in;
mod capability;
mod clock;
mod commits;
mod connection;
mod control;
mod copied_invoices;
mod copied_world;
mod data;
mod event;
mod faults;
#[cfg(test)]
mod hostile_world_tests;
mod identity;
mod listen;
mod model;
#[cfg(test)]
mod money_tests;
mod new_world;
mod pseudonyms;
mod python;
mod rules;
mod server;
mod state_file;
#[cfg(test)]
mod tests;
mod world;
mod world_file;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::visible;

pub use behaviour::{
    Behaviour, Billing, CarryOverField, CurrentUsages, DateFrom, Dialect, Limits, MonthsTurn, PlanPeriodOf,
    RowPer,
};
pub use capability::{SwitchError, capabilities_text};
pub use commits::Commit;
pub use copied_world::{
    CopiedComponent, CopiedOffering, CopiedPlan, CopiedPlanPeriod, CopiedResource, CopiedUsage, CopiedWorld,
};
pub use data::{InvoiceState, StoredUsage};
pub use faults::{Ending, Fault, FaultError, FaultKind, FaultName, NAMES, Rate, SeenRequest, When};
pub use listen::{AccountTokens, Listen};
pub use model::{Model, ModelError};
pub use new_world::NewWorld;
pub use pseudonyms::Names;
pub use server::{Sandbox, start};
pub use world::World;

/// Why a sandbox cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address would be reachable from other machines, with tokens that anybody may know.
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
    /// The file of tokens cannot be read.
    #[error("cannot read the tokens {}", path_shown(path))]
    Tokens {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of tokens can be read by other users of the machine.
    #[error("others can read the tokens {}", path_shown(.0))]
    OpenTokens(PathBuf),
    /// A line of a file of tokens gives no account a token.
    #[error("{}, line {line}: {what}", path_shown(path))]
    TokenLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file of tokens that holds none.
    #[error("{} holds no token", path_shown(.0))]
    NoTokens(PathBuf),
    /// A token that the world cannot take.
    #[error("the token of {}: {what}", visible(account))]
    OwnToken {
        /// The account.
        account: String,
        /// Why.
        what: String,
    },
    /// The file of a world cannot be read.
    #[error("cannot read the world {}", path_shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of a world is not in the format of a world.
    #[error("{} is not a world", path_shown(path))]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and why it cannot be understood.
        source: serde_json::Error,
    },
    /// A state was given as a world.
    #[error("{} is the state of a sandbox, not a world", path_shown(.0))]
    IsState(PathBuf),
    /// The file that keeps the state cannot be read or written.
    #[error("cannot keep the state in {}", path_shown(path))]
    State {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file of a world is there already, or is no file.
    #[error("{} is there already", path_shown(.0))]
    Exists(PathBuf),
    /// The file of a world cannot be written.
    #[error("cannot write {}", path_shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A new world cannot be of this size.
    #[error("a world has 1 to {most} {what}")]
    Size {
        /// What there would be none or too many of.
        what: &'static str,
        /// The most that there can be.
        most: u32,
    },
    /// Another sandbox keeps its state there now.
    #[error("another sandbox keeps its state in {}", path_shown(.0))]
    StateInUse(PathBuf),
    /// The file is no state.
    #[error("{} is not the state of a sandbox", path_shown(path))]
    NotAState {
        /// The file.
        path: PathBuf,
        /// Where and why it cannot be understood.
        source: serde_json::Error,
    },
    /// The state was made by another kind of server, whose rules made its rows.
    #[error(
        "the state in {} was made by another kind of server: {}",
        path_shown(path),
        differences(made_by, asked_for)
    )]
    OtherBehaviour {
        /// The file.
        path: PathBuf,
        /// That server, capability by capability.
        made_by: String,
        /// The server that was to take it up.
        asked_for: String,
    },
    /// The state began with another world than the one that is given.
    #[error("the state in {} began with another world", path_shown(.0))]
    OtherWorld(PathBuf),
    /// The state was left at a later moment.
    #[error("the state in {} was left at {last:.0}, and its time does not run backwards", path_shown(path))]
    Backwards {
        /// The file.
        path: PathBuf,
        /// When it was left.
        last: Timestamp,
    },
    /// A line of a state is not an event that can be carried out on what is before it.
    #[error("line {line} of {} is damaged", path_shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, the first one being 1.
        line: usize,
    },
    /// A world speaks of something that it does not hold.
    #[error("the world has no {thing} {}", visible(uuid))]
    Missing {
        /// What is missing: an offering, a resource, a plan, …
        thing: &'static str,
        /// Its id, or the type of a component.
        uuid: String,
    },
    /// A world has something twice that there can be once.
    #[error("the world has the {thing} {id} twice")]
    Repeated {
        /// What comes twice: a resource, a usage, an account, …
        thing: &'static str,
        /// Its id or its name, fit to be printed.
        id: String,
    },
    /// A world has something that no server could have.
    #[error("the {thing} {id} of the world {why}")]
    Unfit {
        /// What it is.
        thing: &'static str,
        /// Its id or its name, fit to be printed.
        id: String,
        /// What is wrong with it.
        why: String,
    },
}

fn path_shown(path: &std::path::Path) -> String {
    visible(&path.to_string_lossy()).to_string()
}

/// How a sandbox is started.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen, and with which tokens. Port 0 takes a free one.
    pub listen: Listen,
    /// What is stored at the start.
    pub world: World,
    /// The moment at which the clock starts; `None` takes the world's own.
    pub now: Option<Timestamp>,
    /// What the server is able to do.
    pub behaviour: Behaviour,
    /// The file that keeps what is stored between runs.
    pub state: Option<PathBuf>,
    /// Whether a state that is there already has to have begun with this world; otherwise its own
    /// stands, whatever is given here.
    pub is_world_required: bool,
    /// The name that every answer carries; made from the world where none is given. Plans are bound to
    /// it.
    pub name: Option<String>,
    /// How long every request is held before it is looked at; many can be held at once.
    pub latency: Duration,
    /// What goes wrong from the start.
    pub faults: Vec<Fault>,
    /// What the chance of faults is drawn from.
    pub seed: u64,
    /// The time that requests take, where they are to take any.
    pub model: Option<Model>,
}

impl Settings {
    /// A server of October 2024 on a free loopback port, without latency, at the world's own time.
    pub fn new(world: World) -> Self {
        Self {
            listen: Listen::free_port(),
            world,
            now: None,
            behaviour: Behaviour::dialect_2024(),
            state: None,
            is_world_required: false,
            name: None,
            latency: Duration::ZERO,
            faults: Vec::new(),
            seed: 0,
            model: None,
        }
    }
}

/// What tells two kinds of servers apart: their words that are not the same.
fn differences(made_by: &str, asked_for: &str) -> String {
    let pairs = made_by.split(' ').zip(asked_for.split(' '));
    let differing: Vec<String> = pairs
        .filter(|(made, asked)| made != asked)
        .map(|(made, asked)| format!("{} there, {} here", visible(made), visible(asked)))
        .collect();
    differing.join("; ")
}
