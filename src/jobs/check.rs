//! Load, resolve, judge: the first half of every use of a file.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::domain::{ResourceId, Selector};
use crate::error::Error;
use crate::findings::{Findings, Policy, RowCounts, Severity};
use crate::mapping::{Aliases, UnitFactor};
use crate::plan::{MadeWith, history};
use crate::resolve::{
    NamedKeys, ResolveSettings, Rounding, SettledAliases, Usages, UserUsages, months, not_ended,
    plan_periods, rows, several_plan_periods,
};
use crate::waldur::Reader;

use super::aliases;
use super::catalogue::{self, Snapshot};
use super::load::{InputSettings, Loaded, load};
use super::plan::month_before;
use super::scope_names::refuse_unknown;
use super::{Observer, Stages};

/// What is to be checked, and against what.
#[derive(Debug, Clone, Default)]
pub struct CheckSettings {
    /// The files.
    pub input: InputSettings,
    /// The offerings in scope; found from the file where empty.
    pub offerings: Vec<Selector>,
    /// The projects and organisations that are wanted.
    pub resolve: ResolveSettings,
    /// The file of the layout that was asked for, where it is one of the user's own.
    pub layout_file: Option<MadeWith>,
    /// A file with other names of resources and factors between units.
    pub aliases: Option<PathBuf>,
    /// Factors between units.
    pub unit_factors: Vec<UnitFactor>,
    /// The user's grading of findings.
    pub policy: Policy,
    /// The server's time zone, where the profile knows it.
    pub time_zone: Option<String>,
}

/// What a check leaves.
pub struct Check {
    /// Everything that was found.
    pub findings: Findings,
    /// The files and their rows.
    pub loaded: Loaded,
    /// The files beside those of usage that they were read by.
    pub made_with: Vec<MadeWith>,
    /// The figures of the rows that are not at deny.
    pub usages: Usages,
    /// The same of the rows that speak of one user.
    pub people: UserUsages,
    /// The resources that a row at deny speaks of.
    pub tainted: HashSet<ResourceId>,
    /// The server's state; `None` where the files were so wrong that it was not asked.
    pub snapshot: Option<Snapshot>,
    /// What the files name, where that was to be remembered.
    pub named: Option<NamedKeys>,
}

impl Check {
    /// What became of the rows.
    pub fn counts(&self) -> RowCounts {
        self.loaded.parsed.fates.counts()
    }

    /// What rounding did to the figures; `None` where there was no rule or no catalogue.
    pub fn rounding(&self) -> Option<Rounding> {
        let catalogue = &self.snapshot.as_ref()?.catalogue;
        Rounding::of(self.loaded.parsed.rounding, &self.usages, &self.people, catalogue)
    }

    /// Gives the rows that were found at deny since resolving their fate.
    pub fn mark_faulty(&mut self) {
        for row in self.findings.faulty_rows() {
            self.loaded.parsed.fates.faulty(row);
        }
    }
}

/// Checks files against the server. Posts nothing.
pub async fn check(
    reader: &Reader,
    settings: &CheckSettings,
    observer: &dyn Observer,
) -> Result<Check, Error> {
    let mut check = resolve(reader, settings, observer).await?;
    let Some(snapshot) = check.snapshot.as_mut() else { return Ok(check) };
    let _stage = Stages::begin(observer, "plan periods");
    let current = snapshot.catalogue.current_period();
    let of_this_month = check.usages.list().iter().filter(|usage| Some(usage.period) == current);
    let resources = of_this_month.map(|usage| usage.resource).collect();
    catalogue::add_plan_periods(reader, &mut snapshot.catalogue, &resources).await?;
    catalogue::of_one_month(reader, snapshot)?;
    let Snapshot { catalogue, capabilities, .. } = snapshot;
    let of_this_month: Vec<_> =
        check.usages.list().iter().filter(|usage| Some(usage.period) == current).collect();
    plan_periods(of_this_month.iter().copied(), catalogue, &mut check.findings);
    several_plan_periods(of_this_month, catalogue, capabilities.rows.value, &mut check.findings);
    compare_with_last_month(reader, &mut check).await?;
    check.mark_faulty();
    Ok(check)
}

/// Sets the figures of the last month that the files speak of against what is stored of the month before
/// it, unless nobody wants to hear of it.
async fn compare_with_last_month(reader: &Reader, check: &mut Check) -> Result<(), Error> {
    let Some(snapshot) = check.snapshot.as_mut() else { return Ok(()) };
    let Some(period) = check.usages.list().iter().map(|usage| usage.period).max() else { return Ok(()) };
    if history::CODES.iter().all(|code| check.findings.grade(*code) == Severity::Allow) {
        return Ok(());
    }
    let stored = month_before(reader, snapshot, period).await?;
    let figures = history::figures(check.usages.list(), period);
    history::compare(figures, &stored, &snapshot.catalogue, &mut check.findings);
    Ok(())
}

/// Loads files and sets every row against the catalogue; plan periods, which cost a request for each
/// resource, are not asked for yet.
pub async fn resolve(
    reader: &Reader,
    settings: &CheckSettings,
    observer: &dyn Observer,
) -> Result<Check, Error> {
    let mut stages = Stages::begin(observer, "load");
    let mut findings = Findings::new(settings.policy.clone());
    let mut made_with: Vec<MadeWith> = settings.layout_file.iter().cloned().collect();
    let (aliases, file) = read_aliases(settings, &mut findings)?;
    made_with.extend(file);
    let mut loaded = load(&settings.input, &mut findings)?;
    if findings.denies_the_run() && loaded.parsed.subjects.is_empty() {
        let (usages, people, tainted) = (Usages::default(), UserUsages::default(), HashSet::new());
        return Ok(Check {
            findings,
            loaded,
            made_with,
            usages,
            people,
            tainted,
            snapshot: None,
            named: None,
        });
    }
    stages.next("catalogue");
    let zone = settings.time_zone.as_deref();
    let snapshot = catalogue::for_rows(reader, &loaded.parsed, &settings.offerings, zone).await?;
    refuse_unknown(&settings.resolve, snapshot.catalogue.resources())?;
    stages.next("resolve");
    let aliases = SettledAliases::new(&aliases, &snapshot.catalogue, &mut findings);
    let remembers_names = settings.input.parse.remembers_names;
    let named =
        remembers_names.then(|| NamedKeys::of(&loaded.parsed, &snapshot.catalogue, &aliases, &mut findings));
    not_ended(&loaded.parsed, reader.now()?, &mut findings);
    let resolved = rows(
        &mut loaded.parsed,
        &snapshot.catalogue,
        &snapshot.capabilities,
        &settings.resolve,
        &aliases,
        &mut findings,
    );
    let counts = loaded.parsed.fates.counts();
    months(resolved.usages.list(), &snapshot.catalogue, counts, &mut findings);
    Ok(Check {
        findings,
        loaded,
        made_with,
        usages: resolved.usages,
        people: resolved.people,
        tainted: resolved.tainted,
        snapshot: Some(snapshot),
        named,
    })
}

/// The aliases of a file, and the factors that were typed.
pub(super) fn read_aliases(
    settings: &CheckSettings,
    findings: &mut Findings,
) -> Result<(Aliases, Option<MadeWith>), Error> {
    let (mut aliases, file) = match &settings.aliases {
        Some(path) => {
            let (read, file) = aliases::read(path, findings)?;
            (read, Some(file))
        }
        None => (Aliases::default(), None),
    };
    for (at, own) in settings.unit_factors.iter().enumerate() {
        let contradicts =
            |other: &&UnitFactor| other.from == own.from && other.to == own.to && other.factor != own.factor;
        if let Some(other) = settings.unit_factors[..at].iter().find(contradicts) {
            let what = format!("--unit-factor gives two factors: {other} and {own}");
            return Err(Error::setting(what, "give one of them"));
        }
    }
    // What is typed counts before what a file says.
    aliases.units.splice(0..0, settings.unit_factors.iter().cloned());
    Ok((aliases, file))
}
