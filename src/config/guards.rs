//! Thresholds of guards as files write them: what is left out is left to whoever stands below.

use serde::Deserialize;

use crate::domain::Amount;
use crate::plan::{ThresholdError, Thresholds, WrittenThresholds};

/// The thresholds that a file sets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenGuards {
    zeroed_percent: Option<Amount>,
    lowest_percent: Option<Amount>,
    highest_percent: Option<Amount>,
    lowered_percent: Option<Amount>,
    lowered_rows: Option<usize>,
    max_money: Option<Amount>,
}

impl WrittenGuards {
    /// These thresholds, and those below where these are silent.
    pub fn over(self, below: Self) -> Self {
        Self {
            zeroed_percent: self.zeroed_percent.or(below.zeroed_percent),
            lowest_percent: self.lowest_percent.or(below.lowest_percent),
            highest_percent: self.highest_percent.or(below.highest_percent),
            lowered_percent: self.lowered_percent.or(below.lowered_percent),
            lowered_rows: self.lowered_rows.or(below.lowered_rows),
            max_money: self.max_money.or(below.max_money),
        }
    }

    /// All thresholds, with what holds where these are silent.
    pub fn whole(self) -> WrittenThresholds {
        let usual = WrittenThresholds::default();
        WrittenThresholds {
            zeroed_percent: self.zeroed_percent.unwrap_or(usual.zeroed_percent),
            lowest_percent: self.lowest_percent.unwrap_or(usual.lowest_percent),
            highest_percent: self.highest_percent.unwrap_or(usual.highest_percent),
            lowered_percent: self.lowered_percent.unwrap_or(usual.lowered_percent),
            lowered_rows: self.lowered_rows.unwrap_or(usual.lowered_rows),
            max_money: self.max_money.or(usual.max_money),
        }
    }

    /// The stricter of each of these thresholds and those of another file.
    pub fn and(self, other: Self) -> Self {
        fn of<T: Copy + Ord>(one: Option<T>, other: Option<T>, pick: fn(T, T) -> T) -> Option<T> {
            one.zip(other).map(|(one, other)| pick(one, other)).or(one).or(other)
        }
        Self {
            zeroed_percent: of(self.zeroed_percent, other.zeroed_percent, Amount::min),
            lowest_percent: of(self.lowest_percent, other.lowest_percent, Amount::max),
            highest_percent: of(self.highest_percent, other.highest_percent, Amount::min),
            lowered_percent: of(self.lowered_percent, other.lowered_percent, Amount::min),
            lowered_rows: of(self.lowered_rows, other.lowered_rows, usize::min),
            max_money: of(self.max_money, other.max_money, Amount::min),
        }
    }

    /// Everything that makes no sense, each with the key that it is about.
    pub fn faults(self) -> Vec<(&'static str, ThresholdError)> {
        let key = |error: ThresholdError| match error {
            ThresholdError::Negative(key) | ThresholdError::AboveAll(key) => key,
            ThresholdError::Crossed if self.sets("lowest_percent") => "lowest_percent",
            ThresholdError::Crossed => "highest_percent",
        };
        Thresholds::faults(&self.whole()).into_iter().map(|error| (key(error), error)).collect()
    }

    /// Whether a threshold is set here.
    pub fn sets(self, key: &str) -> bool {
        match key {
            "zeroed_percent" => self.zeroed_percent.is_some(),
            "lowest_percent" => self.lowest_percent.is_some(),
            "highest_percent" => self.highest_percent.is_some(),
            "lowered_percent" => self.lowered_percent.is_some(),
            "lowered_rows" => self.lowered_rows.is_some(),
            "max_money" => self.max_money.is_some(),
            _ => false,
        }
    }

    /// The thresholds that would let more pass than those below.
    pub fn loosened(self, below: Self) -> Vec<&'static str> {
        let below = below.whole();
        let more = |own: Option<Amount>, limit: Amount| own.is_some_and(|own| own > limit);
        let loosened = [
            ("zeroed_percent", more(self.zeroed_percent, below.zeroed_percent)),
            ("lowest_percent", self.lowest_percent.is_some_and(|own| own < below.lowest_percent)),
            ("highest_percent", more(self.highest_percent, below.highest_percent)),
            ("lowered_percent", more(self.lowered_percent, below.lowered_percent)),
            ("lowered_rows", self.lowered_rows.is_some_and(|own| own > below.lowered_rows)),
            ("max_money", below.max_money.is_some_and(|limit| more(self.max_money, limit))),
        ];
        loosened.into_iter().filter(|(_, is_loosened)| *is_loosened).map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guards(text: &str) -> WrittenGuards {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn each_level_goes_over_the_one_below() {
        let user = guards("zeroed_percent = 30\nmax_money = '1000.50'");
        let server = guards("zeroed_percent = 10");
        let whole = server.over(user).whole();
        assert_eq!(whole.zeroed_percent, Amount::from(10));
        assert_eq!(whole.max_money, Some("1000.50".parse().unwrap()));
        assert_eq!(whole.highest_percent, Amount::from(200));
        assert_eq!(WrittenGuards::default().whole(), WrittenThresholds::default());
    }

    #[test]
    fn of_two_files_the_stricter_counts_for_each_threshold() {
        let one = guards("zeroed_percent = 10\nlowest_percent = 60\nlowered_rows = 5\nmax_money = 9");
        let other =
            guards("zeroed_percent = 5\nlowest_percent = 70\nlowered_rows = 7\nhighest_percent = 150");
        let both = guards(
            "zeroed_percent = 5\nlowest_percent = 70\nlowered_rows = 5\nmax_money = 9\nhighest_percent = 150",
        );
        assert_eq!((one.and(other), other.and(one)), (both, both));
    }

    #[test]
    fn looser_is_more_for_all_but_the_lowest_total() {
        let below = guards("max_money = 100");
        for (text, expected) in [
            ("zeroed_percent = 21", Some("zeroed_percent")),
            ("zeroed_percent = 20", None),
            ("lowest_percent = 49", Some("lowest_percent")),
            ("lowest_percent = 51", None),
            ("highest_percent = 201", Some("highest_percent")),
            ("lowered_percent = 2", Some("lowered_percent")),
            ("lowered_rows = 21", Some("lowered_rows")),
            ("lowered_rows = 0", None),
            ("max_money = 101", Some("max_money")),
            ("max_money = 99", None),
            ("", None),
        ] {
            assert_eq!(guards(text).loosened(below), expected.into_iter().collect::<Vec<_>>(), "{text}");
        }
        assert!(guards("max_money = 1000000").loosened(WrittenGuards::default()).is_empty());
    }
}
