//! The story of one figure, for people: a section for each place where it stands.

use std::fmt::Write;

use jiff::Timestamp;

use crate::domain::{Amount, BillingType, visible};
use crate::jobs::explain_key::{KeyStory, StoryInvoice, StoryRun, StoryVerdict};

use super::{Style, Table};

/// The whole story.
pub fn story_text(story: &KeyStory, style: Style) -> String {
    let mut text = String::new();
    head(story, style, &mut text);
    if let Some(verdict) = &story.verdict {
        section("Compared", style, &mut text);
        compared(verdict, &story.component.unit, style, &mut text);
    }
    section("Files", style, &mut text);
    cells(story, &mut text);
    section("Stored", style, &mut text);
    stored(story, &mut text);
    section("Plan and price", style, &mut text);
    plan(story, &mut text);
    section("Invoice", style, &mut text);
    invoice(&story.invoice, &story.component.billing_type, &mut text);
    section("Runs of this store", style, &mut text);
    runs(&story.runs, &mut text);
    section("Read", style, &mut text);
    for endpoint in &story.endpoints {
        let _ = writeln!(text, "  {}: {}", endpoint.path, visible(&endpoint.read));
    }
    text
}

fn section(title: &str, style: Style, text: &mut String) {
    let _ = writeln!(text, "\n{}", style.bold(title));
}

fn head(story: &KeyStory, style: Style, text: &mut String) {
    let (resource, component) = (&story.resource, &story.component);
    let partial = if story.is_partial { " (partial: the month is not over)" } else { "" };
    let title =
        format!("{}, {}, {}", visible(&resource.name), visible(component.component.as_str()), story.period);
    let _ = writeln!(text, "{}{partial}", style.bold(&title));
    let takes = if resource.takes_usage { "" } else { ", takes no usage" };
    let _ = writeln!(
        text,
        "  {} of {}, {}; {}{takes}; uuid {}",
        visible(&resource.offering),
        visible(&resource.organisation),
        visible(&resource.project),
        resource.state,
        resource.uuid
    );
    let unit = visible(&component.unit);
    let _ = writeln!(text, "  {} in {unit}, billed by {}", visible(&component.name), component.billing_type);
    let sandbox = story.sandbox.as_ref().map(|world| format!(" (a sandbox, world {world})"));
    let at = story.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let _ = writeln!(text, "  {}{} at {at}", visible(&story.server), sandbox.unwrap_or_default());
}

fn compared(verdict: &StoryVerdict, unit: &str, style: Style, text: &mut String) {
    let class = verdict.class.to_string();
    let class = if verdict.class.is_break() { style.warn(&class) } else { style.good(&class) };
    let _ = writeln!(text, "  {class}: {}", verdict.title);
    let figure =
        |amount: Option<Amount>| amount.map_or_else(|| "nothing".into(), |amount| amount.to_string());
    let _ = writeln!(
        text,
        "  file {}, server {}, difference {} {}",
        figure(verdict.file),
        figure(verdict.server),
        verdict.difference,
        visible(unit)
    );
    let also: Vec<String> = verdict.also.iter().map(ToString::to_string).collect();
    let lines = [
        ("also", (!also.is_empty()).then(|| also.join(", "))),
        ("rule", verdict.rule.clone()),
        ("note", verdict.note.clone()),
        ("next", Some(verdict.next_step.to_owned()).filter(|next| !next.is_empty())),
    ];
    for (name, line) in lines {
        if let Some(line) = line {
            let _ = writeln!(text, "  {name}: {}", visible(&line));
        }
    }
}

fn cells(story: &KeyStory, text: &mut String) {
    if story.cells.is_empty() {
        text.push_str("  no cell: no file has it, or none was named\n");
    }
    for cell in &story.cells {
        let _ = write!(text, "  {}", cell.place);
        if let Some(layout) = &cell.layout {
            let _ = write!(text, ", read by the layout {}", visible(layout));
        }
        if let Some(field) = &cell.field {
            let _ = write!(text, " as {}", visible(field));
        }
        text.push('\n');
        for note in &cell.notes {
            let _ = writeln!(text, "    {}", visible(note));
        }
    }
    if let Some(stated) = &story.stated {
        let amount = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
        let told = [
            ("unit price", amount(stated.unit_price)),
            ("price", amount(stated.price)),
            ("tax", amount(stated.tax)),
            ("currency", stated.currency.map(|currency| currency.to_string())),
            ("invoice", stated.invoice_number.as_deref().map(str::to_owned)),
            ("organisation", stated.customer.as_deref().map(str::to_owned)),
        ];
        for (name, value) in told {
            if let Some(value) = value {
                let _ = writeln!(text, "  stated {name}: {}", visible(&value));
            }
        }
    }
    for finding in &story.findings {
        let _ = writeln!(text, "  {} {}: {}", finding.severity, finding.code, visible(&finding.found));
    }
}

fn stored(story: &KeyStory, text: &mut String) {
    if story.usages.is_empty() {
        text.push_str("  no row\n");
    }
    for row in &story.usages {
        let _ = writeln!(
            text,
            "  {} {}, reported {}, uuid {}",
            visible(&row.text("usage")),
            visible(&story.component.unit),
            visible(&row.text("date")),
            visible(&row.text("uuid"))
        );
        let others = ["description", "recurring", "missing_usage_policy", "modified_by"];
        for field in others {
            let value = row.text(field);
            if !value.is_empty() && value != "false" {
                let _ = writeln!(text, "    {field}: {}", visible(&value));
            }
        }
    }
    let mut table = Table::new(&["month", ">stored", ">rows"]);
    for month in &story.history {
        let amount = month.amount.map_or_else(|| "too large".to_owned(), |amount| amount.to_string());
        table.row([month.period.to_string(), amount, month.usages.len().to_string()]);
    }
    if !story.history.is_empty() {
        let _ = write!(text, "\n{}", table.render("  "));
    }
}

fn plan(story: &KeyStory, text: &mut String) {
    let currency = story.currency.as_ref().map_or_else(String::new, |of| format!(" {}", of.currency));
    let day = |moment: Option<Timestamp>| {
        moment.map_or_else(|| "…".to_owned(), |moment| moment.strftime("%Y-%m-%d").to_string())
    };
    let priced = |price: Option<Amount>| {
        price.map_or_else(|| "no price".into(), |price| format!("{price}{currency} a unit"))
    };
    let _ = writeln!(text, "  today's plan: {}", priced(story.unit_price));
    if story.plan_periods.is_empty() {
        text.push_str("  no plan period is shown for the month: servers tell only those that have not ended before this month\n");
    }
    for own in &story.plan_periods {
        let (start, end) = (day(own.start), day(own.end));
        let _ = writeln!(text, "  {} ({start} to {end}): {}", visible(&own.plan), priced(own.unit_price));
    }
}

fn invoice(invoice: &StoryInvoice, billing_type: &BillingType, text: &mut String) {
    let state = invoice.state.as_deref().map_or_else(
        || "not visible to this account, or not made".to_owned(),
        |state| visible(state).to_string(),
    );
    let number =
        invoice.number.as_deref().map_or_else(String::new, |number| format!(", number {}", visible(number)));
    let _ = writeln!(text, "  the organisation's invoice: {state}{number}");
    match &invoice.billed {
        None if *billing_type != BillingType::Usage => {
            text.push_str(
                "  it is not billed by usage; the lines that bill it otherwise are not shown here\n",
            );
        }
        None => text.push_str("  no line of it is seen\n"),
        Some(billed) => {
            let unit =
                billed.unit_price.map_or_else(|| "several unit prices".into(), |price| price.to_string());
            let _ = writeln!(text, "  billed: {} at {unit}, {} without tax", billed.quantity, billed.price);
            for line in &billed.lines {
                let _ = writeln!(text, "    line {line}");
            }
        }
    }
}

fn runs(runs: &[StoryRun], text: &mut String) {
    if runs.is_empty() {
        text.push_str("  none touched it\n");
    }
    for run in runs {
        let figure =
            |amount: Option<Amount>| amount.map_or_else(|| "nothing".into(), |amount| amount.to_string());
        let _ = writeln!(
            text,
            "  {} {} {}: {} → {}, {}",
            run.started.strftime("%Y-%m-%d %H:%M"),
            run.command,
            run.run,
            figure(run.before),
            figure(run.planned),
            run.outcome.as_deref().unwrap_or("not settled")
        );
        if let Some(place) = &run.place {
            let _ = writeln!(text, "    from {}", visible(place));
        }
    }
}
