//! The marked copy: the user's own workbook with marks, and nothing else in it changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use calamine::{Reader, Xlsx, open_workbook};
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::rig::{HPC, Rig, has_tool};

/// A file of `tests/files/marked`.
fn made(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/marked").join(name)
}

/// The parts of a package.
fn parts(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(File::open(path).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).unwrap();
            let name = part.name().unwrap().into_owned();
            let mut bytes = Vec::new();
            part.read_to_end(&mut bytes).unwrap();
            (name, bytes)
        })
        .collect()
}

fn text(parts: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(parts[name].clone()).unwrap()
}

/// The names of parts that are new in a copy, and of those that are other than they were.
fn differences(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> (Vec<String>, Vec<String>) {
    assert!(before.keys().all(|name| after.contains_key(name)), "a part is lost");
    let new = after.keys().filter(|name| !before.contains_key(*name)).cloned().collect();
    let changed = before.iter().filter(|(name, bytes)| after[*name] != **bytes).map(|(name, _)| name.clone());
    (new, changed.collect())
}

/// The rows of the sheet of findings below its header: severity, kind, where, found.
fn listed(path: &Path) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = open_workbook(path).unwrap();
    let sheet = workbook.worksheet_range("waldur-usage findings").unwrap();
    let rows = sheet.rows().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>());
    rows.skip_while(|row| row[0] != "Severity").skip(1).map(|row| row[..4].to_vec()).collect()
}

/// The findings of a check without the name of the file.
fn findings(rig: &Rig, file: &str) -> String {
    let run = rig.run(&["check", file, "--offering", HPC]);
    run.stdout.replace(file, "FILE")
}

#[test]
fn everything_but_the_marks_stays_byte_for_byte() {
    let rig = Rig::new();
    for name in ["rich.xlsx", "macros.xlsm", "threaded.xlsx"] {
        let out = format!("marked-{name}");
        let input = made(name);
        rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", &out])
            .ends_with(3)
            .says("8 cells coloured")
            .says("7 findings listed");
        let (before, after) = (parts(&input), parts(&rig.folder.path().join(&out)));
        let (new, changed) = differences(&before, &after);
        assert_eq!(new, ["xl/worksheets/waldurUsageFindings1.xml"], "{name}");
        assert_eq!(
            changed,
            [
                "[Content_Types].xml",
                "xl/_rels/workbook.xml.rels",
                "xl/comments1.xml",
                "xl/drawings/vmlDrawing1.vml",
                "xl/styles.xml",
                "xl/workbook.xml",
                "xl/worksheets/sheet1.xml"
            ],
            "{name}"
        );
        // What is changed is only ever added to; the user's own rule makes room for ours, which come first.
        let (sheet, marked) =
            (text(&before, "xl/worksheets/sheet1.xml"), text(&after, "xl/worksheets/sheet1.xml"));
        assert_eq!(sheet.matches("priority=\"1\"").count(), 1);
        let sheet = sheet.replace("priority=\"1\"", "priority=\"3\"");
        let (head, tail) = sheet.split_once("<dataValidations").unwrap();
        assert!(marked.starts_with(head) && marked.ends_with(tail), "{name}");
        let colours = &marked[head.len()..marked.len() - tail.len() - "<dataValidations".len()];
        assert_eq!(colours.matches("sqref=\"A4 D3 D5\"").count(), 1, "{colours}");
        assert_eq!(colours.matches("sqref=\"A6 B6 C6 E6 G2\"").count(), 1, "{colours}");
        assert_eq!(findings(&rig, &out), findings(&rig, input.to_str().unwrap()), "{name}");
    }
}

#[test]
fn each_finding_stands_at_its_cell_and_in_the_list() {
    let rig = Rig::new();
    let input = made("rich.xlsx");
    rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", "m.xlsx"]).ends_with(3);
    let path = rig.folder.path().join("m.xlsx");
    let rows: Vec<_> = listed(&path).into_iter().map(|row| row.join(" | ")).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    deny | negative-amount: an amount is negative | Usage of Ann's!D3 "amount" | -3
    deny | unknown-resource: a resource is not on the server, or not visible to this account | Usage of Ann's!A4 "resource_name" | climate-nowhere
    deny | unit-mismatch: a unit is not the one that the component is measured in | Usage of Ann's!D5 "amount" | apples
    warn | unknown-column: a column has no meaning here and is ignored | Usage of Ann's!G2 | a column without a header
    warn | other-sheets: the workbook has further sheets, which were not read | Usage of Ann's | not read: Notes
    warn | hidden-sheets: the workbook has hidden sheets, which are read only by name | Usage of Ann's | not read: Secret (hidden)
    warn | blank-amount: a row has no amount and reports nothing | Usage of Ann's!6:6 | a blank amount
    "#);
    let parts = parts(&path);
    let list = text(&parts, "xl/worksheets/waldurUsageFindings1.xml");
    let links: Vec<_> =
        list.split("location=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(
        links,
        ["D3", "A4", "D5", "G2", "A6"].map(|cell| format!("'Usage of Ann''s'!{cell}")),
        "{list}"
    );
    let comments = text(&parts, "xl/comments1.xml");
    // Somebody else's comment stays, and ours follows in it.
    assert!(comments.contains("ask Bo about this one"), "{comments}");
    assert!(comments.contains("\n[waldur-usage]\ndeny: an amount is negative\nFound: -3\n"), "{comments}");
    assert!(comments.contains("<comment ref=\"A4\" authorId=\"1\">"), "{comments}");
    let drawing = text(&parts, "xl/drawings/vmlDrawing1.vml");
    assert_eq!(drawing.matches("ObjectType=\"Note\"").count(), 6, "two were there, and four are new");
    // No cell of ours is a formula, whatever the file says.
    assert!(!list.contains("<f>") && list.matches(" t=\"inlineStr\"").count() == list.matches("<c ").count());
}

#[test]
fn marking_again_replaces_the_marks() {
    let rig = Rig::new();
    let check = |input: &str, out: &str| {
        rig.run(&["check", input, "--offering", HPC, "--annotate", out]);
        parts(&rig.folder.path().join(out))
    };
    let input = made("rich.xlsx");
    let first = check(input.to_str().unwrap(), "first.xlsx");
    let second = check("first.xlsx", "second.xlsx");
    for (name, bytes) in &first {
        // The list names the file that was checked.
        assert!(second[name] == *bytes || name.ends_with("waldurUsageFindings1.xml"), "{name}");
    }
    assert_eq!(first.len(), second.len());

    // Mended in place: the colours and comments of what is right now are gone.
    let mut mended = first.clone();
    let sheet = text(&first, "xl/worksheets/sheet1.xml");
    let sheet = sheet.replace("<c r=\"D3\"><v>-3</v></c>", "<c r=\"D3\"><v>3</v></c>");
    mended.insert("xl/worksheets/sheet1.xml".into(), sheet.into_bytes());
    pack(&rig.folder.path().join("mended.xlsx"), &mended);
    let third = check("mended.xlsx", "third.xlsx");
    let sheet = text(&third, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("sqref=\"A4 D5\"") && !sheet.contains("sqref=\"A4 D3 D5\""), "{sheet}");
    let comments = text(&third, "xl/comments1.xml");
    assert!(comments.contains("ask Bo about this one") && !comments.contains("is negative"), "{comments}");
}

/// Packs parts as a workbook.
fn pack(path: &Path, parts: &BTreeMap<String, Vec<u8>>) {
    let mut writer = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in parts {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn marks_are_seen_over_rules_of_the_user_and_share_no_number_with_other_comments() {
    let rig = Rig::new();
    let input = made("busy.xlsx");
    rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", "m.xlsx"])
        .ends_with(3)
        .says("7 cells coloured, 4 cells commented");
    let after = parts(&rig.folder.path().join("m.xlsx"));
    let sheet = text(&after, "xl/worksheets/sheet1.xml");
    let priorities = |kind: &str| -> Vec<u32> {
        let rules = sheet.split(kind).skip(1).map(|rule| rule.split("priority=\"").nth(1).unwrap());
        rules.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect()
    };
    // The user's four rules were 1 to 3, a bar of Excel 2010 sharing the number of its older self.
    assert_eq!(priorities("<cfRule "), [3, 4, 5, 1, 2]);
    assert!(sheet.contains("sqref=\"A4 D3 D5\""), "{sheet}");
    // Each box of the sheet has a number of its own, and none is of the block of the other sheet.
    let numbers = |name: &str| -> Vec<usize> {
        let boxes = text(&after, name);
        let numbers =
            boxes.split("id=\"_x0000_s").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        numbers.map(|number| number.parse().unwrap()).collect()
    };
    let (own, others) = (numbers("xl/drawings/vmlDrawing1.vml"), numbers("xl/drawings/vmlDrawing2.vml"));
    assert_eq!((own.len(), others.len()), (1104, 1100));
    let unique: std::collections::BTreeSet<usize> = own.iter().copied().collect();
    assert_eq!(unique.len(), own.len());
    let blocks = |numbers: &[usize]| -> std::collections::BTreeSet<usize> {
        numbers.iter().map(|number| number / 1024).collect()
    };
    assert!(blocks(&own).is_disjoint(&blocks(&others)), "{:?} {:?}", blocks(&own), blocks(&others));
    // Marked again, nothing moves.
    rig.run(&["check", "m.xlsx", "--offering", HPC, "--annotate", "again.xlsx"]).ends_with(3);
    let again = parts(&rig.folder.path().join("again.xlsx"));
    for name in ["xl/worksheets/sheet1.xml", "xl/drawings/vmlDrawing1.vml", "xl/comments1.xml"] {
        assert_eq!(text(&again, name), text(&after, name), "{name}");
    }
}

#[test]
fn what_colleagues_write_beside_our_notes_stays() {
    let rig = Rig::new();
    let input = made("rich.xlsx");
    rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", "m.xlsx"]).ends_with(3);
    let mut worked_on = parts(&rig.folder.path().join("m.xlsx"));
    let comments = text(&worked_on, "xl/comments1.xml");
    // An answer below ours, one behind its last character, and a comment that only names the program.
    let answered = comments.replacen("[/waldur-usage]", "[/waldur-usage]\nBo: it is 3", 1);
    let at = answered.rfind("[/waldur-usage]").unwrap() + "[/waldur-usage]".len();
    let answered = format!("{} Ann: seen{}", &answered[..at], &answered[at..]);
    let answered = answered.replace(">all right<", ">all right, says [waldur-usage]<");
    worked_on.insert("xl/comments1.xml".into(), answered.into_bytes());
    let sheet = text(&worked_on, "xl/worksheets/sheet1.xml");
    let sheet = sheet.replace("<c r=\"D3\"><v>-3</v></c>", "<c r=\"D3\"><v>3</v></c>");
    worked_on.insert("xl/worksheets/sheet1.xml".into(), sheet.into_bytes());
    pack(&rig.folder.path().join("answered.xlsx"), &worked_on);
    rig.run(&["check", "answered.xlsx", "--offering", HPC, "--annotate", "again.xlsx"]).ends_with(3);
    let comments = text(&parts(&rig.folder.path().join("again.xlsx")), "xl/comments1.xml");
    for kept in ["ask Bo about this one", "Bo: it is 3", "Ann: seen", "all right, says [waldur-usage]"] {
        assert_eq!(comments.matches(kept).count(), 1, "{kept} in {comments}");
    }
    assert!(!comments.contains("is negative"), "{comments}");
    assert_eq!(comments.matches("deny: ").count() + comments.matches("warn: ").count(), 4, "{comments}");
}

#[test]
fn a_mark_at_a_sheet_of_the_user_costs_nothing() {
    let rig = Rig::new();
    let mut parts = parts(&made("rich.xlsx"));
    let workbook = text(&parts, "xl/workbook.xml");
    let workbook = workbook.replace(">'Usage of Ann''s'!$D$2:$D$6<", ">1<");
    for sheet in ["'Usage of Ann''s'!$A$1", "Notes!$A$1"] {
        let name =
            format!("<definedName name=\"waldur_usage_findings\">{sheet}</definedName></definedNames>");
        let marked = workbook.replace("</definedNames>", &name);
        parts.insert("xl/workbook.xml".into(), marked.into_bytes());
        pack(&rig.folder.path().join("usage.xlsx"), &parts);
        // Usage is read whatever marks its sheet.
        rig.run(&["check", "usage.xlsx", "--offering", HPC, "--annotate", "m.xlsx", "--force"])
            .ends_with(3)
            .says("5 rows read: 1 used, 3 faulty, 1 blank, 0 filtered");
        let after = self::parts(&rig.folder.path().join("m.xlsx"));
        assert!(text(&after, "xl/worksheets/sheet1.xml").contains("<c r=\"D3\"><v>-3</v></c>"), "{sheet}");
        assert_eq!(after["xl/worksheets/sheet2.xml"], parts["xl/worksheets/sheet2.xml"], "{sheet}");
        let names = text(&after, "xl/workbook.xml");
        assert!(names.contains(">'waldur-usage findings'!$A$1</definedName>"), "{names}");
        assert_eq!(names.matches("waldur_usage_findings").count(), 1, "{names}");
    }
}

#[test]
fn a_thread_of_comments_stays_as_it_is() {
    let rig = Rig::new();
    let input = made("threaded.xlsx");
    rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", "m.xlsx"])
        .ends_with(3)
        .says("8 cells coloured, 4 cells commented");
    let (before, after) = (parts(&input), parts(&rig.folder.path().join("m.xlsx")));
    let thread = "xl/threadedComments/threadedComment1.xml";
    assert_eq!(before[thread], after[thread]);
    let comments = text(&after, "xl/comments1.xml");
    let own = comments.split("<comment ").find(|comment| comment.starts_with("ref=\"D3\"")).unwrap();
    assert!(own.contains("[Threaded comment] ask Bo") && !own.contains("[waldur-usage]"), "{own}");
}

#[test]
fn the_least_that_a_workbook_can_be_is_marked_too() {
    let rig = Rig::new();
    let input = made("bare.xlsx");
    rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", "m.xlsx"]).ends_with(3);
    let path = rig.folder.path().join("m.xlsx");
    let parts = parts(&path);
    let sheet = text(&parts, "sheets/one.xml");
    assert!(sheet.contains("<x:conditionalFormatting sqref=\"A4 D3\"><x:cfRule "), "{sheet}");
    assert!(text(&parts, "book.xml").contains("<x:definedName name=\"waldur_usage_findings\">"));
    assert!(parts.contains_key("xl/styles.xml"));
    assert_eq!(listed(&path).len(), 2);
    assert_eq!(findings(&rig, "m.xlsx"), findings(&rig, input.to_str().unwrap()));
}

#[test]
fn other_formats_become_a_new_workbook_with_their_values() {
    let rig = Rig::new();
    let table = "sep=;\nresource_name;billing_period;component_type;amount;description\n\
                 climate-alps;2026-11;cpu;10,5;\"two\nlines\"\n\
                 climate-alps;2026-11;ram;-3;'=HYPERLINK(\"http://x\")\n\
                 climate-era5;2026-11;cpu;1,234;\n";
    rig.file("usage.csv", table);
    rig.run(&["check", "usage.csv", "--offering", HPC, "--annotate", "m.xlsx"])
        .ends_with(3)
        .says("it is a new workbook with the values of usage.csv");
    let path = rig.folder.path().join("m.xlsx");
    let mut workbook: Xlsx<_> = open_workbook(&path).unwrap();
    assert_eq!(workbook.sheet_names(), ["Usage", "waldur-usage findings"]);
    let sheet = workbook.worksheet_range("Usage").unwrap();
    let cell = |row: u32, column: u32| sheet.get_value((row, column)).map(ToString::to_string);
    // Each value stands where the findings of the text file say.
    assert_eq!(cell(1, 0).as_deref(), Some("resource_name"));
    assert_eq!(cell(2, 3).as_deref(), Some("10,5"));
    assert_eq!(cell(4, 3).as_deref(), Some("-3"));
    assert_eq!(cell(4, 4).as_deref(), Some("=HYPERLINK(\"http://x\")"));
    assert!(workbook.worksheet_formula("Usage").unwrap().is_empty(), "no text becomes a formula");
    let rows = listed(&path);
    assert_eq!(rows[1][1..], ["negative-amount: an amount is negative", "Usage!D5 \"amount\"", "-3"]);
    let again = rig.run(&["check", "m.xlsx", "--offering", HPC]).ends_with(3);
    assert!(again.stdout.contains("m.xlsx Usage!D5 \"amount\": -3"), "{}", again.all());
    assert!(!again.stdout.contains("other-sheets"), "{}", again.all());

    let files = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/files/formats");
    // What no program has computed does not become a value on the way.
    let uncomputed = ["never-computed.xls", "never-computed.ods", "error.xlsb"];
    for name in ["usage.xls", "usage.xlsb", "usage.ods", "usage-none.parquet"].into_iter().chain(uncomputed) {
        let input = files.join(name);
        rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", "n.xlsx", "--force"])
            .says("it is a new workbook with the values of");
        let of = |file: &str| {
            let json = rig.run(&["check", file, "--offering", HPC, "--format", "json"]).json();
            let codes = json["findings"].as_array().unwrap().iter();
            let codes = codes.map(|finding| finding["code"].as_str().unwrap().to_owned());
            // The new workbook has the one sheet, no links and nothing that cannot be seen.
            let other = ["external-links", "visibility-unknown"];
            let codes = codes.filter(|code| !code.ends_with("-sheets") && !other.contains(&code.as_str()));
            (json["rows"].clone(), codes.collect::<Vec<_>>())
        };
        assert_eq!(of("n.xlsx"), of(input.to_str().unwrap()), "{name}");
    }
}

/// What a check of a file says: what became of the rows, and each finding with its cell.
fn verdict(rig: &Rig, file: &str) -> (Value, Vec<String>) {
    let json = rig.run(&["check", file, "--offering", HPC, "--format", "json"]).json();
    let findings = json["findings"].as_array().unwrap().iter();
    let told = findings.map(|finding| {
        let place = &finding["place"];
        format!("{} {} {} {}", finding["severity"], finding["code"], place["row"], place["column"])
    });
    (json["rows"].clone(), told.collect())
}

/// What is wrong with the marked copy of a file; nothing where it is read as the file is.
fn judge(rig: &Rig, file: &Path) -> Option<String> {
    let name = file.file_name().unwrap().to_str().unwrap();
    let input = file.to_str().unwrap();
    let out = format!("{name}.{}", if name.ends_with("xlsm") { "xlsm" } else { "xlsx" });
    let run = rig.run(&["check", input, "--offering", HPC, "--annotate", &out]);
    if !rig.folder.path().join(&out).exists() {
        let is_told = run.code == 2 && run.stderr.contains(" cannot be marked: ");
        return (!is_told).then(|| format!("{name}: {}", run.all()));
    }
    let ((rows, told), (rows_after, told_after)) = (verdict(rig, input), verdict(rig, &out));
    let is_same = if run.stderr.contains("it is a new workbook") {
        // A new workbook has no other sheets, no lines that break off and no number formats; a fault is a
        // fault all the same, and at the same cell.
        let faults = |told: &[String]| {
            let denied = told.iter().filter_map(|one| one.strip_prefix("\"deny\" "));
            denied.map(|one| one.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>()
        };
        let counts = |rows: &Value| (rows["rows_used"].clone(), rows["rows_faulty"].clone());
        faults(&told) == faults(&told_after) && counts(&rows) == counts(&rows_after)
    } else {
        (&rows, &told) == (&rows_after, &told_after)
    };
    (!is_same).then(|| format!("{name}: {rows} {told:?}\nmarked: {rows_after} {told_after:?}"))
}

#[test]
fn no_file_of_the_corpus_is_read_otherwise_once_it_is_marked() {
    let rig = Rig::new();
    let files =
        std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/files")).unwrap();
    let rest = Mutex::new(files);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(file) = rest.lock().unwrap().next() else { break };
                    wrong.lock().unwrap().extend(judge(&rig, &file.unwrap().path()));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    // What only a text file shows is not lost on the way into a workbook.
    rig.file(
        "split.csv",
        "resource_name,billing_period,component_type,amount\nclimate-alps,2026-11,cpu,1234,56\n",
    );
    rig.run(&["check", "split.csv", "--offering", HPC, "--annotate", "split.xlsx"])
        .ends_with(2)
        .says("deny extra-cell")
        .says("split.csv cannot be marked: a row has more cells than the header");
}

#[test]
fn nothing_is_replaced_that_somebody_may_have_worked_on() {
    let rig = Rig::new();
    let input = rig.folder.path().join("usage.xlsx");
    std::fs::copy(made("rich.xlsx"), &input).unwrap();
    let before = std::fs::read(&input).unwrap();
    let check = |out: &str, more: &[&str]| {
        rig.run(&[&["check", "usage.xlsx", "--offering", HPC, "--annotate", out], more].concat())
    };
    check("usage.xlsx", &["--force"]).ends_with(2).says("is the input, and would be replaced");
    check("usage.csv", &[]).ends_with(2).says("a marked copy is a workbook");
    check("usage.xlsm", &[]).ends_with(2).says("a marked copy of usage.xlsx is an .xlsx file");
    rig.file("there.xlsx", "somebody's");
    check("there.xlsx", &[]).ends_with(2).says("is there already");
    check("there.xlsx", &["--force"]).ends_with(3).says("marked copy written");
    // A copy as it was written can be made again; one that was worked on is kept.
    check("there.xlsx", &[]).ends_with(3).says("marked copy written");
    let out = rig.folder.path().join("there.xlsx");
    let mut worked_on = parts(&out);
    let list = worked_on.get_mut("xl/worksheets/waldurUsageFindings1.xml").unwrap();
    *list =
        String::from_utf8(list.clone()).unwrap().replace("<!-- waldur-usage findings", "<!--").into_bytes();
    pack(&out, &worked_on);
    check("there.xlsx", &[]).ends_with(2).says("no marked copy as it was written");

    rig.run(&["check", "usage.xlsx", "there.xlsx", "--annotate", "m.xlsx"])
        .ends_with(2)
        .says("a marked copy is of one file, and these are 2");
    rig.run(&["check", "usage.xlsx", "--force"]).ends_with(2).says("--annotate");
    let signed = made("signed.xlsx");
    rig.run(&["check", signed.to_str().unwrap(), "--offering", HPC, "--annotate", "m.xlsx"])
        .ends_with(2)
        .says("deny negative-amount")
        .says("marks in it would break the signature");
    rig.file("broken.xlsx", &before[..before.len() / 2]);
    rig.run(&["check", "broken.xlsx", "--annotate", "m.xlsx"])
        .ends_with(2)
        .says("deny damaged-file")
        .says("broken.xlsx cannot be marked");
    assert!(!rig.folder.path().join("m.xlsx").exists());
    assert_eq!(std::fs::read(&input).unwrap(), before);
}

#[test]
fn all_of_many_faulty_cells_are_coloured_and_the_first_are_commented() {
    let rig = Rig::new();
    let rows: Vec<String> = (0..2500).map(|number| format!("climate-alps,2026-11,cpu,-{number}.5")).collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    rig.run(&["check", "usage.csv", "--offering", HPC, "--annotate", "m.xlsx"])
        .ends_with(3)
        .says("2,500 cells coloured, 2,000 cells commented, 2,500 findings listed")
        .says("only 2,000 cells have a comment");
    let parts = parts(&rig.folder.path().join("m.xlsx"));
    assert!(text(&parts, "xl/worksheets/sheet1.xml").contains("sqref=\"D2:D2501\""));
    let comments = parts.iter().find(|(name, _)| name.contains("Comments")).unwrap().1;
    assert_eq!(String::from_utf8_lossy(comments).matches("<comment ").count(), 2000);
    assert_eq!(text(&parts, "xl/drawings/waldurUsage1.vml").matches("<v:shape ").count(), 2000);
    // One finding that speaks for a whole column names eight of its cells; each is coloured.
    let rows: Vec<String> =
        (1..=20).map(|number| format!("climate-alps,2026-11,cpu,1.{number:03}")).collect();
    rig.long(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    rig.run(&["check", "usage.csv", "--offering", HPC, "--annotate", "m.xlsx"])
        .ends_with(3)
        .says("20 cells coloured, 20 cells commented, 1 finding listed");
}

#[test]
fn other_programs_open_a_marked_copy_and_what_they_save_is_marked_again() {
    if !has_tool("soffice") {
        return;
    }
    let rig = Rig::new();
    let convert = |file: &str, to: &str| {
        let profile = format!("-env:UserInstallation=file://{}/profile", rig.folder.path().display());
        let output = Command::new("soffice")
            .args([&profile, "--headless", "--convert-to", to, "--outdir", "saved", file])
            .current_dir(rig.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let input = made("rich.xlsx");
    rig.run(&["check", input.to_str().unwrap(), "--offering", HPC, "--annotate", "m.xlsx"]).ends_with(3);
    convert("m.xlsx", "xlsx");
    assert_eq!(findings(&rig, "saved/m.xlsx"), findings(&rig, "m.xlsx"));
    rig.run(&["check", "saved/m.xlsx", "--offering", HPC, "--annotate", "again.xlsx"])
        .ends_with(3)
        .says("8 cells coloured, 5 cells commented, 7 findings listed");
    let path = rig.folder.path().join("again.xlsx");
    let workbook: Xlsx<_> = open_workbook(&path).unwrap();
    let names = workbook.sheet_names();
    assert_eq!(names.iter().filter(|name| name.contains("findings")).count(), 1, "{names:?}");
    let parts = parts(&path);
    let sheet = text(&parts, "xl/worksheets/sheet1.xml");
    assert_eq!(sheet.matches("N(&quot;waldur-usage&quot;)=0").count(), 2, "{sheet}");
    let comments = parts.iter().filter(|(name, _)| name.starts_with("xl/comments"));
    let comments: String = comments.map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect();
    assert_eq!(comments.matches("[waldur-usage]").count(), 5, "{comments}");
    // The mark is kept in an OpenDocument file too.
    convert("m.xlsx", "ods");
    let ods = rig.run(&["check", "saved/m.ods", "--offering", HPC]).ends_with(3);
    assert!(ods.stdout.contains("not read: Notes\n"), "{}", ods.all());
}
