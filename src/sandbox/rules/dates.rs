//! Who may report for another moment than now, and for which.
//!
//! Nobody reports the future. Staff reports any past. The provider's own people report within the
//! current month, and in a past one what is not billed by usage, or what can still be billed; people
//! of the offering alone may report, but never with a date.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::form::{Form, complaint};
use super::permissions::is_of_provider;
use super::{Caller, fields};
use crate::domain::{BillingPeriod, BillingType};
use crate::sandbox::behaviour::DateFrom;
use crate::sandbox::data::Data;

/// Reads the `date` of a form, where the server knows such a field.
pub(super) fn read(form: &mut Form, caller: Caller) -> Option<Timestamp> {
    let is_known = caller.behaviour.date != DateFrom::Nobody;
    if !is_known || form.is_null("date") {
        return None;
    }
    form.optional("date", |value| {
        let moment = fields::moment(value, &caller.behaviour.zone)?;
        if moment > caller.now {
            return Err(complaint("Cannot submit usage for future dates."));
        }
        Ok(moment)
    })
}

/// Checks the date of a report of several components.
pub(super) fn check_report(
    data: &Data,
    caller: Caller,
    resource: usize,
    components: &[usize],
    moment: Timestamp,
) -> Result<(), Json> {
    let is_open = || {
        let month = caller.behaviour.month_of(moment).ok();
        let customer = data.customer_of(&data.resources[resource]);
        caller.behaviour.date == DateFrom::ProviderWhileOpen
            && month.is_some_and(|month| data.invoice_is_open(customer, month))
    };
    let is_allowed = |component: &usize| {
        is_not_billed(data, caller, *component) || is_usage(data, *component) && is_open()
    };
    let offering = data.resources[resource].offering;
    check(data, caller, offering, moment, components.iter().all(is_allowed))
}

/// Checks the date of the part of a person; that an invoice is open does not help here.
pub(super) fn check_user_usage(
    data: &Data,
    caller: Caller,
    component: usize,
    moment: Timestamp,
) -> Result<(), Json> {
    let offering = data.components[component].offering;
    check(data, caller, offering, moment, is_not_billed(data, caller, component))
}

fn check(
    data: &Data,
    caller: Caller,
    offering: usize,
    moment: Timestamp,
    is_allowed_in_the_past: bool,
) -> Result<(), Json> {
    let refuse = |message: String| Err(json!({"date": [message]}));
    let user = &data.users[caller.user];
    if user.is_staff {
        return Ok(());
    }
    let is_provider = is_of_provider(data, user, offering);
    if caller.behaviour.date == DateFrom::Staff || !is_provider {
        let who = if is_provider { "staff users" } else { "staff users and service providers" };
        return refuse(format!("Only {who} can specify date for backfilling."));
    }
    if is_current_month(caller, moment) || is_allowed_in_the_past {
        return Ok(());
    }
    let message = "Service providers can only specify date for limit-based or prepaid billing components \
                   when backfilling past billing periods.";
    refuse(message.to_owned())
}

/// Whether a moment lies in the current month. The real server compares the month of the moment in
/// its own zone with the month of now in UTC, so for some hours around a month's turn they miss.
fn is_current_month(caller: Caller, moment: Timestamp) -> bool {
    let current = BillingPeriod::of(caller.now).ok();
    current.is_some() && caller.behaviour.month_of(moment).ok() == current
}

/// Whether usage of a component is shown and never billed.
fn is_not_billed(data: &Data, caller: Caller, component: usize) -> bool {
    match data.components[component].written.billing_type {
        BillingType::Limit => true,
        BillingType::OneTime => caller.behaviour.one_time_components,
        BillingType::Usage | BillingType::Fixed | BillingType::OnPlanSwitch | BillingType::Other(_) => false,
    }
}

fn is_usage(data: &Data, component: usize) -> bool {
    data.components[component].written.billing_type == BillingType::Usage
}
