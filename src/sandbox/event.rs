//! Everything that changes what is stored, as values: a world and its events make the state.
//!
//! The rules look at the data, the kind of server and the event alone, and the ids that they make
//! follow from a counter. So the events of a run, carried out again on its world, give the same rows
//! with the same ids.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::behaviour::Behaviour;
use super::data::{Data, InvoiceState};
use super::python::{self, Value};
use super::rules::{self, Caller, Refusal};
use crate::domain::BillingPeriod;

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
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// Somebody posted.
    Post {
        /// When, by the sandbox's own clock.
        at: Timestamp,
        /// The account.
        by: Uuid,
        #[serde(flatten)]
        post: Post,
        /// How many items were stored before the server broke.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        items: Option<usize>,
        /// The body as it was sent.
        body: String,
    },
    /// What was due by then was done: months turned, rows billed.
    Time {
        /// The moment.
        at: Timestamp,
    },
    /// The clock was set.
    Clock {
        /// To this moment.
        at: Timestamp,
    },
    /// An operator moved an invoice to another state.
    InvoiceState {
        /// When.
        at: Timestamp,
        /// Whose invoice.
        customer: Uuid,
        /// Of which month.
        period: BillingPeriod,
        /// Its new state.
        state: InvoiceState,
    },
}

/// An event does not fit the data that it is carried out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event cannot be carried out again")]
pub struct EventError;

impl Event {
    /// When it happened.
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Post { at, .. }
            | Self::Time { at }
            | Self::Clock { at }
            | Self::InvoiceState { at, .. } => *at,
        }
    }

    /// Carries an event out, for the first time or again.
    pub(super) fn replay(&self, data: &mut Data, behaviour: &Behaviour) -> Result<(), EventError> {
        match self {
            Self::Post { at, by, post, items, body } => {
                let user = data.users.iter().position(|user| user.uuid == *by).ok_or(EventError)?;
                let body = python::parse(body.as_bytes()).map_err(|_| EventError)?;
                let caller = Caller { behaviour, user, now: *at };
                match post.carry_out(data, caller, &body, *items) {
                    // Part of a report that was refused or broken off had been saved; it is saved again.
                    Ok(()) | Err(Refusal::Invalid(_)) => Ok(()),
                    Err(Refusal::Broken) if items.is_some() => Ok(()),
                    Err(Refusal::Forbidden | Refusal::Broken) => Err(EventError),
                }
            }
            Self::Time { at } => {
                rules::keep_up(data, behaviour, *at);
                Ok(())
            }
            // Time alone changes nothing; what it brings about is an event of its own.
            Self::Clock { .. } => Ok(()),
            Self::InvoiceState { at, customer, period, state } => {
                let customer = data.customers.iter().position(|known| known.uuid == *customer);
                let invoice = customer.and_then(|customer| data.invoices.of_month(customer, *period));
                let today = behaviour.months_zone().to_datetime(*at).date();
                data.invoices.set_state(invoice.ok_or(EventError)?, *state, today);
                Ok(())
            }
        }
    }
}
