//! How much sides may differ: in the unit, in percent of what the server has, in money.
//!
//! Of the rules that fit a component the most particular ones count alone: a rule for the component
//! before one for its unit, and that before one for everything. `1%` for all and `cpu=0` means that cpu
//! may not differ at all.

use std::fmt;
use std::str::FromStr;

use crate::domain::{Amount, Currency, ExactTotal, visible};
use crate::reconcile::totals::size;

use super::Head;

/// A rule that lets amounts or prices differ a little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerance {
    /// Its name and its end.
    pub head: Head,
    /// The component that it is for.
    pub component: Option<String>,
    /// The unit that it is for.
    pub unit: Option<String>,
    /// By how much.
    pub limits: Limits,
}

/// By how much sides may differ; at least one limit is set. A quantity may differ by the larger of the
/// absolute and the relative limit; where there is a limit of money too, that has to hold as well.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// In the unit of the component.
    pub absolute: Option<Amount>,
    /// In percent of what the server has.
    pub percent: Option<Amount>,
    /// In money.
    pub money: Option<Amount>,
    /// The currency of the money; any where none is said.
    pub currency: Option<Currency>,
}

/// A text is no tolerance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToleranceError {
    /// It is not of the form.
    #[error("write it as 0.05, 1%, cpu=0.5, cpu=1%, unit:GB=0.5 or money=0.02")]
    Form,
    /// The number is below zero.
    #[error("a tolerance is not below 0")]
    Negative,
    /// A rule without a limit.
    #[error("it says by how much in none of absolute, relative and money")]
    NoLimit,
}

impl Limits {
    /// Judges limits as they are given.
    pub fn checked(self) -> Result<Self, ToleranceError> {
        let all = [self.absolute, self.percent, self.money];
        if all.iter().flatten().any(|limit| limit.is_negative()) {
            return Err(ToleranceError::Negative);
        }
        if all.iter().all(Option::is_none) {
            return Err(ToleranceError::NoLimit);
        }
        Ok(self)
    }

    /// Whether it limits quantities.
    pub fn is_of_quantity(&self) -> bool {
        self.absolute.is_some() || self.percent.is_some()
    }

    /// Whether quantities that differ so much are within the limits; the server's is the whole of which
    /// a percent is taken. `None` for the money where it is not known.
    pub fn allow_quantity(
        &self,
        difference: Amount,
        server: Amount,
        money: Option<(Option<Currency>, Amount)>,
    ) -> bool {
        let is_small = !self.is_of_quantity()
            || self.absolute.is_some_and(|limit| size(difference) <= limit)
            || self.percent.is_some_and(|percent| is_within_percent(difference, server, percent));
        let is_cheap =
            self.money.is_none() || money.is_some_and(|(currency, worth)| self.allow_money(currency, worth));
        is_small && is_cheap
    }

    /// Whether prices that differ so much are within the limits.
    pub fn allow_money(&self, currency: Option<Currency>, difference: Amount) -> bool {
        let is_same = self.currency.is_none() || self.currency == currency;
        is_same && self.money.is_some_and(|limit| size(difference) <= limit)
    }
}

/// Whether a difference is at most so many percent of a whole, exactly.
fn is_within_percent(difference: Amount, whole: Amount, percent: Amount) -> bool {
    let product = |left: Amount, right: Amount| {
        let mut total = ExactTotal::default();
        total.add_product(size(left), right).map(|()| total)
    };
    match (product(difference, Amount::from(100)), product(whole, percent)) {
        (Some(difference), Some(allowed)) => difference <= allowed,
        // Beyond all range nothing is small.
        _ => false,
    }
}

impl Tolerance {
    /// How particular it is; `None` where it is not for this component.
    pub fn fits(&self, component: &str, unit: &str) -> Option<u8> {
        let is_for = |own: &Option<String>, other: &str| own.as_ref().is_none_or(|own| own == other);
        let is_fit = is_for(&self.component, component) && is_for(&self.unit, unit);
        is_fit.then(|| 2 * u8::from(self.component.is_some()) + u8::from(self.unit.is_some()))
    }
}

impl FromStr for Tolerance {
    type Err = ToleranceError;

    /// Reads `0.05`, `1%`, `cpu=0.5`, `cpu=1%`, `unit:GB-hours=0.5`, `money=0.02` or `money=0.02 EUR`.
    /// A component that is called money is written `component:money=1`.
    fn from_str(text: &str) -> Result<Self, ToleranceError> {
        let text = text.trim();
        let (of, limit) = match text.rsplit_once('=') {
            Some((of, limit)) => (Some(of.trim()), limit.trim()),
            None => (None, text),
        };
        if of.is_some_and(str::is_empty) {
            return Err(ToleranceError::Form);
        }
        let mut limits = Limits::default();
        let number = |text: &str| Amount::parse(text.trim()).map_err(|_| ToleranceError::Form);
        if of == Some("money") {
            let (money, currency) = limit.split_once(char::is_whitespace).unwrap_or((limit, ""));
            limits.money = Some(number(money)?);
            if !currency.trim().is_empty() {
                limits.currency = Some(currency.parse().map_err(|_| ToleranceError::Form)?);
            }
        } else if let Some(percent) = limit.strip_suffix('%') {
            limits.percent = Some(number(percent)?);
        } else {
            limits.absolute = Some(number(limit)?);
        }
        let named = of.filter(|of| *of != "money");
        let unit = named.and_then(|of| of.strip_prefix("unit:")).map(str::trim);
        let component =
            if unit.is_some() { None } else { named.map(|of| of.strip_prefix("component:").unwrap_or(of)) };
        Ok(Self {
            head: Head { name: text.to_owned(), until: None },
            component: component.map(|own| own.trim().to_owned()),
            unit: unit.map(str::to_owned),
            limits: limits.checked()?,
        })
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Limits { absolute, percent, money, currency } = &self.limits;
        match (&self.component, &self.unit) {
            (Some(component), Some(unit)) => {
                write!(formatter, "{} in {}", visible(component), visible(unit))?;
            }
            (Some(component), None) => write!(formatter, "{}", visible(component))?,
            (None, Some(unit)) => write!(formatter, "amounts in {}", visible(unit))?,
            (None, None) if self.limits.is_of_quantity() => formatter.write_str("amounts")?,
            (None, None) => formatter.write_str("money")?,
        }
        formatter.write_str(" may differ by ")?;
        match (absolute, percent) {
            (Some(absolute), Some(percent)) => {
                write!(formatter, "{absolute} or {} % of the server's, whichever is more", bare(*percent))?;
            }
            (Some(absolute), None) => write!(formatter, "{absolute}")?,
            (None, Some(percent)) => write!(formatter, "{} % of the server's", bare(*percent))?,
            (None, None) => {}
        }
        if let Some(money) = money {
            let and = if self.limits.is_of_quantity() { ", and by " } else { "" };
            let end = currency.map_or_else(|| " in money".to_owned(), |currency| format!(" {currency}"));
            write!(formatter, "{and}{money}{end}")?;
        }
        Ok(())
    }
}

/// A number without zeros behind its last digit.
fn bare(amount: Amount) -> String {
    let text = amount.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
