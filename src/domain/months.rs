//! Months as people name them: by their dates, or by where they stand beside the month that is open.

use std::fmt;
use std::str::FromStr;

use super::{BillingPeriod, PeriodRange};

/// Which months; what `open` and `last-month` are, the server's clock says.
///
/// ```
/// # use waldur_usage::domain::{BillingPeriod, Months};
/// let months: Months = "last-month".parse().unwrap();
/// let open: BillingPeriod = "2026-01".parse().unwrap();
/// assert_eq!(months.range(open).to_string(), "2025-12");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Months {
    /// By their dates.
    Range(PeriodRange),
    /// The month that is open.
    Open,
    /// The month before the open one.
    Last,
    /// Both: the months in which most is still reported.
    LastAndOpen,
    /// From a month up to the one that is open.
    Since(BillingPeriod),
}

impl Months {
    /// The months, where this one is open.
    pub fn range(self, open: BillingPeriod) -> PeriodRange {
        match self {
            Self::Range(range) => range,
            Self::Open => PeriodRange::single(open),
            Self::Last => PeriodRange::single(open.previous().unwrap_or(open)),
            Self::LastAndOpen => PeriodRange::up_to(open.previous().unwrap_or(open), open),
            Self::Since(first) => PeriodRange::up_to(first, open),
        }
    }

    /// Whether it is one month, whichever is open.
    pub fn is_single(self) -> bool {
        match self {
            Self::Range(range) => range.as_single().is_some(),
            Self::Open | Self::Last => true,
            Self::LastAndOpen | Self::Since(_) => false,
        }
    }
}

impl FromStr for Months {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "last-month" => Ok(Self::Last),
            "last-month..open" => Ok(Self::LastAndOpen),
            months => match months.strip_suffix("..open").map(str::parse) {
                Some(Ok(first)) => return Ok(Self::Since(first)),
                Some(Err(_)) | None => months,
            }
            .parse().map(Self::Range).map_err(|error| {
                format!(
                    "{error}, as YYYY-MM..YYYY-MM with the earlier one first, as `open` or `last-month`, or up to it as \
                     last-month..open or YYYY-MM..open"
                )
            }),
        }
    }
}

impl fmt::Display for Months {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => range.fmt(formatter),
            Self::Open => formatter.pad("open"),
            Self::Last => formatter.pad("last-month"),
            Self::LastAndOpen => formatter.pad("last-month..open"),
            Self::Since(first) => write!(formatter, "{first}..open"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_named_by_date_or_beside_the_open_one() {
        let open: BillingPeriod = "2026-11".parse().unwrap();
        for (text, range) in [
            ("open", "2026-11"),
            ("last-month", "2026-10"),
            ("2026-08", "2026-08"),
            ("2026-08..2026-10", "2026-08..2026-10"),
            ("last-month..open", "2026-10..2026-11"),
            ("2026-01..open", "2026-01..2026-11"),
        ] {
            let months: Months = text.parse().unwrap();
            assert_eq!(months.range(open).to_string(), range);
            assert_eq!(months.to_string(), text);
            assert_eq!(months.is_single(), !text.contains(".."));
        }
        // The server's month is not known before it is asked, so a month to come is told later.
        assert_eq!("2027-01..open".parse::<Months>().unwrap().range(open).to_string(), "2027-01");
        for text in [
            "",
            "..open",
            "open..open",
            "2026-13..open",
            "this-month",
            "2026-10..2026-08",
            "${MONTH}",
            "Open",
        ] {
            assert!(text.parse::<Months>().is_err(), "{text}");
        }
    }
}
