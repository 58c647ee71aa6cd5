//! What a sheet shows of its cells, beside what stands in them.
//!
//! A row can be hidden, filtered out or folded away, and several cells can be shown as one. The readers of
//! files say so here; what it means for usage is decided where rows are read.

/// How a row or column comes not to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unseen {
    /// A filter leaves it out.
    Filtered,
    /// It is folded away with its group.
    Collapsed,
    /// Somebody hid it.
    Hidden,
}

/// Rows or columns that are not seen, the last one included; rows count from 1, columns from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first one.
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// How they come not to be seen.
    pub how: Unseen,
}

/// Cells that are shown as one; rows count from 1, columns from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merge {
    /// The first row.
    pub first_row: u32,
    /// The last row.
    pub last_row: u32,
    /// The first column.
    pub first_column: u32,
    /// The last column.
    pub last_column: u32,
}

/// A cell whose formula adds up rows of its own column; rows count from 1, columns from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddedRows {
    /// The row of the formula.
    pub row: u32,
    /// Its column.
    pub column: u32,
    /// The first row that it adds up.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

/// What a sheet shows; a text file shows all that it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Whether the format leaves open what is shown.
    pub is_unknown: bool,
    /// The rows that are not seen, in their order.
    pub rows: Vec<Span>,
    /// The columns that are not seen.
    pub columns: Vec<Span>,
    /// The cells that are shown as one.
    pub merges: Vec<Merge>,
    /// The formulas that add up rows, in the order of reading.
    pub added: Vec<AddedRows>,
}

impl Sight {
    /// What is said of a format that does not tell.
    pub fn unknown() -> Self {
        Self { is_unknown: true, ..Self::default() }
    }

    /// How a column comes not to be seen, counted from 0; `None` where it is.
    pub fn column(&self, column: usize) -> Option<Unseen> {
        let column = u32::try_from(column).ok()?;
        self.columns.iter().find(|span| (span.first..=span.last).contains(&column)).map(|span| span.how)
    }

    /// Adds an unseen row or column to others, which it may continue.
    pub fn add(spans: &mut Vec<Span>, first: u32, last: u32, how: Unseen) {
        match spans.last_mut() {
            Some(span) if span.how == how && span.last.checked_add(1) == Some(first) => span.last = last,
            _ => spans.push(Span { first, last, how }),
        }
    }
}

impl Merge {
    /// Whether it takes in several rows.
    pub fn is_over_rows(&self) -> bool {
        self.last_row > self.first_row
    }
}
