//! What the centre offers: components with their units, plans with their prices.

use std::collections::BTreeMap;

use super::id;
use crate::domain::{Amount, BillingType, ComponentType};
use crate::sandbox::world::{Component, Offering, Plan};

/// Type, name, unit, how it is billed.
const HPC: [(&str, &str, &str, BillingType); 5] = [
    ("cpu", "CPU", "k-hours", BillingType::Usage),
    ("ram", "RAM", "GB-hours", BillingType::Usage),
    ("gpu_hours", "GPU", "hours", BillingType::Usage),
    ("storage", "Project storage", "GB", BillingType::Limit),
    ("node", "Login node", "units", BillingType::Fixed),
];
const STORAGE: [(&str, &str, &str, BillingType); 3] = [
    ("block_storage", "Block storage", "GB", BillingType::Usage),
    ("object_storage", "Object storage", "TB", BillingType::Usage),
    ("egress", "Data sent out", "TB", BillingType::Usage),
];
/// TB that a storage may send out in all its life.
const EGRESS_LIMIT: u32 = 500;

pub(super) fn offerings() -> Vec<Offering> {
    let storage = [("block_storage", "0.06"), ("object_storage", "11.50"), ("egress", "4.00")];
    let standard =
        [("cpu", "12.50"), ("ram", "0.002"), ("gpu_hours", "0.85"), ("storage", "0.04"), ("node", "15.00")];
    let priority =
        [("cpu", "17.50"), ("ram", "0.003"), ("gpu_hours", "1.25"), ("storage", "0.04"), ("node", "15.00")];
    vec![
        Offering {
            components: components("hpc", &HPC),
            plans: vec![
                plan("hpc-standard", "Standard", &standard),
                plan("hpc-priority", "Priority", &priority),
            ],
            ..offering("hpc", "HPC allocation", "High-performance computing")
        },
        Offering {
            components: components("storage", &STORAGE),
            plans: vec![plan("storage-standard", "Standard", &storage)],
            ..offering("storage", "Research data storage", "Storage")
        },
    ]
}

fn offering(key: &str, name: &str, category: &str) -> Offering {
    Offering {
        uuid: id("offering", key),
        name: name.into(),
        slug: key.into(),
        kind: "Marketplace.Basic".into(),
        state: "Active".into(),
        billable: true,
        shared: true,
        customer_uuid: id("customer", "nordlys"),
        category_title: category.into(),
        category_uuid: Some(id("category", category)),
        components: Vec::new(),
        plans: Vec::new(),
    }
}

fn components(offering: &str, written: &[(&str, &str, &str, BillingType)]) -> Vec<Component> {
    let components = written.iter().filter_map(|(component_type, name, unit, billing_type)| {
        let has_limit = *component_type == "egress";
        Some(Component {
            uuid: id("component", &format!("{offering}/{component_type}")),
            kind: component_type.parse::<ComponentType>().ok()?,
            name: (*name).into(),
            measured_unit: (*unit).into(),
            billing_type: billing_type.clone(),
            limit_period: has_limit.then(|| "total".into()),
            limit_amount: has_limit.then_some(EGRESS_LIMIT),
            min_value: None,
            max_value: None,
            article_code: String::new(),
            is_boolean: false,
        })
    });
    components.collect()
}

fn plan(key: &str, name: &str, prices: &[(&str, &str)]) -> Plan {
    let types = prices.iter().filter_map(|(component_type, price)| {
        Some((component_type.parse::<ComponentType>().ok()?, Amount::parse(price).ok()?))
    });
    let prices: BTreeMap<ComponentType, Amount> = types.collect();
    Plan {
        uuid: id("plan", key),
        name: name.into(),
        unit: "month".into(),
        unit_price: Amount::ZERO,
        amounts: prices.keys().map(|name| (name.clone(), u32::from(name.as_str() == "node"))).collect(),
        prices,
    }
}
