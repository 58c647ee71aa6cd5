//! Totals as live formulas with their values, or as exact figures where a formula would not come to them.

use rust_xlsxwriter::{Format, FormatAlign, Formula, Worksheet, XlsxError};

use crate::domain::Amount;

use super::Book;
use super::sums::{Figure, Sum, cached};
use super::words;

/// A total on a sheet.
pub(super) struct Total<'a> {
    /// What adds it up, without the rounding; `None` where nothing does.
    pub(super) formula: Option<String>,
    /// What the cells come to that it adds up.
    pub(super) sum: &'a Sum,
    /// What the report says that it is.
    pub(super) stated: Option<Amount>,
    pub(super) decimals: u8,
}

/// A place on a sheet.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) sheet: &'a str,
    pub(super) row: u32,
    pub(super) column: u16,
}

impl Book<'_> {
    /// Writes a total; whether a number stands there now, which other formulas can use.
    pub(super) fn total(
        &self,
        sheet: &mut Worksheet,
        at: At<'_>,
        total: Total<'_>,
        format: &Format,
    ) -> Result<bool, XlsxError> {
        let is_ours = total.stated.is_some() && total.sum.exact() == total.stated;
        let is_safe = is_ours && total.sum.is_safe(total.decimals);
        if let (true, Some(formula), Some(stated)) = (is_safe, total.formula, total.stated) {
            let formula = Formula::new(format!("=ROUND({formula},{})", total.decimals));
            sheet.write_formula_with_format(at.row, at.column, formula.set_result(cached(stated)), format)?;
            return Ok(true);
        }
        let is_nothing = is_ours && total.stated == Some(Amount::ZERO);
        if !is_nothing {
            let why = if is_ours { words::NO_FORMULA } else { words::NOT_THE_LINES };
            self.note(at.sheet, at.row, at.column, why);
        }
        Self::constant(sheet, at, total.stated, format)
    }

    /// Writes a figure that no formula comes to; whether it is a number.
    pub(super) fn constant(
        sheet: &mut Worksheet,
        at: At<'_>,
        amount: Option<Amount>,
        format: &Format,
    ) -> Result<bool, XlsxError> {
        let text = match amount {
            Some(amount) => match Figure::of(amount).number {
                Some(number) => {
                    sheet.write_number_with_format(at.row, at.column, number, format)?;
                    return Ok(true);
                }
                None => amount.to_string(),
            },
            None => words::BEYOND.to_owned(),
        };
        let format = format.clone().set_align(FormatAlign::Right).set_quote_prefix();
        sheet.write_string_with_format(at.row, at.column, text, &format)?;
        Ok(false)
    }

    /// Writes a count as a formula where there is one.
    pub(super) fn count(
        &self,
        sheet: &mut Worksheet,
        at: At<'_>,
        formula: Option<String>,
        own: usize,
        stated: usize,
        format: &Format,
    ) -> Result<(), XlsxError> {
        if let (true, Some(formula)) = (own == stated, formula) {
            let formula = Formula::new(format!("={formula}")).set_result(stated.to_string());
            sheet.write_formula_with_format(at.row, at.column, formula, format)?;
            return Ok(());
        }
        if own != stated {
            self.note(at.sheet, at.row, at.column, words::NOT_THE_LINES);
        }
        let number = u32::try_from(stated).unwrap_or(u32::MAX);
        sheet.write_number_with_format(at.row, at.column, number, format)?;
        Ok(())
    }
}

/// Writes a word that a formula decides on, with what it decides now.
pub(super) fn word(
    sheet: &mut Worksheet,
    at: At<'_>,
    formula: &str,
    now: &str,
    format: &Format,
) -> Result<(), XlsxError> {
    sheet.write_formula_with_format(at.row, at.column, Formula::new(formula).set_result(now), format)?;
    Ok(())
}
