//! What differs in a month that is closed, for whoever settles it on the invoice.

use std::path::Path;

use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};

use crate::domain::visible;
use crate::plan::{PersonLine, Plan};

use super::cell_text::cell_text;
use super::comparison::{Styles, properties};
use super::people::people;
use super::{ReportError, write_amount, write_file};

const HEADERS: [(&str, f64); 17] = [
    ("Organisation", 28.0),
    ("Project", 24.0),
    ("Offering", 20.0),
    ("Resource", 22.0),
    ("Resource uuid", 36.0),
    ("Month", 10.0),
    ("Component", 14.0),
    ("Unit", 12.0),
    ("Billed by", 10.0),
    ("Stored in Waldur", 18.0),
    ("In the file", 16.0),
    ("Difference", 16.0),
    ("Unit price", 14.0),
    ("Money difference", 18.0),
    ("Why", 40.0),
    ("Invoice", 34.0),
    ("Cell", 30.0),
];
/// The columns that hold numbers.
const NUMBERS: std::ops::RangeInclusive<u16> = 9..=13;

/// Writes the corrections as a workbook of their own.
pub fn write_corrections(path: &Path, plan: &Plan) -> Result<(), ReportError> {
    let mut workbook = Workbook::new();
    properties(&mut workbook, plan)?;
    corrections(workbook.add_worksheet(), plan, &Styles::new())?;
    if plan.people_corrections().next().is_some() {
        people(workbook.add_worksheet(), plan, &Styles::new(), PersonLine::is_correction)?;
    }
    write_file(path, &workbook.save_to_buffer()?)
}

/// Fills a sheet with the corrections of a plan.
pub(super) fn corrections(sheet: &mut Worksheet, plan: &Plan, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name("Corrections")?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_freeze_panes(1, 4)?;
    sheet.set_repeat_rows(0, 0)?;
    for (column, (header, width)) in (0_u16..).zip(HEADERS) {
        let style = if NUMBERS.contains(&column) { &styles.header_right } else { &styles.header };
        sheet.write_string_with_format(0, column, header, style)?;
        sheet.set_column_width(column, width)?;
    }
    let mut row = 0;
    for (resource, line) in plan.corrections() {
        let Some(new) = line.correction().map(|new| new.amount.get()) else { continue };
        row += 1;
        let texts = [
            resource.customer_name.clone(),
            resource.project_name.clone(),
            resource.offering_name.clone(),
            resource.name.clone(),
            resource.resource.to_string(),
            plan.header.period.to_string(),
            line.component.to_string(),
            line.unit.clone(),
            line.billing_type.to_string(),
        ];
        for (column, text) in (0_u16..).zip(texts) {
            sheet.write_string(row, column, cell_text(&visible(&text).to_string()))?;
        }
        let old = line.change.old().map(|old| old.amount);
        let before = old.unwrap_or_default();
        let money = line.price(new).zip(line.price(before)).and_then(|(new, old)| new.checked_sub(old));
        let numbers = [old, Some(new), new.checked_sub(before), line.unit_price, money];
        for (column, number) in NUMBERS.zip(numbers) {
            let format = if column == 12 { &styles.price } else { &styles.amount };
            if let Some(number) = number {
                write_amount(sheet, row, column, number, format)?;
            }
        }
        let invoice = line.invoice.as_deref().unwrap_or("not looked for");
        sheet.write_string(row, 14, line.obstacle().unwrap_or_default())?;
        sheet.write_string(row, 15, cell_text(&visible(invoice).to_string()))?;
        sheet.write_string(row, 16, plan.cell(line))?;
    }
    sheet.autofilter(0, 0, row, 16)?;
    Ok(())
}
