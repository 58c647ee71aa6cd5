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

/// A threshold that would let pass what it does not let pass now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {holds}, and {wanted} is not stricter")]
pub struct Loosened {
    key: String,
    wanted: String,
    holds: String,
}

impl Thresholds {
    /// Judges thresholds as they are written.
    pub fn new(written: WrittenThresholds) -> Result<Self, ThresholdError> {
        Self::faults(&written).into_iter().next().map_or(Ok(Self(written)), Err)
    }

    /// Everything that makes no sense of what is written.
    pub fn faults(written: &WrittenThresholds) -> Vec<ThresholdError> {
        let amounts = [
            ("zeroed_percent", Some(written.zeroed_percent)),
            ("lowest_percent", Some(written.lowest_percent)),
            ("highest_percent", Some(written.highest_percent)),
            ("lowered_percent", Some(written.lowered_percent)),
            ("max_money", written.max_money),
        ];
        let negative = amounts.iter().filter(|(_, amount)| amount.is_some_and(Amount::is_negative));
        let mut faults: Vec<ThresholdError> =
            negative.map(|(key, _)| ThresholdError::Negative(key)).collect();
        if written.zeroed_percent > Amount::from(100) {
            faults.push(ThresholdError::AboveAll("zeroed_percent"));
        }
        if written.lowest_percent > written.highest_percent {
            faults.push(ThresholdError::Crossed);
        }
        faults
    }

    /// The same with one of them made stricter; refuses what would be looser, or no number.
    pub fn tightened(&self, key: &str, wanted: &str) -> Result<Self, Loosened> {
        let mut written = self.0;
        let amount = wanted.parse::<Amount>().ok().filter(|amount| !amount.is_negative());
        let loosened = |holds: String| Loosened { key: key.to_owned(), wanted: wanted.to_owned(), holds };
        let place = match key {
            "zeroed_percent" => &mut written.zeroed_percent,
            "lowest_percent" => &mut written.lowest_percent,
            "highest_percent" => &mut written.highest_percent,
            "lowered_percent" => &mut written.lowered_percent,
            "lowered_rows" => {
                let holds = written.lowered_rows;
                let rows = wanted.parse::<usize>().ok().filter(|rows| *rows <= holds);
                written.lowered_rows = rows.ok_or_else(|| loosened(holds.to_string()))?;
                return Ok(Self(written));
            }
            "max_money" => {
                let holds = written.max_money;
                let most = amount.filter(|most| holds.is_none_or(|holds| *most <= holds));
                let told = || holds.map_or_else(|| "not limited".to_owned(), |holds| holds.to_string());
                written.max_money = Some(most.ok_or_else(|| loosened(told()))?);
                return Ok(Self(written));
            }
            _ => return Err(loosened("no threshold".to_owned())),
        };
        let holds = *place;
        let is_stricter = |wanted: &Amount| {
            if key == "lowest_percent" { *wanted >= holds } else { *wanted <= holds }
        };
        *place = amount.filter(is_stricter).ok_or_else(|| loosened(holds.to_string()))?;
        // A share that is strict from both sides may leave nothing between them.
        if written.lowest_percent > written.highest_percent {
            return Err(loosened(holds.to_string()));
        }
        Ok(Self(written))
    }

    /// The thresholds.
    pub fn get(&self) -> &WrittenThresholds {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_tightened_and_never_loosened() {
        let own = Thresholds::default();
        let keys = [
            ("zeroed_percent", "10", "20.01", "20"),
            ("lowest_percent", "80", "49.99", "50"),
            ("highest_percent", "150", "200.01", "200"),
            ("lowered_percent", "0", "2", "1"),
            ("lowered_rows", "0", "21", "20"),
        ];
        for (key, stricter, looser, same) in keys {
            assert_ne!(own.tightened(key, stricter).unwrap(), own, "{key}");
            assert_eq!(own.tightened(key, same).unwrap(), own, "{key}");
            let error = own.tightened(key, looser).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(looser), "{error}");
            for nonsense in ["", "-1", "many", "1e9", "NaN"] {
                assert!(own.tightened(key, nonsense).is_err(), "{key} {nonsense}");
            }
        }
        let limited = own.tightened("max_money", "1000").unwrap();
        assert_eq!(limited.get().max_money, Some(Amount::from(1000)));
        assert!(limited.tightened("max_money", "1000.01").is_err());
        assert!(limited.tightened("max_money", "10").is_ok());
        assert!(own.tightened("max_monkey", "10").is_err());
        assert!(own.tightened("lowest_percent", "201").is_err(), "nothing would be between them");
    }
}
