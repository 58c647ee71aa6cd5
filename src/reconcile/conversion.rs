//! Quantities that the server converts when it bills: minutes to hours rounded up, and by 1024.
//!
//! A small quantity may be the result of a conversion by chance, so one is believed only of a component
//! of which nearly all quantities are, and one of them at least is large enough to mean something.

use std::collections::BTreeMap;

use crate::domain::{Amount, OfferingId, times};

use super::totals::size;

/// How a server may convert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conversion {
    /// By 60, rounded up to whole ones.
    MinutesToHours,
    /// By 60 and 1024, rounded up to whole ones.
    MegabyteMinutesToGigabyteHours,
    /// By 1024.
    By1024,
}

/// All of them, the likelier ones first.
const ALL: [Conversion; 3] =
    [Conversion::MinutesToHours, Conversion::MegabyteMinutesToGigabyteHours, Conversion::By1024];

impl Conversion {
    /// What it does, in words.
    pub fn says(self) -> &'static str {
        match self {
            Self::MinutesToHours => "the server bills hours: the usage divided by 60, rounded up",
            Self::MegabyteMinutesToGigabyteHours => {
                "the server bills GB-hours: the usage divided by 60 and 1024, rounded up"
            }
            Self::By1024 => "the server bills the usage divided by 1024",
        }
    }

    /// Whether it makes that quantity of that usage, exactly.
    pub fn fits(self, usage: Amount, quantity: Amount) -> bool {
        match self {
            Self::MinutesToHours => is_rounded_up(usage, quantity, 60),
            Self::MegabyteMinutesToGigabyteHours => is_rounded_up(usage, quantity, 61_440),
            Self::By1024 => is_divided(usage, quantity),
        }
    }
}

/// Whether a quantity is the usage divided by a whole number, rounded up to a whole one.
fn is_rounded_up(usage: Amount, quantity: Amount, by: i64) -> bool {
    let is_whole = quantity.to_string().ends_with(".00");
    if !is_whole || usage.is_negative() || quantity.is_negative() {
        return false;
    }
    let one_less = quantity.checked_sub(Amount::from(1)).and_then(|less| times(less, by));
    let enough = times(quantity, by).is_some_and(|enough| enough >= usage);
    enough && (usage.is_zero() == quantity.is_zero()) && one_less.is_some_and(|less| less < usage)
}

/// Whether a quantity is the usage divided by 1024, to its tenth decimal place or to its second one.
fn is_divided(usage: Amount, quantity: Amount) -> bool {
    let apart = times(quantity, 1024).and_then(|whole| whole.checked_sub(usage)).map(size);
    let most = |text: &str| Amount::parse(text).ok();
    let limit = if quantity.has_cents_only() { most("5.12") } else { most("0.0000001024") };
    let means_something = !quantity.is_zero() || usage.is_zero();
    means_something && apart.zip(limit).is_some_and(|(apart, limit)| apart <= limit)
}

#[derive(Debug, Default)]
struct Seen {
    keys: u64,
    fits: [u64; 3],
    /// Whether one of those that fit is large enough.
    is_strong: [bool; 3],
}

/// What is known of each component.
#[derive(Debug, Default)]
pub struct Conversions(BTreeMap<(OfferingId, u32), Seen>);

impl Conversions {
    /// Takes in what is stored and what is billed of a key.
    pub fn see(&mut self, component: (OfferingId, u32), usage: Amount, quantity: Amount) {
        if usage.is_zero() && quantity.is_zero() {
            return;
        }
        let seen = self.0.entry(component).or_default();
        seen.keys = seen.keys.saturating_add(1);
        for (place, conversion) in ALL.into_iter().enumerate() {
            if conversion.fits(usage, quantity) {
                seen.fits[place] = seen.fits[place].saturating_add(1);
                seen.is_strong[place] |= quantity >= Amount::from(10);
            }
        }
    }

    /// The conversion of a component: it fits at least four of five keys, and one of at least ten or
    /// three of them.
    pub fn of(&self, component: (OfferingId, u32)) -> Option<Conversion> {
        let seen = self.0.get(&component)?;
        let holds = |place: &usize| {
            let fits = seen.fits[*place];
            fits.saturating_mul(5) >= seen.keys.saturating_mul(4) && (seen.is_strong[*place] || fits >= 3)
        };
        (0..ALL.len()).find(holds).map(|place| ALL[place])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).expect(text)
    }

    fn component() -> (OfferingId, u32) {
        (OfferingId::new(uuid::Uuid::from_u128(1)), 0)
    }

    #[test]
    fn a_quantity_is_exactly_what_the_server_makes_of_it() {
        use Conversion::{By1024, MegabyteMinutesToGigabyteHours as Gigabytes, MinutesToHours as Hours};
        for (conversion, usage, quantity, expected) in [
            (Hours, "600", "10", true),
            (Hours, "600.01", "11", true),
            (Hours, "601", "10", false),
            (Hours, "600", "11", false),
            (Hours, "0", "0", true),
            (Hours, "0", "1", false),
            (Hours, "90", "1.5", false),
            (Gigabytes, "61440", "1", true),
            (Gigabytes, "61441", "2", true),
            (By1024, "1536", "1.5", true),
            (By1024, "100.25", "0.0979003906", true),
            (By1024, "100.25", "0.0979", false),
            (By1024, "100.25", "0.10", true),
            (By1024, "100", "0", false),
            (By1024, "1536", "1.51", false),
        ] {
            assert_eq!(conversion.fits(amount(usage), amount(quantity)), expected, "{usage} {quantity}");
        }
    }

    #[test]
    fn one_small_quantity_proves_nothing() {
        let mut seen = Conversions::default();
        seen.see(component(), amount("50"), amount("1"));
        assert_eq!(seen.of(component()), None);
        seen.see(component(), amount("0"), amount("0"));
        seen.see(component(), amount("61"), amount("2"));
        assert_eq!(seen.of(component()), None);
        seen.see(component(), amount("601"), amount("11"));
        assert_eq!(seen.of(component()), Some(Conversion::MinutesToHours));
        for _ in 0..2 {
            seen.see(component(), amount("70"), amount("70"));
        }
        assert_eq!(seen.of(component()), None);
    }
}
