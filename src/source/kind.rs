//! What a content is, whatever its name says.

use crate::findings::{Code, Finding};

/// How a content is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A zip archive, which most spreadsheets are.
    Zip,
    /// A container of old Office files.
    Ole,
    /// A Parquet file.
    Parquet,
    /// Text, in some encoding.
    Text,
}

/// Contents that are told by how they begin, and are nothing to read.
const WRONG: [(&[u8], &str, &str); 8] = [
    (b"%PDF", "a PDF document", "ask for the table that it was made from"),
    (b"{\\rtf", "an RTF document", SAVE),
    (b"\x1f\x8b", "a gzip archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"\x89PNG", "a picture", "ask for the table that it shows"),
    (b"\xff\xd8\xff", "a picture", "ask for the table that it shows"),
    (b"SQLite format 3\0", "a database", "export the table as `CSV UTF-8`"),
];

const SAVE: &str = "open it in a spreadsheet program and save it as .xlsx";
const UNPACK: &str = "unpack it, and name the files in it";

/// Beginnings of workbooks of Excel 2 to 4, which no reader of today knows.
const ANCIENT: [&[u8]; 3] = [b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"];

impl Kind {
    /// Tells a content by how it begins; the finding says what else it is.
    pub fn of(bytes: &[u8]) -> Result<Self, Finding> {
        let wrong = |found: &str, hint: &str| {
            let expected = "a workbook, a .csv file or a .parquet file";
            Err(Finding::new(Code::WrongFileType, found, expected).hint(hint))
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            let found = if bytes.is_empty() { "0 bytes" } else { "nothing but blanks" };
            return Err(Finding::new(Code::EmptyFile, found, "rows of usage"));
        }
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            return Ok(Self::Zip);
        }
        if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            return Ok(Self::Ole);
        }
        if bytes.starts_with(b"PAR1") {
            return Ok(Self::Parquet);
        }
        if bytes.starts_with(b"PARE") {
            let found = "a Parquet file that is encrypted";
            return Err(Finding::new(Code::PasswordProtected, found, "a Parquet file without encryption"));
        }
        if let Some((_, found, hint)) = WRONG.iter().find(|(start, ..)| bytes.starts_with(start)) {
            return wrong(found, hint);
        }
        if ANCIENT.iter().any(|start| bytes.starts_with(start)) {
            return wrong("a workbook of Excel before 1994", SAVE);
        }
        let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let start = &start[..start.len().min(8192)];
        if start.trim_ascii_start().starts_with(b"<") {
            let has = |word: &[u8]| start.windows(word.len()).any(|window| window == word);
            let found = if has(b"urn:schemas-microsoft-com:office:spreadsheet") {
                "a spreadsheet in the XML of Excel 2003"
            } else if has(b"office:document") {
                "an OpenDocument spreadsheet in a single page of XML"
            } else {
                "a page of HTML or XML"
            };
            return wrong(found, SAVE);
        }
        Ok(Self::Text)
    }
}
