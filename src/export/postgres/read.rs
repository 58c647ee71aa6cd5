//! A published month, read back.

use std::borrow::Cow;
use std::pin::pin;

use arrow_array::RecordBatch;
use futures_util::TryStreamExt;
use tokio_postgres::Client;

use crate::domain::Amount;
use crate::warehouse::{Cells, ColumnKind, ComponentSum, Entry, Schema, Table};

use super::columns::{FieldKind, Layout, table_name};
use super::fault::Fault;
use super::sql::{Names, quoted};
use super::tables;

/// Whether a month has as many rows as the entry says, and whether they come to the same sums.
pub(super) async fn stands(client: &Client, names: &Names, entry: &Entry) -> Result<bool, Fault> {
    let Ok(table) = entry.table.parse::<Table>() else { return Ok(false) };
    let name = table_name(table);
    if !tables::is_there(client, names, &name).await? {
        return Ok(false);
    }
    let (group, sum, end) = table.measure().map_or_else(
        || ("''".to_owned(), "0".to_owned(), ""),
        |(group, measure)| {
            let (group, measure) = (quoted(group), quoted(measure));
            (format!("coalesce({group}, '')"), format!("coalesce(sum({measure}), 0)"), " GROUP BY 1")
        },
    );
    let asked = format!(
        "SELECT {group}, ({sum})::text, count(*) FROM {} WHERE \"billing_period\" = $1::text::date{end}",
        names.of(&name)
    );
    let rows = match client.query(&asked, &[&entry.period.first_day()]).await.map_err(Fault::from) {
        Ok(rows) => rows,
        // Somebody took a column away.
        Err(fault) if fault.is_about_a_name() => return Ok(false),
        Err(fault) => return Err(fault),
    };
    let count: i64 = rows.iter().map(|row| row.get::<_, i64>(2)).sum();
    let mut sums = Vec::new();
    if table.measure().is_some() {
        for row in &rows {
            let Ok(sum) = row.get::<_, &str>(1).parse::<Amount>() else { return Ok(false) };
            sums.push(ComponentSum { component: row.get(0), sum });
        }
        // The server sorts by its own rules.
        sums.sort_by(|left, right| left.component.cmp(&right.component));
    }
    Ok(usize::try_from(count) == Ok(entry.rows) && sums == entry.sums)
}

/// The rows of a month; `None` where they can no longer be read. Columns that the table has not are empty.
pub(super) async fn rows(
    client: &Client,
    names: &Names,
    schema: &Schema,
    entry: &Entry,
) -> Result<Option<RecordBatch>, Fault> {
    let layout = Layout::new(schema)?;
    if !tables::is_there(client, names, &layout.table).await? {
        return Ok(None);
    }
    let there = tables::columns(client, names, &layout.table).await?;
    let fields = layout.fields.iter().filter(|field| field.source.is_some());
    let texts: Vec<String> =
        fields
            .map(|field| {
                if there.contains(&field.name) { text(&field.name, field.kind) } else { "NULL::text".into() }
            })
            .collect();
    let asked = format!(
        "SELECT {} FROM {} WHERE \"billing_period\" = $1::text::date",
        texts.join(", "),
        names.of(&layout.table)
    );
    let month = entry.period.first_day();
    let mut stream = pin!(client.query_raw(&asked, [&month]).await?);
    let mut cells = Cells::new(&std::sync::Arc::new(schema.clone()));
    while let Some(row) = stream.try_next().await? {
        let texts = (0..row.len()).map(|at| row.get::<_, Option<&str>>(at).map(Cow::Borrowed));
        if cells.push(texts).is_err() {
            // What our types refuse is no row of ours.
            return Ok(None);
        }
    }
    Ok(cells.finish().ok())
}

/// A cell in the one spelling that [`Cells`] takes.
fn text(name: &str, kind: FieldKind) -> String {
    let name = quoted(name);
    match kind {
        FieldKind::Text | FieldKind::Cents | FieldKind::Fine | FieldKind::Whole => format!("{name}::text"),
        FieldKind::Uuid => format!("replace({name}::text, '-', '')"),
        FieldKind::Instant => {
            format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        }
        FieldKind::Day => format!("to_char({name}, 'YYYY-MM-DD')"),
        FieldKind::Flag => format!("CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END"),
    }
}

const _: () = assert!(ColumnKind::ALL.len() == 7, "a new kind needs a type here");
