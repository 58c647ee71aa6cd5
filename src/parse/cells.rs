//! Single cells: text to id, truth value, description, name of a user.

use crate::domain::{cut, is_invisible, visible};
use crate::findings::{Code, Finding};

use super::{Cell, CellKind, odd};

/// Characters of a username.
const LONGEST_USERNAME: usize = 100;

/// Parses an id; `what` names the column.
pub fn id<T: std::str::FromStr>(cell: Cell<'_>, what: &str) -> Result<T, Finding> {
    // A number of 32 digits looks like an id, and is what is left of one.
    let parsed = match cell.kind {
        CellKind::Number | CellKind::Date => None,
        CellKind::Blank | CellKind::Text | CellKind::Boolean | CellKind::Error => cell.text.parse().ok(),
    };
    parsed.ok_or_else(|| {
        let expected = format!("a {what} of 32 hexadecimal digits, with or without dashes");
        let finding = Finding::new(Code::InvalidResource, shown(cell), expected);
        match cell.kind {
            CellKind::Number | CellKind::Date => finding
                .hint("the spreadsheet has turned the id into a number; format the column as text and enter it again"),
            CellKind::Blank | CellKind::Text | CellKind::Boolean | CellKind::Error => finding,
        }
    })
}

/// Parses a truth value.
pub fn truth(cell: Cell<'_>) -> Result<bool, Finding> {
    match cell.text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" => Ok(true),
        "false" | "no" | "n" | "0" => Ok(false),
        _ => Err(Finding::new(Code::InvalidCarryOver, shown(cell), "true or false")),
    }
}

/// Checks a description against what the server can store.
pub fn description(cell: Cell<'_>) -> Result<&str, Finding> {
    let characters = cell.text.chars().count();
    if cell.kind == CellKind::Error {
        let finding = Finding::new(Code::InvalidDescription, shown(cell), "text");
        Err(odd::hint(cell.text).into_iter().fold(finding, Finding::hint))
    } else if characters > 2000 {
        let found = format!("{characters} characters");
        Err(Finding::new(Code::InvalidDescription, found, "at most 2,000 characters"))
    } else if cell.text.contains('\0') || has_lone_surrogate(cell.text) {
        Err(Finding::new(Code::InvalidDescription, shown(cell), "no NUL and no half of a surrogate pair"))
    } else {
        Ok(cell.text)
    }
}

/// Checks a username against what the server takes, and against what nobody could tell apart.
pub fn username(cell: Cell<'_>) -> Result<&str, Finding> {
    let characters = cell.text.chars().count();
    let fault = |found: String, expected: &'static str| Finding::new(Code::InvalidUsername, found, expected);
    match cell.kind {
        CellKind::Error | CellKind::Boolean | CellKind::Date => Err(fault(shown(cell), "the name of a user")),
        CellKind::Blank | CellKind::Text | CellKind::Number if characters > LONGEST_USERNAME => {
            Err(fault(format!("{characters} characters"), "at most 100 characters"))
        }
        CellKind::Blank | CellKind::Text | CellKind::Number if cell.text.chars().any(is_invisible) => {
            Err(fault(shown(cell), "characters that show"))
        }
        CellKind::Blank | CellKind::Text | CellKind::Number => Ok(cell.text),
    }
}

/// Workbooks write what XML cannot hold as `_xHHHH_`, lone surrogates among it.
fn has_lone_surrogate(text: &str) -> bool {
    text.match_indices("_xD").chain(text.match_indices("_xd")).any(|(at, _)| {
        let escape = text.as_bytes().get(at + 2..at + 7);
        escape.is_some_and(|escape| {
            escape[4] == b'_'
                && (b'8'..=b'f').contains(&escape[1].to_ascii_lowercase())
                && escape[..4].iter().all(u8::is_ascii_hexdigit)
        })
    })
}

/// A cell as it is shown in a finding: visible, and cut where it is long.
pub fn shown(cell: Cell<'_>) -> String {
    if cell.is_blank() {
        return "a blank cell".into();
    }
    // Behind the text of an error stands what is wrong with it.
    let most = if cell.kind == CellKind::Error { 240 } else { 80 };
    visible(&cut(cell.text, most)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_show_whom_they_mean() {
        let verdict = |text: &str, kind| {
            let taken = username(Cell { text, kind }).map(str::to_owned);
            taken.map_err(|finding| finding.code)
        };
        assert_eq!(
            verdict("jürgen.o'hara@example.org", CellKind::Text),
            Ok("jürgen.o'hara@example.org".into())
        );
        assert_eq!(verdict("1004", CellKind::Number), Ok("1004".into()));
        assert!(verdict(&"ä".repeat(100), CellKind::Text).is_ok());
        for text in [&"ä".repeat(101), "a\u{202e}b", "a\nb", "a\u{200b}b", "a\0"] {
            assert_eq!(verdict(text, CellKind::Text), Err(Code::InvalidUsername), "{text:?}");
        }
        assert_eq!(verdict("true", CellKind::Boolean), Err(Code::InvalidUsername));
    }

    #[test]
    fn descriptions_that_break_the_server_are_named() {
        let verdict = |text: &str| description(Cell { text, kind: CellKind::Text }).is_ok();
        assert!(verdict(&"ä".repeat(2000)));
        assert!(!verdict(&"ä".repeat(2001)));
        assert!(!verdict("a\0b"));
        assert!(!verdict("a_xD800_b"));
        assert!(verdict("a_xDone_b"));
    }
}
