//! Runs of pipelines: one unit each, with its steps and how far it got.
//!
//! A step is begun before it does anything and ended when all of it is done, so that a run that was killed
//! goes on at the first step that did not end. Like a run, what it began with is never changed.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};

use super::column::{parsed, parsed_if_any};
use super::run::{End, Ended};
use super::{Store, StoreError};
use crate::domain::RunId;

/// A run of a pipeline that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPipelineRun {
    /// Its id, which no other run has.
    pub id: RunId,
    /// The name of the pipeline.
    pub pipeline: String,
    /// Its file.
    pub path: String,
    /// The digest of the file and of the variables in it.
    pub digest: String,
    /// The server.
    pub server: String,
    /// The sandbox behind that address, where it is one.
    pub sandbox: Option<String>,
    /// Its months.
    pub period: String,
    /// Whether whoever began it agreed to what it posts.
    pub agreed: bool,
    /// The version of this program that began it.
    pub tool_version: String,
}

/// A step as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredStep {
    /// Its name.
    pub name: String,
    /// When it began, the last time that it did.
    pub started: Option<Timestamp>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// Its figures, as JSON; empty where it has not ended.
    pub facts: String,
}

impl StoredStep {
    /// Whether nothing is left of it to go on with.
    pub fn is_over(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.end.is_over)
    }
}

/// A run of a pipeline as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPipelineRun {
    /// What it began with.
    pub run: NewPipelineRun,
    /// When it began.
    pub started: Timestamp,
    /// How it ended; none while it goes on, and after a kill.
    pub ended: Option<Ended>,
    /// Its steps, in order.
    pub steps: Vec<StoredStep>,
}

impl Store {
    /// Writes a run of a pipeline and its steps down, with the time of now.
    pub fn begin_pipeline(&self, run: &NewPipelineRun, steps: &[&str]) -> Result<(), StoreError> {
        let started = Timestamp::now().to_string();
        self.database.write(|transaction| {
            transaction.execute(
                "INSERT INTO pipeline_run (id, pipeline, path, digest, server, sandbox, period, agreed,
                     tool_version, started)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                (
                    run.id.to_string(),
                    &run.pipeline,
                    &run.path,
                    &run.digest,
                    &run.server,
                    &run.sandbox,
                    &run.period,
                    run.agreed,
                    &run.tool_version,
                    started,
                ),
            )?;
            let number = transaction.last_insert_rowid();
            for (position, name) in (0_i64..).zip(steps) {
                transaction.execute(
                    "INSERT INTO pipeline_step (run, position, name) VALUES (?1, ?2, ?3)",
                    (number, position, name),
                )?;
            }
            Ok(())
        })
    }

    /// A run of a pipeline, where there is one of this id.
    pub fn pipeline_run(&self, run: RunId) -> Result<Option<StoredPipelineRun>, StoreError> {
        Ok(self.pipelines(Some(run), 1)?.pop())
    }

    /// The newest run of a pipeline on a server (and its sandbox) that is not over, and whether its pipeline
    /// has not run again since.
    pub fn latest_unfinished_pipeline(
        &self,
        server: &str,
        sandbox: Option<&str>,
    ) -> Result<Option<(RunId, bool)>, StoreError> {
        self.database.read(|connection| {
            connection
                .query_row(
                    "SELECT id, NOT EXISTS (SELECT 1 FROM pipeline_run AS later
                         WHERE later.path = pipeline_run.path AND later.number > pipeline_run.number) AS is_last
                     FROM pipeline_run WHERE server = ?1 AND sandbox IS ?2 AND is_over IS NOT 1
                     ORDER BY is_last DESC, number DESC LIMIT 1",
                    (server, sandbox),
                    |row| Ok((parsed(row, "id")?, row.get("is_last")?)),
                )
                .optional()
        })
    }

    /// The last runs of pipelines, newest first.
    pub fn pipeline_runs(&self, limit: u32) -> Result<Vec<StoredPipelineRun>, StoreError> {
        self.pipelines(None, limit)
    }

    fn pipelines(&self, only: Option<RunId>, limit: u32) -> Result<Vec<StoredPipelineRun>, StoreError> {
        self.database.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT * FROM pipeline_run WHERE ?1 IS NULL OR id = ?1 ORDER BY number DESC LIMIT ?2",
            )?;
            let id = only.map(|run| run.to_string());
            let mut rows = statement.query((id, limit))?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                let steps = steps(connection, row.get("number")?)?;
                runs.push(stored(row, steps)?);
            }
            Ok(runs)
        })
    }

    /// A step begins, or begins again; how it and the run ended before is taken back.
    pub fn begin_step(&self, run: RunId, position: usize) -> Result<(), StoreError> {
        let number = self.number_of_pipeline(run)?;
        let started = Timestamp::now().to_string();
        self.database.write(|transaction| {
            transaction.execute(
                "UPDATE pipeline_run SET ended = NULL, status = NULL, code = NULL, is_over = NULL
                 WHERE number = ?1",
                [number],
            )?;
            transaction.execute(
                "UPDATE pipeline_step SET started = ?3, ended = NULL, status = NULL, code = NULL,
                     is_over = NULL, facts = NULL
                 WHERE run = ?1 AND position = ?2",
                (number, index(position), started),
            )
        })?;
        Ok(())
    }

    /// Writes down how a step ended, with the time of now; its document is what the next step goes by.
    pub fn end_step(
        &self,
        run: RunId,
        position: usize,
        end: &End,
        facts: &str,
        document: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let number = self.number_of_pipeline(run)?;
        let ended = Timestamp::now().to_string();
        self.database.write(|transaction| {
            transaction.execute(
                "UPDATE pipeline_step SET ended = ?3, status = ?4, code = ?5, is_over = ?6, facts = ?7,
                     document = ?8
                 WHERE run = ?1 AND position = ?2",
                (number, index(position), ended, &end.status, end.code, end.is_over, facts, document),
            )
        })?;
        Ok(())
    }

    /// The document of a step, where it has one.
    pub fn step_document(&self, run: RunId, position: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let number = self.number_of_pipeline(run)?;
        self.database.read(|connection| {
            connection.query_row(
                "SELECT document FROM pipeline_step WHERE run = ?1 AND position = ?2",
                (number, index(position)),
                |row| row.get(0),
            )
        })
    }

    /// Writes down how a run of a pipeline ended, with the time of now. Where it is over, the documents of
    /// its steps are of no more use.
    pub fn finish_pipeline(&self, run: RunId, end: &End) -> Result<(), StoreError> {
        let number = self.number_of_pipeline(run)?;
        let ended = Timestamp::now().to_string();
        self.database.write(|transaction| {
            transaction.execute(
                "UPDATE pipeline_run SET ended = ?2, status = ?3, code = ?4, is_over = ?5 WHERE number = ?1",
                (number, ended, &end.status, end.code, end.is_over),
            )?;
            if end.is_over {
                transaction.execute("UPDATE pipeline_step SET document = NULL WHERE run = ?1", [number])?;
            }
            Ok(())
        })
    }

    fn number_of_pipeline(&self, run: RunId) -> Result<i64, StoreError> {
        let number = self.database.read(|connection| {
            connection
                .query_row("SELECT number FROM pipeline_run WHERE id = ?1", [run.to_string()], |row| {
                    row.get(0)
                })
                .optional()
        })?;
        number.ok_or_else(|| StoreError::NoRun { path: self.database.path().to_owned(), run })
    }
}

fn index(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn steps(connection: &Connection, run: i64) -> rusqlite::Result<Vec<StoredStep>> {
    let mut statement = connection.prepare(
        "SELECT name, started, ended, status, code, is_over, facts FROM pipeline_step
         WHERE run = ?1 ORDER BY position",
    )?;
    let step = |row: &Row<'_>| {
        Ok(StoredStep {
            name: row.get("name")?,
            started: parsed_if_any(row, "started")?,
            ended: ended(row)?,
            facts: row.get::<_, Option<String>>("facts")?.unwrap_or_default(),
        })
    };
    statement.query_map([run], step)?.collect()
}

fn ended(row: &Row<'_>) -> rusqlite::Result<Option<Ended>> {
    let Some(at) = parsed_if_any(row, "ended")? else { return Ok(None) };
    let end = End { status: row.get("status")?, code: row.get("code")?, is_over: row.get("is_over")? };
    Ok(Some(Ended { at, end }))
}

fn stored(row: &Row<'_>, steps: Vec<StoredStep>) -> rusqlite::Result<StoredPipelineRun> {
    Ok(StoredPipelineRun {
        run: NewPipelineRun {
            id: parsed(row, "id")?,
            pipeline: row.get("pipeline")?,
            path: row.get("path")?,
            digest: row.get("digest")?,
            server: row.get("server")?,
            sandbox: row.get("sandbox")?,
            period: row.get("period")?,
            agreed: row.get("agreed")?,
            tool_version: row.get("tool_version")?,
        },
        started: parsed(row, "started")?,
        ended: ended(row)?,
        steps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FindError;
    use crate::store::NewRun;
    use crate::store::tests::{PLAN, new_run, run_id};

    fn new(number: u128) -> NewPipelineRun {
        NewPipelineRun {
            id: run_id(number),
            pipeline: "month-end".into(),
            path: "/a/pipeline.toml".into(),
            digest: "d1ce".into(),
            server: "https://waldur.example.com".into(),
            sandbox: None,
            period: "2026-11".into(),
            agreed: true,
            tool_version: "0.1.0".into(),
        }
    }

    fn end(is_over: bool) -> End {
        End { status: "done".into(), code: 0, is_over }
    }

    #[test]
    fn a_run_is_read_back_with_how_far_it_got() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.begin_pipeline(&new(1), &["plan", "post", "report"]).unwrap();
        store.begin_step(run_id(1), 0).unwrap();
        store.end_step(run_id(1), 0, &end(true), r#"{"rows":3}"#, Some(b"the plan")).unwrap();
        store.begin_step(run_id(1), 1).unwrap();
        // Another program reads it after this one was killed.
        let other = Store::open(folder.path()).unwrap();
        let stored = other.pipeline_run(run_id(1)).unwrap().unwrap();
        assert_eq!((&stored.run, &stored.ended), (&new(1), &None));
        let over: Vec<bool> = stored.steps.iter().map(StoredStep::is_over).collect();
        assert_eq!(over, [true, false, false]);
        let begun: Vec<bool> = stored.steps.iter().map(|step| step.started.is_some()).collect();
        assert_eq!(begun, [true, true, false]);
        assert_eq!(stored.steps[0].facts, r#"{"rows":3}"#);
        assert_eq!(other.step_document(run_id(1), 0).unwrap().unwrap(), b"the plan");
        assert_eq!(other.step_document(run_id(1), 1).unwrap(), None);

        other.end_step(run_id(1), 1, &end(false), "{}", None).unwrap();
        other.finish_pipeline(run_id(1), &end(false)).unwrap();
        assert_eq!(other.step_document(run_id(1), 0).unwrap().unwrap(), b"the plan");
        other.begin_step(run_id(1), 1).unwrap();
        let stored = store.pipeline_run(run_id(1)).unwrap().unwrap();
        assert_eq!((stored.ended, &stored.steps[1].ended), (None, &None), "it goes on");
        other.end_step(run_id(1), 1, &end(true), "{}", None).unwrap();
        other.finish_pipeline(run_id(1), &end(true)).unwrap();
        assert_eq!(other.step_document(run_id(1), 0).unwrap(), None);
        assert_eq!(store.pipeline_runs(5).unwrap()[0].ended.as_ref().unwrap().end, end(true));
    }

    #[test]
    fn runs_of_commands_and_of_pipelines_are_found_by_one_id() {
        let store = Store::in_memory().unwrap();
        store.begin_pipeline(&new(1), &["report"]).unwrap();
        store.begin_pipeline(&new(2), &["report"]).unwrap();
        for number in [0x10, 0x11] {
            let run = NewRun { pipeline: Some(run_id(1)), ..new_run(number) };
            store.begin(&run, &PLAN).unwrap();
        }
        assert_eq!(store.run_of_pipeline(run_id(1)).unwrap(), Some(run_id(0x11)));
        assert_eq!(store.run_of_pipeline(run_id(2)).unwrap(), None);
        let whole = |number: u128| run_id(number).to_string();
        assert_eq!(store.find(&whole(1)).unwrap(), run_id(1));
        assert_eq!(store.find(&whole(0x10)).unwrap(), run_id(0x10));
        let several = store.find("000000").unwrap_err();
        assert!(matches!(several, FindError::Several(runs) if runs.len() == 4));
        assert!(matches!(store.begin_step(run_id(9), 0), Err(StoreError::NoRun { .. })));
    }
}
