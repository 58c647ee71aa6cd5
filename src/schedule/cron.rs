//! The five fields of cron: read, told as an `OnCalendar`, and asked for the next time.
//!
//! As in the cron of Vixie, a day of the month and a day of the week that are both narrowed down are
//! alternatives; where one of them begins with `*`, both have to fit. Times that a clock skips in spring
//! come an hour later, and times that it shows twice in autumn come once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Days that are looked at for a next time: a 29th of February may be eight years away.
const DAYS_AHEAD: u32 = 366 * 9;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something is to happen, to the minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    fields: [Field; 5],
    /// On the last day of the month, whatever the third field says; cron has no word for it.
    on_last_day: bool,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    text: String,
    values: BTreeSet<u8>,
    is_all: bool,
}

/// What a field is about and which values it can have.
struct Kind {
    noun: &'static str,
    lowest: u8,
    highest: u8,
    names: &'static [&'static str],
}

const KINDS: [Kind; 5] = [
    Kind { noun: "minute", lowest: 0, highest: 59, names: &[] },
    Kind { noun: "hour", lowest: 0, highest: 23, names: &[] },
    Kind { noun: "day of the month", lowest: 1, highest: 31, names: &[] },
    Kind { noun: "month", lowest: 1, highest: 12, names: &MONTHS },
    // Sunday is 0 and 7.
    Kind { noun: "day of the week", lowest: 0, highest: 7, names: &WEEKDAYS },
];

impl Cron {
    /// Reads five fields; the error says what is wrong with which.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let words: [&str; 5] = words.try_into().map_err(|_| "cron has five fields".to_owned())?;
        let mut fields = Vec::new();
        for (kind, word) in KINDS.iter().zip(words) {
            fields.push(Field::parse(kind, &word.to_ascii_lowercase())?);
        }
        let fields = fields.try_into().map_err(|_| "cron has five fields".to_owned())?;
        let cron = Self { fields, on_last_day: false };
        let never = "there is no such day in any year".to_owned();
        cron.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC).map(|_| cron).ok_or(never)
    }

    /// On the last day of each month, at this minute of this hour.
    pub fn on_last_day(hour: u8, minute: u8) -> Result<Self, String> {
        Ok(Self { on_last_day: true, ..Self::parse(&format!("{minute} {hour} * * *"))? })
    }

    /// The five fields; `None` where cron has no word for it.
    pub fn fields(&self) -> Option<String> {
        let texts: Vec<&str> = self.fields.iter().map(|field| field.text.as_str()).collect();
        (!self.on_last_day).then(|| texts.join(" "))
    }

    /// The same as systemd's `OnCalendar`; several are alternatives.
    pub fn calendars(&self) -> Vec<String> {
        let [minutes, hours, days, months, _] = &self.fields;
        let at = format!("{}:{}:00", hours.list(), minutes.list());
        let all_days = if self.on_last_day { "~01".to_owned() } else { format!("-{}", days.list()) };
        let date = |days: &str| format!("*-{}{days}", months.list());
        let weekdays = self.weekdays();
        if self.are_alternatives() {
            vec![format!("{} {at}", date(&all_days)), format!("{weekdays}{} {at}", date("-*"))]
        } else {
            vec![format!("{weekdays}{} {at}", date(&all_days))]
        }
    }

    /// The first time after another one.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut date = zone.to_datetime(after).date();
        for _ in 0..DAYS_AHEAD {
            let first = if self.is_on(date) { self.first_on(date, after, zone) } else { None };
            if first.is_some() {
                return first;
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn first_on(&self, date: Date, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let [minutes, hours, ..] = &self.fields;
        let times =
            hours.values.iter().flat_map(|hour| minutes.values.iter().map(move |minute| (hour, minute)));
        let moments = times.filter_map(|(hour, minute)| {
            let (hour, minute) = (i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?);
            zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0)).compatible().ok()
        });
        moments.filter(|moment| *moment > after).min()
    }

    fn is_on(&self, date: Date) -> bool {
        let [_, _, days, months, weekdays] = &self.fields;
        let weekday = date.weekday().to_sunday_zero_offset();
        let is_day = if self.on_last_day { date.day() == date.days_in_month() } else { days.has(date.day()) };
        // Both Sundays are kept as 0.
        let is_weekday = weekdays.has(weekday);
        let fits = if self.are_alternatives() { is_day || is_weekday } else { is_day && is_weekday };
        months.has(date.month()) && fits
    }

    fn are_alternatives(&self) -> bool {
        let [_, _, days, _, weekdays] = &self.fields;
        !self.on_last_day && !days.text.starts_with('*') && !weekdays.text.starts_with('*')
    }

    /// The days of the week with a blank behind them, where they are narrowed down.
    fn weekdays(&self) -> String {
        let weekdays = &self.fields[4];
        if weekdays.values.len() == WEEKDAYS.len() {
            return String::new();
        }
        let names = weekdays.values.iter().filter_map(|day| WEEKDAYS.get(usize::from(*day)));
        format!("{} ", names.copied().collect::<Vec<_>>().join(","))
    }
}

impl Field {
    fn parse(kind: &Kind, text: &str) -> Result<Self, String> {
        let wrong = |part: &str| format!("`{}` is no {}", crate::domain::visible(part), kind.noun);
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, step.parse::<u8>().ok().filter(|step| *step > 0)),
                None => (part, Some(1)),
            };
            let step = step.ok_or_else(|| wrong(part))?;
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (kind.lowest, kind.highest),
                Some((first, last)) => {
                    let bounds = kind.value(first).zip(kind.value(last));
                    bounds.filter(|(first, last)| first <= last).ok_or_else(|| wrong(part))?
                }
                None if part.contains('/') => return Err(wrong(part)),
                None => kind.value(range).map(|value| (value, value)).ok_or_else(|| wrong(part))?,
            };
            values.extend((first..=last).step_by(usize::from(step)));
        }
        let is_weekday = kind.highest == 7;
        if is_weekday && values.remove(&7) && text != "*" {
            values.insert(0);
        }
        let all = kind.highest - kind.lowest + u8::from(!is_weekday);
        let is_all = values.len() == usize::from(all);
        Ok(Self { text: text.to_owned(), values, is_all })
    }

    fn has(&self, value: i8) -> bool {
        u8::try_from(value).is_ok_and(|value| self.values.contains(&value))
    }

    /// Its values as systemd lists them.
    fn list(&self) -> String {
        if self.is_all {
            return "*".to_owned();
        }
        let values = self.values.iter().map(|value| format!("{value:02}"));
        values.collect::<Vec<_>>().join(",")
    }
}

impl Kind {
    fn value(&self, text: &str) -> Option<u8> {
        let named = self.names.iter().zip(self.lowest..).find(|(name, _)| **name == text);
        let value = named.map(|(_, value)| value);
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = value.or_else(|| text.parse().ok().filter(|_| is_number));
        value.filter(|value| (self.lowest..=self.highest).contains(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &Cron, after: &str, zone: &str) -> String {
        let after = after.parse().unwrap();
        cron.next(after, &TimeZone::get(zone).unwrap()).unwrap().to_string()
    }

    fn parse(text: &str) -> Cron {
        Cron::parse(text).unwrap()
    }

    #[test]
    fn fields_are_told_as_calendars() {
        for (fields, calendars) in [
            ("30 2 * * *", &["*-*-* 02:30:00"][..]),
            ("0 6 1 * *", &["*-*-01 06:00:00"]),
            ("0 7 * * mon", &["mon *-*-* 07:00:00"]),
            ("0 7 * * 7", &["sun *-*-* 07:00:00"]),
            ("0 7 * * 0-7", &["*-*-* 07:00:00"]),
            ("*/20 8-10 * jan-mar 1-5", &["mon,tue,wed,thu,fri *-01,02,03-* 08,09,10:00,20,40:00"]),
            ("0 6 1,15 * fri", &["*-*-01,15 06:00:00", "fri *-*-* 06:00:00"]),
            ("0 6 */2 * fri", &["fri *-*-01,03,05,07,09,11,13,15,17,19,21,23,25,27,29,31 06:00:00"]),
        ] {
            assert_eq!(parse(fields).calendars(), calendars, "{fields}");
            assert_eq!(parse(fields).fields().as_deref(), Some(fields));
        }
        let last = Cron::on_last_day(22, 0).unwrap();
        assert_eq!((last.calendars(), last.fields()), (vec!["*-*~01 22:00:00".to_owned()], None));
    }

    #[test]
    fn what_is_no_time_is_refused_with_its_field() {
        for (fields, what) in [
            ("60 2 * * *", "`60` is no minute"),
            ("0 24 * * *", "`24` is no hour"),
            ("0 0 0 * *", "`0` is no day of the month"),
            ("0 0 * foo *", "`foo` is no month"),
            ("0 0 * * 8", "`8` is no day of the week"),
            ("0 0 * * fri-mon", "`fri-mon` is no day of the week"),
            ("*/0 0 * * *", "`*/0` is no minute"),
            ("5/10 0 * * *", "`5/10` is no minute"),
            ("+5 0 * * *", "`+5` is no minute"),
            ("1,, 0 * * *", "`` is no minute"),
            ("0 0 30 feb *", "there is no such day in any year"),
            ("0 0 * *", "cron has five fields"),
        ] {
            assert_eq!(Cron::parse(fields).unwrap_err(), what, "{fields}");
        }
    }

    #[test]
    fn the_next_time_is_the_one_that_the_clock_shows() {
        let daily = parse("30 2 * * *");
        assert_eq!(next(&daily, "2026-11-27T02:30:00Z", "UTC"), "2026-11-28T02:30:00Z");
        assert_eq!(next(&daily, "2026-11-27T02:29:59Z", "UTC"), "2026-11-27T02:30:00Z");
        assert_eq!(next(&daily, "2026-11-27T00:00:00Z", "Europe/Tallinn"), "2026-11-27T00:30:00Z");
        assert_eq!(next(&parse("0 0 29 2 *"), "2026-11-27T00:00:00Z", "UTC"), "2028-02-29T00:00:00Z");
        let either = parse("0 6 13 * fri");
        assert_eq!(next(&either, "2026-11-27T06:00:00Z", "UTC"), "2026-12-04T06:00:00Z");
        assert_eq!(next(&either, "2026-12-11T06:00:00Z", "UTC"), "2026-12-13T06:00:00Z");
        let last = Cron::on_last_day(22, 0).unwrap();
        assert_eq!(next(&last, "2028-02-01T00:00:00Z", "UTC"), "2028-02-29T22:00:00Z");
    }

    #[test]
    fn a_clock_that_is_put_forward_or_back_loses_and_doubles_nothing() {
        // On 29 March 2026 there is no 03:30 in Tallinn; on 25 October there are two.
        let night = parse("30 3 * * *");
        assert_eq!(next(&night, "2026-03-28T12:00:00Z", "Europe/Tallinn"), "2026-03-29T01:30:00Z");
        assert_eq!(next(&night, "2026-03-29T01:30:00Z", "Europe/Tallinn"), "2026-03-30T00:30:00Z");
        assert_eq!(next(&night, "2026-10-24T12:00:00Z", "Europe/Tallinn"), "2026-10-25T00:30:00Z");
        assert_eq!(next(&night, "2026-10-25T00:30:00Z", "Europe/Tallinn"), "2026-10-26T01:30:00Z");
    }
}
