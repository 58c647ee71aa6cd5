//! Texts and names as a workbook can hold them, whoever wrote them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::domain::visible;
use crate::report::cell_text::cell_text;
use crate::report::rows::sheet_name;

/// A cell holds 32,767 UTF-16 units; what is cut says so, so some room is left.
const LONGEST: usize = 32_000;

/// A text as a cell shows it: nothing invisible in it, and no longer than a cell can hold.
pub(super) fn text(raw: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    if raw.len() < LONGEST && raw.bytes().all(is_plain) {
        return cell_text(raw);
    }
    let mut shown = String::with_capacity(raw.len() + 8);
    let mut units = 0;
    for character in visible(raw).to_string().chars() {
        units += character.len_utf16();
        if units > LONGEST {
            shown.push_str(" … (cut)");
            break;
        }
        shown.push(character);
    }
    Cow::Owned(cell_text(&shown).into_owned())
}

/// Whether a program would make a formula of a text as soon as somebody edits its cell.
pub(super) fn looks_like_a_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@'])
}

/// The names of the sheets of a workbook, each as Excel takes it and no two alike.
#[derive(Debug, Default)]
pub(super) struct SheetNames(BTreeSet<String>);

impl SheetNames {
    /// Takes a name that is free, as near as can be to the one that is wanted.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let base = sheet_name(&text(wanted));
        let mut name = base.clone();
        let mut number = 1;
        while !self.0.insert(folded(&name)) {
            number += 1;
            let ending = format!(" ({number})");
            let room = 31 - ending.len();
            let mut units = 0;
            let start = base.chars().take_while(|character| {
                units += character.len_utf16();
                units <= room
            });
            let start: String = start.collect();
            name = format!("{}{ending}", start.trim_end_matches(['\'', ' ']));
        }
        name
    }
}

/// Programs do not tell capitals from small letters in the names of sheets.
fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// The name of a sheet as it stands in a formula.
pub(super) fn quoted(sheet: &str) -> String {
    format!("'{}'", sheet.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_hold_nothing_that_is_not_seen() {
        assert_eq!(text("resource-1"), "resource-1");
        assert!(matches!(text("resource-1"), Cow::Borrowed(_)));
        assert_eq!(text("a\u{1b}[31mb\u{202e}\u{fffe}"), r"a\u{1b}[31mb\u{202e}\u{fffe}");
        assert_eq!(text("<r><t>rich</t></r>"), "<r><t>rich</t></r> ");
        assert_eq!(text("<r>Ä</r>"), "<r>Ä</r> ");
        let long = text(&"é".repeat(40_000)).into_owned();
        assert!(long.ends_with("… (cut)") && long.encode_utf16().count() < 32_767);
    }

    #[test]
    fn names_of_sheets_are_unique_and_taken_by_excel() {
        let mut names = SheetNames::default();
        let wanted = ["Summary", "summary", "a/b:c*d?e[f]g\\h", "'quoted'", "", "History", "x\u{0}y"];
        let taken: Vec<String> = wanted.iter().map(|name| names.take(name)).collect();
        let expected =
            ["Summary", "summary (2)", "a b c d e f g h", "quoted", "Usage", "Usage (2)", r"x u{0}y"];
        assert_eq!(taken, expected);
        let long = "Ä".repeat(60);
        let (first, second) = (names.take(&long), names.take(&long));
        assert_eq!(first.chars().count(), 31);
        assert!(second.ends_with(" (2)") && second.chars().count() == 31);
        let emoji = names.take(&"🦀".repeat(20));
        assert!(emoji.encode_utf16().count() <= 31, "{emoji}");
        assert_eq!(quoted("it's"), "'it''s'");
    }
}
