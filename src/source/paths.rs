//! From what the user names to files: folders and patterns become the files that they stand for.

use std::path::{Path, PathBuf};

use super::SourceError;

/// What the files of a folder that are spreadsheets end in.
const ENDINGS: [&str; 8] = ["xlsx", "xlsm", "xlsb", "xls", "ods", "csv", "tsv", "parquet"];

/// Files, in the order in which they are read.
#[derive(Debug, Default)]
pub struct Paths {
    /// The files.
    pub files: Vec<PathBuf>,
    /// For each folder the files and folders in it that are not read.
    pub left: Vec<(PathBuf, Vec<String>)>,
}

/// Takes folders and patterns apart; any other path is taken as it is.
pub fn expand(given: &[PathBuf]) -> Result<Paths, SourceError> {
    let mut paths = Paths::default();
    for path in given {
        if path.is_dir() {
            paths.add_folder(path)?;
        } else if is_pattern(path) && !path.exists() {
            paths.add_pattern(path)?;
        } else {
            paths.files.push(path.clone());
        }
    }
    Ok(paths)
}

/// Whether a path has wildcards in it, which the shell did not expand.
pub fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// How patterns fit names.
const MATCHES: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// A pattern in a folder whose own name is taken as it is.
pub fn pattern_in(folder: &Path, pattern: &Path) -> PathBuf {
    PathBuf::from(glob::Pattern::escape(&folder.to_string_lossy())).join(pattern)
}

/// Whether a file of this path would be read where a file, a folder or a pattern is given.
pub fn may_read(given: &Path, path: &Path) -> bool {
    if given == path || given.is_dir() && path.parent() == Some(given) && is_spreadsheet(path) {
        return true;
    }
    let pattern = glob::Pattern::new(&given.to_string_lossy()).ok();
    pattern.filter(|_| is_pattern(given) && !given.exists()).is_some_and(|pattern| {
        let of_folder = path.parent().filter(|_| is_spreadsheet(path));
        pattern.matches_path_with(path, MATCHES)
            || of_folder.is_some_and(|folder| pattern.matches_path_with(folder, MATCHES))
    })
}

impl Paths {
    /// The spreadsheets of a folder, by name; folders in it stay closed.
    fn add_folder(&mut self, folder: &Path) -> Result<(), SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: folder.to_owned(), source };
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            entries.push(entry.map_err(unreadable)?.path());
        }
        entries.sort();
        let mut left = Vec::new();
        let before = self.files.len();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Spreadsheet programs put such files beside the ones that they have open.
            if name.starts_with('.') || name.starts_with("~$") {
                continue;
            }
            if entry.is_dir() {
                left.push(format!("{name}/"));
            } else if is_spreadsheet(&entry) && is_file(&entry) {
                self.files.push(entry);
            } else {
                left.push(name);
            }
        }
        if self.files.len() == before {
            return Err(SourceError::NoSpreadsheet { path: folder.to_owned() });
        }
        if !left.is_empty() {
            self.left.push((folder.to_owned(), left));
        }
        Ok(())
    }

    /// The files that a pattern fits, by name.
    fn add_pattern(&mut self, pattern: &Path) -> Result<(), SourceError> {
        let unreadable = |message: String| {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, message);
            SourceError::Unreadable { path: pattern.to_owned(), source }
        };
        let text = pattern.to_string_lossy();
        let found = glob::glob_with(&text, MATCHES).map_err(|error| unreadable(error.to_string()))?;
        let before = self.files.len();
        for path in found {
            let path = path.map_err(|error| unreadable(error.to_string()))?;
            if path.is_dir() {
                self.add_folder(&path)?;
            } else if is_file(&path) {
                self.files.push(path);
            } else {
                return Err(unreadable(format!("{} is no file", path.display())));
            }
        }
        if self.files.len() == before {
            return Err(SourceError::NoSpreadsheet { path: pattern.to_owned() });
        }
        Ok(())
    }
}

/// Whether it can be read to an end; a link to nothing is told when it is read.
fn is_file(path: &Path) -> bool {
    path.metadata().map_or(true, |found| found.is_file())
}

fn is_spreadsheet(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_patterns_become_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b.csv", "a.XLSX", "notes.pdf", ".hidden.csv", "~$a.xlsx", "c[1].csv"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        std::fs::create_dir(root.join("older")).unwrap();
        let shown = |given: &[PathBuf]| {
            let paths = expand(given).unwrap();
            let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            (paths.files.iter().map(name).collect::<Vec<_>>(), paths.left)
        };
        let left = vec![(root.to_owned(), vec!["notes.pdf".to_owned(), "older/".to_owned()])];
        assert_eq!(
            shown(&[root.to_owned()]),
            (vec!["a.XLSX".into(), "b.csv".into(), "c[1].csv".into()], left)
        );
        assert_eq!(shown(&[root.join("*.csv")]).0, ["b.csv", "c[1].csv"]);
        // A file may really be called so.
        assert_eq!(shown(&[root.join("c[1].csv")]).0, ["c[1].csv"]);
        assert!(matches!(expand(&[root.join("*.ods")]), Err(SourceError::NoSpreadsheet { .. })));
        assert!(matches!(expand(&[root.join("older")]), Err(SourceError::NoSpreadsheet { .. })));
    }
}
