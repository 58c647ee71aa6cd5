//! Posting an approved plan: a few requests at a time, one per resource.
//!
//! The laws kept here: a request is sent once; nothing is sent when the month turns, when the account
//! is refused, when the server is gone or when the user says stop; nothing is sent for a resource that
//! is stale; after every answer other than 201 and after every lost one the resource is read again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::stream::{self, StreamExt};

use crate::domain::ResourceId;
use crate::plan::{Approved, Batch, MonthRefusal, MonthRule, ResourcePlan, StoredUsage};
use crate::resolve::Catalogue;
use crate::waldur::{Poster, Reader, Sent};

use super::Observer;
use super::freshness::{Freshness, Look, Lookout, StaleResource};

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
    /// What is stored, read again where the answer left it open, or found before it could be sent.
    pub stored: Option<Vec<StoredUsage>>,
    /// Whether the resource's plan periods changed, so that nothing was sent.
    pub plan_periods_changed: bool,
}

/// How batches are posted.
#[derive(Debug, Clone)]
pub struct PostSettings {
    /// Requests at a time.
    pub at_once: usize,
    /// When the plan's rows were read, and how old they may be.
    pub freshness: Freshness,
    /// Whether a stale resource is left out and the others go on; otherwise the first one stops all.
    pub is_partial: bool,
    /// Resources that are known to be stale.
    pub stale: HashMap<ResourceId, StaleResource>,
}

impl PostSettings {
    /// Settings for rows that were read at a moment; the first stale resource stops the run.
    pub fn new(at_once: usize, read_at: Instant) -> Self {
        Self { at_once, freshness: Freshness::new(read_at), is_partial: false, stale: HashMap::new() }
    }
}

/// Posts all batches; each resource that has one is in the result.
pub async fn post(
    reader: &Reader,
    approved: &Approved,
    catalogue: &Catalogue,
    settings: &PostSettings,
    stop: &Stop,
    observer: &dyn Observer,
) -> HashMap<ResourceId, Exchange> {
    let poster = Poster::new(reader, approved);
    let period = approved.plan().header.period;
    let changed = approved.plan().changed();
    let batches: Vec<(&ResourcePlan, Batch)> =
        changed.filter_map(|resource| Some((resource, Batch::new(resource, period)?))).collect();
    observer.posting(batches.len());
    let lookout = Lookout::new(reader, catalogue, period, settings.freshness, &settings.stale);
    let is_partial = settings.is_partial;
    let month = MonthRule::of(&approved.plan().header);
    let lost_in_a_row = AtomicUsize::new(0);
    let run = Run { reader, poster, catalogue, month, lookout, is_partial, stop, lost_in_a_row };
    let exchanges = stream::iter(&batches)
        .map(|(resource, batch)| {
            let run = &run;
            async move {
                let exchange = run.exchange(resource, batch).await;
                observer.posted();
                (batch.resource(), exchange)
            }
        })
        .buffer_unordered(settings.at_once.max(1))
        .collect()
        .await;
    observer.posting_over();
    exchanges
}

struct Run<'a> {
    reader: &'a Reader,
    poster: Poster,
    catalogue: &'a Catalogue,
    month: MonthRule,
    lookout: Lookout<'a>,
    is_partial: bool,
    stop: &'a Stop,
    lost_in_a_row: AtomicUsize,
}

impl Run<'_> {
    async fn exchange(&self, resource: &ResourcePlan, batch: &Batch) -> Exchange {
        if let Some(stale) = self.look_again(resource).await {
            let reason =
                self.stop.reason().map_or_else(|| "the resource is stale".to_owned(), |it| it.to_string());
            return Exchange {
                sent: Sent::NotSent { reason },
                stored: Some(stale.stored),
                plan_periods_changed: stale.plan_periods_changed,
            };
        }
        let created = self.catalogue.resource(batch.resource()).and_then(|resource| resource.created);
        let date = self.poster.now().map_or(Ok(None), |now| self.month.date(now, created));
        if let Err(refusal) = date {
            self.stop.because(StopReason::Month(refusal));
        }
        if let Some(reason) = self.stop.reason() {
            let sent = Sent::NotSent { reason: reason.to_string() };
            return Exchange { sent, stored: None, plan_periods_changed: false };
        }
        let sent = match self.poster.post(batch, date.ok().flatten()).await {
            Sent::NotNow { status, .. } => {
                Sent::Lost { reason: format!("answered with {status}, which leaves it open") }
            }
            sent => sent,
        };
        self.judge(&sent);
        let stored = match &sent {
            Sent::Accepted | Sent::NotSent { .. } => None,
            Sent::Rejected { .. } | Sent::NotNow { .. } | Sent::Lost { .. } => {
                self.reader.usages_of(batch.resource(), batch.period()).await.ok()
            }
        };
        Exchange { sent, stored, plan_periods_changed: false }
    }

    /// Looks at a resource again where what was read of it is too old: somebody else may have changed
    /// what is to be changed, or what rides along.
    async fn look_again(&self, resource: &ResourcePlan) -> Option<StaleResource> {
        if self.stop.reason().is_some() {
            return None;
        }
        match self.lookout.look(resource).await {
            Ok(Look::Fresh | Look::Same) => None,
            Ok(Look::Stale(stale)) => {
                if !self.is_partial {
                    self.stop.because(StopReason::Stale(resource.name.clone()));
                }
                Some(stale)
            }
            Err(error) => {
                self.stop.because(StopReason::Server(error.to_string()));
                None
            }
        }
    }

    fn judge(&self, sent: &Sent) {
        let lost = match sent {
            Sent::NotNow { .. } | Sent::Lost { .. } => self.lost_in_a_row.fetch_add(1, Ordering::Relaxed) + 1,
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
            Sent::Lost { .. } if lost >= LOST_IN_A_ROW => {
                self.stop.because(StopReason::Server(format!("{lost} answers in a row were lost")));
            }
            Sent::Accepted | Sent::Rejected { .. } | Sent::NotNow { .. } | Sent::Lost { .. } => {}
        }
    }
}
