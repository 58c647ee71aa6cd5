//! What explains a difference best: the order of the classes, written down once.
//!
//! A difference often fits several classes: sixty times as much is a wrong unit, and also just another
//! amount. [`explanations`] lists what is true of a key, the best explanation first; that one is its
//! primary class and the rest stands beside it.
//!
//! | order | class | why there |
//! |---|---|---|
//! | 1 | names that lead nowhere | what nobody can place cannot be set against anything |
//! | 2 | not reportable | the server could not have it, whatever the amount |
//! | 3 | duplicate in file | which of the rows is meant has to be known before amounts are compared |
//! | 4 | sign | below zero no other comparison means anything |
//! | 5 | carried over | the server says itself that nobody reported, so its amount explains nothing |
//! | 6 | wrong period | both sides have the amount: nothing is missing, it stands elsewhere |
//! | 7 | missing | one side has nothing, so there is nothing to compare |
//! | 8 | declared unit | the file says that its number is another thing, however near it is |
//! | 9 | several rows | the file has some of the server's rows to the last digit |
//! | 10 | within tolerance | a rule settles it before anything is guessed |
//! | 11 | ratio of units, exchanged digits | guesses, from the number alone; ratios are the rarer chance |
//! | 12 | amount | nothing explains it |

use std::sync::Arc;

use crate::domain::{Amount, RoundingRule, Unrounded};

use super::cells::Cell;
use super::class::Class;
use super::faults::Faults;
use super::ratio::{are_transposed, unit_ratio};
use super::rows::{FileRow, ServerRow};

/// What is true of a key, with a word on it.
pub type Explanation = (Class, Option<Arc<str>>);

/// Rows of which every choice is tried.
const MOST_CHOICES: usize = 10;
/// Rows that a note lists.
const MOST_LISTED: usize = 6;

/// What a key is judged by.
pub struct Facts<'f> {
    pub cell: &'f Cell,
    pub file: &'f [FileRow],
    pub server: &'f [ServerRow],
    pub faults: &'f Faults,
    /// Whether the server is a saved list, which knows no names but those of its rows.
    pub is_saved: bool,
    /// The rule within which the amounts differ.
    pub is_within: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "an explanation may go without a word")]
fn note(text: impl Into<Arc<str>>) -> Option<Arc<str>> {
    Some(text.into())
}

/// What is true of a key whose sides agree: the primary class first.
pub fn agreements(facts: &Facts<'_>) -> Vec<Explanation> {
    let Facts { cell, file, server, faults, .. } = facts;
    let mut list: Vec<Explanation> = Vec::new();
    let is_zero = cell.in_file.unwrap_or_default().is_zero();
    if let Some(unit) = faults.unit.as_ref().filter(|_| !is_zero) {
        // The same number of another unit is another amount.
        list.push((Class::WrongUnit, Some(unit.clone())));
    }
    if let Some((Class::AmbiguousName, why)) = faults.naming.as_ref().filter(|_| !is_zero) {
        // An amount that agrees does not tell whose it is.
        list.insert(0, (Class::AmbiguousName, Some(why.clone())));
    }
    let nothing = match (cell.in_file, cell.on_server) {
        (Some(_), None) => note("0 in the file, and nothing on the server"),
        (None, Some(_)) => note("nothing in the file, and 0 on the server"),
        _ if file.len() > 1 && server.len() > 1 => {
            note("both sides have several rows, which add up to the same")
        }
        _ if file.len() > 1 => note("the rows of the file add up to what the server has"),
        _ if server.len() > 1 => note("the rows of the server add up to what the file has"),
        _ => None,
    };
    list.push((Class::Match, nothing));
    if let Some((class, why)) = &faults.naming {
        list.push((*class, Some(why.clone())));
    }
    if let Some(why) = &faults.not_reportable {
        list.push((Class::NotReportable, Some(why.clone())));
    }
    if faults.is_double {
        list.push((Class::DuplicateInFile, None));
    }
    if cell.in_file.is_some_and(Amount::is_negative) {
        list.push((Class::Sign, None));
    }
    if cell.is_carried {
        list.push((Class::CarriedOver, None));
    }
    if server.len() > 1 {
        list.push((Class::SeveralRows, None));
    }
    list
}

/// What is true of a key whose sides differ, the best explanation first.
pub fn explanations(facts: &Facts<'_>) -> Vec<Explanation> {
    let Facts { cell, file, server, faults, is_saved, is_within } = facts;
    let (in_file, on_server) = (cell.in_file, cell.on_server);
    let mut list: Vec<Explanation> = Vec::new();
    match &faults.naming {
        Some((Class::AmbiguousName, why)) => list.push((Class::AmbiguousName, Some(why.clone()))),
        Some((Class::UnknownComponent, _)) if *is_saved && on_server.is_none() => {
            list.push((Class::MissingOnServer, note("the saved list has no such component")));
        }
        Some((_, _)) if *is_saved && on_server.is_none() => {
            list.push((Class::MissingOnServer, note("the saved list has no such resource")));
        }
        Some((class, why)) => list.push((*class, Some(why.clone()))),
        None => {}
    }
    let is_placed = list.is_empty();
    if let Some(why) = &faults.not_reportable {
        list.push((Class::NotReportable, Some(why.clone())));
    }
    if faults.is_double {
        list.push((Class::DuplicateInFile, note(doubles(file, on_server))));
    }
    if in_file.is_some() && (is_below(in_file) || is_below(on_server)) {
        list.push((Class::Sign, signs(in_file, on_server)));
    }
    if cell.is_carried {
        list.push((Class::CarriedOver, note("the month before has the same amount, and recurs")));
    }
    let (is_elsewhere, where_to) = other_month(cell);
    if is_elsewhere {
        list.push((Class::WrongPeriod, where_to.clone()));
    }
    if is_placed {
        match (in_file, on_server) {
            (Some(_), None) => list.push((Class::MissingOnServer, None)),
            (Some(_), Some(_)) if cell.is_filled => {
                list.push((Class::MissingOnServer, note("the server has 0 for want of a report")));
            }
            (None, Some(_)) => list.push((Class::MissingInFile, None)),
            _ => {}
        }
    }
    if is_below(on_server) && in_file.is_none() {
        list.push((Class::Sign, None));
    }
    if let Some(unit) = &faults.unit {
        list.push((Class::WrongUnit, Some(unit.clone())));
    }
    if let (Some(in_file), Some(server_has)) = (in_file, on_server) {
        let part = (server.len() > 1).then(|| part_of(in_file, server)).flatten();
        let has_part = part.is_some();
        if let Some(text) = part {
            list.push((Class::SeveralRows, note(text)));
        }
        if *is_within {
            list.push((Class::WithinTolerance, None));
        }
        if let Some(ratio) = unit_ratio(in_file, server_has) {
            let (one, other) = if ratio.first_is_larger { ("file", "server") } else { ("server", "file") };
            let text =
                format!("the {one} has {} times what the {other} has: {}?", ratio.times, ratio.meaning);
            list.push((Class::WrongUnit, note(text)));
        }
        if are_transposed(in_file, server_has) {
            list.push((Class::TransposedDigits, None));
        }
        list.push((Class::Amount, rounded(in_file, server_has)));
        if !has_part && server.len() > 1 {
            list.push((Class::SeveralRows, None));
        }
    }
    if !is_elsewhere && where_to.is_some() {
        list.push((Class::WrongPeriod, where_to));
    }
    list
}

fn is_below(amount: Option<Amount>) -> bool {
    amount.is_some_and(Amount::is_negative)
}

fn signs(in_file: Option<Amount>, on_server: Option<Amount>) -> Option<Arc<str>> {
    let sum = in_file.unwrap_or_default().checked_add(on_server.unwrap_or_default());
    match (sum, is_below(in_file), is_below(on_server)) {
        (Some(Amount::ZERO), ..) => note("the same amount with the opposite sign"),
        (_, true, true) => note("both sides are below zero"),
        (_, true, false) => note("the file is below zero"),
        _ => note("the server is below zero"),
    }
}

/// Whether all that the key has stands in another month, and a word on what does.
fn other_month(cell: &Cell) -> (bool, Option<Arc<str>>) {
    let has = |amount: Option<Amount>| amount.is_some_and(|amount| !amount.is_zero());
    let is_all = (!has(cell.in_file) || cell.file_is_at.is_some())
        && (!has(cell.on_server) || cell.server_is_at.is_some());
    match (cell.file_is_at, cell.server_is_at) {
        (Some(there), Some(here)) => (
            is_all,
            note(format!("the server has the file's amount in {there}, and the file the server's in {here}")),
        ),
        (Some(there), None) => (is_all, note(format!("the server has the amount in {there}"))),
        (None, Some(here)) => (is_all, note(format!("the file has the amount in {here}"))),
        (None, None) => (false, None),
    }
}

fn listed(amounts: impl Iterator<Item = Amount>) -> String {
    let all: Vec<String> = amounts.map(|amount| amount.to_string()).collect();
    let shown = all.iter().take(MOST_LISTED).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MOST_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What the rows of a double have, and whether the server has one of them.
fn doubles(rows: &[FileRow], on_server: Option<Amount>) -> String {
    if rows.len() < 2 {
        return "another row of the file speaks of the same".to_owned();
    }
    let shown = listed(rows.iter().map(|row| row.amount));
    let has_one = rows.iter().any(|row| Some(row.amount) == on_server);
    let end = if has_one { "; the server has one of them" } else { "" };
    format!("{} rows of the file: {shown}{end}", rows.len())
}

/// What some of the stored rows come to, where that is what the file has.
fn part_of(in_file: Amount, rows: &[ServerRow]) -> Option<String> {
    let amounts: Vec<Amount> = rows.iter().map(|row| row.amount).collect();
    let is_one = amounts.contains(&in_file);
    let is_part = is_one || has_choice(&amounts, in_file);
    is_part.then(|| {
        let which = if is_one { "one" } else { "some" };
        format!("the file has {which} of {} rows: {}", rows.len(), listed(amounts.into_iter()))
    })
}

/// Whether some of the amounts, neither none nor all, come to a sum.
fn has_choice(amounts: &[Amount], sum: Amount) -> bool {
    if amounts.len() > MOST_CHOICES {
        return false;
    }
    let all = 1_u32.checked_shl(u32::try_from(amounts.len()).unwrap_or(u32::MAX)).unwrap_or(1);
    (1..all.saturating_sub(1)).any(|choice| {
        let chosen = amounts.iter().zip(0_u32..).filter(|(_, place)| choice >> place & 1 == 1);
        Amount::total(chosen.map(|(amount, _)| *amount)) == Some(sum)
    })
}

/// A word on an amount that is the other one rounded.
fn rounded(in_file: Amount, on_server: Amount) -> Option<Arc<str>> {
    if in_file.has_cents_only() {
        return None;
    }
    let rules = [RoundingRule::HalfUp, RoundingRule::HalfEven, RoundingRule::Up, RoundingRule::Down];
    let is_rounded = rules.iter().any(|rule| Unrounded::from(in_file).to_cents(*rule) == Some(on_server));
    if is_rounded { note("the server has it rounded to two decimal places") } else { None }
}
