//! `KIND:TARGET`: where an export goes to.

use std::fmt;
use std::path::Path;

use crate::domain::visible;
use crate::error::Error;
use crate::export::{ExportSink, FolderFormat, FolderSink, WorkbookSink};

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
    Kind { name: "parquet", place: "DIR", open: |opening| Ok(folder(opening, FolderFormat::Parquet)) },
    Kind {
        name: "xlsx",
        place: "FILE",
        open: |opening| Ok(Box::new(WorkbookSink::new(Path::new(opening.target)))),
    },
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

    /// The kinds as errors list them.
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

impl TargetArgument {
    /// Reads `KIND:TARGET`. The text itself is said again only where it can hold no secret.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // Whoever writes a database as an address is told where its secret belongs before anything else.
        if has_password(text) {
            return Err(Error::setting(
                "an address with a password in it is not taken: command lines are seen by others",
                "name a target of config.toml instead, as postgres:NAME",
            ));
        }
        let (name, target) = text.split_once(':').unwrap_or((text, ""));
        let Some(kind) = KINDS.iter().position(|known| known.name == name) else {
            let what = format!("no target is of the kind `{}`", visible(name));
            return Err(Error::setting(what, format!("use one of {}", Self::kinds())));
        };
        let place = KINDS[kind].place;
        if target.is_empty() {
            return Err(Error::setting(format!("{name} of what?"), format!("write it as {name}:{place}")));
        }
        if place == "NAME" && target.contains("//") {
            let hint = format!("name a target of config.toml instead, as {name}:NAME");
            return Err(Error::setting("an address is not taken here", hint));
        }
        Ok(Self { kind, target: target.to_owned() })
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
