//! Which column means what.
//!
//! Holds the fields that a usage table can have and the spellings under which they are known, the layouts
//! of tables that other systems write, and what the user says of other names and units. How a header row is
//! bound is the business of `parse`.

mod aliases;
mod field;
mod layout;
mod stated_money;

pub use aliases::{Alias, Aliases, UnitFactor};
pub use field::{Field, NOT_READ};
pub use layout::{
    Binding, Crossing, Factor, Form, Layout, Metric, MetricColumns, Period, Records, Role, Sample, Shipped,
    SuggestError, Times, Titles, Unbound, shipped, suggest,
};
pub use stated_money::{looks_like_money, stated_money};
