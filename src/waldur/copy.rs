//! What a copy of a server is made of: offerings with components and prices, resources with their
//! limits, plan periods with the usages in them.
//!
//! It reads as every run does, and asks for no field that holds a person, an address or a token: what
//! is not asked for cannot end in a file. Usages are read elsewhere, and lose their text on the way.

use std::collections::BTreeMap;
use std::collections::HashMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{
    Amount, BillingType, ComponentType, CustomerId, OfferingId, PlanId, PlanPeriodId, ResourceId, UsageId,
};
use crate::resolve::{Component, Offering, Resource};

use super::listing::{Identified, Query, count, read};
use super::reader::{found, resource, resources_of};
use super::wire::ResourceRow;
use super::{Reader, WaldurError};

/// An offering as far as it is copied.
#[derive(Debug, Deserialize)]
pub struct OfferingCopy {
    /// Its id.
    pub uuid: OfferingId,
    /// Its display name.
    pub name: String,
    /// Its short name.
    #[serde(default)]
    pub slug: Option<String>,
    /// Its plugin.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Its state as the API spells it.
    #[serde(default)]
    pub state: String,
    /// Whether it is billed at all.
    #[serde(default)]
    pub billable: bool,
    /// Whether everybody may order it.
    #[serde(default)]
    pub shared: bool,
    /// The provider.
    pub customer_uuid: CustomerId,
    /// The provider's name.
    #[serde(default)]
    pub customer_name: String,
    /// What can be metered.
    #[serde(default)]
    pub components: Vec<ComponentCopy>,
    /// What can be ordered.
    #[serde(default)]
    pub plans: Vec<PlanCopy>,
}

/// A component as far as it is copied.
#[derive(Debug, Deserialize)]
pub struct ComponentCopy {
    /// Its id, where the server tells it.
    #[serde(default)]
    pub uuid: Option<Uuid>,
    /// The internal name.
    #[serde(rename = "type")]
    pub component_type: ComponentType,
    /// The display name.
    #[serde(default)]
    pub name: String,
    /// The unit.
    #[serde(default)]
    pub measured_unit: String,
    /// How it is billed.
    pub billing_type: BillingType,
    /// Over which time a limit counts.
    #[serde(default)]
    pub limit_period: Option<String>,
    /// The limit of reports, where there is one.
    #[serde(default)]
    pub limit_amount: Option<Value>,
    /// The article of the accounting system.
    #[serde(default)]
    pub article_code: Option<String>,
    /// Whether it is ordered or not, rather than so much of it.
    #[serde(default)]
    pub is_boolean: bool,
}

/// A plan as far as it is copied.
#[derive(Debug, Deserialize)]
pub struct PlanCopy {
    /// Its id.
    pub uuid: PlanId,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// For which time its price is.
    #[serde(default)]
    pub unit: String,
    /// What it costs besides its components.
    #[serde(default)]
    pub unit_price: Option<Amount>,
    /// The prices, by component type, as the server spells them.
    #[serde(default)]
    pub prices: BTreeMap<String, Value>,
    /// The fixed amounts, by component type, as the server spells them.
    #[serde(default)]
    pub quotas: BTreeMap<String, Value>,
}

/// A resource with what a run does not need and a copy does.
#[derive(Debug)]
pub struct ResourceCopy {
    /// The resource.
    pub resource: Resource,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// What was ordered of it.
    pub limits: Map<String, Value>,
    /// What was reported last, as the server spells it.
    pub current_usages: Map<String, Value>,
}

/// A plan period with the usages of this month that are in it.
#[derive(Debug, Deserialize)]
pub struct PlanPeriodCopy {
    /// Its id.
    pub uuid: PlanPeriodId,
    /// The plan.
    pub plan_uuid: PlanId,
    /// When it began.
    #[serde(default)]
    pub start: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub end: Option<Timestamp>,
    #[serde(default)]
    components: Vec<UsageInPeriod>,
}

#[derive(Debug, Deserialize)]
struct UsageInPeriod {
    uuid: UsageId,
}

#[derive(Debug, Deserialize)]
struct ResourceCopyRow {
    #[serde(flatten)]
    row: ResourceRow,
    #[serde(default)]
    created: Option<Timestamp>,
    #[serde(default)]
    limits: Option<Map<String, Value>>,
    #[serde(default)]
    current_usages: Option<Map<String, Value>>,
}

impl Identified for ResourceCopyRow {
    fn id(&self) -> Uuid {
        self.row.id()
    }
}

impl OfferingCopy {
    const FIELDS: [&'static str; 11] = [
        "uuid",
        "name",
        "slug",
        "type",
        "state",
        "billable",
        "shared",
        "customer_uuid",
        "customer_name",
        "components",
        "plans",
    ];

    /// The offering as runs look at it.
    pub fn offering(&self) -> Offering {
        let components = self.components.iter().map(|component| Component {
            component_type: component.component_type.clone(),
            name: component.name.clone(),
            measured_unit: component.measured_unit.clone(),
            billing_type: component.billing_type.clone(),
            has_limit: component.limit_amount.as_ref().is_some_and(|amount| !amount.is_null()),
            limit: None,
        });
        Offering {
            id: self.uuid,
            name: self.name.clone(),
            customer: None,
            components: components.collect(),
            prices: HashMap::new(),
        }
    }
}

impl PlanPeriodCopy {
    /// The usages of this month that are in it.
    pub fn usages(&self) -> impl Iterator<Item = UsageId> {
        self.components.iter().map(|usage| usage.uuid)
    }
}

impl Reader {
    /// An offering with all that a copy holds of it; `None` where this account sees none.
    pub async fn offering_copy(&self, id: OfferingId) -> Result<Option<OfferingCopy>, WaldurError> {
        let path = format!("marketplace-provider-offerings/{id}/");
        let fields = OfferingCopy::FIELDS.map(|field| ("field", field.to_owned()));
        found(self.http.get_json(&path, &fields).await)
    }

    /// All resources of an offering, in every state, with all that a copy holds of them.
    pub async fn resource_copies(&self, offering: OfferingId) -> Result<Vec<ResourceCopy>, WaldurError> {
        let (query, cut) = resources_of(offering, self.side);
        let query = query.fields(&["created", "limits", "current_usages"]);
        let rows: Vec<ResourceCopyRow> = read(&self.http, &query, &[cut], self.at_once).await?;
        let own = rows.into_iter().filter(|row| row.row.offering_uuid == offering);
        let copies = own.map(|row| ResourceCopy {
            resource: resource(row.row).0,
            created: row.created,
            limits: row.limits.unwrap_or_default(),
            current_usages: row.current_usages.unwrap_or_default(),
        });
        Ok(copies.collect())
    }

    /// Whether the list of usages heeds a year, by asking for one that no usage has; `None` where there
    /// is no usage at all.
    pub async fn lists_by_year(&self) -> Result<Option<bool>, WaldurError> {
        let all = Query::new("marketplace-component-usages/").fields(&["uuid"]);
        if count(&self.http, &all).await? == 0 {
            return Ok(None);
        }
        let of_no_year = all.with("billing_period_year", "1900");
        match count(&self.http, &of_no_year).await {
            Ok(rows) => Ok(Some(rows == 0)),
            // Who finds fault with a year has looked at it.
            Err(WaldurError::Status { status: 400, .. }) => Ok(Some(true)),
            Err(error) => Err(error),
        }
    }

    /// The plan periods of some resources that have not ended before this month; one request each.
    pub async fn plan_period_copies(
        &self,
        resources: &[ResourceId],
    ) -> Result<Vec<(ResourceId, Vec<PlanPeriodCopy>)>, WaldurError> {
        let read = |id: ResourceId| async move {
            let path = format!("marketplace-provider-resources/{id}/plan_periods/");
            let rows: Option<Vec<PlanPeriodCopy>> = found(self.http.get_json(&path, &[]).await)?;
            Ok((id, rows.unwrap_or_default()))
        };
        stream::iter(resources.iter().copied()).map(read).buffered(self.at_once).try_collect().await
    }
}
