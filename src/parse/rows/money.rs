//! The columns of money of a table, read where they are asked for.

use crate::domain::{Amount, Currency, visible};
use crate::findings::{Code, Finding};
use crate::mapping::{Field, stated_money};
use crate::parse::cells::shown;
use crate::parse::draft::RowDraft;
use crate::parse::money::{self, Denoted, StatedMoney};
use crate::parse::odd::SHOWN_AS;
use crate::parse::quantity as amounts;
use crate::parse::{Cell, CellKind, ParsedTable, RawRow};

use super::money_totals::MoneyTotals;
use super::{AmountMarks, DecimalSign, Judged, ParseSettings, Parser, State};

/// The columns that hold numbers, each judged by itself; empty where none is read.
#[derive(Default)]
pub(super) struct Money(pub(super) Vec<MoneyColumn>);

/// A column of money.
pub(super) struct MoneyColumn {
    pub field: Field,
    pub judged: Judged<DecimalSign, AmountMarks>,
    pub totals: MoneyTotals,
}

impl Money {
    /// The columns of a table.
    pub(super) fn of(table: &ParsedTable) -> Self {
        let numbers = [Field::UnitPrice, Field::Price, Field::Tax].into_iter();
        let known = numbers.filter_map(|field| {
            let judged = Judged::new(Some(table.column(field)?));
            Some(MoneyColumn { field, judged, totals: MoneyTotals::default() })
        });
        Self(known.collect())
    }

    /// Takes in what a row shows of how the columns are written.
    pub(super) fn weigh(&mut self, raw: &RawRow, line: (u32, Option<u8>), is_used: impl Fn() -> bool) {
        for MoneyColumn { judged, .. } in &mut self.0 {
            if let Some(column) = judged.column {
                amounts::weigh(&mut judged.evidence, line, raw.cell(column), &is_used);
            }
        }
    }

    /// Decides how each column is read.
    pub(super) fn decide(&mut self, settings: &ParseSettings) {
        for MoneyColumn { judged, .. } in &mut self.0 {
            judged.verdict = amounts::decimal_sign(&judged.evidence, settings.decimal);
        }
    }

    /// What is said of the cells in doubt.
    pub(super) fn doubts(&mut self, table: &ParsedTable) -> Vec<Finding> {
        let findings = self.0.iter_mut().filter_map(|MoneyColumn { judged, .. }| {
            let Judged { column, verdict, doubts, .. } = judged;
            std::mem::take(doubts).amounts(table, (*column)?, verdict)
        });
        findings.collect()
    }
}

impl Parser<'_> {
    /// What a row says of money; `None` where nothing is read of it, or it says nothing.
    pub(super) fn money(&mut self, draft: &mut RowDraft<'_>) -> Option<Box<StatedMoney>> {
        if !self.settings.reads_money || Field::MONEY.into_iter().all(|field| draft.filled(field).is_none()) {
            return None;
        }
        let mut stated = StatedMoney::default();
        let beside = draft.filled(Field::Currency);
        let beside = beside.and_then(|(column, cell)| draft.take(column, money::currency(cell)));
        let mut named: Vec<(usize, Cell<'_>, Denoted)> = Vec::new();
        for field in [Field::UnitPrice, Field::Price, Field::Tax] {
            let Some((column, cell)) = draft.filled(field) else { continue };
            if is_nothing(cell) {
                continue;
            }
            let header: &str = draft.table.headers.get(column).map_or("", AsRef::as_ref);
            let of_header = stated_money(header).and_then(|(_, currency)| Denoted::of(currency?));
            named.extend(
                of_header.map(|denoted| (column, Cell { text: header, kind: CellKind::Text }, denoted)),
            );
            let State::Reading(reading) = &mut self.state else { return None };
            let own = reading.money.0.iter_mut().find(|own| own.field == field);
            let Some(Judged { verdict, doubts, .. }) = own.map(|own| &mut own.judged) else { continue };
            let read = money::money(cell, verdict);
            let read = draft.take_or_doubt(column, read, |row, number| doubts.add_amount(row, number, cell));
            let Some((amount, denoted)) = read else { continue };
            named.extend(denoted.map(|denoted| (column, cell, denoted)));
            let slot = match field {
                Field::UnitPrice => &mut stated.unit_price,
                Field::Price => &mut stated.price,
                _ => &mut stated.tax,
            };
            *slot = Some(amount);
            stated.columns.set(field, column);
        }
        stated.currency = one_currency(draft, beside, &named);
        if let Some((column, _)) = draft.filled(Field::Currency) {
            stated.columns.set(Field::Currency, column);
        }
        let mut words = |field| {
            let (column, cell) = draft.filled(field)?;
            let text = draft.take(column, money::words(cell))?;
            stated.columns.set(field, column);
            Some(self.text(text))
        };
        let (invoice_number, customer) = (words(Field::InvoiceNumber), words(Field::Customer));
        (stated.invoice_number, stated.customer) = (invoice_number, customer);
        Some(Box::new(stated))
    }
}

/// Whether a cell has the dash that accountants write for nothing, or a zero that is shown as one.
fn is_nothing(cell: Cell<'_>) -> bool {
    let is_dash = |text: &str| {
        let text = text.trim_matches(|one: char| one.is_whitespace() || "€$£¥".contains(one));
        matches!(text, "-" | "\u{2013}" | "\u{2014}")
    };
    let is_shown =
        |(stored, shown): (&str, &str)| Amount::parse(stored) == Ok(Amount::ZERO) && is_dash(shown);
    is_dash(cell.text) || cell.text.split_once(SHOWN_AS).is_some_and(is_shown)
}

/// The one currency that the cells of a row name; each that contradicts is a fault.
fn one_currency(
    draft: &mut RowDraft<'_>,
    beside: Option<Denoted>,
    named: &[(usize, Cell<'_>, Denoted)],
) -> Option<Currency> {
    let settled = |denoted: &Denoted| match denoted {
        Denoted::Is(currency) => Some(*currency),
        Denoted::OneOf(_) => None,
    };
    let column = draft.table.column(Field::Currency);
    let of_cells = || named.iter().find_map(|(_, _, denoted)| settled(denoted));
    let currency = beside.as_ref().and_then(settled).or_else(of_cells);
    let signs = column.zip(beside).map(|(column, denoted)| (column, draft.raw.cell(column), denoted));
    for (column, cell, denoted) in named.iter().copied().chain(signs) {
        let finding = match currency {
            Some(currency) if denoted.may_be(currency) => continue,
            Some(currency) => {
                let expected = format!("{currency}, as the rest of the row says");
                Finding::new(Code::InvalidMoney, shown(cell), expected)
            }
            None => Finding::new(Code::InvalidMoney, shown(cell), "a sign that one currency alone has")
                .hint(format!("add a column {} with its code", visible(Field::Currency.name()))),
        };
        draft.fault(Some(column), finding);
    }
    currency
}
