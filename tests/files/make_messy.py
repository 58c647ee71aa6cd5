#!/usr/bin/env python3
"""Makes usable files that people fill in by hand: notes and units among the rows, formats with a unit.

    pip install xlsxwriter xlwt pyarrow
    python3 tests/files/make_messy.py    # and LibreOffice, for the .ods
"""
import datetime
import subprocess
from pathlib import Path

import pyarrow
import pyarrow.parquet
import xlsxwriter
import xlwt

FOLDER = Path(__file__).parent / "messy"
LONG = ["resource_name", "billing_period", "component_type", "amount"]
CREATED = {"created": datetime.datetime(2026, 11, 20)}


def book(name: str) -> tuple[xlsxwriter.Workbook, xlsxwriter.worksheet.Worksheet]:
    made = xlsxwriter.Workbook(FOLDER / name)
    made.set_properties(CREATED)
    return made, made.add_worksheet("Usage")


def signed() -> None:
    """A heading among the rows, a total and notes below them, one of them merged over the table."""
    made, sheet = book("signed.xlsx")
    for number, row in enumerate([
        LONG,
        ["climate-alps", "2026-11", "cpu", 100],
        ["climate-era5", "2026-11", "cpu", 20.5],
        ["climate-alps", "2026-11", "ram", 7],
        ["Total cpu", None, None, 120.5],
        ["Total ram", None, None, 7],
        [],
        ["Prepared by Ann Smith, accounting"],
        [None, None, None, None],
    ]):
        sheet.write_row(number, 0, row)
    sheet.merge_range("A9:D9", "Note: figures of the storage follow in December")
    made.close()
    made, sheet = book("heading.xlsx")
    for number, row in enumerate([
        LONG,
        ["Cluster A"],
        ["climate-alps", "2026-11", "cpu", 100],
        ["Cluster B"],
        ["climate-era5", "2026-11", "cpu", 20.5],
        ["climate-ensemble"],
    ]):
        sheet.write_row(number, 0, row)
    made.close()


def units() -> None:
    made, sheet = book("units.xlsx")
    for number, row in enumerate([
        ["Resource name", "Billing period", "CPU", "Storage", "Remark"],
        [None, None, "[k-hours]", "GB"],
        ["climate-alps", "2026-11", 100, 7, "x"],
    ]):
        sheet.write_row(number, 0, row)
    made.close()


UNITS = [
    ("climate-alps", "cpu", 1234.25, '#,##0.00" k-hours"'),
    ("climate-era5", "cpu", 20, "0\\ \\k\\-\\h\\o\\u\\r\\s"),
    ("climate-era5", "ram", 5, '0.00" h"'),
    ("climate-alps", "gpu_hours", 5000, '0.0," hours"'),
    ("climate-era5", "gpu_hours", 7, '#,##0.00 [$€-407]'),
]


def formats() -> None:
    made, sheet = book("unit-format.xlsx")
    sheet.write_row(0, 0, LONG)
    old = xlwt.Workbook()
    old_sheet = old.add_sheet("Usage")
    for column, text in enumerate(LONG):
        old_sheet.write(0, column, text)
    for number, (name, component, amount, shown) in enumerate(UNITS, 1):
        sheet.write_row(number, 0, [name, "2026-11", component])
        sheet.write_number(number, 3, amount, made.add_format({"num_format": shown}))
        for column, text in enumerate([name, "2026-11", component]):
            old_sheet.write(number, column, text)
        old_sheet.write(number, 3, amount, xlwt.easyxf(num_format_str=shown))
    made.close()
    old.save(str(FOLDER / "unit-format.xls"))
    command = ["soffice", "--headless", "--convert-to", "ods", "--outdir", FOLDER, FOLDER / "unit-format.xlsx"]
    subprocess.run(command, check=True, capture_output=True)


def focus() -> None:
    """Charges with instants that are shown in the zone of whoever wrote them."""
    def table(name: str, zone: str, periods: list[tuple[datetime.datetime, datetime.datetime]]) -> None:
        kind = pyarrow.timestamp("us", tz=zone)
        size = len(periods)
        columns = {
            "ChargeCategory": ["Usage"] * size,
            "ChargePeriodStart": pyarrow.array([start for start, _ in periods], kind),
            "ChargePeriodEnd": pyarrow.array([end for _, end in periods], kind),
            "ResourceId": ["hpc_climate_climate_alps"] * size,
            "SkuMeter": ["cpu"] * size,
            "ConsumedQuantity": [0.5] * size,
            "ConsumedUnit": ["k-hours"] * size,
        }
        pyarrow.parquet.write_table(pyarrow.table(columns), FOLDER / name)

    day = datetime.timedelta(days=1)
    start = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
    table("focus-of-utc.parquet", "America/New_York", [(start, start + day), (start + 29 * day, start + 30 * day)])
    local = start - datetime.timedelta(hours=2)
    table("focus-of-tallinn.parquet", "Europe/Tallinn", [(local, local + day)])


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    signed()
    units()
    formats()
    focus()


if __name__ == "__main__":
    main()
