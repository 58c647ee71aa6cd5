//! What a run leaves for the person who started it: what is stored, what was rejected, what was not
//! sent and what has to be settled on the invoice, each in the layout of their own file.
//!
//! The loop is: mend `failed.xlsx`, and run it again. So no row stands there whose value is on the
//! server; in the wide form the cells of such values are left blank. Of which nobody knows it, those
//! have a file of their own. Nothing is overwritten.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::domain::{RunId, file_stem, sha256, visible};
use crate::error::Error;
use crate::parse::{CellKind, RawRows};
use crate::plan::{InputFile, Outcome, Plan, SourceRow};
use crate::report::{ReportError, write_corrections, write_table};
use crate::source::{Input, copy_rows};

use super::apply::LineOutcome;

/// Where the files go.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
}

/// Which file a row goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Applied,
    Failed,
    Unknown,
    NotSent,
}

impl Kind {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Posted | Outcome::AlreadyThere | Outcome::Kept => Self::Applied,
            Outcome::Rejected { .. } | Outcome::Differs { .. } => Self::Failed,
            Outcome::Unknown { .. } => Self::Unknown,
            Outcome::Stale { .. } | Outcome::NotSent { .. } => Self::NotSent,
        }
    }

    fn stem(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotSent => "not-sent",
        }
    }

    fn headers(self) -> &'static [&'static str] {
        match self {
            Self::Applied => &["stored value", "usage uuid", "time"],
            Self::Failed | Self::Unknown | Self::NotSent => &["outcome"],
        }
    }
}

/// What became of the cells of an input, in the order of its rows and columns.
type Cells<'a> = Vec<(SourceRow, &'a LineOutcome)>;

impl Results {
    /// A folder that was named, or a new one beside the input.
    pub fn new(given: Option<&Path>, beside: &Path, run: RunId) -> Self {
        if let Some(folder) = given {
            return Self { folder: folder.to_owned() };
        }
        // Standard input and patterns are no names of folders.
        let has_wildcards = |path: &Path| path.to_string_lossy().contains(['*', '?', '[']);
        let beside = beside.ancestors().find(|path| !has_wildcards(path)).unwrap_or(beside);
        let stem = file_stem(&beside.file_stem().unwrap_or_default().to_string_lossy());
        let short: String = run.to_string().chars().take(8).collect();
        Self { folder: beside.with_file_name(format!("{stem}-results-{short}")) }
    }

    /// Writes the corrections of a plan, where it has any.
    pub fn corrections(&self, plan: &Plan) -> Result<Option<PathBuf>, Error> {
        if plan.rows_closed() == 0 {
            return Ok(None);
        }
        let path = self.free("corrections")?;
        write_corrections(&path, plan)?;
        Ok(Some(path))
    }

    /// Writes what became of the rows; the files, where there are any.
    pub fn outcomes(
        &self,
        plan: &Plan,
        inputs: &[Input],
        lines: &[LineOutcome],
        at: Timestamp,
    ) -> Result<Vec<PathBuf>, Error> {
        let mut written = Vec::new();
        for ((kind, number), cells) in sorted(lines) {
            let number = usize::try_from(number).ok();
            let Some(file) = number.and_then(|number| plan.header.inputs.get(number)) else { continue };
            let known =
                inputs.iter().find(|input| input.name() == file.name && input.digest() == file.sha256);
            let table = known.and_then(|input| as_it_stood(input, file, &cells, kind, at));
            let table = table.unwrap_or_else(|| as_long_form(plan, &cells, kind, at));
            let stem = if plan.header.inputs.len() == 1 {
                kind.stem().to_owned()
            } else {
                format!("{}-{}", kind.stem(), slug(&file.name))
            };
            let path = self.free(&stem)?;
            write_table(&path, file.sheet.as_deref().unwrap_or("Usage"), &table)?;
            written.push(path);
        }
        Ok(written)
    }

    /// A name in the folder that is free; the folder is made where it is not there.
    fn free(&self, stem: &str) -> Result<PathBuf, Error> {
        let unwritable = |source| ReportError::Unwritable { path: self.folder.clone(), source };
        std::fs::create_dir_all(&self.folder).map_err(unwritable)?;
        let names = (1..10_000).map(|number| match number {
            1 => self.folder.join(format!("{stem}.xlsx")),
            number => self.folder.join(format!("{stem}-{number}.xlsx")),
        });
        let free = names.into_iter().find(|path| !path.exists());
        free.ok_or_else(|| unwritable(std::io::ErrorKind::AlreadyExists.into()).into())
    }
}

/// A name of ours for a file of the user's.
fn slug(name: &str) -> String {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let slug: String = stem
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    let slug = slug.trim_matches('-').to_owned();
    if slug.is_empty() { sha256(name.as_bytes()).chars().take(8).collect() } else { slug }
}

/// The cells by the file they go to and the input they come from. What rode along comes from no cell.
fn sorted(lines: &[LineOutcome]) -> BTreeMap<(Kind, u32), Cells<'_>> {
    let mut sorted: BTreeMap<(Kind, u32), Cells<'_>> = BTreeMap::new();
    for line in lines {
        let Some(source) = line.source else { continue };
        sorted.entry((Kind::of(&line.outcome), source.input)).or_default().push((source, line));
    }
    for cells in sorted.values_mut() {
        cells.sort_by_key(|(source, _)| (source.row, source.column));
    }
    sorted
}

/// The rows as they stand in the input, with what became of them at the end.
fn as_it_stood(
    input: &Input,
    file: &InputFile,
    cells: &Cells<'_>,
    kind: Kind,
    at: Timestamp,
) -> Option<RawRows> {
    let numbers: BTreeSet<u32> = cells.iter().map(|(source, _)| source.row).collect();
    // A row that was added up with others would be another figure where it is run alone.
    let layout = file.layout.as_ref().filter(|layout| layout.is_of_ours())?;
    let header_row = layout.header_row;
    let mut table = copy_rows(input, file.sheet.as_deref(), header_row, &numbers).ok()?;
    if table.rows.len() != numbers.len() + 1 {
        return None;
    }
    let amounts = amount_columns(file, &table, cells);
    let width = table.rows.iter().map(Vec::len).max()?;
    for row in &mut table.rows {
        row.resize(width, (String::new(), CellKind::Blank));
    }
    table.rows[0].extend(kind.headers().iter().map(|header| text(header)));
    let by_row = cells.chunk_by(|(left, _), (right, _)| left.row == right.row);
    for (row, cells) in table.rows.iter_mut().skip(1).zip(by_row) {
        if kind != Kind::Applied {
            // What is stored, or stands in another file, is not reported again.
            let is_told = |column: u32| cells.iter().any(|(source, _)| source.column == column);
            for column in amounts.iter().filter(|column| !is_told(**column)) {
                if let Some(cell) = usize::try_from(*column).ok().and_then(|column| row.get_mut(column - 1)) {
                    *cell = (String::new(), CellKind::Blank);
                }
            }
        }
        row.extend(told(cells, kind, at));
    }
    Some(table)
}

/// The columns in which amounts stand: those that the layout calls components, and those of the rows.
fn amount_columns(file: &InputFile, table: &RawRows, cells: &Cells<'_>) -> BTreeSet<u32> {
    let is_component = |header: &str| {
        let layout = file.layout.as_ref();
        layout.is_some_and(|layout| layout.columns.get(header).is_some_and(|field| field == "component"))
    };
    let headers = (1_u32..).zip(table.rows.iter().take(1).flatten());
    let components = headers.filter(|(_, (header, _))| is_component(header)).map(|(column, _)| column);
    components.chain(cells.iter().map(|(source, _)| source.column)).collect()
}

fn text(text: &str) -> (String, CellKind) {
    (text.to_owned(), CellKind::Text)
}

/// What is said of the cells of a row.
fn told(cells: &[(SourceRow, &LineOutcome)], kind: Kind, at: Timestamp) -> Vec<(String, CellKind)> {
    let each = |say: &dyn Fn(&LineOutcome) -> String| match cells {
        [(_, only)] => say(only),
        several => {
            let parts: Vec<String> =
                several.iter().map(|(_, line)| format!("{} {}", line.component, say(line))).collect();
            parts.join("; ")
        }
    };
    match kind {
        Kind::Applied => vec![
            text(&each(&|line| line.planned.amount.to_string())),
            text(&each(&|line| line.row.map_or_else(String::new, |row| row.to_string()))),
            text(&at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ],
        Kind::Failed | Kind::Unknown | Kind::NotSent => vec![text(&each(&|line| line.outcome.to_string()))],
    }
}

/// The rows in the long form, where the input cannot be read any more as it was: what the file said, so
/// that it can be run like the file.
fn as_long_form(plan: &Plan, cells: &Cells<'_>, kind: Kind, at: Timestamp) -> RawRows {
    let columns = [
        "resource_uuid",
        "resource_name",
        "billing_period",
        "component_type",
        "amount",
        "description",
        "plan_period",
        "username",
    ];
    let headers = columns.iter().chain(kind.headers()).map(|header| text(header)).collect();
    let mut table = RawRows { delimiter: None, rows: vec![headers] };
    let resources: HashMap<_, _> = plan.resources.iter().map(|own| (own.resource, own)).collect();
    for cell @ (_, line) in cells {
        let own = resources.get(&line.resource);
        let planned = own.and_then(|own| own.lines.iter().find(|planned| planned.source == line.source));
        let frozen = planned.filter(|planned| !planned.by_plan_period).and_then(|planned| planned.frozen);
        let amount =
            line.planned.amount.checked_add(frozen.unwrap_or_default()).unwrap_or(line.planned.amount);
        let plan_period =
            planned.filter(|planned| planned.by_plan_period).and_then(|planned| planned.plan_period);
        let mut row = vec![
            text(&line.resource.to_string()),
            text(&line.name),
            text(&plan.header.period.to_string()),
            text(line.component.as_str()),
            (amount.to_string(), CellKind::Number),
            text(&line.planned.description),
            text(&plan_period.map_or_else(String::new, |id| id.to_string())),
            text(line.username.as_deref().unwrap_or_default()),
        ];
        row.extend(told(std::slice::from_ref(cell), kind, at));
        table.rows.push(row);
    }
    table
}

/// The inputs of a plan, as far as they are still what they were.
pub fn inputs_of(plan: &Plan) -> Vec<Input> {
    let read = plan.header.inputs.iter().filter_map(|file| Input::read(Path::new(&file.name)).ok());
    read.collect()
}

/// The files as they are told to people.
pub fn shown(files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|file| visible(&file.to_string_lossy()).to_string()).collect()
}
