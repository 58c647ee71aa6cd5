//! Records of one key, added up.
//!
//! The first record of a key stands for all of them: its cell is the place of the sum, and the others
//! follow its fate.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::{BillingPeriod, Exact, OfferingId, Ratio, visible};
use crate::findings::RowIndex;
use crate::parse::{ResourceName, Wanted};

/// What records have to share to be added up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) resource: ResourceName,
    pub(super) offering: Option<OfferingId>,
    pub(super) period: BillingPeriod,
    pub(super) username: Option<Arc<str>>,
    pub(super) wanted: Wanted,
    pub(super) unit: Option<Arc<str>>,
    /// The one record, where none are added up.
    pub(super) single: Option<RowIndex>,
}

/// Records that were added up.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) key: Key,
    /// The first record: its row of the sheet or line of the file, and among all rows.
    pub(super) number: u32,
    pub(super) row: RowIndex,
    pub(super) column: usize,
    pub(super) unit_column: usize,
    pub(super) sum: Exact,
    pub(super) rows: usize,
}

/// All of them, in the order of their first records.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) list: Vec<Group>,
    by_key: HashMap<Key, usize>,
}

/// A quantity of a record.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) wanted: Wanted,
    pub(super) exact: Exact,
    pub(super) column: usize,
    pub(super) unit: Option<Arc<str>>,
    pub(super) unit_column: usize,
}

impl Groups {
    /// Adds a record; the row that it follows, where it is not the first of its key.
    pub(super) fn add(&mut self, key: Key, share: &Share, row: RowIndex, number: u32) -> Option<RowIndex> {
        if let Some(&at) = self.by_key.get(&key) {
            let group = &mut self.list[at];
            group.sum += &share.exact;
            group.rows += 1;
            return Some(group.row).filter(|first| *first != row);
        }
        self.by_key.insert(key.clone(), self.list.len());
        self.list.push(Group {
            key,
            number,
            row,
            column: share.column,
            unit_column: share.unit_column,
            sum: share.exact.clone(),
            rows: 1,
        });
        None
    }
}

/// Labels of sums that are told apart.
const MOST: usize = 12;

/// Sums by what was counted, for people.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums(BTreeMap<(String, String), Exact>, usize);

impl Sums {
    /// Adds a quantity; `unit` is what it is counted in.
    pub(super) fn add(&mut self, label: &str, unit: &str, exact: &Exact) {
        let key = (label.to_owned(), unit.to_owned());
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.1 += 1;
            return;
        }
        *self.0.entry(key).or_default() += exact;
    }

    /// `cpu 3600 core-seconds, mem 12 MB-seconds`; empty where nothing was added.
    pub(super) fn shown(&self, ratio: &Ratio) -> String {
        let parts = self.0.iter().map(|((label, unit), sum)| {
            let blank = if unit.is_empty() { "" } else { " " };
            format!("{} {}{blank}{}", visible(label), sum.times(ratio), visible(unit))
        });
        let mut parts: Vec<String> = parts.collect();
        if self.1 > 0 {
            parts.push("and others".into());
        }
        parts.join(", ")
    }
}
