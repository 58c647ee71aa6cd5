//! What keeps a file, or rows of it, from being compared.
//!
//! A finding at deny that became a fault of a line is told there. What remains is about figures that
//! nobody could read: it stops the run, or its rows are left out and listed. The law kept here: a row at
//! deny has left lines, or it stops.

use std::collections::{BTreeMap, HashSet};

use crate::domain::Place;
use crate::findings::{Code, Finding, Findings, RowIndex, Severity};
use crate::parse::Parsed;
use crate::reconcile::SkippedRow;
use crate::resolve::{Bearing, FileLine, bearing};

/// What stops.
#[derive(Debug, Default)]
pub struct Stops {
    /// Whether something stops the whole run, which leaving rows out cannot mend.
    pub of_run: bool,
    /// The rows that stop, each with the first finding about it.
    pub skipped: BTreeMap<RowIndex, SkippedRow>,
    /// Those of them of which nothing is compared.
    whole: HashSet<RowIndex>,
}

impl Stops {
    /// Looks at all findings at deny.
    pub fn of(findings: &Findings, parsed: &Parsed, lines: &[FileLine]) -> Self {
        let mut stops = Self::default();
        let denied = || findings.list().iter().filter(|finding| finding.severity == Severity::Deny);
        if denied().next().is_none() {
            return stops;
        }
        let at_deny: HashSet<RowIndex> = denied().flat_map(|finding| finding.rows.iter().copied()).collect();
        let lined: HashSet<RowIndex> =
            lines.iter().map(|line| line.row).filter(|row| at_deny.contains(row)).collect();
        let of_users: HashSet<RowIndex> = (parsed.subjects.iter())
            .filter(|subject| subject.more().username.is_some() && at_deny.contains(&subject.row))
            .map(|subject| subject.row)
            .collect();
        for finding in denied() {
            let is_kept = |row: &RowIndex| lined.contains(row) || of_users.contains(row);
            match bearing(finding.code) {
                Bearing::Passes => {}
                Bearing::OfRow | Bearing::OfFigure => {
                    stops.add(finding, parsed, |row| !is_kept(row), true);
                }
                Bearing::StopsFigure => stops.add(finding, parsed, |_| true, false),
                Bearing::Stops => {
                    stops.of_run |= finding.rows.is_empty();
                    stops.add(finding, parsed, |_| true, true);
                }
            }
        }
        stops
    }

    fn add(&mut self, finding: &Finding, parsed: &Parsed, stops: impl Fn(&RowIndex) -> bool, is_whole: bool) {
        for (at, row) in finding.rows.iter().enumerate().filter(|(_, row)| stops(row)) {
            if is_whole {
                self.whole.insert(*row);
            }
            self.skipped.entry(*row).or_insert_with(|| SkippedRow {
                place: place(finding, at, *row, parsed),
                code: finding.code,
                found: finding.found.clone(),
            });
        }
    }

    /// Whether anything stops.
    pub fn is_empty(&self) -> bool {
        !self.of_run && self.skipped.is_empty()
    }

    /// Takes the lines of rows out that nothing is compared of.
    pub fn take_out(&self, lines: &mut Vec<FileLine>) {
        lines.retain(|line| !self.whole.contains(&line.row));
    }

    /// Whether a finding is one of those that stop, or only warns.
    pub fn keeps(&self, finding: &Finding) -> bool {
        let is_about = |row: &RowIndex| self.skipped.get(row).is_some_and(|row| row.code == finding.code);
        finding.severity != Severity::Deny
            || is_stop(finding.code)
            || bearing(finding.code) != Bearing::Passes && finding.rows.iter().any(is_about)
    }
}

fn is_stop(code: Code) -> bool {
    matches!(bearing(code), Bearing::Stops | Bearing::StopsFigure)
}

/// Where a row of a finding stands: the place that the finding names for it, else the whole row.
fn place(finding: &Finding, at: usize, row: RowIndex, parsed: &Parsed) -> Place {
    let named = match at {
        0 => finding.place.as_ref(),
        _ => finding.others.get(at - 1).filter(|_| finding.others.len() + 1 == finding.rows.len()),
    };
    let of_row = || {
        let at = usize::try_from(row.0).ok()?;
        let (table, number) = *parsed.addresses.get(at)?;
        Some(parsed.tables.get(usize::try_from(table).ok()?)?.place(number, None))
    };
    named.cloned().or_else(of_row).unwrap_or_else(|| Place::file(""))
}
