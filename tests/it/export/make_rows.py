"""Rows as others would save them: python3 make_rows.py OUT.parquet '{"changed": true, …}'."""
import datetime as dt
import decimal
import hashlib
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq

out, options = sys.argv[1], json.loads(sys.argv[2])
ROWS, MONTHS = options.get("rows", 600), options.get("months", 3)
DEPLOYMENT = options.get("deployment", "https://waldur.example.com")
UTC = dt.timezone.utc
TEXTS = [None, "plain", "=1+1", "", "it's, \"quoted\"\nand of two lines", "-5", "'=kept", "@x", "ünï", "\\."]


def uuid(*words) -> str:
    return hashlib.md5(repr(words).encode()).hexdigest()


def month(number: int) -> dt.date:
    return dt.date(2026, 1 + number, 1)


def usages() -> tuple[list[dict], list]:
    rows = []
    for number in range(ROWS):
        row = {
            "deployment": DEPLOYMENT,
            "billing_period": month(number % MONTHS),
            "uuid": uuid("usage", number),
            "resource_uuid": uuid("resource", number // 5 % 20),
            "component_type": ["cpu", "ram", "gpu"][number % 3],
            "usage": decimal.Decimal(number * 7919 % 1_000_003) / 100,
            "description": TEXTS[number % len(TEXTS)],
            "recurring": number % 2 == 0,
            "missing_usage_policy": "none",
            "date": dt.datetime(2026, 2, 3, 4, 5, 6, number, tzinfo=UTC),
            "created": None if number % 7 == 0 else dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
            "modified_by": number % 9 or None,
        }
        rows.append(row)
    # A sum that no binary fraction holds.
    rows[0]["usage"] = decimal.Decimal("123456789012345678.91")
    if options.get("changed"):
        rows[4]["usage"] += 1
    if options.get("twice"):
        rows.append(dict(rows[0]))
    time = pa.timestamp("us", tz="UTC")
    types = [
        ("deployment", pa.string()),
        ("billing_period", pa.date32()),
        ("uuid", pa.string()),
        ("resource_uuid", pa.string()),
        ("component_type", pa.string()),
        ("usage", pa.decimal128(20, 2)),
        ("description", pa.string()),
        ("recurring", pa.bool_()),
        ("missing_usage_policy", pa.string()),
        ("date", time),
        ("created", time),
        ("modified_by", pa.int64()),
    ]
    return rows, types


def resources() -> tuple[list[dict], list]:
    rows = []
    for number in range(20 * MONTHS):
        renamed = options.get("renamed") and number == 0
        rows.append(
            {
                "deployment": DEPLOYMENT,
                "billing_period": month(number % MONTHS),
                "uuid": uuid("resource", number // MONTHS),
                "name": f"resource {number}",
                "state": "OK",
                "offering_uuid": uuid("offering"),
                "project_uuid": uuid("project", number % 2),
                "project_name": "renamed" if renamed else "project",
                "customer_uuid": uuid("customer"),
            }
        )
    types = [(name, pa.date32() if name == "billing_period" else pa.string()) for name in rows[0]]
    return rows, types


table = options.get("table", "usages")
rows, types = {"usages": usages, "resources": resources}[table]()
if options.get("extra"):
    types.append((options["extra"], pa.string()))
    for number, row in enumerate(rows):
        row[options["extra"]] = '"blue"' if number % 4 == 0 else None
types = [pair for pair in types if pair[0] not in options.get("without", [])]
if options.get("floats"):
    types = [(name, pa.float64() if name == "usage" else type) for name, type in types]
    for row in rows:
        row["usage"] = float(row["usage"])
if options.get("wide"):
    types = [(name, pa.decimal128(38, 10) if name == "usage" else type) for name, type in types]
metadata = {"waldur-usage.table": table} if options.get("named", True) else {}
data = pa.table({name: [row[name] for row in rows] for name, _ in types}, schema=pa.schema(types, metadata=metadata))
pq.write_table(data, out, row_group_size=options.get("group", 100), compression="snappy")
