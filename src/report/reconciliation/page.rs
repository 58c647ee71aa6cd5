//! The page of a reconciliation: what a template lays out, in the order in which people read it.
//!
//! Verdict and proof come first, then what somebody has to look at, then everything else. Whatever is
//! text here is escaped by the template, and what is invisible in it is made visible before.

use std::path::Path;

use serde::Serialize;

use crate::reconcile::{Header, ProofRow, Report, Sides, Trend, Weight};
use crate::report::{ReportError, write_file};

use super::figures::{Figure, figures};
use super::page_lines::{MOST_LINES, PageLines, class_cell};
use super::page_rest::input_name;
use super::page_table::{Cell, Head, Part, Row, Table};
use super::words::{self, WORDS, Words};
use super::{Locale, PageTemplate, ReportOptions};

/// A word and what it is of this report.
#[derive(Debug, Serialize)]
struct Fact {
    label: &'static str,
    parts: Vec<Part>,
}

/// What is told before all else.
#[derive(Debug, Serialize)]
struct VerdictOfPage {
    agrees: bool,
    label: &'static str,
    sentence: String,
    proof_holds: bool,
    proof: &'static str,
}

/// Everything that a template can lay out.
#[derive(Debug, Serialize)]
struct Page {
    policy: String,
    words: Words,
    rows_shown: &'static str,
    locale: &'static str,
    title: String,
    /// Where, with whom and what.
    facts: Vec<Fact>,
    verdict: VerdictOfPage,
    /// The few figures that tell most.
    tiles: Vec<Fact>,
    /// What has to be known before a figure is believed.
    warnings: Vec<String>,
    figures: Vec<Figure>,
    proof: Table,
    classes: Table,
    /// Everything after the figures, in order; what there is nothing of is not there.
    tables: Vec<Table>,
    /// The run and the time; they stand here alone.
    made: Vec<Fact>,
}

/// Writes the page.
pub(super) fn write(path: &Path, report: &Report, options: &ReportOptions) -> Result<(), ReportError> {
    write_file(path, page(report, options, MOST_LINES)?.as_bytes())
}

/// The page, with so many lines in a table at most.
pub(super) fn page(report: &Report, options: &ReportOptions, most: usize) -> Result<String, ReportError> {
    let template = match &options.template {
        Some(template) => template.clone(),
        None => PageTemplate::ours()?,
    };
    let page = Writer { report, locale: &options.locale }.page(&template, most);
    let tables = page.tables.iter().chain([&page.proof, &page.classes]);
    let rows = tables.map(|table| table.rows.len()).sum();
    template.fill(&page, rows)
}

/// Writes the page of a report.
pub(super) struct Writer<'a> {
    pub report: &'a Report,
    pub locale: &'a Locale,
}

impl Writer<'_> {
    fn page(&self, template: &PageTemplate, most: usize) -> Page {
        let lines = PageLines { report: self.report, locale: self.locale, most };
        let tables = [
            self.trend(),
            lines.breaks(),
            self.skipped(),
            self.remarks(),
            lines.lines(),
            self.organisations(),
            self.invoices(),
            self.inputs(),
            self.rules(),
            self.endpoints(),
        ];
        Page {
            policy: template.policy().to_owned(),
            words: WORDS,
            rows_shown: words::ROWS_SHOWN,
            locale: self.locale.name,
            title: words::title(&self.months()),
            facts: self.facts(),
            verdict: self.verdict(),
            tiles: self.tiles(),
            warnings: self.warnings(),
            figures: figures(self.report, self.locale),
            proof: self.proof(),
            classes: self.classes(),
            tables: tables
                .into_iter()
                .filter(|table| !table.rows.is_empty() || table.id == "lines")
                .collect(),
            made: self.made(),
        }
    }

    pub(super) fn header(&self) -> &Header {
        &self.report.header
    }

    fn has_file(&self) -> bool {
        self.header().sides.has_file()
    }

    fn months(&self) -> String {
        let months = &self.header().months;
        match (months.first(), months.last()) {
            (Some(first), Some(last)) if first.period != last.period => {
                format!("{} – {}", self.locale.month(first.period), self.locale.month(last.period))
            }
            (Some(only), _) => self.locale.month(only.period),
            (None, _) => String::new(),
        }
    }

    fn facts(&self) -> Vec<Fact> {
        let header = self.header();
        let sides = match header.sides {
            Sides::FileAndServer => "files and server",
            Sides::FileServerAndInvoices => "files, server and invoices",
            Sides::ServerAndInvoices => "server and invoices",
        };
        let months = header.months.iter().map(|month| {
            let partial =
                if month.is_partial { format!(" ({})", WORDS.partial_short) } else { String::new() };
            Part::text(&format!("{}{partial}", self.locale.month(month.period)))
        });
        let files = header.inputs.iter().map(|input| Part::text(&input_name(input)));
        let account = header.account.map(|account| format!("{}, {}", account.id, account.role));
        let currency = header.currency.as_ref().map(|own| format!("{}, from {}", own.currency, own.source));
        let scope = header.scope.customers.iter().chain(&header.scope.projects);
        let one = |text: Option<&str>| text.map(Part::text).into_iter().collect::<Vec<_>>();
        let facts = [
            (WORDS.months, months.collect()),
            ("Compared", vec![Part::text(sides)]),
            (WORDS.offerings, header.offerings.iter().map(|name| Part::text(name)).collect()),
            (WORDS.scope, scope.map(|name| Part::text(name)).collect()),
            (WORDS.files, files.collect()),
            (WORDS.server, one(header.server.as_deref())),
            (WORDS.account, one(account.as_deref())),
            ("Currency", one(currency.as_deref())),
        ];
        facts
            .into_iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(label, parts)| Fact { label, parts })
            .collect()
    }

    fn verdict(&self) -> VerdictOfPage {
        let (verdict, locale) = (&self.report.verdict, self.locale);
        let skipped = self.report.skipped.len();
        let skipped = (skipped > 0).then(|| locale.count(skipped));
        let (breaks, keys) = (locale.count(verdict.breaks), locale.count(verdict.keys));
        let sentence = words::verdict(&breaks, &keys, verdict.breaks > 0, skipped.as_deref());
        let told = self.header().remarks.iter().filter(|remark| remark.weight != Weight::Note).take(3);
        let proof_holds = self.report.proof.holds();
        VerdictOfPage {
            agrees: verdict.agrees,
            label: if verdict.agrees { WORDS.agrees } else { WORDS.disagrees },
            sentence: told.fold(sentence, |sentence, remark| format!("{sentence} {}.", remark.text)),
            proof_holds,
            proof: if proof_holds { WORDS.proof_holds } else { WORDS.proof_fails },
        }
    }

    fn tiles(&self) -> Vec<Fact> {
        let (verdict, locale) = (&self.report.verdict, self.locale);
        let stake = verdict.at_stake.iter().map(|money| locale.money_part(*money, "at_stake", false));
        let mut tiles = vec![
            Fact { label: WORDS.keys_compared, parts: vec![locale.count_part(verdict.keys, "keys")] },
            Fact { label: WORDS.breaks, parts: vec![locale.count_part(verdict.breaks, "breaks")] },
        ];
        let stake: Vec<Part> = stake.collect();
        if !stake.is_empty() {
            tiles.push(Fact { label: WORDS.at_stake, parts: stake });
        }
        if verdict.without_price > 0 {
            let parts = vec![locale.count_part(verdict.without_price, "without_price")];
            tiles.push(Fact { label: WORDS.without_price, parts });
        }
        tiles
    }

    fn warnings(&self) -> Vec<String> {
        let header = self.header();
        let partial: Vec<String> = header
            .months
            .iter()
            .filter(|month| month.is_partial)
            .map(|month| self.locale.month(month.period))
            .collect();
        let has_money = !self.report.verdict.at_stake.is_empty() || header.sides.has_invoices();
        let mut warnings = Vec::new();
        warnings.extend(header.sandbox.is_some().then(|| WORDS.sandbox.to_owned()));
        warnings.extend((!partial.is_empty()).then(|| words::partial(&partial.join(", "))));
        warnings.extend((header.currency.is_none() && has_money).then(|| WORDS.no_currency.to_owned()));
        warnings
    }

    fn proof(&self) -> Table {
        let (has_file, locale) = (self.has_file(), self.locale);
        let other = if has_file { WORDS.file } else { WORDS.billed };
        let row = |row: &ProofRow| {
            let classes = row.classes.iter().map(|(class, amount)| {
                locale.difference_part(*amount, "class_difference").labelled(words::class(*class))
            });
            let holds = if row.holds() { WORDS.yes } else { WORDS.no };
            let mark = Part::text(holds).looking(if row.holds() { "mark good" } else { "mark bad" });
            Row {
                cells: vec![
                    Cell::text(&row.measured.component)
                        .and(Some(Part::text(&row.measured.unit)).filter(|unit| !unit.text.is_empty())),
                    locale.amount_cell(Some(row.file), "file"),
                    locale.amount_cell(Some(row.server), "server"),
                    locale.difference_cell(row.difference(), "difference"),
                    if row.classes.is_empty() { Cell::nothing("figure") } else { Cell::of("list", classes) },
                    locale.difference_cell(row.explained(), "explained"),
                    Cell::of("text", [mark]),
                ],
                ..Row::default()
            }
        };
        Table {
            id: "proof",
            title: WORDS.proof,
            note: if has_file { WORDS.proof_note } else { WORDS.proof_note_billed }.to_owned(),
            columns: vec![
                Head::text(WORDS.component),
                Head::figure(other),
                Head::figure(WORDS.server),
                Head::figure(WORDS.difference),
                Head::figure(WORDS.class_differences).wide(),
                Head::figure(WORDS.explained),
                Head::text("Holds").narrow(),
            ],
            rows: self.report.proof.rows.iter().map(row).collect(),
            ..Table::default()
        }
    }

    fn classes(&self) -> Table {
        let locale = self.locale;
        let first = |class| self.report.lines.iter().position(|line| line.class == class);
        let rows = self.report.classes.iter().filter(|total| total.keys > 0).map(|total| {
            // The first line of the class, where it stands in the page.
            let link = first(total.class)
                .filter(|at| total.class.is_break() && *at < MOST_LINES)
                .map(|at| format!("#break-{}", at.saturating_add(1)));
            let mut name = class_cell(total.class);
            if let Some(part) = name.parts.first_mut() {
                part.link = link;
            }
            let title = Part::text(total.class.title());
            let step = total.class.next_step();
            Row {
                is_break: total.class.is_break(),
                cells: vec![
                    name,
                    locale.count_cell(total.keys, "keys"),
                    locale.money_cell(&total.worth, "worth", true),
                    Cell::of("text", [title]),
                    Cell::text(step),
                ],
                ..Row::default()
            }
        });
        Table {
            id: "classes",
            title: WORDS.classes,
            note: WORDS.classes_note.to_owned(),
            columns: vec![
                Head::text(WORDS.class),
                Head::figure(WORDS.keys).narrow(),
                Head::figure(WORDS.worth),
                Head::text("What it means").wide(),
                Head::text(WORDS.next_step).wide(),
            ],
            rows: rows.collect(),
            ..Table::default()
        }
    }

    fn trend(&self) -> Table {
        let locale = self.locale;
        let has_file = self.has_file();
        let row = |trend: &Trend| {
            let mut cells = vec![
                Cell::text(&trend.measured.component),
                Cell::text(&trend.measured.unit),
                locale.amount_cell(trend.last_month, "last_month"),
                locale.amount_cell(Some(trend.server), "server"),
            ];
            cells.extend(has_file.then(|| locale.amount_cell(trend.file, "file")));
            Row { cells, ..Row::default() }
        };
        let mut columns = vec![
            Head::text(WORDS.component),
            Head::text(WORDS.unit),
            Head::figure(WORDS.last_month),
            Head::figure(WORDS.server),
        ];
        columns.extend(has_file.then(|| Head::figure(WORDS.file)));
        Table {
            id: "trend",
            title: WORDS.trend,
            note: WORDS.trend_note.to_owned(),
            columns,
            rows: self.report.trend.iter().map(row).collect(),
            ..Table::default()
        }
    }

    fn made(&self) -> Vec<Fact> {
        let made = &self.report.made;
        let fact = |label, text: String| Fact { label, parts: vec![Part::text(&text)] };
        vec![
            fact(WORDS.made, self.locale.moment(made.at)),
            fact(WORDS.run, made.run.to_string()),
            fact(WORDS.this_tool, format!("{} {}", WORDS.generator, made.tool_version)),
        ]
    }
}
