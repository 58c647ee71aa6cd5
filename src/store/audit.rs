//! The audit trail: who changed which figure when, and what the server said.
//!
//! One chain per store, added to and never changed. The hash of an entry is the SHA-256, in 64
//! hexadecimal digits, of the text of the hash before it (no text before the first) followed by the
//! entry as canonical JSON. So who knows the hash of one entry can tell whether any before it was
//! touched; `proof` does.

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::Statement;
use serde::{Deserialize, Serialize};

use super::Store;
use super::StoreError;
use super::column::not_ours;
use crate::domain::Amount;
use crate::domain::BillingPeriod;
use crate::domain::ComponentType;
use crate::domain::ResourceId;
use crate::domain::RunId;
use crate::domain::UserId;
use crate::domain::canonical_json;
use crate::domain::sha256;

/// How many entries are read at a time.
const PAGE: u32 = 1_000;

/// One figure that was posted, or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When the answer came.
    pub at: Timestamp,
    /// The run.
    pub run: RunId,
    /// The account that posted it.
    pub account: UserId,
    /// The server.
    pub server: String,
    /// The resource.
    pub resource: ResourceId,
    /// What the resource was called.
    pub resource_name: String,
    /// The component.
    pub component: ComponentType,
    /// The month.
    pub period: BillingPeriod,
    /// The user of the resource, where the figure is one user's.
    pub username: Option<String>,
    /// The cell that the figure came from.
    pub cell: Option<String>,
    /// What was stored before; none where nothing was.
    pub old: Option<Amount>,
    /// What was posted.
    pub new: Option<Amount>,
    /// What the server said.
    pub answer: String,
}

/// The end of the chain, where entries are added.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    number: i64,
    hash: String,
    insert: Statement<'a>,
}

/// An entry as it is kept.
#[derive(Debug)]
pub(super) struct Link {
    pub number: i64,
    pub entry: String,
    pub hash: String,
}

/// The hash of an entry that follows another.
pub(super) fn link_hash(before: &str, entry: &str) -> String {
    sha256([before, entry].concat().as_bytes())
}

impl<'a> Chain<'a> {
    /// The end as it is; nobody else may add to it until the transaction is over.
    pub(super) fn at_its_end(connection: &'a Connection) -> rusqlite::Result<Self> {
        let (number, hash) = last(connection)?.unwrap_or_default();
        let insert = connection.prepare("INSERT INTO audit (number, entry, hash) VALUES (?1, ?2, ?3)")?;
        Ok(Self { number, hash, insert })
    }

    /// Adds an entry.
    pub(super) fn append(&mut self, entry: &AuditEntry) -> rusqlite::Result<()> {
        let entry = canonical_json(entry)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        self.number += 1;
        self.hash = link_hash(&self.hash, &entry);
        self.insert.execute((self.number, &entry, &self.hash))?;
        Ok(())
    }
}

fn last(connection: &Connection) -> rusqlite::Result<Option<(i64, String)>> {
    connection
        .query_row("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1", (), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

impl Store {
    /// Adds entries to the chain, all or none.
    #[cfg(test)]
    pub fn audit_append(&self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.database.write(|transaction| {
            let mut chain = Chain::at_its_end(transaction)?;
            entries.iter().try_for_each(|entry| chain.append(entry))
        })
    }

    /// How many entries there are and the hash of the last one; none where there is no entry.
    pub fn audit_head(&self) -> Result<Option<(u64, String)>, StoreError> {
        let head = self.database.read(last)?;
        Ok(head.map(|(number, hash)| (number.unsigned_abs(), hash)))
    }

    /// Shows the entries of a run, or all, in their order, each with its number and its hash. The
    /// visitor may use the store.
    pub fn audit(
        &self,
        run: Option<RunId>,
        visit: &mut dyn FnMut(u64, &AuditEntry, &str),
    ) -> Result<(), StoreError> {
        let run = run.map(|run| run.to_string());
        let mut after = 0;
        loop {
            let page = self.database.read(|connection| page(connection, run.as_deref(), after, whole))?;
            for (number, entry, hash) in &page {
                visit(number.unsigned_abs(), entry, hash);
                after = *number;
            }
            if page.is_empty() {
                return Ok(());
            }
        }
    }

    /// The next entries as they are kept, whatever is in them.
    pub(super) fn audit_links(&self, after: i64) -> Result<Vec<Link>, StoreError> {
        self.database.read(|connection| {
            page(connection, None, after, |row| {
                Ok(Link { number: row.get("number")?, entry: row.get("entry")?, hash: row.get("hash")? })
            })
        })
    }
}

fn page<T>(
    connection: &Connection,
    run: Option<&str>,
    after: i64,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    match run {
        Some(run) => connection
            .prepare(
                "SELECT number, entry, hash FROM audit WHERE run = ?3 AND number > ?1
                 ORDER BY number LIMIT ?2",
            )?
            .query_map((after, PAGE, run), read)?
            .collect(),
        None => connection
            .prepare("SELECT number, entry, hash FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2")?
            .query_map((after, PAGE), read)?
            .collect(),
    }
}

fn whole(row: &Row<'_>) -> rusqlite::Result<(i64, AuditEntry, String)> {
    let text: String = row.get("entry")?;
    let entry = serde_json::from_str(&text).map_err(|error| not_ours(row, "entry", error))?;
    Ok((row.get("number")?, entry, row.get("hash")?))
}
