//! Posting an approved plan: a few requests at a time, one per resource.
//!
//! The laws kept here: a request is sent once; nothing is sent when the month turns, when the account
//! is refused, when the server is gone or when the user says stop; after every answer other than 201
//! and after every lost one the resource is read again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt};

use crate::domain::ResourceId;
use crate::plan::{Approved, Batch, MonthRefusal, ResourcePlan, StoredUsage, guard_month};
use crate::waldur::{Poster, Reader, Sent};

use super::Observer;
use super::refresh::{by_key, stale_lines};

/// How many answers may be lost in a row before nothing more is sent.
const LOST_IN_A_ROW: usize = 5;

/// Why nothing more is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// The month turns or has turned.
    #[error("{0}")]
    Month(MonthRefusal),
    /// 401 or 403.
    #[error("the server does not let this account post: {0}")]
    Account(String),
    /// No connection, or no answers any more.
    #[error("{0}")]
    Server(String),
    /// What is stored changed since it was read.
    #[error("the stored usage of {0} changed since it was read")]
    Stale(String),
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// Says that nothing more is to be sent; the first reason stands.
#[derive(Debug, Default)]
pub struct Stop(Mutex<Option<StopReason>>);

impl Stop {
    /// Stops, unless something else stopped the run before.
    pub fn because(&self, reason: StopReason) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(reason);
    }

    /// The reason, where the run is stopped.
    pub fn reason(&self) -> Option<StopReason> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// What came of one request.
pub struct Exchange {
    /// What the server answered.
    pub sent: Sent,
    /// What is stored, read again where the answer left it open.
    pub stored: Option<Vec<StoredUsage>>,
}

/// Posts all batches; each resource that has one is in the result.
pub async fn post(
    reader: &Reader,
    approved: &Approved,
    at_once: usize,
    stop: &Stop,
    observer: &dyn Observer,
) -> HashMap<ResourceId, Exchange> {
    let poster = Poster::new(reader, approved);
    let period = approved.plan().header.period;
    let changed = approved.plan().changed();
    let batches: Vec<(&ResourcePlan, Batch)> =
        changed.filter_map(|resource| Some((resource, Batch::new(resource, period)?))).collect();
    observer.posting(batches.len());
    let run = Run { reader, poster, stop, lost_in_a_row: AtomicUsize::new(0) };
    let exchanges = stream::iter(&batches)
        .map(|(resource, batch)| {
            let run = &run;
            async move {
                let exchange = run.exchange(resource, batch).await;
                observer.posted();
                (batch.resource(), exchange)
            }
        })
        .buffer_unordered(at_once.max(1))
        .collect()
        .await;
    observer.posting_over();
    exchanges
}

struct Run<'a> {
    reader: &'a Reader,
    poster: Poster,
    stop: &'a Stop,
    lost_in_a_row: AtomicUsize,
}

impl Run<'_> {
    async fn exchange(&self, resource: &ResourcePlan, batch: &Batch) -> Exchange {
        let stored = match self.look_again(resource, batch).await {
            Ok(stored) => stored,
            Err(reason) => {
                self.stop.because(reason);
                None
            }
        };
        if let Err(refusal) = self.poster.now().map_or(Ok(()), |now| guard_month(batch.period(), now)) {
            self.stop.because(StopReason::Month(refusal));
        }
        if let Some(reason) = self.stop.reason() {
            return Exchange { sent: Sent::NotSent { reason: reason.to_string() }, stored };
        }
        let sent = self.poster.post(batch).await;
        self.judge(&sent);
        let stored = match &sent {
            Sent::Accepted | Sent::NotSent { .. } => None,
            Sent::Rejected { .. } | Sent::Lost => {
                self.reader.usages_of(batch.resource(), batch.period()).await.ok()
            }
        };
        Exchange { sent, stored }
    }

    /// Reads the rows of a resource again just before its post where some of them ride along: those
    /// nobody asked to change, so a change of somebody else must not be undone by them.
    async fn look_again(
        &self,
        resource: &ResourcePlan,
        batch: &Batch,
    ) -> Result<Option<Vec<StoredUsage>>, StopReason> {
        if resource.kept.is_empty() || self.stop.reason().is_some() {
            return Ok(None);
        }
        let stored = self.reader.usages_of(batch.resource(), batch.period()).await;
        let stored = stored.map_err(|error| StopReason::Server(error.to_string()))?;
        if !stale_lines(resource, &by_key(&stored)).is_empty() {
            self.stop.because(StopReason::Stale(resource.name.clone()));
        }
        Ok(Some(stored))
    }

    fn judge(&self, sent: &Sent) {
        let lost = match sent {
            Sent::Lost => self.lost_in_a_row.fetch_add(1, Ordering::Relaxed) + 1,
            Sent::Accepted | Sent::Rejected { .. } | Sent::NotSent { .. } => {
                self.lost_in_a_row.store(0, Ordering::Relaxed);
                0
            }
        };
        match sent {
            Sent::Rejected { status: status @ (401 | 403), message } => {
                self.stop.because(StopReason::Account(format!("{status}, {message}")));
            }
            Sent::NotSent { reason } => self.stop.because(StopReason::Server(reason.clone())),
            Sent::Lost if lost >= LOST_IN_A_ROW => {
                self.stop.because(StopReason::Server(format!("{lost} answers in a row were lost")));
            }
            Sent::Accepted | Sent::Rejected { .. } | Sent::Lost => {}
        }
    }
}
