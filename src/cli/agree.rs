//! Asking once, before anything is posted.

use crate::domain::Destination;
use crate::error::Error;
use crate::plan::{Plan, Refusal, Summary};
use crate::ui::{self, Format, Style, Terminal};

use super::Global;

/// Asks whether a plan is to be posted; true where somebody was asked, so that time has gone by, and
/// false where they said so beforehand.
pub async fn ask(
    plan: &Plan,
    destination: &Destination,
    yes: bool,
    global: &Global,
    terminal: &Terminal,
) -> Result<bool, Error> {
    if yes {
        return Ok(false);
    }
    if global.no_input || !Terminal::can_ask() {
        let what = "nobody can be asked whether to post";
        return Err(Error::setting(what, "look at the plan, then run it again with --yes"));
    }
    if matches!(global.format.into(), Format::Json) {
        terminal.error(&ui::plan_text(plan, Style::PLAIN, ui::SHOWN));
    }
    let question = question(plan, destination);
    // Waiting for an answer blocks, and Ctrl-C has to be heard meanwhile.
    let answer = tokio::task::spawn_blocking(move || Terminal::ask(&question));
    if answer.await.map_err(|error| Error::Bug(format!("the question broke off: {error}")))? {
        Ok(true)
    } else {
        Err(Refusal::Declined.into())
    }
}

fn question(plan: &Plan, destination: &Destination) -> String {
    let what = if destination.sandbox.is_some() { ", a sandbox" } else { "" };
    let summary = Summary::of(plan);
    let (create, update) = (ui::grouped(summary.lines.create), ui::grouped(summary.lines.update));
    let resources = ui::counted(summary.resources_to_post, "resource");
    let people = match summary.people.changes() {
        0 => String::new(),
        people => format!(", and those of {}", ui::counted(people, "user")),
    };
    format!(
        "Post {create} new and {update} changed amounts of {resources}{people} for {} to {}{what}?",
        plan.header.period, destination.server
    )
}
