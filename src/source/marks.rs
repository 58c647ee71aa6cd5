//! The sheets that a workbook marks as ours by a defined name, so that they are passed over without a word.

use crate::parse::{FINDINGS_MARK, HELP_MARK};

/// Whether a defined name marks a sheet as ours.
pub fn is_mark(name: &str) -> bool {
    [FINDINGS_MARK, HELP_MARK].iter().any(|mark| mark.eq_ignore_ascii_case(name))
}

/// The sheets that defined names mark as ours.
pub fn own_sheets(names: &[(String, String)]) -> Vec<String> {
    let marks = names.iter().filter(|(name, _)| is_mark(name));
    let mut own: Vec<String> = marks.filter_map(|(_, range)| sheet_of(range)).collect();
    own.sort();
    own.dedup();
    own
}

/// The sheet of a cell as Excel (`'My sheet'!$A$1`) or OpenDocument (`$'My sheet'.$A$1`) writes it.
fn sheet_of(range: &str) -> Option<String> {
    let range = range.trim_start_matches(['=', '$']);
    let Some(quoted) = range.strip_prefix('\'') else {
        let end = range.find('!').or_else(|| range.rfind('.'))?;
        return Some(range[..end].to_owned());
    };
    let mut name = String::new();
    let mut characters = quoted.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\'' && characters.next_if_eq(&'\'').is_none() {
            return Some(name);
        }
        name.push(character);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_of_a_mark_is_found_however_it_is_written() {
        let own = |range: &str| own_sheets(&[("Waldur_usage_help".into(), range.into())]);
        for (range, sheet) in [
            ("Help!$A$1", "Help"),
            ("=Help!$A$1", "Help"),
            ("'waldur-usage findings'!$A$1", "waldur-usage findings"),
            ("'Anna''s help'!$A$1", "Anna's help"),
            ("$Help.$A$1", "Help"),
            ("$'a.b c'.$A$1", "a.b c"),
        ] {
            assert_eq!(own(range), [sheet], "{range}");
        }
        for range in ["", "'Help", "#REF", "$"] {
            assert!(own(range).is_empty(), "{range}");
        }
        assert!(own_sheets(&[("Print_Area".into(), "Help!$A$1".into())]).is_empty());
    }
}
