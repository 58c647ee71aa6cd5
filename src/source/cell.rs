//! Values of cells as text: exactly as much of them as the spreadsheet itself is sure of.

use std::fmt::Write;
use std::sync::Arc;

use calamine::{DataRef, DataType, ExcelDateTime};

use crate::parse::CellKind;

use super::odd::Oddity;

/// What stands in a cell with a formula that was never computed: blank would mean that nothing is
/// reported.
pub const UNCOMPUTED: &str = "a formula without a computed value";

/// Writes a value as text.
pub fn write_cell(value: &DataRef<'_>, text: &mut String) -> CellKind {
    text.clear();
    match value {
        DataRef::Empty => CellKind::Blank,
        DataRef::String(value) | DataRef::DurationIso(value) => {
            text.push_str(value);
            CellKind::Text
        }
        DataRef::SharedString(value) => {
            text.push_str(value);
            CellKind::Text
        }
        DataRef::Int(value) => written(text, format_args!("{value}"), CellKind::Number),
        DataRef::Float(value) => {
            write_number(*value, text);
            CellKind::Number
        }
        DataRef::Bool(value) => written(text, format_args!("{value}"), CellKind::Boolean),
        DataRef::DateTime(value) => write_date(value, text),
        DataRef::DateTimeIso(value) => {
            text.push_str(value);
            CellKind::Date
        }
        DataRef::Error(value) => written(text, format_args!("{value}"), CellKind::Error),
    }
}

fn written(text: &mut String, arguments: std::fmt::Arguments<'_>, kind: CellKind) -> CellKind {
    // Writing to a string cannot fail.
    let _ = text.write_fmt(arguments);
    kind
}

/// Writes a number that its format shows as something else. Nobody has read the number that is stored,
/// so it is no quantity, and is only ever shown.
pub fn write_shown(value: &DataRef<'_>, format: Arc<str>, text: &mut String) -> CellKind {
    // A percent sign that is written out takes the number as it is.
    if let (Some(value), true) = (value.as_f64(), format.contains('%') && !format.contains(['"', '\\'])) {
        text.clear();
        write_number(value * 100.0, text);
        text.push_str(" %");
        return CellKind::Text;
    }
    Oddity::Format(format).write(text)
}

/// Spreadsheets hold numbers in binary and are sure of 15 significant digits; the shortest decimal
/// within those is what the user sees.
pub fn write_number(value: f64, text: &mut String) {
    let _ = write!(text, "{value}");
    if text.len() <= 15 {
        return;
    }
    let rounded = format!("{value:.14e}").parse::<f64>().unwrap_or(value);
    text.clear();
    let _ = write!(text, "{rounded}");
}

fn write_date(value: &ExcelDateTime, text: &mut String) -> CellKind {
    if value.is_duration() {
        return written(text, format_args!("{} days", value.as_f64()), CellKind::Date);
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
    if (hour, minute, second) != (0, 0, 0) {
        let _ = write!(text, " {hour:02}:{minute:02}:{second:02}");
    }
    CellKind::Date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_user_sees() {
        let shown = |value: f64| {
            let mut text = String::new();
            write_number(value, &mut text);
            text
        };
        assert_eq!(shown(0.1 + 0.2), "0.3");
        assert_eq!(shown(29.020_000_000_000_003), "29.02");
        assert_eq!(shown(7.0), "7");
        assert_eq!(shown(123_456_789_012.34), "123456789012.34");
        assert_eq!(shown(-1.005), "-1.005");
        assert_eq!(shown(1e300).len(), 301);
    }
}
