//! Which column means what.
//!
//! Holds the fields that a usage table can have and the spellings under which they are known, and the
//! layouts of tables that other systems write. How a header row is bound to them is the business of
//! `parse`.

mod field;
mod layout;

pub use field::Field;
pub use layout::{
    Binding, Crossing, Factor, Form, Layout, Metric, MetricColumns, Period, Records, Role, Sample, Shipped,
    SuggestError, Times, Titles, Unbound, shipped, suggest,
};
