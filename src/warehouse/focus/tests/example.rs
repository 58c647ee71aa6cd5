//! The month of the guide, charge by charge: what it comes to was worked out by hand, and stands in
//! `tests/focus/example.csv`, which a validator in Python reads too.

use crate::warehouse::table::Table;

use super::month::{self, SETTINGS, TestMonth, id, rows, settings};
use super::rules::faults;

const OCTOBER: [(&str, &str); 2] =
    [("start", "2026-10-01T00:00:00Z"), ("end", "2026-10-31T23:59:59.999999Z")];

/// A month with a charge of every kind.
pub(super) fn rich() -> TestMonth {
    let mut month = TestMonth::catalogue();
    let whole = |more: &[(&'static str, &'static str)]| [OCTOBER.as_slice(), more].concat();
    // 1: a usage that is billed, rounded up to the cent; 2 and 3: of a plan that was switched.
    month.usage(1, 1, "cpu", "3.33").usage(2, 1, "gpu", "10.00").usage(3, 1, "gpu", "5.00");
    month.line(
        1,
        (1, 1, "cpu"),
        ("3.33", "12.505", "41.65"),
        &whole(&[("plan_uuid", "plan-a"), ("name", "CPU of resource 1")]),
    );
    month.line(
        2,
        (1, 1, "gpu"),
        ("5", "0.85", "4.25"),
        &[
            ("plan_uuid", "plan-a"),
            ("plan_period_uuid", "period-a"),
            ("start", "2026-10-01T00:00:00Z"),
            ("end", "2026-10-11T23:59:59Z"),
        ],
    );
    month.line(
        3,
        (1, 1, "gpu"),
        ("10", "1.25", "12.50"),
        &[
            ("plan_uuid", "plan-b"),
            ("plan_period_uuid", "period-b"),
            ("start", "2026-10-12T00:00:00Z"),
            ("end", "2026-10-31T23:59:59.999999Z"),
        ],
    );
    // 4: 100 GB for 31 days; 5: a node for a month; 6: something that is bought once.
    month.line(4, (1, 1, "storage"), ("3100", "0.001", "3.10"), &whole(&[("unit", "day")]));
    month.line(5, (1, 1, "node"), ("1", "15", "15.00"), &whole(&[("unit", "month")]));
    month.line(6, (1, 2, "setup"), ("1", "50", "50.00"), &whole(&[]));
    // 7: given back for September; 8: a line by hand; both on the same invoice.
    month.line(
        7,
        (1, 1, "cpu"),
        ("1", "-6.50", "-6.50"),
        &[
            ("name", "Compensation for September"),
            ("start", "2026-09-01T00:00:00Z"),
            ("end", "2026-09-30T23:59:59.999999Z"),
        ],
    );
    month.line(
        8,
        (1, 0, ""),
        ("1", "30", "30.00"),
        &whole(&[("name", "Training day"), ("article_code", "TR-1")]),
    );
    month.invoice(1, "created", "150.00", "33.00");
    // A usage of a limit, and one that nobody billed yet; a zero that was billed.
    month.usage(4, 1, "storage", "88.00").usage(5, 2, "cpu", "1.25").usage(6, 3, "egress", "0.00");
    month.line(9, (2, 3, "egress"), ("0", "4", "0.00"), &whole(&[]));
    month.invoice(2, "pending", "0.00", "0.00");
    // An invoice that was canceled charges nobody.
    month.invoice(3, "canceled", "12.00", "2.64");
    month.line(10, (3, 2, "node"), ("1", "12", "12.00"), &whole(&[("unit", "month")]));
    month
}

#[test]
fn the_example_is_what_was_worked_out_by_hand_and_obeys_every_rule() {
    let charges = rich().charges(&settings(SETTINGS, "UTC")).unwrap();
    assert_eq!(faults(&charges), Vec::<String>::new());
    let names: Vec<&str> = charges.schema().columns().iter().map(|column| column.name.as_ref()).collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&names).unwrap();
    for row in rows(&charges) {
        csv.write_record(names.iter().map(|&name| row.get(name).map_or("", String::as_str))).unwrap();
    }
    let csv = String::from_utf8(csv.into_inner().unwrap()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/focus/example.csv");
    if std::env::var_os("WALDUR_USAGE_WRITE_SAMPLES").is_some() {
        std::fs::write(path, &csv).unwrap();
    }
    assert_eq!(csv, std::fs::read_to_string(path).unwrap());
}

#[test]
fn invoices_add_up_with_their_taxes() {
    let charges = rich().charges(&settings(SETTINGS, "UTC")).unwrap();
    let sum = |invoice: &str, category: &str| {
        let own = rows(&charges).into_iter().filter(|row| {
            row.get("InvoiceId").is_some_and(|id| id == invoice)
                && (row["ChargeCategory"] == "Tax") == (category == "Tax")
        });
        crate::domain::Amount::total(own.map(|row| row["BilledCost"].parse().unwrap())).unwrap().to_string()
    };
    assert_eq!((sum("100001", ""), sum("100001", "Tax")), ("150.00".into(), "33.00".into()));
    assert_eq!((sum("100002", ""), sum("100002", "Tax")), ("0.00".into(), "0.00".into()));
    assert!(rows(&charges).iter().all(|row| row.get("InvoiceId").is_none_or(|id| id != "100003")));
}

#[test]
fn the_same_month_makes_the_same_charges_whatever_the_order() {
    let charges = rich().charges(&settings(SETTINGS, "UTC")).unwrap();
    let again = rich().charges(&settings(SETTINGS, "UTC")).unwrap();
    assert_eq!(charges.digest(), again.digest());
    let tax = month::charge(&charges, &format!("tax:{}", id('1', 1)));
    assert_eq!((&*tax["BilledCost"], &*tax["ContractedCost"]), ("9.1630000000", "9.1611630000"));
    assert_eq!(charges.schema().table(), Table::Charges);
}
