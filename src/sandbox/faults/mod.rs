//! Faults: what can go wrong between a client and a server, each by a name.
//!
//! A fault is tied to requests by method and path, lets some of them through, and strikes a share
//! of the others. What it does belongs to one [`Stage`] of a request; of the faults that are due at
//! a stage the first one strikes, and faults of different stages add up. A fault never changes the
//! rules of the trade; what a struck request stores is stored by them and stands in the log.

mod bodies;
mod delivery;
mod memory;
mod methods;
mod names;
mod quirks;
mod random;
mod rate;
mod shown;
mod spec;
mod strike;
#[cfg(test)]
mod tests;
mod watch;
mod words;
mod writer;

use std::time::Duration;

use jiff::SignedDuration;

pub use memory::SeenRequest;
pub use names::{FaultName, NAMES};
pub use rate::Rate;
pub use spec::FaultError;

pub(super) use delivery::{Delivery, Stamp};
pub(super) use quirks::{Quirks, Rows};
pub(super) use strike::answer_struck;
pub(super) use watch::Watch;

use crate::domain::Amount;

/// What goes wrong with which requests.
///
/// ```
/// # use waldur_usage::sandbox::Fault;
/// let fault: Fault = "drop-after-commit path=set_usage rate=0.005".parse().unwrap();
/// assert_eq!(fault.to_string(), "drop-after-commit path=set_usage rate=0.005");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The method of the requests that are struck, such as `POST`; empty strikes every method.
    pub method: String,
    /// A part of their path with its query; empty strikes every path.
    pub path_contains: String,
    /// How many such requests are let through first.
    pub skip: usize,
    /// The share of those after them that is struck.
    pub rate: Rate,
    /// How many are struck in all; [`Fault::ALWAYS`] sets no end.
    pub times: usize,
    /// What goes wrong.
    pub kind: FaultKind,
}

impl Fault {
    /// As many times as there are requests.
    pub const ALWAYS: usize = usize::MAX;

    /// A fault that strikes every request, as often as its kind can strike.
    pub fn new(kind: FaultKind) -> Self {
        let times = kind.usual_times();
        Self { method: String::new(), path_contains: String::new(), skip: 0, rate: Rate::ALL, times, kind }
    }

    fn concerns(&self, method: &str, path: &str) -> bool {
        self.times > 0
            && (self.method.is_empty() || self.method == method)
            && path.contains(&self.path_contains)
    }
}

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// It is answered with a status, a body and a content type, and is not carried out.
    Status(u16, String, String),
    /// It is answered with a status and `Retry-After` in seconds, and is not carried out.
    TryLater(u16, u32),
    /// It is carried out, then answered with a status as a proxy before the server gives it.
    StatusAfterCommit(u16),
    /// The connection is closed without an answer; nothing is stored.
    DropBeforeCommit,
    /// It is carried out, then the connection is closed without an answer.
    DropAfterCommit,
    /// It is held for a while, then carried out.
    Delay(Duration),
    /// The answer leaves in parts of so many bytes, with a pause after each.
    Slow(usize, Duration),
    /// Head and a part of the body leave, then nothing for a while, then the connection is closed.
    Stalled(Duration),
    /// The head promises the whole body, and the connection is closed after a part of it.
    Truncated,
    /// It is answered with 200 and the page of a login, and is not carried out.
    Html,
    /// Each page of a list begins with the row that the page before it ended with.
    RowsRepeated,
    /// Each page of a list lacks its first row.
    RowsLost,
    /// Usages of equal date and type stand in another order on every page.
    UntiedOrder,
    /// The rows of lists have one more field, of this name.
    AddedField(String),
    /// The filters with these names are ignored; all filters where none is named.
    FiltersIgnored(Vec<String>),
    /// The `Date` of the answer is off by this much; the clock itself is not.
    ClockSkew(SignedDuration),
    /// The `Date` of the answer is this text.
    WrongDate(String),
    /// The answer has no `Date`.
    MissingDate,
    /// The token of the request expires, with this request and for good.
    TokenExpires,
    /// Of a report only the first items are stored, though it has more.
    HalfApplied(usize, Ending),
    /// The clock jumps to the first instant of the next month before the request is looked at.
    MonthTurns,
    /// Somebody else reports another amount for the same resource and month.
    AnotherWriter(When, Option<Amount>),
    /// There is always a next page.
    EndlessLink,
    /// The links to other pages lead to this origin.
    ForeignLink(String),
    /// It is answered with this redirect to a path or an origin, and is not carried out.
    Redirect(u16, String),
    /// The body of the answer is a list of one text, of so many bytes in all.
    HugeBody(u64),
    /// The body of the answer is nested so many lists deep.
    DeepBody(usize),
}

/// How a half-applied report ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With the page of a 500.
    Broken,
    /// With a closed connection.
    Dropped,
}

/// When somebody else writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Just before the request is carried out.
    Before,
    /// Just after it.
    After,
}

/// The part of a request's life that a fault belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Token,
    Clock,
    Writer,
    Filters,
    Outcome,
    Rows,
    Fields,
    NextLink,
    LinkOrigin,
    Date,
    Delivery,
}

impl FaultKind {
    /// How often the kind strikes where nothing else is said: some can happen once only.
    fn usual_times(&self) -> usize {
        if matches!(self, Self::TokenExpires | Self::MonthTurns) { 1 } else { Fault::ALWAYS }
    }

    pub(super) fn stage(&self) -> Stage {
        match self {
            Self::TokenExpires => Stage::Token,
            Self::MonthTurns => Stage::Clock,
            Self::AnotherWriter(..) => Stage::Writer,
            Self::FiltersIgnored(_) => Stage::Filters,
            Self::Status(..)
            | Self::TryLater(..)
            | Self::StatusAfterCommit(_)
            | Self::DropBeforeCommit
            | Self::DropAfterCommit
            | Self::Delay(_)
            | Self::Html
            | Self::HalfApplied(..)
            | Self::Redirect(..)
            | Self::HugeBody(_)
            | Self::DeepBody(_) => Stage::Outcome,
            Self::RowsRepeated | Self::RowsLost | Self::UntiedOrder => Stage::Rows,
            Self::AddedField(_) => Stage::Fields,
            Self::EndlessLink => Stage::NextLink,
            Self::ForeignLink(_) => Stage::LinkOrigin,
            Self::ClockSkew(_) | Self::WrongDate(_) | Self::MissingDate => Stage::Date,
            Self::Slow(..) | Self::Stalled(_) | Self::Truncated => Stage::Delivery,
        }
    }
}
