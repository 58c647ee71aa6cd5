//! What stops a run, and the exit code that says so.
//!
//! Findings are about the user's data and are no errors. An [`Error`] says what, where and why; its
//! hint says what to do next. The table of exit codes stands here once and feeds `--help`, the
//! README and the tests.

use std::path::PathBuf;

use crate::domain::RunId;
use crate::domain::visible;
use crate::export::ExportError;
use crate::frame::FrameError;
use crate::plan::{PlanError, Refusal};
use crate::report::ReportError;
use crate::source::SourceError;
use crate::store::{AuditFault, LockError, StoreError};
use crate::waldur::{AddressError, TokenError, WaldurError};
use crate::warehouse::{FieldsRefused, FocusError, FocusSettingError};

/// How a run ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done, equal, or nothing to do.
    Done,
    /// There are differences: of a reconciliation, or where the user asked to be told by the exit code.
    Differences,
    /// The command line, the configuration or a path is at fault.
    Usage,
    /// Findings at deny; nothing was sent.
    Denied,
    /// We refused to send; nothing was sent.
    Refused,
    /// At least one post was accepted or may have been, and not every row is as planned.
    Partial,
    /// Server or network; nothing is stored.
    Server,
    /// The account; nothing is stored.
    Account,
    /// Another run holds the lock.
    Locked,
    /// A fault of the program.
    Bug,
    /// Interrupted; nothing is stored.
    Interrupted,
}

impl ExitStatus {
    /// Every status, in the order of the codes.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Differences,
        Self::Usage,
        Self::Denied,
        Self::Refused,
        Self::Partial,
        Self::Server,
        Self::Account,
        Self::Locked,
        Self::Bug,
        Self::Interrupted,
    ];

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differences => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::Refused => 4,
            Self::Partial => 5,
            Self::Server => 6,
            Self::Account => 7,
            Self::Locked => 8,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }

    /// The word for it in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Differences => "differences",
            Self::Usage => "usage",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Partial => "partial",
            Self::Server => "server",
            Self::Account => "account",
            Self::Locked => "locked",
            Self::Bug => "bug",
            Self::Interrupted => "interrupted",
        }
    }

    /// What the code means, in a line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, equal, or nothing to do; warnings do not change it",
            Self::Differences => "differences (reconcile; plan and missing --exit-code)",
            Self::Usage => {
                "command line, configuration, a path that cannot be read or written, or nobody to ask and no --yes"
            }
            Self::Denied => {
                "findings at deny, among them wrong file type, empty file, missing column; nothing sent"
            }
            Self::Refused => "we refused to send (period, stale, wrong server, you said no); nothing sent",
            Self::Partial => {
                "a post was accepted or may have been, and not every row is as planned, or rows were left out by --skip-faulty"
            }
            Self::Server => "server or network, or every request rejected; nothing stored",
            Self::Account => "401 or 403; nothing stored",
            Self::Locked => "another run holds the lock",
            Self::Bug => "a fault of this program",
            Self::Interrupted => "interrupted; nothing stored",
        }
    }
}

/// What stops a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An input cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An exchange with the server went wrong.
    #[error(transparent)]
    Waldur(#[from] WaldurError),
    /// The server's address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A plan file cannot be applied.
    #[error("{}: {error}", visible(&path.to_string_lossy()))]
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        error: PlanError,
    },
    /// The plan of a run in the store cannot be used.
    #[error("the plan of run {run} cannot be used")]
    StoredPlan {
        /// The run.
        run: RunId,
        /// Why.
        #[source]
        error: PlanError,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(StoreError),
    /// Another run holds the lock.
    #[error(transparent)]
    Locked(LockError),
    /// The audit trail is not what was written.
    #[error(transparent)]
    Audit(AuditFault),
    /// We do not send.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A setting is missing or wrong.
    #[error("{what}")]
    Setting {
        /// What is wrong.
        what: String,
        /// What to do.
        hint: String,
    },
    /// An output cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A target of an export cannot be read or written.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The server has fields that the contract of an export does not allow.
    #[error(transparent)]
    Fields(#[from] FieldsRefused),
    /// A month cannot be told in the words of FOCUS.
    #[error(transparent)]
    Focus(#[from] FocusError),
    /// A thing that was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The user pressed Ctrl-C before anything was posted.
    #[error("interrupted; nothing was sent to the server")]
    Interrupted,
    /// A fault of the program.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A fault of the program.
    #[error("{0}")]
    Bug(String),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Store(error) => Self::Store(error),
            held @ (LockError::Held { .. } | LockError::Running { .. }) => Self::Locked(held),
        }
    }
}

impl From<FocusSettingError> for Error {
    fn from(FocusSettingError { what, hint }: FocusSettingError) -> Self {
        Self::Setting { what, hint }
    }
}

impl From<AuditFault> for Error {
    fn from(error: AuditFault) -> Self {
        match error {
            AuditFault::Store(error) => Self::Store(error),
            fault @ (AuditFault::Broken { .. } | AuditFault::HeadIsGone { .. }) => Self::Audit(fault),
        }
    }
}

impl Error {
    /// A setting that is missing or wrong.
    pub fn setting(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Setting { what: what.into(), hint: hint.into() }
    }

    /// The exit status that this error ends a run with, where nothing was posted.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Source(_)
            | Self::Address(_)
            | Self::Token(_)
            | Self::Waldur(WaldurError::Token(_))
            | Self::Setting { .. }
            | Self::Store(_)
            | Self::Export(ExportError::File { .. })
            | Self::Focus(FocusError::Unset(_))
            | Self::Report(
                ReportError::Unwritable { .. } | ReportError::NoFormat { .. } | ReportError::Template { .. },
            ) => ExitStatus::Usage,
            Self::Plan { error: PlanError::NotAPlan(_), .. } | Self::Export(ExportError::Saved { .. }) => {
                ExitStatus::Denied
            }
            Self::Plan { error: PlanError::Damaged, .. }
            | Self::Refused(_)
            | Self::StoredPlan { .. }
            | Self::Export(ExportError::Manifest { .. })
            | Self::Fields(_)
            | Self::Focus(
                FocusError::InvoiceDisagrees { .. }
                | FocusError::UnknownInvoice { .. }
                | FocusError::UnknownResource { .. }
                | FocusError::NoInvoice { .. }
                | FocusError::TooLarge(_)
                | FocusError::Cell(_),
            )
            | Self::Audit(_) => ExitStatus::Refused,
            Self::Locked(_) | Self::Export(ExportError::Busy { .. }) => ExitStatus::Locked,
            Self::Waldur(error) if error.is_about_the_account() => ExitStatus::Account,
            Self::Waldur(_) | Self::NotFound(_) | Self::Export(ExportError::Target { .. }) => {
                ExitStatus::Server
            }
            Self::Interrupted => ExitStatus::Interrupted,
            Self::Report(ReportError::Build(_))
            | Self::Focus(FocusError::Slice(_) | FocusError::Arrow(_))
            | Self::Frame(_)
            | Self::Bug(_) => ExitStatus::Bug,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Focus(error) => return Some(error.hint()),
            Self::Setting { hint, .. } => return Some(hint.clone()).filter(|hint| !hint.is_empty()),
            Self::Source(SourceError::Unreadable { .. }) => {
                "check the path, and that the file is not locked by another program"
            }
            Self::Source(SourceError::TooLarge { .. }) => "split it, or save the table alone",
            Self::Source(SourceError::NoSpreadsheet { .. }) => {
                "check the path; .xlsx, .xlsm, .xlsb, .xls, .ods, .csv, .tsv and .parquet are read"
            }
            Self::Report(ReportError::Unwritable { .. }) => {
                "check the folder, and that the file is not open in another program"
            }
            Self::Report(ReportError::NoFormat { .. }) => "name it .xlsx, .html, .csv, .json or .parquet",
            Self::Report(ReportError::Template { .. }) => {
                "start from templates/reconciliation.html, and see docs/page-template.md"
            }
            Self::Token(_) => {
                "put the token alone into a file and name it with --token-file, or set WALDUR_ACCESS_TOKEN"
            }
            Self::Address(AddressError::NotAnAddress(_)) => "write it as https://waldur.example.com",
            Self::Address(AddressError::HoldsCredentials) => {
                "take the user name and password out; the token is given apart"
            }
            Self::Address(AddressError::Insecure(_)) => {
                "use https, or --insecure-http if you trust the network"
            }
            Self::Plan { error: PlanError::NotAPlan(_), .. } => {
                "make a plan with `waldur-usage plan FILE -o plan.json`"
            }
            Self::Plan { error: PlanError::Damaged, .. } => "make the plan again",
            Self::StoredPlan { .. } => "make a plan anew; `runs show` tells what this run did",
            Self::Store(_) => "check the folder of the store, or name another one with --store",
            Self::Locked(_) => "wait until it has ended; the lock of a run that died is taken over by itself",
            Self::Audit(_) => "compare with a copy of the store, and do not rely on this trail",
            Self::Refused(Refusal::Guards { flags, .. }) => {
                return Some(format!("if it is right, {} lets it pass", flags.join(" ")));
            }
            Self::Refused(refusal) => refusal_hint(refusal),
            Self::Waldur(error) => waldur_hint(error),
            Self::Export(ExportError::File { .. }) => "check the path, its rights, and the room on the disk",
            Self::Export(ExportError::Saved { .. }) => {
                "docs/export.md tells the columns; an earlier export to parquet:DIR has them"
            }
            Self::Export(ExportError::Manifest { .. }) => {
                "name another target, or take away what stands there if it is not needed"
            }
            Self::Export(ExportError::Busy { .. }) => {
                "wait until it has ended; a run that died holds nothing"
            }
            Self::Export(ExportError::Target { .. }) => {
                "look at its own log, then run it again: a month is whole or as it was"
            }
            Self::Fields(_) => "look at what they hold, then choose --contract evolve or discard",
            Self::NotFound(_) => "it may exist and not be visible to this account",
            Self::Interrupted => "run the same command again when you are ready",
            Self::Report(ReportError::Build(_)) | Self::Frame(_) | Self::Bug(_) => {
                "please report this with the command that you ran"
            }
        };
        Some(hint.to_owned())
    }
}

fn refusal_hint(refusal: &Refusal) -> &'static str {
    use crate::plan::MonthRefusal;
    match refusal {
        Refusal::OtherServer { .. }
        | Refusal::OtherSandbox { .. }
        | Refusal::OtherAccount { .. }
        | Refusal::OtherRole { .. } => "make a plan for this server and account",
        Refusal::OtherDigest { .. } => {
            "look at it with `plan show`, and give the digest of what you agree to"
        }
        Refusal::Month(MonthRefusal::Other { .. }) => {
            "make the plan again: what a past month still takes is planned row by row"
        }
        Refusal::Month(MonthRefusal::Turned { .. }) => "make the plan again",
        Refusal::Month(MonthRefusal::Future { .. }) => "report it once it has begun",
        Refusal::Month(MonthRefusal::NoMoment { .. }) => "settle this month on the invoice",
        Refusal::Guards { .. } => "look at what the guards point at",
        Refusal::Closed { .. } => "settle them on the invoice; the workbook of corrections lists them",
        Refusal::SeveralMonths { .. } => "--period YYYY-MM takes the rows of one month",
        Refusal::Month(MonthRefusal::UnknownZone { .. }) => {
            "set time_zone of this server in your profile (its operator knows it), or try again in the middle of the month"
        }
        Refusal::Month(MonthRefusal::Turning { .. }) => "try again a quarter of an hour later",
        Refusal::Month(MonthRefusal::NoMonth { .. }) => "ask the operator to set the server's clock",
        Refusal::OtherCapabilities { .. } | Refusal::Unpostable(_) | Refusal::Stale { .. } => {
            "make the plan again and look at what changed"
        }
        Refusal::Declined => "run it again when you are ready",
    }
}

fn waldur_hint(error: &WaldurError) -> &'static str {
    match error {
        WaldurError::Setup(_) => "please report this with the command that you ran",
        WaldurError::Token(_) => "put the token alone into a file and name it with --token-file",
        WaldurError::Unreachable { .. } => {
            "check that it is running, its address, the network and the proxy, then run it again"
        }
        WaldurError::Broken { .. } => "run it again; nothing is doubled, because every run compares first",
        WaldurError::Redirected { .. } => {
            "use the address that it points to, if you trust it; tokens do not follow redirects"
        }
        WaldurError::Unauthorized { .. } => "get a fresh token from your profile page in Waldur",
        WaldurError::Forbidden { .. } => {
            "ask for a role on the offering's organisation that may report usage"
        }
        WaldurError::Status { .. } => {
            "run it again later; if it stays, show this to the operator of the server"
        }
        WaldurError::NotTheApi { .. } => {
            "check that the address is that of the Waldur API and not of its web pages"
        }
        WaldurError::TooLarge { .. } => "check that the address is that of a Waldur server",
        WaldurError::Unproven { .. } => {
            "run it again when nobody else changes usages; if it stays, show this to the operator"
        }
        WaldurError::OtherServer { .. } => {
            "check the address, the tunnel and the port; then make the plan again and look at what is stored"
        }
        WaldurError::OtherAccount { .. } => {
            "put a fresh token of the first account into the file, then run it again; a run is of one account"
        }
        WaldurError::Withdrawn { .. } => "run it again",
        WaldurError::NoOffering(_) => "check the uuid, and that this account may see the offering",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_table() {
        let codes: Vec<u8> = ExitStatus::ALL.iter().map(|status| status.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 70, 130]);
    }
}
