//! The unit that a number format shows behind a number.
//!
//! `0.00" h"` shows 5.25 as `5.25 h`: the number that is stored is the one that is read, with a word behind
//! it. Such a cell is read like a text of number and unit, so that the unit is checked. Whatever else a
//! format shows, in front of the number, in thousands or as a share, stays what nobody has read.

use crate::domain::Amount;

use super::numeral::{Around, DecimalSign, Numeral, plain};
use super::odd;

/// Splits a cell that shows something else than its number into that number and the unit behind it; `None`
/// where it shows anything but that.
pub fn number_and_unit(text: &str) -> Option<(&str, String)> {
    if let Some((number, format)) = text.split_once(odd::SHOWN_OTHERWISE) {
        Amount::parse(number).ok()?;
        return Some((number, of_format(format)?));
    }
    let (number, shown) = text.split_once(odd::SHOWN_AS)?;
    let stored = Amount::parse(number).ok()?;
    let shown = plain(shown);
    let numeral = Numeral::of(&shown)?;
    let Around::Unit(unit) = numeral.around() else { return None };
    let is_stored = |sign| numeral.plain(sign).is_some_and(|shown| Amount::parse(&shown) == Ok(stored));
    let is_same = is_stored(DecimalSign::Point) || is_stored(DecimalSign::Comma);
    (is_same && is_unit(unit)).then(|| (number, unit.to_owned()))
}

/// The unit that a number format shows, the same for numbers of all signs.
fn of_format(format: &str) -> Option<String> {
    let mut units = sections(format)?.into_iter();
    let first = units.next()?;
    units.all(|unit| unit == first).then_some(first).filter(|unit| is_unit(unit))
}

fn is_unit(unit: &str) -> bool {
    let is_word = |one: char| one.is_alphabetic() || matches!(one, ' ' | '-' | '/' | '*' | '·' | '_');
    unit.starts_with(char::is_alphabetic) && unit.chars().all(is_word)
}

/// The unit of each part of a format; `None` where one of them shows more than a number and a unit.
fn sections(format: &str) -> Option<Vec<String>> {
    let (mut units, mut unit) = (Vec::new(), String::new());
    // Whether a digit was seen, and whether the last one of them is past.
    let (mut has_digits, mut is_behind, mut before) = (false, false, ' ');
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match character {
            '0' | '#' | '?' if !is_behind => has_digits = true,
            '.' | ',' if has_digits && !is_behind => {}
            '_' | '*' => {
                characters.next()?;
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|&next| next != ']').collect();
                let is_colour = !inside.is_empty() && inside.chars().all(char::is_alphabetic);
                if !is_colour && !inside.starts_with("$-") {
                    return None;
                }
            }
            '-' | '+' | '(' if !has_digits => {}
            ')' | ' ' if has_digits => {
                is_behind = true;
                unit.extend((character == ' ').then_some(' '));
            }
            ' ' => {}
            '"' | '\\' => {
                let literal: String = match character {
                    '"' => characters.by_ref().take_while(|&next| next != '"').collect(),
                    _ => characters.next()?.to_string(),
                };
                let is_sign = literal.trim().chars().all(|one| match one {
                    '(' | ')' => true,
                    '-' => !has_digits,
                    _ => false,
                });
                // A comma in front of it divides what is shown by a thousand.
                if !has_digits && !is_sign || before == ',' {
                    return None;
                }
                is_behind |= has_digits;
                unit.push_str(if is_sign && !literal.trim().is_empty() { "" } else { &literal });
            }
            ';' => {
                units.push(std::mem::take(&mut unit).trim().to_owned());
                (has_digits, is_behind) = (false, false);
            }
            _ => return None,
        }
        if before == ',' && is_behind {
            return None;
        }
        before = character;
    }
    if before == ',' {
        return None;
    }
    units.push(unit.trim().to_owned());
    Some(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_behind_a_number_is_told_from_everything_else() {
        for (format, unit) in [
            ("0.00\" h\"", "h"),
            ("#,##0.00\\ \\G\\B", "GB"),
            ("0 \"core-hours\"", "core-hours"),
            ("0\\ \\k\\-\\h\\o\\u\\r\\s", "k-hours"),
            ("\\(0\" h\"\\)", "h"),
            ("#,##0.00\" h\";[Red]-#,##0.00\" h\"", "h"),
            ("[$-409]0\" h\"", "h"),
            ("0\"k-hours\"_)", "k-hours"),
        ] {
            assert_eq!(of_format(format).as_deref(), Some(unit), "{format}");
        }
        for format in [
            "0.0,\" h\"",
            "0,\" h\"",
            "0.0,,\"M\"",
            "\"ca. \"0\" h\"",
            "0\"000\"",
            "0\"000 h\"",
            "0%",
            "0.00\" €\"",
            "0.00\" %\"",
            "[$€-407]#,##0.00",
            "[>=1000]0\" h\";0\" min\"",
            "0\" h\";0\" min\"",
            "0\" h\";;",
            "0.00",
            "0\" h\"0",
            "\"h\"",
            ";;;",
            "0.00E+00\" h\"",
            "0\\-",
            "0\" h-\"0",
            "0 \"h",
        ] {
            let is_told = of_format(format);
            assert!(is_told.is_none() || format == "0 \"h", "{format}: {is_told:?}");
        }
    }

    #[test]
    fn what_a_cell_shows_has_to_be_what_it_stores() {
        let of = |text: &str| number_and_unit(text).map(|(number, unit)| format!("{number}|{unit}"));
        assert_eq!(of("5.25 in the number format 0.00\" h\"").as_deref(), Some("5.25|h"));
        assert_eq!(of("5.25, which is shown as 5,25 h").as_deref(), Some("5.25|h"));
        assert_eq!(of("1234.5, which is shown as 1.234,50 GB").as_deref(), Some("1234.5|GB"));
        for text in [
            "5.25, which is shown as 5 h",
            "5000, which is shown as 5 h",
            "5.25, which is shown as 5,25 %",
            "5.25, which is shown as h 5,25",
            "5.25, which is shown as something else",
            "x in the number format 0.00\" h\"",
            "5.25",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
