//! The columns of a table as Delta Lake has them, and whose table it is.

use std::collections::BTreeSet;

use deltalake_core::kernel::{DataType, Metadata, StructField, StructType};

use crate::domain::visible;
use crate::warehouse::{Column, ColumnKind, Manifest, PERIOD, Schema, Table};

/// Characters that no name of a column may have without a mapping of names.
const FORBIDDEN: &str = " ,;{}()\n\t=";

const TABLE: &str = "waldur-usage.table";
const DEPLOYMENT: &str = "waldur-usage.deployment";
const SCOPE: &str = "waldur-usage.scope";

/// The columns of a new table.
pub(super) fn delta(schema: &Schema) -> Result<StructType, String> {
    let mut fields = Vec::new();
    if schema.position(PERIOD).is_none() {
        fields.push(StructField::not_null(PERIOD, DataType::DATE));
    }
    for column in schema.columns() {
        fields.push(StructField::new(column.name.as_ref(), data_type(column)?, !column.is_required));
    }
    let mut names = BTreeSet::new();
    for field in &fields {
        if field.name().contains(|character| FORBIDDEN.contains(character)) {
            return Err(format!("`{}` cannot be the name of a column", visible(field.name())));
        }
        if !names.insert(field.name().to_lowercase()) {
            return Err(format!("two columns are named {}, but for large letters", visible(field.name())));
        }
    }
    StructType::try_new(fields).map_err(|error| error.to_string())
}

fn data_type(column: &Column) -> Result<DataType, String> {
    Ok(match column.kind {
        ColumnKind::Text => DataType::STRING,
        ColumnKind::Cents => DataType::decimal(20, 2).map_err(|error| error.to_string())?,
        ColumnKind::Fine => DataType::decimal(22, 10).map_err(|error| error.to_string())?,
        ColumnKind::Instant => DataType::TIMESTAMP,
        ColumnKind::Day => DataType::DATE,
        ColumnKind::Flag => DataType::BOOLEAN,
        ColumnKind::Whole => DataType::LONG,
    })
}

/// The columns that a table has once columns were added that it lacks; none where it lacks none. Nothing is
/// taken away and no type changes, so every month that was published stays readable.
pub(super) fn merged(existing: &StructType, wanted: &StructType) -> Result<Option<StructType>, String> {
    let mut fields: Vec<StructField> = existing.fields().cloned().collect();
    for field in &mut fields {
        match wanted.field(field.name()) {
            Some(wanted) if wanted.data_type() != field.data_type() => {
                return Err(format!(
                    "its column {} is {}, and {} is to be written",
                    visible(field.name()),
                    field.data_type(),
                    wanted.data_type()
                ));
            }
            Some(wanted) => field.nullable |= wanted.is_nullable(),
            None if field.is_nullable() => {}
            None => {
                return Err(format!(
                    "no row may lack its column {}, which we do not have",
                    visible(field.name())
                ));
            }
        }
    }
    for new in wanted.fields().filter(|field| existing.field(field.name()).is_none()) {
        let name = new.name().to_lowercase();
        if let Some(like) = existing.fields().find(|field| field.name().to_lowercase() == name) {
            return Err(format!(
                "its column {} differs from {} by large letters alone",
                like.name(),
                new.name()
            ));
        }
        // Rows of older months have no value.
        fields.push(StructField { nullable: true, ..new.clone() });
    }
    let merged = StructType::try_new(fields).map_err(|error| error.to_string())?;
    Ok((merged != *existing).then_some(merged))
}

/// What the table says of itself: that it is ours, which table, whose data, and what of them. Its history is
/// kept whole, because the publications of a month are its versions; the owner may change that.
pub(super) fn configuration(table: Table, manifest: &Manifest) -> [(&'static str, String); 4] {
    [
        (TABLE, table.name().to_owned()),
        (DEPLOYMENT, manifest.deployment.clone()),
        (SCOPE, scope(manifest)),
        ("delta.enableExpiredLogCleanup", "false".to_owned()),
    ]
}

fn scope(manifest: &Manifest) -> String {
    serde_json::to_string(&manifest.scope).unwrap_or_default()
}

/// Refuses a table that is not ours, or not this one.
pub(super) fn judge(metadata: &Metadata, table: Table) -> Result<(), String> {
    match metadata.configuration().get(TABLE) {
        Some(found) if found == table.name() => {}
        Some(found) => return Err(format!("{table} holds the table {}", visible(found))),
        None => return Err(format!("{table} is a Delta table that was not made by an export")),
    }
    if metadata.partition_columns()[..] != [PERIOD.to_owned()] {
        return Err(format!("{table} is not partitioned by {PERIOD} alone"));
    }
    Ok(())
}

/// Refuses a table that holds data of another server, or others of its data.
pub(super) fn same_origin(metadata: &Metadata, table: Table, manifest: &Manifest) -> Result<(), String> {
    let found = |key| metadata.configuration().get(key).map(String::as_str).unwrap_or_default();
    if found(DEPLOYMENT) != manifest.deployment {
        let (found, wanted) = (visible(found(DEPLOYMENT)), visible(&manifest.deployment));
        return Err(format!("{table} holds data of {found}, and the manifest speaks of {wanted}"));
    }
    if found(SCOPE) != scope(manifest) {
        return Err(format!("{table} holds another selection: {}", visible(found(SCOPE))));
    }
    Ok(())
}
