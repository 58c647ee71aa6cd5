//! What became of the months of an export, and the document of it for programs.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{BillingPeriod, PeriodRange, RunId};
use crate::warehouse::{ComponentDifference, ComponentSum, Entry, PublishedFile, Revision, RevisionRecord};

/// What became of a month of a table at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was not there.
    Published,
    /// It took the place of another content.
    Replaced,
    /// It was published with the same content, but was no longer what the manifest says, and was written again.
    Restored,
    /// It was there with the same content.
    Unchanged,
    /// It was not looked at, because its invoices are closed.
    NotChecked,
}

impl Fate {
    /// Every fate, in the order in which they are told.
    pub const ALL: [Self; 5] =
        [Self::Published, Self::Replaced, Self::Restored, Self::Unchanged, Self::NotChecked];

    /// The words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Replaced => "replaced",
            Self::Restored => "restored",
            Self::Unchanged => "unchanged",
            Self::NotChecked => "not checked",
        }
    }
}

/// A month of a table at a target.
#[derive(Debug, Clone)]
pub struct Done {
    /// The target.
    pub target: String,
    /// What stands there now.
    pub entry: Entry,
    /// What became of it.
    pub fate: Fate,
    /// How it changed, where it replaced another content.
    pub revision: Option<RevisionRecord>,
}

/// An export as programs read it; `docs/schema/export.schema.json` says what stands where.
#[derive(Debug, Serialize)]
pub struct ExportDocument<'a> {
    format: &'static str,
    version: u32,
    run: RunId,
    time: Timestamp,
    period: String,
    /// Whether all months were carried to all targets; where an error ended the run, those told here were.
    complete: bool,
    slices: Vec<SliceDocument<'a>>,
    totals: Totals,
}

#[derive(Debug, Serialize)]
struct SliceDocument<'a> {
    target: &'a str,
    table: &'a str,
    period: BillingPeriod,
    fate: Fate,
    rows: usize,
    revision: u32,
    content: &'a str,
    sums: &'a [ComponentSum],
    file: Option<&'a PublishedFile>,
    changes: Option<&'a Revision>,
    difference: &'a [ComponentDifference],
    not_checked_since: Option<Timestamp>,
}

/// How many months of tables had which fate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Totals {
    published: usize,
    replaced: usize,
    restored: usize,
    unchanged: usize,
    not_checked: usize,
}

impl<'a> ExportDocument<'a> {
    /// The document of what was done.
    pub fn new(run: RunId, time: Timestamp, period: PeriodRange, done: &'a [Done], complete: bool) -> Self {
        let mut totals = Totals::default();
        for done in done {
            *match done.fate {
                Fate::Published => &mut totals.published,
                Fate::Replaced => &mut totals.replaced,
                Fate::Restored => &mut totals.restored,
                Fate::Unchanged => &mut totals.unchanged,
                Fate::NotChecked => &mut totals.not_checked,
            } += 1;
        }
        let slices = done.iter().map(SliceDocument::new).collect();
        let period = period.to_string();
        Self { format: "waldur-usage.export-run", version: 1, run, time, period, complete, slices, totals }
    }
}

impl<'a> SliceDocument<'a> {
    fn new(done: &'a Done) -> Self {
        let Done { target, entry, fate, revision } = done;
        Self {
            target,
            table: &entry.table,
            period: entry.period,
            fate: *fate,
            rows: entry.rows,
            revision: entry.revision,
            content: &entry.content,
            sums: &entry.sums,
            file: entry.file.as_ref(),
            changes: revision.as_ref().and_then(|revision| revision.rows.as_ref()),
            difference: revision.as_ref().map_or(&[], |revision| &revision.difference),
            not_checked_since: entry.not_checked_since,
        }
    }
}
