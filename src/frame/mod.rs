//! The columnar engine, and the only home of polars: keys in, matched positions out.
//!
//! Knows only `domain`. Amounts never enter a frame, so no figure is ever converted for it.

use polars::prelude::{Column, DataFrame, DataFrameJoinOps, IdxCa, IdxSize, NamedFrom, PolarsResult, Series};

use crate::domain::UsageKey;

/// The engine could not do what it was asked; a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("cannot compare usages")]
pub struct FrameError(#[from] polars::prelude::PolarsError);

/// A key's positions in the two lists; a key that stands several times makes several matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// On both sides.
    Both(usize, usize),
    /// On the left alone.
    Left(usize),
    /// On the right alone.
    Right(usize),
}

/// Matches two lists of keys; ordered by the position on the left, what is only on the right last.
pub fn match_keys(left: &[UsageKey], right: &[UsageKey]) -> Result<Vec<Match>, FrameError> {
    let joined = frame(left, "left")?.full_join(&frame(right, "right")?, KEY, KEY)?;
    let (left, right) = (positions(&joined, "left")?, positions(&joined, "right")?);
    let mut matches: Vec<Match> = left
        .into_iter()
        .zip(right)
        .filter_map(|pair| match pair {
            (Some(left), Some(right)) => Some(Match::Both(left, right)),
            (Some(left), None) => Some(Match::Left(left)),
            (None, Some(right)) => Some(Match::Right(right)),
            (None, None) => None,
        })
        .collect();
    matches.sort_by_key(|found| match *found {
        Match::Both(left, right) => (left, right),
        Match::Left(left) => (left, 0),
        Match::Right(right) => (usize::MAX, right),
    });
    Ok(matches)
}

const KEY: [&str; 3] = ["resource", "component", "period"];

fn frame(keys: &[UsageKey], position: &str) -> PolarsResult<DataFrame> {
    let resources: Vec<String> = keys.iter().map(|key| key.resource.to_string()).collect();
    let components: Vec<&str> = keys.iter().map(|key| key.component.as_str()).collect();
    let periods: Vec<String> = keys.iter().map(|key| key.period.to_string()).collect();
    let positions: Vec<IdxSize> = (0..).take(keys.len()).collect();
    let columns: Vec<Column> = vec![
        Series::new("resource".into(), resources).into(),
        Series::new("component".into(), components).into(),
        Series::new("period".into(), periods).into(),
        Series::new(position.into(), positions).into(),
    ];
    DataFrame::new(keys.len(), columns)
}

fn positions(frame: &DataFrame, name: &str) -> PolarsResult<Vec<Option<usize>>> {
    let column: &IdxCa = frame.column(name)?.as_materialized_series().idx()?;
    Ok(column.iter().map(|position| position.and_then(|position| usize::try_from(position).ok())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn key(number: u8) -> UsageKey {
        UsageKey {
            resource: crate::domain::ResourceId::new(Uuid::from_u128(u128::from(number / 4))),
            component: ["cpu", "ram", "gpu", "disk"][usize::from(number % 4)].parse().unwrap(),
            period: "2026-11".parse().unwrap(),
        }
    }

    /// The same by two nested loops.
    fn plain(left: &[UsageKey], right: &[UsageKey]) -> Vec<Match> {
        let mut matches = Vec::new();
        for (at, wanted) in left.iter().enumerate() {
            let hits = right.iter().enumerate().filter(|(_, key)| *key == wanted);
            let before = matches.len();
            matches.extend(hits.map(|(hit, _)| Match::Both(at, hit)));
            if matches.len() == before {
                matches.push(Match::Left(at));
            }
        }
        let alone = right.iter().enumerate().filter(|(_, key)| !left.contains(key));
        matches.extend(alone.map(|(at, _)| Match::Right(at)));
        matches
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_key_is_matched_like_by_hand(
            left in prop::collection::vec(0_u8..24, 0..30),
            right in prop::collection::vec(0_u8..24, 0..30),
        ) {
            let left: Vec<_> = left.into_iter().map(key).collect();
            let right: Vec<_> = right.into_iter().map(key).collect();
            prop_assert_eq!(match_keys(&left, &right).unwrap(), plain(&left, &right));
        }
    }
}
