//! Specs: a fault as it is typed, `status=503 method=POST rate=0.01`; `shown` is the way back.
//!
//! One word names the fault, the others say which requests it strikes and how; their order does not
//! matter. Whatever is written is understood wholly or refused with the word that is wrong.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::words::{Given, Words, written};
use super::{Ending, Fault, FaultKind, When, bodies, methods, names};
use crate::domain::{Amount, visible};

/// Why a spec of a fault is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fault {spec} cannot be understood{}: {why}", place.as_ref().map(|place| format!(", at {place}")).unwrap_or_default())]
pub struct FaultError {
    spec: String,
    place: Option<String>,
    why: String,
    /// Whether no fault is named, so that the names are what helps.
    names_none: bool,
}

impl FaultError {
    pub(super) fn new(spec: &str, place: Option<&str>, why: &str) -> Self {
        // What was typed may come from a script and hold anything.
        let shown = |text: &str| visible(text).to_string();
        Self { spec: shown(&written(spec)), place: place.map(shown), why: shown(why), names_none: false }
    }

    /// The same, and that no fault is named.
    pub(super) fn names_none(self) -> Self {
        Self { names_none: true, ..self }
    }

    /// What to do about it; where no fault is named, the names that there are.
    pub fn hint(&self) -> String {
        let help = "`sandbox --help` tells what each fault takes";
        if self.names_none { format!("the faults are {}; {help}", names::list()) } else { help.to_owned() }
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(spec: &str) -> Result<Self, FaultError> {
        read(Words::of_text(spec)?)
    }
}

impl Fault {
    /// Reads a spec out of JSON: the text of one, or an object with its words.
    pub fn from_json(json: &Value) -> Result<Self, FaultError> {
        match json {
            Value::String(spec) => spec.parse(),
            _ => read(Words::of_json(json)?),
        }
    }
}

fn read(mut words: Words) -> Result<Fault, FaultError> {
    let (name, given) = words.take_name()?;
    let kind = Kind { words: &mut words, name: &name, given }.read()?;
    let mut fault = Fault::new(kind);
    if let Some(given) = words.take("method")? {
        fault.method = methods::read(&given.text).map_err(|why| words.wrong(&given, &why))?;
    }
    if let Some(given) = words.take("path")? {
        fault.path_contains = given.text;
    }
    if let Some(given) = words.take("rate")? {
        fault.rate = given.text.parse().map_err(|error| words.wrong(&given, &format!("{error}")))?;
    }
    let (skip, after) = (words.take("skip")?, words.take("after")?);
    if let (Some(_), Some(given)) = (&skip, &after) {
        return Err(words.wrong(given, "skip and after say the same; write one of them"));
    }
    if let Some(given) = skip.or(after) {
        fault.skip = number(&words, &given, "a number of requests")?;
    }
    if let Some(given) = words.take("times")? {
        fault.times = match given.text.as_str() {
            "always" => Fault::ALWAYS,
            _ => number(&words, &given, "a number of requests, or always")?,
        };
    }
    words.close(&name)?;
    Ok(fault)
}

fn number<T: FromStr>(words: &Words, given: &Given, what: &str) -> Result<T, FaultError> {
    given.text.parse().map_err(|_| words.wrong(given, &format!("it has to be {what}")))
}

/// A length of time as `2s`, `250ms` or `1h 30m`, with a sign where that makes sense.
fn time(words: &Words, given: &Given) -> Result<SignedDuration, FaultError> {
    given.text.parse().map_err(|_| words.wrong(given, "a time is written as 250ms, 90s, 5m or 2h"))
}

/// A kind while it is read.
struct Kind<'a> {
    words: &'a mut Words,
    name: &'a str,
    given: Option<Given>,
}

impl Kind<'_> {
    fn read(mut self) -> Result<FaultKind, FaultError> {
        Ok(match self.name {
            "status" => self.status()?,
            "status-after-commit" => FaultKind::StatusAfterCommit(self.code(200..=599)?),
            "drop-before-commit" => self.plain(FaultKind::DropBeforeCommit)?,
            "drop-after-commit" => self.plain(FaultKind::DropAfterCommit)?,
            "delay" => FaultKind::Delay(self.needed_time()?),
            "slow" => self.slow()?,
            "stalled" => FaultKind::Stalled(self.duration(Duration::from_hours(1))?),
            "truncated" => self.plain(FaultKind::Truncated)?,
            "html" => self.plain(FaultKind::Html)?,
            "rows-repeated" => self.plain(FaultKind::RowsRepeated)?,
            "rows-lost" => self.plain(FaultKind::RowsLost)?,
            "untied-order" => self.plain(FaultKind::UntiedOrder)?,
            "added-field" => FaultKind::AddedField(self.field()?),
            "filters-ignored" => FaultKind::FiltersIgnored(self.names()),
            "clock-skew" => FaultKind::ClockSkew(self.needed_skew()?),
            "wrong-date" => FaultKind::WrongDate(self.date()?),
            "missing-date" => self.plain(FaultKind::MissingDate)?,
            "token-expires" => self.plain(FaultKind::TokenExpires)?,
            "half-applied" => self.half_applied()?,
            "month-turns" => self.plain(FaultKind::MonthTurns)?,
            "another-writer" => self.another_writer()?,
            "endless-link" => self.plain(FaultKind::EndlessLink)?,
            "foreign-link" => FaultKind::ForeignLink(self.origin()?),
            "redirect" => self.redirect()?,
            "huge-body" => FaultKind::HugeBody(self.bytes()?),
            "deep-body" => FaultKind::DeepBody(self.levels()?),
            _ => return Err(self.words.whole("it names no fault").names_none()),
        })
    }

    fn plain(&self, kind: FaultKind) -> Result<FaultKind, FaultError> {
        match &self.given {
            None => Ok(kind),
            Some(given) => Err(self.words.wrong(given, "this fault takes no value")),
        }
    }

    fn needed(&self) -> Result<&Given, FaultError> {
        let missing = || self.words.whole(&format!("{} needs a value after `=`", self.name));
        self.given.as_ref().ok_or_else(missing)
    }

    fn code(&self, range: std::ops::RangeInclusive<u16>) -> Result<u16, FaultError> {
        let given = self.needed()?;
        let what = format!("a status from {} to {}", range.start(), range.end());
        let code = number(self.words, given, &what)?;
        if range.contains(&code) {
            Ok(code)
        } else {
            Err(self.words.wrong(given, &format!("it has to be {what}")))
        }
    }

    fn status(&mut self) -> Result<FaultKind, FaultError> {
        let code = self.code(200..=599)?;
        let (body, kind) = (self.words.take("body")?, self.words.take("content-type")?);
        match self.words.take("retry-after")? {
            None => {
                let (usual_body, usual_kind) = bodies::of_status(code);
                let body = body.map_or(usual_body, |given| given.text);
                let kind = match kind {
                    None => usual_kind,
                    Some(given) if given.text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) => given.text,
                    Some(given) => return Err(self.words.wrong(&given, "a header is plain ASCII")),
                };
                Ok(FaultKind::Status(code, body, kind))
            }
            Some(seconds) if body.is_none() && kind.is_none() => {
                Ok(FaultKind::TryLater(code, number(self.words, &seconds, "a number of seconds")?))
            }
            Some(seconds) => Err(self.words.wrong(&seconds, "it goes without body and content-type")),
        }
    }

    fn needed_skew(&self) -> Result<SignedDuration, FaultError> {
        time(self.words, self.needed()?)
    }

    fn needed_time(&self) -> Result<Duration, FaultError> {
        self.needed()?;
        self.duration(Duration::ZERO)
    }

    fn duration(&self, usual: Duration) -> Result<Duration, FaultError> {
        let Some(given) = &self.given else { return Ok(usual) };
        let time = time(self.words, given)?;
        Duration::try_from(time).map_err(|_| self.words.wrong(given, "time does not run backwards"))
    }

    fn slow(&mut self) -> Result<FaultKind, FaultError> {
        let pause = self.duration(Duration::from_millis(100))?;
        let chunk = match self.words.take("chunk")? {
            None => 64,
            Some(given) => number::<std::num::NonZeroUsize>(self.words, &given, "a number of bytes")?.get(),
        };
        Ok(FaultKind::Slow(chunk, pause))
    }

    fn names(&self) -> Vec<String> {
        let names = self.given.iter().flat_map(|given| given.text.split(','));
        names.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    fn field(&self) -> Result<String, FaultError> {
        match &self.given {
            None => Ok("added".to_owned()),
            Some(given)
                if !given.text.is_empty()
                    && given.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                Ok(given.text.clone())
            }
            Some(given) => Err(self.words.wrong(given, "a field is named by letters, digits and _")),
        }
    }

    fn date(&self) -> Result<String, FaultError> {
        match &self.given {
            None => Ok("the day before yesterday".to_owned()),
            Some(given)
                if !given.text.is_empty() && given.text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) =>
            {
                Ok(given.text.clone())
            }
            Some(given) => Err(self.words.wrong(given, "a header is plain ASCII and not empty")),
        }
    }

    fn half_applied(&mut self) -> Result<FaultKind, FaultError> {
        let items = match &self.given {
            None => 1,
            Some(given) => number(self.words, given, "a number of items")?,
        };
        let ending = match self.words.take("then")? {
            None => Ending::Broken,
            Some(given) => match given.text.as_str() {
                "500" => Ending::Broken,
                "drop" => Ending::Dropped,
                _ => return Err(self.words.wrong(&given, "it has to be 500 or drop")),
            },
        };
        Ok(FaultKind::HalfApplied(items, ending))
    }

    fn another_writer(&mut self) -> Result<FaultKind, FaultError> {
        let when = match &self.given {
            None => When::Before,
            Some(given) => match given.text.as_str() {
                "before" => When::Before,
                "after" => When::After,
                _ => return Err(self.words.wrong(given, "it has to be before or after")),
            },
        };
        let amount = match self.words.take("amount")? {
            None => None,
            Some(given) => match Amount::parse(&given.text) {
                Ok(amount) if amount.has_cents_only() => Some(amount),
                _ => {
                    return Err(self.words.wrong(&given, "it has to be an amount with two decimals at most"));
                }
            },
        };
        Ok(FaultKind::AnotherWriter(when, amount))
    }

    fn origin(&self) -> Result<String, FaultError> {
        let Some(given) = &self.given else { return Ok("https://elsewhere.invalid".to_owned()) };
        if is_origin(&given.text) {
            Ok(given.text.trim_end_matches('/').to_owned())
        } else {
            Err(self.words.wrong(given, "an origin is written as https://elsewhere.invalid"))
        }
    }

    fn redirect(&mut self) -> Result<FaultKind, FaultError> {
        let status = match &self.given {
            None => 302,
            Some(given) => match given.text.as_str() {
                "301" => 301,
                "302" => 302,
                "303" => 303,
                "307" => 307,
                "308" => 308,
                _ => return Err(self.words.wrong(given, "it has to be 301, 302, 303, 307 or 308")),
            },
        };
        let to = match self.words.take("to")? {
            None => "https://elsewhere.invalid".to_owned(),
            Some(given) if given.text.starts_with('/') || is_origin(&given.text) => given.text,
            Some(given) => return Err(self.words.wrong(&given, "it has to be a path or an origin")),
        };
        if to.bytes().all(|byte| (b'!'..0x7f).contains(&byte)) {
            Ok(FaultKind::Redirect(status, to))
        } else {
            Err(self.words.whole("the target of a redirect is plain ASCII without blanks"))
        }
    }

    fn bytes(&self) -> Result<u64, FaultError> {
        let Some(given) = &self.given else { return Ok(256 << 20) };
        let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
        let unit = units.iter().find_map(|(unit, shift)| Some((given.text.strip_suffix(unit)?, *shift)));
        let (digits, shift) = unit.unwrap_or((&given.text, 0));
        let bytes = digits.parse::<u64>().ok().and_then(|count| count.checked_mul(1 << shift));
        bytes.ok_or_else(|| self.words.wrong(given, "a size is written as 1000000, 512KiB, 256MiB or 2GiB"))
    }

    fn levels(&self) -> Result<usize, FaultError> {
        match &self.given {
            None => Ok(100_000),
            Some(given) => match number(self.words, given, "a number of levels, 10 million at most")? {
                levels @ 0..=10_000_000 => Ok(levels),
                _ => Err(self.words.wrong(given, "10 million levels are the most")),
            },
        }
    }
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.map(|rest| rest.trim_end_matches('/')).is_some_and(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
    })
}
