#!/usr/bin/env python3
"""Makes the corpus: files as users have them and as nobody should trust them, by real writers.

    pip install openpyxl xlsxwriter xlwt odfpy pyarrow msoffcrypto-tool
    python3 tests/corpus/make.py

The files stand beside this script with `expected.json`, which says of each what has to come of it:
the amounts that are read, the cells that are faulty, or why the file is refused. It was written from
what the files hold, not from what the program made of them.
"""
import datetime
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

import msoffcrypto
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
import xlwt
from msoffcrypto.format.ooxml import OOXMLFile
from odf import number as odf_number
from odf import opendocument, style, table, text

FOLDER = Path(__file__).parent / "files"
HEADER = ["resource_name", "billing_period", "component_type", "amount"]
NAMES = ["climate-alps", "climate-era5", "cohort-wgs"]
GOOD = {"climate-alps cpu": "1234.56", "climate-era5 cpu": "300.25", "cohort-wgs cpu": "9.00"}
ROWS = [
    ["climate-alps", "2026-11", "cpu", 1234.56],
    ["climate-era5", "2026-11", "cpu", 300.25],
    ["cohort-wgs", "2026-11", "cpu", 9],
]
EXPECTED: dict[str, dict] = {}


def expect(name: str, arguments: list[str] | None = None, **expected) -> Path:
    """What has to come of a file: `amounts`, `faulty` cells, or `refused` with a word of the reason."""
    assert name not in EXPECTED, name
    case = {"arguments": arguments} if arguments else {}
    EXPECTED[name] = case | expected
    return FOLDER / name


# Writers


def with_openpyxl(path: Path, rows: list[list], sheet: str = "Usage") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)


def edited(path: Path, edit, rows: list[list] | None = None) -> None:
    """A workbook of openpyxl that is changed before it is saved."""
    book = openpyxl.Workbook()
    book.active.title = "Usage"
    for row in rows if rows is not None else [HEADER, *ROWS]:
        book.active.append(row)
    edit(book, book.active)
    book.save(path)


def with_xlsxwriter(path: Path, write, **options) -> None:
    book = xlsxwriter.Workbook(str(path), options)
    sheet = book.add_worksheet("Usage")
    write(book, sheet)
    book.close()


def with_xlwt(path: Path, rows: list[list], dates_1904: bool = False) -> None:
    book = xlwt.Workbook()
    book.dates_1904 = dates_1904
    sheet = book.add_sheet("Usage")
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(number, column, value)
    book.save(str(path))


def with_odfpy(path: Path, rows: list[list], repeated: int = 0) -> None:
    book = opendocument.OpenDocumentSpreadsheet()
    sheet = table.Table(name="Usage")
    for row in rows:
        line = table.TableRow()
        for value in row:
            if isinstance(value, (int, float)):
                cell = table.TableCell(valuetype="float", value=str(value))
            else:
                cell = table.TableCell(valuetype="string")
            cell.addElement(text.P(text=str(value)))
            line.addElement(cell)
        sheet.addElement(line)
    if repeated:
        sheet.addElement(table.TableRow(numberrowsrepeated=str(repeated)))
    book.spreadsheet.addElement(sheet)
    book.save(str(path))


def with_libreoffice(path: Path, rows: list[list], form: str | None = None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / (path.stem + ".xlsx")
        if form:
            edited(source, lambda _book, sheet: shown_as(sheet, sheet["D3"].value, form), rows)
        else:
            with_openpyxl(source, rows)
        out = Path(temporary) / "out"
        command = ["soffice", "--headless", "--convert-to", path.suffix[1:], "--outdir", out, source]
        subprocess.run(command, check=True, capture_output=True)
        shutil.copy(out / path.name, path)


def csv_text(rows: list[list], delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(str(cell) for cell in row) for row in rows) + end


def repacked(path: Path, change) -> None:
    """The parts of a good workbook, changed by name: `change` gives the bytes, or none to leave it out."""
    memory = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.title = "Usage"
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    book.save(memory)
    is_changed = False
    with zipfile.ZipFile(memory) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            before = source.read(name)
            content = change(name, before)
            is_changed |= content != before
            if content is not None:
                target.writestr(zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    assert is_changed, path


# The same table in every format


def formats() -> None:
    rows = [HEADER, *ROWS]
    with_openpyxl(expect("long-openpyxl.xlsx", amounts=GOOD), rows)

    def write(_book, sheet):
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    with_xlsxwriter(expect("long-xlsxwriter.xlsx", amounts=GOOD), write)
    with_xlsxwriter(expect("long-constant-memory.xlsx", amounts=GOOD), write, constant_memory=True)
    with_libreoffice(expect("long-libreoffice.xlsx", amounts=GOOD), rows)
    with_libreoffice(expect("long-libreoffice.xls", amounts=GOOD), rows)
    with_libreoffice(expect("long-libreoffice.ods", amounts=GOOD), rows)
    with_xlwt(expect("long-xlwt.xls", amounts=GOOD), rows)
    with_odfpy(expect("long-odfpy.ods", amounts=GOOD), rows)
    with_odfpy(expect("repeated-blank-rows.ods", amounts=GOOD), rows, repeated=1_040_000)
    shutil.copy(FOLDER / "long-openpyxl.xlsx", expect("workbook-named.csv", amounts=GOOD))
    expect("text-named.xlsx", amounts=GOOD).write_text(csv_text(rows))

    def macros(name: str, content: bytes) -> bytes:
        if name == "[Content_Types].xml":
            return content.replace(
                b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
                b"application/vnd.ms-excel.sheet.macroEnabled.main+xml",
            )
        return content

    repacked(expect("macros.xlsm", amounts=GOOD), macros)

    def decimals(amounts, kind):
        columns = {key: [row[number] for row in ROWS] for number, key in enumerate(HEADER[:3])}
        return pa.table(columns | {"amount": pa.array(amounts, kind)})

    exact = [Decimal("1234.56"), Decimal("300.25"), Decimal("9.00")]
    pq.write_table(decimals(exact, pa.decimal128(20, 2)), expect("decimals.parquet", amounts=GOOD))
    pq.write_table(decimals([1234.56, 300.25, 9.0], pa.float64()), expect("floats.parquet", amounts=GOOD))
    blank = {key: amount for key, amount in GOOD.items() if "era5" not in key}
    nulls = decimals([exact[0], None, exact[2]], pa.decimal128(20, 2))
    pq.write_table(nulls, expect("nulls.parquet", amounts=blank))
    dates = decimals(exact, pa.decimal128(20, 2))
    month = pa.array([datetime.date(2026, 11, 1)] * 3)
    dates = dates.set_column(1, "billing_period", month)
    pq.write_table(dates, expect("dates.parquet", amounts=GOOD))
    nested = decimals(exact, pa.decimal128(20, 2))
    nested = nested.set_column(3, "amount", pa.array([{"value": 1.0}] * 3))
    pq.write_table(nested, expect("nested.parquet", refused="amount"))
    whole = (FOLDER / "decimals.parquet").read_bytes()
    expect("truncated.parquet", refused="").write_bytes(whole[: len(whole) // 2])


# Text files


def texts() -> None:
    rows = [HEADER, *ROWS]
    plain = csv_text(rows)
    expect("comma.csv", amounts=GOOD).write_text(plain)
    expect("semicolon.csv", amounts=GOOD).write_text(csv_text(rows, ";"))
    expect("tab.tsv", amounts=GOOD).write_text(csv_text(rows, "\t"))
    expect("bar.csv", amounts=GOOD).write_text(csv_text(rows, "|"))
    expect("sep-line.csv", amounts=GOOD).write_text("sep=;\n" + csv_text(rows, ";"))
    expect("sep-line-odd.csv", amounts=GOOD).write_text("sep=|\n" + csv_text(rows, "|"))
    expect("utf8-bom.csv", amounts=GOOD).write_bytes(b"\xef\xbb\xbf" + plain.encode())
    expect("utf16le-bom.csv", amounts=GOOD).write_bytes(b"\xff\xfe" + plain.encode("utf-16-le"))
    expect("utf16be-bom.csv", amounts=GOOD).write_bytes(b"\xfe\xff" + plain.encode("utf-16-be"))
    expect("utf16le.csv", amounts=GOOD).write_bytes(plain.encode("utf-16-le"))
    expect("utf16be.csv", amounts=GOOD).write_bytes(plain.encode("utf-16-be"))
    noted = [[*HEADER, "description"], *([*row, "Größe – 5 €"] for row in ROWS)]
    expect("windows-1252.csv", amounts=GOOD).write_bytes(csv_text(noted).encode("windows-1252"))
    expect("cr.csv", amounts=GOOD).write_bytes(csv_text(rows, end="\r").encode())
    expect("crlf.csv", amounts=GOOD).write_bytes(csv_text(rows, end="\r\n").encode())
    lines = plain.splitlines()
    mixed = lines[0] + "\r\n" + lines[1] + "\n" + lines[2] + "\r" + lines[3] + "\n"
    expect("mixed-line-ends.csv", amounts=GOOD).write_bytes(mixed.encode())
    quoted = ",".join([*HEADER, "description"]) + "\n"
    quoted += "".join(f'{row[0]},{row[1]},{row[2]},{row[3]},"two\nlines, ""quoted"""\n' for row in ROWS)
    expect("quotes-and-newlines.csv", amounts=GOOD).write_text(quoted)
    expect("blank-lines.csv", amounts=GOOD).write_text(plain.replace("\n", "\n\n"))
    short = plain.replace("climate-era5,2026-11,cpu,300.25", "climate-era5,2026-11,cpu")
    expect("ragged-short.csv", amounts=blank("climate-era5")).write_text(short)
    long = plain.replace("300.25", "300,25")
    expect("decimal-comma-unquoted.csv", faulty=["line 3"]).write_text(long)
    expect("unterminated-quote.csv", refused="quotation").write_text(plain.replace("300.25", '"300.25'))
    expect("nul.csv", either={"faulty": ["line 3"], "refused": True}).write_text(plain.replace("300.25", "300\0.25"))
    expect("empty.csv", refused="").write_bytes(b"")
    expect("blanks-only.csv", refused="").write_text("\n \n\t\n")
    expect("header-only.csv", refused="").write_text(",".join(HEADER) + "\n")
    page = "<html><body><table><tr><td>resource_name</td></tr></table></body></html>"
    expect("page-of-html.xls", refused="HTML").write_text(page)
    expect("document.pdf", refused="PDF").write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")


def blank(name: str) -> dict:
    return {key: amount for key, amount in GOOD.items() if not key.startswith(name)}


# Workbooks that are not what they seem


def hostile() -> None:
    whole = (FOLDER / "long-openpyxl.xlsx").read_bytes()
    expect("truncated.xlsx", refused="").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    broken = bytearray(whole)
    # A byte inside the packed sheet, behind the header of its part.
    at = part.header_offset + 30 + len(part.filename) + part.compress_size // 2
    broken[at] ^= 0xFF
    expect("damaged-sheet.xlsx", refused="").write_bytes(bytes(broken))
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(stored, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    # The checksum does not hold any more: an amount was changed without it.
    unsound = stored.getvalue().replace(b"300.25", b"900.25", 1)
    assert unsound != stored.getvalue()
    expect("bad-checksum.xlsx", refused="").write_bytes(unsound)
    locked = io.BytesIO()
    OOXMLFile(io.BytesIO(whole)).encrypt("secret", locked)
    expect("password.xlsx", refused="password").write_bytes(locked.getvalue())

    def laughs(name: str, content: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return content
        entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
        kind = f'<!DOCTYPE worksheet [<!ENTITY e0 "climate-alps">{entities}]>'.encode()
        head, rest = content.split(b"?>", 1) if content.startswith(b"<?xml") else (b"<?xml version='1.0'", content)
        return head + b"?>" + kind + rest.replace(b"climate-alps", b"&e9;", 1)

    repacked(expect("entities.xlsx", refused=""), laughs)

    def outside(name: str, content: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return content
        kind = b'<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        head, rest = content.split(b"?>", 1) if content.startswith(b"<?xml") else (b"<?xml version='1.0'", content)
        return head + b"?>" + kind + rest.replace(b"climate-alps", b"&x;", 1)

    repacked(expect("outside-entity.xlsx", refused=""), outside)

    def bomb(name: str, content: bytes) -> bytes:
        return content + b" " * (200 << 20) if name == "xl/worksheets/sheet1.xml" else content

    repacked(expect("inflates.xlsx", refused="inflates"), bomb)

    def linked(book, sheet):
        sheet["D3"] = "=[1]Prices!$A$1"

    edited(expect("outside-link-uncomputed.xlsx", faulty=["D3"]), linked)

    def wrong_dimension(name: str, content: bytes) -> bytes:
        return content.replace(b'<dimension ref="A1:D4"', b'<dimension ref="A1:D2"')

    repacked(expect("wrong-dimension.xlsx", amounts=GOOD), wrong_dimension)

    def far_away(name: str, content: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return content
        return content.replace(b'r="A4"', b'r="XFD1048577"')

    repacked(expect("cell-beyond-the-sheet.xlsx", refused=""), far_away)

    def twice(name: str, content: bytes) -> bytes:
        if name != "xl/worksheets/sheet1.xml":
            return content
        return content.replace(b'r="D4"', b'r="D3"')

    repacked(expect("cell-twice.xlsx", refused=""), twice)
    expect("not-a-workbook.xlsx", refused="").write_bytes(zip_of({"hello.txt": b"hello"}))
    with_xlwt(FOLDER / "whole.xls", [HEADER, *ROWS])
    old = (FOLDER / "whole.xls").read_bytes()
    (FOLDER / "whole.xls").unlink()
    expect("truncated.xls", refused="").write_bytes(old[: len(old) // 2])


def zip_of(parts: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return memory.getvalue()


# Sheets and headers


def sheets() -> None:
    def later(book, sheet):
        sheet.title = "Notes"
        usage = book.create_sheet("November")
        for row in [HEADER, *ROWS]:
            usage.append(row)

    edited(expect("data-on-a-later-sheet.xlsx", amounts=GOOD), later, [["Please see the next sheet"]])

    def hidden(state):
        def hide(book, _sheet):
            other = book.create_sheet("Old", 0)
            other.append(HEADER)
            other.append(["climate-alps", "2026-11", "cpu", 5])
            other.sheet_state = state
            book.active = 1

        return hide

    edited(expect("hidden-sheet-first.xlsx", amounts=GOOD), hidden("hidden"))
    edited(expect("very-hidden-sheet-first.xlsx", amounts=GOOD), hidden("veryHidden"))
    banner = [["Usage report of the HPC centre"], [], ["Made", "2026-11-30"], []]
    with_openpyxl(expect("banner.xlsx", amounts=GOOD), [*banner, HEADER, *ROWS])
    text_banner = "Usage report of the HPC centre\n\nMade,2026-11-30\n\n" + csv_text([HEADER, *ROWS])
    expect("banner.csv", amounts=GOOD).write_text(text_banner)
    wide = [["resource_name", "billing_period", "cpu", "ram"], ["climate-alps", "2026-11", 7.5, 70]]
    wide_amounts = {"climate-alps cpu": "7.50", "climate-alps ram": "70.00"}
    with_openpyxl(expect("wide.xlsx", amounts=wide_amounts), wide)
    two_rows = [["", "", "usage", ""], *wide]
    with_openpyxl(expect("two-row-header.xlsx", amounts=wide_amounts), two_rows)
    again = [HEADER, *ROWS, [], HEADER, ["flame-dns", "2026-11", "cpu", 4]]
    # Read as one table or refused, but never without the second part and never its header as a row.
    with_openpyxl(expect("two-tables.xlsx", either={"amounts": GOOD | {"flame-dns cpu": "4.00"}, "refused": True}), again)
    twice = [[*HEADER, "amount"], *([*row, row[3]] for row in ROWS)]
    with_openpyxl(expect("amount-twice.xlsx", refused="amount"), twice)
    unknown = [[*HEADER, "colour"], *([*row, "blue"] for row in ROWS)]
    with_openpyxl(expect("unknown-column.xlsx", amounts=GOOD), unknown)
    key_twice = [HEADER, *ROWS, ["climate-alps", "2026-11", "cpu", 1]]
    with_openpyxl(expect("key-twice.xlsx", faulty=["D2", "D5"]), key_twice)


# Hidden rows and columns, merged cells, totals


def structure() -> None:
    sys.path.insert(0, str(Path(__file__).parent.parent / "files"))
    import make_structure

    make_structure.make(expect)


# Amounts


def amounts() -> None:
    def case(name, values, expected=None, faulty=None, arguments=None, refused=None):
        """One amount per resource, as text in a text file whose cells are all quoted."""
        kinds = {"amounts": dict(zip(GOOD, expected)) if expected else None, "faulty": faulty, "refused": refused}
        kinds = {key: value for key, value in kinds.items() if value is not None}
        rows = [[name, "2026-11", "cpu", value] for name, value in zip(NAMES, values)]
        lines = [",".join(HEADER)] + [",".join(f'"{cell}"' for cell in row) for row in rows]
        expect(name, arguments, **kinds).write_text("\n".join(lines) + "\n")

    case("decimal-comma.csv", ["1234,56", "300,25", "9,5"], ["1234.56", "300.25", "9.50"])
    case("thousands-and-comma.csv", ["1.234,56", "300,25", "9"], ["1234.56", "300.25", "9.00"])
    case("thousands-and-point.csv", ["1,234.56", "300.25", "9"], ["1234.56", "300.25", "9.00"])
    case("settled-by-another-cell.csv", ["1.234", "300,25", "9"], ["1234.00", "300.25", "9.00"])
    case("either-comma.csv", ["1,234", "300", "9"], faulty=["line 2"])
    case("either-point.csv", ["1.234", "300", "9"], faulty=["line 2"])
    case("both-ways.csv", ["1.234,56", "300.25", "9"], faulty=["line 2", "line 3"])
    case("comma-by-flag.csv", ["1,23", "300", "9"], ["1.23", "300.00", "9.00"], arguments=["--decimal", "comma"])
    case("no-break-spaces.csv", ["1\u00a0234,56", "300,25", "9"], ["1234.56", "300.25", "9.00"])
    case("narrow-spaces.csv", ["1\u202f234,56", "300,25", "9"], ["1234.56", "300.25", "9.00"])
    case("thin-spaces.csv", ["1\u2009234.56", "300.25", "9"], ["1234.56", "300.25", "9.00"])
    case("apostrophes.csv", ["1'234.56", "300.25", "9"], ["1234.56", "300.25", "9.00"])
    case("typographic-apostrophes.csv", ["1’234.56", "300.25", "9"], ["1234.56", "300.25", "9.00"])
    case("indian-groups.csv", ["12,34,567.50", "300.25", "9"], faulty=["line 2"])
    case("groups-of-two.csv", ["1,23,45", "300", "9"], faulty=["line 2"])
    case("scientific.csv", ["1.23456E+3", "3.0025e2", "9e0"], ["1234.56", "300.25", "9.00"])
    case("full-width.csv", ["１２３４.５６", "300.25", "9"], ["1234.56", "300.25", "9.00"])
    case("plus-sign.csv", ["+1234.56", "300.25", "9"], ["1234.56", "300.25", "9.00"])
    case("accounting-negative.csv", ["(1234.56)", "300.25", "9"], faulty=["line 2"])
    case("trailing-minus.csv", ["1234.56-", "300.25", "9"], faulty=["line 2"])
    case("typographic-minus.csv", ["−1234.56", "300.25", "9"], faulty=["line 2"])
    case("percent.csv", ["12 %", "300.25", "9"], faulty=["line 2"])
    case("currency.csv", ["€ 1234.56", "300.25", "9"], faulty=["line 2"])
    case("wrong-unit.csv", ["1234.56 GB", "300.25", "9"], faulty=["line 2"])
    case("its-unit.csv", ["1234.56 k-hours", "300.25", "9"], ["1234.56", "300.25", "9.00"])
    case("letters.csv", ["12O4", "300.25", "l0"], faulty=["line 2", "line 4"])
    case("not-available.csv", ["N/A", "300.25", "-"], faulty=["line 2", "line 4"])
    case("three-decimals.csv", ["1234.567", "300.25", "9"], faulty=["line 2"])
    case("rounded.csv", ["1234.565", "300.25", "9"], ["1234.57", "300.25", "9.00"], arguments=["--round", "half-up"])
    case("infinite.csv", ["inf", "NaN", "9"], faulty=["line 2", "line 3"])
    case("hexadecimal.csv", ["0x10", "300.25", "9"], faulty=["line 2"])
    case("underscore.csv", ["1_234", "300.25", "9"], faulty=["line 2"])
    case("two-points.csv", ["1.234.56", "300.25", "9"], faulty=["line 2"])
    case("too-large.csv", ["1e12", "300.25", "9"], faulty=["line 2"])
    case("arabic-digits.csv", ["١٢٣", "300.25", "9"], faulty=["line 2"])
    case("clock-time.csv", ["12:30", "300.25", "9"], faulty=["line 2"])

    def cell(value, number_format=None):
        def write(_book, sheet):
            sheet["D3"] = value
            if number_format:
                sheet["D3"].number_format = number_format

        return write

    noise = GOOD | {"climate-era5 cpu": "0.30"}
    edited(expect("binary-noise.xlsx", amounts=noise), cell(0.1 + 0.2))
    edited(expect("number-as-text.xlsx", amounts=GOOD), cell("300.25"))
    edited(expect("truth.xlsx", faulty=["D3"]), cell(True))
    edited(expect("date.xlsx", faulty=["D3"]), cell(datetime.date(2026, 11, 3), "yyyy-mm-dd"))
    edited(expect("duration.xlsx", faulty=["D3"]), cell(datetime.timedelta(hours=30), "[h]:mm:ss"))
    edited(expect("percent-format.xlsx", faulty=["D3"]), cell(0.5, "0%"))
    for name, value, shown in [
        ("thousands-format", 1234560, "#,##0,"),
        ("unit-format", 5, '0.00 "hours"'),
        ("currency-format", 5, "[$€-407]#,##0.00"),
        ("literal-format", 5, '0"000"'),
        ("hidden-format", 5, ";;;"),
    ]:
        edited(expect(f"{name}.xlsx", faulty=["D3"]), cell(value, shown))
    accounting = '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)'
    edited(expect("accounting-format.xlsx", amounts=GOOD), cell(300.25, accounting))
    edited(expect("three-decimals.xlsx", faulty=["D3"]), cell(300.255))
    edited(expect("formula-uncomputed.xlsx", faulty=["D3"]), cell("=300+0.25"))
    edited(expect("error.xlsx", faulty=["D3"]), cell("#REF!"))

    def computed(_book, sheet):
        for number, row in enumerate([HEADER, *ROWS]):
            sheet.write_row(number, 0, row)
        sheet.write_formula("D3", "=300+0.25", None, 300.25)

    # This writer asks every reader to compute it all, and writes 0 where it is told no value.
    with_xlsxwriter(expect("formula-never-computed.xlsx", faulty=["D3"]), computed)
    sums = [HEADER, ROWS[0], [*ROWS[1][:3], "=300+0.25"], ROWS[2]]
    with_libreoffice(expect("formula-computed.xlsx", amounts=GOOD), sums)
    with_libreoffice(expect("formula-computed.ods", amounts=GOOD), sums)
    with_libreoffice(expect("formula-computed.xls", amounts=GOOD), sums)

    def evaluated(_book, sheet):
        for number, row in enumerate([HEADER, *ROWS]):
            sheet.write_row(number, 0, row)
        sheet.write_formula("D3", "=1/0", None, "#DIV/0!")

    with_xlsxwriter(expect("formula-error.xlsx", faulty=["D3"]), evaluated)
    negative = [HEADER, ["climate-alps", "2026-11", "cpu", -5], *ROWS[1:]]
    with_xlwt(expect("negative.xls", faulty=["D2"]), negative)
    with_odfpy(expect("negative.ods", faulty=["D2"]), negative)


# Cells that show something else than they hold


def make_formats():
    """The script of the other files, which knows how to write a binary workbook."""
    path = Path(__file__).parent.parent / "files" / "make_formats.py"
    spec = importlib.util.spec_from_file_location("make_formats", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HERE = FOLDER
    return module


def shown() -> None:
    rows = [HEADER, *ROWS]
    accounting = '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)'
    formats = {
        "percent": (0.5, "0%"),
        "thousands": (1234560, "#,##0,"),
        "unit": (5, '0.00 "hours"'),
        "currency": (5, "[$€-407]#,##0.00"),
        "literal": (5, '0"000"'),
        "hidden": (5, ";;;"),
        "escaped-percent": (5, "0.00\\%"),
        "accounting": (300.25, accounting),
        "grouped": (300.25, "#,##0.00;[Red]-#,##0.00"),
    }

    def case(name, good):
        return expect(name, amounts=GOOD) if good else expect(name, faulty=["D3"])

    for name, (value, form) in formats.items():
        good = name in ("accounting", "grouped")
        cells = [*rows[:2], [*ROWS[1][:3], value], rows[3]]
        if name == "escaped-percent":
            edited(case(f"{name}-format.xlsx", good), lambda _book, sheet: shown_as(sheet, 5, form))
        book = xlwt.Workbook()
        sheet = book.add_sheet("Usage")
        for number, row in enumerate(cells):
            for column, cell in enumerate(row):
                style = xlwt.XFStyle()
                style.num_format_str = form if (number, column) == (2, 3) else "General"
                sheet.write(number, column, cell, style)
        book.save(str(case(f"{name}-format.xls", good)))
        with_libreoffice(case(f"{name}-format.ods", good), cells, form)
        if name in ("thousands", "accounting"):
            with_libreoffice(case(f"{name}-format-libreoffice.xls", good), cells, form)
        case(f"{name}-format.xlsb", good)
        make_formats().xlsb(f"{name}-format.xlsb", cells, shown={(2, 3): form})
    expect("struck-out.xlsb", faulty=["D3"])
    make_formats().xlsb("struck-out.xlsb", rows, struck=[(2, 3)])

    # By a library, which writes no text beside the number, or the plain number.
    number = "<number:number number:min-integer-digits='1'/>"
    divided = "<number:number number:min-integer-digits='1' number:display-factor='1000'/>"
    for name, style in {
        "percent": f"<number:percentage-style style:name='N'>{number}<number:text>%</number:text></number:percentage-style>",
        "thousands": f"<number:number-style style:name='N'>{divided}</number:number-style>",
        "unit": f"<number:number-style style:name='N'>{number}<number:text> h</number:text></number:number-style>",
        "currency": "<number:currency-style style:name='N'><number:currency-symbol>€</number:currency-symbol>"
        f"{number}</number:currency-style>",
    }.items():
        for kind, inner in {"bare": "", "plain": "<text:p>5</text:p>"}.items():
            cell = f"<table:table-cell table:style-name='C' office:value-type='float' office:value='5'>{inner}</table:table-cell>"
            raw_ods(expect(f"{name}-style-{kind}.ods", faulty=["D3"]), cell, style)
    column = "<table:table-cell office:value-type='float' office:value='5'/>"
    style = f"<number:number-style style:name='N'>{number}<number:text> h</number:text></number:number-style>"
    raw_ods(expect("unit-style-of-column.ods", faulty=["D2", "D3", "D4"]), column, style, columns=True)
    fact = "<table:table-cell office:value-type='float' office:value='1234560'><text:p>1,235</text:p></table:table-cell>"
    raw_ods(expect("shown-in-thousands.ods", faulty=["D3"]), fact)
    bare = "<table:table-cell office:value-type='percentage' office:value='0.5'/>"
    raw_ods(expect("percentage-bare.ods", faulty=["D3"]), bare)
    bare = "<table:table-cell office:value-type='currency' office:currency='EUR' office:value='5'/>"
    raw_ods(expect("currency-bare.ods", faulty=["D3"]), bare)

    def text_cell(inner):
        return f"<table:table-cell office:value-type='string'><text:p>{inner}</text:p></table:table-cell>"

    raised = "<style:style style:name='T' style:family='text'><style:text-properties style:text-position='super 58%'/></style:style>"
    struck = raised.replace("style:text-position='super 58%'", "style:text-line-through-style='solid'")
    span = "<text:span text:style-name='T'>{}</text:span>"
    raw_ods(expect("raised-digit.ods", faulty=["D3"]), text_cell("30" + span.format("0")), raised)
    raw_ods(expect("partly-struck-out.ods", faulty=["D3"]), text_cell(span.format("300") + "300.25"), struck)
    out = "<style:style style:name='C' style:family='table-cell'><style:text-properties style:text-line-through-style='solid'/></style:style>"
    cell = "<table:table-cell table:style-name='C' office:value-type='float' office:value='5'><text:p>5</text:p></table:table-cell>"
    raw_ods(expect("struck-out.ods", faulty=["D3"]), cell, out)
    ruby = "<text:ruby><text:ruby-base>300.25</text:ruby-base><text:ruby-text>9</text:ruby-text></text:ruby>"
    raw_ods(expect("ruby.ods", amounts=GOOD), text_cell(ruby))
    hidden = "<text:hidden-text text:condition='ooow:1' text:string-value='9' text:is-hidden='true'>9</text:hidden-text>"
    raw_ods(expect("hidden-text.ods", amounts=GOOD), text_cell("300.25" + hidden))
    note = "<office:annotation><text:p>9</text:p></office:annotation>"
    noted = f"<table:table-cell office:value-type='string'>{note}<text:p>300.25{note}</text:p></table:table-cell>"
    raw_ods(expect("annotation.ods", amounts=GOOD), noted)
    frame = "<draw:frame><draw:text-box><text:p>9</text:p></draw:text-box></draw:frame>"
    raw_ods(expect("frame-inside.ods", amounts=GOOD), text_cell("300.25" + frame))
    for name, blank in {"blanks": "<text:s text:c='2'/>", "tab": "<text:tab/>", "line-break": "<text:line-break/>"}.items():
        raw_ods(expect(f"{name}-inside.ods", faulty=["D3"]), text_cell(f"30{blank}0"))
    other = "<table:table-cell office:value-type='string' office:string-value='12'><text:p>300.25</text:p></table:table-cell>"
    raw_ods(expect("text-shown-otherwise.ods", faulty=["D3"]), other)
    lasting = "<table:table-row table:number-rows-repeated='1000000'>" + "".join(
        f"<table:table-cell office:value-type='string'><text:p>{cell}</text:p></table:table-cell>" for cell in ROWS[0][:3]
    )
    raw_ods(expect("rows-filled-down.ods", refused="comes 1000000 times"), text_cell("300.25"), below=lasting + "</table:table-row>")

    rich()
    pieces()


def shown_as(sheet, value, form) -> None:
    sheet["D3"] = value
    sheet["D3"].number_format = form


def raw_ods(path: Path, cell: str, styles: str = "", columns: bool = False, below: str = "") -> None:
    """A spreadsheet whose amount of climate-era5 is this cell."""
    names = ["office", "table", "text", "style", "draw"]
    spaces = [f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names]
    spaces.append('xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"')

    def plain(value):
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'

    if "style:name='N'" in styles:
        styles += "<style:style style:name='C' style:family='table-cell' style:data-style-name='N'/>"
    head = '<table:table-column table:number-columns-repeated="3"/><table:table-column table:default-cell-style-name="C"/>'
    lines = []
    for number, row in enumerate([HEADER, *ROWS]):
        cells = [plain(value) for value in row]
        if number == 2:
            cells[3] = cell
        lines.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    body = (head if columns else "") + "".join(lines) + below
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {" ".join(spaces)} office:version="1.2">'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>"
        f'<table:table table:name="Usage">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>'
    )
    parts = {"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": content}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)


def rich() -> None:
    def written(at, *parts):
        def write(book, sheet):
            for number, row in enumerate([HEADER, *ROWS]):
                sheet.write_row(number, 0, row)
            looks = {"raised": {"font_script": 1}, "struck": {"font_strikeout": True}, "bold": {"bold": True}, "plain": {}}
            if len(parts) == 2:
                sheet.write(at, parts[1], book.add_format(looks[parts[0]]))
            else:
                sheet.write_rich_string(at, *(book.add_format(looks[part]) if part in looks else part for part in parts))

        return write

    with_xlsxwriter(expect("raised-digit.xlsx", faulty=["D3"]), written("D3", "plain", "30", "raised", "0"))
    with_xlsxwriter(expect("partly-struck-out.xlsx", faulty=["D3"]), written("D3", "struck", "300", "plain", "300.25"))
    with_xlsxwriter(expect("struck-out.xlsx", faulty=["D3"]), written("D3", "struck", 300.25))
    with_xlsxwriter(expect("struck-out-name.xlsx", faulty=["A3"]), written("A3", "struck", "climate-era5"))
    with_xlsxwriter(expect("raised-digit-of-name.xlsx", faulty=["A3"]), written("A3", "plain", "climate-era", "raised", "5"))
    with_xlsxwriter(expect("raised-digit-of-month.xlsx", faulty=["B3"]), written("B3", "plain", "2026-1", "raised", "1"))
    with_xlsxwriter(expect("bold-part.xlsx", amounts=GOOD), written("A3", "bold", "climate", "plain", "-era5"))
    raised = xlwt.Font()
    raised.escapement = xlwt.Font.ESCAPEMENT_SUPERSCRIPT
    struck = xlwt.Font()
    struck.struck_out = True
    for name, parts in {
        "raised-digit.xls": ["30", ("0", raised)],
        "partly-struck-out.xls": [("300", struck), "300.25"],
        "struck-out.xls": None,
    }.items():
        book = xlwt.Workbook()
        sheet = book.add_sheet("Usage")
        for number, row in enumerate([HEADER, *ROWS]):
            for column, value in enumerate(row):
                if (number, column) != (2, 3):
                    sheet.write(number, column, value)
        if parts:
            sheet.write_rich_text(2, 3, parts)
        else:
            style = xlwt.XFStyle()
            style.font = struck
            sheet.write(2, 3, 300.25, style)
        book.save(str(expect(name, faulty=["D3"])))


def pieces() -> None:
    """Values that the file breaks, of which a reader may take a piece."""

    def case(name, cell, **expected):
        def change(part, content):
            if part != "xl/worksheets/sheet1.xml":
                return content
            return re.sub(rb'<c r="D3"[^>]*>.*?</c>', cell.encode(), content)

        repacked(expect(f"{name}.xlsx", **(expected or {"faulty": ["D3"]})), change)

    case("value-reference", '<c r="D3"><v>30&#48;.25</v></c>')
    case("value-comment", '<c r="D3"><v>30<!-- -->0.25</v></c>')
    case("value-comment-first", '<c r="D3"><v><!-- -->300.25</v></c>')
    case("value-cdata", '<c r="D3"><v>30<![CDATA[0.25]]></v></c>')
    case("value-element", '<c r="D3"><v>30<x/>0.25</v></c>')
    case("value-twice", '<c r="D3"><v>30</v><v>300.25</v></c>')
    case("value-and-text", '<c r="D3" t="inlineStr"><is><t>30</t></is><v>300.25</v></c>')
    case("text-cdata", '<c r="D3" t="str"><v>30<![CDATA[0.2]]>5</v></c>')
    case("text-reference", '<c r="D3" t="str"><v>30&#48;.25</v></c>', amounts=GOOD)
    case("text-in-place", '<c r="D3" t="inlineStr"><is><t>300.25</t></is></c>', amounts=GOOD)
    raised = '<r><t>30</t></r><r><rPr><vertAlign val="superscript"/></rPr><t>0</t></r>'
    case("raised-digit-in-place", f'<c r="D3" t="inlineStr"><is>{raised}</is></c>')
    case("value-extended", '<c r="D3"><v>300.25</v><extLst><ext><v>9</v></ext></extLst></c>', refused="D3")
    case("value-hexadecimal", '<c r="D3"><v>0x10</v></c>')


# Quotation marks and separators that are not where they belong


def separators() -> None:
    def case(name, text, arguments=None, **expected):
        expect(f"{name}.csv", arguments, **expected).write_text(text)

    noted = ",".join([*HEADER, "description"])
    case(
        "quotes-around-rows",
        f'{noted}\nclimate-alps,2026-11,cpu,5,"old disk\nclimate-era5,2026-11,cpu,6,x\n'
        'cohort-wgs,2026-11,cpu,7,new disk"\nflame-dns,2026-11,cpu,8,y\n',
        refused="line 3: climate-era5",
    )
    case(
        "quotes-around-two-rows",
        f'{noted}\nclimate-alps,2026-11,cpu,5,"old\nclimate-era5,2026-11,cpu,6,new"\n',
        refused="line 3: climate-era5",
    )
    case(
        "quotes-around-first-cells",
        f'description,{",".join(HEADER)}\n"old,climate-alps,2026-11,cpu,5\nb",climate-era5,2026-11,cpu,6\n',
        refused="line 2: old",
    )
    # The rows inside of the quotation marks have a cell less or more than the header.
    for name, row in {"less": "climate-era5,2026-11,cpu,6", "more": "climate-era5,2026-11,cpu,6,x,y"}.items():
        case(
            f"quotes-around-a-cell-{name}",
            f'{noted}\nclimate-alps,2026-11,cpu,5,"old disk\n{row}\nnew disk"\n',
            refused="line 3: climate-era5",
        )
    wide = "resource_name,billing_period,cpu,ram,description"
    case("wide-comma-longer", f"{wide}\nclimate-alps,2026-11,1,5,2,\nclimate-era5,2026-11,3,4,x\n", faulty=["line 2"])
    case("wide-comma-beyond", f"{wide}\nclimate-alps,2026-11,1,5,2,7,x\n", faulty=["line 2"])
    case("wide-comma-described", f"{wide}\nclimate-alps,2026-11,3,1,50\nclimate-era5,2026-11,4,2,25\n", refused="line 2 first")
    ended = {"climate-alps cpu": "1.00", "climate-alps ram": "5.00", "climate-era5 cpu": "3.00", "climate-era5 ram": "4.00"}
    case("comma-at-every-end", f"{wide}\nclimate-alps,2026-11,1,5,x,\nclimate-era5,2026-11,3,4,y,\n", amounts=ended)
    # Every row has a blank cell more than the header: only a row that makes no other sense shows that they end so.
    moved = {"climate-alps cpu": "1.50", "climate-alps ram": "5.00"}
    plain = "resource_name,billing_period,cpu,ram,gpu"
    case("comma-in-every-row", f"{plain}\nclimate-alps,2026-11,1,5,2,\nclimate-era5,2026-11,3,4,7,\n",
         faulty=["line 2", "line 3"])
    case("blank-in-every-row", f"{plain}\nclimate-alps,2026-11,,1.5,5,\nclimate-era5,2026-11,,2.5,4,\n",
         faulty=["line 2", "line 3"])
    case("blank-in-every-row-semicolons", f"{plain}\nclimate-alps,2026-11,,1.5,5,\n".replace(",", ";"), faulty=["line 2"])
    case("comma-at-every-end-of-fractions", f"{plain}\nclimate-alps,2026-11,1.5,5.0,,\nclimate-era5,2026-11,,4.5,,\n",
         amounts=moved | {"climate-era5 ram": "4.50"})
    case("blank-at-one-end", f"{plain}\nclimate-alps,2026-11,,1.5,5,\nclimate-era5,2026-11,,4.5,\n", faulty=["line 2"])
    case("comma-at-every-end-and-header", f"{plain},\nclimate-alps,2026-11,1,5,,\n",
         amounts={"climate-alps cpu": "1.00", "climate-alps ram": "5.00"})
    users = ",".join([*HEADER, "username"])
    case("comma-before-users", f"{users}\nclimate-alps,2026-11,cpu,12,5\n", faulty=["line 2"])
    # A unit in a column without a header.
    case("unit-beside", f"{','.join(HEADER)},\nclimate-alps,2026-11,cpu,12,h\nclimate-era5,2026-11,cpu,3,k-hours\n",
         faulty=["line 2"])
    case("own-unit-beside", f"{','.join(HEADER)},\nclimate-alps,2026-11,cpu,12,k-hours\n", amounts={"climate-alps cpu": "12.00"})
    case("unit-beside-converted", f"{','.join(HEADER)},\nclimate-alps,2026-11,cpu,1500,hours\n",
         arguments=["--unit-factor", "hours=0.001 k-hours"], amounts={"climate-alps cpu": "1.50"})
    case("remark-beside", f"{','.join(HEADER)},\nclimate-alps,2026-11,cpu,12,checked by Anna\n", amounts={"climate-alps cpu": "12.00"})
    case("unit-beside-wide", "resource_name,billing_period,cpu,,ram\nclimate-alps,2026-11,12,h,5\n", faulty=["line 2"])
    case("own-units-beside-wide", "resource_name,billing_period,cpu,,ram,\nclimate-alps,2026-11,12,k-hours,5,GB-hours\n",
         amounts={"climate-alps cpu": "12.00", "climate-alps ram": "5.00"})
    case("unit-column-wide", "resource_name,billing_period,cpu,unit\nclimate-alps,2026-11,12,hours\n", faulty=["line 2"])
    case("own-unit-column-wide", "resource_name,billing_period,cpu,unit\nclimate-alps,2026-11,12,k-hours\n",
         amounts={"climate-alps cpu": "12.00"})
    # Components in rows and in columns.
    case("long-and-wide", f"{','.join(HEADER)},ram\nclimate-alps,2026-11,cpu,12,5\n", faulty=["line 2"])
    case("long-and-wide-by-flag", f"{','.join(HEADER)},ram\nclimate-alps,2026-11,cpu,12,5\n", arguments=["--ignore-column", "ram"],
         amounts={"climate-alps cpu": "12.00"})
    case("comma-described", f"{noted}\nclimate-alps,2026-11,cpu,1234,56\nclimate-era5,2026-11,cpu,300,00\n", refused="line 2 first")
    case("comma-behind-the-header", f"{','.join(HEADER)},,\nclimate-alps,2026-11,cpu,1,234\n", refused="line 2 first")
    described = {"climate-alps cpu": "1234.00", "climate-era5 cpu": "300.00"}
    case("digits-that-describe", f"{noted}\nclimate-alps,2026-11,cpu,1234,56\nclimate-era5,2026-11,cpu,300,row 7\n", amounts=described)

    def column(name, values, delimiter=";", arguments=None, months=None, **expected):
        names = ["climate-alps", "climate-era5", "cohort-wgs", "flame-dns"]
        rows = [[one, (months or {}).get(at, "2026-11"), "cpu", value] for at, (one, value) in enumerate(zip(names, values))]
        case(name, csv_text([HEADER, *rows], delimiter), arguments, **expected)

    column("one-odd-point", ["1.250", "12.000", "7.5"], faulty=["line 2", "line 3"])
    column("one-odd-point-by-flag", ["1.250", "12.000", "7.5"], arguments=["--decimal", "point"],
           amounts={"climate-alps cpu": "1.25", "climate-era5 cpu": "12.00", "cohort-wgs cpu": "7.50"})
    column("point-against-semicolons", ["1.250", "7.5"], faulty=["line 2"])
    column("point-among-bars", ["1.250", "7.5"], "|", amounts={"climate-alps cpu": "1.25", "climate-era5 cpu": "7.50"})
    column("one-comma-like-the-others", ["1.250", "12.000", "2.345,5"],
           amounts={"climate-alps cpu": "1250.00", "climate-era5 cpu": "12000.00", "cohort-wgs cpu": "2345.50"})
    column("shown-in-another-month", ["1.250", "0.5"], "|", ["--period", "2026-11"], {1: "2026-10"}, faulty=["line 2"])
    dates = {0: "11/01/2026", 1: "11/02/2026", 2: "30/11/2026"}
    column("one-odd-date", ["1", "2", "3"], months=dates, faulty=["line 2", "line 3"])


# Lengths of time and instants


def zones() -> None:
    def case(name, column, values, **expected):
        columns = {key: [row[number] for row in ROWS] for number, key in enumerate(HEADER)}
        columns[column] = values
        pq.write_table(pa.table(columns), expect(f"{name}.parquet", **expected))

    hours = [datetime.timedelta(hours=10)] * 3
    lines = ["line 2", "line 3", "line 4"]
    for unit in ("s", "ms", "us", "ns"):
        case(f"duration-{unit}", "amount", pa.array(hours, pa.duration(unit)), faulty=lines)
    case("time-of-day", "amount", pa.array([datetime.time(5)] * 3, pa.time64("us")), faulty=lines)
    case("half-precision", "amount", pa.array([1.5, 2.25, 3.0], pa.float16()), faulty=lines)
    turn = [datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)] * 3
    middle = [datetime.datetime(2026, 11, 15, 12, tzinfo=datetime.timezone.utc)] * 3
    case("instant-of-utc", "billing_period", pa.array(turn, pa.timestamp("us", "UTC")), amounts=GOOD)
    case("instant-in-new-york", "billing_period", pa.array(turn, pa.timestamp("us", "America/New_York")), faulty=lines)
    case("instant-in-new-york-middle", "billing_period", pa.array(middle, pa.timestamp("us", "America/New_York")), amounts=GOOD)
    late = [datetime.datetime(2026, 10, 31, 23, tzinfo=datetime.timezone.utc)] * 3
    case("instant-in-oslo", "billing_period", pa.array(late, pa.timestamp("ns", "Europe/Oslo")), faulty=lines)


# Months


def months() -> None:
    def case(name, month, arguments=None, **expected):
        rows = [HEADER] + [[row[0], month, row[2], row[3]] for row in ROWS]
        expect(name, arguments, **(expected or {"amounts": GOOD})).write_text(csv_text(rows))

    for name, month in {
        "month-day": "2026-11-15",
        "month-slash": "11/2026",
        "month-slash-year-first": "2026/11",
        "month-name": "Nov 2026",
        "month-name-long": "November 2026",
        "month-name-german": "November 2026",
        "month-name-dash": "Nov-2026",
        "month-dash": "11 - 2026",
        "month-proven-day-first": "30/11/2026",
        "month-proven-month-first": "11/30/2026",
        "month-points": "01.11.2026",
        "month-with-time": "2026-11-01T00:00:00Z",
    }.items():
        case(f"{name}.csv", month)
    case("month-either-way.csv", "01/11/2026", faulty=["line 2"])
    case("month-day-first-by-flag.csv", "01/11/2026", ["--dates", "dmy"], amounts=GOOD)
    other = csv_text([["resource_name", "Month", *HEADER[2:]], *([row[0], "Oct 2026", *row[2:]] for row in ROWS)])
    expect("month-under-another-name.csv", ["--period", "2026-11"], refused="Month").write_text(other)
    case("month-13.csv", "2026-13", faulty=["line 2"])
    case("month-two-digits.csv", "11/26", faulty=["line 2"])
    case("month-year-only.csv", "2026", faulty=["line 2"])

    def dated(book, sheet):
        for row in range(2, 5):
            sheet.cell(row, 2).value = datetime.date(2026, 11, 1)
            sheet.cell(row, 2).number_format = "mmm yyyy"

    edited(expect("month-as-date.xlsx", amounts=GOOD), dated)

    def dated_1904(book, sheet):
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        dated(book, sheet)

    edited(expect("month-as-date-1904.xlsx", amounts=GOOD), dated_1904)

    def serial(book, sheet):
        for row in range(2, 5):
            sheet.cell(row, 2).value = 46327

    edited(expect("month-as-serial.xlsx", amounts=GOOD), serial)


# Totals by formulas that name their sheet or their table, and rows and columns that nobody can see


def named_sums() -> None:
    rows = [HEADER, ["climate-alps", "2026-11", "cpu", 10], ["climate-era5", "2026-11", "cpu", 20]]
    first = {"climate-alps cpu": "10.00", "climate-era5 cpu": "20.00"}

    def summed(name, formula, sheet="Usage", table_of=None, **expected):
        """A row that names resource, month and component, and whose amount is a formula."""

        def write(book, _sheet):
            page = book.get_worksheet_by_name(sheet)
            for number, row in enumerate(rows):
                page.write_row(number, 0, row)
            if table_of:
                columns = [{"header": header} for header in HEADER]
                page.add_table(0, 0, 2, 3, {"name": table_of, "columns": columns})
            page.write_row(3, 0, ["cohort-wgs", "2026-11", "cpu"])
            page.write_formula(3, 3, formula, None, 30)

        memory = io.BytesIO()
        book = xlsxwriter.Workbook(memory)
        page = book.add_worksheet(sheet)
        write(book, page)
        book.add_worksheet("Raw").write(0, 0, 1)
        book.close()
        # The value is one that a program has computed.
        with zipfile.ZipFile(memory) as source, zipfile.ZipFile(expect(f"{name}.xlsx", **expected), "w") as target:
            for part in source.namelist():
                content = source.read(part).replace(b' fullCalcOnLoad="1"', b"")
                target.writestr(part, content, zipfile.ZIP_DEFLATED)

    of_rows = "which adds up rows 2–3 of its own column"
    summed("sum-of-own-sheet", "=SUM(Usage!D2:D3)", refused=of_rows)
    summed("sum-of-own-quoted-sheet", "=SUM('Usage 11'!$D$2:$D$3)", "Usage 11", refused=of_rows)
    summed("terms-of-own-sheet", "=Usage!D2+Usage!D3", refused=of_rows)
    summed("subtotal-of-own-sheet", "=SUBTOTAL(9,Usage!D2:D3)", refused=of_rows)
    summed("aggregate-of-own-sheet", "=AGGREGATE(9,5,Usage!$D$2:$D$3)", refused=of_rows)
    summed("sum-of-own-table", "=SUM(Use[amount])", table_of="Use", refused=of_rows)
    summed("sum-of-own-table-data", "=SUM(Use[[#Data],[amount]])", table_of="Use", refused=of_rows)
    summed("sum-of-another-sheet", "=SUM(Raw!D2:D3)", amounts=first | {"cohort-wgs cpu": "30.00"})

    def in_open_document(name, formula, sheet):
        book = opendocument.OpenDocumentSpreadsheet()
        page = table.Table(name=sheet)
        for row in [*rows, ["cohort-wgs", "2026-11", "cpu", 30]]:
            line = table.TableRow()
            for value in row:
                is_number = isinstance(value, int)
                kind = {"valuetype": "float", "value": str(value)} if is_number else {"valuetype": "string"}
                if value == 30:
                    kind["formula"] = formula
                cell = table.TableCell(**kind)
                cell.addElement(text.P(text=str(value)))
                line.addElement(cell)
            page.addElement(line)
        book.spreadsheet.addElement(page)
        book.save(str(expect(f"{name}.ods", refused=of_rows)))

    in_open_document("sum-of-own-column", "of:=SUM([.D2:.D3])", "Usage")
    in_open_document("sum-of-own-sheet", "of:=SUM([Usage.D2:.D3])", "Usage")
    in_open_document("sum-of-own-quoted-sheet", "of:=SUM([$'Usage 11'.$D$2:.$D$3])", "Usage 11")


def flat() -> None:
    def low(_book, sheet):
        sheet.row_dimensions[3].height = 0.05

    edited(expect("flat-row.xlsx", refused="hidden-rows"), low)
    read = {key: value for key, value in GOOD.items() if not key.startswith("climate-era5")}
    edited(expect("flat-row-left-out.xlsx", ["--hidden-rows", "skip"], amounts=read), low)

    # Cells that cannot be added up are cells all the same.
    def unreadable(_book, sheet):
        sheet.column_dimensions["D"].hidden = True

    odd = [["resource_name", "billing_period", "cpu", "ram"], ["climate-alps", "2026-11", 1, "1.234"],
           ["climate-era5", "2026-11", 2, "5 or 6"]]
    edited(expect("hidden-column-unreadable.xlsx", refused="a column that is hidden, with 2 cells"), unreadable, odd)
    # A column of formulas that nobody has computed, headed as no component.
    mistyped = [["resource_name", "billing_period", "cpu", "rma"], ["climate-alps", "2026-11", 1, "=2+3"]]
    edited(expect("formulas-of-no-component.xlsx", refused="unknown-component-column"), lambda _book, _sheet: None, mistyped)

    def merged(_book, sheet):
        sheet.merge_cells("G2:G3")

    header = ["Resource name", "Client organization", "Client project", "Offering", "Plan component name",
              "Date of reporting", "Value"]
    owner = ["Technische Universität Küstenland", "Regional Climate Downscaling", "HPC allocation"]
    exported = [header, *(["climate-alps", *owner, name, "2026-11-10", "5 k-hours"] for name in ("CPU", "RAM"))]
    edited(expect("export-merged.xlsx", ["--period", "2026-11"], refused="merged-amount"), merged, exported)

    def narrow(_book, sheet):
        sheet.column_dimensions["D"].width = 0.05

    wide = [["resource_name", "billing_period", "cpu", "ram"], ["climate-alps", "2026-11", 1, 5]]
    edited(expect("flat-column.xlsx", refused="hidden-columns"), narrow, wide)

    def in_open_document(name, of_row, of_column, reason):
        book = opendocument.OpenDocumentSpreadsheet()
        row_style = style.Style(name="low", family="table-row")
        row_style.addElement(style.TableRowProperties(rowheight="0cm", useoptimalrowheight="false"))
        column_style = style.Style(name="narrow", family="table-column")
        column_style.addElement(style.TableColumnProperties(columnwidth="0.02cm"))
        for own in (row_style, column_style):
            book.automaticstyles.addElement(own)
        page = table.Table(name="Usage")
        for column in range(4):
            page.addElement(table.TableColumn(stylename=column_style) if column == of_column else table.TableColumn())
        for number, row in enumerate(wide if of_column else [HEADER, *ROWS]):
            line = table.TableRow(stylename=row_style) if number == of_row else table.TableRow()
            for value in row:
                is_text = isinstance(value, str)
                kind = {"valuetype": "string"} if is_text else {"valuetype": "float", "value": str(value)}
                cell = table.TableCell(**kind)
                cell.addElement(text.P(text=str(value)))
                line.addElement(cell)
            page.addElement(line)
        book.spreadsheet.addElement(page)
        book.save(str(expect(f"{name}.ods", refused=reason)))

    in_open_document("flat-row", 2, None, "hidden-rows")
    in_open_document("flat-column", None, 3, "hidden-columns")

    def low_in_xls(path):
        book = xlwt.Workbook()
        sheet = book.add_sheet("Usage")
        for number, row in enumerate([HEADER, *ROWS]):
            for column, value in enumerate(row):
                sheet.write(number, column, value)
        sheet.row(2).height_mismatch = True
        sheet.row(2).height = 10
        book.save(str(path))

    low_in_xls(expect("flat-row.xls", refused="hidden-rows"))

    def twice(name, content):
        if name != "xl/worksheets/sheet1.xml":
            return content
        before, after = content.split(b"</sheetData>")
        more = b'<sheetData><row r="5"><c r="A5" t="inlineStr"><is><t>flame-dns</t></is></c></row></sheetData>'
        return before + b"</sheetData>" + more + after

    repacked(expect("cells-in-two-places.xlsx", refused="damaged-file"), twice)


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for part in (formats, texts, hostile, sheets, structure, amounts, shown, separators, zones, months, named_sums, flat):
        part()
    for name in EXPECTED:
        assert (FOLDER / name).exists(), name
    lines = [f"  {json.dumps(name)}: {json.dumps(case, ensure_ascii=False)}" for name, case in EXPECTED.items()]
    (Path(__file__).parent / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(EXPECTED)} files, {size} bytes")


if __name__ == "__main__":
    main()
