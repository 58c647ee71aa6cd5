//! The figures of a page, drawn as SVG that stands in it.
//!
//! A figure repeats what a table has, so that it can be taken in at a glance; what a bar stands for is
//! written beside it. Lengths are whole numbers worked out from the exact amounts.

use std::fmt::{self, Write};

use serde::Serialize;

use crate::domain::{Amount, Currency, visible};
use crate::reconcile::{Report, Trend};

use super::Locale;
use super::words::{self, WORDS};

/// How many components a figure shows: more cannot be taken in at a glance.
const MOST_COMPONENTS: usize = 12;
const WIDTH: i128 = 720;

/// A figure.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub title: String,
    pub note: String,
    /// The drawing; markup of ours, in which all text is escaped.
    pub svg: minijinja::Value,
}

/// The figures that there is something to draw for.
pub(super) fn figures(report: &Report, locale: &Locale) -> Vec<Figure> {
    let mut figures = Vec::new();
    let has_file = report.header.sides.has_file();
    let shown = &report.trend[..report.trend.len().min(MOST_COMPONENTS)];
    if !shown.is_empty() {
        let title = if has_file { words::figures::SIDES } else { words::figures::SIDES_BILLED };
        let mut note = words::figures::OWN_SCALE.to_owned();
        if shown.len() < report.trend.len() {
            let (shown, all) = (locale.count(shown.len()), locale.count(report.trend.len()));
            note = format!("{note} {}", words::first_components(&shown, &all));
        }
        figures.push(Figure {
            title: title.to_owned(),
            note: note.clone(),
            svg: sides(report, shown, locale),
        });
        if shown.iter().any(|trend| trend.last_month.is_some()) {
            let title = if has_file { words::figures::TREND } else { words::figures::TREND_BILLED };
            figures.push(Figure { title: title.to_owned(), note, svg: over_time(shown, locale) });
        }
    }
    let mut currencies: Vec<Option<Currency>> =
        report.classes.iter().flat_map(|total| total.worth.iter().map(|(currency, _)| *currency)).collect();
    currencies.sort_unstable();
    currencies.dedup();
    for currency in currencies {
        let title = match currency {
            Some(currency) => format!("{}, {currency}", words::figures::WORTH),
            None => words::figures::WORTH.to_owned(),
        };
        let note = words::figures::SIGNS.to_owned();
        figures.push(Figure { svg: worth(report, currency, &title, locale), title, note });
    }
    figures
}

/// A text between tags.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        visible(self.0).to_string().chars().try_for_each(|character| match character {
            '&' => formatter.write_str("&amp;"),
            '<' => formatter.write_str("&lt;"),
            '>' => formatter.write_str("&gt;"),
            '"' => formatter.write_str("&quot;"),
            '\'' => formatter.write_str("&#39;"),
            character => formatter.write_char(character),
        })
    }
}

struct Drawing {
    /// What is drawn so far.
    body: String,
    /// What it tells those who do not see it.
    told: String,
    height: i128,
}

impl Drawing {
    fn new() -> Self {
        Self { body: String::new(), told: String::new(), height: 0 }
    }

    // Writing to a string cannot fail; the same goes for all below.
    fn label(&mut self, (x, y): (i128, i128), anchor: &str, class: &str, text: &str) {
        let text = Escaped(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>"
        );
    }

    fn bar(&mut self, (x, y): (i128, i128), (width, height): (i128, i128), class: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"2\" class=\"bar {class}\"/>"
        );
    }

    fn line(&mut self, (x, y): (i128, i128), (to_x, to_y): (i128, i128)) {
        let _ =
            writeln!(self.body, "<line x1=\"{x}\" y1=\"{y}\" x2=\"{to_x}\" y2=\"{to_y}\" class=\"axis\"/>");
    }

    fn finish(self, title: &str) -> minijinja::Value {
        let Self { body, told, height } = self;
        let label = Escaped(title);
        let told = Escaped(&told);
        minijinja::Value::from_safe_string(format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}: {told}\" \
             focusable=\"false\">\n{body}</svg>"
        ))
    }
}

/// How much of a length an amount is, measured by the largest; what is not nothing can be seen.
fn share(amount: Amount, largest: Amount, length: i128) -> i128 {
    let (amount, largest) = (amount.steps().abs(), largest.steps().abs());
    match amount.saturating_mul(length).checked_div(largest) {
        Some(share) if amount > 0 => share.max(1),
        Some(_) | None => 0,
    }
}

fn largest(amounts: impl IntoIterator<Item = Amount>) -> Amount {
    amounts.into_iter().max_by_key(|amount| amount.steps().abs()).unwrap_or_default()
}

/// A name that fits its place; the table has the whole of it.
fn short(text: &str, most: usize) -> String {
    let shown = visible(text).to_string();
    if shown.chars().count() <= most {
        return shown;
    }
    shown.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

fn name(trend: &Trend, most: usize) -> String {
    let unit = &trend.measured.unit;
    let component = short(&trend.measured.component, most);
    if unit.is_empty() { component } else { format!("{component}, {}", short(unit, 16)) }
}

/// What stands against the server: the file, or without one what is billed.
fn other_side(report: &Report, trend: &Trend) -> Option<Amount> {
    if report.header.sides.has_file() {
        return trend.file;
    }
    report.proof.rows.iter().find(|row| row.measured == trend.measured).map(|row| row.file)
}

/// Two bars for each component.
fn sides(report: &Report, trends: &[Trend], locale: &Locale) -> minijinja::Value {
    const LEFT: i128 = 84;
    const LONGEST: i128 = 440;
    let mut drawing = Drawing::new();
    let other_word = if report.header.sides.has_file() { WORDS.file } else { WORDS.billed };
    for trend in trends {
        let other = other_side(report, trend);
        let top = drawing.height;
        let measure = largest([trend.server].into_iter().chain(other));
        drawing.label((0, top + 16), "start", "name", &name(trend, 60));
        let mut row = |at: i128, word: &str, class: &str, amount: Option<Amount>| {
            let y = top + 24 + 22 * at;
            let length = amount.map_or(0, |amount| share(amount, measure, LONGEST));
            let text = amount.map_or_else(|| WORDS.nothing.to_owned(), |amount| locale.amount(amount));
            drawing.label((LEFT - 8, y + 13), "end", "quiet", word);
            drawing.bar((LEFT, y), (length, 17), class);
            drawing.label((LEFT + length + 6, y + 13), "start", "value", &text);
            let _ = write!(drawing.told, "{} {word} {text}; ", name(trend, 60));
        };
        row(0, other_word, "file", other);
        row(1, WORDS.server, "server", Some(trend.server));
        drawing.height = top + 80;
    }
    let title =
        if report.header.sides.has_file() { words::figures::SIDES } else { words::figures::SIDES_BILLED };
    drawing.finish(title)
}

/// A panel for each component, with a column for each point in time.
fn over_time(trends: &[Trend], locale: &Locale) -> minijinja::Value {
    const PANEL: i128 = 350;
    const TALLEST: i128 = 84;
    let mut drawing = Drawing::new();
    for (trend, at) in trends.iter().zip(0_i128..) {
        let (left, top) = ((at % 2) * (PANEL + 20), (at / 2) * 160);
        let points = [
            (WORDS.last_month, "last", trend.last_month),
            (WORDS.server, "server", Some(trend.server)),
            (WORDS.file, "file", trend.file),
        ];
        let measure = largest(points.iter().filter_map(|(_, _, amount)| *amount));
        drawing.label((left, top + 16), "start", "name", &name(trend, 28));
        for (&(word, class, amount), place) in points.iter().zip(0_i128..) {
            let Some(amount) = amount else { continue };
            let middle = left + 58 + place * 116;
            let height = share(amount, measure, TALLEST);
            let text = locale.amount(amount);
            let size = if text.chars().count() > 15 { "value small" } else { "value" };
            drawing.bar((middle - 32, top + 126 - height), (64, height), class);
            drawing.label((middle, top + 120 - height), "middle", size, &text);
            drawing.label((middle, top + 142), "middle", "quiet", word);
            let _ = write!(drawing.told, "{} {word} {text}; ", name(trend, 28));
        }
        drawing.line((left, top + 126), (left + PANEL, top + 126));
        drawing.height = top + 156;
    }
    drawing.finish(words::figures::TREND)
}

/// A bar for each class, to the left where it is below zero.
fn worth(report: &Report, currency: Option<Currency>, title: &str, locale: &Locale) -> minijinja::Value {
    const MIDDLE: i128 = 390;
    const LONGEST: i128 = 180;
    let mut drawing = Drawing::new();
    let of = |worth: &[(Option<Currency>, Amount)]| {
        worth.iter().find(|(own, _)| *own == currency).map(|(_, amount)| *amount)
    };
    let totals: Vec<_> =
        report.classes.iter().filter_map(|total| Some((total.class, of(&total.worth)?))).collect();
    let measure = largest(totals.iter().map(|(_, amount)| *amount));
    for (class, amount) in totals {
        let y = drawing.height;
        let length = share(amount, measure, LONGEST);
        let (word, text) = (words::class(class), locale.difference(amount));
        drawing.label((180, y + 14), "end", "quiet", &word);
        let start = if amount.is_negative() { MIDDLE - length } else { MIDDLE };
        drawing.bar((start, y + 2), (length, 16), if amount.is_negative() { "less" } else { "more" });
        drawing.label((WIDTH, y + 14), "end", "value", &text);
        let _ = write!(drawing.told, "{word} {text}; ");
        drawing.height = y + 22;
    }
    drawing.line((MIDDLE, 0), (MIDDLE, drawing.height));
    drawing.height += 2;
    drawing.finish(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        text.parse().unwrap()
    }

    #[test]
    fn lengths_are_shares_of_the_largest_whatever_its_size() {
        let most = amount("1e24");
        assert_eq!(share(most, most, 440), 440);
        assert_eq!(share(amount("-5e23"), most, 440), 220);
        assert_eq!(share(amount("0.0000000001"), most, 440), 1);
        assert_eq!(share(Amount::ZERO, most, 440), 0);
        assert_eq!(share(Amount::ZERO, Amount::ZERO, 440), 0);
    }

    #[test]
    fn no_name_becomes_markup() {
        let mut report = crate::reconcile::sample::report();
        report.trend[0].measured.component = "<script>\u{202e}\"".into();
        for figure in figures(&report, &Locale::default()) {
            let svg = figure.svg.to_string();
            assert!(!svg.contains("<script") && !svg.contains('\u{202e}'), "{svg}");
            assert!(quick_xml::Reader::from_str(&svg).read_event().is_ok());
        }
    }
}
