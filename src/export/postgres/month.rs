//! A month of tables takes the place of the one that stands there.
//!
//! Each table's month is filled beside its table, as the partition that it will be, with its indexes and
//! with a check that lets the server attach it unread. Then one short transaction takes the old partitions
//! away, attaches the new ones and writes the audit. It locks all of the tables before it touches one, so
//! a reader sees all of them as they were or all of them as they are: rows that are frozen when they are
//! written belong to whoever finds the partition.

use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::time::{Instant, sleep};
use tokio_postgres::{Client, Transaction};

use crate::domain::{BillingPeriod, visible};
use crate::warehouse::{Manifest, Slice, cell_text};

use super::audit;
use super::columns::Layout;
use super::encode::{EncodeError, Encoder, HEADER, TRAILER};
use super::fault::Fault;
use super::sql::{Names, date, partition, quoted, staging};
use super::tables::not_ours;

/// How much goes to the server at once.
const CHUNK: usize = 256 * 1024;
/// How long the locks of all tables but the first are waited for. A reader that holds one of them and
/// waits for another is a deadlock, which the server looks for after a second, and might end by ending the
/// reader; so we give way before.
const SHORT: Duration = Duration::from_millis(400);
/// How long the first lock is waited for at most; readers that come meanwhile wait behind us.
const LONGEST: Duration = Duration::from_secs(2);

/// A month of a table that is filled and not yet a part of it.
pub(super) struct Staged {
    layout: Layout,
    period: BillingPeriod,
}

/// Fills a month beside its table.
pub(super) async fn stage(
    client: &mut Client,
    names: &Names,
    layout: Layout,
    slice: &Slice,
) -> Result<Staged, Fault> {
    let period = slice.period();
    let (name, table) = (staging(&layout.table, period), names.of(&layout.table));
    let staged = names.of(&name);
    let transaction = client.transaction().await?;
    // The indexes come after the rows: built at once they are smaller, and sooner there.
    let created = format!(
        "CREATE TABLE {staged} (LIKE {table} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS \
            INCLUDING STORAGE, CONSTRAINT waldur_export_month CHECK (\"billing_period\" = {}))",
        date(period)
    );
    transaction.batch_execute(&created).await?;
    let rows = copy(&transaction, &staged, &layout, slice).await?;
    if usize::try_from(rows) != Ok(slice.rows().num_rows()) {
        let sent = slice.rows().num_rows();
        return Err(Fault::Refused(format!("the server took {rows} of {sent} rows of {}", layout.table)));
    }
    let key = layout.primary_key();
    transaction.batch_execute(&format!("ALTER TABLE {staged} ADD PRIMARY KEY ({key})")).await?;
    // Indexes that somebody made on the table would otherwise be built while its readers wait.
    let others = "SELECT CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END, pg_get_indexdef(i.indexrelid) \
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = $2 AND NOT i.indisprimary ORDER BY i.indexrelid";
    for row in transaction.query(others, &[&names.schema(), &layout.table]).await? {
        let (unique, definition): (&str, &str) = (row.get(0), row.get(1));
        // Only what follows the names is of use. Where a name holds these words, the server builds the
        // index when the partition is attached.
        if let Some((_, how)) = definition.split_once(" USING ").filter(|(_, how)| !how.contains(" USING ")) {
            transaction.batch_execute(&format!("CREATE {unique}INDEX ON {staged} USING {how}")).await?;
        }
    }
    transaction.batch_execute(&format!("ANALYZE {staged}")).await?;
    transaction.commit().await?;
    Ok(Staged { layout, period })
}

/// Sends the rows; how many the server took.
async fn copy(
    transaction: &Transaction<'_>,
    staged: &str,
    layout: &Layout,
    slice: &Slice,
) -> Result<u64, Fault> {
    let refused = |error: EncodeError| {
        let key = visible(&key(slice, error.row)).to_string();
        Fault::Refused(format!("{} of {}, {key}: {error}", layout.table, slice.period()))
    };
    let encoder = Encoder::new(layout, slice.rows(), slice.period()).map_err(refused)?;
    let columns = layout.columns();
    let statement = format!("COPY {staged} ({columns}) FROM STDIN (FORMAT binary, FREEZE)");
    let mut sink = Box::pin(transaction.copy_in::<_, Bytes>(&statement).await?);
    let (mut next, rows) = (0, slice.rows().num_rows());
    let mut out = HEADER.to_vec();
    while next < rows {
        out.reserve(CHUNK + CHUNK / 8);
        next = encoder.put(next..rows, CHUNK, &mut out).map_err(refused)?;
        if next == rows {
            out.extend_from_slice(TRAILER);
        }
        sink.send(Bytes::from(std::mem::take(&mut out))).await?;
    }
    if rows == 0 {
        out.extend_from_slice(TRAILER);
        sink.send(Bytes::from(out)).await?;
    }
    Ok(sink.as_mut().finish().await?)
}

/// The key of a row, as people look for it.
fn key(slice: &Slice, row: usize) -> String {
    let schema = slice.schema();
    let parts = schema.table().key().iter().filter_map(|name| {
        let at = schema.position(name)?;
        cell_text(&schema.columns()[at], slice.rows().column(at), row)
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// Lets months that were filled be the months of their tables, and tells so in the audit, at once.
pub(super) async fn swap(
    client: &mut Client,
    names: &Names,
    staged: &[Staged],
    manifests: (Option<&Manifest>, &Manifest),
    patience: Duration,
) -> Result<(), Fault> {
    let mut tables: Vec<&str> = staged.iter().map(|staged| staged.layout.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    let mut turns = Turns::new(tables, patience);
    loop {
        let transaction = client.transaction().await?;
        let done = attempt(&transaction, names, staged, manifests, &turns).await;
        match done {
            Ok(()) => return Ok(transaction.commit().await?),
            Err(fault) if fault.is_about_a_lock() => {
                transaction.rollback().await?;
                turns.wait(patience).await?;
            }
            Err(fault) => return Err(fault),
        }
    }
}

/// Whose lock is asked for first and how long it is waited for. While we wait for the first one we hold
/// none, so that wait may be long; another table is the first one each time, so that each is waited for.
pub(super) struct Turns<'a> {
    tables: Vec<&'a str>,
    turn: u32,
    until: Instant,
}

impl<'a> Turns<'a> {
    pub(super) fn new(tables: Vec<&'a str>, patience: Duration) -> Self {
        Self { tables, turn: 0, until: Instant::now() + patience }
    }

    /// The statements that take the locks.
    pub(super) fn locks(&self, names: &Names) -> String {
        let first = (SHORT * (self.turn + 1)).min(LONGEST);
        let mut locks = format!("SET LOCAL lock_timeout = {};", first.as_millis());
        for table in &self.tables {
            let table = names.of(table);
            locks = format!(
                "{locks} LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE; SET LOCAL lock_timeout = {};",
                SHORT.as_millis()
            );
        }
        locks
    }

    /// Lets readers go ahead for a while; gives up where patience has an end.
    pub(super) async fn wait(&mut self, patience: Duration) -> Result<(), Fault> {
        if Instant::now() >= self.until {
            return Err(Fault::Refused(format!(
                "others held locks on its tables for {} seconds; look at pg_stat_activity, and run it again \
                when their transactions have ended",
                patience.as_secs()
            )));
        }
        self.turn = self.turn.saturating_add(1).min(100);
        if !self.tables.is_empty() {
            self.tables.rotate_left(1);
        }
        sleep(SHORT.min(Duration::from_millis(50) * self.turn)).await;
        Ok(())
    }
}

async fn attempt(
    transaction: &Transaction<'_>,
    names: &Names,
    staged: &[Staged],
    (old, new): (Option<&Manifest>, &Manifest),
    turns: &Turns<'_>,
) -> Result<(), Fault> {
    transaction.batch_execute(&turns.locks(names)).await?;
    let mut statements = String::new();
    for Staged { layout, period } in staged {
        let (table, filled) = (names.of(&layout.table), staging(&layout.table, *period));
        let name = partition(&layout.table, *period);
        for old in partitions(transaction, names, &layout.table, *period).await? {
            statements = format!("{statements} DROP TABLE {old};");
        }
        // Indexes and partitions share one space of names, so those of the old one have to go before.
        statements = format!(
            "{statements} ALTER TABLE {} RENAME TO {}; \
            ALTER TABLE {} RENAME CONSTRAINT {} TO {}; \
            ALTER TABLE {table} ATTACH PARTITION {} FOR VALUES IN ('{}');",
            names.of(&filled),
            quoted(&name),
            names.of(&name),
            quoted(&format!("{filled}_pkey")),
            quoted(&format!("{name}_pkey")),
            names.of(&name),
            period.first_day(),
        );
    }
    if !statements.is_empty() {
        transaction.batch_execute(&statements).await?;
    }
    audit::write(transaction, names, old, new).await
}

/// The partition that holds a month; refuses a table that only has its name.
async fn partitions(
    transaction: &Transaction<'_>,
    names: &Names,
    table: &str,
    period: BillingPeriod,
) -> Result<Vec<String>, Fault> {
    let found = "SELECT pn.nspname, p.relname, coalesce(pg_get_expr(p.relpartbound, p.oid), '') \
        FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace \
        JOIN pg_class c ON c.oid = i.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = $2";
    let bound = format!("FOR VALUES IN ('{}')", period.first_day());
    let rows = transaction.query(found, &[&names.schema(), &table]).await?;
    let olds = rows.iter().filter(|row| row.get::<_, &str>(2) == bound);
    let olds: Vec<(&str, &str)> = olds.map(|row| (row.get(0), row.get(1))).collect();
    let name = partition(table, period);
    let is_ours = olds.contains(&(names.schema(), name.as_str()));
    let taken = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        WHERE n.nspname = $1 AND c.relname = $2";
    if !is_ours && transaction.query_opt(taken, &[&names.schema(), &name]).await?.is_some() {
        return Err(not_ours(names, &name));
    }
    Ok(olds.into_iter().map(|(schema, name)| format!("{}.{}", quoted(schema), quoted(name))).collect())
}
