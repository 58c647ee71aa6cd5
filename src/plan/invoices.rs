//! What invoices bill of usage, as far as an account can see it.
//!
//! The type stands here because telling what is billed is what it is for; `waldur` fills it. Of each
//! customer and offering it says whether lines were seen, were hidden, or could not be proven whole:
//! where they were not seen, that there is no line means nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    Amount, ComponentType, CustomerId, InvoiceId, InvoiceLineId, OfferingId, PlanId, PlanPeriodId,
    ResourceId, line_price, visible,
};

/// How far an invoice has come, as the API spells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum InvoiceState {
    /// The month runs.
    Pending,
    /// The month is over, and late reports still change the invoice.
    PendingFinalization,
    /// It is issued.
    Created,
    /// It is paid.
    Paid,
    /// It is void.
    Canceled,
    /// A state that this version of the program does not know.
    Other(String),
}

impl InvoiceState {
    /// Whether a report can still change the invoice; `None` where that is not known of the state.
    pub fn is_open(&self) -> Option<bool> {
        match self {
            Self::Pending | Self::PendingFinalization => Some(true),
            Self::Created | Self::Paid | Self::Canceled => Some(false),
            Self::Other(_) => None,
        }
    }
}

impl From<String> for InvoiceState {
    fn from(text: String) -> Self {
        match text.as_str() {
            "pending" => Self::Pending,
            "pending_finalization" => Self::PendingFinalization,
            "created" => Self::Created,
            "paid" => Self::Paid,
            "canceled" => Self::Canceled,
            _ => Self::Other(text),
        }
    }
}

impl From<InvoiceState> for String {
    fn from(state: InvoiceState) -> Self {
        match state {
            InvoiceState::Pending => "pending".into(),
            InvoiceState::PendingFinalization => "pending_finalization".into(),
            InvoiceState::Created => "created".into(),
            InvoiceState::Paid => "paid".into(),
            InvoiceState::Canceled => "canceled".into(),
            InvoiceState::Other(text) => text,
        }
    }
}

/// A customer's invoice of a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invoice {
    /// Its id.
    pub id: InvoiceId,
    /// Its number, where the server tells one.
    pub number: Option<String>,
    /// How far it has come.
    pub state: InvoiceState,
}

/// A line that bills usage: it counts a quantity, at a price that is not below zero. Discounts,
/// credits, and what is billed by time are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// Its id.
    pub id: InvoiceLineId,
    /// The resource.
    pub resource: ResourceId,
    /// The component.
    pub component: ComponentType,
    /// The plan that the line names; of older servers the resource's plan of today, whatever the
    /// price is of.
    pub plan: Option<PlanId>,
    /// The plan period whose usage it bills, where the server tells it.
    pub plan_period: Option<PlanPeriodId>,
    /// When what it bills began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// What is billed.
    pub quantity: Amount,
    /// What a unit costs.
    pub unit_price: Amount,
    /// What the line costs, where the server tells it.
    pub told_price: Option<Amount>,
}

impl InvoiceLine {
    /// What the line costs: as told, else by the rule of invoices. `None` beyond all range.
    pub fn price(&self) -> Option<Amount> {
        self.told_price.or_else(|| line_price(self.quantity, self.unit_price))
    }
}

/// What is seen of a customer's invoice of the month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvoiceSeen {
    /// This one.
    One(Invoice),
    /// The account sees the customer's invoices, and there is none of this month.
    NotMade,
    /// The account does not see the customer's invoices.
    Hidden,
}

impl fmt::Display for InvoiceSeen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(invoice) => {
                let state = String::from(invoice.state.clone());
                match &invoice.number {
                    Some(number) => write!(formatter, "{}, number {}", visible(&state), visible(number)),
                    None => write!(formatter, "{}", visible(&state)),
                }
            }
            Self::NotMade => formatter.write_str("none was made"),
            Self::Hidden => formatter.write_str("not visible to this account"),
        }
    }
}

/// What is seen of a customer's lines for an offering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinesSeen {
    /// All of them.
    All,
    /// None: this account may not see them, or the server does not show them to anybody.
    Hidden,
    /// The server's list could not be proven to be whole.
    Unproven,
}

/// What an endpoint showed to this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It refused the account, or the server does not have it.
    Refused,
    /// It answered, and showed nothing of what was asked for.
    Nothing,
    /// It ignored what it was asked for, so that it is of no use.
    IgnoresFilters,
    /// It showed something.
    Something,
}

impl View {
    /// Takes another look into account: what was once seen is seen.
    pub fn add(&mut self, look: Self) {
        if *self != Self::Something && look != Self::NotAsked {
            *self = look;
        }
    }
}

/// What each endpoint of invoices showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct InvoiceViews {
    /// `invoices/`: the invoices of customers.
    pub invoices: View,
    /// `invoice-items/`: their lines, as the customer sees them.
    pub invoice_items: View,
    /// `provider-invoice-items/`: the lines for offerings, as their provider sees them.
    pub provider_invoice_items: View,
}

impl InvoiceViews {
    /// Takes another look at each into account.
    pub fn add(&mut self, look: Self) {
        self.invoices.add(look.invoices);
        self.invoice_items.add(look.invoice_items);
        self.provider_invoice_items.add(look.provider_invoice_items);
    }
}

/// The invoices of one month and their lines that bill usage, as far as they were seen.
#[derive(Debug, Clone, Default)]
pub struct InvoicesSeen {
    invoices: BTreeMap<CustomerId, InvoiceSeen>,
    seen: BTreeMap<(CustomerId, OfferingId), LinesSeen>,
    lines: HashMap<(ResourceId, ComponentType), Vec<InvoiceLine>>,
    /// What each endpoint showed.
    pub views: InvoiceViews,
}

impl InvoicesSeen {
    /// Takes in what was seen of a customer's invoice.
    pub fn add_invoice(&mut self, customer: CustomerId, seen: InvoiceSeen) {
        self.invoices.insert(customer, seen);
    }

    /// Takes in what was seen of a customer's lines for an offering.
    pub fn add_seen(&mut self, customer: CustomerId, offering: OfferingId, seen: LinesSeen) {
        self.seen.insert((customer, offering), seen);
    }

    /// Takes a line in; one that is there already is passed over.
    pub fn add_line(&mut self, line: InvoiceLine) {
        let lines = self.lines.entry((line.resource, line.component.clone())).or_default();
        if lines.iter().all(|known| known.id != line.id) {
            // Nearly every usage has one line; there can be many thousands of usages.
            lines.reserve_exact(1);
            lines.push(line);
        }
    }

    /// What is seen of a customer's invoice.
    pub fn invoice(&self, customer: CustomerId) -> &InvoiceSeen {
        self.invoices.get(&customer).unwrap_or(&InvoiceSeen::Hidden)
    }

    /// What is seen of a customer's lines for an offering.
    pub fn seen(&self, customer: CustomerId, offering: OfferingId) -> LinesSeen {
        self.seen.get(&(customer, offering)).copied().unwrap_or(LinesSeen::Hidden)
    }

    /// The lines that bill usage of a component of a resource.
    pub fn lines(&self, resource: ResourceId, component: &ComponentType) -> &[InvoiceLine] {
        self.lines.get(&(resource, component.clone())).map_or(&[], Vec::as_slice)
    }

    /// All lines that bill usage, in no order.
    pub fn all_lines(&self) -> impl Iterator<Item = &InvoiceLine> {
        self.lines.values().flatten()
    }
}
