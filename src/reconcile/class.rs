//! The closed list of what can be between a file, the server and an invoice, with stable names.
//!
//! Each key has exactly one primary class; what else is true of it stands beside it. Users write the
//! names into scripts and rules, so a name is never changed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

macro_rules! classes {
    ($($variant:ident $name:literal $title:literal $who:ident $next:literal;)*) => {
        /// How the sides of a key stand to each other.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub enum Class {
            $(#[doc = concat!("`", $name, "`: ", $title, ".")] $variant,)*
        }

        impl Class {
            /// Every class there is, those that need no work first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, in kebab case.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One line that says what it means.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Who must act.
            pub fn who(self) -> Who {
                match self { $(Self::$variant => Who::$who,)* }
            }

            /// What to do next; nothing where nothing is to be done.
            pub fn next_step(self) -> &'static str {
                match self { $(Self::$variant => $next,)* }
            }
        }
    };
}

classes! {
    Match "match" "the sides agree" Nobody "";
    WithinTolerance "within-tolerance" "the sides differ by no more than a rule allows" Nobody "";
    Ignored "ignored" "a rule says to leave it alone" Nobody "look at it again when the rule ends";
    Amount "amount" "the amounts differ" Provider "find out which amount is right, then correct the file or post the total anew";
    MissingOnServer "missing-on-server" "the file has an amount and the server has none" Provider "post it with plan and apply, or strike it from the statement";
    MissingInFile "missing-in-file" "the server has an amount and the file has none" Provider "ask the provider for it, or take it back on the server";
    LeftOut "left-out" "the row of the file could not be read and was left out" Provider "mend the cell, and compare again";
    DuplicateInFile "duplicate-in-file" "several rows of the file speak of one usage" Provider "leave one row, or add them up, and send the file again";
    SeveralRows "several-rows" "the server has several rows of the month, as after a switch of plans, and the file has one of them" Finance "compare with the sum of the rows, each of which has its own price";
    WrongPeriod "wrong-period" "the amount stands in the month before or after" Provider "correct the month in the file, or move the usage on the server";
    WrongUnit "wrong-unit" "one amount is the other in another unit" Provider "agree on the unit of the component, then correct the side that is wrong";
    Sign "sign" "one amount is the other with the opposite sign, or below zero" Provider "state usage as a total of the month, and credits apart from it";
    TransposedDigits "transposed-digits" "two digits that stand side by side are exchanged" Provider "compare with the source, then correct the side that is wrong";
    UnknownResource "unknown-resource" "the file names a resource that this account does not see" Finance "correct the name, or ask whose resource it is";
    UnknownComponent "unknown-component" "the file names a component that the offering does not have" Provider "correct the name of the component, or have it added to the offering";
    NotReportable "not-reportable" "the file has usage that the server cannot take, because of the state of the resource or the way the component is billed" Finance "settle it on the invoice, or strike it from the statement";
    AmbiguousName "ambiguous-name" "the name in the file fits several resources" Provider "name the resource by its uuid";
    CarriedOver "carried-over" "the server repeats the amount of last month, because nobody reported" Provider "report the amount of this month";
    NotBilled "not-billed" "the server has the usage and no invoice bills it" Operator "have the month billed again, or settle it on the next invoice";
    NotVisible "not-visible" "this account does not see what it would take to tell" Finance "ask somebody who sees the resource and its invoice";
    Price "price" "the quantities agree and the prices do not" Finance "compare what the note names with the contract: the price, its rounding, the invoice or who pays";
    ConvertedByServer "converted-by-server" "the invoice has the usage in another unit, as the server converts it" Nobody "";
    Billed "billed" "the invoice bills another quantity than the server has" Operator "have the month billed again: the usage changed after the invoice, or a line is on it twice";
}

/// Who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// Nothing is to be done.
    Nobody,
    /// Who reports usage.
    Provider,
    /// Who signs the month off.
    Finance,
    /// Who runs the server.
    Operator,
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Nobody => "nobody",
            Self::Provider => "provider",
            Self::Finance => "finance",
            Self::Operator => "operator",
        })
    }
}

impl Class {
    fn bit(self) -> u32 {
        Self::ALL.iter().zip(0..).find(|(class, _)| **class == self).map_or(0, |(_, at)| 1 << at)
    }

    /// Whether the figure of the file can be planned, so that the server has it in the end: not where
    /// it is in doubt what the file speaks of, or whether it is the right figure in another writing.
    pub fn can_be_planned(self) -> bool {
        match self {
            Self::WithinTolerance
            | Self::Amount
            | Self::MissingOnServer
            | Self::SeveralRows
            | Self::TransposedDigits
            | Self::WrongPeriod => true,
            Self::Match
            | Self::Ignored
            | Self::MissingInFile
            | Self::LeftOut
            | Self::DuplicateInFile
            | Self::WrongUnit
            | Self::Sign
            | Self::UnknownResource
            | Self::UnknownComponent
            | Self::NotReportable
            | Self::AmbiguousName
            | Self::CarriedOver
            | Self::NotBilled
            | Self::NotVisible
            | Self::Price
            | Self::ConvertedByServer
            | Self::Billed => false,
        }
    }

    /// Whether somebody has to look at it.
    pub fn is_break(self) -> bool {
        !matches!(self, Self::Match | Self::WithinTolerance | Self::Ignored | Self::ConvertedByServer)
    }
}

/// A text is the name of no class.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a class of differences")]
pub struct ClassError;

impl FromStr for Class {
    type Err = ClassError;

    fn from_str(text: &str) -> Result<Self, ClassError> {
        Self::ALL.iter().copied().find(|class| class.name() == text).ok_or(ClassError)
    }
}

impl TryFrom<String> for Class {
    type Error = ClassError;

    fn try_from(text: String) -> Result<Self, ClassError> {
        text.parse()
    }
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A set of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Classes(u32);

impl Classes {
    /// Takes a class in.
    pub fn add(&mut self, class: Class) {
        self.0 |= class.bit();
    }

    /// Takes a class out.
    pub fn remove(&mut self, class: Class) {
        self.0 &= !class.bit();
    }

    /// Whether a class is in it.
    pub fn has(self, class: Class) -> bool {
        self.0 & class.bit() != 0
    }

    /// Whether none is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The classes in it, in the order of [`Class::ALL`].
    pub fn list(self) -> impl Iterator<Item = Class> {
        Class::ALL.iter().copied().filter(move |class| self.has(*class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        let mut all = Classes::default();
        for class in Class::ALL {
            assert_eq!(class.name().parse(), Ok(*class));
            assert!(!all.has(*class), "{class}");
            all.add(*class);
        }
        assert_eq!(all.list().collect::<Vec<_>>(), Class::ALL);
        all.remove(Class::Sign);
        assert!(!all.has(Class::Sign) && all.has(Class::Amount));
    }

    /// `WALDUR_USAGE_WRITE_SAMPLES=1 cargo test --lib reconcile::class` writes them again.
    #[test]
    fn the_page_has_every_class() {
        use std::fmt::Write;

        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reconcile.md");
        let stored = std::fs::read_to_string(path).unwrap();
        let mut table =
            String::from("| class | what it means | who acts | what to do |\n|---|---|---|---|\n");
        for class in Class::ALL {
            let (title, who, next) = (class.title(), class.who(), class.next_step());
            let _ = writeln!(table, "| `{class}` | {title} | {who} | {next} |");
        }
        let (head, rest) = stored.split_once("reconcile::class`. -->\n").unwrap();
        let (_, tail) = rest.split_once("<!-- end of the classes -->").unwrap();
        let right = format!("{head}reconcile::class`. -->\n\n{table}\n<!-- end of the classes -->{tail}");
        if std::env::var_os("WALDUR_USAGE_WRITE_SAMPLES").is_some() {
            std::fs::write(path, &right).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap() == right,
            "docs/reconcile.md lacks what class.rs says"
        );
    }

    #[test]
    fn what_needs_work_says_who_and_what() {
        for class in Class::ALL.iter().filter(|class| class.is_break()) {
            assert!(class.who() != Who::Nobody && !class.next_step().is_empty(), "{class}");
        }
    }
}
