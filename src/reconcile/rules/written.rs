//! A rule file as it is written, and how it is judged.
//!
//! It can come from anywhere, so its size and its lists are bounded, and whatever cannot be understood
//! is refused with its line: a rule that was left out would change what the report says.

use std::ops::Range;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use crate::domain::{Amount, Currency, PeriodRange, RoundingRule, is_invisible, nearest, visible};
use crate::reconcile::class::Class;

use super::{Head, Ignore, Limits, Rules, Tolerance, UnitRule};

/// Bytes of a rule file.
const LARGEST: usize = 1 << 20;
/// Tolerances, units, and ignores that name no resource, each: they are asked about every break.
const MOST: usize = 200;
/// Ignores that name a resource.
const MOST_NAMED: usize = 5_000;
/// Characters of a text.
const LONGEST: usize = 300;

/// A rule file that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RuleError {
    /// The line.
    pub line: u32,
    /// What is wrong with it.
    pub what: String,
    /// What may be meant.
    pub hint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    aliases: Option<Spanned<String>>,
    #[serde(default)]
    tolerance: Vec<Spanned<WrittenTolerance>>,
    #[serde(default)]
    ignore: Vec<Spanned<WrittenIgnore>>,
    #[serde(default)]
    unit: Vec<Spanned<WrittenUnit>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTolerance {
    name: Option<Spanned<String>>,
    component: Option<Spanned<String>>,
    unit: Option<Spanned<String>>,
    absolute: Option<Amount>,
    relative: Option<Spanned<String>>,
    money: Option<Amount>,
    currency: Option<Spanned<String>>,
    until: Option<Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIgnore {
    name: Option<Spanned<String>>,
    resource: Option<Spanned<String>>,
    component: Option<Spanned<String>>,
    period: Option<Spanned<String>>,
    class: Option<Spanned<Names>>,
    reason: Option<Spanned<String>>,
    until: Option<Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenUnit {
    name: Option<Spanned<String>>,
    from: Spanned<String>,
    to: Spanned<String>,
    factor: Spanned<String>,
    round: Option<Spanned<String>>,
    until: Option<Spanned<toml::Value>>,
}

/// One name or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

type Checked<T> = Result<T, RuleError>;

pub fn read(text: &str) -> Checked<Rules> {
    if text.len() > LARGEST {
        return Err(RuleError { line: 1, what: "a rule file of more than 1 MiB".into(), hint: None });
    }
    let reader = Reader { text };
    let written: Written = toml::from_str(text).map_err(|error| reader.toml(&error))?;
    let mut rules = Rules::default();
    if let Some(aliases) = &written.aliases {
        rules.aliases = Some(reader.text_of(aliases)?);
    }
    reader.at_most(&written.tolerance, MOST, "tolerances")?;
    reader.at_most(&written.unit, MOST, "units")?;
    let (named, any): (Vec<_>, Vec<_>) =
        written.ignore.iter().partition(|rule| rule.get_ref().resource.is_some());
    if named.len() > MOST_NAMED || any.len() > MOST {
        let what = format!("more than {MOST_NAMED} ignores of single resources, or {MOST} others");
        return reader.fault(written.ignore.first().map_or(0..0, Spanned::span), what);
    }
    for (rule, place) in written.tolerance.iter().zip(1..) {
        rules.tolerances.push(reader.tolerance(rule, place)?);
    }
    for (rule, place) in written.ignore.iter().zip(1..) {
        rules.ignores.push(reader.ignore(rule, place)?);
    }
    for (rule, place) in written.unit.iter().zip(1..) {
        let unit = reader.unit(rule, place)?;
        if rules.units.iter().any(|known| known.is_for(&unit.from, &unit.to)) {
            let what = format!("a second rule from {} to {}", visible(&unit.from), visible(&unit.to));
            return reader.fault(rule.span(), what);
        }
        rules.units.push(unit);
    }
    if let Some(name) = rules.repeated_name() {
        let what = format!("two rules are called {}", visible(&name));
        return Err(RuleError { line: reader.last_line_of(&name), what, hint: None });
    }
    Ok(rules)
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn line(&self, offset: usize) -> u32 {
        let before = self.text.get(..offset).unwrap_or_default();
        let lines = before.matches('\n').count();
        u32::try_from(lines.saturating_add(1)).unwrap_or(u32::MAX)
    }

    fn last_line_of(&self, name: &str) -> u32 {
        self.line(self.text.rfind(name).unwrap_or_default())
    }

    fn error(&self, span: Range<usize>, what: impl Into<String>) -> RuleError {
        RuleError { line: self.line(span.start), what: what.into(), hint: None }
    }

    fn fault<T>(&self, span: Range<usize>, what: impl Into<String>) -> Checked<T> {
        Err(self.error(span, what))
    }

    /// A fault of the form; of a key that there is not, the nearest one that there is.
    fn toml(&self, error: &toml::de::Error) -> RuleError {
        let message = error.message();
        let mut quoted = message.split('`').skip(1).step_by(2);
        let is_unknown = message.starts_with("unknown field");
        let hint = quoted.next().filter(|_| is_unknown).and_then(|found| nearest(found, quoted));
        RuleError {
            line: self.line(error.span().map_or(0, |span| span.start)),
            what: visible(message).to_string(),
            hint: hint.map(|near| format!("did you mean {near}?")),
        }
    }

    fn at_most<T>(&self, list: &[Spanned<T>], most: usize, what: &str) -> Checked<()> {
        match list.get(most) {
            Some(rule) => self.fault(rule.span(), format!("more than {most} {what}")),
            None => Ok(()),
        }
    }

    fn text_of(&self, text: &Spanned<String>) -> Checked<String> {
        let trimmed = text.get_ref().trim();
        let fault = |what: &str| self.fault(text.span(), what);
        if trimmed.is_empty() {
            return fault("an empty text");
        }
        if trimmed.chars().count() > LONGEST {
            return fault("a text of more than 300 characters");
        }
        if trimmed.chars().any(is_invisible) {
            return fault("a text with a character that does not show");
        }
        Ok(trimmed.to_owned())
    }

    fn texts_of(&self, text: Option<&Spanned<String>>) -> Checked<Option<String>> {
        text.map(|text| self.text_of(text)).transpose()
    }

    fn head(
        &self,
        name: Option<&Spanned<String>>,
        until: Option<&Spanned<toml::Value>>,
        (kind, place): (&str, usize),
    ) -> Checked<Head> {
        let name = self.texts_of(name)?.unwrap_or_else(|| format!("{kind} {place}"));
        let until = until.map(|until| self.date(until)).transpose()?;
        Ok(Head { name, until })
    }

    fn date(&self, value: &Spanned<toml::Value>) -> Checked<Date> {
        let text = match value.get_ref() {
            toml::Value::Datetime(date) => date.to_string(),
            toml::Value::String(text) => text.trim().to_owned(),
            _ => String::new(),
        };
        let is_day = text.len() == 10;
        let date = text.parse().ok().filter(|_| is_day);
        date.ok_or_else(|| self.error(value.span(), "not a day; write it as 2026-12-31"))
    }

    fn tolerance(&self, rule: &Spanned<WrittenTolerance>, place: usize) -> Checked<Tolerance> {
        let written = rule.get_ref();
        let percent = |text: &Spanned<String>| {
            let number = text.get_ref().trim().strip_suffix('%').map(str::trim);
            let percent = number.and_then(|number| Amount::parse(number).ok());
            percent.ok_or_else(|| self.error(text.span(), "not a share; write it as \"1%\""))
        };
        let currency = |text: &Spanned<String>| {
            text.get_ref().parse::<Currency>().map_err(|error| self.error(text.span(), error.to_string()))
        };
        if let (Some(currency), None) = (&written.currency, written.money) {
            return self.fault(currency.span(), "a currency without a limit of money");
        }
        let limits = Limits {
            absolute: written.absolute,
            percent: written.relative.as_ref().map(percent).transpose()?,
            money: written.money,
            currency: written.currency.as_ref().map(currency).transpose()?,
        };
        Ok(Tolerance {
            head: self.head(written.name.as_ref(), written.until.as_ref(), ("tolerance", place))?,
            component: self.texts_of(written.component.as_ref())?,
            unit: self.texts_of(written.unit.as_ref())?,
            limits: limits.checked().map_err(|error| self.error(rule.span(), error.to_string()))?,
        })
    }

    fn ignore(&self, rule: &Spanned<WrittenIgnore>, place: usize) -> Checked<Ignore> {
        let written = rule.get_ref();
        let Some(reason) = self.texts_of(written.reason.as_ref())? else {
            return self.fault(rule.span(), "no reason: say why it is left alone");
        };
        if written.until.is_none() {
            return self.fault(rule.span(), "no end: say until which day, as in until = 2026-12-31");
        }
        let ignore = Ignore {
            head: self.head(written.name.as_ref(), written.until.as_ref(), ("ignore", place))?,
            resource: self.texts_of(written.resource.as_ref())?,
            component: self.texts_of(written.component.as_ref())?,
            period: written.period.as_ref().map(|period| self.period(period)).transpose()?,
            classes: written.class.as_ref().map_or(Ok(Vec::new()), |classes| self.classes(classes))?,
            reason,
        };
        let names_something = ignore.resource.is_some()
            || ignore.component.is_some()
            || ignore.period.is_some()
            || !ignore.classes.is_empty();
        if names_something {
            Ok(ignore)
        } else {
            let what = "it would leave everything alone; name a resource, component, period or class";
            self.fault(rule.span(), what)
        }
    }

    fn period(&self, text: &Spanned<String>) -> Checked<PeriodRange> {
        let what = "not a month; write it as 2026-11 or 2026-09..2026-11";
        text.get_ref().trim().parse().map_err(|_| self.error(text.span(), what))
    }

    fn classes(&self, names: &Spanned<Names>) -> Checked<Vec<Class>> {
        let list = match names.get_ref() {
            Names::One(name) => std::slice::from_ref(name),
            Names::Several(names) => names,
        };
        if list.is_empty() {
            return self.fault(names.span(), "an empty list of classes");
        }
        let mut classes = Vec::new();
        for name in list {
            let Ok(class) = name.parse::<Class>() else {
                let all = Class::ALL.iter().map(|class| class.name());
                let hint = nearest(name, all).map(|near| format!("did you mean {near}?"));
                let what = format!("{} is no class of differences", visible(name));
                return Err(RuleError { hint, ..self.error(names.span(), what) });
            };
            if !class.is_break() {
                let what = format!("{class} is nothing that has to be left alone");
                return self.fault(names.span(), what);
            }
            classes.push(class);
        }
        Ok(classes)
    }

    fn unit(&self, rule: &Spanned<WrittenUnit>, place: usize) -> Checked<UnitRule> {
        let written = rule.get_ref();
        let factor = &written.factor;
        let round = |text: &Spanned<String>| match text.get_ref().as_str() {
            "half-up" => Ok(RoundingRule::HalfUp),
            "half-even" => Ok(RoundingRule::HalfEven),
            "up" => Ok(RoundingRule::Up),
            "down" => Ok(RoundingRule::Down),
            _ => Err(self.error(text.span(), "not a rule of rounding: half-up, half-even, up or down")),
        };
        let (from, to) = (self.text_of(&written.from)?, self.text_of(&written.to)?);
        if from == to {
            return self.fault(rule.span(), "both units are the same");
        }
        Ok(UnitRule {
            head: self.head(written.name.as_ref(), written.until.as_ref(), ("unit", place))?,
            from,
            to,
            factor: factor
                .get_ref()
                .parse()
                .map_err(|error: crate::domain::FactorError| self.error(factor.span(), error.to_string()))?,
            round: written.round.as_ref().map(round).transpose()?,
        })
    }
}
