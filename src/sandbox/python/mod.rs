//! The habits of the real server's language that shine through its answers: how it reads JSON, how
//! it prints numbers, what it takes for a decimal.

mod decimal;
mod json;
mod text;

pub(super) use decimal::Decimal;
pub(super) use json::{JsonError, parse};
pub(super) use text::{Text, Value};
