//! The two endpoints that write.

use std::sync::PoisonError;

use super::answer::Effort;
use super::route::{Action, Route};
use super::{Answer, Request, State, usages};
use crate::sandbox::python::{self, JsonError, Value};
use crate::sandbox::rules::{self, Refusal};

/// Carries out a post.
pub(super) fn post(state: &State, request: &Request, route: &Route, user: usize) -> Answer {
    let now = state.clock.now();
    let mut data = state.data.write().unwrap_or_else(PoisonError::into_inner);
    let outcome = match &route.action {
        Action::SetUserUsage(id) => {
            let usage = match usages::find(&data, request, id) {
                Ok(usage) => usage,
                Err(refusal) => return refusal,
            };
            match body(request) {
                Ok(body) => rules::set_user_usage(&mut data, user, usage, now, &body),
                Err(refusal) => return refusal,
            }
        }
        _ => match body(request) {
            Ok(body) => match request.quirks.items_applied {
                None => rules::set_usage(&mut data, &state.behaviour, user, now, &body),
                Some(items) => rules::set_usage_in_part(&mut data, &state.behaviour, user, now, &body, items),
            },
            Err(refusal) => return refusal,
        },
    };
    let written = state.commits.record(&mut data, now, user, &request.path, outcome.is_ok());
    drop(data);
    let answer = match outcome {
        Ok(()) => Answer::created(),
        Err(Refusal::Invalid(errors)) => Answer::value(400, &errors),
        Err(Refusal::Forbidden) => Answer::detail(403, "You do not have permission to perform this action."),
        Err(Refusal::Broken) => Answer::broken(),
    };
    Answer { effort: Effort::Post(written), ..answer }
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
