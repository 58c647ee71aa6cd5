//! Posting an approved plan: a few resources at a time, the requests of each one after the other.
//!
//! The laws kept here: a request is sent once; nothing is sent when the month turns, when the account
//! is refused, when the server is gone or when the user says stop; nothing is sent for a resource that
//! is stale; after every answer other than 201 and after every lost one the resource is read again. The
//! first post into a past month goes alone, and nothing follows before it was read back there. Users
//! follow their totals (`post_people`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};

use jiff::Timestamp;

use crate::domain::{ResourceId, RunId};
use crate::plan::{
    Approved, Batch, Header, MonthRefusal, MonthRule, PeopleBatch, ResourcePlan, Standing, StoredUsage,
    by_key,
};
use crate::resolve::Catalogue;
use crate::store::{Answered, AuditEntry, Sending};
use crate::waldur::{Call, Poster, Reader, Sent, WaldurError};

use super::Observer;
use super::freshness::{Freshness, Look, Lookout, StaleResource};
use super::post_people::PeopleExchange;
use super::refresh::{have_changed, stale_totals};
use super::run::{Journalled, answer_of, unwritten};

/// How many answers may be lost in a row before nothing more is sent.
const LOST_IN_A_ROW: usize = 5;
/// What speaks against a request whose resource was read too long ago.
pub(super) const TOO_OLD: &str = "what was read of the resource is too old by now";
/// How old that may be in any case: a request that has to leave at once never would.
const LEAST_AGE: Duration = Duration::from_secs(5);
/// How often a request is sent to a server that asks to come later.
pub(super) const MOST_ATTEMPTS: u32 = 6;
/// The most that is waited before the second attempt where the server does not say; it doubles.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The most that is waited at all where the server does not say.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Why nothing more is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// The month turns or has turned.
    #[error("{0}")]
    Month(MonthRefusal),
    /// The first post into a past month was not found there, or changed this month.
    #[error("the first post for {0} was not read back as planned, so nothing more is sent")]
    NotInItsMonth(String),
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
    /// The request.
    pub batch: Batch,
    /// What the server answered.
    pub sent: Sent,
    /// What is stored, read again where the answer left it open, or found before it could be sent.
    pub stored: Option<Vec<StoredUsage>>,
    /// Whether the resource's plan periods changed, so that nothing was sent.
    pub plan_periods_changed: bool,
}

/// What came of the requests of one resource, in their order.
#[derive(Default)]
pub struct Exchanges {
    /// Those about totals.
    pub usages: Vec<Exchange>,
    /// Those about users.
    pub people: Vec<PeopleExchange>,
}

/// How batches are posted.
#[derive(Debug, Clone)]
pub struct PostSettings {
    /// Resources at a time.
    pub at_once: usize,
    /// When the plan's rows were read, and how old they may be.
    pub freshness: Freshness,
    /// Whether a stale resource is left out and the others go on; otherwise the first one stops all.
    pub is_partial: bool,
    /// Resources that are known to be stale.
    pub stale: HashMap<ResourceId, StaleResource>,
    /// Resources that can no longer be posted to, each with the reason.
    pub unpostable: BTreeMap<ResourceId, String>,
    /// Requests of which it is known what became of them: they are not sent again.
    pub settled: HashMap<u32, Sent>,
    /// How often each request was sent before.
    pub attempts: HashMap<u32, u32>,
    /// The attempts at each request whose answer an earlier part of the run has not written down.
    pub unanswered: HashMap<u32, Vec<u32>>,
}

impl PostSettings {
    /// Settings for rows that were read at a moment; the first stale resource stops the run.
    pub fn new(at_once: usize, read_at: Instant) -> Self {
        Self {
            at_once,
            freshness: Freshness::new(read_at),
            is_partial: false,
            stale: HashMap::new(),
            unpostable: BTreeMap::new(),
            settled: HashMap::new(),
            attempts: HashMap::new(),
            unanswered: HashMap::new(),
        }
    }
}

/// Posts all batches; each resource that has one is in the result, with its requests in their order.
pub async fn post(
    reader: &Reader,
    approved: &Approved,
    catalogue: &Catalogue,
    settings: &PostSettings,
    journalled: Option<&Journalled<'_>>,
    stop: &Stop,
    observer: &dyn Observer,
) -> HashMap<ResourceId, Exchanges> {
    let header = &approved.plan().header;
    let requests: Vec<Requests<'_>> = Batch::of_plan(approved.plan())
        .into_iter()
        .zip(PeopleBatch::of_plan(approved.plan()))
        .map(|((resource, batches), (_, people))| (resource, batches, people))
        .collect();
    observer.posting(requests.iter().map(|(_, batches, people)| batches.len() + people.len()).sum());
    let run = Run {
        reader,
        poster: Poster::new(reader, approved),
        catalogue,
        header,
        month: MonthRule::of(header),
        lookout: Lookout::new(reader, header.period, !header.is_past(), settings.freshness, &settings.stale),
        settings,
        journalled,
        stop,
        observer,
        lost_in_a_row: AtomicUsize::new(0),
    };
    run.tell_unanswered(&requests);
    let mut done = HashMap::with_capacity(requests.len());
    let mut rest = Vec::with_capacity(requests.len());
    for requests in requests {
        match settings.unpostable.get(&requests.0.resource) {
            Some(reason) => drop(done.insert(requests.0.resource, run.withheld(requests, reason))),
            None => rest.push(requests),
        }
    }
    let mut rest = rest.into_iter();
    while header.is_past()
        && let Some(first) = rest.next()
    {
        let resource = first.0.resource;
        let (exchanges, is_proven) = run.first_into_the_past(first).await;
        done.insert(resource, exchanges);
        if is_proven || stop.reason().is_some() {
            break;
        }
    }
    let exchanges = stream::iter(rest).map(|requests| {
        let run = &run;
        async move { (requests.0.resource, run.resource(requests).await) }
    });
    let exchanges: Vec<_> = exchanges.buffer_unordered(tasks(settings.at_once)).collect().await;
    done.extend(exchanges);
    observer.posting_over();
    done
}

/// How many resources are under way for so many requests in flight, which the connection bounds. While
/// some requests are written to the journal others are in flight, so the disk holds nothing up.
fn tasks(at_once: usize) -> usize {
    if at_once <= 1 { 1 } else { at_once * 2 }
}

/// A resource and its requests: about totals, and about users.
pub(super) type Requests<'a> = (&'a ResourcePlan, Vec<Batch>, Vec<PeopleBatch>);

pub(super) struct Run<'a> {
    pub(super) reader: &'a Reader,
    pub(super) poster: Poster,
    catalogue: &'a Catalogue,
    pub(super) header: &'a Header,
    pub(super) month: MonthRule,
    lookout: Lookout<'a>,
    pub(super) settings: &'a PostSettings,
    journalled: Option<&'a Journalled<'a>>,
    pub(super) stop: &'a Stop,
    pub(super) observer: &'a dyn Observer,
    lost_in_a_row: AtomicUsize,
}

impl Run<'_> {
    /// Writes down of requests that were sent before the run was taken up again that nobody knows their answers:
    /// every row that was sent stands in the audit trail.
    fn tell_unanswered(&self, requests: &[Requests<'_>]) {
        let Some(journalled) = self.journalled else { return };
        let sent = unwritten();
        let tell = |batch: u32, audit: &dyn Fn() -> Vec<AuditEntry>| {
            for &attempt in self.settings.unanswered.get(&batch).into_iter().flatten() {
                let (answer, audit) = (answer_of(&sent), audit());
                journalled.journal.answered(Answered { batch, attempt, answer, audit });
            }
        };
        for (resource, batches, people) in requests {
            for batch in batches {
                tell(batch.number(), &|| self.audit(journalled.run, resource, batch, &sent));
            }
            for batch in people {
                tell(batch.number(), &|| self.audit_people(journalled.run, resource, batch, &sent));
            }
        }
    }

    /// The requests of one resource, one after the other; what follows a request that was not accepted
    /// is not sent, because it was planned upon it. Users of a total that is set to zero come before it.
    pub(super) async fn resource(&self, requests: Requests<'_>) -> Exchanges {
        self.resource_after(requests, true).await
    }

    /// The same after others of the resource, which may have gone wrong.
    pub(super) async fn resource_after(
        &self,
        (resource, batches, people): Requests<'_>,
        goes_on: bool,
    ) -> Exchanges {
        let mut numbers = batches.iter().map(Batch::number).chain(people.iter().map(PeopleBatch::number));
        let is_open = numbers.any(|number| !self.settings.settled.contains_key(&number));
        let now = Instant::now();
        let (looked_at, stale) = if is_open { self.look_again(resource, false).await } else { (now, None) };
        let stale = stale.as_ref();
        let (first, after): (Vec<_>, Vec<_>) = people.into_iter().partition(PeopleBatch::goes_first);
        let mut people = self.people(resource, first, goes_on, stale).await;
        let goes_on = goes_on && people.iter().all(|exchange| self.is_done_of_people(resource, exchange));
        let (usages, goes_on) = self.totals(resource, batches, goes_on, (looked_at, stale)).await;
        people.extend(self.people(resource, after, goes_on, stale).await);
        Exchanges { usages, people }
    }

    /// The requests about totals; also whether all of them did what they were to do.
    async fn totals(
        &self,
        resource: &ResourcePlan,
        batches: Vec<Batch>,
        mut goes_on: bool,
        (looked_at, stale): (Instant, Option<&StaleResource>),
    ) -> (Vec<Exchange>, bool) {
        let mut exchanges: Vec<Exchange> = Vec::with_capacity(batches.len());
        for batch in batches {
            let exchange = if let Some(sent) = self.settings.settled.get(&batch.number()) {
                Exchange { batch, sent: sent.clone(), stored: None, plan_periods_changed: false }
            } else if goes_on && stale.is_none() {
                self.exchange(resource, batch, looked_at).await
            } else {
                self.not_sent(batch, stale)
            };
            self.observer.posted();
            goes_on = self.is_done(resource, &exchange);
            exchanges.push(exchange);
        }
        (exchanges, goes_on)
    }

    /// Whether a request did what it was to do, so that the next one can be built upon it.
    pub(super) fn is_done(&self, resource: &ResourcePlan, exchange: &Exchange) -> bool {
        let is_settled = self.settings.settled.contains_key(&exchange.batch.number());
        match (&exchange.sent, &exchange.stored) {
            (Sent::Accepted, _) => true,
            // Nothing of it is missing, or it would have been sent again.
            (Sent::Lost { .. }, _) if is_settled => true,
            (Sent::Lost { .. }, Some(stored)) => {
                let stored = by_key(stored);
                let mut posted = resource.lines.iter().filter(|line| exchange.batch.posts(line, self.header));
                posted.all(|line| resource.standing(line, &stored) == Standing::AsPlanned)
            }
            (Sent::Lost { .. } | Sent::NotNow { .. } | Sent::Rejected { .. } | Sent::NotSent { .. }, _) => {
                false
            }
        }
    }

    /// A resource of which nothing is sent.
    fn withheld(&self, (_, batches, people): Requests<'_>, reason: &str) -> Exchanges {
        let sent = |number: u32| {
            self.observer.posted();
            let settled = self.settings.settled.get(&number).cloned();
            settled.unwrap_or_else(|| Sent::NotSent { reason: reason.to_owned() })
        };
        let usages = batches.into_iter().map(|batch| Exchange {
            sent: sent(batch.number()),
            batch,
            stored: None,
            plan_periods_changed: false,
        });
        let people = people.into_iter().map(|batch| PeopleExchange {
            sent: sent(batch.number()),
            batch,
            stored: None,
        });
        Exchanges { usages: usages.collect(), people: people.collect() }
    }

    /// Why a request is not sent.
    pub(super) fn obstacle(&self, stale: Option<&StaleResource>) -> Sent {
        let other = || match stale {
            Some(_) => "the resource is stale".to_owned(),
            None => "an earlier request of this resource was not accepted".to_owned(),
        };
        Sent::NotSent { reason: self.stop.reason().map_or_else(other, |reason| reason.to_string()) }
    }

    fn not_sent(&self, batch: Batch, stale: Option<&StaleResource>) -> Exchange {
        Exchange {
            batch,
            sent: self.obstacle(stale),
            stored: stale.map(|stale| stale.stored.clone()),
            plan_periods_changed: stale.is_some_and(|stale| stale.plan_periods_changed),
        }
    }

    async fn exchange(&self, resource: &ResourcePlan, batch: Batch, mut looked_at: Instant) -> Exchange {
        let created = self.catalogue.resource(resource.resource).and_then(|resource| resource.created);
        let mut attempt = self.settings.attempts.get(&batch.number()).copied().unwrap_or_default();
        let (sent, read) = loop {
            let date = match self.poster.now().map_or(Ok(None), |now| self.month.date(now, created)) {
                Ok(date) => date,
                // No moment of the month can be named for this resource; others may have one.
                Err(refusal @ MonthRefusal::NoMoment { .. }) => {
                    let sent = Sent::NotSent { reason: refusal.to_string() };
                    return Exchange { batch, sent, stored: None, plan_periods_changed: false };
                }
                Err(refusal) => {
                    self.stop.because(StopReason::Month(refusal));
                    return self.not_sent(batch, None);
                }
            };
            if self.stop.reason().is_some() {
                return self.not_sent(batch, None);
            }
            let done = self.send_patiently(resource, &batch, date, (looked_at, &mut attempt)).await;
            // It waited for its turn for so long that what was read of it has to be read again.
            if done.0 != (Sent::NotSent { reason: TOO_OLD.to_owned() }) {
                break done;
            }
            let (now, stale) = self.look_again(resource, true).await;
            if let Some(stale) = stale {
                return self.not_sent(batch, Some(&stale));
            }
            looked_at = now;
            attempt += 1;
        };
        self.judge(&sent);
        let stored = match &sent {
            Sent::Accepted | Sent::NotSent { .. } => None,
            Sent::Rejected { .. } | Sent::NotNow { .. } | Sent::Lost { .. } if read.is_some() => read,
            Sent::Rejected { .. } | Sent::NotNow { .. } | Sent::Lost { .. } => {
                self.reader.usages_of(batch.resource(), batch.period()).await.ok()
            }
        };
        Exchange { batch, sent, stored, plan_periods_changed: false }
    }

    /// Sends a request, and again where the server asked to come later and what is stored shows that
    /// nothing of it arrived; what was read last, where it was read.
    async fn send_patiently(
        &self,
        resource: &ResourcePlan,
        batch: &Batch,
        date: Option<Timestamp>,
        (mut looked_at, attempt): (Instant, &mut u32),
    ) -> (Sent, Option<Vec<StoredUsage>>) {
        let first = *attempt;
        let mut wait = FIRST_WAIT;
        loop {
            let sent = self.send(resource, batch, date, (looked_at, *attempt)).await;
            let Sent::NotNow { status, retry_after } = sent else { return (sent, None) };
            let left_open = || Sent::Lost { reason: format!("answered with {status}, which leaves it open") };
            tokio::time::sleep(retry_after.unwrap_or_else(|| wait.mul_f64(fastrand::f64()))).await;
            wait = LONGEST_WAIT.min(wait * 2);
            // Nobody knows whether it was stored; what is stored decides.
            let now = Instant::now();
            let Ok(stored) = self.reader.usages_of(batch.resource(), batch.period()).await else {
                return (left_open(), None);
            };
            if *attempt + 1 == first + MOST_ATTEMPTS
                || self.stop.reason().is_some()
                || !self.is_still_wanted(resource, batch, &stored).await
            {
                return (left_open(), Some(stored));
            }
            looked_at = now;
            *attempt += 1;
        }
    }

    /// Whether something of a request is missing, and nothing that it depends on changed meanwhile: its
    /// rows, those that ride along, and the plan periods.
    async fn is_still_wanted(&self, resource: &ResourcePlan, batch: &Batch, stored: &[StoredUsage]) -> bool {
        let rows = by_key(stored);
        if !batch.is_missing(resource, self.header, &rows) || !stale_totals(resource, &rows, false).is_empty()
        {
            return false;
        }
        let month = self.reader.resource_month(resource.resource, self.header.period).await;
        month.is_ok_and(|month| !have_changed(resource, &month.plan_periods, self.header.period))
    }

    async fn send(
        &self,
        resource: &ResourcePlan,
        batch: &Batch,
        date: Option<Timestamp>,
        (looked_at, attempt): (Instant, u32),
    ) -> Sent {
        let created = self.catalogue.resource(resource.resource).and_then(|resource| resource.created);
        let may_leave = || self.may_leave(created, looked_at);
        let sending = Sending {
            batch: batch.number(),
            attempt,
            kind: Call::Usage.name().into(),
            resource: batch.resource(),
            body: self.poster.body(batch, date),
        };
        let audit = |run, sent: &Sent| self.audit(run, resource, batch, sent);
        self.send_written_down(Call::Usage, sending, &may_leave, audit).await
    }

    /// What speaks against a request at the moment at which it leaves: the run was stopped, its lock was
    /// lost, the month turned, or what was read of the resource is too old by now.
    pub(super) fn may_leave(&self, created: Option<Timestamp>, looked_at: Instant) -> Result<(), String> {
        if let Some(reason) = self.stop.reason() {
            return Err(reason.to_string());
        }
        if self.journalled.is_some_and(|journalled| !journalled.lock.is_held()) {
            return Err("another run may have taken the lock of this month".into());
        }
        let month = self.poster.now().map_or(Ok(None), |now| self.month.date(now, created));
        month.map_err(|refusal| {
            if !matches!(refusal, MonthRefusal::NoMoment { .. }) {
                self.stop.because(StopReason::Month(refusal));
            }
            refusal.to_string()
        })?;
        if self.is_too_old(looked_at) { Err(TOO_OLD.to_owned()) } else { Ok(()) }
    }

    /// Whether what was read at a moment may not be built upon any more.
    pub(super) fn is_too_old(&self, looked_at: Instant) -> bool {
        looked_at.elapsed() > self.settings.freshness.max_age.max(LEAST_AGE)
    }

    /// Writes a request down, sends it, and writes its answer down.
    pub(super) async fn send_written_down(
        &self,
        call: Call,
        sending: Sending,
        may_leave: &(dyn Fn() -> Result<(), String> + Sync),
        audit: impl FnOnce(RunId, &Sent) -> Vec<AuditEntry>,
    ) -> Sent {
        let Some(journalled) = self.journalled else {
            return self.poster.post(call, &sending.body, may_leave).await;
        };
        let (batch, attempt, body) = (sending.batch, sending.attempt, sending.body.clone());
        if let Err(error) = journalled.journal.sending(sending).await {
            return Sent::NotSent { reason: format!("the journal cannot be written: {error}") };
        }
        let sent = self.poster.post(call, &body, may_leave).await;
        let (answer, audit) = (answer_of(&sent), audit(journalled.run, &sent));
        journalled.journal.answered(Answered { batch, attempt, answer, audit });
        sent
    }

    /// What is written into the audit trail of a request: each of its changed rows.
    fn audit(&self, run: RunId, resource: &ResourcePlan, batch: &Batch, sent: &Sent) -> Vec<AuditEntry> {
        let answer = told(sent);
        let posted = resource.lines.iter().filter(|line| batch.posts(line, self.header));
        let entries = posted.map(|line| AuditEntry {
            at: self.poster.now().unwrap_or_default(),
            run,
            account: self.header.account.id,
            server: self.header.server.clone(),
            resource: resource.resource,
            resource_name: resource.name.clone(),
            component: line.component.clone(),
            period: self.header.period,
            username: None,
            cell: line.place.clone(),
            old: line.change.old().map(|old| old.amount),
            new: line.posted().map(|new| new.amount.get()),
            answer: answer.clone(),
        });
        entries.collect()
    }

    /// Looks at a resource again where what was read of it is too old: somebody else may have changed
    /// what is to be changed, or what rides along.
    async fn look_again(
        &self,
        resource: &ResourcePlan,
        is_too_old: bool,
    ) -> (Instant, Option<StaleResource>) {
        let now = Instant::now();
        if self.stop.reason().is_some() {
            return (now, None);
        }
        match self.lookout.look(resource, is_too_old).await {
            Ok(Look::Fresh) => (self.settings.freshness.read_at, None),
            Ok(Look::Same) => (now, None),
            Ok(Look::Stale(stale)) => {
                if !self.settings.is_partial {
                    self.stop.because(StopReason::Stale(resource.name.clone()));
                }
                (now, Some(stale))
            }
            Err(error) => {
                self.stop.because(stop_reason(&error));
                (now, None)
            }
        }
    }

    pub(super) fn judge(&self, sent: &Sent) {
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

/// An answer, as the audit trail tells it.
pub(super) fn told(sent: &Sent) -> String {
    match sent {
        Sent::Accepted => "accepted".to_owned(),
        Sent::Rejected { status, message } => format!("rejected: {status}, {message}"),
        Sent::NotNow { status, .. } => format!("asked to come later: {status}"),
        Sent::Lost { reason } => format!("lost: {reason}"),
        Sent::NotSent { reason } => format!("not sent: {reason}"),
    }
}

/// What a read that failed means for the run.
pub(super) fn stop_reason(error: &WaldurError) -> StopReason {
    if error.is_about_the_account() {
        StopReason::Account(error.to_string())
    } else {
        StopReason::Server(error.to_string())
    }
}
