//! What a row says of money, and cells of money: an exact decimal, and the currency that stands in it.
//!
//! A price is compared with what an invoice has, so it is read to the last digit or not at all. A sign
//! that several currencies share names none by itself.

use std::sync::Arc;

use crate::domain::{Amount, AmountError, Currency};
use crate::findings::{Code, Finding};
use crate::mapping::Field;

use super::column::Verdict;
use super::numeral::{Around, DecimalSign, Numeral, Readings, plain};
use super::quantity::Unread;
use super::shown_money::shown_money;
use super::{Cell, CellKind, cells::shown, odd};

/// What a row says of the money of its usage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatedMoney {
    /// What a unit costs.
    pub unit_price: Option<Amount>,
    /// What the usage costs without tax.
    pub price: Option<Amount>,
    /// The tax on it.
    pub tax: Option<Amount>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// The number of the invoice.
    pub invoice_number: Option<Arc<str>>,
    /// The organisation that is to pay.
    pub customer: Option<Arc<str>>,
    /// In which columns it says so.
    pub columns: MoneyColumns,
}

/// The columns in which a row says something of money, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MoneyColumns {
    /// What a unit costs.
    pub unit_price: Option<u32>,
    /// What the usage costs.
    pub price: Option<u32>,
    /// The tax on it.
    pub tax: Option<u32>,
    /// The currency.
    pub currency: Option<u32>,
    /// The number of the invoice.
    pub invoice_number: Option<u32>,
    /// The organisation that is to pay.
    pub customer: Option<u32>,
}

impl MoneyColumns {
    /// Remembers the column, counted from 0, of a field.
    pub(super) fn set(&mut self, field: Field, column: usize) {
        let slot = match field {
            Field::UnitPrice => &mut self.unit_price,
            Field::Price => &mut self.price,
            Field::Tax => &mut self.tax,
            Field::Currency => &mut self.currency,
            Field::InvoiceNumber => &mut self.invoice_number,
            Field::Customer => &mut self.customer,
            _ => return,
        };
        *slot = u32::try_from(column).ok().and_then(|column| column.checked_add(1));
    }
}

/// A currency as it stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denoted {
    /// This one.
    Is(Currency),
    /// One of these, by a sign that they share.
    OneOf(&'static [&'static str]),
}

impl Denoted {
    /// Whether it can be a currency.
    pub fn may_be(self, currency: Currency) -> bool {
        match self {
            Self::Is(own) => own == currency,
            Self::OneOf(several) => several.contains(&currency.as_str()),
        }
    }

    /// Reads a code of three letters or a sign; `None` where it is neither.
    pub fn of(text: &str) -> Option<Self> {
        const DOLLARS: &[&str] = &["USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "BRL"];
        let code = match text.trim() {
            "\u{20ac}" => "EUR",
            "\u{a3}" | "\u{ffe1}" => "GBP",
            "\u{20b9}" => "INR",
            "\u{20ba}" => "TRY",
            "\u{20b4}" => "UAH",
            "$" | "\u{ff04}" => return Some(Self::OneOf(DOLLARS)),
            "\u{a5}" | "\u{ffe5}" => return Some(Self::OneOf(&["JPY", "CNY"])),
            other => other,
        };
        code.parse().ok().map(Self::Is)
    }
}

/// The number in a cell of money, and the currency that it names.
pub fn money(cell: Cell<'_>, verdict: &Verdict<DecimalSign>) -> Result<(Amount, Option<Denoted>), Unread> {
    let invalid = || invalid(cell);
    match cell.kind {
        CellKind::Text => {}
        CellKind::Number => return Ok((exact(cell, cell.text)?, None)),
        CellKind::Error => {
            let (number, named) = shown_money(cell.text).ok_or_else(invalid)?;
            return Ok((exact(cell, number)?, Some(named)));
        }
        CellKind::Blank | CellKind::Boolean | CellKind::Date => {
            return Err(invalid().into());
        }
    }
    let text = plain(cell.text);
    let numeral = Numeral::of(&text).ok_or_else(invalid)?;
    let named = match numeral.around() {
        Around::Nothing => None,
        Around::Currency => Some(numeral.currency()),
        Around::Unit(unit) => Some(unit),
        Around::Percent => {
            let hint = "write the money itself; a share says nothing without its whole";
            return Err(invalid().hint(hint).into());
        }
    };
    let named = named.map(|text| Denoted::of(text).ok_or_else(invalid)).transpose()?;
    let sign = match (numeral.readings(), verdict) {
        (Readings::Alike, _) => DecimalSign::Point,
        (_, Verdict::Settled(sign)) => *sign,
        (Readings::Only(sign), Verdict::Open | Verdict::Thin(_)) => sign,
        (Readings::Either, Verdict::Open | Verdict::Thin(_)) | (_, Verdict::Mixed(_)) => {
            return Err(Unread::Doubt);
        }
    };
    let number = numeral.plain(sign).ok_or_else(invalid)?;
    Ok((exact(cell, &number)?, named))
}

fn exact(cell: Cell<'_>, number: &str) -> Result<Amount, Finding> {
    Amount::parse(number).map_err(|error| match error {
        AmountError::NotANumber => invalid(cell),
        AmountError::TooPrecise | AmountError::TooLarge => {
            let expected = "at most ten decimal places, and less than 10^24";
            Finding::new(Code::InvalidMoney, shown(cell), expected).hint("round it in the file")
        }
    })
}

fn invalid(cell: Cell<'_>) -> Finding {
    let expected = "a number such as 1234.5 or 1.234,50, with its currency where it has one";
    let finding = Finding::new(Code::InvalidMoney, shown(cell), expected);
    match cell.kind {
        CellKind::Error if odd::is_of_format(cell.text) => {
            finding.hint("format the cell as a plain number, or as one of a currency")
        }
        CellKind::Error | CellKind::Date => odd::hint(cell.text).into_iter().fold(finding, Finding::hint),
        CellKind::Blank | CellKind::Text | CellKind::Number | CellKind::Boolean => finding,
    }
}

/// The currency in a cell of its own.
pub fn currency(cell: Cell<'_>) -> Result<Denoted, Finding> {
    let named = Some(cell).filter(|cell| cell.kind == CellKind::Text).and_then(|cell| Denoted::of(cell.text));
    named.ok_or_else(|| Finding::new(Code::InvalidMoney, shown(cell), "the code of a currency, such as EUR"))
}

/// Words beside the money: the number of an invoice, or who pays.
pub fn words(cell: Cell<'_>) -> Result<&str, Finding> {
    match cell.kind {
        CellKind::Error => Err(Finding::new(Code::InvalidMoney, shown(cell), "words or a number")),
        CellKind::Blank | CellKind::Text | CellKind::Number | CellKind::Boolean | CellKind::Date => {
            Ok(cell.text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, kind: CellKind, sign: DecimalSign) -> String {
        match money(Cell { text, kind }, &Verdict::Settled(sign)) {
            Ok((amount, None)) => amount.to_string(),
            Ok((amount, Some(Denoted::Is(currency)))) => format!("{amount} {currency}"),
            Ok((amount, Some(Denoted::OneOf(several)))) => format!("{amount} one of {}", several.len()),
            Err(Unread::Fault(finding)) => finding.code.name().to_owned(),
            Err(Unread::Doubt) => "in doubt".to_owned(),
        }
    }

    #[test]
    fn money_is_exact_and_keeps_its_currency() {
        use DecimalSign::{Comma, Point};
        let table = [
            ("12.50 EUR", Point, "12.50 EUR"),
            ("\u{20ac} 12,50", Comma, "12.50 EUR"),
            ("1.234,50 \u{20ac}", Comma, "1234.50 EUR"),
            ("THB", Point, "invalid-money"),
            ("12.50 THB", Point, "12.50 THB"),
            ("\u{a3}3", Point, "3.00 GBP"),
            ("$5", Point, "5.00 one of 9"),
            ("\u{a5}500", Point, "500.00 one of 2"),
            ("-3.10", Point, "-3.10"),
            ("(3.10)", Point, "-3.10"),
            ("0.0000000001", Point, "0.0000000001"),
            ("0.00000000001", Point, "invalid-money"),
            ("22 %", Point, "invalid-money"),
            ("12 cents", Point, "invalid-money"),
            ("EUR 5 USD", Point, "invalid-money"),
            ("n/a", Point, "invalid-money"),
        ];
        for (text, sign, expected) in table {
            assert_eq!(read(text, CellKind::Text, sign), expected, "{text}");
        }
        assert_eq!(read("0.125", CellKind::Number, Comma), "0.125");
        assert_eq!(read("#REF!", CellKind::Error, Point), "invalid-money");
    }
}
