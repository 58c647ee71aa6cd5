//! Sending the usage of users, once their total is stored.
//!
//! The laws kept here: a user is sent for the very row that is their total, found just before; nothing
//! is sent for a total that is not there, nor for one that is zero where a newer server would take the
//! sum of the users for it and bill that. One request does not wait for the success of another. What
//! became of a lost one is told by the stored usages of the users.

use std::time::Instant;

use crate::domain::Amount;
use crate::plan::{
    MonthRefusal, PeopleBatch, PersonLine, ResourcePlan, Standing, StoredMonth, StoredPeople, StoredRows,
    by_key, by_name,
};
use crate::store::{AuditEntry, Sending};
use crate::waldur::{Call, Poster, Sent, WaldurError};

use super::freshness::StaleResource;
use super::post::{FIRST_WAIT, LONGEST_WAIT, MOST_ATTEMPTS, Run, StopReason, TOO_OLD, stop_reason, told};

/// What came of one request about users.
pub struct PeopleExchange {
    /// The request.
    pub batch: PeopleBatch,
    /// What the server answered.
    pub sent: Sent,
    /// What is stored, where it was read.
    pub stored: Option<StoredMonth>,
}

/// What is stored of a resource and its users, and when the reading of it began.
struct Seen {
    at: Instant,
    month: StoredMonth,
}

impl Run<'_> {
    /// The requests about users of one resource.
    pub(super) async fn people(
        &self,
        resource: &ResourcePlan,
        batches: Vec<PeopleBatch>,
        goes_on: bool,
        stale: Option<&StaleResource>,
    ) -> Vec<PeopleExchange> {
        let settled = |batch: &PeopleBatch| self.settings.settled.get(&batch.number());
        let has_open = batches.iter().any(|batch| settled(batch).is_none());
        let may_send = has_open && goes_on && stale.is_none() && self.stop.reason().is_none();
        let mut before = if may_send { self.stored_of(resource).await } else { None };
        let mut exchanges = Vec::with_capacity(batches.len());
        for batch in batches {
            let exchange = if let Some(sent) = settled(&batch) {
                PeopleExchange { sent: sent.clone(), batch, stored: None }
            } else if let Some(seen) = &mut before {
                self.people_exchange(resource, batch, seen).await
            } else {
                self.people_not_sent(batch, stale)
            };
            self.observer.posted();
            exchanges.push(exchange);
        }
        exchanges
    }

    /// Whether a request did what it was to do.
    pub(super) fn is_done_of_people(&self, resource: &ResourcePlan, exchange: &PeopleExchange) -> bool {
        let is_settled = self.settings.settled.contains_key(&exchange.batch.number());
        match (&exchange.sent, &exchange.stored) {
            (Sent::Accepted, _) => true,
            // Nothing of it is missing, or it would have been sent again.
            (Sent::Lost { .. }, _) if is_settled => true,
            (_, Some(stored)) => standings(resource, &exchange.batch, stored)
                .iter()
                .all(|standing| *standing == Standing::AsPlanned),
            (_, None) => false,
        }
    }

    pub(super) fn people_not_sent(
        &self,
        batch: PeopleBatch,
        stale: Option<&StaleResource>,
    ) -> PeopleExchange {
        let month = |stale: &StaleResource| StoredMonth {
            usages: stale.stored.clone(),
            people: stale.people.clone(),
        };
        PeopleExchange { batch, sent: self.obstacle(stale), stored: stale.map(month) }
    }

    /// What is stored of a resource and its users; where it cannot be read, nothing more is sent.
    async fn stored_of(&self, resource: &ResourcePlan) -> Option<Seen> {
        let at = Instant::now();
        let read = self.read_people(resource).await;
        let month = read.map_err(|error| self.stop.because(stop_reason(&error))).ok()?;
        Some(Seen { at, month })
    }

    async fn read_people(&self, resource: &ResourcePlan) -> Result<StoredMonth, WaldurError> {
        let (id, period) = (resource.resource, self.header.period);
        let usages = self.reader.usages_of(id, period).await?;
        let people = self.reader.user_usages_of(id, period, &usages).await?;
        Ok(StoredMonth { usages, people })
    }

    /// Sends a request where what was seen of its resource lets it go, and looks again where that is too
    /// old: the users before it may have taken long.
    async fn people_exchange(
        &self,
        resource: &ResourcePlan,
        batch: PeopleBatch,
        seen: &mut Seen,
    ) -> PeopleExchange {
        let mut attempt = self.settings.attempts.get(&batch.number()).copied().unwrap_or_default();
        let (sent, read) = loop {
            if self.is_too_old(seen.at) && self.stop.reason().is_none() {
                match self.stored_of(resource).await {
                    Some(again) => *seen = again,
                    None => return self.people_not_sent(batch, None),
                }
            }
            if let Err(refusal) = self.is_in_month() {
                self.stop.because(StopReason::Month(refusal));
            }
            if self.stop.reason().is_some() {
                return self.people_not_sent(batch, None);
            }
            let call = match self.call_for(resource, &batch, &seen.month) {
                Ok(call) => call,
                Err(reason) => {
                    let sent = Sent::NotSent { reason: reason.to_owned() };
                    return PeopleExchange { batch, sent, stored: Some(seen.month.clone()) };
                }
            };
            let done = self.send_people_patiently(resource, &batch, call, (seen.at, &mut attempt)).await;
            if done.0 != (Sent::NotSent { reason: TOO_OLD.to_owned() }) {
                break done;
            }
            attempt += 1;
        };
        self.judge(&sent);
        let stored = match (&sent, read) {
            (Sent::Accepted | Sent::NotSent { .. }, _) => None,
            (_, Some(read)) => Some(read),
            (_, None) => self.read_people(resource).await.ok(),
        };
        PeopleExchange { batch, sent, stored }
    }

    /// The call of a request about users, or why it is not sent.
    fn call_for(
        &self,
        resource: &ResourcePlan,
        batch: &PeopleBatch,
        before: &StoredMonth,
    ) -> Result<Call, &'static str> {
        let standings = standings(resource, batch, before);
        if standings.iter().all(|standing| *standing == Standing::AsPlanned) {
            return Err("it is stored already");
        }
        if standings.contains(&Standing::Otherwise) {
            if !self.settings.is_partial {
                self.stop.because(StopReason::Stale(resource.name.clone()));
            }
            return Err("the usage of a user changed since it was read");
        }
        let rows = by_key(&before.usages);
        let (total, amount) =
            resource.total_of(&batch.people()[0], &rows).ok_or("its total is not stored")?;
        if amount.is_zero() && would_bill(batch, total, before) {
            return Err("its total is 0, and a newer server would bill the users' sum");
        }
        Ok(if batch.is_bulk() { Call::UserUsages(total) } else { Call::UserUsage(total) })
    }

    /// Whether the server's clock still lets the plan's month be posted to. The request itself names no
    /// date: its address is the row, which no clock can change.
    fn is_in_month(&self) -> Result<(), MonthRefusal> {
        self.poster.now().map_or(Ok(()), |now| self.month.date(now, None).map(|_| ()))
    }

    /// Sends a request, and again where the server asked to come later and nothing of it arrived.
    async fn send_people_patiently(
        &self,
        resource: &ResourcePlan,
        batch: &PeopleBatch,
        call: Call,
        (mut looked_at, attempt): (Instant, &mut u32),
    ) -> (Sent, Option<StoredMonth>) {
        let first = *attempt;
        let mut wait = FIRST_WAIT;
        loop {
            let sending = Sending {
                batch: batch.number(),
                attempt: *attempt,
                kind: call.name().into(),
                resource: batch.resource(),
                body: Poster::people_body(batch),
            };
            let audit = |run, sent: &Sent| self.audit_people(run, resource, batch, sent);
            let may_leave = || self.may_leave(None, looked_at);
            let sent = self.send_written_down(call, sending, &may_leave, audit).await;
            let Sent::NotNow { status, retry_after } = sent else { return (sent, None) };
            let left_open = || Sent::Lost { reason: format!("answered with {status}, which leaves it open") };
            tokio::time::sleep(retry_after.unwrap_or_else(|| wait.mul_f64(fastrand::f64()))).await;
            wait = LONGEST_WAIT.min(wait * 2);
            let now = Instant::now();
            let Ok(stored) = self.read_people(resource).await else { return (left_open(), None) };
            if *attempt + 1 == first + MOST_ATTEMPTS
                || self.stop.reason().is_some()
                || !is_missing(&standings(resource, batch, &stored))
                || self.is_in_month().is_err()
            {
                return (left_open(), Some(stored));
            }
            looked_at = now;
            *attempt += 1;
        }
    }

    pub(super) fn audit_people(
        &self,
        run: crate::domain::RunId,
        resource: &ResourcePlan,
        batch: &PeopleBatch,
        sent: &Sent,
    ) -> Vec<AuditEntry> {
        let answer = told(sent);
        let entry = |person: &PersonLine| AuditEntry {
            at: self.poster.now().unwrap_or_default(),
            run,
            account: self.header.account.id,
            server: self.header.server.clone(),
            resource: resource.resource,
            resource_name: resource.name.clone(),
            component: person.component.clone(),
            period: self.header.period,
            username: Some(person.username.clone()),
            cell: person.place.clone(),
            old: person.old,
            new: Some(person.new.get()),
            answer: answer.clone(),
        };
        batch.people().iter().map(entry).collect()
    }
}

/// How the users of a request stand.
fn standings(resource: &ResourcePlan, batch: &PeopleBatch, stored: &StoredMonth) -> Vec<Standing> {
    standings_in(resource, batch, &by_key(&stored.usages), &by_name(&stored.people))
}

/// How the users of a request stand among what is stored.
pub(super) fn standings_in(
    resource: &ResourcePlan,
    batch: &PeopleBatch,
    rows: &StoredRows<'_>,
    people: &StoredPeople<'_>,
) -> Vec<Standing> {
    batch.people().iter().map(|person| resource.person_standing(person, rows, people)).collect()
}

/// Whether something of a request is missing, and nothing of it is otherwise than planned.
pub(super) fn is_missing(standings: &[Standing]) -> bool {
    standings.contains(&Standing::AsBefore) && !standings.contains(&Standing::Otherwise)
}

/// Whether the users of a total have a positive sum once a request was carried out.
fn would_bill(batch: &PeopleBatch, total: crate::domain::UsageId, before: &StoredMonth) -> bool {
    let sent = batch.people();
    let is_sent = |name: &str| sent.iter().any(|person| person.username == name);
    let others = before.people.iter().filter(|person| person.total == total && !is_sent(&person.username));
    let amounts = others.map(|person| person.amount).chain(sent.iter().map(|person| person.new.get()));
    let sum = Amount::total(amounts).unwrap_or_default();
    sum > Amount::ZERO
}
