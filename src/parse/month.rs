//! A month as people write it, and what it can mean.
//!
//! `01/11/2026` is November to most of Europe and January to an American; which one is meant is decided
//! over the whole column. A day stands for its month, but a time of day near the turn of one does
//! not: which month it lies in is a matter of its zone. A year is written with four digits.

use jiff::civil::Date;

use crate::domain::BillingPeriod;

use super::month_names;

/// Which of two numbers comes first in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `31/12/2026`
    DayFirst,
    /// `12/31/2026`
    MonthFirst,
}

/// A month, and the day in it that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// The month.
    pub period: BillingPeriod,
    /// The day, where one was written.
    pub day: Option<i8>,
}

/// What a text can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Months {
    /// One month, whatever the order of dates.
    One(Month),
    /// A month with one order of dates alone.
    Only(DateOrder, Month),
    /// Two different ones.
    Either {
        /// With the day first.
        day_first: Month,
        /// With the month first.
        month_first: Month,
        /// Whether it is written with points, as nobody does who puts the month first.
        is_dotted: bool,
    },
}

/// Why a text is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoMonth {
    /// It is none.
    Unreadable,
    /// It is a time of day so near the turn of a month that its zone decides.
    NearTurn,
    /// No year of four digits is in it.
    ShortYear,
    /// It is a number that a spreadsheet may have written for a day of this month.
    Serial(Month),
}

/// The longest text that can be a month.
const LONGEST: usize = 60;
/// Years that digits alone can be of; of others they are something else.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2099;

impl Month {
    fn new(year: &str, month: i8, day: Option<&str>) -> Option<Self> {
        let year = year.parse().ok()?;
        let period = BillingPeriod::new(year, month).ok()?;
        let day = day.map(str::parse).transpose().ok()?;
        let last = Date::new(year, month, 1).ok()?.days_in_month();
        day.is_none_or(|day| (1..=last).contains(&day)).then_some(Self { period, day })
    }

    /// Whether a day inside the month was written, and not the one that it begins with.
    pub fn is_of_a_day(self) -> bool {
        self.day.is_some_and(|day| day != 1)
    }

    /// Whether the month before or after it begins or ends within a day.
    fn is_near_turn(self) -> bool {
        let last = Date::new(self.period.year(), self.period.month(), 1).map(Date::days_in_month);
        self.day.is_none_or(|day| day == 1 || last.is_ok_and(|last| day == last))
    }
}

impl Months {
    /// Reads a text that [`plain`](super::numeral::plain) has gone over.
    pub fn of(text: &str) -> Result<Self, NoMonth> {
        if let Ok(period) = text.parse() {
            return Ok(Self::One(Month { period, day: None }));
        }
        if text.len() > LONGEST {
            return Err(NoMonth::Unreadable);
        }
        let (date, is_midnight) = match text.find(':') {
            Some(colon) => without_time(text, colon).ok_or(NoMonth::Unreadable)?,
            None => (text, true),
        };
        let date = date.trim();
        let is_named = date.chars().any(char::is_alphabetic);
        let months = if is_named { named(date) } else { numeric(date.trim_end_matches('.')) };
        months.and_then(|months| months.at(is_midnight))
    }

    /// Reads a number: the day that a spreadsheet counts to, or digits such as 202611.
    pub fn of_number(text: &str, counts_from_1904: bool) -> Result<Self, NoMonth> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if !is_digits(whole) || text.contains('.') && !is_digits(fraction) {
            return Err(NoMonth::Unreadable);
        }
        if whole.len() == 5 {
            let month = serial(whole, counts_from_1904).ok_or(NoMonth::Unreadable)?;
            if counts_from_1904 {
                // It would be another day as soon as it is copied into nearly any other workbook.
                return Err(NoMonth::Serial(month));
            }
            return Self::One(month).at(fraction.bytes().all(|digit| digit == b'0'));
        }
        if fraction.is_empty() { digits(text) } else { Err(NoMonth::Unreadable) }
    }

    /// The same at a time of day.
    fn at(self, is_midnight: bool) -> Result<Self, NoMonth> {
        let is_near_turn = match self {
            Self::One(month) | Self::Only(_, month) => month.is_near_turn(),
            Self::Either { day_first, month_first, .. } => {
                day_first.is_near_turn() || month_first.is_near_turn()
            }
        };
        if !is_midnight && is_near_turn { Err(NoMonth::NearTurn) } else { Ok(self) }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits a time of day off; returns the date and whether it is midnight.
fn without_time(text: &str, colon: usize) -> Option<(&str, bool)> {
    let (head, tail) = (&text[..colon], &text[colon + 1..]);
    let date = head.trim_end_matches(|one: char| one.is_ascii_digit());
    let hour = &head[date.len()..];
    let date = date.strip_suffix(['T', 't', ' '])?.trim_end_matches([',', ' ']);
    let end =
        tail.find(|one: char| !(one.is_ascii_digit() || one == ':' || one == '.')).unwrap_or(tail.len());
    let (clock, zone) = tail.split_at(end);
    let mut parts = clock.split([':', '.']);
    let (minute, second, fraction) = (parts.next()?, parts.next(), parts.next());
    let is_part = |part: &str| part.len() == 2 && is_digits(part) && part < "60";
    let is_clock = matches!(hour.len(), 1 | 2)
        && is_part(minute)
        && second.is_none_or(is_part)
        && fraction.is_none_or(is_digits)
        && parts.next().is_none();
    let zone = zone.trim();
    let hour: u8 = hour.parse().ok()?;
    let hour = match zone.to_ascii_lowercase().as_str() {
        "am" if (1..=12).contains(&hour) => hour % 12,
        "pm" if (1..=12).contains(&hour) => hour % 12 + 12,
        // An instant of UTC that is shown in another zone: what is midnight here is none there.
        _ if zone.starts_with('[') && zone.ends_with(']') => return is_clock.then_some((date, false)),
        "" | "z" | "utc" | "gmt" => hour,
        _ if is_offset(zone) => hour,
        _ => return None,
    };
    let zeros = [Some(minute), second, fraction]
        .into_iter()
        .flatten()
        .all(|part| part.bytes().all(|one| one == b'0'));
    (is_clock && hour < 24).then_some((date, hour == 0 && zeros))
}

/// Whether a text is an offset from UTC such as `+02:00`.
fn is_offset(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
    let digits = rest.replace(':', "");
    is_digits(&digits) && matches!(digits.len(), 2 | 4) && rest.len() <= 5
}

/// Reads a date of numbers alone.
fn numeric(date: &str) -> Result<Months, NoMonth> {
    if is_digits(date) {
        return digits(date);
    }
    let separator = date.chars().find(|one| matches!(one, '-' | '/' | '.')).unwrap_or(' ');
    let tokens: Vec<&str> = date.split(separator).map(str::trim).collect();
    if tokens.len() > 3 || !tokens.iter().all(|token| is_digits(token) && token.len() <= 4) {
        return Err(NoMonth::Unreadable);
    }
    let month = |year: &str, month: &str, day: Option<&str>| {
        let is_sound = year.len() == 4 && month.len() <= 2 && day.is_none_or(|day| day.len() <= 2);
        if is_sound { Month::new(year, month.parse().ok()?, day) } else { None }
    };
    match *tokens.as_slice() {
        // A number that a spreadsheet has cut: October is 2026.10, and is stored as 2026.1.
        [year, short] if separator == '.' && year.len() == 4 && short.len() == 1 => Err(NoMonth::Unreadable),
        [year, number] if year.len() == 4 => {
            month(year, number, None).map(Months::One).ok_or(NoMonth::Unreadable)
        }
        [number, year] if year.len() == 4 => {
            month(year, number, None).map(Months::One).ok_or(NoMonth::Unreadable)
        }
        [year, number, day] if year.len() == 4 => {
            month(year, number, Some(day)).map(Months::One).ok_or(NoMonth::Unreadable)
        }
        [first, second, year] if year.len() == 4 => {
            let day_first = month(year, second, Some(first));
            let month_first = month(year, first, Some(second));
            match (day_first, month_first) {
                (Some(one), Some(other)) if one == other => Ok(Months::One(one)),
                (Some(day_first), Some(month_first)) => {
                    Ok(Months::Either { day_first, month_first, is_dotted: separator == '.' })
                }
                (Some(only), None) => Ok(Months::Only(DateOrder::DayFirst, only)),
                (None, Some(only)) => Ok(Months::Only(DateOrder::MonthFirst, only)),
                (None, None) => Err(NoMonth::Unreadable),
            }
        }
        [_, _] | [_, _, _] => Err(NoMonth::ShortYear),
        _ => Err(NoMonth::Unreadable),
    }
}

/// Reads digits without a separator: 202611, 20261101. No other order of them fits these years.
fn digits(text: &str) -> Result<Months, NoMonth> {
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let day = match text.len() {
        6 => None,
        8 => Some(part(6..8)),
        5 => return Err(serial(text, false).map_or(NoMonth::Unreadable, NoMonth::Serial)),
        _ => return Err(NoMonth::Unreadable),
    };
    let month = part(4..6).parse().ok().and_then(|number| Month::new(part(0..4), number, day));
    let month = month.filter(|month| YEARS.contains(&month.period.year()));
    month.map(Months::One).ok_or(NoMonth::Unreadable)
}

/// The day that a spreadsheet counts to.
fn serial(digits: &str, counts_from_1904: bool) -> Option<Month> {
    let days: i64 = digits.parse().ok()?;
    let start = if counts_from_1904 { Date::new(1904, 1, 1) } else { Date::new(1899, 12, 30) };
    let date = start.ok()?.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    let period = BillingPeriod::new(date.year(), date.month()).ok()?;
    YEARS.contains(&date.year()).then_some(Month { period, day: Some(date.day()) })
}

/// Reads a date with the name of its month.
fn named(date: &str) -> Result<Months, NoMonth> {
    let mut tokens: Vec<&str> = Vec::new();
    for part in date.split([' ', '.', ',', '-', '/', '\'']).filter(|part| !part.is_empty()) {
        // A number and a name may stand without anything between them: `Oct2026`, `1st`.
        let turn = part
            .char_indices()
            .skip(1)
            .find(|(at, one)| one.is_ascii_digit() != part.as_bytes()[at - 1].is_ascii_digit());
        let (first, rest) = part.split_at(turn.map_or(part.len(), |(at, _)| at));
        tokens.extend([first, rest].into_iter().filter(|token| !token.is_empty()));
    }
    let (mut name, mut year, mut day) = (None, None, None);
    for token in tokens {
        let slot = match token.to_lowercase().as_str() {
            "de" | "del" | "of" | "st" | "nd" | "rd" | "th" | "er" => continue,
            _ if is_digits(token) && token.len() == 4 => &mut year,
            _ if is_digits(token) && token.len() <= 2 => &mut day,
            _ => &mut name,
        };
        if slot.replace(token).is_some() {
            let is_short = day.is_some() && year.is_none();
            return Err(if is_short { NoMonth::ShortYear } else { NoMonth::Unreadable });
        }
    }
    let number = name.and_then(month_names::month).ok_or(NoMonth::Unreadable)?;
    let year = year.ok_or(NoMonth::ShortYear)?;
    Month::new(year, number, day).map(Months::One).ok_or(NoMonth::Unreadable)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parse::numeral::plain;

    fn months(text: &str) -> Result<Months, NoMonth> {
        Months::of(&plain(text))
    }

    #[test]
    fn a_month_is_read_however_it_is_written() {
        for text in [
            "2026-10",
            "2026-10-01",
            "2026-10-01T00:00:00Z",
            "2026-10-01 00:00:00",
            "2026-10-01T00:00:00+02:00",
            "10/2026",
            "2026/10",
            "10.2026",
            "2026.10",
            "10-2026",
            "10 - 2026",
            "10 2026",
            "202610",
            "20261001",
            "2026/10/1",
            "Oct 2026",
            "october 2026",
            "2026 Oct",
            "Oct-2026",
            "Oct. 2026",
            "Oct2026",
            "1. Oktober 2026",
            "1er octobre 2026",
            "1 de octubre de 2026",
            "October 1st, 2026",
            "1 October 2026 12:00 AM",
            "lokakuu 2026",
            "1. lokakuuta 2026",
            "oktoober 2026",
            "1/Oct/2026",
            "2026\u{2013}10",
            "\u{ff12}\u{ff10}\u{ff12}\u{ff16}-10",
            "2026. 10. 1.",
            "oct.\u{a0}2026",
        ] {
            let Ok(Months::One(month)) = months(text) else { panic!("{text}: {:?}", months(text)) };
            assert_eq!(month.period.to_string(), "2026-10", "{text}");
            assert!(!month.is_of_a_day(), "{text}");
        }
        for text in [
            "2026-10-15",
            "15 Oct 2026",
            "October 15, 2026",
            "2026-10-31",
            "20261015",
            "2026-10-15T13:00:00Z",
        ] {
            let Ok(Months::One(month)) = months(text) else { panic!("{text}: {:?}", months(text)) };
            assert!(month.period.to_string() == "2026-10" && month.is_of_a_day(), "{text}");
        }
        assert!(matches!(months("5 - 2025"), Ok(Months::One(_))));
    }

    #[test]
    fn the_order_of_a_date_is_shown_by_some_days() {
        use DateOrder::{DayFirst, MonthFirst};
        let order = |text| match months(text) {
            Ok(Months::Only(order, _)) => Some(order),
            Ok(Months::One(_) | Months::Either { .. }) | Err(_) => None,
        };
        assert_eq!(order("31/10/2026"), Some(DayFirst));
        assert_eq!(order("10/31/2026"), Some(MonthFirst));
        assert_eq!(order("13-1-2026"), Some(DayFirst));
        assert_eq!(order("10/10/2026"), None);
        assert!(matches!(months("10/10/2026"), Ok(Months::One(_))));
        assert!(matches!(months("01/11/2026"), Ok(Months::Either { is_dotted: false, .. })));
        assert!(matches!(months("01.11.2026"), Ok(Months::Either { is_dotted: true, .. })));
        assert!(matches!(months("10/31/2026 9:30:00 PM"), Err(NoMonth::NearTurn)));
    }

    #[test]
    fn what_is_no_month_is_refused() {
        use NoMonth::{NearTurn, ShortYear, Unreadable};
        for (text, expected) in [
            ("", Unreadable),
            ("2026", Unreadable),
            ("11", Unreadable),
            ("2026-13", Unreadable),
            ("2026-00", Unreadable),
            ("2026-11-31", Unreadable),
            ("31/11/2026", Unreadable),
            ("32/13/2026", Unreadable),
            ("2026.1", Unreadable),
            ("2025/2026", Unreadable),
            ("2026-W45", Unreadable),
            ("Q4 2026", Unreadable),
            ("2026Q4", Unreadable),
            ("listopad 2026", Unreadable),
            ("Oct Nov 2026", Unreadable),
            ("1 2 Oct 2026", ShortYear),
            ("11/26", ShortYear),
            ("01.11.26", ShortYear),
            ("Nov-26", ShortYear),
            ("Nov", ShortYear),
            ("1 Nov 26", ShortYear),
            ("2026-11-01T23:30:00Z", NearTurn),
            ("2026-10-31T22:00:00Z", NearTurn),
            ("2026-11-01 00:00:00 [UTC, shown elsewhere]", NearTurn),
            ("2026-11-01 25:00", Unreadable),
            ("2026-11-01..2026-11-30", Unreadable),
            ("1.2026.3.4", Unreadable),
            ("112026", Unreadable),
            ("01112026", Unreadable),
            ("+026-11", Unreadable),
            ("-2026-11", Unreadable),
            ("1969-12", Unreadable),
            ("2026-11-01 00:00:00 Moon", Unreadable),
            ("2026/11-01", Unreadable),
            (":", Unreadable),
            ("T:", Unreadable),
        ] {
            assert_eq!(months(text), Err(expected), "{text}");
        }
        assert!(
            matches!(months("46327"), Err(NoMonth::Serial(month)) if month.period.to_string() == "2026-11")
        );
    }

    #[test]
    fn numbers_count_days_from_where_the_workbook_says() {
        let month = |text: &str, counts_from_1904| match Months::of_number(text, counts_from_1904) {
            Ok(Months::One(month)) => format!("{} {}", month.period, month.day.unwrap_or_default()),
            other => format!("{other:?}"),
        };
        assert_eq!(month("46327", false), "2026-11 1");
        assert!(matches!(
            Months::of_number("44865", true),
            Err(NoMonth::Serial(month)) if month.period.to_string() == "2026-11"
        ));
        assert_eq!(month("46340.25", false), "2026-11 14");
        assert_eq!(month("202611", false), "2026-11 0");
        assert_eq!(month("20261115", false), "2026-11 15");
        for text in ["46327.5", "2026.1", "10.2026", "2026", "-46327", "12345", "99999", "1e5", "11"] {
            assert!(Months::of_number(text, false).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = months(&text);
            let _ = Months::of_number(&text, true);
        }

        #[test]
        fn no_text_like_a_date_panics(text in "[0-9/.:TtZ aOocCtT+-]{0,24}") {
            let _ = months(&text);
        }
    }
}
