//! Cells that show something else than they hold.
//!
//! A format can show a number in thousands, with a unit or not at all; a superscript makes 102 of 10 and a
//! footnote; what is struck out is still stored. Nobody who looked at such a cell has read the value that
//! is stored, so it is handed on as an error, with what is odd about it.

use std::sync::Arc;

use crate::parse::{CellKind, odd};

/// What is odd about a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// Its number is shown by this format, as something else.
    Format(Arc<str>),
    /// All of it is struck out.
    StruckOut,
    /// A part of it is.
    PartlyStruckOut(Arc<str>),
    /// A part of it is raised or lowered.
    Raised(Arc<str>),
    /// Its value is broken into pieces, of which a reader would take one.
    InPieces,
}

/// Places of cells, row and column from 0, in the order of reading.
pub type OddCells = Vec<((u32, u32), Oddity)>;

impl Oddity {
    /// Puts what is odd behind the text of a cell.
    pub fn write(&self, text: &mut String) -> CellKind {
        match self {
            Self::Format(format) => {
                text.push_str(odd::SHOWN_OTHERWISE);
                text.push_str(format);
            }
            Self::StruckOut => text.extend([" (all of it", odd::STRUCK_OUT]),
            Self::PartlyStruckOut(part) => text.extend([" (", part, " is", odd::STRUCK_OUT]),
            Self::Raised(part) => text.extend([" (", part, " is", odd::RAISED]),
            Self::InPieces => {
                text.push_str(if text.is_empty() { "a cell" } else { "" });
                text.push_str(odd::IN_PIECES);
            }
        }
        CellKind::Error
    }
}

/// How a part of a text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether it is raised or lowered.
    pub is_raised: bool,
    /// Whether it is struck out.
    pub is_struck: bool,
}

/// The parts of a text, each with its look.
#[derive(Debug, Default)]
pub struct Runs(Vec<(String, Look)>);

impl Runs {
    /// Takes the next part in; parts that look alike are one.
    pub fn push(&mut self, text: &str, look: Look) {
        match self.0.last_mut() {
            Some((last, own)) if *own == look => last.push_str(text),
            _ => self.0.push((text.to_owned(), look)),
        }
    }

    /// What is odd about the text: a part of it that is struck out, or a digit that is raised beside others.
    pub fn oddity(&self) -> Option<Oddity> {
        let is_seen = |text: &str| !text.trim().is_empty();
        let mut struck = self.0.iter().filter(|(text, look)| look.is_struck && is_seen(text));
        if let Some((part, _)) = struck.next() {
            let is_all = self.0.iter().all(|(text, look)| look.is_struck || !is_seen(text));
            return Some(if is_all {
                Oddity::StruckOut
            } else {
                Oddity::PartlyStruckOut(part.trim().into())
            });
        }
        let has_more = self.0.iter().any(|(text, look)| !look.is_raised && is_seen(text));
        let raised = self.0.iter().find(|(text, look)| look.is_raised && text.chars().any(char::is_numeric));
        raised.filter(|_| has_more).map(|(part, _)| Oddity::Raised(part.trim().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_look_otherwise_are_told() {
        let oddity = |parts: &[(&str, bool, bool)]| {
            let mut runs = Runs::default();
            for &(text, is_raised, is_struck) in parts {
                runs.push(text, Look { is_raised, is_struck });
            }
            runs.oddity()
        };
        assert_eq!(oddity(&[("10", false, false), ("2", true, false)]), Some(Oddity::Raised("2".into())));
        assert_eq!(oddity(&[("102", true, false)]), None);
        assert_eq!(oddity(&[("1", false, false), ("st", true, false), (" Nov 2026", false, false)]), None);
        assert_eq!(
            oddity(&[("100", false, true), ("200", false, false)]),
            Some(Oddity::PartlyStruckOut("100".into()))
        );
        assert_eq!(oddity(&[("100", false, true), (" ", false, false)]), Some(Oddity::StruckOut));
        assert_eq!(oddity(&[("a", false, false), (" ", false, true), ("b", false, false)]), None);
        let mut text = "102".to_owned();
        assert_eq!(Oddity::Raised("2".into()).write(&mut text), CellKind::Error);
        assert_eq!(text, "102 (2 is raised or lowered)");
        assert!(odd::hint(&text).is_some_and(|hint| hint.contains("footnote")));
    }
}
