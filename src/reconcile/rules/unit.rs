//! Foreign units: what one is in the unit of a component.
//!
//! A product is exact. One that has more than ten decimal places is no amount, and is rounded only
//! where the rule says how.

use std::fmt;

use crate::domain::{Amount, Factor, RoundingRule, Unrounded, visible};

use super::Head;

/// A rule that takes amounts of one unit into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitRule {
    /// Its name and its end.
    pub head: Head,
    /// The unit that files have.
    pub from: String,
    /// The unit of the component.
    pub to: String,
    /// How many of that one of the other is.
    pub factor: Factor,
    /// To round to two decimal places, and how.
    pub round: Option<RoundingRule>,
}

/// What a rule made of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Converted {
    /// This.
    To(Amount),
    /// It has no last digit, and the rule does not say how to round.
    NoLastDigit,
    /// It is beyond the range of amounts.
    TooLarge,
}

impl UnitRule {
    /// Whether it takes the one unit into the other.
    pub fn is_for(&self, from: &str, to: &str) -> bool {
        self.from == from.trim() && self.to == to.trim()
    }

    /// An amount in the other unit.
    pub fn convert(&self, amount: Amount) -> Converted {
        let is_negative = amount.is_negative();
        let turned =
            |amount: Amount| if is_negative { Amount::ZERO.checked_sub(amount) } else { Some(amount) };
        let size = turned(amount).and_then(|size| self.factor.times(Unrounded::from(size)));
        let Some(product) = size else { return Converted::TooLarge };
        let converted = match self.round {
            Some(rule) => product.to_cents(rule),
            None => match product.exact() {
                Some(exact) => Some(exact),
                None => return Converted::NoLastDigit,
            },
        };
        converted.and_then(turned).map_or(Converted::TooLarge, Converted::To)
    }
}

impl fmt::Display for UnitRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "1 {} is {} {}", visible(&self.from), self.factor, visible(&self.to))?;
        match self.round {
            Some(rule) => write!(formatter, ", rounded {rule}"),
            None => Ok(()),
        }
    }
}
