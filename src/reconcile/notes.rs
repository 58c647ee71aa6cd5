//! The notes of a report, each kept once.

use std::collections::HashMap;
use std::sync::Arc;

use super::rows::number;

/// Notes and their numbers.
#[derive(Debug, Default)]
pub struct Notes {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Notes {
    /// The number of a note.
    pub fn number(&mut self, text: &str) -> u32 {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        let text: Arc<str> = text.into();
        let next = number(self.texts.len());
        self.texts.push(text.clone());
        self.numbers.insert(text, next);
        next
    }

    /// All of them.
    pub fn into_texts(self) -> Vec<Arc<str>> {
        self.texts
    }
}
