//! The verdict: whether the sides agree, in one sentence that a director can read.

use crate::domain::Amount;

use super::class::Class;
use super::remarks::Weight;
use super::report::{Header, Line, Verdict};
use super::totals::{Money, add_money, size, worth_of};

/// How many remarks stand in the sentence; all of them stand below it.
const MOST_REMARKS: usize = 3;

/// What comes of it all.
pub fn verdict(lines: &[Line], header: &Header, skipped: usize) -> Verdict {
    // Breaks stand first, and are few among millions.
    let breaks = || lines.iter().take_while(|line| line.class.is_break());
    let mut at_stake = Money::new();
    for (currency, worth) in breaks().filter_map(worth_of) {
        add_money(&mut at_stake, currency, size(worth));
    }
    let mut verdict = Verdict {
        agrees: !lines.is_empty()
            && skipped == 0
            && breaks().next().is_none()
            && header.remarks.iter().all(|remark| remark.weight != Weight::Against),
        keys: lines.len(),
        breaks: breaks().count(),
        at_stake,
        without_price: breaks().filter(|line| worth_of(line).is_none()).count(),
        sentence: String::new(),
    };
    let others = lines.iter().take_while(|line| line.class != Class::Match);
    let ignored = others.filter(|line| line.class == Class::Ignored).count();
    verdict.sentence = sentence(&verdict, header, skipped, ignored);
    verdict
}

/// `Agrees`, or by how much it does not.
fn sentence(verdict: &Verdict, header: &Header, skipped: usize, ignored: usize) -> String {
    let (keys, breaks) = (verdict.keys, verdict.breaks);
    let keys_of = |count: usize| format!("{} {}", grouped(count), if count == 1 { "key" } else { "keys" });
    let told = || header.remarks.iter().filter(|remark| remark.weight != Weight::Note);
    let compared = keys.saturating_sub(ignored);
    let mut text = match (keys, breaks) {
        (0, _) => "Nothing was compared: neither side has a row in scope".to_owned(),
        (_, 0) if skipped > 0 => format!("Agrees in {} and in part cannot be read", keys_of(keys)),
        (_, 0) if !verdict.agrees => format!("Agrees in {} and not as a whole", keys_of(keys)),
        (_, 0) if told().next().is_some() => format!("Agrees in {} that were compared", keys_of(compared)),
        (_, 0) => format!("Agrees in all of {}", keys_of(keys)),
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
        let rows =
            if skipped == 1 { "row could not be read and was" } else { "rows could not be read and were" };
        parts.push(format!("{} {rows} left out", grouped(skipped)));
    }
    parts.extend(told().take(MOST_REMARKS).map(|remark| remark.text.clone()));
    let further = told().count().saturating_sub(MOST_REMARKS);
    if further > 0 {
        let remarks = if further == 1 { "remark" } else { "remarks" };
        parts.push(format!("and {} further {remarks}", grouped(further)));
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
