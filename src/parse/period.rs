//! Cells of months: text and kind to a billing period.
//!
//! Whether the day or the month comes first is the column's verdict, as the decimal sign is in
//! `quantity`. A date with points between its numbers has its day first, as everybody writes it who
//! puts points there.

use crate::domain::BillingPeriod;
use crate::findings::{Code, Finding};

use super::column::{Evidence, Trust, Verdict};
use super::month::{DateOrder, Month, Months, NoMonth};
use super::month_names;
use super::numeral::plain;
use super::quantity::Unread;
use super::{Cell, CellKind, cells::shown, odd};

/// The months that some cells lie in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Spread {
    #[default]
    None,
    One(BillingPeriod),
    Many,
}

impl Spread {
    fn add(&mut self, month: Month) {
        *self = match *self {
            Self::None => Self::One(month.period),
            Self::One(own) if own == month.period => *self,
            Self::One(_) | Self::Many => Self::Many,
        };
    }
}

/// What the dates of a column show beside their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DateMarks {
    /// The months of the cells that show an order: the day first, or the month.
    shown: [Spread; 2],
    /// The months of the cells in doubt, as each order reads them.
    open: [Spread; 2],
}

/// Takes in what a cell shows of the order of dates in its column.
pub fn weigh(evidence: &mut Evidence<DateMarks>, row: u32, cell: Cell<'_>) {
    if cell.kind != CellKind::Text {
        return;
    }
    match Months::of(&plain(cell.text)) {
        Ok(Months::Only(order, month)) => {
            evidence.marks.shown[usize::from(order == DateOrder::MonthFirst)].add(month);
            evidence.add(order == DateOrder::DayFirst, row, cell, || true);
        }
        Ok(Months::Either { is_dotted: true, day_first, .. }) => {
            evidence.marks.shown[0].add(day_first);
            evidence.add(true, row, cell, || true);
        }
        Ok(Months::Either { day_first, month_first, .. }) => {
            evidence.marks.open[0].add(day_first);
            evidence.marks.open[1].add(month_first);
            evidence.add_open();
        }
        Ok(Months::One(_)) | Err(_) => {}
    }
}

/// The verdict over a column of months. A file of one month is written in the order in which all of its
/// dates lie in that month.
pub fn date_order(evidence: &Evidence<DateMarks>, said: Option<DateOrder>) -> Verdict<DateOrder> {
    evidence.verdict(said, [DateOrder::DayFirst, DateOrder::MonthFirst], |marks, number| Trust {
        is_like_it: marks.open[number] != Spread::Many && marks.open[number] == marks.shown[number],
        is_against_it: false,
    })
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
        (Verdict::Mixed(_), ..) | (Verdict::Open | Verdict::Thin(_), None, _) => Err(Unread::Doubt),
        (Verdict::Open | Verdict::Thin(_), Some(month), _) => Ok(month),
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
            finding.hint(odd::hint(cell.text).unwrap_or("open the file in a spreadsheet program, mend the formula and save it"))
        }
        NoMonth::Unreadable if cell.kind == CellKind::Number => {
            finding.hint("format the column as a date, or as text with months written as YYYY-MM")
        }
        NoMonth::Unreadable => finding,
        NoMonth::NearTurn => finding.hint(
            "so near the turn of a month its time zone decides which one is meant; write the month as YYYY-MM",
        ),
        NoMonth::ShortYear => match shortened(cell.text) {
            Some(period) => finding.hint(format!(
                "Excel shortens {period} so when it opens a .csv file, and saves what it shows (a day in that month \
                 would be the other way round, such as 26-Nov): write {period} again and keep the file as .xlsx, or \
                 take the column out and say --period {period}"
            )),
            None => finding.hint("write the year with four digits"),
        },
        NoMonth::Serial(month) => finding.hint(format!(
            "it may be the number of a day in {}, as spreadsheets count from 1900 or 1904; format the column as \
             a date, or write the month as YYYY-MM",
            month.period
        )),
    }
}

/// The month that Excel writes so in English: `Nov-26`.
fn shortened(text: &str) -> Option<BillingPeriod> {
    let (name, year) = text.split_once('-')?;
    let is_short = name.len() == 3 && year.len() == 2 && year.bytes().all(|digit| digit.is_ascii_digit());
    let month = month_names::month(name).filter(|_| is_short)?;
    BillingPeriod::new(2000 + year.parse::<i16>().ok()?, month).ok()
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
    fn what_excel_makes_of_a_month_is_told() {
        let hint = |text: &str| match period(cell(text), &Verdict::Open, false) {
            Err(Unread::Fault(finding)) => finding.hint.unwrap_or_default(),
            other => panic!("{other:?}"),
        };
        assert!(hint("Nov-26").contains("shortens 2026-11 so"), "{}", hint("Nov-26"));
        for text in ["26-Nov", "Nov 26", "11/26", "1-Nov-26"] {
            assert_eq!(hint(text), "write the year with four digits", "{text}");
        }
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
        // One cell does not speak for many, unless all of them then lie in its month.
        let one = ["01/11/2026", "30/11/2026", "02/11/2026"];
        assert_eq!(read(&one, None), ["2026-11", "2026-11", "2026-11"]);
        let odd = ["11/01/2026", "30/11/2026", "11/02/2026"];
        assert_eq!(read(&odd, None), ["doubt", "2026-11", "doubt"]);
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
