//! The journal of a run: every request before it is sent, and its answer after.
//!
//! A request is on disk, flushed, before the caller may send it. So a request without an answer in
//! the journal is *unknown* after a kill: it may have reached the server, and reading tells. Answers
//! and the audit entries that belong to them are written together, a little later. The writing is
//! done by a thread of its own (`writer`); here are its front and what can be read back.

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use jiff::Timestamp;
use rusqlite::Row;
use tokio::sync::oneshot;

use super::AuditEntry;
use super::Store;
use super::StoreError;
use super::column::{not_ours, parsed, parsed_if_any};
use super::writer::{Message, Reply, Writer};
use crate::domain::ResourceId;
use crate::domain::RunId;

/// A request that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// The number of its batch in the plan.
    pub batch: u32,
    /// Which attempt at this batch it is; no attempt is written twice in a run.
    pub attempt: u32,
    /// The call: `set_usage` or `set_user_usages`.
    pub kind: String,
    /// The resource that it is about.
    pub resource: ResourceId,
    /// Its body; the token is not in it.
    pub body: String,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The batch.
    pub batch: u32,
    /// The attempt.
    pub attempt: u32,
    /// What the server said.
    pub answer: Answer,
    /// What the audit trail says of it; written together with the answer or not at all.
    pub audit: Vec<AuditEntry>,
}

/// What a server said to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It took it.
    Accepted,
    /// It said no.
    Rejected {
        /// The status of HTTP.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The request left, and no answer came.
    Lost {
        /// Why.
        reason: String,
    },
    /// The request was written down and never left.
    NotSent {
        /// Why.
        reason: String,
    },
}

/// A request of a run as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The batch.
    pub batch: u32,
    /// The attempt.
    pub attempt: u32,
    /// The call.
    pub kind: String,
    /// The resource.
    pub resource: ResourceId,
    /// The body.
    pub body: String,
    /// When it was about to be sent.
    pub sent_at: Timestamp,
    /// The answer and when it came; none where nothing is known.
    pub answer: Option<(Timestamp, Answer)>,
}

/// Writes the requests of one run down; used by many tasks at once.
///
/// What waits is written when this is dropped; [`Journal::flush`] says whether it was.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    /// There until this is dropped.
    messages: Option<Sender<Message>>,
    writer: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the journal of a run that has begun.
    pub fn journal(&self, run: RunId) -> Result<Journal, StoreError> {
        let number = self.number_of(run)?;
        let writer = Writer::new(self.another_connection()?, number);
        let path = self.database.path().to_owned();
        let (messages, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.work(&inbox))
            .map_err(|error| StoreError::unusable(&path, error))?;
        Ok(Journal { path, messages: Some(messages), writer: Some(thread) })
    }

    /// The requests of a run in the order in which they were written down.
    pub fn requests(&self, run: RunId) -> Result<Vec<RequestRecord>, StoreError> {
        let number = self.number_of(run)?;
        self.database.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT batch, attempt, kind, resource, body, sent, answered, answer, status, words
                 FROM request LEFT JOIN answer ON answer.request = request.number
                 WHERE run = ?1 ORDER BY request.number",
            )?;
            statement.query_map([number], record)?.collect()
        })
    }
}

impl Journal {
    /// Writes down that a request is about to be sent; returns once that is on disk.
    ///
    /// After an error the request must not be sent. Once an answer could not be written, every call
    /// ends in that error. Where the caller gives up waiting, the request may or may not be written.
    /// Who has the next request written while others are in flight does not wait for the disk.
    pub async fn sending(&self, request: Sending) -> Result<(), StoreError> {
        self.ask(|reply| Message::Sending(Timestamp::now(), request, reply)).await
    }

    /// Has an answer written soon. An answer that cannot be written is an error of the next
    /// [`Journal::sending`] and [`Journal::flush`].
    pub fn answered(&self, answer: Answered) {
        if let Some(messages) = &self.messages {
            // A writer that is gone is an error of the next call that waits.
            let _ = messages.send(Message::Answered(Timestamp::now(), answer));
        }
    }

    /// Returns once everything before it is on disk.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.ask(Message::Flush).await
    }

    async fn ask(&self, message: impl FnOnce(Reply) -> Message) -> Result<(), StoreError> {
        let stopped = || StoreError::Stopped { path: self.path.clone() };
        let (reply, answer) = oneshot::channel();
        let messages = self.messages.as_ref().ok_or_else(stopped)?;
        messages.send(message(reply)).map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // The writer ends when it has written all that was sent to it.
        self.messages = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Answer {
    /// The columns of an answer: its word, the status, the words.
    pub(super) fn columns(&self) -> (&'static str, Option<u16>, Option<&str>) {
        match self {
            Self::Accepted => ("accepted", None, None),
            Self::Rejected { status, message } => ("rejected", Some(*status), Some(message)),
            Self::Lost { reason } => ("lost", None, Some(reason)),
            Self::NotSent { reason } => ("not_sent", None, Some(reason)),
        }
    }

    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let word: String = row.get("answer")?;
        match word.as_str() {
            "accepted" => Ok(Self::Accepted),
            "rejected" => Ok(Self::Rejected { status: row.get("status")?, message: row.get("words")? }),
            "lost" => Ok(Self::Lost { reason: row.get("words")? }),
            "not_sent" => Ok(Self::NotSent { reason: row.get("words")? }),
            _ => Err(not_ours(row, "answer", "no answer that this program knows")),
        }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<RequestRecord> {
    let answered: Option<Timestamp> = parsed_if_any(row, "answered")?;
    Ok(RequestRecord {
        batch: row.get("batch")?,
        attempt: row.get("attempt")?,
        kind: row.get("kind")?,
        resource: parsed(row, "resource")?,
        body: row.get("body")?,
        sent_at: parsed(row, "sent")?,
        answer: answered.map(|at| Answer::of(row).map(|answer| (at, answer))).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::store::tests::{PLAN, answered, audit_entry, new_run, raw, request, run_id};

    fn begun(folder: &tempfile::TempDir) -> (Store, Journal) {
        let store = Store::open(folder.path()).unwrap();
        store.begin(&new_run(1), &PLAN).unwrap();
        let journal = store.journal(run_id(1)).unwrap();
        (store, journal)
    }

    #[tokio::test]
    async fn requests_are_read_back_in_their_order_with_their_answers() {
        let folder = tempfile::tempdir().unwrap();
        let (store, journal) = begun(&folder);
        let before = Timestamp::now();
        let answers = [
            Some(Answer::Rejected { status: 400, message: "no “such” component\u{0}".into() }),
            None,
            Some(Answer::Accepted),
            Some(Answer::Lost { reason: "connection reset".into() }),
            Some(Answer::NotSent { reason: String::new() }),
        ];
        let batches = [5, 3, 4, 1, 2];
        for (batch, answer) in batches.into_iter().zip(&answers) {
            journal.sending(request(batch)).await.unwrap();
            if let Some(answer) = answer {
                journal.answered(answered(batch, answer.clone()));
            }
        }
        let again = Sending { attempt: 2, ..request(3) };
        journal.sending(again.clone()).await.unwrap();
        journal.flush().await.unwrap();

        let records = store.requests(run_id(1)).unwrap();
        assert_eq!(records.len(), 6);
        for (record, (batch, answer)) in records.iter().zip(batches.into_iter().zip(answers)) {
            let Sending { kind, resource, body, .. } = request(batch);
            assert_eq!((record.batch, record.attempt), (batch, 1));
            assert_eq!((&record.kind, record.resource, &record.body), (&kind, resource, &body));
            assert_eq!(record.answer.as_ref().map(|(_, answer)| answer.clone()), answer);
            let times =
                [before, record.sent_at, record.answer.as_ref().map_or(Timestamp::MAX, |(at, _)| *at)];
            assert!(times.is_sorted(), "{times:?}");
        }
        assert_eq!((records[5].batch, records[5].attempt, &records[5].answer), (3, 2, &None));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sixty_four_tasks_write_at_once_and_all_of_it_is_there_when_they_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let (store, journal) = begun(&folder);
        let journal = Arc::new(journal);
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (journal, store) = (Arc::clone(&journal), store.clone());
                tokio::spawn(async move {
                    for step in 0..8 {
                        let batch = task * 8 + step;
                        journal.sending(request(batch)).await.unwrap();
                        if batch % 50 == 0 {
                            let mut records = store.requests(run_id(1)).unwrap().into_iter();
                            assert!(records.any(|record| record.batch == batch), "{batch}");
                        }
                        let audit = vec![audit_entry(1, batch)];
                        journal.answered(Answered { audit, ..answered(batch, Answer::Accepted) });
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        journal.flush().await.unwrap();
        let records = store.requests(run_id(1)).unwrap();
        let batches: BTreeSet<u32> = records.iter().map(|record| record.batch).collect();
        assert_eq!((records.len(), batches.len()), (512, 512));
        assert!(records.iter().all(|record| record.answer.is_some()));
        assert_eq!(store.audit_verify(None).unwrap().entries, 512);
    }

    #[tokio::test]
    async fn two_journals_of_two_programs_do_not_hinder_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let (store, journal) = begun(&folder);
        let other = Store::open(folder.path()).unwrap();
        other.begin(&new_run(2), &PLAN).unwrap();
        let other_journal = other.journal(run_id(2)).unwrap();
        for batch in 0..20 {
            let (one, two) =
                tokio::join!(journal.sending(request(batch)), other_journal.sending(request(batch)));
            one.unwrap();
            two.unwrap();
            for (journal, run) in [(&journal, 1), (&other_journal, 2)] {
                let audit = vec![audit_entry(run, batch)];
                journal.answered(Answered { audit, ..answered(batch, Answer::Accepted) });
            }
        }
        drop((journal, other_journal));
        assert_eq!(store.requests(run_id(1)).unwrap().len(), 20);
        assert_eq!(store.requests(run_id(2)).unwrap().len(), 20);
        assert_eq!(store.audit_verify(None).unwrap().entries, 40, "one chain of both");
    }

    #[tokio::test]
    async fn a_request_is_written_once_and_others_of_its_group_are_written_all_the_same() {
        let store = Store::in_memory().unwrap();
        store.begin(&new_run(1), &PLAN).unwrap();
        let journal = store.journal(run_id(1)).unwrap();
        let (first, twice, second) = tokio::join!(
            journal.sending(request(1)),
            journal.sending(request(1)),
            journal.sending(request(2))
        );
        first.unwrap();
        second.unwrap();
        let error = twice.unwrap_err();
        assert!(matches!(error, StoreError::OutOfOrder { batch: 1, attempt: 1, .. }), "{error}");
        assert_eq!(store.requests(run_id(1)).unwrap().len(), 2);
        journal.flush().await.unwrap();
    }

    #[tokio::test]
    async fn after_an_answer_that_cannot_be_written_nothing_may_be_sent() {
        for unexpected in [answered(1, Answer::Accepted), answered(9, Answer::Accepted)] {
            let store = Store::in_memory().unwrap();
            store.begin(&new_run(1), &PLAN).unwrap();
            let journal = store.journal(run_id(1)).unwrap();
            journal.sending(request(1)).await.unwrap();
            journal.answered(answered(1, Answer::Lost { reason: "reset".into() }));
            journal.flush().await.unwrap();
            let batch = unexpected.batch;
            journal.answered(Answered { audit: vec![audit_entry(1, 1)], ..unexpected });
            for result in
                [journal.sending(request(2)).await, journal.flush().await, journal.sending(request(3)).await]
            {
                let error = result.unwrap_err();
                assert!(matches!(error, StoreError::OutOfOrder { batch: at, .. } if at == batch), "{error}");
            }
            let records = store.requests(run_id(1)).unwrap();
            assert!(matches!(records[0].answer, Some((_, Answer::Lost { .. }))), "the first answer stays");
            assert!(records.iter().all(|record| record.batch < 3));
            assert_eq!(store.audit_head().unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_disk_that_does_not_take_it_is_an_error_of_who_waits() {
        let folder = tempfile::tempdir().unwrap();
        let (store, journal) = begun(&folder);
        journal.sending(request(1)).await.unwrap();
        raw(folder.path()).execute_batch("DROP TABLE answer").unwrap();
        journal.answered(answered(1, Answer::Accepted));
        for result in [journal.flush().await, journal.sending(request(2)).await] {
            let error = result.unwrap_err();
            assert!(
                matches!(&error, StoreError::Failed { path, .. } if path.ends_with("store.sqlite")),
                "{error}"
            );
        }
        assert_eq!(
            store
                .database
                .read(|connection| connection
                    .query_row("SELECT count(*) FROM request", (), |row| row.get::<_, u32>(0)))
                .unwrap(),
            1
        );
    }

    #[tokio::test]
    async fn what_waits_when_a_journal_is_dropped_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (store, journal) = begun(&folder);
        for batch in 0..10 {
            journal.sending(request(batch)).await.unwrap();
            journal.answered(answered(batch, Answer::Accepted));
        }
        drop(journal);
        assert!(store.requests(run_id(1)).unwrap().iter().all(|record| record.answer.is_some()));
        // A resume goes on in the same journal.
        let journal = store.journal(run_id(1)).unwrap();
        journal.sending(request(10)).await.unwrap();
        assert_eq!(store.requests(run_id(1)).unwrap().len(), 11);
    }

    #[test]
    fn a_run_that_never_began_has_no_journal() {
        let store = Store::in_memory().unwrap();
        assert!(matches!(store.journal(run_id(1)), Err(StoreError::NoRun { .. })));
        assert!(matches!(store.requests(run_id(1)), Err(StoreError::NoRun { .. })));
    }
}
