//! When a pipeline runs, as people write it: a few words, the five fields of cron, or an `OnCalendar`.
//!
//! Words and fields are understood here; an `OnCalendar` is systemd's, and what it means is asked of
//! `systemd-analyze`. A time is checked before anything is written.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::child::{Child, find, words};
use crate::domain::visible;
use crate::error::Error;

use super::cron::Cron;

/// How long a time may be written.
const LONGEST: usize = 200;
/// What asks systemd.
const ANALYZE: &str = "systemd-analyze";
const PATIENCE: Duration = Duration::from_secs(20);
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
/// How words are written, for a hint.
const FORMS: &str = "write `daily 02:30`, `weekdays 07:00`, `weekly mon 07:00`, `monthly 1 06:00`, \
    `monthly last 22:00` or `hourly 15`, the five fields of cron, or an OnCalendar of systemd";

/// When a pipeline runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    written: String,
    /// None where only systemd knows.
    cron: Option<Cron>,
}

impl When {
    /// Reads it as it was typed.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let written = words.join(" ");
        let wrong = |why: String| {
            Error::setting(format!("`{}` is no time for a schedule: {why}", visible(&written)), FORMS)
        };
        if written.is_empty() || written.len() > LONGEST {
            return Err(wrong(if written.is_empty() { "it is empty" } else { "it is too long" }.to_owned()));
        }
        let lower: Vec<String> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
        let cron = spoken(&lower).or_else(|| alias(&lower)).or_else(|| fields(&words));
        let cron = cron.transpose().map_err(wrong)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" *-:,./~_+".contains(&byte);
        if cron.is_none() && (written.starts_with('-') || !written.bytes().all(allowed)) {
            return Err(wrong("it has a character that no OnCalendar has".to_owned()));
        }
        // A calendar may name a zone, whose letters count.
        let written = if cron.is_some() { lower.join(" ") } else { written };
        Ok(Self { written, cron })
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// What systemd is told, each an `OnCalendar`; several are alternatives.
    pub fn calendars(&self) -> Vec<String> {
        self.cron.as_ref().map_or_else(|| vec![self.written.clone()], Cron::calendars)
    }

    /// The five fields of cron.
    pub fn cron_fields(&self) -> Result<String, Error> {
        let fields = self.cron.as_ref().and_then(Cron::fields);
        fields.ok_or_else(|| {
            let what = format!("cron has no word for `{}`", visible(&self.written));
            Error::setting(what, "write five fields of cron, or leave --cron out")
        })
    }

    /// Lets systemd judge what it will be told, where it is there. What only systemd understands cannot
    /// be checked without it.
    pub fn check(&self) -> Result<(), Error> {
        if find(ANALYZE).is_none() {
            return if self.cron.is_some() { Ok(()) } else { Err(self.unknown()) };
        }
        self.calendars().iter().try_for_each(|calendar| elapse(calendar, None).map(|_| ()))
    }

    /// The first time after another one.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, Error> {
        match &self.cron {
            Some(cron) => Ok(cron.next(after, zone)),
            None if find(ANALYZE).is_some() => elapse(&self.written, Some(after)),
            None => Err(self.unknown()),
        }
    }

    /// The first time at which systemd starts it, as far as systemd is here to tell: a time that daylight saving
    /// leaves out is none for it, where others take the hour behind it.
    pub fn next_by_systemd(&self, after: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, Error> {
        if find(ANALYZE).is_none() {
            return self.next(after, zone);
        }
        let calendars = self.calendars();
        let times = calendars.iter().map(|calendar| elapse(calendar, Some(after)));
        let times: Vec<Option<Timestamp>> = times.collect::<Result<_, _>>()?;
        Ok(times.into_iter().flatten().min())
    }

    fn unknown(&self) -> Error {
        let what = format!(
            "whether `{}` is a time can be told by {ANALYZE} alone, which is not here",
            visible(&self.written)
        );
        Error::setting(what, FORMS)
    }
}

/// A few words; `None` where they are none of ours.
fn spoken(words: &[&str]) -> Option<Result<Cron, String>> {
    let (first, rest) = words.split_first()?;
    let read = |rest: &[&str]| match (*first, rest) {
        ("hourly", [minute]) => {
            let minute = minute.trim_start_matches(':');
            Cron::parse(&format!("{minute} * * * *"))
        }
        ("daily", [at]) => at_time(at, "* * *"),
        ("weekdays", [at]) => at_time(at, "* * 1-5"),
        ("weekly", [day, at]) => at_time(at, &format!("* * {}", weekday(day)?)),
        ("monthly", ["last", at]) => {
            let (hour, minute) = time(at)?;
            Cron::on_last_day(hour, minute)
        }
        ("monthly", [day, at]) => {
            let is_in_all = day.parse::<u8>().is_ok_and(|day| (1..=28).contains(&day));
            if is_in_all {
                at_time(at, &format!("{day} * *"))
            } else {
                Err("the day has to be 1 to 28, which every month has, or `last`".to_owned())
            }
        }
        ("hourly", _) => Err("say at which minute, such as `hourly 15`".to_owned()),
        (word, _) => Err(format!("say when, such as `{word} {}02:30`", before_time(word))),
    };
    ["hourly", "daily", "weekdays", "weekly", "monthly"].contains(first).then(|| read(rest))
}

/// What stands between a word and its time.
fn before_time(word: &str) -> &'static str {
    match word {
        "weekly" => "mon ",
        "monthly" => "1 ",
        _ => "",
    }
}

/// One of cron's own words, such as `@daily`.
fn alias(words: &[&str]) -> Option<Result<Cron, String>> {
    let [word] = words else { return None };
    let fields = match word.strip_prefix('@')? {
        "hourly" => "0 * * * *",
        "daily" | "midnight" => "0 0 * * *",
        "weekly" => "0 0 * * 0",
        "monthly" => "0 0 1 * *",
        "yearly" | "annually" => "0 0 1 1 *",
        _ => return Some(Err("it is none of cron's words for a time".to_owned())),
    };
    Some(Cron::parse(fields))
}

/// The five fields of cron; an `OnCalendar` never has so many words.
fn fields(words: &[&str]) -> Option<Result<Cron, String>> {
    (words.len() == 5).then(|| Cron::parse(&words.join(" ")))
}

fn at_time(at: &str, rest: &str) -> Result<Cron, String> {
    let (hour, minute) = time(at)?;
    Cron::parse(&format!("{minute} {hour} {rest}"))
}

fn time(text: &str) -> Result<(u8, u8), String> {
    let number = |text: &str, limit: u8| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|number| is_number && *number < limit)
    };
    let read = text.split_once(':').and_then(|(hour, minute)| {
        let minute = number(minute, 60).filter(|_| minute.len() == 2);
        number(hour, 24).zip(minute)
    });
    read.ok_or_else(|| format!("`{}` is no time of day, such as 02:30", visible(text)))
}

/// The number of a day of the week by its name or its first three letters.
fn weekday(text: &str) -> Result<usize, String> {
    let named = WEEKDAYS.iter().position(|name| *name == text || name.get(..3) == Some(text));
    named.ok_or_else(|| format!("`{}` is no day of the week, such as mon", visible(text)))
}

/// What systemd says of the next time of an `OnCalendar`; an error where it is none, or never comes.
fn elapse(calendar: &str, after: Option<Timestamp>) -> Result<Option<Timestamp>, Error> {
    let base = after.map(|after| format!("--base-time=@{}", after.as_second()));
    let fixed = ["env", "LC_ALL=C", ANALYZE, "calendar"].map(str::to_owned);
    let command = fixed.into_iter().chain(base).chain(["--".to_owned(), calendar.to_owned()]);
    let command = words(command);
    let said = Child { command: &command, input: &[], patience: PATIENCE, limit: 64 * 1024 }.run();
    let shown = visible(calendar).to_string();
    let said = said.map_err(|error| Error::setting(format!("{ANALYZE}: {error}"), "run it by hand"))?;
    if !said.status.success() {
        let why = said.last_words().unwrap_or_else(|| "it is no OnCalendar".to_owned());
        let what = format!("`{shown}` is no time for a schedule: {ANALYZE} says: {}", visible(&why));
        return Err(Error::setting(what, FORMS));
    }
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let next = text.lines().find_map(|line| line.trim().strip_prefix("Next elapse: "));
    if next == Some("never") {
        // A year that is over is a time all the same, only not a next one.
        return if after.is_some() {
            Ok(None)
        } else {
            Err(Error::setting(format!("`{shown}` never comes"), FORMS))
        };
    }
    let in_utc = text.lines().find_map(|line| line.trim().strip_prefix("(in UTC): ")).or(next);
    Ok(in_utc.and_then(moment))
}

/// Reads `Fri 2026-11-27 02:30:00 UTC`.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim().strip_suffix(" UTC")?;
    let (_, text) = text.split_once(' ')?;
    let time = strtime::parse("%Y-%m-%d %H:%M:%S", text).ok()?.to_datetime().ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendars(text: &str) -> Vec<String> {
        When::parse(text).unwrap().calendars()
    }

    fn refused(text: &str) -> String {
        When::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn words_and_fields_and_calendars_are_read() {
        for (text, calendar, fields) in [
            ("daily 02:30", "*-*-* 02:30:00", Some("30 2 * * *")),
            ("  Daily   2:30 ", "*-*-* 02:30:00", Some("30 2 * * *")),
            ("weekdays 07:00", "mon,tue,wed,thu,fri *-*-* 07:00:00", Some("0 7 * * 1-5")),
            ("weekly mon 07:00", "mon *-*-* 07:00:00", Some("0 7 * * 1")),
            ("weekly Sunday 23:59", "sun *-*-* 23:59:00", Some("59 23 * * 0")),
            ("monthly 1 06:00", "*-*-01 06:00:00", Some("0 6 1 * *")),
            ("monthly last 22:00", "*-*~01 22:00:00", None),
            ("hourly 15", "*-*-* *:15:00", Some("15 * * * *")),
            ("@monthly", "*-*-01 00:00:00", Some("0 0 1 * *")),
            ("30 2 * * MON", "mon *-*-* 02:30:00", Some("30 2 * * mon")),
            ("Mon..Fri *-*-* 07:30:00", "Mon..Fri *-*-* 07:30:00", None),
            ("*-*-01 06:00 Europe/Tallinn", "*-*-01 06:00 Europe/Tallinn", None),
        ] {
            let when = When::parse(text).unwrap();
            assert_eq!(
                (when.calendars(), when.cron_fields().ok()),
                (vec![calendar.to_owned()], fields.map(str::to_owned)),
                "{text}"
            );
        }
        assert_eq!(calendars("0 6 13 * fri"), ["*-*-13 06:00:00", "fri *-*-* 06:00:00"]);
    }

    #[test]
    fn what_is_no_time_is_refused_before_anything_is_asked() {
        assert!(refused("daily").ends_with("say when, such as `daily 02:30`"));
        assert!(refused("monthly 06:00").ends_with("say when, such as `monthly 1 02:30`"));
        assert!(refused("daily 24:00").ends_with("`24:00` is no time of day, such as 02:30"));
        assert!(refused("daily 2:3").contains("no time of day"));
        assert!(refused("weekly foo 07:00").contains("no day of the week"));
        assert!(refused("monthly 31 06:00").contains("1 to 28"));
        assert!(refused("@reboot").contains("none of cron's words"));
        assert!(refused("61 2 * * *").contains("`61` is no minute"));
        for text in ["", "  ", "--help", "daily\u{7}", "*-*-* 02:00\n[Service]", "%h 02:00", "a\"b"] {
            let text = refused(text);
            assert!(!text.contains('\n') && !text.contains('\u{7}'), "{text}");
        }
        assert!(refused(&"*".repeat(201)).contains("too long"));
    }

    #[test]
    fn systemd_is_asked_for_what_is_its_own() {
        if find(ANALYZE).is_none() {
            return;
        }
        let when = |text: &str| When::parse(text).unwrap();
        let after = "2026-11-27T00:00:00Z".parse().unwrap();
        for text in ["daily 02:30", "*/20 8-10 * jan-mar 1-5", "0 6 13 * fri", "monthly last 22:00"] {
            when(text).check().unwrap();
        }
        let tallinn = when("*-*-01 06:00 Europe/Tallinn");
        tallinn.check().unwrap();
        let next = tallinn.next(after, &TimeZone::UTC).unwrap().unwrap();
        assert_eq!(next.to_string(), "2026-12-01T04:00:00Z");
        // Both read the same fields alike.
        for text in ["30 2 * * *", "*/20 8-10 * jan-mar 1-5", "0 6 */2 * fri", "0 0 29 2 *"] {
            let when = when(text);
            let by_systemd = elapse(&format!("{} UTC", when.calendars()[0]), Some(after)).unwrap();
            assert_eq!(when.next(after, &TimeZone::UTC).unwrap(), by_systemd, "{text}");
        }
        assert!(when("foo").check().unwrap_err().to_string().contains("foo"));
        assert!(when("*-02-30 00:00:00").check().unwrap_err().to_string().contains("never comes"));
    }
}
