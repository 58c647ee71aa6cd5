//! Processes that are killed, and processes that race, with one store between them.
//!
//! A test starts its own program again for the part of the other process, which the variable below
//! tells it to play.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines, Read};
use std::path::Path;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use uuid::Uuid;

use super::tests::{PLAN, answered, audit_entry, new_run, request, run_id};
use super::*;
use crate::domain::BillingPeriod;
use crate::domain::OfferingId;

const FOLDER: &str = "WALDUR_USAGE_TEST_STORE";
const NUMBER: &str = "WALDUR_USAGE_TEST_NUMBER";

/// The other process.
struct Other {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Other {
    /// Starts a test in a process of its own; the number is its own too.
    fn start(test: &str, folder: &Path, number: u128) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([&format!("store::kill_tests::{test}"), "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .env(NUMBER, number.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, said }
    }

    /// The next word that it says, past what the test harness prints; none when it has ended.
    fn hear(&mut self) -> Option<String> {
        self.said.by_ref().find_map(|line| line.unwrap().split_once("SAYS ").map(|(_, word)| word.to_owned()))
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn say(word: impl std::fmt::Display) {
    println!("SAYS {word}");
}

/// The part of the other process, where this is it.
fn part() -> Option<(PathBuf, u128)> {
    let folder = std::env::var_os(FOLDER)?;
    Some((folder.into(), std::env::var(NUMBER).unwrap().parse().unwrap()))
}

/// Waits until the process that started this one lets go.
fn wait_to_be_let_go() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Sixteen tasks that write requests until they are killed, and say of each when they were told that
/// it is on disk.
fn write_until_killed(folder: &Path, run: u128) {
    let store = Store::open(folder).unwrap();
    store.begin(&new_run(run), &PLAN).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let journal = Arc::new(store.journal(run_id(run)).unwrap());
        let tasks: Vec<_> = (0..16)
            .map(|task| {
                let journal = Arc::clone(&journal);
                tokio::spawn(async move {
                    for batch in (task..1_000_000).step_by(16) {
                        journal.sending(request(batch)).await.unwrap();
                        say(batch);
                        let audit = vec![audit_entry(run, batch), audit_entry(run, batch)];
                        journal.answered(Answered { audit, ..answered(batch, Answer::Accepted) });
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn what_a_killed_writer_was_told_is_there() {
    if let Some((folder, run)) = part() {
        return write_until_killed(&folder, run);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut answers_of_all = 0;
    for (run, heard_before) in (1..).zip([0, 1, 40, 333, 1_000]) {
        let mut other = Other::start("what_a_killed_writer_was_told_is_there", folder.path(), run);
        let mut told: BTreeSet<u32> =
            (0..heard_before).map(|_| other.hear().unwrap().parse().unwrap()).collect();
        other.kill();
        while let Some(batch) = other.hear() {
            told.insert(batch.parse().unwrap());
        }
        let store = Store::open(folder.path()).unwrap();
        if heard_before == 0 && store.run(run_id(run)).unwrap().is_none() {
            continue;
        }
        let requests = store.requests(run_id(run)).unwrap();
        let written: BTreeSet<u32> = requests.iter().map(|request| request.batch).collect();
        assert!(told.is_subset(&written), "lost: {:?}", told.difference(&written).collect::<Vec<_>>());
        assert!(written.len() <= told.len() + 16, "one for each task that was not told yet");
        // An answer and its audit entries are there together.
        answers_of_all += requests.iter().filter(|request| request.answer.is_some()).count();
        let entries = store.audit_verify(None).unwrap().entries;
        assert_eq!(entries, 2 * u64::try_from(answers_of_all).unwrap());
        assert_eq!(store.latest_unfinished(&new_run(run).server, None).unwrap(), Some(run_id(run)));
    }
}

fn scope() -> LockScope {
    LockScope {
        server: "https://waldur.example.com".into(),
        offerings: vec![OfferingId::new(Uuid::from_u128(1)), OfferingId::new(Uuid::from_u128(2))],
        period: BillingPeriod::new(2026, 11).unwrap(),
    }
}

/// Says whether it got the lock, and keeps it until it is let go.
fn want_the_lock(folder: &Path, run: u128) {
    let lock = Store::open(folder).unwrap().lock(&scope(), run_id(run));
    match &lock {
        Ok(_) => say("got"),
        Err(LockError::Held { pid, .. }) => say(pid),
        Err(error) => say(error),
    }
    wait_to_be_let_go();
}

#[test]
fn of_processes_that_want_a_lock_at_once_one_gets_it() {
    if let Some((folder, run)) = part() {
        return want_the_lock(&folder, run);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut others: Vec<Other> = (1..=6)
        .map(|run| Other::start("of_processes_that_want_a_lock_at_once_one_gets_it", folder.path(), run))
        .collect();
    let said: Vec<String> = others.iter_mut().map(|other| other.hear().unwrap()).collect();
    let winner = said.iter().position(|word| word == "got").unwrap();
    let pid = others[winner].child.id().to_string();
    for (number, word) in said.iter().enumerate() {
        assert!(number == winner || *word == pid, "{said:?}");
    }
    for mut other in others {
        drop(other.child.stdin.take());
        other.child.wait().unwrap();
    }
    Store::open(folder.path()).unwrap().lock(&scope(), run_id(9)).unwrap();
}

#[test]
fn the_lock_of_a_killed_process_is_taken_at_once_and_that_of_a_living_one_is_not() {
    if let Some((folder, run)) = part() {
        return want_the_lock(&folder, run);
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "the_lock_of_a_killed_process_is_taken_at_once_and_that_of_a_living_one_is_not";
    let mut other = Other::start(test, folder.path(), 1);
    assert_eq!(other.hear().unwrap(), "got");
    let store = Store::open(folder.path()).unwrap();
    let error = store.lock(&scope(), run_id(2)).unwrap_err();
    let holder = other.child.id();
    assert!(
        matches!(error, LockError::Held { pid, run, .. } if (pid, run) == (holder, run_id(1))),
        "{error}"
    );
    other.kill();
    assert!(store.lock(&scope(), run_id(2)).unwrap().is_held());
}
