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
        let walk = Walk::of(pattern).map_err(|error| unreadable(error.to_string()))?;
        let before = self.files.len();
        for path in walk.paths() {
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

/// The way through the folders that a pattern fits. It follows no link from its first wildcard on: a few links
/// that lead to each other are a tree without an end, and one may lead anywhere.
struct Walk {
    /// The folder that the parts before the first wildcard name.
    base: PathBuf,
    /// The parts from there on.
    parts: Vec<Part>,
}

/// A part of a pattern between separators.
enum Part {
    /// `**`: any folders, or none.
    Deep,
    Name(glob::Pattern),
}

impl Walk {
    fn of(pattern: &Path) -> Result<Self, glob::PatternError> {
        let mut walk = Self { base: PathBuf::new(), parts: Vec::new() };
        for component in pattern.components() {
            let text = component.as_os_str().to_string_lossy();
            match literal(&text).filter(|_| walk.parts.is_empty()) {
                Some(name) => walk.base.push(name),
                None if text == "**" => walk.parts.push(Part::Deep),
                None => walk.parts.push(Part::Name(glob::Pattern::new(&text)?)),
            }
        }
        Ok(walk)
    }

    fn paths(&self) -> impl Iterator<Item = walkdir::Result<PathBuf>> + '_ {
        let is_here = self.base.as_os_str().is_empty();
        let root = if is_here { Path::new(".") } else { &self.base };
        let is_deep = self.parts.iter().any(|part| matches!(part, Part::Deep));
        let depth = if is_deep { usize::MAX } else { self.parts.len() };
        let entries = walkdir::WalkDir::new(root).min_depth(1).max_depth(depth).sort_by_file_name();
        let names = move |entry: &walkdir::DirEntry| -> Vec<String> {
            let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
            below.iter().map(|name| name.to_string_lossy().into_owned()).collect()
        };
        let may_lead_on = move |entry: &walkdir::DirEntry| {
            entry.depth() == 0 || fits(&self.parts, &names(entry), !entry.file_type().is_dir())
        };
        // A folder that is there and cannot be read is told; none at all holds nothing.
        let entries = entries.into_iter().filter_entry(may_lead_on).filter(move |entry| {
            entry.as_ref().map_or_else(|error| error.depth() > 0 || root.exists(), |_| true)
        });
        entries.filter_map(move |entry| match entry {
            Ok(entry) if !fits(&self.parts, &names(&entry), true) => None,
            Ok(entry) if is_here => {
                Some(Ok(entry.path().strip_prefix(".").unwrap_or(entry.path()).to_owned()))
            }
            Ok(entry) => Some(Ok(entry.into_path())),
            Err(error) => Some(Err(error)),
        })
    }
}

/// Whether names of folders, one in the other, fit the parts of a pattern: all of them, or the first ones.
fn fits(parts: &[Part], names: &[String], to_the_end: bool) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some(_), None) if !to_the_end => true,
        (Some((Part::Deep, rest)), None) => fits(rest, names, to_the_end),
        (None, Some(_)) | (Some(_), None) => false,
        (Some((Part::Name(pattern), rest)), Some((name, below))) => {
            pattern.matches_with(name, MATCHES) && fits(rest, below, to_the_end)
        }
        (Some((Part::Deep, rest)), Some((name, below))) => {
            fits(rest, names, to_the_end) || !name.starts_with('.') && fits(parts, below, to_the_end)
        }
    }
}

/// The name that a part of a pattern stands for where it has no wildcard; one in brackets is none.
fn literal(part: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        let bracketed = rest.strip_prefix('[').and_then(|inner| {
            let one = inner.chars().next()?;
            Some((one, inner[one.len_utf8()..].strip_prefix(']')?))
        });
        match (first, bracketed) {
            ('[', Some((one, behind))) => {
                name.push(one);
                rest = behind;
            }
            ('*' | '?' | '[', _) => return None,
            _ => {
                name.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    Some(name)
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

    #[test]
    fn patterns_go_as_deep_as_they_say() {
        let folder = tempfile::tempdir().unwrap();
        // A folder whose name looks like a pattern is taken as it is.
        let root = folder.path().join("of [2026]");
        for name in ["a/x.csv", "a/b/x.csv", "a/b/c/y.csv", ".git/x.csv", "x.csv"] {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), "x").unwrap();
        }
        let found = |pattern: &str| match expand(&[pattern_in(&root, Path::new(pattern))]) {
            Ok(paths) => {
                let below = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                paths.files.iter().map(below).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string().split(' ').take(2).collect::<Vec<_>>().join(" "),
        };
        for (pattern, files) in [
            ("*.csv", "x.csv"),
            ("*/x.csv", "a/x.csv"),
            ("*/*/x.csv", "a/b/x.csv"),
            ("a/*/*.csv", "a/b/x.csv"),
            ("**/*.csv", "a/b/c/y.csv a/b/x.csv a/x.csv x.csv"),
            ("**/c/*.csv", "a/b/c/y.csv"),
            ("a/**/y.csv", "a/b/c/y.csv"),
            ("[ab]/[!y].csv", "a/x.csv"),
            (".git/*.csv", ".git/x.csv"),
            ("not-there/*.csv", "no spreadsheet"),
            ("*/*/*/*/*.csv", "no spreadsheet"),
        ] {
            assert_eq!(found(pattern), files, "{pattern}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pattern_follows_no_link() {
        use std::os::unix::fs::symlink;
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = folder.path();
        std::fs::write(outside.path().join("o.csv"), "x").unwrap();
        std::fs::write(root.join("x.csv"), "x").unwrap();
        for (to, link) in
            [(root, "s1"), (root, "s2"), (root, "s3"), (Path::new(".."), "up"), (outside.path(), "out")]
        {
            symlink(to, root.join(link)).unwrap();
        }
        let deep = "*/".repeat(14) + "x.csv";
        for pattern in [deep.as_str(), "**/o.csv", "o*/*.csv", "**/*.zzz"] {
            assert!(
                matches!(expand(&[root.join(pattern)]), Err(SourceError::NoSpreadsheet { .. })),
                "{pattern}"
            );
        }
        assert_eq!(expand(&[root.join("**/*.csv")]).unwrap().files, [root.join("x.csv")]);
        // What stands before the first wildcard is a name that somebody gave.
        assert_eq!(expand(&[root.join("out/*.csv")]).unwrap().files, [root.join("out/o.csv")]);
    }
}
