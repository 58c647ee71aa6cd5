//! The file of a world: whole or not there, and readable by its owner alone.
//!
//! It is written beside its place and renamed, so a half file is never taken for a world. On Unix
//! nobody else may read it from its first byte on: a copy of a server holds what is billed to whom.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use super::SandboxError;
use super::world::World;

impl World {
    /// Writes the world as a file; one that is there already is replaced only where that is wanted.
    pub fn write(&self, path: &Path, replace: bool) -> Result<(), SandboxError> {
        write(path, replace, self)
    }

    /// Refuses a path that a world would not be written to, before long work is done for it.
    pub fn may_be_written(path: &Path, replace: bool) -> Result<(), SandboxError> {
        match path.symlink_metadata() {
            Ok(metadata) if !replace || !metadata.is_file() => Err(SandboxError::Exists(path.to_owned())),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Writes whatever serializes as a world, or begins with one.
pub(super) fn write(path: &Path, replace: bool, world: &impl Serialize) -> Result<(), SandboxError> {
    World::may_be_written(path, replace)?;
    let mut draft = path.file_name().unwrap_or_default().to_owned();
    draft.push(format!(".{}.part", std::process::id()));
    let draft = path.with_file_name(draft);
    let written = private(&draft).and_then(|file| fill(file, world)).and_then(|()| {
        // Somebody else may have written it meanwhile.
        if replace || !path.exists() {
            std::fs::rename(&draft, path)
        } else {
            Err(io::ErrorKind::AlreadyExists.into())
        }
    });
    written.map_err(|source| {
        // What could not be written or renamed is of no use to anybody.
        let _ = std::fs::remove_file(&draft);
        SandboxError::Write { path: path.to_owned(), source }
    })
}

fn fill(file: File, world: &impl Serialize) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, file);
    serde_json::to_writer(&mut file, world)?;
    file.write_all(b"\n")?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Makes a file that nobody else can read; never opens one that is there.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
