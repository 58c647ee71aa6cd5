//! Each class by the least that tells it from its neighbours.

use uuid::Uuid;

use super::*;
use crate::domain::{InvoiceId, InvoiceLineId, PlanPeriodId};
use crate::plan::InvoiceState;

const AT_ONCE: BillingTime = BillingTime::AtOnce;
const AWAITED: BillingTime = BillingTime::Awaited;
const WAITED_FOR: BillingTime = BillingTime::WaitedFor;

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn row(quantity: &str) -> BillableRow {
    BillableRow {
        usage: UsageId::new(Uuid::from_u128(1)),
        resource: ResourceId::new(Uuid::from_u128(2)),
        component: "cpu".parse().unwrap(),
        customer: CustomerId::new(Uuid::from_u128(3)),
        offering: OfferingId::new(Uuid::from_u128(4)),
        amount: amount(quantity),
        before: None,
        billing_type: BillingType::Usage,
        plan_period: UnderPlanPeriod::Unknown,
        has_price: Some(true),
    }
}

fn period(number: u128, start: &str, end: Option<&str>) -> PlanPeriod {
    PlanPeriod {
        id: PlanPeriodId::new(Uuid::from_u128(number)),
        plan: None,
        usages: Vec::new(),
        plan_name: "Standard".into(),
        start: Some(start.parse().unwrap()),
        end: end.map(|end| end.parse().unwrap()),
    }
}

fn line(number: u128, quantity: &str) -> InvoiceLine {
    let row = row("0");
    InvoiceLine {
        id: InvoiceLineId::new(Uuid::from_u128(number)),
        resource: row.resource,
        component: row.component,
        plan: None,
        plan_period: None,
        start: Some("2026-11-01T00:00:00Z".parse().unwrap()),
        end: Some("2026-11-30T23:59:59Z".parse().unwrap()),
        quantity: amount(quantity),
        unit_price: amount("0.333"),
        told_price: None,
    }
}

/// Lines that are seen, on an invoice in a state; no state is an invoice that is hidden.
fn seen(state: Option<InvoiceState>, lines: &[InvoiceLine]) -> InvoicesSeen {
    let (row, mut seen) = (row("0"), InvoicesSeen::default());
    if let Some(state) = state {
        seen.add_invoice(row.customer, InvoiceSeen::One(invoice(state)));
    }
    seen.add_seen(row.customer, row.offering, LinesSeen::All);
    for line in lines {
        seen.add_line(line.clone());
    }
    seen
}

fn invoice(state: InvoiceState) -> Invoice {
    Invoice { id: InvoiceId::new(Uuid::from_u128(9)), number: Some("100001".into()), state }
}

fn one(row: &BillableRow, seen: &InvoicesSeen, time: BillingTime) -> Billing {
    billing(&[row], seen, time).remove(0)
}

fn not_billed(why: WhyNot, billed: &str) -> Billing {
    Billing::StoredNotBilled { why, billed: amount(billed) }
}

fn differs(quantity: &str, state: Option<InvoiceState>) -> Billing {
    Billing::DiffersFromInvoice { quantity: amount(quantity), invoice: state.map(invoice) }
}

use InvoiceState::{Canceled, Created, Paid, Pending, PendingFinalization};

#[test]
fn a_line_of_its_quantity_bills_a_row_whatever_the_state_and_the_time() {
    for state in [Pending, PendingFinalization, Created, Paid] {
        for time in [AT_ONCE, AWAITED, WAITED_FOR] {
            let billed = one(&row("3"), &seen(Some(state.clone()), &[line(1, "3.00")]), time);
            let expected = Billing::Billed {
                quantity: amount("3"),
                unit_price: amount("0.333"),
                price: Some(amount("1.00")),
                invoice: Some(invoice(state.clone())),
            };
            assert_eq!(billed, expected);
        }
    }
    let hidden = one(&row("3"), &seen(None, &[line(1, "3.00")]), AT_ONCE);
    assert!(matches!(hidden, Billing::Billed { invoice: None, .. }));
}

#[test]
fn a_void_invoice_bills_nothing() {
    let seen = seen(Some(Canceled), &[line(1, "3")]);
    for time in [AT_ONCE, WAITED_FOR] {
        assert_eq!(one(&row("3"), &seen, time), not_billed(WhyNot::InvoiceCanceled, "0"));
    }
    let empty = super::tests::seen(Some(Canceled), &[]);
    assert_eq!(one(&row("3"), &empty, WAITED_FOR), not_billed(WhyNot::InvoiceCanceled, "0"));
}

#[test]
fn without_a_line_the_state_of_the_invoice_tells_pending_from_closed() {
    for (state, time, expected) in [
        (Some(Pending), AWAITED, Billing::Pending),
        (Some(Pending), WAITED_FOR, Billing::Pending),
        (Some(PendingFinalization), WAITED_FOR, Billing::Pending),
        (Some(Created), AWAITED, not_billed(WhyNot::InvoiceClosed, "0")),
        (Some(Paid), WAITED_FOR, not_billed(WhyNot::InvoiceClosed, "0")),
        (None, AWAITED, Billing::Pending),
        (None, WAITED_FOR, Billing::NotVisible { what: NotSeen::Invoice }),
        (
            Some(InvoiceState::Other("held".into())),
            WAITED_FOR,
            Billing::NotVisible { what: NotSeen::Invoice },
        ),
        // A server that bills at once does so on any invoice: its state explains nothing.
        (Some(Created), AT_ONCE, not_billed(WhyNot::Unexplained, "0")),
        (None, AT_ONCE, not_billed(WhyNot::Unexplained, "0")),
    ] {
        assert_eq!(one(&row("3"), &seen(state.clone(), &[]), time), expected, "{state:?}, {time:?}");
    }
    let mut not_made = seen(None, &[]);
    not_made.add_invoice(row("3").customer, InvoiceSeen::NotMade);
    assert_eq!(one(&row("3"), &not_made, WAITED_FOR), Billing::Pending);
}

#[test]
fn a_row_without_plan_period_or_price_is_told_so_and_only_where_no_line_is() {
    let bare = BillableRow { plan_period: UnderPlanPeriod::None, ..row("3") };
    for time in [AT_ONCE, AWAITED, WAITED_FOR] {
        assert_eq!(one(&bare, &seen(Some(Pending), &[]), time), not_billed(WhyNot::NoPlanPeriod, "0"));
    }
    assert_eq!(one(&bare, &seen(Some(Pending), &[line(1, "3")]), AT_ONCE).text(), "billed");
    let free = BillableRow { has_price: Some(false), ..row("3") };
    assert_eq!(one(&free, &seen(Some(Pending), &[]), AT_ONCE), not_billed(WhyNot::NoPrice, "0"));
    // Newer servers make a line of price zero.
    assert_eq!(one(&free, &seen(Some(Pending), &[]), WAITED_FOR), Billing::Pending);
}

#[test]
fn zero_is_as_well_off_with_a_line_of_zero_as_with_none() {
    for state in [Some(Pending), Some(Created), None] {
        for time in [AT_ONCE, AWAITED, WAITED_FOR] {
            let none = one(&row("0"), &seen(state.clone(), &[]), time);
            assert_eq!(none, Billing::NothingToBill);
            assert_eq!(one(&row("0"), &seen(state.clone(), &[line(1, "0")]), time).text(), "billed");
        }
    }
    // And where another line is there, it is not.
    assert_eq!(one(&row("0"), &seen(Some(Paid), &[line(1, "5")]), WAITED_FOR), differs("5", Some(Paid)));
}

#[test]
fn another_quantity_differs_unless_it_is_the_one_before() {
    let changed = BillableRow { before: Some(amount("5")), ..row("3") };
    let same = BillableRow { before: Some(amount("3")), ..row("3") };
    for (row, state, time, expected) in [
        (row("3"), Some(Pending), AWAITED, Billing::Pending),
        (row("3"), Some(Pending), WAITED_FOR, differs("5", Some(Pending))),
        (row("3"), Some(Created), AWAITED, differs("5", Some(Created))),
        (row("3"), None, AWAITED, Billing::Pending),
        (row("3"), None, WAITED_FOR, differs("5", None)),
        (row("3"), Some(Created), AT_ONCE, differs("5", Some(Created))),
        (changed.clone(), Some(Pending), AWAITED, Billing::Pending),
        (changed.clone(), Some(Pending), WAITED_FOR, Billing::Pending),
        (changed.clone(), Some(Created), AWAITED, not_billed(WhyNot::InvoiceClosed, "5")),
        (changed.clone(), None, WAITED_FOR, differs("5", None)),
        (changed, Some(Pending), AT_ONCE, differs("5", Some(Pending))),
        (same, Some(Created), WAITED_FOR, differs("5", Some(Created))),
    ] {
        let told = one(&row, &seen(state.clone(), &[line(1, "5")]), time);
        assert_eq!(told, expected, "{row:?}, {state:?}, {time:?}");
    }
}

#[test]
fn what_is_not_seen_is_never_taken_for_nothing() {
    let hidden = InvoicesSeen::default();
    let mut unproven = seen(Some(Created), &[line(1, "3")]);
    unproven.add_seen(row("3").customer, row("3").offering, LinesSeen::Unproven);
    for quantity in ["3", "0"] {
        for time in [AT_ONCE, AWAITED, WAITED_FOR] {
            let told = one(&row(quantity), &hidden, time);
            assert_eq!(told, Billing::NotVisible { what: NotSeen::Lines });
            let told = one(&row(quantity), &unproven, time);
            assert_eq!(told, Billing::NotVisible { what: NotSeen::WholeList });
        }
    }
}

#[test]
fn only_usage_is_billable_and_unknown_ways_of_billing_are_not_judged() {
    for billing_type in
        [BillingType::Limit, BillingType::Fixed, BillingType::OneTime, BillingType::OnPlanSwitch]
    {
        let row = BillableRow { billing_type, ..row("3") };
        assert_eq!(one(&row, &seen(Some(Pending), &[]), WAITED_FOR), Billing::NotBillable);
        assert_eq!(one(&row, &InvoicesSeen::default(), WAITED_FOR), Billing::NotBillable);
    }
    let unknown = BillableRow { billing_type: BillingType::Other("metered".into()), ..row("3") };
    let told = one(&unknown, &seen(Some(Pending), &[line(1, "3")]), WAITED_FOR);
    assert_eq!(told, Billing::NotVisible { what: NotSeen::BillingType });
}

#[test]
fn rows_of_plan_periods_have_the_lines_of_their_own() {
    let first = period(11, "2026-07-01T00:00:00Z", Some("2026-11-09T13:30:00Z"));
    let second = period(12, "2026-11-09T13:30:00Z", None);
    let of = |quantity: &str, period: &PlanPeriod| BillableRow {
        plan_period: UnderPlanPeriod::One(period.clone()),
        ..row(quantity)
    };
    let early = |quantity| InvoiceLine { end: first.end, ..line(1, quantity) };
    let late = |quantity| InvoiceLine { start: second.start, ..line(2, quantity) };
    let rows = [of("3", &first), of("5", &second)];
    let words = |lines: &[InvoiceLine], rows: &[BillableRow]| {
        let rows: Vec<&BillableRow> = rows.iter().collect();
        let told = billing(&rows, &seen(Some(Pending), lines), WAITED_FOR);
        told.into_iter().map(|told| told.text()).collect::<Vec<_>>()
    };
    assert_eq!(words(&[early("3"), late("5")], &rows), ["billed", "billed"]);
    // Each of the right amount, and each under the wrong plan: at another price.
    let swapped = billing(&[&rows[0], &rows[1]], &seen(Some(Pending), &[early("5"), late("3")]), WAITED_FOR);
    assert_eq!(swapped, [differs("5", Some(Pending)), differs("3", Some(Pending))]);
    let named = |line: InvoiceLine, period: &PlanPeriod| InvoiceLine { plan_period: Some(period.id), ..line };
    let lines = [named(line(1, "3"), &second), named(line(2, "5"), &first)];
    assert_eq!(words(&lines, &rows), ["differs from the invoice"; 2]);
    // Rows whose plan periods are not known are told by their quantities, no line for two of them.
    let rows = [row("3"), row("3")];
    assert_eq!(words(&[line(1, "3"), line(2, "3")], &rows), ["billed", "billed"]);
    assert_eq!(words(&[line(1, "3")], &rows), ["billed", "pending"]);
}

#[test]
fn a_line_too_many_is_no_billed_row() {
    let seen = seen(Some(Created), &[line(1, "3"), line(2, "4")]);
    assert_eq!(one(&row("3"), &seen, WAITED_FOR), differs("7", Some(Created)));
    // A line of zero is what is left of one, and counts nothing.
    let seen = super::tests::seen(Some(Created), &[line(1, "3"), line(2, "0")]);
    assert_eq!(one(&row("3"), &seen, WAITED_FOR).text(), "billed");
}
