#!/usr/bin/env python3
"""Makes the world and the files of usage that the other scripts measure with.

    python3 benches/make_inputs.py FOLDER

The content is the same each time. It needs openpyxl for the workbooks.
"""
import csv
import json
import random
import sys
import uuid
from pathlib import Path

RESOURCES = 2_000
MONTHS = [f"2026-{month:02}" for month in range(2, 12)]
NOW = "2026-11-20T09:00:00Z"
CURRENT = "2026-11"

# Type, unit and way of billing, in alphabetical order of the types, as they are posted. None has a
# limit, so there is no other order.
COMPONENTS = [
    ("cpu_hours", "hours", "usage"),
    ("gpu_hours", "hours", "usage"),
    ("licence_days", "days", "usage"),
    ("ram_gb_hours", "GB-hours", "usage"),
    ("storage_tb", "TB", "limit"),
]
POSTED = ["cpu_hours", "gpu_hours", "ram_gb_hours"]

CUSTOMERS = ["Institute of Hydrology", "Faculty of Physics", "School of Medicine"]
PROJECTS_EACH = 4

LONG = ["resource_uuid", "billing_period", "component_type", "amount", "unit", "description"]
# A post without a description is what everybody in the comparison sends.
SHORT = LONG[:-1]

SPACE = uuid.UUID("6f1d2c7e-0b5a-4a53-9a0e-5d9f6a1c2b30")


def name(text: str) -> str:
    """The id of a thing, which follows from its name."""
    return uuid.uuid5(SPACE, text).hex


def units() -> dict[str, str]:
    return {kind: unit for kind, unit, _ in COMPONENTS}


def resources() -> list[dict]:
    """The resources, spread over the projects."""
    projects = len(CUSTOMERS) * PROJECTS_EACH
    return [
        {
            "uuid": name(f"resource {at}"),
            "name": f"allocation-{at:04}",
            "slug": f"allocation-{at:04}",
            "backend_id": f"hpc_{at:04}",
            "state": "OK",
            "offering_uuid": name("offering"),
            "plan_uuid": name("plan"),
            "project_uuid": name(f"project {at % projects}"),
            "created": "2026-01-01T00:00:00Z",
            "plan_periods": [
                {
                    "uuid": name(f"plan period {at}"),
                    "plan_uuid": name("plan"),
                    "start": "2026-01-01T00:00:00Z",
                    "end": None,
                }
            ],
        }
        for at in range(RESOURCES)
    ]


def customers() -> list[dict]:
    provider = {"uuid": name("provider"), "name": "Computing Centre", "is_service_provider": True}
    own = [{"uuid": name(f"customer {at}"), "name": title} for at, title in enumerate(CUSTOMERS)]
    return [provider, *own]


def projects() -> list[dict]:
    return [
        {
            "uuid": name(f"project {at}"),
            "name": f"Project {at + 1:02}",
            "customer_uuid": name(f"customer {at // PROJECTS_EACH}"),
        }
        for at in range(len(CUSTOMERS) * PROJECTS_EACH)
    ]


def offering() -> dict:
    components = [
        {
            "uuid": name(f"component {kind}"),
            "type": kind,
            "name": kind,
            "measured_unit": unit,
            "billing_type": billing_type,
        }
        for kind, unit, billing_type in COMPONENTS
    ]
    plan = {
        "uuid": name("plan"),
        "name": "Standard",
        "unit": "month",
        "prices": {kind: "1.0000000000" for kind, _, _ in COMPONENTS},
    }
    return {
        "uuid": name("offering"),
        "name": "Compute",
        "type": "Marketplace.Basic",
        "state": "Active",
        "billable": True,
        "shared": True,
        "customer_uuid": name("provider"),
        "components": components,
        "plans": [plan],
    }


def world() -> dict:
    """A server of one offering, on which nothing is reported yet."""
    token = uuid.uuid5(SPACE, "token").hex
    staff = {"id": 1, "username": "staff", "uuid": name("staff"), "is_staff": True, "token": token}
    return {
        "now": NOW,
        "tokens": {"staff": token},
        "customers": customers(),
        "projects": projects(),
        "users": [staff],
        "offerings": [offering()],
        "resources": resources(),
    }


def rows_to_check() -> list[tuple]:
    """100,000 rows, fifty for a resource: every resource, component and month; amounts in hundredths."""
    figures = random.Random(2026)
    return [
        (name(f"resource {at}"), month, kind, figures.randrange(1, 10**8), unit, f"metered {month}, run {at:04}")
        for month in MONTHS
        for at in range(RESOURCES)
        for kind, unit, _ in COMPONENTS
    ]


def rows_to_apply() -> list[tuple]:
    """6,000 rows of the current month; amounts in hundredths."""
    figures = random.Random(11)
    return [
        (name(f"resource {at}"), CURRENT, kind, figures.randrange(1, 10**8), units()[kind])
        for at in range(RESOURCES)
        for kind in POSTED
    ]


def written(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}"


def write_csv(path: Path, header: list[str], rows: list[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows((*row[:3], written(row[3]), *row[4:]) for row in rows)


def write_xlsx(path: Path, header: list[str], rows: list[tuple]) -> None:
    from openpyxl import Workbook

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Usage")
    sheet.append(header)
    for row in rows:
        sheet.append([*row[:3], row[3] / 100, *row[4:]])
    workbook.save(path)


def bodies(rows: list[tuple]) -> list[dict]:
    """The requests that `apply` sends for the rows, in its order: organisation, project, resource."""
    project_of = {resource["uuid"]: resource["project_uuid"] for resource in resources()}
    own_name = {resource["uuid"]: resource["name"] for resource in resources()}
    project_names = {project["uuid"]: project["name"] for project in projects()}
    customer_of = {project["uuid"]: project["customer_uuid"] for project in projects()}
    customer_names = {customer["uuid"]: customer["name"] for customer in customers()}

    usages: dict[str, list[dict]] = {}
    for resource, _, kind, amount, _ in rows:
        item = {"type": kind, "amount": written(amount), "description": "", "recurring": False}
        usages.setdefault(resource, []).append(item)

    def order(resource: str) -> tuple:
        project = project_of[resource]
        return customer_names[customer_of[project]], project_names[project], own_name[resource], resource

    return [{"resource": resource, "usages": usages[resource]} for resource in sorted(usages, key=order)]


def write_bodies(path: Path, rows: list[tuple]) -> None:
    lines = (json.dumps(body, separators=(",", ":")) for body in bodies(rows))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def make_check(folder: Path) -> None:
    """Writes the world and the files to check."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "world.json").write_text(json.dumps(world(), indent=1), encoding="utf-8")
    check = rows_to_check()
    write_csv(folder / "check.csv", LONG, check)
    write_xlsx(folder / "check.xlsx", LONG, check)


def make(folder: Path) -> None:
    """Writes all files into a folder."""
    make_check(folder)
    apply = rows_to_apply()
    write_xlsx(folder / "apply.xlsx", SHORT, apply)
    write_bodies(folder / "apply.jsonl", apply)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(Path(sys.argv[1]))
