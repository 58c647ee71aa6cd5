//! What is said of a report as a whole: invoices that do not add up, and what of them is a credit.

use super::worlds::{Sides3, amount, customer_id, resource_id};
use super::*;
use crate::domain::InvoiceLineId;
use crate::plan::{Invoice, InvoiceSeen, InvoiceState};

/// A world with a line below zero beside the usage that it speaks of.
fn with_line(name: &str, is_credit: bool, price: &str) -> Report {
    let mut sides = Sides3::new("2026-11");
    sides.sides = Sides::ServerAndInvoices;
    sides.stores(2, "cpu", "2026-11", "42");
    sides.bills(2, "cpu", "2026-11", "42", "0.5");
    let side = sides.invoiced("2026-11", &InvoiceState::Created);
    for number in 0..2 {
        let customer = customer_id(number);
        let InvoiceSeen::One(invoice) = side.seen.invoice(customer) else { panic!("no invoice") };
        let invoice: Invoice = invoice.clone();
        let price = Some(amount(price));
        side.invoices.insert(customer, InvoiceMoney { invoice, price, tax: None, total: None });
        side.whole.insert(customer);
        side.others.push(OtherLine {
            id: InvoiceLineId::new(uuid::Uuid::from_u128(u128::from(number) + 1)),
            customer,
            name: name.into(),
            resource: Some(resource_id(2)),
            component: Some(super::worlds::component("cpu")),
            is_credit,
            price: amount("-21"),
        });
    }
    sides.report(&Rules::default())
}

#[test]
fn a_line_that_takes_usage_back_is_a_compensation_and_no_credit() {
    for (name, is_credit, credits, compensations) in [
        ("Compensation. HPC allocation", false, "0", "-21"),
        ("Volume discount", false, "-21", "0"),
        ("Whatever", true, "-21", "0"),
    ] {
        let report = with_line(name, is_credit, "0");
        let billed = report.invoices.iter().find(|invoice| !invoice.usage.is_zero()).unwrap();
        let parts = (billed.usage, billed.credits, billed.compensations);
        assert_eq!(parts, (amount("21"), amount(credits), amount(compensations)), "{name}");
    }
}

#[test]
fn an_invoice_says_what_its_lines_say_or_it_is_told() {
    // One of the two invoices bills the usage, and both have the line below zero.
    let report = with_line("Compensation", false, "0");
    let gaps: Vec<_> = report.invoices.iter().filter_map(InvoiceTotal::gap).collect();
    assert_eq!(gaps, [(amount("0"), amount("-21"))]);
    assert!(!report.verdict.agrees);
    let remark = &report.header.remarks[0];
    assert_eq!((remark.kind, remark.weight), (RemarkKind::InvoiceTotal, Weight::Against));
    assert!(
        remark.text.ends_with("says that it comes to 0.00 without tax, and its lines to -21.00"),
        "{}",
        remark.text
    );
    assert!(report.verdict.sentence.contains(&remark.text), "{}", report.verdict.sentence);
}
