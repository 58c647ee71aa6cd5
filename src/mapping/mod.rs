//! Which column means what.
//!
//! Holds the fields that a usage table can have and the spellings under which they are known, and what
//! the user says of other names and units. How a header row is bound is the business of `parse`.

mod aliases;
mod field;

pub use aliases::{Alias, Aliases, UnitFactor};
pub use field::{Field, NOT_READ};
