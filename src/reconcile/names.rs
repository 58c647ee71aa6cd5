//! Numbers for resources and components, given in any order and settled in one that lasts.
//!
//! Rows come as they come, and a report must not depend on that: once all names are known they are
//! sorted, and every number is exchanged for the position in the sorted list.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{ComponentType, OfferingId, ResourceId, fold_name};
use crate::resolve::Catalogue;

use super::report::{Measured, Subject};
use super::rows::{at, number};

/// Gives numbers to names.
pub struct Names<'a> {
    catalogue: &'a Catalogue,
    resources: HashMap<ResourceId, u32>,
    named: HashMap<Arc<str>, u32>,
    subjects: Vec<Named>,
    /// Where the components of an offering stand; `None` where the resource is not in the catalogue.
    offerings: HashMap<Option<OfferingId>, usize>,
    components: Vec<HashMap<ComponentType, u32>>,
    measured: HashMap<Measured, u32>,
    /// The resource that was asked for last, with its number and its offering: rows of one resource
    /// often follow each other, and there are millions.
    last: Option<(ResourceId, u32, Option<OfferingId>, usize)>,
    /// The component that was asked for last, with the place of its offering and its number.
    last_component: Option<(usize, ComponentType, u32)>,
}

/// What a number stands for.
enum Named {
    Resource(ResourceId),
    Text(Arc<str>),
}

/// What the numbers of one list of names are in another one, or in the order that lasts.
pub struct Renumbered {
    subjects: Vec<u32>,
    components: Vec<u32>,
}

impl Renumbered {
    pub fn subject(&self, given: u32) -> u32 {
        self.subjects.get(at(given)).copied().unwrap_or(given)
    }

    pub fn component(&self, given: u32) -> u32 {
        self.components.get(at(given)).copied().unwrap_or(given)
    }
}

/// All names in order, and what each number has become.
pub struct Settled {
    pub subjects: Vec<Subject>,
    pub components: Vec<Measured>,
    pub numbers: Renumbered,
}

impl<'a> Names<'a> {
    pub fn new(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            resources: HashMap::new(),
            named: HashMap::new(),
            subjects: Vec::new(),
            offerings: HashMap::new(),
            components: Vec::new(),
            measured: HashMap::new(),
            last: None,
            last_component: None,
        }
    }

    /// The number of a resource.
    pub fn resource(&mut self, id: ResourceId) -> u32 {
        self.known(id).0
    }

    /// The number of a resource, and of its offering.
    pub fn known(&mut self, id: ResourceId) -> (u32, Option<OfferingId>, usize) {
        if let Some((last, known, offering, place)) = self.last
            && last == id
        {
            return (known, offering, place);
        }
        let next = number(self.subjects.len());
        let known = *self.resources.entry(id).or_insert(next);
        if known == next {
            self.subjects.push(Named::Resource(id));
        }
        let offering = self.catalogue.resource(id).map(|resource| resource.offering);
        let place = self.place_of(offering);
        self.last = Some((id, known, offering, place));
        (known, offering, place)
    }

    fn place_of(&mut self, offering: Option<OfferingId>) -> usize {
        let next = self.components.len();
        let place = *self.offerings.entry(offering).or_insert(next);
        if place == next {
            self.components.push(HashMap::new());
        }
        place
    }

    /// The number of what a file calls a resource and the server does not know.
    pub fn text(&mut self, text: &Arc<str>) -> u32 {
        let next = number(self.subjects.len());
        let known = *self.named.entry(text.clone()).or_insert(next);
        if known == next {
            self.subjects.push(Named::Text(text.clone()));
        }
        known
    }

    /// The number of a component of a resource, in the unit that its offering has it in.
    pub fn component(&mut self, resource: ResourceId, component: &ComponentType) -> u32 {
        let (_, offering, place) = self.known(resource);
        if let Some((own, last, known)) = &self.last_component
            && *own == place
            && last == component
        {
            return *known;
        }
        let known = self.component_of(offering, place, component);
        self.last_component = Some((place, component.clone(), known));
        known
    }

    fn component_of(&mut self, offering: Option<OfferingId>, place: usize, component: &ComponentType) -> u32 {
        if let Some(known) = self.components[place].get(component) {
            return *known;
        }
        let unit = match offering {
            Some(id) => self.unit_of(id, component.as_str()),
            None => self.unit_everywhere(component.as_str()),
        };
        let known = self.measured(component.as_str().into(), unit.as_deref().unwrap_or_default().into());
        self.components[place].insert(component.clone(), known);
        known
    }

    /// The number of what a file calls a component and the offering does not have.
    pub fn foreign_component(&mut self, text: &str, unit: Option<&Arc<str>>) -> u32 {
        let known = self.unit_everywhere(text);
        let is_other = |own: &String| unit.is_some_and(|unit| fold_name(unit) != fold_name(own));
        let unit: Arc<str> = match (known.filter(|own| !is_other(own)), unit) {
            (Some(own), _) => own.into(),
            (None, Some(unit)) => unit.clone(),
            (None, None) => "".into(),
        };
        self.measured(text.into(), unit)
    }

    /// The unit of a component in its offering.
    pub fn unit_of(&self, offering: OfferingId, component: &str) -> Option<String> {
        let own = self.catalogue.offering(offering)?.components.iter();
        let known = own.into_iter().find(|own| own.component_type.as_str() == component)?;
        Some(known.measured_unit.trim().to_owned())
    }

    /// The unit of a component where all offerings in scope that have it agree on one.
    fn unit_everywhere(&self, component: &str) -> Option<String> {
        let offerings = self.catalogue.offerings().into_iter();
        let mut units = offerings.filter_map(|offering| self.unit_of(offering.id, component));
        let first = units.next()?;
        units.all(|unit| unit == first).then_some(first)
    }

    fn measured(&mut self, component: Arc<str>, unit: Arc<str>) -> u32 {
        let next = number(self.measured.len());
        *self.measured.entry(Measured { component, unit }).or_insert(next)
    }

    /// Takes the names of another list in; the numbers that they have here.
    pub fn take_in(&mut self, other: Self) -> Renumbered {
        let subjects = other.subjects.iter().map(|named| match named {
            Named::Resource(id) => self.resource(*id),
            Named::Text(text) => self.text(text),
        });
        let subjects = subjects.collect();
        let mut components = vec![0; other.measured.len()];
        for (Measured { component, unit }, given) in other.measured {
            if let Some(slot) = components.get_mut(at(given)) {
                *slot = self.measured(component, unit);
            }
        }
        Renumbered { subjects, components }
    }

    /// Sorts all names: subjects by organisation, resource, offering, project and id; components by name
    /// and unit.
    pub fn settle(self) -> Settled {
        let mut texts = Texts::default();
        let described: Vec<Subject> =
            self.subjects.iter().map(|named| describe(named, self.catalogue, &mut texts)).collect();
        let (subjects, subject_at) = sorted(described, |one, other| order(one).cmp(&order(other)));
        let mut measured: Vec<(Measured, u32)> = self.measured.into_iter().collect();
        measured.sort_unstable_by_key(|(_, given)| *given);
        let measured = measured.into_iter().map(|(measured, _)| measured).collect();
        let (components, component_at) = sorted(measured, Ord::cmp);
        Settled {
            subjects,
            components,
            numbers: Renumbered { subjects: subject_at, components: component_at },
        }
    }
}

fn order(subject: &Subject) -> impl Ord + use<'_> {
    (&subject.organisation, &subject.resource, &subject.offering, &subject.project, subject.resource_uuid)
}

/// A list in order, and the position of each of its values.
fn sorted<T>(list: Vec<T>, by: impl Fn(&T, &T) -> std::cmp::Ordering) -> (Vec<T>, Vec<u32>) {
    let mut numbered: Vec<(u32, T)> = (0..).zip(list).collect();
    numbered.sort_unstable_by(|one, other| by(&one.1, &other.1));
    let mut places = vec![0; numbered.len()];
    for (place, (given, _)) in (0..).zip(&numbered) {
        if let Some(slot) = places.get_mut(at(*given)) {
            *slot = place;
        }
    }
    (numbered.into_iter().map(|(_, value)| value).collect(), places)
}

/// One text for all that have the same name.
#[derive(Default)]
struct Texts(HashMap<String, Arc<str>>);

impl Texts {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.0.insert(text.to_owned(), new.clone());
        new
    }
}

fn describe(named: &Named, catalogue: &Catalogue, texts: &mut Texts) -> Subject {
    let nobody = |resource: Arc<str>, texts: &mut Texts| Subject {
        organisation: texts.get(""),
        customer: None,
        project: texts.get(""),
        project_uuid: None,
        offering: texts.get(""),
        offering_uuid: None,
        resource,
        resource_uuid: None,
    };
    let id = match named {
        Named::Text(text) => return nobody(text.clone(), texts),
        Named::Resource(id) => *id,
    };
    let Some(resource) = catalogue.resource(id) else {
        let elsewhere = catalogue.elsewhere(id);
        let name = elsewhere.map_or_else(|| id.to_string(), |elsewhere| elsewhere.name.clone());
        let offering = texts.get(elsewhere.map_or("", |elsewhere| &elsewhere.offering_name));
        return Subject { offering, resource_uuid: Some(id), ..nobody(name.into(), texts) };
    };
    let offering = catalogue.offering(resource.offering);
    Subject {
        organisation: texts.get(&resource.customer_name),
        customer: Some(resource.customer),
        project: texts.get(&resource.project_name),
        project_uuid: Some(resource.project),
        offering: texts.get(offering.map_or("", |offering| &offering.name)),
        offering_uuid: Some(resource.offering),
        resource: resource.name.as_str().into(),
        resource_uuid: Some(id),
    }
}
