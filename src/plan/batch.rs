//! One request: the changed components of one resource, with those that must ride along.

use crate::domain::{Amount, BillingPeriod, CarryOver, ComponentType, ResourceId};

use super::ResourcePlan;

/// One entry of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The component.
    pub component: ComponentType,
    /// The total of the month.
    pub amount: Amount,
    /// The note.
    pub description: String,
    /// What happens in later months.
    pub carry_over: CarryOver,
}

/// What one request holds: one resource, one month, at least one change, no component twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    resource: ResourceId,
    period: BillingPeriod,
    items: Vec<Item>,
}

impl Batch {
    /// The request for a resource; `None` where nothing of it changes.
    ///
    /// Components with a limit come first: an older server saves item after item, so a refusal over
    /// a limit then leaves as little saved as can be.
    pub fn new(plan: &ResourcePlan, period: BillingPeriod) -> Option<Self> {
        let mut changes: Vec<(bool, Item)> = plan
            .lines
            .iter()
            .filter_map(|line| {
                let new = line.change.wanted()?;
                let item = Item {
                    component: line.component.clone(),
                    amount: new.amount.get(),
                    description: new.description.clone(),
                    carry_over: new.carry_over,
                };
                Some((!line.has_limit, item))
            })
            .collect();
        if changes.is_empty() {
            return None;
        }
        changes.sort_by_key(|(is_free, _)| *is_free);
        let kept = plan.kept.iter().map(|kept| Item {
            component: kept.component.clone(),
            amount: kept.figures.amount,
            description: kept.figures.description.clone(),
            carry_over: kept.figures.carry_over,
        });
        let items = changes.into_iter().map(|(_, item)| item).chain(kept).collect();
        Some(Self { resource: plan.resource, period, items })
    }

    /// The resource.
    pub fn resource(&self) -> ResourceId {
        self.resource
    }

    /// The month that the request is meant for.
    pub fn period(&self) -> BillingPeriod {
        self.period
    }

    /// The entries, in the order in which they are sent.
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}
