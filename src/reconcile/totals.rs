//! What the lines come to: by class, by organisation, and in one sentence.
//!
//! Amounts of different currencies are never added together.

use crate::domain::{Amount, Currency};

use super::class::Class;
use super::proof::{Proof, ProofRow};
use super::report::{ClassTotal, Header, Line, Measured, More, OrganisationTotal, Subject, Trend, Verdict};
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

fn worth_of(line: &Line) -> Option<(Option<Currency>, Amount)> {
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

/// By organisation, in the order of their names.
pub fn organisations(lines: &[Line], subjects: &[Subject]) -> Vec<OrganisationTotal> {
    let mut totals: Vec<OrganisationTotal> = Vec::new();
    let mut number_of = Vec::with_capacity(subjects.len());
    let mut known = std::collections::BTreeMap::new();
    for subject in subjects {
        let place = *known.entry((&subject.organisation, subject.customer)).or_insert(totals.len());
        if place == totals.len() {
            totals.push(OrganisationTotal {
                name: subject.organisation.clone(),
                customer: subject.customer,
                keys: 0,
                breaks: 0,
                worth: Money::new(),
                stated: Money::new(),
                billed: None,
            });
        }
        number_of.push(place);
    }
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
        if let Some(stated) = &more.stated
            && let Some(price) = stated.price
        {
            add_money(&mut total.stated, stated.currency, price);
        }
        if let Some(billed) = &more.billed {
            add(total.billed.get_or_insert(Amount::ZERO), billed.price);
        }
    }
    totals.retain(|total| total.keys > 0);
    totals.sort_by(|one, other| (&one.name, one.customer).cmp(&(&other.name, other.customer)));
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

/// What comes of it all.
pub fn verdict(lines: &[Line], header: &Header, skipped: usize) -> Verdict {
    let breaks = || lines.iter().filter(|line| line.class.is_break());
    let mut at_stake = Money::new();
    for (currency, worth) in breaks().filter_map(worth_of) {
        add_money(&mut at_stake, currency, size(worth));
    }
    let mut verdict = Verdict {
        agrees: !lines.is_empty() && skipped == 0 && breaks().next().is_none(),
        keys: lines.len(),
        breaks: breaks().count(),
        at_stake,
        without_price: breaks().filter(|line| worth_of(line).is_none()).count(),
        sentence: String::new(),
    };
    verdict.sentence = sentence(&verdict, header, skipped);
    verdict
}

/// `Agrees`, or by how much it does not.
fn sentence(verdict: &Verdict, header: &Header, skipped: usize) -> String {
    let (keys, breaks) = (verdict.keys, verdict.breaks);
    let keys_of = |count: usize| format!("{} {}", grouped(count), if count == 1 { "key" } else { "keys" });
    let mut text = match (keys, breaks) {
        (0, _) => "Nothing was compared: neither side has a row in scope".to_owned(),
        (_, 0) if skipped == 0 => format!("Agrees in all of {}", keys_of(keys)),
        (_, 0) => format!("Agrees in {} and in part cannot be read", keys_of(keys)),
        _ if breaks.saturating_mul(2) > keys => {
            format!("Differs in {} of {}", grouped(breaks), keys_of(keys))
        }
        _ => format!("Agrees but for {} of {}", grouped(breaks), keys_of(keys)),
    };
    let stakes = verdict.at_stake.iter().filter(|(_, amount)| !amount.is_zero());
    let mut parts: Vec<String> = Vec::new();
    let money: Vec<String> = stakes
        .map(|(currency, amount)| match currency {
            Some(currency) => format!("{} {currency}", amount_grouped(*amount)),
            None => format!("{} in a currency that nobody tells", amount_grouped(*amount)),
        })
        .collect();
    if !money.is_empty() {
        parts.push(format!("{} at stake", money.join(" and ")));
    }
    if verdict.without_price > 0 {
        parts.push(format!("no price is known of {}", keys_of(verdict.without_price)));
    }
    if skipped > 0 {
        let rows = if skipped == 1 { "row" } else { "rows" };
        parts.push(format!("{} {rows} could not be read and were left out", grouped(skipped)));
    }
    let open: Vec<String> =
        header.months.iter().filter(|month| month.is_partial).map(|month| month.period.to_string()).collect();
    if !open.is_empty() {
        parts.push(format!("{} is not over", open.join(", ")));
    }
    for part in parts {
        text.push_str("; ");
        text.push_str(&part);
    }
    text
}

/// A count with its thousands apart: `1,204`.
fn grouped(count: usize) -> String {
    group(&count.to_string())
}

fn amount_grouped(amount: Amount) -> String {
    let text = amount.to_string();
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", group(whole)),
        None => text,
    }
}

fn group(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(place);
        if place > 0 && left.is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
