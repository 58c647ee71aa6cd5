//! The project file, `waldur-usage.toml`: what a folder says to everybody who works in it, and to every
//! pipeline that stands in it.
//!
//! Somebody else may have made the folder, so the file can name a server of the user's own file, offerings,
//! and what is to be taken more strictly. It names no address, no token, nothing that is run and nothing that
//! is written; and it is read only where it stands, so that a link cannot show another file.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::visible;
use crate::error::Error;
use crate::findings::{Code, Policy};
use crate::plan::ThresholdError;

use super::check::{self, Fault};
use super::document::Document;
use super::guards::WrittenGuards;
use super::schema::PROJECT;
use super::{WrittenPolicy, folders};

/// Its name.
const NAME: &str = "waldur-usage.toml";
/// The size of a file of a few lines, with room for many offerings.
const LARGEST: u64 = 64 * 1024;

/// What a project file says.
#[derive(Debug, Clone)]
pub(super) struct Project {
    pub document: Document,
    pub profile: Option<String>,
    pub offerings: Option<Vec<String>>,
    policy: WrittenPolicy,
}

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenProject {
    profile: Option<String>,
    offerings: Option<Vec<String>>,
    #[serde(default)]
    policy: WrittenPolicy,
}

/// The project file of the folder in which the program runs: there, or the nearest one above it.
pub(super) fn find() -> Option<PathBuf> {
    find_from(&std::env::current_dir().ok()?)
}

/// The project files that count for a pipeline, which may be started from anywhere: that of its own folder
/// first, then that of the file that a link to it leads to, and that of the folder in which the program runs.
pub(super) fn find_all(pipeline: Option<&Path>) -> Vec<PathBuf> {
    let parent = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    };
    let target = pipeline.and_then(|path| path.canonicalize().ok());
    let folders = pipeline.into_iter().chain(target.as_deref()).map(parent);
    let mut files: Vec<PathBuf> = Vec::new();
    for path in folders.filter_map(|folder| find_from(&folder)).chain(find()) {
        if !files.contains(&path) {
            files.push(path);
        }
    }
    files
}

/// The project file of a folder: there, or the nearest one above it.
fn find_from(folder: &Path) -> Option<PathBuf> {
    let here = folder.canonicalize().ok()?;
    let home = folders::home().and_then(|home| home.canonicalize().ok());
    let files = searched(&here, home.as_deref()).into_iter().map(|folder| folder.join(NAME));
    files.into_iter().find(|path| path.symlink_metadata().is_ok())
}

/// The folders that are looked into: up to the root of the repository or the home folder. Outside of both,
/// folders above may be anybody's, and this one alone counts.
fn searched<'a>(here: &'a Path, home: Option<&Path>) -> Vec<&'a Path> {
    let is_last = |folder: &Path| home == Some(folder) || folder.join(".git").exists();
    match here.ancestors().position(is_last) {
        Some(last) => here.ancestors().take(last + 1).collect(),
        None => vec![here],
    }
}

/// The text of a project file.
pub(super) fn text(path: &Path) -> Result<String, Error> {
    let shown = visible(&path.to_string_lossy()).to_string();
    let unreadable =
        |source| Error::from(crate::source::SourceError::Unreadable { path: path.to_owned(), source });
    let metadata = path.symlink_metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        let what =
            format!("{shown} is a link or no file at all, and a project file is read only where it stands");
        return Err(Error::setting(what, "put the file itself there, or take it away"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::setting(format!("{shown} is larger than any project file"), "take it away"));
    }
    String::from_utf8(bytes).map_err(|_| Error::setting(format!("{shown} is no text"), "let it be UTF-8"))
}

impl Project {
    /// Reads a project file, and refuses what it must not say.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let document = Document { path: path.to_owned(), text: text(path)? };
        Self::of(document).map_err(|faults| {
            // There is at least one, or there would be no error.
            let fault = faults.into_iter().next();
            fault.map_or_else(|| Error::Bug("a project file was refused".into()), |fault| fault.error(path))
        })
    }

    /// What a file says, or everything that it must not say.
    pub fn of(document: Document) -> Result<Self, Vec<Fault>> {
        let faults = check::by_schema(&document, &PROJECT);
        if !faults.is_empty() {
            return Err(faults);
        }
        let written = toml::from_str::<WrittenProject>(&document.text);
        let WrittenProject { profile, offerings, policy } =
            written.map_err(|error| vec![Fault::of_toml(&document, &error)])?;
        let mut faults = check::of_severities(&document, &policy);
        // Alone, it does not say between which totals it is to be.
        let own = policy.guards.faults().into_iter().filter(|(_, error)| *error != ThresholdError::Crossed);
        faults.extend(own.map(|(key, error)| check::of_guard(&document, &["policy", "guards"], key, error)));
        if faults.is_empty() { Ok(Self { document, profile, offerings, policy }) } else { Err(faults) }
    }

    /// The severities that it sets.
    pub fn grades(&self) -> Result<Policy, Error> {
        self.policy.grades().map_err(|error| {
            let place = self.document.place(&["policy"]);
            Error::setting(format!("[policy] in {place}: {error}"), error.hint())
        })
    }

    /// The guards that it sets.
    pub fn guards(&self) -> WrittenGuards {
        self.policy.guards
    }

    /// The findings that it takes more lightly than the user's own policy.
    pub fn lowered(&self, own: &Policy) -> Result<Vec<Fault>, Error> {
        self.grades()?;
        let codes = self.policy.severities.iter();
        let codes = codes.filter_map(|(name, severity)| Some((Code::from_name(name)?, *severity)));
        let lowered = codes.filter(|(code, severity)| *severity < own.grade(*code));
        let told = lowered.map(|(code, severity)| Fault {
            line: self.document.line(&["policy", code.name()]),
            key: format!("policy.{code}"),
            what: format!("{code} is to be {severity} here, and is {} without this file", own.grade(code)),
            hint: format!(
                "a project file makes findings graver only; lower it in config.toml, or with --{severity}"
            ),
        });
        Ok(told.collect())
    }

    /// The thresholds that let more pass than those of the user, or that make no sense with them.
    pub fn loosened(&self, own: WrittenGuards) -> Vec<Fault> {
        let crosses = |guards: WrittenGuards| {
            guards.faults().into_iter().find(|(_, error)| *error == ThresholdError::Crossed)
        };
        // What makes no sense without this file is told of the user's own.
        let crossed = if crosses(own).is_none() { crosses(self.guards().over(own)) } else { None };
        let crossed = crossed.map(|(_, error)| {
            let key = if self.guards().sets("lowest_percent") { "lowest_percent" } else { "highest_percent" };
            check::of_guard(&self.document, &["policy", "guards"], key, error)
        });
        let told = self.policy.guards.loosened(own).into_iter().map(|key| Fault {
            line: self.document.line(&["policy", "guards", key]),
            key: format!("policy.guards.{key}"),
            what: format!("{key} would let more pass than without this file"),
            hint: "a project file makes guards stricter only; loosen them in config.toml, or with a flag"
                .into(),
        });
        told.chain(crossed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_count_up_to_a_repository_or_the_home_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let deep = root.join("home/repository/a/b");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(searched(&deep, None), [deep.as_path()], "nobody knows whose folders are above");
        let names = |folders: Vec<&Path>| folders.len();
        assert_eq!(names(searched(&deep, Some(&root.join("home")))), 4);
        std::fs::create_dir(root.join("home/repository/.git")).unwrap();
        assert_eq!(names(searched(&deep, Some(&root.join("home")))), 3);
        assert_eq!(names(searched(&root, Some(&root.join("home")))), 1, "home is below");
    }

    #[test]
    fn a_pipeline_has_the_project_file_of_its_own_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let folder = root.join("month-end");
        std::fs::create_dir(&folder).unwrap();
        let pipeline = folder.join("pipeline.toml");
        std::fs::write(&pipeline, "").unwrap();
        assert_eq!(find_all(Some(&pipeline)), find_all(None), "there is none");
        std::fs::write(folder.join(NAME), "").unwrap();
        let found = find_all(Some(&pipeline));
        assert_eq!(found[..1], [folder.join(NAME)], "before that of the current folder");
        assert_eq!(found[1..], find_all(None));
        #[cfg(unix)]
        {
            let link = root.join("link.toml");
            std::os::unix::fs::symlink(&pipeline, &link).unwrap();
            assert_eq!(find_all(Some(&link))[0], folder.join(NAME), "a link loses no guard");
        }
    }

    fn read(text: &str) -> Result<Project, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, text).unwrap();
        Project::read(&path)
    }

    #[test]
    fn what_it_must_not_say_is_refused_with_its_line_and_where_it_belongs() {
        for (text, line, hint) in [
            ("url = 'https://evil.example'", 1, "profile = \"NAME\""),
            ("profile = 'a'\ntoken_file = '/etc/token'", 2, "auth login"),
            ("token_command = ['sh', '-c', 'id']", 1, "auth login"),
            ("\n[servers.main]\nurl = 'https://evil.example'", 2, "profile = \"NAME\""),
            ("command = 'rm'", 1, "config.toml"),
            ("[watch.webhook]\nurl = 'https://evil.example'", 1, "config.toml"),
            ("out = '/etc/passwd'", 1, "flag"),
            ("store = '../../x'", 1, "flag"),
            ("[targets.x]\nkind = 'postgres'", 1, "[targets]"),
            ("password = 'hunter2'", 1, "config.toml"),
            ("time_zone = 'UTC'", 1, "config.toml"),
            ("[guards]\nlowered_rows = 1", 1, "[policy.guards]"),
            ("[policy]\ntolerances = ['100%']", 2, "config.toml"),
            ("[policy.guards]\nlowerd_rows = 1", 2, "did you mean lowered_rows?"),
            ("ofering = []", 1, "did you mean offerings?"),
        ] {
            let error = read(text).unwrap_err();
            let (what, told) = (error.to_string(), error.hint().unwrap());
            assert!(what.contains(&format!("{NAME} line {line}:")), "{what}");
            assert!(told.contains(hint), "{what}: {told}");
            assert!(!format!("{what}{told}").contains("hunter2") && !what.contains("evil"), "{what}");
        }
        let error = read(&"#".repeat(70_000)).unwrap_err();
        assert!(error.to_string().contains("larger than any project file"), "{error}");
    }

    #[test]
    fn it_makes_findings_graver_and_guards_stricter_only() {
        let project =
            read("[policy]\nspike = 'deny'\nother-month = 'deny'\n[policy.guards]\nlowered_rows = 3")
                .unwrap();
        assert_eq!(project.lowered(&Policy::default()).unwrap(), []);
        assert_eq!(project.loosened(WrittenGuards::default()), []);
        let project = read("[policy]\nspike = 'allow'").unwrap();
        let fault = &project.lowered(&Policy::default()).unwrap()[0];
        assert_eq!((fault.line, fault.key.as_str()), (Some(2), "policy.spike"));
        let project = read("[policy.guards]\nlowered_rows = 300").unwrap();
        assert_eq!(project.loosened(WrittenGuards::default())[0].line, Some(2));
        let error = read("[policy]\nspik = 'deny'").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean spike?");
        assert!(
            error.to_string().ends_with("waldur-usage.toml line 2: there is no finding `spik`"),
            "{error}"
        );
        let project = read("[policy.guards]\nhighest_percent = 60\nlowest_percent = 70").unwrap();
        let crossed = &project.loosened(WrittenGuards::default())[0];
        assert_eq!((crossed.line, crossed.key.as_str()), (Some(3), "policy.guards.lowest_percent"));
        assert_eq!(crossed.what, "lowest_percent is above highest_percent");
        let error = read("[policy.guards]\nlowered_rows = 1\nmax_money = -1").unwrap_err().to_string();
        assert!(error.ends_with("waldur-usage.toml line 3: max_money is below 0"), "{error}");
        let error = read("[policy.guards]\nmax_money = 'much'").unwrap_err().to_string();
        assert!(error.ends_with("line 2: policy.guards.max_money must be a decimal number"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "hunter2 = 1\n").unwrap();
        let path = folder.path().join(NAME);
        std::os::unix::fs::symlink(&secret, &path).unwrap();
        let error = Project::read(&path).unwrap_err();
        assert!(error.to_string().contains("is a link"), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
