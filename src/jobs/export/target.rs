//! A target of a run: what stands there, what it is to say, and which months have to be written.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{BillingPeriod, visible};
use crate::error::Error;
use crate::export::{ExportSink, Replacement};
use crate::warehouse::{
    ComponentDifference, Entry, FORMAT, Manifest, RevisionRecord, RunStamp, Schema, Scope, Slice, Table,
    VERSION, compare,
};

use super::source::Extract;
use super::{Done, Fate, Settings};

/// A target.
pub(super) struct Target<'a> {
    sink: &'a mut dyn ExportSink,
    name: String,
    /// What stands there; none where nothing was ever published.
    standing: Option<Manifest>,
    /// What the next manifest says.
    told: Manifest,
    /// Whether something of the one file of all months changed, so that it has to be written.
    is_due: bool,
    /// What is to be told of that file, once it is written.
    pending: Vec<Done>,
}

impl<'a> Target<'a> {
    /// Reads the manifest, and refuses a target that holds something else.
    pub(super) async fn open(
        settings: &Settings,
        (deployment, roles): (&str, &BTreeSet<String>),
        sink: &'a mut dyn ExportSink,
    ) -> Result<Self, Error> {
        let (name, standing) = (sink.name(), sink.manifest().await?);
        let told = match &standing {
            None => empty(settings, deployment, sink.is_guarded()),
            Some(found) => {
                judge(settings, deployment, sink, found)?;
                judge_roles(settings, roles, &name, found)?;
                Manifest { contract: settings.contract, ..found.clone() }
            }
        };
        let told = Manifest { roles: roles.clone(), ..told };
        Ok(Self { sink, name, standing, told, is_due: false, pending: Vec::new() })
    }

    /// The columns that were added to a table for fields of the server.
    pub(super) fn evolved(&self, table: Table) -> &[String] {
        self.told.evolved.get(table.name()).map_or(&[], Vec::as_slice)
    }

    /// Says which fields of the server became columns, and which are left out.
    pub(super) fn tell_fields(&mut self, table: Table, evolved: &[String], discarded: &[String]) {
        for (fields, names) in [(&mut self.told.evolved, evolved), (&mut self.told.discarded, discarded)] {
            if names.is_empty() {
                fields.remove(table.name());
            } else {
                fields.insert(table.name().to_owned(), names.to_vec());
            }
        }
    }

    /// Whether a month of these tables was published when its invoices were as they are, and is still what the
    /// manifest says.
    pub(super) async fn has(
        &mut self,
        tables: &[Table],
        period: BillingPeriod,
        invoices: &str,
    ) -> Result<bool, Error> {
        // The one file of all months is written from all of them.
        if self.sink.is_whole() {
            return Ok(false);
        }
        for table in tables {
            match self.told.entry(table.name(), period).cloned() {
                Some(entry)
                    if entry.closed_invoices.as_deref() == Some(invoices)
                        && self.sink.stands(&entry).await? => {}
                Some(_) | None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Leaves a month as it is, and says in the manifest since when nobody looked.
    pub(super) async fn leave(
        &mut self,
        settings: &Settings,
        period: BillingPeriod,
        done: &mut Vec<Done>,
    ) -> Result<(), Error> {
        for table in &settings.tables {
            let Some(entry) = self.told.entry(table.name(), period) else { continue };
            let since = entry.not_checked_since.unwrap_or(settings.now);
            let entry = Entry { not_checked_since: Some(since), ..entry.clone() };
            self.told.put(entry.clone());
            done.push(Done { target: self.name.clone(), entry, fate: Fate::NotChecked, revision: None });
        }
        self.publish(settings, Vec::new()).await
    }

    /// Writes what changed of a month.
    pub(super) async fn take(
        &mut self,
        settings: &Settings,
        extracts: &[Extract],
        closed_invoices: Option<&String>,
        done: &mut Vec<Done>,
    ) -> Result<(), Error> {
        let mut replacements = Vec::new();
        let mut written = Vec::new();
        for extract in extracts {
            let slice = &extract.slice;
            if self.sink.is_whole() {
                self.sink.keep(slice).await?;
            }
            let old = self.told.entry(slice.schema().table().name(), slice.period()).cloned();
            let new = new_entry(settings, extract, old.as_ref())?;
            let (fate, revision) = match &old {
                None => (Fate::Published, None),
                Some(old) if old.content == new.content => {
                    // Rows and sums that are not those of the content were altered by somebody.
                    let is_told = (old.rows, &old.sums) == (new.rows, &new.sums);
                    let is_whole = is_told && self.sink.stands(old).await?;
                    (if is_whole { Fate::Unchanged } else { Fate::Restored }, None)
                }
                Some(old) => (Fate::Replaced, Some(self.revised(old, &new, slice).await?)),
            };
            let entry = match (fate, old) {
                // Who wrote it, and when, stays as it is; that it was looked at does not.
                (Fate::Unchanged, Some(old)) => {
                    let closed_invoices = closed_invoices.cloned().or(old.closed_invoices.clone());
                    Entry { not_checked_since: None, closed_invoices, ..old }
                }
                _ => Entry { closed_invoices: closed_invoices.cloned(), ..new },
            };
            if fate == Fate::Unchanged || self.sink.is_whole() {
                self.told.put(entry.clone());
            } else {
                replacements.push(Replacement { slice: slice.clone(), entry: entry.clone() });
            }
            self.is_due |= fate != Fate::Unchanged;
            self.told.revisions.extend(revision.clone());
            written.push(Done { target: self.name.clone(), entry, fate, revision });
        }
        if self.sink.is_whole() {
            self.pending.extend(written);
            return Ok(());
        }
        self.publish(settings, replacements).await?;
        // The manifest knows the files by now.
        for done in &mut written {
            if let Some(entry) = self.told.entry(&done.entry.table, done.entry.period) {
                done.entry.file.clone_from(&entry.file);
            }
        }
        done.extend(written);
        Ok(())
    }

    /// Ends the run: what was kept for the one file of all months is written where anything of it changed.
    pub(super) async fn finish(&mut self, settings: &Settings, done: &mut Vec<Done>) -> Result<(), Error> {
        self.publish(settings, Vec::new()).await?;
        for mut own in std::mem::take(&mut self.pending) {
            if let Some(entry) = self.told.entry(&own.entry.table, own.entry.period) {
                own.entry.file.clone_from(&entry.file);
            }
            done.push(own);
        }
        Ok(())
    }

    /// Publishes, where there is anything to say that does not stand there.
    async fn publish(&mut self, settings: &Settings, replacements: Vec<Replacement>) -> Result<(), Error> {
        let is_told = self.standing.as_ref() == Some(&self.told);
        let is_due = self.sink.is_whole() && self.is_due;
        if replacements.is_empty() && is_told && !is_due {
            return Ok(());
        }
        self.told.run = stamp(settings);
        let standing = self.sink.publish(replacements, self.told.clone()).await?;
        self.told = standing.clone();
        self.standing = Some(standing);
        self.is_due = false;
        Ok(())
    }

    /// How a month that was published changed.
    async fn revised(&mut self, old: &Entry, new: &Entry, slice: &Slice) -> Result<RevisionRecord, Error> {
        let stands = self.sink.stands(old).await?;
        let rows = if stands { self.sink.rows(slice.schema(), old).await? } else { None };
        // What stands there tells better than what is said of it.
        let before = match &rows {
            Some(rows) => Slice::sums_of(slice.schema(), slice.period(), std::slice::from_ref(rows))
                .map_err(|error| Error::Bug(error.to_string()))?,
            None => old.sums.clone(),
        };
        Ok(RevisionRecord {
            table: new.table.clone(),
            period: new.period,
            revision: new.revision,
            run: new.run.clone(),
            rows: rows.map(|rows| compare((slice.schema(), &rows), slice)),
            difference: ComponentDifference::between(&before, &new.sums)
                .ok_or_else(|| Error::Bug("a difference of sums is beyond 10^24".into()))?,
        })
    }
}

fn new_entry(settings: &Settings, extract: &Extract, old: Option<&Entry>) -> Result<Entry, Error> {
    let slice = &extract.slice;
    Ok(Entry {
        table: slice.schema().table().name().to_owned(),
        period: slice.period(),
        rows: slice.rows().num_rows(),
        sums: slice.sums().map_err(|error| Error::Bug(error.to_string()))?,
        content: slice.digest().to_owned(),
        file: None,
        revision: old.map_or(1, |old| old.revision.saturating_add(u32::from(old.content != slice.digest()))),
        proof: extract.proof.clone(),
        run: stamp(settings),
        not_checked_since: None,
        closed_invoices: None,
    })
}

/// The manifest of a target at which nothing was published yet.
fn empty(settings: &Settings, deployment: &str, is_guarded: bool) -> Manifest {
    Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        schema_version: Schema::VERSION,
        deployment: deployment.to_owned(),
        scope: settings.scope.clone(),
        roles: BTreeSet::new(),
        run: stamp(settings),
        contract: settings.contract,
        evolved: BTreeMap::new(),
        discarded: BTreeMap::new(),
        excel_safe: is_guarded,
        slices: Vec::new(),
        revisions: Vec::new(),
    }
}

/// Refuses a target that holds something else than this run writes: a month is replaced whole, and months of
/// two kinds beside each other would add up to nothing.
fn judge(
    settings: &Settings,
    deployment: &str,
    sink: &dyn ExportSink,
    found: &Manifest,
) -> Result<(), Error> {
    let refuse = |holds: String, hint: &str| {
        Err(Error::setting(format!("{} holds {holds}", visible(&sink.name())), hint))
    };
    let another = "name another target for it; a month is replaced whole";
    if found.deployment != deployment {
        return refuse(
            format!("data of {}, and this is {}", visible(&found.deployment), visible(deployment)),
            another,
        );
    }
    let all_but_account = |scope: &Scope| Scope { account: None, ..scope.clone() };
    if found.scope != settings.scope && all_but_account(&found.scope) == all_but_account(&settings.scope) {
        let view = |scope: &Scope| {
            let account = scope.account;
            account.map_or_else(|| "what sees everything".to_owned(), |id| format!("what account {id} sees"))
        };
        let (holds, own) = (view(&found.scope), view(&settings.scope));
        let hint =
            "use a token of the account that wrote it, or name another target; a month is replaced whole";
        return refuse(format!("{holds}, and this is {own}"), hint);
    }
    if found.scope != settings.scope {
        let scope = |scope| visible(&serde_json::to_string(scope).unwrap_or_default()).to_string();
        let (holds, wanted) = (scope(&found.scope), scope(&settings.scope));
        return refuse(format!("the selection {holds}, and this is {wanted}"), another);
    }
    if found.schema_version != Schema::VERSION {
        let (holds, own) = (found.schema_version, Schema::VERSION);
        return refuse(format!("columns of version {holds}, and this program writes version {own}"), another);
    }
    if found.excel_safe != sink.is_guarded() {
        let holds = if found.excel_safe { "guarded text" } else { "text that is not guarded" };
        return refuse(holds.to_owned(), "give --excel-safe as it was given before, or name another target");
    }
    if sink.is_whole() {
        let is_read = |entry: &&Entry| {
            settings.period.contains(entry.period)
                && settings.tables.iter().any(|table| table.name() == entry.table)
        };
        if let Some(entry) = found.slices.iter().find(|entry| !is_read(entry)) {
            return refuse(
                format!("{} of {}, which this run does not read", visible(&entry.table), entry.period),
                "it is one file and is replaced whole: ask for all that it holds, or name another file",
            );
        }
    }
    Ok(())
}

/// Refuses to publish what an account sees that has lost roles: a list that it sees less of is no list of which
/// rows were removed, and no answer of the server tells the one from the other.
fn judge_roles(
    settings: &Settings,
    roles: &BTreeSet<String>,
    name: &str,
    found: &Manifest,
) -> Result<(), Error> {
    let lost: Vec<&str> = found.roles.difference(roles).map(String::as_str).collect();
    let Some(first) = lost.first().filter(|_| !settings.accept_lost_roles) else { return Ok(()) };
    let more = if lost.len() > 1 { format!(" and {} more", lost.len() - 1) } else { String::new() };
    Err(Error::setting(
        format!(
            "{} holds what the account saw as {}{more}, which it is no longer: months would lose their rows",
            visible(name),
            visible(first)
        ),
        "have the role given back, name another target, or give --accept-lost-roles once",
    ))
}

fn stamp(settings: &Settings) -> RunStamp {
    RunStamp {
        id: settings.run,
        time: settings.now,
        tool: concat!("waldur-usage ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}
