//! A connection to the database of a store, set up so that what is committed stays.
//!
//! Every write is one immediate transaction: it waits for its turn before it reads, so that what it
//! read is still so when it writes. One call at a time uses a connection.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::StoreError;
use super::schema;

/// How long a call waits for other programs that write to the same store.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database that is open.
#[derive(Debug)]
pub(super) struct Database {
    /// Where it is, or what it is called where it is in memory.
    path: PathBuf,
    is_file: bool,
    connection: Mutex<Connection>,
}

impl Database {
    /// Opens a file that exists; an empty one becomes a store.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |error| StoreError::of(path, error);
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // Nothing is written to a file of somebody else.
        schema::look_at(&connection, path)?;
        keep_a_log(&connection).map_err(failed)?;
        set_up(&connection).map_err(failed)?;
        schema::bring_up_to_date(&mut connection, path)?;
        Ok(Self { path: path.to_owned(), is_file: true, connection: Mutex::new(connection) })
    }

    /// Opens a file that exists, to read from; it does not wait for others.
    pub(super) fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|error| StoreError::of(path, error))?;
        schema::look_at(&connection, path)?;
        Ok(Self { path: path.to_owned(), is_file: true, connection: Mutex::new(connection) })
    }

    /// A database in memory.
    pub(super) fn in_memory() -> Result<Self, StoreError> {
        let path = PathBuf::from("the store in memory");
        let failed = |error| StoreError::of(&path, error);
        let mut connection = Connection::open_in_memory().map_err(failed)?;
        set_up(&connection).map_err(failed)?;
        schema::bring_up_to_date(&mut connection, &path)?;
        Ok(Self { path, is_file: false, connection: Mutex::new(connection) })
    }

    /// Its path, or what it is called in an error.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its file, where it has one.
    pub(super) fn file(&self) -> Option<&Path> {
        self.is_file.then_some(self.path.as_path())
    }

    /// Reads; sees what was committed before.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|error| StoreError::of(&self.path, error))
    }

    /// Writes, all or nothing; on disk when this returns.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let result = work(&transaction)?;
                transaction.commit()?;
                Ok(result)
            })
            .map_err(|error| StoreError::of(&self.path, error))
    }
}

/// Turns to a write-ahead log. Who opens a new store together with others may be told that it is
/// busy without having waited.
fn keep_a_log(connection: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "full")?;
    // Where flushing a file stops at the disk's own memory, go on to the disk.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)
}
