//! What a server is able to do, as switches: the only place in which server versions differ.
//!
//! A dialect is a named set of them. Each can be switched alone by its name, so that a rehearsal can
//! be held against a server between two releases. A value that no rule knows is not in its enum.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::{BillingPeriod, BillingPeriodError};

/// The switchable capabilities of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// The release whose set of capabilities this began as.
    pub dialect: Dialect,
    /// What identifies a stored row besides resource, component and month.
    pub rows: RowPer,
    /// Which plan period a report gets that names none.
    pub plan_periods: PlanPeriodOf,
    /// Whether a resource without a plan is refused; otherwise the server breaks over it.
    pub plan_required: bool,
    /// Whether usage of components that are billed once may be reported.
    pub one_time_components: bool,
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
    /// Whether the parts of people become the usage where it is zero.
    pub users_fill_total: bool,
    /// Whether the list of usages knows `o`, `billing_period_year` and `billing_period_month`.
    pub list_by_year: bool,
    /// Where months turn.
    pub months: MonthsTurn,
    /// The server's own zone, in which a moment without a zone is read.
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

/// Which plan period a report gets that names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanPeriodOf {
    /// The one that the moment lies in. Without one the usage has no plan period and is never billed.
    Moment,
    /// The same, else any that overlaps the month, else, in the current month, a new one.
    Month,
}

/// Where months turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonthsTurn {
    /// At midnight in UTC, whatever the server's own zone.
    InUtc,
    /// At midnight in the server's own zone.
    InZone,
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
            plan_periods: PlanPeriodOf::Moment,
            plan_required: false,
            one_time_components: false,
            date: DateFrom::Nobody,
            limits: Limits::Refused,
            atomic: false,
            current_usages: CurrentUsages::Replaced,
            carry_over: CarryOverField::Recurring,
            bulk_user_usages: false,
            billing: Billing::AtOnce,
            users_fill_total: false,
            list_by_year: false,
            months: MonthsTurn::InUtc,
            zone: TimeZone::UTC,
        }
    }

    /// The server of the API page of November 2025: months turn in its own zone, a plan is asked
    /// for, and its list knows more filters. It ignores `date`, which came eleven days later.
    pub fn dialect_2025() -> Self {
        Self {
            dialect: Dialect::Y2025,
            plan_required: true,
            list_by_year: true,
            months: MonthsTurn::InZone,
            ..Self::dialect_2024()
        }
    }

    /// The newest server that is known: 8.1, August 2026.
    pub fn dialect_2026() -> Self {
        Self {
            dialect: Dialect::Y2026,
            rows: RowPer::PlanAndMonth,
            plan_periods: PlanPeriodOf::Month,
            one_time_components: true,
            date: DateFrom::ProviderWhileOpen,
            limits: Limits::Logged,
            atomic: true,
            current_usages: CurrentUsages::Merged,
            carry_over: CarryOverField::Policy,
            bulk_user_usages: true,
            users_fill_total: true,
            billing: Billing::InBackground,
            ..Self::dialect_2025()
        }
    }

    /// The set of capabilities of a release.
    pub fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Y2024 => Self::dialect_2024(),
            Dialect::Y2025 => Self::dialect_2025(),
            Dialect::Y2026 => Self::dialect_2026(),
        }
    }

    /// The zone in which months turn.
    pub(super) fn months_zone(&self) -> TimeZone {
        match self.months {
            MonthsTurn::InUtc => TimeZone::UTC,
            MonthsTurn::InZone => self.zone.clone(),
        }
    }

    /// The month that a moment lies in.
    pub(super) fn month_of(&self, moment: Timestamp) -> Result<BillingPeriod, BillingPeriodError> {
        BillingPeriod::of_in(moment, &self.months_zone())
    }

    /// The first instant of a day, where months turn; the end of time where it has none.
    pub(super) fn midnight_of(&self, date: Date) -> Timestamp {
        date.to_zoned(self.months_zone()).map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    }

    /// The moment at which a month begins.
    pub(super) fn start_of(&self, period: BillingPeriod) -> Timestamp {
        period.start_in(&self.months_zone())
    }
}

impl Dialect {
    /// Whether a resource tells the slugs of its project and customer, and the components of its
    /// offering (from 7.9.5 on). No rule hangs on it, so it is no capability that is switched alone:
    /// a release has it or not. When the slugs came is not known, so the older way is kept till 2026.
    pub(super) fn resources_tell_components_and_slugs(self) -> bool {
        match self {
            Self::Y2024 | Self::Y2025 => false,
            Self::Y2026 => true,
        }
    }

    /// What the server says of its version.
    pub(super) fn version(self) -> &'static str {
        match self {
            // The recorded server was run from its sources and did not know its own release.
            Self::Y2024 => "unknown",
            // A release before 7.9.0, the first whose schema knows `date`.
            Self::Y2025 => "7.8.9",
            Self::Y2026 => "8.1.2",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Y2024 => "2024",
            Self::Y2025 => "2025",
            Self::Y2026 => "2026",
        })
    }
}
