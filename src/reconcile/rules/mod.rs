//! Rules that finance sets: what may differ, what is left alone, and what a foreign unit is.
//!
//! A rule file is TOML; see [`Rules::parse`]. Whatever a rule decides names the rule, and a rule whose
//! last day is over is not applied, and listed as ended.

mod applied;
mod ignore;
mod tolerance;
mod unit;
mod written;

use std::collections::BTreeSet;

use super::report::RuleUse;

pub use applied::Applied;
pub use ignore::Ignore;
pub use tolerance::{Limits, Tolerance, ToleranceError};
pub use unit::{Converted, UnitRule};
pub use written::RuleError;

/// All rules; none by default.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    tolerances: Vec<Tolerance>,
    ignores: Vec<Ignore>,
    units: Vec<UnitRule>,
    aliases: Option<String>,
}

/// What every rule has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its name.
    pub name: String,
    /// The last day on which it holds.
    pub until: Option<jiff::civil::Date>,
}

impl Rules {
    /// Reads a rule file.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        written::read(text)
    }

    /// What rules are for: their names, and the component and the resource that they name.
    pub fn speak_of(&self) -> impl Iterator<Item = (&str, Option<&str>, Option<&str>)> {
        let tolerances = self.tolerances.iter();
        let ignores = self.ignores.iter();
        let of_tolerances = tolerances.map(|own| (own.head.name.as_str(), own.component.as_deref(), None));
        let of_ignores =
            ignores.map(|own| (own.head.name.as_str(), own.component.as_deref(), own.resource.as_deref()));
        of_tolerances.chain(of_ignores)
    }

    /// Adds a tolerance that was given by itself, as on the command line.
    pub fn add_tolerance(&mut self, tolerance: Tolerance) {
        self.tolerances.push(tolerance);
    }

    /// The alias file that the rule file names, as it is written there; it is read from beside it.
    pub fn aliases(&self) -> Option<&str> {
        self.aliases.as_deref()
    }

    /// The name of every rule with what it says.
    #[cfg(test)]
    pub(super) fn says(&self) -> Vec<(String, String)> {
        self.each().map(|(head, says)| (head.name.clone(), says)).collect()
    }

    /// All rules in the order in which the report lists them.
    fn each(&self) -> impl Iterator<Item = (&Head, String)> {
        let tolerances = self.tolerances.iter().map(|rule| (&rule.head, rule.to_string()));
        let ignores = self.ignores.iter().map(|rule| (&rule.head, rule.to_string()));
        let units = self.units.iter().map(|rule| (&rule.head, rule.to_string()));
        tolerances.chain(ignores).chain(units)
    }

    /// The rules as they stand on a day, before any is used.
    fn uses(&self, today: jiff::civil::Date) -> Vec<RuleUse> {
        let each = self.each().map(|(head, says)| RuleUse {
            name: head.name.clone(),
            says,
            until: head.until,
            has_ended: head.until.is_some_and(|until| until < today),
            lines: 0,
        });
        each.collect()
    }

    /// The first name that two rules have.
    fn repeated_name(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let mut names = self.each().map(|(head, _)| head.name.clone());
        names.find(|name| !seen.insert(name.clone()))
    }
}

#[cfg(test)]
mod tests;
