//! The tables, and the columns that each of them has.

use std::fmt;
use std::str::FromStr;

use super::column::{Column, ColumnKind, Origin};

use ColumnKind::{Cents, Day, Fine, Flag, Instant, Text, Whole};

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The usages of resources.
    Usages,
    /// The usages of single users.
    UserUsages,
    /// The invoices.
    Invoices,
    /// The lines of invoices.
    InvoiceItems,
    /// The resources.
    Resources,
    /// The components of offerings.
    Components,
    /// The offerings.
    Offerings,
    /// Usages and lines of invoices in the shape of FOCUS 1.2.
    Charges,
}

impl Table {
    /// Every table, in the order in which they are written.
    pub const ALL: [Self; 8] = [
        Self::Usages,
        Self::UserUsages,
        Self::Invoices,
        Self::InvoiceItems,
        Self::Resources,
        Self::Components,
        Self::Offerings,
        Self::Charges,
    ];

    /// Its name: of a folder, of a table of a database, and for `--what`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usages => "usages",
            Self::UserUsages => "user-usages",
            Self::Invoices => "invoices",
            Self::InvoiceItems => "invoice-items",
            Self::Resources => "resources",
            Self::Components => "components",
            Self::Offerings => "offerings",
            Self::Charges => "focus",
        }
    }

    /// The columns that tell one row from another within a month.
    pub fn key(self) -> &'static [&'static str] {
        match self {
            Self::Components => &["offering_uuid", "component_type"],
            Self::Charges => &["x_waldur_charge_id"],
            Self::Usages
            | Self::UserUsages
            | Self::Invoices
            | Self::InvoiceItems
            | Self::Resources
            | Self::Offerings => &["uuid"],
        }
    }

    /// The column that is summed, and the column by which; `None` for tables without amounts.
    pub fn measure(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Usages | Self::UserUsages => Some(("component_type", "usage")),
            Self::Invoices => Some(("state", "price")),
            Self::InvoiceItems => Some(("component_type", "price")),
            Self::Charges => Some(("ChargeCategory", "BilledCost")),
            Self::Resources | Self::Components | Self::Offerings => None,
        }
    }

    /// The columns of the table as this version of the program knows them.
    pub fn columns(self) -> Vec<Column> {
        let own = match self {
            Self::Usages => usages(),
            Self::UserUsages => user_usages(),
            Self::Invoices => invoices(),
            Self::InvoiceItems => invoice_items(),
            Self::Resources => resources(),
            Self::Components => components(),
            Self::Offerings => offerings(),
            // The columns of FOCUS name the deployment and the month in words of their own.
            Self::Charges => return super::focus::columns(),
        };
        let deployment = Column::required("deployment", Text).from(Origin::Deployment);
        let period = Column::required(PERIOD, Day).from(Origin::BillingPeriod);
        [deployment, period].into_iter().chain(own).collect()
    }
}

/// The column that holds the month, as its first day. Where the way to a file names the month, the file
/// does not repeat it.
pub const PERIOD: &str = "billing_period";

fn usages() -> Vec<Column> {
    vec![
        Column::required("uuid", Text),
        Column::required("resource_uuid", Text),
        Column::required("component_type", Text).from(Origin::Field("type".into())),
        Column::required("usage", Cents),
        Column::optional("description", Text),
        Column::optional("recurring", Flag),
        Column::optional("missing_usage_policy", Text),
        Column::optional("date", Instant),
        Column::optional("created", Instant),
        Column::optional("modified_by", Whole),
    ]
}

fn user_usages() -> Vec<Column> {
    vec![
        Column::required("uuid", Text),
        Column::required("component_usage_uuid", Text).from(Origin::IdOf("component_usage")),
        Column::required("resource_uuid", Text),
        Column::required("component_type", Text),
        Column::optional("username", Text),
        Column::optional("user_uuid", Text).from(Origin::IdOf("user")),
        Column::required("usage", Cents),
        Column::optional("description", Text),
        Column::optional("date", Instant),
        Column::optional("created", Instant),
        Column::optional("modified", Instant),
    ]
}

fn invoices() -> Vec<Column> {
    vec![
        Column::required("uuid", Text),
        Column::optional("number", Text),
        Column::required("state", Text),
        Column::optional("customer_uuid", Text).from(Origin::IdOf("customer")),
        Column::optional("invoice_date", Day),
        Column::optional("due_date", Day),
        Column::required("price", Cents),
        // The tax is a share of the price that the server does not round.
        Column::optional("tax", Fine),
        Column::optional("total", Fine),
    ]
}

fn invoice_items() -> Vec<Column> {
    vec![
        Column::required("uuid", Text),
        Column::optional("invoice_uuid", Text).from(Origin::IdOf("invoice")),
        Column::optional("resource_uuid", Text).from(Origin::Detail("resource_uuid")),
        Column::optional("component_type", Text).from(Origin::Detail("offering_component_type")),
        Column::optional("offering_uuid", Text).from(Origin::Detail("offering_uuid")),
        Column::optional("plan_uuid", Text).from(Origin::Detail("plan_uuid")),
        Column::optional("plan_period_uuid", Text).from(Origin::Detail("plan_period_uuid")),
        Column::optional("project_uuid", Text),
        Column::optional("name", Text),
        Column::optional("article_code", Text),
        Column::optional("unit", Text),
        Column::optional("measured_unit", Text),
        Column::required("quantity", Fine),
        Column::required("unit_price", Fine),
        Column::optional("price", Cents),
        Column::optional("tax", Cents),
        Column::optional("total", Cents),
        Column::optional("start", Instant),
        Column::optional("end", Instant),
    ]
}

fn resources() -> Vec<Column> {
    vec![
        Column::required("uuid", Text),
        Column::optional("name", Text),
        Column::optional("slug", Text),
        Column::optional("backend_id", Text),
        Column::required("state", Text),
        Column::optional("created", Instant),
        Column::required("offering_uuid", Text),
        Column::optional("offering_name", Text),
        Column::optional("plan_uuid", Text),
        Column::required("project_uuid", Text),
        Column::optional("project_name", Text),
        Column::required("customer_uuid", Text),
        Column::optional("customer_name", Text),
    ]
}

fn components() -> Vec<Column> {
    vec![
        Column::required("offering_uuid", Text).from(Origin::Parent("uuid")),
        Column::required("component_type", Text).from(Origin::Field("type".into())),
        Column::optional("component_uuid", Text).from(Origin::Field("uuid".into())),
        Column::optional("name", Text),
        Column::optional("measured_unit", Text),
        Column::optional("billing_type", Text),
        Column::optional("article_code", Text),
        Column::optional("limit_amount", Fine),
        Column::optional("limit_period", Text),
    ]
}

fn offerings() -> Vec<Column> {
    vec![
        Column::required("uuid", Text),
        Column::optional("name", Text),
        Column::optional("state", Text),
        Column::optional("type", Text),
        Column::optional("category_title", Text),
        Column::optional("customer_uuid", Text),
        Column::optional("customer_name", Text),
    ]
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|table| table.name() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|table| table.name()).collect();
            format!("use one of {}", names.join(", "))
        })
    }
}
