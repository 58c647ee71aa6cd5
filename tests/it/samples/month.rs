//! November 2026 of the built-in world: what the centre reports at the end of the month.
//!
//! Thirty resources; those of which some was reported in the middle of the month are updated or
//! stay as they are, the others are new. Left out is what a careful client would not let through.

use serde_json::Value;
use waldur_usage::sandbox::World;

use super::sheet::{Cell, Sheet};

pub(super) const MONTH: &str = "2026-11";
/// Reported already in the middle of the month, and unchanged since.
const UNCHANGED: [&str; 3] = ["qmat-dft", "climate-archive", "tumour-archive"];
/// Ordinary resources that nobody has reported by the end of the month.
const NOT_REPORTED: [&str; 2] = ["benchmarks", "climate-ensemble"];
/// Resources whose reports carry a note.
const NOTES: [(&str, &str); 3] = [
    ("climate-era5", "final for November"),
    ("plankton-assembly", "final for November"),
    ("tumour-learning", "GPU partition in maintenance from 12 to 14 November"),
];

/// One figure of the month.
#[derive(Debug, Clone)]
pub(super) struct Usage {
    pub offering: String,
    pub resource: String,
    pub name: String,
    pub component: String,
    pub unit: String,
    /// As it is written: two decimal places.
    pub amount: String,
    pub description: String,
}

/// The world as its file has it.
pub(super) fn world() -> Value {
    serde_json::to_value(World::built_in()).unwrap()
}

/// Every figure of the month, resource by resource.
pub(super) fn usages() -> Vec<Usage> {
    let world = world();
    let offerings = world["offerings"].as_array().unwrap();
    let mut usages = Vec::new();
    for (number, resource) in (0_i64..).zip(world["resources"].as_array().unwrap()) {
        if !is_reported(resource) {
            continue;
        }
        let own = |offering: &&Value| offering["uuid"] == resource["offering_uuid"];
        let components = offerings.iter().find(own).unwrap()["components"].as_array().unwrap();
        let reported = components.iter().filter(|component| component["billing_type"] != "fixed");
        for (place, component) in (0_i64..).zip(reported) {
            usages.push(usage(&world, resource, component, number * 7 + place * 5));
        }
    }
    usages
}

/// Whether a resource takes reports, has one plan period, and is reported this month.
fn is_reported(resource: &Value) -> bool {
    let takes_usage = ["OK", "Updating", "Terminating"].contains(&text(&resource["state"]).as_str());
    let periods = resource["plan_periods"].as_array().unwrap();
    takes_usage && periods.len() == 1 && !NOT_REPORTED.contains(&text(&resource["name"]).as_str())
}

fn usage(world: &Value, resource: &Value, component: &Value, variation: i64) -> Usage {
    let (name, kind) = (text(&resource["name"]), text(&component["type"]));
    let stored = |period: &str| {
        let usages = world["usages"].as_array().unwrap();
        let is_it = |usage: &&Value| {
            usage["resource_uuid"] == resource["uuid"]
                && usage["type"] == component["type"]
                && usage["billing_period"] == period
        };
        usages.iter().find(is_it).map(|usage| hundredths(&text(&usage["usage"])))
    };
    let amount = match stored(MONTH) {
        Some(interim) if UNCHANGED.contains(&name.as_str()) => interim,
        // The second half of the month is a little busier or calmer than the first.
        Some(interim) => interim * (180 + variation % 41) / 100,
        None => stored("2026-10").unwrap_or(0) * (80 + variation % 45) / 100,
    };
    let note = NOTES.iter().find(|(noted, _)| *noted == name).map_or("", |(_, note)| note);
    Usage {
        offering: text(&resource["offering_uuid"]),
        resource: text(&resource["uuid"]).replace('-', ""),
        name,
        component: kind,
        unit: text(&component["measured_unit"]),
        amount: format!("{}.{:02}", amount / 100, amount % 100),
        description: note.to_owned(),
    }
}

/// One row per figure.
pub(super) fn long(usages: &[Usage]) -> Sheet {
    let rows = usages.iter().map(|usage| {
        vec![
            Cell::text(&usage.resource),
            Cell::text(&usage.name),
            Cell::Month(MONTH.to_owned()),
            Cell::text(&usage.component),
            Cell::Number(usage.amount.clone()),
            Cell::text(&usage.unit),
            Cell::text(&usage.description),
        ]
    });
    Sheet {
        title: "Usage of November 2026, one row per component",
        headers: vec![
            "resource_uuid",
            "resource_name",
            "billing_period",
            "component_type",
            "amount",
            "unit",
            "description",
        ],
        rows: rows.collect(),
    }
}

/// One row per resource, one column per component.
pub(super) fn wide(usages: &[Usage]) -> Sheet {
    let components = ["cpu", "ram", "gpu_hours", "storage", "block_storage", "object_storage", "egress"];
    let of_resources = usages.chunk_by(|one, next| one.resource == next.resource);
    let rows = of_resources.map(|usages| {
        let first = &usages[0];
        let mut row =
            vec![Cell::text(&first.resource), Cell::text(&first.name), Cell::Month(MONTH.to_owned())];
        row.extend(components.iter().map(|component| {
            let reported = usages.iter().find(|usage| usage.component == *component);
            reported.map_or(Cell::Blank, |usage| Cell::Number(usage.amount.clone()))
        }));
        row.push(Cell::text(&first.description));
        row
    });
    let mut headers = vec!["resource_uuid", "resource_name", "billing_period"];
    headers.extend(components);
    headers.push("description");
    Sheet { title: "Usage of November 2026, one row per resource", headers, rows: rows.collect() }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A decimal of two places as a whole number of hundredths.
fn hundredths(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}
