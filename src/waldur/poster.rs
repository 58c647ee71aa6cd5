//! Posting: one request per batch, sent once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{CarryOver, UsageId};
use crate::plan::{Approved, Batch, PeopleBatch};
use crate::resolve::{Capabilities, CarryOverField};

use super::http::Http;
use super::wire::{SetUsage, SetUsageItem, SetUserUsage, SetUserUsages};
use super::{Reader, WaldurError};

const USAGES: &str = "marketplace-component-usages/";

/// What is called with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// The totals of a resource.
    Usage,
    /// The usage of one user within a stored usage.
    UserUsage(UsageId),
    /// The usage of several users within a stored usage.
    UserUsages(UsageId),
}

impl Call {
    /// Its name, as the API has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usage => "set_usage",
            Self::UserUsage(_) => "set_user_usage",
            Self::UserUsages(_) => "set_user_usages",
        }
    }

    fn path(self) -> String {
        match self {
            Self::Usage => format!("{USAGES}{}/", self.name()),
            Self::UserUsage(total) | Self::UserUsages(total) => {
                format!("{USAGES}{total}/{}/", self.name())
            }
        }
    }
}

/// A connection that can post; there is none without an approved plan.
pub struct Poster {
    http: Arc<Http>,
    capabilities: Capabilities,
}

/// What came back for a request. It says what the server answered, not what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "not sent is what it is called everywhere")]
pub enum Sent {
    /// 201.
    Accepted,
    /// Any other answer.
    Rejected {
        /// The status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// 429 or 503: the server or a gateway before it asks to come later. Nobody knows whether it was
    /// stored.
    NotNow {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The request may have arrived, and no answer did that says what became of it.
    Lost {
        /// What came instead.
        reason: String,
    },
    /// The request never left.
    NotSent {
        /// Why.
        reason: String,
    },
}

impl Poster {
    /// A poster for an approved plan, over the reader's connections.
    pub fn new(reader: &Reader, approved: &Approved) -> Self {
        Self { http: reader.http.clone(), capabilities: approved.plan().header.capabilities.clone() }
    }

    /// The server's clock, as of its last answer.
    pub fn now(&self) -> Option<Timestamp> {
        self.http.now()
    }

    /// The body of a batch's request; with a date where the server is to be told the month.
    pub fn body(&self, batch: &Batch, date: Option<Timestamp>) -> String {
        // Serializing to memory cannot fail.
        serde_json::to_string(&self.form(batch, date)).unwrap_or_default()
    }

    /// The body of a request about users.
    pub fn people_body(batch: &PeopleBatch) -> String {
        let mut usages = batch.people().iter().map(|person| SetUserUsage {
            username: &person.username,
            usage: person.new.get(),
            user: person.user.as_deref(),
        });
        // Serializing to memory cannot fail, and a batch is never empty.
        let body = match (batch.is_bulk(), batch.people()) {
            (false, [_]) => serde_json::to_string(&usages.next()),
            _ => serde_json::to_string(&SetUserUsages { usages: usages.collect() }),
        };
        body.unwrap_or_default()
    }

    /// Sends a body, once.
    pub async fn post(
        &self,
        call: Call,
        body: &str,
        may_leave: &(dyn Fn() -> Result<(), String> + Sync),
    ) -> Sent {
        let (path, body) = (call.path(), body.as_bytes().to_vec());
        if let Err(error) = self.http.settled(&path) {
            return Sent::NotSent { reason: error.to_string() };
        }
        match self.http.post(&path, &body, may_leave).await {
            Ok(answer) if answer.status.as_u16() == 201 => Sent::Accepted,
            Ok(answer) if matches!(answer.status.as_u16(), 429 | 503) => {
                Sent::NotNow { status: answer.status.as_u16(), retry_after: answer.retry_after }
            }
            // A gateway's word about a server that may still be at work, or an answer that no version
            // of the API gives: nobody knows.
            Ok(answer) if matches!(answer.status.as_u16(), 200 | 202..=299 | 408 | 499 | 502 | 504 | 520..=530) => {
                Sent::Lost {
                    reason: format!("answered with {}, which leaves it open", answer.status.as_u16()),
                }
            }
            Ok(answer) => {
                let message = match answer.error() {
                    redirect @ WaldurError::Redirected { .. } => redirect.to_string(),
                    _ => answer.message(),
                };
                Sent::Rejected { status: answer.status.as_u16(), message }
            }
            // The 401 that made us look for another token stands.
            Err(error @ WaldurError::OtherAccount { .. }) => {
                Sent::Rejected { status: 401, message: error.to_string() }
            }
            Err(error @ (WaldurError::Unreachable { .. } | WaldurError::Withdrawn { .. })) => {
                Sent::NotSent { reason: error.to_string() }
            }
            Err(error) => Sent::Lost { reason: error.to_string() },
        }
    }

    fn form(&self, batch: &Batch, date: Option<Timestamp>) -> SetUsage {
        let carries_policy = self.capabilities.carry_over.value == CarryOverField::MissingUsagePolicy;
        let usages = batch.items().iter().map(|item| SetUsageItem {
            component_type: item.component.clone(),
            amount: item.amount,
            description: item.description.clone(),
            recurring: (!carries_policy).then_some(item.carry_over == CarryOver::Reuse),
            missing_usage_policy: carries_policy.then_some(item.carry_over),
        });
        let plan_period = batch.plan_period();
        let resource = plan_period.is_none().then(|| batch.resource());
        SetUsage { resource, plan_period, date, usages: usages.collect() }
    }
}
