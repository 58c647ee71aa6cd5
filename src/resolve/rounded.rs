//! What rounding did to the figures of a run, to the last digit.
//!
//! Nobody rounds by accident: a rule was given, and whoever looks at a check, a plan or its application
//! sees what it moved. Sums are over all amounts of a component, those that needed no rounding among
//! them; figures of single users, which are parts of a total, are told apart from it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{Amount, ComponentType, ResourceId, RoundingRule, Unrounded, visible};

use super::catalogue::Catalogue;
use super::file_lines::FileLine;
use super::people::UserUsages;
use super::usages::Usages;

/// The effect of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounding {
    /// The rule.
    pub rule: RoundingRule,
    /// What it did, by component and unit.
    pub components: Vec<Rounded>,
}

/// The effect on one component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounded {
    /// The component.
    pub component: String,
    /// Its unit.
    pub unit: String,
    /// Whether these are figures of single users.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_users: bool,
    /// How many amounts there are.
    pub amounts: usize,
    /// How many of them were changed.
    pub amounts_rounded: usize,
    /// Their sum as the files have it.
    pub before: Unrounded,
    /// Their sum as it is reported.
    pub after: Amount,
    /// What rounding adds or takes away.
    pub difference: Unrounded,
}

impl Rounding {
    /// Adds up what a rule did; `None` where there was no rule.
    pub fn of(
        rule: Option<RoundingRule>,
        usages: &Usages,
        people: &UserUsages,
        catalogue: &Catalogue,
    ) -> Option<Self> {
        let mut sums: BTreeMap<(String, String, bool), Rounded> = BTreeMap::new();
        let whole = usages
            .list()
            .iter()
            .map(|it| (it.resource, it.component.as_str(), false, it.amount.get(), it.unrounded.as_deref()));
        let of_users = people
            .list()
            .iter()
            .map(|it| (it.resource, it.component.as_str(), true, it.amount.get(), it.unrounded.as_deref()));
        for (resource, component, of_users, after, unrounded) in whole.chain(of_users) {
            let unit = unit(catalogue, resource, component);
            let key = (component.to_owned(), unit.to_owned(), of_users);
            let sum = sums
                .entry(key)
                .or_insert_with_key(|(component, unit, _)| Rounded::new(component, unit, of_users));
            sum.add(after, unrounded.copied());
        }
        Some(Self { rule: rule?, components: sums.into_values().collect() })
    }

    /// The same of lines that are compared.
    pub fn of_lines(rule: RoundingRule, lines: &[FileLine], catalogue: &Catalogue) -> Self {
        let mut sums: BTreeMap<(String, String), Rounded> = BTreeMap::new();
        for line in lines {
            let more = line.more.as_deref();
            let own = line.component.as_ref().map(ComponentType::as_str);
            let component = own.or_else(|| more?.component.as_deref()).unwrap_or_default();
            let of_server = line.resource.map(|resource| unit(catalogue, resource, component));
            let unit = more.and_then(|more| more.unit.as_deref()).or(of_server).unwrap_or_default();
            let key = (component.to_owned(), unit.to_owned());
            let sum = sums.entry(key);
            let sum = sum.or_insert_with_key(|(component, unit)| Rounded::new(component, unit, false));
            sum.add(line.amount, more.and_then(|more| more.unrounded.as_deref().copied()));
        }
        Self { rule, components: sums.into_values().collect() }
    }

    /// How many amounts were changed.
    pub fn amounts_rounded(&self) -> usize {
        self.components.iter().map(|component| component.amounts_rounded).sum()
    }
}

impl fmt::Display for Rounding {
    /// One line: the rule, and what it moved by component.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, {} amounts", self.rule, self.amounts_rounded())?;
        for sum in self.components.iter().filter(|sum| sum.amounts_rounded > 0) {
            let of_users = if sum.of_users { " of users" } else { "" };
            let (component, unit) = (visible(&sum.component), visible(&sum.unit));
            write!(
                formatter,
                "; {component}{of_users}: {} {unit} before, {} after ({})",
                sum.before, sum.after, sum.difference
            )?;
        }
        Ok(())
    }
}

fn unit<'a>(catalogue: &'a Catalogue, resource: ResourceId, component: &str) -> &'a str {
    let resource = catalogue.resource(resource);
    let offering = resource.and_then(|resource| catalogue.offering(resource.offering));
    let components = offering.into_iter().flat_map(|offering| &offering.components);
    let mut known = components.filter(|known| known.component_type.as_str() == component);
    known.next().map_or("", |known| &known.measured_unit)
}

impl Rounded {
    fn new(component: &str, unit: &str, of_users: bool) -> Self {
        Self {
            component: component.to_owned(),
            unit: unit.to_owned(),
            of_users,
            amounts: 0,
            amounts_rounded: 0,
            before: Unrounded::default(),
            after: Amount::ZERO,
            difference: Unrounded::default(),
        }
    }

    /// The range holds a hundred million rows of the largest amount that can be reported.
    fn add(&mut self, after: Amount, unrounded: Option<Unrounded>) {
        let before = unrounded.unwrap_or_else(|| after.into());
        self.amounts += 1;
        self.amounts_rounded += usize::from(unrounded.is_some());
        self.before = self.before.checked_add(before).unwrap_or(self.before);
        self.after = self.after.checked_add(after).unwrap_or(self.after);
        self.difference = Unrounded::from(self.after).checked_sub(self.before).unwrap_or_default();
    }
}
