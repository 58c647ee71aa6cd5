//! Filtered, ordered lists of usages: newest report first, then by component type.
//!
//! The order of the real server has no tie-breaker; here equal rows stand in storage order. A long
//! list is sorted once and kept; later writes are worked into it, so that a page at any depth of a
//! million rows costs no more than a page at the start.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Data, UsageTable};
use crate::domain::BillingPeriod;

/// Lists shorter than this are made anew each time.
const WORTH_KEEPING: usize = 2_000;
/// How many long lists are kept.
const KEPT: usize = 24;

/// Which usages a list shows; `None` shows all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sandbox) struct UsageFilter {
    /// Matches nothing at all, as an unknown month or a foreign link does.
    pub nothing: bool,
    pub period: Option<BillingPeriod>,
    pub component_type: Option<String>,
    pub resource: Option<Uuid>,
    pub offering: Option<Uuid>,
    pub project: Option<Uuid>,
    pub customer: Option<Uuid>,
    /// Reported at this moment or later.
    pub from: Option<Timestamp>,
    /// Reported before this moment.
    pub before: Option<Timestamp>,
}

#[derive(Debug)]
struct Kept {
    filter: UsageFilter,
    rows: Arc<Vec<usize>>,
    /// How much of the table's log of writes is worked in.
    written: usize,
}

/// The long lists that are kept, least recently used first.
#[derive(Debug, Default)]
pub(super) struct Lists(Mutex<Vec<Kept>>);

impl Data {
    /// Whether a usage passes a filter.
    pub(in crate::sandbox) fn matches(&self, filter: &UsageFilter, at: usize) -> bool {
        let row = self.usages.row(at);
        let resource = &self.resources[row.resource];
        let component = &self.components[row.component];
        !filter.nothing
            && filter.period.is_none_or(|period| period == row.period)
            && filter.component_type.as_ref().is_none_or(|wanted| wanted == component.kind.as_str())
            && filter.resource.is_none_or(|uuid| uuid == resource.uuid)
            && filter.offering.is_none_or(|uuid| uuid == self.offerings[resource.offering].uuid)
            && filter.project.is_none_or(|uuid| uuid == self.projects[resource.project].uuid)
            && filter.customer.is_none_or(|uuid| uuid == self.customers[self.customer_of(resource)].uuid)
            && filter.from.is_none_or(|from| row.date >= from)
            && filter.before.is_none_or(|before| row.date < before)
    }

    /// The usages that pass a filter, in the order of the API.
    pub(in crate::sandbox) fn list(&self, filter: &UsageFilter) -> Arc<Vec<usize>> {
        let candidates = self.candidates(filter);
        if candidates.as_ref().is_some_and(|rows| rows.len() < WORTH_KEEPING) {
            return Arc::new(self.sorted(filter, candidates.unwrap_or_default()));
        }
        let mut kept = self.usages.lists.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|list| list.filter == *filter).map(|at| kept.remove(at));
        let list = match found {
            Some(list) => self.caught_up(list),
            None => Kept {
                rows: Arc::new(
                    self.sorted(filter, candidates.unwrap_or_else(|| (0..self.usages.len()).collect())),
                ),
                filter: filter.clone(),
                written: self.usages.written.len(),
            },
        };
        let rows = Arc::clone(&list.rows);
        kept.push(list);
        if kept.len() > KEPT {
            kept.remove(0);
        }
        rows
    }

    /// The rows of the narrowest index; `None` where every row is a candidate.
    fn candidates(&self, filter: &UsageFilter) -> Option<Vec<usize>> {
        let table = &self.usages;
        if filter.nothing {
            return Some(Vec::new());
        }
        if let Some(uuid) = filter.resource {
            return Some(self.resource(uuid).map(|at| table.by_resource[at].clone()).unwrap_or_default());
        }
        if let Some(period) = filter.period {
            let ranks = match &filter.component_type {
                Some(wanted) => self.type_rank(wanted).map_or(0..0, |rank| rank..rank + 1),
                None => 0..table.type_count,
            };
            return Some(
                ranks.filter_map(|rank| table.by_month.get(&(period, rank))).flatten().copied().collect(),
            );
        }
        let uuid = filter.offering?;
        Some(self.offering(uuid).map(|at| table.by_offering[at].clone()).unwrap_or_default())
    }

    fn type_rank(&self, component_type: &str) -> Option<usize> {
        let has_type = |component: &&super::Component| component.kind.as_str() == component_type;
        self.components.iter().find(has_type).map(|component| component.type_rank)
    }

    fn sorted(&self, filter: &UsageFilter, mut rows: Vec<usize>) -> Vec<usize> {
        rows.retain(|&at| self.matches(filter, at));
        self.usages.sort(&mut rows);
        rows
    }

    fn caught_up(&self, mut list: Kept) -> Kept {
        let table = &self.usages;
        if list.written == table.written.len() {
            return list;
        }
        let written: HashSet<usize> = table.written[list.written..].iter().copied().collect();
        let rows = Arc::make_mut(&mut list.rows);
        rows.retain(|at| !written.contains(at));
        rows.extend(written.into_iter().filter(|&at| at < table.len() && self.matches(&list.filter, at)));
        table.sort(rows);
        list.written = table.written.len();
        list
    }
}

impl UsageTable {
    fn sort(&self, rows: &mut [usize]) {
        rows.sort_by_key(|&at| {
            let row = self.row(at);
            (Reverse(row.date), self.type_ranks[row.component], at)
        });
    }
}
