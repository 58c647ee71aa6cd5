//! One snapshot of what the server knows: offerings, components, resources, plan periods.
//!
//! The type stands here because resolving is what it is for; `waldur` fills it. Nothing in it is
//! looked up again during a run, so all rows are judged against the same state.

use std::collections::{HashMap, HashSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{
    Amount, BillingPeriod, BillingType, ComponentType, CustomerId, OfferingId, PlanId, PlanPeriodId,
    ProjectId, ResourceId, ResourceState, UsageId, visible,
};
use crate::mapping::Field;
use crate::parse::ResourceName;

use super::offering_names::OfferingNames;

/// What can be metered in an offering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The internal name.
    pub component_type: ComponentType,
    /// The display name.
    pub name: String,
    /// The unit that it is measured in.
    pub measured_unit: String,
    /// How it is billed.
    pub billing_type: BillingType,
    /// Whether an amount limit is set, which an older server may refuse reports over.
    pub has_limit: bool,
    /// The limit and the time within which it counts, where both are known.
    pub limit: Option<(Amount, LimitPeriod)>,
}

/// The time within which a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitPeriod {
    /// The month of the report.
    Month,
    /// Its quarter.
    Quarter,
    /// Its calendar year.
    Year,
    /// For ever.
    Total,
}

impl LimitPeriod {
    /// Reads it as the API spells it.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "month" => Some(Self::Month),
            "quarterly" => Some(Self::Quarter),
            "annual" => Some(Self::Year),
            "total" => Some(Self::Total),
            _ => None,
        }
    }
}

impl fmt::Display for LimitPeriod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Month => "the month",
            Self::Quarter => "the quarter",
            Self::Year => "the year",
            Self::Total => "all time",
        })
    }
}

impl Component {
    /// Whether usage of it may be reported on every server version.
    pub fn is_reportable(&self) -> bool {
        match self.billing_type {
            BillingType::Usage | BillingType::Limit => true,
            BillingType::Fixed | BillingType::OneTime | BillingType::OnPlanSwitch | BillingType::Other(_) => {
                false
            }
        }
    }
}

/// A service with its components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// Its id.
    pub id: OfferingId,
    /// Its display name.
    pub name: String,
    /// The organisation that provides it.
    pub customer: Option<CustomerId>,
    /// What can be metered in it.
    pub components: Vec<Component>,
    /// What a unit of a component costs under each of its plans.
    pub prices: HashMap<(PlanId, ComponentType), Amount>,
}

impl Offering {
    /// The component of a type.
    pub fn component(&self, component_type: &ComponentType) -> Option<&Component> {
        self.components.iter().find(|component| component.component_type == *component_type)
    }

    /// What a unit of a component costs under a plan.
    pub fn price(&self, plan: PlanId, component_type: &ComponentType) -> Option<Amount> {
        self.prices.get(&(plan, component_type.clone())).copied()
    }
}

/// What a customer has of an offering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its id.
    pub id: ResourceId,
    /// Its display name; not unique.
    pub name: String,
    /// Its short name.
    pub slug: String,
    /// Its id in the provider's own system; may be empty.
    pub backend_id: String,
    /// Its state.
    pub state: ResourceState,
    /// The offering that it is of.
    pub offering: OfferingId,
    /// When it was made, where the server tells.
    pub created: Option<Timestamp>,
    /// Its plan, where it has one.
    pub plan: Option<PlanId>,
    /// The project that uses it.
    pub project: ProjectId,
    /// The project's name.
    pub project_name: String,
    /// The organisation that pays for it.
    pub customer: CustomerId,
    /// The organisation's name.
    pub customer_name: String,
}

/// A time during which a resource had a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanPeriod {
    /// Its id.
    pub id: PlanPeriodId,
    /// The plan, where the server tells.
    pub plan: Option<PlanId>,
    /// The plan's name.
    pub plan_name: String,
    /// When it began; `None` where that is not recorded.
    pub start: Option<Timestamp>,
    /// When it ended; `None` while it lasts.
    pub end: Option<Timestamp>,
    /// The stored usages of the server's current month that stand under it.
    #[serde(skip)]
    pub usages: Vec<UsageId>,
}

impl PlanPeriod {
    /// Whether it has a share of a month.
    pub fn overlaps(&self, period: BillingPeriod) -> bool {
        self.start.is_none_or(|start| start < period.end()) && self.end.is_none_or(|end| end > period.start())
    }

    /// Whether a moment lies in it.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= moment) && self.end.is_none_or(|end| end >= moment)
    }

    /// Whether a whole month of a resource that was created then lies in it.
    pub fn covers(&self, period: BillingPeriod, created: Option<Timestamp>) -> bool {
        let begins = created.map_or(period.start(), |created| created.max(period.start()));
        self.start.is_none_or(|start| start <= begins) && self.end.is_none_or(|end| end >= period.end())
    }

    /// Whether it is the same time of the same plan.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.id, self.plan, self.start, self.end) == (other.id, other.plan, other.start, other.end)
    }
}

impl fmt::Display for PlanPeriod {
    /// The plan and its days: `Standard (2026-07-01..2026-11-09)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = |moment: Option<Timestamp>| {
            moment.map_or_else(String::new, |moment| moment.strftime("%Y-%m-%d").to_string())
        };
        write!(formatter, "{} ({}..{})", visible(&self.plan_name), day(self.start), day(self.end))
    }
}

/// A resource that exists outside the scope of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its name.
    pub name: String,
    /// The name of its offering.
    pub offering_name: String,
}

/// The snapshot.
#[derive(Debug, Default)]
pub struct Catalogue {
    offerings: HashMap<OfferingId, Offering>,
    resources: HashMap<ResourceId, Resource>,
    unlisted: HashSet<ResourceId>,
    elsewhere: HashMap<ResourceId, Elsewhere>,
    plan_periods: HashMap<ResourceId, Vec<PlanPeriod>>,
    by_name: HashMap<(OfferingId, NameKind, String), Vec<ResourceId>>,
    current_period: Option<BillingPeriod>,
    offering_names: Option<OfferingNames>,
}

/// By what a resource can be looked up inside an offering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// The id in the provider's own system.
    BackendId,
    /// The short name.
    Slug,
    /// The display name.
    Name,
}

impl NameKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::BackendId, Self::Slug, Self::Name];

    /// The kind of a column.
    pub fn of_field(field: Field) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.field() == field)
    }

    /// The column that names a resource so.
    pub fn field(self) -> Field {
        match self {
            Self::BackendId => Field::ResourceBackendId,
            Self::Slug => Field::ResourceSlug,
            Self::Name => Field::ResourceName,
        }
    }

    /// How a resource is called so.
    pub fn of(self, resource: &Resource) -> &str {
        match self {
            Self::BackendId => &resource.backend_id,
            Self::Slug => &resource.slug,
            Self::Name => &resource.name,
        }
    }

    /// How a row calls its resource so.
    pub fn in_row(self, name: &ResourceName) -> Option<&str> {
        match self {
            Self::BackendId => name.backend_id.as_deref(),
            Self::Slug => name.slug.as_deref(),
            Self::Name => name.name.as_deref(),
        }
    }
}

impl Catalogue {
    /// An empty snapshot, taken in a month of the server's clock.
    pub fn new(current_period: BillingPeriod) -> Self {
        Self { current_period: Some(current_period), ..Self::default() }
    }

    /// Takes an offering in, which makes it part of the scope.
    pub fn add_offering(&mut self, offering: Offering) {
        self.offerings.insert(offering.id, offering);
    }

    /// Takes a resource of the scope in.
    pub fn add_resource(&mut self, resource: Resource) {
        for kind in NameKind::ALL.into_iter().filter(|kind| !kind.of(&resource).is_empty()) {
            let key = (resource.offering, kind, kind.of(&resource).trim().to_owned());
            self.by_name.entry(key).or_default().push(resource.id);
        }
        self.resources.insert(resource.id, resource);
    }

    /// Takes a resource of the scope in that the server's list does not show, and other answers do.
    pub fn add_unlisted(&mut self, resource: Resource) {
        self.unlisted.insert(resource.id);
        self.add_resource(resource);
    }

    /// Whether the server's list does not show a resource of the scope.
    pub fn is_unlisted(&self, id: ResourceId) -> bool {
        self.unlisted.contains(&id)
    }

    /// How many resources of the scope the server's list does not show.
    pub fn count_unlisted(&self) -> usize {
        self.unlisted.len()
    }

    /// Remembers a resource outside the scope.
    pub fn add_elsewhere(&mut self, id: ResourceId, elsewhere: Elsewhere) {
        self.elsewhere.insert(id, elsewhere);
    }

    /// Takes the plan periods of a resource in.
    pub fn add_plan_periods(&mut self, id: ResourceId, plan_periods: Vec<PlanPeriod>) {
        self.plan_periods.insert(id, plan_periods);
    }

    /// Remembers the names of all offerings that the account sees, for rows that name theirs so.
    pub fn name_offerings(&mut self, names: OfferingNames) {
        self.offering_names = Some(names);
    }

    /// The names of all offerings that the account sees; `None` where they were not asked for.
    pub fn offering_names(&self) -> Option<&OfferingNames> {
        self.offering_names.as_ref()
    }

    /// The server's month when the snapshot was taken.
    pub fn current_period(&self) -> Option<BillingPeriod> {
        self.current_period
    }

    /// An offering of the scope.
    pub fn offering(&self, id: OfferingId) -> Option<&Offering> {
        self.offerings.get(&id)
    }

    /// The offerings of the scope, by id.
    pub fn offerings(&self) -> Vec<&Offering> {
        let mut offerings: Vec<_> = self.offerings.values().collect();
        offerings.sort_by_key(|offering| offering.id);
        offerings
    }

    /// A resource of the scope.
    pub fn resource(&self, id: ResourceId) -> Option<&Resource> {
        self.resources.get(&id)
    }

    /// All resources of the scope, in no order.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> + Clone {
        self.resources.values()
    }

    /// A resource outside the scope.
    pub fn elsewhere(&self, id: ResourceId) -> Option<&Elsewhere> {
        self.elsewhere.get(&id)
    }

    /// The plan periods of a resource; `None` where they were not asked for.
    pub fn plan_periods(&self, id: ResourceId) -> Option<&[PlanPeriod]> {
        self.plan_periods.get(&id).map(Vec::as_slice)
    }

    /// The resources of an offering that a name fits.
    pub fn find(&self, offering: OfferingId, kind: NameKind, name: &str) -> &[ResourceId] {
        self.by_name.get(&(offering, kind, name.to_owned())).map_or(&[], Vec::as_slice)
    }
}
