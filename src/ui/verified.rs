//! What was proven of a run, for people.

use std::fmt::Write;

use crate::domain::visible;
use crate::jobs::verify::{BilledLine, Bills, Verified, VerifiedLine};

use super::outcome::of_whom;
use super::{SHOWN, Style, Table, counted, grouped};

/// Rows that are not as planned, and what the invoices tell.
pub fn verified_text(verified: &Verified, style: Style) -> String {
    let mut text = String::new();
    let amiss: Vec<&VerifiedLine> = verified.lines.iter().filter(|line| !line.is_as_planned).collect();
    if amiss.is_empty() {
        let rows = counted(verified.lines.len(), "row");
        let _ = writeln!(text, "{}", style.good(&format!("verified: {rows} stored as the run left them")));
    } else {
        let rows = format!("{} of {}", grouped(amiss.len()), counted(verified.lines.len(), "row"));
        let _ = writeln!(text, "{}", style.bad(&format!("{rows} not stored as the run was to leave them")));
        let mut table = Table::new(&["resource", "component", ">planned", ">stored"]);
        for line in amiss.iter().take(SHOWN) {
            table.row([
                visible(&line.name).to_string(),
                of_whom(line.component.as_str(), line.username.as_deref()),
                line.planned.amount.to_string(),
                line.stored.as_ref().map_or_else(|| "no row".to_owned(), |stored| stored.amount.to_string()),
            ]);
        }
        text.push_str(&table.render("  "));
        if amiss.len() > SHOWN {
            let _ =
                writeln!(text, "  … and {} more; --format json lists them all", grouped(amiss.len() - SHOWN));
        }
    }
    text.push_str(&bills_text(&verified.bills));
    text
}

/// What becomes of the posted rows on the invoices.
pub fn bills_text(bills: &Bills) -> String {
    let mut text = String::new();
    if let Some(reason) = &bills.unread {
        let _ = writeln!(text, "invoices: could not be read: {}", visible(reason));
        return text;
    }
    if bills.lines.is_empty() {
        return text;
    }
    let counts: Vec<String> =
        bills.counts().iter().map(|(word, count)| format!("{} {word}", grouped(*count))).collect();
    let _ = writeln!(text, "invoices: {}", counts.join(", "));
    let amiss: Vec<&BilledLine> = bills.lines.iter().filter(|line| line.billing.is_amiss()).collect();
    if !amiss.is_empty() {
        let mut table = Table::new(&["resource", "component", ">stored", "on the invoice"]);
        for line in amiss.iter().take(SHOWN) {
            table.row([
                visible(&line.name).to_string(),
                visible(line.component.as_str()).to_string(),
                line.stored.amount.to_string(),
                line.billing.text().to_owned(),
            ]);
        }
        text.push_str(&table.render("  "));
        if amiss.len() > SHOWN {
            let _ =
                writeln!(text, "  … and {} more; --format json lists them all", grouped(amiss.len() - SHOWN));
        }
    }
    text
}
