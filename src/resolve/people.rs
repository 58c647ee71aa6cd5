//! Figures of single users: the parts of people in the total of a resource and component.
//!
//! They stand beside [`Usages`](super::Usages) and are never counted as, or added to, the whole. The
//! law kept here: no two of them speak of the same user of the same total.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{
    BillingPeriod, ComponentType, Place, PlanPeriodId, ReportableAmount, ResourceId, Unrounded, visible,
};
use crate::findings::{Code, Finding, Findings, RowIndex};

use crate::parse::listed;

use super::catalogue::Catalogue;

/// The figure of one user: it names a resource and a component that the server has.
#[derive(Debug, Clone)]
pub struct UserUsage {
    /// The resource.
    pub resource: ResourceId,
    /// The component.
    pub component: ComponentType,
    /// The month.
    pub period: BillingPeriod,
    /// The plan period of the total, where the row names one.
    pub plan_period: Option<PlanPeriodId>,
    /// The user, as the file names them.
    pub username: Arc<str>,
    /// What the user used in the month.
    pub amount: ReportableAmount,
    /// The same before it was rounded; `None` where it was not.
    pub unrounded: Option<Box<Unrounded>>,
    /// The cell that the amount stands in.
    pub place: Place,
    /// The row that it comes from.
    pub row: RowIndex,
}

/// The figures of users in a run.
#[derive(Debug, Clone, Default)]
pub struct UserUsages(Vec<UserUsage>);

impl UserUsages {
    pub(super) fn new(list: Vec<UserUsage>) -> Self {
        Self(list)
    }

    /// The figures in the order of the input.
    pub fn list(&self) -> &[UserUsage] {
        &self.0
    }

    /// Takes all figures of some resources out: the rest, and what was taken.
    pub fn without(self, resources: &HashSet<ResourceId>) -> (Self, Vec<UserUsage>) {
        let (out, list): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|usage| resources.contains(&usage.resource));
        (Self(list), out)
    }
}

/// What two figures must not share; those that each name another plan period speak of two totals.
type Key<'a> = (ResourceId, &'a str, BillingPeriod, &'a str);

/// Finds figures of the same user and the same total: the server would keep the last one.
pub(super) fn duplicates(usages: &[UserUsage], catalogue: &Catalogue, findings: &mut Findings) {
    let mut seen: HashMap<Key<'_>, Vec<Vec<&UserUsage>>> = HashMap::with_capacity(usages.len());
    let collide = |one: &UserUsage, other: &UserUsage| {
        one.plan_period.is_none() || other.plan_period.is_none() || one.plan_period == other.plan_period
    };
    let mut order = Vec::new();
    for usage in usages {
        let key = (usage.resource, usage.component.as_str(), usage.period, usage.username.as_ref());
        let groups = seen.entry(key).or_default();
        if let Some(group) = groups.iter_mut().find(|group| collide(group[0], usage)) {
            group.push(usage);
        } else {
            groups.push(vec![usage]);
            order.push((key, groups.len() - 1));
        }
    }
    for (key, at) in order {
        let Some([first, others @ ..]) = seen.get(&key).map(|groups| groups[at].as_slice()) else { continue };
        if others.is_empty() {
            continue;
        }
        let amounts: Vec<String> =
            std::iter::once(first).chain(others).map(|usage| usage.amount.to_string()).collect();
        let resource = catalogue.resource(first.resource).map_or("", |resource| &resource.name);
        let found = format!(
            "{} rows for {} and {} of {}, {}: {}",
            amounts.len(),
            visible(&first.username),
            first.component,
            visible(resource),
            first.period,
            listed(&amounts.iter().map(String::as_str).collect::<Vec<_>>())
        );
        let finding = Finding::new(Code::DuplicateKey, found, "one row; add them up or take the others out")
            .at(first.place.clone())
            .row(first.row);
        let also = |finding: Finding, other: &&UserUsage| finding.also(other.place.clone(), other.row);
        findings.push(others.iter().fold(finding, also));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Amount, Spot};

    fn usage(row: u32, username: &str, plan_period: Option<u128>) -> UserUsage {
        let id = uuid::Uuid::from_u128;
        UserUsage {
            resource: ResourceId::new(id(1)),
            component: "cpu".parse().unwrap(),
            period: "2026-11".parse().unwrap(),
            plan_period: plan_period.map(|number| PlanPeriodId::new(id(number))),
            username: username.into(),
            amount: Amount::from(row).try_into().unwrap(),
            unrounded: None,
            place: Place { file: "a.csv".into(), sheet: None, spot: Spot::Row(row), header: None },
            row: RowIndex(row),
        }
    }

    #[test]
    fn one_user_has_one_row_of_a_total() {
        let catalogue = Catalogue::default();
        let rows_of = |usages: &[UserUsage]| -> Vec<Vec<u32>> {
            let mut findings = Findings::default();
            duplicates(usages, &catalogue, &mut findings);
            findings.list().iter().map(|finding| finding.rows.iter().map(|row| row.0).collect()).collect()
        };
        assert_eq!(
            rows_of(&[usage(1, "anna", None), usage(2, "bert", None), usage(3, "Anna", None)]),
            Vec::<Vec<u32>>::new()
        );
        assert_eq!(rows_of(&[usage(1, "anna", Some(7)), usage(2, "anna", Some(8))]), Vec::<Vec<u32>>::new());
        assert_eq!(
            rows_of(&[usage(1, "anna", None), usage(2, "bert", None), usage(3, "anna", Some(8))]),
            [[1, 3]]
        );
        assert_eq!(
            rows_of(&[usage(1, "anna", Some(7)), usage(2, "anna", Some(7)), usage(3, "anna", Some(7))]),
            [[1, 2, 3]]
        );
    }
}
