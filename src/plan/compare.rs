//! What is wanted set against what is stored, key by key.
//!
//! Nothing is decided here about which stored row a post would reach: a key can have several rows and
//! several wanted figures, and only the plan periods of its resource tell them apart.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{ComponentType, ResourceId, UsageKey};
use crate::frame::{FrameError, Match, match_keys};
use crate::resolve::Usage;

use super::change::{Change, Figures, Wanted};
use super::stored::StoredUsage;

/// One component of a resource in the month.
#[derive(Debug, Clone, Default)]
pub struct Entry<'a> {
    /// What the file says: one total, or a figure for each plan period that it names.
    pub wanted: Vec<&'a Usage>,
    /// What is stored.
    pub stored: Vec<&'a StoredUsage>,
}

impl Entry<'_> {
    /// Whether nothing is to be done, whichever plan period a post would reach.
    pub fn is_settled(&self) -> bool {
        match (self.wanted.as_slice(), self.stored.as_slice()) {
            ([], _) => true,
            ([total], [row]) if total.plan_period.is_none() => {
                matches!(change(total, Some(row)), Change::Same { .. })
            }
            _ => false,
        }
    }
}

/// The comparison of one month: by resource and component.
pub type Comparison<'a> = BTreeMap<ResourceId, BTreeMap<ComponentType, Entry<'a>>>;

/// Compares.
pub fn compare<'a>(wanted: &'a [Usage], stored: &'a [StoredUsage]) -> Result<Comparison<'a>, FrameError> {
    let mut of_key: HashMap<UsageKey, Vec<&Usage>> = HashMap::with_capacity(wanted.len());
    let mut left: Vec<UsageKey> = Vec::with_capacity(wanted.len());
    for usage in wanted {
        let own = of_key.entry(usage.key()).or_default();
        if own.is_empty() {
            left.push(usage.key());
        }
        own.push(usage);
    }
    let right: Vec<UsageKey> = stored.iter().map(StoredUsage::key).collect();
    let mut comparison = Comparison::new();
    for found in match_keys(&left, &right)? {
        let (key, row) = match found {
            Match::Both(at, hit) => (&left[at], Some(&stored[hit])),
            Match::Left(at) => (&left[at], None),
            Match::Right(hit) => (&right[hit], Some(&stored[hit])),
        };
        let entry = comparison.entry(key.resource).or_default().entry(key.component.clone()).or_default();
        entry.stored.extend(row);
        if let Some(wanted) = of_key.remove(key) {
            entry.wanted = wanted;
        }
    }
    Ok(comparison)
}

/// What a file's figure does to a stored row. Where the file is silent, what is stored stays, so that
/// a post never wipes it.
pub(super) fn change(usage: &Usage, stored: Option<&StoredUsage>) -> Change {
    let stored = stored.map(Figures::from);
    Change::between(wanted(usage, stored.as_ref()), stored)
}

/// What is to be stored of a figure in the place of a row.
pub(super) fn wanted(usage: &Usage, stored: Option<&Figures>) -> Wanted {
    let description = match (&usage.description, stored) {
        (Some(description), _) => description.as_ref().to_owned(),
        (None, Some(stored)) => stored.description.clone(),
        (None, None) => String::new(),
    };
    let carry_over = usage.carry_over.or(stored.map(|stored| stored.carry_over)).unwrap_or_default();
    Wanted { amount: usage.amount, description, carry_over }
}
