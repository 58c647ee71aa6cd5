//! Rows and columns that hold usage and that nobody sees.
//!
//! A row that a filter leaves out is in the file all the same, and would be booked. So it is neither taken
//! nor left out in silence: the user says which, knowing how many rows and how much usage it is about.

use std::fmt::Write;

use crate::findings::{Code, Finding, RowIndex, Sums};
use crate::parse::{ParsedTable, Sight, Span, Unseen};

use super::amounts::Found;

/// How many stretches of rows are written out.
const SHOWN: usize = 8;

/// What becomes of what is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// It is taken like all the rest.
    Use,
    /// It is left out.
    Skip,
}

/// The hidden rows of a table.
#[derive(Debug, Default)]
pub struct HiddenRows {
    spans: Vec<Span>,
    next: usize,
    /// The rows with content.
    rows: Vec<RowIndex>,
    /// The same, in stretches.
    stretches: Vec<Span>,
    counts: [usize; 3],
    sums: Sums,
}

impl HiddenRows {
    /// Starts before the first row.
    pub fn new(spans: Vec<Span>) -> Self {
        Self { spans, ..Self::default() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How a row comes not to be seen; rows are asked for in their order.
    pub fn of(&mut self, number: u32) -> Option<Unseen> {
        while self.spans.get(self.next).is_some_and(|span| span.last < number) {
            self.next += 1;
        }
        self.spans.get(self.next).filter(|span| span.first <= number).map(|span| span.how)
    }

    /// Takes in a row with content.
    pub fn add<'a>(
        &mut self,
        row: RowIndex,
        number: u32,
        how: Unseen,
        amounts: impl Iterator<Item = Found<'a>>,
    ) {
        self.rows.push(row);
        Sight::add(&mut self.stretches, number, number, how);
        self.counts[match how {
            Unseen::Filtered => 0,
            Unseen::Collapsed => 1,
            Unseen::Hidden => 2,
        }] += 1;
        add_amounts(&mut self.sums, amounts);
    }

    /// What is said of them; `None` where there are none.
    pub fn finding(self, table: &ParsedTable, said: Option<Hidden>) -> Option<Finding> {
        let first = self.stretches.first()?;
        let rows = self.rows.len();
        let mut found = format!("{rows} row{} with content", if rows == 1 { "" } else { "s" });
        let ways = ["filtered out", "in a collapsed group", "hidden"];
        let ways = self.counts.iter().zip(ways).filter(|(count, _)| **count > 0);
        let ways: Vec<String> = ways.map(|(count, how)| format!("{count} {how}")).collect();
        let _ = write!(found, " ({}): {}", ways.join(", "), rows_of(&self.stretches));
        let (code, expected) = match said {
            None => (Code::HiddenRows, "rows that can be seen, or your word on what becomes of the others"),
            Some(Hidden::Use) => {
                (Code::HiddenRowsUsed, "rows that can be seen; these are used like all others")
            }
            Some(Hidden::Skip) => (Code::HiddenRowsSkipped, "rows that can be seen; these are not used"),
        };
        let mut finding = Finding::new(code, found, expected).at(table.place(first.first, None));
        if said.is_none() {
            finding = finding.hint(
                "clear the filter, expand the groups or unhide the rows, and look at them; or say \
                 --hidden-rows use to report them too, --hidden-rows skip to leave them out",
            );
        }
        finding.rows = self.rows;
        Some(finding.sums(self.sums))
    }
}

/// A hidden column of amounts.
#[derive(Debug)]
pub struct HiddenColumn {
    /// The column, counted from 0.
    pub column: usize,
    how: Unseen,
    cells: usize,
    sums: Sums,
}

impl HiddenColumn {
    /// Starts without a cell.
    pub fn new(column: usize, how: Unseen) -> Self {
        Self { column, how, cells: 0, sums: Sums::default() }
    }

    /// Takes in what a row has in the column.
    pub fn add(&mut self, found: Found<'_>) {
        // A hidden column of words is none of amounts; a cell that cannot be read may be one.
        if !found.is_figure() {
            return;
        }
        self.cells += 1;
        add_amounts(&mut self.sums, std::iter::once(found));
    }

    /// What is said of it; `None` where it holds nothing.
    pub fn finding(self, table: &ParsedTable, said: Option<Hidden>, can_be_skipped: bool) -> Option<Finding> {
        if self.cells == 0 {
            return None;
        }
        let how = match self.how {
            Unseen::Filtered | Unseen::Hidden => "hidden",
            Unseen::Collapsed => "in a collapsed group",
        };
        let cells = self.cells;
        let found = format!("a column that is {how}, with {cells} cell{}", if cells == 1 { "" } else { "s" });
        let (code, expected) = match said {
            Some(Hidden::Use) => (Code::HiddenColumnsUsed, "columns that can be seen; this one is used too"),
            Some(Hidden::Skip) if can_be_skipped => {
                (Code::HiddenColumnsSkipped, "columns that can be seen; this one is not used")
            }
            _ => (Code::HiddenColumns, "columns of amounts that can be seen, or your word on the others"),
        };
        let finding =
            Finding::new(code, found, expected).at(table.place(table.header_row, Some(self.column)));
        let finding = match (code, can_be_skipped) {
            (Code::HiddenColumns, true) => finding.hint(
                "unhide the column and look at it; or say --hidden-columns use to report it too, \
                 --hidden-columns skip to leave it out",
            ),
            (Code::HiddenColumns, false) => finding.hint(
                "unhide the column and look at it, or say --hidden-columns use; it is the only one with \
                 amounts, so it cannot be left out",
            ),
            _ => finding,
        };
        Some(finding.sums(self.sums))
    }
}

/// Adds up what can be read.
pub fn add_amounts<'a>(sums: &mut Sums, amounts: impl Iterator<Item = Found<'a>>) {
    for found in amounts {
        if let Some(amount) = found.amount {
            sums.add(found.component, found.unit, amount);
        }
    }
}

/// Rows as people write them: `5–9, 14`.
pub fn rows_of(stretches: &[Span]) -> String {
    let mut joined: Vec<(u32, u32)> = Vec::new();
    for span in stretches {
        match joined.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(span.first) => *last = span.last,
            _ => joined.push((span.first, span.last)),
        }
    }
    let shown = joined
        .iter()
        .take(SHOWN)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}–{last}") });
    let more = if joined.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.collect::<Vec<_>>().join(", "))
}
