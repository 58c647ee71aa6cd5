//! What a whole column says of how its cells are to be read.
//!
//! A cell that has one reading alone shows how its writer writes; it settles the cells that could be
//! two things. Where cells show both ways, or none shows any and some could be either, nothing is
//! guessed. The law kept here: a reading is taken from the user, from a cell of the same column, or
//! not at all.

use super::{Cell, cells};

/// The first cell that shows a way of writing, and how many do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The row or line of the first one.
    pub row: u32,
    /// The cell as it is shown.
    pub shown: String,
    /// How many cells show the same.
    pub cells: usize,
}

/// What the cells of a column show of two ways of writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    first: Option<Proof>,
    second: Option<Proof>,
}

/// How the cells of a column are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T> {
    /// In this way.
    Settled(T),
    /// No cell shows a way; those with one reading alone can still be read.
    Open,
    /// Cells show both ways, and only those that are alike in both can be read.
    Mixed(Box<(Proof, Proof)>),
}

impl<T: Copy> Verdict<T> {
    /// The way, where there is one.
    pub fn settled(&self) -> Option<T> {
        match self {
            Self::Settled(way) => Some(*way),
            Self::Open | Self::Mixed(_) => None,
        }
    }
}

impl Evidence {
    /// Takes a cell in that can only have been written in one of the ways.
    pub fn add(&mut self, is_first: bool, row: u32, cell: Cell<'_>) {
        match if is_first { &mut self.first } else { &mut self.second } {
            Some(proof) => proof.cells += 1,
            proof @ None => *proof = Some(Proof { row, shown: cells::shown(cell), cells: 1 }),
        }
    }

    /// Decides between the ways; what the user said is not up for decision.
    pub fn verdict<T>(&self, said: Option<T>, first: T, second: T) -> Verdict<T> {
        match (said, &self.first, &self.second) {
            (Some(said), ..) => Verdict::Settled(said),
            (None, Some(_), None) => Verdict::Settled(first),
            (None, None, Some(_)) => Verdict::Settled(second),
            (None, None, None) => Verdict::Open,
            (None, Some(one), Some(other)) => Verdict::Mixed(Box::new((one.clone(), other.clone()))),
        }
    }
}
