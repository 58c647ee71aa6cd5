//! What happens to one usage.

use serde::{Deserialize, Serialize};

use crate::domain::{Amount, CarryOver, ReportableAmount};

use super::StoredUsage;

/// What is stored, or will be, of one usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The total of the month.
    pub amount: Amount,
    /// The note.
    pub description: String,
    /// What happens in later months.
    pub carry_over: CarryOver,
}

impl From<&StoredUsage> for Figures {
    fn from(stored: &StoredUsage) -> Self {
        Self { amount: stored.amount, description: stored.description.clone(), carry_over: stored.carry_over }
    }
}

/// What the user wants stored: like [`Figures`], with an amount that the server takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The total of the month.
    pub amount: ReportableAmount,
    /// The note; the stored one where the file is silent.
    pub description: String,
    /// What happens in later months; as stored where the file is silent.
    pub carry_over: CarryOver,
}

impl Wanted {
    /// The figures that will be stored.
    pub fn figures(&self) -> Figures {
        Figures {
            amount: self.amount.get(),
            description: self.description.clone(),
            carry_over: self.carry_over,
        }
    }
}

/// The change of one usage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Change {
    /// The month has no row yet.
    Create {
        /// What will be stored.
        new: Wanted,
    },
    /// The row differs.
    Update {
        /// What is stored.
        old: Figures,
        /// What will be stored.
        new: Wanted,
    },
    /// Amount, description and carry-over are as the file wants them.
    Same {
        /// What is stored.
        old: Figures,
    },
    /// The file does not speak of it.
    OnlyOnServer {
        /// What is stored.
        old: Figures,
    },
}

impl Change {
    /// Sets a wanted figure against the stored one.
    pub fn between(wanted: Wanted, stored: Option<Figures>) -> Self {
        match stored {
            None => Self::Create { new: wanted },
            Some(old) if old == wanted.figures() => Self::Same { old },
            Some(old) => Self::Update { old, new: wanted },
        }
    }

    /// What will be posted, where something is.
    pub fn wanted(&self) -> Option<&Wanted> {
        match self {
            Self::Create { new } | Self::Update { new, .. } => Some(new),
            Self::Same { .. } | Self::OnlyOnServer { .. } => None,
        }
    }

    /// What is stored, where something is.
    pub fn old(&self) -> Option<&Figures> {
        match self {
            Self::Create { .. } => None,
            Self::Update { old, .. } | Self::Same { old } | Self::OnlyOnServer { old } => Some(old),
        }
    }

    /// What is stored of it in the end, where something is.
    pub fn amount_after(&self) -> Option<Amount> {
        self.wanted().map(|new| new.amount.get()).or(self.old().map(|old| old.amount))
    }

    /// Why it is what it is.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Create { .. } => "no row is stored",
            Self::Same { .. } => "stored as the file wants it",
            Self::OnlyOnServer { .. } => "the file does not name it",
            Self::Update { old, new } => {
                let differs = (
                    old.amount != new.amount.get(),
                    old.description != new.description,
                    old.carry_over != new.carry_over,
                );
                match differs {
                    (true, false, false) => "the amount differs",
                    (true, true, false) => "amount and description differ",
                    (true, false, true) => "amount and carry-over differ",
                    (true, true, true) => "amount, description and carry-over differ",
                    (false, true, false) => "the description differs",
                    (false, false, true) => "the carry-over differs",
                    (false, true, true) => "description and carry-over differ",
                    (false, false, false) => "nothing differs",
                }
            }
        }
    }

    /// The word for it in plans and reports.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Same { .. } => "same",
            Self::OnlyOnServer { .. } => "only on server",
        }
    }
}
