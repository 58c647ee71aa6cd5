//! What is known of a step and of a run when they are over: figures that can be kept, told and compared.

use serde::{Deserialize, Serialize};

use crate::domain::{Amount, Currency, RunId};
use crate::error::ExitStatus;

/// The figures of a step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// How many rows it was about: those of the files that were used, of the plan that were posted, keys that
    /// were compared, figures that were looked for, or rows that stand at the targets of an export.
    pub rows: u64,
    /// How many of them differ: rows that are not as planned, breaks, figures that nobody reported.
    pub breaks: u64,
    /// What the differences come to, by currency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub money: Vec<MoneyFact>,
    /// The run that posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Whether a post was accepted, or may have been.
    #[serde(default)]
    pub posted: bool,
}

/// An amount of money, of a currency that may not be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyFact {
    /// The currency, where somebody tells it.
    pub currency: Option<Currency>,
    /// The amount.
    pub amount: Amount,
}

/// How a step ended.
#[derive(Debug, Clone)]
pub struct StepEnd {
    /// How.
    pub status: ExitStatus,
    /// Its figures.
    pub facts: Facts,
    /// Whether nothing is left of it to go on with.
    pub is_over: bool,
}

impl StepEnd {
    /// A step that was carried to its end.
    pub fn over(status: ExitStatus, facts: Facts) -> Self {
        Self { status, facts, is_over: true }
    }

    /// A step that is to be taken up again.
    pub fn open(status: ExitStatus) -> Self {
        Self { status, facts: Facts::default(), is_over: false }
    }

    /// Whether the next step follows.
    pub fn goes_on(&self) -> bool {
        self.is_over && matches!(self.status, ExitStatus::Done | ExitStatus::Differences)
    }
}

/// How many differ in a run: a key that differs in one step does so in the next one, too, and is one.
pub fn breaks<'f>(steps: impl IntoIterator<Item = &'f Facts>) -> u64 {
    steps.into_iter().map(|facts| facts.breaks).max().unwrap_or_default()
}

/// How a run ends by its steps: as the gravest of them. Once a post was accepted, what did not end well
/// after it ends the run with 5, because something is stored.
pub fn gravest(steps: impl IntoIterator<Item = ExitStatus>, posted: bool) -> ExitStatus {
    let worst = steps.into_iter().max_by_key(|status| gravity(*status)).unwrap_or(ExitStatus::Done);
    match worst {
        ExitStatus::Done | ExitStatus::Differences | ExitStatus::Partial | ExitStatus::Bug => worst,
        ExitStatus::Usage
        | ExitStatus::Denied
        | ExitStatus::Refused
        | ExitStatus::Server
        | ExitStatus::Account
        | ExitStatus::Locked
        | ExitStatus::Interrupted => {
            if posted {
                ExitStatus::Partial
            } else {
                worst
            }
        }
    }
}

/// How grave a status is beside others.
fn gravity(status: ExitStatus) -> u8 {
    match status {
        ExitStatus::Done => 0,
        ExitStatus::Differences => 1,
        ExitStatus::Locked => 2,
        ExitStatus::Interrupted => 3,
        ExitStatus::Usage => 4,
        ExitStatus::Denied => 5,
        ExitStatus::Refused => 6,
        ExitStatus::Server => 7,
        ExitStatus::Account => 8,
        ExitStatus::Partial => 9,
        ExitStatus::Bug => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_as_its_gravest_step() {
        use ExitStatus::{Bug, Denied, Differences, Done, Partial, Server, Usage};
        for (steps, posted, status) in [
            (&[][..], false, Done),
            (&[Done, Done], true, Done),
            (&[Done, Differences, Done], false, Differences),
            (&[Done, Differences], true, Differences),
            (&[Differences, Denied], false, Denied),
            (&[Done, Server], false, Server),
            (&[Done, Server], true, Partial),
            (&[Done, Usage], true, Partial),
            (&[Partial, Usage], true, Partial),
            (&[Partial, Bug], true, Bug),
        ] {
            assert_eq!(gravest(steps.iter().copied(), posted), status, "{steps:?} {posted}");
        }
        let mut ranks = ExitStatus::ALL.map(gravity);
        ranks.sort_unstable();
        assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "no two are as grave");
    }
}
