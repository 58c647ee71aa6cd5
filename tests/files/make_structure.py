"""Workbooks whose figures are not all that they seem: hidden rows and columns, merged cells, totals.

`tests/corpus/make.py` calls `make` and writes the files into the corpus, where `tests/it/structure.rs`
reads them too. Each is made by the writer whose ways it is about.
"""
import io
import re
import subprocess
import tempfile
import zipfile
from pathlib import Path

import openpyxl
import xlsxwriter
import xlwt
from odf import opendocument, table, text
from openpyxl.worksheet.filters import FilterColumn, Filters

HEADER = ["resource_name", "billing_period", "component_type", "amount"]
ROWS = [
    ["climate-alps", "2026-11", "cpu", 1234.56],
    ["climate-era5", "2026-11", "cpu", 300.25],
    ["cohort-wgs", "2026-11", "cpu", 9],
]
GOOD = {"climate-alps cpu": "1234.56", "climate-era5 cpu": "300.25", "cohort-wgs cpu": "9.00"}
WIDE_HEADER = ["resource_name", "billing_period", "cpu", "ram"]
WIDE_ROWS = [["climate-alps", "2026-11", 7.5, 70], ["climate-era5", "2026-11", 2.25, 30]]
WIDE_GOOD = {
    "climate-alps cpu": "7.50",
    "climate-alps ram": "70.00",
    "climate-era5 cpu": "2.25",
    "climate-era5 ram": "30.00",
}


def without(name: str) -> dict:
    return {key: amount for key, amount in GOOD.items() if not key.startswith(name)}


def workbook(path, rows, edit=None) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Usage"
    for row in rows:
        book.active.append(row)
    if edit:
        edit(book.active)
    book.save(path)


def computed(path, rows, edit=None) -> None:
    """The same, opened and saved by LibreOffice, which computes the formulas."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / f"{Path(path).stem}.xlsx"
        workbook(source, rows, edit)
        out = Path(folder) / "out"
        command = ["soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile"]
        command += ["--convert-to", Path(path).suffix[1:], "--outdir", str(out), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        Path(path).write_bytes((out / Path(path).name).read_bytes())


def repacked(path, rows, change, edit=None) -> None:
    """A workbook of openpyxl whose sheet is changed as text."""
    memory = io.BytesIO()
    workbook(memory, rows, edit)
    with zipfile.ZipFile(memory) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                changed = change(content.decode())
                assert changed != content.decode(), path
                content = changed.encode()
            target.writestr(zipfile.ZipInfo(name, (2026, 11, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)


def hide_row(number):
    def edit(sheet):
        sheet.row_dimensions[number].hidden = True

    return edit


def hide_column(letter):
    def edit(sheet):
        sheet.column_dimensions[letter].hidden = True

    return edit


def merge(*ranges):
    def edit(sheet):
        for cells in ranges:
            sheet.merge_cells(cells)

    return edit


def ods_cell(value, **more):
    if value is None:
        return table.TableCell(**more)
    if isinstance(value, (int, float)):
        cell = table.TableCell(valuetype="float", value=str(value), **more)
    else:
        cell = table.TableCell(valuetype="string", **more)
    cell.addElement(text.P(text=str(value)))
    return cell


def ods(path, rows, row=None, columns=None, wrap=None, cell=None) -> None:
    """A sheet of odfpy: `row` gives attributes of a row, `columns` those of each column, `wrap` puts rows
    into a group, `cell` makes a cell."""
    book = opendocument.OpenDocumentSpreadsheet()
    sheet = table.Table(name="Usage")
    for attributes in columns or []:
        sheet.addElement(table.TableColumn(**attributes))
    for number, values in enumerate(rows, 1):
        line = table.TableRow(**((row and row(number)) or {}))
        for place, value in enumerate(values):
            made = cell and cell(number, place, value)
            line.addElement(made or ods_cell(value))
        (wrap and wrap(sheet, number) or sheet).addElement(line)
    book.spreadsheet.addElement(sheet)
    book.save(str(path))


def csv(path, rows, delimiter=",") -> None:
    path.write_text("\n".join(delimiter.join("" if cell is None else str(cell) for cell in row) for row in rows) + "\n")


def hidden(expect) -> None:
    rows = [HEADER, *ROWS]

    def filtered(sheet):
        sheet.auto_filter.ref = "A1:D4"
        sheet.auto_filter.filterColumn.append(FilterColumn(colId=0, filters=Filters(filter=["climate-alps", "cohort-wgs"])))
        sheet.row_dimensions[3].hidden = True

    def collapsed(sheet):
        sheet.row_dimensions.group(3, 4, outline_level=1, hidden=True)

    def flat(sheet):
        return sheet.replace('<row r="3"', '<row r="3" ht="0" customHeight="1"')

    workbook(expect("hidden-row.xlsx", faulty=["3:3: 1 row"]), rows, hide_row(3))
    workbook(expect("hidden-row-used.xlsx", ["--hidden-rows", "use"], amounts=GOOD), rows, hide_row(3))
    workbook(expect("hidden-row-skipped.xlsx", ["--hidden-rows", "skip"], amounts=without("climate-era5")), rows, hide_row(3))
    workbook(expect("filtered-row.xlsx", faulty=["3:3: 1 row"]), rows, filtered)
    workbook(expect("collapsed-rows.xlsx", faulty=["3:3: 2 rows"]), rows, collapsed)
    repacked(expect("row-without-height.xlsx", faulty=["3:3: 1 row"]), rows, flat)
    workbook(expect("hidden-blank-row.xlsx", amounts=GOOD), [*rows[:3], [], *rows[3:]], hide_row(4))
    computed(expect("hidden-row-libreoffice.xlsx", faulty=["3:3: 1 row"]), rows, hide_row(3))
    computed(expect("hidden-row-libreoffice.ods", faulty=["3:3: 1 row"]), rows, hide_row(3))
    computed(expect("filtered-row-libreoffice.ods", faulty=["3:3: 1 row"]), rows, filtered)
    computed(expect("collapsed-rows-libreoffice.ods", faulty=["3:3: 2 rows"]), rows, collapsed)
    for name, visibility in [("hidden-row", "collapse"), ("filtered-row", "filter")]:
        ods(expect(f"{name}.ods", faulty=["3:3: 1 row"]), rows, row=lambda number, how=visibility: {"visibility": how} if number == 3 else {})

    groups = {}

    def folded(sheet, number):
        if number not in (3, 4):
            return None
        if sheet not in groups:
            groups[sheet] = table.TableRowGroup(display="false")
            sheet.addElement(groups[sheet])
        return groups[sheet]

    ods(expect("collapsed-rows.ods", faulty=["3:3: 2 rows"]), rows, wrap=folded)

    wide = [WIDE_HEADER, *WIDE_ROWS]
    workbook(expect("hidden-column.xlsx", refused="--hidden-columns use"), wide, hide_column("D"))
    workbook(expect("hidden-column-used.xlsx", ["--hidden-columns", "use"], amounts=WIDE_GOOD), wide, hide_column("D"))
    cpu = {key: amount for key, amount in WIDE_GOOD.items() if key.endswith("cpu")}
    workbook(expect("hidden-column-skipped.xlsx", ["--hidden-columns", "skip"], amounts=cpu), wide, hide_column("D"))
    workbook(expect("hidden-amounts.xlsx", ["--hidden-columns", "skip"], refused="cannot be left out"), rows, hide_column("D"))
    columns = [{"numbercolumnsrepeated": "3"}, {"visibility": "collapse"}]
    ods(expect("hidden-column.ods", refused="--hidden-columns use"), wide, columns=columns)
    workbook(expect("hidden-component.xlsx", amounts=GOOD), rows, hide_column("C"))

    def by_id(sheet):
        hide_column("A")(sheet)

    ids = [["resource_backend_id", *HEADER], *(["", *row] for row in ROWS)]
    workbook(expect("hidden-ids.xlsx", amounts=GOOD), ids, by_id)

    old = xlwt.Workbook()
    sheet = old.add_sheet("Usage")
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(number, column, value)
    sheet.row(2).hidden = True
    old.save(str(expect("hidden-row.xls", faulty=["3:3: 1 row"])))


def totals(expect) -> None:
    rows = [HEADER, *ROWS]
    workbook(expect("total.xlsx", amounts=GOOD), [*rows, ["Total", None, None, 1543.81]])
    workbook(expect("total-off.xlsx", faulty=["D5"]), [*rows, ["Total", None, None, 1534.81]])
    workbook(expect("total-with-all-keys.xlsx", amounts=GOOD), [*rows, ["TOTAL", "2026-11", "cpu", 1543.81]])
    workbook(expect("total-off-with-all-keys.xlsx", faulty=["D5"]), [*rows, ["Total", "2026-11", "cpu", 12]])
    workbook(expect("total-without-a-word.xlsx", amounts=GOOD), [*rows, [None, None, None, 1543.81]])
    workbook(expect("figure-without-a-word.xlsx", faulty=["A5"]), [*rows, [None, None, None, 1543.82]])
    workbook(expect("total-uncomputed.xlsx", amounts=GOOD), [*rows, ["Total", None, None, "=SUM(D2:D4)"]])
    computed(expect("total-computed.xlsx", amounts=GOOD), [*rows, ["Total", None, None, "=SUM(D2:D4)"]])
    computed(expect("total-computed.ods", amounts=GOOD), [*rows, [None, None, None, "=SUM(D2:D4)"]])
    computed(expect("total-computed.xls", amounts=GOOD), [*rows, [None, None, None, "=SUBTOTAL(9,D2:D4)"]])
    computed(expect("sum-of-too-few-rows.xlsx", faulty=["D5"]), [*rows, ["Total", None, None, "=SUM(D2:D3)"]])
    parent = ["climate-cordex", "2026-11", "cpu", "=SUM(D2:D4)"]
    computed(expect("sum-of-rows.xlsx", faulty=["D5"]), [*rows, parent])
    across = [[*HEADER, "week_1", "week_2"], ["climate-alps", "2026-11", "cpu", "=SUM(E2:F2)", 1000, 234.56]]
    computed(expect("sum-across.xlsx", amounts={"climate-alps cpu": "1234.56"}), across)
    above = [HEADER, ["Summe", None, None, 1543.81], *ROWS]
    workbook(expect("total-above.xlsx", amounts=GOOD), above)
    grouped = [
        HEADER,
        *ROWS[:2],
        ["climate Total", None, None, 1534.81],
        ROWS[2],
        ["cohort Total", None, None, 9],
        ["Grand total", None, None, 1543.81],
    ]
    workbook(expect("subtotals.xlsx", amounts=GOOD), grouped)
    grouped[3][3] = 1534.8
    workbook(expect("subtotal-off.xlsx", faulty=["D4"]), grouped)
    ram = ["climate-alps", "2026-11", "ram", 70]
    of_components = [*rows, ram, ["Total", None, "cpu", 1543.81], ["Total", None, "ram", 70]]
    workbook(expect("totals-of-components.xlsx", amounts=GOOD | {"climate-alps ram": "70.00"}), of_components)
    wide = [WIDE_HEADER, *WIDE_ROWS]
    workbook(expect("total-wide.xlsx", amounts=WIDE_GOOD), [*wide, ["Yhteensä", None, 9.75, 100]])
    workbook(expect("total-wide-off.xlsx", faulty=["D4"]), [*wide, ["Yhteensä", None, 9.75, 101]])
    csv(expect("total.csv", amounts=GOOD), [*rows, ["Итого", None, None, 1543.81]])
    german = [[str(cell).replace(".", ",") if isinstance(cell, float) else cell for cell in row] for row in rows]
    csv(expect("total-decimal-comma.csv", amounts=GOOD), [*german, ["Gesamtsumme:", None, None, "1.543,81"]], ";")
    csv(expect("total-off.csv", faulty=["line 5"]), [*rows, ["Kokku", None, None, 1544]])

    book = xlsxwriter.Workbook(str(expect("total-of-a-table.xlsx", amounts=GOOD)))
    sheet = book.add_worksheet("Usage")
    columns = [{"header": header} for header in HEADER]
    columns[3] |= {"total_function": "sum", "total_value": 1543.81}
    sheet.add_table(0, 0, 4, 3, {"data": ROWS, "columns": columns, "total_row": True})
    book.close()


def merged(expect) -> None:
    alps = [*ROWS[0][:3], 1234.56], [None, "2026-11", "ram", 70]
    rows = [HEADER, *alps, *ROWS[1:]]
    good = GOOD | {"climate-alps ram": "70.00"}
    workbook(expect("merged-name.xlsx", amounts=good), rows, merge("A2:A3"))
    workbook(expect("grouped-name.xlsx", faulty=["A3"]), rows)
    workbook(expect("merged-month.xlsx", amounts=GOOD), [HEADER, ROWS[0], *([row[0], None, *row[2:]] for row in ROWS[1:])], merge("B2:B4"))
    computed(expect("merged-name.ods", amounts=good), rows, merge("A2:A3"))
    spanned = lambda number, place, value: ods_cell(value, numberrowsspanned="2", numbercolumnsspanned="1") if (number, place) == (2, 0) else table.CoveredTableCell() if (number, place) == (3, 0) else None
    ods(expect("merged-name-odfpy.ods", amounts=good), rows, cell=spanned)
    shared = [HEADER, ROWS[0], [*ROWS[1][:3], None], ROWS[2]]
    workbook(expect("merged-amount.xlsx", faulty=["D2"]), shared, merge("D2:D3"))
    computed(expect("merged-amount.ods", faulty=["D2"]), shared, merge("D2:D3"))
    across = [WIDE_HEADER, ["climate-alps", "2026-11", 7.5, None], WIDE_ROWS[1]]
    workbook(expect("merged-components.xlsx", faulty=["C2"]), across, merge("C2:D2"))
    tall = [HEADER, ROWS[0], [None] * 4, *ROWS[1:]]
    workbook(expect("tall-row.xlsx", amounts=GOOD), tall, merge("A2:A3", "B2:B3", "C2:C3", "D2:D3"))

    # The library empties what it merges; another one need not.
    def covered(sheet):
        head, tail = sheet.split("</sheetData>")
        return f'{head}</sheetData><mergeCells count="1"><mergeCell ref="D3:D4"/></mergeCells>{tail}'

    repacked(expect("value-under-merged-cell.xlsx", faulty=["D4"]), [HEADER, *ROWS], covered)
    titled = [["Usage of November", None, None, None], HEADER, *ROWS, ["Total", None, None, 1543.81]]
    workbook(expect("merged-title-and-total.xlsx", amounts=GOOD), titled, merge("A1:D1", "A6:C6"))


def contradictions(expect) -> None:
    rows = [HEADER, *ROWS]
    repacked(expect("cell-twice-in-a-row.xlsx", refused="stands twice: with 1234.56 and with 5"), rows,
             lambda sheet: sheet.replace('<c r="D2" t="n"><v>1234.56</v></c>', '<c r="D2" t="n"><v>1234.56</v></c><c r="D2" t="n"><v>5</v></c>'))
    repacked(expect("row-out-of-order.xlsx", refused="row 2 stands twice or out of order"), rows,
             lambda sheet: sheet.replace('<row r="4"', '<row r="2"').replace('r="A4"', 'r="A2"').replace('r="B4"', 'r="B2"').replace('r="C4"', 'r="C2"').replace('r="D4"', 'r="D2"'))
    repacked(expect("no-dimension.xlsx", amounts=GOOD), rows, lambda sheet: re.sub("<dimension[^>]*>", "", sheet))
    repacked(expect("huge-dimension.xlsx", amounts=GOOD), rows, lambda sheet: sheet.replace('"A1:D4"', '"A1:XFD1048576"'))
    repacked(expect("no-numbers-of-rows.xlsx", amounts=GOOD), rows, lambda sheet: re.sub(r'(<row|<c) r="[A-Z0-9]+"', r"\1", sheet))
    twice = [[*HEADER, "Amount"], *([*row, row[3]] for row in ROWS)]
    twice[2][4] = 301
    workbook(expect("amount-twice-and-different.xlsx", refused="different in row 3"), twice)
    wide = [[*WIDE_HEADER, "CPU"], *([*row, row[2]] for row in WIDE_ROWS)]
    workbook(expect("component-twice.xlsx", refused="CPU in column 5 9.75"), wide)
    ods(expect("row-repeated.ods", faulty=["D2", "D3"]), [HEADER, ROWS[0]], row=lambda number: {"numberrowsrepeated": "2"} if number == 2 else {})
    blank = [HEADER, ROWS[0], [], [*ROWS[1][:3], 0], [*ROWS[2][:3], None]]
    workbook(expect("blank-and-zero.xlsx", amounts={"climate-alps cpu": "1234.56", "climate-era5 cpu": "0.00"}), blank)


def make(expect) -> None:
    """Writes the files; `expect` takes a name with what has to come of it, and gives the path."""
    for part in (hidden, totals, merged, contradictions):
        part(expect)
