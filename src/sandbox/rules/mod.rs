//! What the server lets in, and what it makes of it: the rules of reporting, written as rules.
//!
//! A request is read against its form first, then the objects it names are looked up, then the
//! reporter's rights are checked; only then is anything stored. The order is the real server's and
//! shows in what a stranger can learn.

mod billing;
#[cfg(test)]
mod billing_tests;
mod billing_time;
mod carry_over;
mod dates;
mod fields;
mod form;
mod invoicing;
mod limits;
mod month_turn;
mod opening;
mod permissions;
mod plan_periods;
mod report;
mod set_usage;
mod set_user_usage;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::Value;

use super::behaviour::Behaviour;

pub(super) use billing_time::full_days;
pub(super) use month_turn::keep_up;
pub(super) use opening::open_books;
pub(super) use permissions::{
    may_report, owns, provides, sees_all, sees_bills_of, sees_offering, sees_project,
};
pub(super) use report::takes_usage;
pub(super) use set_usage::{set_usage, set_usage_in_part};
pub(super) use set_user_usage::{set_user_usage, set_user_usages};

/// Who asks, when, and of what kind of server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub behaviour: &'a Behaviour,
    /// The position of the account.
    pub user: usize,
    pub now: Timestamp,
}

/// Why a request is not carried out, or not wholly.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Refusal {
    /// 400 with this body.
    Invalid(Value),
    /// 403.
    Forbidden,
    /// The real server breaks: 500, and nothing is stored.
    Broken,
}
