//! One table in every format, and in text as four countries write it, is one plan.
//!
//! Tables are drawn from seeds; `WALDUR_USAGE_SWEEP=full` draws a hundred. LibreOffice makes the .xls and
//! .ods from the .xlsx, so that each is the work of a program that users have.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::Value;

use crate::rig::{HPC, Rig, has_tool};

const HEADER: [&str; 5] = ["resource_name", "billing_period", "component_type", "amount", "description"];
const RESOURCES: [&str; 5] = ["climate-alps", "climate-cordex", "climate-era5", "cohort-wgs", "flame-dns"];
const COMPONENTS: [&str; 2] = ["cpu", "ram"];
const DESCRIPTIONS: [&str; 7] = [
    "",
    "metered",
    "Änderung, \"laut Vertrag\"; a|b",
    "two\nlines",
    "- one less than ordered",
    "007",
    "0,5 Knoten, 1.234 Läufe",
];
const FIRST_OF_NOVEMBER: i32 = 20_758;

/// A row; the amount in hundredths.
struct Row {
    resource: &'static str,
    component: &'static str,
    hundredths: i64,
    description: &'static str,
}

/// Draws numbers that hang on a seed alone.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn table(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for resource in RESOURCES {
            for component in COMPONENTS {
                if self.below(4) == 0 {
                    continue;
                }
                let largest = [100, 10_000, 1_000_000, 100_000_000][usize::try_from(self.below(4)).unwrap()];
                let hundredths = if self.below(6) == 0 { 0 } else { self.below(largest).cast_signed() };
                let description = usize::try_from(self.below(DESCRIPTIONS.len() as u64)).unwrap();
                let description = DESCRIPTIONS[description];
                rows.push(Row { resource, component, hundredths, description });
            }
        }
        rows
    }
}

/// How a country writes text files.
struct Country {
    name: &'static str,
    delimiter: char,
    thousands: &'static str,
    decimal: char,
    month: &'static str,
}

const COUNTRIES: [Country; 4] = [
    Country { name: "en-us", delimiter: ',', thousands: ",", decimal: '.', month: "Nov 2026" },
    Country { name: "de-de", delimiter: ';', thousands: ".", decimal: ',', month: "11.2026" },
    Country { name: "fr-fr", delimiter: ';', thousands: "\u{202f}", decimal: ',', month: "novembre 2026" },
    Country { name: "de-ch", delimiter: '\t', thousands: "\u{2019}", decimal: '.', month: "2026-11" },
];

impl Country {
    fn amount(&self, hundredths: i64) -> String {
        let whole = (hundredths / 100).to_string();
        let mut text = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push_str(self.thousands);
            }
            text.push(digit);
        }
        format!("{text}{}{:02}", self.decimal, hundredths % 100)
    }

    fn text(&self, rows: &[Row]) -> String {
        let mut text = HEADER.join(&self.delimiter.to_string()) + "\r\n";
        for row in rows {
            let amount = self.amount(row.hundredths);
            let cells = [row.resource, self.month, row.component, &amount, row.description];
            let quoted = |cell: &str| {
                let special = |one: char| one == self.delimiter || one == '"' || one == '\n';
                let is_quoted = cell.contains(special);
                if is_quoted { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
            };
            let line: Vec<String> = cells.into_iter().map(quoted).collect();
            let _ = write!(text, "{}\r\n", line.join(&self.delimiter.to_string()));
        }
        text
    }
}

/// The decimal that hundredths are, as every format but text takes it.
fn decimal(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn workbook(path: &Path, rows: &[Row]) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let month = Format::new().set_num_format("mmmm yyyy");
    let amount = Format::new().set_num_format("#,##0.00");
    for (column, header) in (0..).zip(HEADER) {
        sheet.write_string(0, column, header).unwrap();
    }
    for (at, row) in (1..).zip(rows) {
        let first = ExcelDateTime::from_ymd(2026, 11, 1).unwrap();
        let number: f64 = decimal(row.hundredths).parse().unwrap();
        sheet.write_string(at, 0, row.resource).unwrap();
        sheet.write_datetime_with_format(at, 1, &first, &month).unwrap();
        sheet.write_string(at, 2, row.component).unwrap();
        sheet.write_number_with_format(at, 3, number, &amount).unwrap();
        if !row.description.is_empty() {
            sheet.write_string(at, 4, row.description).unwrap();
        }
    }
    workbook.save(path).unwrap();
}

fn parquet(rows: &[Row]) -> Vec<u8> {
    let schema = "message usage { required binary resource_name (UTF8); required int32 billing_period (DATE);
        required binary component_type (UTF8); required int64 amount (DECIMAL(18,2));
        optional binary description (UTF8); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let texts = |of: fn(&Row) -> &'static str| -> Vec<ByteArray> {
        rows.iter().map(of).map(ByteArray::from).collect()
    };
    let described: Vec<i16> = rows.iter().map(|row| i16::from(!row.description.is_empty())).collect();
    let mut descriptions = texts(|row| row.description);
    descriptions.retain(|text| !text.is_empty());
    let days = vec![FIRST_OF_NOVEMBER; rows.len()];
    let amounts: Vec<i64> = rows.iter().map(|row| row.hundredths).collect();
    let mut column = |write: &dyn Fn(&mut SerializedColumnWriter<'_>)| {
        let mut column = group.next_column().unwrap().unwrap();
        write(&mut column);
        column.close().unwrap();
    };
    let write_texts =
        |column: &mut SerializedColumnWriter<'_>, texts: &[ByteArray], levels: Option<&[i16]>| {
            column.typed::<ByteArrayType>().write_batch(texts, levels, None).unwrap();
        };
    column(&|column| write_texts(column, &texts(|row| row.resource), None));
    column(&|column| {
        column.typed::<Int32Type>().write_batch(&days, None, None).unwrap();
    });
    column(&|column| write_texts(column, &texts(|row| row.component), None));
    column(&|column| {
        column.typed::<Int64Type>().write_batch(&amounts, None, None).unwrap();
    });
    column(&|column| write_texts(column, &descriptions, Some(&described)));
    group.close().unwrap();
    file.into_inner().unwrap()
}

/// Lets LibreOffice save workbooks in another format beside them.
fn convert(folder: &Path, ending: &str, names: &[String]) {
    let profile = format!("-env:UserInstallation=file://{}", folder.join("office").display());
    let mut office = Command::new("soffice");
    office.current_dir(folder).args([&profile, "--headless", "--convert-to", ending]);
    let converted = office.args(names).output().unwrap();
    assert!(converted.status.success(), "{converted:?}");
}

/// The rows that a plan is about: resource, component, amount and description.
fn planned(rig: &Rig, file: &str) -> Vec<[String; 4]> {
    let json = rig.run(&["plan", file, "--offering", HPC, "--format", "json"]).ends_with(0).json();
    let mut planned = Vec::new();
    for resource in json["plan"]["body"]["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap().iter().filter(|line| !line["place"].is_null()) {
            let figures = if line["new"].is_null() { &line["old"] } else { &line["new"] };
            let cells = [&resource["name"], &line["component"], &figures["amount"], &figures["description"]];
            planned.push(cells.map(|cell| cell.as_str().unwrap_or_default().to_owned()));
        }
    }
    planned.sort();
    assert_eq!(json["plan"]["body"]["binding"]["period"], Value::from("2026-11"));
    planned
}

#[test]
fn one_table_is_one_plan_in_every_format_and_country() {
    if !has_tool("soffice") {
        return;
    }
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let tables: Vec<Vec<Row>> = (0..if is_full { 100 } else { 4 }).map(|seed| Draw(seed).table()).collect();
    let rig = Rig::new();
    let names: Vec<String> = (0..tables.len()).map(|at| format!("table-{at}.xlsx")).collect();
    for (name, rows) in names.iter().zip(&tables) {
        workbook(&rig.folder.path().join(name), rows);
    }
    convert(rig.folder.path(), "xls", &names);
    convert(rig.folder.path(), "ods", &names);
    for (at, rows) in tables.iter().enumerate() {
        let mut expected: Vec<[String; 4]> = rows
            .iter()
            .map(|row| {
                // A blank description leaves the stored one.
                let stored = rig.stored_of(row.resource).remove(row.component).map(|usage| usage.description);
                let description = Some(row.description.to_owned()).filter(|text| !text.is_empty()).or(stored);
                let description = description.unwrap_or_default();
                [row.resource.into(), row.component.into(), decimal(row.hundredths), description]
            })
            .collect();
        expected.sort();
        let mut files: Vec<String> = ["xlsx", "xls", "ods"].map(|it| format!("table-{at}.{it}")).into();
        for country in COUNTRIES {
            files.push(format!("table-{at}-{}.csv", country.name));
            rig.file(&files[files.len() - 1], country.text(rows));
        }
        files.push(format!("table-{at}.parquet"));
        rig.file(&files[files.len() - 1], parquet(rows));
        for file in files {
            assert_eq!(planned(&rig, &file), expected, "{file}");
        }
    }
}
