//! A row as it stands in the file: text, kinds and an address; nothing is interpreted.

use std::sync::Arc;

use crate::domain::{Place, Spot};

/// The file and the sheet that rows come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The sheet, in a workbook.
    pub sheet: Option<Arc<str>>,
}

impl Table {
    /// The place of a cell, a row or the whole table.
    pub fn place(&self, spot: Spot) -> Place {
        Place { file: self.file.clone(), sheet: self.sheet.clone(), spot, header: None }
    }
}

/// What a spreadsheet says a cell is; a text file knows only text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Nothing in it.
    Blank,
    /// Text.
    Text,
    /// A number, written as the shortest decimal of at most 15 significant digits.
    Number,
    /// A truth value.
    Boolean,
    /// A date, written as `YYYY-MM-DD`, with a time where it has one.
    Date,
    /// An error such as `#REF!`.
    Error,
}

/// A cell of a row: its text without blanks around it, and its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The text; empty where the cell is blank.
    pub text: &'a str,
    /// What the spreadsheet says it is.
    pub kind: CellKind,
}

impl Cell<'_> {
    /// A cell with nothing in it.
    pub const BLANK: Cell<'static> = Cell { text: "", kind: CellKind::Blank };

    /// Whether there is nothing in it but blanks.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty()
    }
}

/// One row with its table and number. The buffers are used again from row to row, so that reading
/// a million rows allocates no cell.
#[derive(Debug)]
pub struct RawRow {
    table: Arc<Table>,
    number: u32,
    text: String,
    cells: Vec<(usize, CellKind)>,
    counts_from_1904: bool,
    delimiter: Option<u8>,
}

impl Clone for RawRow {
    fn clone(&self) -> Self {
        let (text, cells) = (self.text.clone(), self.cells.clone());
        Self { table: self.table.clone(), text, cells, ..*self }
    }

    fn clone_from(&mut self, other: &Self) {
        if !Arc::ptr_eq(&self.table, &other.table) {
            self.table = other.table.clone();
        }
        self.text.clone_from(&other.text);
        self.cells.clone_from(&other.cells);
        (self.number, self.counts_from_1904, self.delimiter) =
            (other.number, other.counts_from_1904, other.delimiter);
    }
}

impl RawRow {
    /// An empty row of a table.
    pub fn new(table: Arc<Table>) -> Self {
        Self {
            table,
            number: 0,
            text: String::new(),
            cells: Vec::new(),
            counts_from_1904: false,
            delimiter: None,
        }
    }

    /// Empties the row and gives it its number, counted from 1.
    pub fn start(&mut self, number: u32) {
        self.number = number;
        self.text.clear();
        self.cells.clear();
    }

    /// Says whether the workbook counts its days from 1904, and not from 1900 as nearly all do.
    pub fn count_days_from(&mut self, counts_from_1904: bool) {
        self.counts_from_1904 = counts_from_1904;
    }

    /// Whether a day that stands as a bare number is counted from 1904.
    pub fn counts_from_1904(&self) -> bool {
        self.counts_from_1904
    }

    /// Says what separates the cells of a text file.
    pub fn separate_by(&mut self, delimiter: u8) {
        self.delimiter = Some(delimiter);
    }

    /// What separates the cells of a text file; `None` elsewhere.
    pub fn delimiter(&self) -> Option<u8> {
        self.delimiter
    }

    /// Adds the cell of a column, counted from 0; columns left out before it are blank.
    pub fn push(&mut self, column: usize, text: &str, kind: CellKind) {
        while self.cells.len() < column {
            self.cells.push((self.text.len(), CellKind::Blank));
        }
        self.text.push_str(trimmed(text));
        self.cells.push((self.text.len(), kind));
    }

    /// Another row of the same table.
    pub fn beside(&self, number: u32) -> Self {
        let empty = Self::new(self.table.clone());
        Self { number, counts_from_1904: self.counts_from_1904, delimiter: self.delimiter, ..empty }
    }

    /// How many cells hold something.
    pub fn filled(&self) -> usize {
        self.cells().filter(|cell| !cell.is_blank()).count()
    }

    /// The table that the row stands in.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The row of the sheet or the line of the file, counted from 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How many cells were read, trailing blank ones possibly among them.
    pub fn width(&self) -> usize {
        self.cells.len()
    }

    /// The cell of a column, counted from 0; blank beyond the end.
    pub fn cell(&self, column: usize) -> Cell<'_> {
        let Some(&(end, kind)) = self.cells.get(column) else { return Cell::BLANK };
        let start = column.checked_sub(1).and_then(|before| self.cells.get(before)).map_or(0, |cell| cell.0);
        Cell { text: &self.text[start..end], kind }
    }

    /// The cells from left to right.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.width()).map(|column| self.cell(column))
    }

    /// Whether no cell holds anything.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// The place of a cell of this row; columns count from 0 here and from 1 in places.
    pub fn place(&self, column: usize) -> Place {
        let column = u32::try_from(column).unwrap_or(u32::MAX - 1) + 1;
        self.table.place(Spot::Cell { row: self.number, column })
    }

    /// The place of the whole row.
    pub fn whole(&self) -> Place {
        self.table.place(Spot::Row(self.number))
    }
}

/// A text without blanks around it; most have none, and show it by their first and last character.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] | [b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

/// Rows of a table copied out, in the layout that they stood in.
#[derive(Debug, Clone, Default)]
pub struct RawRows {
    /// The delimiter of a text file; `None` for a workbook.
    pub delimiter: Option<u8>,
    /// The header row, then the others; each cell with its kind.
    pub rows: Vec<Vec<(String, CellKind)>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_keep_their_columns() {
        let table = Arc::new(Table { file: "a.csv".into(), sheet: None });
        let mut row = RawRow::new(table);
        row.start(7);
        row.push(1, " b ", CellKind::Text);
        row.push(4, "5", CellKind::Number);
        let texts: Vec<_> = row.cells().map(|cell| cell.text.to_owned()).collect();
        assert_eq!(texts, ["", "b", "", "", "5"]);
        assert_eq!(row.cell(9), Cell::BLANK);
        assert_eq!(row.place(1).to_string(), "a.csv line 7, column 2");
    }
}
