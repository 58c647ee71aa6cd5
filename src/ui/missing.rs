//! What nobody has reported of a month, for people.

use std::fmt::Write;

use crate::domain::visible;
use crate::plan::{Gap, Missing};

use super::{SHOWN, Style, Table, counted, grouped};

/// What is missing, the figures of a resource that are missing since the same month in one row.
pub fn missing_text(missing: &Missing, style: Style, all: bool) -> String {
    let sentence = missing.sentence();
    let sentence = if missing.gaps.is_empty() { style.good(&sentence) } else { style.warn(&sentence) };
    let mut text = format!("{}  {sentence}\n", style.bold(&missing.period.to_string()));
    let rows: Vec<&[Gap]> = missing
        .gaps
        .chunk_by(|left, right| left.resource == right.resource && left.since() == right.since())
        .collect();
    if !rows.is_empty() {
        let mut table =
            Table::new(&["organisation", "project", "resource", "missing", "since", ">last amount"]);
        let shown = if all { rows.len() } else { SHOWN };
        for gaps in rows.iter().take(shown) {
            let Some(first) = gaps.first() else { continue };
            let components: Vec<String> =
                gaps.iter().map(|gap| visible(gap.component.as_str()).to_string()).collect();
            let amount = |gap: &Gap| Some(format!("{} {}", gap.last_amount?, visible(&gap.unit)));
            let last: Vec<Option<String>> = gaps.iter().map(amount).collect();
            // In the order of the components, where there is any.
            let has_any = last.iter().any(Option::is_some);
            let last = last.into_iter().map(|amount| amount.unwrap_or_else(|| "-".into()));
            let last = has_any.then(|| last.collect::<Vec<String>>().join(", "));
            table.row([
                visible(&first.customer_name).to_string(),
                visible(&first.project_name).to_string(),
                visible(&first.resource_name).to_string(),
                components.join(", "),
                first.since(),
                last.unwrap_or_default(),
            ]);
        }
        let _ = write!(text, "\n{}", table.render("  "));
        if rows.len() > shown {
            let rest = counted(rows.len() - shown, "more row");
            let _ = writeln!(text, "  and {rest}; --verbose shows them all, -o writes them");
        }
    }
    text.push('\n');
    for (name, number) in missing.counts.named().into_iter().filter(|(_, number)| *number > 0) {
        let _ = writeln!(text, "  {:>7}  {name}", grouped(number));
    }
    text
}
