//! Offerings, their components and resources: read once, and written with every month of a run.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{BillingPeriod, OfferingId};
use crate::warehouse::{Origin, Schema, Table};

use super::super::WaldurError;
use super::super::invoices::refused;
use super::super::listing::{Cut, Gather, Query, gather};
use super::json::{each_inner, text};
use super::rows::{Gathered, Pages};
use super::{MonthReader, TableRead, not_shown};

/// Lists of which each shows a part to the account.
pub(super) struct Dimension {
    /// The fields that were asked for.
    fields: BTreeSet<String>,
    /// The lists.
    pub lists: Vec<Pages>,
}

impl MonthReader {
    pub(super) async fn dimension(
        &mut self,
        period: BillingPeriod,
        schema: &Arc<Schema>,
    ) -> Result<TableRead, WaldurError> {
        let table = schema.table();
        let list = if table == Table::Components { Table::Offerings } else { table };
        let tests: Vec<_> =
            self.filter.conditions(table).into_iter().map(|condition| condition.test).collect();
        let fields = self.row_reader(period, schema, None, &tests, HashSet::new());
        let read = self.pages_of(list, &fields.fields()).await?;
        if read.lists.is_empty() {
            let endpoint = self.lists(list).join(" and ");
            let message = format!("nothing is known of {table} without it");
            return Err(WaldurError::Forbidden { endpoint, message });
        }
        let mut seen: HashSet<Uuid> = HashSet::new();
        let mut all: Option<Gathered> = None;
        for pages in &read.lists {
            let reader = self.row_reader(period, schema, None, &tests, seen.clone());
            let mut gathered = Gathered::new(&reader);
            gathered.add_pages(pages)?;
            seen.extend(pages.all_ids());
            match &mut all {
                None => all = Some(gathered),
                Some(all) => all.join(gathered),
            }
        }
        if table == Table::Components {
            self.tell_hidden_offerings(&seen).await?;
        }
        let all = all.unwrap_or_else(|| Gathered::new(&fields));
        // Components stand in offerings, and it is those that the server counts.
        let counted = if table == Table::Components { all.kept } else { seen.len() };
        Ok(self.finished(table.name(), all, counted))
    }

    /// The lists of a dimension with at least these fields and those of its own columns.
    pub(super) async fn pages_of(
        &mut self,
        table: Table,
        fields: &[&str],
    ) -> Result<Arc<Dimension>, WaldurError> {
        let known = self.dimensions.get(&table);
        if let Some(known) = known.filter(|known| fields.iter().all(|field| known.fields.contains(*field))) {
            return Ok(Arc::clone(known));
        }
        let columns = table.columns();
        let own = columns.iter().filter_map(|column| match &column.origin {
            Origin::Field(name) => Some(name.as_ref()),
            Origin::IdOf(name) | Origin::Parent(name) => Some(*name),
            Origin::Deployment | Origin::BillingPeriod | Origin::Detail(_) | Origin::Derived => None,
        });
        let components = (table == Table::Offerings).then_some("components");
        let fields: BTreeSet<String> =
            own.chain(components).chain(fields.iter().copied()).map(str::to_owned).collect();
        let names: Vec<&str> = fields.iter().map(String::as_str).collect();
        let states = ["Creating", "OK", "Erred", "Updating", "Terminating", "Terminated"];
        let none: Arc<[Cut]> = Arc::new([]);
        let by_state = [Cut::new("state", states.map(str::to_owned), &none)];
        let cuts = if table == Table::Resources { &by_state[..] } else { &[] };
        let mut lists = Vec::new();
        for path in self.lists(table) {
            // Creation times are all but unique, so ordering by them keeps pages apart.
            let query = Query::new(path).with("o", "created");
            let (query, _) = self.asked(table, query).await?;
            let query = query.fields(&names);
            let read = gather(&self.http, &query, cuts, self.at_once, &Pages::default).await;
            match read.map(Some).or_else(refused)? {
                Some(pages) => lists.push(pages),
                None => self.tell(not_shown(path)),
            }
        }
        let read = Arc::new(Dimension { fields, lists });
        self.dimensions.insert(table, Arc::clone(&read));
        Ok(read)
    }

    /// The types of all components that the account sees; that of the filter alone, where there is one.
    pub(super) async fn component_types(&mut self) -> Result<BTreeSet<String>, WaldurError> {
        if let Some(component) = &self.filter.component {
            return Ok(BTreeSet::from([component.as_str().to_owned()]));
        }
        let offering = self.filter.offering.map(OfferingId::uuid);
        let offerings = self.pages_of(Table::Offerings, &[]).await?;
        let mut types = BTreeSet::new();
        let names = ["uuid", "components"].map(str::to_owned);
        for pages in &offerings.lists {
            pages.each(&names, |values| {
                let id = values[0].map_or(Ok(None), text)?.and_then(|id| Uuid::try_parse(&id).ok());
                let is_asked = offering.is_none() || id == offering;
                let Some(list) = values[1].filter(|list| is_asked && list.get() != "null") else {
                    return Ok(());
                };
                let each = &mut |component: &super::json::Values<'_>| {
                    types.extend(component[0].map_or(Ok(None), text)?.map(String::from));
                    Ok(())
                };
                each_inner(list, &["type".to_owned()], each).map(|_| ()).map_err(|error| error.to_string())
            })?;
        }
        Ok(types)
    }

    /// Tells how many offerings have resources that the account sees, and are not shown to it themselves.
    async fn tell_hidden_offerings(&mut self, shown: &HashSet<Uuid>) -> Result<(), WaldurError> {
        let resources = self.pages_of(Table::Resources, &[]).await?;
        let mut hidden: BTreeSet<Uuid> = BTreeSet::new();
        for pages in &resources.lists {
            pages.each(&["offering_uuid".to_owned()], |values| {
                let id = values[0].map_or(Ok(None), text)?.and_then(|id| Uuid::try_parse(&id).ok());
                hidden.extend(id.filter(|id| !shown.contains(id)));
                Ok(())
            })?;
        }
        if !hidden.is_empty() {
            let ids: Vec<String> = hidden.iter().take(3).map(|id| id.as_simple().to_string()).collect();
            let more = if hidden.len() > ids.len() { ", …" } else { "" };
            self.tell(format!(
                "{} with resources of this account are not shown to it, nor are their components: {}{more}",
                counted(hidden.len(), "offering"),
                ids.join(", "),
            ));
        }
        Ok(())
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
