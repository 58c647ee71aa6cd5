//! The share of requests that a fault strikes: written as a decimal, kept in parts per million.

use std::fmt;
use std::str::FromStr;

use super::random::Random;
use crate::domain::Amount;

/// Parts in one.
const WHOLE: u32 = 1_000_000;

/// A share between one in a million and all.
///
/// ```
/// # use waldur_usage::sandbox::Rate;
/// let rate: Rate = "0.005".parse().unwrap();
/// assert_eq!(rate.to_string(), "0.005");
/// assert_eq!("1".parse(), Ok(Rate::ALL));
/// assert!("1.5".parse::<Rate>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u32);

/// A text is not a [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a decimal from 0.000001 to 1")]
pub struct RateError;

impl Rate {
    /// Every request.
    pub const ALL: Self = Self(WHOLE);

    /// A share in parts per million.
    pub fn per_million(parts: u32) -> Result<Self, RateError> {
        if (1..=WHOLE).contains(&parts) { Ok(Self(parts)) } else { Err(RateError) }
    }

    /// Draws whether a request is struck. Nothing is drawn where all are.
    pub(super) fn strikes(self, random: &mut Random) -> bool {
        self == Self::ALL || random.below(u64::from(WHOLE)) < u64::from(self.0)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        // The decimal is read as an exact amount of parts, so that no share is ever rounded.
        let amount = Amount::parse(&format!("{text}e6")).map_err(|_| RateError)?;
        let parts = amount.to_string();
        let whole = parts.strip_suffix(".00").unwrap_or(&parts);
        whole.parse().map_err(|_| RateError).and_then(Self::per_million)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return formatter.write_str("1");
        }
        formatter.write_str(format!("0.{:06}", self.0).trim_end_matches('0'))
    }
}
