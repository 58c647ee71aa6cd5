//! Invoices and their lines, as far as the account sees them.
//!
//! Customers see their own invoices (`invoices/`, `invoice-items/`), providers the lines for their
//! offerings (`provider-invoice-items/`), staff everything. None of these lists says what it hides, so
//! an empty one proves nothing: that an account sees a customer's or an offering's lines is known only
//! from its being staff or support, or from a line or an invoice that it was shown. Lines know no
//! `field=`, so they are asked for by customer and offering, and checked against both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::domain::{
    Amount, BillingPeriod, ComponentType, CustomerId, InvoiceId, InvoiceLineId, OfferingId, PlanId,
    PlanPeriodId, ResourceId,
};
use crate::plan::{Invoice, InvoiceLine, InvoiceSeen, InvoiceState, InvoicesSeen, LinesSeen, View};
use crate::resolve::{Catalogue, Resource};

use super::http::Http;
use super::list::last_id;
use super::listing::{Cut, Identified, Part, Query, read};
use super::{Account, Reader, WaldurError};

mod in_full;

pub use in_full::InvoicesInFull;

const INVOICES: &str = "invoices/";
const ITEMS: &str = "invoice-items/";
const PROVIDER_ITEMS: &str = "provider-invoice-items/";
/// The zones furthest behind and ahead of UTC: a month of the server's lies between them.
const FURTHEST_BEHIND: SignedDuration = SignedDuration::from_hours(12);
const FURTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(14);

#[derive(Debug, Deserialize)]
struct InvoiceRow {
    uuid: Uuid,
    #[serde(default)]
    customer: String,
    year: i16,
    month: i8,
    state: String,
    #[serde(default)]
    number: serde_json::Value,
}

impl InvoiceRow {
    const FIELDS: &'static [&'static str] = &["uuid", "customer", "year", "month", "state", "number"];

    fn customer(&self) -> Option<CustomerId> {
        last_id(&self.customer).map(CustomerId::new)
    }
}

/// A line as any of the lists writes it. What a line of another kind lacks may be missing.
#[derive(Debug, Deserialize)]
struct ItemRow {
    uuid: Uuid,
    /// The invoice; the provider's list does not tell it.
    #[serde(default, deserialize_with = "invoice_named")]
    invoice: Option<InvoiceId>,
    #[serde(default, rename = "unit", deserialize_with = "is_quantity")]
    counts_a_quantity: bool,
    quantity: Amount,
    unit_price: Amount,
    #[serde(default)]
    price: Option<Amount>,
    #[serde(default)]
    start: Option<Timestamp>,
    #[serde(default)]
    end: Option<Timestamp>,
    #[serde(default)]
    details: Details,
}

/// What a line says of itself, as far as we know it and it can be read. There can be many thousands of
/// lines, so nothing else of it is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "serde_json::Value")]
struct Details {
    resource: Option<ResourceId>,
    component: Option<ComponentType>,
    plan: Option<PlanId>,
    plan_period: Option<PlanPeriodId>,
}

impl From<serde_json::Value> for Details {
    fn from(value: serde_json::Value) -> Self {
        fn read<T: std::str::FromStr>(value: &serde_json::Value, name: &str) -> Option<T> {
            value.get(name)?.as_str()?.parse().ok()
        }
        Self {
            resource: read(&value, "resource_uuid"),
            component: read(&value, "offering_component_type"),
            plan: read(&value, "plan_uuid"),
            plan_period: read(&value, "plan_period_uuid"),
        }
    }
}

fn invoice_named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<InvoiceId>, D::Error> {
    let named = Option::<String>::deserialize(deserializer)?;
    Ok(named.as_deref().and_then(last_id).map(InvoiceId::new))
}

fn is_quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.as_deref() == Some("quantity"))
}

impl Identified for InvoiceRow {
    fn id(&self) -> Uuid {
        self.uuid
    }
}

impl Identified for ItemRow {
    fn id(&self) -> Uuid {
        self.uuid
    }
}

impl ItemRow {
    /// The line, where it bills usage: it counts a quantity, and is no discount and no credit.
    fn usage_line(self) -> Option<InvoiceLine> {
        if !self.counts_a_quantity || self.unit_price.is_negative() {
            return None;
        }
        Some(InvoiceLine {
            id: InvoiceLineId::new(self.uuid),
            resource: self.details.resource?,
            component: self.details.component?,
            plan: self.details.plan,
            plan_period: self.details.plan_period,
            start: self.start,
            end: self.end,
            quantity: self.quantity,
            unit_price: self.unit_price,
            told_price: self.price,
        })
    }
}

/// The resources of one customer in one offering, by project.
type Projects = BTreeMap<String, Vec<String>>;

/// Whose lines for what are asked for.
#[derive(Debug, Clone, Copy)]
struct Pair<'a> {
    customer: CustomerId,
    offering: OfferingId,
    projects: &'a Projects,
}

impl Pair<'_> {
    fn holds(&self, resource: &Resource) -> bool {
        resource.customer == self.customer && resource.offering == self.offering
    }

    /// How its list is cut where pages of it prove nothing. The provider's list cannot be cut by
    /// resource; where that is tried, its counts do not add up.
    fn cuts(&self) -> [Cut; 2] {
        let none: Arc<[Cut]> = Arc::new([]);
        let by_resource = |ids: &[String]| Cut::new("resource_uuid", ids.iter().cloned(), &none);
        let parts = self
            .projects
            .iter()
            .map(|(project, ids)| Part { value: project.clone(), cuts: Arc::new([by_resource(ids)]) });
        let all: Vec<String> = self.projects.values().flatten().cloned().collect();
        [Cut { parameter: "project_uuid", parts: parts.collect() }, by_resource(&all)]
    }
}

impl Reader {
    /// The invoices of some customers in a month, and the lines on them that bill usage of the
    /// offerings of the catalogue.
    pub async fn invoices(
        &self,
        account: &Account,
        catalogue: &Catalogue,
        customers: &BTreeSet<CustomerId>,
        period: BillingPeriod,
    ) -> Result<InvoicesSeen, WaldurError> {
        let reading = Reading { http: &self.http, at_once: self.at_once, account, catalogue, period };
        let mut seen = InvoicesSeen::default();
        reading.invoices(customers, &mut seen).await?;
        let pairs = pairs(catalogue, customers);
        let pairs =
            pairs.iter().map(|(&(customer, offering), projects)| Pair { customer, offering, projects });
        let (as_customer, as_provider): (Vec<Pair>, Vec<Pair>) =
            pairs.partition(|pair| *seen.invoice(pair.customer) != InvoiceSeen::Hidden);
        let hidden = reading.items(as_customer, &mut seen).await?;
        reading.provider_items(as_provider.into_iter().chain(hidden).collect(), &mut seen).await?;
        Ok(seen)
    }
}

/// The customers and the offerings in which they have resources.
fn pairs(
    catalogue: &Catalogue,
    customers: &BTreeSet<CustomerId>,
) -> BTreeMap<(CustomerId, OfferingId), Projects> {
    let mut pairs: BTreeMap<(CustomerId, OfferingId), Projects> = BTreeMap::new();
    for resource in catalogue.resources().filter(|resource| customers.contains(&resource.customer)) {
        let projects = pairs.entry((resource.customer, resource.offering)).or_default();
        projects.entry(resource.project.to_string()).or_default().push(resource.id.to_string());
    }
    pairs
}

/// One reading of invoices.
struct Reading<'a> {
    http: &'a Http,
    at_once: usize,
    account: &'a Account,
    catalogue: &'a Catalogue,
    period: BillingPeriod,
}

/// The lines of a pair.
struct PairRead<'a> {
    pair: Pair<'a>,
    /// `None` where the list could not be proven whole.
    rows: Option<Vec<ItemRow>>,
}

impl Reading<'_> {
    fn sees_all(&self) -> bool {
        self.account.is_staff || self.account.is_support
    }

    /// Reads the invoices of the month, and finds out of whom there would be some to see.
    async fn invoices(
        &self,
        customers: &BTreeSet<CustomerId>,
        seen: &mut InvoicesSeen,
    ) -> Result<(), WaldurError> {
        let of_month = Query::new(INVOICES)
            .with("year", self.period.year().to_string())
            .with("month", self.period.month().to_string())
            .fields(InvoiceRow::FIELDS);
        let rows = match read::<InvoiceRow>(self.http, &of_month, &[], self.at_once).await {
            // Each customer has one invoice a month, so lists by customer cannot lose any.
            Err(WaldurError::Unproven { .. }) => self.each_invoice(&of_month, customers).await?,
            rows => rows.map(Some).or_else(refused)?.unwrap_or_else(|| {
                seen.views.invoices = View::Refused;
                Vec::new()
            }),
        };
        if seen.views.invoices != View::Refused {
            seen.views.invoices.add(if rows.is_empty() { View::Nothing } else { View::Something });
        }
        for row in rows.into_iter().filter(|row| self.is_of_month(row)) {
            if let Some(customer) = row.customer().filter(|customer| customers.contains(customer)) {
                seen.add_invoice(customer, InvoiceSeen::One(invoice(row)));
            }
        }
        let missing = |customer: &CustomerId| *seen.invoice(*customer) == InvoiceSeen::Hidden;
        let missing: Vec<CustomerId> = customers.iter().copied().filter(missing).collect();
        for customer in missing {
            // To staff an empty list is only known to be empty where it shows others.
            let is_told = self.sees_all() && seen.views.invoices == View::Something;
            let is_asked = seen.views.invoices != View::Refused;
            if is_told || is_asked && self.shows_invoices_of(customer).await? {
                seen.add_invoice(customer, InvoiceSeen::NotMade);
            }
        }
        Ok(())
    }

    async fn each_invoice(
        &self,
        of_month: &Query,
        customers: &BTreeSet<CustomerId>,
    ) -> Result<Vec<InvoiceRow>, WaldurError> {
        let lists: Vec<Vec<InvoiceRow>> = stream::iter(customers)
            .map(|customer| {
                let query = of_month.clone().with("customer_uuid", customer.to_string());
                async move { read(self.http, &query, &[], 1).await }
            })
            .buffered(self.at_once)
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }

    fn is_of_month(&self, row: &InvoiceRow) -> bool {
        BillingPeriod::new(row.year, row.month) == Ok(self.period)
    }

    /// Whether this account is shown any invoice of a customer. Those on whom it holds no role are
    /// not asked for.
    async fn shows_invoices_of(&self, customer: CustomerId) -> Result<bool, WaldurError> {
        if !self.sees_all() && !self.account.holds_a_role_on(customer.uuid()) {
            return Ok(false);
        }
        let query = Query::new(INVOICES)
            .with("customer_uuid", customer.to_string())
            .with("page_size", "1")
            .fields(InvoiceRow::FIELDS);
        let rows: Vec<InvoiceRow> = self.http.get_json(query.path, &query.parameters).await?;
        Ok(rows.iter().any(|row| row.customer() == Some(customer)))
    }

    /// Reads the lines of pairs as their customer; the pairs whose lines it was not shown.
    async fn items<'b>(
        &self,
        pairs: Vec<Pair<'b>>,
        seen: &mut InvoicesSeen,
    ) -> Result<Vec<Pair<'b>>, WaldurError> {
        let of_month = Query::new(ITEMS)
            .with("year", self.period.year().to_string())
            .with("month", self.period.month().to_string());
        let Some(lists) = self.lists(of_month, pairs.clone()).await? else {
            seen.views.invoice_items = View::Refused;
            return Ok(pairs);
        };
        let mut hidden = Vec::new();
        for PairRead { pair, rows } in lists {
            let Some(rows) = rows else {
                seen.add_seen(pair.customer, pair.offering, LinesSeen::Unproven);
                continue;
            };
            let own = InvoiceOf { reading: self, invoice: seen.invoice(pair.customer) };
            let rows: Vec<ItemRow> =
                rows.into_iter().filter(|row| own.has(row) && self.is_of(pair, row)).collect();
            let is_shown = !rows.is_empty() || self.sees_all() || self.shows_item(ITEMS, pair).await?;
            seen.views.invoice_items.add(if is_shown { View::Something } else { View::Nothing });
            if is_shown {
                take(seen, pair, rows);
            } else {
                hidden.push(pair);
            }
        }
        Ok(hidden)
    }

    /// Reads the lines of pairs as the provider of their offerings.
    async fn provider_items(&self, pairs: Vec<Pair<'_>>, seen: &mut InvoicesSeen) -> Result<(), WaldurError> {
        if pairs.is_empty() {
            return Ok(());
        }
        if self.ignores_year().await? {
            seen.views.provider_invoice_items = View::IgnoresFilters;
            return Ok(());
        }
        let of_month = Query::new(PROVIDER_ITEMS)
            .with("invoice_year", self.period.year().to_string())
            .with("invoice_month", self.period.month().to_string());
        let Some(lists) = self.lists(of_month, pairs).await? else {
            seen.views.provider_invoice_items = View::Refused;
            return Ok(());
        };
        // A provider is shown all lines for an offering or none, so one line speaks for all of it.
        let mut shown: BTreeMap<OfferingId, bool> = BTreeMap::new();
        for PairRead { pair, rows } in &lists {
            let any = rows.iter().flatten().any(|row| self.is_of(*pair, row));
            *shown.entry(pair.offering).or_default() |= any;
        }
        for PairRead { pair, rows } in lists {
            let is_shown = shown.entry(pair.offering).or_default();
            if !*is_shown {
                *is_shown = self.shows_item(PROVIDER_ITEMS, pair).await?;
            }
            seen.views.provider_invoice_items.add(if *is_shown { View::Something } else { View::Nothing });
            match rows {
                None => seen.add_seen(pair.customer, pair.offering, LinesSeen::Unproven),
                Some(rows) if *is_shown => {
                    let own = rows.into_iter().filter(|row| self.is_near_month(row) && self.is_of(pair, row));
                    take(seen, pair, own);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The lists of pairs; `None` where the endpoint refuses the account, or is not there.
    async fn lists<'b>(
        &self,
        of_month: Query,
        pairs: Vec<Pair<'b>>,
    ) -> Result<Option<Vec<PairRead<'b>>>, WaldurError> {
        let lists: Result<Vec<PairRead<'b>>, WaldurError> = stream::iter(pairs)
            .map(|pair| {
                let query = of_pair(of_month.clone(), pair);
                async move {
                    let rows = match read(self.http, &query, &pair.cuts(), 1).await {
                        Err(WaldurError::Unproven { .. }) => None,
                        rows => Some(rows?),
                    };
                    Ok(PairRead { pair, rows })
                }
            })
            .buffered(self.at_once)
            .try_collect()
            .await;
        lists.map(Some).or_else(refused)
    }

    /// Whether a list shows this account any line of what is asked for, of whatever month.
    async fn shows_item(&self, path: &'static str, pair: Pair<'_>) -> Result<bool, WaldurError> {
        let query = match path {
            PROVIDER_ITEMS => Query::new(path).with("offering_uuid", pair.offering.to_string()),
            _ => of_pair(Query::new(path), pair),
        };
        let query = query.with("page_size", "1");
        let rows: Vec<ItemRow> = self.http.get_json(query.path, &query.parameters).await?;
        Ok(rows.iter().any(|row| match path {
            PROVIDER_ITEMS => self.resource_of(row).is_some_and(|own| own.offering == pair.offering),
            _ => self.is_of(pair, row),
        }))
    }

    /// Whether the provider's list gives lines of a year that has none.
    async fn ignores_year(&self) -> Result<bool, WaldurError> {
        let impossible = [("invoice_year", "1971".to_owned()), ("page_size", "1".to_owned())];
        let rows = self.http.get_json::<Vec<serde_json::Value>>(PROVIDER_ITEMS, &impossible).await;
        Ok(rows.map(Some).or_else(refused)?.is_some_and(|rows| !rows.is_empty()))
    }

    fn resource_of(&self, row: &ItemRow) -> Option<&Resource> {
        row.details.resource.and_then(|id| self.catalogue.resource(id))
    }

    fn is_of(&self, pair: Pair<'_>, row: &ItemRow) -> bool {
        self.resource_of(row).is_some_and(|resource| pair.holds(resource))
    }

    /// Whether what a line bills lies in the month, wherever on earth its months turn.
    fn is_near_month(&self, row: &ItemRow) -> bool {
        let first = self.period.start().checked_sub(FURTHEST_AHEAD).unwrap_or(Timestamp::MIN);
        let last = self.period.end().checked_add(FURTHEST_BEHIND).unwrap_or(Timestamp::MAX);
        row.start.is_none_or(|start| start >= first) && row.end.is_none_or(|end| end <= last)
    }
}

/// The lines of a customer's invoice, by what they say themselves.
struct InvoiceOf<'a> {
    reading: &'a Reading<'a>,
    invoice: &'a InvoiceSeen,
}

impl InvoiceOf<'_> {
    fn has(&self, row: &ItemRow) -> bool {
        match (self.invoice, row.invoice) {
            (InvoiceSeen::One(invoice), Some(named)) => invoice.id == named,
            // An invoice that was made since, or a list that does not name it.
            (InvoiceSeen::NotMade | InvoiceSeen::Hidden, _) | (_, None) => self.reading.is_near_month(row),
        }
    }
}

fn of_pair(query: Query, pair: Pair<'_>) -> Query {
    query.with("customer_uuid", pair.customer.to_string()).with("offering_uuid", pair.offering.to_string())
}

fn take(seen: &mut InvoicesSeen, pair: Pair<'_>, rows: impl IntoIterator<Item = ItemRow>) {
    seen.add_seen(pair.customer, pair.offering, LinesSeen::All);
    for line in rows.into_iter().filter_map(ItemRow::usage_line) {
        seen.add_line(line);
    }
}

fn invoice(row: InvoiceRow) -> Invoice {
    let number = match row.number {
        serde_json::Value::String(text) if !text.is_empty() => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Invoice { id: InvoiceId::new(row.uuid), number, state: InvoiceState::from(row.state) }
}

/// Turns the answers of an endpoint that is closed to the account, or is not there, into nothing.
pub(super) fn refused<T>(error: WaldurError) -> Result<Option<T>, WaldurError> {
    match error {
        WaldurError::Forbidden { .. } | WaldurError::Status { status: 404 | 405, .. } => Ok(None),
        error => Err(error),
    }
}
