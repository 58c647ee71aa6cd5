//! Usages, the usages of users, invoices and their lines.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::try_join;
use uuid::Uuid;

use crate::domain::BillingPeriod;
use crate::warehouse::{Schema, Table};

use super::super::WaldurError;
use super::super::invoices::refused;
use super::super::listing::{Gather, PAGE_SIZE, Query, count, gather};
use super::conditions::{NO_MONTH, NO_TYPE, NO_YEAR, Shown, Test, Wanted};
use super::json::text;
use super::rows::{Gathered, Pages, RowReader};
use super::{INVOICES, ITEMS, MonthReader, PROVIDER_ITEMS, TableRead, USAGES, USER_USAGES, not_shown};

/// How often the slices of a month that changes are read before the server joins the types itself.
const ROUNDS: usize = 2;
/// A month that no year has.
const NO_MONTH_OF_A_YEAR: &str = "13";

impl MonthReader {
    /// The usages of a month: one slice for each component type, so that the server joins nothing; a
    /// month of one page with the types in its rows.
    pub(super) async fn usages(
        &mut self,
        period: BillingPeriod,
        schema: &Arc<Schema>,
    ) -> Result<TableRead, WaldurError> {
        let of_month = Query::new(USAGES).with("billing_period", period.first_day());
        let (base, mut tests) = self.asked(Table::Usages, of_month).await?;
        tests.push(test("billing_period", Shown::Field("billing_period"), Wanted::Month(period)));
        let component = self.filter.component.as_ref().map(|component| component.as_str().to_owned());
        let whole = match &component {
            Some(component) => base.clone().with("type", component.as_str()),
            None => base.clone(),
        };
        let types = self.component_types().await?;
        let http = Arc::clone(&self.http);
        let (knows_types, first) =
            try_join(self.honours(USAGES, "type", NO_TYPE), count(&http, &whole)).await?;
        let mut first = Some(first);
        for _ in 0..ROUNDS {
            let total = match first.take() {
                Some(total) => total,
                None => count(&http, &whole).await?,
            };
            if total == 0 || !knows_types || types.is_empty() || total <= PAGE_SIZE && component.is_none() {
                break;
            }
            let mut lists: Vec<(Query, Arc<RowReader>)> = Vec::new();
            for own in &types {
                let reader = self.row_reader(period, schema, Some(own), &tests, HashSet::new());
                lists.push((base.clone().with("type", own.as_str()).fields(&reader.fields()), reader));
            }
            let gathered = match self.gathered(&lists).await {
                Err(WaldurError::Unproven { .. }) => break,
                gathered => gathered?,
            };
            if gathered.counts() == (total, total) {
                return Ok(self.finished(USAGES, gathered, total));
            }
        }
        if let Some(component) = component.filter(|_| !knows_types) {
            tests.push(test("type", Shown::Field("type"), Wanted::Text(component)));
        }
        let reader = self.row_reader(period, schema, None, &tests, HashSet::new());
        let query = whole.fields(&reader.fields());
        let gathered = self.gathered(&[(query, reader)]).await?;
        let (counted, _) = gathered.counts();
        Ok(self.finished(USAGES, gathered, counted))
    }

    /// The usages of users in a month. Their rows name no month, so where the server ignores that filter
    /// they are held against the usages that they are parts of.
    pub(super) async fn people(
        &mut self,
        period: BillingPeriod,
        schema: &Arc<Schema>,
    ) -> Result<TableRead, WaldurError> {
        let month = "component_usage__billing_period";
        let of_month = Query::new(USER_USAGES).with(month, period.first_day());
        let (query, mut tests) = self.asked(Table::UserUsages, of_month).await?;
        if !self.honours(USER_USAGES, month, NO_MONTH).await? {
            let totals = self.usages_in(period).await?;
            tests.push(test(month, Shown::IdOf("component_usage"), Wanted::OneOf(Arc::new(totals))));
        }
        let reader = self.row_reader(period, schema, None, &tests, HashSet::new());
        let gathered = self.gathered(&[(query, reader)]).await?;
        let (counted, _) = gathered.counts();
        Ok(self.finished(USER_USAGES, gathered, counted))
    }

    /// The ids of the usages of a month, whether or not the server looks at the month.
    async fn usages_in(&mut self, period: BillingPeriod) -> Result<HashSet<Uuid>, WaldurError> {
        let fields = ["uuid", "billing_period"];
        let query = Query::new(USAGES).with("billing_period", period.first_day()).fields(&fields);
        let pages = match gather(&self.http, &query, &[], self.at_once, &Pages::default).await {
            Err(WaldurError::Unproven { .. }) => {
                let cuts = self.cuts().await?;
                gather(&self.http, &query, &cuts, self.at_once, &Pages::default).await?
            }
            pages => pages?,
        };
        let mut ids = HashSet::new();
        pages.each(&fields.map(str::to_owned), |values| {
            let [id, own] = [values[0], values[1]].map(|value| value.map_or(Ok(None), text));
            if own?.is_some_and(|own| Wanted::Month(period).passes(&own)) {
                ids.extend(id?.and_then(|id| Uuid::try_parse(&id).ok()));
            }
            Ok(())
        })?;
        Ok(ids)
    }

    /// The invoices of a month that the account is shown.
    pub(super) async fn invoices(
        &mut self,
        period: BillingPeriod,
        schema: &Arc<Schema>,
    ) -> Result<TableRead, WaldurError> {
        let (year, month) = (period.year().to_string(), period.month().to_string());
        let of_month = Query::new(INVOICES).with("year", year.as_str()).with("month", month.as_str());
        let (query, mut tests) = self.asked(Table::Invoices, of_month).await?;
        tests.push(test("year", Shown::Field("year"), Wanted::Text(year)));
        tests.push(test("month", Shown::Field("month"), Wanted::Text(month)));
        let reader = self.row_reader(period, schema, None, &tests, HashSet::new());
        let query = query.fields(&reader.fields());
        // A list that may not be read is no list without rows: a month that was published would be emptied.
        let gathered = self.gathered(&[(query, Arc::clone(&reader))]).await?;
        if gathered.kept == 0 && !self.sees_all() {
            self.tell(format!("no invoice of {period} is shown to this account"));
        }
        let (counted, _) = gathered.counts();
        Ok(self.finished(INVOICES, gathered, counted))
    }

    /// The lines of the invoices of a month: as who pays them, and as who provides what they bill. A line
    /// that both lists show is taken from the first, which names its invoice.
    pub(super) async fn invoice_items(
        &mut self,
        period: BillingPeriod,
        schema: &Arc<Schema>,
    ) -> Result<TableRead, WaldurError> {
        let mut seen: HashSet<Uuid> = HashSet::new();
        let mut all: Option<Gathered> = None;
        let lists = self.lists(Table::InvoiceItems);
        let mut closed = 0;
        for path in &lists {
            let read = match self.lines(path, period, schema, &seen).await {
                Ok(read) => read,
                Err(error) => {
                    closed += 1;
                    refused_but_not_all::<()>(error, closed, lists.len())?;
                    self.tell(not_shown(path));
                    continue;
                }
            };
            let Some(gathered) = read else { continue };
            seen.extend(gathered.ids());
            match &mut all {
                None => all = Some(gathered),
                Some(all) => all.join(gathered),
            }
        }
        let all =
            all.unwrap_or_else(|| Gathered::new(&self.row_reader(period, schema, None, &[], HashSet::new())));
        Ok(self.finished(ITEMS, all, seen.len()))
    }

    /// The lines of one of the lists; `None` where it does not look at the month, and does not show it.
    async fn lines(
        &mut self,
        path: &'static str,
        period: BillingPeriod,
        schema: &Arc<Schema>,
        seen: &HashSet<Uuid>,
    ) -> Result<Option<Gathered>, WaldurError> {
        let (year, month) = if path == ITEMS { ("year", "month") } else { ("invoice_year", "invoice_month") };
        let is_of_month =
            self.honours(path, year, NO_YEAR).await? && self.honours(path, month, NO_MONTH_OF_A_YEAR).await?;
        let of_month =
            Query::new(path).with(year, period.year().to_string()).with(month, period.month().to_string());
        let (query, mut tests) = self.asked(Table::InvoiceItems, of_month).await?;
        if !is_of_month && path == PROVIDER_ITEMS {
            self.tell(format!(
                "/api/{path} ignores the month, and its lines do not name their invoice, so none of them is here"
            ));
            return Ok(None);
        }
        if !is_of_month {
            let invoices = self.states(period).await?.unwrap_or_default();
            let invoices = invoices.into_iter().map(|invoice| invoice.uuid).collect();
            tests.push(test(month, Shown::IdOf("invoice"), Wanted::OneOf(Arc::new(invoices))));
        }
        let reader = self.row_reader(period, schema, None, &tests, seen.clone());
        Ok(Some(self.gathered(&[(query, reader)]).await?))
    }
}

/// Lets a list be closed to the account as long as another one shows the table: without any, nothing is known
/// of it.
fn refused_but_not_all<T>(error: WaldurError, closed: usize, lists: usize) -> Result<Option<T>, WaldurError> {
    if closed == lists { Err(error) } else { refused(error) }
}

fn test(parameter: &'static str, field: Shown, wanted: Wanted) -> Test {
    Test { parameter, field, wanted, absent_fails: false, is_ours: false }
}
