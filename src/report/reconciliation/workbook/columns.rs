//! The columns of tables of lines: what stands in them, under which header and how wide.

use std::borrow::Cow;

use crate::domain::{Amount, Currency};
use crate::reconcile::{LineView, Report};

use super::survey::{MOST_CURRENCIES, Money, Survey};

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Number,
    State,
    Class,
    Also,
    Who,
    NextStep,
    Organisation,
    Project,
    Offering,
    Resource,
    ResourceId,
    Component,
    Unit,
    Month,
    File,
    Server,
    BilledQuantity,
    Difference,
    Worth(Option<Currency>),
    /// What is worth something in one of the currencies that have no column.
    OtherWorth,
    BilledUnitPrice,
    BilledPrice,
    BilledTax,
    Invoice,
    InvoiceLines,
    StatedUnitPrice,
    StatedPrice(Option<Currency>),
    StatedTax(Option<Currency>),
    OtherStated,
    StatedInvoice,
    StatedCustomer,
    Cell,
    Usages,
    Rule,
    Note,
    ComponentNumber,
    OrganisationNumber,
    Status,
    FinanceNote,
}

/// What kind of values a column has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Wrapped,
    Count,
    Month,
    /// Added up where one component is shown alone.
    Quantity,
    UnitPrice,
    Money,
    /// Left for people to fill in.
    Open,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) what: What,
    pub(super) header: String,
    pub(super) width: f64,
}

impl What {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Number | Self::ComponentNumber | Self::OrganisationNumber => Kind::Count,
            Self::NextStep | Self::Note => Kind::Wrapped,
            Self::Month => Kind::Month,
            Self::File | Self::Server | Self::BilledQuantity | Self::Difference => Kind::Quantity,
            Self::BilledUnitPrice | Self::StatedUnitPrice => Kind::UnitPrice,
            Self::Worth(_)
            | Self::BilledPrice
            | Self::BilledTax
            | Self::StatedPrice(_)
            | Self::StatedTax(_) => Kind::Money,
            Self::Status | Self::FinanceNote => Kind::Open,
            Self::State
            | Self::Class
            | Self::Also
            | Self::Who
            | Self::Organisation
            | Self::Project
            | Self::Offering
            | Self::Resource
            | Self::ResourceId
            | Self::Component
            | Self::Unit
            | Self::OtherWorth
            | Self::Invoice
            | Self::InvoiceLines
            | Self::OtherStated
            | Self::StatedInvoice
            | Self::StatedCustomer
            | Self::Cell
            | Self::Usages
            | Self::Rule => Kind::Text,
        }
    }

    /// The amount of a line in such a column.
    pub(super) fn amount(self, view: &LineView<'_>) -> Option<Amount> {
        let in_currency =
            |own: Option<Currency>, currency, amount: Option<Amount>| amount.filter(|_| own == currency);
        match self {
            Self::File => view.line.file,
            Self::Server => view.line.server,
            Self::BilledQuantity => view.billed().map(|billed| billed.quantity),
            Self::Difference => Some(view.difference()),
            Self::Worth(own) => view.worth().filter(|(currency, _)| *currency == own).map(|(_, worth)| worth),
            Self::BilledUnitPrice => view.billed()?.unit_price,
            Self::BilledPrice => view.billed().map(|billed| billed.price),
            Self::BilledTax => view.billed()?.tax,
            Self::StatedUnitPrice => view.stated()?.unit_price,
            Self::StatedPrice(own) => {
                view.stated().and_then(|stated| in_currency(own, stated.currency, stated.price))
            }
            Self::StatedTax(own) => {
                view.stated().and_then(|stated| in_currency(own, stated.currency, stated.tax))
            }
            _ => None,
        }
    }

    /// The text of a line in such a column; empty where there is none.
    pub(super) fn text<'a>(self, view: &LineView<'a>, survey: &Survey) -> Cow<'a, str> {
        let maybe = |text: Option<&'a str>| Cow::Borrowed(text.unwrap_or_default());
        let class = view.class();
        match self {
            Self::State => state(class.is_break()).into(),
            Self::Class => class.name().into(),
            Self::Also => joined(view.line.also.list()).into(),
            Self::Who => class.who().to_string().into(),
            Self::NextStep => class.next_step().into(),
            Self::Organisation => view.subject.organisation.as_ref().into(),
            Self::Project => view.subject.project.as_ref().into(),
            Self::Offering => view.subject.offering.as_ref().into(),
            Self::Resource => view.subject.resource.as_ref().into(),
            Self::ResourceId => {
                view.subject.resource_uuid.map(|id| id.to_string()).unwrap_or_default().into()
            }
            Self::Component => view.measured.component.as_ref().into(),
            Self::Unit => view.measured.unit.as_ref().into(),
            Self::OtherWorth => {
                let worth = view.worth().filter(|(currency, _)| !own_column(&survey.worth, *currency));
                worth.map(|(currency, worth)| priced(currency, worth)).unwrap_or_default().into()
            }
            Self::OtherStated => {
                let Some(stated) = view.stated() else { return Cow::Borrowed("") };
                let of = |money, amount: Option<Amount>| {
                    amount
                        .filter(|_| !own_column(money, stated.currency))
                        .map(|it| priced(stated.currency, it))
                };
                let tax = of(&survey.stated_tax, stated.tax).map(|tax| format!("tax {tax}"));
                joined(of(&survey.stated_price, stated.price).into_iter().chain(tax)).into()
            }
            Self::Invoice => maybe(view.billed().and_then(|billed| billed.invoice_number.as_deref())),
            Self::InvoiceLines => joined(view.billed().iter().flat_map(|billed| &billed.lines)).into(),
            Self::StatedInvoice => maybe(view.stated().and_then(|stated| stated.invoice_number.as_deref())),
            Self::StatedCustomer => maybe(view.stated().and_then(|stated| stated.customer.as_deref())),
            Self::Cell => joined(view.cells()).into(),
            Self::Usages => joined(view.usages()).into(),
            Self::Rule => maybe(view.rule()),
            Self::Note => maybe(view.note()),
            Self::Number
            | Self::Month
            | Self::File
            | Self::Server
            | Self::BilledQuantity
            | Self::Difference
            | Self::Worth(_)
            | Self::BilledUnitPrice
            | Self::BilledPrice
            | Self::BilledTax
            | Self::StatedUnitPrice
            | Self::StatedPrice(_)
            | Self::StatedTax(_)
            | Self::ComponentNumber
            | Self::OrganisationNumber
            | Self::Status
            | Self::FinanceNote => Cow::Borrowed(""),
        }
    }
}

/// The word of a line that has to be looked at, and of one that has not.
pub(super) fn state(is_break: bool) -> &'static str {
    if is_break { "break" } else { "agrees" }
}

/// A currency in a header.
pub(super) fn currency_text(currency: Option<Currency>) -> String {
    currency.map_or_else(|| "currency not told".to_owned(), |currency| currency.to_string())
}

/// An amount of money with its currency, as text.
pub(super) fn priced(currency: Option<Currency>, amount: Amount) -> String {
    format!("{amount} {}", currency_text(currency))
}

fn joined<T: ToString>(parts: impl Iterator<Item = T>) -> String {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&part.to_string());
    }
    text
}

/// The currencies that have columns of their own.
pub(super) fn own_columns(money: &Money) -> impl Iterator<Item = Option<Currency>> {
    money.keys().copied().take(MOST_CURRENCIES)
}

fn own_column(money: &Money, currency: Option<Currency>) -> bool {
    own_columns(money).any(|own| own == currency)
}

/// The columns of tables of lines, where a report has something for them.
pub(super) struct Columns<'a> {
    report: &'a Report,
    survey: &'a Survey,
}

impl<'a> Columns<'a> {
    pub(super) fn new(report: &'a Report, survey: &'a Survey) -> Self {
        Self { report, survey }
    }

    /// Those of the breaks: who must do what comes first, and what nobody prints comes last.
    pub(super) fn of_breaks(&self) -> Vec<Column> {
        let mut columns = vec![What::Class, What::Who, What::NextStep];
        columns.extend(self.names());
        columns.extend(self.figures());
        columns.extend([What::Note, What::Cell, What::Status, What::FinanceNote, What::Usages]);
        columns.extend(self.money());
        columns.extend(self.references());
        self.laid_out(columns)
    }

    /// Those of all lines, or of those of one organisation.
    pub(super) fn of_lines(&self, is_one_organisation: bool) -> Vec<Column> {
        let mut columns = vec![What::Number, What::State, What::Class];
        columns.extend(self.names().filter(|what| !(is_one_organisation && *what == What::Organisation)));
        columns.extend(self.figures());
        columns.extend(self.money());
        columns.extend([What::Note, What::Cell, What::Usages]);
        columns.extend(self.references());
        self.laid_out(columns)
    }

    fn names(&self) -> impl Iterator<Item = What> {
        let has_offerings = self.report.header.offerings.len() != 1;
        let names = [What::Organisation, What::Project, What::Offering, What::Resource, What::Component];
        names
            .into_iter()
            .chain([What::Month, What::Unit])
            .filter(move |what| has_offerings || *what != What::Offering)
    }

    fn figures(&self) -> Vec<What> {
        let has_file = self.report.header.sides.has_file();
        let mut columns = vec![if has_file { What::File } else { What::BilledQuantity }, What::Server];
        columns.push(What::Difference);
        columns.extend(own_columns(&self.survey.worth).map(What::Worth));
        if self.survey.worth.len() > MOST_CURRENCIES {
            columns.push(What::OtherWorth);
        }
        columns
    }

    fn money(&self) -> Vec<What> {
        let mut columns = Vec::new();
        if self.survey.has_billed {
            if self.report.header.sides.has_file() {
                columns.push(What::BilledQuantity);
            }
            columns.extend([What::BilledUnitPrice, What::BilledPrice]);
            if self.survey.has_billed_tax {
                columns.push(What::BilledTax);
            }
            columns.extend([What::Invoice, What::InvoiceLines]);
        }
        if self.survey.has_stated {
            columns.push(What::StatedUnitPrice);
            columns.extend(own_columns(&self.survey.stated_price).map(What::StatedPrice));
            columns.extend(own_columns(&self.survey.stated_tax).map(What::StatedTax));
            if self.survey.stated_price.len().max(self.survey.stated_tax.len()) > MOST_CURRENCIES {
                columns.push(What::OtherStated);
            }
            columns.extend([What::StatedInvoice, What::StatedCustomer]);
        }
        columns
    }

    fn references(&self) -> impl Iterator<Item = What> {
        let has_also = self.survey.has_also;
        let references =
            [What::Rule, What::Also, What::ResourceId, What::ComponentNumber, What::OrganisationNumber];
        references.into_iter().filter(move |what| has_also || *what != What::Also)
    }

    fn laid_out(&self, columns: Vec<What>) -> Vec<Column> {
        let lay_out = |what| Column { what, header: self.header(what), width: self.width(what) };
        columns.into_iter().map(lay_out).collect()
    }

    fn header(&self, what: What) -> String {
        let server_currency = || {
            let told = self.report.header.currency.as_ref().map(|told| told.currency);
            currency_text(told)
        };
        let header = match what {
            What::Number => "Line",
            What::State => "State",
            What::Class => "Class",
            What::Also => "Also true",
            What::Who => "Who must act",
            What::NextStep => "Next step",
            What::Organisation => "Organisation",
            What::Project => "Project",
            What::Offering => "Offering",
            What::Resource => "Resource",
            What::ResourceId => "Resource uuid",
            What::Component => "Component",
            What::Unit => "Unit",
            What::Month => "Month",
            What::File => "File",
            What::Server => "Waldur",
            What::BilledQuantity => "Billed quantity",
            What::Difference if self.report.header.sides.has_file() => "Difference (file less Waldur)",
            What::Difference => "Difference (billed less Waldur)",
            What::Worth(currency) => return format!("Worth ({})", currency_text(currency)),
            What::OtherWorth => "Worth (other currencies)",
            What::BilledUnitPrice => return format!("Billed unit price ({})", server_currency()),
            What::BilledPrice => return format!("Billed price ({})", server_currency()),
            What::BilledTax => return format!("Billed tax ({})", server_currency()),
            What::Invoice => "Invoice number",
            What::InvoiceLines => "Invoice line",
            What::StatedUnitPrice => "Stated unit price",
            What::StatedPrice(currency) => return format!("Stated price ({})", currency_text(currency)),
            What::StatedTax(currency) => return format!("Stated tax ({})", currency_text(currency)),
            What::OtherStated => "Stated (other currencies)",
            What::StatedInvoice => "Stated invoice number",
            What::StatedCustomer => "Stated customer",
            What::Cell => "Cell in the file",
            What::Usages => "Usage uuid",
            What::Rule => "Rule",
            What::Note => "Note",
            What::ComponentNumber => "Component no.",
            What::OrganisationNumber => "Organisation no.",
            What::Status => "Status",
            What::FinanceNote => "Note of finance",
        };
        header.to_owned()
    }

    fn width(&self, what: What) -> f64 {
        let subjects = &self.report.subjects;
        let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or_default();
        let names = |text: fn(&crate::reconcile::Subject) -> &str| {
            longest(&mut subjects.iter().map(|subject| text(subject).chars().count()))
        };
        let measured = |text: fn(&crate::reconcile::Measured) -> &str| {
            longest(&mut self.report.components.iter().map(|one| text(one).chars().count()))
        };
        match what {
            What::Number | What::State => 9.0,
            What::Class => 19.0,
            What::Who | What::Month => 11.0,
            What::NextStep => 28.0,
            What::Organisation => between(14, names(|subject| &subject.organisation), 24),
            What::Project => between(11, names(|subject| &subject.project), 18),
            What::Offering => between(12, names(|subject| &subject.offering), 22),
            What::Resource => between(14, names(|subject| &subject.resource), 24),
            What::Component => between(13, measured(|one| &one.component), 18),
            What::Unit => between(8, measured(|one| &one.unit), 13),
            What::File | What::Server | What::BilledQuantity | What::Difference => {
                grouped(self.survey.quantity.length, self.unit_length())
            }
            What::Worth(_)
            | What::BilledPrice
            | What::BilledTax
            | What::StatedPrice(_)
            | What::StatedTax(_) => grouped(self.survey.price.length, 0),
            What::BilledUnitPrice | What::StatedUnitPrice => grouped(self.survey.unit_price.length, 0),
            What::OtherWorth | What::OtherStated => 18.0,
            What::Invoice | What::StatedInvoice => 16.0,
            What::ResourceId | What::InvoiceLines | What::Usages => 35.0,
            What::StatedCustomer | What::Also | What::Rule | What::FinanceNote => 24.0,
            What::Cell => 30.0,
            What::Note => 38.0,
            What::ComponentNumber | What::OrganisationNumber => 14.0,
            What::Status => 13.0,
        }
    }

    fn unit_length(&self) -> usize {
        self.survey.unit(self.report).map_or(0, |unit| unit.chars().count() + 1)
    }
}

/// A width for texts so long, and no wider than is good.
fn between(least: usize, longest: usize, most: usize) -> f64 {
    // The button of the filter takes room too.
    u32::try_from((longest + 3).clamp(least, most)).map_or(14.0, f64::from)
}

/// A width for amounts of so many characters, with their thousands apart and in brackets.
pub(super) fn grouped(length: usize, unit: usize) -> f64 {
    let length = length + length / 3 + unit + 2;
    u32::try_from(length.clamp(13, 44)).map_or(16.0, f64::from)
}
