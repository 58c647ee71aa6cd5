//! The built-in world: an HPC centre in November 2026, its customers, and what they used.
//!
//! Everything is made from the tables in here, ids included, so that the world is the same on every
//! machine and the samples can speak of it. It holds one of each case that a careful client must
//! know: every state, a plan switched this month, no plan, no plan period, one name twice.

mod catalogue;
mod invoices;
mod people;
mod resources;
mod usages;

use jiff::Timestamp;
use uuid::Uuid;

use super::world::World;

const NAMESPACE: Uuid = Uuid::from_u128(0x8f3d_1c52_7a64_4b0e_9d21_5e60_3a77_c1f4);
/// The moment of the world: a Friday morning with ten days of the month to go.
const NOW: &str = "2026-11-20T09:00:00Z";

pub(super) fn world() -> World {
    let users = people::users();
    let resources = resources::resources();
    let usages = usages::usages(&resources);
    let mut world = World {
        now: moment(NOW),
        tokens: users.iter().map(|user| (user.username.clone(), user.token.clone())).collect(),
        customers: people::customers(),
        projects: people::projects(),
        users,
        offerings: catalogue::offerings(),
        resources,
        usages,
        offering_users: people::offering_users(),
        user_usage_limits: Vec::new(),
        invoices: invoices::invoices(),
    };
    usages::keep_current(&mut world);
    world
}

/// The id of a thing of the world.
fn id(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{kind}:{name}").as_bytes())
}

/// A moment that is written in this module.
fn moment(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::world;
    use crate::sandbox::data::Data;

    #[test]
    fn the_world_is_whole_and_always_the_same() {
        let (first, second) = (world(), world());
        assert_eq!(serde_json::to_string(&first).unwrap(), serde_json::to_string(&second).unwrap());
        assert_eq!(first.resources.len(), 40);
        assert_eq!(first.projects.len(), 8);
        let uuids: BTreeSet<_> = first.usages.iter().map(|usage| usage.uuid).collect();
        assert_eq!(uuids.len(), first.usages.len());
        Data::new(first).unwrap();
    }

    #[test]
    fn the_world_holds_each_case_a_client_must_know() {
        let world = world();
        let mut states = BTreeMap::new();
        for resource in &world.resources {
            *states.entry(resource.state.to_string()).or_insert(0) += 1;
        }
        let states: Vec<_> = states.into_iter().collect();
        let expected = [
            ("Creating", 2),
            ("Erred", 1),
            ("OK", 33),
            ("Terminated", 2),
            ("Terminating", 1),
            ("Updating", 1),
        ];
        assert_eq!(states, expected.map(|(state, count)| (state.to_owned(), count)));
        let named = |name: &str| world.resources.iter().filter(|resource| resource.name == name).count();
        assert_eq!(named("sequencing"), 2);
        let count = |wanted: usize| {
            world.resources.iter().filter(|resource| resource.plan_periods.len() == wanted).count()
        };
        assert_eq!((count(2), world.resources.iter().filter(|it| it.plan_uuid.is_none()).count()), (1, 1));
    }
}
