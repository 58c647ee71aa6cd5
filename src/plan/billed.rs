//! Whether a stored usage is billed: by a line, not at all, not yet, or out of this account's sight.
//!
//! A row and a line belong together by resource and component, and by plan period where the row's is
//! known; among those that nothing tells apart, equal quantities do. Nothing is concluded from lines
//! that were not seen. A server that bills inside the request has billed by now, whatever the state
//! of the invoice; one that bills in the background is waited for, and leaves closed invoices alone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::{Amount, BillingType, ComponentType, CustomerId, OfferingId, ResourceId, UsageId};
use crate::resolve::{Capabilities, Catalogue, PlanPeriod};

use super::invoices::{Invoice, InvoiceLine, InvoiceSeen, InvoicesSeen, LinesSeen};
use super::stored::StoredUsage;

/// What is known of the plan period that a stored row stands under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnderPlanPeriod {
    /// Nothing.
    Unknown,
    /// It stands under none, so it is never billed.
    None,
    /// It stands under this one.
    One(PlanPeriod),
}

/// A stored row with what decides whether it is billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillableRow {
    /// Its id.
    pub usage: UsageId,
    /// The resource.
    pub resource: ResourceId,
    /// The component.
    pub component: ComponentType,
    /// The organisation that pays.
    pub customer: CustomerId,
    /// The offering.
    pub offering: OfferingId,
    /// What is stored.
    pub amount: Amount,
    /// What was stored before it was posted, where something was: a line of that amount has not
    /// heard of the new one.
    pub before: Option<Amount>,
    /// How the component is billed.
    pub billing_type: BillingType,
    /// The plan period.
    pub plan_period: UnderPlanPeriod,
    /// Whether the resource's plan has a price for the component, where that is known.
    pub has_price: Option<bool>,
}

impl BillableRow {
    /// A stored row with what the catalogue knows of it; `None` where the resource is not in it.
    pub fn of(stored: &StoredUsage, catalogue: &Catalogue) -> Option<Self> {
        let resource = catalogue.resource(stored.resource)?;
        let offering = catalogue.offering(resource.offering)?;
        let component = offering.component(&stored.component);
        let has_price = resource.plan.and_then(|plan| {
            // A plan without any price is one that is not shown.
            let is_shown = offering.prices.keys().any(|(priced, _)| *priced == plan);
            is_shown.then(|| offering.price(plan, &stored.component).is_some())
        });
        Some(Self {
            usage: stored.id,
            resource: stored.resource,
            component: stored.component.clone(),
            customer: resource.customer,
            offering: offering.id,
            amount: stored.amount,
            before: None,
            billing_type: component
                .map_or(BillingType::Other("unknown".into()), |component| component.billing_type.clone()),
            plan_period: UnderPlanPeriod::Unknown,
            has_price,
        })
    }
}

/// When a server bills what is reported, and how long it was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillingTime {
    /// Inside the request that reports it.
    AtOnce,
    /// In the background, and lines may follow.
    Awaited,
    /// In the background, and it was waited for long enough.
    WaitedFor,
}

impl BillingTime {
    /// What is known of a server just after a post: the recorded one of 2024, which is known by its
    /// booking in UTC, bills at once; any other may do it in the background.
    pub fn of(capabilities: &Capabilities) -> Self {
        if capabilities.books_in_utc.value { Self::AtOnce } else { Self::Awaited }
    }
}

/// Why something stored is not billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// The invoice was closed before the report came, and is left as it was.
    InvoiceClosed,
    /// The invoice is void.
    InvoiceCanceled,
    /// The row stands under no plan period.
    NoPlanPeriod,
    /// The plan has no price for the component.
    NoPrice,
    /// The server had its chance, and does not tell why it made no line.
    Unexplained,
}

/// What an account would have to see to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSeen {
    /// The lines of the customer's invoice.
    Lines,
    /// All of the lines: the server's list could not be proven whole.
    WholeList,
    /// The state of the invoice: no line is there, and whether one can still come depends on it.
    Invoice,
    /// How the component is billed.
    BillingType,
}

/// What becomes of a stored row on the invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "billing", rename_all = "snake_case")]
pub enum Billing {
    /// A line bills it.
    Billed {
        /// What is billed, which is what is stored.
        quantity: Amount,
        /// What a unit costs.
        unit_price: Amount,
        /// What the line costs.
        price: Option<Amount>,
        /// The invoice, where this account sees it.
        invoice: Option<Invoice>,
    },
    /// Zero is stored and no line is there, which comes to the same as a line of zero.
    NothingToBill,
    /// It is stored, and the invoice does not have it.
    StoredNotBilled {
        /// Why.
        why: WhyNot,
        /// What the invoice has instead: the amount that was stored before, or nothing.
        billed: Amount,
    },
    /// Usage of the component is not what is billed.
    NotBillable,
    /// The server may still bill it.
    Pending,
    /// This account cannot tell.
    NotVisible {
        /// What it would have to see.
        what: NotSeen,
    },
    /// A line is there, and bills something else: the server converts the quantity, or has not taken
    /// the last report into it.
    DiffersFromInvoice {
        /// What is billed; in all, where rows or lines cannot be told apart.
        quantity: Amount,
        /// The invoice, where this account sees it.
        invoice: Option<Invoice>,
    },
}

impl Billing {
    /// Whether it is not what whoever reports usage would expect.
    pub fn is_amiss(&self) -> bool {
        match self {
            Self::StoredNotBilled { .. } | Self::DiffersFromInvoice { .. } => true,
            Self::Billed { .. }
            | Self::NothingToBill
            | Self::NotBillable
            | Self::Pending
            | Self::NotVisible { .. } => false,
        }
    }

    /// It in words.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Billed { .. } => "billed",
            Self::NothingToBill => "nothing to bill",
            Self::StoredNotBilled { why, .. } => match why {
                WhyNot::InvoiceClosed => "stored, not billed: the invoice is closed",
                WhyNot::InvoiceCanceled => "stored, not billed: the invoice is canceled",
                WhyNot::NoPlanPeriod => "stored, not billed: no plan period",
                WhyNot::NoPrice => "stored, not billed: the plan has no price for it",
                WhyNot::Unexplained => "stored, not billed: the server does not tell why",
            },
            Self::NotBillable => "not billable",
            Self::Pending => "pending",
            Self::NotVisible { what } => match what {
                NotSeen::Lines => "not visible to this account: the lines of the invoice",
                NotSeen::WholeList => "not visible: the list of lines cannot be proven whole",
                NotSeen::Invoice => "not visible to this account: the state of the invoice",
                NotSeen::BillingType => "not visible: how the component is billed",
            },
            Self::DiffersFromInvoice { .. } => "differs from the invoice",
        }
    }
}

/// Tells for each row, in their order, what becomes of it. The rows have to be all that are stored
/// of their resources and components in the month; otherwise the lines of the others look as if they
/// billed too much.
pub fn billing(rows: &[&BillableRow], seen: &InvoicesSeen, time: BillingTime) -> Vec<Billing> {
    let mut keys: BTreeMap<(ResourceId, &ComponentType), Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        keys.entry((row.resource, &row.component)).or_default().push(at);
    }
    let mut billings = vec![Billing::NotBillable; rows.len()];
    for of_key in keys.into_values() {
        let own: Vec<&BillableRow> = of_key.iter().map(|&at| rows[at]).collect();
        let judged = Key::new(&own, seen, time).judge();
        for (at, billing) in of_key.into_iter().zip(judged) {
            billings[at] = billing;
        }
    }
    billings
}

/// The rows and lines of one resource and component.
struct Key<'a> {
    rows: &'a [&'a BillableRow],
    lines: &'a [InvoiceLine],
    invoice: &'a InvoiceSeen,
    seen: LinesSeen,
    time: BillingTime,
}

impl<'a> Key<'a> {
    /// All rows of a key are of one customer and offering.
    fn new(rows: &'a [&'a BillableRow], seen: &'a InvoicesSeen, time: BillingTime) -> Self {
        let row = rows[0];
        Self {
            rows,
            lines: seen.lines(row.resource, &row.component),
            invoice: seen.invoice(row.customer),
            seen: seen.seen(row.customer, row.offering),
            time,
        }
    }

    fn judge(&self) -> Vec<Billing> {
        if let Some(same) = self.same_for_all() {
            return vec![same; self.rows.len()];
        }
        let matched = self.matched();
        let used: Vec<usize> = matched.iter().flatten().copied().collect();
        let is_left = |at: &usize| !used.contains(at) && !self.lines[*at].quantity.is_zero();
        let left: Vec<usize> = (0..self.lines.len()).filter(is_left).collect();
        let too_much = matched.iter().all(Option::is_some) && !left.is_empty();
        let judge = |(row, line): (&&BillableRow, &Option<usize>)| match line {
            // More is billed than is stored, and which line is the right one cannot be told.
            Some(_) if too_much => self.other_quantity(row, &(0..self.lines.len()).collect::<Vec<_>>()),
            Some(line) => self.billed(row, *line),
            None if left.is_empty() => self.without_line(row),
            None => self.other_quantity(row, &self.lines_for(row, &left)),
        };
        self.rows.iter().zip(&matched).map(judge).collect()
    }

    /// What holds whatever is stored.
    fn same_for_all(&self) -> Option<Billing> {
        match self.rows[0].billing_type {
            BillingType::Usage => {}
            BillingType::Limit | BillingType::Fixed | BillingType::OneTime | BillingType::OnPlanSwitch => {
                return Some(Billing::NotBillable);
            }
            BillingType::Other(_) => return Some(Billing::NotVisible { what: NotSeen::BillingType }),
        }
        match self.seen {
            LinesSeen::All => None,
            LinesSeen::Hidden => Some(Billing::NotVisible { what: NotSeen::Lines }),
            LinesSeen::Unproven => Some(Billing::NotVisible { what: NotSeen::WholeList }),
        }
    }

    /// A line of its own quantity for each row that has one, no line for two rows. Rows of a known
    /// plan period choose first, among the lines of that alone.
    fn matched(&self) -> Vec<Option<usize>> {
        let mut matched = vec![None; self.rows.len()];
        let mut free: Vec<usize> = (0..self.lines.len()).collect();
        let is_known = |at: &usize| matches!(self.rows[*at].plan_period, UnderPlanPeriod::One(_));
        let (known, others): (Vec<usize>, Vec<usize>) = (0..self.rows.len()).partition(is_known);
        for at in known.into_iter().chain(others) {
            let row = self.rows[at];
            let fits = |line: &usize| {
                self.lines[*line].quantity == row.amount && belongs(&self.lines[*line], &row.plan_period)
            };
            if let Some(place) = free.iter().position(fits) {
                matched[at] = Some(free.remove(place));
            }
        }
        matched
    }

    /// Of some lines those that may be a row's: of its plan period, else all of them.
    fn lines_for(&self, row: &BillableRow, lines: &[usize]) -> Vec<usize> {
        let own = lines.iter().copied().filter(|&at| belongs(&self.lines[at], &row.plan_period));
        let own: Vec<usize> = own.collect();
        if own.is_empty() { lines.to_vec() } else { own }
    }

    fn billed(&self, row: &BillableRow, line: usize) -> Billing {
        if self.is_canceled() && !row.amount.is_zero() {
            return not_billed(WhyNot::InvoiceCanceled, Amount::ZERO);
        }
        let line = &self.lines[line];
        Billing::Billed {
            quantity: line.quantity,
            unit_price: line.unit_price,
            price: line.price(),
            invoice: self.invoice(),
        }
    }

    /// A row that has no line, and no line is left that could be its own.
    fn without_line(&self, row: &BillableRow) -> Billing {
        if row.amount.is_zero() {
            return Billing::NothingToBill;
        }
        if row.plan_period == UnderPlanPeriod::None {
            return not_billed(WhyNot::NoPlanPeriod, Amount::ZERO);
        }
        if self.time == BillingTime::AtOnce {
            let is_free = row.has_price == Some(false);
            let why = if is_free { WhyNot::NoPrice } else { WhyNot::Unexplained };
            return not_billed(why, Amount::ZERO);
        }
        match self.is_open() {
            Some(true) => Billing::Pending,
            Some(false) if self.is_canceled() => not_billed(WhyNot::InvoiceCanceled, Amount::ZERO),
            Some(false) => not_billed(WhyNot::InvoiceClosed, Amount::ZERO),
            None if self.time == BillingTime::Awaited => Billing::Pending,
            None => Billing::NotVisible { what: NotSeen::Invoice },
        }
    }

    /// A row for which lines of another quantity are there.
    fn other_quantity(&self, row: &BillableRow, lines: &[usize]) -> Billing {
        let quantities = || lines.iter().map(|&at| self.lines[at].quantity);
        let quantity = Amount::total(quantities()).unwrap_or_default();
        let differs = Billing::DiffersFromInvoice { quantity, invoice: self.invoice() };
        // A line of what was stored before is not converted: it is the line of the row, untouched.
        let old = row.before.filter(|&before| before != row.amount && quantity == before);
        match (self.time, self.is_open()) {
            (BillingTime::AtOnce, _) => differs,
            (_, Some(false)) => old.map_or(differs, |old| not_billed(WhyNot::InvoiceClosed, old)),
            (BillingTime::Awaited, _) => Billing::Pending,
            (BillingTime::WaitedFor, Some(true)) if old.is_some() => Billing::Pending,
            (BillingTime::WaitedFor, _) => differs,
        }
    }

    fn invoice(&self) -> Option<Invoice> {
        match self.invoice {
            InvoiceSeen::One(invoice) => Some(invoice.clone()),
            InvoiceSeen::NotMade | InvoiceSeen::Hidden => None,
        }
    }

    /// Whether a line can still be made or changed. An invoice that is not made yet will be.
    fn is_open(&self) -> Option<bool> {
        match self.invoice {
            InvoiceSeen::One(invoice) => invoice.state.is_open(),
            InvoiceSeen::NotMade => Some(true),
            InvoiceSeen::Hidden => None,
        }
    }

    fn is_canceled(&self) -> bool {
        use super::invoices::InvoiceState::Canceled;
        matches!(self.invoice, InvoiceSeen::One(invoice) if invoice.state == Canceled)
    }
}

fn not_billed(why: WhyNot, billed: Amount) -> Billing {
    Billing::StoredNotBilled { why, billed }
}

/// Whether a line may bill a row that stands so: by the plan period that it names, else by lying
/// within it, which is how a server that names none finds its own line again.
fn belongs(line: &InvoiceLine, plan_period: &UnderPlanPeriod) -> bool {
    let UnderPlanPeriod::One(period) = plan_period else { return true };
    if let Some(named) = line.plan_period {
        return named == period.id;
    }
    let begins = line.start.zip(period.start).is_none_or(|(own, period)| own >= period);
    let ends = line.end.zip(period.end).is_none_or(|(own, period)| own <= period);
    begins && ends
}

#[cfg(test)]
mod tests;
