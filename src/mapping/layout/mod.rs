//! Layouts: what the tables of other systems mean, as data.
//!
//! A [`Layout`] says how a table is recognised, which columns name the resource and the month, which
//! component each quantity is of and by which exact factor it becomes one of the server's unit, what is
//! added up and what is left out, and why. The shipped ones stand in `templates/layouts`; a user's own is
//! read the same way and can name no file, no program and no address. What a layout says is checked
//! here as a whole; that a table fits it is the business of [`Layout::bind`].

mod binding;
mod error;
mod read;
mod shipped;
mod suggest;
mod words;
mod written;

use jiff::tz::TimeZone;

use crate::domain::{Ratio, fold, fold_unit};

pub use binding::{Binding, MetricColumns, Unbound};
pub use error::LayoutError;
pub use shipped::{Shipped, shipped};
pub use suggest::{Role, Sample, SuggestError, suggest};
pub(super) use words::words;

/// What a kind of table means.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Its name, in small letters, digits and dashes.
    pub name: String,
    /// What it is the layout of, in a line.
    pub title: String,
    /// How its tables are read.
    pub form: Form,
}

/// How tables are read.
#[derive(Debug, Clone)]
pub enum Form {
    /// As our own long form: the columns have the names that the guide gives them.
    WaldurLong,
    /// As our own wide form.
    WaldurWide,
    /// As records of another system.
    Records(Box<Records>),
}

/// The headers that a column can have; the first one that a table has is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column(pub Vec<String>);

impl Column {
    /// Where the column stands among folded headers.
    pub fn find(&self, folded: &[String]) -> Option<usize> {
        self.0.iter().find_map(|name| {
            let name = fold(name);
            folded.iter().position(|header| *header == name)
        })
    }

    /// The headers as they are told.
    pub fn shown(&self) -> String {
        self.0.join(" or ")
    }
}

/// The meaning of the records of another system.
#[derive(Debug, Clone)]
pub struct Records {
    /// Headers that have to be there besides those of the columns that are read.
    pub also: Vec<Column>,
    /// Headers whose presence makes it another kind of table, and what they would change.
    pub without: Vec<Column>,
    /// The columns that name the resource.
    pub resource: ResourceColumns,
    /// What the rows above the header say.
    pub titles: Option<Titles>,
    /// Which month a record is of.
    pub period: Period,
    /// The zone in which moments without one are read, and whose months are meant.
    pub zone: Option<TimeZone>,
    /// The column that says what a record counts.
    pub metric: Option<Column>,
    /// The column of the quantity, where all metrics share one.
    pub quantity: Option<Column>,
    /// The column of the unit.
    pub unit: Option<Column>,
    /// Whether what stands in the column of metrics is the name of a component rather than its type.
    pub by_name: bool,
    /// What is counted; where there is none, the column of metrics names the component itself.
    pub metrics: Vec<Metric>,
    /// The decimal sign of quantities, where the source always writes the same: whether it is a comma.
    pub decimal_comma: Option<bool>,
    /// Whether records of one key are added up.
    pub sums: bool,
    /// Rows that are not read, each with its reason.
    pub leave_out: Vec<Rule>,
    /// Rows that are faulty, each with its reason.
    pub faulty: Vec<Rule>,
    /// Rows that are a part of another row.
    pub parts: Option<Parts>,
    /// The columns that tell records apart; all cells where there is none.
    pub identity: Vec<Column>,
    /// The columns that do not, where all other cells do.
    pub identity_without: Vec<Column>,
    /// Whether a record that stands twice is one too many.
    pub repeats_are_faulty: bool,
    /// Columns that hold one value in all rows that are read.
    pub one_value: Vec<Column>,
}

/// The columns that name a resource; at least one of them is there.
#[derive(Debug, Clone, Default)]
pub struct ResourceColumns {
    /// Its uuid.
    pub uuid: Option<Column>,
    /// Its id in the provider's own system.
    pub backend_id: Option<Column>,
    /// Its short name.
    pub slug: Option<Column>,
    /// Its display name.
    pub name: Option<Column>,
    /// The uuid of its offering.
    pub offering_uuid: Option<Column>,
    /// The display name of its offering.
    pub offering: Option<Column>,
    /// The user whose share it is.
    pub username: Option<Column>,
    /// The name of its project, which has to be that of the resource.
    pub project: Option<Column>,
    /// The name of its organisation, which has to be that of the resource.
    pub organisation: Option<Column>,
}

/// What the rows above the header say.
#[derive(Debug, Clone)]
pub struct Titles {
    /// Whether one of them holds the first and the last second of the report, with a dash between them.
    pub hold_period: bool,
    /// The words before the unit of all quantities.
    pub unit_behind: Vec<String>,
    /// The units that may stand there, and what each is in the unit that metrics are counted in.
    pub units: Vec<(String, Ratio)>,
    /// How lines begin that make it another kind of report, and why that one cannot be read.
    pub refuse: Vec<(String, String)>,
}

/// Which month a record is of.
#[derive(Debug, Clone)]
pub enum Period {
    /// The table does not say; `--period` does.
    Given {
        /// A day that has to lie in that month, because the record would else be of another one.
        reported: Option<Column>,
    },
    /// The one that stands in a column.
    Month(Column),
    /// The one that its times lie in.
    Times {
        /// When it begins.
        begin: Column,
        /// When it ends: the first moment that is no longer of it.
        end: Column,
        /// What becomes of one that lies in two months.
        crossing: Crossing,
        /// How long it lasted, in seconds or as `1-02:03:04`: no longer than from begin to end, which is
        /// not to come yet.
        elapsed: Option<Column>,
    },
    /// The one that the titles name.
    Titles,
}

/// What becomes of a record that lies in two months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// It is faulty: how much of it lies in which month is not known.
    Faulty,
    /// All of it is of the month that it ends in.
    End,
    /// All of it is of the month that it begins in.
    Begin,
}

/// Something that is counted.
#[derive(Debug, Clone)]
pub struct Metric {
    /// What stands in the column of metrics; empty where the metric has columns of its own.
    pub names: Vec<String>,
    /// The component that it is of; of several, the one that the offering has.
    pub components: Vec<String>,
    /// Whether it is left out, and said to be, where the offering has no such component.
    pub is_optional: bool,
    /// The column of its quantity, where it has one of its own.
    pub column: Option<Column>,
    /// What stands before its quantity in a cell such as `cpu=4,mem=16G`.
    pub key: Option<String>,
    /// Whether such a quantity may end in K, M, G, T or P, and is counted in M.
    pub in_mebi: bool,
    /// What the quantity is multiplied by.
    pub times: Option<Times>,
    /// What the product is counted in, for people.
    pub counted_in: String,
    /// What one of it is in the unit of the component.
    pub factors: Factors,
}

/// What a quantity is multiplied by.
#[derive(Debug, Clone)]
pub enum Times {
    /// The number in another column.
    Column(Column),
    /// The seconds between the begin and the end of the record.
    Duration,
}

/// How a sum becomes an amount.
#[derive(Debug, Clone)]
pub enum Factors {
    /// By one factor, whatever the component is measured in, or by the unit that it has to have.
    One(Factor, Option<String>),
    /// By the factor of the unit that the component is measured in; by the unit as it is written, in order.
    ByUnit(Vec<(String, Factor)>),
}

/// An exact factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factor {
    /// The ratio.
    pub ratio: Ratio,
    /// Whether it is divided by the seconds of the month besides: the mean over the month.
    pub is_of_month: bool,
}

/// A kind of row, by what stands in one of its cells.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The column.
    pub column: Column,
    /// What stands in it.
    pub test: Test,
    /// Whether a table may be without the column; the rule is then about none of its rows.
    pub is_optional: bool,
    /// Why such rows are left out or faulty.
    pub because: String,
}

/// What stands in a cell.
#[derive(Debug, Clone)]
pub enum Test {
    /// One of these texts, blank ones included, in capitals or not.
    Is(Vec<String>),
    /// Anything else.
    IsNot(Vec<String>),
    /// A text that begins so.
    Begins(String),
}

impl Rule {
    /// Whether a cell is of the kind.
    pub fn fits(&self, text: &str) -> bool {
        let is_one_of = |texts: &[String]| texts.iter().any(|one| one.eq_ignore_ascii_case(text));
        match &self.test {
            Test::Is(texts) => is_one_of(texts),
            Test::IsNot(texts) => !is_one_of(texts),
            Test::Begins(start) => text.starts_with(start.as_str()),
        }
    }

    /// The rule in words.
    pub fn shown(&self) -> String {
        let column = self.column.shown();
        let list = |texts: &[String]| {
            let quoted =
                texts.iter().map(|text| if text.is_empty() { "blank".to_owned() } else { text.clone() });
            quoted.collect::<Vec<_>>().join(" or ")
        };
        match &self.test {
            Test::Is(texts) => format!("{column} is {}", list(texts)),
            Test::IsNot(texts) => format!("{column} is not {}", list(texts)),
            Test::Begins(start) => format!("{column} begins with {start}"),
        }
    }
}

/// Rows whose usage is in that of another row.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The column of their ids.
    pub column: Column,
    /// What stands behind the id of the whole in the id of a part.
    pub separator: String,
    /// Why they are left out.
    pub because: String,
}

impl Layout {
    /// Its meaning, where it is one of records.
    pub fn records(&self) -> Option<&Records> {
        match &self.form {
            Form::Records(records) => Some(records),
            Form::WaldurLong | Form::WaldurWide => None,
        }
    }
}

impl Metric {
    /// How the metric is spoken of.
    pub fn label(&self) -> &str {
        let own = self.names.first().or(self.key.as_ref()).or(self.components.first());
        own.map_or("", String::as_str)
    }
}

impl Factors {
    /// The factor for a unit; `None` where the layout knows none for it.
    pub fn for_unit(&self, unit: &str) -> Option<&Factor> {
        match self {
            Self::One(factor, None) => Some(factor),
            Self::One(factor, Some(own)) => (own.trim() == unit.trim()).then_some(factor),
            Self::ByUnit(factors) => {
                let folded = fold_unit(unit);
                factors.iter().find(|(known, _)| fold_unit(known) == folded).map(|(_, factor)| factor)
            }
        }
    }

    /// The units that it knows.
    pub fn units(&self) -> Vec<&str> {
        match self {
            Self::One(_, unit) => unit.iter().map(String::as_str).collect(),
            Self::ByUnit(factors) => factors.iter().map(|(unit, _)| unit.as_str()).collect(),
        }
    }
}
