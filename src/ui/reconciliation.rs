//! A reconciliation for the terminal: the verdict, the proof, the classes and the first breaks.
//!
//! The whole of it stands in the reports that are written; here is what one needs to decide what to do.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::domain::{Amount, Currency, visible};
use crate::reconcile::{Class, LineView, Report, SkippedRow};

use super::{Style, Table, counted, grouped};

/// How many places of rows that were left out are shown.
const PLACES: usize = 8;

/// What comes of a reconciliation, with at most so many breaks.
pub fn reconciliation_text(report: &Report, style: Style, most: usize) -> String {
    let mut text = String::new();
    let verdict = &report.verdict;
    let sentence = visible(&verdict.sentence).to_string();
    let _ = writeln!(text, "{}", if verdict.agrees { style.good(&sentence) } else { style.bad(&sentence) });
    text.push_str(&compared_text(report, style));
    let side = if report.header.sides.has_file() { "file" } else { "what is billed" };
    let heading = format!("Proof: {side} less server is what the classes come to");
    let _ = write!(text, "\n{}\n{}", style.bold(&heading), proof_text(report, style));
    let _ = write!(text, "\n{}\n{}", style.bold("Classes"), classes_text(report));
    text.push_str(&breaks_text(report, style, most));
    text.push_str(&skipped_text(&report.skipped, style));
    text.push_str(&remarks_text(report, style));
    text.push_str(&endpoints_text(report, style));
    text
}

/// What has to be known of the report as a whole.
fn remarks_text(report: &Report, style: Style) -> String {
    let remarks = &report.header.remarks;
    if remarks.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", style.bold("Remarks"));
    for remark in remarks {
        let _ = writeln!(text, "  {}: {}", remark.kind.name(), visible(&remark.text));
    }
    text
}

/// What was compared with what.
fn compared_text(report: &Report, style: Style) -> String {
    let header = &report.header;
    let mut text = String::new();
    let months: Vec<String> = header.months.iter().map(|month| month.period.to_string()).collect();
    let months = match months.as_slice() {
        [first, .., last] => format!("{first}..{last}"),
        other => other.join(""),
    };
    let files: Vec<String> = header.inputs.iter().map(|file| visible(&file.name).to_string()).collect();
    let server = match (&header.server, &header.server_rows) {
        (Some(server), _) => visible(server).to_string(),
        (None, Some(saved)) => format!("the saved list {}", visible(&saved.name)),
        (None, None) => "no server".to_owned(),
    };
    let sides = match (files.is_empty(), header.sides.has_invoices()) {
        (true, _) => format!("usages and invoices of {server}"),
        (false, false) => format!("{} with the usages of {server}", files.join(", ")),
        (false, true) => format!("{} with the usages and invoices of {server}", files.join(", ")),
    };
    let offerings: Vec<String> = header.offerings.iter().map(|name| visible(name).to_string()).collect();
    // A saved list names no offering.
    let of = if offerings.is_empty() { String::new() } else { format!(", {}", offerings.join(", ")) };
    let _ = writeln!(text, "{months}{of}: {sides}");
    for month in header.months.iter().filter(|month| month.is_partial) {
        let _ = writeln!(
            text,
            "{} {} is not over: what is compared is partial",
            style.warn("partial"),
            month.period
        );
    }
    if !header.sides.has_file() {
        return text;
    }
    let rows = header.rows;
    let _ = writeln!(
        text,
        "{} read: {} used, {} faulty, {} blank, {} filtered",
        counted(rows.rows_read, "row"),
        grouped(rows.rows_used),
        grouped(rows.rows_faulty),
        grouped(rows.rows_blank),
        grouped(rows.rows_filtered)
    );
    if header.rows_of_users > 0 {
        let rows = counted(header.rows_of_users, "row");
        let _ = writeln!(text, "{rows} of single users: parts of totals, which are not compared");
    }
    text
}

fn proof_text(report: &Report, style: Style) -> String {
    let first = if report.header.sides.has_file() { ">file" } else { ">billed" };
    let mut table = Table::new(&["component", "unit", first, ">server", ">difference", ">by class", ""]);
    let shown =
        |amount: Option<Amount>| amount.map_or_else(|| "beyond range".to_owned(), |it| it.to_string());
    for row in &report.proof.rows {
        let is_proven = if row.holds() { style.good("proven") } else { style.bad("NOT PROVEN") };
        table.row([
            visible(&row.measured.component).to_string(),
            visible(&row.measured.unit).to_string(),
            row.file.to_string(),
            row.server.to_string(),
            shown(row.difference()),
            shown(row.explained()),
            is_proven,
        ]);
    }
    table.render("  ")
}

/// Each class with its keys, what it comes to by component, and in money.
fn classes_text(report: &Report) -> String {
    let mut quantities: BTreeMap<Class, Vec<String>> = BTreeMap::new();
    for row in &report.proof.rows {
        for (class, amount) in row.classes.iter().filter(|(_, amount)| !amount.is_zero()) {
            let (component, unit) = (visible(&row.measured.component), visible(&row.measured.unit));
            quantities.entry(*class).or_default().push(format!("{component} {} {unit}", signed(*amount)));
        }
    }
    let mut table = Table::new(&["class", ">keys", "quantity", ">money", "who"]);
    for total in &report.classes {
        let quantity = quantities.get(&total.class).map_or_else(String::new, |list| list.join("; "));
        let who = if total.class.is_break() { total.class.who().to_string() } else { String::new() };
        table.row([total.class.to_string(), grouped(total.keys), quantity, money(&total.worth), who]);
    }
    table.render("  ")
}

fn breaks_text(report: &Report, style: Style, most: usize) -> String {
    let breaks = report.verdict.breaks;
    if breaks == 0 {
        return String::new();
    }
    let mut text = format!("\n{}\n", style.bold("Breaks"));
    let shown: Vec<LineView<'_>> = report.breaks().take(most).collect();
    for alike in shown.chunk_by(|one, other| one.class() == other.class()) {
        let class = alike[0].class();
        let _ = writeln!(text, "  {}: {}", style.bold(class.name()), class.title());
        for view in alike {
            text.push_str(&break_text(report, view));
        }
        let _ = writeln!(text, "    next: {} ({})", class.next_step(), class.who());
    }
    if breaks > shown.len() {
        let hidden = grouped(breaks - shown.len());
        let _ = writeln!(text, "  … and {hidden} more; -o report.xlsx or report.html lists them all");
    }
    text
}

fn break_text(report: &Report, view: &LineView<'_>) -> String {
    let (subject, measured, line) = (view.subject, view.measured, view.line);
    let side = |amount: Option<Amount>| amount.map_or_else(|| "nothing".to_owned(), |it| it.to_string());
    let organisation = if subject.organisation.is_empty() {
        String::new()
    } else {
        format!(" ({})", visible(&subject.organisation))
    };
    let mut text = format!(
        "    {}{organisation} {} {}:",
        visible(&subject.resource),
        visible(&measured.component),
        line.period
    );
    if report.header.sides.has_file() {
        let _ = write!(text, " file {},", side(line.file));
    }
    let _ = write!(text, " server {}", side(line.server));
    if let Some(billed) = view.billed() {
        let _ = write!(text, ", billed {} for {}", billed.quantity, billed.price);
    }
    if !measured.unit.is_empty() {
        let _ = write!(text, ", in {}", visible(&measured.unit));
    }
    if let Some(worth) = view.worth() {
        let _ = write!(text, "; {} at stake", money(&[worth]));
    }
    text.push('\n');
    if let Some(place) = view.cells().next() {
        let more = view.cells().count().saturating_sub(1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(text, "      at {place}{more}");
    }
    if let Some(note) = view.note() {
        let _ = writeln!(text, "      {}", visible(note));
    }
    text
}

/// The rows that could not be read and were left out.
fn skipped_text(skipped: &[SkippedRow], style: Style) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    let heading =
        format!("{} left out: they could not be read, and stand in no total", counted(skipped.len(), "row"));
    let mut text = format!("\n{}\n", style.bold(&heading));
    for row in skipped.iter().take(PLACES) {
        let _ = writeln!(text, "  {}: {} ({})", row.place, visible(&row.found), row.code);
    }
    if skipped.len() > PLACES {
        let _ = writeln!(text, "  … and {} more; the report lists them all", grouped(skipped.len() - PLACES));
    }
    text
}

fn endpoints_text(report: &Report, style: Style) -> String {
    let header = &report.header;
    let mut text = String::new();
    if !header.endpoints.is_empty() {
        let _ = writeln!(text, "\n{}", style.bold("Read from the server"));
        let mut table = Table::new(&["endpoint", ">rows", "how"]);
        for endpoint in &header.endpoints {
            let read = visible(&endpoint.read).to_string();
            table.row([visible(&endpoint.path).to_string(), grouped(endpoint.rows), read]);
        }
        text.push_str(&table.render("  "));
    }
    let currency = match &header.currency {
        Some(told) => format!("prices are in {}, as {} says", told.currency, visible(&told.source)),
        None => "nobody tells the currency of prices".to_owned(),
    };
    let _ = writeln!(text, "{currency}");
    for rule in &header.rules {
        let ended = if rule.has_ended { ", which has ended and was not applied" } else { "" };
        let lines = counted(rule.lines, "line");
        let _ = writeln!(text, "rule {}: {}{ended}; {lines}", visible(&rule.name), visible(&rule.says));
    }
    text
}

/// Money by currency; currencies are never added together.
fn money(worth: &[(Option<Currency>, Amount)]) -> String {
    let each = worth.iter().map(|(currency, amount)| match currency {
        Some(currency) => format!("{amount} {currency}"),
        None => amount.to_string(),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn signed(amount: Amount) -> String {
    if amount.is_negative() || amount.is_zero() { amount.to_string() } else { format!("+{amount}") }
}
