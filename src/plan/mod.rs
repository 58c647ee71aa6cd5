//! What is to be done, as a value that one can print, save, test and hand over.
//!
//! [`compare()`] sets the wanted figures against the stored ones; a [`Plan`] holds the result with
//! what it depends on (server, account, month, inputs, capabilities). A [`Batch`] is one request. Only
//! an [`Approved`] plan can be posted, and an [`Outcome`] says for every line what is stored. A
//! [`Guard`] watches a plan before it is posted, and [`billing()`] tells what became of it on invoices.
#![deny(clippy::float_arithmetic, clippy::as_conversions)]

mod approved;
mod batch;
mod billed;
mod change;
mod compare;
mod document;
mod guards;
pub mod history;
mod input_layout;
mod invoices;
mod lines;
mod missing;
mod month;
mod month_state;
mod now;
mod outcome;
mod people;
mod people_batch;
mod people_lines;
mod reach;
mod stored;
mod summary;

pub use approved::{Approved, Refusal};
pub use batch::Batch;
pub use billed::{BillableRow, Billing, BillingTime, NotSeen, UnderPlanPeriod, WhyNot, billing};
pub use change::{Change, Figures, Wanted};
pub use compare::compare;
pub use document::{
    Header, InputFile, Line, Made, Plan, PlanError, Reporter, ResourcePlan, Scope, SourceRow,
};
pub use guards::{
    Cost, Example, Guard, GuardLine, GuardReport, LastMonthRow, ThresholdError, Thresholds, Verdict,
    WrittenThresholds, guards,
};
pub use input_layout::{InputLayout, MadeWith, MadeWithKind, SummedRows};
pub use invoices::{
    Invoice, InvoiceLine, InvoiceSeen, InvoiceState, InvoiceViews, InvoicesSeen, LinesSeen, View,
};
pub use lines::{Planner, kept};
pub use missing::{Gap, Gaps, Missing};
pub use month::{BillingClock, MonthRefusal, MonthRule};
pub use month_state::{InvoiceIs, MonthState, Reporting};
pub use now::{Now, Standing, StoredRows, by_key};
pub use outcome::Outcome;
pub use people::{PeopleCounts, PersonLine, StoredMonth, StoredPeople, StoredPerson, by_name, sums_by_total};
pub use people_batch::PeopleBatch;
pub use people_lines::{OfferingUsers, PeopleStored, unsettled_people};
pub use reach::SplitPlans;
pub use stored::StoredUsage;
pub use summary::{Counts, Money, Summary, Totals};
