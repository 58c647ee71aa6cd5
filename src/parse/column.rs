//! What a whole column says of how its cells are to be read.
//!
//! A cell that has one reading alone shows how its writer writes; it settles the cells that could be
//! two things. Where cells show both ways, or none shows any and some could be either, nothing is
//! guessed. Nor does one odd cell speak for many others that do not look like it. The law kept here: a
//! reading is taken from the user, from cells of the same column, or not at all.

use super::{Cell, cells};

/// From how many cells in doubt on, for each that shows a way, these are too few.
const MANY: usize = 20;

/// The first cell that shows a way of writing, and how many do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The row or line of the first one.
    pub row: u32,
    /// The cell as it is shown.
    pub shown: String,
    /// How many cells show the same.
    pub cells: usize,
    /// Whether one of them is in a row that is used.
    is_used: bool,
}

/// What the cells of a column show of two ways of writing, the one of number 0 and the one of number 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence<M> {
    proofs: [Option<Proof>; 2],
    /// Cells that could be two things.
    open: usize,
    /// What else they show.
    pub marks: M,
}

/// How the cells of a column are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<T> {
    /// In this way.
    Settled(T),
    /// No cell shows a way; those with one reading alone can still be read.
    Open,
    /// Too few cells show a way to speak for the others; those with one reading alone can still be read.
    Thin(Box<Proof>),
    /// Cells show both ways, and only those that are alike in both can be read.
    Mixed(Box<(Proof, Proof)>),
}

/// What a column says beside its cells of how much a way of writing is to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// Whether the cells in doubt look as this way would write them.
    pub is_like_it: bool,
    /// Whether the file is written as the other way would write it.
    pub is_against_it: bool,
}

impl<T: Copy> Verdict<T> {
    /// The way, where there is one.
    pub fn settled(&self) -> Option<T> {
        match self {
            Self::Settled(way) => Some(*way),
            Self::Open | Self::Thin(_) | Self::Mixed(_) => None,
        }
    }
}

impl<M> Evidence<M> {
    /// Takes a cell in that can only have been written in one of the ways. Whether its row is used is asked
    /// until one is.
    pub fn add(&mut self, is_first: bool, row: u32, cell: Cell<'_>, is_used: impl FnOnce() -> bool) {
        match &mut self.proofs[usize::from(!is_first)] {
            Some(proof) => {
                proof.cells += 1;
                proof.is_used = proof.is_used || is_used();
            }
            proof @ None => {
                *proof = Some(Proof { row, shown: cells::shown(cell), cells: 1, is_used: is_used() });
            }
        }
    }

    /// Takes a cell in that could be two things.
    pub fn add_open(&mut self) {
        self.open += 1;
    }

    /// Decides between the ways; what the user said is not up for decision.
    pub fn verdict<T: Copy>(
        &self,
        said: Option<T>,
        ways: [T; 2],
        trust: impl Fn(&M, usize) -> Trust,
    ) -> Verdict<T> {
        let number = match (said, &self.proofs) {
            (Some(said), _) => return Verdict::Settled(said),
            (None, [None, None]) => return Verdict::Open,
            (None, [Some(one), Some(other)]) => {
                return Verdict::Mixed(Box::new((one.clone(), other.clone())));
            }
            (None, [Some(_), None]) => 0,
            (None, [None, Some(_)]) => 1,
        };
        let Some(proof) = &self.proofs[number] else { return Verdict::Open };
        let Trust { is_like_it, is_against_it } = trust(&self.marks, number);
        let is_doubted = self.is_thin(proof) || is_against_it && proof.cells <= self.open;
        if is_doubted && !is_like_it {
            Verdict::Thin(Box::new(proof.clone()))
        } else {
            Verdict::Settled(ways[number])
        }
    }

    /// The cell that a verdict hangs on, where it is one of few that speak for many, or of a row that is not
    /// used.
    pub fn lone_proof(&self) -> Option<&Proof> {
        match &self.proofs {
            [Some(proof), None] | [None, Some(proof)] => Some(proof).filter(|proof| self.is_thin(proof)),
            [None, None] | [Some(_), Some(_)] => None,
        }
    }

    /// How many cells could be two things.
    pub fn open(&self) -> usize {
        self.open
    }

    fn is_thin(&self, proof: &Proof) -> bool {
        let is_one_for_many =
            proof.cells == 1 && self.open > 1 || proof.cells.saturating_mul(MANY) <= self.open;
        self.open > 0 && (is_one_for_many || !proof.is_used)
    }
}
