//! Guards for people: each with its figure, its threshold and the flag that allows it.

use std::fmt::Write;

use crate::domain::{ComponentType, visible};
use crate::jobs::guards::Guarded;
use crate::plan::{Example, GuardReport, Verdict};

use super::{Style, Table, counted};

/// How many examples of a guard are shown.
const SHOWN: usize = 5;

/// What the guards say: what they refuse and warn of; nothing where all is quiet.
pub fn guards_text(guarded: &Guarded, style: Style) -> String {
    let mut text = String::new();
    let loud: Vec<&GuardReport> =
        guarded.guards.iter().filter(|report| report.verdict != Verdict::Passed).collect();
    if !loud.is_empty() {
        let _ = writeln!(text, "\n{}", style.bold("Guards"));
        let mut table = Table::new(&["guard", "verdict", "found", "refused from", "allowed by"]);
        for report in &loud {
            table.row([
                report.guard.text().to_owned(),
                word(report.verdict).to_owned(),
                visible(&report.figure).to_string(),
                report.threshold.clone(),
                report.flag.unwrap_or("-").to_owned(),
            ]);
        }
        text.push_str(&table.render("  "));
        for report in loud.iter().filter(|report| !report.examples.is_empty()) {
            let _ = writeln!(text, "  {}:", report.guard.text());
            for example in report.examples.iter().take(SHOWN) {
                let _ = writeln!(text, "    {}", shown(example));
            }
            let hidden = report.examples.len().saturating_sub(SHOWN) + report.examples_hidden;
            if hidden > 0 {
                let _ = writeln!(text, "    … and {hidden} more");
            }
        }
    }
    match &guarded.other_writers {
        None => {
            let _ = writeln!(
                text,
                "\nwho reported the stored rows last is not known before this account has posted some from here"
            );
        }
        Some(others) => {
            for other in others {
                let rows = counted(other.rows, "row");
                let offering = visible(&other.offering);
                let _ =
                    writeln!(text, "\n{} of {offering} last reported by somebody else", style.warn(&rows));
            }
        }
    }
    if !guarded.unpostable.is_empty() {
        let rows = counted(guarded.unpostable.len(), "row");
        let head = format!("No longer posted to: {rows} of last month, whose resources take no usage now");
        let _ = writeln!(text, "\n{}", style.bold(&head));
        let mut table =
            Table::new(&["organisation", "resource", "state", "component", ">last month", "unit", ">money"]);
        for row in guarded.unpostable.iter().take(super::SHOWN) {
            table.row([
                visible(&row.customer).to_string(),
                visible(&row.resource).to_string(),
                visible(&row.state.to_string()).to_string(),
                visible(row.component.as_str()).to_string(),
                row.last_month.to_string(),
                visible(&row.unit).to_string(),
                row.money.map_or_else(|| "-".to_owned(), |money| money.to_string()),
            ]);
        }
        text.push_str(&table.render("  "));
    }
    text
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Warned => "look",
        Verdict::Allowed => "allowed",
        Verdict::Refused => "refused",
    }
}

fn shown(example: &Example) -> String {
    let names = [
        example.customer.as_deref(),
        example.resource.as_deref(),
        example.component.as_ref().map(ComponentType::as_str),
    ];
    let names: Vec<String> = names.into_iter().flatten().map(|name| visible(name).to_string()).collect();
    let amount =
        |amount: Option<crate::domain::Amount>| amount.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let unit = example.unit.as_deref().map_or_else(String::new, |unit| format!(" {}", visible(unit)));
    if example.before.is_none() && example.after.is_none() {
        return names.join(", ");
    }
    format!("{}: {} → {}{unit}", names.join(", "), amount(example.before), amount(example.after))
}
