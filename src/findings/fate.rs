//! What became of every row that was read: the conservation law.
//!
//! Rows read = used + faulty + blank + filtered. Each row has exactly one fate, so the counts add up
//! by construction; what has to be true besides is that a stage names a fate for what it drops.

use std::collections::HashMap;

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

/// The fate of every data row; a row is used until a stage says otherwise. Rows that were added up
/// follow the first of them, whose figure is all of theirs.
#[derive(Debug, Default)]
pub struct Fates {
    rows: Vec<Fate>,
    followers: HashMap<RowIndex, Vec<RowIndex>>,
}

impl Fates {
    /// Takes the next row in.
    pub fn read(&mut self) -> RowIndex {
        let index = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(Fate::Used);
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

    /// What becomes of one row becomes of the other: both are in one figure.
    pub fn follow(&mut self, first: RowIndex, row: RowIndex) {
        let followers = self.followers.entry(first).or_default();
        if followers.last() != Some(&row) {
            followers.push(row);
        }
    }

    /// The rows that follow another one.
    pub fn followers(&self, first: RowIndex) -> &[RowIndex] {
        self.followers.get(&first).map_or(&[], Vec::as_slice)
    }

    fn set(&mut self, row: RowIndex, fate: Fate) {
        let followers = self.followers.get(&row).map_or(&[][..], Vec::as_slice);
        for one in std::iter::once(&row).chain(followers) {
            if let Some(slot) = usize::try_from(one.0).ok().and_then(|index| self.rows.get_mut(index)) {
                *slot = fate;
            }
        }
    }

    /// Counts the rows by fate.
    pub fn counts(&self) -> RowCounts {
        let count = |fate| self.rows.iter().filter(|&&one| one == fate).count();
        RowCounts {
            rows_read: self.rows.len(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_were_added_up_share_their_fate() {
        let mut fates = Fates::default();
        let rows: Vec<RowIndex> = (0..5).map(|_| fates.read()).collect();
        fates.follow(rows[0], rows[1]);
        fates.follow(rows[0], rows[3]);
        fates.follow(rows[2], rows[3]);
        fates.faulty(rows[0]);
        let counts = fates.counts();
        assert_eq!((counts.rows_read, counts.rows_used, counts.rows_faulty), (5, 2, 3));
        assert_eq!(fates.followers(rows[0]), [rows[1], rows[3]]);
        assert_eq!(fates.followers(rows[4]), []);
    }
}
