//! The tables: made, brought to the columns of today, and never taken from anybody else.

use tokio_postgres::{Client, GenericClient, Transaction};

use crate::domain::visible;
use crate::warehouse::{Manifest, Schema, Table};

use super::columns::{Field, Layout};
use super::fault::Fault;
use super::sql::{AUDIT, HELPERS, Names, REVISION, RUN, TABLES, VERSION, quoted};

/// The version of our tables. One more step in [`step`] brings an older one to it.
const NEWEST: i32 = 1;

/// What stands under a name.
struct Relation {
    oid: u32,
    is_partitioned_by_month: bool,
}

/// Whether the schema holds tables of ours; refuses tables of a newer program, and tables that only have
/// the names of ours.
pub(super) async fn is_ours(client: &Client, names: &Names) -> Result<bool, Fault> {
    Ok(version(client, names).await?.is_some())
}

async fn version(client: &impl GenericClient, names: &Names) -> Result<Option<i32>, Fault> {
    if relation(client, names, VERSION).await?.is_none() {
        return Ok(None);
    }
    let asked = client.query_one(&format!("SELECT max(version) FROM {}", names.of(VERSION)), &[]).await;
    let found = match asked.map_err(Fault::from) {
        Ok(row) => row.try_get::<_, Option<i32>>(0).ok().flatten(),
        Err(fault) if fault.is_about_a_name() => None,
        Err(fault) => return Err(fault),
    };
    match found {
        Some(version) if version > NEWEST => Err(Fault::Refused(format!(
            "its tables have version {version}, and this program knows {NEWEST}; use a newer program"
        ))),
        Some(version) => Ok(Some(version)),
        None => Err(not_ours(names, VERSION)),
    }
}

/// Makes what is missing, and refuses what is not ours.
pub(super) async fn prepare(
    transaction: &Transaction<'_>,
    names: &Names,
    layout: Option<&Layout>,
) -> Result<(), Fault> {
    let schema = names.schema();
    let found = transaction.query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema]).await?;
    if found.is_empty() {
        // Whoever may not make schemas may be given one.
        transaction.batch_execute(&format!("CREATE SCHEMA {}", quoted(schema))).await?;
    }
    let version = version(transaction, names).await?;
    if version.is_none() {
        for name in HELPERS {
            if relation(transaction, names, name).await?.is_some() {
                return Err(not_ours(names, name));
            }
        }
    }
    for number in version.unwrap_or(0) + 1..=NEWEST {
        transaction.batch_execute(&step(number, names)).await?;
        let tool = concat!("waldur-usage ", env!("CARGO_PKG_VERSION"));
        let told = format!("INSERT INTO {} (version, tool) VALUES ($1, $2)", names.of(VERSION));
        transaction.execute(&told, &[&number, &tool]).await?;
    }
    match layout {
        Some(layout) => table(transaction, names, layout).await,
        None => Ok(()),
    }
}

/// What brings our tables from the version before to this one.
fn step(number: i32, names: &Names) -> String {
    let of = |name| names.of(name);
    match number {
        1 => format!(
            "CREATE TABLE {version} (version integer PRIMARY KEY, tool text NOT NULL, \
                made timestamptz NOT NULL DEFAULT now());
            CREATE TABLE {tables} (name text PRIMARY KEY, made timestamptz NOT NULL DEFAULT now());
            CREATE TABLE {run} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run uuid NOT NULL, \
                extracted timestamptz NOT NULL, tool text NOT NULL, manifest jsonb NOT NULL, \
                written timestamptz NOT NULL DEFAULT now());
            CREATE TABLE {audit} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
                table_name text NOT NULL, billing_period date NOT NULL, revision integer NOT NULL, \
                rows bigint NOT NULL, content text NOT NULL, entry jsonb NOT NULL, run uuid NOT NULL, \
                extracted timestamptz NOT NULL, written timestamptz NOT NULL DEFAULT now());
            CREATE INDEX ON {audit} (table_name, billing_period, id);
            CREATE TABLE {revision} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
                table_name text NOT NULL, billing_period date NOT NULL, revision integer NOT NULL, \
                record jsonb NOT NULL, run uuid NOT NULL, extracted timestamptz NOT NULL, \
                written timestamptz NOT NULL DEFAULT now());",
            version = of(VERSION),
            tables = of(TABLES),
            run = of(RUN),
            audit = of(AUDIT),
            revision = of(REVISION),
        ),
        _ => String::new(),
    }
}

/// Makes a table, or gives it the columns that it lacks.
async fn table(transaction: &Transaction<'_>, names: &Names, layout: &Layout) -> Result<(), Fault> {
    let known = format!("SELECT 1 FROM {} WHERE name = $1", names.of(TABLES));
    let is_known = !transaction.query(&known, &[&layout.table]).await?.is_empty();
    let Some(found) = relation(transaction, names, &layout.table).await? else {
        return create(transaction, names, layout).await;
    };
    if !is_known || !found.is_partitioned_by_month {
        return Err(not_ours(names, &layout.table));
    }
    let columns = "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute \
        WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";
    let columns = transaction.query(columns, &[&found.oid]).await?;
    for field in &layout.fields {
        let column = columns.iter().find(|row| row.get::<_, &str>(0) == field.name);
        match column.map(|row| row.get::<_, &str>(1)) {
            None => {
                // Months that are there have no value for it, so it may not ask for one.
                let table = names.of(&layout.table);
                let added =
                    format!("ALTER TABLE {table} ADD COLUMN {} {}", quoted(&field.name), field.kind.sql());
                transaction.batch_execute(&added).await?;
            }
            Some(kind) if kind == field.kind.sql() => {}
            Some(kind) => {
                let (table, name) = (shown(names, &layout.table), visible(&field.name));
                let (kind, wanted) = (visible(kind), field.kind.sql());
                return Err(Fault::Refused(format!(
                    "{table} has {name} as {kind}, and it is to be {wanted}"
                )));
            }
        }
    }
    Ok(())
}

/// Refuses tables that somebody took a column from, or gave another type: the audit says of their months what
/// they no longer hold, and a column that is put back is empty in all of them.
pub(super) async fn judge(client: &Client, names: &Names, published: &Manifest) -> Result<(), Fault> {
    let mut seen: Vec<&str> = Vec::new();
    for entry in &published.slices {
        let Ok(table) = entry.table.parse::<Table>() else { continue };
        if seen.contains(&entry.table.as_str()) {
            continue;
        }
        seen.push(&entry.table);
        let evolved = published.evolved.get(&entry.table).map_or(&[][..], Vec::as_slice);
        let layout = Layout::new(&Schema::new(table, evolved))?;
        let Some(found) = relation(client, names, &layout.table).await? else { continue };
        let columns = "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute \
            WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";
        let columns = client.query(columns, &[&found.oid]).await?;
        for field in &layout.fields {
            let column = columns.iter().find(|row| row.get::<_, &str>(0) == field.name);
            let kind = column.map(|row| row.get::<_, &str>(1));
            if kind != Some(field.kind.sql()) {
                let (shown, name) = (shown(names, &layout.table), visible(&field.name));
                let is = kind.map_or_else(|| "is gone".to_owned(), |kind| format!("is {}", visible(kind)));
                return Err(Fault::Refused(format!(
                    "{shown} had {name} as {} when its months were written, and now it {is}: put it back with its \
                     values, or drop the table, and all of its months are written anew",
                    field.kind.sql()
                )));
            }
        }
    }
    Ok(())
}

async fn create(transaction: &Transaction<'_>, names: &Names, layout: &Layout) -> Result<(), Fault> {
    let column = |field: &Field| {
        let required = if field.is_required { " NOT NULL" } else { "" };
        format!("{} {}{required}", quoted(&field.name), field.kind.sql())
    };
    let columns: Vec<String> = layout.fields.iter().map(column).collect();
    let (columns, key) = (columns.join(", "), layout.primary_key());
    let created = format!(
        "CREATE TABLE {} ({columns}, PRIMARY KEY ({key})) PARTITION BY LIST (\"billing_period\")",
        names.of(&layout.table)
    );
    transaction.batch_execute(&created).await?;
    let told = format!("INSERT INTO {} (name) VALUES ($1) ON CONFLICT DO NOTHING", names.of(TABLES));
    transaction.execute(&told, &[&layout.table]).await?;
    Ok(())
}

/// Whether a table of ours is there.
pub(super) async fn is_there(client: &Client, names: &Names, table: &str) -> Result<bool, Fault> {
    Ok(relation(client, names, table).await?.is_some_and(|found| found.is_partitioned_by_month))
}

/// The columns of a table, by their names.
pub(super) async fn columns(client: &Client, names: &Names, table: &str) -> Result<Vec<String>, Fault> {
    let Some(found) = relation(client, names, table).await? else { return Ok(Vec::new()) };
    let columns = "SELECT attname::text FROM pg_attribute \
        WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";
    Ok(client.query(columns, &[&found.oid]).await?.iter().map(|row| row.get(0)).collect())
}

async fn relation(client: &impl GenericClient, names: &Names, name: &str) -> Result<Option<Relation>, Fault> {
    let found = "SELECT c.oid, c.relkind = 'p' AND pg_get_partkeydef(c.oid) = 'LIST (billing_period)' \
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
    let row = client.query_opt(found, &[&names.schema(), &name]).await?;
    Ok(row.map(|row| Relation {
        oid: row.get(0),
        is_partitioned_by_month: row.get::<_, Option<bool>>(1).unwrap_or_default(),
    }))
}

/// Refuses a table that was there before us.
pub(super) fn not_ours(names: &Names, name: &str) -> Fault {
    let table = shown(names, name);
    Fault::Refused(format!(
        "{table} is there, and this program did not make it; name another schema in config.toml"
    ))
}

/// A table as messages name it.
fn shown(names: &Names, name: &str) -> String {
    format!("{}.{}", visible(names.schema()), visible(name))
}
