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

use crate::child::words;
use crate::domain::visible;
use crate::error::Error;

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

impl WrittenWatch {
    /// What is valid of it. Paths are resolved as those of the file are.
    pub fn valid(&self, resolve: impl Fn(&Path) -> PathBuf) -> Result<WatchSettings, Error> {
        let told = |table: &str, what: String, hint: &str| {
            Error::setting(format!("[watch{table}] of config.toml: {what}"), hint)
        };
        let events = |on: &Option<BTreeSet<Event>>, table: &str| {
            let on = on.clone().unwrap_or_else(|| BTreeSet::from([Event::Failed, Event::Breaks]));
            let nothing = || told(table, "`on` names nothing".to_owned(), "name failed, breaks or done");
            if on.is_empty() { Err(nothing()) } else { Ok(on) }
        };
        let webhook = |written: &WrittenWebhook| -> Result<Webhook, Error> {
            let told = |what: String, hint: &str| told(".webhook", what, hint);
            if written.secret.is_some() {
                return Err(told("a secret stands in config.toml".to_owned(), SECRETS));
            }
            let url = address(&written.url)
                .map_err(|what| told(what, "write it as https://hooks.example.com/waldur"))?;
            let file = written.secret_file.as_deref().map(&resolve);
            let secret = place(written.secret_env.clone(), file, written.secret_command.clone());
            let secret = secret.map_err(|what| told(what, "leave one of them, or none"))?;
            let header = written.header.as_deref().unwrap_or("Authorization");
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if header.is_empty() || !header.bytes().all(is_name) || is_taken(header) {
                let what = format!("`{}` is no header that can carry a secret", visible(header));
                return Err(told(what, "leave it out, or name one such as X-Secret"));
            }
            if written.header.is_some() && secret.is_none() {
                let what = "a header is named and no secret".to_owned();
                return Err(told(what, "add secret_env, secret_file or secret_command"));
            }
            Ok(Webhook { url, on: events(&written.on, ".webhook")?, header: header.to_owned(), secret })
        };
        let program = |written: &WrittenProgram| -> Result<Program, Error> {
            if written.command.first().is_none_or(String::is_empty) {
                let hint = "give a program and its arguments, as a list";
                return Err(told(".program", "command names no program".to_owned(), hint));
            }
            Ok(Program { command: words(&written.command), on: events(&written.on, ".program")? })
        };
        Ok(WatchSettings {
            metrics_folder: self.metrics_folder.as_deref().map(&resolve),
            webhook: self.webhook.as_ref().map(webhook).transpose()?,
            program: self.program.as_ref().map(program).transpose()?,
            is_test: false,
        })
    }
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
            (format!("{url}on = ['broken']"), "broken"),
            (format!("{url}token = 'x'"), "token"),
            ("[program]\ncommand = []".to_owned(), "names no program"),
            ("[program]\ncommand = 'sh -c x'".to_owned(), "sequence"),
        ] {
            let error = valid(&text).unwrap_err();
            assert!(error.contains(what) && !error.contains("hunter2"), "{text}: {error}");
        }
    }
}
