//! Names that mean the same, and near misses: what the user may have meant.

use unicode_normalization::UnicodeNormalization;

/// Folds a header for comparison: Unicode NFKC, lower case, without blanks, dashes and underscores.
///
/// ```
/// # use waldur_usage::domain::fold;
/// assert_eq!(fold("Resource UUID"), fold("resource_uuid"));
/// ```
pub fn fold(name: &str) -> String {
    if name.is_ascii() {
        let kept = name.chars().filter(|character| !is_joint(*character));
        return kept.map(|character| character.to_ascii_lowercase()).collect();
    }
    let kept = name.nfkc().filter(|character| !is_joint(*character) && !is_nothing(*character));
    kept.flat_map(char::to_lowercase).collect()
}

/// The same as [`fold`] for plain letters that fit into `buffer`; `None` says nothing of any other name.
pub fn fold_short<'b>(name: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let mut length = 0;
    for byte in name.bytes() {
        if !byte.is_ascii() {
            return None;
        }
        if !is_joint(char::from(byte)) {
            *buffer.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    std::str::from_utf8(buffer.get(..length)?).ok()
}

/// Folds a unit for comparison, as [`fold`] does, but for a letter whose case makes another unit of it: a
/// bit or a byte (`Mb`, `MB`), and a lone `m` or `M`.
///
/// ```
/// # use waldur_usage::domain::fold_unit;
/// assert_eq!(fold_unit("GB-Hours"), fold_unit("GB hours"));
/// assert_ne!(fold_unit("Gb-hours"), fold_unit("GB-hours"));
/// ```
pub fn fold_unit(unit: &str) -> String {
    let letters: Vec<char> = unit.nfkc().filter(|character| !is_nothing(*character)).collect();
    let mut folded = fold(unit);
    let begins = |at: usize| at == 0 || !letters[at - 1].is_alphanumeric();
    for (at, &letter) in letters.iter().enumerate() {
        let prefix = match at.checked_sub(1).map(|before| letters[before]) {
            Some('i' | 'I') => at.checked_sub(2),
            _ => at.checked_sub(1),
        };
        let has_prefix = prefix.is_some_and(|at| begins(at) && "kKmMgGtTpPeE".contains(letters[at]));
        // `Mbit` and `MByte` say what they are, whatever their case is.
        let next = letters.get(at + 1).copied().unwrap_or(' ');
        let is_whole = !next.is_alphabetic() || matches!(next, 'h' | 'p');
        let is_byte = matches!(letter, 'b' | 'B') && (begins(at) || has_prefix) && is_whole;
        let is_lone = matches!(letter, 'm' | 'M') && begins(at) && !next.is_alphanumeric();
        if is_byte || is_lone {
            folded.push('\u{0}');
            folded.push(letter);
        }
    }
    folded
}

/// Folds the name of a thing for comparison: Unicode NFKC, without regard to case, and one dash for any
/// blanks, dashes and underscores in a row. They are not taken out, because `vm-1-11` is not `vm-11-1`.
///
/// ```
/// # use waldur_usage::domain::fold_name;
/// assert_eq!(fold_name("Climate  Alps"), fold_name("climate_alps"));
/// assert_ne!(fold_name("vm-1-11"), fold_name("vm-11-1"));
/// ```
pub fn fold_name(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for character in name.nfkc().filter(|character| !is_nothing(*character)) {
        if !is_joint(character) {
            if character == 'ı' {
                // Upper case makes an I of it, and it is a letter of its own.
                folded.push(character);
                continue;
            }
            // Upper case first makes one of the letters that have two lower cases.
            folded.extend(character.to_uppercase().flat_map(char::to_lowercase));
        } else if !folded.is_empty() && !folded.ends_with('-') {
            folded.push('-');
        }
    }
    folded.truncate(folded.trim_end_matches('-').len());
    folded
}

/// Whether a character stands between the words of a name.
fn is_joint(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{fe58}')
}

/// Whether a character takes no room.
fn is_nothing(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// How alike two words have to be for one to be offered as a hint for the other.
const ALIKE: f64 = 0.8;
/// The longest text for which anything near is looked for; longer ones are no names.
const LONGEST: usize = 200;

/// How much two names are alike, from 0 to 1; 1 where they are the same but for case, blanks, dashes and
/// underscores.
pub fn likeness(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(&fold(one), &fold(other))
}

/// The candidate that is most like `name`, where one is alike enough to be offered as a hint.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_few(name, candidates, 1).first().copied()
}

/// The candidates that are most like `name`, the nearest first: by the number of letters that have to
/// be changed, then by how alike their beginnings are. What takes more than a letter more than the
/// nearest one is left out.
pub fn nearest_few<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let wanted = fold(name);
    let near =
        candidates.into_iter().filter(|candidate| candidate.len() <= LONGEST).filter_map(|candidate| {
            let folded = fold(candidate);
            let likeness = strsim::jaro_winkler(&wanted, &folded);
            (likeness >= ALIKE).then(|| (strsim::osa_distance(&wanted, &folded), likeness, candidate))
        });
    let mut near: Vec<_> = near.collect();
    near.sort_by(|left, right| {
        left.0.cmp(&right.0).then_with(|| right.1.total_cmp(&left.1)).then_with(|| left.2.cmp(right.2))
    });
    near.dedup_by(|left, right| left.2 == right.2);
    let most_letters = near.first().map_or(0, |(letters, ..)| letters + 1);
    near.into_iter()
        .take_while(|near| near.0 <= most_letters)
        .take(most)
        .map(|(_, _, candidate)| candidate)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word() {
        let components = ["cpu", "ram", "gpu_hours"];
        assert_eq!(nearest("gpu-hour", components), Some("gpu_hours"));
        assert_eq!(nearest("CPU", components), Some("cpu"));
        assert_eq!(nearest("storage", components), None);
    }

    #[test]
    fn hints_come_nearest_first_and_are_few() {
        let names = ["climate-alps-2", "climate-alps", "climate-apls", "climate-cordex", "climate-alpine"];
        assert_eq!(nearest_few("climate-alp", names, 3), ["climate-alps", "climate-alps-2", "climate-apls"]);
        assert_eq!(nearest_few(&"a".repeat(100_000), names, 3), Vec::<&str>::new());
    }

    #[test]
    fn a_short_name_folds_as_any_does() {
        for name in ["", "Resource UUID", "a_b-c d\te", "--", "a b c d e f g h i"] {
            assert_eq!(fold_short(name, &mut [0; 12]), Some(fold(name).as_str()), "{name}");
        }
        for name in ["thirteen and one", "ä"] {
            assert_eq!(fold_short(name, &mut [0; 12]), None);
        }
    }

    #[test]
    fn headers_fold_without_regard_to_width_and_kind_of_dash() {
        assert_eq!(fold("ｃｐｕ"), "cpu");
        assert_eq!(fold("gpu\u{2011}hours\u{feff}"), "gpuhours");
    }

    #[test]
    fn names_fold_by_unicode_case_and_kind_of_dash_and_keep_their_joints() {
        for (left, right) in [
            ("Climate\u{a0}Alps", "climate-alps"),
            ("ＣＬＩＭＡＴＥ－alps", "climate_alps"),
            ("cafe\u{301}", "CAFÉ"),
            ("STRASSE 7", "straße-7"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("\u{fb01}eld\u{200b}", "field"),
            (" a -- b ", "a\u{2013}b"),
        ] {
            assert_eq!(fold_name(left), fold_name(right), "{left} {right}");
        }
        for (left, right) in
            [("vm-1-11", "vm-11-1"), ("007", "7"), ("vm-O1", "vm-01"), ("ab", "a-b"), ("clımate", "climate")]
        {
            assert_ne!(fold_name(left), fold_name(right), "{left} {right}");
        }
    }
}
