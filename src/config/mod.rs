//! The settings: `config.toml` in the user's configuration folder, and the project file of the folder in
//! which the program runs; of a pipeline, that of its own folder as well.
//!
//! A flag goes before the environment, that before the project file, and that before the user's file. A
//! project file comes with a folder that somebody else may have made, so it names nothing that a token could
//! follow, nothing that is run, and makes policy and guards stricter only (see `project`).

mod added;
mod check;
mod document;
mod explain;
mod folders;
mod guards;
mod keyring;
mod project;
mod schema;
mod target;
mod tokens;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::{Amount, Currency, nearest, visible};
use crate::error::Error;
use crate::export::PostgresTarget;
use crate::findings::{Policy, Severity};
use crate::plan::{ThresholdError, Thresholds, WrittenThresholds};
use crate::reconcile::rules::Tolerance;
use crate::secret;
use crate::waldur::{ServerAddress, Token};
use crate::warehouse::{FocusSettings, WrittenFocus};
use crate::watch::{WatchSettings, WrittenWatch};

use document::Document;
use guards::WrittenGuards;
use project::Project;
use target::WrittenTarget;

pub use added::add_server;
pub use check::{Judged, judge};
pub use explain::{Explained, Explanation, Given, Origin, explain};
pub use folders::{data, resolve, settings, user_file};
pub use target::NamedTarget;
pub use tokens::{Place as TokenPlace, Record as TokenRecord, Tokens};

/// The user's file as it is written, and beside it what the project file says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The server that is meant where no flag and no variable names one.
    profile: Option<String>,
    /// The servers, by the name that `--profile` takes.
    #[serde(default)]
    pub servers: BTreeMap<String, Server>,
    /// Databases and places for files that months are exported to, by the name that `--to target:NAME` takes.
    #[serde(default)]
    targets: BTreeMap<String, WrittenTarget>,
    /// Severities of findings, guards of all servers, and what may differ.
    #[serde(default)]
    policy: WrittenPolicy,
    /// Who is told how runs ended.
    #[serde(default)]
    watch: WrittenWatch,
    /// The file itself, where there is one.
    #[serde(skip)]
    user: Option<Document>,
    /// What the project files say; where two say something else, the first one counts, and of guards and
    /// findings the stricter.
    #[serde(skip)]
    projects: Vec<Project>,
}

/// The policy as it is written: tables and lists of its own, and a severity for each finding that is named.
#[derive(Debug, Clone, Default, Deserialize)]
struct WrittenPolicy {
    /// From what on a plan is refused, for every server.
    #[serde(default)]
    guards: WrittenGuards,
    /// What may differ in a reconciliation, as `--tolerance` takes it.
    #[serde(default)]
    tolerances: Vec<String>,
    /// Severities by finding.
    #[serde(flatten)]
    severities: BTreeMap<String, Severity>,
}

impl WrittenPolicy {
    fn grades(&self) -> Result<Policy, crate::findings::PolicyError> {
        Policy::new(self.severities.iter().map(|(name, severity)| (name.clone(), *severity)))
    }
}

/// One server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its address.
    pub url: String,
    /// A file that holds the token alone.
    pub token_file: Option<PathBuf>,
    /// A program, and its arguments, that says the token.
    pub token_command: Option<Vec<String>>,
    /// The time zone in which its months turn.
    pub time_zone: Option<String>,
    /// The currency of its prices.
    currency: Option<String>,
    /// The offerings in scope where no flag names any.
    #[serde(default)]
    offerings: Vec<String>,
    /// From what on a plan is refused, where that differs from the policy's.
    #[serde(default)]
    guards: WrittenGuards,
    /// What `--shape focus` says that Waldur does not.
    focus: Option<WrittenFocus>,
}

impl Server {
    /// The currency of its prices, where it is given.
    pub fn currency(&self) -> Result<Option<Currency>, Error> {
        let read = |text: &String| {
            text.parse().map_err(|_| {
                let what = format!("the currency of the server in config.toml is `{}`", visible(text));
                Error::setting(what, "give its three letters, such as EUR")
            })
        };
        self.currency.as_ref().map(read).transpose()
    }

    /// What `--shape focus` needs. The currency of the profile goes before the one that the server tells.
    pub fn focus(&self, told: Option<Currency>) -> Result<FocusSettings, Error> {
        let zone = self.time_zone.as_deref().map_or(Ok(TimeZone::UTC), TimeZone::get);
        // A zone that does not exist is refused as soon as the profile is asked for.
        let zone =
            zone.map_err(|error| Error::setting(error.to_string(), "correct time_zone in config.toml"))?;
        Ok(FocusSettings::new(self.focus.clone().unwrap_or_default(), self.currency()?.or(told), zone)?)
    }

    fn judge_zone(&self) -> Result<(), Error> {
        match self.time_zone.as_deref().filter(|zone| TimeZone::get(zone).is_err()) {
            None => Ok(()),
            Some(zone) => Err(Error::setting(
                format!("no time zone is called {}", visible(zone)),
                "name it in config.toml as the IANA database does, such as Europe/Tallinn or UTC",
            )),
        }
    }
}

/// The server of a run: its name in `config.toml`, what is written there, and whether the project file
/// chose it.
#[derive(Debug, Clone, Copy)]
pub struct Chosen<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is written.
    pub server: &'a Server,
    /// The project file, where that one chose it.
    pub by_project: Option<&'a Path>,
}

impl Config {
    /// Reads the user's file and the project file of the current folder, where there are any.
    pub fn read() -> Result<Self, Error> {
        Self::read_for(None)
    }

    /// The same for a pipeline, where one is run: the project file of its own folder counts wherever the
    /// program was started, and that of the current folder besides.
    pub fn read_for(pipeline: Option<&Path>) -> Result<Self, Error> {
        let mut config = Self::read_user()?;
        for path in project::find_all(pipeline) {
            let project = Project::read(&path)?;
            config.tightened_by(&project)?;
            config.projects.push(project);
        }
        Ok(config)
    }

    /// Reads the user's file alone.
    pub fn read_user() -> Result<Self, Error> {
        user_file().map_or_else(|| Ok(Self::default()), |path| Self::of_file(&path))
    }

    /// Reads the user's file.
    fn of_file(path: &Path) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(crate::source::SourceError::Unreadable { path: path.to_owned(), source }.into());
            }
        };
        if secret::anybody_may_change(path) {
            let shown = visible(&path.to_string_lossy()).to_string();
            let what = format!("anybody may change {shown}, and so say where your token goes");
            return Err(Error::setting(what, "let it and its folder be yours: chown them, and chmod go-w"));
        }
        let document = Document { path: path.to_owned(), text };
        match toml::from_str::<Self>(&document.text) {
            Ok(config) => Ok(Self { user: Some(document), ..config }),
            Err(error) => Err(check::refused(&document, &error)),
        }
    }

    /// Refuses a project file that lets more pass than the user's own policy.
    fn tightened_by(&self, project: &Project) -> Result<(), Error> {
        let own = self.policy.grades();
        let own =
            own.map_err(|error| Error::setting(format!("[policy] in config.toml: {error}"), error.hint()))?;
        let lowered = project.lowered(&own)?.into_iter().next();
        lowered.map_or(Ok(()), |fault| Err(fault.error(&project.document.path)))
    }

    /// The server that is meant: the one that was typed or is named by a variable, else the one that the
    /// project file or the user's file names. Where an address was typed, a file's choice counts only if it
    /// is that same server: nobody wants the offerings of another one.
    pub fn chosen(&self, typed: Option<&str>, url: Option<&str>) -> Result<Option<Chosen<'_>>, Error> {
        let by_project = self.picking().filter(|_| typed.is_none());
        let of_project = by_project.and_then(|project| project.profile.as_deref());
        let Some(name) = typed.or(of_project).or(self.profile.as_deref()) else { return Ok(None) };
        let Some((name, server)) = self.servers.get_key_value(name) else {
            return Err(self.no_server(name, typed.is_none()));
        };
        let is_other = |url: &str| {
            let address = |text: &str| ServerAddress::parse(text, true).ok();
            address(url) != address(&server.url)
        };
        if typed.is_none() && url.is_some_and(is_other) {
            return Ok(None);
        }
        let server = self.server(name)?;
        self.judge_guards(Some(server))?;
        let by_project = by_project.map(|project| project.document.path.as_path());
        Ok(Some(Chosen { name, server, by_project }))
    }

    /// A server by name.
    pub fn server(&self, name: &str) -> Result<&Server, Error> {
        let server = self.servers.get(name).ok_or_else(|| self.no_server(name, false))?;
        server.judge_zone()?;
        Ok(server)
    }

    /// The project file that picks a server.
    fn picking(&self) -> Option<&Project> {
        self.projects.iter().find(|project| project.profile.is_some())
    }

    fn no_server(&self, name: &str, is_by_file: bool) -> Error {
        let near = nearest(name, self.servers.keys().map(String::as_str));
        let hint = near.map_or_else(
            || format!("add [servers.{}] to {}", visible(name), shown_user_file()),
            |near| format!("did you mean {}?", visible(near)),
        );
        let mut what = format!("there is no profile `{}`", visible(name));
        if is_by_file {
            let document = self.picking().map(|project| &project.document).or(self.user.as_ref());
            what = document.map_or(what.clone(), |document| {
                format!("{what}, which {} names", document.place(&["profile"]))
            });
        }
        Error::setting(what, hint)
    }

    /// A target, by name; the password of a database is fetched.
    pub fn target(&self, name: &str) -> Result<NamedTarget, Error> {
        self.written_target(name)?.valid(name)
    }

    /// A database to export to, by name; its password is fetched.
    pub fn postgres(&self, name: &str) -> Result<PostgresTarget, Error> {
        self.judge_target("postgres", name)?;
        match self.target(name)? {
            NamedTarget::Database(target) => Ok(*target),
            NamedTarget::Files { .. } => Err(Error::Bug("a folder is no database".into())),
        }
    }

    /// What is written to a target, where it is a folder or a file.
    pub fn kind_of_files(&self, name: &str) -> Option<&'static str> {
        self.targets.get(name)?.kind_of_files()
    }

    /// Refuses the name of a target that there is not, or that is of another kind than the one it is called.
    pub fn judge_target(&self, kind: &str, name: &str) -> Result<(), Error> {
        match self.written_target(name)?.kind_of_files() {
            Some(files) if kind == "postgres" => {
                let what =
                    format!("the target `{}` of config.toml is of {files} and no database", visible(name));
                Err(Error::setting(what, format!("name it as target:{}", visible(name))))
            }
            _ => Ok(()),
        }
    }

    /// A target, by name, as it is written.
    fn written_target(&self, name: &str) -> Result<&WrittenTarget, Error> {
        self.targets.get(name).ok_or_else(|| {
            let near = nearest(name, self.targets.keys().map(String::as_str));
            let hint = near.map_or_else(
                || format!("add [targets.NAME] to {}", shown_user_file()),
                |near| format!("did you mean {}?", visible(near)),
            );
            // An address with a password may stand where a name belongs.
            let shown = if name.contains([':', '@', '/']) {
                "of that name".into()
            } else {
                format!("`{}`", visible(name))
            };
            Error::setting(format!("there is no target {shown} in config.toml"), hint)
        })
    }

    /// The names of the targets, and what is written there where it is a place for files.
    pub fn target_names(&self) -> impl Iterator<Item = (&str, Option<&'static str>)> {
        self.targets.iter().map(|(name, target)| (name.as_str(), target.kind_of_files()))
    }

    /// Who is told how runs ended.
    pub fn watch(&self) -> Result<WatchSettings, Error> {
        self.watch.valid(resolve)
    }

    /// The policy: the user's, and what the project file makes graver.
    pub fn policy(&self) -> Result<Policy, Error> {
        let own = self.policy.grades();
        let mut policy =
            own.map_err(|error| Error::setting(format!("[policy] in config.toml: {error}"), error.hint()))?;
        for project in &self.projects {
            policy = policy.graver(&project.grades()?);
        }
        Ok(policy)
    }

    /// The offerings in scope where no flag names any.
    pub fn offerings(&self, server: Option<&Server>) -> Vec<String> {
        let of_project = self.projects.iter().find_map(|project| project.offerings.as_ref());
        let of_server = || server.map(|server| &server.offerings);
        of_project.or_else(of_server).cloned().unwrap_or_default()
    }

    /// What may differ in a reconciliation.
    pub fn tolerances(&self) -> Result<Vec<Tolerance>, Error> {
        let read = |text: &String| {
            text.parse().map_err(|error| {
                let what = format!("tolerances in [policy] of config.toml: `{}`: {error}", visible(text));
                Error::setting(what, "write 0.05, 1%, cpu=0.5 or money=0.02")
            })
        };
        self.policy.tolerances.iter().map(read).collect()
    }

    /// The thresholds of the guards for a server; a limit of money given elsewhere takes the place of its own.
    pub fn thresholds(
        &self,
        server: Option<&Server>,
        max_money: Option<Amount>,
    ) -> Result<Thresholds, Error> {
        self.judge_guards(server)?;
        let below = self.own_guards(server);
        let own = |error: ThresholdError| {
            let hint = "change the guards of the server in config.toml, or --max-money";
            Error::setting(error.to_string(), hint)
        };
        Thresholds::new(WrittenThresholds { max_money, ..below.whole() }).map_err(own)?;
        let guards = self.projects.iter().map(Project::guards).reduce(WrittenGuards::and);
        let written = guards.map_or(below, |guards| guards.over(below)).whole();
        let max_money = max_money.or(written.max_money);
        Thresholds::new(WrittenThresholds { max_money, ..written }).map_err(|error| {
            // Each of them alone makes sense, as was judged.
            let files: Vec<String> = self.projects.iter().map(|own| own.document.place(&[])).collect();
            Error::setting(format!("{}: {error}", files.join(" and ")), "change the guards of one of them")
        })
    }

    /// The guards of the user's file.
    fn own_guards(&self, server: Option<&Server>) -> WrittenGuards {
        server.map_or(self.policy.guards, |server| server.guards.over(self.policy.guards))
    }

    /// Refuses a project file whose guards let more pass than those of the user's file.
    fn judge_guards(&self, server: Option<&Server>) -> Result<(), Error> {
        for project in &self.projects {
            if let Some(fault) = project.loosened(self.own_guards(server)).into_iter().next() {
                return Err(fault.error(&project.document.path));
            }
        }
        Ok(())
    }
}

/// The token that a program says: no shell reads its arguments, and it has its time.
pub fn token_by_command(command: &[String]) -> Result<Token, Error> {
    let told = secret::TOKEN.by_command(command, secret::PATIENCE);
    Ok(Token::new(&told.map_err(|(what, hint)| Error::setting(what, hint))?)?)
}

fn shown_user_file() -> String {
    user_file().map_or_else(|| "config.toml".to_owned(), |path| visible(&path.to_string_lossy()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(guards: &str) -> Result<Config, toml::de::Error> {
        toml::from_str(&format!(
            "[servers.main]\nurl = 'https://waldur.example.org'\n[servers.main.guards]\n{guards}"
        ))
    }

    fn thresholds(config: &Config, max_money: Option<Amount>) -> Result<Thresholds, Error> {
        config.thresholds(config.servers.get("main"), max_money)
    }

    #[test]
    fn the_settings_of_the_guide_of_focus_are_taken() {
        let guide = include_str!("../../docs/focus.md");
        let written = guide.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config: Config = toml::from_str(written).unwrap();
        config.server("main").unwrap().focus(None).unwrap();
        let bare = server("").unwrap();
        let bare = bare.server("main").unwrap();
        let error = bare.focus(None).unwrap_err();
        assert_eq!(error.to_string(), "the server tells no currency, and FOCUS needs one");
        let error = bare.focus(Some("EUR".parse().unwrap())).unwrap_err();
        assert_eq!(error.hint().unwrap(), "set invoice_issuer in [servers.NAME.focus] of config.toml");
    }

    #[test]
    fn thresholds_come_from_the_profile_and_errors_name_the_key() {
        let config = server("lowered_rows = 3\nmax_money = 1000.50").unwrap();
        let found = thresholds(&config, None).unwrap();
        assert_eq!(found.get().lowered_rows, 3);
        assert_eq!(found.get().highest_percent, Amount::from(200));
        assert_eq!(found.get().max_money, Some("1000.50".parse().unwrap()));
        let raised = thresholds(&server("max_money = 1").unwrap(), Some(Amount::from(5))).unwrap();
        assert_eq!(raised.get().max_money, Some(Amount::from(5)));
        let error = thresholds(&server("zeroed_percent = 120").unwrap(), None).unwrap_err();
        assert_eq!(error.to_string(), "zeroed_percent is above 100");
        let unknown = server("zeroed = 1").unwrap_err();
        assert!(unknown.message().contains("zeroed"), "{unknown}");
    }

    #[test]
    fn guards_of_the_policy_are_of_every_server_and_a_server_has_its_own() {
        let text = "[policy]\nspike = 'deny'\ntolerances = ['0.05', 'cpu=1%']\n[policy.guards]\nlowered_rows = 7\n\
                    max_money = 10\n[servers.main]\nurl = 'https://a.example'\nguards = { lowered_rows = 9 }";
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(thresholds(&config, None).unwrap().get().lowered_rows, 9);
        assert_eq!(config.thresholds(None, None).unwrap().get().lowered_rows, 7);
        assert_eq!(thresholds(&config, None).unwrap().get().max_money, Some(Amount::from(10)));
        assert_eq!(config.policy().unwrap().grade(crate::findings::Code::Spike), Severity::Deny);
        assert_eq!(config.tolerances().unwrap().len(), 2);
        let wrong: Config = toml::from_str("[policy]\ntolerances = ['lots']").unwrap();
        assert!(wrong.tolerances().unwrap_err().to_string().contains("`lots`"));
    }

    #[test]
    fn a_profile_of_a_file_does_not_come_between_an_address_that_was_typed() {
        let text = "profile = 'main'\n[servers.main]\nurl = 'https://a.example/api/'\n[servers.b]\nurl = 'https://b.example'";
        let config: Config = toml::from_str(text).unwrap();
        let chosen = |typed, url| config.chosen(typed, url).unwrap().map(|chosen| chosen.name);
        assert_eq!(chosen(None, None), Some("main"));
        assert_eq!(chosen(None, Some("https://a.example")), Some("main"));
        assert_eq!(chosen(None, Some("https://b.example")), None);
        assert_eq!(chosen(Some("b"), None), Some("b"));
        assert_eq!(chosen(Some("b"), Some("https://c.example")), Some("b"));
        let error = config.chosen(Some("mian"), None).unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean main?");
    }
}
