//! An explicit zero for what the files do not name at all.
//!
//! A provider who reports everything wants silence to mean zero. It means that only where the files
//! were understood whole: a row that names a resource and a component counts as naming it, whether it
//! is blank, filtered out or of a single person, and a number that nobody reads stops it.

use std::collections::HashSet;

use crate::domain::{Amount, BillingPeriod, ComponentType, Place, ResourceId, fold};
use crate::findings::{Code, Finding, Findings, RowIndex};
use crate::parse::Parsed;

use super::aliases::SettledAliases;
use super::catalogue::{Catalogue, Offering};
use super::columns::Headers;
use super::resources::ResourceFinder;
use super::rows::ResolveSettings;
use super::usages::{Usage, Usages};

/// What stands in for the place of a figure that stands in no file.
pub const NO_FILE: &str = "--zero-missing";

/// What the files name, whether they report it or not.
#[derive(Debug, Default)]
pub struct NamedKeys(HashSet<(ResourceId, ComponentType)>);

impl NamedKeys {
    /// Collects them, before the columns of the wide form are turned into figures. A number in a column
    /// that nobody reads is a finding.
    pub fn of(
        parsed: &Parsed,
        catalogue: &Catalogue,
        aliases: &SettledAliases,
        findings: &mut Findings,
    ) -> Self {
        for &(table, row, column) in &parsed.numbers_unread {
            let table = &parsed.tables[table];
            let header = table.headers.get(column).map_or("", |header| header.as_ref());
            let found =
                format!("a number under {:?}, which is not read", crate::domain::visible(header).to_string());
            let finding =
                Finding::new(Code::ZeroMissingUnsafe, found, "a file of which every number is read")
                    .at(table.place(row, Some(column)))
                    .hint("take the column out of the file, or leave --zero-missing away");
            findings.push(finding);
        }
        let headers = Headers::new(catalogue);
        let mut finder = ResourceFinder::new(catalogue, aliases);
        let mut keys = HashSet::new();
        for named in &parsed.named {
            let Ok(found) = finder.find(&named.resource, named.offering) else { continue };
            let resource = found.resource;
            let Some(offering) = catalogue.offering(resource.offering) else { continue };
            let component = |text: &str| component(offering, text, &headers);
            if let Some(text) = &named.component {
                keys.extend(component(text).map(|component| (resource.id, component)));
                continue;
            }
            let columns = parsed.open_columns.iter().filter(|column| column.table == named.table);
            keys.extend(columns.filter_map(|column| Some((resource.id, component(&column.header)?))));
        }
        Self(keys)
    }
}

fn component(offering: &Offering, text: &str, headers: &Headers) -> Option<ComponentType> {
    let is_it = |known: &&super::Component| {
        known.component_type.as_str() == text || fold(known.component_type.as_str()) == fold(text)
    };
    let known = offering.components.iter().find(is_it);
    let known = known.map(|known| known.component_type.clone());
    known.or_else(|| headers.component(offering.id, text)?.parse().ok())
}

impl Usages {
    /// Adds a zero for every reportable component in scope that no row names.
    pub fn with_zeros(
        mut self,
        named: &NamedKeys,
        catalogue: &Catalogue,
        settings: &ResolveSettings,
        period: BillingPeriod,
    ) -> Self {
        let Ok(zero) = Amount::ZERO.try_into() else { return self };
        let mut resources: Vec<_> =
            catalogue.resources().filter(|resource| settings.wants(resource)).collect();
        resources.sort_by_key(|resource| resource.id);
        let takes = resources.into_iter().filter(|it| it.state.takes_usage() && it.plan.is_some());
        for resource in takes {
            let Some(offering) = catalogue.offering(resource.offering) else { continue };
            for component in offering.components.iter().filter(|component| component.is_reportable()) {
                let key = (resource.id, component.component_type.clone());
                if !named.0.contains(&key) {
                    self.push(Usage {
                        resource: resource.id,
                        component: key.1,
                        period,
                        plan_period: None,
                        amount: zero,
                        unrounded: None,
                        description: None,
                        carry_over: None,
                        place: Place::file(NO_FILE),
                        row: RowIndex(u32::MAX),
                    });
                }
            }
        }
        self
    }
}
