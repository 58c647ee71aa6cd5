//! The sheet of a template that says how to fill it in.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, ProtectionOptions, Worksheet, XlsxError};

use crate::domain::{cut, shell_word, visible};
use crate::report::cell_text::cell_text;

use super::{Template, TemplateCarryOver, TemplateForm};

/// Its name.
pub const SHEET: &str = "Help";

/// Fills the sheet; `name` is the file that the workbook is going to be.
pub fn help(sheet: &mut Worksheet, template: &Template, name: &str) -> Result<(), XlsxError> {
    let title = Format::new().set_bold().set_font_size(16);
    let heading = Format::new().set_bold().set_font_size(12);
    let text = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let command = Format::new().set_font_name("Consolas").set_align(FormatAlign::Top);
    sheet.set_name(SHEET)?;
    sheet.set_paper_size(9).set_print_fit_to_pages(1, 0).set_footer("&L&F&RPage &P of &N");
    sheet.set_screen_gridlines(false);
    for (column, width) in [(0, 26), (1, 30), (2, 18), (3, 34)] {
        sheet.set_column_width(column, width)?;
    }
    sheet.write_string_with_format(0, 0, format!("Usage of {}", template.period), &title)?;
    let read = template.at.strftime("%Y-%m-%d %H:%M UTC");
    let source = format!("Made from {} on {read}.", visible(&template.server));
    sheet.merge_range(1, 0, 1, 3, &source, &text)?;
    let mut row = 3;
    for (head, lines) in sections(template) {
        sheet.write_string_with_format(row, 0, head, &heading)?;
        row += 1;
        for line in lines {
            sheet.merge_range(row, 0, row, 3, &line, &text)?;
            let lines = u32::try_from(line.chars().count() / 118).unwrap_or(0) + 1;
            sheet.set_row_height(row, 15 * lines)?;
            row += 1;
        }
        row += 1;
    }
    sheet.write_string_with_format(row, 0, "What to run next", &heading)?;
    let name = shell_word(name);
    let commands = [
        (format!("waldur-usage check {name}"), "finds every fault, with its cell; posts nothing"),
        (format!("waldur-usage plan {name}"), "shows what would be posted; posts nothing"),
        (format!("waldur-usage apply {name}"), "shows it again, asks, posts and proves"),
    ];
    for (typed, what) in commands {
        row += 1;
        sheet.merge_range(row, 0, row, 1, &typed, &command)?;
        sheet.merge_range(row, 2, row, 3, what, &text)?;
    }
    components(sheet, row + 2, template)?;
    sheet.protect_with_options(&ProtectionOptions { format_columns: true, ..ProtectionOptions::default() });
    Ok(())
}

fn sections(template: &Template) -> [(&'static str, Vec<String>); 3] {
    let amounts = match template.form {
        TemplateForm::Long => "Type the total of the month into the column Amount, in the unit beside it.",
        TemplateForm::Wide => {
            "Type the total of the month into the column of each component, in the unit that its header says. \
             Where a cell is grey, nothing can be reported."
        }
    };
    let carry_over = match template.carry_over {
        TemplateCarryOver::Recurring => {
            "Recurring: yes lets the amount be used again in the next month, no ends that. Blank leaves it as \
             it is stored."
        }
        TemplateCarryOver::Policy => {
            "Missing usage policy: what the next month gets where nobody reports it: none (nothing), reuse (the \
             same amount) or zero. Blank leaves it as it is stored."
        }
    };
    let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
    [
        (
            "How to fill it in",
            lines(&[
                amounts,
                "Amounts have at most two decimal places and are never negative. Yellow cells are still blank.",
                "A blank cell reports nothing: what is stored stays. 0 reports a usage of zero.",
                "An amount is the whole month, not what came on top: it takes the place of what is stored.",
                "Where a resource changed its plan in the month, check says so; --split-plans remainder then posts \
                 what the other plan left of the total.",
            ]),
        ),
        (
            "Other columns",
            lines(&[
                "Description: a note that is stored with the usage. Blank leaves the stored one as it is.",
                carry_over,
                "Columns that say (not read) are for you: among them what was stored for the month before.",
            ]),
        ),
        (
            "What is locked",
            lines(&[
                "Names, units and the hidden keys say which figure a row is, so they cannot be changed by accident. \
                 There is no password. Rows that are not needed may stay blank.",
            ]),
        ),
    ]
}

/// What can be reported, with its units.
fn components(sheet: &mut Worksheet, start: u32, template: &Template) -> Result<(), XlsxError> {
    let heading = Format::new().set_bold().set_font_size(12);
    let header = Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x001F_3A5F))
        .set_font_color(Color::White)
        .set_border_bottom(FormatBorder::Thin);
    // A text that is wider than its column would end at the next one, in the middle of a word.
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.write_string_with_format(start, 0, "Components and units", &heading)?;
    for (column, text) in (0..).zip(["Component", "Name", "Measured in", "Offering"]) {
        sheet.write_string_with_format(start + 1, column, text, &header)?;
    }
    for (row, component) in (start + 2..).zip(template.components.iter().take(1000)) {
        let texts =
            [component.component.as_str(), &component.name, &component.unit, &component.offering_name];
        for (column, text) in (0..).zip(texts) {
            let text = cut(&visible(text).to_string(), 500);
            sheet.write_string_with_format(row, column, cell_text(&text), &wrapped)?;
        }
    }
    Ok(())
}
