//! The user's workbook with marks in it: faulty cells coloured and commented, and a sheet of findings.
//!
//! A workbook is changed inside its package. Parts without a mark are copied as they are packed, and in
//! those with one everything but the marks stays byte for byte: charts, macros, formats and names are never
//! taken apart. Marks of an earlier time are taken off first.

mod colours;
mod comments;
mod listing;
mod note;
mod package;
mod plain;
mod shapes;
mod styles;
mod xml;

use rust_xlsxwriter::XlsxError;

use crate::domain::{Place, visible};
use crate::parse::FINDINGS_MARK;

use comments::{Cell, Commented};
use package::{DECLARATION, Package};
use styles::Styles;
use xml::{append, elements, escaped, root, splice};

pub use note::note;
pub use plain::PlainCopy;

/// Comments that are written; a sheet with more of them is of no use to anybody.
pub const MOST_COMMENTS: usize = 2000;

/// The name of the sheet of findings.
const SHEET: &str = "waldur-usage findings";

/// Where the kinds of relations are named, by the usual namespace and the strict one.
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const STRICT_RELATIONS: &str = "http://purl.oclc.org/ooxml/officeDocument/relationships";

/// Why a workbook cannot be marked.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// Marks would break its signature.
    #[error("the workbook is signed, and marks in it would break the signature")]
    Signed,
    /// It is not built as a workbook has to be for this.
    #[error("the workbook cannot be marked: {0}")]
    Unfit(String),
    /// A workbook of our own cannot be built.
    #[error("cannot build the workbook")]
    Build(#[source] XlsxError),
}

impl MarkError {
    fn unfit(error: &dyn std::fmt::Display) -> Self {
        Self::Unfit(visible(&error.to_string()).to_string())
    }
}

/// A finding as the sheet of findings shows it.
#[derive(Debug, Clone)]
pub struct Remark {
    /// Whether it is at deny, and not a warning.
    pub is_deny: bool,
    /// Its stable name.
    pub code: &'static str,
    /// What that means.
    pub title: &'static str,
    /// Where it stands.
    pub place: Option<Place>,
    /// Where else.
    pub others: Vec<Place>,
    /// What was found.
    pub found: String,
    /// What would have been right.
    pub expected: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// A cell that is marked; row and column count from 1.
#[derive(Debug, Clone)]
pub struct MarkedCell {
    /// Its row.
    pub row: u32,
    /// Its column.
    pub column: u32,
    /// Whether something at deny stands in it.
    pub is_deny: bool,
    /// What its comment says; one without a word gets none.
    pub note: String,
}

/// All marks of a workbook.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// What stands above the findings.
    pub summary: Vec<String>,
    /// The findings.
    pub remarks: Vec<Remark>,
    /// The cells, each once.
    pub cells: Vec<MarkedCell>,
}

/// What a workbook of the Excel formats is, by what its package says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkbookKind {
    /// A workbook.
    Xlsx,
    /// A workbook with macros.
    Xlsm,
    /// A template of one.
    Xltx,
    /// A template of one with macros.
    Xltm,
}

impl WorkbookKind {
    /// The kind of a content; `None` where it is no workbook that can be marked inside.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let mut package = Package::open(bytes).ok().filter(|_| bytes.starts_with(b"PK"))?;
        let types = package.content_types().ok()?;
        let kinds = [
            ("spreadsheetml.sheet.main+xml", Self::Xlsx),
            ("ms-excel.sheet.macroEnabled.main+xml", Self::Xlsm),
            ("spreadsheetml.template.main+xml", Self::Xltx),
            ("ms-excel.template.macroEnabled.main+xml", Self::Xltm),
        ];
        kinds.into_iter().find(|(text, _)| types.contains(text)).map(|(_, kind)| kind)
    }

    /// What the name of such a file ends in; with another ending, programs do not open it.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Xlsm => "xlsm",
            Self::Xltx => "xltx",
            Self::Xltm => "xltm",
        }
    }
}

/// Whether a content is a marked copy that no other program has saved since.
pub fn is_untouched_copy(bytes: &[u8]) -> bool {
    let Ok(mut package) = Package::open(bytes) else { return false };
    let names: Vec<String> = package.names().map(str::to_owned).collect();
    let mut sheets = names.iter().filter(|name| name.contains("worksheets/"));
    let start = format!("{DECLARATION}{}", listing::AS_WRITTEN);
    sheets.any(|name| package.beginning(name, start.len()) == start.as_bytes())
}

/// A marked workbook.
#[derive(Debug)]
pub struct Marked {
    /// The workbook.
    pub bytes: Vec<u8>,
    /// Comments in it that are ours.
    pub comments: usize,
}

/// Puts marks into a workbook; `sheet` is the sheet that the cells are of.
pub fn mark(bytes: &[u8], sheet: &str, marks: &Marks) -> Result<Marked, MarkError> {
    let mut package = Package::open(bytes)?;
    let is_signed = |name: &str| name.to_ascii_lowercase().starts_with("_xmlsignatures/");
    if package.names().any(is_signed) || package.content_types()?.contains("digital-signature") {
        return Err(MarkError::Signed);
    }
    let mut workbook = OpenWorkbook::open(package)?;
    let part = workbook.sheet(sheet)?;
    let part = part.ok_or_else(|| MarkError::Unfit(format!("it has no sheet {}", visible(sheet))))?;
    let styles = workbook.styles()?;
    let text = workbook.package.needed(&part)?;
    let text = colours::coloured(&text, &marks.cells, &styles)?;
    workbook.package.set(&part, text);
    let comments = workbook.comment(&part, &marks.cells)?;
    let listing = listing::listing(marks, sheet, &styles, workbook.is_strict);
    workbook.list(listing, sheet)?;
    Ok(Marked { bytes: workbook.package.write()?, comments })
}

/// A package whose workbook was found.
struct OpenWorkbook<'a> {
    package: Package<'a>,
    part: String,
    is_strict: bool,
}

impl<'a> OpenWorkbook<'a> {
    fn open(mut package: Package<'a>) -> Result<Self, MarkError> {
        let relations = package.relations("")?;
        let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
        let part = main.map_or_else(|| "xl/workbook.xml".to_owned(), |relation| relation.target);
        let is_strict = package.needed(&part)?.contains("purl.oclc.org/ooxml");
        Ok(Self { package, part, is_strict })
    }

    fn relation_kind(&self, kind: &str) -> String {
        format!("{}/{kind}", if self.is_strict { STRICT_RELATIONS } else { RELATIONS })
    }

    /// The part of a sheet.
    fn sheet(&mut self, name: &str) -> Result<Option<String>, MarkError> {
        let text = self.package.needed(&self.part)?;
        let sheets = elements(&text, "sheet")?;
        let id = sheets.iter().find(|sheet| sheet.attribute("name") == Some(name));
        let id = id.and_then(|sheet| sheet.attribute("id").map(str::to_owned));
        let relations = self.package.relations(&self.part)?;
        Ok(relations.into_iter().find(|relation| Some(&relation.id) == id.as_ref()).map(|one| one.target))
    }

    /// Adds our styles.
    fn styles(&mut self) -> Result<Styles, MarkError> {
        let relations = self.package.relations(&self.part)?;
        let there = relations.into_iter().find(|relation| relation.kind == "styles");
        let part = if let Some(relation) = there {
            relation.target
        } else {
            // Some readers look for it under this name alone.
            let part = self.package.free_name(|number| match number {
                1 => "xl/styles.xml".to_owned(),
                number => format!("xl/styles{number}.xml"),
            });
            self.package.relate(&self.part, &self.relation_kind("styles"), &part)?;
            let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml";
            self.package.declare(&part, kind)?;
            let none = if self.is_strict {
                styles::NONE.replace(comments::MAIN, comments::STRICT)
            } else {
                styles::NONE.to_owned()
            };
            self.package.set(&part, format!("{DECLARATION}{none}"));
            part
        };
        let (text, styles) = Styles::add(&self.package.needed(&part)?)?;
        self.package.set(&part, text);
        Ok(styles)
    }

    /// Puts the comments of the first cells beside those that are there; how many.
    fn comment(&mut self, sheet: &str, cells: &[MarkedCell]) -> Result<usize, MarkError> {
        let commented = cells.iter().filter(|cell| !cell.note.is_empty()).take(MOST_COMMENTS);
        let notes: Vec<(Cell, &str)> =
            commented.map(|cell| ((cell.row, cell.column), cell.note.as_str())).collect();
        let relations = self.package.relations(sheet)?;
        let there = relations.iter().find(|relation| relation.kind == "comments");
        if notes.is_empty() && there.is_none() {
            return Ok(0);
        }
        let part = if let Some(relation) = there {
            relation.target.clone()
        } else {
            let part = self.package.free_name(|number| format!("xl/waldurUsageComments{number}.xml"));
            self.package.relate(sheet, &self.relation_kind("comments"), &part)?;
            let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml";
            self.package.declare(&part, kind)?;
            self.package.set(&part, comments::none(self.is_strict));
            part
        };
        let Commented { xml, removed, added, joined } =
            comments::commented(&self.package.needed(&part)?, &notes)?;
        self.package.set(&part, xml);
        self.draw(sheet, &removed, &added)?;
        Ok(added.len() + joined)
    }

    /// Puts the boxes of comments into the drawing of a sheet, which is made where there is none.
    fn draw(&mut self, sheet: &str, removed: &[Cell], added: &[Cell]) -> Result<(), MarkError> {
        let text = self.package.needed(sheet)?;
        let own = root(&text)?;
        let id = own.child("legacyDrawing").and_then(|drawing| drawing.attribute("id").map(str::to_owned));
        let relations = self.package.relations(sheet)?;
        let there = relations.into_iter().find(|relation| Some(&relation.id) == id.as_ref());
        let block = self.free_block()?;
        let part = match there {
            Some(relation) => relation.target,
            None if added.is_empty() => return Ok(()),
            None => {
                let part = self.package.free_name(|number| format!("xl/drawings/waldurUsage{number}.vml"));
                let id = self.package.relate(sheet, &self.relation_kind("vmlDrawing"), &part)?;
                let kind = "application/vnd.openxmlformats-officedocument.vmlDrawing";
                self.package.declare_ending("vml", kind)?;
                self.package.set(&part, shapes::none(block));
                let at = own.place_after(&ORDER);
                let namespace = if self.is_strict { STRICT_RELATIONS } else { RELATIONS };
                let drawing = format!("<{}legacyDrawing xmlns:r=\"{namespace}\" r:id=\"{id}\"/>", own.prefix);
                self.package.set(sheet, splice(&text, vec![(at..at, drawing)]));
                part
            }
        };
        let drawing = self.package.needed(&part)?;
        let drawing = shapes::drawn(&drawing, removed, added, block)?;
        self.package.set(&part, drawing);
        Ok(())
    }

    /// A block of numbers that no drawing of the workbook uses.
    fn free_block(&mut self) -> Result<usize, MarkError> {
        let names: Vec<String> = self.package.names().map(str::to_owned).collect();
        let mut most = 0;
        for name in names.iter().filter(|name| name.to_ascii_lowercase().ends_with(".vml")) {
            let drawing = self.package.needed(name)?;
            most = most.max(shapes::used_blocks(&drawing).max().unwrap_or(0));
        }
        Ok(most.min(60_000) + 1)
    }

    /// Puts the sheet of findings in the place of an earlier one, or behind all others; `marked` is the sheet
    /// that the marks are in.
    fn list(&mut self, listing: String, marked: &str) -> Result<(), MarkError> {
        let text = self.package.needed(&self.part)?;
        let names = elements(&text, "definedName")?;
        let is_mark = |name: &str| name.eq_ignore_ascii_case(FINDINGS_MARK);
        let mark = names.iter().find(|name| name.attribute("name").is_some_and(is_mark));
        // A mark that somebody has put at a sheet of their own costs them nothing.
        let is_ours = |name: &String| name.to_lowercase().starts_with(SHEET) && name != marked;
        let earlier = mark.and_then(|mark| sheet_of(&text[mark.span.clone()])).filter(is_ours);
        let earlier = match earlier {
            Some(sheet) => self.sheet(&sheet)?,
            None => None,
        };
        if let Some(part) = earlier {
            self.package.set(&part, listing);
            return Ok(());
        }
        let part = self.package.free_name(|number| format!("xl/worksheets/waldurUsageFindings{number}.xml"));
        let id = self.package.relate(&self.part, &self.relation_kind("worksheet"), &part)?;
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml";
        self.package.declare(&part, kind)?;
        self.package.set(&part, listing);

        let sheets = elements(&text, "sheet")?;
        let is_free = |name: &String| {
            !sheets
                .iter()
                .any(|sheet| sheet.attribute("name").is_some_and(|own| own.eq_ignore_ascii_case(name)))
        };
        let numbered = (2..).map(|number| format!("{SHEET} {number}"));
        let name = std::iter::once(SHEET.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
        let ids = sheets.iter().filter_map(|sheet| sheet.attribute("sheetId")?.parse::<u32>().ok());
        let sheet_id = ids.max().unwrap_or(0).saturating_add(1);
        let namespace = if self.is_strict { STRICT_RELATIONS } else { RELATIONS };
        let sheet = format!(
            "<§sheet xmlns:r=\"{namespace}\" name=\"{}\" sheetId=\"{sheet_id}\" r:id=\"{id}\"/>",
            escaped(&name)
        );
        // A mark whose sheet is gone makes room for the new one.
        let gone = mark.map(|mark| (mark.span.clone(), String::new()));
        let text = splice(&text, gone.into_iter().collect());
        let text = with_sheet(&text, &sheet, &name)?;
        self.package.set(&self.part, text);
        Ok(())
    }
}

/// The workbook with a sheet more and the name that marks it.
fn with_sheet(text: &str, sheet: &str, name: &str) -> Result<String, MarkError> {
    let own = root(text)?;
    let list = own.child("sheets").map(|list| list.span.clone());
    let list = list.ok_or_else(|| MarkError::Unfit("it has no list of sheets".into()))?;
    let sheets = append(&text[list.clone()], &sheet.replace('§', &own.prefix))?;
    let mark = format!("<§definedName name=\"{FINDINGS_MARK}\">'{}'!$A$1</§definedName>", escaped(name));
    let mark = mark.replace('§', &own.prefix);
    let names = if let Some(names) = own.child("definedNames").map(|names| names.span.clone()) {
        (names.clone(), append(&text[names], &mark)?)
    } else {
        let at = own.place_after(&["sheets", "functionGroups", "externalReferences"]);
        let prefix = &own.prefix;
        (at..at, format!("<{prefix}definedNames>{mark}</{prefix}definedNames>"))
    };
    Ok(splice(text, vec![(list, sheets), names]))
}

/// The sheet that a defined name is of.
fn sheet_of(element: &str) -> Option<String> {
    let inside = element.split_once('>')?.1.split_once("</")?.0;
    let inside = quick_xml::escape::unescape(inside).ok()?;
    let quoted = inside.trim().rsplit_once('!')?.0;
    let name = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    Some(name.map_or_else(|| quoted.to_owned(), |name| name.replace("''", "'")))
}

/// The elements of a sheet in their order, up to the drawing of its comments.
pub(super) const ORDER: [&str; 30] = [
    "sheetPr",
    "dimension",
    "sheetViews",
    "sheetFormatPr",
    "cols",
    "sheetData",
    "sheetCalcPr",
    "sheetProtection",
    "protectedRanges",
    "scenarios",
    "autoFilter",
    "sortState",
    "dataConsolidate",
    "customSheetViews",
    "mergeCells",
    "phoneticPr",
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "rowBreaks",
    "colBreaks",
    "customProperties",
    "cellWatches",
    "ignoredErrors",
    "smartTags",
    "drawing",
];
