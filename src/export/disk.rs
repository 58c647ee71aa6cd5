//! What targets on a disk share: drafts beside their place, what is known to be on the disk, and one run at a
//! time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::confined;
use crate::domain::Digest;
use crate::warehouse::{Manifest, PublishedFile};

use super::ExportError;

/// How much is read and written at once.
const BUFFER: usize = 1 << 18;

/// Does something that takes long where nobody waits for it.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The program is ending, and whoever waits here with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// An error of reading.
pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.to_owned();
    |source| ExportError::File { action: "read", path, source }
}

/// An error of writing.
pub(super) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.to_owned();
    |source| ExportError::File { action: "write", path, source }
}

/// Where a file is written before it takes its place. The point in front hides it from those who read all
/// files of a folder.
pub(super) fn draft_of(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".draft");
    path.with_file_name(name)
}

/// Whether a name is that of a draft.
pub(super) fn is_draft(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|name| name.strip_suffix(".draft").is_some())
}

/// Makes what happened to the names in a folder outlast a loss of power.
pub(super) fn sync_folder(folder: &Path) -> Result<(), ExportError> {
    // Elsewhere a folder cannot be opened, and its names are on the disk when they are changed.
    step();
    if cfg!(unix) {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable(folder))?;
    }
    Ok(())
}

/// Makes a folder with all that are above it.
pub(super) fn make_folder(folder: &Path) -> Result<(), ExportError> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    step();
    confined::judge(folder).and_then(|()| std::fs::create_dir_all(folder)).map_err(unwritable(folder))?;
    for made in missing {
        match made.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => sync_folder(parent)?,
            Some(_) | None => sync_folder(Path::new("."))?,
        }
    }
    Ok(())
}

/// A file that is hashed as it is written.
struct Hashed {
    file: File,
    digest: Digest,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        step();
        let written = self.file.write(part)?;
        self.digest.add(&part[..written]);
        self.bytes += u64::try_from(written).map_err(io::Error::other)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes the draft of a file, on the disk when this returns; what the manifest says of the file, which is
/// called `name` there. Nothing is left of what could not be written whole.
pub(super) fn write_draft(
    path: &Path,
    name: String,
    write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
) -> Result<PublishedFile, ExportError> {
    let draft = draft_of(path);
    step();
    let written = confined::write(&draft, OpenOptions::new().create(true)).and_then(|file| {
        let hashed = Hashed { file, digest: Digest::default(), bytes: 0 };
        let mut buffered = BufWriter::with_capacity(BUFFER, hashed);
        write(&mut buffered)?;
        let Hashed { file, digest, bytes } = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
        step();
        file.sync_all()?;
        Ok(PublishedFile { path: name, bytes, sha256: digest.finish() })
    });
    written.map_err(|error| {
        // The error that is told is the first one.
        let _ = std::fs::remove_file(&draft);
        unwritable(path)(error)
    })
}

/// Puts a draft in its place, whatever is there.
pub(super) fn put_in_place(path: &Path) -> Result<(), ExportError> {
    step();
    std::fs::rename(draft_of(path), path).map_err(unwritable(path))
}

/// Writes a file whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    write_draft(path, String::new(), |out| out.write_all(bytes))?;
    promote(&draft_of(path), path)
}

/// Takes a file away, where it is there.
pub(super) fn take_away(path: &Path) -> Result<(), ExportError> {
    step();
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(path)(error)),
        _ => Ok(()),
    }
}

/// Whether a file is there and has this content.
pub(super) fn holds(path: &Path, wanted: &PublishedFile) -> Result<bool, ExportError> {
    if !is_file(path)? {
        return Ok(false);
    }
    let file = File::open(path).map_err(unreadable(path))?;
    let metadata = file.metadata().map_err(unreadable(path))?;
    if !metadata.is_file() || metadata.len() != wanted.bytes {
        return Ok(false);
    }
    let mut file = BufReader::with_capacity(BUFFER, file);
    let (mut digest, mut part) = (Digest::default(), vec![0; BUFFER]);
    loop {
        match file.read(&mut part).map_err(unreadable(path))? {
            0 => return Ok(digest.finish() == wanted.sha256),
            read => digest.add(&part[..read]),
        }
    }
}

/// Puts a file in the place of another.
pub(super) fn promote(from: &Path, place: &Path) -> Result<(), ExportError> {
    step();
    std::fs::rename(from, place).map_err(unwritable(place))?;
    sync_folder(place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// The manifest that a file holds; `None` where there is no file.
pub(super) fn read_manifest(target: &str, path: &Path) -> Result<Option<Manifest>, ExportError> {
    if !is_file(path)? {
        return Ok(None);
    }
    let bytes = std::fs::read(path).map_err(unreadable(path))?;
    let manifest = Manifest::read(&bytes);
    manifest.map(Some).map_err(|source| ExportError::Manifest { target: target.to_owned(), source })
}

/// Whether there is a file, without opening it: what looks like one may never end, or never begin.
pub(super) fn is_file(path: &Path) -> Result<bool, ExportError> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(true),
        Ok(_) => Err(unreadable(path)(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(path)(error)),
    }
}

/// The text of a manifest.
pub(super) fn manifest_text(target: &str, manifest: &Manifest) -> Result<Vec<u8>, ExportError> {
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| ExportError::Manifest { target: target.to_owned(), source: error.into() })?;
    text.push(b'\n');
    Ok(text)
}

/// The right to write; given back when the file is dropped, also by a run that is killed.
pub(super) fn lock(target: &str, path: &Path) -> Result<File, ExportError> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is a link or no file; take it away");
        return Err(unwritable(path)(error));
    }
    let file = confined::write(path, OpenOptions::new().create(true)).map_err(unwritable(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ExportError::Busy { target: target.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unwritable(path)(error)),
    }
}

/// A step on the disk is about to be made. Tests end the program here, to see what is left.
#[cfg(not(test))]
fn step() {}

#[cfg(test)]
use super::kill_point::step;
