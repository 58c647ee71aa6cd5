//! The months of an export, read from a server.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::task::spawn_blocking;

use crate::domain::{Amount, BillingPeriod};
use crate::error::Error;
use crate::waldur::{MonthFilter, MonthReader, Reader, WaldurError};
use crate::warehouse::{Cells, ComponentSum, Proof, Schema, Scope, Slice, SliceError, Table};

use super::source::{Extract, MonthSource};

/// How often a month is read whose sums are not those of the server's statistics.
const ROUNDS: usize = 3;

/// Months that a server has.
pub struct ServerMonths {
    reader: MonthReader,
    asks_statistics: bool,
    told: BTreeSet<String>,
}

impl ServerMonths {
    /// The months of a server, as far as the filter lets them through. Asks whose token it is.
    pub async fn new(reader: &Reader, filter: MonthFilter) -> Result<Self, Error> {
        Ok(Self { reader: reader.months(filter).await?, asks_statistics: true, told: BTreeSet::new() })
    }

    /// The same months, not held against the statistics of the server.
    #[cfg(test)]
    pub fn without_statistics(self) -> Self {
        Self { asks_statistics: false, ..self }
    }

    async fn extract(&mut self, period: BillingPeriod, schema: &Arc<Schema>) -> Result<Extract, Error> {
        let mut rounds = 1;
        loop {
            let read = self.reader.table(period, schema).await?;
            let parts = read.rows.into_iter().map(Cells::finish).collect::<Result<Vec<_>, _>>();
            let parts = parts.map_err(|error| Error::Bug(error.to_string()))?;
            let sums = Slice::sums_of(schema, period, &parts).map_err(unsound)?;
            // The server adds up while the rows are sorted and hashed.
            let schema_of_slice = Arc::clone(schema);
            let slice = spawn_blocking(move || Slice::of_parts(schema_of_slice, period, parts));
            let statistics = self.statistics(schema.table(), period, sums).await;
            let slice = slice.await.map_err(|error| Error::Bug(error.to_string()))?.map_err(unsound)?;
            let statistics = statistics?;
            if statistics != Some(false) {
                return Ok(Extract { slice, proof: Proof { counted: read.counted, statistics } });
            }
            if rounds == ROUNDS {
                let list = format!("{} of {period}", schema.table());
                let reason = "their sums are not those of the server's own statistics".to_owned();
                return Err(WaldurError::Unproven { list, reason }.into());
            }
            rounds += 1;
        }
    }

    async fn statistics(
        &mut self,
        table: Table,
        period: BillingPeriod,
        sums: Vec<ComponentSum>,
    ) -> Result<Option<bool>, Error> {
        if !self.asks_statistics || table != Table::Usages {
            return Ok(None);
        }
        let sums: Vec<(String, Amount)> = sums.into_iter().map(|sum| (sum.component, sum.sum)).collect();
        Ok(self.reader.usages_agree(period, &sums).await?)
    }
}

impl MonthSource for ServerMonths {
    fn deployment(&self) -> String {
        self.reader.deployment()
    }

    fn scope(&self, asked: Scope) -> Scope {
        Scope { account: self.reader.account(), ..asked }
    }

    fn roles(&self) -> BTreeSet<String> {
        self.reader.roles()
    }

    fn unknown_fields(&mut self, table: Table) -> BoxFuture<'_, Result<BTreeSet<String>, Error>> {
        async move { Ok(self.reader.unknown_fields(table).await?) }.boxed()
    }

    fn closed(&mut self, period: BillingPeriod) -> BoxFuture<'_, Result<Option<String>, Error>> {
        async move { Ok(self.reader.closed(period).await?) }.boxed()
    }

    fn month<'a>(
        &'a mut self,
        period: BillingPeriod,
        schemas: &'a [Arc<Schema>],
    ) -> BoxFuture<'a, Result<Vec<Extract>, Error>> {
        async move {
            let mut extracts = Vec::with_capacity(schemas.len());
            for schema in schemas {
                extracts.push(self.extract(period, schema).await?);
            }
            self.told.extend(without_resource(period, &extracts));
            Ok(extracts)
        }
        .boxed()
    }

    fn told(&mut self) -> Vec<String> {
        let mut told = self.reader.told();
        told.extend(std::mem::take(&mut self.told));
        told
    }
}

/// What is said of usages whose resource the list of resources does not show.
fn without_resource(period: BillingPeriod, extracts: &[Extract]) -> Option<String> {
    let ids = |table: Table, column: &str| {
        let mut slices = extracts.iter().map(|own| &own.slice);
        slices.find(|slice| slice.schema().table() == table)?.texts(column)
    };
    let (used, known) = (ids(Table::Usages, "resource_uuid")?, ids(Table::Resources, "uuid")?);
    let lacking: Vec<&&str> = used.difference(&known).collect();
    let resources = match lacking.len() {
        0 => return None,
        1 => "1 resource that has".to_owned(),
        count => format!("{count} resources that have"),
    };
    Some(format!(
        "the list of resources does not show {resources} usages in {period}; these stand without it"
    ))
}

/// Rows of the server that are no month of a table.
fn unsound(error: SliceError) -> Error {
    match error {
        SliceError::Repeated { table, period, key } => {
            let reason = format!("the server gives {} twice", crate::domain::visible(&key));
            WaldurError::Unproven { list: format!("{table} of {period}"), reason }.into()
        }
        SliceError::TooLarge { .. } | SliceError::Arrow(_) => Error::Bug(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
