#!/usr/bin/env python3
"""Makes workbooks for the tests of marked copies: with everything in them that must stay as it is.

    pip install xlsxwriter
    python3 tests/files/make_marked.py
"""
import io
import zipfile
from pathlib import Path

import xlsxwriter

FOLDER = Path(__file__).parent / "marked"
HEADER = ["resource_name", "billing_period", "component_type", "amount", "description"]
ROWS = [
    ["climate-alps", "2026-11", "cpu", 10.5, "fine"],
    ["climate-alps", "2026-11", "ram", -3, "negative, with a comment of somebody else"],
    ["climate-nowhere", "2026-11", "cpu", 1, "no such resource"],
    ["climate-era5", "2026-11", "cpu", "12 apples", "<b>&amp; =1+1"],
    ["climate-era5", "2026-11", "ram", None, "blank"],
]
CONTENT_TYPES = "[Content_Types].xml"


def rich(ending: str) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Usage of Ann's")
    bold = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    sheet.write_row(0, 0, HEADER, bold)
    for number, row in enumerate(ROWS, 1):
        sheet.write_row(number, 0, row)
    sheet.autofilter(0, 0, len(ROWS), 4)
    sheet.freeze_panes(1, 0)
    sheet.data_validation(1, 2, 9, 2, {"validate": "list", "source": ["cpu", "ram"]})
    high = book.add_format({"bg_color": "#C6EFCE"})
    sheet.conditional_format(1, 3, 9, 3, {"type": "cell", "criteria": ">", "value": 100, "format": high})
    sheet.write_comment("D3", "ask Bo about this one", {"author": "Anna"})
    sheet.write_comment("E2", "all right", {"author": "Anna"})
    sheet.write_formula("G2", "=SUM(D2:D2)", None, 10.5)
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "='Usage of Ann''s'!$D$2:$D$4"})
    sheet.insert_chart("H2", chart)
    other = book.add_worksheet("Notes")
    other.write(0, 0, "nothing of usage")
    other.write_comment("A1", "a comment on another sheet")
    other.insert_button("C3", {"caption": "Press"})
    hidden = book.add_worksheet("Secret")
    hidden.hide()
    book.define_name("Total", "='Usage of Ann''s'!$D$2:$D$6")
    if ending == "xlsm":
        (FOLDER / "vbaProject.bin").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 no real macro" * 20)
        book.add_vba_project(str(FOLDER / "vbaProject.bin"))
        book.set_vba_name("ThisWorkbook")
        for one in (sheet, other, hidden):
            one.set_vba_name("Sheet" + str(one.index + 1))
    book.close()
    (FOLDER / "vbaProject.bin").unlink(missing_ok=True)
    return buffer.getvalue()


def changed(workbook: bytes, change, more: dict[str, str] = {}) -> bytes:
    """A workbook with some of its parts changed, and others added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as before, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name).decode() if name.endswith((".xml", ".rels", ".vml")) else before.read(name)))
        for name, text in more.items():
            after.writestr(name, text)
    return buffer.getvalue()


def signed() -> bytes:
    def change(name, text):
        if name != CONTENT_TYPES:
            return text
        origin = '<Default Extension="sigs" ContentType="application/vnd.openxmlformats-package.digital-signature-origin"/>'
        return text.replace("<Override", origin + "<Override", 1)

    return changed(rich("xlsx"), change, {"_xmlsignatures/origin.sigs": "", "_xmlsignatures/sig1.xml": "<Signature/>"})


def threaded() -> bytes:
    """The comment of D3 as Excel keeps a thread: a text for older programs, and the thread beside it."""

    def change(name, text):
        if name == CONTENT_TYPES:
            thread = '<Override PartName="/xl/threadedComments/threadedComment1.xml" ContentType="application/vnd.ms-excel.threadedcomments+xml"/>'
            return text.replace("<Override", thread + "<Override", 1)
        if name == "xl/comments1.xml":
            text = text.replace("<author>Anna</author>", "<author>tc={5F1A3B9E-0001-4C00-9D00-000000000001}</author>")
            return text.replace("ask Bo about this one", "[Threaded comment] ask Bo about this one")
        if name == "xl/worksheets/_rels/sheet1.xml.rels":
            relation = '<Relationship Id="rId99" Type="http://schemas.microsoft.com/office/2017/10/relationships/threadedComment" Target="../threadedComments/threadedComment1.xml"/>'
            return text.replace("</Relationships>", relation + "</Relationships>")
        return text

    thread = '<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"><threadedComment ref="D3" id="{5F1A3B9E-0001-4C00-9D00-000000000001}"><text>ask Bo about this one</text></threadedComment></ThreadedComments>'
    return changed(rich("xlsx"), change, {"xl/threadedComments/threadedComment1.xml": thread})


def bare() -> bytes:
    """The least that a workbook can be: no styles, no shared strings, every element with a prefix."""
    main = 'xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

    def cell(column, row, value):
        place = f"{chr(65 + column)}{row}"
        if isinstance(value, (int, float)):
            return f'<x:c r="{place}"><x:v>{value}</x:v></x:c>'
        return f'<x:c r="{place}" t="inlineStr"><x:is><x:t>{value}</x:t></x:is></x:c>'

    rows = ""
    for number, row in enumerate([HEADER[:4], *(row[:4] for row in ROWS[:3])], 1):
        cells = "".join(cell(column, number, value) for column, value in enumerate(row))
        rows += f'<x:row r="{number}">{cells}</x:row>'
    parts = {
        CONTENT_TYPES: '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/book.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/sheets/one.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships {relations}><Relationship Id="a" Type="{kind}/officeDocument" Target="/book.xml"/></Relationships>',
        "book.xml": f'<x:workbook {main} xmlns:q="{kind}"><x:sheets><x:sheet name="One" sheetId="7" q:id="b"/></x:sheets></x:workbook>',
        "_rels/book.xml.rels": f'<Relationships {relations}><Relationship Id="b" Type="{kind}/worksheet" Target="sheets/one.xml"/></Relationships>',
        "sheets/one.xml": f"<x:worksheet {main}><x:sheetData>{rows}</x:sheetData></x:worksheet>",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in parts.items():
            package.writestr(name, text)
    return buffer.getvalue()


def busy() -> bytes:
    """Rules of the user's own over all cells, and more comments on two sheets than a block of numbers holds."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Usage")
    for number, row in enumerate([HEADER, *ROWS]):
        sheet.write_row(number, 0, row)
    green = book.add_format({"bg_color": "#C6EFCE"})
    everywhere = {"type": "formula", "criteria": "=TRUE", "format": green, "stop_if_true": True}
    sheet.conditional_format("A1:G20", everywhere)
    sheet.conditional_format("D2:D20", {"type": "data_bar", "data_bar_2010": True})
    sheet.conditional_format("D2:D20", {"type": "3_color_scale"})
    other = book.add_worksheet("Log")
    for number in range(1100):
        sheet.write_comment(number + 10, 7, "x")
        other.write_comment(number, 0, "y")
    book.close()
    return buffer.getvalue()


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "rich.xlsx").write_bytes(rich("xlsx"))
    (FOLDER / "macros.xlsm").write_bytes(rich("xlsm"))
    (FOLDER / "signed.xlsx").write_bytes(signed())
    (FOLDER / "threaded.xlsx").write_bytes(threaded())
    (FOLDER / "bare.xlsx").write_bytes(bare())
    (FOLDER / "busy.xlsx").write_bytes(busy())


if __name__ == "__main__":
    main()
