//! Months in a real PostgreSQL: what is written, what is not, what readers see, and what is left of a run
//! that was killed.

mod killed;
mod published;
mod refused;
mod seen;
mod server;
mod ways;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{BillingPeriod, RunId};
use crate::warehouse::ComponentDifference;
use crate::warehouse::{
    Cells, Column, Contract, Entry, FORMAT, Manifest, Proof, RevisionRecord, RunStamp, Schema, Scope, Slice,
    Table, VERSION, compare,
};

use super::super::{ExportError, ExportSink, Replacement};
use super::PostgresSink;

/// A month of the tests.
fn month(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

/// Whether everything is swept, or a part that takes a moment.
fn is_full() -> bool {
    std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full")
}

/// A uuid as the server writes it.
fn id(kind: u128, number: usize) -> String {
    Uuid::from_u128((kind << 64) + u128::try_from(number).unwrap()).simple().to_string()
}

/// The cells of a row by the names of their columns.
type Row = Vec<(&'static str, String)>;

/// A slice of rows. A column that a row does not name is empty, or the same in all rows where it may not be.
fn slice(table: Table, evolved: &[&str], period: &str, rows: Vec<Row>) -> Slice {
    let evolved: Vec<String> = evolved.iter().map(|name| (*name).to_owned()).collect();
    let schema = Arc::new(Schema::new(table, &evolved));
    let mut cells = Cells::new(&schema);
    for row in rows {
        let unknown = row.iter().find(|(name, _)| schema.position(name).is_none());
        assert!(unknown.is_none(), "{table} has no {unknown:?}");
        let cell = |column: &Column| {
            let given = row.iter().find(|(name, _)| column.name == *name).map(|(_, cell)| cell.clone());
            let same = match column.name.as_ref() {
                "deployment" => "https://waldur.example.org".to_owned(),
                "billing_period" => month(period).first_day(),
                name if name.ends_with("uuid") => id(8, 1),
                _ => "same".to_owned(),
            };
            given.or_else(|| column.is_required.then_some(same)).map(Cow::Owned)
        };
        cells.push(schema.columns().iter().map(cell)).unwrap();
    }
    Slice::new(schema, month(period), &cells.finish().unwrap()).unwrap()
}

/// So many usages; every amount is told by the number of the row, except in the rows whose amount is given.
fn usages(period: &str, count: usize, other: &[(usize, &str)]) -> Slice {
    slice(Table::Usages, &[], period, (0..count).map(|row| usage(row, other)).collect())
}

fn usage(row: usize, other: &[(usize, &str)]) -> Row {
    let amount = other.iter().find(|(number, _)| *number == row).map(|(_, amount)| (*amount).to_owned());
    let mut cells = vec![
        ("uuid", id(1, row)),
        ("resource_uuid", id(2, row / 3)),
        ("component_type", ["cpu", "ram", "gpu_hours"][row % 3].to_owned()),
        ("usage", amount.unwrap_or_else(|| format!("{row}.{:02}", row % 100))),
        ("date", format!("2026-10-{:02}T12:00:00.000123Z", row % 28 + 1)),
    ];
    if !row.is_multiple_of(4) {
        cells.push(("description", format!("Größe \t \\N \"{row}\"\n")));
    }
    if !row.is_multiple_of(5) {
        cells.push(("recurring", row.is_multiple_of(2).to_string()));
    }
    cells
}

/// The row with another cell.
fn with(mut row: Row, name: &'static str, cell: &str) -> Row {
    row.retain(|(other, _)| *other != name);
    row.push((name, cell.to_owned()));
    row
}

/// So many resources, which all have this name.
fn resources(period: &str, count: usize, name: &str) -> Slice {
    let row = |row: usize| vec![("uuid", id(2, row)), ("name", name.to_owned()), ("state", "OK".to_owned())];
    slice(Table::Resources, &[], period, (0..count).map(row).collect())
}

/// The run of this number.
fn stamp(number: u128) -> RunStamp {
    RunStamp {
        id: RunId::new(Uuid::from_u128(number)),
        time: format!("2026-11-{:02}T01:02:03.456789012Z", number % 28 + 1).parse().unwrap(),
        tool: "waldur-usage 0.1.0".into(),
    }
}

fn fresh(run: u128) -> Manifest {
    Manifest {
        format: FORMAT.into(),
        version: VERSION,
        schema_version: Schema::VERSION,
        deployment: "https://waldur.example.org".into(),
        scope: Scope::default(),
        roles: std::collections::BTreeSet::new(),
        run: stamp(run),
        contract: Contract::Discard,
        evolved: BTreeMap::new(),
        discarded: BTreeMap::new(),
        excel_safe: false,
        slices: Vec::new(),
        revisions: Vec::new(),
    }
}

/// Publishes, and looks whether what is told of the target is what it says itself.
async fn export(sink: &mut PostgresSink, run: u128, slices: &[Slice]) -> Result<Vec<String>, ExportError> {
    let written = publish(sink, run, slices).await?;
    let published = sink.published.as_ref().and_then(|published| published.0.clone());
    // One connection at a time has the lock.
    sink.session = None;
    assert_eq!(PostgresSink::new(sink.target.clone()).manifest().await?, published);
    Ok(written)
}

/// Does what the job does: publishes what is not there, and tells how it changed. Returns the tables and
/// months that it wrote.
async fn publish(sink: &mut PostgresSink, run: u128, slices: &[Slice]) -> Result<Vec<String>, ExportError> {
    let found = sink.manifest().await?;
    let mut manifest = found.clone().unwrap_or_else(|| fresh(run));
    let (mut replacements, mut written) = (Vec::new(), Vec::new());
    for slice in slices {
        let name = slice.schema().table().name();
        let old = manifest.entry(name, slice.period()).cloned();
        if let Some(old) = &old
            && old.content == slice.digest()
            && sink.stands(old).await?
        {
            continue;
        }
        let entry = Entry {
            table: name.into(),
            period: slice.period(),
            rows: slice.rows().num_rows(),
            sums: slice.sums().unwrap(),
            content: slice.digest().into(),
            file: None,
            revision: old.as_ref().map_or(1, |old| old.revision + 1),
            proof: Proof { counted: slice.rows().num_rows(), statistics: Some(true) },
            run: stamp(run),
            not_checked_since: None,
            closed_invoices: None,
        };
        if let Some(old) = &old {
            let rows = sink.rows(slice.schema(), old).await?;
            manifest.revisions.push(RevisionRecord {
                table: name.into(),
                period: slice.period(),
                revision: entry.revision,
                run: stamp(run),
                rows: rows.map(|rows| compare((slice.schema(), &rows), slice)),
                difference: ComponentDifference::between(&old.sums, &entry.sums).unwrap(),
            });
        }
        written.push(format!("{name} {}", slice.period()));
        replacements.push(Replacement { slice: slice.clone(), entry });
    }
    if !replacements.is_empty() {
        manifest.run = stamp(run);
        sink.publish(replacements, manifest).await?;
    }
    Ok(written)
}
