//! The workbook, read back as it stands in the file and as LibreOffice works it out anew.

mod made;
mod measure;
mod package;

use std::path::Path;
use std::process::Command;

use super::*;
use crate::reconcile::sample;
use made::Recipe;
use package::{Package, Sheet, attribute, tags};

fn built(report: &Report, limits: Limits) -> Package {
    Package::read(&bytes(report, limits))
}

fn bytes(report: &Report, limits: Limits) -> Vec<u8> {
    build(report, &Locale::default(), limits).unwrap().save_to_buffer().unwrap()
}

/// Whether LibreOffice is there; where it has to be and is not, the test fails.
fn has_office() -> bool {
    let found = Command::new("soffice").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("WALDUR_USAGE_REQUIRE_TOOLS").is_none(), "needs soffice");
    if !found {
        println!("skipped: needs soffice");
    }
    found
}

/// Lets LibreOffice work workbooks out anew and save them beside themselves, in the folder `anew`.
fn work_out(folder: &Path, names: &[String]) {
    // Files of other programs are believed otherwise.
    let settings = folder.join("office/user");
    std::fs::create_dir_all(&settings).unwrap();
    std::fs::write(
        settings.join("registrymodifications.xcu"),
        r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item></oor:items>"#,
    )
    .unwrap();
    let profile = format!("-env:UserInstallation=file://{}", folder.join("office").display());
    let mut office = Command::new("soffice");
    office.current_dir(folder).args([&profile, "--headless", "--convert-to", "xlsx", "--outdir", "anew"]);
    let converted = office.args(names).output().unwrap();
    assert!(converted.status.success(), "{converted:?}");
}

/// The decimals that a formula rounds to; counts and words have none.
fn decimals(formula: &str) -> usize {
    let last = formula.rsplit("ROUND(").next().filter(|_| formula.contains("ROUND("));
    let places = last.and_then(|last| last[..last.rfind(')').unwrap()].rsplit(',').next());
    places.and_then(|places| places.trim_end_matches([')', '"']).parse().ok()).unwrap_or(0)
}

/// What a formula comes to, at its decimals.
fn at_decimals(formula: &str, cell: &package::Cell) -> String {
    match cell.value.parse::<f64>() {
        Ok(number) if !cell.is_text => format!("{number:.*}", decimals(formula)),
        _ => cell.value.clone(),
    }
}

/// Compares every formula cell with what LibreOffice makes of it; how many there are.
fn differences(own: &Package, anew: &Package) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for (own, anew) in own.sheets.iter().zip(&anew.sheets) {
        assert_eq!(own.name, anew.name);
        for (name, cell) in &own.cells {
            let Some(formula) = &cell.formula else { continue };
            count += 1;
            let there = anew.cells.get(name).cloned().unwrap_or_default();
            assert!(there.formula.is_some(), "{} {name} has lost {formula}", own.name);
            let (own_value, value) = (at_decimals(formula, cell), at_decimals(formula, &there));
            if own_value != value {
                wrong.push(format!("{} {name} ={formula}: {own_value}, anew {value}", own.name));
            }
        }
    }
    (count, wrong)
}

/// A name that nobody would give, in every way that a workbook could take amiss.
fn hostile_names() -> Vec<String> {
    [
        "=HYPERLINK(\"http://evil\",\"x\")",
        "<r><t>rich</t></r>",
        "+cmd|' /C calc'!A0",
        "History",
        "summary",
        "Lines",
        "lines",
        "It's [all]: a/b*c?",
        "'",
        "",
        "\u{1b}[31mred\u{202e}\u{fffe}\u{ffff}_x0041_",
        "*",
        "?",
        ">5",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["🦀".repeat(40), "Ä".repeat(40_000)])
    .collect()
}

/// Reports of every shape.
fn shapes() -> Vec<(&'static str, Report, Limits)> {
    let small = Limits { rows: 64, organisations: 3 };
    let usual = Limits::default();
    let several = vec![Some("EUR"), None, Some("USD")];
    let many = ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH"].map(Some).to_vec();
    let hostile = Recipe {
        organisations: hostile_names(),
        components: vec![("=cpu", "\"h\""), ("CPU*", "h"), ("cpu?", "h"), (">5", "<b>"), ("007", "")],
        ..Recipe::default()
    };
    let mut none = sample::report();
    none.lines.clear();
    made::totals(&mut none);
    none.invoices.clear();
    let mut long = made::report(&Recipe { lines: 60, ..Recipe::default() });
    for at in [3, 4] {
        long.lines[at].server = Some("123456789012345.67".parse().unwrap());
    }
    made::totals(&mut long);
    let mut lost = made::report(&Recipe { lines: 60, ..Recipe::default() });
    lost.lines[0].server = Some("900000000000".parse().unwrap());
    lost.lines[0].component = 0;
    lost.lines[1].server = Some("0.0001".parse().unwrap());
    lost.lines[1].component = 0;
    made::totals(&mut lost);
    let no_file = Recipe { has_file: false, ..Recipe::default() };
    vec![
        ("sample", sample::report(), usual),
        ("usual", made::report(&Recipe::default()), usual),
        ("split", made::report(&Recipe::default()), small),
        ("precise", made::report(&Recipe { decimals: 9, ..Recipe::default() }), usual),
        ("currencies", made::report(&Recipe { currencies: several, ..Recipe::default() }), usual),
        ("many-currencies", made::report(&Recipe { currencies: many, ..Recipe::default() }), usual),
        ("hostile", made::report(&hostile), usual),
        ("no-file", made::report(&no_file), usual),
        ("none", none, usual),
        ("long", long, usual),
        ("lost", lost, usual),
    ]
}

#[test]
fn libreoffice_comes_to_the_value_of_every_formula() {
    if !has_office() {
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    let mut names = Vec::new();
    let mut packages = Vec::new();
    for (name, report, limits) in shapes() {
        let package = built(&report, limits);
        names.push(format!("{name}.xlsx"));
        // Wrong values show that it is the formulas that are believed.
        std::fs::write(folder.path().join(&names[names.len() - 1]), package.with_wrong_values()).unwrap();
        packages.push(package);
    }
    work_out(folder.path(), &names);
    let mut all = 0;
    for (name, package) in names.iter().zip(&packages) {
        let anew = Package::read(&std::fs::read(folder.path().join("anew").join(name)).unwrap());
        let (count, wrong) = differences(package, &anew);
        assert!(wrong.is_empty(), "{name}: {} of {count}\n{}", wrong.len(), wrong.join("\n"));
        all += count;
    }
    assert!(all > 1_500, "{all} formulas");
}

#[test]
fn no_text_of_a_file_or_server_is_a_formula_or_markup() {
    let report = made::report(&Recipe {
        organisations: hostile_names(),
        components: vec![("=1+1", "=2"), ("@SUM(A1)", "-3")],
        ..Recipe::default()
    });
    let package = built(&report, Limits::default());
    let known = ["ROUND(", "IF(", "COUNTIFS(", "SUBTOTAL(", "SUM(", "COUNTA(", "ROWS("];
    let styles = package.part("xl/styles.xml");
    let styles = &styles[styles.find("<cellXfs").unwrap()..];
    let quoted: Vec<bool> = tags(styles, "xf").map(|tag| tag.contains("quotePrefix=\"1\"")).collect();
    let (mut formulas, mut texts) = (0, Vec::new());
    for sheet in &package.sheets {
        for cell in sheet.cells.values() {
            let is_alike = cell.formula.is_none() && cell.value.starts_with(['=', '+', '-', '@']);
            // Otherwise it would become one as soon as somebody edits the cell.
            assert!(!cell.is_text || !is_alike || quoted[cell.style], "{}: {}", sheet.name, cell.value);
            match &cell.formula {
                Some(formula) => {
                    assert!(known.iter().any(|start| formula.starts_with(start)), "{formula}");
                    assert!(!formula.contains("evil") && !formula.contains("cmd"), "{formula}");
                    formulas += 1;
                }
                None if cell.is_text => texts.push(cell.value.as_str()),
                None => {}
            }
        }
    }
    assert!(formulas > 100, "{formulas}");
    for name in ["=HYPERLINK(\"http://evil\",\"x\")", "=1+1", "@SUM(A1)", "<r><t>rich</t></r> "] {
        assert!(texts.contains(&name), "{name}");
    }
    // What a program would read as the escape of a letter is escaped itself.
    assert!(texts.iter().any(|text| text.starts_with(r"\u{1b}[31mred\u{202e}\u{fffe}\u{ffff}_x005F_x0041_")));
    assert!(!package.part("xl/sharedStrings.xml").contains("<r>"), "nothing is rich text");
    for content in package.parts.values().filter_map(|content| str::from_utf8(content).ok()) {
        let is_seen =
            |character: char| !crate::domain::is_invisible(character) || "\n\r\t".contains(character);
        assert!(
            content
                .chars()
                .all(|character| is_seen(character) && character < '\u{fffe}' || character > '\u{ffff}')
        );
    }
}

#[test]
fn sheets_have_tables_filters_panes_links_and_paper() {
    let report = sample::report();
    let package = built(&report, Limits::default());
    let names: Vec<&str> = package.sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    let expected = [
        "Summary",
        "Breaks",
        "Lines",
        "Institute of Hydrology",
        "=HYPERLINK(\"http   evil\")",
        "<b>Ärzte & Söhne< b>",
        "Invoices",
        "Proof",
        "Inputs and rules",
    ];
    assert_eq!(names, expected);
    let breaks = u32::try_from(report.verdict.breaks).unwrap();
    let table = package.part("xl/tables/table1.xml");
    let tag = tags(table, "table").next().unwrap();
    assert_eq!(attribute(tag, "displayName").as_deref(), Some("Breaks"));
    assert_eq!(attribute(tag, "ref"), Some(format!("A4:AA{}", 4 + breaks)));
    assert!(tags(table, "autoFilter").next().is_some(), "{table}");
    for sheet in &package.sheets {
        let name = &sheet.name;
        assert!(sheet.xml.contains("orientation=\"landscape\""), "{name}");
        assert!(sheet.xml.contains("paperSize=\"9\"") && sheet.xml.contains("fitToPage=\"1\""), "{name}");
        assert!(sheet.xml.contains("&amp;P of &amp;N"), "{name}");
        let has_pane = tags(&sheet.xml, "pane").any(|pane| pane.contains("state=\"frozen\""));
        assert_eq!(has_pane, name != "Summary", "{name}");
        let back = tags(&sheet.xml, "hyperlink").any(|link| link.contains("location=\"'Summary'!A1\""));
        assert_eq!(back, name != "Summary", "{name}");
    }
    let workbook = package.part("xl/workbook.xml");
    for sheet in ["Breaks", "Lines", "Invoices", "Proof"] {
        assert!(workbook.contains(&format!("{sheet}!$4:$4")), "{sheet} repeats its header: {workbook}");
    }
    let core = package.part("docProps/core.xml");
    assert!(core.contains("<dc:title>Reconciliation of usage 2026-11</dc:title>"), "{core}");
    assert!(core.contains("2026-12-02T08:00:00Z</dcterms:created>"), "{core}");
    // Each class leads to its first line, and charts stand on the summary.
    let summary = package.sheet("Summary");
    let links: Vec<String> =
        tags(&summary.xml, "hyperlink").filter_map(|link| attribute(link, "location")).collect();
    assert!(links.contains(&"'Breaks'!A5".to_owned()), "{links:?}");
    assert!(links.iter().filter(|link| link.starts_with("'Breaks'!A")).count() > 15, "{links:?}");
    assert!(package.parts.keys().filter(|part| part.starts_with("xl/charts/chart")).count() >= 4);
    let difference = tags(&package.sheet("Breaks").xml, "iconSet").count();
    assert_eq!(difference, 1, "a sign, not only a colour");
}

#[test]
fn the_verdict_partial_months_and_what_is_not_told_stand_on_the_summary() {
    let mut report = sample::report();
    report.header.months[0].is_partial = true;
    report.header.currency = None;
    let package = built(&report, Limits::default());
    let summary = package.sheet("Summary");
    assert!(summary.cells["A2"].value.starts_with("✗  19 of"), "{:?}", summary.cells["A2"]);
    assert!(summary.cells["A3"].value.contains("Partial: 2026-11 is not over"));
    let says = |text: &str| summary.cells.values().any(|cell| cell.value.contains(text));
    assert!(says("nobody tells it") && says("waldur-usage 0.1.0") && says(&report.made.run.to_string()));
    assert!(says(words::HOLDS) && !says(words::DOES_NOT_HOLD));
    report.proof.rows[0].file = "1".parse().unwrap();
    let package = built(&report, Limits::default());
    let summary = package.sheet("Summary");
    let says = |text: &str| summary.cells.values().any(|cell| cell.value.contains(text));
    assert!(says(words::DOES_NOT_HOLD) && says(words::NOT_THE_LINES));
}

#[test]
fn more_rows_than_a_sheet_holds_stand_on_several() {
    let report = made::report(&Recipe::default());
    let package = built(&report, Limits { rows: 104, organisations: 30 });
    let names: Vec<&str> = package.sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    assert!(
        names.starts_with(&["Summary", "Breaks", "Breaks (2)", "Lines", "Lines (2)", "Lines (3)"]),
        "{names:?}"
    );
    let lines: Vec<&Sheet> = package.sheets.iter().filter(|sheet| sheet.name.starts_with("Lines")).collect();
    let numbers = lines.iter().flat_map(|sheet| {
        (5..=104).filter_map(|row| sheet.cells.get(&format!("A{row}"))?.value.parse::<usize>().ok())
    });
    assert_eq!(numbers.collect::<Vec<_>>(), (1..=400).collect::<Vec<_>>());
    let summary = package.sheet("Summary");
    assert!(summary.cells.values().any(|cell| cell.value.starts_with("Lines stand on 4 sheets")));
    let keys = summary.cells["B6"].formula.clone().unwrap();
    assert!(keys.contains("'Lines'!") && keys.contains("'Lines (4)'!"), "{keys}");
}

#[test]
fn above_thirty_organisations_the_lines_are_filtered() {
    let organisations = (0..31).map(|number| format!("Institute {number:02}")).collect();
    let report = made::report(&Recipe { organisations, ..Recipe::default() });
    let package = built(&report, Limits::default());
    assert_eq!(package.sheets.len(), 6);
    let summary = package.sheet("Summary");
    assert!(summary.cells.values().any(|cell| cell.value.contains("There are 31 organisations")));
}

#[test]
fn what_a_spreadsheet_cannot_add_up_is_a_figure_and_says_why() {
    let (_, report, limits) = shapes().into_iter().find(|(name, ..)| *name == "long").unwrap();
    let package = built(&report, limits);
    let lines = package.sheet("Lines");
    assert!(lines.cells.values().any(|cell| cell.is_text && cell.value == "123456789012345.67"));
    let totals = lines.cells.iter().filter(|(name, _)| name.trim_start_matches(char::is_alphabetic) == "3");
    let words: Vec<&str> = totals.map(|(_, cell)| cell.value.as_str()).collect();
    assert!(words.contains(&words::SEVERAL_COMPONENTS), "{words:?}");
    let summary = package.sheet("Summary");
    let exact = report.proof.rows.iter().map(|row| row.server.to_string());
    for total in exact.filter(|total| total.len() > 16) {
        assert!(summary.cells.values().any(|cell| cell.value == total && cell.is_text), "{total}");
    }
    let says = |text: &str| summary.cells.values().any(|cell| cell.value.contains(text));
    assert!(says("Summary!D") && says(words::NO_FORMULA));
}

#[test]
fn the_lines_have_the_figures_of_all_formats() {
    use crate::report::reconciliation::columns::{COLUMNS, Kind, Value};
    let report = crate::report::reconciliation::large_sample::full();
    let package = built(&report, Limits::default());
    let cells = &package.sheet("Lines").cells;
    let headers: Vec<(String, &str)> = (0..60)
        .map(column_number_to_name)
        .filter_map(|column| Some((column.clone(), cells.get(&format!("{column}4"))?.value.as_str())))
        .collect();
    let mut figures = 0;
    for (row, view) in (5..).zip(report.views()) {
        for column in COLUMNS.iter().filter(|column| column.kind == Kind::Amount) {
            let header = match column.name {
                "file" => "File",
                "server" => "Waldur",
                "billed_quantity" => "Billed quantity",
                "difference" => "Difference",
                "worth" => "Worth",
                "stated_unit_price" => "Stated unit price",
                "stated_price" => "Stated price",
                "stated_tax" => "Stated tax",
                "billed_unit_price" => "Billed unit price",
                "billed_price" => "Billed price",
                "billed_tax" => "Billed tax",
                other => panic!("{other} has no column"),
            };
            let own =
                headers.iter().filter(|(_, own)| *own == header || own.starts_with(&format!("{header} (")));
            let cells = own.filter_map(|(column, _)| cells.get(&format!("{column}{row}")));
            let there: Vec<crate::domain::Amount> = cells.map(|cell| cell.value.parse().unwrap()).collect();
            let expected = match (column.value)(&view) {
                Value::Amount(amount) => vec![amount],
                _ => vec![],
            };
            assert_eq!(there, expected, "{} in row {row}", column.name);
            figures += expected.len();
        }
    }
    assert!(figures > 150, "{figures}");
}

#[test]
fn the_same_report_is_the_same_bytes_and_another_run_shows_in_one_place() {
    let report = made::report(&Recipe::default());
    let first = bytes(&report, Limits::default());
    assert!(first == bytes(&report, Limits::default()));
    let mut later = report.clone();
    later.made.at = "2026-12-03T09:30:00Z".parse().unwrap();
    later.made.run = crate::domain::RunId::new(uuid::Uuid::from_u128(77));
    let (first, later) = (Package::read(&first), built(&later, Limits::default()));
    let differ = first.parts.iter().filter(|(name, content)| later.parts[*name] != **content);
    let differ: Vec<&str> = differ.map(|(name, _)| name.as_str()).collect();
    assert_eq!(differ, ["docProps/core.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"]);
    let cells = first.sheets[0].cells.iter().filter(|(name, cell)| later.sheets[0].cells[*name] != **cell);
    assert_eq!(cells.count(), 2, "the run and the time");
}

#[test]
fn months_are_dates_in_the_order_of_the_country() {
    let report = sample::report();
    for (locale, format) in [("de", "mm\\.yyyy"), ("fr", "mm\\/yyyy"), ("plain", "yyyy\\-mm")] {
        let locale = locale.parse().unwrap();
        let bytes = build(&report, &locale, Limits::default()).unwrap().save_to_buffer().unwrap();
        let package = Package::read(&bytes);
        assert!(package.part("xl/styles.xml").contains(format), "{format}");
    }
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.xlsx");
    let report = sample::report();
    write_reconciliation_workbook(&path, &report, &Locale::default()).unwrap();
    assert!(std::fs::read(&path).unwrap() == bytes(&report, Limits::default()));
    let gone = folder.path().join("gone/report.xlsx");
    let error = write_reconciliation_workbook(&gone, &report, &Locale::default()).unwrap_err();
    assert!(error.to_string().starts_with("cannot write"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
