//! October 2026 of the built-in world as its provider states it to a customer's finance: with prices,
//! and with a mistake of a few kinds.

use serde_json::Value;

use super::month::{text, world};
use super::sheet::{Cell, Sheet};

const MONTH: &str = "2026-10";
/// The components that are billed by usage, with the price of the plan Standard in hundred-thousandths. What
/// is billed by its limit is stated without a price.
const PRICES: [(&str, &str, i64); 3] =
    [("cpu", "12.50", 1_250_000), ("ram", "0.002", 200), ("gpu_hours", "0.85", 85_000)];
/// Resource, component, and what is wrong with the row.
const MISTAKES: [(&str, &str, Mistake); 4] = [
    ("climate-alps", "cpu", Mistake::Digits),
    ("climate-era5", "gpu_hours", Mistake::Missing),
    ("qmat-gw", "ram", Mistake::Unit),
    ("tumour-ct", "cpu", Mistake::Price),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mistake {
    Digits,
    Missing,
    Unit,
    Price,
}

/// The statement.
pub(super) fn sheet() -> Sheet {
    let world = world();
    let list = |name: &str| world[name].as_array().unwrap().clone();
    let (resources, usages, projects, customers) =
        (list("resources"), list("usages"), list("projects"), list("customers"));
    let named = |rows: &[Value], uuid: &Value| rows.iter().find(|row| row["uuid"] == *uuid).unwrap().clone();
    let mut rows = Vec::new();
    for usage in usages.iter().filter(|usage| usage["billing_period"] == MONTH) {
        let component = text(&usage["type"]);
        let standard = PRICES.iter().find(|(name, ..)| *name == component).copied();
        // The other components are those of another offering.
        if standard.is_none() && component != "storage" {
            continue;
        }
        let resource = named(&resources, &usage["resource_uuid"]);
        let project = named(&projects, &resource["project_uuid"]);
        let customer = named(&customers, &project["customer_uuid"]);
        let name = text(&resource["name"]);
        let mistake = MISTAKES.iter().find(|(own, of, _)| *own == name && *of == component);
        let mistake = mistake.map(|(.., mistake)| *mistake);
        let mut cents: i64 = text(&usage["usage"]).replace('.', "").parse().unwrap();
        match mistake {
            Some(Mistake::Missing) => continue,
            Some(Mistake::Digits) => cents = exchanged(cents),
            Some(Mistake::Unit) => cents *= 1024,
            Some(Mistake::Price) | None => {}
        }
        let is_dear = mistake == Some(Mistake::Price);
        let standard = standard.map(|(_, unit_price, price)| (unit_price, price));
        let price = if is_dear { Some(("12.75", 1_275_000)) } else { standard };
        // Rounded up to the cent, as an invoice does.
        let due = price.map(|(_, price)| decimal((cents * price + 99_999) / 100_000));
        rows.push(vec![
            Cell::text(&text(&resource["uuid"]).replace('-', "")),
            Cell::text(&name),
            Cell::Month(MONTH.to_owned()),
            Cell::text(&component),
            Cell::Number(decimal(cents)),
            price.map_or(Cell::text(""), |(unit_price, _)| Cell::Number(unit_price.to_owned())),
            due.map_or(Cell::text(""), Cell::Number),
            Cell::text(if price.is_some() { "EUR" } else { "" }),
            Cell::text(&text(&customer["name"])),
        ]);
    }
    let stranger = ["", "climate-paleo", MONTH, "cpu", "42.00", "12.50", "525.00", "EUR", ""];
    rows.push(stranger.map(Cell::text).to_vec());
    Sheet {
        title: "Statement of October 2026",
        headers: vec![
            "resource_uuid",
            "resource_name",
            "billing_period",
            "component_type",
            "amount",
            "unit_price",
            "price",
            "currency",
            "organisation",
        ],
        rows,
    }
}

/// The first two digits that differ and stand side by side, exchanged.
fn exchanged(cents: i64) -> i64 {
    let mut digits: Vec<char> = cents.to_string().chars().collect();
    let at = (1..digits.len()).find(|&at| digits[at] != digits[at - 1]).unwrap();
    digits.swap(at, at - 1);
    digits.into_iter().collect::<String>().parse().unwrap()
}

fn decimal(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
