//! The resources of a snapshot by names that are nearly theirs.
//!
//! Built once, and only where a name is not exactly one of the server's. What differs in case, blanks
//! and dashes alone is the same name; what only looks alike, or has lost its zeros, is a hint.

use std::collections::HashMap;

use crate::domain::{OfferingId, ResourceId, fold_name, lost_zeros, skeleton};

use super::catalogue::{Catalogue, NameKind, Resource};

type Names = HashMap<(OfferingId, NameKind, String), Vec<ResourceId>>;

/// Resources by folded names.
#[derive(Debug, Default)]
pub struct NameIndex {
    folded: Names,
    skeletons: Names,
    digits: Names,
}

impl NameIndex {
    pub fn new(catalogue: &Catalogue) -> Self {
        let mut index = Self::default();
        let mut resources: Vec<&Resource> = catalogue.resources().collect();
        resources.sort_by_key(|resource| resource.id);
        for resource in resources {
            for kind in NameKind::ALL {
                let name = kind.of(resource).trim();
                if name.is_empty() {
                    continue;
                }
                let add = |names: &mut Names, text: String| {
                    names.entry((resource.offering, kind, text)).or_default().push(resource.id);
                };
                add(&mut index.folded, fold_name(name));
                add(&mut index.skeletons, skeleton(name));
                if name.bytes().all(|byte| byte.is_ascii_digit()) {
                    add(&mut index.digits, name.trim_start_matches('0').to_owned());
                }
            }
        }
        index
    }

    /// The resources whose name is the same but for case, blanks and dashes.
    pub fn folded(&self, offering: OfferingId, kind: NameKind, text: &str) -> &[ResourceId] {
        self.folded.get(&(offering, kind, fold_name(text))).map_or(&[], Vec::as_slice)
    }

    /// The resources whose name looks the same.
    pub fn look_alikes(&self, offering: OfferingId, kind: NameKind, text: &str) -> &[ResourceId] {
        self.skeletons.get(&(offering, kind, skeleton(text))).map_or(&[], Vec::as_slice)
    }

    /// The resources whose name is the same number with more zeros before it.
    pub fn with_zeros<'a>(
        &'a self,
        catalogue: &'a Catalogue,
        offering: OfferingId,
        kind: NameKind,
        text: &'a str,
    ) -> impl Iterator<Item = &'a Resource> {
        let key = (offering, kind, text.trim_start_matches('0').to_owned());
        let hits = self.digits.get(&key).map_or(&[][..], Vec::as_slice);
        let resources = hits.iter().filter_map(|&id| catalogue.resource(id));
        resources.filter(move |resource| lost_zeros(text, kind.of(resource).trim()))
    }
}
