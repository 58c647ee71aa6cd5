//! Single decisions: what a line is, whose usage it bills, and what is refused.

use crate::warehouse::focus::FocusError;
use crate::warehouse::table::Table;

use super::example::rich;
use super::month::{SETTINGS, TestMonth, charge, id, rows, settings};
use super::rules::faults;

const WHOLE: [(&str, &str); 2] = [("start", "2026-10-01T00:00:00Z"), ("end", "2026-10-31T23:59:59.999999Z")];

fn utc() -> crate::warehouse::focus::FocusSettings {
    settings(SETTINGS, "UTC")
}

/// The columns of a charge, `-` where they are null.
fn told(month: &TestMonth, id: &str, columns: &[&str]) -> Vec<String> {
    let charges = month.charges(&utc()).unwrap();
    assert_eq!(faults(&charges), Vec::<String>::new());
    let charge = charge(&charges, id);
    columns.iter().map(|&column| charge.get(column).map_or("-".to_owned(), Clone::clone)).collect()
}

#[test]
fn a_line_is_what_its_component_is_billed_by() {
    let month = rich();
    let kind = |line: usize| {
        let columns = ["ChargeCategory", "ChargeFrequency", "PricingQuantity", "PricingUnit", "ConsumedUnit"];
        told(&month, &format!("line:{}", id('1', line)), &columns).join(" ")
    };
    assert_eq!(kind(1), "Usage Usage-Based 3.3300000000 k-hours k-hours");
    assert_eq!(kind(4), "Purchase Recurring 3100.0000000000 GB-Days -");
    assert_eq!(kind(5), "Purchase Recurring 1.0000000000 Months -");
    assert_eq!(kind(6), "Purchase One-Time 1.0000000000 Units -");
    assert_eq!(kind(7), "Credit One-Time - - -");
    assert_eq!(kind(8), "Adjustment One-Time 1.0000000000 Units -");
}

#[test]
fn a_limit_of_a_life_time_is_bought_once() {
    let mut month = TestMonth::catalogue();
    month.line(1, (1, 1, "quota"), ("7", "2", "14.00"), &WHOLE).invoice(1, "pending", "14.00", "0.00");
    let line = format!("line:{}", id('1', 1));
    assert_eq!(
        told(&month, &line, &["ChargeCategory", "ChargeFrequency", "PricingUnit"]),
        ["Purchase", "One-Time", "TB"]
    );
}

#[test]
fn only_what_is_given_back_for_an_earlier_month_is_a_correction() {
    let (before, late) = (("start", "2026-09-01T00:00:00Z"), ("end", "2026-09-30T23:59:59Z"));
    let mut month = TestMonth::catalogue();
    month.line(1, (1, 1, "cpu"), ("1", "-2", "-2.00"), &[before, late]);
    month.line(2, (1, 1, "cpu"), ("1", "-3", "-3.00"), &WHOLE);
    month.line(3, (1, 1, "node"), ("1", "15", "15.00"), &[before, late, ("unit", "month")]);
    month.invoice(1, "created", "10.00", "0.00");
    let class = |line| told(&month, &format!("line:{}", id('1', line)), &["ChargeClass"]).remove(0);
    assert_eq!([class(1), class(2), class(3)], ["Correction", "-", "-"]);
}

#[test]
fn as_many_lines_as_usages_go_together_by_quantity() {
    let month = rich();
    let of = |line: usize| {
        told(
            &month,
            &format!("line:{}", id('1', line)),
            &["ConsumedQuantity", "x_waldur_component_usage_uuids"],
        )
    };
    assert_eq!(of(2), ["5.0000000000", &id('u', 3)]);
    assert_eq!(of(3), ["10.0000000000", &id('u', 2)]);
}

#[test]
fn a_usage_of_several_lines_is_split_and_told_once() {
    let mut month = TestMonth::catalogue();
    month.usage(1, 1, "cpu", "10.00");
    for (number, quantity, price) in [(1, "1", "2.00"), (2, "1", "2.00"), (3, "1", "2.00")] {
        month.line(number, (1, 1, "cpu"), (quantity, "2", price), &WHOLE);
    }
    month.invoice(1, "pending", "6.00", "0.00");
    let charges = month.charges(&utc()).unwrap();
    let consumed: Vec<String> =
        rows(&charges).into_iter().map(|row| row["ConsumedQuantity"].clone()).collect();
    assert_eq!(consumed, ["3.3333333333", "3.3333333333", "3.3333333334"]);
    assert!(rows(&charges).iter().all(|row| row["x_waldur_component_usage_uuids"] == id('u', 1)));
}

#[test]
fn what_gives_money_back_or_bills_an_earlier_month_takes_no_share_of_a_usage() {
    let mut month = TestMonth::catalogue();
    month.usage(1, 1, "cpu", "10.00");
    let earlier = [("start", "2026-09-01T00:00:00Z"), ("end", "2026-09-30T23:59:59Z")];
    month.line(1, (1, 1, "cpu"), ("10", "2", "20.00"), &WHOLE);
    month.line(2, (1, 1, "cpu"), ("-5", "2", "-10.00"), &WHOLE);
    month.line(3, (1, 1, "cpu"), ("2", "2", "4.00"), &earlier);
    month.invoice(1, "pending", "14.00", "0.00");
    let columns = ["ChargeCategory", "ConsumedQuantity", "x_waldur_component_usage_uuids"];
    let of = |line: usize| told(&month, &format!("line:{}", id('1', line)), &columns);
    assert_eq!(of(1), ["Usage", "10.0000000000", &id('u', 1)]);
    assert_eq!(of(2), ["Credit", "-", "-"]);
    assert_eq!(of(3), ["Usage", "2.0000000000", "-"]);
}

#[test]
fn several_usages_of_a_line_are_added_up() {
    let mut month = TestMonth::catalogue();
    month.usage(1, 1, "cpu", "10.25").usage(2, 1, "cpu", "0.75");
    month.line(1, (1, 1, "cpu"), ("11", "2", "22.00"), &WHOLE).invoice(1, "pending", "22.00", "0.00");
    let both = format!("{} {}", id('u', 2), id('u', 1));
    let line = format!("line:{}", id('1', 1));
    assert_eq!(
        told(&month, &line, &["ConsumedQuantity", "x_waldur_component_usage_uuids"]),
        ["11.0000000000", &both]
    );
}

#[test]
fn a_line_without_its_usage_consumes_what_it_counts() {
    let mut month = TestMonth::catalogue();
    month.line(1, (1, 1, "cpu"), ("4", "2", "8.00"), &WHOLE).invoice(1, "pending", "8.00", "0.00");
    let line = format!("line:{}", id('1', 1));
    let columns = ["ChargeCategory", "ConsumedQuantity", "x_waldur_component_usage_uuids"];
    assert_eq!(told(&month, &line, &columns), ["Usage", "4.0000000000", "-"]);
}

#[test]
fn a_usage_without_a_line_costs_nothing_and_says_so() {
    let columns = ["BilledCost", "ContractedUnitPrice", "PricingQuantity", "InvoiceId", "x_waldur_is_billed"];
    let usage = format!("usage:{}", id('u', 5));
    assert_eq!(
        told(&rich(), &usage, &columns),
        ["0.0000000000", "0.0000000000", "1.2500000000", "-", "false"]
    );
}

#[test]
fn a_component_that_nobody_knows_is_used_where_there_is_a_usage_of_it() {
    let mut month = TestMonth::catalogue();
    month.usage(1, 1, "old", "3.00");
    month.line(1, (1, 1, "old"), ("3", "1", "3.00"), &WHOLE);
    month.line(2, (1, 1, "older"), ("1", "1", "1.00"), &[WHOLE.as_slice(), &[("unit", "month")]].concat());
    month.invoice(1, "pending", "4.00", "0.00");
    let kind = |line| {
        told(&month, &format!("line:{}", id('1', line)), &["ChargeCategory", "SkuMeter", "PricingUnit"])
    };
    assert_eq!(kind(1), ["Usage", "old", "Units"]);
    assert_eq!(kind(2), ["Purchase", "older", "Months"]);
}

#[test]
fn months_turn_where_the_server_is_and_end_exclusively() {
    let charges = rich().charges(&settings(SETTINGS, "Europe/Tallinn")).unwrap();
    assert_eq!(faults(&charges), Vec::<String>::new());
    let usage = charge(&charges, &format!("usage:{}", id('u', 5)));
    for (column, moment) in [
        ("BillingPeriodStart", "2026-09-30T21:00:00Z"),
        ("BillingPeriodEnd", "2026-10-31T22:00:00Z"),
        ("ChargePeriodStart", "2026-09-30T21:00:00Z"),
        ("ChargePeriodEnd", "2026-10-31T22:00:00Z"),
        ("x_waldur_billing_period", "2026-10-01"),
    ] {
        assert_eq!(usage[column], moment, "{column}");
    }
    let ends = |line: usize| charge(&charges, &format!("line:{}", id('1', line)))["ChargePeriodEnd"].clone();
    assert_eq!([ends(1), ends(2)], ["2026-11-01T00:00:00Z", "2026-10-12T00:00:00Z"]);
}

#[test]
fn parts_of_seconds_and_periods_that_end_before_they_begin_are_none() {
    let mut month = TestMonth::catalogue();
    let cut = [("start", "2026-10-05T10:11:12.345678Z"), ("end", "2026-10-09T10:11:12.345678Z")];
    month.line(1, (1, 1, "node"), ("1", "1", "1.00"), &cut);
    month.line(2, (1, 1, "node"), ("1", "1", "1.00"), &[("start", cut[1].1), ("end", cut[0].1)]);
    month.invoice(1, "pending", "2.00", "0.00");
    let of =
        |line| told(&month, &format!("line:{}", id('1', line)), &["ChargePeriodStart", "ChargePeriodEnd"]);
    assert_eq!(of(1), ["2026-10-05T10:11:12Z", "2026-10-09T10:11:12Z"]);
    assert_eq!(of(2), ["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]);
}

#[test]
fn lines_have_to_come_to_their_invoice_unless_they_are_a_part_of_it() {
    let mut month = TestMonth::catalogue();
    month.line(1, (1, 1, "node"), ("1", "15", "15.00"), &WHOLE).invoice(1, "created", "20.00", "4.40");
    let error = month.charges(&utc()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invoice 100001 is told with a price of 20.00, and its lines come to 15.00"
    );
    let charges = month.charges(&utc().filtered(true)).unwrap();
    assert_eq!(faults(&charges), Vec::<String>::new());
    assert_eq!(charge(&charges, &format!("tax:{}", id('1', 1)))["BilledCost"], "3.3000000000");
}

#[test]
fn older_servers_tell_neither_price_nor_tax_of_a_line() {
    let mut month = TestMonth::catalogue();
    let untold = [WHOLE.as_slice(), &[("price", "")]].concat();
    month.line(1, (1, 1, "node"), ("3", "0.333", ""), &untold).invoice(1, "created", "1.00", "0.22");
    let line = format!("line:{}", id('1', 1));
    assert_eq!(told(&month, &line, &["BilledCost", "ContractedCost"]), ["1.0000000000", "0.9990000000"]);
    let tax = format!("tax:{}", id('1', 1));
    assert_eq!(told(&month, &tax, &["BilledCost", "ContractedCost"]), ["0.2200000000", "0.2197800000"]);
    // Where the invoice does not tell its tax, its lines may.
    let mut month = TestMonth::catalogue();
    month.line(1, (1, 1, "node"), ("1", "10", "10.00"), &[WHOLE.as_slice(), &[("tax", "2.40")]].concat());
    month.invoice(1, "created", "10.00", "");
    assert_eq!(told(&month, &tax, &["BilledCost"]), ["2.4000000000"]);
}

#[test]
fn a_provider_sees_lines_without_their_invoices() {
    let line = |month: &mut TestMonth| {
        month.line(
            1,
            (1, 1, "node"),
            ("1", "15", "15.00"),
            &[WHOLE.as_slice(), &[("invoice_uuid", "")]].concat(),
        );
    };
    let mut month = TestMonth::catalogue();
    line(&mut month);
    let error = month.charges(&utc()).unwrap_err();
    assert!(matches!(&error, FocusError::UnknownInvoice { line } if *line == id('1', 1)), "{error}");
    month.invoice(1, "created", "15.00", "0.00");
    assert_eq!(told(&month, &format!("line:{}", id('1', 1)), &["InvoiceId"]), ["100001"]);
}

#[test]
fn what_is_not_seen_is_refused_or_named_by_the_user() {
    let mut month = TestMonth::catalogue();
    month.usage(1, 7, "cpu", "1.00");
    let error = month.charges(&utc()).unwrap_err();
    assert!(
        matches!(&error, FocusError::UnknownResource { resource, .. } if *resource == id('a', 7)),
        "{error}"
    );
    // An organisation without resources has a name nowhere in these tables.
    let mut month = TestMonth::catalogue();
    month.line(1, (5, 0, ""), ("1", "30", "30.00"), &WHOLE).invoice(5, "created", "30.00", "0.00");
    let error = month.charges(&utc()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("FOCUS needs what Waldur does not tell: the name of the organisation {}", id('c', 5))
    );
    let named = settings(&format!("names.{} = 'Guests'\n{SETTINGS}", id('c', 5)), "UTC");
    let charges = month.charges(&named).unwrap();
    assert_eq!(charge(&charges, &format!("line:{}", id('1', 1)))["BillingAccountName"], "Guests");
}

#[test]
fn an_account_that_sees_no_invoice_does_not_make_everything_free() {
    let mut month = TestMonth::catalogue();
    month.usage(1, 1, "cpu", "1.00").invoice(2, "created", "0.00", "0.00");
    let error = month.charges(&utc()).unwrap_err();
    assert!(
        matches!(&error, FocusError::NoInvoice { organisation, .. } if *organisation == id('c', 1)),
        "{error}"
    );
    let told = settings(&format!("without_invoices = true\n{SETTINGS}"), "UTC");
    let charges = month.charges(&told).unwrap();
    assert_eq!(charge(&charges, &format!("usage:{}", id('u', 1)))["x_waldur_is_billed"], "false");
}

#[test]
fn a_figure_that_no_column_holds_is_refused_with_its_name() {
    let mut month = TestMonth::catalogue();
    month.usage(1, 1, "cpu", "1000000000000.00").invoice(1, "pending", "0.00", "0.00");
    let error = month.charges(&utc()).unwrap_err();
    assert_eq!(error.to_string(), "ConsumedQuantity: `1000000000000.00` is no decimal(22,10)");
}

#[test]
fn a_month_in_which_nothing_happened_has_no_charges() {
    let charges = TestMonth::catalogue().charges(&utc()).unwrap();
    assert_eq!(charges.rows().num_rows(), 0);
    assert_eq!(charges.schema().table(), Table::Charges);
}
