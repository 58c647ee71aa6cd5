//! The difference between what is wanted and what is stored.

use std::collections::HashMap;

use crate::domain::{BillingType, ResourceId, UsageKey};
use crate::findings::{Code, Finding, Findings};
use crate::frame::{FrameError, Match, match_keys};
use crate::resolve::{Capabilities, Catalogue, Usage};

use super::change::{Change, Figures, Wanted};
use super::document::{Kept, Line, ResourcePlan};
use super::stored::StoredUsage;

/// The comparison of one month: by resource, in a stable order.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// The resources with a line.
    pub resources: Vec<ResourcePlan>,
}

/// Compares. A key with several stored rows becomes a finding, because a post reaches only one of
/// them; its line is left out.
pub fn compare(
    wanted: &[Usage],
    stored: &[StoredUsage],
    catalogue: &Catalogue,
    capabilities: &Capabilities,
    findings: &mut Findings,
) -> Result<Comparison, FrameError> {
    let left: Vec<UsageKey> = wanted.iter().map(Usage::key).collect();
    let right: Vec<UsageKey> = stored.iter().map(StoredUsage::key).collect();
    let mut lines: HashMap<ResourceId, Vec<Line>> = HashMap::new();
    let mut hits: HashMap<usize, Vec<&StoredUsage>> = HashMap::new();
    for found in match_keys(&left, &right)? {
        match found {
            Match::Both(at, hit) => hits.entry(at).or_default().push(&stored[hit]),
            Match::Left(at) => {
                hits.entry(at).or_default();
            }
            Match::Right(at) => {
                let stored = &stored[at];
                let change = Change::OnlyOnServer { old: stored.into() };
                lines.entry(stored.resource).or_default().push(line(stored.key(), change, None, catalogue));
            }
        }
    }
    for (at, usage) in wanted.iter().enumerate() {
        match hits.get(&at).map_or(&[][..], Vec::as_slice) {
            several @ [_, _, ..] => findings.push(several_rows(usage, several)),
            one => {
                let change = change(usage, one.first().copied());
                let place = Some(usage.place.to_string());
                lines.entry(usage.resource).or_default().push(line(usage.key(), change, place, catalogue));
            }
        }
    }
    let resources = lines.into_iter().filter_map(|(id, lines)| resource(id, lines, catalogue, capabilities));
    let mut resources: Vec<ResourcePlan> = resources.collect();
    resources.sort_by(|left, right| left.order().cmp(&right.order()));
    Ok(Comparison { resources })
}

/// Where the file is silent, what is stored stays, so that a post never wipes it.
fn change(usage: &Usage, stored: Option<&StoredUsage>) -> Change {
    let stored = stored.map(Figures::from);
    let kept = stored.clone();
    let description = match (&usage.description, &kept) {
        (Some(description), _) => description.as_ref().to_owned(),
        (None, Some(kept)) => kept.description.clone(),
        (None, None) => String::new(),
    };
    let carry_over = usage.carry_over.or(kept.map(|kept| kept.carry_over)).unwrap_or_default();
    Change::between(Wanted { amount: usage.amount, description, carry_over }, stored)
}

fn several_rows(usage: &Usage, several: &[&StoredUsage]) -> Finding {
    let rows: Vec<String> = several.iter().map(|row| format!("{} ({})", row.amount, row.id)).collect();
    let found = format!("{} rows for {}, {}: {}", rows.len(), usage.component, usage.period, rows.join(", "));
    Finding::new(Code::SeveralRowsOnServer, found, "at most one row")
        .at(usage.place.clone())
        .row(usage.row)
        .hint("a post would change one of them and leave the others, so the month would be billed twice")
}

/// A line, with what the catalogue knows of its component.
pub fn line(key: UsageKey, change: Change, place: Option<String>, catalogue: &Catalogue) -> Line {
    let resource = catalogue.resource(key.resource);
    let offering = resource.and_then(|resource| catalogue.offering(resource.offering));
    let component = offering.and_then(|offering| offering.component(&key.component));
    let is_billed = component.is_some_and(|component| component.billing_type == BillingType::Usage);
    let plan = resource.and_then(|resource| resource.plan).filter(|_| is_billed);
    let unit_price = offering.zip(plan).and_then(|(offering, plan)| offering.price(plan, &key.component));
    Line {
        component: key.component,
        unit: component.map(|component| component.measured_unit.clone()).unwrap_or_default(),
        billing_type: component
            .map_or(BillingType::Other("unknown".into()), |found| found.billing_type.clone()),
        has_limit: component.is_none_or(|component| component.has_limit),
        unit_price,
        change,
        place,
    }
}

fn resource(
    id: ResourceId,
    mut lines: Vec<Line>,
    catalogue: &Catalogue,
    capabilities: &Capabilities,
) -> Option<ResourcePlan> {
    let resource = catalogue.resource(id)?;
    let offering = catalogue.offering(resource.offering)?;
    lines.sort_by(|left, right| left.component.cmp(&right.component));
    let kept = kept(&lines, capabilities);
    Some(ResourcePlan {
        resource: id,
        name: resource.name.clone(),
        offering: offering.id,
        offering_name: offering.name.clone(),
        project_name: resource.project_name.clone(),
        customer_name: resource.customer_name.clone(),
        lines,
        kept,
    })
}

/// The stored rows that ride along, because the server forgets every current usage that a post does
/// not name. One that it would refuse, or count twice against a limit, stays at home.
pub fn kept(lines: &[Line], capabilities: &Capabilities) -> Vec<Kept> {
    let changes = lines.iter().any(|line| line.change.wanted().is_some());
    if !changes || !capabilities.replaces_current_usages.value {
        return Vec::new();
    }
    let is_alone = |line: &Line| lines.iter().filter(|other| other.component == line.component).count() == 1;
    let counts_twice = |line: &Line| line.has_limit && capabilities.limits_count_stored_row.value;
    lines
        .iter()
        .filter(|line| line.change.wanted().is_none() && is_alone(line))
        .filter(|line| {
            matches!(line.billing_type, BillingType::Usage | BillingType::Limit) && !counts_twice(line)
        })
        .filter_map(|line| Some((line, line.change.old()?)))
        .filter(|(_, old)| old.amount.has_cents_only())
        .map(|(line, old)| Kept { component: line.component.clone(), figures: old.clone() })
        .collect()
}
