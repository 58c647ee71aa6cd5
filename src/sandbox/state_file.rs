//! The file that keeps a sandbox between runs: its world as it began, and every event since, a line
//! each.
//!
//! A line is in the file before its answer leaves, so what a client was told is kept even when the
//! sandbox is killed. A last line that is not whole was never answered and is cut off, which is said.
//! Where a line cannot be written, nothing more is answered: what is stored would not be what is kept.
//! Nobody else may read the file, since it holds what is billed to whom.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::behaviour::Behaviour;
use super::data::Data;
use super::event::Event;
use super::{SandboxError, World, world_file};

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
    /// The name that its answers carry.
    name: String,
    world: World,
}

/// A state file that events are added to.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    file: Mutex<File>,
    /// Whether a line could not be written.
    has_failed: AtomicBool,
}

/// A state file that was opened: its world, and the events that are still to be read.
#[derive(Debug)]
pub(super) struct Kept {
    pub world: World,
    pub began: Timestamp,
    pub name: String,
    pub events: Events,
}

/// What comes of carrying the events of a state out again.
#[derive(Debug)]
pub(super) struct Replayed {
    /// The moment of the last one, where there was any.
    pub last: Option<Timestamp>,
    /// Whether a last line was cut off.
    pub is_cut: bool,
    pub file: StateFile,
}

/// The events of a state file.
#[derive(Debug)]
pub(super) struct Events {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
}

impl StateFile {
    /// Whether there is a state; an empty file is none yet.
    pub(super) fn is_there(path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| !metadata.is_file() || metadata.len() > 0)
    }

    /// Writes the file of a new state that begins with a world.
    pub(super) fn begin(
        path: &Path,
        world: &World,
        began: Timestamp,
        name: &str,
        behaviour: &Behaviour,
    ) -> Result<(), SandboxError> {
        let beginning = Beginning {
            waldur_usage_sandbox: FORMAT,
            behaviour: behaviour.to_string(),
            began,
            name: name.to_owned(),
            world: world.clone(),
        };
        world_file::write(path, path.exists(), &beginning).map_err(|error| match error {
            SandboxError::Write { path, source } => SandboxError::State { path, source },
            other => other,
        })
    }

    /// Opens a state.
    pub(super) fn open(path: &Path, behaviour: &Behaviour) -> Result<Kept, SandboxError> {
        let failed = |source| SandboxError::State { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(failed)?;
        lock(path, &file)?;
        keep_private(&file).map_err(failed)?;
        let reader = BufReader::with_capacity(1 << 20, file);
        let mut lines = Lines { reader, line: Vec::new(), number: 0, whole: 0 };
        let foreign = |source| SandboxError::NotAState { path: path.to_owned(), source };
        let first = lines.next().map_err(failed)?.unwrap_or_default();
        let beginning: Beginning = serde_json::from_slice(first).map_err(foreign)?;
        let (made_by, asked_for) = (beginning.behaviour.clone(), behaviour.to_string());
        if beginning.waldur_usage_sandbox != FORMAT || made_by != asked_for {
            return Err(SandboxError::OtherBehaviour { path: path.to_owned(), made_by, asked_for });
        }
        let Beginning { world, began, name, .. } = beginning;
        Ok(Kept { world, began, name, events: Events { path: path.to_owned(), lines } })
    }

    /// Whether an event could not be kept: what is stored is no longer what is in the file.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Adds an event; it is with the operating system when this returns. Half a line is taken away
    /// again, and nothing is added after it.
    pub(super) fn add(&self, event: &Event) -> Result<(), SandboxError> {
        let failed = |source| SandboxError::State { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(event).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let before = file.metadata().map_err(failed)?.len();
        file.write_all(&line).map_err(|source| {
            self.has_failed.store(true, Ordering::Release);
            let _ = file.set_len(before);
            failed(source)
        })
    }
}

impl Events {
    /// Carries all events out on their world.
    pub(super) fn replay(mut self, data: &mut Data, behaviour: &Behaviour) -> Result<Replayed, SandboxError> {
        let path = self.path;
        let failed = |source| SandboxError::State { path: path.clone(), source };
        let mut last = None;
        while let Some((line, number)) = self.lines.next_numbered().map_err(failed)? {
            let damaged = || SandboxError::Damaged { path: path.clone(), line: number };
            let event: Event = serde_json::from_slice(line).map_err(|_| damaged())?;
            event.replay(data, behaviour).map_err(|_| damaged())?;
            last = Some(event.at());
        }
        let whole = self.lines.whole;
        let mut file = self.lines.reader.into_inner();
        let is_cut = file.metadata().map_err(failed)?.len() > whole;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        // What was carried out again is no news to the log of this run.
        data.usages.take_lasting();
        let file = StateFile { path, file: Mutex::new(file), has_failed: AtomicBool::new(false) };
        Ok(Replayed { last, is_cut, file })
    }
}

/// Takes the right to read from everybody else, where there are such rights.
fn keep_private(file: &File) -> std::io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
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
    use crate::sandbox::tests::{report, resource, send, send_as, settings};
    use crate::sandbox::{Ending, Fault, FaultKind, Sandbox, Settings, start};

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
        assert_eq!(kept_lines(&path), 1 + 1 + 3, "its world, the clock and three posts");
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
        assert!(second.is_state_cut());
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
        fs::write(&path, text.replacen(r#""post":"set_usage""#, r#""post":"set_nothing""#, 1)).unwrap();
        let refused = start(keeping(&path)).await;
        assert!(matches!(refused, Err(SandboxError::Damaged { line: 2, .. })), "{refused:?}");
        fs::write(&path, "a,b,c\n").unwrap();
        let refused = start(keeping(&path)).await;
        assert!(matches!(refused, Err(SandboxError::NotAState { .. })), "{refused:?}");
    }

    fn kept_lines(path: &Path) -> usize {
        fs::read_to_string(path).unwrap().lines().count()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_rejected_post_after_a_restart_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        let first = start(keeping(&path)).await.unwrap();
        post_all(&first);
        first.stop().await;
        let lines = kept_lines(&path);
        let second = start(keeping(&path)).await.unwrap();
        let body = format!(
            r#"{{"resource":"{}","usages":[{{"type":"cpu","amount":"1"}}]}}"#,
            resource("benchmarks")
        );
        let path_of = "marketplace-component-usages/set_usage/";
        let consumer = second.tokens()["consumer"].clone();
        let answer = send_as(&second, &consumer, "POST", path_of, &body).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(second.log().is_empty(), "what was carried out again is no news");
        second.stop().await;
        assert_eq!(kept_lines(&path), lines);
        start(keeping(&path)).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_refused_post_leaves_behind_is_kept_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        let mut behaviour = Behaviour::dialect_2024();
        behaviour.switch("plan-period-of=month").unwrap();
        let keeping = || Settings { behaviour: behaviour.clone(), ..keeping(&path) };
        let first = start(keeping()).await.unwrap();
        // Half of it is broken off; the first item cannot be stored, and its id goes back.
        let kind = FaultKind::HalfApplied(1, Ending::Broken);
        first.inject(Fault { path_contains: "set_usage".into(), times: 1, ..Fault::new(kind) });
        let (storage, course, long) =
            (resource("flame-data"), resource("training-course"), "x".repeat(2_001));
        let post = |sandbox: &Sandbox, resource: &str, usages: String| {
            let body = format!(r#"{{"resource":"{resource}","usages":[{usages}]}}"#);
            let answer = send(sandbox, "POST", "marketplace-component-usages/set_usage/", &body).unwrap();
            answer[9..12].to_owned()
        };
        let item = |kind: &str, amount: &str, text: &str| {
            format!(r#"{{"type":"{kind}","amount":"{amount}","description":"{text}"}}"#)
        };
        let two = [item("block_storage", "1", &long), item("egress", "1", "")].join(",");
        assert_eq!(post(&first, &storage, two), "500");
        assert_eq!(post(&first, &course, item("cpu", "1", "")), "201");
        let usages = first.usages();
        first.stop().await;
        assert_eq!(start(keeping()).await.unwrap().usages(), usages);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_clock_goes_on_from_where_it_was_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        let first = start(keeping(&path)).await.unwrap();
        for moment in ["2027-02-03T09:00:00Z", "2026-12-10T09:00:00Z"] {
            first.set_now(moment.parse().unwrap());
            report(&first, "5").unwrap();
        }
        first.stop().await;
        let second = start(keeping(&path)).await.unwrap();
        assert!(second.now().to_string().starts_with("2026-12-10T09:00:0"), "{}", second.now());
        second.stop().await;
        let early = Settings { now: Some("2026-12-01T00:00:00Z".parse().unwrap()), ..keeping(&path) };
        let refused = start(early).await;
        assert!(matches!(refused, Err(SandboxError::Backwards { .. })), "{refused:?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_clock_that_starts_later_turns_the_months_between() {
        let late = Settings { now: Some("2027-01-15T09:00:00Z".parse().unwrap()), ..settings() };
        let sandbox = start(late).await.unwrap();
        let path = "invoices/?state=created&year=2026&page_size=1";
        let owner = sandbox.tokens()["staff"].clone();
        let answer = send_as(&sandbox, &owner, "GET", path, "").unwrap();
        assert!(answer.contains("\"month\":12"), "{answer}");
    }

    #[cfg(unix)]
    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_else_can_read_a_state_and_an_empty_file_is_none_yet() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        fs::write(&path, "").unwrap();
        let first = start(keeping(&path)).await.unwrap();
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        let name = first.name().to_owned();
        first.stop().await;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let again = Settings { is_world_required: true, name: Some("another".into()), ..keeping(&path) };
        let second = start(again).await.unwrap();
        assert_eq!((mode(), second.name()), (0o600, name.as_str()), "it is the same sandbox");
        second.stop().await;
        let mut world = World::built_in();
        world.resources.pop();
        let other = Settings { is_world_required: true, world, ..keeping(&path) };
        assert!(matches!(start(other).await, Err(SandboxError::OtherWorld(_))));
    }

    #[test]
    fn a_line_that_cannot_be_written_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rehearsal.state");
        fs::write(&path, "what was there\n").unwrap();
        // A file that is open for reading alone stands for a full disk.
        let file = Mutex::new(File::open(&path).unwrap());
        let state = StateFile { path: path.clone(), file, has_failed: AtomicBool::new(false) };
        let refused = state.add(&Event::Time { at: Timestamp::UNIX_EPOCH });
        assert!(matches!(refused, Err(SandboxError::State { .. })), "{refused:?}");
        assert!(state.has_failed());
        assert_eq!(fs::read_to_string(&path).unwrap(), "what was there\n");
    }
}
