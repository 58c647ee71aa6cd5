//! Figures that the server can take.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::{
    BillingPeriod, CarryOver, ComponentType, Place, PlanPeriodId, ReportableAmount, ResourceId, Unrounded,
    UsageKey,
};
use crate::findings::RowIndex;

/// One figure: it names a resource and a component that the server has, and no other has its key, or
/// each of those that have it names a plan period of its own.
#[derive(Debug, Clone)]
pub struct Usage {
    /// The resource.
    pub resource: ResourceId,
    /// The component.
    pub component: ComponentType,
    /// The month.
    pub period: BillingPeriod,
    /// The plan period, where the row names one.
    pub plan_period: Option<PlanPeriodId>,
    /// The total of the month, or of the plan period where one is named.
    pub amount: ReportableAmount,
    /// The same before it was rounded; `None` where it was not.
    pub unrounded: Option<Box<Unrounded>>,
    /// The description, where the file has one.
    pub description: Option<Arc<str>>,
    /// What happens in later months, where the file speaks of it.
    pub carry_over: Option<CarryOver>,
    /// The cell that the amount stands in.
    pub place: Place,
    /// The row that it comes from.
    pub row: RowIndex,
}

impl Usage {
    /// What it speaks of.
    pub fn key(&self) -> UsageKey {
        UsageKey { resource: self.resource, component: self.component.clone(), period: self.period }
    }
}

/// The figures of a run.
#[derive(Debug, Clone, Default)]
pub struct Usages(Vec<Usage>);

impl Usages {
    pub(super) fn new(list: Vec<Usage>) -> Self {
        Self(list)
    }

    pub(super) fn push(&mut self, usage: Usage) {
        self.0.push(usage);
    }

    /// The figures in the order of the input.
    pub fn list(&self) -> &[Usage] {
        &self.0
    }

    /// The figures that are wanted, and the others.
    pub fn only(self, is_wanted: impl Fn(&Usage) -> bool) -> (Self, Vec<Usage>) {
        let (list, out): (Vec<_>, Vec<_>) = self.0.into_iter().partition(is_wanted);
        (Self(list), out)
    }

    /// Takes all figures of some resources out: the rest, and what was taken.
    pub fn without(self, resources: &HashSet<ResourceId>) -> (Self, Vec<Usage>) {
        let (out, list): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|usage| resources.contains(&usage.resource));
        (Self(list), out)
    }
}
