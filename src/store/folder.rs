//! The folder and the file of a store, for their owner alone.
//!
//! Answers for the rights that others have; knows nothing of what the file holds. On systems
//! without such rights it only makes the folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

use super::StoreError;

/// Makes a folder that only its owner can look into, or makes one so.
///
/// A folder is closed to others only where it is ours and holds nothing but files whose names begin
/// with that of the store.
pub(super) fn make_private(folder: &Path, store: &str) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| StoreError::unusable(folder, error))?;
    close(folder, store)
}

/// Makes an empty file that only its owner can read, or makes one so. SQLite gives the files beside
/// it the same rights.
pub(super) fn make_file(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(path).and_then(|file| close_file(&file));
    made.map_err(|error| StoreError::unusable(path, error))
}

#[cfg(unix)]
fn close_file(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    if is_open_to_others(&file.metadata()?) {
        file.set_permissions(PermissionsExt::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_file(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    /// The rights of the group and of everybody.
    const OTHERS: u32 = 0o077;
    std::os::unix::fs::MetadataExt::mode(metadata) & OTHERS != 0
}

#[cfg(unix)]
fn close(folder: &Path, store: &str) -> Result<(), StoreError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let failed = |error| StoreError::unusable(folder, error);
    let metadata = folder.metadata().map_err(failed)?;
    if !is_open_to_others(&metadata) {
        return Ok(());
    }
    // A folder where everybody may put files of their own is nobody's alone, not even the super
    // user's.
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o1000 == 0;
    if !is_ours || !holds_only(folder, store).map_err(failed)? {
        return Err(StoreError::NotPrivate { path: folder.to_owned() });
    }
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).map_err(failed)
}

#[cfg(not(unix))]
fn close(_: &Path, _: &str) -> Result<(), StoreError> {
    Ok(())
}

#[cfg(unix)]
fn holds_only(folder: &Path, store: &str) -> io::Result<bool> {
    for entry in folder.read_dir()? {
        if !entry?.file_name().to_string_lossy().starts_with(store) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use crate::store::Store;
    use crate::store::StoreError;
    use crate::store::tests::{PLAN, new_run};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_store_is_for_its_owner_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("data").join("waldur-usage");
        let store = Store::open(&folder).unwrap();
        store.begin(&new_run(1), &PLAN).unwrap();
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 2, "SQLite's log is looked at too: {files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }

    #[test]
    fn an_open_folder_of_ours_is_closed_where_it_holds_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("store");
        drop(Store::open(&folder).unwrap());
        chmod(&folder, 0o755);
        chmod(&folder.join("store.sqlite"), 0o644);
        drop(Store::open(&folder).unwrap());
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("store.sqlite")), 0o600);
    }

    #[test]
    fn an_open_folder_that_holds_other_things_is_refused_and_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        chmod(root.path(), 0o755);
        fs::write(root.path().join("usage.csv"), "a").unwrap();
        let error = Store::open(root.path()).unwrap_err();
        assert!(matches!(&error, StoreError::NotPrivate { path } if path == root.path()), "{error}");
        assert_eq!(mode(root.path()), 0o755);
        assert!(!root.path().join("store.sqlite").exists());
        // Closed by its owner, it is as good as any.
        chmod(root.path(), 0o700);
        Store::open(root.path()).unwrap();
    }

    #[test]
    fn a_folder_where_everybody_may_write_is_refused_to_everybody() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("everybody");
        fs::create_dir(&folder).unwrap();
        chmod(&folder, 0o1777);
        assert!(matches!(Store::open(&folder), Err(StoreError::NotPrivate { .. })));
        assert_eq!(mode(&folder), 0o1777);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "x").unwrap();
        let error = Store::open(&path).unwrap_err();
        assert!(matches!(&error, StoreError::Unusable { path: named, .. } if *named == path), "{error}");
        assert!(error.to_string().contains("file"), "{error}");
    }
}
