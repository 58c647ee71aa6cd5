//! A plan in a few figures: by component, and by organisation and component.
//!
//! Quantities of different units are never added together.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::Amount;

use super::change::Change;
use super::document::Plan;

/// How many lines have each action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Lines without a stored row.
    pub create: usize,
    /// Lines whose stored row changes.
    pub update: usize,
    /// Lines that are stored as wanted.
    pub same: usize,
    /// Stored rows that the file does not speak of.
    pub only_on_server: usize,
}

impl Counts {
    fn add(&mut self, change: &Change) {
        *match change {
            Change::Create { .. } => &mut self.create,
            Change::Update { .. } => &mut self.update,
            Change::Same { .. } => &mut self.same,
            Change::OnlyOnServer { .. } => &mut self.only_on_server,
        } += 1;
    }

    /// Lines that will be posted.
    pub fn changes(&self) -> usize {
        self.create + self.update
    }
}

/// Lines and quantities of one component: what the file says and what is on the server alone make up
/// what is stored after posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Total {
    /// The lines.
    #[serde(flatten)]
    pub counts: Counts,
    /// The sum of what is stored.
    pub stored: Amount,
    /// The sum of what the file says.
    pub in_file: Amount,
    /// The sum of what is stored and the file does not speak of.
    pub only_stored: Amount,
}

impl Total {
    fn add(&mut self, change: &Change) {
        let zero = Amount::ZERO;
        let (stored, in_file, only_stored) = match change {
            Change::Create { new } => (zero, new.amount.get(), zero),
            Change::Update { old, new } => (old.amount, new.amount.get(), zero),
            Change::Same { old } => (old.amount, old.amount, zero),
            Change::OnlyOnServer { old } => (old.amount, zero, old.amount),
        };
        self.counts.add(change);
        // The range holds a hundred million rows of the largest figure that a server can store.
        let plus = |sum: Amount, amount| sum.checked_add(amount).unwrap_or(sum);
        self.stored = plus(self.stored, stored);
        self.in_file = plus(self.in_file, in_file);
        self.only_stored = plus(self.only_stored, only_stored);
    }

    /// What is stored after posting.
    pub fn after(&self) -> Amount {
        self.in_file.checked_add(self.only_stored).unwrap_or_default()
    }

    /// What the plan adds or takes away.
    pub fn difference(&self) -> Amount {
        self.after().checked_sub(self.stored).unwrap_or_default()
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
    pub lines: Counts,
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
        let mut lines = Counts::default();
        for resource in &plan.resources {
            for line in &resource.lines {
                let (component, unit) = (line.component.to_string(), line.unit.clone());
                components.entry((component.clone(), unit.clone())).or_default().add(&line.change);
                let customer = resource.customer_name.clone();
                customers.entry((customer, component, unit)).or_default().add(&line.change);
                lines.add(&line.change);
            }
        }
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
