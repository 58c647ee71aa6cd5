//! From what on a plan is refused: as it is written, and as it is held to.

use serde::Deserialize;

use crate::domain::Amount;

/// The thresholds as a configuration writes them, with what holds where it is silent. Shares are
/// percents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenThresholds {
    /// The share of rows that may become zero.
    pub zeroed_percent: Amount,
    /// The least that the total of a component may be of last month's.
    pub lowest_percent: Amount,
    /// The most.
    pub highest_percent: Amount,
    /// By how much a stored value may be lowered before its row counts.
    pub lowered_percent: Amount,
    /// How many such rows there may be.
    pub lowered_rows: usize,
    /// What a plan may add to invoices, and what it may take away; no limit where there is none.
    pub max_money: Option<Amount>,
}

impl Default for WrittenThresholds {
    fn default() -> Self {
        Self {
            zeroed_percent: Amount::from(20),
            lowest_percent: Amount::from(50),
            highest_percent: Amount::from(200),
            lowered_percent: Amount::from(1),
            lowered_rows: 20,
            max_money: None,
        }
    }
}

/// Thresholds that make sense: none is below zero, no share of rows is more than all of them, and
/// the lowest total is not above the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Thresholds(WrittenThresholds);

/// A threshold that makes no sense, by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// It is below zero.
    #[error("{0} is below 0")]
    Negative(&'static str),
    /// It is a share of rows of more than all of them.
    #[error("{0} is above 100")]
    AboveAll(&'static str),
    /// The lowest total is above the highest.
    #[error("lowest_percent is above highest_percent")]
    Crossed,
}

impl Thresholds {
    /// Judges thresholds as they are written.
    pub fn new(written: WrittenThresholds) -> Result<Self, ThresholdError> {
        let amounts = [
            ("zeroed_percent", Some(written.zeroed_percent)),
            ("lowest_percent", Some(written.lowest_percent)),
            ("highest_percent", Some(written.highest_percent)),
            ("lowered_percent", Some(written.lowered_percent)),
            ("max_money", written.max_money),
        ];
        let is_negative = |(_, amount): &&(&str, Option<Amount>)| amount.is_some_and(Amount::is_negative);
        if let Some((key, _)) = amounts.iter().find(is_negative) {
            return Err(ThresholdError::Negative(key));
        }
        if written.zeroed_percent > Amount::from(100) {
            return Err(ThresholdError::AboveAll("zeroed_percent"));
        }
        if written.lowest_percent > written.highest_percent {
            return Err(ThresholdError::Crossed);
        }
        Ok(Self(written))
    }

    /// The thresholds.
    pub fn get(&self) -> &WrittenThresholds {
        &self.0
    }
}
