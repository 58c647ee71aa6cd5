//! `config explain`: which settings are in force, and where each comes from.
//!
//! Nothing is asked and nothing is fetched here: a token is told by its place, and a secret never.

use serde::Serialize;
use serde_json::Value;

use crate::domain::visible;
use crate::findings::Code;
use crate::plan::WrittenThresholds;

use super::document::{Document, Entry};
use super::{Chosen, Config, user_file};

/// Where a value comes from. Whatever comes first here goes before what comes after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Origin {
    /// The command line.
    Flag {
        /// The flag.
        name: String,
    },
    /// The environment.
    Environment {
        /// The variable.
        name: String,
    },
    /// The project file.
    ProjectFile {
        /// The file.
        path: String,
        /// The line.
        line: usize,
    },
    /// `config.toml`.
    UserFile {
        /// The file.
        path: String,
        /// The line.
        line: usize,
    },
    /// `auth login`.
    Login {
        /// The record that it keeps.
        path: String,
    },
    /// What holds where nobody says anything.
    Default,
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Self::Flag { .. } => 0,
            Self::Environment { .. } => 1,
            Self::ProjectFile { .. } => 2,
            Self::UserFile { .. } => 3,
            Self::Login { .. } => 4,
            Self::Default => 5,
        }
    }
}

/// A value that is known to whoever calls: a flag, a variable, a default.
#[derive(Debug, Clone)]
pub struct Given {
    /// The setting.
    pub key: &'static str,
    /// Its value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// Its name, with dots.
    pub key: String,
    /// Its value; `null` where it has none.
    pub value: Value,
    /// Where the value comes from.
    pub origin: Origin,
    /// What says something too, and does not count.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instead_of: Vec<Origin>,
}

/// All settings.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The server that is meant.
    pub profile: Option<String>,
    /// Where the user's file is, or would be.
    pub user_file: Option<String>,
    /// The project file, where there is one.
    pub project_file: Option<String>,
    /// The settings, by their names.
    pub values: Vec<Explained>,
}

/// Explains the settings of a run: `chosen` is the server that is meant, `given` what the files do not say.
pub fn explain(config: &Config, chosen: Option<Chosen<'_>>, given: Vec<Given>) -> Explanation {
    let mut said: Vec<(String, Value, Origin)> =
        given.into_iter().map(|given| (given.key.to_owned(), given.value, given.origin)).collect();
    let profile = chosen.map(|chosen| chosen.name);
    for project in &config.projects {
        let origin = |line| Origin::ProjectFile { path: shown(&project.document), line };
        said.extend(of_file(&project.document, profile).map(|(key, value, line)| (key, value, origin(line))));
    }
    if let Some(document) = &config.user {
        let origin = |line| Origin::UserFile { path: shown(document), line };
        said.extend(of_file(document, profile).map(|(key, value, line)| (key, value, origin(line))));
    }
    said.extend(defaults().map(|(key, value)| (key, value, Origin::Default)));
    let shown_name = |name: &str| visible(name).to_string();
    Explanation {
        profile: profile.map(shown_name),
        user_file: user_file().map(|path| shown_name(&path.to_string_lossy())),
        project_file: config.projects.first().map(|project| shown(&project.document)),
        values: settled(said),
    }
}

fn shown(document: &Document) -> String {
    visible(&document.path.to_string_lossy()).to_string()
}

/// One value for each setting; of two that come from the same place, the first one counts.
fn settled(mut said: Vec<(String, Value, Origin)>) -> Vec<Explained> {
    said.sort_by(|left, right| left.0.cmp(&right.0).then_with(|| left.2.rank().cmp(&right.2.rank())));
    let mut settled: Vec<Explained> = Vec::new();
    for (key, value, origin) in said {
        match settled.last_mut().filter(|last| last.key == key) {
            Some(_) if origin == Origin::Default => {}
            Some(last) => last.instead_of.push(origin),
            None => settled.push(Explained { key, value, origin, instead_of: Vec::new() }),
        }
    }
    settled
}

/// What a file says, under the names of the settings: those of the server that is meant stand as they are,
/// those of other servers are left out.
fn of_file(document: &Document, profile: Option<&str>) -> impl Iterator<Item = (String, Value, usize)> {
    let entries = document.entries();
    // What a server says of its guards counts before what the policy says for all.
    let (own, others): (Vec<Entry>, Vec<Entry>) =
        entries.into_iter().partition(|entry| entry.keys.first().is_some_and(|key| key == "servers"));
    let profile = profile.map(str::to_owned);
    own.into_iter().chain(others).filter_map(move |entry| {
        let keys: Vec<&str> = entry.keys.iter().map(String::as_str).collect();
        let name = match keys.as_slice() {
            ["servers", name, rest @ ..] if Some(*name) == profile.as_deref() => match rest {
                ["token_file" | "token_command"] => "token".to_owned(),
                ["guards", ..] => format!("policy.{}", rest.join(".")),
                rest => rest.join("."),
            },
            ["servers", ..] => return None,
            // A profile that is not followed, because another address was typed, is none.
            ["profile"] if profile.is_none() => return None,
            keys => keys.join("."),
        };
        let value = told(&keys, entry.value);
        Some((visible(&name).to_string(), value, entry.line))
    })
}

/// A value as it may be shown: a secret, or what may be one, is told by its kind.
fn told(keys: &[&str], value: Value) -> Value {
    let program = |value: &Value| value.get(0).and_then(Value::as_str).map(|name| visible(name).to_string());
    match keys.last().copied().unwrap_or_default() {
        "token_file" => format!("in the file {}", visible(value.as_str().unwrap_or_default())).into(),
        "token_command" | "password_command" => {
            format!("told by the program {}", program(&value).unwrap_or_default()).into()
        }
        "password_env" => "in a variable of the environment".into(),
        _ => value,
    }
}

/// What holds where nobody says anything. The types of the settings that have no value are `null`.
fn defaults() -> impl Iterator<Item = (String, Value)> {
    let guards = WrittenThresholds::default();
    let amount = |amount: crate::domain::Amount| {
        let text = amount.to_string();
        let short = text.trim_end_matches('0').trim_end_matches('.');
        // As a file would write it; a number of two digits is exact.
        serde_json::from_str(if text.contains('.') { short } else { &text }).unwrap_or(Value::Null)
    };
    let guards = [
        ("zeroed_percent", amount(guards.zeroed_percent)),
        ("lowest_percent", amount(guards.lowest_percent)),
        ("highest_percent", amount(guards.highest_percent)),
        ("lowered_percent", amount(guards.lowered_percent)),
        ("lowered_rows", guards.lowered_rows.into()),
        ("max_money", guards.max_money.map_or(Value::Null, amount)),
    ];
    let nothing =
        ["profile", "url", "token", "time_zone", "currency"].map(|key| (key.to_owned(), Value::Null));
    let lists = ["offerings", "policy.tolerances"].map(|key| (key.to_owned(), Value::Array(Vec::new())));
    let guards = guards.map(|(key, value)| (format!("policy.guards.{key}"), value));
    let codes = Code::ALL.iter().map(|code| (format!("policy.{code}"), code.severity().to_string().into()));
    nothing.into_iter().chain(lists).chain(guards).chain(codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let config: Config = toml::from_str(text).unwrap();
        Config { user: Some(Document { path: "config.toml".into(), text: text.into() }), ..config }
    }

    fn find<'a>(explanation: &'a Explanation, key: &str) -> &'a Explained {
        explanation.values.iter().find(|value| value.key == key).unwrap_or_else(|| panic!("no {key}"))
    }

    #[test]
    fn each_value_comes_from_the_first_that_says_it() {
        let config = config(
            "profile = 'main'\n[policy.guards]\nlowered_rows = 7\n[servers.main]\nurl = 'https://a.example'\n\
             token_command = ['pass', 'show', 'hunter2']\nguards.lowered_rows = 9\n[servers.other]\nurl = 'x'\n\
             [targets.w]\nkind = 'postgres'\npassword_env = 'hunter2'\npassword_command = ['p', 'hunter2']\n",
        );
        let given = vec![
            Given {
                key: "url",
                value: "https://b.example".into(),
                origin: Origin::Flag { name: "--url".into() },
            },
            Given { key: "connections", value: 8.into(), origin: Origin::Default },
        ];
        let explanation = explain(&config, config.chosen(None, None).unwrap(), given);
        let line = |line| Origin::UserFile { path: "config.toml".into(), line };
        let url = find(&explanation, "url");
        assert_eq!((url.value.as_str(), &url.instead_of), (Some("https://b.example"), &vec![line(5)]));
        let rows = find(&explanation, "policy.guards.lowered_rows");
        assert_eq!((rows.value.as_i64(), &rows.origin), (Some(9), &line(7)));
        assert_eq!(rows.instead_of, [line(3)], "what all servers have, and no word of what nobody says");
        assert_eq!(find(&explanation, "token").value, "told by the program pass");
        assert_eq!(find(&explanation, "profile").origin, line(1));
        assert_eq!(find(&explanation, "policy.spike").origin, Origin::Default);
        assert_eq!(find(&explanation, "policy.guards.zeroed_percent").value, 20);
        assert_eq!(find(&explanation, "targets.w.kind").origin, line(11));
        let text = serde_json::to_string(&explanation).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
