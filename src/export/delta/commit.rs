//! What a commit consists of that puts a month into the place of what a table had.

use std::collections::HashMap;
use std::path::Path;

use arrow_array::RecordBatch;
use deltalake_core::kernel::{
    Action, Add, CommitInfo, Metadata, MetadataExt, Protocol, Transaction, new_metadata,
};
use jiff::Timestamp;
use serde_json::json;

use crate::warehouse::{Entry, Manifest, PERIOD, RevisionRecord, Schema};

use super::log::{ActiveFile, Log, application};
use super::schema;
use super::stats::stats;

/// A month that is to be committed.
pub(super) struct Publication<'a> {
    /// The folder of the table.
    pub folder: &'a Path,
    /// Its columns.
    pub schema: &'a Schema,
    /// The rows.
    pub rows: &'a RecordBatch,
    /// What the manifest will say of it, with the file that is there by now.
    pub entry: &'a Entry,
}

impl Publication<'_> {
    /// Commits it where it does not stand already; a retry finds it and commits nothing.
    pub(super) async fn commit(&self, log: Option<Log>, manifest: &Manifest) -> Result<Log, String> {
        let (table, period) = (self.schema.table(), self.entry.period);
        let wanted = schema::delta(self.schema)?;
        let mut actions = match &log {
            None => {
                let configuration = schema::configuration(table, manifest);
                let metadata: Result<Metadata, _> = new_metadata(&wanted, [PERIOD], configuration)
                    .and_then(|metadata| metadata.with_name(table.name().to_owned()))
                    .and_then(|metadata| metadata.with_description(format!("{table} of Waldur, by month")));
                // The first versions of readers and writers know all that is used here.
                let protocol: Result<Protocol, _> =
                    serde_json::from_value(json!({ "minReaderVersion": 1, "minWriterVersion": 2 }));
                vec![
                    Action::Protocol(protocol.map_err(|error| error.to_string())?),
                    Action::Metadata(metadata.map_err(|error| error.to_string())?),
                ]
            }
            Some(log) => {
                schema::same_origin(log.metadata()?, table, manifest)?;
                let evolved = schema::merged(&log.schema()?, &wanted)?;
                let evolved =
                    evolved.map(|columns| log.metadata()?.clone().with_schema(&columns).map_err(text));
                evolved.transpose()?.map(Action::Metadata).into_iter().collect()
            }
        };
        let (files, revision) = match &log {
            None => (Vec::new(), 0),
            Some(log) => (log.files(period)?, log.revision(table, period).await?),
        };
        if revision > self.entry.revision {
            return Err(format!(
                "{table} of {period} is at revision {revision} by its log, and {} was to be written",
                self.entry.revision
            ));
        }
        let new = self.path();
        let is_there = |file: &ActiveFile| Some(file.path.as_str()) == new;
        let added = new.filter(|_| !files.iter().any(is_there)).map(|path| self.add(path));
        let removed: Vec<_> = files.into_iter().filter(|file| Some(file.path.as_str()) != new).collect();
        let told = self.info(log.as_ref(), manifest, usize::from(added.is_some()), removed.len())?;
        actions.extend(removed.into_iter().map(|file| Action::Remove(file.remove)));
        actions.extend(added.transpose()?.map(Action::Add));
        let stands = actions.is_empty() && revision == self.entry.revision;
        match log {
            Some(log) if stands => Ok(log),
            log => {
                let transaction =
                    Transaction::new(application(table, period), i64::from(self.entry.revision));
                Log::commit(self.folder, log, told, actions, transaction).await
            }
        }
    }

    /// The path of the file in the folder of the table.
    fn path(&self) -> Option<&str> {
        let path = &self.entry.file.as_ref()?.path;
        path.split_once('/').map(|(_, path)| path)
    }

    fn add(&self, path: &str) -> Result<Add, String> {
        let bytes = self.entry.file.as_ref().map_or(0, |file| file.bytes);
        Ok(Add {
            path: path.to_owned(),
            partition_values: HashMap::from([(PERIOD.to_owned(), Some(self.entry.period.first_day()))]),
            size: i64::try_from(bytes).map_err(|error| error.to_string())?,
            modification_time: Timestamp::now().as_millisecond(),
            data_change: true,
            stats: Some(stats(self.schema, self.rows)),
            ..Add::default()
        })
    }

    /// What the history of the table shows, and what brings the manifest up to date where the run ends before
    /// it could write it: the manifest, with this month alone.
    fn info(
        &self,
        log: Option<&Log>,
        manifest: &Manifest,
        added: usize,
        removed: usize,
    ) -> Result<CommitInfo, String> {
        let entry = self.entry;
        let own = |record: &&RevisionRecord| {
            (&record.table, record.period, record.revision) == (&entry.table, entry.period, entry.revision)
        };
        let document = Manifest {
            slices: vec![entry.clone()],
            revisions: manifest.revisions.iter().filter(own).cloned().collect(),
            ..manifest.clone()
        };
        let parameters = HashMap::from([
            ("mode".to_owned(), json!("Overwrite")),
            ("partitionBy".to_owned(), json!(format!("[\"{PERIOD}\"]"))),
            ("predicate".to_owned(), json!(format!("{PERIOD} = '{}'", entry.period.first_day()))),
        ]);
        // Texts, because readers of histories take the metrics for a map of texts.
        let metrics = json!({
            "numOutputRows": entry.rows.to_string(),
            "numAddedFiles": added.to_string(),
            "numRemovedFiles": removed.to_string(),
        });
        Ok(CommitInfo {
            timestamp: Some(Timestamp::now().as_millisecond()),
            operation: Some("WRITE".to_owned()),
            operation_parameters: Some(parameters),
            read_version: log.map(Log::version).transpose()?,
            is_blind_append: Some(false),
            engine_info: Some(manifest.run.tool.replace(' ', "/")),
            user_metadata: Some(serde_json::to_string(&document).map_err(|error| error.to_string())?),
            info: HashMap::from([("operationMetrics".to_owned(), metrics)]),
            ..CommitInfo::default()
        })
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
