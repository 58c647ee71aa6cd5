//! The columns that a table has in an export: those that we know, and those that the contract adds.

use std::sync::Arc;

use arrow_schema::{Field, Schema as ArrowSchema, SchemaRef};

use crate::domain::Digest;

use super::column::Column;
use super::table::Table;

/// A table with its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    table: Table,
    columns: Vec<Column>,
}

impl Schema {
    /// Which version of the columns this program writes. It grows when a column of a table that stands
    /// here changes its name, its type or its meaning.
    pub const VERSION: u32 = 1;

    /// The table with the columns that we know, and with one for each of these fields of the server.
    pub fn new(table: Table, evolved: &[String]) -> Self {
        let known = table.columns();
        let added = evolved.iter().filter(|name| known.iter().all(|column| column.name != name.as_str()));
        let added: Vec<Column> = added.map(|name| Column::evolved(name)).collect();
        Self { table, columns: known.into_iter().chain(added).collect() }
    }

    /// The table.
    pub fn table(&self) -> Table {
        self.table
    }

    /// Its columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The columns as Arrow has them.
    pub fn arrow(&self) -> SchemaRef {
        let fields = self.columns.iter().map(|column| {
            Field::new(column.name.as_ref(), column.kind.arrow(), !column.is_required)
        });
        Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
    }

    /// Adds what tells this schema from another to the hash of a content.
    pub(super) fn add_to(&self, digest: &mut Digest) {
        digest.add(format!("{} {}", self.table, Self::VERSION));
        for column in &self.columns {
            digest.add(format!("\0{}\0{}", column.name, column.kind.name()));
        }
        digest.add("\0\0");
    }
}
