//! A usage as the server holds it.

use crate::domain::{Amount, BillingPeriod, CarryOver, ComponentType, ResourceId, UsageId, UsageKey};

/// One stored row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUsage {
    /// Its id.
    pub id: UsageId,
    /// The resource that was used.
    pub resource: ResourceId,
    /// What of it was used.
    pub component: ComponentType,
    /// The month.
    pub period: BillingPeriod,
    /// The total of the month; may be negative.
    pub amount: Amount,
    /// The note stored with it.
    pub description: String,
    /// What happens in later months.
    pub carry_over: CarryOver,
    /// Who reported it last, as the server numbers people; `None` where it was nobody, or is not told.
    pub modified_by: Option<i64>,
}

impl StoredUsage {
    /// What it speaks of.
    pub fn key(&self) -> UsageKey {
        UsageKey { resource: self.resource, component: self.component.clone(), period: self.period }
    }
}
