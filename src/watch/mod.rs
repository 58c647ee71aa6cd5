//! Whoever has to know how a run ended, and is not at the terminal.
//!
//! A finished run becomes an [`Ended`], and [`tell`] tells it: a file of metrics after every run, and a
//! webhook or a program where it failed or found differences. What cannot be told fails no run; it is
//! returned, to be said. Law: nothing in here has an access token of Waldur; this room does not import the
//! one that has, and brings its own way to post.

mod message;
mod metrics;
mod program;
mod secret;
mod settings;
mod webhook;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Amount, Currency, RunId};
use crate::error::ExitStatus;

pub use settings::{WatchSettings, WrittenWatch};

use message::Message;

/// A run that is over.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The name of its pipeline, where it has one.
    pub pipeline: Option<String>,
    /// The run.
    pub run: RunId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended.
    pub status: ExitStatus,
    /// The month or months that it was about.
    pub period: Option<String>,
    /// Rows that it read.
    pub rows: u64,
    /// Keys that differ.
    pub breaks: u64,
    /// What the differences come to, by currency; none where nobody told the currency.
    pub money: BTreeMap<Option<Currency>, Amount>,
    /// Its steps, with how long each took and how it ended.
    pub steps: Vec<(String, Duration, ExitStatus)>,
}

/// What somebody may want to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It did not do what it was to do.
    Failed,
    /// It did, and there are differences.
    Breaks,
    /// It did, and there are none.
    Done,
}

/// Somebody was told, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Telling {
    /// Who, or by what.
    pub to: String,
    /// Why they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl Ended {
    /// What it is to whoever is told.
    pub fn event(&self) -> Event {
        match self.status {
            ExitStatus::Done if self.breaks == 0 => Event::Done,
            ExitStatus::Done | ExitStatus::Differences => Event::Breaks,
            ExitStatus::Usage
            | ExitStatus::Denied
            | ExitStatus::Refused
            | ExitStatus::Partial
            | ExitStatus::Server
            | ExitStatus::Account
            | ExitStatus::Locked
            | ExitStatus::Bug
            | ExitStatus::Interrupted => Event::Failed,
        }
    }

    /// How long it took; nothing where the clock was put back meanwhile.
    fn took(&self) -> Duration {
        Duration::try_from(self.ended.duration_since(self.started)).unwrap_or_default()
    }
}

/// Tells whoever wants to know, and says who was told and who could not be.
pub async fn tell(ended: &Ended, settings: &WatchSettings) -> Vec<Telling> {
    let mut tellings = Vec::new();
    let mut note = |to: String, told: Result<(), String>| {
        tellings.push(Telling { to, trouble: told.err() });
    };
    if let Some(folder) = &settings.metrics_folder {
        let (folder, ended, is_test) = (folder.clone(), ended.clone(), settings.is_test);
        let path = metrics::path(&folder, &ended).to_string_lossy().into_owned();
        let to = if is_test { format!("{path}, which was written and taken away again") } else { path };
        let written = aside(move || {
            let written = metrics::write(&folder, &ended);
            // Nobody watches a pipeline that does not exist.
            if is_test { written.and_then(|()| metrics::take(&folder, &ended)) } else { written }
        });
        note(to, written.await);
    }
    let event = ended.event();
    let body = Message::of(ended, settings.is_test).json();
    if let Some(webhook) = settings.webhook.as_ref().filter(|webhook| webhook.on.contains(&event)) {
        note(webhook.to_string(), webhook::post(webhook, &body, webhook::PATIENCE).await);
    }
    if let Some(program) = settings.program.as_ref().filter(|program| program.on.contains(&event)) {
        let (to, program) = (program.name(), program.clone());
        note(to, aside(move || program::run(&program, &body, program::PATIENCE)).await);
    }
    tellings
}

/// Does what may take a while without keeping others waiting.
async fn aside(work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("it was stopped".to_owned()))
}

/// A run for tests, with a name that means something everywhere.
#[cfg(test)]
fn hostile() -> Ended {
    let step = |name: &str, status| (name.to_owned(), Duration::from_millis(1500), status);
    Ended {
        pipeline: Some("a\"\n} 1 \\ <!channel> \u{202e}\u{1b}[31m".to_owned()),
        run: "66637cd7602c5b9ba4e2bb7a5834dd44".parse().unwrap(),
        started: "2026-11-27T02:30:00Z".parse().unwrap(),
        ended: "2026-11-27T02:31:02.345Z".parse().unwrap(),
        status: ExitStatus::Differences,
        period: Some("2026-10".to_owned()),
        rows: 1234,
        breaks: 3,
        money: BTreeMap::from([
            (Some("EUR".parse().unwrap()), "-41.20".parse().unwrap()),
            (None, "0.01".parse().unwrap()),
        ]),
        steps: vec![step("reconcile", ExitStatus::Differences), step("x\"} 9\n", ExitStatus::Done)],
    }
}
