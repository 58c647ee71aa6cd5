//! Which months the figures are of, and whether there are any.

use std::collections::BTreeMap;

use crate::domain::BillingPeriod;
use crate::findings::{Code, Finding, Findings, RowCounts};

use super::catalogue::Catalogue;
use super::usages::Usage;

/// Names the months that the server does not book into now, and a run that uses no row at all.
pub fn months(usages: &[Usage], catalogue: &Catalogue, counts: RowCounts, findings: &mut Findings) {
    let mut figures: BTreeMap<BillingPeriod, usize> = BTreeMap::new();
    for usage in usages {
        *figures.entry(usage.period).or_default() += 1;
    }
    if let Some(current) = catalogue.current_period() {
        for (month, count) in figures.iter().filter(|(month, _)| **month != current) {
            let found = format!("{count} amounts of {month}");
            let expected = format!("amounts of {current}, the month that this server books into now");
            findings.push(Finding::new(Code::OtherMonth, found, expected));
        }
    }
    if counts.rows_read > 0 && counts.rows_used == 0 && !findings.denies() {
        let found = format!("{} filtered out, {} blank", counts.rows_filtered, counts.rows_blank);
        let finding = Finding::new(Code::NothingUsed, found, "at least one row with an amount");
        findings.push(finding.hint("is it the right file, month and scope?"));
    }
}
