//! The user's own grading of findings.
//!
//! A policy can make a warning grave or silence it. It cannot make a fault harmless: what the server
//! would refuse, or what would be booked wrongly, stays at deny whatever a file says.

use std::collections::BTreeMap;

use super::{Code, Severity};

/// Severities by code, where they differ from the default.
#[derive(Debug, Clone, Default)]
pub struct Policy(BTreeMap<Code, Severity>);

/// A policy that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// There is no such code.
    #[error("policy names an unknown finding `{0}`")]
    UnknownCode(String),
    /// A fault cannot be graded down.
    #[error("policy lowers `{0}`, which is always at deny")]
    Lowered(Code),
}

impl Policy {
    /// Builds a policy from names as a configuration file has them.
    pub fn new(entries: impl IntoIterator<Item = (String, Severity)>) -> Result<Self, PolicyError> {
        let mut grades = BTreeMap::new();
        for (name, severity) in entries {
            let Some(code) = Code::from_name(&name) else { return Err(PolicyError::UnknownCode(name)) };
            if code.severity() == Severity::Deny && severity != Severity::Deny {
                return Err(PolicyError::Lowered(code));
            }
            grades.insert(code, severity);
        }
        Ok(Self(grades))
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
    }
}
