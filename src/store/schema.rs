//! The tables, and how an older store gets them.
//!
//! A migration is never changed once a version with it was given out; a new one is added below it.
//! Times are texts of RFC 3339, ids 32 hexadecimal digits, months `YYYY-MM`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// What SQLite writes at the head of a file that is a store of ours: `WUsg`.
const APPLICATION: i64 = 0x5755_7367;

/// The steps from an empty file to the newest format; the format is how many were taken.
pub(super) const MIGRATIONS: [&str; 3] = [
    "
CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    command TEXT NOT NULL,
    undoes TEXT,
    server TEXT NOT NULL,
    sandbox TEXT,
    account TEXT NOT NULL,
    period TEXT NOT NULL,
    digest TEXT NOT NULL,
    tool_version TEXT NOT NULL,
    settings TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    status TEXT,
    code INTEGER,
    is_over INTEGER,
    report TEXT,
    plan TEXT NOT NULL,
    CHECK ((ended IS NULL) = (status IS NULL) AND (ended IS NULL) = (code IS NULL)
        AND (ended IS NULL) = (is_over IS NULL) AND (ended IS NULL) = (report IS NULL))
) STRICT;

CREATE TABLE request (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (number),
    batch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    kind TEXT NOT NULL,
    resource TEXT NOT NULL,
    body TEXT NOT NULL,
    sent TEXT NOT NULL,
    UNIQUE (run, batch, attempt)
) STRICT;

CREATE TABLE answer (
    request INTEGER PRIMARY KEY REFERENCES request (number),
    answered TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('accepted', 'rejected', 'lost', 'not_sent')),
    status INTEGER,
    words TEXT
) STRICT;

-- The run is read out of the entry, so that the two cannot differ.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    entry TEXT NOT NULL,
    hash TEXT NOT NULL,
    run TEXT GENERATED ALWAYS AS (entry ->> '$.run') VIRTUAL
) STRICT;
CREATE INDEX audit_run ON audit (run);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is never changed'); END;
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is never cut'); END;

CREATE TABLE lock (
    server TEXT NOT NULL,
    offering TEXT NOT NULL,
    period TEXT NOT NULL,
    claim TEXT NOT NULL,
    run TEXT NOT NULL,
    owner TEXT NOT NULL,
    host TEXT NOT NULL,
    processes TEXT NOT NULL,
    pid INTEGER NOT NULL,
    since TEXT NOT NULL,
    expires TEXT NOT NULL,
    PRIMARY KEY (server, offering, period)
) STRICT, WITHOUT ROWID;

CREATE TABLE kept (
    server TEXT NOT NULL,
    account TEXT NOT NULL,
    what TEXT NOT NULL,
    at TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (server, account, what)
) STRICT;
",
    "
-- Plans and reports go into parts. A column under a check is not dropped alone, so the tables are made
-- anew; renaming them renames what refers to them.
CREATE TABLE run_2 (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    command TEXT NOT NULL,
    undoes TEXT,
    server TEXT NOT NULL,
    sandbox TEXT,
    account TEXT NOT NULL,
    period TEXT NOT NULL,
    digest TEXT NOT NULL,
    tool_version TEXT NOT NULL,
    settings TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    status TEXT,
    code INTEGER,
    is_over INTEGER,
    CHECK ((ended IS NULL) = (status IS NULL) AND (ended IS NULL) = (code IS NULL)
        AND (ended IS NULL) = (is_over IS NULL))
) STRICT;
INSERT INTO run_2 SELECT number, id, command, undoes, server, sandbox, account, period, digest,
    tool_version, settings, started, ended, status, code, is_over FROM run;

CREATE TABLE part (
    run INTEGER NOT NULL REFERENCES run_2 (number),
    document TEXT NOT NULL CHECK (document IN ('plan', 'report')),
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (run, document, number)
) STRICT;
INSERT INTO part SELECT number, 'plan', 0, CAST(plan AS BLOB) FROM run;
INSERT INTO part SELECT number, 'report', 0, CAST(report AS BLOB) FROM run WHERE report IS NOT NULL;

CREATE TABLE request_2 (
    number INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run_2 (number),
    batch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    kind TEXT NOT NULL,
    resource TEXT NOT NULL,
    body TEXT NOT NULL,
    sent TEXT NOT NULL,
    UNIQUE (run, batch, attempt)
) STRICT;
INSERT INTO request_2 SELECT * FROM request;

CREATE TABLE answer_2 (
    request INTEGER PRIMARY KEY REFERENCES request_2 (number),
    answered TEXT NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('accepted', 'rejected', 'lost', 'not_sent')),
    status INTEGER,
    words TEXT
) STRICT;
INSERT INTO answer_2 SELECT * FROM answer;

DROP TABLE answer;
DROP TABLE request;
DROP TABLE run;
ALTER TABLE run_2 RENAME TO run;
ALTER TABLE request_2 RENAME TO request;
ALTER TABLE answer_2 RENAME TO answer;
",
    "
-- A run may be a step of a pipeline's run; what it came to is told without its report.
ALTER TABLE run ADD COLUMN pipeline TEXT;
ALTER TABLE run ADD COLUMN rows INTEGER;
ALTER TABLE run ADD COLUMN differences INTEGER;
CREATE INDEX run_of_pipeline ON run (pipeline) WHERE pipeline IS NOT NULL;

CREATE TABLE pipeline_run (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    pipeline TEXT NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    server TEXT NOT NULL,
    sandbox TEXT,
    period TEXT NOT NULL,
    agreed INTEGER NOT NULL,
    tool_version TEXT NOT NULL,
    started TEXT NOT NULL,
    ended TEXT,
    status TEXT,
    code INTEGER,
    is_over INTEGER,
    CHECK ((ended IS NULL) = (status IS NULL) AND (ended IS NULL) = (code IS NULL)
        AND (ended IS NULL) = (is_over IS NULL))
) STRICT;

CREATE TABLE pipeline_step (
    run INTEGER NOT NULL REFERENCES pipeline_run (number),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    started TEXT,
    ended TEXT,
    status TEXT,
    code INTEGER,
    is_over INTEGER,
    facts TEXT,
    document BLOB,
    PRIMARY KEY (run, position),
    CHECK ((ended IS NULL) = (status IS NULL) AND (ended IS NULL) = (code IS NULL)
        AND (ended IS NULL) = (is_over IS NULL) AND (ended IS NULL) = (facts IS NULL)
        AND (ended IS NULL OR started IS NOT NULL))
) STRICT;
",
];

/// Refuses a file that is not ours or too new, without writing to it; returns its format.
pub(super) fn look_at(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    // One statement, so that another program that makes the tables meanwhile is seen wholly or not.
    let (application, things, format): (i64, i64, u32) = connection
        .query_row(
            "SELECT application_id, (SELECT count(*) FROM sqlite_schema), user_version
             FROM pragma_application_id, pragma_user_version",
            (),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .map_err(|error| StoreError::of(path, error))?;
    if application != APPLICATION && (application, things) != (0, 0) {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    if format > newest() {
        return Err(StoreError::Newer { path: path.to_owned(), format, known: newest() });
    }
    Ok(format)
}

/// Takes the steps that a store has not taken, all or none.
pub(super) fn bring_up_to_date(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::of(path, error);
    if look_at(connection, path)? == newest() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another program may have taken them while this one waited.
    let format = look_at(&transaction, path)?;
    for (_, migration) in (0..).zip(MIGRATIONS).filter(|(step, _)| *step >= format) {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
    transaction.pragma_update(None, "user_version", newest()).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}
