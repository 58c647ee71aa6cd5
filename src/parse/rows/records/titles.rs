//! What the rows above the header say of all records: the time of the report, and its unit.

use crate::domain::{BillingPeriod, Place, Ratio, fold_unit, visible};
use crate::findings::{Code, Finding};
use crate::mapping::Titles;
use crate::parse::RawRow;

use super::moment::Moment;

/// What was read of them.
#[derive(Debug, Clone)]
pub(super) struct TitleFacts {
    /// The month of the report.
    pub(super) period: Option<BillingPeriod>,
    /// What one of its quantities is in what the layout counts in.
    pub(super) ratio: Ratio,
}

impl TitleFacts {
    /// Nothing was to be read.
    pub(super) fn none() -> Self {
        Self { period: None, ratio: Ratio::one() }
    }

    /// Reads the rows above a header; `header` is where faults stand that no row above has.
    pub(super) fn read(titles: &Titles, above: &[RawRow], header: &Place) -> (Self, Vec<Finding>) {
        let mut facts = Self::none();
        let mut faults = Vec::new();
        let begins = |text: &str, start: &str| {
            text.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
        };
        for row in above {
            let text = text(row);
            if let Some((_, because)) = titles.refuse.iter().find(|(start, _)| begins(&text, start)) {
                let shown = visible(&text).to_string();
                faults.push(Finding::new(Code::CutReport, shown, because.clone()).at(row.whole()));
            }
        }
        if titles.hold_period {
            let found = above.iter().find_map(|row| Some((row, interval(&text(row))?)));
            if let Some((row, (begin, last))) = found {
                match month(begin, last) {
                    Ok(period) => facts.period = Some(period),
                    Err(fault) => faults.push(fault.at(row.whole())),
                }
            }
        }
        if !titles.unit_behind.is_empty() {
            match unit(titles, above) {
                Ok(ratio) => facts.ratio = ratio,
                Err(fault) => {
                    let (fault, place) = *fault;
                    faults.push(fault.at(place.unwrap_or_else(|| header.clone())));
                }
            }
        }
        (facts, faults)
    }
}

fn text(row: &RawRow) -> String {
    let texts: Vec<&str> = row.cells().map(|cell| cell.text).filter(|text| !text.is_empty()).collect();
    texts.join(" ")
}

/// Two moments with a dash between them.
fn interval(text: &str) -> Option<(Moment, Moment)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(3).find_map(|words| {
        let (begin, dash, last) = (words[0], words[1], words[2]);
        if dash != "-" {
            return None;
        }
        Some((Moment::parse(begin, None).ok()?, Moment::parse(last, None).ok()?))
    })
}

/// The month of a report from its first to its last second.
fn month(begin: Moment, last: Moment) -> Result<BillingPeriod, Finding> {
    let months = begin.months_until(last.second_later());
    let Some((first, end)) = months else {
        return Err(Finding::new(
            Code::InvalidPeriod,
            "a report that ends before it begins",
            "a report of one month",
        ));
    };
    if first != end {
        let found = format!("a report from {first} to {end}");
        let hint = "make the report again, from the first of the month to the first of the next one";
        return Err(Finding::new(Code::CrossesMonths, found, "a report of one month").hint(hint));
    }
    if !begin.begins_month() {
        let found = format!("a report that begins in the middle of {first}");
        let expected = "a report from the first of the month on, because an amount is the total of its month";
        let hint = format!("make the report again with start={first}-01");
        return Err(Finding::new(Code::PartOfMonth, found, expected).hint(hint));
    }
    Ok(first)
}

/// The unit behind one of the words that announce it.
fn unit(titles: &Titles, above: &[RawRow]) -> Result<Ratio, Box<(Finding, Option<Place>)>> {
    let known = || {
        let words = titles.unit_behind.first().map_or("", String::as_str);
        let mut units: Vec<&str> = titles.units.iter().map(|(unit, _)| unit.as_str()).collect();
        units.sort_unstable();
        format!("a line such as \"{words} …\" above the header, with one of {}", units.join(", "))
    };
    let hint = "keep the lines above the header when you save the report; a layout of your own can do \
                without [titles], with factors for the unit that you know";
    for row in above {
        let text = text(row);
        let lower = text.to_ascii_lowercase();
        let behind = titles.unit_behind.iter().find_map(|words| {
            let at = lower.find(&words.to_ascii_lowercase())?;
            text.get(at + words.len()..)
        });
        let Some(unit) = behind.map(str::trim) else { continue };
        let known_as = fold_unit(unit);
        let ratio = titles.units.iter().find(|(own, _)| fold_unit(own) == known_as);
        return ratio.map(|(_, ratio)| ratio.clone()).ok_or_else(|| {
            let found = visible(unit).to_string();
            Box::new((Finding::new(Code::UnknownSourceUnit, found, known()).hint(hint), Some(row.whole())))
        });
    }
    let finding = Finding::new(Code::UnknownSourceUnit, "no line that names the unit", known());
    Err(Box::new((finding.hint(hint), None)))
}
