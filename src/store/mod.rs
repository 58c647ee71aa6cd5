//! What outlasts a run: an embedded SQLite database in a folder that only its owner can look into.
//!
//! It holds the runs with their plans, the journal of every request (what will be sent is on disk
//! before it is sent), the audit trail as a chain of hashes, the locks that keep two runs out of one
//! month, and what was found out about a server. It knows nothing of how a run goes on; `jobs` do.
//! Law: what a call of this room has said to be written is there after a kill and a power cut. What
//! stands in a run, a request or an audit entry is never changed afterwards, only added to; the end
//! of a run alone is written again when the run goes on.

mod audit;
mod column;
mod database;
mod document;
mod error;
mod folder;
mod holder;
mod journal;
mod kept;
mod lock;
mod pipeline;
mod proof;
mod reading;
mod run;
mod schema;
mod writer;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
#[cfg(unix)]
mod kill_tests;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use database::Database;

pub use audit::AuditEntry;
pub use error::StoreError;
pub use journal::{Answer, Answered, Journal, RequestRecord, Sending};
pub use lock::{Lock, LockError, LockScope};
pub use pipeline::{NewPipelineRun, StoredPipelineRun, StoredStep};
pub use proof::AuditFault;
pub use run::{End, Ended, FindError, NewRun, RunFigures, RunSummary, StoredRun};

/// The database file in the folder of a store; SQLite puts its log beside it.
const FILE: &str = "store.sqlite";

/// A store that is open; its clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    database: Arc<Database>,
}

impl Store {
    /// Opens the store in a folder, and makes both where there are none.
    ///
    /// The folder is for its owner alone (0700), and so is the file (0600): they say what is billed
    /// to whom. A folder of ours that others can look into is closed to them, unless it holds other
    /// things than a store: then it is refused, because somebody may count on it being open.
    ///
    /// Several programs may have one store open. Its times are those of this machine's clock.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        folder::make_private(folder, FILE)?;
        let path = folder.join(FILE);
        folder::make_file(&path)?;
        Ok(Self { database: Arc::new(Database::open(&path)?) })
    }

    /// A store that is gone with its last clone.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self { database: Arc::new(Database::in_memory()?) })
    }

    /// A connection that does not wait for the queries of this one; where there is only one, this
    /// one.
    fn another_connection(&self) -> Result<Arc<Database>, StoreError> {
        match self.database.file() {
            Some(path) => Ok(Arc::new(Database::open(path)?)),
            None => Ok(Arc::clone(&self.database)),
        }
    }
}
