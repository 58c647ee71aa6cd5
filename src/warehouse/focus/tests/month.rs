//! A month that tests fill: a row is what it says, and null in every other column.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::BillingPeriod;
use crate::warehouse::cells::{Cells, cell_text};
use crate::warehouse::focus::{FocusError, FocusInputs, FocusSettings, WrittenFocus, charges};
use crate::warehouse::schema::Schema;
use crate::warehouse::slice::Slice;
use crate::warehouse::table::Table;

pub(super) const DEPLOYMENT: &str = "https://waldur.example.com";

/// The settings that the example of the guide has.
pub(super) const SETTINGS: &str = r#"
invoice_issuer = "Example Computing Centre"
other = { name = "Other services", category = "Other" }

[services]
"HPC allocation" = "Compute"
"Research data storage" = { category = "Storage", subcategory = "Object Storage", publisher = "Store makers" }
"#;

pub(super) fn settings(text: &str, zone: &str) -> FocusSettings {
    let written: WrittenFocus = toml::from_str(text).expect(text);
    FocusSettings::new(written, Some("EUR".parse().unwrap()), TimeZone::get(zone).unwrap()).unwrap()
}

/// A uuid that says what it is of.
pub(super) fn id(kind: char, number: usize) -> String {
    format!("{kind}{number:031}")
}

/// The tables of a month.
#[derive(Debug, Clone, Default)]
pub(super) struct TestMonth {
    rows: BTreeMap<Table, Vec<BTreeMap<String, String>>>,
}

impl TestMonth {
    /// Adds a row: `column=value` for each cell that is not null.
    pub(super) fn row(&mut self, table: Table, cells: &[(&str, &str)]) -> &mut Self {
        let cells = cells.iter().filter(|(_, value)| !value.is_empty());
        let row = cells.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.rows.entry(table).or_default().push(row);
        self
    }

    pub(super) fn slice(&self, table: Table, period: BillingPeriod) -> Slice {
        let schema = Arc::new(Schema::new(table, &[]));
        let mut cells = Cells::new(&schema);
        for row in self.rows.get(&table).into_iter().flatten() {
            let cell = |name: &str| match name {
                "deployment" => Some(Cow::Borrowed(DEPLOYMENT)),
                "billing_period" => Some(Cow::Owned(period.first_day())),
                name => row.get(name).map(|value| Cow::Borrowed(value.as_str())),
            };
            cells.push(schema.columns().iter().map(|column| cell(&column.name))).unwrap();
        }
        Slice::new(schema, period, &cells.finish().unwrap()).unwrap()
    }

    pub(super) fn charges(&self, settings: &FocusSettings) -> Result<Slice, FocusError> {
        let period = "2026-10".parse().unwrap();
        let slice = |table| self.slice(table, period);
        charges(&FocusInputs {
            settings,
            deployment: DEPLOYMENT,
            period,
            usages: &slice(Table::Usages),
            invoices: &slice(Table::Invoices),
            invoice_items: &slice(Table::InvoiceItems),
            resources: &slice(Table::Resources),
            components: &slice(Table::Components),
            offerings: &slice(Table::Offerings),
        })
    }

    /// The catalogue: two offerings, with components of every billing type, and two organisations.
    pub(super) fn catalogue() -> Self {
        let mut month = Self::default();
        for (number, name) in [(1, "HPC allocation"), (2, "Research data storage")] {
            month.row(
                Table::Offerings,
                &[
                    ("uuid", &id('f', number)),
                    ("name", name),
                    ("customer_uuid", &id('c', 9)),
                    ("customer_name", "Nordlys"),
                ],
            );
        }
        for (offering, kind, name, unit, billing, limit_period) in [
            (1, "cpu", "CPU", "k-hours", "usage", ""),
            (1, "gpu", "GPU", "hours", "usage", ""),
            (1, "storage", "Project storage", "GB", "limit", "month"),
            (1, "quota", "Life-long quota", "TB", "limit", "total"),
            (1, "node", "Login node", "", "fixed", ""),
            (1, "setup", "Set-up", "", "one", ""),
            (2, "egress", "Data sent out", "TB", "usage", ""),
        ] {
            month.row(
                Table::Components,
                &[
                    ("offering_uuid", &id('f', offering)),
                    ("component_type", kind),
                    ("name", name),
                    ("measured_unit", unit),
                    ("billing_type", billing),
                    ("limit_period", limit_period),
                ],
            );
        }
        for (number, offering, customer) in [(1, 1, 1), (2, 1, 1), (3, 2, 2)] {
            let customer_name = ["", "TUK", "Institute of Marine Biology"][customer];
            month.row(
                Table::Resources,
                &[
                    ("uuid", &id('a', number)),
                    ("name", &format!("resource {number}")),
                    ("state", "OK"),
                    ("offering_uuid", &id('f', offering)),
                    ("plan_uuid", &id('d', offering)),
                    ("project_uuid", &id('b', customer)),
                    ("project_name", &format!("project {customer}")),
                    ("customer_uuid", &id('c', customer)),
                    ("customer_name", customer_name),
                ],
            );
        }
        month
    }

    pub(super) fn usage(
        &mut self,
        number: usize,
        resource: usize,
        component: &str,
        amount: &str,
    ) -> &mut Self {
        self.row(
            Table::Usages,
            &[
                ("uuid", &id('u', number)),
                ("resource_uuid", &id('a', resource)),
                ("component_type", component),
                ("usage", amount),
            ],
        )
    }

    pub(super) fn invoice(&mut self, customer: usize, state: &str, price: &str, tax: &str) -> &mut Self {
        self.row(
            Table::Invoices,
            &[
                ("uuid", &id('e', customer)),
                ("number", &format!("10000{customer}")),
                ("state", state),
                ("customer_uuid", &id('c', customer)),
                ("price", price),
                ("tax", tax),
            ],
        )
    }

    /// Adds a line of resource 1 or of another: `number customer resource component quantity price`, with
    /// more cells behind.
    pub(super) fn line(
        &mut self,
        number: usize,
        (customer, resource, component): (usize, usize, &str),
        (quantity, unit_price, price): (&str, &str, &str),
        more: &[(&str, &str)],
    ) -> &mut Self {
        let (uuid, invoice, resource_uuid) = (id('1', number), id('e', customer), id('a', resource));
        let resource_uuid = if resource == 0 { "" } else { &resource_uuid };
        let mut cells = vec![
            ("uuid", uuid.as_str()),
            ("invoice_uuid", invoice.as_str()),
            ("resource_uuid", resource_uuid),
            ("component_type", component),
            ("unit", "quantity"),
            ("quantity", quantity),
            ("unit_price", unit_price),
            ("price", price),
        ];
        cells.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        cells.extend(more);
        self.row(Table::InvoiceItems, &cells)
    }
}

/// The rows of a slice, by the names of their columns; what is null is left out.
pub(super) fn rows(slice: &Slice) -> Vec<BTreeMap<String, String>> {
    let columns = slice.schema().columns();
    let cell = |row: usize, at: usize| {
        let text = cell_text(&columns[at], slice.rows().column(at).as_ref(), row)?;
        Some((columns[at].name.clone().into_owned(), text.into_owned()))
    };
    let row = |row: usize| (0..columns.len()).filter_map(|at| cell(row, at)).collect();
    (0..slice.rows().num_rows()).map(row).collect()
}

/// The charge of a line, a tax or a usage.
pub(super) fn charge(slice: &Slice, id: &str) -> BTreeMap<String, String> {
    let found = rows(slice).into_iter().find(|row| row["x_waldur_charge_id"] == id);
    found.unwrap_or_else(|| panic!("no charge {id}"))
}
