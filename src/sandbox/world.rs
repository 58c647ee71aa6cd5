//! A world as it is written in a file: everything that is stored when a sandbox starts.
//!
//! The format is that of `tests/contract/world.json`. Unknown keys are tolerated, so that files may
//! carry notes; a reference to something that is not in the file is found when the sandbox starts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::data::{InvoiceState, Unit};
use super::{SandboxError, built_in};
use crate::domain::{Amount, BillingPeriod, BillingType, CarryOver, ComponentType, ResourceState};

/// Everything that is stored when a sandbox starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    /// The moment at which the clock starts where no other is given.
    pub now: Timestamp,
    /// The tokens of the accounts, by the name of the account.
    pub tokens: BTreeMap<String, String>,
    pub(super) customers: Vec<Customer>,
    pub(super) projects: Vec<Project>,
    pub(super) users: Vec<User>,
    pub(super) offerings: Vec<Offering>,
    pub(super) resources: Vec<Resource>,
    #[serde(default)]
    pub(super) usages: Vec<Usage>,
    #[serde(default)]
    pub(super) offering_users: Vec<OfferingUser>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) user_usage_limits: Vec<UserUsageLimit>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) invoices: Vec<Invoice>,
}

impl World {
    /// An HPC centre in November 2026: three organisations, eight projects, two offerings and forty
    /// resources with three months of usage.
    pub fn built_in() -> Self {
        built_in::world()
    }

    /// Reads the file of a world.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, SandboxError> {
        let path = path.as_ref();
        let open = || File::open(path).map(|file| BufReader::with_capacity(1 << 20, file));
        let file = open().map_err(|source| SandboxError::Read { path: path.to_owned(), source })?;
        serde_json::from_reader(file).map_err(|source| {
            if open().is_ok_and(StateMark::is_in) {
                SandboxError::IsState(path.to_owned())
            } else {
                SandboxError::Format { path: path.to_owned(), source }
            }
        })
    }
}

/// What tells a state from a world: the first word of its first line.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only whether it is there matters")]
struct StateMark {
    waldur_usage_sandbox: u32,
}

impl StateMark {
    fn is_in(file: impl Read) -> bool {
        let mut lines = serde_json::Deserializer::from_reader(file).into_iter::<Self>();
        lines.next().is_some_and(|first| first.is_ok())
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Customer {
    pub uuid: Uuid,
    pub name: String,
    #[serde(default)]
    pub abbreviation: String,
    #[serde(default)]
    pub slug: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub is_service_provider: bool,
    /// The tax on the invoices that are made for it; zero where nothing is written.
    #[serde(default)]
    pub tax_percent: Amount,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Project {
    pub uuid: Uuid,
    pub name: String,
    #[serde(default)]
    pub slug: String,
    pub customer_uuid: Uuid,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub id: u32,
    pub username: String,
    pub uuid: Uuid,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub first_name: String,
    #[serde(default)]
    pub last_name: String,
    #[serde(default)]
    pub is_staff: bool,
    #[serde(default)]
    pub is_support: bool,
    pub token: String,
    #[serde(default)]
    pub token_expired: bool,
    #[serde(default)]
    pub roles: Vec<Role>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Role {
    #[serde(rename = "role")]
    pub name: String,
    pub scope_type: String,
    pub scope_uuid: Uuid,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Offering {
    pub uuid: Uuid,
    pub name: String,
    #[serde(default)]
    pub slug: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub state: String,
    pub billable: bool,
    pub shared: bool,
    pub customer_uuid: Uuid,
    #[serde(default)]
    pub category_title: String,
    pub category_uuid: Option<Uuid>,
    pub components: Vec<Component>,
    pub plans: Vec<Plan>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Component {
    pub uuid: Uuid,
    #[serde(rename = "type")]
    pub kind: ComponentType,
    pub name: String,
    pub measured_unit: String,
    pub billing_type: BillingType,
    pub limit_period: Option<String>,
    pub limit_amount: Option<u32>,
    pub min_value: Option<i64>,
    pub max_value: Option<i64>,
    #[serde(default)]
    pub article_code: String,
    #[serde(default)]
    pub is_boolean: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub uuid: Uuid,
    pub name: String,
    pub unit: String,
    #[serde(default)]
    pub unit_price: Amount,
    pub prices: BTreeMap<ComponentType, Amount>,
    #[serde(default)]
    pub amounts: BTreeMap<ComponentType, u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Resource {
    pub uuid: Uuid,
    pub name: String,
    #[serde(default)]
    pub slug: String,
    #[serde(default)]
    pub backend_id: String,
    #[serde(default)]
    pub effective_id: String,
    pub state: ResourceState,
    pub offering_uuid: Uuid,
    pub plan_uuid: Option<Uuid>,
    pub project_uuid: Uuid,
    #[serde(default)]
    pub limits: Map<String, Value>,
    #[serde(default)]
    pub current_usages: Map<String, Value>,
    pub created: Timestamp,
    #[serde(default)]
    pub plan_periods: Vec<PlanPeriod>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PlanPeriod {
    pub uuid: Uuid,
    pub plan_uuid: Uuid,
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Usage {
    pub uuid: Uuid,
    pub resource_uuid: Uuid,
    #[serde(rename = "type")]
    pub component_type: ComponentType,
    #[serde(rename = "usage")]
    pub amount: Amount,
    pub billing_period: BillingPeriod,
    pub date: Timestamp,
    pub created: Timestamp,
    pub plan_period_uuid: Option<Uuid>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub recurring: bool,
    /// Where it says more than `recurring`: of a server that has a policy in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_usage_policy: Option<CarryOver>,
    pub modified_by: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OfferingUser {
    pub uuid: Uuid,
    pub offering_uuid: Uuid,
    pub user_uuid: Uuid,
    pub username: String,
}

/// How much one person may use of a component of a resource.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UserUsageLimit {
    pub resource_uuid: Uuid,
    #[serde(rename = "type")]
    pub component_type: ComponentType,
    pub offering_user_uuid: Uuid,
    pub limit: Amount,
}

/// The invoice of a customer's month.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Invoice {
    /// Made from customer and month where none is written.
    pub uuid: Option<Uuid>,
    pub customer_uuid: Uuid,
    pub billing_period: BillingPeriod,
    pub state: InvoiceState,
    pub number: Option<u64>,
    pub invoice_date: Option<Date>,
    /// Where none is written, the customer's.
    pub tax_percent: Option<Amount>,
    /// Where none are written, they follow from the usages and the prices of the world.
    pub items: Option<Vec<InvoiceItem>>,
}

/// One line of a written invoice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InvoiceItem {
    pub uuid: Uuid,
    pub resource_uuid: Uuid,
    #[serde(rename = "type")]
    pub component_type: ComponentType,
    pub plan_uuid: Uuid,
    pub plan_period_uuid: Option<Uuid>,
    pub quantity: Amount,
    pub unit_price: Amount,
    pub unit: Unit,
    pub start: Timestamp,
    pub end: Timestamp,
}
