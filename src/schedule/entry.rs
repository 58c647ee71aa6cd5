//! A pipeline with its time, as it is kept, and the folder in which all of them are.
//!
//! What stands here says nothing about a server, a token or what the pipeline does: those are the
//! pipeline's and the profile's own. The names of files are slugs of our own making.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{slug, visible};
use crate::error::Error;

use super::When;
use super::files::{read_small, write_whole};

/// How much is read of what says when a pipeline runs.
const LONGEST: u64 = 64 * 1024;
/// The variables of folders that a timer and cron would not know.
const FOLDERS: [&str; 2] = ["XDG_CONFIG_HOME", "XDG_DATA_HOME"];

/// What starts a pipeline at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A timer of systemd, which catches up by itself.
    Systemd,
    /// A line of the crontab.
    Cron,
    /// Whoever calls `run --due`.
    Due,
}

/// A pipeline and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The pipeline, from the root on.
    pub pipeline: String,
    /// When, as it was written.
    pub at: String,
    /// What starts it.
    pub by: By,
    /// Whether it posts without asking.
    pub yes: bool,
    /// The program, from the root on.
    pub program: String,
    /// The folder of the store, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Whether it logs as JSON.
    #[serde(default)]
    pub log_json: bool,
    /// Variables of folders, as they were when it was installed.
    #[serde(default)]
    pub folders: BTreeMap<String, String>,
    /// Since when.
    pub installed: Timestamp,
}

impl Schedule {
    /// Its name: that of the pipeline in letters that mean nothing anywhere, and a hash of its path.
    pub fn name(&self) -> String {
        let path = Path::new(&self.pipeline);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        // A folder is named for what is in it; the file in it is called `pipeline.toml` everywhere.
        let folder = path.parent().and_then(|folder| folder.file_name()?.to_str());
        let told = if stem == "pipeline" { folder.unwrap_or(stem) } else { stem };
        slug(told, &self.pipeline)
    }

    /// The program and its arguments.
    pub fn words(&self) -> Vec<&str> {
        let mut words = vec![self.program.as_str(), "run", &self.pipeline, "--no-input"];
        words.extend(self.yes.then_some("--yes"));
        if let Some(store) = &self.store {
            words.extend(["--store", store]);
        }
        if self.log_json {
            words.extend(["--log", "json"]);
        }
        words
    }

    /// When it runs.
    pub fn when(&self) -> Result<When, Error> {
        When::parse(&self.at)
    }

    /// What is different in another schedule of the same pipeline, in words.
    pub fn changes(&self, new: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut change = |what: &str, old: &str, new: &str| {
            if old != new {
                changes.push(format!("{what} was {}, and is {}", visible(old), visible(new)));
            }
        };
        let (by, yes) =
            (|by: By| format!("{by:?}").to_lowercase(), |yes: bool| if yes { "given" } else { "not given" });
        let log = |is_json: bool| if is_json { "json" } else { "text" };
        let folder = |schedule: &Self, name: &str| schedule.folders.get(name).cloned().unwrap_or_default();
        change("the time", &self.at, &new.at);
        change("what starts it", &by(self.by), &by(new.by));
        change("--yes", yes(self.yes), yes(new.yes));
        change("the program", &self.program, &new.program);
        let store = |schedule: &Self| schedule.store.clone().unwrap_or_else(|| "the usual one".to_owned());
        change("the store", &store(self), &store(new));
        change("the log", log(self.log_json), log(new.log_json));
        for name in FOLDERS {
            change(name, &folder(self, name), &folder(new, name));
        }
        changes
    }
}

/// The folders that were named to this program, and that a timer and cron would not know.
pub fn folders() -> Result<BTreeMap<String, String>, Error> {
    let set = FOLDERS.into_iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some((name, PathBuf::from(value))).filter(|(_, value)| value.is_absolute())
    });
    set.map(|(name, value)| Ok((name.to_owned(), plain(&value, name)?))).collect()
}

/// A path that can be written into a unit and a crontab: text of one line.
pub fn plain(path: &Path, what: &str) -> Result<String, Error> {
    let shown = visible(&path.to_string_lossy()).to_string();
    let refused = |why: &str| {
        Error::setting(format!("{what} {shown} {why}"), "a schedule cannot name it; give it another name")
    };
    let text = path.to_str().ok_or_else(|| refused("is not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refused("has a line break or another control character in its name"));
    }
    Ok(text.to_owned())
}

/// The folder in which schedules are kept.
#[derive(Debug, Clone)]
pub struct Registry {
    folder: PathBuf,
}

impl Registry {
    /// The folder; there may be none yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// All schedules, by the path of their pipelines.
    pub fn all(&self) -> Result<Vec<Schedule>, Error> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(&self.folder, &error)),
        };
        let mut schedules = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&self.folder, &error))?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                schedules.push(read(&path)?);
            }
        }
        schedules.sort_by(|left, right| left.pipeline.cmp(&right.pipeline));
        Ok(schedules)
    }

    /// The schedule of a pipeline, by its path or by the name of the schedule.
    pub fn find(&self, named: &str) -> Result<Option<Schedule>, Error> {
        let is_it = |schedule: &Schedule| schedule.pipeline == named || schedule.name() == named;
        Ok(self.all()?.into_iter().find(is_it))
    }

    /// Keeps a schedule in the place of the one before.
    pub fn put(&self, schedule: &Schedule) -> Result<(), Error> {
        let path = self.path(schedule);
        // Serializing our own values to memory cannot fail.
        let text = serde_json::to_string_pretty(schedule).unwrap_or_default();
        std::fs::create_dir_all(&self.folder)
            .and_then(|()| write_whole(&path, format!("{text}\n").as_bytes(), 0o600))
            .map_err(|error| unwritable(&path, &error))
    }

    /// Forgets a schedule.
    pub fn take(&self, schedule: &Schedule) -> Result<(), Error> {
        let path = self.path(schedule);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unwritable(&path, &error)),
            _ => Ok(()),
        }
    }

    fn path(&self, schedule: &Schedule) -> PathBuf {
        self.folder.join(format!("{}.json", schedule.name()))
    }
}

fn read(path: &Path) -> Result<Schedule, Error> {
    let bytes = read_small(path, LONGEST).map_err(|error| unreadable(path, &error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let what = format!("{} is no schedule: {error}", visible(&path.to_string_lossy()));
        Error::setting(what, "take it away, and install the schedule again")
    })
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    let what = format!("{} cannot be read: {error}", visible(&path.to_string_lossy()));
    Error::setting(what, "check its rights")
}

/// A file of a schedule cannot be written.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    let what = format!("{} cannot be written: {error}", visible(&path.to_string_lossy()));
    Error::setting(what, "check the folder, its rights, and the room on the disk")
}

#[cfg(test)]
pub(super) fn schedule(pipeline: &str) -> Schedule {
    Schedule {
        pipeline: pipeline.to_owned(),
        at: "daily 02:30".to_owned(),
        by: By::Systemd,
        yes: false,
        program: "/usr/bin/waldur-usage".to_owned(),
        store: None,
        log_json: false,
        folders: BTreeMap::new(),
        installed: "2026-11-27T00:00:00Z".parse().unwrap(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_slugs_that_no_two_pipelines_share() {
        let name = |path: &str| schedule(path).name();
        assert!(name("/home/a/month-end.toml").starts_with("month-end-"));
        assert!(name("/home/a/Night Jobs/pipeline.toml").starts_with("night-jobs-"));
        assert_ne!(name("/home/a/month-end.toml"), name("/home/b/month-end.toml"));
        for path in ["/p/../../etc/x\"; rm -rf ~ %h $HOME.toml", "/p/ä ö.toml", "/p/-.toml", "/"] {
            let name = name(path);
            assert!(!name.starts_with('-') && name.len() <= 49, "{name}");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
        }
        assert!(name(&format!("/p/{}.toml", "x".repeat(200))).len() == 49);
    }

    #[test]
    fn a_path_of_two_lines_is_refused_and_shown_in_one() {
        for path in ["/a\nExecStartPre=/bin/sh", "/a\r", "/a\u{1b}[31m"] {
            let error = plain(Path::new(path), "the pipeline").unwrap_err().to_string();
            assert!(!error.contains(['\n', '\r', '\u{1b}']) && error.contains("control"), "{error}");
        }
        assert_eq!(plain(Path::new("/a b/ä%$"), "the pipeline").unwrap(), "/a b/ä%$");
    }

    #[test]
    fn what_is_kept_is_found_again_and_what_changed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(folder.path().join("schedules"));
        assert_eq!(registry.all().unwrap(), []);
        let (one, two) = (schedule("/p/b.toml"), schedule("/p/a.toml"));
        registry.put(&one).unwrap();
        registry.put(&two).unwrap();
        assert_eq!(registry.all().unwrap(), [two.clone(), one.clone()]);
        assert_eq!(registry.find("/p/b.toml").unwrap().as_ref(), Some(&one));
        assert_eq!(registry.find(&two.name()).unwrap().as_ref(), Some(&two));
        assert_eq!(registry.find("/p").unwrap(), None);
        let moved = Schedule { program: "/opt/waldur-usage".into(), yes: true, ..one.clone() };
        let told = [
            "--yes was not given, and is given",
            "the program was /usr/bin/waldur-usage, and is /opt/waldur-usage",
        ];
        assert_eq!(one.changes(&moved), told);
        assert_eq!(one.changes(&one), [""; 0]);
        registry.take(&one).unwrap();
        registry.take(&one).unwrap();
        assert_eq!(registry.all().unwrap(), [two]);
        std::fs::write(folder.path().join("schedules/x.json"), "{").unwrap();
        assert!(registry.all().unwrap_err().to_string().contains("x.json is no schedule"));
    }

    #[test]
    fn words_say_yes_only_where_it_was_given() {
        let plain = schedule("/p/a.toml");
        assert_eq!(plain.words(), ["/usr/bin/waldur-usage", "run", "/p/a.toml", "--no-input"]);
        let full = Schedule { yes: true, store: Some("/s".into()), log_json: true, ..plain };
        assert_eq!(full.words()[4..], ["--yes", "--store", "/s", "--log", "json"]);
    }
}
