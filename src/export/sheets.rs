//! The sheets of a workbook.

use std::borrow::Cow;

use arrow_array::{Array, RecordBatch};
use rust_xlsxwriter::{
    ExcelDateTime, Format, Table as SheetTable, TableColumn, TableStyle, Workbook, Worksheet, XlsxError,
};

use crate::warehouse::{Column, ColumnKind, Manifest, Schema, Table, cell_text};

use super::workbook::Kept;

/// The rows of a sheet, with the header.
pub(super) const MOST_ROWS: u32 = 1_048_576;
/// A cell holds 32,767 UTF-16 units; what is cut says so, so some room is left.
const LONGEST: usize = 32_000;

/// The looks of cells.
pub(super) struct Styles {
    header: Format,
    cents: Format,
    fine: Format,
    day: Format,
    number_as_text: Format,
    quoted: Format,
}

impl Styles {
    pub(super) fn new() -> Self {
        Self {
            header: Format::new().set_bold(),
            cents: Format::new().set_num_format("#,##0.00"),
            fine: Format::new().set_num_format("#,##0.00########"),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            number_as_text: Format::new().set_align(rust_xlsxwriter::FormatAlign::Right).set_quote_prefix(),
            // Whoever edits the cell must not make a formula of it.
            quoted: Format::new().set_quote_prefix(),
        }
    }
}

/// Writes the months of a table, on as many sheets as they take.
pub(super) fn write_table(
    workbook: &mut Workbook,
    styles: &Styles,
    table: Table,
    months: &[&Kept],
    most_rows: u32,
) -> Result<(), XlsxError> {
    // Months of one run have the same columns.
    let Some(schema) = months.first().map(|month| &month.schema) else { return Ok(()) };
    let most = most_rows.saturating_sub(1).max(1);
    let mut left: usize = months.iter().map(|month| month.rows).sum();
    let mut number = 0;
    let (mut place, mut end) = (0, 0);
    let mut sheet_at = None;
    for month in months {
        for rows in month.laid.read().map_err(|error| XlsxError::CustomError(error.to_string()))? {
            for row in 0..rows.num_rows() {
                if place == end {
                    number += 1;
                    let own = u32::try_from(left).unwrap_or(u32::MAX).min(most);
                    left -= usize::try_from(own).unwrap_or(left);
                    sheet_at = Some(begin(workbook, styles, schema, table, number, own)?);
                    (place, end) = (0, own);
                }
                place += 1;
                if let Some(at) = sheet_at {
                    write_row(workbook.worksheet_from_index(at)?, styles, schema, &rows, row, place)?;
                }
            }
        }
    }
    if sheet_at.is_none() {
        begin(workbook, styles, schema, table, 1, 0)?;
    }
    Ok(())
}

/// Begins a sheet for so many rows; its position.
fn begin(
    workbook: &mut Workbook,
    styles: &Styles,
    schema: &Schema,
    table: Table,
    number: usize,
    rows: u32,
) -> Result<usize, XlsxError> {
    let at = workbook.worksheets().len();
    // Row after row: what is written is not kept in memory.
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    let ending = if number > 1 { format!(" {number}") } else { String::new() };
    sheet.set_name(format!("{table}{ending}"))?;
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    let mut headers = Vec::new();
    for (place, column) in (0_u16..).zip(schema.columns()) {
        let width = match column.kind {
            ColumnKind::Text if column.name.ends_with("uuid") => 34,
            ColumnKind::Text | ColumnKind::Instant => 24,
            ColumnKind::Cents | ColumnKind::Fine => 18,
            ColumnKind::Day | ColumnKind::Flag | ColumnKind::Whole => 12,
        };
        sheet.set_column_width(place, width)?;
        headers.push(TableColumn::new().set_header(text(&column.name)).set_header_format(&styles.header));
    }
    let name = format!("{table}{ending}").replace(['-', ' '], "_");
    let table = SheetTable::new().set_name(name).set_style(TableStyle::Light1).set_columns(&headers);
    let last = u16::try_from(headers.len().saturating_sub(1)).unwrap_or(u16::MAX);
    // A table has a row, also where there is none to show.
    sheet.add_table(0, 0, rows.max(1), last, &table)?;
    Ok(at)
}

fn write_row(
    sheet: &mut Worksheet,
    styles: &Styles,
    schema: &Schema,
    rows: &RecordBatch,
    row: usize,
    place: u32,
) -> Result<(), XlsxError> {
    for ((at, column), array) in (0_u16..).zip(schema.columns()).zip(rows.columns()) {
        write_cell(sheet, styles, column, array.as_ref(), row, (place, at))?;
    }
    Ok(())
}

fn write_cell(
    sheet: &mut Worksheet,
    styles: &Styles,
    column: &Column,
    array: &dyn Array,
    row: usize,
    (place, at): (u32, u16),
) -> Result<(), XlsxError> {
    let Some(found) = cell_text(column, array, row) else { return Ok(()) };
    match column.kind {
        // A spreadsheet rounds an instant; its text is exact, and has its order.
        ColumnKind::Text | ColumnKind::Instant => write_text(sheet, styles, &found, (place, at))?,
        ColumnKind::Cents => write_number(sheet, styles, &styles.cents, &found, (place, at))?,
        ColumnKind::Fine => write_number(sheet, styles, &styles.fine, &found, (place, at))?,
        ColumnKind::Whole => write_number(sheet, styles, &Format::default(), &found, (place, at))?,
        ColumnKind::Flag => {
            sheet.write_boolean(place, at, found == "true")?;
        }
        // A spreadsheet's calendar begins in 1900.
        ColumnKind::Day => match ExcelDateTime::parse_from_str(&found) {
            Ok(day) => {
                sheet.write_datetime_with_format(place, at, day, &styles.day)?;
            }
            Err(_) => write_text(sheet, styles, &found, (place, at))?,
        },
    }
    Ok(())
}

fn write_text(
    sheet: &mut Worksheet,
    styles: &Styles,
    found: &str,
    (row, at): (u32, u16),
) -> Result<(), XlsxError> {
    if found.starts_with(['=', '+', '-', '@']) {
        sheet.write_string_with_format(row, at, text(found), &styles.quoted)?;
    } else {
        sheet.write_string(row, at, text(found))?;
    }
    Ok(())
}

/// A number where a spreadsheet holds it exactly, in fifteen digits, else its digits as text.
fn write_number(
    sheet: &mut Worksheet,
    styles: &Styles,
    format: &Format,
    found: &str,
    (row, at): (u32, u16),
) -> Result<(), XlsxError> {
    // Zeros at the end of decimal places are no digits that have to be held.
    let short = if found.contains('.') { found.trim_end_matches('0') } else { found };
    let digits = short.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    match short.trim_end_matches('.').parse::<f64>() {
        Ok(number) if digits <= 15 => sheet.write_number_with_format(row, at, number, format)?,
        Ok(_) | Err(_) => sheet.write_string_with_format(row, at, found, &styles.number_as_text)?,
    };
    Ok(())
}

/// A text as a cell holds it: never what the writer would take for rich text of its own, and no longer than a
/// cell can be.
fn text(found: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(found);
    if found.encode_utf16().count() > LONGEST {
        let mut units = 0;
        let start = found.chars().take_while(|character| {
            units += character.len_utf16();
            units <= LONGEST
        });
        shown = Cow::Owned(start.chain(" … (cut)".chars()).collect());
    }
    if shown.contains(['\u{fffe}', '\u{ffff}']) {
        shown = Cow::Owned(shown.replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}"));
    }
    if shown.starts_with("<r>") && shown.ends_with("</r>") {
        shown.to_mut().push(' ');
    }
    shown
}

/// What is in the workbook: the same for every run that finds the same.
pub(super) fn write_manifest(
    workbook: &mut Workbook,
    styles: &Styles,
    manifest: &Manifest,
    deployment: &str,
) -> Result<(), XlsxError> {
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_name("manifest")?;
    for (at, width) in [(0, 18), (1, 12), (2, 12), (3, 24), (4, 22), (5, 66)] {
        sheet.set_column_width(at, width)?;
    }
    let filters: Vec<String> =
        manifest.scope.filters.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let head = [
        ("server", deployment.to_owned()),
        ("columns", format!("version {}", manifest.schema_version)),
        ("filters", if filters.is_empty() { "none".to_owned() } else { filters.join(", ") }),
    ];
    let mut row = 0;
    for (name, value) in head {
        sheet.write_string_with_format(row, 0, name, &styles.header)?;
        write_text(sheet, styles, &value, (row, 1))?;
        row += 1;
    }
    row += 1;
    for (at, name) in (0_u16..).zip(["table", "month", "rows", "component", "sum", "content (SHA-256)"]) {
        sheet.write_string_with_format(row, at, name, &styles.header)?;
    }
    sheet.set_freeze_panes(row + 1, 0)?;
    sheet.set_landscape().set_print_fit_to_pages(1, 0);
    for entry in &manifest.slices {
        let mut sums = entry.sums.iter();
        let mut sum = sums.next();
        loop {
            row += 1;
            write_text(sheet, styles, &entry.table, (row, 0))?;
            sheet.write_string(row, 1, entry.period.to_string())?;
            write_number(sheet, styles, &Format::default(), &entry.rows.to_string(), (row, 2))?;
            if let Some(sum) = sum {
                write_text(sheet, styles, &sum.component, (row, 3))?;
                write_number(sheet, styles, &styles.cents, &sum.sum.to_string(), (row, 4))?;
            }
            sheet.write_string(row, 5, &entry.content)?;
            sum = sums.next();
            if sum.is_none() {
                break;
            }
        }
    }
    Ok(())
}
