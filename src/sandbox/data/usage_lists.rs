//! Filtered, ordered lists of usages: newest report first, then by component type.
//!
//! The order of the real server has no tie-breaker; here equal rows stand in storage order. A long
//! list is sorted once and kept; later writes are worked into it, so that a page at any depth of a
//! million rows costs no more than a page at the start.

use std::cmp::{Ordering, Reverse};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Data, UsageTable};
use crate::domain::{BillingPeriod, CarryOver};

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
    /// Of any month of this year.
    pub year: Option<i16>,
    /// Of this month of any year.
    pub month: Option<i8>,
    pub carry_over: Option<CarryOver>,
    /// What the list is ordered by; the reports' own order where nothing is asked for.
    pub order: Vec<UsageOrder>,
}

/// What a list of usages can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum UsageOrder {
    Period { descending: bool },
    Amount { descending: bool },
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
            && !self.usages.is_deleted(at)
            && filter.period.is_none_or(|period| period == row.period)
            && filter.component_type.as_ref().is_none_or(|wanted| wanted == component.kind.as_str())
            && filter.resource.is_none_or(|uuid| uuid == resource.uuid)
            && filter.offering.is_none_or(|uuid| uuid == self.offerings[resource.offering].uuid)
            && filter.project.is_none_or(|uuid| uuid == self.projects[resource.project].uuid)
            && filter.customer.is_none_or(|uuid| uuid == self.customers[self.customer_of(resource)].uuid)
            && filter.from.is_none_or(|from| row.date >= from)
            && filter.before.is_none_or(|before| row.date < before)
            && filter.year.is_none_or(|year| year == row.period.year())
            && filter.month.is_none_or(|month| month == row.period.month())
            && filter.carry_over.is_none_or(|policy| policy == row.carry_over)
    }

    /// The usages that pass a filter, in the order of the API.
    pub(in crate::sandbox) fn list(&self, filter: &UsageFilter) -> Arc<Vec<usize>> {
        let mut kept = self.usages.lists.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|list| list.filter == *filter) {
            let list = self.caught_up(kept.remove(at));
            let rows = Arc::clone(&list.rows);
            kept.push(list);
            return rows;
        }
        let candidates = self.candidates(filter).unwrap_or_else(|| (0..self.usages.len()).collect());
        // What is written later is worked into the reports' own order alone.
        let is_worth_keeping = candidates.len() >= WORTH_KEEPING && filter.order.is_empty();
        let rows = Arc::new(self.sorted(filter, candidates));
        if is_worth_keeping {
            if kept.len() == KEPT {
                kept.remove(0);
            }
            let written = self.usages.written.len();
            kept.push(Kept { filter: filter.clone(), rows: Arc::clone(&rows), written });
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
        if !filter.order.is_empty() {
            rows.sort_by(|&left, &right| self.usages.compare(&filter.order, left, right));
        }
        rows
    }

    /// Works what was written since into a list: takes the written rows out and puts them back in
    /// where they belong now.
    fn caught_up(&self, mut list: Kept) -> Kept {
        let table = &self.usages;
        let news = &table.written[list.written..];
        if news.is_empty() {
            return list;
        }
        let mut is_new = vec![false; table.len().max(list.rows.iter().max().map_or(0, |at| at + 1))];
        let mut moved = Vec::new();
        for &at in news {
            // A row that was taken back is not there any more.
            let Some(is_new) = is_new.get_mut(at) else { continue };
            if !std::mem::replace(is_new, true) && at < table.len() && self.matches(&list.filter, at) {
                moved.push(at);
            }
        }
        table.sort(&mut moved);
        let stayed: Vec<usize> = list.rows.iter().copied().filter(|&at| !is_new[at]).collect();
        list.rows = Arc::new(table.merged(&stayed, &moved));
        list.written = table.written.len();
        list
    }
}

impl UsageTable {
    /// What a row is sorted by.
    fn key(&self, at: usize) -> (Reverse<Timestamp>, usize, usize) {
        let row = self.row(at);
        (Reverse(row.date), self.type_ranks[row.component], at)
    }

    fn sort(&self, rows: &mut [usize]) {
        rows.sort_by_key(|&at| self.key(at));
    }

    fn compare(&self, order: &[UsageOrder], left: usize, right: usize) -> Ordering {
        let (left, right) = (self.row(left), self.row(right));
        let by = |order: &UsageOrder| {
            let (ordering, descending) = match *order {
                UsageOrder::Period { descending } => (left.period.cmp(&right.period), descending),
                UsageOrder::Amount { descending } => (left.amount.cmp(&right.amount), descending),
            };
            if descending { ordering.reverse() } else { ordering }
        };
        order.iter().map(by).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// Merges a few sorted rows into many.
    fn merged(&self, many: &[usize], few: &[usize]) -> Vec<usize> {
        let mut merged = Vec::with_capacity(many.len() + few.len());
        let mut rest = many;
        for &at in few {
            let before = rest.partition_point(|&other| self.key(other) < self.key(at));
            merged.extend_from_slice(&rest[..before]);
            merged.push(at);
            rest = &rest[before..];
        }
        merged.extend_from_slice(rest);
        merged
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sandbox::data::Undo;
    use crate::sandbox::world::World;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn a_kept_list_is_what_a_new_one_would_be(
            writes in prop::collection::vec((0_usize..400, 0_i64..100, any::<bool>(), any::<bool>()), 1..40)
        ) {
            let mut data = Data::new(World::built_in()).unwrap();
            let filter = UsageFilter { component_type: Some("cpu".into()), ..UsageFilter::default() };
            let all = |data: &Data| data.sorted(&filter, (0..data.usages.len()).collect());
            let mut list = Kept { filter: filter.clone(), rows: Arc::new(all(&data)), written: data.usages.written.len() };
            for (at, minutes, is_new, is_taken_back) in writes {
                let mut undo = Undo::default();
                let mut row = data.usages.row(at).clone();
                row.date = jiff::Timestamp::from_second(minutes * 60).unwrap();
                if is_new {
                    row.uuid = Uuid::new_v4();
                    data.usages.create(row, &mut undo);
                } else {
                    data.usages.update(at, &mut undo, |stored| *stored = row);
                }
                if is_taken_back {
                    data.usages.roll_back(undo);
                }
                if minutes % 3 == 0 {
                    list = data.caught_up(list);
                }
            }
            let list = data.caught_up(list);
            prop_assert_eq!(list.rows.as_ref(), &all(&data));
        }
    }
}
