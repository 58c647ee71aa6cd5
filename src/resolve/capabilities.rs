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

/// What identifies a stored row besides resource, component and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsPer {
    /// The plan period: a plan switch makes a second row, and a post changes one of them.
    PlanPeriod,
    /// Nothing: one row for the month, whatever the plan.
    Month,
    /// The plan. A post speaks of the whole month: the rows of other plans stay, and the server takes
    /// them off the total itself.
    PlanAndMonth,
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
    /// Whether it is more than an assumption.
    pub fn is_known(&self) -> bool {
        self.evidence != "assumed"
    }

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
    /// What a stored row is of.
    pub rows: Evidence<RowsPer>,
    /// Whether the provider's owner may report usage that is billed for a past month whose invoice can
    /// still change.
    pub reports_while_invoice_is_open: Evidence<bool>,
    /// Whether a limit is compared with the sum that still holds the row being replaced.
    pub limits_count_stored_row: Evidence<bool>,
    /// Whether a rejected request saves nothing.
    pub requests_are_atomic: Evidence<bool>,
    /// Whether a post replaces the resource's map of current usages as a whole.
    pub replaces_current_usages: Evidence<bool>,
    /// Whether the usage of several users can be set in one request.
    pub bulk_user_usages: Evidence<bool>,
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
            rows: Evidence::assumed(RowsPer::PlanPeriod),
            reports_while_invoice_is_open: Evidence::assumed(false),
            limits_count_stored_row: Evidence::assumed(true),
            requests_are_atomic: Evidence::assumed(false),
            replaces_current_usages: Evidence::assumed(true),
            bulk_user_usages: Evidence::assumed(false),
            carry_over: Evidence::assumed(CarryOverField::Recurring),
            books_in_utc: Evidence::assumed(false),
            time_zone: Evidence::assumed(None),
        }
    }
}

impl Capabilities {
    /// Learns from a version as the server reports it (`8.1.2`); older and unreadable versions teach
    /// hardly anything, because the releases of the changes before 8.1 are not known exactly.
    pub fn learn_version(&mut self, version: &str) {
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
        let (Some(Some(major)), Some(Some(minor))) = (numbers.next(), numbers.next()) else { return };
        let patch = numbers.next().flatten().unwrap_or_default();
        let evidence = format!("version {version}");
        if (major, minor) < (8, 1) {
            // 8.0.4 made one row of those that a plan switch had left.
            if (major, minor, patch) >= (8, 0, 4) {
                self.rows = Evidence::known(RowsPer::Month, &evidence);
            }
            if (major, minor, patch) >= (8, 0, 5) {
                self.bulk_user_usages = Evidence::known(true, &evidence);
            }
            return;
        }
        self.takes_date = Evidence::known(true, &evidence);
        self.learn_8_1(&evidence);
        self.limits_count_stored_row = Evidence::known(false, &evidence);
        self.requests_are_atomic = Evidence::known(true, &evidence);
        self.replaces_current_usages = Evidence::known(false, &evidence);
        self.carry_over = Evidence::known(CarryOverField::MissingUsagePolicy, &evidence);
    }

    /// What is known of every server since 8.1.
    fn learn_8_1(&mut self, evidence: &str) {
        self.rows = Evidence::known(RowsPer::PlanAndMonth, evidence);
        self.reports_while_invoice_is_open = Evidence::known(true, evidence);
        self.bulk_user_usages = Evidence::known(true, evidence);
    }

    /// Learns from the fields of a stored row; the policy came with 8.1.
    pub fn learn_row(&mut self, has_missing_usage_policy: bool) {
        if has_missing_usage_policy {
            self.learn_8_1("usage rows carry missing_usage_policy, which came with 8.1");
        }
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
        for version in ["", "8.0.3", "7.9", "latest"] {
            capabilities.learn_version(version);
            assert_eq!(capabilities, Capabilities::default(), "{version}");
        }
        capabilities.learn_version("8.0.9");
        assert_eq!(capabilities.rows.value, RowsPer::Month);
        assert!(capabilities.bulk_user_usages.value);
        capabilities.learn_version("8.1.2");
        assert_eq!(capabilities.rows.value, RowsPer::PlanAndMonth);
        assert!(!capabilities.replaces_current_usages.value);
        assert_eq!(capabilities.replaces_current_usages.evidence, "version 8.1.2");
        assert_eq!(capabilities.time_zone.evidence, "assumed");
    }
}
