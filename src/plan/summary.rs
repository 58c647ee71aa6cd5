//! A plan in a few figures: by component, by project and by organisation, and what it costs.
//!
//! Quantities of different units are never added together. Money is amount times the price of the
//! resource's plan, rounded up to the cent line by line as an invoice does; its currency is not known
//! here.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{Amount, BillingType};

use super::change::Change;
use super::document::{Line, Plan};
use super::people::PeopleCounts;

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
    /// Lines that differ and cannot be posted, because their month is closed.
    pub closed: usize,
}

impl Counts {
    fn add(&mut self, line: &Line) {
        *match &line.change {
            _ if line.correction().is_some() => &mut self.closed,
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

/// What lines cost that are billed by usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Money {
    /// What is stored.
    pub stored: Amount,
    /// What is stored after posting.
    pub after: Amount,
    /// Lines that are billed, at a price that is not known.
    pub lines_without_price: usize,
}

impl Money {
    fn add(&mut self, line: &Line) {
        if line.billing_type != BillingType::Usage {
            return;
        }
        let old = line.change.old().map(|old| old.amount);
        let after = line.posted().map(|new| new.amount.get()).or(old);
        let price = |amount: Option<Amount>| amount.map_or(Some(Amount::ZERO), |amount| line.price(amount));
        match price(old).zip(price(after)).filter(|_| line.unit_price.is_some()) {
            Some((old, after)) => {
                self.stored = plus(self.stored, old);
                self.after = plus(self.after, after);
            }
            None => self.lines_without_price += 1,
        }
    }

    /// What the plan adds or takes away.
    pub fn difference(&self) -> Amount {
        self.after.checked_sub(self.stored).unwrap_or_default()
    }
}

/// The range holds a hundred million rows of the largest figure that a server can store.
fn plus(sum: Amount, amount: Amount) -> Amount {
    sum.checked_add(amount).unwrap_or(sum)
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
    /// What they cost.
    pub money: Money,
}

impl Total {
    fn add(&mut self, line: &Line) {
        let zero = Amount::ZERO;
        let (stored, in_file, only_stored) = match &line.change {
            Change::Create { new } => (zero, new.amount.get(), zero),
            Change::Update { old, new } => (old.amount, new.amount.get(), zero),
            Change::Same { old } => (old.amount, old.amount, zero),
            Change::OnlyOnServer { old } => (old.amount, zero, old.amount),
        };
        // What cannot be posted stays as it is stored.
        let (in_file, only_stored) =
            if line.correction().is_some() { (zero, stored) } else { (in_file, only_stored) };
        self.counts.add(line);
        self.money.add(line);
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
    /// The project; `None` where the group is over all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
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
    /// The lines of users, which no other figure counts.
    #[serde(skip_serializing_if = "PeopleCounts::is_empty")]
    pub people: PeopleCounts,
    /// What all lines cost.
    pub money: Money,
    /// By component and unit.
    pub components: Vec<Totals>,
    /// By organisation, project, component and unit.
    pub projects: Vec<Totals>,
    /// By organisation, component and unit.
    pub customers: Vec<Totals>,
}

/// Totals by whatever tells their groups apart.
type Groups = BTreeMap<(Option<String>, Option<String>, String, String), Total>;

impl Summary {
    /// Adds a plan up.
    pub fn of(plan: &Plan) -> Self {
        let (mut components, mut projects, mut customers) = (Groups::new(), Groups::new(), Groups::new());
        let (mut lines, mut money) = (Counts::default(), Money::default());
        for resource in &plan.resources {
            let (customer, project) = (Some(&resource.customer_name), Some(&resource.project_name));
            for line in &resource.lines {
                let group = |customer: Option<&String>, project: Option<&String>| {
                    (customer.cloned(), project.cloned(), line.component.to_string(), line.unit.clone())
                };
                components.entry(group(None, None)).or_default().add(line);
                customers.entry(group(customer, None)).or_default().add(line);
                projects.entry(group(customer, project)).or_default().add(line);
                lines.add(line);
                money.add(line);
            }
        }
        Self {
            resources_to_post: plan.changed().count(),
            lines,
            kept: plan.changed().map(|resource| resource.kept.len()).sum(),
            people: PeopleCounts::of(plan),
            money,
            components: totals(components),
            projects: totals(projects),
            customers: totals(customers),
        }
    }
}

fn totals(groups: Groups) -> Vec<Totals> {
    let totals = groups.into_iter().map(|((customer, project, component, unit), total)| Totals {
        customer,
        project,
        component,
        unit,
        total,
    });
    totals.collect()
}
