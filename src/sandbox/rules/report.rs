//! Reading what a report says: the form, the objects it names, and whether they take usage at all.
//!
//! The order of the checks is the real server's: the fields, the objects they name, the resource,
//! the components, the date.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::form::{Complaint, Form, complaint};
use super::{Caller, dates, fields};
use crate::domain::{Amount, BillingType, CarryOver};
use crate::sandbox::behaviour::{Behaviour, CarryOverField};
use crate::sandbox::data::Data;
use crate::sandbox::python::Value;

/// One component of a report.
#[derive(Debug)]
pub(super) struct Item {
    pub component_type: String,
    pub amount: Amount,
    pub description: String,
    pub carry_over: CarryOver,
}

/// A report whose form is right.
#[derive(Debug)]
pub(super) struct Report {
    pub resource: usize,
    pub plan_period: Option<usize>,
    pub moment: Timestamp,
    pub items: Vec<Item>,
}

impl Report {
    /// Reads a report, or says everything that is wrong with it.
    pub(super) fn read(data: &Data, caller: Caller, body: &Value) -> Result<Self, Json> {
        let behaviour = caller.behaviour;
        let mut form = Form::open(body)?;
        let items = form.required("usages", |value| read_items(behaviour, value));
        let plan_period = form.optional("plan_period", |value| read_plan_period(data, caller, value));
        let resource = form.optional("resource", |value| fields::object(value, |uuid| data.resource(uuid)));
        let date = dates::read(&mut form, caller);
        form.close()?;
        let (resource, plan_period) = match (plan_period, resource) {
            // Whether the two belong together is not looked at; the plan period wins.
            (Some((resource, position)), _) => (resource, Some(position)),
            (None, Some(resource)) => (resource, None),
            (None, None) => {
                return Err(non_field("Either plan_period or resource should be provided."));
            }
        };
        let items = items.unwrap_or_default();
        let components = check_resource(data, behaviour, resource, &items)?;
        if let Some(moment) = date {
            dates::check_report(data, caller, resource, &components, moment)?;
        }
        Ok(Self { resource, plan_period, moment: date.unwrap_or(caller.now), items })
    }
}

fn non_field(message: impl Into<String>) -> Json {
    json!({"non_field_errors": [message.into()]})
}

fn read_items(behaviour: &Behaviour, value: &Value) -> Result<Vec<Item>, Complaint> {
    let Value::List(values) = value else {
        return Err(non_field(format!("Expected a list of items but got type \"{}\".", value.type_name())));
    };
    let (mut items, mut errors, mut faulty) = (Vec::new(), Vec::new(), false);
    for value in values {
        match read_item(behaviour, value) {
            Ok(item) => {
                items.push(item);
                errors.push(json!({}));
            }
            Err(error) => {
                faulty = true;
                errors.push(error);
            }
        }
    }
    if faulty { Err(Json::Array(errors)) } else { Ok(items) }
}

fn read_item(behaviour: &Behaviour, value: &Value) -> Result<Item, Json> {
    let mut form = Form::open(value)?;
    let component_type = form.required("type", fields::text);
    let amount = form.required("amount", fields::amount);
    let description = form.optional("description", fields::blank_text);
    let recurring = form.optional("recurring", fields::boolean);
    let policy = match behaviour.carry_over {
        CarryOverField::Recurring => None,
        CarryOverField::Policy => form.optional("missing_usage_policy", fields::carry_over),
    };
    let carry_over = match (recurring, policy) {
        (Some(true), Some(CarryOver::None | CarryOver::Zero)) => {
            form.complain("recurring", complaint("Contradicts missing_usage_policy."));
            CarryOver::None
        }
        (_, Some(policy)) => policy,
        (recurring, None) => CarryOver::from_recurring(recurring.unwrap_or(false)),
    };
    form.close()?;
    Ok(Item {
        component_type: component_type.unwrap_or_default(),
        amount: amount.unwrap_or_default(),
        description: description.unwrap_or_default(),
        carry_over,
    })
}

fn read_plan_period(data: &Data, caller: Caller, value: &Value) -> Result<(usize, usize), Complaint> {
    let (resource, position) = fields::object(value, |uuid| data.plan_period(uuid))?;
    let ended = data.resources[resource].plan_periods[position].end;
    let month = caller.behaviour.month_of(caller.now);
    let start = month.map_or(Timestamp::MIN, |month| caller.behaviour.start_of(month));
    if ended.is_some_and(|end| end < start) {
        return Err(complaint("Billing period is closed."));
    }
    Ok((resource, position))
}

/// Checks that the resource and every component take usage; tells the components.
fn check_resource(
    data: &Data,
    behaviour: &Behaviour,
    resource: usize,
    items: &[Item],
) -> Result<Vec<usize>, Json> {
    let resource = &data.resources[resource];
    if !resource.state.takes_usage() {
        return Err(json!({"resource": ["Resource is not in valid state."]}));
    }
    if behaviour.plan_required && resource.plan.is_none() {
        return Err(json!({"resource": ["Resource must have a plan to report usage."]}));
    }
    let component = |item: &Item| {
        let component = data.component(resource.offering, &item.component_type)?;
        takes_usage(data, behaviour, component).then_some(component)
    };
    let components: Vec<Option<usize>> = items.iter().map(component).collect();
    let pairs = items.iter().zip(&components);
    let mut invalid: Vec<&str> = pairs
        .filter(|(_, component)| component.is_none())
        .map(|(item, _)| item.component_type.as_str())
        .collect();
    if invalid.is_empty() {
        return Ok(components.into_iter().flatten().collect());
    }
    invalid.sort_unstable();
    invalid.dedup();
    Err(non_field(format!("These components are invalid: {}.", invalid.join(", "))))
}

/// Whether usage of a component may be reported at all.
pub(in crate::sandbox) fn takes_usage(data: &Data, behaviour: &Behaviour, component: usize) -> bool {
    match data.components[component].written.billing_type {
        BillingType::Usage | BillingType::Limit => true,
        BillingType::OneTime => behaviour.one_time_components,
        BillingType::Fixed | BillingType::OnPlanSwitch | BillingType::Other(_) => false,
    }
}
