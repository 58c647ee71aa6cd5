//! From cells to typed figures.
//!
//! Rows come in as text with their address ([`RawRow`]); they leave as [`Parsed`]: subjects (which
//! resource, which month) and figures (which component, how much). Every cell of a row is parsed
//! before the row is judged, and every fault becomes a finding with its cell. What only the server's
//! catalogue can tell (is this column a component?) stays open for `resolve`.

mod cells;
mod finder;
mod guard;
mod header;
mod parsed;
mod raw;
mod rows;

pub use cells::amount;
pub use finder::{Finder, is_header};
pub use guard::{with_guard, without_guard};
pub use header::listed;
pub use parsed::{Figure, Named, OpenCell, OpenColumn, Parsed, ParsedTable, ResourceName, Subject};
pub use raw::{Cell, CellKind, RawRow, RawRows, Table};
pub use rows::{ParseSettings, Parser};
