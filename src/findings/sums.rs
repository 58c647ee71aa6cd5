//! What the amounts add up to that a finding is about, exactly and by component.
//!
//! A finding about many rows says how much usage is at stake. Components are named as the file names them,
//! because what they are is settled later; a file that names very many has the rest of them counted as one.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::domain::{Amount, visible};

/// How many components are told apart.
const MOST_NAMED: usize = 1000;

/// What stands for the components that are not told apart.
const OTHERS: &str = "all others";

/// How many of them are written out.
const SHOWN: usize = 8;

/// The sum of the amounts of one component or column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// The component or the column, as the file names it.
    pub component: Arc<str>,
    /// The unit, where the file names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Arc<str>>,
    /// What the amounts add up to.
    pub amount: Amount,
    /// How many amounts.
    pub amounts: usize,
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", visible(&self.component), self.amount)?;
        match &self.unit {
            Some(unit) => write!(formatter, " {}", visible(unit)),
            None => Ok(()),
        }
    }
}

/// Sums as they are added up.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    list: Vec<Sum>,
    /// The sums of each component, one for every unit.
    known: HashMap<Arc<str>, Vec<usize>>,
}

impl Sums {
    /// Adds an amount. One that would leave the range of amounts is not added, and not counted.
    pub fn add(&mut self, component: &str, unit: Option<&str>, amount: Amount) {
        let known = self.known.get(component).into_iter().flatten();
        let at = known.copied().find(|&at| self.list[at].unit.as_deref() == unit);
        let at = match at {
            Some(at) => at,
            None if self.list.len() < MOST_NAMED => self.begin(component, unit),
            None if component == OTHERS && unit.is_none() => self.begin(component, None),
            None => return self.add(OTHERS, None, amount),
        };
        let sum = &mut self.list[at];
        if let Some(more) = sum.amount.checked_add(amount) {
            sum.amount = more;
            sum.amounts += 1;
        }
    }

    fn begin(&mut self, component: &str, unit: Option<&str>) -> usize {
        let (component, at) = (Arc::<str>::from(component), self.list.len());
        self.known.entry(component.clone()).or_default().push(at);
        let (amount, amounts) = (Amount::ZERO, 0);
        self.list.push(Sum { component, unit: unit.map(Into::into), amount, amounts });
        at
    }

    /// Adds a sum of another list, whose component is not in this one.
    pub fn add_sum(&mut self, sum: Sum) {
        self.known.entry(sum.component.clone()).or_default().push(self.list.len());
        self.list.push(sum);
    }

    /// The sums in the order in which their components came.
    pub fn into_list(self) -> Vec<Sum> {
        self.list
    }
}

/// Sums for people, the first ones of many.
pub fn listed(sums: &[Sum]) -> String {
    let shown: Vec<String> = sums.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = sums.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_up_by_component_and_unit() {
        let amount = |text: &str| text.parse::<Amount>().unwrap();
        let mut sums = Sums::default();
        sums.add("cpu", None, amount("0.10"));
        sums.add("ram", Some("GB"), amount("7"));
        sums.add("cpu", None, amount("0.2000000001"));
        let list = sums.into_list();
        assert_eq!(listed(&list), "cpu 0.3000000001, ram 7.00 GB");
        assert_eq!(list[0].amounts, 2);
    }

    #[test]
    fn very_many_components_are_not_told_apart() {
        let mut sums = Sums::default();
        for number in 0..5_000 {
            sums.add(&format!("c{number}"), None, Amount::from(1));
        }
        let list = sums.into_list();
        assert_eq!(list.len(), 1001);
        assert_eq!(list[1000].to_string(), "all others 4000.00");
        assert!(listed(&list).ends_with("c7 1.00 and 993 more"));
    }
}
