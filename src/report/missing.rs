//! What nobody has reported of a month, as a workbook and as text for other programs.

use std::path::Path;

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::domain::{BillingPeriod, visible};
use crate::parse::with_guard;
use crate::plan::{Gap, Missing};

use super::cell_text::cell_text;
use super::{ReportError, write_amount, write_file};

/// Names of columns, as text files have them, and their widths.
const COLUMNS: [(&str, f64); 16] = [
    ("customer_name", 28.0),
    ("project_name", 24.0),
    ("offering_name", 22.0),
    ("resource_name", 24.0),
    ("resource_uuid", 34.0),
    ("resource_backend_id", 26.0),
    ("billing_period", 14.0),
    ("component_type", 17.0),
    ("component_name", 22.0),
    ("unit", 12.0),
    ("billing_type", 12.0),
    ("last_reported", 14.0),
    ("last_amount", 16.0),
    ("missing_since", 14.0),
    ("or_earlier", 12.0),
    ("offering_uuid", 34.0),
];
/// The column of the amount.
const AMOUNT: u16 = 12;

/// What stands in the columns, the amount among them.
fn cells(gap: &Gap, period: BillingPeriod) -> [String; 16] {
    let month = |month: Option<BillingPeriod>| month.map_or_else(String::new, |month| month.to_string());
    [
        gap.customer_name.clone(),
        gap.project_name.clone(),
        gap.offering_name.clone(),
        gap.resource_name.clone(),
        gap.resource.to_string(),
        gap.resource_backend_id.clone(),
        period.to_string(),
        gap.component.as_str().to_owned(),
        gap.component_name.clone(),
        gap.unit.clone(),
        gap.billing_type.to_string(),
        month(gap.last_reported),
        gap.last_amount.map_or_else(String::new, |amount| amount.to_string()),
        gap.missing_since.to_string(),
        if gap.or_earlier { "yes".into() } else { "no".into() },
        gap.offering.to_string(),
    ]
}

/// Writes it as comma-separated text. Without the mark at its start, spreadsheet programs would take
/// names with other letters than English ones for something else.
pub fn write_missing_text(path: &Path, missing: &Missing) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
    // Writing to memory cannot fail.
    let _ = writer.write_record(COLUMNS.map(|(name, _)| name));
    for gap in &missing.gaps {
        let _ =
            writer.write_record(cells(gap, missing.period).iter().map(|text| with_guard(text).into_owned()));
    }
    write_file(path, &writer.into_inner().unwrap_or_default())
}

/// Writes it as a workbook.
pub fn write_missing_workbook(path: &Path, missing: &Missing) -> Result<(), ReportError> {
    let mut workbook = Workbook::new();
    let created = missing.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let properties = DocProperties::new()
        .set_title(format!("Usage {} that nobody has reported", missing.period))
        .set_author("waldur-usage")
        // The time of the reading stands in for the time of writing.
        .set_creation_datetime(&ExcelDateTime::parse_from_str(&created)?);
    workbook.set_properties(&properties);
    summary(workbook.add_worksheet(), missing)?;
    lines(workbook.add_worksheet(), missing)?;
    write_file(path, &workbook.save_to_buffer()?)
}

/// What was looked at, and how much is missing.
fn summary(sheet: &mut Worksheet, missing: &Missing) -> Result<(), XlsxError> {
    let title = Format::new().set_bold().set_font_size(16);
    let heading = Format::new().set_bold().set_font_size(12);
    let label = Format::new().set_font_color(Color::RGB(0x0059_5959));
    let count = Format::new().set_num_format("#,##0");
    sheet.set_name("Summary")?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_column_width(0, 46)?.set_column_width(1, 46)?;
    let what = format!("Usage {} that nobody has reported", missing.period);
    sheet.write_string_with_format(0, 0, what, &title)?;
    sheet.write_string_with_format(1, 0, missing.sentence(), &heading)?;
    let server = match &missing.sandbox {
        Some(world) => format!("{} (a sandbox, world {world})", visible(&missing.server)),
        None => visible(&missing.server).to_string(),
    };
    let texts = [
        ("Server", server),
        ("Read at (server's clock)", missing.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
        ("Offerings", shown(&missing.offerings)),
        ("Only projects", shown(&missing.scope.projects)),
        ("Only organisations", shown(&missing.scope.customers)),
    ];
    let mut row = 3;
    for (name, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
        sheet.write_string_with_format(row, 0, *name, &label)?;
        sheet.write_string(row, 1, cell_text(text))?;
        row += 1;
    }
    row += 1;
    for (name, number) in missing.counts.named() {
        sheet.write_string_with_format(row, 0, name, &label)?;
        sheet.write_number_with_format(row, 1, u32::try_from(number).unwrap_or(u32::MAX), &count)?;
        row += 1;
    }
    Ok(())
}

/// Names in one cell, which holds 32,767 characters.
fn shown(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| visible(name).to_string()).collect();
    names.join(", ").chars().take(2000).collect()
}

/// A row for each figure that is missing.
fn lines(sheet: &mut Worksheet, missing: &Missing) -> Result<(), XlsxError> {
    let header = Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x001F_3A5F))
        .set_font_color(Color::White)
        .set_border_bottom(FormatBorder::Thin);
    let header_right = header.clone().set_align(FormatAlign::Right);
    let amount = Format::new().set_num_format("#,##0.00##;(#,##0.00##);0.00");
    sheet.set_name("Missing")?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    sheet.set_footer("&L&F&RPage &P of &N");
    sheet.set_freeze_panes(1, 4)?;
    for (column, (name, width)) in (0_u16..).zip(COLUMNS) {
        let style = if column == AMOUNT { &header_right } else { &header };
        sheet.write_string_with_format(0, column, headed(name), style)?;
        sheet.set_column_width(column, width)?;
    }
    let mut row = 0;
    for gap in &missing.gaps {
        row += 1;
        for (column, text) in (0_u16..).zip(cells(gap, missing.period)) {
            if column != AMOUNT {
                let text: String = visible(&text).to_string().chars().take(2000).collect();
                sheet.write_string(row, column, cell_text(&text))?;
            }
        }
        if let Some(last) = gap.last_amount {
            write_amount(sheet, row, AMOUNT, last, &amount)?;
        }
    }
    sheet.autofilter(0, 0, row, u16::try_from(COLUMNS.len() - 1).unwrap_or(u16::MAX))?;
    Ok(())
}

/// The name of a column as people read it.
fn headed(name: &str) -> String {
    let name = name.replace("customer", "organisation").replace('_', " ").replace("uuid", "UUID");
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
