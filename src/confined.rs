//! Files that are written below a folder which may have come from anywhere.
//!
//! A path that was looked at can lead elsewhere a moment later, where somebody puts a link in the place of a
//! folder. Law: once a process is confined to a folder, a file below it gets content only if what was opened
//! is what stands there by a way without links. A rename needs no look of its own: the draft that it names is
//! not where another way leads.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder to which this process is confined, without links in its path.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Confines what this process writes below a folder. A process does the work of one pipeline, so the first
/// folder stands.
pub fn to(folder: &Path) -> io::Result<()> {
    let folder = folder.canonicalize()?;
    FOLDER.get_or_init(|| folder);
    Ok(())
}

/// Opens a file to be written from its beginning.
pub fn write(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // What another way leads to is not emptied before it is known for what it is.
    let file = options.write(true).truncate(false).open(path)?;
    if let Some(folder) = FOLDER.get() {
        stands_there(folder, path, &file)?;
    }
    let found = file.metadata()?;
    // One that is empty is left as it is, with its time.
    if found.is_file() && found.len() > 0 {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Refuses a path below the folder on whose way a link stands.
pub fn judge(path: &Path) -> io::Result<()> {
    FOLDER.get().map_or(Ok(()), |folder| has_no_link(folder, path))
}

fn has_no_link(folder: &Path, path: &Path) -> io::Result<()> {
    let Ok(below) = path.strip_prefix(folder) else { return Ok(()) };
    let mut place = folder.to_owned();
    for part in below {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_symlink() => return Err(led_away(&place)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a file that was opened is the one that stands at its path, by a way without links.
fn stands_there(folder: &Path, path: &Path, file: &File) -> io::Result<()> {
    if !path.starts_with(folder) {
        return Ok(());
    }
    has_no_link(folder, path)?;
    if is_same(&file.metadata()?, &fs::symlink_metadata(path)?) { Ok(()) } else { Err(led_away(path)) }
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Links take rights there that nobody has who merely put a file somewhere.
#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

fn led_away(path: &Path) -> io::Error {
    let shown = crate::domain::visible(&path.to_string_lossy()).to_string();
    let what = format!("{shown} has become a link, and nothing is written through it");
    io::Error::new(io::ErrorKind::PermissionDenied, what)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_is_opened_by_a_way_that_has_become_a_link() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (root, outside) = (folder.path().canonicalize().unwrap(), outside.path());
        fs::create_dir(root.join("in")).unwrap();
        for name in ["a.csv", "in/a.csv"] {
            let file = File::create(root.join(name)).unwrap();
            stands_there(&root, &root.join(name), &file).unwrap();
        }
        // Whatever is opened, it is not what stands there: the folder was exchanged, and back.
        fs::write(outside.join("a.csv"), "theirs").unwrap();
        let other = File::open(outside.join("a.csv")).unwrap();
        assert!(stands_there(&root, &root.join("in/a.csv"), &other).is_err());
        fs::rename(root.join("in"), root.join("was")).unwrap();
        symlink(outside, root.join("in")).unwrap();
        let error = stands_there(&root, &root.join("in/a.csv"), &other).unwrap_err();
        assert!(error.to_string().contains("has become a link"), "{error}");
        assert!(has_no_link(&root, &root.join("in/not-there/b.csv")).is_err());
        assert!(has_no_link(&root, &root.join("was/not-there/b.csv")).is_ok());
        // What the user's own file names lies elsewhere, and is not looked at.
        assert!(stands_there(&root, &outside.join("a.csv"), &other).is_ok());
    }
}
