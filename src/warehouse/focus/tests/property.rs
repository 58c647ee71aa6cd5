//! What holds in every month: invoices add up, and each usage is told once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::domain::{Amount, line_price, percent};
use crate::warehouse::table::Table;

use super::month::{SETTINGS, TestMonth, id, rows, settings};
use super::rules::faults;

const COMPONENTS: [&str; 6] = ["cpu", "gpu", "storage", "node", "setup", "unknown"];

/// A line: resource, component, quantity in hundredths, price in hundred-thousandths, whether it names its
/// resource, whether its price is told.
type Line = (usize, usize, u32, i32, bool, bool);

fn amount(steps: i64, places: u32) -> Amount {
    Amount::parse(&format!("{steps}e-{places}")).unwrap()
}

fn month(usages: &[(usize, usize, u32)], lines: &[Line], rate: u32) -> TestMonth {
    let mut month = TestMonth::catalogue();
    for (number, (resource, component, cents)) in usages.iter().enumerate() {
        let used = amount(i64::from(*cents), 2).to_string();
        month.usage(number + 1, *resource, COMPONENTS[*component], &used);
    }
    let mut prices: BTreeMap<usize, Amount> = BTreeMap::from([(1, Amount::ZERO), (2, Amount::ZERO)]);
    for (number, (resource, component, quantity, price, names_resource, tells_price)) in
        lines.iter().enumerate()
    {
        let customer = if *resource == 3 { 2 } else { 1 };
        let (quantity, price) = (amount(i64::from(*quantity), 2), amount(i64::from(*price), 5));
        let cost = line_price(quantity, price).unwrap();
        let sum = prices.get_mut(&customer).unwrap();
        *sum = sum.checked_add(cost).unwrap();
        let (quantity, price, cost) = (quantity.to_string(), price.to_string(), cost.to_string());
        let (resource, component) =
            if *names_resource { (*resource, COMPONENTS[*component]) } else { (0, "") };
        let cost = if *tells_price { &*cost } else { "" };
        month.line(number + 1, (customer, resource, component), (&quantity, &price, cost), &[]);
    }
    for (customer, price) in prices {
        // A tax is stored in cents, whatever its rate comes to.
        let tax = percent(price, Amount::from(rate)).unwrap();
        let tax = line_price(tax, Amount::from(1)).unwrap();
        month.invoice(customer, "pending", &price.to_string(), &tax.to_string());
    }
    month
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_month_adds_up_and_obeys_every_rule(
        usages in prop::collection::vec((1_usize..=3, 0_usize..6, 0_u32..100_000), 0..14),
        lines in prop::collection::vec(
            (1_usize..=3, 0_usize..6, 0_u32..100_000, -50_000_i32..500_000, any::<bool>(), any::<bool>()),
            0..14,
        ),
        rate in prop::sample::select(vec![0_u32, 7, 20, 22]),
    ) {
        let month = month(&usages, &lines, rate);
        let charges = month.charges(&settings(SETTINGS, "UTC")).unwrap();
        prop_assert_eq!(faults(&charges), Vec::<String>::new());

        // Each invoice comes to its price, and its taxes to its tax.
        let mut sums: BTreeMap<(String, bool), Amount> = BTreeMap::new();
        let mut consumed: BTreeMap<(String, String), Amount> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for row in rows(&charges) {
            prop_assert!(keys.insert(row["x_waldur_charge_id"].clone()));
            if let Some(invoice) = row.get("InvoiceId") {
                let sum = sums.entry((invoice.clone(), row["ChargeCategory"] == "Tax")).or_default();
                *sum = sum.checked_add(row["BilledCost"].parse().unwrap()).unwrap();
            } else {
                prop_assert_eq!(&row["BilledCost"], "0.0000000000");
            }
            let Some(uuids) = row.get("x_waldur_component_usage_uuids") else { continue };
            seen.extend(uuids.split(' ').map(str::to_owned));
            let key = (row["ResourceId"].clone(), row["x_waldur_component_type"].clone());
            let sum = consumed.entry(key).or_default();
            *sum = sum.checked_add(row["ConsumedQuantity"].parse().unwrap()).unwrap();
        }
        for row in rows(&month.slice(Table::Invoices, "2026-10".parse().unwrap())) {
            for (column, is_tax) in [("price", false), ("tax", true)] {
                let told: Amount = row[column].parse().unwrap();
                let sum = sums.get(&(row["number"].clone(), is_tax)).copied().unwrap_or_default();
                let has_price = !is_tax || sums.contains_key(&(row["number"].clone(), false));
                prop_assert!(sum == told || !has_price, "{} of {}: {} and {}", column, row["number"], sum, told);
            }
        }

        // Each usage is told once, to the last digit.
        let mut used: BTreeMap<(String, String), Amount> = BTreeMap::new();
        for (resource, component, cents) in &usages {
            let sum = used.entry((id('a', *resource), COMPONENTS[*component].to_owned())).or_default();
            *sum = sum.checked_add(amount(i64::from(*cents), 2)).unwrap();
        }
        prop_assert_eq!(consumed, used);
        let uuids: BTreeSet<String> = (1..=usages.len()).map(|number| id('u', number)).collect();
        prop_assert_eq!(seen, uuids);
    }
}
