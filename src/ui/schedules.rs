//! Schedules for people.

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::visible;
use crate::schedule::{By, ScheduleLine};

use super::Table;

/// A list of schedules, with times as the clock of this machine shows them.
pub fn schedules_text(lines: &[ScheduleLine], zone: &TimeZone) -> String {
    if lines.is_empty() {
        return "no pipeline runs by itself\n".to_owned();
    }
    let moment = |moment: Timestamp| moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    let mut table = Table::new(&["name", "at", "by", "posts", "next", "last run", "result"]);
    for line in lines {
        let by = match line.by {
            By::Systemd => "systemd",
            By::Cron => "cron",
            By::Due => "due",
        };
        let last = line.last.as_ref();
        let began = last.and_then(|last| last.started).map_or_else(|| "-".to_owned(), moment);
        let result = last.map_or_else(|| "-".to_owned(), |last| last.status.clone());
        table.row([
            line.name.clone(),
            visible(&line.at).to_string(),
            by.to_owned(),
            if line.yes { "with --yes" } else { "no" }.to_owned(),
            line.next.map_or_else(|| "-".to_owned(), moment),
            began,
            result,
        ]);
    }
    let mut text = table.render("");
    for line in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{}: {}", line.name, visible(&line.pipeline));
        for trouble in &line.troubles {
            let _ = writeln!(text, "  trouble: {trouble}");
        }
    }
    text
}
