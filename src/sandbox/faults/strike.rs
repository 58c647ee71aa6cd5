//! What becomes of one request: the faults that strike it, from its coming in to its answer.
//!
//! First the world around it changes, then the request, then it is carried out or not, and last the
//! answer is spoilt on its way. A request that nothing strikes goes straight through.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use tokio::time::sleep;

use super::delivery::{Delivery, Stamp, huge};
use super::memory::Place;
use super::quirks::Rows;
use super::{Ending, FaultKind, Quirks, When, bodies, writer};
use crate::domain::Amount;
use crate::sandbox::api::{Answer, Request};
use crate::sandbox::connection::Switch;
use crate::sandbox::server::Server;

/// The faults that strike one request, one at most for each stage.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Strikes {
    pub quirks: Quirks,
    /// The names of the faults.
    pub(super) names: Vec<&'static str>,
    /// Which request it is.
    pub(super) place: Place,
    month_turns: bool,
    writer: Option<(When, Option<Amount>)>,
    ignored_filters: Option<Vec<String>>,
    outcome: Outcome,
    link_origin: Option<String>,
    stamp: Stamp,
    delivery: Delivery,
}

/// Whether and how a request is carried out.
#[derive(Debug, Default)]
enum Outcome {
    #[default]
    CarriedOut,
    Instead(Box<Answer>),
    AnsweredWith(u16),
    DroppedBefore,
    DroppedAfter,
    Held(Duration),
    HalfApplied(Ending),
    Huge(u64),
    Deep(usize),
}

impl Strikes {
    /// Adds what a fault does. The seed makes chance of what is left to it.
    pub(super) fn add(&mut self, kind: &FaultKind, seed: u64) {
        self.names.push(kind.name());
        match kind {
            // The watch remembers the token and says so with each of its requests.
            FaultKind::TokenExpires => {}
            FaultKind::MonthTurns => self.month_turns = true,
            FaultKind::AnotherWriter(when, amount) => self.writer = Some((*when, *amount)),
            FaultKind::FiltersIgnored(names) => self.ignored_filters = Some(names.clone()),
            FaultKind::RowsRepeated => self.quirks.rows = Rows::Repeated,
            FaultKind::RowsLost => self.quirks.rows = Rows::Lost,
            FaultKind::UntiedOrder => self.quirks.rows = Rows::Untied(seed),
            FaultKind::AddedField(name) => self.quirks.added_field = Some(name.clone()),
            FaultKind::EndlessLink => self.quirks.is_endless = true,
            FaultKind::ForeignLink(origin) => self.link_origin = Some(origin.clone()),
            FaultKind::ClockSkew(skew) => self.stamp = Stamp::Skewed(*skew),
            FaultKind::WrongDate(text) => self.stamp = Stamp::Text(text.clone()),
            FaultKind::MissingDate => self.stamp = Stamp::Missing,
            FaultKind::Slow(chunk, pause) => self.delivery = Delivery::Slow(*chunk, *pause),
            FaultKind::Stalled(silence) => self.delivery = Delivery::Stalled(*silence),
            FaultKind::Truncated => self.delivery = Delivery::Truncated,
            FaultKind::Status(status, body, content_type) => self.answer(*status, body, content_type, None),
            FaultKind::TryLater(status, seconds) => {
                let (body, content_type) = bodies::of_status(*status);
                self.answer(*status, &body, &content_type, Some(("Retry-After", seconds.to_string())));
            }
            FaultKind::Redirect(status, to) => {
                // Where exactly it leads is known with the request alone.
                self.answer(*status, "", "text/html", Some(("Location", to.clone())));
            }
            FaultKind::Html => self.answer(200, &bodies::login(), "text/html; charset=utf-8", None),
            FaultKind::StatusAfterCommit(status) => self.outcome = Outcome::AnsweredWith(*status),
            FaultKind::DropBeforeCommit => self.outcome = Outcome::DroppedBefore,
            FaultKind::DropAfterCommit => self.outcome = Outcome::DroppedAfter,
            FaultKind::Delay(held) => self.outcome = Outcome::Held(*held),
            FaultKind::HalfApplied(items, ending) => {
                self.quirks.items_applied = Some(*items);
                self.outcome = Outcome::HalfApplied(*ending);
            }
            FaultKind::HugeBody(bytes) => self.outcome = Outcome::Huge(*bytes),
            FaultKind::DeepBody(levels) => self.outcome = Outcome::Deep(*levels),
        }
    }

    fn answer(&mut self, status: u16, body: &str, content_type: &str, more: Option<(&'static str, String)>) {
        let headers = [Some(("Content-Type", content_type.to_owned())), more].into_iter().flatten().collect();
        let answer = Answer { status, headers, body: body.as_bytes().to_vec(), ..Answer::default() };
        self.outcome = Outcome::Instead(Box::new(answer));
    }
}

/// Answers a request as the faults that strike it have it.
pub(in crate::sandbox) async fn answer_struck(
    server: &Server,
    mut request: Request,
    strikes: Strikes,
    switch: &Switch,
) -> Response<Body> {
    let Strikes { quirks, place, month_turns, writer, ignored_filters, outcome, link_origin, .. } = strikes;
    let (stamp, delivery) = (strikes.stamp, strikes.delivery);
    let moment = server.state.clock.now();
    let account = server.state.account(request.authorization.as_deref());
    request.quirks = quirks;
    if let Some(names) = ignored_filters {
        request.query.ignore(names);
    }
    if month_turns {
        turn_month(server);
    }
    if let Some((When::Before, amount)) = writer {
        writer::write(&server.state, &request, amount);
    }
    let answer = outcome.answer(server, &request, switch).await;
    if let Some((When::After, amount)) = writer {
        writer::write(&server.state, &request, amount);
    }
    server.watch.complete(place, |seen| {
        (seen.moment, seen.account) = (Some(moment), account);
        seen.status = answer.as_ref().map(|(answer, _)| answer.status);
    });
    let now = server.state.clock.now();
    match answer {
        None => Response::new(Body::empty()),
        Some((answer, Some(bytes))) => huge(server.named(answer), bytes, now, &stamp),
        Some((answer, None)) => {
            let mut answer = server.named(answer);
            if let Some(origin) = link_origin {
                lead_away(&mut answer, &request.base, &origin);
            }
            delivery.response(answer, now, &stamp)
        }
    }
}

fn turn_month(server: &Server) {
    let behaviour = &server.state.behaviour;
    if let Ok(month) = behaviour.month_of(server.state.clock.now()) {
        // A clock that cannot be kept is found out by the next request.
        let _ = server.state.set_clock(behaviour.start_of(month.next()));
    }
}

/// Lets the links to other pages lead to another origin.
fn lead_away(answer: &mut Answer, base: &str, origin: &str) {
    for (_, value) in answer.headers.iter_mut().filter(|(name, _)| *name == "Link") {
        *value = value.replace(&format!("<{base}/"), &format!("<{origin}/"));
    }
}

impl Outcome {
    /// The answer, where there is one, and the size that its body is to be blown up to.
    async fn answer(
        self,
        server: &Server,
        request: &Request,
        switch: &Switch,
    ) -> Option<(Answer, Option<u64>)> {
        match self {
            Self::CarriedOut => Some((server.carry_out(request).await, None)),
            Self::Instead(answer) => Some((located(*answer, request), None)),
            Self::AnsweredWith(status) => {
                server.carry_out(request).await;
                let (body, content_type) = bodies::of_status(status);
                let headers = vec![("Content-Type", content_type)];
                Some((Answer { status, headers, body: body.into_bytes(), ..Answer::default() }, None))
            }
            Self::DroppedBefore => {
                switch.drop_connection();
                None
            }
            Self::DroppedAfter => {
                server.carry_out(request).await;
                switch.drop_connection();
                None
            }
            Self::Held(held) => {
                sleep(held).await;
                Some((server.carry_out(request).await, None))
            }
            Self::HalfApplied(ending) => {
                let answer = server.carry_out(request).await;
                if answer.status == 500 && ending == Ending::Dropped {
                    switch.drop_connection();
                    return None;
                }
                Some((answer, None))
            }
            Self::Huge(bytes) => Some((server.carry_out(request).await, Some(bytes))),
            Self::Deep(levels) => {
                let mut answer = server.carry_out(request).await;
                answer.headers.retain(|(name, _)| *name != "Content-Type");
                answer.headers.push(("Content-Type", "application/json".to_owned()));
                answer.body = bodies::deep(levels);
                Some((answer, None))
            }
        }
    }
}

/// A redirect to an origin keeps the path and the query of the request.
fn located(mut answer: Answer, request: &Request) -> Answer {
    for (_, target) in answer.headers.iter_mut().filter(|(name, _)| *name == "Location") {
        let is_origin = !target.starts_with('/') && target.matches('/').count() == 2;
        if is_origin {
            target.push_str(&request.raw_path);
            if !request.raw_query.is_empty() {
                target.extend(["?", &request.raw_query]);
            }
        }
    }
    answer
}
