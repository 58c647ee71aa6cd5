//! Paths that stay inside a folder.
//!
//! A file that came from anywhere may name files beside it and below, and nothing else on the machine. Law:
//! what this returns lies in the folder, whatever links stand on the way when it is called; so it is called
//! again before each use.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::domain::is_invisible;

/// A path that does not stay inside its folder, or may not.
#[derive(Debug, thiserror::Error)]
pub enum Outside {
    /// There is nothing in it.
    #[error("an empty path names no file")]
    Empty,
    /// It begins at the root, or with a drive.
    #[error("an absolute path leads out of the folder")]
    Absolute,
    /// It goes up.
    #[error("`..` leads out of the folder")]
    Upwards,
    /// A pattern may stand for the way up.
    #[error("`.` with a wildcard may stand for `..`, which leads out of the folder")]
    Pattern,
    /// It begins with a tilde, which would be a folder of that name.
    #[error("`~` is not the home folder here, and that would be outside")]
    Home,
    /// It has a character that does not show.
    #[error("a path with a character that does not show")]
    Invisible,
    /// A link on the way leads out.
    #[error("{} is a link that leads out of the folder", crate::domain::visible(&.0.to_string_lossy()))]
    Link(PathBuf),
    /// What stands there is neither a file nor a folder.
    #[error("{} is neither a file nor a folder", crate::domain::visible(&.0.to_string_lossy()))]
    Special(PathBuf),
    /// What stands on the way cannot be looked at.
    #[error("{} cannot be looked at: {}", crate::domain::visible(&.0.to_string_lossy()), .1)]
    Unreadable(PathBuf, io::Error),
}

/// The place of a path that is written relative to a folder, without links; an error where it would lie
/// elsewhere. What it names need not be there.
pub fn within(folder: &Path, written: &Path) -> Result<PathBuf, Outside> {
    let text = written.to_string_lossy();
    if text.is_empty() {
        return Err(Outside::Empty);
    }
    if text.chars().any(is_invisible) {
        return Err(Outside::Invisible);
    }
    // What is harmless on this system may be opened on another one.
    let has_drive = text.as_bytes().get(1) == Some(&b':');
    if text.starts_with(['/', '\\']) || has_drive {
        return Err(Outside::Absolute);
    }
    if text.split(['/', '\\']).any(|part| part == "..") {
        return Err(Outside::Upwards);
    }
    if text.split(['/', '\\']).any(|part| part.starts_with('.') && part.contains(['*', '?', '['])) {
        return Err(Outside::Pattern);
    }
    let unreadable = |path: &Path, error| Outside::Unreadable(path.to_owned(), error);
    let root = folder.canonicalize().map_err(|error| unreadable(folder, error))?;
    let mut place = root.clone();
    for (number, component) in written.components().enumerate() {
        let part = match component {
            Component::CurDir => continue,
            Component::Normal(part) => part,
            Component::ParentDir => return Err(Outside::Upwards),
            Component::RootDir | Component::Prefix(_) => return Err(Outside::Absolute),
        };
        if number == 0 && part.to_string_lossy().starts_with('~') {
            return Err(Outside::Home);
        }
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.file_type().is_symlink() => {
                // A link to nothing would be made a file of, wherever it points.
                let target = place.canonicalize().map_err(|_| Outside::Link(place.clone()))?;
                if !target.starts_with(&root) {
                    return Err(Outside::Link(place));
                }
                place = target;
            }
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(unreadable(&place, error)),
        }
    }
    if place == root { Err(Outside::Empty) } else { Ok(place) }
}

/// Refuses a place in or below which anything is a link, or neither a file nor a folder: what is written there
/// could go elsewhere, or wait for ever.
pub fn plain_below(place: &Path) -> Result<(), Outside> {
    let unreadable = |path: &Path, error| Outside::Unreadable(path.to_owned(), error);
    let mut open = vec![place.to_owned()];
    while let Some(path) = open.pop() {
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(error) => return Err(unreadable(&path, error)),
        };
        if found.is_symlink() {
            return Err(Outside::Link(path));
        }
        if found.is_dir() {
            for entry in fs::read_dir(&path).map_err(|error| unreadable(&path, error))? {
                open.push(entry.map_err(|error| unreadable(&path, error))?.path());
            }
        } else if !found.is_file() {
            return Err(Outside::Special(path));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_inside_are_taken_whether_they_are_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("in")).unwrap();
        for (written, place) in [
            ("a.csv", "a.csv"),
            ("./in/a.csv", "in/a.csv"),
            ("new/deep/b.xlsx", "new/deep/b.xlsx"),
            ("in/*.csv", "in/*.csv"),
            ("dots..in..names.csv", "dots..in..names.csv"),
        ] {
            assert_eq!(within(&root, Path::new(written)).unwrap(), root.join(place), "{written}");
        }
    }

    #[test]
    fn paths_that_lead_out_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (written, what) in [
            ("", "empty"),
            (".", "empty"),
            ("/etc/passwd", "absolute"),
            ("\\\\server\\share\\a", "absolute"),
            ("C:\\a.csv", "absolute"),
            ("c:a.csv", "absolute"),
            ("../a.csv", "`..`"),
            ("a/../../b.csv", "`..`"),
            ("a\\..\\b.csv", "`..`"),
            ("a/..", "`..`"),
            (".?/outside/*", "`..`"),
            ("in/.*/x.csv", "`..`"),
            ("in\\.[.]\\x.csv", "`..`"),
            ("~/a.csv", "home"),
            ("~root/a.csv", "home"),
            ("a\u{202e}.csv", "show"),
            ("a\nb.csv", "show"),
        ] {
            let error = within(folder.path(), Path::new(written)).unwrap_err().to_string();
            assert!(error.contains(what), "{written:?}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_may_not_lead_out() {
        use std::os::unix::fs::symlink;
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("real")).unwrap();
        symlink(root.join("real"), root.join("inner")).unwrap();
        symlink(outside.path(), root.join("outer")).unwrap();
        symlink(outside.path().join("not-there"), root.join("dangling")).unwrap();
        symlink(root.join("outer"), root.join("twice")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("..", root.join("real").join("up")).unwrap();
        let at = |written: &str| within(&root, Path::new(written));
        assert_eq!(at("inner/a.csv").unwrap(), root.join("real/a.csv"));
        assert_eq!(at("real/up/real/a.csv").unwrap(), root.join("real/a.csv"));
        for written in ["outer/a.csv", "outer", "dangling", "twice/a.csv", "loop", "inner/up/outer/b"] {
            let error = at(written).unwrap_err();
            assert!(matches!(error, Outside::Link(_)), "{written}: {error}");
        }
        // A folder that is itself reached by a link is its own root.
        symlink(&root, outside.path().join("way")).unwrap();
        assert_eq!(within(&outside.path().join("way"), Path::new("a.csv")).unwrap(), root.join("a.csv"));
    }
}
