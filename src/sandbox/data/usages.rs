//! The table of component usages: compact rows, indexes, and a way back out of a failed request.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::invoices::InvoiceUndo;
use super::usage_lists::Lists;
use super::{Component, Data, Resource};
use crate::domain::{Amount, BillingPeriod, CarryOver, ComponentType, PlanPeriodId, ResourceId, UsageId};

/// One stored usage.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct UsageRow {
    pub uuid: Uuid,
    pub resource: usize,
    pub component: usize,
    /// The position of the plan period in its resource.
    pub plan_period: Option<usize>,
    pub period: BillingPeriod,
    pub amount: Amount,
    pub date: Timestamp,
    pub created: Timestamp,
    pub description: Box<str>,
    pub carry_over: CarryOver,
    pub modified_by: Option<u32>,
}

/// One stored usage as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUsage {
    /// Its id.
    pub uuid: UsageId,
    /// The resource that was used.
    pub resource: ResourceId,
    /// What of it was used.
    pub component: ComponentType,
    /// How much of it.
    pub amount: Amount,
    /// The month in which it was used.
    pub period: BillingPeriod,
    /// The text that was reported with it.
    pub description: String,
    /// What is filled in for a later month without a report.
    pub carry_over: CarryOver,
    /// The plan period that it is billed under.
    pub plan_period: Option<PlanPeriodId>,
}

impl StoredUsage {
    /// Whether the amount is repeated in a later month without a report.
    pub fn recurring(&self) -> bool {
        self.carry_over == CarryOver::Reuse
    }

    pub(super) fn new(row: &UsageRow, data: &Data) -> Self {
        let resource = &data.resources[row.resource];
        Self {
            uuid: UsageId::new(row.uuid),
            resource: ResourceId::new(resource.uuid),
            component: data.components[row.component].kind.clone(),
            amount: row.amount,
            period: row.period,
            description: row.description.to_string(),
            carry_over: row.carry_over,
            plan_period: row.plan_period.map(|at| PlanPeriodId::new(resource.plan_periods[at].uuid)),
        }
    }
}

impl Data {
    /// Everything that is stored now, in storage order.
    pub(in crate::sandbox) fn stored_usages(&self) -> Vec<StoredUsage> {
        let rows = (0..self.usages.len()).filter(|&at| !self.usages.is_deleted(at));
        rows.map(|at| StoredUsage::new(self.usages.row(at), self)).collect()
    }

    /// One row as it is stored now.
    pub(in crate::sandbox) fn stored_usage(&self, at: usize) -> StoredUsage {
        StoredUsage::new(self.usages.row(at), self)
    }
}

/// What a request changed, so that it can be taken back.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Undo {
    /// Rows as they were, newest last; `None` for a row that was not there.
    rows: Vec<(usize, Option<UsageRow>)>,
    /// Rows that were deleted.
    deleted: Vec<usize>,
    /// Resources that got a plan period.
    pub(super) begun: Vec<usize>,
    /// How many ids had been made.
    pub(super) ids_made: u64,
    pub invoices: InvoiceUndo,
    /// How many rows it gave to the billing queue.
    pub queued: usize,
}

impl Undo {
    pub(super) fn new(ids_made: u64) -> Self {
        Self { ids_made, ..Self::default() }
    }
}

/// All stored usages.
#[derive(Debug)]
pub(in crate::sandbox) struct UsageTable {
    rows: Vec<UsageRow>,
    by_uuid: HashMap<Uuid, usize>,
    pub(super) by_resource: Vec<Vec<usize>>,
    pub(super) by_offering: Vec<Vec<usize>>,
    /// By month and rank of the component type.
    pub(super) by_month: HashMap<(BillingPeriod, usize), Vec<usize>>,
    pub(super) type_ranks: Vec<usize>,
    pub(super) type_count: usize,
    offerings: Vec<usize>,
    deleted: HashSet<usize>,
    /// Positions in the order in which they were written; lists catch up from here.
    pub(super) written: Vec<usize>,
    /// What was written and not taken back since it was last asked for, each with the amount before.
    lasting: Vec<(usize, Option<Amount>)>,
    pub(super) lists: Lists,
}

impl UsageTable {
    pub(super) fn new(components: &[Component], resources: &[Resource]) -> Self {
        let offering_count = components.iter().map(|component| component.offering + 1).max();
        let offering_count =
            offering_count.max(resources.iter().map(|resource| resource.offering + 1).max()).unwrap_or(0);
        Self {
            rows: Vec::new(),
            by_uuid: HashMap::new(),
            by_resource: vec![Vec::new(); resources.len()],
            by_offering: vec![Vec::new(); offering_count],
            by_month: HashMap::new(),
            type_ranks: components.iter().map(|component| component.type_rank).collect(),
            type_count: components.iter().map(|component| component.type_rank + 1).max().unwrap_or(0),
            offerings: components.iter().map(|component| component.offering).collect(),
            deleted: HashSet::new(),
            written: Vec::new(),
            lasting: Vec::new(),
            lists: Lists::default(),
        }
    }

    pub(in crate::sandbox) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::sandbox) fn row(&self, at: usize) -> &UsageRow {
        &self.rows[at]
    }

    pub(in crate::sandbox) fn find(&self, uuid: Uuid) -> Option<usize> {
        self.by_uuid.get(&uuid).copied().filter(|&at| !self.is_deleted(at))
    }

    /// Whether a row was deleted; its position stays taken.
    pub(in crate::sandbox) fn is_deleted(&self, at: usize) -> bool {
        !self.deleted.is_empty() && self.deleted.contains(&at)
    }

    /// The rows of a resource, oldest first.
    pub(in crate::sandbox) fn of_resource(
        &self,
        resource: usize,
    ) -> impl Iterator<Item = (usize, &UsageRow)> {
        let rows = self.by_resource[resource].iter().filter(|&&at| !self.is_deleted(at));
        rows.map(|&at| (at, &self.rows[at]))
    }

    pub(in crate::sandbox) fn insert(&mut self, row: UsageRow) -> usize {
        let at = self.rows.len();
        self.by_uuid.insert(row.uuid, at);
        self.by_resource[row.resource].push(at);
        self.by_offering[self.offerings[row.component]].push(at);
        self.by_month.entry((row.period, self.type_ranks[row.component])).or_default().push(at);
        self.rows.push(row);
        self.written.push(at);
        at
    }

    /// Stores a new row, noting how to take it back.
    pub(in crate::sandbox) fn create(&mut self, row: UsageRow, undo: &mut Undo) -> usize {
        let at = self.insert(row);
        self.lasting.push((at, None));
        undo.rows.push((at, None));
        at
    }

    /// Changes a row, noting how to take it back. Resource, component and month must stay.
    pub(in crate::sandbox) fn update(
        &mut self,
        at: usize,
        undo: &mut Undo,
        change: impl FnOnce(&mut UsageRow),
    ) {
        self.lasting.push((at, Some(self.rows[at].amount)));
        undo.rows.push((at, Some(self.rows[at].clone())));
        change(&mut self.rows[at]);
        self.written.push(at);
    }

    /// Deletes a row, noting how to take it back.
    pub(in crate::sandbox) fn delete(&mut self, at: usize, undo: &mut Undo) {
        self.deleted.insert(at);
        self.lasting.push((at, Some(self.rows[at].amount)));
        self.written.push(at);
        undo.deleted.push(at);
    }

    /// Takes back what a failed request has written in this table.
    pub(in crate::sandbox) fn roll_back(&mut self, undo: Undo) {
        // What is taken back is what was written last.
        let taken_back = undo.rows.len() + undo.deleted.len();
        self.lasting.truncate(self.lasting.len().saturating_sub(taken_back));
        for at in undo.deleted {
            self.deleted.remove(&at);
            self.written.push(at);
        }
        for (at, before) in undo.rows.into_iter().rev() {
            if let Some(before) = before {
                self.rows[at] = before;
                self.written.push(at);
            } else {
                self.remove_last(at);
            }
        }
    }

    /// The rows that were written and not taken back since this was last asked, each once, in the
    /// order of their first write and with the amount before it.
    pub(in crate::sandbox) fn take_lasting(&mut self) -> Vec<(usize, Option<Amount>)> {
        let mut lasting = std::mem::take(&mut self.lasting);
        let mut seen = HashSet::new();
        lasting.retain(|(at, _)| seen.insert(*at));
        lasting
    }

    /// Removes the newest row; only a row that the same request has made can be removed.
    fn remove_last(&mut self, at: usize) {
        debug_assert_eq!(at + 1, self.rows.len());
        let Some(row) = self.rows.pop() else { return };
        self.by_uuid.remove(&row.uuid);
        self.by_resource[row.resource].pop();
        self.by_offering[self.offerings[row.component]].pop();
        if let Some(month) = self.by_month.get_mut(&(row.period, self.type_ranks[row.component])) {
            month.pop();
        }
        self.written.push(at);
    }
}
