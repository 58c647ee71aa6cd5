//! The tables of the server, in memory, with the indexes that keep a large world fast.
//!
//! Rows refer to each other by position. While a sandbox runs, usages, the parts of people in them,
//! invoices with their items, the plan periods and `current_usages` of resources and the queue of
//! what is to be billed change; everything else stays as the world has it. No rule of the trade is in
//! here.

mod billing_queue;
mod invoice_lists;
mod invoices;
mod soundness;
mod tables;
mod usage_lists;
mod usages;
mod user_usages;

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

pub use invoices::InvoiceState;
pub use usages::StoredUsage;

pub(super) use billing_queue::{BillingQueue, MonthBounds};
pub(super) use invoice_lists::{ItemFilter, ItemOrder, ItemsSeen};
pub(super) use invoices::{Invoice, InvoiceTable, Item, Unit};
use tables::PlanPeriod;
pub(super) use tables::{Component, Offering, Resource, Scope, User};
pub(super) use usage_lists::{UsageFilter, UsageOrder};
pub(super) use usages::{Undo, UsageRow, UsageTable};
pub(super) use user_usages::{UserUsageRow, UserUsageTable};

use super::SandboxError;
use super::world::{self, Customer, OfferingUser, Project, UserUsageLimit, World};

/// Everything that is stored.
#[derive(Debug)]
pub(super) struct Data {
    /// The moment of the world, for what has no time of its own.
    pub opened: Timestamp,
    pub customers: Vec<Customer>,
    pub projects: Vec<Project>,
    /// The customer of each project.
    pub project_customers: Vec<usize>,
    pub users: Vec<User>,
    pub offerings: Vec<Offering>,
    /// The components of all offerings; a usage points in here.
    pub components: Vec<Component>,
    pub resources: Vec<Resource>,
    /// The resources as lists show them: oldest first.
    pub resources_by_age: Vec<usize>,
    pub offering_users: Vec<OfferingUser>,
    pub user_usage_limits: Vec<UserUsageLimit>,
    pub usages: UsageTable,
    pub user_usages: UserUsageTable,
    pub invoices: InvoiceTable,
    /// What is still to be billed.
    pub billing_queue: BillingQueue,
    /// The month in which the server was last looked at; `None` until it is opened.
    pub month: Option<MonthBounds>,
    /// The invoices of the world, until the books are opened.
    pub written_invoices: Vec<world::Invoice>,
    resource_by_uuid: HashMap<Uuid, usize>,
    /// The resource and the position in it of each plan period.
    plan_period_by_uuid: HashMap<Uuid, (usize, usize)>,
    user_by_token: HashMap<String, usize>,
    /// How many ids were made.
    made: u64,
}

/// What the ids that a sandbox makes are derived from.
const MADE: Uuid = Uuid::from_u128(0x7b0d_6f2e_52c1_4f0a_9d3e_8a61_c2f5_e704);

impl Data {
    /// Makes an id. The same posts on the same world make the same ids.
    pub(super) fn new_uuid(&mut self) -> Uuid {
        self.made += 1;
        Uuid::new_v5(&MADE, &self.made.to_be_bytes())
    }

    /// Turns a world into tables.
    pub(super) fn new(world: World) -> Result<Self, SandboxError> {
        soundness::check(&world)?;
        let mut builder = tables::Builder::new(&world);
        let project_customers: Vec<usize> = world
            .projects
            .iter()
            .map(|project| builder.customer(project.customer_uuid))
            .collect::<Result<_, _>>()?;
        let users: Vec<User> = world.users.into_iter().map(tables::user).collect();
        let offerings = world
            .offerings
            .into_iter()
            .map(|offering| builder.offering(offering))
            .collect::<Result<_, _>>()?;
        let resources: Vec<Resource> = world
            .resources
            .into_iter()
            .map(|resource| builder.resource(resource))
            .collect::<Result<_, _>>()?;
        world.offering_users.iter().try_for_each(|user| builder.is_offered(user.offering_uuid))?;
        let components = builder.into_components();
        let resource_by_uuid: HashMap<Uuid, usize> =
            resources.iter().enumerate().map(|(at, resource)| (resource.uuid, at)).collect();
        let plan_period_by_uuid = plan_periods(&resources);
        let mut usages = UsageTable::new(&components, &resources);
        for usage in world.usages {
            let row = tables::usage(usage, &resources, &components, &resource_by_uuid, &plan_period_by_uuid)?;
            if usages.find(row.uuid).is_some() {
                return Err(SandboxError::Repeated { thing: "usage", id: row.uuid.as_simple().to_string() });
            }
            usages.insert(row);
        }
        let mut resources_by_age: Vec<usize> = (0..resources.len()).collect();
        resources_by_age.sort_by_key(|&at| resources[at].created);
        let invoices = InvoiceTable::new(&resources, &project_customers, world.customers.len());
        Ok(Self {
            opened: world.now,
            customers: world.customers,
            projects: world.projects,
            project_customers,
            user_by_token: tokens(&users),
            users,
            offerings,
            components,
            resources,
            resources_by_age,
            offering_users: world.offering_users,
            user_usage_limits: world.user_usage_limits,
            usages,
            user_usages: UserUsageTable::default(),
            invoices,
            billing_queue: BillingQueue::default(),
            month: None,
            written_invoices: world.invoices,
            resource_by_uuid,
            plan_period_by_uuid,
            made: 0,
        })
    }

    /// How many ids were made.
    pub(super) fn ids_made(&self) -> u64 {
        self.made
    }

    /// Begins a request that may be taken back.
    pub(super) fn begin(&self) -> Undo {
        Undo::new(self.made)
    }

    /// Takes back what a failed request has changed.
    pub(super) fn roll_back(&mut self, mut undo: Undo) {
        self.made = undo.ids_made;
        self.billing_queue.forget_last(undo.queued);
        self.invoices.roll_back(std::mem::take(&mut undo.invoices));
        for &resource in &undo.begun {
            if let Some(period) = self.resources[resource].plan_periods.pop() {
                self.plan_period_by_uuid.remove(&period.uuid);
            }
        }
        self.usages.roll_back(undo);
    }

    /// Gives a resource a plan period that begins now, noting how to take it back.
    pub(super) fn begin_plan_period(
        &mut self,
        resource: usize,
        plan: usize,
        now: Timestamp,
        undo: &mut Undo,
    ) {
        let uuid = self.new_uuid();
        let periods = &mut self.resources[resource].plan_periods;
        self.plan_period_by_uuid.insert(uuid, (resource, periods.len()));
        periods.push(PlanPeriod { uuid, plan, start: Some(now), end: None });
        undo.begun.push(resource);
    }

    pub(super) fn resource(&self, uuid: Uuid) -> Option<usize> {
        self.resource_by_uuid.get(&uuid).copied()
    }

    /// The resource of a plan period, and which of its periods it is.
    pub(super) fn plan_period(&self, uuid: Uuid) -> Option<(usize, usize)> {
        self.plan_period_by_uuid.get(&uuid).copied()
    }

    pub(super) fn user_with_token(&self, token: &str) -> Option<usize> {
        self.user_by_token.get(token).copied()
    }

    pub(super) fn offering(&self, uuid: Uuid) -> Option<usize> {
        self.offerings.iter().position(|offering| offering.uuid == uuid)
    }

    /// The customer who uses a resource.
    pub(super) fn customer_of(&self, resource: &Resource) -> usize {
        self.project_customers[resource.project]
    }

    /// The component of an offering that has a type.
    pub(super) fn component(&self, offering: usize, component_type: &str) -> Option<usize> {
        let components = &self.offerings[offering].components;
        components.iter().copied().find(|&at| self.components[at].kind.as_str() == component_type)
    }
}

/// The accounts by their tokens; one without a token cannot be used.
fn tokens(users: &[User]) -> HashMap<String, usize> {
    let with_token = users.iter().enumerate().filter(|(_, user)| !user.token.is_empty());
    with_token.map(|(at, user)| (user.token.clone(), at)).collect()
}

fn plan_periods(resources: &[Resource]) -> HashMap<Uuid, (usize, usize)> {
    let mut found = HashMap::new();
    for (at, resource) in resources.iter().enumerate() {
        for (position, period) in resource.plan_periods.iter().enumerate() {
            found.insert(period.uuid, (at, position));
        }
    }
    found
}
