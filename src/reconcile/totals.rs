//! What the lines come to: by class, by organisation, and by component.
//!
//! Amounts of different currencies are never added together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::{Amount, BillingPeriod, Currency};

use super::class::Class;
use super::judge::StatedSums;
use super::proof::{Proof, ProofRow};
use super::report::{ClassTotal, Line, Measured, More, OrganisationTotal, Subject, Trend};
use super::rows::at;

/// Sums of money, by currency.
pub type Money = Vec<(Option<Currency>, Amount)>;

/// Adds money to that of its currency. What leaves the range is not added: the sum is then wrong and
/// the proof does not hold, which is told.
pub fn add_money(money: &mut Money, currency: Option<Currency>, amount: Amount) {
    match money.binary_search_by_key(&currency, |(known, _)| *known) {
        Ok(known) => add(&mut money[known].1, amount),
        Err(place) => money.insert(place, (currency, amount)),
    }
}

/// Adds an amount; see [`add_money`].
pub fn add(sum: &mut Amount, amount: Amount) {
    *sum = sum.checked_add(amount).unwrap_or(*sum);
}

/// An amount without its sign.
pub fn size(amount: Amount) -> Amount {
    if amount.is_negative() { Amount::ZERO.checked_sub(amount).unwrap_or(amount) } else { amount }
}

/// What a component has on each side, added up from the rows as they were read.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsRead {
    pub file: Amount,
    pub server: Amount,
    pub billed: Amount,
    pub last_month: Amount,
}

impl AsRead {
    /// Adds what was read elsewhere.
    pub fn take_in(&mut self, other: &Self) {
        add(&mut self.file, other.file);
        add(&mut self.server, other.server);
        add(&mut self.billed, other.billed);
        add(&mut self.last_month, other.last_month);
    }
}

/// What the difference of a line is worth.
pub fn worth_of(line: &Line) -> Option<(Option<Currency>, Amount)> {
    line.more.as_deref().and_then(|more: &More| more.worth)
}

/// By class; only classes that occur.
pub fn classes(lines: &[Line]) -> Vec<ClassTotal> {
    let mut totals: Vec<ClassTotal> =
        Class::ALL.iter().map(|class| ClassTotal { class: *class, keys: 0, worth: Money::new() }).collect();
    for line in lines {
        let Some(total) = totals.iter_mut().find(|total| total.class == line.class) else { continue };
        total.keys += 1;
        if let Some((currency, worth)) = worth_of(line) {
            add_money(&mut total.worth, currency, worth);
        }
    }
    totals.retain(|total| total.keys > 0);
    totals
}

/// What one side has of a line less what the other has, from the line alone.
pub fn difference(line: &Line, has_file: bool) -> Amount {
    let one = if has_file {
        line.file
    } else {
        line.more.as_deref().and_then(|more| more.billed.as_ref()).map(|billed| billed.quantity)
    };
    let server = line.server.unwrap_or_default();
    one.unwrap_or_default().checked_sub(server).unwrap_or_default()
}

/// The proof: totals from the rows as read, differences from the lines as classed.
pub fn proof(lines: &[Line], components: &[Measured], read: &[AsRead], has_file: bool) -> Proof {
    let mut by_class = vec![vec![None::<Amount>; Class::ALL.len()]; components.len()];
    for line in lines {
        let class = Class::ALL.iter().position(|class| *class == line.class);
        let slot = class.and_then(|class| by_class.get_mut(at(line.component))?.get_mut(class));
        if let Some(slot) = slot {
            add(slot.get_or_insert(Amount::ZERO), difference(line, has_file));
        }
    }
    let rows = components.iter().zip(by_class).zip(read).map(|((measured, by_class), read)| ProofRow {
        measured: measured.clone(),
        file: if has_file { read.file } else { read.billed },
        server: read.server,
        classes: Class::ALL
            .iter()
            .zip(by_class)
            .filter_map(|(class, amount)| Some((*class, amount?)))
            .collect(),
    });
    Proof { rows: rows.collect() }
}

/// The organisations of subjects, in the order of their names, and whose each subject is.
pub fn organisations_of(subjects: &[Subject]) -> (Vec<OrganisationTotal>, Vec<usize>) {
    let own = |subject: &Subject| (subject.organisation.clone(), subject.customer);
    let names: BTreeSet<_> = subjects.iter().map(own).collect();
    let numbers: BTreeMap<_, usize> = names.iter().zip(0..).collect();
    let number_of = subjects.iter().map(|subject| numbers[&own(subject)]).collect();
    let totals = names.iter().map(|(name, customer)| OrganisationTotal {
        name: name.clone(),
        customer: *customer,
        keys: 0,
        breaks: 0,
        worth: Money::new(),
        stated: Money::new(),
        billed: None,
    });
    (totals.collect(), number_of)
}

/// By organisation; only those that have a line.
pub fn organisations(
    lines: &[Line],
    (mut totals, number_of): (Vec<OrganisationTotal>, &[usize]),
    stated: &HashMap<(usize, BillingPeriod), StatedSums>,
) -> Vec<OrganisationTotal> {
    for line in lines {
        let Some(total) = number_of.get(at(line.subject)).and_then(|place| totals.get_mut(*place)) else {
            continue;
        };
        total.keys += 1;
        total.breaks += usize::from(line.class.is_break());
        let Some(more) = line.more.as_deref() else { continue };
        if let Some((currency, worth)) = more.worth {
            add_money(&mut total.worth, currency, worth);
        }
        if let Some(billed) = &more.billed {
            add(total.billed.get_or_insert(Amount::ZERO), billed.price);
        }
    }
    for ((organisation, _), sums) in stated {
        let Some(total) = totals.get_mut(*organisation) else { continue };
        for (currency, price) in &sums.price {
            add_money(&mut total.stated, *currency, *price);
        }
        if !sums.otherwise.is_zero() {
            add(total.billed.get_or_insert(Amount::ZERO), sums.otherwise);
        }
    }
    totals.retain(|total| total.keys > 0);
    totals
}

/// By component, over time and sides.
pub fn trend(components: &[Measured], read: &[AsRead], has_file: bool, was_read: bool) -> Vec<Trend> {
    let each = components.iter().zip(read).map(|(measured, read)| Trend {
        measured: measured.clone(),
        last_month: was_read.then_some(read.last_month),
        server: read.server,
        file: has_file.then_some(read.file),
    });
    each.collect()
}
