//! What parsing leaves: subjects, figures and the columns whose meaning is still open.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{
    Amount, BillingPeriod, CarryOver, Exact, OfferingId, Place, PlanPeriodId, Ratio, ReportableAmount,
    ResourceId, RoundingRule, Spot, Unrounded,
};
use crate::findings::{Fates, Finding, RowIndex};
use crate::mapping::{Field, Layout};

use super::column::Verdict;
use super::money::StatedMoney;
use super::numeral::DecimalSign;
use super::{CellKind, Table, quantity};

/// All inputs of a run, parsed.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The tables in the order in which they were read.
    pub tables: Vec<Arc<ParsedTable>>,
    /// Rows that name a resource and a month.
    pub subjects: Vec<Subject>,
    /// The figures of the long form.
    pub figures: Vec<Figure>,
    /// What was added up of the records of other systems.
    pub sums: Vec<Sum>,
    /// When the records of a sum end at the latest, where that is not to come yet.
    pub ends: Vec<End>,
    /// What is to be said of how a table was read, by table.
    pub notes: HashMap<usize, Vec<String>>,
    /// The columns of the wide form that may be components.
    pub open_columns: Vec<OpenColumn>,
    /// Rows at deny that still name a resource, which goes with them where faulty rows are skipped.
    pub faulty: Vec<(RowIndex, Arc<ResourceName>, Option<OfferingId>)>,
    /// Rows without a figure of their own that name a resource and a component all the same: blank ones,
    /// those of other months, those of single people.
    pub named: Vec<Named>,
    /// Lines of one text below the rows of a table. They are notes, unless one of them names a resource.
    pub notes_below: Vec<Note>,
    /// Rows of one text that stand for a resource and the month that was given, with what is said of those
    /// below the last row where they name none.
    pub lone_subjects: HashMap<RowIndex, Option<Finding>>,
    /// The first cell with a number of each column that is not read.
    pub numbers_unread: Vec<(usize, u32, usize)>,
    /// The columns, by table, that the user said to pass over.
    pub columns_ignored: HashSet<(usize, usize)>,
    /// The columns with a header, by table, that nobody reads.
    pub columns_unread: Vec<(usize, usize)>,
    /// Rows of tax or a discount on other rows, each with its place and what it says.
    pub money_beside: Vec<String>,
    /// Those of them of which a cell is shown as money.
    pub money_unread: HashSet<(usize, usize)>,
    /// The month and the component of rows at deny, as far as they can be told, where rows are compared.
    pub faulty_keys: HashMap<RowIndex, (Option<BillingPeriod>, Option<Arc<str>>)>,
    /// Words in a column without a header beside an amount, or in a column of units that is of all amounts
    /// of its row: the subject, the column and the text.
    pub words_beside: Vec<(usize, usize, Arc<str>)>,
    /// What became of every row so far.
    pub fates: Fates,
    /// For every row read, by its index: which of the tables, and the row or line in it.
    pub addresses: Vec<(u32, u32)>,
    /// The decimal sign of each column of amounts, by table and column, where it is settled.
    pub decimal_signs: HashMap<(usize, usize), DecimalSign>,
    /// How amounts are rounded, where that was asked for.
    pub rounding: Option<RoundingRule>,
    /// Whether amounts below zero are told apart and not refused.
    pub takes_negative: bool,
}

/// A table and its header.
#[derive(Debug, Clone)]
pub struct ParsedTable {
    /// File and sheet.
    pub table: Arc<Table>,
    /// The row or line of the header.
    pub header_row: u32,
    /// The header cells from left to right.
    pub headers: Vec<Arc<str>>,
    /// The column of each field, counted from 0, where the table has it.
    pub columns: [Option<usize>; Field::COUNT],
    /// The layout that it was read by.
    pub layout: Arc<Layout>,
}

impl ParsedTable {
    /// The column of a field, counted from 0.
    pub fn column(&self, field: Field) -> Option<usize> {
        self.columns[field.index()]
    }

    /// The place of a cell, with its header; columns count from 0.
    pub fn place(&self, number: u32, column: Option<usize>) -> Place {
        let Some(column) = column else { return self.table.place(Spot::Row(number)) };
        let spot = Spot::Cell { row: number, column: u32::try_from(column).unwrap_or(u32::MAX - 1) + 1 };
        let header = self.headers.get(column).filter(|header| !header.is_empty()).cloned();
        Place { header, ..self.table.place(spot) }
    }
}

/// How a row names its resource; at least one of the names is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ResourceName {
    /// The uuid, which settles it.
    pub uuid: Option<ResourceId>,
    /// The id in the provider's own system.
    pub backend_id: Option<Arc<str>>,
    /// The short name.
    pub slug: Option<Arc<str>>,
    /// The display name.
    pub name: Option<Arc<str>>,
    /// The offering by its name, which names no resource but where to look for it.
    pub offering: Option<Arc<str>>,
    /// The project by its name, which has to be that of the resource.
    pub project: Option<Arc<str>>,
    /// The organisation by its name, which has to be that of the resource.
    pub organisation: Option<Arc<str>>,
}

impl ResourceName {
    /// Whether the row names nothing.
    pub fn is_empty(&self) -> bool {
        self.uuid.is_none() && self.backend_id.is_none() && self.slug.is_none() && self.name.is_none()
    }

    /// The field that decides which resource is meant.
    pub fn decisive_field(&self) -> Option<Field> {
        let fields = [
            (self.uuid.is_some(), Field::ResourceUuid),
            (self.backend_id.is_some(), Field::ResourceBackendId),
            (self.slug.is_some(), Field::ResourceSlug),
            (self.name.is_some(), Field::ResourceName),
        ];
        fields.into_iter().find_map(|(is_there, field)| is_there.then_some(field))
    }

    /// The field and the text that decide which resource is meant.
    pub fn decisive(&self) -> Option<(Field, String)> {
        let text = |name: &Option<Arc<str>>| name.as_ref().map(|name| name.as_ref().to_owned());
        (self.uuid.map(|uuid| (Field::ResourceUuid, uuid.to_string())))
            .or_else(|| text(&self.backend_id).map(|name| (Field::ResourceBackendId, name)))
            .or_else(|| text(&self.slug).map(|name| (Field::ResourceSlug, name)))
            .or_else(|| text(&self.name).map(|name| (Field::ResourceName, name)))
    }
}

/// What a row speaks of, without its figures. There can be millions of them, so what few rows have is set
/// apart, and what follows itself from row to row is kept once.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which of [`Parsed::tables`]; see [`Subject::table`].
    pub table: u32,
    /// The row of the sheet or line of the file.
    pub number: u32,
    /// The number of the row among all rows read.
    pub row: RowIndex,
    /// The resource, as the row names it.
    pub resource: Arc<ResourceName>,
    /// The month.
    pub period: BillingPeriod,
    /// What few rows have; see [`Subject::more`].
    pub more: Option<Arc<SubjectMore>>,
}

/// What few rows say of what they speak of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubjectMore {
    /// The offering, where the row names one.
    pub offering: Option<OfferingId>,
    /// The plan period, where the row names one.
    pub plan_period: Option<PlanPeriodId>,
    /// The description, where the row has one.
    pub description: Option<Arc<str>>,
    /// What happens in later months, where the row speaks of it.
    pub carry_over: Option<CarryOver>,
    /// Whether it said so in `missing_usage_policy`.
    pub names_policy: bool,
    /// The user whose share of the usage it is; `None` where it is of the whole.
    pub username: Option<Arc<str>>,
    /// What the row says of money, where that is read.
    pub money: Option<Box<StatedMoney>>,
}

impl Subject {
    /// Which of [`Parsed::tables`].
    pub fn table(&self) -> usize {
        wide(self.table)
    }

    /// What few rows have; nothing at all for most.
    pub fn more(&self) -> &SubjectMore {
        static NOTHING: SubjectMore = SubjectMore {
            offering: None,
            plan_period: None,
            description: None,
            carry_over: None,
            names_policy: false,
            username: None,
            money: None,
        };
        self.more.as_deref().unwrap_or(&NOTHING)
    }
}

/// A row that names what it does not report.
#[derive(Debug, Clone)]
pub struct Named {
    /// Which of [`Parsed::tables`].
    pub table: usize,
    /// The resource.
    pub resource: Arc<ResourceName>,
    /// The offering, where the row names one.
    pub offering: Option<OfferingId>,
    /// The component as the file spells it; `None` where it names all that the table has columns for.
    pub component: Option<Arc<str>>,
}

/// A line of one text below the rows of a table.
#[derive(Debug, Clone)]
pub struct Note {
    /// The number of the row among all rows read.
    pub row: RowIndex,
    /// What it names, if it is a row after all.
    pub resource: Arc<ResourceName>,
    /// The offering that goes with it.
    pub offering: Option<OfferingId>,
    /// What is said of it as a note.
    pub finding: Finding,
    /// What is said of it as a row.
    pub faults: Vec<Finding>,
}

/// One reported quantity.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Which of [`Parsed::subjects`]; see [`Figure::subject`].
    pub subject: u32,
    /// The column that the amount stands in, counted from 0; see [`Figure::column`].
    pub column: u32,
    /// The column that names the unit, counted from 0; see [`Figure::unit_column`].
    pub unit_column: u32,
    /// The component as the file spells it.
    pub component: Arc<str>,
    /// The unit, where the row names one.
    pub unit: Option<Arc<str>>,
    /// The amount.
    pub amount: ReportableAmount,
    /// The amount before it was rounded; `None` where it was not.
    pub unrounded: Option<Box<Unrounded>>,
    /// Whether it is so much below zero, as none that is posted is.
    pub is_negative: bool,
}

impl Figure {
    /// Which of [`Parsed::subjects`].
    pub fn subject(&self) -> usize {
        wide(self.subject)
    }

    /// The column that the amount stands in, counted from 0.
    pub fn column(&self) -> usize {
        wide(self.column)
    }

    /// The column that names the unit, counted from 0.
    pub fn unit_column(&self) -> usize {
        wide(self.unit_column)
    }
}

/// A column or the position of a table in a list, as small as millions of rows want it.
pub fn short(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// See [`short`].
pub fn wide(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// What records of another system add up to; only the catalogue can tell what it is in its unit.
#[derive(Debug, Clone)]
pub struct Sum {
    /// Which of [`Parsed::subjects`]; its row is the first one of those that were added up.
    pub subject: usize,
    /// The column that the quantity stands in, counted from 0.
    pub column: usize,
    /// What was counted.
    pub wanted: Wanted,
    /// The unit, where the rows name one.
    pub unit: Option<Arc<str>>,
    /// The column that names it, counted from 0.
    pub unit_column: usize,
    /// The sum, to the last digit.
    pub exact: Exact,
    /// What one of it is in what the layout counts in.
    pub ratio: Ratio,
    /// How many rows were added up.
    pub rows: usize,
}

/// The latest end of the records of a sum.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// Which of [`Parsed::subjects`].
    pub subject: usize,
    /// The row of the latest record.
    pub number: u32,
    /// The column of ends, counted from 0.
    pub column: usize,
    /// The end, as a clock of the layout's zone or of the source shows it.
    pub end: jiff::civil::DateTime,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Which of the metrics of the layout.
    Metric(usize),
    /// The component as the file names it.
    Component(Arc<str>),
}

/// A column of the wide form that may be a component; only the catalogue can tell.
#[derive(Debug, Clone)]
pub struct OpenColumn {
    /// Which of [`Parsed::tables`].
    pub table: usize,
    /// The column, counted from 0.
    pub column: usize,
    /// Its header; empty where it has none.
    pub header: Arc<str>,
    /// What its cells show of its decimal sign.
    pub verdict: Verdict<DecimalSign>,
    /// Its cells that are not blank.
    pub cells: Vec<OpenCell>,
}

/// A cell of an open column.
#[derive(Debug, Clone)]
pub struct OpenCell {
    /// Which of [`Parsed::subjects`].
    pub subject: usize,
    /// What stands in it.
    pub text: Arc<str>,
    /// What the spreadsheet says it is.
    pub kind: CellKind,
}

impl Parsed {
    /// The number in a cell of one of the tables, as its column is read; `None` where it is none.
    pub fn number(&self, table: usize, column: usize, text: &str, kind: CellKind) -> Option<Amount> {
        quantity::number(text, kind, self.decimal_signs.get(&(table, column)).copied())
    }

    /// The place of a cell of a subject's row; columns count from 0.
    pub fn place(&self, subject: usize, column: Option<usize>) -> Place {
        let subject = &self.subjects[subject];
        self.tables[subject.table()].place(subject.number, column)
    }
}
