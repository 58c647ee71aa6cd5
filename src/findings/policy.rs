//! The user's own grading of findings.
//!
//! A policy can make a warning grave or silence it. It cannot make a fault harmless: what the server
//! would refuse, or what would be booked wrongly, stays at deny whatever a file says.

use std::collections::BTreeMap;

use crate::domain::nearest;

use super::{Code, Severity};

/// Severities by code, where they differ from the default.
#[derive(Debug, Clone, Default)]
pub struct Policy(BTreeMap<Code, Severity>);

/// A policy that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There is no such code.
    #[error("there is no finding `{}`", crate::domain::visible(.0))]
    UnknownCode(String),
    /// A fault cannot be graded down.
    #[error("`{0}` is always at deny, because what it is about cannot be posted")]
    Lowered(Code),
    /// One code is given two severities at once.
    #[error("`{0}` is to be {1} and {2}")]
    Twice(Code, Severity, Severity),
}

impl PolicyError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownCode(name) => match nearest(name, Code::ALL.iter().map(|code| code.name())) {
                Some(near) => format!("did you mean {near}?"),
                None => "`waldur-usage explain` lists them all".to_owned(),
            },
            Self::Lowered(code) => format!("mend the data instead; `waldur-usage explain {code}` says how"),
            Self::Twice(code, ..) => format!("name {code} once"),
        }
    }
}

impl Policy {
    /// Builds a policy from names as a configuration file or flags have them.
    pub fn new(entries: impl IntoIterator<Item = (String, Severity)>) -> Result<Self, PolicyError> {
        let mut grades = BTreeMap::new();
        for (name, severity) in entries {
            let Some(code) = Code::from_name(&name) else { return Err(PolicyError::UnknownCode(name)) };
            if code.severity() == Severity::Deny && severity != Severity::Deny && !code.may_be_lowered() {
                return Err(PolicyError::Lowered(code));
            }
            match grades.insert(code, severity) {
                Some(other) if other != severity => {
                    return Err(PolicyError::Twice(code, other, severity));
                }
                _ => {}
            }
        }
        Ok(Self(grades))
    }

    /// The same with the severities of another one, which count before its own.
    pub fn under(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The same, and what another one takes more gravely as that one takes it.
    pub fn graver(mut self, other: &Self) -> Self {
        for (code, severity) in &other.0 {
            let own = self.grade(*code);
            self.0.insert(*code, own.max(*severity));
        }
        self
    }

    /// The severity of a code under this policy.
    pub fn grade(&self, code: Code) -> Severity {
        self.0.get(&code).copied().unwrap_or(code.severity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_can_be_regraded_and_faults_cannot() {
        let policy = Policy::new([("no-plan-period".to_owned(), Severity::Deny)]).unwrap();
        assert_eq!(policy.grade(Code::NoPlanPeriod), Severity::Deny);
        assert_eq!(policy.grade(Code::UnknownColumn), Severity::Warn);
        let lowered = Policy::new([("negative-amount".to_owned(), Severity::Warn)]);
        assert_eq!(lowered.unwrap_err(), PolicyError::Lowered(Code::NegativeAmount));
        let unknown = Policy::new([("no-such-thing".to_owned(), Severity::Warn)]);
        assert_eq!(unknown.unwrap_err(), PolicyError::UnknownCode("no-such-thing".into()));
        let twice = ["spike", "spike"].map(str::to_owned).into_iter().zip([Severity::Deny, Severity::Allow]);
        let twice = Policy::new(twice).unwrap_err();
        assert_eq!(twice.to_string(), "`spike` is to be deny and allow");
        let near = Policy::new([("negative-amounts".to_owned(), Severity::Deny)]).unwrap_err();
        assert_eq!(near.hint(), "did you mean negative-amount?");
    }

    #[test]
    fn what_is_typed_counts_before_the_profile() {
        let of = |entries: &[(&str, Severity)]| {
            Policy::new(entries.iter().map(|(name, severity)| ((*name).to_owned(), *severity))).unwrap()
        };
        let profile = of(&[("spike", Severity::Deny), ("other-month", Severity::Allow)]);
        let policy = profile.under(of(&[("spike", Severity::Allow), ("resource-disagrees", Severity::Warn)]));
        assert_eq!(policy.grade(Code::Spike), Severity::Allow);
        assert_eq!(policy.grade(Code::OtherMonth), Severity::Allow);
        assert_eq!(policy.grade(Code::ResourceDisagrees), Severity::Warn);
    }
}
