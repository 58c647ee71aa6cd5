//! `KIND:TARGET`: where an export goes to.

use std::fmt;
use std::path::Path;

use crate::domain::visible;
use crate::error::Error;
use crate::export::{
    DeltaSink, ExportSink, FolderFormat, FolderSink, PostgresSink, PostgresTarget, WorkbookSink,
};

use super::config::{Config, NamedTarget};

/// A kind of target.
struct Kind {
    /// Its name, before the colon.
    name: &'static str,
    /// What stands after the colon.
    place: &'static str,
    way: Way,
}

/// How a target is opened; nothing is written yet.
enum Way {
    /// A folder or a file, and whether text is guarded against being taken for a formula.
    Files(fn(&Path, bool) -> Box<dyn ExportSink>),
    /// A database of `config.toml`.
    Database,
    /// Any target of `config.toml`.
    Named,
}

/// Every kind of target: a row for each.
const KINDS: [Kind; 7] = [
    Kind {
        name: "csv",
        place: "DIR",
        way: Way::Files(|path, excel_safe| folder(path, FolderFormat::Csv { excel_safe })),
    },
    Kind { name: "ndjson", place: "DIR", way: Way::Files(|path, _| folder(path, FolderFormat::Ndjson)) },
    Kind { name: "delta", place: "DIR", way: Way::Files(|path, _| Box::new(DeltaSink::new(path))) },
    Kind { name: "parquet", place: "DIR", way: Way::Files(|path, _| folder(path, FolderFormat::Parquet)) },
    Kind { name: "postgres", place: "NAME", way: Way::Database },
    Kind { name: "xlsx", place: "FILE", way: Way::Files(|path, _| Box::new(WorkbookSink::new(path))) },
    Kind { name: "target", place: "NAME", way: Way::Named },
];

fn folder(path: &Path, format: FolderFormat) -> Box<dyn ExportSink> {
    Box::new(FolderSink::new(path, format))
}

fn database(target: PostgresTarget) -> Box<dyn ExportSink> {
    Box::new(PostgresSink::new(target))
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
        match KINDS[self.kind].way {
            Way::Files(open) => Ok(open(Path::new(&self.target), excel_safe)),
            Way::Database => Ok(database(config.postgres(&self.target)?)),
            Way::Named => match config.target(&self.target)? {
                NamedTarget::Database(target) => Ok(database(*target)),
                NamedTarget::Files { kind, path } => {
                    let way = KINDS.iter().find(|known| known.name == kind).map(|known| &known.way);
                    let Some(Way::Files(open)) = way else {
                        return Err(Error::Bug(format!("no way to write {kind}")));
                    };
                    Ok(open(&path, excel_safe))
                }
            },
        }
    }

    /// Whether it holds text as a spreadsheet reads it, so that a guard has a meaning there. What a target of
    /// `config.toml` holds is not known without it.
    pub fn is_csv(&self, config: Option<&Config>) -> bool {
        match (&KINDS[self.kind].way, config) {
            (Way::Named, None) => true,
            (Way::Named, Some(config)) => config.kind_of_files(&self.target) == Some("csv"),
            _ => KINDS[self.kind].name == "csv",
        }
    }

    /// Whether two name one place on the disk.
    pub fn is_place_of(&self, other: &Self) -> bool {
        let place = |own: &Self| match KINDS[own.kind].way {
            Way::Files(_) => {
                let path = Path::new(&own.target);
                path.canonicalize().or_else(|_| std::path::absolute(path)).ok()
            }
            Way::Database | Way::Named => None,
        };
        self == other || place(self).is_some_and(|own| place(other) == Some(own))
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
        if place != "NAME" && target.contains("://") {
            let what = format!("{name} is written to a folder of this machine, and an address is none");
            return Err(Error::setting(what, "export to a folder, and sync it: docs/export.md shows how"));
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
