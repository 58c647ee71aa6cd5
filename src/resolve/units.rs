//! Units: an amount is taken in the unit of its component, or by a factor that the user gave.
//!
//! A product is exact. Where it has more than two decimal places the row is faulty, unless a rule of
//! rounding was given, which then sees the exact product and not an amount that was rounded before.

use std::collections::BTreeMap;

use crate::domain::{
    Amount, Factor, NotReportable, Place, ReportableAmount, RoundingRule, Unrounded, visible,
};
use crate::findings::{Code, Finding, Findings, RowIndex};
use crate::parse::Figure;

use super::aliases::SettledAliases;
use super::catalogue::Component;

/// An amount in the unit of its component.
pub struct Measured {
    /// The amount.
    pub amount: ReportableAmount,
    /// The same before it was rounded; `None` where it was not.
    pub unrounded: Option<Box<Unrounded>>,
}

/// Which column of a figure is at fault.
pub enum At {
    Unit,
    Amount,
}

/// What factors did to the amounts of one component.
#[derive(Default)]
struct Conversion {
    rows: Vec<RowIndex>,
    first: Option<Place>,
    before: Unrounded,
    after: Amount,
}

/// All conversions of a run, by component and factor.
#[derive(Default)]
pub struct Conversions(BTreeMap<(String, String), Conversion>);

impl Conversions {
    /// Takes a figure in the unit of its component.
    pub fn measure(
        &mut self,
        figure: &Figure,
        component: &Component,
        aliases: &SettledAliases,
        rule: Option<RoundingRule>,
        at: impl FnOnce() -> (Place, RowIndex),
    ) -> Result<Measured, Box<(At, Finding)>> {
        let own = component.measured_unit.trim();
        let declared = figure.unit.as_deref().map(str::trim).filter(|unit| *unit != own);
        let Some(declared) = declared else {
            return Ok(Measured { amount: figure.amount, unrounded: figure.unrounded.clone() });
        };
        let Some(unit) = aliases.factor(declared, own) else {
            let expected = format!("{}, the unit of {}", visible(own), component.component_type);
            let finding = Finding::new(Code::UnitMismatch, visible(declared).to_string(), expected);
            let (from, to) = (visible(declared), visible(own));
            let hint = format!(
                "convert the amounts, then change the unit; or say what one {from} is: --unit-factor \"{from}=FACTOR {to}\""
            );
            return Err(Box::new((At::Unit, finding.hint(hint))));
        };
        let before = figure.unrounded.as_deref().copied().unwrap_or(figure.amount.get().into());
        let measured = product(before, unit.factor, rule)
            .map_err(|fault| Box::new((At::Amount, fault.finding(before, &unit.to_string()))))?;
        let key = (component.component_type.as_str().to_owned(), unit.to_string());
        let conversion = self.0.entry(key).or_default();
        let (place, row) = at();
        conversion.rows.push(row);
        conversion.first.get_or_insert(place);
        conversion.before = conversion.before.checked_add(before).unwrap_or(conversion.before);
        let after = conversion.after.checked_add(measured.amount.get());
        conversion.after = after.unwrap_or(conversion.after);
        Ok(measured)
    }

    /// Says what was converted.
    pub fn tell(self, findings: &mut Findings) {
        for ((component, factor), conversion) in self.0 {
            let Conversion { rows, first, before, after } = conversion;
            let found = format!(
                "{} amounts of {}, in all {before}, became {after} ({factor})",
                rows.len(),
                visible(&component)
            );
            let expected = "amounts in the unit of the component; the factor is one that you gave";
            let mut finding = Finding::new(Code::UnitConverted, found, expected);
            finding.place = first;
            finding.rows = rows;
            findings.push(finding);
        }
    }
}

/// Why a product is no amount.
enum Fault {
    TooManyDecimals(Unrounded),
    TooLarge,
}

impl Fault {
    fn finding(self, before: Unrounded, factor: &str) -> Finding {
        match self {
            Self::TooManyDecimals(product) => {
                let found = format!("{before}, which is {product} as {factor}");
                let expected = "at most two decimal places; the server refuses more, it does not round";
                Finding::new(Code::TooManyDecimals, found, expected)
                    .hint("add --round half-up (or half-even, up, down)")
            }
            Self::TooLarge => {
                let found = format!("{before}, as {factor}");
                let expected = "less than 1000000000000; the server breaks on more";
                Finding::new(Code::AmountTooLarge, found, expected)
            }
        }
    }
}

fn product(before: Unrounded, factor: Factor, rule: Option<RoundingRule>) -> Result<Measured, Fault> {
    let product = factor.times(before).ok_or(Fault::TooLarge)?;
    let exact = product.exact().map(ReportableAmount::try_from);
    match (exact, rule) {
        (Some(Ok(amount)), _) => Ok(Measured { amount, unrounded: None }),
        (Some(Err(NotReportable::TooLarge | NotReportable::Negative)), _) => Err(Fault::TooLarge),
        (Some(Err(NotReportable::TooManyDecimals)) | None, None) => Err(Fault::TooManyDecimals(product)),
        (Some(Err(NotReportable::TooManyDecimals)) | None, Some(rule)) => {
            let amount = product.to_cents(rule).and_then(|rounded| rounded.try_into().ok());
            let amount = amount.ok_or(Fault::TooLarge)?;
            Ok(Measured { amount, unrounded: Some(Box::new(product)) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(before: &str, factor: &str, rule: Option<RoundingRule>) -> String {
        match product(before.parse().unwrap(), factor.parse().unwrap(), rule) {
            Ok(Measured { amount, unrounded }) => {
                format!("{amount} {}", unrounded.map_or_else(String::new, |it| it.to_string()))
            }
            Err(Fault::TooManyDecimals(product)) => format!("{product} is too precise"),
            Err(Fault::TooLarge) => "too large".into(),
        }
    }

    #[test]
    fn a_product_is_exact_or_rounded_by_a_rule_once() {
        assert_eq!(text("512", "1/1024", None), "0.50 ");
        assert_eq!(text("513", "1/1024", None), "0.5009765625 is too precise");
        assert_eq!(text("513", "1/1024", Some(RoundingRule::HalfUp)), "0.50 0.5009765625");
        // Rounded to 4.50 first, this would be 0.05 by the same rule.
        assert_eq!(text("4.499", "0.01", Some(RoundingRule::HalfUp)), "0.04 0.04499");
        assert_eq!(text("4.9949", "1/1000", Some(RoundingRule::Up)), "0.01 0.0049949");
        assert_eq!(text("999999999999", "1024", None), "too large");
        assert_eq!(text("999999999999.99", "1024", Some(RoundingRule::Up)), "too large");
    }
}
