//! The large documents of a run, its plan and its report, in parts.
//!
//! A plan can be of many thousands of rows. Written as it is serialised, part after part, none of it
//! is in memory twice; and apart from the table of runs, which is listed and changed without them.

use std::io::{self, Write};

use rusqlite::{Connection, Transaction};
use serde::Serialize;

/// How much of a document a part holds, in bytes.
const PART: usize = 1 << 20;

/// What a run has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    /// The plan that it began with.
    Plan,
    /// What came of each row.
    Report,
}

impl Document {
    fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Report => "report",
        }
    }

    /// Writes the document of a run, as JSON.
    pub(super) fn write(
        self,
        transaction: &Transaction<'_>,
        run: i64,
        content: &impl Serialize,
    ) -> rusqlite::Result<()> {
        let mut parts = Parts { transaction, run, document: self, number: 0, part: Vec::new(), failed: None };
        let written = serde_json::to_writer(&mut parts, content);
        let flushed = parts.flush();
        match parts.failed {
            Some(error) => Err(error),
            None => match written.map_err(io::Error::from).and(flushed) {
                Ok(()) => Ok(()),
                Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
            },
        }
    }

    /// Reads the document of a run; an empty text where it has none.
    pub(super) fn read(self, connection: &Connection, run: i64) -> rusqlite::Result<String> {
        let mut statement = connection
            .prepare("SELECT content FROM part WHERE run = ?1 AND document = ?2 ORDER BY number")?;
        let mut rows = statement.query((run, self.name()))?;
        let mut content = Vec::new();
        while let Some(row) = rows.next()? {
            content.extend_from_slice(row.get_ref(0)?.as_blob()?);
        }
        String::from_utf8(content).map_err(|error| rusqlite::Error::Utf8Error(0, error.utf8_error()))
    }

    /// Takes the document of a run away.
    pub(super) fn remove(self, transaction: &Transaction<'_>, run: i64) -> rusqlite::Result<()> {
        transaction.execute("DELETE FROM part WHERE run = ?1 AND document = ?2", (run, self.name()))?;
        Ok(())
    }
}

/// Writes a document, part after part.
struct Parts<'a> {
    transaction: &'a Transaction<'a>,
    run: i64,
    document: Document,
    number: i64,
    part: Vec<u8>,
    /// What the database said, which the writing of JSON would turn into a text.
    failed: Option<rusqlite::Error>,
}

impl Write for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = (self.run, self.document.name(), self.number, &self.part[..]);
        let added = self.transaction.execute("INSERT INTO part VALUES (?1, ?2, ?3, ?4)", part);
        self.part.clear();
        self.number += 1;
        added.map(|_| ()).map_err(|error| {
            let told = io::Error::other(error.to_string());
            self.failed = Some(error);
            told
        })
    }
}
