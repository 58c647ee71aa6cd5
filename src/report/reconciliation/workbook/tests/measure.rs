//! How long a large workbook takes, beside as many plain cells in as many sheets.

use std::sync::Arc;
use std::time::Instant;

use rust_xlsxwriter::Workbook;

use super::made::{self, Recipe};
use super::package::{attribute, elements, parts, tags, texts};
use super::*;

/// The row and column of a name such as `AB12`, counted from 0.
fn place(name: &str) -> (u32, u16) {
    let letters = name.trim_end_matches(|character: char| character.is_ascii_digit());
    let column = letters.bytes().fold(0, |column, letter| column * 26 + u16::from(letter - b'A') + 1);
    (name[letters.len()..].parse::<u32>().unwrap() - 1, column - 1)
}

/// A cell without format or formula.
enum Plain {
    Text(Arc<str>),
    Number(f64),
}

/// The cells of a sheet, from left to right and from top to bottom.
fn plain_cells(xml: &str, shared: &[Arc<str>]) -> Vec<(u32, u16, Plain)> {
    let mut cells = Vec::new();
    for (tag, content) in tags(xml, "c").zip(elements(xml, "c")) {
        let Some(value) = elements(content, "v").next() else { continue };
        let plain = match attribute(tag, "t").as_deref() {
            Some("s") => Plain::Text(shared[value.parse::<usize>().unwrap()].clone()),
            Some(_) => Plain::Text(value.into()),
            None => Plain::Number(value.parse().unwrap()),
        };
        let (row, column) = place(&attribute(tag, "r").unwrap());
        cells.push((row, column, plain));
    }
    cells
}

/// Prints how long it took beside plain cells, and claims nothing of it: `benches/workbook.py` runs it in
/// release with many lines, as `WALDUR_USAGE_LINES` says.
#[test]
fn how_long_a_large_workbook_takes() {
    let lines = std::env::var("WALDUR_USAGE_LINES").ok().and_then(|lines| lines.parse().ok()).unwrap_or(300);
    let report = made::report(&Recipe {
        lines,
        organisations: (1..=20).map(|number| format!("Institute {number:02}")).collect(),
        ..Recipe::default()
    });
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.xlsx");
    let start = Instant::now();
    write_reconciliation_workbook(&path, &report, &Locale::default()).unwrap();
    let own = start.elapsed().as_secs_f64();
    let size = std::fs::metadata(&path).unwrap().len();
    let parts = parts(&std::fs::read(&path).unwrap());
    let part = |name: &str| str::from_utf8(&parts[name]).unwrap();
    let shared: Vec<Arc<str>> =
        elements(part("xl/sharedStrings.xml"), "si").map(|text| texts(text).into()).collect();
    let names = (1..).map(|number| format!("xl/worksheets/sheet{number}.xml"));
    let names = names.take_while(|name| parts.contains_key(name));
    let sheets: Vec<_> = names.map(|name| plain_cells(part(&name), &shared)).collect();
    let cells: usize = sheets.iter().map(Vec::len).sum();
    let start = Instant::now();
    let mut workbook = Workbook::new();
    for cells in &sheets {
        let sheet = workbook.add_worksheet();
        for (row, column, cell) in cells {
            match cell {
                Plain::Text(text) => sheet.write_string(*row, *column, text.as_ref()).unwrap(),
                Plain::Number(number) => sheet.write_number(*row, *column, *number).unwrap(),
            };
        }
    }
    workbook.save(folder.path().join("plain.xlsx")).unwrap();
    let plain = start.elapsed().as_secs_f64();
    let ratio = own / plain;
    println!(
        "{{\"lines\": {lines}, \"sheets\": {}, \"cells\": {cells}, \"bytes\": {size}, \"seconds\": {own:.3}, \
         \"plain_seconds\": {plain:.3}, \"ratio\": {ratio:.3}}}",
        sheets.len()
    );
}
