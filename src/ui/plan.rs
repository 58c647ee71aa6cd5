//! A plan for people: the figures first, then what changes.

use std::fmt::Write;

use crate::domain::{Amount, visible};
use crate::jobs::left_out::LeftOutSummary;
use crate::plan::{Change, Plan, Summary, Total, Totals};

use super::{Style, Table, counted, grouped};

/// How many changed lines are shown where nobody asks for all of them.
pub const SHOWN: usize = 40;

/// What a plan would do; of the changed lines at most so many are shown.
pub fn plan_text(plan: &Plan, style: Style, most: usize) -> String {
    let summary = Summary::of(plan);
    let mut text = String::new();
    let title = format!("Plan for {} on {}", plan.header.period, plan.header.server);
    let _ = writeln!(text, "{}", style.bold(&title));
    let _ = writeln!(text, "  {}\n", actions(&summary.lines, summary.kept));
    if summary.resources_to_post == 0 {
        let _ = writeln!(text, "{}", style.good("nothing to do: every row is stored as the file wants it"));
        return text;
    }
    let _ = writeln!(text, "{}", style.bold("By component"));
    text.push_str(&totals(&summary.components, false));
    let _ = writeln!(text, "\n{}", style.bold("By organisation"));
    text.push_str(&totals(&summary.customers, true));
    let _ = writeln!(text, "\n{}", style.bold("Changes"));
    text.push_str(&changes(plan, most));
    let requests = counted(summary.resources_to_post, "request");
    let _ = writeln!(text, "\n{requests}, one for each resource that changes");
    text.push_str(&assumptions(plan));
    text
}

fn actions(lines: &Total, kept: usize) -> String {
    let mut parts = vec![
        format!("{} to create", grouped(lines.create)),
        format!("{} to update", grouped(lines.update)),
        format!("{} the same", grouped(lines.same)),
        format!("{} only on the server", grouped(lines.only_on_server)),
    ];
    if kept > 0 {
        parts.push(format!(
            "{} kept (posted again unchanged, so that the server does not forget them)",
            grouped(kept)
        ));
    }
    parts.join(", ")
}

fn totals(totals: &[Totals], by_customer: bool) -> String {
    let mut headers =
        vec!["component", "unit", ">create", ">update", ">same", ">stored", ">after", ">difference"];
    if by_customer {
        headers.insert(0, "organisation");
    }
    let mut table = Table::new(&headers);
    for group in totals.iter().filter(|group| group.total.changes() + group.total.same > 0) {
        let total = &group.total;
        let customer = group.customer.iter().map(|customer| visible(customer).to_string());
        let figures = [
            visible(&group.component).to_string(),
            visible(&group.unit).to_string(),
            grouped(total.create),
            grouped(total.update),
            grouped(total.same),
            total.old.to_string(),
            total.new.to_string(),
            signed(total.difference()),
        ];
        table.row(customer.chain(figures));
    }
    table.render("  ")
}

fn signed(amount: Amount) -> String {
    if amount.is_negative() || amount.is_zero() { amount.to_string() } else { format!("+{amount}") }
}

fn changes(plan: &Plan, most: usize) -> String {
    let mut table =
        Table::new(&["resource", "component", "action", ">stored", "", ">new", "unit", "notes", "cell"]);
    let mut hidden = 0_usize;
    let mut shown = 0_usize;
    for resource in plan.changed() {
        for line in &resource.lines {
            let Some(new) = line.change.wanted() else { continue };
            if shown == most {
                hidden += 1;
                continue;
            }
            shown += 1;
            let old = line.change.old().map_or_else(|| "-".to_owned(), |old| old.amount.to_string());
            table.row([
                visible(&resource.name).to_string(),
                visible(line.component.as_str()).to_string(),
                line.change.action().to_owned(),
                old,
                "→".to_owned(),
                new.amount.to_string(),
                visible(&line.unit).to_string(),
                notes(&line.change),
                cell(plan, line.place.as_deref()),
            ]);
        }
    }
    let mut text = table.render("  ");
    if hidden > 0 {
        let _ =
            writeln!(text, "  … and {} more; -v shows them all, -o plan.xlsx writes them", grouped(hidden));
    }
    text
}

/// The cell that an amount comes from; its file goes without saying where there is only one.
fn cell(plan: &Plan, place: Option<&str>) -> String {
    let place = place.unwrap_or_default();
    let file = match plan.header.inputs.as_slice() {
        [only] => visible(&only.name).to_string(),
        _ => String::new(),
    };
    place.strip_prefix(&file).unwrap_or(place).trim_start().to_owned()
}

/// What changes besides the amount.
fn notes(change: &Change) -> String {
    let Change::Update { old, new } = change else { return String::new() };
    let mut notes = Vec::new();
    if old.description != new.description {
        notes.push("description");
    }
    if old.carry_over != new.carry_over {
        notes.push("carry-over");
    }
    notes.join(", ")
}

fn assumptions(plan: &Plan) -> String {
    let capabilities = &plan.header.capabilities;
    let mut unknown = Vec::new();
    let mut note = |evidence: &str, what: &'static str| {
        if evidence == "assumed" {
            unknown.push(what);
        }
    };
    note(&capabilities.takes_date.evidence, "no date in requests");
    note(&capabilities.row_per_plan_period.evidence, "a row per plan period");
    note(&capabilities.limits_count_stored_row.evidence, "stored rows count against limits");
    note(&capabilities.requests_are_atomic.evidence, "requests are not atomic");
    note(&capabilities.replaces_current_usages.evidence, "current usages are replaced");
    note(&capabilities.time_zone.evidence, "time zone unknown");
    if unknown.is_empty() {
        return String::new();
    }
    format!("assumed of this server, to be on the safe side: {}\n", unknown.join(", "))
}

/// What `--skip-faulty` leaves out.
pub fn left_out_text(left_out: &LeftOutSummary, style: Style) -> String {
    let mut text = String::new();
    let head = format!("Left out: {}, with all rows of their resources", counted(left_out.rows, "row"));
    let _ = writeln!(text, "{}", style.warn(&head));
    for (component, amount) in &left_out.quantities {
        let _ = writeln!(text, "  {} {amount} in rows without a fault of their own", visible(component));
    }
    for file in &left_out.files {
        let _ = writeln!(text, "  written to {}", visible(file));
    }
    text.push('\n');
    text
}
