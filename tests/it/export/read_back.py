"""Reads an export back with programs of others: python3 read_back.py SAVED.parquet PARQUET_DIR CSV_DIR NDJSON_DIR."""
import decimal
import glob
import json
import sys

import duckdb
import pandas
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.dataset as ds
import pyarrow.json as pajson
import pyarrow.parquet as pq

saved, parquet, csv, ndjson = sys.argv[1:]
wanted = pq.read_table(saved)
MONTHS = sorted({day.isoformat()[:7] for day in wanted["billing_period"].to_pylist()})
NAMES = [name for name in wanted.column_names if name != "billing_period"]


def sums(table: pa.Table) -> dict:
    found: dict = {}
    for component, usage in zip(table["component_type"].to_pylist(), table["usage"].to_pylist()):
        found[component] = found.get(component, decimal.Decimal(0)) + usage
    return found


def rows(table: pa.Table, names=NAMES) -> list:
    return sorted(table.select(names).to_pylist(), key=lambda row: row["uuid"])


# Parquet: types, rows and metadata, by Arrow.
found = ds.dataset(f"{parquet}/usages", partitioning="hive").to_table()
assert rows(found) == rows(wanted), "pyarrow reads other rows"
assert sums(found) == sums(wanted)
assert sorted(set(found["billing_period"].to_pylist())) == MONTHS
for field in wanted.schema:
    if field.name != "billing_period":
        assert found.schema.field(field.name).type == field.type, (field, found.schema.field(field.name))
files = sorted(glob.glob(f"{parquet}/usages/*/*.parquet"))
assert len(files) == len(MONTHS)
for path in files:
    file = pq.ParquetFile(path)
    metadata = file.metadata.metadata
    assert "billing_period" not in file.schema_arrow.names
    assert metadata[b"waldur-usage.deployment"] == b"https://waldur.example.com"
    assert metadata[b"waldur-usage.schema_version"] == b"1"
    assert file.metadata.created_by == "waldur-usage", file.metadata.created_by
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"

# Parquet, csv and ndjson, by DuckDB.
duck = duckdb.connect()
duck.execute("SET TimeZone = 'UTC'")
types = (
    "{deployment: 'VARCHAR', billing_period: 'DATE', uuid: 'VARCHAR', resource_uuid: 'VARCHAR',"
    " component_type: 'VARCHAR', usage: 'DECIMAL(20,2)', description: 'VARCHAR', recurring: 'BOOLEAN',"
    " missing_usage_policy: 'VARCHAR', date: 'TIMESTAMPTZ', created: 'TIMESTAMPTZ', modified_by: 'BIGINT'}"
)
sources = {
    "parquet": f"read_parquet('{parquet}/usages/*/*.parquet', hive_partitioning = true)",
    "csv": f"read_csv('{csv}/usages/*.csv', header = true, columns = {types}, allow_quoted_nulls = false)",
    "ndjson": f"read_json('{ndjson}/usages/*.ndjson', format = 'newline_delimited', columns = {types})",
}
for name, source in sources.items():
    query = f"SELECT component_type, sum(usage), count(*) FROM {source} GROUP BY ALL ORDER BY ALL"
    by_component = duck.execute(query).fetchall()
    assert {row[0]: row[1] for row in by_component} == sums(wanted), (name, by_component)
    assert sum(row[2] for row in by_component) == wanted.num_rows, name
    columns = ", ".join(NAMES)
    found = duck.execute(f"SELECT {columns} FROM {source} ORDER BY uuid").fetchall()
    expected = [tuple(row[name] for name in NAMES) for row in rows(wanted)]
    assert found == expected, (name, next(pair for pair in zip(found, expected) if pair[0] != pair[1]))
described = duck.execute(f"DESCRIBE SELECT usage, date FROM {sources['parquet']}").fetchall()
assert [row[1] for row in described] == ["DECIMAL(20,2)", "TIMESTAMP WITH TIME ZONE"], described

# csv and ndjson by Arrow, with the types that it is told.
convert = pacsv.ConvertOptions(column_types=wanted.schema, strings_can_be_null=True, quoted_strings_can_be_null=False)
parse = pacsv.ParseOptions(newlines_in_values=True)
tables = [pacsv.read_csv(path, parse_options=parse, convert_options=convert) for path in sorted(glob.glob(f"{csv}/usages/*.csv"))]
assert rows(pa.concat_tables(tables), wanted.column_names) == rows(wanted, wanted.column_names), "csv by pyarrow"
texts = pa.schema([(field.name, pa.string() if pa.types.is_date(field.type) else field.type) for field in wanted.schema])
texts = texts.set(texts.get_field_index("date"), pa.field("date", pa.string()))
texts = texts.set(texts.get_field_index("created"), pa.field("created", pa.string()))
tables = [
    pajson.read_json(path, parse_options=pajson.ParseOptions(explicit_schema=texts))
    for path in sorted(glob.glob(f"{ndjson}/usages/*.ndjson"))
]
found = pa.concat_tables(tables)
assert found.schema.field("usage").type == pa.decimal128(20, 2)
assert sums(found) == sums(wanted) and found.num_rows == wanted.num_rows, "ndjson by pyarrow"

# pandas.
frame = pandas.read_parquet(f"{parquet}/usages")
assert len(frame) == wanted.num_rows
assert sum(frame["usage"], decimal.Decimal(0)) == pc.sum(wanted["usage"]).as_py()
assert str(frame["date"].dtype).endswith("UTC]"), frame["date"].dtype
frames = [
    pandas.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(glob.glob(f"{csv}/usages/*.csv"))
]
frame = pandas.concat(frames)
assert sum(map(decimal.Decimal, frame["usage"])) == pc.sum(wanted["usage"]).as_py()

# The manifest says the same.
manifest = json.load(open(f"{parquet}/manifest.json"))
told: dict = {}
for entry in manifest["slices"]:
    for item in entry["sums"]:
        told[item["component"]] = told.get(item["component"], decimal.Decimal(0)) + decimal.Decimal(item["sum"])
assert told == sums(wanted)
assert sum(entry["rows"] for entry in manifest["slices"]) == wanted.num_rows
print("all readers agree")
