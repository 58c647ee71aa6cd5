//! The stored usage of users, and the users that an offering has.
//!
//! A row of a user names the stored usage that it is a part of, and no month: which month it is of is
//! told by that usage. So rows of other totals than those asked for are left out, whatever the server
//! made of the filters.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{BillingPeriod, OfferingId, ResourceId, UsageId};
use crate::plan::{OfferingUsers, StoredPerson, StoredUsage};
use crate::resolve::Catalogue;

use super::list::last_id;
use super::listing::{Cut, Query, read};
use super::wire::{OfferingUserRow, UserUsageRow};
use super::{Reader, WaldurError};

const USER_USAGES: &str = "marketplace-component-user-usages/";
const OFFERING_USERS: &str = "marketplace-offering-users/";

impl Reader {
    /// The stored usages of users in a month of some offerings; `totals` are that month's usages.
    pub async fn user_usages(
        &self,
        catalogue: &Catalogue,
        offerings: &BTreeSet<OfferingId>,
        period: BillingPeriod,
        totals: &[StoredUsage],
    ) -> Result<Vec<StoredPerson>, WaldurError> {
        let mut people = Vec::new();
        for &offering in offerings {
            let resources = catalogue.resources().filter(|resource| resource.offering == offering);
            let mut ids: Vec<String> = resources.map(|resource| resource.id.to_string()).collect();
            ids.sort_unstable();
            let none: Arc<[Cut]> = Arc::new([]);
            let cut = Cut::new("resource_uuid", ids, &none);
            let query = in_month(period).with("offering_uuid", offering.to_string());
            let in_offering =
                |id: ResourceId| catalogue.resource(id).is_some_and(|resource| resource.offering == offering);
            let rows = self.people(&query, &[cut], totals).await?;
            people.extend(rows.into_iter().filter(|person| in_offering(person.resource)));
        }
        Ok(people)
    }

    /// The stored usages of the users of one resource in a month; `totals` are that month's usages.
    pub async fn user_usages_of(
        &self,
        resource: ResourceId,
        period: BillingPeriod,
        totals: &[StoredUsage],
    ) -> Result<Vec<StoredPerson>, WaldurError> {
        let query = in_month(period).with("resource_uuid", resource.to_string());
        let mut people = self.people(&query, &[], totals).await?;
        people.retain(|person| person.resource == resource);
        Ok(people)
    }

    async fn people(
        &self,
        query: &Query,
        cuts: &[Cut],
        totals: &[StoredUsage],
    ) -> Result<Vec<StoredPerson>, WaldurError> {
        let of_month: HashSet<UsageId> = totals.iter().map(|total| total.id).collect();
        let rows: Vec<UserUsageRow> = read(&self.http, query, cuts, self.at_once).await?;
        let people = rows.into_iter().filter_map(|row| {
            let total = UsageId::new(last_id(&row.component_usage)?);
            of_month.contains(&total).then_some(StoredPerson {
                total,
                resource: row.resource_uuid,
                component: row.component_type,
                username: row.username,
                amount: row.usage,
            })
        });
        Ok(people.collect())
    }

    /// The users of some offerings, as far as this account sees them.
    pub async fn offering_users(
        &self,
        offerings: &BTreeSet<OfferingId>,
    ) -> Result<OfferingUsers, WaldurError> {
        let mut users: OfferingUsers = HashMap::new();
        for &offering in offerings {
            let query = Query::new(OFFERING_USERS)
                .with("offering_uuid", offering.to_string())
                .fields(OfferingUserRow::FIELDS);
            let rows: Vec<OfferingUserRow> = match read(&self.http, &query, &[], self.at_once).await {
                // Who may not see them sends names alone.
                Err(WaldurError::Forbidden { .. } | WaldurError::Status { status: 404, .. }) => Vec::new(),
                rows => rows?,
            };
            for row in rows.into_iter().filter(|row| row.offering_uuid == offering) {
                let Some(name) = row.username.filter(|name| !name.is_empty()) else { continue };
                let address = users.entry((offering, name)).or_insert_with(|| Some(row.url.clone()));
                if address.as_ref() != Some(&row.url) {
                    // A name of several is that of nobody.
                    *address = None;
                }
            }
        }
        Ok(users)
    }
}

fn in_month(period: BillingPeriod) -> Query {
    Query::new(USER_USAGES).with("component_usage__billing_period", period.first_day())
}
