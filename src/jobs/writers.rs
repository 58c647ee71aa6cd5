//! Who reported the stored rows of an offering last.
//!
//! The server numbers people, and no endpoint tells an account its own number. It shows on rows that
//! this account has posted; until then nobody can be told apart.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::domain::OfferingId;
use crate::plan::StoredUsage;
use crate::resolve::Catalogue;

use super::apply::ApplyReport;

/// How many stored rows of each offering were reported last by whom.
#[derive(Debug, Clone, Default)]
pub struct Writers(BTreeMap<OfferingId, BTreeMap<i64, usize>>);

/// Rows of an offering that somebody else reported last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherWriter {
    /// The offering.
    pub offering: String,
    /// How many rows.
    pub rows: usize,
}

impl Writers {
    /// Counts stored rows.
    pub fn of(stored: &[StoredUsage], catalogue: &Catalogue) -> Self {
        let mut writers = Self::default();
        for row in stored {
            let offering = catalogue.resource(row.resource).map(|resource| resource.offering);
            if let Some((offering, writer)) = offering.zip(row.modified_by) {
                *writers.0.entry(offering).or_default().entry(writer).or_default() += 1;
            }
        }
        writers
    }

    /// The offerings with rows that were reported last by another number than one's own.
    pub fn others(&self, own: i64, catalogue: &Catalogue) -> Vec<OtherWriter> {
        let others = self.0.iter().map(|(id, writers)| OtherWriter {
            offering: catalogue
                .offering(*id)
                .map_or_else(|| id.to_string(), |offering| offering.name.clone()),
            rows: writers.iter().filter(|(writer, _)| **writer != own).map(|(_, rows)| rows).sum(),
        });
        others.filter(|other| other.rows > 0).collect()
    }

    /// Whether any row tells who reported it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The number of this account, as the rows show it that a run has posted and read back; `None` where
/// they do not agree.
pub fn own_number(report: &ApplyReport, stored: &[StoredUsage]) -> Option<i64> {
    let posted = report.lines.iter().filter(|line| line.outcome == crate::plan::Outcome::Posted);
    let rows: HashSet<_> = posted.filter_map(|line| line.row).collect();
    let mut numbers = stored.iter().filter(|row| rows.contains(&row.id)).map(|row| row.modified_by);
    let first = numbers.next()??;
    numbers.all(|number| number == Some(first)).then_some(first)
}
