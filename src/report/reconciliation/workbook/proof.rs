//! The sheet of the proof: by component and unit, what the differences of each class come to.

use rust_xlsxwriter::{Table, TableColumn, TableStyle, Worksheet, XlsxError};

use super::Book;
use super::columns::What;
use super::lines::write_text;
use super::live::{At, Total};
use super::sums::Sum;
use super::words;

const HEADER_ROW: u32 = 3;

/// Where the differences of each component stand, as rows from and to; `None` where there are none, or
/// where some are text.
pub(super) type ProofRanges = Vec<Option<String>>;

/// Writes the sheet.
pub(super) fn write(sheet: &mut Worksheet, book: &Book<'_>) -> Result<ProofRanges, XlsxError> {
    let styles = &book.styles;
    for (column, width) in (0_u16..).zip([24.0, 14.0, 24.0, 12.0, 22.0, 16.0]) {
        sheet.set_column_width(column, width)?;
    }
    sheet.set_row_height(0, 27)?;
    sheet.set_row_height(HEADER_ROW, 30)?;
    sheet.write_string_with_format(0, 0, words::PROOF, &styles.title)?;
    sheet.write_url_with_format(1, 0, book.back(), &styles.link)?;
    sheet.write_string_with_format(1, 2, words::PROOF_EXPLAINED, &styles.remark)?;
    book.paper(sheet, words::PROOF);
    sheet.set_freeze_panes(HEADER_ROW + 1, 0)?;
    sheet.set_repeat_rows(HEADER_ROW, HEADER_ROW)?;
    let headers = ["Component", "Unit", "Class", "Lines", "Difference", "Component no."];
    let last = book.report.proof.rows.iter().map(|row| row.classes.len()).sum::<usize>();
    let Some(last) = u32::try_from(last).ok().filter(|last| *last > 0) else {
        sheet.write_string_with_format(HEADER_ROW, 0, words::NO_LINES, &styles.remark)?;
        return Ok(vec![None; book.report.proof.rows.len()]);
    };
    let columns: Vec<TableColumn> = (0..)
        .zip(headers)
        .map(|(at, header)| {
            let format = if at < 3 { &styles.header } else { &styles.header_right };
            TableColumn::new().set_header(header).set_header_format(format)
        })
        .collect();
    let table = Table::new().set_name("Proof_by_class").set_style(TableStyle::Light1).set_columns(&columns);
    sheet.add_table(HEADER_ROW, 0, HEADER_ROW + last, 5, &table)?;
    let mut ranges = Vec::new();
    let mut row = HEADER_ROW;
    for proof in &book.report.proof.rows {
        let decimals = book.decimals(&proof.measured);
        let format = styles.figure(decimals, Some(&proof.measured.unit));
        let number = book.component(&proof.measured);
        let first = row + 1;
        let mut are_numbers = true;
        for (class, difference) in &proof.classes {
            row += 1;
            let nothing = (0, Sum::default());
            let own = number.and_then(|number| book.survey.components.get(number)?.classes.get(class));
            let (lines, sum) = own.unwrap_or(&nothing);
            write_text(sheet, row, 0, &proof.measured.component, &styles.quoted)?;
            write_text(sheet, row, 1, &proof.measured.unit, &styles.quoted)?;
            sheet.write_string_with_format(row, 2, class.name(), &styles.plain)?;
            let (number_cell, class_cell) = (format!("$F{}", row + 1), format!("$C{}", row + 1));
            let criteria = [(What::ComponentNumber, number_cell.as_str()), (What::Class, &class_cell)];
            let place = |column| At { sheet: &book.proof, row, column };
            book.count(sheet, place(3), book.lines.count_ifs(&criteria), *lines, *lines, &styles.count)?;
            let total = Total {
                formula: book.lines.sum_ifs(What::Difference, &criteria),
                sum,
                stated: Some(*difference),
                decimals,
            };
            are_numbers &= book.total(sheet, place(4), total, &format)?;
            if let Some(number) = number.and_then(|number| u32::try_from(number).ok()) {
                sheet.write_number_with_format(row, 5, number + 1, &styles.count)?;
            }
        }
        let is_some = are_numbers && row >= first;
        ranges
            .push(is_some.then(|| format!("{}!$E${}:$E${}", super::quoted(&book.proof), first + 1, row + 1)));
    }
    Ok(ranges)
}
