//! Faults as they are written down: the inverse of a spec, which reads it.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;

use super::words::written;
use super::{Ending, Fault, FaultKind, Rate, When, bodies};

/// The units of a time, longest first, each with its nanoseconds.
const UNITS: [(&str, i128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A time as it is typed: a whole number of the longest unit that it is one of, such as `-90s`.
fn time(time: SignedDuration) -> String {
    let nanoseconds = time.as_nanos();
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let whole = |(unit, length): &(&str, i128)| {
        (nanoseconds % length == 0).then(|| format!("{}{unit}", nanoseconds / length))
    };
    UNITS.iter().find_map(whole).unwrap_or_default()
}

fn held(held: Duration) -> String {
    time(SignedDuration::try_from(held).unwrap_or(SignedDuration::MAX))
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.kind)?;
        for (key, text) in [("method", &self.method), ("path", &self.path_contains)] {
            if !text.is_empty() {
                write!(formatter, " {key}={}", written(text))?;
            }
        }
        if self.rate != Rate::ALL {
            write!(formatter, " rate={}", self.rate)?;
        }
        if self.skip > 0 {
            write!(formatter, " skip={}", self.skip)?;
        }
        match self.times {
            times if times == self.kind.usual_times() => Ok(()),
            Self::ALWAYS => write!(formatter, " times=always"),
            times => write!(formatter, " times={times}"),
        }
    }
}

impl FaultKind {
    /// The name by which it is called in a spec.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Status(..) | Self::TryLater(..) => "status",
            Self::StatusAfterCommit(..) => "status-after-commit",
            Self::DropBeforeCommit => "drop-before-commit",
            Self::DropAfterCommit => "drop-after-commit",
            Self::Delay(..) => "delay",
            Self::Slow(..) => "slow",
            Self::Stalled(..) => "stalled",
            Self::Truncated => "truncated",
            Self::Html => "html",
            Self::RowsRepeated => "rows-repeated",
            Self::RowsLost => "rows-lost",
            Self::UntiedOrder => "untied-order",
            Self::AddedField(..) => "added-field",
            Self::FiltersIgnored(..) => "filters-ignored",
            Self::ClockSkew(..) => "clock-skew",
            Self::WrongDate(..) => "wrong-date",
            Self::MissingDate => "missing-date",
            Self::TokenExpires => "token-expires",
            Self::HalfApplied(..) => "half-applied",
            Self::MonthTurns => "month-turns",
            Self::AnotherWriter(..) => "another-writer",
            Self::EndlessLink => "endless-link",
            Self::ForeignLink(..) => "foreign-link",
            Self::Redirect(..) => "redirect",
            Self::HugeBody(..) => "huge-body",
            Self::DeepBody(..) => "deep-body",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())?;
        match self {
            Self::Status(code, body, kind) => {
                write!(formatter, "={code}")?;
                if (body, kind) == pair(&bodies::of_status(*code)) {
                    return Ok(());
                }
                write!(formatter, " body={} content-type={}", written(body), written(kind))
            }
            Self::TryLater(code, seconds) => write!(formatter, "={code} retry-after={seconds}"),
            Self::StatusAfterCommit(code) => write!(formatter, "={code}"),
            Self::Delay(time) | Self::Stalled(time) => write!(formatter, "={}", held(*time)),
            Self::Slow(chunk, pause) => write!(formatter, "={} chunk={chunk}", held(*pause)),
            Self::AddedField(name) => write!(formatter, "={name}"),
            Self::FiltersIgnored(names) if names.is_empty() => Ok(()),
            Self::FiltersIgnored(names) => write!(formatter, "={}", written(&names.join(","))),
            Self::ClockSkew(skew) => write!(formatter, "={}", time(*skew)),
            Self::WrongDate(date) => write!(formatter, "={}", written(date)),
            Self::HalfApplied(items, Ending::Broken) => write!(formatter, "={items}"),
            Self::HalfApplied(items, Ending::Dropped) => write!(formatter, "={items} then=drop"),
            Self::AnotherWriter(when, amount) => {
                let when = if *when == When::Before { "before" } else { "after" };
                write!(formatter, "={when}")?;
                amount.map_or(Ok(()), |amount| write!(formatter, " amount={amount}"))
            }
            Self::ForeignLink(origin) => write!(formatter, "={origin}"),
            Self::Redirect(status, to) => write!(formatter, "={status} to={to}"),
            Self::HugeBody(bytes) => write!(formatter, "={bytes}"),
            Self::DeepBody(levels) => write!(formatter, "={levels}"),
            Self::DropBeforeCommit
            | Self::DropAfterCommit
            | Self::Truncated
            | Self::Html
            | Self::RowsRepeated
            | Self::RowsLost
            | Self::UntiedOrder
            | Self::MissingDate
            | Self::TokenExpires
            | Self::MonthTurns
            | Self::EndlessLink => Ok(()),
        }
    }
}

fn pair((left, right): &(String, String)) -> (&String, &String) {
    (left, right)
}
