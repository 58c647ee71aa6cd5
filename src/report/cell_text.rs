//! Texts as a cell of a workbook can hold them.
//!
//! The law kept here: no text of a file or a server becomes markup of the workbook.

use std::borrow::Cow;
use std::fmt::Write;

/// The characters that no XML can hold, not even as a reference.
const NOT_OF_XML: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// A text as it is, but never what the writer of workbooks would take for rich text of its own and write
/// as it stands; a blank at its end keeps it from that.
pub(super) fn cell_text(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    if text.contains(NOT_OF_XML) {
        let escaped = text.chars().fold(String::new(), |mut escaped, character| {
            if NOT_OF_XML.contains(&character) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "{}", character.escape_unicode());
            } else {
                escaped.push(character);
            }
            escaped
        });
        shown = Cow::Owned(escaped);
    }
    if shown.starts_with("<r>") && shown.ends_with("</r>") {
        shown.to_mut().push(' ');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert!(matches!(cell_text("resource-1"), Cow::Borrowed("resource-1")));
        assert_eq!(cell_text("<r><t>rich</t></r>"), "<r><t>rich</t></r> ");
        assert_eq!(cell_text("<r>a\u{fffe}</r>"), "<r>a\\u{fffe}</r> ");
    }
}
