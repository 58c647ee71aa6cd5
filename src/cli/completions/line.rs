//! A line of bash up to the cursor, taken apart without running anything of it.

use super::quote::Quotes;

/// The words of a line; the last one is the one that the cursor stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The words without their quotes.
    pub words: Vec<String>,
    /// In which quotes the line ends.
    pub quotes: Quotes,
}

/// Takes a line apart; `None` where a part of it is only known once it was run.
pub fn read(line: &str) -> Option<Line> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quotes = Quotes::None;
    let mut is_in_word = false;
    let mut characters = line.chars().peekable();
    while let Some(one) = characters.next() {
        let next = characters.peek().copied();
        match (quotes, one) {
            (Quotes::None, ' ' | '\t' | '\n') => {
                if is_in_word {
                    words.push(std::mem::take(&mut word));
                }
                is_in_word = false;
                continue;
            }
            (Quotes::None | Quotes::Double, '$') if matches!(next, Some('(' | '{' | '\'' | '"')) => {
                return None;
            }
            (Quotes::None | Quotes::Double, '`')
            | (Quotes::None, ';' | '&' | '|' | '<' | '>' | '(' | ')') => {
                return None;
            }
            (Quotes::None, '\'') => quotes = Quotes::Single,
            (Quotes::None, '"') => quotes = Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => quotes = Quotes::None,
            (Quotes::None, '\\') => word.extend(characters.next()),
            (Quotes::Double, '\\') if matches!(next, Some('$' | '`' | '"' | '\\')) => {
                word.extend(characters.next());
            }
            (Quotes::None | Quotes::Double | Quotes::Single, one) => word.push(one),
        }
        is_in_word = true;
    }
    words.push(word);
    Some(Line { words, quotes })
}

/// A word of which the last quotes may be open, without them.
pub fn open_word(text: &str) -> String {
    read(text).and_then(|mut line| line.words.pop()).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_bash_would_see() {
        for (line, words, quotes) in [
            ("w check --offering HP", &["w", "check", "--offering", "HP"][..], Quotes::None),
            ("w check --offering \"HPC al", &["w", "check", "--offering", "HPC al"], Quotes::Double),
            ("w  'a b'\tHPC\\ al", &["w", "a b", "HPC al"], Quotes::None),
            ("w --offering='HPC al", &["w", "--offering=HPC al"], Quotes::Single),
            ("w \"\" ", &["w", "", ""], Quotes::None),
            ("w \"a\\$\\x\"b\\", &["w", "a$\\xb"], Quotes::None),
            ("w \"a\"\\!\"b", &["w", "a!b"], Quotes::Double),
            ("w $HOME/x", &["w", "$HOME/x"], Quotes::None),
            ("", &[""], Quotes::None),
        ] {
            let read = read(line).unwrap();
            assert_eq!(
                (read.words.iter().map(String::as_str).collect::<Vec<_>>(), read.quotes),
                (words.to_vec(), quotes)
            );
        }
    }

    #[test]
    fn what_has_to_be_run_to_be_known_is_left_alone() {
        for line in ["w $(ls", "w `ls", "w \"${x", "w a > b", "w a; w b", "w a | b", "w $'a"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
