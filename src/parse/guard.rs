//! The guard against evaluation: text that a spreadsheet would take for a formula gets a `'`.
//!
//! Our writers put it on and our readers take exactly that one off again, so a file that went out
//! and came back is the same. Numbers are never touched.

use std::borrow::Cow;

use crate::domain::Amount;

const EVALUATED: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Puts a `'` before text that a spreadsheet would evaluate, and before text that looks as if it had been
/// guarded already: else the one that is taken off would be its own.
pub fn with_guard(text: &str) -> Cow<'_, str> {
    let is_number = || Amount::parse(text).is_ok();
    if text.trim_start_matches('\'').starts_with(EVALUATED) && !is_number() {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// Takes off the `'` that [`with_guard`] put on.
#[inline]
pub fn without_guard(text: &str) -> &str {
    // It is asked for every cell of a file, and nearly none has one.
    if text.as_bytes().first() == Some(&b'\'') { taken_off(text) } else { text }
}

fn taken_off(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(EVALUATED) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_comes_off_exactly_once() {
        for text in ["=SUM(A1)", "@x", "+49", "-5", "'quoted", "''", "-x", "'=1", "'-5", "''@x", "'"] {
            assert_eq!(without_guard(&with_guard(text)), text);
        }
        assert_eq!(with_guard("-5.20"), "-5.20");
        assert_eq!(with_guard("=1+1"), "'=1+1");
    }
}
