//! A world that is a copy of a server.
//!
//! What comes in has no place for a person, an e-mail address, a token or the description of a usage,
//! so none can end in the file. Names become pseudonyms here, at the only door. Ids, units, component
//! types, prices and amounts stay; the accounts are invented.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::copied_invoices;
use super::pseudonyms::{Names, Pseudonyms};
use super::world::{
    Component, Customer, Offering, Plan, PlanPeriod, Project, Resource, Role, Usage, User, World,
};
use crate::domain::{
    Amount, BillingPeriod, BillingType, CarryOver, ComponentType, CustomerId, OfferingId, PlanId,
    PlanPeriodId, ProjectId, ResourceId, ResourceState, UsageId,
};

const NAMESPACE: Uuid = Uuid::from_u128(0x6fd2_0b1e_94c7_4a37_b05d_2c8e_e1f5_4d90);
/// The id of the invented account that is said to have reported.
const REPORTER: u32 = 2;
/// Usages are dated within this time before the end of their month, or before now.
const SPREAD: u64 = 60 * 60 * 1_000_000;

/// An offering of the server.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the API, and are named as they are there")]
pub struct CopiedOffering {
    pub id: OfferingId,
    pub name: String,
    pub slug: String,
    pub kind: String,
    pub state: String,
    pub billable: bool,
    pub shared: bool,
    pub provider: CustomerId,
    pub provider_name: String,
    pub components: Vec<CopiedComponent>,
    pub plans: Vec<CopiedPlan>,
}

/// A component of an offering.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the API, and are named as they are there")]
pub struct CopiedComponent {
    pub uuid: Option<Uuid>,
    pub component_type: ComponentType,
    pub name: String,
    pub measured_unit: String,
    pub billing_type: BillingType,
    pub limit_period: Option<String>,
    pub limit_amount: Option<u32>,
    pub article_code: String,
    pub is_boolean: bool,
}

/// A plan of an offering.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the API, and are named as they are there")]
pub struct CopiedPlan {
    pub id: PlanId,
    pub name: String,
    pub unit: String,
    pub unit_price: Amount,
    pub prices: BTreeMap<ComponentType, Amount>,
    pub amounts: BTreeMap<ComponentType, u32>,
}

/// A resource of the server, with the names of where it belongs.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the API, and are named as they are there")]
pub struct CopiedResource {
    pub id: ResourceId,
    pub name: String,
    pub slug: String,
    pub backend_id: String,
    pub state: ResourceState,
    pub offering: OfferingId,
    pub plan: Option<PlanId>,
    pub project: ProjectId,
    pub project_name: String,
    pub customer: CustomerId,
    pub customer_name: String,
    pub created: Option<Timestamp>,
    pub limits: Map<String, Value>,
    pub current_usages: Map<String, Value>,
    /// `None` where they were not read: one open period of the current plan is assumed.
    pub plan_periods: Option<Vec<CopiedPlanPeriod>>,
}

/// A plan period of a resource.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the API, and are named as they are there")]
pub struct CopiedPlanPeriod {
    pub id: PlanPeriodId,
    pub plan: PlanId,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
}

/// A usage of a resource; its description stays behind.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the API, and are named as they are there")]
pub struct CopiedUsage {
    pub id: UsageId,
    pub resource: ResourceId,
    pub component: ComponentType,
    pub amount: Amount,
    pub period: BillingPeriod,
    pub carry_over: CarryOver,
    /// Where it is known; otherwise the period of that month is taken.
    pub plan_period: Option<PlanPeriodId>,
}

/// A copy that is being made.
#[derive(Debug)]
pub struct CopiedWorld {
    names: Pseudonyms,
    world: World,
    customers: BTreeSet<Uuid>,
    projects: BTreeSet<Uuid>,
    resources: HashMap<Uuid, usize>,
}

impl CopiedWorld {
    /// A copy without anything yet, of a server at a moment of its own clock.
    pub fn new(server: &str, now: Timestamp, names: Names) -> Self {
        let world = World {
            // A clock that is told by a header knows no parts of a second.
            now: Timestamp::from_second(now.as_second()).unwrap_or(now),
            tokens: BTreeMap::new(),
            customers: Vec::new(),
            projects: Vec::new(),
            users: Vec::new(),
            offerings: Vec::new(),
            resources: Vec::new(),
            usages: Vec::new(),
            offering_users: Vec::new(),
            user_usage_limits: Vec::new(),
            invoices: Vec::new(),
        };
        Self {
            names: Pseudonyms::new(server, names),
            world,
            customers: BTreeSet::new(),
            projects: BTreeSet::new(),
            resources: HashMap::new(),
        }
    }

    /// Takes an offering in.
    pub fn add_offering(&mut self, copied: CopiedOffering) {
        self.add_customer(copied.provider, &copied.provider_name, true);
        let id = copied.id.uuid();
        let components = copied.components.into_iter().map(|component| self.component(id, component));
        let components = components.collect();
        let plans = copied.plans.into_iter().map(|plan| Plan {
            uuid: plan.id.uuid(),
            name: self.names.name("plan", &plan.name),
            unit: plan.unit,
            unit_price: plan.unit_price,
            prices: plan.prices,
            amounts: plan.amounts,
        });
        let plans = plans.collect();
        self.world.offerings.push(Offering {
            uuid: id,
            name: self.names.name("offering", &copied.name),
            slug: self.names.name("slug", &copied.slug),
            kind: copied.kind,
            state: copied.state,
            billable: copied.billable,
            shared: copied.shared,
            customer_uuid: copied.provider.uuid(),
            category_title: String::new(),
            category_uuid: None,
            components,
            plans,
        });
    }

    fn component(&self, offering: Uuid, copied: CopiedComponent) -> Component {
        let component_type = copied.component_type.as_str();
        Component {
            uuid: copied.uuid.unwrap_or_else(|| Uuid::new_v5(&offering, component_type.as_bytes())),
            name: self.names.text(&copied.name, component_type),
            measured_unit: copied.measured_unit,
            billing_type: copied.billing_type,
            limit_period: copied.limit_period,
            limit_amount: copied.limit_amount,
            min_value: None,
            max_value: None,
            article_code: self.names.text(&copied.article_code, ""),
            is_boolean: copied.is_boolean,
            kind: copied.component_type,
        }
    }

    /// Takes a resource in, with its project and its organisation. Its offering has to be there.
    pub fn add_resource(&mut self, copied: CopiedResource) {
        self.add_customer(copied.customer, &copied.customer_name, false);
        let project = copied.project.uuid();
        if self.projects.insert(project) {
            self.world.projects.push(Project {
                uuid: project,
                name: self.names.name("project", &copied.project_name),
                slug: String::new(),
                customer_uuid: copied.customer.uuid(),
            });
        }
        let plan_periods = plan_periods(&copied);
        let used = copied.plan.iter().map(|plan| plan.uuid());
        let used: Vec<Uuid> = used.chain(plan_periods.iter().map(|period| period.plan_uuid)).collect();
        let types = self.complete_offering(copied.offering.uuid(), &used);
        self.resources.insert(copied.id.uuid(), self.world.resources.len());
        self.world.resources.push(Resource {
            uuid: copied.id.uuid(),
            name: self.names.name("resource", &copied.name),
            slug: self.names.name("slug", &copied.slug),
            backend_id: self.names.name("backend", &copied.backend_id),
            effective_id: String::new(),
            state: copied.state,
            offering_uuid: copied.offering.uuid(),
            plan_uuid: copied.plan.map(PlanId::uuid),
            project_uuid: project,
            limits: numbers(copied.limits, &types),
            current_usages: numbers(copied.current_usages, &types),
            created: copied.created.unwrap_or(self.world.now),
            plan_periods,
        });
    }

    fn add_customer(&mut self, id: CustomerId, name: &str, is_provider: bool) {
        if self.customers.insert(id.uuid()) {
            self.world.customers.push(Customer {
                uuid: id.uuid(),
                name: self.names.name("organisation", name),
                abbreviation: String::new(),
                slug: String::new(),
                email: String::new(),
                is_service_provider: is_provider,
                tax_percent: Amount::ZERO,
            });
        }
    }

    /// Adds the plans that are used and that the server does not show with the offering: as another
    /// offering has them, from which a child borrows, or without prices. Returns the component types
    /// of the offering.
    fn complete_offering(&mut self, id: Uuid, used: &[Uuid]) -> BTreeSet<String> {
        let offerings = &mut self.world.offerings;
        let Some(at) = offerings.iter().position(|offering| offering.uuid == id) else {
            return BTreeSet::new();
        };
        for &plan in used {
            if offerings[at].plans.iter().all(|known| known.uuid != plan) {
                let mut elsewhere = offerings.iter().flat_map(|offering| &offering.plans);
                let lent = elsewhere.find(|known| known.uuid == plan).cloned();
                offerings[at].plans.push(lent.unwrap_or_else(|| unseen_plan(plan)));
            }
        }
        let offering = &offerings[at];
        offering.components.iter().map(|component| component.kind.as_str().to_owned()).collect()
    }

    /// Takes a usage in; false where its resource or component is not in the copy.
    pub fn add_usage(&mut self, copied: CopiedUsage) -> bool {
        let Some(&at) = self.resources.get(&copied.resource.uuid()) else { return false };
        let resource = &self.world.resources[at];
        let offering = self.world.offerings.iter().find(|offering| offering.uuid == resource.offering_uuid);
        let is_known = |component: &Component| component.kind == copied.component;
        if !offering.is_some_and(|offering| offering.components.iter().any(is_known)) {
            return false;
        }
        let of_month = |period: &&PlanPeriod| {
            period.start.is_none_or(|start| start < copied.period.end())
                && period.end.is_none_or(|end| end > copied.period.start())
        };
        let known = copied.plan_period.map(PlanPeriodId::uuid);
        let plan_period =
            known.or_else(|| resource.plan_periods.iter().rfind(of_month).map(|period| period.uuid));
        let date = self.reported_at(copied.id, copied.period);
        self.world.usages.push(Usage {
            uuid: copied.id.uuid(),
            resource_uuid: copied.resource.uuid(),
            component_type: copied.component,
            amount: copied.amount,
            billing_period: copied.period,
            date,
            created: date,
            plan_period_uuid: plan_period,
            description: String::new(),
            recurring: copied.carry_over == CarryOver::Reuse,
            missing_usage_policy: Some(copied.carry_over).filter(|&policy| policy == CarryOver::Zero),
            modified_by: Some(REPORTER),
        });
        true
    }

    /// A moment at the end of the month, or of what has passed of it: the real one is not read.
    fn reported_at(&self, id: UsageId, period: BillingPeriod) -> Timestamp {
        let (_, low) = id.uuid().as_u64_pair();
        let before = SignedDuration::from_micros(i64::try_from(1 + low % SPREAD).unwrap_or_default());
        let end = period.end().min(self.world.now);
        end.checked_sub(before).unwrap_or(end).max(period.start())
    }

    /// The world, with an invoice for everybody who has a resource and each of the copied months, and
    /// with accounts to rehearse with: staff, the owner of the providers, and a manager of the
    /// offerings. The last month is the running one.
    pub fn finish(mut self, months: &[BillingPeriod]) -> World {
        self.world.invoices = copied_invoices::invoices(&self.world, months);
        let scopes = |role: &str, scope_type: &str, ids: Vec<Uuid>| -> Vec<Role> {
            let scope = |scope_uuid| Role { name: role.into(), scope_type: scope_type.into(), scope_uuid };
            ids.into_iter().map(scope).collect()
        };
        let offerings = &self.world.offerings;
        let providers: BTreeSet<Uuid> = offerings.iter().map(|offering| offering.customer_uuid).collect();
        let offerings = offerings.iter().map(|offering| offering.uuid).collect();
        let owner = scopes("CUSTOMER.OWNER", "customer", providers.into_iter().collect());
        let manager = scopes("OFFERING.MANAGER", "offering", offerings);
        self.world.users = vec![
            self.user(1, "staff", Vec::new()),
            self.user(REPORTER, "owner", owner),
            self.user(3, "manager", manager),
        ];
        let tokens = self.world.users.iter().map(|user| (user.username.clone(), user.token.clone()));
        self.world.tokens = tokens.collect();
        self.world
    }

    fn user(&self, id: u32, username: &str, roles: Vec<Role>) -> User {
        let told = format!("{username} at {}", self.world.now);
        User {
            id,
            username: username.into(),
            uuid: Uuid::new_v5(&NAMESPACE, self.names.digest("user", username).as_bytes()),
            email: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            is_staff: username == "staff",
            is_support: false,
            token: self.names.digest("token", &told)[..40].to_owned(),
            token_expired: false,
            roles,
        }
    }
}

/// A plan of which nothing is known but its id.
fn unseen_plan(id: Uuid) -> Plan {
    Plan {
        uuid: id,
        name: "a plan that is not shown".into(),
        unit: "month".into(),
        unit_price: Amount::ZERO,
        prices: BTreeMap::new(),
        amounts: BTreeMap::new(),
    }
}

/// The plan periods as they were read, or the one that is assumed.
fn plan_periods(copied: &CopiedResource) -> Vec<PlanPeriod> {
    if let Some(read) = &copied.plan_periods {
        let periods = read.iter().map(|period| PlanPeriod {
            uuid: period.id.uuid(),
            plan_uuid: period.plan.uuid(),
            start: period.start,
            end: period.end,
        });
        return periods.collect();
    }
    // What is still being made has none on a real server either.
    let plan = copied.plan.filter(|_| copied.state != ResourceState::Creating);
    let assumed = plan.map(|plan| PlanPeriod {
        uuid: Uuid::new_v5(&NAMESPACE, copied.id.uuid().as_bytes()),
        plan_uuid: plan.uuid(),
        start: copied.created,
        end: None,
    });
    assumed.into_iter().collect()
}

/// The entries that are numbers of a component; nothing else has a place in a copy.
fn numbers(map: Map<String, Value>, types: &BTreeSet<String>) -> Map<String, Value> {
    let is_number = |value: &Value| serde_json::from_value::<Amount>(value.clone()).is_ok();
    map.into_iter().filter(|(name, value)| types.contains(name) && is_number(value)).collect()
}
