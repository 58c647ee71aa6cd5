//! The workbook: read by openpyxl, written when something changed, and replaced whole.

use std::path::Path;

use serde_json::json;

use super::{Desk, changed, python};

const READ: &str = r#"
import decimal, sys
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
"#;

#[test]
fn a_workbook_is_read_by_others_and_written_when_something_changed() {
    let Some(desk) = Desk::new() else { return };
    desk.make("resources.parquet", &json!({"table": "resources"}));
    let both = ["usages.parquet", "resources.parquet"];
    let to = ["--to", "xlsx:out/usage.xlsx"];
    desk.export_of(&both, &to).ends_with(0).says("6 published");
    let total: String = {
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(desk.path().join("out/usage.xlsx.manifest.json")).unwrap()).unwrap();
        let sums = manifest["slices"].as_array().unwrap().iter().flat_map(|entry| entry["sums"].as_array().unwrap());
        let sums = sums.map(|sum| sum["sum"].as_str().unwrap().parse::<waldur_usage::domain::Amount>().unwrap());
        waldur_usage::domain::Amount::total(sums).unwrap().to_string()
    };
    desk.make_script("read.py", READ);
    let (read, book) = (desk.path().join("read.py"), desk.path().join("out/usage.xlsx"));
    let said = python("openpyxl", &[&read, &book, Path::new(&total)]);
    assert!(said.is_none_or(|said| said.contains("read")));
    let before = desk.files("out");
    desk.export_of(&both, &to).ends_with(0).says("6 unchanged");
    assert_eq!(desk.files("out"), before);
    desk.export_of(&both, &["--to", "xlsx:other/usage.xlsx", "--now", "2027-01-01T00:00:00Z"]).ends_with(0);
    assert_eq!(desk.files("other")["usage.xlsx"].0, before["usage.xlsx"].0, "the same bytes");
    // It is one file: what it holds is asked for whole.
    desk.export(&to).ends_with(2).says("holds resources of 2026-01, which this run does not read");
    desk.make("usages.parquet", &json!({"changed": true}));
    desk.export_of(&both, &to).ends_with(0).says("1 replaced, 5 unchanged").says("rows unknown, ram +1.00");
    assert_eq!(changed(&before, &desk.files("out")), ["usage.xlsx", "usage.xlsx.manifest.json"]);
    std::fs::write(&book, "damaged").unwrap();
    desk.export_of(&both, &to).ends_with(0).says("6 restored");
    desk.export_of(&both, &to).ends_with(0).says("6 unchanged");
}

impl Desk {
    fn make_script(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }
}
