//! A plan that somebody agreed to, for this server, this account and this month.

use jiff::Timestamp;

use crate::domain::UserId;

use super::document::Plan;
use super::month::{MonthRefusal, guard_month};

/// Why we do not send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The plan was made for another server.
    #[error("the plan is for {planned}, not for {actual}")]
    OtherServer {
        /// The server of the plan.
        planned: String,
        /// The server that would be posted to.
        actual: String,
    },
    /// The plan was made with another account.
    #[error("the plan was made with account {planned}, and the token belongs to {actual}")]
    OtherAccount {
        /// The account of the plan.
        planned: UserId,
        /// The account of the token.
        actual: UserId,
    },
    /// The month cannot be posted to.
    #[error(transparent)]
    Month(#[from] MonthRefusal),
    /// The stored usages changed since the plan was made.
    #[error("{rows} rows are stale: the server's figures changed since the plan was made")]
    Stale {
        /// How many.
        rows: usize,
    },
    /// A resource cannot be posted to any more as it was planned.
    #[error("{0}")]
    Unpostable(String),
    /// The user said no.
    #[error("you said no")]
    Declined,
}

/// A plan that may be posted; there is no other way to a poster.
#[derive(Debug)]
pub struct Approved(Plan);

impl Approved {
    /// Takes a plan that the user has agreed to, and checks that it fits where it would go.
    pub fn new(
        plan: Plan,
        server: &str,
        account: UserId,
        now: Timestamp,
        agreed: bool,
    ) -> Result<Self, Refusal> {
        Self::fits(&plan, server, account, now)?;
        if agreed { Ok(Self(plan)) } else { Err(Refusal::Declined) }
    }

    /// Whether a plan fits a server, an account and a time, before anybody is asked.
    pub fn fits(plan: &Plan, server: &str, account: UserId, now: Timestamp) -> Result<(), Refusal> {
        if plan.header.server != server {
            let (planned, actual) = (plan.header.server.clone(), server.to_owned());
            return Err(Refusal::OtherServer { planned, actual });
        }
        if plan.header.account != account {
            return Err(Refusal::OtherAccount { planned: plan.header.account, actual: account });
        }
        Ok(guard_month(plan.header.period, now)?)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}
