//! The sides that are compared, as they were read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::{
    Amount, BillingPeriod, ComponentType, CustomerId, InvoiceLineId, PeriodRange, ResourceId,
};
use crate::plan::{Invoice, InvoicesSeen};
use crate::resolve::{Catalogue, FileLine};

use super::left_out::LeftOut;
use super::report::{Header, Made, SkippedRow, TablePlace};
use super::stored::StoredSide;

/// Everything that a reconciliation is made from.
#[derive(Debug)]
pub struct Compared<'a> {
    /// The making of the report.
    pub made: Made,
    /// What is said above it; rules and their uses are filled in while comparing.
    pub header: Header,
    /// The resources and components, with names and prices.
    pub catalogue: &'a Catalogue,
    /// The months.
    pub periods: PeriodRange,
    /// The file; `None` where usages and invoices alone are compared.
    pub file: Option<FileSide>,
    /// The stored usages of these months of all resources in scope, and of the month before the first one
    /// and the month after the last one, where they were read.
    pub stored: StoredSide,
    /// By month, what invoices bill; empty where none were asked for.
    pub invoices: BTreeMap<BillingPeriod, InvoiceSide>,
}

/// The files.
#[derive(Debug, Default)]
pub struct FileSide {
    /// Their figures, in the order of the input.
    pub lines: Vec<FileLine>,
    /// The tables that they stand in.
    pub tables: Vec<TablePlace>,
    /// The rows whose amount or month cannot be read, where they were to be left out.
    pub skipped: Vec<SkippedRow>,
    /// What they speak of, as far as it can be told.
    pub left_out: Vec<LeftOut>,
}

/// What was read of the invoices of a month.
#[derive(Debug, Default)]
pub struct InvoiceSide {
    /// The lines that bill usage, and what this account sees.
    pub seen: InvoicesSeen,
    /// The resources that these lines name and that lie beside the scope: they are on the invoice, and are
    /// not compared.
    pub beside: BTreeSet<ResourceId>,
    /// What the invoices themselves say; only those that this account sees.
    pub invoices: BTreeMap<CustomerId, InvoiceMoney>,
    /// The lines that do not bill usage.
    pub others: Vec<OtherLine>,
    /// The tax on lines that bill usage, where the server tells it.
    pub taxes: BTreeMap<InvoiceLineId, Amount>,
    /// Of whom all lines of the invoice were read.
    pub whole: BTreeSet<CustomerId>,
}

/// The money of an invoice as the server adds it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceMoney {
    /// The invoice.
    pub invoice: Invoice,
    /// Without tax.
    pub price: Option<Amount>,
    /// The tax.
    pub tax: Option<Amount>,
    /// With tax.
    pub total: Option<Amount>,
}

/// A line that bills no usage: something by time or once, a discount, a credit or a compensation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherLine {
    /// Its id.
    pub id: InvoiceLineId,
    /// Who pays.
    pub customer: CustomerId,
    /// What it is called.
    pub name: Arc<str>,
    /// The resource, where it names one.
    pub resource: Option<ResourceId>,
    /// The component, where it names one.
    pub component: Option<ComponentType>,
    /// Whether it names a credit.
    pub is_credit: bool,
    /// What it costs without tax.
    pub price: Amount,
}
