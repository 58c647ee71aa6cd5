//! OpenDocument spreadsheets (.ods), cell by cell, without building the sheet in memory.
//!
//! A file can say of a cell or a row that it comes a million times. What is blank is skipped by the count;
//! what holds something is given as often as the file says, up to a limit.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Cursor};
use std::ops::ControlFlow;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use crate::domain::visible;
use crate::findings::{Code, Finding};
use crate::parse::{CellKind, RawRow, Sight};

use super::Sink;
use super::archive::{Archive, protected};
use super::marks::{is_mark, own_sheets};
use super::ods_cell::{CellDraft, Shown};
use super::ods_look::OdsLook;
use super::ods_styles::Styles;
use super::sheets::{RowBuilder, Sheet, Sheets, Visibility};

/// Cells that repetition may make of few.
const MOST_REPEATED: u64 = 20_000_000;

/// Rows that repetition may make of few. No two rows of usage are alike, so what comes this often was
/// filled down by mistake.
const MOST_REPEATED_ROWS: u64 = 10_000;

/// How deep the tables of the document are: below its content, its body and its spreadsheet.
const TABLE_DEPTH: usize = 4;

/// An open spreadsheet.
pub struct OdsSheets<'a> {
    bytes: &'a [u8],
    /// The sheets with their number among all tables.
    sheets: Vec<(Sheet, usize)>,
    links: Vec<String>,
    styles: Styles,
    look: OdsLook,
    /// The names of cells, and what they stand for.
    names: Vec<(String, String)>,
}

/// A part of the document.
pub type Xml<'a> = Reader<Box<dyn BufRead + 'a>>;

impl<'a> OdsSheets<'a> {
    /// Lists the sheets.
    pub fn open(archive: &Archive<'a>) -> Result<Self, Finding> {
        if archive.text("META-INF/manifest.xml").is_some_and(|text| text.contains("encryption-data")) {
            return Err(protected());
        }
        let (styles, look) = (Styles::default(), OdsLook::default());
        let (list, links, names) = (Vec::new(), Vec::new(), Vec::new());
        let mut sheets = Self { bytes: archive.bytes(), sheets: list, links, styles, look, names };
        // What the document itself says goes before the styles that it is made from.
        for path in ["styles.xml", "content.xml"] {
            if path == "content.xml" || archive.has(path) {
                let mut zip = zip(sheets.bytes)?;
                sheets.styles.read(&mut part(&mut zip, path)?)?;
            }
        }
        sheets.read_list()?;
        Ok(sheets)
    }

    /// Tables that hold what another file says are no sheets.
    fn read_list(&mut self) -> Result<(), Finding> {
        let mut zip = zip(self.bytes)?;
        let mut xml = part(&mut zip, "content.xml")?;
        let mut buffer = Vec::new();
        let mut hidden_styles: HashMap<String, bool> = HashMap::new();
        let (mut style, mut depth, mut tables) = (String::new(), 0_usize, 0);
        loop {
            match xml.read_event_into(&mut buffer).map_err(|error| refusal(&error))? {
                Event::Start(element) => {
                    depth += 1;
                    match element.name().0 {
                        "style:style" => style = attribute(&element, "style:name")?.unwrap_or_default(),
                        "style:table-properties" => {
                            let is_hidden = attribute(&element, "table:display")?.as_deref() == Some("false");
                            hidden_styles.insert(style.clone(), is_hidden);
                        }
                        "table:table" if depth == TABLE_DEPTH => {
                            let style = attribute(&element, "table:style-name")?.unwrap_or_default();
                            let is_hidden = hidden_styles.get(&style).copied().unwrap_or_default();
                            let name = attribute(&element, "table:name")?.unwrap_or_default();
                            let visibility = if is_hidden { Visibility::Hidden } else { Visibility::Visible };
                            self.sheets.push((Sheet { name, visibility }, tables));
                            tables += 1;
                        }
                        "table:table-source" if depth == TABLE_DEPTH + 1 => {
                            self.sheets.pop();
                            self.add_link(attribute(&element, "xlink:href")?);
                        }
                        "table:named-range" => self.add_name(&element)?,
                        "office:dde-source" => self.add_link(attribute(&element, "office:dde-topic")?),
                        _ => {}
                    }
                }
                Event::End(_) => depth = depth.saturating_sub(1),
                Event::Eof if depth > 0 => return Err(broken_off()),
                Event::Eof => return Ok(()),
                _ => {}
            }
            buffer.clear();
        }
    }

    /// Only our own names are kept: a file may have any number of others.
    fn add_name(&mut self, element: &BytesStart<'_>) -> Result<(), Finding> {
        let name = attribute(element, "table:name")?.unwrap_or_default();
        if is_mark(&name) {
            let range = attribute(element, "table:cell-range-address")?.unwrap_or_default();
            self.names.push((name, range));
        }
        Ok(())
    }

    fn add_link(&mut self, link: Option<String>) {
        let link = link.unwrap_or_else(|| "another file".into());
        if !self.links.contains(&link) {
            self.links.push(link);
        }
    }
}

impl Sheets for OdsSheets<'_> {
    fn list(&self) -> Vec<Sheet> {
        self.sheets.iter().map(|(sheet, _)| sheet.clone()).collect()
    }

    fn links(&self) -> Vec<String> {
        self.links.clone()
    }

    fn own(&self) -> Vec<String> {
        own_sheets(&self.names)
    }

    fn each_row(&mut self, sheet: &str, row: RawRow, sink: &mut Sink<'_>) -> Result<(), Finding> {
        let wanted = self.sheets.iter().find(|(own, _)| own.name == sheet).map(|(_, table)| *table);
        let mut zip = zip(self.bytes)?;
        let mut table = TableReader {
            xml: part(&mut zip, "content.xml")?,
            styles: &self.styles,
            columns: Vec::new(),
            buffer: Vec::new(),
            cells: Vec::new(),
            repeated: 0,
            rows_repeated: 0,
            above: 0,
            look: OdsLook::of(sheet, &self.styles),
            rows: RowBuilder::new(row, sink),
        };
        if table.read(wanted)?.is_continue() {
            table.rows.end();
        }
        self.look = table.look;
        Ok(())
    }

    fn sight(&mut self, _sheet: &str) -> Sight {
        std::mem::take(&mut self.look).end()
    }
}

/// Reads the rows of one table.
struct TableReader<'a, 'b, 'c> {
    xml: Xml<'a>,
    styles: &'b Styles,
    /// Where the columns of a style end, and the style.
    columns: Vec<(u32, Option<String>)>,
    buffer: Vec<u8>,
    /// The cells of the row that is being read: column, how often, text and kind.
    cells: Vec<(u32, u32, String, CellKind)>,
    /// Cells that repetition has made so far.
    repeated: u64,
    /// Rows that repetition has made so far.
    rows_repeated: u64,
    /// Rows so far.
    above: u32,
    /// What is hidden and merged.
    look: OdsLook,
    rows: RowBuilder<'b, 'c>,
}

impl TableReader<'_, '_, '_> {
    /// Finds a table by its number and reads it to its end.
    fn read(&mut self, wanted: Option<usize>) -> Result<ControlFlow<()>, Finding> {
        let (mut depth, mut tables, mut column, mut times) = (0_usize, 0, 0_u32, 1_u32);
        let (mut is_inside, mut row_style) = (false, None);
        loop {
            self.buffer.clear();
            let event = self.xml.read_event_into(&mut self.buffer).map_err(|error| refusal(&error))?;
            match event {
                Event::Start(element) => {
                    depth += 1;
                    if is_inside {
                        self.look.begin(&element, self.above, column)?;
                    }
                    match element.name().0 {
                        "table:table" if depth == TABLE_DEPTH => {
                            is_inside = Some(tables) == wanted;
                            tables += 1;
                        }
                        "table:table-column" if is_inside => {
                            let times = count(&element, "table:number-columns-repeated")?;
                            let end = self.columns.last().map_or(0, |(end, _)| *end).saturating_add(times);
                            self.columns.push((end, attribute(&element, "table:default-cell-style-name")?));
                        }
                        "table:table-row" if is_inside => {
                            row_style = attribute(&element, "table:default-cell-style-name")?;
                            times = count(&element, "table:number-rows-repeated")?;
                            column = 0;
                        }
                        "table:table-cell" | "table:covered-table-cell" if is_inside => {
                            let repeats = count(&element, "table:number-columns-repeated")?;
                            let mut draft = CellDraft::of(&element)?;
                            let shown = Shown::read(&mut self.xml, &mut self.buffer, self.styles)?;
                            depth -= 1;
                            let style = draft.style.take().or_else(|| row_style.clone());
                            let style = style.or_else(|| self.column_style(column));
                            let (text, kind) = draft.value(shown, style.as_deref(), self.styles);
                            if kind != CellKind::Blank {
                                self.cells.push((column, repeats, text, kind));
                            }
                            column = column.saturating_add(repeats);
                        }
                        _ => {}
                    }
                }
                Event::End(element) => {
                    depth = depth.saturating_sub(1);
                    self.look.end_of(element.name().0);
                    let is_row = element.name().0 == "table:table-row";
                    let is_table = element.name().0 == "table:table" && depth + 1 == TABLE_DEPTH;
                    if is_inside && is_row && self.hand_on(times)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    if is_inside && is_table {
                        return Ok(ControlFlow::Continue(()));
                    }
                }
                Event::Eof => return Err(broken_off()),
                _ => {}
            }
        }
    }

    fn column_style(&self, column: u32) -> Option<String> {
        let at = self.columns.partition_point(|(end, _)| *end <= column);
        self.columns.get(at).and_then(|(_, style)| style.clone())
    }

    /// Hands the cells of a row on, as often as the row comes.
    fn hand_on(&mut self, times: u32) -> Result<ControlFlow<()>, Finding> {
        let cells = std::mem::take(&mut self.cells);
        if !cells.is_empty() {
            let each: u64 = cells.iter().map(|(_, repeats, ..)| u64::from(*repeats)).sum();
            let all = each.saturating_mul(u64::from(times));
            let written = u64::try_from(cells.len()).unwrap_or(u64::MAX);
            self.repeated = self.repeated.saturating_add(all.saturating_sub(written));
            self.rows_repeated = self.rows_repeated.saturating_add(u64::from(times.saturating_sub(1)));
            let row = u64::from(self.above) + 1;
            let found = if self.rows_repeated > MOST_REPEATED_ROWS {
                Some(format!("row {row}: a filled row that comes {times} times"))
            } else if self.repeated > MOST_REPEATED {
                Some(format!("row {row}: cells that come {all} times"))
            } else {
                None
            };
            if let Some(found) = found {
                let expected = "rows and cells that were filled in";
                return Err(Finding::new(Code::DamagedFile, found, expected)
                    .hint("open it in a spreadsheet program, take the filled cells behind the table out, and save it"));
            }
            for row in 0..times {
                for (column, repeats, text, kind) in &cells {
                    for offset in 0..*repeats {
                        let (above, column) = (self.above.saturating_add(row), column.saturating_add(offset));
                        if self.rows.cell(above, column, text, *kind)?.is_break() {
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                }
            }
        }
        self.above = self.above.saturating_add(times);
        Ok(ControlFlow::Continue(()))
    }
}

fn zip(bytes: &[u8]) -> Result<ZipArchive<Cursor<&[u8]>>, Finding> {
    ZipArchive::new(Cursor::new(bytes)).map_err(|error| refusal(&error))
}

fn part<'a>(zip: &'a mut ZipArchive<Cursor<&[u8]>>, path: &str) -> Result<Xml<'a>, Finding> {
    let part = zip.by_name(path).map_err(|error| refusal(&error))?;
    let mut xml = Reader::from_reader(Box::new(BufReader::new(part)) as Box<dyn BufRead + 'a>);
    xml.config_mut().expand_empty_elements = true;
    Ok(xml)
}

/// The value of an attribute.
pub fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Finding> {
    let found = element.try_get_attribute(name).map_err(|error| refusal(&error))?;
    let value = found.map(|found| {
        let value = found.normalized_value(XmlVersion::Implicit1_0);
        value.map(Cow::into_owned)
    });
    value.transpose().map_err(|error| refusal(&error))
}

/// How often something comes; once where nothing is said.
pub fn count(element: &BytesStart<'_>, name: &str) -> Result<u32, Finding> {
    let Some(text) = attribute(element, name)? else { return Ok(1) };
    text.trim().parse().map_err(|_| damaged(&format!("{name}=\"{}\"", visible(&text))))
}

/// A reference such as `&amp;`; a spreadsheet has none of its own.
pub fn resolved(reference: &BytesRef<'_>) -> Result<String, Finding> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| refusal(&error))? {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    let known = quick_xml::escape::resolve_predefined_entity(name);
    known.map(ToOwned::to_owned).ok_or_else(|| damaged(&format!("an entity &{};", visible(name))))
}

/// What an error of the reader means.
pub fn refusal(error: &dyn std::fmt::Display) -> Finding {
    damaged(&visible(&error.to_string()).to_string())
}

/// A document that ends too early.
pub fn broken_off() -> Finding {
    damaged("it breaks off")
}

fn damaged(found: &str) -> Finding {
    let found = format!("an OpenDocument spreadsheet that cannot be followed ({found})");
    Finding::new(Code::DamagedFile, found, "a sound .ods spreadsheet")
        .hint("open it in a spreadsheet program and save it again")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::parse::Table;
    use crate::source::cell::UNCOMPUTED;

    const MIMETYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";

    fn document(manifest: &str, body: &str) -> Vec<u8> {
        let content = format!(
            "<?xml version=\"1.0\"?><office:document-content><office:body><office:spreadsheet>{body}\
             </office:spreadsheet></office:body></office:document-content>"
        );
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in
            [("mimetype", MIMETYPE), ("META-INF/manifest.xml", manifest), ("content.xml", &content)]
        {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn rows(body: &str) -> Result<Vec<String>, Finding> {
        let bytes = document("<manifest/>", &format!("<table:table table:name=\"A\">{body}</table:table>"));
        let archive = Archive::open(&bytes)?;
        let mut sheets = OdsSheets::open(&archive)?;
        let mut rows = Vec::new();
        let row = RawRow::new(Arc::new(Table { file: "a.ods".into(), sheet: None }));
        let mut sink = |row: &RawRow| {
            let cells: Vec<_> = row.cells().map(|cell| format!("{}:{:?}", cell.text, cell.kind)).collect();
            rows.push(format!("{} {}", row.number(), cells.join("|")));
            ControlFlow::Continue(())
        };
        sheets.each_row("A", row, &mut sink)?;
        Ok(rows)
    }

    fn row(cells: &str) -> Result<Vec<String>, Finding> {
        rows(&format!("<table:table-row>{cells}</table:table-row>"))
    }

    #[test]
    fn cells_are_what_they_show() {
        let text = "<table:table-cell office:value-type=\"string\"><office:annotation><text:p>no</text:p>\
                    </office:annotation><text:p>a<text:s text:c=\"2\"/><text:span>b&amp;c</text:span></text:p>\
                    <text:p>d</text:p></table:table-cell>";
        assert_eq!(row(text).unwrap(), ["1 a  b&c\nd:Text"]);
        let number = "<table:table-cell office:value-type=\"percentage\" office:value=\"0.30000000000000004\">\
                      <text:p>30 %</text:p></table:table-cell>";
        assert_eq!(row(number).unwrap(), ["1 30 %:Text"]);
        let float = number.replace("percentage", "float");
        assert_eq!(row(&float).unwrap(), ["1 0.3, which is shown as 30 %:Error"]);
        assert_eq!(row(&float.replace("30 %", "0.3")).unwrap(), ["1 0.3:Number"]);
        let date = "<table:table-cell office:value-type=\"date\" office:date-value=\"2026-11-01T00:00:00\"/>";
        assert_eq!(row(date).unwrap(), ["1 2026-11-01:Date"]);
        let error = "<table:table-cell table:formula=\"of:=1/0\" office:value-type=\"string\" \
                     office:string-value=\"\" calcext:value-type=\"error\"><text:p>#DIV/0!</text:p>\
                     </table:table-cell>";
        assert_eq!(row(error).unwrap(), ["1 #DIV/0!:Error"]);
        let waiting = "<table:table-cell table:formula=\"of:=1\" office:value-type=\"float\"/>";
        assert_eq!(row(waiting).unwrap(), [format!("1 {UNCOMPUTED}:Error")]);
        // A number that is only shown is text, and not blank.
        let shown = "<table:table-cell office:value-type=\"float\"><text:p>12</text:p></table:table-cell>";
        assert_eq!(row(shown).unwrap(), ["1 12:Text"]);
    }

    #[test]
    fn repetition_counts_and_has_a_limit() {
        let one = "<table:table-cell office:value-type=\"float\" office:value=\"1\"/>";
        let blank = "<table:table-cell table:number-columns-repeated=\"16000\"/>";
        let body = format!(
            "<table:table-row table:number-rows-repeated=\"2\"><table:table-cell/></table:table-row>\
             <table:table-row table:number-rows-repeated=\"2\">{one}{blank}</table:table-row>\
             <table:table-row table:number-rows-repeated=\"1048000\">{blank}</table:table-row>"
        );
        assert_eq!(rows(&body).unwrap(), ["1 ", "2 ", "3 1:Number", "4 1:Number"]);
        let forever =
            one.replace("office:value-type", "table:number-columns-repeated=\"99\" office:value-type");
        let body =
            format!("<table:table-row table:number-rows-repeated=\"1000000\">{forever}</table:table-row>");
        assert!(rows(&body).unwrap_err().found.contains("comes 1000000 times"));
        let wrong = "<table:table-cell table:number-columns-repeated=\"-1\"/>";
        assert_eq!(row(wrong).unwrap_err().code, Code::DamagedFile);
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let entity =
            "<table:table-cell office:value-type=\"string\"><text:p>1&b;</text:p></table:table-cell>";
        assert!(row(entity).unwrap_err().found.contains("an entity &b;"));
        assert!(rows("<table:table-row>").is_err());
        let bytes = document("<manifest:encryption-data/>", "");
        let archive = Archive::open(&bytes).unwrap();
        let refused = OdsSheets::open(&archive).map(|_| ()).unwrap_err();
        assert_eq!(refused.code, Code::PasswordProtected);
    }

    #[test]
    fn tables_of_other_files_are_links() {
        let body = "<table:table table:name=\"A\"/><table:table table:name=\"'file:///b.ods'#$A\">\
                    <table:table-source xlink:href=\"b.ods\"/></table:table>";
        let bytes = document("<manifest/>", body);
        let archive = Archive::open(&bytes).unwrap();
        let sheets = OdsSheets::open(&archive).unwrap();
        let names: Vec<String> = sheets.list().into_iter().map(|sheet| sheet.name).collect();
        assert_eq!((names, sheets.links()), (vec!["A".to_owned()], vec!["b.ods".to_owned()]));
    }
}
