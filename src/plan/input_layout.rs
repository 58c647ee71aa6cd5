//! How the table of a file was read, as a plan remembers it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the table of a file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputLayout {
    /// The name of its layout; a plan of an earlier version has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The row or line of its header.
    pub header_row: u32,
    /// The field that each header stands for, `component` for a column of amounts.
    pub columns: BTreeMap<String, String>,
    /// What was added up and what was left out of a table of another system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The figures that are the sum of several rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sums: Vec<SummedRows>,
}

/// A file beside those of usage that a plan was made with: what it says changes what is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWith {
    /// What it is.
    pub kind: MadeWithKind,
    /// The path as it was given.
    pub name: String,
    /// The SHA-256 of its content.
    pub sha256: String,
}

/// What such a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MadeWithKind {
    /// Other names of resources, and factors between units.
    Aliases,
    /// A layout of the user's own.
    Layout,
}

impl std::fmt::Display for MadeWithKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Aliases => "aliases",
            Self::Layout => "layout",
        })
    }
}

/// A figure that is the sum of several rows, by the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummedRows {
    /// The row of the sheet, or the line of the file.
    pub row: u32,
    /// The column of the quantity, counted from 1.
    pub column: u32,
    /// What was counted.
    pub metric: String,
    /// How many rows were added up.
    pub rows: u32,
}

impl InputLayout {
    /// Whether the rows of the table are figures as they stand, and none is the sum of several.
    pub fn is_of_ours(&self) -> bool {
        matches!(self.name.as_deref(), None | Some("waldur-long" | "waldur-wide"))
    }
}
