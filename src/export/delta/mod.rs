//! Delta Lake: one table per folder, a month of it replaced in one commit.
//!
//! The log of a table decides which rows it has; `manifest.json` beside the tables is written last and tells
//! what the log cannot. They cannot drift apart: every commit carries its own part of the manifest, and a
//! commit that the manifest does not know is entered before a run does anything else.

mod commit;
mod files;
mod kept;
mod log;
mod schema;
mod stats;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use futures_util::future::BoxFuture;

use crate::domain::{BillingPeriod, visible};
use crate::warehouse::{Entry, Manifest, PublishedFile, Schema, Slice, Table};

use super::disk::{blocking, draft_of, holds, lock, make_folder, sync_folder, take_away, unwritable};
use super::parquet::Origin;
use super::{ExportError, ExportSink, LOCK, Replacement, entered, parquet};

use commit::Publication;
use log::Log;

/// A folder of Delta tables.
pub struct DeltaSink {
    folder: PathBuf,
    /// The logs, as they were when this run last looked at them.
    logs: BTreeMap<Table, Log>,
    /// Held from the reading of the manifest on, so that one run at a time writes here.
    lock: Option<File>,
}

/// Whether a path has something in it that stands for another character in an address.
fn is_taken_apart(path: &str) -> bool {
    let is_escape = |at: usize| {
        let digits = path.as_bytes().get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    path.contains(|one: char| one == '\\' || one.is_control())
        || path.match_indices('%').any(|(at, _)| is_escape(at))
}

impl DeltaSink {
    /// The target; nothing is read or written yet.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), logs: BTreeMap::new(), lock: None }
    }

    /// Makes the folder where it is missing and takes the right to write to it.
    fn begin(&mut self) -> Result<(), ExportError> {
        if self.folder.join(log::FOLDER).exists() {
            let reason = "it is a Delta table itself, and an export is a folder of tables";
            return Err(refusing(&self.folder)(reason.to_owned()));
        }
        // The library takes these for parts of an address, and would read the log of another folder.
        if is_taken_apart(&self.folder.to_string_lossy()) {
            let reason =
                "a Delta table cannot stand in a folder with %41, \\ or a control character in its name";
            return Err(refusing(&self.folder)(reason.to_owned()));
        }
        if self.lock.is_none() {
            make_folder(&self.folder)?;
            self.lock = Some(lock(&name(&self.folder), &self.folder.join(LOCK))?);
            take_away(&draft_of(&self.folder.join(kept::NAME)))?;
        }
        Ok(())
    }

    fn table_folder(&self, table: Table) -> PathBuf {
        self.folder.join(table.name())
    }

    /// The log of a table; none where there is no table yet.
    async fn log(&mut self, table: Table) -> Result<Option<&Log>, ExportError> {
        if !self.logs.contains_key(&table) {
            let folder = self.table_folder(table);
            let refused = refusing(&self.folder);
            let Some(log) = Log::open(&folder).await.map_err(&refused)? else {
                return match files::stranger(&folder)? {
                    None => Ok(None),
                    Some(found) => {
                        let found = found.strip_prefix(&self.folder).unwrap_or(&found).to_string_lossy();
                        Err(refused(format!("{} is no part of a Delta table of an export", visible(&found))))
                    }
                };
            };
            log.metadata().and_then(|metadata| schema::judge(metadata, table)).map_err(&refused)?;
            self.logs.insert(table, log);
        }
        Ok(self.logs.get(&table))
    }

    /// The paths, in the folder, of the files that a month of a table has by its log; none where there is no
    /// table.
    async fn active(
        &mut self,
        table: Table,
        period: BillingPeriod,
    ) -> Result<Option<Vec<String>>, ExportError> {
        let refused = refusing(&self.folder);
        let Some(log) = self.log(table).await? else { return Ok(None) };
        let files = log.files(period).map_err(refused)?;
        Ok(Some(files.into_iter().map(|file| format!("{table}/{}", file.path)).collect()))
    }

    async fn read_manifest(&mut self) -> Result<Option<Manifest>, ExportError> {
        self.begin()?;
        let kept = kept::read(&self.folder)?;
        let mut manifest = kept.clone();
        for table in Table::ALL {
            self.catch_up(table, kept.as_ref(), &mut manifest).await?;
        }
        if let Some(manifest) = manifest.as_ref().filter(|manifest| Some(*manifest) != kept.as_ref()) {
            kept::write(&self.folder, manifest)?;
        }
        Ok(manifest)
    }

    /// Enters what the log of a table has published and the manifest does not know, because a run was killed
    /// before it could write it, or because the manifest was lost.
    async fn catch_up(
        &mut self,
        table: Table,
        kept: Option<&Manifest>,
        manifest: &mut Option<Manifest>,
    ) -> Result<(), ExportError> {
        take_away(&files::draft(&self.table_folder(table)))?;
        let refused = refusing(&self.folder);
        let Some(log) = self.log(table).await? else { return Ok(()) };
        let missed = kept::missed(table, kept, log).await.map_err(&refused)?;
        if kept.is_none() || !missed.is_empty() {
            let published = log.published().await.map_err(&refused)?;
            kept::adopt(table, &missed, published, kept, manifest).map_err(&refused)?;
        }
        if let Some(manifest) = manifest {
            let origin = log.metadata().and_then(|metadata| schema::same_origin(metadata, table, manifest));
            origin.map_err(refused)?;
        }
        Ok(())
    }

    /// Brings the log up to date, because others may have written while the server was read; refuses a month
    /// that they changed, because what we decided was decided by what it was.
    async fn look_again(&mut self, table: Table, period: BillingPeriod) -> Result<(), ExportError> {
        let refused = refusing(&self.folder);
        let before = self.active(table, period).await?;
        if let Some(log) = self.logs.get_mut(&table) {
            log.refresh().await.map_err(&refused)?;
        }
        if self.active(table, period).await? != before {
            return Err(refused(log::SOMEBODY_ELSE.to_owned()));
        }
        Ok(())
    }

    /// Writes a month and commits it, where it does not stand already.
    async fn replace(&mut self, new: Replacement, manifest: &Manifest) -> Result<Entry, ExportError> {
        let refused = refusing(&self.folder);
        let table = new.slice.schema().table();
        let folder = self.table_folder(table);
        // Refuses what is not ours, or what others changed, before anything is written into it.
        self.look_again(table, new.slice.period()).await?;
        let file = self.write_rows(&new.slice, Origin::of(manifest)).await?;
        let entry = Entry { file, ..new.entry };
        let publication = Publication {
            folder: &folder,
            schema: new.slice.schema(),
            rows: new.slice.rows(),
            entry: &entry,
        };
        let log = publication.commit(self.logs.remove(&table), manifest).await.map_err(&refused)?;
        // Rows, the commit that names them, the manifest that tells of it: each is safe on the disk before the
        // next one is written.
        let commit = folder.join(log.newest_commit().map_err(refused)?);
        // Windows brings nothing to the disk by a file that was opened to be read.
        File::options()
            .write(true)
            .open(&commit)
            .and_then(|file| file.sync_all())
            .map_err(unwritable(&commit))?;
        sync_folder(&folder.join(log::FOLDER))?;
        self.logs.insert(table, log);
        a_test_may_end_here("committed");
        Ok(entry)
    }

    /// Writes the rows of a month as a file that no commit names yet; none where there are no rows.
    async fn write_rows(&self, slice: &Slice, origin: Origin) -> Result<Option<PublishedFile>, ExportError> {
        let folder = self.table_folder(slice.schema().table());
        make_folder(&folder)?;
        if slice.rows().num_rows() == 0 {
            return Ok(None);
        }
        let slice = slice.clone();
        blocking(move || files::write(&folder, &slice, &origin)).await.map(Some)
    }

    async fn read_rows(
        &mut self,
        schema: &Schema,
        entry: &Entry,
    ) -> Result<Option<RecordBatch>, ExportError> {
        let Some(paths) = self.active(schema.table(), entry.period).await? else { return Ok(None) };
        let paths: Vec<PathBuf> = paths.iter().map(|path| self.folder.join(path)).collect();
        let (schema, period) = (schema.clone(), entry.period);
        let read = move || match &paths[..] {
            [] => Some(RecordBatch::new_empty(schema.arrow())),
            [path] => parquet::read(File::open(path).ok()?, &schema, period),
            // Not as we write it; nobody asks for it, because it does not stand.
            _ => None,
        };
        Ok(blocking(read).await)
    }

    async fn is_as_told(&mut self, entry: &Entry) -> Result<bool, ExportError> {
        let Ok(table) = entry.table.parse::<Table>() else { return Ok(false) };
        let Some(active) = self.active(table, entry.period).await? else { return Ok(false) };
        let Some(file) = entry.file.clone() else { return Ok(active.is_empty()) };
        if active != [file.path.as_str()] {
            return Ok(false);
        }
        let path = self.folder.join(&file.path);
        blocking(move || holds(&path, &file)).await
    }
}

/// How messages name the target.
fn name(folder: &Path) -> String {
    format!("delta:{}", visible(&folder.to_string_lossy()))
}

/// What makes an error of a reason.
fn refusing(folder: &Path) -> impl Fn(String) -> ExportError + Send + Sync + use<> {
    let target = name(folder);
    move |reason| ExportError::Target { target: target.clone(), reason }
}

impl ExportSink for DeltaSink {
    fn name(&self) -> String {
        name(&self.folder)
    }

    fn manifest(&mut self) -> BoxFuture<'_, Result<Option<Manifest>, ExportError>> {
        Box::pin(self.read_manifest())
    }

    fn stands<'a>(&'a mut self, entry: &'a Entry) -> BoxFuture<'a, Result<bool, ExportError>> {
        Box::pin(self.is_as_told(entry))
    }

    fn rows<'a>(
        &'a mut self,
        schema: &'a Schema,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<RecordBatch>, ExportError>> {
        Box::pin(self.read_rows(schema, entry))
    }

    fn publish(
        &mut self,
        replacements: Vec<Replacement>,
        mut manifest: Manifest,
    ) -> BoxFuture<'_, Result<Manifest, ExportError>> {
        Box::pin(async move {
            for replacement in replacements {
                let entry = self.replace(replacement, &manifest).await?;
                let file = entry.file.clone();
                entered(&mut manifest, entry, file);
            }
            kept::write(&self.folder, &manifest)?;
            Ok(manifest)
        })
    }
}

/// Where a test ends the process, as a kill would.
#[cfg(not(test))]
fn a_test_may_end_here(_step: &str) {}

#[cfg(test)]
use tests::end::may_end_here as a_test_may_end_here;

#[cfg(test)]
mod tests;
