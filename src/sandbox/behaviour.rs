//! What a server is able to do, as switches: the only place in which server versions differ.
//!
//! A dialect is a named set of them. A value that no rule knows yet is not in its enum.

/// The switchable capabilities of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// What identifies a stored row besides resource, component and month.
    pub rows: RowPer,
    /// Who may report for another moment than now.
    pub date: DateFrom,
    /// What becomes of an amount above the `limit_amount` of its component.
    pub limits: Limits,
    /// Whether a refusal in the middle of a request takes back what it had stored.
    pub atomic: bool,
    /// What a report does to the resource's `current_usages`.
    pub current_usages: CurrentUsages,
    /// How a report speaks of the months after it.
    pub carry_over: CarryOverField,
}

/// What identifies a stored row besides resource, component and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPer {
    /// The plan period: a plan switch makes a second row.
    PlanPeriod,
    /// Nothing: one row per month.
    Month,
    /// The plan. A report speaks of the whole month: the rows of other plans stay as they are, and
    /// this one becomes what is left of the reported amount, never less than zero.
    PlanAndMonth,
}

/// Who may report for another moment than now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateFrom {
    /// Nobody; `date` is an unknown field and is ignored without a word.
    Nobody,
    /// Staff; from anybody else `date` is refused.
    Staff,
}

/// What becomes of an amount above the `limit_amount` of its component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// It is refused. The stored rows are counted, the one to be replaced among them.
    Refused,
    /// It is stored; the server only writes to its log.
    Logged,
}

/// What a report does to the resource's `current_usages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CurrentUsages {
    /// They become the reported components alone.
    Replaced,
    /// The reported components are written over, the others stay.
    Merged,
}

/// How a report speaks of the months after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CarryOverField {
    /// `recurring`: yes or no.
    Recurring,
    /// `missing_usage_policy`: none, reuse or zero; `recurring` is still understood.
    Policy,
}

impl Behaviour {
    /// The recorded server of October 2024.
    pub fn dialect_2024() -> Self {
        Self {
            rows: RowPer::PlanPeriod,
            date: DateFrom::Nobody,
            limits: Limits::Refused,
            atomic: false,
            current_usages: CurrentUsages::Replaced,
            carry_over: CarryOverField::Recurring,
        }
    }
}
