//! Settings for people: where each comes from, and what is wrong with them.

use std::fmt::Write;

use serde_json::Value;

use crate::config::{Explained, Explanation, Judged, Origin};
use crate::domain::visible;

use super::{Style, Table, counted};

/// The settings, each with where it comes from.
pub fn explained_text(explanation: &Explanation, style: Style) -> String {
    let mut table = Table::new(&["setting", "value", "from", ""]);
    for Explained { key, value, origin, instead_of } in &explanation.values {
        let others: Vec<String> = instead_of.iter().map(origin_text).collect();
        let others =
            if others.is_empty() { String::new() } else { format!("instead of {}", others.join(", ")) };
        table.row([key.clone(), value_text(value), origin_text(origin), others]);
    }
    let text = table.render("");
    let (head, rest) = text.split_once('\n').unwrap_or_default();
    format!("{}\n{rest}", style.bold(head))
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(value_text).collect::<Vec<_>>().join(", "),
        Value::String(text) => visible(text).to_string(),
        other => visible(&other.to_string()).to_string(),
    }
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::Flag { name } | Origin::Environment { name } => name.clone(),
        Origin::ProjectFile { path, line } | Origin::UserFile { path, line } => format!("{path} line {line}"),
        Origin::Login { .. } => "auth login".to_owned(),
        Origin::Default => "default".to_owned(),
    }
}

/// What is wrong with the files of settings.
pub fn judged_text(judged: &[Judged], style: Style) -> String {
    let mut text = String::new();
    for file in judged {
        let is = match (file.exists, file.faults.len()) {
            (false, _) => "is not there".to_owned(),
            (true, 0) => style.good("ok"),
            (true, faults) => style.bad(&counted(faults, "fault")),
        };
        let _ = writeln!(text, "{}: {is}", style.bold(&file.path));
        for fault in &file.faults {
            let line = fault.line.map_or_else(String::new, |line| format!("line {line}: "));
            let _ = writeln!(text, "  {line}{}", visible(&fault.what));
            if !fault.hint.is_empty() {
                let _ = writeln!(text, "    hint: {}", visible(&fault.hint));
            }
        }
    }
    text
}
