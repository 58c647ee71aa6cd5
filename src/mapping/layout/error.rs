//! Why a text is no layout, and on which line.

use crate::domain::visible;

/// What is wrong with a layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}", visible(what))]
pub struct LayoutError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl LayoutError {
    /// A fault at a place in a text.
    pub(super) fn at(text: &str, offset: usize, what: impl Into<String>) -> Self {
        let before = text.as_bytes().iter().take(offset);
        Self { line: before.filter(|&&byte| byte == b'\n').count() + 1, what: what.into() }
    }
}
