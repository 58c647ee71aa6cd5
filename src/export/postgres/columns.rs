//! The columns of a table as PostgreSQL has them.

use crate::warehouse::{ColumnKind, PERIOD, Schema, Table};

use super::fault::Fault;
use super::sql::quoted;
use super::target::LONGEST_NAME;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    Uuid,
    Cents,
    Fine,
    Instant,
    Day,
    Flag,
    Whole,
}

impl FieldKind {
    /// The type, spelled as the server itself spells it.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Uuid => "uuid",
            Self::Cents => "numeric(20,2)",
            Self::Fine => "numeric(22,10)",
            Self::Instant => "timestamp with time zone",
            Self::Day => "date",
            Self::Flag => "boolean",
            Self::Whole => "bigint",
        }
    }
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name.
    pub(super) name: String,
    /// Its type.
    pub(super) kind: FieldKind,
    /// Whether no row may lack it.
    pub(super) is_required: bool,
    /// Where it stands among the columns of the slice; none where the month alone fills it.
    pub(super) source: Option<usize>,
}

/// The columns of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The name of the table.
    pub(super) table: String,
    /// The columns.
    pub(super) fields: Vec<Field>,
    /// The names of the primary key, the month first.
    pub(super) key: Vec<String>,
}

impl Layout {
    /// The layout of a table; refuses a name that the server would cut, because two names that are cut to
    /// the same one would be one column.
    pub(super) fn new(schema: &Schema) -> Result<Self, Fault> {
        let known = schema.table().columns();
        let mut fields = Vec::new();
        if schema.position(PERIOD).is_none() {
            fields.push(Field { name: PERIOD.into(), kind: FieldKind::Day, is_required: true, source: None });
        }
        for (at, column) in schema.columns().iter().enumerate() {
            let name = column.name.clone().into_owned();
            if name.is_empty() || name.len() > LONGEST_NAME || name.contains('\0') {
                let name = crate::domain::visible(&name);
                return Err(Fault::Refused(format!(
                    "PostgreSQL has no columns with names as long as `{name}`; use --contract discard"
                )));
            }
            // A column for a field that we do not know holds JSON, whatever its name is.
            let is_known = known.iter().any(|known| known.name == column.name);
            let kind = kind(column.kind, is_known && name.ends_with("uuid"));
            fields.push(Field { name, kind, is_required: column.is_required, source: Some(at) });
        }
        let own = schema.table().key().iter().map(|name| (*name).to_owned());
        let key = [PERIOD.to_owned()].into_iter().chain(own.filter(|name| name != PERIOD)).collect();
        Ok(Self { table: table_name(schema.table()), fields, key })
    }

    /// The names of the columns, quoted, in their order.
    pub(super) fn columns(&self) -> String {
        let names: Vec<String> = self.fields.iter().map(|field| quoted(&field.name)).collect();
        names.join(", ")
    }

    /// The names of the key, quoted.
    pub(super) fn primary_key(&self) -> String {
        let names: Vec<String> = self.key.iter().map(|name| quoted(name)).collect();
        names.join(", ")
    }
}

fn kind(kind: ColumnKind, is_uuid: bool) -> FieldKind {
    match kind {
        ColumnKind::Text if is_uuid => FieldKind::Uuid,
        ColumnKind::Text => FieldKind::Text,
        ColumnKind::Cents => FieldKind::Cents,
        ColumnKind::Fine => FieldKind::Fine,
        ColumnKind::Instant => FieldKind::Instant,
        ColumnKind::Day => FieldKind::Day,
        ColumnKind::Flag => FieldKind::Flag,
        ColumnKind::Whole => FieldKind::Whole,
    }
}

/// The name of a table in the database, which has to be quoted nowhere.
pub(super) fn table_name(table: Table) -> String {
    table.name().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_uuids_the_month_leads_the_key_and_json_stays_text() {
        let schema = Schema::new(Table::UserUsages, &["owner_uuid".to_owned()]);
        let layout = Layout::new(&schema).unwrap();
        assert_eq!(layout.table, "user_usages");
        assert_eq!(layout.key, ["billing_period", "uuid"]);
        let kind = |name: &str| layout.fields.iter().find(|field| field.name == name).unwrap().kind;
        assert_eq!(kind("uuid"), FieldKind::Uuid);
        assert_eq!(kind("component_usage_uuid"), FieldKind::Uuid);
        assert_eq!(kind("usage"), FieldKind::Cents);
        assert_eq!(kind("owner_uuid"), FieldKind::Text, "JSON of a field that we do not know");
    }

    #[test]
    fn a_table_without_a_column_of_the_month_gets_one() {
        let layout = Layout::new(&Schema::new(Table::Charges, &[])).unwrap();
        assert_eq!(layout.fields.iter().filter(|field| field.name == PERIOD).count(), 1);
        assert_eq!(layout.key[0], PERIOD);
    }

    #[test]
    fn a_name_that_would_be_cut_is_refused() {
        let schema = Schema::new(Table::Usages, &["n".repeat(64)]);
        assert!(Layout::new(&schema).is_err());
        assert!(Layout::new(&Schema::new(Table::Usages, &["n".repeat(63)])).is_ok());
    }
}
