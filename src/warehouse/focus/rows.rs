//! The cells of a slice by the names of its columns.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::Amount;
use crate::warehouse::cells::cell_text;
use crate::warehouse::slice::Slice;

/// The rows of a slice.
pub(super) struct Rows<'a> {
    slice: &'a Slice,
    positions: HashMap<&'a str, usize>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(slice: &'a Slice) -> Self {
        let names = slice.schema().columns().iter().enumerate();
        Self { slice, positions: names.map(|(at, column)| (column.name.as_ref(), at)).collect() }
    }

    pub(super) fn count(&self) -> usize {
        self.slice.rows().num_rows()
    }

    /// A cell; `None` where it is null or says nothing.
    pub(super) fn text(&self, row: usize, name: &str) -> Option<Cow<'a, str>> {
        let at = *self.positions.get(name)?;
        let column = self.slice.schema().columns().get(at)?;
        let text = cell_text(column, self.slice.rows().column(at).as_ref(), row)?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// A cell of a column of decimals.
    pub(super) fn amount(&self, row: usize, name: &str) -> Option<Amount> {
        Amount::parse(&self.text(row, name)?).ok()
    }

    /// A cell of a column of instants.
    pub(super) fn instant(&self, row: usize, name: &str) -> Option<Timestamp> {
        self.text(row, name)?.parse().ok()
    }
}
