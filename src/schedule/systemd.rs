//! The user's own manager of systemd: where its units stand, and what it is told.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::{Child, Said, find, words};
use crate::domain::visible;
use crate::error::Error;

use super::entry::unwritable;
use super::files::{read_small, write_whole};
use super::unit::{self, MARK};
use super::{Schedule, When};

const PATIENCE: Duration = Duration::from_secs(30);
const LONGEST_UNIT: u64 = 64 * 1024;

/// The units of this user.
#[derive(Debug, Clone)]
pub struct Systemd {
    folder: PathBuf,
}

/// What became of units that were written or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Whether a file is other than before.
    pub has_changed: bool,
    /// What has to be run by hand, because the manager does not answer.
    pub by_hand: Vec<String>,
}

/// How a unit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// As it was written.
    Whole,
    /// It is not there.
    Gone,
    /// Somebody changed it.
    Changed,
}

impl Systemd {
    /// In a folder of configuration, such as `~/.config`.
    pub fn new(configuration: &Path) -> Self {
        Self { folder: configuration.join("systemd").join("user") }
    }

    /// Whether there is systemd on this machine.
    pub fn is_here() -> bool {
        find("systemctl").is_some()
    }

    /// Writes the units of a schedule and lets the timer run.
    pub fn put(&self, schedule: &Schedule, when: &When) -> Result<Changed, Error> {
        let mut has_changed = false;
        for (path, text) in self.units(schedule, when)? {
            match old(&path)? {
                Some(old) if old == text.as_bytes() => continue,
                Some(old) if !old.starts_with(MARK.as_bytes()) => return Err(not_ours(&path)),
                _ => {}
            }
            std::fs::create_dir_all(&self.folder)
                .and_then(|()| write_whole(&path, text.as_bytes(), 0o644))
                .map_err(|error| unwritable(&path, &error))?;
            has_changed = true;
        }
        let timer = unit::name(schedule, "timer");
        let by_hand = tell(&[&["daemon-reload"], &["enable", "--now", &timer]])?;
        Ok(Changed { has_changed, by_hand })
    }

    /// Stops the timer of a schedule and takes its units away.
    pub fn take(&self, schedule: &Schedule) -> Result<Changed, Error> {
        let paths = ["timer", "service"].map(|ending| self.folder.join(unit::name(schedule, ending)));
        for path in &paths {
            if old(path)?.is_some_and(|old| !old.starts_with(MARK.as_bytes())) {
                return Err(not_ours(path));
            }
        }
        let timer = unit::name(schedule, "timer");
        let is_told = paths[0].exists() && tell(&[&["disable", "--now", &timer]])?.is_empty();
        // What lets it run is a link of this name, which stays where the manager does not answer.
        let link = self.folder.join("timers.target.wants").join(&timer);
        let mut has_changed = false;
        for path in paths.iter().chain(link.is_symlink().then_some(&link)) {
            match std::fs::remove_file(path) {
                Ok(()) => has_changed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unwritable(path, &error)),
            }
        }
        let mut by_hand = tell(&[&["daemon-reload"]])?;
        if !is_told && has_changed && !by_hand.is_empty() {
            by_hand.insert(0, format!("systemctl --user stop {timer}"));
        }
        Ok(Changed { has_changed, by_hand })
    }

    /// How the units of a schedule stand.
    pub fn standing(&self, schedule: &Schedule, when: &When) -> Result<Standing, Error> {
        for (path, text) in self.units(schedule, when)? {
            match old(&path)? {
                None => return Ok(Standing::Gone),
                Some(old) if old != text.as_bytes() => return Ok(Standing::Changed),
                Some(_) => {}
            }
        }
        Ok(Standing::Whole)
    }

    /// Whether the manager lets the timer run; `None` where it does not answer.
    pub fn is_enabled(schedule: &Schedule) -> Option<bool> {
        let said = systemctl(&["is-enabled", &unit::name(schedule, "timer")]).ok()?;
        match String::from_utf8_lossy(&said.stdout).trim() {
            "" => None,
            word => Some(word == "enabled"),
        }
    }

    /// The exit code of the last run that the manager started; `None` where it does not tell.
    pub fn last_code(schedule: &Schedule) -> Option<u8> {
        let service = unit::name(schedule, "service");
        let said =
            systemctl(&["show", "-p", "ExecMainExitTimestampMonotonic", "-p", "ExecMainStatus", &service]);
        let text = String::from_utf8(said.ok()?.stdout).ok()?;
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        // Before the first run the status is 0 and the time is 0 too.
        value("ExecMainExitTimestampMonotonic").filter(|moment| *moment != "0")?;
        value("ExecMainStatus")?.parse().ok()
    }

    fn units(&self, schedule: &Schedule, when: &When) -> Result<[(PathBuf, String); 2], Error> {
        let path = |ending| self.folder.join(unit::name(schedule, ending));
        Ok([(path("service"), unit::service(schedule)?), (path("timer"), unit::timer(schedule, when))])
    }
}

/// What is run to let a timer go.
pub fn enabling(schedule: &Schedule) -> String {
    format!("systemctl --user enable --now {}", unit::name(schedule, "timer"))
}

/// Whether the timers of this user run while nobody is logged in; `None` where nobody can tell.
pub fn lingers() -> Option<bool> {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok()?;
    let is_name = !user.is_empty() && !user.contains(['/', '\0']) && !user.starts_with('.');
    // The folder is made with the first user that lingers.
    let is_booted = Path::new("/run/systemd/system").is_dir();
    (is_name && is_booted).then(|| Path::new("/var/lib/systemd/linger").join(user).exists())
}

/// Tells the manager, one after the other; what it did not take is returned, to be run by hand.
fn tell(commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    let by_hand =
        |rest: &[&[&str]]| rest.iter().map(|words| format!("systemctl --user {}", words.join(" "))).collect();
    for (index, command) in commands.iter().enumerate() {
        let said = match systemctl(command) {
            Ok(said) if said.status.success() => continue,
            Ok(said) => said,
            Err(_) => return Ok(by_hand(&commands[index..])),
        };
        let why = said.last_words().unwrap_or_else(|| "it does not say why".to_owned());
        // A machine without a session of this user, such as a container or a call by sudo.
        let is_away = index == 0 || why.contains("connect to bus") || why.contains("not been booted");
        if is_away {
            return Ok(by_hand(&commands[index..]));
        }
        let what = format!("systemctl --user {} failed: {}", command.join(" "), visible(&why));
        return Err(Error::setting(what, "run it by hand, and look at `journalctl --user`"));
    }
    Ok(Vec::new())
}

fn systemctl(arguments: &[&str]) -> Result<Said, crate::child::ChildError> {
    let fixed = ["env", "LC_ALL=C", "systemctl", "--user", "--no-pager"];
    let command = words(fixed.iter().chain(arguments));
    Child { command: &command, input: &[], patience: PATIENCE, limit: 64 * 1024 }.run()
}

fn old(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match read_small(path, LONGEST_UNIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unwritable(path, &error)),
    }
}

fn not_ours(path: &Path) -> Error {
    let what =
        format!("{} was not written by waldur-usage, and is left alone", visible(&path.to_string_lossy()));
    Error::setting(what, "take it away, or give it another name")
}
