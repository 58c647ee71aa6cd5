//! What of a plan looks like a mistake: its rows against what is stored and against the month before.
//!
//! The rows are those in the scope of the plan. Resources that can no longer be posted to are no fault
//! of the file, so they are listed apart, with what is at stake.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;

use crate::domain::{Amount, BillingType, ComponentType, ResourceId, ResourceState, line_price};
use crate::plan::{
    Cost, Guard, GuardLine, GuardReport, LastMonthRow, Line, Plan, ResourcePlan, StoredUsage, Thresholds,
    guards,
};
use crate::resolve::Catalogue;

use super::writers::OtherWriter;

/// A resource that had usage last month and takes none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unpostable {
    /// Its organisation.
    pub customer: String,
    /// Its name.
    pub resource: String,
    /// Its state.
    pub state: ResourceState,
    /// What was used of it.
    pub component: ComponentType,
    /// In this unit.
    pub unit: String,
    /// How much last month.
    pub last_month: Amount,
    /// What that cost, where usage of it is billed at a known price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Amount>,
}

/// What the guards make of a plan.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Guarded {
    /// One report for each guard.
    pub guards: Vec<GuardReport>,
    /// What can no longer be posted to.
    pub unpostable: Vec<Unpostable>,
    /// Offerings with rows that somebody else reported last; `None` where it is not known which rows are
    /// this account's own.
    pub other_writers: Option<Vec<OtherWriter>>,
}

impl Guarded {
    /// The guards that refuse the plan.
    pub fn refusing(&self) -> Vec<Guard> {
        let refusing = self.guards.iter().filter(|report| report.verdict == crate::plan::Verdict::Refused);
        refusing.map(|report| report.guard).collect()
    }
}

/// Guards a plan. `last_month` is what is stored of the resources in scope in the month before.
pub fn guard(
    plan: &Plan,
    last_month: &[StoredUsage],
    catalogue: &Catalogue,
    thresholds: &Thresholds,
    allowed: &BTreeSet<Guard>,
) -> Guarded {
    let mut last: HashMap<(ResourceId, &ComponentType), Amount> = HashMap::new();
    for row in last_month {
        let sum = last.entry((row.resource, &row.component)).or_default();
        *sum = sum.checked_add(row.amount).unwrap_or(*sum);
    }
    let mut lines = Vec::new();
    let mut seen: HashSet<(ResourceId, &ComponentType)> = HashSet::new();
    for resource in &plan.resources {
        let mut by_component: BTreeMap<&ComponentType, Vec<&Line>> = BTreeMap::new();
        for line in &resource.lines {
            by_component.entry(&line.component).or_default().push(line);
        }
        for (component, own) in by_component {
            seen.insert((resource.resource, component));
            lines.push(guard_line(
                resource,
                component,
                &own,
                last.get(&(resource.resource, component)).copied(),
            ));
        }
    }
    let mut missing: Vec<(ResourceId, &ComponentType, Amount)> = last
        .iter()
        .filter(|(key, _)| !seen.contains(*key))
        .map(|((resource, component), amount)| (*resource, *component, *amount))
        .collect();
    missing.sort();
    let (mut only_last_month, mut unpostable) = (Vec::new(), Vec::new());
    for (id, component, amount) in missing {
        let Some(resource) = catalogue.resource(id) else { continue };
        let known = catalogue.offering(resource.offering).and_then(|offering| offering.component(component));
        let unit = known.map(|known| known.measured_unit.clone()).unwrap_or_default();
        if resource.state.takes_usage() {
            only_last_month.push(LastMonthRow {
                resource: id,
                resource_name: resource.name.clone(),
                customer_name: resource.customer_name.clone(),
                component: component.clone(),
                unit,
                amount,
            });
        } else {
            let is_billed = known.is_some_and(|known| known.billing_type == BillingType::Usage);
            let offering = catalogue.offering(resource.offering);
            let price =
                offering.zip(resource.plan).and_then(|(offering, plan)| offering.price(plan, component));
            unpostable.push(Unpostable {
                customer: resource.customer_name.clone(),
                resource: resource.name.clone(),
                state: resource.state.clone(),
                component: component.clone(),
                unit,
                last_month: amount,
                money: price.filter(|_| is_billed).and_then(|price| line_price(amount, price)),
            });
        }
    }
    Guarded { guards: guards(&lines, &only_last_month, thresholds, allowed), unpostable, other_writers: None }
}

/// One key with what is stored of it, what it becomes and what it was.
fn guard_line(
    resource: &ResourcePlan,
    component: &ComponentType,
    lines: &[&Line],
    last_month: Option<Amount>,
) -> GuardLine {
    let total = |amounts: Vec<Amount>| (!amounts.is_empty()).then(|| Amount::total(amounts)).flatten();
    let is_named = lines
        .iter()
        .any(|line| line.source.is_some() || line.is_filled_in() || line.change.wanted().is_some());
    let after =
        |line: &Line| line.posted().map(|new| new.amount.get()).or(line.change.old().map(|old| old.amount));
    let old = total(lines.iter().filter_map(|line| Some(line.change.old()?.amount)).collect());
    let new = total(lines.iter().filter_map(|line| after(line)).collect());
    let price = |amount: &dyn Fn(&Line) -> Option<Amount>| {
        let priced = lines.iter().filter_map(|line| Some(line.price(amount(line)?)));
        priced.collect::<Option<Vec<Amount>>>().and_then(Amount::total)
    };
    let cost = if lines.iter().all(|line| line.billing_type != BillingType::Usage) {
        Cost::NotBilled
    } else {
        let old = price(&|line| Some(line.change.old()?.amount));
        match old.zip(price(&after)).filter(|_| lines.iter().all(|line| line.unit_price.is_some())) {
            Some((old, new)) => Cost::Known { old, new },
            None => Cost::Unpriced,
        }
    };
    GuardLine {
        resource: resource.resource,
        resource_name: resource.name.clone(),
        customer_name: resource.customer_name.clone(),
        component: component.clone(),
        unit: lines.first().map(|line| line.unit.clone()).unwrap_or_default(),
        old,
        new: new.filter(|_| is_named),
        last_month,
        cost,
        is_filled_in: lines.iter().any(|line| line.is_filled_in()),
    }
}
