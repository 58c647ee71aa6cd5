//! What csv, ndjson and Parquet share: a folder with a folder for each table and a file for each month.
//!
//! A publication is carried out in an order that a kill cannot harm. The files are written as drafts beside
//! their places; then the manifest that is to come, `manifest.next.json`; then the drafts take their places;
//! then that manifest takes the place of `manifest.json`. All of it is on the disk before the next step
//! begins. So where `manifest.next.json` is found, every file that it names stands in its place or as a draft,
//! and the next run carries on from there: nothing that was told is lost. Where it is not found, what is left
//! are drafts, and they are taken away.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::future::BoxFuture;

use crate::domain::BillingPeriod;
use crate::warehouse::{Entry, Manifest, Schema, Table};

use super::disk::{
    blocking, draft_of, holds, is_draft, lock, make_folder, manifest_text, promote, put_in_place,
    read_manifest, sync_folder, take_away, unreadable, write_draft, write_whole,
};
use super::{
    ExportError, ExportSink, LOCK, Replacement, another_kind, csv, entered, ndjson, not_ours, parquet,
};

const MANIFEST: &str = "manifest.json";
const NEXT_MANIFEST: &str = "manifest.next.json";

/// The form of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FolderFormat {
    /// Text with commas.
    Csv {
        /// Whether text that a spreadsheet would take for a formula is guarded.
        excel_safe: bool,
    },
    /// A JSON object a line.
    Ndjson,
    /// Parquet, in partitions by month.
    Parquet,
}

impl FolderFormat {
    /// Its name: of the kind of target, and of the ending of its files.
    fn name(self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    /// Where the month of a table stands in the folder. It is made of our own words alone.
    fn place(self, table: Table, period: BillingPeriod) -> String {
        match self {
            Self::Parquet => format!("{table}/billing_period={period}/part-0.parquet"),
            Self::Csv { .. } | Self::Ndjson => format!("{table}/{table}-{period}.{}", self.name()),
        }
    }
}

/// A folder of files.
pub struct FolderSink {
    folder: Folder,
    /// Held from the reading of the manifest on.
    lock: Option<File>,
}

impl FolderSink {
    /// The target; nothing is read or written yet.
    pub fn new(folder: &Path, format: FolderFormat) -> Self {
        let name = format!("{}:{}", format.name(), folder.to_string_lossy());
        Self { folder: Folder { root: folder.to_owned(), name, format, standing: None }, lock: None }
    }
}

/// The folder, as it is handed to the thread that works on it.
#[derive(Debug, Clone)]
struct Folder {
    root: PathBuf,
    name: String,
    format: FolderFormat,
    /// The manifest that stands there.
    standing: Option<Arc<Manifest>>,
}

impl ExportSink for FolderSink {
    fn name(&self) -> String {
        self.folder.name.clone()
    }

    fn is_guarded(&self) -> bool {
        self.folder.format == FolderFormat::Csv { excel_safe: true }
    }

    fn manifest(&mut self) -> BoxFuture<'_, Result<Option<Manifest>, ExportError>> {
        Box::pin(async {
            make_folder(&self.folder.root)?;
            if self.lock.is_none() {
                self.lock = Some(lock(&self.folder.name, &self.folder.root.join(LOCK))?);
            }
            let folder = self.folder.clone();
            let found = blocking(move || folder.recovered()).await?;
            self.folder.standing = found.clone().map(Arc::new);
            Ok(found)
        })
    }

    fn stands<'a>(&'a mut self, entry: &'a Entry) -> BoxFuture<'a, Result<bool, ExportError>> {
        let (folder, entry) = (self.folder.clone(), entry.clone());
        Box::pin(blocking(move || folder.stands(&entry)))
    }

    fn rows<'a>(
        &'a mut self,
        schema: &'a Schema,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<RecordBatch>, ExportError>> {
        let (folder, schema, entry) = (self.folder.clone(), schema.clone(), entry.clone());
        Box::pin(blocking(move || folder.rows(&schema, &entry)))
    }

    fn publish(
        &mut self,
        replacements: Vec<Replacement>,
        manifest: Manifest,
    ) -> BoxFuture<'_, Result<Manifest, ExportError>> {
        Box::pin(async {
            let folder = self.folder.clone();
            let manifest = blocking(move || folder.publish(replacements, manifest)).await?;
            self.folder.standing = Some(Arc::new(manifest.clone()));
            Ok(manifest)
        })
    }
}

impl Folder {
    /// Where the month of an entry stands, by its name in the manifest and on the disk; `None` where it is of
    /// no table that we know.
    fn place(&self, table: &str, period: BillingPeriod) -> Option<(String, PathBuf)> {
        let table = table.parse::<Table>().ok()?;
        let name = self.format.place(table, period);
        let path = self.root.join(&name);
        Some((name, path))
    }

    /// The manifest, after what a killed run has left was carried on or taken away.
    fn recovered(&self) -> Result<Option<Manifest>, ExportError> {
        let current = read_manifest(&self.name, &self.root.join(MANIFEST))?;
        self.judge_kind(current.as_ref())?;
        let next_path = self.root.join(NEXT_MANIFEST);
        let found = match read_manifest(&self.name, &next_path)? {
            None => current,
            Some(next) => {
                if self.carry_on(current.as_ref(), &next)? {
                    self.promote()?;
                    Some(next)
                } else {
                    // Somebody else has been at the files; they are compared with the manifest one by one.
                    take_away(&next_path)?;
                    sync_folder(&self.root)?;
                    current
                }
            }
        };
        self.take_drafts_away()?;
        Ok(found)
    }

    /// Refuses a folder of files of another kind: a month would stand in it twice.
    fn judge_kind(&self, current: Option<&Manifest>) -> Result<(), ExportError> {
        let is_other = |entry: &&Entry| match (&entry.file, self.place(&entry.table, entry.period)) {
            (Some(file), Some((name, _))) => file.path != name,
            _ => false,
        };
        let other = current.and_then(|current| current.slices.iter().find(is_other));
        let has_log =
            Table::ALL.into_iter().any(|table| self.root.join(table.name()).join("_delta_log").exists());
        match other.and_then(|entry| entry.file.as_ref()) {
            Some(file) => Err(another_kind(&self.root, &file.path)),
            None if has_log => Err(another_kind(&self.root, "_delta_log")),
            None => Ok(()),
        }
    }

    /// Puts the drafts of a publication that was cut short in their places; false where one of its files is
    /// nowhere.
    fn carry_on(&self, current: Option<&Manifest>, next: &Manifest) -> Result<bool, ExportError> {
        let (mut drafts, mut emptied) = (Vec::new(), Vec::new());
        for entry in &next.slices {
            let before = current.and_then(|current| current.entry(&entry.table, entry.period));
            if before.is_some_and(|before| before.file == entry.file) {
                continue;
            }
            let Some((name, path)) = self.place(&entry.table, entry.period) else { return Ok(false) };
            match &entry.file {
                None => emptied.extend(before.and_then(|before| before.file.as_ref()).map(|_| path)),
                Some(file) if file.path != name => return Ok(false),
                Some(file) if holds(&path, file)? => {}
                Some(file) if holds(&draft_of(&path), file)? => drafts.push(path),
                Some(_) => return Ok(false),
            }
        }
        self.settle(&drafts, &emptied)?;
        Ok(true)
    }

    /// Puts drafts in their places and takes the files of emptied months away.
    fn settle(&self, drafts: &[PathBuf], emptied: &[PathBuf]) -> Result<(), ExportError> {
        for path in drafts {
            put_in_place(path)?;
        }
        for path in emptied {
            take_away(path)?;
        }
        for path in drafts.iter().chain(emptied) {
            let folder = path.parent().unwrap_or(&self.root);
            if folder.exists() {
                sync_folder(folder)?;
            }
        }
        for path in emptied.iter().filter(|_| self.format == FolderFormat::Parquet) {
            // A partition without rows has no folder; where somebody put something into it, it stays.
            let _ = path.parent().map(std::fs::remove_dir);
        }
        Ok(())
    }

    /// Lets the manifest that is to come take the place of the one that is.
    fn promote(&self) -> Result<(), ExportError> {
        promote(&self.root.join(NEXT_MANIFEST), &self.root.join(MANIFEST))
    }

    /// Takes away what killed runs have left of files that never took their places.
    fn take_drafts_away(&self) -> Result<(), ExportError> {
        let tables = Table::ALL.map(|table| self.root.join(table.name()));
        let mut folders = vec![self.root.clone()];
        for table in tables.into_iter().filter(|table| table.is_dir()) {
            if self.format == FolderFormat::Parquet {
                for found in std::fs::read_dir(&table).map_err(unreadable(&table))? {
                    let path = found.map_err(unreadable(&table))?.path();
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    if name.starts_with("billing_period=") && path.is_dir() {
                        folders.push(path.clone());
                    }
                }
            }
            folders.push(table);
        }
        for folder in folders {
            let mut had_drafts = false;
            for found in std::fs::read_dir(&folder).map_err(unreadable(&folder))? {
                let path = found.map_err(unreadable(&folder))?.path();
                if path.file_name().is_some_and(|name| is_draft(&name.to_string_lossy())) {
                    take_away(&path)?;
                    had_drafts = true;
                }
            }
            if had_drafts && folder != self.root {
                // A folder that was made for the draft alone; one that holds more stays.
                let _ = std::fs::remove_dir(&folder);
            }
        }
        Ok(())
    }

    fn stands(&self, entry: &Entry) -> Result<bool, ExportError> {
        let Some((name, path)) = self.place(&entry.table, entry.period) else { return Ok(false) };
        match &entry.file {
            None => Ok(!path.exists()),
            Some(file) => Ok(file.path == name && holds(&path, file)?),
        }
    }

    fn rows(&self, schema: &Schema, entry: &Entry) -> Result<Option<RecordBatch>, ExportError> {
        let Some((_, path)) = self.place(&entry.table, entry.period) else { return Ok(None) };
        if entry.file.is_none() {
            return Ok(Some(RecordBatch::new_empty(schema.arrow())));
        }
        let file = File::open(&path).map_err(unreadable(&path))?;
        Ok(match self.format {
            FolderFormat::Csv { excel_safe } => csv::read(file, schema, excel_safe),
            FolderFormat::Ndjson => ndjson::read(file, schema),
            FolderFormat::Parquet => parquet::read(file, schema, entry.period),
        })
    }

    /// See the top of this file.
    fn publish(
        &self,
        replacements: Vec<Replacement>,
        mut manifest: Manifest,
    ) -> Result<Manifest, ExportError> {
        let (mut drafts, mut emptied): (Vec<PathBuf>, Vec<PathBuf>) = (Vec::new(), Vec::new());
        let origin = parquet::Origin::of(&manifest);
        for Replacement { slice, entry } in replacements {
            let Some((name, path)) = self.place(&entry.table, entry.period) else { continue };
            self.judge(&entry, &path)?;
            let mut file = None;
            if slice.rows().num_rows() == 0 {
                emptied.push(path);
            } else {
                make_folder(path.parent().unwrap_or(&self.root))?;
                let written = write_draft(&path, name, |out| match self.format {
                    FolderFormat::Csv { excel_safe } => csv::write(out, &slice, excel_safe),
                    FolderFormat::Ndjson => ndjson::write(out, &slice),
                    FolderFormat::Parquet => parquet::write(out, &slice, &origin),
                });
                match written {
                    Ok(written) => file = Some(written),
                    Err(error) => {
                        for path in &drafts {
                            take_away(&draft_of(path))?;
                        }
                        return Err(error);
                    }
                }
                drafts.push(path);
            }
            entered(&mut manifest, entry, file);
        }
        let text = manifest_text(&self.name, &manifest)?;
        write_whole(&self.root.join(NEXT_MANIFEST), &text)?;
        self.settle(&drafts, &emptied)?;
        self.promote()?;
        Ok(manifest)
    }

    /// Refuses to replace a file that is none of ours.
    fn judge(&self, entry: &Entry, path: &Path) -> Result<(), ExportError> {
        // A month without rows has no file, so what stands in its place is not ours either.
        let is_ours = |manifest: &Arc<Manifest>| {
            manifest.entry(&entry.table, entry.period).is_some_and(|entry| entry.file.is_some())
        };
        if !path.exists() || self.standing.as_ref().is_some_and(is_ours) {
            return Ok(());
        }
        Err(not_ours(path))
    }
}
