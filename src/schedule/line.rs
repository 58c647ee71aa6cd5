//! What is told of a schedule; `docs/schema/schedules.schema.json` describes it.

use jiff::Timestamp;
use serde::Serialize;

use crate::error::ExitStatus;

use super::{Attempt, By, Schedule};

/// A schedule as it is listed.
#[derive(Debug, Clone, Serialize)]
pub struct ScheduleLine {
    /// Its name.
    pub name: String,
    /// The pipeline.
    pub pipeline: String,
    /// When.
    pub at: String,
    /// What starts it.
    pub by: By,
    /// Whether it posts without asking.
    pub yes: bool,
    /// The program.
    pub program: String,
    /// The folder of the store, where it is not the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    log: &'static str,
    /// Since when.
    pub installed: Timestamp,
    /// The next time; none where nobody can tell.
    pub next: Option<Timestamp>,
    /// The last run; none where none is known.
    pub last: Option<LastRun>,
    /// Why it may not run, or not as it was installed.
    pub troubles: Vec<String>,
}

/// A run that a schedule began.
#[derive(Debug, Clone, Serialize)]
pub struct LastRun {
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its exit code.
    pub code: Option<u8>,
    /// What that is called.
    pub status: String,
}

impl ScheduleLine {
    /// A schedule of which nothing else is known.
    pub fn of(schedule: &Schedule) -> Self {
        Self {
            name: schedule.name(),
            pipeline: schedule.pipeline.clone(),
            at: schedule.at.clone(),
            by: schedule.by,
            yes: schedule.yes,
            program: schedule.program.clone(),
            store: schedule.store.clone(),
            log: if schedule.log_json { "json" } else { "text" },
            installed: schedule.installed,
            next: None,
            last: None,
            troubles: Vec::new(),
        }
    }
}

impl LastRun {
    /// An attempt that was written down; whether it runs is for the caller to say.
    pub fn of(attempt: Attempt, runs: bool) -> Self {
        let Attempt { started, ended, code } = attempt;
        let status = match (ended, runs) {
            (None, true) => "running".to_owned(),
            (None, false) => "cut short".to_owned(),
            (Some(_), _) => status(code),
        };
        Self { started: Some(started), ended, code, status }
    }

    /// What systemd alone tells of.
    pub fn of_systemd(code: u8) -> Self {
        Self { started: None, ended: None, code: Some(code), status: status(Some(code)) }
    }
}

fn status(code: Option<u8>) -> String {
    let Some(code) = code else { return "ended by a signal".to_owned() };
    let known = ExitStatus::ALL.into_iter().find(|status| status.code() == code);
    known.map_or_else(|| format!("exit code {code}"), |status| status.name().to_owned())
}
