//! A plan for people: the figures first, then what changes.

use std::fmt::Write;

use crate::domain::{Amount, visible};
use crate::jobs::left_out::LeftOutSummary;
use crate::plan::{
    Batch, Change, Counts, Line, Money, MonthState, PeopleBatch, Plan, ResourcePlan, Summary, Totals,
};

use super::findings::layouts_text;
use super::people::{people_actions, people_changes, people_corrections};
use super::rounding::rounding_text;
use super::{Style, Table, counted, grouped};

/// How many changed lines are shown where nobody asks for all of them.
pub const SHOWN: usize = 40;
/// The same for lines that are on the server alone.
const SHOWN_ON_SERVER: usize = 8;

/// What a plan would do; of the changed lines at most so many are shown.
pub fn plan_text(plan: &Plan, style: Style, most: usize) -> String {
    let summary = Summary::of(plan);
    let mut text = String::new();
    let title = format!("Plan for {} on {}", plan.header.period, plan.header.server);
    let _ = writeln!(text, "{}", style.bold(&title));
    if let Some(world) = &plan.header.sandbox {
        let _ = writeln!(text, "  a sandbox answers there (named {world}); the plan fits no other server");
    }
    for line in layouts_text(&plan.header.inputs, usize::MAX).lines() {
        let _ = writeln!(text, "  {line}");
    }
    for file in &plan.header.made_with {
        let _ = writeln!(text, "  made with the {} {}", file.kind, visible(&file.name));
    }
    let _ = writeln!(text, "  {}", actions(&summary.lines, summary.kept));
    text.push_str(&people_actions(&summary.people));
    let rounding = plan.header.rounding.as_ref().map(|rounding| rounding_text(rounding, style));
    text.push_str(&rounding.unwrap_or_default());
    text.push('\n');
    if summary.resources_to_post == 0 {
        let nothing = match summary.lines.same {
            _ if summary.lines.closed + summary.people.closed > 0 => "nothing can be posted".to_owned(),
            0 if summary.people.same == 0 => "nothing to do: no row of the file is left to post".to_owned(),
            same => {
                let same = same + summary.people.same;
                format!("nothing to do: {} stored as the file wants {}", are(same), them(same))
            }
        };
        let _ = writeln!(text, "{}", style.good(&nothing));
        text.push_str(&corrections(plan, most, style));
        text.push_str(&people_corrections(plan, most, style));
        text.push_str(&only_on_server(plan, most, style));
        return text;
    }
    let _ = writeln!(text, "{}", style.bold("By component"));
    text.push_str(&totals(&summary.components));
    let _ = writeln!(text, "\n{}", style.bold("By organisation"));
    text.push_str(&totals(&summary.customers));
    if most == usize::MAX {
        let _ = writeln!(text, "\n{}", style.bold("By project"));
        text.push_str(&totals(&summary.projects));
    }
    let _ = writeln!(text, "\n{}\n  {}", style.bold("Money"), money(&summary.money));
    if summary.lines.changes() > 0 {
        let _ = writeln!(text, "\n{}", style.bold("Changes"));
        text.push_str(&changes(plan, most));
    }
    text.push_str(&people_changes(plan, most, style));
    text.push_str(&corrections(plan, most, style));
    text.push_str(&people_corrections(plan, most, style));
    text.push_str(&only_on_server(plan, most, style));
    let of_people = PeopleBatch::of_plan(plan).into_iter().map(|(_, batches)| batches.len());
    let of_totals = Batch::of_plan(plan).into_iter().map(|(_, batches)| batches.len());
    let requests: usize = of_totals.chain(of_people).sum();
    let resources = counted(summary.resources_to_post, "resource");
    let _ = writeln!(text, "\n{} for {resources}", counted(requests, "request"));
    let _ = writeln!(text, "digest {}", plan.digest());
    if most == usize::MAX {
        text.push_str(&assumptions(plan));
    }
    text
}

fn are(count: usize) -> String {
    if count == 1 { "the 1 row is".to_owned() } else { format!("all {} rows are", grouped(count)) }
}

fn them(count: usize) -> &'static str {
    if count == 1 { "it" } else { "them" }
}

/// What is stored and the file does not speak of: it stays, and somebody may have forgotten it.
fn only_on_server(plan: &Plan, most: usize, style: Style) -> String {
    let mut table = Table::new(&["organisation", "resource", "component", ">stored", "unit"]);
    let mut lines = 0_usize;
    for resource in &plan.resources {
        for line in &resource.lines {
            let Change::OnlyOnServer { old } = &line.change else { continue };
            lines += 1;
            if lines <= SHOWN_ON_SERVER || most == usize::MAX {
                table.row([
                    visible(&resource.customer_name).to_string(),
                    visible(&resource.name).to_string(),
                    visible(line.component.as_str()).to_string(),
                    old.amount.to_string(),
                    visible(&line.unit).to_string(),
                ]);
            }
        }
    }
    if lines == 0 {
        return String::new();
    }
    let mut text =
        format!("\n{}\n{}", style.bold("Only on the server, and left as it is"), table.render("  "));
    if lines > SHOWN_ON_SERVER && most != usize::MAX {
        let _ = writeln!(text, "  … and {} more; -v shows them all", grouped(lines - SHOWN_ON_SERVER));
    }
    text
}

fn actions(lines: &Counts, kept: usize) -> String {
    let mut parts = vec![
        format!("{} to create", grouped(lines.create)),
        format!("{} to update", grouped(lines.update)),
        format!("{} the same", grouped(lines.same)),
        format!("{} only on the server", grouped(lines.only_on_server)),
    ];
    if lines.closed > 0 {
        parts.push(format!("{} that cannot be posted", grouped(lines.closed)));
    }
    if kept > 0 {
        parts.push(format!(
            "{} kept (posted again unchanged, so that the server does not forget them)",
            grouped(kept)
        ));
    }
    parts.join(", ")
}

/// What the plan costs, in a sentence.
fn money(money: &Money) -> String {
    let mut text = format!(
        "{} stored, {} after posting: {} at the prices of the plans, each line rounded up to the cent",
        money.stored,
        money.after,
        signed(money.difference())
    );
    if money.lines_without_price > 0 {
        let lines = counted(money.lines_without_price, "billed line");
        let _ = write!(text, "; without {lines} whose price is not known");
    }
    text
}

fn totals(totals: &[Totals]) -> String {
    let has_customer = totals.iter().any(|group| group.customer.is_some());
    let has_project = totals.iter().any(|group| group.project.is_some());
    let mut headers = vec![
        "component",
        "unit",
        ">create",
        ">update",
        ">same",
        ">stored",
        ">after",
        ">difference",
        ">money",
    ];
    if has_project {
        headers.insert(0, "project");
    }
    if has_customer {
        headers.insert(0, "organisation");
    }
    let mut table = Table::new(&headers);
    for group in totals.iter().filter(|group| group.total.counts.changes() + group.total.counts.same > 0) {
        let total = &group.total;
        let names = group.customer.iter().chain(&group.project).map(|name| visible(name).to_string());
        let money = total.money.difference();
        let figures = [
            visible(&group.component).to_string(),
            visible(&group.unit).to_string(),
            grouped(total.counts.create),
            grouped(total.counts.update),
            grouped(total.counts.same),
            total.stored.to_string(),
            total.after().to_string(),
            signed(total.difference()),
            if total.money == Money::default() { "-".to_owned() } else { signed(money) },
        ];
        table.row(names.chain(figures));
    }
    table.render("  ")
}

pub(super) fn signed(amount: Amount) -> String {
    if amount.is_negative() || amount.is_zero() { amount.to_string() } else { format!("+{amount}") }
}

fn changes(plan: &Plan, most: usize) -> String {
    let mut table =
        Table::new(&["resource", "component", "action", ">stored", "", ">new", "unit", "notes", "cell"]);
    let mut hidden = 0_usize;
    let mut shown = 0_usize;
    for resource in plan.changed() {
        for line in &resource.lines {
            let Some(new) = line.posted() else { continue };
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
                notes(resource, line),
                plan.cell(line).to_owned(),
            ]);
        }
    }
    let mut text = table.render("  ");
    if hidden > 0 {
        let _ = writeln!(
            text,
            "  … and {} more; -v shows them all, `plan -o plan.xlsx` writes them",
            grouped(hidden)
        );
    }
    text
}

/// What changes besides the amount, and which of several rows it is.
fn notes(resource: &ResourcePlan, line: &Line) -> String {
    let mut notes: Vec<String> = Vec::new();
    if let Change::Update { old, new } = &line.change {
        if old.description != new.description {
            notes.push("description".into());
        }
        if old.carry_over != new.carry_over {
            notes.push("carry-over".into());
        }
    }
    let mut periods = resource.plan_periods.iter();
    if let Some(period) =
        periods.find(|period| resource.plan_periods.len() > 1 && Some(period.id) == line.plan_period)
    {
        notes.push(period.to_string());
    }
    if let Some(frozen) = line.frozen {
        notes.push(format!("{frozen} in other rows"));
    }
    notes.extend(line.note.as_ref().map(|note| visible(note).to_string()));
    if line.month != MonthState::Open {
        notes.push(line.month.to_string());
    }
    notes.join(", ")
}

/// What differs in a month that is closed for it, and so is never posted.
fn corrections(plan: &Plan, most: usize, style: Style) -> String {
    let mut table = Table::new(&[
        "resource",
        "component",
        ">stored",
        ">in the file",
        ">difference",
        "why",
        "invoice",
        "cell",
    ]);
    let mut lines = 0_usize;
    for (resource, line) in plan.corrections() {
        lines += 1;
        let Some(new) = line.correction().filter(|_| lines <= most) else { continue };
        let old = line.change.old().map(|old| old.amount).unwrap_or_default();
        table.row([
            visible(&resource.name).to_string(),
            visible(line.component.as_str()).to_string(),
            line.change.old().map_or_else(|| "-".to_owned(), |old| old.amount.to_string()),
            new.amount.to_string(),
            signed(new.amount.get().checked_sub(old).unwrap_or_default()),
            line.obstacle().unwrap_or_default().to_owned(),
            line.invoice.as_deref().map_or_else(|| "-".to_owned(), |invoice| visible(invoice).to_string()),
            plan.cell(line).to_owned(),
        ]);
    }
    if lines == 0 {
        return String::new();
    }
    let head = format!("Not posted: {} of {}", counted(lines, "amount"), plan.header.period);
    let mut text = format!("\n{}\n{}", style.warn(&head), table.render("  "));
    if lines > most {
        let _ = writeln!(text, "  … and {} more; -v shows them all", grouped(lines - most));
    }
    text
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
    note(&capabilities.rows.evidence, "a row per plan period");
    note(&capabilities.limits_count_stored_row.evidence, "stored rows count against limits");
    note(&capabilities.requests_are_atomic.evidence, "requests are not atomic");
    note(&capabilities.replaces_current_usages.evidence, "current usages are replaced");
    if plan.has_people() {
        note(&capabilities.bulk_user_usages.evidence, "a request for each user");
    }
    if !capabilities.books_in_utc.value {
        note(&capabilities.time_zone.evidence, "time zone unknown");
    }
    if unknown.is_empty() {
        return String::new();
    }
    format!("assumed of this server, to be on the safe side:\n  {}\n", unknown.join("\n  "))
}

/// What `--skip-faulty` leaves out.
pub fn left_out_text(left_out: &LeftOutSummary, style: Style) -> String {
    let mut text = String::new();
    let head = format!("Left out: {}, with all rows of their resources", counted(left_out.rows, "row"));
    let _ = writeln!(text, "{}", style.warn(&head));
    for (component, amount) in &left_out.quantities {
        let _ = writeln!(text, "  {} {amount}", visible(component));
    }
    if left_out.rows_without_amount > 0 {
        let rows = counted(left_out.rows_without_amount, "row");
        let _ = writeln!(text, "  and {rows} without an amount that can be read");
    }
    for file in &left_out.files {
        let _ = writeln!(text, "  written to {}", visible(file));
    }
    for file in &left_out.to_mend {
        let what = "its rows are added up, so mend them there and use the whole file again";
        let _ = writeln!(text, "  {}: {what}", visible(file));
    }
    text.push('\n');
    text
}
