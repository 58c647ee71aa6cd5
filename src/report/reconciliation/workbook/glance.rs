//! The section of the summary under the verdict: the key figures, and what was compared.

use rust_xlsxwriter::XlsxError;

use crate::reconcile::Sides;

use super::columns::{What, currency_text};
use super::names::text;
use super::style::{as_text, height};
use super::summary::{LAST, Page, WIDTHS};
use super::words;

/// Files that are named here; all of them stand on the sheet of the inputs.
const MOST_FILES: usize = 5;

impl Page<'_, '_> {
    /// The key figures on the left, and what was compared on the right.
    pub(super) fn glance(&mut self) -> Result<(), XlsxError> {
        self.section("At a glance")?;
        let start = self.row;
        self.facts()?;
        let end = std::mem::replace(&mut self.row, start);
        self.key_figures()?;
        self.row = self.row.max(end);
        Ok(())
    }

    fn key_figures(&mut self) -> Result<(), XlsxError> {
        let (book, styles) = (self.book, &self.book.styles);
        let verdict = &book.report.verdict;
        self.text(0, "Keys compared", &styles.label)?;
        let (lines, count) = (book.report.lines.len(), &styles.count);
        book.count(self.sheet, self.at(1), book.lines.count(), lines, verdict.keys, count)?;
        self.row += 1;
        self.text(0, "Breaks", &styles.label)?;
        let formula = book.lines.count_ifs(&[(What::State, "\"break\"")]);
        book.count(self.sheet, self.at(1), formula, book.survey.breaks, verdict.breaks, count)?;
        self.row += 1;
        for (currency, amount) in &verdict.at_stake {
            self.text(0, "Worth of the breaks, sign left out", &styles.label)?;
            let criteria = |sign| [(What::State, "\"break\""), (What::Worth(*currency), sign)];
            let above = book.lines.sum_ifs(What::Worth(*currency), &criteria("\">0\""));
            let below = book.lines.sum_ifs(What::Worth(*currency), &criteria("\"<0\""));
            let formula = above.zip(below).map(|(above, below)| format!("({above})-({below})"));
            let unit = currency_text(*currency);
            self.money(1, formula, book.survey.at_stake.get(currency), *amount, Some(&unit))?;
            self.row += 1;
        }
        let counts = [
            ("Breaks without a known price", verdict.without_price),
            ("Rows left out, as not readable", book.report.skipped.len()),
        ];
        for (label, own) in counts.into_iter().filter(|(_, own)| *own > 0) {
            self.text(0, label, &styles.label)?;
            book.count(self.sheet, self.at(1), None, own, own, count)?;
            self.row += 1;
        }
        Ok(())
    }

    fn facts(&mut self) -> Result<(), XlsxError> {
        let (report, styles) = (self.book.report, &self.book.styles);
        let header = &report.header;
        let mut facts: Vec<(&str, String)> = Vec::new();
        let server = header.server.clone().unwrap_or_else(|| "none; a saved list of its rows".to_owned());
        let sandbox = header.sandbox.as_ref().map(|world| format!(" (a sandbox, world {world})"));
        facts.push(("Server", server + &sandbox.unwrap_or_default()));
        if let Some(account) = &header.account {
            facts.push(("Account", format!("{}, {}", account.id, account.role)));
        }
        let sides = match header.sides {
            Sides::FileAndServer => "the file and the usages on the server",
            Sides::FileServerAndInvoices => "the file, the usages on the server and the invoices",
            Sides::ServerAndInvoices => "the usages on the server and the invoices",
        };
        facts.push(("Compared", sides.to_owned()));
        facts.push(("Months", super::months(report)));
        facts.push(("Offerings", header.offerings.join(", ")));
        let scopes = [("Organisations", &header.scope.customers), ("Projects", &header.scope.projects)];
        facts.extend(
            scopes.into_iter().filter(|(_, own)| !own.is_empty()).map(|(it, own)| (it, own.join(", "))),
        );
        facts.push(match &header.currency {
            Some(told) => ("Currency", format!("{}, from {}", told.currency, told.source)),
            None => ("Currency", "nobody tells it; money is shown without".to_owned()),
        });
        for input in header.inputs.iter().take(MOST_FILES) {
            let sheet = input.sheet.as_ref().map(|sheet| format!(", sheet {sheet}")).unwrap_or_default();
            facts.push(("File", format!("{}{sheet}", input.name)));
        }
        if header.inputs.len() > MOST_FILES {
            let more = header.inputs.len() - MOST_FILES;
            facts.push(("", format!("and {more} more; see {}", words::INPUTS)));
        }
        let rows = &header.rows;
        facts.push((
            "Rows of the files",
            format!(
                "{} read: {} used, {} faulty, {} blank, {} filtered",
                rows.rows_read, rows.rows_used, rows.rows_faulty, rows.rows_blank, rows.rows_filtered
            ),
        ));
        facts.push(("Made by", format!("waldur-usage {}", report.made.tool_version)));
        facts.push(("Run", report.made.run.to_string()));
        let width: f64 = WIDTHS.iter().skip(4).sum();
        for (label, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
            let value = text(&value);
            self.text(3, label, &styles.label)?;
            let format = as_text(&styles.wrapped, &value);
            self.sheet.merge_range(self.row, 4, self.row, LAST, &value, &format)?;
            self.sheet.set_row_height(self.row, height(value.chars().count(), width))?;
            self.row += 1;
        }
        self.text(3, "Made at", &styles.label)?;
        let made = report.made.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let made = rust_xlsxwriter::ExcelDateTime::parse_from_str(&made)?;
        self.sheet.merge_range(self.row, 4, self.row, LAST, "", &styles.moment)?;
        self.sheet.write_datetime_with_format(self.row, 4, made, &styles.moment)?;
        self.row += 1;
        Ok(())
    }
}
