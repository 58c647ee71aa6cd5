//! What the user says of other names and other units: aliases of resources, factors between units.
//!
//! As written, with their places. Whether an alias leads anywhere only the catalogue can tell.

use std::fmt;
use std::str::FromStr;

use crate::domain::{Factor, FactorError, Place, visible};

/// Another name of a resource.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The name as files of usage have it.
    pub from: String,
    /// The uuid, name, slug or backend id of the resource.
    pub to: String,
    /// Where the alias stands.
    pub place: Place,
}

/// All that the user says.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    /// Other names of resources, in the order of their file.
    pub resources: Vec<Alias>,
    /// Factors between units.
    pub units: Vec<UnitFactor>,
}

impl Aliases {
    /// The factor from a unit to another one, where there is one.
    pub fn factor(&self, from: &str, to: &str) -> Option<Factor> {
        let fits = |unit: &&UnitFactor| unit.from == from.trim() && unit.to == to.trim();
        self.units.iter().find(fits).map(|unit| unit.factor)
    }
}

/// What an amount of a unit is multiplied by to be one of another unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFactor {
    /// The unit that files of usage have.
    pub from: String,
    /// The unit that the component is measured in.
    pub to: String,
    /// The factor.
    pub factor: Factor,
}

/// A text is no factor between two units.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitFactorError {
    /// It is not of the form.
    #[error("write it as FROM=FACTOR TO, such as 'MB-hours=0.001 GB-hours'")]
    Form,
    /// The factor is none.
    #[error("{0}")]
    Factor(#[from] FactorError),
    /// The units are the same.
    #[error("both units are the same")]
    SameUnit,
}

impl UnitFactor {
    /// Makes one of the words of a table.
    pub fn new(from: &str, factor: &str, to: &str) -> Result<Self, UnitFactorError> {
        let (from, to) = (from.trim(), to.trim());
        if from.is_empty() || to.is_empty() {
            return Err(UnitFactorError::Form);
        }
        if from == to {
            return Err(UnitFactorError::SameUnit);
        }
        Ok(Self { from: from.to_owned(), to: to.to_owned(), factor: factor.parse()? })
    }
}

impl FromStr for UnitFactor {
    type Err = UnitFactorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (from, rest) = text.split_once('=').ok_or(UnitFactorError::Form)?;
        let (factor, to) = rest.trim().split_once(char::is_whitespace).ok_or(UnitFactorError::Form)?;
        Self::new(from, factor, to)
    }
}

impl fmt::Display for UnitFactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "1 {} = {} {}", visible(&self.from), self.factor, visible(&self.to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_between_units_are_written_as_one_says_them() {
        let parsed = |text: &str| text.parse::<UnitFactor>();
        assert_eq!(parsed("hours = 1/1000 k-hours").unwrap().to_string(), "1 hours = 0.001 k-hours");
        assert_eq!(parsed("min=1/60 h").unwrap().to_string(), "1 min = 1/60 h");
        assert_eq!(parsed("MB=0.001"), Err(UnitFactorError::Form));
        assert_eq!(parsed("MB 0.001 GB"), Err(UnitFactorError::Form));
        assert_eq!(parsed("=2 GB"), Err(UnitFactorError::Form));
        assert_eq!(parsed("GB=2 GB"), Err(UnitFactorError::SameUnit));
        assert_eq!(parsed("MB=0,001 GB"), Err(UnitFactorError::Factor(FactorError)));
    }
}
