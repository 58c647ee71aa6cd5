//! Why a month cannot be told in the words of FOCUS.

use std::collections::BTreeSet;
use std::fmt;

use crate::domain::{Amount, visible};
use crate::warehouse::cells::CellError;
use crate::warehouse::slice::SliceError;

/// How many missing settings are named; the others are counted.
const NAMED: usize = 20;

/// Why a month cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum FocusError {
    /// The configuration does not say what FOCUS has to know.
    #[error("FOCUS needs what Waldur does not tell: {}", listed(.0))]
    Unset(BTreeSet<Unset>),
    /// The lines of an invoice are not what the invoice says.
    #[error("invoice {invoice} is told with a price of {told}, and its lines come to {lines}")]
    InvoiceDisagrees {
        /// Its number.
        invoice: String,
        /// What it says.
        told: Amount,
        /// What its lines come to.
        lines: Amount,
    },
    /// A line stands on an invoice that was not read.
    #[error("line {line} stands on an invoice that this account does not see")]
    UnknownInvoice {
        /// The line.
        line: String,
    },
    /// A usage is of a resource that was not read.
    #[error("usage {usage} is of resource {resource}, which this account does not see")]
    UnknownResource {
        /// The usage.
        usage: String,
        /// The resource.
        resource: String,
    },
    /// A usage is of an organisation of which no invoice was read, so that nobody knows what it costs.
    #[error(
        "usage {usage} is of organisation {organisation}, of which this account sees no invoice of the month"
    )]
    NoInvoice {
        /// The usage.
        usage: String,
        /// The organisation.
        organisation: String,
    },
    /// A sum leaves the range of a decimal.
    #[error("a sum of {0} is beyond 10^24")]
    TooLarge(String),
    /// A value that a column of FOCUS cannot hold.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// The rows are no month; a fault of ours.
    #[error(transparent)]
    Slice(#[from] SliceError),
    /// The columns cannot be worked with; a fault of ours.
    #[error("cannot build rows")]
    Arrow(#[from] arrow_schema::ArrowError),
}

/// What the configuration does not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unset {
    /// The category of an offering.
    Category {
        /// The uuid of the offering.
        offering: String,
        /// Its name.
        name: String,
    },
    /// Who offers the services of an offering.
    Provider {
        /// The uuid of the offering.
        offering: String,
        /// Its name.
        name: String,
    },
    /// The name of an organisation, a project or an offering that was not read.
    Name {
        /// Which of them.
        what: &'static str,
        /// Its uuid.
        uuid: String,
    },
    /// What a line is for that names no offering.
    Other {
        /// The line.
        line: String,
    },
}

impl fmt::Display for Unset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Category { offering, name } => {
                write!(formatter, "the service category of {} ({})", visible(name), visible(offering))
            }
            Self::Provider { offering, name } => {
                write!(formatter, "who offers {} ({})", visible(name), visible(offering))
            }
            Self::Name { what, uuid } => write!(formatter, "the name of the {what} {}", visible(uuid)),
            Self::Other { line } => {
                write!(formatter, "what line {} is for, which names no offering", visible(line))
            }
        }
    }
}

impl Unset {
    /// What to add to the table `[servers.NAME.focus]` of `config.toml`.
    pub fn hint(&self) -> String {
        match self {
            Self::Category { name, .. } => format!("services.{} = \"Compute\"", key(name)),
            Self::Provider { .. } => "provider = \"Name of the provider\"".to_owned(),
            Self::Name { uuid, .. } => format!("names.{} = \"Name\"", key(uuid)),
            Self::Other { .. } => "other = { name = \"Other services\", category = \"Other\" }".to_owned(),
        }
    }
}

/// A key of a TOML file.
fn key(text: &str) -> String {
    // A basic string of TOML takes what JSON writes.
    serde_json::Value::from(visible(text).to_string()).to_string()
}

fn listed(unset: &BTreeSet<Unset>) -> String {
    let named: Vec<String> = unset.iter().take(NAMED).map(ToString::to_string).collect();
    let more = unset.len().saturating_sub(NAMED);
    let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
    format!("{}{rest}", named.join("; "))
}

impl FocusError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unset(unset) => {
                let hints: BTreeSet<String> = unset.iter().map(Unset::hint).collect();
                let hints: Vec<String> = hints.into_iter().take(NAMED).collect();
                format!("add to [servers.NAME.focus] of config.toml, with the right value: {}", hints.join("; "))
            }
            Self::InvoiceDisagrees { .. } => {
                "run it again when nobody changes invoices; if it stays, this account sees a part of the lines: \
                 use one that sees them all, or filter by offering"
                    .to_owned()
            }
            Self::UnknownInvoice { .. } | Self::UnknownResource { .. } => {
                "use an account that sees the invoices and resources of the month, such as support".to_owned()
            }
            Self::NoInvoice { .. } => {
                "use an account that sees the invoices of the month, such as support; where there are none, set \
                 without_invoices = true in [servers.NAME.focus] of config.toml, and usages cost nothing"
                    .to_owned()
            }
            Self::Cell(_) => "look at this figure in Waldur".to_owned(),
            Self::TooLarge(_) | Self::Slice(_) | Self::Arrow(_) => {
                "please report this with the command that you ran".to_owned()
            }
        }
    }
}
