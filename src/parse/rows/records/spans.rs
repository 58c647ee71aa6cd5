//! How long records last, and whether they have ended.
//!
//! A job that was suspended ran for less than the time between its begin and its end; none ran for longer.
//! And what ends in time to come has not ended: its usage is a guess of whoever wrote the file.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use crate::domain::Exact;
use crate::findings::{Code, Finding, RowIndex};
use crate::parse::{Cell, End, cells};

use super::RecordsReading;
use super::moment::Moment;

/// Seconds by which a record may seem longer: sources round.
const SLACK: u64 = 1;

/// The same where a clock without a zone may have been set back an hour.
const HOUR: u64 = 3600;

impl RecordsReading {
    /// Takes in the end of a record of the sum that a row stands for.
    pub(super) fn ends(&mut self, first: RowIndex, end: Option<Moment>, number: u32) {
        let Some(end) = end else { return };
        let latest = self.latest.entry(first).or_insert((end, number));
        if end > latest.0 {
            *latest = (end, number);
        }
    }

    /// The latest end of the records of a sum.
    pub(super) fn end_of(&self, first: RowIndex, subject: usize) -> Option<End> {
        let &(end, number) = self.latest.get(&first)?;
        Some(End { subject, number, column: self.binding.end?, end: end.shown() })
    }
}

/// What is wrong with a record that lasted longer than from its begin to its end.
pub(super) fn too_long(
    cell: Cell<'_>,
    begin: Moment,
    end: Moment,
    zone: Option<&TimeZone>,
) -> Option<Finding> {
    // What is no length of time is told where the quantity is read.
    let elapsed = seconds(cell.text)?;
    let set_back = if zone.is_none() && may_be_set_back(begin, end) { HOUR } else { 0 };
    let most = begin.seconds_until(end, zone)?;
    let least = elapsed.saturating_sub(set_back + SLACK);
    let mut left = Exact::of_parts(-i128::from(least), 0);
    left += &most;
    if !left.is_negative() {
        return None;
    }
    let found = format!("{}, which is {elapsed} seconds", cells::shown(cell));
    let expected = format!("at most {most} seconds, which lie between its begin and its end");
    let finding = Finding::new(Code::ImpossibleTime, found, expected);
    Some(finding.hint("take the record from its source again; it has been changed on its way here"))
}

/// Whether a night from Saturday to Sunday lies in between, in which clocks are set back.
fn may_be_set_back(begin: Moment, end: Moment) -> bool {
    let (mut day, last) = (begin.shown().date(), end.shown().date());
    for _ in 0..7 {
        if day.weekday() == Weekday::Sunday {
            return true;
        }
        match day.tomorrow() {
            Ok(next) if next <= last => day = next,
            _ => return false,
        }
    }
    true
}

/// Seconds, written as such or as `1-02:03:04`.
fn seconds(text: &str) -> Option<u64> {
    if !text.contains(':') {
        return text.parse().ok();
    }
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let clock = clock.split_once('.').map_or(clock, |(clock, _)| clock);
    let parts = clock.split(':').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
    let clock = match parts.as_slice() {
        [minutes, seconds] => minutes.checked_mul(60)?.checked_add(*seconds)?,
        [hours, minutes, seconds] => {
            hours.checked_mul(60)?.checked_add(*minutes)?.checked_mul(60)?.checked_add(*seconds)?
        }
        _ => return None,
    };
    days.parse::<u64>().ok()?.checked_mul(86_400)?.checked_add(clock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::CellKind;

    #[test]
    fn no_record_lasts_longer_than_its_time() {
        let is_fault = |elapsed: &str, begin: &str, end: &str| {
            let at = |text: &str| Moment::parse(text, None).unwrap();
            too_long(Cell { text: elapsed, kind: CellKind::Text }, at(begin), at(end), None).is_some()
        };
        // 2026-11-04 is a Wednesday, and 2026-10-25 a Sunday.
        let day = ("2026-11-04T00:00:00", "2026-11-05T00:00:00");
        for fits in ["86400", "86401", "3600", "1-00:00:00", "23:59:59", "10:00", "", "x", "02:03:04.500"] {
            assert!(!is_fault(fits, day.0, day.1), "{fits}");
        }
        for longer in ["86402", "90000", "1-00:00:02", "25:00:00", "99999999999"] {
            assert!(is_fault(longer, day.0, day.1), "{longer}");
        }
        assert!(!is_fault("90000", "2026-10-25T00:00:00", "2026-10-26T00:00:00"));
        assert!(is_fault("90002", "2026-10-25T00:00:00", "2026-10-26T00:00:00"));
    }
}
