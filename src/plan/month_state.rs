//! Whether a month can still be reported, row by row: by who reports, how the component is billed and
//! whether the customer's invoice can still change.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{BillingPeriod, BillingType, CustomerId, OfferingId, Role};
use crate::resolve::{Capabilities, Resource};

use super::month::last_safe_moment;

/// What the month of a row is to this account on this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonthState {
    /// The month that the server books into now.
    #[default]
    Open,
    /// A month that is over, and can still be reported with a date.
    Closing,
    /// A month that is over for this row: what differs has to be settled on the invoice.
    Closed,
}

impl MonthState {
    /// Whether a row of the month can be posted.
    pub fn takes_posts(self) -> bool {
        match self {
            Self::Open | Self::Closing => true,
            Self::Closed => false,
        }
    }

    /// Whether it is left out of a plan's file.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    pub(super) fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

impl fmt::Display for MonthState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}

/// What is known of a customer's invoice of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceIs {
    /// It can still change.
    Open,
    /// It was issued, paid or cancelled.
    Frozen,
    /// This account does not see it.
    NotVisible,
}

/// Who reports, for which month, and what that month still takes.
#[derive(Debug, Clone)]
pub struct Reporting {
    /// The month that is reported.
    pub period: BillingPeriod,
    /// The month that the server books into.
    pub current: BillingPeriod,
    /// The server's clock.
    pub now: Timestamp,
    /// Whether a `date` is known to the server.
    pub takes_date: bool,
    /// Whether the provider's owner may report while the invoice is open.
    pub while_invoice_is_open: bool,
    /// What the account is to each offering.
    pub roles: HashMap<OfferingId, Role>,
    /// The invoices of the month by customer, as far as they are known.
    pub invoices: HashMap<CustomerId, InvoiceIs>,
}

impl Reporting {
    /// Sets up what is known so far; nobody's role, and no invoice.
    pub fn new(
        period: BillingPeriod,
        current: BillingPeriod,
        now: Timestamp,
        capabilities: &Capabilities,
    ) -> Self {
        Self {
            period,
            current,
            now,
            takes_date: capabilities.takes_date.value,
            while_invoice_is_open: capabilities.reports_while_invoice_is_open.value,
            roles: HashMap::new(),
            invoices: HashMap::new(),
        }
    }

    /// Whether the month is the one that the server books into.
    pub fn is_current(&self) -> bool {
        self.period == self.current
    }

    /// The moment for which a post of an offering speaks: its `date`, where one is sent.
    pub fn moment(&self, offering: OfferingId) -> Timestamp {
        let last = last_safe_moment(self.period).unwrap_or(self.now);
        let role = self.roles.get(&offering).copied().unwrap_or(Role::Other);
        let sends_date = self.takes_date && matches!(role, Role::Staff | Role::ProviderOwner);
        match (self.is_current(), sends_date) {
            (true, false) => self.now,
            (true, true) => self.now.min(last),
            (false, _) => last,
        }
    }

    /// What is known of a customer's invoice.
    pub fn invoice(&self, customer: CustomerId) -> InvoiceIs {
        self.invoices.get(&customer).copied().unwrap_or(InvoiceIs::NotVisible)
    }

    /// What the month is to a component of a resource. A server says no itself where it must not be
    /// reported, so what cannot be known is tried.
    pub fn state(&self, resource: &Resource, billing_type: &BillingType) -> MonthState {
        if self.is_current() {
            return MonthState::Open;
        }
        let role = self.roles.get(&resource.offering).copied().unwrap_or(Role::Other);
        // A resource that was made on the last day has no moment of the month that is safe to name.
        let has_moment =
            resource.created.zip(last_safe_moment(self.period)).is_none_or(|(made, last)| made <= last);
        let is_taken = self.takes_date
            && has_moment
            && match (role, billing_type) {
                (Role::Staff, _) | (Role::ProviderOwner, BillingType::Limit) => true,
                (Role::ProviderOwner, BillingType::Usage) => {
                    self.while_invoice_is_open && self.invoice(resource.customer) != InvoiceIs::Frozen
                }
                (Role::ProviderOwner | Role::OfferingManager | Role::Other, _) => false,
            };
        if is_taken { MonthState::Closing } else { MonthState::Closed }
    }

    /// What the month is to the usage of users. An open invoice does not help them: of a past month the
    /// server takes theirs from the owner of the provider only where it is never billed.
    pub fn state_of_people(&self, resource: &Resource, billing_type: &BillingType) -> MonthState {
        let state = self.state(resource, billing_type);
        let role = self.roles.get(&resource.offering).copied().unwrap_or(Role::Other);
        match (state, role, billing_type) {
            (MonthState::Closing, Role::ProviderOwner, BillingType::Usage) => MonthState::Closed,
            (state, ..) => state,
        }
    }

    /// Whether a post is stored and never reaches the invoice.
    pub fn is_too_late_for_the_invoice(&self, resource: &Resource, billing_type: &BillingType) -> bool {
        !self.is_current()
            && *billing_type == BillingType::Usage
            && self.invoice(resource.customer) == InvoiceIs::Frozen
    }
}
