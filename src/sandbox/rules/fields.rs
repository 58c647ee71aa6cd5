//! Reads single values as the server's serializer fields do, with their wording.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::form::{Complaint, complaint};
use crate::domain::{Amount, CarryOver};
use crate::sandbox::python::{Decimal, Value};

/// Digits of an amount, before and after the point together.
const DIGITS: i64 = 20;
/// Digits of an amount after the point.
const DECIMAL_PLACES: i64 = 2;
/// Characters of a number beyond which it is not even looked at.
const LONGEST_NUMBER: usize = 1_000;

/// A text that must not be blank.
pub(super) fn text(value: &Value) -> Result<String, Complaint> {
    let text = blank_text(value)?;
    if text.is_empty() { Err(complaint("This field may not be blank.")) } else { Ok(text) }
}

/// A text that may be blank; blanks around it are cut off.
pub(super) fn blank_text(value: &Value) -> Result<String, Complaint> {
    if !matches!(value, Value::Text(_) | Value::Int(_) | Value::Float(_)) {
        return Err(complaint("Not a valid string."));
    }
    let text = value.as_text();
    if text.text.contains('\0') {
        return Err(complaint("Null characters are not allowed."));
    }
    if let Some(half) = text.surrogate {
        return Err(complaint(format!("Surrogate characters are not allowed: U+{half:X}.")));
    }
    Ok(text.text.trim().to_owned())
}

/// A decimal of twenty digits, two of them after the point.
pub(super) fn amount(value: &Value) -> Result<Amount, Complaint> {
    let text = value.as_text().text;
    if text.trim().chars().count() > LONGEST_NUMBER {
        return Err(complaint("String value too large."));
    }
    let decimal = Decimal::parse(&text).ok_or_else(|| complaint("A valid number is required."))?;
    let places = decimal.places();
    if places.total > DIGITS {
        return Err(complaint(format!("Ensure that there are no more than {DIGITS} digits in total.")));
    }
    if places.decimal > DECIMAL_PLACES {
        return Err(complaint(format!(
            "Ensure that there are no more than {DECIMAL_PLACES} decimal places."
        )));
    }
    if places.whole > DIGITS - DECIMAL_PLACES {
        return Err(complaint(format!(
            "Ensure that there are no more than {} digits before the decimal point.",
            DIGITS - DECIMAL_PLACES
        )));
    }
    decimal.amount().ok_or_else(|| complaint("A valid number is required."))
}

/// A yes or no in one of its many spellings.
pub(super) fn boolean(value: &Value) -> Result<bool, Complaint> {
    let spelt = match value {
        Value::List(_) | Value::Dict(_) => String::new(),
        other => other.as_text().text.trim().to_lowercase(),
    };
    match spelt.as_str() {
        "t" | "y" | "yes" | "true" | "on" | "1" | "1.0" => Ok(true),
        "f" | "n" | "no" | "false" | "off" | "0" | "0.0" => Ok(false),
        _ => Err(complaint("Must be a valid boolean.")),
    }
}

/// What becomes of later months.
pub(super) fn carry_over(value: &Value) -> Result<CarryOver, Complaint> {
    let spelt = value.as_text().text;
    match spelt.as_str() {
        "none" => Ok(CarryOver::None),
        "reuse" => Ok(CarryOver::Reuse),
        "zero" => Ok(CarryOver::Zero),
        _ => Err(complaint(format!("\"{spelt}\" is not a valid choice."))),
    }
}

/// A moment; one that names no zone is in the server's own.
pub(super) fn moment(value: &Value, zone: &TimeZone) -> Result<Timestamp, Complaint> {
    let text = value.as_text().text;
    let text = text.trim();
    let local = |text: &str| {
        let moment = text.parse::<DateTime>().ok().filter(|_| text.contains(':'))?;
        moment.to_zoned(zone.clone()).ok().map(|moment| moment.timestamp())
    };
    text.parse::<Timestamp>().ok().or_else(|| local(text)).ok_or_else(|| {
        complaint(
            "Datetime has wrong format. Use one of these formats instead: \
             YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
        )
    })
}

/// An object that is named by its uuid, in any spelling.
pub(super) fn object<T>(value: &Value, find: impl FnOnce(Uuid) -> Option<T>) -> Result<T, Complaint> {
    let spelt = match value {
        Value::List(_) | Value::Dict(_) => return Err(complaint("Invalid value.")),
        other => other.as_text().text,
    };
    if spelt.is_empty() {
        return Err(complaint("This field may not be null."));
    }
    let found = Uuid::try_parse(&spelt).ok().and_then(find);
    found.ok_or_else(|| complaint(format!("Object with uuid={spelt} does not exist.")))
}
