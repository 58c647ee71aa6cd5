//! Text files: comma, semicolon, tab or bar separated.
//!
//! The delimiter is what a line `sep=` says, else the one under which a line names known columns, else the
//! one that the first line has most of. A text that begins with `'` followed by a character that
//! spreadsheets evaluate lost nothing but our own guard when it is taken off.

use std::borrow::Cow;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord};
use memchr::{memchr, memchr_iter};

use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Recogniser, Table, without_guard};

use super::quotes::Quotes;
use super::text::Decoded;
use super::{Sink, Source};

/// What may separate the cells of a line; where all else is equal, the last one does.
const DELIMITERS: [u8; 4] = [b'|', b'\t', b';', b','];

/// Lines among which the header is looked for.
const PROBED_LINES: usize = 60;

/// A text file with its delimiter.
pub struct TextFile<'a> {
    table: Arc<Table>,
    text: Cow<'a, str>,
    /// Where the rows begin: behind a line `sep=`.
    start: usize,
    /// Lines before that.
    lines_before: u64,
    delimiter: u8,
    /// Whether cells may stand in quotation marks.
    has_quotes: bool,
    remarks: Vec<Finding>,
}

impl<'a> TextFile<'a> {
    pub fn open(name: &str, decoded: Decoded<'a>, layouts: &Recogniser) -> Result<Self, Finding> {
        let text = with_line_feeds(decoded.text);
        let table = Arc::new(Table { file: name.into(), sheet: None });
        let (start, declared) = match declaration(&text) {
            Some((start, declared)) => (start, Some(declared?)),
            None => (0, None),
        };
        let rows = text.get(start..).unwrap_or_default();
        let delimiter = declared.unwrap_or_else(|| delimiter(rows, &table, layouts));
        let lines_before = u64::from(start > 0);
        let quotes = Quotes {
            delimiter,
            lines_before: usize::from(start > 0),
            columns: columns(rows, delimiter, &table, layouts),
        };
        let has_quotes = memchr(b'"', rows.as_bytes()).is_some();
        if has_quotes {
            quotes.check(rows)?;
        }
        let remarks = decoded.remark.into_iter().collect();
        Ok(Self { table, text, start, lines_before, delimiter, has_quotes, remarks })
    }
}

/// Ends every line with LF or CRLF; lines that end in CR alone would count as part of the one before.
fn with_line_feeds(text: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut returns = memchr_iter(b'\r', bytes);
    if returns.all(|at| bytes.get(at + 1) == Some(&b'\n')) {
        return text;
    }
    let mut written = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('\r') {
        let (before, behind) = rest.split_at(at);
        written.push_str(before);
        let is_pair = behind.as_bytes().get(1) == Some(&b'\n');
        written.push_str(if is_pair { "\r\n" } else { "\n" });
        rest = behind.get(if is_pair { 2 } else { 1 }..).unwrap_or_default();
    }
    written.push_str(rest);
    written.into()
}

/// The delimiter that a first line `sep=;` declares, and where the next line begins.
fn declaration(text: &str) -> Option<(usize, Result<u8, Finding>)> {
    let end = text.find('\n').map_or(text.len(), |at| at + 1);
    let line = text[..end].trim_end_matches(['\n', '\r']);
    let line = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line);
    let (word, declared) = line.split_at_checked(4)?;
    if !word.eq_ignore_ascii_case("sep=") {
        return None;
    }
    let declared = match declared.as_bytes() {
        [only] if DELIMITERS.contains(only) => Ok(*only),
        // Excel itself pads such a line with the delimiters of its row.
        [first, rest @ ..] if DELIMITERS.contains(first) && rest.iter().all(|byte| byte == first) => {
            Ok(*first)
        }
        _ => {
            let found = format!("line 1: {}", crate::domain::visible(line));
            let expected = "a comma, a semicolon, a tab or a bar behind sep=";
            Err(Finding::new(Code::DamagedFile, found, expected).hint("take this line out, or mend it"))
        }
    };
    Some((end, declared))
}

/// The delimiter under which one of the first lines names most known columns; where none does, the one
/// that the first line with content has most of.
fn delimiter(text: &str, table: &Arc<Table>, layouts: &Recogniser) -> u8 {
    let lines = || text.lines().filter(|line| !line.trim().is_empty()).take(PROBED_LINES);
    let names_columns = |delimiter: u8| {
        let likeness = lines().map(|line| layouts.likeness_to_header(&row_of(line, delimiter, table)));
        likeness.max().unwrap_or_default()
    };
    let first = lines().next().unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|&byte| byte == delimiter).count();
    DELIMITERS
        .into_iter()
        .max_by_key(|&delimiter| (names_columns(delimiter), count(delimiter)))
        .unwrap_or(b',')
}

/// A line on its own as a row.
fn row_of(line: &str, delimiter: u8, table: &Arc<Table>) -> RawRow {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(line.as_bytes());
    let mut row = RawRow::new(table.clone());
    row.start(1);
    let mut record = StringRecord::new();
    if reader.read_record(&mut record).unwrap_or(false) {
        record.iter().enumerate().for_each(|(column, text)| row.push(column, text, CellKind::Text));
    }
    row
}

/// How many columns the header has, or the first line where none looks like one.
fn columns(text: &str, delimiter: u8, table: &Arc<Table>, layouts: &Recogniser) -> usize {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).take(PROBED_LINES);
    let mut rows = lines.map(|line| row_of(line, delimiter, table)).peekable();
    let first = rows.peek().map_or(0, RawRow::width);
    rows.find(|row| layouts.likeness_to_header(row) > 0).map_or(first, |header| header.width())
}

/// Adds a cell to a row as it is meant.
fn push(row: &mut RawRow, column: usize, text: &str) {
    let kind = if text.is_empty() { CellKind::Blank } else { CellKind::Text };
    row.push(column, without_guard(text), kind);
}

impl TextFile<'_> {
    /// Gives the rows of a text without quotation marks, in which every line is a row. Blank lines behind the
    /// last row are none.
    fn each_line(&self, text: &str, sink: &mut Sink<'_>) {
        let mut row = RawRow::new(self.table.clone());
        row.separate_by(self.delimiter);
        let (mut rest, mut number) = (text, self.lines_before);
        let mut blank_from = None;
        while !rest.is_empty() {
            let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let (line, behind) = rest.split_at(end);
            (rest, number) = (behind.get(1..).unwrap_or_default(), number + 1);
            let mut line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                blank_from.get_or_insert(number);
                continue;
            }
            for blank in blank_from.take().unwrap_or(number)..number {
                row.start(short(blank));
                if sink(&row).is_break() {
                    return;
                }
            }
            row.start(short(number));
            let mut column = 0;
            while let Some(end) = memchr(self.delimiter, line.as_bytes()) {
                let (cell, behind) = line.split_at(end);
                push(&mut row, column, cell);
                (line, column) = (behind.get(1..).unwrap_or_default(), column + 1);
            }
            push(&mut row, column, line);
            if sink(&row).is_break() {
                return;
            }
        }
    }
}

/// The number of a line as rows have it.
fn short(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

impl Source for TextFile<'_> {
    fn each_row(&mut self, sink: &mut Sink<'_>) -> Result<(), Finding> {
        let text = self.text.get(self.start..).unwrap_or_default();
        if !self.has_quotes {
            self.each_line(text, sink);
            return Ok(());
        }
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .from_reader(text.as_bytes());
        let number = |line: u64| short(line + self.lines_before);
        let mut row = RawRow::new(self.table.clone());
        row.separate_by(self.delimiter);
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
            let (before, rest) = text.as_bytes().split_at_checked(byte).unwrap_or_default();
            let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).enumerate();
            for (index, _) in ends.filter(|(_, byte)| **byte == b'\n') {
                // Of the two characters that end a row on Windows, the reader leaves the second one.
                if index > 0 || !before.ends_with(b"\r") {
                    row.start(number(line));
                    if sink(&row).is_break() {
                        return Ok(());
                    }
                }
                line += 1;
            }
            row.start(number(line));
            for (column, text) in record.iter().enumerate() {
                push(&mut row, column, text);
            }
            if sink(&row).is_break() {
                return Ok(());
            }
        }
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn remarks(&self) -> &[Finding] {
        &self.remarks
    }

    fn delimiter(&self) -> Option<u8> {
        Some(self.delimiter)
    }

    fn is_read_again(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::*;

    fn open(text: &str) -> Result<TextFile<'_>, Finding> {
        TextFile::open("a.csv", Decoded { text: text.into(), remark: None }, &Recogniser::default())
    }

    fn rows(text: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let mut file = open(text).unwrap();
        let mut sink = |row: &RawRow| {
            let cells: Vec<_> = row.cells().map(|cell| cell.text.to_owned()).collect();
            rows.push(format!("{}: {}", row.number(), cells.join("·")));
            ControlFlow::Continue(())
        };
        file.each_row(&mut sink).unwrap();
        rows
    }

    #[test]
    fn stray_quotation_marks_swallow_no_row() {
        let verdict = |text: &str| open(text).map(|_| ()).map_err(|finding| finding.found);
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

    #[test]
    fn a_delimiter_is_declared_or_named_by_the_header() {
        assert_eq!(rows("sep=;\na;b,c\n"), ["2: a·b,c"]);
        assert_eq!(rows("\"SEP=|\"\r\na|b;c\r\n\r\n1|2"), ["2: a·b;c", "3: ", "4: 1·2"]);
        assert_eq!(rows("sep=,,,\na,b"), ["2: a·b"]);
        let refused = open("sep=^\na^b").map(|_| ()).unwrap_err();
        assert!(refused.found.contains("line 1: sep=^"));
        let unclosed = open("sep=;\na;b\n\"c;d\n").map(|_| ()).unwrap_err();
        assert!(unclosed.found.starts_with("line 3: "), "{}", unclosed.found);
        // A title with commas above the header does not decide.
        let titled = "Usage, by resource, month, kind\n\nresource_name;amount\na;1,5";
        assert_eq!(rows(titled)[2..], ["3: resource_name·amount", "4: a·1,5"]);
    }

    proptest! {
        #[test]
        fn a_text_without_quotation_marks_is_read_as_one_with_them(text in "[a1,;' \r\n]{0,60}") {
            let all = |text: &str| {
                let mut rows = Vec::new();
                let decoded = Decoded { text: text.into(), remark: None };
                let mut file = TextFile { delimiter: b',', ..TextFile::open("a.csv", decoded, &Recogniser::default()).unwrap() };
                let mut sink = |row: &RawRow| {
                    let cells = row.cells().map(|cell| (cell.text.to_owned(), cell.kind));
                    rows.push((row.number(), cells.collect::<Vec<_>>()));
                    ControlFlow::Continue(())
                };
                file.each_row(&mut sink).unwrap();
                rows
            };
            let text = format!("a,b\n{text}");
            // Marks around a last row, which is then taken off again.
            let marked = format!("{}\n\"end\"", text.trim_end_matches(['\r', '\n']));
            let mut with_marks = all(&marked);
            with_marks.pop();
            prop_assert_eq!(all(&text), with_marks);
        }
    }

    #[test]
    fn lines_may_end_in_any_way() {
        assert_eq!(rows("a,b\r1,2\n3,4\r\n5,6\r7,8"), ["1: a·b", "2: 1·2", "3: 3·4", "4: 5·6", "5: 7·8"]);
        assert_eq!(rows("a,b\r\r\n1,2"), ["1: a·b", "2: ", "3: 1·2"]);
    }
}
