//! What is wrong with the user's data: collected by every stage, judged once.
//!
//! A [`Finding`] is data: a code, a severity, the place in the user's file, what was found, what was
//! expected and a hint. Stages take `&mut Findings` and return the good rows; how a finding looks on
//! a screen is decided elsewhere. A [`Checked`] value can only be had from [`Findings::seal`], so
//! what is behind it has no finding at deny.

mod code;
mod fate;
mod page;
mod policy;
mod sums;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::Place;

pub use code::{Code, Severity};
pub use fate::{Fates, RowCounts, RowIndex};
pub use page::{Page, page};
pub use policy::{Policy, PolicyError};
pub use sums::{Sum, Sums, listed as listed_sums};

/// One thing that is wrong, or worth a look, in the user's data.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub code: Code,
    /// How grave it is, after the user's policy.
    pub severity: Severity,
    /// Where it stands; `None` where it speaks of the server alone.
    pub place: Option<Place>,
    /// Other places that belong to it, such as the second row of a duplicate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Place>,
    /// What was found, as it was written.
    pub found: String,
    /// What would have been right.
    pub expected: Cow<'static, str>,
    /// What the user may have meant, or can do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What the amounts that it is about add up to, by component or column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<Sum>,
    /// The rows of the input that this finding is about.
    #[serde(skip)]
    pub rows: Vec<RowIndex>,
}

impl Finding {
    /// Makes a finding with the severity that its code has by default.
    pub fn new(code: Code, found: impl Into<String>, expected: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            severity: code.severity(),
            place: None,
            others: Vec::new(),
            found: found.into(),
            expected: expected.into(),
            hint: None,
            sums: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Says where it stands.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says more precisely what was found.
    pub fn saying(mut self, found: impl Into<String>) -> Self {
        self.found = found.into();
        self
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what the amounts that it is about add up to.
    pub fn sums(mut self, sums: Sums) -> Self {
        self.sums = sums.into_list();
        self
    }

    /// Adds the hint that a near miss makes, where there is one.
    pub fn did_you_mean(self, nearest: Option<&str>) -> Self {
        match nearest {
            Some(nearest) => self.hint(format!("did you mean {}?", crate::domain::visible(nearest))),
            None => self,
        }
    }

    /// Names a row that it is about.
    pub fn row(mut self, row: RowIndex) -> Self {
        self.rows.push(row);
        self
    }

    /// Names another place and its row.
    pub fn also(mut self, place: Place, row: RowIndex) -> Self {
        self.others.push(place);
        self.rows.push(row);
        self
    }
}

/// Everything found so far, and the policy that grades it.
#[derive(Debug, Default)]
pub struct Findings {
    policy: Policy,
    list: Vec<Finding>,
}

impl Findings {
    /// Starts empty.
    pub fn new(policy: Policy) -> Self {
        Self { policy, list: Vec::new() }
    }

    /// Takes a finding in, graded by the user's policy; what the policy allows is not kept.
    pub fn push(&mut self, mut finding: Finding) {
        finding.severity = self.policy.grade(finding.code);
        if finding.severity != Severity::Allow {
            self.list.push(finding);
        }
    }

    /// Keeps only what passes.
    pub fn retain(&mut self, keeps: impl FnMut(&Finding) -> bool) {
        self.list.retain(keeps);
    }

    /// How grave a code is under the policy.
    pub fn grade(&self, code: Code) -> Severity {
        self.policy.grade(code)
    }

    /// All findings, in the order in which they were found.
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// How many findings have a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether anything is at deny.
    pub fn denies(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Deny)
    }

    /// Whether something at deny is not about rows, so that leaving rows out cannot mend it.
    pub fn denies_the_run(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Deny && finding.rows.is_empty())
    }

    /// The rows at deny.
    pub fn faulty_rows(&self) -> impl Iterator<Item = RowIndex> {
        let denied = self.list.iter().filter(|finding| finding.severity == Severity::Deny);
        denied.flat_map(|finding| finding.rows.iter().copied())
    }

    /// The findings by code, gravest first, each code with its findings in order.
    pub fn grouped(&self) -> Vec<(Code, Severity, Vec<&Finding>)> {
        let mut groups: BTreeMap<(std::cmp::Reverse<Severity>, Code), Vec<&Finding>> = BTreeMap::new();
        for finding in &self.list {
            groups.entry((std::cmp::Reverse(finding.severity), finding.code)).or_default().push(finding);
        }
        groups.into_iter().map(|((severity, code), list)| (code, severity.0, list)).collect()
    }

    /// Judges: hands the value out as [`Checked`] where it holds no row at deny and nothing at deny
    /// stands that is not about rows, else `None`. Rows at deny that were taken out before do no harm.
    pub fn seal<T>(&self, value: T, holds: impl Fn(&T, RowIndex) -> bool) -> Option<Checked<T>> {
        let clean = !self.denies_the_run() && !self.faulty_rows().any(|row| holds(&value, row));
        clean.then_some(Checked(value))
    }
}

/// A value that no finding at deny speaks against.
#[derive(Debug, Clone)]
pub struct Checked<T>(T);

impl<T> Checked<T> {
    /// The value, whose owner vouches for it from here on.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// The value itself.
    pub fn get(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_at_deny_keeps_the_seal_back() {
        let mut findings = Findings::default();
        findings.push(Finding::new(Code::UnknownColumn, "Notes", "a known column"));
        findings.push(Finding::new(Code::InvalidAmount, "abc", "a decimal number").row(RowIndex(3)));
        assert!(findings.seal(vec![2], |rows, row| rows.contains(&row.0)).is_some());
        assert!(findings.seal(vec![3], |rows, row| rows.contains(&row.0)).is_none());
        findings.push(Finding::new(Code::MissingColumn, "no amount", "a column amount"));
        assert!(findings.seal(vec![2], |rows, row| rows.contains(&row.0)).is_none());
    }
}
