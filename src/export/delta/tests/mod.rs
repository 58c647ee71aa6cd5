//! Months of Delta tables as runs write them, as others read them, and as killed runs leave them.

pub(super) mod end;
mod kill;
mod log;
mod readers;
mod refusals;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::BillingPeriod;
use crate::domain::RunId;
use crate::warehouse::{
    Cells, ComponentDifference, Contract, Entry, FORMAT, Manifest, PERIOD, Proof, RevisionRecord, RunStamp,
    Schema, Scope, Slice, Table, VERSION, compare,
};

use super::super::{ExportError, ExportSink, Replacement};
use super::DeltaSink;

pub(super) const SERVER: &str = "https://waldur.example.com";
/// How many usages a month has.
pub(super) const USAGES: usize = 40;

pub(super) fn month(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

/// What became of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Published,
    Replaced,
    Unchanged,
    Restored,
}

/// A month of rows that are given by the cells that are not empty.
pub(super) fn slice(
    table: Table,
    evolved: &[&str],
    period: BillingPeriod,
    rows: &[Vec<(&str, String)>],
) -> Slice {
    let evolved: Vec<String> = evolved.iter().map(|name| (*name).to_owned()).collect();
    let schema = Arc::new(Schema::new(table, &evolved));
    let mut cells = Cells::new(&schema);
    for row in rows {
        let row: BTreeMap<&str, &String> = row.iter().map(|(name, cell)| (*name, cell)).collect();
        let cells_of_row = schema.columns().iter().map(|column| match column.name.as_ref() {
            "deployment" => Some(Cow::Borrowed(SERVER)),
            PERIOD => Some(Cow::Owned(period.first_day())),
            name => row.get(name).map(|cell| Cow::Borrowed(cell.as_str())),
        });
        cells.push(cells_of_row).unwrap();
    }
    Slice::new(Arc::clone(&schema), period, &cells.finish().unwrap()).unwrap()
}

/// The usages of a month; a change adds to one of them.
pub(super) fn usages(period: BillingPeriod, change: u32) -> Slice {
    slice(Table::Usages, &[], period, &usage_rows(change))
}

pub(super) fn usage_rows(change: u32) -> Vec<Vec<(&'static str, String)>> {
    let row = |number: usize| {
        let usage = match number {
            0 => format!("{}.50", 100 + change),
            1 => "999999999999999999.99".to_owned(),
            2 => "-0.01".to_owned(),
            _ => format!("{number}.{:02}", number * 7 % 100),
        };
        let mut row = vec![
            ("uuid", format!("{number:032x}")),
            ("resource_uuid", format!("{:032x}", 1000 + number / 2)),
            ("component_type", if number.is_multiple_of(2) { "cpu" } else { "storage" }.to_owned()),
            ("usage", usage),
        ];
        match number % 4 {
            0 => row.push((
                "description",
                "=1+1 \"Größe\" ☃, \n and a text that is longer than others".to_owned(),
            )),
            1 => row.push(("recurring", "true".to_owned())),
            2 => row.push(("date", format!("2026-05-{:02}T10:00:00.000001+03:00", number % 28 + 1))),
            _ => row.push(("modified_by", i64::MAX.to_string())),
        }
        row
    };
    (0..USAGES).map(row).collect()
}

/// The resources of a month.
pub(super) fn resources(period: BillingPeriod, project: &str) -> Slice {
    let row = |number: u32| {
        let id = |space: u32| format!("{:032x}", space + number);
        vec![
            ("uuid", id(1000)),
            ("name", format!("resource {number}")),
            ("state", "OK".to_owned()),
            ("offering_uuid", id(2000)),
            ("project_uuid", id(3000)),
            ("project_name", project.to_owned()),
            ("customer_uuid", id(4000)),
        ]
    };
    slice(Table::Resources, &[], period, &(0..20).map(row).collect::<Vec<_>>())
}

/// The lines of the invoices of a month, with fine quantities, and a field that the server added.
pub(super) fn items(period: BillingPeriod, evolved: &[&str], change: u32) -> Slice {
    let row = |number: u32| {
        let mut row = vec![
            ("uuid", format!("{number:032x}")),
            ("component_type", "cpu".to_owned()),
            ("quantity", format!("{}.0123456789", 999_999_999_999_u64 - u64::from(number))),
            ("unit_price", format!("0.{:010}", 1 + change)),
            ("price", format!("{number}.10")),
            ("start", "2026-05-01T00:00:00Z".to_owned()),
        ];
        row.extend(evolved.iter().map(|name| (*name, format!("\"{number}\""))));
        row
    };
    slice(Table::InvoiceItems, evolved, period, &(0..10).map(row).collect::<Vec<_>>())
}

/// The columns of a slice that this program does not know of itself.
fn evolved(slice: &Slice) -> Vec<String> {
    let known = slice.schema().table().columns();
    let columns =
        slice.schema().columns().iter().filter(|column| known.iter().all(|own| own.name != column.name));
    columns.map(|column| column.name.to_string()).collect()
}

pub(super) fn stamp(run: u32) -> RunStamp {
    RunStamp {
        id: RunId::new(Uuid::from_u128(u128::from(run))),
        time: Timestamp::from_second(1_780_000_000 + i64::from(run)).unwrap(),
        tool: "waldur-usage 0.1.0".to_owned(),
    }
}

pub(super) fn nothing_yet(run: u32) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        schema_version: Schema::VERSION,
        deployment: SERVER.to_owned(),
        scope: Scope::default(),
        roles: std::collections::BTreeSet::new(),
        run: stamp(run),
        contract: Contract::Evolve,
        evolved: BTreeMap::new(),
        discarded: BTreeMap::new(),
        excel_safe: false,
        slices: Vec::new(),
        revisions: Vec::new(),
    }
}

pub(super) fn entry(slice: &Slice, run: u32, revision: u32) -> Entry {
    Entry {
        table: slice.schema().table().name().to_owned(),
        period: slice.period(),
        rows: slice.rows().num_rows(),
        sums: slice.sums().unwrap_or_default(),
        content: slice.digest().to_owned(),
        file: None,
        revision,
        proof: Proof { counted: slice.rows().num_rows(), statistics: None },
        run: stamp(run),
        not_checked_since: None,
        closed_invoices: None,
    }
}

/// Brings months to a folder as the job does: one manifest for all tables of a month.
pub(super) async fn bring(folder: &Path, run: u32, slices: &[Slice]) -> Result<Vec<Fate>, ExportError> {
    let mut sink = DeltaSink::new(folder);
    let mut standing = sink.manifest().await?;
    let mut told = standing.clone().unwrap_or_else(|| nothing_yet(run));
    for slice in slices.iter().filter(|slice| !evolved(slice).is_empty()) {
        told.evolved.insert(slice.schema().table().name().to_owned(), evolved(slice));
    }
    let mut fates = Vec::new();
    for of_month in slices.chunk_by(|left, right| left.period() == right.period()) {
        let mut replacements = Vec::new();
        for slice in of_month {
            let old = told.entry(slice.schema().table().name(), slice.period()).cloned();
            let fate = match &old {
                None => Fate::Published,
                Some(old) if old.content != slice.digest() => Fate::Replaced,
                Some(old) if sink.stands(old).await? => Fate::Unchanged,
                Some(_) => Fate::Restored,
            };
            fates.push(fate);
            if fate == Fate::Unchanged {
                continue;
            }
            let revision = old.as_ref().map_or(1, |old| old.revision + u32::from(fate == Fate::Replaced));
            let new = entry(slice, run, revision);
            if let Some(old) = old.filter(|_| fate == Fate::Replaced) {
                let stands = sink.stands(&old).await?;
                let rows = if stands { sink.rows(slice.schema(), &old).await? } else { None };
                told.revisions.push(RevisionRecord {
                    table: new.table.clone(),
                    period: new.period,
                    revision,
                    run: stamp(run),
                    rows: rows.map(|rows| compare((slice.schema(), &rows), slice)),
                    difference: ComponentDifference::between(&old.sums, &new.sums).unwrap(),
                });
            }
            replacements.push(Replacement { slice: slice.clone(), entry: new });
        }
        if !replacements.is_empty() || standing.as_ref().is_some_and(|standing| told != *standing) {
            told.run = stamp(run);
            told = sink.publish(replacements, told).await?;
            standing = Some(told.clone());
        }
    }
    Ok(fates)
}

/// The manifest that stands in a folder, byte by byte.
pub(super) fn manifest_text(folder: &Path) -> String {
    fs::read_to_string(folder.join("manifest.json")).unwrap()
}

pub(super) fn manifest(folder: &Path) -> Manifest {
    Manifest::read(manifest_text(folder).as_bytes()).unwrap()
}

/// Every file below a folder, with when it was written and what it holds.
pub(super) fn files(folder: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            let content = fs::read(&path).unwrap();
            found.insert(path, (written, content));
        }
    }
    found
}

/// The actions of each commit of a table, by version.
pub(super) fn commits(table: &Path) -> Vec<Vec<serde_json::Value>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(table.join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let lines = |text: String| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    paths.iter().map(read).map(lines).collect()
}

/// The actions of a kind in a commit.
pub(super) fn of<'a>(commit: &'a [serde_json::Value], kind: &str) -> Vec<&'a serde_json::Value> {
    commit.iter().filter_map(|action| action.get(kind)).collect()
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
