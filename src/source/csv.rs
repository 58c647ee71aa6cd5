//! Text files: comma, semicolon, tab or bar separated, UTF-8.
//!
//! The delimiter is the one that the header line has most of. A text that begins with `'` followed
//! by a character that spreadsheets evaluate lost nothing but our own guard when it is taken off.

use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Table, without_guard};

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
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    return Err(Finding::new(Code::DamagedFile, error.to_string(), "rows of text"));
                }
            }
            // The reader passes empty lines over and places the record before them; they are blank
            // rows all the same, and the record stands after them.
            let (mut line, byte) = record.position().map_or((0, 0), |start| (start.line(), start.byte()));
            let byte = usize::try_from(byte).unwrap_or(usize::MAX);
            let (before, rest) = self.text.as_bytes().split_at_checked(byte).unwrap_or_default();
            let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).enumerate();
            for (index, _) in ends.filter(|(_, byte)| **byte == b'\n') {
                // Of the two characters that end a row on Windows, the reader leaves the second one.
                if index > 0 || !before.ends_with(b"\r") {
                    row.start(u32::try_from(line).unwrap_or(u32::MAX));
                    sink(&row);
                }
                line += 1;
            }
            row.start(u32::try_from(line).unwrap_or(u32::MAX));
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
        assert_eq!(rows("a\tb\r\n\r\n\r\n1\t2\r\n"), ["1: a·b", "2: ", "3: ", "4: 1·2"]);
    }
}
