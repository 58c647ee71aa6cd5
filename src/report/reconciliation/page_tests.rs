//! What a page must keep: it opens, loads nothing, keeps nobody out, sorts fast, and no text of a file
//! or a server becomes markup in it. A real Chromium says so.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::browser::{Browser, has_tool, say};
use super::large_sample::{full, many};
use super::page::page;
use super::{Locale, PageTemplate, ReportOptions, write_reconciliation};
use crate::reconcile::Report;

const A4: (f64, f64) = (8.27, 11.69);
const LETTER: (f64, f64) = (8.5, 11.0);

fn opened(report: &Report, options: &ReportOptions) -> (tempfile::TempDir, Browser) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("report.html");
    write_reconciliation(&path, report, options).unwrap();
    let mut browser = Browser::start(folder.path());
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        &json!({
            "width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": false,
        }),
    );
    browser.open(&path);
    (folder, browser)
}

fn axe() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/axe/axe-core-4.14.1.zip");
    let mut archive = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    archive.by_name("axe.min.js").unwrap().read_to_string(&mut text).unwrap();
    text
}

/// What axe-core finds in the page as it looks now.
fn faults(browser: &mut Browser) -> Vec<String> {
    let found = browser.evaluate(
        "axe.run(document, { resultTypes: ['violations', 'incomplete'] }).then((result) => JSON.stringify( \
         result.violations.map((rule) => [rule.id, rule.nodes.slice(0, 3).map((node) => \
         node.html.slice(0, 200) + ' ' + node.failureSummary)])))",
    );
    let found: Vec<Value> = serde_json::from_str(found.as_str().unwrap()).unwrap();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn the_page_loads_nothing_and_keeps_nobody_out_in_light_and_dark_and_on_paper() {
    if !has_tool("chromium") {
        return;
    }
    let (folder, mut browser) = opened(&full(), &ReportOptions::default());
    let own = format!("file://{}", folder.path().join("report.html").display());
    browser.evaluate(&axe());
    for (medium, scheme) in [("screen", "light"), ("screen", "dark"), ("print", "light")] {
        browser.look(medium, scheme);
        assert_eq!(faults(&mut browser), Vec::<String>::new(), "{medium} {scheme}");
        browser.picture(&format!("{medium}-{scheme}.png"));
    }
    browser.look("", "light");
    assert!(browser.print("a4.pdf", A4) > 10_000);
    assert!(browser.print("letter.pdf", LETTER) > 10_000);
    // The page alone was asked for, and the browser kept nothing out and stumbled over nothing.
    assert_eq!(browser.requests, [own]);
    assert_eq!(browser.complaints, Vec::<String>::new());
    // The policy is in force: what is not of the template does not run.
    let ran = browser.evaluate(
        "new Promise((done) => { const script = document.createElement('script'); \
         script.textContent = 'window.ran = true'; document.body.append(script); \
         const image = new Image(); image.onerror = () => done(window.ran === true); \
         image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACw='; })",
    );
    assert_eq!(ran, false);
}

#[test]
fn the_page_opens_for_people_without_scripts_and_in_every_locale() {
    if !has_tool("chromium") {
        return;
    }
    let folder = tempfile::TempDir::new().unwrap();
    let mut browser = Browser::start(folder.path());
    browser.call("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    for locale in Locale::ALL {
        let options = ReportOptions { locale, template: None };
        let path = folder.path().join(format!("{locale}.html"));
        write_reconciliation(&path, &full(), &options).unwrap();
        browser.open(&path);
        browser.picture(&format!("no-scripts-{locale}.png"));
    }
    browser.call("Emulation.setScriptExecutionDisabled", &json!({"value": false}));
    let seen = browser.evaluate("document.body.innerText");
    let text = seen.as_str().unwrap();
    for expected in ["The sides do not agree", "Proved: in every component", "missing on server"] {
        assert!(text.contains(expected), "{text}");
    }
    assert_eq!(browser.evaluate("document.querySelectorAll('button, input, select').length"), 0);
    let hidden = "Array.from(document.querySelectorAll('#breaks tbody tr')).filter((row) => \
                  row.offsetParent === null).length";
    assert_eq!(browser.evaluate(hidden), 0);
}

#[test]
fn ten_thousand_rows_are_sorted_and_filtered_at_once_and_exactly() {
    if !has_tool("chromium") {
        return;
    }
    let (_folder, mut browser) = opened(&many(10_000), &ReportOptions::default());
    browser.evaluate("document.querySelector('#lines details').open = true");
    let sorted = browser.evaluate(
        "(() => { const table = document.querySelector('#lines table'); \
         const heads = Array.from(table.tHead.rows[0].cells); \
         const at = heads.findIndex((head) => head.textContent === 'File'); \
         const took = []; const orders = []; \
         for (let turn = 0; turn < 2; turn += 1) { \
           const begun = performance.now(); \
           heads[at].querySelector('button').click(); document.body.offsetHeight; \
           took.push(performance.now() - begun); \
           orders.push(Array.from(table.tBodies[0].rows).map((row) => { \
             const data = row.cells[at].querySelector('data'); return data ? data.value : ''; })); \
         } return { rows: table.tBodies[0].rows.length, took, orders, sort: heads[at].getAttribute('aria-sort'), \
           shown: Array.from(table.tBodies[0].rows).filter((row) => row.offsetParent !== null).length }; })()",
    );
    assert_eq!((&sorted["rows"], &sorted["sort"]), (&json!(10_000), &json!("descending")));
    assert_eq!(sorted["shown"], 500);
    say(&format!("10,000 rows sorted up and down in {} ms", sorted["took"]));
    // One second is what is asked for; this machine may do ten other things.
    assert!(sorted["took"].as_array().unwrap().iter().all(|took| took.as_f64().unwrap() < 10_000.0));
    let amounts = |turn: usize| -> Vec<crate::domain::Amount> {
        let order = sorted["orders"][turn].as_array().unwrap();
        order.iter().filter_map(|text| text.as_str().unwrap().parse().ok()).collect()
    };
    assert!(amounts(0).is_sorted() && amounts(1).is_sorted_by(|a, b| a >= b));
    assert!(amounts(0).len() > 5_000);

    let filtered = browser.evaluate(
        "new Promise((done) => { const input = document.querySelector('#lines input'); \
         input.value = 'RESOURCE-3'; input.dispatchEvent(new Event('input')); setTimeout(() => { \
         const rows = Array.from(document.querySelectorAll('#lines tbody tr')); \
         done({ found: rows.filter((row) => !row.hidden).length, \
           right: rows.filter((row) => row.textContent.includes('resource-3')).length, \
           told: document.querySelector('#lines [role=status]').textContent }); }, 1000); })",
    );
    assert_eq!(filtered["found"], filtered["right"]);
    assert_eq!(filtered["told"], "500 of 10,000 rows");
    // A link to a row that is filtered out shows it.
    let revealed = browser.evaluate(
        "new Promise((done) => { addEventListener('hashchange', () => setTimeout(() => done( \
         document.getElementById('line-9999').offsetParent !== null), 0)); location.hash = 'line-9999'; })",
    );
    assert_eq!(revealed, true);
}

#[test]
fn no_text_becomes_markup_and_nothing_invisible_is_left() {
    let mut report = full();
    let hostile = "</td></script><script>alert(1)</script>\"'{{ 7 * 7 }}{% x %}\u{202e}\u{1b}[2J";
    for subject in &mut report.subjects {
        subject.organisation = hostile.into();
        subject.project = hostile.into();
        subject.resource = hostile.into();
        subject.offering = hostile.into();
    }
    for measured in &mut report.components {
        measured.component = hostile.into();
        measured.unit = hostile.into();
    }
    for total in &mut report.organisations {
        total.name = hostile.into();
    }
    for total in &mut report.invoices {
        total.organisation = hostile.into();
        total.number = Some(hostile.into());
    }
    for trend in &mut report.trend {
        trend.measured.unit = hostile.into();
    }
    for row in &mut report.proof.rows {
        row.measured.component = hostile.into();
    }
    let header = &mut report.header;
    header.server = Some(hostile.into());
    header.offerings = vec![hostile.into()];
    header.inputs[0].name = hostile.into();
    header.rules[0].name = hostile.into();
    header.rules[0].says = hostile.into();
    header.endpoints[0].path = hostile.into();
    header.scope.projects = vec![hostile.into()];
    report.tables[0].file = hostile.into();
    report.notes = vec![hostile.into()];
    report.skipped[0].found = hostile.into();
    let written = page(&report, &ReportOptions::default(), 20_000).unwrap();
    assert_eq!(written.matches("<script").count(), 1);
    assert!(!written.contains("alert(1)</script>") && written.contains("{{ 7 * 7 }}{% x %}"));
    assert!(!written.chars().any(|one| crate::domain::is_invisible(one) && one != '\n'));
}

#[test]
fn a_page_of_many_lines_holds_the_breaks_and_says_where_the_rest_is() {
    let report = many(400);
    let written = page(&report, &ReportOptions::default(), 100).unwrap();
    assert_eq!(
        (written.matches("<tr id=\"break-").count(), written.matches("<tr id=\"line-").count()),
        (40, 0)
    );
    assert!(written.contains("A page of 400 lines would not open well, so only the breaks stand above."));
    let written = page(&report, &ReportOptions::default(), 30).unwrap();
    assert_eq!(written.matches("<tr id=\"break-").count(), 30);
    assert!(written.contains("A page of 40 lines would not open well, so these are the first 30 breaks."));
    let written = page(&report, &ReportOptions::default(), 400).unwrap();
    assert_eq!(written.matches("<tr id=\"line-").count(), 400);
}

#[test]
fn the_run_and_the_time_stand_in_one_place() {
    let (one, mut other) = (full(), full());
    other.made.run = crate::domain::RunId::new(uuid::Uuid::from_u128(7));
    other.made.at = "2027-01-03T09:00:00Z".parse().unwrap();
    let pages = [one, other].map(|report| page(&report, &ReportOptions::default(), 20_000).unwrap());
    let lines = pages[0].lines().zip(pages[1].lines()).filter(|(one, other)| one != other);
    let differing: Vec<&str> = lines.map(|(one, _)| one).collect();
    assert_eq!(differing.len(), 2, "{differing:?}");
    assert!(differing[0].starts_with("<dt>Made</dt>") && differing[1].starts_with("<dt>Run</dt>"));
}

#[test]
fn a_template_of_the_user_takes_the_place_of_ours() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("own.html");
    let own = "<meta content=\"{{ policy }}\"><p>{{ title }}: {{ verdict.label }}, {% for row in proof.rows %}\
               {{ row.cells[3].parts[0].exact }} {% endfor %}</p>";
    std::fs::write(&path, own).unwrap();
    let options =
        ReportOptions { template: Some(PageTemplate::read(&path).unwrap()), ..ReportOptions::default() };
    let written = page(&crate::reconcile::sample::report(), &options, 10).unwrap();
    assert!(written.contains("<p>Reconciliation of Nov 2026: The sides do not agree, "), "{written}");
    assert!(PageTemplate::read(Path::new("/nowhere/own.html")).is_err());
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(PageTemplate::read(&path).is_err());
    std::fs::write(&path, "x".repeat((1 << 20) + 1)).unwrap();
    let error = PageTemplate::read(&path).unwrap_err().to_string();
    assert!(error.ends_with("own.html: larger than 1 MiB"), "{error}");
    let ours = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("templates/reconciliation.html");
    assert!(PageTemplate::read(&ours).is_ok());
}
