//! Where secrets come from: the environment, a file of its owner alone, or a program that is asked.
//!
//! Nothing in here shows a secret, nor what was written where one belongs.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::child;
use crate::domain::visible;

/// How much is read of what holds a secret.
const LONGEST: u64 = 64 * 1024;
/// How long a command may take; somebody may have to touch a key.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What is wrong, and what to do.
pub type Unread = (String, &'static str);

/// What is looked for: the word for it, and the keys that say where it is.
#[derive(Debug, Clone, Copy)]
pub struct Secret {
    noun: &'static str,
    /// The key that names a variable.
    pub env: &'static str,
    /// The key that names a file.
    pub file: &'static str,
    /// The key that names a command.
    pub command: &'static str,
}

/// The password of a database.
pub const PASSWORD: Secret =
    Secret { noun: "password", env: "password_env", file: "password_file", command: "password_command" };

/// The token of a server.
pub const TOKEN: Secret =
    Secret { noun: "token", env: "token_env", file: "token_file", command: "token_command" };

/// What a webhook knows us by.
pub const OF_WEBHOOK: Secret =
    Secret { noun: "secret", env: "secret_env", file: "secret_file", command: "secret_command" };

impl Secret {
    /// The name of the variable is not shown: somebody may have written the secret in its place.
    pub fn in_environment(self, variable: &str) -> Result<String, Unread> {
        let is_name = !variable.is_empty() && !variable.contains(['=', '\0']);
        let text = std::env::var_os(variable).filter(|text| is_name && !text.is_empty());
        let what = format!("the variable that {} names", self.env);
        let text =
            text.ok_or_else(|| (format!("{what} is not set"), "set it where this program is started"))?;
        text.into_string().map_err(|_| not_text(&what))
    }

    /// A file that only its owner may read.
    pub fn in_file(self, path: &Path) -> Result<String, Unread> {
        let shown = visible(&path.to_string_lossy()).to_string();
        let key = self.file;
        let unreadable = |error: std::io::Error| {
            (format!("{key} {shown}: {error}"), "check the path; it is relative to config.toml")
        };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        if is_open_to_others(&file).map_err(unreadable)? {
            return Err((format!("others may read {key} {shown}"), "let it be yours alone: chmod 600"));
        }
        self.read(file, key)
    }

    /// What a program says: no shell reads the list, and the program has its time.
    pub fn by_command(self, command: &[String], patience: Duration) -> Result<String, Unread> {
        let hint = "run it by hand and look at what it says";
        let key = self.command;
        let Some((program, arguments)) = command.split_first() else {
            return Err((format!("{key} is empty"), "give a program and its arguments, as a list"));
        };
        let started = Command::new(program)
            .args(arguments)
            .env_remove(child::TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = started.map_err(|error| (format!("{key} cannot be started: {error}"), hint))?;
        let said = self.listen(&mut child).recv_timeout(patience);
        let Ok(said) = said else {
            // Whatever it waits for, nobody waits for it any more.
            let _ = child.kill();
            let _ = child.wait();
            let seconds = patience.as_secs();
            return Err((format!("{key} did not end its output within {seconds} seconds"), hint));
        };
        let ended = child.wait().map_err(|error| (format!("{key}: {error}"), hint))?;
        // One that says too much is not listened to, and may end by that.
        let said = said?;
        if ended.success() { Ok(said) } else { Err((format!("{key} ended with {ended}"), hint)) }
    }

    /// Reads what a command says, beside whoever waits for it.
    fn listen(self, child: &mut Child) -> mpsc::Receiver<Result<String, Unread>> {
        let (sender, receiver) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || sender.send(self.read(stdout, self.command)));
        }
        receiver
    }

    fn read(self, from: impl Read, what: &str) -> Result<String, Unread> {
        let mut bytes = Vec::new();
        let hint = "check that it can be read";
        from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| (format!("{what}: {error}"), hint))?;
        if bytes.len() as u64 > LONGEST {
            let (noun, hint) = (self.noun, "let it be the secret alone");
            return Err((format!("{what} says more than any {noun}"), hint));
        }
        String::from_utf8(bytes).map_err(|_| not_text(what))
    }
}

fn not_text(what: &str) -> Unread {
    (format!("{what} holds what is no text"), "let it be UTF-8")
}

/// Whether somebody may read a file for whom it is not meant.
///
/// A file of the super user's that a group may read and nobody else was given to that group: so it is that
/// Kubernetes gives a secret to a user without rights.
#[cfg(unix)]
pub fn is_open_to_others(file: &std::fs::File) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata()?;
    Ok(is_open(metadata.mode(), metadata.uid(), rustix::process::geteuid().as_raw()))
}

#[cfg(unix)]
fn is_open(mode: u32, owner: u32, user: u32) -> bool {
    let others = if owner == 0 && user != 0 { 0o037 } else { 0o077 };
    mode & others != 0 || is_of_another(owner, user)
}

/// Whoever owns a file may change it, whatever its mode says.
#[cfg(unix)]
fn is_of_another(owner: u32, user: u32) -> bool {
    owner != user && owner != 0
}

/// Whether anybody on this machine, or another owner, may put other words into a file: by its own rights, or by
/// those of its folder. What a group may do is left to whoever has put the file into it.
#[cfg(unix)]
pub fn anybody_may_change(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    const ANYBODY: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let user = rustix::process::geteuid().as_raw();
    let is_open = |own: &std::fs::Metadata| own.mode() & ANYBODY != 0 || is_of_another(own.uid(), user);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    path.metadata().is_ok_and(|file| is_open(&file))
        || folder.is_some_and(|folder| {
            folder.metadata().is_ok_and(|own| is_open(&own) && own.mode() & STICKY == 0)
        })
}

/// Whether anybody may put other words into a file: what rights say of it is not asked here.
#[cfg(not(unix))]
pub fn anybody_may_change(_: &Path) -> bool {
    false
}

/// Whether somebody may read a file for whom it is not meant: what rights say of it is not asked here.
#[cfg(not(unix))]
pub fn is_open_to_others(_: &std::fs::File) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_its_owner_alone_or_given_to_a_group_by_the_super_user() {
        let (me, other) = (65_532, 1000);
        for (mode, owner, is_refused) in [
            (0o600, me, false),
            (0o400, me, false),
            (0o440, me, true),
            (0o604, me, true),
            (0o440, other, true),
            (0o600, other, true),
            (0o440, 0, false),
            (0o640, 0, false),
            (0o660, 0, true),
            (0o444, 0, true),
        ] {
            assert_eq!(is_open(mode, owner, me), is_refused, "{mode:o} of {owner}");
        }
        assert!(is_open(0o440, 0, 0), "the super user needs no group");
    }

    #[test]
    fn what_anybody_may_change_is_told_by_the_file_and_its_folder() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "").unwrap();
        let with = |of_folder: u32, of_file: u32| {
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(of_folder)).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(of_file)).unwrap();
            anybody_may_change(&path)
        };
        assert!(!with(0o755, 0o644) && !with(0o775, 0o664) && !with(0o1777, 0o600));
        assert!(with(0o755, 0o646) && with(0o777, 0o600));
        assert!(!anybody_may_change(&folder.path().join("none/config.toml")));
    }

    #[test]
    fn a_command_has_its_time_and_its_size() {
        let ask = |command: &[&str], patience| {
            let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            TOKEN.by_command(&command, patience)
        };
        assert_eq!(ask(&["printf", "%s", "a b; c"], PATIENCE).unwrap(), "a b; c");
        let (what, _) = ask(&["sh", "-c", "sleep 30"], Duration::from_millis(50)).unwrap_err();
        assert_eq!(what, "token_command did not end its output within 0 seconds");
        let (what, _) = ask(&["head", "-c", "70000", "/dev/zero"], PATIENCE).unwrap_err();
        assert_eq!(what, "token_command says more than any token");
        let (what, _) = ask(&["sh", "-c", "echo hunter2; exit 3"], PATIENCE).unwrap_err();
        assert_eq!(what, "token_command ended with exit status: 3");
    }
}
