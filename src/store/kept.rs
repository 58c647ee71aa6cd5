//! What was found out about a server for an account, kept so that it is not asked again each time.
//!
//! Its owner knows what the texts mean and when they are too old.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::Store;
use super::StoreError;
use super::column::parsed;
use crate::domain::UserId;

impl Store {
    /// Keeps a JSON text under a word, in the place of the one before, with the time of now.
    pub fn keep(&self, server: &str, account: UserId, what: &str, json: &str) -> Result<(), StoreError> {
        let now = Timestamp::now().to_string();
        self.database.write(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO kept (server, account, what, at, json) VALUES (?1, ?2, ?3, ?4, ?5)",
                (server, account.to_string(), what, now, json),
            )
        })?;
        Ok(())
    }

    /// What is kept under a word, and since when.
    pub fn kept(
        &self,
        server: &str,
        account: UserId,
        what: &str,
    ) -> Result<Option<(Timestamp, String)>, StoreError> {
        self.database.read(|connection| {
            connection
                .query_row(
                    "SELECT at, json FROM kept WHERE server = ?1 AND account = ?2 AND what = ?3",
                    (server, account.to_string(), what),
                    |row| Ok((parsed(row, "at")?, row.get("json")?)),
                )
                .optional()
        })
    }
}
