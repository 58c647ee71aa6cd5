//! Every figure against the catalogue; what is left is [`Usages`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{
    BillingPeriod, OfferingId, Place, ResourceId, ResourceState, Selector, fold, look_alike, nearest_few,
    visible,
};
use crate::findings::{Code, Finding, Findings, RowIndex};
use crate::mapping::Field;
use crate::parse::{Figure, Parsed, ResourceName, Subject, SubjectMore, listed};

use super::aliases::SettledAliases;
use super::capabilities::{Capabilities, CarryOverField};
use super::catalogue::{Catalogue, Component, NameKind, Resource};
use super::file_lines::FileLine;
use super::lines::Loose;
use super::people::{self, UserUsage, UserUsages};
use super::resources::{Found, IN_SCOPE, ResourceFinder, Via, did_you_mean};
use super::units::{At, Conversions, Measured};
use super::usages::{Usage, Usages};
use super::{beside, columns, columns::Headers};

/// What the user wants of the rows.
#[derive(Debug, Clone, Default)]
pub struct ResolveSettings {
    /// Only resources of these projects; all where empty.
    pub projects: Vec<Selector>,
    /// Only resources of these organisations; all where empty.
    pub customers: Vec<Selector>,
    /// Whether every figure is left as a line, with its faults, and none as a usage that can be posted.
    pub keeps_lines: bool,
}

impl ResolveSettings {
    /// Whether a resource is in the part of the scope that is wanted.
    pub fn wants(&self, resource: &Resource) -> bool {
        let picked = |list: &[Selector], id, name: &str| {
            list.is_empty() || list.iter().any(|selector| selector.picks(id, name))
        };
        picked(&self.projects, resource.project.uuid(), &resource.project_name)
            && picked(&self.customers, resource.customer.uuid(), &resource.customer_name)
    }
}

/// What resolving leaves.
pub struct Resolved {
    /// The figures of the rows that are not at deny.
    pub usages: Usages,
    /// The same of the rows that speak of one user.
    pub people: UserUsages,
    /// The resources that a row at deny speaks of.
    pub tainted: HashSet<ResourceId>,
    /// All figures that are compared, where they were to be kept.
    pub lines: Vec<FileLine>,
    /// How many rows speak of single users, where lines were to be kept.
    pub rows_of_users: usize,
}

/// Resolves all rows.
pub fn rows(
    parsed: &mut Parsed,
    catalogue: &Catalogue,
    capabilities: &Capabilities,
    settings: &ResolveSettings,
    aliases: &SettledAliases,
    findings: &mut Findings,
) -> Resolved {
    let mut figures = std::mem::take(&mut parsed.figures);
    figures.extend(columns::figures(parsed, catalogue, findings));
    columns::figures_unread(parsed, catalogue, findings);
    beside::take_units(parsed, &mut figures, catalogue, aliases, findings);
    let parsed = &mut *parsed;
    let mut finder = ResourceFinder::new(catalogue, aliases);
    let headers = Headers::new(catalogue);
    let component_hints = HashMap::new();
    let mut judge = Judge {
        parsed,
        catalogue,
        capabilities,
        settings,
        aliases,
        findings,
        headers,
        component_hints,
        loose: Vec::new(),
        filtered: HashSet::new(),
        by_alias: HashMap::new(),
        silent: None,
    };

    let resources = judge.subjects(&mut finder);
    figures.extend(judge.sums(&resources));
    if settings.keeps_lines {
        let (lines, rows_of_users) = judge.lines(&figures, &resources);
        judge.nothing_reported(&figures, &resources);
        let (usages, people, tainted) = (Usages::default(), UserUsages::default(), HashSet::new());
        return Resolved { usages, people, tainted, lines, rows_of_users };
    }
    let (usages, people) = judge.figures(&figures, &resources);
    judge.duplicates(&usages);
    people::duplicates(&people, catalogue, judge.findings);
    judge.nothing_reported(&figures, &resources);
    judge.seal(usages, people, &resources, &mut finder)
}

/// `1 row`, `2 rows`.
fn counted_rows(count: usize) -> String {
    format!("{count} {}", if count == 1 { "row" } else { "rows" })
}

pub(super) struct Judge<'a> {
    pub(super) parsed: &'a mut Parsed,
    pub(super) catalogue: &'a Catalogue,
    capabilities: &'a Capabilities,
    pub(super) settings: &'a ResolveSettings,
    pub(super) aliases: &'a SettledAliases,
    pub(super) findings: &'a mut Findings,
    headers: Headers,
    /// What is said of component types that an offering does not have; many rows have the same one.
    component_hints: HashMap<(OfferingId, Arc<str>), Option<String>>,
    /// Sums whose resource or component is not known.
    pub(super) loose: Vec<Loose>,
    /// The subjects of other projects and organisations, where lines are kept.
    pub(super) filtered: HashSet<usize>,
    /// What is said of subjects that an alias of the user's leads to, where lines are kept.
    pub(super) by_alias: HashMap<usize, Arc<str>>,
    /// A name of which nothing is to be said, and its resource.
    silent: Option<(Arc<ResourceName>, ResourceId)>,
}

/// The resource of each subject; `None` where it is not resolved or filtered out.
pub(super) type Resources<'a> = Vec<Option<&'a Resource>>;

impl<'a> Judge<'a> {
    pub(super) fn fault(&mut self, subject: usize, column: Option<usize>, finding: Finding) {
        let row = self.parsed.subjects[subject].row;
        let place = self.parsed.place(subject, column);
        self.findings.push(finding.at(place).row(row));
    }

    pub(super) fn fault_in(&mut self, subject: usize, field: Field, finding: Finding) {
        let table = &self.parsed.tables[self.parsed.subjects[subject].table()];
        self.fault(subject, table.column(field), finding);
    }

    fn subjects(&mut self, finder: &mut ResourceFinder<'a>) -> Resources<'a> {
        let (mut filtered, mut others) = (0_usize, 0_usize);
        let mut folded = FoldedNames::default();
        let mut resources = Vec::with_capacity(self.parsed.subjects.len());
        // Rows of one resource often follow each other, and share their name.
        let mut last: Option<(Arc<ResourceName>, Option<OfferingId>, Found<'a>)> = None;
        for index in 0..self.parsed.subjects.len() {
            let subject = &self.parsed.subjects[index];
            let offering = subject.more().offering;
            let found = match &last {
                Some((name, own, found)) if Arc::ptr_eq(name, &subject.resource) && *own == offering => {
                    Ok(*found)
                }
                _ => match finder.find(&subject.resource, offering) {
                    Ok(found) => {
                        last = Some((subject.resource.clone(), offering, found));
                        Ok(found)
                    }
                    Err(fault) => {
                        let payer = subject.more().money.as_deref().and_then(|money| money.customer.as_ref());
                        finder.find_of_payer(fault, &subject.resource, offering, payer)
                    }
                },
            };
            let found = match found {
                Ok(found) if !self.settings.wants(found.resource) => {
                    filtered += 1;
                    self.filtered.extend(self.settings.keeps_lines.then_some(index));
                    self.parsed.fates.filtered(subject.row);
                    None
                }
                Ok(found) => {
                    if found.via == Via::Folded {
                        folded.add(subject, found.resource);
                    }
                    self.remember_alias(index, found);
                    self.subject(index, found.resource, finder);
                    Some(found.resource)
                }
                // A comparison is of the scope, and what is known to lie beside it is no difference.
                Err((_, finding)) if self.settings.keeps_lines && finding.expected == IN_SCOPE => {
                    others += 1;
                    self.filtered.insert(index);
                    self.parsed.fates.filtered(subject.row);
                    None
                }
                Err((field, finding)) => {
                    self.unfound(index, field, finding);
                    None
                }
            };
            resources.push(found);
        }
        self.notes(finder);
        if others > 0 {
            let found = format!("{} of other offerings", counted_rows(others));
            let expected = "rows of those that --offering names";
            self.findings.push(Finding::new(Code::OutsideScope, found, expected));
        }
        if filtered > 0 {
            let found = format!("{} of other projects or organisations", counted_rows(filtered));
            let expected = "rows of those that --project and --customer name";
            self.findings.push(Finding::new(Code::OutsideScope, found, expected));
        }
        if let Some(finding) = folded.finding(self.parsed) {
            self.findings.push(finding);
        }
        resources
    }

    fn subject(&mut self, index: usize, resource: &Resource, finder: &ResourceFinder<'a>) {
        let subject = &self.parsed.subjects[index];
        let named = (subject.resource.clone(), resource.id);
        // Of the rows above that name the resource in the same way nothing was said, so nothing is of this one.
        let is_as_above =
            |(above, id): &(Arc<ResourceName>, ResourceId)| Arc::ptr_eq(above, &named.0) && *id == named.1;
        if subject.more.is_none() && self.silent.as_ref().is_some_and(is_as_above) {
            return;
        }
        let name = || visible(&resource.name);
        if !resource.state.takes_usage() {
            let found = format!("{} is {}", name(), visible(&resource.state.to_string()));
            let expected = "a resource in state OK, Updating or Terminating";
            let finding = Finding::new(Code::ResourceState, found, expected);
            let field = self.resource_field(index);
            self.fault_in(
                index,
                field,
                match resource.state {
                    ResourceState::Terminated => {
                        finding.hint("its usage can no longer be posted; settle it on the invoice")
                    }
                    _ => finding,
                },
            );
        } else if resource.plan.is_none() {
            let finding =
                Finding::new(Code::NoPlan, format!("{} has no plan", name()), "a resource with a plan");
            let field = self.resource_field(index);
            self.fault_in(index, field, finding);
        }
        let subject = &self.parsed.subjects[index];
        if subject.more().names_policy && self.capabilities.carry_over.value == CarryOverField::Recurring {
            let expected = "recurring, the only carry-over that this server knows";
            let finding = Finding::new(Code::CarryOverUnsupported, "missing_usage_policy", expected);
            self.fault_in(index, Field::MissingUsagePolicy, finding);
        }
        let disagreements = finder.disagreements(&named.0, resource);
        let is_silent = resource.state.takes_usage() && resource.plan.is_some() && disagreements.is_empty();
        for (field, finding) in disagreements {
            self.fault_in(index, field, finding);
        }
        let has_other_owners = self.other_owners(index, resource);
        self.only_of_totals(index);
        self.silent = (is_silent && !has_other_owners).then_some(named);
    }

    /// The table of another system may name the project and the organisation; whether others are named.
    fn other_owners(&mut self, index: usize, resource: &Resource) -> bool {
        let subject = &self.parsed.subjects[index];
        let others = ResourceFinder::other_owners(&subject.resource, resource);
        let has_others = !others.is_empty();
        for (is_project, finding) in others {
            let table = &self.parsed.tables[self.parsed.subjects[index].table()];
            let folded: Vec<String> = table.headers.iter().map(|header| fold(header)).collect();
            let columns = table.layout.records().map(|records| &records.resource);
            let column = columns.and_then(|own| {
                let column = if is_project { &own.project } else { &own.organisation };
                column.as_ref()?.find(&folded)
            });
            self.fault(index, column, finding);
        }
        has_others
    }

    /// The server keeps neither a note nor a carry-over of one user's usage.
    fn only_of_totals(&mut self, index: usize) {
        let (field, what) = match self.parsed.subjects[index].more() {
            SubjectMore { username: None, .. } => return,
            SubjectMore { description: Some(_), .. } => (Field::Description, "a description"),
            SubjectMore { carry_over: Some(_), names_policy: false, .. } => (Field::Recurring, "recurring"),
            SubjectMore { carry_over: Some(_), .. } => (Field::MissingUsagePolicy, "missing_usage_policy"),
            SubjectMore { .. } => return,
        };
        let expected = "nothing beside the amount of a user; it is ignored";
        self.fault_in(index, field, Finding::new(Code::UserFieldIgnored, what, expected));
    }

    fn resource_field(&self, index: usize) -> Field {
        self.parsed.subjects[index].resource.decisive_field().unwrap_or(Field::ResourceUuid)
    }

    /// The figures of the whole, each with its subject, and those of single users.
    fn figures(
        &mut self,
        figures: &[Figure],
        resources: &Resources<'_>,
    ) -> (Vec<(usize, Usage)>, Vec<UserUsage>) {
        let (mut usages, mut people) = (Vec::with_capacity(figures.len()), Vec::new());
        let mut conversions = Conversions::default();
        for figure in figures {
            let Some(resource) = resources[figure.subject()] else { continue };
            let Some(component) = self.component(figure, resource) else { continue };
            let Ok(measured) = self.measured(figure, component, &mut conversions) else { continue };
            // None is made that is below zero, unless lines are kept; such a figure is never a usage.
            if figure.is_negative {
                continue;
            }
            let Measured { amount, unrounded } = measured;
            let subject = &self.parsed.subjects[figure.subject()];
            let Subject { period, row, .. } = subject;
            let SubjectMore { plan_period, description, carry_over, username, .. } = subject.more();
            if let Some(username) = username {
                people.push(UserUsage {
                    resource: resource.id,
                    component: component.component_type.clone(),
                    period: *period,
                    plan_period: *plan_period,
                    username: username.clone(),
                    amount,
                    unrounded,
                    place: self.parsed.place(figure.subject(), Some(figure.column())),
                    row: *row,
                });
                continue;
            }
            let usage = Usage {
                resource: resource.id,
                component: component.component_type.clone(),
                period: *period,
                plan_period: *plan_period,
                amount,
                unrounded,
                description: description.clone(),
                carry_over: *carry_over,
                place: self.parsed.place(figure.subject(), Some(figure.column())),
                row: *row,
            };
            usages.push((figure.subject(), usage));
        }
        conversions.tell(self.findings);
        (usages, people)
    }

    /// The amount of a figure in the unit of its component, or what it is at fault with.
    pub(super) fn measured(
        &mut self,
        figure: &Figure,
        component: &Component,
        conversions: &mut Conversions,
    ) -> Result<Measured, Code> {
        let parsed = &self.parsed;
        let at =
            || (parsed.place(figure.subject(), Some(figure.column())), parsed.subjects[figure.subject()].row);
        match conversions.measure(figure, component, self.aliases, parsed.rounding, at) {
            Ok(measured) => Ok(measured),
            Err(fault) => {
                let (at, finding) = *fault;
                let code = finding.code;
                let column = match at {
                    At::Unit => figure.unit_column(),
                    At::Amount => figure.column(),
                };
                self.fault(figure.subject(), Some(column), finding);
                Err(code)
            }
        }
    }

    fn component(&mut self, figure: &Figure, resource: &Resource) -> Option<&'a Component> {
        let component = self.known_component(figure, resource)?;
        self.is_reportable(figure, component).then_some(component)
    }

    /// The component that a figure names, whether usage of it can be reported or not.
    pub(super) fn known_component(&mut self, figure: &Figure, resource: &Resource) -> Option<&'a Component> {
        let offering = self.catalogue.offering(resource.offering)?;
        let is_wide = self.is_wide(figure);
        let wanted = if is_wide {
            self.headers.component(offering.id, &figure.component).unwrap_or(&figure.component)
        } else {
            &figure.component
        };
        let all = offering.components.iter();
        let found = all.clone().find(|component| component.component_type.as_str() == wanted);
        // A comparison says it on the line; what is posted has to be spelt as the server spells it.
        let found = found.or_else(|| {
            let is_like = |own: &&Component| own.component_type.as_str().eq_ignore_ascii_case(wanted);
            let mut alike = all.filter(|own| self.settings.keeps_lines && is_like(own));
            let only = alike.next()?;
            alike.next().is_none().then_some(only)
        });
        let Some(component) = found else {
            let types: Vec<&str> =
                offering.components.iter().map(|component| component.component_type.as_str()).collect();
            let expected = format!("one of {} ({})", visible(&types.join(", ")), visible(&offering.name));
            let finding =
                Finding::new(Code::UnknownComponent, visible(&figure.component).to_string(), expected);
            let key = (offering.id, figure.component.clone());
            let hint =
                self.component_hints.entry(key).or_insert_with(|| component_hint(&figure.component, &types));
            let finding = match hint.clone() {
                Some(hint) => finding.hint(hint),
                None => finding,
            };
            self.component_fault(figure, is_wide, finding);
            return None;
        };
        Some(component)
    }

    pub(super) fn is_wide(&self, figure: &Figure) -> bool {
        let table = self.parsed.subjects[figure.subject()].table();
        self.parsed.tables[table].column(Field::ComponentType).is_none()
    }

    /// Whether usage of a component can be reported; it is told where not.
    pub(super) fn is_reportable(&mut self, figure: &Figure, component: &Component) -> bool {
        if !component.is_reportable() {
            let found = format!(
                "{} is billed as {}",
                component.component_type,
                visible(&component.billing_type.to_string())
            );
            let finding = Finding::new(Code::NotReportable, found, "a component billed by usage or by limit");
            let is_wide = self.is_wide(figure);
            self.component_fault(figure, is_wide, finding);
            return false;
        }
        true
    }

    fn component_fault(&mut self, figure: &Figure, is_wide: bool, finding: Finding) {
        if is_wide {
            self.fault(figure.subject(), Some(figure.column()), finding);
        } else {
            self.fault_in(figure.subject(), Field::ComponentType, finding);
        }
    }

    /// The server would keep the last of them without a word. Rows that each name another plan period
    /// speak of different parts of the month.
    fn duplicates(&mut self, usages: &[(usize, Usage)]) {
        let mut seen: HashMap<(ResourceId, &str, BillingPeriod), Vec<usize>> =
            HashMap::with_capacity(usages.len());
        let mut groups: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut group_of: HashMap<usize, usize> = HashMap::new();
        let collide = |one: &Usage, other: &Usage| match (one.plan_period, other.plan_period) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        for (index, (_, usage)) in usages.iter().enumerate() {
            let earlier = seen.entry((usage.resource, usage.component.as_str(), usage.period)).or_default();
            if let Some(&first) = earlier.iter().find(|&&at| collide(&usages[at].1, usage)) {
                let group = *group_of.entry(first).or_insert_with(|| {
                    groups.push((first, Vec::new()));
                    groups.len() - 1
                });
                groups[group].1.push(index);
            } else {
                earlier.push(index);
            }
        }
        for (first, others) in groups {
            let usage = &usages[first].1;
            let amounts: Vec<String> = std::iter::once(first)
                .chain(others.iter().copied())
                .map(|at| usages[at].1.amount.to_string())
                .collect();
            let resource = self.catalogue.resource(usage.resource).map_or("", |resource| &resource.name);
            let found = format!(
                "{} rows for {} of {}, {}: {}",
                amounts.len(),
                usage.component,
                visible(resource),
                usage.period,
                listed(&amounts.iter().map(String::as_str).collect::<Vec<_>>())
            );
            let mut finding =
                Finding::new(Code::DuplicateKey, found, "one row; add them up or take the others out")
                    .at(usage.place.clone())
                    .row(usage.row);
            for other in others {
                let other = &usages[other].1;
                finding = finding.also(other.place.clone(), other.row);
            }
            self.findings.push(finding);
        }
    }

    /// Rows of the wide form with a resource and a month and no figure.
    fn nothing_reported(&mut self, figures: &[Figure], resources: &Resources<'_>) {
        let mut has_figure = vec![false; self.parsed.subjects.len()];
        for figure in figures {
            has_figure[figure.subject()] = true;
        }
        let faulty: HashSet<RowIndex> = self.findings.faulty_rows().collect();
        for (index, has_figure) in has_figure.into_iter().enumerate() {
            let row = self.parsed.subjects[index].row;
            let is_record =
                self.parsed.tables[self.parsed.subjects[index].table()].layout.records().is_some();
            if !has_figure && !is_record && resources[index].is_some() && !faulty.contains(&row) {
                self.parsed.fates.blank(row);
                let finding =
                    Finding::new(Code::BlankAmount, "no amount", "an amount; 0 reports a usage of zero");
                let place: Place = self.parsed.place(index, None);
                self.findings.push(finding.at(place));
            }
        }
    }

    /// Leaves the rows at deny behind and counts.
    fn seal(
        self,
        usages: Vec<(usize, Usage)>,
        mut people: Vec<UserUsage>,
        resources: &Resources<'a>,
        finder: &mut ResourceFinder<'a>,
    ) -> Resolved {
        let faulty: HashSet<RowIndex> = self.findings.faulty_rows().collect();
        let mut tainted = HashSet::new();
        for &row in &faulty {
            self.parsed.fates.faulty(row);
        }
        for (subject, resource) in self.parsed.subjects.iter().zip(resources) {
            if let (true, Some(resource)) = (faulty.contains(&subject.row), resource) {
                tainted.insert(resource.id);
            }
        }
        for (_, name, offering) in &self.parsed.faulty {
            if let Ok(found) = finder.find(name, *offering) {
                tainted.insert(found.resource.id);
            }
        }
        let list =
            usages.into_iter().map(|(_, usage)| usage).filter(|usage| !faulty.contains(&usage.row)).collect();
        people.retain(|usage| !faulty.contains(&usage.row));
        let (usages, people) = (Usages::new(list), UserUsages::new(people));
        Resolved { usages, people, tainted, lines: Vec::new(), rows_of_users: 0 }
    }
}

/// What may have been meant by a component type that is none of these.
fn component_hint(text: &str, types: &[&str]) -> Option<String> {
    match types.iter().find_map(|known| look_alike(text, known)) {
        Some(said) => Some(format!("it looks right and is not: {said}")),
        None => did_you_mean(&nearest_few(text, types.iter().copied(), 3)),
    }
}

/// Names that are the server's but for case, blanks and dashes.
#[derive(Default)]
struct FoldedNames {
    rows: Vec<RowIndex>,
    /// The table and row of the first one.
    first: Option<(usize, u32, Field)>,
    /// What is written, and what the server has.
    pairs: BTreeMap<String, String>,
}

impl FoldedNames {
    fn add(&mut self, subject: &Subject, resource: &Resource) {
        let Some((field, text)) = subject.resource.decisive() else { return };
        self.rows.push(subject.row);
        self.first.get_or_insert((subject.table(), subject.number, field));
        if self.pairs.len() < 4 {
            let actual = NameKind::of_field(field).map_or("", |kind| kind.of(resource));
            self.pairs.insert(text, actual.to_owned());
        }
    }

    fn finding(self, parsed: &Parsed) -> Option<Finding> {
        let (table, row, field) = self.first?;
        let pairs: Vec<String> = self
            .pairs
            .iter()
            .take(3)
            .map(|(text, actual)| format!("{} for {}", visible(text), visible(actual)))
            .collect();
        let more = if self.pairs.len() > 3 { ", …" } else { "" };
        let rows = if self.rows.len() == 1 { "row" } else { "rows" };
        let found = format!("{} {rows}, {}{more}", self.rows.len(), pairs.join(", "));
        let expected = "the name as the server has it; they are the same but for case, blanks and dashes";
        let table = &parsed.tables[table];
        let mut finding = Finding::new(Code::NameFolded, found, expected);
        finding.place = Some(table.place(row, table.column(field)));
        finding.rows = self.rows;
        Some(finding)
    }
}
