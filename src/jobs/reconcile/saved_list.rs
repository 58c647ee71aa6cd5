//! A list of usages that `list` wrote, in place of the server that it was read from.
//!
//! It can be of millions of rows, so rows are taken in one by one and names are kept once. The
//! catalogue is made of what the rows name: a resource without usage is not in it. A row that cannot be
//! read, or an id that comes twice, ends the run: a list that lost something proves nothing.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use jiff::Timestamp;
use serde::de::{DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::domain::{
    Amount, BillingPeriod, BillingType, CarryOver, ComponentType, CustomerId, Digest, OfferingId,
    PeriodRange, PlanId, ProjectId, ResourceId, ResourceState, Selector, UsageId, visible,
};
use crate::error::Error;
use crate::parse::without_guard;
use crate::plan::InputFile;
use crate::reconcile::{Stored, StoredSide};
use crate::resolve::{Catalogue, Component, Offering, Resource};
use crate::source::SourceError;

use super::around;
use crate::jobs::scope_names::refuse;

/// The rows of a saved list.
pub struct SavedList {
    /// The file.
    pub file: InputFile,
    /// The usages of the months that are compared, of the month before and of the month after.
    pub stored: StoredSide,
}

/// A text that may be missing or null.
#[derive(Debug, Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<String>::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// A row as `list` writes it, as far as it is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    uuid: Text,
    resource_uuid: Text,
    resource_name: Text,
    #[serde(rename = "type")]
    component_type: Text,
    measured_unit: Text,
    usage: Option<Amount>,
    billing_period: Text,
    recurring: Option<bool>,
    missing_usage_policy: Option<CarryOver>,
    offering_uuid: Text,
    offering_name: Text,
    project_uuid: Text,
    project_name: Text,
    customer_uuid: Text,
    customer_name: Text,
}

impl SavedList {
    /// Reads a list, whichever of its forms it has: csv, a JSON array, or a JSON object a line.
    pub fn read(
        path: &Path,
        periods: PeriodRange,
        offerings: &[Selector],
        now: Timestamp,
    ) -> Result<(Self, Catalogue), Error> {
        let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
        let name = path.to_string_lossy().into_owned();
        let current = BillingPeriod::of(now).map_err(|_| {
            Error::setting("--now names no month that can be billed", "give a time of our days")
        })?;
        let mut intake = Intake {
            name: &name,
            periods,
            around: around(periods, current),
            offerings,
            catalogue: Catalogue::new(current),
            of_offerings: HashMap::new(),
            types: HashMap::new(),
            stored: StoredSide::default(),
            ids_beside: Vec::new(),
            last: None,
            has_compared: false,
            seen: BTreeMap::new(),
        };
        let file = File::open(path).map_err(unreadable)?;
        let mut reader =
            BufReader::with_capacity(1 << 18, Hashing { inner: file, digest: Digest::default() });
        let first = reader.fill_buf().map_err(unreadable)?;
        let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
        let first = first.iter().copied().find(|byte| !byte.is_ascii_whitespace());
        match first {
            Some(b'[') => intake.json(&mut reader)?,
            Some(b'{') => intake.lines(&mut reader).map_err(|error| error.into_error(path))?,
            _ => intake.csv(&mut reader)?,
        }
        io::copy(&mut reader, &mut io::sink()).map_err(unreadable)?;
        let sha256 = reader.into_inner().digest.finish();
        intake.refuse_nothing()?;
        intake.refuse_doubles()?;
        let Intake { mut catalogue, of_offerings, stored, .. } = intake;
        for (_, offering) in of_offerings {
            catalogue.add_offering(offering);
        }
        let file = InputFile { name, sheet: None, sha256, layout: None };
        Ok((Self { file, stored }, catalogue))
    }
}

/// Takes the digest of what is read.
struct Hashing<R> {
    inner: R,
    digest: Digest,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest.add(&buffer[..count]);
        Ok(count)
    }
}

/// Why lines could not be read: the file, or what stands in it.
enum LineError {
    Io(io::Error),
    Other(Error),
}

impl LineError {
    fn into_error(self, path: &Path) -> Error {
        match self {
            Self::Io(source) => SourceError::Unreadable { path: path.to_owned(), source }.into(),
            Self::Other(error) => error,
        }
    }
}

/// The rows that were read so far.
struct Intake<'a> {
    name: &'a str,
    periods: PeriodRange,
    around: Vec<BillingPeriod>,
    offerings: &'a [Selector],
    catalogue: Catalogue,
    of_offerings: HashMap<OfferingId, Offering>,
    types: HashMap<String, ComponentType>,
    stored: StoredSide,
    /// The ids of rows that are not compared.
    ids_beside: Vec<Uuid>,
    /// What the row before named: it is known already.
    last: Option<(ResourceId, OfferingId, ComponentType)>,
    /// Whether there is a row of the months that are compared.
    has_compared: bool,
    /// The offerings of all rows, whether they are compared or not.
    seen: BTreeMap<OfferingId, String>,
}

/// The columns of a list as text.
const COLUMNS: [&str; 15] = [
    "uuid",
    "resource_uuid",
    "type",
    "usage",
    "billing_period",
    "resource_name",
    "measured_unit",
    "recurring",
    "missing_usage_policy",
    "offering_uuid",
    "offering_name",
    "project_uuid",
    "project_name",
    "customer_uuid",
    "customer_name",
];
/// How many of them a list has to have.
const NEEDED: usize = 5;

/// The cells of a line, where it is plain text without a quotation mark; a blank line has none.
fn plain_cells(line: &[u8]) -> Option<Vec<&str>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if memchr::memchr2(b'"', b'\r', line).is_some() {
        return None;
    }
    let line = std::str::from_utf8(line).ok()?;
    Some(if line.is_empty() { Vec::new() } else { line.split(',').collect() })
}

/// A row with its texts where they stand.
struct Texts<'a> {
    texts: [&'a str; 15],
    amount: Option<Amount>,
    line: u64,
}

impl Intake<'_> {
    fn fault(&self, line: u64, what: &str) -> Error {
        let hint = "save it anew with `waldur-usage list --format csv`, with all fields";
        Error::setting(format!("{} line {line}: {what}", visible(self.name)), hint)
    }

    /// Nearly all lists are without a quotation mark, so that a line is a row: such lines are split at their
    /// commas, and from the first other one on rows are looked for.
    fn csv(&mut self, mut reader: impl BufRead) -> Result<(), Error> {
        let unread = |own: &Self, line: u64, error: &dyn fmt::Display| {
            own.fault(line, &format!("it cannot be read: {}", visible(&error.to_string())))
        };
        let (mut line, mut number) = (Vec::new(), 1_u64);
        reader.read_until(b'\n', &mut line).map_err(|error| unread(self, number, &error))?;
        let header = line.clone();
        let Some(cells) = plain_cells(&header).filter(|cells| !cells.is_empty()) else {
            return self.quoted(header.as_slice().chain(reader), 0);
        };
        let (width, columns) = (cells.len(), self.columns(&cells)?);
        loop {
            line.clear();
            number += 1;
            if reader.read_until(b'\n', &mut line).map_err(|error| unread(self, number, &error))? == 0 {
                return Ok(());
            }
            let cells = match plain_cells(&line) {
                Some(cells) if cells.is_empty() => continue,
                Some(cells) if cells.len() == width => cells,
                // Whatever is the matter with it, it is told as that of any list.
                _ => return self.quoted(header.as_slice().chain(line.as_slice()).chain(reader), number - 2),
            };
            let text = |column: Option<usize>| {
                column.and_then(|column| cells.get(column)).map_or("", |text| without_guard(text))
            };
            self.take(&Texts { texts: columns.map(text), amount: None, line: number })?;
        }
    }

    /// Takes the rows of a text below its header; lines that were left out in between count.
    fn quoted(&mut self, reader: impl Read, left_out: u64) -> Result<(), Error> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(reader);
        let mut record = csv::StringRecord::new();
        let line_of = |at: Option<&csv::Position>| at.map_or(0, csv::Position::line).saturating_add(left_out);
        let unread = |own: &Self, record: &csv::StringRecord, error: &csv::Error| {
            let line = line_of(error.position().or(record.position()));
            own.fault(line, &format!("it cannot be read: {}", visible(&error.to_string())))
        };
        if !reader.read_record(&mut record).map_err(|error| unread(self, &record, &error))? {
            return Ok(());
        }
        let columns = self.columns(&record.iter().collect::<Vec<_>>())?;
        while reader.read_record(&mut record).map_err(|error| unread(self, &record, &error))? {
            let text = |column: Option<usize>| {
                column.and_then(|column| record.get(column)).map_or("", without_guard)
            };
            let texts = columns.map(text);
            let line = line_of(record.position());
            self.take(&Texts { texts, amount: None, line })?;
        }
        Ok(())
    }

    /// Where the columns of a header stand.
    fn columns(&self, header: &[&str]) -> Result<[Option<usize>; 15], Error> {
        let at = |name: &str| header.iter().position(|own| own.trim_start_matches('\u{feff}').trim() == name);
        let columns = COLUMNS.map(at);
        let missing = columns.iter().zip(COLUMNS).take(NEEDED).find(|(column, _)| column.is_none());
        missing.map_or(Ok(columns), |(_, name)| Err(self.fault(1, &format!("no column {name}"))))
    }

    fn lines(&mut self, mut reader: impl BufRead) -> Result<(), LineError> {
        let mut text = String::new();
        let mut line = 0_u64;
        loop {
            text.clear();
            line += 1;
            if reader.read_line(&mut text).map_err(LineError::Io)? == 0 {
                return Ok(());
            }
            let json = text.trim_start_matches('\u{feff}').trim();
            if json.is_empty() {
                continue;
            }
            let row: Row = serde_json::from_str(json).map_err(|error| {
                LineError::Other(
                    self.fault(line, &format!("it cannot be read: {}", visible(&error.to_string()))),
                )
            })?;
            self.row(&row, line).map_err(LineError::Other)?;
        }
    }

    fn json(&mut self, reader: impl Read) -> Result<(), Error> {
        let mut stopped = None;
        let seed = EachRow { intake: self, stopped: &mut stopped };
        let read = seed.deserialize(&mut serde_json::Deserializer::from_reader(reader));
        match (stopped, read) {
            (Some(error), _) => Err(error),
            (None, Ok(())) => Ok(()),
            (None, Err(error)) => {
                let line = u64::try_from(error.line()).unwrap_or_default();
                Err(self.fault(line, &format!("it cannot be read: {}", visible(&error.to_string()))))
            }
        }
    }

    fn row(&mut self, row: &Row, line: u64) -> Result<(), Error> {
        let recurring = match row.recurring {
            Some(true) => "true",
            Some(false) | None => "",
        };
        let policy = match row.missing_usage_policy {
            Some(CarryOver::Reuse) => "reuse",
            Some(CarryOver::Zero) => "zero",
            Some(CarryOver::None) | None => "",
        };
        let texts = [
            row.uuid.0.as_str(),
            row.resource_uuid.0.as_str(),
            row.component_type.0.as_str(),
            "",
            row.billing_period.0.as_str(),
            row.resource_name.0.as_str(),
            row.measured_unit.0.as_str(),
            recurring,
            policy,
            row.offering_uuid.0.as_str(),
            row.offering_name.0.as_str(),
            row.project_uuid.0.as_str(),
            row.project_name.0.as_str(),
            row.customer_uuid.0.as_str(),
            row.customer_name.0.as_str(),
        ];
        let amount = row.usage.ok_or_else(|| self.fault(line, "no usage"))?;
        self.take(&Texts { texts, amount: Some(amount), line })
    }

    fn take(&mut self, row: &Texts<'_>) -> Result<(), Error> {
        let Texts { texts, amount, line } = *row;
        let [
            uuid,
            resource,
            component,
            usage,
            period,
            resource_name,
            unit,
            recurring,
            policy,
            offering,
            offering_name,
            project,
            project_name,
            customer,
            customer_name,
        ] = texts;
        let id = |name: &str, text: &str| {
            Uuid::try_parse(text).map_err(|_| self.fault(line, &format!("{name} is `{}`", visible(text))))
        };
        let optional = |text: &str| Uuid::try_parse(text).unwrap_or_default();
        let period: BillingPeriod = period
            .parse()
            .map_err(|_| self.fault(line, &format!("billing_period is `{}`", visible(period))))?;
        let uuid = id("uuid", uuid)?;
        let resource = ResourceId::new(id("resource_uuid", resource)?);
        let is_beside = self.around.contains(&period);
        let offering = OfferingId::new(optional(offering));
        self.seen.entry(offering).or_insert_with(|| offering_name.to_owned());
        let is_picked = self.offerings.is_empty()
            || self.offerings.iter().any(|selector| selector.picks(offering.uuid(), offering_name));
        if !is_picked || !is_beside && !self.periods.contains(period) {
            self.ids_beside.push(uuid);
            return Ok(());
        }
        let amount = match amount {
            Some(amount) => amount,
            None => usage.parse().map_err(|_| self.fault(line, &format!("usage is `{}`", visible(usage))))?,
        };
        let last = self.last.take().filter(|(_, _, last)| last.as_str() == component);
        let is_known = last.as_ref().is_some_and(|last| (last.0, last.1) == (resource, offering));
        let component = match last {
            Some((_, _, last)) => last,
            None => self.component(component, line)?,
        };
        if !is_known {
            self.know_component(offering, offering_name, &component, unit);
        }
        if !is_known && self.catalogue.resource(resource).is_none() {
            self.catalogue.add_resource(Resource {
                id: resource,
                name: resource_name.to_owned(),
                slug: String::new(),
                backend_id: String::new(),
                state: ResourceState::Ok,
                offering,
                created: None,
                // The list tells no plan; that there is one speaks from its usage.
                plan: Some(PlanId::new(Uuid::nil())),
                project: ProjectId::new(optional(project)),
                project_name: project_name.to_owned(),
                customer: CustomerId::new(optional(customer)),
                customer_name: customer_name.to_owned(),
            });
        }
        self.has_compared |= !is_beside;
        let carry_over = policy
            .parse()
            .unwrap_or_else(|()| CarryOver::from_recurring(recurring.eq_ignore_ascii_case("true")));
        self.stored.add(&Stored {
            id: UsageId::new(uuid),
            resource,
            component: &component,
            period,
            amount,
            carry_over,
            is_reported: false,
        });
        self.last = Some((resource, offering, component));
        Ok(())
    }

    fn component(&mut self, text: &str, line: u64) -> Result<ComponentType, Error> {
        if let Some(known) = self.types.get(text) {
            return Ok(known.clone());
        }
        let known: ComponentType =
            text.parse().map_err(|_| self.fault(line, &format!("type is `{}`", visible(text))))?;
        self.types.insert(text.to_owned(), known.clone());
        Ok(known)
    }

    fn know_component(&mut self, id: OfferingId, name: &str, component: &ComponentType, unit: &str) {
        let offering = self.of_offerings.entry(id).or_insert_with(|| Offering {
            id,
            name: name.to_owned(),
            customer: None,
            components: Vec::new(),
            prices: HashMap::new(),
        });
        if offering.component(component).is_none() {
            offering.components.push(Component {
                component_type: component.clone(),
                name: component.as_str().to_owned(),
                measured_unit: unit.to_owned(),
                billing_type: BillingType::Usage,
                has_limit: false,
                limit: None,
            });
        }
    }

    /// A list without a row to compare with says nothing of the server: everything would look missing.
    fn refuse_nothing(&self) -> Result<(), Error> {
        let (name, periods) = (visible(self.name), self.periods);
        let hint = format!("save the month anew: list --period {periods} --format csv > FILE");
        if self.ids_beside.is_empty() && self.stored.is_empty() {
            return Err(Error::setting(format!("{name}: the list has no row"), hint));
        }
        let seen = self.seen.iter().map(|(id, name)| (id.uuid(), name.as_str()));
        refuse("--offering", "offering of the saved list", self.offerings, seen)?;
        if !self.has_compared {
            let of = if self.offerings.is_empty() { "" } else { " of the offerings in scope" };
            return Err(Error::setting(format!("{name}: the list has no row of {periods}{of}"), hint));
        }
        Ok(())
    }

    fn refuse_doubles(&mut self) -> Result<(), Error> {
        let mut ids = std::mem::take(&mut self.ids_beside);
        ids.extend(self.stored.ids().map(UsageId::uuid));
        ids.sort_unstable();
        let double = ids.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let Some(double) = double else { return Ok(()) };
        let what = format!("{}: the usage {} stands twice", visible(self.name), double.as_simple());
        Err(Error::setting(what, "read the list anew; one that repeats rows may have lost others"))
    }
}

/// Takes in the rows of a JSON array one by one.
struct EachRow<'a, 'i> {
    intake: &'a mut Intake<'i>,
    stopped: &'a mut Option<Error>,
}

impl<'de> DeserializeSeed<'de> for EachRow<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EachRow<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array of usages")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let mut number = 0_u64;
        while let Some(row) = rows.next_element::<Row>()? {
            number += 1;
            if let Err(error) = self.intake.row(&row, number) {
                *self.stopped = Some(error);
                return Err(serde::de::Error::custom("a row cannot be taken in"));
            }
        }
        Ok(())
    }
}
