//! Small worlds to reconcile, for tests.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{
    Amount, BillingPeriod, BillingType, CarryOver, ComponentType, CustomerId, InvoiceId, InvoiceLineId,
    OfferingId, PeriodRange, PlanId, ProjectId, ResourceId, ResourceState, RunId, UsageId,
};
use crate::findings::{Code, RowCounts, RowIndex};
use crate::plan::{Invoice, InvoiceLine, InvoiceSeen, InvoiceState, LinesSeen, Scope, StoredUsage};
use crate::resolve::{
    Catalogue, Component, FileLine, FileLineMore, LineFault, MoneyColumns, Offering, Resource, StatedMoney,
};

use super::*;

pub fn amount(text: &str) -> Amount {
    Amount::parse(text).expect(text)
}

pub fn month(text: &str) -> BillingPeriod {
    text.parse().expect(text)
}

pub fn component(text: &str) -> ComponentType {
    text.parse().expect(text)
}

fn uuid(kind: u128, number: u32) -> Uuid {
    Uuid::from_u128(kind << 64 | u128::from(number))
}

pub fn resource_id(number: u32) -> ResourceId {
    ResourceId::new(uuid(1, number))
}

pub fn customer_id(number: u32) -> CustomerId {
    CustomerId::new(uuid(3, number))
}

fn offering_id() -> OfferingId {
    OfferingId::new(uuid(2, 0))
}

/// A world of one offering with `cpu` (hours, 0.50 each), `ram` (GB-hours, 0.001 each), `disk` (GB, by
/// limit) and `seats` (fixed), and so many resources; every second one is of the same organisation.
pub fn catalogue(resources: u32) -> Catalogue {
    let mut catalogue = Catalogue::new(month("2026-12"));
    let own = |text: &str, unit: &str, billing_type: BillingType| Component {
        component_type: component(text),
        name: text.to_uppercase(),
        measured_unit: unit.into(),
        billing_type,
        has_limit: false,
        limit: None,
    };
    let plan = PlanId::new(uuid(4, 0));
    let prices = [("cpu", "0.5"), ("ram", "0.001"), ("disk", "3")];
    catalogue.add_offering(Offering {
        id: offering_id(),
        name: "Allocation".into(),
        customer: None,
        components: vec![
            own("cpu", "hours", BillingType::Usage),
            own("ram", "GB-hours", BillingType::Usage),
            own("disk", "GB", BillingType::Limit),
            own("seats", "seats", BillingType::Fixed),
        ],
        prices: prices.map(|(text, price)| ((plan, component(text)), amount(price))).into_iter().collect(),
    });
    for number in 0..resources {
        catalogue.add_resource(Resource {
            id: resource_id(number),
            name: format!("resource-{number}"),
            slug: String::new(),
            backend_id: String::new(),
            state: ResourceState::from("OK".to_owned()),
            offering: offering_id(),
            created: None,
            plan: Some(plan),
            project: ProjectId::new(uuid(5, number % 2)),
            project_name: format!("project-{}", number % 2),
            customer: customer_id(number % 2),
            customer_name: format!("organisation-{}", number % 2),
        });
    }
    catalogue
}

/// The sides of a reconciliation, row by row.
pub struct Sides3 {
    pub catalogue: Catalogue,
    pub periods: PeriodRange,
    pub lines: Vec<FileLine>,
    pub stored: Vec<StoredUsage>,
    pub around: Vec<StoredUsage>,
    pub invoices: BTreeMap<BillingPeriod, InvoiceSide>,
    pub sides: super::Sides,
    pub currency: Option<&'static str>,
    pub is_saved: bool,
    next: u32,
}

impl Sides3 {
    pub fn new(periods: &str) -> Self {
        Self {
            catalogue: catalogue(40),
            periods: periods.parse().unwrap(),
            lines: Vec::new(),
            stored: Vec::new(),
            around: Vec::new(),
            invoices: BTreeMap::new(),
            sides: super::Sides::FileAndServer,
            currency: Some("EUR"),
            is_saved: false,
            next: 1,
        }
    }

    pub fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// A row of the file.
    pub fn states(&mut self, resource: u32, of: &str, period: &str, text: &str) -> &mut FileLine {
        let number = self.number();
        self.lines.push(FileLine {
            row: RowIndex(number),
            table: 0,
            number,
            column: 4,
            resource: Some(resource_id(resource)),
            component: Some(component(of)),
            period: month(period),
            amount: amount(text),
            more: None,
        });
        self.lines.last_mut().unwrap()
    }

    /// A stored row; of a month that is not compared, around those that are.
    pub fn stores(&mut self, resource: u32, of: &str, period: &str, text: &str) -> &mut StoredUsage {
        let number = self.number();
        let period = month(period);
        let list = if self.periods.contains(period) { &mut self.stored } else { &mut self.around };
        list.push(StoredUsage {
            id: UsageId::new(uuid(6, number)),
            resource: resource_id(resource),
            component: component(of),
            period,
            amount: amount(text),
            description: String::new(),
            carry_over: CarryOver::None,
            modified_by: Some(7),
        });
        list.last_mut().unwrap()
    }

    /// Lets the invoices of a month be seen, in a state.
    pub fn invoiced(&mut self, period: &str, state: &InvoiceState) -> &mut InvoiceSide {
        let side = self.invoices.entry(month(period)).or_default();
        for number in 0..2 {
            side.seen.add_seen(customer_id(number), offering_id(), LinesSeen::All);
            let id = InvoiceId::new(uuid(7, number));
            let invoice = Invoice { id, number: Some(format!("10004{number}")), state: state.clone() };
            side.seen.add_invoice(customer_id(number), InvoiceSeen::One(invoice));
        }
        side
    }

    /// A line of an invoice.
    pub fn bills(&mut self, resource: u32, of: &str, period: &str, quantity: &str, unit_price: &str) {
        let number = self.number();
        let side = self.invoices.entry(month(period)).or_default();
        side.seen.add_line(InvoiceLine {
            id: InvoiceLineId::new(uuid(8, number)),
            resource: resource_id(resource),
            component: component(of),
            plan: None,
            plan_period: None,
            start: None,
            end: None,
            quantity: amount(quantity),
            unit_price: amount(unit_price),
            told_price: None,
        });
    }

    pub fn report(self, rules: &Rules) -> Report {
        let has_file = self.sides.has_file();
        let file = FileSide { lines: self.lines, tables: Vec::new(), ..FileSide::default() };
        let currency =
            self.currency.map(|own| CurrencyOf { currency: own.parse().unwrap(), source: "a test".into() });
        let saved = self.is_saved.then(|| crate::plan::InputFile {
            name: "saved.csv".into(),
            sheet: None,
            sha256: String::new(),
            layout: None,
        });
        let made = Made {
            run: RunId::new(uuid(9, 0)),
            at: "2026-12-02T08:00:00Z".parse().unwrap(),
            tool_version: "0.1.0".into(),
        };
        let header = Header {
            server: None,
            sandbox: None,
            account: None,
            sides: self.sides,
            months: self.periods.months().map(|period| Month { period, is_partial: false }).collect(),
            offerings: Vec::new(),
            scope: Scope::default(),
            currency,
            inputs: Vec::new(),
            server_rows: saved,
            rows: RowCounts::default(),
            rows_of_users: 0,
            endpoints: Vec::new(),
            rules: Vec::new(),
            remarks: Vec::new(),
        };
        let compared = Compared {
            made,
            header,
            catalogue: &self.catalogue,
            periods: self.periods,
            file: has_file.then_some(file),
            stored: self.stored.into_iter().chain(self.around).collect(),
            invoices: self.invoices,
        };
        reconcile(compared, rules)
    }
}

/// Gives a row of the file a fault.
pub fn fault(line: &mut FileLine, code: Code, note: &str) {
    let more = line.more.get_or_insert_default();
    more.faults.push(LineFault { code, note: note.into() });
}

/// Gives a row of the file a name that is not known.
pub fn named(line: &mut FileLine, resource: Option<&str>, of: Option<&str>, unit: Option<&str>) {
    let more: &mut FileLineMore = line.more.get_or_insert_default();
    if let Some(resource) = resource {
        line.resource = None;
        more.resource = Some(Arc::from(resource));
    }
    if let Some(of) = of {
        line.component = None;
        more.component = Some(Arc::from(of));
    }
    more.unit = unit.map(Arc::from);
}

/// Lets a row of the file say what it costs.
pub fn priced(line: &mut FileLine, unit_price: Option<&str>, price: Option<&str>, currency: Option<&str>) {
    let more = line.more.get_or_insert_default();
    more.money = Some(StatedMoney {
        unit_price: unit_price.map(amount),
        price: price.map(amount),
        tax: None,
        currency: currency.map(|own| own.parse().unwrap()),
        invoice_number: None,
        customer: None,
        columns: MoneyColumns::default(),
    });
}

/// The lines of a report as text: what each speaks of, its class, what else is true, its worth, rule and
/// note.
pub fn told(report: &Report) -> Vec<String> {
    let each = report.views().map(|view| {
        let shown = |amount: Option<Amount>| amount.map_or_else(|| "-".to_owned(), |own| own.to_string());
        let also: Vec<_> = view.line.also.list().map(Class::name).collect();
        let mut text = format!(
            "{} {} {}: {} {} | {}",
            view.subject.resource,
            view.measured.component,
            view.line.period,
            shown(view.line.file),
            shown(view.line.server),
            view.class()
        );
        if !also.is_empty() {
            write!(text, " +{}", also.join("+")).unwrap();
        }
        if let Some((currency, worth)) = view.worth() {
            write!(text, " | {worth} {}", currency.map_or("?".to_owned(), |own| own.to_string())).unwrap();
        }
        if let Some(rule) = view.rule() {
            write!(text, " | by {rule}").unwrap();
        }
        if let Some(note) = view.note() {
            write!(text, " | {note}").unwrap();
        }
        text
    });
    each.collect()
}
