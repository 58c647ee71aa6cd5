//! Every figure as a line that can be compared, whatever speaks against posting it.
//!
//! The law kept here: a figure whose amount and month could be read, and whose row is in scope and not
//! of a single user, is exactly one line; a fault at deny about it stands on the line.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{Amount, BillingPeriod, ComponentType, ResourceId, visible};
use crate::findings::{Code, Finding, RowIndex, Severity};
use crate::mapping::UnitFactor;
use crate::parse::{Figure, Subject, listed, short};

use super::bearing::{Bearing, bearing};
use super::catalogue::{Component, NameKind, Resource};
use super::file_lines::{FileLine, FileLineMore, LineFault};
use super::resources::{Found, Via};
use super::rows::{Judge, Resources};
use super::units::{Conversions, Measured};

/// A sum whose resource or component is not known, in its own unit.
pub(super) struct Loose {
    pub figure: Figure,
}

impl Judge<'_> {
    /// Remembers that an alias of the user's led to a resource, where lines are kept.
    pub(super) fn remember_alias(&mut self, subject: usize, found: Found<'_>) {
        if found.via == Via::Alias && self.settings.keeps_lines {
            let named = self.parsed.subjects[subject].resource.decisive();
            let named = named.map(|(_, text)| text).unwrap_or_default();
            let told = format!("{} is an alias of {}", visible(&named), visible(&found.resource.name));
            self.by_alias.insert(subject, told.into());
        }
    }

    /// The lines of all figures, and how many rows speak of single users.
    pub(super) fn lines(&mut self, figures: &[Figure], resources: &Resources<'_>) -> (Vec<FileLine>, usize) {
        let mut lines = Vec::with_capacity(figures.len());
        let mut conversions = Conversions::default();
        let mut factors: HashMap<(Arc<str>, &str), Option<Arc<str>>> = HashMap::new();
        for figure in figures {
            if self.filtered.contains(&figure.subject()) {
                continue;
            }
            let resource = resources[figure.subject()];
            let component = resource.and_then(|resource| self.known_component(figure, resource));
            let measured = component.map(|component| {
                self.is_reportable(figure, component);
                self.measured(figure, component, &mut conversions)
            });
            if self.parsed.subjects[figure.subject()].more().username.is_some() {
                continue;
            }
            let (amount, is_own_unit, unrounded) = match measured {
                Some(Ok(Measured { amount, unrounded })) => (amount, true, unrounded),
                Some(Err(Code::UnitMismatch)) | None => (figure.amount, false, figure.unrounded.clone()),
                // No amount in the unit of its component, which stops the figure.
                Some(Err(_)) => continue,
            };
            let mut line = self.line(figure, resource, component, (amount.get(), is_own_unit));
            let rounded = unrounded.as_deref().map(|exact| Arc::from(format!("rounded from {exact}")));
            if unrounded.is_some() {
                line.more.get_or_insert_default().unrounded = unrounded;
            }
            // Nearly all figures are in the unit of their component, and named by no alias.
            let measured_in = component.map(|own| own.measured_unit.trim()).filter(|_| is_own_unit);
            let declared =
                figure.unit.as_ref().filter(|unit| measured_in.is_some_and(|own| unit.trim() != own));
            let factor = declared.zip(measured_in).and_then(|(unit, own)| {
                let factor = || Some(by_factor(self.aliases.factor(unit.trim(), own)?, own));
                factors.entry((unit.clone(), own)).or_insert_with(factor).clone()
            });
            let alias =
                if self.by_alias.is_empty() { None } else { self.by_alias.get(&figure.subject()).cloned() };
            if let Some(told) = alias.or(factor).or(rounded) {
                line.more.get_or_insert_default().spelt = Some(told);
            }
            lines.push(line);
        }
        conversions.tell(self.findings);
        for Loose { figure } in std::mem::take(&mut self.loose) {
            let is_left_out = self.filtered.contains(&figure.subject())
                || self.parsed.subjects[figure.subject()].more().username.is_some();
            if !is_left_out {
                let resource = resources[figure.subject()];
                lines.push(self.line(&figure, resource, None, (figure.amount.get(), false)));
            }
        }
        self.attach_faults(&mut lines);
        self.mark_doubles(&mut lines);
        let subjects = self.parsed.subjects.iter().enumerate();
        let of_users =
            subjects.filter(|(at, subject)| subject.more().username.is_some() && !self.filtered.contains(at));
        (lines, of_users.count())
    }

    fn line(
        &self,
        figure: &Figure,
        resource: Option<&Resource>,
        component: Option<&Component>,
        (amount, is_own_unit): (Amount, bool),
    ) -> FileLine {
        let subject = &self.parsed.subjects[figure.subject()];
        // Sizes are far from the end of the range.
        let below = if figure.is_negative { Amount::ZERO.checked_sub(amount) } else { None };
        let named =
            |is_known: bool, text: &dyn Fn() -> Option<Arc<str>>| if is_known { None } else { text() };
        let more = FileLineMore {
            plan_period: subject.more().plan_period,
            faults: Vec::new(),
            spelt: component.and_then(|own| spelt(&figure.component, own, self.is_wide(figure))),
            resource: named(resource.is_some(), &|| self.called(figure.subject())),
            component: named(component.is_some(), &|| Some(figure.component.clone())),
            unit: named(is_own_unit, &|| figure.unit.clone()),
            money: subject.more().money.as_deref().cloned(),
            written: Some(figure.amount.get()).filter(|written| {
                subject.more().money.is_some() && figure.unit.is_some() && *written != amount
            }),
            unrounded: None,
        };
        FileLine {
            row: subject.row,
            table: subject.table,
            number: subject.number,
            column: figure.column.saturating_add(1),
            resource: resource.map(|resource| resource.id),
            component: component.map(|component| component.component_type.clone()),
            period: subject.period,
            amount: below.unwrap_or(amount),
            more: (more != FileLineMore::default()).then(|| Box::new(more)),
        }
    }

    /// The resource as its row names it.
    fn called(&self, subject: usize) -> Option<Arc<str>> {
        let resource = &self.parsed.subjects[subject].resource;
        let names = [&resource.backend_id, &resource.slug, &resource.name];
        let named = names.into_iter().flatten().next();
        match (resource.uuid, named) {
            (Some(uuid), Some(named)) => Some(format!("{named} ({uuid})").into()),
            (Some(uuid), None) => Some(uuid.to_string().into()),
            (None, named) => named.cloned(),
        }
    }

    /// Says on each line what is at deny about it.
    fn attach_faults(&self, lines: &mut [FileLine]) {
        let is_kept = |finding: &&Finding| {
            finding.severity == Severity::Deny
                && matches!(bearing(finding.code), Bearing::OfRow | Bearing::OfFigure)
        };
        let mut of_rows: HashMap<RowIndex, Vec<&Finding>> = HashMap::new();
        for finding in self.findings.list().iter().filter(is_kept) {
            for row in &finding.rows {
                of_rows.entry(*row).or_default().push(finding);
            }
        }
        if of_rows.is_empty() {
            return;
        }
        let touched = lines.iter().filter(|line| of_rows.contains_key(&line.row));
        let amounts: HashSet<(RowIndex, u32)> = touched.map(|line| (line.row, line.column)).collect();
        let by_uuid = self.parsed.subjects.iter().filter(|subject| of_rows.contains_key(&subject.row));
        let by_uuid: HashMap<RowIndex, &Subject> =
            by_uuid.filter(|subject| subject.resource.uuid.is_some()).map(|own| (own.row, own)).collect();
        for line in lines {
            let Some(findings) = of_rows.get(&line.row) else { continue };
            let renamed = by_uuid.get(&line.row).filter(|own| !self.names_another(own, line.resource));
            let row = line.row;
            // A fault at the amount of another figure of the row is that figure's own.
            let is_about = |finding: &Finding, column: u32| {
                bearing(finding.code) == Bearing::OfRow || {
                    let at = finding.place.as_ref().and_then(crate::domain::Place::column);
                    at.is_none_or(|at| at == column || !amounts.contains(&(row, at)))
                }
            };
            let column = line.column;
            // The uuid is right, and the name is nobody's any more.
            let is_renamed = |finding: &Finding| renamed.is_some() && finding.code == Code::ResourceDisagrees;
            if let Some(finding) = findings.iter().find(|finding| is_renamed(finding)) {
                line.more.get_or_insert_default().spelt = Some(note(finding));
            }
            let own = findings.iter().filter(|own| is_about(own, column) && !is_renamed(own));
            let faults = own.map(|finding| LineFault { code: finding.code, note: note(finding) });
            let faults: Vec<LineFault> = faults.collect();
            if !faults.is_empty() {
                line.more.get_or_insert_default().faults.extend(faults);
            }
        }
    }

    /// Whether a row calls its resource as another one of its offering is called.
    fn names_another(&self, subject: &Subject, resource: Option<ResourceId>) -> bool {
        let Some(own) = resource.and_then(|id| self.catalogue.resource(id)) else { return true };
        NameKind::ALL.into_iter().any(|kind| {
            let claimed = kind.in_row(&subject.resource);
            let fits = claimed.map_or(&[][..], |claimed| self.catalogue.find(own.offering, kind, claimed));
            fits.iter().any(|id| *id != own.id)
        })
    }

    /// Marks lines of which several speak of one usage. Rows that each name another plan period speak of
    /// different parts of the month.
    fn mark_doubles(&self, lines: &mut [FileLine]) {
        let order = in_order_of_keys(lines);
        let mut doubles: Vec<(u32, Arc<str>)> = Vec::new();
        for group in order.chunk_by(|one, other| one.0 == other.0).filter(|group| group.len() > 1) {
            let mut group: Vec<u32> = group.iter().map(|(_, position)| *position).collect();
            group.sort_by_key(|position| lines[at(*position)].plan_period());
            // A row that names no plan period stands first, and speaks of the whole.
            let is_of_whole = lines[at(group[0])].plan_period().is_none();
            let parts = group.chunk_by(|one, other| {
                is_of_whole || lines[at(*one)].plan_period() == lines[at(*other)].plan_period()
            });
            for own in parts.filter(|own| own.len() > 1) {
                let note = self.told_doubles(lines, own);
                doubles.extend(own.iter().map(|position| (*position, note.clone())));
            }
        }
        for (position, note) in doubles {
            let fault = LineFault { code: Code::DuplicateKey, note };
            lines[at(position)].more.get_or_insert_default().faults.push(fault);
        }
    }

    fn told_doubles(&self, lines: &[FileLine], own: &[u32]) -> Arc<str> {
        let mut own = own.to_vec();
        own.sort_unstable();
        let amounts: Vec<String> =
            own.iter().take(21).map(|position| lines[at(*position)].amount.to_string()).collect();
        let amounts: Vec<&str> = amounts.iter().map(String::as_str).collect();
        let first = &lines[at(own[0])];
        let resource = first.resource.and_then(|id| self.catalogue.resource(id));
        let name = visible(resource.map_or("", |resource| &resource.name));
        let (rows, period) = (own.len(), first.period);
        format!("{rows} rows of {name}, {period}: {}; leave one, or add them up", listed(&amounts)).into()
    }
}

/// What is said of an amount that a factor of the user's took into the unit of its component.
fn by_factor(factor: &UnitFactor, own: &str) -> Arc<str> {
    format!("taken as {} by the factor {}", visible(own), visible(&factor.to_string())).into()
}

/// What is said of a component that the row spells in other letters.
fn spelt(named: &str, component: &Component, is_wide: bool) -> Option<Arc<str>> {
    let own = component.component_type.as_str();
    let is_other = !is_wide && named != own && named.eq_ignore_ascii_case(own);
    is_other.then(|| format!("{} is taken as the component {}", visible(named), visible(own)).into())
}

/// The positions of lines whose resource and component are known, those of one key beside each other.
fn in_order_of_keys(lines: &[FileLine]) -> Vec<(Key, u32)> {
    let mut keys = Keys::default();
    let mut order: Vec<(Key, u32)> = Vec::with_capacity(lines.len());
    order.extend(lines.iter().zip(0..).filter_map(|(line, at)| Some((keys.of(line)?, at))));
    order.sort_unstable();
    order
}

/// What a line speaks of, as small as it can be: numbers of resource and component, and the month.
type Key = (u32, u32, BillingPeriod);

/// Gives numbers to resources and components as they come. Lines of one resource often follow each other.
#[derive(Default)]
struct Keys<'l> {
    resources: HashMap<ResourceId, u32>,
    components: HashMap<&'l ComponentType, u32>,
    last: Option<(ResourceId, u32)>,
    last_component: Option<(&'l ComponentType, u32)>,
}

impl<'l> Keys<'l> {
    /// The key of a line; `None` where its resource or its component is not known.
    fn of(&mut self, line: &'l FileLine) -> Option<Key> {
        let (own, component) = (line.resource?, line.component.as_ref()?);
        let resource = match self.last {
            Some((last, known)) if last == own => known,
            _ => {
                let next = short(self.resources.len());
                *self.resources.entry(own).or_insert(next)
            }
        };
        self.last = Some((own, resource));
        let of_component = match self.last_component {
            Some((last, known)) if last == component => known,
            _ => {
                let next = short(self.components.len());
                *self.components.entry(component).or_insert(next)
            }
        };
        self.last_component = Some((component, of_component));
        Some((resource, of_component, line.period))
    }
}

/// A position in a list of lines.
fn at(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// What was found, what would have been right and what to do, in one sentence.
fn note(finding: &Finding) -> Arc<str> {
    let Finding { found, expected, hint, .. } = finding;
    match hint {
        Some(hint) => format!("{found}; expected {expected}; {hint}").into(),
        None => format!("{found}; expected {expected}").into(),
    }
}
