//! The proof: nothing is lost between the totals of the sides and the differences of the classes.

use serde::Serialize;

use crate::domain::Amount;

use super::class::Class;
use super::report::Measured;

/// The proof of all components.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Proof {
    /// By component and unit.
    pub rows: Vec<ProofRow>,
}

impl Proof {
    /// Whether it adds up everywhere.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(ProofRow::holds)
    }
}

/// The proof of a component in one unit: what one side has in all, less what the other has in all, is
/// what the differences of the classes come to. The totals are added up from the rows as they were
/// read, the differences from the lines as they were classed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProofRow {
    /// The component and its unit.
    #[serde(flatten)]
    pub measured: Measured,
    /// What the file has; without a file, what is billed.
    pub file: Amount,
    /// What the server has.
    pub server: Amount,
    /// The differences by class; only classes that occur.
    pub classes: Vec<(Class, Amount)>,
}

impl ProofRow {
    /// What the file has less what the server has; `None` beyond the range of amounts.
    pub fn difference(&self) -> Option<Amount> {
        self.file.checked_sub(self.server)
    }

    /// What the differences of the classes come to.
    pub fn explained(&self) -> Option<Amount> {
        Amount::total(self.classes.iter().map(|(_, amount)| *amount))
    }

    /// Whether the one is the other, to the last digit.
    pub fn holds(&self) -> bool {
        self.difference().is_some() && self.difference() == self.explained()
    }
}
