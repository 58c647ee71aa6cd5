//! The endpoints that write.

use std::sync::PoisonError;

use super::answer::Effort;
use super::route::{Action, Route};
use super::{Answer, Request, State, usages};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::commits::Written;
use crate::sandbox::data::Data;
use crate::sandbox::event::{Event, Post};
use crate::sandbox::python::{self, JsonError, Value};
use crate::sandbox::rules::{Caller, Refusal};

/// Carries out a post.
pub(super) fn post(state: &State, request: &Request, route: &Route, user: usize) -> Answer {
    let caller = Caller { behaviour: &state.behaviour, user, now: state.clock.now() };
    let mut data = state.data.write().unwrap_or_else(PoisonError::into_inner);
    let found = find(&data, request, &state.behaviour, &route.action);
    let (post, body) = match found.and_then(|post| Ok((post, body(request)?))) {
        Ok(found) => found,
        Err(refusal) => return refusal,
    };
    let order = Order { post, body: &body, text: &request.body, items: request.quirks.items_applied };
    let (outcome, written) = state.commit(&mut data, caller, &order, &request.path);
    drop(data);
    let answer = match outcome {
        Ok(()) => Answer::created(),
        Err(Refusal::Invalid(errors)) => Answer::value(400, &errors),
        Err(Refusal::Forbidden) => Answer::detail(403, "You do not have permission to perform this action."),
        Err(Refusal::Broken) => Answer::broken(),
    };
    Answer { effort: Effort::Post(written), ..answer }
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

/// A post with what it carries.
pub(in crate::sandbox) struct Order<'a> {
    pub post: Post,
    pub body: &'a Value,
    /// The body as it was sent.
    pub text: &'a [u8],
    /// How many items are stored before the server breaks; all of them where it does not.
    pub items: Option<usize>,
}

impl State {
    /// Carries a post out, logs what it has written, and keeps it where a file was asked for. Part of
    /// a refused post may have been saved.
    pub(in crate::sandbox) fn commit(
        &self,
        data: &mut Data,
        caller: Caller,
        order: &Order,
        path: &str,
    ) -> (Result<(), Refusal>, Written) {
        let ids_made = data.ids_made();
        let outcome = order.post.carry_out(data, caller, order.body, order.items);
        let written = self.commits.record(data, caller.now, Some(caller.user), path, outcome.is_ok());
        // A refused post may have left a plan period, which no row tells of.
        if !written.is_logged && data.ids_made() == ids_made {
            return (outcome, written);
        }
        let kept = self.keep(&Event::Post {
            at: caller.now,
            by: data.users[caller.user].uuid,
            post: order.post,
            items: order.items,
            body: String::from_utf8_lossy(order.text).into_owned(),
        });
        // What cannot be kept must not be called done.
        (kept.map_err(|_| Refusal::Broken).and(outcome), written)
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
