//! The file that keeps a sandbox between runs: its world as it began, and every event since, a line
//! each.
//!
//! A line is in the file before its answer leaves, so what a client was told is kept even when the
//! sandbox is killed. A last line that is not whole was never answered and is cut off.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::behaviour::Behaviour;
use super::data::Data;
use super::event::Event;
use super::{SandboxError, World};

/// The format that this version writes.
const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Beginning {
    waldur_usage_sandbox: u32,
    /// The kind of server, capability by capability: its rules made the rows of the events.
    behaviour: String,
    /// When the server began, by its own clock.
    began: Timestamp,
    world: World,
}

/// A state file that events are added to.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    file: Mutex<File>,
}

/// A state file that was opened: its world, and the events that are still to be read.
#[derive(Debug)]
pub(super) struct Kept {
    pub world: World,
    pub began: Timestamp,
    pub events: Events,
}

/// The events of a state file.
#[derive(Debug)]
pub(super) struct Events {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
}

impl StateFile {
    /// Writes the file of a new state that begins with a world.
    pub(super) fn begin(
        path: &Path,
        world: &World,
        began: Timestamp,
        behaviour: &Behaviour,
    ) -> Result<(), SandboxError> {
        let failed = |source| SandboxError::State { path: path.to_owned(), source };
        let file = OpenOptions::new().create_new(true).write(true).open(path).map_err(failed)?;
        let beginning = Beginning {
            waldur_usage_sandbox: FORMAT,
            behaviour: behaviour.to_string(),
            began,
            world: world.clone(),
        };
        let mut writer = BufWriter::new(file);
        let written = serde_json::to_writer(&mut writer, &beginning).map_err(std::io::Error::from);
        let written = written.and_then(|()| writer.write_all(b"\n")).and_then(|()| writer.flush());
        written.map_err(|source| {
            // Half a beginning would only be refused the next time.
            let _ = std::fs::remove_file(path);
            failed(source)
        })
    }

    /// Opens a state.
    pub(super) fn open(path: &Path, behaviour: &Behaviour) -> Result<Kept, SandboxError> {
        let failed = |source| SandboxError::State { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(failed)?;
        lock(path, &file)?;
        let reader = BufReader::with_capacity(1 << 20, file);
        let mut lines = Lines { reader, line: Vec::new(), number: 0, whole: 0 };
        let foreign = |source| SandboxError::Format { path: path.to_owned(), source };
        let first = lines.next().map_err(failed)?.unwrap_or_default();
        let beginning: Beginning = serde_json::from_slice(first).map_err(foreign)?;
        if beginning.waldur_usage_sandbox != FORMAT || beginning.behaviour != behaviour.to_string() {
            let made_by = beginning.behaviour;
            return Err(SandboxError::OtherBehaviour { path: path.to_owned(), made_by });
        }
        let Beginning { world, began, .. } = beginning;
        Ok(Kept { world, began, events: Events { path: path.to_owned(), lines } })
    }

    /// Adds an event; it is with the operating system when this returns.
    pub(super) fn add(&self, event: &Event) -> Result<(), SandboxError> {
        let failed = |source| SandboxError::State { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(event).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(failed)
    }
}

impl Events {
    /// Carries all events out on their world; the moment of the last one, and the file to add to.
    pub(super) fn replay(
        mut self,
        data: &mut Data,
        behaviour: &Behaviour,
    ) -> Result<(Timestamp, StateFile), SandboxError> {
        let path = self.path;
        let failed = |source| SandboxError::State { path: path.clone(), source };
        let mut last = Timestamp::MIN;
        while let Some((line, number)) = self.lines.next_numbered().map_err(failed)? {
            let damaged = || SandboxError::Damaged { path: path.clone(), line: number };
            let event: Event = serde_json::from_slice(line).map_err(|_| damaged())?;
            event.replay(data, behaviour).map_err(|_| damaged())?;
            last = last.max(event.at());
        }
        let whole = self.lines.whole;
        let mut file = self.lines.reader.into_inner();
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok((last, StateFile { path, file: Mutex::new(file) }))
    }
}

/// Two sandboxes that write one file would make nonsense of it.
fn lock(path: &Path, file: &File) -> Result<(), SandboxError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => SandboxError::StateInUse(path.to_owned()),
        TryLockError::Error(source) => SandboxError::State { path: path.to_owned(), source },
    })
}

/// The whole lines of a file.
#[derive(Debug)]
struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    number: usize,
    /// How many bytes of whole lines were read.
    whole: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line without its end; `None` where no whole line is left.
    fn next(&mut self) -> std::io::Result<Option<&[u8]>> {
        self.line.clear();
        let read = self.reader.read_until(b'\n', &mut self.line)?;
        if self.line.pop() != Some(b'\n') {
            return Ok(None);
        }
        self.number += 1;
        self.whole += u64::try_from(read).unwrap_or_default();
        Ok(Some(&self.line))
    }

    /// The next line and its number.
    fn next_numbered(&mut self) -> std::io::Result<Option<(&[u8], usize)>> {
        let number = self.number + 1;
        Ok(self.next()?.map(|line| (line, number)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sandbox::tests::{report, resource, send, settings};
    use crate::sandbox::{Sandbox, Settings, start};

    fn keeping(path: &Path) -> Settings {
        Settings { state: Some(path.to_owned()), ..settings() }
    }

    /// Posts of every kind, a half-saved one and some that save nothing.
    fn post_all(sandbox: &Sandbox) {
        assert!(report(sandbox, "1.50").unwrap().starts_with("HTTP/1.1 201"));
        assert!(report(sandbox, "1.555").unwrap().starts_with("HTTP/1.1 400"));
        let storage = resource("flame-data");
        let half = format!(
            r#"{{"resource":"{storage}","usages":[{{"type":"block_storage","amount":"22"}},{{"type":"egress","amount":"2000"}}]}}"#
        );
        let answer = send(sandbox, "POST", "marketplace-component-usages/set_usage/", &half).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        let usage = sandbox.usages().last().unwrap().uuid;
        let path = format!("marketplace-component-usages/{usage}/set_user_usage/");
        let answer = send(sandbox, "POST", &path, r#"{"username":"Zoë","usage":"0.25"}"#).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    fn people(sandbox: &Sandbox) -> String {
        let answer = send(sandbox, "GET", "marketplace-component-user-usages/", "").unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.replace(&sandbox.url(), "")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_answered_is_there_in_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        let first = start(keeping(&path)).await.unwrap();
        first.set_now("2026-11-21T10:00:00Z".parse().unwrap());
        post_all(&first);
        let (usages, parts, world) = (first.usages(), people(&first), World::built_in());
        first.stop().await;
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1 + 3);
        let second = start(keeping(&path)).await.unwrap();
        assert_eq!((second.usages(), people(&second)), (usages.clone(), parts));
        assert!(parts_are_there(&people(&second)) && usages.len() > world.usages.len());
        assert!(second.now() >= "2026-11-21T10:00:00Z".parse().unwrap());
        // The ids that are made next are not those of the first run.
        let quiet = resource("training-course");
        let body = format!(r#"{{"resource":"{quiet}","usages":[{{"type":"cpu","amount":"1"}}]}}"#);
        send(&second, "POST", "marketplace-component-usages/set_usage/", &body).unwrap();
        let made = second.usages().last().unwrap().uuid;
        assert!(usages.iter().all(|usage| usage.uuid != made));
    }

    fn parts_are_there(people: &str) -> bool {
        people.contains(r#""usage":"0.25""#) && people.contains("Zoë")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_line_that_is_not_whole_was_never_answered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        let first = start(keeping(&path)).await.unwrap();
        post_all(&first);
        let usages = first.usages();
        first.stop().await;
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..], br#"{"at":"2026-11-21T10:00:0"#].concat()).unwrap();
        let second = start(keeping(&path)).await.unwrap();
        assert_eq!(second.usages(), usages);
        report(&second, "3").unwrap();
        second.stop().await;
        let third = start(keeping(&path)).await.unwrap();
        assert!(third.usages().iter().any(|usage| usage.amount.to_string() == "3.00"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_state_that_does_not_fit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        let first = start(keeping(&path)).await.unwrap();
        post_all(&first);
        let refused = start(keeping(&path)).await;
        assert!(matches!(refused, Err(SandboxError::StateInUse(_))), "{refused:?}");
        first.stop().await;
        let other = Settings { behaviour: Behaviour::dialect_2026(), ..keeping(&path) };
        let refused = start(other).await;
        assert!(matches!(refused, Err(SandboxError::OtherBehaviour { .. })), "{refused:?}");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen(r#""by":"owner""#, r#""by":"nobody in here""#, 1)).unwrap();
        let refused = start(keeping(&path)).await;
        assert!(matches!(refused, Err(SandboxError::Damaged { line: 2, .. })), "{refused:?}");
        fs::write(&path, "a,b,c\n").unwrap();
        let refused = start(keeping(&path)).await;
        assert!(matches!(refused, Err(SandboxError::Format { .. })), "{refused:?}");
    }
}
