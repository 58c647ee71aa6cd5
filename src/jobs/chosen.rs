//! The keys of a reconciliation that are to be planned: the file's figures of chosen classes.
//!
//! What agrees rides along, so that the plan is seen beside the whole month by its guards; it is never
//! posted. A figure is planned only where it is, to the last digit, the one that was compared.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::domain::{Amount, ComponentType, ResourceId, UsageKey, visible};
use crate::error::Error;
use crate::findings::{Checked, Fates, RowIndex, Severity};
use crate::plan::{StoredUsage, compare};
use crate::reconcile::{Class, Report};
use crate::resolve::Usages;

use super::plan::Planned;

/// Keys of a report.
#[derive(Debug, Clone, Default)]
pub struct ChosenKeys {
    /// Those that are to be planned, each with what the file has in all.
    wanted: BTreeMap<UsageKey, Amount>,
    /// Those in which the sides agree.
    agreeing: HashSet<UsageKey>,
}

/// A key that was chosen and is not in the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unplanned {
    /// The resource as the server calls it.
    pub resource: String,
    /// The component.
    pub component: ComponentType,
    /// What the file has.
    pub amount: Amount,
    /// Why.
    pub why: String,
}

impl ChosenKeys {
    /// The keys of some classes.
    pub fn of(report: &Report, classes: &[Class]) -> Self {
        let mut chosen = Self::default();
        for view in report.views() {
            let line = view.line;
            let Some(resource) = view.subject.resource_uuid else { continue };
            let Ok(component) = view.measured.component.parse::<ComponentType>() else { continue };
            let Some(amount) = line.file else { continue };
            let key = UsageKey { resource, component, period: line.period };
            if classes.contains(&line.class) && line.class.can_be_planned() {
                chosen.wanted.insert(key, amount);
            } else if line.class == Class::Match {
                chosen.agreeing.insert(key);
            }
        }
        chosen
    }

    /// How many keys are to be planned.
    pub fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Takes the figures of the keys out of those of a file, and gives the other rows their fate.
    pub(super) fn take(
        &self,
        usages: Usages,
        stored: &[StoredUsage],
        fates: &mut Fates,
    ) -> Result<Taken, Error> {
        let mut totals: HashMap<UsageKey, Option<Amount>> = HashMap::new();
        for usage in usages.list() {
            let total = totals.entry(usage.key()).or_insert(Some(Amount::ZERO));
            *total = total.and_then(|total| total.checked_add(usage.amount.get()));
        }
        let is_wanted = |key: &UsageKey| {
            self.wanted.get(key).is_some_and(|amount| totals.get(key) == Some(&Some(*amount)))
        };
        let mut settled: HashSet<UsageKey> = HashSet::new();
        for entry in compare(usages.list(), stored)?.into_values().flat_map(BTreeMap::into_values) {
            if entry.is_settled() {
                settled.extend(entry.wanted.iter().map(|usage| usage.key()));
            }
        }
        let rides = |key: &UsageKey| self.agreeing.contains(key) && settled.contains(key);
        let (usages, out) = usages.only(|usage| {
            let key = usage.key();
            is_wanted(&key) || rides(&key)
        });
        let kept: HashSet<RowIndex> = usages.list().iter().map(|usage| usage.row).collect();
        for usage in out.iter().filter(|usage| !kept.contains(&usage.row)) {
            fates.filtered(usage.row);
        }
        let rows = usages.list().iter().map(|usage| (usage.key(), usage.row));
        let rows = rows.filter(|(key, _)| is_wanted(key)).collect();
        Ok(Taken { usages, rows: TakenRows(rows) })
    }

    /// The keys that are to be planned and are not in a plan, each with the reason.
    pub fn unplanned(&self, planned: &Planned) -> Vec<Unplanned> {
        let mut actions: HashMap<(ResourceId, &ComponentType), bool> = HashMap::new();
        let plan = planned.plan.as_ref().map(Checked::get);
        for resource in plan.into_iter().flat_map(|plan| &plan.resources) {
            for line in &resource.lines {
                let is_there = line.change.wanted().is_some();
                *actions.entry((resource.resource, &line.component)).or_default() |= is_there;
            }
        }
        let catalogue = planned.check.snapshot.as_ref().map(|snapshot| &snapshot.catalogue);
        let mut unplanned = Vec::new();
        for (key, amount) in &self.wanted {
            if actions.get(&(key.resource, &key.component)) == Some(&true) {
                continue;
            }
            let resource = catalogue.and_then(|catalogue| catalogue.resource(key.resource));
            let name = resource.map_or_else(|| key.resource.to_string(), |own| own.name.clone());
            unplanned.push(Unplanned {
                resource: visible(&name).to_string(),
                component: key.component.clone(),
                amount: *amount,
                why: why(key, planned),
            });
        }
        unplanned
    }
}

/// The figures that are planned.
pub(super) struct Taken {
    /// The figures.
    pub usages: Usages,
    /// The rows of those that were chosen.
    pub rows: TakenRows,
}

/// The rows of the keys that were chosen and could be taken.
#[derive(Debug, Default)]
pub struct TakenRows(HashMap<UsageKey, RowIndex>);

/// Why a key is not in a plan.
fn why(key: &UsageKey, planned: &Planned) -> String {
    let Some(row) = planned.taken.0.get(key) else {
        let why =
            "where it is read for posting, the file has no such figure of it: it is at fault, or a rule";
        return format!("{why} made another one of it");
    };
    let findings = planned.check.findings.list();
    let mut denied = findings.iter().filter(|finding| finding.severity == Severity::Deny);
    if let Some(finding) = denied.find(|finding| finding.rows.contains(row)) {
        let hint = finding.hint.as_deref().map_or_else(String::new, |hint| format!("; {}", visible(hint)));
        return format!("{}: {}{hint}", finding.code, visible(&finding.found));
    }
    if planned.plan.is_none() {
        return "there is no plan".into();
    }
    let is_stored = planned
        .plan
        .as_ref()
        .is_some_and(|plan| plan.get().resources.iter().any(|resource| resource.resource == key.resource));
    if is_stored {
        "it is stored as the file has it by now".into()
    } else {
        "another figure of its resource is at fault".into()
    }
}
