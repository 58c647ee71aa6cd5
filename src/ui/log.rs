//! Talk on stderr as lines of JSON, for whoever collects logs; `docs/schema/log.schema.json` describes them.

use std::io::Write;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{RunId, escaped_json};

/// In what form talk is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogForm {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// What went wrong, in its parts.
#[derive(Debug, Clone, Default)]
pub struct Fault {
    /// What.
    pub message: String,
    /// Why.
    pub cause: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// With what the program ends.
    pub exit_code: u8,
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    #[default]
    Info,
    Warning,
    Error,
}

/// A line, but for what every line has.
#[derive(Debug, Default, Serialize)]
pub(super) struct Line<'a> {
    #[serde(skip)]
    pub level: Level,
    pub message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_done: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<usize>,
}

#[derive(Serialize)]
struct Whole<'a> {
    time: Timestamp,
    level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<RunId>,
    #[serde(flatten)]
    line: &'a Line<'a>,
}

/// What lines have in common.
#[derive(Debug, Default)]
pub(super) struct Log {
    about: Mutex<About>,
}

#[derive(Debug, Default)]
struct About {
    stage: Option<String>,
    run: Option<RunId>,
}

impl Log {
    /// From now on lines are of a stage, or of none.
    pub(super) fn stage(&self, stage: Option<&str>) {
        self.with(|about| about.stage = stage.map(str::to_owned));
    }

    /// From now on lines are of a run.
    pub(super) fn run(&self, run: RunId) {
        self.with(|about| about.run = Some(run));
    }

    /// Writes a line.
    pub(super) fn write(&self, line: &Line<'_>) {
        self.with(|about| {
            let (stage, run) = (about.stage.as_deref(), about.run);
            let whole = Whole { time: Timestamp::now(), level: line.level, stage, run, line };
            // Serializing our own values to memory cannot fail.
            let text = escaped_json(&serde_json::to_string(&whole).unwrap_or_default());
            // Without a stderr there is nobody to tell.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        });
    }

    fn with(&self, act: impl FnOnce(&mut About)) {
        act(&mut self.about.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
