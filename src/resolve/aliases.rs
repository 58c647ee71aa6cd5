//! Other names of resources, as the user gives them, set against what the server has.
//!
//! An alias speaks only where the server says nothing: one that hides a real name, leads nowhere or
//! leads to two places stops the run, because whatever it is taken for may be wrong.

use std::collections::HashMap;

use crate::domain::{OfferingId, ResourceId, fold_name, nearest_few, visible};
use crate::findings::{Code, Finding, Findings};
use crate::mapping::{Alias, UnitFactor};

use super::catalogue::{Catalogue, NameKind};
use super::name_index::NameIndex;
use super::resources::did_you_mean;

/// For how many wrong aliases something near is looked for.
const MOST_HINTS: usize = 200;

/// Aliases that lead to a resource each, and the factors between units.
#[derive(Debug, Default)]
pub struct SettledAliases {
    resources: HashMap<(OfferingId, String), ResourceId>,
    units: Vec<UnitFactor>,
}

impl SettledAliases {
    /// Sets aliases against the catalogue; what is wrong with them stops the run.
    pub fn new(aliases: &crate::mapping::Aliases, catalogue: &Catalogue, findings: &mut Findings) -> Self {
        let mut settled = Self { resources: HashMap::new(), units: aliases.units.clone() };
        if aliases.resources.is_empty() || catalogue.offerings().is_empty() {
            return settled;
        }
        let index = NameIndex::new(catalogue);
        let mut misses = 0_usize;
        for alias in &aliases.resources {
            match settled.settle(alias, catalogue, &index, misses < MOST_HINTS) {
                Ok((offering, id)) => {
                    settled.resources.insert((offering, fold_name(&alias.from)), id);
                }
                Err(finding) => {
                    misses += 1;
                    findings.push(finding.at(alias.place.clone()));
                }
            }
        }
        settled
    }

    fn settle(
        &self,
        alias: &Alias,
        catalogue: &Catalogue,
        index: &NameIndex,
        may_hint: bool,
    ) -> Result<(OfferingId, ResourceId), Finding> {
        let offerings = catalogue.offerings();
        let kinds = || offerings.iter().flat_map(|offering| NameKind::ALL.map(|kind| (offering.id, kind)));
        let hidden = kinds().find_map(|(offering, kind)| {
            let id = index.folded(offering, kind, &alias.from).first()?;
            Some((kind, catalogue.resource(*id)?))
        });
        if let Some((kind, resource)) = hidden {
            let name = visible(kind.of(resource));
            let found = format!(
                "{}, which is the {} {name} of {}",
                visible(&alias.from),
                kind.field().name(),
                resource.id
            );
            let expected = "a name that no resource in scope has";
            return Err(Finding::new(Code::AliasHidesName, found, expected)
                .hint("take the alias out; the server's own names always count"));
        }
        let mut targets: Vec<ResourceId> = match alias.to.parse::<ResourceId>() {
            Ok(id) => catalogue.resource(id).map(|resource| resource.id).into_iter().collect(),
            Err(_) => kinds()
                .flat_map(|(offering, kind)| catalogue.find(offering, kind, alias.to.trim()))
                .copied()
                .collect(),
        };
        targets.sort();
        targets.dedup();
        let target = match targets.as_slice() {
            [only] => catalogue.resource(*only),
            [] => None,
            several => {
                let ids: Vec<String> = several.iter().take(10).map(ToString::to_string).collect();
                let found = format!("{}, which {} resources are called", visible(&alias.to), several.len());
                return Err(Finding::new(Code::AliasNowhere, found, "exactly one resource in scope")
                    .hint(format!("name one by uuid: {}", ids.join(", "))));
            }
        };
        let Some(target) = target else {
            let names = catalogue.resources().map(|resource| resource.name.as_str());
            let finding = Finding::new(
                Code::AliasNowhere,
                visible(&alias.to).to_string(),
                "the uuid, name, slug or backend id of a resource in scope",
            );
            let near = if may_hint { nearest_few(&alias.to, names, 3) } else { Vec::new() };
            return Err(match did_you_mean(&near) {
                Some(hint) => finding.hint(hint),
                None => finding,
            });
        };
        let key = (target.offering, fold_name(&alias.from));
        match self.resources.get(&key) {
            Some(known) if *known != target.id => {
                let found = format!("{}, which was an alias of {known} before", visible(&alias.from));
                Err(Finding::new(Code::InvalidAlias, found, "one resource for each alias"))
            }
            _ => Ok((target.offering, target.id)),
        }
    }

    /// The resource that a name is an alias of.
    pub fn resource(&self, offering: OfferingId, name: &str) -> Option<ResourceId> {
        if self.resources.is_empty() {
            return None;
        }
        self.resources.get(&(offering, fold_name(name))).copied()
    }

    /// The factors that were given.
    pub fn units(&self) -> &[UnitFactor] {
        &self.units
    }

    /// The factor from a unit to another one, where there is one.
    pub fn factor(&self, from: &str, to: &str) -> Option<&UnitFactor> {
        self.units.iter().find(|unit| unit.from == from.trim() && unit.to == to.trim())
    }
}
