//! Records that end in time to come, by the server's clock: they have not ended, whatever the file says.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::findings::{Code, Finding, Findings};
use crate::parse::Parsed;

/// Hours by which the clocks of the earth are ahead of UTC at most.
const MOST_AHEAD: i64 = 14;

/// Says which records have not ended.
pub fn not_ended(parsed: &Parsed, now: Timestamp, findings: &mut Findings) {
    for end in &parsed.ends {
        let subject = &parsed.subjects[end.subject];
        let table = &parsed.tables[subject.table()];
        let zone = table.layout.records().and_then(|records| records.zone.clone());
        let latest = match zone {
            Some(zone) => zone.to_datetime(now),
            // A clock that nobody knows the zone of may be ahead.
            None => TimeZone::UTC.to_datetime(now).saturating_add(Span::new().hours(MOST_AHEAD)),
        };
        if end.end <= latest {
            continue;
        }
        let found = format!("a record that ends at {}", end.end);
        let expected = "an end that is over: what lies ahead has not been used";
        let finding = Finding::new(Code::ImpossibleTime, found, expected)
            .hint("take the records from their source again when they have ended, or report them next month");
        findings.push(finding.at(table.place(end.number, Some(end.column))).row(subject.row));
    }
}
