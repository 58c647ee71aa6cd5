//! What an export did, for people: a line for each target, month and table.

use std::fmt::Write;

use crate::domain::visible;
use crate::jobs::export::{Done, Fate};

use super::{Style, Table, counted, grouped};

/// How many components are told of a month that changed.
const COMPONENTS: usize = 3;

/// The lines and the totals; of a month that changed all components where `all`, else a few.
pub fn export_text(done: &[Done], is_complete: bool, all: bool, style: Style) -> String {
    let mut text = String::new();
    let mut targets: Vec<&str> = Vec::new();
    for one in done {
        if !targets.contains(&one.target.as_str()) {
            targets.push(&one.target);
        }
    }
    for target in targets {
        let own: Vec<&Done> = done.iter().filter(|one| one.target == target).collect();
        let _ = writeln!(text, "{}", style.bold(&visible(target).to_string()));
        let mut table = Table::new(&["month", "table", ">rows", "fate", "what changed"]);
        for one in &own {
            table.row([
                one.entry.period.to_string(),
                visible(&one.entry.table).to_string(),
                grouped(one.entry.rows),
                one.fate.words().to_owned(),
                change(one, all),
            ]);
        }
        text.push_str(&table.render("  "));
    }
    let totals = Fate::ALL.into_iter().filter_map(|fate| {
        let count = done.iter().filter(|one| one.fate == fate).count();
        (count > 0).then(|| format!("{} {}", grouped(count), fate.words()))
    });
    let totals = totals.collect::<Vec<_>>().join(", ");
    let rows = done.iter().map(|one| one.entry.rows).sum();
    let _ = writeln!(text, "\n{totals}; {} in all", counted(rows, "row"));
    if !is_complete {
        let _ = writeln!(
            text,
            "{}",
            style.warn("An error ended the run: what is told here stands, and the rest is as it was.")
        );
    }
    text
}

/// What changed, in a few words.
fn change(one: &Done, all: bool) -> String {
    if let Some(since) = one.entry.not_checked_since {
        return format!("since {since:.0}");
    }
    let Some(revision) = &one.revision else { return String::new() };
    let mut parts = Vec::new();
    match &revision.rows {
        Some(rows) => {
            let counts = [(rows.added, "added"), (rows.changed, "changed"), (rows.removed, "removed")];
            let counts = counts.into_iter().filter(|(count, _)| *count > 0);
            parts.extend(counts.map(|(count, word)| format!("{} {word}", grouped(count))));
        }
        None => parts.push("rows unknown".to_owned()),
    }
    let shown = if all { revision.difference.len() } else { COMPONENTS };
    for component in revision.difference.iter().take(shown) {
        let sign = if component.difference.is_negative() { "" } else { "+" };
        parts.push(format!("{} {sign}{}", visible(&component.component), component.difference));
    }
    if revision.difference.len() > shown {
        parts.push(counted(revision.difference.len() - shown, "more component"));
    }
    parts.join(", ")
}
