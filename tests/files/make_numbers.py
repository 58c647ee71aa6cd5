"""Writes the workbooks of `tests/it/numbers.rs`, each with the writer whose ways it is about.

    pip install openpyxl xlsxwriter
    python3 tests/files/make_numbers.py

`formula-computed.xlsx` was written without values and then opened and saved by LibreOffice.
"""

import datetime
import pathlib
import subprocess
import tempfile

import openpyxl
import openpyxl.utils.datetime
import xlsxwriter

HERE = pathlib.Path(__file__).parent
HEADERS = ["resource_name", "billing_period", "component_type", "amount"]
NAMES = ["climate-alps", "climate-cordex", "climate-era5"]


def days_from_1904():
    """Dates count from 1904 as soon as somebody on an old Mac has made the workbook."""
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    sheet = book.active
    sheet.append(HEADERS)
    sheet.append(["climate-alps", datetime.date(2026, 11, 1), "cpu", 12.5])
    # The same day without the format of a date.
    sheet.append(["climate-alps", 44865, "ram", 7])
    book.save(HERE / "days-from-1904.xlsx")


def formulas():
    """A writer that computes nothing puts a zero beside each formula."""
    book = xlsxwriter.Workbook(HERE / "formula-never-computed.xlsx")
    sheet = book.add_worksheet("Usage")
    sheet.write_row(0, 0, HEADERS)
    sheet.write_row(1, 0, ["climate-alps", "2026-11", "cpu"])
    sheet.write_formula(1, 3, "=10+2.5")
    sheet.write_row(2, 0, ["climate-alps", "2026-11", "ram", 7])
    book.close()
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "formula-computed.xlsx"
        book = openpyxl.Workbook()
        book.active.append(HEADERS)
        book.active.append([NAMES[0], "2026-11", "cpu", "=10+2.5"])
        book.active.append([NAMES[0], "2026-11", "ram", 7])
        book.save(source)
        # What LibreOffice takes over from a program that computes nothing, it does not compute either.
        zeros = pathlib.Path(folder) / "formula-zeros-kept.xlsx"
        zeros.write_bytes((HERE / "formula-never-computed.xlsx").read_bytes())
        command = ["soffice", "--headless", "--convert-to", "xlsx", "--outdir", str(HERE), str(source), str(zeros)]
        subprocess.run(command, check=True)


def kinds():
    """Cells of every kind in a column of amounts, and months of every kind beside good amounts."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADERS)
    for amount in [
        0.5,
        True,
        datetime.date(2026, 5, 1),
        datetime.timedelta(hours=36, minutes=15),
        "50 %",
        "€ 12",
        "-",
        "(5.00)",
        "12.50 k-hours",
        "12.50 hours",
    ]:
        sheet.append(["climate-alps", "2026-11", "cpu", amount])
    sheet.cell(row=2, column=4).number_format = "0.0%"
    sheet.cell(row=5, column=4).number_format = "[h]:mm:ss"
    error = sheet.cell(row=12, column=4, value="#DIV/0!")
    error.data_type = "e"
    for column, value in enumerate(["climate-alps", "2026-11", "cpu"], start=1):
        sheet.cell(row=12, column=column, value=value)
    book.save(HERE / "amounts-of-every-kind.xlsx")

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADERS)
    for month, component in [
        (datetime.datetime(2026, 11, 1), "cpu"),
        (46327, "ram"),
        ("Nov 2026", "gpu_hours"),
        (202611, "cpu"),
        ("11/2026", "ram"),
        ("30. November 2026", "gpu_hours"),
        ("2026.1", "cpu"),
        (2026.1, "ram"),
    ]:
        sheet.append([NAMES[(sheet.max_row - 1) // 3], month, component, "1 234,50"])
    book.save(HERE / "months-of-every-kind.xlsx")


days_from_1904()
formulas()
kinds()
