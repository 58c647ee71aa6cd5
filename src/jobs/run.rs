//! A run: locked, journalled, posted, proven and written down, so that it can be taken up again from
//! any point at which it ends.
//!
//! What will be sent is on disk before it is sent. A run that is taken up again sends nothing of which
//! it is not known what became of it: that is read first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::{OfferingId, ResourceId, RunId};
use crate::error::Error;
use crate::plan::{Approved, Batch, Plan, PlanError, Reporter, StoredRows, by_key, by_name};
use crate::resolve::Catalogue;
use crate::store::{
    Answer, End, Lock, LockScope, NewRun, RequestRecord, RunSummary, Store, StoreError, StoredRun,
};
use crate::waldur::{Reader, Sent};

use super::apply::{ApplyReport, apply};
use super::catalogue;
use super::freshness::StaleResource;
use super::people;
use super::post::{PostSettings, Stop};
use super::refresh::{can_do_as_planned, have_changed, stale_lines, why_unpostable};
use super::{Observer, Stages};

/// Under which word the store keeps the number of an account.
pub const OWN_NUMBER: &str = "modified_by";

/// How many of the latest runs are looked at for others at work.
const RUNS_LOOKED_AT: u32 = 1_000;
/// A run that began longer ago and never ended was killed.
const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(24);

/// What kind of run it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The figures of files are posted.
    Apply,
    /// The same, as a step of a pipeline's run.
    Step(RunId),
    /// What another run posted is taken back.
    Undo(RunId),
}

impl Purpose {
    fn command(self) -> &'static str {
        match self {
            Self::Apply | Self::Step(_) => "apply",
            Self::Undo(_) => "undo",
        }
    }
}

/// What a run is taken up again with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RunNotes {
    /// Whether the other resources go on where one is stale.
    pub is_partial: bool,
    /// How many seconds old a row may be when its post leaves.
    pub max_age_seconds: u64,
    /// The folder that was named for the results.
    pub results: Option<std::path::PathBuf>,
    /// The file that results go beside.
    pub beside: std::path::PathBuf,
    /// The digest of the plan that was agreed to.
    pub agreed: String,
}

/// A run that holds its lock and has a place in the store.
pub struct Run {
    /// Its id.
    pub id: RunId,
    store: Store,
    lock: Lock,
}

/// What is kept of a run from one row to the next.
pub struct RunEnd {
    /// What became of its rows.
    pub report: ApplyReport,
    /// The length of the audit trail and the hash of its last entry.
    pub audit_head: Option<(u64, String)>,
    /// Why not everything could be written down, where it could not. What was posted is posted.
    pub trouble: Option<StoreError>,
}

impl Run {
    /// Begins a run: takes the lock and writes its plan down.
    pub fn begin(store: &Store, plan: &Plan, purpose: Purpose, notes: &RunNotes) -> Result<Self, Error> {
        let id = RunId::new(uuid::Uuid::new_v4());
        let lock = store.lock(&scope(plan), id)?;
        let (undoes, pipeline) = match purpose {
            Purpose::Apply => (None, None),
            Purpose::Step(pipeline) => (None, Some(pipeline)),
            Purpose::Undo(run) => (Some(run), None),
        };
        let file = plan.file();
        let new = NewRun {
            id,
            command: purpose.command().into(),
            undoes,
            pipeline,
            server: plan.header.server.clone(),
            sandbox: plan.header.sandbox.as_ref().map(ToString::to_string),
            account: plan.header.account.id,
            period: plan.header.period,
            digest: file.digest().to_owned(),
            settings: json!(notes).to_string(),
            tool_version: env!("CARGO_PKG_VERSION").into(),
        };
        store.begin(&new, &file)?;
        Ok(Self { id, store: store.clone(), lock })
    }

    /// Takes the lock of a run that is to be taken up again; what it ended with stands until it is
    /// carried out.
    pub fn take_up(store: &Store, run: &StoredRun, plan: &Plan) -> Result<Self, Error> {
        let id = run.run.id;
        let lock = store.lock(&scope(plan), id)?;
        Ok(Self { id, store: store.clone(), lock })
    }

    /// Whether another run of this store was at work on the same month since a moment. The lock keeps
    /// runs apart only while it is held, and what was read before it was taken may be theirs.
    pub fn others_since(&self, plan: &Plan, read_at: Instant) -> Result<bool, Error> {
        let elapsed = SignedDuration::try_from(read_at.elapsed()).unwrap_or(SignedDuration::MAX);
        let read_at = Timestamp::now().checked_sub(elapsed).unwrap_or(Timestamp::MIN);
        let is_other = |RunSummary { stored, .. }: &RunSummary| {
            stored.run.id != self.id
                && stored.run.server == plan.header.server
                && stored.run.period == plan.header.period
                && match &stored.ended {
                    Some(ended) => ended.at >= read_at,
                    None => stored.started >= read_at.checked_sub(LONGEST_RUN).unwrap_or(Timestamp::MIN),
                }
        };
        Ok(self.store.runs(RUNS_LOOKED_AT)?.iter().any(is_other))
    }

    /// Posts what is left of the plan, proves what is stored, and writes the end down.
    pub async fn carry_out(
        self,
        reader: &Reader,
        approved: &Approved,
        catalogue: &Catalogue,
        settings: &PostSettings,
        stop: &Stop,
        observer: &dyn Observer,
    ) -> Result<RunEnd, Error> {
        self.store.reopen(self.id)?;
        let journal = self.store.journal(self.id)?;
        let guard = Journalled { journal: &journal, run: self.id, lock: &self.lock };
        let report = apply(reader, approved, catalogue, settings, Some(&guard), stop, observer).await;
        let flushed = journal.flush().await;
        let status = report.exit_status(approved.plan().rows_not_posted());
        let end = End { status: status.name().into(), code: status.code(), is_over: report.is_over() };
        if let Some(number) = report.own_number {
            let header = &approved.plan().header;
            // Without it the next plan only says that it is not known.
            let _ = self.store.keep(&header.server, header.account.id, OWN_NUMBER, &number.to_string());
        }
        let finished = self.store.finish(self.id, &end, report.figures(), &report);
        let (audit_head, headless) = match self.store.audit_head() {
            Ok(head) => (head, None),
            Err(error) => (None, Some(error)),
        };
        let trouble = flushed.err().or(finished.err()).or(headless);
        Ok(RunEnd { report, audit_head, trouble })
    }
}

/// The journal of a run that holds its lock.
pub struct Journalled<'a> {
    /// Where requests are written down.
    pub journal: &'a crate::store::Journal,
    /// The run.
    pub run: RunId,
    /// What keeps other runs out.
    pub lock: &'a Lock,
}

fn scope(plan: &Plan) -> LockScope {
    let offerings: BTreeSet<OfferingId> = plan.changed().map(|resource| resource.offering).collect();
    LockScope {
        server: plan.header.server.clone(),
        offerings: offerings.into_iter().collect(),
        period: plan.header.period,
    }
}

/// A run that is to be taken up again, set against what is stored now.
pub struct Resumed {
    /// Its plan, as it was carried out so far.
    pub plan: Plan,
    /// The server's state.
    pub catalogue: Catalogue,
    /// Who reports now.
    pub reporter: Reporter,
    /// What is known of requests that were sent.
    pub settled: HashMap<u32, Sent>,
    /// How often each request was sent.
    pub attempts: HashMap<u32, u32>,
    /// The attempts at each request whose answer was never written down.
    pub unanswered: HashMap<u32, Vec<u32>>,
    /// Resources that are stale.
    pub stale: HashMap<ResourceId, StaleResource>,
    /// Resources that can no longer be posted to, each with the reason.
    pub unpostable: BTreeMap<ResourceId, String>,
    /// When the reading began.
    pub read_at: Instant,
}

/// The plan of a run that stands in the store.
pub fn plan_of(store: &Store, run: RunId) -> Result<Plan, Error> {
    let text = store.plan(run)?;
    Plan::from_json(text.as_bytes()).map_err(|error: PlanError| Error::StoredPlan { run, error })
}

/// Reads what is stored of a run's resources, and settles by it what became of each request.
pub async fn resume(
    reader: &Reader,
    store: &Store,
    run: RunId,
    plan: Plan,
    observer: &dyn Observer,
) -> Result<Resumed, Error> {
    let requests = store.requests(run)?;
    let mut stages = Stages::begin(observer, "catalogue");
    let offerings: BTreeSet<OfferingId> = plan.changed().map(|resource| resource.offering).collect();
    let mut snapshot = catalogue::for_offerings(reader, &offerings).await?;
    let known = offerings.iter().filter_map(|&offering| snapshot.catalogue.offering(offering));
    let reporter = Reporter { id: snapshot.account.id, role: snapshot.account.role_for(known) };
    stages.next("stored usages");
    let read_at = Instant::now();
    let all = reader.usages(&snapshot.catalogue, plan.header.period, &mut snapshot.capabilities).await?;
    let people = people::stored_for(reader, &plan, &snapshot.catalogue, &all).await?;
    let (rows, stored_people) = (by_key(&all), by_name(&people));
    stages.next("settle");
    let (attempts, unanswered) = (attempts(&requests), unanswered(&requests));
    let answers = last_answers(&requests);
    let (mut settled, mut open) = settle(&plan, &answers, &rows);
    open.extend(people::settle_requests(&plan, &answers, &rows, &stored_people, &mut settled));
    let to_send: BTreeSet<ResourceId> = open.iter().copied().collect();
    catalogue::add_plan_periods(reader, &mut snapshot.catalogue, &to_send).await?;
    catalogue::of_one_month(reader, &snapshot)?;
    can_do_as_planned(&plan.header.capabilities, &snapshot.capabilities)?;
    let (mut stale, mut unpostable) = (HashMap::new(), BTreeMap::new());
    for resource in plan.changed().filter(|resource| to_send.contains(&resource.resource)) {
        if let Some(reason) = why_unpostable(resource, &snapshot.catalogue) {
            unpostable.insert(resource.resource, reason);
            continue;
        }
        let periods = snapshot.catalogue.plan_periods(resource.resource).unwrap_or_default();
        let plan_periods_changed = have_changed(resource, periods, plan.header.period);
        if !stale_lines(resource, &rows, &stored_people, plan_periods_changed).is_empty() {
            let stored = all.iter().filter(|row| row.resource == resource.resource).cloned().collect();
            let people = people::of_resource(&people, resource.resource);
            stale.insert(resource.resource, StaleResource { stored, people, plan_periods_changed });
        }
    }
    drop(stages);
    let catalogue = snapshot.catalogue;
    Ok(Resumed { plan, catalogue, reporter, settled, attempts, unanswered, stale, unpostable, read_at })
}

/// How often each request was sent.
fn attempts(requests: &[RequestRecord]) -> HashMap<u32, u32> {
    let mut attempts = HashMap::new();
    for request in requests {
        let most = attempts.entry(request.batch).or_insert(0);
        *most = (*most).max(request.attempt + 1);
    }
    attempts
}

/// The attempts at each request whose answer was never written down.
fn unanswered(requests: &[RequestRecord]) -> HashMap<u32, Vec<u32>> {
    let mut unanswered: HashMap<u32, Vec<u32>> = HashMap::new();
    for request in requests.iter().filter(|request| request.answer.is_none()) {
        unanswered.entry(request.batch).or_default().push(request.attempt);
    }
    unanswered
}

/// What is known of the last attempt at each request.
fn last_answers(requests: &[RequestRecord]) -> HashMap<u32, Sent> {
    let mut last: HashMap<u32, &RequestRecord> = HashMap::new();
    for request in requests {
        let newest = last.entry(request.batch).or_insert(request);
        if request.attempt >= newest.attempt {
            *newest = request;
        }
    }
    last.into_iter().map(|(batch, request)| (batch, sent_of(request))).collect()
}

/// What became of each request about totals that was sent, and the resources with one that is still to
/// be sent. One of which no answer is known is settled by what is stored: where all of it is there, or
/// something else is, it is not sent again.
fn settle(
    plan: &Plan,
    answers: &HashMap<u32, Sent>,
    stored: &StoredRows<'_>,
) -> (HashMap<u32, Sent>, Vec<ResourceId>) {
    let (mut settled, mut open) = (HashMap::new(), Vec::new());
    for (resource, batches) in Batch::of_plan(plan) {
        for batch in batches {
            match answers.get(&batch.number()).cloned() {
                // An account that was refused was not heard at all.
                Some(Sent::Rejected { status: 401 | 403, .. }) => open.push(resource.resource),
                Some(sent @ (Sent::Accepted | Sent::Rejected { .. })) => {
                    settled.insert(batch.number(), sent);
                }
                Some(lost @ Sent::Lost { .. }) if !batch.is_missing(resource, &plan.header, stored) => {
                    settled.insert(batch.number(), lost);
                }
                Some(Sent::Lost { .. } | Sent::NotNow { .. } | Sent::NotSent { .. }) | None => {
                    open.push(resource.resource);
                }
            }
        }
    }
    (settled, open)
}

/// What is known of a request. One whose answer was not written down may have arrived.
pub(super) fn sent_of(request: &RequestRecord) -> Sent {
    match &request.answer {
        Some((_, Answer::Accepted)) => Sent::Accepted,
        Some((_, Answer::Rejected { status, message })) => {
            Sent::Rejected { status: *status, message: message.clone() }
        }
        Some((_, Answer::Lost { reason })) => Sent::Lost { reason: reason.clone() },
        Some((_, Answer::NotSent { reason })) => Sent::NotSent { reason: reason.clone() },
        None => unwritten(),
    }
}

/// What is known of a request whose answer was never written down.
pub(super) fn unwritten() -> Sent {
    Sent::Lost { reason: "the run ended before an answer was written down".into() }
}

/// What an answer is in the store.
pub fn answer_of(sent: &Sent) -> Answer {
    match sent {
        Sent::Accepted => Answer::Accepted,
        Sent::Rejected { status, message } => Answer::Rejected { status: *status, message: message.clone() },
        Sent::NotNow { status, .. } => {
            Answer::Lost { reason: format!("answered with {status}, which leaves it open") }
        }
        Sent::Lost { reason } => Answer::Lost { reason: reason.clone() },
        Sent::NotSent { reason } => Answer::NotSent { reason: reason.clone() },
    }
}
