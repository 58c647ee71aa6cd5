//! A template comes from the catalogue, and goes in again filled in, without a layout or a flag.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use calamine::{Data, Reader, Xlsx, open_workbook};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::rig::{HPC, Rig, has_tool};

const STORAGE: &str = "Research data storage";

/// The rows of a sheet as text.
fn rows(path: &Path, sheet: &str) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = open_workbook(path).unwrap();
    let range = workbook.worksheet_range(sheet).unwrap();
    let text = |cell: &Data| cell.to_string();
    range.rows().map(|row| row.iter().map(text).collect()).collect()
}

/// A part of a workbook.
fn part(path: &Path, name: &str) -> String {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// Types numbers into cells, as `K2` and `12.5`; each has to be blank and unlocked.
fn fill_in(path: &Path, amounts: &[(String, &str)]) {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut parts = Vec::new();
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.push((name, bytes));
    }
    let unlocked = unlocked_styles(path);
    let mut writer = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in parts {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        if name != "xl/worksheets/sheet1.xml" {
            writer.write_all(&bytes).unwrap();
            continue;
        }
        let mut sheet = String::from_utf8(bytes).unwrap();
        for (cell, amount) in amounts {
            let at = sheet.find(&format!("<c r=\"{cell}\" ")).unwrap();
            let end = at + sheet[at..].find("/>").unwrap();
            let style = sheet[at..end].split("s=\"").nth(1).unwrap().trim_end_matches('"');
            assert!(unlocked.contains(&style.to_owned()), "{cell} is locked: {}", &sheet[at..end]);
            sheet.replace_range(end..end + 2, &format!("><v>{amount}</v></c>"));
        }
        writer.write_all(sheet.as_bytes()).unwrap();
    }
    writer.finish().unwrap();
}

/// The styles of cells that can be changed on a protected sheet.
fn unlocked_styles(path: &Path) -> Vec<String> {
    let styles = part(path, "xl/styles.xml");
    let cells = styles.split("<cellXfs").nth(1).unwrap().split("</cellXfs>").next().unwrap();
    let cells = cells.split("<xf ").skip(1).enumerate();
    cells.filter(|(_, xf)| xf.contains("locked=\"0\"")).map(|(index, _)| index.to_string()).collect()
}

/// What a plan would post: resource, component, amount.
fn planned(rig: &Rig, file: &str) -> BTreeMap<String, String> {
    let json = rig.run(&["plan", file, "--format", "json"]).ends_with(0).json();
    let mut planned = BTreeMap::new();
    for resource in json["plan"]["body"]["resources"].as_array().unwrap() {
        for line in resource["lines"].as_array().unwrap().iter().filter(|line| !line["source"].is_null()) {
            let key =
                format!("{} {}", resource["resource"].as_str().unwrap(), line["component"].as_str().unwrap());
            let figures = if line["new"].is_null() { &line["old"] } else { &line["new"] };
            planned.insert(key, figures["amount"].as_str().unwrap().to_owned());
        }
    }
    planned
}

#[test]
fn a_long_template_goes_in_again_without_a_flag() {
    let rig = Rig::new();
    rig.run(&["template", "--offering", HPC, "--period", "2026-11", "-o", "usage.xlsx"])
        .ends_with(0)
        .says("written to usage.xlsx: 96 rows for 24 resources, 2026-11")
        .says("not in it: 3 resources in a state that takes no usage")
        .says("not in it: 1 resource without a plan")
        .says("waldur-usage plan usage.xlsx");
    let path = rig.folder.path().join("usage.xlsx");
    let table = rows(&path, "Usage");
    insta::assert_snapshot!(table[0].join(" | "), @"Resource UUID | Offering UUID | Resource name | Organisation (not read) | Project (not read) | Billing period | Component type | Component (not read) | Unit | 2026-10 (not read) | Amount | Description | Recurring");
    assert_eq!(table.len(), 97);
    // What was stored a month ago is what the server says.
    let october: BTreeMap<_, _> = rig
        .sandbox
        .usages()
        .into_iter()
        .filter(|usage| usage.period.to_string() == "2026-10")
        .map(|usage| (format!("{} {}", usage.resource, usage.component), usage.amount.to_string()))
        .collect();
    let mut seen = 0;
    for row in &table[1..] {
        assert_eq!((row[5].as_str(), row[10].as_str()), ("2026-11", ""));
        if let Some(amount) = october.get(&format!("{} {}", row[0], row[6])) {
            assert_eq!(format!("{:.2}", row[9].parse::<f64>().unwrap()), *amount, "{row:?}");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen}");
    // Nobody has filled it in, and nobody is told of its notes, its help or its keys.
    let empty = rig.run(&["plan", "usage.xlsx"]).ends_with(3).says("nothing-used");
    for word in ["unknown-column", "other-sheets", "missing-column"] {
        assert!(!empty.stdout.contains(word), "{}", empty.all());
    }
    fill_in(&path, &[("K2".into(), "12.5"), ("K3".into(), "0"), ("K93".into(), "7")]);
    let key = |row: usize| format!("{} {}", table[row][0], table[row][6]);
    let expected = [(key(1), "12.50"), (key(2), "0.00"), (key(92), "7.00")];
    assert_eq!(planned(&rig, "usage.xlsx"), expected.map(|(key, amount)| (key, amount.to_owned())).into());
    let json = rig.run(&["plan", "usage.xlsx", "--format", "json"]).json();
    let codes: Vec<_> = json["findings"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(codes.iter().all(|code| code == "blank-amount"), "{codes:?}");
    assert_eq!(codes.len(), 93);
}

#[test]
fn a_wide_template_goes_in_again_and_bars_what_cannot_be_reported() {
    let rig = Rig::new();
    let offerings =
        ["template", "--offering", HPC, "--offering", STORAGE, "--form", "wide", "-o", "wide.xlsx"];
    rig.run(&offerings).ends_with(0).says("34 rows for 34 resources, 2026-11");
    let path = rig.folder.path().join("wide.xlsx");
    let table = rows(&path, "Usage");
    insta::assert_snapshot!(table[0].join(" | "), @"Resource UUID | Offering UUID | Resource name | Offering (not read) | Organisation (not read) | Project (not read) | Billing period | cpu, 2026-10 (not read) | cpu (k-hours) | gpu_hours, 2026-10 (not read) | gpu_hours (hours) | ram, 2026-10 (not read) | ram (GB-hours) | storage, 2026-10 (not read) | storage (GB) | block_storage, 2026-10 (not read) | block_storage (GB) | egress, 2026-10 (not read) | egress (TB) | object_storage, 2026-10 (not read) | object_storage (TB) | Description | Recurring");
    // cpu of a row of the storage offering is locked, and has no colour of a cell that waits.
    let unlocked = unlocked_styles(&path);
    let sheet = part(&path, "xl/worksheets/sheet1.xml");
    let style = |cell: &str| {
        let rest = sheet.split(&format!("<c r=\"{cell}\" s=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_eq!((table[24][3].as_str(), table[25][3].as_str()), (HPC, STORAGE));
    assert!(unlocked.contains(&style("I25")) && !unlocked.contains(&style("I26")));
    assert!(!unlocked.contains(&style("Q25")) && unlocked.contains(&style("Q26")));
    for locked in ["A2", "C2", "G2", "H2"] {
        assert!(!unlocked.contains(&style(locked)), "{locked}");
    }
    let colours: Vec<_> = sheet.split("<conditionalFormatting sqref=\"").skip(1).collect();
    let colours: Vec<_> = colours.iter().map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(colours, ["I2:I25", "K2:K25", "M2:M25", "O2:O25", "Q26:Q35", "S26:S35", "U26:U35"]);
    fill_in(&path, &[("I2".into(), "3.25"), ("Q26".into(), "1"), ("S26".into(), "0")]);
    let planned = planned(&rig, "wide.xlsx");
    let expected = [
        (format!("{} cpu", table[1][0]), "3.25"),
        (format!("{} block_storage", table[25][0]), "1.00"),
        (format!("{} egress", table[25][0]), "0.00"),
    ];
    assert_eq!(planned, expected.map(|(key, amount)| (key, amount.to_owned())).into());
}

#[test]
fn what_can_be_typed_is_said_in_the_workbook() {
    let rig = Rig::new();
    rig.run(&["template", "--offering", HPC, "--period", "2026-11", "-o", "usage.xlsx"]).ends_with(0);
    let path = rig.folder.path().join("usage.xlsx");
    let sheet = part(&path, "xl/worksheets/sheet1.xml");
    for text in [
        "<sheetProtection sheet=\"1\"",
        "<pane xSplit=\"3\" ySplit=\"1\"",
        "<col min=\"1\" max=\"2\" width=\"34.7109375\" hidden=\"1\"",
        "orientation=\"landscape\"",
        "fitToHeight=\"0\"",
        "<oddFooter>&amp;L&amp;F&amp;RPage &amp;P of &amp;N</oddFooter>",
        "type=\"custom\"",
        "sqref=\"K2:K97\"",
        "AND(ISNUMBER(K2),K2&gt;=0,K2&lt;1000000000000,ROUND(K2,2)=K2)",
        "<formula1>\"yes,no\"</formula1>",
        "sqref=\"M2:M97\"",
        "<autoFilter ref=\"A1:M97\"/>",
    ] {
        assert!(sheet.contains(text), "no {text} in {}", &sheet[sheet.len() - 4000..]);
    }
    assert!(!sheet.contains("password"), "the protection has no password");
    let workbook = part(&path, "xl/workbook.xml");
    for text in ["waldur_usage_help\">Help!$A$1", "waldur_usage_hidden_keys\">Usage!$A:$B", "Usage!$1:$1"] {
        assert!(workbook.contains(text), "no {text} in {workbook}");
    }
    let help: String = rows(&path, "Help").concat().join("\n");
    for text in ["A blank cell reports nothing", "waldur-usage plan usage.xlsx", "Measured in", "k-hours"] {
        assert!(help.contains(text), "no {text} in {help}");
    }
}

#[test]
fn a_text_template_goes_in_again_too() {
    let rig = Rig::new();
    for form in ["long", "wide"] {
        rig.run(&["template", "--offering", HPC, "--form", form, "-o", "usage.csv", "--force"]).ends_with(0);
        let path = rig.folder.path().join("usage.csv");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("\u{feff}resource_uuid,offering_uuid,resource_name,"), "{text}");
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        let line = text.lines().nth(1).unwrap();
        let mut cells: Vec<&str> = line.split(',').collect();
        let resource = cells[0].to_owned();
        // The headers of the wide form have commas in quotes, which the cells have not.
        let amount =
            if form == "long" { header.iter().position(|name| *name == "amount").unwrap() } else { 7 };
        let last = cells.len() - 1;
        (cells[amount], cells[last - 1], cells[last]) = ("12.5", "a note", "yes");
        let filled = format!("{}\n", cells.join(","));
        std::fs::write(&path, text.replacen(&format!("{line}\n"), &filled, 1)).unwrap();
        assert_eq!(
            planned(&rig, "usage.csv"),
            [(format!("{resource} cpu"), "12.50".to_owned())].into(),
            "{form}"
        );
    }
}

#[test]
fn nothing_is_replaced_and_nothing_empty_is_written() {
    let rig = Rig::new();
    rig.file("usage.xlsx", "somebody's");
    let template = ["template", "--offering", HPC, "-o", "usage.xlsx"];
    rig.run(&template).ends_with(2).says("usage.xlsx is there already");
    assert_eq!(std::fs::read(rig.folder.path().join("usage.xlsx")).unwrap(), b"somebody's");
    rig.run(&[&template[..], &["--force"]].concat()).ends_with(0);
    rig.run(&["template", "--offering", HPC, "-o", "usage.ods"]).ends_with(2).says("use .xlsx or .csv");
    rig.run(&["template", "-o", "new.xlsx"]).ends_with(2).says("no offering is named");
    rig.run(&["template", "--offering", "HPC alocation", "-o", "new.xlsx"])
        .ends_with(2)
        .says("did you mean \"HPC allocation\"?");
    rig.run(&["template", "--offering", HPC, "--project", "nobody's", "-o", "new.xlsx"])
        .ends_with(2)
        .says("no project in scope is named");
    assert!(!rig.folder.path().join("new.xlsx").exists());
    assert_eq!(rig.posts(), 0);
}

#[test]
fn a_template_that_another_program_has_saved_goes_in_again() {
    if !has_tool("soffice") {
        return;
    }
    let rig = Rig::new();
    rig.run(&["template", "--offering", HPC, "--period", "2026-11", "-o", "usage.xlsx"]).ends_with(0);
    let path = rig.folder.path().join("usage.xlsx");
    fill_in(&path, &[("K2".into(), "12.5"), ("K3".into(), "0.1")]);
    let before = planned(&rig, "usage.xlsx");
    for ending in ["xlsx", "ods", "xls"] {
        let profile = format!("-env:UserInstallation=file://{}/profile", rig.folder.path().display());
        let output = Command::new("soffice")
            .args([&profile, "--headless", "--convert-to", ending, "--outdir", "saved", "usage.xlsx"])
            .current_dir(rig.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = format!("saved/usage.{ending}");
        assert_eq!(planned(&rig, &file), before, "{ending}");
        let run = rig.run(&["check", &file]);
        assert!(!run.stdout.contains("other-sheets"), "{ending}: {}", run.all());
    }
}
