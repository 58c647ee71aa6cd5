"""Writes tests/files/formats: one table in every format, and files that are to be refused or remarked on.

    pip install openpyxl xlsxwriter xlwt odfpy pyarrow msoffcrypto-tool
    python3 tests/files/make_formats.py

LibreOffice (soffice) converts some of them. Writers put the time into their files, so a second run gives
other bytes with the same content.
"""

import datetime
import io
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zipfile
from decimal import Decimal

import msoffcrypto.format.ooxml
import odf.opendocument
import odf.style
import odf.table
import odf.text
import openpyxl
import pyarrow
import pyarrow.parquet
import xlsxwriter
import xlwt

HERE = pathlib.Path(__file__).parent / "formats"
HEADER = ["resource_name", "billing_period", "component_type", "amount", "description"]
MONTH = datetime.date(2026, 11, 1)
ROWS = [
    ["climate-alps", MONTH, "cpu", 1234.5, 'Änderung, "laut Vertrag"; a|b'],
    ["climate-alps", MONTH, "ram", 0, None],
    ["climate-cordex", MONTH, "cpu", 0.01, "two\nlines"],
    ["climate-cordex", MONTH, "ram", 12345678.9, None],
    ["climate-era5", MONTH, "cpu", 0.1 + 0.2, "\u00a0"],
]


def path(name):
    return str(HERE / name)


def fill(sheet, rows):
    for row in rows:
        sheet.append(row)


def workbook(name, sheets, states=None):
    """Sheets of rows, by openpyxl."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        fill(sheet, rows)
        sheet.sheet_state = (states or {}).get(title, "visible")
    book.save(path(name))


def convert(name, ending, to):
    with tempfile.TemporaryDirectory() as folder:
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile"]
        subprocess.run(command + ["--convert-to", ending, "--outdir", folder, path(name)], check=True)
        made = pathlib.Path(folder) / (pathlib.Path(name).stem + "." + ending.split(":")[0])
        shutil.copy(made, path(to))


def same_table():
    workbook("usage.xlsx", {"Usage": [HEADER] + ROWS})
    convert("usage.xlsx", "xls", "usage.xls")
    convert("usage.xlsx", "ods", "usage.ods")
    with zipfile.ZipFile(path("usage.xlsx")) as old, zipfile.ZipFile(path("usage.xlsm"), "w") as new:
        plain, macros = "spreadsheetml.sheet.main+xml", "vnd.ms-excel.sheet.macroEnabled.main+xml"
        for part in old.namelist():
            content = old.read(part)
            if part == "[Content_Types].xml":
                content = content.replace(
                    b"application/vnd.openxmlformats-officedocument." + plain.encode(),
                    b"application/" + macros.encode(),
                )
            new.writestr(part, content, zipfile.ZIP_DEFLATED)
        new.writestr("xl/vbaProject.bin", b"not a macro that anybody runs")
    xlsb("usage.xlsb", [HEADER] + ROWS)
    types = [
        ("resource_name", pyarrow.string()),
        ("billing_period", pyarrow.date32()),
        ("component_type", pyarrow.dictionary(pyarrow.int8(), pyarrow.string())),
        ("amount", pyarrow.decimal128(20, 6)),
        ("description", pyarrow.string()),
    ]
    columns = list(zip(*ROWS))
    columns[3] = [Decimal(str(round(value, 6))) for value in columns[3]]
    arrays = [pyarrow.array(values, type_) for values, (_, type_) in zip(columns, types)]
    table = pyarrow.table(arrays, schema=pyarrow.schema(types))
    for codec in ["snappy", "zstd", "gzip", "lz4", "none"]:
        pyarrow.parquet.write_table(table, path(f"usage-{codec}.parquet"), compression=codec)
    plain = [[cell if cell is not None else "" for cell in row] for row in [HEADER] + ROWS]
    for row in plain[1:]:
        row[1] = "2026-11"
        row[3] = format(Decimal(str(round(row[3], 6))).normalize(), "f")
    lines = ["%s;%s;%s;%s;%s" % tuple(quoted(cell) for cell in row) for row in plain]
    text = "\n".join(lines) + "\n"
    texts = {
        "usage-utf8.csv": text.encode(),
        "usage-utf8-mark.csv": b"\xef\xbb\xbf" + "\r\n".join(lines).encode(),
        "usage-utf16le-mark.csv": b"\xff\xfe" + text.encode("utf-16-le"),
        "usage-utf16be-mark.csv": b"\xfe\xff" + text.encode("utf-16-be"),
        "usage-utf16le.csv": text.encode("utf-16-le"),
        "usage-utf16be.csv": text.encode("utf-16-be"),
        "usage-windows-1252.csv": text.encode("cp1252"),
        "usage-cr.csv": text.replace("\n", "\r").encode(),
        "usage-sep.csv": b"sep=;\r\n" + text.encode(),
        "usage-comma.csv": text.replace(";", ",", 0).encode().replace(b'";"', b'","'),
        "usage.tsv": text.encode().replace(b'";"', b'"\t"'),
        "usage-bar.csv": text.encode().replace(b'";"', b'"|"'),
    }
    for name, content in texts.items():
        (HERE / name).write_bytes(content)


def quoted(cell):
    return '"' + str(cell).replace('"', '""') + '"'


def xlsb_record(kind, data=b""):
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, size = b"", len(data)
    while True:
        more = size > 0x7F
        length += bytes([size & 0x7F | (0x80 if more else 0)])
        size >>= 7
        if not more:
            return head + length + data


def xlsb_text(text):
    units = text.encode("utf-16-le")
    return struct.pack("<I", len(units) // 2) + units


def xlsb(name, rows, state=0, shown=None, struck=()):
    """A binary workbook, record by record, for which no library writes. A cell ("error",) is a formula
    whose value is #DIV/0!, a date has the second style. `shown` gives the number formats of further cells
    by their places, `struck` names the places of cells that are struck out."""
    shown = shown or {}
    looks = [*shown.items(), *((place, None) for place in struck)]
    styles_of = {place: number for number, (place, _) in enumerate(looks, 2)}
    sheet = xlsb_record(0x81) + xlsb_record(0x94, struct.pack("<IIII", 0, len(rows) - 1, 0, 9))
    sheet += xlsb_record(0x91)
    for number, row in enumerate(rows):
        sheet += xlsb_record(0x00, struct.pack("<IIHBBB", number, 0, 300, 0, 0, 0) + struct.pack("<I", 0))
        for column, value in enumerate(row):
            style = 1 if isinstance(value, datetime.date) else styles_of.get((number, column), 0)
            place = struct.pack("<II", column, style)
            if value is None:
                continue
            if isinstance(value, str):
                sheet += xlsb_record(0x06, place + xlsb_text(value))
            elif isinstance(value, tuple):
                formula = struct.pack("<BBB", 0x1E, 1, 0) + struct.pack("<BBB", 0x1E, 0, 0) + b"\x06"
                data = b"\x07" + struct.pack("<HI", 0, len(formula)) + formula + struct.pack("<I", 0)
                sheet += xlsb_record(0x0B, place + data)
            else:
                if style == 1:
                    value = (value - datetime.date(1899, 12, 30)).days
                sheet += xlsb_record(0x05, place + struct.pack("<d", value))
    sheet += xlsb_record(0x92) + xlsb_record(0x82)
    book = xlsb_record(0x83) + xlsb_record(0x8F)
    book += xlsb_record(0x9C, struct.pack("<II", state, 1) + xlsb_text("rId1") + xlsb_text("Usage"))
    book += xlsb_record(0x90) + xlsb_record(0x84)
    xf = lambda form, font=0: struct.pack("<HHHHHBBHBB", 0, form, font, 0, 0, 0, 0, 0x1000, 0, 0)[:16]
    styles = xlsb_record(0x116) + xlsb_record(0x267, struct.pack("<I", len(shown)))
    for number, form in enumerate(shown.values(), 164):
        styles += xlsb_record(0x2C, struct.pack("<H", number) + xlsb_text(form))
    styles += xlsb_record(0x268) + xlsb_record(0x263, struct.pack("<I", 2))
    for flags in (0, 8):
        styles += xlsb_record(0x2B, struct.pack("<HHHHBBBB8sB", 220, flags, 400, 0, 0, 2, 0, 0, bytes(8), 2) + xlsb_text("Calibri"))
    styles += xlsb_record(0x264) + xlsb_record(0x269, struct.pack("<I", 2 + len(looks)))
    styles += xlsb_record(0x2F, xf(0)) + xlsb_record(0x2F, xf(14))
    for number, (_, form) in enumerate(looks, 164):
        styles += xlsb_record(0x2F, xf(0, 1) if form is None else xf(number))
    styles += xlsb_record(0x26A) + xlsb_record(0x117)
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"

    def related(*parts):
        inner = "".join(
            f'<Relationship Id="rId{number}" Type="{relation}/{kind}" Target="{target}"/>'
            for number, (kind, target) in enumerate(parts, 1)
        )
        return f'<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="{relations}">{inner}</Relationships>'

    binary = "application/vnd.ms-excel"
    types = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.bin" ContentType="{binary}.sheet.binary.macroEnabled.main"/>'
        f'<Override PartName="/xl/worksheets/sheet1.bin" ContentType="{binary}.worksheet"/>'
        f'<Override PartName="/xl/styles.bin" ContentType="{binary}.styles"/></Types>'
    )
    with zipfile.ZipFile(path(name), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", related(("officeDocument", "xl/workbook.bin")))
        parts = [("worksheet", "worksheets/sheet1.bin"), ("styles", "styles.bin")]
        archive.writestr("xl/_rels/workbook.bin.rels", related(*parts))
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
        archive.writestr("xl/styles.bin", styles)


def sheets_and_headers():
    cover = [["Usage of November"], ["Contact", "hpc@example.com"]]
    notes = [["Nothing here yet"]]
    workbook("later-sheet.xlsx", {"Cover": cover, "Data": [HEADER] + ROWS, "Notes": notes})
    two = {"November": [HEADER] + ROWS, "October": [HEADER] + ROWS}
    workbook("two-sheets.xlsx", two)
    states = {"Old": "hidden", "Secret": "veryHidden"}
    hidden = {"Usage": [HEADER] + ROWS, "Old": [HEADER] + ROWS, "Secret": notes}
    workbook("hidden-sheets.xlsx", hidden, states)
    convert("hidden-sheets.xlsx", "ods", "hidden-sheets.ods")
    convert("hidden-sheets.xlsx", "xls", "hidden-sheets.xls")
    titles = [["Usage report"], ["Customer number", 4711], [], HEADER]
    workbook("titles.xlsx", {"Usage": titles + ROWS})
    upper = ["Resource", "Billing", "Component", "Amount", None]
    lower = ["name", "period", "type", None, "description"]
    workbook("two-row-header.xlsx", {"Usage": [["November"], upper, lower] + ROWS})
    second = [["name", "address"], ["a", "b"], ["resource_name", "cpu"], ["climate-alps", 9]]
    workbook("several-tables.xlsx", {"Usage": [HEADER] + ROWS + [[]] + second[2:]})
    above = [["resource", "hours"], ["climate-alps", 9], ["climate-era5", 8], []]
    workbook("figures-above.xlsx", {"Usage": above + [HEADER] + ROWS})
    workbook("repeated-header.xlsx", {"Usage": [HEADER] + ROWS[:2] + [HEADER] + ROWS[2:]})


def formulas():
    book = xlsxwriter.Workbook(path("never-computed.xlsx"))
    sheet = book.add_worksheet("Usage")
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, ["climate-alps", "2026-11", "cpu"])
    sheet.write_formula(1, 3, "=1+1")
    book.close()
    book = xlwt.Workbook()
    sheet = book.add_sheet("Usage")
    for column, text in enumerate(HEADER):
        sheet.write(0, column, text)
    for column, text in enumerate(["climate-alps", "2026-11", "cpu", xlwt.Formula("1+1")]):
        sheet.write(1, column, text)
    book.save(path("never-computed.xls"))
    xlsb("error.xlsb", [HEADER, ["climate-alps", "2026-11", "cpu", ("error",), "x"], ROWS[1]])
    opendocument("never-computed.ods", ["of:=1+1"], 1)
    opendocument("repeated-rows.ods", [None], 3)
    opendocument("repeated-forever.ods", [None], 1_000_000, 30)


def opendocument(name, formulas, rows, columns=1):
    document = odf.opendocument.OpenDocumentSpreadsheet()
    table = odf.table.Table(name="Usage")
    row = odf.table.TableRow()
    for text in HEADER[:4]:
        cell = odf.table.TableCell(valuetype="string")
        cell.addElement(odf.text.P(text=text))
        row.addElement(cell)
    table.addElement(row)
    row = odf.table.TableRow(numberrowsrepeated=rows)
    for text in ["climate-alps", "2026-11", "cpu"]:
        cell = odf.table.TableCell(valuetype="string")
        cell.addElement(odf.text.P(text=text))
        row.addElement(cell)
    for formula in formulas:
        if formula:
            row.addElement(odf.table.TableCell(formula=formula, valuetype="float"))
        else:
            row.addElement(odf.table.TableCell(valuetype="float", value="2", numbercolumnsrepeated=columns))
    table.addElement(row)
    document.spreadsheet.addElement(table)
    document.save(path(name))


def protected():
    plain = (HERE / "usage.xlsx").read_bytes()
    with open(path("protected.xlsx"), "wb") as out:
        msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(plain)).encrypt("secret", out)


def links():
    with zipfile.ZipFile(path("usage.xlsx")) as old, zipfile.ZipFile(path("links.xlsx"), "w") as new:
        for part in old.namelist():
            new.writestr(part, old.read(part), zipfile.ZIP_DEFLATED)
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath"
        relations = "http://schemas.openxmlformats.org/package/2006/relationships"
        new.writestr("xl/externalLinks/externalLink1.xml", '<?xml version="1.0"?><externalLink/>')
        new.writestr(
            "xl/externalLinks/_rels/externalLink1.xml.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{relations}"><Relationship Id="rId1" '
            f'Type="{relation}" Target="last%20year.xlsx" TargetMode="External"/></Relationships>',
        )


def parquets():
    def write(name, columns):
        pyarrow.parquet.write_table(pyarrow.table(columns), path(name))

    names = ["climate-alps", "climate-alps", "climate-era5"]
    instant = datetime.datetime(2026, 11, 1)
    write(
        "types.parquet",
        {
            "resource_name": pyarrow.array(names),
            "billing_period": pyarrow.array([instant] * 3, pyarrow.timestamp("ns")),
            "component_type": pyarrow.array(["cpu", "ram", "cpu"]),
            "amount": pyarrow.array([0.1, None, 12.34], pyarrow.float32()),
        },
    )
    write(
        "nested.parquet",
        {
            "resource_name": pyarrow.array(names),
            "cpu": pyarrow.array([1, 2, 3], pyarrow.int64()),
            "tags": pyarrow.array([["a"], [], None], pyarrow.list_(pyarrow.string())),
            "owner": pyarrow.array([{"name": "a"}] * 3, pyarrow.struct([("name", pyarrow.string())])),
        },
    )


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    same_table()
    sheets_and_headers()
    formulas()
    protected()
    links()
    parquets()
