//! Stored usages as the API gives them, by its own filters.
//!
//! Every filter and the ordering are applied again on our side, and the ones that the server
//! ignored are named, so that a list is never silently of something else.

use std::cmp::Ordering as Compare;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{
    Amount, BillingPeriod, ComponentType, CustomerId, OfferingId, PeriodRange, ProjectId, ResourceId, fold,
};

use super::WaldurError;
use super::http::Http;
use super::listing::{Cut, Identified, Part, Query, count, read};
use super::wire::{OfferingName, ResourceRow};

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listing {
    /// Usages of resources.
    #[default]
    Usages,
    /// Usages of single users. Their rows name no month, so where the server ignores it the day of the
    /// report stands in for it.
    UserUsages,
}

impl Listing {
    fn path(self) -> &'static str {
        match self {
            Self::Usages => "marketplace-component-usages/",
            Self::UserUsages => "marketplace-component-user-usages/",
        }
    }

    /// The filter by month.
    fn month(self) -> &'static str {
        match self {
            Self::Usages => "billing_period",
            Self::UserUsages => "component_usage__billing_period",
        }
    }

    /// The field that holds the component type.
    fn component(self) -> &'static str {
        match self {
            Self::Usages => "type",
            Self::UserUsages => "component_type",
        }
    }
}

/// How a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordering {
    /// By month, then by amount where asked twice.
    BillingPeriod,
    /// By amount.
    Usage,
}

/// The filters of the list endpoint.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// What is listed.
    pub what: Listing,
    /// Months, both ends included.
    pub period: Option<PeriodRange>,
    /// The calendar year of the month.
    pub year: Option<i16>,
    /// The month of the year, in any year.
    pub month: Option<i8>,
    /// The organisation.
    pub customer: Option<CustomerId>,
    /// The project.
    pub project: Option<ProjectId>,
    /// The offering.
    pub offering: Option<OfferingId>,
    /// The resource.
    pub resource: Option<ResourceId>,
    /// The resource by its API address.
    pub resource_url: Option<String>,
    /// The component type.
    pub component: Option<ComponentType>,
    /// Reported on this day or later.
    pub date_after: Option<Date>,
    /// Reported on this day or earlier.
    pub date_before: Option<Date>,
    /// Only these fields; all where empty.
    pub fields: Vec<String>,
    /// The ordering, each with whether it is descending.
    pub order: Vec<(Ordering, bool)>,
    /// A single page, as the server counts them; the whole list where neither is given.
    pub page: Option<usize>,
    /// The size of the page.
    pub page_size: Option<usize>,
}

/// A stored usage with whatever fields the server gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ListRow(pub Map<String, Value>);

impl ListRow {
    /// A field as text; empty where it is absent or null.
    pub fn text(&self, field: &str) -> String {
        match self.0.get(field) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    fn uuid(&self, field: &str) -> Option<Uuid> {
        Uuid::try_parse(self.0.get(field)?.as_str()?).ok()
    }

    fn period(&self) -> Option<BillingPeriod> {
        self.0.get("billing_period")?.as_str()?.parse().ok()
    }

    fn amount(&self) -> Option<Amount> {
        serde_json::from_value(self.0.get("usage")?.clone()).ok()
    }

    fn date(&self) -> Option<Date> {
        self.0.get("date")?.as_str()?.get(..10)?.parse().ok()
    }
}

impl Identified for ListRow {
    fn id(&self) -> Uuid {
        self.uuid("uuid").unwrap_or_default()
    }
}

/// A list and what the server did not do for it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The rows, filtered and ordered.
    pub rows: Vec<ListRow>,
    /// The names of filters that the server ignored.
    pub ignored: BTreeSet<&'static str>,
    /// How many rows the server counts, where a single page was asked for.
    pub count: Option<usize>,
    /// The names of the fields that usages of this server have; empty where no row was read.
    pub names: BTreeSet<String>,
}

impl Listed {
    /// The first field that was asked for and that no row has.
    pub fn unknown_field<'a>(&self, filter: &'a ListFilter) -> Option<&'a str> {
        let fields = filter.fields.iter().map(String::as_str);
        fields.into_iter().find(|field| !self.names.is_empty() && !self.names.contains(*field))
    }
}

/// A filter: its parameter, the field that shows it, and whether a row passes.
struct Test<'a> {
    parameter: &'static str,
    field: &'static str,
    passes: Box<dyn Fn(&ListRow) -> bool + 'a>,
}

pub(super) async fn list(http: &Http, filter: &ListFilter, at_once: usize) -> Result<Listed, WaldurError> {
    let tests = tests(filter);
    let query = query(filter, &tests);
    let mut ignored = BTreeSet::new();
    let (mut rows, count) = if filter.page.is_some() || filter.page_size.is_some() {
        let (rows, count) = page(http, filter, &query).await?;
        (rows, Some(count))
    } else {
        let (rows, is_month_ignored) = whole(http, filter, &query, at_once).await?;
        ignored.extend(is_month_ignored.then_some(filter.what.month()));
        (rows, None)
    };
    // Several months are asked for one by one, so only one request shows the server's own order.
    let shows_order = count.is_some() || filter.period.is_none_or(|period| period.as_single().is_some());
    for test in &tests {
        let before = rows.len();
        rows.retain(|row| (test.passes)(row));
        if rows.len() < before {
            ignored.insert(test.parameter);
        }
    }
    if !filter.order.is_empty() {
        let ordered = |left: &ListRow, right: &ListRow| compare(&filter.order, left, right);
        if shows_order && !rows.is_sorted_by(|left, right| ordered(left, right) != Compare::Greater) {
            ignored.insert("o");
        }
        rows.sort_by(ordered);
    }
    let names = names(http, filter, &rows).await?;
    if !filter.fields.is_empty() {
        for row in &mut rows {
            row.0.retain(|name, _| filter.fields.iter().any(|field| field == name));
        }
    }
    Ok(Listed { rows, ignored, count, names })
}

/// The fields of usages, asked for only where a field is missing from every row.
async fn names(http: &Http, filter: &ListFilter, rows: &[ListRow]) -> Result<BTreeSet<String>, WaldurError> {
    let has = |field: &String| rows.iter().any(|row| row.0.contains_key(field));
    if rows.is_empty() || filter.fields.iter().all(has) {
        return Ok(BTreeSet::new());
    }
    let whole: Vec<ListRow> = http.get_json(filter.what.path(), &[("page_size", "1".to_owned())]).await?;
    Ok(whole.into_iter().flat_map(|row| row.0.into_iter().map(|(name, _)| name)).collect())
}

async fn page(http: &Http, filter: &ListFilter, query: &Query) -> Result<(Vec<ListRow>, usize), WaldurError> {
    let mut parameters = query.parameters.clone();
    parameters.extend(
        filter
            .period
            .and_then(PeriodRange::as_single)
            .map(|period| (filter.what.month(), period.first_day())),
    );
    parameters.extend(filter.page.map(|page| ("page", page.to_string())));
    parameters.extend(filter.page_size.map(|size| ("page_size", size.to_string())));
    let answer = http.get(filter.what.path(), &parameters).await?;
    let rows: Vec<ListRow> = answer.json()?;
    let count = answer.count.unwrap_or(rows.len());
    Ok((rows, count))
}

/// Reads the list month by month where months are asked for; also whether the server ignored them.
async fn whole(
    http: &Http,
    filter: &ListFilter,
    query: &Query,
    at_once: usize,
) -> Result<(Vec<ListRow>, bool), WaldurError> {
    let Some(period) = filter.period else { return Ok((slice(http, filter, query, at_once).await?, false)) };
    let mut rows = Vec::new();
    // A row that does not name its month is believed where the server gives none of an impossible one.
    let mut is_ignored = match filter.what {
        Listing::Usages => false,
        Listing::UserUsages => count(http, &query.clone().with(filter.what.month(), "1971-01-01")).await? > 0,
    };
    let is_unproven = is_ignored;
    for month in period.months() {
        let query = query.clone().with(filter.what.month(), month.first_day());
        let read = slice(http, filter, &query, at_once).await?;
        let all = read.len();
        let is_own = |row: &ListRow| match row.period() {
            Some(own) => own == month,
            None if is_unproven => {
                row.date().is_some_and(|date| (date.year(), date.month()) == (month.year(), month.month()))
            }
            None => true,
        };
        // A server that ignores the month gives the same rows every time.
        let own: Vec<ListRow> = read.into_iter().filter(is_own).collect();
        is_ignored |= own.len() < all;
        rows.extend(own);
    }
    Ok((rows, is_ignored))
}

/// Reads a slice whole; only where its pages fail are the values to cut it by fetched.
async fn slice(
    http: &Http,
    filter: &ListFilter,
    query: &Query,
    at_once: usize,
) -> Result<Vec<ListRow>, WaldurError> {
    match read(http, query, &[], at_once).await {
        Err(WaldurError::Unproven { .. }) => {}
        done => return done,
    }
    let offerings = Query::new("marketplace-provider-offerings/").fields(&["uuid", "name"]);
    let offerings: Vec<OfferingName> = read(http, &offerings, &[], at_once).await?;
    let resources =
        Query::new("marketplace-provider-resources/").with("o", "created").fields(ResourceRow::FIELDS);
    let resources: Vec<ResourceRow> = read(http, &resources, &[], at_once).await?;
    let ids = |rows: &mut dyn Iterator<Item = &ResourceRow>| {
        rows.map(|row| row.uuid.to_string()).collect::<Vec<_>>()
    };
    let none: Arc<[Cut]> = Arc::new([]);
    let by_offering = offerings.iter().map(|offering| {
        let own = ids(&mut resources.iter().filter(|row| row.offering_uuid == offering.uuid));
        Part { value: offering.uuid.to_string(), cuts: Arc::new([Cut::new("resource_uuid", own, &none)]) }
    });
    let by_offering = Cut { parameter: "offering_uuid", parts: by_offering.collect() };
    let by_resource = Cut::new("resource_uuid", ids(&mut resources.iter()), &none);
    let cuts: Arc<[Cut]> = Arc::new([by_offering, by_resource]);
    let current = http.now().and_then(|now| BillingPeriod::of(now).ok());
    match current.filter(|_| filter.period.is_none()) {
        Some(current) => {
            read(http, query, &[months_until(filter.what.month(), current, &cuts)], at_once).await
        }
        None => read(http, query, &cuts, at_once).await,
    }
}

/// The months of the last ten years, which usages of a running service lie in.
fn months_until(parameter: &'static str, current: BillingPeriod, cuts: &Arc<[Cut]>) -> Cut {
    let first = BillingPeriod::new(current.year() - 10, current.month()).unwrap_or(current);
    let months = std::iter::successors(Some(first), |month| Some(month.next()));
    let values = months.take_while(|&month| month <= current).map(BillingPeriod::first_day);
    Cut::new(parameter, values, cuts)
}

fn query(filter: &ListFilter, tests: &[Test<'_>]) -> Query {
    let mut query = Query::new(filter.what.path());
    let mut add = |name, value: Option<String>| {
        if let Some(value) = value {
            query = query.clone().with(name, value);
        }
    };
    add("billing_period_year", filter.year.map(|year| year.to_string()));
    add("billing_period_month", filter.month.map(|month| month.to_string()));
    add("customer_uuid", filter.customer.map(|id| id.to_string()));
    add("project_uuid", filter.project.map(|id| id.to_string()));
    add("offering_uuid", filter.offering.map(|id| id.to_string()));
    add("resource_uuid", filter.resource.map(|id| id.to_string()));
    add("resource", filter.resource_url.clone());
    add("type", filter.component.as_ref().map(|component| component.as_str().to_owned()));
    add("date_after", filter.date_after.map(|date| date.to_string()));
    add("date_before", filter.date_before.map(|date| date.to_string()));
    for (ordering, descending) in &filter.order {
        let name = match ordering {
            Ordering::BillingPeriod => "billing_period",
            Ordering::Usage => "usage",
        };
        add("o", Some(format!("{}{name}", if *descending { "-" } else { "" })));
    }
    if !filter.fields.is_empty() {
        let mut fields: BTreeSet<&str> = filter.fields.iter().map(String::as_str).collect();
        fields.extend(["uuid", "usage"]);
        fields.extend((filter.what == Listing::Usages).then_some("billing_period"));
        fields.extend(tests.iter().map(|test| test.field));
        for field in fields {
            add("field", Some(field.to_owned()));
        }
    }
    query
}

/// The filters that are set, as tests of a row.
fn tests(filter: &ListFilter) -> Vec<Test<'_>> {
    let mut tests: Vec<Test<'_>> = Vec::new();
    let mut ids = |parameter, field, wanted: Option<Uuid>| {
        if let Some(wanted) = wanted {
            tests.push(Test {
                parameter,
                field,
                passes: Box::new(move |row| row.uuid(field) == Some(wanted)),
            });
        }
    };
    ids("customer_uuid", "customer_uuid", filter.customer.map(CustomerId::uuid));
    ids("project_uuid", "project_uuid", filter.project.map(ProjectId::uuid));
    ids("offering_uuid", "offering_uuid", filter.offering.map(OfferingId::uuid));
    ids("resource_uuid", "resource_uuid", filter.resource.map(ResourceId::uuid));
    ids(
        "resource",
        "resource_uuid",
        filter.resource_url.as_deref().map(|url| last_id(url).unwrap_or_default()),
    );
    let mut add = |parameter, field, passes: Box<dyn Fn(&ListRow) -> bool>| {
        tests.push(Test { parameter, field, passes });
    };
    if let Some(range) = filter.period.filter(|_| filter.what == Listing::Usages) {
        let passes = move |row: &ListRow| row.period().is_some_and(|own| range.contains(own));
        add("billing_period", "billing_period", Box::new(passes));
    }
    if let Some(year) = filter.year {
        let passes = move |row: &ListRow| row.period().is_some_and(|own| own.year() == year);
        add("billing_period_year", "billing_period", Box::new(passes));
    }
    if let Some(month) = filter.month {
        let passes = move |row: &ListRow| row.period().is_some_and(|own| own.month() == month);
        add("billing_period_month", "billing_period", Box::new(passes));
    }
    if let Some(component) = filter.component.clone() {
        let field = filter.what.component();
        add("type", field, Box::new(move |row| row.text(field) == component.as_str()));
    }
    if let Some(first) = filter.date_after {
        add("date_after", "date", Box::new(move |row| row.date().is_some_and(|date| date >= first)));
    }
    if let Some(last) = filter.date_before {
        add("date_before", "date", Box::new(move |row| row.date().is_some_and(|date| date <= last)));
    }
    tests
}

/// The id at the end of an API address.
pub(super) fn last_id(url: &str) -> Option<Uuid> {
    Uuid::try_parse(url.trim_end_matches('/').rsplit('/').next()?).ok()
}

fn compare(order: &[(Ordering, bool)], left: &ListRow, right: &ListRow) -> Compare {
    order
        .iter()
        .map(|(ordering, descending)| {
            let compared = match ordering {
                Ordering::BillingPeriod => left.period().cmp(&right.period()),
                Ordering::Usage => left.amount().cmp(&right.amount()),
            };
            if *descending { compared.reverse() } else { compared }
        })
        .find(|compared| compared.is_ne())
        .unwrap_or(Compare::Equal)
}

impl std::str::FromStr for Ordering {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match fold(text).as_str() {
            "billingperiod" => Ok(Self::BillingPeriod),
            "usage" => Ok(Self::Usage),
            _ => Err(()),
        }
    }
}
