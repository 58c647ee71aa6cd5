//! The filters of an export, and how each list is asked for them.
//!
//! Servers ignore filters that they do not know. So each filter is tried with a value that nothing has
//! before it is trusted; where the server ignores it, or where the rows show it anyway, it is applied to
//! the rows again.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::{BillingPeriod, ComponentType, CustomerId, OfferingId, ProjectId, ResourceId};
use crate::warehouse::Table;

use super::super::list::ListFilter;

/// A uuid of a version that is never drawn.
const NO_UUID: &str = "00000000000000000000000000000001";
/// A component type that nothing has.
pub(super) const NO_TYPE: &str = "no-component-has-this-type";
/// A month that nothing is of, as its first day.
pub(super) const NO_MONTH: &str = "1971-01-01";
/// A year that nothing is of.
pub(super) const NO_YEAR: &str = "1971";

/// Which part of the server's data is exported; everything where nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonthFilter {
    /// The organisation.
    pub customer: Option<CustomerId>,
    /// The project.
    pub project: Option<ProjectId>,
    /// The offering.
    pub offering: Option<OfferingId>,
    /// The resource.
    pub resource: Option<ResourceId>,
    /// The component type.
    pub component: Option<ComponentType>,
    /// Reported on this day or later.
    pub date_after: Option<Date>,
    /// Reported on this day or earlier.
    pub date_before: Option<Date>,
}

impl From<&ListFilter> for MonthFilter {
    fn from(filter: &ListFilter) -> Self {
        Self {
            customer: filter.customer,
            project: filter.project,
            offering: filter.offering,
            resource: filter.resource,
            component: filter.component.clone(),
            date_after: filter.date_after,
            date_before: filter.date_before,
        }
    }
}

/// What a value has to be.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// This id, however it is spelt.
    Id(Uuid),
    /// This text.
    Text(String),
    /// A day of this month.
    Month(BillingPeriod),
    /// This day or later.
    From(Date),
    /// This day or earlier.
    Until(Date),
    /// One of these ids.
    OneOf(Arc<HashSet<Uuid>>),
}

impl Wanted {
    /// Whether a value is what is wanted.
    pub(super) fn passes(&self, value: &str) -> bool {
        let day = || value.get(..10).and_then(|day| day.parse::<Date>().ok());
        match self {
            Self::Id(id) => Uuid::try_parse(value) == Ok(*id),
            Self::Text(text) => value == text,
            Self::Month(period) => value.parse() == Ok(*period),
            Self::From(first) => day().is_some_and(|day| day >= *first),
            Self::Until(last) => day().is_some_and(|day| day <= *last),
            Self::OneOf(ids) => Uuid::try_parse(value).is_ok_and(|id| ids.contains(&id)),
        }
    }
}

/// The field that shows a filter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    /// A field.
    Field(&'static str),
    /// A member of the object in the row.
    Member(&'static str),
    /// The id at the end of an address.
    IdOf(&'static str),
}

/// A test of rows by a filter.
#[derive(Debug, Clone)]
pub(super) struct Test {
    /// The parameter of the filter.
    pub parameter: &'static str,
    /// The field that shows it.
    pub field: Shown,
    /// What the field has to be.
    pub wanted: Wanted,
    /// Whether a row that does not tell is one that does not pass. Else nothing can be told of the list.
    pub absent_fails: bool,
    /// Whether the server is not expected to know the filter.
    pub is_ours: bool,
}

/// A filter as a list is asked for it.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// The parameter; none where the list has no such filter.
    pub parameter: Option<&'static str>,
    /// Its value.
    pub value: String,
    /// A value for which the list is empty where the filter is looked at.
    pub impossible: &'static str,
    /// Whether each row shows the filter anyway, so that it need not be tried.
    pub is_shown: bool,
    /// How rows are tested.
    pub test: Test,
}

impl Condition {
    fn id(parameter: &'static str, field: Shown, id: Uuid) -> Self {
        let test = Test { parameter, field, wanted: Wanted::Id(id), absent_fails: false, is_ours: false };
        let value = id.as_simple().to_string();
        Self { parameter: Some(parameter), value, impossible: NO_UUID, is_shown: false, test }
    }

    fn shown(self) -> Self {
        Self { is_shown: true, ..self }
    }

    fn absent_fails(mut self) -> Self {
        self.test.absent_fails = true;
        self
    }

    /// A filter that the server does not have.
    fn ours(mut self) -> Self {
        self.parameter = None;
        self.is_shown = true;
        self.test.is_ours = true;
        self
    }
}

impl MonthFilter {
    /// Whether the sums of whole components in whole offerings are asked for.
    pub(super) fn is_of_whole_components(&self) -> bool {
        let Self { customer, project, offering: _, resource, component: _, date_after, date_before } = self;
        customer.is_none()
            && project.is_none()
            && resource.is_none()
            && date_after.is_none()
            && date_before.is_none()
    }

    /// The filters that narrow a table. Usages are filtered by component elsewhere, because that is how
    /// they are read anyway.
    pub(super) fn conditions(&self, table: Table) -> Vec<Condition> {
        let customer = self.customer.map(CustomerId::uuid);
        let project = self.project.map(ProjectId::uuid);
        let offering = self.offering.map(OfferingId::uuid);
        let resource = self.resource.map(ResourceId::uuid);
        let id = |name, id: Option<Uuid>| id.map(|id| Condition::id(name, Shown::Field(name), id));
        let component = |field| {
            let component = self.component.as_ref()?;
            let wanted = Wanted::Text(component.as_str().to_owned());
            let test = Test { parameter: "type", field, wanted, absent_fails: false, is_ours: false };
            let value = component.as_str().to_owned();
            Some(Condition { parameter: Some("type"), value, impossible: NO_TYPE, is_shown: true, test })
        };
        let conditions = match table {
            Table::Usages => vec![
                id("customer_uuid", customer),
                id("project_uuid", project),
                id("offering_uuid", offering),
                id("resource_uuid", resource).map(Condition::shown),
                self.from(),
                self.until(),
            ],
            Table::UserUsages => vec![
                id("customer_uuid", customer).map(Condition::shown),
                id("project_uuid", project).map(Condition::shown),
                id("offering_uuid", offering).map(Condition::shown),
                id("resource_uuid", resource).map(Condition::shown),
                component(Shown::Field("component_type")),
                self.from(),
                self.until(),
            ],
            Table::Invoices => vec![
                customer.map(|id| Condition::id("customer_uuid", Shown::IdOf("customer"), id).shown()),
            ],
            Table::InvoiceItems => vec![
                id("customer_uuid", customer),
                id("project_uuid", project),
                offering.map(|id| Condition::id("offering_uuid", Shown::Member("offering_uuid"), id).absent_fails()),
                resource.map(|id| Condition::id("resource_uuid", Shown::Member("resource_uuid"), id).absent_fails()),
                component(Shown::Member("offering_component_type")).map(|own| own.ours().absent_fails()),
            ],
            Table::Resources => vec![
                id("customer_uuid", customer).map(Condition::shown),
                id("project_uuid", project).map(Condition::shown),
                id("offering_uuid", offering).map(Condition::shown),
                // The search finds uuids, and whatever else is called so.
                resource.map(|id| {
                    let own = Condition::id("query", Shown::Field("uuid"), id).ours();
                    Condition { parameter: Some("query"), ..own }
                }),
            ],
            Table::Components | Table::Offerings => {
                vec![offering.map(|id| Condition::id("uuid", Shown::Field("uuid"), id).ours())]
            }
            Table::Charges => Vec::new(),
        };
        conditions.into_iter().flatten().collect()
    }

    /// The filters that are set and that cannot narrow a table.
    pub(super) fn beyond(&self, table: Table) -> Vec<&'static str> {
        let dates = self.date_after.is_some() || self.date_before.is_some();
        let within = [
            ("customer", self.customer.is_some(), matches!(table, Table::Components | Table::Offerings)),
            ("project", self.project.is_some(), !has_projects(table)),
            ("offering", self.offering.is_some(), table == Table::Invoices),
            ("resource", self.resource.is_some(), !has_projects(table)),
            ("type", self.component.is_some(), !is_of_components(table)),
            ("date", dates, !matches!(table, Table::Usages | Table::UserUsages)),
        ];
        within.into_iter().filter(|(_, is_set, is_beyond)| *is_set && *is_beyond).map(|(name, ..)| name).collect()
    }

    fn from(&self) -> Option<Condition> {
        self.date_after.map(|day| dated("date_after", "2999-12-31", day, Wanted::From(day)))
    }

    fn until(&self) -> Option<Condition> {
        self.date_before.map(|day| dated("date_before", NO_MONTH, day, Wanted::Until(day)))
    }
}

/// The day of a report is told in the time zone of the server, so its own filter is the better one.
fn dated(parameter: &'static str, impossible: &'static str, day: Date, wanted: Wanted) -> Condition {
    let field = Shown::Field("date");
    let test = Test { parameter, field, wanted, absent_fails: false, is_ours: false };
    Condition { parameter: Some(parameter), value: day.to_string(), impossible, is_shown: false, test }
}

fn has_projects(table: Table) -> bool {
    matches!(table, Table::Usages | Table::UserUsages | Table::InvoiceItems | Table::Resources)
}

fn is_of_components(table: Table) -> bool {
    matches!(table, Table::Usages | Table::UserUsages | Table::InvoiceItems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_against_what_is_wanted() {
        let id: Uuid = "0123456789abcdef0123456789abcdef".parse().unwrap();
        assert!(Wanted::Id(id).passes("01234567-89ab-cdef-0123-456789abcdef"));
        assert!(!Wanted::Id(id).passes("none"));
        assert!(Wanted::OneOf(Arc::new([id].into())).passes("0123456789abcdef0123456789abcdef"));
        let month = Wanted::Month("2026-10".parse().unwrap());
        assert!(month.passes("2026-10-01") && !month.passes("2026-11-01") && !month.passes(""));
        let day: Date = "2026-10-15".parse().unwrap();
        assert!(Wanted::From(day).passes("2026-10-15T00:00:00Z"));
        assert!(!Wanted::From(day).passes("2026-10-14T23:59:59Z"));
        assert!(Wanted::Until(day).passes("2026-10-15T23:59:59Z"));
        assert!(!Wanted::Until(day).passes("2026-10-16T00:00:00Z"));
    }

    #[test]
    fn each_filter_narrows_a_table_or_is_named_as_one_that_cannot() {
        let uuid = Uuid::nil();
        let filter = MonthFilter {
            customer: Some(CustomerId::new(uuid)),
            project: Some(ProjectId::new(uuid)),
            offering: Some(OfferingId::new(uuid)),
            resource: Some(ResourceId::new(uuid)),
            component: Some("cpu".parse().unwrap()),
            date_after: Some(Date::ZERO),
            date_before: Some(Date::ZERO),
        };
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Charges) {
            let (own, beyond) = (filter.conditions(table).len(), filter.beyond(table));
            // Both dates are one there; usages are filtered by component where they are read.
            let missing = if table == Table::Usages { 1 } else { 0 };
            let dates = usize::from(beyond.contains(&"date"));
            assert_eq!(own + missing + beyond.len() + dates, 7, "{table}: {beyond:?}");
        }
        assert!(MonthFilter::default().is_of_whole_components());
        assert!(!filter.is_of_whole_components());
    }
}
