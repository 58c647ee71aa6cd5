//! Offerings by name, as a row or a flag names them.
//!
//! An exact name counts first, then one that differs in case, blanks and dashes alone; only a single
//! hit is ever taken.

use std::collections::HashMap;

use crate::domain::{OfferingId, Selector, fold_name};

/// The offerings that an account sees, by name.
#[derive(Debug, Default)]
pub struct OfferingNames {
    exact: HashMap<String, Vec<OfferingId>>,
    folded: HashMap<String, Vec<OfferingId>>,
}

impl OfferingNames {
    /// Takes the names in.
    pub fn new(names: impl IntoIterator<Item = (OfferingId, String)>) -> Self {
        let mut known = Self::default();
        for (id, name) in names {
            known.folded.entry(fold_name(&name)).or_default().push(id);
            known.exact.entry(name.trim().to_owned()).or_default().push(id);
        }
        known
    }

    /// The offerings that a text names: a uuid, or else a name.
    pub fn find(&self, text: &str) -> Vec<OfferingId> {
        let selector = text.trim().parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
        let name = match selector {
            Selector::Id(id) => return vec![OfferingId::new(id)],
            Selector::Name(name) => name,
        };
        let hits = self.exact.get(&name).or_else(|| self.folded.get(&fold_name(&name)));
        hits.cloned().unwrap_or_default()
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.exact.keys().map(String::as_str)
    }
}
