//! Rows of other months than those that were asked for: left out, counted and added up.

use std::collections::BTreeSet;

use crate::domain::{BillingPeriod, PeriodRange};
use crate::findings::{Code, Finding, Sums};
use crate::mapping::Field;
use crate::parse::draft::RowDraft;
use crate::parse::quantity::number;

use super::Reading;

/// How many months are named.
const MOST_MONTHS: usize = 6;

/// What they come to.
#[derive(Default)]
pub(super) struct Outside {
    rows: usize,
    months: BTreeSet<BillingPeriod>,
    sums: Sums,
}

impl Outside {
    /// Takes a row in.
    pub(super) fn add(&mut self, draft: &RowDraft<'_>, period: BillingPeriod, reading: Option<&Reading>) {
        self.rows += 1;
        self.months.insert(period);
        let text = |field| draft.filled(field).map(|(_, cell)| cell.text);
        let amount = |column: usize| {
            let cell = draft.raw.cell(column);
            number(cell.text, cell.kind, None)
        };
        if let Some(amount) = draft.table.column(Field::Amount).and_then(amount) {
            let component = text(Field::ComponentType).unwrap_or("amount");
            self.sums.add(component, text(Field::Unit), amount);
        }
        let open = reading.into_iter().flat_map(|reading| reading.open.iter().enumerate());
        for (column, _) in open.filter(|(_, open)| open.is_some()) {
            if let (Some(amount), Some(header)) = (amount(column), draft.table.headers.get(column)) {
                self.sums.add(header, None, amount);
            }
        }
    }

    /// What is said of them; nothing where there were none.
    pub(super) fn finding(self, wanted: Option<PeriodRange>) -> Option<Finding> {
        let wanted = wanted.filter(|_| self.rows > 0)?;
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let months: Vec<String> = self.months.iter().take(MOST_MONTHS).map(ToString::to_string).collect();
        let more = if self.months.len() > MOST_MONTHS { ", …" } else { "" };
        let found = format!("{} {rows} of other months ({}{more})", self.rows, months.join(", "));
        let expected = format!("rows of {wanted}, as --period says");
        Some(Finding::new(Code::OutsidePeriod, found, expected).sums(self.sums))
    }
}
