//! What the server lets in, and what it makes of it: the rules of reporting, written as rules.
//!
//! A request is read against its form first, then the objects it names are looked up, then the
//! reporter's rights are checked; only then is anything stored. The order is the real server's and
//! shows in what a stranger can learn.

mod fields;
mod form;
mod limits;
mod permissions;
mod set_usage;
mod set_user_usage;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use permissions::{may_report, sees_all, sees_offering, sees_project};
pub(super) use set_usage::{set_usage, set_usage_in_part};
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
