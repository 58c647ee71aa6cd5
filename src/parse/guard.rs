//! The guard against evaluation: text that a spreadsheet would take for a formula gets a `'`.
//!
//! Our writers put it on and our readers take exactly that one off again, so a file that went out
//! and came back is the same. Numbers are never touched.

use std::borrow::Cow;

use crate::domain::Amount;

const EVALUATED: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Puts a `'` before text that a spreadsheet would evaluate.
pub fn with_guard(text: &str) -> Cow<'_, str> {
    if text.starts_with(EVALUATED) && Amount::parse(text).is_err() {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

/// Takes off the `'` that [`with_guard`] put on.
pub fn without_guard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(EVALUATED) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_comes_off_exactly_once() {
        for text in ["=SUM(A1)", "@x", "+49", "-5", "'quoted", "''", "-x"] {
            assert_eq!(without_guard(&with_guard(text)), text);
        }
        assert_eq!(with_guard("-5.20"), "-5.20");
        assert_eq!(with_guard("=1+1"), "'=1+1");
    }
}
