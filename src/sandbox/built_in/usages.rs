//! What was used: three full months, and the first reports of the running one.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::people::REPORTER;
use super::{id, moment};
use crate::domain::{Amount, BillingPeriod, ComponentType, ResourceState};
use crate::sandbox::world::{Resource, Usage, World};

/// Types, and the hundredths of a unit that a resource of middling size uses in a month.
const HPC: [(&str, u64); 4] =
    [("cpu", 18_450), ("ram", 2_214_000), ("gpu_hours", 61_375), ("storage", 84_000)];
const STORAGE: [(&str, u64); 3] = [("block_storage", 512_000), ("object_storage", 3_775), ("egress", 140)];

const MONTHS: [&str; 3] = ["2026-08", "2026-09", "2026-10"];
/// The running month, of which some is reported already: resource, description, whether it recurs.
const RUNNING: &str = "2026-11";
const REPORTED: [(&str, &str, bool); 9] = [
    ("climate-cordex", "", false),
    ("climate-era5", "interim, until 15 November", false),
    ("flame-les", "", false),
    ("qmat-dft", "", true),
    ("plankton-assembly", "interim, until 15 November", false),
    ("tumour-ct", "", false),
    ("climate-archive", "archive, unchanged since August", true),
    ("tumour-archive", "archive, unchanged since August", true),
    ("centre-backup", "", false),
];

pub(super) fn usages(resources: &[Resource]) -> Vec<Usage> {
    let mut usages = Vec::new();
    for (number, resource) in (0_u64..).zip(resources) {
        if resource.state == ResourceState::Creating {
            continue;
        }
        for month in MONTHS {
            report(&mut usages, number, resource, month, "", false);
        }
        let reported = REPORTED.iter().find(|(name, ..)| *name == resource.name);
        if let Some(&(_, description, recurring)) = reported {
            report(&mut usages, number, resource, RUNNING, description, recurring);
        }
    }
    usages
}

/// Adds the report of a resource and a month: all its components at one moment.
fn report(
    usages: &mut Vec<Usage>,
    number: u64,
    resource: &Resource,
    month: &str,
    description: &str,
    recurring: bool,
) {
    let Ok(period) = month.parse::<BillingPeriod>() else { return };
    let date = reported_at(period, number);
    let components: &[(&str, u64)] = if resource.limits.is_empty() { &STORAGE } else { &HPC };
    for (place, &(name, middling)) in (1_u64..).zip(components) {
        let Ok(component_type) = name.parse::<ComponentType>() else { continue };
        let key = format!("{}/{month}/{name}", resource.uuid.as_simple());
        usages.push(Usage {
            uuid: id("usage", &key),
            resource_uuid: resource.uuid,
            component_type,
            amount: amount(number, place, period, middling),
            billing_period: period,
            date,
            created: date,
            plan_period_uuid: plan_period(resource, date),
            description: description.into(),
            recurring,
            missing_usage_policy: None,
            modified_by: Some(REPORTER),
        });
    }
}

/// The evening of the last day of a month; in the running one, the middle of it.
fn reported_at(period: BillingPeriod, number: u64) -> Timestamp {
    let minutes = SignedDuration::from_mins(i64::try_from(number).unwrap_or_default());
    let base = if period.to_string() == RUNNING {
        moment("2026-11-16T07:00:00Z")
    } else {
        period.end().checked_sub(SignedDuration::from_hours(2)).unwrap_or_default()
    };
    base.checked_add(minutes).unwrap_or(base)
}

fn plan_period(resource: &Resource, at: Timestamp) -> Option<Uuid> {
    let holds = |start: Option<Timestamp>, end: Option<Timestamp>| {
        start.is_none_or(|start| start <= at) && end.is_none_or(|end| end >= at)
    };
    resource.plan_periods.iter().find(|period| holds(period.start, period.end)).map(|period| period.uuid)
}

/// Between a third and twice of what is middling, in whole hundredths; half of it in the running
/// month, and every twelfth resource has no GPU work.
fn amount(number: u64, place: u64, period: BillingPeriod, middling: u64) -> Amount {
    let month = u64::try_from(period.month()).unwrap_or_default();
    let idle = place == 3 && number % 12 == 11;
    let percent = 33 + (number * 61 + place * 29 + month * 17) % 167;
    let share = if period.to_string() == RUNNING { 2 } else { 1 };
    let hundredths = if idle { 0 } else { middling * percent / 100 / share };
    Amount::parse(&format!("{}.{:02}", hundredths / 100, hundredths % 100)).unwrap_or_default()
}

/// Sets `current_usages` to what was reported last.
pub(super) fn keep_current(world: &mut World) {
    for resource in &mut world.resources {
        let own = || world.usages.iter().filter(|usage| usage.resource_uuid == resource.uuid);
        let Some(last) = own().map(|usage| usage.date).max() else { continue };
        let latest = own().filter(|usage| usage.date == last);
        resource.current_usages =
            latest.map(|usage| (usage.component_type.to_string(), usage.amount.to_string().into())).collect();
    }
}
