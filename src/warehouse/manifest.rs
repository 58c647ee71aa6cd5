//! The manifest: what was published at a target, and by which run.
//!
//! It is the only thing that knows of runs and of time, and it is written last. Nothing else decides what
//! a run writes, so a run on an empty disk does what is right.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{Amount, BillingPeriod, RunId, UserId};

use super::contract::Contract;
use super::revision::{ComponentDifference, Revision};

/// What the field `format` says.
pub const FORMAT: &str = "waldur-usage.export";
/// The version of the manifest.
pub const VERSION: u32 = 1;

/// The manifest of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Which version of the columns the tables have.
    pub schema_version: u32,
    /// The origin of the server whose data stand here.
    pub deployment: String,
    /// What of it.
    pub scope: Scope,
    /// The roles by which the account saw it that wrote here last; none where it sees everything.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<String>,
    /// The run that wrote here last.
    pub run: RunStamp,
    /// What is done with fields that the server adds.
    pub contract: Contract,
    /// Columns that were added for such fields, by table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evolved: BTreeMap<String, Vec<String>>,
    /// Fields of the server that are left out, by table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub discarded: BTreeMap<String, Vec<String>>,
    /// Whether text that a spreadsheet would take for a formula is guarded; where not, text is as the
    /// server has it.
    #[serde(default)]
    pub excel_safe: bool,
    /// The slices, by table and month.
    pub slices: Vec<Entry>,
    /// How published months changed, oldest first.
    #[serde(default)]
    pub revisions: Vec<RevisionRecord>,
}

/// What of the server's data a target holds. Another scope needs another target, because a month is
/// replaced whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The columns.
    pub shape: Shape,
    /// The filters, by their names.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
    /// The account whose view of the server it is; none where it sees everything, or was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<UserId>,
}

/// Whose columns the tables have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The server's.
    #[default]
    Waldur,
    /// Those of FOCUS 1.2.
    Focus,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStamp {
    /// Its id.
    pub id: RunId,
    /// When it read the server.
    pub time: Timestamp,
    /// The program and its version.
    pub tool: String,
}

/// A month of a table as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The table.
    pub table: String,
    /// The month.
    pub period: BillingPeriod,
    /// How many rows.
    pub rows: usize,
    /// What the amounts come to, by component.
    #[serde(default)]
    pub sums: Vec<ComponentSum>,
    /// The hash of the content, the same for every format.
    pub content: String,
    /// The file; none where the target is no folder, or where there are no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PublishedFile>,
    /// How often the month was published; 1 for the first time.
    pub revision: u32,
    /// What proves that it is whole.
    pub proof: Proof,
    /// The run that wrote it.
    pub run: RunStamp,
    /// Since when it was not looked at, because its invoices are closed and the user asked not to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_checked_since: Option<Timestamp>,
    /// The hash of the invoices of the month with their states, where all were beyond change when it was read
    /// and the user asks for such months to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_invoices: Option<String>,
}

/// What the amounts of a component come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentSum {
    /// The component type.
    pub component: String,
    /// The sum.
    pub sum: Amount,
}

/// A file of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// Its path in the folder, with `/`.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// The SHA-256 of it, in 64 hexadecimal digits.
    pub sha256: String,
}

/// What proves that a month is whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How many rows the server counted; all of them were read, and no uuid twice.
    pub counted: usize,
    /// Whether the sums are those of the server's statistics; none where this account may not read them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<bool>,
}

/// How a published month changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevisionRecord {
    /// The table.
    pub table: String,
    /// The month.
    pub period: BillingPeriod,
    /// Which revision it became.
    pub revision: u32,
    /// The run that wrote it.
    pub run: RunStamp,
    /// Rows added, changed and removed; none where the rows that were there can no longer be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Revision>,
    /// The components whose sums changed.
    #[serde(default)]
    pub difference: Vec<ComponentDifference>,
}

/// A text is no manifest of ours.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is no JSON of this shape.
    #[error("not a manifest of an export")]
    Unreadable(#[from] serde_json::Error),
    /// It has another format or version.
    #[error(
        "a manifest of format {format} version {version}, of which this program knows {FORMAT} version {VERSION}"
    )]
    Unknown {
        /// The format.
        format: String,
        /// The version.
        version: u32,
    },
}

impl Manifest {
    /// Reads a manifest.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let Head { format, version } = serde_json::from_slice(bytes)?;
        if format != FORMAT || version != VERSION {
            return Err(ManifestError::Unknown { format, version });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// The entry of a month of a table.
    pub fn entry(&self, table: &str, period: BillingPeriod) -> Option<&Entry> {
        self.slices.iter().find(|entry| entry.table == table && entry.period == period)
    }

    /// Puts an entry in the place of that of the same month and table; the entries stay in their order.
    pub fn put(&mut self, entry: Entry) {
        self.slices.retain(|old| (&old.table, old.period) != (&entry.table, entry.period));
        self.slices.push(entry);
        self.slices.sort_by(|left, right| (left.period, &left.table).cmp(&(right.period, &right.table)));
    }
}
