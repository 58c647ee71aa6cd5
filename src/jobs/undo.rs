//! Taking back what a run posted: a plan that sets every row to what it was before.
//!
//! Rows cannot be deleted on the server, so what was absent can only become 0, and the plan says so. A
//! row that is no longer as the run left it is stale: somebody else has reported it since.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use uuid::Uuid;

use crate::domain::{Amount, ComponentType, OfferingId, PlanPeriodId, ReportableAmount, ResourceId, RunId};
use crate::error::Error;
use crate::findings::RowCounts;
use crate::plan::{
    Batch, Change, Figures, Header, Line, Made, Outcome, Plan, Reporter, Reporting, ResourcePlan, SourceRow,
    Standing, StoredRows, StoredUsage, Wanted, by_key, by_name, kept,
};
use crate::resolve::{Catalogue, RowsPer};
use crate::store::{RequestRecord, Store, StoredRun};
use crate::waldur::{Reader, Sent};

use super::apply::ApplyReport;
use super::catalogue::{self, Snapshot};
use super::freshness::StaleResource;
use super::people;
use super::plan::last_month;
use super::refresh::StaleLine;
use super::run::{plan_of, sent_of};
use super::writers::Writers;
use super::{Observer, Stages};

/// A plan that takes a run back.
pub struct Undoing {
    /// The plan.
    pub plan: Plan,
    /// Rows that are no longer as the run left them.
    pub stale: Vec<StaleLine>,
    /// What is stored of the resources with such a row.
    pub stale_resources: HashMap<ResourceId, StaleResource>,
    /// The server's state.
    pub catalogue: Catalogue,
    /// Who reports now.
    pub reporter: Reporter,
    /// When the reading of the stored usages began.
    pub read_at: Instant,
    /// What is stored of the month before.
    pub last_month: Vec<StoredUsage>,
    /// Who reported the stored rows last.
    pub writers: Writers,
}

/// Reads what is stored of a run's rows and plans the way back. Posts nothing.
pub async fn undo(
    reader: &Reader,
    store: &Store,
    run: &StoredRun,
    time_zone: Option<&str>,
    observer: &dyn Observer,
) -> Result<Undoing, Error> {
    let undone = as_sent(plan_of(store, run.run.id)?, &Own::of(store, run.run.id)?);
    let mut stages = Stages::begin(observer, "catalogue");
    let offerings: BTreeSet<OfferingId> = undone.changed().map(|resource| resource.offering).collect();
    let mut snapshot = catalogue::for_offerings(reader, &offerings).await?;
    if let Some(zone) = time_zone {
        snapshot.capabilities.learn_time_zone(zone);
    }
    stages.next("stored usages");
    let read_at = Instant::now();
    let all = reader.usages(&snapshot.catalogue, undone.header.period, &mut snapshot.capabilities).await?;
    let last_month = last_month(reader, &undone, &mut snapshot).await?;
    let all_people = people::stored_for(reader, &undone, &snapshot.catalogue, &all).await?;
    reader.learn_date(&mut snapshot.capabilities).await;
    stages.next("plan periods");
    let changed: BTreeSet<ResourceId> = undone.changed().map(|resource| resource.resource).collect();
    catalogue::add_plan_periods(reader, &mut snapshot.catalogue, &changed).await?;
    catalogue::of_one_month(reader, &snapshot)?;
    stages.next("compare");
    let Snapshot { account, capabilities, catalogue } = snapshot;
    let current = catalogue.current_period().unwrap_or(undone.header.period);
    let mut reporting = Reporting::new(undone.header.period, current, reader.now()?, &capabilities);
    for offering in catalogue.offerings() {
        reporting.roles.insert(offering.id, account.role_for(std::iter::once(offering)));
    }
    let known = offerings.iter().filter_map(|&offering| catalogue.offering(offering));
    let reporter = Reporter { id: account.id, role: account.role_for(known) };
    let destination = reader.destination();
    let header = Header {
        server: destination.server,
        sandbox: destination.sandbox,
        account: reporter,
        current_period: current,
        rows: RowCounts::default(),
        rows_left_out: 0,
        rounding: None,
        // What is taken back stands in no file, and no file of rows to run again is made of it.
        inputs: Vec::new(),
        made_with: Vec::new(),
        capabilities,
        ..undone.header.clone()
    };
    let (stored, stored_people) = (by_key(&all), by_name(&all_people));
    let of_people = people::WayBack {
        catalogue: &catalogue,
        reporting: &reporting,
        rows: &stored,
        people: &stored_people,
    };
    let mut of_resource: HashMap<ResourceId, Vec<&StoredUsage>> = HashMap::new();
    for row in &all {
        of_resource.entry(row.resource).or_default().push(row);
    }
    let way_back = WayBack {
        catalogue: &catalogue,
        reporting: &reporting,
        stored: &stored,
        of_resource: &of_resource,
        header: &header,
    };
    let (mut resources, mut stale, mut stale_resources) = (Vec::new(), Vec::new(), HashMap::new());
    for resource in undone.changed() {
        let mut lines = way_back.stale(resource);
        lines.extend(of_people.stale(resource));
        if !lines.is_empty() {
            let own = all.iter().filter(|row| row.resource == resource.resource).cloned().collect();
            let people = people::of_resource(&all_people, resource.resource);
            let found = StaleResource { stored: own, people, plan_periods_changed: false };
            stale_resources.insert(resource.resource, found);
            stale.extend(lines);
        }
        let people = of_people.lines(resource);
        resources.push(ResourcePlan { people, ..way_back.resource(resource) });
    }
    drop(stages);
    let made = Made {
        run: RunId::new(Uuid::new_v4()),
        at: reader.now()?,
        tool_version: env!("CARGO_PKG_VERSION").into(),
    };
    let plan = Plan { made, header, resources };
    let writers = Writers::of(&all, &catalogue);
    Ok(Undoing { plan, stale, stale_resources, catalogue, reporter, read_at, last_month, writers })
}

struct WayBack<'a> {
    catalogue: &'a Catalogue,
    reporting: &'a Reporting,
    stored: &'a StoredRows<'a>,
    of_resource: &'a HashMap<ResourceId, Vec<&'a StoredUsage>>,
    header: &'a Header,
}

impl WayBack<'_> {
    /// The posted rows that are neither as they were posted nor as they were before.
    fn stale(&self, resource: &ResourcePlan) -> Vec<StaleLine> {
        let posted = resource.lines.iter().filter(|line| line.posted().is_some());
        let stale = posted.filter(|line| resource.standing(line, self.stored) == Standing::Otherwise);
        let lines = stale.map(|line| StaleLine {
            resource: resource.resource,
            name: resource.name.clone(),
            component: line.component.clone(),
            username: None,
            planned_from: line.change.wanted().map(Wanted::figures),
            stored: resource.now(line, self.stored).figures().cloned(),
            new: Some(before(line).amount),
            plan_periods_changed: false,
        });
        lines.collect()
    }

    fn resource(&self, undone: &ResourcePlan) -> ResourcePlan {
        let periods = self.catalogue.plan_periods(undone.resource).unwrap_or_default();
        let month = self.header.period;
        let mut lines: Vec<Line> = Vec::new();
        for line in undone.lines.iter().filter(|line| line.posted().is_some()) {
            lines.extend(self.line(undone, line, &lines));
        }
        let known = self.catalogue.offering(undone.offering);
        for row in self.of_resource.get(&undone.resource).into_iter().flatten() {
            if lines.iter().all(|line| line.row != Some(row.id)) {
                let component = known.and_then(|offering| offering.component(&row.component));
                lines.push(Line::only_on_server(row, component, periods));
            }
        }
        let kept = kept(&lines, &self.header.capabilities, self.reporting.is_current());
        let plan_periods = periods.iter().filter(|period| period.overlaps(month)).cloned().collect();
        ResourcePlan { plan_periods, lines, kept, ..undone.clone() }
    }

    /// The line that takes a posted one back; none where nothing of it is stored, or it is stale.
    fn line(&self, undone: &ResourcePlan, line: &Line, before_it: &[Line]) -> Option<Line> {
        let now = undone.now(line, self.stored);
        let (Some(posted), Standing::AsPlanned) =
            (line.change.wanted().map(Wanted::figures), undone.standing(line, self.stored))
        else {
            return None;
        };
        let old = before(line);
        // What no server takes any more stays as it is, and the plan says why.
        let (amount, withheld) = match ReportableAmount::try_from(old.amount) {
            Ok(amount) => (amount, None),
            Err(reason) => {
                let zero = ReportableAmount::try_from(Amount::ZERO).ok()?;
                let why = format!("{} was stored before, which cannot be posted: {reason}", old.amount);
                (zero, Some(why))
            }
        };
        let new = Wanted { amount, description: old.description, carry_over: old.carry_over };
        let resource = self.catalogue.resource(undone.resource);
        let month =
            resource.map(|resource| self.reporting.state(resource, &line.billing_type)).unwrap_or_default();
        Some(Line {
            change: Change::between(new, Some(posted)),
            row: now.row(),
            frozen: self.frozen(undone, line, before_it),
            month,
            withheld,
            source: None,
            note: line.change.old().is_none().then(|| "was absent, and can only become 0".to_owned()),
            ..line.clone()
        })
    }

    /// The sum of the other rows of a key when its request arrives: those that are taken back before it
    /// are as they were, the others as they are.
    fn frozen(&self, undone: &ResourcePlan, line: &Line, before_it: &[Line]) -> Option<Amount> {
        if self.header.capabilities.rows.value != RowsPer::PlanAndMonth {
            return line.frozen;
        }
        let own = undone.now(line, self.stored).row();
        let rows = self.stored.get(&(undone.resource, line.component.clone()))?;
        let others = rows.iter().filter(|row| Some(row.id) != own).map(|row| {
            let taken_back = before_it.iter().find(|earlier| earlier.row == Some(row.id));
            taken_back.and_then(|earlier| earlier.change.amount_after()).unwrap_or(row.amount)
        });
        Amount::total(others).filter(|sum| !sum.is_zero())
    }
}

/// What of a plan is the run's own to take back.
struct Own {
    /// The requests that were sent, or may have been; of several attempts any one counts.
    sent: HashSet<u32>,
    /// The rows that were found stored: a rejected request may have saved a part.
    stored: HashSet<RowKey>,
}

/// A row of a run: resource, component, user and cell.
type RowKey = (ResourceId, ComponentType, Option<String>, Option<SourceRow>);

impl Own {
    fn of(store: &Store, run: RunId) -> Result<Self, Error> {
        let may_have_left = |request: &RequestRecord| match sent_of(request) {
            Sent::Accepted | Sent::NotNow { .. } | Sent::Lost { .. } => Some(request.batch),
            Sent::Rejected { .. } | Sent::NotSent { .. } => None,
        };
        let sent = store.requests(run)?.iter().filter_map(may_have_left).collect();
        let report: Option<ApplyReport> = serde_json::from_str(&store.report(run)?).ok();
        let lines = report.into_iter().flat_map(|report| report.lines);
        let stored = lines.filter(|line| line.outcome == Outcome::Posted);
        let stored = stored.map(|line| (line.resource, line.component, line.username, line.source));
        Ok(Self { sent, stored: stored.collect() })
    }

    fn holds(&self, number: u32, row: &RowKey) -> bool {
        self.sent.contains(&number) || self.stored.contains(row)
    }
}

/// A plan with what is the run's own: what it never sent, and what was rejected and is not stored, is
/// not its to take back.
fn as_sent(mut plan: Plan, run: &Own) -> Plan {
    let mut own: HashSet<(ResourceId, ComponentType, Option<PlanPeriodId>)> = HashSet::new();
    for (resource, batches) in Batch::of_plan(&plan) {
        for batch in batches {
            let posted = resource.lines.iter().filter(|line| batch.posts(line, &plan.header));
            let key = |line: &Line| (resource.resource, line.component.clone(), None, line.source);
            let posted = posted.filter(|line| run.holds(batch.number(), &key(line)));
            own.extend(posted.map(|line| (resource.resource, line.component.clone(), line.plan_period)));
        }
    }
    people::withhold_unsent(&mut plan, |resource, number, person| {
        let username = Some(person.username.clone());
        run.holds(number, &(resource, person.component.clone(), username, person.source))
    });
    for resource in &mut plan.resources {
        let id = resource.resource;
        for line in resource.lines.iter_mut().filter(|line| line.posted().is_some()) {
            if !own.contains(&(id, line.component.clone(), line.plan_period)) {
                line.withheld = Some("the run has not posted it".into());
            }
        }
    }
    plan
}

/// What a row was before a line was posted; nothing at all is as good as zero.
fn before(line: &Line) -> Figures {
    let nothing = || Figures {
        amount: Amount::ZERO,
        description: String::new(),
        carry_over: crate::domain::CarryOver::None,
    };
    line.change.old().cloned().unwrap_or_else(nothing)
}
