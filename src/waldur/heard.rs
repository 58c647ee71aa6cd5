//! What a run heard of the names of offerings and components, for completions to offer later.
//!
//! Nothing is asked for it: it is what passed by. Who keeps it is not decided here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::{OfferingId, UserId};
use crate::resolve::Offering;

/// An offering as far as it was heard of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeardOffering {
    /// Its display name.
    pub name: String,
    /// The internal name, the display name and the unit of each component, where they were told.
    pub components: Option<Vec<[String; 3]>>,
}

/// All that was heard of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeardNames {
    /// Who heard it.
    pub account: Option<UserId>,
    /// Whether all offerings that the account sees were listed.
    pub is_whole: bool,
    /// The offerings.
    pub offerings: BTreeMap<OfferingId, HeardOffering>,
}

/// What is being heard of; clones listen together.
#[derive(Debug, Clone, Default)]
pub struct Heard(Arc<Mutex<HeardNames>>);

impl Heard {
    /// What was heard of so far.
    pub fn names(&self) -> HeardNames {
        self.with(|names| names.clone())
    }

    pub(super) fn account(&self, account: UserId) {
        self.with(|names| names.account = Some(account));
    }

    pub(super) fn list<'a>(&self, offerings: impl Iterator<Item = (OfferingId, &'a str)>) {
        self.with(|names| {
            names.is_whole = true;
            for (id, name) in offerings {
                name.clone_into(&mut names.offerings.entry(id).or_default().name);
            }
        });
    }

    pub(super) fn offering(&self, offering: &Offering) {
        let components = offering.components.iter().map(|component| {
            [
                component.component_type.as_str().to_owned(),
                component.name.clone(),
                component.measured_unit.clone(),
            ]
        });
        let heard = HeardOffering { name: offering.name.clone(), components: Some(components.collect()) };
        self.with(|names| names.offerings.insert(offering.id, heard));
    }

    fn with<T>(&self, act: impl FnOnce(&mut HeardNames) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
