//! What usages and lines speak of: resources, components, offerings and everybody's names.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::warehouse::slice::Slice;

use super::error::Unset;
use super::rows::Rows;
use super::settings::{FocusSettings, ServiceSetting};

/// A resource.
#[derive(Debug, Clone, Default)]
pub(super) struct Resource<'a> {
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) offering: Option<Cow<'a, str>>,
    pub(super) plan: Option<Cow<'a, str>>,
    pub(super) project: Option<Cow<'a, str>>,
    pub(super) customer: Option<Cow<'a, str>>,
}

/// A component of an offering.
#[derive(Debug, Clone, Default)]
pub(super) struct Component<'a> {
    pub(super) name: Option<Cow<'a, str>>,
    pub(super) measured_unit: Option<Cow<'a, str>>,
    pub(super) billing_type: Option<Cow<'a, str>>,
    pub(super) limit_period: Option<Cow<'a, str>>,
}

/// What FOCUS says of a service.
#[derive(Debug, Clone)]
pub(super) struct Service<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) category: Cow<'a, str>,
    pub(super) subcategory: Cow<'a, str>,
    pub(super) provider: Cow<'a, str>,
    pub(super) publisher: Cow<'a, str>,
}

/// All of it, and what was found missing while it was asked.
pub(super) struct Directory<'a> {
    settings: &'a FocusSettings,
    resources: HashMap<Cow<'a, str>, Resource<'a>>,
    components: HashMap<(Cow<'a, str>, Cow<'a, str>), Component<'a>>,
    /// The organisation of each offering.
    owners: HashMap<Cow<'a, str>, Cow<'a, str>>,
    names: HashMap<Cow<'a, str>, Cow<'a, str>>,
    unset: RefCell<BTreeSet<Unset>>,
}

impl<'a> Directory<'a> {
    pub(super) fn of(
        settings: &'a FocusSettings,
        resources: &'a Slice,
        components: &'a Slice,
        offerings: &'a Slice,
    ) -> Self {
        let mut directory = Self {
            settings,
            resources: HashMap::new(),
            components: HashMap::new(),
            owners: HashMap::new(),
            names: HashMap::new(),
            unset: RefCell::default(),
        };
        directory.read_resources(&Rows::of(resources));
        directory.read_components(&Rows::of(components));
        directory.read_offerings(&Rows::of(offerings));
        directory
    }

    fn read_resources(&mut self, rows: &Rows<'a>) {
        for row in 0..rows.count() {
            let text = |name| rows.text(row, name);
            for (id, name) in [
                ("offering_uuid", "offering_name"),
                ("project_uuid", "project_name"),
                ("customer_uuid", "customer_name"),
            ] {
                self.call(text(id), text(name));
            }
            let Some(uuid) = text("uuid") else { continue };
            let resource = Resource {
                name: text("name"),
                offering: text("offering_uuid"),
                plan: text("plan_uuid"),
                project: text("project_uuid"),
                customer: text("customer_uuid"),
            };
            self.resources.insert(uuid, resource);
        }
    }

    fn read_components(&mut self, rows: &Rows<'a>) {
        for row in 0..rows.count() {
            let text = |name| rows.text(row, name);
            let (Some(offering), Some(component)) = (text("offering_uuid"), text("component_type")) else {
                continue;
            };
            let read = Component {
                name: text("name"),
                measured_unit: text("measured_unit"),
                billing_type: text("billing_type"),
                limit_period: text("limit_period"),
            };
            self.components.insert((offering, component), read);
        }
    }

    fn read_offerings(&mut self, rows: &Rows<'a>) {
        for row in 0..rows.count() {
            let text = |name| rows.text(row, name);
            self.call(text("uuid"), text("name"));
            self.call(text("customer_uuid"), text("customer_name"));
            if let (Some(offering), Some(owner)) = (text("uuid"), text("customer_uuid")) {
                self.owners.insert(offering, owner);
            }
        }
    }

    fn call(&mut self, uuid: Option<Cow<'a, str>>, name: Option<Cow<'a, str>>) {
        if let (Some(uuid), Some(name)) = (uuid, name) {
            self.names.entry(uuid).or_insert(name);
        }
    }

    pub(super) fn resource(&self, uuid: &str) -> Option<&Resource<'a>> {
        self.resources.get(uuid)
    }

    pub(super) fn component(&self, offering: &str, component: &str) -> Option<&Component<'a>> {
        // The key owns what it borrows, so it is made for the look-up.
        self.components.get(&(Cow::Owned(offering.to_owned()), Cow::Owned(component.to_owned())))
    }

    /// The name of an organisation, a project or an offering; what has none is remembered as missing.
    pub(super) fn name(&self, what: &'static str, uuid: &str) -> Cow<'a, str> {
        self.known_name(uuid).unwrap_or_else(|| {
            self.miss(Unset::Name { what, uuid: uuid.to_owned() });
            Cow::Borrowed("")
        })
    }

    fn known_name(&self, uuid: &str) -> Option<Cow<'a, str>> {
        self.settings.name(uuid).map(Cow::Borrowed).or_else(|| self.names.get(uuid).cloned())
    }

    /// What FOCUS says of an offering, or of the line that names none.
    pub(super) fn service(&self, offering: Option<&str>, line: &str) -> Service<'a> {
        let Some(offering) = offering else {
            let Some(other) = &self.settings.other else {
                self.miss(Unset::Other { line: line.to_owned() });
                return nothing();
            };
            // What no offering stands behind is offered by whoever puts it on the invoice.
            return self.told(other, Cow::Borrowed(other.name.as_deref().unwrap_or_default()), || {
                Some(Cow::Borrowed(self.settings.invoice_issuer.as_str()))
            });
        };
        let name = self.name("offering", offering);
        let Some(setting) = self.settings.service(offering, Some(&name)) else {
            self.miss(Unset::Category { offering: offering.to_owned(), name: name.into_owned() });
            return nothing();
        };
        let service = self.told(setting, name.clone(), || self.known_name(self.owners.get(offering)?));
        if service.provider.is_empty() {
            self.miss(Unset::Provider { offering: offering.to_owned(), name: name.into_owned() });
        }
        service
    }

    fn told(
        &self,
        setting: &'a ServiceSetting,
        name: Cow<'a, str>,
        owner: impl FnOnce() -> Option<Cow<'a, str>>,
    ) -> Service<'a> {
        let provider = setting.provider.as_deref().or(self.settings.provider.as_deref()).map(Cow::Borrowed);
        let provider = provider.or_else(owner).unwrap_or_default();
        let publisher = setting.publisher.as_deref().or(self.settings.publisher.as_deref());
        Service {
            name,
            category: Cow::Borrowed(&setting.category),
            subcategory: Cow::Borrowed(&setting.subcategory),
            publisher: publisher.map_or_else(|| provider.clone(), Cow::Borrowed),
            provider,
        }
    }

    fn miss(&self, unset: Unset) {
        self.unset.borrow_mut().insert(unset);
    }

    /// What was asked for and is not known.
    pub(super) fn unset(self) -> BTreeSet<Unset> {
        self.unset.into_inner()
    }
}

fn nothing<'a>() -> Service<'a> {
    let none = Cow::Borrowed("");
    Service {
        name: none.clone(),
        category: none.clone(),
        subcategory: none.clone(),
        provider: none.clone(),
        publisher: none,
    }
}
