//! How cells look. Whatever a colour says, a word or a sign says too.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

use crate::report::reconciliation::{DateOrder, Locale};

use super::names::{looks_like_a_formula, text};

/// Units longer than this stand in their column alone.
const LONGEST_UNIT: usize = 24;

/// What agrees, and what does not.
pub(super) const GOOD: Color = Color::RGB(0x00E2_F0D9);
pub(super) const BAD: Color = Color::RGB(0x00FC_E4D6);
const GOOD_TEXT: Color = Color::RGB(0x0027_5317);
const BAD_TEXT: Color = Color::RGB(0x009C_1C00);
const INK: Color = Color::RGB(0x001F_3A5F);
const GREY: Color = Color::RGB(0x0059_5959);
const LINE: Color = Color::RGB(0x00BF_C7D1);
/// Where somebody may write.
const OPEN: Color = Color::RGB(0x00FF_F8DC);

/// The formats that have no numbers in them.
pub(super) struct Styles {
    pub(super) title: Format,
    pub(super) section: Format,
    pub(super) label: Format,
    pub(super) remark: Format,
    pub(super) link: Format,
    pub(super) header: Format,
    pub(super) header_right: Format,
    pub(super) header_open: Format,
    pub(super) header_centred: Format,
    pub(super) plain: Format,
    /// Beside a number, clear of it.
    pub(super) indented: Format,
    pub(super) wide: Format,
    pub(super) wrapped: Format,
    pub(super) open: Format,
    pub(super) count: Format,
    /// The number of a line.
    pub(super) number: Format,
    pub(super) rows: Format,
    pub(super) month: Format,
    pub(super) day: Format,
    pub(super) moment: Format,
    pub(super) percent: Format,
    /// A figure that is written as text, because a number would not hold it.
    pub(super) long: Format,
    pub(super) quoted: Format,
    pub(super) agrees: Format,
    pub(super) differs: Format,
    pub(super) good_word: Format,
    pub(super) bad_word: Format,
}

impl Styles {
    pub(super) fn new(locale: &Locale) -> Self {
        let top = Format::new().set_align(FormatAlign::Top);
        let header = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter)
            .set_background_color(INK)
            .set_font_color(Color::White)
            .set_border(FormatBorder::Thin)
            .set_border_color(LINE);
        let banner = Format::new()
            .set_bold()
            .set_font_size(13)
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter)
            .set_indent(1)
            .set_border(FormatBorder::Thin);
        let left = top.clone().set_align(FormatAlign::Left);
        let word = top.clone().set_align(FormatAlign::Center);
        Self {
            title: Format::new().set_bold().set_font_size(18).set_font_color(INK),
            section: Format::new()
                .set_bold()
                .set_font_size(13)
                .set_font_color(INK)
                .set_border_bottom(FormatBorder::Medium)
                .set_border_bottom_color(INK),
            label: top.clone().set_font_color(GREY),
            remark: Format::new().set_italic().set_font_color(GREY),
            link: top
                .clone()
                .set_font_color(Color::RGB(0x0005_63C1))
                .set_underline(rust_xlsxwriter::FormatUnderline::Single),
            header_right: header.clone().set_align(FormatAlign::Right),
            header_centred: header.clone().set_align(FormatAlign::Center),
            header_open: header.clone().set_background_color(Color::RGB(0x007F_6000)),
            header,
            indented: left.clone().set_indent(1),
            wide: left.clone().set_indent(1).set_text_wrap(),
            wrapped: left.clone().set_indent(1).set_text_wrap(),
            open: top.clone().set_text_wrap().set_background_color(OPEN).set_border(FormatBorder::Hair),
            number: left.clone().set_num_format("0"),
            count: top.clone().set_num_format("#,##0"),
            rows: Format::new()
                .set_bold()
                .set_num_format("[=1]0\" row\";#,##0\" rows\"")
                .set_align(FormatAlign::Left),
            month: left.clone().set_num_format(month(locale)),
            day: left.clone().set_num_format(day(locale)),
            moment: left.clone().set_num_format(format!("{} hh:mm:ss\" UTC\"", day(locale))),
            percent: top.clone().set_num_format("+0.0%;-0.0%;0.0%"),
            long: top.clone().set_align(FormatAlign::Right).set_quote_prefix(),
            quoted: top.clone().set_quote_prefix(),
            agrees: banner.clone().set_background_color(GOOD).set_font_color(GOOD_TEXT),
            differs: banner.set_background_color(BAD).set_font_color(BAD_TEXT),
            good_word: word.clone().set_font_color(GOOD_TEXT).set_background_color(GOOD),
            bad_word: word.set_bold().set_font_color(BAD_TEXT).set_background_color(BAD),
            plain: top,
        }
    }

    /// A quantity or a sum of money.
    pub(super) fn figure(&self, decimals: u8, unit: Option<&str>) -> Format {
        self.plain.clone().set_num_format(number_format(decimals, unit))
    }

    /// The same as a total.
    pub(super) fn total(&self, decimals: u8, unit: Option<&str>) -> Format {
        self.figure(decimals, unit)
            .set_bold()
            .set_align(FormatAlign::Right)
            .set_border_top(FormatBorder::Thin)
            .set_border_bottom(FormatBorder::Double)
    }
}

/// Two decimals and as many more as there are, in line under each other; below zero in brackets.
fn number_format(decimals: u8, unit: Option<&str>) -> String {
    let more = "?".repeat(usize::from(decimals.saturating_sub(2)));
    let unit = unit.and_then(unit_text).map(|unit| format!("\" {unit}\"")).unwrap_or_default();
    format!("#,##0.00{more}{unit}_);(#,##0.00{more}{unit})")
}

/// A unit as a number format can hold it.
fn unit_text(unit: &str) -> Option<String> {
    let unit = text(unit).trim().to_owned();
    let is_fit = !unit.is_empty() && unit.chars().count() <= LONGEST_UNIT && !unit.contains(['"', '\\']);
    is_fit.then_some(unit)
}

/// The format of a text that stays a text, even where somebody edits its cell.
pub(super) fn as_text(format: &Format, shown: &str) -> Format {
    if looks_like_a_formula(shown) { format.clone().set_quote_prefix() } else { format.clone() }
}

/// The height of a row, in pixels, in which a text of so many characters stands in a cell so wide.
pub(super) fn height(characters: usize, width: f64) -> u32 {
    let mut lines = 1;
    let mut room = width * 1.1;
    for _ in 0..characters.min(2_000) {
        room -= 1.0;
        if room < 0.0 {
            lines += 1;
            room += width * 1.1;
        }
    }
    (18 * lines + 2).min(400)
}

fn month(locale: &Locale) -> String {
    match locale.dates {
        DateOrder::YearFirst => "yyyy\\-mm".to_owned(),
        DateOrder::DayFirst(sign) => format!("mm\\{sign}yyyy"),
        DateOrder::MonthByName => "[$-409]mmm yyyy".to_owned(),
    }
}

fn day(locale: &Locale) -> String {
    match locale.dates {
        DateOrder::YearFirst => "yyyy\\-mm\\-dd".to_owned(),
        DateOrder::DayFirst(sign) => format!("dd\\{sign}mm\\{sign}yyyy"),
        DateOrder::MonthByName => "[$-409]d mmm yyyy".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_as_high_as_its_text() {
        assert_eq!([height(0, 20.0), height(22, 20.0), height(23, 20.0), height(80, 20.0)], [20, 20, 38, 74]);
        assert_eq!(height(1_000_000, 10.0), 400);
    }

    #[test]
    fn a_unit_never_breaks_a_number_format() {
        assert_eq!(number_format(2, Some("GB-hours")), "#,##0.00\" GB-hours\"_);(#,##0.00\" GB-hours\")");
        assert_eq!(number_format(4, None), "#,##0.00??_);(#,##0.00??)");
        for unit in ["", " ", "a\"b", "a\\", &"x".repeat(25)] {
            assert_eq!(number_format(2, Some(unit)), "#,##0.00_);(#,##0.00)", "{unit:?}");
        }
        // A control character is shown by its escape, which has a backslash.
        assert_eq!(unit_text("a\u{1b}b"), None);
    }
}
