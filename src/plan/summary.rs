//! A plan in a few figures: by component, and by organisation and component.
//!
//! Quantities of different units are never added together.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::Amount;

use super::change::Change;
use super::document::Plan;

/// Lines and quantities of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Total {
    /// Lines without a stored row.
    pub create: usize,
    /// Lines whose stored row changes.
    pub update: usize,
    /// Lines that are stored as wanted.
    pub same: usize,
    /// Stored rows that the file does not speak of.
    pub only_on_server: usize,
    /// The sum of what is stored.
    pub old: Amount,
    /// The sum of what will be stored.
    pub new: Amount,
}

impl Total {
    fn add(&mut self, change: &Change) {
        let zero = Amount::ZERO;
        let (count, old, new) = match change {
            Change::Create { new } => (&mut self.create, zero, new.amount.get()),
            Change::Update { old, new } => (&mut self.update, old.amount, new.amount.get()),
            Change::Same { old } => (&mut self.same, old.amount, old.amount),
            Change::OnlyOnServer { old } => (&mut self.only_on_server, old.amount, old.amount),
        };
        *count += 1;
        // The range holds a hundred million rows of the largest figure that a server can store.
        self.old = self.old.checked_add(old).unwrap_or(self.old);
        self.new = self.new.checked_add(new).unwrap_or(self.new);
    }

    /// What the plan adds or takes away.
    pub fn difference(&self) -> Amount {
        self.new.checked_sub(self.old).unwrap_or_default()
    }

    /// Lines that will be posted.
    pub fn changes(&self) -> usize {
        self.create + self.update
    }
}

/// A group and its total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// The organisation; `None` where the group is over all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The component.
    pub component: String,
    /// Its unit.
    pub unit: String,
    /// Lines and quantities.
    #[serde(flatten)]
    pub total: Total,
}

/// The figures of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Resources with something to post, and so requests.
    pub resources_to_post: usize,
    /// Lines over all components.
    pub lines: Total,
    /// Stored rows that are posted again unchanged.
    pub kept: usize,
    /// By component and unit.
    pub components: Vec<Totals>,
    /// By organisation, component and unit.
    pub customers: Vec<Totals>,
}

impl Summary {
    /// Adds a plan up.
    pub fn of(plan: &Plan) -> Self {
        let mut components: BTreeMap<(String, String), Total> = BTreeMap::new();
        let mut customers: BTreeMap<(String, String, String), Total> = BTreeMap::new();
        let mut lines = Total::default();
        for resource in &plan.resources {
            for line in &resource.lines {
                let (component, unit) = (line.component.to_string(), line.unit.clone());
                components.entry((component.clone(), unit.clone())).or_default().add(&line.change);
                let customer = resource.customer_name.clone();
                customers.entry((customer, component, unit)).or_default().add(&line.change);
                lines.add(&line.change);
            }
        }
        // A sum over units means nothing, so only the counts are kept of it.
        lines.old = Amount::ZERO;
        lines.new = Amount::ZERO;
        let component = |((component, unit), total)| Totals { customer: None, component, unit, total };
        let customer = |((customer, component, unit), total)| Totals {
            customer: Some(customer),
            component,
            unit,
            total,
        };
        Self {
            resources_to_post: plan.changed().count(),
            lines,
            kept: plan.changed().map(|resource| resource.kept.len()).sum(),
            components: components.into_iter().map(component).collect(),
            customers: customers.into_iter().map(customer).collect(),
        }
    }
}
