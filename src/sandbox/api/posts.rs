//! The endpoints that write.

use std::sync::PoisonError;

use super::route::{Action, Route};
use super::{Answer, Request, State, usages};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::data::Data;
use crate::sandbox::event::{Event, Post};
use crate::sandbox::python::{self, JsonError, Value};
use crate::sandbox::rules::{Caller, Refusal};

/// Carries out a post.
pub(super) fn post(state: &State, request: &Request, route: &Route, user: usize) -> Answer {
    let caller = Caller { behaviour: &state.behaviour, user, now: state.clock.now() };
    let mut data = state.data.write().unwrap_or_else(PoisonError::into_inner);
    let outcome = find(&data, request, &state.behaviour, &route.action)
        .and_then(|post| commit(state, &mut data, caller, post, request));
    match outcome {
        Ok(()) => Answer::created(),
        Err(refusal) => refusal,
    }
}

/// What the path asks for; its usage must be there before the body is looked at.
fn find(data: &Data, request: &Request, behaviour: &Behaviour, action: &Action) -> Result<Post, Answer> {
    let usage = |id| {
        let at = usages::find(data, request, behaviour, id)?;
        Ok(data.usages.row(at).uuid)
    };
    match action {
        Action::SetUserUsage(id) => Ok(Post::UserUsage { usage: usage(id)? }),
        Action::SetUserUsages(id) => Ok(Post::UserUsages { usage: usage(id)? }),
        _ => Ok(Post::Usage),
    }
}

/// Carries out a post and keeps what it changed; part of a refused one may have been saved.
fn commit(
    state: &State,
    data: &mut Data,
    caller: Caller,
    post: Post,
    request: &Request,
) -> Result<(), Answer> {
    let body = body(request)?;
    let before = data.usages.writes();
    let outcome = post.carry_out(data, caller, &body);
    let is_half_saved = matches!(outcome, Err(Refusal::Invalid(_)))
        && !caller.behaviour.atomic
        && data.usages.writes() > before;
    if outcome.is_ok() || is_half_saved {
        let event = Event {
            at: caller.now,
            by: data.users[caller.user].username.clone(),
            post,
            body: String::from_utf8_lossy(&request.body).into_owned(),
        };
        // What cannot be kept must not be called done.
        state.keep(&event).map_err(|_| Answer::broken())?;
    }
    outcome.map_err(|refusal| match refusal {
        Refusal::Invalid(errors) => Answer::value(400, &errors),
        Refusal::Forbidden => Answer::detail(403, "You do not have permission to perform this action."),
        Refusal::Broken => Answer::broken(),
    })
}

/// Reads the body; none at all is an empty dictionary.
fn body(request: &Request) -> Result<Value, Answer> {
    if request.body.is_empty() {
        return Ok(Value::Dict(Vec::new()));
    }
    let content_type = request.content_type.as_deref().unwrap_or("application/json");
    if !content_type.to_ascii_lowercase().starts_with("application/json") {
        let detail = format!("Unsupported media type \"{content_type}\" in request.");
        return Err(Answer::detail(415, &detail));
    }
    python::parse(&request.body).map_err(|error| match error {
        JsonError::Said(message) => Answer::detail(400, &format!("JSON parse error - {message}")),
        JsonError::TooDeep => Answer::broken(),
    })
}
