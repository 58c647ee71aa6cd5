//! Which column means what.
//!
//! Holds the fields that a usage table can have and the spellings under which they are known. How a
//! header row is bound to them is the business of `parse`.

mod field;

pub use field::{Field, NOT_READ};
