//! What can go wrong with a store; every error names the file or folder that it is about.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::domain::RunId;
use crate::domain::visible;

fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy()).to_string()
}

/// A store that does not do what it was asked for.
///
/// It can be cloned, since every request that waits for one write hears of its failure.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file cannot be made, read or written.
    #[error("cannot use {}", shown(path))]
    Unusable {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// Others can look into the folder, and it is not ours to close.
    #[error("{} is open to others, and it is not a folder of this program alone", shown(path))]
    NotPrivate {
        /// The folder.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("{} is not a store of this program", shown(path))]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of this program has written it.
    #[error("{} has format {format}, and this version knows formats up to {known}", shown(path))]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format that it has.
        format: u32,
        /// The newest format that this version knows.
        known: u32,
    },
    /// What is in the file is not what was written.
    #[error("{} is damaged", shown(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: Arc<rusqlite::Error>,
    },
    /// The file could not be read or written this time.
    #[error("cannot read or write {}", shown(path))]
    Failed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Arc<rusqlite::Error>,
    },
    /// There is no such run.
    #[error("{} has no run {run}", shown(path))]
    NoRun {
        /// The file.
        path: PathBuf,
        /// The run that was asked for.
        run: RunId,
    },
    /// The journal was told something that does not follow from what it holds.
    #[error("{}: attempt {attempt} of batch {batch} {what}", shown(path))]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// The batch.
        batch: u32,
        /// The attempt.
        attempt: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The journal writes no more.
    #[error("the journal in {} writes no more", shown(path))]
    Stopped {
        /// The file.
        path: PathBuf,
    },
}

impl StoreError {
    /// What an error of SQLite says about a file.
    pub(super) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let is_damage = match &error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => true,
            error => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
        };
        let (path, source) = (path.to_owned(), Arc::new(error));
        if is_damage { Self::Damaged { path, source } } else { Self::Failed { path, source } }
    }

    /// An error of the file system.
    pub(super) fn unusable(path: &Path, source: io::Error) -> Self {
        Self::Unusable { path: path.to_owned(), source: Arc::new(source) }
    }
}
