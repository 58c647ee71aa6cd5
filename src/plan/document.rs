//! The plan as a value and as a file.
//!
//! A plan names everything that it depends on, so that it cannot be applied to another server, with
//! another account or in another month. Its file is JSON with a header (when, by which run and which
//! version it was made) and a body (everything else): the same inputs and the same server state give
//! the same body. The digest is taken over the canonical text of both, as they stand in the file. It
//! detects damage and careless edits; it is no signature.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::domain::{
    Amount, BillingPeriod, BillingType, ComponentType, CustomerId, Destination, Digest, OfferingId,
    PlanPeriodId, ResourceId, Role, RunId, SandboxWorld, UsageId, UserId, canonical_json, line_price,
    visible,
};
use crate::findings::RowCounts;
use crate::resolve::{Capabilities, Component, NO_FILE, PlanPeriod, Rounding};

use super::change::{Change, Figures, Wanted};
use super::input_layout::{InputLayout, MadeWith};
use super::month_state::MonthState;
use super::people::PersonLine;
use super::stored::StoredUsage;

/// The version of the file format.
pub const FORMAT: u32 = 3;

/// The making of a plan: what differs between two plans of the same inputs and server state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The run that made it.
    pub run: RunId,
    /// The server's clock when its state was read.
    pub at: Timestamp,
    /// The version of the program.
    pub tool_version: String,
}

/// A file that the plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as it was given.
    pub name: String,
    /// The sheet, in a workbook.
    pub sheet: Option<String>,
    /// The SHA-256 of its content.
    pub sha256: String,
    /// How its table was read; `None` where none was found.
    pub layout: Option<InputLayout>,
}

/// A row of one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceRow {
    /// Which of the files, counted from 0.
    pub input: u32,
    /// The row of the sheet, or the line of the file.
    pub row: u32,
    /// The column of the amount, counted from 1.
    pub column: u32,
}

/// Who reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    /// The account whose token is used.
    pub id: UserId,
    /// What it is to the offerings of the plan.
    pub role: Role,
}

/// What a plan depends on, and fits to nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The server's address.
    pub server: String,
    /// The world of the sandbox that answered there; `None` for a real server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxWorld>,
    /// The account whose token was used.
    pub account: Reporter,
    /// The month.
    pub period: BillingPeriod,
    /// The month that the server booked into when the plan was made.
    pub current_period: BillingPeriod,
    /// The files.
    pub inputs: Vec<InputFile>,
    /// The alias file and the layout of one's own that they were read by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_with: Vec<MadeWith>,
    /// What became of their rows.
    pub rows: RowCounts,
    /// How many rows were left out by `--skip-faulty`.
    #[serde(default)]
    pub rows_left_out: usize,
    /// What `--round` did to the amounts of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// What was chosen of the server besides the offerings.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub scope: Scope,
    /// What the server is taken to be able to do, and how that is known.
    pub capabilities: Capabilities,
}

/// The projects and organisations that a plan was narrowed to, as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The projects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
    /// The organisations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customers: Vec<String>,
}

impl Scope {
    fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl Header {
    /// Where the plan goes, and nowhere else.
    pub fn destination(&self) -> Destination {
        Destination { server: self.server.clone(), sandbox: self.sandbox.clone() }
    }

    /// Whether the month was over when the plan was made.
    pub fn is_past(&self) -> bool {
        self.period < self.current_period
    }
}

/// One usage of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Line {
    /// The component.
    pub component: ComponentType,
    /// Its unit.
    pub unit: String,
    /// How it is billed.
    pub billing_type: BillingType,
    /// Whether an amount limit is set on it.
    pub has_limit: bool,
    /// What a unit costs under the resource's plan, where usage of it is billed.
    #[serde(default)]
    pub unit_price: Option<Amount>,
    /// What happens to it.
    #[serde(flatten)]
    pub change: Change,
    /// The stored row; `None` where none is, or where it does not matter.
    #[serde(default)]
    pub row: Option<UsageId>,
    /// The plan period that the row stands under, or will, as far as it was asked for.
    #[serde(default)]
    pub plan_period: Option<PlanPeriodId>,
    /// Whether the request names that plan period instead of the resource.
    #[serde(default)]
    pub by_plan_period: bool,
    /// The sum of the other stored rows of its key, which its post leaves as they are.
    #[serde(default)]
    pub frozen: Option<Amount>,
    /// What the month is to it.
    #[serde(default)]
    pub month: MonthState,
    /// What is known of the invoice, where the line can only be settled there.
    #[serde(default)]
    pub invoice: Option<String>,
    /// What is particular about it.
    #[serde(default)]
    pub note: Option<String>,
    /// Why it is not sent although its month is not closed: the server would refuse it.
    #[serde(default)]
    pub withheld: Option<String>,
    /// The cell that the amount comes from.
    #[serde(default)]
    pub place: Option<String>,
    /// The row of it.
    #[serde(default)]
    pub source: Option<SourceRow>,
}

/// A line as it is written: with the reason of its action, which follows from it.
#[derive(Serialize)]
struct WrittenLine<'a> {
    component: &'a ComponentType,
    unit: &'a str,
    billing_type: &'a BillingType,
    has_limit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_price: Option<Amount>,
    #[serde(flatten)]
    change: &'a Change,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<UsageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_period: Option<PlanPeriodId>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    by_plan_period: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<Amount>,
    #[serde(skip_serializing_if = "MonthState::is_open")]
    month: MonthState,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceRow>,
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = WrittenLine {
            component: &self.component,
            unit: &self.unit,
            billing_type: &self.billing_type,
            has_limit: self.has_limit,
            unit_price: self.unit_price,
            change: &self.change,
            reason: self.change.reason(),
            row: self.row,
            plan_period: self.plan_period,
            by_plan_period: self.by_plan_period,
            frozen: self.frozen,
            month: self.month,
            invoice: self.invoice.as_deref(),
            note: self.note.as_deref(),
            withheld: self.withheld.as_deref(),
            place: self.place.as_deref(),
            source: self.source,
        };
        written.serialize(serializer)
    }
}

impl Line {
    /// A stored row that the plan does not speak of.
    pub fn only_on_server(row: &StoredUsage, known: Option<&Component>, periods: &[PlanPeriod]) -> Self {
        Self {
            component: row.component.clone(),
            unit: known.map(|known| known.measured_unit.clone()).unwrap_or_default(),
            billing_type: known
                .map_or(BillingType::Other("unknown".into()), |known| known.billing_type.clone()),
            has_limit: known.is_none_or(|known| known.has_limit),
            unit_price: None,
            change: Change::OnlyOnServer { old: row.into() },
            row: Some(row.id),
            plan_period: periods
                .iter()
                .find(|period| period.usages.contains(&row.id))
                .map(|period| period.id),
            by_plan_period: false,
            frozen: None,
            month: MonthState::Open,
            invoice: None,
            note: None,
            withheld: None,
            place: None,
            source: None,
        }
    }

    /// Whether no file names it, and a zero was filled in.
    pub fn is_filled_in(&self) -> bool {
        self.place.as_deref() == Some(NO_FILE)
    }

    /// What is to be posted of it, where something is.
    pub fn posted(&self) -> Option<&Wanted> {
        self.change.wanted().filter(|_| self.month.takes_posts() && self.withheld.is_none())
    }

    /// What would have to change and cannot be posted, because its month is closed or the server would
    /// refuse it.
    pub fn correction(&self) -> Option<&Wanted> {
        self.change.wanted().filter(|_| self.posted().is_none())
    }

    /// Why it cannot be posted, where it has to change.
    pub fn obstacle(&self) -> Option<&str> {
        self.correction().map(|_| self.withheld.as_deref().unwrap_or("the month is closed"))
    }

    /// What an amount of it costs, rounded up to the cent as an invoice does; `None` where usage of
    /// it is not billed, or the price is not known.
    pub fn price(&self, amount: Amount) -> Option<Amount> {
        line_price(amount, self.unit_price?)
    }
}

/// A stored usage that is posted again unchanged, so that the server does not forget it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The component.
    pub component: ComponentType,
    /// The stored row.
    pub row: UsageId,
    /// The plan period whose request it rides in; `None` where that names the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_period: Option<PlanPeriodId>,
    /// What is stored.
    #[serde(flatten)]
    pub figures: Figures,
}

/// All lines of one resource; what is posted of them goes in one request for each plan period.
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
    /// The organisation.
    pub customer: CustomerId,
    /// The organisation's name.
    pub customer_name: String,
    /// The plan periods with a share of the month, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_periods: Vec<PlanPeriod>,
    /// The lines, by component.
    pub lines: Vec<Line>,
    /// What rides along; never counted as a change.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub kept: Vec<Kept>,
    /// The usage of its users, by component and name; sent after the totals that it is a part of.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub people: Vec<PersonLine>,
}

impl ResourcePlan {
    /// Whether anything is to be posted.
    pub fn has_changes(&self) -> bool {
        self.lines.iter().any(|line| line.posted().is_some()) || self.posted_people().next().is_some()
    }

    /// Whether anything of it stands in the files, changed or not.
    pub fn is_named(&self) -> bool {
        self.has_changes() || self.lines.iter().any(|line| line.source.is_some()) || !self.people.is_empty()
    }

    /// The order in which people look for it.
    pub(super) fn order(&self) -> (&str, &str, &str, ResourceId) {
        (&self.customer_name, &self.project_name, &self.name, self.resource)
    }
}

/// A plan: what was wanted, what is stored, and what will be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How it was made.
    pub made: Made,
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

impl Plan {
    /// The SHA-256 over header and body.
    pub fn digest(&self) -> String {
        let mut digest = Digest::default();
        digest.add("{\"body\":");
        self.add_body(&mut digest);
        digest.add(format!(",\"format\":{FORMAT},\"header\":{}}}", canonical(&self.made)));
        digest.finish()
    }

    /// The SHA-256 over the body alone, which is the same for the same inputs and server state.
    pub fn body_digest(&self) -> String {
        let mut digest = Digest::default();
        self.add_body(&mut digest);
        digest.finish()
    }

    fn add_body(&self, digest: &mut Digest) {
        add_body(digest, &canonical(&self.header), self.resources.iter().map(canonical));
    }

    /// The content of its file.
    fn content(&self, digest: Option<String>) -> PlanFile<'_> {
        let body = PlanBody { binding: &self.header, resources: &self.resources };
        PlanFile { format: FORMAT, header: &self.made, body, digest }
    }

    /// The plan as its file has it, with its digest.
    pub fn file(&self) -> PlanFile<'_> {
        self.content(Some(self.digest()))
    }

    /// Reads a plan from a file's content.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PlanError> {
        let not_a_plan = |error| PlanError::NotAPlan(Some(error));
        let head: ReadHead = serde_json::from_slice(bytes).map_err(|error| {
            if begins_like_a_plan(bytes) { PlanError::Damaged } else { not_a_plan(error) }
        })?;
        if head.format != FORMAT {
            return Err(PlanError::NotAPlan(None));
        }
        let file: ReadFile<'_> = serde_json::from_slice(bytes).map_err(|_| PlanError::Damaged)?;
        // What stands in the file is what the digest is of, fields that nobody reads among it.
        let mut digest = Digest::default();
        digest.add("{\"body\":");
        let resources = file.body.resources.iter();
        add_body(&mut digest, &canonical_of(file.body.binding), resources.map(|raw| canonical_of(raw)));
        digest.add(format!(",\"format\":{FORMAT},\"header\":{}}}", canonical_of(file.header)));
        if digest.finish() != file.digest {
            return Err(PlanError::Damaged);
        }
        let damaged = |_| PlanError::Damaged;
        let made = serde_json::from_str(file.header.get()).map_err(damaged)?;
        let header = serde_json::from_str(file.body.binding.get()).map_err(damaged)?;
        let resources = file.body.resources.into_iter().map(|raw| serde_json::from_str(raw.get()));
        let resources = resources.collect::<Result<_, _>>().map_err(damaged)?;
        Ok(Self { made, header, resources })
    }

    /// The cell that a line's amount comes from; its file goes without saying where there is only one.
    pub fn cell<'a>(&self, line: &'a Line) -> &'a str {
        self.cell_of(line.place.as_deref())
    }

    /// The same of a place.
    pub fn cell_of<'a>(&self, place: Option<&'a str>) -> &'a str {
        let place = place.unwrap_or_default();
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

    /// How many rows of the files it does not post although they say something else than what is
    /// stored: those that were left out, and those of a closed month.
    pub fn rows_not_posted(&self) -> usize {
        self.header.rows_left_out + self.rows_closed()
    }

    /// How many rows differ and cannot be posted, because their month is closed.
    pub fn rows_closed(&self) -> usize {
        self.corrections().count() + self.people_corrections().count()
    }

    /// What differs and cannot be posted, because its month is closed.
    pub fn corrections(&self) -> impl Iterator<Item = (&ResourcePlan, &Line)> {
        let lines = self
            .resources
            .iter()
            .flat_map(|resource| resource.lines.iter().map(move |line| (resource, line)));
        lines.filter(|(_, line)| line.correction().is_some())
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.content(None).serialize(serializer)
    }
}

/// A plan's file.
#[derive(Serialize)]
pub struct PlanFile<'a> {
    format: u32,
    header: &'a Made,
    body: PlanBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

/// What is the same for the same inputs and server state.
#[derive(Serialize)]
struct PlanBody<'a> {
    binding: &'a Header,
    resources: &'a [ResourcePlan],
}

impl PlanFile<'_> {
    /// The digest that stands in it.
    pub fn digest(&self) -> &str {
        self.digest.as_deref().unwrap_or_default()
    }
}

/// What tells a plan of this format from other files.
#[derive(Deserialize)]
struct ReadHead {
    format: u32,
}

/// A plan's file as it was written, its parts still unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFile<'a> {
    #[serde(rename = "format")]
    _format: u32,
    #[serde(borrow)]
    header: &'a RawValue,
    #[serde(borrow)]
    body: ReadBody<'a>,
    digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadBody<'a> {
    #[serde(borrow)]
    binding: &'a RawValue,
    #[serde(borrow)]
    resources: Vec<&'a RawValue>,
}

/// Whether a content that is no JSON begins as our writer begins a plan of this format.
fn begins_like_a_plan(bytes: &[u8]) -> bool {
    let start = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    start.take(32).collect::<Vec<u8>>().starts_with(format!("{{\"format\":{FORMAT},").as_bytes())
}

/// Adds the canonical JSON of a body, one resource at a time: a plan can be of many thousands, and the
/// whole of it as a value takes many times the memory of the plan.
fn add_body(digest: &mut Digest, binding: &str, resources: impl Iterator<Item = String>) {
    digest.add(format!("{{\"binding\":{binding},\"resources\":["));
    for (number, resource) in resources.enumerate() {
        digest.add(if number == 0 { "" } else { "," });
        digest.add(resource);
    }
    digest.add("]}");
}

/// The canonical JSON of what stands in a file.
fn canonical_of(raw: &RawValue) -> String {
    serde_json::from_str::<Value>(raw.get()).map(|value| canonical(&value)).unwrap_or_default()
}

fn canonical(value: &impl Serialize) -> String {
    // Writing to memory cannot fail; an empty text would only make the digest differ.
    canonical_json(value).unwrap_or_default()
}
