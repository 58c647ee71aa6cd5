//! Where in the user's files something stands.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::visible;

/// A file, a sheet and a spot in it; prints as people look it up:
/// `usage.xlsx Usage!C14 "Amount"`, or `usage.csv line 14, column 3 "amount"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// The sheet, in a workbook; `None` in a text file.
    pub sheet: Option<Arc<str>>,
    /// Where in the file or sheet.
    pub spot: Spot,
    /// The header of the column, where there is one.
    pub header: Option<Arc<str>>,
}

/// A spot in a file or sheet; rows, lines and columns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// The whole file or sheet.
    Whole,
    /// A whole row (of a sheet) or line (of a text file).
    Row(u32),
    /// One cell.
    Cell {
        /// Row or line.
        row: u32,
        /// Column.
        column: u32,
    },
}

impl Place {
    /// The column, counted from 1, where it is a single cell.
    pub fn column(&self) -> Option<u32> {
        match self.spot {
            Spot::Cell { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The row or line, counted from 1, where it is one or in one.
    pub fn row(&self) -> Option<u32> {
        match self.spot {
            Spot::Row(row) | Spot::Cell { row, .. } => Some(row),
            Spot::Whole => None,
        }
    }

    /// A file as a whole.
    pub fn file(file: &str) -> Self {
        Self { file: file.into(), sheet: None, spot: Spot::Whole, header: None }
    }
}

/// The letters of a column as spreadsheets write them: 1 is `A`, 27 is `AA`.
fn column_letters(column: u32) -> String {
    let mut rest = column;
    let mut letters = Vec::new();
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or_default();
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", visible(&self.file))?;
        match (&self.sheet, self.spot) {
            (None, Spot::Whole) => {}
            (None, Spot::Row(row)) => write!(formatter, " line {row}")?,
            (None, Spot::Cell { row, column }) => write!(formatter, " line {row}, column {column}")?,
            (Some(sheet), Spot::Whole) => write!(formatter, " {}", visible(sheet))?,
            (Some(sheet), Spot::Row(row)) => write!(formatter, " {}!{row}:{row}", visible(sheet))?,
            (Some(sheet), Spot::Cell { row, column }) => {
                write!(formatter, " {}!{}{row}", visible(sheet), column_letters(column))?;
            }
        }
        match &self.header {
            Some(header) => write!(formatter, " \"{}\"", visible(header)),
            None => Ok(()),
        }
    }
}

impl Serialize for Place {
    /// An object: the text that people read, and its parts for programs.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (row, column) = match self.spot {
            Spot::Whole => (None, None),
            Spot::Row(row) => (Some(row), None),
            Spot::Cell { row, column } => (Some(row), Some(column)),
        };
        let mut place = serializer.serialize_struct("Place", 6)?;
        place.serialize_field("text", &self.to_string())?;
        place.serialize_field("file", &self.file)?;
        place.serialize_field("sheet", &self.sheet)?;
        place.serialize_field("row", &row)?;
        place.serialize_field("column", &column)?;
        place.serialize_field("header", &self.header)?;
        place.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_print_as_people_look_them_up() {
        let mut place = Place::file("usage.xlsx");
        place.sheet = Some("Usage".into());
        place.spot = Spot::Cell { row: 14, column: 703 };
        place.header = Some("Amount".into());
        assert_eq!(place.to_string(), "usage.xlsx Usage!AAA14 \"Amount\"");
        place.sheet = None;
        assert_eq!(place.to_string(), "usage.xlsx line 14, column 703 \"Amount\"");
        assert_eq!(column_letters(26), "Z");
        assert_eq!(column_letters(27), "AA");
    }
}
