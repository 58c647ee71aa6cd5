//! The marked copy: what a check found, put into the user's own workbook.
//!
//! A workbook of the Excel formats is marked inside; of any other file the values go into a new workbook.
//! Either can be mended where the marks are and checked again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::domain::{Place, Spot, visible};
use crate::error::Error;
use crate::findings::{Code, Finding, Severity};
use crate::report::{
    MOST_COMMENTS, MarkError, Marked, MarkedCell, Marks, PlainCopy, Remark, ReportError, WorkbookKind, mark,
    note, write_file,
};
use crate::source::{Input, each_row};

use super::check::Check;

/// The sheet of a copy whose file has none.
const SHEET: &str = "Usage";

/// A marked copy that was written.
#[derive(Debug)]
pub struct Annotated {
    /// The file.
    pub path: PathBuf,
    /// Whether it is the user's workbook, and not a new one with its values.
    pub is_patched: bool,
    /// Cells that are coloured.
    pub cells: usize,
    /// Cells that have a comment of ours.
    pub comments: usize,
    /// Findings that are listed.
    pub findings: usize,
}

/// Writes the marked copy of the one file that was checked.
pub fn annotate(check: &Check, sheet_named: Option<&str>, out: &Path) -> Result<Annotated, Error> {
    let [input] = check.loaded.inputs.as_slice() else {
        return Err(Error::Bug("a marked copy of several files".into()));
    };
    let kind = WorkbookKind::of(input.bytes());
    let ending = kind.map_or("xlsx", WorkbookKind::ending);
    if !has_ending(out, ending) {
        let what = format!("a marked copy of {} is an .{ending} file", visible(input.name()));
        let name = out.with_extension(ending);
        return Err(Error::setting(what, format!("name it {}", visible(&name.to_string_lossy()))));
    }
    let opened = input.open(sheet_named);
    let own = opened.as_ref().ok().and_then(|source| source.table().sheet.clone());
    let refused = |finding: Finding| {
        let what = format!("{} cannot be marked: {}", visible(input.name()), finding.found);
        Error::setting(what, finding.hint.unwrap_or_default())
    };
    let (bytes, sheet) = match (kind, own) {
        (Some(_), Some(own)) => (None, own.as_ref().to_owned()),
        (_, own) => {
            let source = opened.map_err(refused)?;
            only_the_file_shows(check, input, source.delimiter())?;
            let (bytes, sheet) =
                copy(input, sheet_named, own.as_deref().unwrap_or(SHEET)).map_err(|error| match error {
                    CopyFault::Unread(finding) => refused(*finding),
                    CopyFault::Unfit(error) => unmarked(error, input),
                })?;
            (Some(bytes), sheet)
        }
    };
    let marks = marks(check, input, sheet_named);
    let (cells, findings) = (marks.cells.len(), marks.remarks.len());
    let Marked { bytes: marked, comments } = mark(bytes.as_deref().unwrap_or(input.bytes()), &sheet, &marks)
        .map_err(|error| unmarked(error, input))?;
    write_file(out, &marked)?;
    Ok(Annotated { path: out.to_owned(), is_patched: bytes.is_none(), cells, comments, findings })
}

/// Refuses to take values over into a workbook that would be read as if nothing were wrong with them: rows
/// of a text that break off wrongly, and what a sheet hides, merges or computes.
fn only_the_file_shows(check: &Check, input: &Input, delimiter: Option<u8>) -> Result<(), Error> {
    let of_text = |code| match code {
        Code::ExtraCell | Code::SplitNumber | Code::ShiftedCells => true,
        // What speaks for a decimal comma is the semicolon between the cells.
        Code::AmbiguousAmount => delimiter == Some(b';'),
        _ => false,
    };
    let of_sheet = |code| match code {
        Code::HiddenRows
        | Code::HiddenRowsUsed
        | Code::HiddenRowsSkipped
        | Code::HiddenColumns
        | Code::HiddenColumnsUsed
        | Code::HiddenColumnsSkipped
        | Code::HiddenKeyColumns
        | Code::MergedKeys
        | Code::MergedAmount
        | Code::CoveredValue
        | Code::SumOfRows => true,
        // A moment beside its time zone becomes a text without one.
        Code::InvalidPeriod => input.bytes().starts_with(b"PAR1"),
        _ => false,
    };
    let is_one =
        |finding: &&Finding| if delimiter.is_some() { of_text(finding.code) } else { of_sheet(finding.code) };
    let Some(finding) = check.findings.list().iter().find(is_one) else { return Ok(()) };
    let what = format!(
        "{} cannot be marked: {}, which a new workbook would not show",
        visible(input.name()),
        finding.code.title()
    );
    let hint = if delimiter.is_some() {
        "mend that in the text file first: a decimal comma between commas has to be quoted, and --decimal \
         settles what a number is"
    } else {
        "save it as .xlsx in a spreadsheet program and mark that file: it keeps what is hidden and merged"
    };
    Err(Error::setting(what, hint))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending))
}

/// What an error of the marking means for the user.
fn unmarked(error: MarkError, input: &Input) -> Error {
    let name = visible(input.name());
    match error {
        MarkError::Signed => Error::setting(
            format!("{name}: {error}"),
            "look at the findings here, or save a copy without the signature and check that one",
        ),
        MarkError::Unfit(_) => Error::setting(
            format!("{name}: {error}"),
            "open it in a spreadsheet program, save it as .xlsx, and check that file",
        ),
        MarkError::Build(error) => ReportError::Build(error).into(),
    }
}

enum CopyFault {
    Unread(Box<Finding>),
    Unfit(MarkError),
}

/// The values of a file as a new workbook, and the name of its sheet.
fn copy(input: &Input, sheet: Option<&str>, name: &str) -> Result<(Vec<u8>, String), CopyFault> {
    let mut source = input.open(sheet).map_err(|finding| CopyFault::Unread(Box::new(finding)))?;
    let mut copy = PlainCopy::new(name).map_err(CopyFault::Unfit)?;
    each_row(source.as_mut(), &mut |row| copy.row(row))
        .map_err(|finding| CopyFault::Unread(Box::new(finding)))?;
    let name = copy.sheet().to_owned();
    Ok((copy.finish().map_err(CopyFault::Unfit)?, name))
}

/// What a cell is coloured and commented for.
#[derive(Default)]
struct Found<'a> {
    /// What its comment speaks of.
    told: Vec<&'a Finding>,
    /// Whether something at deny stands in it or in its whole row.
    is_deny: bool,
}

impl<'a> Found<'a> {
    fn tell(&mut self, finding: &'a Finding) {
        self.colour(finding);
        if !self.told.iter().any(|known| std::ptr::eq(*known, finding)) {
            self.told.push(finding);
        }
    }

    fn colour(&mut self, finding: &Finding) {
        self.is_deny |= finding.severity == Severity::Deny;
    }
}

/// Everything that was found, by cell and as a list.
fn marks(check: &Check, input: &Input, sheet: Option<&str>) -> Marks {
    let mut findings: Vec<&Finding> = check.findings.list().iter().collect();
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.code));
    let mut cells: BTreeMap<(u32, u32), Found<'_>> = BTreeMap::new();
    for finding in &findings {
        for cell in places(check, finding) {
            cells.entry(cell).or_default().tell(finding);
        }
    }
    // What is about a row colours all of it, and is told at its first cell.
    let wanted = findings.iter().flat_map(|finding| rows(finding)).collect();
    let filled = filled_cells(input, sheet, &wanted);
    for finding in &findings {
        for row in rows(finding) {
            let columns = filled.get(&row).map_or(&[1][..], Vec::as_slice);
            for (index, &column) in columns.iter().enumerate() {
                let cell = cells.entry((row, column)).or_default();
                if index == 0 { cell.tell(finding) } else { cell.colour(finding) }
            }
        }
    }
    let mut cells: Vec<((u32, u32), Found<'_>)> = cells.into_iter().collect();
    // The gravest first: not all of many cells get a comment.
    cells.sort_by_key(|(_, found)| !found.is_deny);
    let mut notes = 0;
    let cells = cells.into_iter().map(|((row, column), found)| {
        let has_note = !found.told.is_empty() && notes < MOST_COMMENTS;
        notes += usize::from(has_note);
        let told: Vec<Remark> = found.told.into_iter().filter(|_| has_note).map(remark).collect();
        MarkedCell { row, column, is_deny: found.is_deny, note: note(&told) }
    });
    let cells = cells.collect();
    Marks { summary: summary(check, input), remarks: findings.into_iter().map(remark).collect(), cells }
}

/// The rows that a finding is about as a whole.
fn rows(finding: &Finding) -> Vec<u32> {
    let row = |place: &Place| match place.spot {
        Spot::Row(row) => Some(row),
        Spot::Whole | Spot::Cell { .. } => None,
    };
    finding.place.iter().chain(&finding.others).filter_map(row).collect()
}

/// The columns with content of some rows. The file is read once more for them.
fn filled_cells(input: &Input, sheet: Option<&str>, wanted: &BTreeSet<u32>) -> BTreeMap<u32, Vec<u32>> {
    let mut filled = BTreeMap::new();
    if wanted.is_empty() {
        return filled;
    }
    let Ok(mut source) = input.open(sheet) else { return filled };
    // Where it breaks off, the rows behind that have no marks of their own.
    let _ = each_row(source.as_mut(), &mut |row| {
        if wanted.contains(&row.number()) {
            let columns = (1..).zip(row.cells()).filter(|(_, cell)| !cell.is_blank());
            let columns: Vec<u32> = columns.map(|(column, _)| column).collect();
            if !columns.is_empty() {
                filled.insert(row.number(), columns);
            }
        }
    });
    filled
}

/// The cells that a finding is about. One that speaks for a whole column names some of them, and knows the
/// rows of all.
fn places(check: &Check, finding: &Finding) -> Vec<(u32, u32)> {
    let cell = |place: &Place| match place.spot {
        Spot::Cell { row, column } => Some((row, column)),
        Spot::Whole | Spot::Row(_) => None,
    };
    let named: Vec<(u32, u32)> = finding.place.iter().chain(&finding.others).filter_map(cell).collect();
    let Some(&(_, column)) = named.first().filter(|_| finding.rows.len() > named.len()) else { return named };
    let addresses = &check.loaded.parsed.addresses;
    let row = |index: u32| addresses.get(usize::try_from(index).ok()?).map(|(_, number)| *number);
    let all = finding.rows.iter().filter_map(|index| row(index.0)).map(|row| (row, column));
    named.iter().copied().chain(all).collect()
}

fn remark(finding: &Finding) -> Remark {
    Remark {
        is_deny: finding.severity == Severity::Deny,
        code: finding.code.name(),
        title: finding.code.title(),
        place: finding.place.clone(),
        others: finding.others.clone(),
        found: finding.found.clone(),
        expected: finding.expected.to_string(),
        hint: finding.hint.clone(),
    }
}

/// What stands above the findings.
fn summary(check: &Check, input: &Input) -> Vec<String> {
    let counts = check.counts();
    let (denied, warned) = (check.findings.count(Severity::Deny), check.findings.count(Severity::Warn));
    let verdict = match (denied, warned) {
        (0, 0) => "Nothing was found.".to_owned(),
        (denied, warned) => {
            format!("{denied} at deny, which keep it from being posted; {warned} to look at.")
        }
    };
    vec![
        format!("{}: {verdict}", input.name()),
        format!(
            "{} rows read: {} used, {} faulty, {} blank, {} filtered",
            counts.rows_read, counts.rows_used, counts.rows_faulty, counts.rows_blank, counts.rows_filtered
        ),
        "Mend the coloured cells in this workbook, save it and check it again; this sheet is not read."
            .to_owned(),
    ]
}
