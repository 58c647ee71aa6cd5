//! Files of every format: one table reads alike in all of them, and what cannot be read exactly is refused
//! or named. `tests/files/make_formats.py` made the files.

use std::path::{Path, PathBuf};

use super::{InputSettings, Loaded, load};
use crate::findings::{Findings, Severity};
use crate::parse::{ParseSettings, Parsed, Parser};
use crate::source::{Input, each_row};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/formats")
}

fn load_file(path: &Path, sheet: Option<&str>) -> (Loaded, Findings) {
    let mut findings = Findings::default();
    let sheet = sheet.map(ToOwned::to_owned);
    let settings = InputSettings { files: vec![path.to_owned()], sheet, ..InputSettings::default() };
    let loaded = load(&settings, &mut findings).unwrap();
    (loaded, findings)
}

/// The figures of a file with what they belong to.
fn figures(loaded: &Loaded) -> Vec<String> {
    let figures = loaded.parsed.figures.iter().map(|figure| {
        let subject = &loaded.parsed.subjects[figure.subject()];
        let description = subject.more().description.as_deref().unwrap_or("-");
        let (component, amount) = (&figure.component, &figure.amount);
        let name = subject.resource.name.as_deref().unwrap_or("-");
        format!("{name} {} {component} {amount} {description}", subject.period)
    });
    figures.collect()
}

/// What was found, without the file: `code place: found`.
fn found(findings: &Findings) -> Vec<String> {
    let list = findings.list().iter().map(|finding| {
        let place = finding.place.as_ref().map(ToString::to_string).unwrap_or_default();
        let place = place.rsplit('/').next().unwrap_or_default().to_owned();
        format!("{} {place}: {}", finding.code, finding.found)
    });
    list.collect()
}

fn found_in(name: &str) -> Vec<String> {
    found(&load_file(&folder().join(name), None).1)
}

const TABLE: [&str; 5] = [
    "climate-alps 2026-11 cpu 1234.50 Änderung, \"laut Vertrag\"; a|b",
    "climate-alps 2026-11 ram 0.00 -",
    "climate-cordex 2026-11 cpu 0.01 two\nlines",
    "climate-cordex 2026-11 ram 12345678.90 -",
    "climate-era5 2026-11 cpu 0.30 -",
];

#[test]
fn one_table_reads_alike_in_every_format() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("usage"))
        .collect();
    files.sort();
    assert!(files.len() >= 22, "{files:?}");
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (loaded, findings) = load_file(&path, None);
        assert_eq!(figures(&loaded), TABLE, "{name}: {:?}", found(&findings));
        let guesses = ["usage-utf16le.csv", "usage-utf16be.csv", "usage-windows-1252.csv"];
        // What an .xlsb hides is not looked for, which is said.
        let is_unseen = found(&findings).iter().any(|told| told.starts_with("visibility-unknown"));
        assert_eq!(is_unseen, name == "usage.xlsb", "{name}");
        let expected = usize::from(is_unseen || guesses.contains(&name.as_str()));
        assert_eq!(findings.list().len(), expected, "{name}: {:?}", found(&findings));
        let counts = loaded.parsed.fates.counts();
        assert_eq!((counts.rows_read, counts.rows_used), (5, 5), "{name}");
    }
}

#[test]
fn a_guessed_encoding_is_said() {
    assert_eq!(
        found_in("usage-utf16le.csv"),
        ["guessed-encoding usage-utf16le.csv: no mark, and read as UTF-16 (little-endian)"]
    );
    let found = found_in("usage-windows-1252.csv");
    assert!(found[0].contains("read as windows-1252; line 2: \"climate-alps\""), "{found:?}");
}

/// What a file leaves: the figures, or what refuses it.
fn verdict(name: &str) -> String {
    let (loaded, findings) = load_file(&folder().join(name), None);
    if findings.denies() {
        let denied = findings.list().iter().filter(|finding| finding.severity == Severity::Deny);
        return denied
            .map(|finding| format!("{}: {}", finding.code, finding.found))
            .collect::<Vec<_>>()
            .join("\n");
    }
    format!("{} figures", figures(&loaded).len())
}

#[test]
fn the_sheet_with_a_table_is_found_and_the_others_are_named() {
    let told = found_in("later-sheet.xlsx");
    assert_eq!(told, ["other-sheets later-sheet.xlsx Data: not read: Cover, Notes"]);
    assert_eq!(verdict("later-sheet.xlsx"), "5 figures");
    let told = found_in("two-sheets.xlsx");
    assert_eq!(told, ["other-sheets two-sheets.xlsx November: not read: October (a table of usage too)"]);
    // Only Excel knows a second way to hide a sheet, and LibreOffice wrote the other two.
    for (name, how) in [("xlsx", "very hidden"), ("xls", "hidden"), ("ods", "hidden")] {
        let name = format!("hidden-sheets.{name}");
        let told = found_in(&name);
        assert_eq!(told, [format!("hidden-sheets {name} Usage: not read: Old (hidden), Secret ({how})")]);
        assert_eq!(load_file(&folder().join(name), Some("old")).0.parsed.figures.len(), 5);
    }
    let (_, findings) = load_file(&folder().join("later-sheet.xlsx"), Some("Dat"));
    assert!(found(&findings)[0].contains("no sheet Dat among: Cover, Data, Notes"), "{:?}", found(&findings));
}

#[test]
fn headers_are_found_and_several_tables_refused() {
    let told = found_in("titles.xlsx");
    assert_eq!(
        told,
        ["lines-above-header titles.xlsx Usage!1:1: 2 rows above the header of row 4: Usage report"]
    );
    assert_eq!(verdict("titles.xlsx"), "5 figures");
    let told = found_in("two-row-header.xlsx");
    assert!(told[1].contains("rows 2 and 3 together: Resource name, Billing period, Component type, Amount"));
    assert_eq!(verdict("two-row-header.xlsx"), "5 figures");
    assert_eq!(verdict("repeated-header.xlsx"), "5 figures");
    assert!(found_in("repeated-header.xlsx")[0].contains("Usage!4:4: the header of row 1 again"));
    assert_eq!(verdict("several-tables.xlsx"), "several-tables: another header: resource_name, cpu");
    assert!(verdict("figures-above.xlsx").starts_with("several-tables: figures above the header of row 5"));
    // Where the user says so, it is the header.
    let mut findings = Findings::default();
    let parse = ParseSettings { header_row: Some(5), ..ParseSettings::default() };
    let files = vec![folder().join("figures-above.xlsx")];
    let loaded = load(&InputSettings { files, sheet: None, parse }, &mut findings).unwrap();
    assert_eq!(figures(&loaded), TABLE);
    assert!(!findings.denies());
}

#[test]
fn formulas_that_nobody_computed_are_no_amounts() {
    for name in ["never-computed.xls", "never-computed.ods"] {
        assert_eq!(verdict(name), "invalid-amount: a formula without a computed value", "{name}");
    }
    let found = verdict("never-computed.xlsx");
    assert!(
        found.starts_with("invalid-amount: a formula with the value 0, but the workbook asks"),
        "{found}"
    );
    assert_eq!(verdict("error.xlsb"), "invalid-amount: a formula without a value");
}

#[test]
fn repetition_is_taken_at_its_word_up_to_a_limit() {
    let (loaded, _) = load_file(&folder().join("repeated-rows.ods"), None);
    assert_eq!(loaded.parsed.figures.len(), 3);
    assert!(verdict("repeated-forever.ods").contains("a filled row that comes 1000000 times"));
}

#[test]
fn what_is_encrypted_or_linked_is_named() {
    assert_eq!(verdict("protected.xlsx"), "password-protected: a workbook that is encrypted");
    assert_eq!(verdict("links.xlsx"), "5 figures");
    assert_eq!(found_in("links.xlsx"), ["external-links links.xlsx: values of last year.xlsx"]);
}

#[test]
fn columns_of_parquet_are_exact_or_refused() {
    let (loaded, findings) = load_file(&folder().join("types.parquet"), None);
    assert_eq!(figures(&loaded), ["climate-alps 2026-11 cpu 0.10 -", "climate-era5 2026-11 cpu 12.34 -"]);
    assert_eq!(found(&findings), ["blank-amount types.parquet line 3: a blank amount"]);
    assert_eq!(
        verdict("nested.parquet"),
        "wrong-file-type: columns with several values in a cell: tags, owner.name"
    );
}

#[test]
fn damage_is_refused_wherever_it_is() {
    let folder = folder();
    let scratch = tempfile::tempdir().unwrap();
    for name in ["usage.xlsx", "usage.xlsm", "usage.xlsb", "usage.xls", "usage.ods", "usage-zstd.parquet"] {
        let whole = std::fs::read(folder.join(name)).unwrap();
        for part in [1, 2, 3] {
            let path = scratch.path().join(name);
            std::fs::write(&path, &whole[..whole.len() * part / 4]).unwrap();
            let (loaded, findings) = load_file(&path, None);
            assert!(findings.denies(), "{name} {part}: {:?}", figures(&loaded));
        }
    }
}

#[test]
fn a_file_that_comes_twice_is_read_once() {
    let scratch = tempfile::tempdir().unwrap();
    let one = folder().join("usage.xlsx");
    let copy = scratch.path().join("usage (1).xlsx");
    std::fs::copy(&one, &copy).unwrap();
    let mut findings = Findings::default();
    let files = vec![one.clone(), copy, one];
    let loaded = load(&InputSettings { files, ..InputSettings::default() }, &mut findings).unwrap();
    assert_eq!(loaded.files.len(), 1);
    assert_eq!(figures(&loaded), TABLE);
    let codes: Vec<&str> = findings.list().iter().map(|finding| finding.code.name()).collect();
    assert_eq!(codes, ["same-file", "same-file"]);
}

/// The texts in a folder and below it.
fn texts_in(folder: &Path, texts: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts_in(&path, texts);
        } else if path.extension().is_some_and(|end| ["csv", "tsv", "txt"].iter().any(|own| end == *own)) {
            texts.push(path);
        }
    }
}

#[test]
fn a_text_is_parsed_alike_whether_its_rows_are_kept_or_come_twice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    texts_in(&root.join("samples"), &mut texts);
    texts_in(&root.join("tests/files"), &mut texts);
    assert!(texts.len() > 20, "{}", texts.len());
    for path in texts {
        let input = Input::read(&path).unwrap();
        let parsed = |comes_twice: bool| {
            let mut source = input.open(None).ok()?;
            let settings = ParseSettings { reads_money: true, remembers_names: true, ..Default::default() };
            let mut findings = Findings::default();
            let mut parser = Parser::new(&settings, &mut findings);
            if comes_twice {
                let _ = super::parse(source.as_mut(), &mut parser);
            } else {
                let result = each_row(source.as_mut(), &mut |row| parser.row(row));
                parser.sight(source.sight());
                parser.end_table(source.table(), result.is_ok());
            }
            let Parsed { subjects, figures, faulty, named, addresses, words_beside, sums, .. } =
                parser.finish();
            let told = findings.list();
            Some(format!(
                "{subjects:?}{figures:?}{faulty:?}{named:?}{addresses:?}{words_beside:?}{sums:?}{told:?}"
            ))
        };
        assert_eq!(parsed(true), parsed(false), "{}", path.display());
    }
}
