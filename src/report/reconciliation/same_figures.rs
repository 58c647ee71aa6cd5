//! The same figures stand in every format: each file is read back and compared with the report.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use boon::{Compiler, Schemas};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;

use super::browser::say;
use super::columns::{COLUMNS, Kind};
use super::large_sample::{full, many};
use super::parquet::REST;
use super::{Locale, ReportOptions, write_reconciliation};
use crate::domain::Amount;
use crate::reconcile::Report;

/// The figures of a line by the name of their column; what is not there is not in it.
type Figures = BTreeMap<String, Amount>;

fn expected(report: &Report) -> Vec<Figures> {
    let figures = |view| {
        let figures = COLUMNS.iter().filter(|column| column.kind == Kind::Amount).filter_map(|column| {
            let super::columns::Value::Amount(amount) = (column.value)(&view) else { return None };
            Some((column.name.to_owned(), amount))
        });
        figures.collect()
    };
    report.views().map(figures).collect()
}

fn is_amount(name: &str) -> bool {
    COLUMNS.iter().any(|column| column.name == name && column.kind == Kind::Amount)
}

fn of_csv(path: &Path) -> Vec<Figures> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names = reader.headers().unwrap().clone();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let figures = names.iter().zip(&row).filter(|(name, text)| is_amount(name) && !text.is_empty());
        figures.map(|(name, text)| (name.to_owned(), text.parse().unwrap())).collect()
    });
    rows.collect()
}

fn of_json(document: &Value) -> Vec<Figures> {
    let lines = document["lines"].as_array().unwrap().iter().map(|line| {
        let figures = line.as_object().unwrap().iter();
        let figures = figures.filter(|(name, value)| is_amount(name) && !value.is_null());
        figures.map(|(name, value)| (name.clone(), value.as_str().unwrap().parse().unwrap())).collect()
    });
    lines.collect()
}

/// A decimal of ten places, from its bytes.
fn of_bytes(bytes: &[u8]) -> Amount {
    let steps = i128::from_be_bytes(bytes.try_into().unwrap());
    let (whole, part) = (steps.unsigned_abs() / 10_u128.pow(10), steps.unsigned_abs() % 10_u128.pow(10));
    let sign = if steps < 0 { "-" } else { "" };
    format!("{sign}{whole}.{part:010}").parse().unwrap()
}

fn of_parquet(path: &Path) -> (Vec<Figures>, Value) {
    let file = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let metadata = file.metadata().file_metadata();
    let rest = metadata.key_value_metadata().unwrap().iter().find(|entry| entry.key == REST).unwrap();
    let rest = serde_json::from_str(rest.value.as_deref().unwrap()).unwrap();
    let rows = file.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let figures = row.get_column_iter().filter_map(|(name, field)| match field {
            Field::Decimal(decimal) => Some((name.clone(), of_bytes(decimal.data()))),
            _ => None,
        });
        figures.collect()
    });
    (rows.collect(), rest)
}

/// The figures in a piece of a page: what each is, and its exact and its shown text.
fn data(html: &str) -> Vec<(String, String, String)> {
    let pieces = html.split("<data value=\"").skip(1).map(|piece| {
        let (value, rest) = piece.split_once('"').unwrap();
        let (attributes, rest) = rest.split_once('>').unwrap();
        let shown = rest.split_once("</data>").unwrap().0;
        let class = attributes.trim().strip_prefix("class=\"").unwrap_or_default();
        let name = class.split([' ', '"']).next().unwrap_or_default();
        (name.to_owned(), value.to_owned(), shown.to_owned())
    });
    pieces.collect()
}

/// What a page shows, read as people of a country read it.
fn read_back(shown: &str, locale: &Locale) -> Amount {
    let kept = shown.trim_start_matches('+').chars().filter(|one| Some(*one) != locale.group);
    let kept = kept.map(|one| match one {
        '\u{2212}' => '-',
        one if one == locale.decimal => '.',
        one => one,
    });
    let kept: String = kept.take_while(|one| one.is_ascii_digit() || ".-".contains(*one)).collect();
    kept.parse().unwrap()
}

fn of_page(page: &str, locale: &Locale) -> Vec<Figures> {
    let rows = page.split("<tr id=\"line-").skip(1).map(|row| {
        let row = row.split_once("</tr>").unwrap().0;
        let mut figures = Figures::new();
        for (name, exact, shown) in data(row).into_iter().filter(|(name, _, _)| is_amount(name)) {
            let amount: Amount = exact.parse().unwrap();
            assert_eq!(read_back(&shown, locale), amount, "{name} is shown as {shown}");
            assert_eq!(figures.insert(name, amount), None);
        }
        figures
    });
    rows.collect()
}

/// The table of a section of a page, row by row.
fn rows_of(page: &str, id: &str) -> Vec<Vec<(String, String, String)>> {
    let section = page.split_once(&format!("<section id=\"{id}\"")).unwrap().1;
    let section = section.split_once("</section>").unwrap().0;
    section.split("<tr").skip(2).map(data).collect()
}

fn texts(value: &Value, key: &str) -> Vec<String> {
    value[key].as_array().unwrap().iter().map(|money| money["amount"].as_str().unwrap().to_owned()).collect()
}

fn exacts(row: &[(String, String, String)], wanted: &str) -> Vec<String> {
    row.iter().filter(|(name, _, _)| name == wanted).map(|(_, exact, _)| exact.clone()).collect()
}

/// Every total of the page is the one of the document.
fn totals_agree(page: &str, document: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>();
    let list = |key: &str| document[key].as_array().unwrap();
    let proof = document["proof"]["rows"].as_array().unwrap();
    let shown = rows_of(page, "proof");
    assert_eq!(shown.len(), proof.len());
    for (row, own) in shown.iter().zip(proof) {
        for key in ["file", "server", "difference", "explained"] {
            assert_eq!(exacts(row, key), text(&own[key]), "{key} of {own}");
        }
        let classes = own["classes"].as_array().unwrap().iter();
        let classes: Vec<String> = classes.flat_map(|class| text(&class["difference"])).collect();
        assert_eq!(exacts(row, "class_difference"), classes);
    }
    let classes: Vec<&Value> = list("classes").iter().filter(|class| class["keys"] != 0).collect();
    let shown = rows_of(page, "classes");
    assert_eq!(shown.len(), classes.len());
    for (row, own) in shown.iter().zip(classes) {
        assert_eq!(exacts(row, "class"), text(&own["class"]));
        assert_eq!(exacts(row, "keys"), [own["keys"].to_string()]);
        assert_eq!(exacts(row, "worth"), texts(own, "worth"));
    }
    for (row, own) in rows_of(page, "organisations").iter().zip(list("organisations")) {
        assert_eq!(exacts(row, "keys"), [own["keys"].to_string()]);
        assert_eq!(exacts(row, "worth"), texts(own, "worth"));
        assert_eq!(exacts(row, "stated"), texts(own, "stated"));
        assert_eq!(exacts(row, "billed"), text(&own["billed"]));
    }
    for (row, own) in rows_of(page, "invoices").iter().zip(list("invoices")) {
        for key in ["usage", "other", "credits", "compensations", "tax", "price", "total"] {
            assert_eq!(exacts(row, key), text(&own[key]), "{key} of {own}");
        }
        assert_eq!(exacts(row, "stated"), texts(own, "stated"));
    }
    for (row, own) in rows_of(page, "trend").iter().zip(list("trend")) {
        for key in ["last_month", "server", "file"] {
            assert_eq!(exacts(row, key), text(&own[key]), "{key} of {own}");
        }
    }
    let tiles = data(page.split_once("<dl class=\"tiles\">").unwrap().1.split_once("</dl>").unwrap().0);
    assert_eq!(exacts(&tiles, "keys"), [document["verdict"]["keys"].to_string()]);
    assert_eq!(exacts(&tiles, "breaks"), [document["verdict"]["breaks"].to_string()]);
    assert_eq!(exacts(&tiles, "at_stake"), texts(&document["verdict"], "at_stake"));
}

/// Writes a report in every format and compares what is read back.
fn compare(report: &Report, locale: Locale) {
    let folder = tempfile::TempDir::new().unwrap();
    let options = ReportOptions { locale, template: None };
    let path = |ending: &str| folder.path().join(format!("report.{ending}"));
    for ending in ["html", "csv", "json", "parquet"] {
        write_reconciliation(&path(ending), report, &options).unwrap();
    }
    let expected = expected(report);
    assert_eq!(of_csv(&path("csv")), expected);
    let document: Value = serde_json::from_slice(&std::fs::read(path("json")).unwrap()).unwrap();
    assert_eq!(of_json(&document), expected);
    let (lines, rest) = of_parquet(&path("parquet"));
    assert_eq!(lines, expected);
    let mut without_lines = document.clone();
    without_lines.as_object_mut().unwrap().shift_remove("lines");
    assert_eq!(rest, without_lines);
    let page = std::fs::read_to_string(path("html")).unwrap();
    assert_eq!(of_page(&page, &locale), expected);
    totals_agree(&page, &document);
}

#[test]
fn every_format_has_the_same_figures() {
    for locale in Locale::ALL {
        compare(&full(), locale);
    }
    compare(&many(2_000), Locale::default());
}

#[test]
fn the_document_is_as_its_schema_says() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.json");
    write_reconciliation(&path, &full(), &ReportOptions::default()).unwrap();
    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/reconciliation.schema.json");
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(schema, &mut schemas).unwrap();
    if let Err(error) = schemas.validate(&document, schema) {
        panic!("{error:#}");
    }
    for (pointer, value) in [
        ("/lines/0/class", "grave"),
        ("/lines/0/difference", "1,25"),
        ("/lines/0/period", "2026-13"),
        ("/proof/rows/0/file", "three"),
        ("/verdict/agrees", "perhaps"),
        ("/made/run", "x"),
    ] {
        let mut changed = document.clone();
        *changed.pointer_mut(pointer).unwrap() = value.into();
        assert!(schemas.validate(&changed, schema).is_err(), "{pointer}");
    }
    for key in document.as_object().unwrap().keys() {
        let mut without = document.clone();
        without.as_object_mut().unwrap().shift_remove(key);
        assert!(schemas.validate(&without, schema).is_err(), "{key}");
    }
}

#[test]
fn others_read_the_parquet_file_too() {
    const SCRIPT: &str = "import sys, pyarrow.parquet as parquet\n\
        table = parquet.read_table(sys.argv[1])\n\
        print(table.schema.field('difference').type, table.schema.field('period').type, table.num_rows)\n\
        for value in table.column('difference').to_pylist(): print(format(value, 'f'))\n\
        print(table.column('worth').null_count, table.column('period')[0], table.column('resource')[0])\n";
    let has_pyarrow = Command::new("python3").args(["-c", "import pyarrow"]).output();
    if !has_pyarrow.is_ok_and(|output| output.status.success()) {
        say("skipped: needs python3 with pyarrow");
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.parquet");
    let report = full();
    write_reconciliation(&path, &report, &ReportOptions::default()).unwrap();
    let output = Command::new("python3").args(["-c", SCRIPT]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let mut lines = printed.lines();
    let schema = format!("decimal128(38, 10) date32[day] {}", report.lines.len());
    assert_eq!(lines.next(), Some(schema.as_str()));
    for view in report.views() {
        assert_eq!(lines.next().unwrap().parse::<Amount>().unwrap(), view.difference());
    }
    let without_worth = report.views().filter(|view| view.worth().is_none()).count();
    let resource = &report.views().next().unwrap().subject.resource;
    assert_eq!(lines.next(), Some(format!("{without_worth} 2026-11-01 {resource}").as_str()));
}
