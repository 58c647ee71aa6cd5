//! Reading: everything that a run asks the server, and nothing that changes it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{
    Amount, BillingPeriod, CarryOver, ComponentType, Currency, Destination, OfferingId, PlanId, ResourceId,
    Role, UsageId, UserId,
};
use crate::plan::StoredUsage;
use crate::resolve::{Capabilities, Catalogue, Component, LimitPeriod, Offering, PlanPeriod, Resource};

use super::heard::Heard;
use super::http::Http;
use super::list::{ListFilter, ListRow, Listed};
use super::listing::{Cut, Query, read};
use super::usages;
use super::wire::{
    AccountRow, ConfigurationRow, OfferingName, OfferingRow, PlanPeriodRow, PriceRow, ResourceRow, UsageRow,
    VersionRow,
};
use super::{ServerAddress, TokenSource, WaldurError};

/// Who the token belongs to.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account's id.
    pub id: UserId,
    /// Whether it is staff.
    pub is_staff: bool,
    /// Whether it is support.
    pub is_support: bool,
    /// The roles that it holds, each with what it holds them on.
    roles: Vec<(String, Uuid)>,
}

impl Account {
    /// The names of the roles that it holds, one for each thing that it holds them on.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|(role, _)| role.as_str())
    }

    /// The roles with what it holds each of them on, as a manifest names them.
    pub fn roles(&self) -> BTreeSet<String> {
        self.roles.iter().map(|(role, on)| format!("{role} on {}", on.as_simple())).collect()
    }

    /// What the account is to all of some offerings: the weakest of its roles for them.
    pub fn role_for<'a>(&self, offerings: impl Iterator<Item = &'a Offering>) -> Role {
        let holds = |role: &str, scope: Uuid| self.roles.iter().any(|(own, on)| own == role && *on == scope);
        let role = |offering: &Offering| match offering.customer {
            _ if self.is_staff => Role::Staff,
            Some(customer) if holds("CUSTOMER.OWNER", customer.uuid()) => Role::ProviderOwner,
            _ if holds("OFFERING.MANAGER", offering.id.uuid()) => Role::OfferingManager,
            _ => Role::Other,
        };
        offerings.map(role).min().unwrap_or(if self.is_staff { Role::Staff } else { Role::Other })
    }

    /// Whether it holds any role on something.
    pub(super) fn holds_a_role_on(&self, scope: Uuid) -> bool {
        self.roles.iter().any(|(_, on)| *on == scope)
    }
}

/// What the plan periods of a resource tell.
#[derive(Debug)]
pub struct ResourceMonth {
    /// The usages of the current month under them.
    pub usages: Vec<StoredUsage>,
    /// The plan periods that have not ended before this month.
    pub plan_periods: Vec<PlanPeriod>,
}

/// Whose view of offerings and resources is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// That of who provides them.
    Provider,
    /// That of who uses them.
    Consumer,
}

impl Side {
    /// The list of offerings.
    pub fn offerings(self) -> &'static str {
        match self {
            Self::Provider => "marketplace-provider-offerings/",
            Self::Consumer => "marketplace-public-offerings/",
        }
    }

    /// The list of resources.
    pub fn resources(self) -> &'static str {
        match self {
            Self::Provider => "marketplace-provider-resources/",
            Self::Consumer => "marketplace-resources/",
        }
    }
}

/// A connection that changes nothing.
pub struct Reader {
    pub(super) http: Arc<Http>,
    pub(super) at_once: usize,
    pub(super) side: Side,
    pub(super) heard: Heard,
}

impl Reader {
    /// How long a server may be silent where nobody says otherwise.
    pub const TIMEOUT: Duration = Duration::from_mins(1);

    /// Sets a connection up; nothing is sent yet. `at_once` bounds the requests in flight, `timeout` how
    /// long the server may be silent; a whole answer may take twice as long.
    pub fn new(
        address: ServerAddress,
        tokens: TokenSource,
        at_once: usize,
        timeout: Duration,
    ) -> Result<Self, WaldurError> {
        let at_once = at_once.max(1);
        let http = Arc::new(Http::new(address, tokens, at_once, timeout)?);
        Ok(Self { http, at_once, side: Side::Provider, heard: Heard::default() })
    }

    /// The same connection with the view of the other side of offerings and resources.
    #[must_use]
    pub fn seen_by(&self, side: Side) -> Self {
        Self { http: Arc::clone(&self.http), at_once: self.at_once, side, heard: self.heard.clone() }
    }

    /// Whose view of offerings and resources is read.
    pub fn side(&self) -> Side {
        self.side
    }

    /// What is heard of the names of offerings and components.
    pub fn heard(&self) -> Heard {
        self.heard.clone()
    }

    /// The server.
    pub fn address(&self) -> &ServerAddress {
        self.http.address()
    }

    /// The server, and whether its answers name it a sandbox.
    pub fn destination(&self) -> Destination {
        Destination { server: self.address().to_string(), sandbox: self.http.sandbox() }
    }

    /// The server's clock; an error where none of its answers had a `Date`.
    pub fn now(&self) -> Result<Timestamp, WaldurError> {
        self.http.now().ok_or_else(|| WaldurError::NotTheApi {
            endpoint: self.address().to_string(),
            found: "answers without a Date header, so that its month is unknown".into(),
        })
    }

    /// Whose token it is; an error where the run began as somebody else.
    pub async fn account(&self) -> Result<Account, WaldurError> {
        let fields: Vec<_> = AccountRow::FIELDS.iter().map(|field| ("field", (*field).to_owned())).collect();
        let row: AccountRow = self.http.get_json("users/me/", &fields).await?;
        self.http.credentials.belong_to(row.uuid)?;
        self.heard.account(row.uuid);
        let held = row.permissions.into_iter();
        let roles = held.filter_map(|held| Some((held.role_name, held.scope_uuid?))).collect();
        Ok(Account { id: row.uuid, is_staff: row.is_staff, is_support: row.is_support, roles })
    }

    /// The server's version, where this account may know it.
    pub async fn version(&self) -> Result<Option<String>, WaldurError> {
        match self.http.get_json::<VersionRow>("version/", &[]).await {
            Ok(row) => Ok(Some(row.version)),
            Err(
                WaldurError::Forbidden { .. } | WaldurError::Status { .. } | WaldurError::NotTheApi { .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The currency of the server's prices, where its configuration tells it to this account.
    pub async fn currency(&self) -> Result<Option<Currency>, WaldurError> {
        let configuration = match self.http.get_json::<ConfigurationRow>("configuration/", &[]).await {
            Ok(configuration) => configuration,
            Err(
                WaldurError::Forbidden { .. } | WaldurError::Status { .. } | WaldurError::NotTheApi { .. },
            ) => return Ok(None),
            Err(error) => return Err(error),
        };
        let told = configuration.core.currency.or(configuration.currency);
        Ok(told.and_then(|text| text.parse().ok()))
    }

    /// Learns from the fields of any one stored usage, where there is one.
    pub async fn learn_row(&self, capabilities: &mut Capabilities) -> Result<(), WaldurError> {
        let query =
            Query::new("marketplace-component-usages/").fields(UsageRow::FIELDS).with("page_size", "1");
        let rows: Vec<UsageRow> = self.http.get_json(query.path, &query.parameters).await?;
        if let Some(row) = rows.first() {
            capabilities.learn_row(row.missing_usage_policy.is_some());
            // No usage is of that year, so a server that gives one does not look at the filter.
            let impossible = Query::new("marketplace-component-usages/")
                .fields(&["uuid"])
                .with("page_size", "1")
                .with("billing_period_year", "1971");
            let found: Vec<serde_json::Value> =
                self.http.get_json(impossible.path, &impossible.parameters).await?;
            capabilities.learn_year_filter(found.is_empty());
        }
        Ok(())
    }

    /// Learns whether `set_usage` knows a `date`, by a request that no version can save: it names no
    /// resource and no usage. Whatever else comes back teaches nothing.
    pub async fn learn_date(&self, capabilities: &mut Capabilities) {
        let body = br#"{"usages":[],"date":"garbage"}"#;
        let Ok(answer) = self.http.probe("marketplace-component-usages/set_usage/", body).await else {
            return;
        };
        let errors = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&answer.body);
        if let (400, Ok(errors)) = (answer.status.as_u16(), errors) {
            capabilities.learn_date(errors.contains_key("date"));
        }
    }

    /// The offerings that this account may see, by id and name.
    pub async fn offering_names(&self) -> Result<Vec<(OfferingId, String)>, WaldurError> {
        let query = Query::new(self.side.offerings()).fields(&["uuid", "name"]);
        let rows: Vec<OfferingName> = read(&self.http, &query, &[], self.at_once).await?;
        self.heard.list(rows.iter().map(|row| (row.uuid, row.name.as_str())));
        Ok(rows.into_iter().map(|row| (row.uuid, row.name)).collect())
    }

    /// An offering with its components; `None` where this account sees none.
    pub async fn offering(&self, id: OfferingId) -> Result<Option<Offering>, WaldurError> {
        let path = format!("{}{id}/", self.side.offerings());
        let fields = OfferingRow::FIELDS.map(|field| ("field", field.to_owned()));
        let row = found(self.http.get_json::<OfferingRow>(&path, &fields).await)?;
        let offering = row.map(|row| Offering {
            id: row.uuid,
            name: row.name,
            customer: row.customer_uuid,
            prices: prices(row.plans),
            components: row
                .components
                .into_iter()
                .map(|component| Component {
                    component_type: component.component_type,
                    name: component.name,
                    measured_unit: component.measured_unit,
                    billing_type: component.billing_type,
                    has_limit: component.limit_amount.as_ref().is_some_and(|amount| !amount.is_null()),
                    limit: limit(component.limit_amount, component.limit_period.as_deref()),
                })
                .collect(),
        });
        if let Some(offering) = &offering {
            self.heard.offering(offering);
        }
        Ok(offering)
    }

    /// All resources of an offering, in every state.
    pub async fn resources(&self, offering: OfferingId) -> Result<Vec<Resource>, WaldurError> {
        let (query, cut) = resources_of(offering, self.side);
        let rows: Vec<ResourceRow> = read(&self.http, &query, &[cut], self.at_once).await?;
        let rows = rows.into_iter().filter(|row| row.offering_uuid == offering);
        Ok(rows.map(|row| resource(row).0).collect())
    }

    /// One resource with the name of its offering; `None` where this account sees none.
    pub async fn resource(&self, id: ResourceId) -> Result<Option<(Resource, String)>, WaldurError> {
        let path = format!("{}{id}/", self.side.resources());
        let fields: Vec<_> = ResourceRow::FIELDS.iter().map(|field| ("field", (*field).to_owned())).collect();
        let row = found(self.http.get_json::<ResourceRow>(&path, &fields).await)?;
        Ok(row.map(resource))
    }

    /// The plan periods of some resources that have not ended before this month.
    pub async fn plan_periods(
        &self,
        resources: &[ResourceId],
    ) -> Result<Vec<(ResourceId, Vec<PlanPeriod>)>, WaldurError> {
        let read = |id: ResourceId| async move {
            let path = format!("{}{id}/plan_periods/", self.side.resources());
            let rows: Vec<PlanPeriodRow> = found(self.http.get_json(&path, &[]).await)?.unwrap_or_default();
            Ok((id, rows.into_iter().map(plan_period).collect()))
        };
        stream::iter(resources.iter().copied()).map(read).buffer_unordered(self.at_once).try_collect().await
    }

    /// A resource's plan periods, with the usages of the server's current month that they show, in one
    /// request. A usage under no plan period is not among them.
    pub async fn resource_month(
        &self,
        resource: ResourceId,
        period: BillingPeriod,
    ) -> Result<ResourceMonth, WaldurError> {
        let path = format!("{}{resource}/plan_periods/", self.side.resources());
        let rows: Vec<PlanPeriodRow> = found(self.http.get_json(&path, &[]).await)?.unwrap_or_default();
        let shown = rows.iter().flat_map(|row| &row.components);
        let usages = shown.map(|row| StoredUsage {
            id: row.uuid,
            resource,
            component: row.component_type.clone(),
            period,
            amount: row.usage,
            description: row.description.clone().unwrap_or_default(),
            carry_over: row
                .missing_usage_policy
                .unwrap_or_else(|| CarryOver::from_recurring(row.recurring.unwrap_or_default())),
            modified_by: None,
        });
        let usages = usages.collect();
        Ok(ResourceMonth { usages, plan_periods: rows.into_iter().map(plan_period).collect() })
    }

    /// The stored usages of a month in the offerings of the catalogue; learns from their fields.
    pub async fn usages(
        &self,
        catalogue: &Catalogue,
        period: BillingPeriod,
        capabilities: &mut Capabilities,
    ) -> Result<Vec<StoredUsage>, WaldurError> {
        let mut stored = Vec::new();
        for offering in catalogue.offerings() {
            let month = usages::month(&self.http, offering, catalogue, period, self.at_once).await?;
            if let Some(has_policy) = month.has_missing_usage_policy {
                capabilities.learn_row(has_policy);
            }
            stored.extend(month.usages);
        }
        Ok(stored)
    }

    /// The stored usages of one resource in a month.
    pub async fn usages_of(
        &self,
        resource: ResourceId,
        period: BillingPeriod,
    ) -> Result<Vec<StoredUsage>, WaldurError> {
        usages::of_resource(&self.http, resource, period).await
    }

    /// The stored usages of one resource in all months.
    pub async fn usages_ever(&self, resource: ResourceId) -> Result<Vec<StoredUsage>, WaldurError> {
        usages::of_resource_ever(&self.http, resource, self.at_once).await
    }

    /// One stored usage with all its fields; `None` where this account sees none.
    pub async fn usage(&self, id: UsageId) -> Result<Option<ListRow>, WaldurError> {
        found(self.http.get_json(&format!("marketplace-component-usages/{id}/"), &[]).await)
    }

    /// Stored usages by filter, as the API gives them.
    pub async fn list(&self, filter: &ListFilter) -> Result<Listed, WaldurError> {
        super::list::list(&self.http, filter, self.at_once).await
    }
}

/// The list of all resources of an offering, and how it is cut where a page of it cannot be proven.
pub(super) fn resources_of(offering: OfferingId, side: Side) -> (Query, Cut) {
    let states = ["Creating", "OK", "Erred", "Updating", "Terminating", "Terminated"];
    let none: Arc<[Cut]> = Arc::new([]);
    // Creation times are all but unique, so ordering by them keeps pages apart.
    let query = Query::new(side.resources())
        .with("offering_uuid", offering.to_string())
        .with("o", "created")
        .fields(ResourceRow::FIELDS);
    (query, Cut::new("state", states.map(str::to_owned), &none))
}

/// What a unit of each component costs under each plan; a component that no type can be is skipped.
fn prices(plans: Vec<PriceRow>) -> HashMap<(PlanId, ComponentType), Amount> {
    let of_plan = |plan: PriceRow| {
        let uuid = plan.uuid;
        let priced = plan.prices.into_iter();
        priced.filter_map(move |(component, price)| Some(((uuid, component.parse().ok()?), price?)))
    };
    plans.into_iter().flat_map(of_plan).collect()
}

/// A limit that is set; zero is none.
fn limit(amount: Option<serde_json::Value>, period: Option<&str>) -> Option<(Amount, LimitPeriod)> {
    let amount: Amount = serde_json::from_value(amount?).ok()?;
    let is_set = !amount.is_zero() && !amount.is_negative();
    is_set.then_some((amount, LimitPeriod::from_name(period?)?))
}

/// Turns a 404 into nothing.
pub(super) fn found<T>(result: Result<T, WaldurError>) -> Result<Option<T>, WaldurError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(WaldurError::Status { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn resource(row: ResourceRow) -> (Resource, String) {
    let resource = Resource {
        id: row.uuid,
        name: row.name.unwrap_or_default(),
        slug: row.slug.unwrap_or_default(),
        backend_id: row.backend_id.unwrap_or_default(),
        state: row.state,
        offering: row.offering_uuid,
        created: row.created,
        plan: row.plan_uuid,
        project: row.project_uuid,
        project_name: row.project_name.unwrap_or_default(),
        customer: row.customer_uuid,
        customer_name: row.customer_name.unwrap_or_default(),
    };
    (resource, row.offering_name.unwrap_or_default())
}

fn plan_period(row: PlanPeriodRow) -> PlanPeriod {
    PlanPeriod {
        id: row.uuid,
        plan: row.plan_uuid,
        plan_name: row.plan_name.unwrap_or_default(),
        start: row.start,
        end: row.end,
        usages: row.components.into_iter().map(|usage| usage.uuid).collect(),
    }
}
