//! What changed in a month that was published before.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::domain::{Amount, Digest};

use super::cells::cell_text;
use super::manifest::ComponentSum;
use super::schema::Schema;
use super::slice::{Slice, key};

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Rows that were not there.
    pub added: usize,
    /// Rows that are not as they were.
    pub changed: usize,
    /// Rows that are gone.
    pub removed: usize,
}

/// What the amounts of a component came to, and come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentDifference {
    /// The component type.
    pub component: String,
    /// The sum that was published.
    pub before: Amount,
    /// The sum now.
    pub after: Amount,
    /// What was added to it.
    pub difference: Amount,
}

impl ComponentDifference {
    /// The components whose sums changed; `None` where a difference leaves the range.
    pub fn between(before: &[ComponentSum], after: &[ComponentSum]) -> Option<Vec<Self>> {
        let mut sums: BTreeMap<&str, (Amount, Amount)> = BTreeMap::new();
        for sum in before {
            sums.entry(&sum.component).or_default().0 = sum.sum;
        }
        for sum in after {
            sums.entry(&sum.component).or_default().1 = sum.sum;
        }
        let changed = sums.into_iter().filter(|(_, (before, after))| before != after);
        let difference = |(component, (before, after)): (&str, (Amount, Amount))| {
            Some(Self { component: component.to_owned(), before, after, difference: after.checked_sub(before)? })
        };
        changed.map(difference).collect()
    }
}

/// Compares the rows that stand at the target with those that are to take their place. Columns that
/// only one side has count as empty on the other.
pub fn compare(before: (&Schema, &RecordBatch), after: &Slice) -> Revision {
    let mut old: HashMap<String, String> = HashMap::with_capacity(before.1.num_rows());
    for row in 0..before.1.num_rows() {
        old.insert(key(before.0, before.1, row), row_digest(before.0, before.1, row));
    }
    let mut revision = Revision { added: 0, changed: 0, removed: 0 };
    let (schema, rows) = (after.schema(), after.rows());
    for row in 0..rows.num_rows() {
        match old.remove(&key(schema, rows, row)) {
            None => revision.added += 1,
            Some(digest) if digest != row_digest(schema, rows, row) => revision.changed += 1,
            Some(_) => {}
        }
    }
    revision.removed = old.len();
    revision
}

/// The hash of the cells of a row that are not empty, with the names of their columns.
fn row_digest(schema: &Schema, rows: &RecordBatch, row: usize) -> String {
    let mut digest = Digest::default();
    for (at, column) in schema.columns().iter().enumerate() {
        if let Some(text) = cell_text(column, rows.column(at), row) {
            digest.add(format!("{}\0{}\0", column.name, text.len()));
            digest.add(text.as_bytes());
        }
    }
    digest.finish()
}
