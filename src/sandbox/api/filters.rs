//! Reads the filters of a list and collects what is wrong with their values.
//!
//! An empty value is as good as none, and so is any name that a list does not know.

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::request::read_uuid;
use super::{Answer, Request};
use crate::domain::Amount;
use crate::sandbox::python::Decimal;

/// What a filter by link asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Unused,
    /// To anything else than the collection: nothing can match.
    Elsewhere,
    To(Uuid),
}

impl Link {
    /// Whether something passes the filter.
    pub(super) fn passes(self, uuid: Uuid) -> bool {
        match self {
            Self::Unused => true,
            Self::Elsewhere => false,
            Self::To(wanted) => wanted == uuid,
        }
    }
}

/// The filters of a request while they are read.
pub(super) struct Filters<'a> {
    request: &'a Request,
    errors: Map<String, Json>,
}

impl<'a> Filters<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self { request, errors: Map::new() }
    }

    /// A text, blanks around it cut off.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.request.query.last(name).map(str::trim).filter(|text| !text.is_empty())
    }

    pub(super) fn uuid(&mut self, name: &str) -> Option<Uuid> {
        let text = self.text(name)?;
        let uuid = read_uuid(text);
        if uuid.is_none() {
            self.complain(name, "Enter a valid UUID.");
        }
        uuid
    }

    pub(super) fn date(&mut self, name: &str) -> Option<Date> {
        let text = self.text(name)?;
        let date = read_date(text);
        if date.is_none() {
            self.complain(name, "Enter a valid date.");
        }
        date
    }

    /// A number; one that no amount can be matches nothing that is counted.
    pub(super) fn number(&mut self, name: &str) -> Option<Amount> {
        let text = self.text(name)?;
        let number = Decimal::parse(text);
        if number.is_none() {
            self.complain(name, "Enter a number.");
        }
        let unmatched = Amount::ZERO.checked_sub(Amount::from(1)).unwrap_or_default();
        number.map(|number| number.amount().unwrap_or(unmatched))
    }

    /// A whole number.
    pub(super) fn whole_number(&mut self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.complain(name, "Enter a number.");
        }
        number
    }

    /// The values of a filter that can be given several times, each out of a list of choices.
    pub(super) fn choices(&mut self, name: &str, choices: &[&str]) -> Vec<&'a str> {
        let request = self.request;
        let values: Vec<&str> = request.query.all(name).filter(|value| !value.is_empty()).collect();
        self.check_choices(name, choices, values)
    }

    /// The values of a filter that is one list with commas, each out of a list of choices.
    pub(super) fn listed_choices(&mut self, name: &str, choices: &[&str]) -> Vec<&'a str> {
        let values = self.text(name).map(|text| text.split(',').collect()).unwrap_or_default();
        self.check_choices(name, choices, values)
    }

    fn check_choices(&mut self, name: &str, choices: &[&str], values: Vec<&'a str>) -> Vec<&'a str> {
        if let Some(unknown) = values.iter().find(|value| !choices.contains(value)) {
            let message = format!("Select a valid choice. {unknown} is not one of the available choices.");
            self.complain(name, &message);
        }
        values
    }

    /// A link to something of a collection on this server; its host does not matter.
    pub(super) fn link(&self, name: &str, collection: &str) -> Link {
        let Some(link) = self.text(name) else { return Link::Unused };
        let path = match link.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
            None => link,
        };
        let within = path.strip_prefix("/api/").and_then(|path| path.strip_prefix(collection));
        let id = within.and_then(|rest| rest.strip_prefix('/')).and_then(|rest| rest.strip_suffix('/'));
        id.and_then(read_uuid).map_or(Link::Elsewhere, Link::To)
    }

    fn complain(&mut self, name: &str, message: &str) {
        self.errors.insert(name.to_owned(), json!([message]));
    }

    /// Refuses the request where any value was wrong.
    pub(super) fn close(self) -> Result<(), Answer> {
        if self.errors.is_empty() { Ok(()) } else { Err(Answer::value(400, &Json::Object(self.errors))) }
    }
}

/// A date as the forms of the real server take it: ISO, or American with slashes.
fn read_date(text: &str) -> Option<Date> {
    let separator = if text.contains('/') { '/' } else { '-' };
    let parts: Vec<&str> = text.split(separator).collect();
    let [first, second, third] = parts[..] else { return None };
    let number = |part: &str| {
        let plain = !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<i16>().ok()).flatten()
    };
    let (year, month, day) = if separator == '-' { (first, second, third) } else { (third, first, second) };
    let year = match (year.len(), number(year)?) {
        (4, year) => year,
        // Two digits are of the century whose other dates they are nearest to.
        (2, year) if separator == '/' => year + if year < 69 { 2000 } else { 1900 },
        _ => return None,
    };
    Date::new(year, i8::try_from(number(month)?).ok()?, i8::try_from(number(day)?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::read_date;

    #[test]
    fn dates_are_iso_or_american() {
        for text in ["2026-10-01", "10/01/2026", "10/01/26", "2026-10-1"] {
            assert_eq!(read_date(text).map(|date| date.to_string()).as_deref(), Some("2026-10-01"), "{text}");
        }
        for text in ["01.10.2026", "2026-02-30", "yesterday", "2026-09-30T12:00:00Z", "26-10-01", ""] {
            assert_eq!(read_date(text), None, "{text}");
        }
    }
}
