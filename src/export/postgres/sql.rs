//! Names as they stand in statements. Nothing else is ever put into the text of one.

use crate::domain::BillingPeriod;

use super::target::SchemaName;

/// What the name of every table begins with that is filled and not yet a month of its table.
pub(super) const STAGING: &str = "waldur_export_staging_";
/// The audit: an entry for each month of a table that was published.
pub(super) const AUDIT: &str = "waldur_export_audit";
/// How published months changed.
pub(super) const REVISION: &str = "waldur_export_revision";
/// The runs that wrote, each with what its manifest said besides months.
pub(super) const RUN: &str = "waldur_export_run";
/// The tables that are ours.
pub(super) const TABLES: &str = "waldur_export_table";
/// Which version the tables of this list have.
pub(super) const VERSION: &str = "waldur_export_version";
/// All of them.
pub(super) const HELPERS: [&str; 5] = [AUDIT, REVISION, RUN, TABLES, VERSION];

/// A name in quotes.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names in our schema.
#[derive(Debug, Clone)]
pub(super) struct Names(SchemaName);

impl Names {
    pub(super) fn new(schema: SchemaName) -> Self {
        Self(schema)
    }

    /// The schema itself.
    pub(super) fn schema(&self) -> &str {
        self.0.get()
    }

    /// A table of the schema, quoted.
    pub(super) fn of(&self, table: &str) -> String {
        format!("{}.{}", quoted(self.schema()), quoted(table))
    }
}

/// The name of the partition that holds a month of a table.
pub(super) fn partition(table: &str, period: BillingPeriod) -> String {
    format!("{table}_{:04}_{:02}", period.year(), period.month())
}

/// The name that the partition has while it is filled.
pub(super) fn staging(table: &str, period: BillingPeriod) -> String {
    format!("{STAGING}{}", partition(table, period))
}

/// The month as a date of SQL; its text has digits and hyphens only.
pub(super) fn date(period: BillingPeriod) -> String {
    format!("DATE '{}'", period.first_day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes() {
        let names = Names::new(SchemaName::new("a\"; DROP TABLE x; --").unwrap());
        assert_eq!(names.of("usages"), "\"a\"\"; DROP TABLE x; --\".\"usages\"");
        let month: BillingPeriod = "2026-03".parse().unwrap();
        assert_eq!(staging("usages", month), "waldur_export_staging_usages_2026_03");
        assert_eq!(date(month), "DATE '2026-03-01'");
    }
}
