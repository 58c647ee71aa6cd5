//! Text files: comma, semicolon, tab or bar separated, UTF-8.
//!
//! The delimiter is the one that the header line has most of. A text that begins with `'` followed
//! by a character that spreadsheets evaluate lost nothing but our own guard when it is taken off.

use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Table};

use super::Source;

/// A text file with its delimiter.
pub struct TextFile<'a> {
    table: Arc<Table>,
    text: &'a str,
    delimiter: u8,
}

impl<'a> TextFile<'a> {
    pub fn open(name: &str, text: &'a str) -> Result<Self, Finding> {
        if text.bytes().filter(|&byte| byte == b'"').count() % 2 == 1 {
            let finding = Finding::new(
                Code::DamagedFile,
                "a quotation mark that is never closed",
                "pairs of quotation marks",
            );
            return Err(finding);
        }
        let table = Arc::new(Table { file: name.into(), sheet: None });
        Ok(Self { table, text, delimiter: delimiter(text) })
    }
}

/// The delimiter of the first line with content; a comma where there is none.
pub(super) fn delimiter(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: u8| header.bytes().filter(|&byte| byte == delimiter).count();
    // The last of equals wins, so the comma stands last.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

impl Source for TextFile<'_> {
    fn each_row(&mut self, sink: &mut dyn FnMut(&RawRow)) -> Result<(), Finding> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(self.text.as_bytes());
        let mut row = RawRow::new(self.table.clone());
        let mut record = StringRecord::new();
        let mut next = 1;
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    return Err(Finding::new(Code::DamagedFile, error.to_string(), "rows of text"));
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            // The reader passes empty lines over without a word; they are blank rows all the same.
            for blank in next..line {
                row.start(blank);
                sink(&row);
            }
            next = u32::try_from(reader.position().line()).unwrap_or(u32::MAX);
            row.start(line);
            for (column, text) in record.iter().enumerate() {
                let kind = if text.is_empty() { CellKind::Blank } else { CellKind::Text };
                row.push(column, without_guard(text), kind);
            }
            sink(&row);
        }
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn other_sheets(&self) -> &[String] {
        &[]
    }
}

/// Takes off the `'` that our own writers put before text that a spreadsheet would evaluate.
fn without_guard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => text,
    }
}

/// Puts a `'` before text that a spreadsheet would evaluate; numbers are left alone.
pub(super) fn with_guard(text: &str) -> std::borrow::Cow<'_, str> {
    let is_number = crate::domain::Amount::parse(text).is_ok();
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let mut file = TextFile::open("a.csv", text).unwrap();
        let mut sink = |row: &RawRow| {
            let cells: Vec<_> = row.cells().map(|cell| cell.text.to_owned()).collect();
            rows.push(format!("{}: {}", row.number(), cells.join("·")));
        };
        file.each_row(&mut sink).unwrap();
        rows
    }

    #[test]
    fn delimiters_and_line_numbers_are_kept() {
        assert_eq!(rows("a;b,c;d\n\n\"x\ny\";2;3\n4"), ["1: a·b,c·d", "2: ", "3: x\ny·2·3", "5: 4"]);
        assert_eq!(rows("a\tb\r\n007\t'=1+1\r\n"), ["1: a·b", "2: 007·=1+1"]);
    }

    #[test]
    fn the_guard_comes_off_exactly_once() {
        for text in ["=SUM(A1)", "@x", "+49", "-5", "'quoted", "''", "-x"] {
            assert_eq!(without_guard(&with_guard(text)), text);
        }
        assert_eq!(with_guard("-5.20"), "-5.20");
    }
}
