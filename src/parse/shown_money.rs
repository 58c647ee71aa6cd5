//! Numbers that a workbook shows as money: the number, and the currency of its format.

use crate::domain::Amount;

use super::money::Denoted;
use super::numeral::{Around, DecimalSign, Numeral, plain};
use super::odd::{RAISED, SHOWN_AS, SHOWN_OTHERWISE, STRUCK_OUT};

/// The number as it is stored and the currency of its format, where nothing else but the currency stands
/// between what is stored and what one sees.
pub fn shown_money(text: &str) -> Option<(&str, Denoted)> {
    if text.ends_with(STRUCK_OUT) || text.ends_with(RAISED) {
        return None;
    }
    let Some((number, format)) = text.split_once(SHOWN_OTHERWISE) else { return beside(text) };
    let first = format.split(';').next().unwrap_or_default();
    if format.contains('%') || is_scaled(first) || !is_plain(format) {
        return None;
    }
    Some((number.trim(), currency(format)?))
}

/// The same of a number beside which the file has what one sees, to the cent.
fn beside(text: &str) -> Option<(&str, Denoted)> {
    let (number, shown) = text.split_once(SHOWN_AS)?;
    let (stored, shown) = (Amount::parse(number).ok()?, plain(shown));
    let numeral = Numeral::of(&shown)?;
    let named = match numeral.around() {
        Around::Currency => numeral.currency(),
        Around::Unit(unit) => unit,
        Around::Nothing | Around::Percent => return None,
    };
    let cent = Amount::parse("0.01").ok()?;
    let is_stored = |sign| {
        let shown = numeral.plain(sign).and_then(|shown| Amount::parse(&shown).ok());
        let off = shown.and_then(|shown| shown.checked_sub(stored));
        off.is_some_and(|off| off <= cent && Amount::ZERO.checked_sub(off).is_some_and(|off| off <= cent))
    };
    let is_same = is_stored(DecimalSign::Point) || is_stored(DecimalSign::Comma);
    Some((number, Denoted::of(named).filter(|_| is_same)?))
}

/// The currency of a format: `[$€-407]`, `[$EUR]`, `"€"` or a sign as it is.
fn currency(format: &str) -> Option<Denoted> {
    let mut rest = format;
    let mut outside = String::with_capacity(format.len());
    while let Some((before, after)) = rest.split_once("[$") {
        let (inside, after) = after.split_once(']')?;
        let (sign, language) = inside.split_once('-').unwrap_or((inside, ""));
        let of_language = match language.to_ascii_lowercase().trim_start_matches('0') {
            "409" => "USD",
            "1009" => "CAD",
            "c09" => "AUD",
            "1409" => "NZD",
            "4809" => "SGD",
            _ => "",
        };
        match (sign.trim(), of_language.parse()) {
            ("", _) => {}
            ("$", Ok(currency)) => return Some(Denoted::Is(currency)),
            (sign, _) => return Denoted::of(sign),
        }
        outside.push_str(before);
        rest = after;
    }
    outside.push_str(rest);
    let sign = outside.chars().find(|character| "€$£¥₹₺₴".contains(*character));
    if let Some(sign) = sign {
        return Denoted::of(sign.encode_utf8(&mut [0; 4]));
    }
    let quoted = format.split('"').skip(1).step_by(2).map(str::trim).find(|text| !text.is_empty())?;
    Denoted::of(quoted)
}

/// Whether a format shows nothing beside the number but a currency, and no sign that the number has not: what is
/// shown as `5 k€` is not five, nor is `5 €/h` or `-5 €`.
fn is_plain(format: &str) -> bool {
    let (mut word, mut is_first) = (String::new(), true);
    let ends = |word: &mut String, is_first: bool| {
        let word = std::mem::take(word);
        let text = word.trim();
        let is_sign = !text.is_empty() && text.chars().all(|one| matches!(one, '-' | '(' | ')' | ' '));
        text.is_empty() || is_sign && !is_first || Denoted::of(text).is_some()
    };
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => word.extend(characters.by_ref().take_while(|&next| next != '"')),
            '\\' => word.extend(characters.next()),
            '_' | '*' => {
                characters.next();
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|&next| next != ']').collect();
                if inside.starts_with(['<', '>', '=']) {
                    return false;
                }
            }
            ';' => {
                if !ends(&mut word, is_first) {
                    return false;
                }
                is_first = false;
            }
            '0' | '#' | '?' | '.' | ',' | '@' => {
                if !ends(&mut word, is_first) {
                    return false;
                }
            }
            other => word.push(other),
        }
    }
    ends(&mut word, is_first)
}

/// Whether a format shows thousands of a number: a comma right behind its last digit.
fn is_scaled(section: &str) -> bool {
    let mut plain = String::with_capacity(section.len());
    let (mut is_quoted, mut is_bracketed) = (false, false);
    for character in section.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => is_bracketed = true,
            ']' if !is_quoted => is_bracketed = false,
            _ if is_quoted || is_bracketed => {}
            other => plain.push(other),
        }
    }
    let last = plain.rfind(['0', '#', '?']);
    last.is_some_and(|last| plain[last..].get(1..).is_some_and(|behind| behind.starts_with(',')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_currency_of_a_format_is_told_where_it_is_sure() {
        let read = |format: &str| {
            let text = format!("12.5{SHOWN_OTHERWISE}{format}");
            shown_money(&text).map(|(number, denoted)| match denoted {
                Denoted::Is(currency) => format!("{number} {currency}"),
                Denoted::OneOf(several) => format!("{number} one of {}", several.len()),
            })
        };
        let table = [
            ("#,##0.00 [$€-407]", Some("12.5 EUR")),
            ("[$$-409]#,##0.00", Some("12.5 USD")),
            ("[$$-1009]#,##0.00", Some("12.5 CAD")),
            ("$#,##0.00", Some("12.5 one of 9")),
            ("#,##0.00 [$EUR]", Some("12.5 EUR")),
            ("_-* #,##0.00\\ \"€\"_-;\\-* #,##0.00\\ \"€\"_-;_-* \"-\"??\\ \"€\"_-;_-@_-", Some("12.5 EUR")),
            ("#,##0.00\" EUR\"", Some("12.5 EUR")),
            ("\"£\"#,##0.00", Some("12.5 GBP")),
            ("#,##0.00 [$€-407];[Red]-#,##0.00 [$€-407]", Some("12.5 EUR")),
            ("0.00 \"k€\"", None),
            ("0.00 \"Mio. €\"", None),
            ("\"-\"#,##0.00 \"€\"", None),
            ("(0.00 \"€\")", None),
            ("0.00 \"€/h\"", None),
            ("0.00 \"€ brutto\"", None),
            ("#,##0, [$€-407]", None),
            ("0.00%", None),
            ("[$-409]0.00", None),
            ("0.00\" h\"", None),
        ];
        for (format, expected) in table {
            assert_eq!(read(format).as_deref(), expected, "{format}");
        }
        assert_eq!(read("#,##0.00 [$€-407] (all of it struck out)"), None);
        let beside = |text: &str| shown_money(text).map(|(number, _)| number.to_owned());
        for text in ["211.6, which is shown as 211.60 €", "1061.231, which is shown as EUR 1.061,23"] {
            assert_eq!(beside(text).as_deref(), text.split_once(',').map(|(number, _)| number), "{text}");
        }
        for text in
            ["211.6, which is shown as 212.60 €", "0.5, which is shown as 50 %", "5, which is shown as 5 h"]
        {
            assert_eq!(beside(text), None, "{text}");
        }
    }
}
