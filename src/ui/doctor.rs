//! A diagnosis for people: what was found, and how it is known.

use std::fmt::Write;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use crate::domain::visible;
use crate::jobs::doctor::{AccountFacts, Diagnosis, OfferingRights};
use crate::resolve::Evidence;

use super::{Style, Table, counted, grouped};

/// How many offerings are shown.
const SHOWN: usize = 20;

/// All that is known, in groups; every offering where `all`.
pub fn doctor_text(diagnosis: &Diagnosis, style: Style, all: bool) -> String {
    let mut text = String::new();
    group(&mut text, style, "connection", &connection(diagnosis));
    group(&mut text, style, "account", &account(diagnosis));
    group(&mut text, style, "server", &server(diagnosis));
    let filters = diagnosis.filters.iter().flatten();
    group(&mut text, style, "filters of usages that are heeded", &named(filters));
    group(&mut text, style, "invoices that this account sees", &named(diagnosis.invoices.iter().flatten()));
    if let Some(offerings) = &diagnosis.offerings {
        let most = if all { usize::MAX } else { SHOWN };
        text.push_str(&offerings_text(offerings, style, most));
    }
    text
}

/// A line: what it is about, what was found, how it is known.
type Row = [String; 3];

fn group(text: &mut String, style: Style, heading: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    let mut table = Table::new(&["", "", ""]);
    for row in rows {
        table.row(row.clone());
    }
    // The empty headers make an empty line, which parts the groups.
    let (parted, lines) = (if text.is_empty() { "" } else { "\n" }, table.render("  "));
    let _ = write!(text, "{parted}{}\n{}", style.bold(heading), lines.trim_start_matches('\n'));
}

fn row<T: Serialize>(name: &str, found: &Evidence<T>) -> Row {
    // A value of ours can always be written.
    let value = serde_json::to_value(&found.value).unwrap_or_default();
    [name.replace('_', " "), shown(&value), visible(&found.evidence).to_string()]
}

fn named<'a, T: Serialize + 'a>(
    found: impl Iterator<Item = (&'a &'static str, &'a Evidence<T>)>,
) -> Vec<Row> {
    let rows = found.map(|(name, found)| {
        let [_, value, evidence] = row(name, found);
        [(*name).to_owned(), value, evidence]
    });
    rows.collect()
}

/// A value in words.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => visible(text).to_string(),
        other => visible(&other.to_string()).to_string(),
    }
}

fn connection(diagnosis: &Diagnosis) -> Vec<Row> {
    let what =
        diagnosis.sandbox.as_ref().map_or_else(String::new, |world| format!("a sandbox with world {world}"));
    let [name, _, evidence] = row("proxy", &diagnosis.proxy);
    let proxy =
        diagnosis.proxy.value.as_deref().map_or_else(|| "none".to_owned(), |it| visible(it).to_string());
    let mut rows = vec![
        ["address".to_owned(), visible(&diagnosis.server).to_string(), what],
        row("encrypted", &diagnosis.encrypted),
        [name, proxy, evidence],
    ];
    if let Some(round_trip) = &diagnosis.round_trip_ms {
        let [_, value, evidence] = row("", round_trip);
        rows.push(["round trip".to_owned(), format!("{value} ms"), evidence]);
    }
    if let Some(ahead) = &diagnosis.clock_ahead_seconds {
        let [_, _, evidence] = row("", ahead);
        rows.push(["clock".to_owned(), clock(ahead.value), evidence]);
    }
    rows
}

fn clock(ahead: Option<i64>) -> String {
    match ahead {
        None => "unknown".to_owned(),
        Some(0) => "as ours".to_owned(),
        Some(seconds) => {
            let by = SignedDuration::from_secs(seconds).abs();
            format!("{by:#} {} ours", if seconds > 0 { "ahead of" } else { "behind" })
        }
    }
}

fn account(diagnosis: &Diagnosis) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(AccountFacts { uuid, username, is_staff, is_support, roles }) = &diagnosis.account {
        rows.push(["name".to_owned(), visible(username).to_string(), format!("uuid {uuid}")]);
        let privileges = [(*is_staff, "staff"), (*is_support, "support")];
        let privileges = privileges.into_iter().filter(|(has, _)| *has).map(|(_, name)| name.to_owned());
        let roles = roles.iter().map(|(role, count)| format!("{} of {count}", visible(role)));
        let held: Vec<String> = privileges.chain(roles).collect();
        let held = if held.is_empty() { "none".to_owned() } else { held.join(", ") };
        rows.push(["roles".to_owned(), held, "users/me/ tells them".to_owned()]);
    }
    rows.push(row("token expires", &diagnosis.token_expires));
    rows
}

fn server(diagnosis: &Diagnosis) -> Vec<Row> {
    let mut rows: Vec<Row> = diagnosis.version.iter().map(|version| row("version", version)).collect();
    // The capabilities are shown as they are written, whichever there are.
    let capabilities = diagnosis.capabilities.as_ref().and_then(|it| serde_json::to_value(it).ok());
    for (name, found) in capabilities.iter().filter_map(Value::as_object).flatten() {
        let evidence = found.get("evidence").and_then(Value::as_str).unwrap_or_default();
        let value = found.get("value").map(shown).unwrap_or_default();
        rows.push([name.replace('_', " "), value, visible(evidence).to_string()]);
    }
    rows.extend(diagnosis.bulk_user_usages.iter().map(|it| row("bulk user usages", it)));
    rows.extend(diagnosis.page_cap.iter().map(|it| row("largest page", it)));
    rows
}

fn offerings_text(offerings: &Evidence<Vec<OfferingRights>>, style: Style, most: usize) -> String {
    let list = &offerings.value;
    let reportable = list.iter().filter(|offering| offering.may_report).count();
    let mut text = format!(
        "\n{}: {} of {} ({})\n",
        style.bold("may report usage of"),
        grouped(reportable),
        counted(list.len(), "offering"),
        visible(&offerings.evidence)
    );
    let mut table = Table::new(&["offering", "role", "reports", "with a date", "uuid"]);
    for offering in list.iter().take(most) {
        table.row([
            visible(&offering.name).to_string(),
            offering.role.to_string(),
            shown(&offering.may_report.into()),
            shown(&offering.may_date.into()),
            offering.uuid.to_string(),
        ]);
    }
    if !list.is_empty() {
        text.push_str(&table.render("  "));
    }
    if list.len() > most {
        let _ = writeln!(text, "  … and {} more; --verbose lists them all", grouped(list.len() - most));
    }
    text
}
