//! The table of usages by user: small, in the order in which its rows were last written.

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
    /// A row that is written again moves to the end, as it does in the database.
    rows: Vec<UserUsageRow>,
}

impl UserUsageTable {
    pub(in crate::sandbox) fn find(&self, usage: usize, username: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.usage == usage && row.username == username)
    }

    /// The parts of one usage.
    pub(in crate::sandbox) fn of_usage(&self, usage: usize) -> impl Iterator<Item = &UserUsageRow> {
        self.rows.iter().filter(move |row| row.usage == usage)
    }

    pub(in crate::sandbox) fn create(&mut self, row: UserUsageRow) {
        self.rows.push(row);
    }

    pub(in crate::sandbox) fn update(&mut self, at: usize, amount: Amount, now: Timestamp) {
        let row = self.rows.remove(at);
        self.rows.push(UserUsageRow { amount, modified: now, ..row });
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
        let mut rows: Vec<_> = self.user_usages.rows.iter().filter(passes).collect();
        let joins_resource = filter.resource.is_some() || filter.offering.is_some();
        if joins_resource {
            rows.reverse();
        }
        rows
    }
}
