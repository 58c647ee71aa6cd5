//! A layout for a table that none is known for, to be looked at by a person.
//!
//! Each role is given to the header that is most like one of its usual names. Where two headers are
//! equally like it, nothing is chosen; where none is, that is said. What is written is a beginning: which
//! component a quantity is of, and by which factor, only its reader knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::str::FromStr;

use crate::domain::{fold, likeness, visible};

use super::words::{may_be_quantity, words};

/// Likeness from which on a header is taken for a role.
const ALIKE: f64 = 0.88;
/// Names of metrics that are listed.
const MOST_METRICS: usize = 50;

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The uuid of the resource.
    Uuid,
    /// Its id in the provider's own system.
    BackendId,
    /// Its short name.
    Slug,
    /// Its display name.
    Name,
    /// The month.
    Month,
    /// When a record begins.
    Begin,
    /// When it ends.
    End,
    /// What it counts.
    Metric,
    /// How much.
    Quantity,
    /// In what unit.
    Unit,
}

impl Role {
    /// Every role, in the order in which they take their columns.
    pub const ALL: [Self; 10] = [
        Self::Uuid,
        Self::BackendId,
        Self::Slug,
        Self::Name,
        Self::Month,
        Self::Begin,
        Self::End,
        Self::Metric,
        Self::Quantity,
        Self::Unit,
    ];

    const RESOURCE: [Self; 4] = [Self::Uuid, Self::BackendId, Self::Slug, Self::Name];

    /// The role as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::BackendId => "backend_id",
            Self::Slug => "slug",
            Self::Name => "name",
            Self::Month => "month",
            Self::Begin => "begin",
            Self::End => "end",
            Self::Metric => "metric",
            Self::Quantity => "quantity",
            Self::Unit => "unit",
        }
    }

    /// The names that its column usually has.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Uuid => &["uuid", "resource uuid", "resource_uuid"],
            Self::BackendId => &[
                "backend id",
                "resource backend id",
                "project id",
                "tenant id",
                "account",
                "account id",
                "allocation",
                "allocation id",
                "subscription id",
                "resource id",
                "external id",
                "line item resource id",
                "lineItem/ResourceId",
            ],
            Self::Slug => &["slug", "resource slug", "short name"],
            Self::Name => &[
                "resource",
                "resource name",
                "project",
                "project name",
                "tenant",
                "tenant name",
                "name",
                "namespace",
                "pi",
                "ressource",
                "projekt",
                "projektname",
            ],
            Self::Month => &[
                "month",
                "billing period",
                "billing month",
                "period",
                "usage month",
                "date",
                "day",
                "monat",
                "abrechnungsmonat",
                "abrechnungszeitraum",
                "leistungszeitraum",
                "datum",
                "mois",
                "période",
            ],
            Self::Begin => &[
                "begin",
                "start",
                "start time",
                "from",
                "usage start",
                "period start",
                "begins",
                "line item usage start date",
                "lineItem/UsageStartDate",
            ],
            Self::End => &[
                "end",
                "end time",
                "to",
                "until",
                "usage end",
                "period end",
                "ends",
                "line item usage end date",
                "lineItem/UsageEndDate",
            ],
            Self::Metric => &[
                "metric",
                "metric type",
                "metric name",
                "component",
                "component type",
                "komponente",
                "composant",
                "leistung",
                "service",
                "meter",
                "measure",
                "product",
                "item",
                "type",
                "resource type",
                "usage type",
                "line item usage type",
                "lineItem/UsageType",
            ],
            Self::Quantity => &[
                "quantity",
                "qty",
                "amount",
                "usage",
                "used",
                "value",
                "consumption",
                "usage amount",
                "usage quantity",
                "consumed quantity",
                "total",
                "line item usage amount",
                "menge",
                "verbrauch",
                "anzahl",
                "quantité",
                "consommation",
                "lineItem/UsageAmount",
            ],
            Self::Unit => &[
                "unit",
                "units",
                "measured unit",
                "unit of measure",
                "uom",
                "consumed unit",
                "pricing unit",
                "pricing/unit",
                "einheit",
                "unité",
            ],
        }
    }

    /// How much a header is like one of its names.
    fn likeness(self, header: &str) -> f64 {
        self.names().iter().map(|name| likeness(header, name)).fold(0.0, f64::max)
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.word() == text).ok_or(())
    }
}

/// A header and rows below it.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The headers.
    pub headers: Vec<String>,
    /// Cells of rows, as text.
    pub rows: Vec<Vec<String>>,
}

/// A layout that somebody has to look at.
#[derive(Debug, Clone)]
pub struct Suggestion {
    /// Its text.
    pub text: String,
    /// The columns that it reads not.
    pub not_read: Vec<String>,
}

/// Why none is suggested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SuggestError {
    /// Two headers are equally like a role.
    #[error("{} could both be the column of the {}", headers(columns), role.word())]
    Tie {
        /// The role.
        role: Role,
        /// The headers.
        columns: Vec<String>,
    },
    /// No header is like what is needed.
    #[error("no column is like a {what}: {}", headers(columns))]
    Lacks {
        /// What it would be.
        what: &'static str,
        /// The role to give by hand.
        role: Role,
        /// The headers.
        columns: Vec<String>,
    },
    /// A header that was named is none.
    #[error("no column is headed {}", visible(.0))]
    NoColumn(String),
    /// Two columns that would be read have one header, so that a layout cannot tell them apart.
    #[error("two columns are headed {}", visible(.0))]
    Twice(String),
    /// A text cannot stand in a layout.
    #[error("{} cannot stand in a layout: it is too long, or holds what does not show", visible(.0))]
    Unwritable(String),
}

fn headers(columns: &[String]) -> String {
    let shown: Vec<&str> = columns.iter().take(20).map(String::as_str).collect();
    visible(&shown.join(", ")).to_string()
}

/// Writes a layout for a table; `given` are the roles that somebody has settled by hand.
pub fn suggest(
    name: &str,
    sample: &Sample,
    given: &BTreeMap<Role, String>,
) -> Result<Suggestion, SuggestError> {
    let mut chosen = choose(sample, given)?;
    settle(sample, &mut chosen)?;
    Writer { sample, chosen, text: String::new() }.write(name)
}

/// Columns by role, with how each was found.
type Chosen = BTreeMap<Role, (usize, bool)>;

fn choose(sample: &Sample, given: &BTreeMap<Role, String>) -> Result<Chosen, SuggestError> {
    let mut chosen = Chosen::new();
    for (role, header) in given {
        let column = sample.headers.iter().position(|own| fold(own) == fold(header));
        let column = column.ok_or_else(|| SuggestError::NoColumn(header.clone()))?;
        chosen.insert(*role, (column, true));
    }
    let named = |roles: &[Role], chosen: &Chosen| roles.iter().any(|role| chosen.contains_key(role));
    for role in Role::ALL {
        let is_resource = Role::RESOURCE.contains(&role);
        let is_settled = chosen.contains_key(&role)
            || is_resource && named(&Role::RESOURCE, &chosen)
            || role == Role::Month && named(&[Role::Begin, Role::End], &chosen)
            || matches!(role, Role::Begin | Role::End) && chosen.contains_key(&Role::Month);
        if is_settled {
            continue;
        }
        let taken: BTreeSet<usize> = chosen.values().map(|(column, _)| *column).collect();
        if let Some(column) = best(role, sample, &taken)? {
            chosen.insert(role, (column, false));
        }
    }
    Ok(chosen)
}

/// Settles what the headers leave open: a column of metrics is one where it names any, and one number then
/// says how much.
fn settle(sample: &Sample, chosen: &mut Chosen) -> Result<(), SuggestError> {
    let is_empty = |column: usize| sample.rows.iter().all(|row| row.get(column).is_none_or(String::is_empty));
    let is_guessed = |role, chosen: &Chosen| chosen.get(&role).is_some_and(|(_, is_given)| !is_given);
    if chosen.get(&Role::Metric).is_some_and(|(column, _)| is_empty(*column))
        && is_guessed(Role::Metric, chosen)
    {
        chosen.remove(&Role::Metric);
    }
    if chosen.contains_key(&Role::Metric) && !chosen.contains_key(&Role::Quantity) {
        let writer = Writer { sample, chosen: chosen.clone(), text: String::new() };
        match writer.quantities().as_slice() {
            [] => {}
            [only] => {
                chosen.insert(Role::Quantity, (*only, false));
            }
            // Columns of their own are metrics of their own.
            _ if is_guessed(Role::Metric, chosen) => {
                chosen.remove(&Role::Metric);
            }
            several => {
                let columns = several.iter().map(|column| sample.headers[*column].clone()).collect();
                return Err(SuggestError::Tie { role: Role::Quantity, columns });
            }
        }
    }
    Ok(())
}

/// The header that is most like a role.
fn best(role: Role, sample: &Sample, taken: &BTreeSet<usize>) -> Result<Option<usize>, SuggestError> {
    let open = sample.headers.iter().enumerate().filter(|(column, _)| !taken.contains(column));
    let mut scored: Vec<(f64, usize)> = open
        .map(|(column, header)| (role.likeness(header), column))
        .filter(|(score, column)| {
            // A header that is more like another role is left to it.
            let header = &sample.headers[*column];
            let is_its_own = Role::ALL.into_iter().all(|other| other.likeness(header) <= *score);
            // What costs is no usage, however it is called.
            let may_be = role != Role::Quantity || may_be_quantity(header);
            *score >= ALIKE && is_its_own && may_be
        })
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0));
    match scored.as_slice() {
        [] => Ok(None),
        [(first, _), (second, _), ..] if first.total_cmp(second).is_eq() => {
            let columns = scored.iter().filter(|(score, _)| score.total_cmp(first).is_eq());
            let columns = columns.map(|(_, column)| sample.headers[*column].clone()).collect();
            Err(SuggestError::Tie { role, columns })
        }
        [(_, column), ..] => Ok(Some(*column)),
    }
}

struct Writer<'a> {
    sample: &'a Sample,
    chosen: Chosen,
    text: String,
}

impl fmt::Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text.push_str(text);
        Ok(())
    }
}

impl Writer<'_> {
    fn write(mut self, name: &str) -> Result<Suggestion, SuggestError> {
        let lacks = |what, role| SuggestError::Lacks { what, role, columns: self.sample.headers.clone() };
        let resource = Role::RESOURCE.into_iter().find(|role| self.chosen.contains_key(role));
        let resource = resource.ok_or_else(|| lacks("resource", Role::Name))?;
        let has = |role| self.chosen.contains_key(&role);
        let has_times = has(Role::Begin) && has(Role::End);
        let quantities = self.quantities();
        if quantities.is_empty() {
            return Err(lacks("quantity", Role::Quantity));
        }
        let read: Vec<usize> =
            self.chosen.values().map(|(column, _)| *column).chain(quantities.iter().copied()).collect();
        let headers = &self.sample.headers;
        let is_twice = |column: &&usize| {
            let own = fold(&headers[**column]);
            headers.iter().filter(|header| fold(header) == own).count() > 1
        };
        if let Some(column) = read.iter().find(is_twice) {
            return Err(SuggestError::Twice(headers[*column].clone()));
        }
        let name = slug(name);
        self.line("# Suggested from the headers of a file. Look at every line, above all at components and factors,");
        self.line("# and check a month whose figures you know before you post one.");
        self.line(&format!("name = \"{name}\""));
        self.line(&format!("title = \"{name}, as it was suggested\""));
        self.line(
            "# Rows of one resource, month and component are added up; with \"single\" a second one is faulty.",
        );
        self.line(if self.repeats(resource) || has_times { "rows = \"sum\"" } else { "rows = \"single\"" });
        for role in [Role::Metric, Role::Quantity, Role::Unit] {
            self.role(role, role.word())?;
        }
        self.line("\n[resource]");
        self.role(resource, resource.word())?;
        self.line("\n# Empty where the file names no month; --period names it then.\n[period]");
        if has_times {
            self.role(Role::Begin, "begin")?;
            self.role(Role::End, "end")?;
            self.line(
                "# Records that lie in two months are faulty; \"end\" books them whole into the later one.",
            );
            self.line("crossing = \"faulty\"");
            if self.has_offsets() {
                self.line("# The zone whose months are meant.\ntime_zone = \"UTC\"");
            }
        } else if self.chosen.contains_key(&Role::Month) {
            self.role(Role::Month, "month")?;
        }
        self.metrics(&quantities)?;
        let read: BTreeSet<usize> =
            self.chosen.values().map(|(column, _)| *column).chain(quantities.iter().copied()).collect();
        let headers = self.sample.headers.iter().enumerate();
        let not_read: Vec<String> = headers
            .filter(|(column, header)| !read.contains(column) && !header.is_empty())
            .map(|(_, header)| header.clone())
            .collect();
        Ok(Suggestion { text: self.text, not_read })
    }

    fn line(&mut self, text: &str) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "{text}");
    }

    /// Writes the column of a role, where it has one.
    fn role(&mut self, role: Role, key: &str) -> Result<(), SuggestError> {
        let Some(&(column, is_given)) = self.chosen.get(&role) else { return Ok(()) };
        let header = &self.sample.headers[column];
        let is_alike = is_given || role.names().iter().any(|name| fold(name) == fold(header));
        let remark = if is_alike { "" } else { "  # only like one; look at it" };
        let line = format!("{key} = {}{remark}", quoted(header)?);
        self.line(&line);
        Ok(())
    }

    /// The columns of quantities: the one that is named so, or all others that hold nothing but numbers.
    fn quantities(&self) -> Vec<usize> {
        if let Some((column, _)) = self.chosen.get(&Role::Quantity) {
            return vec![*column];
        }
        let taken: BTreeSet<usize> = self.chosen.values().map(|(column, _)| *column).collect();
        let columns = (0..self.sample.headers.len()).filter(|column| !taken.contains(column));
        let may_be = |column: &usize| {
            let header = &self.sample.headers[*column];
            !header.is_empty() && may_be_quantity(header) && self.is_numeric(*column)
        };
        columns.filter(may_be).take(MOST_METRICS).collect()
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        let cells = self.sample.rows.iter().filter_map(move |row| row.get(column));
        cells.map(String::as_str).filter(|cell| !cell.is_empty())
    }

    fn is_numeric(&self, column: usize) -> bool {
        let is_number = |cell: &str| {
            cell.bytes().any(|byte| byte.is_ascii_digit())
                && cell.bytes().all(|byte| byte.is_ascii_digit() || b".,' ".contains(&byte))
        };
        self.cells(column).next().is_some() && self.cells(column).all(is_number)
    }

    fn has_offsets(&self) -> bool {
        let Some((column, _)) = self.chosen.get(&Role::Begin) else { return false };
        let is_offset = |cell: &str| {
            cell.get(10..).is_some_and(|time| time.ends_with(['Z', 'z']) || time.contains(['+', '-']))
        };
        self.cells(*column).any(is_offset)
    }

    /// Whether rows share resource, month and metric.
    fn repeats(&self, resource: Role) -> bool {
        // Days of one month differ, and are of one key all the same.
        let groups = |cell: &str| {
            cell.split(|one: char| !one.is_ascii_digit()).filter(|part| !part.is_empty()).count()
        };
        let month = self.chosen.get(&Role::Month);
        let holds_days = month.is_some_and(|(column, _)| self.cells(*column).any(|cell| groups(cell) > 2));
        let columns: Vec<usize> = [resource, Role::Month, Role::Metric]
            .iter()
            .filter(|role| !holds_days || **role != Role::Month)
            .filter_map(|role| Some(self.chosen.get(role)?.0))
            .collect();
        let mut seen = BTreeSet::new();
        let key = |row: &Vec<String>| -> Vec<String> {
            columns.iter().map(|column| row.get(*column).cloned().unwrap_or_default()).collect()
        };
        !self.sample.rows.iter().all(|row| seen.insert(key(row)))
    }

    fn metrics(&mut self, quantities: &[usize]) -> Result<(), SuggestError> {
        self.line(
            "\n# component is the type that the offering has; a factor is what one of the file's is in the unit of \
             the\n# component, such as \"1/3600\": one for each unit that the component may have.",
        );
        if let Some(&(column, _)) = self.chosen.get(&Role::Metric) {
            let names: BTreeSet<String> = self.cells(column).map(ToOwned::to_owned).collect();
            if names.len() > MOST_METRICS {
                self.line("# More of them stand in the file.");
            }
            for name in names.into_iter().take(MOST_METRICS) {
                let counted_in = self.counted_in(Some((column, &name)))?;
                let entry = format!(
                    "[[metrics]]\nname = {}\ncomponent = {}\n{counted_in}",
                    quoted(&name)?,
                    quoted(&component(&name))?
                );
                self.line(&entry);
            }
            return Ok(());
        }
        let counted_in = self.counted_in(None)?;
        for column in quantities {
            let header = &self.sample.headers[*column];
            let entry = format!(
                "[[metrics]]\ncolumn = {}\ncomponent = {}\n{counted_in}",
                quoted(header)?,
                quoted(&component(header))?
            );
            self.line(&entry);
        }
        Ok(())
    }
}

impl Writer<'_> {
    /// What a metric is counted in, where the file has a column of units, and its factors.
    fn counted_in(&self, metric: Option<(usize, &str)>) -> Result<String, SuggestError> {
        let Some(&(column, _)) = self.chosen.get(&Role::Unit) else { return Ok("factor = \"1\"\n".into()) };
        let rows = self.sample.rows.iter();
        let own =
            rows.filter(|row| metric.is_none_or(|(at, name)| row.get(at).is_some_and(|cell| cell == name)));
        let units: BTreeSet<&str> = own.filter_map(|row| row.get(column)).map(String::as_str).collect();
        let units: Vec<&str> = units.into_iter().filter(|unit| !unit.is_empty()).collect();
        let remark = if units.len() > 1 { "  # the file has others too, whose rows are faulty" } else { "" };
        let unit = units.first().copied().unwrap_or("units");
        // A factor for any unit of the component would take hours for k-hours.
        let unit = quoted(unit)?;
        Ok(format!("counted_in = {unit}{remark}\n[metrics.units]\n{unit} = \"1\"\n"))
    }
}

fn slug(name: &str) -> String {
    let slug: String = name
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_lowercase() } else { '-' })
        .collect();
    let slug: String = slug.trim_matches('-').chars().take(40).collect();
    match slug.trim_end_matches('-') {
        "" | "waldur-long" | "waldur-wide" => "own".into(),
        slug => slug.into(),
    }
}

/// What a component of that name may be called.
fn component(name: &str) -> String {
    let text = words(name).join("_");
    if text.is_empty() { "component".into() } else { text }
}

/// A text as a layout holds it.
fn quoted(text: &str) -> Result<String, SuggestError> {
    if text.chars().count() > 200 || text.chars().any(crate::domain::is_invisible) {
        return Err(SuggestError::Unwritable(text.chars().take(80).collect()));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
