//! What a file asks for is held against what is owed, whatever else lets a key pass.

use super::worlds::{Sides3, amount, customer_id, month, priced, resource_id, told};
use super::*;
use crate::domain::{InvoiceLineId, PlanId};
use crate::plan::InvoiceState;
use crate::resolve::{FileLine, PlanPeriod};

fn rules(text: &str) -> Rules {
    Rules::parse(text).unwrap()
}

fn tolerant(text: &str) -> Rules {
    let mut rules = Rules::default();
    rules.add_tolerance(text.parse().unwrap());
    rules
}

/// A month with a closed invoice, of which one row of a file asks for a price.
fn invoiced() -> Sides3 {
    let mut sides = Sides3::new("2026-11");
    sides.sides = super::Sides::FileServerAndInvoices;
    sides.invoiced("2026-11", &InvoiceState::Created);
    sides
}

/// Stores and bills 10 cpu hours at 0.50 and lets the file state what `plant` makes of it.
fn billed(file: &str, plant: impl FnOnce(&mut FileLine)) -> Sides3 {
    let mut sides = invoiced();
    plant(sides.states(1, "cpu", "2026-11", file));
    sides.stores(1, "cpu", "2026-11", "10");
    sides.bills(1, "cpu", "2026-11", "10", "0.5");
    sides
}

fn line(sides: Sides3, rules: &Rules) -> String {
    let report = sides.report(rules);
    assert!(report.proof.holds());
    told(&report).join("\n")
}

#[test]
fn a_tolerance_of_quantity_lets_no_price_pass() {
    let tolerance = tolerant("0.05");
    for (price, expected) in [
        (
            "9999",
            "price +within-tolerance | 9994.00 EUR | the file has the price 9999.00, and at the price of the invoice it is 5.02",
        ),
        ("5.00", "within-tolerance | 0.00 EUR | by 0.05"),
        ("5.02", "within-tolerance | 0.02 EUR | by 0.05"),
    ] {
        let sides = billed("10.03", |line| priced(line, None, Some(price), None));
        assert_eq!(line(sides, &tolerance), format!("resource-1 cpu 2026-11: 10.03 10.00 | {expected}"));
    }
}

#[test]
fn a_tolerance_of_money_is_of_what_the_quantity_costs() {
    // The same price for a tenth of the quantity: what is missing costs 4.50.
    let sides = billed("1", |line| priced(line, None, Some("5"), None));
    let text = line(sides, &tolerant("money=0.02"));
    assert!(text.starts_with("resource-1 cpu 2026-11: 1.00 10.00 | amount"), "{text}");
    let sides = billed("9.97", |line| priced(line, None, Some("4.99"), None));
    let text = line(sides, &tolerant("money=0.02"));
    assert!(text.contains("| within-tolerance | -0.01 EUR | by money=0.02"), "{text}");
    // Usage of what is billed by limit costs nothing, and any amount would differ by nothing.
    let mut sides = invoiced();
    sides.states(1, "disk", "2026-11", "999999");
    sides.stores(1, "disk", "2026-11", "5");
    let text = line(sides, &tolerant("money=0.02"));
    assert!(text.starts_with("resource-1 disk 2026-11: 999999.00 5.00 | amount"), "{text}");
}

#[test]
fn prices_on_some_of_the_rows_are_compared_row_by_row() {
    let of_rows = |first: (&str, Option<&str>, Option<&str>), second: (&str, Option<&str>, Option<&str>)| {
        let mut sides = invoiced();
        for (file, unit_price, price) in [first, second] {
            let row = sides.states(1, "cpu", "2026-11", file);
            if unit_price.or(price).is_some() {
                priced(row, unit_price, price, None);
            }
        }
        sides.stores(1, "cpu", "2026-11", "10");
        sides.bills(1, "cpu", "2026-11", "10", "0.5");
        line(sides, &Rules::default())
    };
    for (first, second, note) in [
        (
            ("8", Some("99"), Some("792")),
            ("2", None, None),
            "a unit costs 99.00 in the file and 0.50 on the invoice",
        ),
        (
            ("8", None, Some("9999")),
            ("2", None, None),
            "the file has the price 9999.00, and at the price of the invoice it is 4.00",
        ),
        (
            ("8", Some("99"), None),
            ("2", Some("0.5"), None),
            "a unit costs 99.00 in the file and 0.50 on the invoice",
        ),
        (
            ("10", Some("0.5"), None),
            ("0", None, Some("5000")),
            "the file has the price 5005.00, and the invoice 5.00",
        ),
    ] {
        let text = of_rows(first, second);
        assert!(text.contains("| price"), "{text}");
        assert!(text.ends_with(note), "{text}");
    }
    let text = of_rows(("8", Some("0.5"), None), ("2", None, None));
    assert!(text.contains("10.00 10.00 | match"), "{text}");
}

#[test]
fn what_the_server_converts_is_compared_in_money() {
    let mut sides = invoiced();
    for (resource, price) in [(1, Some("0.02")), (2, Some("9999")), (3, None)] {
        let row = sides.states(resource, "ram", "2026-11", "600");
        if price.is_some() {
            priced(row, None, price, None);
        }
        sides.stores(resource, "ram", "2026-11", "600");
        sides.bills(resource, "ram", "2026-11", "10", "0.002");
    }
    let text = line(sides, &Rules::default());
    assert_eq!(
        text.lines().map(|line| line.split_once(": 600.00 600.00 | ").unwrap().1).collect::<Vec<_>>(),
        [
            "price +converted-by-server | 9998.98 EUR | the file has the price 9999.00, and the invoice 0.02",
            "converted-by-server | 0.00 EUR | the server bills hours: the usage divided by 60, rounded up",
            "converted-by-server | the server bills hours: the usage divided by 60, rounded up",
        ]
    );
}

#[test]
fn prices_of_rows_in_another_unit_are_of_that_unit() {
    let minutes =
        rules("[[unit]]\nname = \"minutes\"\nfrom = \"minutes\"\nto = \"hours\"\nfactor = \"1/60\"\n");
    let in_minutes = |unit_price: Option<&str>, price: Option<&str>| {
        let mut sides = Sides3::new("2026-11");
        let row = sides.states(1, "cpu", "2026-11", "600");
        priced(row, unit_price, price, None);
        super::worlds::named(row, None, None, Some("minutes"));
        sides.stores(1, "cpu", "2026-11", "10");
        line(sides, &minutes).split_once("10.00 10.00 | ").unwrap().1.to_owned()
    };
    assert_eq!(
        in_minutes(Some("0.01"), Some("6")),
        "price | 1.00 EUR | the file has the price 6.00, and by the plan of today it is 5.00"
    );
    assert_eq!(
        in_minutes(Some("0.005"), Some("5")),
        "price | 0.00 EUR | the file has 5.00 for 600.00 at 0.005, which comes to 3.00"
    );
    assert_eq!(in_minutes(None, Some("5")), "match | by minutes");
    // A unit price alone is that of a minute: 600 × 0.02 are no 5.00.
    assert_eq!(
        in_minutes(Some("0.02"), None),
        "price | 7.00 EUR | the file has the price 12.00, and by the plan of today it is 5.00"
    );
}

/// A line of the invoice that bills a component of a resource otherwise than by usage.
fn bills_otherwise(sides: &mut Sides3, resource: u32, of: &str, price: &str) {
    let id = InvoiceLineId::new(uuid::Uuid::from_u128(u128::from(sides.number())));
    sides.invoices.get_mut(&month("2026-11")).unwrap().others.push(OtherLine {
        id,
        customer: customer_id(resource % 2),
        name: "by limit".into(),
        resource: Some(resource_id(resource)),
        component: Some(of.parse().unwrap()),
        is_credit: false,
        price: amount(price),
    });
}

#[test]
fn what_is_billed_by_limit_or_once_is_compared_in_money() {
    let mut sides = invoiced();
    for (resource, of, file, stored, stated, owed) in [
        (1, "disk", "5", Some("5"), "80", Some("80")),
        (2, "disk", "5", Some("5"), "9999", Some("80")),
        (3, "seats", "1", None, "15", Some("15")),
        (4, "seats", "1", None, "16", Some("15")),
        (5, "disk", "5", Some("5"), "80", None),
    ] {
        priced(sides.states(resource, of, "2026-11", file), None, Some(stated), None);
        if let Some(stored) = stored {
            sides.stores(resource, of, "2026-11", stored);
        }
        if let Some(owed) = owed {
            bills_otherwise(&mut sides, resource, of, owed);
        }
    }
    let report = sides.report(&Rules::default());
    assert!(report.proof.holds());
    assert_eq!(
        told(&report),
        [
            "resource-4 seats 2026-11: 1.00 - | missing-on-server +price | 1.00 EUR | the file has the price 16.00, and the invoice 15.00, not by usage",
            "resource-2 disk 2026-11: 5.00 5.00 | price | 9919.00 EUR | the file has the price 9999.00, and the invoice 80.00, not by usage",
            "resource-3 seats 2026-11: 1.00 - | ignored | 0.00 EUR | by not billed by usage",
            "resource-1 disk 2026-11: 5.00 5.00 | match",
            "resource-5 disk 2026-11: 5.00 5.00 | match +price | the file has the price 80.00; it is not billed by usage, and no line is seen",
        ]
    );
    // What is stated and what is billed are told of the same lines.
    let of = |name: &str| report.organisations.iter().find(|own| &*own.name == name).unwrap();
    assert_eq!(of("organisation-0").billed, Some(amount("95")));
    assert_eq!(of("organisation-1").billed, Some(amount("95")));
}

#[test]
fn a_price_for_nothing_is_a_difference() {
    let mut sides = Sides3::new("2026-11");
    priced(sides.states(1, "cpu", "2026-11", "0"), None, Some("500"), None);
    assert_eq!(
        line(sides, &Rules::default()),
        "resource-1 cpu 2026-11: 0.00 - | price | 500.00 EUR | the file has the price 500.00, and by the plan of today it is 0.00"
    );
}

#[test]
fn a_price_without_anything_to_hold_it_against_is_told() {
    let mut sides = Sides3::new("2026-11");
    priced(sides.states(1, "seats", "2026-11", "3"), None, Some("99999"), None);
    sides.stores(1, "seats", "2026-11", "3");
    let text = line(sides, &Rules::default());
    assert!(text.contains("3.00 3.00 | match +price"), "{text}");
    assert!(
        text.ends_with("the file has the price 99999.00, and no price is known to hold it against"),
        "{text}"
    );
}

#[test]
fn the_price_of_another_plan_is_wrong_where_it_is_known_which_plan_it_was() {
    let with_periods = |is_known: bool| {
        let mut sides = Sides3::new("2026-11");
        let other = PlanId::new(uuid::Uuid::from_u128(77));
        let resource = sides.catalogue.resource(resource_id(1)).unwrap().clone();
        let mut offering = sides.catalogue.offering(resource.offering).unwrap().clone();
        offering.prices.insert((other, "cpu".parse().unwrap()), amount("0.75"));
        sides.catalogue.add_offering(offering);
        if is_known {
            let period = PlanPeriod {
                id: crate::domain::PlanPeriodId::new(uuid::Uuid::from_u128(78)),
                plan: resource.plan,
                plan_name: "Standard".into(),
                start: Some("2026-01-01T00:00:00Z".parse().unwrap()),
                end: None,
                usages: Vec::new(),
            };
            sides.catalogue.add_plan_periods(resource.id, vec![period]);
        }
        priced(sides.states(1, "cpu", "2026-11", "10"), Some("0.75"), None, None);
        sides.stores(1, "cpu", "2026-11", "10");
        line(sides, &Rules::default())
    };
    let note = "a unit costs 0.75 in the file and 0.50 by the plan of today";
    assert_eq!(
        with_periods(true),
        format!("resource-1 cpu 2026-11: 10.00 10.00 | price | 2.50 EUR | {note}")
    );
    assert_eq!(with_periods(false), format!("resource-1 cpu 2026-11: 10.00 10.00 | match +price | {note}"));
}

#[test]
fn tax_invoice_and_payer_are_compared() {
    let with = |change: fn(&mut crate::resolve::StatedMoney)| {
        let sides = billed("10", |line| {
            priced(line, Some("0.5"), Some("5"), None);
            change(line.more.as_deref_mut().unwrap().money.as_mut().unwrap());
        });
        let mut sides = sides;
        let side = sides.invoices.get_mut(&month("2026-11")).unwrap();
        let id = side.seen.all_lines().next().unwrap().id;
        for number in 0..2 {
            let crate::plan::InvoiceSeen::One(invoice) = side.seen.invoice(customer_id(number)).clone()
            else {
                panic!("not seen");
            };
            let money = InvoiceMoney { invoice, price: None, tax: None, total: None };
            side.invoices.insert(customer_id(number), money);
        }
        side.taxes.insert(id, amount("1.20"));
        line(sides, &Rules::default()).split_once("10.00 10.00 | ").unwrap().1.to_owned()
    };
    assert_eq!(with(|_| {}), "match");
    assert_eq!(with(|money| money.tax = Some(amount("1.2"))), "match");
    assert_eq!(
        with(|money| money.tax = Some(amount("0"))),
        "price | -1.20 EUR | the file has the tax 0.00, and the invoice 1.20"
    );
    assert_eq!(with(|money| money.invoice_number = Some("100041".into())), "match");
    assert_eq!(with(|money| money.invoice_number = Some("the provider's own".into())), "match");
    assert_eq!(
        with(|money| money.invoice_number = Some("100040".into())),
        "price | 0.00 EUR | the file names the invoice 100040, and it is on 100041"
    );
    assert_eq!(with(|money| money.customer = Some("Organisation  1".into())), "match");
    assert_eq!(
        with(|money| money.customer = Some("organisation-0".into())),
        "price | 0.00 EUR | the file has organisation-0 pay for it, and it is of organisation-1"
    );
    assert_eq!(
        with(|money| money.customer = Some("ACME".into())),
        "match +price | the file has ACME pay for it, and it is of organisation-1"
    );
}

#[test]
fn money_in_another_currency_has_no_known_worth() {
    let sides = billed("10", |line| priced(line, None, Some("2905.88"), Some("USD")));
    let report = sides.report(&Rules::default());
    let note = "the file states USD and the server EUR: the prices are not compared";
    assert_eq!(told(&report), [format!("resource-1 cpu 2026-11: 10.00 10.00 | price | {note}")]);
    assert_eq!(report.verdict.without_price, 1);
}
