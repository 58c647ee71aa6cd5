//! Text files: comma, semicolon, tab or bar separated, UTF-8.
//!
//! The delimiter is the one that the header line has most of. A text that begins with `'` followed
//! by a character that spreadsheets evaluate lost nothing but our own guard when it is taken off.

use std::borrow::Cow;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};

use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Table, without_guard};

use super::Source;

/// A text file with its delimiter.
pub struct TextFile<'a> {
    table: Arc<Table>,
    text: Cow<'a, str>,
    delimiter: u8,
}

impl<'a> TextFile<'a> {
    pub fn open(name: &str, text: &'a str) -> Result<Self, Finding> {
        // Lines that end in CR alone would all count as the first one.
        let text: Cow<'a, str> =
            if text.contains('\n') { text.into() } else { text.replace('\r', "\n").into() };
        let delimiter = delimiter(&text);
        check_quotes(&text, delimiter)?;
        Ok(Self { table: Arc::new(Table { file: name.into(), sheet: None }), text, delimiter })
    }
}

/// Refuses quotation marks that do not close where a cell ends: the reader would take everything up
/// to the next one, rows and all, for a single cell.
fn check_quotes(text: &str, delimiter: u8) -> Result<(), Finding> {
    let damaged = |line: usize, found: &str| {
        let found = format!("line {line}: {found}");
        Err(Finding::new(Code::DamagedFile, found, "quotation marks in pairs around whole cells"))
    };
    let bytes = text.as_bytes();
    let (mut at, mut line, mut is_start) = (0, 1, true);
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' && is_start {
            let opened = line;
            loop {
                at += 1;
                match (bytes.get(at), bytes.get(at + 1)) {
                    (None, _) => return damaged(opened, "a quotation mark that is never closed"),
                    (Some(b'"'), Some(b'"')) => at += 1,
                    (Some(b'"'), None | Some(b'\r' | b'\n')) => break,
                    (Some(b'"'), Some(next)) if *next == delimiter => break,
                    (Some(b'"'), Some(_)) => {
                        return damaged(
                            opened,
                            "a cell whose closing quotation mark is followed by more text",
                        );
                    }
                    (Some(b'\n'), _) => line += 1,
                    (Some(_), _) => {}
                }
            }
        }
        line += usize::from(byte == b'\n');
        is_start = matches!(byte, b'\r' | b'\n') || byte == delimiter;
        at += 1;
    }
    Ok(())
}

/// The delimiter of the first line with content; a comma where there is none.
pub(super) fn delimiter(text: &str) -> u8 {
    let header = text.split(['\n', '\r']).find(|line| !line.trim().is_empty()).unwrap_or_default();
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
    fn stray_quotation_marks_swallow_no_row() {
        let verdict = |text: &str| TextFile::open("a.csv", text).map(|_| ()).map_err(|finding| finding.found);
        assert_eq!(verdict("a,b\n\"x \"\"y\"\"\",1\n\"z\nz\",2\n\"end\""), Ok(()));
        assert_eq!(verdict("a,b\n5\" disk,1\n"), Ok(()));
        let more = Err("line 2: a cell whose closing quotation mark is followed by more text".to_owned());
        assert_eq!(verdict("a,b\n\"old,1\nx,2\ny,3\n\"new,4\n"), more);
        assert!(verdict("a,b\n\"old,1\n").is_err());
        assert_eq!(rows("a;b\r1;2\r\r3;4"), ["1: a·b", "2: 1·2", "3: ", "4: 3·4"]);
    }

    #[test]
    fn delimiters_and_line_numbers_are_kept() {
        assert_eq!(rows("a;b,c;d\n\n\"x\ny\";2;3\n4"), ["1: a·b,c·d", "2: ", "3: x\ny·2·3", "5: 4"]);
        assert_eq!(rows("a\tb\r\n007\t'=1+1\r\n"), ["1: a·b", "2: 007·=1+1"]);
        assert_eq!(rows("a\tb\r\n\r\n\r\n1\t2\r\n"), ["1: a·b", "2: ", "3: ", "4: 1·2"]);
    }
}
