//! What this server can do, and how we know.
//!
//! Versions differ where it costs money, and most accounts may not ask for the version. So every
//! capability is either known, with its evidence, or assumed to be the one that does no harm.

use serde::{Deserialize, Serialize};

/// Which field carries a report over to later months.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CarryOverField {
    /// Yes or no.
    Recurring,
    /// None, reuse or zero.
    MissingUsagePolicy,
}

/// A value and how it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence<T> {
    /// The value that is worked with.
    pub value: T,
    /// How it is known; `assumed` where it is not.
    pub evidence: String,
}

impl<T> Evidence<T> {
    fn assumed(value: T) -> Self {
        Self { value, evidence: "assumed".into() }
    }

    fn known(value: T, evidence: &str) -> Self {
        Self { value, evidence: evidence.into() }
    }
}

/// The capabilities that reading, planning and posting depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether `set_usage` takes a `date`; without it only the current month can be written.
    pub takes_date: Evidence<bool>,
    /// Whether a plan switch makes a second row for the same month.
    pub row_per_plan_period: Evidence<bool>,
    /// Whether a limit is compared with the sum that still holds the row being replaced.
    pub limits_count_stored_row: Evidence<bool>,
    /// Whether a rejected request saves nothing.
    pub requests_are_atomic: Evidence<bool>,
    /// Whether a post replaces the resource's map of current usages as a whole.
    pub replaces_current_usages: Evidence<bool>,
    /// The field for carrying over.
    pub carry_over: Evidence<CarryOverField>,
    /// Whether months turn in UTC, whatever the server's own zone, as on the recorded one of 2024.
    pub books_in_utc: Evidence<bool>,
    /// The time zone in which months turn; `None` where it is not known.
    pub time_zone: Evidence<Option<String>>,
}

impl Default for Capabilities {
    /// Nothing is known: every assumption is the one that does no harm.
    fn default() -> Self {
        Self {
            takes_date: Evidence::assumed(false),
            row_per_plan_period: Evidence::assumed(true),
            limits_count_stored_row: Evidence::assumed(true),
            requests_are_atomic: Evidence::assumed(false),
            replaces_current_usages: Evidence::assumed(true),
            carry_over: Evidence::assumed(CarryOverField::Recurring),
            books_in_utc: Evidence::assumed(false),
            time_zone: Evidence::assumed(None),
        }
    }
}

impl Capabilities {
    /// Learns from a version as the server reports it (`8.1.2`); older and unreadable versions teach
    /// nothing, because the releases of the changes before 8.1 are not known exactly.
    pub fn learn_version(&mut self, version: &str) {
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
        let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return };
        if (major, minor) < (8, 1) {
            return;
        }
        let evidence = format!("version {version}");
        self.takes_date = Evidence::known(true, &evidence);
        self.limits_count_stored_row = Evidence::known(false, &evidence);
        self.requests_are_atomic = Evidence::known(true, &evidence);
        self.replaces_current_usages = Evidence::known(false, &evidence);
        self.carry_over = Evidence::known(CarryOverField::MissingUsagePolicy, &evidence);
    }

    /// Learns from the fields of a stored row.
    pub fn learn_row(&mut self, has_missing_usage_policy: bool) {
        let (field, evidence) = if has_missing_usage_policy {
            (CarryOverField::MissingUsagePolicy, "usage rows carry missing_usage_policy")
        } else {
            (CarryOverField::Recurring, "usage rows carry no missing_usage_policy")
        };
        self.carry_over = Evidence::known(field, evidence);
    }

    /// Learns from the server's word on a date that is none.
    pub fn learn_date(&mut self, is_judged: bool) {
        let evidence = if is_judged { "the server judges a date" } else { "the server ignores a date" };
        self.takes_date = Evidence::known(is_judged, evidence);
    }

    /// Learns from whether the list of usages knows a year: the recorded server does not, and books by
    /// UTC; those that do may turn their months in any zone.
    pub fn learn_year_filter(&mut self, is_known: bool) {
        let evidence =
            if is_known { "billing_period_year is a filter" } else { "billing_period_year is ignored" };
        self.books_in_utc = Evidence::known(!is_known, evidence);
    }

    /// Learns the time zone from the user's profile.
    pub fn learn_time_zone(&mut self, zone: &str) {
        self.time_zone = Evidence::known(Some(zone.to_owned()), "profile");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_assumed_harmless() {
        let mut capabilities = Capabilities::default();
        for version in ["", "8.0.9", "7.9", "latest"] {
            capabilities.learn_version(version);
            assert_eq!(capabilities, Capabilities::default(), "{version}");
        }
        capabilities.learn_version("8.1.2");
        assert!(!capabilities.replaces_current_usages.value);
        assert_eq!(capabilities.replaces_current_usages.evidence, "version 8.1.2");
        assert_eq!(capabilities.time_zone.evidence, "assumed");
    }
}
