//! From cells to typed figures.
//!
//! Rows come in as text with their address ([`RawRow`]); they leave as [`Parsed`]: subjects (which
//! resource, which month) and figures (which component, how much). Every cell of a row is parsed
//! before the row is judged, and every fault becomes a finding with its cell. How numbers and dates are
//! written is decided for each column over all its cells, so rows are kept until their table ends. What
//! only the server's catalogue can tell (is this column a component?) stays open for `resolve`.

mod cells;
mod column;
mod doubts;
mod draft;
mod finder;
mod guard;
mod header;
mod kept_rows;
mod locales;
mod marks;
mod money;
mod month;
mod month_names;
mod numeral;
pub mod odd;
mod parsed;
mod period;
mod quantity;
mod raw;
mod recogniser;
mod rows;
mod shown_money;
mod shown_unit;
mod sight;
mod total_words;

pub use doubts::Doubts;
pub use finder::Finder;
pub use guard::{with_guard, without_guard};
pub use header::listed;
pub use marks::{FINDINGS_MARK, HELP_MARK, KEYS_MARK};
pub use money::{MoneyColumns, StatedMoney};
pub use month::DateOrder;
pub use numeral::DecimalSign;
pub use parsed::{
    End, Figure, Named, Note, OpenCell, OpenColumn, Parsed, ParsedTable, ResourceName, Subject, SubjectMore,
    Sum, Wanted, short,
};
pub use quantity::{Quantity, Unread, negative, quantity, signed_quantity};
pub use raw::{Cell, CellKind, RawRow, RawRows, Table};
pub use recogniser::{Recognised, Recogniser};
pub use rows::{HEADING, Hidden, ParseSettings, Parser, UNCHECKED};
pub use sight::{AddedRows, Merge, Sight, Span, Unseen};
