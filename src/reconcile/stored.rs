//! The stored usages that are compared, as small as they can be.
//!
//! There can be millions of them, on their way through from a list or a server. A resource and a component
//! are numbers from the start, so that what a row costs does not hang on what it names.

use std::collections::HashMap;

use crate::domain::{Amount, BillingPeriod, CarryOver, ComponentType, ResourceId, UsageId};
use crate::plan::StoredUsage;

use super::rows::{Key, ServerRow, at, number};

/// A stored usage, as far as it is compared.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Its id.
    pub id: UsageId,
    /// The resource that was used.
    pub resource: ResourceId,
    /// What of it was used.
    pub component: &'a ComponentType,
    /// The month.
    pub period: BillingPeriod,
    /// The total of the month.
    pub amount: Amount,
    /// What happens in later months.
    pub carry_over: CarryOver,
    /// Whether it is told that somebody reported it.
    pub is_reported: bool,
}

/// The stored usages of the months that are compared, and of those around them that were read.
#[derive(Debug, Default)]
pub struct StoredSide {
    pub(super) resources: Vec<ResourceId>,
    pub(super) components: Vec<ComponentType>,
    /// The rows; their keys hold positions in these lists.
    pub(super) rows: Vec<ServerRow>,
    of_resource: HashMap<ResourceId, u32>,
    of_component: HashMap<ComponentType, u32>,
    /// The numbers of the row before, which are often those of the next one.
    last: Option<(u32, u32)>,
}

impl StoredSide {
    /// Takes a usage in.
    pub fn add(&mut self, usage: &Stored<'_>) {
        let last = self.last.unwrap_or((u32::MAX, u32::MAX));
        let resource = if self.resources.get(at(last.0)) == Some(&usage.resource) {
            last.0
        } else {
            let next = number(self.resources.len());
            let known = *self.of_resource.entry(usage.resource).or_insert(next);
            if known == next {
                self.resources.push(usage.resource);
            }
            known
        };
        let component = if self.components.get(at(last.1)) == Some(usage.component) {
            last.1
        } else if let Some(known) = self.of_component.get(usage.component) {
            *known
        } else {
            let next = number(self.components.len());
            self.of_component.insert(usage.component.clone(), next);
            self.components.push(usage.component.clone());
            next
        };
        self.last = Some((resource, component));
        let Stored { id, period, amount, carry_over, is_reported, .. } = *usage;
        let key = Key { subject: resource, component, period };
        self.rows.push(ServerRow { key, id, amount, carry_over, is_reported });
    }

    /// Keeps only the usages of wanted resources.
    pub fn retain(&mut self, wants: impl Fn(ResourceId) -> bool) {
        let wanted: Vec<bool> = self.resources.iter().map(|resource| wants(*resource)).collect();
        if wanted.contains(&false) {
            self.rows.retain(|row| wanted.get(at(row.key.subject)) == Some(&true));
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The ids of all.
    pub fn ids(&self) -> impl Iterator<Item = UsageId> {
        self.rows.iter().map(|row| row.id)
    }
}

impl Extend<StoredUsage> for StoredSide {
    fn extend<I: IntoIterator<Item = StoredUsage>>(&mut self, usages: I) {
        for usage in usages {
            self.add(&Stored {
                id: usage.id,
                resource: usage.resource,
                component: &usage.component,
                period: usage.period,
                amount: usage.amount,
                carry_over: usage.carry_over,
                is_reported: usage.modified_by.is_some(),
            });
        }
    }
}

impl FromIterator<StoredUsage> for StoredSide {
    fn from_iter<I: IntoIterator<Item = StoredUsage>>(usages: I) -> Self {
        let mut side = Self::default();
        side.extend(usages);
        side
    }
}
