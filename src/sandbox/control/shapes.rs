//! The JSON of the control paths.

use std::sync::PoisonError;

use serde_json::{Value as Json, json};

use crate::sandbox::api::State;
use crate::sandbox::commits::{Commit, Commits};
use crate::sandbox::data::StoredUsage;
use crate::sandbox::faults::SeenRequest;

/// Everything that is stored.
pub(super) fn usages(state: &State) -> Json {
    let stored = state.data.read().unwrap_or_else(PoisonError::into_inner).stored_usages();
    json!({"usages": stored.iter().map(usage).collect::<Vec<_>>()})
}

/// The requests that are remembered.
pub(super) fn requests(seen: &[SeenRequest]) -> Json {
    let requests = seen
        .iter()
        .map(|request| json!({"method": request.method, "path": request.path, "body": request.body}));
    json!({"requests": requests.collect::<Vec<_>>()})
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
    })
}

fn usage(usage: &StoredUsage) -> Json {
    json!({
        "uuid": usage.uuid.to_string(),
        "resource": usage.resource.to_string(),
        "component": usage.component.to_string(),
        "billing_period": usage.period.first_day(),
        "plan_period": usage.plan_period.map(|id| id.to_string()),
        "amount": usage.amount.to_string(),
        "description": usage.description,
        "carry_over": usage.carry_over.to_string(),
    })
}
