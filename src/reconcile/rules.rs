//! Rules that finance sets: what may differ, what is left alone, and what a foreign unit is.

/// All rules; none by default.
#[derive(Debug, Clone, Default)]
pub struct Rules {}
