//! Which usage each line of an invoice bills.
//!
//! A line names resource and component, and so does a usage; there is one of each in most months. Where a
//! plan was switched there are several, and nothing tells which line is of which usage. As many lines as
//! usages go together in the order of their quantities; otherwise the usages are added up and split over
//! the lines by quantity. Either way each usage is told once, to the last digit. A line that gives money back is of
//! no usage, and one that bills an earlier month beside lines of this one is of its own quantity.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::domain::{Amount, apportion};

use super::directory::Directory;
use super::error::FocusError;
use super::lines::Line;
use super::rows::Rows;

/// A usage.
#[derive(Debug, Clone)]
pub(super) struct Usage<'a> {
    pub(super) uuid: Cow<'a, str>,
    pub(super) resource: Cow<'a, str>,
    pub(super) component: Cow<'a, str>,
    pub(super) amount: Amount,
    pub(super) policy: Option<Cow<'a, str>>,
}

/// What a line bills.
#[derive(Debug, Clone, Default)]
pub(super) struct Consumed<'a> {
    pub(super) amount: Amount,
    /// The usages that it is of, or is a share of; none where the line stands alone.
    pub(super) usages: Vec<Cow<'a, str>>,
    /// Their policy, where they have one in common.
    pub(super) policy: Option<Cow<'a, str>>,
}

/// The usages of a month.
pub(super) fn usages<'a>(rows: &Rows<'a>) -> Vec<Usage<'a>> {
    let read = |row| {
        Some(Usage {
            uuid: rows.text(row, "uuid")?,
            resource: rows.text(row, "resource_uuid")?,
            component: rows.text(row, "component_type")?,
            amount: rows.amount(row, "usage").unwrap_or_default(),
            policy: rows.text(row, "missing_usage_policy"),
        })
    };
    (0..rows.count()).filter_map(read).collect()
}

/// Whether a line bills what was used: its component is billed by usage, or nobody knows how it is billed
/// while the line counts a quantity of which there is a usage.
pub(super) fn bills_usage(
    line: &Line,
    directory: &Directory,
    has_usage: impl Fn(&str, &str) -> bool,
) -> bool {
    let (Some(resource), Some(component)) = (line.resource.as_deref(), line.component.as_deref()) else {
        return false;
    };
    if line.is_credit() {
        return false;
    }
    let known = line.offering.as_deref().and_then(|offering| directory.component(offering, component));
    match known.and_then(|known| known.billing_type.as_deref()) {
        Some(billing_type) => billing_type == "usage",
        None => line.unit.as_deref() == Some(super::lines::QUANTITY) && has_usage(resource, component),
    }
}

/// Whatever was used and billed, by the position of its line; and the usages of which there is no line.
pub(super) fn matched<'a>(
    usages: Vec<Usage<'a>>,
    lines: &[Line<'a>],
    (directory, month): (&Directory<'a>, Timestamp),
) -> Result<(HashMap<usize, Consumed<'a>>, Vec<Usage<'a>>), FocusError> {
    // The usages of a resource and component, and the positions of its lines.
    type Both<'u> = (Vec<Usage<'u>>, Vec<usize>);
    let mut by_key: BTreeMap<(Cow<str>, Cow<str>), Both> = BTreeMap::new();
    for usage in usages {
        by_key.entry((usage.resource.clone(), usage.component.clone())).or_default().0.push(usage);
    }
    for (at, line) in lines.iter().enumerate() {
        let has_usage = |resource: &str, component: &str| {
            by_key.contains_key(&(Cow::Owned(resource.to_owned()), Cow::Owned(component.to_owned())))
        };
        if !bills_usage(line, directory, has_usage) {
            continue;
        }
        let (Some(resource), Some(component)) = (line.resource.clone(), line.component.clone()) else {
            continue;
        };
        by_key.entry((resource, component)).or_default().1.push(at);
    }
    let (mut consumed, mut alone) = (HashMap::new(), Vec::new());
    for ((resource, component), (mut usages, mut own)) in by_key {
        if own.is_empty() {
            alone.extend(usages);
            continue;
        }
        let is_earlier = |at: &usize| lines[*at].end.is_some_and(|end| end <= month);
        if !own.iter().all(is_earlier) {
            let earlier = own.extract_if(.., |at| is_earlier(at));
            let of_line = |at: usize| (at, Consumed { amount: lines[at].quantity, ..Consumed::default() });
            consumed.extend(earlier.map(of_line));
        }
        usages.sort_by(|left, right| (left.amount, &left.uuid).cmp(&(right.amount, &right.uuid)));
        own.sort_by_key(|&at| (lines[at].quantity, lines[at].uuid.clone()));
        if usages.is_empty() {
            // The line is all that is left of what was used.
            let of_line = |at: usize| (at, Consumed { amount: lines[at].quantity, ..Consumed::default() });
            consumed.extend(own.into_iter().map(of_line));
        } else if usages.len() == own.len() {
            let pairs = own.into_iter().zip(usages);
            consumed
                .extend(pairs.map(|(at, usage)| (at, all_of(std::slice::from_ref(&usage), usage.amount))));
        } else {
            let too_large = || FocusError::TooLarge(format!("usages of {component} of {resource}"));
            let total = Amount::total(usages.iter().map(|usage| usage.amount)).ok_or_else(too_large)?;
            let weights: Vec<Amount> = own.iter().map(|&at| lines[at].quantity).collect();
            let shares = apportion(total, &weights).ok_or_else(too_large)?;
            consumed.extend(own.into_iter().zip(shares).map(|(at, share)| (at, all_of(&usages, share))));
        }
    }
    Ok((consumed, alone))
}

fn all_of<'a>(usages: &[Usage<'a>], amount: Amount) -> Consumed<'a> {
    let policy = usages.first().and_then(|usage| usage.policy.clone());
    let is_common = usages.iter().all(|usage| usage.policy == policy);
    Consumed {
        amount,
        usages: usages.iter().map(|usage| usage.uuid.clone()).collect(),
        policy: policy.filter(|_| is_common),
    }
}
