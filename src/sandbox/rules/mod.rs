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
mod fields;
mod form;
mod invoicing;
mod limits;
mod month_turn;
mod opening;
mod permissions;
mod set_usage;
mod set_user_usage;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use billing_time::full_days;
pub(super) use month_turn::keep_up;
pub(super) use opening::open_books;
pub(super) use permissions::{
    may_report, owns, provides, sees_all, sees_bills_of, sees_offering, sees_project,
};
pub(super) use set_usage::set_usage;
pub(super) use set_user_usage::set_user_usage;

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
