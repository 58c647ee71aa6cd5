//! Pages of a list, read into the columns of a table.
//!
//! Each column is filled by what its `Origin` names, so nothing here knows of single tables but what the
//! lists themselves have in common: an object around rows, an object inside of them, and a price that
//! older servers leave to be worked out.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::domain::{Amount, BillingPeriod, line_price};
use crate::warehouse::{Cells, Column, Origin, Schema, Table};

use super::super::WaldurError;
use super::super::http::Answer;
use super::super::listing::{Gather, different};
use super::conditions::{Shown, Test};
use super::json::{Values, each_inner, each_object, id_of, inner, plain_id, text};

/// Where a value stands in a row.
#[derive(Debug, Clone, Copy)]
enum Spot {
    /// A field of the row of the list.
    Outer(usize),
    /// A field of the object in it.
    Inner(usize),
}

/// What fills a column.
#[derive(Debug)]
enum Fill {
    /// The same text in every row.
    Constant(String),
    /// A value as it is.
    Value(Spot),
    /// A value that is an id.
    Id(Spot),
    /// The id at the end of an address.
    IdOf(Spot),
    /// Nothing that a row has.
    Nothing,
}

/// The object in a row, or the list of them of which each is a row of the table.
#[derive(Debug, Clone, Copy)]
struct Nested {
    at: usize,
    is_list: bool,
}

/// Reads the rows of a list into the columns of a table.
pub(super) struct RowReader {
    schema: Arc<Schema>,
    fills: Vec<Fill>,
    outer: Vec<String>,
    inner: Vec<String>,
    nested: Option<Nested>,
    tests: Vec<(Test, Spot)>,
    price: Option<PriceRule>,
    /// Rows that another list gave already.
    seen: HashSet<Uuid>,
    id: usize,
}

/// A line costs its quantity times its unit price, where the server does not tell it.
#[derive(Debug, Clone, Copy)]
struct PriceRule {
    column: usize,
    quantity: Spot,
    unit_price: Spot,
}

/// What is the same in all rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Common<'a> {
    /// The origin of the server.
    pub deployment: &'a str,
    /// The month.
    pub period: BillingPeriod,
    /// The component type, where the list is of one alone.
    pub component: Option<&'a str>,
}

impl RowReader {
    pub(super) fn new(
        schema: &Arc<Schema>,
        common: Common<'_>,
        tests: Vec<Test>,
        seen: HashSet<Uuid>,
    ) -> Self {
        let table = schema.table();
        let mut reader = Self {
            schema: Arc::clone(schema),
            fills: Vec::new(),
            outer: vec!["uuid".to_owned()],
            inner: Vec::new(),
            nested: None,
            tests: Vec::new(),
            price: None,
            seen,
            id: 0,
        };
        if table == Table::Components {
            reader.nest("components", true);
        }
        for column in schema.columns() {
            let fill = reader.fill(column, common);
            reader.fills.push(fill);
        }
        for test in tests {
            let spot = match test.field {
                Shown::Field(name) | Shown::IdOf(name) => Spot::Outer(position(&mut reader.outer, name)),
                Shown::Member(name) => reader.member(name),
            };
            reader.tests.push((test, spot));
        }
        if table == Table::InvoiceItems {
            reader.price = schema.position("price").map(|column| PriceRule {
                column,
                quantity: Spot::Outer(position(&mut reader.outer, "quantity")),
                unit_price: Spot::Outer(position(&mut reader.outer, "unit_price")),
            });
        }
        reader
    }

    /// The fields of the list that are read.
    pub(super) fn fields(&self) -> Vec<&str> {
        self.outer.iter().map(String::as_str).collect()
    }

    fn nest(&mut self, name: &str, is_list: bool) {
        if self.nested.is_none() {
            self.nested = Some(Nested { at: position(&mut self.outer, name), is_list });
        }
    }

    fn member(&mut self, name: &str) -> Spot {
        self.nest("details", false);
        Spot::Inner(position(&mut self.inner, name))
    }

    fn fill(&mut self, column: &Column, common: Common<'_>) -> Fill {
        let in_list = self.nested.is_some_and(|nested| nested.is_list);
        let value = |spot| if is_id(&column.name) { Fill::Id(spot) } else { Fill::Value(spot) };
        match &column.origin {
            Origin::Deployment => Fill::Constant(common.deployment.to_owned()),
            Origin::BillingPeriod => Fill::Constant(common.period.first_day()),
            Origin::Field(name) => match common.component {
                Some(component) if name == "type" && column.name == "component_type" => {
                    Fill::Constant(component.to_owned())
                }
                _ if in_list => value(Spot::Inner(position(&mut self.inner, name))),
                _ => value(Spot::Outer(position(&mut self.outer, name))),
            },
            Origin::IdOf(name) => Fill::IdOf(Spot::Outer(position(&mut self.outer, name))),
            Origin::Detail(name) => value(self.member(name)),
            Origin::Parent(name) => value(Spot::Outer(position(&mut self.outer, name))),
            Origin::Derived => Fill::Nothing,
        }
    }

    /// Puts a row of the table into cells.
    fn take(&self, outer: &Values<'_>, inner: &Values<'_>, into: &mut Gathered) -> Result<(), String> {
        let at = |spot| match spot {
            Spot::Outer(at) => outer[at],
            Spot::Inner(at) => inner[at],
        };
        for (test, spot) in &self.tests {
            let value = at(*spot).map_or(Ok(None), text)?;
            let value = match test.field {
                Shown::IdOf(_) => value.and_then(|address| id_of(&address)),
                Shown::Field(_) | Shown::Member(_) => value,
            };
            let passes = match value {
                Some(value) => test.wanted.passes(&value),
                None if test.absent_fails => false,
                None => {
                    let parameter = test.parameter;
                    return Err(format!(
                        "rows that do not tell what the filter {parameter} asks, which is ignored"
                    ));
                }
            };
            if !passes {
                if !test.is_ours {
                    into.ignored.insert(test.parameter);
                }
                return Ok(());
            }
        }
        let mut row = Vec::with_capacity(self.fills.len());
        for fill in &self.fills {
            row.push(match fill {
                Fill::Constant(text) => Some(Cow::Borrowed(text.as_str())),
                Fill::Value(spot) => at(*spot).map_or(Ok(None), text)?,
                Fill::Id(spot) => at(*spot).map_or(Ok(None), text)?.map(plain_id),
                Fill::IdOf(spot) => at(*spot).map_or(Ok(None), text)?.and_then(|address| id_of(&address)),
                Fill::Nothing => None,
            });
        }
        if let Some(rule) = self.price
            && row[rule.column].is_none()
        {
            row[rule.column] = price(at(rule.quantity), at(rule.unit_price)).map(Cow::Owned);
        }
        into.kept += 1;
        into.cells.push(row).map_err(|error| error.to_string())
    }

    fn page(&self, body: &[u8], into: &mut Gathered) -> serde_json::Result<usize> {
        each_object(body, &self.outer, &mut |outer| {
            let id = outer[self.id].map_or(Ok(None), text)?.and_then(|id| Uuid::try_parse(&id).ok());
            let id = id.ok_or("a row without a uuid")?;
            into.ids.push(id);
            if self.seen.contains(&id) {
                return Ok(());
            }
            match self.nested {
                None => self.take(outer, &[], into),
                Some(Nested { at, is_list: false }) => self.take(outer, &inner(outer[at], &self.inner), into),
                Some(Nested { at, is_list: true }) => {
                    let Some(list) = outer[at].filter(|list| list.get() != "null") else { return Ok(()) };
                    each_inner(list, &self.inner, &mut |inner| self.take(outer, inner, into))
                        .map(|_| ())
                        .map_err(|error| error.to_string())
                }
            }
        })
    }
}

/// What a line costs by the rule of invoices.
fn price(quantity: Option<&RawValue>, unit_price: Option<&RawValue>) -> Option<String> {
    let amount = |value: Option<&RawValue>| Amount::parse(&text(value?).ok()??).ok();
    line_price(amount(quantity)?, amount(unit_price)?).map(|price| price.to_string())
}

fn is_id(column: &str) -> bool {
    column == "uuid" || column.ends_with("_uuid")
}

/// The position of a name, which is added where it is not there yet.
fn position(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|own| own == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    })
}

/// The rows of a list in columns.
pub(super) struct Gathered {
    reader: Arc<RowReader>,
    cells: Cells,
    /// What other slices gave.
    parts: Vec<Cells>,
    /// The ids of all rows that were read, also of those that were left out.
    ids: Vec<Uuid>,
    /// The rows that were taken.
    pub kept: usize,
    /// The filters by which rows were left out, which the server had ignored.
    pub ignored: BTreeSet<&'static str>,
}

impl Gathered {
    pub(super) fn new(reader: &Arc<RowReader>) -> Self {
        Self {
            cells: Cells::new(&reader.schema),
            reader: Arc::clone(reader),
            parts: Vec::new(),
            ids: Vec::new(),
            kept: 0,
            ignored: BTreeSet::new(),
        }
    }

    /// How many rows were read, and how many of them are different.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.ids.len(), different(&self.ids))
    }

    /// Reads pages that were kept.
    pub(super) fn add_pages(&mut self, pages: &Pages) -> Result<(), WaldurError> {
        let reader = Arc::clone(&self.reader);
        for page in &pages.pages {
            page.parsed(|body| reader.page(body, self))?;
        }
        Ok(())
    }

    /// The rows.
    pub(super) fn into_cells(self) -> Vec<Cells> {
        let mut parts = self.parts;
        parts.push(self.cells);
        parts
    }
}

impl Gather for Gathered {
    fn add(&mut self, page: Answer) -> Result<usize, WaldurError> {
        let reader = Arc::clone(&self.reader);
        page.parsed(|body| reader.page(body, self))
    }

    fn ids(&self) -> Vec<Uuid> {
        self.ids.clone()
    }

    fn join(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.parts.push(other.cells);
        self.ids.extend(other.ids);
        self.kept += other.kept;
        self.ignored.extend(other.ignored);
    }
}

/// The pages of a list as they came, for what is read once and used for every month.
#[derive(Default)]
pub(super) struct Pages {
    pages: Vec<Answer>,
    ids: Vec<Uuid>,
}

impl Pages {
    /// Hands out the fields of all rows.
    pub(super) fn each(
        &self,
        names: &[String],
        mut each: impl FnMut(&Values<'_>) -> Result<(), String>,
    ) -> Result<(), WaldurError> {
        for page in &self.pages {
            page.parsed(|body| each_object(body, names, &mut |values| each(values)))?;
        }
        Ok(())
    }

    /// The ids of the rows.
    pub(super) fn all_ids(&self) -> &[Uuid] {
        &self.ids
    }
}

impl Gather for Pages {
    fn add(&mut self, page: Answer) -> Result<usize, WaldurError> {
        let ids = &mut self.ids;
        let count = page.parsed(|body| {
            each_object(body, &["uuid".to_owned()], &mut |values| {
                let id = values[0].map_or(Ok(None), text)?.and_then(|id| Uuid::try_parse(&id).ok());
                ids.push(id.ok_or("a row without a uuid")?);
                Ok(())
            })
        })?;
        self.pages.push(page);
        Ok(count)
    }

    fn ids(&self) -> Vec<Uuid> {
        self.ids.clone()
    }

    fn join(&mut self, other: Self) {
        self.pages.extend(other.pages);
        self.ids.extend(other.ids);
    }
}
