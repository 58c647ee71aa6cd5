//! The log of a table: which files a month has, which revision it is, and what our commits said.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use deltalake_core::kernel::transaction::{
    CommitBuilder, CommitProperties, TableReference, TransactionError,
};
use deltalake_core::kernel::{Action, CommitInfo, Metadata, Remove, StructType, Transaction, Version};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use serde::Deserialize;
use url::Url;

use crate::domain::{BillingPeriod, visible};
use crate::warehouse::{Manifest, PERIOD, Table};

/// The folder of a log.
pub(super) const FOLDER: &str = "_delta_log";

/// What is told where others were faster.
pub(super) const SOMEBODY_ELSE: &str =
    "somebody else wrote to the table at the same time, and the month was left as it was";

/// The log of a table.
pub(super) struct Log {
    table: DeltaTable,
}

/// A file that the newest version of a table has.
pub(super) struct ActiveFile {
    /// Its path in the folder of the table.
    pub path: String,
    /// What takes it out of the next version.
    pub remove: Remove,
}

impl Log {
    /// The log of the table in a folder; none where there is no table.
    pub(super) async fn open(folder: &Path) -> Result<Option<Self>, String> {
        let Ok(found) = fs::read_dir(folder.join(FOLDER)) else { return Ok(None) };
        // A writer that was killed before its first commit leaves a folder with a half-written file of another
        // ending.
        let is_part =
            |path: &Path| path.extension().is_some_and(|ending| ending == "json" || ending == "parquet");
        if !found.filter_map(Result::ok).any(|entry| is_part(&entry.path())) {
            return Ok(None);
        }
        let mut table = at(folder)?;
        table.load().await.map_err(|error| told(&error))?;
        Ok(Some(Self { table }))
    }

    /// Reads what was written since.
    pub(super) async fn refresh(&mut self) -> Result<(), String> {
        self.table.update_state().await.map_err(|error| told(&error))
    }

    /// What describes the table.
    pub(super) fn metadata(&self) -> Result<&Metadata, String> {
        Ok(self.table.snapshot().map_err(|error| told(&error))?.metadata())
    }

    /// The columns of the table.
    pub(super) fn schema(&self) -> Result<StructType, String> {
        Ok(self.table.snapshot().map_err(|error| told(&error))?.schema().as_ref().clone())
    }

    /// The files of a month.
    pub(super) fn files(&self, period: BillingPeriod) -> Result<Vec<ActiveFile>, String> {
        let files = self.all()?.into_iter().filter(|(month, _)| *month == Some(period));
        Ok(files.map(|(_, file)| file).collect())
    }

    /// The months that have files.
    pub(super) fn months(&self) -> Result<BTreeSet<BillingPeriod>, String> {
        Ok(self.all()?.into_iter().filter_map(|(month, _)| month).collect())
    }

    fn all(&self) -> Result<Vec<(Option<BillingPeriod>, ActiveFile)>, String> {
        let snapshot = self.table.snapshot().map_err(|error| told(&error))?.snapshot();
        let files = snapshot.try_log_data().map_err(|error| told(&error))?;
        // Who brings an old version back may name its files by their whole path.
        let folder = self.table.table_url().to_file_path().unwrap_or_default();
        let in_folder = |path: &str| {
            Path::new(path)
                .strip_prefix(&folder)
                .map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into())
        };
        let mut files: Vec<_> = files
            .iter()
            .map(|file| {
                let month = file.partition_values_map().get(PERIOD).cloned().flatten();
                let file = ActiveFile { path: in_folder(&file.path()), remove: file.remove_action(true) };
                (month.and_then(|month| month.parse().ok()), file)
            })
            .collect();
        files.sort_by(|left, right| left.1.path.cmp(&right.1.path));
        Ok(files)
    }

    /// Which revision of a month was committed last; 0 where none was.
    pub(super) async fn revision(&self, table: Table, period: BillingPeriod) -> Result<u32, String> {
        let snapshot = self.table.snapshot().map_err(|error| told(&error))?;
        let store = self.table.log_store();
        let version = snapshot.transaction_version(store.as_ref(), application(table, period)).await;
        let version = version.map_err(|error| told(&error))?.unwrap_or(0);
        u32::try_from(version).map_err(|_| format!("the log of {table} has a revision {version}"))
    }

    /// What our commits said of the months that they published, newest first. Commits that somebody took away
    /// with old parts of the log are missing.
    pub(super) async fn published(&self) -> Result<Vec<Manifest>, String> {
        let mut published = Vec::new();
        let store = self.table.log_store();
        for version in (0..=self.version()?).rev() {
            let Some(commit) = store.read_commit_entry(version).await.map_err(|error| told(&error))? else {
                break;
            };
            published.extend(commit.split(|byte| *byte == b'\n').find_map(published_by));
        }
        Ok(published)
    }

    /// The version of the table.
    pub(super) fn version(&self) -> Result<Version, String> {
        Ok(self.table.snapshot().map_err(|error| told(&error))?.version())
    }

    /// The path of the newest commit in the folder of the table.
    pub(super) fn newest_commit(&self) -> Result<String, String> {
        Ok(format!("{FOLDER}/{:020}.json", self.version()?))
    }

    /// Commits a publication: all of it or nothing, as the version after the one that was read. Where somebody
    /// else was there before, nothing is committed, because what we decided was decided by what we read.
    pub(super) async fn commit(
        folder: &Path,
        log: Option<Self>,
        info: CommitInfo,
        mut actions: Vec<Action>,
        transaction: Transaction,
    ) -> Result<Self, String> {
        let mut table = match log {
            Some(log) => log.table,
            None => at(folder)?,
        };
        actions.insert(0, Action::CommitInfo(info));
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: Some(vec![PERIOD.to_owned()]),
            predicate: None,
        };
        let properties =
            CommitProperties::default().with_max_retries(0).with_application_transaction(transaction);
        let reference = table.state.as_ref().map(|state| -> &dyn TableReference { state });
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            reference,
            table.log_store(),
            operation,
        );
        crate::confined::judge(folder).map_err(|error| error.to_string())?;
        let done = commit.await.map_err(|error| told(&error))?;
        table.state = Some(done.snapshot());
        Ok(Self { table })
    }
}

/// The name under which a month of a table counts its revisions in the log.
pub(super) fn application(table: Table, period: BillingPeriod) -> String {
    format!("waldur-usage/{table}/{period}")
}

fn at(folder: &Path) -> Result<DeltaTable, String> {
    let path = folder.canonicalize().map_err(|error| error.to_string())?;
    let url = Url::from_directory_path(&path)
        .map_err(|()| "its path cannot be written as an address".to_owned())?;
    DeltaTableBuilder::from_url(url).and_then(DeltaTableBuilder::build).map_err(|error| told(&error))
}

/// What a line of a commit says that a commit of ours published.
fn published_by(line: &[u8]) -> Option<Manifest> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        commit_info: Info,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        user_metadata: String,
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    Manifest::read(line.commit_info.user_metadata.as_bytes()).ok()
}

/// What the library says, in words of ours where somebody else wrote.
fn told(error: &DeltaTableError) -> String {
    match error {
        DeltaTableError::VersionAlreadyExists(_)
        | DeltaTableError::Transaction {
            source: TransactionError::MaxCommitAttempts(_) | TransactionError::CommitConflict(_),
        } => SOMEBODY_ELSE.to_owned(),
        error => visible(&error.to_string()).to_string(),
    }
}
