//! The names of a server that a run heard of, kept in the store for completions to offer.
//!
//! Law: keeping them never fails a command. They are a convenience, and may be old.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::cli::{Global, store};
use crate::domain::OfferingId;
use crate::store::{Store, StoreError};
use crate::waldur::{Heard, HeardNames, HeardOffering};

/// Under which word they are kept.
pub const KEPT: &str = "names";

/// Of how many servers and accounts they are kept.
const MOST: u32 = 30;

/// What a run listens to: the server, and what is heard of it.
pub type Listening = OnceLock<(String, Heard)>;

/// The names of an offering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptOffering {
    /// Its display name.
    pub name: String,
    /// The internal name, the display name and the unit of each component; none where they were not heard of.
    #[serde(default)]
    pub components: Vec<[String; 3]>,
}

/// The names of a server that an account heard of.
pub type KeptNames = BTreeMap<OfferingId, KeptOffering>;

/// Keeps what a run heard of, as far as it is new.
pub fn keep(global: &Global) {
    let Some((server, heard)) = global.heard.get() else { return };
    let heard = heard.names();
    if heard.offerings.is_empty() {
        return;
    }
    // Who cannot write to the store is told so by what needs it.
    if let Ok(store) = store::open(global) {
        let _ = keep_in(&store, server, heard);
    }
}

fn keep_in(store: &Store, server: &str, heard: HeardNames) -> Result<(), StoreError> {
    let Some(account) = heard.account else { return Ok(()) };
    let before = store.kept(server, account, KEPT)?;
    let before = before.and_then(|(_, json)| serde_json::from_str::<KeptNames>(&json).ok());
    let names = merged(before.clone().unwrap_or_default(), heard);
    if before.as_ref() != Some(&names) {
        store.keep(server, account, KEPT, &serde_json::to_string(&names).unwrap_or_default())?;
        store.keep_newest(KEPT, MOST)?;
    }
    Ok(())
}

/// What was known with what was heard; a whole list takes away what is not in it.
fn merged(mut names: KeptNames, heard: HeardNames) -> KeptNames {
    if heard.is_whole {
        names.retain(|id, _| heard.offerings.contains_key(id));
    }
    for (id, offering) in heard.offerings {
        let known = names.remove(&id);
        names.insert(id, KeptOffering::of(offering, known));
    }
    names
}

impl KeptOffering {
    /// An offering as it was heard of, with the components that were known before where none were told.
    fn of(heard: HeardOffering, known: Option<Self>) -> Self {
        let known = known.map(|known| known.components);
        Self { name: heard.name, components: heard.components.or(known).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> OfferingId {
        format!("{number:032x}").parse().unwrap()
    }

    fn heard(offerings: &[(u8, &str, Option<&str>)], is_whole: bool) -> HeardNames {
        let offerings = offerings.iter().map(|(number, name, component)| {
            let components = component.map(|component| vec![[component, "Name", "h"].map(str::to_owned)]);
            (id(*number), HeardOffering { name: (*name).to_owned(), components })
        });
        let account = "c27e40b9d8514f6f93ab17e05d6c8f2a".parse().ok();
        HeardNames { account, is_whole, offerings: offerings.collect() }
    }

    #[test]
    fn names_add_up_and_a_whole_list_takes_away() {
        let store = Store::in_memory().unwrap();
        let kept = || {
            let (_, _, json) = store.kept_of_all(KEPT).unwrap().remove(0);
            serde_json::from_str::<KeptNames>(&json).unwrap()
        };
        keep_in(&store, "https://a", heard(&[(1, "One", Some("cpu"))], false)).unwrap();
        keep_in(&store, "https://a", heard(&[(2, "Two", Some("gpu"))], false)).unwrap();
        assert_eq!(kept().len(), 2);
        keep_in(&store, "https://a", heard(&[(1, "One more", None), (3, "Three", None)], true)).unwrap();
        let names = kept();
        assert_eq!(names.keys().copied().collect::<Vec<_>>(), [id(1), id(3)]);
        assert_eq!((names[&id(1)].name.as_str(), names[&id(1)].components.len()), ("One more", 1));
        assert_eq!(names[&id(3)].components, Vec::<[String; 3]>::new());
    }
}
