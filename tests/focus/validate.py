"""Holds a csv of charges against the rules of FOCUS 1.2: python3 validate.py FILE.csv [RULES.json]

Prints every row that breaks a rule, and ends with 1 where there is one. Needs nothing but Python.
"""

import csv
import json
import re
import sys
from decimal import Decimal, localcontext
from pathlib import Path

DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?(E-?[0-9]+)?")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# What a product of two decimals of ten places may differ from one of ten places.
HALF = Decimal("5e-11")


def holds(row, test):
    column, verb, *values = test
    value = row.get(column)
    match verb:
        case "null":
            return value is None
        case "set":
            return value is not None
        case "is":
            return value in values
        case "is not":
            return value not in values
        case "at least":
            return Decimal(value) >= Decimal(values[0])
        case "same":
            return Decimal(value) == Decimal(row[values[0]])
        case "after":
            return value > row[values[0]]
        case "product":
            with localcontext() as context:
                context.prec = 60
                left, right = (Decimal(row[name]) for name in values)
                return abs(left * right - Decimal(value)) <= HALF
    raise ValueError(verb)


def cell_fault(column, value):
    if value is None:
        return "is null" if column["nulls"] == "never" else None
    if not value.strip():
        return "is blank and not null"
    if "values" in column and value not in column["values"]:
        return f"is not allowed to be {value!r}"
    match column["type"]:
        case "Decimal" if not DECIMAL.fullmatch(value):
            return f"is no decimal: {value!r}"
        case "Date/Time" if not INSTANT.fullmatch(value):
            return f"is no instant in UTC: {value!r}"
    return None


def faults(header, rows, rules):
    known = {column["name"]: column for column in rules["columns"]}
    missing = [name for name, column in known.items() if column["level"] == "Mandatory" and name not in header]
    if missing:
        # Rules tie columns together, and have no say where one of them is not there.
        yield from (f"there is no column {name}" for name in missing)
        return
    for name in header:
        if name not in known and not name.startswith("x_"):
            yield f"column {name} is not of FOCUS and has no x_"
    if len(set(header)) != len(header):
        yield "a column stands twice"
    for number, row in enumerate(rows, start=2):
        for name in header:
            if name in known and (fault := cell_fault(known[name], row[name])):
                yield f"line {number}: {name} {fault}"
        if not re.fullmatch("[A-Z]{3}", row["BillingCurrency"] or ""):
            yield f"line {number}: BillingCurrency is no code"
        for rule in rules["rules"]:
            if all(holds(row, test) for test in rule["if"]) and not holds(row, rule["must"]):
                yield f"line {number}: {rule['id']}: {rule['says']}"
    for rule in rules["one"]:
        seen = {}
        for number, row in enumerate(rows, start=2):
            if (key := row.get(rule["of"])) is not None:
                if seen.setdefault(key, row.get(rule["one"])) != row.get(rule["one"]):
                    yield f"line {number}: {rule['id']}: {rule['says']}"


def main():
    here = Path(__file__).parent
    rules = json.loads(Path(sys.argv[2] if len(sys.argv) > 2 else here / "rules-1.2.json").read_text())
    with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
        header, *lines = csv.reader(file)
    rows = [{name: cell or None for name, cell in zip(header, line, strict=True)} for line in lines]
    found = list(faults(header, rows, rules))
    for fault in found:
        print(fault)
    print(f"{len(rows)} charges, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
