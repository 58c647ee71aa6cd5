//! The sheet of the invoices: what each bills, with tax, credits and compensations apart.

use rust_xlsxwriter::{
    Format, Formula, Table, TableColumn, TableStyle, Worksheet, XlsxError, column_number_to_name,
};

use crate::domain::{Amount, Currency};
use crate::reconcile::InvoiceTotal;

use super::Book;
use super::columns::{currency_text, grouped, priced};
use super::lines::{first_day, write_text};
use super::live::{At, Total, word};
use super::names::text;
use super::summary::of_currency;
use super::sums::{Figure, Sum};
use super::survey::MOST_CURRENCIES;
use super::words;

/// Title, link, totals, then the header.
const HEADER_ROW: u32 = 3;
/// The columns of usage, other lines, credits and compensations, and what they come to.
const USAGE: u16 = 4;
const SUM: u16 = 8;
const PRICE: u16 = 9;
const CHECK: u16 = 10;

/// What stands in a column of money.
#[derive(Debug, Clone, Copy)]
enum Money {
    Usage,
    Other,
    Credits,
    Compensations,
    Sum,
    Price,
    Tax,
    Total,
    Stated(Option<Currency>),
    StatedTax(Option<Currency>),
    /// What is stated less what usage is billed, in the server's currency.
    Difference,
}

impl Money {
    fn of(self, invoice: &InvoiceTotal, currency: Option<Currency>) -> Option<Amount> {
        match self {
            Self::Usage => Some(invoice.usage),
            Self::Other => Some(invoice.other),
            Self::Credits => Some(invoice.credits),
            Self::Compensations => Some(invoice.compensations),
            Self::Sum => sum(invoice).exact(),
            Self::Price => invoice.price,
            Self::Tax => invoice.tax,
            Self::Total => invoice.total,
            Self::Stated(own) => of_currency(&invoice.stated, own),
            Self::StatedTax(own) => of_currency(&invoice.stated_tax, own),
            // A part less the whole is no difference.
            Self::Difference if invoice.is_in_part => None,
            Self::Difference => of_currency(&invoice.stated, currency)?.checked_sub(invoice.usage),
        }
    }
}

/// What the lines of an invoice come to without tax.
fn sum(invoice: &InvoiceTotal) -> Sum {
    let mut sum = Sum::default();
    for amount in [invoice.usage, invoice.other, invoice.credits, invoice.compensations] {
        sum.add(amount, Figure::of(amount));
    }
    sum
}

/// Writes the sheet.
pub(super) fn write(sheet: &mut Worksheet, book: &Book<'_>, name: &str) -> Result<(), XlsxError> {
    let writer = Writer::new(book, name);
    writer.head(sheet)?;
    let rows = book.report.invoices.iter().take(writer.rows());
    for (row, invoice) in (HEADER_ROW + 1..).zip(rows) {
        writer.row(sheet, row, invoice)?;
    }
    Ok(())
}

struct Writer<'a> {
    book: &'a Book<'a>,
    name: &'a str,
    currency: Option<Currency>,
    /// The columns from the usage on; between the price and the tax stands a word.
    money: Vec<(u16, Money, String)>,
    others: Option<u16>,
    decimals: u8,
    width: f64,
}

/// Sums by currency.
type Sums = Vec<(Option<Currency>, Amount)>;

impl<'a> Writer<'a> {
    fn new(book: &'a Book<'a>, name: &'a str) -> Self {
        let invoices = &book.report.invoices;
        let currency = book.report.header.currency.as_ref().map(|told| told.currency);
        let distinct = |of: fn(&InvoiceTotal) -> &Sums| {
            let all = invoices.iter().flat_map(of).map(|(currency, _)| *currency);
            all.collect::<std::collections::BTreeSet<_>>()
        };
        let (stated, taxes) = (distinct(|one| &one.stated), distinct(|one| &one.stated_tax));
        let has_others = stated.len().max(taxes.len()) > MOST_CURRENCIES;
        let has_difference = stated.contains(&currency);
        let told = currency_text(currency);
        let mut money = vec![
            (USAGE, Money::Usage, format!("Usage ({told})")),
            (USAGE + 1, Money::Other, format!("Other lines ({told})")),
            (USAGE + 2, Money::Credits, format!("Credits ({told})")),
            (USAGE + 3, Money::Compensations, format!("Compensations ({told})")),
            (SUM, Money::Sum, format!("Sum of the lines ({told})")),
            (PRICE, Money::Price, format!("Waldur without tax ({told})")),
        ];
        let mut rest =
            vec![(Money::Tax, format!("Tax ({told})")), (Money::Total, format!("Waldur with tax ({told})"))];
        for own in stated.iter().take(MOST_CURRENCIES) {
            rest.push((Money::Stated(*own), format!("Stated without tax ({})", currency_text(*own))));
        }
        for own in taxes.iter().take(MOST_CURRENCIES) {
            rest.push((Money::StatedTax(*own), format!("Stated tax ({})", currency_text(*own))));
        }
        if has_difference {
            rest.push((Money::Difference, format!("Stated less usage ({told})")));
        }
        money.extend((CHECK + 1..).zip(rest).map(|(at, (what, header))| (at, what, header)));
        let after = money.last().map_or(CHECK + 1, |(at, ..)| at + 1);
        let figures = invoices.iter().flat_map(|invoice| {
            let amounts = money.iter().filter_map(move |(_, what, _)| what.of(invoice, currency));
            amounts.map(Figure::of).collect::<Vec<_>>()
        });
        let (decimals, length) = figures.fold((2, 4), |(decimals, length), figure| {
            (figure.decimals.max(decimals), figure.length.max(length))
        });
        let others = has_others.then_some(after);
        Self { book, name, currency, decimals, width: grouped(length + 1, 0).max(15.0), money, others }
    }

    /// How many invoices there is room for.
    fn rows(&self) -> usize {
        let room = self.book.limits.rows.saturating_sub(HEADER_ROW + 1);
        self.book.report.invoices.len().min(usize::try_from(room).unwrap_or(usize::MAX))
    }

    fn head(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let styles = &self.book.styles;
        let last = self.others.or(self.money.last().map(|(at, ..)| *at)).unwrap_or(CHECK);
        let mut columns = Vec::new();
        for column in 0..=last {
            let money = self.money.iter().find(|(at, ..)| *at == column);
            let (header, width) = match (column, money) {
                (_, Some((_, _, header))) => (header.as_str(), self.width),
                (0, _) => ("Organisation", 28.0),
                (1, _) => ("Month", 11.0),
                (2, _) => ("Invoice number", 16.0),
                (3, _) => ("State", 18.0),
                (CHECK, _) => ("Adds up", 10.0),
                (_, _) => ("Other currencies", 30.0),
            };
            sheet.set_column_width(column, width)?;
            let format = if money.is_some() {
                sheet.set_column_format(column, &styles.figure(self.decimals, None))?;
                &styles.header_right
            } else {
                sheet.set_column_format(column, if column == 1 { &styles.month } else { &styles.plain })?;
                if column == CHECK { &styles.header_centred } else { &styles.header }
            };
            columns.push(TableColumn::new().set_header(header).set_header_format(format));
        }
        sheet.set_row_height(0, 27)?;
        sheet.set_row_height(HEADER_ROW, 48)?;
        sheet.write_string_with_format(0, 0, words::INVOICES, &styles.title)?;
        sheet.write_url_with_format(1, 0, self.book.back(), &styles.link)?;
        let mut explained = words::INVOICES_EXPLAINED.to_owned();
        if self.rows() < self.book.report.invoices.len() {
            explained = words::invoices_left_out(self.rows(), self.book.report.invoices.len());
        }
        sheet.write_string_with_format(1, 2, explained, &styles.remark)?;
        self.book.paper(sheet, words::INVOICES);
        sheet.set_freeze_panes(HEADER_ROW + 1, 1)?;
        sheet.set_repeat_rows(HEADER_ROW, HEADER_ROW)?;
        let rows = u32::try_from(self.rows()).unwrap_or(u32::MAX);
        let count = Formula::new(format!("=SUBTOTAL(103,A{}:A{})", HEADER_ROW + 2, HEADER_ROW + 1 + rows));
        sheet.write_formula_with_format(2, 0, count.set_result(rows.to_string()), &styles.rows)?;
        for (column, what, _) in &self.money {
            self.total(sheet, *column, *what)?;
        }
        let table = Table::new().set_name("Invoices").set_style(TableStyle::Light1).set_columns(&columns);
        sheet.add_table(HEADER_ROW, 0, HEADER_ROW + rows, last, &table)?;
        Ok(())
    }

    fn total(&self, sheet: &mut Worksheet, column: u16, what: Money) -> Result<(), XlsxError> {
        let mut sum = Sum::default();
        for invoice in self.book.report.invoices.iter().take(self.rows()) {
            if let Some(amount) = what.of(invoice, self.currency) {
                sum.add(amount, Figure::of(amount));
            }
        }
        let name = column_number_to_name(column);
        let rows = u32::try_from(self.rows()).unwrap_or(u32::MAX);
        let formula = format!("SUBTOTAL(109,{name}{}:{name}{})", HEADER_ROW + 2, HEADER_ROW + 1 + rows);
        let total = Total { formula: Some(formula), stated: sum.exact(), sum: &sum, decimals: self.decimals };
        let at = At { sheet: self.name, row: 2, column };
        self.book.total(sheet, at, total, &self.book.styles.total(self.decimals, None))?;
        Ok(())
    }

    fn row(&self, sheet: &mut Worksheet, row: u32, invoice: &InvoiceTotal) -> Result<(), XlsxError> {
        let styles = &self.book.styles;
        let name =
            if invoice.organisation.is_empty() { words::NO_ORGANISATION } else { &invoice.organisation };
        write_text(sheet, row, 0, name, &styles.quoted)?;
        sheet.write_number(row, 1, first_day(invoice.period)?.to_excel())?;
        write_text(sheet, row, 2, invoice.number.as_deref().unwrap_or_default(), &styles.quoted)?;
        let state = invoice.state.clone().map_or_else(|| words::NOT_VISIBLE.to_owned(), String::from);
        write_text(sheet, row, 3, &state, &styles.quoted)?;
        let format = styles.figure(self.decimals, None);
        for (column, what, _) in &self.money {
            let at = At { sheet: self.name, row, column: *column };
            self.figure(sheet, at, *what, invoice, &format)?;
        }
        self.check(sheet, row, invoice)?;
        if let Some(column) = self.others {
            let told = |kind: &str, own: &[(Option<Currency>, Amount)]| {
                let own =
                    own.iter().map(|(currency, amount)| format!("{kind} {}", priced(*currency, *amount)));
                own.collect::<Vec<_>>()
            };
            let mut others = told("stated", &invoice.stated);
            others.extend(told("tax", &invoice.stated_tax));
            sheet.write_string(row, column, text(&others.join("; ")).into_owned())?;
        }
        Ok(())
    }

    fn figure(
        &self,
        sheet: &mut Worksheet,
        at: At<'_>,
        what: Money,
        invoice: &InvoiceTotal,
        format: &Format,
    ) -> Result<(), XlsxError> {
        let line = at.row + 1;
        let Some(amount) = what.of(invoice, self.currency) else { return Ok(()) };
        let (formula, sum) = match what {
            Money::Sum => {
                let (first, last) = (column_number_to_name(USAGE), column_number_to_name(SUM - 1));
                (format!("SUM({first}{line}:{last}{line})"), sum(invoice))
            }
            Money::Difference => {
                let stated = self.money.iter().find(
                    |(_, what, _)| matches!(what, Money::Stated(currency) if *currency == self.currency),
                );
                let Some((stated_at, stated, _)) = stated else { return Ok(()) };
                let stated = stated.of(invoice, self.currency).unwrap_or_default();
                let mut difference = Sum::default();
                difference.add(stated, Figure::of(stated));
                difference.subtract(invoice.usage, Figure::of(invoice.usage));
                let (stated, usage) = (column_number_to_name(*stated_at), column_number_to_name(USAGE));
                (format!("{stated}{line}-{usage}{line}"), difference)
            }
            _ => return Book::constant(sheet, at, Some(amount), format).map(|_| ()),
        };
        let total =
            Total { formula: Some(formula), sum: &sum, stated: Some(amount), decimals: self.decimals };
        self.book.total(sheet, at, total, format).map(|_| ())
    }

    /// Whether the lines come to what the server says of the invoice.
    fn check(&self, sheet: &mut Worksheet, row: u32, invoice: &InvoiceTotal) -> Result<(), XlsxError> {
        let Some(price) = invoice.price else { return Ok(()) };
        let styles = &self.book.styles;
        let sum = sum(invoice);
        let mut difference = sum.clone();
        difference.subtract(price, Figure::of(price));
        let holds = sum.exact() == Some(price);
        let (now, style) =
            if holds { (words::YES, &styles.good_word) } else { (words::NO, &styles.bad_word) };
        let at = At { sheet: self.name, row, column: CHECK };
        if sum.is_safe(self.decimals) && difference.is_safe(self.decimals) {
            let (sum, price, line) = (column_number_to_name(SUM), column_number_to_name(PRICE), row + 1);
            let formula = format!(
                "=IF(ROUND({sum}{line}-{price}{line},{})=0,\"{}\",\"{}\")",
                self.decimals,
                words::YES,
                words::NO
            );
            return word(sheet, at, &formula, now, style);
        }
        sheet.write_string_with_format(row, CHECK, now, style)?;
        Ok(())
    }
}
