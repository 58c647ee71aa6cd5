//! The table of usages by user, in the order in which its rows were last written, with an index by
//! usage and name, so that a report about one person costs the same however many there are.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::{Data, UsageFilter};
use crate::domain::Amount;
use crate::sandbox::world::UserUsageLimit;

/// The usage of one person within a usage.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct UserUsageRow {
    pub uuid: Uuid,
    /// The position of the usage that it is a part of.
    pub usage: usize,
    pub username: String,
    /// The position of the offering user, where one was named.
    pub offering_user: Option<usize>,
    pub amount: Amount,
    pub created: Timestamp,
    pub modified: Timestamp,
}

#[derive(Debug, Default)]
pub(in crate::sandbox) struct UserUsageTable {
    /// By place. A row that is written again moves to a new place at the end, as it does in the
    /// database; its old place stays empty.
    rows: BTreeMap<usize, UserUsageRow>,
    /// The places of the parts of each usage, by the name of the person.
    by_usage: HashMap<usize, HashMap<String, usize>>,
    /// How many places were ever taken.
    taken: usize,
}

impl UserUsageTable {
    /// The place of a person's part of a usage.
    pub(in crate::sandbox) fn find(&self, usage: usize, username: &str) -> Option<usize> {
        self.by_usage.get(&usage)?.get(username).copied()
    }

    /// The parts of one usage, in the order of the table.
    pub(in crate::sandbox) fn of_usage(&self, usage: usize) -> impl Iterator<Item = &UserUsageRow> {
        let mut places: Vec<usize> =
            self.by_usage.get(&usage).map(|parts| parts.values().copied().collect()).unwrap_or_default();
        places.sort_unstable();
        places.into_iter().filter_map(|place| self.rows.get(&place))
    }

    pub(in crate::sandbox) fn create(&mut self, row: UserUsageRow) {
        let place = self.taken;
        self.taken += 1;
        self.by_usage.entry(row.usage).or_default().insert(row.username.clone(), place);
        self.rows.insert(place, row);
    }

    pub(in crate::sandbox) fn update(&mut self, place: usize, amount: Amount, now: Timestamp) {
        if let Some(row) = self.rows.remove(&place) {
            self.create(UserUsageRow { amount, modified: now, ..row });
        }
    }
}

impl Data {
    /// The limit that an offering user has on a component of a resource.
    pub(in crate::sandbox) fn user_usage_limit(
        &self,
        resource: usize,
        component: usize,
        offering_user: usize,
    ) -> Option<Amount> {
        let is_it = |limit: &&UserUsageLimit| {
            limit.resource_uuid == self.resources[resource].uuid
                && limit.component_type == self.components[component].kind
                && limit.offering_user_uuid == self.offering_users[offering_user].uuid
        };
        self.user_usage_limits.iter().find(is_it).map(|limit| limit.limit)
    }

    /// The user usages whose usage passes a filter. The order is nobody's promise: the real database reads
    /// its table forwards, but backwards where a filter joins the resource, and so do we.
    pub(in crate::sandbox) fn user_usages(&self, filter: &UsageFilter) -> Vec<&UserUsageRow> {
        let passes = |row: &&UserUsageRow| self.matches(filter, row.usage);
        let mut rows: Vec<_> = self.user_usages.rows.values().filter(passes).collect();
        let joins_resource = filter.resource.is_some() || filter.offering.is_some();
        if joins_resource {
            rows.reverse();
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The table as it is meant: a plain list, searched from its beginning.
    #[derive(Default)]
    struct Plain(Vec<(usize, String, Amount)>);

    impl Plain {
        fn write(&mut self, usage: usize, username: &str, amount: Amount) {
            self.0.retain(|(of, by, _)| (*of, by.as_str()) != (usage, username));
            self.0.push((usage, username.to_owned(), amount));
        }
    }

    fn write(table: &mut UserUsageTable, usage: usize, username: &str, amount: Amount) {
        let now = Timestamp::UNIX_EPOCH;
        match table.find(usage, username) {
            Some(place) => table.update(place, amount, now),
            None => table.create(UserUsageRow {
                uuid: Uuid::nil(),
                usage,
                username: username.to_owned(),
                offering_user: None,
                amount,
                created: now,
                modified: now,
            }),
        }
    }

    fn shown(row: &UserUsageRow) -> (usize, String, Amount) {
        (row.usage, row.username.clone(), row.amount)
    }

    proptest! {
        #[test]
        fn the_index_changes_nothing_but_the_time(
            writes in prop::collection::vec((0_usize..4, "[ab]{1,2}", 0_u32..9), 1..60)
        ) {
            let (mut table, mut plain) = (UserUsageTable::default(), Plain::default());
            for (usage, username, amount) in writes {
                write(&mut table, usage, &username, Amount::from(amount));
                plain.write(usage, &username, Amount::from(amount));
                prop_assert_eq!(table.rows.values().map(shown).collect::<Vec<_>>(), plain.0.clone());
                let of_usage = plain.0.iter().filter(|(of, ..)| *of == usage).cloned();
                prop_assert_eq!(table.of_usage(usage).map(shown).collect::<Vec<_>>(), of_usage.collect::<Vec<_>>());
            }
        }
    }

    /// With a scan for each write this takes a billion steps, and no test waits for them.
    #[test]
    fn a_part_is_found_without_looking_at_the_others() {
        let mut table = UserUsageTable::default();
        let begun = std::time::Instant::now();
        for round in 0..2_u32 {
            for person in 0..100_000 {
                write(&mut table, person / 10, &format!("user-{person}"), Amount::from(round));
            }
        }
        assert_eq!(table.rows.len(), 100_000);
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
