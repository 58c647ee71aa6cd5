//! The columns and rows of a template, before they become a workbook or a text.
//!
//! Headers are those that reading knows. A column that is there for people ends in `(not read)`.

use std::collections::HashMap;

use crate::domain::{Amount, ComponentType, cut, fold, visible};
use crate::mapping::{Field, NOT_READ};

use super::{Template, TemplateCarryOver, TemplateComponent, TemplateForm, TemplateResource};

/// Names are cut to this for people; the server's own are far shorter.
const LONGEST_NOTE: usize = 500;

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A key that nobody has to see.
    HiddenKey,
    /// A key.
    Key,
    /// Something to know, which is not read.
    Note,
    /// The same as a number.
    LastMonth,
    /// The amount that is to be filled in.
    Amount,
    /// A note that is stored with the usage.
    Description,
    /// A choice.
    CarryOver,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its header as people read it.
    pub header: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Its width in characters.
    pub width: f64,
    /// The field that it is read as.
    field: Option<Field>,
}

impl Column {
    fn of_field(field: Field, purpose: Purpose, width: f64) -> Self {
        let name = field.name().replace('_', " ").replace("uuid", "UUID");
        let mut letters = name.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        let header = first.into_iter().chain(letters).collect();
        Self { header, purpose, width, field: Some(field) }
    }

    fn note(text: &str, purpose: Purpose, width: f64) -> Self {
        Self { header: format!("{text} {NOT_READ}"), purpose, width, field: None }
    }

    /// Its header as a text file has it.
    pub fn plain_header(&self) -> &str {
        match self.field {
            Some(field) => field.name(),
            None => &self.header,
        }
    }
}

/// What stands in a cell.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Text of the server.
    Text(String),
    /// A figure of the server.
    Number(Amount),
    /// Nothing; it may be filled in where its column is for that.
    Blank,
    /// Nothing, and nothing can be reported here.
    Barred,
}

/// A template as a table.
pub struct Table<'a> {
    template: &'a Template,
    /// The columns from left to right.
    pub columns: Vec<Column>,
    /// The components that have columns of their own, in the wide form.
    own_columns: Vec<&'a TemplateComponent>,
}

impl<'a> Table<'a> {
    /// Lays the columns out.
    pub fn new(template: &'a Template) -> Self {
        let mut columns = vec![
            Column::of_field(Field::ResourceUuid, Purpose::HiddenKey, 34.0),
            Column::of_field(Field::OfferingUuid, Purpose::HiddenKey, 34.0),
            Column::of_field(Field::ResourceName, Purpose::Key, 28.0),
        ];
        if template.has_several_offerings() {
            columns.push(Column::note("Offering", Purpose::Note, 24.0));
        }
        columns.push(Column::note("Organisation", Purpose::Note, 32.0));
        columns.push(Column::note("Project", Purpose::Note, 30.0));
        columns.push(Column::of_field(Field::BillingPeriod, Purpose::Key, 9.0));
        let mut own_columns = Vec::new();
        match template.form {
            TemplateForm::Long => {
                columns.push(Column::of_field(Field::ComponentType, Purpose::Key, 17.0));
                columns.push(Column::note("Component", Purpose::Note, 22.0));
                columns.push(Column::of_field(Field::Unit, Purpose::Key, 12.0));
                columns.push(Column::note(&last_month(template), Purpose::LastMonth, 16.0));
                columns.push(Column::of_field(Field::Amount, Purpose::Amount, 16.0));
            }
            TemplateForm::Wide => {
                own_columns = distinct(template);
                for component in &own_columns {
                    let header = wide_header(component);
                    let before = format!("{}, {}", component.component, last_month(template));
                    columns.push(Column::note(&before, Purpose::LastMonth, 13.0));
                    columns.push(Column { header, purpose: Purpose::Amount, width: 14.0, field: None });
                }
            }
        }
        columns.push(Column::of_field(Field::Description, Purpose::Description, 34.0));
        let carry_over = match template.carry_over {
            TemplateCarryOver::Recurring => Field::Recurring,
            TemplateCarryOver::Policy => Field::MissingUsagePolicy,
        };
        columns.push(Column::of_field(carry_over, Purpose::CarryOver, 12.0));
        Self { template, columns, own_columns }
    }

    /// The rows from top to bottom, each with a cell for every column.
    pub fn rows(&self) -> impl Iterator<Item = Vec<Cell>> {
        let is_wide = self.template.form == TemplateForm::Wide;
        let wide =
            self.template.resources.iter().filter(move |_| is_wide).map(|resource| self.wide(resource));
        let resources = self.template.resources.iter().filter(move |_| !is_wide);
        let long = resources.flat_map(move |resource| {
            let components = self.template.components_of(resource);
            components.map(move |component| self.long(resource, component))
        });
        wide.chain(long)
    }

    fn keys(&self, resource: &TemplateResource) -> Vec<Cell> {
        let name = if resource.name.chars().count() > LONGEST_NOTE {
            Cell::Blank
        } else {
            Cell::Text(resource.name.clone())
        };
        let mut cells =
            vec![Cell::Text(resource.id.to_string()), Cell::Text(resource.offering.to_string()), name];
        if self.template.has_several_offerings() {
            cells.push(note(&resource.offering_name));
        }
        cells.push(note(&resource.customer_name));
        cells.push(note(&resource.project_name));
        cells.push(Cell::Text(self.template.period.to_string()));
        cells
    }

    fn long(&self, resource: &TemplateResource, component: &TemplateComponent) -> Vec<Cell> {
        let mut cells = self.keys(resource);
        cells.push(Cell::Text(component.component.as_str().to_owned()));
        cells.push(note(&component.name));
        cells.push(Cell::Text(component.unit.clone()));
        cells.push(figure(&resource.last_month, component));
        cells.push(figure(&resource.filled_in, component));
        cells.extend([Cell::Blank, Cell::Blank]);
        cells
    }

    fn wide(&self, resource: &TemplateResource) -> Vec<Cell> {
        let mut cells = self.keys(resource);
        for column in &self.own_columns {
            let own = self.template.components_of(resource);
            let own = own.into_iter().find(|own| own.component == column.component);
            match own {
                Some(own) => {
                    cells.extend([figure(&resource.last_month, own), figure(&resource.filled_in, own)]);
                }
                None => cells.extend([Cell::Barred, Cell::Barred]),
            }
        }
        cells.extend([Cell::Blank, Cell::Blank]);
        cells
    }
}

/// Text for people. What names the row, though, has to stay as the server has it.
fn note(text: &str) -> Cell {
    Cell::Text(cut(&visible(text).to_string(), LONGEST_NOTE))
}

/// The figure of a component, where there is one.
fn figure(figures: &[(ComponentType, Amount)], component: &TemplateComponent) -> Cell {
    let own = figures.iter().find(|(own, _)| *own == component.component);
    own.map_or(Cell::Blank, |(_, amount)| Cell::Number(*amount))
}

fn last_month(template: &Template) -> String {
    template.period.previous().map_or_else(|| "Month before".to_owned(), |month| month.to_string())
}

/// The components of all offerings, each type once.
fn distinct(template: &Template) -> Vec<&TemplateComponent> {
    let mut found: Vec<&TemplateComponent> = Vec::new();
    for component in &template.components {
        if !found.iter().any(|known| known.component == component.component) {
            found.push(component);
        }
    }
    found
}

/// A component and its unit, as reading takes them apart again.
fn wide_header(component: &TemplateComponent) -> String {
    let unit = component.unit.trim();
    if unit.is_empty() || unit.contains(['(', ')', '[', ']']) {
        component.component.as_str().to_owned()
    } else {
        format!("{} ({unit})", component.component.as_str())
    }
}

/// Why a column for each component would not be read as what is meant.
pub fn obstacle(template: &Template) -> Option<String> {
    let mut units: HashMap<&str, &str> = HashMap::new();
    let mut folded: HashMap<String, &str> = HashMap::new();
    for component in &template.components {
        let (name, unit) = (component.component.as_str(), component.unit.trim());
        if *units.entry(name).or_insert(unit) != unit {
            return Some(format!("{} has different units in these offerings", component.component));
        }
        if *folded.entry(fold(name)).or_insert(name) != name {
            let what = "two components are written so much alike that a header would not tell them apart";
            return Some(format!("{what}: {}", component.component));
        }
        let is_a_field = Field::of_header(name).is_some() || Field::is_left_alone(name);
        if is_a_field || fold(name).is_empty() || name.contains(['(', ')', '[', ']']) || name.trim() != name {
            return Some(format!(
                "the name of the component {} is no header of its own",
                component.component
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_what_they_are_for() {
        for field in Field::ALL {
            let column = Column::of_field(field, Purpose::Key, 10.0);
            assert_eq!(Field::of_header(&column.header), Some(field), "{}", column.header);
            assert_eq!(column.plain_header(), field.name());
        }
        let uuid = Column::of_field(Field::ResourceUuid, Purpose::Key, 10.0);
        assert_eq!(uuid.header, "Resource UUID");
        let note = Column::note("cpu, 2026-10", Purpose::LastMonth, 10.0);
        assert!(Field::is_left_alone(&note.header));
    }
}
