//! The thread that writes a journal: everything that waits, in one transaction, then the next.
//!
//! A flush to disk takes as long for one request as for a hundred, so requests that wait while one
//! is going on share the next. Law: nobody is told that a request may be sent before it is on disk,
//! and once an answer could not be written nobody is told so again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Statement, Transaction};
use tokio::sync::oneshot;

use super::StoreError;
use super::audit::Chain;
use super::database::Database;
use super::journal::{Answered, Sending};

/// How long answers alone wait for a request to share a flush with.
const LINGER: Duration = Duration::from_millis(10);

/// Where a caller that waits is told.
pub(super) type Reply = oneshot::Sender<Result<(), StoreError>>;

/// What the writer is sent.
#[derive(Debug)]
pub(super) enum Message {
    /// A request is about to be sent.
    Sending(Timestamp, Sending, Reply),
    /// An answer came.
    Answered(Timestamp, Answered),
    /// Somebody wants to know that all is written.
    Flush(Reply),
}

/// Writes the journal of one run.
#[derive(Debug)]
pub(super) struct Writer {
    database: Arc<Database>,
    /// The run, by its number.
    run: i64,
    /// Why an answer could not be written.
    failure: Option<StoreError>,
}

impl Writer {
    pub(super) fn new(database: Arc<Database>, run: i64) -> Self {
        Self { database, run, failure: None }
    }

    /// Writes until nobody can send any more.
    pub(super) fn work(mut self, inbox: &Receiver<Message>) {
        while let Ok(first) = inbox.recv() {
            let group = gather(first, inbox);
            let results = self.write(&group);
            for (message, result) in group.into_iter().zip(results) {
                self.tell(message, result);
            }
        }
    }

    /// Writes a group; for each message whether it is on disk.
    fn write(&self, group: &[Message]) -> Vec<Result<(), StoreError>> {
        let written = match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => self.database.write(|transaction| {
                let mut group_writer = GroupWriter::new(transaction, self.run)?;
                group.iter().map(|message| group_writer.write(message)).collect::<rusqlite::Result<Vec<_>>>()
            }),
        };
        match written {
            Ok(faults) => faults.into_iter().map(|fault| self.judge(fault)).collect(),
            Err(error) => group.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    fn judge(&self, fault: Option<Fault>) -> Result<(), StoreError> {
        fault.map_or(Ok(()), |Fault { batch, attempt, what }| {
            Err(StoreError::OutOfOrder { path: self.database.path().to_owned(), batch, attempt, what })
        })
    }

    fn tell(&mut self, message: Message, result: Result<(), StoreError>) {
        match message {
            Message::Answered(..) => {
                if let (None, Err(error)) = (&self.failure, result) {
                    self.failure = Some(error);
                }
            }
            Message::Sending(_, _, reply) | Message::Flush(reply) => {
                // Who does not wait any more does not want to know.
                let _ = reply.send(self.failure.clone().map_or(result, Err));
            }
        }
    }
}

impl Message {
    fn is_waited_for(&self) -> bool {
        matches!(self, Self::Sending(..) | Self::Flush(_))
    }
}

/// All that waits. Answers alone wait a moment for a request: nobody waits for them, and a flush of
/// their own would hold the next request up.
fn gather(first: Message, inbox: &Receiver<Message>) -> Vec<Message> {
    let began = Instant::now();
    let mut group = vec![first];
    loop {
        group.extend(inbox.try_iter());
        if group.iter().any(Message::is_waited_for) {
            return group;
        }
        match inbox.recv_timeout(LINGER.saturating_sub(began.elapsed())) {
            Ok(message) => group.push(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return group,
        }
    }
}

/// What is wrong with one message of a group; the others are written all the same.
struct Fault {
    batch: u32,
    attempt: u32,
    what: &'static str,
}

/// Writes the messages of one group within its transaction.
struct GroupWriter<'a> {
    run: i64,
    requests: Statement<'a>,
    answers: Statement<'a>,
    audit: Chain<'a>,
}

impl<'a> GroupWriter<'a> {
    fn new(transaction: &'a Transaction<'_>, run: i64) -> rusqlite::Result<Self> {
        Ok(Self {
            run,
            requests: transaction.prepare(
                "INSERT INTO request (run, batch, attempt, kind, resource, body, sent)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (run, batch, attempt) DO NOTHING",
            )?,
            answers: transaction.prepare(
                "INSERT INTO answer (request, answered, answer, status, words)
                 SELECT number, ?4, ?5, ?6, ?7 FROM request
                 WHERE run = ?1 AND batch = ?2 AND attempt = ?3 ON CONFLICT (request) DO NOTHING",
            )?,
            audit: Chain::at_its_end(transaction)?,
        })
    }

    fn write(&mut self, message: &Message) -> rusqlite::Result<Option<Fault>> {
        match message {
            Message::Sending(at, request, _) => self.write_request(*at, request),
            Message::Answered(at, answered) => self.write_answer(*at, answered),
            Message::Flush(_) => Ok(None),
        }
    }

    fn write_request(&mut self, at: Timestamp, request: &Sending) -> rusqlite::Result<Option<Fault>> {
        let Sending { batch, attempt, ref kind, resource, ref body } = *request;
        let row = (self.run, batch, attempt, kind, resource.to_string(), body, at.to_string());
        let is_new = self.requests.execute(row)? == 1;
        Ok((!is_new).then_some(Fault { batch, attempt, what: "was written down before" }))
    }

    fn write_answer(&mut self, at: Timestamp, answered: &Answered) -> rusqlite::Result<Option<Fault>> {
        let Answered { batch, attempt, ref answer, ref audit } = *answered;
        let (word, status, words) = answer.columns();
        let row = (self.run, batch, attempt, at.to_string(), word, status, words);
        if self.answers.execute(row)? == 0 {
            return Ok(Some(Fault { batch, attempt, what: "does not wait for an answer" }));
        }
        for entry in audit {
            self.audit.append(entry)?;
        }
        Ok(None)
    }
}
