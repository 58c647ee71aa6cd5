//! A name as a shell takes it for one plain word, whatever stands in it.
//!
//! zsh and fish quote what they are given by themselves; bash and PowerShell put it on the line as it is.

/// In which quotes of bash the cursor stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// In none.
    None,
    /// In `"`.
    Double,
    /// In `'`.
    Single,
}

/// Continues a word of bash; nothing of it is expanded, split or run.
///
/// Every beginning of what comes out is as harmless: bash completes as far as several names agree.
pub fn bash(text: &str, quotes: Quotes) -> String {
    let mut word = String::new();
    for one in text.chars() {
        match (quotes, one) {
            (Quotes::None, _) => {
                if !is_plain(one) {
                    word.push('\\');
                }
                word.push(one);
            }
            // No backslash keeps the history away inside of quotes, so they are left for a moment.
            (Quotes::Double, '!') => word.push_str("\"\\!\""),
            (Quotes::Double, '"' | '$' | '`' | '\\') => word.extend(['\\', one]),
            (Quotes::Single, '\'') => word.push_str("'\\''"),
            (Quotes::Double | Quotes::Single, _) => word.push(one),
        }
    }
    // It closes the quotes behind a word itself, but not where the word ends in such a quote.
    match quotes {
        Quotes::Double if word.ends_with('"') => word.push('"'),
        Quotes::Single if word.ends_with('\'') => word.push('\''),
        Quotes::None | Quotes::Double | Quotes::Single => {}
    }
    word
}

/// A whole word of PowerShell, in quotes where it has to be.
pub fn powershell(text: &str) -> String {
    let is_plain = text.chars().all(|one| one.is_ascii_alphanumeric() || "-_./:=".contains(one));
    // An id can be made of digits alone, and 1e5 and 2mb are numbers.
    let may_be_number = text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|one| one.is_ascii_alphanumeric() || one == '.');
    if is_plain && !may_be_number && !text.is_empty() {
        return text.to_owned();
    }
    let mut word = String::from("'");
    for one in text.chars() {
        word.push(one);
        // It takes the quotes of printers for its own, too.
        if matches!(one, '\'' | '\u{2018}'..='\u{201b}') {
            word.push(one);
        }
    }
    word.push('\'');
    word
}

/// Whether bash takes a character as it is wherever it stands in a word.
fn is_plain(one: char) -> bool {
    // What is no ASCII is of no meaning to bash, and behind a backslash it would be but half a character in
    // a locale of bytes.
    !one.is_ascii() || one.is_ascii_alphanumeric() || "-_./:=@%+,".contains(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_bash_would_expand_is_quoted() {
        let hostile = "a b$(touch x)`y`;&|<>'\"\\!*?[{~#^\u{e4}";
        assert_eq!(
            bash(hostile, Quotes::None),
            "a\\ b\\$\\(touch\\ x\\)\\`y\\`\\;\\&\\|\\<\\>\\'\\\"\\\\\\!\\*\\?\\[\\{\\~\\#\\^\u{e4}"
        );
        assert_eq!(bash(hostile, Quotes::Double), "a b\\$(touch x)\\`y\\`;&|<>'\\\"\\\\\"\\!\"*?[{~#^\u{e4}");
        assert_eq!(bash(hostile, Quotes::Single), "a b$(touch x)`y`;&|<>'\\''\"\\!*?[{~#^\u{e4}");
        assert_eq!(bash("cpu_hours", Quotes::None), "cpu_hours");
        assert_eq!(bash("a\"", Quotes::Double), r#"a\"""#);
        assert_eq!(bash("a!", Quotes::Double), r#"a"\!"""#);
        assert_eq!(bash("a'", Quotes::Single), r"a'\'''");
    }

    #[test]
    fn powershell_gets_single_quotes_with_all_of_its_own_doubled() {
        assert_eq!(powershell("cpu_hours"), "cpu_hours");
        assert_eq!(powershell("HPC allocation"), "'HPC allocation'");
        assert_eq!(powershell("a'; rm x; '\u{2019}$(b)"), "'a''; rm x; ''\u{2019}\u{2019}$(b)'");
        assert_eq!(powershell("@x"), "'@x'");
        assert_eq!(powershell("00000000000000000000000000000012"), "'00000000000000000000000000000012'");
        assert_eq!(powershell("2026-11"), "2026-11");
        assert_eq!(powershell(""), "''");
    }
}
