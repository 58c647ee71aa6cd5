//! Which dialect of the sandbox a server is like, as far as reading tells.
//!
//! A sign that shines through the rows themselves counts more than a version, which not everybody may
//! read and which does not say of every rule when it came. What is not known is said to be assumed.

use serde::Serialize;

use crate::resolve::Capabilities;
use crate::sandbox::Dialect;

/// What a server shows of its release.
#[derive(Debug, Clone, Default)]
pub struct Signs {
    /// Whether its usages carry `missing_usage_policy`; `None` where it has none to look at.
    pub has_policy: Option<bool>,
    /// Whether its list of usages heeds a year; `None` where it has none to list.
    pub lists_by_year: Option<bool>,
    /// Its version, where this account may know it.
    pub version: Option<String>,
}

/// The dialect that fits best, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LikelyDialect {
    /// As `--dialect` takes it.
    pub dialect: String,
    /// What tells it, or that nothing does.
    pub evidence: String,
}

impl Signs {
    /// The dialect that fits these signs best.
    pub fn dialect(&self) -> LikelyDialect {
        let (dialect, evidence) = self.judge();
        LikelyDialect { dialect: dialect.to_string(), evidence }
    }

    fn judge(&self) -> (Dialect, String) {
        if self.has_policy == Some(true) {
            return (Dialect::Y2026, "its usages carry missing_usage_policy".into());
        }
        // A version of 8.1 whose rows have no policy is one from before the policy.
        if let (None, Some(version)) = (self.has_policy, &self.version)
            && is_newest(version)
        {
            return (Dialect::Y2026, format!("its version is {version}"));
        }
        match self.lists_by_year {
            Some(true) => {
                let evidence = "its usages carry no missing_usage_policy, and its list heeds a year";
                (Dialect::Y2025, evidence.into())
            }
            Some(false) => (Dialect::Y2024, "its list of usages ignores a year".into()),
            None => (Dialect::Y2024, "assumed: it has no usage to tell by".into()),
        }
    }
}

/// Whether a version teaches what only the newest releases can do.
fn is_newest(version: &str) -> bool {
    let mut capabilities = Capabilities::default();
    capabilities.learn_version(version);
    capabilities.takes_date.value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_tell_more_than_a_version() {
        let told = |has_policy, lists_by_year, version: Option<&str>| {
            let signs = Signs { has_policy, lists_by_year, version: version.map(str::to_owned) };
            let LikelyDialect { dialect, evidence } = signs.dialect();
            format!("{dialect}: {evidence}")
        };
        for (found, wanted) in [
            (told(Some(true), Some(true), None), "2026: its usages carry missing_usage_policy"),
            (told(None, None, Some("8.1.2")), "2026: its version is 8.1.2"),
            (
                told(Some(false), Some(true), Some("8.1.0")),
                "2025: its usages carry no missing_usage_policy, and its list heeds a year",
            ),
            (told(Some(false), Some(false), Some("unknown")), "2024: its list of usages ignores a year"),
            (told(None, None, Some("7.9.0")), "2024: assumed: it has no usage to tell by"),
        ] {
            assert_eq!(found, wanted);
        }
    }
}
