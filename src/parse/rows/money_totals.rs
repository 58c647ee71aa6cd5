//! Totals of what usage costs.
//!
//! They are checked as those of amounts are, and only told where they are off: what is compared is the price
//! of each row, and a total may well hold what no row has, such as a fee.

use crate::domain::{BillingPeriod, visible};
use crate::findings::{Code, Finding, RowIndex};
use crate::mapping::Field;
use crate::parse::cells::shown;
use crate::parse::money::{self, Denoted};
use crate::parse::{ParsedTable, RawRow};

use super::amounts::Found;
use super::money::{Money, MoneyColumn};
use super::totals::{Looks, Totals, UNCHECKED};

/// The sums of a column of money.
pub(super) struct MoneyTotals {
    totals: Totals,
    /// What the rows have named as their currency.
    currencies: Vec<Denoted>,
}

impl Default for MoneyTotals {
    fn default() -> Self {
        Self { totals: Totals::new(1), currencies: Vec::new() }
    }
}

impl MoneyColumn {
    /// The money in a row, where it has some.
    fn found<'a>(
        &self,
        raw: &'a RawRow,
        table: &'a ParsedTable,
        component: Option<&'a str>,
    ) -> Option<(Found<'a>, Option<Denoted>)> {
        let column = self.judged.column.filter(|_| self.field != Field::UnitPrice)?;
        let cell = raw.cell(column);
        if cell.is_blank() {
            return None;
        }
        let (amount, denoted) = money::money(cell, &self.judged.verdict).ok().unzip();
        let component = component.unwrap_or_else(|| table.headers[column].as_ref());
        let found = Found { slot: 0, column, component, unit: None, cell, amount };
        let beside = || table.column(Field::Currency).and_then(|column| Denoted::of(raw.cell(column).text));
        Some((found, denoted.flatten().or_else(beside)))
    }
}

impl Money {
    /// Takes in a row of usage.
    pub(super) fn add(
        &mut self,
        raw: &RawRow,
        table: &ParsedTable,
        (component, period): (Option<&str>, Option<BillingPeriod>),
        (is_visible, is_whole): (bool, bool),
    ) {
        for column in &mut self.0 {
            let Some((found, currency)) = column.found(raw, table, component) else { continue };
            let MoneyTotals { totals, currencies } = &mut column.totals;
            currencies.extend(currency.filter(|own| !currencies.contains(own)));
            totals.add(std::iter::once(found), period, (is_visible, is_whole));
        }
    }

    /// Takes a row that looks like a total; whether something in it is one of money.
    pub(super) fn take(&mut self, row: RowIndex, raw: &RawRow, table: &ParsedTable, looks: &Looks) -> bool {
        let mut is_total = false;
        let tax = self.0.iter().find(|own| own.field == Field::Tax).and_then(|own| own.totals.totals.sums());
        for column in &mut self.0 {
            column.totals.totals.stands_beside(tax.filter(|_| column.field == Field::Price));
            let Some((found, _)) = column.found(raw, table, None) else { continue };
            let words = format!("{}, {}", looks.words, visible(&table.headers[found.column]));
            let looks = Looks { words, ..looks.clone() };
            let figure = Some(found).filter(Found::is_figure).into_iter();
            is_total |= column.totals.totals.take(row, raw.number(), looks, figure);
        }
        is_total
    }

    /// Takes a row of tax or a discount on the rows above; the figures in it, as they are shown.
    pub(super) fn take_addition(&mut self, raw: &RawRow, table: &ParsedTable) -> Vec<String> {
        let mut figures = Vec::new();
        for column in &mut self.0 {
            if let Some((found, _)) = column.found(raw, table, None) {
                figures.push(format!("{} {}", visible(&table.headers[found.column]), shown(found.cell)));
                column.totals.totals.add_addition(found);
            }
        }
        figures
    }

    /// What is said of the totals, each with its row. Money in several currencies has no total.
    pub(super) fn findings(&mut self, table: &ParsedTable) -> Vec<Finding> {
        let columns = self.0.iter_mut().map(|column| std::mem::take(&mut column.totals));
        let (several, columns): (Vec<_>, Vec<_>) = columns.partition(|own| own.currencies.len() > 1);
        let unchecked = several.iter().filter_map(|own| {
            let (row, number) = own.totals.first()?;
            let found = format!("a total of money in several currencies, {UNCHECKED}");
            let finding = Finding::new(Code::TotalRow, found, "rows of usage; a total is not used");
            Some(finding.at(table.place(number, None)).row(row))
        });
        let columns = columns.into_iter().flat_map(|own| own.totals.findings(table));
        let findings = columns.map(|(finding, _)| {
            if finding.code == Code::TotalRow {
                return finding;
            }
            let hint = "only the prices of the rows are compared; look whether the total has something in it \
                        that no row has, or whether a row is missing";
            Finding { code: Code::MoneyTotal, hint: Some(hint.into()), ..finding }
        });
        findings.chain(unchecked).collect()
    }
}
