//! Whether a file, the server and the invoices agree, and if not: where, by how much, and who must act.
//!
//! Takes the lines of the files as resolving left them, the stored usages and what invoices bill, and
//! leaves a [`Report`]: every key with exactly one primary [`Class`], and a proof that the
//! differences of the classes are the difference of the totals.
#![deny(clippy::float_arithmetic, clippy::as_conversions)]

mod cells;
mod class;
mod conversion;
mod engine;
mod explain;
mod faults;
mod invoice_totals;
mod invoiced;
mod judge;
mod left_out;
#[cfg(test)]
mod money_tests;
mod names;
mod notes;
mod prices;
mod proof;
mod ratio;
mod remarks;
mod report;
mod rows;
pub mod rules;
#[cfg(test)]
pub mod sample;
mod sides;
mod sift;
mod stored;
mod sweep;
#[cfg(test)]
mod tests;
mod totals;
mod unlisted;
mod verdict;
#[cfg(test)]
mod whole_tests;
#[cfg(test)]
mod worlds;

#[cfg(test)]
pub use class::Classes;
pub use class::{Class, Who};
pub use engine::reconcile;
pub use left_out::LeftOut;
#[cfg(test)]
pub use proof::Proof;
pub use proof::ProofRow;
pub use remarks::{Remark, RemarkKind, Weight};
pub use report::{
    Billed, ClassTotal, CurrencyOf, Endpoint, Header, InvoiceTotal, LineView, Made, Measured, Month,
    OrganisationTotal, Report, Sides, SkippedRow, Stated, Subject, TablePlace, Trend,
};
#[cfg(test)]
pub use report::{CellPlace, Line, More, RuleUse, Verdict};
pub use rules::Rules;
pub use sides::{Compared, FileSide, InvoiceMoney, InvoiceSide, OtherLine};
pub use stored::{Stored, StoredSide};
