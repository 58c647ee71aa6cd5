//! Filters that `list` and `export` have in common.

use std::collections::BTreeMap;

use clap::Args;
use jiff::civil::Date;

use crate::domain::{ComponentType, CustomerId, OfferingId, ProjectId, ResourceId, visible};
use crate::error::Error;
use crate::waldur::MonthFilter;

/// Which usages.
#[derive(Debug, Clone, Default, Args)]
pub struct FilterArguments {
    /// Only this organisation
    #[arg(long, value_name = "UUID", alias = "customer-uuid")]
    pub customer: Option<CustomerId>,
    /// Only this project
    #[arg(long, value_name = "UUID", alias = "project-uuid")]
    pub project: Option<ProjectId>,
    /// Only this offering
    #[arg(long, value_name = "UUID", alias = "offering-uuid")]
    pub offering: Option<OfferingId>,
    /// Only this resource, by uuid or by its API address
    #[arg(long, value_name = "UUID|URL", alias = "resource-uuid")]
    resource: Option<String>,
    /// Only this component type
    #[arg(long = "type", value_name = "TYPE")]
    pub component: Option<ComponentType>,
    /// Only usages reported on this day or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date_after: Option<Date>,
    /// Only usages reported on this day or earlier
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date_before: Option<Date>,
}

/// A resource, as it was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedResource {
    /// By its uuid.
    Id(ResourceId),
    /// By its API address.
    Url(String),
}

impl FilterArguments {
    /// The resource; refuses what names none.
    pub fn resource(&self) -> Result<Option<NamedResource>, Error> {
        let Some(text) = &self.resource else { return Ok(None) };
        if let Ok(id) = text.parse() {
            return Ok(Some(NamedResource::Id(id)));
        }
        if text.contains("/marketplace-resources/") {
            return Ok(Some(NamedResource::Url(text.clone())));
        }
        let what = format!("`{}` is neither a uuid nor an API address", visible(text));
        Err(Error::setting(what, "copy the uuid of the resource from Waldur"))
    }

    /// The uuid of the resource, which is the last part of its address.
    fn resource_id(&self) -> Result<Option<ResourceId>, Error> {
        match self.resource()? {
            None => Ok(None),
            Some(NamedResource::Id(id)) => Ok(Some(id)),
            Some(NamedResource::Url(url)) => {
                let last = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                last.parse().map(Some).map_err(|_| {
                    let what = format!("`{}` ends with no uuid", visible(&url));
                    Error::setting(what, "copy the uuid of the resource from Waldur")
                })
            }
        }
    }

    /// The filters of months.
    pub fn months(&self) -> Result<MonthFilter, Error> {
        Ok(MonthFilter {
            customer: self.customer,
            project: self.project,
            offering: self.offering,
            resource: self.resource_id()?,
            component: self.component.clone(),
            date_after: self.date_after,
            date_before: self.date_before,
        })
    }

    /// The filters by their names, one spelling for each, as a manifest tells them.
    pub fn named(&self) -> Result<BTreeMap<String, String>, Error> {
        let resource = self.resource_id()?.map(|id| id.to_string());
        let filters = [
            ("customer", self.customer.map(|id| id.to_string())),
            ("project", self.project.map(|id| id.to_string())),
            ("offering", self.offering.map(|id| id.to_string())),
            ("resource", resource),
            ("type", self.component.as_ref().map(ToString::to_string)),
            ("date_after", self.date_after.map(|day| day.to_string())),
            ("date_before", self.date_before.map(|day| day.to_string())),
        ];
        let named = filters.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(named.collect())
    }
}
