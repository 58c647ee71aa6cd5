//! Rules at work: which one decides, and how often each was used.

use std::collections::HashMap;

use crate::domain::{Amount, BillingPeriod, Currency, ResourceId};
use crate::reconcile::class::Class;
use crate::reconcile::report::{Measured, RuleUse, Subject};
use crate::reconcile::rows::{at, number};

use super::{Converted, Rules, Tolerance};

/// The rules of a run.
#[derive(Debug)]
pub struct Applied<'r> {
    rules: &'r Rules,
    uses: Vec<RuleUse>,
    /// By subject, the rules that name its resource.
    by_subject: HashMap<u32, Vec<usize>>,
    /// The rules that name no resource.
    of_any: Vec<usize>,
}

/// The rule of the program itself, for components whose usage is not what is billed.
const NOT_BY_USAGE: &str = "not billed by usage";

impl<'r> Applied<'r> {
    /// The rules as they stand on a day.
    pub fn new(rules: &'r Rules, today: jiff::civil::Date) -> Self {
        Self { rules, uses: rules.uses(today), by_subject: HashMap::new(), of_any: Vec::new() }
    }

    /// Looks up what the rules name, once it is known what the lines speak of.
    pub fn settle(&mut self, subjects: &[Subject]) {
        let holds = |place: usize| self.holds(self.rules.tolerances.len().saturating_add(place));
        let (named, any): (Vec<usize>, Vec<usize>) = (0..self.rules.ignores.len())
            .filter(|place| holds(*place))
            .partition(|place| self.rules.ignores[*place].resource.is_some());
        self.of_any = any;
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_id: HashMap<ResourceId, Vec<usize>> = HashMap::new();
        for place in named {
            let resource = self.rules.ignores[place].resource.as_deref().unwrap_or_default();
            by_name.entry(resource).or_default().push(place);
            if let Ok(id) = resource.parse() {
                by_id.entry(id).or_default().push(place);
            }
        }
        if by_name.is_empty() {
            return;
        }
        for (subject, place) in subjects.iter().zip(0..) {
            let of_name = by_name.get(subject.resource.as_ref()).into_iter().flatten();
            let of_id = subject.resource_uuid.and_then(|id| by_id.get(&id)).into_iter().flatten();
            let own: Vec<usize> = of_name.chain(of_id).copied().collect();
            if !own.is_empty() {
                self.by_subject.insert(place, own);
            }
        }
    }

    fn holds(&self, rule: usize) -> bool {
        self.uses.get(rule).is_some_and(|rule| !rule.has_ended)
    }

    /// The tolerances that hold and are the most particular of those with limits of a kind.
    fn tolerances(
        &self,
        measured: &Measured,
        is_of_kind: impl Fn(&Tolerance) -> bool,
    ) -> Vec<(usize, &'r Tolerance)> {
        let all = self.rules.tolerances.iter().enumerate();
        let fits = |rule: &Tolerance| rule.fits(&measured.component, &measured.unit);
        let those: Vec<(usize, &Tolerance)> =
            all.filter(|(place, rule)| self.holds(*place) && is_of_kind(rule)).collect();
        let most = those.iter().filter_map(|(_, rule)| fits(rule)).max();
        those.into_iter().filter(|(_, rule)| most.is_some() && fits(rule) == most).collect()
    }

    /// The rule within which quantities differ.
    pub fn quantity(
        &self,
        measured: &Measured,
        difference: Amount,
        server: Amount,
        worth: Option<(Option<Currency>, Amount)>,
    ) -> Option<u32> {
        if self.rules.tolerances.is_empty() {
            return None;
        }
        let of_quantity = self.tolerances(measured, |rule| rule.limits.is_of_quantity());
        let of_money = self.tolerances(measured, |rule| !rule.limits.is_of_quantity());
        let mut all = of_quantity.into_iter().chain(of_money);
        let found = all.find(|(_, rule)| rule.limits.allow_quantity(difference, server, worth));
        found.map(|(place, _)| number(place))
    }

    /// The rule within which prices differ.
    pub fn money(&self, measured: &Measured, currency: Option<Currency>, difference: Amount) -> Option<u32> {
        if self.rules.tolerances.is_empty() {
            return None;
        }
        let of_money = self.tolerances(measured, |rule| rule.limits.money.is_some());
        let found = of_money.into_iter().find(|(_, rule)| rule.limits.allow_money(currency, difference));
        found.map(|(place, _)| number(place))
    }

    /// The rule that leaves a break alone.
    pub fn ignored(
        &self,
        class: Class,
        subject: u32,
        measured: &Measured,
        period: BillingPeriod,
    ) -> Option<u32> {
        let of_subject = self.by_subject.get(&subject).map_or(&[][..], Vec::as_slice);
        let fits = |place: &&usize| {
            let rule = &self.rules.ignores[**place];
            (rule.classes.is_empty() || rule.classes.contains(&class))
                && rule.component.as_ref().is_none_or(|own| **own == *measured.component)
                && rule.period.is_none_or(|own| own.contains(period))
        };
        let first = of_subject.iter().chain(&self.of_any).filter(fits).min();
        first.map(|place| number(self.rules.tolerances.len().saturating_add(*place)))
    }

    /// What a rule makes of an amount in a foreign unit, and which rule.
    pub fn convert(&self, from: &str, to: &str, amount: Amount) -> Option<(u32, Converted)> {
        let before = self.rules.tolerances.len().saturating_add(self.rules.ignores.len());
        let mut all = self.rules.units.iter().enumerate();
        let (place, rule) =
            all.find(|(place, rule)| rule.is_for(from, to) && self.holds(before.saturating_add(*place)))?;
        Some((number(before.saturating_add(place)), rule.convert(amount)))
    }

    /// The number of our own rule, where it was used.
    pub fn own_rule(&self) -> Option<u32> {
        let own = self.rules.each().count();
        let known = self.uses.iter().rposition(|rule| rule.name == NOT_BY_USAGE && rule.until.is_none());
        known.filter(|place| *place >= own).map(number)
    }

    /// What stands in place of a rule for components whose usage is not what is billed.
    pub fn not_by_usage(&mut self) -> u32 {
        self.own_rule().unwrap_or_else(|| {
            self.uses.push(RuleUse {
                name: NOT_BY_USAGE.into(),
                says: "components that are billed by limit or at a fixed price have no line of usage".into(),
                until: None,
                has_ended: false,
                lines: 0,
            });
            number(self.uses.len().saturating_sub(1))
        })
    }

    /// The name of a rule.
    pub fn name(&self, rule: u32) -> &str {
        self.uses.get(at(rule)).map_or("", |rule| &rule.name)
    }

    /// Counts a line that a rule was applied to.
    pub fn count(&mut self, rule: u32) {
        if let Some(rule) = self.uses.get_mut(at(rule)) {
            rule.lines = rule.lines.saturating_add(1);
        }
    }

    /// The rules and their uses, for the report.
    pub fn into_uses(self) -> Vec<RuleUse> {
        self.uses
    }
}
