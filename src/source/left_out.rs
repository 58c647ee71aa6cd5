//! The rows that a run leaves out, written in the layout of the file they came from.
//!
//! The user mends this file and runs it again, so it has the same header, the same columns and the
//! same text as the input. Numbers stay numbers; no text becomes a formula.

use std::collections::BTreeSet;

use crate::findings::Finding;
use crate::parse::{CellKind, RawRow};

use super::{Input, csv::with_guard, each_row};

/// A row as it stood in the input.
pub type LeftOutRow = Vec<(String, CellKind)>;

/// The header and the chosen rows of one input.
pub struct LeftOut {
    /// The delimiter of a text file; `None` for a workbook.
    pub delimiter: Option<u8>,
    /// The header row.
    pub header: LeftOutRow,
    /// The rows.
    pub rows: Vec<LeftOutRow>,
}

impl LeftOut {
    /// Reads the header and the rows of the given numbers (rows of the sheet, lines of the file).
    pub fn read(input: &Input, sheet: Option<&str>, numbers: &BTreeSet<u32>) -> Result<Self, Finding> {
        let mut source = input.open(sheet)?;
        let mut left_out = Self { delimiter: input.delimiter(), header: Vec::new(), rows: Vec::new() };
        let copy = |row: &RawRow| row.cells().map(|cell| (cell.text.to_owned(), cell.kind)).collect();
        each_row(source.as_mut(), &mut |row| {
            if left_out.header.is_empty() && !row.is_blank() {
                left_out.header = copy(row);
            } else if numbers.contains(&row.number()) {
                left_out.rows.push(copy(row));
            }
        })?;
        Ok(left_out)
    }

    /// The rows as text with this delimiter.
    pub fn to_csv(&self, delimiter: u8) -> String {
        let mut writer =
            csv::WriterBuilder::new().flexible(true).delimiter(delimiter).from_writer(Vec::new());
        for row in std::iter::once(&self.header).chain(&self.rows) {
            // Writing to memory cannot fail.
            let _ = writer.write_record(row.iter().map(|(text, _)| with_guard(text).into_owned()));
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
