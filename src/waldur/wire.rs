//! The API's own shapes, and nothing but them: as few fields as each use needs.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    Amount, BillingPeriod, BillingType, CarryOver, ComponentType, CustomerId, OfferingId, PlanId,
    PlanPeriodId, ProjectId, ResourceId, ResourceState, UsageId, UserId,
};

use super::listing::Identified;

#[derive(Debug, Deserialize)]
pub(super) struct AccountRow {
    pub uuid: UserId,
    #[serde(default)]
    pub is_staff: bool,
    #[serde(default)]
    pub is_support: bool,
    #[serde(default)]
    pub permissions: Vec<PermissionRow>,
}

/// Whose token it is, and nothing else.
#[derive(Debug, Deserialize)]
pub(super) struct AccountId {
    pub uuid: UserId,
}

/// A role that an account holds.
#[derive(Debug, Deserialize)]
pub(super) struct PermissionRow {
    #[serde(default)]
    pub role_name: String,
    #[serde(default)]
    pub scope_uuid: Option<Uuid>,
}

impl AccountRow {
    /// Never the whole body: it holds the token.
    pub const FIELDS: &'static [&'static str] = &["uuid", "is_staff", "is_support", "permissions"];
}

#[derive(Debug, Deserialize)]
pub(super) struct VersionRow {
    pub version: String,
}

/// The server's configuration, as far as we ask for it.
#[derive(Debug, Deserialize)]
pub(super) struct ConfigurationRow {
    #[serde(default, rename = "WALDUR_CORE")]
    pub core: CoreRow,
    #[serde(default, rename = "CURRENCY_NAME")]
    pub currency: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CoreRow {
    #[serde(default, rename = "CURRENCY_NAME")]
    pub currency: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct OfferingName {
    pub uuid: OfferingId,
    #[serde(default)]
    pub name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct OfferingRow {
    pub uuid: OfferingId,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub customer_uuid: Option<CustomerId>,
    #[serde(default)]
    pub components: Vec<ComponentRow>,
    #[serde(default)]
    pub plans: Vec<PriceRow>,
}

impl OfferingRow {
    pub const FIELDS: [&'static str; 5] = ["uuid", "name", "customer_uuid", "components", "plans"];
}

/// A plan of an offering with what a unit of each component costs.
#[derive(Debug, Deserialize)]
pub(super) struct PriceRow {
    pub uuid: PlanId,
    #[serde(default)]
    pub prices: HashMap<String, Option<Amount>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ComponentRow {
    #[serde(rename = "type")]
    pub component_type: ComponentType,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub measured_unit: String,
    pub billing_type: BillingType,
    #[serde(default)]
    pub limit_amount: Option<serde_json::Value>,
    #[serde(default)]
    pub limit_period: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResourceRow {
    pub uuid: ResourceId,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub slug: Option<String>,
    #[serde(default)]
    pub backend_id: Option<String>,
    pub state: ResourceState,
    pub offering_uuid: OfferingId,
    #[serde(default)]
    pub offering_name: Option<String>,
    #[serde(default)]
    pub created: Option<Timestamp>,
    #[serde(default)]
    pub plan_uuid: Option<PlanId>,
    pub project_uuid: ProjectId,
    #[serde(default)]
    pub project_name: Option<String>,
    pub customer_uuid: CustomerId,
    #[serde(default)]
    pub customer_name: Option<String>,
}

impl ResourceRow {
    pub const FIELDS: &'static [&'static str] = &[
        "uuid",
        "name",
        "slug",
        "backend_id",
        "state",
        "created",
        "offering_uuid",
        "offering_name",
        "plan_uuid",
        "project_uuid",
        "project_name",
        "customer_uuid",
        "customer_name",
    ];
}

#[derive(Debug, Deserialize)]
pub(super) struct PlanPeriodRow {
    pub uuid: PlanPeriodId,
    #[serde(default)]
    pub plan_uuid: Option<PlanId>,
    #[serde(default)]
    pub plan_name: Option<String>,
    #[serde(default)]
    pub start: Option<Timestamp>,
    #[serde(default)]
    pub end: Option<Timestamp>,
    /// The usages of the current month alone.
    #[serde(default)]
    pub components: Vec<PeriodUsageRow>,
}

/// A stored usage as a plan period shows it.
#[derive(Debug, Deserialize)]
pub(super) struct PeriodUsageRow {
    pub uuid: UsageId,
    #[serde(rename = "type")]
    pub component_type: ComponentType,
    pub usage: Amount,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub recurring: Option<bool>,
    #[serde(default)]
    pub missing_usage_policy: Option<CarryOver>,
}

/// A stored usage with the columns of the row itself, which cost the server little.
#[derive(Debug, Deserialize)]
pub(super) struct UsageRow {
    pub uuid: UsageId,
    pub resource_uuid: ResourceId,
    pub billing_period: BillingPeriod,
    pub usage: Amount,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub recurring: Option<bool>,
    #[serde(default)]
    pub missing_usage_policy: Option<CarryOver>,
    #[serde(default)]
    pub modified_by: Option<i64>,
    /// Asked for only where the slice does not tell.
    #[serde(rename = "type", default)]
    pub component_type: Option<ComponentType>,
}

impl UsageRow {
    pub const FIELDS: &'static [&'static str] = &[
        "uuid",
        "resource_uuid",
        "billing_period",
        "usage",
        "description",
        "recurring",
        "missing_usage_policy",
        "modified_by",
    ];
}

/// The stored usage of a user. The list knows no `field`, so whole rows come.
#[derive(Debug, Deserialize)]
pub(super) struct UserUsageRow {
    pub uuid: Uuid,
    #[serde(default)]
    pub username: String,
    /// The address of the stored usage that it is a part of.
    pub component_usage: String,
    pub usage: Amount,
    pub resource_uuid: ResourceId,
    pub component_type: ComponentType,
}

impl Identified for UserUsageRow {
    fn id(&self) -> Uuid {
        self.uuid
    }
}

/// A user of an offering.
#[derive(Debug, Deserialize)]
pub(super) struct OfferingUserRow {
    pub uuid: Uuid,
    pub url: String,
    #[serde(default)]
    pub username: Option<String>,
    pub offering_uuid: OfferingId,
}

impl OfferingUserRow {
    pub const FIELDS: &'static [&'static str] = &["uuid", "url", "username", "offering_uuid"];
}

impl Identified for OfferingUserRow {
    fn id(&self) -> Uuid {
        self.uuid
    }
}

macro_rules! identified {
    ($($row:ty),*) => {
        $(impl Identified for $row {
            fn id(&self) -> Uuid {
                self.uuid.uuid()
            }
        })*
    };
}

identified!(OfferingName, ResourceRow, UsageRow);

/// The body of `set_usage`: the resource or its plan period, never both, because the server does not
/// look whether the two belong together.
#[derive(Debug, Serialize)]
pub(super) struct SetUsage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_period: Option<PlanPeriodId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Timestamp>,
    pub usages: Vec<SetUsageItem>,
}

#[derive(Debug, Serialize)]
pub(super) struct SetUsageItem {
    #[serde(rename = "type")]
    pub component_type: ComponentType,
    pub amount: Amount,
    pub description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurring: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_usage_policy: Option<CarryOver>,
}

/// The body of `set_user_usage`, and an entry of `set_user_usages`. No date: the address names the
/// total, and with it the month; a date would lead to whichever row of that month comes first.
#[derive(Debug, Serialize)]
pub(super) struct SetUserUsage<'a> {
    pub username: &'a str,
    pub usage: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct SetUserUsages<'a> {
    pub usages: Vec<SetUserUsage<'a>>,
}
