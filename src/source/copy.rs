//! Rows of an input, copied out as they stand.

use std::collections::BTreeSet;

use crate::findings::Finding;
use crate::parse::{CellKind, Finder, RawRow, RawRows};

use super::{Input, each_row};

/// Copies the header and the rows of the given numbers (rows of the sheet, lines of the file). The header
/// is the one that was found when the rows were read; of two rows it becomes one.
pub fn copy_rows(
    input: &Input,
    sheet: Option<&str>,
    header_row: u32,
    numbers: &BTreeSet<u32>,
) -> Result<RawRows, Finding> {
    let mut source = input.open(sheet)?;
    let mut copied = RawRows { delimiter: source.delimiter(), rows: Vec::new() };
    let cells = |row: &RawRow| row.cells().map(|cell| (cell.text.to_owned(), cell.kind)).collect();
    let mut finder = Some(Finder::new(Some(header_row)));
    let mut rows: Vec<Vec<(String, CellKind)>> = Vec::new();
    each_row(source.as_mut(), &mut |row| {
        if let Some(found) = finder.as_mut().and_then(|finder| finder.take(row)) {
            finder = None;
            copied.rows.push(cells(&found.header));
        }
        if row.number() > header_row && numbers.contains(&row.number()) {
            rows.push(cells(row));
        }
    })?;
    if let Some(found) = finder.and_then(|mut finder| finder.end()) {
        copied.rows.push(cells(&found.header));
    }
    copied.rows.append(&mut rows);
    Ok(copied)
}
