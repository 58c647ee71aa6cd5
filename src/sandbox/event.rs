//! Everything that changes what is stored, as values: a world and its events make the state.
//!
//! The rules look at the data, the kind of server and the event alone, and the ids that they make
//! follow from a counter. So the events of a run, carried out again on its world, give the same rows
//! with the same ids.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::behaviour::Behaviour;
use super::data::Data;
use super::python::{self, Value};
use super::rules::{self, Caller, Refusal};

/// What a post asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "post")]
pub(super) enum Post {
    /// The usage of a resource.
    #[serde(rename = "set_usage")]
    Usage,
    /// The part of a person in a usage.
    #[serde(rename = "set_user_usage")]
    UserUsage {
        /// The usage.
        usage: Uuid,
    },
    /// The parts of several people in a usage.
    #[serde(rename = "set_user_usages")]
    UserUsages {
        /// The usage.
        usage: Uuid,
    },
}

impl Post {
    /// Carries a post out, or says why not; of a report only the first items, where the server is to
    /// break after them.
    pub(super) fn carry_out(
        self,
        data: &mut Data,
        caller: Caller,
        body: &Value,
        items: Option<usize>,
    ) -> Result<(), Refusal> {
        // A usage that is not there any more cannot have been found by whoever asks.
        let find = |data: &Data, usage| data.usages.find(usage).ok_or(Refusal::Broken);
        match self {
            Self::Usage => match items {
                None => rules::set_usage(data, caller, body),
                Some(items) => rules::set_usage_in_part(data, caller, body, items),
            },
            Self::UserUsage { usage } => {
                let usage = find(data, usage)?;
                rules::set_user_usage(data, caller, usage, body)
            }
            Self::UserUsages { usage } => {
                let usage = find(data, usage)?;
                rules::set_user_usages(data, caller, usage, body)
            }
        }
    }
}

/// Something that changed what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Event {
    /// When it happened, by the sandbox's own clock.
    pub at: Timestamp,
    /// The account that asked for it.
    pub by: String,
    #[serde(flatten)]
    pub post: Post,
    /// How many items were stored before the server broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<usize>,
    /// The body as it was sent.
    pub body: String,
}

/// An event does not fit the data that it is carried out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event cannot be carried out again")]
pub struct EventError;

impl Event {
    /// Carries an event out again.
    pub(super) fn replay(&self, data: &mut Data, behaviour: &Behaviour) -> Result<(), EventError> {
        let user = data.users.iter().position(|user| user.username == self.by).ok_or(EventError)?;
        let body = python::parse(self.body.as_bytes()).map_err(|_| EventError)?;
        let caller = Caller { behaviour, user, now: self.at };
        match self.post.carry_out(data, caller, &body, self.items) {
            // Part of a report that was refused or broken off had been saved; it is saved again.
            Ok(()) | Err(Refusal::Invalid(_)) => Ok(()),
            Err(Refusal::Broken) if self.items.is_some() => Ok(()),
            Err(Refusal::Forbidden | Refusal::Broken) => Err(EventError),
        }
    }
}
