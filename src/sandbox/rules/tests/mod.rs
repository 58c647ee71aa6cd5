//! The rules of reporting, each on the built-in world.

mod dialects;
mod switches;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::{Caller, Refusal, set_usage, set_user_usage, set_user_usages};
use crate::domain::BillingPeriod;
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::data::{Data, UsageRow};
use crate::sandbox::python;
use crate::sandbox::world::World;

/// A built-in world of which reports are made.
struct Scene {
    data: Data,
    behaviour: Behaviour,
    now: Timestamp,
}

impl Scene {
    fn new(behaviour: Behaviour) -> Self {
        let world = World::built_in();
        Self { now: world.now, data: Data::new(world).unwrap(), behaviour }
    }

    fn resource(&self, name: &str) -> usize {
        self.data.resources.iter().position(|resource| resource.name == name).unwrap()
    }

    fn user(&self, name: &str) -> usize {
        self.data.users.iter().position(|known| known.username == name).unwrap()
    }

    fn report_as(&mut self, user: &str, body: &Json) -> Result<(), Refusal> {
        let caller = Caller { behaviour: &self.behaviour, user: self.user(user), now: self.now };
        set_usage(&mut self.data, caller, &value(body))
    }

    /// Reports a component of a resource for a moment.
    fn report_dated(&mut self, user: &str, name: &str, date: &str, types: &[&str]) -> Result<(), Refusal> {
        let resource = self.data.resources[self.resource(name)].uuid;
        let usages: Vec<Json> = types.iter().map(|it| json!({"type": it, "amount": "5"})).collect();
        self.report_as(user, &json!({"resource": resource, "date": date, "usages": usages}))
    }

    /// Reports the parts of people in the first usage of a resource, a component and a month.
    fn report_people(&mut self, user: &str, usage: usize, body: &Json) -> Result<(), Refusal> {
        let caller = Caller { behaviour: &self.behaviour, user: self.user(user), now: self.now };
        if body.get("usages").is_some() {
            set_user_usages(&mut self.data, caller, usage, &value(body))
        } else {
            set_user_usage(&mut self.data, caller, usage, &value(body))
        }
    }

    /// The position of the first usage of a resource, a component and a month.
    fn usage(&self, name: &str, component: &str, month: &str) -> usize {
        let period: BillingPeriod = month.parse().unwrap();
        let mut rows = self.data.usages.of_resource(self.resource(name));
        let is_it = |row: &UsageRow| {
            row.period == period && self.data.components[row.component].kind.as_str() == component
        };
        rows.find(|(_, row)| is_it(row)).map(|(at, _)| at).unwrap()
    }

    /// The parts of people in a usage: name and amount.
    fn people(&self, usage: usize) -> Vec<String> {
        let parts = self.data.user_usages.of_usage(usage);
        parts.map(|part| format!("{} {}", part.username, part.amount)).collect()
    }

    /// Reports as the provider's owner: the name of the resource, and its components.
    fn report(&mut self, name: &str, usages: &Json) -> Result<(), Refusal> {
        let resource = self.data.resources[self.resource(name)].uuid;
        self.report_as("owner", &json!({"resource": resource, "usages": usages}))
    }

    /// What is stored of a component in a month, row by row.
    fn stored(&self, name: &str, component: &str, month: &str) -> Vec<String> {
        let period: BillingPeriod = month.parse().unwrap();
        let rows = self.data.usages.of_resource(self.resource(name)).filter(|(_, row)| {
            row.period == period && self.data.components[row.component].kind.as_str() == component
        });
        rows.map(|(_, row)| format!("{} {}", row.amount, row.carry_over)).collect()
    }

    fn current_usages(&self, name: &str) -> String {
        let current = self.data.resources[self.resource(name)].current_usages.clone();
        Json::Object(current).to_string()
    }
}

fn value(body: &Json) -> python::Value {
    python::parse(body.to_string().as_bytes()).unwrap()
}

/// The body of a refusal as text.
fn complaint(outcome: &Result<(), Refusal>) -> String {
    match outcome {
        Err(Refusal::Invalid(body)) => body.to_string(),
        other => panic!("not a refusal with a body: {other:?}"),
    }
}
