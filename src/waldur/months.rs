//! Months of tables for a warehouse, whole and proven.
//!
//! Every list is read as `listing` reads it: counted, with unique ids, cut where pages lose rows. Rows go
//! straight from the page into the columns of their table, so that a month is held once. What the account
//! is not shown, and which filters the server ignores, is remembered and told: a table is never silently
//! of something else. Offerings and resources are read once and written with every month of the run.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::domain::{BillingPeriod, UserId, sha256, visible};
use crate::plan::InvoiceState;
use crate::warehouse::{Cells, Schema, Table};

use super::http::Http;
use super::invoices::refused;
use super::list::last_id;
use super::listing::{Cut, Identified, Make, Part, Query, count, gather, read};
use super::{Account, Reader, WaldurError};

mod conditions;
mod dimensions;
mod facts;
mod fields;
mod json;
mod rows;
mod statistics;

pub use conditions::MonthFilter;

use conditions::Test;
use dimensions::Dimension;
use rows::{Common, Gathered, RowReader};

const USAGES: &str = "marketplace-component-usages/";
const USER_USAGES: &str = "marketplace-component-user-usages/";
const INVOICES: &str = "invoices/";
const ITEMS: &str = "invoice-items/";
const PROVIDER_ITEMS: &str = "provider-invoice-items/";
/// How long after its end in UTC a month may still run somewhere.
const FURTHEST_BEHIND: SignedDuration = SignedDuration::from_hours(12);

/// Reads months of tables; remembers what is the same in all of them.
pub struct MonthReader {
    http: Arc<Http>,
    at_once: usize,
    account: Account,
    filter: MonthFilter,
    /// Which lists look at which of their filters.
    honoured: HashMap<(&'static str, &'static str), bool>,
    dimensions: HashMap<Table, Arc<Dimension>>,
    told: BTreeSet<String>,
}

/// A month of a table.
#[derive(Debug)]
pub struct TableRead {
    /// The rows, in any order.
    pub rows: Vec<Cells>,
    /// How many the server counted: all that were read, also those that a filter of ours left out.
    pub counted: usize,
}

/// An invoice as far as it tells whether it can still change.
#[derive(Debug, Deserialize)]
struct StateRow {
    uuid: Uuid,
    #[serde(default)]
    customer: String,
    year: i16,
    month: i8,
    state: String,
}

impl StateRow {
    const FIELDS: &'static [&'static str] = &["uuid", "customer", "year", "month", "state"];
}

impl Identified for StateRow {
    fn id(&self) -> Uuid {
        self.uuid
    }
}

impl Reader {
    /// Reads months of tables, as far as the filter lets them through. Asks whose token it is.
    pub async fn months(&self, filter: MonthFilter) -> Result<MonthReader, WaldurError> {
        Ok(MonthReader {
            http: Arc::clone(&self.http),
            at_once: self.at_once,
            account: self.account().await?,
            filter,
            honoured: HashMap::new(),
            dimensions: HashMap::new(),
            told: BTreeSet::new(),
        })
    }
}

impl MonthReader {
    /// The origin of the server.
    pub fn deployment(&self) -> String {
        self.http.address().to_string()
    }

    /// The account whose view it is; `None` where it sees everything.
    pub fn account(&self) -> Option<UserId> {
        (!self.sees_all()).then_some(self.account.id)
    }

    /// The roles by which it sees what it sees; none where it sees everything.
    pub fn roles(&self) -> BTreeSet<String> {
        if self.sees_all() { BTreeSet::new() } else { self.account.roles() }
    }

    /// What the account is not shown, and which filters the server ignored; each is told once.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told).into_iter().collect()
    }

    /// A month of a table, whole.
    pub async fn table(
        &mut self,
        period: BillingPeriod,
        schema: &Arc<Schema>,
    ) -> Result<TableRead, WaldurError> {
        let table = schema.table();
        for filter in self.filter.beyond(table) {
            self.tell(format!("{table} cannot be filtered by {filter}; all of them are in it"));
        }
        match table {
            Table::Usages => self.usages(period, schema).await,
            Table::UserUsages => self.people(period, schema).await,
            Table::Invoices => self.invoices(period, schema).await,
            Table::InvoiceItems => self.invoice_items(period, schema).await,
            Table::Resources | Table::Components | Table::Offerings => self.dimension(period, schema).await,
            Table::Charges => {
                let reason = "it is worked out from other tables".to_owned();
                Err(WaldurError::Unproven { list: table.name().to_owned(), reason })
            }
        }
    }

    /// The fields that a whole row of a table has and that nothing here names.
    pub async fn unknown_fields(&mut self, table: Table) -> Result<BTreeSet<String>, WaldurError> {
        let mut unknown = BTreeSet::new();
        for path in self.lists(table) {
            let asked = self.http.get_json(path, &[("page_size", "1".to_owned())]).await;
            let rows: Vec<Map<String, Value>> = asked.map(Some).or_else(refused)?.unwrap_or_default();
            let rows = if table == Table::Components { components(rows) } else { rows };
            unknown.extend(fields::unknown(table, &rows));
        }
        Ok(unknown)
    }

    /// The hash of the invoices of a month with their states, where the month is over and every invoice of it
    /// that the account sees is beyond change; `None` where one is not, or where it sees none.
    pub async fn closed(&mut self, period: BillingPeriod) -> Result<Option<String>, WaldurError> {
        let now = self
            .http
            .now()
            .filter(|now| period.end().checked_add(FURTHEST_BEHIND).is_ok_and(|end| *now >= end));
        if now.is_none() {
            return Ok(None);
        }
        let rows = self.states(period).await?.unwrap_or_default();
        let mut states: Vec<String> = rows.iter().map(|row| format!("{} {}", row.uuid, row.state)).collect();
        states.sort_unstable();
        let mut rows = rows.into_iter().map(|row| InvoiceState::from(row.state)).peekable();
        let is_closed = rows.peek().is_some() && rows.all(|state| state.is_open() == Some(false));
        // An invoice that was settled can still be cancelled, and its lines with it.
        Ok(is_closed.then(|| sha256(states.join("\n").as_bytes())))
    }

    /// The invoices of a month; `None` where the account may not read any.
    async fn states(&mut self, period: BillingPeriod) -> Result<Option<Vec<StateRow>>, WaldurError> {
        let query = Query::new(INVOICES)
            .with("year", period.year().to_string())
            .with("month", period.month().to_string());
        let (query, _) = self.asked(Table::Invoices, query).await?;
        let query = query.fields(StateRow::FIELDS);
        let rows = match read::<StateRow>(&self.http, &query, &[], self.at_once).await {
            Err(WaldurError::Unproven { .. }) => {
                let cuts = self.cuts().await?;
                read(&self.http, &query, &cuts, self.at_once).await
            }
            rows => rows,
        };
        let customer = self.filter.customer;
        let is_own = |row: &StateRow| {
            BillingPeriod::new(row.year, row.month) == Ok(period)
                && customer.is_none_or(|own| last_id(&row.customer) == Some(own.uuid()))
        };
        let rows = rows.map(Some).or_else(refused)?;
        Ok(rows.map(|rows| rows.into_iter().filter(is_own).collect()))
    }

    fn sees_all(&self) -> bool {
        self.account.is_staff || self.account.is_support
    }

    fn tell(&mut self, text: String) {
        self.told.insert(text);
    }

    /// The lists that show a table to the account: those who see everything see it in the first one.
    fn lists(&self, table: Table) -> Vec<&'static str> {
        let all: &[&'static str] = match table {
            Table::Usages => &[USAGES],
            Table::UserUsages => &[USER_USAGES],
            Table::Invoices => &[INVOICES],
            Table::InvoiceItems => &[ITEMS, PROVIDER_ITEMS],
            Table::Resources => &["marketplace-provider-resources/", "marketplace-resources/"],
            Table::Components | Table::Offerings => {
                &["marketplace-provider-offerings/", "marketplace-public-offerings/"]
            }
            Table::Charges => &[],
        };
        let count = if self.sees_all() { 1 } else { all.len() };
        all.iter().take(count).copied().collect()
    }

    /// Whether a list looks at a filter: it shows nothing of a value that nothing has.
    async fn honours(
        &mut self,
        path: &'static str,
        parameter: &'static str,
        impossible: &str,
    ) -> Result<bool, WaldurError> {
        if let Some(known) = self.honoured.get(&(path, parameter)) {
            return Ok(*known);
        }
        let is_honoured = count(&self.http, &Query::new(path).with(parameter, impossible)).await? == 0;
        self.honoured.insert((path, parameter), is_honoured);
        Ok(is_honoured)
    }

    /// A list with the filters of a table, and the tests that its rows have to pass besides.
    async fn asked(&mut self, table: Table, mut query: Query) -> Result<(Query, Vec<Test>), WaldurError> {
        let mut tests = Vec::new();
        for condition in self.filter.conditions(table) {
            let mut is_trusted = false;
            if let Some(parameter) = condition.parameter {
                query = query.with(parameter, condition.value.as_str());
                is_trusted =
                    !condition.is_shown && self.honours(query.path, parameter, condition.impossible).await?;
            }
            if !is_trusted {
                tests.push(condition.test);
            }
        }
        Ok((query, tests))
    }

    fn row_reader(
        &self,
        period: BillingPeriod,
        schema: &Arc<Schema>,
        component: Option<&str>,
        tests: &[Test],
        seen: HashSet<Uuid>,
    ) -> Arc<RowReader> {
        let deployment = self.deployment();
        let common = Common { deployment: &deployment, period, component };
        Arc::new(RowReader::new(schema, common, tests.to_vec(), seen))
    }

    /// Reads lists into one, each whole; where pages prove nothing, all are cut.
    async fn gathered(&mut self, lists: &[(Query, Arc<RowReader>)]) -> Result<Gathered, WaldurError> {
        match self.gathered_by(lists, &[]).await {
            Err(WaldurError::Unproven { .. }) => {}
            done => return done,
        }
        let cuts = self.cuts().await?;
        self.gathered_by(lists, &cuts).await
    }

    async fn gathered_by(
        &self,
        lists: &[(Query, Arc<RowReader>)],
        cuts: &[Cut],
    ) -> Result<Gathered, WaldurError> {
        let make = |reader: &Arc<RowReader>| {
            let reader = Arc::clone(reader);
            Box::new(move || Gathered::new(&reader)) as Box<dyn Fn() -> Gathered + Send + Sync>
        };
        let makes: Vec<_> = lists.iter().map(|(_, reader)| make(reader)).collect();
        let mut reads = Vec::new();
        for ((query, _), make) in lists.iter().zip(&makes) {
            let make: Make<'_, Gathered> = &**make;
            reads.push(gather(&self.http, query, cuts, self.at_once, make).boxed());
        }
        let mut reads = stream::iter(reads).buffered(self.at_once);
        let mut all: Option<Gathered> = None;
        while let Some(part) = reads.try_next().await? {
            match &mut all {
                None => all = Some(part),
                Some(all) => super::listing::Gather::join(all, part),
            }
        }
        all.ok_or_else(|| WaldurError::Unproven {
            list: "nothing".into(),
            reason: "no list was named".into(),
        })
    }

    /// How lists are cut whose pages prove nothing: by organisation, its projects and their resources; by
    /// project or by resource alone where a server ignores the coarser filters.
    async fn cuts(&mut self) -> Result<Vec<Cut>, WaldurError> {
        let resources = self.pages_of(Table::Resources, &[]).await?;
        let names = ["customer_uuid", "project_uuid", "uuid"].map(str::to_owned);
        let mut tree: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for pages in &resources.lists {
            pages.each(&names, |values| {
                let text = |at: usize| {
                    let text = values[at].map_or(Ok(None), json::text)?;
                    Ok::<_, String>(text.map(|id| json::plain_id(id).into_owned()).unwrap_or_default())
                };
                tree.entry(text(0)?).or_default().entry(text(1)?).or_default().insert(text(2)?);
                Ok(())
            })?;
        }
        Ok(cuts(tree))
    }

    /// Tells which filters were left to us, and hands the rows out.
    fn finished(&mut self, path: &str, gathered: Gathered, counted: usize) -> TableRead {
        for parameter in &gathered.ignored {
            self.tell(format!("the server ignored {parameter} of {path}; done here instead"));
        }
        TableRead { rows: gathered.into_cells(), counted }
    }
}

fn cuts(tree: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>) -> Vec<Cut> {
    let none: Arc<[Cut]> = Arc::new([]);
    let by_resource = |ids: &BTreeSet<String>| Cut::new("resource_uuid", ids.iter().cloned(), &none);
    let by_project = |projects: &BTreeMap<String, BTreeSet<String>>| {
        let parts = projects
            .iter()
            .map(|(project, ids)| Part { value: project.clone(), cuts: Arc::new([by_resource(ids)]) });
        Cut { parameter: "project_uuid", parts: parts.collect() }
    };
    let by_customer = tree
        .iter()
        .map(|(customer, projects)| Part { value: customer.clone(), cuts: Arc::new([by_project(projects)]) });
    let by_customer = Cut { parameter: "customer_uuid", parts: by_customer.collect() };
    let projects: BTreeMap<String, BTreeSet<String>> = tree.into_values().flatten().collect();
    let resources: BTreeSet<String> = projects.values().flatten().cloned().collect();
    vec![by_customer, by_project(&projects), by_resource(&resources)]
}

/// The components of offerings.
fn components(offerings: Vec<Map<String, Value>>) -> Vec<Map<String, Value>> {
    let lists = offerings.into_iter().filter_map(|mut offering| offering.remove("components"));
    let objects = lists.flat_map(|list| match list {
        Value::Array(components) => components,
        _ => Vec::new(),
    });
    let objects = objects.filter_map(|object| match object {
        Value::Object(component) => Some(component),
        _ => None,
    });
    objects.collect()
}

/// What is said of a list that the account may not read.
fn not_shown(path: &str) -> String {
    format!("this account may not read /api/{}, so nothing of it is here", visible(path))
}
