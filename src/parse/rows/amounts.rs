//! The amounts of a row as they can be read before the row is judged, for sums that are told.

use crate::domain::Amount;
use crate::mapping::Field;
use crate::parse::column::Verdict;
use crate::parse::numeral::DecimalSign;
use crate::parse::quantity::number;
use crate::parse::{Cell, CellKind, ParsedTable, RawRow};

/// Decimal places that an amount holds.
const PLACES: usize = 10;

/// Which columns hold amounts, and how each is read.
#[derive(Debug, Default)]
pub struct AmountColumns {
    /// The columns with the place of each in this list, the other way round.
    slots: Vec<Option<usize>>,
    columns: Vec<(usize, Option<DecimalSign>)>,
    component: Option<usize>,
    unit: Option<usize>,
}

/// A cell that stands where amounts do.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Which of the columns with amounts.
    pub slot: usize,
    /// The column, counted from 0.
    pub column: usize,
    /// The component as the row or the header names it.
    pub component: &'a str,
    /// The unit, where the row names one.
    pub unit: Option<&'a str>,
    /// What stands in it.
    pub cell: Cell<'a>,
    /// The number in it, where it is one.
    pub amount: Option<Amount>,
}

impl Found<'_> {
    /// Whether the cell holds a figure, or what was to be one; words beside a total are none.
    pub fn is_figure(&self) -> bool {
        let is_error = self.cell.kind == CellKind::Error;
        self.amount.is_some() || is_error || self.cell.text.contains(|one: char| one.is_ascii_digit())
    }
}

impl AmountColumns {
    /// The column of amounts of a table of the long form, or those that may be components of a wide one.
    pub fn new(
        table: &ParsedTable,
        long: &Verdict<DecimalSign>,
        open: impl Iterator<Item = (usize, Option<DecimalSign>)>,
    ) -> Self {
        let mut columns: Vec<_> = open.filter(|(column, _)| !table.headers[*column].is_empty()).collect();
        columns.extend(table.column(Field::Amount).map(|column| (column, long.settled())));
        let mut slots = vec![None; table.headers.len()];
        for (slot, (column, _)) in columns.iter().enumerate() {
            slots[*column] = Some(slot);
        }
        let is_long = table.column(Field::Amount).is_some();
        let component = table.column(Field::ComponentType).filter(|_| is_long);
        let unit = table.column(Field::Unit).filter(|_| is_long);
        Self { slots, columns, component, unit }
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// The columns, counted from 0.
    pub fn list(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().map(|(column, _)| *column)
    }

    /// Which of these columns one is.
    pub fn slot(&self, column: usize) -> Option<usize> {
        self.slots.get(column).copied().flatten()
    }

    /// The cells of a row that are not blank.
    pub fn of<'a>(&'a self, raw: &'a RawRow, table: &'a ParsedTable) -> impl Iterator<Item = Found<'a>> {
        let filled = |column: usize| Some(raw.cell(column).text).filter(|text| !text.is_empty());
        let unit = self.unit.and_then(filled);
        let component = self.component.and_then(filled);
        self.columns.iter().enumerate().filter_map(move |(slot, &(column, sign))| {
            let cell = raw.cell(column);
            if cell.is_blank() {
                return None;
            }
            let component = component.unwrap_or_else(|| table.headers[column].as_ref());
            Some(Found { slot, column, component, unit, cell, amount: readable(cell, sign) })
        })
    }
}

/// The number in a cell; digits beyond those that a sum can hold are cut off.
fn readable(cell: Cell<'_>, sign: Option<DecimalSign>) -> Option<Amount> {
    number(cell.text, cell.kind, sign).or_else(|| {
        let has_point =
            cell.kind == CellKind::Number || cell.kind == CellKind::Text && sign != Some(DecimalSign::Comma);
        let (whole, places) = cell.text.split_once('.').filter(|_| has_point)?;
        if !places.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let places = places.get(..PLACES)?;
        Amount::parse(&format!("{whole}.{places}")).ok()
    })
}
