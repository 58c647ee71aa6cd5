//! The figures of files as they were resolved, the faulty ones among them.
//!
//! A reconciliation compares what a file says, also where it cannot be posted: a resource that nobody
//! knows or a component that takes no usage is then a difference and not an end. The law kept here:
//! each figure of a row whose amount and month could be read is exactly one line.

use std::sync::Arc;

use crate::domain::{Amount, BillingPeriod, ComponentType, PlanPeriodId, ResourceId, Unrounded};
use crate::findings::{Code, RowIndex};

pub use crate::parse::{MoneyColumns, StatedMoney};

/// One figure of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// The row.
    pub row: RowIndex,
    /// Which of the tables of the files.
    pub table: u32,
    /// The row of the sheet or the line of the file.
    pub number: u32,
    /// The column of the amount, counted from 1.
    pub column: u32,
    /// The resource, where it could be told which one is meant.
    pub resource: Option<ResourceId>,
    /// The component, where the offering has it.
    pub component: Option<ComponentType>,
    /// The month.
    pub period: BillingPeriod,
    /// The amount, in the unit of the component where it is known to be in it, else as it is written.
    pub amount: Amount,
    /// What few lines have.
    pub more: Option<Box<FileLineMore>>,
}

/// What few lines have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileLineMore {
    /// The plan period, where the row names one.
    pub plan_period: Option<PlanPeriodId>,
    /// What is wrong with it, gravest first: faults about its resource, component, unit, state, sign or
    /// a double.
    pub faults: Vec<LineFault>,
    /// The resource as the row names it, where it is not known.
    pub resource: Option<Arc<str>>,
    /// The component as the row or the header names it, where it is not known.
    pub component: Option<Arc<str>>,
    /// The unit as the file has it, where it is not that of the component or the component is not known.
    pub unit: Option<Arc<str>>,
    /// How it names what it speaks of, where the server spells that otherwise.
    pub spelt: Option<Arc<str>>,
    /// What it says of money.
    pub money: Option<StatedMoney>,
    /// The amount as it is written, where it says something of money and a factor took it into another unit:
    /// its prices are of the unit that is written.
    pub written: Option<Amount>,
    /// The amount before it was rounded, where it was.
    pub unrounded: Option<Box<Unrounded>>,
}

impl FileLine {
    /// The plan period, where the row names one.
    pub fn plan_period(&self) -> Option<PlanPeriodId> {
        self.more.as_ref()?.plan_period
    }
}

/// A fault of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// What kind.
    pub code: Code,
    /// What was found and what to do, in one sentence.
    pub note: Arc<str>,
}
