//! The users of a plan for people: how many, what changes, what cannot be sent any more.

use std::fmt::Write;

use crate::domain::visible;
use crate::plan::{MonthState, PeopleCounts, PersonLine, Plan};

use super::plan::signed;
use super::{Style, Table, counted, grouped};

/// Of how many users what happens; nothing where the plan speaks of none.
pub(super) fn people_actions(counts: &PeopleCounts) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "  users: {} to create, {} to update, {} the same",
        grouped(counts.create),
        grouped(counts.update),
        grouped(counts.same)
    );
    if counts.closed > 0 {
        let _ = write!(text, ", {} closed", grouped(counts.closed));
    }
    text.push('\n');
    text
}

/// What is sent of users, below the totals that it is a part of.
pub(super) fn people_changes(plan: &Plan, most: usize, style: Style) -> String {
    let mut table =
        Table::new(&["resource", "component", "user", "action", ">stored", "", ">new", "notes", "cell"]);
    let mut lines = 0_usize;
    for resource in plan.changed() {
        for person in resource.posted_people() {
            lines += 1;
            if lines > most {
                continue;
            }
            table.row([
                visible(&resource.name).to_string(),
                visible(person.component.as_str()).to_string(),
                visible(&person.username).to_string(),
                person.action().to_owned(),
                person.old.map_or_else(|| "-".to_owned(), |old| old.to_string()),
                "→".to_owned(),
                person.new.to_string(),
                notes(person),
                plan.cell_of(person.place.as_deref()).to_owned(),
            ]);
        }
    }
    section("Users, each a part of a total above", &table, lines, most, style)
}

fn notes(person: &PersonLine) -> String {
    let mut notes: Vec<String> = Vec::new();
    if person.user.is_none() {
        notes.push("not known to the offering".into());
    }
    notes.extend(person.note.as_ref().map(|note| visible(note).to_string()));
    if person.month != MonthState::Open {
        notes.push(person.month.to_string());
    }
    notes.join(", ")
}

/// What differs of users in a month that is closed for them, and so is never sent.
pub(super) fn people_corrections(plan: &Plan, most: usize, style: Style) -> String {
    let mut table =
        Table::new(&["resource", "component", "user", ">stored", ">in the file", ">difference", "cell"]);
    let mut lines = 0_usize;
    for (resource, person) in plan.people_corrections() {
        lines += 1;
        if lines > most {
            continue;
        }
        let difference = person.new.get().checked_sub(person.old.unwrap_or_default()).unwrap_or_default();
        table.row([
            visible(&resource.name).to_string(),
            visible(person.component.as_str()).to_string(),
            visible(&person.username).to_string(),
            person.old.map_or_else(|| "-".to_owned(), |old| old.to_string()),
            person.new.to_string(),
            signed(difference),
            plan.cell_of(person.place.as_deref()).to_owned(),
        ]);
    }
    let rows = counted(lines, "amount");
    let head = format!("Closed: {rows} of users cannot be posted for {} any more", plan.header.period);
    section(&head, &table, lines, most, style)
}

fn section(head: &str, table: &Table, lines: usize, most: usize, style: Style) -> String {
    if lines == 0 {
        return String::new();
    }
    let mut text = format!("\n{}\n{}", style.bold(head), table.render("  "));
    if lines > most {
        let _ = writeln!(text, "  … and {} more; -v shows them all", grouped(lines - most));
    }
    text
}
