//! Whether the time of a pipeline has come and it has not run since.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::Error;

use super::{Attempt, Schedule};

/// Since when a pipeline is due; `None` where it is not.
///
/// An attempt counts from when it began, however it ended: one that failed is for its next time. One that
/// has not ended was cut short, so it is asked with the turn of the pipeline in hand, and it is due again.
/// However often its time has come meanwhile, it is due once.
pub fn due(
    schedule: &Schedule,
    last: Option<Attempt>,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Option<Timestamp>, Error> {
    let since = match last {
        Some(Attempt { started, ended: None, .. }) => return Ok(Some(started)),
        Some(Attempt { started, .. }) => started.max(schedule.installed),
        None => schedule.installed,
    };
    let next = schedule.when()?.next(since, zone)?;
    Ok(next.filter(|next| *next <= now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::entry::schedule;

    #[test]
    fn a_time_that_has_come_is_due_until_it_has_run() {
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        // Installed on the 27th at midnight, daily at 02:30.
        let schedule = schedule("/p/a.toml");
        let due = |last: Option<Attempt>, now: &str| {
            due(&schedule, last, moment(now), &TimeZone::UTC).unwrap().map(|since| since.to_string())
        };
        let ran =
            |started: &str| Attempt { started: moment(started), ended: Some(moment(started)), code: Some(6) };
        assert_eq!(due(None, "2026-11-27T02:29:59Z"), None);
        assert_eq!(due(None, "2026-11-27T02:30:00Z").as_deref(), Some("2026-11-27T02:30:00Z"));
        // Three nights were missed, and it is due once.
        assert_eq!(due(None, "2026-11-30T12:00:00Z").as_deref(), Some("2026-11-27T02:30:00Z"));
        let late = Some(ran("2026-11-30T12:00:00Z"));
        assert_eq!(due(late, "2026-11-30T12:00:01Z"), None);
        assert_eq!(due(late, "2026-12-01T02:30:00Z").as_deref(), Some("2026-12-01T02:30:00Z"));
        // What ran before it was installed anew says nothing about the new time.
        assert_eq!(due(Some(ran("2026-11-20T00:00:00Z")), "2026-11-27T01:00:00Z"), None);
        let cut = Attempt { ended: None, code: None, ..ran("2026-11-27T02:30:05Z") };
        assert_eq!(due(Some(cut), "2026-11-27T02:40:00Z").as_deref(), Some("2026-11-27T02:30:05Z"));
    }
}
