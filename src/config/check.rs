//! `config check`: everything that is wrong with the settings, each with its line.
//!
//! What is found has no value of a file in it where a secret could stand.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::{nearest, visible};
use crate::error::Error;
use crate::findings::Policy;
use crate::plan::ThresholdError;
use crate::reconcile::rules::Tolerance;
use crate::secret::TOKEN;
use crate::waldur::{ServerAddress, Token};

use super::document::{self, Document};
use super::folders::{resolve, user_file};
use super::project::{self, Project};
use super::schema::{Schema, USER};
use super::{Config, Server, Tokens, WrittenPolicy};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The key that it is about, as dots would write it.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// A file and what is wrong with it.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Whose it is.
    pub of: &'static str,
    /// Where it stands.
    pub path: String,
    /// Whether it is there.
    pub exists: bool,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl Fault {
    fn whole(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { line: None, key: String::new(), what: what.into(), hint: hint.into() }
    }

    fn at(document: &Document, keys: &[&str], what: impl Into<String>, hint: impl Into<String>) -> Self {
        let key = visible(&keys.join(".")).to_string();
        Self { line: document.line(keys), key, what: what.into(), hint: hint.into() }
    }

    fn of_error(document: &Document, keys: &[&str], error: &Error) -> Self {
        Self::at(document, keys, error.to_string(), error.hint().unwrap_or_default())
    }

    /// What stands against a text that cannot be read as settings.
    pub(super) fn of_toml(document: &Document, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| document.text.as_bytes().get(..span.start));
        let line = before.map(|before| memchr::memchr_iter(b'\n', before).count() + 1);
        let what = visible(error.message()).to_string();
        Self { line, key: String::new(), what, hint: "correct it".into() }
    }

    /// The error that stops a run where this is the first thing that is wrong.
    pub(super) fn error(&self, path: &Path) -> Error {
        Error::setting(format!("{}: {}", document::place(path, self.line), self.what), self.hint.clone())
    }
}

/// The error of a user's file that could not be read.
pub(super) fn refused(document: &Document, error: &toml::de::Error) -> Error {
    let faults = by_schema(document, &USER);
    let more = faults.len().saturating_sub(1);
    let fault = faults.into_iter().next().unwrap_or_else(|| Fault::of_toml(document, error));
    let hint = match more {
        0 => fault.hint.clone(),
        more => format!("{}; `waldur-usage config check` tells {more} more", fault.hint),
    };
    Fault { hint, ..fault }.error(&document.path)
}

/// What a schema does not allow, or why the file is no TOML.
pub(super) fn by_schema(document: &Document, schema: &Schema) -> Vec<Fault> {
    match document.tree() {
        Ok(tree) => schema.judge(&tree),
        Err(error) => {
            let what = visible(&error.message).to_string();
            vec![Fault { line: error.line, key: String::new(), what, hint: "correct it".into() }]
        }
    }
}

/// Judges the user's file and the project file. `typed` and `url` are what a flag or a variable says, as for
/// any run.
pub fn judge(typed: Option<&str>, url: Option<&str>) -> Vec<Judged> {
    let mut config = Config::default();
    let mut judged = Vec::new();
    if let Some(path) = user_file() {
        let (exists, faults) = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let document = Document { path: path.clone(), text };
                let mut faults = open_to_change(&path);
                faults.extend(of_user(&document, &mut config));
                (true, faults)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (false, Vec::new()),
            Err(error) => (true, vec![Fault::whole(error.to_string(), "check the path and its rights")]),
        };
        judged.push(Judged { of: "user", path: shown(&path), exists, faults: sorted(faults) });
    }
    if let Some(path) = project::find() {
        let faults = match project::text(&path) {
            Ok(text) => of_project(Document { path: path.clone(), text }, &config, typed, url),
            Err(error) => vec![Fault::whole(error.to_string(), error.hint().unwrap_or_default())],
        };
        judged.push(Judged { of: "project", path: shown(&path), exists: true, faults: sorted(faults) });
    }
    judged
}

fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy()).to_string()
}

fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| fault.line);
    faults
}

/// Whoever may change the file says where the token goes.
#[cfg(unix)]
fn open_to_change(path: &Path) -> Vec<Fault> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode());
    let what = "others may change this file, and so say where your token goes";
    if mode & 0o022 == 0 && !crate::secret::anybody_may_change(path) {
        return Vec::new();
    }
    vec![Fault::whole(what, "let it and its folder be yours: chown them, and chmod go-w")]
}

#[cfg(not(unix))]
fn open_to_change(_: &Path) -> Vec<Fault> {
    Vec::new()
}

/// What is wrong with the user's file. What can be read of it is judged by its meaning, too, and handed out.
fn of_user(document: &Document, config: &mut Config) -> Vec<Fault> {
    let mut faults = by_schema(document, &USER);
    let Ok(tree) = document.tree() else { return faults };
    let faulty: BTreeSet<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
    if let (true, Err(error)) = (faults.is_empty(), toml::from_str::<Config>(&document.text)) {
        return vec![Fault::of_toml(document, &error)];
    }
    *config = readable(tree.without(&faulty));
    config.user = Some(document.clone());
    faults.extend(by_meaning(document, config));
    faults
}

/// What of a file can be read, table by table: what is at fault in one hides nothing of the others.
fn readable(tree: Value) -> Config {
    let reads = |value: Value| serde_json::from_value::<Config>(value).is_ok();
    let Value::Object(mut tables) = tree else { return Config::default() };
    for name in ["servers", "targets"] {
        if let Some(Value::Object(entries)) = tables.get_mut(name) {
            entries.retain(|own, entry| reads(json!({ name: { own: entry } })));
        }
    }
    tables.retain(|name, table| reads(json!({ name: table })));
    serde_json::from_value(Value::Object(tables)).unwrap_or_default()
}

fn by_meaning(document: &Document, config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(name) = config.profile.as_ref().filter(|name| !config.servers.contains_key(*name)) {
        let error = config.no_server(name, false);
        faults.push(Fault::of_error(document, &["profile"], &error));
    }
    for (name, server) in &config.servers {
        of_server(document, config, name, server, &mut faults);
    }
    faults.extend(of_severities(document, &config.policy));
    for text in &config.policy.tolerances {
        if let Err(error) = text.parse::<Tolerance>() {
            let what = format!("`{}`: {error}", visible(text));
            let hint = "write 0.05, 1%, cpu=0.5 or money=0.02";
            faults.push(Fault::at(document, &["policy", "tolerances"], what, hint));
        }
    }
    for (key, error) in config.policy.guards.faults() {
        faults.push(of_guard(document, &["policy", "guards"], key, error));
    }
    for wrong in config.watch.faults(resolve) {
        let keys: Vec<&str> = ["watch"].into_iter().chain(wrong.keys).collect();
        faults.push(Fault::at(document, &keys, wrong.what, wrong.hint));
    }
    for (name, target) in &config.targets {
        if let Err(error) = target.judge(name) {
            faults.push(Fault::of_error(document, &["targets", name], &error));
        }
    }
    faults
}

/// The findings that there are not, or that cannot be graded so, each with its line.
pub(super) fn of_severities(document: &Document, policy: &WrittenPolicy) -> Vec<Fault> {
    let judged = policy.severities.iter().filter_map(|(name, severity)| {
        let error = Policy::new([(name.clone(), *severity)]).err()?;
        Some(Fault::at(document, &["policy", name], error.to_string(), error.hint()))
    });
    judged.collect()
}

/// A threshold that makes no sense, below these keys.
pub(super) fn of_guard(document: &Document, table: &[&str], key: &str, error: ThresholdError) -> Fault {
    let keys: Vec<&str> = table.iter().copied().chain([key]).collect();
    Fault::at(document, &keys, error.to_string(), "change it")
}

fn of_server(document: &Document, config: &Config, name: &str, server: &Server, faults: &mut Vec<Fault>) {
    // What is wrong with the policy's own is told there.
    let own = |(key, error): &(&str, ThresholdError)| match error {
        ThresholdError::Crossed => {
            server.guards.sets("lowest_percent") || server.guards.sets("highest_percent")
        }
        ThresholdError::Negative(_) | ThresholdError::AboveAll(_) => server.guards.sets(key),
    };
    for (key, error) in config.own_guards(Some(server)).faults().into_iter().filter(own) {
        let key = match error {
            ThresholdError::Crossed if !server.guards.sets("lowest_percent") => "highest_percent",
            _ => key,
        };
        faults.push(of_guard(document, &["servers", name, "guards"], key, error));
    }
    let keys = |key| ["servers", name, key];
    let mut note = |key, error: &Error| faults.push(Fault::of_error(document, &keys(key), error));
    let address = ServerAddress::parse(&server.url, false).map_err(Error::from);
    if let Err(error) = &address {
        note("url", error);
    }
    if let Err(error) = server.judge_zone() {
        note("time_zone", &error);
    }
    let currency = server.currency();
    if let Err(error) = &currency {
        note("currency", error);
    }
    let stand_in = || "EUR".parse().ok();
    if let (Some(_), Ok(currency)) = (&server.focus, currency)
        && let Err(error) = server.focus(currency.or_else(stand_in))
        && server.judge_zone().is_ok()
    {
        note("focus", &error);
    }
    if server.token_file.is_some() && server.token_command.is_some() {
        let what = "token_file and token_command are two ways to one token";
        note("token_command", &Error::setting(what, "leave one of them"));
    } else if let Some(path) = &server.token_file {
        let read = TOKEN.in_file(&resolve(path)).map_err(|(what, hint)| Error::setting(what, hint));
        if let Err(error) = read.and_then(|text| Ok(Token::new(&text)?)) {
            note("token_file", &error);
        }
    } else if server.token_command.is_none()
        && let Ok(address) = &address
        && let Err(error) = kept(name, address)
    {
        note("url", &error);
    }
}

/// A token that is kept for the server has to be of this address.
fn kept(name: &str, address: &ServerAddress) -> Result<(), Error> {
    let Some(tokens) = Tokens::of_user() else { return Ok(()) };
    match tokens.find(name)? {
        Some(record) => record.judge(address),
        None => Ok(()),
    }
}

fn of_project(document: Document, config: &Config, typed: Option<&str>, url: Option<&str>) -> Vec<Fault> {
    let project = match Project::of(document) {
        Ok(project) => project,
        Err(faults) => return faults,
    };
    let mut faults = Vec::new();
    match config.policy.grades().map(|own| project.lowered(&own)) {
        Ok(Ok(lowered)) => faults.extend(lowered),
        Ok(Err(error)) => faults.push(Fault::of_error(&project.document, &["policy"], &error)),
        // The user's own policy is at fault, and that is told with it.
        Err(_) => {}
    }
    if let Some(name) = project.profile.as_ref().filter(|name| !config.servers.contains_key(*name)) {
        let near = nearest(name, config.servers.keys().map(String::as_str));
        let hint = near.map_or_else(
            || "a project file picks a server of your own config.toml; add it there".to_owned(),
            |near| format!("did you mean {}?", visible(near)),
        );
        let what = format!("there is no profile `{}`", visible(name));
        faults.push(Fault::at(&project.document, &["profile"], what, hint));
    }
    let config = Config { projects: vec![project.clone()], ..config.clone() };
    let server = match config.chosen(typed, url) {
        Ok(chosen) => chosen.map(|chosen| chosen.server),
        // Its guards are told below, and everything else is told above.
        Err(_) => typed.or(project.profile.as_deref()).and_then(|name| config.servers.get(name)),
    };
    faults.extend(project.loosened(config.own_guards(server)));
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let document = Document { path: "config.toml".into(), text: text.into() };
        let faults = sorted(of_user(&document, &mut Config::default()));
        let line = |fault: Fault| {
            format!("{} {}: {} ({})", fault.line.unwrap_or_default(), fault.key, fault.what, fault.hint)
        };
        faults.into_iter().map(line).collect()
    }

    #[test]
    fn what_is_at_fault_in_one_table_hides_nothing_of_the_others() {
        let text = "profile = \"nowhere\"\n[servers.a]\ntimezone = \"UTC\"\n[servers.b]\nurl = \"https://b.example.org\"\n\
                    currency = \"EURO\"\n[targets.w]\nkind = \"postgress\"\n[policy]\nspke = \"deny\"\n";
        let found = faults(text);
        let lines: Vec<&str> = found.iter().filter_map(|fault| fault.split(' ').next()).collect();
        assert_eq!(lines, ["1", "2", "3", "6", "8", "10"], "{found:#?}");
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_line_and_what_was_meant() {
        let text = "\
profil = 'main'
[servers.main]
urls = 'https://a.example'
[servers.b]
url = 'ftp://b.example'
time_zone = 'Europe/Talinn'
currency = 'EURO'
offerings = 'HPC'
token = 'hunter2'
[servers.b.guards]
zeroed_percent = 120
lowered_row = 3
[policy]
spikes = 'deny'
spike = 'denny'
tolerances = ['0.05', 'lots']
[targets.w]
kind = 'postgres'
host = 'db'
port = 99999
tls = 'verify-ful'
password = 'hunter2'
";
        let told = faults(text);
        let expected = [
            "1 profil: there is no key `profil` (did you mean profile?)",
            "2 servers.main: servers.main lacks url (add it)",
            "3 servers.main.urls: there is no key `urls` (did you mean url?)",
            "5 servers.b.url: `ftp://b.example` is not the http or https address of a server",
            "6 servers.b.time_zone: no time zone is called Europe/Talinn",
            "7 servers.b.currency: the currency of the server in config.toml is `EURO`",
            "8 servers.b.offerings: servers.b.offerings must be a list",
            "9 servers.b.token: `token`: a token does not stand in config.toml",
            "11 servers.b.guards.zeroed_percent: zeroed_percent is above 100",
            "12 servers.b.guards.lowered_row: there is no key `lowered_row` (did you mean lowered_rows?)",
            "14 policy.spikes: there is no finding `spikes` (did you mean spike?)",
            "15 policy.spike: policy.spike must be one of allow, warn, deny (did you mean deny?)",
            "16 policy.tolerances: `lots`",
            "17 targets.w: target `w` of config.toml: database is missing (add it)",
            "20 targets.w.port: targets.w.port must be a number from 0 to 65535",
            "21 targets.w.tls: targets.w.tls must be one of verify-full, plaintext (did you mean verify-full?)",
            "22 targets.w.password: `password`: a password does not stand in config.toml",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told}\n{expected}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert_eq!(faults("a = [\n").len(), 1, "what is no TOML is one fault");
        assert!(faults("[servers.main]\nurl = 'https://a.example'\n").is_empty());
    }

    #[test]
    fn an_error_of_a_run_is_the_first_of_them() {
        let text = "[policie]\n[policy]\nspike = 1\n";
        let document = Document { path: "config.toml".into(), text: text.into() };
        let error = refused(&document, &toml::from_str::<Config>(text).unwrap_err());
        assert_eq!(error.to_string(), "config.toml line 1: there is no key `policie`");
        assert_eq!(error.hint().unwrap(), "did you mean policy?; `waldur-usage config check` tells 1 more");
    }

    #[cfg(unix)]
    #[test]
    fn a_token_file_is_read_and_its_rights_are_looked_at() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let of = |text: &str| {
            let file = path.display();
            faults(&format!("[servers.a]\nurl = 'https://a.example'\ntoken_file = '{file}'\n{text}"))
        };
        assert!(of("")[0].contains("No such file"), "{:?}", of(""));
        std::fs::write(&path, "hunter2\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(of("")[0].starts_with("3 servers.a.token_file: others may read token_file"), "{:?}", of(""));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(of("").is_empty());
        assert!(of("token_command = ['true']")[0].contains("two ways to one token"));
        std::fs::write(&path, "hunter2 hunter2\n").unwrap();
        let told = of("");
        assert!(told[0].contains("blank") && !told[0].contains("hunter2"), "{told:?}");
    }
}
