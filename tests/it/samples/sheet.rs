//! A table as people keep it, written as a CSV file or as a workbook.

use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook};

/// What stands in a cell.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Blank,
    Text(String),
    /// A decimal as it is written in a text file.
    Number(String),
    /// A month as `YYYY-MM`.
    Month(String),
}

impl Cell {
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Blank } else { Self::Text(text.to_owned()) }
    }
}

/// A header and its rows.
#[derive(Debug)]
pub(super) struct Sheet {
    pub title: &'static str,
    pub headers: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// The table as comma-separated text.
    pub(super) fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.headers).unwrap();
        for row in &self.rows {
            let cells = row.iter().map(|cell| match cell {
                Cell::Blank => "",
                Cell::Text(text) | Cell::Number(text) | Cell::Month(text) => text.as_str(),
            });
            writer.write_record(cells).unwrap();
        }
        writer.into_inner().unwrap()
    }

    /// The table as a workbook; the same bytes whenever it is written.
    pub(super) fn xlsx(&self) -> Vec<u8> {
        let mut workbook = Workbook::new();
        let written = ExcelDateTime::from_ymd(2026, 11, 20).unwrap().and_hms(9, 0, 0).unwrap();
        workbook.set_properties(
            &DocProperties::new()
                .set_title(self.title)
                .set_author("Nordlys HPC Centre")
                .set_creation_datetime(&written),
        );
        let header = Format::new()
            .set_bold()
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(0x001F_4E78))
            .set_align(FormatAlign::VerticalCenter)
            .set_border_bottom(FormatBorder::Medium);
        let number = Format::new().set_num_format("#,##0.00");
        let month = Format::new().set_num_format("yyyy-mm").set_align(FormatAlign::Left);
        let sheet = workbook.add_worksheet();
        sheet.set_name("Usage").unwrap();
        sheet.set_freeze_panes(1, 0).unwrap();
        sheet.set_row_height(0, 20).unwrap();
        for (column, name) in (0_u16..).zip(&self.headers) {
            sheet.write_string_with_format(0, column, *name, &header).unwrap();
            sheet.set_column_width(column, width(name)).unwrap();
        }
        for (row, cells) in (1_u32..).zip(&self.rows) {
            for (column, cell) in (0_u16..).zip(cells) {
                match cell {
                    Cell::Blank => {}
                    Cell::Text(text) => {
                        sheet.write_string(row, column, text).unwrap();
                    }
                    Cell::Number(digits) => {
                        let value: f64 = digits.parse().unwrap();
                        sheet.write_number_with_format(row, column, value, &number).unwrap();
                    }
                    Cell::Month(text) => {
                        let (year, number) = text.split_once('-').unwrap();
                        let first =
                            ExcelDateTime::from_ymd(year.parse().unwrap(), number.parse().unwrap(), 1)
                                .unwrap();
                        sheet.write_datetime_with_format(row, column, &first, &month).unwrap();
                    }
                }
            }
        }
        let last_row = u32::try_from(self.rows.len()).unwrap();
        let last_column = u16::try_from(self.headers.len() - 1).unwrap();
        sheet.autofilter(0, 0, last_row, last_column).unwrap();
        workbook.save_to_buffer().unwrap()
    }
}

fn width(header: &str) -> u32 {
    match header {
        "resource_uuid" | "offering_uuid" => 36,
        "resource_name" => 24,
        "description" => 44,
        _ => 16,
    }
}
