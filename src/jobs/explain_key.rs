//! The whole story of one figure: cells, layout and rule, stored rows, plan and price, invoice lines, and
//! the runs that touched it. Posts nothing.

mod runs;
mod subject;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    Amount, BillingPeriod, BillingType, ComponentType, OfferingId, PeriodRange, PlanPeriodId, ResourceId,
    SandboxWorld, Selector, UsageId,
};
use crate::error::Error;
use crate::findings::{Finding, Findings};
use crate::plan::StoredUsage;
use crate::reconcile::{Billed, Class, CurrencyOf, Endpoint, LineView, Report, Stated};
use crate::resolve::{Offering, Resource};
use crate::store::Store;
use crate::waldur::{ListRow, Reader};

use super::Observer;
use super::check::Check;
use super::reconcile::{ReconcileSettings, Reconciled, reconcile};
use subject::KnownSubject;

pub use runs::StoryRun;

/// Which figure, and what it is looked for in.
#[derive(Debug)]
pub struct KeySettings {
    /// The files, the offerings and the rules; narrowed down to the resource here.
    pub reconcile: ReconcileSettings,
    /// The resource.
    pub resource: Selector,
    /// The component.
    pub component: ComponentType,
    /// The month.
    pub period: BillingPeriod,
}

/// How it ended.
pub enum Explained {
    /// Findings keep the files from being read.
    Stopped(Box<Check>),
    /// The story.
    Done(Box<KeyStory>),
}

/// The story of a figure.
#[derive(Debug, Serialize)]
pub struct KeyStory {
    /// The server.
    pub server: String,
    /// The world of the sandbox that answered there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxWorld>,
    /// When it was asked, by its own clock.
    pub at: Timestamp,
    /// The month.
    pub period: BillingPeriod,
    /// Whether the month is not over.
    pub is_partial: bool,
    /// The resource.
    pub resource: StoryResource,
    /// The component.
    pub component: StoryComponent,
    /// What comes of comparing it; `None` where neither side has it.
    pub verdict: Option<StoryVerdict>,
    /// The cells of the files that it stands in.
    pub cells: Vec<StoryCell>,
    /// What else was found in the rows of these cells.
    pub findings: Vec<Finding>,
    /// What the files say of money.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
    /// The stored rows with all their fields.
    pub usages: Vec<ListRow>,
    /// What is stored month by month: this one, and the twelve before, the latest one first.
    pub history: Vec<StoryMonth>,
    /// The plan periods that have a share of the month, where they can be asked for.
    pub plan_periods: Vec<StoryPlanPeriod>,
    /// What a unit costs under the resource's plan of today.
    pub unit_price: Option<Amount>,
    /// The currency of prices.
    pub currency: Option<CurrencyOf>,
    /// What is known of the invoice.
    pub invoice: StoryInvoice,
    /// The runs of the store that touched it, the latest one first.
    pub runs: Vec<StoryRun>,
    /// What was asked of the server, and what it showed.
    pub endpoints: Vec<Endpoint>,
}

/// The resource of a figure.
#[derive(Debug, Serialize)]
pub struct StoryResource {
    /// Its id.
    pub uuid: ResourceId,
    /// Its name.
    pub name: String,
    /// Its id in the provider's own system; may be empty.
    pub backend_id: String,
    /// Its state.
    pub state: String,
    /// Whether usage can be reported of it in its state, with its plan.
    pub takes_usage: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its offering.
    pub offering: String,
    /// The offering's id.
    pub offering_uuid: OfferingId,
    /// The project.
    pub project: String,
    /// The organisation that pays.
    pub organisation: String,
}

/// The component of a figure.
#[derive(Debug, Serialize)]
pub struct StoryComponent {
    /// Its internal name.
    #[serde(rename = "type")]
    pub component: ComponentType,
    /// Its display name.
    pub name: String,
    /// The unit that it is measured in.
    pub unit: String,
    /// How it is billed.
    pub billing_type: BillingType,
}

/// What comes of comparing a figure.
#[derive(Debug, Serialize)]
pub struct StoryVerdict {
    /// The class.
    pub class: Class,
    /// What it means.
    pub title: &'static str,
    /// What else is true of it.
    pub also: Vec<Class>,
    /// What the files have in all.
    pub file: Option<Amount>,
    /// What the server has in all.
    pub server: Option<Amount>,
    /// File less server; without a file, invoice less server.
    pub difference: Amount,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What is worth a word of it.
    pub note: Option<String>,
    /// What to do next.
    pub next_step: &'static str,
}

/// A cell of a file.
#[derive(Debug, Serialize)]
pub struct StoryCell {
    /// Where it is.
    pub place: crate::domain::Place,
    /// The layout by which its table was read.
    pub layout: Option<String>,
    /// What its header stands for.
    pub field: Option<String>,
    /// What was added up and left out in its table.
    pub notes: Vec<String>,
}

/// What is stored of a month.
#[derive(Debug, Serialize)]
pub struct StoryMonth {
    /// The month.
    pub period: BillingPeriod,
    /// All its rows together; `None` beyond the range of amounts.
    pub amount: Option<Amount>,
    /// The rows.
    pub usages: Vec<UsageId>,
}

/// A plan period.
#[derive(Debug, Serialize)]
pub struct StoryPlanPeriod {
    /// Its id.
    pub uuid: PlanPeriodId,
    /// The plan's name.
    pub plan: String,
    /// When it began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// What a unit costs under its plan.
    pub unit_price: Option<Amount>,
}

/// What is known of the invoice of a figure.
#[derive(Debug, Serialize)]
pub struct StoryInvoice {
    /// How far the invoice has come; `None` where this account does not see it.
    pub state: Option<String>,
    /// Its number.
    pub number: Option<String>,
    /// What its lines bill of the figure; `None` where none is seen.
    pub billed: Option<Billed>,
}

/// Tells the story. Posts nothing.
pub async fn explain_key(
    reader: &Reader,
    store: Option<&Store>,
    settings: KeySettings,
    observer: &dyn Observer,
) -> Result<Explained, Error> {
    let KeySettings { reconcile: mut compared, resource, component, period } = settings;
    let known = subject::find(reader, &compared.check.offerings, &resource, &component).await?;
    let KnownSubject { reader, resource, offering } = known;
    compared.periods = PeriodRange::single(period);
    compared.with_invoices = true;
    compared.skip_faulty = true;
    compared.side = Some(reader.side());
    compared.check.offerings = vec![Selector::Id(offering.id.uuid())];
    // The resource's own project is enough, and its invoice is the only one that has to be read.
    compared.check.resolve.projects = vec![Selector::Id(resource.project.uuid())];
    compared.check.resolve.customers = vec![Selector::Id(resource.customer.uuid())];
    let (report, findings) = match reconcile(Some(&reader), &compared, observer).await? {
        Reconciled::Stopped(check) => return Ok(Explained::Stopped(check)),
        Reconciled::Done(report, findings) => (report, findings),
    };
    let line = line_of(&report, resource.id, &component, period);
    let mut usages = Vec::new();
    for id in line.iter().flat_map(LineView::usages) {
        usages.extend(reader.usage(id).await?);
    }
    let stored = reader.usages_ever(resource.id).await?;
    let plan_periods = reader.plan_periods(&[resource.id]).await?;
    let plan_periods = plan_periods.into_iter().flat_map(|(_, own)| own).filter(|own| own.overlaps(period));
    let price = |plan: Option<_>| plan.and_then(|plan| offering.price(plan, &component));
    let plan_periods: Vec<StoryPlanPeriod> = plan_periods
        .map(|own| StoryPlanPeriod {
            uuid: own.id,
            unit_price: price(own.plan),
            plan: own.plan_name,
            start: own.start,
            end: own.end,
        })
        .collect();
    let destination = reader.destination();
    let runs = match store {
        Some(store) => runs::of_key(store, &destination, resource.id, &component, period)?,
        None => Vec::new(),
    };
    let cells = line.as_ref().map(|line| cells(line, &report)).unwrap_or_default();
    let story = KeyStory {
        server: destination.server,
        sandbox: destination.sandbox,
        at: report.made.at,
        period,
        is_partial: report.header.months.iter().any(|month| month.is_partial),
        component: story_component(&offering, &component),
        verdict: line.as_ref().map(verdict),
        findings: findings_of(&findings, &cells),
        cells,
        stated: line.as_ref().and_then(LineView::stated).cloned(),
        usages,
        history: history(&stored, &component, period),
        unit_price: price(resource.plan),
        plan_periods,
        currency: report.header.currency.clone(),
        invoice: invoice(&report, &resource, line.as_ref()),
        runs,
        endpoints: report.header.endpoints.clone(),
        resource: story_resource(&offering, resource),
    };
    Ok(Explained::Done(Box::new(story)))
}

/// The line of a key, where one of the sides has it.
fn line_of<'a>(
    report: &'a Report,
    resource: ResourceId,
    component: &ComponentType,
    period: BillingPeriod,
) -> Option<LineView<'a>> {
    report.views().find(|view| {
        view.subject.resource_uuid == Some(resource)
            && *view.measured.component == *component.as_str()
            && view.line.period == period
    })
}

fn verdict(line: &LineView<'_>) -> StoryVerdict {
    let class = line.class();
    StoryVerdict {
        class,
        title: class.title(),
        also: line.line.also.list().collect(),
        file: line.line.file,
        server: line.line.server,
        difference: line.difference(),
        rule: line.rule().map(str::to_owned),
        note: line.note().map(str::to_owned),
        next_step: class.next_step(),
    }
}

/// The cells with how they were read.
fn cells(line: &LineView<'_>, report: &Report) -> Vec<StoryCell> {
    let cells = line.cells().map(|place| {
        let input = report.header.inputs.iter().find(|input| *input.name == *place.file);
        let layout = input.and_then(|input| input.layout.as_ref());
        let header = place.header.as_deref();
        StoryCell {
            layout: layout.and_then(|layout| layout.name.clone()),
            field: layout.and_then(|layout| layout.columns.get(header?).cloned()),
            notes: layout.map(|layout| layout.notes.clone()).unwrap_or_default(),
            place,
        }
    });
    cells.collect()
}

/// What was found in the rows of the cells.
fn findings_of(findings: &Findings, cells: &[StoryCell]) -> Vec<Finding> {
    let row = |place: &crate::domain::Place| (place.file.clone(), place.sheet.clone(), place.row());
    let rows: Vec<_> = cells.iter().map(|cell| row(&cell.place)).collect();
    let is_there = |place: &crate::domain::Place| place.row().is_some() && rows.contains(&row(place));
    let found = findings.list().iter().filter(|finding| {
        finding.place.as_ref().is_some_and(is_there) || finding.others.iter().any(is_there)
    });
    found.cloned().collect()
}

/// What is stored month by month.
fn history(stored: &[StoredUsage], component: &ComponentType, period: BillingPeriod) -> Vec<StoryMonth> {
    let first = std::iter::successors(Some(period), |month| month.previous()).take(13).last();
    let mut months: BTreeMap<BillingPeriod, StoryMonth> = BTreeMap::new();
    let own = stored.iter().filter(|usage| {
        usage.component == *component && usage.period <= period && Some(usage.period) >= first
    });
    for usage in own {
        let month = months.entry(usage.period).or_insert_with(|| StoryMonth {
            period: usage.period,
            amount: Some(Amount::ZERO),
            usages: Vec::new(),
        });
        month.amount = month.amount.and_then(|sum| sum.checked_add(usage.amount));
        month.usages.push(usage.id);
    }
    months.into_values().rev().collect()
}

fn invoice(report: &Report, resource: &Resource, line: Option<&LineView<'_>>) -> StoryInvoice {
    let own = report.invoices.iter().find(|invoice| invoice.customer == resource.customer);
    let state = own.and_then(|invoice| invoice.state.clone());
    StoryInvoice {
        state: state.map(String::from),
        number: own.and_then(|invoice| invoice.number.as_deref()).map(str::to_owned),
        billed: line.and_then(LineView::billed).cloned(),
    }
}

fn story_component(offering: &Offering, component: &ComponentType) -> StoryComponent {
    let known = offering.component(component);
    StoryComponent {
        component: component.clone(),
        name: known.map(|known| known.name.clone()).unwrap_or_default(),
        unit: known.map(|known| known.measured_unit.clone()).unwrap_or_default(),
        billing_type: known
            .map_or_else(|| BillingType::Other("unknown".into()), |known| known.billing_type.clone()),
    }
}

fn story_resource(offering: &Offering, resource: Resource) -> StoryResource {
    StoryResource {
        uuid: resource.id,
        takes_usage: resource.state.takes_usage() && resource.plan.is_some(),
        state: resource.state.to_string(),
        name: resource.name,
        backend_id: resource.backend_id,
        created: resource.created,
        offering: offering.name.clone(),
        offering_uuid: offering.id,
        project: resource.project_name,
        organisation: resource.customer_name,
    }
}
