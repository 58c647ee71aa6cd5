//! What quantities cost: products of exact decimals, and the one rounding that an invoice knows.
//!
//! A line of an invoice is quantity times unit price, rounded up to the next cent; whatever is
//! summed otherwise is summed exactly and rounded once, at the end. A product of two amounts has
//! twenty decimal places, which [`ExactTotal`] holds in two parts, so that nothing is lost.

use std::fmt;

use num_bigint::BigInt;

use super::Amount;

/// Steps of 10⁻¹⁰ in one.
const UNIT: i128 = 10_i128.pow(10);
/// Steps of 10⁻¹⁰ in a hundredth.
const CENT: i128 = UNIT / 100;

/// The price of a line: quantity times unit price, rounded away from zero to a hundredth. `None`
/// where it leaves the range of amounts.
///
/// ```
/// # use waldur_usage::domain::{Amount, line_price};
/// let amount = |text: &str| text.parse::<Amount>().unwrap();
/// assert_eq!(line_price(amount("3"), amount("0.001")), Some(amount("0.01")));
/// assert_eq!(line_price(amount("7"), amount("1.5")), Some(amount("10.50")));
/// ```
pub fn line_price(quantity: Amount, unit_price: Amount) -> Option<Amount> {
    let mut total = ExactTotal::default();
    total.add_product(quantity, unit_price)?;
    let (whole, rest) = (total.steps.div_euclid(CENT), total.steps.rem_euclid(CENT));
    let is_exact = rest == 0 && total.rest == 0;
    // Both parts are rounded down so far, also below zero; away from zero is up or nothing at all.
    let cents = if is_exact || total.steps < 0 { whole } else { whole.checked_add(1)? };
    Amount::of_steps(cents.checked_mul(CENT)?)
}

/// So many times an amount; `None` where that leaves the range.
pub fn times(amount: Amount, count: i64) -> Option<Amount> {
    Amount::of_steps(amount.steps().checked_mul(i128::from(count))?)
}

/// So many hundredths of an amount, exactly; `None` where that has more than ten decimal places or
/// leaves the range.
pub fn percent(amount: Amount, rate: Amount) -> Option<Amount> {
    let mut total = ExactTotal::default();
    total.add_product(amount, rate)?;
    let is_exact = total.rest == 0 && total.steps.rem_euclid(100) == 0;
    if is_exact { Amount::of_steps(total.steps.div_euclid(100)) } else { None }
}

/// The share of an amount that falls to a part of a whole, cut off after ten decimal places; `None` where
/// the whole is nothing or the share leaves the range.
pub fn share(amount: Amount, part: Amount, whole: Amount) -> Option<Amount> {
    if whole.is_zero() {
        return None;
    }
    let exact = BigInt::from(amount.steps()) * part.steps() / whole.steps();
    Amount::of_steps(i128::try_from(exact).ok()?)
}

/// Splits an amount by weights, so that the shares add up to it to the last digit. Where the weights come
/// to nothing, the first one gets all. `None` where there is no weight or a sum leaves the range.
pub fn apportion(amount: Amount, weights: &[Amount]) -> Option<Vec<Amount>> {
    let whole = Amount::total(weights.iter().copied())?;
    // Each share is what falls to all weights up to its own, less what the ones before it got.
    let (mut weight, mut given) = (Amount::ZERO, Amount::ZERO);
    let mut shares = Vec::with_capacity(weights.len());
    for own in weights {
        weight = weight.checked_add(*own)?;
        let so_far = if whole.is_zero() { amount } else { share(amount, weight, whole)? };
        shares.push(so_far.checked_sub(given)?);
        given = so_far;
    }
    (!shares.is_empty()).then_some(shares)
}

/// A sum of products of two amounts each, exact to the twentieth decimal place. Totals are ordered
/// by what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct ExactTotal {
    // The order of the fields makes the order of totals: whole steps first, then what is left.
    /// Whole steps of 10⁻¹⁰, rounded down.
    steps: i128,
    /// What is left, in steps of 10⁻²⁰; from nothing to less than a step of 10⁻¹⁰.
    rest: i128,
}

impl ExactTotal {
    /// Adds a product; `None` where the sum leaves the range.
    pub fn add_product(&mut self, left: Amount, right: Amount) -> Option<()> {
        let (left, right) = (left.steps(), right.steps());
        let whole = left.div_euclid(UNIT).checked_mul(right)?;
        let fraction = left.rem_euclid(UNIT).checked_mul(right)?;
        let rest = self.rest.checked_add(fraction)?;
        let steps = self.steps.checked_add(whole)?.checked_add(rest.div_euclid(UNIT))?;
        *self = Self { steps, rest: rest.rem_euclid(UNIT) };
        Some(())
    }

    /// The sum with ten decimal places, rounded half to even; `None` beyond the range of amounts.
    pub fn rounded(self) -> Option<Amount> {
        let above_half = self.rest > UNIT / 2 || (self.rest == UNIT / 2 && self.steps % 2 != 0);
        Amount::of_steps(self.steps.checked_add(i128::from(above_half))?)
    }

    /// The sum in hundredths, rounded half to even; `None` beyond the range of amounts.
    pub fn rounded_to_cents(self) -> Option<Amount> {
        let (cents, rest) = (self.steps.div_euclid(CENT), self.steps.rem_euclid(CENT));
        let half = CENT / 2;
        let above_half = rest > half || (rest == half && (self.rest > 0 || cents.rem_euclid(2) == 1));
        Amount::of_steps(cents.checked_add(i128::from(above_half))?.checked_mul(CENT)?)
    }
}

impl fmt::Display for ExactTotal {
    /// Writes all twenty decimal places.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, rest) = if self.steps < 0 && self.rest > 0 {
            (self.steps + 1, UNIT - self.rest)
        } else {
            (self.steps, self.rest)
        };
        let (magnitude, unit) = (steps.unsigned_abs(), UNIT.unsigned_abs());
        let text = format!("{}.{:010}{rest:010}", magnitude / unit, magnitude % unit);
        formatter.pad_integral(self.steps >= 0, "", &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).expect(text)
    }

    #[test]
    fn a_line_is_rounded_away_from_zero() {
        for (quantity, price, line) in [
            ("0", "12.50", "0.00"),
            ("0.01", "0.0000000001", "0.01"),
            ("-0.01", "0.0000000001", "-0.01"),
            ("2", "0.125", "0.25"),
            ("3", "0.333", "1.00"),
            ("-3", "0.333", "-1.00"),
            ("999999999999.99", "12.50", "12499999999999.88"),
        ] {
            assert_eq!(line_price(amount(quantity), amount(price)), Some(amount(line)), "{quantity}");
        }
        assert_eq!(line_price(amount("1e24"), amount("2")), None);
    }

    #[test]
    fn a_multiple_is_exact_or_nothing() {
        let most = i64::from(u32::MAX);
        assert_eq!(times(amount("0.0000000001"), most), Some(amount("0.4294967295")));
        assert_eq!(times(amount("-2.50"), 3), Some(amount("-7.50")));
        assert_eq!(times(amount("7"), 0), Some(amount("0")));
        assert_eq!(times(amount("1e24"), 2), None);
        assert_eq!(times(amount("1e24"), i64::MAX), None);
    }

    #[test]
    fn percents_are_exact_or_nothing() {
        assert_eq!(percent(amount("10.01"), amount("22")), Some(amount("2.2022")));
        assert_eq!(percent(amount("0.0000000001"), amount("22")), None);
    }

    #[test]
    fn shares_add_up_to_the_last_digit() {
        let split = |whole: &str, weights: &[&str]| {
            let weights: Vec<Amount> = weights.iter().map(|text| amount(text)).collect();
            let shares = apportion(amount(whole), &weights)?;
            Some(shares.iter().map(Amount::to_string).collect::<Vec<_>>())
        };
        let text = |parts: &[&str]| Some(parts.iter().map(|&part| part.to_owned()).collect::<Vec<_>>());
        assert_eq!(split("22", &["25", "75"]), text(&["5.50", "16.50"]));
        assert_eq!(split("1", &["1", "1", "1"]), text(&["0.3333333333", "0.3333333333", "0.3333333334"]));
        assert_eq!(split("2.2", &["20", "-10"]), text(&["4.40", "-2.20"]));
        assert_eq!(split("3", &["0", "0"]), text(&["3.00", "0.00"]));
        assert_eq!(split("3", &[]), None);
        assert_eq!(share(amount("1e24"), amount("1e24"), amount("1e24")), Some(amount("1e24")));
        assert_eq!(share(amount("1"), amount("1"), amount("0")), None);
        assert_eq!(share(amount("1e24"), amount("1e24"), amount("1")), None);
    }

    #[test]
    fn totals_are_rounded_half_to_even_once() {
        let total = |products: &[(&str, &str)]| {
            let mut total = ExactTotal::default();
            for (left, right) in products {
                total.add_product(amount(left), amount(right)).unwrap();
            }
            total
        };
        let twice = total(&[("0.5", "0.01"), ("0.5", "0.01")]);
        assert_eq!(twice.rounded_to_cents(), Some(amount("0.01")));
        assert_eq!(total(&[("0.5", "0.01")]).rounded_to_cents(), Some(amount("0")));
        assert_eq!(total(&[("0.5", "0.03")]).rounded_to_cents(), Some(amount("0.02")));
        assert_eq!(total(&[("-0.5", "0.03")]).rounded_to_cents(), Some(amount("-0.02")));
        assert_eq!(total(&[("0.5", "0.0000000003")]).rounded(), Some(amount("0.0000000002")));
        assert_eq!(total(&[("-0.5", "0.0000000003")]).to_string(), "-0.00000000015000000000");
        assert_eq!(total(&[("7", "1.5")]).to_string(), "10.50000000000000000000");
    }

    proptest! {
        #[test]
        fn totals_are_ordered_by_their_worth(
            left in -10_i64.pow(12)..10_i64.pow(12), right in -10_i64.pow(12)..10_i64.pow(12),
            factor in -1_000_i64..1_000
        ) {
            let total = |steps: i64| {
                let (amount, factor) = (Amount::of_steps(steps.into()), Amount::of_steps(factor.into()));
                let mut total = ExactTotal::default();
                total.add_product(amount.unwrap(), factor.unwrap()).unwrap();
                total
            };
            let (by_order, by_worth) = (total(left).cmp(&total(right)), (left * factor).cmp(&(right * factor)));
            prop_assert_eq!(by_order, by_worth);
        }

        #[test]
        fn a_line_is_its_exact_price_and_less_than_a_cent_more(
            quantity in -10_i64.pow(14)..10_i64.pow(14), price in 0_i64..10_i64.pow(14)
        ) {
            let (quantity, price) = (i128::from(quantity), i128::from(price));
            let quantity_amount = Amount::of_steps(quantity * CENT).unwrap();
            let line = line_price(quantity_amount, Amount::of_steps(price).unwrap()).unwrap();
            // In steps of 10⁻¹² on both sides, by another way: one multiplication of whole numbers.
            let (exact, rounded) = ((quantity * price).abs(), line.steps().abs() * 100);
            prop_assert!(exact <= rounded && rounded < exact + CENT * 100);
            prop_assert!(quantity == 0 || price == 0 || (line.steps() < 0) == (quantity < 0));
        }
    }
}
