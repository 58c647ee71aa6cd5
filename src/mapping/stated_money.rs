//! The headers that statements have over money, beside the names of the guide.
//!
//! Read only by a comparison, and only where a row speaks of one usage. What may hold tax is no price, so
//! a gross price is never read.

use crate::domain::fold;

use super::Field;
use super::layout::words;

/// The codes and signs of currencies that headers name.
const CURRENCIES: [&str; 25] = [
    "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "ISK", "PLN", "CZK", "HUF", "RON", "BGN", "UAH", "TRY",
    "JPY", "CNY", "CAD", "AUD", "INR", "NZD", "\u{20ac}", "$", "\u{a3}", "\u{a5}",
];

/// Words of headers over money, for columns that nobody reads.
const WORDS: [&str; 39] = [
    "credit",
    "credits",
    "gutschrift",
    "zuschlag",
    "surcharge",
    "wert",
    "cost",
    "costs",
    "price",
    "prices",
    "pricing",
    "charge",
    "charges",
    "fee",
    "fees",
    "spend",
    "rate",
    "tariff",
    "net",
    "netto",
    "gross",
    "brutto",
    "tax",
    "vat",
    "mwst",
    "ust",
    "discount",
    "rabatt",
    "kosten",
    "preis",
    "einzelpreis",
    "gesamtpreis",
    "betrag",
    "steuer",
    "eur",
    "usd",
    "gbp",
    "chf",
    "invoiced",
];

/// Words at the end of headers over what is said of money: `ChargeCategory`, `pricing unit`.
const BESIDE: [&str; 13] = [
    "category",
    "class",
    "description",
    "frequency",
    "period",
    "start",
    "end",
    "id",
    "name",
    "type",
    "code",
    "unit",
    "status",
];

/// The field of money that a header means, and the currency that it names.
pub fn stated_money(header: &str) -> Option<(Field, Option<&str>)> {
    let (stem, currency) = without_currency(header);
    let field = match fold(stem).as_str() {
        "unitprice" | "priceperunit" | "perunit" | "unitrate" | "rate" | "tariff" | "unitcost"
        | "costperunit" | "einzelpreis" | "preisproeinheit" | "stückpreis" => Field::UnitPrice,
        "price" | "totalprice" | "cost" | "costs" | "totalcost" | "lineprice" | "linetotal" | "charge"
        | "charges" | "net" | "netprice" | "netamount" | "nettotal" | "pricenet" | "totalnet" | "netto"
        | "nettopreis" | "nettobetrag" | "preis" | "gesamtpreis" | "kosten" => Field::Price,
        "tax" | "taxamount" | "vat" | "vatamount" | "mwst" | "mwst." | "ust" | "ust." | "steuer"
        | "umsatzsteuer" | "mehrwertsteuer" => Field::Tax,
        // Without a currency these are quantities as often.
        "amount" | "total" | "sum" | "value" | "betrag" | "summe" if currency.is_some() => Field::Price,
        _ => return None,
    };
    Some((field, currency))
}

/// Whether a header looks as if money stood below it.
pub fn looks_like_money(header: &str) -> bool {
    if stated_money(header).is_some() || header.contains(['\u{20ac}', '$', '\u{a3}', '\u{a5}']) {
        return true;
    }
    let own = words(header);
    // `MwSt` is one word, whatever its capitals are.
    let folded = header.to_lowercase();
    let mut plain = folded.split(|character: char| !character.is_alphanumeric());
    let is_beside = own.last().is_some_and(|last| BESIDE.contains(&last.as_str()));
    !is_beside
        && (own.iter().any(|word| WORDS.contains(&word.as_str())) || plain.any(|word| WORDS.contains(&word)))
}

/// A header without the currency at its end: `Price (EUR)`, `Price [EUR]`, `Price in EUR`, `Price, €`.
fn without_currency(header: &str) -> (&str, Option<&str>) {
    let text = header.trim();
    let bracketed = [('(', ')'), ('[', ']')].into_iter().find_map(|(open, close)| {
        let (stem, inner) = text.strip_suffix(close)?.rsplit_once(open)?;
        Some((stem, inner.trim().trim_start_matches("in ")))
    });
    let last = || text.rsplit_once(|character: char| character.is_whitespace() || character == ',');
    let Some((stem, currency)) = bracketed.or_else(last).filter(|(_, own)| CURRENCIES.contains(own)) else {
        return (text, None);
    };
    let stem = stem.trim().trim_end_matches(',').trim_end();
    (stem.strip_suffix(" in").unwrap_or(stem).trim_end(), Some(currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_statements_are_understood_or_left() {
        use Field::{Price, Tax, UnitPrice};
        let table = [
            ("Price (EUR)", Some((Price, Some("EUR")))),
            ("Unit price (EUR)", Some((UnitPrice, Some("EUR")))),
            ("Unit Price in USD", Some((UnitPrice, Some("USD")))),
            ("Amount (EUR)", Some((Price, Some("EUR")))),
            ("Total [€]", Some((Price, Some("€")))),
            ("Total, EUR", Some((Price, Some("EUR")))),
            ("Total price", Some((Price, None))),
            ("Cost", Some((Price, None))),
            ("Rate", Some((UnitPrice, None))),
            ("Net", Some((Price, None))),
            ("VAT", Some((Tax, None))),
            ("MwSt.", Some((Tax, None))),
            ("Gesamtpreis (EUR)", Some((Price, Some("EUR")))),
            ("Amount", None),
            ("Total", None),
            ("Gross", None),
            ("Price incl. VAT", None),
            ("VAT %", None),
            ("VAT rate", None),
            ("Price NET", Some((Price, None))),
            ("cpu (k-hours)", None),
        ];
        for (header, expected) in table {
            assert_eq!(stated_money(header), expected, "{header}");
        }
        for header in [
            "Gross",
            "Price incl. VAT",
            "VAT %",
            "Price NET",
            "Betrag",
            "Sum €",
            "line_cost",
            "BilledCost",
            "MwSt. 19%",
        ] {
            assert!(looks_like_money(header), "{header}");
        }
        for header in [
            "Comment",
            "Project",
            "Total",
            "Amount",
            "Network",
            "cpu (k-hours)",
            "Generated",
            "ChargeCategory",
        ] {
            assert!(!looks_like_money(header), "{header}");
        }
    }
}
