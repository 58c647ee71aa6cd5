//! What became of every row that was read: the conservation law.
//!
//! Rows read = used + faulty + blank + filtered. Each row has exactly one fate, so the counts add up
//! by construction; what has to be true besides is that a stage names a fate for what it drops.

use serde::{Deserialize, Serialize};

/// The number of a row among all rows read in a run, counted from 0 over all inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowIndex(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Used,
    Faulty,
    Blank,
    Filtered,
}

/// The fate of every data row; a row is used until a stage says otherwise.
#[derive(Debug, Default)]
pub struct Fates(Vec<Fate>);

impl Fates {
    /// Takes the next row in.
    pub fn read(&mut self) -> RowIndex {
        let index = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push(Fate::Used);
        RowIndex(index)
    }

    /// The row reports nothing.
    pub fn blank(&mut self, row: RowIndex) {
        self.set(row, Fate::Blank);
    }

    /// The row is not in the scope or the period that was asked for.
    pub fn filtered(&mut self, row: RowIndex) {
        self.set(row, Fate::Filtered);
    }

    /// The row has a finding at deny, or goes with one that has.
    pub fn faulty(&mut self, row: RowIndex) {
        self.set(row, Fate::Faulty);
    }

    fn set(&mut self, row: RowIndex, fate: Fate) {
        if let Some(slot) = usize::try_from(row.0).ok().and_then(|index| self.0.get_mut(index)) {
            *slot = fate;
        }
    }

    /// Counts the rows by fate.
    pub fn counts(&self) -> RowCounts {
        let count = |fate| self.0.iter().filter(|&&one| one == fate).count();
        RowCounts {
            rows_read: self.0.len(),
            rows_used: count(Fate::Used),
            rows_faulty: count(Fate::Faulty),
            rows_blank: count(Fate::Blank),
            rows_filtered: count(Fate::Filtered),
        }
    }
}

/// How many data rows were read, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    /// Data rows below the header, blank ones between them included.
    pub rows_read: usize,
    /// Rows whose figures go on.
    pub rows_used: usize,
    /// Rows at deny.
    pub rows_faulty: usize,
    /// Rows that report nothing.
    pub rows_blank: usize,
    /// Rows outside the period or the scope that was asked for.
    pub rows_filtered: usize,
}
