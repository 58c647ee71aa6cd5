//! Findings for people: by code, gravest first, capped, with what was hidden.

use std::collections::HashSet;
use std::fmt::Write;

use crate::domain::visible;
use crate::findings::{Code, Finding, Findings, RowCounts, Severity, listed_sums};
use crate::jobs::check::Check;
use crate::plan::InputFile;
use crate::resolve::Usage;

use super::{Style, Table, counted, grouped};

/// How many findings of one code are shown.
const SHOWN: usize = 8;

/// What a check has to say.
pub fn check_text(check: &Check, style: Style) -> String {
    let findings = &check.findings;
    let mut text = warnings_text(findings, style);
    // What was left out has a finding of its own above.
    text.push_str(&layouts_text(&check.loaded.files, 1));
    let _ = writeln!(text, "{}", rows_text(check.counts()));
    if let Some(amounts) = amounts_text(check.usages.list()) {
        let _ = writeln!(text, "{amounts}");
    }
    if !check.people.list().is_empty() {
        let _ = writeln!(text, "{} of single users", counted(check.people.list().len(), "amount"));
    }
    let (denied, warned) = (findings.count(Severity::Deny), findings.count(Severity::Warn));
    let verdict = match (denied, warned) {
        (0, 0) => style.good("ok: nothing found"),
        (0, warned) => format!("{} with {}", style.good("ok"), counted(warned, "warning")),
        (denied, 0) => format!("{}: {} at deny", style.bad("not ok"), counted(denied, "finding")),
        (denied, warned) => {
            let warnings = counted(warned, "warning");
            format!("{}: {} at deny, {warnings}", style.bad("not ok"), counted(denied, "finding"))
        }
    };
    let _ = writeln!(text, "{verdict}");
    text
}

/// Findings by code, the gravest first.
pub fn warnings_text(findings: &Findings, style: Style) -> String {
    let mut text = String::new();
    for (code, severity, list) in findings.grouped() {
        let label = match severity {
            Severity::Deny => style.bad("deny"),
            Severity::Warn => style.warn("warn"),
            Severity::Allow => continue,
        };
        let _ = writeln!(text, "{label} {}: {}", style.bold(code.name()), code.title());
        text.push_str(&findings_text(&list[..list.len().min(SHOWN)]));
        if list.len() > SHOWN {
            let hidden = grouped(list.len() - SHOWN);
            let _ = writeln!(text, "  … and {hidden} more; --format json lists them all");
        }
        text.push('\n');
    }
    text
}

/// By which layout the tables of other systems were read, and what became of their rows, in at most so
/// many notes.
pub fn layouts_text(files: &[InputFile], notes: usize) -> String {
    let mut text = String::new();
    for file in files {
        let Some(layout) = file.layout.as_ref().filter(|layout| !layout.is_of_ours()) else { continue };
        let name = layout.name.as_deref().unwrap_or_default();
        let _ = writeln!(text, "{} read by the layout {}", visible(&file.name), visible(name));
        for note in layout.notes.iter().take(notes) {
            let _ = writeln!(text, "  {}", visible(note));
        }
    }
    text
}

/// Every finding that there can be.
pub fn codes_text(style: Style) -> String {
    let mut table = Table::new(&["finding", "severity", "what it is"]);
    for code in Code::ALL {
        table.row([style.bold(code.name()), code.severity().to_string(), code.title().to_owned()]);
    }
    table.render("")
}

/// What the used rows report.
fn amounts_text(usages: &[Usage]) -> Option<String> {
    let resources: HashSet<_> = usages.iter().map(|usage| usage.resource).collect();
    let first = usages.iter().map(|usage| usage.period).min()?;
    let last = usages.iter().map(|usage| usage.period).max()?;
    let months = if first == last { first.to_string() } else { format!("{first}..{last}") };
    Some(format!(
        "{} of {} for {months}",
        counted(usages.len(), "amount"),
        counted(resources.len(), "resource")
    ))
}

/// The conservation law, as people read it.
fn rows_text(counts: RowCounts) -> String {
    format!(
        "{} read: {} used, {} faulty, {} blank, {} filtered",
        counted(counts.rows_read, "row"),
        grouped(counts.rows_used),
        grouped(counts.rows_faulty),
        grouped(counts.rows_blank),
        grouped(counts.rows_filtered)
    )
}

/// The places first, then once what all of them should have been.
fn findings_text(list: &[&Finding]) -> String {
    let mut text = String::new();
    for alike in list.chunk_by(|left, right| left.expected == right.expected && left.hint == right.hint) {
        for finding in alike {
            match &finding.place {
                Some(place) => {
                    let _ = writeln!(text, "  {place}: {}", finding.found);
                }
                None => {
                    let _ = writeln!(text, "  {}", finding.found);
                }
            }
            for other in finding.others.iter().take(SHOWN) {
                let _ = writeln!(text, "    and {other}");
            }
            if !finding.sums.is_empty() {
                let _ = writeln!(text, "    sum: {}", listed_sums(&finding.sums));
            }
        }
        let _ = writeln!(text, "    expected: {}", alike[0].expected);
        if let Some(hint) = &alike[0].hint {
            let _ = writeln!(text, "    hint: {hint}");
        }
    }
    text
}
