//! The JSON of the control paths.

use std::sync::PoisonError;

use serde_json::{Value as Json, json};

use crate::sandbox::api::State;
use crate::sandbox::commits::{Commit, Commits};
use crate::sandbox::data::StoredUsage;
use crate::sandbox::faults::SeenRequest;

/// Everything that is stored, written row by row: a million of them fill the memory once and no more.
pub(super) fn usages(state: &State) -> Vec<u8> {
    let data = state.data.read().unwrap_or_else(PoisonError::into_inner);
    let mut body = Vec::from(b"{\"usages\":[");
    let start = body.len();
    for at in (0..data.usages.len()).filter(|&at| !data.usages.is_deleted(at)) {
        if body.len() > start {
            body.push(b',');
        }
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(&mut body, &usage(&data.stored_usage(at)));
    }
    body.extend_from_slice(b"]}");
    body
}

/// The requests that are remembered.
pub(super) fn requests(seen: &[SeenRequest]) -> Json {
    json!({"requests": seen.iter().map(request).collect::<Vec<_>>()})
}

fn request(request: &SeenRequest) -> Json {
    json!({
        "moment": request.moment.map(|moment| moment.to_string()),
        "account": request.account,
        "method": request.method,
        "path": request.path,
        "body": request.body,
        "status": request.status,
        "faults": request.faults,
    })
}

/// The commits that are kept, and how many are gone.
pub(super) fn log(commits: &Commits) -> Json {
    let (kept, forgotten) = commits.kept();
    json!({"forgotten": forgotten, "commits": kept.iter().map(commit).collect::<Vec<_>>()})
}

fn commit(commit: &Commit) -> Json {
    json!({
        "moment": commit.moment.to_string(),
        "account": commit.account,
        "path": commit.path,
        "rows": commit.rows.iter().map(usage).collect::<Vec<_>>(),
        "deleted": commit.deleted.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn usage(usage: &StoredUsage) -> Json {
    json!({
        "uuid": usage.uuid.to_string(),
        "resource": usage.resource.to_string(),
        "component": usage.component.as_str(),
        "billing_period": usage.period.first_day(),
        "plan_period": usage.plan_period.map(|id| id.to_string()),
        "amount": usage.amount.to_string(),
        "description": usage.description,
        "carry_over": usage.carry_over.to_string(),
    })
}
