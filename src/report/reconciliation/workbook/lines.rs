//! Sheets of lines: the breaks, all lines, and those of an organisation. One way to write them all.
//!
//! A sheet is written row after row and not kept in memory. Its totals stand above the header, where they
//! stay in sight, and count only the rows that the filters show.

use std::collections::BTreeSet;

use rust_xlsxwriter::{
    ConditionalFormatCell, ConditionalFormatCellRule, ConditionalFormatCustomIcon, ConditionalFormatIconSet,
    ConditionalFormatIconType, ConditionalFormatType, DataValidation, ExcelDateTime, Format, Formula, Table,
    TableColumn, TableStyle, Workbook, Worksheet, XlsxError, column_number_to_name,
};

use crate::domain::{Amount, BillingPeriod};
use crate::reconcile::LineView;

use super::Book;
use super::columns::{Column, Kind, What, state};
use super::names::{looks_like_a_formula, text};
use super::style::{as_text, height};
use super::sums::{Figure, Sum, cached};
use super::table::{HEADER_ROWS, LineTable, MOST_ROWS, Part};
use super::words;

/// Rows are as high as their text up to here; a program takes long to lay more of them out.
const MOST_WRAPPED: u32 = 2_000;
/// Up to here, texts stand in one table for all sheets, as other programs write it; beyond, they would
/// take too much memory.
const MOST_SHARED: usize = 300_000;

/// Which sheet of lines it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Breaks,
    Lines,
    Organisation,
}

/// Writes the sheets of a table from the lines that belong into it, which are gone through twice.
pub(super) fn write<'a, I: Iterator<Item = LineView<'a>>>(
    workbook: &mut Workbook,
    book: &Book<'_>,
    table: &LineTable,
    sort: Sort,
    lines: impl Fn() -> I,
) -> Result<(), XlsxError> {
    let (mut to_add_up, mut to_write) = (lines(), lines());
    for (number, part) in (1_usize..).zip(&table.parts) {
        let rows = usize::try_from(part.rows).unwrap_or(usize::MAX);
        let totals = Totals::of(table, to_add_up.by_ref().take(rows));
        let sheet = if book.report.lines.len() > MOST_SHARED {
            workbook.add_worksheet_with_constant_memory()?
        } else {
            workbook.add_worksheet_with_low_memory()?
        };
        sheet.set_name(&part.sheet)?;
        let writer = PartWriter { book, table, part, sort, totals };
        writer.set_up(sheet)?;
        writer.head(sheet, number)?;
        let mut month = MonthCell::default();
        for (row, view) in (HEADER_ROWS..).zip(to_write.by_ref().take(rows)) {
            if writer.is_wrapped() {
                writer.fit(sheet, row, &view)?;
            }
            for (at, column) in (0_u16..).zip(&table.columns) {
                writer.cell(sheet, row, at, column.what, &view, &mut month)?;
            }
        }
        writer.mark(sheet)?;
    }
    Ok(())
}

/// What the columns of a part come to.
struct Totals {
    sums: Vec<Sum>,
    components: BTreeSet<u32>,
}

impl Totals {
    fn of<'a>(table: &LineTable, lines: impl Iterator<Item = LineView<'a>>) -> Self {
        let mut totals =
            Self { sums: vec![Sum::default(); table.columns.len()], components: BTreeSet::new() };
        let summed: Vec<(usize, What)> = table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| matches!(column.what.kind(), Kind::Quantity | Kind::Money))
            .map(|(at, column)| (at, column.what))
            .collect();
        for view in lines {
            totals.components.insert(view.line.component);
            for (at, what) in &summed {
                if let (Some(amount), Some(sum)) = (what.amount(&view), totals.sums.get_mut(*at)) {
                    sum.add(amount, Figure::of(amount));
                }
            }
        }
        totals
    }
}

/// The number that a month is in a cell; most lines have the month of the line before.
#[derive(Default)]
struct MonthCell(Option<(BillingPeriod, f64)>);

impl MonthCell {
    fn of(&mut self, period: BillingPeriod) -> Result<f64, XlsxError> {
        if let Some((_, number)) = self.0.filter(|(last, _)| *last == period) {
            return Ok(number);
        }
        let number = first_day(period)?.to_excel();
        self.0 = Some((period, number));
        Ok(number)
    }
}

/// A month as the date of its first day.
pub(super) fn first_day(period: BillingPeriod) -> Result<ExcelDateTime, XlsxError> {
    let year = u16::try_from(period.year()).unwrap_or_default();
    ExcelDateTime::from_ymd(year, u8::try_from(period.month()).unwrap_or_default(), 1)
}

/// Writes one sheet.
struct PartWriter<'a> {
    book: &'a Book<'a>,
    table: &'a LineTable,
    part: &'a Part,
    sort: Sort,
    totals: Totals,
}

impl PartWriter<'_> {
    /// Widths, formats, panes and paper.
    fn set_up(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        for (at, column) in (0_u16..).zip(&self.table.columns) {
            sheet.set_column_width(at, column.width)?;
            let format = if column.what == What::Number {
                self.book.styles.number.clone()
            } else {
                self.format(column.what.kind())
            };
            sheet.set_column_format(at, &format)?;
        }
        sheet.set_row_height(0, 27)?;
        sheet.set_row_height(HEADER_ROWS - 1, 48)?;
        // Who speaks of what stays in sight.
        let frozen = if self.sort == Sort::Breaks { 1 } else { 3 };
        sheet.set_freeze_panes(HEADER_ROWS, frozen)?;
        self.book.paper(sheet, &self.table.title);
        sheet.set_repeat_rows(HEADER_ROWS - 1, HEADER_ROWS - 1)?;
        if let Some(last) = self.last_printed() {
            sheet.set_print_area(0, 0, (HEADER_ROWS + self.part.rows).min(MOST_ROWS) - 1, last)?;
        }
        if self.sort == Sort::Breaks {
            sheet.set_tab_color(super::style::BAD);
        }
        Ok(())
    }

    /// The last column that goes on paper; what follows is for looking things up.
    fn last_printed(&self) -> Option<u16> {
        match self.sort {
            Sort::Breaks => self.table.column(What::FinanceNote),
            Sort::Lines | Sort::Organisation => {
                let first_after =
                    [What::BilledQuantity, What::BilledUnitPrice, What::StatedUnitPrice, What::Note];
                let first_after = first_after.into_iter().filter(|what| self.is_for_looking_up(*what));
                let first = first_after.filter_map(|what| self.table.column(what)).min()?;
                first.checked_sub(1)
            }
        }
    }

    /// Without a file, the billed quantity is one of the sides.
    fn is_for_looking_up(&self, what: What) -> bool {
        what != What::BilledQuantity || self.book.report.header.sides.has_file()
    }

    /// Whether rows are as high as their texts.
    fn is_wrapped(&self) -> bool {
        self.sort == Sort::Breaks && self.part.rows <= MOST_WRAPPED
    }

    /// Makes a row as high as its longest text; no program does it by itself when it opens the file.
    fn fit(&self, sheet: &mut Worksheet, row: u32, view: &LineView<'_>) -> Result<(), XlsxError> {
        let texts = self
            .table
            .columns
            .iter()
            .filter(|column| matches!(column.what.kind(), Kind::Text | Kind::Wrapped));
        let heights = texts.map(|column| {
            let text = column.what.text(view, &self.book.survey);
            // A blank in front keeps it apart from the column before.
            height(text.chars().count(), column.width - 1.5)
        });
        sheet.set_row_height(row, heights.max().unwrap_or(20))?;
        Ok(())
    }

    fn format(&self, kind: Kind) -> Format {
        let (styles, survey) = (&self.book.styles, &self.book.survey);
        match kind {
            Kind::Text | Kind::Wrapped if self.is_wrapped() => styles.wrapped.clone(),
            // Only the cells of the table are open, not all the column.
            Kind::Text | Kind::Wrapped | Kind::Open => styles.indented.clone(),
            Kind::Count => styles.count.clone(),
            Kind::Month => styles.month.clone(),
            Kind::Quantity => styles.figure(survey.quantity.decimals, survey.unit(self.book.report)),
            Kind::UnitPrice => styles.figure(survey.unit_price.decimals, None),
            Kind::Money => styles.figure(survey.price.decimals, None),
        }
    }

    /// Title, links, totals and the header of the table.
    fn head(&self, sheet: &mut Worksheet, number: usize) -> Result<(), XlsxError> {
        let styles = &self.book.styles;
        let parts = self.table.parts.len();
        let title = text(&self.table.title);
        let title = if parts > 1 { words::part(&title, number, parts) } else { title.into_owned() };
        let format = as_text(&styles.title, &title);
        sheet.write_string_with_format(0, 0, title, &format)?;
        sheet.write_url_with_format(1, 0, self.book.back(), &styles.link)?;
        if self.part.rows == 0 {
            let word = if self.sort == Sort::Breaks { words::NO_BREAKS } else { words::NO_LINES };
            sheet.write_string_with_format(3, 0, word, &styles.remark)?;
            return Ok(());
        }
        let explanation = match self.sort {
            Sort::Breaks => words::BREAKS,
            Sort::Lines | Sort::Organisation => words::LINES,
        };
        sheet.write_string_with_format(1, 3, explanation, &styles.remark)?;
        self.count_of_rows(sheet)?;
        for (at, column) in (0_u16..).zip(&self.table.columns) {
            self.total(sheet, at, column)?;
        }
        let columns: Vec<TableColumn> = self.table.columns.iter().map(|column| self.header(column)).collect();
        let name = if number > 1 { format!("{}{number}", self.table.name) } else { self.table.name.clone() };
        let table = Table::new().set_name(name).set_style(TableStyle::Light1).set_columns(&columns);
        let last = HEADER_ROWS + self.part.rows - 1;
        sheet.add_table(HEADER_ROWS - 1, 0, last, self.last_column(), &table)?;
        Ok(())
    }

    fn header(&self, column: &Column) -> TableColumn {
        let styles = &self.book.styles;
        let format = match column.what.kind() {
            _ if column.what == What::Number => &styles.header,
            Kind::Count | Kind::Quantity | Kind::UnitPrice | Kind::Money => &styles.header_right,
            Kind::Open => &styles.header_open,
            Kind::Text | Kind::Wrapped | Kind::Month => &styles.header,
        };
        TableColumn::new().set_header(&column.header).set_header_format(format)
    }

    fn last_column(&self) -> u16 {
        u16::try_from(self.table.columns.len().saturating_sub(1)).unwrap_or(u16::MAX)
    }

    fn count_of_rows(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let Some(class) = self.table.column(What::Class) else { return Ok(()) };
        let formula = format!("=SUBTOTAL(103,{})", self.range(class));
        let formula = Formula::new(formula).set_result(self.part.rows.to_string());
        sheet.write_formula_with_format(2, 0, formula, &self.book.styles.rows)?;
        Ok(())
    }

    /// The total of a column, of the rows that are shown.
    fn total(&self, sheet: &mut Worksheet, at: u16, column: &Column) -> Result<(), XlsxError> {
        let survey = &self.book.survey;
        let kind = column.what.kind();
        let (decimals, unit) = match kind {
            Kind::Quantity => (survey.quantity.decimals, survey.unit(self.book.report)),
            Kind::Money => (survey.price.decimals, None),
            _ => return Ok(()),
        };
        let format = self.book.styles.total(decimals, unit);
        let Some(sum) = self.totals.sums.get(usize::from(at)) else { return Ok(()) };
        let range = self.range(at);
        let mut formula = format!("ROUND(SUBTOTAL(109,{range}),{decimals})");
        let mut result = sum.exact().map(cached);
        if sum.has_texts() {
            formula =
                format!("IF(SUBTOTAL(103,{range})<>SUBTOTAL(102,{range}),\"{}\",{formula})", words::TOO_LONG);
            result = Some(words::TOO_LONG.to_owned());
        } else if !sum.is_safe(decimals) {
            let total = sum.exact().map_or_else(|| words::BEYOND.to_owned(), |sum| sum.to_string());
            sheet.write_string_with_format(2, at, total, &format.set_quote_prefix())?;
            self.book.note(&self.part.sheet, 2, at, words::NO_FORMULA);
            return Ok(());
        }
        if kind == Kind::Quantity && self.totals.components.len() > 1 {
            let Some(number) = self.table.column(What::ComponentNumber) else { return Ok(()) };
            let number = self.range(number);
            formula = format!(
                "IF(SUBTOTAL(104,{number})<>SUBTOTAL(105,{number}),\"{}\",{formula})",
                words::SEVERAL_COMPONENTS
            );
            result = Some(words::SEVERAL_COMPONENTS.to_owned());
        }
        let formula = Formula::new(format!("={formula}")).set_result(result.unwrap_or_default());
        sheet.write_formula_with_format(2, at, formula, &format)?;
        Ok(())
    }

    /// The cells of a column on this sheet.
    fn range(&self, column: u16) -> String {
        let name = column_number_to_name(column);
        format!("{name}{}:{name}{}", HEADER_ROWS + 1, HEADER_ROWS + self.part.rows)
    }

    fn cell(
        &self,
        sheet: &mut Worksheet,
        row: u32,
        at: u16,
        what: What,
        view: &LineView<'_>,
        month: &mut MonthCell,
    ) -> Result<(), XlsxError> {
        match what.kind() {
            Kind::Quantity | Kind::UnitPrice | Kind::Money => {
                if let Some(amount) = what.amount(view) {
                    write_figure(sheet, row, at, amount, &self.book.styles.long)?;
                }
            }
            Kind::Month => {
                sheet.write_number(row, at, month.of(view.line.period)?)?;
            }
            Kind::Count => {
                let number = match what {
                    What::ComponentNumber => view.line.component.saturating_add(1),
                    What::OrganisationNumber => self.book.survey.organisation(view),
                    _ => u32::try_from(view.number).unwrap_or(u32::MAX),
                };
                sheet.write_number(row, at, number)?;
            }
            Kind::Open => {
                sheet.write_blank(row, at, &self.book.styles.open)?;
            }
            Kind::Text | Kind::Wrapped => {
                write_text(sheet, row, at, &what.text(view, &self.book.survey), &self.book.styles.quoted)?;
            }
        }
        Ok(())
    }

    /// What the eye finds first, and the choices of the status.
    fn mark(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        if self.part.rows == 0 {
            return Ok(());
        }
        let (first, last) = (HEADER_ROWS, HEADER_ROWS + self.part.rows - 1);
        if let Some(at) = self.table.column(What::State) {
            let styles = &self.book.styles;
            for (is_break, format) in [(true, &styles.bad_word), (false, &styles.good_word)] {
                let rule = ConditionalFormatCell::new()
                    .set_rule(ConditionalFormatCellRule::EqualTo(state(is_break)))
                    .set_format(format);
                sheet.add_conditional_format(first, at, last, at, &rule)?;
            }
        }
        if let Some(at) = self.table.column(What::Difference) {
            sheet.add_conditional_format(first, at, last, at, &arrows(self.book.survey.quantity.decimals))?;
        }
        if let Some(at) = self.table.column(What::Status) {
            let choices = DataValidation::new()
                .allow_list_strings(&words::STATUSES)?
                .set_error_title(words::STATUS_TITLE)?
                .set_error_message(words::STATUS_ERROR)?;
            sheet.add_data_validation(first, at, last, at, &choices)?;
        }
        sheet.ignore_error_range(
            first,
            0,
            last,
            self.last_column(),
            rust_xlsxwriter::IgnoreError::NumberStoredAsText,
        )?;
        Ok(())
    }
}

/// An arrow up where the file has more, down where it has less: a sign, and no colour.
fn arrows(decimals: u8) -> ConditionalFormatIconSet {
    // Programs differ in what they make of "above zero", and not in "from half a step on".
    let half_a_step = 0.5 * 10_f64.powi(-i32::from(decimals));
    let icons = [
        ConditionalFormatCustomIcon::new().set_rule(ConditionalFormatType::Percent, 0),
        ConditionalFormatCustomIcon::new().set_rule(ConditionalFormatType::Number, -half_a_step),
        ConditionalFormatCustomIcon::new().set_rule(ConditionalFormatType::Number, half_a_step),
    ];
    ConditionalFormatIconSet::new()
        .set_icon_type(ConditionalFormatIconType::ThreeArrowsGray)
        .set_icons(&icons)
}

/// Writes a number in the format of its column, or all digits as text where a number would not hold them.
pub(super) fn write_figure(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    amount: Amount,
    long: &Format,
) -> Result<(), XlsxError> {
    match Figure::of(amount).number {
        Some(number) => sheet.write_number(row, column, number)?,
        None => sheet.write_string_with_format(row, column, amount.to_string(), long)?,
    };
    Ok(())
}

/// Writes a text in the format of its column, so that it stays a text even where somebody edits it.
pub(super) fn write_text(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    raw: &str,
    as_text: &Format,
) -> Result<(), XlsxError> {
    let shown = text(raw);
    if shown.is_empty() {
        return Ok(());
    }
    if looks_like_a_formula(&shown) {
        sheet.write_string_with_format(row, column, shown, as_text)?;
    } else {
        sheet.write_string(row, column, shown)?;
    }
    Ok(())
}
