//! What makes two figures speak of the same thing.

use serde::{Deserialize, Serialize};

use super::{BillingPeriod, ComponentType, ResourceId};

/// The key of a usage: one resource, one component, one month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UsageKey {
    /// The resource that was used.
    pub resource: ResourceId,
    /// What of it was used.
    pub component: ComponentType,
    /// The month in which it was used.
    pub period: BillingPeriod,
}
