//! The audit trail as csv or JSON: who, when, cell, old, new, answer, each with its link of the chain.
//!
//! Text that a spreadsheet would take for a formula is guarded; numbers are not touched.

use std::io::Write;

use serde::Serialize;

use crate::domain::{RunId, escaped_json};
use crate::error::Error;
use crate::parse::with_guard;
use crate::store::{AuditEntry, Store};

const HEADERS: [&str; 15] = [
    "entry",
    "time",
    "run",
    "account_uuid",
    "server",
    "resource_uuid",
    "resource_name",
    "component_type",
    "billing_period",
    "username",
    "cell",
    "old",
    "new",
    "answer",
    "hash",
];

/// An entry with its link of the chain.
#[derive(Serialize)]
struct Linked<'a> {
    entry: u64,
    #[serde(flatten)]
    figure: &'a AuditEntry,
    hash: &'a str,
}

/// Writes the trail as a list of JSON objects, one a line.
pub fn write_json(store: &Store, run: Option<RunId>, out: &mut dyn Write) -> Result<(), Error> {
    let mut lines = Vec::new();
    store.audit(run, &mut |number, figure, hash| {
        let linked = Linked { entry: number, figure, hash };
        lines.push(escaped_json(&serde_json::to_string(&linked).unwrap_or_default()));
    })?;
    let text = if lines.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines.join(",\n")) };
    out.write_all(text.as_bytes()).map_err(|error| Error::Bug(format!("cannot write the trail: {error}")))
}

/// Writes the trail as csv, or the entries of one run.
pub fn write_csv(store: &Store, run: Option<RunId>, out: &mut dyn Write) -> Result<(), Error> {
    let mut writer = csv::Writer::from_writer(out);
    let mut failure = writer.write_record(HEADERS).err();
    store.audit(run, &mut |number, entry, hash| {
        let amount =
            |amount: Option<crate::domain::Amount>| amount.map_or_else(String::new, |it| it.to_string());
        let text = |text: &str| with_guard(text).into_owned();
        let record = [
            number.to_string(),
            entry.at.to_string(),
            entry.run.to_string(),
            entry.account.to_string(),
            text(&entry.server),
            entry.resource.to_string(),
            text(&entry.resource_name),
            text(entry.component.as_str()),
            entry.period.to_string(),
            text(entry.username.as_deref().unwrap_or_default()),
            text(entry.cell.as_deref().unwrap_or_default()),
            amount(entry.old),
            amount(entry.new),
            text(&entry.answer),
            hash.to_owned(),
        ];
        failure = failure.take().or(writer.write_record(record).err());
    })?;
    match failure.map(|error| error.to_string()).or(writer.flush().err().map(|error| error.to_string())) {
        None => Ok(()),
        Some(error) => Err(Error::Bug(format!("cannot write the trail: {error}"))),
    }
}
