//! The manifest, in the tables of the audit: rows are added and never changed, the newest of each month
//! counts.

use tokio_postgres::{Client, Transaction};

use crate::domain::RunId;
use crate::warehouse::{Entry, Manifest, ManifestError, RevisionRecord, Table};

use super::columns::table_name;
use super::fault::Fault;
use super::sql::{AUDIT, Names, REVISION, RUN};

/// Puts the manifest together; `None` where no run ever wrote.
pub(super) async fn read(client: &Client, names: &Names) -> Result<Option<Manifest>, Fault> {
    let newest = format!("SELECT manifest::text FROM {} ORDER BY id DESC LIMIT 1", names.of(RUN));
    let Some(row) = client.query_opt(&newest, &[]).await? else { return Ok(None) };
    let mut manifest = Manifest::read(row.get::<_, &str>(0).as_bytes())?;
    let entries = format!(
        "SELECT DISTINCT ON (table_name, billing_period) entry::text FROM {} \
        ORDER BY table_name, billing_period, id DESC",
        names.of(AUDIT)
    );
    for row in client.query(&entries, &[]).await? {
        let entry: Entry = serde_json::from_str(row.get(0)).map_err(ManifestError::from)?;
        manifest.put(entry);
    }
    let revisions = format!("SELECT record::text FROM {} ORDER BY id", names.of(REVISION));
    for row in client.query(&revisions, &[]).await? {
        let record: RevisionRecord = serde_json::from_str(row.get(0)).map_err(ManifestError::from)?;
        manifest.revisions.push(record);
    }
    Ok(Some(manifest))
}

/// Writes what the new manifest says and the old one did not.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    names: &Names,
    old: Option<&Manifest>,
    new: &Manifest,
) -> Result<(), Fault> {
    let told = |entry: &&Entry| old.and_then(|old| old.entry(&entry.table, entry.period)) != Some(*entry);
    let insert = format!(
        "INSERT INTO {} (table_name, billing_period, revision, rows, content, entry, run, extracted) VALUES \
        ($1, $2::text::date, $3::bigint::integer, $4, $5, $6::text::jsonb, $7::text::uuid, $8::text::timestamptz)",
        names.of(AUDIT)
    );
    let insert = transaction.prepare(&insert).await?;
    for entry in new.slices.iter().filter(told) {
        let (period, revision) = (entry.period.first_day(), i64::from(entry.revision));
        let rows = i64::try_from(entry.rows).unwrap_or(i64::MAX);
        let (json, run) = (json(entry)?, run(entry.run.id));
        let (table, time) = (sql_name(&entry.table), entry.run.time.to_string());
        transaction
            .execute(&insert, &[&table, &period, &revision, &rows, &entry.content, &json, &run, &time])
            .await?;
    }
    let insert = format!(
        "INSERT INTO {} (table_name, billing_period, revision, record, run, extracted) VALUES \
        ($1, $2::text::date, $3::bigint::integer, $4::text::jsonb, $5::text::uuid, $6::text::timestamptz)",
        names.of(REVISION)
    );
    for record in new.revisions.iter().skip(old.map_or(0, |old| old.revisions.len())) {
        let (period, revision) = (record.period.first_day(), i64::from(record.revision));
        let (json, run, time) = (json(record)?, run(record.run.id), record.run.time.to_string());
        let table = sql_name(&record.table);
        transaction.execute(&insert, &[&table, &period, &revision, &json, &run, &time]).await?;
    }
    let head = Manifest { slices: Vec::new(), revisions: Vec::new(), ..new.clone() };
    let (run, time, json) = (run(new.run.id), new.run.time.to_string(), json(&head)?);
    let insert = format!(
        "INSERT INTO {} (run, extracted, tool, manifest) VALUES \
        ($1::text::uuid, $2::text::timestamptz, $3, $4::text::jsonb)",
        names.of(RUN)
    );
    transaction.execute(&insert, &[&run, &time, &new.run.tool, &json]).await?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, Fault> {
    Ok(serde_json::to_string(value).map_err(ManifestError::from)?)
}

fn run(id: RunId) -> String {
    id.uuid().to_string()
}

/// The name of a table in the database, where it is one of ours.
fn sql_name(table: &str) -> String {
    table.parse::<Table>().map_or_else(|_| table.to_owned(), table_name)
}
