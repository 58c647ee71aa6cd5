//! A workbook read back: its parts, its sheets and their cells, as they stand in the file.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    pub formula: Option<String>,
    pub value: String,
    pub is_text: bool,
    pub style: usize,
}

/// A sheet: its name and its cells by their names.
#[derive(Debug, Clone)]
pub struct Sheet {
    pub name: String,
    pub cells: BTreeMap<String, Cell>,
    pub xml: String,
}

/// The parts of a workbook.
pub struct Package {
    pub parts: BTreeMap<String, Vec<u8>>,
    pub sheets: Vec<Sheet>,
}

impl Package {
    pub fn read(bytes: &[u8]) -> Self {
        let parts = parts(bytes);
        let text = |name: &str| String::from_utf8(parts.get(name).cloned().unwrap_or_default()).unwrap();
        let shared: Vec<String> = elements(&text("xl/sharedStrings.xml"), "si").map(texts).collect();
        let workbook = text("xl/workbook.xml");
        let sheets = tags(&workbook, "sheet").enumerate().map(|(at, tag)| {
            let xml = text(&format!("xl/worksheets/sheet{}.xml", at + 1));
            Sheet { name: attribute(tag, "name").unwrap(), cells: cells(&xml, &shared), xml }
        });
        let sheets = sheets.collect();
        Self { parts, sheets }
    }

    pub fn part(&self, name: &str) -> &str {
        str::from_utf8(&self.parts[name]).unwrap()
    }

    pub fn sheet(&self, name: &str) -> &Sheet {
        let names: Vec<&str> = self.sheets.iter().map(|sheet| sheet.name.as_str()).collect();
        self.sheets.iter().find(|sheet| sheet.name == name).unwrap_or_else(|| panic!("{name} in {names:?}"))
    }

    /// The workbook with another value behind each formula.
    pub fn with_wrong_values(&self) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in &self.parts {
            writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
            if name.starts_with("xl/worksheets/sheet") {
                let xml = str::from_utf8(content).unwrap();
                writer.write_all(spoiled(xml).as_bytes()).unwrap();
            } else {
                writer.write_all(content).unwrap();
            }
        }
        writer.finish().unwrap().into_inner()
    }
}

/// The parts of an archive.
pub fn parts(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut parts = BTreeMap::new();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        parts.insert(part.name().unwrap().into_owned(), content);
    }
    parts
}

/// A sheet where each formula has come to 77777.
fn spoiled(xml: &str) -> String {
    let mut spoiled = String::new();
    let mut rest = xml;
    while let Some(at) = rest.find("</f><v>") {
        let value = at + "</f><v>".len();
        spoiled.push_str(&rest[..value]);
        spoiled.push_str("77777");
        rest = &rest[value + rest[value..].find("</v>").unwrap()..];
    }
    spoiled.push_str(rest);
    spoiled
}

/// The tags of a name, without what they hold.
pub fn tags<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, name) = (format!("<{name}"), name.len());
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + xml[from..].find(&open)?;
            let end = at + xml[at..].find('>')? + 1;
            from = end;
            if xml[at + 1 + name..].starts_with([' ', '>', '/']) {
                return Some(&xml[at..end]);
            }
        }
    })
}

/// What elements of a name hold.
pub fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let close = format!("</{name}>");
    tags(xml, name).map(move |tag| {
        let from = tag.as_ptr() as usize - xml.as_ptr() as usize + tag.len();
        if tag.ends_with("/>") { "" } else { &xml[from..from + xml[from..].find(&close).unwrap()] }
    })
}

pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = format!(" {name}=\"");
    let at = tag.find(&start)? + start.len();
    Some(plain(&tag[at..at + tag[at..].find('"')?]))
}

/// All texts in an element.
pub fn texts(xml: &str) -> String {
    elements(xml, "t").map(plain).collect()
}

fn cells(xml: &str, shared: &[String]) -> BTreeMap<String, Cell> {
    let mut cells = BTreeMap::new();
    for (tag, content) in tags(xml, "c").zip(elements(xml, "c")) {
        let kind = attribute(tag, "t").unwrap_or_default();
        let value = elements(content, "v").next().map(plain).unwrap_or_default();
        let value = match kind.as_str() {
            "s" => shared[value.parse::<usize>().unwrap()].clone(),
            "inlineStr" => texts(content),
            _ => value,
        };
        let is_text = matches!(kind.as_str(), "s" | "inlineStr" | "str");
        let formula = elements(content, "f").next().map(plain);
        let style = attribute(tag, "s").map_or(0, |style| style.parse().unwrap());
        cells.insert(attribute(tag, "r").unwrap(), Cell { formula, value, is_text, style });
    }
    cells
}

fn plain(xml: &str) -> String {
    let mut text = String::new();
    let mut rest = xml;
    while let Some(at) = rest.find('&') {
        text.push_str(&rest[..at]);
        let end = at + rest[at..].find(';').unwrap();
        text.push(match &rest[at + 1..end] {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            code => char::from_u32(code[1..].parse().unwrap()).unwrap(),
        });
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    text
}
