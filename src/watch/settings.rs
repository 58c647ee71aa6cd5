//! `[watch]` of `config.toml`: as it is written, and what of it is valid.
//!
//! It stands in the user's own file alone. A webhook is an address of https, or of this machine; what is
//! secret about it is never written there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use url::{Host, Url};

use crate::child::{self, TOKEN, words};
use crate::domain::visible;
use crate::error::Error;
use crate::secret::OF_WEBHOOK;

use super::Event;
use super::secret::{Secret, place};

/// The table as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenWatch {
    /// The folder of a textfile collector.
    metrics_folder: Option<PathBuf>,
    webhook: Option<WrittenWebhook>,
    program: Option<WrittenProgram>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWebhook {
    url: String,
    on: Option<BTreeSet<Event>>,
    /// The header that carries the secret.
    header: Option<String>,
    secret_env: Option<String>,
    secret_file: Option<PathBuf>,
    secret_command: Option<Vec<String>>,
    /// Not read: it is refused.
    secret: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProgram {
    command: Vec<String>,
    on: Option<BTreeSet<Event>>,
}

/// Who is told of runs, and how.
#[derive(Debug, Clone, Default)]
pub struct WatchSettings {
    pub(super) metrics_folder: Option<PathBuf>,
    pub(super) webhook: Option<Webhook>,
    pub(super) program: Option<Program>,
    pub(super) is_test: bool,
}

/// Where something is posted. It shows as the server alone: the rest of the address may be a secret.
#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) url: Url,
    pub(super) on: BTreeSet<Event>,
    pub(super) header: String,
    pub(super) secret: Option<Secret>,
}

/// A program that is started.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) command: Vec<OsString>,
    pub(super) on: BTreeSet<Event>,
}

/// Something of the table that is wrong: the keys below it, what, and what to do. No value is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchFault {
    /// The keys below `[watch]` that it is about.
    pub keys: Vec<&'static str>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: &'static str,
}

impl WatchFault {
    fn at(keys: &[&'static str], what: impl Into<String>, hint: &'static str) -> Self {
        Self { keys: keys.to_vec(), what: what.into(), hint }
    }

    /// The error that stops what needs the table.
    fn error(self) -> Error {
        let table = match self.keys.as_slice() {
            [table, _, ..] => format!(".{table}"),
            _ => String::new(),
        };
        Error::setting(format!("[watch{table}] of config.toml: {}", self.what), self.hint)
    }
}

impl WrittenWatch {
    /// What is valid of it. Paths are resolved as those of the file are.
    pub fn valid(&self, resolve: impl Fn(&Path) -> PathBuf) -> Result<WatchSettings, Error> {
        if let Some(first) = self.written_wrong().into_iter().next() {
            return Err(first.error());
        }
        let webhook = self.webhook.as_ref().map(|written| written.valid(&resolve)).transpose();
        let program = self.program.as_ref().map(WrittenProgram::valid).transpose();
        Ok(WatchSettings {
            metrics_folder: self.metrics_folder.as_deref().map(&resolve),
            webhook: webhook.map_err(WatchFault::error)?,
            program: program.map_err(WatchFault::error)?,
            is_test: false,
        })
    }

    /// Everything that is wrong with it, and with what it names on this machine: nobody is told of that in
    /// the night in which it would be needed. Nothing is sent and no program is started.
    pub fn faults(&self, resolve: impl Fn(&Path) -> PathBuf) -> Vec<WatchFault> {
        let mut faults = self.written_wrong();
        if let Some(folder) = self.metrics_folder.as_deref().map(&resolve).filter(|folder| !folder.is_dir()) {
            let what = format!("there is no folder {}", visible(&folder.to_string_lossy()));
            faults.push(WatchFault::at(&["metrics_folder"], what, "make it, or correct the path"));
        }
        if let Some(webhook) = &self.webhook {
            let file = webhook.secret_file.as_deref().map(&resolve);
            if let Some(Err((what, hint))) = file.map(|file| OF_WEBHOOK.in_file(&file)) {
                faults.push(WatchFault::at(&["webhook", "secret_file"], what, hint));
            }
            let command = webhook.secret_command.as_ref();
            if let Some(what) = command.and_then(|command| missing_program(command)) {
                faults.push(WatchFault::at(&["webhook", "secret_command"], what, PATH_HINT));
            }
        }
        if let Some(what) = self.program.as_ref().and_then(|program| missing_program(&program.command)) {
            faults.push(WatchFault::at(&["program", "command"], what, PATH_HINT));
        }
        faults
    }

    /// Everything that is wrong with what is written, whatever there is on this machine.
    fn written_wrong(&self) -> Vec<WatchFault> {
        let mut faults = Vec::new();
        if let Some(webhook) = &self.webhook {
            if webhook.secret.is_some() {
                faults.push(WatchFault::at(
                    &["webhook", "secret"],
                    "a secret stands in config.toml",
                    SECRETS,
                ));
            }
            faults.extend(webhook.address().err());
            // Where it is does not matter here.
            let secret = webhook.place(&Path::to_owned);
            faults.extend(webhook.header(!matches!(secret, Ok(None))).err());
            faults.extend(secret.err());
            faults.extend(events(webhook.on.as_ref(), "webhook").err());
        }
        if let Some(program) = &self.program {
            faults.extend(program.valid().err());
        }
        faults
    }
}

impl WrittenWebhook {
    fn valid(&self, resolve: &impl Fn(&Path) -> PathBuf) -> Result<Webhook, WatchFault> {
        let secret = self.place(resolve)?;
        let header = self.header(secret.is_some())?.to_owned();
        Ok(Webhook { url: self.address()?, on: events(self.on.as_ref(), "webhook")?, header, secret })
    }

    fn address(&self) -> Result<Url, WatchFault> {
        let hint = "write it as https://hooks.example.com/waldur";
        address(&self.url).map_err(|what| WatchFault::at(&["webhook", "url"], what, hint))
    }

    /// Where the secret is. The token of Waldur is no secret of a webhook: whoever is told would have it.
    fn place(&self, resolve: &impl Fn(&Path) -> PathBuf) -> Result<Option<Secret>, WatchFault> {
        let is_token = |name: &String| name.trim().eq_ignore_ascii_case(TOKEN);
        if self.secret_env.as_ref().is_some_and(is_token) {
            let what = format!("{TOKEN} is the token of Waldur, and not for a webhook");
            let hint = "name a variable with a secret that the webhook alone knows";
            return Err(WatchFault::at(&["webhook", "secret_env"], what, hint));
        }
        let key = match (&self.secret_env, &self.secret_file) {
            (Some(_), Some(_)) => "secret_file",
            _ => "secret_command",
        };
        let file = self.secret_file.as_deref().map(resolve);
        let secret = place(self.secret_env.clone(), file, self.secret_command.clone());
        secret.map_err(|what| WatchFault::at(&["webhook", key], what, "leave one of them, or none"))
    }

    fn header(&self, has_secret: bool) -> Result<&str, WatchFault> {
        let header = self.header.as_deref().unwrap_or("Authorization");
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let told = |what: String, hint| Err(WatchFault::at(&["webhook", "header"], what, hint));
        if header.is_empty() || !header.bytes().all(is_name) || is_taken(header) {
            let what = format!("`{}` is no header that can carry a secret", visible(header));
            return told(what, "leave it out, or name one such as X-Secret");
        }
        if self.header.is_some() && !has_secret {
            let what = "a header is named and no secret".to_owned();
            return told(what, "add secret_env, secret_file or secret_command");
        }
        Ok(header)
    }
}

impl WrittenProgram {
    fn valid(&self) -> Result<Program, WatchFault> {
        if self.command.first().is_none_or(String::is_empty) {
            let hint = "give a program and its arguments, as a list";
            return Err(WatchFault::at(&["program", "command"], "command names no program", hint));
        }
        Ok(Program { command: words(&self.command), on: events(self.on.as_ref(), "program")? })
    }
}

fn events(on: Option<&BTreeSet<Event>>, table: &'static str) -> Result<BTreeSet<Event>, WatchFault> {
    let on = on.cloned().unwrap_or_else(|| BTreeSet::from([Event::Failed, Event::Breaks]));
    let nothing = || WatchFault::at(&[table, "on"], "`on` names nothing", "name failed, breaks or done");
    if on.is_empty() { Err(nothing()) } else { Ok(on) }
}

/// What to do where a program is not there.
const PATH_HINT: &str = "give its whole path; a night job may have another PATH than your shell";

/// Why the program of a command cannot be started, where that can be seen. Its arguments may be secrets.
fn missing_program(command: &[String]) -> Option<String> {
    let program = command.first().filter(|program| !program.is_empty())?;
    let written = Path::new(program);
    let is_path = written.components().count() > 1;
    let is_there = if is_path { child::is_program(written) } else { child::find(program).is_some() };
    (!is_there).then(|| format!("there is no program {} that can be started", visible(program)))
}

const SECRETS: &str = "take it out, and name a variable with secret_env, a file of yours alone with \
    secret_file, or a command with secret_command";

impl WatchSettings {
    /// The same for a run that is made up: it says so, and leaves no metrics.
    pub fn for_test(self) -> Self {
        Self { is_test: true, ..self }
    }

    /// Whether nobody is to be told of anything.
    pub fn is_empty(&self) -> bool {
        self.metrics_folder.is_none() && self.webhook.is_none() && self.program.is_none()
    }
}

impl Webhook {
    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the webhook at {}", self.url.origin().ascii_serialization())
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Program {
    /// How it is called in messages; its arguments may be secrets.
    pub(super) fn name(&self) -> String {
        let name = self.command.first().map(|name| name.to_string_lossy().into_owned());
        format!("the program {}", name.unwrap_or_default())
    }
}

/// An address to which something may be posted. What is wrong with it does not show it.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.trim()).map_err(|error| format!("url is no address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("url holds a user name or a password".to_owned());
    }
    if url.host().is_none() || !(url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url)) {
        return Err("url is neither https nor on this machine".to_owned());
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Headers that say something else already.
fn is_taken(header: &str) -> bool {
    let taken = ["host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"];
    taken.contains(&header.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid(text: &str) -> Result<WatchSettings, String> {
        let written: WrittenWatch = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let resolve = |path: &Path| Path::new("/config").join(path);
        written.valid(resolve).map_err(|error| format!("{error} ({})", error.hint().unwrap_or_default()))
    }

    #[test]
    fn what_is_written_is_taken_and_the_rest_has_its_default() {
        assert!(valid("").unwrap().is_empty());
        let settings = valid(
            "metrics_folder = 'metrics'\n[webhook]\nurl = 'https://hooks.example.org/T0/secret'\n\
             secret_file = 'hook'\nheader = 'X-Secret'\n[program]\ncommand = ['notify', '$HOME']\non = ['done']",
        );
        let settings = settings.unwrap();
        assert_eq!(settings.metrics_folder.as_deref(), Some(Path::new("/config/metrics")));
        let webhook = settings.webhook.clone().unwrap();
        assert_eq!(webhook.on, BTreeSet::from([Event::Failed, Event::Breaks]));
        assert!(matches!(&webhook.secret, Some(Secret::File(path)) if path == Path::new("/config/hook")));
        assert_eq!(settings.program.as_ref().unwrap().on, BTreeSet::from([Event::Done]));
        // The rest of the address may be a secret.
        let shown = format!("{settings:?} {webhook}");
        assert!(shown.contains("https://hooks.example.org") && !shown.contains("T0"), "{shown}");
    }

    #[test]
    fn addresses_are_https_or_on_this_machine() {
        let url = |url: &str| valid(&format!("[webhook]\nurl = '{url}'"));
        for good in
            ["https://example.org/x?y", "http://127.0.0.1:9/x", "http://[::1]:9/", "http://localhost/"]
        {
            assert!(url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.org/hunter2",
            "http://localhost.example.org/hunter2",
            "http://127.0.0.1.example.org/hunter2",
            "ftp://example.org/hunter2",
            "file:///hunter2",
            "unix:/hunter2",
            "https://me:hunter2@example.org/",
            "https://hunter2@example.org/",
            "hooks.example.org/hunter2",
            "https://",
        ] {
            let error = url(bad).unwrap_err();
            assert!(error.contains("[watch.webhook]") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is_shown() {
        let url = "[webhook]\nurl = 'https://example.org'\n";
        for (text, what) in [
            (format!("{url}secret = 'hunter2'"), "a secret stands in config.toml"),
            (format!("{url}secret_env = 'hunter2'\nsecret_file = 'b'"), "three ways"),
            (format!("{url}header = 'X-Secret'"), "no secret"),
            (format!("{url}header = 'a b'\nsecret_env = 'A'"), "no header"),
            (format!("{url}header = 'Host'\nsecret_env = 'A'"), "no header"),
            (format!("{url}on = []"), "names nothing"),
            (format!("{url}secret_env = 'WALDUR_ACCESS_TOKEN'"), "the token of Waldur"),
            (format!("{url}secret_env = 'waldur_access_token'"), "the token of Waldur"),
            (format!("{url}on = ['broken']"), "broken"),
            (format!("{url}token = 'x'"), "token"),
            ("[program]\ncommand = []".to_owned(), "names no program"),
            ("[program]\ncommand = 'sh -c x'".to_owned(), "sequence"),
        ] {
            let error = valid(&text).unwrap_err();
            assert!(error.contains(what) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let faults = |text: &str| {
            let written: WrittenWatch = toml::from_str(text).unwrap();
            let faults = written.faults(|path| folder.path().join(path));
            assert!(faults.iter().all(|fault| !format!("{fault:?}").contains("hunter2")), "{faults:?}");
            faults.into_iter().map(|fault| fault.keys.join(".")).collect::<Vec<_>>()
        };
        assert_eq!(faults("metrics_folder = '.'\n[webhook]\nurl = 'https://example.org'"), [""; 0]);
        let text = "metrics_folder = 'none'\n[webhook]\nurl = 'http://me:hunter2@example.org'\nheader = 'a b'\n\
                    secret_env = 'A'\nsecret_file = 'none'\non = []\n[program]\ncommand = ['none-hunter1', 'hunter2']";
        let expected = [
            "webhook.url",
            "webhook.header",
            "webhook.secret_file",
            "webhook.on",
            "metrics_folder",
            "webhook.secret_file",
            "program.command",
        ];
        assert_eq!(faults(text), expected);
        let text = "[webhook]\nurl = 'https://example.org'\nsecret_command = ['/no/such/program', 'hunter2']";
        assert_eq!(faults(text), ["webhook.secret_command"]);
        #[cfg(unix)]
        assert_eq!(faults("[program]\ncommand = ['sh', '-c', 'hunter2']"), [""; 0]);
    }
}
