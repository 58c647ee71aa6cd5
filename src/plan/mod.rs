//! What is to be done, as a value that one can print, save, test and hand over.
//!
//! [`compare()`] sets the wanted figures against the stored ones; a [`Plan`] holds the result with
//! what it depends on (server, account, month, inputs, capabilities). A [`Batch`] is one request. Only
//! an [`Approved`] plan can be posted, and an [`Outcome`] says for every line what is stored. A
//! [`Guard`] watches a plan before it is posted, and [`billing()`] tells what became of it on invoices.
#![deny(clippy::float_arithmetic, clippy::as_conversions)]

mod approved;
mod batch;
#[allow(dead_code, reason = "the verify job takes it up")]
mod billed;
mod change;
mod compare;
mod document;
#[allow(dead_code, reason = "the plan and apply commands take it up")]
mod guards;
#[allow(dead_code, reason = "the verify job takes it up")]
mod invoices;
mod month;
mod outcome;
mod reach;
mod stored;
mod summary;

pub use approved::{Approved, Refusal};
pub use batch::Batch;
pub use billed::{BillableRow, Billing, BillingTime, NotSeen, UnderPlanPeriod, WhyNot, billing};
pub use change::{Change, Figures, Wanted};
pub use compare::{Comparison, compare, kept, line};
pub use document::{Header, InputFile, InputLayout, Line, Made, Plan, PlanError, Reporter, ResourcePlan};
#[allow(unused_imports, reason = "the plan and apply commands take them up")]
pub use guards::{
    Cost, Example, Guard, GuardLine, GuardReport, LastMonthRow, ThresholdError, Thresholds, Verdict,
    WrittenThresholds, guards,
};
pub use invoices::{
    Invoice, InvoiceLine, InvoiceSeen, InvoiceState, InvoiceViews, InvoicesSeen, LinesSeen, View,
};
pub use month::{BillingClock, MonthRefusal, MonthRule};
pub use outcome::Outcome;
pub use reach::unknown_plan_periods;
pub use stored::StoredUsage;
pub use summary::{Counts, Money, Summary, Totals};
