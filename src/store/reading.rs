//! A store that is looked into and not changed: what completions read while somebody types.
//!
//! Nothing is made, closed to others or brought up to date by it. An older store may lack what is asked for,
//! which is an error like any other; whoever asks can do without.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::column::parsed;
use super::database::Database;
use super::{FILE, Store, StoreError};

impl Store {
    /// Opens the store in a folder to read from; `None` where there is none. What would write to it fails.
    pub fn open_to_read(folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        Ok(Some(Self { database: Arc::new(Database::open_to_read(&path)?) }))
    }

    /// What is kept under a word of every server and account, the newest first: the server, when it was
    /// kept, and the JSON text.
    pub fn kept_of_all(&self, what: &str) -> Result<Vec<(String, Timestamp, String)>, StoreError> {
        self.database.read(|connection| {
            let mut statement = connection
                .prepare("SELECT server, at, json FROM kept WHERE what = ?1 ORDER BY at DESC, rowid")?;
            let rows = statement
                .query_map([what], |row| Ok((row.get("server")?, parsed(row, "at")?, row.get("json")?)))?;
            rows.collect()
        })
    }

    /// Lets go of all but the newest of what is kept under a word.
    pub fn keep_newest(&self, what: &str, most: u32) -> Result<(), StoreError> {
        self.database.write(|transaction| {
            transaction.execute(
                "DELETE FROM kept WHERE what = ?1 AND rowid NOT IN
                     (SELECT rowid FROM kept WHERE what = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2)",
                (what, most),
            )
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::UserId;
    use crate::store::tests::{PLAN, new_run};

    use super::*;

    fn account() -> UserId {
        "c27e40b9d8514f6f93ab17e05d6c8f2a".parse().unwrap()
    }

    #[test]
    fn a_store_is_read_and_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        assert!(Store::open_to_read(root.path()).unwrap().is_none());
        assert!(root.path().read_dir().unwrap().next().is_none(), "nothing is made by looking");
        let folder = root.path().join("store");
        let store = Store::open(&folder).unwrap();
        store.begin(&new_run(1), &PLAN).unwrap();
        store.keep("https://a", account(), "names", "[1]").unwrap();
        // Once with another program in it, once alone.
        for writer in [Some(store), None] {
            let reading = Store::open_to_read(&folder).unwrap().unwrap();
            assert_eq!(reading.runs(5).unwrap().len(), 1);
            let kept = reading.kept_of_all("names").unwrap();
            assert_eq!((kept[0].0.as_str(), kept[0].2.as_str(), kept.len()), ("https://a", "[1]", 1));
            assert!(reading.keep("https://a", account(), "names", "[2]").is_err());
            drop(writer);
        }
    }

    #[test]
    fn a_file_that_is_no_store_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(FILE), "not a database, but long enough to be read as one").unwrap();
        assert!(Store::open_to_read(root.path()).is_err());
    }

    #[test]
    fn the_newest_are_kept() {
        let store = Store::in_memory().unwrap();
        for server in ["https://a", "https://b", "https://c"] {
            store.keep(server, account(), "names", "[]").unwrap();
            store.keep(server, account(), "doctor", "{}").unwrap();
        }
        store.keep_newest("names", 2).unwrap();
        let servers: Vec<String> =
            store.kept_of_all("names").unwrap().into_iter().map(|(server, _, _)| server).collect();
        assert_eq!(servers, ["https://c", "https://b"]);
        assert_eq!(store.kept_of_all("doctor").unwrap().len(), 3);
    }
}
