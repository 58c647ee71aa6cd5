//! When a pipeline was last begun and how that ended, and the lock that lets it be begun once at a time.
//!
//! It is kept beside the store, one file a pipeline. An attempt that has begun and not ended, and whose
//! lock nobody holds, was cut short: it counts as none.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;

use super::Schedule;
use super::entry::unwritable;
use super::files::{read_small, write_whole};

/// The store closes its folder to others where all files in it begin like this.
const BEGINNING: &str = "store.sqlite.schedule-";
const LONGEST: u64 = 4096;

/// A pipeline was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub started: Timestamp,
    /// When it ended; none where it runs, or was cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Its exit code; none where a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
}

/// Where it is kept.
#[derive(Debug, Clone)]
pub struct Memory {
    folder: PathBuf,
}

/// The right to begin a pipeline; given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _file: File,
}

impl Memory {
    /// In the folder of a store; there may be none yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The last attempt. One that cannot be read is none, for nothing hangs on it but the next one.
    pub fn last(&self, schedule: &Schedule) -> Option<Attempt> {
        serde_json::from_slice(&read_small(&self.path(schedule, "json"), LONGEST).ok()?).ok()
    }

    /// Writes an attempt down.
    pub fn note(&self, schedule: &Schedule, attempt: &Attempt) -> Result<(), Error> {
        let path = self.path(schedule, "json");
        // Serializing our own values to memory cannot fail.
        let text = serde_json::to_string(attempt).unwrap_or_default();
        self.make_folder()
            .and_then(|()| write_whole(&path, text.as_bytes(), 0o600))
            .map_err(|error| unwritable(&path, &error))
    }

    /// The turn of a pipeline; none where somebody else has it.
    pub fn turn(&self, schedule: &Schedule) -> Result<Option<Turn>, Error> {
        let path = self.path(schedule, "lock");
        let failed = |error: io::Error| unwritable(&path, &error);
        self.make_folder().map_err(failed)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Turn { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// Forgets a pipeline.
    pub fn forget(&self, schedule: &Schedule) {
        // What stays behind does no harm: it is of a pipeline that nobody starts any more.
        let _ = std::fs::remove_file(self.path(schedule, "json"));
        let _ = std::fs::remove_file(self.path(schedule, "lock"));
    }

    fn path(&self, schedule: &Schedule, ending: &str) -> PathBuf {
        self.folder.join(format!("{BEGINNING}{}.{ending}", schedule.name()))
    }

    fn make_folder(&self) -> io::Result<()> {
        make_private(&self.folder)
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::entry::schedule;

    #[test]
    fn an_attempt_is_remembered_and_a_turn_is_had_once() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::new(folder.path().join("store"));
        let (one, two) = (schedule("/p/a.toml"), schedule("/p/b.toml"));
        assert_eq!(memory.last(&one), None);
        let started = "2026-11-27T02:30:00Z".parse().unwrap();
        let attempt = Attempt { started, ended: Some(started), code: Some(6) };
        memory.note(&one, &attempt).unwrap();
        assert_eq!((memory.last(&one), memory.last(&two)), (Some(attempt), None));
        let turn = memory.turn(&one).unwrap();
        assert!(
            turn.is_some() && memory.turn(&one).unwrap().is_none() && memory.turn(&two).unwrap().is_some()
        );
        drop(turn);
        assert!(memory.turn(&one).unwrap().is_some());
        std::fs::write(memory.path(&one, "json"), "{").unwrap();
        assert_eq!(memory.last(&one), None);
        memory.forget(&one);
        memory.forget(&one);
    }

    #[cfg(unix)]
    #[test]
    fn the_store_takes_the_folder_for_its_own() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let attempt = Attempt { started: Timestamp::UNIX_EPOCH, ended: None, code: None };
        Memory::new(store.clone()).note(&schedule("/p/a.toml"), &attempt).unwrap();
        assert_eq!(store.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let names: Vec<_> =
            std::fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(names.iter().all(|name| name.to_str().unwrap().starts_with("store.sqlite")), "{names:?}");
    }
}
