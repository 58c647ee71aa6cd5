//! Names that look the same and are not: letters of other alphabets, digits for letters, lost zeros.
//!
//! Only ever said in a hint. Nothing is taken for another thing because it looks like it.

use unicode_normalization::UnicodeNormalization;

use super::{fold_name, visible};

/// Says in what way a text only looks like a name; `None` where it does not, or is the name.
///
/// ```
/// # use waldur_usage::domain::look_alike;
/// let said = look_alike("vm-O1", "vm-01").unwrap();
/// assert_eq!(said, "character 4 is the letter O, where vm-01 has the digit 0");
/// ```
pub fn look_alike(text: &str, name: &str) -> Option<String> {
    if lost_zeros(text, name) {
        return Some(format!(
            "{} without its leading zeros, which spreadsheets take away from numbers",
            visible(name)
        ));
    }
    if skeleton(text) != skeleton(name) || fold_name(text) == fold_name(name) {
        return None;
    }
    let (ours, theirs): (Vec<char>, Vec<char>) = (text.nfkc().collect(), name.nfkc().collect());
    let differs = |(ours, theirs): (&char, &char)| {
        !ours.to_lowercase().eq(theirs.to_lowercase()) && latin(*ours).eq_ignore_ascii_case(&latin(*theirs))
    };
    let at = ours.iter().zip(&theirs).position(differs);
    Some(match at.filter(|_| ours.len() == theirs.len()) {
        Some(at) => format!(
            "character {} is {}, where {} has {}",
            at + 1,
            named(ours[at]),
            visible(name),
            named(theirs[at])
        ),
        None => format!("it only looks like {}", visible(name)),
    })
}

/// Whether a text is a name of digits alone, without the zeros that it begins with.
pub fn lost_zeros(text: &str, name: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(text)
        && is_digits(name)
        && text.len() < name.len()
        && text.trim_start_matches('0') == name.trim_start_matches('0')
}

/// What is left of a text when letters that look alike are one letter.
pub fn skeleton(text: &str) -> String {
    let latin: String = text.nfkc().map(latin).collect();
    fold_name(&latin)
}

/// The Latin letter that a character looks like.
fn latin(character: char) -> char {
    match character {
        'А' | 'а' | 'Α' | 'α' => 'a',
        'В' | 'Β' => 'b',
        'С' | 'с' | 'Ϲ' | 'ϲ' => 'c',
        'Е' | 'е' | 'Ε' => 'e',
        'Н' | 'Η' | 'һ' => 'h',
        'Ј' | 'ј' => 'j',
        'К' | 'к' | 'Κ' | 'κ' => 'k',
        'М' | 'м' | 'Μ' => 'm',
        'Ν' => 'n',
        'О' | 'о' | 'Ο' | 'ο' | '0' | 'O' => 'o',
        'Р' | 'р' | 'Ρ' | 'ρ' => 'p',
        'ԛ' | 'Ԛ' => 'q',
        'Ѕ' | 'ѕ' => 's',
        'Т' | 'т' | 'Τ' | 'τ' => 't',
        'υ' => 'u',
        'ν' => 'v',
        'ԝ' | 'Ԝ' => 'w',
        'Х' | 'х' | 'Χ' | 'χ' => 'x',
        'У' | 'у' | 'Υ' | 'γ' => 'y',
        'Ζ' => 'z',
        '1' | 'I' | 'i' | 'l' | '|' | 'І' | 'і' | 'Ӏ' | 'ӏ' | 'Ι' | 'ι' => 'l',
        other => other,
    }
}

fn named(character: char) -> String {
    let kind = match character {
        '0'..='9' => "the digit",
        'a'..='z' | 'A'..='Z' => "the letter",
        '\u{400}'..='\u{52f}' => "the Cyrillic",
        '\u{370}'..='\u{3ff}' => "the Greek",
        _ => "the character",
    };
    let shown = visible(character.encode_utf8(&mut [0; 4])).to_string();
    if character.is_ascii() {
        format!("{kind} {shown}")
    } else {
        format!("{kind} {shown} (U+{:04X})", u32::from(character))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_alike_is_named_by_its_character() {
        for (text, name, said) in [
            (
                "сlimate-alps",
                "climate-alps",
                "character 1 is the Cyrillic с (U+0441), where climate-alps has the letter c",
            ),
            ("vm-Α", "vm-A", "character 4 is the Greek Α (U+0391), where vm-A has the letter A"),
            ("node0", "nodeO", "character 5 is the digit 0, where nodeO has the letter O"),
            ("cIuster", "cluster", "character 2 is the letter I, where cluster has the letter l"),
            ("1ab", "lab", "character 1 is the digit 1, where lab has the letter l"),
            ("7", "007", "007 without its leading zeros, which spreadsheets take away from numbers"),
        ] {
            assert_eq!(look_alike(text, name).as_deref(), Some(said), "{text} {name}");
        }
        for (text, name) in [
            ("climate-alps", "climate-alps"),
            ("Climate Alps", "climate-alps"),
            ("climate-alp", "climate-alps"),
            ("70", "7"),
            ("007", "7"),
            ("7", "7"),
        ] {
            assert_eq!(look_alike(text, name), None, "{text} {name}");
        }
    }
}
