//! A month-end, or a night job, in one file that a colleague can read: `pipeline.toml`.
//!
//! It is read as it is written, and checked into a sequence of the jobs that there are. Nothing in it can
//! move a token, start a program, loosen a guard or write outside its own folder: those come from the
//! user's own file, the environment or a flag. Carrying it out is the business of the command line, which
//! asks; what of a run has to be kept is told here.

mod check;
mod facts;
mod keys;
mod read;
mod variables;
mod within;

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::domain::{Months, PeriodRange, sha256, visible};
use crate::source::{is_pattern, pattern_in};

use keys::{FILL, Key, Kind, Section};
use variables::Variables;

pub use check::LOOSER;
pub use facts::{Facts, MoneyFact, StepEnd, breaks, gravest};
pub use keys::NAMED as NAMED_TARGETS;
#[cfg(test)]
pub use keys::PLACES as TARGET_PLACES;
pub use within::within;

/// The templates that come with the program, by their names.
pub const TEMPLATES: [(&str, &str); 4] = [
    ("month-end-upload", include_str!("../../templates/pipelines/month-end-upload.toml")),
    ("month-end-reconciliation", include_str!("../../templates/pipelines/month-end-reconciliation.toml")),
    ("nightly-export", include_str!("../../templates/pipelines/nightly-export.toml")),
    ("who-has-not-reported", include_str!("../../templates/pipelines/who-has-not-reported.toml")),
];

/// The name of a pipeline, where it can be read; whatever else is wrong with its file, it is known by it.
pub fn name_of(path: &Path) -> Option<String> {
    let text = text_of(path, path).ok()?;
    let table: toml::Table = text.parse().ok()?;
    table.get("name")?.as_str().filter(|name| check::is_name(name)).map(ToOwned::to_owned)
}

/// The text of a pipeline's file, which is spoken of as it was given.
fn text_of(own: &Path, path: &Path) -> Result<String, PipelineError> {
    let unreadable = |source| PipelineError::Unreadable { path: path.to_owned(), source };
    let whole = |what: &str, hint: &str| PipelineError::Faulty {
        path: path.to_owned(),
        faults: vec![Fault { line: 0, what: what.to_owned(), hint: hint.to_owned() }],
    };
    // A pipe or a device may never end, or never begin.
    if !own.metadata().map_err(unreadable)?.is_file() {
        return Err(whole("it is no file", "name the pipeline's file, such as pipeline.toml"));
    }
    let mut bytes = Vec::new();
    let file = File::open(own).map_err(unreadable)?;
    file.take(read::LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > read::LARGEST {
        return Err(whole("a pipeline of more than 64 KiB", "check that it is the file that you mean"));
    }
    String::from_utf8(bytes)
        .map_err(|_| whole("it is no text of UTF-8", "check that it is the file that you mean"))
}

/// What is wrong with a pipeline, at a line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The line; 0 where it is about the file as a whole.
    pub line: u32,
    /// What is wrong.
    pub what: String,
    /// What to do, where that is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// A text at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The text, with its variables put in.
    pub text: String,
    /// Its line.
    pub line: u32,
}

/// A key and what stands there; nothing does at a flag that is on.
#[derive(Debug)]
pub struct Setting {
    key: &'static Key,
    values: Vec<Value>,
    line: u32,
}

/// A table and what stands in it.
#[derive(Debug)]
pub struct Table {
    section: &'static Section,
    settings: Vec<Setting>,
    line: u32,
}

/// What a pipeline does, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The files are loaded and checked.
    Check,
    /// They are compared with what is stored.
    Plan,
    /// The plan is posted and proven.
    Post,
    /// Files, stored usages and invoices are reconciled.
    Report,
    /// It is told who has not reported.
    Missing,
    /// Months go to a warehouse.
    Export,
}

impl Step {
    /// Every step, in their order.
    pub const ALL: [Self; 6] =
        [Self::Check, Self::Plan, Self::Post, Self::Report, Self::Missing, Self::Export];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Plan => "plan",
            Self::Post => "post",
            Self::Report => "report",
            Self::Missing => "missing",
            Self::Export => "export",
        }
    }

    /// The tables that its settings stand in.
    fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Check | Self::Plan | Self::Post => &["scope", "input", "checks", "post"],
            Self::Report => &["scope", "input", "checks", "report"],
            Self::Missing => &["scope", "missing"],
            Self::Export => &["scope", "export"],
        }
    }
}

/// A pipeline without a fault in it.
#[derive(Debug)]
pub struct Pipeline {
    /// Its name: small letters, digits and dashes.
    pub name: String,
    /// What it is for, in a line.
    pub title: Option<String>,
    /// Its file.
    pub path: PathBuf,
    /// The folder that all it reads and writes lies in.
    pub folder: PathBuf,
    /// The digest of the file and of the variables in it.
    pub digest: String,
    /// The name of a server in the user's own file.
    pub server: Option<Value>,
    /// Its months.
    pub period: Months,
    tables: Vec<Table>,
}

/// Where the results of a post go, where nothing else is written.
const RESULTS: &str = "results/{period}";

/// A pipeline that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The file cannot be read.
    #[error("cannot read {}", visible(&path.to_string_lossy()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is faulty.
    #[error("{}: {}", visible(&path.to_string_lossy()), counted(.faults.len()))]
    Faulty {
        /// The file.
        path: PathBuf,
        /// What is wrong, by line.
        faults: Vec<Fault>,
    },
}

fn counted(faults: usize) -> String {
    if faults == 1 { "1 fault".to_owned() } else { format!("{faults} faults") }
}

impl Pipeline {
    /// Reads a pipeline from its file; variables are looked up as they stand in it.
    pub fn read(path: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, PipelineError> {
        let unreadable = |source| PipelineError::Unreadable { path: path.to_owned(), source };
        let faulty = |faults| PipelineError::Faulty { path: path.to_owned(), faults };
        let name = path.file_name().ok_or_else(|| unreadable(io::ErrorKind::InvalidInput.into()))?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).canonicalize().map_err(unreadable)?;
        let own = folder.join(name);
        let text = text_of(&own, path)?;
        let mut variables = Variables::new(lookup);
        let read::Read { tables, mut faults } = read::read(&text, &mut variables);
        // Of what is no TOML nothing else is known.
        if tables.is_empty() {
            faults.dedup();
            return Err(faulty(faults));
        }
        let mut digest = text.clone();
        for (name, value) in &variables.used {
            // Writing to a string cannot fail.
            let _ = write!(digest, "\0{name}={value}");
        }
        let pipeline = check::checked(tables, &folder, &mut faults);
        let Some(pipeline) = pipeline.filter(|_| faults.is_empty()) else {
            faults.sort_by_key(|fault| fault.line);
            faults.dedup();
            return Err(faulty(faults));
        };
        Ok(Self { path: own, folder, digest: sha256(digest.as_bytes()), ..pipeline })
    }

    fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.section.name == name)
    }

    /// What it does, in order.
    pub fn steps(&self) -> Vec<Step> {
        let has = |name: &str| self.table(name).is_some();
        let wants = |step: &Step| match step {
            Step::Check | Step::Plan | Step::Post => has("post"),
            Step::Report | Step::Missing | Step::Export => has(step.name()),
        };
        Step::ALL.into_iter().filter(wants).collect()
    }

    /// Whether what it does is of one month.
    pub fn is_of_one_month(&self) -> bool {
        self.table("post").is_some() || self.table("missing").is_some()
    }

    /// The guards that it makes stricter: each key with its value.
    pub fn guards(&self) -> Vec<(&'static str, Value)> {
        let settings = self.table("checks.guards").into_iter().flat_map(|table| &table.settings);
        settings.flat_map(|own| own.values.iter().map(|value| (own.key.name, value.clone()))).collect()
    }

    /// The codes that it has judged more gravely, under this key.
    pub fn codes(&self, key: &str) -> Vec<Value> {
        self.values("checks", key).cloned().collect()
    }

    fn values(&self, table: &str, key: &str) -> impl Iterator<Item = &Value> {
        let table = self.table(table);
        let own = table.into_iter().flat_map(|table| &table.settings).filter(move |own| own.key.name == key);
        own.flat_map(|own| &own.values)
    }

    /// The line of the key that stands for a flag of a step; that of its table where none does.
    pub fn line_of(&self, step: Step, flag: &str) -> u32 {
        let tables = || step.tables().iter().filter_map(|name| self.table(name));
        let own = tables().flat_map(|table| &table.settings).find(|own| own.key.flag == Some(flag));
        own.map(|own| own.line).or(tables().next_back().map(|table| table.line)).unwrap_or_default()
    }

    /// The key that stands for a flag.
    pub fn key_of(flag: &str) -> Option<&'static str> {
        let mut keys = keys::SECTIONS.iter().flat_map(|section| section.keys);
        keys.find(|key| key.flag == Some(flag)).map(|key| key.name)
    }

    /// The flags of a step, as the command that does the same by hand takes them. What it writes is left out
    /// where it is not to write. Links are looked at as they stand now.
    pub fn flags(&self, step: Step, period: PeriodRange, writes: bool) -> Result<Vec<OsString>, Fault> {
        let mut flags = Vec::new();
        for table in step.tables().iter().filter_map(|name| self.table(name)) {
            for own in &table.settings {
                let Some(flag) = own.key.flag else { continue };
                // What is filled into a template that is not written is of no use, either.
                if !writes && (own.key.kind.is_written() || own.key.name == FILL) {
                    continue;
                }
                if own.values.is_empty() {
                    flags.push(flag.into());
                }
                for value in &own.values {
                    let mut text = OsString::from(format!("{flag}="));
                    text.push(self.resolved(own.key.kind, value, period)?);
                    flags.push(text);
                }
            }
        }
        if writes && step == Step::Post && self.values("post", "results").next().is_none() {
            let line = self.table("post").map_or(0, |table| table.line);
            let place = self.place(&with_period(RESULTS, period), line)?;
            let mut flag = OsString::from("--results=");
            flag.push(place);
            flags.push(flag);
        }
        Ok(flags)
    }

    /// What a step writes, as it stands in the pipeline, with the months put in.
    pub fn outputs(&self, step: Step, period: PeriodRange) -> Vec<String> {
        let own = step.tables().last().and_then(|name| self.table(name)).into_iter();
        let written = own.flat_map(|table| &table.settings).filter(|own| own.key.kind.is_written());
        written.flat_map(|own| &own.values).map(|value| with_period(&value.text, period)).collect()
    }

    /// Where a step writes to, as whole paths; what is only the name of a target is none.
    pub fn places(&self, step: Step, period: PeriodRange) -> Result<Vec<PathBuf>, Fault> {
        let own = step.tables().last().and_then(|name| self.table(name)).into_iter();
        let written = own.flat_map(|table| &table.settings).filter(|own| own.key.kind.is_written());
        let mut places = Vec::new();
        for (kind, value) in written.flat_map(|own| own.values.iter().map(|value| (own.key.kind, value))) {
            let text = with_period(&value.text, period);
            match (kind, text.split_once(':')) {
                (Kind::Targets, Some((kind, place))) if keys::PLACES.contains(&kind) => {
                    places.push(self.place(place, value.line)?);
                }
                (Kind::Targets, _) => continue,
                _ => places.push(self.place(&text, value.line)?),
            }
            places.last().map_or(Ok(()), |place| check::plain(place, value.line))?;
        }
        Ok(places)
    }

    /// Whether a step takes the place of what it has written before.
    pub fn replaces(&self, step: Step) -> bool {
        let own = step.tables().last().and_then(|name| self.table(name)).into_iter();
        own.flat_map(|table| &table.settings).any(|own| own.key.name == "replace")
    }

    /// Where an export goes to.
    pub fn targets(&self) -> Vec<Value> {
        self.values("export", "to").cloned().collect()
    }

    /// The tables that an export names.
    pub fn exported(&self) -> Vec<String> {
        self.values("export", "tables").map(|value| value.text.clone()).collect()
    }

    /// The files of usage, or the patterns that they fit, as whole paths.
    pub fn inputs(&self, period: PeriodRange) -> Result<Vec<PathBuf>, Fault> {
        let input = |value: &Value| {
            let text = with_period(&value.text, period);
            let place = self.place(&text, value.line)?;
            let written = Path::new(&text);
            let is_pattern = is_pattern(written) && !place.exists();
            Ok(if is_pattern { pattern_in(&self.folder, written) } else { place })
        };
        self.values("input", "files").map(input).collect()
    }

    /// A file that was found for a pattern, where it lies in the folder.
    pub fn is_within(&self, found: &Path) -> bool {
        let relative = found.strip_prefix(&self.folder);
        relative.is_ok_and(|relative| within(&self.folder, relative).is_ok())
    }

    fn place(&self, written: &str, line: u32) -> Result<PathBuf, Fault> {
        check::place(&self.folder, written, line)
    }

    fn resolved(&self, kind: Kind, value: &Value, period: PeriodRange) -> Result<OsString, Fault> {
        let text = with_period(&value.text, period);
        match kind {
            Kind::Input | Kind::Output(_) | Kind::Outputs(_) => {
                Ok(self.place(&text, value.line)?.into_os_string())
            }
            Kind::Layout if check::is_layout_file(&text) => {
                Ok(self.place(&text, value.line)?.into_os_string())
            }
            Kind::Targets => match text.split_once(':') {
                Some((kind, place)) if keys::PLACES.contains(&kind) => {
                    let mut target = OsString::from(format!("{kind}:"));
                    target.push(self.place(place, value.line)?);
                    Ok(target)
                }
                _ => Ok(text.into()),
            },
            Kind::Plain
            | Kind::Plains
            | Kind::Texts
            | Kind::Text
            | Kind::Flag
            | Kind::Count
            | Kind::Number
            | Kind::Inputs
            | Kind::Layout => Ok(value.text.clone().into()),
        }
    }
}

impl Kind {
    /// Whether the months may stand in it.
    fn takes_period(self) -> bool {
        self.is_written() || self == Self::Inputs
    }

    /// Whether it names what is written.
    fn is_written(self) -> bool {
        matches!(self, Self::Output(_) | Self::Outputs(_) | Self::Targets)
    }
}

/// A name with the months in the place of `{period}`.
fn with_period(text: &str, period: PeriodRange) -> String {
    // Two dots in a name would look like the way up.
    text.replace("{period}", &period.to_string().replace("..", "_"))
}
