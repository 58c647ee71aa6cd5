//! The resources: most in use, a few in every other state that takes part in a month.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::catalogue::plan_id;
use super::chance::{pick, roll};
use super::{NewWorld, id};
use crate::domain::ResourceState;
use crate::sandbox::world::{PlanPeriod, Resource};

/// One resource of so many switched its plan in the running month.
const SWITCHED_EVERY: u32 = 50;
/// How long before the first month the resources were made, at most.
const SPREAD: u64 = 90 * 24 * 60 * 60;

impl NewWorld {
    pub(super) fn resource(&self, number: u32) -> Resource {
        let offering = self.offering_of(number);
        let state = state(number);
        let created = self.created(number);
        let periods = self.plan_periods(number, &state);
        Resource {
            uuid: id("resource", number),
            name: format!("resource-{number:06}"),
            slug: format!("resource-{number:06}"),
            backend_id: format!("backend_{number:06}"),
            effective_id: String::new(),
            state,
            offering_uuid: id("offering", offering),
            plan_uuid: periods.last().map(|period| period.plan_uuid),
            project_uuid: id("project", self.project_of(number)),
            limits: self.limits(number),
            current_usages: self.current_usages(number),
            created,
            plan_periods: periods,
        }
    }

    /// The project of a resource, by number.
    pub(super) fn project_of(&self, number: u32) -> u32 {
        pick("project of resource", number, self.project_count())
    }

    /// Some time before the first month, to the microsecond, so that few were made at once.
    fn created(&self, number: u32) -> Timestamp {
        let first = self.months.first().map_or(self.now, |month| month.start());
        let before = roll("created", number, 0) % (SPREAD * 1_000_000);
        let before = SignedDuration::from_micros(i64::try_from(before).unwrap_or_default());
        first.checked_sub(before).unwrap_or(first)
    }

    /// The plan periods; usages of past months are in the first one.
    pub(super) fn plan_periods(&self, number: u32, state: &ResourceState) -> Vec<PlanPeriod> {
        let offering = self.offering_of(number);
        let is_priority = pick("plan of resource", number, 4) == 0;
        let start = Some(self.created(number));
        let period = |position: u32, is_priority: bool, start, end| PlanPeriod {
            uuid: id("plan period", format!("{number}/{position}")),
            plan_uuid: plan_id(offering, is_priority),
            start,
            end,
        };
        let in_running = |seconds: u64| {
            let passed = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default());
            // Never in the future, however young the running month is.
            self.running.start().checked_add(passed).map_or(self.now, |moment| moment.min(self.now))
        };
        let moment = in_running(roll("switch", number, 0) % (15 * 24 * 60 * 60));
        if *state == ResourceState::Terminated {
            vec![period(0, is_priority, start, Some(moment))]
        } else if number % SWITCHED_EVERY == SWITCHED_EVERY - 1 {
            vec![period(0, is_priority, start, Some(moment)), period(1, !is_priority, Some(moment), None)]
        } else {
            vec![period(0, is_priority, start, None)]
        }
    }

    fn limits(&self, number: u32) -> Map<String, Value> {
        let limits = self.sorts().into_iter().filter(|sort| sort.is_limit);
        let limits = limits.map(|sort| {
            let ordered = (sort.middling / 100).max(1) * (1 + u64::from(pick("limit", number, 8)));
            (sort.component_type.as_str().to_owned(), Value::from(ordered))
        });
        limits.collect()
    }

    fn current_usages(&self, number: u32) -> Map<String, Value> {
        let Some(&last) = self.months.last() else { return Map::new() };
        let usages = self.usages_of_month(number, last).into_iter();
        usages
            .map(|usage| (usage.component_type.as_str().to_owned(), usage.amount.to_string().into()))
            .collect()
    }
}

/// The state of a resource; none is still being made, so that each has its usages.
pub(super) fn state(number: u32) -> ResourceState {
    match pick("state", number, 100) {
        0 | 1 => ResourceState::Terminated,
        2 => ResourceState::Erred,
        3 => ResourceState::Updating,
        4 => ResourceState::Terminating,
        _ => ResourceState::Ok,
    }
}
