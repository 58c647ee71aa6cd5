//! The section of the summary that tells what each organisation comes to.

use rust_xlsxwriter::XlsxError;

use crate::domain::{Amount, Currency};
use crate::reconcile::OrganisationTotal;

use super::columns::{What, currency_text, own_columns, priced};
use super::link;
use super::summary::{Page, of_currency};
use super::survey::OrganisationSums;
use super::words;

/// Organisations that are listed; all of them can be filtered on the sheet of the lines.
const MOST: usize = 10_000;

/// Writes the section.
pub(super) fn write(page: &mut Page<'_, '_>) -> Result<(), XlsxError> {
    let (report, survey) = (page.book.report, &page.book.survey);
    if report.organisations.is_empty() {
        return Ok(());
    }
    page.section("By organisation")?;
    let worth: Vec<Option<Currency>> = own_columns(&survey.worth).collect();
    let stated: Vec<Option<Currency>> = own_columns(&survey.stated_price).collect();
    let has_billed = report.organisations.iter().any(|own| own.billed.is_some());
    let mut headers =
        vec!["Organisation".to_owned(), "No.".to_owned(), "Keys".to_owned(), "Breaks".to_owned()];
    headers.extend(worth.iter().map(|currency| format!("Worth ({})", currency_text(*currency))));
    headers.extend(stated.iter().map(|currency| format!("Stated ({})", currency_text(*currency))));
    if has_billed {
        let told = report.header.currency.as_ref().map(|told| told.currency);
        headers.push(format!("Billed ({})", currency_text(told)));
    }
    let has_others = report.organisations.iter().any(|own| {
        own.worth.iter().any(|(currency, _)| !worth.contains(currency))
            || own.stated.iter().any(|(currency, _)| !stated.contains(currency))
    });
    if has_others {
        headers.push("Other currencies".to_owned());
    }
    page.header(1, &headers.iter().map(String::as_str).collect::<Vec<_>>())?;
    let nothing = OrganisationSums::default();
    for (at, own) in report.organisations.iter().enumerate().take(MOST) {
        let sums = survey.organisations.get(at).unwrap_or(&nothing);
        row(page, at, own, sums, &worth, &stated)?;
        page.row += 1;
    }
    if report.organisations.len() > MOST {
        let more = report.organisations.len() - MOST;
        page.text(0, &words::more_organisations(more), &page.book.styles.remark)?;
        page.row += 1;
    }
    Ok(())
}

fn row(
    page: &mut Page<'_, '_>,
    at: usize,
    own: &OrganisationTotal,
    sums: &OrganisationSums,
    worth: &[Option<Currency>],
    stated: &[Option<Currency>],
) -> Result<(), XlsxError> {
    let (book, styles) = (page.book, &page.book.styles);
    let name = if own.name.is_empty() { words::NO_ORGANISATION } else { &own.name };
    match book.organisations.get(at).and_then(|table| table.parts.first()) {
        Some(part) => page.link(0, link(&part.sheet), name)?,
        None => page.text(0, name, &styles.plain)?,
    }
    let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
    page.sheet.write_number_with_format(page.row, 1, number, &styles.count)?;
    let number = format!("$B{}", page.row + 1);
    let criteria = [(What::OrganisationNumber, number.as_str())];
    let keys = book.lines.count_ifs(&criteria);
    book.count(page.sheet, page.at(2), keys, sums.keys, own.keys, &styles.count)?;
    let breaks = book.lines.count_ifs(&[criteria[0], (What::State, "\"break\"")]);
    book.count(page.sheet, page.at(3), breaks, sums.breaks, own.breaks, &styles.count)?;
    let mut column = 4;
    for currency in worth {
        let formula = book.lines.sum_ifs(What::Worth(*currency), &criteria);
        let told = of_currency(&own.worth, *currency);
        if told.is_some() || sums.worth.contains_key(currency) {
            page.money(column, formula, sums.worth.get(currency), told.unwrap_or_default(), None)?;
        }
        column += 1;
    }
    for currency in stated {
        let formula = book.lines.sum_ifs(What::StatedPrice(*currency), &criteria);
        let told = of_currency(&own.stated, *currency);
        if told.is_some() || sums.stated.contains_key(currency) {
            page.money(column, formula, sums.stated.get(currency), told.unwrap_or_default(), None)?;
        }
        column += 1;
    }
    if let Some(billed) = own.billed {
        let formula = book.lines.sum_ifs(What::BilledPrice, &criteria);
        page.money(column, formula, Some(&sums.billed), billed, None)?;
        column += 1;
    }
    let others = |kind: &str, list: &[(Option<Currency>, Amount)], own: &[Option<Currency>]| {
        let others = list.iter().filter(|(currency, _)| !own.contains(currency));
        others.map(|(currency, amount)| format!("{kind} {}", priced(*currency, *amount))).collect::<Vec<_>>()
    };
    let mut told = others("worth", &own.worth, worth);
    told.extend(others("stated", &own.stated, stated));
    page.text(column, &told.join("; "), &styles.plain)
}
