//! `schedule due`: runs the pipelines whose time has come and that have not run since.
//!
//! Each runs in a process of its own, by the same command that a timer would run, so that one that dies
//! takes no other with it. The turn of a pipeline is held meanwhile: two that ask at once start it once.

use std::path::Path;
use std::process::{Child, Command, ExitStatus as Ended, Stdio};

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::visible;
use crate::error::{Error, ExitStatus};
use crate::schedule::{Attempt, By, Schedule, ask_to_end, due, local_zone};
use crate::ui::{self, Format, Terminal};

use super::Global;
use super::interrupt::{Interrupts, terminated};
use super::schedule::{memory, registry, this_program};

/// A pipeline that was due, as JSON on stdout.
#[derive(Serialize)]
struct DueLine {
    name: String,
    pipeline: String,
    /// Since when it was due.
    since: Timestamp,
    /// None where a signal ended it.
    code: Option<u8>,
}

/// Runs what is due.
pub async fn run(global: &Global, terminal: &Terminal) -> Result<ExitStatus, Error> {
    let (registry, zone) = (registry()?, local_zone());
    let (mut lines, mut statuses) = (Vec::new(), Vec::new());
    // systemd catches up by itself.
    for schedule in registry.all()?.into_iter().filter(|schedule| schedule.by != By::Systemd) {
        let name = schedule.name();
        // What is wrong with one keeps no other from running.
        let ran = run_if_due(&schedule, global, terminal, &zone).await;
        let (since, code) = match ran {
            Ok(None) => continue,
            Ok(Some(ran)) => ran,
            Err(error) => {
                let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
                terminal.error(&format!("error: {name}: {error}{hint}"));
                statuses.push(error.exit_status());
                continue;
            }
        };
        let status = status_of(code);
        let meaning = if code.is_some() { status.meaning() } else { "it was ended by a signal" };
        terminal.say(&format!("{name}: {meaning}"));
        statuses.push(status);
        lines.push(DueLine { name, pipeline: schedule.pipeline, since, code });
        if status == ExitStatus::Interrupted {
            break;
        }
    }
    match global.format.into() {
        Format::Json => ui::json(&lines),
        Format::Text if statuses.is_empty() => terminal.say("nothing is due"),
        Format::Text => {}
    }
    Ok(gravest(&statuses))
}

/// Runs a pipeline where it is due; tells since when it was, and its exit code.
async fn run_if_due(
    schedule: &Schedule,
    global: &Global,
    terminal: &Terminal,
    zone: &jiff::tz::TimeZone,
) -> Result<Option<(Timestamp, Option<u8>)>, Error> {
    let memory = memory(schedule, global)?;
    let Some(_turn) = memory.turn(schedule)? else {
        terminal.say(&format!("{}: runs already", schedule.name()));
        return Ok(None);
    };
    let started = Timestamp::now();
    let Some(since) = due(schedule, memory.last(schedule), started, zone)? else { return Ok(None) };
    terminal.say(&format!(
        "{}: due since {}, runs {}",
        schedule.name(),
        since.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z"),
        visible(&schedule.pipeline)
    ));
    let program = this_program()?;
    memory.note(schedule, &Attempt { started, ended: None, code: None })?;
    let ended = match start(&program, schedule, global) {
        Ok(child) => end_of(child).await,
        Err(error) => Err(error),
    };
    // One that could not be started is over too; it would not start a minute later either.
    let code = ended.as_ref().ok().copied().and_then(code_of);
    ran(&schedule.pipeline, &Attempt { started, ended: Some(Timestamp::now()), code }, global)?;
    match ended {
        Ok(_) => Ok(Some((since, code))),
        Err(error) => Err(Error::setting(format!("it cannot be started: {error}"), "check the program")),
    }
}

/// Remembers that a pipeline ran, by its path from the root on, where it runs by itself: what cron or a
/// person has run is not due any more.
pub fn ran(pipeline: &str, attempt: &Attempt, global: &Global) -> Result<(), Error> {
    let found = registry()?.find(pipeline)?;
    found.map_or(Ok(()), |schedule| memory(&schedule, global)?.note(&schedule, attempt))
}

fn start(program: &Path, schedule: &Schedule, global: &Global) -> std::io::Result<Child> {
    let mut schedule = schedule.clone();
    // What is given now goes before what was given when it was installed.
    if let Some(store) = &global.store {
        schedule.store = Some(store.to_string_lossy().into_owned());
    }
    let mut command = Command::new(program);
    command.args(&schedule.words()[1..]).stdin(Stdio::null());
    if let Format::Json = global.format.into() {
        // Our own stdout is one document.
        command.stdout(Stdio::from(std::io::stderr()));
    }
    command.spawn()
}

/// Waits for a process. Ctrl-C reaches it too, and how it ends is its own business; the signal that ends
/// services may reach this one alone, and is passed on.
async fn end_of(mut child: Child) -> std::io::Result<Ended> {
    let process = child.id();
    // Whatever ends this one early would leave the other one alone.
    let _interrupts = Interrupts::new();
    let wait = tokio::task::spawn_blocking(move || child.wait());
    tokio::pin!(wait);
    loop {
        tokio::select! {
            ended = &mut wait => return ended.unwrap_or_else(|error| Err(std::io::Error::other(error))),
            () = terminated() => ask_to_end(process),
        }
    }
}

fn code_of(ended: Ended) -> Option<u8> {
    ended.code().and_then(|code| u8::try_from(code).ok())
}

/// What a code of our own means. Of one that a signal ended, nobody knows what it has posted.
fn status_of(code: Option<u8>) -> ExitStatus {
    let known = ExitStatus::ALL.into_iter().find(|status| Some(status.code()) == code);
    known.unwrap_or(if code.is_some() { ExitStatus::Bug } else { ExitStatus::Partial })
}

/// The first failure, or else differences, or else nothing of note.
fn gravest(statuses: &[ExitStatus]) -> ExitStatus {
    let is_failure = |status: &&ExitStatus| !matches!(status, ExitStatus::Done | ExitStatus::Differences);
    let failure = statuses.iter().find(is_failure);
    let other =
        if statuses.contains(&ExitStatus::Differences) { ExitStatus::Differences } else { ExitStatus::Done };
    failure.copied().unwrap_or(other)
}
