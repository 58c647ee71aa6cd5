//! The endpoints that write.

use std::sync::PoisonError;

use super::route::{Action, Route};
use super::{Answer, Request, State, usages};
use crate::sandbox::python::{self, JsonError, Value};
use crate::sandbox::rules::{self, Caller, Refusal};

/// Carries out a post.
pub(super) fn post(state: &State, request: &Request, route: &Route, user: usize) -> Answer {
    let now = state.clock.now();
    let caller = Caller { behaviour: &state.behaviour, user, now };
    let mut data = state.data.write().unwrap_or_else(PoisonError::into_inner);
    let outcome = match &route.action {
        Action::SetUserUsage(id) | Action::SetUserUsages(id) => {
            let usage = match usages::find(&data, request, &state.behaviour, id) {
                Ok(usage) => usage,
                Err(refusal) => return refusal,
            };
            let body = match body(request) {
                Ok(body) => body,
                Err(refusal) => return refusal,
            };
            match &route.action {
                Action::SetUserUsages(_) => rules::set_user_usages(&mut data, caller, usage, &body),
                _ => rules::set_user_usage(&mut data, caller, usage, &body),
            }
        }
        _ => match body(request) {
            Ok(body) => rules::set_usage(&mut data, caller, &body),
            Err(refusal) => return refusal,
        },
    };
    match outcome {
        Ok(()) => Answer::created(),
        Err(Refusal::Invalid(errors)) => Answer::value(400, &errors),
        Err(Refusal::Forbidden) => Answer::detail(403, "You do not have permission to perform this action."),
        Err(Refusal::Broken) => Answer::broken(),
    }
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
