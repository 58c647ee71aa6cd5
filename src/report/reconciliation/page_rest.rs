//! What a page tells after its lines: organisations, invoices, and what the report was made from.

use crate::domain::{Amount, Currency};
use crate::plan::{InputFile, InvoiceState};
use crate::reconcile::{InvoiceTotal, Weight};

use super::page::Writer;
use super::page_lines::MOST_LINES;
use super::page_table::{Cell, Head, Part, Row, Table};
use super::words::{self, WORDS};

impl Writer<'_> {
    pub(super) fn organisations(&self) -> Table {
        let locale = self.locale;
        let totals = &self.report.organisations;
        let has_stated = totals.iter().any(|total| !total.stated.is_empty());
        let has_billed = totals.iter().any(|total| total.billed.is_some());
        let currency = self.currency();
        let rows = totals.iter().map(|total| {
            let mut cells = vec![
                Cell::text(&total.name),
                locale.count_cell(total.keys, "keys"),
                locale.count_cell(total.breaks, "breaks"),
                locale.money_cell(&total.worth, "worth", true),
            ];
            cells.extend(has_stated.then(|| locale.money_cell(&total.stated, "stated", false)));
            let billed: Vec<_> = total.billed.map(|billed| (currency, billed)).into_iter().collect();
            cells.extend(has_billed.then(|| locale.money_cell(&billed, "billed", false)));
            Row { is_break: total.breaks > 0, cells, ..Row::default() }
        });
        let mut columns = vec![
            Head::text(WORDS.organisation).wide(),
            Head::figure(WORDS.keys),
            Head::figure(WORDS.breaks),
            Head::figure(WORDS.worth),
        ];
        columns.extend(has_stated.then(|| Head::figure(WORDS.stated)));
        columns.extend(has_billed.then(|| Head::figure(WORDS.billed)));
        Table {
            id: "organisations",
            title: WORDS.organisations,
            note: WORDS.organisations_note.to_owned(),
            columns,
            rows: rows.collect(),
            is_sortable: true,
            count: locale.count(totals.len()),
            ..Table::default()
        }
    }

    fn currency(&self) -> Option<Currency> {
        self.header().currency.as_ref().map(|own| own.currency)
    }

    pub(super) fn invoices(&self) -> Table {
        let totals = &self.report.invoices;
        let has_stated = totals.iter().any(|total| !total.stated.is_empty() || !total.stated_tax.is_empty());
        let mut columns = vec![
            Head::text(WORDS.organisation).wide(),
            Head::text(WORDS.month).narrow(),
            Head::text(WORDS.invoice),
            Head::figure(WORDS.usage_lines),
            Head::figure(WORDS.other),
            Head::figure(WORDS.credits),
            Head::figure(WORDS.compensations),
            Head::figure(WORDS.total_price),
            Head::figure(WORDS.tax),
            Head::figure(WORDS.total),
        ];
        if has_stated {
            columns.extend([Head::figure(WORDS.stated), Head::figure(WORDS.stated_tax)]);
        }
        Table {
            id: "invoices",
            title: WORDS.invoices,
            note: WORDS.invoices_note.to_owned(),
            columns,
            rows: totals.iter().map(|total| self.invoice(total, has_stated)).collect(),
            is_sortable: true,
            count: self.locale.count(totals.len()),
            ..Table::default()
        }
    }

    fn invoice(&self, total: &InvoiceTotal, has_stated: bool) -> Row {
        let (locale, currency) = (self.locale, self.currency());
        let money = |amount: Option<Amount>, name| {
            let amounts: Vec<_> = amount.map(|amount| (currency, amount)).into_iter().collect();
            locale.money_cell(&amounts, name, false)
        };
        let number = total.number.as_deref().unwrap_or(WORDS.not_told);
        let state = total.state.as_ref().map_or(WORDS.not_seen.to_owned(), state_of);
        let mut cells = vec![
            Cell::text(&total.organisation),
            Cell::of("text", [locale.month_part(total.period)]),
            Cell::text(number).and([Part::text(&state)]),
            money(Some(total.usage), "usage"),
            money(Some(total.other), "other"),
            money(Some(total.credits), "credits"),
            money(Some(total.compensations), "compensations"),
            money(total.price, "price"),
            money(total.tax, "tax"),
            money(total.total, "total"),
        ];
        if has_stated {
            cells.push(locale.money_cell(&total.stated, "stated", false));
            cells.push(locale.money_cell(&total.stated_tax, "stated_tax", false));
        }
        Row { cells, ..Row::default() }
    }

    pub(super) fn skipped(&self) -> Table {
        let rows = self.report.skipped.iter().take(MOST_LINES).map(|row| Row {
            is_break: true,
            cells: vec![
                Cell::of("text", [Part::text(&row.place.to_string())]),
                Cell::text(row.code.title()).and([Part::text(row.code.name()).looking("code")]),
                Cell::text(&row.found),
            ],
            ..Row::default()
        });
        Table {
            id: "skipped",
            title: WORDS.skipped,
            note: WORDS.skipped_note.to_owned(),
            columns: vec![
                Head::text(WORDS.place).wide(),
                Head::text(WORDS.skipped_why).wide(),
                Head::text(WORDS.skipped_found),
            ],
            rows: rows.collect(),
            count: self.locale.count(self.report.skipped.len()),
            ..Table::default()
        }
    }

    pub(super) fn remarks(&self) -> Table {
        let rows = self.header().remarks.iter().map(|remark| Row {
            is_break: remark.weight == Weight::Against,
            cells: vec![
                Cell::of("text", [Part::text(remark.kind.name()).looking("code")]),
                Cell::text(&remark.text),
            ],
            ..Row::default()
        });
        Table {
            id: "remarks",
            title: WORDS.remarks,
            columns: vec![Head::text(WORDS.remarks_about), Head::text(WORDS.remarks_says).wide()],
            rows: rows.collect(),
            ..Table::default()
        }
    }

    pub(super) fn inputs(&self) -> Table {
        let (header, count) = (self.header(), |count| self.locale.count(count));
        let row = |kind: &str, input: &InputFile| Row {
            cells: vec![
                Cell::of("text", [Part::text(&input_name(input)), Part::text(kind)]),
                Cell::text(
                    input.layout.as_ref().and_then(|layout| layout.name.as_deref()).unwrap_or_default(),
                ),
                Cell::of("text", [Part::text(&input.sha256).looking("code")]),
            ],
            ..Row::default()
        };
        let files = header.inputs.iter().map(|input| row(WORDS.file, input));
        let saved = header.server_rows.iter().map(|input| row(WORDS.saved_list, input));
        let rows = &header.rows;
        let mut note = words::rows(
            &count(rows.rows_read),
            &count(rows.rows_used),
            &count(rows.rows_faulty),
            &count(rows.rows_blank),
            &count(rows.rows_filtered),
        );
        if header.rows_of_users > 0 {
            note = format!("{note}; {}", words::rows_of_users(&count(header.rows_of_users)));
        }
        Table {
            id: "inputs",
            title: WORDS.inputs,
            note: format!("{} {}: {note}.", WORDS.inputs_note, WORDS.rows),
            columns: vec![
                Head::text(WORDS.file).wide(),
                Head::text(WORDS.layout),
                Head::text(WORDS.digest).wide(),
            ],
            rows: files.chain(saved).collect(),
            ..Table::default()
        }
    }

    pub(super) fn rules(&self) -> Table {
        let rows = self.header().rules.iter().map(|rule| {
            let until = rule.until.map_or_else(
                || Cell::nothing("text"),
                |date| {
                    Cell::text(&self.locale.date(date))
                        .and(rule.has_ended.then(|| Part::text("ended, not applied").looking("mark")))
                },
            );
            Row {
                cells: vec![
                    Cell::text(&rule.name),
                    Cell::text(&rule.says),
                    until,
                    self.locale.count_cell(rule.lines, "lines"),
                ],
                ..Row::default()
            }
        });
        Table {
            id: "rules",
            title: WORDS.rules,
            note: WORDS.rules_note.to_owned(),
            columns: vec![
                Head::text(WORDS.rule),
                Head::text(WORDS.says).wide(),
                Head::text(WORDS.until),
                Head::figure(WORDS.lines_with_rule),
            ],
            rows: rows.collect(),
            ..Table::default()
        }
    }

    pub(super) fn endpoints(&self) -> Table {
        let rows = self.header().endpoints.iter().map(|endpoint| Row {
            cells: vec![
                Cell::of("text", [Part::text(&endpoint.path).looking("code")]),
                Cell::text(&endpoint.read),
                self.locale.count_cell(endpoint.rows, "rows"),
            ],
            ..Row::default()
        });
        Table {
            id: "endpoints",
            title: WORDS.endpoints,
            note: WORDS.endpoints_note.to_owned(),
            columns: vec![
                Head::text(WORDS.endpoint),
                Head::text(WORDS.how_read).wide(),
                Head::figure(WORDS.row_of_table),
            ],
            rows: rows.collect(),
            ..Table::default()
        }
    }
}

/// A file, and its sheet in a workbook.
pub(super) fn input_name(input: &InputFile) -> String {
    match &input.sheet {
        Some(sheet) => format!("{}, {sheet}", input.name),
        None => input.name.clone(),
    }
}

fn state_of(state: &InvoiceState) -> String {
    String::from(state.clone()).replace('_', " ")
}
