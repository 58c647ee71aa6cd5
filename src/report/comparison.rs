//! The comparison of a file with the server as a workbook: summary first, lines after.

use std::path::Path;

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError,
};

use crate::domain::visible;
use crate::plan::{Change, Header, Line, Money, Plan, Summary, Totals};

use super::cell_text::cell_text;
use super::corrections::corrections;
use super::people::people;
use super::{ReportError, write_amount, write_file};

/// Writes the workbook.
pub fn write_comparison(path: &Path, plan: &Plan) -> Result<(), ReportError> {
    let mut workbook = Workbook::new();
    let styles = Styles::new();
    properties(&mut workbook, plan)?;
    summary(workbook.add_worksheet(), plan, &styles)?;
    lines(workbook.add_worksheet(), plan, &styles)?;
    if plan.has_people() {
        people(workbook.add_worksheet(), plan, &styles, |_| true)?;
    }
    if plan.corrections().next().is_some() {
        corrections(workbook.add_worksheet(), plan, &styles)?;
    }
    write_file(path, &workbook.save_to_buffer()?)
}

/// How cells look.
pub(super) struct Styles {
    title: Format,
    label: Format,
    pub(super) header: Format,
    pub(super) header_right: Format,
    pub(super) amount: Format,
    count: Format,
    pub(super) price: Format,
    heading: Format,
    indented: Format,
}

impl Styles {
    pub(super) fn new() -> Self {
        let header = Format::new()
            .set_bold()
            .set_background_color(Color::RGB(0x1F_3A5F))
            .set_font_color(Color::White)
            .set_border_bottom(FormatBorder::Thin);
        Self {
            title: Format::new().set_bold().set_font_size(16),
            label: Format::new().set_font_color(Color::RGB(0x59_5959)),
            header_right: header.clone().set_align(FormatAlign::Right),
            header,
            amount: Format::new().set_num_format("#,##0.00##;(#,##0.00##);0.00"),
            price: Format::new().set_num_format("#,##0.00########"),
            count: Format::new().set_num_format("#,##0"),
            heading: Format::new().set_bold().set_font_size(12),
            indented: Format::new().set_indent(1),
        }
    }
}

/// The time of the reading stands in for the time of writing, so the same plan gives the same bytes.
pub(super) fn properties(workbook: &mut Workbook, plan: &Plan) -> Result<(), XlsxError> {
    let created = plan.made.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let created = ExcelDateTime::parse_from_str(&created)?;
    let properties = DocProperties::new()
        .set_title(format!("Usage {}: file and Waldur compared", plan.header.period))
        .set_author("waldur-usage")
        .set_creation_datetime(&created);
    workbook.set_properties(&properties);
    Ok(())
}

fn summary(sheet: &mut Worksheet, plan: &Plan, styles: &Styles) -> Result<(), XlsxError> {
    let figures = Summary::of(plan);
    sheet.set_name("Summary")?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    for (column, width) in
        [60, 18, 14, 10, 10, 10, 16, 18, 18, 20, 18, 18, 18, 18, 18].into_iter().enumerate()
    {
        sheet.set_column_width(u16::try_from(column).unwrap_or_default(), width)?;
    }
    let header = &plan.header;
    sheet.write_string_with_format(
        0,
        0,
        format!("Usage {}: file and Waldur compared", header.period),
        &styles.title,
    )?;
    sheet.write_string_with_format(1, 0, verdict(&figures), &styles.heading)?;
    let files: Vec<String> = header.inputs.iter().map(|input| visible(&input.name).to_string()).collect();
    let facts = [
        ("Server", server(header)),
        ("Account", format!("{}, {}", header.account.id, header.account.role)),
        ("Digest of the plan", plan.digest()),
        ("Read at (server's clock)", plan.made.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()),
        ("Files", files.join(", ")),
        ("Rows read", header.rows.rows_read.to_string()),
        (
            "  of them",
            format!(
                "{} used, {} faulty, {} blank, {} filtered",
                header.rows.rows_used,
                header.rows.rows_faulty,
                header.rows.rows_blank,
                header.rows.rows_filtered
            ),
        ),
    ];
    let rounded = header.rounding.as_ref().map(|rounding| ("Rounded", rounding.to_string()));
    let mut row = 3;
    for (label, value) in facts.into_iter().chain(rounded) {
        sheet.write_string_with_format(row, 0, label, &styles.label)?;
        sheet.write_string(row, 1, cell_text(&value))?;
        row += 1;
    }
    row = totals(sheet, row + 1, "By component", &figures.components, styles)?;
    row = totals(sheet, row + 1, "By organisation", &figures.customers, styles)?;
    totals(sheet, row + 1, "By project", &figures.projects, styles)?;
    Ok(())
}

/// The server, and whether it is one to rehearse against.
fn server(header: &Header) -> String {
    match &header.sandbox {
        Some(world) => format!("{} (a sandbox, world {world})", header.server),
        None => header.server.clone(),
    }
}

fn verdict(figures: &Summary) -> String {
    let lines = &figures.lines;
    match (lines.changes(), lines.only_on_server) {
        (0, 0) => format!("File and Waldur agree in all {} lines.", lines.same),
        (0, only) => {
            format!("File and Waldur agree in {} lines; {only} more are in Waldur alone.", lines.same)
        }
        (changes, only) => {
            format!("{changes} lines differ, {} agree, {only} are in Waldur alone.", lines.same)
        }
    }
}

fn totals(
    sheet: &mut Worksheet,
    start: u32,
    heading: &str,
    totals: &[Totals],
    styles: &Styles,
) -> Result<u32, XlsxError> {
    sheet.write_string_with_format(start, 0, heading, &styles.heading)?;
    let headers = [
        "Organisation, project",
        "Component",
        "Unit",
        "New",
        "Changed",
        "Same",
        "In Waldur alone",
        "Stored in Waldur",
        "In the file",
        "Stored, not in file",
        "After posting",
        "Difference",
        "Money stored",
        "Money after",
        "Money difference",
    ];
    for (column, header) in (0_u16..).zip(headers) {
        let style = if column < 3 { &styles.header } else { &styles.header_right };
        sheet.write_string_with_format(start + 1, column, header, style)?;
    }
    let mut row = start + 2;
    for group in totals {
        let total = &group.total;
        let names: Vec<&str> = group.customer.iter().chain(&group.project).map(String::as_str).collect();
        let names = if names.is_empty() { "all".to_owned() } else { names.join(" / ") };
        sheet.write_string(row, 0, cell_text(&names))?;
        sheet.write_string(row, 1, cell_text(&group.component))?;
        sheet.write_string(row, 2, cell_text(&group.unit))?;
        let counts = &total.counts;
        let counts = [counts.create, counts.update, counts.same, counts.only_on_server];
        for (column, count) in (3_u16..).zip(counts) {
            sheet.write_number_with_format(
                row,
                column,
                u32::try_from(count).unwrap_or(u32::MAX),
                &styles.count,
            )?;
        }
        let amounts = [total.stored, total.in_file, total.only_stored, total.after(), total.difference()];
        for (column, amount) in (7_u16..).zip(amounts) {
            write_amount(sheet, row, column, amount, &styles.amount)?;
        }
        if total.money != Money::default() {
            let money = [total.money.stored, total.money.after, total.money.difference()];
            for (column, amount) in (12_u16..).zip(money) {
                write_amount(sheet, row, column, amount, &styles.amount)?;
            }
        }
        row += 1;
    }
    Ok(row)
}

const LINE_HEADERS: [(&str, f64); 15] = [
    ("Organisation", 28.0),
    ("Project", 24.0),
    ("Offering", 20.0),
    ("Resource", 22.0),
    ("Resource uuid", 36.0),
    ("Component", 14.0),
    ("Unit", 12.0),
    ("Status", 16.0),
    ("Stored in Waldur", 16.0),
    ("In the file", 16.0),
    ("Difference", 16.0),
    ("Description", 30.0),
    ("Cell", 30.0),
    ("Unit price", 14.0),
    ("Money difference", 18.0),
];

fn lines(sheet: &mut Worksheet, plan: &Plan, styles: &Styles) -> Result<(), XlsxError> {
    sheet.set_name("Lines")?;
    sheet.set_landscape().set_paper_size(9).set_print_fit_to_pages(1, 0);
    sheet.set_freeze_panes(1, 4)?;
    sheet.set_repeat_rows(0, 0)?;
    for (column, (header, width)) in (0_u16..).zip(LINE_HEADERS) {
        let is_number = (8..=10).contains(&column) || column >= 13;
        let style = if is_number { &styles.header_right } else { &styles.header };
        sheet.write_string_with_format(0, column, header, style)?;
        sheet.set_column_width(column, width)?;
    }
    let mut row = 0;
    for resource in &plan.resources {
        for line in &resource.lines {
            row += 1;
            let texts = [
                &resource.customer_name,
                &resource.project_name,
                &resource.offering_name,
                &resource.name,
                &resource.resource.to_string(),
                &line.component.to_string(),
                &line.unit,
                &status(line).to_owned(),
            ];
            for (column, text) in (0_u16..).zip(texts) {
                sheet.write_string(row, column, cell_text(text))?;
            }
            figures(sheet, row, &line.change, styles)?;
            sheet.write_string(row, 12, plan.cell(line))?;
            money(sheet, row, line, styles)?;
        }
    }
    let last = u16::try_from(LINE_HEADERS.len() - 1).unwrap_or_default();
    sheet.autofilter(0, 0, row, last)?;
    Ok(())
}

/// The price of a unit, and what the change of a line costs.
fn money(sheet: &mut Worksheet, row: u32, line: &Line, styles: &Styles) -> Result<(), XlsxError> {
    let Some(unit_price) = line.unit_price else { return Ok(()) };
    write_amount(sheet, row, 13, unit_price, &styles.price)?;
    let old = line.change.old().map(|old| old.amount).unwrap_or_default();
    let new = line.change.wanted().map_or(old, |new| new.amount.get());
    if let Some(difference) = line.price(new).zip(line.price(old)).and_then(|(new, old)| new.checked_sub(old))
    {
        write_amount(sheet, row, 14, difference, &styles.amount)?;
    }
    Ok(())
}

fn status(line: &Line) -> &'static str {
    match &line.change {
        _ if line.correction().is_some() => "not posted",

        Change::Create { .. } => "new",
        Change::Update { .. } => "changed",
        Change::Same { .. } => "same",
        Change::OnlyOnServer { .. } => "in Waldur alone",
    }
}

fn figures(sheet: &mut Worksheet, row: u32, change: &Change, styles: &Styles) -> Result<(), XlsxError> {
    let old = change.old();
    let new = match change {
        Change::Create { new } | Change::Update { new, .. } => Some(new.figures()),
        Change::Same { old } => Some(old.clone()),
        Change::OnlyOnServer { .. } => None,
    };
    if let Some(old) = old {
        write_amount(sheet, row, 8, old.amount, &styles.amount)?;
    }
    if let Some(new) = &new {
        write_amount(sheet, row, 9, new.amount, &styles.amount)?;
        let stored = old.map(|old| old.amount).unwrap_or_default();
        write_amount(sheet, row, 10, new.amount.checked_sub(stored).unwrap_or_default(), &styles.amount)?;
    }
    let description = new.as_ref().or(old).map(|figures| figures.description.as_str());
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        sheet.write_string_with_format(row, 11, cell_text(description), &styles.indented)?;
    }
    Ok(())
}
