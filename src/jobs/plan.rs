//! Check, read the month, compare: a plan.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use uuid::Uuid;

use crate::domain::{BillingPeriod, ResourceId, RunId};
use crate::error::Error;
use crate::findings::{Checked, RowIndex};
use crate::plan::{
    Header, Made, MonthRefusal, Plan, Planner, Refusal, Reporter, Reporting, ResourcePlan, SplitPlans,
    compare,
};
use crate::resolve::{Usages, UserUsages, plan_periods};
use crate::waldur::Reader;

use super::catalogue::Snapshot;
use super::catalogue::add_plan_periods;
use super::check::{Check, CheckSettings, resolve};
use super::left_out::LeftOutRows;
use super::people::ReadPeople;
use super::{Observer, Stages};

/// What is to be planned.
#[derive(Debug, Clone, Default)]
pub struct PlanSettings {
    /// What is to be checked.
    pub check: CheckSettings,
    /// Whether rows at deny are left out together with all rows of their resource.
    pub skip_faulty: bool,
    /// What is done with totals of several plan periods.
    pub split: SplitPlans,
}

/// A plan, or the findings that stand against it.
pub struct Planned {
    /// The files, their rows and everything that was found.
    pub check: Check,
    /// The plan; `None` while something at deny stands against it.
    pub plan: Option<Checked<Plan>>,
    /// The rows that were left out.
    pub left_out: LeftOutRows,
    /// When the reading of the stored usages began.
    pub read_at: Instant,
}

/// Makes a plan. Posts nothing.
pub async fn plan(
    reader: &Reader,
    settings: &PlanSettings,
    observer: &dyn Observer,
) -> Result<Planned, Error> {
    let mut check = resolve(reader, &settings.check, observer).await?;
    let mut left_out = LeftOutRows::default();
    let mut read_at = Instant::now();
    let Some(snapshot) = check.snapshot.as_mut() else {
        return Ok(Planned { check, plan: None, left_out, read_at });
    };
    let may_go_on = |denies: bool, denies_the_run: bool| !denies || settings.skip_faulty && !denies_the_run;
    if !may_go_on(check.findings.denies(), check.findings.denies_the_run()) {
        return Ok(Planned { check, plan: None, left_out, read_at });
    }
    let (usages, out) = std::mem::take(&mut check.usages).without(&check.tainted);
    let (people, people_out) = std::mem::take(&mut check.people).without(&check.tainted);
    left_out.add(&check.findings, &out, &people_out);

    let period = single_period(&usages, &people, snapshot)?;
    let mut stages = Stages::begin(observer, "stored usages");
    read_at = Instant::now();
    let mut stored = reader.usages(&snapshot.catalogue, period, &mut snapshot.capabilities).await?;
    stored.retain(|usage| {
        let resource = snapshot.catalogue.resource(usage.resource);
        resource.is_some_and(|resource| settings.check.resolve.wants(resource))
    });
    reader.learn_date(&mut snapshot.capabilities).await;
    let read_people = ReadPeople::read(reader, &snapshot.catalogue, &people, &stored).await?;
    stages.next("compare");
    let compared = compare(usages.list(), &stored)?;
    let reporting = reporting(reader, snapshot, period)?;
    let Snapshot { catalogue, capabilities, .. } = snapshot;
    stages.next("plan periods");

    // Only what is posted reaches a plan period, so only resources with something to post are asked about.
    let (split, inputs) = (settings.split, check.loaded.files.as_slice());
    let planner = Planner { catalogue, capabilities, reporting: &reporting, split, inputs };
    let mut posted: BTreeSet<ResourceId> = planner.to_look_at(&compared).into_iter().collect();
    posted.extend(&read_people.unsettled);
    add_plan_periods(reader, catalogue, &posted).await?;
    let of_posted = usages.list().iter().filter(|usage| posted.contains(&usage.resource));
    plan_periods(of_posted, catalogue, &mut check.findings);
    stages.next("lines");
    let planner = Planner { catalogue, capabilities, reporting: &reporting, split, inputs };
    let mut resources = planner.resources(&compared, &mut check.findings);
    read_people.add_lines(&planner, people.list(), &mut resources, &mut check.findings);
    drop(stages);

    if !may_go_on(check.findings.denies(), check.findings.denies_the_run()) {
        (check.usages, check.people) = (usages, people);
        check.mark_faulty();
        return Ok(Planned { check, plan: None, left_out, read_at });
    }
    let several = resources_at_deny(&usages, &people, check.findings.faulty_rows());
    let (usages, out) = usages.without(&several);
    let (people, people_out) = people.without(&several);
    left_out.add(&check.findings, &out, &people_out);
    let left_out_resources: HashSet<ResourceId> = several.union(&check.tainted).copied().collect();
    left_out.mark(&mut check.loaded.parsed.fates);
    let mut plan = assemble(reader, &check, resources, &reporting, &left_out_resources)?;
    plan.header.rows_left_out = left_out.len();
    (check.usages, check.people) = (usages, people);
    let rows = check.usages.list().iter().map(|usage| usage.row);
    let rows: HashSet<RowIndex> = rows.chain(check.people.list().iter().map(|user| user.row)).collect();
    let sealed = check.findings.seal(plan, |_, row| rows.contains(&row));
    Ok(Planned { check, plan: sealed, left_out, read_at })
}

/// The one month of all rows, which must have begun; the server's own where there is no row.
fn single_period(usages: &Usages, people: &UserUsages, snapshot: &Snapshot) -> Result<BillingPeriod, Error> {
    let current = snapshot.catalogue.current_period();
    let current = current.ok_or_else(|| Error::Bug("a snapshot without a month".into()))?;
    let months = usages.list().iter().map(|usage| usage.period);
    let months: BTreeSet<BillingPeriod> =
        months.chain(people.list().iter().map(|user| user.period)).collect();
    let mut months = months.into_iter();
    match (months.next(), months.next()) {
        (Some(first), Some(second)) => Err(Refusal::SeveralMonths { first, second }.into()),
        (Some(wanted), None) if wanted > current => {
            Err(Refusal::Month(MonthRefusal::Future { wanted, current }).into())
        }
        (Some(only), None) => Ok(only),
        (None, _) => Ok(current),
    }
}

/// Who reports, and what the month still takes.
fn reporting(reader: &Reader, snapshot: &Snapshot, period: BillingPeriod) -> Result<Reporting, Error> {
    let current = snapshot.catalogue.current_period();
    let current = current.ok_or_else(|| Error::Bug("a snapshot without a month".into()))?;
    let mut reporting = Reporting::new(period, current, reader.now()?, &snapshot.capabilities);
    for offering in snapshot.catalogue.offerings() {
        reporting.roles.insert(offering.id, snapshot.account.role_for(std::iter::once(offering)));
    }
    Ok(reporting)
}

/// The resources of rows that the comparison found at deny.
fn resources_at_deny(
    usages: &Usages,
    people: &UserUsages,
    rows: impl Iterator<Item = RowIndex>,
) -> HashSet<ResourceId> {
    let of_usages = usages.list().iter().map(|usage| (usage.row, usage.resource));
    let of_people = people.list().iter().map(|user| (user.row, user.resource));
    let resource_of: HashMap<RowIndex, ResourceId> = of_usages.chain(of_people).collect();
    rows.filter_map(|row| resource_of.get(&row).copied()).collect()
}

fn assemble(
    reader: &Reader,
    check: &Check,
    resources: Vec<ResourcePlan>,
    reporting: &Reporting,
    without: &HashSet<ResourceId>,
) -> Result<Plan, Error> {
    let snapshot = check.snapshot.as_ref().ok_or_else(|| Error::Bug("a plan without a snapshot".into()))?;
    let resources = resources.into_iter().filter(|resource| !without.contains(&resource.resource));
    let destination = reader.destination();
    let resources: Vec<ResourcePlan> = resources.collect();
    let made = Made {
        run: RunId::new(Uuid::new_v4()),
        at: reader.now()?,
        tool_version: env!("CARGO_PKG_VERSION").into(),
    };
    let header = Header {
        server: destination.server,
        sandbox: destination.sandbox,
        account: reporter(snapshot, &resources),
        period: reporting.period,
        current_period: reporting.current,
        inputs: check.loaded.files.clone(),
        rows: check.counts(),
        rows_left_out: 0,
        capabilities: snapshot.capabilities.clone(),
    };
    Ok(Plan { made, header, resources })
}

/// Who reports, and as what for the offerings of what is to be posted.
fn reporter(snapshot: &Snapshot, resources: &[ResourcePlan]) -> Reporter {
    let changed = resources.iter().filter(|resource| resource.has_changes());
    let offerings = changed.filter_map(|resource| snapshot.catalogue.offering(resource.offering));
    Reporter { id: snapshot.account.id, role: snapshot.account.role_for(offerings) }
}
