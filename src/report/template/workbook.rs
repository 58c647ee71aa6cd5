//! A template as a workbook: what can be typed where, and what it looks like on screen and paper.

use rust_xlsxwriter::{
    Color, ConditionalFormatBlank, DataValidation, DataValidationRule, DocProperties, ExcelDateTime, Format,
    FormatAlign, FormatBorder, IgnoreError, ProtectionOptions, Workbook, Worksheet, XlsxError,
    column_number_to_name,
};

use crate::domain::visible;
use crate::parse::{HELP_MARK, KEYS_MARK};
use crate::report::cell_text::cell_text;

use super::super::write_amount;
use super::help;
use super::table::{Cell, Column, Purpose, Table};
use super::{Template, TemplateCarryOver};

/// The name of the sheet that is filled in.
const SHEET: &str = "Usage";

/// Where an amount has no place, and where one is waited for.
const BARRED: Color = Color::RGB(0x00D9_D9D9);
const WAITING: Color = Color::RGB(0x00FF_F2CC);

/// Builds the workbook; `name` is the file that it is going to be.
pub fn workbook(template: &Template, name: &str) -> Result<Vec<u8>, XlsxError> {
    let table = Table::new(template);
    let mut workbook = Workbook::new();
    let created = template.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let properties = DocProperties::new()
        .set_title(format!("Usage {}, to be filled in", template.period))
        .set_author("waldur-usage")
        .set_creation_datetime(&ExcelDateTime::parse_from_str(&created)?);
    workbook.set_properties(&properties);
    // Row after row: what is written is not kept in memory.
    let sheet = workbook.add_worksheet_with_low_memory()?;
    sheet.set_name(SHEET)?;
    let last_row = fill(sheet, &table)?;
    guard(sheet, template, &table, last_row)?;
    print(sheet, template)?;
    help::help(workbook.add_worksheet(), template, name)?;
    workbook.define_name(HELP_MARK, &format!("={}!$A$1", help::SHEET))?;
    let hidden = table.columns.iter().filter(|column| column.purpose == Purpose::HiddenKey).count();
    let last = column_number_to_name(short(hidden.saturating_sub(1)));
    workbook.define_name(KEYS_MARK, &format!("={SHEET}!$A:${last}"))?;
    workbook.save_to_buffer()
}

/// How cells look.
struct Styles {
    header: Format,
    header_of_note: Format,
    header_of_figure: Format,
    header_of_amount: Format,
    key: Format,
    note: Format,
    figure: Format,
    amount: Format,
    text: Format,
    barred: Format,
}

impl Styles {
    fn new() -> Self {
        let line = Color::RGB(0x00D0_D7DE);
        let cell = Format::new().set_border(FormatBorder::Thin).set_border_color(line);
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter)
            .set_background_color(Color::RGB(0x001F_3A5F))
            .set_font_color(Color::White)
            .set_border_bottom(FormatBorder::Thin);
        let grey = Color::RGB(0x0059_5959);
        let header_of_note = header.clone().set_background_color(Color::RGB(0x0059_6B80));
        Self {
            header_of_figure: header_of_note.clone().set_align(FormatAlign::Right),
            header_of_amount: header.clone().set_align(FormatAlign::Right),
            header_of_note,
            header,
            key: cell.clone(),
            note: cell.clone().set_font_color(grey),
            figure: cell.clone().set_font_color(grey).set_num_format("#,##0.00##"),
            amount: cell.clone().set_num_format("#,##0.00##").set_unlocked(),
            // What is typed stays what was typed.
            text: cell.clone().set_num_format("@").set_unlocked(),
            barred: cell.set_background_color(BARRED),
        }
    }

    fn of(&self, purpose: Purpose) -> &Format {
        match purpose {
            Purpose::HiddenKey | Purpose::Key => &self.key,
            Purpose::Note => &self.note,
            Purpose::LastMonth => &self.figure,
            Purpose::Amount => &self.amount,
            Purpose::Description | Purpose::CarryOver => &self.text,
        }
    }
}

/// Writes header and rows; the number of the last row.
fn fill(sheet: &mut Worksheet, table: &Table<'_>) -> Result<u32, XlsxError> {
    let styles = Styles::new();
    sheet.set_row_height(0, 48)?;
    for (column, Column { header, purpose, width, .. }) in (0_u16..).zip(&table.columns) {
        let style = match purpose {
            Purpose::Note => &styles.header_of_note,
            Purpose::LastMonth => &styles.header_of_figure,
            Purpose::Amount => &styles.header_of_amount,
            Purpose::HiddenKey | Purpose::Key | Purpose::Description | Purpose::CarryOver => &styles.header,
        };
        sheet.write_string_with_format(0, column, header, style)?;
        sheet.set_column_width(column, *width)?;
        if *purpose == Purpose::HiddenKey {
            sheet.set_column_hidden(column)?;
        }
    }
    let (mut number, mut runs) = (0, Runs::new(table.columns.len()));
    for row in table.rows() {
        number += 1;
        for (column, (cell, of)) in (0_u16..).zip(row.iter().zip(&table.columns)) {
            let style = styles.of(of.purpose);
            match cell {
                Cell::Text(text) => {
                    sheet.write_string_with_format(number, column, cell_text(text), style)?;
                }
                Cell::Number(amount) => write_amount(sheet, number, column, *amount, style)?,
                Cell::Blank => {
                    sheet.write_blank(number, column, style)?;
                    runs.add(usize::from(column), number, of.purpose);
                }
                Cell::Barred => {
                    sheet.write_blank(number, column, &styles.barred)?;
                }
            }
        }
    }
    runs.colour(sheet)?;
    Ok(number)
}

/// The cells of each column that wait for an amount, as rows from and to.
struct Runs(Vec<Vec<(u32, u32)>>);

impl Runs {
    fn new(columns: usize) -> Self {
        Self(vec![Vec::new(); columns])
    }

    fn add(&mut self, column: usize, row: u32, purpose: Purpose) {
        if purpose != Purpose::Amount {
            return;
        }
        match self.0[column].last_mut() {
            Some((_, last)) if *last + 1 == row => *last = row,
            _ => self.0[column].push((row, row)),
        }
    }

    /// Lets those cells show that they are blank.
    fn colour(&self, sheet: &mut Worksheet) -> Result<(), XlsxError> {
        let waiting = ConditionalFormatBlank::new().set_format(Format::new().set_background_color(WAITING));
        for (column, runs) in (0_u16..).zip(&self.0) {
            for &(first, last) in runs {
                sheet.add_conditional_format(first, column, last, column, &waiting)?;
            }
        }
        Ok(())
    }
}

/// Says what can be typed, and where nothing can be.
fn guard(
    sheet: &mut Worksheet,
    template: &Template,
    table: &Table<'_>,
    last_row: u32,
) -> Result<(), XlsxError> {
    let last_column = short(table.columns.len() - 1);
    // The header, the hidden keys and the name stay in sight.
    sheet.set_freeze_panes(1, 3)?;
    sheet.autofilter(0, 0, last_row, last_column)?;
    let last_row = last_row.max(1);
    sheet.ignore_error_range(1, 0, last_row, last_column, IgnoreError::NumberStoredAsText)?;
    for (column, of) in (0_u16..).zip(&table.columns) {
        let validation = match of.purpose {
            Purpose::Amount => amount(column)?,
            Purpose::CarryOver => carry_over(template)?,
            Purpose::Description => DataValidation::new()
                .allow_text_length(DataValidationRule::LessThanOrEqualTo(2000))
                .set_error_title("Description")?
                .set_error_message("A description has at most 2,000 characters.")?,
            Purpose::HiddenKey | Purpose::Key | Purpose::Note | Purpose::LastMonth => continue,
        };
        sheet.add_data_validation(1, column, last_row, column, &validation)?;
    }
    let first_amount = table.columns.iter().position(|column| column.purpose == Purpose::Amount);
    if let Some(column) = first_amount {
        sheet.set_selection(1, short(column), 1, short(column))?;
    }
    sheet.protect_with_options(&ProtectionOptions {
        format_columns: true,
        format_rows: true,
        use_autofilter: true,
        ..ProtectionOptions::default()
    });
    Ok(())
}

fn amount(column: u16) -> Result<DataValidation, XlsxError> {
    let cell = format!("{}2", column_number_to_name(column));
    let rule = format!("=AND(ISNUMBER({cell}),{cell}>=0,{cell}<1000000000000,ROUND({cell},2)={cell})");
    DataValidation::new()
        .allow_custom(rule.as_str().into())
        .set_input_title("Amount")?
        .set_input_message("The total of the month. 0 reports a usage of zero; blank reports nothing.")?
        .set_error_title("Not an amount")?
        .set_error_message(
            "An amount is a number of 0 or more with at most two decimal places. Leave the cell blank where \
             there is nothing to report.",
        )
}

fn carry_over(template: &Template) -> Result<DataValidation, XlsxError> {
    let choices: &[&str] = match template.carry_over {
        TemplateCarryOver::Recurring => &["yes", "no"],
        TemplateCarryOver::Policy => &["none", "reuse", "zero"],
    };
    DataValidation::new()
        .allow_list_strings(choices)?
        .set_error_title("Not one of the choices")?
        .set_error_message(format!("Choose {}, or leave the cell blank: what is stored stays.", {
            choices.join(" or ")
        }))
}

fn print(sheet: &mut Worksheet, template: &Template) -> Result<(), XlsxError> {
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    let server = visible(&template.server).to_string();
    // A header of a page holds 255 characters, and a lone & would be a command.
    let server: String = server.chars().take(120).collect();
    let server = server.replace('&', "&&");
    sheet.set_header(format!("&L&\"-,Bold\"Usage {}&R{server}", template.period));
    sheet.set_footer("&L&F&RPage &P of &N");
    Ok(())
}

/// Templates have few columns.
fn short(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}
