//! The words of a header, and what they say of its column.

/// Words of columns that hold money.
const MONEY: [&str; 22] = [
    "cost", "costs", "price", "prices", "charge", "charges", "fee", "fees", "spend", "currency", "usd",
    "eur", "rate", "discount", "tax", "netto", "brutto", "mwst", "ust", "vat", "prix", "montant",
];
/// Ends of words that hold money in languages which put words together.
const MONEY_ENDS: [&str; 4] = ["preis", "betrag", "kosten", "steuer"];
/// Words at the end of columns that hold ids or shares, which are no quantities either.
const NO_QUANTITY: [&str; 10] =
    ["id", "ids", "account", "number", "no", "nr", "uuid", "percent", "efficiency", "share"];

/// The words of a header in small letters: `CPUCoreHours` has three, `line_item_usage_amount` four.
pub fn words(header: &str) -> Vec<String> {
    let characters: Vec<char> = header.chars().collect();
    let mut words = vec![String::new()];
    for (at, &character) in characters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| characters[at]);
        let next = characters.get(at + 1);
        let begins = character.is_uppercase()
            && before.is_some_and(|before| {
                // The small s of a plural belongs to the capitals before it.
                let is_plural =
                    next == Some(&'s') && characters.get(at + 2).is_none_or(|two| !two.is_lowercase());
                let ends_capitals = next.is_some_and(|next| next.is_lowercase()) && !is_plural;
                before.is_lowercase() || before.is_uppercase() && ends_capitals
            });
        if begins || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (character.is_alphanumeric(), words.last_mut()) {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a column may hold quantities by what its header says: not money, ids or shares.
pub fn may_be_quantity(header: &str) -> bool {
    let words = words(header);
    let is_money = words
        .iter()
        .any(|word| MONEY.contains(&word.as_str()) || MONEY_ENDS.iter().any(|end| word.ends_with(end)));
    let is_other = words.last().is_some_and(|last| NO_QUANTITY.contains(&last.as_str()));
    !is_money && !is_other && !header.contains('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_taken_apart() {
        for (header, expected) in [
            ("CPUCoreHours", "cpu core hours"),
            ("line_item_usage_amount", "line item usage amount"),
            ("CPU Hours: Total", "cpu hours total"),
            ("lineItem/UsageAmount", "line item usage amount"),
            ("cpu (k-hours)", "cpu k hours"),
            ("GPUs", "gpus"),
            ("", ""),
        ] {
            assert_eq!(words(header).join(" "), expected, "{header}");
        }
    }

    #[test]
    fn money_and_ids_are_no_quantities() {
        for header in [
            "TotalCost",
            "lineItem/UnblendedCost",
            "Price (EUR)",
            "usage_account_id",
            "CPU %",
            "Einzelpreis",
            "Nettobetrag",
        ] {
            assert!(!may_be_quantity(header), "{header}");
        }
        for header in ["CPUCoreHours", "Used", "Menge", "line_item_usage_amount", "Energy", "TotalUsage"] {
            assert!(may_be_quantity(header), "{header}");
        }
    }
}
