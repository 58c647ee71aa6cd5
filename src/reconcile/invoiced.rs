//! What the invoice has of a key, and whether that is what is stored.
//!
//! Whether a stored row is billed is told by [`plan::billing`](crate::plan::billing()). Nothing is
//! concluded from lines that this account does not see.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{Amount, BillingPeriod, BillingType, ComponentType, ResourceId};
use crate::plan::{
    BillableRow, Billing, BillingTime, InvoiceLine, InvoiceSeen, InvoiceState, LinesSeen, UnderPlanPeriod,
    WhyNot, billing,
};
use crate::resolve::Catalogue;

use super::class::Class;
use super::conversion::Conversions;
use super::report::Billed;
use super::rows::ServerRow;
use super::sides::InvoiceSide;
use super::totals::add;

/// What there is to say of a key.
#[derive(Debug)]
pub struct Invoiced<'i> {
    /// What its lines bill in all, where there are any.
    pub billed: Option<Billed>,
    /// Its lines.
    pub lines: Vec<&'i InvoiceLine>,
    /// What was paid for it, where that can be told: nothing where nothing is billed.
    pub paid: Option<Amount>,
    pub standing: Standing,
}

/// How the invoice stands to what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It bills that.
    Agrees,
    /// Nothing is on one side, and 0 on the other.
    Nothing(&'static str),
    /// Usage of the component is not what is billed.
    NotByUsage,
    /// There is a difference.
    Differs(Class, &'static str),
}

/// The invoices of all months.
#[derive(Debug)]
pub struct Invoices<'a> {
    pub catalogue: &'a Catalogue,
    pub months: &'a BTreeMap<BillingPeriod, InvoiceSide>,
    pub conversions: Conversions,
    /// The numbers of the invoices.
    pub numbers: Arc<HashSet<Arc<str>>>,
    /// What lines come to that bill a component of a resource otherwise than by usage.
    otherwise: HashMap<(BillingPeriod, ResourceId, ComponentType), Amount>,
}

const NOT_READ: &str = "the invoices of the month were not read";
const NO_RESOURCE: &str = "not visible to this account: the resource, and so its invoice";
const NO_PLAN: &str = "stored, not billed: the resource has no plan, and without one nothing is billed";
const NO_PRICE: &str = "stored, not billed: the plan of today has no price for it";
const TOO_LATE: &str = "stored, not billed: the closed invoice has no line of it; it came too late, or stood under no plan period";
const NOT_MADE: &str = "no invoice of the month is made for the organisation yet";
const OPEN: &str = "the invoice is open and does not have it yet";
const NOT_STORED: &str = "the invoice bills what the server does not have";
const OTHER_QUANTITY: &str = "the invoice bills another quantity than the server has";

impl<'a> Invoices<'a> {
    pub fn new(catalogue: &'a Catalogue, months: &'a BTreeMap<BillingPeriod, InvoiceSide>) -> Self {
        let mut otherwise: HashMap<_, Amount> = HashMap::new();
        for (period, side) in months {
            for line in side.others.iter().filter(|line| !line.is_credit) {
                if let (Some(resource), Some(component)) = (line.resource, &line.component) {
                    add(otherwise.entry((*period, resource, component.clone())).or_default(), line.price);
                }
            }
        }
        let told = months.values().flat_map(|side| side.invoices.values());
        let numbers = told.filter_map(|told| told.invoice.number.as_deref().map(Arc::from)).collect();
        Self { catalogue, months, conversions: Conversions::default(), numbers: Arc::new(numbers), otherwise }
    }

    /// What lines come to that bill a key otherwise than by usage: by a limit, by time or once.
    pub fn otherwise(
        &self,
        resource: ResourceId,
        component: &ComponentType,
        period: BillingPeriod,
    ) -> Option<Amount> {
        if self.otherwise.is_empty() {
            return None;
        }
        self.otherwise.get(&(period, resource, component.clone())).copied()
    }

    /// The lines of a key, by id.
    fn lines(
        &self,
        resource: ResourceId,
        component: &ComponentType,
        period: BillingPeriod,
    ) -> Vec<&'a InvoiceLine> {
        let Some(side) = self.months.get(&period) else { return Vec::new() };
        let mut lines: Vec<&InvoiceLine> = side.seen.lines(resource, component).iter().collect();
        lines.sort_unstable_by_key(|line| line.id);
        lines
    }

    /// Takes in how the quantity of a key stands to its usage.
    pub fn see(
        &mut self,
        resource: ResourceId,
        (number, component): (u32, &ComponentType),
        period: BillingPeriod,
        usage: Amount,
    ) {
        let lines = self.lines(resource, component, period);
        let quantity = Amount::total(lines.iter().map(|line| line.quantity));
        let offering = self.catalogue.resource(resource).map(|resource| resource.offering);
        if let (Some(offering), Some(quantity), false) = (offering, quantity, lines.is_empty()) {
            self.conversions.see((offering, number), usage, quantity);
        }
    }

    /// What the invoice has of a key. The rows are all that are stored of it.
    pub fn of(
        &self,
        resource: Option<ResourceId>,
        (number, component): (u32, &ComponentType),
        period: BillingPeriod,
        rows: &[ServerRow],
    ) -> Invoiced<'a> {
        let nothing = |standing| Invoiced { billed: None, lines: Vec::new(), paid: None, standing };
        let Some(side) = self.months.get(&period) else {
            return nothing(Standing::Differs(Class::NotVisible, NOT_READ));
        };
        let Some(resource) = resource else { return nothing(Standing::Agrees) };
        let lines = self.lines(resource, component, period);
        let billed = (!lines.is_empty()).then(|| self.billed(resource, &lines, side));
        let (standing, is_told) = self.standing((resource, component, number), rows, billed.as_ref(), side);
        let priced = billed.as_ref().map(|billed| billed.price);
        let priced = priced.filter(|_| !self.is_canceled(resource, side));
        let paid = if is_told { Some(priced.unwrap_or(Amount::ZERO)) } else { None };
        Invoiced { billed, lines, paid, standing }
    }

    fn is_canceled(&self, resource: ResourceId, side: &InvoiceSide) -> bool {
        let customer = self.catalogue.resource(resource).map(|resource| resource.customer);
        let seen = customer.map(|customer| side.seen.invoice(customer));
        matches!(seen, Some(InvoiceSeen::One(invoice)) if invoice.state == InvoiceState::Canceled)
    }

    fn billed(&self, resource: ResourceId, lines: &[&InvoiceLine], side: &InvoiceSide) -> Billed {
        let mut billed = Billed { lines: lines.iter().map(|line| line.id).collect(), ..Billed::default() };
        for line in lines {
            add(&mut billed.quantity, line.quantity);
            add(&mut billed.price, line.price().unwrap_or_default());
            if let Some(tax) = side.taxes.get(&line.id) {
                add(billed.tax.get_or_insert(Amount::ZERO), *tax);
            }
        }
        let first = lines.first().map(|line| line.unit_price);
        billed.unit_price = first.filter(|first| lines.iter().all(|line| line.unit_price == *first));
        let customer = self.catalogue.resource(resource).map(|resource| resource.customer);
        if let Some(InvoiceSeen::One(invoice)) = customer.map(|customer| side.seen.invoice(customer)) {
            billed.invoice_number = invoice.number.as_deref().map(Into::into);
        }
        billed
    }

    /// How the key stands, and whether it is told what was paid for it.
    fn standing(
        &self,
        (resource, component, number): (ResourceId, &ComponentType, u32),
        rows: &[ServerRow],
        billed: Option<&Billed>,
        side: &InvoiceSide,
    ) -> (Standing, bool) {
        let Some(known) = self.catalogue.resource(resource) else {
            return (Standing::Differs(Class::NotVisible, NO_RESOURCE), false);
        };
        if rows.is_empty() {
            return match billed {
                // Whether there should be a line is asked of what is stored, and nothing is.
                None => {
                    let sees = side.seen.seen(known.customer, known.offering);
                    (Standing::Agrees, sees == LinesSeen::All)
                }
                Some(billed) if billed.quantity.is_zero() => {
                    (Standing::Nothing("nothing on the server, and 0 on the invoice"), true)
                }
                Some(_) => (Standing::Differs(Class::Billed, NOT_STORED), true),
            };
        }
        let rows: Vec<BillableRow> = rows.iter().map(|row| self.billable(known, component, row)).collect();
        let billings = billing(&rows.iter().collect::<Vec<_>>(), &side.seen, BillingTime::WaitedFor);
        if let Some(hidden) = billings.iter().find(|one| matches!(one, Billing::NotVisible { .. })) {
            return (Standing::Differs(Class::NotVisible, hidden.text()), false);
        }
        if billings.contains(&Billing::NotBillable) {
            return (Standing::NotByUsage, false);
        }
        let stored = Amount::total(rows.iter().map(|row| row.amount));
        let is_canceled = self.is_canceled(resource, side);
        // Rows and lines that differ one by one may be the same in all, as after a switch of plans.
        if billed.is_some_and(|billed| stored == Some(billed.quantity) && !is_canceled) {
            return (Standing::Agrees, true);
        }
        let missing = billings.iter().find(|one| matches!(one, Billing::StoredNotBilled { .. }));
        if let Some(missing) = missing {
            let is_late = matches!(missing, Billing::StoredNotBilled { why: WhyNot::InvoiceClosed, billed } if billed.is_zero());
            let note = match rows.first().and_then(|row| row.has_price) {
                _ if !is_late => missing.text(),
                None if known.plan.is_none() => NO_PLAN,
                Some(false) => NO_PRICE,
                Some(true) | None => TOO_LATE,
            };
            return (Standing::Differs(Class::NotBilled, note), true);
        }
        if billings.iter().any(|one| matches!(one, Billing::DiffersFromInvoice { .. })) {
            let conversion = self.conversions.of((known.offering, number));
            let quantity = billed.map(|billed| billed.quantity);
            let fits = stored.zip(quantity).zip(conversion);
            return match fits.filter(|((usage, quantity), how)| how.fits(*usage, *quantity)) {
                Some((_, how)) => (Standing::Differs(Class::ConvertedByServer, how.says()), true),
                None => (Standing::Differs(Class::Billed, OTHER_QUANTITY), true),
            };
        }
        if billings.contains(&Billing::Pending) {
            let is_made = *side.seen.invoice(known.customer) != InvoiceSeen::NotMade;
            return (Standing::Differs(Class::NotBilled, if is_made { OPEN } else { NOT_MADE }), true);
        }
        if billed.is_none() {
            return (Standing::Nothing("0 on the server, and nothing on the invoice"), true);
        }
        (Standing::Agrees, true)
    }

    fn billable(
        &self,
        known: &crate::resolve::Resource,
        component: &ComponentType,
        row: &ServerRow,
    ) -> BillableRow {
        let offering = self.catalogue.offering(known.offering);
        let own = offering.and_then(|offering| offering.component(component));
        let has_price = offering.zip(known.plan).and_then(|(offering, plan)| {
            // A plan without any price is one that is not shown.
            let is_shown = offering.prices.keys().any(|(priced, _)| *priced == plan);
            is_shown.then(|| offering.price(plan, component).is_some())
        });
        BillableRow {
            usage: row.id,
            resource: known.id,
            component: component.clone(),
            customer: known.customer,
            offering: known.offering,
            amount: row.amount,
            before: None,
            billing_type: own
                .map_or(BillingType::Other("unknown".into()), |component| component.billing_type.clone()),
            plan_period: self.plan_period(known.id, row),
            has_price,
        }
    }

    /// What is known of the plan period that a row stands under.
    fn plan_period(&self, resource: ResourceId, row: &ServerRow) -> UnderPlanPeriod {
        let Some(periods) = self.catalogue.plan_periods(resource) else { return UnderPlanPeriod::Unknown };
        if let Some(own) = periods.iter().find(|period| period.usages.contains(&row.id)) {
            return UnderPlanPeriod::One(own.clone());
        }
        // The server lists no plan periods that ended before its own month: silence about an older
        // month means nothing.
        let is_current = self.catalogue.current_period() == Some(row.key.period);
        if is_current && !periods.iter().any(|period| period.overlaps(row.key.period)) {
            UnderPlanPeriod::None
        } else {
            UnderPlanPeriod::Unknown
        }
    }
}
