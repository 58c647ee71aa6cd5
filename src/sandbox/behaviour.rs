//! What a server is able to do, as switches: the only place in which server versions differ.
//!
//! A dialect is a named set of them. Each can be switched alone by its name, so that a rehearsal can
//! be held against a server between two releases. A value that no rule knows is not in its enum.

use jiff::tz::TimeZone;

/// The switchable capabilities of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// The release whose set of capabilities this began as.
    pub dialect: Dialect,
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
    /// Whether `set_user_usages` takes the parts of several people at once.
    pub bulk_user_usages: bool,
    /// When a report reaches the invoice, and which invoices it can still change.
    pub billing: Billing,
    /// The zone in which months turn, and in which a moment without a zone is read.
    pub zone: TimeZone,
}

/// A release of the server, by its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// The recorded server of October 2024.
    Y2024,
    /// The server of the API page of November 2025.
    Y2025,
    /// The newest that is known: 8.1, August 2026.
    Y2026,
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
    /// Staff, and the provider's own people: any component in the current month, ordered limits in
    /// a past one.
    ProviderForLimits,
    /// As before, and usage too where the customer's invoice of that month can still change.
    ProviderWhileOpen,
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

/// When a report reaches the invoice, and which invoices it can still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    /// Inside the request, on any invoice, issued or not. Without a price there is no line, and what
    /// a line cannot hold breaks the request.
    AtOnce,
    /// A moment after the request, on open invoices alone; the usage stays stored where there is
    /// none. Without a price there is a line of zero, and nothing breaks the request.
    InBackground,
}

impl Behaviour {
    /// The recorded server of October 2024.
    pub fn dialect_2024() -> Self {
        Self {
            dialect: Dialect::Y2024,
            rows: RowPer::PlanPeriod,
            date: DateFrom::Nobody,
            limits: Limits::Refused,
            atomic: false,
            current_usages: CurrentUsages::Replaced,
            carry_over: CarryOverField::Recurring,
            bulk_user_usages: false,
            billing: Billing::AtOnce,
            zone: TimeZone::UTC,
        }
    }
}
