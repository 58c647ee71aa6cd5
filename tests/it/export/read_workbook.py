"""Reads a workbook of an export: python3 read_workbook.py BOOK.xlsx SUM."""
import decimal
import sys

from openpyxl import load_workbook

book = load_workbook(sys.argv[1])
assert book.sheetnames == ["usages", "resources", "manifest"], book.sheetnames
sheet = book["usages"]
assert sheet.freeze_panes == "A2" and list(sheet.tables) == ["usages"], (sheet.freeze_panes, list(sheet.tables))
assert sheet.tables["usages"].ref == f"A1:L{sheet.max_row}" and sheet.max_row == 601
header = [cell.value for cell in sheet[1]]
place = {name: header.index(name) for name in header}
total, texts = decimal.Decimal(0), set()
for row in sheet.iter_rows(min_row=2):
    assert all(cell.data_type != "f" for cell in row)
    usage = row[place["usage"]]
    total += decimal.Decimal(str(usage.value))
    assert usage.number_format == "#,##0.00" or usage.data_type == "s", usage.number_format
    texts.add(row[place["description"]].value)
assert str(total) == sys.argv[2], total
assert {"=1+1", "'=kept", "@x", "-5", None} <= texts, texts
# The sum of digits that a spreadsheet would round is a text.
assert any(row[place["usage"]].value == "123456789012345678.91" for row in sheet.iter_rows(min_row=2))
assert sheet.cell(2, place["billing_period"] + 1).value.isoformat()[:10] == "2026-01-01"
assert book["resources"].max_row == 61
told = [[cell.value for cell in row] for row in book["manifest"].iter_rows()]
assert ["usages", "2026-02", 200, "ram"] in [row[:4] for row in told], told
print("read")
