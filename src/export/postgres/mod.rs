//! Months of tables to a PostgreSQL database.
//!
//! A table is partitioned by month, and a month is replaced by replacing its partition. What was published
//! stands in tables of an audit, which are written in the same transaction.

mod audit;
mod bench;
mod columns;
mod encode;
mod fault;
mod month;
mod numeric;
mod read;
mod session;
mod sql;
mod tables;
mod target;
mod tls;

pub use bench::measure;
pub use target::{Host, Password, PostgresTarget, SchemaName, TargetError, Tls, TlsMode};

use std::time::Duration;

use arrow_array::RecordBatch;
use futures_util::future::BoxFuture;

use crate::warehouse::{Entry, Manifest, Schema};

use self::columns::Layout;
use self::fault::{Fault, words};
use self::month::Turns;
use self::session::Session;

use super::{ExportError, ExportSink, Replacement, entered};

/// How long a run waits for the lock of another one, which may have been killed a moment ago.
const LOCK: Duration = Duration::from_secs(10);
/// How long a run waits for readers that hold its tables.
const READERS: Duration = Duration::from_mins(10);

/// What stood at a target; nothing where no run ever wrote.
struct Published(Option<Manifest>);

/// A database that months are written to.
pub struct PostgresSink {
    target: PostgresTarget,
    session: Option<Session>,
    /// What stood there when it was read, if it was.
    published: Option<Published>,
    /// The tables that were looked at, with their columns.
    prepared: Vec<Layout>,
    lock: Duration,
    readers: Duration,
}

impl PostgresSink {
    /// A sink; nothing is connected yet.
    pub fn new(target: PostgresTarget) -> Self {
        Self { target, session: None, published: None, prepared: Vec::new(), lock: LOCK, readers: READERS }
    }

    /// The connection, made where there is none. Whoever goes on with what was read before must find the
    /// same: while there was no connection there was no lock.
    async fn connected(&mut self) -> Result<&mut Session, Fault> {
        let session = if let Some(session) = self.session.take() {
            session
        } else {
            let session = Session::open(&self.target, self.lock).await?;
            let found = if tables::is_ours(&session.client, &session.names).await? {
                audit::read(&session.client, &session.names).await?
            } else {
                None
            };
            if self.published.as_ref().is_some_and(|published| published.0 != found) {
                return Err(Fault::Refused(
                    "the connection was lost, and what is published there is not what it was; run it again"
                        .into(),
                ));
            }
            if let Some(found) = &found {
                tables::judge(&session.client, &session.names, found).await?;
            }
            self.published = Some(Published(found));
            session
        };
        Ok(self.session.insert(session))
    }

    async fn replace(
        &mut self,
        replacements: Vec<Replacement>,
        mut new: Manifest,
    ) -> Result<Manifest, Fault> {
        self.connected().await?;
        let mut layouts = Vec::new();
        for replacement in &replacements {
            layouts.push(Layout::new(replacement.slice.schema())?);
        }
        self.prepare(&layouts).await?;
        let patience = self.readers;
        let Some(session) = &mut self.session else { return Err(Fault::Busy) };
        let mut staged = Vec::new();
        for (Replacement { slice, entry }, layout) in replacements.into_iter().zip(layouts) {
            staged.push(month::stage(&mut session.client, &session.names, layout, &slice).await?);
            entered(&mut new, entry, None);
        }
        let manifests = (self.published.as_ref().and_then(|published| published.0.as_ref()), &new);
        month::swap(&mut session.client, &session.names, &staged, manifests, patience).await?;
        self.published = Some(Published(Some(new.clone())));
        Ok(new)
    }

    /// Makes the tables that are not known to be there, with these columns. Each has a transaction of its
    /// own, so that a new column waits for the readers of its table only, and nobody for it meanwhile.
    async fn prepare(&mut self, layouts: &[Layout]) -> Result<(), Fault> {
        let patience = self.readers;
        let Some(session) = &mut self.session else { return Err(Fault::Busy) };
        // The audit is made even where there is no table yet.
        let audit = (layouts.is_empty()
            && self.published.as_ref().is_some_and(|published| published.0.is_none()))
        .then_some(None);
        for layout in layouts.iter().map(Some).chain(audit) {
            if layout.is_some_and(|layout| self.prepared.contains(layout)) {
                continue;
            }
            let mut turns = Turns::new(Vec::new(), patience);
            loop {
                let transaction = session.client.transaction().await?;
                transaction.batch_execute(&turns.locks(&session.names)).await?;
                match tables::prepare(&transaction, &session.names, layout).await {
                    Ok(()) => {
                        transaction.commit().await?;
                        break;
                    }
                    Err(fault) if fault.is_about_a_lock() => {
                        transaction.rollback().await?;
                        turns.wait(patience).await?;
                    }
                    Err(fault) => return Err(fault),
                }
            }
            self.prepared.extend(layout.cloned());
        }
        Ok(())
    }

    /// A fault in the words of all targets. What stands there is not known after one, so the next step
    /// connects anew and reads it.
    async fn told(&mut self, fault: Fault) -> ExportError {
        let target = self.name();
        let fault = match self.session.take() {
            Some(session) => session.explained(fault).await,
            None => fault,
        };
        self.prepared.clear();
        match fault {
            Fault::Manifest(source) => ExportError::Manifest { target, source },
            Fault::Busy => ExportError::Busy { target },
            Fault::Refused(reason) => ExportError::Target { target, reason },
            Fault::Server(error) => ExportError::Target { target, reason: words(&error) },
        }
    }
}

impl ExportSink for PostgresSink {
    fn name(&self) -> String {
        format!("postgres:{}", self.target.name)
    }

    fn manifest(&mut self) -> BoxFuture<'_, Result<Option<Manifest>, ExportError>> {
        Box::pin(async {
            if self.session.is_none() {
                self.published = None;
            }
            match self.connected().await {
                Ok(_) => Ok(self.published.as_ref().and_then(|published| published.0.clone())),
                Err(fault) => Err(self.told(fault).await),
            }
        })
    }

    fn stands<'a>(&'a mut self, entry: &'a Entry) -> BoxFuture<'a, Result<bool, ExportError>> {
        Box::pin(async move {
            let stands = match self.connected().await {
                Ok(session) => read::stands(&session.client, &session.names, entry).await,
                Err(fault) => Err(fault),
            };
            match stands {
                Ok(stands) => Ok(stands),
                Err(fault) => Err(self.told(fault).await),
            }
        })
    }

    fn rows<'a>(
        &'a mut self,
        schema: &'a Schema,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<RecordBatch>, ExportError>> {
        Box::pin(async move {
            let rows = match self.connected().await {
                Ok(session) => read::rows(&session.client, &session.names, schema, entry).await,
                Err(fault) => Err(fault),
            };
            match rows {
                Ok(rows) => Ok(rows),
                Err(fault) => Err(self.told(fault).await),
            }
        })
    }

    fn publish(
        &mut self,
        replacements: Vec<Replacement>,
        manifest: Manifest,
    ) -> BoxFuture<'_, Result<Manifest, ExportError>> {
        Box::pin(async move {
            match self.replace(replacements, manifest).await {
                Ok(published) => Ok(published),
                Err(fault) => Err(self.told(fault).await),
            }
        })
    }
}

#[cfg(test)]
mod tests;
