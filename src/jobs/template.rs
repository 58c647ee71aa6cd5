//! From the live catalogue to a table that somebody fills in.
//!
//! What takes no usage has no row, because nothing could be posted of it; how much that was is told.

use std::collections::HashMap;

use crate::domain::{Amount, BillingPeriod, ComponentType, ResourceId, Selector};
use crate::error::Error;
use crate::parse::Parsed;
use crate::plan::StoredUsage;
use crate::report::{
    MOST_ROWS, Template, TemplateCarryOver, TemplateComponent, TemplateForm, TemplateResource,
};
use crate::resolve::{Capabilities, CarryOverField, Catalogue, Component, ResolveSettings, Resource};
use crate::waldur::Reader;

use super::catalogue::{Snapshot, for_rows};
use super::scope_names::refuse_unknown;
use super::{Observer, Stages};

/// What is to be in a template.
#[derive(Debug, Clone)]
pub struct TemplateSettings {
    /// The offerings; at least one.
    pub offerings: Vec<Selector>,
    /// The projects and organisations that are wanted.
    pub resolve: ResolveSettings,
    /// The month; the server's own where it is not given.
    pub period: Option<BillingPeriod>,
    /// The shape.
    pub form: TemplateForm,
    /// The server's time zone, where the profile knows it.
    pub time_zone: Option<String>,
    /// Whether it becomes a workbook, whose sheets end somewhere.
    pub is_workbook: bool,
}

/// A template and what is not in it.
#[derive(Debug)]
pub struct Made {
    /// The template.
    pub template: Template,
    /// Resources that take no usage in their state.
    pub in_other_states: usize,
    /// Resources without a plan, which take none either.
    pub without_plan: usize,
}

/// Makes a template. Posts nothing.
pub async fn template(
    reader: &Reader,
    settings: &TemplateSettings,
    observer: &dyn Observer,
) -> Result<Made, Error> {
    let mut stages = Stages::begin(observer, "catalogue");
    let zone = settings.time_zone.as_deref();
    let mut snapshot = for_rows(reader, &Parsed::default(), &settings.offerings, zone).await?;
    refuse_unknown(&settings.resolve, snapshot.catalogue.resources())?;
    let current = snapshot.catalogue.current_period();
    let period = settings.period.or(current).ok_or_else(|| Error::Bug("no month of the server".into()))?;
    stages.next("stored usages");
    let stored = match period.previous() {
        Some(before) => reader.usages(&snapshot.catalogue, before, &mut snapshot.capabilities).await?,
        None => Vec::new(),
    };
    drop(stages);
    let Snapshot { catalogue, capabilities, .. } = &snapshot;
    let wanted = || catalogue.resources().filter(|resource| settings.resolve.wants(resource));
    let takes = |resource: &&Resource| resource.state.takes_usage();
    let template = Template {
        at: reader.now()?,
        server: reader.destination().server,
        period,
        form: settings.form,
        carry_over: carry_over(capabilities),
        components: components(catalogue),
        resources: resources(catalogue, wanted().filter(takes).collect(), &stored),
    };
    judge(&template, settings)?;
    Ok(Made {
        template,
        in_other_states: wanted().filter(|resource| !takes(resource)).count(),
        without_plan: wanted().filter(takes).filter(|resource| resource.plan.is_none()).count(),
    })
}

/// How the server is told what happens in later months.
pub(super) fn carry_over(capabilities: &Capabilities) -> TemplateCarryOver {
    match capabilities.carry_over.value {
        CarryOverField::Recurring => TemplateCarryOver::Recurring,
        CarryOverField::MissingUsagePolicy => TemplateCarryOver::Policy,
    }
}

/// What can be reported, by offering and in the order that the server gives.
pub(super) fn components(catalogue: &Catalogue) -> Vec<TemplateComponent> {
    let of_offering = catalogue.offerings().into_iter().flat_map(|offering| {
        let reportable = offering.components.iter().filter(|component| component.is_reportable());
        reportable.map(|component| TemplateComponent {
            offering: offering.id,
            offering_name: offering.name.clone(),
            component: component.component_type.clone(),
            name: component.name.clone(),
            unit: component.measured_unit.clone(),
        })
    });
    of_offering.collect()
}

/// The resources that have a plan, by offering, organisation, project and name.
fn resources(catalogue: &Catalogue, takes: Vec<&Resource>, stored: &[StoredUsage]) -> Vec<TemplateResource> {
    let mut last_month = last_month(stored);
    let rows = takes.into_iter().filter(|resource| resource.plan.is_some()).filter_map(|resource| {
        let offering = catalogue.offering(resource.offering)?;
        offering.components.iter().any(Component::is_reportable).then(|| TemplateResource {
            id: resource.id,
            offering: resource.offering,
            offering_name: offering.name.clone(),
            name: resource.name.clone(),
            customer_name: resource.customer_name.clone(),
            project_name: resource.project_name.clone(),
            last_month: last_month.remove(&resource.id).unwrap_or_default(),
            left_out: Vec::new(),
            filled_in: Vec::new(),
        })
    });
    let mut rows: Vec<TemplateResource> = rows.collect();
    rows.sort_by(|left, right| {
        let key = |row: &TemplateResource| {
            let names = [&row.offering_name, &row.customer_name, &row.project_name, &row.name];
            names.map(|name| name.to_lowercase())
        };
        // One offering stays together, even where two have one name.
        let offering = |row: &TemplateResource| (row.offering_name.to_lowercase(), row.offering);
        offering(left)
            .cmp(&offering(right))
            .then_with(|| key(left).cmp(&key(right)))
            .then(left.id.cmp(&right.id))
    });
    rows
}

/// The stored totals by resource; several rows of one component, as a plan switch leaves them, are one.
fn last_month(stored: &[StoredUsage]) -> HashMap<ResourceId, Vec<(ComponentType, Amount)>> {
    let mut found: HashMap<ResourceId, Vec<(ComponentType, Amount)>> = HashMap::new();
    for usage in stored {
        let own = found.entry(usage.resource).or_default();
        match own.iter_mut().find(|(component, _)| *component == usage.component) {
            Some((_, sum)) => *sum = sum.checked_add(usage.amount).unwrap_or(*sum),
            None => own.push((usage.component.clone(), usage.amount)),
        }
    }
    found
}

/// Refuses what nobody could fill in, or what would not be read as it is meant.
fn judge(template: &Template, settings: &TemplateSettings) -> Result<(), Error> {
    if template.resources.is_empty() {
        let what = "there is nothing to fill in: no resource in scope takes usage";
        return Err(Error::setting(what, "check --offering, --project and --customer"));
    }
    if template.form == TemplateForm::Wide
        && let Some(obstacle) = template.obstacle()
    {
        let what = format!("a column for each component cannot be written: {obstacle}");
        return Err(Error::setting(what, "leave --form wide away, or name a single --offering"));
    }
    let rows = template.rows();
    if settings.is_workbook && rows >= MOST_ROWS {
        let what = format!("{rows} rows do not fit on a sheet");
        return Err(Error::setting(what, "use --form wide, name projects with --project, or write a .csv"));
    }
    Ok(())
}
