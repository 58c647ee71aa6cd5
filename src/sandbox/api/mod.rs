//! The endpoints: from a path and a token to an answer.
//!
//! Everything here reads but the posts, and those hand over to `rules`. The order of refusals is the real
//! server's: unknown path, credentials, method, body, rights.

mod answer;
mod authentication;
mod constant_fields;
mod digits;
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

use jiff::Timestamp;

pub(super) use answer::{Answer, Effort};
pub(super) use constant_fields::ConstantFields;
pub(super) use posts::Order;
pub(super) use request::{Query, Request};

use self::route::{Action, Route};
use super::SandboxError;
use super::behaviour::Behaviour;
use super::clock::Clock;
use super::commits::Commits;
use super::data::Data;
use super::event::Event;
use super::rules;
use super::state_file::StateFile;

/// What all requests share.
#[derive(Debug)]
pub(super) struct State {
    pub data: RwLock<Data>,
    pub constant: ConstantFields,
    pub behaviour: Behaviour,
    pub clock: Clock,
    pub commits: Commits,
    /// Where what changes is kept between runs.
    pub file: Option<StateFile>,
}

/// Answers one request, after what time alone has brought about.
pub(super) fn answer(state: &State, request: &Request) -> Answer {
    if state.file.as_ref().is_some_and(StateFile::has_failed) || keep_up(state).is_err() {
        return Answer::broken();
    }
    let Some(route) = Route::resolve(&request.path, &state.behaviour) else {
        let with_slash = format!("{}/", request.path);
        return if Route::resolve(&with_slash, &state.behaviour).is_some() {
            Answer::redirect(&request.with_path(&with_slash))
        } else {
            Answer::not_found_page()
        };
    };
    let answer = answer_route(state, request, &route);
    if answer.status == 500 { answer } else { answer.with("Allow", route.allow()) }
}

impl State {
    /// Sets the clock; it runs on from there.
    pub(super) fn set_clock(&self, now: Timestamp) -> Result<(), SandboxError> {
        // Whoever holds the tables is alone, so that events stand in the order in which they happened.
        let _data = self.data.write().unwrap_or_else(PoisonError::into_inner);
        self.clock.set(now);
        self.keep(&Event::Clock { at: now })
    }

    /// The user name of whose token a request carries, whether or not it is let in.
    pub(super) fn account(&self, authorization: Option<&str>) -> Option<String> {
        let data = self.data.read().unwrap_or_else(PoisonError::into_inner);
        authentication::holder(&data, authorization?).map(|user| data.users[user].username.clone())
    }

    /// Keeps an event, where a file was asked for.
    pub(super) fn keep(&self, event: &Event) -> Result<(), SandboxError> {
        self.file.as_ref().map_or(Ok(()), |file| file.add(event))
    }
}

/// What the log says of what no request has brought about.
const TIME: &str = "time";

/// Does what is due by now, where anything is.
fn keep_up(state: &State) -> Result<(), SandboxError> {
    let now = state.clock.now();
    let is_behind = || state.data.read().unwrap_or_else(PoisonError::into_inner).is_behind(now);
    if !is_behind() {
        return Ok(());
    }
    let mut data = state.data.write().unwrap_or_else(PoisonError::into_inner);
    rules::keep_up(&mut data, &state.behaviour, now);
    state.commits.record(&mut data, now, None, TIME, false);
    state.keep(&Event::Time { at: now })
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
    let State { behaviour, constant, .. } = state;
    let view = View { data: &data, constant, behaviour, now: state.clock.now(), request, user };
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
        Action::Configuration => people::configuration(),
        Action::Money(action) => money_route::read(&view, action),
        Action::SetUsage | Action::SetUserUsage(_) | Action::SetUserUsages(_) => {
            Answer::detail(405, "Method not allowed.")
        }
    }
}

/// What a reading endpoint looks at.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub data: &'a Data,
    pub constant: &'a ConstantFields,
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
                let shown = self.request.quirks.shown(&page.range).map(|position| &items[position]);
                for (written, item) in shown.enumerate() {
                    if written == 1 {
                        // Rows are about as long as the first; to grow by and by would copy them.
                        body.reserve(body.len() * page.range.len() / 8 * 9);
                    }
                    if written > 0 {
                        body.push(b',');
                    }
                    write(item, &mut body);
                    let asked = || self.request.query.all("field");
                    let wants = |name: &str| asked().next().is_none() || asked().any(|own| own == name);
                    self.request.quirks.add_field(&mut body, wants);
                }
                body.push(b']');
                let answer = Answer { effort: Effort::Rows(page.range.len()), ..Answer::json(200, body) };
                answer.with("X-Result-Count", &items.len().to_string()).with("Link", &page.links)
            }
            Err(refusal) => refusal,
        }
    }
}
