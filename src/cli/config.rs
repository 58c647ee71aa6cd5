//! `config.toml` in the user's configuration folder: servers, targets and the policy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::domain::{Amount, Currency, visible};
use crate::error::Error;
use crate::export::PostgresTarget;
use crate::findings::{Policy, Severity};
use crate::plan::{Thresholds, WrittenThresholds};
use crate::warehouse::{FocusSettings, WrittenFocus};

use super::config_target::WrittenTarget;

/// The file as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The servers, by the name that `--profile` takes.
    #[serde(default)]
    pub servers: BTreeMap<String, Server>,
    /// Databases that months are exported to, by the name that `--to postgres:NAME` takes.
    #[serde(default)]
    targets: BTreeMap<String, WrittenTarget>,
    /// Severities of findings.
    #[serde(default)]
    policy: BTreeMap<String, Severity>,
}

/// One server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its address.
    pub url: String,
    /// A file that holds the token alone.
    pub token_file: Option<PathBuf>,
    /// The time zone in which its months turn.
    pub time_zone: Option<String>,
    /// The currency of its prices.
    currency: Option<String>,
    /// The offerings in scope where no flag names any.
    #[serde(default)]
    pub offerings: Vec<String>,
    /// From what on a plan is refused, where that differs from the default.
    #[serde(default)]
    guards: WrittenThresholds,
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

    /// The thresholds of the guards; a limit of money given elsewhere takes the place of its own.
    pub fn thresholds(&self, max_money: Option<Amount>) -> Result<Thresholds, Error> {
        let max_money = max_money.or(self.guards.max_money);
        Thresholds::new(WrittenThresholds { max_money, ..self.guards }).map_err(|error| {
            Error::setting(error.to_string(), "change the guards of the server in config.toml")
        })
    }
}

impl Config {
    /// Reads the file, where there is one.
    pub fn read() -> Result<Self, Error> {
        let Some(path) = path() else { return Ok(Self::default()) };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(crate::source::SourceError::Unreadable { path, source }.into()),
        };
        toml::from_str(&text).map_err(|error| {
            let what = format!("{}: {}", visible(&path.to_string_lossy()), error.message());
            let at = error.span().map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            Error::setting(what, at.map_or_else(String::new, |line| format!("look at line {line}")))
        })
    }

    /// A server by name.
    pub fn server(&self, name: &str) -> Result<&Server, Error> {
        let server = self.servers.get(name).ok_or_else(|| {
            let near = crate::domain::nearest(name, self.servers.keys().map(String::as_str));
            let file = path().map_or_else(String::new, |path| path.to_string_lossy().into_owned());
            let hint = near.map_or_else(
                || format!("add [servers.{}] to {}", visible(name), visible(&file)),
                |near| format!("did you mean {}?", visible(near)),
            );
            Error::setting(format!("there is no profile `{}`", visible(name)), hint)
        })?;
        match server.time_zone.as_deref().filter(|zone| TimeZone::get(zone).is_err()) {
            None => Ok(server),
            Some(zone) => Err(Error::setting(
                format!("no time zone is called {}", visible(zone)),
                "name it in config.toml as the IANA database does, such as Europe/Tallinn or UTC",
            )),
        }
    }

    /// A database to export to, by name; its password is fetched.
    pub fn postgres(&self, name: &str) -> Result<PostgresTarget, Error> {
        let target = self.targets.get(name).ok_or_else(|| {
            let near = crate::domain::nearest(name, self.targets.keys().map(String::as_str));
            let file = path().map_or_else(String::new, |path| path.to_string_lossy().into_owned());
            let hint = near.map_or_else(
                || format!("add [targets.NAME] to {}", visible(&file)),
                |near| format!("did you mean {}?", visible(near)),
            );
            // An address with a password may stand where a name belongs.
            let shown = if name.contains([':', '@', '/']) {
                "of that name".into()
            } else {
                format!("`{}`", visible(name))
            };
            Error::setting(format!("there is no target {shown} in config.toml"), hint)
        })?;
        target.valid(name)
    }

    /// The names of the targets.
    pub fn target_names(&self) -> impl Iterator<Item = &str> {
        self.targets.keys().map(String::as_str)
    }

    /// The policy.
    pub fn policy(&self) -> Result<Policy, Error> {
        let entries = self.policy.iter().map(|(name, severity)| (name.clone(), *severity));
        Policy::new(entries)
            .map_err(|error| Error::setting(format!("[policy] in config.toml: {error}"), error.hint()))
    }
}

fn path() -> Option<PathBuf> {
    let folder = choose_base_strategy().ok()?.config_dir();
    Some(folder.join("waldur-usage").join("config.toml"))
}

/// A path of the configuration: `~/` is the home folder, anything else relative to the file.
pub fn resolve(written: &Path) -> PathBuf {
    let home = choose_base_strategy().ok().map(|strategy| strategy.home_dir().to_owned());
    match (written.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path().and_then(|path| Some(path.parent()?.join(written))).unwrap_or_else(|| written.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(guards: &str) -> Result<Server, toml::de::Error> {
        toml::from_str(&format!("url = 'https://waldur.example.org'\n[guards]\n{guards}"))
    }

    #[test]
    fn the_settings_of_the_guide_of_focus_are_taken() {
        let guide = include_str!("../../docs/focus.md");
        let written = guide.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config: Config = toml::from_str(written).unwrap();
        config.server("main").unwrap().focus(None).unwrap();
        let bare = server("").unwrap();
        let error = bare.focus(None).unwrap_err();
        assert_eq!(error.to_string(), "the server tells no currency, and FOCUS needs one");
        let error = bare.focus(Some("EUR".parse().unwrap())).unwrap_err();
        assert_eq!(error.hint().unwrap(), "set invoice_issuer in [servers.NAME.focus] of config.toml");
    }

    #[test]
    fn thresholds_come_from_the_profile_and_errors_name_the_key() {
        let thresholds = server("lowered_rows = 3\nmax_money = 1000.50").unwrap().thresholds(None).unwrap();
        assert_eq!(thresholds.get().lowered_rows, 3);
        assert_eq!(thresholds.get().highest_percent, Amount::from(200));
        assert_eq!(thresholds.get().max_money, Some("1000.50".parse().unwrap()));
        let raised = server("max_money = 1").unwrap().thresholds(Some(Amount::from(5))).unwrap();
        assert_eq!(raised.get().max_money, Some(Amount::from(5)));
        let error = server("zeroed_percent = 120").unwrap().thresholds(None).unwrap_err();
        assert_eq!(error.to_string(), "zeroed_percent is above 100");
        let unknown = server("zeroed = 1").unwrap_err();
        assert!(unknown.message().contains("zeroed"), "{unknown}");
    }
}
