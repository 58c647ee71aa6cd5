//! Reporting the part of one person in a usage.
//!
//! A user name is written once per usage. The sum of the parts is not held against the whole.

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use super::form::{Complaint, Form, complaint};
use super::{Refusal, fields, may_report};
use crate::domain::Amount;
use crate::sandbox::data::{Data, UserUsageRow};
use crate::sandbox::python::Value;

/// Characters of a user name.
const LONGEST_NAME: usize = 100;

/// Carries out a report about a person, or says why not.
pub(in crate::sandbox) fn set_user_usage(
    data: &mut Data,
    user: usize,
    usage: usize,
    now: Timestamp,
    body: &Value,
) -> Result<(), Refusal> {
    let (username, amount, offering_user) = read(data, body).map_err(Refusal::Invalid)?;
    let offering = data.components[data.usages.row(usage).component].offering;
    if !may_report(data, &data.users[user], offering) {
        return Err(Refusal::Forbidden);
    }
    match (data.user_usages.find(usage, &username), amount) {
        (Some(at), Some(amount)) => data.user_usages.update(at, amount, now),
        // The form lets it pass, the update then misses its number.
        (Some(_), None) => return Err(Refusal::Broken),
        (None, amount) => {
            let row = UserUsageRow {
                uuid: data.new_uuid(),
                usage,
                username,
                offering_user,
                amount: amount.unwrap_or_default(),
                created: now,
                modified: now,
            };
            data.user_usages.create(row);
        }
    }
    Ok(())
}

type Report = (String, Option<Amount>, Option<usize>);

fn read(data: &Data, body: &Value) -> Result<Report, Json> {
    let mut form = Form::open(body)?;
    let username = form.required("username", read_name);
    let amount = form.optional("usage", fields::amount);
    let offering_user = if form.is_null("user") {
        None
    } else {
        form.optional("user", |value| read_offering_user(data, value))
    };
    form.close()?;
    Ok((username.unwrap_or_default(), amount, offering_user))
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
