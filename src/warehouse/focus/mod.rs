//! A month in the words of FOCUS 1.2, the open specification for the cost and usage of services.
//!
//! Each line of an invoice becomes a charge, with the usage that it bills; its tax becomes another one; and
//! a usage that no line bills becomes a charge of nothing. What Waldur does not have is null where FOCUS
//! allows it. Where it does not, the user's configuration says it, or nothing is made at all.

mod allowed;
mod charge;
mod columns;
mod consumption;
mod directory;
mod error;
mod lines;
mod mapping;
mod rows;
mod settings;
#[cfg(test)]
mod tests;

pub(super) use columns::columns;
pub use error::FocusError;
pub use settings::{FocusSettingError, FocusSettings, WrittenFocus};

use std::sync::Arc;

use crate::domain::BillingPeriod;

use super::cells::Cells;
use super::schema::Schema;
use super::slice::Slice;
use super::table::Table;

use charge::{Charge, Month};
use directory::Directory;
use mapping::Mapping;
use rows::Rows;

/// The tables of the server that charges are made of, in one order.
pub const INPUTS: [Table; 6] = [
    Table::Usages,
    Table::Invoices,
    Table::InvoiceItems,
    Table::Resources,
    Table::Components,
    Table::Offerings,
];

/// A month of the server.
#[derive(Debug)]
pub struct FocusInputs<'a> {
    /// What the configuration says.
    pub settings: &'a FocusSettings,
    /// The origin of the server.
    pub deployment: &'a str,
    /// The month.
    pub period: BillingPeriod,
    /// The usages.
    pub usages: &'a Slice,
    /// The invoices.
    pub invoices: &'a Slice,
    /// Their lines.
    pub invoice_items: &'a Slice,
    /// The resources.
    pub resources: &'a Slice,
    /// The components of offerings.
    pub components: &'a Slice,
    /// The offerings.
    pub offerings: &'a Slice,
}

/// The charges of a month.
pub fn charges(inputs: &FocusInputs) -> Result<Slice, FocusError> {
    let month = Month { settings: inputs.settings, deployment: inputs.deployment, period: inputs.period };
    let directory = Directory::of(inputs.settings, inputs.resources, inputs.components, inputs.offerings);
    let invoices = lines::invoices(&Rows::of(inputs.invoices));
    let lines = lines::lines(&Rows::of(inputs.invoice_items), &invoices, &directory)?;
    if !inputs.settings.is_filtered {
        lines::prove(&invoices, &lines)?;
    }
    let usages = consumption::usages(&Rows::of(inputs.usages));
    let (mut consumed, alone) = consumption::matched(usages, &lines, (&directory, month.start()))?;
    let invoiced = invoices.iter().filter_map(|invoice| invoice.customer.as_deref()).collect();
    let mapping = Mapping { month: &month, directory: &directory, invoices: &invoices, invoiced };
    let mut charges = Vec::with_capacity(lines.len() + alone.len());
    for (at, line) in lines.iter().enumerate() {
        charges.push(mapping.of_line(line, consumed.remove(&at).as_ref())?);
    }
    let taxes = mapping.taxes(&lines, &charges)?;
    charges.extend(taxes);
    for usage in alone {
        charges.push(mapping.of_usage(usage)?);
    }
    let slice = slice(&month, &charges)?;
    drop(charges);
    let unset = directory.unset();
    if unset.is_empty() { Ok(slice) } else { Err(FocusError::Unset(unset)) }
}

fn slice<'a>(month: &Month<'a>, charges: &[Charge<'a>]) -> Result<Slice, FocusError> {
    let schema = Arc::new(Schema::new(Table::Charges, &[]));
    let mut cells = Cells::new(&schema);
    for charge in charges {
        cells.push(schema.columns().iter().map(|column| charge.cell(month, &column.name)))?;
    }
    Ok(Slice::new(schema, month.period, &cells.finish()?)?)
}
