//! The report: one model that every format is written from.
//!
//! Lines hold positions in lists of subjects, components and texts, because there can be millions of
//! them; writers look at them through [`LineView`]. All totals are made here, once, so that the same
//! figures stand in every format.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    Amount, BillingPeriod, Currency, CustomerId, InvoiceLineId, OfferingId, Place, ProjectId, ResourceId,
    RunId, SandboxWorld, UsageId,
};
use crate::findings::{Code, RowCounts};
use crate::plan::{InputFile, InvoiceState, Reporter, Scope};

use super::class::{Class, Classes};
use super::proof::Proof;
use super::remarks::Remark;

/// A reconciliation, finished.
#[derive(Debug, Clone)]
pub struct Report {
    /// What differs between two reports of the same inputs; it stands in one place of each format.
    pub made: Made,
    /// What was compared, and with what.
    pub header: Header,
    /// What comes of it.
    pub verdict: Verdict,
    /// How many keys there are of each class, and what they come to; only classes that occur.
    pub classes: Vec<ClassTotal>,
    /// That nothing is lost between the totals and the lines.
    pub proof: Proof,
    /// The lines: breaks first, by class, then by organisation, resource, component and month.
    pub lines: Vec<Line>,
    /// What the lines speak of.
    pub subjects: Vec<Subject>,
    /// The components that they speak of.
    pub components: Vec<Measured>,
    /// The tables of the files that their cells stand in.
    pub tables: Vec<TablePlace>,
    /// What is in doubt or worth a word of single lines.
    pub notes: Vec<Arc<str>>,
    /// The organisations, by name.
    pub organisations: Vec<OrganisationTotal>,
    /// The invoices that were read, by organisation and month; empty where none were asked for.
    pub invoices: Vec<InvoiceTotal>,
    /// By component, what there was last month, and what there is on each side.
    pub trend: Vec<Trend>,
    /// The rows whose amount or month cannot be read, left out by `--skip-faulty`; not in the proof.
    pub skipped: Vec<SkippedRow>,
}

/// The making of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The run that made it.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// The version of the program.
    pub tool_version: String,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// The server's address; `None` where only a saved list was read.
    pub server: Option<String>,
    /// The world of the sandbox that answered there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxWorld>,
    /// Whose token was used.
    pub account: Option<Reporter>,
    /// Which sides there are.
    pub sides: Sides,
    /// The months, oldest first.
    pub months: Vec<Month>,
    /// The offerings in scope.
    pub offerings: Vec<String>,
    /// The projects and organisations that it was narrowed to.
    pub scope: Scope,
    /// The currency of the server's prices; `None` where nobody tells it.
    pub currency: Option<CurrencyOf>,
    /// The files.
    pub inputs: Vec<InputFile>,
    /// The saved list that stands in for the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_rows: Option<InputFile>,
    /// What became of the rows of the files.
    pub rows: RowCounts,
    /// How many of them speak of single users, whose parts are in the totals already.
    pub rows_of_users: usize,
    /// What was asked of the server, and what it showed.
    pub endpoints: Vec<Endpoint>,
    /// The rules, and how often each was used.
    pub rules: Vec<RuleUse>,
    /// What has to be known of the report as a whole.
    pub remarks: Vec<Remark>,
}

/// Which sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// The file and the usages.
    FileAndServer,
    /// The file, the usages and the invoices.
    FileServerAndInvoices,
    /// The usages and the invoices.
    ServerAndInvoices,
}

impl Sides {
    /// Whether there is a file.
    pub fn has_file(self) -> bool {
        matches!(self, Self::FileAndServer | Self::FileServerAndInvoices)
    }

    /// Whether there are invoices.
    pub fn has_invoices(self) -> bool {
        matches!(self, Self::FileServerAndInvoices | Self::ServerAndInvoices)
    }
}

/// A month of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Month {
    /// The month.
    pub period: BillingPeriod,
    /// Whether it is not over.
    pub is_partial: bool,
}

/// A currency, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CurrencyOf {
    /// The currency.
    pub currency: Currency,
    /// Where it is from: the profile, or the server's configuration.
    pub source: String,
}

/// A list of the server that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// The path, such as `marketplace-component-usages/`.
    pub path: String,
    /// How it was asked, and how it is known to be whole.
    pub read: String,
    /// How many rows came.
    pub rows: usize,
}

/// A rule and its use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleUse {
    /// Its name.
    pub name: String,
    /// What it says.
    pub says: String,
    /// The last day on which it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<jiff::civil::Date>,
    /// Whether it had ended when the report was made, so that it was not applied.
    pub has_ended: bool,
    /// How many lines it was applied to.
    pub lines: usize,
}

/// What comes of a reconciliation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether something was compared, no line is a break and no row was left out.
    pub agrees: bool,
    /// How many keys were compared.
    pub keys: usize,
    /// How many of them are breaks.
    pub breaks: usize,
    /// What the breaks come to in money, each taken as it is without its sign, by currency; `None`
    /// stands for prices of which nobody tells the currency.
    pub at_stake: Vec<(Option<Currency>, Amount)>,
    /// How many breaks have no known price.
    pub without_price: usize,
    /// The verdict in one sentence.
    pub sentence: String,
}

/// What the keys of a class come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassTotal {
    /// The class.
    pub class: Class,
    /// How many keys.
    pub keys: usize,
    /// What their differences are worth, with their signs, by currency.
    pub worth: Vec<(Option<Currency>, Amount)>,
}

/// What a line speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The organisation that pays; empty where it is not known.
    pub organisation: Arc<str>,
    /// Its id.
    pub customer: Option<CustomerId>,
    /// The project.
    pub project: Arc<str>,
    /// Its id.
    pub project_uuid: Option<ProjectId>,
    /// The offering.
    pub offering: Arc<str>,
    /// Its id.
    pub offering_uuid: Option<OfferingId>,
    /// The resource as the server calls it, or as the file does where the server does not know it.
    pub resource: Arc<str>,
    /// Its id; `None` where it is not known.
    pub resource_uuid: Option<ResourceId>,
}

/// A component with its unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Measured {
    /// The type as the server spells it, or as the file does where the server has none such.
    pub component: Arc<str>,
    /// The unit; empty where it is not known.
    pub unit: Arc<str>,
}

/// A table that cells stand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TablePlace {
    /// The file.
    pub file: Arc<str>,
    /// The sheet, in a workbook.
    pub sheet: Option<Arc<str>>,
    /// The headers from left to right.
    pub headers: Vec<Arc<str>>,
}

/// A cell of one of the tables; rows and columns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellPlace {
    /// Which of [`Report::tables`].
    pub table: u32,
    /// The row or line.
    pub row: u32,
    /// The column; 0 where it is the whole row.
    pub column: u32,
}

/// One key: a resource, a component and a month, with what each side has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The primary class.
    pub class: Class,
    /// What else is true of it.
    pub also: Classes,
    /// The month.
    pub period: BillingPeriod,
    /// Which of [`Report::subjects`].
    pub subject: u32,
    /// Which of [`Report::components`].
    pub component: u32,
    /// What the file has in all; `None` where it has no row.
    pub file: Option<Amount>,
    /// What the server has in all; `None` where it has no row.
    pub server: Option<Amount>,
    /// The cell of the first row of the file.
    pub cell: Option<CellPlace>,
    /// The first stored row.
    pub usage: Option<UsageId>,
    /// What few lines have.
    pub more: Option<Box<More>>,
}

/// What few lines have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct More {
    /// Further cells of the file.
    pub cells: Vec<CellPlace>,
    /// Further stored rows.
    pub usages: Vec<UsageId>,
    /// What the file says of money.
    pub stated: Option<Stated>,
    /// What the invoice says.
    pub billed: Option<Billed>,
    /// What the difference is worth: with invoices what is stated, or what the usage costs, less what is
    /// billed; else what is stated less what the server's amount costs by the plan of today, or the
    /// difference in quantity times the unit price. `None` where no price is known.
    pub worth: Option<(Option<Currency>, Amount)>,
    /// The rule that decided, by its position in the header's list.
    pub rule: Option<u32>,
    /// Which of [`Report::notes`], where there is one.
    pub note: Option<u32>,
}

/// What a file says of the money of a usage.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Stated {
    /// What a unit costs.
    pub unit_price: Option<Amount>,
    /// What the usage costs without tax.
    pub price: Option<Amount>,
    /// The tax on it.
    pub tax: Option<Amount>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// The number of the invoice.
    pub invoice_number: Option<Arc<str>>,
    /// The organisation that is to pay.
    pub customer: Option<Arc<str>>,
}

/// What the invoice says of a usage: its lines that bill usage, added up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Billed {
    /// What is billed in all.
    pub quantity: Amount,
    /// What a unit costs; `None` where the lines differ in it.
    pub unit_price: Option<Amount>,
    /// What the lines cost without tax, each rounded up to the cent.
    pub price: Amount,
    /// The tax on them, where the server tells it.
    pub tax: Option<Amount>,
    /// The number of the invoice, where this account sees it.
    pub invoice_number: Option<Arc<str>>,
    /// The lines.
    pub lines: Vec<InvoiceLineId>,
}

/// What an organisation comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrganisationTotal {
    /// Its name; empty for what cannot be told whose it is.
    pub name: Arc<str>,
    /// Its id.
    pub customer: Option<CustomerId>,
    /// How many keys.
    pub keys: usize,
    /// How many of them are breaks.
    pub breaks: usize,
    /// What its differences are worth, with their signs, by currency.
    pub worth: Vec<(Option<Currency>, Amount)>,
    /// What the file states without tax, by currency.
    pub stated: Vec<(Option<Currency>, Amount)>,
    /// What usage is billed without tax, in the server's currency.
    pub billed: Option<Amount>,
}

/// An invoice and what the file states of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceTotal {
    /// The organisation.
    pub organisation: Arc<str>,
    /// Its id.
    pub customer: CustomerId,
    /// The month.
    pub period: BillingPeriod,
    /// The number, where the server tells one.
    pub number: Option<Arc<str>>,
    /// How far it has come; `None` where this account does not see the invoice itself.
    pub state: Option<InvoiceState>,
    /// What its lines for usage cost, each rounded up to the cent.
    pub usage: Amount,
    /// Lines that are neither usage nor below zero: what is billed by time or once.
    pub other: Amount,
    /// Credits and discounts: lines below zero that name a credit, or call themselves one.
    pub credits: Amount,
    /// Compensations: all other lines below zero.
    pub compensations: Amount,
    /// The tax, where the server tells it.
    pub tax: Option<Amount>,
    /// What the server says it comes to without tax; `None` where this account does not see the invoice.
    pub price: Option<Amount>,
    /// What the server says it comes to with tax.
    pub total: Option<Amount>,
    /// Whether all of its lines were read.
    pub is_whole: bool,
    /// Whether lines beside the scope are on it, so that what is stated speaks of a part of it.
    #[serde(skip)]
    pub is_in_part: bool,
    /// What the file states of it without tax, by currency.
    pub stated: Vec<(Option<Currency>, Amount)>,
    /// The tax that the file states of it, by currency.
    pub stated_tax: Vec<(Option<Currency>, Amount)>,
}

/// A component over time and sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trend {
    /// The component.
    #[serde(flatten)]
    pub measured: Measured,
    /// What the server has of the month before; `None` where it was not read.
    pub last_month: Option<Amount>,
    /// What the server has.
    pub server: Amount,
    /// What the file has; `None` where there is no file.
    pub file: Option<Amount>,
}

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedRow {
    /// Where.
    pub place: Place,
    /// Why.
    pub code: Code,
    /// What stands there.
    pub found: String,
}

/// A line as writers see it.
#[derive(Debug, Clone, Copy)]
pub struct LineView<'a> {
    report: &'a Report,
    /// Its number in the report, counted from 1.
    pub number: usize,
    /// The line.
    pub line: &'a Line,
    /// What it speaks of.
    pub subject: &'a Subject,
    /// The component.
    pub measured: &'a Measured,
}

impl Report {
    /// All lines, in order.
    pub fn views(&self) -> impl Iterator<Item = LineView<'_>> {
        self.lines.iter().enumerate().filter_map(|(at, line)| {
            Some(LineView {
                report: self,
                number: at.saturating_add(1),
                line,
                subject: pick(&self.subjects, line.subject)?,
                measured: pick(&self.components, line.component)?,
            })
        })
    }

    /// The lines that somebody has to look at.
    pub fn breaks(&self) -> impl Iterator<Item = LineView<'_>> {
        self.views().filter(|view| view.line.class.is_break())
    }
}

fn pick<T>(list: &[T], at: u32) -> Option<&T> {
    usize::try_from(at).ok().and_then(|at| list.get(at))
}

impl<'a> LineView<'a> {
    /// The primary class.
    pub fn class(&self) -> Class {
        self.line.class
    }

    /// What the file has less what the server has; what is not there counts as zero. In a report
    /// without a file: what is billed less what the server has.
    pub fn difference(&self) -> Amount {
        let zero = Amount::ZERO;
        let server = self.line.server.unwrap_or(zero);
        let other = if self.report.header.sides.has_file() {
            self.line.file.unwrap_or(zero)
        } else {
            self.billed().map_or(zero, |billed| billed.quantity)
        };
        // Both are below 10²⁴ in size, and so is their difference by far.
        other.checked_sub(server).unwrap_or(zero)
    }

    /// The cells of the file, in order.
    pub fn cells(&self) -> impl Iterator<Item = Place> {
        let more = self.line.more.as_deref().map_or(&[][..], |more| &more.cells);
        self.line.cell.iter().chain(more).filter_map(|cell| self.report.place(*cell))
    }

    /// The stored rows.
    pub fn usages(&self) -> impl Iterator<Item = UsageId> {
        let more = self.line.more.as_deref().map_or(&[][..], |more| &more.usages);
        self.line.usage.iter().chain(more).copied()
    }

    /// What the file says of money.
    pub fn stated(&self) -> Option<&'a Stated> {
        self.line.more.as_deref().and_then(|more| more.stated.as_ref())
    }

    /// What the invoice says.
    pub fn billed(&self) -> Option<&'a Billed> {
        self.line.more.as_deref().and_then(|more| more.billed.as_ref())
    }

    /// What the difference is worth.
    pub fn worth(&self) -> Option<(Option<Currency>, Amount)> {
        self.line.more.as_deref().and_then(|more| more.worth)
    }

    /// The name of the rule that decided.
    pub fn rule(&self) -> Option<&'a str> {
        let at = self.line.more.as_deref().and_then(|more| more.rule)?;
        pick(&self.report.header.rules, at).map(|rule| rule.name.as_str())
    }

    /// What is worth a word of it.
    pub fn note(&self) -> Option<&'a str> {
        let at = self.line.more.as_deref().and_then(|more| more.note)?;
        pick(&self.report.notes, at).map(AsRef::as_ref)
    }
}

impl Report {
    /// Where a cell is, as people look it up.
    pub fn place(&self, cell: CellPlace) -> Option<Place> {
        use crate::domain::Spot;
        let table = pick(&self.tables, cell.table)?;
        let column = usize::try_from(cell.column).ok().and_then(|column| column.checked_sub(1));
        let spot = match column {
            Some(_) => Spot::Cell { row: cell.row, column: cell.column },
            None => Spot::Row(cell.row),
        };
        let header = column.and_then(|column| table.headers.get(column));
        let header = header.filter(|header| !header.is_empty()).cloned();
        Some(Place { file: table.file.clone(), sheet: table.sheet.clone(), spot, header })
    }
}
