//! A plan that somebody agreed to, for this server, this account and this month.

use jiff::Timestamp;

use crate::domain::{BillingPeriod, Destination, Role, SandboxWorld, UserId};

use super::document::{Plan, Reporter};
use super::month::{MonthRefusal, MonthRule};

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
    /// The plan was made against a sandbox, and something else answers on its address, or the other
    /// way round: a rehearsal never becomes real, and a real report never ends in a rehearsal.
    #[error(
        "the plan was made against {}, and {} answers on {server} now",
        called(planned.as_ref()),
        called(actual.as_ref())
    )]
    OtherSandbox {
        /// The address, which is the same.
        server: String,
        /// The world of the plan; `None` for a real server.
        planned: Option<SandboxWorld>,
        /// The world that answers; `None` for a real server.
        actual: Option<SandboxWorld>,
    },
    /// The plan was made with another account.
    #[error("the plan was made with account {planned}, and the token belongs to {actual}")]
    OtherAccount {
        /// The account of the plan.
        planned: UserId,
        /// The account of the token.
        actual: UserId,
    },
    /// The account is no longer to the offerings what it was.
    #[error("the plan was made as {planned}, and the account is {actual} now")]
    OtherRole {
        /// The role of the plan.
        planned: Role,
        /// The role now.
        actual: Role,
    },
    /// The server can do other things than when the plan was made.
    #[error("the server has changed since the plan was made: {what}")]
    OtherCapabilities {
        /// What is otherwise.
        what: String,
    },
    /// Another plan was agreed to.
    #[error("the plan has the digest {actual}, and another one was agreed to")]
    OtherDigest {
        /// The digest of the plan.
        actual: String,
    },
    /// The month cannot be posted to.
    #[error(transparent)]
    Month(#[from] MonthRefusal),
    /// The rows are of several months, and a plan is of one.
    #[error("the rows are of several months, {first} and {second} among them")]
    SeveralMonths {
        /// One of them.
        first: BillingPeriod,
        /// Another one.
        second: BillingPeriod,
    },
    /// What looks like a mistake is not posted.
    #[error("{} the plan: {}", refusing(guards.len()), guards.join(", "))]
    Guards {
        /// Their names.
        guards: Vec<&'static str>,
        /// The flags that let it pass.
        flags: Vec<&'static str>,
    },
    /// What differs cannot be posted.
    #[error("{rows} amounts of {month} differ and cannot be posted; nothing was sent")]
    Closed {
        /// How many.
        rows: usize,
        /// The month.
        month: BillingPeriod,
    },
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

/// A server by what its answers say of a sandbox.
fn called(sandbox: Option<&SandboxWorld>) -> String {
    sandbox.map_or_else(
        || "a server that is no sandbox".to_owned(),
        |world| format!("a sandbox with world {world}"),
    )
}

/// How many guards refuse something, as the beginning of a sentence.
fn refusing(guards: usize) -> String {
    match guards {
        1 => "1 guard refuses".to_owned(),
        several => format!("{several} guards refuse"),
    }
}

/// A plan that may be posted; there is no other way to a poster.
#[derive(Debug)]
pub struct Approved(Plan);

impl Approved {
    /// Takes a plan that the user has agreed to, and checks that it fits where it would go.
    pub fn new(
        plan: Plan,
        destination: &Destination,
        reporter: Reporter,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        Self::fits(&plan, destination, reporter.id, now)?;
        if plan.header.account.role != reporter.role {
            let (planned, actual) = (plan.header.account.role, reporter.role);
            return Err(Refusal::OtherRole { planned, actual });
        }
        Ok(Self(plan))
    }

    /// Whether a plan fits a server, an account and a time, before anybody is asked.
    pub fn fits(
        plan: &Plan,
        destination: &Destination,
        account: UserId,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        Self::is_by(plan, destination, account)?;
        MonthRule::of(&plan.header).date(now, None)?;
        Ok(())
    }

    /// Whether a plan is of a server and an account.
    pub fn is_by(plan: &Plan, destination: &Destination, account: UserId) -> Result<(), Refusal> {
        Self::is_of(plan, destination)?;
        if plan.header.account.id == account {
            return Ok(());
        }
        Err(Refusal::OtherAccount { planned: plan.header.account.id, actual: account })
    }

    /// Whether a plan is of a server.
    pub fn is_of(plan: &Plan, destination: &Destination) -> Result<(), Refusal> {
        let Destination { server, sandbox } = plan.header.destination();
        if server != destination.server {
            return Err(Refusal::OtherServer { planned: server, actual: destination.server.clone() });
        }
        if sandbox != destination.sandbox {
            let actual = destination.sandbox.clone();
            return Err(Refusal::OtherSandbox { server, planned: sandbox, actual });
        }
        Ok(())
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.0
    }
}
