//! Words in a cell without a header beside an amount: `12 | h`.
//!
//! A unit there is the unit of the amount, for whoever reads the sheet. So it is taken as one, and checked
//! like any; other words are a remark, and said not to be read. What is a unit is known from the catalogue,
//! from the factors that the user gave, and from a list of the usual ones.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{fold, visible};
use crate::findings::{Code, Finding, Findings};
use crate::mapping::Field;
use crate::parse::{Figure, Parsed, short};

use super::aliases::SettledAliases;
use super::catalogue::Catalogue;

/// Words that units are made of, folded.
const UNITS: &[&str] = &[
    // Times.
    "s",
    "sec",
    "secs",
    "second",
    "seconds",
    "min",
    "mins",
    "minute",
    "minutes",
    "h",
    "hr",
    "hrs",
    "hour",
    "hours",
    "d",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "std",
    "stunde",
    "stunden",
    "tag",
    "tage",
    "monat",
    "monate",
    "heure",
    "heures",
    "jour",
    "jours",
    "mois",
    "hora",
    "horas",
    "dia",
    "dias",
    "ora",
    "ore",
    "giorno",
    "giorni",
    "tund",
    "tundi",
    "paev",
    "paeva",
    "uur",
    "uren",
    "timme",
    "timmar",
    "tunti",
    "tuntia",
    "hod",
    "hodin",
    "godz",
    // Data.
    "b",
    "byte",
    "bytes",
    "bit",
    "bits",
    "kb",
    "mb",
    "gb",
    "tb",
    "pb",
    "eb",
    "kib",
    "mib",
    "gib",
    "tib",
    "pib",
    "kbit",
    "mbit",
    "gbit",
    "tbit",
    "ko",
    "mo",
    "go",
    "to",
    // Things.
    "core",
    "cores",
    "cpu",
    "cpus",
    "vcpu",
    "vcpus",
    "gpu",
    "gpus",
    "node",
    "nodes",
    "ram",
    "mem",
    "disk",
    "instance",
    "instances",
    "vm",
    "vms",
    "job",
    "jobs",
    "su",
    "sus",
    "credit",
    "credits",
    "request",
    "requests",
    "token",
    "tokens",
    "address",
    "addresses",
    "ip",
    "ips",
    "user",
    "users",
    "licence",
    "licences",
    "license",
    "licenses",
    "unit",
    "units",
    "piece",
    "pieces",
    "pcs",
    "stk",
    "stück",
    "wh",
    "kwh",
    "mwh",
    // Powers of ten, and money.
    "k",
    "m",
    "g",
    "t",
    "thousand",
    "million",
    "thousands",
    "millions",
    "tausend",
    "%",
    "percent",
    "eur",
    "usd",
    "gbp",
    "chf",
    "sek",
    "nok",
    "dkk",
    "czk",
    "pln",
    "huf",
    "€",
    "$",
    "£",
];

/// No unit is longer.
const LONGEST: usize = 40;

/// What is known to be a unit.
pub struct UnitWords {
    words: HashSet<&'static str>,
    known: HashSet<String>,
}

impl UnitWords {
    /// Collects the units of components and of factors.
    pub fn new(catalogue: &Catalogue, aliases: &SettledAliases) -> Self {
        let components = catalogue.offerings().into_iter().flat_map(|offering| &offering.components);
        let measured = components.map(|component| fold(&component.measured_unit));
        let given = aliases.units().iter().map(|unit| fold(&unit.from));
        let known = measured.chain(given).filter(|unit| !unit.is_empty()).collect();
        Self { words: UNITS.iter().copied().collect(), known }
    }

    /// Whether a text is a unit: one that is known, or one that is made of nothing but the words of units.
    pub fn is_unit(&self, text: &str) -> bool {
        if text.len() > LONGEST {
            return false;
        }
        let lower = text.to_lowercase();
        let lower = lower.trim_matches(|one: char| "()[]. ".contains(one));
        let signs = ['-', '‑', '–', '·', '*', '/', '×', ' ', '_', '.', '^', '\u{a0}'];
        let mut words = lower.split(signs).filter(|word| !word.is_empty()).peekable();
        let is_word = |word: &str| {
            // An hour is often written to what was used in it: GBh.
            let without_hour = word.strip_suffix('h').filter(|word| !word.is_empty());
            self.words.contains(word) || without_hour.is_some_and(|word| self.words.contains(word))
        };
        self.known.contains(&fold(text)) || words.peek().is_some() && words.all(is_word)
    }
}

/// Gives figures the units that stand beside them.
pub fn take_units(
    parsed: &mut Parsed,
    figures: &mut [Figure],
    catalogue: &Catalogue,
    aliases: &SettledAliases,
    findings: &mut Findings,
) {
    let words = std::mem::take(&mut parsed.words_beside);
    if words.is_empty() {
        return;
    }
    let units = UnitWords::new(catalogue, aliases);
    let mut beside: HashMap<(usize, usize), Arc<str>> = HashMap::new();
    let mut of_row: HashMap<usize, (usize, Arc<str>)> = HashMap::new();
    let mut remarks = BTreeSet::new();
    for (subject, column, text) in words {
        let table = parsed.subjects[subject].table();
        if parsed.tables[table].column(Field::Unit) == Some(column) {
            of_row.insert(subject, (column, text));
        } else if units.is_unit(&text) {
            beside.insert((subject, column), text);
        } else {
            remarks.insert((table, column, parsed.subjects[subject].number));
        }
    }
    for figure in figures {
        let near = |column: usize| Some((column, beside.get(&(figure.subject(), column))?.clone()));
        let before = || figure.column().checked_sub(1).and_then(near);
        let found = near(figure.column() + 1).or_else(before);
        let Some((column, unit)) = found.or_else(|| of_row.get(&figure.subject()).cloned()) else { continue };
        match &figure.unit {
            None => (figure.unit, figure.unit_column) = (Some(unit), short(column)),
            Some(own) if own.trim() == unit.trim() => {}
            Some(own) => {
                let expected = format!("{}, the other unit of this amount", visible(own));
                let finding = Finding::new(Code::UnitMismatch, visible(&unit).to_string(), expected);
                let subject = &parsed.subjects[figure.subject()];
                findings.push(finding.at(parsed.place(figure.subject(), Some(column))).row(subject.row));
            }
        }
    }
    let mut told = HashSet::new();
    for (table, column, number) in remarks {
        if told.insert((table, column)) {
            let expected = "a header, or a unit beside the amount; it is ignored";
            let finding = Finding::new(Code::UnknownColumn, "a column without a header", expected);
            findings.push(finding.at(parsed.tables[table].place(number, Some(column))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_from_remarks() {
        let units = UnitWords {
            words: UNITS.iter().copied().collect(),
            known: HashSet::from([fold("widgets of 12")]),
        };
        for unit in
            ["h", "GB", "k-hours", "core-hours", "GB·h", "GBh", "kWh", "(h)", "€", "MB/s", "Widgets of 12"]
        {
            assert!(units.is_unit(unit), "{unit}");
        }
        for remark in ["ok", "x", "estimated", "see hours", "", "-", "night jobs only", "checked"] {
            assert!(!units.is_unit(remark), "{remark}");
        }
    }
}
