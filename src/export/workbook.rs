//! A workbook: one file of all months, with a sheet for each table and one that tells what is in it.
//!
//! It is for people: it opens in a spreadsheet, text is never a formula, and a number that a spreadsheet
//! cannot hold exactly is a text. The months are laid down on the disk as they come, and the file is written
//! from there where any of them changed, as a draft that takes its place whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures_util::future::BoxFuture;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use crate::domain::{BillingPeriod, visible};
use crate::warehouse::{Entry, Manifest, PublishedFile, Schema, Slice, Table};

use super::disk::{
    blocking, draft_of, holds, lock, make_folder, manifest_text, promote, put_in_place, read_manifest, sync_folder, take_away,
    write_draft, write_whole,
};
use super::sheets::{self, Styles};
use super::spill::Laid;
use super::{ExportError, ExportSink, Replacement, not_ours};

/// A workbook.
pub struct WorkbookSink {
    path: PathBuf,
    name: String,
    /// Held from the reading of the manifest on.
    lock: Option<File>,
    kept: Arc<Vec<Kept>>,
    /// Whether there is a manifest, so that the file is ours.
    is_ours: bool,
    /// The file that was looked at last, and whether it is there as the manifest says.
    looked_at: Option<(PublishedFile, bool)>,
}

/// A month that was laid down.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) schema: Arc<Schema>,
    pub(super) period: BillingPeriod,
    pub(super) rows: usize,
    pub(super) laid: Laid,
}

impl WorkbookSink {
    /// The target; nothing is read or written yet.
    pub fn new(path: &Path) -> Self {
        let name = format!("xlsx:{}", path.to_string_lossy());
        let kept = Arc::new(Vec::new());
        Self { path: path.to_owned(), name, lock: None, kept, is_ours: false, looked_at: None }
    }

    fn folder(&self) -> &Path {
        self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A file beside it.
    fn beside(&self, before: &str, after: &str) -> PathBuf {
        let mut name = std::ffi::OsString::from(before);
        name.push(self.path.file_name().unwrap_or_default());
        name.push(after);
        self.path.with_file_name(name)
    }

    fn manifest_path(&self) -> PathBuf {
        self.beside("", ".manifest.json")
    }

    fn next_path(&self) -> PathBuf {
        self.beside("", ".manifest.next.json")
    }

    /// The manifest, after what a killed run has left was carried on or taken away. The order of a publication
    /// is that of a folder: draft, manifest that is to come, file, manifest.
    fn recovered(&mut self) -> Result<Option<Manifest>, ExportError> {
        make_folder(self.folder())?;
        if self.lock.is_none() {
            self.lock = Some(lock(&self.name, &self.beside(".", ".lock"))?);
        }
        let mut found = read_manifest(&self.name, &self.manifest_path())?;
        if let Some(next) = read_manifest(&self.name, &self.next_path())? {
            let file = next.slices.iter().find_map(|entry| entry.file.clone());
            let stands = file.as_ref().is_some_and(|file| file.path == self.file_name());
            let stands = match file.filter(|_| stands) {
                Some(file) if holds(&self.path, &file)? => true,
                Some(file) if holds(&draft_of(&self.path), &file)? => {
                    put_in_place(&self.path)?;
                    sync_folder(self.folder())?;
                    true
                }
                Some(_) | None => false,
            };
            if stands {
                self.promote()?;
                found = Some(next);
            } else {
                take_away(&self.next_path())?;
            }
        }
        for place in [self.path.clone(), self.manifest_path(), self.next_path()] {
            take_away(&draft_of(&place))?;
        }
        self.is_ours = found.is_some();
        Ok(found)
    }

    fn promote(&self) -> Result<(), ExportError> {
        promote(&self.next_path(), &self.manifest_path())
    }

    fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl ExportSink for WorkbookSink {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn keep<'a>(&'a mut self, slice: &'a Slice) -> BoxFuture<'a, Result<(), ExportError>> {
        Box::pin(async {
            let rows = slice.rows().clone();
            let laid = blocking(move || Laid::down(&rows)).await?;
            let kept = Kept {
                schema: Arc::clone(slice.schema()),
                period: slice.period(),
                rows: slice.rows().num_rows(),
                laid,
            };
            // Nobody else has it but while the file is written.
            if let Some(all) = Arc::get_mut(&mut self.kept) {
                all.push(kept);
            }
            Ok(())
        })
    }

    fn manifest(&mut self) -> BoxFuture<'_, Result<Option<Manifest>, ExportError>> {
        Box::pin(async { self.recovered() })
    }

    fn stands<'a>(&'a mut self, entry: &'a Entry) -> BoxFuture<'a, Result<bool, ExportError>> {
        Box::pin(async {
            let Some(file) = entry.file.clone().filter(|file| file.path == self.file_name()) else {
                return Ok(false);
            };
            // All months are of the same file.
            if let Some((looked_at, stands)) = &self.looked_at
                && *looked_at == file
            {
                return Ok(*stands);
            }
            let stands = holds(&self.path, &file)?;
            self.looked_at = Some((file, stands));
            Ok(stands)
        })
    }

    /// A workbook is not read back: what a spreadsheet has saved may be of any other form.
    fn rows<'a>(
        &'a mut self,
        _schema: &'a Schema,
        _entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<RecordBatch>, ExportError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn publish<'a>(
        &'a mut self,
        _replacements: Vec<Replacement>,
        mut manifest: Manifest,
    ) -> BoxFuture<'a, Result<Manifest, ExportError>> {
        Box::pin(async move {
            if self.path.exists() && !self.is_ours {
                return Err(not_ours(&self.path));
            }
            let (kept, path, name) = (Arc::clone(&self.kept), self.path.clone(), self.file_name());
            let told = manifest.clone();
            let file = blocking(move || {
                write_draft(&path, name, |out| match write(out, &kept, &told, sheets::MOST_ROWS) {
                    Ok(()) => Ok(()),
                    Err(XlsxError::IoError(error)) => Err(error),
                    Err(error) => Err(io::Error::other(error)),
                })
            })
            .await?;
            for entry in &mut manifest.slices {
                entry.file = Some(file.clone());
            }
            write_whole(&self.next_path(), &manifest_text(&self.name, &manifest)?)?;
            put_in_place(&self.path)?;
            sync_folder(self.folder())?;
            self.promote()?;
            self.is_ours = true;
            self.looked_at = Some((file, true));
            Ok(manifest)
        })
    }
}

/// Writes the workbook: tables in their order, each with its months in theirs, then what is in it.
fn write(
    out: &mut (dyn Write + Send),
    kept: &[Kept],
    manifest: &Manifest,
    most_rows: u32,
) -> Result<(), XlsxError> {
    let mut workbook = Workbook::new();
    // The time of writing is left out, so the same rows are the same bytes.
    let epoch = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&epoch));
    let styles = Styles::new();
    for table in Table::ALL {
        let mut months: Vec<&Kept> = kept.iter().filter(|kept| kept.schema.table() == table).collect();
        months.sort_by_key(|kept| kept.period);
        if !months.is_empty() {
            sheets::write_table(&mut workbook, &styles, table, &months, most_rows)?;
        }
    }
    sheets::write_manifest(&mut workbook, &styles, manifest, &visible(&manifest.deployment).to_string())?;
    workbook.save_to_writer(out)
}
