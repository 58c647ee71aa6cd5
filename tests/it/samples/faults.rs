//! The same month as somebody in a hurry might have filled it in: a fault of each kind, once.

use serde_json::Value;

use super::month::{MONTH, Usage, text, world};
use super::sheet::{Cell, Sheet};

/// Resources whose rows are as they should be.
const GOOD: [&str; 8] = [
    "climate-cordex",
    "climate-era5",
    "flame-dns",
    "qmat-gw",
    "plankton-metabarcoding",
    "cohort-rna",
    "climate-data",
    "tumour-data",
];

/// A row, and how it was spoilt.
struct Draft {
    offering: String,
    resource: Cell,
    name: String,
    month: Cell,
    component: String,
    amount: Cell,
    unit: String,
    description: String,
}

impl Draft {
    fn of(usage: &Usage) -> Self {
        Self {
            offering: usage.offering.replace('-', ""),
            resource: Cell::text(&usage.resource),
            name: usage.name.clone(),
            month: Cell::Month(MONTH.to_owned()),
            component: usage.component.clone(),
            amount: Cell::Number(usage.amount.clone()),
            unit: usage.unit.clone(),
            description: usage.description.clone(),
        }
    }

    fn cells(self) -> Vec<Cell> {
        vec![
            Cell::text(&self.offering),
            self.resource,
            Cell::text(&self.name),
            self.month,
            Cell::text(&self.component),
            self.amount,
            Cell::text(&self.unit),
            Cell::text(&self.description),
        ]
    }
}

/// The month of some resources, with faults among the rows.
pub(super) fn sheet(usages: &[Usage]) -> Sheet {
    let mut drafts: Vec<Draft> =
        usages.iter().filter(|usage| GOOD.contains(&usage.name.as_str())).map(Draft::of).collect();
    // Faults do not come in a row in real files: every third row is one, until there are no more.
    for (number, fault) in faults(usages).into_iter().enumerate() {
        drafts.insert((number * 3 + 2).min(drafts.len()), fault);
    }
    Sheet {
        title: "Usage of November 2026, with faults",
        headers: vec![
            "offering_uuid",
            "resource_uuid",
            "resource_name",
            "billing_period",
            "component_type",
            "amount",
            "unit",
            "description",
        ],
        rows: drafts.into_iter().map(Draft::cells).collect(),
    }
}

fn faults(usages: &[Usage]) -> Vec<Draft> {
    let world = world();
    let figure = |name: &str, component: &str| {
        let is_it = |usage: &&Usage| usage.name == name && usage.component == component;
        Draft::of(usages.iter().find(is_it).unwrap())
    };
    // A row of a resource that the good month leaves out.
    let left_out = |name: &str| {
        let resources = world["resources"].as_array().unwrap();
        let resource = resources.iter().find(|resource| resource["name"] == name).unwrap();
        let uuid = |value: &Value| text(value).replace('-', "");
        Draft {
            offering: uuid(&resource["offering_uuid"]),
            resource: Cell::text(&uuid(&resource["uuid"])),
            name: name.to_owned(),
            ..figure("flame-dns", "cpu")
        }
    };
    let number = |digits: &str| Cell::Number(digits.to_owned());
    let typed = |text: &str| Cell::Text(text.to_owned());
    let note = |note: &str| note.to_owned();
    vec![
        Draft {
            resource: typed("4be1d07f93c25a6882cf1e5d70a94b36"),
            name: note("climate-paleo"),
            description: note("uuid of a resource that was never created"),
            ..figure("climate-alps", "cpu")
        },
        Draft { component: note("gpu_hour"), ..figure("climate-alps", "gpu_hours") },
        Draft {
            component: note("node"),
            amount: number("1"),
            unit: note("units"),
            ..figure("climate-alps", "cpu")
        },
        Draft { description: note("terminated on 5 November"), ..left_out("flame-spray") },
        Draft { amount: number("412.375"), ..figure("plankton-annotation", "cpu") },
        Draft {
            amount: number("-35"),
            description: note("correction for October"),
            ..figure("plankton-annotation", "ram")
        },
        Draft { amount: typed("310 h"), ..figure("plankton-annotation", "gpu_hours") },
        Draft { amount: typed("1.204.50"), ..figure("acoustics-array", "ram") },
        Draft { amount: number("96.25"), description: note("second half"), ..figure("flame-dns", "cpu") },
        Draft { unit: note("MB-hours"), ..figure("tumour-ct", "ram") },
        Draft { month: typed("Nov 26"), ..figure("tumour-ct", "cpu") },
        Draft { resource: Cell::Blank, ..left_out("sequencing") },
        Draft { description: note("nobody has chosen a plan yet"), ..left_out("monitoring") },
        Draft { description: note("plan switched on 9 November"), ..left_out("flame-les") },
        Draft {
            amount: number("18874368000000"),
            description: note("reported in byte-hours"),
            ..figure("cohort-wgs", "ram")
        },
        // What a spreadsheet makes of an id that looks like a number.
        Draft { resource: number("7.13E+59"), ..figure("cohort-wgs", "cpu") },
        Draft { component: String::new(), ..figure("cohort-wgs", "gpu_hours") },
        // The last two are no faults: worth a look, and no more.
        Draft { amount: Cell::Blank, ..figure("cohort-imputation", "cpu") },
        Draft { description: note("no plan period: stored, never billed"), ..left_out("training-course") },
    ]
}
