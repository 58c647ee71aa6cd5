//! Invoices in full: what they come to, the tax, and the lines that bill no usage.
//!
//! Read only for a reconciliation, on top of what is read to tell what is billed, so that posting reads
//! no more than it needs. Lines are thus read twice; where the two readings differ, the invoices
//! changed in between and are read again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use crate::domain::{
    Amount, BillingPeriod, ComponentType, CustomerId, InvoiceLineId, OfferingId, ResourceId, line_price,
};
use crate::plan::{Invoice, InvoiceSeen, InvoicesSeen, LinesSeen, View};
use crate::resolve::Catalogue;
use crate::waldur::listing::{Cut, Identified, Query, read};
use crate::waldur::{Account, Reader, WaldurError};

use super::{INVOICES, ITEMS, InvoiceOf, ItemRow, PROVIDER_ITEMS, Pair, Reading, of_pair, pairs, refused};

/// How often invoices that change while they are read are read anew.
const ROUNDS: usize = 3;

/// The invoices of a month with all that they come to, as far as the account sees them.
#[derive(Debug, Default)]
pub struct InvoicesInFull {
    /// The lines that bill usage, and what is seen.
    pub seen: InvoicesSeen,
    /// What each visible invoice comes to.
    pub money: BTreeMap<CustomerId, MoneySeen>,
    /// All other lines, and those that bill usage of resources outside the catalogue.
    pub others: Vec<FurtherLine>,
    /// The tax on lines that bill usage, where the server tells it.
    pub taxes: BTreeMap<InvoiceLineId, Amount>,
    /// How many rows each endpoint gave.
    pub rows: BTreeMap<&'static str, usize>,
    /// Of whom all lines of the invoice were read.
    pub whole: BTreeSet<CustomerId>,
    /// The lines of usage as they were read the second time: quantity and unit price.
    usage: HashMap<InvoiceLineId, (Amount, Amount)>,
}

/// What an invoice comes to, as the server adds it up.
#[derive(Debug, Clone)]
pub struct MoneySeen {
    /// The invoice.
    pub invoice: Invoice,
    /// Without tax.
    pub price: Option<Amount>,
    /// The tax.
    pub tax: Option<Amount>,
    /// With tax.
    pub total: Option<Amount>,
}

/// A line that bills no usage of a known resource.
#[derive(Debug, Clone)]
pub struct FurtherLine {
    /// Its id.
    pub id: InvoiceLineId,
    /// Who pays.
    pub customer: CustomerId,
    /// What it is called.
    pub name: Arc<str>,
    /// The resource, where it names one.
    pub resource: Option<ResourceId>,
    /// The offering, where it names one.
    pub offering: Option<OfferingId>,
    /// The component, where it names one.
    pub component: Option<ComponentType>,
    /// Whether it names a credit.
    pub is_credit: bool,
    /// What it costs without tax.
    pub price: Amount,
}

/// A line with what nobody needs to tell what is billed.
#[derive(Debug, Deserialize)]
struct FullRow {
    #[serde(flatten)]
    own: ItemRow,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tax: Option<Amount>,
    #[serde(default)]
    credit: serde_json::Value,
    #[serde(default)]
    customer_uuid: Option<CustomerId>,
}

impl Identified for FullRow {
    fn id(&self) -> Uuid {
        self.own.uuid
    }
}

/// What an invoice says of itself.
#[derive(Debug, Deserialize)]
struct MoneyRow {
    uuid: Uuid,
    #[serde(default)]
    price: Option<Amount>,
    #[serde(default)]
    tax: Option<Amount>,
    #[serde(default)]
    total: Option<Amount>,
    #[serde(default)]
    items: Option<Vec<TaxRow>>,
}

/// The tax on a line.
#[derive(Debug, Deserialize)]
struct TaxRow {
    uuid: Uuid,
    #[serde(default)]
    tax: Option<Amount>,
}

impl MoneyRow {
    const FIELDS: &'static [&'static str] = &["uuid", "price", "tax", "total"];
}

impl Identified for MoneyRow {
    fn id(&self) -> Uuid {
        self.uuid
    }
}

impl Reader {
    /// The invoices of some customers in a month, with all their lines and what they come to; with the tax on
    /// each line, where that is wanted: single lines do not tell it, and invoices with their lines are long.
    pub async fn invoices_in_full(
        &self,
        account: &Account,
        catalogue: &Catalogue,
        (customers, with_taxes): (&BTreeSet<CustomerId>, bool),
        period: BillingPeriod,
    ) -> Result<InvoicesInFull, WaldurError> {
        let reading = Reading { http: &self.http, at_once: self.at_once, account, catalogue, period };
        let mut rounds = 1;
        loop {
            let seen = self.invoices(account, catalogue, customers, period).await?;
            reading.refuse_unproven(customers, &seen)?;
            let mut full = InvoicesInFull { seen, ..InvoicesInFull::default() };
            reading.money((customers, with_taxes), &mut full).await?;
            reading.all_lines(customers, &mut full).await?;
            match full.contradiction() {
                None => return Ok(full),
                Some(_) if rounds < ROUNDS => rounds += 1,
                Some(reason) => {
                    let list = format!("/api/{ITEMS} of {period}");
                    return Err(WaldurError::Unproven { list, reason });
                }
            }
        }
    }
}

impl InvoicesInFull {
    /// How the two readings differ.
    fn contradiction(&self) -> Option<String> {
        let mut lines = 0_usize;
        for line in self.seen.all_lines() {
            lines += 1;
            if self.usage.get(&line.id) != Some(&(line.quantity, line.unit_price)) {
                return Some(format!("line {} changed while it was read", line.id));
            }
        }
        // A line that only the second reading had is as telling.
        (lines != self.usage.len())
            .then(|| format!("{lines} lines of usage, and then {} of them", self.usage.len()))
    }

    fn take(&mut self, customer: CustomerId, catalogue: &Catalogue, rows: impl IntoIterator<Item = FullRow>) {
        for FullRow { own, name, tax, credit, .. } in rows {
            let id = InvoiceLineId::new(own.uuid);
            let (resource, offering) = (own.details.resource, own.details.offering);
            let component = own.details.component.clone();
            let known = resource.and_then(|resource| catalogue.resource(resource));
            let is_of_known = known.is_some_and(|known| known.customer == customer);
            let bills_usage = own.counts_a_quantity && !own.unit_price.is_negative() && component.is_some();
            if is_of_known && bills_usage {
                self.usage.insert(id, (own.quantity, own.unit_price));
                self.taxes.extend(tax.map(|tax| (id, tax)));
                continue;
            }
            let Some(price) = own.price.or_else(|| line_price(own.quantity, own.unit_price)) else {
                continue;
            };
            let is_credit = !matches!(credit, serde_json::Value::Null | serde_json::Value::Bool(false));
            let name = name.unwrap_or_default().into();
            let line = FurtherLine { id, customer, name, resource, offering, component, is_credit, price };
            self.others.push(line);
        }
    }
}

impl Reading<'_> {
    /// A comparison with lines of which some may be lost would be wrong without a word.
    fn refuse_unproven(
        &self,
        customers: &BTreeSet<CustomerId>,
        seen: &InvoicesSeen,
    ) -> Result<(), WaldurError> {
        let pairs = pairs(self.catalogue, customers);
        let unproven =
            pairs.keys().find(|(customer, offering)| seen.seen(*customer, *offering) == LinesSeen::Unproven);
        unproven.map_or(Ok(()), |(customer, offering)| {
            Err(WaldurError::Unproven {
                list: format!("/api/{ITEMS} (customer_uuid={customer}, offering_uuid={offering})"),
                reason: format!("the lines of {} do not add up to their count", self.period),
            })
        })
    }

    /// Reads what visible invoices come to.
    async fn money(
        &self,
        (customers, with_taxes): (&BTreeSet<CustomerId>, bool),
        full: &mut InvoicesInFull,
    ) -> Result<(), WaldurError> {
        let visible: Vec<(CustomerId, Invoice)> = customers
            .iter()
            .filter_map(|customer| match full.seen.invoice(*customer) {
                InvoiceSeen::One(invoice) => Some((*customer, invoice.clone())),
                InvoiceSeen::NotMade | InvoiceSeen::Hidden => None,
            })
            .collect();
        if visible.is_empty() {
            return Ok(());
        }
        let of_month = Query::new(INVOICES)
            .with("year", self.period.year().to_string())
            .with("month", self.period.month().to_string())
            .fields(MoneyRow::FIELDS);
        let of_month = if with_taxes { of_month.fields(&["items"]) } else { of_month };
        let none: Arc<[Cut]> = Arc::new([]);
        let ids = visible.iter().map(|(customer, _)| customer.to_string());
        let cut = Cut::new("customer_uuid", ids, &none);
        let rows: Vec<MoneyRow> = match read(self.http, &of_month, &[cut], self.at_once).await {
            // Invoices of others are among them; each customer has one a month, on one page.
            Err(WaldurError::Unproven { .. }) => {
                let mut rows = Vec::new();
                for (customer, _) in &visible {
                    let query = of_month.clone().with("customer_uuid", customer.to_string());
                    rows.extend(read(self.http, &query, &[], 1).await?);
                }
                rows
            }
            rows => rows?,
        };
        full.rows.insert(INVOICES, rows.len());
        let items = rows.iter().flat_map(|row| row.items.iter().flatten());
        full.taxes.extend(items.filter_map(|item| Some((InvoiceLineId::new(item.uuid), item.tax?))));
        let mut rows: HashMap<Uuid, MoneyRow> = rows.into_iter().map(|row| (row.uuid, row)).collect();
        for (customer, invoice) in visible {
            let row = rows.remove(&invoice.id.uuid());
            let (price, tax, total) = row.map_or((None, None, None), |row| (row.price, row.tax, row.total));
            full.money.insert(customer, MoneySeen { invoice, price, tax, total });
        }
        Ok(())
    }

    /// Reads all lines: of a visible invoice as its customer, of others as the provider.
    async fn all_lines(
        &self,
        customers: &BTreeSet<CustomerId>,
        full: &mut InvoicesInFull,
    ) -> Result<(), WaldurError> {
        let pairs = pairs(self.catalogue, customers);
        for &customer in customers {
            let own: Vec<Pair<'_>> = pairs
                .iter()
                .filter(|((payer, _), _)| *payer == customer)
                .map(|(&(customer, offering), projects)| Pair { customer, offering, projects })
                .collect();
            let is_visible = full.seen.views.invoice_items == View::Something
                && !matches!(full.seen.invoice(customer), InvoiceSeen::Hidden);
            let rows = if is_visible { self.lines_of(customer, &own, full).await? } else { None };
            match rows {
                Some(rows) => {
                    full.take(customer, self.catalogue, rows);
                    full.whole.insert(customer);
                }
                None => self.provider_lines_of(&own, full).await?,
            }
        }
        Ok(())
    }

    /// The lines of a customer's invoice; `None` where the list does not show them.
    async fn lines_of(
        &self,
        customer: CustomerId,
        pairs: &[Pair<'_>],
        full: &mut InvoicesInFull,
    ) -> Result<Option<Vec<FullRow>>, WaldurError> {
        let of_month = Query::new(ITEMS)
            .with("year", self.period.year().to_string())
            .with("month", self.period.month().to_string());
        let query = of_month.with("customer_uuid", customer.to_string());
        // What an invoice comes to is told by all of its lines or not at all, so a list that cannot be
        // proven whole ends the run.
        let projects = pairs.iter().flat_map(|pair| pair.projects.keys().cloned());
        let projects: BTreeSet<String> = projects.collect();
        let none: Arc<[Cut]> = Arc::new([]);
        let by_project = Cut::new("project_uuid", projects, &none);
        let rows = read::<FullRow>(self.http, &query, &[by_project], self.at_once).await;
        let Some(rows) = rows.map(Some).or_else(refused)? else { return Ok(None) };
        *full.rows.entry(ITEMS).or_default() += rows.len();
        let own = InvoiceOf { reading: self, invoice: full.seen.invoice(customer) };
        let mut is_told = true;
        let mut belongs = |row: &FullRow| {
            let told = self.whose(row, full.seen.invoice(customer), customer);
            is_told &= told.is_some();
            told == Some(true) && own.has(&row.own)
        };
        let rows: Vec<FullRow> = rows.into_iter().filter(&mut belongs).collect();
        if !is_told {
            let list = format!("/api/{ITEMS} (customer_uuid={customer})");
            let reason = format!("lines of {} do not tell whose they are", self.period);
            return Err(WaldurError::Unproven { list, reason });
        }
        // Nothing at all is what a list shows too that hides its lines.
        let is_shown = !rows.is_empty()
            || pairs.iter().all(|pair| full.seen.seen(customer, pair.offering) == LinesSeen::All);
        Ok(is_shown.then_some(rows))
    }

    /// Whether a line is a customer's; `None` where nothing in it tells. A server that ignores the filter
    /// gives the lines of everybody.
    fn whose(&self, row: &FullRow, invoice: &InvoiceSeen, customer: CustomerId) -> Option<bool> {
        let by_invoice = || match (invoice, row.own.invoice) {
            (InvoiceSeen::One(invoice), Some(named)) => Some(invoice.id == named),
            _ => None,
        };
        let by_resource = || self.resource_of(&row.own).map(|resource| resource.customer == customer);
        row.customer_uuid.map(|own| own == customer).or_else(by_invoice).or_else(by_resource)
    }

    /// Whether a line is of a pair, or of a resource that no list shows.
    fn may_be_of(&self, pair: Pair<'_>, row: &ItemRow) -> bool {
        let is_unlisted = row.details.resource.is_some_and(|id| self.catalogue.resource(id).is_none());
        self.is_of(pair, row) || is_unlisted && row.details.offering == Some(pair.offering)
    }

    /// The lines of a customer for offerings that the account provides.
    async fn provider_lines_of(
        &self,
        pairs: &[Pair<'_>],
        full: &mut InvoicesInFull,
    ) -> Result<(), WaldurError> {
        if full.seen.views.provider_invoice_items != View::Something {
            return Ok(());
        }
        let of_month = Query::new(PROVIDER_ITEMS)
            .with("invoice_year", self.period.year().to_string())
            .with("invoice_month", self.period.month().to_string());
        for pair in pairs {
            if full.seen.seen(pair.customer, pair.offering) != LinesSeen::All {
                continue;
            }
            let query = of_pair(of_month.clone(), *pair);
            let rows: Vec<FullRow> = read(self.http, &query, &pair.cuts(), self.at_once).await?;
            *full.rows.entry(PROVIDER_ITEMS).or_default() += rows.len();
            let own = rows
                .into_iter()
                .filter(|row| self.is_near_month(&row.own) && self.may_be_of(*pair, &row.own));
            full.take(pair.customer, self.catalogue, own.collect::<Vec<_>>());
        }
        Ok(())
    }
}
