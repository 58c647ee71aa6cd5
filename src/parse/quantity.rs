//! Cells of amounts: text and kind to a quantity that can be reported.
//!
//! Which sign is the decimal one is the column's verdict. A cell that this leaves open is in doubt: it
//! has no finding of its own, because one finding speaks for all such cells of its column.

use std::borrow::Cow;

use crate::domain::{Amount, AmountError, NotReportable, ReportableAmount, RoundingRule, Unrounded};
use crate::findings::{Code, Finding};

use super::column::{Evidence, Trust, Verdict};
use super::numeral::{Around, DecimalSign, Numeral, Readings, is_plain_decimal, is_whole_number, plain};
use super::shown_unit::number_and_unit;
use super::{Cell, CellKind, cells::shown, odd};

/// What a cell says was used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// How much.
    pub amount: ReportableAmount,
    /// How much it was before it was rounded; `None` where it was not.
    pub unrounded: Option<Box<Unrounded>>,
    /// The unit that stands behind the number.
    pub unit: Option<String>,
    /// Whether it is so much below zero, which nobody can report.
    pub is_negative: bool,
}

/// Why a cell is not read.
#[derive(Debug)]
pub enum Unread {
    /// It cannot be; the finding has no place yet.
    Fault(Box<Finding>),
    /// It could be two things, and the finding of its column says so.
    Doubt,
}

impl From<Finding> for Unread {
    fn from(finding: Finding) -> Self {
        Self::Fault(Box::new(finding))
    }
}

/// What the amounts of a column show beside their decimal sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AmountMarks {
    /// Whether a number with a decimal point, or a comma, sets its thousands apart with the other sign.
    has_groups: [bool; 2],
    /// Whether one has three decimal places.
    has_thousandths: [bool; 2],
    /// Whether a number that could be two things has a point, or a comma, in it.
    is_open_with: [bool; 2],
    /// Whether the cells of the file are separated as those do who write a decimal comma.
    has_semicolons: bool,
}

/// Takes in what a cell shows of the decimal sign of its column. What a spreadsheet holds as a number
/// shows nothing.
pub fn weigh(
    evidence: &mut Evidence<AmountMarks>,
    (row, delimiter): (u32, Option<u8>),
    cell: Cell<'_>,
    is_used: impl FnOnce() -> bool,
) {
    // Whole numbers are the most frequent by far, and are the same with every sign.
    if cell.kind != CellKind::Text || cell.text.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    if is_plain_decimal(cell.text) {
        evidence.marks.has_semicolons = delimiter == Some(b';');
        evidence.add(true, row, cell, is_used);
        return;
    }
    let text = plain(cell.text);
    let Some(numeral) = Numeral::of(&text) else { return };
    let marks = &mut evidence.marks;
    marks.has_semicolons = delimiter == Some(b';');
    match numeral.readings() {
        Readings::Only(sign) => {
            let number = usize::from(sign == DecimalSign::Comma);
            marks.has_groups[number] |= text.contains('.') && text.contains(',');
            marks.has_thousandths[number] |= numeral.places(sign) == 3;
            evidence.add(sign == DecimalSign::Point, row, cell, is_used);
        }
        Readings::Either => {
            marks.is_open_with[usize::from(text.contains(','))] = true;
            evidence.add_open();
        }
        Readings::Alike => {}
    }
}

/// The verdict over a column of amounts. `1.250` beside `7.5` is hardly written by the same hand, which
/// would have written `7.500`; beside `2.345,5` it is.
pub fn decimal_sign(evidence: &Evidence<AmountMarks>, said: Option<DecimalSign>) -> Verdict<DecimalSign> {
    evidence.verdict(said, [DecimalSign::Point, DecimalSign::Comma], |marks, number| {
        let is_fraction_like = !marks.is_open_with[number] || marks.has_thousandths[number];
        let is_group_like = !marks.is_open_with[1 - number] || marks.has_groups[number];
        Trust {
            is_like_it: is_fraction_like && is_group_like,
            is_against_it: marks.has_semicolons && number == 0,
        }
    })
}

/// Parses an amount that is to be reported.
pub fn quantity(
    cell: Cell<'_>,
    verdict: &Verdict<DecimalSign>,
    rounding: Option<RoundingRule>,
) -> Result<Quantity, Unread> {
    let (number, unit) = written(cell, verdict)?;
    let quantity = reportable(cell, &number, rounding)?;
    Ok(Quantity { unit, ..quantity })
}

/// The same where an amount below zero is told apart and not refused.
pub fn signed_quantity(
    cell: Cell<'_>,
    verdict: &Verdict<DecimalSign>,
    rounding: Option<RoundingRule>,
) -> Result<Quantity, Unread> {
    let (number, unit) = written(cell, verdict)?;
    let size = number.strip_prefix('-');
    let quantity = reportable(cell, size.unwrap_or(&number), rounding)?;
    let is_negative = size.is_some() && !quantity.amount.get().is_zero();
    Ok(Quantity { unit, is_negative, ..quantity })
}

/// The number in a cell as [`Amount::parse`] takes it, and the unit that stands behind it.
pub fn written<'a>(
    cell: Cell<'a>,
    verdict: &Verdict<DecimalSign>,
) -> Result<(Cow<'a, str>, Option<String>), Unread> {
    match cell.kind {
        CellKind::Text => {}
        CellKind::Number => return Ok((cell.text.into(), None)),
        CellKind::Error if let Some((number, unit)) = number_and_unit(cell.text) => {
            return Ok((number.into(), Some(unit)));
        }
        CellKind::Blank | CellKind::Boolean | CellKind::Date | CellKind::Error => {
            return Err(invalid(cell).into());
        }
    }
    let is_point = match verdict {
        Verdict::Settled(sign) => *sign == DecimalSign::Point,
        Verdict::Open | Verdict::Thin(_) => true,
        Verdict::Mixed(_) => false,
    };
    if is_whole_number(cell.text) || is_point && is_plain_decimal(cell.text) {
        return Ok((cell.text.into(), None));
    }
    let text = plain(cell.text);
    let numeral = Numeral::of(&text).ok_or_else(|| invalid(cell))?;
    let unit = match numeral.around() {
        Around::Nothing => None,
        Around::Unit(unit) => Some(unit.to_owned()),
        Around::Percent => {
            let hint = "write the quantity that was used; a share says nothing without its whole";
            return Err(invalid(cell).hint(hint).into());
        }
        Around::Currency => {
            let hint = "an amount is a quantity, not money; if it is one, take the currency away";
            return Err(invalid(cell).hint(hint).into());
        }
    };
    let sign = match (numeral.readings(), verdict) {
        (Readings::Alike, _) => DecimalSign::Point,
        (_, Verdict::Settled(sign)) => *sign,
        (Readings::Only(sign), Verdict::Open | Verdict::Thin(_)) => sign,
        (Readings::Either, Verdict::Open | Verdict::Thin(_)) | (_, Verdict::Mixed(_)) => {
            return Err(Unread::Doubt);
        }
    };
    let number = numeral.plain(sign).ok_or_else(|| other_sign(cell, sign))?;
    Ok((number.into(), unit))
}

/// The number in a cell, whether or not it can be reported; `None` where it is none or in doubt.
pub fn number(text: &str, kind: CellKind, sign: Option<DecimalSign>) -> Option<Amount> {
    match kind {
        CellKind::Number => return Amount::parse(text).ok(),
        CellKind::Error => return Amount::parse(number_and_unit(text)?.0).ok(),
        CellKind::Blank | CellKind::Boolean | CellKind::Date | CellKind::Text => {}
    }
    let is_point = sign != Some(DecimalSign::Comma);
    if kind == CellKind::Text && (is_whole_number(text) || is_point && is_plain_decimal(text)) {
        return Amount::parse(text).ok();
    }
    let text = plain(text);
    let numeral = Numeral::of(&text).filter(|_| kind == CellKind::Text)?;
    let sign = match (numeral.readings(), sign) {
        (Readings::Alike, None) => DecimalSign::Point,
        (Readings::Only(only), None) => only,
        (Readings::Either, None) => return None,
        (_, Some(sign)) => sign,
    };
    Amount::parse(&numeral.plain(sign)?).ok()
}

/// Whether a cell holds a number and nothing else, however it is written.
pub fn holds_number(cell: Cell<'_>) -> bool {
    match cell.kind {
        CellKind::Number => true,
        CellKind::Text if is_dashless_id(cell.text) => false,
        CellKind::Text => {
            let text = plain(cell.text);
            Numeral::of(&text).is_some_and(|numeral| !matches!(numeral.around(), Around::Unit(_)))
        }
        CellKind::Blank | CellKind::Boolean | CellKind::Date | CellKind::Error => false,
    }
}

/// Whether a text is an id without dashes: with a letter in it that is of no exponent, it is no number.
fn is_dashless_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| matches!(byte, b'a'..=b'd' | b'f'))
}

/// What the two readings of a cell in doubt are, for its finding.
pub fn both_readings(cell: Cell<'_>) -> Option<(String, String)> {
    let text = plain(cell.text);
    let numeral = Numeral::of(&text)?;
    numeral.plain(DecimalSign::Point).zip(numeral.plain(DecimalSign::Comma))
}

/// The exact number as the server takes it, rounded where a rule says how.
fn reportable(cell: Cell<'_>, number: &str, rounding: Option<RoundingRule>) -> Result<Quantity, Finding> {
    let fault = |error| match error {
        AmountError::NotANumber => invalid(cell),
        AmountError::TooPrecise => too_precise(cell),
        AmountError::TooLarge => too_large(cell),
    };
    let refused = |refusal| match refusal {
        NotReportable::TooManyDecimals => too_precise(cell),
        NotReportable::Negative => negative(cell),
        NotReportable::TooLarge => too_large(cell),
    };
    let exact = Amount::parse(number);
    let is_in_cents = exact.is_ok_and(Amount::has_cents_only);
    if let Some(rule) = rounding.filter(|_| !is_in_cents && exact != Err(AmountError::NotANumber)) {
        let before: Unrounded = number.parse().map_err(fault)?;
        if before.is_negative() {
            return Err(negative(cell));
        }
        let rounded = before.to_cents(rule).ok_or_else(|| too_large(cell))?;
        let amount = rounded.try_into().map_err(refused)?;
        let unrounded = Some(Box::new(before));
        return Ok(Quantity { amount, unrounded, unit: None, is_negative: false });
    }
    let amount = exact.map_err(fault)?.try_into().map_err(refused)?;
    Ok(Quantity { amount, unrounded: None, unit: None, is_negative: false })
}

pub(super) fn too_precise(cell: Cell<'_>) -> Finding {
    let expected = "at most two decimal places; the server refuses more, it does not round";
    Finding::new(Code::TooManyDecimals, shown(cell), expected)
        .hint("round it in the file, or add --round half-up (or half-even, up, down)")
}

pub(super) fn too_large(cell: Cell<'_>) -> Finding {
    Finding::new(Code::AmountTooLarge, shown(cell), "less than 1000000000000; the server breaks on more")
}

/// What is said of an amount below zero.
pub fn negative(cell: Cell<'_>) -> Finding {
    let finding = Finding::new(Code::NegativeAmount, shown(cell), "zero or more: the total of the month");
    finding.hint(if cell.text.starts_with('(') {
        "brackets are the way of accounts to write a number below zero; report the total of the month"
    } else {
        "to correct a usage downwards, report the new total of the month"
    })
}

/// A number that only the other sign makes one, in a column that was settled otherwise.
fn other_sign(cell: Cell<'_>, sign: DecimalSign) -> Finding {
    let (this, other) = match sign {
        DecimalSign::Point => ("point", "comma"),
        DecimalSign::Comma => ("comma", "point"),
    };
    let finding = Finding::new(
        Code::InvalidAmount,
        shown(cell),
        format!("a number whose decimal sign is a {this}, as --decimal says"),
    );
    finding.hint(format!("if it is a {other} in this column, use --decimal {other}"))
}

/// What is no number, with what it may have been.
pub(super) fn invalid(cell: Cell<'_>) -> Finding {
    let finding = Finding::new(Code::InvalidAmount, shown(cell), "a number such as 1234.5 or 1.234,50");
    let hint: Option<Cow<'static, str>> = match cell.kind {
        CellKind::Error | CellKind::Date if odd::hint(cell.text).is_some() => {
            odd::hint(cell.text).map(Cow::from)
        }
        CellKind::Error => {
            let hint = "open the file in a spreadsheet program, compute it anew (Ctrl+Shift+F9 in LibreOffice), \
                        mend the formula and save it";
            Some(hint.into())
        }
        CellKind::Boolean => Some("write the quantity that was used; 0 reports a usage of zero".into()),
        CellKind::Date | CellKind::Text | CellKind::Number | CellKind::Blank => {
            duration_hint(cell).or_else(|| other_hint(cell))
        }
    };
    match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn other_hint(cell: Cell<'_>) -> Option<Cow<'static, str>> {
    let text = plain(cell.text);
    let digits = || text.chars().any(|one| one.is_ascii_digit());
    if cell.kind == CellKind::Date {
        let hint = "the spreadsheet has turned the number into a date; format the column as a number and \
                    enter it again";
        Some(hint.into())
    } else if text.starts_with("0x") || text.starts_with("0X") {
        Some("write it as a decimal number".into())
    } else if text.chars().all(|one| one == '-') {
        Some("a dash can be zero or nothing; write 0 for a usage of zero, or leave the cell blank".into())
    } else if digits() && text.starts_with(['<', '>', '~', '≈', '≤', '≥', '±']) {
        Some("write the number that is to be billed, without a sign for about, below or above".into())
    } else if digits() && text.contains([',', '.', ' ', '\'']) {
        Some("separators stand between groups of three digits, and one decimal sign behind them".into())
    } else if !digits() && text.len() > 1 {
        Some("leave the cell blank where nothing is reported".into())
    } else {
        None
    }
}

/// What a length of time would be in hours.
fn duration_hint(cell: Cell<'_>) -> Option<Cow<'static, str>> {
    let seconds = match cell.kind {
        CellKind::Date => match cell.text.strip_suffix(" days") {
            Some(days) => days_in_seconds(days)?,
            None => iso_in_seconds(cell.text)?,
        },
        _ => clock_in_seconds(cell.text).or_else(|| iso_in_seconds(cell.text))?,
    };
    let hours = format!("{}.{:02}", seconds / 3600, seconds % 3600 / 36);
    let about = if seconds % 36 == 0 { "" } else { "about " };
    let hint = format!("it is a length of time, {about}{hours} hours; write it as a number");
    Some(hint.into())
}

/// Days as a spreadsheet counts them, to the nearest second.
fn days_in_seconds(days: &str) -> Option<u64> {
    let (whole, fraction) = days.split_once('.').unwrap_or((days, ""));
    let digits: String = fraction.chars().chain("0000000000".chars()).take(10).collect();
    let (whole, fraction): (u64, u64) = (whole.parse().ok()?, digits.parse().ok()?);
    let seconds = (fraction * 86_400 + 5_000_000_000) / 10_000_000_000;
    whole.checked_mul(86_400)?.checked_add(seconds)
}

/// `36:15` or `36:15:00`; hours first.
fn clock_in_seconds(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let is_part = |part: &str| part.len() <= 2 && part.parse::<u64>().is_ok_and(|part| part < 60);
    if parts.next().is_some() || !is_part(minutes) || !is_part(seconds) {
        return None;
    }
    let (hours, minutes, seconds): (u64, u64, u64) =
        (hours.parse().ok()?, minutes.parse().ok()?, seconds.parse().ok()?);
    hours.checked_mul(3600)?.checked_add(minutes * 60 + seconds)
}

/// `PT36H15M0S`, as a spreadsheet in the open format writes it.
fn iso_in_seconds(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix("PT")?;
    let mut seconds = 0_u64;
    for (unit, length) in [('H', 3600), ('M', 60), ('S', 1)] {
        if let Some((count, after)) = rest.split_once(unit) {
            let count = count.split_once(['.', ',']).map_or(count, |(whole, _)| whole);
            seconds = seconds.checked_add(count.parse::<u64>().ok()?.checked_mul(length)?)?;
            rest = after;
        }
    }
    rest.is_empty().then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, kind: CellKind) -> Option<Code> {
        match quantity(Cell { text, kind }, &Verdict::Settled(DecimalSign::Point), None) {
            Ok(_) => None,
            Err(Unread::Fault(finding)) => Some(finding.code),
            Err(Unread::Doubt) => panic!("{text} is in doubt"),
        }
    }

    #[test]
    fn amounts_are_believed_or_named() {
        use CellKind::{Boolean, Date, Error, Number, Text};
        let table = [
            ("1.230", Text, None),
            ("1e3", Number, None),
            ("0", Text, None),
            ("1,234.5", Text, None),
            ("1.234", Text, Some(Code::TooManyDecimals)),
            ("0.00000000000001", Number, Some(Code::TooManyDecimals)),
            ("-5", Number, Some(Code::NegativeAmount)),
            ("(5.00)", Text, Some(Code::NegativeAmount)),
            ("5.00-", Text, Some(Code::NegativeAmount)),
            ("1000000000000", Text, Some(Code::AmountTooLarge)),
            ("1e300", Number, Some(Code::AmountTooLarge)),
            ("50 %", Text, Some(Code::InvalidAmount)),
            ("€ 12", Text, Some(Code::InvalidAmount)),
            ("1,5", Text, Some(Code::InvalidAmount)),
            ("-", Text, Some(Code::InvalidAmount)),
            ("true", Boolean, Some(Code::InvalidAmount)),
            ("2026-11-01", Date, Some(Code::InvalidAmount)),
            ("1.5 days", Date, Some(Code::InvalidAmount)),
            ("36:15", Text, Some(Code::InvalidAmount)),
            ("#REF!", Error, Some(Code::InvalidAmount)),
        ];
        for (text, kind, expected) in table {
            assert_eq!(code(text, kind), expected, "{text}");
        }
    }

    #[test]
    fn a_length_of_time_is_told_in_hours() {
        let hint = |text: &str, kind| invalid(Cell { text, kind }).hint.unwrap_or_default();
        assert!(hint("1.5 days", CellKind::Date).contains(", 36.00 hours"));
        assert!(hint("1.510416666666667 days", CellKind::Date).contains(", 36.25 hours"));
        assert!(hint("36:15:00", CellKind::Text).contains(", 36.25 hours"));
        assert!(hint("0:20", CellKind::Text).contains("about 0.33 hours"));
        assert!(hint("PT36H15M00S", CellKind::Text).contains(", 36.25 hours"));
        assert!(hint("PT36H15M00S", CellKind::Date).contains(", 36.25 hours"));
        assert!(hint("<0.01", CellKind::Text).contains("about, below or above"));
        assert!(hint("~ 12", CellKind::Text).contains("about, below or above"));
        assert!(hint("0x10", CellKind::Text).contains("decimal number"));
        assert!(hint("5 (all of it struck out)", CellKind::Error).contains("struck out"));
        assert!(hint("#REF!", CellKind::Error).contains("mend the formula"));
        assert!(hint("2026-05-01", CellKind::Date).contains("into a date"));
        assert!(hint("18446744073709551615:00", CellKind::Text).is_empty());
    }

    #[test]
    fn a_unit_is_split_off_and_a_rule_rounds() {
        let read =
            |text: &str, rule| quantity(Cell { text, kind: CellKind::Text }, &Verdict::Open, rule).unwrap();
        let with_unit = read("12,50 core-hours", None);
        assert_eq!(
            (with_unit.amount.to_string(), with_unit.unit.as_deref()),
            ("12.50".into(), Some("core-hours"))
        );
        let rounded = read("0.333333333333333", Some(RoundingRule::HalfUp));
        assert_eq!(rounded.amount.to_string(), "0.33");
        assert_eq!(rounded.unrounded.unwrap().to_string(), "0.333333333333333");
        assert_eq!(read("0.30", Some(RoundingRule::Up)).unrounded, None);
        let negative = quantity(
            Cell { text: "-0.001", kind: CellKind::Number },
            &Verdict::Open,
            Some(RoundingRule::HalfUp),
        );
        assert!(matches!(negative, Err(Unread::Fault(finding)) if finding.code == Code::NegativeAmount));
    }
}
