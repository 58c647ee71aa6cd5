//! Check, read the month, compare: a plan.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use uuid::Uuid;

use crate::domain::{BillingPeriod, ResourceId, RunId, Selector};
use crate::error::Error;
use crate::findings::{Checked, Findings, RowIndex};
use crate::plan::{
    Header, InvoiceIs, InvoiceSeen, InvoicesSeen, Made, MonthRefusal, Plan, Planner, Refusal, Reporter,
    Reporting, ResourcePlan, Scope, SplitPlans, StoredUsage, compare, history,
};
use crate::resolve::{ResolveSettings, Rounding, Usage, Usages, UserUsages, plan_periods};
use crate::waldur::Reader;

use super::catalogue::Snapshot;
use super::catalogue::{add_plan_periods, of_one_month};
use super::check::{Check, CheckSettings, resolve};
use super::chosen::{ChosenKeys, Taken, TakenRows};
use super::foresee;
use super::left_out::LeftOutRows;
use super::people;
use super::people::ReadPeople;
use super::writers::Writers;
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
    /// The keys that are planned and no others, whatever stands against other rows; all where none are
    /// given.
    pub only: Option<ChosenKeys>,
}

/// A plan, or the findings that stand against it.
pub struct Planned {
    /// The files, their rows and everything that was found.
    pub check: Check,
    /// The plan; `None` while something stands against it: a finding at deny, or the refusal.
    pub plan: Option<Checked<Plan>>,
    /// Why the rows as a whole cannot be planned.
    pub refusal: Option<Error>,
    /// The rows that were left out.
    pub left_out: LeftOutRows,
    /// When the reading of the stored usages began.
    pub read_at: Instant,
    /// What is stored of the month before, of the resources in scope.
    pub last_month: Vec<StoredUsage>,
    /// Who reported the stored rows in scope last.
    pub writers: Writers,
    /// The rows of the keys that were chosen.
    pub taken: TakenRows,
}

impl Planned {
    /// Something at deny stands against a plan.
    fn none(check: Check, left_out: LeftOutRows, read_at: Instant) -> Self {
        let (last_month, writers, taken) = (Vec::new(), Writers::default(), TakenRows::default());
        Self { check, plan: None, refusal: None, left_out, read_at, last_month, writers, taken }
    }
}

/// Makes a plan. Posts nothing.
pub async fn plan(
    reader: &Reader,
    settings: &PlanSettings,
    observer: &dyn Observer,
) -> Result<Planned, Error> {
    let check = resolve(reader, &settings.check, observer).await?;
    plan_checked(reader, settings, check, observer).await
}

/// Makes a plan of what was loaded and resolved. Posts nothing.
pub async fn plan_checked(
    reader: &Reader,
    settings: &PlanSettings,
    mut check: Check,
    observer: &dyn Observer,
) -> Result<Planned, Error> {
    let mut left_out = LeftOutRows::default();
    let mut read_at = Instant::now();
    let Some(snapshot) = check.snapshot.as_mut() else {
        return Ok(Planned::none(check, left_out, read_at));
    };
    let goes_on = settings.skip_faulty || settings.only.is_some();
    let may_go_on = |denies: bool, denies_the_run: bool| !denies || goes_on && !denies_the_run;
    if !may_go_on(check.findings.denies(), check.findings.denies_the_run()) {
        return Ok(Planned::none(check, left_out, read_at));
    }
    let (usages, people) = (std::mem::take(&mut check.usages), std::mem::take(&mut check.people));
    let (usages, people) = if settings.only.is_some() {
        (usages, UserUsages::default())
    } else {
        let (usages, out) = usages.without(&check.tainted);
        let (people, people_out) = people.without(&check.tainted);
        left_out.add(&check.findings, &out, &people_out);
        (usages, people)
    };

    let period = match single_period(&usages, &people, snapshot) {
        Ok(period) => period,
        Err(refusal) => {
            (check.usages, check.people) = (usages, people);
            return Ok(Planned { refusal: Some(refusal), ..Planned::none(check, left_out, read_at) });
        }
    };
    let usages = match &check.named {
        Some(named) => usages.with_zeros(named, &snapshot.catalogue, &settings.check.resolve, period),
        None => usages,
    };
    let mut stages = Stages::begin(observer, "stored usages");
    read_at = Instant::now();
    let mut stored = reader.usages(&snapshot.catalogue, period, &mut snapshot.capabilities).await?;
    let wants = |usage: &StoredUsage, snapshot: &Snapshot| {
        let resource = snapshot.catalogue.resource(usage.resource);
        resource.is_some_and(|resource| settings.check.resolve.wants(resource))
    };
    let mut last_month = month_before(reader, snapshot, period).await?;
    stored.retain(|usage| wants(usage, snapshot));
    last_month.retain(|usage| wants(usage, snapshot));
    let Taken { usages, rows: taken } = match &settings.only {
        Some(chosen) => chosen.take(usages, &stored, &mut check.loaded.parsed.fates)?,
        None => Taken { usages, rows: TakenRows::default() },
    };
    let figures = history::figures(usages.list(), period);
    history::compare(figures, &last_month, &snapshot.catalogue, &mut check.findings);
    let writers = Writers::of(&stored, &snapshot.catalogue);
    reader.learn_date(&mut snapshot.capabilities).await;
    let read_people = ReadPeople::read(reader, &snapshot.catalogue, &people, &stored).await?;
    stages.next("compare");
    let compared = compare(usages.list(), &stored)?;
    let (reporting, invoices) = reporting(reader, snapshot, period, usages.list()).await?;
    let Snapshot { catalogue, capabilities, .. } = snapshot;
    stages.next("plan periods");

    // Only what is posted reaches a plan period, so only resources with something to post are asked about.
    let (split, inputs) = (settings.split, check.loaded.files.as_slice());
    let planner = Planner { catalogue, capabilities, reporting: &reporting, split, inputs };
    let mut posted: BTreeSet<ResourceId> = planner.looked_at(&compared).into_iter().collect();
    posted.extend(&read_people.unsettled);
    add_plan_periods(reader, catalogue, &posted).await?;
    of_one_month(reader, snapshot)?;
    let Snapshot { catalogue, capabilities, .. } = snapshot;
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
        return Ok(Planned { taken, ..Planned::none(check, left_out, read_at) });
    }
    let several = resources_at_deny(&usages, &people, check.findings.faulty_rows());
    let (usages, out) = usages.without(&several);
    let (people, people_out) = people.without(&several);
    let left_out_resources: HashSet<ResourceId> = if settings.only.is_some() {
        // What was not chosen is not left out.
        left_out.add(&Findings::default(), &out, &people_out);
        several
    } else {
        left_out.add(&check.findings, &out, &people_out);
        several.union(&check.tainted).copied().collect()
    };
    left_out.complete(&check.loaded.parsed.fates);
    left_out.mark(&mut check.loaded.parsed.fates);
    let mut plan = assemble(reader, &check, resources, &reporting, &left_out_resources)?;
    // What was not chosen, or could not be planned of it, was told where it was chosen.
    plan.header.rows_left_out = if settings.only.is_some() { 0 } else { left_out.len() };
    let rule = settings.check.input.parse.rounding;
    let catalogue = check.snapshot.as_ref().map(|snapshot| &snapshot.catalogue);
    plan.header.rounding = catalogue.and_then(|catalogue| Rounding::of(rule, &usages, &people, catalogue));
    plan.header.scope = scope_of(&settings.check.resolve);
    let snapshot = check.snapshot.as_ref().ok_or_else(|| Error::Bug("a plan without a snapshot".into()))?;
    name_invoices(&mut plan, &invoices);
    foresee::withhold(reader, &mut plan, &snapshot.catalogue, &mut check.findings).await?;
    people::withhold(&mut plan);
    foresee::recurring(&plan, &last_month, &snapshot.capabilities, &mut check.findings);
    (check.usages, check.people) = (usages, people);
    let rows = check.usages.list().iter().map(|usage| usage.row);
    let rows: HashSet<RowIndex> = rows.chain(check.people.list().iter().map(|user| user.row)).collect();
    let sealed = check.findings.seal(plan, |_, row| rows.contains(&row));
    Ok(Planned { check, plan: sealed, refusal: None, left_out, read_at, last_month, writers, taken })
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

/// The scope as a plan remembers it.
pub(super) fn scope_of(settings: &ResolveSettings) -> Scope {
    let texts = |selectors: &[Selector]| selectors.iter().map(ToString::to_string).collect();
    Scope { projects: texts(&settings.projects), customers: texts(&settings.customers) }
}

/// The scope that a plan remembers.
pub fn settings_of(scope: &Scope) -> ResolveSettings {
    let selectors = |texts: &[String]| {
        texts.iter().map(|text| text.parse().unwrap_or_else(|never| match never {})).collect()
    };
    ResolveSettings {
        projects: selectors(&scope.projects),
        customers: selectors(&scope.customers),
        keeps_lines: false,
    }
}

/// What is stored of the month before, of the resources that a plan is about.
pub async fn last_month(
    reader: &Reader,
    plan: &Plan,
    snapshot: &mut Snapshot,
) -> Result<Vec<StoredUsage>, Error> {
    let mut stored = month_before(reader, snapshot, plan.header.period).await?;
    let settings = settings_of(&plan.header.scope);
    stored.retain(|usage| {
        snapshot.catalogue.resource(usage.resource).is_some_and(|resource| settings.wants(resource))
    });
    Ok(stored)
}

/// What is stored of the month before; nothing before the first month that there is.
pub async fn month_before(
    reader: &Reader,
    snapshot: &mut Snapshot,
    period: BillingPeriod,
) -> Result<Vec<StoredUsage>, Error> {
    let Some(before) = period.previous() else { return Ok(Vec::new()) };
    Ok(reader.usages(&snapshot.catalogue, before, &mut snapshot.capabilities).await?)
}

/// Says of each row that cannot be posted what is known of its invoice.
fn name_invoices(plan: &mut Plan, invoices: &InvoicesSeen) {
    for resource in &mut plan.resources {
        let invoice = invoices.invoice(resource.customer).to_string();
        for line in resource.lines.iter_mut().filter(|line| line.correction().is_some()) {
            line.invoice = Some(invoice.clone());
        }
    }
}

/// Who reports, and what the month still takes. The invoices of a past month are looked at, because
/// what is billed can be reported only while they are open.
async fn reporting(
    reader: &Reader,
    snapshot: &Snapshot,
    period: BillingPeriod,
    usages: &[Usage],
) -> Result<(Reporting, InvoicesSeen), Error> {
    let current = snapshot.catalogue.current_period();
    let current = current.ok_or_else(|| Error::Bug("a snapshot without a month".into()))?;
    let mut reporting = Reporting::new(period, current, reader.now()?, &snapshot.capabilities);
    for offering in snapshot.catalogue.offerings() {
        reporting.roles.insert(offering.id, snapshot.account.role_for(std::iter::once(offering)));
    }
    if reporting.is_current() {
        return Ok((reporting, InvoicesSeen::default()));
    }
    let catalogue = &snapshot.catalogue;
    let resources = usages.iter().filter_map(|usage| catalogue.resource(usage.resource));
    let customers = resources.map(|resource| resource.customer).collect();
    let invoices = reader.invoices(&snapshot.account, catalogue, &customers, period).await?;
    for customer in customers {
        let state = match invoices.invoice(customer) {
            InvoiceSeen::One(invoice) => match invoice.state.is_open() {
                Some(true) => InvoiceIs::Open,
                Some(false) => InvoiceIs::Frozen,
                None => InvoiceIs::NotVisible,
            },
            InvoiceSeen::NotMade | InvoiceSeen::Hidden => InvoiceIs::NotVisible,
        };
        reporting.invoices.insert(customer, state);
    }
    Ok((reporting, invoices))
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
        made_with: check.made_with.clone(),
        rows: check.counts(),
        rows_left_out: 0,
        rounding: None,
        scope: Scope::default(),
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
