//! The charts of the summary. Amounts of different units never share an axis, and bars differ in pattern,
//! not in colour alone.

use rust_xlsxwriter::{
    Chart, ChartAxisLabelPosition, ChartFont, ChartFormat, ChartLegendPosition, ChartLine, ChartPatternFill,
    ChartPatternFillType, ChartSolidFill, ChartType, Color, XlsxError,
};

use crate::domain::Amount;

use super::names::text;
use super::summary::{ClassRows, Page, UnitRows};
use super::words;

/// Units that have a chart.
const MOST_UNITS: usize = 8;
/// Components that have bars in a chart.
const MOST_BARS: u32 = 12;
/// Rows of the sheet under a chart, of 20 pixels each.
const ROWS: u32 = 15;
/// Classes from which on their chart is twice as high.
const MANY_CLASSES: u32 = 9;
/// Their widths on the left and on the right, within the columns of the page.
const WIDTHS: [u32; 2] = [600, 500];
const HEIGHT: u32 = 290;

const DARK: Color = Color::RGB(0x001F_3A5F);
const LIGHT: Color = Color::RGB(0x00B4_C0CE);
const WARM: Color = Color::RGB(0x00C5_5A11);

/// Puts the charts on the summary: what each class is worth, then one for each unit.
pub(super) fn insert(
    page: &mut Page<'_, '_>,
    classes: Option<ClassRows>,
    units: &[UnitRows],
) -> Result<(), XlsxError> {
    let has_file = page.book.report.header.sides.has_file();
    let trend = page.book.report.trend.iter();
    let mut all = trend.flat_map(|one| [one.last_month, Some(one.server), one.file]).flatten();
    let is_above_zero = all.all(|amount| amount >= Amount::ZERO);
    let classes = classes.and_then(|rows| Some((rows.currency.clone()?, rows)));
    if units.is_empty() && classes.is_none() {
        return Ok(());
    }
    page.section("Charts")?;
    // They start on a page of their own.
    page.sheet.set_page_breaks(&[page.row - 1])?;
    let mut places = Vec::new();
    let mut rows_taken = 0;
    if let Some((currency, rows)) = classes {
        let high = if rows.last - rows.first >= MANY_CLASSES { 2 } else { 1 };
        let mut chart = worth(&rows, &currency);
        put(page, &mut chart, (0, false), high)?;
        // A high chart has others beside it, not below.
        places.extend((0..high).map(|row| (row, true)));
        rows_taken = high;
    }
    let rows = units.len().min(MOST_UNITS).div_ceil(2) + 1;
    let further = (rows_taken..).take(rows).flat_map(|row| [(row, false), (row, true)]);
    places.extend(further);
    for (unit, place) in units.iter().take(MOST_UNITS).zip(places) {
        let mut chart = by_component(unit, has_file);
        if is_above_zero {
            // An axis that begins elsewhere makes much of little differences.
            chart.y_axis().set_min(0);
        }
        put(page, &mut chart, place, 1)?;
        rows_taken = rows_taken.max(place.0 + 1);
    }
    page.row += rows_taken * ROWS;
    if units.len() > MOST_UNITS || units.iter().any(|unit| unit.last - unit.first >= MOST_BARS) {
        page.text(0, &words::not_charted(MOST_UNITS, MOST_BARS), &page.book.styles.remark)?;
        page.row += 1;
    }
    Ok(())
}

/// Puts a chart into a row of charts, on the left or on the right.
fn put(
    page: &mut Page<'_, '_>,
    chart: &mut Chart,
    (row, is_right): (u32, bool),
    high: u32,
) -> Result<(), XlsxError> {
    chart.set_width(WIDTHS[usize::from(is_right)]).set_height(HEIGHT + (high - 1) * ROWS * 20);
    let row = page.row + row * ROWS;
    page.sheet.insert_chart_with_offset(row, if is_right { 4 } else { 0 }, chart, 4, 6)?;
    Ok(())
}

fn by_component(rows: &UnitRows, has_file: bool) -> Chart {
    let mut chart = Chart::new(ChartType::Column);
    let last = rows.last.min(rows.first + MOST_BARS - 1);
    let unit = if rows.unit.is_empty() { "no unit".to_owned() } else { text(&rows.unit).into_owned() };
    let sides = if has_file { "Waldur last month, Waldur and file" } else { "Waldur last month and Waldur" };
    title(&mut chart, &format!("{sides} ({unit})"));
    let mut series = vec![("Waldur last month", 2_u16, Fill::Solid(LIGHT)), ("Waldur", 3, Fill::Solid(DARK))];
    if has_file {
        series.push(("File", 4, Fill::Striped(WARM)));
    }
    for (name, column, fill) in series {
        let own = chart.add_series();
        own.set_name(name)
            .set_categories((words::SUMMARY, rows.first, 0, last, 0))
            .set_values((words::SUMMARY, rows.first, column, last, column))
            .set_format(&mut fill.format())
            .set_gap(70);
    }
    axes(&mut chart);
    chart.legend().set_position(ChartLegendPosition::Bottom);
    chart
}

fn worth(rows: &ClassRows, currency: &str) -> Chart {
    let mut chart = Chart::new(ChartType::Bar);
    title(&mut chart, &format!("Worth of the breaks by class ({currency})"));
    chart
        .add_series()
        .set_name("Worth")
        .set_categories((words::SUMMARY, rows.first, 0, rows.last, 0))
        .set_values((words::SUMMARY, rows.first, 2, rows.last, 2))
        .set_format(&mut Fill::Solid(DARK).format())
        .set_gap(40);
    // The axes of bars that lie change places: names stand on the one called y.
    let font = font();
    chart.x_axis().set_font(&font).set_num_format("#,##0").set_major_gridlines_line(&grid());
    // The first class stands on top, as in the table; names keep clear of bars below zero.
    chart
        .y_axis()
        .set_font(&font)
        .set_reverse()
        .set_label_interval(1)
        .set_label_position(ChartAxisLabelPosition::Low);
    chart.legend().set_hidden();
    chart
}

fn title(chart: &mut Chart, words: &str) {
    chart.title().set_name(words).set_font(ChartFont::new().set_size(12).set_bold());
    chart.set_alt_text(words);
}

fn axes(chart: &mut Chart) {
    let font = font();
    chart.x_axis().set_font(&font);
    chart.y_axis().set_font(&font).set_num_format("#,##0").set_major_gridlines_line(&grid());
}

fn font() -> ChartFont {
    ChartFont::new().set_size(9).clone()
}

fn grid() -> ChartLine {
    ChartLine::new().set_color(Color::RGB(0x00D9_D9D9)).set_width(0.5).clone()
}

/// How a bar is filled.
#[derive(Debug, Clone, Copy)]
enum Fill {
    Solid(Color),
    Striped(Color),
}

impl Fill {
    fn format(self) -> ChartFormat {
        let mut format = ChartFormat::new();
        match self {
            Self::Solid(colour) => format.set_solid_fill(ChartSolidFill::new().set_color(colour)),
            Self::Striped(colour) => format
                .set_pattern_fill(
                    ChartPatternFill::new()
                        .set_pattern(ChartPatternFillType::DiagonalStripesWideUpwards)
                        .set_foreground_color(colour)
                        .set_background_color(Color::White),
                )
                .set_border(ChartLine::new().set_color(colour).set_width(0.75)),
        };
        format
    }
}
