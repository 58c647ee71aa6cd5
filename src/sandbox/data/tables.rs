//! The rows of the tables that stay as they are, and how they are made from a written world.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::UsageRow;
use super::soundness::unfit;
use crate::domain::{CarryOver, ComponentType, ResourceState};
use crate::sandbox::SandboxError;
use crate::sandbox::world;

/// What a role is held on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) enum Scope {
    Customer(Uuid),
    Project(Uuid),
    Offering(Uuid),
}

#[derive(Debug)]
pub(in crate::sandbox) struct User {
    pub id: u32,
    pub uuid: Uuid,
    pub username: String,
    pub email: String,
    pub first_name: String,
    pub last_name: String,
    pub is_staff: bool,
    pub is_support: bool,
    pub token: String,
    pub token_expired: bool,
    pub roles: Vec<(String, Scope)>,
}

#[derive(Debug)]
pub(in crate::sandbox) struct Component {
    pub written: world::Component,
    pub kind: ComponentType,
    /// The place of the type among all types of the deployment, in alphabetical order.
    pub type_rank: usize,
    pub offering: usize,
}

#[derive(Debug)]
pub(in crate::sandbox) struct Offering {
    pub uuid: Uuid,
    pub written: world::Offering,
    pub customer: usize,
    /// In alphabetical order of their types, as the API shows them.
    pub components: Vec<usize>,
}

#[derive(Debug)]
pub(in crate::sandbox) struct Resource {
    pub uuid: Uuid,
    pub name: String,
    pub slug: String,
    pub backend_id: String,
    pub effective_id: String,
    pub state: ResourceState,
    pub offering: usize,
    /// The position of the plan in its offering.
    pub plan: Option<usize>,
    pub project: usize,
    pub limits: Map<String, Value>,
    pub current_usages: Map<String, Value>,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub plan_periods: Vec<PlanPeriod>,
}

#[derive(Debug)]
pub(in crate::sandbox) struct PlanPeriod {
    pub uuid: Uuid,
    /// The position of the plan in the offering.
    pub plan: usize,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
}

impl PlanPeriod {
    /// Whether a moment lies in the period.
    pub(in crate::sandbox) fn contains(&self, moment: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= moment) && self.end.is_none_or(|end| end >= moment)
    }
}

/// Turns what is written into rows that refer to each other.
pub(super) struct Builder {
    customers: HashMap<Uuid, usize>,
    projects: HashMap<Uuid, usize>,
    offerings: HashMap<Uuid, usize>,
    /// The position of a plan in its offering; two offerings may share one.
    plans: HashMap<(usize, Uuid), usize>,
    type_ranks: BTreeMap<ComponentType, usize>,
    components: Vec<Component>,
}

impl Builder {
    pub(super) fn new(world: &world::World) -> Self {
        let mut plans = HashMap::new();
        let mut type_ranks = BTreeMap::new();
        for (at, offering) in world.offerings.iter().enumerate() {
            for (position, plan) in offering.plans.iter().enumerate() {
                plans.insert((at, plan.uuid), position);
            }
            for component in &offering.components {
                type_ranks.insert(component.kind.clone(), 0);
            }
        }
        for (rank, stored) in type_ranks.values_mut().enumerate() {
            *stored = rank;
        }
        Self {
            customers: positions(world.customers.iter().map(|customer| customer.uuid)),
            projects: positions(world.projects.iter().map(|project| project.uuid)),
            offerings: positions(world.offerings.iter().map(|offering| offering.uuid)),
            plans,
            type_ranks,
            components: Vec::new(),
        }
    }

    pub(super) fn customer(&self, uuid: Uuid) -> Result<usize, SandboxError> {
        find(&self.customers, "customer", uuid)
    }

    /// Refuses an offering that the world does not have.
    pub(super) fn is_offered(&self, uuid: Uuid) -> Result<(), SandboxError> {
        find(&self.offerings, "offering", uuid).map(|_| ())
    }

    pub(super) fn offering(&mut self, mut written: world::Offering) -> Result<Offering, SandboxError> {
        let customer = self.customer(written.customer_uuid)?;
        let offering = find(&self.offerings, "offering", written.uuid)?;
        let first = self.components.len();
        written.components.sort_by(|left, right| left.kind.cmp(&right.kind));
        for component in std::mem::take(&mut written.components) {
            self.components.push(Component {
                kind: component.kind.clone(),
                type_rank: self.type_ranks.get(&component.kind).copied().unwrap_or_default(),
                offering,
                written: component,
            });
        }
        let components = (first..self.components.len()).collect();
        Ok(Offering { uuid: written.uuid, written, customer, components })
    }

    pub(super) fn resource(&self, written: world::Resource) -> Result<Resource, SandboxError> {
        let offering = find(&self.offerings, "offering", written.offering_uuid)?;
        let plan = |plan: Uuid| self.plan_of(offering, plan, written.uuid);
        let plan_periods = written.plan_periods.iter().map(|period| {
            Ok(PlanPeriod {
                uuid: period.uuid,
                plan: plan(period.plan_uuid)?,
                start: period.start,
                end: period.end,
            })
        });
        Ok(Resource {
            plan_periods: plan_periods.collect::<Result<_, SandboxError>>()?,
            uuid: written.uuid,
            offering,
            plan: written.plan_uuid.map(plan).transpose()?,
            project: find(&self.projects, "project", written.project_uuid)?,
            name: written.name,
            slug: written.slug,
            backend_id: written.backend_id,
            effective_id: written.effective_id,
            state: written.state,
            limits: written.limits,
            current_usages: written.current_usages,
            created: written.created,
            modified: written.created,
        })
    }

    /// The position of a resource's plan in its offering; a plan of another offering has other prices.
    fn plan_of(&self, offering: usize, plan: Uuid, resource: Uuid) -> Result<usize, SandboxError> {
        if let Some(&position) = self.plans.get(&(offering, plan)) {
            return Ok(position);
        }
        let plan_id = plan.as_simple().to_string();
        if self.plans.keys().any(|&(_, known)| known == plan) {
            let why = format!("has a plan of another offering, {plan_id}");
            Err(unfit("resource", &resource.as_simple().to_string(), why))
        } else {
            Err(SandboxError::Missing { thing: "plan", uuid: plan_id })
        }
    }

    pub(super) fn into_components(self) -> Vec<Component> {
        self.components
    }
}

/// Turns a written account into a row; roles on things that are not known are dropped.
pub(super) fn user(written: world::User) -> User {
    let roles = written.roles.into_iter().filter_map(|role| {
        let scope = match role.scope_type.as_str() {
            "customer" => Scope::Customer(role.scope_uuid),
            "project" => Scope::Project(role.scope_uuid),
            "offering" => Scope::Offering(role.scope_uuid),
            _ => return None,
        };
        Some((role.name, scope))
    });
    User {
        id: written.id,
        uuid: written.uuid,
        username: written.username,
        email: written.email,
        first_name: written.first_name,
        last_name: written.last_name,
        is_staff: written.is_staff,
        is_support: written.is_support,
        token: written.token,
        token_expired: written.token_expired,
        roles: roles.collect(),
    }
}

/// Turns a written usage into a row.
pub(super) fn usage(
    written: world::Usage,
    resources: &[Resource],
    components: &[Component],
    resource_by_uuid: &HashMap<Uuid, usize>,
    plan_period_by_uuid: &HashMap<Uuid, (usize, usize)>,
) -> Result<UsageRow, SandboxError> {
    let resource = find(resource_by_uuid, "resource", written.resource_uuid)?;
    let offering = resources[resource].offering;
    let has_type =
        |component: &Component| component.offering == offering && component.kind == written.component_type;
    let component = components.iter().position(has_type).ok_or_else(|| SandboxError::Missing {
        thing: "component",
        uuid: written.component_type.to_string(),
    })?;
    let unfit_because = |why: &str| unfit("usage", &written.uuid.as_simple().to_string(), why);
    let period = written.plan_period_uuid.map(|uuid| find(plan_period_by_uuid, "plan period", uuid));
    let period = period.transpose()?;
    if period.is_some_and(|(of, _)| of != resource) {
        return Err(unfit_because("has a plan period of another resource"));
    }
    // The real table has two decimals, so no server could have such a row.
    if !written.amount.has_cents_only() {
        return Err(unfit_because("has an amount with more than two decimals"));
    }
    let carry_over = CarryOver::from_recurring(written.recurring);
    let policy = written.missing_usage_policy.unwrap_or(carry_over);
    if written.recurring && policy != carry_over {
        return Err(unfit_because("recurs, and has another missing_usage_policy than reuse"));
    }
    Ok(UsageRow {
        uuid: written.uuid,
        resource,
        component,
        plan_period: period.map(|(_, position)| position),
        period: written.billing_period,
        amount: written.amount,
        date: written.date,
        created: written.created,
        description: written.description.into(),
        carry_over: policy,
        modified_by: written.modified_by,
    })
}

fn positions(uuids: impl Iterator<Item = Uuid>) -> HashMap<Uuid, usize> {
    uuids.enumerate().map(|(at, uuid)| (uuid, at)).collect()
}

fn find<T: Copy>(known: &HashMap<Uuid, T>, thing: &'static str, uuid: Uuid) -> Result<T, SandboxError> {
    known
        .get(&uuid)
        .copied()
        .ok_or_else(|| SandboxError::Missing { thing, uuid: uuid.as_simple().to_string() })
}
