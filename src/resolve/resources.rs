//! Which resource a row means.
//!
//! A uuid settles it. A backend id, a slug or a name is looked up inside one offering only: exactly
//! first, then without regard to case, blanks and dashes, then among the user's aliases. Only a single
//! hit counts: several are named, none is guessed, and what merely looks alike is a hint. A project or an
//! organisation that the row names tells resources of one name apart.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{OfferingId, ResourceId, fold_name, look_alike, nearest_few, visible};
use crate::findings::{Code, Finding};
use crate::mapping::Field;
use crate::parse::ResourceName;

use super::aliases::SettledAliases;
use super::catalogue::{Catalogue, NameKind, Resource};
use super::name_index::NameIndex;
use super::offering_names::OfferingNames;

/// A finding without a place, and the field that it is about.
type Fault = (Field, Finding);

/// What was answered before.
type Answer = Result<(ResourceId, Via), Fault>;

/// For how many unknown names something near is looked for; a file of nothing but unknown names would
/// take as long as all of them against all resources.
const MOST_HINTS: u32 = 200;

/// How a resource was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// By its uuid, or by just the name that the server has.
    Exact,
    /// By a name that differs in case, blanks or dashes.
    Folded,
    /// By an alias that the user gave.
    Alias,
}

/// A resource, and how it was found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The resource.
    pub resource: &'a Resource,
    /// How.
    pub via: Via,
}

/// Looks resources up, remembering what it has answered already.
pub struct ResourceFinder<'a> {
    catalogue: &'a Catalogue,
    aliases: &'a SettledAliases,
    scope: Vec<OfferingId>,
    known: HashMap<(ResourceName, Option<OfferingId>), Answer>,
    index: OnceCell<NameIndex>,
    offering_names: OnceCell<OfferingNames>,
    hints_left: Cell<u32>,
}

impl<'a> ResourceFinder<'a> {
    pub fn new(catalogue: &'a Catalogue, aliases: &'a SettledAliases) -> Self {
        let scope = catalogue.offerings().iter().map(|offering| offering.id).collect();
        let (index, offering_names) = (OnceCell::new(), OnceCell::new());
        let hints_left = Cell::new(MOST_HINTS);
        Self { catalogue, aliases, scope, known: HashMap::new(), index, offering_names, hints_left }
    }

    /// The resource, or a finding without a place and the field that it is about.
    pub fn find(&mut self, name: &ResourceName, offering: Option<OfferingId>) -> Result<Found<'a>, Fault> {
        let is_bare = offering.is_none() && name.offering.is_none() && name.backend_id.is_none();
        if name.uuid.is_some() && is_bare {
            return self.look_up(name, offering);
        }
        let key = (name.clone(), offering);
        if let Some(known) = self.known.get(&key) {
            let (id, via) = known.clone()?;
            let resource = self.catalogue.resource(id);
            let resource = resource.ok_or_else(|| unknown(Field::ResourceUuid, &id.to_string()))?;
            return Ok(Found { resource, via });
        }
        let found = self.look_up(name, offering);
        self.known.insert(key, found.clone().map(|found| (found.resource.id, found.via)));
        found
    }

    /// The resource of a row whose name alone fits several, and which also says who pays.
    pub fn find_of_payer(
        &mut self,
        fault: Fault,
        name: &ResourceName,
        offering: Option<OfferingId>,
        payer: Option<&Arc<str>>,
    ) -> Result<Found<'a>, Fault> {
        match payer {
            Some(payer) if fault.1.code == Code::AmbiguousResource && name.organisation.is_none() => {
                let organisation = Some(Arc::clone(payer));
                self.find(&ResourceName { organisation, ..name.clone() }, offering)
            }
            _ => Err(fault),
        }
    }

    fn look_up(&self, name: &ResourceName, offering: Option<OfferingId>) -> Result<Found<'a>, Fault> {
        let named = self.named_offering(name, offering)?;
        let found = match name.uuid {
            Some(uuid) => Found { resource: self.by_uuid(uuid)?, via: Via::Exact },
            None => self.by_name(name, self.single_offering(name, named)?)?,
        };
        match named {
            Some(offering) if offering != found.resource.offering => {
                let field = if name.offering.is_some() { Field::Offering } else { Field::OfferingUuid };
                let finding = Finding::new(
                    Code::OtherOffering,
                    self.offering_name(found.resource.offering),
                    format!("a resource of the offering {offering}"),
                );
                Err((field, finding))
            }
            _ => Ok(found),
        }
    }

    /// The offering that the row names, by uuid or by name; by both only where they agree.
    fn named_offering(
        &self,
        name: &ResourceName,
        offering: Option<OfferingId>,
    ) -> Result<Option<OfferingId>, Fault> {
        let Some(text) = &name.offering else { return Ok(offering) };
        let names = self.catalogue.offering_names().unwrap_or_else(|| {
            self.offering_names.get_or_init(|| {
                let offerings = self.catalogue.offerings();
                OfferingNames::new(offerings.into_iter().map(|it| (it.id, it.name.clone())))
            })
        });
        let fault = |finding: Finding| Err((Field::Offering, finding));
        let expected = "an offering that this account may see, by name or uuid";
        match names.find(text).as_slice() {
            [only] if offering.is_none_or(|offering| offering == *only) => Ok(Some(*only)),
            [only] => {
                let found = format!("{}, which is {only}", visible(text));
                fault(Finding::new(Code::OtherOffering, found, "the offering that offering_uuid names"))
            }
            [] => {
                let finding = Finding::new(Code::UnknownOffering, visible(text).to_string(), expected);
                let near = if self.may_hint() { nearest_few(text, names.names(), 3) } else { Vec::new() };
                fault(match did_you_mean(&near) {
                    Some(hint) => finding.hint(hint),
                    None => finding,
                })
            }
            several => {
                let ids: Vec<String> = several.iter().take(10).map(ToString::to_string).collect();
                let found = format!("{}, which {} offerings are called", visible(text), several.len());
                let hint = format!("name one by uuid: {}", ids.join(", "));
                fault(Finding::new(Code::UnknownOffering, found, "exactly one offering").hint(hint))
            }
        }
    }

    fn by_uuid(&self, uuid: ResourceId) -> Result<&'a Resource, Fault> {
        if let Some(resource) = self.catalogue.resource(uuid) {
            return Ok(resource);
        }
        let Some(elsewhere) = self.catalogue.elsewhere(uuid) else {
            return Err(unknown(Field::ResourceUuid, &uuid.to_string()));
        };
        let found =
            format!("{} of the offering {}", visible(&elsewhere.name), visible(&elsewhere.offering_name));
        let finding = Finding::new(Code::OtherOffering, found, IN_SCOPE);
        Err((Field::ResourceUuid, finding.hint("name its offering with --offering, or take the row out")))
    }

    /// The one offering in which names are looked up.
    fn single_offering(
        &self,
        name: &ResourceName,
        offering: Option<OfferingId>,
    ) -> Result<OfferingId, Fault> {
        let (field, text) = name.decisive().unwrap_or((Field::ResourceUuid, String::new()));
        match (offering, self.scope.as_slice()) {
            (Some(offering), _) if self.catalogue.offering(offering).is_some() => Ok(offering),
            (Some(offering), _) => {
                let expected = "an offering in scope that this account may see";
                let (field, found) = match &name.offering {
                    Some(text) => (Field::Offering, visible(text).to_string()),
                    None => (Field::OfferingUuid, offering.to_string()),
                };
                Err((field, Finding::new(Code::UnknownOffering, found, expected)))
            }
            (None, [only]) => Ok(*only),
            (None, _) => {
                let expected = "one offering to look it up in";
                let finding = Finding::new(Code::NoScope, visible(&text).to_string(), expected);
                let hint = "name the offering with --offering, or in a column offering or offering_uuid";
                Err((field, finding.hint(hint)))
            }
        }
    }

    fn by_name(&self, name: &ResourceName, offering: OfferingId) -> Result<Found<'a>, Fault> {
        let (field, text) = name.decisive().unwrap_or((Field::ResourceUuid, String::new()));
        let kind = NameKind::of_field(field).unwrap_or(NameKind::Name);
        match self.of_owners(name, self.hits(offering, kind, &text)) {
            Hits::One(found) => match self.doubtful_zeros(offering, kind, &text, found) {
                Some(finding) => Err((field, finding)),
                None => Ok(found),
            },
            Hits::None => {
                let (field, finding) = unknown(field, &text);
                let hint = self.may_hint().then(|| self.hint(name, offering, kind, &text)).flatten();
                Err((
                    field,
                    match hint {
                        Some(hint) => finding.hint(hint),
                        None => finding,
                    },
                ))
            }
            Hits::Several(several, _) => Err((field, self.ambiguous(&text, &several))),
        }
    }

    /// The hits that are of the project and the organisation that a row names; all of them where none is.
    fn of_owners(&self, name: &ResourceName, hits: Hits<'a>) -> Hits<'a> {
        let Hits::Several(several, via) = hits else { return hits };
        let is_of = |named: &Option<Arc<str>>, own: &str| {
            named.as_ref().is_none_or(|named| fold_name(named) == fold_name(own))
        };
        let own: Vec<&Resource> = several
            .iter()
            .filter_map(|id| self.catalogue.resource(*id))
            .filter(|own| is_of(&name.project, &own.project_name))
            .filter(|own| is_of(&name.organisation, &own.customer_name))
            .collect();
        match own.as_slice() {
            [] => Hits::Several(several, via),
            [only] => Hits::One(Found { resource: only, via }),
            own => Hits::Several(own.iter().map(|own| own.id).collect(), via),
        }
    }

    fn index(&self) -> &NameIndex {
        self.index.get_or_init(|| NameIndex::new(self.catalogue))
    }

    fn hits(&self, offering: OfferingId, kind: NameKind, text: &str) -> Hits<'a> {
        let one = |id, via| {
            let resource = self.catalogue.resource(id);
            resource.map_or(Hits::None, |resource| Hits::One(Found { resource, via }))
        };
        match self.catalogue.find(offering, kind, text) {
            [only] => return one(*only, Via::Exact),
            [] => {}
            several => return Hits::Several(several.to_vec(), Via::Exact),
        }
        match self.index().folded(offering, kind, text) {
            [only] => return one(*only, Via::Folded),
            [] => {}
            several => return Hits::Several(several.to_vec(), Via::Folded),
        }
        self.aliases.resource(offering, text).map_or(Hits::None, |id| one(id, Via::Alias))
    }

    /// A number that fits one resource as it stands, and another one with the zeros that a spreadsheet
    /// takes away: nobody can tell which of them was typed.
    fn doubtful_zeros(
        &self,
        offering: OfferingId,
        kind: NameKind,
        text: &str,
        found: Found<'a>,
    ) -> Option<Finding> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let other = self.index().with_zeros(self.catalogue, offering, kind, text).next()?;
        let found_as = format!("{text}, and there is {} too", visible(kind.of(other)));
        let finding = Finding::new(Code::AmbiguousResource, found_as, "exactly one resource");
        Some(finding.hint(format!(
            "spreadsheets take leading zeros away from numbers; name the one that is meant by uuid: {} or {}",
            found.resource.id, other.id
        )))
    }

    fn may_hint(&self) -> bool {
        let left = self.hints_left.get();
        self.hints_left.set(left.saturating_sub(1));
        left > 0
    }

    /// What may have been meant by a name that nothing has.
    fn hint(&self, name: &ResourceName, offering: OfferingId, kind: NameKind, text: &str) -> Option<String> {
        let lost: Vec<&Resource> = self.index().with_zeros(self.catalogue, offering, kind, text).collect();
        if let Some(first) = lost.first() {
            let names: Vec<&str> = lost.iter().take(3).map(|resource| kind.of(resource)).collect();
            let said = look_alike(text, kind.of(first).trim())?;
            let said = if lost.len() == 1 { said } else { format!("{} without their zeros", either(&names)) };
            return Some(format!("is it {said}? format the column as text and enter it again"));
        }
        let alike = self.index().look_alikes(offering, kind, text);
        let alike = alike.iter().filter_map(|&id| look_alike(text, kind.of(self.catalogue.resource(id)?)));
        if let Some(said) = alike.into_iter().next() {
            return Some(format!("it looks right and is not: {said}"));
        }
        let other = NameKind::ALL.into_iter().filter(|other| *other != kind).find_map(|other| {
            match self.hits(offering, other, text) {
                Hits::One(Found { resource, via: Via::Exact | Via::Folded }) => Some((other, resource)),
                _ => None,
            }
        });
        if let Some((other, resource)) = other {
            let (field, name) = (other.field().name(), visible(&resource.name));
            return Some(format!("it is the {field} of {name}; if that is meant, head the column {field}"));
        }
        let beside = NameKind::ALL.into_iter().filter(|other| *other != kind).find_map(|other| {
            match self.hits(offering, other, other.in_row(name)?) {
                Hits::One(found) => Some((other, found.resource)),
                _ => None,
            }
        });
        if let Some((other, resource)) = beside {
            let own = visible(kind.of(resource));
            let own = if kind.of(resource).is_empty() { "none".to_owned() } else { own.to_string() };
            return Some(format!(
                "the {} of the row is that of {}, whose {} is {own}",
                other.field().name(),
                resource.id,
                kind.field().name()
            ));
        }
        let candidates = self.catalogue.resources().filter(|resource| resource.offering == offering);
        did_you_mean(&nearest_few(text, candidates.map(|resource| kind.of(resource)), 3))
    }

    fn ambiguous(&self, text: &str, several: &[ResourceId]) -> Finding {
        let candidates: Vec<String> = several
            .iter()
            .take(10)
            .filter_map(|&id| self.catalogue.resource(id))
            .map(|resource| {
                let (project, owner) = (visible(&resource.project_name), visible(&resource.customer_name));
                format!("{} ({}, project {project} of {owner})", resource.id, resource.state)
            })
            .collect();
        Finding::new(Code::AmbiguousResource, visible(text).to_string(), "exactly one resource")
            .hint(format!("name one by uuid: {}", candidates.join("; ")))
    }

    fn offering_name(&self, id: OfferingId) -> String {
        let name = self.catalogue.offering(id).map(|offering| offering.name.as_str());
        format!("a resource of {}", visible(name.unwrap_or("another offering")))
    }

    /// The names of a row that are not those of its resource, each with a finding without a place. A
    /// server that has no such name of the resource says nothing against it, unless it is another's.
    pub fn disagreements(&self, name: &ResourceName, resource: &Resource) -> Vec<Fault> {
        let decided_by = name.decisive_field().unwrap_or(Field::ResourceUuid);
        let mut faults = Vec::new();
        for kind in NameKind::ALL {
            let Some(claimed) = kind.in_row(name).filter(|_| kind.field() != decided_by) else { continue };
            let actual = kind.of(resource).trim();
            if claimed == actual {
                continue;
            }
            let hits = self.hits(resource.offering, kind, claimed);
            let other = match hits {
                Hits::One(found) if found.resource.id == resource.id => continue,
                Hits::Several(several, _) if several.contains(&resource.id) => continue,
                Hits::One(found) => Some(found.resource),
                Hits::None if actual.is_empty() => continue,
                Hits::None | Hits::Several(..) => None,
            };
            let field = kind.field().name();
            let own = if actual.is_empty() {
                format!("nothing, as the server has no {field}")
            } else {
                format!("{}, the {field}", visible(actual))
            };
            let expected = format!("{own} of {}, which {} names", resource.id, decided_by.name());
            let hint = match other {
                Some(other) => format!("it is the {field} of {}; name one of the two alone", other.id),
                None => format!("correct the cell or leave it blank; {} is enough", decided_by.name()),
            };
            let finding = Finding::new(Code::ResourceDisagrees, visible(claimed).to_string(), expected);
            faults.push((kind.field(), finding.hint(hint)));
        }
        faults
    }

    /// The project and the organisation of a row that are not those of its resource, each with whether it is
    /// the project and a finding without a place.
    pub fn other_owners(name: &ResourceName, resource: &Resource) -> Vec<(bool, Finding)> {
        let owners = [
            (true, "project", &name.project, &resource.project_name),
            (false, "organisation", &name.organisation, &resource.customer_name),
        ];
        let other = |(is_project, what, claimed, actual): (bool, &str, &Option<Arc<str>>, &String)| {
            let claimed = claimed.as_ref()?;
            if actual.trim().is_empty() || fold_name(claimed) == fold_name(actual) {
                return None;
            }
            let expected = format!("{}, the {what} of {}", visible(actual.trim()), resource.id);
            let hint = "another resource may be meant; a resource that changed hands has its new owner here";
            let finding = Finding::new(Code::ResourceDisagrees, visible(claimed).to_string(), expected);
            Some((is_project, finding.hint(hint)))
        };
        owners.into_iter().filter_map(other).collect()
    }
}

/// What is expected of a resource that this account sees and that no offering in scope has.
pub const IN_SCOPE: &str = "a resource of an offering in scope";

/// What a name fits.
enum Hits<'a> {
    None,
    One(Found<'a>),
    Several(Vec<ResourceId>, Via),
}

fn unknown(field: Field, text: &str) -> Fault {
    let expected = "a resource of this server that this account may see";
    (field, Finding::new(Code::UnknownResource, visible(text).to_string(), expected))
}

/// Names as alternatives: `a`, `a or b`, `a, b or c`.
fn either(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().map(|name| visible(name).to_string()).collect();
    match shown.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// The hint that near misses make, the nearest first.
pub fn did_you_mean(near: &[&str]) -> Option<String> {
    (!near.is_empty()).then(|| format!("did you mean {}?", either(near)))
}
