//! Months of tables to wherever a warehouse reads them from: one file for each kind of target.
//!
//! A target keeps its own manifest, so that what is written depends on what stands there and on nothing
//! else. A month is replaced whole: whoever reads, and wherever a run is killed, there is the old month
//! or the new one.

mod csv;
mod delta;
mod disk;
mod fitted;
mod folder;
mod ndjson;
mod parquet;
mod postgres;
mod saved;
mod sheets;
mod spill;
mod workbook;

pub use delta::DeltaSink;
pub(crate) use disk::blocking;
pub use folder::{FolderFormat, FolderSink};
#[doc(hidden)]
pub use postgres::measure as measure_postgres;
pub use postgres::{Host, Password, PostgresSink, PostgresTarget, SchemaName, TargetError, Tls, TlsMode};
pub use saved::{SavedFile, SavedTable};
pub use workbook::WorkbookSink;

use std::path::PathBuf;

use arrow_array::RecordBatch;
use futures_util::future::BoxFuture;
use jiff::civil::{Date, date};

use crate::domain::{BillingPeriod, visible};
use crate::warehouse::{Entry, Manifest, ManifestError, PublishedFile, Schema, Slice};

/// The lock of a folder, whatever kind of export it holds.
const LOCK: &str = ".waldur-usage.lock";

/// Why a target cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}", visible(&path.to_string_lossy()))]
    File {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Rows that were saved before cannot be used.
    #[error("the rows of {} cannot be used: {reason}", visible(&path.to_string_lossy()))]
    Saved {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The manifest of the target cannot be used.
    #[error("the manifest of {target} cannot be used")]
    Manifest {
        /// The target, without any secret.
        target: String,
        /// Why.
        source: ManifestError,
    },
    /// Another run writes there.
    #[error("another run writes to {target}")]
    Busy {
        /// The target, without any secret.
        target: String,
    },
    /// The target cannot take it, and says why.
    #[error("{target} refused: {reason}")]
    Target {
        /// The target, without any secret.
        target: String,
        /// Its own words.
        reason: String,
    },
}

/// A month of a table that takes the place of what stands at the target.
#[derive(Debug)]
pub struct Replacement {
    /// The rows.
    pub slice: Slice,
    /// What the manifest is to say of it; the file is filled in by the target.
    pub entry: Entry,
}

/// A target.
pub trait ExportSink: Send {
    /// What it is, as messages name it; no secret in it.
    fn name(&self) -> String;

    /// Whether text that a spreadsheet would take for a formula is guarded there.
    fn is_guarded(&self) -> bool {
        false
    }

    /// Whether it is one file of all months, written anew where any of them changed. Such a target is given
    /// every month by [`ExportSink::keep`], and is published once, after the last one.
    fn is_whole(&self) -> bool {
        false
    }

    /// Takes a month, changed or not, for the one file of all months.
    fn keep<'a>(&'a mut self, _slice: &'a Slice) -> BoxFuture<'a, Result<(), ExportError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// What was published; `None` where nothing ever was.
    fn manifest(&mut self) -> BoxFuture<'_, Result<Option<Manifest>, ExportError>>;

    /// Whether what stands at the target is what the entry says: the file by its hash, the rows of a
    /// table of a database by their number.
    fn stands<'a>(&'a mut self, entry: &'a Entry) -> BoxFuture<'a, Result<bool, ExportError>>;

    /// The rows of a published month, to tell what changes; `None` where they cannot be read back.
    fn rows<'a>(
        &'a mut self,
        schema: &'a Schema,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<RecordBatch>, ExportError>>;

    /// Replaces months of tables, each whole or not at all, and publishes the manifest that says so:
    /// `manifest` without their entries, which are put in with their files as soon as they are known.
    /// Returns the manifest that stands at the target then.
    fn publish(
        &mut self,
        replacements: Vec<Replacement>,
        manifest: Manifest,
    ) -> BoxFuture<'_, Result<Manifest, ExportError>>;
}

/// A file that is none of ours is never replaced.
fn not_ours(path: &std::path::Path) -> ExportError {
    let reason = "a file stands there, and no manifest says that it is ours";
    let source = std::io::Error::new(std::io::ErrorKind::AlreadyExists, reason);
    ExportError::File { action: "write", path: path.to_owned(), source }
}

/// A folder of another kind of files is not written into.
fn another_kind(folder: &std::path::Path, found: &str) -> ExportError {
    let found = crate::domain::visible(found);
    let reason = format!("it holds {found}, which is of another kind of target; name another folder");
    let source = std::io::Error::new(std::io::ErrorKind::AlreadyExists, reason);
    ExportError::File { action: "write", path: folder.to_owned(), source }
}

/// The first day of a month, in days since 1970.
fn first_day(period: BillingPeriod) -> i32 {
    let epoch = date(1970, 1, 1);
    let first = Date::new(period.year(), period.month(), 1).unwrap_or(epoch);
    first.since(epoch).map_or(0, |span| span.get_days())
}

/// Puts what was written into a manifest.
pub(crate) fn entered(manifest: &mut Manifest, entry: Entry, file: Option<PublishedFile>) {
    manifest.put(Entry { file, ..entry });
}

#[cfg(test)]
mod kill_point;
