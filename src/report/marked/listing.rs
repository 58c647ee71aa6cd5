//! The sheet of findings: each with its place, what was found, what would have been right, and a link.

use std::fmt::Write;

use crate::domain::{Place, Spot, cut, visible};
use crate::mapping::Field;

use super::comments::{MAIN, STRICT, reference};
use super::package::DECLARATION;
use super::styles::Styles;
use super::xml::escaped_cell;
use super::{Marks, Remark};

/// What the part begins with as long as no other program has saved it.
pub const AS_WRITTEN: &str = "<!-- waldur-usage findings, as they were written -->";

/// Findings that are listed, and links that a sheet can hold with room to spare.
const MOST_LISTED: usize = 100_000;
const MOST_LINKS: usize = 50_000;

/// Characters of a cell; one can hold more, and nobody would read it.
const LONGEST: usize = 2000;

/// The height of a line, and of the highest row that there can be.
const LINE: u32 = 15;
const HIGHEST: u32 = 405;

const HEADERS: [(&str, u32); 7] = [
    ("Severity", 10),
    ("Kind", 40),
    ("Where", 30),
    ("Found", 44),
    ("Expected", 44),
    ("What to do", 44),
    ("Also at", 30),
];

/// Builds the part; `sheet` is the sheet whose cells are marked.
pub fn listing(marks: &Marks, sheet: &str, styles: &Styles, is_strict: bool) -> String {
    let namespace = if is_strict { STRICT } else { MAIN };
    let mut columns = String::new();
    for (number, (_, width)) in (1..).zip(HEADERS) {
        let _ =
            write!(columns, "<col min=\"{number}\" max=\"{number}\" width=\"{width}\" customWidth=\"1\"/>");
    }
    let mut rows = String::new();
    let mut number = 0;
    let mut row = |height: u32, cells: &[(usize, String)]| {
        number += 1;
        let _ = write!(rows, "<row r=\"{number}\" ht=\"{height}\" customHeight=\"1\">");
        for (column, (style, text)) in (1..).zip(cells) {
            let cell = reference((number, column));
            if !text.is_empty() {
                let _ = write!(
                    rows,
                    "<c r=\"{cell}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                    escaped_cell(text)
                );
            }
        }
        rows.push_str("</row>");
        number
    };
    row(24, &[(styles.title, "Findings".to_owned())]);
    for line in &marks.summary {
        row(LINE, &[(0, visible(line).to_string())]);
    }
    row(LINE, &[]);
    let header = row(LINE + 3, &HEADERS.map(|(text, _)| (styles.header, text.to_owned())));
    let mut links = Vec::new();
    for remark in marks.remarks.iter().take(MOST_LISTED) {
        let cells = cells(remark, sheet, styles);
        let number = row(height(&cells), &cells);
        let target = remark.place.as_ref().and_then(|place| target(place, sheet));
        links.extend(target.map(|target| (number, target)));
    }
    if marks.remarks.len() > MOST_LISTED {
        let more = marks.remarks.len() - MOST_LISTED;
        row(LINE, &[(0, format!("and {more} more, which `check --format json` lists"))]);
    }
    let links = hyperlinks(&links[..links.len().min(MOST_LINKS)]);
    format!(
        "{DECLARATION}{AS_WRITTEN}\n<worksheet xmlns=\"{namespace}\"><sheetPr><tabColor rgb=\"FFC00000\"/>\
         <pageSetUpPr fitToPage=\"1\"/></sheetPr><sheetViews><sheetView workbookViewId=\"0\"><pane \
         ySplit=\"{header}\" topLeftCell=\"A{}\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView>\
         </sheetViews><sheetFormatPr defaultRowHeight=\"15\"/><cols>{columns}</cols><sheetData>{rows}\
         </sheetData>{links}<pageMargins left=\"0.5\" right=\"0.5\" top=\"0.5\" bottom=\"0.5\" header=\"0.3\" \
         footer=\"0.3\"/><pageSetup paperSize=\"9\" orientation=\"landscape\" fitToHeight=\"0\"/>\
         <headerFooter><oddFooter>&amp;L&amp;F&amp;RPage &amp;P of &amp;N</oddFooter></headerFooter></worksheet>",
        header + 1
    )
}

/// How high a row has to be for the longest of its texts; programs do not find out by themselves when they
/// open a file.
fn height(cells: &[(usize, String)]) -> u32 {
    let lines = |(text, width): (&str, u32)| -> usize {
        let width = usize::try_from(width).unwrap_or(1).saturating_sub(7).max(1);
        text.lines().map(|line| line.chars().count().div_ceil(width).max(1)).sum()
    };
    let texts = cells.iter().zip(HEADERS).map(|((_, text), (_, width))| (text.as_str(), width));
    let most = u32::try_from(texts.map(lines).max().unwrap_or(1)).unwrap_or(u32::MAX);
    most.saturating_mul(LINE).clamp(LINE, HIGHEST)
}

/// A place in the workbook that this sheet is a part of.
fn within(place: &Place, sheet: &str) -> String {
    let sheet = place.sheet.clone().unwrap_or_else(|| sheet.into());
    let own = Place { file: "".into(), sheet: Some(sheet), ..place.clone() };
    own.to_string().trim_start().to_owned()
}

fn cells(remark: &Remark, sheet: &str, styles: &Styles) -> [(usize, String); 7] {
    let (severity, style) = if remark.is_deny { ("deny", styles.deny) } else { ("warn", styles.warn) };
    let place = remark.place.as_ref().map_or_else(String::new, |place| within(place, sheet));
    let others: Vec<String> = remark.others.iter().take(8).map(|place| within(place, sheet)).collect();
    let more = remark.others.len().saturating_sub(8);
    let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
    let link = if remark.place.is_some() { styles.link } else { styles.text };
    [
        (style, severity.to_owned()),
        (styles.text, format!("{}: {}", remark.code, remark.title)),
        (link, shown(&place)),
        (styles.text, shown(&remark.found)),
        (styles.text, shown(&remark.expected)),
        (styles.text, shown(remark.hint.as_deref().unwrap_or_default())),
        (styles.text, shown(&others.join("\n")) + &more),
    ]
}

/// Text of the user's file as it may be shown. A lone name of a column is put in quotes, so that no row of
/// this sheet is ever taken for the header of a table.
fn shown(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| visible(line).to_string()).collect();
    let text = cut(&lines.join("\n"), LONGEST);
    if Field::of_header(&text).is_some() { format!("“{text}”") } else { text }
}

/// The cell or row of the marked sheet that a place is in.
fn target(place: &Place, sheet: &str) -> Option<String> {
    if place.sheet.as_ref().is_some_and(|own| own.as_ref() != sheet) {
        return None;
    }
    let cell = match place.spot {
        Spot::Whole => return None,
        Spot::Row(row) => reference((row, 1)),
        Spot::Cell { row, column } => reference((row, column)),
    };
    Some(format!("'{}'!{cell}", sheet.replace('\'', "''")))
}

fn hyperlinks(links: &[(u32, String)]) -> String {
    if links.is_empty() {
        return String::new();
    }
    let mut text = String::from("<hyperlinks>");
    for (row, target) in links {
        let _ = write!(text, "<hyperlink ref=\"C{row}\" location=\"{}\"/>", escaped_cell(target));
    }
    text + "</hyperlinks>"
}
