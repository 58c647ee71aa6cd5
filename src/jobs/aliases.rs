//! The alias file: other names of resources, and factors between units.
//!
//! Two forms are read: TOML with the tables `[resources]` and `[units]`, and any spreadsheet with the
//! columns `from` and `to`, and `factor` where a row is one between units. An entry that cannot be
//! understood stops the run with its place, because leaving it out would change what is posted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::domain::{Place, Spot, fold, visible};
use crate::error::Error;
use crate::findings::{Code, Finding, Findings};
use crate::mapping::{Alias, Aliases, UnitFactor};
use crate::parse::RawRow;
use crate::plan::{MadeWith, MadeWithKind};
use crate::source::{Input, each_row};

/// The file in TOML, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    resources: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    units: BTreeMap<String, Spanned<String>>,
}

/// Reads an alias file, and tells what a plan says of it. What cannot be read at all is an error; what is in
/// it becomes findings.
pub fn read(path: &Path, findings: &mut Findings) -> Result<(Aliases, MadeWith), Error> {
    let input = Input::read(path)?;
    let is_toml = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let mut reading = Reading { aliases: Aliases::default(), findings };
    if is_toml {
        reading.toml(&input);
    } else if let Err(finding) = reading.table(&input) {
        reading.findings.push(finding);
    }
    let (kind, name) = (MadeWithKind::Aliases, input.name().to_owned());
    Ok((reading.aliases, MadeWith { kind, name, sha256: input.digest() }))
}

struct Reading<'a> {
    aliases: Aliases,
    findings: &'a mut Findings,
}

impl Reading<'_> {
    fn toml(&mut self, input: &Input) {
        let text = String::from_utf8_lossy(input.bytes());
        let place = |span: Option<Range<usize>>| {
            let line =
                span.map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
            let spot = line.and_then(|line| u32::try_from(line).ok()).map_or(Spot::Whole, Spot::Row);
            Place { spot, ..Place::file(input.name()) }
        };
        let written: Written = match toml::from_str(&text) {
            Ok(written) => written,
            Err(error) => {
                let expected = "tables [resources] and [units] of TOML, with texts on both sides";
                let found = visible(error.message()).to_string();
                self.findings.push(Finding::new(Code::InvalidAlias, found, expected).at(place(error.span())));
                return;
            }
        };
        for (from, to) in written.resources {
            let place = place(Some(to.span()));
            self.alias(&from, to.get_ref(), place);
        }
        for (from, to) in written.units {
            let place = place(Some(to.span()));
            let (factor, unit) = to.get_ref().trim().split_once(char::is_whitespace).unwrap_or_default();
            self.unit(&from, factor, unit, place);
        }
    }

    /// Reads the rows of a spreadsheet.
    fn table(&mut self, input: &Input) -> Result<(), Finding> {
        let mut source = input.open(None)?;
        let mut columns: Option<[Option<usize>; 3]> = None;
        each_row(source.as_mut(), &mut |row| match columns {
            _ if row.is_blank() => {}
            None => {
                let column = |name| (0..row.width()).find(|&at| fold(row.cell(at).text) == name);
                let found = ["from", "to", "factor"].map(column);
                if found[..2].iter().any(Option::is_none) {
                    let expected = "a first row with the columns from and to";
                    self.findings
                        .push(Finding::new(Code::InvalidAlias, "no such columns", expected).at(row.whole()));
                }
                columns = Some(found);
            }
            Some([Some(from), Some(to), factor]) => self.row(row, from, to, factor),
            Some(_) => {}
        })
    }

    fn row(&mut self, row: &RawRow, from: usize, to: usize, factor: Option<usize>) {
        let text = |column| row.cell(column).text;
        match factor.map(text).filter(|factor| !factor.is_empty()) {
            Some(factor) => self.unit(text(from), factor, text(to), row.whole()),
            None => self.alias(text(from), text(to), row.place(to)),
        }
    }

    fn alias(&mut self, from: &str, to: &str, place: Place) {
        let (from, to) = (from.trim(), to.trim());
        if from.is_empty() || to.is_empty() {
            let finding = Finding::new(Code::InvalidAlias, "a blank name", "a name on both sides");
            self.findings.push(finding.at(place));
            return;
        }
        self.aliases.resources.push(Alias { from: from.to_owned(), to: to.to_owned(), place });
    }

    fn unit(&mut self, from: &str, factor: &str, to: &str, place: Place) {
        match UnitFactor::new(from, factor, to) {
            Ok(unit) if self.is_other_factor(&unit) => {
                let found = format!("a second factor from {} to {}", visible(&unit.from), visible(&unit.to));
                let finding = Finding::new(Code::InvalidAlias, found, "one factor between two units");
                self.findings.push(finding.at(place));
            }
            Ok(unit) => self.aliases.units.push(unit),
            Err(error) => {
                let found = format!("{} {}: {error}", visible(factor), visible(to));
                let expected = "a factor and a unit, such as 0.001 GB-hours";
                self.findings.push(Finding::new(Code::InvalidAlias, found, expected).at(place));
            }
        }
    }

    fn is_other_factor(&self, unit: &UnitFactor) -> bool {
        let known = self.aliases.factor(&unit.from, &unit.to);
        known.is_some_and(|known| known != unit.factor)
    }
}
