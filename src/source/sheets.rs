//! Which sheet of a workbook is read, and what is said of the others.
//!
//! Without a name it is the first visible sheet that has a table of usage; else the first one that holds
//! anything, so that what it lacks can be told. A hidden sheet is read only by its name.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::{Place, Spot, nearest, visible};
use crate::findings::{Code, Finding};
use crate::parse::{Finder, RawRow, Recogniser, Sight, Table};

use super::{Sink, Source};

/// Rows of a sheet in which a table is looked for, blank ones included.
const PROBED_ROWS: usize = 1000;

/// Sheets that are looked into for the sake of what is said of them.
const PROBED_SHEETS: usize = 12;

/// An open workbook of one format.
pub trait Sheets: Send {
    /// Its sheets, in the order of their tabs.
    fn list(&self) -> Vec<Sheet>;

    /// The other files that it takes values from, as far as it names them.
    fn links(&self) -> Vec<String>;

    /// The sheets that the workbook marks as ours: a help, or the findings of an earlier check.
    fn own(&self) -> Vec<String>;

    /// Gives the rows of a sheet to the sink; `row` is an empty row of the right table.
    fn each_row(&mut self, sheet: &str, row: RawRow, sink: &mut Sink<'_>) -> Result<(), Finding>;

    /// What a sheet shows of its rows, asked for when they were all given.
    fn sight(&mut self, sheet: &str) -> Sight;
}

/// A sheet and whether users see it.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// Whether users see it.
    pub visibility: Visibility,
}

/// Whether users see a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// They do.
    Visible,
    /// They can show it.
    Hidden,
    /// Only a program can show it.
    VeryHidden,
}

impl From<calamine::SheetVisible> for Visibility {
    fn from(visible: calamine::SheetVisible) -> Self {
        match visible {
            calamine::SheetVisible::Visible => Self::Visible,
            calamine::SheetVisible::Hidden => Self::Hidden,
            calamine::SheetVisible::VeryHidden => Self::VeryHidden,
        }
    }
}

/// What a look into a sheet shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Nothing,
    Something,
    Table,
}

/// A workbook and the sheet that is read.
pub struct Workbook<S> {
    sheets: S,
    sheet: String,
    table: Arc<Table>,
    remarks: Vec<Finding>,
}

impl<S: Sheets> Workbook<S> {
    /// Chooses the sheet of a name, or the first visible one with a table.
    pub fn open(
        file: &str,
        mut sheets: S,
        wanted: Option<&str>,
        layouts: &Recogniser,
    ) -> Result<Self, Finding> {
        let list = sheets.list();
        let mut remarks = Vec::new();
        let sheet = if let Some(wanted) = wanted {
            named(&list, wanted)?
        } else {
            let (sheet, told) = choose(&mut sheets, &list, layouts)?;
            remarks.extend(told);
            sheet
        };
        let links = sheets.links();
        if !links.is_empty() {
            let shown = visible(&links[..links.len().min(5)].join(", ")).to_string();
            let more = if links.len() > 5 { format!(" and {} more", links.len() - 5) } else { String::new() };
            let found = format!("values of {shown}{more}");
            let expected = "values of this workbook; those of others are as they were when it was saved";
            remarks.push(Finding::new(Code::ExternalLinks, found, expected).at(Place::file(file)));
        }
        let table = Arc::new(Table { file: file.into(), sheet: Some(sheet.as_str().into()) });
        for remark in &mut remarks {
            remark.place.get_or_insert_with(|| table.place(Spot::Whole));
        }
        Ok(Self { sheets, sheet, table, remarks })
    }
}

/// What is said of a sheet that is not read and looks like one that could be.
pub const A_TABLE_TOO: &str = "a table of usage too";

fn named(list: &[Sheet], wanted: &str) -> Result<String, Finding> {
    let folded = wanted.to_lowercase();
    let exact = list.iter().find(|sheet| sheet.name == wanted);
    let chosen = exact.or_else(|| list.iter().find(|sheet| sheet.name.to_lowercase() == folded));
    chosen.map(|sheet| sheet.name.clone()).ok_or_else(|| missing(list, wanted))
}

fn missing(list: &[Sheet], wanted: &str) -> Finding {
    let names: Vec<&str> = list.iter().map(|sheet| sheet.name.as_str()).collect();
    let found = format!("no sheet {} among: {}", visible(wanted), visible(&names.join(", ")));
    Finding::new(Code::MissingSheet, found, "a sheet of the workbook").did_you_mean(nearest(wanted, names))
}

/// The sheet that is read where none is named, and what is said of the others.
fn choose<S: Sheets>(
    sheets: &mut S,
    list: &[Sheet],
    layouts: &Recogniser,
) -> Result<(String, Vec<Finding>), Finding> {
    let own = own(sheets, layouts);
    let of = |wanted: Visibility| {
        list.iter().filter(|sheet| !own.contains(&sheet.name)).filter(move |sheet| sheet.visibility == wanted)
    };
    let seen: Vec<&str> = of(Visibility::Visible).map(|sheet| sheet.name.as_str()).collect();
    let mut contents = Vec::new();
    for &name in &seen {
        let has_table = contents.contains(&Content::Table);
        if has_table && contents.len() >= PROBED_SHEETS {
            break;
        }
        contents.push(probe(sheets, name, layouts));
    }
    let best = (0..contents.len()).rev().max_by_key(|&index| contents[index]);
    let Some(chosen) = best else {
        let hint = "make the sheet visible, or name it with --sheet";
        return Err(missing(list, "that is visible").hint(hint));
    };
    let mut told = Vec::new();
    let others: Vec<String> = (0..seen.len())
        .filter(|&index| index != chosen)
        .map(|index| match contents.get(index) {
            Some(Content::Table) => format!("{} ({A_TABLE_TOO})", seen[index]),
            Some(Content::Nothing | Content::Something) | None => seen[index].to_owned(),
        })
        .collect();
    if !others.is_empty() {
        let found = format!("not read: {}", visible(&others.join(", ")));
        let expected = "one sheet; --sheet NAME reads another one";
        told.push(Finding::new(Code::OtherSheets, found, expected));
    }
    let hidden = of(Visibility::Hidden).map(|sheet| format!("{} (hidden)", sheet.name));
    let very_hidden = of(Visibility::VeryHidden).map(|sheet| format!("{} (very hidden)", sheet.name));
    let hidden: Vec<String> = hidden.chain(very_hidden).collect();
    if !hidden.is_empty() {
        let found = format!("not read: {}", visible(&hidden.join(", ")));
        let expected = "sheets that one can see; --sheet NAME reads a hidden one";
        told.push(Finding::new(Code::HiddenSheets, found, expected));
    }
    Ok((seen[chosen].to_owned(), told))
}

/// The sheets of ours, which are passed over without a word. One that somebody has put a table of usage
/// into is a sheet like any other.
fn own<S: Sheets>(sheets: &mut S, layouts: &Recogniser) -> Vec<String> {
    let mut own = sheets.own();
    own.truncate(PROBED_SHEETS);
    own.retain(|name| probe(sheets, name, layouts) != Content::Table);
    own
}

/// Looks for a header in the first rows. What cannot be read is looked at again where it is chosen.
fn probe<S: Sheets>(sheets: &mut S, sheet: &str, layouts: &Recogniser) -> Content {
    let mut finder = Finder::with(None, layouts.clone());
    let mut content = Content::Nothing;
    let mut rows = 0;
    let row = RawRow::new(Arc::new(Table { file: "".into(), sheet: None }));
    let mut sink = |row: &RawRow| {
        rows += 1;
        if !row.is_blank() {
            content = content.max(Content::Something);
        }
        match finder.take(row) {
            Some(found) => {
                content = if found.is_sure { Content::Table } else { content };
                ControlFlow::Break(())
            }
            None if rows >= PROBED_ROWS => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    };
    let read = super::guarded(std::panic::AssertUnwindSafe(|| sheets.each_row(sheet, row, &mut sink)));
    if read.is_err() {
        return Content::Something;
    }
    if content != Content::Table && finder.end().is_some_and(|found| found.is_sure) {
        content = Content::Table;
    }
    content
}

impl<S: Sheets> Source for Workbook<S> {
    fn each_row(&mut self, sink: &mut Sink<'_>) -> Result<(), Finding> {
        self.sheets.each_row(&self.sheet, RawRow::new(self.table.clone()), sink)
    }

    fn sight(&mut self) -> Sight {
        self.sheets.sight(&self.sheet)
    }

    fn table(&self) -> &Table {
        &self.table
    }

    fn remarks(&self) -> &[Finding] {
        &self.remarks
    }

    fn delimiter(&self) -> Option<u8> {
        None
    }
}

/// What a sheet can hold; a file that says otherwise would cost any amount of time and memory.
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: u32 = 16_384;

/// Puts cells in the order of reading together to rows, and hands the rows on.
pub struct RowBuilder<'a, 'b> {
    row: RawRow,
    number: u32,
    sink: &'a mut Sink<'b>,
}

impl<'a, 'b> RowBuilder<'a, 'b> {
    /// Starts before the first row.
    pub fn new(row: RawRow, sink: &'a mut Sink<'b>) -> Self {
        Self { row, number: 0, sink }
    }

    /// Takes a cell; row and column count from 0. Whether more are wanted.
    pub fn cell(
        &mut self,
        above: u32,
        column: u32,
        text: &str,
        kind: crate::parse::CellKind,
    ) -> Result<ControlFlow<()>, Finding> {
        if above >= MOST_ROWS || column >= MOST_COLUMNS {
            return Err(beyond(above, column));
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if above + 1 < self.number || above + 1 == self.number && column < self.row.width() {
            return Err(self.displaced(above + 1, column, text));
        }
        while self.number <= above {
            if self.number > 0 && (self.sink)(&self.row).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.number += 1;
            self.row.start(self.number);
        }
        self.row.push(column, text, kind);
        Ok(ControlFlow::Continue(()))
    }

    /// What is said of a cell that stands twice, or behind those that follow it.
    fn displaced(&self, row: u32, column: usize, text: &str) -> Finding {
        let place = self.row.table().place(Spot::Cell { row, column: short(column) });
        let known = self.row.cell(column);
        if row < self.number || known.is_blank() {
            let found = format!("a cell with {} behind those of row {}", shown(text), self.number);
            return out_of_order(row).at(place).saying(found);
        }
        let found = format!("a cell that stands twice: with {} and with {}", shown(known.text), shown(text));
        out_of_order(row).at(place).saying(found)
    }

    /// Hands the last row on.
    pub fn end(self) {
        if self.number > 0 {
            let _ = (self.sink)(&self.row);
        }
    }
}

fn beyond(row: u32, column: u32) -> Finding {
    let found = format!("a cell in row {}, column {}", u64::from(row) + 1, u64::from(column) + 1);
    Finding::new(Code::DamagedFile, found, "at most 1,048,576 rows and 16,384 columns")
}

/// Columns count from 0 here, and from 1 in places.
fn short(column: usize) -> u32 {
    u32::try_from(column).map_or(u32::MAX, |column| column.saturating_add(1))
}

/// The beginning of a text.
fn shown(text: &str) -> String {
    visible(&text.chars().take(40).collect::<String>()).to_string()
}

/// What is said of a row that stands twice, or behind those that follow it.
pub fn out_of_order(row: u32) -> Finding {
    let found = format!("row {row} stands twice or out of order");
    Finding::new(Code::DamagedFile, found, "cells in order")
        .hint("open it in a spreadsheet program and save it again")
}
