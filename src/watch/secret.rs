//! The secret of a webhook: in the environment, in a file of its owner alone, or told by a command.
//!
//! It is fetched when somebody is told, and not before: a command may ask its owner for something.

use std::path::PathBuf;

use crate::secret::{OF_WEBHOOK, PATIENCE};

/// Where a secret is.
#[derive(Clone)]
pub(super) enum Secret {
    /// In a variable of the environment.
    Environment(String),
    /// In a file.
    File(PathBuf),
    /// A command tells it.
    Command(Vec<String>),
}

impl Secret {
    /// Fetches it; the error shows neither the secret nor what was written where one belongs.
    pub(super) fn fetch(&self) -> Result<String, String> {
        let told = match self {
            Self::Environment(variable) => OF_WEBHOOK.in_environment(variable),
            Self::File(path) => OF_WEBHOOK.in_file(path),
            Self::Command(command) => OF_WEBHOOK.by_command(command, PATIENCE),
        };
        let text = told.map_err(|(what, hint)| format!("{what}; {hint}"))?;
        let text = text.trim();
        if text.is_empty() { Err("its secret is empty".to_owned()) } else { Ok(text.to_owned()) }
    }
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
        (None, None, Some(command)) => Ok(Some(Secret::Command(command))),
        _ => Err("secret_env, secret_file and secret_command are three ways to one secret".to_owned()),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_fetched_and_never_shown() {
        let command = |line: &str| Secret::Command(["sh", "-c", line].map(str::to_owned).into()).fetch();
        assert_eq!(command("echo 'Bearer hunter2; $HOME'").unwrap(), "Bearer hunter2; $HOME");
        assert!(command("echo hunter2; exit 3").unwrap_err().contains("exit status: 3"));
        assert!(command("true").unwrap_err().contains("empty"));
        assert!(command("head -c 70000 /dev/zero").unwrap_err().contains("more than any secret"));
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
