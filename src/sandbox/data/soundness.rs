//! Whether a written world is sound enough to be served: every id and every name stands for one
//! thing, and what is shown on a terminal is only text.
//!
//! What refers to nothing is found where the tables are made, and so is a usage whose id comes
//! twice: of those there may be millions, and their table knows its ids anyhow.

use std::collections::HashSet;
use std::hash::Hash;

use uuid::Uuid;

use crate::domain::is_invisible;
use crate::domain::visible;
use crate::sandbox::SandboxError;
use crate::sandbox::world::World;

/// Refuses a world in which something stands twice, or an account that cannot be shown.
pub(super) fn check(world: &World) -> Result<(), SandboxError> {
    let plan_periods = world.resources.iter().flat_map(|resource| &resource.plan_periods);
    let items = world.invoices.iter().filter_map(|invoice| invoice.items.as_ref()).flatten();
    unique_ids("customer", world.customers.iter().map(|customer| customer.uuid))?;
    unique_ids("project", world.projects.iter().map(|project| project.uuid))?;
    unique_ids("offering", world.offerings.iter().map(|offering| offering.uuid))?;
    unique_ids("resource", world.resources.iter().map(|resource| resource.uuid))?;
    unique_ids("plan period", plan_periods.map(|period| period.uuid))?;
    unique_ids("offering user", world.offering_users.iter().map(|user| user.uuid))?;
    unique_ids("invoice", world.invoices.iter().filter_map(|invoice| invoice.uuid))?;
    unique_ids("invoice item", items.map(|item| item.uuid))?;
    invoices(world)?;
    offerings(world)?;
    accounts(world)
}

/// A customer's month has one invoice.
fn invoices(world: &World) -> Result<(), SandboxError> {
    let months = world.invoices.iter().map(|invoice| (invoice.customer_uuid, invoice.billing_period));
    unique("invoice of", months, |(customer, month)| format!("{} and {month}", customer.as_simple()))
}

/// Within an offering a plan and a component type come once. Two offerings may share a plan: a child
/// offering borrows those of its parent.
fn offerings(world: &World) -> Result<(), SandboxError> {
    for offering in &world.offerings {
        unique_ids("plan", offering.plans.iter().map(|plan| plan.uuid))?;
        let types = offering.components.iter().map(|component| component.kind.as_str());
        unique("component", types, |name| format!("{} of {}", visible(name), offering.uuid.as_simple()))?;
    }
    Ok(())
}

/// Names and tokens are printed when the server is ready, and looked up with every request.
fn accounts(world: &World) -> Result<(), SandboxError> {
    let users = &world.users;
    unique_ids("user", users.iter().map(|user| user.uuid))?;
    unique("user", users.iter().map(|user| user.id), u32::to_string)?;
    unique("account", users.iter().map(|user| &user.username), |name| visible(name).to_string())?;
    // An account without a token cannot be used, and there may be several of them.
    let with_token = || users.iter().filter(|user| !user.token.is_empty());
    let mut tokens = HashSet::new();
    if let Some(user) = with_token().find(|user| !tokens.insert(&user.token)) {
        // The token itself is not shown: it may be one that opens something else too.
        return Err(unfit("account", &user.username, "has the token of another one"));
    }
    let of_users = users.iter().map(|user| (&user.username, &user.token));
    for (name, token) in of_users.chain(&world.tokens) {
        if !is_plain(name) {
            return Err(unfit("account", name, "has a blank or an invisible character in its name"));
        }
        if !is_plain(token) {
            return Err(unfit("account", name, "has a blank or an invisible character in its token"));
        }
    }
    Ok(())
}

fn is_plain(text: &str) -> bool {
    !text.chars().any(|character| character.is_whitespace() || is_invisible(character))
}

fn unique_ids(thing: &'static str, ids: impl Iterator<Item = Uuid>) -> Result<(), SandboxError> {
    unique(thing, ids, |id| id.as_simple().to_string())
}

fn unique<T: Hash + Eq + Copy>(
    thing: &'static str,
    all: impl Iterator<Item = T>,
    name: impl Fn(&T) -> String,
) -> Result<(), SandboxError> {
    let mut seen = HashSet::new();
    for one in all {
        if !seen.insert(one) {
            return Err(SandboxError::Repeated { thing, id: name(&one) });
        }
    }
    Ok(())
}

/// A thing that no server could have; its name is made fit to be printed.
pub(super) fn unfit(thing: &'static str, id: &str, why: impl Into<String>) -> SandboxError {
    SandboxError::Unfit { thing, id: visible(id).to_string(), why: why.into() }
}
