//! Cells that are shown as one.
//!
//! A name that is merged over several rows is of each of them, and is read so. A figure is not: it is one, and
//! nobody can tell how much of it belongs to which row. What stands under a merged cell is seen by nobody,
//! and is never read in silence.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::findings::{Code, Finding, RowIndex, Sums};
use crate::parse::{Cell, CellKind, Merge, ParsedTable, RawRow, Sight, Span, Unseen, cells};

use super::amounts::{AmountColumns, Found};
use super::hidden::{add_amounts, rows_of};

/// Columns of all merged cells together; cells that do not overlap never come near.
const MOST: u64 = 20_000_000;

/// The merged cells of a table, as its rows are read.
#[derive(Debug, Default)]
pub struct Merged {
    merges: Vec<Merge>,
    next: usize,
    /// For each column the last merged cell that began.
    at: Vec<Option<usize>>,
    keys: Vec<usize>,
    header_row: u32,
    /// What stands in a merged cell.
    texts: HashMap<usize, (String, CellKind)>,
    /// Those with one figure for several rows or components.
    shared: HashSet<usize>,
    /// The columns that the row at hand was filled in.
    row_filled: Vec<usize>,
    filled: BTreeMap<usize, Filled>,
    over: BTreeMap<usize, Vec<RowIndex>>,
}

/// Cells of a column that were read from the merged cell above.
#[derive(Debug, Default)]
struct Filled {
    merges: usize,
    stretches: Vec<Span>,
    rows: Vec<RowIndex>,
    sums: Sums,
}

impl Merged {
    /// Looks through the merged cells below a header. `content` names the rows with content, in order.
    pub fn new(
        merges: &[Merge],
        table: &ParsedTable,
        keys: Vec<usize>,
        amounts: &AmountColumns,
        content: &[u32],
    ) -> Result<Self, Finding> {
        let width = u32::try_from(table.headers.len()).unwrap_or(u32::MAX);
        let below =
            merges.iter().filter(|merge| merge.last_row > table.header_row && merge.first_column < width);
        let mut merged = Self { at: vec![None; table.headers.len()], keys, ..Self::default() };
        merged.header_row = table.header_row;
        merged.merges = below.copied().collect();
        merged.merges.sort_unstable();
        let columns =
            merged.merges.iter().map(|merge| u64::from(merge.last_column.min(width) - merge.first_column));
        if columns.sum::<u64>() > MOST {
            let finding = Finding::new(Code::DamagedFile, "merged cells that overlap", "a sound workbook");
            return Err(finding.hint("open it in a spreadsheet program and save it again"));
        }
        for (index, merge) in merged.merges.iter().enumerate() {
            let own = amounts.list().filter(|&column| contains(merge, column)).count();
            let begins_with_amount = amounts.slot(wide(merge.first_column)).is_some();
            // Rows without content of their own belong to the row that the merged cell begins in.
            let first = merge.first_row.max(table.header_row);
            let from = content.partition_point(|&row| row <= first);
            let is_over_rows =
                merge.is_over_rows() && content.get(from).is_some_and(|&row| row <= merge.last_row);
            if own > 0 && is_over_rows || own > 1 && begins_with_amount {
                merged.shared.insert(index);
            }
        }
        Ok(merged)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.merges.is_empty()
    }

    /// Comes to the next row; the row with what it takes from merged cells, where it takes something.
    pub fn begin(&mut self, raw: &RawRow) -> Option<RawRow> {
        let number = raw.number();
        while let Some(merge) = self.merges.get(self.next).filter(|merge| merge.first_row <= number) {
            let first = wide(merge.first_column);
            let last = wide(merge.last_column).min(self.at.len() - 1);
            self.at[first..=last].fill(Some(self.next));
            let is_read = self.shared.contains(&self.next) || self.keys.contains(&first);
            if merge.first_row == number && is_read {
                let cell = raw.cell(first);
                self.texts.insert(self.next, (cell.text.to_owned(), cell.kind));
            }
            self.next += 1;
        }
        self.row_filled.clear();
        if raw.is_blank() {
            return None;
        }
        let mut filled = Vec::new();
        for &column in &self.keys {
            if let Some(index) = self.at(column, number)
                && wide(self.merges[index].first_column) == column
                && self.merges[index].first_row < number
                && raw.cell(column).is_blank()
                && self.texts.get(&index).is_some_and(|(text, _)| !text.is_empty())
            {
                filled.push((column, index));
            }
        }
        if filled.is_empty() {
            return None;
        }
        let mut row = raw.beside(number);
        let width = filled.iter().map(|(column, _)| column + 1).max().unwrap_or_default().max(raw.width());
        for column in 0..width {
            let merge = filled.iter().find(|(own, _)| *own == column).map(|(_, index)| *index);
            match merge.and_then(|index| self.texts.get(&index)) {
                Some((text, kind)) => row.push(column, text, *kind),
                None => row.push(column, raw.cell(column).text, raw.cell(column).kind),
            }
        }
        for &(column, index) in &filled {
            let of_column = self.filled.entry(column).or_default();
            let merge = &self.merges[index];
            if of_column.stretches.last().is_none_or(|span| span.first != merge.first_row) {
                of_column.merges += 1;
                let (first, last, how) = (merge.first_row, merge.last_row, Unseen::Hidden);
                of_column.stretches.push(Span { first, last, how });
            }
            self.row_filled.push(column);
        }
        Some(row)
    }

    /// The merged cell that a cell belongs to.
    fn at(&self, column: usize, number: u32) -> Option<usize> {
        let index = self.at.get(column).copied().flatten()?;
        (self.merges[index].last_row >= number).then_some(index)
    }

    /// Adds the row at hand up, in which cells were filled.
    pub fn add_filled<'a, I: Iterator<Item = Found<'a>>>(&mut self, row: RowIndex, amounts: impl Fn() -> I) {
        for column in std::mem::take(&mut self.row_filled) {
            let of_column = self.filled.entry(column).or_default();
            of_column.rows.push(row);
            add_amounts(&mut of_column.sums, amounts());
        }
    }

    /// Cells of a row that stand under a merged cell, with what is said of each.
    pub fn covered(
        &self,
        raw: &RawRow,
        table: &ParsedTable,
        amounts: &AmountColumns,
    ) -> Vec<(usize, Finding)> {
        let columns = self.keys.iter().copied().chain(amounts.list());
        let covered = columns.filter_map(|column| {
            let cell = raw.cell(column);
            let index = self.at(column, raw.number()).filter(|_| !cell.is_blank())?;
            let merge = &self.merges[index];
            let is_first_column = wide(merge.first_column) == column;
            let is_shown = is_first_column
                && (merge.first_row == raw.number()
                    || self.texts.get(&index).is_some_and(|(text, _)| text == cell.text));
            let mut sums = Sums::default();
            add_amounts(&mut sums, amounts.of(raw, table).filter(|found| found.column == column));
            (!is_shown).then(|| (column, self.covered_cell(merge, index, cell).sums(sums)))
        });
        covered.collect()
    }

    fn covered_cell(&self, merge: &Merge, index: usize, cell: Cell<'_>) -> Finding {
        let rows = rows_of(&[Span { first: merge.first_row, last: merge.last_row, how: Unseen::Hidden }]);
        let over = self.texts.get(&index).map(|(text, kind)| cells::shown(Cell { text, kind: *kind }));
        let over = over.map(|over| format!(" that shows {over}")).unwrap_or_default();
        let s = if merge.is_over_rows() { "s" } else { "" };
        let found = format!("{} under a merged cell of row{s} {rows}{over}", cells::shown(cell));
        Finding::new(Code::CoveredValue, found, "nothing under a merged cell, where nobody sees it")
            .hint("unmerge the cell, and keep the value that is right")
    }

    /// Whether the amount of a row is one for several rows or components; the row is remembered.
    pub fn shares_amount(&mut self, row: RowIndex, number: u32, amounts: &AmountColumns) -> bool {
        let mut shares = false;
        for column in amounts.list() {
            if let Some(index) = self.at(column, number).filter(|index| self.shared.contains(index)) {
                let rows = self.over.entry(index).or_default();
                if rows.last() != Some(&row) {
                    rows.push(row);
                }
                shares = true;
            }
        }
        shares
    }

    /// What is said of merged cells as a whole.
    pub fn findings(self, table: &ParsedTable) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (column, filled) in self.filled {
            let Some(first) = filled.stretches.first().map(|span| span.first) else { continue };
            let (merges, rows) = (filled.merges, filled.rows.len());
            let found = format!(
                "{merges} merged cell{}, read for {rows} further row{}: rows {}",
                if merges == 1 { "" } else { "s" },
                if rows == 1 { "" } else { "s" },
                stretches(&filled.stretches),
            );
            let expected = "a value in every row; a merged one is read for each row that it covers";
            let mut finding = Finding::new(Code::MergedKeys, found, expected);
            finding.rows = filled.rows;
            findings.push(finding.at(table.place(first, Some(column))).sums(filled.sums));
        }
        for (index, rows) in self.over {
            let merge = &self.merges[index];
            let (text, kind) = self.texts.get(&index).cloned().unwrap_or((String::new(), CellKind::Blank));
            let shown = cells::shown(Cell { text: &text, kind });
            let over = if merge.is_over_rows() {
                let first = merge.first_row.max(self.header_row + 1);
                let mut span = Vec::new();
                Sight::add(&mut span, first, merge.last_row, Unseen::Hidden);
                format!("rows {}", rows_of(&span))
            } else {
                let names = (wide(merge.first_column)..=wide(merge.last_column))
                    .filter_map(|column| table.headers.get(column).filter(|header| !header.is_empty()));
                let names: Vec<&str> = names.map(AsRef::as_ref).collect();
                format!("the columns {}", crate::parse::listed(&names))
            };
            let found = format!("{shown} in a cell that is merged over {over}");
            let mut finding =
                Finding::new(Code::MergedAmount, found, "an amount for every row and component")
                    .hint("unmerge the cell and write each amount; 0 reports a usage of zero");
            finding.rows = rows;
            let column = wide(merge.first_column);
            let mut sums = Sums::default();
            if let Ok(amount) = text.parse() {
                sums.add(table.headers.get(column).map_or("", AsRef::as_ref), None, amount);
            }
            findings.push(finding.at(table.place(merge.first_row, Some(column))).sums(sums));
        }
        findings
    }
}

/// Merged cells as people write them, each for itself: `2–4, 5–7`.
fn stretches(spans: &[Span]) -> String {
    let shown = spans.iter().take(8).map(|span| format!("{}–{}", span.first, span.last));
    let more = if spans.len() > 8 { ", …" } else { "" };
    format!("{}{more}", shown.collect::<Vec<_>>().join(", "))
}

fn contains(merge: &Merge, column: usize) -> bool {
    (wide(merge.first_column)..=wide(merge.last_column)).contains(&column)
}

fn wide(column: u32) -> usize {
    usize::try_from(column).unwrap_or(usize::MAX)
}
