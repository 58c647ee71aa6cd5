//! Cells of months: text and kind to a billing period.
//!
//! Whether the day or the month comes first is the column's verdict, as the decimal sign is in
//! `quantity`. A date with points between its numbers has its day first, as everybody writes it who
//! puts points there.

use crate::findings::{Code, Finding};

use super::column::{Evidence, Verdict};
use super::month::{DateOrder, Month, Months, NoMonth};
use super::numeral::plain;
use super::quantity::Unread;
use super::{Cell, CellKind, cells::shown};

/// Takes in what a cell shows of the order of dates in its column.
pub fn weigh(evidence: &mut Evidence, row: u32, cell: Cell<'_>) {
    if cell.kind != CellKind::Text {
        return;
    }
    match Months::of(&plain(cell.text)) {
        Ok(Months::Only(order, _)) => evidence.add(order == DateOrder::DayFirst, row, cell),
        Ok(Months::Either { is_dotted: true, .. }) => evidence.add(true, row, cell),
        Ok(Months::One(_) | Months::Either { .. }) | Err(_) => {}
    }
}

/// The verdict over a column of months.
pub fn date_order(evidence: &Evidence, said: Option<DateOrder>) -> Verdict<DateOrder> {
    evidence.verdict(said, DateOrder::DayFirst, DateOrder::MonthFirst)
}

/// Parses a month.
pub fn period(cell: Cell<'_>, verdict: &Verdict<DateOrder>, counts_from_1904: bool) -> Result<Month, Unread> {
    let months = match cell.kind {
        CellKind::Number => Months::of_number(cell.text, counts_from_1904),
        CellKind::Text | CellKind::Date => Months::of(&plain(cell.text)),
        CellKind::Blank | CellKind::Boolean | CellKind::Error => Err(NoMonth::Unreadable),
    };
    let months = months.map_err(|no_month| invalid(cell, no_month))?;
    let (found, order) = match months {
        Months::One(month) => return Ok(month),
        Months::Only(order, month) => (Some(month), order),
        Months::Either { .. } => (None, DateOrder::DayFirst),
    };
    match (verdict, found, months) {
        (Verdict::Mixed(_), ..) | (Verdict::Open, None, _) => Err(Unread::Doubt),
        (Verdict::Open, Some(month), _) => Ok(month),
        (Verdict::Settled(settled), Some(month), _) if *settled == order => Ok(month),
        (Verdict::Settled(DateOrder::DayFirst), None, Months::Either { day_first, .. }) => Ok(day_first),
        (Verdict::Settled(DateOrder::MonthFirst), None, Months::Either { month_first, .. }) => {
            Ok(month_first)
        }
        (Verdict::Settled(settled), ..) => Err(other_order(cell, *settled).into()),
    }
}

/// What the two readings of a date in doubt are, for its finding.
pub fn both_readings(cell: Cell<'_>) -> Option<(String, String)> {
    match Months::of(&plain(cell.text)) {
        Ok(Months::Either { day_first, month_first, .. }) => {
            Some((day_first.period.to_string(), month_first.period.to_string()))
        }
        Ok(Months::One(_) | Months::Only(..)) | Err(_) => None,
    }
}

fn other_order(cell: Cell<'_>, settled: DateOrder) -> Finding {
    let (flag, first) = match settled {
        DateOrder::DayFirst => ("dmy", "day"),
        DateOrder::MonthFirst => ("mdy", "month"),
    };
    let expected = format!("a date with the {first} first, as --dates {flag} says");
    Finding::new(Code::InvalidPeriod, shown(cell), expected)
}

fn invalid(cell: Cell<'_>, no_month: NoMonth) -> Finding {
    let expected = "a month such as 2026-11, Nov 2026 or 11/2026, or a day in it";
    let finding = Finding::new(Code::InvalidPeriod, shown(cell), expected);
    match no_month {
        NoMonth::Unreadable if cell.kind == CellKind::Error => {
            finding.hint("open the file in a spreadsheet program, mend the formula and save it")
        }
        NoMonth::Unreadable if cell.kind == CellKind::Number => {
            finding.hint("format the column as a date, or as text with months written as YYYY-MM")
        }
        NoMonth::Unreadable => finding,
        NoMonth::NearTurn => finding.hint(
            "so near the turn of a month its time zone decides which one is meant; write the month as YYYY-MM",
        ),
        NoMonth::ShortYear => finding.hint("write the year with four digits"),
        NoMonth::Serial(month) => finding.hint(format!(
            "it may be the number of a day in {}, as spreadsheets count from 1900 or 1904; format the column as \
             a date, or write the month as YYYY-MM",
            month.period
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> Cell<'_> {
        Cell { text, kind: CellKind::Text }
    }

    fn read(texts: &[&str], said: Option<DateOrder>) -> Vec<String> {
        let mut evidence = Evidence::default();
        for (row, text) in (1..).zip(texts) {
            weigh(&mut evidence, row, cell(text));
        }
        let verdict = date_order(&evidence, said);
        let read = |text: &&str| match period(cell(text), &verdict, false) {
            Ok(month) => month.period.to_string(),
            Err(Unread::Doubt) => "doubt".to_owned(),
            Err(Unread::Fault(finding)) => finding.code.to_string(),
        };
        texts.iter().map(read).collect()
    }

    #[test]
    fn one_cell_settles_the_order_of_a_column() {
        use DateOrder::{DayFirst, MonthFirst};
        assert_eq!(read(&["01/11/2026"], None), ["doubt"]);
        assert_eq!(read(&["01/11/2026"], Some(DayFirst)), ["2026-11"]);
        assert_eq!(read(&["01/11/2026"], Some(MonthFirst)), ["2026-01"]);
        assert_eq!(read(&["01/11/2026", "30/11/2026"], None), ["2026-11", "2026-11"]);
        assert_eq!(read(&["11/01/2026", "11/30/2026"], None), ["2026-11", "2026-11"]);
        assert_eq!(read(&["01.11.2026"], None), ["2026-11"]);
        assert_eq!(read(&["01.11.2026", "11/30/2026"], None), ["doubt", "doubt"]);
        assert_eq!(read(&["13/11/2026", "11/13/2026", "2026-11"], None), ["doubt", "doubt", "2026-11"]);
        let said = read(&["13/11/2026", "11/13/2026"], Some(DayFirst));
        assert_eq!(said, ["2026-11", "invalid-period"]);
        assert_eq!(read(&["11/11/2026"], None), ["2026-11"]);
    }

    #[test]
    fn numbers_and_dates_of_workbooks_are_read() {
        let read = |text, kind, counts_from_1904| {
            let month = period(Cell { text, kind }, &Verdict::Open, counts_from_1904);
            month.map(|month| month.period.to_string()).ok()
        };
        assert_eq!(read("46327", CellKind::Number, false).as_deref(), Some("2026-11"));
        assert_eq!(read("2026-11-15 13:00:00", CellKind::Date, false).as_deref(), Some("2026-11"));
        assert_eq!(read("44865", CellKind::Number, true), None);
        assert_eq!(read("46327", CellKind::Text, false), None);
        assert_eq!(read("1.5 days", CellKind::Date, false), None);
        assert_eq!(read("true", CellKind::Boolean, false), None);
    }
}
