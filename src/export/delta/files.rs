//! Files of rows in the folder of a table.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::domain::BillingPeriod;
use crate::warehouse::{PERIOD, PublishedFile, Slice};

use super::super::disk::{draft_of, make_folder, sync_folder, unreadable, unwritable, write_draft};
use super::super::parquet::Origin;
use super::super::{ExportError, parquet};
use super::a_test_may_end_here;
use super::log;

/// Where the rows of a month are written until their file is whole. Readers and `VACUUM` pass over a name that
/// begins with a point.
pub(super) fn draft(table: &Path) -> PathBuf {
    draft_of(&table.join(ROWS))
}

const ROWS: &str = "rows.parquet";

/// Writes the rows of a month into the folder of its table, as a file that no commit names yet.
pub(super) fn write(table: &Path, slice: &Slice, origin: &Origin) -> Result<PublishedFile, ExportError> {
    let written = write_draft(&table.join(ROWS), String::new(), |out| {
        a_test_may_end_here("draft begun");
        parquet::write(out, slice, origin)
    })?;
    a_test_may_end_here("draft whole");
    // Named by its bytes: a retry writes the same file, and one that a commit names never gets other bytes.
    let name = format!("part-{}.parquet", Uuid::new_v5(&Uuid::NAMESPACE_OID, written.sha256.as_bytes()));
    let partition = partition(slice.period());
    let folder = table.join(&partition);
    make_folder(&folder)?;
    // Put there again where it is there already, because what is new is not yet taken for a left-over.
    let place = folder.join(&name);
    fs::rename(draft(table), &place).map_err(unwritable(&place))?;
    sync_folder(&folder)?;
    a_test_may_end_here("rows in place");
    Ok(PublishedFile { path: format!("{}/{partition}/{name}", slice.schema().table()), ..written })
}

/// The folder of a month, as other writers of Delta Lake would name it.
pub(super) fn partition(period: BillingPeriod) -> String {
    format!("{PERIOD}={}", period.first_day())
}

/// What lies in the folder of a table that has no log yet and is no left-over of a run that was killed.
pub(super) fn stranger(table: &Path) -> Result<Option<PathBuf>, ExportError> {
    for path in paths(table)? {
        let own = name(&path);
        let month = own.strip_prefix(PERIOD).and_then(|rest| rest.strip_prefix('='));
        if month.is_some_and(|month| month.len() == 10 && month.parse::<BillingPeriod>().is_ok()) {
            let is_row_file = |path: &PathBuf| {
                name(path).starts_with("part-") && path.extension().is_some_and(|ending| ending == "parquet")
            };
            if let Some(found) = paths(&path)?.into_iter().find(|path| !is_row_file(path)) {
                return Ok(Some(found));
            }
        } else if path != draft(table) && own != log::FOLDER {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let read = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    read.map_err(unreadable(folder))
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
