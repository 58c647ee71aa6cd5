//! Runs: what was to be done, with which plan, and how it ended.
//!
//! Answers for finding a run again by its id, the beginning of its id, or as the last one that is
//! not over. What it sent is the journal's.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use serde::Serialize;

use super::Store;
use super::StoreError;
use super::column::{parsed, parsed_if_any};
use super::document::Document;
use crate::domain::BillingPeriod;
use crate::domain::RunId;
use crate::domain::UserId;

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, which no other run has.
    pub id: RunId,
    /// What it does: `apply` or `undo`.
    pub command: String,
    /// The run that it undoes.
    pub undoes: Option<RunId>,
    /// The run of a pipeline that it is a step of.
    pub pipeline: Option<RunId>,
    /// The server that it posts to.
    pub server: String,
    /// The sandbox behind that address, where it is one.
    pub sandbox: Option<String>,
    /// The account that posts.
    pub account: UserId,
    /// The month that it posts into.
    pub period: BillingPeriod,
    /// The digest of its plan.
    pub digest: String,
    /// Its settings, as JSON.
    pub settings: String,
    /// The version of this program that made it.
    pub tool_version: String,
}

/// How a run ended, this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The word of its exit status.
    pub status: String,
    /// Its exit code.
    pub code: u8,
    /// Whether nothing is left to go on with. A run that stopped half way has ended, but is not
    /// over.
    pub is_over: bool,
}

/// What a run came to, as a list shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunFigures {
    /// The rows that it was about.
    pub rows: u64,
    /// Those that are not as planned.
    pub differences: u64,
}

/// An end with its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How.
    pub end: End,
}

/// A run as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// What it began with.
    pub run: NewRun,
    /// When it began.
    pub started: Timestamp,
    /// How it ended; none while it goes on, and after a kill.
    pub ended: Option<Ended>,
}

/// How many requests of a run had which answer; an attempt counts each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCounts {
    /// The server took them.
    pub accepted: u64,
    /// The server said no.
    pub rejected: u64,
    /// They left, and no answer came.
    pub lost: u64,
    /// They never left.
    pub not_sent: u64,
    /// Nothing is known of them: in flight, or the run was killed.
    pub unanswered: u64,
}

/// A run and what came of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run.
    pub stored: StoredRun,
    /// Its requests.
    pub requests: RequestCounts,
    /// What it came to; none where it has not ended, or an older version of this program ended it.
    pub figures: Option<RunFigures>,
}

/// No run, or no one run, is meant by the beginning of an id.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FindError {
    /// No id begins so.
    #[error("no run has an id that begins so")]
    None,
    /// More than one id begins so; newest first.
    #[error("{} runs have an id that begins so", .0.len())]
    Several(Vec<RunId>),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes a run and its plan down, with the time of now.
    pub fn begin(&self, run: &NewRun, plan: &impl Serialize) -> Result<(), StoreError> {
        let started = Timestamp::now().to_string();
        self.database.write(|transaction| {
            transaction.execute(
                "INSERT INTO run (id, command, undoes, pipeline, server, sandbox, account, period, digest,
                     settings, tool_version, started)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                (
                    run.id.to_string(),
                    &run.command,
                    run.undoes.map(|run| run.to_string()),
                    run.pipeline.map(|run| run.to_string()),
                    &run.server,
                    &run.sandbox,
                    run.account.to_string(),
                    run.period.to_string(),
                    &run.digest,
                    &run.settings,
                    &run.tool_version,
                    started,
                ),
            )?;
            Document::Plan.write(transaction, transaction.last_insert_rowid(), plan)
        })
    }

    /// A run, where there is one of this id.
    pub fn run(&self, run: RunId) -> Result<Option<StoredRun>, StoreError> {
        self.database.read(|connection| {
            connection.query_row("SELECT * FROM run WHERE id = ?1", [run.to_string()], stored).optional()
        })
    }

    /// The plan of a run, as JSON.
    pub fn plan(&self, run: RunId) -> Result<String, StoreError> {
        self.document(run, Document::Plan)
    }

    /// What came of each row of a run, as JSON; empty where it has not ended.
    pub fn report(&self, run: RunId) -> Result<String, StoreError> {
        self.document(run, Document::Report)
    }

    fn document(&self, run: RunId, document: Document) -> Result<String, StoreError> {
        let number = self.number_of(run)?;
        self.database.read(|connection| document.read(connection, number))
    }

    /// The last runs, newest first.
    pub fn runs(&self, limit: u32) -> Result<Vec<RunSummary>, StoreError> {
        self.summaries(None, limit)
    }

    /// A run with its requests, where there is one of this id.
    pub fn summary(&self, run: RunId) -> Result<Option<RunSummary>, StoreError> {
        Ok(self.summaries(Some(run), 1)?.pop())
    }

    fn summaries(&self, only: Option<RunId>, limit: u32) -> Result<Vec<RunSummary>, StoreError> {
        self.database.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT run.*,
                     count(*) FILTER (WHERE answer = 'accepted') AS accepted,
                     count(*) FILTER (WHERE answer = 'rejected') AS rejected,
                     count(*) FILTER (WHERE answer = 'lost') AS lost,
                     count(*) FILTER (WHERE answer = 'not_sent') AS not_sent,
                     count(request.number) - count(answer.request) AS unanswered
                 FROM run
                 LEFT JOIN request ON request.run = run.number
                 LEFT JOIN answer ON answer.request = request.number
                 WHERE ?1 IS NULL OR run.id = ?1
                 GROUP BY run.number ORDER BY run.number DESC LIMIT ?2",
            )?;
            statement.query_map((only.map(|run| run.to_string()), limit), summary)?.collect()
        })
    }

    /// The run, of a command or of a pipeline, whose id begins with a text, dashed or not, in any case.
    pub fn find(&self, beginning: &str) -> Result<RunId, FindError> {
        let digits = beginning.replace('-', "").to_ascii_lowercase();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(FindError::None);
        }
        let found = self.database.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT id, started FROM run WHERE id LIKE ?1 || '%'
                     UNION ALL SELECT id, started FROM pipeline_run WHERE id LIKE ?1 || '%'
                     ORDER BY started DESC",
            )?;
            statement.query_map([digits], |row| parsed(row, "id"))?.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        match found[..] {
            [] => Err(FindError::None),
            [run] => Ok(run),
            _ => Err(FindError::Several(found)),
        }
    }

    /// The newest run on a server (and its sandbox) that is not over: it never ended, or it stopped
    /// half way. It may be going on at this moment; the lock tells.
    pub fn latest_unfinished(
        &self,
        server: &str,
        sandbox: Option<&str>,
    ) -> Result<Option<RunId>, StoreError> {
        self.database.read(|connection| {
            connection
                .query_row(
                    "SELECT id FROM run WHERE server = ?1 AND sandbox IS ?2 AND is_over IS NOT 1
                     ORDER BY number DESC LIMIT 1",
                    (server, sandbox),
                    |row| parsed(row, "id"),
                )
                .optional()
        })
    }

    /// The newest run that is a step of a pipeline's run.
    pub fn run_of_pipeline(&self, pipeline: RunId) -> Result<Option<RunId>, StoreError> {
        self.database.read(|connection| {
            connection
                .query_row(
                    "SELECT id FROM run WHERE pipeline = ?1 ORDER BY number DESC LIMIT 1",
                    [pipeline.to_string()],
                    |row| parsed(row, "id"),
                )
                .optional()
        })
    }

    /// The newest run that has taken this one back, as a whole.
    pub fn undone_by(&self, run: RunId) -> Result<Option<RunId>, StoreError> {
        self.database.read(|connection| {
            connection
                .query_row(
                    "SELECT id FROM run WHERE undoes = ?1 AND code = 0 ORDER BY number DESC LIMIT 1",
                    [run.to_string()],
                    |row| parsed(row, "id"),
                )
                .optional()
        })
    }

    /// Writes down how a run ended, what it came to and what came of each row, with the time of now.
    pub fn finish(
        &self,
        run: RunId,
        end: &End,
        figures: RunFigures,
        report: &impl Serialize,
    ) -> Result<(), StoreError> {
        let number = self.number_of(run)?;
        let ended = Timestamp::now().to_string();
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.database.write(|transaction| {
            transaction.execute(
                "UPDATE run SET ended = ?2, status = ?3, code = ?4, is_over = ?5, rows = ?6, differences = ?7
                 WHERE number = ?1",
                (
                    number,
                    ended,
                    &end.status,
                    end.code,
                    end.is_over,
                    count(figures.rows),
                    count(figures.differences),
                ),
            )?;
            Document::Report.remove(transaction, number)?;
            Document::Report.write(transaction, number, report)
        })
    }

    /// A run goes on that had ended: its end is taken back.
    pub fn reopen(&self, run: RunId) -> Result<(), StoreError> {
        let number = self.number_of(run)?;
        self.database.write(|transaction| {
            transaction.execute(
                "UPDATE run SET ended = NULL, status = NULL, code = NULL, is_over = NULL, rows = NULL,
                     differences = NULL
                 WHERE number = ?1",
                [number],
            )?;
            Document::Report.remove(transaction, number)
        })
    }

    /// The number that the tables know a run by.
    pub(super) fn number_of(&self, run: RunId) -> Result<i64, StoreError> {
        let number = self.database.read(|connection| {
            connection
                .query_row("SELECT number FROM run WHERE id = ?1", [run.to_string()], |row| row.get(0))
                .optional()
        })?;
        number.ok_or_else(|| StoreError::NoRun { path: self.database.path().to_owned(), run })
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredRun> {
    let run = NewRun {
        id: parsed(row, "id")?,
        command: row.get("command")?,
        undoes: parsed_if_any(row, "undoes")?,
        pipeline: parsed_if_any(row, "pipeline")?,
        server: row.get("server")?,
        sandbox: row.get("sandbox")?,
        account: parsed(row, "account")?,
        period: parsed(row, "period")?,
        digest: row.get("digest")?,
        settings: row.get("settings")?,
        tool_version: row.get("tool_version")?,
    };
    let ended = match parsed_if_any(row, "ended")? {
        Some(at) => {
            let end =
                End { status: row.get("status")?, code: row.get("code")?, is_over: row.get("is_over")? };
            Some(Ended { at, end })
        }
        None => None,
    };
    Ok(StoredRun { run, started: parsed(row, "started")?, ended })
}

fn summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok(RunSummary {
        stored: stored(row)?,
        requests: RequestCounts {
            accepted: count("accepted")?,
            rejected: count("rejected")?,
            lost: count("lost")?,
            not_sent: count("not_sent")?,
            unanswered: count("unanswered")?,
        },
        figures: match row.get::<_, Option<i64>>("rows")? {
            Some(_) => Some(RunFigures { rows: count("rows")?, differences: count("differences")? }),
            None => None,
        },
    })
}
