//! Text from files and servers, made safe to show.
//!
//! Control, escape and bidirectional characters are printed as escapes, so that no cell and no
//! server can move the cursor, recolour a line or turn a number around on somebody's screen.

use std::fmt::{self, Write};

/// Shows a text with everything invisible in it made visible; see [`visible`].
#[derive(Debug, Clone, Copy)]
pub struct Visible<'a>(&'a str);

/// Wraps a text for printing.
///
/// ```
/// # use waldur_usage::domain::visible;
/// assert_eq!(visible("a\u{1b}[31mb\u{202e}").to_string(), r"a\u{1b}[31mb\u{202e}");
/// ```
pub fn visible(text: &str) -> Visible<'_> {
    Visible(text)
}

/// Whether a character moves, hides or turns text instead of showing.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// JSON with escapes for what would move or turn text on a terminal; its values are the same.
///
/// ```
/// # use waldur_usage::domain::escaped_json;
/// assert_eq!(escaped_json("{\"a\": \"\u{202e}b\"}"), "{\"a\": \"\\u202eb\"}");
/// ```
pub fn escaped_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character != '\n' && is_invisible(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

impl fmt::Display for Visible<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.chars().any(is_invisible) {
            return formatter.pad(self.0);
        }
        let shown: String = self.0.chars().map(show).collect();
        formatter.pad(&shown)
    }
}

fn show(character: char) -> String {
    match character {
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        _ if is_invisible(character) => character.escape_unicode().to_string(),
        _ => character.to_string(),
    }
}
