//! What a number format shows beside the digits of a number.
//!
//! A person reads what a cell shows. A format can show a number in thousands, with a unit, with a
//! currency or not at all, and the number that is stored is then another one than was read.

/// Whether a format shows a number as something else than its digits, sign and grouping.
pub fn shows_something_else(format: &str, is_negative: bool, is_zero: bool) -> bool {
    let sections = sections(format);
    let has_condition =
        sections.iter().any(|section| ["[<", "[>", "[="].iter().any(|start| section.contains(start)));
    let of_numbers = &sections[..sections.len().min(3)];
    if has_condition {
        return of_numbers.iter().any(|section| is_telling(section));
    }
    let chosen = match of_numbers {
        [_, negative, ..] if is_negative => negative,
        [_, _, zero] if is_zero => zero,
        [first, ..] => first,
        [] => return false,
    };
    let has_sign = !is_negative && !is_zero && shows_sign(chosen);
    // A section that is left empty shows nothing.
    has_sign || is_telling(chosen) || sections.len() > 1 && chosen.trim().is_empty()
}

/// Whether a format shows numbers of any sign as something else.
pub fn may_show_something_else(format: &str) -> bool {
    let signs = [(false, false), (true, false), (false, true)];
    signs.into_iter().any(|(is_negative, is_zero)| shows_something_else(format, is_negative, is_zero))
}

/// The parts of a format for positive numbers, negative ones, zeros and texts.
fn sections(format: &str) -> Vec<&str> {
    let (mut sections, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, character) in format.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '"' => is_quoted = !is_quoted,
            '\\' | '_' | '*' if !is_quoted => is_escaped = true,
            ';' if !is_quoted => {
                sections.push(&format[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    sections.push(&format[start..]);
    sections
}

fn is_telling(section: &str) -> bool {
    if section.trim().eq_ignore_ascii_case("general") {
        return false;
    }
    let mut characters = section.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        let found = match character {
            '"' => characters.by_ref().take_while(|&next| next != '"').any(is_read),
            '\\' => characters.next().is_some_and(is_read),
            // The width of a character, or one that fills the cell: nothing that is read.
            '_' | '*' => {
                characters.next();
                false
            }
            '[' => {
                let inside: String = characters.by_ref().take_while(|&next| next != ']').collect();
                inside.strip_prefix('$').is_some_and(|money| !money.is_empty() && !money.starts_with('-'))
            }
            // Behind the last digit a comma divides by a thousand.
            ',' => is_digit(before) && !characters.clone().find(|&next| next != ',').is_some_and(is_digit),
            'E' | 'e' => !matches!(characters.peek(), Some('+' | '-')),
            '%' | '$' | '€' | '£' | '¥' | '‰' => true,
            _ => false,
        };
        if found {
            return true;
        }
        before = character;
    }
    false
}

/// Whether what is above zero is shown as if it were below.
fn shows_sign(section: &str) -> bool {
    let mut characters = section.chars();
    while let Some(character) = characters.next() {
        let is_sign = match character {
            '"' => characters.by_ref().take_while(|&next| next != '"').any(|one| matches!(one, '-' | '(')),
            '\\' => characters.next().is_some_and(|one| matches!(one, '-' | '(')),
            // A width, a character that fills the cell, and the sign of an exponent are none of the number.
            '_' | '*' | 'E' | 'e' => {
                characters.next();
                false
            }
            '[' => {
                characters.by_ref().take_while(|&next| next != ']').for_each(drop);
                false
            }
            other => matches!(other, '-' | '('),
        };
        if is_sign {
            return true;
        }
    }
    false
}

fn is_digit(character: char) -> bool {
    matches!(character, '0' | '#' | '?')
}

/// Whether a literal character is read as a part of a quantity.
pub fn is_read(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '.' | ',' | '%' | '‰' | '$' | '€' | '£' | '¥')
}

#[cfg(test)]
mod tests {
    use super::shows_something_else;

    #[test]
    fn formats_that_change_what_is_read_are_told_from_those_that_do_not() {
        let plain = [
            "General",
            "0",
            "0.00",
            "#,##0.00",
            "#,##0.00;[Red]-#,##0.00",
            "0.00E+00",
            "# ?/?",
            "@",
            "_(* #,##0.00_);_(* \\(#,##0.00\\);_(* \"-\"??_);_(@_)",
            "#,##0\\ ",
            "0_);\\(0\\)",
            "[$-409]0.00",
            "[Blue]0",
            "#,##0.00\\ _€",
        ];
        for format in plain {
            for (is_negative, is_zero) in [(false, false), (true, false), (false, true)] {
                assert!(!shows_something_else(format, is_negative, is_zero), "{format}");
            }
        }
        let telling = [
            "0%",
            "0.0\" hours\"",
            "0\\h",
            "#,##0,",
            "0.0,,\"M\"",
            "0\"000\"",
            "0\\,00",
            "0\".\"00",
            "\"n/a\"",
            "[$€-407]#,##0.00",
            "#,##0.00 [$EUR]",
            "$#,##0",
            "0.00\" €\"",
            "[>=1000]0.0,\"k\";0",
            ";;;",
            "\"-\"0.00",
            "(0.00)",
            "-0",
        ];
        for format in telling {
            assert!(shows_something_else(format, false, false), "{format}");
        }
        assert!(shows_something_else("0;0;\"n/a\"", false, true));
        assert!(!shows_something_else("0;0;\"n/a\"", false, false));
    }
}
