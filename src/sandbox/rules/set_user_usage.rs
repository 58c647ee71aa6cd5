//! Reporting the parts of people in a usage, one at a time or several at once.
//!
//! A user name is written once per usage. The sum of the parts is not held against the whole, but
//! newer servers take it for the whole where that is zero. Everything is checked before anything is
//! written, so a request is carried out wholly or not at all.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::form::{Complaint, Form, complaint};
use super::{Caller, Refusal, billing, dates, fields, may_report};
use crate::domain::{Amount, CarryOver};
use crate::sandbox::data::{Data, Undo, UsageRow, UserUsageRow};
use crate::sandbox::python::Value;

/// Characters of a user name.
const LONGEST_NAME: usize = 100;

/// The part of one person.
#[derive(Debug)]
struct Part {
    username: String,
    amount: Option<Amount>,
    /// The position of the offering user that was named.
    offering_user: Option<usize>,
    /// The moment that was named, where the server knows such a field.
    date: Option<Timestamp>,
}

/// Carries out a report about a person, or says why not.
pub(in crate::sandbox) fn set_user_usage(
    data: &mut Data,
    caller: Caller,
    usage: usize,
    body: &Value,
) -> Result<(), Refusal> {
    let part = read(data, caller, usage, body).map_err(Refusal::Invalid)?;
    store(data, caller, usage, vec![part])
}

/// Carries out a report about several people, or says why not.
pub(in crate::sandbox) fn set_user_usages(
    data: &mut Data,
    caller: Caller,
    usage: usize,
    body: &Value,
) -> Result<(), Refusal> {
    let mut form = Form::open(body).map_err(Refusal::Invalid)?;
    let parts = form.required("usages", |value| read_list(data, caller, usage, value));
    form.close().map_err(Refusal::Invalid)?;
    store(data, caller, usage, parts.unwrap_or_default())
}

fn read_list(data: &Data, caller: Caller, usage: usize, value: &Value) -> Result<Vec<Part>, Complaint> {
    let non_field = |message: String| json!({"non_field_errors": [message]});
    let Value::List(values) = value else {
        return Err(non_field(format!("Expected a list of items but got type \"{}\".", value.type_name())));
    };
    if values.is_empty() {
        return Err(non_field("This list may not be empty.".into()));
    }
    let read: Vec<_> = values.iter().map(|value| read(data, caller, usage, value)).collect();
    if read.iter().all(Result::is_ok) {
        return Ok(read.into_iter().flatten().collect());
    }
    Err(read.into_iter().map(|part| part.err().unwrap_or_else(|| json!({}))).collect())
}

fn read(data: &Data, caller: Caller, usage: usize, body: &Value) -> Result<Part, Json> {
    let mut form = Form::open(body)?;
    let username = form.required("username", read_name);
    let amount = form.optional("usage", fields::amount);
    let offering_user = if form.is_null("user") {
        None
    } else {
        form.optional("user", |value| read_offering_user(data, value))
    };
    let date = dates::read(&mut form, caller);
    form.close()?;
    if let Some(moment) = date {
        dates::check_user_usage(data, caller, data.usages.row(usage).component, moment)?;
    }
    check_limit(data, usage, offering_user, amount)?;
    Ok(Part { username: username.unwrap_or_default(), amount, offering_user, date })
}

/// Refuses a part that goes beyond the limit of its offering user. What is stored is counted, the
/// part that is about to be replaced among it.
fn check_limit(
    data: &Data,
    usage: usize,
    offering_user: Option<usize>,
    amount: Option<Amount>,
) -> Result<(), Json> {
    let (Some(user), Some(amount)) = (offering_user, amount) else { return Ok(()) };
    let row = data.usages.row(usage);
    let Some(limit) = data.user_usage_limit(row.resource, row.component, user) else { return Ok(()) };
    let stored = data.user_usages.of_usage(usage).filter(|part| part.offering_user == Some(user));
    let total = Amount::total(stored.map(|part| part.amount).chain([amount])).unwrap_or(amount);
    if total > limit {
        let message = format!("Usage limit exceeded. Total usage: {total}, limit: {limit}.");
        return Err(json!({"non_field_errors": [message]}));
    }
    Ok(())
}

fn store(data: &mut Data, caller: Caller, usage: usize, parts: Vec<Part>) -> Result<(), Refusal> {
    let offering = data.components[data.usages.row(usage).component].offering;
    if !may_report(data, &data.users[caller.user], offering) {
        return Err(Refusal::Forbidden);
    }
    // The form lets a part without a number pass; where the name is known, the update misses it.
    let is_known = |at: usize, part: &Part| {
        parts[..at].iter().any(|earlier| earlier.username == part.username)
            || data.user_usages.find(usage, &part.username).is_some()
    };
    if parts.iter().enumerate().any(|(at, part)| part.amount.is_none() && is_known(at, part)) {
        return Err(Refusal::Broken);
    }
    let mut undo = data.begin();
    let outcome = store_totals(data, caller, usage, &parts, &mut undo);
    match outcome {
        Ok(parents) => {
            // Nothing can fail any more.
            for (parent, part) in parents.into_iter().zip(parts) {
                write(data, caller, parent, part);
            }
            Ok(())
        }
        Err(refusal) => {
            data.roll_back(undo);
            Err(refusal)
        }
    }
}

/// Finds or makes the usage that each part belongs to, and fills those that are zero.
fn store_totals(
    data: &mut Data,
    caller: Caller,
    usage: usize,
    parts: &[Part],
    undo: &mut Undo,
) -> Result<Vec<usize>, Refusal> {
    let mut parents = Vec::new();
    for part in parts {
        parents.push(match part.date {
            None => usage,
            Some(moment) => parent_of_month(data, caller, usage, moment, undo).ok_or(Refusal::Broken)?,
        });
    }
    if caller.behaviour.users_fill_total {
        let different: BTreeSet<usize> = parents.iter().copied().collect();
        for parent in different {
            let own = parts.iter().zip(&parents).filter(|(_, own)| **own == parent).map(|(part, _)| part);
            fill_total(data, caller, parent, own, undo)?;
        }
    }
    Ok(parents)
}

/// The usage of the same resource and component in the month of a moment; where there is none, one
/// of zero is made, under no plan period.
fn parent_of_month(
    data: &mut Data,
    caller: Caller,
    usage: usize,
    moment: Timestamp,
    undo: &mut Undo,
) -> Option<usize> {
    let period = caller.behaviour.month_of(moment).ok()?;
    let UsageRow { resource, component, .. } = *data.usages.row(usage);
    let mut rows = data.usages.of_resource(resource);
    let found = rows.find(|(_, row)| row.component == component && row.period == period);
    if let Some((at, _)) = found {
        return Some(at);
    }
    drop(rows);
    let row = UsageRow {
        uuid: data.new_uuid(),
        resource,
        component,
        plan_period: None,
        period,
        amount: Amount::ZERO,
        date: moment,
        created: caller.now,
        description: "".into(),
        carry_over: CarryOver::None,
        modified_by: None,
    };
    Some(data.usages.create(row, undo))
}

fn write(data: &mut Data, caller: Caller, usage: usize, part: Part) {
    let amount = part.amount.unwrap_or_default();
    if let Some(at) = data.user_usages.find(usage, &part.username) {
        return data.user_usages.update(at, amount, caller.now);
    }
    let row = UserUsageRow {
        uuid: data.new_uuid(),
        usage,
        username: part.username,
        offering_user: part.offering_user,
        amount,
        created: caller.now,
        modified: caller.now,
    };
    data.user_usages.create(row);
}

/// Makes the sum of the parts the usage, where that is zero; it is billed like any other.
fn fill_total<'a>(
    data: &mut Data,
    caller: Caller,
    usage: usize,
    parts: impl Iterator<Item = &'a Part>,
    undo: &mut Undo,
) -> Result<(), Refusal> {
    let stored = data.user_usages.of_usage(usage).map(|part| (part.username.as_str(), part.amount));
    let mut amounts: BTreeMap<&str, Amount> = stored.collect();
    amounts.extend(parts.map(|part| (part.username.as_str(), part.amount.unwrap_or_default())));
    let total = Amount::total(amounts.into_values()).unwrap_or_default();
    if data.usages.row(usage).amount != Amount::ZERO || total <= Amount::ZERO {
        return Ok(());
    }
    data.usages.update(usage, undo, |row| row.amount = total);
    billing::follow(data, caller.behaviour, usage, Some(Amount::ZERO), caller.now, undo)
}

fn read_name(value: &Value) -> Result<String, Complaint> {
    let name = fields::text(value)?;
    if name.chars().count() > LONGEST_NAME {
        return Err(complaint(format!("Ensure this field has no more than {LONGEST_NAME} characters.")));
    }
    Ok(name)
}

/// Follows a link to an offering user; only the path of it matters.
fn read_offering_user(data: &Data, value: &Value) -> Result<usize, Complaint> {
    let Value::Text(link) = value else {
        return Err(complaint(format!(
            "Incorrect type. Expected URL string, received {}.",
            value.type_name()
        )));
    };
    let path = match link.text.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => &link.text,
    };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (Some(&"api"), true) = (parts.first(), path.ends_with('/')) else {
        return Err(complaint("Invalid hyperlink - No URL match."));
    };
    let ["api", "marketplace-offering-users", uuid] = parts[..] else {
        return Err(complaint("Invalid hyperlink - Incorrect URL match."));
    };
    let uuid = Uuid::try_parse(uuid).ok();
    let found = data.offering_users.iter().position(|offering_user| Some(offering_user.uuid) == uuid);
    found.ok_or_else(|| complaint("Invalid hyperlink - Object does not exist."))
}
