//! The plan as a value and as a file.
//!
//! A plan names everything that it depends on, so that it cannot be applied to another server, with
//! another account or in another month. The digest over its content detects damage and careless
//! edits; it is no signature.

use crate::domain::{
    BillingPeriod, BillingType, ComponentType, Destination, OfferingId, ResourceId, SandboxWorld, UserId,
    sha256, visible,
};
use crate::findings::RowCounts;
use crate::resolve::Capabilities;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::{Change, Figures};

/// The version of the file format.
pub const FORMAT: u32 = 1;

/// A file that the plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as it was given.
    pub name: String,
    /// The sheet, in a workbook.
    pub sheet: Option<String>,
    /// The SHA-256 of its content.
    pub sha256: String,
}

/// What a plan depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the program that made it.
    pub tool_version: String,
    /// The server's clock when its state was read.
    pub read_at: Timestamp,
    /// The server's address.
    pub server: String,
    /// The world of the sandbox that answered there; `None` for a real server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxWorld>,
    /// The account whose token was used.
    pub account: UserId,
    /// The month.
    pub period: BillingPeriod,
    /// The files.
    pub inputs: Vec<InputFile>,
    /// What became of their rows.
    pub rows: RowCounts,
    /// How many rows were left out by `--skip-faulty`.
    #[serde(default)]
    pub rows_left_out: usize,
    /// What the server is taken to be able to do, and how that is known.
    pub capabilities: Capabilities,
}

impl Header {
    /// Where the plan goes, and nowhere else.
    pub fn destination(&self) -> Destination {
        Destination { server: self.server.clone(), sandbox: self.sandbox.clone() }
    }
}

/// One usage of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The component.
    pub component: ComponentType,
    /// Its unit.
    pub unit: String,
    /// How it is billed.
    pub billing_type: BillingType,
    /// Whether an amount limit is set on it.
    pub has_limit: bool,
    /// What happens to it.
    #[serde(flatten)]
    pub change: Change,
    /// The cell that the amount comes from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<String>,
}

/// A stored usage that is posted again unchanged, so that the server does not forget it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The component.
    pub component: ComponentType,
    /// What is stored.
    #[serde(flatten)]
    pub figures: Figures,
}

/// All lines of one resource; what is posted of them goes in one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePlan {
    /// The resource.
    pub resource: ResourceId,
    /// Its name.
    pub name: String,
    /// Its offering.
    pub offering: OfferingId,
    /// The offering's name.
    pub offering_name: String,
    /// The project's name.
    pub project_name: String,
    /// The organisation's name.
    pub customer_name: String,
    /// The lines, by component.
    pub lines: Vec<Line>,
    /// What rides along; never counted as a change.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub kept: Vec<Kept>,
}

impl ResourcePlan {
    /// Whether anything is to be posted.
    pub fn has_changes(&self) -> bool {
        self.lines.iter().any(|line| line.change.wanted().is_some())
    }

    /// The order in which people look for it.
    pub(super) fn order(&self) -> (&str, &str, &str, ResourceId) {
        (&self.customer_name, &self.project_name, &self.name, self.resource)
    }
}

/// A plan: what was wanted, what is stored, and what will be posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it depends on.
    pub header: Header,
    /// Its resources.
    pub resources: Vec<ResourcePlan>,
}

/// Why a file is not a plan that can be applied.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not a plan, or one of another format.
    #[error("the file is not a plan of format {FORMAT}")]
    NotAPlan(#[source] Option<serde_json::Error>),
    /// It was changed after it was made.
    #[error("the plan was damaged or edited after it was made")]
    Damaged,
}

/// The plan as it stands in a file.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format: u32,
    digest: String,
    plan: Plan,
}

impl Plan {
    /// The SHA-256 over the content.
    pub fn digest(&self) -> String {
        // Serializing to memory cannot fail; an empty text would only make the digest differ.
        let text = serde_json::to_string(self).unwrap_or_default();
        sha256(text.as_bytes())
    }

    /// Writes the plan as a file.
    pub fn to_json(&self) -> String {
        let envelope = Envelope { format: FORMAT, digest: self.digest(), plan: self.clone() };
        let mut text = serde_json::to_string_pretty(&envelope).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads a plan from a file's content.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PlanError> {
        let envelope: Envelope =
            serde_json::from_slice(bytes).map_err(|error| PlanError::NotAPlan(Some(error)))?;
        if envelope.format != FORMAT {
            return Err(PlanError::NotAPlan(None));
        }
        if envelope.plan.digest() != envelope.digest {
            return Err(PlanError::Damaged);
        }
        Ok(envelope.plan)
    }

    /// The cell that a line's amount comes from; its file goes without saying where there is only one.
    pub fn cell<'a>(&self, line: &'a Line) -> &'a str {
        let place = line.place.as_deref().unwrap_or_default();
        match self.header.inputs.as_slice() {
            [only] => {
                let file = visible(&only.name).to_string();
                place.strip_prefix(&file).unwrap_or(place).trim_start()
            }
            _ => place,
        }
    }

    /// The resources with something to post.
    pub fn changed(&self) -> impl Iterator<Item = &ResourcePlan> {
        self.resources.iter().filter(|resource| resource.has_changes())
    }
}
