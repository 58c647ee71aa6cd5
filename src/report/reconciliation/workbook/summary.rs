//! The first sheet: the verdict, what it was made from, the proof and the totals, each figure a formula
//! over the lines.

use std::collections::HashMap;

use rust_xlsxwriter::{Format, Formula, Url, Worksheet, XlsxError};

use crate::domain::{Amount, Currency};
use crate::reconcile::{ClassTotal, ProofRow};

use super::columns::{What, currency_text, own_columns, priced};
use super::live::{At, Total, word};
use super::names::text;
use super::proof::ProofRanges;
use super::style::{as_text, height};
use super::sums::{Figure, Sum};
use super::survey::MOST_CURRENCIES;
use super::{Book, charts, link, organisations, title, words};

/// The columns of the sheet; eight of them fit a page on its side.
pub(super) const WIDTHS: [f64; 8] = [34.0, 16.0, 25.0, 25.0, 25.0, 25.0, 16.0, 16.0];
pub(super) const LAST: u16 = 7;
/// A link says no more than this of where it leads to.
const LONGEST_LINK: usize = 200;
/// Writes the sheet.
pub(super) fn write(sheet: &mut Worksheet, book: &Book<'_>, ranges: &ProofRanges) -> Result<(), XlsxError> {
    for (column, width) in (0_u16..).zip(WIDTHS) {
        sheet.set_column_width(column, width)?;
    }
    book.paper(sheet, words::SUMMARY);
    sheet.set_screen_gridlines(false);
    let mut page = Page { sheet, book, row: 0 };
    page.head()?;
    page.glance()?;
    let proof = page.proof(ranges)?;
    let classes = page.classes()?;
    let trend = page.trend(&proof)?;
    charts::insert(&mut page, classes, &trend)?;
    organisations::write(&mut page)?;
    page.notes()
}

/// The sheet, and how far it is written.
pub(super) struct Page<'a, 'b> {
    pub(super) sheet: &'a mut Worksheet,
    pub(super) book: &'a Book<'b>,
    pub(super) row: u32,
}

/// Where the proof of a component stands, for others to point at.
pub(super) struct ProofCells {
    row: u32,
    file_is_number: bool,
    server_is_number: bool,
}

/// Where the rows of the breaks stand among the classes, and how many currencies come before.
#[derive(Debug, Clone)]
pub(super) struct ClassRows {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) currency: Option<String>,
}

/// The rows of a unit in the table of the trend.
#[derive(Debug, Clone)]
pub(super) struct UnitRows {
    pub(super) unit: String,
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Page<'_, '_> {
    pub(super) fn at(&self, column: u16) -> At<'static> {
        At { sheet: words::SUMMARY, row: self.row, column }
    }

    pub(super) fn text(&mut self, column: u16, raw: &str, format: &Format) -> Result<(), XlsxError> {
        let shown = text(raw);
        if !shown.is_empty() {
            let format = as_text(format, &shown);
            self.sheet.write_string_with_format(self.row, column, shown, &format)?;
        }
        Ok(())
    }

    pub(super) fn link(&mut self, column: u16, target: Url, raw: &str) -> Result<(), XlsxError> {
        let shown: String = text(raw).chars().take(LONGEST_LINK).collect();
        let format = as_text(&self.book.styles.link, &shown);
        self.sheet.write_url_with_format(self.row, column, target.set_text(shown), &format)?;
        Ok(())
    }

    /// The heading of a section, with a line from side to side.
    pub(super) fn section(&mut self, heading: &str) -> Result<(), XlsxError> {
        self.row += 1;
        let style = &self.book.styles.section;
        for column in 1..=LAST {
            self.sheet.write_blank(self.row, column, style)?;
        }
        self.sheet.write_string_with_format(self.row, 0, heading, style)?;
        self.sheet.set_row_height(self.row, 21)?;
        self.row += 1;
        Ok(())
    }

    /// A header; the first columns are of texts.
    pub(super) fn header(&mut self, texts: usize, headers: &[&str]) -> Result<(), XlsxError> {
        for (column, header) in (0_u16..).zip(headers) {
            let is_text = usize::from(column) < texts;
            let style = if is_text { &self.book.styles.header } else { &self.book.styles.header_right };
            self.sheet.write_string_with_format(self.row, column, *header, style)?;
        }
        self.sheet.set_row_height(self.row, 34)?;
        self.row += 1;
        Ok(())
    }

    fn head(&mut self) -> Result<(), XlsxError> {
        let (book, styles) = (self.book, &self.book.styles);
        self.sheet.set_row_height(0, 30)?;
        self.text(0, &title(book.report), &styles.title)?;
        let verdict = &book.report.verdict;
        let (sign, style) = if verdict.agrees { ("✓", &styles.agrees) } else { ("✗", &styles.differs) };
        let sentence = format!("{sign}  {}", text(&verdict.sentence));
        let width: f64 = WIDTHS.iter().sum();
        self.sheet.set_row_height(1, height(sentence.chars().count() * 2, width).max(42))?;
        self.sheet.merge_range(1, 0, 1, LAST, &text(&sentence), style)?;
        self.row = 2;
        let partial = book.report.header.months.iter().filter(|month| month.is_partial);
        let partial: Vec<String> = partial.map(|month| month.period.to_string()).collect();
        if !partial.is_empty() {
            let partial = format!(
                "⚠ Partial: {} not over; the figures can still change.",
                match &partial[..] {
                    [month] => format!("{month} is"),
                    months => format!("{} are", months.join(", ")),
                }
            );
            self.sheet.merge_range(self.row, 0, self.row, LAST, &partial, &styles.bad_word)?;
            self.row += 1;
        }
        let fixed = [&book.breaks.parts, &book.lines.parts].map(|parts| parts.first());
        let sheets = fixed.into_iter().flatten().map(|part| &part.sheet);
        let sheets = sheets.chain(&book.invoices).chain([&book.proof, &book.inputs]);
        for (column, name) in (0_u16..).zip(sheets) {
            self.link(column, link(name), &format!("→ {name}"))?;
        }
        self.row += 1;
        Ok(())
    }

    /// A sum of money; whether it is a number.
    pub(super) fn money(
        &mut self,
        column: u16,
        formula: Option<String>,
        sum: Option<&Sum>,
        stated: Amount,
        unit: Option<&str>,
    ) -> Result<bool, XlsxError> {
        let decimals = self.book.survey.price.decimals;
        let nothing = Sum::default();
        let total = Total { formula, sum: sum.unwrap_or(&nothing), stated: Some(stated), decimals };
        let format = self.book.styles.figure(decimals, unit);
        self.book.total(self.sheet, self.at(column), total, &format)
    }

    fn proof(&mut self, ranges: &ProofRanges) -> Result<Vec<ProofCells>, XlsxError> {
        let has_file = self.book.report.header.sides.has_file();
        self.section("Proof: nothing is lost between the totals and the lines")?;
        let file = if has_file { "File" } else { "Billed" };
        let headers = [
            "Component",
            "Unit",
            file,
            "Waldur",
            "Difference",
            "Differences of the classes",
            "Proof",
            "Component no.",
        ];
        self.header(2, &headers)?;
        let centred = &self.book.styles.header_centred;
        self.sheet.write_string_with_format(self.row - 1, 6, "Proof", centred)?;
        let mut cells = Vec::new();
        for (proof, range) in self.book.report.proof.rows.iter().zip(ranges) {
            cells.push(self.proof_row(proof, range.as_deref(), has_file)?);
            self.row += 1;
        }
        Ok(cells)
    }

    fn proof_row(
        &mut self,
        proof: &ProofRow,
        range: Option<&str>,
        has_file: bool,
    ) -> Result<ProofCells, XlsxError> {
        let (book, styles) = (self.book, &self.book.styles);
        let decimals = book.decimals(&proof.measured);
        let format = styles.figure(decimals, Some(&proof.measured.unit));
        self.text(0, &proof.measured.component, &styles.plain)?;
        self.text(1, &proof.measured.unit, &styles.plain)?;
        let number = book.component(&proof.measured);
        if let Some(number) = number.and_then(|number| u32::try_from(number).ok()) {
            self.sheet.write_number_with_format(self.row, LAST, number + 1, &styles.count)?;
        }
        let own = number.and_then(|number| book.survey.components.get(number)).cloned().unwrap_or_default();
        let own_number = format!("$H{}", self.row + 1);
        let criteria = [(What::ComponentNumber, own_number.as_str())];
        let file = if has_file { What::File } else { What::BilledQuantity };
        let mut are_numbers = [true; 2];
        for (at, (what, sum, stated)) in
            [(file, &own.file, proof.file), (What::Server, &own.server, proof.server)].into_iter().enumerate()
        {
            let column = u16::try_from(at + 2).unwrap_or_default();
            let formula = book.lines.sum_ifs(what, &criteria);
            let total = Total { formula, sum, stated: Some(stated), decimals };
            are_numbers[at] = book.total(self.sheet, self.at(column), total, &format)?;
        }
        let mut difference = Sum::default();
        difference.add(proof.file, Figure::of(proof.file));
        difference.subtract(proof.server, Figure::of(proof.server));
        let line = self.row + 1;
        let is_live = are_numbers == [true; 2];
        let total = Total {
            formula: is_live.then(|| format!("C{line}-D{line}")),
            sum: &difference,
            stated: proof.difference(),
            decimals,
        };
        let has_difference = book.total(self.sheet, self.at(4), total, &format)?;
        let mut explained = Sum::default();
        for (_, amount) in &proof.classes {
            explained.add(*amount, Figure::of(*amount));
        }
        let formula = if proof.classes.is_empty() {
            Some("0".to_owned())
        } else {
            range.map(|range| format!("SUM({range})"))
        };
        let total = Total { formula, sum: &explained, stated: proof.explained(), decimals };
        let has_explained = book.total(self.sheet, self.at(5), total, &format)?;
        let (now, style) = if proof.holds() {
            (words::HOLDS, &styles.good_word)
        } else {
            (words::DOES_NOT_HOLD, &styles.bad_word)
        };
        if has_difference && has_explained {
            let formula = format!(
                "=IF(ROUND(E{line}-F{line},{decimals})=0,\"{}\",\"{}\")",
                words::HOLDS,
                words::DOES_NOT_HOLD
            );
            word(self.sheet, self.at(6), &formula, now, style)?;
        } else {
            self.text(6, now, style)?;
        }
        let [file_is_number, server_is_number] = are_numbers;
        Ok(ProofCells { row: self.row, file_is_number, server_is_number })
    }

    fn classes(&mut self) -> Result<Option<ClassRows>, XlsxError> {
        self.section("By class")?;
        let currencies: Vec<Option<Currency>> = own_columns(&self.book.survey.worth).collect();
        let worths: Vec<String> =
            currencies.iter().map(|currency| format!("Worth ({})", currency_text(*currency))).collect();
        let mut headers = vec!["Class", "Keys"];
        headers.extend(worths.iter().map(String::as_str));
        self.header(1, &headers)?;
        self.row -= 1;
        let first_text = u16::try_from(headers.len()).unwrap_or_default();
        let style = &self.book.styles.header;
        self.sheet.write_string_with_format(
            self.row,
            first_text,
            "Who must act",
            &style.clone().set_indent(1),
        )?;
        let spans = spans(first_text + 1);
        for ((from, to), header) in spans.into_iter().zip(["What it means", "Next step"]) {
            self.sheet.merge_range(self.row, from, self.row, to, header, style)?;
        }
        self.row += 1;
        let report = self.book.report;
        let occurring = || report.classes.iter().filter(|total| total.keys > 0);
        let breaks = occurring().filter(|total| total.class.is_break());
        let others = occurring().filter(|total| !total.class.is_break());
        let first = self.row;
        let mut last_break = None;
        for total in breaks.chain(others) {
            if total.class.is_break() {
                last_break = Some(self.row);
            }
            self.class_row(total, &currencies, first_text, spans)?;
            self.row += 1;
        }
        self.class_total(first, &currencies)?;
        let currency = currencies.first().map(|currency| currency_text(*currency));
        Ok(last_break.map(|last| ClassRows { first, last, currency }))
    }

    fn class_row(
        &mut self,
        total: &ClassTotal,
        currencies: &[Option<Currency>],
        who: u16,
        spans: [(u16, u16); 2],
    ) -> Result<(), XlsxError> {
        let (book, styles) = (self.book, &self.book.styles);
        let class = total.class;
        let own = book.survey.classes.get(&class).cloned().unwrap_or_default();
        let table = if class.is_break() { &book.breaks } else { &book.lines };
        match table.cell(own.first).filter(|_| own.keys > 0) {
            Some(target) => self.link(0, Url::new(target), class.name())?,
            None => self.text(0, class.name(), &styles.plain)?,
        }
        let name = format!("$A{}", self.row + 1);
        let criteria = [(What::Class, name.as_str())];
        let formula = book.lines.count_ifs(&criteria);
        book.count(self.sheet, self.at(1), formula, own.keys, total.keys, &styles.count)?;
        for (column, currency) in (2_u16..).zip(currencies) {
            let stated = of_currency(&total.worth, *currency);
            let formula = book.lines.sum_ifs(What::Worth(*currency), &criteria);
            if stated.is_some() || own.worth.contains_key(currency) {
                let stated = stated.unwrap_or_default();
                self.money(column, formula, own.worth.get(currency), stated, None)?;
            }
        }
        self.text(who, &class.who().to_string(), &styles.indented)?;
        let mut step = class.next_step().to_owned();
        let others = total.worth.iter().filter(|(currency, _)| !currencies.contains(currency));
        for (currency, amount) in others {
            step = format!("{step} (worth {})", priced(*currency, *amount));
        }
        for ((from, to), told) in spans.into_iter().zip([class.title(), &text(&step)]) {
            self.sheet.merge_range(self.row, from, self.row, to, told, &styles.wrapped)?;
        }
        let heights = spans.into_iter().zip([class.title(), &step]).map(|((from, to), told)| {
            let widths = WIDTHS.iter().skip(usize::from(from)).take(usize::from(to - from + 1));
            height(told.chars().count(), widths.sum::<f64>().max(8.0))
        });
        self.sheet.set_row_height(self.row, heights.max().unwrap_or(20))?;
        Ok(())
    }

    /// What the classes come to together.
    fn class_total(&mut self, first: u32, currencies: &[Option<Currency>]) -> Result<(), XlsxError> {
        if self.row == first {
            return self.text(0, words::NO_LINES, &self.book.styles.remark);
        }
        let (book, styles) = (self.book, &self.book.styles);
        let decimals = book.survey.price.decimals;
        self.text(0, "All", &styles.total(2, None).set_align(rust_xlsxwriter::FormatAlign::Left))?;
        let keys: usize = book.report.classes.iter().map(|total| total.keys).sum();
        let count = styles.total(2, None).set_num_format("#,##0");
        let formula = Formula::new(format!("=SUM(B{}:B{})", first + 1, self.row));
        self.sheet.write_formula_with_format(self.row, 1, formula.set_result(keys.to_string()), &count)?;
        for (column, currency) in (2_u16..).zip(currencies) {
            let mut sum = Sum::default();
            let worths = book.report.classes.iter().filter_map(|total| of_currency(&total.worth, *currency));
            for amount in worths {
                sum.add(amount, Figure::of(amount));
            }
            let name = rust_xlsxwriter::column_number_to_name(column);
            let formula = format!("SUM({name}{}:{name}{})", first + 1, self.row);
            let total = Total { formula: Some(formula), stated: sum.exact(), sum: &sum, decimals };
            book.total(self.sheet, self.at(column), total, &styles.total(decimals, None))?;
        }
        self.row += 1;
        Ok(())
    }

    /// Last month, this month and the file; components of a unit stand together.
    fn trend(&mut self, proof: &[ProofCells]) -> Result<Vec<UnitRows>, XlsxError> {
        let (report, styles) = (self.book.report, &self.book.styles);
        if report.trend.is_empty() {
            return Ok(Vec::new());
        }
        self.section("Last month, this month, file")?;
        let has_file = report.header.sides.has_file();
        let mut headers = vec!["Component", "Unit", "Waldur last month", "Waldur"];
        headers.extend(has_file.then_some("File"));
        headers.push("Change from last month");
        headers.extend(has_file.then_some("File against Waldur"));
        self.header(2, &headers)?;
        let mut trend: Vec<_> = report.trend.iter().collect();
        let mut places = HashMap::new();
        for (at, one) in trend.iter().enumerate() {
            places.entry(one.measured.unit.clone()).or_insert(at);
        }
        trend.sort_by_key(|one| places.get(&one.measured.unit).copied());
        let mut units: Vec<UnitRows> = Vec::new();
        for one in trend {
            let decimals = self.book.decimals(&one.measured);
            let format = styles.figure(decimals, Some(&one.measured.unit));
            self.text(0, &one.measured.component, &styles.plain)?;
            self.text(1, &one.measured.unit, &styles.plain)?;
            let place = report.proof.rows.iter().position(|row| row.measured == one.measured);
            let proven = place.and_then(|at| Some((report.proof.rows.get(at)?, proof.get(at)?)));
            if let Some(amount) = one.last_month {
                Book::constant(self.sheet, self.at(2), Some(amount), &format)?;
            }
            let server = proven.filter(|(row, cells)| cells.server_is_number && row.server == one.server);
            self.pointer(
                3,
                server.map(|(_, cells)| format!("D{}", cells.row + 1)),
                one.server,
                decimals,
                &format,
            )?;
            if let Some(file) = one.file {
                let own = proven.filter(|(row, cells)| cells.file_is_number && row.file == file);
                self.pointer(
                    4,
                    own.map(|(_, cells)| format!("C{}", cells.row + 1)),
                    file,
                    decimals,
                    &format,
                )?;
            }
            self.percent(if has_file { 5 } else { 4 }, "D", "C", Some(one.server), one.last_month)?;
            if has_file {
                self.percent(6, "E", "D", one.file, Some(one.server))?;
            }
            match units.last_mut() {
                Some(rows) if *rows.unit == *one.measured.unit => rows.last = self.row,
                _ => units.push(UnitRows {
                    unit: one.measured.unit.to_string(),
                    first: self.row,
                    last: self.row,
                }),
            }
            self.row += 1;
        }
        Ok(units)
    }

    /// A figure that stands elsewhere on the sheet already.
    fn pointer(
        &mut self,
        column: u16,
        cell: Option<String>,
        amount: Amount,
        decimals: u8,
        format: &Format,
    ) -> Result<(), XlsxError> {
        let mut sum = Sum::default();
        sum.add(amount, Figure::of(amount));
        match cell.filter(|_| sum.is_safe(decimals)) {
            Some(cell) => {
                let total = Total { formula: Some(cell), sum: &sum, stated: Some(amount), decimals };
                self.book.total(self.sheet, self.at(column), total, format)?;
            }
            None => {
                Book::constant(self.sheet, self.at(column), Some(amount), format)?;
            }
        }
        Ok(())
    }

    /// By how many percent one column is above another.
    fn percent(
        &mut self,
        column: u16,
        own: &str,
        base: &str,
        amount: Option<Amount>,
        base_amount: Option<Amount>,
    ) -> Result<(), XlsxError> {
        let number = |amount: Option<Amount>| amount.and_then(|amount| Figure::of(amount).number);
        let (Some(amount), Some(base_amount)) = (number(amount), number(base_amount)) else { return Ok(()) };
        if base_amount == 0.0 {
            return Ok(());
        }
        let line = self.row + 1;
        // In the way of the spreadsheet: it is its value that is shown until it works it out anew.
        let percent = ((amount / base_amount - 1.0) * 1000.0).round() / 1000.0;
        let formula = Formula::new(format!("=ROUND({own}{line}/{base}{line}-1,3)"));
        let formula = formula.set_result(percent.to_string());
        self.sheet.write_formula_with_format(self.row, column, formula, &self.book.styles.percent)?;
        Ok(())
    }

    fn notes(&mut self) -> Result<(), XlsxError> {
        let book = self.book;
        let mut notes: Vec<String> = Vec::new();
        for table in [&book.breaks, &book.lines].into_iter().chain(&book.organisations) {
            if table.parts.len() > 1 {
                notes.push(words::split(&table.title, table.parts.len()));
            }
        }
        let (count, most) = (book.report.organisations.len(), book.limits.organisations);
        if count > most {
            notes.push(words::too_many_organisations(count, most));
        }
        if book.survey.worth.len().max(book.survey.stated_price.len()) > MOST_CURRENCIES {
            notes.push(words::TOO_MANY_CURRENCIES.to_owned());
        }
        notes.extend(book.notes.borrow().iter().cloned());
        if notes.is_empty() {
            return Ok(());
        }
        self.section("Notes on this workbook")?;
        for note in notes {
            self.text(0, &note, &book.styles.plain)?;
            self.row += 1;
        }
        Ok(())
    }
}

/// The money of a currency in a list of sums.
pub(super) fn of_currency(sums: &[(Option<Currency>, Amount)], own: Option<Currency>) -> Option<Amount> {
    sums.iter().find(|(currency, _)| *currency == own).map(|(_, amount)| *amount)
}

/// Two spans of columns side by side, up to the edge of the page where there is room.
fn spans(first: u16) -> [(u16, u16); 2] {
    let end = LAST.max(first + 3);
    let middle = first + (end - first) / 2;
    [(first, middle), (middle + 1, end)]
}
