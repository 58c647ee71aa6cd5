//! The manifest beside the tables, and how it catches up with their logs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::domain::{BillingPeriod, visible};
use crate::warehouse::{Entry, Manifest, RevisionRecord, Table};

use super::super::ExportError;
use super::super::disk::{manifest_text, read_manifest, write_whole};
use super::log::{ActiveFile, Log};
use super::{a_test_may_end_here, files, name};

/// Its name in the folder.
pub(super) const NAME: &str = "manifest.json";

/// The manifest in a folder; refuses that of an export of another kind.
pub(super) fn read(folder: &Path) -> Result<Option<Manifest>, ExportError> {
    let target = name(folder);
    let Some(manifest) = read_manifest(&target, &folder.join(NAME))? else { return Ok(None) };
    let files = manifest.slices.iter().filter_map(|entry| Some((entry, entry.file.as_ref()?)));
    for (entry, file) in files {
        let wanted = format!("{}/{}/part-", entry.table, files::partition(entry.period));
        if !file.path.starts_with(&wanted) {
            let reason = format!("it holds an export of another kind, with the file {}", visible(&file.path));
            return Err(ExportError::Target { target, reason });
        }
    }
    Ok(Some(manifest))
}

/// Writes the manifest.
pub(super) fn write(folder: &Path, manifest: &Manifest) -> Result<(), ExportError> {
    write_whole(&folder.join(NAME), &manifest_text(&name(folder), manifest)?)?;
    a_test_may_end_here("manifest in place");
    Ok(())
}

/// The months of which the log has a newer revision than the manifest, with it. A month that has the file by
/// the log that it has by the manifest is not asked for: the name of a file is a digest of its bytes.
pub(super) async fn missed(
    table: Table,
    kept: Option<&Manifest>,
    log: &Log,
) -> Result<Vec<(BillingPeriod, u32)>, String> {
    let entries = kept.map_or(&[][..], |kept| &kept.slices).iter();
    let known = entries.filter(|entry| entry.table == table.name()).map(|entry| entry.period);
    let months: BTreeSet<BillingPeriod> = log.months()?.into_iter().chain(known).collect();
    let mut missed = Vec::new();
    for period in months {
        let known = kept.and_then(|kept| kept.entry(table.name(), period));
        let files = log.files(period)?;
        if known.is_some_and(|known| !has_another_file(known, &files)) {
            continue;
        }
        let revision = log.revision(table, period).await?;
        if revision > known.map_or(0, |entry| entry.revision) {
            missed.push((period, revision));
        }
    }
    Ok(missed)
}

fn has_another_file(known: &Entry, files: &[ActiveFile]) -> bool {
    let active: Vec<String> = files.iter().map(|file| format!("{}/{}", known.table, file.path)).collect();
    active != Vec::from_iter(known.file.as_ref().map(|file| file.path.clone()))
}

/// Enters into the manifest what commits published and it does not know: these months with their revisions,
/// and all months where there was no manifest at all. Commits come newest first.
pub(super) fn adopt(
    table: Table,
    missed: &[(BillingPeriod, u32)],
    published: Vec<Manifest>,
    kept: Option<&Manifest>,
    manifest: &mut Option<Manifest>,
) -> Result<(), String> {
    let mut wanted: BTreeMap<BillingPeriod, u32> = missed.iter().copied().collect();
    let own = |document: &Manifest| document.slices.iter().find(|entry| entry.table == table.name()).cloned();
    if kept.is_none() {
        for entry in published.iter().filter_map(own) {
            wanted.entry(entry.period).or_insert(entry.revision);
        }
    }
    for document in published.into_iter().rev() {
        let Some(entry) = own(&document) else { continue };
        let known =
            kept.and_then(|kept| kept.entry(table.name(), entry.period)).map_or(0, |entry| entry.revision);
        let is_missed = wanted.get(&entry.period).is_some_and(|newest| entry.revision <= *newest);
        if is_missed && entry.revision > known {
            enter(manifest, document, entry);
        }
    }
    for (period, revision) in wanted {
        let found = manifest.as_ref().and_then(|manifest| manifest.entry(table.name(), period));
        if found.is_none_or(|entry| entry.revision != revision) {
            return Err(format!(
                "{table} of {period} is at revision {revision} by its log, which neither {NAME} nor a commit tells; \
                 put a copy of {NAME} back, or export into another folder"
            ));
        }
    }
    Ok(())
}

/// Enters what a commit published.
fn enter(manifest: &mut Option<Manifest>, document: Manifest, entry: Entry) {
    let manifest = manifest.get_or_insert_with(|| Manifest {
        slices: Vec::new(),
        revisions: Vec::new(),
        ..document.clone()
    });
    for record in document.revisions {
        let is_same = |known: &RevisionRecord| {
            (&known.table, known.period, known.revision) == (&record.table, record.period, record.revision)
        };
        if !manifest.revisions.iter().any(is_same) {
            manifest.revisions.push(record);
        }
    }
    manifest.revisions.sort_by_key(|record| record.run.time);
    if document.run.time >= manifest.run.time {
        manifest.schema_version = document.schema_version;
        manifest.run = document.run;
        manifest.contract = document.contract;
        manifest.evolved = document.evolved;
        manifest.discarded = document.discarded;
        manifest.excel_safe = document.excel_safe;
    }
    manifest.put(entry);
}
