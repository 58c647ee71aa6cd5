//! The tables of invoices and their items, with the indexes that keep a large world fast, and a way
//! back out of a failed request.
//!
//! An invoice is one customer's month. What an item shows of its resource, plan and component is
//! looked up when it is shown; only what can differ from them later is stored. The price of an
//! invoice is kept while its items change, so that a post never sums a month.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::invoice_lists::Lists;
use super::{Data, Resource};
use crate::domain::{Amount, BillingPeriod, line_price};

/// The number of the first invoice, less one.
const FIRST_NUMBER: u64 = 100_000;

/// What an invoice is in the way from open to settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceState {
    /// The month runs; reports change the invoice.
    Pending,
    /// The month is over, and late reports still change the invoice.
    PendingFinalization,
    /// It is issued.
    Created,
    /// It is paid.
    Paid,
    /// It is void.
    Canceled,
}

impl InvoiceState {
    /// Every state, as the API offers them.
    pub(in crate::sandbox) const NAMES: [&'static str; 5] =
        ["pending", "pending_finalization", "created", "paid", "canceled"];

    /// The state as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::PendingFinalization => "pending_finalization",
            Self::Created => "created",
            Self::Paid => "paid",
            Self::Canceled => "canceled",
        }
    }

    /// Whether an invoice in this state can still change.
    pub fn is_open(self) -> bool {
        match self {
            Self::Pending | Self::PendingFinalization => true,
            Self::Created | Self::Paid | Self::Canceled => false,
        }
    }
}

impl fmt::Display for InvoiceState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// One customer's month.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Invoice {
    pub uuid: Uuid,
    pub customer: usize,
    pub period: BillingPeriod,
    pub state: InvoiceState,
    pub number: u64,
    /// When it was issued.
    pub invoice_date: Option<Date>,
    pub tax_percent: Amount,
    /// The first day of the month in which it was made.
    pub created: Date,
    /// The positions of its items, oldest first.
    pub items: Vec<usize>,
    /// The sum of its rounded lines.
    pub price: Amount,
}

/// What a line counts: amounts, or the time that a plan's price is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::sandbox) enum Unit {
    Month,
    Quarter,
    HalfMonth,
    Day,
    Hour,
    Quantity,
}

impl Unit {
    /// Reads the unit of a plan; anything unknown is billed by the month, as on the real server.
    pub(in crate::sandbox) fn of_plan(text: &str) -> Self {
        match text {
            "quarter" => Self::Quarter,
            "half_month" => Self::HalfMonth,
            "day" => Self::Day,
            "hour" => Self::Hour,
            "quantity" => Self::Quantity,
            _ => Self::Month,
        }
    }
}

/// One line of an invoice.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Item {
    pub uuid: Uuid,
    pub invoice: usize,
    pub resource: usize,
    pub component: usize,
    /// The plan that its details name, by its position in the offering.
    pub plan: usize,
    /// The plan period whose usage it bills, by its position in the resource.
    pub plan_period: Option<usize>,
    pub quantity: Amount,
    pub unit_price: Amount,
    pub unit: Unit,
    pub start: Timestamp,
    /// Its last instant, not the first after it.
    pub end: Timestamp,
}

impl Item {
    /// Quantity times unit price, rounded up to the cent. A product beyond all range counts as
    /// nothing: no item that has one is ever stored.
    pub(in crate::sandbox) fn price(&self) -> Amount {
        line_price(self.quantity, self.unit_price).unwrap_or_default()
    }
}

/// An invoice has no room for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sandbox) struct NoRoom;

#[derive(Debug)]
enum Change {
    MadeInvoice,
    MadeItem,
    Quantity(usize, Amount),
}

/// What a request changed in invoices, newest last, so that it can be taken back.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct InvoiceUndo(Vec<Change>);

/// All invoices and their items.
#[derive(Debug)]
pub(in crate::sandbox) struct InvoiceTable {
    invoices: Vec<Invoice>,
    by_uuid: HashMap<Uuid, usize>,
    by_month: HashMap<(usize, BillingPeriod), usize>,
    by_customer: Vec<Vec<usize>>,
    items: Vec<Item>,
    item_by_uuid: HashMap<Uuid, usize>,
    by_resource: Vec<Vec<usize>>,
    /// The resources of each customer, in storage order.
    resources: Vec<Vec<usize>>,
    pub(super) lists: Lists,
}

impl InvoiceTable {
    pub(super) fn new(resources: &[Resource], project_customers: &[usize], customers: usize) -> Self {
        let mut of_customer = vec![Vec::new(); customers];
        for (at, resource) in resources.iter().enumerate() {
            of_customer[project_customers[resource.project]].push(at);
        }
        Self {
            invoices: Vec::new(),
            by_uuid: HashMap::new(),
            by_month: HashMap::new(),
            by_customer: vec![Vec::new(); customers],
            items: Vec::new(),
            item_by_uuid: HashMap::new(),
            by_resource: vec![Vec::new(); resources.len()],
            resources: of_customer,
            lists: Lists::default(),
        }
    }

    pub(in crate::sandbox) fn len(&self) -> usize {
        self.invoices.len()
    }

    pub(in crate::sandbox) fn invoice(&self, at: usize) -> &Invoice {
        &self.invoices[at]
    }

    pub(in crate::sandbox) fn find(&self, uuid: Uuid) -> Option<usize> {
        self.by_uuid.get(&uuid).copied()
    }

    /// The invoice of a customer and a month.
    pub(in crate::sandbox) fn of_month(&self, customer: usize, period: BillingPeriod) -> Option<usize> {
        self.by_month.get(&(customer, period)).copied()
    }

    pub(in crate::sandbox) fn of_customer(&self, customer: usize) -> &[usize] {
        &self.by_customer[customer]
    }

    pub(in crate::sandbox) fn resources_of(&self, customer: usize) -> &[usize] {
        &self.resources[customer]
    }

    pub(in crate::sandbox) fn item_count(&self) -> usize {
        self.items.len()
    }

    pub(in crate::sandbox) fn item(&self, at: usize) -> &Item {
        &self.items[at]
    }

    pub(in crate::sandbox) fn find_item(&self, uuid: Uuid) -> Option<usize> {
        self.item_by_uuid.get(&uuid).copied()
    }

    /// The items of a resource, oldest first.
    pub(in crate::sandbox) fn items_of(&self, resource: usize) -> impl Iterator<Item = (usize, &Item)> {
        self.by_resource[resource].iter().map(|&at| (at, &self.items[at]))
    }

    /// The number of the next invoice that is made.
    pub(in crate::sandbox) fn next_number(&self) -> u64 {
        FIRST_NUMBER + 1 + u64::try_from(self.invoices.len()).unwrap_or_default()
    }

    /// Stores a new invoice, noting how to take it back.
    pub(in crate::sandbox) fn create(&mut self, invoice: Invoice, undo: &mut InvoiceUndo) -> usize {
        let at = self.invoices.len();
        self.by_uuid.insert(invoice.uuid, at);
        self.by_month.insert((invoice.customer, invoice.period), at);
        self.by_customer[invoice.customer].push(at);
        self.invoices.push(invoice);
        undo.0.push(Change::MadeInvoice);
        at
    }

    /// Stores a new item, noting how to take it back.
    pub(in crate::sandbox) fn create_item(
        &mut self,
        item: Item,
        undo: &mut InvoiceUndo,
    ) -> Result<usize, NoRoom> {
        let at = self.items.len();
        let price = line_price(item.quantity, item.unit_price).ok_or(NoRoom)?;
        let invoice = &mut self.invoices[item.invoice];
        invoice.price = invoice.price.checked_add(price).ok_or(NoRoom)?;
        invoice.items.push(at);
        self.item_by_uuid.insert(item.uuid, at);
        self.by_resource[item.resource].push(at);
        self.items.push(item);
        undo.0.push(Change::MadeItem);
        Ok(at)
    }

    /// Changes the quantity of an item, noting how to take it back.
    pub(in crate::sandbox) fn set_quantity(
        &mut self,
        at: usize,
        quantity: Amount,
        undo: &mut InvoiceUndo,
    ) -> Result<(), NoRoom> {
        let before = self.items[at].quantity;
        self.write_quantity(at, quantity)?;
        undo.0.push(Change::Quantity(at, before));
        Ok(())
    }

    fn write_quantity(&mut self, at: usize, quantity: Amount) -> Result<(), NoRoom> {
        let item = &mut self.items[at];
        let price = line_price(quantity, item.unit_price).ok_or(NoRoom)?;
        let change = price.checked_sub(item.price()).ok_or(NoRoom)?;
        let invoice = &mut self.invoices[item.invoice];
        invoice.price = invoice.price.checked_add(change).ok_or(NoRoom)?;
        item.quantity = quantity;
        Ok(())
    }

    /// Moves an invoice to another state; the day on which it is issued is kept once it is known.
    pub(in crate::sandbox) fn set_state(&mut self, at: usize, state: InvoiceState, today: Date) {
        let invoice = &mut self.invoices[at];
        invoice.state = state;
        invoice.invoice_date = if state.is_open() { None } else { invoice.invoice_date.or(Some(today)) };
    }

    /// Takes back what a failed request has done.
    pub(super) fn roll_back(&mut self, undo: InvoiceUndo) {
        for change in undo.0.into_iter().rev() {
            match change {
                Change::MadeInvoice => self.remove_last_invoice(),
                Change::MadeItem => self.remove_last_item(),
                Change::Quantity(at, before) => {
                    // It had room before, and what came after it is taken back already.
                    let _ = self.write_quantity(at, before);
                }
            }
        }
    }

    fn remove_last_invoice(&mut self) {
        let Some(invoice) = self.invoices.pop() else { return };
        self.by_uuid.remove(&invoice.uuid);
        self.by_month.remove(&(invoice.customer, invoice.period));
        self.by_customer[invoice.customer].pop();
    }

    fn remove_last_item(&mut self) {
        let Some(item) = self.items.pop() else { return };
        self.item_by_uuid.remove(&item.uuid);
        self.by_resource[item.resource].pop();
        let price = item.price();
        let invoice = &mut self.invoices[item.invoice];
        invoice.items.pop();
        invoice.price = invoice.price.checked_sub(price).unwrap_or_default();
    }
}

impl Data {
    /// Whether the invoice of a customer's month is there and can still change.
    pub(in crate::sandbox) fn invoice_is_open(&self, customer: usize, period: BillingPeriod) -> bool {
        let invoice = self.invoices.of_month(customer, period);
        invoice.is_some_and(|at| self.invoices.invoice(at).state.is_open())
    }

    /// The customer who is billed for an item.
    pub(in crate::sandbox) fn customer_of_item(&self, item: &Item) -> usize {
        self.invoices.invoice(item.invoice).customer
    }
}
