//! Months of rows that were saved before, in the place of a server's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::domain::{BillingPeriod, PeriodRange, visible};
use crate::error::Error;
use crate::export::{ExportError, SavedFile, SavedTable, blocking};
use crate::warehouse::{Proof, Schema, Scope, Slice, Table};

use super::source::{Extract, MonthSource};

/// Months of saved rows.
#[derive(Debug)]
pub struct SavedMonths {
    deployment: String,
    /// What of the server the rows are.
    scope: Scope,
    tables: BTreeMap<Table, Arc<SavedTable>>,
    /// The files that do not say what of the server they hold.
    strangers: Vec<String>,
}

impl SavedMonths {
    /// Opens files of rows. Of which table each is it says itself, or the only table that is asked for; of
    /// which server it says itself, or its first row, or else `server`.
    pub fn open(
        paths: &[PathBuf],
        asked: &[Table],
        server: Option<&str>,
        period: PeriodRange,
    ) -> Result<Self, Error> {
        let mut files: BTreeMap<Table, Vec<SavedFile>> = BTreeMap::new();
        let mut deployment: Option<String> = None;
        let (mut scope, mut strangers): (Option<Scope>, _) = (None, Vec::new());
        for path in paths {
            let file = SavedFile::open(path)?;
            let shown = visible(&path.to_string_lossy()).to_string();
            if file.table().is_none() {
                strangers.push(shown.clone());
            }
            let table = match (file.table(), asked) {
                (Some(table), _) => table,
                (None, [table]) => *table,
                (None, []) => Table::Usages,
                (None, _) => {
                    let what = format!("{shown} does not say of which table its rows are");
                    return Err(Error::setting(what, "name one table with --what"));
                }
            };
            if !asked.is_empty() && !asked.contains(&table) {
                let what = format!("{shown} holds {table}, which --what leaves out");
                return Err(Error::setting(what, "name the table with --what, or leave the file out"));
            }
            let own = file.deployment()?.or_else(|| server.map(str::to_owned)).ok_or_else(|| {
                let what = format!("{shown} does not say of which server its rows are");
                Error::setting(what, "name the server with --url")
            })?;
            if let Some(other) = deployment.replace(own.clone()).filter(|other| *other != own) {
                let what = format!("the files are of {} and of {}", visible(&other), visible(&own));
                return Err(Error::setting(what, "export each server to a target of its own"));
            }
            let own = file.scope()?;
            if scope.replace(own.clone()).is_some_and(|other| other != own) {
                let what = format!("{shown} holds another selection than the file before it");
                return Err(Error::setting(what, "export each selection to a target of its own"));
            }
            files.entry(table).or_default().push(file);
        }
        let deployment =
            deployment.ok_or_else(|| Error::setting("no file is named", "name one with --from"))?;
        if let Some(table) = asked.iter().find(|table| !files.contains_key(table)) {
            let what = format!("no file holds {table}");
            return Err(Error::setting(what, "name one with --from, or leave the table out of --what"));
        }
        let tables = files
            .into_iter()
            .map(|(table, files)| (table, Arc::new(SavedTable::new(table, files, &deployment, period))));
        Ok(Self { tables: tables.collect(), deployment, scope: scope.unwrap_or_default(), strangers })
    }

    /// The tables of which there are rows.
    pub fn tables(&self) -> Vec<Table> {
        self.tables.keys().copied().collect()
    }

    fn table(&self, table: Table) -> Result<&Arc<SavedTable>, Error> {
        self.tables.get(&table).ok_or_else(|| Error::Bug(format!("no rows of {table} were opened")))
    }
}

impl MonthSource for SavedMonths {
    fn deployment(&self) -> String {
        self.deployment.clone()
    }

    fn scope(&self, _asked: Scope) -> Scope {
        self.scope.clone()
    }

    fn unknown_fields(&mut self, table: Table) -> BoxFuture<'_, Result<BTreeSet<String>, Error>> {
        Box::pin(async move { Ok(self.table(table)?.unknown_columns()) })
    }

    fn closed(&mut self, _period: BillingPeriod) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn told(&mut self) -> Vec<String> {
        let told =
            |file| format!("{file} does not say what of the server it holds; its months are taken as whole");
        std::mem::take(&mut self.strangers).into_iter().map(told).collect()
    }

    fn month<'a>(
        &'a mut self,
        period: BillingPeriod,
        schemas: &'a [Arc<Schema>],
    ) -> BoxFuture<'a, Result<Vec<Extract>, Error>> {
        Box::pin(async move {
            let mut extracts = Vec::new();
            for schema in schemas {
                let (table, schema) = (Arc::clone(self.table(schema.table())?), Arc::clone(schema));
                extracts.push(blocking(move || extract(&table, schema, period)).await?);
            }
            Ok(extracts)
        })
    }
}

fn extract(table: &SavedTable, schema: Arc<Schema>, period: BillingPeriod) -> Result<Extract, Error> {
    let rows = table.month(&schema, period)?;
    let slice = Slice::new(schema, period, &rows)
        .map_err(|error| ExportError::Saved { path: table.first_path(), reason: error.to_string() })?;
    let proof = Proof { counted: slice.rows().num_rows(), statistics: None };
    Ok(Extract { slice, proof })
}
