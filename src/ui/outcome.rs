//! What became of a run, for people.

use std::fmt::Write;
use std::path::PathBuf;

use crate::domain::{RunId, visible};
use crate::jobs::apply::{ApplyReport, LineOutcome};
use crate::jobs::refresh::StaleLine;
use crate::plan::{Figures, Outcome};

use super::{Style, Table, counted, grouped};

const SHOWN: usize = 40;

/// The report of a run: counts first, then every row that is not as planned.
pub fn apply_text(report: &ApplyReport, run: RunId, style: Style) -> String {
    let mut text = String::new();
    let counts: Vec<String> =
        report.counts().iter().map(|(name, count)| format!("{} {name}", grouped(*count))).collect();
    let _ = writeln!(text, "{}: {}", counted(report.lines.len(), "row"), counts.join(", "));
    if report.counts().contains_key("kept") {
        let _ = writeln!(text, "kept: posted again as stored, so that the server does not forget them");
    }
    let _ = writeln!(
        text,
        "requests: {} accepted, {} rejected, {} without an answer, {} not sent",
        grouped(report.requests_accepted),
        grouped(report.requests_rejected),
        grouped(report.requests_lost),
        grouped(report.requests_not_sent)
    );
    let people = report.lines.iter().filter(|line| line.username.is_some()).count();
    if people > 0 {
        let _ = writeln!(text, "{} of them of single users", grouped(people));
    }
    let amiss: Vec<&LineOutcome> = report.lines.iter().filter(|line| !line.outcome.is_as_planned()).collect();
    if !amiss.is_empty() {
        let mut table = Table::new(&["resource", "component", ">planned", "outcome", "detail", "cell"]);
        for line in amiss.iter().take(SHOWN) {
            table.row([
                visible(&line.name).to_string(),
                of_whom(line.component.as_str(), line.username.as_deref()),
                line.planned.amount.to_string(),
                line.outcome.name().to_owned(),
                detail(&line.outcome),
                line.place.clone().unwrap_or_default(),
            ]);
        }
        text.push('\n');
        text.push_str(&table.render("  "));
        if amiss.len() > SHOWN {
            let _ =
                writeln!(text, "  … and {} more; --format json lists them all", grouped(amiss.len() - SHOWN));
        }
    }
    if let Some(reason) = &report.stopped {
        let _ = writeln!(text, "\nstopped: {}", visible(reason));
    }
    if let Some(reason) = &report.unverified {
        let _ = writeln!(text, "\nnot verified: {}", visible(reason));
    }
    let verdict = if report.is_as_planned() {
        style.good("verified: what is stored is what was planned, row by row")
    } else {
        style.bad("not every row is as planned")
    };
    let _ = writeln!(text, "{verdict}");
    let _ = writeln!(text, "run {run}");
    if !report.is_over() {
        let _ = writeln!(text, "`waldur-usage resume {run}` goes on with what is missing");
    }
    text
}

/// The files that a run wrote, and the head of the audit trail.
pub fn files_text(files: &[PathBuf], audit_head: Option<&(u64, String)>) -> String {
    let mut text = String::new();
    for file in files {
        let _ = writeln!(text, "written to {}", visible(&file.to_string_lossy()));
    }
    if let Some((entries, hash)) = audit_head {
        let entries = usize::try_from(*entries).unwrap_or(usize::MAX);
        let _ = writeln!(text, "audit trail: {}, head {hash}", counted_entries(entries));
    }
    text
}

fn counted_entries(entries: usize) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(entries)) }
}

/// A component, and the user where it is of one.
pub(super) fn of_whom(component: &str, username: Option<&str>) -> String {
    let component = visible(component);
    username.map_or_else(|| component.to_string(), |name| format!("{component} of {}", visible(name)))
}

fn detail(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Posted | Outcome::AlreadyThere | Outcome::Kept => String::new(),
        Outcome::Differs { stored } | Outcome::Stale { stored } => {
            format!("stored is {}", shown(stored.as_ref()))
        }
        Outcome::Rejected { status, message } => format!("{status}: {}", visible(message)),
        Outcome::Unknown { reason } | Outcome::NotSent { reason } => visible(reason).to_string(),
    }
}

fn shown(figures: Option<&Figures>) -> String {
    figures.map_or_else(|| "no row".to_owned(), |figures| figures.amount.to_string())
}

/// Resources that can no longer be posted to.
pub fn unpostable_text<'a>(reasons: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = reasons.len().saturating_sub(SHOWN);
    let mut text = String::new();
    for reason in reasons.take(SHOWN) {
        let _ = writeln!(text, "  {reason}");
    }
    if more > 0 {
        let _ = writeln!(text, "  … and {} more", grouped(more));
    }
    text
}

/// The rows that changed since a plan was made.
pub fn stale_text(stale: &[StaleLine]) -> String {
    let mut table = Table::new(&["resource", "component", ">planned from", ">stored now", ">new", ""]);
    for line in stale.iter().take(SHOWN) {
        table.row([
            visible(&line.name).to_string(),
            of_whom(line.component.as_str(), line.username.as_deref()),
            shown(line.planned_from.as_ref()),
            shown(line.stored.as_ref()),
            line.new.map_or_else(|| "left".to_owned(), |new| new.to_string()),
            if line.plan_periods_changed { "its plan periods changed" } else { "" }.to_owned(),
        ]);
    }
    let mut text = table.render("  ");
    if stale.len() > SHOWN {
        let _ = writeln!(text, "  … and {} more; --format json lists them all", grouped(stale.len() - SHOWN));
    }
    text
}
