//! Variables of the environment in the texts of a pipeline: `${NAME}` and `${NAME:-default}`.
//!
//! A pipeline can come from anywhere, so what it can ask of the environment is bounded: nothing that is
//! named like a secret, no address, and in a path only what is a part of a name. `$$` stands for `$`.

use std::collections::BTreeMap;

use crate::domain::is_invisible;

/// Characters of a name, and of a value.
const LONGEST: usize = 200;
/// What stands in the names of secrets.
const SECRETS: [&str; 9] =
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "KEY", "AUTH", "COOKIE"];

/// What is a secret where it stands alone between underscores, and may be part of an honest word elsewhere.
const SECRET_PARTS: [&str; 11] =
    ["PW", "PASS", "PAT", "JWT", "BEARER", "SESSION", "PIN", "CREDENTIAL", "CREDENTIALS", "CRED", "SSHPASS"];

/// Where a variable stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// In a text.
    Text,
    /// In a path or the name of a file.
    Path,
}

/// A variable that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// It is not closed.
    #[error("`${{` without `}}`")]
    Open,
    /// What stands between the braces is no name.
    #[error("`{}` is no name of a variable", crate::domain::visible(.0))]
    NoName(String),
    /// It is named like a secret.
    #[error("{0} is named like a secret, and a pipeline is not told it")]
    Secret(String),
    /// It is not set.
    #[error("the variable {0} is not set")]
    Unset(String),
    /// Its value does not fit where it stands.
    #[error("the value of {0} {1}")]
    Unfit(String, &'static str),
}

impl VariableError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open | Self::NoName(_) => "write ${NAME} or ${NAME:-default}, and $$ for a dollar sign",
            Self::Secret(_) => {
                "a token comes from [servers.NAME] of your config.toml, --token-file or the environment"
            }
            Self::Unset(_) => "set it where the program is started, or write ${NAME:-default}",
            Self::Unfit(..) => "set it to another value",
        }
    }
}

/// The environment, and what was asked of it.
pub struct Variables<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    /// The variables that were put in, with their values.
    pub used: BTreeMap<String, String>,
}

impl<'a> Variables<'a> {
    /// An environment.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, used: BTreeMap::new() }
    }

    /// A text with the values in their places.
    pub fn expand(&mut self, text: &str, spot: Spot) -> Result<String, VariableError> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                expanded.push('$');
                rest = after;
                continue;
            }
            let Some(inside) = after.strip_prefix('{') else {
                expanded.push('$');
                rest = after;
                continue;
            };
            let (inside, after) = inside.split_once('}').ok_or(VariableError::Open)?;
            expanded.push_str(&self.value(inside, spot)?);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn value(&mut self, inside: &str, spot: Spot) -> Result<String, VariableError> {
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let begins = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if !begins || name.len() > LONGEST || !name.bytes().all(is_sound) {
            return Err(VariableError::NoName(name.chars().take(LONGEST).collect()));
        }
        let upper = name.to_ascii_uppercase();
        let has_part = upper.split('_').any(|part| SECRET_PARTS.contains(&part));
        if has_part || SECRETS.iter().any(|word| upper.contains(word)) {
            return Err(VariableError::Secret(name.to_owned()));
        }
        let set = (self.lookup)(name).filter(|value| !value.is_empty());
        let value = set.or_else(|| default.map(str::to_owned));
        let value = value.ok_or_else(|| VariableError::Unset(name.to_owned()))?;
        if let Some(why) = unfit(&value, spot) {
            return Err(VariableError::Unfit(name.to_owned(), why));
        }
        self.used.insert(name.to_owned(), value.clone());
        Ok(value)
    }
}

/// Why a value cannot stand there, where it cannot. The value itself is not told.
fn unfit(value: &str, spot: Spot) -> Option<&'static str> {
    if value.chars().count() > LONGEST {
        return Some("has more than 200 characters");
    }
    if value.chars().any(is_invisible) {
        return Some("has a character that does not show");
    }
    match spot {
        Spot::Text if has_login(value) => Some("is an address with a password, and a pipeline names none"),
        Spot::Text if value.contains("://") => Some("is an address, and a pipeline names none"),
        Spot::Text => None,
        Spot::Path => {
            let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            let is_name = value.bytes().all(is_sound) && !value.starts_with('.') && !value.contains("..");
            (!is_name)
                .then_some("is no part of a name: it may have letters, digits, `-`, `_` and single dots")
        }
    }
}

/// Whether a word looks like an address with a login in it, such as `user:password@host`.
fn has_login(value: &str) -> bool {
    let is_login = |word: &str| {
        let before = word.rsplit_once('@').map_or("", |(before, _)| before);
        before.contains(':') || before.contains("//")
    };
    value.split_whitespace().any(is_login)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        let value = match name {
            "MONTH" => "2026-10",
            "TEAM" => "Regional Climate, north",
            "EMPTY" => "",
            "UP" => "../../etc",
            "ROOT" => "/etc",
            "HIDDEN" => ".ssh",
            "URL" => "https://elsewhere.example.org",
            "TURNED" => "a\u{202e}b",
            "WALDUR_ACCESS_TOKEN"
            | "AWS_SECRET_ACCESS_KEY"
            | "my_password"
            | "DB_PW"
            | "PASS"
            | "GITHUB_PAT"
            | "JWT"
            | "API_BEARER"
            | "SESSION_ID"
            | "CARD_PIN"
            | "SSHPASS" => "hunter2",
            "LOGIN" => "admin:hunter2@db.example.org/x",
            "SITE" => "//hunter2@db.example.org",
            "PINE_PATH" => "compass: mail me@example.org",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn expand(text: &str, spot: Spot) -> Result<String, VariableError> {
        Variables::new(&environment).expand(text, spot)
    }

    #[test]
    fn values_and_defaults_stand_in_their_places() {
        for (text, expanded) in [
            ("plain", "plain"),
            ("${MONTH}", "2026-10"),
            ("a ${MONTH} b ${TEAM}", "a 2026-10 b Regional Climate, north"),
            ("${NOT_SET:-open}", "open"),
            ("${EMPTY:-open}", "open"),
            ("${MONTH:-open}", "2026-10"),
            ("${NOT_SET:-}", ""),
            ("${PINE_PATH}", "compass: mail me@example.org"),
            ("$${MONTH} for 5$ or $MONTH", "${MONTH} for 5$ or $MONTH"),
        ] {
            assert_eq!(expand(text, Spot::Text).unwrap(), expanded, "{text}");
        }
        let mut variables = Variables::new(&environment);
        variables.expand("${MONTH} ${NOT_SET:-x}", Spot::Text).unwrap();
        let used: Vec<_> = variables.used.into_iter().collect();
        assert_eq!(used, [("MONTH".into(), "2026-10".into()), ("NOT_SET".into(), "x".into())]);
    }

    #[test]
    fn what_is_not_taken_says_why_and_never_its_value() {
        for (text, spot, why) in [
            ("${MONTH", Spot::Text, "without"),
            ("${}", Spot::Text, "no name"),
            ("${1A}", Spot::Text, "no name"),
            ("${A B}", Spot::Text, "no name"),
            ("${$MONTH}", Spot::Text, "no name"),
            ("${NOT_SET}", Spot::Text, "not set"),
            ("${EMPTY}", Spot::Text, "not set"),
            ("${WALDUR_ACCESS_TOKEN}", Spot::Text, "like a secret"),
            ("${AWS_SECRET_ACCESS_KEY:-x}", Spot::Path, "like a secret"),
            ("${my_password}", Spot::Path, "like a secret"),
            ("${URL}", Spot::Text, "is an address"),
            ("${LOGIN}", Spot::Text, "is an address with a password"),
            ("${SITE}", Spot::Text, "is an address with a password"),
            ("${DB_PW}", Spot::Text, "like a secret"),
            ("${PASS}", Spot::Path, "like a secret"),
            ("${GITHUB_PAT}", Spot::Text, "like a secret"),
            ("${JWT}", Spot::Text, "like a secret"),
            ("${API_BEARER}", Spot::Text, "like a secret"),
            ("${SESSION_ID:-x}", Spot::Text, "like a secret"),
            ("${CARD_PIN}", Spot::Text, "like a secret"),
            ("${SSHPASS}", Spot::Text, "like a secret"),
            ("${db_credentials}", Spot::Text, "like a secret"),
            ("${TURNED}", Spot::Text, "does not show"),
            ("${UP}", Spot::Path, "no part of a name"),
            ("${ROOT}", Spot::Path, "no part of a name"),
            ("${HIDDEN}", Spot::Path, "no part of a name"),
            ("${TEAM}", Spot::Path, "no part of a name"),
            ("${NOT_SET:-../x}", Spot::Path, "no part of a name"),
        ] {
            let error = expand(text, spot).unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
            let told = format!("{error} {error:?} {}", error.hint());
            assert!(!told.contains("hunter2") && !told.contains("elsewhere"), "{told}");
        }
    }
}
