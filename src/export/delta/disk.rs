//! Files that are there whole or not at all, and that stay when the machine stops.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::domain::{BillingPeriod, Digest};
use crate::warehouse::{PERIOD, PublishedFile, Slice};

use super::super::ExportError;
use super::super::parquet_file;
use super::log;
use super::a_test_may_end_here;

/// Under which name a file of rows is written until it is whole. Readers and `VACUUM` pass over a name that
/// begins with a dot.
pub(super) const DRAFT: &str = ".draft.parquet";

/// How many bytes of a file are held at once.
const PIECE: usize = 256 * 1024;

/// What went wrong with a file or folder.
pub(super) fn error(action: &'static str, path: &Path, source: io::Error) -> ExportError {
    ExportError::File { action, path: path.to_owned(), source }
}

/// Makes a folder where it is missing.
pub(super) fn make_folder(folder: &Path) -> Result<(), ExportError> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_folder(parent)?;
    }
    match fs::create_dir(folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => Err(error("write", folder, source)),
        Ok(()) | Err(_) => sync_folder_of(folder),
    }
}

/// Brings what was written of a file, and its name, to the disk.
pub(super) fn sync(path: &Path) -> Result<(), ExportError> {
    // Windows brings nothing to the disk by a file that was opened to be read.
    let synced = File::options().write(true).open(path).and_then(|file| file.sync_all());
    synced.map_err(|source| error("write", path, source))?;
    sync_folder_of(path)
}

/// Takes a file away where it is there.
pub(super) fn take_away(path: &Path) -> Result<(), ExportError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(error("write", path, source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a file that takes the place of another, as one step.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), ExportError> {
    let draft = path.with_extension("draft");
    let write = || {
        let mut file = File::create(&draft)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| error("write", &draft, source))?;
    a_test_may_end_here("manifest drafted");
    put(&draft, path)?;
    a_test_may_end_here("manifest in place");
    Ok(())
}

/// Writes the rows of a month into the folder of its table.
pub(super) fn write_rows(folder: &Path, slice: &Slice, deployment: &str) -> Result<PublishedFile, ExportError> {
    let rows = slice.rows();
    let kept: Vec<usize> =
        (0..rows.num_columns()).filter(|at| slice.schema().columns()[*at].name != PERIOD).collect();
    let draft = folder.join(DRAFT);
    let failed = |source: io::Error| error("write", &draft, source);
    let file = File::create(&draft).map_err(failed)?;
    a_test_may_end_here("draft begun");
    let rows = rows.project(&kept).map_err(|fault| failed(io::Error::other(fault)))?;
    parquet_file::write(&file, &rows, deployment).map_err(|fault| failed(to_io(fault)))?;
    file.sync_all().map_err(failed)?;
    a_test_may_end_here("draft whole");
    let (bytes, sha256) = digest(&draft).map_err(failed)?;
    let partition = partition(slice.period());
    let name = format!("part-{}.parquet", Uuid::new_v5(&Uuid::NAMESPACE_OID, sha256.as_bytes()));
    make_folder(&folder.join(&partition))?;
    // A file of this name has these bytes; that it is new keeps it from those who take old files away that no
    // commit names.
    put(&draft, &folder.join(&partition).join(&name))?;
    a_test_may_end_here("rows in place");
    Ok(PublishedFile { path: format!("{}/{partition}/{name}", slice.schema().table()), bytes, sha256 })
}

/// The folder of a month, as other writers of Delta Lake would name it.
pub(super) fn partition(period: BillingPeriod) -> String {
    format!("{PERIOD}={}", period.first_day())
}

/// Whether a file is what the manifest says.
pub(super) fn is_as_published(path: &Path, file: &PublishedFile) -> bool {
    let is_as_long = fs::metadata(path).is_ok_and(|found| found.len() == file.bytes);
    is_as_long && digest(path).is_ok_and(|(_, sha256)| sha256 == file.sha256)
}

/// What lies in the folder of a table that has no log yet and is no left-over of a run that was killed.
pub(super) fn stranger(folder: &Path) -> Result<Option<PathBuf>, ExportError> {
    let read = |folder: &Path| match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let paths = |folder: &Path| read(folder).map_err(|source| error("read", folder, source));
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    for path in paths(folder)? {
        let own = name(&path);
        let month = own.strip_prefix(PERIOD).and_then(|rest| rest.strip_prefix('='));
        if month.is_some_and(|month| month.len() == 10 && month.parse::<BillingPeriod>().is_ok()) {
            let is_row_file = |path: &Path| name(path).starts_with("part-") && name(path).ends_with(".parquet");
            if let Some(found) = paths(&path)?.into_iter().find(|path| !is_row_file(path)) {
                return Ok(Some(found));
            }
        } else if own != DRAFT && own != log::FOLDER {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Gives a whole file its name.
fn put(draft: &Path, path: &Path) -> Result<(), ExportError> {
    fs::rename(draft, path).map_err(|source| error("write", path, source))?;
    sync_folder_of(path)
}

/// What a folder holds is on the disk once the folder is.
fn sync_folder_of(path: &Path) -> Result<(), ExportError> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Windows opens no folder, and keeps its names by itself.
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| error("write", folder, source))?;
    }
    Ok(())
}

/// How long a file is, and its SHA-256.
fn digest(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut digest, mut length) = (File::open(path)?, Digest::default(), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((length, digest.finish()));
        }
        digest.add(&piece[..read]);
        length += u64::try_from(read).map_err(io::Error::other)?;
    }
}

/// What Parquet says of a file that cannot be written is what the system said.
fn to_io(error: parquet::errors::ParquetError) -> io::Error {
    match error {
        parquet::errors::ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => *cause,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}
