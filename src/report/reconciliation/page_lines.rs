//! The lines of a report as tables of a page.
//!
//! A page has to open, so above a number of lines it holds the breaks alone, and above that the first of
//! them, and says where the rest stands.

use crate::reconcile::{Class, LineView, Report};

use super::Locale;
use super::page_table::{Cell, Head, Part, Row, Table};
use super::words::{self, WORDS};

/// How many lines a page holds in a table.
pub(super) const MOST_LINES: usize = 20_000;
/// Up to how many lines a table of all of them stands open.
const MOST_OPEN: usize = 200;

/// Writes lines for the page of a report.
pub(super) struct PageLines<'a> {
    pub report: &'a Report,
    pub locale: &'a Locale,
    /// How many lines a page holds; [`MOST_LINES`], and fewer in tests.
    pub most: usize,
}

/// Which columns a report has anything for.
struct Wanted {
    worth: bool,
    stated: bool,
    billed: bool,
    partial: bool,
}

impl PageLines<'_> {
    /// The breaks.
    pub(super) fn breaks(&self) -> Table {
        let all = self.report.breaks().count();
        let mut note = WORDS.breaks_note.to_owned();
        if all > self.most {
            let (shown, all) = (self.locale.count(self.most), self.locale.count(all));
            note = format!("{note} {}", words::lines_left_out(&shown, &all));
        }
        let wanted = self.wanted();
        let rows = self.report.breaks().take(self.most).map(|view| self.row(&view, &wanted, true));
        Table {
            id: "breaks",
            title: WORDS.breaks,
            note,
            columns: self.columns(&wanted, true),
            rows: rows.collect(),
            is_sortable: true,
            is_closed: false,
            count: self.locale.count(all),
        }
    }

    /// All lines; nothing but a word where they stand if they are too many.
    pub(super) fn lines(&self) -> Table {
        let all = self.report.lines.len();
        let count = self.locale.count(all);
        let mut table =
            Table { id: "lines", title: WORDS.lines, is_sortable: true, count, ..Table::default() };
        if all > self.most {
            table.note = words::lines_elsewhere(&table.count);
            return table;
        }
        let wanted = self.wanted();
        table.is_closed = all > MOST_OPEN;
        table.columns = self.columns(&wanted, false);
        table.rows = self.report.views().map(|view| self.row(&view, &wanted, false)).collect();
        table
    }

    fn wanted(&self) -> Wanted {
        let has = |wanted: fn(&LineView<'_>) -> bool| self.report.views().any(|view| wanted(&view));
        Wanted {
            worth: has(|view| view.worth().is_some()),
            stated: has(|view| view.stated().is_some()),
            billed: has(|view| view.billed().is_some()),
            partial: self.report.header.months.iter().any(|month| month.is_partial),
        }
    }

    fn has_file(&self) -> bool {
        self.report.header.sides.has_file()
    }

    fn columns(&self, wanted: &Wanted, is_break: bool) -> Vec<Head> {
        let other = if self.has_file() { WORDS.file } else { WORDS.billed };
        let mut columns = vec![
            Head::figure(WORDS.number).narrow(),
            Head::text(WORDS.class).picked(),
            Head::text(WORDS.organisation).picked(),
            Head::text(WORDS.resource),
            Head::text(WORDS.component).picked(),
            Head::text(WORDS.month).narrow().picked(),
            Head::figure(other),
            Head::figure(WORDS.server),
            Head::figure(WORDS.difference),
        ];
        columns.extend(wanted.worth.then(|| Head::figure(WORDS.worth)));
        columns.push(Head::text(if is_break { WORDS.next_step } else { WORDS.notes }).wide());
        columns.push(Head::text(WORDS.place).wide());
        columns.extend(wanted.stated.then(|| Head::figure(WORDS.stated)));
        columns.extend(wanted.billed.then(|| Head::figure(WORDS.invoice)));
        columns
    }

    fn row(&self, view: &LineView<'_>, wanted: &Wanted, is_break: bool) -> Row {
        let locale = self.locale;
        let other =
            if self.has_file() { view.line.file } else { view.billed().map(|billed| billed.quantity) };
        let other_name = if self.has_file() { "file" } else { "billed_quantity" };
        let subject = view.subject;
        let mut cells = vec![
            locale.count_cell(view.number, "number"),
            class_cell(view.class()),
            Cell::text(&subject.organisation).and(under(&subject.project)),
            Cell::text(&subject.resource).and(under(&subject.offering)),
            Cell::text(&view.measured.component).and(under(&view.measured.unit)),
            self.month(view, wanted),
            locale.amount_cell(other, other_name),
            locale.amount_cell(view.line.server, "server"),
            locale.difference_cell(Some(view.difference()), "difference"),
        ];
        if wanted.worth {
            let worth: Vec<_> = view.worth().into_iter().collect();
            cells.push(locale.money_cell(&worth, "worth", true));
        }
        cells.push(if is_break { next_step(view) } else { notes(view) });
        cells.push(place(view));
        if wanted.stated {
            cells.push(self.stated(view));
        }
        if wanted.billed {
            cells.push(self.billed(view));
        }
        let table = if is_break { "break" } else { "line" };
        Row { id: format!("{table}-{}", view.number), is_break: view.class().is_break(), cells }
    }

    fn month(&self, view: &LineView<'_>, wanted: &Wanted) -> Cell {
        let period = view.line.period;
        let is_partial = wanted.partial
            && self.report.header.months.iter().any(|month| month.period == period && month.is_partial);
        let cell = Cell::of("text", [self.locale.month_part(period)]);
        cell.and(is_partial.then(|| Part::text(WORDS.partial_short).looking("mark")))
    }

    fn stated(&self, view: &LineView<'_>) -> Cell {
        let Some(stated) = view.stated() else { return Cell::nothing("figure") };
        let locale = self.locale;
        let mut parts = Vec::new();
        if let Some(price) = stated.price {
            parts.push(locale.money_part((stated.currency, price), "stated_price", false));
        }
        if let Some(unit_price) = stated.unit_price {
            let part = locale.money_part((stated.currency, unit_price), "stated_unit_price", false);
            parts.push(part.labelled("unit price"));
        }
        if let Some(tax) = stated.tax {
            parts.push(locale.money_part((stated.currency, tax), "stated_tax", false).labelled("tax"));
        }
        parts.extend(stated.invoice_number.as_deref().map(|number| Part::text(number).labelled("no.")));
        parts.extend(stated.customer.as_deref().map(|customer| Part::text(customer).labelled("for")));
        filled("figure", parts)
    }

    fn billed(&self, view: &LineView<'_>) -> Cell {
        let Some(billed) = view.billed() else { return Cell::nothing("figure") };
        let locale = self.locale;
        let currency = self.report.header.currency.as_ref().map(|currency| currency.currency);
        let mut parts = vec![locale.money_part((currency, billed.price), "billed_price", false)];
        if self.has_file() {
            parts.push(locale.amount_part(billed.quantity, "billed_quantity").labelled("quantity"));
        }
        if let Some(unit_price) = billed.unit_price {
            parts.push(locale.amount_part(unit_price, "billed_unit_price").labelled("unit price"));
        }
        if let Some(tax) = billed.tax {
            parts.push(locale.amount_part(tax, "billed_tax").labelled("tax"));
        }
        parts.extend(billed.invoice_number.as_deref().map(|number| Part::text(number).labelled("no.")));
        let lines = billed.lines.iter().map(|line| Part::text(&line.to_string()).looking("code"));
        parts.extend(lines);
        filled("figure", parts)
    }
}

fn filled(kind: &'static str, parts: Vec<Part>) -> Cell {
    if parts.is_empty() { Cell::nothing(kind) } else { Cell::of(kind, parts) }
}

/// What stands under the first thing of a cell.
fn under(text: &str) -> Option<Part> {
    (!text.is_empty()).then(|| Part::text(text))
}

/// A class: its name, and who must act.
pub(super) fn class_cell(class: Class) -> Cell {
    let look = if class.is_break() { "class is-break" } else { "class" };
    let name = Part {
        text: words::class(class),
        exact: Some(class.name().to_owned()),
        ..Part::default().named("class").looking(look)
    };
    Cell::of("text", [name]).and(words::who(class.who()).map(|who| Part::text(&who)))
}

fn place(view: &LineView<'_>) -> Cell {
    let cells = view.cells().map(|cell| Part::text(&cell.to_string()).named("cell"));
    let usages = view.usages().map(|usage| Part::text(&usage.to_string()).named("usage").looking("code"));
    filled("text", cells.chain(usages).collect())
}

fn notes(view: &LineView<'_>) -> Cell {
    let also: Vec<String> = view.line.also.list().map(words::class).collect();
    let also = (!also.is_empty()).then(|| Part::text(&also.join(", ")).labelled("also"));
    let rule = view.rule().map(|rule| Part::text(rule).labelled("rule"));
    let note = view.note().map(Part::text);
    filled("text", note.into_iter().chain(rule).chain(also).collect())
}

fn next_step(view: &LineView<'_>) -> Cell {
    let step = under(view.class().next_step());
    let more = notes(view).parts.into_iter().filter(|part| part.look != Some("quiet"));
    filled("text", step.into_iter().chain(more).collect())
}
