//! `KIND:TARGET`: where an export goes to.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::Error;
use crate::export::{DeltaSink, ExportSink, FolderFormat, FolderSink};

use super::config::Config;

/// What a target is opened with, besides its name.
pub struct Opening<'a> {
    /// What stands after the colon: a folder, a file, or the name of a target of `config.toml`.
    pub target: &'a str,
    /// Whether text is guarded against being taken for a formula.
    pub excel_safe: bool,
    /// The user's configuration.
    pub config: &'a Config,
}

/// A kind of target.
struct Kind {
    /// Its name, before the colon.
    name: &'static str,
    /// What stands after the colon.
    place: &'static str,
    /// Opens one; nothing is written yet.
    open: fn(&Opening<'_>) -> Result<Box<dyn ExportSink>, Error>,
}

/// Every kind of target: a row for each.
const KINDS: [Kind; 4] = [
    Kind {
        name: "csv",
        place: "DIR",
        open: |opening| Ok(folder(opening, FolderFormat::Csv { excel_safe: opening.excel_safe })),
    },
    Kind { name: "ndjson", place: "DIR", open: |opening| Ok(folder(opening, FolderFormat::Ndjson)) },
    Kind {
        name: "delta",
        place: "DIR",
        open: |opening| Ok(Box::new(DeltaSink::new(Path::new(opening.target)))),
    },
    Kind { name: "parquet", place: "DIR", open: |opening| Ok(folder(opening, FolderFormat::Parquet)) },
];

fn folder(opening: &Opening<'_>, format: FolderFormat) -> Box<dyn ExportSink> {
    Box::new(FolderSink::new(Path::new(opening.target), format))
}

/// A target as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetArgument {
    kind: usize,
    target: String,
}

impl TargetArgument {
    /// Opens it; nothing is written yet.
    pub fn open(&self, config: &Config, excel_safe: bool) -> Result<Box<dyn ExportSink>, Error> {
        (KINDS[self.kind].open)(&Opening { target: &self.target, excel_safe, config })
    }

    /// Whether it holds text as a spreadsheet reads it, so that a guard has a meaning there.
    pub fn is_csv(&self) -> bool {
        KINDS[self.kind].name == "csv"
    }

    /// The kinds as `--help` and errors list them.
    fn kinds() -> String {
        let kinds: Vec<String> = KINDS.iter().map(|kind| format!("{}:{}", kind.name, kind.place)).collect();
        kinds.join(", ")
    }
}

impl fmt::Display for TargetArgument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", KINDS[self.kind].name, self.target)
    }
}

impl FromStr for TargetArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Whoever writes a database as an address is told where its secret belongs before anything else, and
        // the address is not said again.
        if has_password(text) {
            let rule = "an address with a password in it is not taken: command lines are seen by others";
            return Err(format!("{rule}; name a target of config.toml: postgres:NAME"));
        }
        let (kind, target) = text.split_once(':').unwrap_or((text, ""));
        let Some(at) = KINDS.iter().position(|known| known.name == kind) else {
            return Err(format!("no target is of this kind; use one of {}", Self::kinds()));
        };
        if target.is_empty() {
            return Err(format!("write it as {}:{}", kind, KINDS[at].place));
        }
        if target.starts_with("//") && KINDS[at].place == "NAME" {
            return Err(format!("an address is not taken here; name a target of config.toml: {kind}:NAME"));
        }
        Ok(Self { kind: at, target: target.to_owned() })
    }
}

/// Whether a text has the form of an address with a password, `scheme://user:password@host`, or of one with
/// the password among its parameters.
fn has_password(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let authority =
        text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let in_front = authority
        .and_then(|authority| authority.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'));
    in_front || text.contains("password=")
}
