//! One request: the changed components of one resource and plan period, with those that ride along.

use jiff::Timestamp;

use crate::domain::{
    Amount, BillingPeriod, BillingType, CarryOver, ComponentType, PlanPeriodId, ResourceId, Role,
};
use crate::resolve::RowsPer;

use super::document::{Header, Line};
use super::lines::amount_to_send;
use super::now::{Standing, StoredRows};
use super::{Plan, ResourcePlan};

/// One entry of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The component.
    pub component: ComponentType,
    /// The amount: of the row, or of the month where the server takes other rows off itself.
    pub amount: Amount,
    /// The note.
    pub description: String,
    /// What happens in later months.
    pub carry_over: CarryOver,
}

/// What one request holds: one resource, one plan period, one month, at least one change, no
/// component twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which request of its plan it is, counted from 0.
    number: u32,
    resource: ResourceId,
    plan_period: Option<PlanPeriodId>,
    period: BillingPeriod,
    items: Vec<Item>,
}

/// What must go in requests of its own.
type Group = (Option<PlanPeriodId>, bool);

impl Batch {
    /// The requests of a plan, by resource: those of one resource go one after the other.
    pub fn of_plan(plan: &Plan) -> Vec<(&ResourcePlan, Vec<Self>)> {
        let mut number = 0;
        let of_resource = |resource| {
            let batches = Self::of_resource(resource, &plan.header, number);
            number += u32::try_from(batches.len()).unwrap_or(u32::MAX);
            (resource, batches)
        };
        plan.changed().map(of_resource).collect()
    }

    fn of_resource(resource: &ResourcePlan, header: &Header, first: u32) -> Vec<Self> {
        let mut groups: Vec<Group> = Vec::new();
        for line in resource.lines.iter().filter(|line| line.posted().is_some()) {
            let group = group(line, header);
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        // The plan period that lasts comes last: what a post leaves as the current usages is its own.
        let begins = |group: &Group| -> (bool, Option<Timestamp>) {
            let period = resource.plan_periods.iter().find(|period| Some(period.id) == group.0);
            (
                group.0.is_none() || period.is_some_and(|period| period.end.is_none()),
                period.and_then(|period| period.start),
            )
        };
        groups.sort_by_key(begins);
        let batches = (first..).zip(groups).map(|(number, group)| Self {
            number,
            resource: resource.resource,
            plan_period: group.0,
            period: header.period,
            items: items(resource, header, group),
        });
        batches.collect()
    }

    /// Which request of its plan it is, counted from 0.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The resource.
    pub fn resource(&self) -> ResourceId {
        self.resource
    }

    /// The plan period that the request names instead of the resource.
    pub fn plan_period(&self) -> Option<PlanPeriodId> {
        self.plan_period
    }

    /// The month that the request is meant for.
    pub fn period(&self) -> BillingPeriod {
        self.period
    }

    /// The entries, in the order in which they are sent.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Whether something of it is missing, and nothing of it is otherwise than it was or is wanted.
    pub fn is_missing(&self, resource: &ResourcePlan, header: &Header, stored: &StoredRows<'_>) -> bool {
        let posted = resource.lines.iter().filter(|line| self.posts(line, header));
        let standings: Vec<Standing> = posted.map(|line| resource.standing(line, stored)).collect();
        standings.contains(&Standing::AsBefore) && !standings.contains(&Standing::Otherwise)
    }

    /// Whether a line is posted by this request.
    pub fn posts(&self, line: &Line, header: &Header) -> bool {
        line.posted().is_some()
            && group(line, header).0 == self.plan_period
            && self.items.iter().any(|item| item.component == line.component)
    }
}

/// For a past month a server judges the owner of the provider by how all components of a request are
/// billed, so those go apart.
fn group(line: &Line, header: &Header) -> Group {
    let is_apart = header.is_past() && header.account.role == Role::ProviderOwner;
    (line.plan_period.filter(|_| line.by_plan_period), is_apart && line.billing_type == BillingType::Usage)
}

/// Components with a limit come first: an older server saves item after item, so a refusal over a limit
/// then leaves as little saved as can be.
fn items(resource: &ResourcePlan, header: &Header, own: Group) -> Vec<Item> {
    let rows: RowsPer = header.capabilities.rows.value;
    let changed = resource.lines.iter().filter(|line| group(line, header) == own);
    let mut changes: Vec<(bool, Item)> = changed
        .filter_map(|line| {
            let new = line.posted()?;
            let item = Item {
                component: line.component.clone(),
                amount: amount_to_send(line, new.amount.get(), rows),
                description: new.description.clone(),
                carry_over: new.carry_over,
            };
            Some((!line.has_limit, item))
        })
        .collect();
    changes.sort_by_key(|(is_free, _)| *is_free);
    let kept = resource.kept.iter().filter(|kept| kept.plan_period == own.0).map(|kept| Item {
        component: kept.component.clone(),
        amount: kept.figures.amount,
        description: kept.figures.description.clone(),
        carry_over: kept.figures.carry_over,
    });
    changes.into_iter().map(|(_, item)| item).chain(kept).collect()
}
