//! Rows of an input, copied out as they stand.

use std::collections::BTreeSet;

use crate::findings::Finding;
use crate::parse::{RawRow, RawRows};

use super::{Input, each_row};

/// Copies the header and the rows of the given numbers (rows of the sheet, lines of the file).
pub fn copy_rows(input: &Input, sheet: Option<&str>, numbers: &BTreeSet<u32>) -> Result<RawRows, Finding> {
    let mut source = input.open(sheet)?;
    let mut copied = RawRows { delimiter: input.delimiter(), rows: Vec::new() };
    let copy = |row: &RawRow| row.cells().map(|cell| (cell.text.to_owned(), cell.kind)).collect();
    each_row(source.as_mut(), &mut |row| {
        let is_header = copied.rows.is_empty() && !row.is_blank();
        if is_header || numbers.contains(&row.number()) {
            copied.rows.push(copy(row));
        }
    })?;
    Ok(copied)
}
