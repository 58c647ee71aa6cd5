//! What different accounts are told of the same rows, on servers that bill at once and in the
//! background.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::domain::{Amount, BillingType, OfferingId};
use crate::plan::View::{IgnoresFilters, NotAsked, Nothing, Refused, Something};
use crate::plan::{InvoiceSeen, LinesSeen, NotSeen};
use crate::resolve::{Capabilities, Offering};
use crate::sandbox::{Behaviour, Fault, FaultKind, InvoiceState, Sandbox, Settings, World, start};
use crate::waldur::{ServerAddress, Token, TokenSource};

/// A sandbox, and the catalogue as staff reads it.
struct Bench {
    sandbox: Sandbox,
    catalogue: Catalogue,
    capabilities: Capabilities,
    offering: OfferingId,
}

fn month(text: &str) -> BillingPeriod {
    text.parse().unwrap()
}

impl Bench {
    async fn new(behaviour: Behaviour) -> Self {
        let sandbox = start(Settings { behaviour, ..Settings::new(World::built_in()) }).await.unwrap();
        let reader = reader(&sandbox, "staff");
        let (id, _) = reader
            .offering_names()
            .await
            .unwrap()
            .into_iter()
            .find(|(_, name)| name == "HPC allocation")
            .unwrap();
        let mut catalogue = Catalogue::new(month("2026-11"));
        let offering: Offering = reader.offering(id).await.unwrap().unwrap();
        catalogue.add_offering(offering);
        for resource in reader.resources(id).await.unwrap() {
            catalogue.add_resource(resource);
        }
        let mut capabilities = Capabilities::default();
        reader.learn_row(&mut capabilities).await.unwrap();
        Self { sandbox, catalogue, capabilities, offering: id }
    }

    fn resource(&self, name: &str) -> ResourceId {
        self.catalogue.resources().find(|resource| resource.name == name).unwrap().id
    }

    fn customer(&self, resource: &str) -> CustomerId {
        self.catalogue.resource(self.resource(resource)).unwrap().customer
    }

    /// Reports as the provider's owner.
    fn report(&self, resource: &str, component: &str, amount: &str) {
        self.post("resource", &self.resource(resource).to_string(), component, amount);
    }

    fn post(&self, to: &str, id: &str, component: &str, amount: &str) {
        let body = format!(r#"{{"{to}":"{id}","usages":[{{"type":"{component}","amount":"{amount}"}}]}}"#);
        let token = &self.sandbox.tokens()["owner"];
        let mut stream = TcpStream::connect(self.sandbox.url().trim_start_matches("http://")).unwrap();
        let head = "POST /api/marketplace-component-usages/set_usage/ HTTP/1.1\r\nHost: here";
        let fields = format!("Authorization: Token {token}\r\nContent-Length: {}", body.len());
        stream
            .write_all(format!("{head}\r\nConnection: close\r\n{fields}\r\n\r\n{body}").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }

    /// The stored rows of a resource; a component has the amount before it was reported, where one is
    /// given.
    async fn rows(&self, resource: &str, period: &str, before: Option<(&str, Amount)>) -> Vec<BillableRow> {
        let stored = reader(&self.sandbox, "staff");
        let stored = stored.usages_of(self.resource(resource), month(period)).await.unwrap();
        let mut rows: Vec<BillableRow> =
            stored.iter().map(|usage| BillableRow::of(usage, &self.catalogue).unwrap()).collect();
        rows.sort_by(|left, right| left.component.cmp(&right.component));
        for row in &mut rows {
            row.before = before
                .filter(|(component, _)| *component == row.component.as_str())
                .map(|(_, amount)| amount);
        }
        rows
    }

    /// What an account is told of rows, component by component.
    async fn told(&self, account: &str, period: &str, rows: &[BillableRow], polls: u32) -> Vec<Billing> {
        let reader = reader(&self.sandbox, account);
        let account = reader.account().await.unwrap();
        let time = BillingTime::of(&self.capabilities);
        let patience = Patience { polls, pause: Duration::from_millis(500) };
        let seen =
            billing_of(&reader, &account, &self.catalogue, month(period), rows.to_vec(), (time, patience));
        seen.await.unwrap().billings
    }

    /// The same in words.
    async fn words(&self, account: &str, period: &str, rows: &[BillableRow], polls: u32) -> Vec<String> {
        let told = self.told(account, period, rows, polls).await;
        let words =
            rows.iter().zip(&told).map(|(row, billing)| format!("{}: {}", row.component, billing.text()));
        words.collect()
    }

    async fn views(&self, account: &str, period: &str) -> InvoiceViews {
        let reader = reader(&self.sandbox, account);
        let customers = self.catalogue.resources().map(|resource| resource.customer).collect();
        let account = reader.account().await.unwrap();
        reader.invoices(&account, &self.catalogue, &customers, month(period)).await.unwrap().views
    }
}

fn reader(sandbox: &Sandbox, account: &str) -> Reader {
    let address = ServerAddress::parse(&sandbox.url(), false).unwrap();
    let token = Token::new(&sandbox.tokens()[account]).unwrap();
    Reader::new(address, TokenSource::Fixed(token), 4, Reader::TIMEOUT).unwrap()
}

fn of<'a>(rows: &[BillableRow], billings: &'a [Billing], component: &str) -> &'a Billing {
    let at = rows.iter().position(|row| row.component.as_str() == component).unwrap();
    &billings[at]
}

const LINES_HIDDEN: &str = "not visible to this account: the lines of the invoice";

#[tokio::test(flavor = "multi_thread")]
async fn an_issued_month_is_billed_to_whoever_may_see_it() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2026()] {
        let bench = Bench::new(behaviour).await;
        let rows = bench.rows("climate-era5", "2026-10", None).await;
        let billed = ["cpu: billed", "gpu_hours: billed", "ram: billed", "storage: not billable"];
        for account in ["staff", "owner", "consumer"] {
            assert_eq!(bench.words(account, "2026-10", &rows, 0).await, billed, "{account}");
        }
        for account in ["manager", "nobody"] {
            let told = bench.words(account, "2026-10", &rows, 0).await;
            assert_eq!(told[0], format!("cpu: {LINES_HIDDEN}"), "{account}");
            assert_eq!(told[3], "storage: not billable", "{account}");
        }
        // The invoice itself is the customer's and staff's alone.
        for (account, number) in [("staff", true), ("consumer", true), ("owner", false)] {
            let told = bench.told(account, "2026-10", &rows, 0).await;
            let Billing::Billed { quantity, unit_price, price, invoice } = of(&rows, &told, "cpu") else {
                panic!("{account}: {told:?}")
            };
            assert_eq!(*quantity, rows[0].amount);
            assert_eq!(*unit_price, "12.50".parse().unwrap());
            assert_eq!(*price, crate::domain::line_price(*quantity, *unit_price));
            let shown = invoice.as_ref().map(|invoice| (invoice.number.is_some(), invoice.state.clone()));
            assert_eq!(shown, number.then_some((true, crate::plan::InvoiceState::Created)), "{account}");
        }
        // The consumer pays for another organisation's resources no more than it sees of them.
        let others = bench.rows("tumour-ct", "2026-10", None).await;
        assert_eq!(bench.words("consumer", "2026-10", &others, 0).await[0], format!("cpu: {LINES_HIDDEN}"));
        assert_eq!(bench.words("owner", "2026-10", &others, 0).await[0], "cpu: billed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_billed_at_once_or_a_moment_later() {
    let bench = Bench::new(Behaviour::dialect_2024()).await;
    bench.report("tumour-mri", "cpu", "12.34");
    let rows = bench.rows("tumour-mri", "2026-11", None).await;
    for account in ["staff", "owner"] {
        assert_eq!(bench.words(account, "2026-11", &rows, 0).await, ["cpu: billed"], "{account}");
    }
    assert_eq!(bench.words("consumer", "2026-11", &rows, 0).await, [format!("cpu: {LINES_HIDDEN}")]);

    let bench = Bench::new(Behaviour::dialect_2026()).await;
    bench.report("tumour-mri", "cpu", "12.34");
    let rows = bench.rows("tumour-mri", "2026-11", None).await;
    assert_eq!(bench.words("staff", "2026-11", &rows, 0).await, ["cpu: pending"]);
    assert_eq!(
        bench.words("owner", "2026-11", &rows, 0).await,
        ["cpu: not visible to this account: the state of the invoice"]
    );
    for account in ["owner", "staff"] {
        assert_eq!(bench.words(account, "2026-11", &rows, 12).await, ["cpu: billed"], "{account}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_report_is_pending_until_its_line_has_heard_of_it() {
    let bench = Bench::new(Behaviour::dialect_2026()).await;
    let before = bench.rows("climate-cordex", "2026-11", None).await[0].amount;
    bench.report("climate-cordex", "cpu", "77.70");
    let rows = bench.rows("climate-cordex", "2026-11", Some(("cpu", before))).await;
    let told = bench.told("staff", "2026-11", &rows, 0).await;
    assert_eq!(told[0], Billing::Pending);
    assert_eq!(of(&rows, &told, "ram").text(), "billed");
    let told = bench.told("consumer", "2026-11", &rows, 12).await;
    assert!(
        matches!(&told[0], Billing::Billed { quantity, .. } if quantity.to_string() == "77.70"),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_invoice_is_told_from_a_slow_one_by_its_state_alone() {
    let bench = Bench::new(Behaviour::dialect_2026()).await;
    let before = bench.rows("climate-cordex", "2026-11", None).await[0].amount;
    let customer = bench.customer("climate-cordex");
    assert!(bench.sandbox.set_invoice_state(customer, month("2026-11"), InvoiceState::Created));
    bench.report("climate-cordex", "cpu", "77.70");
    bench.report("qmat-gw", "cpu", "5");
    let changed = bench.rows("climate-cordex", "2026-11", Some(("cpu", before))).await;
    let new = bench.rows("qmat-gw", "2026-11", None).await;
    for account in ["staff", "consumer"] {
        let closed = |billed| Billing::StoredNotBilled { why: WhyNot::InvoiceClosed, billed };
        assert_eq!(bench.told(account, "2026-11", &changed, 6).await[0], closed(before), "{account}");
        assert_eq!(bench.told(account, "2026-11", &new, 6).await, [closed(Amount::ZERO)], "{account}");
    }
    // The provider sees the lines and not the invoice.
    let told = bench.told("owner", "2026-11", &changed, 6).await;
    assert_eq!(told[0], Billing::DiffersFromInvoice { quantity: before, invoice: None });
    let told = bench.told("owner", "2026-11", &new, 6).await;
    assert_eq!(told, [Billing::NotVisible { what: NotSeen::Invoice }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_under_no_plan_period_is_never_billed() {
    let bench = Bench::new(Behaviour::dialect_2024()).await;
    bench.report("training-course", "cpu", "3");
    bench.report("training-course", "ram", "0");
    let rows = bench.rows("training-course", "2026-11", None).await;
    for account in ["staff", "owner"] {
        assert_eq!(
            bench.words(account, "2026-11", &rows, 0).await,
            ["cpu: stored, not billed: no plan period", "ram: nothing to bill"],
            "{account}"
        );
    }
    // Of a month that is over nothing tells the plan periods of its rows.
    let rows = bench.rows("training-course", "2026-10", None).await;
    let told = bench.words("staff", "2026-10", &rows, 0).await;
    assert_eq!(told[0], "cpu: stored, not billed: the server does not tell why");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_two_plan_periods_have_a_line_each() {
    for behaviour in [Behaviour::dialect_2024(), Behaviour::dialect_2026()] {
        let bench = Bench::new(behaviour).await;
        let staff = reader(&bench.sandbox, "staff");
        let periods = staff.plan_periods(&[bench.resource("flame-les")]).await.unwrap().remove(0).1;
        let first = periods.iter().find(|period| period.end.is_some()).unwrap();
        bench.post("plan_period", &first.id.to_string(), "cpu", "1000.01");
        let rows = bench.rows("flame-les", "2026-11", None).await;
        let told = bench.told("staff", "2026-11", &rows, 12).await;
        // The two rows are billed at the prices of their plans.
        let mut prices = Vec::new();
        for (row, billing) in rows.iter().zip(&told).filter(|(row, _)| row.component.as_str() == "cpu") {
            let Billing::Billed { quantity, unit_price, .. } = billing else { panic!("{told:?}") };
            assert_eq!(*quantity, row.amount);
            prices.push(unit_price.to_string());
        }
        prices.sort();
        assert_eq!(prices, ["12.50", "17.50"], "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_endpoints_show_is_told_and_an_empty_list_is_not_taken_for_none() {
    let bench = Bench::new(Behaviour::dialect_2026()).await;
    for (account, expected) in [
        ("staff", (Something, Something, NotAsked)),
        ("owner", (Something, Something, Something)),
        ("consumer", (Something, Something, Nothing)),
        ("manager", (Nothing, NotAsked, Nothing)),
        ("nobody", (Nothing, NotAsked, Nothing)),
    ] {
        let views = bench.views(account, "2026-10").await;
        let seen = (views.invoices, views.invoice_items, views.provider_invoice_items);
        assert_eq!(seen, expected, "{account}");
    }
    // A month before all invoices: staff and the customers know that there is none.
    let reader = reader(&bench.sandbox, "consumer");
    let account = reader.account().await.unwrap();
    let customers = [bench.customer("climate-era5"), bench.customer("tumour-ct")].into();
    let seen = reader.invoices(&account, &bench.catalogue, &customers, month("2026-05")).await.unwrap();
    assert_eq!(*seen.invoice(bench.customer("climate-era5")), InvoiceSeen::NotMade);
    assert_eq!(*seen.invoice(bench.customer("tumour-ct")), InvoiceSeen::Hidden);
    assert_eq!(seen.seen(bench.customer("climate-era5"), bench.offering), LinesSeen::All);
    assert_eq!(seen.seen(bench.customer("tumour-ct"), bench.offering), LinesSeen::Hidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ignores_filters_or_loses_lines_is_not_believed() {
    let bench = Bench::new(Behaviour::dialect_2024()).await;
    let rows = bench.rows("climate-era5", "2026-10", None).await;
    let everywhere =
        |kind, path: &str| Fault { path_contains: path.into(), times: Fault::ALWAYS, ..Fault::new(kind) };
    bench.sandbox.inject(everywhere(FaultKind::FiltersIgnored(Vec::new()), "invoice"));
    for account in ["staff", "consumer"] {
        assert_eq!(bench.words(account, "2026-10", &rows, 0).await[0], "cpu: billed", "{account}");
    }
    assert_eq!(bench.words("owner", "2026-10", &rows, 0).await[0], format!("cpu: {LINES_HIDDEN}"));
    assert_eq!(bench.views("owner", "2026-10").await.provider_invoice_items, IgnoresFilters);

    let bench = Bench::new(Behaviour::dialect_2024()).await;
    bench.sandbox.inject(everywhere(FaultKind::RowsLost, "/invoice-items/"));
    let told = bench.told("consumer", "2026-10", &rows, 0).await;
    assert_eq!(told[0], Billing::NotVisible { what: NotSeen::WholeList });

    let bench = Bench::new(Behaviour::dialect_2024()).await;
    let missing = FaultKind::Status(404, "{}".into(), "application/json".into());
    bench.sandbox.inject(everywhere(missing, "/provider-invoice-items/"));
    assert_eq!(bench.words("owner", "2026-10", &rows, 0).await[0], format!("cpu: {LINES_HIDDEN}"));
    assert_eq!(bench.views("owner", "2026-10").await.provider_invoice_items, Refused);
}

#[test]
fn customers_are_asked_for_in_groups_and_never_in_parts() {
    let row = |customer: u128| BillableRow {
        usage: UsageId::new(Uuid::from_u128(1)),
        resource: ResourceId::new(Uuid::from_u128(2)),
        component: "cpu".parse().unwrap(),
        customer: CustomerId::new(Uuid::from_u128(customer)),
        offering: OfferingId::new(Uuid::from_u128(3)),
        amount: Amount::ZERO,
        before: None,
        billing_type: BillingType::Usage,
        plan_period: UnderPlanPeriod::Unknown,
        has_price: None,
    };
    let sizes = |rows_of: &[usize]| -> Vec<usize> {
        let rows: Vec<BillableRow> = (1..)
            .zip(rows_of)
            .flat_map(|(customer, &rows)| std::iter::repeat_with(move || row(customer)).take(rows))
            .collect();
        let open: Vec<usize> = (0..rows.len()).collect();
        let groups = groups(&rows, &open);
        let mut all: Vec<usize> = groups.iter().flatten().copied().collect();
        all.sort_unstable();
        assert_eq!(all, open);
        groups.iter().map(Vec::len).collect()
    };
    assert_eq!(sizes(&[2_000, 3_000, 1]), [5_000, 1]);
    assert_eq!(sizes(&[10, 12_000, 10, 10]), [10, 12_000, 20]);
    assert_eq!(sizes(&[]), [0usize; 0]);
}
