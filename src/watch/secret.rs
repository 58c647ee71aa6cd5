//! The secret of a webhook: in the environment, in a file of its owner alone, or told by a command.
//!
//! It is fetched when somebody is told, and not before: a command may ask its owner for something.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::child::{Child, words};
use crate::domain::visible;

/// How much is read of what holds a secret.
const LONGEST: usize = 16 * 1024;
/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a secret is.
#[derive(Clone)]
pub(super) enum Secret {
    /// In a variable of the environment.
    Environment(String),
    /// In a file.
    File(PathBuf),
    /// A command tells it.
    Command(Vec<OsString>),
}

impl Secret {
    /// Fetches it; the error shows neither the secret nor what was written where one belongs.
    pub(super) fn fetch(&self) -> Result<String, String> {
        let text = match self {
            Self::Environment(variable) => from_environment(variable)?,
            Self::File(path) => from_file(path)?,
            Self::Command(command) => from_command(command)?,
        };
        let text = text.trim();
        if text.is_empty() { Err("its secret is empty".to_owned()) } else { Ok(text.to_owned()) }
    }
}

fn from_environment(variable: &str) -> Result<String, String> {
    let is_name = !variable.is_empty() && !variable.contains(['=', '\0']);
    let value = std::env::var_os(variable).filter(|_| is_name);
    let value = value.ok_or("the variable that secret_env names is not set")?;
    value.into_string().map_err(|_| "the variable that secret_env names holds what is no text".to_owned())
}

fn from_file(path: &Path) -> Result<String, String> {
    let told =
        |what: &dyn std::fmt::Display| format!("secret_file {}: {what}", visible(&path.to_string_lossy()));
    let file = File::open(path).map_err(|error| told(&error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(|error| told(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(told(&"others may read it; let it be yours alone: chmod 600"));
        }
    }
    let mut bytes = Vec::new();
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(|error| told(&error))?;
    if bytes.len() > LONGEST {
        return Err(told(&"it holds more than any secret"));
    }
    String::from_utf8(bytes).map_err(|_| told(&"it holds what is no text"))
}

fn from_command(command: &[OsString]) -> Result<String, String> {
    let child = Child { command, input: &[], patience: PATIENCE, limit: LONGEST };
    let said = child.run().map_err(|error| format!("secret_command: {error}"))?;
    if !said.status.success() {
        return Err(format!("secret_command ended with {}", said.status));
    }
    if said.is_cut {
        return Err("secret_command says more than any secret".to_owned());
    }
    String::from_utf8(said.stdout).map_err(|_| "secret_command says what is no text".to_owned())
}

/// The one place of a secret among three keys; the error is for whoever wrote them.
pub(super) fn place(
    variable: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
) -> Result<Option<Secret>, String> {
    match (variable, file, command) {
        (None, None, None) => Ok(None),
        (Some(variable), None, None) => Ok(Some(Secret::Environment(variable))),
        (None, Some(path), None) => Ok(Some(Secret::File(path))),
        (None, None, Some(command)) if command.first().is_none_or(String::is_empty) => {
            Err("secret_command names no program".to_owned())
        }
        (None, None, Some(command)) => Ok(Some(Secret::Command(words(command)))),
        _ => Err("secret_env, secret_file and secret_command are three ways to one secret".to_owned()),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_fetched_and_never_shown() {
        let command = |line: &str| Secret::Command(words(["sh", "-c", line])).fetch();
        assert_eq!(command("echo 'Bearer hunter2; $HOME'").unwrap(), "Bearer hunter2; $HOME");
        assert!(command("echo hunter2; exit 3").unwrap_err().contains("exit status: 3"));
        assert!(command("true").unwrap_err().contains("empty"));
        assert!(command("head -c 20000 /dev/zero").unwrap_err().contains("more than any secret"));
        for variable in ["", "hunter2", "A=hunter2"] {
            let error = Secret::Environment(variable.to_owned()).fetch().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2\n").unwrap();
        for (mode, is_taken) in [(0o644, false), (0o640, false), (0o600, true), (0o400, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let fetched = Secret::File(path.clone()).fetch();
            assert_eq!(fetched.is_ok(), is_taken, "{mode:o}");
            assert!(fetched.is_ok_and(|secret| secret == "hunter2") == is_taken);
        }
    }

    #[test]
    fn there_is_one_way_to_a_secret() {
        let command = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
        assert!(place(None, None, None).unwrap().is_none());
        assert!(place(Some("A".into()), None, None).unwrap().is_some());
        assert!(place(None, Some("b".into()), None).unwrap().is_some());
        assert!(place(None, None, command(&["pass"])).unwrap().is_some());
        assert!(place(Some("A".into()), Some("b".into()), None).is_err());
        assert!(place(None, None, command(&[])).is_err());
        assert!(place(None, None, command(&[""])).is_err());
    }
}
