//! From the sides to the report: rows to keys, keys to lines, lines to totals.
//!
//! Keys are joined by sorting. What comes out does not depend on the order in which rows come in, nor
//! on threads: the two sides are sorted at the same time, and everything else is done in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use jiff::tz::TimeZone;

use crate::domain::{Amount, BillingPeriod, ComponentType, PeriodRange, fold_name};
use crate::findings::Code;
use crate::resolve::{Catalogue, FileLine, FileLineMore};

use super::cells::Calendar;
use super::class::Class;
use super::invoice_totals::invoice_totals;
use super::invoiced::Invoices;
use super::judge::Judge;
use super::left_out::LeftOutKeys;
use super::names::{Names, Renumbered, Settled};
use super::notes::Notes;
use super::remarks;
use super::report::{CellPlace, Line, Report};
use super::rows::{FileRow, Key, RowMore, ServerRow, at, take_each};
use super::rules::{Applied, Converted, Rules};
use super::sides::{Compared, FileSide, InvoiceSide};
use super::sift::{InOrder, Side, by_subject, pair};
use super::stored::StoredSide;
use super::totals::{self, AsRead, add};
use super::unlisted;
use super::verdict::verdict;

/// Compares the sides by the rules.
///
/// Every key of any side becomes exactly one line of exactly one primary class, and the proof holds
/// unless sums leave the range of amounts.
pub fn reconcile(compared: Compared<'_>, rules: &Rules) -> Report {
    let Compared { made, mut header, catalogue, periods, file, stored, invoices } = compared;
    let has_file = header.sides.has_file();
    let today = made.at.to_zoned(TimeZone::UTC).date();
    let first = periods.months().next();
    let before = first.and_then(BillingPeriod::previous);
    let was_read = stored.rows.iter().any(|row| Some(row.key.period) == before);
    // Neither side knows what the other one names, and both can be of millions.
    let FileSide { lines, tables, skipped, left_out } = file.unwrap_or_default();
    let mut own = Intake::new(catalogue, (periods, before));
    let (taken, server_rows, billed) = thread::scope(|scope| {
        let taken = scope.spawn(|| {
            let intake = Intake::new(catalogue, (periods, before));
            FileIntake { intake, rules: Applied::new(rules, today), in_file: BTreeSet::new() }.all(lines)
        });
        let billed = own.bills(&invoices);
        let server_rows = own.server(stored);
        (taken.join().unwrap_or_else(|panic| resume_unwind(panic)), server_rows, billed)
    });
    let (file_rows, FileIntake { intake: theirs, rules: applied, in_file }) = taken;
    let Intake { mut names, read: given, .. } = own;
    let renumbered = names.take_in(theirs.names);
    let settled = names.settle();
    let mut read = vec![AsRead::default(); settled.components.len()];
    let of_file = theirs.read.into_iter().zip(0..).map(|(sums, own)| (sums, renumbered.component(own)));
    for (sums, number) in given.into_iter().zip(0..).chain(of_file) {
        if let Some(slot) = read.get_mut(at(settled.numbers.component(number))) {
            slot.take_in(&sums);
        }
    }
    let mut rows = Rows { file: file_rows, server: server_rows, billed };
    rows.sort(&settled, &renumbered);
    let (organisations, number_of) = totals::organisations_of(&settled.subjects);
    let mut judge = Judge {
        catalogue,
        sides: header.sides,
        is_saved: header.server_rows.is_some(),
        currency: header.currency.as_ref().map(|own| own.currency),
        settled: &settled,
        types: settled.components.iter().map(|own| own.component.parse().ok()).collect(),
        organisations: number_of,
        rules: applied,
        invoices: Invoices::new(catalogue, &invoices),
        notes: Notes::default(),
        stated: HashMap::new(),
        plan_prices: HashMap::new(),
        organisation_names: Arc::new(
            catalogue.resources().map(|own| fold_name(&own.customer_name)).collect(),
        ),
    };
    judge.rules.settle(&settled.subjects);
    rows.see_conversions(&mut judge, periods);
    let left_out = LeftOutKeys::new(left_out);
    let mut lines = rows.lines(&mut judge, &Calendar { periods, in_file }, &left_out);
    let Judge { organisations: number_of, rules: applied, notes, stated: money, .. } = judge;
    let own_rule = applied.own_rule();
    header.rules = applied.into_uses();
    let invoices = invoice_totals(&invoices, catalogue, &organisations, &money);
    let Settled { subjects, components, .. } = settled;
    if header.server_rows.is_some() {
        let lacking = remarks::lacking(&mut lines, &components);
        if !lacking.is_empty() {
            lines.sort_by_key(|line| (!line.class.is_break(), line.class == Class::Match, line.class));
        }
        header.remarks.extend(lacking);
    }
    // Each of these goes over all lines, and few of them hang on another.
    let (totals, verdict) = thread::scope(|scope| {
        let totals = scope.spawn(|| {
            let proof = totals::proof(&lines, &components, &read, has_file);
            let organisations = totals::organisations(&lines, (organisations, &number_of), &money);
            (proof, totals::classes(&lines), organisations)
        });
        header.remarks.extend(remarks::of_rules(rules, catalogue, &subjects, &components));
        header.remarks.extend(remarks::of_ignored(&lines, own_rule));
        header.remarks.extend(remarks::of_doubts(&lines));
        header.remarks.extend(remarks::of_invoices(&invoices));
        header.remarks.sort_by_key(|remark| (std::cmp::Reverse(remark.weight), remark.kind));
        let verdict = verdict(&lines, &header, skipped.len());
        (totals.join().unwrap_or_else(|panic| resume_unwind(panic)), verdict)
    });
    let (proof, classes, organisations) = totals;
    Report {
        made,
        verdict,
        classes,
        proof,
        organisations,
        invoices,
        trend: totals::trend(&components, &read, has_file, was_read),
        header,
        lines,
        subjects,
        components,
        tables,
        notes: notes.into_texts(),
        skipped,
    }
}

/// Takes the rows of a side in: gives them numbers, and adds their amounts up as they come.
struct Intake<'a> {
    catalogue: &'a Catalogue,
    names: Names<'a>,
    read: Vec<AsRead>,
    periods: PeriodRange,
    before: Option<BillingPeriod>,
}

/// The same of a file, whose rows rules have a say about.
struct FileIntake<'a, 'r> {
    intake: Intake<'a>,
    rules: Applied<'r>,
    /// The months of which the file says something.
    in_file: BTreeSet<BillingPeriod>,
}

impl<'a> Intake<'a> {
    fn new(catalogue: &'a Catalogue, (periods, before): (PeriodRange, Option<BillingPeriod>)) -> Self {
        Self { catalogue, names: Names::new(catalogue), read: Vec::new(), periods, before }
    }

    fn sums(&mut self, component: u32) -> &mut AsRead {
        let place = at(component);
        if place >= self.read.len() {
            self.read.resize(place.saturating_add(1), AsRead::default());
        }
        &mut self.read[place]
    }

    /// The keys of the lines of invoices.
    fn bills(&mut self, months: &BTreeMap<BillingPeriod, InvoiceSide>) -> Vec<Key> {
        let mut keys = Vec::new();
        let periods = self.periods;
        for (period, side) in months.iter().filter(|(period, _)| periods.contains(**period)) {
            for line in side.seen.all_lines().filter(|line| !side.beside.contains(&line.resource)) {
                let subject = self.names.resource(line.resource);
                let component = self.names.component(line.resource, &line.component);
                add(&mut self.sums(component).billed, line.quantity);
                keys.push(Key { subject, component, period: *period });
            }
        }
        keys
    }

    /// Gives the stored rows the numbers of what they name, in their place, and adds them up.
    fn server(&mut self, stored: StoredSide) -> Vec<ServerRow> {
        let StoredSide { resources, components, mut rows, .. } = stored;
        // What was left out again has no number.
        let mut subjects: Vec<Option<(u32, usize)>> = vec![None; resources.len()];
        let mut numbers: HashMap<(usize, u32), u32> = HashMap::new();
        let mut last = None;
        for row in &mut rows {
            let Key { subject: resource, component, period } = row.key;
            let (subject, offering) = *subjects[at(resource)].get_or_insert_with(|| {
                let (subject, _, offering) = self.names.known(resources[at(resource)]);
                (subject, offering)
            });
            // What the row before has is looked up without asking for it.
            let component = match last {
                Some((asked, known)) if asked == (offering, component) => known,
                _ => *numbers.entry((offering, component)).or_insert_with(|| {
                    self.names.component(resources[at(resource)], &components[at(component)])
                }),
            };
            last = Some(((offering, row.key.component), component));
            row.key = Key { subject, component, period };
            let (is_in, is_before) = (self.periods.contains(period), self.before == Some(period));
            let sums = self.sums(component);
            if is_in {
                add(&mut sums.server, row.amount);
            } else if is_before {
                add(&mut sums.last_month, row.amount);
            }
        }
        rows
    }
}

impl FileIntake<'_, '_> {
    fn all(mut self, lines: Vec<FileLine>) -> (Vec<FileRow>, Self) {
        let mut rows = Vec::with_capacity(lines.len());
        take_each(lines, |line| rows.push(self.row(line)));
        (rows, self)
    }

    fn row(&mut self, mut line: FileLine) -> FileRow {
        let converted = line.more.is_some().then(|| self.convert(&mut line)).flatten();
        let Self { intake, in_file, .. } = self;
        line.resource = line.resource.or_else(|| unlisted::named(intake.catalogue, line.more.as_deref()));
        let more = line.more.as_deref();
        let subject = match line.resource {
            Some(id) => intake.names.resource(id),
            None => intake.names.text(&more.and_then(|more| more.resource.clone()).unwrap_or_default()),
        };
        let component = match (line.resource, &line.component) {
            (Some(resource), Some(component)) => intake.names.component(resource, component),
            (_, known) => {
                let text = known.as_ref().map(ComponentType::as_str);
                let text = text.or_else(|| more.and_then(|more| more.component.as_deref()));
                let unit = more.and_then(|more| more.unit.as_ref());
                intake.names.foreign_component(text.unwrap_or_default(), unit)
            }
        };
        in_file.insert(line.period);
        if intake.periods.contains(line.period) {
            add(&mut intake.sums(component).file, line.amount);
        }
        let more = line.more.map(|line| Box::new(RowMore { line: *line, converted }));
        FileRow {
            key: Key { subject, component, period: line.period },
            cell: CellPlace { table: line.table, row: line.number, column: line.column },
            amount: line.amount,
            more,
        }
    }

    /// Takes an amount into the unit of its component where a rule says how; tells which rule.
    fn convert(&mut self, line: &mut FileLine) -> Option<u32> {
        let more: &mut FileLineMore = line.more.as_deref_mut()?;
        let offering = self.intake.catalogue.resource(line.resource?)?.offering;
        let own = self.intake.names.unit_of(offering, line.component.as_ref()?.as_str())?;
        let (rule, converted) = self.rules.convert(more.unit.as_deref()?, &own, line.amount)?;
        let name = self.rules.name(rule);
        let fault = more.faults.iter_mut().find(|fault| fault.code == Code::UnitMismatch);
        match (converted, fault) {
            (Converted::To(amount), _) => {
                more.written.get_or_insert(line.amount);
                line.amount = amount;
                more.unit = None;
                more.faults.retain(|fault| fault.code != Code::UnitMismatch);
                return Some(rule);
            }
            (Converted::NoLastDigit, Some(fault)) => {
                let text = format!("the rule {name} makes no exact amount of it; add round to the rule");
                fault.note = text.into();
            }
            (Converted::TooLarge, Some(fault)) => {
                fault.note = format!("the rule {name} makes more of it than an amount can be").into();
            }
            (Converted::NoLastDigit | Converted::TooLarge, None) => {}
        }
        None
    }
}

/// The rows of all sides.
struct Rows {
    file: Vec<FileRow>,
    server: Vec<ServerRow>,
    billed: Vec<Key>,
}

impl Rows {
    /// Puts the rows into the order of their settled keys.
    fn sort(&mut self, settled: &Settled, of_file: &Renumbered) {
        let settle = |key: &mut Key| {
            key.subject = settled.numbers.subject(key.subject);
            key.component = settled.numbers.component(key.component);
        };
        let subjects = settled.subjects.len();
        let Self { file, server, billed } = self;
        thread::scope(|scope| {
            scope.spawn(|| {
                for Key { subject, component, .. } in file.iter_mut().map(|row| &mut row.key) {
                    *subject = settled.numbers.subject(of_file.subject(*subject));
                    *component = settled.numbers.component(of_file.component(*component));
                }
                *file = by_subject(std::mem::take(file), subjects, |row| row.key.subject);
                let own = file.chunk_by_mut(|one, other| one.key.subject == other.key.subject);
                own.for_each(|rows| rows.sort_unstable_by_key(|row| (row.key, row.cell)));
            });
            for row in server.iter_mut() {
                settle(&mut row.key);
            }
            *server = by_subject(std::mem::take(server), subjects, |row| row.key.subject);
            let own = server.chunk_by_mut(|one, other| one.key.subject == other.key.subject);
            own.for_each(|rows| rows.sort_unstable_by_key(|row| (row.key, row.id)));
        });
        billed.iter_mut().for_each(settle);
        billed.sort_unstable();
        billed.dedup();
    }

    /// Lets all keys that are billed say how quantities stand to usages, before any is judged.
    fn see_conversions(&self, judge: &mut Judge<'_, '_>, periods: PeriodRange) {
        if self.billed.is_empty() {
            return;
        }
        for rows in self.server.chunk_by(|one, other| one.key == other.key) {
            let Some(key) = rows.first().map(|row| row.key).filter(|key| periods.contains(key.period)) else {
                continue;
            };
            let resource = judge.settled.subjects.get(at(key.subject)).and_then(|own| own.resource_uuid);
            let component = judge.types.get(at(key.component)).cloned().flatten();
            let usage = Amount::total(rows.iter().map(|row| row.amount));
            if let (Some(resource), Some(component), Some(usage)) = (resource, component, usage) {
                judge.invoices.see(resource, (key.component, &component), key.period, usage);
            }
        }
    }

    fn all(&self) -> Side<'_> {
        Side { file: &self.file, server: &self.server, billed: &self.billed }
    }

    /// Keeps the rows of some resources and components alone; these are in order, as the rows are.
    fn keep(&mut self, pairs: &[(u32, u32)]) {
        let Self { file, server, billed } = self;
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut wanted = InOrder(pairs);
                file.retain(|row| wanted.has(pair(row.key)));
                file.shrink_to_fit();
            });
            let mut wanted = InOrder(pairs);
            server.retain(|row| wanted.has(pair(row.key)));
            server.shrink_to_fit();
        });
        let mut wanted = InOrder(pairs);
        billed.retain(|key| wanted.has(pair(*key)));
    }

    /// The lines in order: breaks by class, then all matches. Nearly all keys of large files are plain matches,
    /// which hang on nothing but their own rows, so they are told apart first, on two threads.
    fn lines(mut self, judge: &mut Judge<'_, '_>, calendar: &Calendar, left_out: &LeftOutKeys) -> Vec<Line> {
        let (one, other) = self.all().halves();
        let plain = judge.plain();
        let (all, half) = (self.file.len().max(self.server.len()), self.file.len() / 2);
        let (mut one, mut other) = thread::scope(|scope| {
            let other = scope.spawn(|| other.sift(&plain, calendar, half));
            // The lines of the other half, and all that is no match, are put behind these.
            (one.sift(&plain, calendar, all), other.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        one.pairs.append(&mut other.pairs);
        // What is settled gives its memory back before the lists of lines are put together.
        self.keep(&one.pairs);
        let mut lines = one.matches;
        lines.append(&mut other.matches);
        drop(other);
        let (mut others, mut cells) = (Vec::new(), Vec::new());
        let (plain_matches, mut is_sorted) = (lines.len(), true);
        let mut rest = self.all();
        while let Some(side) = rest.next() {
            let (Some(group), months) = (side.group(), side.months()) else { continue };
            group.cells(&months, calendar, &mut cells);
            let plain = judge.plain();
            let own = cells.iter().filter(|cell| cell.is_compared && !plain.takes(&group, cell));
            for cell in own {
                let mut line = judge.line(&group, cell);
                unlisted::settle(&mut line, judge);
                left_out.settle(&mut line, judge);
                name_ignored(&mut line);
                name_spelt(&mut line, &group.file[cell.file.clone()], &mut judge.notes);
                if line.class == Class::Match {
                    is_sorted = plain_matches == 0;
                    lines.push(line);
                } else {
                    others.push(line);
                }
            }
        }
        if !is_sorted {
            lines.sort_by_key(|line| (line.subject, line.component, line.period));
        }
        others.sort_unstable_by_key(order);
        // The matches move once, within their own list: a second one of millions of lines takes longer.
        lines.reserve_exact(others.len());
        lines.splice(0..0, others);
        lines
    }
}

/// Says how a row names what it speaks of, where nothing else is to be said of the line.
fn name_spelt(line: &mut Line, rows: &[FileRow], notes: &mut Notes) {
    let spelt = || rows.iter().find_map(|row| row.more.as_deref()?.line.spelt.clone());
    if line.more.as_deref().is_none_or(|more| more.note.is_none())
        && let Some(spelt) = spelt()
    {
        line.more.get_or_insert_default().note = Some(notes.number(&spelt));
    }
}

/// What a rule leaves alone stays named: amounts that differ are told beside it.
fn name_ignored(line: &mut Line) {
    let is_both = line.file.is_some() && line.server.is_some();
    if line.class == Class::Ignored && is_both && line.file != line.server && line.also.is_empty() {
        line.also.add(Class::Amount);
    }
}

/// Breaks first, by class; then by what the lines speak of.
fn order(line: &Line) -> impl Ord + use<> {
    (!line.class.is_break(), line.class, line.subject, line.component, line.period)
}
