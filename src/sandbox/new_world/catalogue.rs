//! What is offered: so many components in every offering, and two plans with a price for each.

use std::collections::BTreeMap;

use super::chance::roll;
use super::{NewWorld, id};
use crate::domain::{Amount, BillingType, ComponentType};
use crate::sandbox::world::{Component, Offering, Plan};

/// Type, name, unit, hundredths of the unit that are used in a month, hundredths of the price.
const KNOWN: [(&str, &str, &str, u64, u32); 5] = [
    ("cpu", "CPU", "k-hours", 12_000, 1_250),
    ("ram", "RAM", "GB-hours", 1_500_000, 2),
    ("gpu_hours", "GPU", "hours", 40_000, 85),
    ("storage", "Project storage", "GB", 50_000, 4),
    ("egress", "Data sent out", "TB", 300, 400),
];
/// One component of so many is billed by what was ordered, not by what was used.
const LIMIT_EVERY: u32 = 5;
const PER_OFFERING: u32 = 4_000;
const PLANS: [(&str, u32); 2] = [("Standard", 100), ("Priority", 140)];

/// What of it is known of a component by its number.
pub(super) struct Sort {
    pub component_type: ComponentType,
    pub name: String,
    pub unit: &'static str,
    /// Hundredths of the unit.
    pub middling: u64,
    price: u32,
    pub is_limit: bool,
}

impl NewWorld {
    fn offering_count(&self) -> u32 {
        self.resources.div_ceil(PER_OFFERING)
    }

    /// The components of every offering.
    pub(super) fn sorts(&self) -> Vec<Sort> {
        (0..self.components).filter_map(sort).collect()
    }

    /// The offering of a resource, by number.
    pub(super) fn offering_of(&self, resource: u32) -> u32 {
        resource % self.offering_count()
    }

    pub(super) fn offerings(&self) -> Vec<Offering> {
        let sorts = self.sorts();
        let offerings = (0..self.offering_count()).map(|number| Offering {
            uuid: id("offering", number),
            name: format!("Allocation {}", number + 1),
            slug: format!("allocation-{}", number + 1),
            kind: "Marketplace.Basic".into(),
            state: "Active".into(),
            billable: true,
            shared: true,
            customer_uuid: id("customer", "provider"),
            category_title: "High-performance computing".into(),
            category_uuid: Some(id("category", 0)),
            components: sorts.iter().map(|sort| component(number, sort)).collect(),
            plans: PLANS.iter().map(|&(name, percent)| plan(number, name, percent, &sorts)).collect(),
        });
        offerings.collect()
    }
}

/// The plan of a resource; one in four has the dearer one.
pub(super) fn plan_id(offering: u32, is_priority: bool) -> uuid::Uuid {
    id("plan", format!("{offering}/{}", PLANS[usize::from(is_priority)].0))
}

fn sort(number: u32) -> Option<Sort> {
    let known = usize::try_from(number).ok().and_then(|number| KNOWN.get(number));
    let is_limit = number % LIMIT_EVERY == 3;
    if let Some(&(component_type, name, unit, middling, price)) = known {
        let component_type = component_type.parse().ok()?;
        return Some(Sort { component_type, name: name.into(), unit, middling, price, is_limit });
    }
    Some(Sort {
        component_type: format!("metric_{:02}", number + 1).parse().ok()?,
        name: format!("Metric {}", number + 1),
        unit: "units",
        middling: 1_000 + roll("middling", number, 0) % 100_000,
        price: 1 + number,
        is_limit,
    })
}

fn component(offering: u32, sort: &Sort) -> Component {
    Component {
        uuid: id("component", format!("{offering}/{}", sort.component_type.as_str())),
        kind: sort.component_type.clone(),
        name: sort.name.clone(),
        measured_unit: sort.unit.into(),
        billing_type: if sort.is_limit { BillingType::Limit } else { BillingType::Usage },
        limit_period: sort.is_limit.then(|| "month".into()),
        limit_amount: None,
        min_value: None,
        max_value: None,
        article_code: String::new(),
        is_boolean: false,
    }
}

fn plan(offering: u32, name: &str, percent: u32, sorts: &[Sort]) -> Plan {
    let prices: BTreeMap<ComponentType, Amount> =
        sorts.iter().map(|sort| (sort.component_type.clone(), price(sort.price, percent))).collect();
    Plan {
        uuid: plan_id(offering, name == PLANS[1].0),
        name: name.into(),
        unit: "month".into(),
        unit_price: Amount::ZERO,
        amounts: prices.keys().map(|name| (name.clone(), 0)).collect(),
        prices,
    }
}

/// A price of so many hundredths, and so much per cent of it.
fn price(hundredths: u32, percent: u32) -> Amount {
    let parts = hundredths * percent;
    Amount::parse(&format!("{}.{:04}", parts / 10_000, parts % 10_000)).unwrap_or_default()
}
