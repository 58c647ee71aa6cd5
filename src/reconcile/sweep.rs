//! A million random rows: the proof holds, each key stands once, and order and threads change nothing.
//!
//! `WALDUR_USAGE_SWEEP=full` draws all of them, the short form ten thousand.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::worlds::{Sides3, amount, catalogue, component, fault, month, named, priced};
use super::*;
use crate::domain::{Amount, BillingPeriod, CarryOver, PlanPeriodId};
use crate::findings::Code;
use crate::plan::InvoiceState;

const COMPONENTS: [&str; 4] = ["cpu", "ram", "disk", "seats"];
const MONTHS: [&str; 5] = ["2026-09", "2026-10", "2026-11", "2026-12", "2027-01"];
const RULES: &str = "[[tolerance]]\nabsolute = \"0.05\"\nrelative = \"0.5%\"\n\
    [[tolerance]]\ncomponent = \"ram\"\nmoney = \"0.10\"\n\
    [[ignore]]\ncomponent = \"disk\"\nclass = \"amount\"\nreason = \"r\"\nuntil = 2030-01-01\n\
    [[ignore]]\nresource = \"resource-3\"\nreason = \"r\"\nuntil = 2026-12-01\n\
    [[unit]]\nfrom = \"min\"\nto = \"hours\"\nfactor = \"1/60\"\nround = \"half-up\"\n";

/// An amount that is often the other one, or something that is often taken for it.
fn near(random: &mut fastrand::Rng, text: &str) -> String {
    let value = amount(text);
    let times = |by: i64| crate::domain::times(value, by).unwrap_or(value).to_string();
    match random.u32(..20) {
        0 => times(60),
        1 => times(1024),
        2 => times(-1),
        3 => times(0),
        4 => value.checked_add(amount("0.05")).unwrap().to_string(),
        5 => value.checked_add(amount("0.0000000001")).unwrap().to_string(),
        6 => text.chars().rev().filter(char::is_ascii_digit).collect(),
        7 | 8 => {
            let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
            let (head, rest) = whole.split_at(whole.len().min(2));
            format!("{}{rest}.{cents}", head.chars().rev().collect::<String>())
        }
        _ => text.to_owned(),
    }
}

fn draw(random: &mut fastrand::Rng) -> String {
    match random.u32(..10) {
        0 => "0".to_owned(),
        1 => format!("{}.{:010}", random.u64(..1000), random.u64(..10_000_000_000)),
        2 => "123456789012345.25".to_owned(),
        _ => format!("{}.{:02}", random.u64(..100_000), random.u64(..100)),
    }
}

/// A world of so many rows, from a seed.
fn world(seed: u64, rows: usize) -> Sides3 {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut sides = Sides3::new("2026-10..2026-12");
    let resources = u32::try_from(rows / 12 + 2).unwrap();
    sides.catalogue = catalogue(resources);
    sides.sides =
        [super::Sides::FileAndServer, super::Sides::FileServerAndInvoices, super::Sides::ServerAndInvoices]
            [usize::try_from(seed % 3).unwrap()];
    for (period, state) in [
        ("2026-10", InvoiceState::Created),
        ("2026-11", InvoiceState::Pending),
        ("2026-12", InvoiceState::Canceled),
    ] {
        if random.u32(..4) > 0 {
            sides.invoiced(period, &state);
        }
    }
    let mut made = 0;
    while made < rows {
        // Some resources are not in the catalogue.
        let resource = random.u32(..resources + 2);
        let of = *random.choice(COMPONENTS.iter()).unwrap();
        let first = random.usize(..MONTHS.len());
        let text = draw(&mut random);
        for period in MONTHS.iter().skip(first).take(random.usize(1..4)) {
            let is_compared = sides.periods.contains(month(period));
            for _ in 0..[1, 1, 1, 1, 2, 0][random.usize(..6)] {
                let own = near(&mut random, &text);
                let row = sides.stores(resource, of, period, &own);
                row.carry_over = [CarryOver::None, CarryOver::Reuse, CarryOver::Zero][random.usize(..3)];
                row.modified_by = random.bool().then_some(7);
                made += 1;
            }
            if is_compared && random.u32(..4) > 0 {
                let own = near(&mut random, &text);
                sides.bills(resource, of, period, &own, "0.125");
                made += 1;
            }
            for _ in 0..[1, 1, 1, 1, 2, 0][random.usize(..6)] {
                let own = near(&mut random, &text);
                state(&mut random, &mut sides, (resource, of, period), &own);
                made += 1;
            }
        }
    }
    sides
}

fn state(
    random: &mut fastrand::Rng,
    sides: &mut Sides3,
    (resource, of, period): (u32, &str, &str),
    text: &str,
) {
    let line = sides.states(resource, of, period, text);
    if random.u32(..8) == 0 {
        let id = uuid::Uuid::from_u128(u128::from(random.u32(..3)));
        line.more.get_or_insert_default().plan_period = Some(PlanPeriodId::new(id));
    }
    if random.u32(..6) == 0 {
        let own = |random: &mut fastrand::Rng| random.bool().then_some("1.25");
        let (unit_price, price) = (own(random), own(random));
        let currency = [None, Some("EUR"), Some("USD")][random.usize(..3)];
        priced(line, unit_price, price, currency);
    }
    match random.u32(..30) {
        0 => {
            named(line, Some(["nobody", "somebody"][random.usize(..2)]), None, None);
            fault(line, Code::UnknownResource, "no such resource");
        }
        1 => {
            named(line, None, Some("fpga"), [None, Some("h")][random.usize(..2)]);
            fault(line, Code::UnknownComponent, "no such component");
        }
        2 => {
            named(line, None, None, Some(["min", "Hours", "days"][random.usize(..3)]));
            fault(line, Code::UnitMismatch, "another unit");
        }
        3 => fault(line, Code::ResourceState, "terminated"),
        4 => fault(line, Code::DuplicateKey, "twice"),
        5 => fault(line, Code::AmbiguousResource, "two of them"),
        _ => {}
    }
}

fn shuffled(mut sides: Sides3, seed: u64) -> Sides3 {
    let mut random = fastrand::Rng::with_seed(seed);
    random.shuffle(&mut sides.lines);
    random.shuffle(&mut sides.stored);
    random.shuffle(&mut sides.around);
    sides
}

/// Everything of a report that its lines and totals say.
fn all_of(report: &Report) -> String {
    let Report { header, verdict, classes, proof, lines, subjects, components, notes, .. } = report;
    let Report { organisations, invoices, trend, .. } = report;
    format!(
        "{header:?}{verdict:?}{classes:?}{proof:?}{lines:?}{subjects:?}{components:?}{notes:?}\
         {organisations:?}{invoices:?}{trend:?}"
    )
}

type Place = (Option<crate::domain::ResourceId>, String, String, BillingPeriod);

#[test]
fn the_proof_holds_over_random_rows_in_any_order() {
    let is_full = std::env::var("WALDUR_USAGE_SWEEP").is_ok_and(|sweep| sweep == "full");
    let (worlds, rows) = if is_full { (100, 10_000) } else { (20, 500) };
    let rules = Rules::parse(RULES).unwrap();
    let mut seen = BTreeMap::new();
    for seed in 0..worlds {
        let sides = world(seed, rows);
        let has_file = sides.sides.has_file();
        let stored: Vec<_> = sides.stored.iter().map(|row| (row.component.clone(), row.amount)).collect();
        let report = sides.report(&rules);
        assert!(report.proof.holds(), "seed {seed}: {:?}", report.proof);

        // The totals by another way: only known components have stored rows, each in one unit.
        for of in COMPONENTS {
            let rows = report.proof.rows.iter().filter(|row| *row.measured.component == *of);
            let server = Amount::total(rows.map(|row| row.server)).unwrap();
            let read = stored.iter().filter(|(own, _)| *own == component(of)).map(|(_, amount)| *amount);
            assert_eq!(Some(server), Amount::total(read), "seed {seed}: {of}");
        }

        let mut places: BTreeSet<Place> = BTreeSet::new();
        for view in report.views() {
            let line = (view.subject.resource_uuid, view.subject.resource.to_string());
            let of = format!("{} {}", view.measured.component, view.measured.unit);
            assert!(places.insert((line.0, line.1, of, view.line.period)), "seed {seed}: twice");
            *seen.entry(view.class()).or_insert(0) += 1;
            assert!(!view.line.also.has(view.class()), "seed {seed}");
        }
        let again = world(seed, rows);
        let names: BTreeSet<_> = places
            .iter()
            .map(|(id, _, of, period)| (*id, of.split(' ').next().unwrap_or_default(), *period))
            .collect();
        for row in &again.stored {
            let place = (Some(row.resource), row.component.as_str(), row.period);
            assert!(names.contains(&place), "seed {seed}: {row:?} is in no line");
        }
        let cells: BTreeSet<_> = report
            .lines
            .iter()
            .flat_map(|line| line.cell.iter().chain(line.more.iter().flat_map(|more| &more.cells)))
            .map(|cell| cell.row)
            .collect();
        for line in again.lines.iter().filter(|line| has_file && again.periods.contains(line.period)) {
            assert!(cells.contains(&line.number), "seed {seed}: {line:?} is in no line");
        }
        let keys: usize = report.classes.iter().map(|total| total.keys).sum();
        assert_eq!((keys, report.verdict.keys), (report.lines.len(), report.lines.len()));
        let of_organisations: usize = report.organisations.iter().map(|total| total.keys).sum();
        assert_eq!(of_organisations, keys, "seed {seed}");
        assert!(has_file || report.lines.iter().all(|line| line.file.is_none()));

        let expected = all_of(&report);
        let others: Vec<String> = thread::scope(|scope| {
            let each: Vec<_> = (1..=2)
                .map(|turn| {
                    let rules = &rules;
                    let sides = shuffled(world(seed, rows), seed * 3 + turn);
                    scope.spawn(move || all_of(&sides.report(rules)))
                })
                .collect();
            each.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(others.iter().all(|other| *other == expected), "seed {seed}: order changes the report");
    }
    // Whatever can be drawn has been drawn.
    let missing: Vec<_> = Class::ALL.iter().filter(|class| !seen.contains_key(class)).collect();
    assert!(
        missing.iter().all(|class| matches!(class, Class::ConvertedByServer | Class::LeftOut)),
        "{missing:?} never came up: {seen:?}"
    );
}
