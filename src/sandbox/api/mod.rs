//! The endpoints: from a path and a token to an answer.
//!
//! Everything here reads; the two posts hand over to `rules`. The order of refusals is the real
//! server's: unknown path, credentials, method, body, rights.

mod answer;
mod authentication;
mod filters;
mod invoice_items;
mod invoices;
mod money_route;
mod object;
mod offering_statistics;
mod offerings;
mod organisations;
mod paging;
mod people;
mod plans;
mod posts;
mod request;
mod resources;
mod route;
mod usages;
mod user_usages;

use std::sync::{PoisonError, RwLock};

pub(super) use answer::Answer;
pub(super) use request::{Query, Request};

use self::route::{Action, Route};
use super::behaviour::Behaviour;
use super::clock::Clock;
use super::data::Data;
use super::rules;

/// What all requests share.
#[derive(Debug)]
pub(super) struct State {
    pub data: RwLock<Data>,
    pub behaviour: Behaviour,
    pub clock: Clock,
}

/// Answers one request, after what time alone has brought about.
pub(super) fn answer(state: &State, request: &Request) -> Answer {
    keep_up(state);
    let Some(route) = Route::resolve(&request.path) else {
        let with_slash = format!("{}/", request.path);
        return if Route::resolve(&with_slash).is_some() {
            Answer::redirect(&request.with_path(&with_slash))
        } else {
            Answer::not_found_page()
        };
    };
    let answer = answer_route(state, request, &route);
    if answer.status == 500 { answer } else { answer.with("Allow", route.allow()) }
}

/// Does what is due by now, where anything is.
fn keep_up(state: &State) {
    let now = state.clock.now();
    let is_behind = state.data.read().unwrap_or_else(PoisonError::into_inner).is_behind(now);
    if is_behind {
        let mut data = state.data.write().unwrap_or_else(PoisonError::into_inner);
        rules::keep_up(&mut data, &state.behaviour, now);
    }
}

fn answer_route(state: &State, request: &Request, route: &Route) -> Answer {
    let user = {
        let data = state.data.read().unwrap_or_else(PoisonError::into_inner);
        match authentication::user(&data, request) {
            Ok(user) => user,
            Err(refusal) => return refusal,
        }
    };
    let method = request.method.as_str();
    match method {
        "OPTIONS" => return Answer::options(route.name()),
        "POST" if route.action.is_post() => return posts::post(state, request, route, user),
        "GET" | "HEAD" if !route.action.is_post() => {}
        _ => return Answer::detail(405, &format!("Method \"{method}\" not allowed.")),
    }
    let data = state.data.read().unwrap_or_else(PoisonError::into_inner);
    let view = View { data: &data, behaviour: &state.behaviour, now: state.clock.now(), request, user };
    match &route.action {
        Action::Usages => usages::list(&view),
        Action::Usage(id) => usages::detail(&view, id),
        Action::UserUsages => user_usages::list(&view),
        Action::Resources(side) => resources::list(&view, *side),
        Action::Resource(side, id) => resources::detail(&view, *side, id),
        Action::PlanPeriods(side, id) => resources::plan_periods(&view, *side, id),
        Action::Offerings(side) => offerings::list(&view, *side),
        Action::Offering(side, id) => offerings::detail(&view, *side, id),
        Action::Plans => plans::list(&view),
        Action::PlanComponents => plans::components(&view),
        Action::OfferingUsers => people::offering_users(&view),
        Action::Me => people::me(&view),
        Action::Customers => organisations::customers(&view),
        Action::Projects => organisations::projects(&view),
        Action::ServiceProviders => organisations::service_providers(&view),
        Action::Version => people::version(&view),
        Action::Money(action) => money_route::read(&view, action),
        Action::SetUsage | Action::SetUserUsage(_) => Answer::detail(405, "Method not allowed."),
    }
}

/// What a reading endpoint looks at.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub data: &'a Data,
    pub behaviour: &'a Behaviour,
    pub now: jiff::Timestamp,
    pub request: &'a Request,
    pub user: usize,
}

impl View<'_> {
    /// The link to a path on this server, as its clients see it.
    fn link(&self, path: &str) -> String {
        format!("{}/api/{path}/", self.request.base)
    }

    /// A page of a list whose items can be told one by one.
    fn page<T>(&self, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) -> Answer {
        match paging::page(self.request, items.len()) {
            Ok(page) => {
                let mut body = Vec::from(b"[");
                for (position, item) in items[page.range.clone()].iter().enumerate() {
                    if position > 0 {
                        body.push(b',');
                    }
                    write(item, &mut body);
                }
                body.push(b']');
                Answer::json(200, body)
                    .with("X-Result-Count", &items.len().to_string())
                    .with("Link", &page.links)
            }
            Err(refusal) => refusal,
        }
    }
}
