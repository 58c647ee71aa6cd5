//! Files of usage, one module per format: cells leave as text with their address.
//!
//! A file is read once, chosen by its content, and handed row by row to a sink. Nothing is
//! interpreted here: a leading zero, a decimal comma and a line number all survive. What cannot be
//! read at all is an error (the path) or a finding (the content); a reader that panics on a hostile
//! file counts as a damaged file.

mod added_rows;
mod ahead;
mod archive;
mod arrow_schema;
mod biff;
mod biff_looks;
mod biff_sight;
mod calculation;
mod cell;
mod copy;
mod csv;
mod first_look;
mod kind;
mod marks;
mod number_format;
mod odd;
mod ods;
mod ods_cell;
mod ods_look;
mod ods_styles;
mod ole;
mod own_sheet;
mod parquet;
mod part_scan;
mod paths;
mod quotes;
mod relations;
mod sheet_look;
mod sheet_tables;
mod sheets;
mod text;
mod xls;
mod xlsb;
mod xlsb_looks;
mod xlsx;
mod xlsx_odd;

use std::io::Read;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::domain::{Place, sha256, visible};
use crate::findings::{Code, Finding};
use crate::parse::{RawRow, Recogniser, Sight, Table};

use archive::{Archive, ArchiveKind};
use kind::Kind;
use sheets::Workbook;

pub use ahead::each_row_ahead;
pub use copy::copy_rows;
pub use paths::{expand, is_pattern, may_read, pattern_in};
pub use sheets::A_TABLE_TOO;

/// The largest file that is read into memory.
const LARGEST_FILE: u64 = 1024 * 1024 * 1024;

/// The name under which standard input is spoken of.
const STDIN: &str = "stdin";

/// Takes rows, and says whether it wants more.
pub type Sink<'a> = dyn FnMut(&RawRow) -> ControlFlow<()> + 'a;

/// A format: hands out the rows of its tables.
pub trait Source: Send {
    /// Gives every row of the chosen table to the sink, blank ones between others included.
    fn each_row(&mut self, sink: &mut Sink<'_>) -> Result<(), Finding>;

    /// What the table shows of its rows, asked for when they were all given. Text shows what it holds.
    fn sight(&mut self) -> Sight {
        Sight::default()
    }

    /// The table that is read.
    fn table(&self) -> &Table;

    /// What is to be said of the file beside its rows: sheets that are not read, guesses, links.
    fn remarks(&self) -> &[Finding];

    /// The delimiter of a text file; `None` elsewhere.
    fn delimiter(&self) -> Option<u8>;

    /// Whether reading its rows again costs less than keeping them: those of a text do, which is in memory.
    fn is_read_again(&self) -> bool {
        false
    }
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
    /// The file is too large to be one of usage.
    #[error("{} is larger than 1 GiB", visible(&path.to_string_lossy()))]
    TooLarge {
        /// The path as the user gave it.
        path: PathBuf,
    },
    /// No file is there for a folder or a pattern.
    #[error("no spreadsheet in {}", visible(&path.to_string_lossy()))]
    NoSpreadsheet {
        /// The folder or pattern as the user gave it.
        path: PathBuf,
    },
}

/// A file in memory, before anything is made of it.
pub struct Input {
    name: String,
    bytes: Vec<u8>,
    layouts: Recogniser,
}

impl Input {
    /// Reads a file whole; `-` is standard input.
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let name = if path == Path::new("-") {
            std::io::stdin().lock().take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            STDIN.to_owned()
        } else {
            let file = std::fs::File::open(path).map_err(unreadable)?;
            let length = file.metadata().map_or(0, |about| about.len()).min(LARGEST_FILE);
            bytes.reserve(usize::try_from(length).unwrap_or_default().saturating_add(1));
            file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            path.to_string_lossy().into_owned()
        };
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST_FILE {
            return Err(SourceError::TooLarge { path: path.to_owned() });
        }
        Ok(Self { name, bytes, layouts: Recogniser::default() })
    }

    /// Says which layouts its tables may be of.
    pub fn of_layouts(mut self, layouts: &Recogniser) -> Self {
        self.layouts = layouts.clone();
        self
    }

    /// A content that is in memory already.
    pub fn of(name: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), bytes, layouts: Recogniser::default() }
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

    /// Opens the content by what it is; the finding says why it cannot be.
    pub fn open(&self, sheet: Option<&str>) -> Result<Box<dyn Source + '_>, Finding> {
        let opened = guarded(AssertUnwindSafe(|| self.open_as_it_is(sheet)));
        opened.map_err(
            |finding| {
                if finding.place.is_some() { finding } else { finding.at(Place::file(&self.name)) }
            },
        )
    }

    fn open_as_it_is(&self, sheet: Option<&str>) -> Result<Box<dyn Source + '_>, Finding> {
        let (name, bytes, layouts) = (self.name.as_str(), self.bytes.as_slice(), &self.layouts);
        Ok(match Kind::of(bytes)? {
            Kind::Text => Box::new(csv::TextFile::open(name, text::decode(bytes)?, layouts)?),
            Kind::Parquet => Box::new(parquet::ParquetFile::open(name, &self.bytes)?),
            Kind::Ole => Box::new(Workbook::open(name, xls::XlsSheets::open(bytes)?, sheet, layouts)?),
            Kind::Zip => {
                let archive = Archive::open(bytes)?;
                match archive.kind()? {
                    ArchiveKind::Xlsx => {
                        Box::new(Workbook::open(name, xlsx::XlsxSheets::open(&archive)?, sheet, layouts)?)
                    }
                    ArchiveKind::Xlsb => {
                        Box::new(Workbook::open(name, xlsb::XlsbSheets::open(&archive)?, sheet, layouts)?)
                    }
                    ArchiveKind::Ods => {
                        Box::new(Workbook::open(name, ods::OdsSheets::open(&archive)?, sheet, layouts)?)
                    }
                }
            }
        })
    }
}

/// Reads all rows, with the file's name on whatever goes wrong.
pub fn each_row(source: &mut dyn Source, sink: &mut dyn FnMut(&RawRow)) -> Result<(), Finding> {
    guarded_rows(source, &mut |row| {
        sink(row);
        ControlFlow::Continue(())
    })
}

/// Gives rows to a sink that may want no more, with the file's name on whatever goes wrong.
fn guarded_rows(source: &mut dyn Source, sink: &mut Sink<'_>) -> Result<(), Finding> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &[u8] = include_bytes!("../../samples/usage-2026-11-faults.xlsx");
    const TEXT: &str = include_str!("../../samples/usage-2026-11-faults.csv");

    /// The formats whose bytes no checksum guards.
    const UNGUARDED: [&[u8]; 2] = [
        include_bytes!("../../tests/files/formats/usage.xls"),
        include_bytes!("../../tests/files/formats/usage-none.parquet"),
    ];

    /// A short sweep, or a long one where `WALDUR_USAGE_SWEEP=full` asks for it.
    fn cases(short: u32, full: u32) -> ProptestConfig {
        let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
        let rng_seed = proptest::test_runner::RngSeed::Fixed(2026);
        ProptestConfig { cases: if is_full { full } else { short }, rng_seed, ..ProptestConfig::default() }
    }

    /// Reads all rows of a content; the number of rows, or the code of the refusal.
    fn read(bytes: Vec<u8>) -> Result<usize, Code> {
        let input = Input { name: "sample".into(), bytes, layouts: Recogniser::default() };
        let mut source = input.open(None).map_err(|finding| finding.code)?;
        let mut rows = 0;
        each_row(source.as_mut(), &mut |_| rows += 1).map_err(|finding| finding.code)?;
        Ok(rows)
    }

    /// Whether a content was read, or refused as what it is; a panic of the reader counts as damage.
    fn is_told(read: Result<usize, Code>) -> bool {
        let refusals = [
            Code::DamagedFile,
            Code::WrongFileType,
            Code::EmptyFile,
            Code::MissingSheet,
            Code::PasswordProtected,
        ];
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
        fn no_damage_to_unguarded_formats_gets_past_the_reader(
            file in 0..UNGUARDED.len(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        ) {
            let mut bytes = UNGUARDED[file].to_vec();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
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
