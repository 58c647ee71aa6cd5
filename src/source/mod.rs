//! Files of usage, one module per format: cells leave as text with their address.
//!
//! A file is read once, chosen by its content, and handed row by row to a sink. Nothing is
//! interpreted here: a leading zero, a decimal comma and a line number all survive. What cannot be
//! read at all is an error (the path) or a finding (the content); a reader that panics on a hostile
//! file counts as a damaged file.

mod calculation;
mod copy;
mod csv;
mod first_look;
mod xlsx;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::domain::{Place, sha256, visible};
use crate::findings::{Code, Finding};
use crate::parse::{RawRow, Table};

pub use copy::copy_rows;

/// A format: hands out the rows of its tables.
pub trait Source {
    /// Gives every row of the chosen table to the sink, blank ones between others included.
    fn each_row(&mut self, sink: &mut dyn FnMut(&RawRow)) -> Result<(), Finding>;

    /// The table that is read.
    fn table(&self) -> &Table;

    /// The names of sheets that are not read, in the order of the workbook.
    fn other_sheets(&self) -> &[String];
}

/// What stops a run: the path, not the content.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("cannot read {}", visible(&path.to_string_lossy()))]
    Unreadable {
        /// The path as the user gave it.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A file in memory, before anything is made of it.
pub struct Input {
    name: String,
    bytes: Vec<u8>,
}

impl Input {
    /// Reads a file whole.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let bytes = std::fs::read(path)
            .map_err(|source| SourceError::Unreadable { path: path.to_owned(), source })?;
        Ok(Self { name: path.to_string_lossy().into_owned(), bytes })
    }

    /// The path as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the content, in hexadecimal.
    pub fn digest(&self) -> String {
        sha256(&self.bytes)
    }

    /// The delimiter of a text file; `None` for a workbook.
    pub fn delimiter(&self) -> Option<u8> {
        match Kind::of(&self.bytes) {
            Kind::Text(text) => Some(csv::delimiter(text)),
            Kind::Empty | Kind::Zip | Kind::Wrong(..) => None,
        }
    }

    /// Opens the content by what it is; the finding says why it cannot be.
    pub fn open(&self, sheet: Option<&str>) -> Result<Box<dyn Source + '_>, Finding> {
        let refuse = |finding: Finding| finding.at(Place::file(&self.name));
        match Kind::of(&self.bytes) {
            Kind::Empty => Err(refuse(Finding::new(Code::EmptyFile, "0 bytes", "rows of usage"))),
            Kind::Zip => {
                let opened = guarded(|| xlsx::Workbook::open(&self.name, &self.bytes, sheet));
                opened.map(|workbook| Box::new(workbook) as Box<dyn Source>).map_err(refuse)
            }
            Kind::Text(text) => {
                let text = csv::TextFile::open(&self.name, text).map_err(refuse)?;
                Ok(Box::new(text) as Box<dyn Source>)
            }
            Kind::Wrong(found, hint) => Err(refuse(
                Finding::new(Code::WrongFileType, found, "an .xlsx workbook or a .csv file").hint(hint),
            )),
        }
    }
}

/// Reads all rows, with the file's name on whatever goes wrong.
pub fn each_row(source: &mut dyn Source, sink: &mut dyn FnMut(&RawRow)) -> Result<(), Finding> {
    let place = source.table().place(crate::domain::Spot::Whole);
    guarded(AssertUnwindSafe(|| source.each_row(sink)))
        .map_err(|finding| if finding.place.is_some() { finding } else { finding.at(place) })
}

/// Runs a reader; what it panics on is a damaged file.
fn guarded<T>(read: impl FnOnce() -> Result<T, Finding>) -> Result<T, Finding> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(Finding::new(Code::DamagedFile, "a content that cannot be followed", "a sound file")
            .hint("open it in a spreadsheet program and save it again"))
    })
}

/// What a content is, whatever its name says.
enum Kind<'a> {
    Empty,
    Zip,
    Text(&'a str),
    Wrong(&'static str, &'static str),
}

impl<'a> Kind<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let save = "open it in a spreadsheet program and save it as .xlsx";
        let start = &bytes[..bytes.len().min(8192)];
        if bytes.iter().all(u8::is_ascii_whitespace) {
            Self::Empty
        } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            Self::Zip
        } else if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            Self::Wrong("an old .xls or a password-protected workbook", save)
        } else if bytes.starts_with(b"%PDF") {
            Self::Wrong("a PDF document", "ask for the table that it was made from")
        } else if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            Self::Wrong("text in UTF-16", "save it as `CSV UTF-8`")
        } else if start.contains(&0) {
            Self::Wrong("a binary file", save)
        } else if start.trim_ascii_start().starts_with(b"<") {
            Self::Wrong("a page of HTML or XML", save)
        } else {
            match std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
                Ok(text) => Self::Text(text),
                Err(_) => Self::Wrong("text that is not UTF-8", "save it as `CSV UTF-8`"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &[u8] = include_bytes!("../../samples/usage-2026-11-faults.xlsx");
    const TEXT: &str = include_str!("../../samples/usage-2026-11-faults.csv");

    /// A short sweep, or a long one where `WALDUR_USAGE_SWEEP=full` asks for it.
    fn cases(short: u32, full: u32) -> ProptestConfig {
        let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
        let rng_seed = proptest::test_runner::RngSeed::Fixed(2026);
        ProptestConfig { cases: if is_full { full } else { short }, rng_seed, ..ProptestConfig::default() }
    }

    /// Reads all rows of a content; the number of rows, or the code of the refusal.
    fn read(bytes: Vec<u8>) -> Result<usize, Code> {
        let input = Input { name: "sample".into(), bytes };
        let mut source = input.open(None).map_err(|finding| finding.code)?;
        let mut rows = 0;
        each_row(source.as_mut(), &mut |_| rows += 1).map_err(|finding| finding.code)?;
        Ok(rows)
    }

    /// Whether a content was read, or refused as what it is; a panic of the reader counts as damage.
    fn is_told(read: Result<usize, Code>) -> bool {
        let refusals = [Code::DamagedFile, Code::WrongFileType, Code::EmptyFile, Code::MissingSheet];
        read.map_or_else(|code| refusals.contains(&code), |rows| rows <= 1_048_576)
    }

    #[test]
    fn the_samples_are_read_whole() {
        assert_eq!(read(SAMPLE.to_vec()), Ok(50));
        assert_eq!(read(TEXT.as_bytes().to_vec()), Ok(50));
        assert_eq!(read(SAMPLE[..SAMPLE.len() / 2].to_vec()), Err(Code::DamagedFile));
    }

    proptest! {
        #![proptest_config(cases(200, 20_000))]

        #[test]
        fn no_damage_to_a_workbook_gets_past_the_reader(
            damage in prop::collection::vec((0..SAMPLE.len(), any::<u8>()), 1..12),
        ) {
            let mut bytes = SAMPLE.to_vec();
            for (at, byte) in damage {
                bytes[at] = byte;
            }
            prop_assert!(is_told(read(bytes)));
        }

        #[test]
        fn no_damage_to_a_text_file_gets_past_the_reader(
            damage in prop::collection::vec((0..TEXT.len(), any::<u8>()), 1..12),
        ) {
            let mut bytes = TEXT.as_bytes().to_vec();
            for (at, byte) in damage {
                bytes[at] = byte;
            }
            prop_assert!(is_told(read(bytes)));
        }

        #[test]
        fn no_bytes_get_past_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(is_told(read(bytes)));
        }
    }
}
