//! A table to be filled in: what can be reported, with everything in place but the amounts.
//!
//! What is written is read again without a layout or a flag. Key cells cannot be changed by accident, and
//! what is there for people alone says so in its header, so that it is never taken for usage.

mod help;
mod table;
mod workbook;

use std::path::Path;

use jiff::Timestamp;

use crate::domain::{Amount, BillingPeriod, ComponentType, OfferingId, ResourceId};
use crate::parse::with_guard;

use super::{ReportError, write_file};
use table::{Cell, Column, Table};

/// The rows that a sheet of a workbook holds, its header among them.
pub const MOST_ROWS: usize = 1_048_576;

/// The shape of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateForm {
    /// One row per resource and component.
    Long,
    /// One row per resource, one column per component.
    Wide,
}

/// How the server is told what happens in later months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateCarryOver {
    /// Yes or no.
    Recurring,
    /// None, reuse or zero.
    Policy,
}

/// What is to be filled in.
#[derive(Debug, Clone)]
pub struct Template {
    /// When the server was asked, by its own clock.
    pub at: Timestamp,
    /// The server.
    pub server: String,
    /// The month.
    pub period: BillingPeriod,
    /// The shape.
    pub form: TemplateForm,
    /// How a carry-over is written.
    pub carry_over: TemplateCarryOver,
    /// What can be reported, by offering and in the server's order.
    pub components: Vec<TemplateComponent>,
    /// The resources that take usage, those of an offering side by side.
    pub resources: Vec<TemplateResource>,
}

/// A component of an offering that usage can be reported of.
#[derive(Debug, Clone)]
pub struct TemplateComponent {
    /// The offering.
    pub offering: OfferingId,
    /// The offering's name.
    pub offering_name: String,
    /// The internal name.
    pub component: ComponentType,
    /// The display name.
    pub name: String,
    /// The unit that it is measured in.
    pub unit: String,
}

/// A resource, and what was stored of it a month ago.
#[derive(Debug, Clone)]
pub struct TemplateResource {
    /// Its id.
    pub id: ResourceId,
    /// Its offering.
    pub offering: OfferingId,
    /// The offering's name.
    pub offering_name: String,
    /// Its display name.
    pub name: String,
    /// The name of the organisation that pays for it.
    pub customer_name: String,
    /// The name of the project that uses it.
    pub project_name: String,
    /// What was stored for the month before, by component.
    pub last_month: Vec<(ComponentType, Amount)>,
    /// Components that could be reported of it, and are not to be.
    pub left_out: Vec<ComponentType>,
    /// What is filled in already.
    pub filled_in: Vec<(ComponentType, Amount)>,
}

impl Template {
    /// How many rows the table has below its header.
    pub fn rows(&self) -> usize {
        match self.form {
            TemplateForm::Wide => self.resources.len(),
            TemplateForm::Long => {
                self.resources.iter().map(|resource| self.components_of(resource).count()).sum()
            }
        }
    }

    /// Why a table with a column for each component cannot say what is meant; `None` where it can.
    pub fn obstacle(&self) -> Option<String> {
        table::obstacle(self)
    }

    /// What is to be reported of a resource.
    fn components_of<'a>(
        &'a self,
        resource: &'a TemplateResource,
    ) -> impl Iterator<Item = &'a TemplateComponent> {
        let own = self.components.iter().filter(|component| component.offering == resource.offering);
        own.filter(|component| !resource.left_out.contains(&component.component))
    }

    /// Whether resources of more than one offering are in it.
    fn has_several_offerings(&self) -> bool {
        self.resources.iter().any(|resource| resource.offering != self.resources[0].offering)
    }
}

/// Writes a template as a workbook.
pub fn write_template_workbook(path: &Path, template: &Template) -> Result<(), ReportError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    write_file(path, &workbook::workbook(template, &name)?)
}

/// Writes a template as comma-separated text. Without the mark at its start, spreadsheet programs would
/// take names with other letters than English ones for something else.
pub fn write_template_text(path: &Path, template: &Template) -> Result<(), ReportError> {
    let table = Table::new(template);
    let mut writer = csv::Writer::from_writer(b"\xef\xbb\xbf".to_vec());
    // Writing to memory cannot fail.
    let _ = writer.write_record(table.columns.iter().map(Column::plain_header));
    for row in table.rows() {
        let _ = writer.write_record(row.iter().map(|cell| match cell {
            Cell::Text(text) => with_guard(text).into_owned(),
            Cell::Number(amount) => amount.to_string(),
            Cell::Blank | Cell::Barred => String::new(),
        }));
    }
    write_file(path, &writer.into_inner().unwrap_or_default())
}
