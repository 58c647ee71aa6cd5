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
use crate::warehouse::{
    Cells, Contract, Entry, FORMAT, Manifest, Proof, RevisionRecord, RunStamp, Schema, Scope, Slice, Table, VERSION,
    compare,
};
use crate::warehouse::ComponentDifference;

use super::PostgresSink;
use super::super::{ExportError, ExportSink, Replacement};

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

/// A slice of rows, whose cells stand in the order of the columns after the month.
fn slice(table: Table, evolved: &[&str], period: &str, rows: Vec<Vec<Option<String>>>) -> Slice {
    let evolved: Vec<String> = evolved.iter().map(|name| (*name).to_owned()).collect();
    let schema = Arc::new(Schema::new(table, &evolved));
    let mut cells = Cells::new(&schema);
    let first = [Some("https://waldur.example.org".to_owned()), Some(month(period).first_day())];
    for row in rows {
        cells.push(first.iter().cloned().chain(row).map(|cell| cell.map(Cow::Owned))).unwrap();
    }
    Slice::new(schema, month(period), &cells.finish().unwrap()).unwrap()
}

/// So many usages; every amount is told by the number of the row, except in the rows whose amount is given.
fn usages(period: &str, count: usize, other: &[(usize, &str)]) -> Slice {
    slice(Table::Usages, &[], period, (0..count).map(|row| usage(row, other)).collect())
}

fn usage(row: usize, other: &[(usize, &str)]) -> Vec<Option<String>> {
    let amount = other.iter().find(|(number, _)| *number == row).map(|(_, amount)| (*amount).to_owned());
    let component = ["cpu", "ram", "gpu_hours"][row % 3];
    vec![
        Some(id(1, row)),
        Some(id(2, row / 3)),
        Some(component.to_owned()),
        Some(amount.unwrap_or_else(|| format!("{row}.{:02}", row % 100))),
        (row % 4 > 0).then(|| format!("Größe \t \\N \"{row}\"\n")),
        (row % 5 > 0).then(|| (row % 2 == 0).to_string()),
        None,
        Some(format!("2026-10-{:02}T12:00:00.000123Z", row % 28 + 1)),
        None,
        (row % 7 > 0).then(|| row.to_string()),
    ]
}

/// So many resources, which all have this name.
fn resources(period: &str, count: usize, name: &str) -> Slice {
    let row = |row: usize| {
        let mut cells = vec![Some(id(2, row)), Some(name.to_owned()), None, None, Some("OK".to_owned()), None];
        cells.extend([Some(id(3, 1)), None, None, Some(id(4, 1)), None, Some(id(5, 1)), None]);
        cells
    };
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
    let published = sink.published.clone();
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
        if let Some(old) = &old {
            if old.content == slice.digest() && sink.stands(old).await? {
                continue;
            }
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
