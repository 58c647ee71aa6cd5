//! Posting into a month that is over: alone, until one post was read back there.
//!
//! A server that does not know dates would book a past month's figures into this one, and nothing shows
//! it but what is stored afterwards.

use crate::plan::{PeopleBatch, ResourcePlan, Standing, StoredUsage, by_key};
use crate::waldur::Sent;

use super::post::{Exchange, Exchanges, Requests, Run, StopReason};

impl Run<'_> {
    /// A post into a past month before any was proven: one request, read back there, and this month
    /// found as it was. Also whether that was proven; the other requests of the resource follow then.
    pub(super) async fn first_into_the_past(
        &self,
        (resource, mut batches, people): Requests<'_>,
    ) -> (Exchanges, bool) {
        let this_month = || self.reader.usages_of(resource.resource, self.header.current_period);
        let before = match this_month().await {
            Ok(before) => before,
            Err(error) => {
                self.stop.because(StopReason::Server(error.to_string()));
                return (self.resource((resource, batches, people)).await, false);
            }
        };
        let others = batches.split_off(batches.len().min(1));
        let (first, after) = people.into_iter().partition(PeopleBatch::goes_first);
        let mut exchanges = self.resource((resource, batches, first)).await;
        let goes_on = exchanges.usages.iter().all(|exchange| self.is_done(resource, exchange));
        let usages = &exchanges.usages;
        let was_sent = usages.iter().any(|exchange| !matches!(exchange.sent, Sent::NotSent { .. }));
        let is_proven = usages.iter().any(|exchange| self.is_done(resource, exchange));
        if was_sent && !self.is_in_its_month(resource, usages, this_month().await.ok(), &before).await {
            self.stop.because(StopReason::NotInItsMonth(self.header.period.to_string()));
        }
        let rest = self.resource_after((resource, others, after), goes_on).await;
        exchanges.usages.extend(rest.usages);
        exchanges.people.extend(rest.people);
        (exchanges, is_proven)
    }

    /// Whether what was accepted of the first resource stands in its month, and nothing else moved.
    async fn is_in_its_month(
        &self,
        resource: &ResourcePlan,
        exchanges: &[Exchange],
        this_month: Option<Vec<StoredUsage>>,
        before: &[StoredUsage],
    ) -> bool {
        if this_month.as_deref() != Some(before) {
            return false;
        }
        let Ok(stored) = self.reader.usages_of(resource.resource, self.header.period).await else {
            return false;
        };
        let stored = by_key(&stored);
        let accepted = exchanges.iter().filter(|exchange| exchange.sent == Sent::Accepted);
        accepted.into_iter().all(|exchange| {
            let mut posted = resource.lines.iter().filter(|line| exchange.batch.posts(line, self.header));
            posted.all(|line| resource.standing(line, &stored) == Standing::AsPlanned)
        })
    }
}
