//! What a warehouse gets: tables of months, their columns typed and their rows in one order.
//!
//! A month of a table is the unit: a [`Slice`] holds it whole, sorted by its key, with the hash of its
//! content. What was published stands in a [`Manifest`] at the target; a slice whose hash stands there is
//! not written again. The same content gives the same slice on every machine, so nothing in here knows of
//! a run or of the time, except the manifest, which is told both.

mod cells;
mod column;
mod content;
mod contract;
mod focus;
mod manifest;
mod order;
mod revision;
mod schema;
mod slice;
mod sums;
mod table;

pub use cells::{Cells, cell_text};
pub use column::{Column, ColumnKind, Origin};
pub use contract::{Contract, FieldsRefused};
pub use focus::{
    FocusError, FocusInputs, FocusSettingError, FocusSettings, INPUTS as FOCUS_INPUTS, WrittenFocus, charges,
};
pub use manifest::{
    ComponentSum, Entry, FORMAT, Manifest, ManifestError, Proof, PublishedFile, RevisionRecord, RunStamp,
    Scope, Shape, VERSION,
};
pub use revision::{ComponentDifference, Revision, compare};
pub use schema::Schema;
pub use slice::{Slice, SliceError};
pub use table::{PERIOD, Table};
