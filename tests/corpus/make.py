#!/usr/bin/env python3
"""Makes the corpus: files as users have them and as nobody should trust them, by real writers.

    pip install openpyxl xlsxwriter xlwt odfpy pyarrow msoffcrypto-tool
    python3 tests/corpus/make.py

The files stand beside this script with `expected.json`, which says of each what has to come of it:
the amounts that are read, the cells that are faulty, or why the file is refused. It was written from
what the files hold, not from what the program made of them.
"""
import datetime
import io
import json
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
from odf import opendocument, table, text

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


def with_libreoffice(path: Path, rows: list[list]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / (path.stem + ".xlsx")
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


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for part in (formats, texts, hostile, sheets, structure, amounts, months):
        part()
    for name in EXPECTED:
        assert (FOLDER / name).exists(), name
    lines = [f"  {json.dumps(name)}: {json.dumps(case, ensure_ascii=False)}" for name, case in EXPECTED.items()]
    (Path(__file__).parent / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(EXPECTED)} files, {size} bytes")


if __name__ == "__main__":
    main()
